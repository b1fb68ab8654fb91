//! DNS answers, over UDP and TCP.

use std::net::SocketAddr;
use std::time::Duration;

use hickory_proto::op::{Edns, Message, MessageType, OpCode, Query, ResponseCode};
use hickory_proto::rr::{DNSClass, Name, RData, Record, RecordType};
use hickory_resolver::TokioResolver;
use hickory_resolver::config::{ConnectionConfig, NameServerConfig, ResolverConfig};
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use solidserver_simulator::{Config, Container, NewRow, RowPatch, SeedServer, SeedView, SeedZone, Simulator};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpStream, UdpSocket};

use crate::support::{SMART, STAND_ALONE, World};

/// How long an answer may take before a test fails.
const PATIENCE: Duration = Duration::from_secs(20);
const DNAME: RecordType = RecordType::DNAME;
const URI: RecordType = RecordType::Unknown(256);

async fn world(config: Config) -> (World, SocketAddr) {
    let world = World::with(Config { dns_listen: Some(([127, 0, 0, 1], 0).into()), ..config }).await;
    let address = world.simulator.dns_address().unwrap();
    (world, address)
}

fn question(name: &str, record_type: RecordType) -> Message {
    let mut message = Message::query();
    message.add_query(Query::query(Name::from_ascii(format!("{name}.")).unwrap(), record_type));
    message
}

async fn send_udp(address: SocketAddr, message: &Message) -> Message {
    let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    socket.send_to(&message.to_vec().unwrap(), address).await.unwrap();
    let mut buffer = vec![0; 65_535];
    let length = tokio::time::timeout(PATIENCE, socket.recv(&mut buffer)).await.unwrap().unwrap();
    let answer = Message::from_vec(&buffer[..length]).unwrap();
    assert_eq!(answer.metadata.id, message.metadata.id);
    assert_eq!(answer.metadata.message_type, MessageType::Response);
    answer
}

async fn send_tcp(address: SocketAddr, message: &Message) -> Message {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let question = message.to_vec().unwrap();
    stream.write_u16(question.len() as u16).await.unwrap();
    stream.write_all(&question).await.unwrap();
    let length = tokio::time::timeout(PATIENCE, stream.read_u16()).await.unwrap().unwrap();
    let mut buffer = vec![0; usize::from(length)];
    stream.read_exact(&mut buffer).await.unwrap();
    Message::from_vec(&buffer).unwrap()
}

async fn ask(address: SocketAddr, name: &str, record_type: RecordType) -> Message {
    send_udp(address, &question(name, record_type)).await
}

/// A record as text: octets in hexadecimal where the library has no words for the type.
fn text(record: &Record) -> String {
    let data = match &record.data {
        RData::Unknown { rdata, .. } => hexadecimal(&rdata.anything),
        RData::TXT(text) => text
            .txt_data
            .iter()
            .map(|part| format!("{:?}", String::from_utf8_lossy(part)))
            .collect::<Vec<_>>()
            .join(" "),
        data => data.to_string(),
    };
    format!("{} {} {} {data}", record.name, record.ttl, u16::from(record.record_type()))
}

fn hexadecimal(octets: &[u8]) -> String {
    octets.iter().map(|octet| format!("{octet:02x}")).collect()
}

fn texts(records: &[Record]) -> Vec<String> {
    records.iter().map(text).collect()
}

fn code(answer: &Message) -> ResponseCode {
    answer.metadata.response_code
}

/// Rows behind the client's back, each `name type value value`.
fn add<const N: usize>(world: &World, rows: [(&str, &str, &[&str]); N]) {
    for (name, record_type, values) in rows {
        let mut row = NewRow::new(name, record_type, []).ttl(300);
        row.values = values.iter().map(|value| (*value).to_owned()).collect();
        world.simulator.add_row(row).unwrap();
    }
}

fn negative(zone: &str) -> String {
    format!("{zone}. 3600 6 ns1.example.com. root.{zone}. ")
}

