//! Suspended: nothing is written, and what would be is told.

use std::collections::BTreeSet;
use std::time::Duration;

use solidserver_operator::api::{DnsRecord, RECONCILE_REQUESTED_AT};
use solidserver_simulator::RowPatch;

use crate::world::{World, manifest, message, shows};

const SUSPEND: &str = ", suspend: true";

fn a(name: &str, values: &str) -> String {
    format!("fqdn: {name}.example.com, type: A, values: [{values}]")
}

fn version(record: &DnsRecord) -> Option<&str> {
    record.metadata.resource_version.as_deref()
}

/// Someone changes the one row of a name on the appliance.
fn change(world: &World, name: &str, value: &str) {
    let row = world.simulator.rows_at(&format!("{name}.example.com")).remove(0);
    world.simulator.patch_row(&row.id, RowPatch::values([value])).unwrap();
}

/// Waits for the gauge of what differs because something is suspended.
async fn until_differences(world: &World, count: usize) {
    let series =
        "solidserver_operator_differences_left{solid_server=\"default\",cause=\"suspend\"} ".to_owned();
    let line = format!("{series}{count}");
    world
        .until(&line, async || {
            let (_, text) = world.http("/metrics").await.unwrap();
            text.lines().any(|other| other == line)
        })
        .await;
}

