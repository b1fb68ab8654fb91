//! Adding, editing and deleting rows.

use reqwest::Method;
use serde_json::json;

use crate::support::{Reply, SMART, STAND_ALONE, World};

const NAME: &str = "web.example.com";

async fn add(world: &World, value: &str) -> Reply {
    let body =
        json!({"server_name": SMART, "rr_name": NAME, "rr_type": "A", "rr_ttl": 600, "rr_value1": value});
    world.v2_write("dns/rr/add", &body).await
}

fn values(world: &World, name: &str) -> Vec<String> {
    world.simulator.rows_at(name).iter().map(|row| row.values.join(" ")).collect()
}

#[tokio::test]
async fn a_row_is_added_edited_and_deleted() {
    let world = World::start().await;
    let added = add(&world, "192.0.2.7").await.datum();
    let id = added["rr_id"].as_str().unwrap().to_owned();
    assert_eq!(added, json!({ "rr_id": id }));
    let row = world.simulator.rows_at(NAME).remove(0);
    assert_eq!((row.id.as_str(), row.ttl, row.zone.as_str()), (id.as_str(), 600, "example.com"));
    let edit = json!({"rr_id": id, "rr_value1": "192.0.2.8", "rr_ttl": "900"});
    assert_eq!(world.v2_write("dns/rr/edit", &edit).await.datum(), json!({ "rr_id": id }));
    let row = world.simulator.rows_at(NAME).remove(0);
    assert_eq!((row.values, row.ttl), (vec!["192.0.2.8".to_owned()], 900));
    assert_eq!(world.v2_delete("dns/rr/delete", &[("rr_id", &id)]).await.datum(), json!({ "rr_id": id }));
    assert_eq!(values(&world, NAME), [""; 0]);
    for reply in [
        world.v2_delete("dns/rr/delete", &[("rr_id", &id)]).await,
        world.v2_write("dns/rr/edit", &edit).await,
    ] {
        let message = reply.message();
        assert_eq!(message["code"], 20117);
        assert!(message["msg"].as_str().unwrap().contains("does not exist"));
    }
}

#[tokio::test]
async fn both_dialects_write_into_the_same_store() {
    let world = World::start().await;
    let id = add(&world, "192.0.2.7").await.datum()["rr_id"].as_str().unwrap().to_owned();
    assert_eq!(world.at(NAME).await.column("rr_id"), std::slice::from_ref(&id));
    world.edit(&id, &[("value1", "192.0.2.9")]).await.id();
    let listed = world.v2_get("dns/rr/list", &[("where", &format!("rr_id={id}"))]).await;
    assert_eq!(listed.data_column("rr_value1"), ["192.0.2.9"]);
    world.delete(&[("rr_id", &id)]).await.id();
    assert_eq!(world.v2_get("dns/rr/info", &[("rr_id", &id)]).await.data(), Vec::<serde_json::Value>::new());
}

#[tokio::test]
async fn numbers_may_be_texts_and_bodies_may_be_forms() {
    let world = World::start().await;
    let servers = world.v2_get("dns/server/list", &[("where", &format!("server_name='{SMART}'"))]).await;
    let server: u64 = servers.data_column("server_id")[0].parse().unwrap();
    for (name, body) in [
        ("a.example.com", json!({"server_id": server, "rr_ttl": 60})),
        ("b.example.com", json!({"server_id": server.to_string(), "rr_ttl": "60"})),
    ] {
        let mut body = body;
        for (key, value) in [("rr_name", name), ("rr_type", "a"), ("rr_value1", "192.0.2.1")] {
            body[key] = json!(value);
        }
        world.v2_write("dns/rr/add", &body).await.datum();
        assert_eq!(world.simulator.rows_at(name)[0].ttl, 60);
    }
    let form = "server_name=ns.example.com&rr_name=c.example.com&rr_type=TXT&rr_value1=a+b%26c";
    let request = world
        .v2(Method::POST, "dns/rr/add")
        .header("content-type", "application/x-www-form-urlencoded")
        .body(form);
    world.send(request).await.unwrap().datum();
    assert_eq!(values(&world, "c.example.com"), ["a b&c"]);
}

