//! adoptionPolicy x what is there.

use rstest::rstest;

use super::*;

const IDENTICAL: &[&str] = &["1 a.example.com 600 A 192.0.2.1", "2 a.example.com 600 A 192.0.2.2"];
const OTHER_TTL: &[&str] = &["1 a.example.com 300 A 192.0.2.1", "2 a.example.com 300 A 192.0.2.2"];
const ONE_MISSING: &[&str] = &["1 a.example.com 600 A 192.0.2.1"];
const ONE_MORE: &[&str] = &[
    "1 a.example.com 600 A 192.0.2.1",
    "2 a.example.com 600 A 192.0.2.2",
    "3 a.example.com 600 A 192.0.2.3",
];
const OTHER: &[&str] = &["1 a.example.com 600 A 192.0.2.9"];

fn scene(adoption: Adoption, rows: &[&str]) -> Scene {
    let claim = claim("shop/web", "a.example.com 600 A 192.0.2.1, 192.0.2.2").adopting(adoption);
    Scene::new([claim], rows.iter().map(|text| row(text)))
}

/// (edits, adds, deletes); `None` is a conflict without any change.
fn counts(scene: &Scene) -> Option<(usize, usize, usize)> {
    let decision = scene.decision("shop/web");
    let changes: Vec<&Change> = decision.steps.changes().collect();
    if matches!(decision.verdict, Verdict::Conflict { .. }) {
        assert!(changes.is_empty(), "a conflict changes nothing: {changes:?}");
        return None;
    }
    assert_eq!(decision.verdict, Verdict::InSync { ttl: 600 });
    let of = |wanted: fn(&Change) -> bool| changes.iter().filter(|change| wanted(change)).count();
    Some((
        of(|change| matches!(change, Change::Edit { .. })),
        of(|change| matches!(change, Change::Add(_))),
        of(|change| matches!(change, Change::Delete { .. })),
    ))
}

#[rstest]
#[case(Adoption::Never, &[], Some((0, 2, 0)))]
#[case(Adoption::Never, IDENTICAL, None)]
#[case(Adoption::Never, OTHER, None)]
#[case(Adoption::IfIdentical, &[], Some((0, 2, 0)))]
#[case(Adoption::IfIdentical, IDENTICAL, Some((2, 0, 0)))]
#[case(Adoption::IfIdentical, OTHER_TTL, None)]
#[case(Adoption::IfIdentical, ONE_MISSING, None)]
#[case(Adoption::IfIdentical, ONE_MORE, None)]
#[case(Adoption::IfIdentical, OTHER, None)]
#[case(Adoption::Always, &[], Some((0, 2, 0)))]
#[case(Adoption::Always, IDENTICAL, Some((2, 0, 0)))]
#[case(Adoption::Always, OTHER_TTL, Some((2, 0, 0)))]
#[case(Adoption::Always, ONE_MISSING, Some((1, 1, 0)))]
#[case(Adoption::Always, ONE_MORE, Some((2, 0, 1)))]
#[case(Adoption::Always, OTHER, Some((1, 1, 0)))]
fn unmarked_rows_are_adopted_as_the_policy_says(
    #[case] adoption: Adoption,
    #[case] rows: &[&str],
    #[case] expected: Option<(usize, usize, usize)>,
) {
    assert_eq!(counts(&scene(adoption, rows)), expected);
}

#[test]
fn an_adoption_adds_the_mark_and_nothing_else() {
    let (_, steps) = scene(Adoption::IfIdentical, IDENTICAL).outcome("shop/web");
    let digest = row(IDENTICAL[0]).digest();
    let expected = |value: &str| {
        format!(
            "edit a.example.com 600 A {value} -> 600 {value} +k8s_cluster_uid={UID} +k8s_owner=shop/web +k8s_rrset={digest}"
        )
    };
    assert_eq!(steps, [[expected("192.0.2.1"), expected("192.0.2.2")]]);
    assert_eq!(scene(Adoption::IfIdentical, IDENTICAL).decision("shop/web").motive, Motive::Adoption);
}

#[test]
fn a_mark_that_is_only_inherited_is_set_when_the_row_is_adopted() {
    let claim = claim("shop/web", "a.example.com 600 A 192.0.2.1");
    let inherits = row("1 a.example.com 600 A 192.0.2.1").inheriting("shop/web");
    let scene = Scene::new([claim.clone().adopting(Adoption::Never)], [inherits.clone()]);
    assert!(matches!(scene.decision("shop/web").verdict, Verdict::Conflict { .. }));
    let decision = Scene::new([claim], [inherits]).decision("shop/web");
    let [Change::Edit { edit, .. }] = decision.steps.changes().collect::<Vec<_>>()[..] else {
        panic!("one edit: {decision:?}")
    };
    assert_eq!(
        edit.set_parameters.keys().map(String::as_str).collect::<Vec<_>>(),
        ["k8s_cluster_uid", "k8s_owner", "k8s_rrset"]
    );
}

