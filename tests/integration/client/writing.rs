//! Adds, edits and deletes: one row each, the right one, with what else is on it left alone.

use std::time::{Duration, Instant};

use rstest::rstest;
use solidserver_operator::record::{RecordType, RowId};
use solidserver_operator::solidserver::{Client, Error};
use solidserver_simulator::{Fault, FaultKind, NewRow, RowView};

use super::{
    Dialect, SERVER, client, client_with, edit, label, name, new_row, place, place_in, start, with_rows,
};

async fn id_of(client: &Client, owner: &str) -> RowId {
    let reading = client.read_names(&place(), &[name(owner)]).await.unwrap();
    assert_eq!(reading.rows.len(), 1);
    reading.rows[0].id.clone()
}

#[rstest]
#[tokio::test]
async fn a_row_is_added_edited_and_deleted(#[values(Dialect::Rest, Dialect::V2)] dialect: Dialect) {
    for (write_status, delete_status, stable) in [("201", "200", "yes"), ("200", "204", "no")] {
        let simulator = start(dialect, with_rows(2)).await;
        simulator.set_quirk("write-status", write_status).unwrap();
        simulator.set_quirk("delete-status", delete_status).unwrap();
        simulator.set_quirk("id-stable-on-edit", stable).unwrap();
        let client = client(&simulator);
        let owner = "mail.shop.example.com";
        let mut row = new_row(owner, RecordType::Mx, "10 mx1.example.com");
        row.parameters.insert("note".to_owned(), "a&b = c%d + é".to_owned());
        let id = client.add(&place(), &row).await.unwrap();
        let view = |simulator: &solidserver_simulator::Simulator| -> RowView {
            let rows = simulator.rows_at(owner);
            assert_eq!(rows.len(), 1);
            rows[0].clone()
        };
        let added = view(&simulator);
        assert_eq!(
            (&*added.id, &*added.zone, &*added.record_type, added.ttl),
            (&*id.0, "shop.example.com", "MX", 600)
        );
        assert_eq!(added.values, ["10", "mx1.example.com"]);
        assert_eq!(added.class_parameters["note"], "a&b = c%d + é");
        assert_eq!(id_of(&client, owner).await, id);

        let mut change = edit(RecordType::Mx, "20 mx2.example.com", 300);
        change.set_parameters = [("k8s_rrset".to_owned(), "00ff".to_owned())].into();
        change.delete_parameters = ["note".to_owned()].into();
        let edited_id = client.edit(&place(), &id, &change).await.unwrap();
        assert_eq!(edited_id == id, stable == "yes");
        let edited = view(&simulator);
        assert_eq!((&*edited.id, edited.ttl), (&*edited_id.0, 300));
        assert_eq!(edited.values, ["20", "mx2.example.com"]);
        let parameters: Vec<_> =
            edited.class_parameters.iter().map(|(key, value)| (&**key, &**value)).collect();
        assert_eq!(parameters, [("k8s_owner", "c/n/r"), ("k8s_rrset", "00ff")]);

        client.delete(&place(), &edited_id).await.unwrap();
        assert_eq!(simulator.rows_at(owner), []);
        simulator.shutdown().await;
    }
}

#[rstest]
#[tokio::test]
async fn an_edit_without_parameters_wipes_none(#[values(Dialect::Rest, Dialect::V2)] dialect: Dialect) {
    let simulator = start(dialect, with_rows(2)).await;
    simulator.set_quirk("empty-class-parameters", "wipe").unwrap();
    let client = client(&simulator);
    let owner = "a.shop.example.com";
    let id = client.add(&place(), &new_row(owner, RecordType::A, "192.0.2.1")).await.unwrap();
    client.edit(&place(), &id, &edit(RecordType::A, "192.0.2.2", 300)).await.unwrap();
    let row = &simulator.rows_at(owner)[0];
    assert_eq!((&*row.values[0], row.ttl, &*row.class_parameters["k8s_owner"]), ("192.0.2.2", 300, "c/n/r"));
    simulator.shutdown().await;
}

