//! Whose a row is.

use super::*;

const A: &str = "1 a.example.com 600 A 192.0.2.1";

fn owner(row: &Row) -> Owner {
    Owner::of(row, &place(), &identity())
}

#[test]
fn a_mark_counts_when_it_is_set_on_the_row_and_made_for_it() {
    assert_eq!(owner(&row(A).marked("shop/web")), Owner::Object(object("shop/web")));
    assert_eq!(owner(&row(A)), Owner::Nobody);
    assert_eq!(owner(&row(A).inheriting("shop/web")), Owner::Nobody);
    assert_eq!(owner(&row(A).copied("shop/web")), Owner::Copied("test/shop/web".to_owned()));
    assert_eq!(owner(&row(A).foreign()), Owner::Foreign("other/shop/web".to_owned()));
    let twin = Owner::Twin { object: object("shop/web"), cluster_uid: "another".to_owned() };
    assert_eq!(owner(&row(A).twin("shop/web")), twin);
}

#[test]
fn a_mark_of_which_a_part_is_inherited_or_missing_is_not_ours() {
    for key in [RRSET_PARAMETER, CLUSTER_UID_PARAMETER] {
        let mut inherits = row(A).marked("shop/web");
        inherits.inherited.insert(key.to_owned());
        assert!(!matches!(owner(&inherits), Owner::Object(_) | Owner::Nobody), "{key} inherited");
        let mut lacks = row(A).marked("shop/web");
        lacks.parameters.remove(key);
        assert!(!matches!(owner(&lacks), Owner::Object(_) | Owner::Nobody), "{key} missing");
    }
    let mut inherits = row(A).marked("shop/web");
    inherits.inherited.insert(OWNER_PARAMETER.to_owned());
    assert_eq!(owner(&inherits), Owner::Nobody);
}

#[test]
fn a_mark_does_not_survive_another_name_type_zone_view_or_server() {
    let home = place();
    let digest = |place: &Place, record_type: &str, name: &str| rrset_digest(place, record_type, name);
    let ours = digest(&home, "A", "a.example.com");
    assert_eq!(ours.len(), 16);
    assert!(ours.chars().all(|digit| digit.is_ascii_hexdigit() && !digit.is_ascii_uppercase()), "{ours}");
    let elsewhere = [
        digest(&home, "A", "b.example.com"),
        digest(&home, "AAAA", "a.example.com"),
        digest(&Place { zone: name("example.org"), ..home.clone() }, "A", "a.example.com"),
        digest(&Place { view: Some("internal".into()), ..home.clone() }, "A", "a.example.com"),
        digest(&Place { server: "other.example.com".into(), ..home }, "A", "a.example.com"),
    ];
    let all: BTreeSet<&String> = elsewhere.iter().chain([&ours]).collect();
    assert_eq!(all.len(), 6, "all are different");
    for text in elsewhere {
        assert!(matches!(owner(&row(A).mark("test", "shop/web", &text, UID)), Owner::Copied(_)));
    }
}

#[test]
fn clusters_are_compared_whole() {
    for cluster in ["tes", "test2", "TEST", ""] {
        let row = row(A);
        let digest = row.digest();
        let row = row.mark(cluster, "shop/web", &digest, UID);
        assert!(matches!(owner(&row), Owner::Foreign(_)), "{cluster}");
    }
    for text in ["test", "test/shop", ""] {
        let digest = row(A).digest();
        let row = row(A).marked("shop/web").with(OWNER_PARAMETER, text).with(RRSET_PARAMETER, &digest);
        assert!(matches!(owner(&row), Owner::Foreign(_)), "{text:?} is no mark of ours");
    }
}

#[test]
fn a_row_with_anybody_elses_mark_is_in_the_way_whatever_the_policy() {
    let others = [
        ("another owner's mark", row(A).foreign()),
        ("a copied mark", row(A).copied("shop/web")),
        ("DnsRecord shop/other", row(A).marked("shop/other")),
    ];
    for (whose, row) in others {
        for adoption in [Adoption::Never, Adoption::IfIdentical, Adoption::Always] {
            let claim = claim("shop/web", "a.example.com 600 A 192.0.2.1").adopting(adoption);
            let (verdict, steps) = Scene::new([claim], [row.clone()]).outcome("shop/web");
            assert!(verdict.starts_with("conflict: 192.0.2.1 with TTL 600"), "{verdict}");
            assert!(verdict.contains(whose), "{verdict}");
            assert!(steps.is_empty(), "{whose}, {adoption:?}: {steps:?}");
        }
    }
}

