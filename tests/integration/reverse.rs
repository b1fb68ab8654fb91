//! `spec.ptr`: the PTR records of addresses, as DnsRecords of their own, made, kept and deleted for the one that has the addresses.

use std::collections::BTreeMap;

use rstest::rstest;
use serde_json::Value;
use solidserver_operator::api::DnsRecord;
use solidserver_simulator::{Config, Seed, SeedServer, SeedZone, Simulator};

use crate::control_plane::Options;
use crate::plan_command::{file, plan, solid_server};
use crate::wire::Wire::{self, RestBasic, V2Token};
use crate::world::{World, manifest, message, shows};

const DEFAULTS: &str = "resyncInterval: 1h\n  defaults: {dnsServer: ns.example.com, ttl: 600}";

/// Names under which nobody looks for anything else.
const REVERSE: &str = "2.0.192.in-addr.arpa";
const REVERSE_OF_SIX: &str = "8.b.d.0.1.0.0.2.ip6.arpa";

/// Forward and reverse zones, one of each that the appliance fills by itself.
fn config() -> Config {
    let zones = ["example.com", REVERSE, REVERSE_OF_SIX].map(SeedZone::master);
    let filled = ["filled.example.com", "113.0.203.in-addr.arpa"]
        .map(|name| SeedZone::master(name).class_parameter("dnsptr", "1"));
    let server = SeedServer::new("ns.example.com").member("ns1.example.com");
    let server = zones.into_iter().chain(filled).fold(server, SeedServer::zone);
    Config { seed: Seed { servers: vec![server] }, ..Config::default() }
}

async fn running(wire: Wire, options: Options, spec: &str) -> World {
    let mut world = wire.world_with(config(), options).await;
    world.solid_server("default", &format!("{DEFAULTS}\n  {spec}")).await;
    world.start_operator().await;
    world.namespace("shop").await;
    world
}

/// A record with `ptr`.
fn with_ptr(name: &str, values: &str, more: &str) -> String {
    let record_type = if values.contains(':') { "AAAA" } else { "A" };
    let spec =
        format!("fqdn: {name}.example.com, type: {record_type}, values: [{values}], ptr: Managed{more}");
    manifest("shop", name, &spec)
}

async fn until_gone(world: &World, name: &str) {
    world.until(&format!("{name} is gone"), async || world.record("shop", name).await.is_none()).await;
}

/// Names of the DnsRecords that are there.
async fn names(world: &World) -> Vec<String> {
    let mut names: Vec<String> =
        world.all_records("shop").await.into_iter().filter_map(|record| record.metadata.name).collect();
    names.sort();
    names
}

/// Versions of all DnsRecords: whoever writes one of them shows here.
async fn versions(world: &World) -> BTreeMap<String, String> {
    let version = |record: DnsRecord| Some((record.metadata.name?, record.metadata.resource_version?));
    world.all_records("shop").await.into_iter().filter_map(version).collect()
}

/// What was told about a record, as `REASON: note`, and how often where that is more than once.
async fn told(world: &World, name: &str) -> Vec<String> {
    let list = world.kubectl(&["get", "events", "-n", "shop", "-o", "json"]).await;
    let list: Value = serde_json::from_str(&list).unwrap();
    let events = list["items"].as_array().unwrap().iter().filter(|event| {
        event["involvedObject"]["name"] == name && event["reason"].as_str().unwrap().starts_with("Ptr")
    });
    let mut told: Vec<String> = events
        .map(|event| {
            let again =
                event["series"]["count"].as_u64().map(|count| format!(" x{count}")).unwrap_or_default();
            format!("{}: {}{again}", event["reason"].as_str().unwrap(), event["message"].as_str().unwrap())
        })
        .collect();
    told.sort();
    told
}

