//! The deletion guard: which RRsets would go, and whether so many of them may.
//!
//! A loss is an RRset that would lose its last row. What stays in DNS under its name and type is none: a value that goes while others
//! stay, rows that are handed over, and a move to another zone. Retired records keep their rows and lose nothing either.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use sha2::{Digest, Sha256};

use crate::record::{Place, Row, RowId, RrsetKey};

use super::change::Change;
use super::claim::Stage;
use super::decide::Decision;
use super::ownership::ObjectName;

/// A wave is over when nothing has joined it for so long.
const QUIET: Duration = Duration::from_secs(3);
/// A wave that never ends is judged after so long.
const LONGEST: Duration = Duration::from_secs(30);

/// How many losses a zone may have within the window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Allowance {
    /// So many in any case.
    pub max_count: u32,
    /// Of the RRsets that are ours there, in percent.
    pub max_percent: u32,
}

impl Allowance {
    /// The number for a zone in which `owned` RRsets are ours: the larger of both.
    #[must_use]
    pub fn of(self, owned: usize) -> usize {
        let share = (owned as u64 * u64::from(self.max_percent) / 100).try_into().unwrap_or(usize::MAX);
        usize::try_from(self.max_count).unwrap_or(usize::MAX).max(share)
    }
}

/// When the losses of a wave were first seen. Times count from some fixed moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wave {
    /// The first of them.
    pub first: Duration,
    /// The last.
    pub last: Duration,
}

impl Wave {
    /// A wave of these; `None` without any.
    #[must_use]
    pub fn of(seen: impl IntoIterator<Item = Duration>) -> Option<Self> {
        seen.into_iter().fold(None, |wave, at| {
            let wave = wave.unwrap_or(Self { first: at, last: at });
            Some(Self { first: wave.first.min(at), last: wave.last.max(at) })
        })
    }

    /// When it is to be judged.
    #[must_use]
    pub fn settles_at(self) -> Duration {
        (self.last + QUIET).min(self.first + LONGEST)
    }
}

/// What each decision would let go, if all were carried out: DnsRecords with the RRsets that would lose their last row.
#[must_use]
pub fn losses(decisions: &[Decision], rows: &[&Row]) -> BTreeMap<ObjectName, BTreeSet<RrsetKey>> {
    let deleted: BTreeSet<&RowId> = decisions.iter().flat_map(deletions).map(|row| &row.id).collect();
    let stays = rows.iter().filter(|row| !row.pending_delete && !deleted.contains(&row.id));
    let mut kept: BTreeSet<RrsetKey> = stays.filter_map(|row| row.rrset_key()).collect();
    for change in decisions.iter().flat_map(|decision| decision.steps.changes()) {
        if let Change::Add(row) = change {
            kept.insert(RrsetKey { name: row.name.clone(), record_type: row.data.record_type() });
        }
    }
    let mut losses = BTreeMap::new();
    // What leaves a zone is in its new one already.
    for decision in decisions.iter().filter(|decision| decision.stage != Stage::Leaving) {
        let lost: BTreeSet<RrsetKey> =
            deletions(decision).filter_map(Row::rrset_key).filter(|key| !kept.contains(key)).collect();
        if !lost.is_empty() {
            losses.insert(decision.object.clone(), lost);
        }
    }
    losses
}

fn deletions(decision: &Decision) -> impl Iterator<Item = &Row> {
    decision.steps.changes().filter_map(|change| match change {
        Change::Delete { row } => Some(row),
        Change::Add(_) | Change::Edit { .. } => None,
    })
}

/// The id under which a wave is held: the same one for the same objects in the same state, also after a restart.
/// `objects` are names with what tells one state of an object from another (UID and generation).
#[must_use]
pub fn hold_id<'a>(
    solid_server: &str,
    place: &Place,
    objects: impl IntoIterator<Item = (&'a ObjectName, String)>,
) -> String {
    use std::fmt::Write as _;
    let objects: BTreeMap<&ObjectName, String> = objects.into_iter().collect();
    let mut digest = Sha256::new();
    digest.update(format!("{solid_server}\n{place}\n"));
    for (object, state) in objects {
        digest.update(format!("{object} {state}\n"));
    }
    let mut id = String::with_capacity(10);
    for byte in digest.finalize().iter().take(5) {
        // Writing to a String cannot fail.
        let _ = write!(id, "{byte:02x}");
    }
    id
}
