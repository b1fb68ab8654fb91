//! The life of a DnsRecord, end to end: writes that do not stick, finalizers, deletion in all its forms, drift and defaults.

use std::fmt::Write as _;
use std::time::Duration;

use rstest::rstest;
use solidserver_simulator::{Config, Fault, FaultKind, NewRow, RowPatch, Seed, SeedServer, SeedZone};

use crate::control_plane::Options;
use crate::wire::Wire::{self, RestBasic, RestNative, V2Token};
use crate::world::{World, for_all, manifest, message, shows};

const DEFAULTS: &str = "resyncInterval: 1h\n  defaults: {dnsServer: ns.example.com, ttl: 600}";

async fn world(wire: Wire) -> World {
    let world = wire.running("1h").await;
    world.namespace("shop").await;
    world
}

fn a(name: &str, value: &str) -> String {
    format!("fqdn: {name}.example.com, type: A, values: [{value}]")
}

async fn delete(world: &World, name: &str) {
    world.kubectl(&["delete", "dnsrecord", "-n", "shop", name, "--timeout=60s"]).await;
}

async fn rounds(world: &World, count: usize) {
    for _ in 0..count {
        world.a_round("default").await;
    }
}

/// The value behind `name` in the record's own row.
fn value(world: &World, name: &str) -> String {
    world.simulator.rows_at(&format!("{name}.example.com"))[0].values[0].clone()
}

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn an_appliance_that_cuts_text_is_written_to_at_most_three_times(
    #[values(RestBasic, V2Token, RestNative)] wire: Wire,
) {
    let world = world(wire).await;
    world.simulator.set_quirk("txt-storage", "cut-255").unwrap();
    let text = "abcdefghij".repeat(30);
    let spec = format!("fqdn: long.example.com, type: TXT, values: [{text}]");
    world.apply(&manifest("shop", "long", &spec)).await;
    world.until("it is written", async || world.simulator.calls().writes() > 0).await;
    rounds(&world, 20).await;
    let record = world.until_reason("shop", "long", "NotStoredAsSent").await;
    let writes = world.simulator.calls().writes();
    assert!((1..=3).contains(&writes), "{writes} writes");
    let message = message(&record);
    assert!(message.contains(&text), "wanted: {message}");
    let stored = value(&world, "long");
    assert!(stored.len() < text.len());
    // Once for what was found, and once at the beginning of what was wanted.
    let found = stored.trim_matches('"');
    assert!(message.matches(&found[..200]).count() >= 2, "found: {message}");

    // It is no loss for its neighbours, and another wish is tried at once.
    world.apply(&manifest("shop", "short", "fqdn: short.example.com, type: TXT, values: [hello]")).await;
    world.until_reason("shop", "short", "InSync").await;
    world.apply(&manifest("shop", "long", "fqdn: long.example.com, type: TXT, values: [hello]")).await;
    world.until_reason("shop", "long", "InSync").await;
}

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn a_value_that_is_changed_back_each_time_is_contested_after_three_writes(
    #[values(RestBasic, V2Token, RestNative)] wire: Wire,
) {
    let world = world(wire).await;
    world.apply(&manifest("shop", "web", &a("web", "192.0.2.1"))).await;
    world.until_ready("shop", 1).await;
    world.a_round("default").await;
    let rewrite =
        FaultKind::Rewrite { name: Some("web.example.com".to_owned()), value: "192.0.2.66".to_owned() };
    world.simulator.inject(Fault::new("edit", rewrite.clone()));
    let row = world.simulator.rows_at("web.example.com").remove(0);
    world.simulator.patch_row(&row.id, RowPatch::values(["192.0.2.66"])).unwrap();
    world.simulator.reset_calls();
    rounds(&world, 20).await;
    let record = world.until_reason("shop", "web", "Contested").await;
    let writes = world.simulator.calls().writes();
    assert!((1..=3).contains(&writes), "{writes} writes");
    let message = message(&record);
    assert!(message.contains("192.0.2.66") && message.contains("192.0.2.1"), "{message}");

    // A row that has changed is tried again.
    world.simulator.clear_faults();
    world.simulator.patch_row(&row.id, RowPatch::values(["192.0.2.67"])).unwrap();
    world.a_round("default").await;
    world.until_reason("shop", "web", "InSync").await;
    assert_eq!(world.rows("web.example.com"), ["A 600 192.0.2.1 | shop/web"]);
}

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn a_replaced_record_that_is_deleted_takes_its_row_along(
    #[values(RestBasic, V2Token, RestNative)] wire: Wire,
) {
    let world = world(wire).await;
    for round in ["the appliance is there", "the appliance is down"] {
        let yaml = manifest("shop", "web", &a("web", "192.0.2.1"));
        world.apply(&yaml).await;
        world.until_ready("shop", 1).await;
        if round.ends_with("down") {
            world.simulator.inject(Fault::new("*", FaultKind::ResetBeforeCommit));
            // So that nothing of what was read may serve.
            world.apply(&manifest("shop", "late", &a("late", "192.0.2.1"))).await;
            world.until_reason("shop", "late", "Unreachable").await;
        }
        world.kubectl_in(&["replace", "-f", "-"], &yaml).await;
        world
            .until("it has its finalizer again", async || {
                let record = world.record("shop", "web").await.unwrap();
                record.metadata.finalizers.is_some_and(|finalizers| !finalizers.is_empty())
            })
            .await;
        world.kubectl(&["delete", "dnsrecord", "-n", "shop", "web", "--wait=false"]).await;
        world.simulator.clear_faults();
        world.until("it is gone", async || world.record("shop", "web").await.is_none()).await;
        assert!(world.rows("web.example.com").is_empty(), "{round}");
    }
}