#[rstest]
#[tokio::test]
async fn a_row_that_is_there_already_is_not_added_and_another_value_is_another_row(
    #[values(Dialect::Rest, Dialect::V2)] dialect: Dialect,
) {
    let simulator = start(dialect, with_rows(2)).await;
    let client = client(&simulator);
    let owner = "a.shop.example.com";
    client.add(&place(), &new_row(owner, RecordType::A, "192.0.2.1")).await.unwrap();
    let again = client.add(&place(), &new_row(owner, RecordType::A, "192.0.2.1")).await;
    assert!(matches!(again, Err(Error::AlreadyExists { .. })), "{again:?}");
    for answer in ["yes", "no"] {
        simulator.set_quirk("check-value-default", answer).unwrap();
        let value = format!("192.0.2.{}", answer.len() + 10);
        client.add(&place(), &new_row(owner, RecordType::A, &value)).await.unwrap();
    }
    let mut values: Vec<_> = simulator.rows_at(owner).into_iter().map(|row| row.values.concat()).collect();
    values.sort_unstable();
    assert_eq!(values, ["192.0.2.1", "192.0.2.12", "192.0.2.13"]);
    simulator.shutdown().await;
}

#[rstest]
#[tokio::test]
async fn a_write_goes_to_its_view_alone(#[values(Dialect::Rest, Dialect::V2)] dialect: Dialect) {
    let simulator = start(dialect, with_rows(2)).await;
    let client = client(&simulator);
    let owner = "new.example.org";
    client.add(&place_in("internal"), &new_row(owner, RecordType::A, "192.0.2.1")).await.unwrap();
    let views: Vec<_> = simulator.rows_at(owner).into_iter().map(|row| row.view).collect();
    assert_eq!(views, ["internal"]);
    simulator.shutdown().await;
}

#[rstest]
#[tokio::test]
async fn a_stale_id_hits_no_row(#[values(Dialect::Rest, Dialect::V2)] dialect: Dialect) {
    let simulator = start(dialect, with_rows(3)).await;
    let client = client(&simulator);
    let owner = "host-1.shop.example.com";
    let id = id_of(&client, owner).await;
    simulator.renumber_ids();
    let before = simulator.rows();
    let outcome = client.edit(&place(), &id, &edit(RecordType::A, "192.0.2.200", 77)).await;
    assert!(matches!(outcome, Err(Error::DoesNotExist { .. })), "{outcome:?}");
    let outcome = client.delete(&place(), &id).await;
    assert!(matches!(outcome, Err(Error::DoesNotExist { .. })), "{outcome:?}");
    assert_eq!(simulator.rows(), before);
    simulator.shutdown().await;
}

/// An appliance that edits where it should add gives itself away by the id in its answer.
#[rstest]
#[tokio::test]
async fn an_add_that_edited_a_row_is_no_success(
    #[values(Dialect::Rest, Dialect::V2)] dialect: Dialect,
    #[values("read", "added")] known_because: &str,
) {
    let simulator = start(dialect, with_rows(2)).await;
    let client = client(&simulator);
    let owner = "a.shop.example.com";
    let row = new_row(owner, RecordType::A, "192.0.2.1");
    if known_because == "added" {
        client.add(&place(), &row).await.unwrap();
    } else {
        let there = NewRow::new(owner, "A", ["192.0.2.1"]).server(SERVER);
        simulator.add_row(there).unwrap();
        id_of(&client, owner).await;
    }
    simulator.set_quirk("duplicate-add", "edit").unwrap();
    let outcome = client.add(&place(), &row).await;
    assert!(
        matches!(&outcome, Err(Error::Ambiguous { cause, .. }) if cause.contains("edited")),
        "{outcome:?}"
    );
    // Reading again shows what there is: one row, as it was edited.
    let reading = client.read_names(&place(), &[name(owner)]).await.unwrap();
    assert_eq!((reading.rows.len(), reading.rows[0].ttl), (1, 600));
    assert_eq!(reading.rows[0].parameters["k8s_owner"], "c/n/r");
    // A row that is gone is no longer in the way of another with its id.
    client.delete(&place(), &reading.rows[0].id).await.unwrap();
    client.add(&place(), &row).await.unwrap();
    simulator.shutdown().await;
}

