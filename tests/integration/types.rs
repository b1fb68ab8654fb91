//! All 17 types, each through its whole life: the rows that the appliance holds are exactly those that the values mean.

use std::collections::BTreeMap;

use rstest::rstest;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use solidserver_simulator::RowView;

use crate::wire::Wire::{self, RestBasic, RestNative, RestToken, V2Basic, V2Native, V2Token};
use crate::world::World;

const NAMESPACE: &str = "types";
const SHA256: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
const OTHER_SHA256: &str = "fedcba9876543210fedcba9876543210fedcba9876543210fedcba9876543210";
const SHA1: &str = "0123456789abcdef0123456789abcdef01234567";

/// One DnsRecord, and what its values are on the appliance.
struct Case {
    name: &'static str,
    record_type: &'static str,
    /// As in the manifest.
    fqdn: &'static str,
    zone: &'static str,
    /// As the appliance shows it.
    owner: &'static str,
    before: Values,
    after: Values,
}

/// Values as in the manifest, and the columns value1 to valueN of each row that they make.
struct Values {
    asked: Vec<String>,
    rows: Vec<Vec<String>>,
}

fn values<const V: usize, const R: usize>(asked: [&str; V], rows: [&[&str]; R]) -> Values {
    let text = |text: &&str| (*text).to_owned();
    Values {
        asked: asked.iter().map(text).collect(),
        rows: rows.iter().map(|columns| columns.iter().map(text).collect()).collect(),
    }
}

/// A case of the zone example.com whose owner name needs no other spelling.
fn case(
    name: &'static str,
    record_type: &'static str,
    owner: &'static str,
    before: Values,
    after: Values,
) -> Case {
    Case { name, record_type, fqdn: owner, zone: "example.com", owner, before, after }
}

