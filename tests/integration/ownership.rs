//! Whose a row is, end to end: holders and rivals, hand-over, adoption, sharing, marks that are none.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::Duration;

use rstest::rstest;
use solidserver_simulator::{Container, NewRow, RowPatch, RowView};

use crate::wire::Wire::{self, RestBasic, RestNative, RestToken, V2Basic, V2Native, V2Token};
use crate::world::{World, for_all, manifest, message};

/// Creation times have seconds: two objects are of different age only when one is made this much later.
const ANOTHER_SECOND: Duration = Duration::from_millis(1_100);

/// Adds, edits and deletes since the last reset.
fn writes(world: &World) -> (u64, u64, u64) {
    let calls = world.simulator.calls();
    (calls.operation("add"), calls.operation("edit"), calls.operation("delete"))
}

async fn world(wire: Wire) -> World {
    let world = wire.running("1h").await;
    world.namespace("shop").await;
    world
}

fn a(name: &str, value: &str) -> String {
    format!("fqdn: {name}.example.com, type: A, values: [{value}]")
}

async fn delete(world: &World, name: &str) {
    world.kubectl(&["delete", "dnsrecord", "-n", "shop", name, "--timeout=60s"]).await;
}

/// Takes a DnsRecord away as a restored or rebuilt cluster would: without anybody looking after its rows.
async fn vanish(world: &World, name: &str) {
    let patch = r#"{"metadata":{"finalizers":null}}"#;
    world.kubectl(&["patch", "dnsrecord", "-n", "shop", name, "--type=merge", "-p", patch]).await;
    delete(world, name).await;
}

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn a_change_of_type_and_a_rename_leave_no_row_behind(
    #[values(RestBasic, RestNative, RestToken, V2Basic, V2Native, V2Token)] wire: Wire,
) {
    let world = world(wire).await;
    let alias = "fqdn: move.example.com, type: CNAME, values: [www.example.com]";
    world.apply(&manifest("shop", "move", alias)).await;
    world.until_ready("shop", 1).await;
    world.apply(&manifest("shop", "move", &a("move", "192.0.2.1"))).await;
    world.until_ready("shop", 1).await;
    assert_eq!(world.rows("move.example.com"), ["A 600 192.0.2.1 | shop/move"]);
    world.simulator.reset_calls();
    world.apply(&manifest("shop", "move", &a("moved", "192.0.2.1"))).await;
    world.until_ready("shop", 1).await;
    assert!(world.rows("move.example.com").is_empty());
    assert_eq!(world.rows("moved.example.com"), ["A 600 192.0.2.1 | shop/move"]);
    assert_eq!(writes(&world), (1, 0, 1));
    let order: Vec<String> = world
        .simulator
        .call_log()
        .into_iter()
        .map(|call| call.operation)
        .filter(|operation| ["add", "delete"].contains(&operation.as_str()))
        .collect();
    assert_eq!(order, ["add", "delete"], "the new name is there before the old one goes");
    world.apply(&manifest("shop", "move", &alias.replace("move.", "moved."))).await;
    world.until_ready("shop", 1).await;
    assert_eq!(world.rows("moved.example.com"), ["CNAME 600 www.example.com | shop/move"]);
    delete(&world, "move").await;
    assert!(world.rows("moved.example.com").is_empty());
    world.a_round("default").await;
    assert_eq!(world.simulator.rows().iter().filter(|row| !row.class_parameters.is_empty()).count(), 0);
}

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn of_two_records_the_holder_has_the_rrset_and_the_next_takes_it_over_in_place(
    #[values(RestBasic, RestNative, RestToken, V2Basic, V2Native, V2Token)] wire: Wire,
) {
    let mut world = world(wire).await;
    world.apply(&manifest("shop", "early", &a("early", "192.0.2.3"))).await;
    world.until_ready("shop", 1).await;
    tokio::time::sleep(ANOTHER_SECOND).await;
    world.apply(&manifest("shop", "first", &a("web", "192.0.2.1"))).await;
    world.until_ready("shop", 2).await;
    world.apply(&manifest("shop", "second", &a("web", "192.0.2.2"))).await;
    let record = world.until_reason("shop", "second", "Conflict").await;
    assert!(message(&record).contains("shop/first"), "{}", message(&record));

    // The holder goes: an edit, nothing else.
    world.simulator.reset_calls();
    delete(&world, "first").await;
    world.until_reason("shop", "second", "InSync").await;
    assert_eq!(world.rows("web.example.com"), ["A 600 192.0.2.2 | shop/second"]);
    assert_eq!(writes(&world), (0, 1, 0));

    // An older object that is renamed onto it gets nothing and keeps what it has.
    world.simulator.reset_calls();
    world.apply(&manifest("shop", "early", &a("web", "192.0.2.3"))).await;
    let record = world.until_reason("shop", "early", "Conflict").await;
    assert!(message(&record).contains("shop/second"), "{}", message(&record));
    world.a_round("default").await;
    assert_eq!(world.rows("web.example.com"), ["A 600 192.0.2.2 | shop/second"]);
    assert_eq!(world.rows("early.example.com"), ["A 600 192.0.2.3 | shop/early"]);
    assert_eq!(writes(&world), (0, 0, 0));

    // All is created anew in reverse order: who holds the rows has them again, without a write.
    world.kill_operator().await;
    for name in ["second", "early"] {
        vanish(&world, name).await;
    }
    world.apply(&manifest("shop", "early", &a("web", "192.0.2.3"))).await;
    tokio::time::sleep(ANOTHER_SECOND).await;
    world.apply(&manifest("shop", "second", &a("web", "192.0.2.2"))).await;
    world.simulator.reset_calls();
    world.start_operator().await;
    world.until_reason("shop", "second", "InSync").await;
    world.until_reason("shop", "early", "Conflict").await;
    assert_eq!(writes(&world).0 + writes(&world).1, 0);
    assert_eq!(world.rows("web.example.com"), ["A 600 192.0.2.2 | shop/second"]);

    // When the holder goes, the one that was renamed takes over.
    world.simulator.reset_calls();
    delete(&world, "second").await;
    world.until_reason("shop", "early", "InSync").await;
    assert_eq!(world.rows("web.example.com"), ["A 600 192.0.2.3 | shop/early"]);
    assert_eq!((writes(&world).0, writes(&world).1), (0, 1));
}

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn one_renamed_onto_a_held_name_takes_it_over_when_the_holder_goes(
    #[values(RestBasic, RestNative, RestToken, V2Basic, V2Native, V2Token)] wire: Wire,
) {
    let world = world(wire).await;
    world.apply(&manifest("shop", "holder", &a("web", "192.0.2.1"))).await;
    world.apply(&manifest("shop", "other", &a("other", "192.0.2.2"))).await;
    world.until_ready("shop", 2).await;
    world.apply(&manifest("shop", "other", &a("web", "192.0.2.2"))).await;
    world.until_reason("shop", "other", "Conflict").await;
    world.simulator.reset_calls();
    delete(&world, "holder").await;
    world.until_reason("shop", "other", "InSync").await;
    assert_eq!(world.rows("web.example.com"), ["A 600 192.0.2.2 | shop/other"]);
    assert!(world.rows("other.example.com").is_empty());
    assert_eq!(writes(&world), (0, 1, 1));
}

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn without_a_holder_the_older_wins(
    #[values(RestBasic, RestNative, RestToken, V2Basic, V2Native, V2Token)] wire: Wire,
) {
    let mut world = world(wire).await;
    world.kill_operator().await;
    world.apply(&manifest("shop", "z", &a("web", "192.0.2.1"))).await;
    tokio::time::sleep(ANOTHER_SECOND).await;
    world.apply(&manifest("shop", "a", &a("web", "192.0.2.2"))).await;
    world.start_operator().await;
    world.until_reason("shop", "z", "InSync").await;
    world.until_reason("shop", "a", "Conflict").await;
    assert_eq!(world.rows("web.example.com"), ["A 600 192.0.2.1 | shop/z"]);
}

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn fifty_records_under_new_object_names_are_fifty_edits(
    #[values(RestBasic, RestNative, RestToken, V2Basic, V2Native, V2Token)] wire: Wire,
) {
    let world = world(wire).await;
    let all = |prefix: &str| {
        (0..50).fold(String::new(), |mut text, index| {
            let spec = a(&format!("host{index}"), &format!("192.0.2.{index}"));
            let _ = write!(text, "{}", manifest("shop", &format!("{prefix}{index}"), &spec));
            text
        })
    };
    world.apply(&all("old-")).await;
    world.until_ready("shop", 50).await;
    let ids = |world: &World| {
        let ours = |row: &RowView| row.class_parameters.contains_key("k8s_owner");
        world.simulator.rows().into_iter().filter(ours).map(|row| row.id).collect::<Vec<_>>()
    };
    let before = ids(&world);
    world.simulator.reset_calls();
    world.apply(&all("new-")).await;
    world.kubectl_in(&["delete", "--timeout=80s", "-f", "-"], &all("old-")).await;
    world.until_ready("shop", 50).await;
    assert_eq!(writes(&world), (0, 50, 0));
    assert_eq!(ids(&world), before, "they are the same rows");
    for index in 0..50 {
        let expected = format!("A 600 192.0.2.{index} | shop/new-{index}");
        assert_eq!(world.rows(&format!("host{index}.example.com")), [expected]);
    }
}

