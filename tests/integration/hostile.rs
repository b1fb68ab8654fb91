//! An appliance, and a namespace, that mean harm.

use std::time::Duration;

use futures::StreamExt as _;
use kube::api::PostParams;
use serde_json::{Value, json};
use solidserver_operator::api::DnsRecord;
use solidserver_simulator::{Config, Fault, FaultKind, Seed, SeedServer, SeedZone, Simulator};

use crate::control_plane::Options;
use crate::world::{World, manifest, shows};

/// The limit of the container in `deploy/base`, in KiB.
const MEMORY_LIMIT: u64 = 512 * 1024;

/// The most memory that the operator had resident so far, in KiB.
fn peak_memory(world: &World) -> u64 {
    let id = world.operator_id().expect("it runs");
    let status = std::fs::read_to_string(format!("/proc/{id}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

async fn until_solid_server(world: &World, reason: &str, words: &str) {
    world
        .until(&format!("the SolidServer is {reason} with: {words}"), async || {
            let status = world.solid_server_object("default").await.status.unwrap_or_default();
            status.conditions.iter().any(|condition| {
                condition.type_ == "Ready" && condition.reason == reason && condition.message.contains(words)
            })
        })
        .await;
}

/// Many zones, which are read at the same time.
const ZONES: usize = 12;

fn zones() -> Config {
    let mut server = SeedServer::new("ns.example.com");
    for number in 0..ZONES {
        server = server.zone(SeedZone::master(format!("z{number}.example.com")).fill(3));
    }
    Config { seed: Seed { servers: vec![server] }, ..Config::default() }
}

/// A record in each zone.
fn records(value: usize) -> String {
    let record = |zone: usize| {
        let spec = format!("fqdn: web.z{zone}.example.com, type: A, values: [192.0.2.{value}]");
        manifest("shop", &format!("web{zone}"), &spec)
    };
    (0..ZONES).map(record).collect()
}

fn written(world: &World, value: usize) -> usize {
    let value = format!("192.0.2.{value}");
    world.simulator.rows().iter().filter(|row| row.values.contains(&value)).count()
}

async fn with_zones(limits: &str) -> World {
    let mut world = World::with(zones(), Options::default()).await;
    world
        .solid_server(
            "default",
            &format!("resyncInterval: 1h\n  limits: {{{limits}}}\n  defaults: {{dnsServer: ns.example.com, ttl: 600}}"),
        )
        .await;
    world.namespace("shop").await;
    world.start_operator().await;
    world.apply(&records(1)).await;
    world.until_ready("shop", ZONES).await;
    world
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_of_a_hundred_mebibytes_take_a_bounded_amount_of_memory() {
    let world = with_zones("concurrency: 16, requestTimeout: 30s").await;
    let before = peak_memory(&world);
    world.simulator.inject(Fault::new("*", FaultKind::Flood { mib: 100 }));
    world.simulator.reset_calls();
    world.apply(&records(2)).await;
    until_solid_server(&world, "Unreachable", "longer than").await;
    // Zones whose turn comes after the trouble is known are left alone, and the appliance is tried ever more rarely.
    world.until("many are read", async || world.simulator.calls().total >= ZONES as u64).await;
    let peak = peak_memory(&world);
    assert!(peak > before, "nothing of it was read: {before} KiB");
    assert!(peak < MEMORY_LIMIT * 3 / 4, "{peak} KiB, before it {before} KiB");
    assert_eq!(written(&world, 2), 0);
    world.simulator.clear_faults();
    world.until_ready("shop", ZONES).await;
    assert_eq!(written(&world, 2), ZONES);
    until_solid_server(&world, "InSync", "").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_that_never_end_cost_their_deadline() {
    let world = with_zones("concurrency: 4, requestTimeout: 1s").await;
    world.simulator.inject(Fault::new("*", FaultKind::Trickle { ms: 20 }));
    world.apply(&records(2)).await;
    until_solid_server(&world, "Unreachable", "no answer within 1 s").await;
    world.simulator.clear_faults();
    world.until_ready("shop", ZONES).await;
    assert_eq!(written(&world, 2), ZONES);
    // None of them is still being read.
    world.until("no call is in flight", async || world.simulator.calls().in_flight == 0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_appliance_that_sends_the_caller_elsewhere_is_not_followed() {
    let world = with_zones("concurrency: 4").await;
    let elsewhere = Simulator::start(Config::default()).await.unwrap();
    for (number, (service, code)) in
        [("*", 301), ("*", 302), ("*", 307), ("write", 303), ("write", 307), ("write", 308)]
            .into_iter()
            .enumerate()
    {
        let location = format!("{}/rest/dns_rr_list", elsewhere.endpoint());
        world.simulator.inject(Fault::new(service, FaultKind::Redirect { code, location }));
        world.simulator.reset_calls();
        world.apply(&records(10 + number)).await;
        until_solid_server(&world, "Retrying", &format!("answers {code}")).await;
        world.until("it was asked", async || world.simulator.calls().status(code) > 1).await;
        assert_eq!(written(&world, 10 + number), 0, "{service} {code}");
        world.simulator.clear_faults();
        world.until_ready("shop", ZONES).await;
        until_solid_server(&world, "InSync", "").await;
        assert_eq!(written(&world, 10 + number), ZONES, "{service} {code}");
    }
    // Not even a connection was made, so no password went along.
    let calls = elsewhere.calls();
    assert_eq!((calls.connections, calls.total), (0, 0));
    elsewhere.shutdown().await;
}

/// As many as a namespace without a quota of its own may hold, and as many as it is granted.
const FLOOD: usize = 10_000;
const GRANTED: usize = 500;

#[tokio::test(flavor = "multi_thread")]
async fn ten_thousand_records_of_one_namespace_leave_the_others_served() {
    let mut world = World::new().await;
    // Nobody else wants its Leases, and a machine on which so many objects are made may be slow to renew them.
    world.leases = ["600s", "500s", "2s"];
    let entry = |team: &str, more: &str| {
        format!(
            "{{name: {team}.example.com, allowedNamespaces: {{from: Selector, selector: {{matchLabels: {{team: {team}}}}}}}{more}}}"
        )
    };
    let quota = format!(", maxRecords: {GRANTED}");
    world
        .solid_server(
            "default",
            &format!(
                "resyncInterval: 1h\n  defaults: {{dnsServer: ns.example.com, ttl: 600}}\n  zones: [{}, {}]",
                entry("flood", &quota),
                entry("quiet", "")
            ),
        )
        .await;
    for team in ["flood", "quiet"] {
        world
            .apply(&format!(
                "apiVersion: v1\nkind: Namespace\nmetadata: {{name: {team}, labels: {{team: {team}}}}}\n"
            ))
            .await;
        world
            .simulator
            .add_zone("ns.example.com", "", &SeedZone::master(format!("{team}.example.com")))
            .unwrap();
    }
    // All there when the operator starts, so that it is by age and name alone which of them are admitted.
    let records = world.records("flood");
    let parameters = PostParams::default();
    let create = |number: usize| {
        let record = json!({
            "apiVersion": "solidserver.dev/v1alpha1", "kind": "DnsRecord",
            "metadata": {"name": format!("h{number:05}"), "namespace": "flood"},
            "spec": {"fqdn": format!("h{number:05}.flood.example.com"), "type": "A", "values": ["192.0.2.1"]},
        });
        let record: DnsRecord = serde_json::from_value(record).unwrap();
        let (records, parameters) = (&records, &parameters);
        async move { records.create(parameters, &record).await.map(drop) }
    };
    let created = futures::stream::iter((0..FLOOD).map(create)).buffer_unordered(32);
    let failed: Vec<_> = created.filter_map(async |created| created.err()).collect().await;
    assert!(failed.is_empty(), "{} of them are refused: {:?}", failed.len(), failed[0]);

    world.start_operator().await;
    let hosts: String = (0..5)
        .map(|number| {
            let spec = format!("fqdn: h{number}.quiet.example.com, type: A, values: [192.0.2.2]");
            manifest("quiet", &format!("h{number}"), &spec)
        })
        .collect();
    world.apply(&hosts).await;
    world.until_ready("quiet", 5).await;
    // A minute and a half is for one thing; ten thousand statuses are more. A list of them all is no cheap question either.
    let counts = async || world.solid_server_object("default").await.status.unwrap_or_default().records;
    for share in 1..=20 {
        world
            .until(&format!("{share} twentieths of them are refused"), async || {
                let refused = counts().await.map_or(0, |counts| counts.stalled as usize);
                refused >= (FLOOD - GRANTED) * share / 20
            })
            .await;
    }
    world
        .until("those that are granted are ready", async || {
            counts().await.is_some_and(|counts| counts.ready as usize == GRANTED + 5)
        })
        .await;
    let flood = world.all_records("flood").await;
    let reasons = |reason: &str| flood.iter().filter(|record| shows(record, reason)).count();
    assert_eq!((reasons("NotDelegated"), reasons("InSync")), (FLOOD - GRANTED, GRANTED));
    world.apply(&hosts.replace("192.0.2.2", "192.0.2.3")).await;
    world.until_ready("quiet", 5).await;

    let rows = world.simulator.rows();
    let of = |team: &str| {
        let zone = format!(".{team}.example.com");
        rows.iter().filter(|row| row.name.ends_with(&zone) && row.record_type == "A").count()
    };
    assert_eq!((of("flood"), of("quiet")), (GRANTED, 5));
    let calls = world.simulator.calls();
    assert_eq!(
        (calls.operation("add"), calls.operation("edit"), calls.operation("delete")),
        (GRANTED as u64 + 5, 5, 0)
    );
    let peak = peak_memory(&world);
    assert!(peak < MEMORY_LIMIT * 3 / 4, "{peak} KiB");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mebibyte_in_any_field_is_refused_by_the_api_server() {
    let world = World::new().await;
    world.namespace("shop").await;
    let long = "a".repeat(1024 * 1024);
    let digits = "1".repeat(1024 * 1024);
    let record = |field: &str, value: Value| {
        let mut spec = json!({"fqdn": "a.example.com", "type": "TXT", "values": ["x"]});
        spec[field] = value;
        json!({"apiVersion": "solidserver.dev/v1alpha1", "kind": "DnsRecord",
            "metadata": {"name": "long", "namespace": "shop"}, "spec": spec})
    };
    let server = |field: &str, value: Value| {
        let mut spec = json!({"endpoint": "https://ddi.example.com", "credentialsSecretRef": {"name": "s"},
            "zones": [{"name": "*", "allowedNamespaces": {"from": "All"}}]});
        spec[field] = value;
        json!({"apiVersion": "solidserver.dev/v1alpha1", "kind": "SolidServer", "metadata": {"name": "long"}, "spec": spec})
    };
    let zone = |entry: Value| server("zones", json!([entry]));
    let all = json!({"from": "All"});
    let objects = [
        record("values", json!([long])),
        record("values", json!(vec!["a".repeat(1024); 1024])),
        record("fqdn", json!(long)),
        record("type", json!(long)),
        record("zone", json!(long)),
        record("dnsServer", json!(long)),
        record("view", json!(long)),
        record("className", json!(long)),
        record("classParameters", json!({"a": long})),
        record("classParameters", json!({long.clone(): "a"})),
        record("solidServerRef", json!({"name": long})),
        record("adoptionPolicy", json!(long)),
        server("endpoint", json!(format!("https://{long}"))),
        server("api", json!(long)),
        server("credentialsSecretRef", json!({"name": long})),
        server("tls", json!({"caBundle": long})),
        server("tls", json!({"caBundleSecretRef": {"name": long}})),
        server("defaults", json!({"dnsServer": long})),
        server("defaults", json!({"view": long})),
        server("limits", json!({"requestTimeout": digits.clone() + "s"})),
        server("resyncInterval", json!(digits + "s")),
        zone(json!({"name": long, "allowedNamespaces": all})),
        zone(json!({"name": "*", "dnsServers": [long], "allowedNamespaces": all})),
        zone(json!({"name": "*", "views": [long], "allowedNamespaces": all})),
        zone(
            json!({"name": "*", "allowedNamespaces": {"from": "Selector", "selector": {"matchLabels": {"a": long}}}}),
        ),
    ];
    for (number, object) in objects.iter().enumerate() {
        let create = ["create", "--filename=-", "--output=name"];
        let output = world.plane.kubectl_with_stdin(&create, &object.to_string()).await.unwrap();
        let words: String = output.stderr.chars().take(300).collect();
        assert!(!output.status.success(), "object {number} is taken");
        assert!(words.contains("is invalid") || words.contains("Too long"), "object {number}: {words}");
    }
    assert!(world.all_records("shop").await.is_empty());
    let taken = world.kubectl(&["get", "solidservers", "-o", "name"]).await;
    assert_eq!(taken, "");
    // The same objects are taken as soon as they are of a reasonable size.
    let small = record("values", json!(["a".repeat(1024)])).to_string();
    world.kubectl_in(&["create", "--filename=-"], &small).await;
    tokio::time::timeout(
        Duration::from_secs(60),
        world.kubectl(&["delete", "dnsrecord", "-n", "shop", "long"]),
    )
    .await
    .unwrap();
}
