//! Quirks: each answer of each one, seen on the wire.

use std::collections::BTreeSet;

use reqwest::Method;
use serde_json::json;
use solidserver_simulator::{
    Config, Fault, FaultKind, NewRow, RateLimit, Seed, SeedServer, SeedZone, quirks,
};

use crate::support::{Reply, SMART, World};

/// What is seen on the wire with each answer of each quirk.
const EXPECTED: &[(&str, &str, &str)] = &[
    ("auth-failure-body", "json", "401 object"),
    ("auth-failure-body", "empty", "401 nothing"),
    ("auth-failure-body", "html", "401 <html>"),
    ("forbidden-code", "403", "403 object"),
    ("forbidden-code", "400", "400 object"),
    ("forbidden-code", "200", "200 object"),
    ("cname-conflict", "reject", "400 "),
    ("cname-conflict", "accept", "201 1@CNAME and other data at the same name@40@dns"),
    ("duplicate-add", "reject", "400 DNS rr already exists: 60"),
    ("duplicate-add", "edit", "201 same row: 90"),
    ("duplicate-add", "accept-second", "201 another row: 60 90"),
    ("duplicate-edit", "reject", "400: 192.0.2.1 192.0.2.2"),
    ("duplicate-edit", "accept", "201: 192.0.2.1 192.0.2.1"),
    ("txt-storage", "as-sent", "a \"b\" 300"),
    ("txt-storage", "quoted", "\"a \\\"b\\\"\" 302"),
    ("txt-storage", "unquoted", "a \"b\" 300 joined"),
    ("txt-storage", "split-255", "a \"b\" 305"),
    ("txt-storage", "cut-255", "a \"b\" 255"),
    ("txt-storage", "reject-255", "a \"b\" 400"),
    ("caa-layout", "fields", "0|issue|ca.example, whole 400"),
    ("caa-layout", "packed", "apart 400, 0 issue ca.example"),
    ("caa-layout", "shown-packed", "0 issue ca.example, 0 issue ca.example"),
    ("tlsa-layout", "fields", "3|1|1|ab12, whole 400"),
    ("tlsa-layout", "packed", "apart 400, 3 1 1 ab12"),
    ("tlsa-layout", "shown-packed", "3 1 1 ab12, 3 1 1 ab12"),
    ("sshfp-layout", "fields", "4|2|ab12, whole 400"),
    ("sshfp-layout", "packed", "apart 400, 4 2 ab12"),
    ("sshfp-layout", "shown-packed", "4 2 ab12, 4 2 ab12"),
    ("uri-layout", "fields", "10|1|https://a.example/, whole 400"),
    ("uri-layout", "packed", "apart 400, 10 1 https://a.example/"),
    ("uri-layout", "shown-packed", "10 1 https://a.example/, 10 1 https://a.example/"),
    ("svcb-layout", "fields", "1|svc.example|alpn=h2 port=8443, whole 400"),
    ("svcb-layout", "packed", "apart 400, 1 svc.example alpn=h2 port=8443"),
    ("svcb-layout", "shown-packed", "1 svc.example alpn=h2 port=8443, 1 svc.example alpn=h2 port=8443"),
    ("rr-all-value", "comma", "10, mx1.example.com"),
    ("rr-all-value", "space", "10 mx1.example.com"),
    ("list-limit", "none", "1102 1050"),
    ("list-limit", "100", "100 1050"),
    ("list-limit", "1000", "1000 1050"),
    ("page-cap", "none", "1102 1050"),
    ("page-cap", "10", "10 10"),
    ("page-cap", "100", "100 100"),
    ("page-cap", "500", "500 500"),
    ("v2-empty-list", "200", "200 []"),
    ("v2-empty-list", "204", "204 "),
    ("offset-past-end", "empty", "204"),
    ("offset-past-end", "error", "400"),
    ("delete-by-name-on-smart", "deletes", "200 ret_oid, left 0"),
    ("delete-by-name-on-smart", "connected-false", "200 {\"connected\":false}, left 1"),
    ("case-storage", "lower", "web.example.com target.example"),
    ("case-storage", "as-sent", "Web.Example.com Target.example"),
    ("target-dot", "stripped", "target.example"),
    ("target-dot", "kept", "target.example."),
    ("aaaa-storage", "expanded", "2001:0db8:0000:0000:0000:0000:0000:0001"),
    ("aaaa-storage", "compressed", "2001:db8::1"),
    ("where-unknown-column", "error", "400"),
    ("where-unknown-column", "ignored", "1 row"),
    ("where-name-case", "insensitive", "1 row"),
    ("where-name-case", "sensitive", "204"),
    ("empty-class-parameters", "merge", "a=1"),
    ("empty-class-parameters", "wipe", ""),
    ("empty-class-parameter-value", "stored", "a=&b=2"),
    ("empty-class-parameter-value", "deleted", "b=2"),
    ("no-parent-param", "honoured", "own=1"),
    ("no-parent-param", "ignored", "own=1&parent=2"),
    ("inherited-source", "named", "own=real_rr,ID"),
    ("inherited-source", "absent", ""),
    ("class-parameter-properties", "shown", "own=set,propagate"),
    ("class-parameter-properties", "absent", ""),
    ("select-columns", "lenient", "1 row, 1 row"),
    ("select-columns", "strict", "400, 1 row"),
    ("ids", "numeric", "later ids are higher, above 99 by value"),
    ("ids", "text", "later ids are higher, above 99 as text"),
    ("ids", "random", "later ids are not always higher, above 99 by value"),
    ("id-stable-on-edit", "yes", "same id"),
    ("id-stable-on-edit", "no", "new id, old one unknown"),
    ("soa-listed", "yes", "NS SOA"),
    ("soa-listed", "no", "NS"),
    ("soa-listed", "no-apex", ""),
    ("ttl-floor", "0", "0 4 59"),
    ("ttl-floor", "5", "5 5 59"),
    ("ttl-floor", "60", "60 60 60"),
    ("delayed", "none", "0"),
    ("delayed", "publish", "1"),
    ("write-status", "201", "201 201"),
    ("write-status", "200", "200 200"),
    ("delete-status", "200", "200 array"),
    ("delete-status", "204", "204 nothing"),
    ("error-shape", "object", "400 object"),
    ("error-shape", "array", "400 array"),
    ("orderby-rr-id", "honoured", "in order"),
    ("orderby-rr-id", "ignored", "out of order"),
    ("retry-after", "seconds", "429 seconds"),
    ("retry-after", "date", "429 date"),
    ("retry-after", "absent", "429 absent"),
    ("dnsview-none", "#", "# 1 row"),
    ("dnsview-none", "empty", " 204"),
    ("rr-name-in-edit", "kept", "web.example.com"),
    ("rr-name-in-edit", "renames", "moved.example.com"),
    ("check-value-default", "yes", "192.0.2.1 192.0.2.2"),
    ("check-value-default", "no", "192.0.2.2"),
    ("url-limit", "none", "204"),
    ("url-limit", "8190", "414"),
];

