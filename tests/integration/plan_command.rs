//! `solidserver-operator plan`: what it shows, how it ends, what it costs, and that it never writes.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use base64::Engine as _;
use serde_json::Value;
use solidserver_operator::plan::rrset_digest;
use solidserver_operator::record::{Name, Place};
use solidserver_simulator::{Config, NewRow, RowPatch, Seed, SeedServer, SeedZone, Simulator};
use tempfile::TempDir;
use tokio::process::Command;

use crate::control_plane::Options;
use crate::pages::blocks::blocks;
use crate::world::{OPERATOR_NAMESPACE, World, for_all, manifest};

/// Longer than any plan takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(300);

/// Set to write the texts in tests/support/plan instead of comparing them.
const WRITE: &str = "WRITE_PLAN_TEXTS";

/// How a command ended.
pub(crate) struct Planned {
    pub(crate) code: i32,
    pub(crate) printed: String,
    pub(crate) errors: String,
}

impl Planned {
    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        let parsed = serde_json::from_str(&self.printed);
        parsed.unwrap_or_else(|error| panic!("{error}: {}{}", self.printed, self.errors))
    }
}

/// A command with a login in its environment and nothing else.
fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_solidserver-operator"));
    command.env_clear().env("SOLIDSERVER_USERNAME", "operator").env("SOLIDSERVER_PASSWORD", "secret");
    command.args(["plan", "--cluster-name", "test"]).args(arguments).stdin(Stdio::null()).kill_on_drop(true);
    command
}

pub(crate) async fn run(mut command: Command) -> Planned {
    let output = tokio::time::timeout(PATIENCE, command.output()).await.expect("it ends").expect("it runs");
    let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
    Planned {
        code: output.status.code().expect("a code"),
        printed: text(output.stdout),
        errors: text(output.stderr),
    }
}

pub(crate) async fn plan(arguments: &[&str]) -> Planned {
    run(command(arguments)).await
}

/// A file with these manifests; gone with the folder.
pub(crate) fn file(folder: &Path, name: &str, text: &str) -> String {
    let path = folder.join(name);
    std::fs::write(&path, text).unwrap();
    path.to_str().unwrap().to_owned()
}

fn bundle(simulator: &Simulator) -> String {
    base64::engine::general_purpose::STANDARD.encode(simulator.ca_pem())
}

/// SolidServer `default` for the simulator, which lets all write.
pub(crate) fn solid_server(simulator: &Simulator, spec: &str) -> String {
    format!(
        "---\napiVersion: solidserver.dev/v1alpha1\nkind: SolidServer\nmetadata: {{name: default}}\nspec:\n  endpoint: {}\n  \
         credentialsSecretRef: {{name: solidserver}}\n  tls: {{caBundle: {}}}\n  defaults: {{dnsServer: ns.example.com, ttl: 600}}\n  \
         {}\n  {spec}\n",
        simulator.endpoint(),
        bundle(simulator),
        for_all(&[], &[]),
    )
}

/// `deploy/examples` for the simulator, in a folder of its own.
pub(crate) fn examples(simulator: &Simulator) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy/examples");
    let spec = format!("endpoint: {}\n  tls: {{caBundle: {}}}", simulator.endpoint(), bundle(simulator));
    let mut files = 0;
    for entry in std::fs::read_dir(source).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            continue;
        }
        let text = std::fs::read_to_string(&path).unwrap();
        let text = text.replace("endpoint: https://ddi.example.com", &spec);
        let text = text.replace("username: dns-operator", "username: operator");
        let text = text.replace("password: change-me", "password: secret");
        std::fs::write(folder.path().join(path.file_name().unwrap()), text).unwrap();
        files += 1;
    }
    assert!(files >= 4, "{files} files");
    folder
}

/// Compares a text with the one in tests/support/plan.
#[track_caller]
fn assert_text(name: &str, printed: &str, simulator: &Simulator) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/support/plan").join(name);
    let printed = printed.replace(&simulator.endpoint(), "https://ddi.example.com");
    if std::env::var_os(WRITE).is_some() {
        std::fs::write(&path, &printed).unwrap();
    }
    let expected = std::fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(
        printed, expected,
        "{name}; if it is meant: {WRITE}=1 cargo test --test integration plan_command::"
    );
}

