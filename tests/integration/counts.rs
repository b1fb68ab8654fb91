//! Many records: how many calls they cost, and that none is lost when the operator ends in the middle of them.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use rstest::rstest;
use solidserver_operator::api::{LastSync, SolidServerStatus};
use solidserver_simulator::{Calls, RowPatch};

use crate::wire::Wire::{self, RestBasic, V2Native, V2Token};
use crate::world::{World, describe, manifest, shows};

/// Rows that the example's zone has at the start: SOA, NS, www and MX.
const ROWS_BEFORE: usize = 4;

/// The first rows of the log are SOA and NS: what tests count are addresses under this name.
fn host(number: usize) -> String {
    format!("h{number:04}.example.com")
}

fn address(number: usize) -> String {
    format!("10.0.{}.{}", number / 250, number % 250 + 1)
}

/// Manifests of A records, as a person would pipe them into kubectl.
fn hosts(numbers: impl Iterator<Item = usize>, ttl: u32) -> String {
    numbers
        .map(|number| {
            let spec = format!("fqdn: {}, type: A, values: [{}], ttl: {ttl}", host(number), address(number));
            manifest("shop", &format!("h{number:04}"), &spec)
        })
        .collect()
}

/// The rows of all hosts, as text, sorted.
fn host_rows(world: &World) -> Vec<String> {
    let mut rows: Vec<String> = world
        .simulator
        .rows()
        .iter()
        .filter(|row| row.name.starts_with('h') && !row.pending_delete)
        .map(|row| format!("{} {}", row.name, describe(row)))
        .collect();
    rows.sort();
    rows
}

fn expected_rows(count: usize, ttl: u32) -> Vec<String> {
    (0..count)
        .map(|number| format!("{} A {ttl} {} | shop/h{number:04}", host(number), address(number)))
        .collect()
}

/// A world with SolidServer `default` and namespace `shop`; the operator is not started.
async fn prepared(wire: Wire, limits: &str) -> World {
    let world = wire.world().await;
    let spec = format!(
        "resyncInterval: 1h\n  limits: {{{limits}}}\n  defaults: {{dnsServer: ns.example.com, ttl: 600}}"
    );
    world.solid_server("default", &spec).await;
    world.namespace("shop").await;
    world
}

async fn status(world: &World) -> SolidServerStatus {
    world.solid_server_object("default").await.status.unwrap_or_default()
}

async fn last_sync(world: &World) -> Option<LastSync> {
    status(world).await.last_sync
}

/// The next whole round after the one that ended with `before`.
async fn next_sync(world: &World, before: Option<LastSync>) -> LastSync {
    world.until("a whole round is over", async || last_sync(world).await != before).await;
    last_sync(world).await.unwrap()
}

/// Rounds are reported as created, updated, deleted, skipped, failed.
fn deeds(sync: &LastSync) -> [u32; 5] {
    [sync.created, sync.updated, sync.deleted, sync.skipped, sync.failed]
}

/// Adds, edits and deletes.
fn writes(calls: &Calls) -> [u64; 3] {
    ["add", "edit", "delete"].map(|operation| calls.operation(operation))
}

/// The sum of a metric's samples whose series contains `labels`.
async fn metric(world: &World, name: &str, labels: &str) -> f64 {
    let (status, text) = world.http("/metrics").await.unwrap();
    assert_eq!(status, 200);
    text.lines()
        .filter(|line| line.split(['{', ' ']).next() == Some(name) && line.contains(labels))
        .filter_map(|line| line.rsplit(' ').next()?.parse::<f64>().ok())
        .sum()
}

