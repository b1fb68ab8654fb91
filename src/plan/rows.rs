//! The rows of a zone, each with its owner: by the mark that it carries, or by what the status of a DnsRecord says was written.

use std::collections::{BTreeMap, BTreeSet};

use crate::record::{Name, RecordData, Row, RrsetKey};

use super::claim::Claim;
use super::decide::ZoneView;
use super::ownership::{Marks, ObjectName, Owner};

/// Rows of the view by name, each with its owner.
pub(super) struct Rows<'a> {
    by_name: BTreeMap<&'a Name, Vec<(&'a Row, Owner)>>,
    /// Rows by the DnsRecord that holds them.
    owned: BTreeMap<ObjectName, Vec<&'a Row>>,
    /// Rows that count as gone, but whose deletion is not yet pushed.
    going: BTreeSet<(&'a Name, &'a RecordData)>,
}

impl<'a> Rows<'a> {
    pub(super) fn new(view: &ZoneView<'a>) -> Self {
        let mut by_name: BTreeMap<&Name, Vec<(&Row, Owner)>> = BTreeMap::new();
        for row in view.rows.iter().filter(|row| !row.pending_delete) {
            let owner = match Owner::of(row, view.place, view.identity) {
                Owner::Twin { object, cluster_uid } if view.taken_over.contains(&cluster_uid) => {
                    Owner::Object(object)
                }
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
        let writers = Writers::new(view);
        let mut owned: BTreeMap<ObjectName, Vec<&Row>> = BTreeMap::new();
        for (name, rows) in &mut by_name {
            // Nothing may depend on the order that the appliance lists rows in.
            rows.sort_by(|(left, _), (right, _)| left.id.cmp(&right.id));
            writers.recognise(name, rows);
            for (row, owner) in rows {
                match owner {
                    Owner::Object(object) if !(view.exists)(object) => *owner = Owner::Nobody,
                    Owner::Object(object) => owned.entry(object.clone()).or_default().push(row),
                    _ => {}
                }
            }
        }
        Self { by_name, owned, going }
    }

    pub(super) fn at(&self, name: &Name) -> impl Iterator<Item = &(&'a Row, Owner)> {
        self.by_name.get(name).into_iter().flatten()
    }

    pub(super) fn of_rrset<'r>(&'r self, key: &'r RrsetKey) -> impl Iterator<Item = &'r (&'a Row, Owner)> {
        self.at(&key.name).filter(|(row, _)| row.is_of(key))
    }

    pub(super) fn owned_by(&self, object: &ObjectName) -> impl Iterator<Item = &'a Row> {
        self.owned.get(object).into_iter().flatten().copied()
    }

    pub(super) fn holds(&self, object: &ObjectName, key: &RrsetKey) -> bool {
        self.owned_by(object).any(|row| row.is_of(key))
    }

    /// Whether a row of this name and value counts as gone while its deletion is not yet pushed.
    pub(super) fn is_going(&self, name: &Name, data: &RecordData) -> bool {
        self.going.contains(&(name, data))
    }
}

/// The DnsRecords by what they are known to have written.
struct Writers<'v> {
    marks: Marks,
    by_name: BTreeMap<&'v Name, Vec<&'v Claim>>,
}

impl<'v> Writers<'v> {
    fn new(view: &ZoneView<'v>) -> Self {
        let mut by_name: BTreeMap<&Name, Vec<&Claim>> = BTreeMap::new();
        for claim in view.claims {
            let applied = claim.applied.as_ref().map(|applied| &applied.key.name);
            let written = claim.written.iter().map(|row| &row.key.name);
            let names: BTreeSet<&Name> = applied.into_iter().chain(written).collect();
            for name in names {
                by_name.entry(name).or_default().push(claim);
            }
        }
        Self { marks: view.marks, by_name }
    }

    /// Gives the rows of a name that carry no mark to the DnsRecords that wrote them: to each one row of a value, and
    /// none where it has a marked one of that value.
    fn recognise(&self, name: &Name, rows: &mut [(&Row, Owner)]) {
        let Some(claims) = self.by_name.get(name) else { return };
        let mut held: BTreeSet<(ObjectName, &RecordData)> = rows
            .iter()
            .filter_map(|(row, owner)| match (owner, &row.data) {
                (Owner::Object(object), Some(data)) => Some((object.clone(), data)),
                _ => None,
            })
            .collect();
        for (row, owner) in rows {
            let (Owner::Nobody, Some(data)) = (&*owner, &row.data) else { continue };
            let Some(writer) = self.writer(claims, row, data) else { continue };
            if held.insert((writer.clone(), data)) {
                *owner = Owner::Object(writer.clone());
            }
        }
    }

    fn writer(&self, claims: &[&'v Claim], row: &Row, data: &RecordData) -> Option<&'v ObjectName> {
        let key = row.rrset_key()?;
        let wrote = |claim: &&&Claim| match self.marks {
            Marks::Kept => claim.applied_row(&key, row.ttl, data),
            Marks::NotKept => claim.applied_row(&key, row.ttl, data) || claim.wrote_row(&key, row.ttl, data),
        };
        let mut writers = claims.iter().copied().filter(|claim| wrote(&claim));
        let writer = match self.marks {
            // Where rows carry marks, one without is taken only when there is no doubt.
            Marks::Kept => writers.next().filter(|_| writers.next().is_none()),
            // Where they cannot, somebody has to have it: who still wants it goes before who gives it up.
            Marks::NotKept => writers.min_by_key(|claim| {
                let wants_rrset = claim.is_wanted() && claim.rrset.key == key;
                let wants_value = wants_rrset && claim.rrset.values.contains(data);
                (!wants_value, !wants_rrset, claim.seniority())
            }),
        };
        writer.map(|claim| &claim.object)
    }
}
