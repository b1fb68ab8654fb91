//! What differs and which calls put it right.

use super::*;

const THREE: &str = "a.example.com 600 A 192.0.2.1, 192.0.2.2, 192.0.2.3";

fn held(values: &[&str]) -> Vec<Row> {
    let of = |(index, value): (usize, &&str)| {
        row(&format!("{} a.example.com 600 A {value}", index + 1)).marked("shop/web")
    };
    values.iter().enumerate().map(of).collect()
}

fn steps_of(claim: Claim, rows: Vec<Row>) -> Vec<Vec<String>> {
    let (verdict, steps) = Scene::new([claim], rows).outcome("shop/web");
    assert_eq!(verdict, "in sync 600");
    steps
}

#[test]
fn one_value_of_three_is_one_edit() {
    let steps = steps_of(claim("shop/web", THREE), held(&["192.0.2.1", "192.0.2.9", "192.0.2.3"]));
    assert_eq!(steps, [["edit a.example.com 600 A 192.0.2.9 -> 600 192.0.2.2"]]);
}

#[test]
fn all_values_exchanged_are_as_many_edits() {
    let steps = steps_of(claim("shop/web", THREE), held(&["192.0.2.7", "192.0.2.8", "192.0.2.9"]));
    assert_eq!(
        steps,
        [[
            "edit a.example.com 600 A 192.0.2.7 -> 600 192.0.2.1",
            "edit a.example.com 600 A 192.0.2.8 -> 600 192.0.2.2",
            "edit a.example.com 600 A 192.0.2.9 -> 600 192.0.2.3"
        ]]
    );
}

#[test]
fn what_cannot_be_paired_is_added_or_deleted_and_deletes_come_last() {
    let steps = steps_of(claim("shop/web", THREE), held(&["192.0.2.9"]));
    assert_eq!(
        steps,
        [[
            "edit a.example.com 600 A 192.0.2.9 -> 600 192.0.2.1",
            "add a.example.com 600 A 192.0.2.2",
            "add a.example.com 600 A 192.0.2.3"
        ]]
    );
    let one = claim("shop/web", "a.example.com 600 A 192.0.2.1");
    let steps = steps_of(one, held(&["192.0.2.7", "192.0.2.8", "192.0.2.9"]));
    assert_eq!(
        steps,
        [
            vec!["edit a.example.com 600 A 192.0.2.7 -> 600 192.0.2.1"],
            vec!["delete a.example.com 600 A 192.0.2.8", "delete a.example.com 600 A 192.0.2.9"]
        ]
    );
}

#[test]
fn identical_rows_collapse_to_one() {
    let steps = steps_of(
        claim("shop/web", "a.example.com 600 A 192.0.2.1"),
        held(&["192.0.2.1", "192.0.2.1", "192.0.2.1"]),
    );
    assert_eq!(steps, [["delete a.example.com 600 A 192.0.2.1", "delete a.example.com 600 A 192.0.2.1"]]);
}

#[test]
fn ttl_class_and_declared_parameters_are_put_right_and_nothing_else_is_sent() {
    let row = |text: &str| row(text).marked("shop/web").with("site", "Paris");
    let base = || claim("shop/web", "a.example.com 600 A 192.0.2.1");
    let there = || row("1 a.example.com 600 A 192.0.2.1");
    assert!(steps_of(base(), vec![there()]).is_empty(), "a foreign parameter is no drift");

    let mut parameters = base().parameter("cost_center", "42");
    let steps = steps_of(parameters.clone(), vec![there().with("cost_center", "7")]);
    assert_eq!(steps, [["edit a.example.com 600 A 192.0.2.1 -> 600 192.0.2.1 +cost_center=42"]]);

    parameters = base();
    parameters.dropped_parameters.insert("cost_center".to_owned());
    let steps = steps_of(parameters.clone(), vec![there().with("cost_center", "7")]);
    assert_eq!(steps, [["edit a.example.com 600 A 192.0.2.1 -> 600 192.0.2.1 -cost_center"]]);
    assert!(steps_of(parameters.clone(), vec![there()]).is_empty(), "it is gone already");
    let mut inherits = there().with("cost_center", "7");
    inherits.inherited.insert("cost_center".to_owned());
    assert!(steps_of(parameters, vec![inherits]).is_empty(), "what is inherited cannot be taken off the row");

    let mut inherits = there().with("cost_center", "42");
    inherits.inherited.insert("cost_center".to_owned());
    let steps = steps_of(base().parameter("cost_center", "42"), vec![inherits]);
    assert_eq!(steps.concat().len(), 1, "an inherited value is not set on the row");

    let classed = Claim { class_name: Some("server".to_owned()), ..base() };
    let decision = Scene::new([classed.clone()], [there()]).decision("shop/web");
    let [Change::Edit { edit, .. }] = decision.steps.changes().collect::<Vec<_>>()[..] else {
        panic!("one edit")
    };
    assert_eq!(edit.class_name.as_deref(), Some("server"));
    assert!(edit.set_parameters.is_empty() && edit.delete_parameters.is_empty());
    let right = Row { class_name: "server".to_owned(), ..there() };
    assert!(steps_of(classed, vec![right.clone()]).is_empty());
    assert!(steps_of(base(), vec![right]).is_empty(), "an undeclared class is left");

    let steps = steps_of(base(), vec![row("1 a.example.com 60 A 192.0.2.1")]);
    assert_eq!(steps, [["edit a.example.com 60 A 192.0.2.1 -> 600 192.0.2.1"]]);
}

