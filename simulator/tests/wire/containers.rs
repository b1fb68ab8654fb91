//! Adding, editing and deleting servers, views and zones; what services say of themselves.

use std::time::Duration;

use reqwest::Method;
use serde_json::json;
use solidserver_simulator::{Config, SeedServer};

use crate::support::{Reply, SMART, STAND_ALONE, World};

async fn post(world: &World, service: &str, parameters: &[(&str, &str)]) -> Reply {
    world.call(Method::POST, service, parameters).await
}

async fn put(world: &World, service: &str, parameters: &[(&str, &str)]) -> Reply {
    world.call(Method::PUT, service, parameters).await
}

async fn delete(world: &World, service: &str, parameters: &[(&str, &str)]) -> Reply {
    world.call(Method::DELETE, service, parameters).await
}

const NEW: (&str, &str) = ("add_flag", "new_only");

#[tokio::test]
async fn a_server_is_added_edited_and_deleted() {
    let world = World::start().await;
    let parameters = [
        ("dns_name", "New.example.net"),
        ("hostaddr", "192.0.2.53"),
        ("dns_type", "ipm"),
        ("dns_comment", "a comment"),
        ("dns_recursion", "no"),
        ("dns_class_name", ""),
        ("dns_class_parameters", "site=Paris"),
        NEW,
    ];
    let added = post(&world, "dns_add", &parameters).await;
    assert_eq!(added.status, 201);
    let id = added.id();
    let info = world.get("dns_server_info", &[("dns_id", &id)]).await.only();
    for (column, value) in [
        ("dns_name", "new.example.net"),
        ("ip_addr", "c0000235"),
        ("dns_type", "ipm"),
        ("dns_comment", "a comment"),
        ("dns_recursion", "no"),
        ("dns_state", "Y"),
        ("dns_synching", "0"),
        ("vdns_parent_id", "0"),
        ("dns_class_parameters", "site=Paris"),
    ] {
        assert_eq!(info[column], json!(value), "{column}");
    }
    let edit = [
        ("dns_id", id.as_str()),
        ("dns_forward", "first"),
        ("dns_forwarders", "10.0.0.1;"),
        ("add_flag", "edit_only"),
    ];
    assert_eq!(put(&world, "dns_add", &edit).await.id(), id);
    let info = world.get("dns_server_info", &[("dns_id", &id)]).await.only();
    assert_eq!((&info["dns_forward"], &info["dns_comment"]), (&json!("first"), &json!("a comment")));
    assert!(post(&world, "dns_add", &parameters).await.refusal().contains("already exist"));
    post(
        &world,
        "dns_zone_add",
        &[("dns_id", &id), ("dnszone_name", "z.example"), ("dnszone_type", "master"), NEW],
    )
    .await
    .id();
    assert_eq!(delete(&world, "dns_delete", &[("dns_id", &id)]).await.status, 200);
    assert_eq!(world.get("dns_server_info", &[("dns_id", &id)]).await.status, 204);
    assert_eq!(world.list("dnszone_name='z.example'").await.status, 204);
    assert!(delete(&world, "dns_delete", &[("dns_id", &id)]).await.refusal().contains("does not exist"));
    let odd = [("dns_name", "x.example"), ("hostaddr", "192.0.2.54"), ("dns_type", "odd")];
    assert!(post(&world, "dns_add", &odd).await.refusal().contains("type"));
    let windows = [
        ("dns_name", "ms.example.net"),
        ("hostaddr", "192.0.2.54"),
        ("dns_type", "msdaemon"),
        ("ipmdns_https_password", "hush"),
        NEW,
    ];
    let id = post(&world, "dns_add", &windows).await.id();
    assert_eq!(world.get("dns_server_info", &[("dns_id", &id)]).await.column("dns_type"), ["msdaemon"]);
    let told = format!("{:?} {:?}", world.simulator.requests(), world.simulator.call_log());
    assert!(told.contains("ipmdns_https_password") && !told.contains("hush"));
    assert_eq!(
        post(&world, "dns_add", &[("dns_name", "x.example")]).await.json()["parameters"],
        "dns_name/hostaddr"
    );
    let smart = [("dns_name", "smart.example.net"), ("dns_type", "vdns"), ("vdns_arch", "multimaster"), NEW];
    let id = post(&world, "dns_add", &smart).await.id();
    let info = world.get("dns_server_info", &[("dns_id", &id)]).await.only();
    assert_eq!((&info["dns_type"], &info["vdns_arch"]), (&json!("vdns"), &json!("multimaster")));
}

