//! `solidserver-operator export`: what is brought in changes nothing but marks, what is not is told, and nothing is written anywhere.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use futures::StreamExt as _;
use kube::api::{Patch, PatchParams};
use rstest::rstest;
use serde_json::Value;
use solidserver_operator::api::DnsRecord;
use solidserver_operator::cli::manifests::Manifests;
use solidserver_simulator::{
    Config, NewRow, RowView, Seed, SeedRecord, SeedServer, SeedView, SeedZone, Simulator,
};
use tokio::process::Command;

use crate::control_plane::Options;
use crate::plan_command::{Planned, counts, file, marked, plan, run, solid_server};
use crate::world::{World, for_all};

const SERVER: &str = "ns.example.com";
const ZONE: &str = "example.com";

/// Name and type of an RRset.
type Key = (String, String);

/// A command with a login in its environment and nothing else.
fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_solidserver-operator"));
    command.env_clear().env("SOLIDSERVER_USERNAME", "operator").env("SOLIDSERVER_PASSWORD", "secret");
    command.arg("export").args(arguments).stdin(Stdio::null()).kill_on_drop(true);
    command
}

pub(crate) async fn export(arguments: &[&str]) -> Planned {
    run(command(arguments)).await
}

/// The files of a folder with what is in them.
fn files(folder: &Path) -> BTreeMap<String, String> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries
        .map(|path| {
            let name = path.file_name().unwrap().to_str().unwrap().to_owned();
            (name, std::fs::read_to_string(path).unwrap())
        })
        .collect()
}

/// The exported manifests by name and type.
fn manifests(folder: &Path) -> BTreeMap<Key, Value> {
    let manifests = Manifests::read(&[folder.to_owned()], false).unwrap();
    let key = |value: &Value| {
        let text = |field: &str| value["spec"][field].as_str().unwrap().to_owned();
        (text("fqdn"), text("type"))
    };
    let all: Vec<Value> = manifests.records.into_iter().map(|document| document.value).collect();
    let by_key: BTreeMap<Key, Value> = all.iter().map(|value| (key(value), value.clone())).collect();
    assert_eq!(by_key.len(), all.len(), "an RRset is written twice");
    by_key
}

/// The RRsets of a report that have a finding.
fn found(report: &Value, finding: &str) -> BTreeSet<Key> {
    let entries = report["rrsets"].as_array().unwrap().iter();
    let text = |entry: &Value, field: &str| entry[field].as_str().unwrap().to_owned();
    entries
        .filter(|entry| entry["findings"].as_array().unwrap().contains(&finding.into()))
        .map(|entry| (text(entry, "fqdn"), text(entry, "type")))
        .collect()
}

