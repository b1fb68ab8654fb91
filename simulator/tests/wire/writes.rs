//! Adding, editing and deleting rows.

use std::time::Duration;

use reqwest::Method;
use serde_json::json;
use solidserver_simulator::{Config, SeedZone};

use crate::support::{SMART, STAND_ALONE, World};

#[tokio::test]
async fn a_row_lives_from_add_to_delete() {
    let world = World::start().await;
    let more = [("rr_ttl", "600"), ("rr_class_parameters", "owner=net%26sys&ticket=42")];
    let added = world.add("web.example.com", "A", &["192.0.2.7"], &more).await;
    assert_eq!(
        (added.status, added.text.as_str()),
        (201, format!("[{{\"ret_oid\":\"{}\"}}]", added.id()).as_str())
    );
    let id = added.id();
    let edited =
        world.edit(&id, &[("value1", "192.0.2.8"), ("rr_class_parameters", "ticket=43&extra=x")]).await;
    assert_eq!((edited.status, edited.id()), (201, id.clone()));
    let row = &world.simulator.rows_at("web.example.com")[0];
    assert_eq!((row.ttl, row.values.as_slice()), (600, &["192.0.2.8".to_owned()][..]));
    let parameters: Vec<_> =
        row.class_parameters.iter().map(|(name, value)| format!("{name}={value}")).collect();
    assert_eq!(parameters, ["extra=x", "owner=net&sys", "ticket=43"]);
    world
        .edit(&id, &[("class_parameters_to_delete", "owner&ticket"), ("rr_class_parameters", "")])
        .await
        .id();
    let left: Vec<_> =
        world.simulator.rows_at("web.example.com")[0].class_parameters.keys().cloned().collect();
    assert_eq!(left, ["extra"]);
    let deleted = world.delete(&[("rr_id", &id)]).await;
    assert_eq!((deleted.status, deleted.id()), (200, id.clone()));
    assert!(world.simulator.rows_at("web.example.com").is_empty());
    assert_eq!(world.get("dns_rr_info", &[("rr_id", &id)]).await.status, 204);
    for gone in [world.delete(&[("rr_id", &id)]).await, world.edit(&id, &[("rr_ttl", "1")]).await] {
        assert_eq!(gone.refusal(), "This RR does not exist");
        assert_eq!(gone.json()["errno"], json!("20117"));
    }
}

#[tokio::test]
async fn missing_parameters_are_named() {
    let world = World::start().await;
    let missing = world.add("", "", &[], &[("dns_name", "")]).await;
    assert_eq!(missing.refusal(), "Missing parameter");
    assert_eq!(missing.json()["errno"], json!("4"));
    assert_eq!(missing.json()["parameters"], json!("rr_name/rr_type/value1/dns_id/dns_name/hostaddr"));
    assert_eq!(missing.json()["severity"], json!("error"));
    assert!(missing.text.contains("rr_name\\/rr_type"), "{}", missing.text);
    let missing = world.delete(&[]).await;
    assert_eq!(missing.json()["parameters"], json!("rr_id/rr_name/dns_id/dns_name/hostaddr"));
}

#[tokio::test]
async fn values_names_and_ttls_are_checked() {
    let world = World::start().await;
    for (name, record_type, values, more) in [
        ("a.example.com", "A", &["300.1.1.1"][..], &[][..]),
        ("a.example.com", "AAAA", &["192.0.2.1"], &[]),
        ("a.example.com", "MX", &["x", "mx.example.com"], &[]),
        ("a.example.com", "BOGUS", &["x"], &[]),
        ("a.example.com", "SOA", &["x"], &[]),
        ("a..example.com", "A", &["192.0.2.1"], &[]),
        ("a.example.com", "A", &["192.0.2.1"], &[("rr_ttl", "-1")]),
        ("a.example.com", "A", &["192.0.2.1"], &[("rr_ttl", "2147483648")]),
        ("a.example.com", "A", &["192.0.2.1"], &[("add_flag", "whatever")]),
        ("a.example.com", "A", &["192.0.2.1"], &[("dns_name", "nowhere.example")]),
        ("a.example.com", "A", &["192.0.2.1"], &[("dns_name", "ns1.example.com")]),
        ("a.nowhere.example", "A", &["192.0.2.1"], &[]),
        ("a.example.com", "A", &["192.0.2.1"], &[("dnszone_name", "nowhere.example")]),
        ("a.example.com", "A", &["192.0.2.1"], &[("dnsview_name", "nowhere")]),
        ("a.example.com", "A", &["192.0.2.1"], &[("dnsview_name", "#")]),
        ("a.partner.example.net", "A", &["192.0.2.1"], &[]),
        ("a.corp.example.net", "A", &["192.0.2.1"], &[]),
    ] {
        let refusal = world.add(name, record_type, values, more).await.refusal();
        assert!(!refusal.is_empty(), "{name} {record_type} {values:?} {more:?}");
    }
    world.simulator.add_zone(SMART, "", &SeedZone::master("rules.example").rpz()).unwrap();
    assert!(world.add("a.rules.example", "A", &["192.0.2.1"], &[]).await.refusal().contains("policy"));
    let rows = world.simulator.rows();
    assert!(rows.iter().all(|row| !row.name.starts_with("a.")), "{rows:?}");
}

