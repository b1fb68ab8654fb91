//! What Argo CD compares: a manifest in Git, and the object that the API server holds once the operator has made it Ready.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::LazyLock;

use rstest::rstest;
use serde_json::{Value, json};
use solidserver_operator::cli::manifests::Manifests;
use solidserver_simulator::{NewRow, Simulator};

use crate::export::{TYPES, columns, export};
use crate::plan_command::{examples, file};
use crate::world::World;

/// The field manager of Argo CD's application controller.
const MANAGER: &str = "--field-manager=argocd-controller";

/// The ways in which Argo CD can compare.
const WAYS: [&str; 3] = ["three-way", "merge", "server"];

/// Records written as people write them: nothing of them is in the form in which the appliance or a status shows it, and each
/// field is there that has a default, with the value that it has anyway.
const UNUSUAL: &str = r#"
apiVersion: solidserver.dev/v1alpha1
kind: DnsRecord
metadata: {name: shouted, namespace: shop}
spec:
  fqdn: Shouted.SHOP.example.com.
  type: CNAME
  values: [WWW.Shop.Example.COM.]
---
apiVersion: solidserver.dev/v1alpha1
kind: DnsRecord
metadata: {name: long-address, namespace: shop}
spec:
  fqdn: long-address.shop.example.com
  type: AAAA
  values: ["2001:0DB8:0000:0000:0000:0000:0000:0001"]
---
apiVersion: solidserver.dev/v1alpha1
kind: DnsRecord
metadata: {name: defaults, namespace: shop}
spec:
  solidServerRef: {name: default}
  dnsServer: ns.example.com
  fqdn: defaults.shop.example.com
  type: A
  values: [192.0.2.32, 192.0.2.31]
  ttl: 3600
  driftPolicy: Repair
  deletionPolicy: Delete
  suspend: false
"#;

/// Argo CD's own comparison, which Go builds once.
static COMPARISON: LazyLock<PathBuf> = LazyLock::new(|| {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let binary = root.join("target/argocd/argocd");
    let built = Command::new("go")
        .args(["build", "-trimpath", "-o"])
        .arg(&binary)
        .arg(".")
        .env("GOFLAGS", "-mod=readonly")
        .current_dir(root.join("tests/argocd"))
        .status()
        .expect("go is needed: https://go.dev/doc/install");
    assert!(built.success(), "go build failed in tests/argocd");
    binary
});

/// `kind/name`.
fn called(object: &Value) -> String {
    format!("{}/{}", object["kind"].as_str().unwrap(), object["metadata"]["name"].as_str().unwrap())
}

/// The objects of a list that kubectl prints.
fn listed(printed: &str) -> BTreeMap<String, Value> {
    let list: Value = serde_json::from_str(printed).unwrap();
    list["items"].as_array().unwrap().iter().map(|object| (called(object), object.clone())).collect()
}

/// The objects as the API server holds them.
async fn live(world: &World) -> BTreeMap<String, Value> {
    let kinds = "dnsrecords,solidservers";
    listed(&world.kubectl(&["get", kinds, "-n", "shop", "-o", "json", "--show-managed-fields"]).await)
}

/// What the API server says to the dry run that Argo CD asks for.
async fn dry_run(world: &World, written: &[Value]) -> BTreeMap<String, Value> {
    let list = json!({"apiVersion": "v1", "kind": "List", "items": written}).to_string();
    let run = ["apply", "-f", "-", "--server-side", "--dry-run=server", "--force-conflicts", MANAGER];
    listed(&world.kubectl_in(&[&run[..], &["-o", "json", "--show-managed-fields"]].concat(), &list).await)
}

/// What Argo CD shows as different, as `way kind/name`; each object is compared in each way.
async fn different(world: &World, written: &[Value]) -> Vec<String> {
    let schema = file(world.folder(), "openapi.json", &world.kubectl(&["get", "--raw", "/openapi/v2"]).await);
    let (live, dry_run) = (live(world).await, dry_run(world, written).await);
    let line = |desired: &Value| {
        let name = called(desired);
        format!("{}\n", json!({"desired": desired, "live": live[&name], "dryRun": dry_run[&name]}))
    };
    let lines: String = written.iter().map(line).collect();
    let mut child =
        Command::new(&*COMPARISON).arg(schema).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut input = child.stdin.take().unwrap();
    let writer = std::thread::spawn(move || std::io::Write::write_all(&mut input, lines.as_bytes()).unwrap());
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap();
    assert!(output.status.success());
    let answers: Vec<Value> = String::from_utf8(output.stdout)
        .unwrap()
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(answers.len(), WAYS.len() * written.len());
    answers
        .iter()
        .filter(|answer| answer["different"] == true)
        .map(|answer| {
            println!("predicted: {:#}\nlive: {:#}", answer["predicted"], answer["live"]);
            format!("{} {}", answer["way"].as_str().unwrap(), answer["object"].as_str().unwrap())
        })
        .collect()
}

