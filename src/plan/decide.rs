//! One decision for each claim.

use std::collections::{BTreeMap, BTreeSet};

use crate::record::{Name, Place, RecordData, Row, RowEdit, Rrset, RrsetKey};

use super::brake::Fingerprint;
use super::change::{Change, Steps};
use super::claim::{Claim, OnDrift, Sharing, Stage};
use super::conflict::{Ruling, judge, row_clashes};
use super::drift::{Wanted, difference};
use super::ownership::{Identity, MARK_PARAMETERS, ObjectName, Owner, rrset_digest};
use super::policy::divide;

/// Everything that a plan is made from.
pub struct ZoneView<'a> {
    /// The zone.
    pub place: &'a Place,
    /// Who we are.
    pub identity: &'a Identity,
    /// All claims on the names in question, those that are not to be decided among them.
    pub claims: &'a [Claim],
    /// All rows at those names.
    pub rows: &'a [&'a Row],
    /// Whether a DnsRecord exists, anywhere in the cluster: the mark of one that does not counts as none.
    pub exists: &'a dyn Fn(&ObjectName) -> bool,
    /// UIDs of clusters of our name whose rows are ours from now on: each is marked anew with the next decision.
    pub taken_over: &'a BTreeSet<String>,
}

/// Why something is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Motive {
    /// A person changed the DnsRecord: created, changed or deleted it.
    Request,
    /// Another DnsRecord gives the RRset up to this one.
    HandOver,
    /// Rows that were there before are taken over.
    Adoption,
    /// The appliance differs from what was applied.
    Drift,
}

/// What a DnsRecord's status will say once the steps are done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The RRset is as wanted, with this TTL.
    InSync {
        /// The TTL that the RRset has; another's in a shared RRset.
        ttl: u32,
    },
    /// Nothing of the DnsRecord is left here.
    Gone,
    /// Its rows are right, but others stand beside them.
    ForeignValues {
        /// The TTL that its own rows have.
        ttl: u32,
        /// Their values, with whose they are.
        values: Vec<String>,
    },
    /// It is not as applied, and the record asks for a report only.
    Drifted {
        /// What would be done.
        changes: Vec<String>,
    },
    /// It cannot have the RRset.
    Conflict {
        /// Who or what is in the way.
        with: String,
    },
    /// A cluster of the same name wrote the rows.
    Twin {
        /// That cluster's UID.
        cluster_uid: String,
    },
    /// It can go on when something else is done, which is under way.
    Waiting {
        /// For what.
        for_what: String,
    },
}

impl Verdict {
    /// A label for metrics; the set is closed.
    #[must_use]
    pub const fn label(&self) -> &'static str {
        match self {
            Self::InSync { .. } => "in_sync",
            Self::Gone => "gone",
            Self::ForeignValues { .. } => "foreign_values",
            Self::Drifted { .. } => "drifted",
            Self::Conflict { .. } => "conflict",
            Self::Twin { .. } => "twin",
            Self::Waiting { .. } => "waiting",
        }
    }
}

/// The decision on one DnsRecord.
#[derive(Clone, Debug)]
pub struct Decision {
    /// The DnsRecord.
    pub object: ObjectName,
    /// What it wants of the zone.
    pub stage: Stage,
    /// The RRset it describes.
    pub rrset: Rrset,
    /// The class parameters it declares.
    pub class_parameters: BTreeMap<String, String>,
    /// What its status will say once the steps are done.
    pub verdict: Verdict,
    /// What is to be done.
    pub steps: Steps,
    /// Why.
    pub motive: Motive,
    /// What was wanted and what was there, to recognise a write that does not stick.
    pub fingerprint: Fingerprint,
}

/// Rows of the view by name, each with its owner.
pub(super) struct Rows<'a> {
    by_name: BTreeMap<&'a Name, Vec<(&'a Row, Owner)>>,
    /// Rows by the DnsRecord that holds them.
    owned: BTreeMap<ObjectName, Vec<&'a Row>>,
    /// Rows that count as gone, but whose deletion is not yet pushed.
    going: BTreeSet<(&'a Name, &'a RecordData)>,
}

