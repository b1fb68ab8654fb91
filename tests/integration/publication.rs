//! `spec.publication`: whether what was written has reached the name servers, and that nobody waits for it or pays for it who does not ask.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use rstest::rstest;
use serde_json::{Value, json};
use solidserver_operator::api::DnsRecord;
use solidserver_simulator::{Config, NewRow, RowPatch, Simulator};

use crate::answers::cases;
use crate::control_plane::Options;
use crate::wire::Wire::{self, RestBasic, V2Token};
use crate::world::{World, manifest, shows};

const NAMESPACE: &str = "shop";

/// A world with an appliance that answers DNS questions, too. It is not followed what is written; `publish` says so.
async fn world(wire: Wire, publish_delay: Duration) -> World {
    let dns_listen = Some((Ipv4Addr::LOCALHOST, 0).into());
    let config = Config { dns_listen, publish_delay, ..Config::default() };
    let world = wire.world_with(config, Options::default()).await;
    world.namespace(NAMESPACE).await;
    world
}

/// Applies the SolidServer with this `publication`, and more where that is YAML of a further field.
async fn publish(world: &World, publication: &str) {
    let defaults = "defaults: {dnsServer: ns.example.com, ttl: 600}";
    world
        .solid_server("default", &format!("resyncInterval: 1h\n  {defaults}\n  publication: {publication}"))
        .await;
}

fn www(value: &str) -> String {
    manifest(NAMESPACE, "www", &format!("fqdn: followed.example.com, type: A, values: [{value}]"))
}

fn published(record: &DnsRecord) -> Option<Condition> {
    let mut conditions = record.status.iter().flat_map(|status| &status.conditions);
    conditions.find(|condition| condition.type_ == "Published").cloned()
}

async fn until_published(world: &World, name: &str, status: &str, says: &str) -> DnsRecord {
    let holds = |record: &DnsRecord| {
        let condition = published(record);
        condition.is_some_and(|one| {
            one.status == status
                && one.observed_generation == record.metadata.generation
                && one.message.contains(says)
        })
    };
    world
        .until(&format!("{name} is published: {status}, {says}"), async || {
            world.record(NAMESPACE, name).await.is_some_and(|record| holds(&record))
        })
        .await;
    world.record(NAMESPACE, name).await.unwrap()
}

/// The value of a metric, summed over all series whose line contains `labels`.
async fn metric(world: &World, name: &str, labels: &str) -> f64 {
    let (_, text) = world.http("/metrics").await.unwrap();
    let lines = text.lines().filter(|line| line.starts_with(name) && line.contains(labels));
    lines.filter_map(|line| line.rsplit(' ').next()?.parse::<f64>().ok()).sum()
}

fn is_pending(world: &World, name: &str) -> bool {
    world.simulator.rows_at(name).iter().any(|row| row.pending_create || row.pending_delete)
}

/// Calls and status patches so far.
async fn costs(world: &World) -> (u64, f64) {
    (world.simulator.calls().total, metric(world, "solidserver_operator_status_patches_total", "").await)
}