#[tokio::test]
async fn the_longest_zone_takes_a_name_unless_one_is_given() {
    let world = World::start().await;
    world.add("www.shop.example.com", "A", &["192.0.2.1"], &[]).await.id();
    world.add("ns.shop.example.com", "A", &["192.0.2.1"], &[("dnszone_name", "example.com")]).await.id();
    world.add("relative", "A", &["192.0.2.1"], &[("zone", "shop.example.com")]).await.id();
    world.add("", "A", &["192.0.2.1"], &[("rr_glue", "."), ("zone", "shop.example.com")]).await.id();
    let rows = world.simulator.rows();
    let placed: Vec<_> = rows
        .iter()
        .filter(|row| row.values == ["192.0.2.1"])
        .map(|row| (row.name.as_str(), row.zone.as_str()))
        .collect();
    let expected = [
        ("www.shop.example.com", "shop.example.com"),
        ("ns.shop.example.com", "example.com"),
        ("relative.shop.example.com", "shop.example.com"),
        ("shop.example.com", "shop.example.com"),
    ];
    assert_eq!(placed, expected);
}

#[tokio::test]
async fn without_a_view_a_row_goes_into_every_view() {
    let world = World::start().await;
    let server = ("dns_name", STAND_ALONE);
    world.add("both.example.org", "A", &["192.0.2.1"], &[server]).await.id();
    world.add("one.example.org", "A", &["192.0.2.1"], &[server, ("dnsview_name", "external")]).await.id();
    let views =
        |name: &str| world.simulator.rows_at(name).into_iter().map(|row| row.view).collect::<Vec<_>>();
    assert_eq!(views("both.example.org"), ["internal", "external"]);
    assert_eq!(views("one.example.org"), ["external"]);
}

#[tokio::test]
async fn the_flag_says_what_happens_to_a_known_row() {
    let world = World::start().await;
    let id = world.add("web.example.com", "A", &["192.0.2.7"], &[("rr_ttl", "60")]).await.id();
    let again = world.add("WEB.example.com.", "a", &["192.0.2.7"], &[]).await;
    assert_eq!(again.refusal(), "DNS rr already exists");
    // Another value is another row.
    let other = world.add("web.example.com", "A", &["192.0.2.8"], &[]).await.id();
    assert_ne!(other, id);
    let edited = world
        .add("web.example.com", "A", &["192.0.2.7"], &[("add_flag", "new_edit"), ("rr_ttl", "90")])
        .await
        .id();
    assert_eq!(edited, id);
    let edited = world
        .add("web.example.com", "A", &["192.0.2.7"], &[("add_flag", "edit_only"), ("rr_ttl", "91")])
        .await
        .id();
    assert_eq!(edited, id);
    let replaced = [("add_flag", "new_edit"), ("check_value", "no")];
    let edited = world.add("web.example.com", "A", &["192.0.2.9"], &replaced).await.id();
    assert_eq!(edited, id);
    let rows: Vec<_> = world
        .simulator
        .rows_at("web.example.com")
        .into_iter()
        .map(|row| (row.values.concat(), row.ttl))
        .collect();
    assert_eq!(rows, [("192.0.2.9".to_owned(), 91), ("192.0.2.8".to_owned(), 3600)]);
    let unknown = world.add("none.example.com", "A", &["192.0.2.9"], &[("add_flag", "edit_only")]).await;
    assert_eq!(unknown.refusal(), "This RR does not exist");
    assert_eq!(world.edit(&id, &[("value1", "192.0.2.8")]).await.refusal(), "DNS rr already exists");
    assert!(world.edit(&id, &[("rr_type", "AAAA")]).await.refusal().contains("type"));
}

#[tokio::test]
async fn a_cname_stands_alone() {
    let world = World::start().await;
    world.add("alias.example.com", "CNAME", &["www.example.com"], &[]).await.id();
    for (name, record_type, value) in [
        ("alias.example.com", "A", "192.0.2.1"),
        ("alias.example.com", "CNAME", "other.example.com"),
        ("www.example.com", "CNAME", "other.example.com"),
        ("example.com", "CNAME", "other.example.com"),
    ] {
        assert!(
            world.add(name, record_type, &[value], &[]).await.refusal().contains("CNAME"),
            "{name} {record_type}"
        );
    }
    assert_eq!(world.simulator.rows_at("alias.example.com").len(), 1);
}

