//! Several replicas: each SolidServer is worked on by one of them at a time, and by another one when that one ends, dies or is cut off.

use std::collections::BTreeSet;
use std::path::PathBuf;

use k8s_openapi::api::coordination::v1::Lease;
use kube::Api;
use solidserver_simulator::{CallEntry, Fault, FaultKind, Simulator};

use crate::proxy::Proxy;
use crate::world::{OPERATOR_NAMESPACE, World, manifest};

/// Leases as short as the flags allow for, so that a crash costs a test little.
pub(crate) const SHORT: [&str; 3] = ["3s", "2s", "500ms"];
/// Leases that no test waits out: whoever takes over had it handed over.
const LONG: [&str; 3] = ["600s", "500s", "2s"];

/// Two calls at a time, so that there is work for a while.
const SOLID_SERVER: &str =
    "resyncInterval: 1h\n  limits: {concurrency: 2}\n  defaults: {dnsServer: ns.example.com, ttl: 600}";

async fn world(leases: [&'static str; 3]) -> World {
    let mut world = World::new().await;
    world.leases = leases;
    world.solid_server("default", SOLID_SERVER).await;
    world.namespace("shop").await;
    world
}

/// The instance id in a User-Agent.
fn instance(call: &CallEntry) -> &str {
    let inside = call.user_agent.split_once("; ").map(|(_, rest)| rest);
    inside.and_then(|rest| rest.strip_suffix(')')).unwrap_or(&call.user_agent)
}

fn callers(simulator: &Simulator) -> BTreeSet<String> {
    simulator.call_log().iter().map(|call| instance(call).to_owned()).collect()
}

fn is_write(call: &CallEntry) -> bool {
    ["add", "edit", "delete"].contains(&call.operation.as_str())
}

/// Asserts that no two replicas worked at the same time: whoever begins to call finds that the last write of another one has ended.
/// Returns in which order they wrote.
pub(crate) fn writers_in_turn(simulator: &Simulator) -> Vec<String> {
    let log = simulator.call_log();
    let mut turns: Vec<String> = Vec::new();
    for write in log.iter().filter(|call| is_write(call)) {
        for other in log.iter().filter(|call| instance(call) != instance(write)) {
            let apart = other.end_ms.is_some_and(|end| end <= write.start_ms)
                || write.end_ms.is_some_and(|end| end <= other.start_ms);
            assert!(apart, "at the same time:\n{write:?}\n{other:?}");
        }
        if turns.last().is_none_or(|last| last != instance(write)) {
            turns.push(instance(write).to_owned());
        }
    }
    turns
}

/// DnsRecords of three rows each.
fn records(numbers: std::ops::Range<usize>) -> String {
    let one = |number: usize| {
        let values = format!("192.0.2.{number}, 198.51.100.{number}, 203.0.113.{number}");
        let spec = format!("fqdn: host-{number}.example.com, type: A, values: [{values}]");
        manifest("shop", &format!("host-{number}"), &spec)
    };
    numbers.map(one).collect()
}

/// Every record has its rows, and no other.
fn assert_rows(world: &World, numbers: std::ops::Range<usize>) {
    for number in numbers {
        let row = |network: &str| format!("A 600 {network}.{number} | shop/host-{number}");
        assert_eq!(
            world.rows(&format!("host-{number}.example.com")),
            ["192.0.2", "198.51.100", "203.0.113"].map(row)
        );
    }
}

/// Work for 12 seconds at least, and it has begun.
async fn at_work(world: &World, numbers: std::ops::Range<usize>) {
    world.simulator.inject(Fault::new("write", FaultKind::Slow { ms: 200, after_commit: false }));
    let writes = world.simulator.calls().writes();
    world.apply(&records(numbers)).await;
    world.until("it is at work", async || world.simulator.calls().writes() > writes + 5).await;
}

/// Who holds the Lease of a SolidServer, and how often it has changed hands.
pub(crate) async fn lease(world: &World, solid_server: &str) -> (String, i32) {
    let api: Api<Lease> = Api::namespaced(world.client.clone(), OPERATOR_NAMESPACE);
    let lease = api.get_opt(&format!("solidserver-{solid_server}")).await.unwrap();
    let spec = lease.and_then(|lease| lease.spec).unwrap_or_default();
    let holder = spec.holder_identity.unwrap_or_default();
    (holder.split('_').next().unwrap().to_owned(), spec.lease_transitions.unwrap_or_default())
}

async fn until_holder(world: &World, solid_server: &str, instance: &str) {
    world
        .until(&format!("{instance} holds the Lease of {solid_server}"), async || {
            lease(world, solid_server).await.0 == instance
        })
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replica_that_ends_hands_over_in_the_middle_of_its_work_and_the_standby_makes_no_call_before() {
    let mut world = world(LONG).await;
    world.start_replica("first").await;
    until_holder(&world, "default", "first").await;
    world.start_replica("second").await;
    world.apply(&records(1..11)).await;
    world.until_ready("shop", 10).await;
    // Whose SolidServer does not exist: told by one of the two, whoever holds the Lease for that.
    world
        .apply(&manifest(
            "shop",
            "lost",
            "fqdn: lost.example.com, type: A, values: [192.0.2.1], solidServerRef: {name: none}",
        ))
        .await;
    world.until_reason("shop", "lost", "SolidServerNotFound").await;
    world.kubectl(&["delete", "dnsrecord", "-n", "shop", "lost", "--timeout=60s"]).await;
    assert_eq!(callers(&world.simulator), BTreeSet::from(["first".to_owned()]));

    at_work(&world, 11..51).await;
    assert!(world.stop_replica("first").await.success());
    world.until_ready("shop", 50).await;
    assert_rows(&world, 1..51);
    assert_eq!(writers_in_turn(&world.simulator), ["first", "second"]);
    // Each row was added once: whoever takes over reads what there is.
    assert_eq!(world.simulator.calls().operation("add"), 150);
    assert!(world.stop_replica("second").await.success());
    assert_eq!(lease(&world, "default").await.0, "");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replica_that_is_killed_is_replaced_when_its_lease_has_run_out() {
    let mut world = world(SHORT).await;
    world.start_replica("first").await;
    until_holder(&world, "default", "first").await;
    world.start_replica("second").await;
    at_work(&world, 1..41).await;
    world.kill_replica("first").await;
    world.until_ready("shop", 40).await;
    assert_rows(&world, 1..41);
    assert_eq!(writers_in_turn(&world.simulator), ["first", "second"]);
    let log = world.simulator.call_log();
    let last = log.iter().filter(|call| instance(call) == "first").map(|call| call.start_ms).max().unwrap();
    let next = log.iter().filter(|call| instance(call) == "second").map(|call| call.start_ms).min().unwrap();
    // It had renewed its Lease less than two seconds before it was killed.
    assert!(next > last + 1000, "the second took over {} ms after the first's last call", next - last);
}

/// A kubeconfig for the same user, to the API server by way of the proxy.
fn kubeconfig_through(world: &World, proxy: &Proxy) -> PathBuf {
    let text = std::fs::read_to_string(&world.kubeconfig).unwrap();
    let mut file: serde_json::Value = serde_json::from_str(&text).unwrap();
    file["clusters"][0]["cluster"]["server"] = format!("https://{}", proxy.address).into();
    let path = world.folder().join("through-the-proxy.kubeconfig");
    std::fs::write(&path, file.to_string()).unwrap();
    path
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replica_that_is_cut_off_stops_writing_before_another_one_begins() {
    let mut world = world(SHORT).await;
    let proxy = Proxy::start(world.plane.address().unwrap()).await;
    let kubeconfig = kubeconfig_through(&world, &proxy);
    world.start_replica_as("first", &kubeconfig).await;
    until_holder(&world, "default", "first").await;
    world.start_replica("second").await;
    // One record with so many rows that writing them takes longer than a Lease, and needs no word with the API server in between.
    world.simulator.inject(Fault::new("write", FaultKind::Slow { ms: 250, after_commit: false }));
    let values: Vec<String> = (1..=64).map(|number| format!("192.0.2.{number}")).collect();
    let many = format!("fqdn: many.example.com, type: A, values: [{}]", values.join(", "));
    world.apply(&manifest("shop", "many", &many)).await;
    world.until("it is at work", async || world.simulator.calls().writes() > 4).await;
    let before = world.simulator.calls().writes();
    proxy.cut();
    until_holder(&world, "default", "second").await;
    world.until_ready("shop", 1).await;
    assert_eq!(world.rows("many.example.com").len(), 64);
    assert_eq!(writers_in_turn(&world.simulator), ["first", "second"]);
    let log = world.simulator.call_log();
    let by = |name: &str| log.iter().filter(|call| is_write(call) && instance(call) == name).count();
    assert!(by("first") as u64 > before, "it had nothing to stop");
    assert!(by("second") > 10, "nothing was left to do");

    // Back again it is the standby.
    proxy.mend();
    let calls = log.iter().filter(|call| instance(call) == "first").count();
    world.simulator.clear_faults();
    world.apply(&records(1..11)).await;
    world.until_ready("shop", 11).await;
    world.a_round("default").await;
    let log = world.simulator.call_log();
    assert_eq!(log.iter().filter(|call| instance(call) == "first").count(), calls);
}

#[tokio::test(flavor = "multi_thread")]
async fn replicas_share_the_solid_servers_and_the_death_of_one_leaves_the_others_alone() {
    let mut world = world(["4s", "3s", "1s"]).await;
    world.start_replica("first").await;
    until_holder(&world, "default", "first").await;
    world.start_replica("second").await;
    let elsewhere = world.another_appliance("other", SOLID_SERVER).await;
    // Whoever holds less is faster.
    until_holder(&world, "other", "second").await;
    let there = |number: usize| {
        let spec = format!(
            "fqdn: there-{number}.example.com, type: A, values: [192.0.2.{number}], solidServerRef: {{name: other}}"
        );
        manifest("shop", &format!("there-{number}"), &spec)
    };
    world.apply(&format!("{}{}", records(1..6), there(1))).await;
    world.until_ready("shop", 6).await;
    world.kill_replica("first").await;
    world.apply(&format!("{}{}", records(6..11), there(2))).await;
    world.until_ready("shop", 12).await;
    assert_rows(&world, 1..11);
    assert_eq!(writers_in_turn(&world.simulator), ["first", "second"]);
    assert_eq!(callers(&elsewhere), BTreeSet::from(["second".to_owned()]));
    assert_eq!(lease(&world, "other").await, ("second".to_owned(), 0));
    assert_eq!(lease(&world, "default").await, ("second".to_owned(), 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replica_that_joins_gets_its_share_in_the_middle_of_the_work() {
    let mut world = world(["10s", "8s", "500ms"]).await;
    let elsewhere = world.another_appliance("other", SOLID_SERVER).await;
    world.start_replica("first").await;
    until_holder(&world, "default", "first").await;
    until_holder(&world, "other", "first").await;
    let there = "fqdn: there.example.com, type: A, values: [192.0.2.1], solidServerRef: {name: other}";
    world.apply(&manifest("shop", "there", there)).await;
    at_work(&world, 1..41).await;
    // A write takes longer than a reading by whoever is next, so that one which is not waited for is seen beside it.
    world.simulator.clear_faults();
    world.simulator.inject(Fault::new("write", FaultKind::Slow { ms: 2500, after_commit: false }));
    world.start_replica("second").await;
    until_holder(&world, "default", "second").await;
    world.simulator.clear_faults();
    world.until_ready("shop", 41).await;
    assert_rows(&world, 1..41);
    // Its writes that were under way ended before; nothing was written twice, and the rest came from the second.
    assert_eq!(writers_in_turn(&world.simulator), ["first", "second"]);
    assert_eq!(world.simulator.calls().operation("add"), 120);
    // The other one stayed where it was, and both stay there.
    world.a_round("default").await;
    world.a_round("other").await;
    assert_eq!(callers(&elsewhere), BTreeSet::from(["first".to_owned()]));
    assert_eq!(lease(&world, "default").await, ("second".to_owned(), 1));
    assert_eq!(lease(&world, "other").await, ("first".to_owned(), 0));
    // Who ends hands over what it has: the first works on both again, without having been started anew.
    assert!(world.stop_replica("second").await.success());
    until_holder(&world, "default", "first").await;
    world.apply(&records(41..43)).await;
    world.until_ready("shop", 43).await;
    assert_eq!(writers_in_turn(&world.simulator), ["first", "second", "first"]);
}