#[tokio::test]
async fn a_view_is_added_edited_and_deleted_with_its_zones() {
    let world = World::start().await;
    world.simulator.add_server(&SeedServer::new("smart.example.net").member("member.example.net")).unwrap();
    let parameters = [
        ("dns_name", "smart.example.net"),
        ("dnsview_name", "Inside"),
        ("dnsview_recursion", "no"),
        ("dnsview_match_clients", "10.0.0.0/8;"),
        ("dnsview_class_name", ""),
        ("dnsview_class_parameters", ""),
        NEW,
    ];
    let id = post(&world, "dns_view_add", &parameters).await.id();
    let views = world.get("dns_view_list", &[("WHERE", "dnsview_name='Inside'")]).await;
    assert_eq!(views.column("dns_name"), ["smart.example.net", "member.example.net"]);
    assert_eq!(views.column("dnsview_match_clients"), ["10.0.0.0/8;"; 2]);
    assert_ne!(views.column("dnsview_id")[0], views.column("dnsview_id")[1]);
    let edit = [("dnsview_id", id.as_str()), ("dnsview_recursion", "yes"), ("add_flag", "edit_only")];
    put(&world, "dns_view_add", &edit).await.id();
    let info = world.get("dns_view_info", &[("dnsview_id", &id)]).await.only();
    assert_eq!((&info["dnsview_recursion"], &info["delayed_create_time"]), (&json!("yes"), &json!("0")));
    assert!(post(&world, "dns_view_add", &parameters).await.refusal().contains("already exist"));
    let zone = [
        ("dns_name", "smart.example.net"),
        ("dnsview_name", "Inside"),
        ("dnszone_name", "z.example"),
        ("dnszone_type", "master"),
        NEW,
    ];
    post(&world, "dns_zone_add", &zone).await.id();
    // A view is not chosen by itself.
    let without: Vec<_> = zone.iter().copied().filter(|(name, _)| *name != "dnsview_name").collect();
    assert_eq!(post(&world, "dns_zone_add", &without).await.json()["errno"], "4");
    assert_eq!(
        world.get("dns_zone_count", &[("WHERE", "dnszone_name='z.example'")]).await.only()["total"],
        "2"
    );
    assert_eq!(delete(&world, "dns_view_delete", &[("dnsview_id", &id)]).await.id(), id);
    assert_eq!(world.get("dns_view_list", &[("WHERE", "dnsview_name='Inside'")]).await.status, 204);
    assert_eq!(
        world.get("dns_zone_count", &[("WHERE", "dnszone_name='z.example'")]).await.only()["total"],
        "0"
    );
    assert_eq!(world.list("dnszone_name='z.example'").await.status, 204);
    // Without views again, it takes zones outside of them.
    post(&world, "dns_zone_add", &without).await.id();
    // A server with zones outside of views takes no view.
    let view = [("dns_name", SMART), ("dnsview_name", "v"), NEW];
    assert!(post(&world, "dns_view_add", &view).await.refusal().contains("outside of views"));
}

#[tokio::test]
async fn a_zone_begins_with_soa_and_ns_and_appears_on_the_members() {
    let world = World::start().await;
    let parameters = [
        ("dns_name", SMART),
        ("dnszone_name", "New.example"),
        ("dnszone_type", "master"),
        ("dnszone_site_id", ""),
        ("dnszone_notify", "explicit"),
        ("dnszone_also_notify", "10.0.0.9 port 53;"),
        ("dnszone_class_name", ""),
        ("dnszone_class_parameters", "dnsptr=0"),
        NEW,
    ];
    let added = post(&world, "dns_zone_add", &parameters).await;
    assert_eq!(added.status, 201);
    let id = added.id();
    let info = world.get("dns_zone_info", &[("dnszone_id", &id)]).await.only();
    for (column, value) in [
        ("dns_name", SMART),
        ("dnsview_name", "#"),
        ("dnszone_name", "new.example"),
        ("dnszone_type", "master"),
        ("dnszone_site_name", "#"),
        ("dnszone_notify", "explicit"),
        ("dnszone_also_notify", "10.0.0.9 port 53;"),
        ("dnszone_class_parameters", "dnsptr=0"),
        ("delayed_create_time", "0"),
    ] {
        assert_eq!(info[column], json!(value), "{column}");
    }
    let rows = world.list("dnszone_name='new.example'").await;
    assert_eq!(rows.column("dns_name"), [SMART, "ns1.example.com", SMART, "ns1.example.com"]);
    assert_eq!(rows.column("rr_type"), ["SOA", "SOA", "NS", "NS"]);
    world.add("www.new.example", "A", &["192.0.2.1"], &[]).await.id();
    assert_eq!(world.list("rr_full_name='www.new.example'").await.rows().len(), 2);

    let edit = [
        ("dnszone_id", id.as_str()),
        ("dnszone_type", "master"),
        ("dnszone_site_id", "1"),
        ("dnszone_notify", "no"),
        ("dnszone_class_parameters", "owner=net"),
        ("add_flag", "edit_only"),
    ];
    assert_eq!(put(&world, "dns_zone_add", &edit).await.id(), id);
    let zones = world.get("dns_zone_list", &[("WHERE", "dnszone_name='new.example'")]).await;
    assert_eq!(zones.column("dnszone_notify"), ["no"; 2]);
    assert_eq!(zones.column("dnszone_site_name"), ["Local"; 2]);
    assert_eq!(zones.column("dnszone_class_parameters"), ["dnsptr=0&owner=net"; 2]);
    let other_type = [("dnszone_id", id.as_str()), ("dnszone_type", "slave"), ("add_flag", "edit_only")];
    put(&world, "dns_zone_add", &other_type).await.refusal();

    assert_eq!(delete(&world, "dns_zone_delete", &[("dnszone_id", &id)]).await.id(), id);
    assert_eq!(world.get("dns_zone_info", &[("dnszone_id", &id)]).await.status, 204);
    assert_eq!(world.list("dnszone_name='new.example'").await.status, 204);
    assert!(
        delete(&world, "dns_zone_delete", &[("dnszone_id", &id)]).await.refusal().contains("does not exist")
    );
}

