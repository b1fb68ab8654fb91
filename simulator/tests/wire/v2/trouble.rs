//! Faults and quirks, as this dialect shows them, and what is counted.

use serde_json::json;
use solidserver_simulator::{Dialect, Fault, FaultKind, RateLimit};

use crate::support::{SMART, World};

fn fault(service: &str, kind: FaultKind) -> Fault {
    Fault::new(service, kind)
}

fn row(name: &str) -> serde_json::Value {
    json!({"server_name": SMART, "rr_name": name, "rr_type": "A", "rr_value1": "192.0.2.1"})
}

#[tokio::test]
async fn a_fault_is_told_in_the_dialect_of_the_call() {
    let world = World::start().await;
    let list = async || world.v2_get("dns/rr/list", &[]).await;
    world.simulator.inject(Fault::status("list", 400).count(1));
    assert_eq!(list().await.message()["msg"], "Injected fault");
    world
        .simulator
        .inject(fault("*", FaultKind::SuccessFalse { message: None, after_commit: false }).count(1));
    let reply = list().await;
    assert_eq!((reply.status, &reply.json()["success"]), (200, &json!(false)));
    world.simulator.inject(fault("*", FaultKind::ConnectedFalse).count(1));
    assert_eq!(list().await.json(), json!({"connected": false}));
    world.simulator.inject(fault("*", FaultKind::Truncate).count(1));
    assert!(serde_json::from_str::<serde_json::Value>(&list().await.text).is_err());
    world.simulator.inject(fault("list", FaultKind::Blind));
    assert_eq!(list().await.data(), Vec::<serde_json::Value>::new());
    world.simulator.clear_faults();
    let refusal = FaultKind::Reject { message: Some("no".to_owned()), severity: Some("warning".to_owned()) };
    world.simulator.inject(fault("add", refusal));
    let message = world.v2_write("dns/rr/add", &row("a.example.com")).await.message();
    assert_eq!((&message["msg"], &message["type"]), (&json!("no"), &json!("warning")));
    let mut accepting = row("a.example.com");
    accepting["warnings"] = json!("accept");
    world.v2_write("dns/rr/add", &accepting).await.datum();
    world.simulator.clear_faults();
    world.simulator.set_credentials("operator", "another");
    let reply = list().await;
    assert_eq!((reply.status, &reply.json()["success"]), (401, &json!(false)));
    world.simulator.set_credentials("operator", "secret");
    world.simulator.set_rate_limit(Some(RateLimit { calls: 0, window: std::time::Duration::from_secs(30) }));
    let reply = list().await;
    assert_eq!((reply.status, &reply.json()["messages"][0]["msg"]), (429, &json!("Too many requests")));
}

#[tokio::test]
async fn lists_can_be_wrong_in_every_way() {
    let world = World::start().await;
    let condition = format!("server_name='{SMART}' and zone_name='example.com'");
    let list = async |more: &[(&str, &str)]| {
        let mut parameters = vec![("where", condition.as_str()), ("orderby", "rr_id")];
        parameters.extend(more);
        world.v2_get("dns/rr/list", &parameters).await.data_column("rr_id")
    };
    let right = list(&[]).await;
    assert_eq!(right.len(), 4);
    for (kind, limit, expected) in [
        (FaultKind::DropPage, Some("2"), right[2..].to_vec()),
        (FaultKind::DropPage, None, right[2..].to_vec()),
        (FaultKind::ShortPage { missing: Some(1) }, None, right[..3].to_vec()),
    ] {
        world.simulator.inject(fault("list", kind.clone()).count(1));
        let limit: Vec<_> = limit.map(|limit| ("limit", limit)).into_iter().collect();
        assert_eq!(list(&limit).await, expected, "{kind:?}");
    }
    for (kind, is_wrong) in [
        (FaultKind::IgnoreWhere, (|right, seen| seen > right) as fn(usize, usize) -> bool),
        (FaultKind::ForeignRows { rows: 3 }, |right, seen| seen == right + 3),
    ] {
        world.simulator.inject(fault("dns/rr/list", kind.clone()).count(1));
        assert!(is_wrong(right.len(), list(&[]).await.len()), "{kind:?}");
    }
    world.simulator.inject(fault("list", FaultKind::IgnoreOrderby).count(1));
    let mut unordered = list(&[]).await;
    assert_ne!(unordered, right);
    unordered.sort_by_key(|id| id.parse::<u64>().unwrap());
    assert_eq!(unordered, right);
    world.simulator.inject(fault("list", FaultKind::RenumberIds));
    assert!(list(&[]).await.iter().all(|id| !right.contains(id)));
    world.simulator.inject(fault("add", FaultKind::Rewrite { name: None, value: "192.0.2.99".to_owned() }));
    world.v2_write("dns/rr/add", &row("a.example.com")).await.datum();
    assert_eq!(world.simulator.rows_at("a.example.com")[0].values, ["192.0.2.99"]);
}