#[test]
fn every_answer_of_every_quirk_is_looked_at() {
    let known: BTreeSet<_> = quirks()
        .iter()
        .flat_map(|quirk| quirk.answers.iter().map(|(answer, _)| (quirk.name, *answer)))
        .collect();
    let looked_at: BTreeSet<_> = EXPECTED.iter().map(|(name, answer, _)| (*name, *answer)).collect();
    assert_eq!(looked_at, known);
    let seen: BTreeSet<_> = EXPECTED.iter().map(|(name, _, seen)| (name, seen)).collect();
    assert_eq!(seen.len(), EXPECTED.len(), "two answers of a quirk look the same");
}

#[tokio::test]
async fn every_answer_of_every_quirk_is_seen_on_the_wire() {
    for (name, answer, expected) in EXPECTED {
        let world = World::quirk(name, answer).await;
        assert_eq!(observe(&world, name).await, *expected, "{name}={answer}");
    }
}

#[tokio::test]
async fn a_quirk_can_be_turned_while_the_simulator_runs() {
    let world = World::start().await;
    world.simulator.set_quirk("error-shape", "array").unwrap();
    assert_eq!(observe(&world, "error-shape").await, "400 array");
    assert!(world.simulator.set_quirk("error-shape", "circle").is_err());
}

fn shape(reply: &Reply) -> String {
    let first = reply.text.chars().next();
    let shape = match first {
        None => "nothing",
        Some('{') => "object",
        Some('[') => "array",
        _ => reply.text.get(..6).unwrap_or_default(),
    };
    format!("{} {shape}", reply.status)
}

fn outcome(reply: &Reply) -> String {
    if reply.status == 200 { format!("{} row", reply.rows().len()) } else { reply.status.to_string() }
}

/// Adds a row at web.example.com.
async fn add(world: &World, record_type: &str, values: &[&str], more: &[(&str, &str)]) -> Reply {
    world.add("web.example.com", record_type, values, more).await
}