fn mark_of(row: &RowView) -> BTreeMap<String, String> {
    row.class_parameters
        .iter()
        .filter(|(key, _)| key.starts_with("k8s_"))
        .map(|(key, value)| (key.clone(), value.clone()))
        .collect()
}

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn inherited_and_copied_marks_are_none(
    #[values(RestBasic, RestNative, RestToken, V2Basic, V2Native, V2Token)] wire: Wire,
) {
    let world = world(wire).await;
    let zones = for_all(&["ns.example.com", "views.example.com"], &["", "internal", "external"]);
    let spec = format!("resyncInterval: 1h\n  defaults: {{dnsServer: ns.example.com, ttl: 600}}\n  {zones}");
    world.solid_server("default", &spec).await;
    let in_view = |view: &str, name: &str, more: &str| {
        format!(
            "fqdn: {name}.example.org, type: A, values: [192.0.2.1], dnsServer: views.example.com, view: {view}{more}"
        )
    };
    let internal = Container::Zone("views.example.com".into(), "internal".into(), "example.org".into());
    let external = Container::Zone("views.example.com".into(), "external".into(), "example.org".into());
    world.apply(&manifest("shop", "web", &in_view("internal", "web", ""))).await;
    world.apply(&manifest("shop", "ghost", &in_view("internal", "ghost", ""))).await;
    world.until_ready("shop", 2).await;
    let mark = mark_of(&world.simulator.rows_at("ghost.example.org")[0]);
    assert_eq!(mark.len(), 3);
    delete(&world, "ghost").await;

    // A row without a mark of its own inherits one that is right in every part, from zone, view or server.
    world
        .simulator
        .add_row(NewRow::new("ghost.example.org", "A", ["192.0.2.1"]).view("internal").ttl(600))
        .unwrap();
    let ghost = world.simulator.rows_at("ghost.example.org");
    let containers = [
        internal.clone(),
        Container::View("views.example.com".into(), "internal".into()),
        Container::Server("views.example.com".into()),
    ];
    for container in containers {
        let of = |key: &str| mark[key].clone();
        let (owner, rrset, uid) = (of("k8s_owner"), of("k8s_rrset"), of("k8s_cluster_uid"));
        world
            .simulator
            .set_class_parameters(
                &container,
                [
                    ("k8s_owner", Some(owner.as_str())),
                    ("k8s_rrset", Some(rrset.as_str())),
                    ("k8s_cluster_uid", Some(uid.as_str())),
                ],
            )
            .unwrap();
        world
            .apply(&manifest("shop", "ghost", &in_view("internal", "ghost", ", adoptionPolicy: Never")))
            .await;
        world.until_reason("shop", "ghost", "Conflict").await;
        world.a_round("default").await;
        delete(&world, "ghost").await;
        assert_eq!(world.simulator.rows_at("ghost.example.org"), ghost, "{container:?}");
        let none = [("k8s_owner", None), ("k8s_rrset", None), ("k8s_cluster_uid", None)];
        world.simulator.set_class_parameters(&container, none).unwrap();
    }

    // A row that was copied with its mark to another name, and a zone that was copied with its marks to another view.
    let web = world.simulator.rows_at("web.example.org").remove(0);
    let mut copy = NewRow::new("copy.example.org", "A", ["192.0.2.1"]).view("internal").ttl(600);
    copy.class_parameters.clone_from(&web.class_parameters);
    world.simulator.add_row(copy).unwrap();
    assert!(world.simulator.copy_rows(&internal, &external).unwrap() >= 2);
    let others = |world: &World| {
        let mut rows = world.simulator.rows_at("web.example.org");
        rows.extend(world.simulator.rows_at("copy.example.org"));
        rows.retain(|row| row.id != web.id);
        rows
    };
    let before = others(&world);
    assert_eq!(before.len(), 3);
    world.apply(&manifest("shop", "copy", &in_view("internal", "copy", ", adoptionPolicy: Always"))).await;
    world.apply(&manifest("shop", "outside", &in_view("external", "web", ", adoptionPolicy: Always"))).await;
    for name in ["copy", "outside"] {
        let record = world.until_reason("shop", name, "Conflict").await;
        assert!(message(&record).contains("a copied mark \"test/shop/web\""), "{}", message(&record));
    }
    world.a_round("default").await;
    for name in ["copy", "outside", "web"] {
        delete(&world, name).await;
    }
    assert_eq!(others(&world), before);
    assert!(
        world.simulator.rows_at("web.example.org").iter().all(|row| row.id != web.id),
        "its own row went"
    );
}

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn unmarked_rows_are_adopted_as_the_policy_says(
    #[values(RestBasic, RestNative, RestToken, V2Basic, V2Native, V2Token)] wire: Wire,
) {
    let world = world(wire).await;
    let row = |name: &str, value: &str| {
        let row = NewRow::new(format!("{name}.example.com"), "A", [value]).ttl(600);
        world.simulator.add_row(row.class_parameter("site", "Paris")).unwrap()
    };
    for value in ["192.0.2.1", "192.0.2.2"] {
        row("same", value);
    }
    for name in ["never", "differs", "always"] {
        row(name, "192.0.2.9");
    }
    let foreign = row("foreign", "192.0.2.1");
    let digest = "0123456789abcdef";
    let patch = RowPatch::default()
        .set_parameter("k8s_owner", "other/shop/web")
        .set_parameter("k8s_rrset", digest)
        .set_parameter("k8s_cluster_uid", "1");
    let foreign = world.simulator.patch_row(&foreign.id, patch).unwrap();

    world.simulator.reset_calls();
    world.apply(&manifest("shop", "same", &a("same", "192.0.2.2, 192.0.2.1"))).await;
    world.until_ready("shop", 1).await;
    assert_eq!(writes(&world), (0, 2, 0), "one edit for each row");
    for edit in world.simulator.call_log().iter().filter(|call| call.operation == "edit") {
        let sent = edit.parameter("rr_class_parameters").unwrap();
        assert!(sent.contains("k8s_owner") && !sent.contains("site"), "{sent}");
        assert!(!sent.contains("Paris"), "{sent}");
    }
    let same = world.simulator.rows_at("same.example.com");
    assert!(
        same.iter().all(|row| row.class_parameters["site"] == "Paris" && row.class_parameters.len() == 4)
    );

    world.simulator.reset_calls();
    world.apply(&manifest("shop", "differs", &a("differs", "192.0.2.1"))).await;
    let never = a("never", "192.0.2.9") + ", adoptionPolicy: Never";
    world.apply(&manifest("shop", "never", &never)).await;
    for name in ["differs", "never"] {
        let record = world.until_reason("shop", name, "Conflict").await;
        assert!(message(&record).contains("192.0.2.9 with TTL 600 (without a mark)"), "{}", message(&record));
    }
    assert_eq!(writes(&world), (0, 0, 0));

    for mode in ["Never", "IfIdentical", "Always"] {
        let spec = a("foreign", "192.0.2.1") + ", adoptionPolicy: " + mode;
        world.apply(&manifest("shop", "foreign", &spec)).await;
        let record = world.until_reason("shop", "foreign", "Conflict").await;
        assert!(message(&record).contains("other/shop/web"), "{}", message(&record));
        world.a_round("default").await;
    }
    delete(&world, "foreign").await;
    assert_eq!(world.simulator.rows_at("foreign.example.com"), [foreign]);
    assert_eq!(writes(&world), (0, 0, 0));

    world.apply(&manifest("shop", "always", &(a("always", "192.0.2.1") + ", adoptionPolicy: Always"))).await;
    world.until_reason("shop", "always", "InSync").await;
    assert_eq!(writes(&world), (0, 1, 0));
    let taken = world.simulator.rows_at("always.example.com").remove(0);
    assert_eq!((taken.values[0].as_str(), taken.class_parameters["site"].as_str()), ("192.0.2.1", "Paris"));
    delete(&world, "never").await;
    assert_eq!(world.rows("never.example.com"), ["A 600 192.0.2.9 | -"]);
}

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn shared_touches_only_its_own_and_exclusive_tells_of_foreign_values(
    #[values(RestBasic, RestNative, RestToken, V2Basic, V2Native, V2Token)] wire: Wire,
) {
    let world = world(wire).await;
    let row = |name: &str, value: &str, ttl: u32| {
        world.simulator.add_row(NewRow::new(format!("{name}.example.com"), "A", [value]).ttl(ttl)).unwrap()
    };
    let foreign = row("shared", "192.0.2.9", 300);
    world.simulator.reset_calls();
    let spec = a("shared", "192.0.2.1") + ", rrsetPolicy: Shared";
    world.apply(&manifest("shop", "shared", &spec)).await;
    let record = world.until_reason("shop", "shared", "InSync").await;
    assert_eq!(record.status.unwrap().ttl, Some(300), "the TTL of those there before wins");
    assert_eq!(world.rows("shared.example.com"), ["A 300 192.0.2.1 | shop/shared", "A 300 192.0.2.9 | -"]);
    // A second sharer of this cluster.
    world.apply(&manifest("shop", "sharer", &spec.replace("192.0.2.1", "192.0.2.2"))).await;
    world.until_ready("shop", 2).await;
    world.a_round("default").await;
    assert_eq!(writes(&world), (2, 0, 0));
    // It gives a value up that the other one wants too.
    let both = spec.replace("192.0.2.1", "192.0.2.1, 192.0.2.2");
    world.apply(&manifest("shop", "shared", &both)).await;
    world.until_ready("shop", 2).await;
    world.apply(&manifest("shop", "sharer", &spec.replace("192.0.2.1", "192.0.2.3"))).await;
    world
        .until("the value has its new owner", async || {
            world.rows("shared.example.com")
                == [
                    "A 300 192.0.2.1 | shop/shared",
                    "A 300 192.0.2.2 | shop/shared",
                    "A 300 192.0.2.3 | shop/sharer",
                    "A 300 192.0.2.9 | -",
                ]
        })
        .await;
    for name in ["shared", "sharer"] {
        delete(&world, name).await;
    }
    assert_eq!(world.simulator.rows_at("shared.example.com"), [foreign]);

    world.apply(&manifest("shop", "mine", &a("mine", "192.0.2.1"))).await;
    world.until_reason("shop", "mine", "InSync").await;
    let late = row("mine", "192.0.2.9", 600);
    world.a_round("default").await;
    let record = world.until_reason("shop", "mine", "ForeignValues").await;
    assert!(message(&record).contains("192.0.2.9"), "{}", message(&record));
    let own = world.simulator.rows_at("mine.example.com").remove(0);
    world.simulator.patch_row(&own.id, RowPatch::values(["192.0.2.77"])).unwrap();
    world.a_round("default").await;
    world
        .until("its own value is right again", async || {
            world.rows("mine.example.com") == ["A 600 192.0.2.1 | shop/mine", "A 600 192.0.2.9 | -"]
        })
        .await;
    world.apply(&manifest("shop", "mine", &(a("mine", "192.0.2.1") + ", adoptionPolicy: Always"))).await;
    world.until_reason("shop", "mine", "InSync").await;
    assert_eq!(world.rows("mine.example.com"), ["A 600 192.0.2.1 | shop/mine"]);
    assert!(world.simulator.rows().iter().all(|row| row.id != late.id));
}
