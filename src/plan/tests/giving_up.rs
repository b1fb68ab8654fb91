//! DnsRecords that go, or leave a zone.

use super::*;

const TEXT: &str = "a.example.com 600 A 192.0.2.1, 192.0.2.2";

fn rows() -> Vec<Row> {
    vec![
        row("1 a.example.com 600 A 192.0.2.1").marked("shop/web").with("site", "Paris"),
        row("2 a.example.com 600 A 192.0.2.2").marked("shop/web"),
        row("3 a.example.com 600 A 192.0.2.3"),
        row("4 a.example.com 600 A 192.0.2.4").foreign(),
        row("5 a.example.com 600 A 192.0.2.5").copied("shop/web"),
        row("6 a.example.com 600 A 192.0.2.6").twin("shop/web"),
        row("7 a.example.com 600 A 192.0.2.7").marked("shop/other"),
        row("8 a.example.com 600 A 192.0.2.8").inheriting("shop/web"),
        row("9 old.example.com 600 A 192.0.2.1").marked("shop/web"),
    ]
}

#[test]
fn delete_removes_own_rows_wherever_they_are_and_no_other() {
    for stage in [Stage::Deleting, Stage::Leaving] {
        let (verdict, steps) = Scene::new([claim("shop/web", TEXT).stage(stage)], rows()).outcome("shop/web");
        assert_eq!(verdict, "gone");
        assert_eq!(
            steps,
            [[
                "delete a.example.com 600 A 192.0.2.1",
                "delete a.example.com 600 A 192.0.2.2",
                "delete old.example.com 600 A 192.0.2.1"
            ]]
        );
    }
}

#[test]
fn retain_takes_the_mark_off_and_leaves_the_rest() {
    let claim = claim("shop/web", TEXT).parameter("site", "Paris").stage(Stage::Retiring);
    let mut scene = Scene::new([claim], rows());
    let (verdict, steps) = scene.outcome("shop/web");
    assert_eq!(verdict, "gone");
    let off = "-k8s_cluster_uid -k8s_owner -k8s_rrset";
    assert_eq!(
        steps,
        [[
            format!("edit a.example.com 600 A 192.0.2.1 -> 600 192.0.2.1 {off}"),
            format!("edit a.example.com 600 A 192.0.2.2 -> 600 192.0.2.2 {off}"),
            format!("edit old.example.com 600 A 192.0.2.1 -> 600 192.0.2.1 {off}")
        ]]
    );
    scene.apply(&scene.plan());
    assert_eq!(scene.rows[0], row("1 a.example.com 600 A 192.0.2.1").with("site", "Paris"));
    assert_eq!(scene.rows.len(), 9);
    assert_eq!(scene.outcome("shop/web"), ("gone".to_owned(), vec![]));
}

#[test]
fn with_an_heir_rows_are_neither_deleted_nor_unmarked() {
    for stage in [Stage::Deleting, Stage::Leaving, Stage::Retiring] {
        let held = rows()[..2].to_vec();
        let heir = claim("shop/heir", TEXT);
        let scene = Scene::new([claim("shop/web", TEXT).stage(stage), heir.clone()], held.clone());
        let (verdict, steps) = scene.outcome("shop/web");
        assert_eq!(verdict, "waiting: its rows to be handed over to DnsRecord shop/heir");
        assert!(steps.is_empty());
        assert_eq!(owners(&scene.outcome("shop/heir").1.concat()), ["shop/heir", "shop/heir"]);
        // One that may not write now takes nothing over.
        let suspended = Claim { writable: false, ..heir };
        let scene = Scene::new([claim("shop/web", TEXT).stage(stage), suspended], held);
        assert_eq!(scene.outcome("shop/web").0, "gone");
        assert_eq!(scene.outcome("shop/web").1.concat().len(), 2);
    }
}

#[test]
fn nobody_waits_for_an_heir_that_cannot_come() {
    // The heir cannot have its CNAME, since a foreign address stands at the name.
    let alias = "a.example.com 600 CNAME www.example.com";
    let rows = [row(&format!("1 {alias}")).marked("shop/web"), row("2 a.example.com 600 A 192.0.2.9")];
    let scene =
        Scene::new([claim("shop/web", alias).stage(Stage::Deleting), claim("shop/heir", alias)], rows);
    assert_eq!(scene.outcome("shop/web"), ("gone".to_owned(), vec![vec![format!("delete {alias}")]]));
    assert!(scene.outcome("shop/heir").0.starts_with("conflict: A 192.0.2.9"));
}

#[test]
fn nothing_left_is_gone() {
    let scene = Scene::new([claim("shop/web", TEXT).stage(Stage::Deleting)], rows()[2..8].to_vec());
    assert_eq!(scene.outcome("shop/web"), ("gone".to_owned(), vec![]));
}