impl<'a> Rows<'a> {
    fn new(view: &ZoneView<'a>) -> Self {
        let mut by_name: BTreeMap<&Name, Vec<(&Row, Owner)>> = BTreeMap::new();
        for row in view.rows.iter().filter(|row| !row.pending_delete) {
            let owner = match Owner::of(row, view.place, view.identity) {
                Owner::Twin { object, cluster_uid } if view.taken_over.contains(&cluster_uid) => {
                    Owner::Object(object)
                }
                owner => owner,
            };
            let owner = match owner {
                Owner::Object(object) if !(view.exists)(&object) => Owner::Nobody,
                owner => owner,
            };
            by_name.entry(&row.name).or_default().push((row, owner));
        }
        let going = view
            .rows
            .iter()
            .filter(|row| row.pending_delete)
            .filter_map(|row| Some((&row.name, row.data.as_ref()?)))
            .collect();
        // Nothing may depend on the order that the appliance lists rows in.
        for rows in by_name.values_mut() {
            rows.sort_by(|(left, _), (right, _)| left.id.cmp(&right.id));
        }
        let mut owned: BTreeMap<ObjectName, Vec<&Row>> = BTreeMap::new();
        for (row, owner) in by_name.values().flatten() {
            if let Owner::Object(object) = owner {
                owned.entry(object.clone()).or_default().push(row);
            }
        }
        Self { by_name, owned, going }
    }

    fn at(&self, name: &Name) -> impl Iterator<Item = &(&'a Row, Owner)> {
        self.by_name.get(name).into_iter().flatten()
    }

    fn of_rrset<'r>(&'r self, key: &'r RrsetKey) -> impl Iterator<Item = &'r (&'a Row, Owner)> {
        self.at(&key.name).filter(|(row, _)| row.rrset_key().as_ref() == Some(key))
    }

    fn owned_by(&self, object: &ObjectName) -> impl Iterator<Item = &'a Row> {
        self.owned.get(object).into_iter().flatten().copied()
    }

    pub(super) fn holds(&self, object: &ObjectName, key: &RrsetKey) -> bool {
        self.owned_by(object).any(|row| row.rrset_key().as_ref() == Some(key))
    }
}

/// Decides every claim that asks for it. The decisions come sorted: what people wait for goes before drift, then by name.
#[must_use]
pub fn plan(view: &ZoneView<'_>) -> Vec<Decision> {
    let rows = Rows::new(view);
    let claims: Vec<&Claim> = view.claims.iter().collect();
    let ruling = judge(&claims, |key, object| rows.holds(object, key));
    let mut rivals: BTreeMap<&RrsetKey, Vec<&Claim>> = BTreeMap::new();
    for claim in claims.iter().filter(|claim| claim.is_wanted()) {
        rivals.entry(&claim.rrset.key).or_default().push(claim);
    }
    let by_object = claims.iter().map(|claim| (&claim.object, *claim)).collect();
    let planner = Planner { view, rows: &rows, ruling: &ruling, rivals, by_object };
    let mut decisions: Vec<Decision> =
        view.claims.iter().filter(|claim| claim.decide).map(|claim| planner.decide(claim)).collect();
    decisions.sort_by(|left, right| (left.motive, &left.object).cmp(&(right.motive, &right.object)));
    decisions
}

pub(super) struct Planner<'a, 'v> {
    view: &'v ZoneView<'a>,
    pub(super) rows: &'v Rows<'a>,
    pub(super) ruling: &'v Ruling,
    /// Claims that want an RRset, by that.
    rivals: BTreeMap<&'v RrsetKey, Vec<&'v Claim>>,
    pub(super) by_object: BTreeMap<&'v ObjectName, &'v Claim>,
}

