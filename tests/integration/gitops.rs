//! What GitOps tools take our objects for: Flux and kpt by the kstatus library, Argo CD by our health scripts, and kubectl wait.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::LazyLock;
use std::time::Duration;

use futures::TryStreamExt as _;
use kube::runtime::{WatchStreamExt as _, watcher};
use serde_json::Value;
use solidserver_simulator::Fault;

use crate::world::{World, manifest};

const FIELDS: &str = "resyncInterval: 1h\n  defaults: {dnsServer: ns.example.com, ttl: 600}";

/// The judge, which Go builds once.
static JUDGE: LazyLock<PathBuf> = LazyLock::new(|| {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let binary = root.join("target/gitops/gitops");
    let built = Command::new("go")
        .args(["build", "-trimpath", "-o"])
        .arg(&binary)
        .arg(".")
        .env("GOFLAGS", "-mod=readonly")
        .current_dir(root.join("tests/gitops"))
        .status()
        .expect("go is needed: https://go.dev/doc/install");
    assert!(built.success(), "go build failed in tests/gitops");
    binary
});

/// What a tool says of each object: its word and a message.
fn judge(arguments: &[&str], objects: &[&Value]) -> Vec<(String, String)> {
    let mut child = Command::new(&*JUDGE)
        .args(arguments)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines: String = objects.iter().map(|object| format!("{object}\n")).collect();
    let mut input = child.stdin.take().unwrap();
    let writer = std::thread::spawn(move || std::io::Write::write_all(&mut input, lines.as_bytes()).unwrap());
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap();
    assert!(output.status.success());
    let text = String::from_utf8(output.stdout).unwrap();
    let said: Vec<(String, String)> = text
        .lines()
        .filter_map(|line| line.split_once('\t'))
        .map(|(word, message)| (word.to_owned(), message.to_owned()))
        .collect();
    assert_eq!(said.len(), objects.len());
    said
}

fn script(kind: &str) -> String {
    format!("deploy/argocd/solidserver.dev/{kind}/health.lua")
}

/// The object as kubectl shows it.
async fn object(world: &World, kind: &str, name: &str) -> Value {
    let text = world.kubectl(&["get", kind, "-n", "shop", name, "-o", "json"]).await;
    serde_json::from_str(&text).unwrap()
}

/// Asserts what Flux and Argo CD take an object for.
async fn assert_seen_as(world: &World, situation: &str, object_name: &str, flux: &str, argo: &str) {
    let (kind, name) = object_name.split_once('/').unwrap();
    let object = object(world, kind, name).await;
    let kind = object["kind"].as_str().unwrap();
    let seen = [
        judge(&["kstatus"], &[&object])[0].0.clone(),
        judge(&["argocd", &script(kind)], &[&object])[0].0.clone(),
    ];
    assert_eq!(seen, [flux, argo], "{situation}: {object:#}");
}

fn record(name: &str, rest: &str) -> String {
    manifest("shop", name, &format!("fqdn: {name}.example.com, type: A, {rest}"))
}

async fn world() -> World {
    let world = World::new().await;
    world.namespace("shop").await;
    world
        .solid_server("default", &format!("{FIELDS}\n  guard: {{deletions: {{maxCount: 0, maxPercent: 0}}}}"))
        .await;
    world
}

