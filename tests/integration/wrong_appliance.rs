//! An endpoint that is new to a SolidServer: nothing is written there before it is known to be the appliance of before.

use kube::api::{Api, Patch, PatchParams};
use rstest::rstest;
use serde_json::json;
use solidserver_operator::api::{ACCEPT_APPLIANCE, SolidServer, SolidServerStatus};
use solidserver_simulator::{Config, NewRow, Simulator};

use crate::control_plane::Options;
use crate::world::{World, manifest, message, shows};

/// The DnsRecords of most tests: name, owner name, value.
const RECORDS: [(&str, &str, &str); 4] = [
    ("web", "web.example.com", "192.0.2.1"),
    ("mail", "mail.example.com", "192.0.2.2"),
    ("going", "going.example.com", "192.0.2.3"),
    ("till", "till.shop.example.com", "192.0.2.4"),
];

fn spec(owner: &str, value: &str) -> String {
    format!("fqdn: {owner}, type: A, values: [{value}], ttl: 600")
}

async fn world(version: &str) -> World {
    let config = Config { version: version.to_owned(), ..Config::default() };
    let mut world = World::with(config, Options::default()).await;
    world
        .solid_server("default", "resyncInterval: 1h\n  defaults: {dnsServer: ns.example.com, ttl: 600}")
        .await;
    world.start_operator().await;
    world.namespace("shop").await;
    for (name, owner, value) in RECORDS {
        world.apply(&manifest("shop", name, &spec(owner, value))).await;
    }
    world.until_ready("shop", RECORDS.len()).await;
    world
}

/// Another appliance, with the same zones and other rows.
async fn stranger(version: &str) -> Simulator {
    Simulator::start(Config { version: version.to_owned(), ..Config::default() }).await.unwrap()
}

/// Sets the endpoint of a SolidServer, and what to trust there.
async fn point(world: &World, solid_server: &str, simulator: &Simulator) {
    let bundle = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, simulator.ca_pem());
    patch(
        world,
        solid_server,
        json!({"spec": {"endpoint": simulator.endpoint(), "tls": {"caBundle": bundle}}}),
    )
    .await;
}

async fn patch(world: &World, solid_server: &str, patch: serde_json::Value) {
    let api = Api::<SolidServer>::all(world.client.clone());
    api.patch(solid_server, &PatchParams::default(), &Patch::Merge(&patch)).await.expect("it is patched");
}

async fn status(world: &World) -> SolidServerStatus {
    world.solid_server_object("default").await.status.unwrap_or_default()
}

/// Waits until SolidServer `default` shows this reason for its present generation; its message.
async fn until(world: &World, reason: &str) -> String {
    let shown = async || {
        let object = world.solid_server_object("default").await;
        let status = object.status.unwrap_or_default();
        let ready = status.conditions.into_iter().find(|condition| condition.type_ == "Ready")?;
        (ready.reason == reason && Some(status.observed_generation) == object.metadata.generation)
            .then_some(ready.message)
    };
    world.until(&format!("the SolidServer is {reason}"), async || shown().await.is_some()).await;
    shown().await.expect("it still is")
}

/// Copies rows of our DnsRecords, marks and all, as a backup would.
fn restore(from: &Simulator, to: &Simulator, owners: &[&str]) {
    for row in from.rows().into_iter().filter(|row| owners.contains(&row.name.as_str())) {
        let copy = NewRow {
            server: row.server,
            zone: row.zone,
            name: row.name,
            record_type: row.record_type,
            ttl: Some(row.ttl),
            values: row.values,
            class_parameters: row.class_parameters,
            ..NewRow::default()
        };
        to.add_row(copy).unwrap();
    }
}

/// `name ttl value` of the rows at our DnsRecords' names.
fn rows(simulator: &Simulator) -> Vec<String> {
    let owners = RECORDS.map(|(_, owner, _)| owner);
    let rows = simulator.rows().into_iter().filter(|row| owners.contains(&row.name.as_str()));
    let mut rows: Vec<String> =
        rows.map(|row| format!("{} {} {}", row.name, row.ttl, row.values[0])).collect();
    rows.sort();
    rows
}