impl<'a> Planner<'a, '_> {
    fn decide(&self, claim: &Claim) -> Decision {
        let (verdict, steps, motive) = match claim.stage {
            Stage::Wanted => self.want(claim),
            Stage::Leaving | Stage::Deleting | Stage::Retiring => self.give_up(claim),
        };
        Decision {
            object: claim.object.clone(),
            stage: claim.stage,
            rrset: claim.rrset.clone(),
            class_parameters: claim.class_parameters.clone(),
            fingerprint: self.fingerprint(claim),
            verdict,
            steps,
            motive,
        }
    }

    /// Another claim that gives this RRset up, because it goes or wants another one: its rows can be handed over.
    fn gives_up(&self, object: &ObjectName, key: &RrsetKey) -> bool {
        self.by_object.get(object).is_some_and(|claim| !claim.is_wanted() || claim.rrset.key != *key)
    }

    /// The claim that takes a row over from one that gives its RRset up: of those that may have the RRset and can write it now, one
    /// that wants the row's value, else the oldest.
    fn heir(&self, row: &Row) -> Option<&ObjectName> {
        let key = row.rrset_key()?;
        let wants =
            |claim: &&'_ Claim| row.data.as_ref().is_some_and(|data| claim.rrset.values.contains(data));
        let heirs = || {
            let rivals = self.rivals.get(&key).into_iter().flatten().copied();
            rivals.filter(|claim| claim.writable && self.obstacle(claim).is_none())
        };
        heirs()
            .filter(wants)
            .min_by_key(|claim| claim.seniority())
            .or_else(|| heirs().min_by_key(|claim| claim.seniority()))
            .map(|claim| &claim.object)
    }

    fn give_up(&self, claim: &Claim) -> (Verdict, Steps, Motive) {
        let mut steps = Steps::default();
        let mut step = Vec::new();
        let mut heirs = BTreeSet::new();
        for row in self.rows.owned_by(&claim.object) {
            if let Some(heir) = self.heir(row) {
                heirs.insert(heir.to_string());
                continue;
            }
            match (claim.stage, &row.data) {
                (Stage::Retiring, Some(data)) => step.push(Change::Edit {
                    row: row.clone(),
                    edit: RowEdit {
                        data: data.clone(),
                        ttl: row.ttl,
                        class_name: None,
                        set_parameters: BTreeMap::new(),
                        delete_parameters: MARK_PARAMETERS.iter().map(|key| (*key).to_owned()).collect(),
                    },
                }),
                // A row of ours whose value makes no sense any more cannot be edited; it stays, marked.
                (Stage::Retiring, None) => {}
                _ => step.push(Change::Delete { row: row.clone() }),
            }
        }
        steps.push(step);
        if heirs.is_empty() {
            return (Verdict::Gone, steps, Motive::Request);
        }
        let heirs: Vec<String> = heirs.into_iter().collect();
        let for_what = format!("its rows to be handed over to DnsRecord {}", heirs.join(", "));
        (Verdict::Waiting { for_what }, steps, Motive::Request)
    }

    fn want(&self, claim: &Claim) -> (Verdict, Steps, Motive) {
        let key = &claim.rrset.key;
        if let Some(verdict) = self.obstacle(claim) {
            return (verdict, Steps::default(), Motive::Request);
        }

        let mut own: Vec<&Row> = Vec::new();
        let mut unmarked: Vec<&Row> = Vec::new();
        let mut others: Vec<(&Row, &Owner)> = Vec::new();
        let mut inherits = false;
        for (row, owner) in self.rows.of_rrset(key) {
            match owner {
                Owner::Object(object) if *object == claim.object => own.push(row),
                Owner::Object(object)
                    if self.gives_up(object, key) && self.heir(row) == Some(&claim.object) =>
                {
                    inherits = true;
                    own.push(row);
                }
                Owner::Nobody => unmarked.push(row),
                owner => others.push((row, owner)),
            }
        }
        // Another cluster goes by our name: of two that write to one RRset none would ever be done.
        if let Some(cluster_uid) = twin(&others) {
            return (Verdict::Twin { cluster_uid }, Steps::default(), Motive::Request);
        }
        let held = own.clone();
        let own_values: BTreeSet<&RecordData> = own.iter().filter_map(|row| row.data.as_ref()).collect();
        let (ttl, identical) = match claim.sharing {
            Sharing::Exclusive => (claim.rrset.ttl, Some(claim.rrset.ttl)),
            Sharing::Shared => self.shared_ttl(claim, &others, &unmarked),
        };
        let division = divide(claim.adoption, claim.sharing, &claim.rrset, identical, &own_values, unmarked);
        others.extend(division.foreign.iter().map(|row| (*row, &Owner::Nobody)));

        if claim.sharing == Sharing::Exclusive && held.is_empty() && !others.is_empty() {
            return (lost_to(&others), Steps::default(), Motive::Request);
        }
        let adopts = !division.take.is_empty();
        let theirs: BTreeSet<&RecordData> = others.iter().filter_map(|(row, _)| row.data.as_ref()).collect();
        own.extend(&division.take);
        own.sort_by(|left, right| left.id.cmp(&right.id));

        let digest = rrset_digest(self.view.place, key.record_type.as_str(), key.name.as_str());
        let mut parameters = claim.class_parameters.clone();
        parameters.extend(self.view.identity.mark(&claim.object, &digest));
        let own_now: BTreeSet<&RecordData> = own.iter().filter_map(|row| row.data.as_ref()).collect();
        if claim.sharing == Sharing::Shared
            && let Some(for_what) = self.awaited_value(claim, &own_now, &others)
        {
            return (Verdict::Waiting { for_what }, Steps::default(), Motive::Request);
        }
        let wanted = Wanted {
            key,
            ttl,
            // What another one has there already cannot be added a second time.
            values: claim
                .rrset
                .values
                .iter()
                .filter(|data| own_now.contains(data) || !theirs.contains(data))
                .collect(),
            class_name: claim.class_name.as_ref(),
            parameters,
            dropped: &claim.dropped_parameters,
        };
        let difference = difference(&wanted, &own);
        let waits = difference.put.iter().find_map(|change| match change {
            Change::Add(row) if self.rows.going.contains(&(&row.name, &row.data)) => {
                Some(row.data.to_string())
            }
            _ => None,
        });
        if let Some(value) = waits {
            let for_what = format!("the appliance to finish the deletion of {} {value}", key);
            return (Verdict::Waiting { for_what }, Steps::default(), Motive::Request);
        }
        let verdict = if claim.sharing == Sharing::Exclusive && !others.is_empty() {
            Verdict::ForeignValues { ttl, values: others.iter().map(describe).collect() }
        } else {
            Verdict::InSync { ttl }
        };

        let drifted = claim.was_applied() && !inherits;
        if drifted && claim.on_drift == OnDrift::Report && !difference.is_none() {
            let changes = difference.put.iter().chain(&difference.remove).map(ToString::to_string).collect();
            return (Verdict::Drifted { changes }, Steps::default(), Motive::Drift);
        }
        let motive = match (inherits, adopts, drifted) {
            (true, _, _) => Motive::HandOver,
            (_, true, _) => Motive::Adoption,
            (_, _, true) => Motive::Drift,
            _ => Motive::Request,
        };
        (verdict, self.in_order(claim, difference.put, difference.remove), motive)
    }

    /// Puts the rows that the DnsRecord has elsewhere in the zone after what is put at its new name, except where the old
    /// ones must make room first.
    fn in_order(&self, claim: &Claim, put: Vec<Change>, remove: Vec<Change>) -> Steps {
        let (mut before, mut after): (Vec<Change>, Vec<Change>) = (Vec::new(), remove);
        for row in self.rows.owned_by(&claim.object) {
            let row_key = row.rrset_key();
            if row_key.as_ref() == Some(&claim.rrset.key) {
                continue;
            }
            // Another DnsRecord waits for this RRset: it takes the rows over in place.
            if self.heir(row).is_some_and(|heir| *heir != claim.object) {
                continue;
            }
            let makes_room =
                row.name == claim.rrset.key.name && row_clashes(row, claim.rrset.key.record_type);
            let change = Change::Delete { row: row.clone() };
            if makes_room { before.push(change) } else { after.push(change) }
        }
        let mut steps = Steps::default();
        steps.push(before);
        steps.push(put);
        steps.push(after);
        steps
    }

    /// What keeps a claim from its RRset, whatever the rows of that RRset are.
    fn obstacle(&self, claim: &Claim) -> Option<Verdict> {
        let key = &claim.rrset.key;
        if !self.ruling.wins(key, &claim.object) {
            let with = match (self.ruling.winner(key), self.ruling.cname_rival(key)) {
                (Some(winner), _) => format!("DnsRecord {winner}, which holds {key}"),
                (None, Some((other, winner))) => {
                    format!(
                        "DnsRecord {winner}, which holds {other}; a CNAME cannot stand beside other types"
                    )
                }
                (None, None) => format!("another DnsRecord that claims {key}"),
            };
            return Some(Verdict::Conflict { with });
        }
        for (row, owner) in self.rows.at(&key.name).filter(|(row, _)| row_clashes(row, key.record_type)) {
            match owner {
                Owner::Object(object) if *object == claim.object => {}
                Owner::Object(object) if row.rrset_key().is_some_and(|key| self.gives_up(object, &key)) => {
                    let for_what =
                        format!("{} {} of DnsRecord {object} to be removed", row.name, row.row_type.as_str());
                    return Some(Verdict::Waiting { for_what });
                }
                owner => {
                    let with = format!(
                        "{} {} ({owner}); a CNAME cannot stand beside other types",
                        row.row_type.as_str(),
                        row.display_value()
                    );
                    return Some(Verdict::Conflict { with });
                }
            }
        }
        None
    }

    fn fingerprint(&self, claim: &Claim) -> Fingerprint {
        let seen = claim.names().flat_map(|name| self.rows.at(name)).map(|(row, owner)| {
            format!("{} {} {} {:?} {owner}", row.name, row.ttl, row.row_type.as_str(), row.values)
        });
        let class_name = claim.class_name.as_deref();
        let gives_up = claim.stage != Stage::Wanted;
        Fingerprint::new(self.view.place, gives_up, &claim.rrset, &claim.class_parameters, class_name, seen)
    }
}

/// The verdict for a record that holds nothing and finds others there.
fn lost_to(others: &[(&Row, &Owner)]) -> Verdict {
    let list: Vec<String> = others.iter().map(describe).collect();
    Verdict::Conflict { with: list.join(", ") }
}

/// The UID of a cluster of our name that has rows there.
fn twin(others: &[(&Row, &Owner)]) -> Option<String> {
    others.iter().find_map(|(_, owner)| match owner {
        Owner::Twin { cluster_uid, .. } => Some(cluster_uid.clone()),
        _ => None,
    })
}

fn describe((row, owner): &(&Row, &Owner)) -> String {
    match owner {
        Owner::Nobody => format!("{} with TTL {} (without a mark)", row.display_value(), row.ttl),
        owner => format!("{} with TTL {} ({owner})", row.display_value(), row.ttl),
    }
}
