//! What tests do behind the client's back.

use solidserver_simulator::{Container, Error, NewRow, RowPatch, SeedServer, SeedView, SeedZone};

use crate::support::{SMART, STAND_ALONE, World};

#[tokio::test]
async fn zones_views_and_servers_come_and_go() {
    let world = World::start().await;
    let zone = SeedZone::master("child.shop.example.com");
    world.simulator.add_zone(SMART, "", &zone).unwrap();
    world.add("www.child.shop.example.com", "A", &["192.0.2.1"], &[]).await.id();
    assert_eq!(world.simulator.rows_at("www.child.shop.example.com")[0].zone, "child.shop.example.com");
    world.simulator.remove_zone(SMART, "", "child.shop.example.com").unwrap();
    assert!(world.simulator.rows_at("www.child.shop.example.com").is_empty());
    assert_eq!(world.list("dnszone_name='child.shop.example.com'").await.status, 204);
    world.add("www.child.shop.example.com", "A", &["192.0.2.1"], &[]).await.id();
    assert_eq!(world.simulator.rows_at("www.child.shop.example.com")[0].zone, "shop.example.com");

    world
        .simulator
        .add_view(STAND_ALONE, &SeedView::new("third").zone(SeedZone::master("example.org")))
        .unwrap();
    let views = world.get("dns_view_list", &[("WHERE", &format!("dns_name='{STAND_ALONE}'"))]).await;
    assert_eq!(views.column("dnsview_name"), ["internal", "external", "third"]);
    for wrong in [
        world.simulator.add_zone(SMART, "", &SeedZone::master("shop.example.com")),
        world.simulator.add_zone(SMART, "nowhere", &SeedZone::master("new.example")),
        world.simulator.add_zone(STAND_ALONE, "", &SeedZone::master("new.example")),
        world.simulator.add_zone("ns1.example.com", "", &SeedZone::master("new.example")),
        world.simulator.add_zone(SMART, "", &SeedZone::of_type("new.example", "primary")),
        world.simulator.add_view(SMART, &SeedView::new("late")),
        world.simulator.add_server(&SeedServer::new(SMART)),
        world.simulator.remove_zone(SMART, "", "new.example"),
    ] {
        assert!(matches!(wrong, Err(Error::Seed(_))), "{wrong:?}");
    }
}

#[tokio::test]
async fn a_smart_with_views_shows_them_on_its_members_too() {
    let world = World::start().await;
    let view = |name: &str| SeedView::new(name).zone(SeedZone::master("two.example"));
    let smart = SeedServer::new("smart.example").member("m1.example").member("m2.example");
    world.simulator.add_server(&smart.view(view("in")).view(view("out"))).unwrap();
    let more = [("dns_name", "smart.example"), ("dnsview_name", "out")];
    world.add("www.two.example", "A", &["192.0.2.1"], &more).await.id();
    let rows = world.list("rr_full_name='www.two.example'").await;
    assert_eq!(rows.column("dns_name"), ["smart.example", "m1.example", "m2.example"]);
    assert_eq!(rows.column("dnsview_name"), ["out"; 3]);
    let mut views = rows.column("dnsview_id");
    views.dedup();
    assert_eq!(views.len(), 3);
    world.simulator.remove_zone("smart.example", "out", "two.example").unwrap();
    assert_eq!(world.list("rr_full_name='www.two.example'").await.status, 204);
    assert_eq!(
        world.list("dnszone_name='two.example' and rr_type='SOA'").await.column("dnsview_name"),
        ["in"; 3]
    );
}

#[tokio::test]
async fn marks_can_be_inherited_or_copied() {
    let world = World::start().await;
    let zone =
        |view: &str| Container::Zone(STAND_ALONE.to_owned(), view.to_owned(), "example.org".to_owned());
    let row =
        NewRow::new("www.example.org", "A", ["192.0.2.1"]).view("internal").class_parameter("mark", "me");
    let id = world.simulator.add_row(row).unwrap().id;
    assert_eq!(world.simulator.copy_rows(&zone("internal"), &zone("external")).unwrap(), 1);
    let rows = world.simulator.rows_at("www.example.org");
    assert_eq!(rows.iter().map(|row| row.view.as_str()).collect::<Vec<_>>(), ["internal", "external"]);
    assert_eq!(rows[1].class_parameters, rows[0].class_parameters);

    world.simulator.patch_row(&id, RowPatch::default().remove_parameter("mark")).unwrap();
    for container in [
        Container::Server(STAND_ALONE.to_owned()),
        Container::View(STAND_ALONE.to_owned(), "internal".to_owned()),
        zone("internal"),
    ] {
        world.simulator.set_class_parameters(&container, [("mark", Some("parent"))]).unwrap();
        let info = world.get("dns_rr_info", &[("rr_id", &id)]).await.only();
        assert_eq!(info["rr_class_parameters"], "mark=parent", "{container:?}");
        assert_eq!(info["rr_class_parameters_properties"], "mark=inherited,propagate");
        world.simulator.set_class_parameters(&container, [("mark", None)]).unwrap();
        let info = world.get("dns_rr_info", &[("rr_id", &id)]).await.only();
        assert_eq!(info["rr_class_parameters"], "");
    }
}

#[tokio::test]
async fn rows_can_be_stored_as_no_service_would_store_them() {
    let world = World::start().await;
    world.simulator.add_row(NewRow::new("raw.example.com", "A", ["not an address"]).raw().ttl(7)).unwrap();
    let row = world.at("raw.example.com").await.only();
    assert_eq!((row["value1"].as_str(), row["ttl"].as_str()), (Some("not an address"), Some("7")));
    world.simulator.add_row(NewRow::new("norm.example.com", "AAAA", ["2001:db8::1"])).unwrap();
    assert_eq!(
        world.at("norm.example.com").await.column("value1"),
        ["2001:0db8:0000:0000:0000:0000:0000:0001"]
    );
    let ambiguous = world.simulator.add_row(NewRow::new("a.example.org", "A", ["192.0.2.1"]));
    assert!(ambiguous.unwrap_err().to_string().contains("2 zones"));
    assert!(matches!(world.simulator.delete_row("1"), Err(Error::UnknownRow(_))));
}
