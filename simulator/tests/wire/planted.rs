//! Planted faults: each answer of each one, seen on the wire in both dialects.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use solidserver_simulator::{planted_faults, quirks};

use crate::support::{Reply, SMART, World};

/// What is seen on the wire, in `/rest` and in v2.
const EXPECTED: &[(&str, &str, &str, &str)] = &[
    ("empty-status", "right", "204 ", "200 {\"data\":[],\"messages\":[],\"success\":true}"),
    ("empty-status", "200", "200 []", "200 {\"data\":[],\"messages\":[],\"success\":true}"),
    ("empty-status", "404", "404 []", "404 {\"data\":[],\"messages\":[],\"success\":true}"),
    ("column-type", "string", "id text, ttl text, written text", "id text, ttl text, written text"),
    (
        "column-type",
        "number",
        "id number, ttl number, written number",
        "id number, ttl number, written number",
    ),
    ("count-type", "right", "text", "number"),
    ("count-type", "swapped", "number", "text"),
    ("v2-error-shape", "envelope", "object errno", "object messages"),
    ("v2-error-shape", "array", "object errno", "array code"),
    ("v2-error-shape", "rest", "object errno", "object errno"),
    ("v2-extras", "object", "", "object"),
    ("v2-extras", "array", "", "array"),
    ("v2-write-status", "200", "201", "200"),
    ("v2-write-status", "201", "201", "201"),
];

#[test]
fn every_answer_is_looked_at_and_none_is_among_the_quirks() {
    let known: BTreeSet<_> = planted_faults()
        .iter()
        .flat_map(|fault| fault.answers.iter().map(|(answer, _)| (fault.name, *answer)))
        .collect();
    let looked_at: BTreeSet<_> = EXPECTED.iter().map(|(name, answer, ..)| (*name, *answer)).collect();
    assert_eq!(looked_at, known);
    assert!(quirks().iter().all(|quirk| planted_faults().iter().all(|fault| fault.name != quirk.name)));
}

#[tokio::test]
async fn every_planted_fault_is_seen_on_the_wire() {
    for (name, answer, in_rest, in_v2) in EXPECTED {
        let world = World::quirk(name, answer).await;
        let seen = observe(&world, name).await;
        assert_eq!(seen, ((*in_rest).to_owned(), (*in_v2).to_owned()), "{name}={answer}");
    }
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Number(_) => "number",
        Value::String(_) => "text",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
        Value::Null | Value::Bool(_) => "other",
    }
}

fn content(reply: &Reply) -> String {
    let text = if reply.text.is_empty() { String::new() } else { reply.json().to_string() };
    format!("{} {text}", reply.status)
}

async fn observe(world: &World, fault: &str) -> (String, String) {
    let new =
        |name: &str| json!({"server_name": SMART, "rr_name": name, "rr_type": "A", "rr_value1": "192.0.2.1"});
    match fault {
        "empty-status" => {
            let condition = "rr_full_name='none.example'";
            let v2 = world.v2_get("dns/rr/list", &[("where", condition)]).await;
            (content(&world.list(condition).await), content(&v2))
        }
        "column-type" => {
            let row = world.list("rr_full_name='www.example.com'").await.rows().remove(0);
            let written = world.add("a.example.com", "A", &["192.0.2.1"], &[]).await.json();
            let shown = |id: &Value, ttl: &Value, written: &Value| {
                format!("id {}, ttl {}, written {}", kind(id), kind(ttl), kind(written))
            };
            let rest = shown(&row["rr_id"], &row["ttl"], &written[0]["ret_oid"]);
            let condition = [("where", "rr_full_name='www.example.com'")];
            let row = world.v2_get("dns/rr/list", &condition).await.data().remove(0);
            let written = world.v2_write("dns/rr/add", &new("b.example.com")).await.datum();
            (rest, shown(&row["rr_id"], &row["rr_ttl"], &written["rr_id"]))
        }
        "count-type" => {
            let rest = world.get("dns_rr_count", &[]).await.json();
            let v2 = world.v2_get("dns/rr/count", &[]).await.json();
            (kind(&rest[0]["total"]).to_owned(), kind(&v2["data"][0]["count"]).to_owned())
        }
        "v2-error-shape" => {
            let shape = |reply: &Reply| {
                let json = reply.json();
                let first = json.as_array().map_or(&json, |array| &array[0]);
                let member = ["errno", "messages", "code"].into_iter().find(|name| first.get(name).is_some());
                format!("{} {}", kind(&json), member.unwrap())
            };
            let rest = world.delete(&[("rr_id", "1")]).await;
            (shape(&rest), shape(&world.v2_delete("dns/rr/delete", &[("rr_id", "1")]).await))
        }
        "v2-extras" => {
            let reply = world.v2_delete("dns/rr/delete", &[("rr_id", "1")]).await.json();
            (String::new(), kind(&reply["messages"][0]["extras"]).to_owned())
        }
        "v2-write-status" => {
            let rest = world.add("a.example.com", "A", &["192.0.2.1"], &[]).await;
            let v2 = world.v2_write("dns/rr/add", &new("b.example.com")).await;
            (rest.status.to_string(), v2.status.to_string())
        }
        other => panic!("nobody looks at the planted fault {other}"),
    }
}
