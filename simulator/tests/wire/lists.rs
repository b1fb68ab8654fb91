//! Lists, infos and counts.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use solidserver_simulator::{Config, NewRow, Seed, SeedServer, SeedView, SeedZone};

use crate::support::{SMART, STAND_ALONE, World};

#[tokio::test]
async fn the_version_probe_finds_the_member_that_answers() {
    let world = World::with(Config { version: "9.0.1".to_owned(), ..Config::default() }).await;
    for condition in ["member_is_me=1", "member_is_me='1'"] {
        let only = world.get("member_list", &[("WHERE", condition)]).await.only();
        assert_eq!((&only["errno"], &only["member_version"]), (&json!("0"), &json!("9.0.1")));
    }
    assert_eq!(world.get("member_list", &[("WHERE", "member_is_me=0")]).await.status, 204);
}

#[tokio::test]
async fn servers_views_and_zones_are_listed_with_their_members() {
    let world = World::start().await;
    let servers = world.get("dns_server_list", &[("ORDERBY", "dns_id")]).await;
    assert_eq!(servers.column("dns_name"), [SMART, "ns1.example.com", STAND_ALONE]);
    assert_eq!(servers.column("dns_type"), ["vdns", "ipm", "ipm"]);
    assert_eq!(servers.column("vdns_parent_name"), ["#", SMART, "#"]);
    assert_eq!(servers.column("vdns_members_name")[0], "ns1.example.com");
    let smart_id = servers.column("dns_id")[0].clone();
    assert_eq!(servers.column("vdns_parent_id"), ["0", &smart_id, "0"]);

    let views = world.get("dns_view_list", &[("ORDERBY", "dnsview_order")]).await;
    assert_eq!(views.column("dnsview_name"), ["internal", "external"]);
    assert_eq!(world.get("dns_view_list", &[("WHERE", &format!("dns_name='{SMART}'"))]).await.status, 204);

    let condition = format!("dns_name='{SMART}'");
    let zones = world.get("dns_zone_list", &[("WHERE", &condition), ("ORDERBY", "dnszone_name DESC")]).await;
    let names = [
        "shop.example.com",
        "partner.example.net",
        "example.com",
        "corp.example.net",
        "2.0.192.in-addr.arpa",
    ];
    assert_eq!(zones.column("dnszone_name"), names);
    assert_eq!(zones.column("dnszone_type"), ["master", "slave", "master", "forward", "master"]);
    assert_eq!(zones.column("dnsview_name"), ["#"; 5]);
    assert_eq!(zones.column("dnsview_id"), ["0"; 5]);
    let all = world.get("dns_zone_count", &[]).await.only();
    assert_eq!(all, json!({"errno": "0", "total": "12"}));
}

#[tokio::test]
async fn an_info_gives_the_row_of_an_id_or_nothing() {
    let world = World::start().await;
    for (list, info, id) in [
        ("dns_server_list", "dns_server_info", "dns_id"),
        ("dns_view_list", "dns_view_info", "dnsview_id"),
        ("dns_zone_list", "dns_zone_info", "dnszone_id"),
        ("dns_rr_list", "dns_rr_info", "rr_id"),
    ] {
        let listed = world.get(list, &[]).await.rows().pop().unwrap();
        let only = world.get(info, &[(id, listed[id].as_str().unwrap())]).await.only();
        assert_eq!(only, listed);
        assert_eq!(world.get(info, &[(id, "99999")]).await.status, 204);
        let missing = world.get(info, &[]).await;
        assert_eq!(missing.status, 400);
        assert_eq!(missing.json()[0]["errno"], json!("4"));
        assert_eq!(missing.json()[0]["parameters"], json!(id));
    }
}

#[tokio::test]
async fn a_row_is_listed_again_for_each_member_with_its_own_id() {
    let world = World::start().await;
    let rows = world.list("rr_full_name='www.example.com'").await;
    assert_eq!(rows.column("dns_name"), [SMART, "ns1.example.com"]);
    let ids: Vec<u64> = rows.column("rr_id").iter().map(|id| id.parse().unwrap()).collect();
    assert_eq!(ids[1], ids[0] + 1);
    assert_eq!(rows.column("vdns_parent_name"), ["#", SMART]);
    let first = world.add("a.example.com", "A", &["192.0.2.1"], &[]).await.id();
    let second = world.add("b.example.com", "A", &["192.0.2.1"], &[]).await.id();
    assert_eq!(second.parse::<u64>().unwrap(), first.parse::<u64>().unwrap() + 2);
}

