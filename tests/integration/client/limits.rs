//! How many calls run at a time, over how many connections, and what a 429 does.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures::StreamExt as _;
use rstest::rstest;
use solidserver_operator::record::{RecordType, RowId};
use solidserver_operator::solidserver::{Call, CallObserver, Client, Error};
use solidserver_simulator::{RateLimit, Simulator};

use super::{Dialect, ZONE, client_with, edit, label, names, new_row, place, start, with_rows};

async fn edit_all(client: &Client, ids: &[RowId]) -> Vec<&'static str> {
    let place = place();
    let edit = edit(RecordType::A, "192.0.2.200", 77);
    let edits: Vec<_> = ids.iter().map(|id| client.edit(&place, id, &edit)).collect();
    futures::stream::iter(edits).buffer_unordered(ids.len()).map(|outcome| label(&outcome)).collect().await
}

async fn host_ids(client: &Client) -> Vec<RowId> {
    let reading = client.read_zone(&place()).await.unwrap();
    let hosts = reading.rows.iter().filter(|row| row.row_type.as_str() == "A");
    hosts.map(|row| row.id.clone()).collect()
}

fn edited(simulator: &Simulator) -> usize {
    simulator.rows().iter().filter(|row| row.zone == ZONE && row.ttl == 77).count()
}

#[rstest]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn as_many_calls_run_at_a_time_as_allowed_and_no_more(
    #[values(Dialect::Rest, Dialect::V2)] dialect: Dialect,
) {
    for http2 in [true, false] {
        let mut config = with_rows(300);
        config.http2 = http2;
        let simulator = start(dialect, config).await;
        let client = client_with(&simulator, |settings| settings.concurrency = 50);
        let ids = host_ids(&client).await;
        assert_eq!(ids.len(), 300);
        simulator.set_latency(Duration::from_millis(100));
        simulator.reset_calls();
        let outcomes = edit_all(&client, &ids).await;
        assert!(outcomes.iter().all(|outcome| *outcome == "ok"), "{outcomes:?}");
        let calls = simulator.calls();
        assert_eq!((calls.total, calls.operation("edit"), edited(&simulator)), (300, 300, 300));
        assert_eq!(calls.max_writes_in_flight, 50, "HTTP/2: {http2}");
        // One connection for all, or about one for each call in flight; never one for each call.
        let most = if http2 { 2 } else { 100 };
        assert!(calls.connections <= most, "{} connections, HTTP/2: {http2}", calls.connections);
        simulator.shutdown().await;
    }
}

#[rstest]
#[tokio::test]
async fn a_429_pauses_everybody_and_is_not_asked_for_again(
    #[values(Dialect::Rest, Dialect::V2)] dialect: Dialect,
) {
    for answer in ["seconds", "date", "absent"] {
        let simulator = start(dialect, with_rows(40)).await;
        simulator.set_quirk("retry-after", answer).unwrap();
        let client = client_with(&simulator, |settings| settings.concurrency = 4);
        let ids = host_ids(&client).await;
        simulator.set_rate_limit(Some(RateLimit { calls: 10, window: Duration::from_secs(3) }));
        simulator.reset_calls();
        let outcomes = edit_all(&client, &ids).await;
        let limited = outcomes.iter().filter(|outcome| **outcome == "rate_limited").count();
        assert_eq!(limited, 30, "{outcomes:?}");
        let calls = simulator.calls();
        // Only what was in flight together was refused by the appliance; the rest was not sent.
        assert!((1..=4).contains(&calls.status(429)), "{answer}: {calls:?}");
        assert_eq!(calls.operation("edit"), 10 + calls.status(429));
        assert_eq!(edited(&simulator), 10);
        let pause = client.paused_for().unwrap();
        let expected = if answer == "absent" { 25..=30 } else { 1..=4 };
        assert!(expected.contains(&(pause.as_secs_f64().ceil() as u64)), "{answer}: {pause:?}");
        let refused = client.count_rows(&place()).await;
        assert!(matches!(refused, Err(Error::RateLimited { retry_after: Some(_) })), "{refused:?}");
        simulator.shutdown().await;
    }
}

#[tokio::test]
async fn a_pause_outlives_the_client_that_was_told_of_it() {
    let simulator = start(Dialect::Rest, with_rows(3)).await;
    let client = client_with(&simulator, |_| ());
    simulator.set_rate_limit(Some(RateLimit { calls: 1, window: Duration::from_secs(60) }));
    client.version().await.unwrap();
    assert_eq!(label(&client.version().await), "rate_limited");
    simulator.set_rate_limit(None);
    let mut settings = super::settings(&simulator);
    settings.concurrency = 2;
    // The same place, written in another way.
    settings.endpoint = format!("{}/", simulator.endpoint()).parse().unwrap();
    let renewed = client.renewed(settings).unwrap();
    assert!(renewed.paused_for().is_some_and(|pause| pause > Duration::from_secs(30)));
    assert_eq!(label(&renewed.version().await), "rate_limited");
    assert_eq!(simulator.calls().total, 2, "it was called during the pause");
    // Another appliance has not asked for one.
    let other = start(Dialect::Rest, with_rows(3)).await;
    let elsewhere = client.renewed(super::settings(&other)).unwrap();
    assert_eq!((elsewhere.paused_for(), label(&elsewhere.version().await)), (None, "ok"));
    simulator.shutdown().await;
    other.shutdown().await;
}

