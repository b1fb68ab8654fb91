//! What counts as a loss, and how many may be.

use std::collections::BTreeSet;
use std::time::Duration;

use super::*;
use crate::plan::{Allowance, Wave, hold_id, losses};

fn lost(scene: &Scene) -> Vec<String> {
    let rows: Vec<&Row> = scene.rows.iter().collect();
    let losses = losses(&scene.plan(), &rows);
    losses
        .into_iter()
        .flat_map(|(object, keys)| keys.into_iter().map(move |key| format!("{object}: {key}")))
        .collect()
}

#[test]
fn an_rrset_is_lost_with_its_last_row_and_not_before() {
    let a = || row("1 a.example.com 600 A 192.0.2.1").marked("shop/web");
    let deleted = claim("shop/web", "a.example.com 600 A 192.0.2.1").stage(Stage::Deleting);
    assert_eq!(lost(&Scene::new([deleted.clone()], [a()])), ["shop/web: a.example.com A"]);
    // Somebody else's row keeps the RRset in DNS; one that is going does not.
    let other = || row("2 a.example.com 600 A 192.0.2.2").foreign();
    assert!(lost(&Scene::new([deleted.clone()], [a(), other()])).is_empty());
    let mut going = other();
    going.pending_delete = true;
    assert_eq!(lost(&Scene::new([deleted], [a(), going])).len(), 1);
    // One of two values goes.
    let fewer =
        claim("shop/web", "a.example.com 600 A 192.0.2.1").was("a.example.com 600 A 192.0.2.1, 192.0.2.2");
    let second = row("2 a.example.com 600 A 192.0.2.2").marked("shop/web");
    assert!(lost(&Scene::new([fewer], [a(), second])).is_empty());
}

#[test]
fn renames_and_changes_of_type_lose_what_was_there_before() {
    let rows = || [row("1 old.example.com 600 A 192.0.2.1").marked("shop/web")];
    let renamed = claim("shop/web", "new.example.com 600 A 192.0.2.1").was("old.example.com 600 A 192.0.2.1");
    assert_eq!(lost(&Scene::new([renamed], rows())), ["shop/web: old.example.com A"]);
    let retyped = claim("shop/web", "old.example.com 600 TXT moved").was("old.example.com 600 A 192.0.2.1");
    assert_eq!(lost(&Scene::new([retyped], rows())), ["shop/web: old.example.com A"]);
}

#[test]
fn what_is_handed_over_retired_or_moved_to_another_zone_is_no_loss() {
    let rows = || [row("1 a.example.com 600 A 192.0.2.1").marked("shop/web")];
    let text = "a.example.com 600 A 192.0.2.1";
    let heir = claim("shop/new", "a.example.com 600 A 192.0.2.9");
    let scenes = [
        Scene::new([claim("shop/web", text).stage(Stage::Deleting), heir], rows()),
        Scene::new([claim("shop/web", text).stage(Stage::Retiring)], rows()),
        Scene::new([claim("shop/web", text).stage(Stage::Leaving)], rows()),
        Scene::new([claim("shop/web", text).stage(Stage::Deleting)], []),
    ];
    for scene in scenes {
        assert!(lost(&scene).is_empty(), "{scene:?}");
    }
}

#[test]
fn a_name_that_two_swap_is_lost_by_neither() {
    let rows = [
        row("1 a.example.com 600 A 192.0.2.1").marked("shop/one"),
        row("2 b.example.com 600 A 192.0.2.2").marked("shop/two"),
    ];
    let one = claim("shop/one", "b.example.com 600 A 192.0.2.1").was("a.example.com 600 A 192.0.2.1");
    let two = claim("shop/two", "a.example.com 600 A 192.0.2.2").was("b.example.com 600 A 192.0.2.2");
    assert!(lost(&Scene::new([one, two], rows)).is_empty());
}

#[test]
fn the_allowance_is_the_larger_of_count_and_share() {
    let of = |max_count, max_percent, owned| Allowance { max_count, max_percent }.of(owned);
    assert_eq!(of(10, 20, 0), 10);
    assert_eq!(of(10, 20, 50), 10);
    assert_eq!(of(10, 20, 54), 10);
    assert_eq!(of(10, 20, 55), 11);
    assert_eq!(of(10, 20, 1000), 200);
    assert_eq!(of(0, 0, 1000), 0);
    assert_eq!(of(0, 100, 7), 7);
}

#[test]
fn a_wave_is_judged_when_it_is_quiet_or_has_lasted_long_enough() {
    let at = |seconds: &[u64]| {
        Wave::of(seconds.iter().map(|seconds| Duration::from_secs(*seconds)))
            .map(|wave| wave.settles_at().as_secs())
    };
    assert_eq!(at(&[]), None);
    assert_eq!(at(&[100]), Some(103));
    assert_eq!(at(&[102, 100, 101]), Some(105));
    assert_eq!(at(&[100, 126]), Some(129));
    assert_eq!(at(&[100, 129]), Some(130));
    assert_eq!(at(&[100, 500]), Some(130));
}

#[test]
fn an_id_is_that_of_its_objects_in_their_state() {
    let (one, two) = (object("shop/one"), object("shop/two"));
    let id = |solid_server: &str, objects: &[(&ObjectName, &str)]| {
        hold_id(solid_server, &place(), objects.iter().map(|(object, state)| (*object, (*state).to_owned())))
    };
    let known = id("default", &[(&one, "u1 1"), (&two, "u2 1")]);
    assert_eq!(known.len(), 10);
    assert_eq!(id("default", &[(&two, "u2 1"), (&one, "u1 1")]), known);
    let others = [
        id("other", &[(&one, "u1 1"), (&two, "u2 1")]),
        id("default", &[(&one, "u1 2"), (&two, "u2 1")]),
        id("default", &[(&one, "u1 1")]),
    ];
    assert_eq!(BTreeSet::from(others.clone()).len(), 3);
    assert!(!others.contains(&known));
}