#[tokio::test]
async fn the_columns_of_a_row_are_texts_in_the_documented_spelling() {
    let world = World::start().await;
    world.add("Alias.Example.com.", "CNAME", &["WWW.example.com."], &[("rr_ttl", "60")]).await.id();
    world.add("v6.example.com", "AAAA", &["2001:db8::A"], &[]).await.id();
    world.add("example.com", "TXT", &["a \"quoted\"; / é"], &[]).await.id();
    let row = world.at("alias.example.com").await.only();
    assert!(row.as_object().unwrap().values().all(Value::is_string), "{row}");
    for (column, expected) in [
        ("errno", "0"),
        ("rr_full_name", "alias.example.com"),
        ("rr_glue", "alias"),
        ("rr_type", "CNAME"),
        ("ttl", "60"),
        ("value1", "www.example.com"),
        ("value2", ""),
        ("rr_all_value", "www.example.com"),
        ("dnszone_name", "example.com"),
        ("dnszone_type", "master"),
        ("dns_name", SMART),
        ("dns_type", "vdns"),
        ("dns_version", ""),
        ("dnsview_name", "#"),
        ("dnsview_id", "0"),
        ("dnszone_site_name", "#"),
        ("delayed_create_time", "0"),
        ("rr_class_parameters", ""),
    ] {
        assert_eq!(row[column], json!(expected), "{column}");
    }
    let address = world.at("v6.example.com").await.only();
    assert_eq!(address["value1"], json!("2001:0db8:0000:0000:0000:0000:0000:000a"));
    assert_eq!(address["rr_value_ip_addr"], json!("20010db800000000000000000000000a"));
    let apex = world.list(&format!("dns_name='{SMART}' and rr_glue='.' and rr_type='TXT'")).await.only();
    assert_eq!(apex["value1"], json!("a \"quoted\"; / é"));
    let soa = world
        .list(&format!("dns_name='{SMART}' and dnszone_name='example.com' and rr_type='SOA'"))
        .await
        .only();
    let serial = soa["value3"].as_str().unwrap();
    assert_eq!(soa["value2"], json!("root@example.com"));
    let all = format!("ns1.example.com, root@example.com, {serial}, 10800, 3600, 604800, 3600");
    assert_eq!(soa["rr_all_value"], json!(all));
    let www = world.at("www.example.com").await.only();
    assert_eq!(www["rr_value_ip4_addr"], json!("c0000250"));
}

#[tokio::test]
async fn select_gives_only_what_is_asked_for() {
    let world = World::start().await;
    let select = [
        ("WHERE", "rr_full_name='www.example.com' and dns_type='vdns'"),
        ("SELECT", "rr_id,rr_full_name, value1,nonsense"),
    ];
    let row = world.get("dns_rr_list", &select).await.only();
    let columns: BTreeSet<&str> = row.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(columns, BTreeSet::from(["errno", "rr_id", "rr_full_name", "value1"]));
}

#[tokio::test]
async fn order_follows_columns_and_their_places() {
    let world = World::start().await;
    for (name, ttl) in [("a", "9"), ("b", "10"), ("c", "9")] {
        world.add(&format!("{name}.shop.example.com"), "A", &["192.0.2.1"], &[("rr_ttl", ttl)]).await.id();
    }
    let names = async |order: &str| {
        let condition = format!("dns_name='{SMART}' and dnszone_name='shop.example.com' and rr_type='A'");
        let parameters = [
            ("WHERE", condition.as_str()),
            ("ORDERBY", order),
            ("SELECT", "rr_glue,ttl,rr_id,dns_name,dnszone_name,rr_type"),
        ];
        world.get("dns_rr_list", &parameters).await
    };
    assert_eq!(names("ttl, rr_glue desc").await.column("rr_glue"), ["c", "a", "b"]);
    assert_eq!(names("2 DESC,1").await.column("rr_glue"), ["b", "a", "c"]);
    assert_eq!(names("RR_ID desc").await.column("rr_glue"), ["c", "b", "a"]);
    for wrong in ["nonsense", "9", "ttl sideways", "ttl asc asc", ","] {
        assert!(names(wrong).await.refusal().contains("ORDERBY"), "{wrong}");
    }
}

/// A zone with this many made-up rows on a stand-alone server.
fn filled(rows: u32) -> Config {
    let server = SeedServer::new("big.example").zone(SeedZone::master("big.example").fill(rows));
    Config { seed: Seed { servers: vec![server] }, ..Config::default() }
}

#[tokio::test]
async fn pages_by_offset_and_by_key_cover_a_zone_once() {
    let world = World::with(filled(248)).await;
    let mut seen = Vec::new();
    for offset in ["0", "100", "200", "300"] {
        let page =
            world.get("dns_rr_list", &[("ORDERBY", "rr_id"), ("limit", "100"), ("offset", offset)]).await;
        seen.push(page.rows().len());
    }
    assert_eq!(seen, [100, 100, 50, 0]);
    let (mut last, mut ids, mut calls) = (0_u64, Vec::new(), 0);
    loop {
        calls += 1;
        let condition = format!("dnszone_name='big.example' and rr_id > {last}");
        let page =
            world.get("dns_rr_list", &[("WHERE", &condition), ("ORDERBY", "rr_id"), ("limit", "100")]).await;
        let Some(highest) = page.column("rr_id").last().cloned().filter(|_| page.status == 200) else {
            break;
        };
        ids.extend(page.column("rr_id"));
        last = highest.parse().unwrap();
    }
    assert_eq!((calls, ids.len(), ids.iter().collect::<BTreeSet<_>>().len()), (4, 250, 250));
    // Upper-case names of parameters are unknown ones.
    assert_eq!(world.get("dns_rr_list", &[("LIMIT", "5")]).await.rows().len(), 250);
}

