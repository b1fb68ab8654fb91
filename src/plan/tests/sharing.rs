//! rrsetPolicy Shared: several owners, each with rows of its own, one TTL.

use super::*;

#[test]
fn beside_foreign_values_only_own_ones_are_written_with_the_ttl_that_is_there() {
    let rows = [row("1 a.example.com 300 A 192.0.2.9"), row("2 a.example.com 300 A 192.0.2.8").foreign()];
    for adoption in [Adoption::Never, Adoption::IfIdentical, Adoption::Always] {
        let claim = claim("shop/web", "a.example.com 600 A 192.0.2.1").shared().adopting(adoption);
        let mut scene = Scene::new([claim], rows.clone());
        let (verdict, steps) = scene.outcome("shop/web");
        assert_eq!(verdict, "in sync 300", "{adoption:?}");
        assert_eq!(steps, [["add a.example.com 300 A 192.0.2.1"]], "{adoption:?}");
        scene.apply(&scene.plan());
        assert_eq!(scene.outcome("shop/web"), ("in sync 300".to_owned(), vec![]), "{adoption:?}");
    }
}

#[test]
fn a_value_that_another_one_has_already_is_not_added_again() {
    let rows = [row("1 a.example.com 600 A 192.0.2.1").foreign()];
    let claim = claim("shop/web", "a.example.com 600 A 192.0.2.1, 192.0.2.2").shared();
    let (_, steps) = Scene::new([claim], rows).outcome("shop/web");
    assert_eq!(steps, [["add a.example.com 600 A 192.0.2.2"]]);
}

#[test]
fn an_unmarked_value_that_is_wanted_becomes_its_own() {
    let rows = [row("1 a.example.com 600 A 192.0.2.1"), row("2 a.example.com 600 A 192.0.2.9")];
    let claim = claim("shop/web", "a.example.com 600 A 192.0.2.1").shared();
    let (verdict, steps) = Scene::new([claim.clone()], rows.clone()).outcome("shop/web");
    assert_eq!(verdict, "in sync 600");
    assert_eq!(owners(&steps.concat()), ["shop/web"]);
    let (verdict, steps) = Scene::new([claim.adopting(Adoption::Never)], rows).outcome("shop/web");
    assert_eq!((verdict.as_str(), steps.len()), ("in sync 600", 0));
}

#[test]
fn under_if_identical_an_unmarked_row_with_another_ttl_stays_as_it_is() {
    let claim = claim("shop/web", "a.example.com 600 A 192.0.2.1, 192.0.2.2").shared();
    let mut scene = Scene::new([claim], [row("1 a.example.com 300 A 192.0.2.1")]);
    for round in 0..3 {
        let (verdict, steps) = scene.outcome("shop/web");
        assert_eq!(verdict, "in sync 300");
        let expected: &[&str] = if round == 0 { &["add a.example.com 300 A 192.0.2.2"] } else { &[] };
        assert_eq!(steps.concat(), expected, "round {round}");
        scene.apply(&scene.plan());
    }
    assert_eq!(scene.rows[0], row("1 a.example.com 300 A 192.0.2.1"));
}

#[test]
fn the_oldest_holder_sets_the_ttl_and_the_others_follow() {
    let first = |ttl| claim("shop/first", &format!("a.example.com {ttl} A 192.0.2.1")).shared().created(1);
    let second = || claim("shop/second", "a.example.com 300 A 192.0.2.2").shared().created(2);
    let mut scene = Scene::new([second(), first(600)], []);
    scene.apply(&scene.plan());
    let ttls = |scene: &Scene| scene.rows.iter().map(|row| row.ttl).collect::<Vec<_>>();
    assert_eq!(ttls(&scene), [600, 600]);
    assert_eq!(scene.outcome("shop/second"), ("in sync 600".to_owned(), vec![]));
    scene.claims = vec![second(), first(60)];
    scene.apply(&scene.plan());
    assert_eq!(ttls(&scene), [60, 60], "a new TTL of the oldest reaches all");
    assert!(scene.plan().iter().all(|decision| decision.steps.is_empty()));
}

#[test]
fn a_value_that_a_sharer_gives_up_is_waited_for_by_the_one_that_wants_it_too() {
    let rows = [
        row("1 a.example.com 600 A 192.0.2.1").marked("shop/first"),
        row("2 a.example.com 600 A 192.0.2.2").marked("shop/first"),
        row("3 a.example.com 600 A 192.0.2.3").marked("shop/second"),
    ];
    let first = claim("shop/first", "a.example.com 600 A 192.0.2.1").shared();
    let second = claim("shop/second", "a.example.com 600 A 192.0.2.2, 192.0.2.3").shared();
    let mut scene = Scene::new([first, second], rows);
    assert!(matches!(scene.decision("shop/second").verdict, Verdict::Waiting { .. }));
    scene.apply(&scene.plan());
    let (verdict, steps) = scene.outcome("shop/second");
    assert_eq!(
        (verdict.as_str(), steps.concat()),
        ("in sync 600", vec!["add a.example.com 600 A 192.0.2.2".to_owned()])
    );
}

