//! Lists, infos and counts.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use solidserver_simulator::{Config, NewRow, SeedZone};

use crate::support::{SMART, STAND_ALONE, World};

/// The columns of a row, as the vendor's description of the API has them.
const ROW_COLUMNS: &str = "rr_id rr_full_name rr_full_name_utf rr_glue rr_glue_id rr_type rr_type_id rr_ttl rr_value1 \
    rr_value2 rr_value3 rr_value4 rr_value5 rr_value6 rr_value7 rr_all_value rr_name_id rr_value_id rr_name_ip4_addr \
    rr_name_address_addr rr_value_ip4_addr rr_value_address_addr rr_class_name rr_class_parameters rr_auth_gsstsig \
    rr_last_update_time rr_last_update_days rr_delayed_time rr_delayed_create_time rr_delayed_delete_time rr_multistatus \
    server_id server_name server_type server_version server_comment server_cloud server_class_name view_id view_name \
    view_class_name view_class_parameters zone_id zone_name zone_name_utf zone_type zone_sort_zone zone_is_reverse \
    zone_is_rpz zone_masters zone_forwarders zone_class_name zone_space_name smart_parent_id smart_parent_name";

#[tokio::test]
async fn a_row_has_the_documented_columns_and_all_are_texts_but_class_parameters() {
    let world = World::start().await;
    let condition = [("where", "rr_full_name='www.example.com' and server_type='vdns'")];
    let row = world.v2_get("dns/rr/list", &condition).await.datum();
    let row = row.as_object().unwrap();
    let documented: BTreeSet<&str> = ROW_COLUMNS.split_whitespace().collect();
    assert_eq!(row.keys().map(String::as_str).collect::<BTreeSet<_>>(), documented);
    for (name, value) in row {
        assert_eq!(value.is_array(), name.ends_with("_class_parameters"), "{name}: {value}");
        assert!(value.is_array() || value.is_string(), "{name}: {value}");
    }
    for (name, value) in [
        ("rr_type", "A"),
        ("rr_ttl", "3600"),
        ("rr_value1", "192.0.2.80"),
        ("rr_all_value", "192.0.2.80"),
        ("rr_value_address_addr", "c0000250"),
        ("server_name", SMART),
        ("view_id", "0"),
        ("view_name", "#"),
        ("zone_name", "example.com"),
        ("smart_parent_id", "0"),
        ("smart_parent_name", "#"),
    ] {
        assert_eq!(row[name], json!(value), "{name}");
    }
}

#[tokio::test]
async fn both_dialects_show_the_same_rows_under_their_own_names() {
    let world = World::start().await;
    world.add("a.example.com", "MX", &["10", "mx.example.com"], &[("rr_class_parameters", "k=v")]).await.id();
    let condition = format!("dns_name='{SMART}' and dnszone_name='example.com' and rr_id > 90");
    let rest = world.get("dns_rr_list", &[("WHERE", &condition), ("ORDERBY", "ttl, rr_id desc")]).await;
    let condition = format!("server_name='{SMART}' and zone_name='example.com' and rr_id > 90");
    let v2 = world.v2_get("dns/rr/list", &[("where", &condition), ("orderby", "rr_ttl, rr_id desc")]).await;
    for (old, new) in [
        ("rr_id", "rr_id"),
        ("ttl", "rr_ttl"),
        ("value1", "rr_value1"),
        ("value2", "rr_value2"),
        ("rr_all_value", "rr_all_value"),
        ("dns_id", "server_id"),
        ("dnszone_name", "zone_name"),
        ("dnsview_name", "view_name"),
        ("vdns_parent_id", "smart_parent_id"),
        ("delayed_create_time", "rr_delayed_create_time"),
    ] {
        assert_eq!(rest.column(old), v2.data_column(new), "{new}");
    }
    assert!(rest.rows().len() >= 4);
    let count = world.v2_get("dns/rr/count", &[("where", &condition)]).await.datum();
    assert_eq!(count, json!({"count": rest.rows().len()}));
}

#[tokio::test]
async fn a_clause_knows_the_names_of_its_own_dialect_only() {
    let world = World::start().await;
    for (condition, orderby) in [("dns_name='x'", ""), ("value1='x'", ""), ("ttl=5", ""), ("", "ttl")] {
        let reply = world.v2_get("dns/rr/list", &[("where", condition), ("orderby", orderby)]).await;
        let message = reply.message();
        assert_eq!(message["type"], "error", "{condition}{orderby}");
    }
    assert_eq!(world.list("rr_ttl=5").await.status, 400);
    // A parameter in capitals is unknown, and unknown ones are passed over: all rows come.
    let all = world.v2_get("dns/rr/count", &[]).await.datum();
    assert_eq!(world.v2_get("dns/rr/count", &[("WHERE", "rr_type='A'")]).await.datum(), all);
    assert_ne!(world.v2_get("dns/rr/count", &[("where", "rr_type='A'")]).await.datum(), all);
}