#[test]
fn rows_of_a_cluster_of_our_name_are_recognised_and_left() {
    for adoption in [Adoption::Never, Adoption::IfIdentical, Adoption::Always] {
        let claim = claim("shop/web", "a.example.com 600 A 192.0.2.1").adopting(adoption);
        let scene = Scene::new([claim], [row(A).twin("shop/web")]);
        assert_eq!(scene.outcome("shop/web"), ("twin another".to_owned(), vec![]));
    }
}

#[test]
fn an_orphan_is_taken_back_by_its_own_record_without_a_write() {
    let claim = claim("shop/web", "a.example.com 600 A 192.0.2.1");
    let scene = Scene::new([claim], [row(A).marked("shop/web")]);
    assert_eq!(scene.outcome("shop/web"), ("in sync 600".to_owned(), vec![]));
}

#[test]
fn an_orphan_counts_as_unmarked_for_others() {
    let orphan = row(A).marked("shop/gone");
    let other = claim("shop/web", "a.example.com 600 A 192.0.2.1");
    let scene = Scene::new([other.clone()], [orphan.clone()]).without("shop/gone");
    let (verdict, steps) = scene.outcome("shop/web");
    assert_eq!(verdict, "in sync 600");
    assert_eq!(steps, [["edit a.example.com 600 A 192.0.2.1 -> 600 192.0.2.1 +k8s_owner=shop/web"]]);
    let scene = Scene::new([other.adopting(Adoption::Never)], [orphan]).without("shop/gone");
    assert_eq!(
        scene.outcome("shop/web"),
        ("conflict: 192.0.2.1 with TTL 600 (without a mark)".to_owned(), vec![])
    );
}

#[test]
fn a_row_that_is_about_to_go_counts_as_gone_and_is_waited_for_by_its_own_value() {
    let mut going = row(A).foreign();
    going.pending_delete = true;
    let scene = Scene::new([claim("shop/web", "a.example.com 600 A 192.0.2.2")], [going.clone()]);
    let (verdict, steps) = scene.outcome("shop/web");
    assert_eq!(verdict, "in sync 600");
    assert_eq!(steps, [["add a.example.com 600 A 192.0.2.2"]]);
    let scene = Scene::new([claim("shop/web", "a.example.com 600 A 192.0.2.1")], [going]);
    let (verdict, steps) = scene.outcome("shop/web");
    assert_eq!(verdict, "waiting: the appliance to finish the deletion of a.example.com A 192.0.2.1");
    assert!(steps.is_empty());
}

#[test]
fn rows_of_a_twin_are_marked_anew_once_it_is_taken_over_and_left_alone_before() {
    let text = "a.example.com 600 A 192.0.2.1, 192.0.2.2";
    let rows = [
        row("1 a.example.com 600 A 192.0.2.1").twin("shop/web"),
        row("2 a.example.com 600 A 192.0.2.2").twin("shop/web"),
    ];
    let mut scene = Scene::new([claim("shop/web", text).settled()], rows);
    assert_eq!(scene.outcome("shop/web"), ("twin another".to_owned(), vec![]));
    // One of the two is still ours: another cluster is at work here all the same.
    scene.rows[0] = row("1 a.example.com 600 A 192.0.2.1").marked("shop/web");
    assert_eq!(scene.outcome("shop/web"), ("twin another".to_owned(), vec![]));
    scene.taken_over.insert("another".to_owned());
    let (verdict, steps) = scene.outcome("shop/web");
    assert_eq!(verdict, "in sync 600");
    let edit = format!("edit a.example.com 600 A 192.0.2.2 -> 600 192.0.2.2 +k8s_cluster_uid={UID}");
    assert_eq!(steps, [[edit]]);
    scene.apply(&scene.plan());
    assert_eq!(scene.outcome("shop/web"), ("in sync 600".to_owned(), vec![]));
    // What has no DnsRecord here is nobody's, and is not touched.
    let mut scene = Scene::new([], [row("1 b.example.com 600 A 192.0.2.1").twin("shop/other")]);
    scene.taken_over.insert("another".to_owned());
    assert!(scene.plan().is_empty());
}

#[test]
fn a_record_whose_rows_a_twin_has_taken_over_goes_without_touching_one() {
    let rows = [row("1 a.example.com 600 A 192.0.2.1").twin("shop/web")];
    let deleted = claim("shop/web", "a.example.com 600 A 192.0.2.1").settled().stage(Stage::Deleting);
    assert_eq!(Scene::new([deleted], rows).outcome("shop/web"), ("gone".to_owned(), vec![]));
}