/// Waits until the record is Ready; its rows must be right from the first moment that it says so.
async fn ready_only_with(world: &World, name: &str, rows: &[&str]) {
    world
        .until("it is ready", async || {
            let is_ready = world.record("shop", name).await.is_some_and(|record| shows(&record, "InSync"));
            if is_ready {
                assert_eq!(
                    world.rows(&format!("{name}.example.com")),
                    rows,
                    "Ready before its own row is there"
                );
            }
            is_ready
        })
        .await;
}

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn a_record_created_anew_in_the_middle_of_a_pass_is_ready_with_its_own_row(
    #[values(RestBasic, V2Token, RestNative)] wire: Wire,
) {
    let world = world(wire).await;
    world.a_round("default").await;
    world.simulator.set_latency(Duration::from_millis(700));

    // While the appliance is being read: nothing is written for the first one.
    world.simulator.reset_calls();
    world.apply(&manifest("shop", "web", &a("web", "192.0.2.1"))).await;
    world
        .until("the pass reads the zone, of which nothing is known", async || {
            world.simulator.calls().of("rr", "list") > 0
        })
        .await;
    assert!(world.record("shop", "web").await.unwrap().metadata.finalizers.is_none());
    delete(&world, "web").await;
    world.apply(&manifest("shop", "web", &a("web", "192.0.2.2"))).await;
    ready_only_with(&world, "web", &["A 600 192.0.2.2 | shop/web"]).await;
    let added: Vec<String> = world
        .simulator
        .call_log()
        .into_iter()
        .filter(|call| call.operation == "add")
        .map(|call| call.parameter("value1").unwrap())
        .collect();
    assert_eq!(added, ["192.0.2.2"]);

    // While it is being written: what the first one has written is put right.
    world.simulator.reset_calls();
    world.apply(&manifest("shop", "late", &a("late", "192.0.2.1"))).await;
    world.until("the pass writes", async || world.simulator.calls().operation("add") > 0).await;
    let patch = r#"{"metadata":{"finalizers":null}}"#;
    world.kubectl(&["delete", "dnsrecord", "-n", "shop", "late", "--wait=false"]).await;
    world.kubectl(&["patch", "dnsrecord", "-n", "shop", "late", "--type=merge", "-p", patch]).await;
    world.apply(&manifest("shop", "late", &a("late", "192.0.2.2"))).await;
    ready_only_with(&world, "late", &["A 600 192.0.2.2 | shop/late"]).await;
}

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn an_account_without_rights_adds_nothing_and_lets_nobody_go(
    #[values(RestBasic, V2Token, RestNative)] wire: Wire,
) {
    let world = world(wire).await;
    for (index, service) in ["*", "dns_rr_list"].into_iter().enumerate() {
        for name in ["stays", "goes"] {
            world.apply(&manifest("shop", name, &a(name, "192.0.2.1"))).await;
        }
        world.until_ready("shop", 2 + index).await;
        world.simulator.inject(Fault::new(service, FaultKind::Blind));
        world.simulator.reset_calls();
        // What was read just before may still serve; the name that was written last must be read again.
        world.kubectl(&["delete", "dnsrecord", "-n", "shop", "goes", "--wait=false"]).await;
        let going = world.until_reason("shop", "goes", "NotVisible").await;
        assert!(message(&going).contains("solidserver.dev/abandon=true"), "{}", message(&going));
        let new = format!("new{index}");
        world.apply(&manifest("shop", &new, &a(&new, "192.0.2.1"))).await;
        world.until_reason("shop", &new, "NotVisible").await;
        // Time for some tries more.
        tokio::time::sleep(Duration::from_secs(4)).await;
        assert_eq!(world.simulator.calls().writes(), 0);
        let going = world.record("shop", "goes").await.expect("it is not let go");
        assert!(going.metadata.deletion_timestamp.is_some());
        assert!(
            shows(&world.record("shop", "stays").await.unwrap(), "InSync"),
            "what is in sync stays Ready"
        );

        world.simulator.clear_faults();
        world.until_ready("shop", 2 + index).await;
        assert_eq!(world.rows(&format!("{new}.example.com")).len(), 1);
        assert!(world.rows("goes.example.com").is_empty());
        assert_eq!(world.rows("stays.example.com").len(), 1);
    }
}

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn a_deleted_namespace_takes_its_rows_along_or_leaves_them_unmarked(
    #[values(RestBasic, V2Token, RestNative)] wire: Wire,
) {
    let options = Options { controller_manager: true, ..Options::default() };
    let mut world = wire.world_with(Config::default(), options).await;
    world.solid_server("default", DEFAULTS).await;
    world.start_operator().await;
    for namespace in ["goes", "stays"] {
        world.namespace(namespace).await;
        let policy = if namespace == "stays" { ", deletionPolicy: Retain" } else { "" };
        let mut yaml = String::new();
        for index in 0..50 {
            let name = format!("{namespace}{index}");
            let _ = write!(yaml, "{}", manifest(namespace, &name, &(a(&name, "192.0.2.1") + policy)));
        }
        world.apply(&yaml).await;
        world.until_ready(namespace, 50).await;
    }
    let before = world.simulator.rows();
    world.simulator.reset_calls();
    world.kubectl(&["delete", "namespace", "goes", "stays", "--timeout=85s"]).await;
    let rows = |prefix: &str| {
        let mut rows = world.simulator.rows();
        rows.retain(|row| row.name.starts_with(prefix));
        rows
    };
    assert!(rows("goes").is_empty());
    let stay = rows("stays");
    assert_eq!(stay.len(), 50);
    assert!(stay.iter().all(|row| row.class_parameters.is_empty() && row.values == ["192.0.2.1"]));
    assert!(stay.iter().all(|row| before.iter().any(|old| old.id == row.id)), "they are the same rows");
    let calls = world.simulator.calls();
    assert_eq!((calls.operation("add"), calls.operation("edit"), calls.operation("delete")), (0, 50, 50));
}

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn suspended_and_abandoned_records_leave_their_rows(
    #[values(RestBasic, V2Token, RestNative)] wire: Wire,
) {
    let world = world(wire).await;
    for name in ["suspended", "abandoned"] {
        world.apply(&manifest("shop", name, &a(name, "192.0.2.1"))).await;
    }
    world.until_ready("shop", 2).await;
    world.apply(&manifest("shop", "suspended", &(a("suspended", "192.0.2.2") + ", suspend: true"))).await;
    world.until_reason("shop", "suspended", "Suspended").await;
    assert_eq!(world.rows("suspended.example.com"), ["A 600 192.0.2.1 | shop/suspended"]);
    delete(&world, "suspended").await;
    assert_eq!(world.rows("suspended.example.com"), ["A 600 192.0.2.1 | shop/suspended"]);

    // The appliance is down: a deleted record waits, and says how it can go.
    world.simulator.inject(Fault::new("*", FaultKind::ResetBeforeCommit));
    world.kubectl(&["delete", "dnsrecord", "-n", "shop", "abandoned", "--wait=false"]).await;
    let record = world.until_reason("shop", "abandoned", "Unreachable").await;
    let command = message(&record).split("kubectl ").nth(1).expect("a way out").to_owned();
    assert!(command.contains("solidserver.dev/abandon=true"), "{command}");
    world.kubectl(&command.split_whitespace().collect::<Vec<_>>()).await;
    world.until("it is gone", async || world.record("shop", "abandoned").await.is_none()).await;
    assert_eq!(world.rows("abandoned.example.com"), ["A 600 192.0.2.1 | shop/abandoned"]);

    // Both rows are orphans now; the same records take them back without a write.
    world.simulator.clear_faults();
    world.simulator.reset_calls();
    for name in ["suspended", "abandoned"] {
        world.apply(&manifest("shop", name, &a(name, "192.0.2.1"))).await;
    }
    world.until_ready("shop", 2).await;
    assert_eq!(world.simulator.calls().writes(), 0);
}

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn under_report_drift_is_told_and_not_touched(#[values(RestBasic, V2Token, RestNative)] wire: Wire) {
    let world = world(wire).await;
    let spec = |value: &str, policy: &str| a("web", value) + ", driftPolicy: " + policy;
    world.apply(&manifest("shop", "web", &spec("192.0.2.1", "Report"))).await;
    world.until_ready("shop", 1).await;
    let row = world.simulator.rows_at("web.example.com").remove(0);
    world.simulator.patch_row(&row.id, RowPatch::values(["192.0.2.9"])).unwrap();
    world.simulator.reset_calls();
    rounds(&world, 2).await;
    let record = world.until_reason("shop", "web", "Drifted").await;
    let message = message(&record);
    assert!(message.contains("192.0.2.9") && message.contains("192.0.2.1"), "{message}");
    assert_eq!(world.simulator.calls().writes(), 0);
    // What a person asks for is written.
    world.apply(&manifest("shop", "web", &spec("192.0.2.2", "Report"))).await;
    world.until_reason("shop", "web", "InSync").await;
    assert_eq!(world.rows("web.example.com"), ["A 600 192.0.2.2 | shop/web"]);
    world.simulator.patch_row(&row.id, RowPatch::ttl(60)).unwrap();
    world.a_round("default").await;
    world.until_reason("shop", "web", "Drifted").await;
    world.apply(&manifest("shop", "web", &spec("192.0.2.2", "Repair"))).await;
    world.until_reason("shop", "web", "InSync").await;
    assert_eq!(world.rows("web.example.com"), ["A 600 192.0.2.2 | shop/web"]);
}

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn declared_class_parameters_are_kept_and_foreign_ones_survive(
    #[values(RestBasic, V2Token, RestNative)] wire: Wire,
) {
    let world = world(wire).await;
    let apply = async |parameters: &str| {
        let spec = a("web", "192.0.2.1") + parameters;
        world.apply(&manifest("shop", "web", &spec)).await;
        world.until_reason("shop", "web", "InSync").await;
        let mut row = world.simulator.rows_at("web.example.com").remove(0);
        row.class_parameters.retain(|key, _| !key.starts_with("k8s_"));
        row.class_parameters
            .into_iter()
            .map(|(key, value)| format!("{key}={value}"))
            .collect::<Vec<_>>()
            .join(" ")
    };
    assert_eq!(
        apply(", classParameters: {cost_center: \"42\", team: \"a b&c=d\"}").await,
        "cost_center=42 team=a b&c=d"
    );
    let row = world.simulator.rows_at("web.example.com").remove(0);
    let foreign = RowPatch::default().set_parameter("site", "Zürich / 1").set_parameter("cost_center", "7");
    world.simulator.patch_row(&row.id, foreign).unwrap();
    world.simulator.reset_calls();
    world.a_round("default").await;
    assert_eq!(world.simulator.calls().writes(), 1, "a declared one is drift, a foreign one is not");
    assert_eq!(
        apply(", classParameters: {cost_center: \"43\", team: x}").await,
        "cost_center=43 site=Zürich / 1 team=x"
    );
    assert_eq!(apply(", classParameters: {team: x}").await, "site=Zürich / 1 team=x");
    assert_eq!(apply("").await, "site=Zürich / 1");
    assert_eq!(world.simulator.calls().writes(), 4, "one edit for each change");
    rounds(&world, 2).await;
    assert_eq!(world.simulator.calls().writes(), 4);
    assert_eq!(world.simulator.rows_at("web.example.com")[0].id, row.id);
}

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn a_changed_default_moves_a_record_only_when_that_is_asked_for(
    #[values(RestBasic, V2Token, RestNative)] wire: Wire,
) {
    let mut seed = Seed::example();
    seed.servers.push(SeedServer::new("other.example.com").zone(SeedZone::master("example.com")));
    let mut world = wire.world_with(Config { seed, ..Config::default() }, Options::default()).await;
    world.namespace("shop").await;
    let homes = ["ns.example.com", "other.example.com"];
    let by_default =
        |server: &str| format!("{}\n  {}", DEFAULTS.replace(homes[0], server), for_all(&homes, &[]));
    world.solid_server("default", &by_default(homes[0])).await;
    world.start_operator().await;
    world.apply(&manifest("shop", "web", &a("web", "192.0.2.1"))).await;
    world.until_ready("shop", 1).await;
    let server = |name: &str| {
        let rows = world.simulator.rows_at(&format!("{name}.example.com"));
        rows.into_iter().map(|row| row.server).collect::<Vec<_>>()
    };
    for (asked, (from, to)) in [(homes[0], homes[1]), (homes[1], homes[0])].into_iter().enumerate() {
        world.simulator.reset_calls();
        world.solid_server("default", &by_default(to)).await;
        let record = world.until_reason("shop", "web", "DefaultsChanged").await;
        assert_eq!(server("web"), [from], "it stays where it lives");
        assert_eq!(world.simulator.calls().writes(), 0);
        let message = message(&record);
        let command = message.split("kubectl ").nth(1).expect("a command").to_owned();
        assert!(command.ends_with("solidserver.dev/reconcile-requested-at=\"$(date +%s)\""), "{command}");
        let new = format!("new{asked}");
        world.apply(&manifest("shop", &new, &a(&new, "192.0.2.1"))).await;
        world.until_reason("shop", &new, "InSync").await;
        assert_eq!(server(&new), [to], "a new one goes by the new default");

        let command = command.replace("\"$(date +%s)\"", &(1_000 + asked).to_string());
        world.kubectl(&command.split_whitespace().collect::<Vec<_>>()).await;
        world.until_reason("shop", "web", "InSync").await;
        assert_eq!(server("web"), [to]);
        let status = world.record("shop", "web").await.unwrap().status.unwrap();
        assert_eq!(status.dns_server.as_deref(), Some(to));
        delete(&world, &new).await;
    }
    let extra = NewRow::new("web.example.com", "A", ["192.0.2.1"]).server(homes[1]);
    let extra = world.simulator.add_row(extra).unwrap();
    delete(&world, "web").await;
    assert_eq!(world.simulator.rows_at("web.example.com"), [extra], "only where it lived");
}
