//! Broken answers are errors, and never truth.

use std::time::{Duration, Instant};

use rstest::rstest;
use solidserver_operator::record::RecordType;
use solidserver_operator::solidserver::{Client, Error, Sight};
use solidserver_simulator::{Fault, FaultKind};

use super::{Dialect, client, client_with, edit, label, names, new_row, place, start, with_rows};

fn fault(service: &str, kind: &str) -> Fault {
    serde_json::from_value(serde_json::json!({"service": service, "kind": kind})).unwrap()
}

/// A deadline that ends a hanging call soon, and that nothing else comes near on a busy machine.
fn deadline(fault: &serde_json::Value) -> Duration {
    match fault["kind"].as_str() {
        Some("hang" | "slow") => Duration::from_millis(1500),
        _ => Duration::from_secs(10),
    }
}

/// Has a connection made beforehand, as it is there in the midst of work: making one may take a busy machine longer than the
/// deadlines of these tests.
async fn connect(client: &Client) {
    for _ in 0..50 {
        if client.version().await.is_ok() {
            return;
        }
    }
    panic!("no connection");
}

/// Every way to spoil one list answer of several; the error that each must lead to.
fn list_faults() -> Vec<(Fault, &'static str)> {
    let list = "dns_rr_list";
    vec![
        (fault(list, "truncate"), "incomplete"),
        (fault(list, "empty"), "incomplete"),
        (fault(list, "success-false"), "rejected"),
        (fault(list, "connected-false"), "incomplete"),
        (fault(list, "html"), "incomplete"),
        (fault(list, "ignore-where"), "incomplete"),
        (fault(list, "foreign-rows"), "incomplete"),
        (Fault::status(list, 400), "rejected"),
        (Fault::status(list, 403), "forbidden"),
        (Fault::status(list, 404), "settings"),
        (Fault::status(list, 412), "clock_skew"),
        (Fault::status(list, 500), "unavailable"),
        (Fault::status(list, 503), "unavailable"),
        (Fault::status(list, 408), "unavailable"),
        (Fault::status(list, 302), "settings"),
        // A pause that is too long to be waited for, even in the middle of a list.
        (
            serde_json::from_value(
                serde_json::json!({"service": list, "kind": "status", "code": 429, "retryAfter": "300"}),
            )
            .unwrap(),
            "rate_limited",
        ),
        (fault(list, "reset-before-commit"), "unreachable"),
        (fault(list, "hang"), "unreachable"),
    ]
}

#[rstest]
#[tokio::test]
async fn no_spoilt_page_of_a_list_is_taken_for_truth(#[values(Dialect::Rest, Dialect::V2)] dialect: Dialect) {
    let simulator = start(dialect, with_rows(100)).await;
    for (fault, expected) in list_faults() {
        let deadline = deadline(&serde_json::to_value(&fault).unwrap());
        for page in 0..3 {
            // A fresh client: a 429 holds the one that met it back.
            let client = client_with(&simulator, |settings| {
                settings.page_size = 40;
                settings.request_timeout = deadline;
            });
            simulator.inject(fault.clone().after(page));
            let read = client.read_zone(&place()).await;
            simulator.clear_faults();
            assert_eq!(label(&read), expected, "{:?} in page {page}: {read:?}", fault.kind);
        }
        let client = client_with(&simulator, |settings| settings.request_timeout = deadline);
        simulator.inject(fault.clone());
        let read = client.read_names(&place(), &names(0..5)).await;
        simulator.clear_faults();
        assert_eq!(label(&read), expected, "{:?} by name: {read:?}", fault.kind);
    }
    simulator.shutdown().await;
}