#[tokio::test]
async fn calls_of_a_client_and_of_its_successor_are_counted_together() {
    let simulator = start(Dialect::Rest, with_rows(60)).await;
    let client = client_with(&simulator, |settings| settings.concurrency = 10);
    let ids = host_ids(&client).await;
    simulator.set_latency(Duration::from_millis(100));
    simulator.reset_calls();
    let mut settings = super::settings(&simulator);
    settings.concurrency = 4;
    let late = async {
        while simulator.calls().in_flight < 10 {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        edit_all(&client.renewed(settings).unwrap(), &ids[40..]).await
    };
    let (first, second) = tokio::join!(edit_all(&client, &ids[..40]), late);
    assert!(first.iter().chain(&second).all(|outcome| *outcome == "ok"));
    let calls = simulator.calls();
    assert_eq!((calls.operation("edit"), calls.max_writes_in_flight), (60, 10));
    // 10 of the 60 ran together; of the others never more than 4.
    let log = simulator.call_log();
    let ended = log[..10].iter().filter_map(|call| call.end_ms).max().unwrap();
    let together = |moment| {
        log.iter()
            .filter(|call| call.start_ms <= moment && call.end_ms.is_some_and(|end| end > moment))
            .count()
    };
    let most = log.iter().map(|call| call.start_ms).filter(|start| *start > ended).map(together).max();
    assert_eq!(most, Some(4));
    simulator.shutdown().await;
}

#[rstest]
#[tokio::test]
async fn a_list_waits_out_a_pause_in_its_middle(#[values(Dialect::Rest, Dialect::V2)] dialect: Dialect) {
    let simulator = start(dialect, with_rows(100)).await;
    let client = client_with(&simulator, |settings| settings.page_size = 40);
    simulator.set_rate_limit(Some(RateLimit { calls: 2, window: Duration::from_secs(1) }));
    let reading = client.read_zone(&place()).await.unwrap();
    assert_eq!(reading.rows.len(), 102);
    let calls = simulator.calls();
    // Three pages and the count; the third was refused once.
    assert_eq!((calls.total, calls.status(429)), (5, 1));
    simulator.shutdown().await;
}

#[derive(Default)]
struct Log(Mutex<Vec<(&'static str, &'static str, &'static str)>>);

impl CallObserver for Log {
    fn on_call(&self, call: &Call) {
        assert!(call.duration < Duration::from_secs(60) && call.waited < Duration::from_secs(60));
        self.0.lock().unwrap().push((call.service, call.operation, call.outcome));
    }
}

#[rstest]
#[tokio::test]
async fn every_call_that_was_sent_is_reported(#[values(Dialect::Rest, Dialect::V2)] dialect: Dialect) {
    let simulator = start(dialect, with_rows(3)).await;
    let log = Arc::new(Log::default());
    let observer: Arc<dyn CallObserver> = Arc::clone(&log) as _;
    let client = client_with(&simulator, |settings| settings.observer = Some(observer));
    client.version().await.unwrap();
    client.read_names(&place(), &names(0..1)).await.unwrap();
    client.count_rows(&place()).await.unwrap();
    let row = new_row("a.shop.example.com", RecordType::A, "192.0.2.1");
    let id = client.add(&place(), &row).await.unwrap();
    client.add(&place(), &row).await.unwrap_err();
    client.edit(&place(), &id, &edit(RecordType::A, "192.0.2.2", 60)).await.unwrap();
    client.delete(&place(), &id).await.unwrap();
    let seen = log.0.lock().unwrap().clone();
    // The probe is one of `/rest` in any case.
    let [list, count, add, edit, delete] = match dialect {
        Dialect::Rest => ["dns_rr_list", "dns_rr_count", "dns_rr_add", "dns_rr_add", "dns_rr_delete"],
        Dialect::V2 => ["dns/rr/list", "dns/rr/count", "dns/rr/add", "dns/rr/edit", "dns/rr/delete"],
    };
    let expected = [
        ("member_list", "list", "ok"),
        (list, "list", "ok"),
        (count, "count", "ok"),
        (count, "count", "ok"),
        (add, "add", "ok"),
        (add, "add", "already_exists"),
        (edit, "edit", "ok"),
        (delete, "delete", "ok"),
    ];
    assert_eq!(seen, expected);
    let agents: Vec<_> = simulator.call_log().into_iter().map(|call| call.user_agent).collect();
    assert!(agents.iter().all(|agent| agent == "solidserver-operator/test (cluster; pod)"), "{agents:?}");
    simulator.shutdown().await;
}
