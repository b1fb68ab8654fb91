//! Rows without a mark: lost ones, and those of appliances that keep none.

use rstest::rstest;

use super::*;

const A: &str = "1 a.example.com 600 A 192.0.2.1";
const WANTED: &str = "a.example.com 600 A 192.0.2.1";
const TWO: &str = "a.example.com 600 A 192.0.2.1, 192.0.2.2";

fn never(owner: &str, text: &str) -> Claim {
    claim(owner, text).adopting(Adoption::Never)
}

#[rstest]
#[case(Some("7.3.1"), Marks::NotKept)]
#[case(Some("7.0"), Marks::NotKept)]
#[case(Some("7"), Marks::NotKept)]
#[case(Some(" 6.0.2-p1 "), Marks::NotKept)]
#[case(Some("v7.3"), Marks::NotKept)]
#[case(Some("8.0"), Marks::Kept)]
#[case(Some("8.4.0"), Marks::Kept)]
#[case(Some("9"), Marks::Kept)]
#[case(Some("10.1"), Marks::Kept)]
#[case(Some("70.1"), Marks::Kept)]
#[case(Some(""), Marks::Kept)]
#[case(Some("ukn"), Marks::Kept)]
#[case(Some("0"), Marks::Kept)]
#[case(Some("99999999999999999999"), Marks::Kept)]
#[case(None, Marks::Kept)]
fn records_carry_marks_from_version_8_on_and_where_the_version_is_not_known(
    #[case] version: Option<&str>,
    #[case] marks: Marks,
) {
    assert_eq!(Marks::of_version(version), marks);
}

mod lost {
    use super::*;

    #[test]
    fn a_row_exactly_as_its_status_says_is_marked_again_whatever_the_policy() {
        let digest = row(A).digest();
        for adoption in [Adoption::Never, Adoption::IfIdentical, Adoption::Always] {
            let claim = claim("shop/web", WANTED).adopting(adoption).settled();
            let scene = Scene::new([claim], [row(A).with("site", "Paris")]);
            let decision = scene.decision("shop/web");
            assert_eq!(decision.motive, Motive::Drift, "{adoption:?}");
            assert_eq!(verdict(&decision.verdict), "in sync 600");
            let edit = format!(
                "edit {WANTED_ROW} -> 600 192.0.2.1 +k8s_cluster_uid={UID} +k8s_owner=shop/web +k8s_rrset={digest}"
            );
            assert_eq!(steps(&decision), [[edit]]);
        }
    }

    const WANTED_ROW: &str = "a.example.com 600 A 192.0.2.1";

    #[rstest]
    #[case::another_value("1 a.example.com 600 A 192.0.2.9")]
    #[case::another_ttl("1 a.example.com 300 A 192.0.2.1")]
    fn a_row_that_differs_from_what_the_status_says_stays_foreign(#[case] there: &str) {
        for adoption in [Adoption::Never, Adoption::IfIdentical] {
            let claim = claim("shop/web", WANTED).adopting(adoption).settled();
            let (verdict, steps) = Scene::new([claim], [row(there)]).outcome("shop/web");
            assert!(verdict.starts_with("conflict: ") && verdict.ends_with("(without a mark)"), "{verdict}");
            assert!(steps.is_empty(), "{steps:?}");
        }
    }

    #[test]
    fn a_row_with_anybodys_mark_is_not_lost() {
        for there in [row(A).foreign(), row(A).copied("shop/web"), row(A).marked("shop/other")] {
            let scene = Scene::new([never("shop/web", WANTED).settled()], [there]);
            let (verdict, steps) = scene.outcome("shop/web");
            assert!(verdict.starts_with("conflict: "), "{verdict}");
            assert!(steps.is_empty(), "{steps:?}");
        }
        let scene = Scene::new([never("shop/web", WANTED).settled()], [row(A).marked("shop/gone")]);
        let (verdict, steps) = scene.without("shop/gone").outcome("shop/web");
        assert!(verdict.starts_with("conflict: "), "an orphan is another's: {verdict}");
        assert!(steps.is_empty(), "{steps:?}");
    }

    #[test]
    fn a_row_that_two_statuses_claim_is_nobodys() {
        let scene = Scene::new(
            [
                never("shop/web", WANTED).settled().created(1),
                never("shop/second", WANTED).settled().created(2),
            ],
            [row(A)],
        );
        for owner in ["shop/web", "shop/second"] {
            let (verdict, steps) = scene.outcome(owner);
            assert!(verdict.starts_with("conflict: "), "{verdict}");
            assert!(steps.is_empty(), "{steps:?}");
        }
    }