#[rstest]
#[tokio::test]
async fn warnings_stop_a_write_unless_they_are_accepted(
    #[values(Dialect::Rest, Dialect::V2)] dialect: Dialect,
) {
    let simulator = start(dialect, with_rows(3)).await;
    let kind =
        FaultKind::Reject { message: Some("TTL is low".to_owned()), severity: Some("warning".to_owned()) };
    simulator.inject(Fault::new("write", kind));
    let row = new_row("a.shop.example.com", RecordType::A, "192.0.2.1");
    let careful = client(&simulator);
    assert_eq!(label(&careful.add(&place(), &row).await), "rejected");
    let accepting = client_with(&simulator, |settings| settings.accept_warnings = true);
    let id = accepting.add(&place(), &row).await.unwrap();
    let id = accepting.edit(&place(), &id, &edit(RecordType::A, "192.0.2.2", 60)).await.unwrap();
    accepting.delete(&place(), &id).await.unwrap();
    simulator.shutdown().await;
}

#[rstest]
#[tokio::test]
async fn text_too_long_for_a_url_is_written_all_the_same(
    #[values(Dialect::Rest, Dialect::V2)] dialect: Dialect,
) {
    let simulator = start(dialect, with_rows(3)).await;
    simulator.set_quirk("url-limit", "8190").unwrap();
    let client = client(&simulator);
    let owner = "text.shop.example.com";
    let text = "'ü\" ;".repeat(400);
    let id = client.add(&place(), &new_row(owner, RecordType::Txt, &text)).await.unwrap();
    let reading = client.read_names(&place(), &[name(owner)]).await.unwrap();
    assert_eq!(reading.rows[0].data, Some(new_row(owner, RecordType::Txt, &text).data));
    assert_eq!(reading.rows[0].parameters["k8s_owner"], "c/n/r");
    let longer = format!("{text}{text}");
    client.edit(&place(), &id, &edit(RecordType::Txt, &longer, 60)).await.unwrap();
    let reading = client.read_names(&place(), &[name(owner)]).await.unwrap();
    assert_eq!(reading.rows.len(), 1);
    assert_eq!(reading.rows[0].data, Some(new_row(owner, RecordType::Txt, &longer).data));
    simulator.shutdown().await;
}

#[rstest]
#[tokio::test]
async fn a_write_whose_turn_comes_too_late_is_not_sent(
    #[values(Dialect::Rest, Dialect::V2)] dialect: Dialect,
) {
    let simulator = start(dialect, with_rows(3)).await;
    let client = client_with(&simulator, |settings| settings.concurrency = 1);
    client.version().await.unwrap();
    simulator.set_latency(Duration::from_millis(400));
    simulator.reset_calls();
    let row = |number: u32| new_row(&format!("a{number}.shop.example.com"), RecordType::A, "192.0.2.1");
    let hurried = client.starting_by(Instant::now() + Duration::from_millis(200));
    let (place, rows) = (place(), [row(1), row(2)]);
    let (first, second) = tokio::join!(hurried.add(&place, &rows[0]), hurried.add(&place, &rows[1]));
    assert_eq!((label(&first), label(&second)), ("ok", "not_started"));
    assert_eq!(simulator.calls().writes(), 1);
    // The client itself is in no hurry.
    assert_eq!(label(&client.add(&place, &rows[1]).await), "ok");
    simulator.shutdown().await;
}
