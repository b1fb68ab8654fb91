//! One decision for each claim.

use std::collections::{BTreeMap, BTreeSet};

use crate::record::{Place, RecordData, Row, RowEdit, Rrset, RrsetKey, ValueSet};

use super::brake::Fingerprint;
use super::change::{Change, Steps};
use super::claim::{Claim, OnDrift, Sharing, Stage};
use super::conflict::{Ruling, judge, row_clashes};
use super::drift::{Wanted, difference};
use super::ownership::{Identity, MARK_PARAMETERS, Marks, OWNER_PARAMETER, ObjectName, Owner, rrset_digest};
use super::policy::divide;
use super::rows::Rows;
use super::turns::in_turns;

/// Everything that a plan is made from.
pub struct ZoneView<'a> {
    /// The zone.
    pub place: &'a Place,
    /// Who we are.
    pub identity: &'a Identity,
    /// Whether rows can carry marks there.
    pub marks: Marks,
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
    /// It declares class parameters, which the appliance does not keep on records.
    Unsupported,
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
            Self::Unsupported => "unsupported",
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
    /// Those of its values that rows of its own have once the steps are done: not those that others have there.
    pub own_values: ValueSet,
    /// What its status will say once the steps are done.
    pub verdict: Verdict,
    /// What is to be done.
    pub steps: Steps,
    /// Why.
    pub motive: Motive,
    /// Its turn did not come before.
    pub left_over: bool,
    /// What was wanted and what was there, to recognise a write that does not stick.
    pub fingerprint: Fingerprint,
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
    in_turns(decisions)
}

/// What comes of one claim.
struct Outcome {
    verdict: Verdict,
    steps: Steps,
    motive: Motive,
    own_values: ValueSet,
}