#[tokio::test]
async fn a_fault_may_mean_a_service_in_both_dialects_or_in_one() {
    for (service, dialect, hits) in [
        ("dns_rr_list", None, [500, 500]),
        ("dns/rr/list", None, [200, 500]),
        ("list", None, [500, 500]),
        ("dns_rr_list", Some(Dialect::Rest), [500, 200]),
        ("*", Some(Dialect::V2), [200, 500]),
        ("dns_rr_add", None, [200, 200]),
        ("dns_zone_list", None, [200, 200]),
    ] {
        let world = World::start().await;
        let fault = Fault::status(service, 500);
        world.simulator.inject(dialect.into_iter().fold(fault, Fault::dialect));
        let seen =
            [world.get("dns_rr_list", &[]).await.status, world.v2_get("dns/rr/list", &[]).await.status];
        assert_eq!(seen, hits, "{service} {dialect:?}");
    }
}

#[tokio::test]
async fn a_fault_knows_a_parameter_by_either_name() {
    for (name, value) in [("value1", "192.0.2.1"), ("rr_value1", "192.0.2.1"), ("dns_name", SMART)] {
        let world = World::start().await;
        world.simulator.inject(Fault::status("dns_rr_add", 500).with_parameter(name, value));
        let mut other = row("a.example.com");
        other["server_name"] = json!("views.example.com");
        other["rr_value1"] = json!("192.0.2.2");
        assert_ne!(world.v2_write("dns/rr/add", &other).await.status, 500, "{name}");
        assert_eq!(world.v2_write("dns/rr/add", &row("a.example.com")).await.status, 500, "{name}");
    }
}

#[tokio::test]
async fn calls_are_counted_by_service_and_by_what_they_are_about() {
    let world = World::start().await;
    world.get("dns_rr_list", &[]).await;
    world.v2_get("dns/rr/list", &[]).await;
    world.v2_get("dns/zone/list", &[]).await;
    let id = world.v2_write("dns/rr/add", &row("a.example.com")).await.datum()["rr_id"].clone();
    world
        .v2_write("dns/rr/edit", &json!({"rr_id": id, "rr_ttl": 5, "class_parameters_to_delete": ["a"]}))
        .await;
    world.v2_delete("dns/rr/delete", &[("rr_id", id.as_str().unwrap())]).await.datum();
    let calls = world.simulator.calls();
    assert_eq!((calls.service("dns_rr_list"), calls.service("dns/rr/list")), (1, 1));
    assert_eq!((calls.of("rr", "list"), calls.of("zone", "list"), calls.operation("list")), (2, 1, 3));
    assert_eq!([calls.of("rr", "add"), calls.of("rr", "edit"), calls.of("rr", "delete")], [1; 3]);
    assert_eq!((calls.writes(), calls.total, calls.max_writes_in_flight), (3, 6, 1));
    let log = world.simulator.call_log();
    let dialects: Vec<_> = log.iter().map(|call| call.dialect).collect();
    assert_eq!(dialects[..2], [Some(Dialect::Rest), Some(Dialect::V2)]);
    let add = log.iter().find(|call| call.operation == "add").unwrap();
    assert_eq!((add.service.as_str(), add.object), ("dns/rr/add", "rr"));
    assert_eq!(
        (add.parameters["rr_value1"].as_str(), add.parameter("value1").as_deref()),
        ("192.0.2.1", Some("192.0.2.1"))
    );
    let edit = log.iter().find(|call| call.operation == "edit").unwrap();
    assert_eq!(edit.parameters["class_parameters_to_delete"], "[\"a\"]");
    assert_eq!(edit.parameter("class_parameters_to_delete").as_deref(), Some("a"));
}

#[tokio::test]
async fn requests_are_recorded_as_they_were_sent() {
    let world = World::start().await;
    world.get("dns_rr_list/WHERE/rr_id%3D1", &[("limit", "5"), ("SELECT", "rr_id")]).await;
    let mut body = row("a.example.com");
    body["rr_ttl"] = json!(60);
    body["rr_class_parameters"] = json!([{"name": "a", "value": "1"}]);
    world.v2_write("dns/rr/add", &body).await.datum();
    let [list, add] = <[_; 2]>::try_from(world.simulator.requests()).unwrap();
    let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    assert_eq!((list.method.as_str(), list.path.as_str()), ("GET", "/rest/dns_rr_list/WHERE/rr_id%3D1"));
    assert_eq!(list.query, [pair("limit", "5"), pair("SELECT", "rr_id")]);
    assert_eq!((list.dialect, list.login, list.body.len()), (Some(Dialect::Rest), "basic", 0));
    assert_eq!((add.method.as_str(), add.service.as_str()), ("POST", "dns/rr/add"));
    assert_eq!((add.object, add.operation, add.dialect), ("rr", "add", Some(Dialect::V2)));
    assert_eq!((add.content_type.as_str(), add.query.len()), ("application/json", 0));
    let sent: serde_json::Map<_, _> = add.body.iter().cloned().collect();
    assert_eq!(serde_json::Value::Object(sent), body);
    assert!(add.names().any(|name| name == "rr_ttl"));
    world.simulator.reset_calls();
    assert_eq!(world.simulator.requests(), []);
}