#[rstest]
#[tokio::test]
async fn missing_rows_in_the_middle_of_a_list_are_noticed(
    #[values(Dialect::Rest, Dialect::V2)] dialect: Dialect,
) {
    let simulator = start(dialect, with_rows(100)).await;
    for page_size in [20, 40] {
        for page in 0..3 {
            let client = client_with(&simulator, |settings| settings.page_size = page_size);
            // A page with fewer rows than asked: nothing is lost, the next page goes on where it ended.
            simulator.inject(
                Fault::new("dns_rr_list", FaultKind::ShortPage { missing: Some(7) }).after(page).count(1),
            );
            let reading = client.read_zone(&place()).await.unwrap();
            simulator.clear_faults();
            assert_eq!((reading.rows.len(), reading.sight), (102, Sight::Seen), "short page {page}");
        }
        for page in 0..2 {
            let client = client_with(&simulator, |settings| settings.page_size = page_size);
            // A page that never comes.
            simulator.inject(Fault::new("dns_rr_list", FaultKind::DropPage).after(page).count(1));
            let read = client.read_zone(&place()).await;
            simulator.clear_faults();
            let Err(Error::Incomplete { what, .. }) = &read else { panic!("dropped page {page}: {read:?}") };
            assert!(what.contains(&format!("lists {} rows and counts 102", 102 - page_size)), "{what}");
        }
    }
    simulator.shutdown().await;
}

#[rstest]
#[tokio::test]
async fn ids_that_change_in_the_middle_of_a_list_spoil_it(
    #[values(Dialect::Rest, Dialect::V2)] dialect: Dialect,
) {
    let simulator = start(dialect, with_rows(100)).await;
    for page in 1..3 {
        let client = client_with(&simulator, |settings| settings.page_size = 40);
        simulator.inject(Fault::new("dns_rr_list", FaultKind::RenumberIds).after(page));
        let read = client.read_zone(&place()).await;
        simulator.clear_faults();
        assert!(matches!(&read, Err(Error::Incomplete { .. })), "{read:?}");
    }
    simulator.shutdown().await;
}

#[rstest]
#[tokio::test]
async fn an_order_that_is_ignored_for_a_while_costs_calls_and_nothing_else(
    #[values(Dialect::Rest, Dialect::V2)] dialect: Dialect,
) {
    let simulator = start(dialect, with_rows(100)).await;
    let client = client_with(&simulator, |settings| settings.page_size = 40);
    simulator.inject(Fault::new("dns_rr_list", FaultKind::IgnoreOrderby).after(1).count(1));
    let reading = client.read_zone(&place()).await.unwrap();
    assert_eq!((reading.rows.len(), reading.sight), (102, Sight::Seen));
    simulator.shutdown().await;
}

#[rstest]
#[tokio::test]
async fn a_read_is_repeated_once_after_a_lost_connection_or_an_outage(
    #[values(Dialect::Rest, Dialect::V2)] dialect: Dialect,
) {
    let simulator = start(dialect, with_rows(5)).await;
    let client = client(&simulator);
    for fault in [fault("*", "reset-before-commit"), Fault::status("*", 502), Fault::status("*", 500)] {
        simulator.reset_calls();
        simulator.inject(fault.clone().count(1));
        assert_eq!(client.count_rows(&place()).await.unwrap(), 7, "{:?}", fault.kind);
        assert_eq!(simulator.calls().total, 2, "{:?}", fault.kind);
        simulator.inject(fault.clone().count(2));
        assert!(client.count_rows(&place()).await.is_err(), "{:?}", fault.kind);
        assert_eq!(simulator.calls().total, 4, "{:?}", fault.kind);
        simulator.clear_faults();
    }
    simulator.shutdown().await;
}

/// Every way to spoil the answer to a write; the error that each must lead to, and whether the write took effect.
fn write_faults() -> Vec<(serde_json::Value, &'static str, bool)> {
    use serde_json::json;
    vec![
        (json!({"kind": "hang"}), "ambiguous", false),
        (json!({"kind": "hang", "afterCommit": true}), "ambiguous", true),
        (json!({"kind": "slow", "ms": 4000, "afterCommit": true}), "ambiguous", true),
        (json!({"kind": "reset-before-commit"}), "ambiguous", false),
        (json!({"kind": "reset-after-commit"}), "ambiguous", true),
        (json!({"kind": "truncate"}), "ambiguous", true),
        (json!({"kind": "empty"}), "ambiguous", false),
        (json!({"kind": "empty", "afterCommit": true}), "ambiguous", true),
        (json!({"kind": "html"}), "ambiguous", false),
        (json!({"kind": "connected-false"}), "ambiguous", false),
        (json!({"kind": "status", "code": 500}), "ambiguous", false),
        (json!({"kind": "status", "code": 502, "afterCommit": true}), "ambiguous", true),
        (json!({"kind": "status", "code": 408}), "ambiguous", false),
        (json!({"kind": "status", "code": 403}), "forbidden", false),
        (json!({"kind": "status", "code": 412}), "clock_skew", false),
        (json!({"kind": "status", "code": 414}), "rejected", false),
        (json!({"kind": "success-false", "message": "no"}), "rejected", false),
        (json!({"kind": "reject", "message": "Invalid value"}), "rejected", false),
        (json!({"kind": "reject", "message": "TTL too low", "severity": "warning"}), "rejected", false),
        (json!({"kind": "status", "code": 429, "retryAfter": "1"}), "rate_limited", false),
    ]
}

