//! What a resolver gets to know: the simulator's DNS server is asked by a real one.

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use futures::{StreamExt as _, TryStreamExt as _, stream};
use hickory_resolver::net::{DnsError, NetError};
use hickory_resolver::proto::op::ResponseCode;
use hickory_resolver::proto::rr::{RData, Record, RecordType};
use kube::api::{Patch, PatchParams};
use serde_json::{Value, json};
use solidserver_simulator::{Config, NewRow};

use crate::control_plane::Options;
use crate::resolver::Resolver;
use crate::world::World;

const NAMESPACE: &str = "answers";
const SHA256: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
const URI: RecordType = RecordType::Unknown(256);

/// All runs, DNS too.
async fn answering(publish_delay: Duration) -> (World, Resolver) {
    let dns_listen = Some((Ipv4Addr::LOCALHOST, 0).into());
    let config = Config { dns_listen, publish_delay, ..Config::default() };
    let mut world = World::with(config, Options::default()).await;
    world
        .solid_server("default", "resyncInterval: 1h\n  defaults: {dnsServer: ns.example.com, ttl: 600}")
        .await;
    world.start_operator().await;
    world.namespace(NAMESPACE).await;
    let resolver = Resolver::of(world.simulator.dns_address().unwrap()).unwrap();
    (world, resolver)
}

fn dns_record(name: &str, fqdn: &str, record_type: &str, values: &[&str], ttl: usize) -> Value {
    json!({
        "apiVersion": "solidserver.dev/v1alpha1",
        "kind": "DnsRecord",
        "metadata": {"name": name, "namespace": NAMESPACE},
        "spec": {"fqdn": fqdn, "type": record_type, "values": values, "ttl": ttl},
    })
}

fn list(records: &[Value]) -> String {
    json!({"apiVersion": "v1", "kind": "List", "items": records}).to_string()
}

/// `name TTL data`; octets in hexadecimal for types that the resolver has no words for, TXT string by string.
fn text(record: &Record) -> String {
    let data = match &record.data {
        RData::Unknown { rdata, .. } => hexadecimal(&rdata.anything),
        RData::TXT(text) => {
            let strings: Vec<String> =
                text.txt_data.iter().map(|string| format!("[{}]", String::from_utf8_lossy(string))).collect();
            strings.concat()
        }
        data => data.to_string(),
    };
    format!("{} {} {data}", record.name, record.ttl)
}

fn hexadecimal(octets: &[u8]) -> String {
    octets.iter().map(|octet| format!("{octet:02x}")).collect()
}

/// The addresses of a name, in order, wherever aliases lead.
async fn addresses(resolver: &Resolver, name: &str) -> Result<Vec<String>, NetError> {
    let found = resolver.ask(name, RecordType::A).await?;
    let mut addresses: Vec<String> = found
        .answers()
        .iter()
        .filter_map(|record| match &record.data {
            RData::A(address) => Some(address.to_string()),
            _ => None,
        })
        .collect();
    addresses.sort();
    Ok(addresses)
}

fn sorted(records: &[Record]) -> Vec<String> {
    let mut texts: Vec<String> = records.iter().map(text).collect();
    texts.sort();
    texts
}

/// A type, an owner name in example.com, values as in a manifest, and the data of the records that they make, in order.
pub(crate) struct Case {
    pub(crate) record_type: &'static str,
    number: RecordType,
    pub(crate) owner: &'static str,
    pub(crate) values: Vec<String>,
    data: Vec<String>,
}

fn case<const V: usize, const D: usize>(
    record_type: &'static str,
    number: RecordType,
    owner: &'static str,
    values: [&str; V],
    data: [&str; D],
) -> Case {
    let texts = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
    Case { record_type, number, owner, values: texts(&values), data: texts(&data) }
}