#[tokio::test]
async fn servers_views_and_zones_are_listed() {
    let world = World::start().await;
    let servers = world.v2_get("dns/server/list", &[("orderby", "server_id")]).await;
    assert_eq!(servers.data_column("server_name"), [SMART, "ns1.example.com", STAND_ALONE]);
    assert_eq!(servers.data_column("server_type"), ["vdns", "ipm", "ipm"]);
    assert_eq!(servers.data_column("smart_parent_name"), ["#", SMART, "#"]);
    assert_eq!(servers.data_column("smart_members_name"), ["ns1.example.com", "", ""]);
    assert_eq!(servers.data_column("server_addr")[2].len(), 8);
    let views = world.v2_get("dns/view/list", &[("orderby", "view_order desc")]).await;
    assert_eq!(views.data_column("view_name"), ["external", "internal"]);
    let condition = format!("server_name='{SMART}' and zone_type='master'");
    let zones = world.v2_get("dns/zone/list", &[("where", &condition), ("orderby", "zone_name")]).await;
    assert_eq!(zones.data_column("zone_name"), ["2.0.192.in-addr.arpa", "example.com", "shop.example.com"]);
    for (object, count) in [("server", 3), ("view", 2), ("zone", 12)] {
        let counted = world.v2_get(&format!("dns/{object}/count"), &[]).await.datum();
        assert_eq!(counted, json!({ "count": count }), "{object}");
    }
}

#[tokio::test]
async fn an_info_gives_what_an_id_names_or_nothing() {
    let world = World::start().await;
    for (object, id) in [("server", "server_id"), ("view", "view_id"), ("zone", "zone_id"), ("rr", "rr_id")] {
        let listed = world.v2_get(&format!("dns/{object}/list"), &[]).await.data().pop().unwrap();
        let info = format!("dns/{object}/info");
        assert_eq!(world.v2_get(&info, &[(id, listed[id].as_str().unwrap())]).await.datum(), listed);
        assert_eq!(world.v2_get(&info, &[(id, "99999")]).await.json()["data"], json!([]));
        let message = world.v2_get(&info, &[]).await.message();
        assert_eq!((&message["code"], &message["extras"]), (&json!(4), &json!({"parameters": id})));
    }
}

#[tokio::test]
async fn an_empty_list_is_an_empty_envelope() {
    let world = World::start().await;
    let reply = world.v2_get("dns/rr/list", &[("where", "rr_full_name='none.example'")]).await;
    assert_eq!(reply.json(), json!({"success": true, "messages": [], "data": []}));
    let count = world.v2_get("dns/rr/count", &[("where", "rr_full_name='none.example'")]).await;
    assert_eq!(count.datum(), json!({"count": 0}));
}

#[tokio::test]
async fn pages_and_selected_columns() {
    let world = World::start().await;
    let zone = SeedZone::master("big.example").fill(25);
    world.simulator.add_zone(SMART, "", &zone).unwrap();
    let condition = format!("server_name='{SMART}' and zone_name='big.example'");
    let mut ids = Vec::new();
    for offset in ["0", "10", "20"] {
        let parameters = [
            ("where", condition.as_str()),
            ("orderby", "rr_id"),
            ("limit", "10"),
            ("offset", offset),
            ("select", "rr_id, zone_name"),
        ];
        let page = world.v2_get("dns/rr/list", &parameters).await;
        assert!(page.data().iter().all(|row| row.as_object().unwrap().len() == 2), "{}", page.text);
        ids.extend(page.data_column("rr_id"));
    }
    let mut numbers: Vec<u64> = ids.iter().map(|id| id.parse().unwrap()).collect();
    assert!(numbers.is_sorted());
    numbers.dedup();
    // SOA and NS are there too.
    assert_eq!(numbers.len(), 27);
}

#[tokio::test]
async fn class_parameters_tell_where_they_come_from() {
    let world = World::start().await;
    world
        .simulator
        .add_zone(SMART, "", &SeedZone::master("p.example").class_parameter("parent", "2"))
        .unwrap();
    let row = NewRow::new("a.p.example", "A", ["192.0.2.1"]).class_parameter("own", "a&b/c");
    let id = world.simulator.add_row(row).unwrap().id;
    let shown = async |more: &[(&str, &str)]| -> Value {
        let mut parameters = vec![("rr_id", id.as_str())];
        parameters.extend(more);
        world.v2_get("dns/rr/info", &parameters).await.datum()["rr_class_parameters"].clone()
    };
    let own = json!({"name": "own", "value": "a&b/c", "inheritance": "set", "propagation": "propagate",
        "source": format!("real_rr,{id}")});
    let all = shown(&[]).await;
    assert_eq!((all[0].clone(), &all[1]["inheritance"]), (own.clone(), &json!("inherited")));
    assert!(all[1]["source"].as_str().unwrap().starts_with("real_dnszone,"));
    assert_eq!(shown(&[("no_parent_class_param", "1")]).await, json!([own]));
    world.simulator.set_quirk("inherited-source", "absent").unwrap();
    world.simulator.set_quirk("class-parameter-properties", "absent").unwrap();
    let bare = json!([{"name": "own", "value": "a&b/c", "source": ""}]);
    assert_eq!(shown(&[("no_parent_class_param", "1")]).await, bare);
}

#[tokio::test]
async fn the_version_is_probed_in_the_other_dialect_and_old_ones_have_no_v2() {
    let world = World::with(Config { version: "7.3.1".to_owned(), ..Config::default() }).await;
    assert_eq!(world.get("member_list", &[]).await.column("member_version"), ["7.3.1"]);
    let old = world.v2_get("dns/rr/list", &[]).await;
    assert_eq!((old.status, &old.text[..6]), (404, "<html>"));
    world.simulator.set_version("8.0.0");
    assert!(!world.v2_get("dns/rr/list", &[]).await.data().is_empty());
    for (path, status) in [("member/list", 404), ("dns/rr/nothing", 404), ("dns/rr/add", 404)] {
        assert_eq!(world.v2_get(path, &[]).await.status, status, "{path}");
    }
}