/// The id in a message's command.
fn id(message: &str) -> String {
    let command = format!(
        "kubectl annotate --overwrite --field-manager=flux-client-side-apply solidserver default {ACCEPT_APPLIANCE}="
    );
    let (_, rest) = message.split_once(&command).expect("the message contains the command");
    rest.chars().take_while(char::is_ascii_hexdigit).collect()
}

async fn annotate(world: &World, id: &str) {
    patch(world, "default", json!({"metadata": {"annotations": {ACCEPT_APPLIANCE: id}}})).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_endpoint_that_shows_none_of_our_rows_is_refused_before_any_write_until_it_is_set_back() {
    let mut world = world("8.4.0").await;
    let before = rows(&world.simulator);
    assert_eq!(status(&world).await.endpoint, Some(world.simulator.endpoint()));
    let other = stranger("8.4.0").await;
    point(&world, "default", &other).await;
    let said = until(&world, "WrongAppliance").await;
    assert!(said.contains("4 DnsRecords") && said.contains(&other.endpoint()), "{said}");
    assert!(said.contains(&format!("set spec.endpoint back to {}", world.simulator.endpoint())), "{said}");
    let conditions = status(&world).await.conditions;
    assert!(conditions.iter().any(|one| one.type_ == "Stalled" && one.status == "True"), "{conditions:?}");

    // There is enough to be done: a change, a deletion, a new one.
    world.simulator.reset_calls();
    world.apply(&manifest("shop", "web", &spec("web.example.com", "192.0.2.77"))).await;
    world.apply(&manifest("shop", "new", &spec("new.example.com", "192.0.2.5"))).await;
    world.kubectl(&["delete", "dnsrecord", "-n", "shop", "going", "--wait=false"]).await;
    for name in ["web", "new", "going"] {
        let record = world.until_reason("shop", name, "Waiting").await;
        assert!(message(&record).contains("shows none of the rows"), "{name}: {}", message(&record));
    }
    assert!(shows(&world.record("shop", "mail").await.unwrap(), "InSync"), "nothing is to be done for it");

    // The next process does not know better.
    world.kill_operator().await;
    other.reset_calls();
    world.start_operator().await;
    world.until("it has read both zones", async || other.calls().of("rr", "list") >= 2).await;
    world.ask_for_a_round("default").await;
    world.until("it has read them again", async || other.calls().of("rr", "list") >= 4).await;
    assert_eq!(id(&until(&world, "WrongAppliance").await), id(&said), "the question is the same one");
    let late = manifest("shop", "late", &spec("late.example.com", "192.0.2.6"));
    world.apply(&late).await;
    world.until_reason("shop", "late", "Waiting").await;
    assert_eq!((other.calls().writes(), world.simulator.calls().total), (0, 0));
    assert_eq!(rows(&world.simulator), before);

    point(&world, "default", &world.simulator).await;
    world.until("it goes", async || world.record("shop", "going").await.is_none()).await;
    world.until_ready("shop", 5).await;
    until(&world, "InSync").await;
    assert_eq!(world.rows("web.example.com"), ["A 600 192.0.2.77 | shop/web"]);
    assert_eq!(world.rows("new.example.com"), ["A 600 192.0.2.5 | shop/new"]);
    assert!(world.rows("going.example.com").is_empty());
    assert_eq!(other.calls().writes(), 0);
    other.shutdown().await;
}

#[rstest]
#[case::marked("8.4.0")]
#[case::told_by_status("7.3.1")]
#[tokio::test(flavor = "multi_thread")]
async fn a_copy_of_the_appliance_goes_on_and_gets_only_what_it_lacks(#[case] version: &str) {
    let world = world(version).await;
    let before = rows(&world.simulator);
    let copy = stranger(version).await;
    restore(&world.simulator, &copy, &["going.example.com", "web.example.com", "till.shop.example.com"]);
    world.simulator.reset_calls();
    point(&world, "default", &copy).await;
    until(&world, "InSync").await;
    world.until("it has what it lacked", async || rows(&copy) == before).await;
    world.a_round("default").await;
    world.until_ready("shop", RECORDS.len()).await;
    assert_eq!((copy.calls().operation("add"), copy.calls().writes()), (1, 1));
    assert_eq!(world.simulator.calls().writes(), 0);
    assert_eq!(status(&world).await.endpoint, Some(copy.endpoint()));

    // One that is still empty is restored later.
    let second = stranger(version).await;
    point(&world, "default", &second).await;
    until(&world, "WrongAppliance").await;
    restore(&copy, &second, &RECORDS.map(|(_, owner, _)| owner));
    world.ask_for_a_round("default").await;
    until(&world, "InSync").await;
    world.a_round("default").await;
    assert_eq!((rows(&second), second.calls().writes()), (before, 0));
    second.shutdown().await;
    copy.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_appliance_that_a_person_accepts_gets_all_rows_anew_and_the_word_counts_once() {
    let world = world("8.4.0").await;
    let before = rows(&world.simulator);
    let other = stranger("8.4.0").await;
    point(&world, "default", &other).await;
    let first = id(&until(&world, "WrongAppliance").await);
    // Another id is no word for this one.
    annotate(&world, "0123456789").await;
    other.reset_calls();
    world.ask_for_a_round("default").await;
    world.until("it has read both zones", async || other.calls().of("rr", "list") >= 2).await;
    assert_eq!(id(&until(&world, "WrongAppliance").await), first);
    assert_eq!(other.calls().writes(), 0);
    // Flux takes annotations off again.
    annotate(&world, &first).await;
    patch(&world, "default", json!({"metadata": {"annotations": {ACCEPT_APPLIANCE: null}}})).await;
    until(&world, "InSync").await;
    world.until("all rows are there", async || rows(&other) == before).await;
    world.until_ready("shop", RECORDS.len()).await;
    assert_eq!((other.calls().operation("add"), other.calls().writes()), (4, 4));
    let approved = status(&world).await.approved;
    assert_eq!(approved.len(), 1, "{approved:?}");
    assert_eq!(
        (approved[0].id.as_str(), format!("{:?}", approved[0].kind)),
        (&*first, "AcceptAppliance".to_owned())
    );

    // The one of before has its rows still.
    world.simulator.reset_calls();
    point(&world, "default", &world.simulator).await;
    until(&world, "InSync").await;
    world.a_round("default").await;
    assert_eq!(world.simulator.calls().writes(), 0);
    // The other one has lost its rows meanwhile: what was said once is no word for that.
    for row in other.rows().iter().filter(|row| row.class_parameters.contains_key("k8s_owner")) {
        other.delete_row(&row.id).unwrap();
    }
    other.reset_calls();
    annotate(&world, &first).await;
    point(&world, "default", &other).await;
    let second = id(&until(&world, "WrongAppliance").await);
    assert_ne!(second, first);
    assert_eq!(other.calls().writes(), 0);
    other.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_of_another_solid_servers_records_are_no_proof() {
    let world = world("8.4.0").await;
    let other = stranger("8.4.0").await;
    world
        .solid_server_beside(
            "other",
            &other,
            "resyncInterval: 1h\n  defaults: {dnsServer: ns.example.com, ttl: 600}",
        )
        .await;
    world.namespace("elsewhere").await;
    let theirs = spec("theirs.example.com", "192.0.2.9") + ", solidServerRef: {name: other}";
    world.apply(&manifest("elsewhere", "theirs", &theirs)).await;
    world.until_ready("elsewhere", 1).await;
    other.reset_calls();
    point(&world, "default", &other).await;
    until(&world, "WrongAppliance").await;
    assert_eq!(other.calls().writes(), 0);
    other.shutdown().await;
}
