//! Zone choice: which zone a record is written to, and what is said where none will do.

use std::collections::BTreeMap;

use rstest::rstest;
use solidserver_operator::api::DnsRecord;
use solidserver_simulator::{CallEntry, Config, NewRow, Seed, SeedServer, SeedView, SeedZone};

use crate::control_plane::Options;
use crate::wire::Wire::{self, RestBasic, RestNative, RestToken, V2Basic, V2Native, V2Token};
use crate::world::{World, for_all, manifest, message, shows};

const NAMESPACE: &str = "zones";
const SERVER: &str = "ns.example.com";

/// Nested zones, zones that cannot be written, and a server with views.
fn seed() -> Seed {
    let smart = SeedServer::new(SERVER)
        .member("ns1.example.com")
        .zone(SeedZone::master("example.com"))
        .zone(SeedZone::master("shop.example.com"))
        .zone(SeedZone::master("deep.er.shop.example.com"))
        .zone(SeedZone::master("example.net"))
        .zone(SeedZone::of_type("partner.example.net", "slave"))
        .zone(SeedZone::of_type("corp.example.net", "forward"))
        .zone(SeedZone::of_type("stub.example.net", "stub"))
        .zone(SeedZone::master("policy.example.net").rpz());
    let with_views = SeedServer::new("views.example.com")
        .view(SeedView::new("internal").zone(SeedZone::master("example.org")))
        .view(SeedView::new("external").zone(SeedZone::master("example.org")));
    let empty = SeedServer::new("empty.example.com");
    Seed { servers: vec![smart, with_views, empty] }
}

async fn world(wire: Wire) -> World {
    world_of(wire, "8.4.0").await
}

async fn world_of(wire: Wire, version: &str) -> World {
    let config = Config { seed: seed(), version: version.to_owned(), ..Config::default() };
    let mut world = wire.world_with(config, Options::default()).await;
    // Some of these are not there: what is not granted would not even be looked for.
    let servers = [SERVER, "views.example.com", "ns1.example.com", "ns9.example.com", "late.example.com"];
    let zones = for_all(&servers, &["", "internal", "external", "guest", "Internal"]);
    world
        .solid_server(
            "default",
            &format!("resyncInterval: 1h\n  defaults: {{dnsServer: {SERVER}, ttl: 600}}\n  {zones}"),
        )
        .await;
    world.start_operator().await;
    world.namespace(NAMESPACE).await;
    world
}

/// `server/view/zone` of each row at a name.
fn zones_of(world: &World, name: &str, record_type: &str) -> Vec<String> {
    world
        .simulator
        .rows_at(name)
        .into_iter()
        .filter(|row| row.record_type == record_type && !row.pending_delete)
        .map(|row| format!("{}/{}/{}", row.server, row.view, row.zone))
        .collect()
}

/// The zone that the status names.
fn zone_in_status(record: &DnsRecord) -> Option<&str> {
    record.status.as_ref()?.zone.as_deref()
}

fn conditions(record: &DnsRecord) -> BTreeMap<&str, &str> {
    let status = record.status.as_ref().expect("a status");
    status.conditions.iter().map(|condition| (&*condition.type_, &*condition.status)).collect()
}