#[tokio::test]
async fn a_name_may_be_relative_and_a_view_must_fit() {
    let world = World::start().await;
    let in_view = |view: &str, name: &str| {
        json!({"server_name": STAND_ALONE, "view_name": view, "zone_name": "example.org", "rr_name": name,
            "rr_type": "A", "rr_value1": "192.0.2.1"})
    };
    world.v2_write("dns/rr/add", &in_view("internal", "web")).await.datum();
    let rows = world.simulator.rows_at("web.example.org");
    assert_eq!(rows.iter().map(|row| row.view.as_str()).collect::<Vec<_>>(), ["internal"]);
    assert_eq!(
        world.v2_write("dns/rr/add", &in_view("other", "web")).await.message()["msg"],
        "DNS view does not exist"
    );
    // Without a view it goes into all of them.
    world.v2_write("dns/rr/add", &in_view("", "all.example.org")).await.datum();
    assert_eq!(world.simulator.rows_at("all.example.org").len(), 2);
}

#[tokio::test]
async fn missing_and_wrong_parameters_are_refused_by_their_own_names() {
    let world = World::start().await;
    let before = world.simulator.rows();
    for (body, parameters) in [
        (json!({}), "rr_name/rr_type/rr_value1/server_id/server_name/server_hostaddr"),
        (json!({"server_name": SMART, "rr_name": NAME, "rr_type": "A"}), "rr_value1"),
        // The other dialect's names are not known here.
        (json!({"server_name": SMART, "rr_name": NAME, "rr_type": "A", "value1": "192.0.2.1"}), "rr_value1"),
        (
            json!({"server_name": SMART, "rr_name": NAME, "rr_type": "A", "rr_value1": "192.0.2.1", "rr_ttl": "x"}),
            "rr_ttl",
        ),
    ] {
        let message = world.v2_write("dns/rr/add", &body).await.message();
        assert_eq!(message["extras"]["parameters"], parameters, "{body}");
    }
    let unreadable =
        world.v2(Method::POST, "dns/rr/add").header("content-type", "application/json").body("[1]");
    assert_eq!(world.send(unreadable).await.unwrap().message()["code"], 7);
    let member =
        json!({"server_name": "ns1.example.com", "rr_name": NAME, "rr_type": "A", "rr_value1": "192.0.2.1"});
    world.v2_write("dns/rr/add", &member).await.message();
    assert_eq!(world.simulator.rows(), before);
}

#[tokio::test]
async fn an_add_of_what_is_there_is_refused_or_edits_as_the_quirk_says() {
    for (answer, expected) in [
        ("reject", "refused, 1 row of 600"),
        ("edit", "same, 1 row of 60"),
        ("accept-second", "new, 2 rows of 600"),
    ] {
        let world = World::quirk("duplicate-add", answer).await;
        let first = add(&world, "192.0.2.7").await.datum();
        let again = json!({"server_name": SMART, "rr_name": NAME, "rr_type": "A", "rr_ttl": 60,
            "rr_value1": "192.0.2.7"});
        let reply = world.v2_write("dns/rr/add", &again).await;
        let outcome = match reply.status {
            400 => {
                assert!(reply.message()["msg"].as_str().unwrap().contains("already exist"));
                "refused"
            }
            _ if reply.datum() == first => "same",
            _ => "new",
        };
        let rows = world.simulator.rows_at(NAME);
        let plural = if rows.len() == 1 { "row" } else { "rows" };
        assert_eq!(format!("{outcome}, {} {plural} of {}", rows.len(), rows[0].ttl), expected, "{answer}");
    }
}

#[tokio::test]
async fn another_value_is_another_row_unless_values_are_not_checked() {
    let world = World::start().await;
    add(&world, "192.0.2.1").await.datum();
    add(&world, "192.0.2.2").await.datum();
    assert_eq!(values(&world, NAME), ["192.0.2.1", "192.0.2.2"]);
    let one =
        json!({"server_name": SMART, "rr_name": "one.example.com", "rr_type": "A", "rr_value1": "192.0.2.1"});
    let id = world.v2_write("dns/rr/add", &one).await.datum();
    let mut other = one.clone();
    other["rr_value1"] = json!("192.0.2.9");
    other["check_value"] = json!("no");
    assert_eq!(world.v2_write("dns/rr/add", &other).await.datum(), id);
    assert_eq!(values(&world, "one.example.com"), ["192.0.2.9"]);
    // An edit by name does the same, and without such a row there is nothing to edit.
    let edit = json!({"server_name": SMART, "rr_name": "one.example.com", "rr_type": "A", "rr_value1": "192.0.2.5",
        "check_value": "no"});
    assert_eq!(world.v2_write("dns/rr/edit", &edit).await.datum(), id);
    assert_eq!(values(&world, "one.example.com"), ["192.0.2.5"]);
    let mut unknown = edit.clone();
    unknown["rr_name"] = json!("none.example.com");
    assert_eq!(world.v2_write("dns/rr/edit", &unknown).await.message()["code"], 20117);
    assert_eq!(values(&world, "none.example.com"), [""; 0]);
}