/// The outcomes of a plan, with how many DnsRecords have each.
pub(crate) fn counts(document: &Value) -> String {
    let records = document["summary"]["records"].as_object().unwrap();
    let mut counts: Vec<String> =
        records.iter().map(|(outcome, count)| format!("{count} {outcome}")).collect();
    counts.sort();
    counts.join(", ")
}

fn record<'a>(document: &'a Value, name: &str) -> &'a Value {
    let mut records = document["records"].as_array().unwrap().iter();
    records.find(|record| record["name"] == name).unwrap_or_else(|| panic!("{name} is not in {document:#}"))
}

/// `operation before -> after` of each change of a record.
fn changes(record: &Value) -> Vec<String> {
    let state = |state: &Value| match state.as_object() {
        Some(state) => format!("{} {}", state["ttl"], state["value"].as_str().unwrap()),
        None => "-".to_owned(),
    };
    let changes = record["changes"].as_array().unwrap().iter();
    changes
        .map(|change| {
            let (before, after) = (state(&change["before"]), state(&change["after"]));
            format!("{} {before} -> {after}", change["operation"].as_str().unwrap())
        })
        .collect()
}

/// A row that carries the mark of a DnsRecord of cluster `test`.
pub(crate) fn marked(row: NewRow, zone: &str, object: &str, uid: &str) -> NewRow {
    let place = Place { server: "ns.example.com".into(), view: None, zone: Name::parse(zone).unwrap() };
    let digest = rrset_digest(&place, &row.record_type, &row.name);
    row.class_parameter("k8s_owner", format!("test/{object}"))
        .class_parameter("k8s_rrset", digest)
        .class_parameter("k8s_cluster_uid", uid)
}

/// The versions of all objects that the operator writes, Leases among them.
async fn versions(world: &World) -> [String; 2] {
    let version = "jsonpath={.items[*].metadata.resourceVersion}";
    let objects = world.kubectl(&["get", "dnsrecords,solidservers", "-A", "-o", version]).await;
    [objects, world.kubectl(&["get", "leases", "-n", OPERATOR_NAMESPACE, "-o", version]).await]
}