#[test]
fn a_row_whose_value_makes_no_sense_is_edited_to_a_right_one() {
    let broken =
        Row { data: None, values: vec!["not an address".to_owned()], ..held(&["192.0.2.1"]).remove(0) };
    let steps = steps_of(claim("shop/web", "a.example.com 600 A 192.0.2.1"), vec![broken]);
    assert_eq!(steps, [["edit a.example.com 600 A not an address -> 600 192.0.2.1"]]);
}

#[test]
fn the_motive_tells_drift_from_a_request() {
    let motive = |claim: Claim| Scene::new([claim], held(&["192.0.2.9"])).decision("shop/web").motive;
    let base = || claim("shop/web", "a.example.com 600 A 192.0.2.1");
    assert_eq!(motive(base().settled()), Motive::Drift);
    assert_eq!(motive(base()), Motive::Request);
    assert_eq!(motive(base().was("a.example.com 600 A 192.0.2.9")), Motive::Request);
    assert_eq!(motive(base().was("a.example.com 60 A 192.0.2.1")), Motive::Request);
    let mut dropped = base().settled();
    dropped.dropped_parameters.insert("site".to_owned());
    assert_eq!(motive(dropped), Motive::Request);
}

#[test]
fn report_says_what_differs_and_writes_what_people_ask_for() {
    let base = || claim("shop/web", "a.example.com 600 A 192.0.2.1").reporting();
    let scene = Scene::new([base().settled()], held(&["192.0.2.9"]));
    let (verdict, steps) = scene.outcome("shop/web");
    assert_eq!(verdict, "drifted: edit a.example.com 600 A 192.0.2.9 -> 600 192.0.2.1");
    assert!(steps.is_empty());
    assert_eq!(
        Scene::new([base().settled()], held(&["192.0.2.1"])).outcome("shop/web"),
        ("in sync 600".to_owned(), vec![])
    );
    let asked = Scene::new([base().was("a.example.com 600 A 192.0.2.9")], held(&["192.0.2.9"]));
    assert_eq!(asked.outcome("shop/web").1.concat().len(), 1);
    let gone = Scene::new([base().settled()], []).outcome("shop/web");
    assert_eq!(gone, ("drifted: add a.example.com 600 A 192.0.2.1".to_owned(), vec![]));
}

#[test]
fn report_does_not_remove_what_appears_under_always_either() {
    let claim =
        claim("shop/web", "a.example.com 600 A 192.0.2.1").reporting().adopting(Adoption::Always).settled();
    let mut rows = held(&["192.0.2.1"]);
    rows.push(row("2 a.example.com 600 A 192.0.2.9"));
    let (verdict, steps) = Scene::new([claim], rows).outcome("shop/web");
    assert_eq!(verdict, "drifted: delete a.example.com 600 A 192.0.2.9");
    assert!(steps.is_empty());
}

#[test]
fn what_people_wait_for_goes_before_drift() {
    let claims = [
        claim("shop/a", "a.example.com 600 A 192.0.2.1").settled(),
        claim("shop/b", "b.example.com 600 A 192.0.2.1"),
        claim("shop/c", "c.example.com 600 A 192.0.2.1"),
    ];
    let rows = [row("1 c.example.com 600 A 192.0.2.1")];
    let order: Vec<_> =
        Scene::new(claims, rows).plan().iter().map(|one| (one.motive, one.object.to_string())).collect();
    assert_eq!(
        order,
        [
            (Motive::Request, "shop/b".to_owned()),
            (Motive::Adoption, "shop/c".to_owned()),
            (Motive::Drift, "shop/a".to_owned())
        ]
    );
}