fn folder_of_examples() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy/examples")
}

/// Writes what `export` makes of rows of nearly all types; how many there are.
async fn exported(simulator: &Simulator, folder: &Path) -> usize {
    // The others make names below them another zone's.
    let types = TYPES.iter().filter(|name| !["DNAME", "NS", "DS"].contains(name));
    let mut rows = 0;
    for (number, record_type) in types.enumerate() {
        let row = NewRow {
            name: format!("exported-{number}.shop.example.com"),
            record_type: (*record_type).to_owned(),
            values: columns(record_type, number),
            ..NewRow::default()
        };
        simulator.add_row(row).unwrap();
        rows += 1;
    }
    let at = folder.join("solidserver.yaml").display().to_string();
    let exported = export(&["-f", &at, "--zone", "shop.example.com", "-n", "shop"]).await;
    assert_eq!(exported.code, 0, "{}", exported.errors);
    file(folder, "exported.yaml", &exported.printed);
    rows
}

/// In each way this object and no other.
fn in_each_way(object: &str) -> Vec<String> {
    WAYS.map(|way| format!("{way} {object}")).to_vec()
}

#[rstest]
#[case::as_kubectl_applies(&[])]
#[case::server_side(&["--server-side", MANAGER])]
#[tokio::test(flavor = "multi_thread")]
async fn no_example_is_ever_out_of_sync(#[case] how: &[&str]) {
    let mut world = World::new().await;
    let folder = examples(&world.simulator);
    let path = folder.path().to_str().unwrap();
    let count = |recursive| Manifests::read(&[folder_of_examples()], recursive).unwrap().records.len();
    let examples = count(false);
    assert!(examples >= 8 && examples == count(true), "examples in folders below are left out");
    file(folder.path(), "unusual.yaml", UNUSUAL);
    let exported = exported(&world.simulator, folder.path()).await;
    // A folder's files are applied by name: the namespace first.
    world.kubectl(&["apply", "-f", &format!("{path}/namespace.yaml")]).await;
    std::fs::remove_file(folder.path().join("kustomization.yaml")).unwrap();

    let manifests = Manifests::read(&[folder.path().to_owned()], false).unwrap();
    let mut written: Vec<Value> = manifests.records.into_iter().map(|document| document.value).collect();
    let records = written.len();
    assert_eq!(records, examples + 3 + exported);
    written.extend(manifests.solid_servers.into_iter().map(|(document, _)| document.value));
    assert!(written.len() > records);

    world.kubectl(&[&["apply", "-f", path], how].concat()).await;
    world.start_operator().await;
    world.until_ready("shop", records).await;
    // A second round, and whatever it would write.
    world.a_round("default").await;

    assert_eq!(different(&world, &written).await, Vec::<String>::new());
    // More than Argo CD asks for: the API server and the operator add nothing to the spec either.
    let live = live(&world).await;
    assert_eq!(live.len(), written.len());
    for written in &written {
        let live = &live[&called(written)];
        assert_eq!(live["spec"], written["spec"]);
        assert_eq!(live["metadata"]["labels"], written["metadata"]["labels"]);
    }

    // A change in Git is seen ...
    let mut changed = written.clone();
    let pay = changed.iter_mut().find(|object| object["metadata"]["name"] == "pay").unwrap();
    pay["spec"]["ttl"] = json!(61);
    assert_eq!(different(&world, &changed).await, in_each_way("DnsRecord/pay"));
    // ... and one that somebody makes in the cluster.
    let patch = ["patch", "dnsrecord", "-n", "shop", "www", "--type=merge", "--patch"];
    world.kubectl(&[&patch[..], &[r#"{"spec": {"values": ["192.0.2.10"]}}"#]].concat()).await;
    assert_eq!(different(&world, &written).await, in_each_way("DnsRecord/www"));
}
