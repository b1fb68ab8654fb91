//! A DnsRecord that gets another name or type, and RRsets that go from one to another.

use super::*;

#[test]
fn a_rename_puts_the_new_name_before_the_old_one_goes() {
    let claim = claim("shop/web", "b.example.com 600 A 192.0.2.1").was("a.example.com 600 A 192.0.2.1");
    let mut scene = Scene::new([claim], [row("1 a.example.com 600 A 192.0.2.1").marked("shop/web")]);
    let (verdict, steps) = scene.outcome("shop/web");
    assert_eq!(verdict, "in sync 600");
    assert_eq!(steps, [["add b.example.com 600 A 192.0.2.1"], ["delete a.example.com 600 A 192.0.2.1"]]);
    assert_eq!(scene.decision("shop/web").motive, Motive::Request);
    scene.apply(&scene.plan());
    assert_eq!(scene.rows.len(), 1);
}

#[test]
fn where_types_cannot_stand_side_by_side_the_old_one_makes_room_first() {
    let alias = "a.example.com 600 CNAME www.example.com";
    let address = "a.example.com 600 A 192.0.2.1";
    let held = |text: &str| [row(&format!("1 {text}")).marked("shop/web")];
    let scene = Scene::new([claim("shop/web", address).was(alias)], held(alias));
    assert_eq!(scene.outcome("shop/web").1, [[format!("delete {alias}")], [format!("add {address}")]]);
    let scene = Scene::new([claim("shop/web", alias).was(address)], held(address));
    assert_eq!(scene.outcome("shop/web").1, [[format!("delete {address}")], [format!("add {alias}")]]);
    let text = "a.example.com 600 TXT hello";
    let scene = Scene::new([claim("shop/web", text).was(address)], held(address));
    let (_, steps) = scene.outcome("shop/web");
    assert!(steps[0][0].starts_with("add a.example.com 600 TXT"), "{steps:?}");
    assert_eq!(steps[1], [format!("delete {address}")]);
}

#[test]
fn a_manifest_under_a_new_object_name_takes_the_rows_over_in_place() {
    let text = "a.example.com 600 A 192.0.2.1, 192.0.2.2";
    let old = claim("shop/old", text).settled().stage(Stage::Deleting);
    let new = claim("shop/new", text).created(2_000);
    let rows = [
        row("1 a.example.com 600 A 192.0.2.1").marked("shop/old"),
        row("2 a.example.com 600 A 192.0.2.2").marked("shop/old"),
    ];
    let mut scene = Scene::new([old, new], rows);
    let (verdict, steps) = scene.outcome("shop/new");
    assert_eq!(verdict, "in sync 600");
    assert_eq!(
        steps,
        [[
            "edit a.example.com 600 A 192.0.2.1 -> 600 192.0.2.1 +k8s_owner=shop/new",
            "edit a.example.com 600 A 192.0.2.2 -> 600 192.0.2.2 +k8s_owner=shop/new"
        ]]
    );
    assert!(scene.decision("shop/old").steps.is_empty());
    scene.apply(&scene.plan());
    assert_eq!(scene.outcome("shop/old"), ("gone".to_owned(), vec![]));
    assert_eq!(scene.outcome("shop/new"), ("in sync 600".to_owned(), vec![]));
}

#[test]
fn two_records_that_swap_their_names_swap_them_in_place() {
    let rows = [
        row("1 a.example.com 600 A 192.0.2.1").marked("shop/one"),
        row("2 b.example.com 600 A 192.0.2.2").marked("shop/two"),
    ];
    let one = claim("shop/one", "b.example.com 600 A 192.0.2.1").was("a.example.com 600 A 192.0.2.1");
    let two = claim("shop/two", "a.example.com 600 A 192.0.2.2").was("b.example.com 600 A 192.0.2.2");
    let mut scene = Scene::new([one, two], rows);
    let all: Vec<String> = scene.plan().iter().flat_map(steps).flatten().collect();
    assert_eq!(
        all,
        [
            "edit b.example.com 600 A 192.0.2.2 -> 600 192.0.2.1 +k8s_owner=shop/one",
            "edit a.example.com 600 A 192.0.2.1 -> 600 192.0.2.2 +k8s_owner=shop/two"
        ]
    );
    scene.apply(&scene.plan());
    assert!(scene.plan().iter().all(|decision| decision.steps.is_empty()));
}

#[test]
fn a_rename_that_cannot_have_the_new_name_keeps_the_old_one() {
    let claim = claim("shop/web", "b.example.com 600 A 192.0.2.1").was("a.example.com 600 A 192.0.2.1");
    let rows = [
        row("1 a.example.com 600 A 192.0.2.1").marked("shop/web"),
        row("2 b.example.com 600 A 192.0.2.9").foreign(),
    ];
    let (verdict, steps) = Scene::new([claim], rows).outcome("shop/web");
    assert!(verdict.starts_with("conflict: 192.0.2.9"), "{verdict}");
    assert!(steps.is_empty());
}

#[test]
fn a_type_that_waits_for_a_cname_of_another_record_says_so() {
    let going = claim("shop/alias", "a.example.com 600 CNAME www.example.com").stage(Stage::Deleting);
    let coming = claim("shop/web", "a.example.com 600 A 192.0.2.1");
    let mut scene =
        Scene::new([going, coming], [row("1 a.example.com 600 CNAME www.example.com").marked("shop/alias")]);
    let (verdict, steps) = scene.outcome("shop/web");
    assert_eq!(verdict, "waiting: a.example.com CNAME of DnsRecord shop/alias to be removed");
    assert!(steps.is_empty());
    scene.apply(&scene.plan());
    assert_eq!(scene.outcome("shop/web").1, [["add a.example.com 600 A 192.0.2.1"]]);
}

#[test]
fn a_claim_that_is_not_decided_gets_no_decision_but_counts() {
    let rival = Claim { decide: false, ..claim("shop/rival", "a.example.com 600 A 192.0.2.9").created(1) };
    let scene = Scene::new([rival, claim("shop/web", "a.example.com 600 A 192.0.2.1").created(2)], []);
    let decisions = scene.plan();
    assert_eq!(decisions.len(), 1);
    assert!(scene.outcome("shop/web").0.starts_with("conflict: DnsRecord shop/rival"));
}