    #[test]
    fn under_report_it_is_told_and_not_written() {
        let claim = claim("shop/web", WANTED).settled().reporting();
        let decision = Scene::new([claim], [row(A)]).decision("shop/web");
        assert!(decision.steps.is_empty());
        let text = "drifted: edit a.example.com 600 A 192.0.2.1 -> 600 192.0.2.1, class parameters k8s_cluster_uid, \
                    k8s_owner, k8s_rrset";
        assert_eq!(verdict(&decision.verdict), text);
    }

    #[test]
    fn a_change_of_the_spec_finds_its_row_without_a_mark() {
        let claim = never("shop/web", "a.example.com 300 A 192.0.2.7").was(WANTED);
        let (verdict, steps) = Scene::new([claim], [row(A)]).outcome("shop/web");
        assert_eq!(verdict, "in sync 300");
        assert_eq!(steps.len(), 1);
        assert!(steps[0][0].starts_with("edit a.example.com 600 A 192.0.2.1 -> 300 192.0.2.7"), "{steps:?}");
        assert_eq!(owners(&steps[0]), ["shop/web"]);
    }

    #[test]
    fn of_two_equal_rows_only_the_one_that_is_missing_is_taken() {
        let second = "2 a.example.com 600 A 192.0.2.1";
        let claim = never("shop/web", WANTED).settled();
        let (verdict, steps) =
            Scene::new([claim.clone()], [row(A).marked("shop/web"), row(second)]).outcome("shop/web");
        assert_eq!(verdict, "foreign values: 192.0.2.1 with TTL 600 (without a mark)");
        assert!(steps.is_empty(), "{steps:?}");
        let decision = Scene::new([claim], [row(A), row(second)]).decision("shop/web");
        let changes: Vec<&Change> = decision.steps.changes().collect();
        assert!(matches!(changes[..], [Change::Edit { row, .. }] if row.id.0.as_ref() == "1"), "{changes:?}");
    }

    #[test]
    fn a_value_that_another_has_there_does_not_become_its_own_by_its_status() {
        // The foreign value is wanted, and stays foreign: what the status tells of is only what is its own.
        let claim = never("shop/web", TWO).was(WANTED);
        let mut scene =
            Scene::new([claim], [row(A).marked("shop/web"), row("2 a.example.com 600 A 192.0.2.2")]);
        let foreign = "foreign values: 192.0.2.2 with TTL 600 (without a mark)";
        for _ in 0..3 {
            assert_eq!(scene.outcome("shop/web"), (foreign.to_owned(), vec![]));
            scene.pass();
        }
    }

    #[test]
    fn a_deleted_record_takes_its_row_along_and_a_retained_one_leaves_it() {
        let leaving = never("shop/web", WANTED).settled().stage(Stage::Deleting);
        let outcome =
            Scene::new([leaving], [row(A), row("2 a.example.com 600 A 192.0.2.2")]).outcome("shop/web");
        assert_eq!(
            outcome,
            ("gone".to_owned(), vec![vec!["delete a.example.com 600 A 192.0.2.1".to_owned()]])
        );
        let retiring = never("shop/web", WANTED).settled().stage(Stage::Retiring);
        let outcome = Scene::new([retiring], [row(A)]).outcome("shop/web");
        assert_eq!(outcome, ("gone".to_owned(), vec![]), "there is no mark to take off");
    }
}

mod not_kept {
    use super::*;

    #[test]
    fn nothing_is_sent_that_the_appliance_would_not_keep() {
        let scene = Scene::new([claim("shop/web", TWO)], []).unmarked();
        let decision = scene.decision("shop/web");
        for change in decision.steps.changes() {
            assert!(matches!(change, Change::Add(row) if row.parameters.is_empty()), "{change}");
        }
        assert_eq!(decision.steps.changes().count(), 2);
        assert_eq!(decision.own_values.len(), 2);
    }

    #[test]
    fn what_the_status_says_is_in_sync_and_can_be_changed_in_place() {
        let claims = |text| [never("shop/web", text).was(WANTED)];
        let scene = Scene::new(claims(WANTED), [row(A)]).unmarked();
        assert_eq!(scene.outcome("shop/web"), ("in sync 600".to_owned(), vec![]));
        let scene = Scene::new(claims("a.example.com 300 A 192.0.2.7"), [row(A)]).unmarked();
        let edit = vec!["edit a.example.com 600 A 192.0.2.1 -> 300 192.0.2.7".to_owned()];
        assert_eq!(scene.outcome("shop/web"), ("in sync 300".to_owned(), vec![edit]));
    }