impl Outcome {
    /// Nothing is done.
    fn nothing(verdict: Verdict, motive: Motive) -> Self {
        Self { verdict, steps: Steps::default(), motive, own_values: ValueSet::default() }
    }
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
        let Outcome { verdict, steps, motive, own_values } = match claim.stage {
            Stage::Wanted => self.want(claim),
            Stage::Leaving | Stage::Deleting | Stage::Retiring => self.give_up(claim),
        };
        Decision {
            object: claim.object.clone(),
            stage: claim.stage,
            rrset: claim.rrset.clone(),
            class_parameters: claim.class_parameters.clone(),
            own_values,
            left_over: claim.left_over,
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

    fn give_up(&self, claim: &Claim) -> Outcome {
        let mut steps = Steps::default();
        let mut step = Vec::new();
        let mut heirs = BTreeSet::new();
        for row in self.rows.owned_by(&claim.object) {
            if let Some(heir) = self.heir(row) {
                heirs.insert(heir.to_string());
                continue;
            }
            if claim.stage == Stage::Retiring {
                step.extend(without_mark(row));
            } else {
                step.push(Change::Delete { row: row.clone() });
            }
        }
        steps.push(step);
        let verdict = if heirs.is_empty() {
            Verdict::Gone
        } else {
            let heirs: Vec<String> = heirs.into_iter().collect();
            Verdict::Waiting {
                for_what: format!("its rows to be handed over to DnsRecord {}", heirs.join(", ")),
            }
        };
        Outcome { verdict, steps, motive: Motive::Request, own_values: ValueSet::default() }
    }

    fn want(&self, claim: &Claim) -> Outcome {
        let key = &claim.rrset.key;
        if self.view.marks == Marks::NotKept && !claim.class_parameters.is_empty() {
            return Outcome::nothing(Verdict::Unsupported, Motive::Request);
        }
        if let Some(verdict) = self.obstacle(claim) {
            return Outcome::nothing(verdict, Motive::Request);
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
            return Outcome::nothing(Verdict::Twin { cluster_uid }, Motive::Request);
        }
        let held = own.clone();
        let own_values: BTreeSet<&RecordData> = own.iter().filter_map(|row| row.data.as_ref()).collect();
        let (ttl, identical) = match claim.sharing {
            Sharing::Exclusive => (claim.rrset.ttl, Some(claim.rrset.ttl)),
            Sharing::Shared => self.shared_ttl(claim, &others, &unmarked),
        };
        // Where rows carry no marks, those of a creation that was cut off are only a part of what is wanted.
        let goes_on = self.view.marks == Marks::NotKept && claim.begun;
        let division =
            divide(claim.adoption, claim.sharing, &claim.rrset, identical, &own_values, unmarked, goes_on);
        others.extend(division.foreign.iter().map(|row| (*row, &Owner::Nobody)));

        if claim.sharing == Sharing::Exclusive && held.is_empty() && !others.is_empty() {
            return Outcome::nothing(self.lost_to(&others), Motive::Request);
        }
        let adopts = !division.take.is_empty();
        let theirs: BTreeSet<&RecordData> = others.iter().filter_map(|(row, _)| row.data.as_ref()).collect();
        own.extend(&division.take);
        own.sort_by(|left, right| left.id.cmp(&right.id));

        let own_now: BTreeSet<&RecordData> = own.iter().filter_map(|row| row.data.as_ref()).collect();
        if claim.sharing == Sharing::Shared
            && let Some(for_what) = self.awaited_value(claim, &own_now, &others)
        {
            return Outcome::nothing(Verdict::Waiting { for_what }, Motive::Request);
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
            parameters: self.parameters(claim),
            dropped: &claim.dropped_parameters,
        };
        let difference = difference(&wanted, &own);
        let waits = difference.put.iter().find_map(|change| match change {
            Change::Add(row) if self.rows.is_going(&row.name, &row.data) => Some(row.data.to_string()),
            _ => None,
        });
        if let Some(value) = waits {
            let for_what = format!("the appliance to finish the deletion of {} {value}", key);
            return Outcome::nothing(Verdict::Waiting { for_what }, Motive::Request);
        }
        let verdict = if claim.sharing == Sharing::Exclusive && !others.is_empty() {
            Verdict::ForeignValues { ttl, values: self.described(&others) }
        } else {
            // Whoever has nothing of its own to add shows the TTL that is there.
            let shown = others.iter().find(|(row, _)| {
                wanted.values.is_empty()
                    && row.data.as_ref().is_some_and(|data| claim.rrset.values.contains(data))
            });
            Verdict::InSync { ttl: shown.map_or(ttl, |(row, _)| row.ttl) }
        };

        let drifted = claim.was_applied(&theirs) && !inherits;
        if drifted && claim.on_drift == OnDrift::Report && !difference.is_none() {
            let changes = difference.put.iter().chain(&difference.remove).map(Change::in_words).collect();
            return Outcome::nothing(Verdict::Drifted { changes }, Motive::Drift);
        }
        let motive = match (inherits, adopts, drifted) {
            (true, _, _) => Motive::HandOver,
            (_, true, _) => Motive::Adoption,
            (_, _, true) => Motive::Drift,
            _ => Motive::Request,
        };
        let own_values = wanted.values.iter().map(|data| (*data).clone()).collect();
        let steps = self.in_order(claim, difference.put, difference.remove);
        Outcome { verdict, steps, motive, own_values }
    }

    /// The class parameters that each row of a claim shall have.
    fn parameters(&self, claim: &Claim) -> BTreeMap<String, String> {
        let key = &claim.rrset.key;
        let mut parameters = claim.class_parameters.clone();
        if self.view.marks == Marks::Kept {
            let digest = rrset_digest(self.view.place, key.record_type.as_str(), key.name.as_str());
            parameters.extend(self.view.identity.mark(&claim.object, &digest));
        }
        parameters
    }

    /// Puts the rows that the DnsRecord has elsewhere in the zone after what is put at its new name, except where the old
    /// ones must make room first.
    fn in_order(&self, claim: &Claim, put: Vec<Change>, remove: Vec<Change>) -> Steps {
        // A row that repeats a value which another one keeps goes first: nothing is lost by that, and the appliance may refuse to edit a
        // row that another one equals.
        let repeats = |change: &Change| match change {
            Change::Delete { row } => row.data.as_ref().is_some_and(|data| claim.rrset.values.contains(data)),
            Change::Add(_) | Change::Edit { .. } => false,
        };
        let (mut before, mut after): (Vec<Change>, Vec<Change>) = remove.into_iter().partition(repeats);
        for row in self.rows.owned_by(&claim.object) {
            if row.is_of(&claim.rrset.key) {
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

    /// The verdict for a record that holds nothing and finds others there.
    fn lost_to(&self, others: &[(&Row, &Owner)]) -> Verdict {
        let twin = others.iter().find_map(|(_, owner)| match owner {
            Owner::Twin { cluster_uid, .. } => Some(cluster_uid.clone()),
            _ => None,
        });
        match twin {
            Some(cluster_uid) => Verdict::Twin { cluster_uid },
            None => Verdict::Conflict { with: self.described(others).join(", ") },
        }
    }

    fn described(&self, rows: &[(&Row, &Owner)]) -> Vec<String> {
        let whose = |owner: &Owner| match (owner, self.view.marks) {
            (Owner::Nobody, Marks::Kept) => "without a mark".to_owned(),
            (Owner::Nobody, Marks::NotKept) => "not as any DnsRecord's status says".to_owned(),
            (owner, _) => owner.to_string(),
        };
        rows.iter()
            .map(|(row, owner)| format!("{} with TTL {} ({})", row.display_value(), row.ttl, whose(owner)))
            .collect()
    }

    fn fingerprint(&self, claim: &Claim) -> Fingerprint {
        let seen = claim.names().flat_map(|name| self.rows.at(name)).map(|(row, owner)| {
            let is_marked = row.has_own(OWNER_PARAMETER);
            (&row.name, row.ttl, &row.row_type, &row.values, owner, is_marked)
        });
        let class_name = claim.class_name.as_deref();
        let gives_up = claim.stage != Stage::Wanted;
        Fingerprint::new(self.view.place, gives_up, &claim.rrset, &claim.class_parameters, class_name, seen)
    }
}

/// The UID of a cluster of our name that has rows there.
fn twin(others: &[(&Row, &Owner)]) -> Option<String> {
    others.iter().find_map(|(_, owner)| match owner {
        Owner::Twin { cluster_uid, .. } => Some(cluster_uid.clone()),
        _ => None,
    })
}

/// The edit that takes the mark off a row; `None` where there is none, or the row's value makes no sense any more: such a row
/// cannot be edited and stays as it is.
fn without_mark(row: &Row) -> Option<Change> {
    let data = row.data.clone()?;
    let marks = MARK_PARAMETERS.iter().filter(|key| row.has_own(key));
    let delete_parameters: BTreeSet<String> = marks.map(|key| (*key).to_owned()).collect();
    if delete_parameters.is_empty() {
        return None;
    }
    let (ttl, class_name, set_parameters) = (row.ttl, None, BTreeMap::new());
    let edit = RowEdit { data, ttl, class_name, set_parameters, delete_parameters };
    Some(Change::Edit { row: row.clone(), edit })
}
