//! Lists are whole or an error, whatever others write and however the appliance pages.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use rstest::rstest;
use solidserver_operator::record::Row;
use solidserver_operator::solidserver::{EndedBy, Sight};
use solidserver_simulator::{Container, Fault, FaultKind, NewRow, SeedServer, SeedView, SeedZone};

use super::{Dialect, SERVER, ZONE, client, client_with, name, names, place, place_in, start, with_rows};

fn owners(rows: &[Row]) -> BTreeSet<&str> {
    rows.iter().map(|row| row.name.as_str()).collect()
}

#[rstest]
#[tokio::test]
async fn a_zone_is_read_page_by_page_and_compared_with_its_count(
    #[values(Dialect::Rest, Dialect::V2)] dialect: Dialect,
) {
    let simulator = start(dialect, with_rows(250)).await;
    // 250 rows, SOA and one NS.
    for (page_size, lists) in [(1000, 1), (100, 3), (84, 4), (252, 2), (251, 2)] {
        let client = client_with(&simulator, |settings| settings.page_size = page_size);
        simulator.reset_calls();
        let reading = client.read_zone(&place()).await.unwrap();
        assert_eq!((reading.rows.len(), reading.rows_seen), (252, 252));
        assert_eq!((reading.sight, reading.ended_by), (Sight::Seen, EndedBy::Count));
        let calls = simulator.calls();
        assert_eq!((calls.operation("list"), calls.operation("count")), (lists, 1), "pages of {page_size}");
        assert_eq!(reading.calls as u64, calls.total);
    }
    assert_eq!(client(&simulator).count_rows(&place()).await.unwrap(), 252);
    simulator.shutdown().await;
}

#[rstest]
#[tokio::test]
async fn the_count_is_asked_for_beside_the_first_page(
    #[values(Dialect::Rest, Dialect::V2)] dialect: Dialect,
) {
    let simulator = start(dialect, with_rows(250)).await;
    let client = client(&simulator);
    client.read_zone(&place()).await.unwrap();
    simulator.set_latency(Duration::from_millis(500));
    simulator.reset_calls();
    let reading = client.read_zone(&place()).await.unwrap();
    assert_eq!((reading.rows.len(), reading.ended_by, reading.calls), (252, EndedBy::Count, 2));
    assert_eq!(simulator.calls().max_in_flight, 2);
    simulator.shutdown().await;
}

