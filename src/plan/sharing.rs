//! Several DnsRecords of this cluster, and others, in one RRset: its one TTL, and values that go from one to another.

use std::collections::BTreeSet;

use crate::record::{RecordData, Row, RrsetKey};

use super::claim::{Adoption, Claim};
use super::decide::Planner;
use super::ownership::{ObjectName, Owner};

impl Planner<'_, '_> {
    /// The TTL of a shared RRset (RFC 2181 5.2: it has one), and the one that unmarked rows must have to be taken over as
    /// identical.
    ///
    /// That of rows that others had there before wins. Among DnsRecords of this cluster the first one says, so that two of
    /// them never follow each other in a circle.
    pub(super) fn shared_ttl(
        &self,
        claim: &Claim,
        others: &[(&Row, &Owner)],
        unmarked: &[&Row],
    ) -> (u32, Option<u32>) {
        let key = &claim.rrset.key;
        let is_foreign = |owner: &Owner| match owner {
            Owner::Object(object) => self.sharer(object, key).is_none_or(|other| !other.writable),
            _ => true,
        };
        let sharers = || self.writing_sharers(key).chain([claim]);
        let wants = |sharer: &Claim, row: &Row| {
            row.data.as_ref().is_some_and(|data| sharer.rrset.values.contains(data))
        };
        let is_wanted = |row: &Row| sharers().any(|sharer| wants(sharer, row));
        let marked = others.iter().find(|(_, owner)| is_foreign(owner)).map(|(row, _)| row.ttl);
        if let Some(ttl) = marked.or_else(|| unmarked.iter().find(|row| !is_wanted(row)).map(|row| row.ttl)) {
            return (ttl, Some(ttl));
        }
        let ttl = self.first_sharer(key).unwrap_or(claim).rrset.ttl;
        // Whoever wants it: the answer must be the same for all sharers.
        let is_taken_over = |row: &Row| {
            sharers().filter(|sharer| wants(sharer, row)).any(|sharer| match sharer.adoption {
                Adoption::Never => false,
                Adoption::IfIdentical => row.ttl == ttl,
                Adoption::Always => true,
            })
        };
        match unmarked.iter().find(|row| !is_taken_over(row)) {
            Some(row) => (row.ttl, None),
            None => (ttl, Some(ttl)),
        }
    }

    /// The claim of `object`, if it wants this RRset.
    fn sharer(&self, object: &ObjectName, key: &RrsetKey) -> Option<&Claim> {
        self.by_object.get(object).copied().filter(|claim| claim.is_wanted() && claim.rrset.key == *key)
    }

    /// Of those that have an RRset and can write it the one that comes first: a holder, then the oldest.
    fn first_sharer(&self, key: &RrsetKey) -> Option<&Claim> {
        self.writing_sharers(key)
            .min_by_key(|sharer| (!self.rows.holds(&sharer.object, key), sharer.seniority()))
    }

    fn writing_sharers(&self, key: &RrsetKey) -> impl Iterator<Item = &Claim> {
        self.ruling
            .winners(key)
            .filter_map(|object| self.sharer(object, key))
            .filter(|sharer| sharer.writable)
    }

    /// A wanted value that cannot be added yet, since another sharer still has it and will give it up, or adds it itself.
    pub(super) fn awaited_value(
        &self,
        claim: &Claim,
        own: &BTreeSet<&RecordData>,
        others: &[(&Row, &Owner)],
    ) -> Option<String> {
        let key = &claim.rrset.key;
        for data in claim.rrset.values.iter().filter(|data| !own.contains(data)) {
            let Some((_, owner)) = others.iter().find(|(row, _)| row.data.as_ref() == Some(data)) else {
                let adds = |sharer: &&Claim| sharer.rrset.values.contains(data);
                let first = self.writing_sharers(key).filter(adds).min_by_key(|sharer| sharer.seniority());
                match first.filter(|first| first.object != claim.object) {
                    Some(first) => {
                        return Some(format!("its value {data} to be added by DnsRecord {}", first.object));
                    }
                    None => continue,
                }
            };
            let Owner::Object(object) = owner else { continue };
            if self
                .sharer(object, key)
                .is_some_and(|other| other.writable && !other.rrset.values.contains(data))
            {
                return Some(format!("its value {data} to be given up by DnsRecord {object}"));
            }
        }
        None
    }
}