#[tokio::test]
async fn a_zone_is_refused_where_it_cannot_be() {
    let world = World::start().await;
    let before = world.get("dns_zone_count", &[]).await.only();
    for (parameters, words) in [
        (
            &[("dns_name", SMART), ("dnszone_name", "example.com"), ("dnszone_type", "master")][..],
            "already exists",
        ),
        (
            &[("dns_name", "none"), ("dnszone_name", "a.example"), ("dnszone_type", "master")],
            "does not exist",
        ),
        (&[("dns_name", SMART), ("dnszone_name", "a.example"), ("dnszone_type", "odd")], "Invalid zone type"),
        (
            &[("dns_name", SMART), ("dnszone_name", "a..example"), ("dnszone_type", "master")],
            "Invalid zone name",
        ),
        (&[("dns_name", SMART), ("dnszone_name", "a.example")], "Missing parameter"),
        (
            &[("dns_name", "ns1.example.com"), ("dnszone_name", "a.example"), ("dnszone_type", "master")],
            "SMART",
        ),
        (
            &[
                ("dns_name", SMART),
                ("dnszone_name", "a.example"),
                ("dnszone_type", "master"),
                ("dnszone_site_id", "7"),
            ],
            "Space does not exist",
        ),
    ] {
        let mut parameters = parameters.to_vec();
        parameters.push(NEW);
        let message = post(&world, "dns_zone_add", &parameters).await.refusal();
        assert!(message.contains(words), "{message}, not {words}");
    }
    // Aliases of the parameters.
    let aliases = [
        ("dns_name", SMART),
        ("zone", "fwd.example"),
        ("zone_type", "forward"),
        ("forwarders", "10.0.0.1;"),
        NEW,
    ];
    let id = post(&world, "dns_zone_add", &aliases).await.id();
    let info = world.get("dns_zone_info", &[("dnszone_id", &id)]).await.only();
    assert_eq!(
        (&info["dnszone_type"], &info["dnszone_forwarders"]),
        (&json!("forward"), &json!("10.0.0.1;"))
    );
    assert_eq!(world.list("dnszone_name='fwd.example'").await.status, 204);
    delete(&world, "dns_zone_delete", &[("dns_name", SMART), ("dnszone_name", "fwd.example")]).await.id();
    assert_eq!(world.get("dns_zone_count", &[]).await.only(), before);
}