/// The adds, edits and deletes, in order.
fn writes(world: &World) -> Vec<CallEntry> {
    let mut log = world.simulator.call_log();
    log.retain(|call| ["add", "edit", "delete"].contains(&call.operation.as_str()));
    log
}

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn a_record_is_written_to_the_zone_that_answers_for_it(
    #[values(RestBasic, RestNative, RestToken, V2Basic, V2Native, V2Token)] wire: Wire,
) {
    const DIGEST: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
    let world = world(wire).await;
    let cases = [
        // The longest of nested zones, also across a label without a zone of its own.
        (
            "deepest",
            "fqdn: www.deep.er.shop.example.com, type: A, values: [192.0.2.1]",
            "deep.er.shop.example.com",
        ),
        ("between", "fqdn: www.er.shop.example.com, type: A, values: [192.0.2.1]", "shop.example.com"),
        ("alike", "fqdn: www.workshop.example.com, type: A, values: [192.0.2.1]", "example.com"),
        ("apex", "fqdn: shop.example.com, type: A, values: [192.0.2.1]", "shop.example.com"),
        (
            "asked",
            "fqdn: w3.shop.example.com, type: A, values: [192.0.2.1], zone: shop.example.com",
            "shop.example.com",
        ),
        // DS stands above the cut, by itself and when asked for.
        ("ds", &format!("fqdn: shop.example.com, type: DS, values: [\"1 13 2 {DIGEST}\"]"), "example.com"),
        (
            "ds-below",
            &format!(
                "fqdn: deep.er.shop.example.com, type: DS, values: [\"1 13 2 {DIGEST}\"], zone: shop.example.com"
            ),
            "shop.example.com",
        ),
        // The delegation and its glue, in the parent that is asked for.
        (
            "delegation",
            "fqdn: shop.example.com, type: NS, values: [ns1.shop.example.com], zone: example.com",
            "example.com",
        ),
        (
            "glue",
            "fqdn: ns1.shop.example.com, type: A, values: [192.0.2.53], zone: example.com",
            "example.com",
        ),
        (
            "unsigned-delegation",
            "fqdn: other.example.com, type: NS, values: [ns1.example.net]",
            "example.com",
        ),
        // Nothing but the appliance's zones counts: a name that ends in one's name belongs there.
        (
            "in-view",
            "fqdn: www.example.org, type: A, values: [192.0.2.1], dnsServer: views.example.com, view: internal",
            "example.org",
        ),
    ];
    let yaml: String = cases.iter().map(|(name, spec, _)| manifest(NAMESPACE, name, spec)).collect();
    world.simulator.reset_calls();
    world.apply(&yaml).await;
    world.until_ready(NAMESPACE, cases.len()).await;
    for (name, _, zone) in &cases {
        let record = world.record(NAMESPACE, name).await.unwrap();
        assert_eq!(zone_in_status(&record), Some(*zone), "{name}");
        let (server, view) = match *name {
            "in-view" => ("views.example.com", "internal"),
            _ => (SERVER, ""),
        };
        let fqdn = record.spec.fqdn.as_str();
        let record_type = serde_json::to_value(record.spec.record_type).unwrap();
        let record_type = record_type.as_str().unwrap();
        let place = format!("{server}/{view}/{zone}");
        let mut rows = zones_of(&world, fqdn, record_type);
        // The child's own apex NS rows are not ours.
        rows.retain(|row| *row == place || record_type != "NS");
        assert_eq!(rows, [place], "{name}");
    }
    assert_eq!(writes(&world).len(), cases.len());
    let untouched = zones_of(&world, "shop.example.com", "NS");
    assert!(untouched.contains(&format!("{SERVER}//shop.example.com")), "{untouched:?}");
    world.simulator.reset_calls();
    world.a_round("default").await;
    assert_eq!(writes(&world), []);
}

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn one_name_in_parent_and_child_zone_and_in_two_views_is_as_many_rrsets(
    #[values(RestBasic, RestNative, RestToken, V2Basic, V2Native, V2Token)] wire: Wire,
) {
    for version in wire.versions() {
        let world = world_of(wire, version).await;
        let hidden = NewRow::new("www.shop.example.com", "A", ["192.0.2.1"]).zone("example.com").ttl(600);
        let hidden = world.simulator.add_row(hidden).unwrap();
        let glue = "fqdn: ns.shop.example.com, type: A, values: [192.0.2.53]";
        let in_view = "fqdn: www.example.org, type: A, values: [192.0.2.1], dnsServer: views.example.com";
        let specs = [
            ("child", "fqdn: www.shop.example.com, type: A, values: [192.0.2.1]".to_owned()),
            ("glue", format!("{glue}, zone: example.com")),
            ("answer", glue.to_owned()),
            ("inside", format!("{in_view}, view: internal")),
            ("outside", format!("{in_view}, view: external")),
        ];
        let yaml: String = specs.iter().map(|(name, spec)| manifest(NAMESPACE, name, spec)).collect();
        world.apply(&yaml).await;
        world.until_ready(NAMESPACE, specs.len()).await;
        let parent_and_child = [format!("{SERVER}//example.com"), format!("{SERVER}//shop.example.com")];
        let views = ["internal", "external"].map(|view| format!("views.example.com/{view}/example.org"));
        assert_eq!(zones_of(&world, "www.shop.example.com", "A").len(), 2);
        let mut glued = zones_of(&world, "ns.shop.example.com", "A");
        glued.sort();
        assert_eq!(glued, parent_and_child, "{version}");
        assert_eq!(zones_of(&world, "www.example.org", "A").len(), 2);
        assert!(views.iter().all(|place| zones_of(&world, "www.example.org", "A").contains(place)));
        assert_eq!(writes(&world).len(), specs.len(), "{version}");

        // Each goes by itself.
        world.kubectl(&["delete", "dnsrecord", "-n", NAMESPACE, "child", "answer", "inside"]).await;
        assert_eq!(world.simulator.rows_at("www.shop.example.com"), [hidden], "{version}");
        assert_eq!(zones_of(&world, "ns.shop.example.com", "A"), parent_and_child[..1], "{version}");
        assert_eq!(zones_of(&world, "www.example.org", "A"), views[1..], "{version}");
        world.a_round("default").await;
        assert_eq!(writes(&world).len(), specs.len() + 3, "{version}");
    }
}

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn where_no_zone_will_do_the_record_is_stalled_and_nothing_is_written(
    #[values(RestBasic, RestNative, RestToken, V2Basic, V2Native, V2Token)] wire: Wire,
) {
    let world = world(wire).await;
    // Name, spec, reason, and what the message must say.
    let cases: [(&str, &str, &str, &[&str]); 18] = [
        (
            "slave",
            "fqdn: www.partner.example.net, type: A, values: [192.0.2.1]",
            "ZoneNotWritable",
            &["partner.example.net", "slave"],
        ),
        (
            "slave-apex",
            "fqdn: partner.example.net, type: MX, values: [\"10 a.example\"]",
            "ZoneNotWritable",
            &["partner.example.net", "slave"],
        ),
        (
            "forward",
            "fqdn: www.corp.example.net, type: A, values: [192.0.2.1]",
            "ZoneNotWritable",
            &["corp.example.net", "forward"],
        ),
        (
            "stub",
            "fqdn: www.stub.example.net, type: A, values: [192.0.2.1]",
            "ZoneNotWritable",
            &["stub.example.net", "stub"],
        ),
        (
            "policy",
            "fqdn: www.policy.example.net, type: A, values: [192.0.2.1]",
            "ZoneNotWritable",
            &["policy.example.net", "response policy"],
        ),
        (
            "apex-ns",
            "fqdn: shop.example.com, type: NS, values: [ns1.example.net]",
            "ApexNotServed",
            &["shop.example.com", "spec.zone"],
        ),
        (
            "apex-ns-asked",
            "fqdn: shop.example.com, type: NS, values: [ns1.example.net], zone: shop.example.com",
            "ApexNotServed",
            &["shop.example.com"],
        ),
        (
            "apex-ds-asked",
            "fqdn: shop.example.com, type: DS, values: [\"1 8 1 0123456789abcdef0123456789abcdef01234567\"], zone: shop.example.com",
            "ApexNotServed",
            &["shop.example.com", "DS"],
        ),
        (
            "in-child",
            "fqdn: www.shop.example.com, type: CNAME, values: [a.example.com], zone: example.com",
            "NameInChildZone",
            &["shop.example.com", "example.com"],
        ),
        (
            "no-zone",
            "fqdn: www.example.edu, type: A, values: [192.0.2.1]",
            "ZoneNotFound",
            &["www.example.edu"],
        ),
        (
            "no-such-zone",
            "fqdn: www.none.example.com, type: A, values: [192.0.2.1], zone: none.example.com",
            "ZoneNotFound",
            &["none.example.com"],
        ),
        (
            "parent-of-ds",
            "fqdn: example.com, type: DS, values: [\"1 8 1 0123456789abcdef0123456789abcdef01234567\"]",
            "ZoneNotFound",
            &["example.com"],
        ),
        (
            "no-view",
            "fqdn: www.example.org, type: A, values: [192.0.2.1], dnsServer: views.example.com",
            "ViewRequired",
            &["views.example.com", "internal", "external", "spec.view"],
        ),
        (
            "empty-view",
            "fqdn: w2.example.org, type: A, values: [192.0.2.1], dnsServer: views.example.com, view: \"\"",
            "ViewRequired",
            &["views.example.com", "internal", "external"],
        ),
        (
            "wrong-view",
            "fqdn: w3.example.org, type: A, values: [192.0.2.1], dnsServer: views.example.com, view: Internal",
            "ViewNotFound",
            &["Internal", "views.example.com", "external"],
        ),
        (
            "view-on-viewless",
            "fqdn: w4.example.com, type: A, values: [192.0.2.1], view: internal",
            "ViewNotFound",
            &["internal", SERVER, "no views"],
        ),
        (
            "no-server",
            "fqdn: w5.example.com, type: A, values: [192.0.2.1], dnsServer: ns9.example.com",
            "ServerNotFound",
            &["ns9.example.com", SERVER],
        ),
        (
            "no-appliance",
            "fqdn: w6.example.com, type: A, values: [192.0.2.1], solidServerRef: {name: other}",
            "SolidServerNotFound",
            &["other", "solidServerRef"],
        ),
    ];
    let yaml: String = cases.iter().map(|(name, spec, ..)| manifest(NAMESPACE, name, spec)).collect();
    let rows = world.simulator.rows();
    world.apply(&yaml).await;
    world
        .apply(&manifest(
            NAMESPACE,
            "member",
            "fqdn: w7.example.com, type: A, values: [192.0.2.1], dnsServer: ns1.example.com",
        ))
        .await;
    world
        .until("every record says why not", async || {
            let records = world.all_records(NAMESPACE).await;
            cases.iter().all(|(name, _, reason, _)| {
                records
                    .iter()
                    .any(|record| record.metadata.name.as_deref() == Some(name) && shows(record, reason))
            })
        })
        .await;
    for (name, _, reason, said) in cases {
        let record = world.record(NAMESPACE, name).await.unwrap();
        assert!(shows(&record, reason), "{name}");
        let conditions = conditions(&record);
        assert_eq!((conditions["Ready"], conditions["Stalled"]), ("False", "True"), "{name}");
        assert_ne!(conditions.get("Reconciling"), Some(&"True"), "{name}");
        let message = message(&record);
        for words in said {
            assert!(message.contains(words), "{name}: {words:?} is not in {message:?}");
        }
        assert_eq!(zone_in_status(&record), None, "{name}");
    }
    // Writing to a member of a SMART would be undone by it.
    let member = world.until_reason(NAMESPACE, "member", "ServerNotFound").await;
    assert!(message(&member).contains("ns1.example.com"), "{}", message(&member));
    world.a_round("default").await;
    assert_eq!(writes(&world), []);
    assert_eq!(world.simulator.rows(), rows);
    // Nothing of theirs is there, so nothing holds them back.
    world.kubectl(&["delete", "dnsrecords", "--all", "-n", NAMESPACE, "--timeout=60s"]).await;
    assert_eq!(writes(&world), []);
}

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn what_was_missing_on_the_appliance_is_found_when_it_comes(
    #[values(RestBasic, RestNative, RestToken, V2Basic, V2Native, V2Token)] wire: Wire,
) {
    let world = world(wire).await;
    let records = [
        manifest(NAMESPACE, "zone", "fqdn: www.example.edu, type: A, values: [192.0.2.1]"),
        manifest(
            NAMESPACE,
            "view",
            "fqdn: www.example.org, type: A, values: [192.0.2.1], dnsServer: views.example.com, view: guest",
        ),
        manifest(
            NAMESPACE,
            "server",
            "fqdn: www.example.info, type: A, values: [192.0.2.1], dnsServer: late.example.com",
        ),
        manifest(
            NAMESPACE,
            "appliance",
            "fqdn: w2.example.info, type: A, values: [192.0.2.1], solidServerRef: {name: late}",
        ),
    ];
    world.apply(&records.concat()).await;
    for (name, reason) in [
        ("zone", "ZoneNotFound"),
        ("view", "ViewNotFound"),
        ("server", "ServerNotFound"),
        ("appliance", "SolidServerNotFound"),
    ] {
        world.until_reason(NAMESPACE, name, reason).await;
    }
    assert_eq!(writes(&world), []);
    world.simulator.add_zone(SERVER, "", &SeedZone::master("example.edu")).unwrap();
    world
        .simulator
        .add_view("views.example.com", &SeedView::new("guest").zone(SeedZone::master("example.org")))
        .unwrap();
    for server in ["late.example.com", "later.example.com"] {
        world.simulator.add_server(&SeedServer::new(server).zone(SeedZone::master("example.info"))).unwrap();
    }
    // A second SolidServer for the same appliance, with DNS servers of its own.
    world
        .solid_server("late", "resyncInterval: 1h\n  defaults: {dnsServer: later.example.com, ttl: 600}")
        .await;
    world.a_round("default").await;
    world.until_ready(NAMESPACE, 4).await;
    assert_eq!(zones_of(&world, "www.example.edu", "A"), ["ns.example.com//example.edu"]);
    assert_eq!(zones_of(&world, "www.example.org", "A"), ["views.example.com/guest/example.org"]);
    assert_eq!(zones_of(&world, "www.example.info", "A"), ["late.example.com//example.info"]);
    assert_eq!(zones_of(&world, "w2.example.info", "A"), ["later.example.com//example.info"]);
    assert_eq!(writes(&world).len(), 4);
}

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn a_record_follows_a_child_zone_that_comes_and_goes(
    #[values(RestBasic, RestNative, RestToken, V2Basic, V2Native, V2Token)] wire: Wire,
) {
    let world = world(wire).await;
    let records = [
        manifest(NAMESPACE, "moving", "fqdn: a.new.example.com, type: A, values: [192.0.2.1, 192.0.2.2]"),
        manifest(
            NAMESPACE,
            "glue",
            "fqdn: ns1.new.example.com, type: A, values: [192.0.2.53], zone: example.com",
        ),
        manifest(NAMESPACE, "staying", "fqdn: b.example.com, type: A, values: [192.0.2.3]"),
    ];
    world.apply(&records.concat()).await;
    world.until_ready(NAMESPACE, 3).await;
    assert_eq!(zones_of(&world, "a.new.example.com", "A"), ["ns.example.com//example.com"; 2]);

    world.simulator.reset_calls();
    world.simulator.add_zone(SERVER, "", &SeedZone::master("new.example.com")).unwrap();
    world.a_round("default").await;
    world
        .until("the record has moved to the child zone", async || {
            let record = world.record(NAMESPACE, "moving").await.unwrap();
            shows(&record, "InSync") && zone_in_status(&record) == Some("new.example.com")
        })
        .await;
    assert_eq!(zones_of(&world, "a.new.example.com", "A"), ["ns.example.com//new.example.com"; 2]);
    let moves: Vec<String> = writes(&world).into_iter().map(|call| call.operation).collect();
    assert_eq!(moves, ["add", "add", "delete", "delete"]);
    // Glue stays in the parent that was asked for.
    assert_eq!(zones_of(&world, "ns1.new.example.com", "A"), ["ns.example.com//example.com"]);
    world.simulator.reset_calls();
    world.a_round("default").await;
    assert_eq!(writes(&world), []);

    // The child zone goes, and all that was in it.
    world.simulator.remove_zone(SERVER, "", "new.example.com").unwrap();
    world.a_round("default").await;
    // One look may be one without the rights to see it.
    world.until_reason(NAMESPACE, "moving", "NotVisible").await;
    assert_eq!(writes(&world), []);
    world.a_round("default").await;
    world
        .until("the record is back in the parent zone", async || {
            let record = world.record(NAMESPACE, "moving").await.unwrap();
            shows(&record, "InSync") && zone_in_status(&record) == Some("example.com")
        })
        .await;
    assert_eq!(zones_of(&world, "a.new.example.com", "A"), ["ns.example.com//example.com"; 2]);
    let moves: Vec<String> = writes(&world).into_iter().map(|call| call.operation).collect();
    assert_eq!(moves, ["add", "add"]);
    world.until_ready(NAMESPACE, 3).await;
    // A zone that is gone troubles nobody.
    world.a_round("default").await;
    let solid_server = world.solid_server_object("default").await.status.unwrap();
    assert!(
        solid_server
            .conditions
            .iter()
            .any(|condition| condition.type_ == "Ready" && condition.status == "True")
    );
    world.kubectl(&["delete", "dnsrecords", "--all", "-n", NAMESPACE, "--timeout=60s"]).await;
    assert_eq!(zones_of(&world, "a.new.example.com", "A"), [] as [String; 0]);
}

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn a_record_deleted_after_its_zone_waits_and_says_how_to_let_it_go(
    #[values(RestBasic, RestNative, RestToken, V2Basic, V2Native, V2Token)] wire: Wire,
) {
    let world = world(wire).await;
    world.apply(&manifest(NAMESPACE, "late", "fqdn: a.shop.example.com, type: A, values: [192.0.2.1]")).await;
    world.until_ready(NAMESPACE, 1).await;
    world.simulator.remove_zone(SERVER, "", "shop.example.com").unwrap();
    world.simulator.reset_calls();
    world.kubectl(&["delete", "dnsrecord", "late", "-n", NAMESPACE, "--wait=false"]).await;
    let record = world.until_reason(NAMESPACE, "late", "NotVisible").await;
    assert!(message(&record).contains("solidserver.dev/abandon=true"), "{}", message(&record));
    let message = message(&record);
    let command = message.split("kubectl ").nth(1).unwrap();
    world.kubectl(&command.split(' ').collect::<Vec<_>>()).await;
    world.until("it is let go", async || world.record(NAMESPACE, "late").await.is_none()).await;
    assert_eq!(writes(&world), []);
    // The SolidServer has no trouble with a zone that concerns nobody any more.
    world
        .until("the SolidServer is ready", async || {
            let status = world.solid_server_object("default").await.status.unwrap();
            status.conditions.iter().any(|condition| condition.type_ == "Ready" && condition.status == "True")
        })
        .await;
}

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn a_child_zone_that_cannot_be_written_stalls_the_record_and_its_rows_go_with_it(
    #[values(RestBasic, RestNative, RestToken, V2Basic, V2Native, V2Token)] wire: Wire,
) {
    let world = world(wire).await;
    world
        .apply(&manifest(NAMESPACE, "hidden", "fqdn: a.far.example.com, type: A, values: [192.0.2.1]"))
        .await;
    world.until_ready(NAMESPACE, 1).await;
    world.simulator.reset_calls();
    world.simulator.add_zone(SERVER, "", &SeedZone::of_type("far.example.com", "slave")).unwrap();
    world.a_round("default").await;
    let record = world.until_reason(NAMESPACE, "hidden", "ZoneNotWritable").await;
    assert!(message(&record).contains("far.example.com"), "{}", message(&record));
    // What was applied is still there and still its own.
    assert_eq!(zone_in_status(&record), Some("example.com"));
    assert_eq!(world.rows("a.far.example.com"), ["A 600 192.0.2.1 | zones/hidden"]);
    world.a_round("default").await;
    assert_eq!(writes(&world), []);
    world.kubectl(&["delete", "dnsrecord", "hidden", "-n", NAMESPACE, "--timeout=60s"]).await;
    assert_eq!(world.rows("a.far.example.com"), [] as [String; 0]);
    assert_eq!(writes(&world).len(), 1);
}
