//! The deletion guard, end to end: what is held, what frees it, and what never was its business.

use std::collections::BTreeSet;
use std::time::Duration;

use futures::StreamExt as _;
use k8s_openapi::api::coordination::v1::Lease;
use kube::api::{Api, PostParams};
use serde_json::json;
use solidserver_operator::api::{DnsRecord, SolidServerStatus};
use solidserver_simulator::Config;

use crate::control_plane::Options;
use crate::world::{OPERATOR_NAMESPACE, World, manifest, message, shows};

fn host(number: usize) -> String {
    format!("h{number:04}")
}

fn address(number: usize) -> String {
    format!("10.0.{}.{}", number / 250, number % 250 + 1)
}

fn a(name: &str, value: &str) -> String {
    format!("fqdn: {name}.example.com, type: A, values: [{value}]")
}

fn manifests(namespace: &str, numbers: impl Iterator<Item = usize>) -> String {
    numbers.map(|number| manifest(namespace, &host(number), &a(&host(number), &address(number)))).collect()
}

/// Many DnsRecords at once, faster than kubectl.
async fn create(world: &World, namespace: &str, numbers: impl Iterator<Item = usize>) {
    let api = world.records(namespace);
    let created: Vec<_> = futures::stream::iter(numbers)
        .map(|number| {
            let (api, name) = (api.clone(), host(number));
            async move {
                let object = json!({
                    "apiVersion": "solidserver.dev/v1alpha1", "kind": "DnsRecord", "metadata": {"name": name},
                    "spec": {"fqdn": format!("{name}.example.com"), "type": "A", "values": [address(number)]}
                });
                let object: DnsRecord = serde_json::from_value(object).expect("a DnsRecord");
                api.create(&PostParams::default(), &object).await
            }
        })
        .buffer_unordered(20)
        .collect()
        .await;
    for one in created {
        one.expect("it is created");
    }
}

/// A world with namespace `shop`, whose guard is `guard`; the operator runs.
async fn world(guard: &str, options: Options) -> World {
    let mut world = World::with(Config::default(), options).await;
    world
        .solid_server(
            "default",
            &format!(
                "resyncInterval: 1h\n  limits: {{concurrency: 50}}\n  guard: {{{guard}}}\n  \
                 defaults: {{dnsServer: ns.example.com, ttl: 600}}"
            ),
        )
        .await;
    world.namespace("shop").await;
    world.start_operator().await;
    world
}

async fn status(world: &World) -> SolidServerStatus {
    world.solid_server_object("default").await.status.unwrap_or_default()
}

/// The message of DeletionsHeld, if that is true.
async fn deletions_held(world: &World) -> Option<String> {
    let held = |condition: &&_| is_held_condition(condition);
    status(world).await.conditions.iter().find(held).map(|condition| condition.message.clone())
}

fn is_held_condition(condition: &k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition) -> bool {
    condition.type_ == "DeletionsHeld" && condition.status == "True"
}

fn hold_id(record: &DnsRecord) -> Option<String> {
    record.status.as_ref()?.hold_id.clone()
}

/// Waits until so many DnsRecords of the namespace are held, all under one id, and the SolidServer says so; its message and the id.
async fn until_held(world: &World, namespace: &str, count: usize) -> (String, String) {
    world
        .until(&format!("{count} records are held"), async || {
            let records = world.all_records(namespace).await;
            let held = records.iter().filter(|record| shows(record, "DeletionHeld")).count();
            held == count && deletions_held(world).await.is_some()
        })
        .await;
    let records = world.all_records(namespace).await;
    let ids: BTreeSet<String> = records.iter().filter_map(hold_id).collect();
    assert_eq!(ids.len(), 1, "{ids:?}");
    let id = ids.into_iter().next().expect("an id");
    let message = deletions_held(world).await.expect("it is held");
    assert!(message.contains(&format!("hold {id} of {count} RRsets")), "{message}");
    (message, id)
}

