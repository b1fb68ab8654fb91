//! Adding, editing and deleting views and zones.

use serde_json::json;
use solidserver_simulator::SeedServer;

use crate::support::{SMART, World};

#[tokio::test]
async fn a_zone_is_added_edited_and_deleted() {
    let world = World::start().await;
    let zone = json!({"server_name": SMART, "zone_name": "new.example", "zone_type": "master", "zone_notify": "no",
        "zone_class_parameters": [{"name": "dnsptr", "value": "0"}]});
    let id = world.v2_write("dns/zone/add", &zone).await.datum();
    let id = id["zone_id"].as_str().unwrap();
    let info = async || world.v2_get("dns/zone/info", &[("zone_id", id)]).await.datum();
    let shown = info().await;
    for (column, value) in [
        ("zone_name", "new.example"),
        ("zone_type", "master"),
        ("zone_notify", "no"),
        ("zone_delayed_create_time", "0"),
        ("zone_space_name", "#"),
        ("server_name", SMART),
    ] {
        assert_eq!(shown[column], json!(value), "{column}");
    }
    assert_eq!(shown["zone_class_parameters"][0]["value"], "0");
    let condition = format!("server_name='{SMART}' and zone_name='new.example'");
    let rows = world.v2_get("dns/rr/list", &[("where", &condition), ("orderby", "rr_type")]).await;
    assert_eq!(rows.data_column("rr_type"), ["NS", "SOA"]);
    assert!(
        world.v2_write("dns/zone/add", &zone).await.message()["msg"]
            .as_str()
            .unwrap()
            .contains("already exist")
    );
    let edit = json!({"zone_id": id, "zone_allow_query": "any;", "class_parameters_to_delete": ["dnsptr"]});
    assert_eq!(world.v2_write("dns/zone/edit", &edit).await.datum(), json!({ "zone_id": id }));
    let shown = info().await;
    assert_eq!((&shown["zone_allow_query"], &shown["zone_class_parameters"]), (&json!("any;"), &json!([])));
    let deleted = world.v2_delete("dns/zone/delete", &[("zone_id", id)]).await;
    assert_eq!(deleted.datum(), json!({ "zone_id": id }));
    assert_eq!(world.v2_get("dns/rr/count", &[("where", &condition)]).await.datum(), json!({"count": 0}));
    let again = world.v2_delete("dns/zone/delete", &[("zone_id", id)]).await.message();
    assert!(again["msg"].as_str().unwrap().contains("does not exist"));
    let missing = world.v2_write("dns/zone/add", &json!({"zone_name": "a.example"})).await.message();
    assert_eq!(
        missing["extras"]["parameters"],
        "zone_id/zone_name/zone_type/view_id/view_name/server_id/server_name/server_hostaddr"
    );
}

#[tokio::test]
async fn a_view_is_added_edited_and_deleted() {
    let world = World::start().await;
    world.simulator.add_server(&SeedServer::new("empty.example.net")).unwrap();
    let view = json!({"server_name": "empty.example.net", "view_name": "inside", "view_recursion": "no"});
    let id = world.v2_write("dns/view/add", &view).await.datum();
    let id = id["view_id"].as_str().unwrap();
    let shown = world.v2_get("dns/view/info", &[("view_id", id)]).await.datum();
    assert_eq!((&shown["view_name"], &shown["view_recursion"]), (&json!("inside"), &json!("no")));
    let zone = json!({"server_name": "empty.example.net", "view_id": id, "zone_name": "z.example",
        "zone_type": "master"});
    world.v2_write("dns/zone/add", &zone).await.datum();
    let edit = json!({"view_id": id, "view_order": 3, "view_match_clients": "any;"});
    world.v2_write("dns/view/edit", &edit).await.datum();
    let shown = world.v2_get("dns/view/info", &[("view_id", id)]).await.datum();
    assert_eq!((&shown["view_order"], &shown["view_match_clients"]), (&json!("3"), &json!("any;")));
    let parameters = [("view_name", "inside"), ("server_name", "empty.example.net")];
    assert_eq!(world.v2_delete("dns/view/delete", &parameters).await.datum(), json!({ "view_id": id }));
    for object in ["view", "zone"] {
        let condition = [("where", "server_name='empty.example.net'")];
        let left = world.v2_get(&format!("dns/{object}/count"), &condition).await.datum();
        assert_eq!(left, json!({"count": 0}), "{object}");
    }
    world.v2_delete("dns/view/delete", &parameters).await.message();
    assert_eq!(world.v2_write("dns/server/add", &json!({"server_name": "x"})).await.status, 404);
}