#[tokio::test]
async fn parameters_travel_in_query_body_or_path() {
    let world = World::start().await;
    let json = json!({"dns_name": SMART, "rr_name": "json.example.com", "rr_type": "A", "value1": "192.0.2.1", "rr_ttl": 30});
    let added = world.send(world.request(Method::POST, "dns_rr_add").json(&json)).await.unwrap();
    assert_eq!(world.simulator.rows_at("json.example.com")[0].ttl, 30);
    let deleted = world
        .send(world.request(Method::DELETE, "dns_rr_delete").json(&json!({"rr_id": added.id()})))
        .await
        .unwrap();
    assert_eq!(deleted.status, 200);
    let form = format!("dns_name={SMART}&rr_name=form.example.com&rr_type=A&rr_value1=192.0.2.1");
    let form = world
        .request(Method::POST, "dns_rr_add&add_flag=new_only")
        .header("content-type", "application/x-www-form-urlencoded")
        .body(form);
    world.send(form).await.unwrap().id();
    assert_eq!(world.simulator.call_log().last().unwrap().operation, "add");
    let broken =
        world.request(Method::POST, "dns_rr_add").header("content-type", "application/json").body("{");
    assert!(world.send(broken).await.unwrap().refusal().contains("JSON"));
}

#[tokio::test]
async fn a_delete_by_name_takes_what_is_not_ruled_out() {
    let world = World::start().await;
    let fill = async || {
        for value in ["192.0.2.1", "192.0.2.2"] {
            world.add("many.example.com", "A", &[value], &[]).await.id();
        }
        world.add("many.example.com", "TXT", &["text"], &[]).await.id();
    };
    let left = || {
        world.simulator.rows_at("many.example.com").iter().map(|row| row.values.concat()).collect::<Vec<_>>()
    };
    let name = [("dns_name", SMART), ("rr_name", "many.example.com")];
    fill().await;
    for value in ["value1", "rr_value1"] {
        let number = if value == "value1" { "192.0.2.1" } else { "192.0.2.2" };
        world.delete(&[name[0], name[1], ("rr_type", "A"), (value, number)]).await.id();
    }
    assert_eq!(left(), ["text"]);
    let none = world.delete(&[name[0], name[1], ("rr_type", "A")]).await;
    assert_eq!(none.refusal(), "This RR does not exist");
    world.delete(&name).await.id();
    assert!(left().is_empty());
}

#[tokio::test]
async fn rows_of_members_and_soa_rows_cannot_be_written() {
    let world = World::start().await;
    let copy = world.list("dns_name='ns1.example.com' and rr_full_name='www.example.com'").await.only();
    let soa = world
        .list(&format!("dns_name='{SMART}' and rr_type='SOA' and dnszone_name='example.com'"))
        .await
        .only();
    for row in [copy, soa] {
        let id = row["rr_id"].as_str().unwrap();
        assert!(!world.delete(&[("rr_id", id)]).await.refusal().contains("exist"));
        assert!(!world.edit(id, &[("rr_ttl", "5")]).await.refusal().contains("exist"));
    }
    assert_eq!(world.simulator.rows_at("www.example.com")[0].ttl, 3600);
}

#[tokio::test]
async fn changes_can_be_pushed_later() {
    let world = World::with(Config { publish_delay: Duration::from_millis(400), ..Config::default() }).await;
    let id = world.add("late.example.com", "A", &["192.0.2.1"], &[]).await.id();
    let row = world.at("late.example.com").await.only();
    assert_eq!((&row["delayed_create_time"], &row["delayed_delete_time"]), (&json!("1"), &json!("0")));
    // The member does not have it yet.
    assert_eq!(world.list("rr_full_name='late.example.com'").await.rows().len(), 1);
    tokio::time::sleep(Duration::from_millis(450)).await;
    let rows = world.list("rr_full_name='late.example.com'").await;
    assert_eq!(rows.column("delayed_create_time"), ["0", "0"]);
    assert_eq!(world.delete(&[("rr_id", &id)]).await.id(), id);
    let row = world.at("late.example.com").await.only();
    assert_eq!(row["delayed_delete_time"], json!("1"));
    assert!(world.simulator.rows_at("late.example.com")[0].pending_delete);
    assert_eq!(world.edit(&id, &[("rr_ttl", "5")]).await.refusal(), "This RR does not exist");
    // A new row of the same value may come before the old one is gone.
    world.add("late.example.com", "A", &["192.0.2.1"], &[]).await.id();
    tokio::time::sleep(Duration::from_millis(450)).await;
    let rows = world.at("late.example.com").await;
    assert_eq!(rows.column("delayed_delete_time"), ["0"]);
    assert_ne!(rows.column("rr_id"), [id]);
}

#[tokio::test]
async fn every_write_raises_the_serial_of_its_zone() {
    let world = World::start().await;
    let serial = |zone: &str| {
        let row = world
            .simulator
            .rows()
            .into_iter()
            .find(|row| row.zone == zone && row.record_type == "SOA")
            .unwrap();
        row.values[2].parse::<u32>().unwrap()
    };
    let before = (serial("example.com"), serial("shop.example.com"));
    let id = world.add("web.example.com", "A", &["192.0.2.7"], &[]).await.id();
    world.edit(&id, &[("rr_ttl", "5")]).await.id();
    world.delete(&[("rr_id", &id)]).await.id();
    assert_eq!((serial("example.com"), serial("shop.example.com")), (before.0 + 3, before.1));
}