/// The same where deletions may come so slowly, one after the other, that they are held as several waves; the ids.
async fn until_held_in_waves(world: &World, namespace: &str, count: usize) -> BTreeSet<String> {
    let ids = async || {
        let records = world.all_records(namespace).await;
        let held = records.iter().filter(|record| shows(record, "DeletionHeld"));
        let ids: Vec<String> = held.filter_map(hold_id).collect();
        (ids.len(), ids.into_iter().collect::<BTreeSet<String>>())
    };
    world
        .until(&format!("{count} records are held"), async || {
            let (held, ids) = ids().await;
            let told = deletions_held(world).await.unwrap_or_default();
            held == count && ids.iter().all(|id| told.contains(id))
        })
        .await;
    ids().await.1
}

/// The command with this annotation in a message, as kubectl's arguments.
fn command(message: &str, annotation: &str) -> Vec<String> {
    let command = message
        .split("kubectl ")
        .skip(1)
        .filter_map(|rest| rest.split(';').next())
        .find(|command| command.contains(annotation))
        .unwrap_or_else(|| panic!("no command with {annotation} in {message}"));
    command.split_whitespace().map(str::to_owned).collect()
}

async fn run(world: &World, arguments: &[String]) {
    world.kubectl(&arguments.iter().map(String::as_str).collect::<Vec<_>>()).await;
}

async fn delete(world: &World, names: &[&str]) {
    world.kubectl(&[&["delete", "dnsrecord", "-n", "shop", "--wait=false"][..], names].concat()).await;
}

async fn until_gone(world: &World, name: &str) {
    world.until(&format!("{name} is gone"), async || world.record("shop", name).await.is_none()).await;
    assert!(world.rows(&format!("{name}.example.com")).is_empty());
}

/// Names of the example's zone that have a row of ours.
fn names(world: &World) -> BTreeSet<String> {
    let rows = world.simulator.rows();
    let ours =
        rows.iter().filter(|row| !row.pending_delete && row.class_parameters.contains_key("k8s_owner"));
    ours.map(|row| row.name.trim_end_matches(".example.com").to_owned()).collect()
}

fn deletes(world: &World) -> u64 {
    world.simulator.calls().operation("delete")
}