#[tokio::test]
async fn a_large_zone_does_not_slow_down_lists_of_a_small_one() {
    let seed = filled(100_000).seed;
    let world = World::with(Config { seed, ..Config::default() }).await;
    world.simulator.add_zone("big.example", "", &SeedZone::master("small.example").fill(3)).unwrap();
    let started = std::time::Instant::now();
    for _ in 0..50 {
        let rows =
            world.list("dns_name='big.example' and dnszone_name='small.example' and rr_type='A'").await;
        assert_eq!(rows.rows().len(), 3);
        let rows = world
            .list("dnszone_name='big.example' and (rr_full_name in ('host-7.big.example') or rr_type='SOA')")
            .await;
        assert_eq!(rows.column("rr_type"), ["SOA", "A"]);
    }
    // A scan of 100,000 rows takes tens of milliseconds in a debug build; 100 of them would take seconds.
    assert!(started.elapsed() < std::time::Duration::from_secs(10), "{:?}", started.elapsed());
}

#[tokio::test]
async fn class_parameters_are_inherited_and_say_from_where() {
    let zone =
        SeedZone::master("example.org").class_parameter("site", "paris").class_parameter("owner", "zone");
    let view = SeedView::new("internal").class_parameter("level", "view").zone(zone);
    let server = SeedServer::new("one.example").class_parameter("dnsptr", "0").view(view);
    let world = World::with(Config { seed: Seed { servers: vec![server] }, ..Config::default() }).await;
    let row = NewRow::new("www.example.org", "A", ["192.0.2.1"]).class_parameter("owner", "a=b&c");
    let id = world.simulator.add_row(row).unwrap().id;
    let info = world.get("dns_rr_info", &[("rr_id", &id)]).await.only();
    assert_eq!(info["rr_class_parameters"], json!("dnsptr=0&level=view&owner=a%3Db%26c&site=paris"));
    let properties =
        "dnsptr=inherited,propagate&level=inherited,propagate&owner=set,propagate&site=inherited,propagate";
    assert_eq!(info["rr_class_parameters_properties"], json!(properties));
    let sources = info["rr_class_parameters_inheritance_source"].as_str().unwrap();
    assert_eq!(
        sources,
        format!("dnsptr=real_dns,1&level=real_dnsview,2&owner=real_rr,{id}&site=real_dnszone,3")
    );
    let own = world.get("dns_rr_info", &[("rr_id", &id), ("NO_PARENT_CLASS_PARAM", "1")]).await.only();
    assert_eq!(own["rr_class_parameters"], json!("owner=a%3Db%26c"));
    assert_eq!(own["rr_class_parameters_properties"], json!("owner=set,propagate"));
    let zone = world.get("dns_zone_list", &[]).await.only();
    assert_eq!(zone["dnszone_class_parameters"], json!("dnsptr=0&level=view&owner=zone&site=paris"));
}

#[tokio::test]
async fn versions_before_8_have_no_class_parameters_of_rows() {
    let world = World::with(Config { version: "7.3.1".to_owned(), ..Config::default() }).await;
    world.add("a.example.com", "A", &["192.0.2.1"], &[("rr_class_parameters", "owner=me")]).await.id();
    let row = world.at("a.example.com").await.only();
    assert_eq!(row.get("rr_class_parameters"), None);
    assert_eq!(world.simulator.rows_at("a.example.com")[0].class_parameters.len(), 0);
    // Those of zones are older, and no row shows them.
    let zone = [
        ("dns_name", SMART),
        ("dnszone_name", "p.example"),
        ("dnszone_type", "master"),
        ("dnszone_class_parameters", "owner=zone"),
    ];
    let id = world.call(reqwest::Method::POST, "dns_zone_add", &zone).await.id();
    let shown = world.get("dns_zone_info", &[("dnszone_id", &id)]).await.only();
    assert_eq!(shown["dnszone_class_parameters"], json!("owner=zone"));
    assert!(
        world.list("dnszone_name='p.example'").await.rows().iter().all(|row| {
            row.as_object().unwrap().keys().all(|name| !name.starts_with("rr_class_parameters"))
        })
    );
    // A column that is not there cannot be asked for.
    assert_eq!(world.list("rr_class_parameters like '%owner%'").await.status, 400);
}

#[tokio::test]
async fn ip_site_list_is_empty_and_unknown_services_are_refused() {
    let world = World::start().await;
    assert_eq!(world.get("ip_site_list", &[("WHERE", "site_name=''")]).await.status, 204);
    assert!(world.get("dns_nonsense_list", &[]).await.refusal().contains("dns_nonsense_list"));
    assert!(world.get("dns_rr_add", &[]).await.refusal().contains("dns_rr_add"));
    for path in ["/", "/rpc/dns_rr_list", "/api/v3.0/dns/rr/list"] {
        let url = format!("{}{path}", world.simulator.endpoint());
        let reply = world.send(world.client.get(url).basic_auth("operator", Some("secret"))).await.unwrap();
        assert_eq!(reply.status, 404, "{path}");
    }
}
