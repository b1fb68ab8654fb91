//! Empty is not absent: what a reading says when rows are hidden.

use rstest::rstest;
use solidserver_operator::solidserver::{EndedBy, Error, Sight};
use solidserver_simulator::{Fault, FaultKind, NewRow};

use super::{Dialect, SERVER, client, client_with, name, names, place, start, with_rows};

#[rstest]
#[tokio::test]
async fn a_zone_that_is_not_there_is_not_visible_and_costs_no_more(
    #[values(Dialect::Rest, Dialect::V2)] dialect: Dialect,
) {
    let simulator = start(dialect, with_rows(5)).await;
    let client = client(&simulator);
    client.read_zone(&place()).await.unwrap();
    let mut missing = place();
    missing.zone = name("missing.example.com");
    simulator.reset_calls();
    let reading = client.read_zone(&missing).await.unwrap();
    assert_eq!((reading.rows.len(), reading.sight), (0, Sight::NotVisible));
    // One empty page and a count of none; the server is known to list SOA rows.
    assert_eq!((simulator.calls().operation("list"), simulator.calls().total), (1, 2));
    simulator.shutdown().await;
}

#[rstest]
#[tokio::test]
async fn withdrawn_rights_are_no_empty_zone(#[values(Dialect::Rest, Dialect::V2)] dialect: Dialect) {
    for seen_before in [true, false] {
        let simulator = start(dialect, with_rows(5)).await;
        let client = client(&simulator);
        if seen_before {
            assert_eq!(client.read_zone(&place()).await.unwrap().sight, Sight::Seen);
        }
        simulator.inject(Fault::new("*", FaultKind::Blind));
        for _ in 0..2 {
            assert_eq!(client.read_zone(&place()).await.unwrap().sight, Sight::NotVisible);
            assert_eq!(client.read_names(&place(), &names(0..3)).await.unwrap().sight, Sight::NotVisible);
        }
        assert_eq!(client.zones(SERVER).await.unwrap().len(), 0);
        simulator.clear_faults();
        assert_eq!(client.read_names(&place(), &names(0..3)).await.unwrap().sight, Sight::Seen);
        simulator.shutdown().await;
    }
}

#[rstest]
#[tokio::test]
async fn a_server_that_never_listed_soa_rows_is_seen_by_others(
    #[values(Dialect::Rest, Dialect::V2)] dialect: Dialect,
) {
    for (answer, rows) in [("no", 6), ("no-apex", 5)] {
        let mut config = with_rows(5);
        config.quirks.set("soa-listed", answer).unwrap();
        let simulator = start(dialect, config).await;
        let client = client(&simulator);
        let reading = client.read_zone(&place()).await.unwrap();
        assert_eq!((reading.rows.len(), reading.sight), (rows, Sight::Seen), "{answer}");
        let reading = client.read_names(&place(), &names(0..2)).await.unwrap();
        assert_eq!((reading.rows.len(), reading.sight), (2, Sight::Seen), "{answer}");
        let reading = client.read_names(&place(), &[name("nothing.shop.example.com")]).await.unwrap();
        assert_eq!((reading.rows.len(), reading.sight), (0, Sight::Seen), "{answer}");
        // The question about SOA rows was asked once.
        let asked = simulator
            .call_log()
            .iter()
            .filter(|call| call.parameters.get("limit") == Some(&"1".to_owned()))
            .count();
        assert_eq!(asked, 1, "{answer}");
        let mut missing = place();
        missing.zone = name("missing.example.com");
        assert_eq!(client.read_zone(&missing).await.unwrap().sight, Sight::NotVisible, "{answer}");
        assert_eq!(client.read_names(&missing, &[]).await.unwrap().sight, Sight::NotVisible, "{answer}");
        simulator.shutdown().await;
    }
}

#[rstest]
#[tokio::test]
async fn soa_rows_that_vanish_take_sight_with_them(#[values(Dialect::Rest, Dialect::V2)] dialect: Dialect) {
    let simulator = start(dialect, with_rows(5)).await;
    let client = client(&simulator);
    assert_eq!(client.read_zone(&place()).await.unwrap().sight, Sight::Seen);
    simulator.set_quirk("soa-listed", "no").unwrap();
    assert_eq!(client.read_zone(&place()).await.unwrap().sight, Sight::NotVisible);
    assert_eq!(client.read_names(&place(), &names(0..2)).await.unwrap().sight, Sight::NotVisible);
    simulator.shutdown().await;
}

#[rstest]
#[tokio::test]
async fn rights_that_are_withdrawn_within_a_list_leave_its_end_unproven(
    #[values(Dialect::Rest, Dialect::V2)] dialect: Dialect,
) {
    let simulator = start(dialect, with_rows(100)).await;
    for page in 1..3 {
        let client = client_with(&simulator, |settings| settings.page_size = 40);
        let withdraw = |after| {
            simulator.inject(Fault::new("dns_rr_list", FaultKind::Blind).after(after));
            simulator.inject(Fault::new("dns_rr_count", FaultKind::Blind));
        };
        withdraw(page);
        let reading = client.read_zone(&place()).await.unwrap();
        simulator.clear_faults();
        // What it lists is there; that nothing follows, it does not say.
        let rows = usize::try_from(page).unwrap() * 40;
        assert_eq!((reading.rows.len(), reading.ended_by), (rows, EndedBy::EmptyPage), "page {page}");
        withdraw(page);
        let reading = client.read_names(&place(), &names(0..100)).await;
        simulator.clear_faults();
        let Err(Error::Incomplete { what, .. }) = &reading else { panic!("page {page}: {reading:?}") };
        assert!(what.contains("and counts 0"), "{what}");
    }
    simulator.shutdown().await;
}

#[rstest]
#[tokio::test]
async fn a_row_of_a_broken_name_is_counted_but_not_returned(
    #[values(Dialect::Rest, Dialect::V2)] dialect: Dialect,
) {
    let simulator = start(dialect, with_rows(1)).await;
    let broken =
        NewRow::new("a b.shop.example.com", "A", ["192.0.2.1"]).server(SERVER).zone("shop.example.com").raw();
    simulator.add_row(broken).unwrap();
    let reading = client(&simulator).read_zone(&place()).await.unwrap();
    assert_eq!((reading.rows.len(), reading.rows_seen), (3, 4));
    simulator.shutdown().await;
}
