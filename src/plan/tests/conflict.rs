//! Several claims on one RRset, and CNAME beside other types.

use super::*;

const TEXT: &str = "a.example.com 600 A 192.0.2.1";
const ROW: &str = "1 a.example.com 600 A 192.0.2.1";

/// The DnsRecord that has the RRset; each of the others is in conflict and changes nothing.
fn winner(scene: &Scene) -> String {
    let mut winners = Vec::new();
    for decision in scene.plan() {
        if matches!(decision.verdict, Verdict::Conflict { .. }) {
            assert!(decision.steps.is_empty());
        } else {
            winners.push(decision.object.to_string());
        }
    }
    assert_eq!(winners.len(), 1, "{winners:?}");
    winners.remove(0)
}

#[test]
fn without_a_holder_the_older_wins_then_the_name() {
    let (old, young) = (claim("shop/z", TEXT).created(1), claim("shop/a", TEXT).created(2));
    assert_eq!(winner(&Scene::new([old.clone(), young.clone()], [])), "shop/z");
    assert_eq!(winner(&Scene::new([young.clone(), old], [])), "shop/z");
    assert_eq!(winner(&Scene::new([young.clone(), claim("shop/b", TEXT).created(2)], [])), "shop/a");
    assert_eq!(winner(&Scene::new([young, claim("beta/z", TEXT).created(2)], [])), "beta/z");
}

#[test]
fn the_holder_wins_against_an_older_one_and_is_named() {
    let (old, holder) = (claim("shop/old", TEXT).created(1), claim("shop/holder", TEXT).created(2));
    let scene = Scene::new([old, holder], [row(ROW).marked("shop/holder")]);
    assert_eq!(winner(&scene), "shop/holder");
    let (verdict, _) = scene.outcome("shop/old");
    assert_eq!(verdict, "conflict: DnsRecord shop/holder, which holds a.example.com A");
}

#[test]
fn the_holder_wins_against_an_older_one_that_is_renamed_onto_it() {
    let renamed = claim("shop/old", TEXT).created(1).was("b.example.com 600 A 192.0.2.1");
    let holder = claim("shop/holder", TEXT).created(2).settled();
    let rows = [row(ROW).marked("shop/holder"), row("2 b.example.com 600 A 192.0.2.1").marked("shop/old")];
    let scene = Scene::new([renamed, holder], rows);
    assert_eq!(winner(&scene), "shop/holder");
}

#[test]
fn a_holder_without_a_claim_here_still_holds() {
    // It exists, but its spec makes no sense at the moment: its rows are not for others to take.
    let scene = Scene::new([claim("shop/web", TEXT)], [row(ROW).marked("shop/broken")]);
    let (verdict, steps) = scene.outcome("shop/web");
    assert_eq!(verdict, "conflict: 192.0.2.1 with TTL 600 (DnsRecord shop/broken)");
    assert!(steps.is_empty());
}

#[test]
fn when_the_holder_goes_the_oldest_that_may_write_takes_over_in_place() {
    let text = |last| format!("a.example.com 600 A 192.0.2.{last}");
    let holder = claim("shop/holder", TEXT).created(1).stage(Stage::Deleting);
    let suspended = Claim { writable: false, ..claim("shop/suspended", &text(2)).created(2) };
    let claims = [
        claim("shop/young", &text(4)).created(4),
        holder,
        suspended,
        claim("shop/next", &text(3)).created(3),
    ];
    let mut scene = Scene::new(claims, [row(ROW).marked("shop/holder")]);
    // The suspended one is older and has the RRset, if it could: nobody is favoured by its being suspended.
    assert!(scene.outcome("shop/young").0.starts_with("conflict"));
    scene.claims.retain(|claim| claim.writable);
    assert!(
        scene
            .outcome("shop/holder")
            .0
            .starts_with("waiting: its rows to be handed over to DnsRecord shop/next")
    );
    let (verdict, steps) = scene.outcome("shop/next");
    assert_eq!(verdict, "in sync 600");
    assert_eq!(steps, [["edit a.example.com 600 A 192.0.2.1 -> 600 192.0.2.3 +k8s_owner=shop/next"]]);
    assert_eq!(scene.decision("shop/next").motive, Motive::HandOver);
    scene.apply(&scene.plan());
    assert_eq!(scene.outcome("shop/holder"), ("gone".to_owned(), vec![]));
}

#[test]
fn a_cname_and_another_type_do_not_stand_at_one_name() {
    let alias = claim("shop/alias", "a.example.com 600 CNAME www.example.com").created(2);
    let address = claim("shop/address", TEXT).created(1);
    let scene = Scene::new([alias.clone(), address.clone()], []);
    assert_eq!(winner(&scene), "shop/address");
    let message = "conflict: DnsRecord shop/address, which holds a.example.com A; a CNAME cannot stand beside other types";
    assert_eq!(scene.outcome("shop/alias").0, message);
    // The holder wins here too.
    let held = row("1 a.example.com 600 CNAME www.example.com").marked("shop/alias");
    assert_eq!(winner(&Scene::new([alias, address], [held])), "shop/alias");
}

#[test]
fn one_that_loses_itself_keeps_nobody_away() {
    // The AAAA holds; the CNAME, older than the A, loses to it: the A is free.
    let claims = [
        claim("shop/alias", "a.example.com 600 CNAME www.example.com").created(2),
        claim("shop/six", "a.example.com 600 AAAA 2001:db8::1").created(1),
        claim("shop/four", TEXT).created(3),
    ];
    let scene = Scene::new(claims, []);
    assert_eq!(scene.outcome("shop/four").0, "in sync 600");
    assert_eq!(scene.outcome("shop/six").0, "in sync 600");
    assert!(scene.outcome("shop/alias").0.starts_with("conflict: DnsRecord shop/four"));
}

#[test]
fn dnssec_rows_beside_a_cname_are_no_conflict_and_others_are() {
    let alias = || claim("shop/alias", "a.example.com 600 CNAME www.example.com");
    let other = |record_type: &str| Row {
        row_type: RowType::Other(record_type.into()),
        data: None,
        ..row("1 a.example.com 600 A 192.0.2.1")
    };
    for record_type in ["RRSIG", "NSEC", "NSEC3", "KEY"] {
        let scene = Scene::new([alias()], [other(record_type)]);
        assert_eq!(scene.outcome("shop/alias").0, "in sync 600", "{record_type}");
    }
    for record_type in ["LOC", "DNSKEY"] {
        let (verdict, steps) = Scene::new([alias()], [other(record_type)]).outcome("shop/alias");
        assert!(verdict.starts_with(&format!("conflict: {record_type} ")), "{verdict}");
        assert!(steps.is_empty());
    }
    let address = claim("shop/address", TEXT);
    let (verdict, _) = Scene::new([address.clone()], [row("1 a.example.com 600 CNAME www.example.com")])
        .outcome("shop/address");
    assert!(verdict.starts_with("conflict: CNAME www.example.com"), "{verdict}");
    assert_eq!(Scene::new([address], [other("LOC")]).outcome("shop/address").0, "in sync 600");
}