async fn suspend(world: &World, suspend: bool) {
    let patch = format!("{{\"spec\": {{\"suspend\": {suspend}}}}}");
    world.kubectl(&["patch", "solidserver", "default", "--type=merge", "--patch", &patch]).await;
    let wanted = if suspend { "Suspended" } else { "InSync" };
    world
        .until(&format!("the SolidServer is {wanted}"), async || {
            let object = world.solid_server_object("default").await;
            let status = object.status.unwrap_or_default();
            Some(status.observed_generation) == object.metadata.generation
                && status.conditions.iter().any(|one| one.type_ == "Ready" && one.reason == wanted)
        })
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_suspended_record_is_compared_and_says_what_would_be_written() {
    let world = World::running("1h").await;
    world.namespace("shop").await;
    world.apply(&manifest("shop", "web", &a("web", "192.0.2.1"))).await;
    world.until_ready("shop", 1).await;
    world.simulator.reset_calls();

    // In sync it stays ready, for that is what is asked about it.
    world.apply(&manifest("shop", "web", &(a("web", "192.0.2.1") + SUSPEND))).await;
    let record = world.until_reason("shop", "web", "InSync").await;
    assert!(message(&record).contains("spec.suspend is true"), "{}", message(&record));
    until_differences(&world, 0).await;

    change(&world, "web", "192.0.2.66");
    world.a_round("default").await;
    let record = world.until_reason("shop", "web", "Suspended").await;
    let said = message(&record);
    let told = "spec.suspend is true: nothing is written; it was changed on the appliance; 1 row would be edited: edit \
                web.example.com 600 A 192.0.2.66 -> 600 192.0.2.1";
    assert_eq!(said, told);
    until_differences(&world, 1).await;
    // The same again is nothing new.
    world.a_round("default").await;
    assert_eq!(version(&world.record("shop", "web").await.unwrap()), version(&record));
    change(&world, "web", "192.0.2.67");
    world.a_round("default").await;
    world
        .until("it tells of the other change", async || {
            let record = world.record("shop", "web").await.unwrap();
            message(&record) == told.replace(".66", ".67")
        })
        .await;

    // One that was never written.
    world.apply(&manifest("shop", "new", &(a("new", "192.0.2.1, 192.0.2.2") + SUSPEND))).await;
    let record = world.until_reason("shop", "new", "Suspended").await;
    assert!(message(&record).contains("2 rows would be added: add new.example.com"), "{}", message(&record));
    assert_eq!(record.metadata.finalizers, None, "nothing is begun");
    until_differences(&world, 2).await;

    // It is looked at when that is asked for, and the request is answered.
    change(&world, "web", "192.0.2.68");
    let request = format!("{RECONCILE_REQUESTED_AT}=now");
    world.kubectl(&["annotate", "dnsrecord", "-n", "shop", "web", &request]).await;
    world
        .until("the request is answered", async || {
            let status = world.record("shop", "web").await.unwrap().status.unwrap();
            status.last_handled_reconcile_at.as_deref() == Some("now")
        })
        .await;
    assert_eq!(message(&world.record("shop", "web").await.unwrap()), told.replace(".66", ".68"));
    assert_eq!(world.simulator.calls().writes(), 0);
    assert_eq!(world.rows("web.example.com"), ["A 600 192.0.2.68 | shop/web"]);
    let events = world.kubectl(&["get", "events", "-n", "shop", "--no-headers", "--ignore-not-found"]).await;
    assert_eq!(events, "", "all this is no Event's business");

    for (name, values) in [("web", "192.0.2.1"), ("new", "192.0.2.1, 192.0.2.2")] {
        world.apply(&manifest("shop", name, &a(name, values))).await;
    }
    world.until_ready("shop", 2).await;
    let calls = world.simulator.calls();
    assert_eq!((calls.operation("add"), calls.operation("edit"), calls.writes()), (2, 1, 3));
    until_differences(&world, 0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_suspended_solid_server_is_read_and_not_written() {
    let mut world = World::running("1h").await;
    world.namespace("shop").await;
    for name in ["calm", "drifts", "grows", "goes", "moves"] {
        world.apply(&manifest("shop", name, &a(name, "192.0.2.1"))).await;
    }
    world.until_ready("shop", 5).await;
    let calm = world.record("shop", "calm").await.unwrap();
    suspend(&world, true).await;
    world.simulator.reset_calls();
    change(&world, "drifts", "192.0.2.66");
    world.apply(&manifest("shop", "grows", &a("grows", "192.0.2.1, 192.0.2.2"))).await;
    world.apply(&manifest("shop", "moves", &a("moved", "192.0.2.1"))).await;
    world.apply(&manifest("shop", "new", &a("new", "192.0.2.1"))).await;
    world.kubectl(&["delete", "dnsrecord", "-n", "shop", "goes", "--wait=false"]).await;
    world.a_round("default").await;
    for (name, told) in [
        ("drifts", "it was changed on the appliance; 1 row would be edited"),
        ("grows", "1 row would be added"),
        ("moves", "1 row would be added, 1 row would be deleted"),
        ("new", "1 row would be added"),
        ("goes", "1 row would be deleted"),
    ] {
        let record = world.until_reason("shop", name, "Suspended").await;
        let said = message(&record);
        assert!(said.starts_with("spec.suspend of SolidServer default is true"), "{said}");
        assert!(said.contains(told), "{name}: {said}");
        assert_eq!(said.contains("solidserver.dev/abandon"), name == "goes", "{said}");
    }
    until_differences(&world, 5).await;
    world.a_round("default").await;
    let calls = world.simulator.calls();
    assert_eq!(calls.writes(), 0);
    assert!(calls.operation("list") > 0);
    let record = world.record("shop", "calm").await.unwrap();
    assert!(shows(&record, "InSync"));
    assert_eq!(version(&record), version(&calm), "it has nothing to tell");
    // So it is for whoever starts now.
    world.kill_operator().await;
    world.start_operator().await;
    world.a_round("default").await;
    assert_eq!(world.simulator.calls().writes(), 0);

    suspend(&world, false).await;
    world.until("the deleted one is gone", async || world.record("shop", "goes").await.is_none()).await;
    world.until_ready("shop", 5).await;
    let names: BTreeSet<String> = ["calm", "drifts", "grows", "moved", "moves", "goes", "new"]
        .iter()
        .filter(|name| !world.rows(&format!("{name}.example.com")).is_empty())
        .map(ToString::to_string)
        .collect();
    assert_eq!(names, ["calm", "drifts", "grows", "moved", "new"].map(str::to_owned).into());
    assert_eq!(world.rows("drifts.example.com"), ["A 600 192.0.2.1 | shop/drifts"]);
    let calls = world.simulator.calls();
    assert_eq!((calls.operation("add"), calls.operation("edit"), calls.operation("delete")), (3, 1, 2));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_solid_server_that_is_suspended_in_a_burst_gets_no_more_than_what_was_begun() {
    const COUNT: usize = 300;
    let mut world = World::new().await;
    world
        .solid_server("default", "resyncInterval: 1h\n  defaults: {dnsServer: ns.example.com, ttl: 600}")
        .await;
    world.namespace("shop").await;
    let burst: String = (0..COUNT)
        .map(|number| manifest("shop", &format!("h{number}"), &a(&format!("h{number}"), "192.0.2.1")))
        .collect();
    world.apply(&burst).await;
    // Long, so that little is written until the watch has told of the suspension. All are there before, so that nobody asks to join.
    world.simulator.set_latency(Duration::from_secs(1));
    world.start_operator().await;
    let written = || world.simulator.calls().operation("add");
    world.until("the burst has begun", async || written() >= 20).await;
    let patch = r#"{"spec": {"suspend": true}}"#;
    world.kubectl(&["patch", "solidserver", "default", "--type=merge", "--patch", patch]).await;
    let before = written();
    let told = || async {
        let records = world.all_records("shop").await;
        records.iter().filter(|record| shows(record, "InSync") || shows(record, "Suspended")).count()
    };
    world.until("all are told", async || told().await == COUNT).await;
    let after = written();
    // What has a place is written: twice as many as the appliance takes calls, and as many again on a busy machine. By the next look at
    // the appliance it would be more.
    assert!(after <= before + 48, "{before} when it was suspended, {after} in the end");
}