#[tokio::test(flavor = "multi_thread")]
async fn three_hundred_deletions_of_a_thousand_wait_until_they_are_approved() {
    let mut world = world("", Options::default()).await;
    create(&world, "shop", 0..1000).await;
    world.until_ready("shop", 1000).await;
    world.a_round("default").await;
    let all: BTreeSet<String> = (0..1000).map(host).collect();
    assert_eq!(names(&world), all);

    // A few are everyday business.
    world.simulator.reset_calls();
    let few: Vec<String> = (0..5).map(host).collect();
    delete(&world, &few.iter().map(String::as_str).collect::<Vec<_>>()).await;
    for name in &few {
        until_gone(&world, name).await;
    }
    assert_eq!(deletes(&world), 5);
    assert_eq!(deletions_held(&world).await, None);
    let entries: u32 =
        status(&world).await.zones.iter().flat_map(|zone| &zone.deletions).map(|entry| entry.count).sum();
    assert_eq!(entries, 5, "written down before they happened");

    world.simulator.reset_calls();
    world.kubectl_in(&["delete", "--wait=false", "-f", "-"], &manifests("shop", 100..400)).await;
    let (held, id) = until_held(&world, "shop", 300).await;
    assert!(held.contains("h0100.example.com A") && held.contains("h0104.example.com A"), "{held}");
    assert_eq!(world.simulator.calls().writes(), 0);
    let record = world.record("shop", "h0100").await.unwrap();
    assert!(message(&record).contains("h0100.example.com A would go"), "{}", message(&record));
    world
        .until("the Event is there", async || {
            let events =
                world.kubectl(&["get", "events", "-A", "-o", "custom-columns=R:.reason,M:.message"]).await;
            events.lines().any(|line| line.starts_with("DeletionHeld") && line.contains(&id))
        })
        .await;
    let (_, metrics) = world.http("/metrics").await.unwrap();
    let gauge = metrics.lines().find(|line| line.contains("deletions_held{")).expect("the gauge");
    assert!(gauge.ends_with(" 300"), "{gauge}");

    // Everyday business goes on.
    world.apply(&manifest("shop", "h0500", &a("h0500", "192.0.2.1"))).await;
    world.apply(&manifest("shop", "h0501", &a("renamed", "192.0.2.2"))).await;
    for name in ["h0500", "h0501"] {
        world.until_reason("shop", name, "InSync").await;
    }
    assert_eq!(world.rows("h0500.example.com"), ["A 600 192.0.2.1 | shop/h0500"]);
    assert_eq!(world.rows("renamed.example.com"), ["A 600 192.0.2.2 | shop/h0501"]);
    assert!(world.rows("h0501.example.com").is_empty());
    world.a_round("default").await;
    assert_eq!(deletes(&world), 1, "only what the rename left");
    // One more deletion is none: it may be the rest of the wave.
    delete(&world, &["h0400"]).await;
    world.until_reason("shop", "h0400", "DeletionHeld").await;
    assert_eq!(deletes(&world), 1);

    // Approved, the annotation gone again at once, and the operator killed in the middle.
    world.simulator.set_latency(Duration::from_millis(300));
    run(&world, &command(&held, "approve-deletions")).await;
    world.kubectl(&["annotate", "solidserver", "default", "solidserver.dev/approve-deletions-"]).await;
    world.until("the approval is written down and some are gone", async || deletes(&world) >= 20).await;
    assert_eq!(
        status(&world).await.approved.iter().map(|approval| &*approval.id).collect::<Vec<_>>(),
        [&*id]
    );
    world.kill_operator().await;
    assert!(world.all_records("shop").await.len() > 695, "it was killed in the middle");
    world.simulator.set_latency(Duration::ZERO);
    world.start_operator().await;
    world.until("they are gone", async || world.all_records("shop").await.len() == 695).await;
    let mut expected: BTreeSet<String> = (400..1000).chain(5..100).map(host).collect();
    expected.remove("h0501");
    expected.insert("renamed".to_owned());
    assert_eq!(names(&world), expected, "exactly those");
    let other = world.until_reason("shop", "h0400", "DeletionHeld").await;
    assert!(hold_id(&other).is_some_and(|other| other != id));
    world
        .until("the condition speaks of what is left", async || {
            deletions_held(&world).await.is_some_and(|held| !held.contains(&id) && held.contains("h0400"))
        })
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_abandoned_namespace_goes_and_comes_back_without_a_write() {
    let options = Options { controller_manager: true, ..Options::default() };
    let mut world = world("", options).await;
    world.namespace("team").await;
    create(&world, "shop", 0..700).await;
    create(&world, "team", 700..1000).await;
    world.until_ready("shop", 700).await;
    world.until_ready("team", 300).await;
    world.a_round("default").await;
    world.simulator.reset_calls();
    world.kubectl(&["delete", "namespace", "team", "--wait=false"]).await;
    // They go one by one, and a machine that is slow may take longer for that than a wave lasts.
    let ids = until_held_in_waves(&world, "team", 300).await;
    assert_eq!(world.simulator.calls().writes(), 0);

    // A hold survives a restart, under the same id.
    world.kill_operator().await;
    world.start_operator().await;
    world.a_round("default").await;
    assert_eq!(until_held_in_waves(&world, "team", 300).await, ids);

    for id in &ids {
        let annotation = format!("solidserver.dev/abandon-deletions={id}");
        world.kubectl(&["annotate", "--overwrite", "solidserver", "default", &annotation]).await;
    }
    world.kubectl(&["wait", "--for=delete", "namespace/team", "--timeout=80s"]).await;
    world.until("nothing is held any more", async || deletions_held(&world).await.is_none()).await;
    assert_eq!(names(&world).len(), 1000, "the rows stay");
    world.namespace("team").await;
    create(&world, "team", 700..1000).await;
    world.until_ready("team", 300).await;
    assert_eq!(world.simulator.calls().writes(), 0);

    // Nothing of the old decision is left for the next time.
    world.kubectl(&["delete", "namespace", "team", "--wait=false"]).await;
    assert!(until_held_in_waves(&world, "team", 300).await.is_disjoint(&ids));
    assert_eq!(world.simulator.calls().writes(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn no_window_ever_sees_more_than_the_allowance() {
    const WINDOW_MS: u64 = 20_000;
    let mut world = world("deletions: {maxCount: 3, maxPercent: 0, window: 20s}", Options::default()).await;
    create(&world, "shop", 0..20).await;
    world.until_ready("shop", 20).await;
    world.simulator.reset_calls();
    delete(&world, &["h0000"]).await;
    until_gone(&world, "h0000").await;
    delete(&world, &["h0001"]).await;
    until_gone(&world, "h0001").await;
    world.kill_operator().await;
    delete(&world, &["h0002"]).await;
    world.start_operator().await;
    until_gone(&world, "h0002").await;
    // A stream of one after the other: three are what the window takes.
    for number in 3..8 {
        delete(&world, &[&host(number)]).await;
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    world.kill_operator().await;
    world.start_operator().await;
    let records = world.until_reason("shop", "h0003", "DeletionHeld").await;
    let id = hold_id(&records).expect("an id");
    assert_eq!(deletes(&world), 3);
    // When the window has passed, the next goes through, and those that are held stay so.
    tokio::time::sleep(Duration::from_secs(28)).await;
    delete(&world, &["h0010"]).await;
    until_gone(&world, "h0010").await;
    assert_eq!(deletes(&world), 4);
    // Approved on purpose.
    let annotation = format!("solidserver.dev/approve-deletions={id}");
    let times: Vec<u64> = {
        let log = world.simulator.call_log();
        log.iter().filter(|call| call.operation == "delete").map(|call| call.start_ms).collect()
    };
    for (index, time) in times.iter().enumerate() {
        let within = times[index..].iter().filter(|other| **other - time < WINDOW_MS).count();
        assert!(within <= 3, "{within} within the window: {times:?}");
    }
    world.kubectl(&["annotate", "--overwrite", "solidserver", "default", &annotation]).await;
    until_gone(&world, "h0003").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn names_and_types_that_change_in_great_numbers_are_held_and_can_be_set_back() {
    let mut world = world("deletions: {maxCount: 4, maxPercent: 10}", Options::default()).await;
    create(&world, "shop", 0..30).await;
    world.until_ready("shop", 30).await;
    let before = names(&world);
    world.simulator.reset_calls();
    let renamed: String = (0..15)
        .map(|number| manifest("shop", &host(number), &a(&format!("new{number}"), &address(number))))
        .chain((15..30).map(|number| {
            let spec = format!("fqdn: {}.example.com, type: TXT, values: [moved]", host(number));
            manifest("shop", &host(number), &spec)
        }))
        .collect();
    world.apply(&renamed).await;
    let (_, id) = until_held(&world, "shop", 30).await;
    assert_eq!(world.simulator.calls().writes(), 0);
    let record = world.record("shop", "h0020").await.unwrap();
    assert!(message(&record).contains("set spec.fqdn and spec.type back"), "{}", message(&record));

    // Set back: nothing was written, and nothing is held. The rest is done when it is approved.
    world.apply(&manifests("shop", 0..20)).await;
    world
        .until("twenty are ready", async || {
            let records = world.all_records("shop").await;
            records.iter().filter(|record| shows(record, "InSync") && hold_id(record).is_none()).count() == 20
        })
        .await;
    assert_eq!(world.simulator.calls().writes(), 0);
    assert_eq!(names(&world), before);
    let annotation = format!("solidserver.dev/approve-deletions={id}");
    world.kubectl(&["annotate", "solidserver", "default", &annotation]).await;
    world.until_ready("shop", 30).await;
    assert_eq!(world.rows("h0025.example.com"), ["TXT 600 moved | shop/h0025"]);
    world.until("nothing is held any more", async || deletions_held(&world).await.is_none()).await;

    // A hand-over and rows that are kept are no losses, however many.
    world.simulator.reset_calls();
    let other: String = (0..20)
        .map(|number| manifest("shop", &format!("other{number}"), &a(&host(number), &address(number))))
        .collect();
    world.apply(&other).await;
    world.kubectl_in(&["delete", "--timeout=80s", "-f", "-"], &manifests("shop", 0..20)).await;
    world.until_ready("shop", 30).await;
    let calls = world.simulator.calls();
    assert_eq!((calls.operation("add"), calls.operation("edit"), calls.operation("delete")), (0, 20, 0));
    let kept: String = (0..20)
        .map(|number| {
            let spec = a(&host(number), &address(number)) + ", deletionPolicy: Retain";
            manifest("shop", &format!("other{number}"), &spec)
        })
        .collect();
    world.apply(&kept).await;
    world.until_ready("shop", 30).await;
    world.kubectl_in(&["delete", "--timeout=80s", "-f", "-"], &kept).await;
    assert_eq!(deletes(&world), 0);
    assert_eq!(deletions_held(&world).await, None);
    assert!(world.stop_operator().await.success());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deleted_definition_takes_no_row_along_before_that_is_approved() {
    let world = world("", Options::default()).await;
    create(&world, "shop", 0..30).await;
    world.until_ready("shop", 30).await;
    world.simulator.reset_calls();
    world.kubectl(&["delete", "crd", "dnsrecords.solidserver.dev", "--wait=false"]).await;
    let (held, _) = until_held(&world, "shop", 30).await;
    assert_eq!(world.simulator.calls().writes(), 0);
    run(&world, &command(&held, "approve-deletions")).await;
    world.until("the rows are gone", async || names(&world).is_empty()).await;
    world.kubectl(&["wait", "--for=delete", "crd/dnsrecords.solidserver.dev", "--timeout=60s"]).await;
    assert_eq!(deletes(&world), 30);
    // The next world may get this control plane.
    world.plane.install_crds().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn every_case_of_a_deletion_ends_as_the_guide_says() {
    let mut world = world("deletions: {maxCount: 0, maxPercent: 0}", Options::default()).await;
    let named = ["abandoned", "approved", "byhand", "edited", "suspended"];
    let mut yaml: String = named.iter().map(|name| manifest("shop", name, &a(name, "192.0.2.1"))).collect();
    yaml += &manifest("shop", "retained", &(a("retained", "192.0.2.1") + ", deletionPolicy: Retain"));
    yaml += &manifest("shop", "nowhere", "fqdn: www.nowhere.test, type: A, values: [192.0.2.1]");
    world.apply(&yaml).await;
    for name in named.iter().chain(&["retained"]) {
        world.until_reason("shop", name, "InSync").await;
    }
    world.until_reason("shop", "nowhere", "ZoneNotFound").await;
    world.apply(&manifest("shop", "loser", &a("approved", "192.0.2.2"))).await;
    world.until_reason("shop", "loser", "Conflict").await;
    world.apply(&manifest("shop", "suspended", &(a("suspended", "192.0.2.2") + ", suspend: true"))).await;
    world.until_reason("shop", "suspended", "Suspended").await;

    // Nothing of theirs would be lost, though the guard lets nothing through.
    let free = ["retained", "nowhere", "loser", "suspended"];
    delete(&world, &free).await;
    for name in free {
        world.until(&format!("{name} is gone"), async || world.record("shop", name).await.is_none()).await;
    }
    assert_eq!(world.rows("retained.example.com"), ["A 600 192.0.2.1 | -"]);
    assert_eq!(world.rows("suspended.example.com"), ["A 600 192.0.2.1 | shop/suspended"]);

    delete(&world, &["abandoned", "approved", "byhand", "edited"]).await;
    let (_, id) = until_held(&world, "shop", 4).await;
    // Kubernetes takes no deletion back.
    world.apply(&manifest("shop", "edited", &a("edited", "192.0.2.9"))).await;
    let edited = world.until_reason("shop", "edited", "DeletionHeld").await;
    assert_eq!(hold_id(&edited).as_ref(), Some(&id));
    assert_eq!(world.rows("edited.example.com"), ["A 600 192.0.2.1 | shop/edited"]);
    let row = world.simulator.rows_at("byhand.example.com").remove(0);
    world.simulator.delete_row(&row.id).unwrap();
    world.a_round("default").await;
    until_gone(&world, "byhand").await;
    world
        .kubectl(&["annotate", "dnsrecord", "-n", "shop", "abandoned", "solidserver.dev/abandon=true"])
        .await;
    world.until("it is let go", async || world.record("shop", "abandoned").await.is_none()).await;
    assert_eq!(world.rows("abandoned.example.com"), ["A 600 192.0.2.1 | shop/abandoned"]);
    world
        .until("the condition counts what is left", async || {
            deletions_held(&world).await.is_some_and(|held| held.contains(&format!("hold {id} of 2 RRsets")))
        })
        .await;
    assert_eq!(deletes(&world), 0);
    let annotation = format!("solidserver.dev/approve-deletions={id}");
    world.kubectl(&["annotate", "solidserver", "default", &annotation]).await;
    until_gone(&world, "approved").await;
    until_gone(&world, "edited").await;
    assert_eq!(deletes(&world), 2);
    world.until("nothing is held any more", async || deletions_held(&world).await.is_none()).await;
    assert!(world.stop_operator().await.success());
}

/// Who holds the Lease of the SolidServer; none while nobody does.
async fn leader(world: &World) -> Option<String> {
    let api: Api<Lease> = Api::namespaced(world.client.clone(), OPERATOR_NAMESPACE);
    let holder = api.get("solidserver-default").await.ok()?.spec?.holder_identity?;
    Some(holder.split('_').next()?.to_owned()).filter(|holder| !holder.is_empty())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_of_deletions_never_gets_more_than_the_allowance_though_the_leader_dies_again_and_again() {
    // Twice the allowance; each deletion has settled before the next one comes.
    const WINDOW_MS: u64 = 24_000;
    const EVERY: Duration = Duration::from_secs(4);
    const ALLOWED: usize = 3;
    let mut world = World::new().await;
    world.leases = ["3s", "2s", "500ms"];
    let guard = "guard: {deletions: {maxCount: 3, maxPercent: 0, window: 24s}}";
    let spec = format!("resyncInterval: 1h\n  {guard}\n  defaults: {{dnsServer: ns.example.com, ttl: 600}}");
    world.solid_server("default", &spec).await;
    world.namespace("shop").await;
    for replica in ["r0", "r1"] {
        world.start_replica(replica).await;
    }
    create(&world, "shop", 0..20).await;
    world.until_ready("shop", 20).await;
    world.simulator.reset_calls();
    let mut deaths = 0;
    let mut next = tokio::time::Instant::now();
    for number in 0..18 {
        next += EVERY;
        delete(&world, &[&host(number)]).await;
        if number % 5 == 4 {
            let leader = leader(&world).await.expect("somebody works on it");
            world.kill_replica(&leader).await;
            deaths += 1;
            world.start_replica(&format!("r{}", deaths + 1)).await;
        }
        tokio::time::sleep_until(next).await;
    }
    assert_eq!(deaths, 3);
    world
        .until("each is gone or held", async || {
            let records = world.all_records("shop").await;
            let waiting = records.iter().filter(|record| record.metadata.deletion_timestamp.is_some());
            waiting.clone().all(|record| shows(record, "DeletionHeld"))
        })
        .await;
    let log = world.simulator.call_log();
    let times: Vec<u64> =
        log.iter().filter(|call| call.operation == "delete").map(|call| call.start_ms).collect();
    assert!(times.len() >= ALLOWED, "{times:?}");
    for (index, time) in times.iter().enumerate() {
        let within = times[index..].iter().filter(|other| **other - time < WINDOW_MS).count();
        assert!(within <= ALLOWED, "{within} within the window: {times:?}");
    }
    assert_eq!(names(&world).len(), 20 - times.len());
}