#[tokio::test]
async fn class_parameters_are_merged_and_deleted_by_name() {
    let world = World::start().await;
    let mut body = json!({"server_name": SMART, "rr_name": NAME, "rr_type": "A", "rr_value1": "192.0.2.1"});
    body["rr_class_parameters"] = json!([{"name": "a", "value": "1=2&3"}, {"name": "b", "value": "é"}]);
    let id = world.v2_write("dns/rr/add", &body).await.datum()["rr_id"].clone();
    let of = || {
        let parameters = world.simulator.rows_at(NAME).remove(0).class_parameters;
        parameters.into_iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>()
    };
    assert_eq!(of(), ["a=1=2&3", "b=é"]);
    let edit = async |more: serde_json::Value| {
        let mut body = more;
        body["rr_id"] = id.clone();
        world.v2_write("dns/rr/edit", &body).await.datum();
    };
    edit(json!({"rr_class_parameters": [{"name": "c", "value": "3", "inheritance": "set", "propagation": "restrict"}]}))
        .await;
    assert_eq!(of(), ["a=1=2&3", "b=é", "c=3"]);
    edit(json!({"class_parameters_to_delete": ["a", "none"], "rr_class_parameters": []})).await;
    assert_eq!(of(), ["b=é", "c=3"]);
    edit(json!({"rr_class_parameters": [{"name": "b", "inheritance": "inherited"}]})).await;
    assert_eq!(of(), ["c=3"]);
    edit(json!({"rr_ttl": 5})).await;
    assert_eq!(of(), ["c=3"]);
}

#[tokio::test]
async fn a_delete_by_name_takes_what_its_parameters_do_not_rule_out() {
    let world = World::start().await;
    for value in ["192.0.2.1", "192.0.2.2", "192.0.2.3"] {
        add(&world, value).await.datum();
    }
    let delete = async |parameters: &[(&str, &str)]| world.v2_delete("dns/rr/delete", parameters).await;
    // A server is documented as mandatory; a client of the vendor's leaves it out.
    delete(&[("rr_name", NAME), ("rr_type", "A"), ("rr_value1", "192.0.2.2")]).await.datum();
    assert_eq!(values(&world, NAME), ["192.0.2.1", "192.0.2.3"]);
    delete(&[("rr_name", NAME), ("rr_value1", "192.0.2.1"), ("server_name", SMART)]).await.datum();
    assert_eq!(values(&world, NAME), ["192.0.2.3"]);
    // value1 is a name of the other dialect: passed over, so that it rules nothing out.
    delete(&[("rr_name", NAME), ("value1", "192.0.2.1"), ("server_name", SMART)]).await.datum();
    assert_eq!(values(&world, NAME), [""; 0]);
    for parameters in [
        &[("rr_name", NAME), ("rr_type", "A")][..],
        &[("rr_name", "www.other.example"), ("rr_type", "A")],
        &[("rr_name", NAME), ("server_name", SMART)],
    ] {
        let message = delete(parameters).await.message();
        assert!(message["msg"].as_str().unwrap().contains("does not exist"), "{parameters:?}");
    }
    assert_eq!(delete(&[("rr_type", "A")]).await.message()["code"], 4);
    // On a stand-alone server with views: from each of them.
    for view in ["internal", "external"] {
        let body = json!({"server_name": STAND_ALONE, "view_name": view, "rr_name": "web.example.org",
            "rr_type": "A", "rr_value1": "192.0.2.1"});
        world.v2_write("dns/rr/add", &body).await.datum();
    }
    delete(&[("rr_name", "web.example.org"), ("rr_type", "A")]).await.datum();
    assert_eq!(values(&world, "web.example.org"), [""; 0]);
}