#[rustfmt::skip]
pub(crate) fn cases() -> Vec<Case> {
    let key = format!("v=DKIM1; p={}", "A".repeat(389));
    vec![
        case("A", RecordType::A, "a", ["192.0.2.10", "192.0.2.11"], ["192.0.2.10", "192.0.2.11"]),
        case("AAAA", RecordType::AAAA, "a", ["2001:DB8:0:0::A"], ["2001:db8::a"]),
        case("CNAME", RecordType::CNAME, "cname", ["A.Example.com"], ["a.example.com."]),
        case("DNAME", RecordType::DNAME, "dname", ["shop.example.com"],
            [&format!("04{}07{}03{}00", hexadecimal(b"shop"), hexadecimal(b"example"), hexadecimal(b"com"))]),
        case("MX", RecordType::MX, "mx", ["10 mx1.example.com", "20 mx2.example.com"],
            ["10 mx1.example.com.", "20 mx2.example.com."]),
        case("NS", RecordType::NS, "delegated", ["ns1.example.net", "ns2.example.net"],
            ["ns1.example.net.", "ns2.example.net."]),
        case("DS", RecordType::DS, "delegated", [&format!("60485 13 2 {SHA256}")], [&format!("ec450d02{SHA256}")]),
        case("PTR", RecordType::PTR, "ptr", ["a.example.com"], ["a.example.com."]),
        case("SRV", RecordType::SRV, "_sip._tcp", ["10 60 5060 sip.example.com"], ["10 60 5060 sip.example.com."]),
        case("TXT", RecordType::TXT, "txt", ["v=spf1 -all", r#"say "hi"; \o/ "#, r#""quoted" Grüße"#],
            [r#"["quoted" Grüße]"#, r#"[say "hi"; \o/ ]"#, "[v=spf1 -all]"]),
        case("TXT", RecordType::TXT, "selector._domainkey", [&key], [&format!("[{}][{}]", &key[..255], &key[255..])]),
        case("CAA", RecordType::CAA, "caa", [r#"0 issue "ca.example.net; policy=ev""#, r#"128 issuewild ";""#],
            [r#"0 issue "ca.example.net; policy=ev""#, r#"128 issuewild ";""#]),
        case("NAPTR", RecordType::NAPTR, "naptr", [r#"100 10 "U" "E2U+sip" "!^.*$!sip:info@example.com!" ."#],
            [r#"100 10 "U" "E2U+sip" "!^.*$!sip:info@example.com!" ."#]),
        case("TLSA", RecordType::TLSA, "_443._tcp.a", [&format!("3 1 1 {SHA256}")], [&format!("3 1 1 {SHA256}")]),
        case("SSHFP", RecordType::SSHFP, "sshfp", [&format!("4 2 {SHA256}")], [&format!("4 2 {SHA256}")]),
        case("HTTPS", RecordType::HTTPS, "https", [r#"1 . port=8443 alpn="h2,h3" ipv4hint=192.0.2.10 ipv6hint=2001:db8::1"#],
            ["1 . alpn=h2,h3, port=8443 ipv4hint=192.0.2.10, ipv6hint=2001:db8::1,"]),
        case("SVCB", RecordType::SVCB, "_dns", ["1 dns.example.com alpn=dot mandatory=alpn"],
            ["1 dns.example.com. mandatory=alpn, alpn=dot,"]),
        case("URI", URI, "_http._tcp", [r#"10 1 "https://example.com/a;b?c=d""#],
            [&format!("000a0001{}", hexadecimal(b"https://example.com/a;b?c=d"))]),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn every_type_is_answered_with_the_values_and_the_ttl_of_its_manifest() {
    let (world, resolver) = answering(Duration::ZERO).await;
    let cases = cases();
    assert_eq!(cases.iter().map(|case| case.record_type).collect::<BTreeSet<_>>().len(), 17);
    for case in &cases {
        let name = format!("{}.example.com", case.owner);
        let none = resolver.ask(&name, case.number).await.unwrap_err();
        assert!(none.is_no_records_found(), "{name}: {none}");
    }
    let mut records: Vec<Value> = cases
        .iter()
        .enumerate()
        .map(|(index, case)| {
            let values: Vec<&str> = case.values.iter().map(String::as_str).collect();
            let fqdn = format!("{}.example.com", case.owner);
            dns_record(&format!("case-{index}"), &fqdn, case.record_type, &values, 1_000 + index)
        })
        .collect();
    records.extend([
        dns_record("wildcard", "*.wild.example.com", "A", &["192.0.2.20"], 61),
        dns_record("alias", "alias.example.com", "CNAME", &["alias.shop.example.com"], 62),
        dns_record("alias-shop", "alias.shop.example.com", "CNAME", &["some.wild.example.com"], 63),
        dns_record("below", "below.shop.example.com", "A", &["192.0.2.21"], 64),
    ]);
    let count = records.len();
    world.apply(&list(&records)).await;
    world.until_ready(NAMESPACE, count).await;

    for (index, case) in cases.iter().enumerate() {
        let name = format!("{}.example.com", case.owner);
        let found = resolver.ask(&name, case.number).await.unwrap();
        // The servers of a delegated zone stand where a referral has them.
        let records = if case.record_type == "NS" { found.authorities() } else { found.answers() };
        let expected: Vec<String> =
            case.data.iter().map(|data| format!("{name}. {} {data}", 1_000 + index)).collect();
        assert_eq!(sorted(records), expected, "{}", case.record_type);
    }
    let answer = resolver.ask("any.thing.wild.example.com", RecordType::A).await.unwrap();
    assert_eq!(sorted(answer.answers()), ["any.thing.wild.example.com. 61 192.0.2.20"]);
    let answer = resolver.ask("alias.example.com", RecordType::A).await.unwrap();
    assert_eq!(
        answer.answers().iter().map(text).collect::<Vec<_>>(),
        [
            "alias.example.com. 62 alias.shop.example.com.",
            "alias.shop.example.com. 63 some.wild.example.com.",
            "some.wild.example.com. 61 192.0.2.20"
        ]
    );
    assert_eq!(addresses(&resolver, "below.dname.example.com").await.unwrap(), ["192.0.2.21"]);

    world.kubectl(&["delete", "dnsrecords", "--all", "-n", NAMESPACE, "--timeout=80s"]).await;
    for case in &cases {
        let name = format!("{}.example.com", case.owner);
        let none = resolver.ask(&name, case.number).await.unwrap_err();
        assert!(none.is_nx_domain(), "{name}: {none}");
    }
}

/// Whether a change of the name waits to be published.
fn is_pending(world: &World, name: &str) -> bool {
    world.simulator.rows_at(name).iter().any(|row| row.pending_create || row.pending_delete)
}

/// Waits for a change, and asks until it is published: before that the old answer must come, after it the new one;
/// addresses, or nothing for a name that is not there.
async fn follow(world: &World, resolver: &Resolver, name: &str, old: &[&str], new: &[&str]) {
    world.until("the change is written", async || is_pending(world, name)).await;
    let mut old_answers = 0;
    let published = async || {
        let published = !is_pending(world, name);
        let found = addresses(resolver, name).await;
        assert!(found.as_ref().err().is_none_or(NetError::is_nx_domain), "{found:?}");
        let found = found.unwrap_or_default();
        if published {
            assert_eq!(found, new);
        } else if is_pending(world, name) {
            assert_eq!(found, old);
            old_answers += 1;
        }
        published
    };
    world.until("the change is published", published).await;
    assert!(old_answers > 0, "nothing was asked while the change was pending");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_answer_changes_when_the_change_is_published() {
    let (world, resolver) = answering(Duration::from_secs(4)).await;
    let name = "late.example.com";
    world.apply(&list(&[dns_record("late", name, "A", &["192.0.2.1"], 60)])).await;
    follow(&world, &resolver, name, &[], &["192.0.2.1"]).await;
    world.until_ready(NAMESPACE, 1).await;

    world.apply(&list(&[dns_record("late", name, "A", &["192.0.2.2"], 60)])).await;
    follow(&world, &resolver, name, &["192.0.2.1"], &["192.0.2.2"]).await;
    world.until_ready(NAMESPACE, 1).await;

    world.kubectl(&["delete", "dnsrecord", "-n", NAMESPACE, "late", "--wait=false"]).await;
    follow(&world, &resolver, name, &["192.0.2.2"], &[]).await;
    world.until("it is gone", async || world.record(NAMESPACE, "late").await.is_none()).await;
}

/// How many records are edited in each round, half of them A and half of them CNAME.
const RECORDS: u8 = 100;
/// How often each record is edited.
const ROUNDS: u8 = 10;
/// How many patches are sent to the API server at a time.
const PATCHES_AT_A_TIME: usize = 20;

/// A record that is edited. Its value tells its number and the round.
#[derive(Clone, Copy)]
struct Edited(u8);

impl Edited {
    fn name(self) -> String {
        format!("edited-{}", self.0)
    }

    fn fqdn(self) -> String {
        format!("edited-{}.example.com", self.0)
    }

    fn address(self, round: u8) -> String {
        format!("10.{round}.0.{}", self.0)
    }

    fn record_type(self) -> &'static str {
        if self.0.is_multiple_of(2) { "A" } else { "CNAME" }
    }

    fn value(self, round: u8) -> String {
        if self.record_type() == "A" {
            self.address(round)
        } else {
            format!("round-{round}.target-{}.example.com", self.0)
        }
    }
}

/// What a prober has seen.
#[derive(Default)]
struct Seen {
    /// The addresses of each name.
    addresses: BTreeMap<String, BTreeSet<String>>,
    /// Names that had no address, with the code that came instead.
    nothing: BTreeSet<(String, String)>,
    /// Questions without an answer in time. They say nothing about what DNS holds.
    unanswered: usize,
}

/// A task that asks for the address of each name in turn, as fast as it can.
struct Prober {
    shared: Arc<(AtomicBool, AtomicUsize)>,
    task: tokio::task::JoinHandle<Seen>,
}

impl Prober {
    fn start(resolver: Resolver, names: Vec<String>) -> Self {
        let shared = Arc::new((AtomicBool::new(false), AtomicUsize::new(0)));
        let task = tokio::spawn(probe(resolver, names, Arc::clone(&shared)));
        Self { shared, task }
    }

    /// How many questions were answered so far.
    fn answers(&self) -> usize {
        self.shared.1.load(Ordering::SeqCst)
    }

    async fn stop(self) -> Seen {
        self.shared.0.store(true, Ordering::SeqCst);
        self.task.await.unwrap()
    }
}

async fn probe(resolver: Resolver, names: Vec<String>, shared: Arc<(AtomicBool, AtomicUsize)>) -> Seen {
    let (stop, answers) = &*shared;
    let mut seen = Seen::default();
    for name in names.iter().cycle() {
        if stop.load(Ordering::SeqCst) {
            break;
        }
        let nothing = match addresses(&resolver, name).await {
            Ok(addresses) if addresses.is_empty() => Some(ResponseCode::NoError),
            Ok(addresses) => {
                seen.addresses.entry(name.clone()).or_default().extend(addresses);
                None
            }
            Err(NetError::Dns(DnsError::NoRecordsFound(nothing))) => Some(nothing.response_code),
            Err(NetError::Dns(DnsError::ResponseCode(code))) => Some(code),
            Err(_) => {
                seen.unanswered += 1;
                continue;
            }
        };
        answers.fetch_add(1, Ordering::SeqCst);
        seen.nothing.extend(nothing.map(|code| (name.clone(), format!("{code:?}"))));
    }
    seen
}

#[tokio::test(flavor = "multi_thread")]
async fn no_moment_is_without_an_answer_while_values_are_edited() {
    let (world, resolver) = answering(Duration::ZERO).await;
    let edited: Vec<Edited> = (0..RECORDS).map(Edited).collect();
    // What the aliases lead to is not the operator's.
    for record in edited.iter().filter(|record| record.record_type() == "CNAME") {
        for round in 0..=ROUNDS {
            let target = NewRow::new(record.value(round), "A", [&record.address(round)]);
            world.simulator.add_row(target).unwrap();
        }
    }
    let records = edited.iter().map(|record| {
        dns_record(&record.name(), &record.fqdn(), record.record_type(), &[&record.value(0)], 60)
    });
    world.apply(&list(&records.collect::<Vec<_>>())).await;
    world.until_ready(NAMESPACE, usize::from(RECORDS)).await;
    world.simulator.reset_calls();

    let address = world.simulator.dns_address().unwrap();
    let names: Vec<String> = edited.iter().map(|record| record.fqdn()).collect();
    let prober = Prober::start(Resolver::of(address).unwrap(), names.clone());
    for round in 1..=ROUNDS {
        let api = world.records(NAMESPACE);
        stream::iter(&edited)
            .map(|record| {
                let patch = Patch::Merge(json!({"spec": {"values": [record.value(round)]}}));
                let api = api.clone();
                async move { api.patch(&record.name(), &PatchParams::default(), &patch).await }
            })
            .buffer_unordered(PATCHES_AT_A_TIME)
            .try_collect::<Vec<_>>()
            .await
            .unwrap();
        world.until_ready(NAMESPACE, edited.len()).await;
    }
    let answers = prober.answers();
    let seen = prober.stop().await;

    let calls = world.simulator.calls();
    let written = u64::from(RECORDS) * u64::from(ROUNDS);
    assert!(calls.operation("edit") >= written, "{calls:?}");
    assert_eq!((calls.operation("add"), calls.operation("delete")), (0, 0));
    assert_eq!(seen.nothing, BTreeSet::new(), "of {answers} answers");
    assert!(answers > edited.len() * 2, "{answers} answers, {} too late", seen.unanswered);
    // It was the records being edited that were asked for: each name led to several of its own addresses.
    for record in &edited {
        let own: BTreeSet<String> = (0..=ROUNDS).map(|round| record.address(round)).collect();
        let found = &seen.addresses[&record.fqdn()];
        assert!(found.len() > 1 && found.is_subset(&own), "{}: {found:?}", record.fqdn());
    }

    // The prober would have seen it: a record that really goes.
    let prober = Prober::start(Resolver::of(address).unwrap(), names);
    let gone = edited[3];
    world.kubectl(&["delete", "dnsrecord", "-n", NAMESPACE, &gone.name(), "--timeout=60s"]).await;
    assert!(addresses(&resolver, &gone.fqdn()).await.unwrap_err().is_nx_domain());
    let whole_turn = prober.answers() + edited.len() + 1;
    world.until("each name was asked for", async || prober.answers() > whole_turn).await;
    let seen = prober.stop().await;
    assert_eq!(seen.nothing, BTreeSet::from([(gone.fqdn(), "NXDomain".to_owned())]));
    assert_eq!(world.simulator.calls().operation("delete"), 1);
}