#[test]
fn shared_and_exclusive_conflict_and_a_change_of_policy_takes_nothing() {
    let rows = || {
        [
            row("1 a.example.com 600 A 192.0.2.1").marked("shop/first"),
            row("2 a.example.com 600 A 192.0.2.2").marked("shop/second"),
        ]
    };
    let first = claim("shop/first", "a.example.com 600 A 192.0.2.1").created(1);
    let second = claim("shop/second", "a.example.com 600 A 192.0.2.2").created(2);
    // The older one has become Exclusive, while both hold rows: the one that still shares keeps what it has.
    let scene = Scene::new([first.clone(), second.clone().shared()], rows());
    assert!(scene.outcome("shop/first").0.starts_with("conflict: DnsRecord shop/second"));
    assert_eq!(scene.outcome("shop/second").0, "in sync 600");
    let scene = Scene::new([first.shared(), second], rows());
    assert_eq!(scene.outcome("shop/first").0, "in sync 600");
    assert!(scene.outcome("shop/second").0.starts_with("conflict: DnsRecord shop/first"));
}

#[test]
fn rows_of_a_sharer_that_goes_go_to_those_that_want_them() {
    let rows = [
        row("1 a.example.com 600 A 192.0.2.1").marked("shop/first"),
        row("2 a.example.com 600 A 192.0.2.2").marked("shop/first"),
    ];
    let going =
        claim("shop/first", "a.example.com 600 A 192.0.2.1, 192.0.2.2").shared().stage(Stage::Deleting);
    let one = claim("shop/one", "a.example.com 600 A 192.0.2.1").shared().created(5);
    let two = claim("shop/two", "a.example.com 600 A 192.0.2.2").shared().created(4);
    let mut scene = Scene::new([going, one, two], rows);
    scene.apply(&scene.plan());
    let owner = |row: &Row| row.parameters[OWNER_PARAMETER].clone();
    assert_eq!(scene.rows.iter().map(owner).collect::<Vec<_>>(), ["test/shop/one", "test/shop/two"]);
    assert_eq!(scene.outcome("shop/first"), ("gone".to_owned(), vec![]));
}

#[test]
fn a_value_that_two_want_and_nobody_has_is_added_once_by_the_older() {
    let of = |owner: &str, created| claim(owner, "a.example.com 600 A 192.0.2.1").shared().created(created);
    let mut scene = Scene::new([of("shop/young", 2), of("shop/old", 1)], []);
    assert_eq!(
        scene.outcome("shop/young").0,
        "waiting: its value 192.0.2.1 to be added by DnsRecord shop/old"
    );
    scene.apply(&scene.plan());
    assert_eq!(scene.rows.len(), 1);
    for owner in ["shop/young", "shop/old"] {
        assert_eq!(scene.outcome(owner), ("in sync 600".to_owned(), vec![]));
    }
}

#[test]
fn beside_foreign_values_an_unmarked_one_with_their_ttl_is_adopted() {
    let rows = [row("1 a.example.com 300 A 192.0.2.1"), row("2 a.example.com 300 A 192.0.2.9")];
    let mut scene = Scene::new([claim("shop/web", "a.example.com 600 A 192.0.2.1").shared()], rows);
    let (verdict, steps) = scene.outcome("shop/web");
    assert_eq!((verdict.as_str(), owners(&steps.concat())), ("in sync 300", vec!["shop/web"]));
    scene.apply(&scene.plan());
    assert_eq!(scene.outcome("shop/web"), ("in sync 300".to_owned(), vec![]));
}

#[test]
fn a_sharer_without_a_row_of_its_own_shows_the_ttl_that_is_there() {
    // What shop/b would have is blog/b's, with a TTL that blog/b only reports.
    let scene = Scene::new(
        [
            claim("shop/b", "a.example.com 600 A 192.0.2.3").shared(),
            claim("blog/b", "a.example.com 300 A 192.0.2.3")
                .shared()
                .reporting()
                .was("a.example.com 600 A 192.0.2.3"),
        ],
        [row("1 a.example.com 600 A 192.0.2.3").marked("blog/b")],
    );
    assert_eq!(scene.outcome("shop/b"), ("in sync 600".to_owned(), vec![]));
    assert!(scene.outcome("blog/b").0.starts_with("drifted"));
}

#[test]
fn an_unmarked_row_that_no_sharer_takes_over_sets_the_ttl_for_all_of_them() {
    // shop/second wants the row that is there and must not take it over; shop/first, the older one, does not want it.
    let first = claim("shop/first", "a.example.com 600 A 192.0.2.1").shared().created(1);
    let second = claim("shop/second", "a.example.com 600 A 192.0.2.2, 192.0.2.3").shared().created(2);
    let claims = [first, second.adopting(Adoption::Never)];
    let mut scene = Scene::new(claims, [row("1 a.example.com 300 A 192.0.2.3")]);
    for round in 0..3 {
        for owner in ["shop/first", "shop/second"] {
            let (verdict, steps) = scene.outcome(owner);
            assert_eq!(
                (verdict.as_str(), steps.len()),
                ("in sync 300", usize::from(round == 0)),
                "{owner}, round {round}"
            );
        }
        scene.apply(&scene.plan());
        assert!(scene.rows.iter().all(|row| row.ttl == 300), "round {round}");
    }
}