async fn versions(world: &World) -> BTreeMap<String, String> {
    let records = world.all_records("shop").await;
    records
        .into_iter()
        .map(|record| (record.metadata.name.unwrap(), record.metadata.resource_version.unwrap()))
        .collect()
}

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn three_hundred_records_with_a_new_ttl_are_three_hundred_edits(
    #[values(RestBasic, V2Token, V2Native)] wire: Wire,
) {
    const COUNT: usize = 300;
    let mut world = prepared(wire, "concurrency: 50").await;
    world.apply(&hosts(0..COUNT, 600)).await;
    world.start_operator().await;
    world.until_ready("shop", COUNT).await;
    let sync = next_sync(&world, None).await;
    assert_eq!(deeds(&sync), [300, 0, 0, 0, 0], "{sync:?}");
    assert_eq!(writes(&world.simulator.calls()), [300, 0, 0]);
    assert!(world.stop_operator().await.success());

    // There when the operator starts.
    world.apply(&hosts(0..COUNT, 60)).await;
    world.simulator.set_latency(Duration::from_millis(150));
    world.simulator.reset_calls();
    world.start_operator().await;
    world.until_ready("shop", COUNT).await;
    let sync = next_sync(&world, Some(sync)).await;
    let calls = world.simulator.calls();
    assert_eq!(writes(&calls), [0, 300, 0]);
    assert_eq!(calls.max_writes_in_flight, 50, "{calls:?}");
    assert_eq!(calls.max_in_flight, 50, "{calls:?}");
    assert!(calls.of("rr", "list") <= 3, "{calls:?}");
    // What the appliance offers is asked for at one time.
    let log = world.simulator.call_log();
    let list = |object| log.iter().find(|call| call.object == object && call.operation == "list").unwrap();
    assert!(list("server").end_ms.is_some_and(|end| list("zone").start_ms < end), "{:?}", list("server"));
    assert_eq!(deeds(&sync), [0, 300, 0, 0, 0], "{sync:?}");
    assert_eq!(host_rows(&world), expected_rows(COUNT, 60));
    // The metrics say what the appliance has seen.
    for (service, count) in &calls.by_service {
        let labels = format!("service=\"{service}\"");
        let counted = metric(&world, "solidserver_operator_calls_total", &labels).await;
        assert!((counted - *count as f64).abs() < 0.5, "{service}: {counted} counted, {count} made");
    }
    assert_eq!(metric(&world, "solidserver_operator_row_changes_total", "change=\"edit\"").await, 300.0);
    assert_eq!(
        metric(&world, "solidserver_operator_decisions_total", "verdict=\"in_sync\"").await,
        metric(&world, "solidserver_operator_decisions_total", "").await
    );
    assert_eq!(metric(&world, "solidserver_operator_round_duration_seconds_count", "").await, 1.0);

    // Asked again.
    world.simulator.set_latency(Duration::from_millis(20));
    world.simulator.reset_calls();
    world.a_round("default").await;
    assert_eq!(writes(&world.simulator.calls()), [0, 0, 0]);
    assert_eq!(deeds(&last_sync(&world).await.unwrap()), [0, 0, 0, 300, 0]);

    // Ten are changed behind its back, in three ways.
    let mut changed: Vec<String> = Vec::new();
    for number in (0..COUNT).step_by(30) {
        let row = &world.simulator.rows_at(&host(number))[0];
        let patch = match number % 3 {
            0 if number % 2 == 0 => RowPatch { ttl: Some(5), ..RowPatch::default() },
            _ => RowPatch { values: Some(vec!["192.0.2.99".to_owned()]), ..RowPatch::default() },
        };
        world.simulator.patch_row(&row.id, patch).unwrap();
        changed.push(row.id.clone());
    }
    changed.sort();
    world.simulator.reset_calls();
    world.a_round("default").await;
    assert_eq!(writes(&world.simulator.calls()), [0, 10, 0]);
    let mut edited: Vec<String> = world
        .simulator
        .call_log()
        .iter()
        .filter(|call| call.operation == "edit")
        .map(|call| call.parameter("rr_id").unwrap())
        .collect();
    edited.sort();
    assert_eq!(edited, changed);
    assert_eq!(deeds(&last_sync(&world).await.unwrap()), [0, 10, 0, 290, 0]);
    assert_eq!(host_rows(&world), expected_rows(COUNT, 60));
    world
        .until("the repairs are told in Events", async || {
            let events = world.kubectl(&["get", "events", "-n", "shop", "--no-headers"]).await;
            events.lines().filter(|line| line.contains("DriftRepaired")).count() == 10
        })
        .await;

    // The same 300, patched live.
    let passes_before = metric(&world, "solidserver_operator_pass_duration_seconds_count", "").await;
    world.simulator.reset_calls();
    let begun = Instant::now();
    world.apply(&hosts(0..COUNT, 120)).await;
    world.until_ready("shop", COUNT).await;
    let elapsed = begun.elapsed();
    let passes = metric(&world, "solidserver_operator_pass_duration_seconds_count", "").await - passes_before;
    let calls = world.simulator.calls();
    assert_eq!(writes(&calls), [0, 300, 0]);
    assert_eq!(host_rows(&world), expected_rows(COUNT, 120));
    assert!(passes <= elapsed.as_secs_f64() / 0.2 + 1.0, "{passes} passes in {elapsed:?}");
    // A query asks for at least a hundred such names: a pass that has more of them to read needs a page more.
    let pages = COUNT as f64 / 100.0;
    assert!(calls.of("rr", "list") as f64 <= passes + pages, "{passes} passes, {calls:?}");
    assert_eq!(metric(&world, "solidserver_operator_row_changes_total", "outcome=\"ok\"").await, 610.0);
}

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn a_resync_of_a_thousand_records_in_sync_reads_each_page_once_and_changes_nothing(
    #[values(RestBasic, V2Token, V2Native)] wire: Wire,
) {
    const COUNT: usize = 1000;
    const PAGE: usize = 300;
    let mut world = prepared(wire, &format!("concurrency: 50, pageSize: {PAGE}")).await;
    world.apply(&hosts(0..COUNT, 600)).await;
    world.start_operator().await;
    world.until_ready("shop", COUNT).await;
    let sync = next_sync(&world, None).await;
    assert_eq!(deeds(&sync), [1000, 0, 0, 0, 0], "{sync:?}");
    // What is to be told of the beginning is told.
    world
        .until("the counts are shown", async || {
            status(&world).await.records.is_some_and(|records| records.ready == 1000)
        })
        .await;

    let before = versions(&world).await;
    for _ in 0..2 {
        world.simulator.reset_calls();
        world.a_round("default").await;
        let calls = world.simulator.calls();
        assert_eq!(calls.writes(), 0, "{calls:?}");
        let pages = (COUNT + ROWS_BEFORE).div_ceil(PAGE) as u64;
        assert!((pages..=pages + 1).contains(&calls.of("rr", "list")), "{calls:?}");
        let sync = last_sync(&world).await.unwrap();
        assert_eq!(deeds(&sync), [0, 0, 0, 1000, 0], "{sync:?}");
        assert_eq!(u64::from(sync.reads), calls.of("rr", "list") + calls.of("rr", "count"));
    }
    assert_eq!(versions(&world).await, before, "a DnsRecord was written to");
    let records = status(&world).await.records.unwrap();
    assert_eq!((records.total, records.ready, records.reconciling, records.stalled), (1000, 1000, 0, 0));
}

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn one_value_of_three_that_changes_is_one_edit(#[values(RestBasic, V2Token, V2Native)] wire: Wire) {
    let world = wire.running("1h").await;
    world.namespace("shop").await;
    let spec = |last: &str| format!("fqdn: web.example.com, type: A, values: [192.0.2.1, 192.0.2.2, {last}]");
    world.apply(&manifest("shop", "web", &spec("192.0.2.3"))).await;
    world.until_ready("shop", 1).await;
    let before = world.simulator.rows_at("web.example.com");
    world.simulator.reset_calls();
    world.apply(&manifest("shop", "web", &spec("192.0.2.4"))).await;
    world.until_ready("shop", 1).await;
    assert_eq!(writes(&world.simulator.calls()), [0, 1, 0]);
    let rows = ["192.0.2.1", "192.0.2.2", "192.0.2.4"].map(|value| format!("A 600 {value} | shop/web"));
    assert_eq!(world.rows("web.example.com"), rows);
    // The row that had the old value is the one that was edited.
    let ids = |rows: &[solidserver_simulator::RowView]| {
        rows.iter().map(|row| row.id.clone()).collect::<std::collections::BTreeSet<_>>()
    };
    assert_eq!(ids(&world.simulator.rows_at("web.example.com")), ids(&before));
    // The same values in another order and twice are no change.
    world.simulator.reset_calls();
    let shuffled = "fqdn: WEB.example.com., type: A, values: [192.0.2.4, 192.0.2.1, 192.0.2.2, 192.0.2.1]";
    world.apply(&manifest("shop", "web", shuffled)).await;
    world.until_ready("shop", 1).await;
    world.a_round("default").await;
    assert_eq!(world.simulator.calls().writes(), 0);
}

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn an_operator_killed_in_the_middle_of_three_hundred_creates_finishes_them_when_started_again(
    #[values(RestBasic, V2Token, V2Native)] wire: Wire,
) {
    const COUNT: usize = 300;
    let mut world = prepared(wire, "concurrency: 16").await;
    world.apply(&hosts(0..COUNT, 600)).await;
    world.simulator.set_latency(Duration::from_millis(150));
    world.start_operator().await;
    // Twice, so that the second start finds records of every kind: untouched, held, written, reported.
    for least in [40, 150] {
        world.until("it is in the middle", async || host_rows(&world).len() >= least).await;
        world.kill_operator().await;
        let rows = host_rows(&world).len();
        assert!((least..COUNT).contains(&rows), "{rows} rows when it was killed");
        let ready = world.all_records("shop").await.iter().filter(|record| shows(record, "InSync")).count();
        assert!(ready < COUNT, "{ready} were ready when it was killed");
        world.start_operator().await;
    }
    world.simulator.set_latency(Duration::ZERO);
    world.until_ready("shop", COUNT).await;
    assert_eq!(host_rows(&world), expected_rows(COUNT, 600));
    world.simulator.reset_calls();
    world.a_round("default").await;
    assert_eq!(world.simulator.calls().writes(), 0);
    assert_eq!(deeds(&last_sync(&world).await.unwrap()), [0, 0, 0, 300, 0]);
}

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn an_operator_asked_to_end_in_the_middle_of_three_hundred_creates_leaves_no_write_half_known(
    #[values(RestBasic, V2Token, V2Native)] wire: Wire,
) {
    const COUNT: usize = 300;
    let mut world = prepared(wire, "concurrency: 16").await;
    world.apply(&hosts(0..COUNT, 600)).await;
    world.simulator.set_latency(Duration::from_millis(200));
    world.start_operator().await;
    world.until("it is in the middle", async || host_rows(&world).len() >= 20).await;
    assert!(world.stop_operator().await.success());
    assert_eq!(world.simulator.calls().in_flight, 0, "it ended with calls in flight");
    // What was written was reported, and what was reported was written.
    let mut ready: Vec<String> = world
        .all_records("shop")
        .await
        .iter()
        .filter(|record| shows(record, "InSync"))
        .map(|record| record.spec.fqdn.clone())
        .collect();
    ready.sort();
    let mut written: Vec<String> = world.simulator.rows().into_iter().map(|row| row.name).collect();
    written.retain(|name| name.starts_with('h'));
    written.sort();
    assert_eq!(ready, written);
    assert!((20..COUNT).contains(&ready.len()), "{} when it ended", ready.len());

    world.simulator.set_latency(Duration::ZERO);
    world.simulator.reset_calls();
    world.start_operator().await;
    world.until_ready("shop", COUNT).await;
    assert_eq!(host_rows(&world), expected_rows(COUNT, 600));
    assert_eq!(writes(&world.simulator.calls()), [(COUNT - ready.len()) as u64, 0, 0]);

    // Deleted while nobody looks.
    world.until("the round is told", async || last_sync(&world).await.is_some()).await;
    world.a_round("default").await;
    let sync = last_sync(&world).await;
    assert!(world.stop_operator().await.success());
    let names: Vec<String> = (0..10).map(|number| format!("h{number:04}")).collect();
    let mut arguments = vec!["delete", "dnsrecord", "-n", "shop", "--wait=false"];
    arguments.extend(names.iter().map(String::as_str));
    world.kubectl(&arguments).await;
    world.simulator.reset_calls();
    world.start_operator().await;
    let sync = next_sync(&world, sync).await;
    assert_eq!(deeds(&sync), [0, 0, 10, 290, 0], "{sync:?}");
    assert_eq!(writes(&world.simulator.calls()), [0, 0, 10]);
    world.until("they are gone", async || world.all_records("shop").await.len() == 290).await;
    assert_eq!(host_rows(&world), expected_rows(COUNT, 600)[10..]);
}