#[rstest]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rows_that_stay_are_listed_once_while_others_come_and_go(
    #[values(Dialect::Rest, Dialect::V2)] dialect: Dialect,
    // Below the page size each page looks like the last one.
    #[values(None, Some(20))] cap: Option<usize>,
) {
    const CHANGES: usize = 150;
    let simulator = start(dialect, with_rows(300)).await;
    simulator.set_page_cap(cap);
    simulator.set_latency(Duration::from_millis(2));
    let client = client_with(&simulator, |settings| settings.page_size = 25);
    let stays: BTreeSet<String> = (0..300).step_by(2).map(|number| format!("host-{number}.{ZONE}")).collect();
    let done = AtomicBool::new(false);
    let disturb = async {
        // Every other row goes, from the front; new ones come at the end.
        let rows = simulator.rows().into_iter().filter(|row| row.record_type == "A" && row.zone == ZONE);
        let going: Vec<_> = rows.filter(|row| !stays.contains(&row.name)).map(|row| row.id).collect();
        assert_eq!(going.len(), CHANGES);
        for (number, id) in going.into_iter().enumerate() {
            simulator.delete_row(&id).unwrap();
            let owner = format!("new-{number}.{ZONE}");
            simulator.add_row(NewRow::new(owner, "A", ["192.0.2.9"]).server(SERVER)).unwrap();
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        done.store(true, Ordering::Relaxed);
    };
    let read = async {
        let (mut readings, mut disturbed) = (0, 0);
        while !done.load(Ordering::Relaxed) {
            let before = simulator.rows();
            let reading = client.read_zone(&place()).await.unwrap();
            assert_eq!(reading.sight, Sight::Seen);
            let staying =
                reading.rows.iter().map(|row| row.name.as_str()).filter(|name| stays.contains(*name));
            assert_eq!(staying.count(), stays.len(), "every row that stays is listed, and once");
            assert!(owners(&reading.rows).is_superset(&stays.iter().map(String::as_str).collect()));
            let ids: BTreeSet<_> = reading.rows.iter().map(|row| &row.id).collect();
            assert_eq!(ids.len(), reading.rows.len());
            readings += 1;
            disturbed += usize::from(simulator.rows() != before);
        }
        (readings, disturbed)
    };
    let ((), (readings, disturbed)) = tokio::join!(disturb, read);
    assert!(disturbed > 0, "none of {readings} readings was disturbed");
    simulator.shutdown().await;
}

#[rstest]
#[tokio::test]
async fn a_limit_of_the_appliances_own_cuts_nothing_off(
    #[values(Dialect::Rest, Dialect::V2)] dialect: Dialect,
) {
    let simulator = start(dialect, with_rows(250)).await;
    for cap in [7, 84, 100, 252, 253] {
        simulator.set_page_cap(Some(cap));
        let reading = client(&simulator).read_zone(&place()).await.unwrap();
        assert_eq!(reading.rows.len(), 252, "cap of {cap}");
        let reading = client(&simulator).read_names(&place(), &names(0..120)).await.unwrap();
        assert_eq!(owners(&reading.rows).len(), 120, "cap of {cap}");
        assert_eq!(client(&simulator).zones(SERVER).await.unwrap().len(), 2);
    }
    simulator.shutdown().await;
}

#[rstest]
#[tokio::test]
async fn an_account_that_may_not_count_reads_until_nothing_follows(
    #[values(Dialect::Rest, Dialect::V2)] dialect: Dialect,
) {
    let simulator = start(dialect, with_rows(250)).await;
    for code in ["403", "400"] {
        simulator.set_quirk("forbidden-code", code).unwrap();
        simulator.inject(Fault::new("dns_rr_count", FaultKind::Forbidden));
        for cap in [None, Some(50)] {
            simulator.set_page_cap(cap);
            let reading = client(&simulator).read_zone(&place()).await.unwrap();
            assert_eq!((reading.rows.len(), reading.ended_by), (252, EndedBy::EmptyPage));
        }
        simulator.clear_faults();
    }
    simulator.shutdown().await;
}

#[rstest]
#[tokio::test]
async fn names_are_read_in_chunks_and_a_known_page_size_saves_the_second_call(
    #[values(Dialect::Rest, Dialect::V2)] dialect: Dialect,
) {
    let simulator = start(dialect, with_rows(500)).await;
    let client = client(&simulator);
    let wanted = names(0..400);
    let chunks = client.name_chunks(&place(), &wanted);
    assert!((2..=4).contains(&chunks), "{chunks}");
    let reading = client.read_names(&place(), &wanted).await.unwrap();
    assert_eq!(owners(&reading.rows), wanted.iter().map(|name| name.as_str()).collect());
    assert_eq!((reading.rows.len(), reading.rows_seen, reading.sight), (400, 400, Sight::Seen));
    assert!(reading.calls <= 2 * chunks);
    // 503 rows in one answer show that shorter answers are not cut.
    client.read_zone(&place()).await.unwrap();
    simulator.reset_calls();
    let reading = client.read_names(&place(), &wanted).await.unwrap();
    assert_eq!((reading.rows.len(), reading.calls, reading.ended_by), (400, chunks, EndedBy::ShortPage));
    assert_eq!(simulator.calls().total, chunks as u64);
    let longest = simulator.call_log().iter().map(|call| call.parameter("WHERE").unwrap().len()).max();
    assert!(longest.is_some_and(|longest| longest < 6 * 1024));
    simulator.shutdown().await;
}

#[rstest]
#[tokio::test]
async fn all_types_at_a_name_are_read_and_names_without_rows_are_absent(
    #[values(Dialect::Rest, Dialect::V2)] dialect: Dialect,
) {
    let simulator = start(dialect, with_rows(3)).await;
    for (owner, record_type, values) in [
        ("a.shop.example.com", "A", ["192.0.2.1"]),
        ("a.shop.example.com", "TXT", ["it's \"quoted\" text"]),
        ("*.shop.example.com", "A", ["192.0.2.2"]),
        ("other.shop.example.com", "A", ["192.0.2.3"]),
    ] {
        simulator.add_row(NewRow::new(owner, record_type, values).server(SERVER)).unwrap();
    }
    let client = client(&simulator);
    let asked = ["a.shop.example.com", "nothing.shop.example.com", "*.shop.example.com", ZONE].map(name);
    let reading = client.read_names(&place(), &asked).await.unwrap();
    let mut seen: Vec<(&str, &str)> =
        reading.rows.iter().map(|row| (row.name.as_str(), row.row_type.as_str())).collect();
    seen.sort_unstable();
    let expected = [
        ("*.shop.example.com", "A"),
        ("a.shop.example.com", "A"),
        ("a.shop.example.com", "TXT"),
        (ZONE, "NS"),
        (ZONE, "SOA"),
    ];
    assert_eq!(seen, expected);
    // Asked for nothing, a reading still says whether the zone is seen.
    let reading = client.read_names(&place(), &[]).await.unwrap();
    assert_eq!((reading.rows.len(), reading.rows_seen, reading.sight), (0, 0, Sight::Seen));
    simulator.shutdown().await;
}

#[rstest]
#[tokio::test]
async fn ids_that_cannot_be_paged_by_lead_to_pages_between_two_counts(
    #[values(Dialect::Rest, Dialect::V2)] dialect: Dialect,
) {
    for (quirk, answer) in [("ids", "text"), ("orderby-rr-id", "ignored")] {
        let simulator = start(dialect, with_rows(250)).await;
        simulator.set_quirk(quirk, answer).unwrap();
        let client = client_with(&simulator, |settings| settings.page_size = 60);
        let reading = client.read_zone(&place()).await.unwrap();
        assert_eq!((reading.rows.len(), reading.sight), (252, Sight::Seen), "{quirk}={answer}");
        assert_eq!(reading.ended_by, EndedBy::Count, "{quirk}={answer}");
        let reading = client.read_names(&place(), &names(0..200)).await.unwrap();
        assert_eq!(owners(&reading.rows).len(), 200, "{quirk}={answer}");
        simulator.shutdown().await;
    }
}

#[rstest]
#[tokio::test]
async fn ids_that_do_not_rise_with_time_are_paged_by_all_the_same(
    #[values(Dialect::Rest, Dialect::V2)] dialect: Dialect,
) {
    let mut config = with_rows(250);
    config.quirks.set("ids", "random").unwrap();
    let simulator = start(dialect, config).await;
    let client = client_with(&simulator, |settings| settings.page_size = 60);
    let reading = client.read_zone(&place()).await.unwrap();
    assert_eq!((reading.rows.len(), reading.ended_by), (252, EndedBy::Count));
    simulator.shutdown().await;
}

#[rstest]
#[tokio::test]
async fn quotes_in_names_of_views_are_text(#[values(Dialect::Rest, Dialect::V2)] dialect: Dialect) {
    let hostile = ["o'hare", "' or 1=1 --", "''", "a\\'b", "50%", "ü&x=y+z"];
    let mut server = SeedServer::new("it's.example.com");
    for (number, view) in hostile.iter().enumerate() {
        let zone = SeedZone::master("example.org").record("www", "A", [&*format!("192.0.2.{number}")]);
        server = server.view(SeedView::new(*view).zone(zone));
    }
    let mut config = with_rows(5);
    config.seed.servers.push(server);
    let simulator = start(dialect, config).await;
    let client = client(&simulator);
    let server = "it's.example.com";
    let views = client.views(server).await.unwrap();
    assert_eq!(views.iter().map(|view| &**view).collect::<Vec<_>>(), hostile);
    assert_eq!(client.zones(server).await.unwrap().len(), hostile.len());
    for (number, view) in hostile.iter().enumerate() {
        let mut place = place_in(view);
        place.server = server.into();
        for reading in [
            client.read_zone(&place).await.unwrap(),
            client.read_names(&place, &[name("www.example.org")]).await.unwrap(),
        ] {
            let values: Vec<_> = reading
                .rows
                .iter()
                .filter(|row| row.row_type.as_str() == "A")
                .map(|row| row.values.concat())
                .collect();
            assert_eq!(values, [format!("192.0.2.{number}")], "{view}");
            assert_eq!(reading.sight, Sight::Seen);
        }
    }
    simulator.shutdown().await;
}

#[rstest]
#[tokio::test]
async fn no_view_is_found_however_the_appliance_writes_it(
    #[values(Dialect::Rest, Dialect::V2)] dialect: Dialect,
) {
    let simulator = start(dialect, with_rows(5)).await;
    for answer in ["#", "empty"] {
        simulator.set_quirk("dnsview-none", answer).unwrap();
        let reading = client(&simulator).read_zone(&place()).await.unwrap();
        assert_eq!((reading.rows.len(), reading.sight), (7, Sight::Seen), "{answer}");
    }
    // And rows of a server with views are not there without one.
    let mut nowhere = place_in("internal");
    nowhere.view = None;
    assert_eq!(client(&simulator).read_zone(&nowhere).await.unwrap().sight, Sight::NotVisible);
    simulator.shutdown().await;
}

#[rstest]
#[tokio::test]
async fn rows_that_wait_for_their_deletion_say_so(#[values(Dialect::Rest, Dialect::V2)] dialect: Dialect) {
    let simulator = start(dialect, with_rows(3)).await;
    simulator.set_publish_delay(Duration::from_secs(60));
    let client = client(&simulator);
    let reading = client.read_names(&place(), &names(0..1)).await.unwrap();
    assert!(!reading.rows[0].pending_delete);
    client.delete(&place(), &reading.rows[0].id).await.unwrap();
    let reading = client.read_names(&place(), &names(0..1)).await.unwrap();
    assert_eq!(reading.rows.iter().map(|row| row.pending_delete).collect::<Vec<_>>(), [true]);
    simulator.shutdown().await;
}

#[rstest]
#[tokio::test]
async fn an_inherited_mark_is_never_the_rows_own(#[values(Dialect::Rest, Dialect::V2)] dialect: Dialect) {
    let containers = [
        Container::Server(SERVER.to_owned()),
        Container::Zone(SERVER.to_owned(), String::new(), ZONE.to_owned()),
    ];
    for container in containers {
        let simulator = start(dialect, with_rows(2)).await;
        simulator
            .set_class_parameters(&container, [("k8s_owner", Some("c/n/inherited")), ("site", Some("paris"))])
            .unwrap();
        let own = NewRow::new("own.shop.example.com", "A", ["192.0.2.7"])
            .server(SERVER)
            .class_parameter("k8s_owner", "c/n/own");
        simulator.add_row(own).unwrap();
        for (parents, source) in
            [("honoured", "named"), ("ignored", "named"), ("honoured", "absent"), ("ignored", "absent")]
        {
            simulator.set_quirk("no-parent-param", parents).unwrap();
            simulator.set_quirk("inherited-source", source).unwrap();
            let client = client(&simulator);
            let asked = ["host-0.shop.example.com", "own.shop.example.com"].map(name);
            for reading in [
                client.read_zone(&place()).await.unwrap(),
                client.read_names(&place(), &asked).await.unwrap(),
            ] {
                let row = |owner: &str| reading.rows.iter().find(|row| row.name.as_str() == owner).unwrap();
                let case = format!("{container:?} {parents} {source}");
                assert_eq!(row("host-0.shop.example.com").parameters.get("k8s_owner"), None, "{case}");
                let own = row("own.shop.example.com").parameters.get("k8s_owner");
                assert_eq!(own.map(String::as_str), Some("c/n/own"), "{case}");
            }
        }
        simulator.shutdown().await;
    }
}