async fn value(world: &World) -> String {
    world.at("web.example.com").await.column("value1").join(" ")
}

async fn layout(world: &World, record_type: &str, values: &[&str]) -> String {
    let apart = add(world, record_type, values, &[]).await;
    let whole = world.add("whole.example.com", record_type, &[&values.join(" ")], &[]).await;
    let mut seen = Vec::new();
    for (name, label, reply) in [("web.example.com", "apart", apart), ("whole.example.com", "whole", whole)] {
        if reply.status != 201 {
            seen.push(format!("{label} {}", reply.status));
            continue;
        }
        let row = world.at(name).await.only();
        let values = (1..=7).map(|number| row[format!("value{number}")].as_str().unwrap().to_owned());
        seen.push(values.filter(|value| !value.is_empty()).collect::<Vec<_>>().join("|"));
    }
    seen.join(", ")
}

/// A summary of what a client sees of a quirk.
async fn observe(world: &World, quirk: &str) -> String {
    let first = "192.0.2.1";
    match quirk {
        "auth-failure-body" => {
            world.simulator.set_credentials("operator", "another");
            shape(&world.get("member_list", &[]).await)
        }
        "forbidden-code" => {
            world.simulator.inject(Fault::new("member_list", FaultKind::Forbidden));
            shape(&world.get("member_list", &[]).await)
        }
        "cname-conflict" => {
            add(world, "A", &[first], &[]).await.id();
            let reply = add(world, "CNAME", &["other.example"], &[]).await;
            let rows = world.list(&format!("dns_name='{SMART}' and rr_type='CNAME'")).await.rows();
            format!(
                "{} {}",
                reply.status,
                rows.first().map_or("", |row| row["multistatus"].as_str().unwrap())
            )
        }
        "duplicate-add" => {
            let id = add(world, "A", &[first], &[("rr_ttl", "60")]).await.id();
            let reply = add(world, "A", &[first], &[("rr_ttl", "90")]).await;
            let result = match reply.status {
                400 => reply.refusal(),
                _ if reply.id() == id => "same row".to_owned(),
                _ => "another row".to_owned(),
            };
            let ttls = world.at("web.example.com").await.column("ttl").join(" ");
            format!("{} {result}: {ttls}", reply.status)
        }
        "duplicate-edit" => {
            add(world, "A", &[first], &[]).await.id();
            let id = add(world, "A", &["192.0.2.2"], &[]).await.id();
            let reply = world.edit(&id, &[("value1", first)]).await;
            format!("{}: {}", reply.status, value(world).await)
        }
        "txt-storage" => {
            add(world, "TXT", &["a \"b\""], &[]).await.id();
            let seen = value(world).await;
            let long = world.add("long.example.com", "TXT", &["x".repeat(300).as_str()], &[]).await;
            let length = match long.status {
                201 => world.at("long.example.com").await.column("value1")[0].len().to_string(),
                refused => refused.to_string(),
            };
            let strings = world.add("strings.example.com", "TXT", &["\"a\" \"b\""], &[]).await;
            let joined =
                strings.status == 201 && world.at("strings.example.com").await.column("value1") == ["ab"];
            format!("{seen} {length}{}", if joined { " joined" } else { "" })
        }
        "caa-layout" => layout(world, "CAA", &["0", "issue", "ca.example"]).await,
        "tlsa-layout" => layout(world, "TLSA", &["3", "1", "1", "ab12"]).await,
        "sshfp-layout" => layout(world, "SSHFP", &["4", "2", "ab12"]).await,
        "uri-layout" => layout(world, "URI", &["10", "1", "https://a.example/"]).await,
        "svcb-layout" => layout(world, "HTTPS", &["1", "svc.example", "alpn=h2 port=8443"]).await,
        "rr-all-value" => {
            world.list(&format!("dns_name='{SMART}' and rr_type='MX'")).await.column("rr_all_value")[0]
                .clone()
        }
        "list-limit" | "page-cap" => {
            let zone = SeedZone::master("big.example").fill(1_100);
            world.simulator.add_server(&SeedServer::new("big.example").zone(zone)).unwrap();
            let condition = ("WHERE", "dns_name='big.example'");
            let all = world.get("dns_rr_list", &[condition]).await.rows().len();
            let some = world.get("dns_rr_list", &[condition, ("limit", "1050")]).await.rows().len();
            format!("{all} {some}")
        }
        "v2-empty-list" => {
            let reply = world.v2_get("dns/rr/list", &[("where", "rr_full_name='none.example'")]).await;
            let data = if reply.text.is_empty() { String::new() } else { reply.json()["data"].to_string() };
            format!("{} {data}", reply.status)
        }
        "offset-past-end" => {
            world.get("dns_rr_list", &[("offset", "1000"), ("limit", "5")]).await.status.to_string()
        }
        "delete-by-name-on-smart" => {
            add(world, "A", &[first], &[]).await.id();
            let reply =
                world.delete(&[("dns_name", SMART), ("rr_name", "web.example.com"), ("rr_type", "A")]).await;
            let text = if reply.text.contains("ret_oid") { "ret_oid" } else { &reply.text };
            format!("{} {text}, left {}", reply.status, world.simulator.rows_at("web.example.com").len())
        }
        "case-storage" => {
            world.add("Web.Example.com", "CNAME", &["Target.example"], &[]).await.id();
            let row = world.at("web.example.com").await.only();
            format!("{} {}", row["rr_full_name"].as_str().unwrap(), row["value1"].as_str().unwrap())
        }
        "target-dot" => {
            add(world, "CNAME", &["target.example."], &[]).await.id();
            value(world).await
        }
        "aaaa-storage" => {
            add(world, "AAAA", &["2001:DB8:0::1"], &[]).await.id();
            value(world).await
        }
        "where-unknown-column" => {
            outcome(&world.list("rr_full_name='www.example.com' and dns_type='vdns' and nonsense='x'").await)
        }
        "where-name-case" => outcome(&world.list("rr_full_name='WWW.example.com' and dns_type='vdns'").await),
        "empty-class-parameters" => {
            let id = add(world, "A", &[first], &[("rr_class_parameters", "a=1")]).await.id();
            world.edit(&id, &[("rr_class_parameters", "")]).await.id();
            world.at("web.example.com").await.column("rr_class_parameters").concat()
        }
        "empty-class-parameter-value" => {
            let id = add(world, "A", &[first], &[("rr_class_parameters", "a=1&b=2")]).await.id();
            world.edit(&id, &[("rr_class_parameters", "a=")]).await.id();
            world.at("web.example.com").await.column("rr_class_parameters").concat()
        }
        "no-parent-param" | "inherited-source" | "class-parameter-properties" => {
            let zone = SeedZone::master("p.example").class_parameter("parent", "2");
            world.simulator.add_zone(SMART, "", &zone).unwrap();
            let row = NewRow::new("a.p.example", "A", [first]).class_parameter("own", "1");
            let id = world.simulator.add_row(row).unwrap().id;
            let info =
                world.get("dns_rr_info", &[("rr_id", &id), ("NO_PARENT_CLASS_PARAM", "1")]).await.only();
            let column = match quirk {
                "no-parent-param" => "rr_class_parameters",
                "inherited-source" => "rr_class_parameters_inheritance_source",
                _ => "rr_class_parameters_properties",
            };
            info[column].as_str().unwrap().replace(&id, "ID")
        }
        "select-columns" => {
            let condition = "rr_full_name='www.example.com' and dns_type='vdns'";
            let mut seen = Vec::new();
            for select in ["rr_id,value1", "rr_id,rr_full_name,dns_type"] {
                let parameters = [("WHERE", condition), ("SELECT", select)];
                seen.push(outcome(&world.get("dns_rr_list", &parameters).await));
            }
            seen.join(", ")
        }
        "ids" => {
            let mut ids = Vec::new();
            for number in 0..10 {
                let id = world.add(&format!("web-{number}.example.com"), "A", &[first], &[]).await.id();
                ids.push(id.parse::<u64>().unwrap());
            }
            assert!(ids.iter().all(|id| *id > 99));
            let rising =
                if ids.is_sorted() { "later ids are higher" } else { "later ids are not always higher" };
            let above =
                world.list(&format!("dns_name='{SMART}' and rr_glue like 'web-_' and rr_id > 99")).await;
            let how = if above.rows().len() == 10 { "by value" } else { "as text" };
            format!("{rising}, above 99 {how}")
        }
        "id-stable-on-edit" => {
            let id = add(world, "A", &[first], &[]).await.id();
            let edited = world.edit(&id, &[("rr_ttl", "5")]).await.id();
            assert_eq!(world.at("web.example.com").await.column("rr_id"), std::slice::from_ref(&edited));
            let old = world.get("dns_rr_info", &[("rr_id", &id)]).await.status;
            match (edited == id, old) {
                (true, 200) => "same id".to_owned(),
                (false, 204) => "new id, old one unknown".to_owned(),
                other => format!("{other:?}"),
            }
        }
        "soa-listed" => {
            let reply = world.list(&format!("dns_name='{SMART}' and dnszone_name='shop.example.com'")).await;
            let count = world
                .get(
                    "dns_rr_count",
                    &[("WHERE", &format!("dns_name='{SMART}' and dnszone_name='shop.example.com'"))],
                )
                .await;
            assert_eq!(count.only()["total"], json!(reply.rows().len().to_string()));
            let mut types = if reply.status == 204 { Vec::new() } else { reply.column("rr_type") };
            types.sort();
            types.join(" ")
        }
        "ttl-floor" => {
            for ttl in ["0", "4", "59"] {
                world
                    .add("web.example.com", "A", &[&format!("192.0.2.{ttl}")], &[("rr_ttl", ttl)])
                    .await
                    .id();
            }
            world.at("web.example.com").await.column("ttl").join(" ")
        }
        "delayed" => {
            add(world, "A", &[first], &[]).await.id();
            world.at("web.example.com").await.column("delayed_create_time").concat()
        }
        "write-status" => {
            let added = add(world, "A", &[first], &[]).await;
            format!("{} {}", added.status, world.edit(&added.id(), &[("rr_ttl", "5")]).await.status)
        }
        "delete-status" => {
            let id = add(world, "A", &[first], &[]).await.id();
            shape(&world.delete(&[("rr_id", &id)]).await)
        }
        "error-shape" => shape(&world.delete(&[("rr_id", "1")]).await),
        "orderby-rr-id" => {
            let ids = world.list("dns_type='vdns'").await.column("rr_id");
            let numbers: Vec<u64> = ids.iter().map(|id| id.parse().unwrap()).collect();
            if numbers.is_sorted() { "in order" } else { "out of order" }.to_owned()
        }
        "retry-after" => {
            world
                .simulator
                .set_rate_limit(Some(RateLimit { calls: 0, window: std::time::Duration::from_secs(30) }));
            let reply = world.get("member_list", &[]).await;
            let header = reply.headers.get("retry-after").map(|value| value.to_str().unwrap().to_owned());
            let kind = match header {
                None => "absent",
                Some(text) if text.parse::<u64>().is_ok_and(|seconds| (29..=30).contains(&seconds)) => {
                    "seconds"
                }
                Some(text) => {
                    let until = httpdate::parse_http_date(&text)
                        .unwrap()
                        .duration_since(std::time::SystemTime::now())
                        .unwrap();
                    assert!((28..=32).contains(&until.as_secs()), "{until:?}");
                    "date"
                }
            };
            format!("{} {kind}", reply.status)
        }
        "dnsview-none" => {
            let name = world.at("www.example.com").await.only()["dnsview_name"].as_str().unwrap().to_owned();
            let found = world
                .list(&format!("dns_name='{SMART}' and dnsview_name='#' and rr_full_name='www.example.com'"))
                .await;
            format!("{name} {}", outcome(&found))
        }
        "rr-name-in-edit" => {
            let id = add(world, "A", &[first], &[]).await.id();
            world.edit(&id, &[("rr_name", "moved.example.com"), ("rr_ttl", "5")]).await.id();
            world.get("dns_rr_info", &[("rr_id", &id)]).await.column("rr_full_name").concat()
        }
        "check-value-default" => {
            for value in [first, "192.0.2.2"] {
                add(world, "A", &[value], &[("add_flag", "new_edit")]).await.id();
            }
            value(world).await
        }
        "url-limit" => {
            let condition = format!("value1='{}'", "x".repeat(9_000));
            world.call(Method::GET, "dns_rr_list", &[("WHERE", &condition)]).await.status.to_string()
        }
        other => panic!("nobody looks at quirk {other}"),
    }
}

#[tokio::test]
async fn a_page_cap_and_a_publish_delay_can_be_set_apart_from_quirks() {
    let server = SeedServer::new("big.example").zone(SeedZone::master("big.example").fill(50));
    let config = Config { page_cap: Some(7), seed: Seed { servers: vec![server] }, ..Config::default() };
    let world = World::with(config).await;
    assert_eq!(world.get("dns_rr_list", &[("limit", "40")]).await.rows().len(), 7);
    world.simulator.set_page_cap(None);
    assert_eq!(world.get("dns_rr_list", &[("limit", "40")]).await.rows().len(), 40);
}
