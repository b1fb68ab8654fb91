//! What holds for any claims and rows.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

use super::*;

const OBJECTS: [&str; 5] = ["shop/a", "shop/b", "shop/c", "blog/a", "blog/b"];
const NAMES: [&str; 2] = ["a.example.com", "b.example.com"];
const TTLS: [u32; 2] = [300, 600];

/// Passes after which nothing may be left to do, whoever had to wait for whom.
const PASSES: usize = 6;

fn rrset() -> impl Strategy<Value = String> {
    let values = prop_oneof![
        4 => vec(select(&["192.0.2.1", "192.0.2.2", "192.0.2.3"][..]), 1..=3)
            .prop_map(|values| format!("A {}", values.join(", "))),
        1 => select(&["CNAME www.example.com", "CNAME web.example.com"][..]).prop_map(str::to_owned),
        1 => Just("TXT hello".to_owned()),
    ];
    (select(&NAMES[..]), select(&TTLS[..]), values)
        .prop_map(|(name, ttl, values)| format!("{name} {ttl} {values}"))
}

fn any_claim(owner: &'static str) -> impl Strategy<Value = Claim> {
    let stages = prop_oneof![
        6 => Just(Stage::Wanted),
        1 => Just(Stage::Leaving),
        1 => Just(Stage::Deleting),
        1 => Just(Stage::Retiring),
    ];
    let policies = (
        select(&[Adoption::Never, Adoption::IfIdentical, Adoption::Always][..]),
        select(&[Sharing::Exclusive, Sharing::Shared][..]),
        prop_oneof![4 => Just(OnDrift::Repair), 1 => Just(OnDrift::Report)],
    );
    let applied = prop_oneof![Just(None), Just(Some(None)), rrset().prop_map(|text| Some(Some(text)))];
    (rrset(), stages, policies, applied, 0..3_i64, any::<bool>(), prop::bool::weighted(0.9)).prop_map(
        move |(text, stage, (adoption, sharing, on_drift), applied, created, parameter, writable)| {
            let mut claim = claim(owner, &text).stage(stage).adopting(adoption).created(created);
            claim.sharing = sharing;
            claim.on_drift = on_drift;
            claim.writable = writable;
            if parameter {
                claim = claim.parameter("cost_center", "42");
            }
            match applied {
                None => claim,
                Some(None) => claim.settled(),
                Some(Some(text)) => claim.was(&text),
            }
        },
    )
}

fn claims() -> impl Strategy<Value = Vec<Claim>> {
    let each = OBJECTS.map(|object| prop::option::weighted(0.6, any_claim(object)));
    each.prop_map(|claims| claims.into_iter().flatten().collect())
}

/// Rows of any owner. No two have one name, type and value: the appliance refuses such.
fn rows() -> impl Strategy<Value = Vec<Row>> {
    let one = (rrset(), select(&OBJECTS[..]), 0..10_u8, any::<bool>());
    vec(one, 0..8).prop_map(|rows| {
        let mut known: Vec<Row> = Vec::new();
        for (index, (text, object, kind, site)) in rows.into_iter().enumerate() {
            let first = text.split(", ").next().unwrap_or_default();
            let row = row(&format!("{} {first}", index + 1));
            let twice = |other: &Row| (&other.name, &other.data) == (&row.name, &row.data);
            if known.iter().any(twice) {
                continue;
            }
            let row = match kind {
                0..=4 => row.marked(object),
                5 => row.foreign(),
                6 => row.twin(object),
                7 => row.copied(object),
                8 => row.inheriting(object),
                _ => row,
            };
            known.push(if site { row.with("site", "Paris") } else { row });
        }
        known
    })
}

fn scene() -> impl Strategy<Value = Scene> {
    let absent = select(&OBJECTS[..]);
    (claims(), rows(), absent).prop_map(|(claims, rows, absent)| {
        let exists = claims.iter().any(|claim| claim.object == object(absent));
        let scene = Scene::new(claims, rows);
        if exists { scene } else { scene.without(absent) }
    })
}

/// The same on an appliance that keeps no class parameters on records.
fn unmarked_scene() -> impl Strategy<Value = Scene> {
    scene().prop_map(|mut scene| {
        for row in &mut scene.rows {
            row.parameters.clear();
            row.inherited.clear();
        }
        for claim in &mut scene.claims {
            claim.class_parameters.clear();
            if let Some(applied) = &mut claim.applied {
                applied.class_parameters.clear();
            }
        }
        scene.unmarked()
    })
}