    #[test]
    fn a_value_that_somebody_changed_is_not_its_own_any_more() {
        let there = || [row("1 a.example.com 600 A 192.0.2.9"), row("2 a.example.com 600 A 192.0.2.2")];
        let foreign = "foreign values: 192.0.2.9 with TTL 600 (not as any DnsRecord's status says)";
        for adoption in [Adoption::Never, Adoption::IfIdentical] {
            let claim = claim("shop/web", TWO).adopting(adoption).settled();
            let scene = Scene::new([claim], there()).unmarked();
            let add = vec!["add a.example.com 600 A 192.0.2.1".to_owned()];
            assert_eq!(
                scene.outcome("shop/web"),
                (foreign.to_owned(), vec![add]),
                "what is missing is added"
            );
            assert_eq!(scene.decision("shop/web").motive, Motive::Drift);
        }
        let always = claim("shop/web", TWO).adopting(Adoption::Always).settled();
        let edit = vec!["edit a.example.com 600 A 192.0.2.9 -> 600 192.0.2.1".to_owned()];
        let scene = Scene::new([always], there()).unmarked();
        assert_eq!(scene.outcome("shop/web"), ("in sync 600".to_owned(), vec![edit]));
        let claim = claim("shop/web", WANTED).settled();
        let (verdict, steps) =
            Scene::new([claim], [row("1 a.example.com 600 A 192.0.2.9")]).unmarked().outcome("shop/web");
        assert_eq!(verdict, "conflict: 192.0.2.9 with TTL 600 (not as any DnsRecord's status says)");
        assert!(steps.is_empty(), "{steps:?}");
    }

    #[test]
    fn under_report_what_is_missing_is_told() {
        let claim = claim("shop/web", TWO).settled().reporting();
        let (verdict, steps) = Scene::new([claim], [row(A)]).unmarked().outcome("shop/web");
        assert_eq!(verdict, "drifted: add a.example.com 600 A 192.0.2.2");
        assert!(steps.is_empty(), "{steps:?}");
    }

    #[test]
    fn a_creation_that_was_cut_off_goes_on() {
        // All is there: taken without a write.
        let rows = || [row(A), row("2 a.example.com 600 A 192.0.2.2")];
        let scene = Scene::new([claim("shop/web", TWO).begun()], rows()).unmarked();
        assert_eq!(scene.outcome("shop/web"), ("in sync 600".to_owned(), vec![]));
        // A part is there: taken when the creation was begun, else somebody else's.
        let add = vec!["add a.example.com 600 A 192.0.2.2".to_owned()];
        let scene = Scene::new([claim("shop/web", TWO).begun()], [row(A)]).unmarked();
        assert_eq!(scene.outcome("shop/web"), ("in sync 600".to_owned(), vec![add.clone()]));
        for claim in [claim("shop/web", TWO), never("shop/web", TWO).begun()] {
            let (verdict, _) = Scene::new([claim], [row(A)]).unmarked().outcome("shop/web");
            assert!(verdict.starts_with("conflict: "), "{verdict}");
        }
        let others = [row(A), row("2 a.example.com 600 A 192.0.2.9")];
        let (verdict, _) =
            Scene::new([claim("shop/web", TWO).begun()], others).unmarked().outcome("shop/web");
        assert!(verdict.starts_with("conflict: "), "{verdict}");
        // What was sent by this very process is known, whatever the policy.
        let scene = Scene::new([never("shop/web", TWO).sent(WANTED)], [row(A)]).unmarked();
        assert_eq!(scene.outcome("shop/web"), ("in sync 600".to_owned(), vec![add]));
    }

    #[test]
    fn a_part_of_what_is_wanted_is_no_reason_where_marks_are_kept() {
        for claim in [claim("shop/web", TWO).begun(), claim("shop/web", TWO).sent(WANTED)] {
            let (verdict, steps) = Scene::new([claim], [row(A)]).outcome("shop/web");
            assert_eq!(verdict, "conflict: 192.0.2.1 with TTL 600 (without a mark)");
            assert!(steps.is_empty(), "{steps:?}");
        }
    }

    #[test]
    fn what_goes_is_exactly_what_the_status_says() {
        let rows = || {
            [
                row(A),
                row("2 a.example.com 300 A 192.0.2.2"),
                row("3 a.example.com 600 A 192.0.2.3"),
                row("4 a.example.com 600 TXT hello"),
            ]
        };
        let leaving = claim("shop/web", TWO).settled().stage(Stage::Deleting);
        let gone = ("gone".to_owned(), vec![vec!["delete a.example.com 600 A 192.0.2.1".to_owned()]]);
        assert_eq!(Scene::new([leaving], rows()).unmarked().outcome("shop/web"), gone);
        let never_applied = claim("shop/web", TWO).stage(Stage::Deleting);
        let nothing = ("gone".to_owned(), vec![]);
        assert_eq!(Scene::new([never_applied], rows()).unmarked().outcome("shop/web"), nothing);
        let retiring = claim("shop/web", TWO).settled().stage(Stage::Retiring);
        assert_eq!(Scene::new([retiring], rows()).unmarked().outcome("shop/web"), nothing);
    }

