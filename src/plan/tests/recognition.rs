//! Which rows show that an appliance is the one that statuses speak of.

use super::*;
use crate::plan::{Remembered, acceptance_id};

/// What the statuses of these say, all in one zone.
fn remembered<const N: usize>(claims: [Claim; N]) -> Remembered {
    let applied = claims.into_iter().map(|claim| (place(), claim.object.clone(), claim.applied.unwrap()));
    applied.collect()
}

fn shown(row: &Row, marks: Marks, taken_over: &[&str]) -> bool {
    let web = claim("shop/web", "a.example.com 600 A 192.0.2.1").settled();
    let taken_over = taken_over.iter().map(|uid| (*uid).to_owned()).collect();
    remembered([web]).is_shown_by([row], &place(), &identity(), marks, &taken_over)
}

#[test]
fn where_marks_are_kept_only_the_mark_of_a_remembered_object_tells() {
    let a = || row("1 a.example.com 600 A 192.0.2.1");
    assert!(shown(&a().marked("shop/web"), Marks::Kept, &[]));
    // Also one whose value somebody has changed.
    assert!(shown(&row("1 a.example.com 60 A 192.0.2.9").marked("shop/web"), Marks::Kept, &[]));
    assert!(!shown(&a(), Marks::Kept, &[]));
    assert!(!shown(&a().marked("shop/other"), Marks::Kept, &[]));
    assert!(!shown(&a().foreign(), Marks::Kept, &[]));
    let mut going = a().marked("shop/web");
    going.pending_delete = true;
    assert!(!shown(&going, Marks::Kept, &[]));
    // The mark was made for another row.
    let mut copied = row("1 b.example.com 600 A 192.0.2.1");
    copied.parameters = a().marked("shop/web").parameters;
    assert!(!shown(&copied, Marks::Kept, &[]));
}

#[test]
fn a_twins_rows_tell_once_they_were_taken_over() {
    let mut twin = row("1 a.example.com 600 A 192.0.2.1").marked("shop/web");
    twin.parameters.insert(CLUSTER_UID_PARAMETER.to_owned(), "twin".to_owned());
    assert!(!shown(&twin, Marks::Kept, &[]));
    assert!(shown(&twin, Marks::Kept, &["twin"]));
}

#[test]
fn where_marks_are_not_kept_exactly_the_row_of_a_status_tells() {
    assert!(shown(&row("1 a.example.com 600 A 192.0.2.1"), Marks::NotKept, &[]));
    for other in [
        "1 a.example.com 60 A 192.0.2.1",
        "1 a.example.com 600 A 192.0.2.2",
        "1 b.example.com 600 A 192.0.2.1",
    ] {
        assert!(!shown(&row(other), Marks::NotKept, &[]), "{other}");
    }
}

#[test]
fn a_zone_proves_nothing_about_what_is_remembered_of_another_one() {
    let remembered = remembered([claim("shop/web", "a.example.com 600 A 192.0.2.1").settled()]);
    let elsewhere = Place { server: "other.example.com".into(), ..place() };
    let a = row("1 a.example.com 600 A 192.0.2.1");
    let shown =
        |place: &Place| remembered.is_shown_by([&a], place, &identity(), Marks::NotKept, &BTreeSet::new());
    assert!(shown(&place()) && !shown(&elsewhere));
}

#[test]
fn the_zones_with_the_fewest_records_come_first() {
    let one = |server: &str, owner: &str| {
        let place = Place { server: server.into(), ..place() };
        let applied = claim(owner, "a.example.com 600 A 192.0.2.1").settled().applied.unwrap();
        (place, object(owner), applied)
    };
    let remembered: Remembered =
        [one("a", "shop/1"), one("a", "shop/2"), one("b", "shop/3")].into_iter().collect();
    let servers: Vec<&str> = remembered.zones().iter().map(|place| &*place.server).collect();
    assert_eq!((servers, remembered.records(), remembered.is_empty()), (vec!["b", "a"], 3, false));
    assert!(Remembered::default().is_empty());
}

#[test]
fn an_acceptance_is_for_one_endpoint_after_one_other_and_once() {
    let id = acceptance_id("default", "https://a", "https://b", "");
    assert_eq!(id.len(), 10);
    assert_eq!(id, acceptance_id("default", "https://a", "https://b", ""));
    for other in [
        acceptance_id("other", "https://a", "https://b", ""),
        acceptance_id("default", "https://c", "https://b", ""),
        acceptance_id("default", "https://a", "https://c", ""),
        acceptance_id("default", "https://a", "https://b", &id),
    ] {
        assert_ne!(other, id);
    }
}