#[tokio::test(flavor = "multi_thread")]
async fn every_situation_is_seen_as_what_it_is() {
    let mut world = world().await;
    world.apply(&record("site", "values: [192.0.2.1]")).await;
    assert_seen_as(&world, "a new record, no operator", "dnsrecord/site", "InProgress", "Progressing").await;
    assert_seen_as(
        &world,
        "a new SolidServer, no operator",
        "solidserver/default",
        "InProgress",
        "Progressing",
    )
    .await;

    world.start_operator().await;
    world.until_ready("shop", 1).await;
    assert_seen_as(&world, "in sync", "dnsrecord/site", "Current", "Healthy").await;
    assert_seen_as(&world, "an appliance that works", "solidserver/default", "Current", "Healthy").await;

    // What a person must mend.
    world.apply(&record("site-again", "values: [192.0.2.2]").replace("fqdn: site-again", "fqdn: site")).await;
    world.until_reason("shop", "site-again", "Conflict").await;
    assert_seen_as(&world, "another one's name", "dnsrecord/site-again", "Failed", "Degraded").await;
    let nowhere = manifest("shop", "nowhere", "fqdn: www.example.net, type: A, values: [192.0.2.1]");
    world.apply(&nowhere).await;
    world.until_reason("shop", "nowhere", "ZoneNotFound").await;
    assert_seen_as(&world, "no zone", "dnsrecord/nowhere", "Failed", "Degraded").await;
    world.apply(&record("lost", "values: [192.0.2.1], solidServerRef: {name: none}")).await;
    world.until_reason("shop", "lost", "SolidServerNotFound").await;
    assert_seen_as(&world, "no SolidServer", "dnsrecord/lost", "Failed", "Degraded").await;
    world.solid_server("twin", FIELDS).await;
    world
        .until("the second SolidServer is refused", async || {
            object(&world, "solidserver", "twin").await["status"]["observedGeneration"] == 1
        })
        .await;
    assert_seen_as(&world, "the endpoint of another", "solidserver/twin", "Failed", "Degraded").await;
    world.kubectl(&["delete", "solidserver", "twin", "--timeout=60s"]).await;

    // What waits for somebody.
    world.apply(&record("paused", "values: [192.0.2.3], suspend: true")).await;
    world.until_reason("shop", "paused", "Suspended").await;
    assert_seen_as(&world, "suspended", "dnsrecord/paused", "InProgress", "Suspended").await;
    world.apply(&record("watched", "values: [192.0.2.4], driftPolicy: Report")).await;
    world.until_reason("shop", "watched", "InSync").await;
    let row = world.simulator.rows_at("watched.example.com")[0].id.clone();
    world.simulator.delete_row(&row).unwrap();
    world.a_round("default").await;
    world.until_reason("shop", "watched", "Drifted").await;
    assert_seen_as(&world, "drift that is only reported", "dnsrecord/watched", "InProgress", "Progressing")
        .await;
    world.apply(&record("renamed", "values: [192.0.2.5]")).await;
    world.until_reason("shop", "renamed", "InSync").await;
    world.apply(&record("renamed", "values: [192.0.2.5]").replace("fqdn: renamed", "fqdn: other")).await;
    world.until_reason("shop", "renamed", "DeletionHeld").await;
    assert_seen_as(&world, "a rename that the guard holds", "dnsrecord/renamed", "InProgress", "Progressing")
        .await;
    world.kubectl(&["delete", "dnsrecord", "-n", "shop", "renamed", "--wait=false"]).await;
    // That Argo CD calls pending deletion by itself.
    assert_seen_as(&world, "a deletion that is held", "dnsrecord/renamed", "Terminating", "Progressing")
        .await;

    // The appliance goes away.
    world.simulator.inject(Fault::status("*", 503));
    world.apply(&record("late", "values: [192.0.2.6]")).await;
    world
        .until("the outage is told", async || {
            object(&world, "solidserver", "default").await["status"]["conditions"][0]["reason"] == "Retrying"
        })
        .await;
    assert_seen_as(&world, "an appliance that is down", "solidserver/default", "InProgress", "Progressing")
        .await;
    assert_seen_as(&world, "a new record while it is down", "dnsrecord/late", "InProgress", "Progressing")
        .await;
    assert_seen_as(&world, "in sync while it is down", "dnsrecord/site", "Current", "Healthy").await;
    world.apply(&record("site", "values: [192.0.2.99]")).await;
    assert_seen_as(&world, "changed while it is down", "dnsrecord/site", "InProgress", "Progressing").await;
    world.simulator.clear_faults();
    world.until_reason("shop", "site", "InSync").await;
    assert_seen_as(&world, "changed, and up again", "dnsrecord/site", "Current", "Healthy").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_is_never_current_before_its_rows_are_there() {
    let mut world = world().await;
    world.start_operator().await;
    world.simulator.set_latency(Duration::from_millis(150));
    let api = world.records("shop");
    let mut versions = Box::pin(watcher(api, watcher::Config::default()).applied_objects().default_backoff());
    let mut currents = 0;
    for (step, address) in ["192.0.2.1", "192.0.2.2", "192.0.2.3"].into_iter().enumerate() {
        world.apply(&record("site", &format!("values: [{address}]"))).await;
        loop {
            let seen = versions.try_next().await.unwrap().unwrap();
            // What is in DNS is asked after what the object said, so that it can only be later.
            let version = serde_json::to_value(&seen).unwrap();
            let (word, message) = judge(&["kstatus"], &[&version])[0].clone();
            if seen.metadata.generation != Some(step as i64 + 1) || word != "Current" {
                assert_ne!(word, "Failed", "{message}");
                continue;
            }
            assert_eq!(world.rows("site.example.com"), [format!("A 600 {address} | shop/site")]);
            currents += 1;
            break;
        }
    }
    assert_eq!(currents, 3);
    world
        .kubectl(&["wait", "dnsrecord", "-n", "shop", "site", "--for=condition=Ready", "--timeout=60s"])
        .await;
    world.apply(&record("bad", "values: [192.0.2.1]").replace("example.com", "example.net")).await;
    world
        .kubectl(&["wait", "dnsrecord", "-n", "shop", "bad", "--for=condition=Stalled", "--timeout=60s"])
        .await;
}

/// A case in Argo CD's own format.
#[derive(serde::Deserialize)]
#[serde(rename_all = "camelCase")]
struct Case {
    health_status: Health,
    input_path: String,
}

#[derive(serde::Deserialize)]
struct Health {
    status: String,
    message: String,
}

#[derive(serde::Deserialize)]
struct Cases {
    tests: Vec<Case>,
}

#[test]
fn the_health_scripts_pass_their_own_cases() {
    for kind in ["DnsRecord", "SolidServer"] {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy/argocd/solidserver.dev").join(kind);
        let text = std::fs::read_to_string(folder.join("health_test.yaml")).unwrap();
        let cases: Cases = serde_saphyr::from_str(&text).unwrap();
        assert!(cases.tests.len() >= 4);
        for case in cases.tests {
            let object = std::fs::read_to_string(folder.join(&case.input_path)).unwrap();
            let object: Value = serde_saphyr::from_str(&object).unwrap();
            assert_eq!(object["kind"], kind);
            let said = judge(&["argocd", &script(kind)], &[&object]).remove(0);
            assert_eq!(said, (case.health_status.status, case.health_status.message), "{}", case.input_path);
        }
    }
}

/// Argo CD wants a file for each kind; there is no reason for the two to differ.
#[test]
fn both_kinds_have_the_same_health_script() {
    let read =
        |kind| std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(script(kind))).unwrap();
    assert_eq!(read("DnsRecord"), read("SolidServer"));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_scripts_come_into_argocd_cm_by_the_component() {
    let world = World::new().await;
    let folder = world.folder().join("argocd");
    std::fs::create_dir_all(&folder).unwrap();
    let component = Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy/argocd");
    let copied = Command::new("cp").arg("-r").arg(&component).arg(folder.join("component")).status().unwrap();
    assert!(copied.success());
    std::fs::write(
        folder.join("argocd-cm.yaml"),
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: argocd-cm, namespace: argocd}\ndata: {url: https://argocd.example.com}\n",
    )
    .unwrap();
    std::fs::write(
        folder.join("kustomization.yaml"),
        "resources: [argocd-cm.yaml]\ncomponents: [component]\n",
    )
    .unwrap();
    let rendered = world.kubectl(&["kustomize", &folder.display().to_string()]).await;
    let map: Value = serde_saphyr::from_str(&rendered).unwrap();
    assert_eq!(map["data"]["url"], "https://argocd.example.com");
    for kind in ["DnsRecord", "SolidServer"] {
        let key = format!("resource.customizations.health.solidserver.dev_{kind}");
        let script =
            std::fs::read_to_string(component.join(format!("solidserver.dev/{kind}/health.lua"))).unwrap();
        assert_eq!(map["data"][key], script);
    }
}