/// Every type, and what is special about names and texts.
#[rustfmt::skip]
fn cases() -> Vec<Case> {
    let mut cases = vec![
        case("a", "A", "a.example.com",
            values(["192.0.2.10", "192.0.2.11"], [&["192.0.2.10"], &["192.0.2.11"]]),
            values(["192.0.2.12", "192.0.2.11"], [&["192.0.2.11"], &["192.0.2.12"]])),
        case("aaaa", "AAAA", "aaaa.example.com",
            values(["2001:db8::a", "2001:DB8:0:0::A", "2001:0db8:0000:0000:0000:0000:0000:000a"],
                [&["2001:0db8:0000:0000:0000:0000:0000:000a"]]),
            values(["2001:db8::b"], [&["2001:0db8:0000:0000:0000:0000:0000:000b"]])),
        case("cname", "CNAME", "cname.example.com",
            values(["A.Example.COM."], [&["a.example.com"]]),
            values(["b.example.com"], [&["b.example.com"]])),
        case("dname", "DNAME", "dname.example.com",
            values(["example.net"], [&["example.net"]]),
            values(["example.org."], [&["example.org"]])),
        case("mx", "MX", "mx.example.com",
            values(["10 mx1.example.com.", "20 MX2.example.com"],
                [&["10", "mx1.example.com"], &["20", "mx2.example.com"]]),
            values(["10 mx1.example.com", "30 mx2.example.com"],
                [&["10", "mx1.example.com"], &["30", "mx2.example.com"]])),
        case("null-mx", "MX", "null-mx.example.com",
            values(["0 ."], [&["0", "."]]),
            values(["5 mx.example.com"], [&["5", "mx.example.com"]])),
        case("ns", "NS", "delegated.example.com",
            values(["ns1.example.net.", "ns2.example.net."], [&["ns1.example.net"], &["ns2.example.net"]]),
            values(["ns1.example.net", "ns3.example.net"], [&["ns1.example.net"], &["ns3.example.net"]])),
        case("ds", "DS", "delegated.example.com",
            values([&format!("60485 13 2 {}", SHA256.to_uppercase())], [&["60485", "13", "2", SHA256]]),
            values([&format!("60486 8 1 {SHA1}")], [&["60486", "8", "1", SHA1]])),
        Case { zone: "2.0.192.in-addr.arpa", ..case("ptr", "PTR", "10.2.0.192.in-addr.arpa",
            values(["A.example.com."], [&["a.example.com"]]),
            values(["b.example.com"], [&["b.example.com"]])) },
        case("srv", "SRV", "_sip._tcp.example.com",
            values(["10 60 5060 Sip.example.com."], [&["10", "60", "5060", "sip.example.com"]]),
            values(["10 60 5061 sip.example.com"], [&["10", "60", "5061", "sip.example.com"]])),
        case("caa", "CAA", "caa.example.com",
            values([r#"0 issue "ca.example.net; policy=ev""#, r#"0 ISSUEWILD ";""#],
                [&["0", "issue", "ca.example.net; policy=ev"], &["0", "issuewild", ";"]]),
            values([r#"128 issue "ca.example.net; policy=ev""#, r#"0 issuewild ";""#],
                [&["0", "issuewild", ";"], &["128", "issue", "ca.example.net; policy=ev"]])),
        case("naptr", "NAPTR", "naptr.example.com",
            values([r#"100 10 "u" "E2U+sip" "!^.*$!sip:info@example.com!" ."#],
                [&["100", "10", "U", "E2U+sip", "!^.*$!sip:info@example.com!", "."]]),
            values([r#"100 10 "S" "SIP+D2U" "" _sip._udp.example.com."#],
                [&["100", "10", "S", "SIP+D2U", "", "_sip._udp.example.com"]])),
        case("tlsa", "TLSA", "_443._tcp.a.example.com",
            values([&format!("3 1 1 {} {}", &SHA256[..32], &SHA256[32..])], [&["3", "1", "1", SHA256]]),
            values([&format!("3 1 1 {OTHER_SHA256}")], [&["3", "1", "1", OTHER_SHA256]])),
        case("sshfp", "SSHFP", "sshfp.example.com",
            values([&format!("4 2 {SHA256}")], [&["4", "2", SHA256]]),
            values([&format!("1 1 {SHA1}")], [&["1", "1", SHA1]])),
        case("https", "HTTPS", "https.example.com",
            values([r#"1 . port=8443 alpn="h2,h3" ipv6hint=2001:DB8::1"#],
                [&["1", ".", "alpn=h2,h3 port=8443 ipv6hint=2001:db8::1"]]),
            values(["0 a.example.com."], [&["0", "a.example.com"]])),
        case("svcb", "SVCB", "_dns.example.com",
            values([r"1 Dns.example.com. alpn=dot"], [&["1", "dns.example.com", "alpn=dot"]]),
            values([r"2 dns.example.com alpn=dot"], [&["2", "dns.example.com", "alpn=dot"]])),
        case("uri", "URI", "_http._tcp.example.com",
            values([r#"10 1 "https://example.com/a;b?c=d""#], [&["10", "1", "https://example.com/a;b?c=d"]]),
            values([r#"10 2 "https://example.com/a;b?c=d""#], [&["10", "2", "https://example.com/a;b?c=d"]])),
        case("txt", "TXT", "txt.example.com",
            values(["v=spf1 include:example.net -all", "two  spaces; a semicolon"],
                [&["two  spaces; a semicolon"], &["v=spf1 include:example.net -all"]]),
            values(["v=spf1 -all", "two  spaces; a semicolon"], [&["two  spaces; a semicolon"], &["v=spf1 -all"]])),
        case("txt-quotes", "TXT", "txt-quotes.example.com",
            values([r#"say "hi" and \"#], [&[r#"say "hi" and \"#]]),
            // Text that reads like a quoted string is sent as one, lest its quotation marks be taken for the appliance's.
            values([r#""hi" and \"#], [&[r#""\"hi\" and \\""#]])),
        case("txt-utf8", "TXT", "txt-utf8.example.com",
            values(["Grüße ☃"], [&["Grüße ☃"]]),
            values(["Grüße ☃ 日本"], [&["Grüße ☃ 日本"]])),
        case("txt-edges", "TXT", "txt-edges.example.com",
            values([" spaces at both ends "], [&[" spaces at both ends "]]),
            values(["; a comment elsewhere \\"], [&["; a comment elsewhere \\"]])),
        case("wildcard", "A", "*.wild.example.com",
            values(["192.0.2.20"], [&["192.0.2.20"]]), values(["192.0.2.21"], [&["192.0.2.21"]])),
        Case { zone: "shop.example.com", ..case("apex-mx", "MX", "shop.example.com",
            values(["10 mx.shop.example.com"], [&["10", "mx.shop.example.com"]]),
            values(["20 mx.shop.example.com"], [&["20", "mx.shop.example.com"]])) },
        Case { fqdn: "Bücher.example.com.", ..case("idn", "CNAME", "xn--bcher-kva.example.com",
            values(["straße.example"], [&["xn--strae-oqa.example"]]),
            values(["Bücher.example."], [&["xn--bcher-kva.example"]])) },
    ];
    // A DKIM key: 400 octets, longer than one string.
    let key = |letter: &str| format!("v=DKIM1; k=rsa; p={}", letter.repeat(383));
    let strings = |key: &str| format!("\"{}\" \"{}\"", &key[..255], &key[255..]);
    cases.push(case("txt-long", "TXT", "selector._domainkey.example.com",
        values([&key("A")], [&[&strings(&key("A"))]]), values([&key("B")], [&[&strings(&key("B"))]])));
    cases
}

/// A manifest with all cases, as kubectl takes it.
fn manifest(cases: &[Case], after: bool, ttl: Option<u32>) -> String {
    let records: Vec<Value> = cases
        .iter()
        .map(|case| {
            let values = if after { &case.after.asked } else { &case.before.asked };
            let mut spec = json!({"fqdn": case.fqdn, "type": case.record_type, "values": values});
            if let Some(ttl) = ttl {
                spec["ttl"] = ttl.into();
            }
            json!({
                "apiVersion": "solidserver.dev/v1alpha1",
                "kind": "DnsRecord",
                "metadata": {"name": case.name, "namespace": NAMESPACE},
                "spec": spec,
            })
        })
        .collect();
    json!({"apiVersion": "v1", "kind": "List", "items": records}).to_string()
}

/// What matters of a row, its mark spelt out.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Row {
    zone: String,
    name: String,
    record_type: String,
    values: Vec<String>,
    ttl: u32,
    parameters: BTreeMap<String, String>,
}

/// The rows that the cases make, in order.
fn expected(cases: &[Case], after: bool, ttl: u32, cluster_uid: &str) -> Vec<Row> {
    let mut rows: Vec<Row> = cases
        .iter()
        .flat_map(|case| {
            let values = if after { &case.after } else { &case.before };
            values.rows.iter().map(move |columns| Row {
                zone: case.zone.to_owned(),
                name: case.owner.to_owned(),
                record_type: case.record_type.to_owned(),
                values: columns.clone(),
                ttl,
                parameters: mark(case, cluster_uid),
            })
        })
        .collect();
    rows.sort();
    rows
}

/// The mark as it is documented: computed here by its own means.
fn mark(case: &Case, cluster_uid: &str) -> BTreeMap<String, String> {
    let place = format!("ns.example.com\n\n{}\n{}\n{}\n", case.zone, case.record_type, case.owner);
    let digest = Sha256::digest(place.as_bytes());
    let digest: String = digest.iter().take(8).map(|octet| format!("{octet:02x}")).collect();
    BTreeMap::from([
        ("k8s_owner".to_owned(), format!("test/{NAMESPACE}/{}", case.name)),
        ("k8s_rrset".to_owned(), digest),
        ("k8s_cluster_uid".to_owned(), cluster_uid.to_owned()),
    ])
}

/// All rows that were not there at the start, in order.
fn new_rows(world: &World, at_start: &[RowView]) -> Vec<Row> {
    let mut rows: Vec<Row> = world
        .simulator
        .rows()
        .into_iter()
        .filter(|row| at_start.iter().all(|known| known.id != row.id))
        .map(|row| Row {
            zone: row.zone,
            name: row.name,
            record_type: row.record_type,
            values: row.values,
            ttl: row.ttl,
            parameters: row.class_parameters,
        })
        .collect();
    rows.sort();
    rows
}

/// The rows that were there at the start, without the SOA rows: their serial rises with every write.
fn old_rows(world: &World, at_start: &[RowView]) -> Vec<RowView> {
    let was_there = |row: &RowView| at_start.iter().any(|known| known.id == row.id);
    world.simulator.rows().into_iter().filter(|row| was_there(row) && row.record_type != "SOA").collect()
}

/// Adds, edits and deletes since the last reset.
fn writes(world: &World) -> (u64, u64, u64) {
    let calls = world.simulator.calls();
    (calls.operation("add"), calls.operation("edit"), calls.operation("delete"))
}

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn every_type_is_created_changed_and_deleted_row_by_row(
    #[values(RestBasic, RestNative, RestToken, V2Basic, V2Native, V2Token)] wire: Wire,
) {
    let cases = cases();
    let mut types: Vec<&str> = cases.iter().map(|case| case.record_type).collect();
    types.sort_unstable();
    types.dedup();
    assert_eq!(types.len(), 17, "{types:?}");

    let world = wire.running("1h").await;
    world.namespace(NAMESPACE).await;
    let uid = ["get", "namespace", "kube-system", "--output=jsonpath={.metadata.uid}"];
    let cluster_uid = world.kubectl(&uid).await;
    let at_start = world.simulator.rows();
    let foreign = old_rows(&world, &at_start);

    let created = expected(&cases, false, 600, &cluster_uid);
    world.apply(&manifest(&cases, false, None)).await;
    world.until_ready(NAMESPACE, cases.len()).await;
    assert_eq!(new_rows(&world, &at_start), created);
    assert_eq!(writes(&world), (created.len() as u64, 0, 0));
    nothing_is_written(&world).await;

    // One of the values of each is another one: one edit in place each.
    let changed = expected(&cases, true, 600, &cluster_uid);
    assert_eq!(changed.len(), created.len());
    world.apply(&manifest(&cases, true, None)).await;
    world.until_ready(NAMESPACE, cases.len()).await;
    assert_eq!(new_rows(&world, &at_start), changed);
    assert_eq!(writes(&world), (0, cases.len() as u64, 0));
    nothing_is_written(&world).await;

    let slower = expected(&cases, true, 1200, &cluster_uid);
    world.apply(&manifest(&cases, true, Some(1200))).await;
    world.until_ready(NAMESPACE, cases.len()).await;
    assert_eq!(new_rows(&world, &at_start), slower);
    assert_eq!(writes(&world), (0, slower.len() as u64, 0));
    nothing_is_written(&world).await;

    world.kubectl(&["delete", "dnsrecords", "--all", "-n", NAMESPACE, "--timeout=80s"]).await;
    assert_eq!(new_rows(&world, &at_start), []);
    assert_eq!(writes(&world), (0, 0, slower.len() as u64));
    assert_eq!(old_rows(&world, &at_start), foreign);
}

/// A whole round writes nothing. The calls are counted anew from here.
async fn nothing_is_written(world: &World) {
    world.simulator.reset_calls();
    world.a_round("default").await;
    assert_eq!(writes(world), (0, 0, 0));
    assert!(world.simulator.calls().operation("list") > 0, "the round read nothing");
}

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn another_spelling_of_the_same_values_writes_nothing(
    #[values(RestBasic, RestNative, RestToken, V2Basic, V2Native, V2Token)] wire: Wire,
) {
    let world = wire.running("1h").await;
    world.namespace(NAMESPACE).await;
    let record = |name: &str, record_type: &str, fqdn: &str, values: Value| {
        json!({
            "apiVersion": "solidserver.dev/v1alpha1",
            "kind": "DnsRecord",
            "metadata": {"name": name, "namespace": NAMESPACE},
            "spec": {"fqdn": fqdn, "type": record_type, "values": values, "ttl": 300},
        })
    };
    let manifest =
        |records: Vec<Value>| json!({"apiVersion": "v1", "kind": "List", "items": records}).to_string();
    world
        .apply(&manifest(vec![
            record("address", "AAAA", "www6.example.com", json!(["2001:db8::1", "2001:db8::2"])),
            record("mail", "MX", "mail.example.com", json!(["10 mx1.example.com", "20 mx2.example.com"])),
            record("service", "HTTPS", "svc.example.com", json!(["1 . alpn=h2 port=8443"])),
            record("name", "CNAME", "xn--bcher-kva.example.com", json!(["xn--bcher-kva.example"])),
        ]))
        .await;
    world.until_ready(NAMESPACE, 4).await;
    world.simulator.reset_calls();
    for spelling in ["2001:DB8:0:0:0:0:0:1", "2001:0db8:0000:0000:0000:0000:0000:0001", "2001:db8:0::0:1"] {
        world
            .apply(&manifest(vec![
                record(
                    "address",
                    "AAAA",
                    "WWW6.Example.com.",
                    json!(["2001:DB8::2", spelling, "2001:db8::2"]),
                ),
                record(
                    "mail",
                    "MX",
                    "mail.example.com",
                    json!(["20 MX2.example.com.", "010 mx1.example.com"]),
                ),
                record("service", "HTTPS", "svc.example.com", json!([r#"1 . port=8443 alpn="h2""#])),
                record("name", "CNAME", "Bücher.example.com", json!(["Bücher.example."])),
            ]))
            .await;
        world.until_ready(NAMESPACE, 4).await;
    }
    assert_eq!(writes(&world), (0, 0, 0));
}