async fn until_told(world: &World, name: &str, words: &str) {
    world
        .until(&format!("{name}: {words}"), async || {
            told(world, name).await.iter().any(|told| told.contains(words))
        })
        .await;
}

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn an_address_has_its_ptr_record_as_long_as_it_is_in_dns(#[values(RestBasic, V2Token)] wire: Wire) {
    let mut world = running(wire, Options::default(), "").await;
    world.apply(&with_ptr("www", "192.0.2.10", ", ttl: 300")).await;
    world.apply(&with_ptr("six", "\"2001:db8::10\"", "")).await;
    let child = world.until_reason("shop", "www-ptr-192-0-2-10", "InSync").await;
    world.until_reason("shop", "six-ptr-2001-db8-0-0-0-0-0-10", "InSync").await;
    let four = "10.2.0.192.in-addr.arpa";
    let six = format!("0.1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.{REVERSE_OF_SIX}");
    assert_eq!(world.rows(four), ["PTR 300 www.example.com | shop/www-ptr-192-0-2-10"]);
    assert_eq!(world.rows(&six), ["PTR 600 six.example.com | shop/six-ptr-2001-db8-0-0-0-0-0-10"]);
    let parent = world.record("shop", "www").await.unwrap();
    let [owner] = child.metadata.owner_references.clone().unwrap().try_into().unwrap();
    assert_eq!((Some(owner.uid), owner.controller), (parent.metadata.uid.clone(), Some(true)));
    assert_eq!(owner.block_owner_deletion, None, "nobody waits for it");
    assert_eq!(child.metadata.labels.unwrap()["solidserver.dev/ptr-of"], "www");

    // Nothing is written where all is right: not in a round, and not by the next operator.
    world.a_round("default").await;
    let before = versions(&world).await;
    world.a_round("default").await;
    world.stop_operator().await;
    world.start_operator().await;
    world.a_round("default").await;
    assert_eq!(versions(&world).await, before);

    // One address goes, another one comes, under another name of the record.
    world.apply(&with_ptr("www", "192.0.2.10, 192.0.2.11", ", ttl: 300")).await;
    world.until_reason("shop", "www-ptr-192-0-2-11", "InSync").await;
    assert_eq!(world.rows("11.2.0.192.in-addr.arpa").len(), 1);
    let renamed = with_ptr("www", "192.0.2.11", ", ttl: 60").replace("fqdn: www.", "fqdn: web.");
    world.apply(&renamed).await;
    until_gone(&world, "www-ptr-192-0-2-10").await;
    let follows = ["PTR 60 web.example.com | shop/www-ptr-192-0-2-11"];
    world.until("it follows", async || world.rows("11.2.0.192.in-addr.arpa") == follows).await;
    assert_eq!(world.rows(four), [""; 0]);

    // What somebody does to a child is undone; what cannot be a person's wish comes back.
    let patch = r#"{"spec": {"values": ["evil.example.com"], "ttl": 5}}"#;
    let edit = ["patch", "dnsrecord", "-n", "shop", "www-ptr-192-0-2-11", "--type=merge", "-p", patch];
    world.kubectl(&edit).await;
    world
        .until("the edit is undone", async || {
            let child = world.record("shop", "www-ptr-192-0-2-11").await.unwrap();
            child.spec.values == ["web.example.com"] && child.spec.ttl == Some(60) && shows(&child, "InSync")
        })
        .await;
    assert_eq!(world.rows("11.2.0.192.in-addr.arpa"), follows);
    let uid = world.record("shop", "www-ptr-192-0-2-11").await.unwrap().metadata.uid;
    world.kubectl(&["delete", "dnsrecord", "-n", "shop", "www-ptr-192-0-2-11", "--timeout=60s"]).await;
    world
        .until("it is made anew", async || {
            let child = world.record("shop", "www-ptr-192-0-2-11").await;
            child.is_some_and(|child| child.metadata.uid != uid && shows(&child, "InSync"))
        })
        .await;

    // A parent that is suspended suspends its children, and takes them along again.
    world.apply(&with_ptr("six", "\"2001:db8::10\"", ", suspend: true")).await;
    let suspended = async |wanted: bool| {
        let child = world.record("shop", "six-ptr-2001-db8-0-0-0-0-0-10").await;
        child.is_some_and(|child| child.spec.suspend == wanted)
    };
    world.until("the child is suspended", async || suspended(true).await).await;
    world.apply(&with_ptr("six", "\"2001:db8::10\"", "")).await;
    world.until("the child goes on", async || suspended(false).await).await;

    // Without ptr they go, and what has the addresses stays.
    world.apply(&renamed.replace(", ptr: Managed", "")).await;
    until_gone(&world, "www-ptr-192-0-2-11").await;
    assert_eq!(world.rows("11.2.0.192.in-addr.arpa"), [""; 0]);
    world.until_reason("shop", "www", "InSync").await;
    assert_eq!(world.rows("web.example.com"), ["A 60 192.0.2.11 | shop/www"]);
    assert_eq!(names(&world).await, ["six", "six-ptr-2001-db8-0-0-0-0-0-10", "www"]);
}

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn where_there_is_no_place_for_it_none_is_made_and_that_is_told(
    #[values(RestBasic, V2Token)] wire: Wire,
) {
    let zones = "zones: [{name: example.com, allowedNamespaces: {from: All}}, {name: arpa, allowedNamespaces: {from: \
                 Selector, selector: {matchLabels: {team: web}}}}, {name: 8.b.d.0.1.0.0.2.ip6.arpa, maxRecords: 1, \
                 allowedNamespaces: {from: All}}]";
    let world = running(wire, Options::default(), zones).await;
    let records = [
        with_ptr("withheld", "192.0.2.20", ""),
        with_ptr("nowhere", "198.51.100.20", ""),
        with_ptr("forward", "192.0.2.21", "").replace("forward.example", "forward.filled.example"),
        with_ptr("backward", "203.0.113.20", ""),
        with_ptr("one", "\"2001:db8::1\"", ""),
    ];
    world.apply(&records.concat()).await;
    world.until_reason("shop", "one-ptr-2001-db8-0-0-0-0-0-1", "InSync").await;
    world.apply(&with_ptr("two", "\"2001:db8::2\"", "")).await;
    for name in ["withheld", "nowhere", "forward", "backward", "two"] {
        world.until_reason("shop", name, "InSync").await;
    }
    until_told(&world, "withheld", "PtrNotCreated: no DnsRecord is made for 20.2.0.192.in-addr.arpa").await;
    until_told(&world, "forward", "PtrFilledByAppliance: no DnsRecord is made for 21.2.0.192.in-addr.arpa")
        .await;
    until_told(&world, "two", "(maxRecords)").await;
    until_told(&world, "nowhere", "PtrNotCreated").await;
    until_told(&world, "backward", "PtrNotCreated").await;
    let there = ["backward", "forward", "nowhere", "one", "one-ptr-2001-db8-0-0-0-0-0-1", "two", "withheld"];
    assert_eq!(names(&world).await, there);
    let metrics = world.http("/metrics").await.unwrap().1;
    assert!(metrics.contains(
        "solidserver_operator_ptr_changes_total{solid_server=\"default\",change=\"create\",outcome=\"ok\"} 1"
    ));

    // With the right to write there, it is made; where it would still have no place or the appliance makes it, that is told.
    world.kubectl(&["label", "namespace", "shop", "team=web"]).await;
    world.until_reason("shop", "withheld-ptr-192-0-2-20", "InSync").await;
    until_told(&world, "nowhere", "no zone on this server and view contains 20.100.51.198.in-addr.arpa")
        .await;
    until_told(&world, "backward", "PtrFilledByAppliance").await;
    // A reverse zone that is made later is found in the next round.
    world.simulator.add_zone("ns.example.com", "", &SeedZone::master("100.51.198.in-addr.arpa")).unwrap();
    world.a_round("default").await;
    world.until_reason("shop", "nowhere-ptr-198-51-100-20", "InSync").await;
    // Room under maxRecords, likewise.
    world.kubectl(&["delete", "dnsrecord", "-n", "shop", "one", "--timeout=60s"]).await;
    world
        .kubectl(&["delete", "dnsrecord", "-n", "shop", "one-ptr-2001-db8-0-0-0-0-0-1", "--timeout=60s"])
        .await;
    world.a_round("default").await;
    world.until_reason("shop", "two-ptr-2001-db8-0-0-0-0-0-2", "InSync").await;
    // What was made before the right was withdrawn, and before the appliance began to make them, stays.
    world.kubectl(&["label", "namespace", "shop", "team-"]).await;
    world.until_reason("shop", "withheld-ptr-192-0-2-20", "NotDelegated").await;
    assert_eq!(world.rows("20.2.0.192.in-addr.arpa").len(), 1);
    // Where nothing changes nothing is told again.
    world.a_round("default").await;
    let before = (told(&world, "backward").await, told(&world, "forward").await);
    world.a_round("default").await;
    assert_eq!((told(&world, "backward").await, told(&world, "forward").await), before);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_belongs_to_others_is_left_alone_and_conflicts_are_the_ordinary_ones() {
    let world = running(RestBasic, Options::default(), "").await;
    let squatter =
        manifest("shop", "www-ptr-192-0-2-30", "fqdn: squatter.example.com, type: TXT, values: [mine]");
    world.apply(&squatter).await;
    let theirs = world.until_reason("shop", "www-ptr-192-0-2-30", "InSync").await;
    world.apply(&with_ptr("www", "192.0.2.30", "")).await;
    until_told(&world, "www", "PtrNameTaken: DnsRecord shop/www-ptr-192-0-2-30").await;
    let now = world.record("shop", "www-ptr-192-0-2-30").await.unwrap();
    assert_eq!(now.metadata.resource_version, theirs.metadata.resource_version);
    world.kubectl(&["delete", "dnsrecord", "-n", "shop", "www-ptr-192-0-2-30", "--timeout=60s"]).await;
    world
        .until("it is made in its place", async || {
            let child = world.record("shop", "www-ptr-192-0-2-30").await;
            child.is_some_and(|child| child.spec.fqdn.ends_with(".arpa") && shows(&child, "InSync"))
        })
        .await;

    // A record that does not come into DNS has none.
    world.apply(&with_ptr("late", "192.0.2.31", "").replace("late.example", "www.example")).await;
    world.until_reason("shop", "late", "Conflict").await;
    // Another one with the same address has one that is in conflict, or shares.
    world.apply(&with_ptr("second", "192.0.2.30", "")).await;
    let child = world.until_reason("shop", "second-ptr-192-0-2-30", "Conflict").await;
    assert!(message(&child).contains("shop/www-ptr-192-0-2-30"), "{}", message(&child));
    for name in ["red", "blue"] {
        world.apply(&with_ptr(name, "192.0.2.32", ", rrsetPolicy: Shared")).await;
    }
    for name in ["red", "blue"] {
        world.until_reason("shop", &format!("{name}-ptr-192-0-2-32"), "InSync").await;
    }
    let both = [
        "PTR 600 blue.example.com | shop/blue-ptr-192-0-2-32",
        "PTR 600 red.example.com | shop/red-ptr-192-0-2-32",
    ];
    assert_eq!(world.rows("32.2.0.192.in-addr.arpa"), both);
    assert!(!names(&world).await.iter().any(|name| name.starts_with("late-")));
    let told = told(&world, "www").await;
    assert!(told.len() == 1 && !told[0].contains(" x"), "{told:?}");
}

/// Kubernetes itself removes the children of what is gone; that takes its controller manager.
#[tokio::test(flavor = "multi_thread")]
async fn children_go_with_their_parent_and_hold_up_nobody() {
    let options = Options { controller_manager: true, ..Options::default() };
    let world = running(RestBasic, options, "").await;
    world.apply(&[with_ptr("www", "192.0.2.40", ""), with_ptr("stays", "192.0.2.41", "")].concat()).await;
    for name in ["www-ptr-192-0-2-40", "stays-ptr-192-0-2-41"] {
        world.until_reason("shop", name, "InSync").await;
    }
    world.kubectl(&["delete", "dnsrecord", "-n", "shop", "www", "--timeout=60s"]).await;
    until_gone(&world, "www-ptr-192-0-2-40").await;
    assert_eq!(world.rows("40.2.0.192.in-addr.arpa"), [""; 0]);
    assert_eq!(world.rows("41.2.0.192.in-addr.arpa").len(), 1);
    world.kubectl(&["delete", "namespace", "shop", "--timeout=85s"]).await;
    assert_eq!(world.rows("41.2.0.192.in-addr.arpa"), [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn plan_shows_what_would_be_made() {
    let simulator = Simulator::start(config()).await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let records = [
        with_ptr("www", "192.0.2.50", ""),
        with_ptr("nowhere", "198.51.100.50", ""),
        with_ptr("filled", "203.0.113.50", ""),
        manifest("shop", "plain", "fqdn: plain.example.com, type: A, values: [192.0.2.51]"),
    ];
    let manifests = file(folder.path(), "records.yaml", &(solid_server(&simulator, "") + &records.concat()));
    let planned = plan(&["-f", &manifests, "-o", "json"]).await;
    let document = planned.json();
    let of = |field: &str| -> Vec<String> {
        let records = document["records"].as_array().unwrap().iter();
        records.map(|record| format!("{} {}", record["name"].as_str().unwrap(), record[field])).collect()
    };
    let expected = ["filled", "nowhere", "plain", "www", "www-ptr-192-0-2-50"];
    assert_eq!(of("outcome"), expected.map(|name| format!("{name} \"create\"")), "{}", planned.errors);
    assert!(of("zone").contains(&format!("www-ptr-192-0-2-50 \"{REVERSE}\"")));
    let notes = document["notes"].to_string();
    for words in [
        "50.100.51.198.in-addr.arpa is made for DnsRecord shop/nowhere: no zone",
        "shop/filled: the appliance makes",
    ] {
        assert!(notes.contains(words), "{notes}");
    }
    assert_eq!(planned.code, 2);
}