#[tokio::test]
async fn new_zones_and_views_are_pending_until_they_are_pushed() {
    let delay = Duration::from_secs(60);
    let world = World::with(Config { publish_delay: delay, ..Config::default() }).await;
    let zone = [("dns_name", SMART), ("dnszone_name", "new.example"), ("dnszone_type", "master"), NEW];
    let id = post(&world, "dns_zone_add", &zone).await.id();
    let view = [("dns_name", STAND_ALONE), ("dnsview_name", "new"), NEW];
    let view_id = post(&world, "dns_view_add", &view).await.id();
    // The members don't have it yet.
    let zones = world.get("dns_zone_list", &[("WHERE", "dnszone_name='new.example'")]).await;
    assert_eq!(zones.column("delayed_create_time"), ["1"]);
    let info = world.get("dns_view_info", &[("dnsview_id", &view_id)]).await.only();
    assert_eq!(info["delayed_create_time"], "1");
    delete(&world, "dns_zone_delete", &[("dnszone_id", &id)]).await.id();
    delete(&world, "dns_view_delete", &[("dnsview_id", &view_id)]).await.id();
    for service in ["dns_zone_count", "dns_view_count"] {
        let pending = world.get(service, &[("WHERE", "delayed_delete_time='1'")]).await.only();
        assert_eq!(pending["total"], "1", "{service}");
    }
    // A shorter delay holds for what comes later.
    world.simulator.set_publish_delay(Duration::from_millis(50));
    delete(&world, "dns_zone_delete", &[("dnszone_id", &id)]).await.id();
    let mut tries = 0;
    while world.get("dns_zone_info", &[("dnszone_id", &id)]).await.status != 204 {
        tokio::time::sleep(Duration::from_millis(20)).await;
        tries += 1;
        assert!(tries < 200, "it is never pushed");
    }
}

#[tokio::test]
async fn options_of_servers_and_views_are_kept_by_key() {
    let world = World::start().await;
    let server = [("dns_name", SMART), ("param_key", "forward")];
    let list = async |condition: &str| world.get("dns_server_param_list", &[("WHERE", condition)]).await;
    let condition = format!("dns_name='{SMART}' AND param_key='forward'");
    assert_eq!(list(&condition).await.status, 204);
    let mut set = server.to_vec();
    set.push(("param_value", "first"));
    put(&world, "dns_server_param_add", &set).await.id();
    assert_eq!(list(&condition).await.column("param_value"), ["first"]);
    delete(&world, "dns_server_param_delete", &server).await.id();
    assert_eq!(list(&condition).await.status, 204);
    let view = world
        .get("dns_view_list", &[("WHERE", "dnsview_name='internal'")])
        .await
        .column("dnsview_id")
        .concat();
    let set = [("dnsview_id", view.as_str()), ("param_key", "forwarders"), ("param_value", "")];
    put(&world, "dns_view_param_add", &set).await.id();
    let condition = format!("dns_name='{STAND_ALONE}' AND dnsview_id='{view}' AND param_key='forwarders'");
    let found = world.get("dns_view_param_list", &[("WHERE", &condition)]).await;
    assert_eq!(found.column("param_value"), [""]);
}

#[tokio::test]
async fn there_is_one_space() {
    let world = World::start().await;
    let list = async |condition: &str| world.get("ip_site_list", &[("WHERE", condition)]).await;
    assert_eq!(list("").await.column("site_name"), ["Local"]);
    assert_eq!(list("site_name='Local'").await.column("site_id"), ["1"]);
    for condition in ["site_name=''", "site_name='none'"] {
        assert_eq!(list(condition).await.status, 204, "{condition}");
    }
}

#[tokio::test]
async fn a_service_describes_itself() {
    let world = World::start().await;
    for (service, names) in [
        ("dns_rr_add", &["rr_name", "rr_value1", "value1", "add_flag", "rr_class_parameters", "ret_oid"][..]),
        ("dns_rr_delete", &["rr_id", "rr_value7", "ret_oid"]),
        ("dns_rr_list", &["WHERE", "limit", "rr_all_value", "ttl"]),
        ("dns_zone_add", &["dnszone_type", "dnszone_notify", "dnszone_class_name"]),
        ("dns_add", &["hostaddr", "vdns_arch", "dns_comment"]),
        ("dns_server_info", &["dns_id", "ip_addr"]),
    ] {
        let reply = world.call(Method::OPTIONS, service, &[]).await;
        let entries = reply.rows();
        assert_eq!(entries[0]["errno"], "0", "{service}");
        for name in names {
            assert!(entries.iter().any(|entry| entry["name"] == *name), "{service} {name}");
        }
    }
    let rows = world.call(Method::OPTIONS, "dns_rr_delete", &[]).await.rows();
    assert!(!rows.iter().any(|entry| entry["name"] == "value8"));
    let mandatory: Vec<_> =
        rows.iter().filter_map(|entry| entry["mandatory_edition_params"].as_str()).collect();
    assert_eq!(mandatory, ["rr_id || (rr_name && (dns_id || dns_name || hostaddr))"]);
    assert!(
        world.call(Method::OPTIONS, "dns_nonsense_add", &[]).await.refusal().contains("dns_nonsense_add")
    );
    assert_eq!(world.simulator.calls().writes(), 0);
}
