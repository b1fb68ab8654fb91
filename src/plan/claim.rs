//! Claims: what each DnsRecord asks of one zone.

use std::collections::{BTreeMap, BTreeSet};

use crate::record::{Name, RecordData, Rrset, RrsetKey};

use super::ObjectName;

/// What to do with unmarked rows that are already there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Adoption {
    /// Leave them; the record is in conflict with them.
    Never,
    /// Take them over when they are what the record asks for.
    IfIdentical,
    /// Take them over, whatever they are.
    Always,
}

/// Who else may have rows in the RRset.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sharing {
    /// Nobody.
    Exclusive,
    /// Others, each with rows of their own.
    Shared,
}

/// What to do when the appliance differs from what was applied before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnDrift {
    /// Put it right.
    Repair,
    /// Say so.
    Report,
}

/// What the DnsRecord wants of this zone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Its RRset shall be here.
    Wanted,
    /// Its RRset is in its new zone already; what it has here shall go.
    Leaving,
    /// The DnsRecord is being deleted; its rows shall go with it.
    Deleting,
    /// The DnsRecord is being deleted; its rows shall stay, without the mark.
    Retiring,
}

/// What one DnsRecord asks of one zone.
#[derive(Clone, Debug)]
pub struct Claim {
    /// The DnsRecord.
    pub object: ObjectName,
    /// When it was created, in seconds since 1970: age decides between claims that hold nothing.
    pub created: i64,
    /// What it wants.
    pub stage: Stage,
    /// The RRset it describes.
    pub rrset: Rrset,
    /// The appliance's class; `None` leaves what is there.
    pub class_name: Option<String>,
    /// Class parameters that it declares.
    pub class_parameters: BTreeMap<String, String>,
    /// Class parameters that it declared before and does not any more.
    pub dropped_parameters: BTreeSet<String>,
    /// What to do with unmarked rows.
    pub adoption: Adoption,
    /// Who else may have rows in the RRset.
    pub sharing: Sharing,
    /// What to do about drift.
    pub on_drift: OnDrift,
    /// What its status says was last applied in this zone.
    pub applied: Option<Applied>,
    /// Rows that were sent to this zone for it and that its status does not tell of yet; only counts where rows carry no marks.
    pub written: BTreeSet<WrittenRow>,
    /// It was begun and has never been settled anywhere: its finalizer is on, and its status says of nothing that it was applied.
    pub begun: bool,
    /// Further names in this zone at which rows of it may stand.
    pub other_names: BTreeSet<Name>,
    /// Whether a decision is asked for; otherwise it only counts as a competitor.
    pub decide: bool,
    /// Its turn did not come before, though others had theirs: it takes turns with what has changed since.
    pub left_over: bool,
    /// Whether it may write now; one that may not (suspended, held by the brake) takes nothing over.
    pub writable: bool,
}

/// What a DnsRecord's status says was last applied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Applied {
    /// Owner name and type.
    pub key: RrsetKey,
    /// The RRset with TTL and values, when the status still makes sense as one.
    pub rrset: Option<Rrset>,
    /// The class parameters that were set.
    pub class_parameters: BTreeMap<String, String>,
}

/// A row as it was sent to the appliance.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct WrittenRow {
    /// Owner name and type.
    pub key: RrsetKey,
    /// Time to live, in seconds.
    pub ttl: u32,
    /// The value.
    pub data: RecordData,
}

impl Claim {
    /// The names whose rows must be known before this claim can be decided.
    pub fn names(&self) -> impl Iterator<Item = &Name> {
        let own = &self.rrset.key.name;
        let applied = self.applied.as_ref().map(|applied| &applied.key.name);
        let others = applied.into_iter().chain(&self.other_names).filter(move |name| *name != own);
        std::iter::once(own).chain(others)
    }

    /// Whether it wants its RRset to be here.
    #[must_use]
    pub fn is_wanted(&self) -> bool {
        self.stage == Stage::Wanted
    }

    /// Whether the status says that exactly this was applied before, so that a difference is drift. What others have of its
    /// values (`theirs`) was never its own.
    pub(super) fn was_applied(&self, theirs: &BTreeSet<&RecordData>) -> bool {
        self.applied.as_ref().is_some_and(|applied| {
            applied.rrset.as_ref().is_some_and(|rrset| {
                rrset.key == self.rrset.key
                    && rrset.values.is_subset(&self.rrset.values)
                    && self.rrset.values.iter().all(|data| rrset.values.contains(data) || theirs.contains(data))
                    // In a shared RRset the TTL may be another's.
                    && (rrset.ttl == self.rrset.ttl || self.sharing == Sharing::Shared)
            }) && applied.class_parameters == self.class_parameters
                && self.dropped_parameters.is_empty()
        })
    }

    /// Whether the status says that exactly this row is its own.
    pub(super) fn applied_row(&self, key: &RrsetKey, ttl: u32, data: &RecordData) -> bool {
        let rrset = self.applied.as_ref().and_then(|applied| applied.rrset.as_ref());
        rrset.is_some_and(|rrset| rrset.key == *key && rrset.ttl == ttl && rrset.values.contains(data))
    }

    /// Whether exactly this row was sent for it since.
    pub(super) fn wrote_row(&self, key: &RrsetKey, ttl: u32, data: &RecordData) -> bool {
        self.written.iter().any(|row| row.key == *key && row.ttl == ttl && row.data == *data)
    }

    /// The order among claims of which none holds the RRset: the oldest first.
    pub(super) fn seniority(&self) -> (i64, &ObjectName) {
        (self.created, &self.object)
    }
}