#[tokio::test]
async fn every_type_is_answered_over_udp_and_tcp() {
    let (world, address) = world(Config::default()).await;
    let long = "k".repeat(400);
    for (name, record_type, values, number, expected) in [
        ("a", "A", &["192.0.2.1"][..], RecordType::A, "192.0.2.1".to_owned()),
        ("aaaa", "AAAA", &["2001:db8::1"], RecordType::AAAA, "2001:db8::1".to_owned()),
        (
            "cname",
            "CNAME",
            &["elsewhere.example.net"],
            RecordType::CNAME,
            "elsewhere.example.net.".to_owned(),
        ),
        (
            "dname",
            "DNAME",
            &["example.net"],
            DNAME,
            format!("07{}03{}00", hexadecimal(b"example"), hexadecimal(b"net")),
        ),
        ("mx", "MX", &["10", "mx.example.net"], RecordType::MX, "10 mx.example.net.".to_owned()),
        ("ptr", "PTR", &["a.example.com"], RecordType::PTR, "a.example.com.".to_owned()),
        (
            "_sip._tcp",
            "SRV",
            &["1", "2", "5060", "sip.example.net"],
            RecordType::SRV,
            "1 2 5060 sip.example.net.".to_owned(),
        ),
        ("txt", "TXT", &["say \"hi\""], RecordType::TXT, r#""say \"hi\"""#.to_owned()),
        ("txt-long", "TXT", &[&long], RecordType::TXT, format!("\"{}\" \"{}\"", &long[..255], &long[255..])),
        (
            "caa",
            "CAA",
            &["0", "issue", "ca.example.net"],
            RecordType::CAA,
            r#"0 issue "ca.example.net""#.to_owned(),
        ),
        (
            "naptr",
            "NAPTR",
            &["100", "10", "S", "SIP+D2U", "", "_sip._udp.example.net"],
            RecordType::NAPTR,
            r#"100 10 "S" "SIP+D2U" "" _sip._udp.example.net."#.to_owned(),
        ),
        ("_443._tcp", "TLSA", &["3", "1", "1", "ab0c"], RecordType::TLSA, "3 1 1 ab0c".to_owned()),
        ("sshfp", "SSHFP", &["4", "2", "ab0c"], RecordType::SSHFP, "4 2 ab0c".to_owned()),
        ("ds", "DS", &["258", "13", "2", "ab0c"], RecordType::DS, "01020d02ab0c".to_owned()),
        (
            "https",
            "HTTPS",
            &["1", ".", "alpn=h2,h3 port=8443 ipv6hint=2001:db8::1"],
            RecordType::HTTPS,
            "1 . alpn=h2,h3, port=8443 ipv6hint=2001:db8::1,".to_owned(),
        ),
        (
            "_dns",
            "SVCB",
            &["1", "dns.example.net", "alpn=dot"],
            RecordType::SVCB,
            "1 dns.example.net. alpn=dot,".to_owned(),
        ),
        (
            "_http._tcp",
            "URI",
            &["10", "1", "https://a/"],
            URI,
            format!("000a0001{}", hexadecimal(b"https://a/")),
        ),
    ] {
        let name = format!("{name}.example.com");
        world.add(&name, record_type, values, &[("rr_ttl", "77")]).await.id();
        let expected = [format!("{name}. 77 {} {expected}", u16::from(number))];
        for answer in [ask(address, &name, number).await, send_tcp(address, &question(&name, number)).await] {
            assert_eq!(texts(&answer.answers), expected, "{record_type}");
            assert_eq!((code(&answer), answer.metadata.authoritative), (ResponseCode::NoError, true));
            assert!(!answer.metadata.recursion_available && !answer.metadata.truncation);
        }
    }
    let apex = ask(address, "EXAMPLE.com", RecordType::NS).await;
    assert_eq!(texts(&apex.answers), ["example.com. 3600 2 ns1.example.com."]);
    let serial = 2_026_010_100 + 17;
    let soa = ask(address, "example.com", RecordType::SOA).await;
    assert_eq!(
        texts(&soa.answers),
        [format!("example.com. 3600 6 ns1.example.com. root.example.com. {serial} 10800 3600 604800 3600")]
    );
    let any = ask(address, "example.com", RecordType::ANY).await;
    let mut types: Vec<u16> = any.answers.iter().map(|record| record.record_type().into()).collect();
    types.sort_unstable();
    assert_eq!(types, [2, 6, 15]);
}

#[tokio::test]
async fn values_in_one_column_are_answered_as_values_in_several() {
    for answer in ["packed", "shown-packed"] {
        let mut config = Config::default();
        for quirk in ["caa-layout", "tlsa-layout", "sshfp-layout", "uri-layout", "svcb-layout"] {
            config.quirks.set(quirk, answer).unwrap();
        }
        let (world, address) = world(config).await;
        for (record_type, whole, number, expected) in [
            ("CAA", "0 issue \"ca.example.net; a=b\"", RecordType::CAA, r#"0 issue "ca.example.net; a=b""#),
            ("TLSA", "3 1 1 ab0c", RecordType::TLSA, "3 1 1 ab0c"),
            ("SSHFP", "4 2 ab0c", RecordType::SSHFP, "4 2 ab0c"),
            ("URI", "10 1 \"https://a/\"", URI, "000a000168747470733a2f2f612f"),
            ("HTTPS", "1 . port=8443", RecordType::HTTPS, "1 . port=8443"),
        ] {
            world.add("one.example.com", record_type, &[whole], &[]).await.id();
            let records = ask(address, "one.example.com", number).await.answers;
            let expected = format!("one.example.com. 3600 {} {expected}", u16::from(number));
            assert_eq!(texts(&records), [expected], "{answer}");
        }
    }
}

#[tokio::test]
async fn what_is_not_there_is_told_from_what_has_no_such_type() {
    let (world, address) = world(Config::default()).await;
    add(
        &world,
        [
            ("a.b.c.example.com", "A", &["192.0.2.1"]),
            ("raw.example.com", "A", &["not an address"]),
            ("twice.example.com", "A", &["192.0.2.1"]),
            ("twice.example.com", "A", &["192.0.2.1"]),
            ("twice.example.com", "A", &["192.0.2.2"]),
        ],
    );
    let twice = world.simulator.rows_at("twice.example.com");
    world.simulator.patch_row(&twice[2].id, RowPatch::ttl(60)).unwrap();
    for (name, record_type, expected) in [
        ("nobody.example.com", RecordType::A, ResponseCode::NXDomain),
        ("www.example.com", RecordType::AAAA, ResponseCode::NoError),
        // Nothing stands at these two, but below them.
        ("b.c.example.com", RecordType::A, ResponseCode::NoError),
        ("c.example.com", RecordType::A, ResponseCode::NoError),
        ("x.a.b.c.example.com", RecordType::A, ResponseCode::NXDomain),
        ("raw.example.com", RecordType::A, ResponseCode::NoError),
        ("www.example.com", RecordType::HINFO, ResponseCode::NoError),
    ] {
        let answer = ask(address, name, record_type).await;
        assert_eq!(
            (code(&answer), answer.answers.len(), answer.metadata.authoritative),
            (expected, 0, true),
            "{name}"
        );
        let [soa] = &*answer.authorities else { panic!("{:?}", answer.authorities) };
        assert!(text(soa).starts_with(&negative("example.com")), "{soa}");
    }
    // One TTL for the whole RRset, and equal records once.
    let twice = ask(address, "twice.example.com", RecordType::A).await;
    assert_eq!(
        texts(&twice.answers),
        ["twice.example.com. 60 1 192.0.2.1", "twice.example.com. 60 1 192.0.2.2"]
    );

    // Names that are nobody's here, and zones whose content is elsewhere.
    for name in ["example", "www.example.edu", "www.partner.example.net", "www.corp.example.net"] {
        let answer = ask(address, name, RecordType::A).await;
        assert_eq!((code(&answer), answer.authorities.len()), (ResponseCode::Refused, 0), "{name}");
    }
    // A minimum below the SOA's own TTL is for how long a negative answer lasts.
    let soa =
        world.simulator.rows_at("example.com").into_iter().find(|row| row.record_type == "SOA").unwrap();
    let values = ["ns1.example.com", "root@example.com", "7", "1", "1", "1", "30"];
    world.simulator.patch_row(&soa.id, RowPatch::values(values)).unwrap();
    let answer = ask(address, "nobody.example.com", RecordType::A).await;
    assert_eq!(
        texts(&answer.authorities),
        ["example.com. 30 6 ns1.example.com. root.example.com. 8 1 1 1 30"]
    );
}

#[tokio::test]
async fn wildcards_stand_in_for_names_that_are_not_there() {
    let (world, address) = world(Config::default()).await;
    add(
        &world,
        [
            ("*.w.example.com", "A", &["192.0.2.1"]),
            ("*.w.example.com", "TXT", &["any"]),
            ("there.w.example.com", "TXT", &["one"]),
            ("deep.er.w.example.com", "TXT", &["two"]),
            ("*.c.example.com", "CNAME", &["www.example.com"]),
        ],
    );
    for name in ["x.w.example.com", "x.y.w.example.com", "*.w.example.com"] {
        let answer = ask(address, name, RecordType::A).await;
        assert_eq!(texts(&answer.answers), [format!("{name}. 300 1 192.0.2.1")]);
    }
    for (name, record_type, expected) in [
        ("x.w.example.com", RecordType::MX, ResponseCode::NoError),
        // A name that is there hides the wildcard, also from what is below it, and so does one with names below it only.
        ("there.w.example.com", RecordType::A, ResponseCode::NoError),
        ("x.there.w.example.com", RecordType::A, ResponseCode::NXDomain),
        ("er.w.example.com", RecordType::A, ResponseCode::NoError),
        ("x.er.w.example.com", RecordType::A, ResponseCode::NXDomain),
        ("w.example.com", RecordType::A, ResponseCode::NoError),
    ] {
        let answer = ask(address, name, record_type).await;
        assert_eq!(
            (code(&answer), answer.answers.len(), answer.authorities.len()),
            (expected, 0, 1),
            "{name}"
        );
    }
    let answer = ask(address, "x.c.example.com", RecordType::A).await;
    assert_eq!(
        texts(&answer.answers),
        ["x.c.example.com. 300 5 www.example.com.", "www.example.com. 3600 1 192.0.2.80"]
    );
}

#[tokio::test]
async fn cname_and_dname_are_followed_through_the_zones_here() {
    let (world, address) = world(Config::default()).await;
    add(
        &world,
        [
            ("one.example.com", "CNAME", &["two.shop.example.com"]),
            ("two.shop.example.com", "CNAME", &["www.example.com"]),
            ("out.example.com", "CNAME", &["www.example.edu"]),
            ("dangling.example.com", "CNAME", &["nobody.shop.example.com"]),
            ("ring.example.com", "CNAME", &["ring2.example.com"]),
            ("ring2.example.com", "CNAME", &["ring.example.com"]),
            ("old.example.com", "DNAME", &["shop.example.com"]),
            ("old.example.com", "TXT", &["at the owner"]),
            ("a.b.shop.example.com", "A", &["192.0.2.9"]),
        ],
    );
    let answer = ask(address, "one.example.com", RecordType::A).await;
    assert_eq!(
        texts(&answer.answers),
        [
            "one.example.com. 300 5 two.shop.example.com.",
            "two.shop.example.com. 300 5 www.example.com.",
            "www.example.com. 3600 1 192.0.2.80"
        ]
    );
    assert_eq!(ask(address, "one.example.com", RecordType::CNAME).await.answers.len(), 1);

    let answer = ask(address, "out.example.com", RecordType::A).await;
    assert_eq!((code(&answer), answer.answers.len()), (ResponseCode::NoError, 1));
    let answer = ask(address, "dangling.example.com", RecordType::A).await;
    assert_eq!((code(&answer), answer.answers.len()), (ResponseCode::NXDomain, 1));
    assert!(text(&answer.authorities[0]).starts_with(&negative("shop.example.com")));
    let answer = ask(address, "ring.example.com", RecordType::A).await;
    assert_eq!((code(&answer), answer.answers.len()), (ResponseCode::NoError, 2));

    let answer = ask(address, "a.b.old.example.com", RecordType::A).await;
    let target = "shop.example.com"
        .split('.')
        .map(|label| format!("{:02x}{}", label.len(), hexadecimal(label.as_bytes())));
    assert_eq!(
        texts(&answer.answers),
        [
            format!("old.example.com. 300 39 {}00", target.collect::<String>()),
            "a.b.old.example.com. 300 5 a.b.shop.example.com.".to_owned(),
            "a.b.shop.example.com. 300 1 192.0.2.9".to_owned()
        ]
    );
    let answer = ask(address, "old.example.com", RecordType::TXT).await;
    assert_eq!(texts(&answer.answers), ["old.example.com. 300 16 \"at the owner\""]);
    let label = "x".repeat(60);
    add(&world, [("long.example.com", "DNAME", &[&format!("{label}.{label}.{label}.example.com")])]);
    let answer = ask(address, &format!("{label}.long.example.com"), RecordType::A).await;
    assert_eq!((code(&answer), answer.answers.len()), (ResponseCode::YXDomain, 1));
}

#[tokio::test]
async fn delegations_are_referred_and_child_zones_answer_themselves() {
    let (world, address) = world(Config::default()).await;
    add(
        &world,
        [
            ("away.example.com", "NS", &["ns.away.example.com"]),
            ("away.example.com", "NS", &["ns.example.net"]),
            ("away.example.com", "DS", &["1", "13", "2", "ab"]),
            ("ns.away.example.com", "A", &["192.0.2.53"]),
        ],
    );
    for (name, record_type) in [
        ("www.away.example.com", RecordType::A),
        ("away.example.com", RecordType::NS),
        ("ns.away.example.com", RecordType::A),
    ] {
        let answer = ask(address, name, record_type).await;
        assert_eq!(
            (code(&answer), answer.answers.len(), answer.metadata.authoritative),
            (ResponseCode::NoError, 0, false)
        );
        assert_eq!(
            texts(&answer.authorities),
            ["away.example.com. 300 2 ns.away.example.com.", "away.example.com. 300 2 ns.example.net."]
        );
        assert_eq!(texts(&answer.additionals), ["ns.away.example.com. 300 1 192.0.2.53"]);
    }
    let answer = ask(address, "away.example.com", RecordType::DS).await;
    assert_eq!(
        (texts(&answer.answers).concat(), answer.metadata.authoritative),
        ("away.example.com. 300 43 00010d02ab".to_owned(), true)
    );

    // A zone that is here answers for itself; what the parent says below it does not matter any more.
    world.simulator.add_zone(SMART, "", &SeedZone::master("away.example.com")).unwrap();
    assert_eq!(code(&ask(address, "www.away.example.com", RecordType::A).await), ResponseCode::NXDomain);
    let answer = ask(address, "away.example.com", RecordType::NS).await;
    assert_eq!(texts(&answer.answers), ["away.example.com. 3600 2 ns1.example.com."]);
    // But the DS record is the parent's.
    assert_eq!(ask(address, "away.example.com", RecordType::DS).await.answers.len(), 1);
    world.simulator.remove_zone(SMART, "", "away.example.com").unwrap();
    assert!(!ask(address, "www.away.example.com", RecordType::A).await.metadata.authoritative);
}

#[tokio::test]
async fn the_first_view_and_the_first_server_answer() {
    let (world, address) = world(Config::default()).await;
    for (view, value) in [("external", "192.0.2.2"), ("internal", "192.0.2.1")] {
        world.simulator.add_row(NewRow::new("www.example.org", "A", [value]).view(view)).unwrap();
    }
    let later = SeedServer::new("later.example").zone(SeedZone::master("example.com").record(
        "www",
        "A",
        ["192.0.2.3"],
    ));
    world.simulator.add_server(&later).unwrap();
    let smart = SeedServer::new("smart.example").member("m1.example");
    let view = SeedView::new("only").zone(SeedZone::master("two.example").record("www", "A", ["192.0.2.4"]));
    world.simulator.add_server(&smart.view(view)).unwrap();
    for (name, value) in [
        ("www.example.org", "192.0.2.1"),
        ("www.example.com", "192.0.2.80"),
        ("www.two.example", "192.0.2.4"),
    ] {
        let answer = ask(address, name, RecordType::A).await;
        assert_eq!(texts(&answer.answers), [format!("{name}. 3600 1 {value}")]);
    }
    let zone =
        |view: &str| Container::Zone(STAND_ALONE.to_owned(), view.to_owned(), "example.org".to_owned());
    world.simulator.add_row(NewRow::new("more.example.org", "A", ["192.0.2.5"]).view("external")).unwrap();
    assert_eq!(code(&ask(address, "more.example.org", RecordType::A).await), ResponseCode::NXDomain);
    world.simulator.copy_rows(&zone("external"), &zone("internal")).unwrap();
    assert_eq!(ask(address, "more.example.org", RecordType::A).await.answers.len(), 1);
}

#[tokio::test]
async fn pending_changes_are_answered_once_they_are_pushed() {
    let delay = Duration::from_secs(2);
    let (world, address) = world(Config { publish_delay: delay, ..Config::default() }).await;
    let state = async |name: &str| {
        let answers = ask(address, name, RecordType::A).await.answers;
        let soa = ask(address, "example.com", RecordType::SOA).await.answers;
        let RData::SOA(soa) = &soa[0].data else { panic!("{soa:?}") };
        (answers.iter().map(|record| record.data.to_string()).collect::<Vec<_>>(), soa.serial - 2_026_010_100)
    };
    let begun = std::time::Instant::now();
    let id = world.add("new.example.com", "A", &["192.0.2.1"], &[]).await.id();
    let seen = state("new.example.com").await;
    assert!(begun.elapsed() < delay, "the machine is too slow for this test");
    assert_eq!(seen, (vec![], 0));
    tokio::time::sleep(delay).await;
    assert_eq!(state("new.example.com").await, (vec!["192.0.2.1".to_owned()], 1));

    let begun = std::time::Instant::now();
    world.edit(&id, &[("value1", "192.0.2.2")]).await.id();
    let seen = state("new.example.com").await;
    assert!(begun.elapsed() < delay, "the machine is too slow for this test");
    assert_eq!(seen, (vec!["192.0.2.1".to_owned()], 1));
    tokio::time::sleep(delay).await;
    assert_eq!(state("new.example.com").await, (vec!["192.0.2.2".to_owned()], 2));

    let begun = std::time::Instant::now();
    world.delete(&[("rr_id", &id)]).await.id();
    let seen = state("new.example.com").await;
    assert!(begun.elapsed() < delay, "the machine is too slow for this test");
    assert_eq!(seen, (vec!["192.0.2.2".to_owned()], 2));
    tokio::time::sleep(delay).await;
    assert_eq!(state("new.example.com").await, (vec![], 3));
}

#[tokio::test]
async fn a_real_resolver_gets_what_does_not_fit_into_a_datagram() {
    let (world, address) = world(Config::default()).await;
    for number in 0..200_u8 {
        let row = NewRow::new("many.example.com", "A", [&format!("192.0.2.{number}")]);
        world.simulator.add_row(row).unwrap();
    }
    add(&world, [("alias.example.com", "CNAME", &["many.example.com"])]);
    let mut with_edns = question("many.example.com", RecordType::A);
    let mut edns = Edns::new();
    edns.set_max_payload(4096);
    with_edns.set_edns(edns);
    for (message, longest) in [(question("many.example.com", RecordType::A), 512), (with_edns, 1232)] {
        let answer = send_udp(address, &message).await;
        assert!(answer.metadata.truncation && answer.to_vec().unwrap().len() <= longest);
        assert_eq!(answer.edns.is_some(), message.edns.is_some());
        let answer = send_tcp(address, &message).await;
        assert_eq!((answer.answers.len(), answer.metadata.truncation), (200, false));
    }

    let mut server =
        NameServerConfig::new(address.ip(), true, vec![ConnectionConfig::udp(), ConnectionConfig::tcp()]);
    for connection in &mut server.connections {
        connection.port = address.port();
    }
    let config = ResolverConfig::from_name_servers(vec![server]);
    let resolver: TokioResolver =
        TokioResolver::builder_with_config(config, TokioRuntimeProvider::default()).build().unwrap();
    let found = resolver.lookup_ip("alias.example.com.").await.unwrap();
    assert_eq!(found.iter().count(), 200);
    assert!(resolver.lookup_ip("nobody.example.com.").await.unwrap_err().is_nx_domain());
}

#[tokio::test]
async fn only_questions_are_answered() {
    let (_world, address) = world(Config::default()).await;
    let www = || question("www.example.com", RecordType::A);
    let mut update = www();
    update.metadata.op_code = OpCode::Update;
    let mut class = www();
    class.queries[0].query_class = DNSClass::CH;
    let mut two = www();
    two.add_query(Query::query(Name::from_ascii("example.com.").unwrap(), RecordType::SOA));
    let mut version = www();
    let mut edns = Edns::new();
    edns.set_version(1);
    version.set_edns(edns);
    for (message, expected) in [
        (www(), ResponseCode::NoError),
        (update, ResponseCode::NotImp),
        (class, ResponseCode::Refused),
        (two, ResponseCode::FormErr),
        (version, ResponseCode::BADVERS),
        (question("example.com", RecordType::AXFR), ResponseCode::Refused),
    ] {
        let answer = send_tcp(address, &message).await;
        // As numbers: BADVERS has another name for TSIG.
        assert_eq!(u16::from(code(&answer)), u16::from(expected));
        assert_eq!(answer.answers.is_empty(), expected != ResponseCode::NoError);
    }
}

#[tokio::test]
async fn the_port_is_free_after_the_end() {
    let (world, address) = world(Config::default()).await;
    let taken = Simulator::start(Config { dns_listen: Some(address), ..Config::default() }).await;
    assert!(taken.unwrap_err().to_string().contains(&address.to_string()));
    ask(address, "www.example.com", RecordType::A).await;
    world.simulator.shutdown().await;
    UdpSocket::bind(address).await.unwrap();
    let again = World::with(Config { dns_listen: Some(address), ..Config::default() }).await;
    assert_eq!(again.simulator.dns_address(), Some(address));
    assert_eq!(World::start().await.simulator.dns_address(), None);
}

#[tokio::test]
async fn a_zone_that_comes_and_goes_by_the_services_is_answered_while_it_is_pushed() {
    let (world, address) = world(Config::default()).await;
    let code = async || ask(address, "new.example", RecordType::SOA).await.metadata.response_code;
    assert_eq!(code().await, ResponseCode::Refused);
    world.simulator.set_publish_delay(Duration::from_millis(300));
    let zone = [("dns_name", SMART), ("dnszone_name", "new.example"), ("dnszone_type", "master")];
    let id = world.call(reqwest::Method::POST, "dns_zone_add", &zone).await.id();
    let becomes = async |expected: ResponseCode| {
        let deadline = tokio::time::Instant::now() + PATIENCE;
        while code().await != expected {
            assert!(tokio::time::Instant::now() < deadline, "never {expected}");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    becomes(ResponseCode::NoError).await;
    world.simulator.set_publish_delay(Duration::ZERO);
    world.add("www.new.example", "A", &["192.0.2.1"], &[]).await.id();
    let answer = ask(address, "www.new.example", RecordType::A).await;
    assert_eq!((answer.metadata.response_code, answer.answers.len()), (ResponseCode::NoError, 1));
    world.call(reqwest::Method::DELETE, "dns_zone_delete", &[("dnszone_id", &id)]).await.id();
    becomes(ResponseCode::Refused).await;
    assert_eq!(
        ask(address, "www.new.example", RecordType::A).await.metadata.response_code,
        ResponseCode::Refused
    );
}

#[tokio::test]
async fn the_first_view_answers_whatever_its_order_is() {
    let (world, address) = world(Config::default()).await;
    for (view, value) in [("internal", "192.0.2.1"), ("external", "192.0.2.2")] {
        world.simulator.add_row(NewRow::new("www.example.org", "A", [value]).view(view)).unwrap();
    }
    let answer = async || ask(address, "www.example.org", RecordType::A).await.answers[0].data.to_string();
    assert_eq!(answer().await, "192.0.2.1");
    let delete = [("dns_name", STAND_ALONE), ("dnsview_name", "internal")];
    world.call(reqwest::Method::DELETE, "dns_view_delete", &delete).await.id();
    assert_eq!(answer().await, "192.0.2.2");
}
