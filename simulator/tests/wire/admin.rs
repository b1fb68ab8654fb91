//! The admin interface.

use reqwest::Method;
use serde_json::{Value, json};
use solidserver_simulator::{Config, Error, Simulator};

use crate::support::World;

impl World {
    async fn admin(&self, method: Method, path: &str, body: Option<Value>) -> (u16, Value) {
        let url = format!("http://{}{path}", self.simulator.admin());
        let mut request = self.client.request(method, url);
        if let Some(body) = body {
            // As `curl -d` does: not labelled as JSON.
            request = request.body(body.to_string());
        }
        let response = request.send().await.unwrap();
        let status = response.status().as_u16();
        let text = response.text().await.unwrap();
        (status, serde_json::from_str(&text).unwrap_or(Value::String(text)))
    }
}

#[tokio::test]
async fn rows_can_be_seen_and_changed_behind_the_clients_back() {
    let world = World::start().await;
    assert_eq!(world.admin(Method::GET, "/healthz", None).await, (200, json!("ok\n")));
    let new = json!({"name": "web.example.com", "type": "A", "ttl": 60, "values": ["192.0.2.7"], "classParameters": {"a": "1"}});
    let (status, added) = world.admin(Method::POST, "/records", Some(new)).await;
    let id = added["id"].as_str().unwrap();
    let expected = json!({"id": id, "server": "ns.example.com", "view": "", "zone": "example.com", "name": "web.example.com",
        "type": "A", "ttl": 60, "values": ["192.0.2.7"], "className": "", "classParameters": {"a": "1"},
        "pendingCreate": false, "pendingDelete": false});
    assert_eq!((status, &added), (201, &expected));
    let (_, all) = world.admin(Method::GET, "/records", None).await;
    assert_eq!(all.as_array().unwrap().len(), world.simulator.rows().len());
    let (_, filtered) =
        world.admin(Method::GET, "/records?zone=example.com&name=web.example.com&type=A&view=", None).await;
    assert_eq!(filtered, json!([expected]));
    assert_eq!(world.admin(Method::GET, "/records?zonen=x", None).await.0, 400);

    let patch = json!({"ttl": 61, "values": ["192.0.2.8"], "classParameters": {"a": null, "b": "2"}});
    let (status, patched) = world.admin(Method::PATCH, &format!("/records/{id}"), Some(patch)).await;
    assert_eq!((status, &patched["ttl"], &patched["classParameters"]), (200, &json!(61), &json!({"b": "2"})));
    assert_eq!(world.at("web.example.com").await.column("value1"), ["192.0.2.8"]);
    assert_eq!(world.admin(Method::DELETE, &format!("/records/{id}"), None).await.0, 204);
    assert_eq!(world.at("web.example.com").await.status, 204);
    assert_eq!(world.admin(Method::DELETE, &format!("/records/{id}"), None).await.0, 404);
    assert_eq!(world.admin(Method::PATCH, &format!("/records/{id}"), Some(json!({}))).await.0, 404);
    for wrong in [
        json!({"name": "web.example.com"}),
        json!({"name": "a.example.org", "type": "A", "values": ["192.0.2.1"]}),
        json!([]),
    ] {
        assert_eq!(world.admin(Method::POST, "/records", Some(wrong)).await.0, 400);
    }
}

#[tokio::test]
async fn calls_are_counted_and_logged() {
    let world = World::start().await;
    let id = world.add("web.example.com", "A", &["192.0.2.7"], &[]).await.id();
    world.edit(&id, &[("rr_ttl", "5")]).await.id();
    world.delete(&[("rr_id", "1")]).await.refusal();
    let (_, calls) = world.admin(Method::GET, "/calls", None).await;
    let expected = json!({"total": 3, "byService": {"dns_rr_add": 2, "dns_rr_delete": 1},
        "byObject": {"rr": {"add": 1, "edit": 1, "delete": 1}}, "byOperation": {"add": 1, "edit": 1, "delete": 1}, "byStatus": {"201": 2, "400": 1},
        "maxInFlight": 1, "maxWritesInFlight": 1, "inFlight": 0, "connections": 1});
    assert_eq!(calls, expected);
    let (_, calls) = world.admin(Method::GET, "/calls?log=1", None).await;
    let log = calls["log"].as_array().unwrap();
    assert_eq!(
        log.iter().map(|entry| entry["operation"].as_str().unwrap()).collect::<Vec<_>>(),
        ["add", "edit", "delete"]
    );
    assert_eq!(log[0]["parameters"]["value1"], json!("192.0.2.7"));
    assert_eq!(log[2]["status"], json!(400));
    assert_eq!(world.admin(Method::DELETE, "/calls", None).await.0, 204);
    assert_eq!(world.admin(Method::GET, "/calls", None).await.1["total"], json!(0));
}

#[tokio::test]
async fn faults_are_injected_shown_and_cleared() {
    let world = World::start().await;
    let faults = json!([{"service": "add", "kind": "status", "code": 503, "count": 1}, {"service": "*", "kind": "slow", "ms": 1}]);
    assert_eq!(world.admin(Method::POST, "/faults", Some(faults)).await, (201, json!({"ids": [1, 2]})));
    assert_eq!(world.add("web.example.com", "A", &["192.0.2.7"], &[]).await.status, 503);
    assert_eq!(world.add("web.example.com", "A", &["192.0.2.7"], &[]).await.status, 201);
    let (_, shown) = world.admin(Method::GET, "/faults", None).await;
    assert_eq!(
        (&shown[0]["met"], &shown[0]["hits"], &shown[0]["fault"]["kind"]),
        (&json!(2), &json!(1), &json!("status"))
    );
    for wrong in [json!({"kind": "status"}), json!({"kind": "no-such"}), json!({"kind": "hang", "aftr": 1})] {
        assert_eq!(world.admin(Method::POST, "/faults", Some(wrong)).await.0, 400);
    }
    assert_eq!(world.admin(Method::DELETE, "/faults", None).await.0, 204);
    assert_eq!(world.admin(Method::GET, "/faults", None).await.1, json!([]));
}

#[tokio::test]
async fn it_listens_on_loopback_only() {
    let config = Config { admin_listen: "0.0.0.0:0".parse().unwrap(), ..Config::default() };
    assert!(matches!(Simulator::start(config).await, Err(Error::AdminNotLoopback(_))));
}