/// A plan as it can be compared.
fn text_of(decisions: &[Decision]) -> Vec<String> {
    let one = |decision: &Decision| {
        let (verdict, steps) = (verdict(&decision.verdict), steps(decision));
        format!("{} {:?} {verdict} {steps:?} {:?}", decision.object, decision.motive, decision.fingerprint)
    };
    decisions.iter().map(one).collect()
}

impl Scene {
    /// One pass, as the reconciliation makes it: changes, then what the status says. True when nothing was changed.
    pub(super) fn pass(&mut self) -> bool {
        let decisions = self.plan();
        let mut silent = true;
        for decision in decisions {
            let writable = self.claims.iter().any(|claim| claim.object == decision.object && claim.writable);
            if !decision.steps.is_empty() {
                if !writable {
                    continue;
                }
                silent = false;
            }
            self.apply(std::slice::from_ref(&decision));
            match decision.verdict {
                Verdict::Gone => {
                    if matches!(decision.stage, Stage::Deleting | Stage::Retiring) {
                        self.absent.insert(decision.object.clone());
                    }
                    self.claims.retain(|claim| claim.object != decision.object);
                }
                Verdict::InSync { ttl } | Verdict::ForeignValues { ttl, .. } => {
                    for claim in self.claims.iter_mut().filter(|claim| claim.object == decision.object) {
                        claim.applied = Some(Applied {
                            key: decision.rrset.key.clone(),
                            rrset: Some(Rrset {
                                ttl,
                                values: decision.own_values.clone(),
                                ..decision.rrset.clone()
                            }),
                            class_parameters: decision.class_parameters.clone(),
                        });
                    }
                }
                _ => {}
            }
        }
        silent
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, ..ProptestConfig::default() })]

    #[test]
    fn what_was_planned_and_done_leaves_nothing_to_do(mut scene in scene()) {
        let begun = scene.clone();
        let passes = (0..PASSES).take_while(|_| !scene.pass()).count();
        prop_assert!(passes < PASSES, "it goes on for ever: {:#?}\n{:#?}", text_of(&scene.plan()), begun);
        // And every record that is said to be in sync has each of its values once.
        for decision in scene.plan() {
            if let Verdict::InSync { ttl } = decision.verdict && decision.steps.is_empty() {
                for value in &decision.rrset.values {
                    let there = scene.rows.iter().filter(|row| {
                        row.rrset_key().as_ref() == Some(&decision.rrset.key) && row.data.as_ref() == Some(value)
                    });
                    let ttls: Vec<u32> = there.map(|row| row.ttl).collect();
                    prop_assert_eq!(ttls.len(), 1, "{} of {}", value, decision.object);
                    prop_assert!(ttls[0] == ttl || begun.rows.iter().any(|row| row.ttl == ttls[0]));
                }
            }
        }
    }

    #[test]
    fn rows_of_others_are_never_touched(scene in scene()) {
        for decision in scene.plan() {
            let claim = scene.claims.iter().find(|claim| claim.object == decision.object).unwrap();
            for change in decision.steps.changes() {
                let (row, edit) = match change {
                    Change::Add(_) => continue,
                    Change::Edit { row, edit } => (row, Some(edit)),
                    Change::Delete { row } => (row, None),
                };
                match Owner::of(row, &place(), &identity()) {
                    Owner::Object(object) if object == decision.object => continue,
                    Owner::Object(object) if !scene.absent.contains(&object) => {
                        let other = scene.claims.iter().find(|claim| claim.object == object);
                        let gives_up = other.is_some_and(|other| {
                            !other.is_wanted() || Some(&other.rrset.key) != row.rrset_key().as_ref()
                        });
                        prop_assert!(gives_up, "{}: {change} is {object}'s", decision.object);
                        prop_assert!(claim.is_wanted());
                        continue;
                    }
                    Owner::Object(_) | Owner::Nobody => {}
                    owner => prop_assert!(false, "{}: {change} has {owner}", decision.object),
                }
                // A row without a mark is that of the one whose status says exactly so.
                let (key, data) = (row.rrset_key().unwrap(), row.data.as_ref().unwrap());
                let wrote = |claim: &&Claim| claim.applied_row(&key, row.ttl, data);
                let writers: Vec<&Claim> = scene.claims.iter().filter(wrote).collect();
                if let [writer] = writers[..]
                    && Owner::of(row, &place(), &identity()) == Owner::Nobody
                {
                    if writer.object == claim.object {
                        continue;
                    }
                    let gives_up = !writer.is_wanted() || writer.rrset.key != key;
                    if gives_up && claim.is_wanted() {
                        continue;
                    }
                }
                // The row counts as unmarked.
                prop_assert!(claim.is_wanted());
                match (claim.adoption, edit) {
                    (Adoption::Never, _) | (Adoption::IfIdentical, None) => {
                        prop_assert!(false, "{}: {change} under {:?}", decision.object, claim.adoption);
                    }
                    (Adoption::IfIdentical, Some(edit)) => {
                        prop_assert!(claim.rrset.values.iter().any(|value| Some(value) == row.data.as_ref()));
                        prop_assert_eq!(Some(&edit.data), row.data.as_ref());
                        let ttl = if claim.sharing == Sharing::Shared { edit.ttl } else { claim.rrset.ttl };
                        prop_assert_eq!(row.ttl, ttl, "{} under IfIdentical", change);
                    }
                    (Adoption::Always, _) => {}
                }
            }
        }
    }

    #[test]
    fn without_marks_only_what_a_status_tells_of_is_touched(scene in unmarked_scene()) {
        for decision in scene.plan() {
            let claim = scene.claims.iter().find(|claim| claim.object == decision.object).unwrap();
            for change in decision.steps.changes() {
                let row = match change {
                    Change::Add(new) => {
                        prop_assert!(new.parameters.is_empty(), "{}: {change} with parameters", decision.object);
                        continue;
                    }
                    Change::Edit { row, edit } => {
                        prop_assert!(edit.set_parameters.is_empty() && edit.delete_parameters.is_empty());
                        row
                    }
                    Change::Delete { row } => row,
                };
                if claim.is_wanted() && claim.adoption == Adoption::Always {
                    continue;
                }
                let (key, data) = (row.rrset_key().unwrap(), row.data.as_ref().unwrap());
                let wrote = |claim: &&Claim| claim.applied_row(&key, row.ttl, data);
                let told = scene.claims.iter().filter(wrote).any(|writer| {
                    let gives_up = !writer.is_wanted() || writer.rrset.key != key;
                    writer.object == claim.object || (gives_up && claim.is_wanted())
                });
                prop_assert!(told, "{}: {change} under {:?}", decision.object, claim.adoption);
            }
        }
    }

    #[test]
    fn without_marks_what_was_planned_and_done_leaves_nothing_to_do(mut scene in unmarked_scene()) {
        let begun = scene.clone();
        let passes = (0..PASSES).take_while(|_| !scene.pass()).count();
        prop_assert!(passes < PASSES, "it goes on for ever: {:#?}\n{:#?}", text_of(&scene.plan()), begun);
    }

    #[test]
    fn foreign_class_parameters_survive(mut scene in scene()) {
        let sites = |scene: &Scene| scene.rows.iter().map(|row| (row.id.clone(), row.parameters.get("site").cloned())).collect::<BTreeMap<_, _>>();
        let before = sites(&scene);
        scene.pass();
        for (id, site) in sites(&scene) {
            if let Some(was) = before.get(&id) {
                prop_assert_eq!(&site, was);
            }
        }
    }

    #[test]
    fn the_order_of_claims_and_rows_means_nothing(
        (scene, claims, rows) in scene().prop_flat_map(|scene| {
            let (claims, rows) = (Just(scene.claims.clone()).prop_shuffle(), Just(scene.rows.clone()).prop_shuffle());
            (Just(scene), claims, rows)
        })
    ) {
        let other = Scene { claims, rows, ..scene.clone() };
        prop_assert_eq!(text_of(&scene.plan()), text_of(&other.plan()));
    }

    #[test]
    fn every_claim_that_is_to_be_decided_gets_one_decision(mut scene in scene(), decide in vec(any::<bool>(), 5)) {
        for (claim, decide) in scene.claims.iter_mut().zip(decide) {
            claim.decide = decide;
        }
        let wanted: BTreeSet<ObjectName> =
            scene.claims.iter().filter(|claim| claim.decide).map(|claim| claim.object.clone()).collect();
        let decisions = scene.plan();
        prop_assert_eq!(decisions.len(), wanted.len());
        prop_assert_eq!(decisions.into_iter().map(|decision| decision.object).collect::<BTreeSet<_>>(), wanted);
    }
}