#[rstest]
#[case(RestBasic)]
#[case(V2Token)]
#[tokio::test(flavor = "multi_thread")]
async fn what_the_appliance_has_pushed_is_published_and_ready_does_not_wait(#[case] wire: Wire) {
    let mut world = world(wire, Duration::from_secs(6)).await;
    publish(&world, "Appliance").await;
    world.start_operator().await;
    for (round, value) in ["192.0.2.1", "192.0.2.2"].into_iter().enumerate() {
        world.apply(&www(value)).await;
        let ready = world.until_reason(NAMESPACE, "www", "InSync").await;
        assert!(is_pending(&world, "followed.example.com"), "it took too long for this test");
        let condition = published(&ready).unwrap();
        assert_eq!((condition.status.as_str(), condition.reason.as_str()), ("False", "Publishing"));
        // Also the second time: what was published is another value.
        assert_eq!(condition.observed_generation, ready.metadata.generation);
        let done =
            until_published(&world, "www", "True", "the appliance has pushed it to its DNS servers").await;
        assert!(!is_pending(&world, "followed.example.com"));
        assert!(shows(&done, "InSync"));
        let message = published(&done).unwrap().message;
        assert!(message.contains(" s after the write"), "{message}");
        let count =
            metric(&world, "solidserver_operator_publication_duration_seconds_count", "appliance").await;
        assert_eq!(count, round as f64 + 1.0);
    }
    // A change that writes nothing keeps what was said, for its own generation.
    let changed = "fqdn: followed.example.com, type: A, values: [192.0.2.2], adoptionPolicy: Never";
    world.apply(&manifest(NAMESPACE, "www", changed)).await;
    until_published(&world, "www", "True", "pushed").await;
    // In the steady state nobody is asked.
    let before = costs(&world).await;
    tokio::time::sleep(Duration::from_secs(4)).await;
    assert_eq!(costs(&world).await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_type_is_found_in_the_answers_of_a_name_server() {
    let mut world = world(RestBasic, Duration::ZERO).await;
    let address = world.simulator.dns_address().unwrap();
    publish(&world, &format!("Dns\n  nameServers: [\"{address}\"]")).await;
    world.start_operator().await;
    let records: Vec<Value> = cases()
        .iter()
        .enumerate()
        .map(|(index, case)| {
            json!({
                "apiVersion": "solidserver.dev/v1alpha1",
                "kind": "DnsRecord",
                "metadata": {"name": format!("case-{index}"), "namespace": NAMESPACE},
                "spec": {
                    "fqdn": format!("{}.example.com", case.owner), "type": case.record_type, "values": case.values,
                },
            })
        })
        .collect();
    world.apply(&json!({"apiVersion": "v1", "kind": "List", "items": records}).to_string()).await;
    let mut missing = Vec::new();
    world
        .until("all are published", async || {
            let all = world.all_records(NAMESPACE).await;
            let ones = all.iter().map(|record| (record.spec.record_type, published(record)));
            missing = ones
                .filter(|(_, condition)| condition.as_ref().is_none_or(|one| one.status != "True"))
                .map(|(record_type, condition)| (record_type, condition.map(|one| one.message)))
                .collect();
            missing.is_empty() && all.len() == records.len()
        })
        .await;
    let one = published(&world.record(NAMESPACE, "case-0").await.unwrap()).unwrap();
    assert!(one.message.starts_with("the name server of example.com answers with it"), "{}", one.message);
    let name = "solidserver_operator_publication_duration_seconds_count";
    assert_eq!(metric(&world, name, "dns").await, records.len() as f64);
}

async fn second_name_server() -> (Simulator, SocketAddr) {
    let dns_listen = Some((Ipv4Addr::LOCALHOST, 0).into());
    let simulator = Simulator::start(Config { dns_listen, ..Config::default() }).await.unwrap();
    let address = simulator.dns_address().unwrap();
    (simulator, address)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_server_that_lags_or_does_not_answer_is_named() {
    let mut world = world(RestBasic, Duration::ZERO).await;
    let first = world.simulator.dns_address().unwrap();
    let (lagging, second) = second_name_server().await;
    publish(&world, &format!("Dns\n  nameServers: [\"{first}\", \"{second}\"]")).await;
    world.start_operator().await;
    let old = lagging.add_row(NewRow::new("followed.example.com", "A", ["192.0.2.9"])).unwrap();
    world.apply(&www("192.0.2.1")).await;
    world.until_reason(NAMESPACE, "www", "InSync").await;
    let says = format!("{second} still answers with 192.0.2.9");
    let record = until_published(&world, "www", "False", &says).await;
    assert!(shows(&record, "InSync") && !published(&record).unwrap().message.contains(&first.to_string()));

    let values = Some(vec!["192.0.2.1".to_owned()]);
    lagging.patch_row(&old.id, RowPatch { values, ttl: Some(600), ..RowPatch::default() }).unwrap();
    until_published(&world, "www", "True", "all 2 name servers of example.com answer with it").await;

    lagging.shutdown().await;
    world.apply(&www("192.0.2.2")).await;
    world.until_reason(NAMESPACE, "www", "InSync").await;
    let record = until_published(&world, "www", "Unknown", &format!("{second} cannot be reached")).await;
    let condition = published(&record).unwrap();
    assert_eq!(condition.reason, "CannotAsk");
    assert!(condition.message.ends_with("; the other one answers with it"), "{}", condition.message);
    assert!(shows(&record, "InSync"));

    // Nobody says which servers the zone has but the zone itself, and its server has no address here.
    publish(&world, "Dns").await;
    let record = until_published(&world, "www", "Unknown", "cannot be resolved").await;
    assert!(shows(&record, "InSync"));
}

#[tokio::test(flavor = "multi_thread")]
async fn who_does_not_ask_pays_nothing_and_who_asks_no_more_is_told_nothing() {
    let mut world = world(RestBasic, Duration::from_secs(1)).await;
    publish(&world, "None").await;
    world.start_operator().await;
    let records: String = (1..=20)
        .map(|number| {
            let spec = format!("fqdn: host-{number}.example.com, type: A, values: [192.0.2.{number}]");
            manifest(NAMESPACE, &format!("host-{number}"), &spec)
        })
        .collect();
    world.apply(&records).await;
    world.until_ready(NAMESPACE, 20).await;
    let before = costs(&world).await;
    tokio::time::sleep(Duration::from_secs(4)).await;
    assert_eq!(costs(&world).await, before);
    let all = world.all_records(NAMESPACE).await;
    assert!(all.iter().all(|record| published(record).is_none()));

    // What was written before is looked at all the same, all records of the zone together, and one patch each.
    let lists = world.simulator.calls().of("rr", "list");
    publish(&world, "Appliance").await;
    world
        .until("all are published", async || {
            let all = world.all_records(NAMESPACE).await;
            all.iter().all(|record| published(record).is_some_and(|one| one.status == "True"))
        })
        .await;
    // The round that a changed SolidServer gets, and one look.
    let lists = world.simulator.calls().of("rr", "list") - lists;
    assert!(lists <= 6, "{lists} lists for 20 records");
    let patches = metric(&world, "solidserver_operator_status_patches_total", "").await - before.1;
    assert_eq!(patches, 20.0);
    // Since when they have been published nobody knows.
    let name = "solidserver_operator_publication_duration_seconds_count";
    assert_eq!(metric(&world, name, "appliance").await, 0.0);

    publish(&world, "None").await;
    world
        .until("nothing is said", async || {
            world.all_records(NAMESPACE).await.iter().all(|record| published(record).is_none())
        })
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn another_replica_goes_on_with_what_is_not_published_yet() {
    let mut world = world(RestBasic, Duration::from_secs(8)).await;
    world.leases = ["3s", "2s", "500ms"];
    publish(&world, "Appliance").await;
    world.start_operator().await;
    world.apply(&www("192.0.2.1")).await;
    world.until_reason(NAMESPACE, "www", "InSync").await;
    world.kill_operator().await;
    let left = published(&world.record(NAMESPACE, "www").await.unwrap()).unwrap();
    assert_eq!(left.status, "False");
    world.start_operator().await;
    let record = until_published(&world, "www", "True", "pushed").await;
    let message = published(&record).unwrap().message;
    // From the write on, not from the start.
    let seconds = message.split_once("seen ").and_then(|(_, rest)| rest.split_once(" s "));
    assert!(seconds.is_some_and(|(seconds, _)| seconds.parse::<u64>().unwrap() >= 7), "{message}");
}