async fn simulator(config: Config) -> Simulator {
    Simulator::start(config).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_examples_are_to_be_created_then_in_sync_then_drifted() {
    let mut world = World::new().await;
    let folder = examples(&world.simulator);
    let path = folder.path().to_str().unwrap();
    let kubeconfig = world.plane.kubeconfig().to_str().unwrap().to_owned();
    let in_cluster = ["-f", path, "--kubeconfig", kubeconfig.as_str(), "--output", "json"];

    // The login comes from the Secret among the manifests here.
    let mut offline = command(&["-f", path]);
    offline.env_remove("SOLIDSERVER_USERNAME").env_remove("SOLIDSERVER_PASSWORD");
    let planned = run(offline).await;
    assert_eq!((planned.code, planned.errors.as_str()), (2, ""));
    assert_text("examples.txt", &planned.printed, &world.simulator);
    let live = plan(&in_cluster).await;
    assert_eq!(live.code, 2, "{}", live.errors);
    assert_eq!(counts(&live.json()), "8 create");
    assert_eq!(live.json()["summary"]["calls"], serde_json::json!({"add": 10, "edit": 0, "delete": 0}));
    assert_eq!(world.simulator.calls().writes(), 0);
    assert_eq!(versions(&world).await, ["", ""]);

    world.kubectl(&["apply", "-k", path]).await;
    world.start_operator().await;
    world.until_ready("shop", 8).await;
    assert!(world.stop_operator().await.success());
    // What the plan said is what was done.
    let calls = world.simulator.calls();
    assert_eq!((calls.operation("add"), calls.writes()), (10, 10));
    let before = versions(&world).await;
    world.simulator.reset_calls();
    for arguments in [&["-f", path, "--output", "json"][..], &in_cluster] {
        let planned = plan(arguments).await;
        assert_eq!(planned.code, 0, "{}{}", planned.printed, planned.errors);
        assert_eq!(counts(&planned.json()), "8 unchanged");
        assert_eq!(planned.json()["records"], serde_json::json!([]));
    }

    let rows = world.simulator.rows_at("www.shop.example.com");
    let row = rows.iter().find(|row| row.values[0] == "192.0.2.10").unwrap();
    let patch = RowPatch { values: Some(vec!["203.0.113.66".to_owned()]), ..RowPatch::default() };
    world.simulator.patch_row(&row.id, patch).unwrap();
    // Without a cluster nobody knows what was applied before; the change is the same.
    for (arguments, outcome) in [(&["-f", path, "--output", "json"][..], "update"), (&in_cluster, "repair")] {
        let planned = plan(arguments).await;
        assert_eq!(planned.code, 2, "{}{}", planned.printed, planned.errors);
        let document = planned.json();
        assert_eq!(counts(&document), format!("1 {outcome}, 7 unchanged"));
        assert_eq!(changes(record(&document, "www")), ["edit 600 203.0.113.66 -> 600 192.0.2.10"]);
        assert!(record(&document, "www")["source"].as_str().unwrap().ends_with("records.yaml (document 1)"));
    }
    assert_eq!(guide(folder.path(), Path::new(&kubeconfig), world.plane.kubectl_path()).await, [2, 2, 2, 0]);
    assert_eq!(world.simulator.calls().writes(), 0);
    assert_eq!(versions(&world).await, before, "the API server was written to");
}

/// Runs the commands of the guide as they are written there, one block after the other; how each ended. `manifests/` is this folder.
async fn guide(manifests: &Path, kubeconfig: &Path, kubectl: &Path) -> Vec<i32> {
    let page =
        std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/guides/plan-in-ci.md"))
            .unwrap();
    let place = tempfile::tempdir().unwrap();
    std::os::unix::fs::symlink(manifests, place.path().join("manifests")).unwrap();
    std::os::unix::fs::symlink(kubeconfig, place.path().join("kubeconfig")).unwrap();
    let binary = Path::new(env!("CARGO_BIN_EXE_solidserver-operator")).parent().unwrap();
    let path = format!("{}:{}:/usr/bin:/bin", binary.display(), kubectl.parent().unwrap().display());
    let mut codes = Vec::new();
    for block in blocks(&page).unwrap() {
        let script = block.code.replace("prod-eu1", "test");
        let mut shell = Command::new("sh");
        shell.env_clear().env("PATH", &path).env("HOME", place.path());
        shell.env("SOLIDSERVER_USERNAME", "operator").env("SOLIDSERVER_PASSWORD", "secret");
        shell.args(["-c", &script]).current_dir(place.path()).stdin(Stdio::null()).kill_on_drop(true);
        let ended = run(shell).await;
        assert_eq!(ended.errors, "", "{script}");
        codes.push(ended.code);
    }
    codes
}

#[tokio::test(flavor = "multi_thread")]
async fn what_would_be_refused_is_named_with_its_reason() {
    let simulator = simulator(Config::default()).await;
    simulator.add_row(NewRow::new("taken.example.com", "A", ["192.0.2.99"]).ttl(600)).unwrap();
    simulator
        .add_row(NewRow::new("alias.example.com", "TXT", ["`\u{1b}[31m``` @team <b>"]).ttl(600))
        .unwrap();
    simulator.add_row(NewRow::new("same.example.com", "A", ["192.0.2.7"]).ttl(600)).unwrap();
    let ours = NewRow::new("ours.example.com", "A", ["192.0.2.8"]).ttl(600);
    simulator.add_row(marked(ours, "example.com", "shop/ours", "u-1")).unwrap();
    let other = NewRow::new("other.example.com", "A", ["192.0.2.9"]).ttl(600);
    simulator.add_row(marked(other, "example.com", "blog/other", "u-1")).unwrap();
    let records = [
        ("taken", "fqdn: taken.example.com, type: A, values: [192.0.2.1]"),
        ("alias", "fqdn: alias.example.com, type: CNAME, values: [www.example.com]"),
        ("same", "fqdn: same.example.com, type: A, values: [192.0.2.7]"),
        ("ours", "fqdn: ours.example.com, type: A, values: [192.0.2.80], ttl: 60"),
        ("other", "fqdn: other.example.com, type: A, values: [192.0.2.9]"),
        ("elsewhere", "fqdn: www.example.net, type: A, values: [192.0.2.1]"),
        ("slave", "fqdn: www.partner.example.net, type: A, values: [192.0.2.1]"),
        ("sleeps", "fqdn: sleeps.example.com, type: A, values: [192.0.2.1], suspend: true"),
        ("lost", "fqdn: lost.example.com, type: A, values: [192.0.2.1], solidServerRef: {name: none}"),
        ("family", "fqdn: family.example.com, type: A, values: [\"2001:db8::1\"]"),
        ("unknown-field", "fqdn: field.example.com, type: A, values: [192.0.2.1], tll: 60"),
    ];
    let text: String = records.iter().map(|(name, spec)| manifest("shop", name, spec)).collect();
    let folder = tempfile::tempdir().unwrap();
    let path = file(folder.path(), "all.yaml", &format!("{}{text}", solid_server(&simulator, "")));
    let planned = plan(&["-f", &path, "--output", "json"]).await;
    assert_eq!(planned.code, 2, "{}", planned.errors);
    let document = planned.json();
    let found: Vec<String> = document["records"]
        .as_array()
        .unwrap()
        .iter()
        .map(|record| {
            let text = |key: &str| record[key].as_str().unwrap_or("-").to_owned();
            format!("{} {} {}", text("name"), text("outcome"), text("reason"))
        })
        .collect();
    assert_eq!(
        found,
        [
            "alias refused Conflict",
            "elsewhere refused ZoneNotFound",
            "lost refused SolidServerNotFound",
            "other refused Conflict",
            "ours update InSync",
            "same adopt InSync",
            "slave refused ZoneNotWritable",
            "sleeps suspended Suspended",
            "taken refused Conflict",
        ]
    );
    let message = |name: &str| record(&document, name)["message"].as_str().unwrap().to_owned();
    assert!(message("taken").contains("192.0.2.99 with TTL 600 (without a mark)"), "{}", message("taken"));
    assert!(message("other").contains("DnsRecord blog/other"), "{}", message("other"));
    assert_eq!(changes(record(&document, "same")), ["edit 600 192.0.2.7 -> 600 192.0.2.7"]);
    assert_eq!(record(&document, "same")["changes"][0]["mark"], "set");
    assert_eq!(changes(record(&document, "ours")), ["edit 600 192.0.2.8 -> 60 192.0.2.80"]);
    assert_eq!(document["summary"]["calls"], serde_json::json!({"add": 0, "edit": 2, "delete": 0}));
    let invalid: Vec<(&Value, &Value)> = document["invalid"]
        .as_array()
        .unwrap()
        .iter()
        .map(|invalid| (&invalid["name"], &invalid["violations"][0]["field"]))
        .collect();
    let expected = [("family", "spec.values"), ("unknown-field", "spec.tll")];
    assert_eq!(
        invalid,
        expected
            .map(|(name, field)| (name.into(), field.into()))
            .iter()
            .map(|(name, field): &(Value, Value)| (name, field))
            .collect::<Vec<_>>()
    );
    assert_eq!(document["notes"].as_array().map(Vec::len), Some(1), "{}", document["notes"]);

    // The same for people, and for a pull request: what the appliance holds is no markup and no command for a terminal.
    let shown = path.clone();
    for (form, name) in [("text", "refused.txt"), ("markdown", "refused.md")] {
        let planned = plan(&["-f", &path, "--output", form]).await;
        assert_eq!(planned.code, 2, "{}", planned.errors);
        assert!(!planned.printed.contains('\u{1b}'), "{}", planned.printed);
        assert_text(
            name,
            &planned.printed.replace(&shown, "all.yaml").replace(&shown.replace('_', "\\_"), "all.yaml"),
            &simulator,
        );
    }
    assert_eq!(simulator.calls().writes(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_thousand_manifests_cost_as_many_calls_as_the_zone_has_pages() {
    const COUNT: usize = 10_000;
    const PAGE: usize = 1000;
    let zone = SeedZone::master("example.com").fill(10_000);
    let seed = Seed { servers: vec![SeedServer::new("ns.example.com").zone(zone)] };
    let simulator = simulator(Config { seed, ..Config::default() }).await;
    let rows = simulator.rows().len();
    let mut text = solid_server(&simulator, &format!("limits: {{pageSize: {PAGE}}}"));
    for number in 0..COUNT {
        let name = format!("p{number:05}");
        text.push_str(&manifest(
            "shop",
            &name,
            &format!("fqdn: {name}.example.com, type: A, values: [192.0.2.1, 192.0.2.2]"),
        ));
    }
    let folder = tempfile::tempdir().unwrap();
    let path = file(folder.path(), "all.yaml", &text);
    simulator.reset_calls();
    let begun = std::time::Instant::now();
    let planned = plan(&["-f", &path, "--output", "json"]).await;
    println!("{COUNT} manifests against {rows} rows: {:?}", begun.elapsed());
    assert_eq!(planned.code, 2, "{}", planned.errors);
    let document = planned.json();
    assert_eq!(counts(&document), format!("{COUNT} create"));
    assert_eq!(document["summary"]["calls"]["add"], 2 * COUNT);
    let calls = simulator.calls();
    assert_eq!(calls.of("rr", "list"), rows.div_ceil(PAGE) as u64, "{calls:?}");
    assert_eq!(document["summary"]["reads"], calls.of("rr", "list") + calls.of("rr", "count"));
    // The version, the servers and the zones, and what proves that lists are whole.
    assert!(calls.total - calls.of("rr", "list") <= 10, "{calls:?}");
    assert_eq!(calls.writes(), 0);

    // In a cluster that has these objects nothing but their names is asked for when that is cheaper; here it is not. See below.
    let few: String = (0..3)
        .map(|number| {
            manifest(
                "shop",
                &format!("p{number}"),
                &format!("fqdn: p{number}.example.com, type: A, values: [192.0.2.1]"),
            )
        })
        .collect();
    let path = file(folder.path(), "few.yaml", &format!("{}{few}", solid_server(&simulator, "")));
    simulator.reset_calls();
    assert_eq!(plan(&["-f", &path]).await.code, 2);
    assert_eq!(
        simulator.calls().of("rr", "list"),
        rows.div_ceil(PAGE) as u64,
        "without a cluster a zone is read as a whole"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_would_be_pruned_is_set_against_the_guard_and_a_renamed_manifest_takes_its_rows_over() {
    const COUNT: usize = 14;
    let mut world = World::with(Config::default(), Options::default()).await;
    world
        .solid_server("default", "resyncInterval: 1h\n  defaults: {dnsServer: ns.example.com, ttl: 600}\n  guard: {deletions: {maxCount: 10}}")
        .await;
    world.namespace("shop").await;
    world.namespace("blog").await;
    let spec =
        |number: usize| format!("fqdn: h{number:02}.example.com, type: A, values: [192.0.2.{}]", number + 1);
    let records = |numbers: std::ops::Range<usize>| -> String {
        numbers.map(|number| manifest("shop", &format!("h{number:02}"), &spec(number))).collect()
    };
    world.apply(&records(0..COUNT)).await;
    world.apply(&manifest("blog", "b", "fqdn: blog.example.com, type: A, values: [192.0.2.200]")).await;
    world.start_operator().await;
    world.until_ready("shop", COUNT).await;
    world.until_ready("blog", 1).await;
    assert!(world.stop_operator().await.success());
    world.simulator.reset_calls();

    let kubeconfig = world.plane.kubeconfig().to_str().unwrap().to_owned();
    let solid_server = solid_server(&world.simulator, "guard: {deletions: {maxCount: 10}}");
    // The first one stays, the second one has another name from now on, and the others vanish.
    let kept = manifest("shop", "renamed", &spec(1));
    let few = file(world.folder(), "few.yaml", &format!("{solid_server}{}{kept}", records(0..1)));
    let most = file(
        world.folder(),
        "most.yaml",
        &format!("{solid_server}{}{kept}", [records(0..1), records(2..10)].concat()),
    );
    for (path, held, gone) in [(&few, true, COUNT - 2), (&most, false, COUNT - 10)] {
        for cluster in [&[][..], &["--kubeconfig", &kubeconfig]] {
            let planned = plan(&[&["-f", path, "--prune", "--output", "json"], cluster].concat()).await;
            assert_eq!(planned.code, 2, "{}", planned.errors);
            let document = planned.json();
            let deletions = &document["deletions"][0];
            assert_eq!(deletions["held"], held, "{document:#}");
            assert_eq!(deletions["rrsets"].as_array().map(Vec::len), Some(gone), "{document:#}");
            assert_eq!((&deletions["allowed"], &deletions["counted"]), (&10.into(), &0.into()));
            let outcome = if held { "held" } else { "delete" };
            assert_eq!(record(&document, "h13")["outcome"], outcome, "{document:#}");
            assert_eq!(changes(record(&document, "h13")), ["delete 600 192.0.2.14 -> -"]);
            // Its rows are marked anew, in place.
            assert_eq!(record(&document, "renamed")["outcome"], "takeOver", "{document:#}");
            assert_eq!(changes(record(&document, "renamed")), ["edit 600 192.0.2.2 -> 600 192.0.2.2"]);
            let deletes = if held { 0 } else { gone };
            assert_eq!(
                document["summary"]["calls"],
                serde_json::json!({"add": 0, "edit": 1, "delete": deletes})
            );
            let others: Vec<&Value> = document["records"]
                .as_array()
                .unwrap()
                .iter()
                .filter(|record| record["namespace"] != "shop")
                .collect();
            assert!(others.is_empty(), "another namespace is pruned: {others:?}");
        }
    }
    // Without pruning nothing is given up, so that nobody else can have it.
    let planned = plan(&["-f", &few, "--output", "json", "--kubeconfig", &kubeconfig]).await;
    assert_eq!(counts(&planned.json()), "1 refused, 1 unchanged", "{}", planned.printed);
    assert_eq!(record(&planned.json(), "renamed")["reason"], "Conflict");
    assert_eq!(world.simulator.calls().writes(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_may_not_change_is_refused_as_the_api_server_refuses_it() {
    let mut world = World::running("1h").await;
    world.namespace("shop").await;
    let spec = |more: &str| format!("fqdn: www.shop.example.com, type: A, values: [192.0.2.1]{more}");
    world.apply(&manifest("shop", "www", &spec(", zone: shop.example.com"))).await;
    world.until_ready("shop", 1).await;
    assert!(world.stop_operator().await.success());
    let kubeconfig = world.plane.kubeconfig().to_str().unwrap().to_owned();
    let changed = [
        manifest("shop", "www", &spec(", zone: example.com")),
        manifest("shop", "bad", "fqdn: bad.example.com, type: A, values: [nonsense]"),
        manifest("nowhere", "good", "fqdn: good.example.com, type: A, values: [192.0.2.5]"),
    ];
    let path = file(world.folder(), "changed.yaml", &changed.concat());
    let before = versions(&world).await;
    let mut answers = Vec::new();
    for judge in [&[][..], &["--server-dry-run"]] {
        let arguments = [&["-f", &path, "--kubeconfig", &kubeconfig, "--output", "json"], judge].concat();
        let planned = plan(&arguments).await;
        assert_eq!(planned.code, 2, "{}", planned.errors);
        let document = planned.json();
        // The namespace is not there yet: the definition judges, and the record would be created.
        assert_eq!(counts(&document), "1 create");
        assert_eq!(record(&document, "good")["namespace"], "nowhere");
        answers.push(document["invalid"].clone());
    }
    let fields = |answer: &Value| -> Vec<String> {
        let invalid = answer.as_array().unwrap().iter();
        invalid
            .map(|one| {
                format!(
                    "{} {}",
                    one["name"].as_str().unwrap(),
                    one["violations"][0]["field"].as_str().unwrap()
                )
            })
            .collect()
    };
    assert_eq!(fields(&answers[0]), ["bad spec.values", "www spec.zone"]);
    assert_eq!(fields(&answers[0]), fields(&answers[1]), "{answers:#?}");
    assert_eq!(versions(&world).await, before, "the API server was written to");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_that_cannot_be_made_ends_with_1_and_says_why() {
    let folder = tempfile::tempdir().unwrap();
    let simulator = simulator(Config::default()).await;
    let good = manifest("shop", "www", "fqdn: new.example.com, type: A, values: [192.0.2.1]");
    let all = file(folder.path(), "all.yaml", &format!("{}{good}", solid_server(&simulator, "")));
    let away = file(
        folder.path(),
        "away.yaml",
        &format!(
            "{}{good}",
            solid_server(&simulator, "").replace(&simulator.endpoint(), "https://127.0.0.1:1")
        ),
    );
    let broken =
        file(folder.path(), "broken.yaml", "apiVersion: v1\nkind: Secret\nstringData: {password: \"s3cr3t");
    let missing: PathBuf = folder.path().join("missing.yaml");
    for (arguments, said) in [
        (vec![], "no manifests"),
        (vec!["-f", missing.to_str().unwrap()], "missing.yaml"),
        (vec!["-f", &broken], "broken.yaml is no YAML"),
        (vec!["-f", &all, "--server-dry-run"], "--server-dry-run needs a cluster"),
        (vec!["-f", &all, "--kubeconfig", "no-such-file"], "no-such-file"),
        (vec!["-f", &all, "--outptu", "json"], "--outptu"),
        (vec!["-f", &all, "--output", "yaml"], "yaml"),
    ] {
        let planned = plan(&arguments).await;
        assert_eq!((planned.code, planned.printed.as_str()), (1, ""), "{arguments:?}: {}", planned.errors);
        assert!(planned.errors.contains(said), "{arguments:?}: {}", planned.errors);
        assert!(!planned.errors.contains("s3cr3t"), "{}", planned.errors);
    }
    // Of an appliance that cannot be reached, or lets nobody in, there is a plan that says so.
    let mut wrong = command(&["-f", &all, "--output", "json"]);
    wrong.env("SOLIDSERVER_PASSWORD", "wr0ng");
    for (planned, reason) in
        [(plan(&["-f", &away, "--output", "json"]).await, "Unreachable"), (run(wrong).await, "Unauthorized")]
    {
        assert_eq!(planned.code, 1, "{}", planned.errors);
        let document = planned.json();
        assert_eq!(document["failures"][0]["reason"], reason);
        assert_eq!(
            (&record(&document, "www")["outcome"], &record(&document, "www")["reason"]),
            (&"unknown".into(), &reason.into())
        );
        assert!(!planned.printed.contains("wr0ng"));
    }
    // The login is for one appliance, whatever endpoint a manifest names.
    let mut pinned = command(&["-f", &all]);
    pinned.env("SOLIDSERVER_ENDPOINT", "https://ddi.example.com");
    simulator.reset_calls();
    let planned = run(pinned).await;
    assert_eq!((planned.code, simulator.calls().total), (1, 0), "{}", planned.errors);
    assert!(planned.errors.contains("is for https://ddi.example.com"), "{}", planned.errors);
    // Without a login anywhere it says how to give one.
    let mut nobody = command(&["-f", &all]);
    nobody.env_remove("SOLIDSERVER_USERNAME").env_remove("SOLIDSERVER_PASSWORD");
    let planned = run(nobody).await;
    assert_eq!(planned.code, 1);
    assert!(
        planned.errors.contains("SOLIDSERVER_TOKEN_ID and SOLIDSERVER_TOKEN_SECRET"),
        "{}",
        planned.errors
    );
    assert_eq!(simulator.calls().writes(), 0);
}