#[rstest]
#[tokio::test]
async fn a_write_is_sent_once_and_its_outcome_is_known_or_said_to_be_unknown(
    #[values(Dialect::Rest, Dialect::V2)] dialect: Dialect,
) {
    let simulator = start(dialect, with_rows(100)).await;
    let count = |owner: &str| simulator.rows_at(owner).len();
    for (number, (fault, expected, effective)) in write_faults().into_iter().enumerate() {
        let deadline = deadline(&fault);
        let client = client(&simulator);
        let added = format!("added-{number}.shop.example.com");
        let host = format!("host-{number}.shop.example.com");
        let reading = client.read_names(&place(), &[super::name(&host)]).await.unwrap();
        let id = &reading.rows[0].id;
        let mut fault = fault;
        fault["service"] = "write".into();
        for operation in ["add", "edit", "delete"] {
            let client = client_with(&simulator, |settings| settings.request_timeout = deadline);
            connect(&client).await;
            simulator.inject(serde_json::from_value(fault.clone()).unwrap());
            simulator.reset_calls();
            let outcome = match operation {
                "add" => client.add(&place(), &new_row(&added, RecordType::A, "192.0.2.1")).await.map(drop),
                "edit" => client.edit(&place(), id, &edit(RecordType::A, "192.0.2.77", 77)).await.map(drop),
                _ => client.delete(&place(), id).await,
            };
            simulator.clear_faults();
            assert_eq!(label(&outcome), expected, "{fault} on {operation}: {outcome:?}");
            assert_eq!(simulator.calls().writes(), 1, "{fault} on {operation}");
            let done = match operation {
                "add" => count(&added) == 1,
                "edit" => simulator.rows_at(&host)[0].ttl == 77,
                _ => count(&host) == 0,
            };
            assert_eq!(done, effective, "{fault} on {operation}");
        }
    }
    simulator.shutdown().await;
}

#[rstest]
#[tokio::test]
async fn a_hanging_appliance_costs_the_deadline_and_no_more(
    #[values(Dialect::Rest, Dialect::V2)] dialect: Dialect,
) {
    let simulator = start(dialect, with_rows(1)).await;
    let client = client_with(&simulator, |settings| settings.request_timeout = Duration::from_millis(300));
    connect(&client).await;
    simulator.reset_calls();
    simulator.inject(fault("*", "hang"));
    let begin = Instant::now();
    let outcome = client.count_rows(&place()).await;
    assert!(matches!(&outcome, Err(Error::Unreachable { cause }) if cause.contains("0.3 s")), "{outcome:?}");
    // Not repeated, and far from the ten seconds of a default.
    assert!(begin.elapsed() < Duration::from_secs(5));
    assert_eq!(simulator.calls().total, 1);
    simulator.shutdown().await;
}

#[rstest]
#[tokio::test]
async fn the_appliances_words_are_kept(#[values(Dialect::Rest, Dialect::V2)] dialect: Dialect) {
    let simulator = start(dialect, with_rows(1)).await;
    let client = client(&simulator);
    let message = Some("CNAME and other data".to_owned());
    simulator.inject(Fault::new("add", FaultKind::Reject { message, severity: None }));
    for shape in ["object", "array"] {
        simulator.set_quirk("error-shape", shape).unwrap();
        let outcome = client.add(&place(), &new_row("a.shop.example.com", RecordType::A, "192.0.2.1")).await;
        let Err(Error::Rejected { service, code, message }) = &outcome else { panic!("{outcome:?}") };
        let add = if dialect == Dialect::Rest { "dns_rr_add" } else { "dns/rr/add" };
        assert_eq!((*service, &**message), (add, "CNAME and other data"));
        assert!(code.parse::<u32>().is_ok(), "{code}");
    }
    simulator.shutdown().await;
}