    #[test]
    fn a_rename_takes_the_old_row_along() {
        let claim = claim("shop/web", "b.example.com 600 A 192.0.2.1").was(WANTED);
        let (verdict, steps) = Scene::new([claim], [row(A)]).unmarked().outcome("shop/web");
        assert_eq!(verdict, "in sync 600");
        let expected = [["add b.example.com 600 A 192.0.2.1"], ["delete a.example.com 600 A 192.0.2.1"]];
        assert_eq!(steps, expected);
    }

    #[test]
    fn the_holder_by_status_keeps_the_rrset_and_hands_it_over_when_it_goes() {
        let holder = || never("shop/web", WANTED).settled().created(9);
        let rival =
            || claim("shop/new", "a.example.com 600 A 192.0.2.7").adopting(Adoption::Always).created(1);
        let scene = Scene::new([holder(), rival()], [row(A)]).unmarked();
        assert_eq!(scene.outcome("shop/web"), ("in sync 600".to_owned(), vec![]));
        let (verdict, steps) = scene.outcome("shop/new");
        assert_eq!(verdict, "conflict: DnsRecord shop/web, which holds a.example.com A");
        assert!(steps.is_empty(), "{steps:?}");
        let mut scene = Scene::new([holder().stage(Stage::Deleting), rival()], [row(A)]).unmarked();
        let (verdict, steps) = scene.outcome("shop/web");
        assert_eq!(verdict, "waiting: its rows to be handed over to DnsRecord shop/new");
        assert!(steps.is_empty(), "{steps:?}");
        assert_eq!(scene.outcome("shop/new").1, [["edit a.example.com 600 A 192.0.2.1 -> 600 192.0.2.7"]]);
        while !scene.pass() {}
        assert_eq!(scene.rows.len(), 1);
        assert_eq!(scene.rows[0].values, ["192.0.2.7"]);
    }

    #[test]
    fn of_two_statuses_that_say_the_same_who_still_wants_the_row_has_it() {
        let leaver = claim("shop/old", WANTED).settled().stage(Stage::Deleting).created(1);
        let heir = never("shop/new", WANTED).settled().created(2);
        let scene = Scene::new([leaver, heir], [row(A)]).unmarked();
        assert_eq!(scene.outcome("shop/old"), ("gone".to_owned(), vec![]));
        assert_eq!(scene.outcome("shop/new"), ("in sync 600".to_owned(), vec![]));
        let one = never("shop/one", WANTED).shared().settled().created(1);
        let two = never("shop/two", WANTED).shared().settled().created(2);
        let scene = Scene::new([one, two], [row(A)]).unmarked();
        for owner in ["shop/one", "shop/two"] {
            assert_eq!(scene.outcome(owner), ("in sync 600".to_owned(), vec![]));
        }
        assert_eq!(scene.decision("shop/one").own_values.len(), 1);
        assert!(scene.decision("shop/two").own_values.is_empty(), "it is the older one's");
    }

    #[test]
    fn declared_class_parameters_are_refused_and_its_rows_stay() {
        let claim = claim("shop/web", WANTED).parameter("cost_center", "42").settled();
        let scene = Scene::new([claim.clone()], [row(A)]).unmarked();
        assert_eq!(scene.outcome("shop/web"), ("unsupported".to_owned(), vec![]));
        let rival = claim_of_another();
        let scene = Scene::new([claim, rival], [row(A)]).unmarked();
        assert!(scene.outcome("shop/new").0.starts_with("conflict: DnsRecord shop/web"));
    }

    fn claim_of_another() -> Claim {
        claim("shop/new", WANTED).adopting(Adoption::Always)
    }

    #[test]
    fn a_mark_that_is_there_all_the_same_counts() {
        let scene = Scene::new([claim("shop/web", WANTED).settled()], [row(A).foreign()]).unmarked();
        let (verdict, steps) = scene.outcome("shop/web");
        assert_eq!(verdict, "conflict: 192.0.2.1 with TTL 600 (another owner's mark \"other/shop/web\")");
        assert!(steps.is_empty(), "{steps:?}");
    }

    #[test]
    fn after_an_upgrade_the_rows_are_marked_one_edit_each() {
        let rows = || [row(A), row("2 a.example.com 600 A 192.0.2.2")];
        let claims = || [never("shop/web", TWO).settled()];
        assert_eq!(Scene::new(claims(), rows()).unmarked().outcome("shop/web").1.len(), 0);
        let (verdict, steps) = Scene::new(claims(), rows()).outcome("shop/web");
        assert_eq!(verdict, "in sync 600");
        assert_eq!(steps.len(), 1);
        assert_eq!(owners(&steps[0]), ["shop/web", "shop/web"]);
    }
}