fn report(path: &str) -> Value {
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

/// The records of a plan whose changes are more than a mark on a row that stays as it is.
fn more_than_marks(document: &Value) -> BTreeSet<Key> {
    let records = document["records"].as_array().unwrap().iter();
    let only_marks = |record: &Value| {
        record["outcome"] == "adopt"
            && record["changes"].as_array().unwrap().iter().all(|change| {
                change["operation"] == "edit"
                    && change["before"] == change["after"]
                    && change["mark"] == "set"
            })
    };
    let text = |record: &Value, field: &str| record[field].as_str().unwrap().to_owned();
    records
        .filter(|record| !only_marks(record))
        .map(|record| (text(record, "fqdn"), text(record, "type")))
        .collect()
}

/// Columns of a row of each type, different for each number.
pub(crate) fn columns(record_type: &str, number: usize) -> Vec<String> {
    let digest = |octets: usize| format!("{number:0width$x}", width = 2 * octets);
    let host = format!("host-{number}.example.net");
    let columns: Vec<String> = match record_type {
        "A" => vec![format!("10.{}.{}.{}", number / 65_536, number / 256 % 256, number % 256)],
        "AAAA" => vec![format!("2001:db8::{number:x}")],
        "CNAME" | "DNAME" | "NS" | "PTR" => vec![host],
        "MX" => vec!["10".to_owned(), host],
        "SRV" => vec!["10".to_owned(), "60".to_owned(), "5060".to_owned(), host],
        "TXT" => {
            let texts = [
                "v=spf1 -all",
                "12:30",
                "no",
                "0x1f",
                "it's \"so\" \\n",
                "ümlaut # - {a: b}",
                "2001-01-01",
                "- ",
            ];
            vec![match number % 9 {
                8 => format!("k=rsa; p={}{number}", "AbC+/ ".repeat(90)),
                other => format!(
                    "{}{}",
                    texts[other],
                    if number.is_multiple_of(2) { String::new() } else { number.to_string() }
                ),
            }]
        }
        "CAA" => vec!["0".to_owned(), "issue".to_owned(), format!("ca-{number}.example.net; policy=ev")],
        "NAPTR" => ["100", "10", "S", "SIP+D2U", ""].into_iter().map(str::to_owned).chain([host]).collect(),
        "TLSA" => vec!["3".to_owned(), "1".to_owned(), "1".to_owned(), digest(32)],
        "SSHFP" => vec!["4".to_owned(), "2".to_owned(), digest(32)],
        "DS" => vec!["60485".to_owned(), "13".to_owned(), "2".to_owned(), digest(32)],
        "HTTPS" | "SVCB" => vec!["1".to_owned(), host, "alpn=h2,h3".to_owned()],
        "URI" => vec!["10".to_owned(), "1".to_owned(), format!("https://example.net/{number}")],
        other => panic!("{other}"),
    };
    columns
}

pub(crate) const TYPES: [&str; 17] = [
    "A", "AAAA", "CNAME", "DNAME", "MX", "NS", "PTR", "SRV", "TXT", "CAA", "NAPTR", "TLSA", "SSHFP", "DS",
    "HTTPS", "SVCB", "URI",
];

/// A zone of so many rows of all types, some with values that are there twice, some with several TTLs.
struct Brownfield {
    zone: SeedZone,
    rrsets: BTreeSet<Key>,
    mixed: BTreeSet<Key>,
    doubled: BTreeSet<Key>,
}

fn brownfield(rows: usize) -> Brownfield {
    let mut made = Brownfield {
        zone: SeedZone::master(ZONE),
        rrsets: BTreeSet::new(),
        mixed: BTreeSet::new(),
        doubled: BTreeSet::new(),
    };
    let mut number = 0;
    while made.zone.records.len() < rows {
        number += 1;
        let record_type = TYPES[number % TYPES.len()];
        let letter = char::from(b'a' + u8::try_from(number % 26).unwrap());
        let name = match number % 50 {
            0 => format!("*.{letter}{number}.{ZONE}"),
            1 => format!("_{letter}{number}._tcp.{ZONE}"),
            2 => format!("{number}/26.{letter}.{ZONE}"),
            3 => format!("{}.{letter}{number}.{ZONE}", [&"deep".repeat(12)[..]; 3].join(".")),
            _ => format!("{letter}{number}.{ZONE}"),
        };
        let single = ["CNAME", "DNAME"].contains(&record_type);
        let mixed = !single && number % 97 == 5;
        let doubled = number % 101 == 7;
        let count = if single { 1 } else { (number % 3).max(usize::from(mixed)) + 1 };
        let ttl = 300 + u32::try_from(number % 4).unwrap() * 900;
        let row = |index: usize, ttl: u32| SeedRecord {
            name: name.clone(),
            record_type: record_type.to_owned(),
            ttl: Some(ttl),
            // Text must not repeat by chance.
            values: columns(record_type, 3 * number + index),
            ..SeedRecord::default()
        };
        let mut records: Vec<SeedRecord> = (0..count).map(|index| row(index, ttl)).collect();
        records.dedup_by(|left, right| left.values == right.values);
        let key: Key = (name.clone(), record_type.to_owned());
        if mixed && records.len() > 1 {
            records[1].ttl = Some(ttl + 60);
            made.mixed.insert(key.clone());
        }
        if doubled {
            records.push(row(0, ttl));
            made.doubled.insert(key.clone());
        }
        made.zone.records.extend(records);
        made.rrsets.insert(key);
    }
    assert!(made.mixed.len() > 10 && made.doubled.len() > 10 || rows < 5000);
    made
}

fn seeded(zone: SeedZone) -> Config {
    let server = SeedServer::new(SERVER).member("ns1.example.com").zone(zone);
    Config { seed: Seed { servers: vec![server] }, ..Config::default() }
}

async fn simulator(config: Config) -> Simulator {
    Simulator::start(config).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_zone_of_ten_thousand_rows_comes_back_as_marks_alone() {
    const ROWS: usize = 10_000;
    const PAGE: u64 = 1000;
    let Brownfield { zone, rrsets, mixed, doubled } = brownfield(ROWS);
    let world = World::with(seeded(zone), Options::default()).await;
    world.solid_server("default", "defaults: {dnsServer: ns.example.com, ttl: 600}").await;
    world.namespace("shop").await;
    let rows = world.simulator.rows();
    world.simulator.reset_calls();
    let kubeconfig = world.plane.kubeconfig().to_str().unwrap().to_owned();
    let folder = world.folder().join("zone");
    let (path, json) = (folder.to_str().unwrap(), world.folder().join("report.json").display().to_string());
    // The SolidServer and the login come from the cluster.
    let mut command =
        command(&["--kubeconfig", &kubeconfig, "--zone", ZONE, "-n", "shop", "-o", path, "--report", &json]);
    command.env_remove("SOLIDSERVER_USERNAME").env_remove("SOLIDSERVER_PASSWORD");
    let begun = std::time::Instant::now();
    let exported = run(command).await;
    println!("{} rows exported in {:?}", rows.len(), begun.elapsed());
    assert_eq!((exported.code, exported.printed.as_str()), (0, ""), "{}", exported.errors);
    let calls = world.simulator.calls();
    assert_eq!(calls.of("rr", "list"), (rows.len() as u64).div_ceil(PAGE), "{calls:?}");
    assert_eq!(calls.writes(), 0);

    let written = manifests(&folder);
    assert_eq!(written.keys().cloned().collect::<BTreeSet<_>>(), rrsets);
    assert!(files(&folder).len() <= 40, "{:?}", files(&folder).keys());
    let report = report(&json);
    assert_eq!((found(&report, "MixedTtl"), found(&report, "Duplicate")), (mixed.clone(), doubled.clone()));
    let odd: BTreeSet<Key> = mixed.union(&doubled).cloned().collect();
    assert_eq!(found(&report, "Identical"), rrsets.difference(&odd).cloned().collect());
    assert_eq!(report["summary"]["rows"], rows.len());
    assert_eq!(report["summary"]["exported"], rrsets.len());

    // The real API server takes every one of them, and what it keeps is what was exported.
    apply(&world, written.values()).await;
    let planned = plan(&["-f", path, "--kubeconfig", &kubeconfig, "--output", "json"]).await;
    assert_eq!(planned.code, 2, "{}", planned.errors);
    let document = planned.json();
    assert_eq!(document["summary"]["invalid"], 0, "{}", document["invalid"]);
    assert_eq!(counts(&document), format!("{} refused, {} adopt", mixed.len(), rrsets.len() - mixed.len()));
    // Of values that are there twice one row is marked, so that only those with several TTLs are more.
    assert_eq!(more_than_marks(&document), mixed);

    // Where rows may be corrected, exactly those are corrected that the report names.
    let always = world.folder().join("always");
    let always_path = always.to_str().unwrap();
    let solid_server = file(world.folder(), "solid-server.yaml", &solid_server(&world.simulator, ""));
    let wish = ["-f", &solid_server, "--zone", ZONE, "-n", "shop", "--adoption", "always", "-o", always_path];
    let exported = export(&wish).await;
    assert_eq!(exported.code, 0, "{}", exported.errors);
    let planned = plan(&["-f", &solid_server, "-f", always_path, "--output", "json"]).await;
    assert_eq!(planned.code, 2, "{}", planned.errors);
    assert_eq!(more_than_marks(&planned.json()), odd);
    let calls = &planned.json()["summary"]["calls"];
    assert_eq!((&calls["add"], &calls["delete"]), (&0.into(), &doubled.len().into()));
    assert_eq!(world.simulator.calls().writes(), 0);
    assert_eq!(world.simulator.rows(), rows);
}

/// Server-side apply of manifests, many at a time.
async fn apply(world: &World, manifests: impl Iterator<Item = &Value>) {
    let api = world.records("shop");
    let parameters = PatchParams::apply("test").force();
    let applied = manifests.map(|manifest| {
        let (api, parameters) = (api.clone(), parameters.clone());
        async move {
            let name = manifest["metadata"]["name"].as_str().unwrap();
            let kept: DnsRecord = api
                .patch(name, &parameters, &Patch::Apply(manifest))
                .await
                .unwrap_or_else(|error| panic!("{error}: {manifest}"));
            let kept = serde_json::to_value(&kept.spec).unwrap();
            assert_eq!(kept, manifest["spec"], "{name}");
        }
    });
    futures::stream::iter(applied).buffer_unordered(16).collect::<Vec<()>>().await;
}

/// What others see of a row: all but the operator's mark, and how text is cut into strings, which an edit writes anew.
fn beside_the_mark(row: &RowView) -> String {
    let parameters: BTreeMap<&String, &String> =
        row.class_parameters.iter().filter(|(key, _)| !key.starts_with("k8s_")).collect();
    let long = |value: &String| value.len() > 255 && row.record_type == "TXT";
    let joined = |value: &String| value.trim_matches('"').replace("\" \"", "");
    let values: Vec<String> =
        row.values.iter().map(|value| if long(value) { joined(value) } else { value.clone() }).collect();
    format!("{} {} {} {} {values:?} {parameters:?}", row.id, row.name, row.record_type, row.ttl)
}

/// Of two rows with one value one is marked; the other one stays, or is removed first where the appliance refuses to edit equal rows.
#[rstest]
#[case::as_they_are("IfIdentical", "accept", 0)]
#[case::corrected("Always", "reject", 1)]
#[tokio::test(flavor = "multi_thread")]
async fn an_exported_zone_is_adopted_with_one_edit_for_each_row_and_nothing_of_others_is_touched(
    #[case] adoption: &str,
    #[case] equal_rows: &str,
    #[case] deletes: u64,
) {
    const ROWS: usize = 90;
    let Brownfield { mut zone, rrsets, doubled, .. } = brownfield(ROWS);
    assert_eq!(doubled.len(), 1);
    for (number, record) in zone.records.iter_mut().enumerate() {
        record.class_parameters.insert("cost_center".to_owned(), format!("{number}"));
        record.ttl = Some(600);
    }
    // Two that only look like each other's name, and one that the zone hands its parameters down to.
    zone = zone.class_parameter("site", "paris").record("sip.tcp", "TXT", ["a"]).record(
        "_sip._tcp",
        "TXT",
        ["b"],
    );
    let mut config = seeded(zone);
    config.quirks.set("duplicate-edit", equal_rows).unwrap();
    let mut world = World::with(config, Options::default()).await;
    world
        .solid_server("default", "resyncInterval: 1h\n  defaults: {dnsServer: ns.example.com, ttl: 600}")
        .await;
    world.namespace("shop").await;
    let of_the_zone = |row: &RowView| ["SOA", "NS"].contains(&row.record_type.as_str()) && row.name == ZONE;
    let rows =
        || -> Vec<RowView> { world.simulator.rows().into_iter().filter(|row| !of_the_zone(row)).collect() };
    let before: Vec<String> = rows().iter().map(beside_the_mark).collect();
    let count = before.len();
    let kubeconfig = world.plane.kubeconfig().to_str().unwrap().to_owned();
    let folder = world.folder().join("zone");
    let path = folder.to_str().unwrap().to_owned();
    let wish = [
        "--kubeconfig",
        &kubeconfig,
        "--zone",
        ZONE,
        "-n",
        "shop",
        "-o",
        &path,
        "--deletion-policy",
        "Retain",
        "--adoption-policy",
        adoption,
    ];
    let exported = export(&wish).await;
    assert_eq!(exported.code, 0, "{}", exported.errors);
    assert!(exported.errors.contains(&format!("{} identical", rrsets.len() + 1)), "{}", exported.errors);
    // As people do it.
    world.kubectl(&["apply", "-k", &path]).await;
    world.simulator.reset_calls();
    world.start_operator().await;
    world.until_ready("shop", rrsets.len() + 2).await;
    assert!(world.stop_operator().await.success());
    let calls = world.simulator.calls();
    let made = ["edit", "delete", "add"].map(|operation| calls.operation(operation));
    assert_eq!(made, [count as u64 - 1, deletes, 0], "{calls:?}");
    assert_eq!(calls.writes(), count as u64 - 1 + deletes, "a write was refused: {calls:?}");
    let after: Vec<RowView> = world.simulator.rows().into_iter().filter(|row| !of_the_zone(row)).collect();
    let ids: BTreeSet<String> = after.iter().map(|row| format!("{} ", row.id)).collect();
    let stays: Vec<String> =
        before.into_iter().filter(|row| ids.iter().any(|id| row.starts_with(id.as_str()))).collect();
    assert_eq!(after.len() as u64, count as u64 - deletes);
    assert_eq!(after.iter().map(beside_the_mark).collect::<Vec<_>>(), stays);
    let is_marked = |row: &&RowView| {
        row.class_parameters.get("k8s_owner").is_some_and(|owner| owner.starts_with("test/shop/"))
    };
    assert_eq!(after.iter().filter(is_marked).count(), count - 1);
    // From now on they are looked after: there is nothing to be planned, and nothing to be exported.
    let planned = plan(&["-f", &path, "--kubeconfig", &kubeconfig]).await;
    assert_eq!(planned.code, 0, "{}{}", planned.printed, planned.errors);
    let again = export(&["--kubeconfig", &kubeconfig, "--zone", ZONE]).await;
    assert_eq!((again.code, again.printed.as_str()), (0, ""), "{}", again.errors);
    assert!(again.errors.contains(&format!("{} marked by somebody", rrsets.len() + 2)), "{}", again.errors);
}

/// A call to the appliance as any client makes it, whose effect is not pushed to the DNS server at once.
async fn write(simulator: &Simulator, method: reqwest::Method, service: &str, parameters: &str) {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let authority = reqwest::Certificate::from_pem(simulator.ca_pem().as_bytes()).unwrap();
    let client = reqwest::Client::builder().tls_certs_only([authority]).build().unwrap();
    let url = format!("{}/rest/{service}?{parameters}", simulator.endpoint());
    let answer = client.request(method, url).basic_auth("operator", Some("secret")).send().await.unwrap();
    assert!(answer.status().is_success(), "{}", answer.text().await.unwrap());
}

#[rstest]
#[case::rest("Rest")]
#[case::v2("V2")]
#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_exported_is_named_with_its_reason(#[case] api: &str) {
    let child = SeedZone::master("child.example.com");
    let simulator = simulator(Config {
        seed: Seed { servers: vec![SeedServer::new(SERVER).zone(SeedZone::master(ZONE)).zone(child)] },
        ..Config::default()
    })
    .await;
    let rows = [
        NewRow::new("good.example.com", "A", ["192.0.2.1"]),
        NewRow::new("host.example.com", "HINFO", ["PC", "Linux"]),
        NewRow::new("good.example.com", "RRSIG", ["A 13 3 600 ..."]),
        marked(NewRow::new("ours.example.com", "A", ["192.0.2.2"]), ZONE, "shop/ours", "u-1"),
        NewRow::new("theirs.example.com", "A", ["192.0.2.3"])
            .class_parameter("k8s_owner", "east/shop/theirs"),
        NewRow::new("theirs.example.com", "A", ["192.0.2.4"]),
        NewRow::new("alias.example.com", "CNAME", ["good.example.com"]),
        NewRow::new("alias.example.com", "TXT", ["beside"]),
        NewRow::new("two.example.com", "CNAME", ["a.example.com"]),
        NewRow::new("two.example.com", "CNAME", ["b.example.com"]),
        NewRow::new("odd.example.com", "A", ["not an address \u{1b}[31m"]).raw(),
        NewRow::new("bell.example.com", "TXT", ["\"a\\007b\""]).raw(),
        NewRow::new("a\\.b.example.com", "A", ["192.0.2.5"]).zone(ZONE).raw(),
        NewRow::new("host.child.example.com", "TXT", ["not seen"]).zone(ZONE),
        NewRow::new("ns.child.example.com", "A", ["192.0.2.6"]).zone(ZONE),
        NewRow::new("child.example.com", "NS", ["ns.child.example.com"]).zone(ZONE),
        NewRow::new("coming.example.com", "A", ["192.0.2.7"]),
        NewRow::new("going.example.com", "A", ["192.0.2.8"]),
        NewRow::new("going.example.com", "TXT", ["stays"]),
    ];
    for row in rows {
        simulator.add_row(row).unwrap();
    }
    simulator.set_publish_delay(Duration::from_secs(3600));
    write(
        &simulator,
        reqwest::Method::POST,
        "dns_rr_add",
        "rr_name=coming.example.com&rr_type=A&dns_name=ns.example.com&value1=192.0.2.77&add_flag=new_only",
    )
    .await;
    let going =
        simulator.rows_at("going.example.com").into_iter().find(|row| row.record_type == "A").unwrap();
    write(&simulator, reqwest::Method::DELETE, "dns_rr_delete", &format!("rr_id={}", going.id)).await;
    simulator.reset_calls();

    let folder = tempfile::tempdir().unwrap();
    let at = file(folder.path(), "solid-server.yaml", &solid_server(&simulator, &format!("api: {api}")));
    let (path, json) = (folder.path().join("zone"), folder.path().join("report.json").display().to_string());
    let exported =
        export(&["-f", &at, "--zone", ZONE, "-o", path.to_str().unwrap(), "--report", &json]).await;
    assert_eq!((exported.code, exported.printed.as_str()), (0, ""), "{}", exported.errors);
    let report = report(&json);
    let lines: Vec<String> = report["rrsets"]
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| {
            let text = |field: &str| entry[field].as_str().unwrap_or_default();
            let findings: Vec<&str> =
                entry["findings"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
            format!("{} {} {}", text("fqdn"), text("type"), findings.join(" "))
        })
        .collect();
    assert_eq!(
        lines,
        [
            "a\\.b.example.com A NotUnderstood",
            "alias.example.com CNAME Conflict",
            "alias.example.com TXT Conflict",
            "bell.example.com TXT NotExpressible",
            "child.example.com NS Identical",
            "coming.example.com A Delayed",
            "example.com NS OfTheZone",
            "example.com SOA OfTheZone",
            "going.example.com A Delayed",
            "going.example.com TXT Identical",
            "good.example.com A Identical",
            "good.example.com RRSIG UnsupportedType",
            "host.child.example.com TXT NoPlace",
            "host.example.com HINFO UnsupportedType",
            "ns.child.example.com A Identical",
            "odd.example.com A NotUnderstood",
            "ours.example.com A Marked",
            "theirs.example.com A Marked",
            "two.example.com CNAME RefusedByApi",
        ]
    );
    let message = |name: &str| {
        let mut entries = report["rrsets"].as_array().unwrap().iter();
        entries.find(|entry| entry["fqdn"] == name).unwrap()["message"].as_str().unwrap().to_owned()
    };
    assert_eq!(message("theirs.example.com"), "marked for east/shop/theirs");
    assert_eq!(message("coming.example.com"), "1 created or changed, 0 deleted");
    assert_eq!(message("going.example.com"), "0 created or changed, 1 deleted");
    assert!(message("alias.example.com").contains("a CNAME cannot stand beside other types"));
    // The delegation and its glue would be looked for in the child zone without a word.
    let written = manifests(&path);
    let zone =
        |name: &str, record_type: &str| &written[&(name.to_owned(), record_type.to_owned())]["spec"]["zone"];
    assert_eq!(zone("ns.child.example.com", "A"), ZONE);
    assert_eq!(zone("child.example.com", "NS"), ZONE);
    assert_eq!(zone("good.example.com", "A"), &Value::Null);
    // People read the same, without what a terminal would obey.
    let text = &files(&path)["report.txt"];
    for words in [
        "2 of the zone itself: the appliance keeps SOA and the NS of the apex",
        "marked for east/shop/theirs",
    ] {
        assert!(text.contains(words) && exported.errors.contains(words), "{text}{}", exported.errors);
    }
    assert!(!text.contains('\u{1b}') && !exported.errors.contains('\u{1b}'));
    // What is exported is only marked, and of what is left out nothing is said.
    let planned = plan(&["-f", &at, "-f", path.to_str().unwrap(), "--output", "json"]).await;
    assert_eq!(counts(&planned.json()), "4 adopt", "{}{}", planned.printed, planned.errors);
    assert_eq!(more_than_marks(&planned.json()), BTreeSet::new());
    assert_eq!(simulator.calls().writes(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_export_of_the_same_is_the_same_and_names_stay_when_others_come_and_go() {
    let simulator = simulator(seeded(brownfield(400).zone)).await;
    let folder = tempfile::tempdir().unwrap();
    let at = file(folder.path(), "solid-server.yaml", &solid_server(&simulator, "limits: {pageSize: 100}"));
    let one = folder.path().join("one");
    let two = folder.path().join("two");
    let json = |name: &str| folder.path().join(name).display().to_string();
    for (path, report) in [(&one, json("one.json")), (&two, json("two.json"))] {
        let exported =
            export(&["-f", &at, "--zone", ZONE, "-o", path.to_str().unwrap(), "--report", &report]).await;
        assert_eq!(exported.code, 0, "{}", exported.errors);
        // Ids of rows change during their life, and with them the order in which they are listed.
        simulator.renumber_ids();
    }
    assert_eq!(files(&one), files(&two));
    assert_eq!(report(&json("one.json")), report(&json("two.json")));
    // On standard output stands what the files hold.
    let printed = export(&["-f", &at, "--zone", ZONE]).await.printed;
    let mut stream = Manifests::default();
    stream.take("-", &printed).unwrap();
    let printed: BTreeSet<String> = stream.records.iter().map(|one| one.value.to_string()).collect();
    assert_eq!(printed, manifests(&one).values().map(Value::to_string).collect());

    let gone: Vec<RowView> = simulator
        .rows()
        .into_iter()
        .filter(|row| row.name.starts_with("b") || row.name.starts_with('*'))
        .collect();
    assert!(gone.len() > 10);
    for row in &gone {
        simulator.delete_row(&row.id).unwrap();
    }
    for number in 0..50 {
        let name = format!("_{}.{ZONE}", "new".repeat(number % 20 + 1));
        simulator
            .add_row(NewRow::new(name, TYPES[number % 2], [columns(TYPES[number % 2], number)[0].as_str()]))
            .unwrap();
    }
    let before = files(&one);
    let again = ["-f", &at, "--zone", ZONE, "-o", one.to_str().unwrap()];
    let refused = export(&again).await;
    assert_eq!((refused.code, files(&one)), (1, before), "{}", refused.errors);
    assert!(refused.errors.contains("--force"), "{}", refused.errors);
    let exported = export(&[&again[..], &["--force"]].concat()).await;
    assert_eq!(exported.code, 0, "{}", exported.errors);
    assert!(!files(&one).contains_key("b.yaml") && exported.errors.contains("b.yaml"), "{}", exported.errors);
    let (old, new) = (manifests(&two), manifests(&one));
    let stayed: Vec<&Key> = old.keys().filter(|key| new.contains_key(*key)).collect();
    assert!(stayed.len() > 100 && new.len() > stayed.len() && old.len() > stayed.len());
    assert!(stayed.iter().all(|key| old[*key] == new[*key]), "a manifest changed because of others");
}

#[tokio::test(flavor = "multi_thread")]
async fn views_and_servers_beside_the_defaults_are_named_and_keep_apart() {
    let view = |name: &str, address: &str| {
        SeedView::new(name).zone(SeedZone::master(ZONE).record("www", "A", [address]))
    };
    let servers = vec![
        SeedServer::new(SERVER).view(view("internal", "192.0.2.1")).view(view("external", "192.0.2.2")),
        SeedServer::new("other.example.com").zone(SeedZone::master(ZONE).record("www", "A", ["192.0.2.3"])),
    ];
    let simulator = simulator(Config { seed: Seed { servers }, ..Config::default() }).await;
    let folder = tempfile::tempdir().unwrap();
    let open = solid_server(&simulator, "")
        .replace(&for_all(&[], &[]), &for_all(&[SERVER, "other.example.com"], &["internal", "external", ""]));
    let text = open.replace("ttl: 600", "ttl: 600, view: internal");
    assert_ne!(text, open);
    let at = file(folder.path(), "solid-server.yaml", &text);
    let all = folder.path().join("all");
    let places = [
        ("internal", vec![], (Value::Null, Value::Null)),
        ("external", vec!["--view", "external"], (Value::Null, "external".into())),
        (
            "other",
            vec!["--server", "other.example.com", "--view", ""],
            ("other.example.com".into(), "".into()),
        ),
    ];
    for (name, place, expected) in places {
        let path = all.join(name);
        let wish =
            [&["-f", &at, "--zone", ZONE, "-n", "shop", "-o", path.to_str().unwrap()][..], &place].concat();
        let exported = export(&wish).await;
        assert_eq!(exported.code, 0, "{}", exported.errors);
        let written = manifests(&path);
        let spec = &written[&(format!("www.{ZONE}"), "A".to_owned())]["spec"];
        assert_eq!((spec["dnsServer"].clone(), spec["view"].clone()), expected, "{name}");
    }
    // All of them in one namespace: each is a row's own.
    let planned = plan(&["-f", &at, "-R", "-f", all.to_str().unwrap(), "--output", "json"]).await;
    assert_eq!(counts(&planned.json()), "3 adopt", "{}{}", planned.printed, planned.errors);
    assert_eq!(simulator.calls().writes(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_takes_long_says_how_far_it_has_come() {
    let simulator = simulator(seeded(SeedZone::master(ZONE).fill(60))).await;
    // Seven pages, each answered after a while: longer than it is silent.
    simulator.set_latency(Duration::from_millis(1500));
    let folder = tempfile::tempdir().unwrap();
    let at = file(folder.path(), "solid-server.yaml", &solid_server(&simulator, "limits: {pageSize: 10}"));
    let exported = export(&["-f", &at, "--zone", ZONE]).await;
    assert_eq!(exported.code, 0, "{}", exported.errors);
    let told: Vec<&str> = exported.errors.lines().filter(|line| line.starts_with("export: ")).collect();
    assert!(told.iter().any(|line| line.contains(" of about 7 pages read")), "{}", exported.errors);
    assert!(!exported.printed.contains("export: "));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_export_that_cannot_be_made_says_why_and_writes_nothing() {
    let simulator = simulator(Config::default()).await;
    let folder = tempfile::tempdir().unwrap();
    let at = file(folder.path(), "solid-server.yaml", &solid_server(&simulator, ""));
    let away = solid_server(&simulator, "").replace(&simulator.endpoint(), "https://127.0.0.1:1");
    let away = file(folder.path(), "away.yaml", &away);
    let output = folder.path().join("zone");
    let output = output.to_str().unwrap();
    for (arguments, code, said) in [
        (vec!["-f", &at], 2, "--zone"),
        (vec!["-f", &at, "--zone", "not a zone"], 2, "--zone is \"not a zone\""),
        (vec!["-f", &at, "--zone", ZONE, "--namespace", "No_Namespace"], 2, "--namespace"),
        (vec!["-f", &at, "--zone", "example.net"], 1, "zone example.net is not on this server and view"),
        (vec!["-f", &at, "--zone", "partner.example.net"], 1, "is a slave zone"),
        (vec!["-f", &at, "--zone", "example.org", "--server", "views.example.com"], 1, "--view says it"),
        (vec!["-f", &at, "--zone", ZONE, "--server", "nobody.example.com"], 1, "--server says it"),
        (vec!["-f", &away, "--zone", ZONE], 1, "Unreachable"),
        (vec!["-f", &at, "--zone", ZONE, "--solid-server", "none"], 1, "there is no SolidServer \"none\""),
    ] {
        let ended = export(&[&arguments[..], &["-o", output]].concat()).await;
        assert_eq!((ended.code, ended.printed.as_str()), (code, ""), "{arguments:?}: {}", ended.errors);
        assert!(ended.errors.contains(said), "{arguments:?}: {}", ended.errors);
    }
    // Without rights an appliance shows nothing: that is no empty zone.
    let blind = solidserver_simulator::Fault::new("dns_rr_list", solidserver_simulator::FaultKind::Blind);
    simulator.inject(blind);
    let ended = export(&["-f", &at, "--zone", ZONE, "-o", output]).await;
    assert_eq!(ended.code, 1, "{}", ended.errors);
    assert!(!Path::new(output).exists());
    assert_eq!(simulator.calls().writes(), 0);
}