#[test]
fn foreign_class_parameters_are_never_sent() {
    let there = row("1 a.example.com 600 A 192.0.2.1").with("site", "Paris").with("cost_center", "7");
    let claim = claim("shop/web", "a.example.com 60 A 192.0.2.1")
        .adopting(Adoption::Always)
        .parameter("cost_center", "42");
    let decision = Scene::new([claim], [there]).decision("shop/web");
    for change in decision.steps.changes() {
        let Change::Edit { edit, .. } = change else { panic!("{change}") };
        assert_eq!(edit.set_parameters.get("cost_center").map(String::as_str), Some("42"));
        assert!(!edit.set_parameters.contains_key("site"));
        assert!(edit.delete_parameters.is_empty());
    }
    assert_eq!(decision.steps.changes().count(), 1);
}

#[test]
fn an_adoption_that_was_cut_off_in_the_middle_goes_on() {
    let rows =
        [row("1 a.example.com 600 A 192.0.2.1").marked("shop/web"), row("2 a.example.com 600 A 192.0.2.2")];
    let claim = claim("shop/web", "a.example.com 600 A 192.0.2.1, 192.0.2.2");
    let (verdict, steps) = Scene::new([claim], rows).outcome("shop/web");
    assert_eq!((verdict.as_str(), steps.len(), steps[0].len()), ("in sync 600", 1, 1));
    assert_eq!(owners(&steps[0]), ["shop/web"]);
}

#[test]
fn an_unmarked_row_with_another_ttl_is_not_identical_beside_own_rows_either() {
    let rows =
        [row("1 a.example.com 600 A 192.0.2.1").marked("shop/web"), row("2 a.example.com 300 A 192.0.2.2")];
    let claim = claim("shop/web", "a.example.com 600 A 192.0.2.1, 192.0.2.2");
    let (verdict, steps) = Scene::new([claim], rows).outcome("shop/web");
    assert_eq!(verdict, "foreign values: 192.0.2.2 with TTL 300 (without a mark)");
    assert!(steps.is_empty(), "{steps:?}");
}

#[test]
fn a_foreign_value_that_appears_later_stays_unless_the_policy_is_always() {
    let rows = || {
        [row("1 a.example.com 300 A 192.0.2.1").marked("shop/web"), row("2 a.example.com 600 A 192.0.2.9")]
    };
    for adoption in [Adoption::Never, Adoption::IfIdentical] {
        let claim = claim("shop/web", "a.example.com 600 A 192.0.2.1").adopting(adoption).settled();
        let (verdict, steps) = Scene::new([claim], rows()).outcome("shop/web");
        assert_eq!(verdict, "foreign values: 192.0.2.9 with TTL 600 (without a mark)");
        assert_eq!(
            steps,
            [["edit a.example.com 300 A 192.0.2.1 -> 600 192.0.2.1"]],
            "its own are kept right"
        );
    }
    let claim = claim("shop/web", "a.example.com 600 A 192.0.2.1").adopting(Adoption::Always).settled();
    let (verdict, steps) = Scene::new([claim], rows()).outcome("shop/web");
    assert_eq!(verdict, "in sync 600");
    assert_eq!(
        steps,
        [
            vec!["edit a.example.com 300 A 192.0.2.1 -> 600 192.0.2.1"],
            vec!["delete a.example.com 600 A 192.0.2.9"]
        ]
    );
}

#[test]
fn a_row_that_repeats_another_ones_value_goes_before_that_one_is_edited() {
    let doubled = &[IDENTICAL, &["3 a.example.com 300 A 192.0.2.1"]].concat();
    // What else is superfluous goes last: until then it may be all that answers.
    let doubled = &[&doubled[..], &["4 a.example.com 600 A 192.0.2.3"]].concat();
    let (_, steps) = scene(Adoption::Always, doubled).outcome("shop/web");
    assert_eq!(steps[0], ["delete a.example.com 300 A 192.0.2.1"]);
    assert_eq!(steps[1].len(), 2, "{steps:?}");
    assert_eq!(steps[2], ["delete a.example.com 600 A 192.0.2.3"]);
}
