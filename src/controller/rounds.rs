//! Whole rounds over an appliance's zones, counted for its status (no IO).

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::appliance::last_sync;
use super::zones::ZoneKey;
use crate::api::LastSync;
use crate::reconcile::Deed;
use crate::record::Place;

/// A round that is under way.
pub(super) struct Round {
    begun: Instant,
    zones: BTreeSet<Place>,
    reads: u32,
    created: u32,
    updated: u32,
    deleted: u32,
    skipped: u32,
    failed: u32,
}

impl Round {
    /// A round over these zones begins.
    #[must_use]
    pub(super) fn new(zones: impl Iterator<Item = ZoneKey>) -> Self {
        Self {
            begun: Instant::now(),
            zones: zones.map(|zone| zone.place).collect(),
            reads: 0,
            created: 0,
            updated: 0,
            deleted: 0,
            skipped: 0,
            failed: 0,
        }
    }

    /// Whether a zone's part is still to come.
    #[must_use]
    pub(super) fn waits_for(&self, place: &Place) -> bool {
        self.zones.contains(place)
    }

    /// How long it has taken so far.
    pub(super) fn elapsed(&self) -> Duration {
        self.begun.elapsed()
    }

    /// Counts calls that read.
    pub(super) fn count_reads(&mut self, reads: usize) {
        self.reads = self.reads.saturating_add(u32::try_from(reads).unwrap_or(u32::MAX));
    }

    /// Counts one DnsRecord.
    pub(super) const fn count(&mut self, deed: Deed) {
        let counter = match deed {
            Deed::Created => &mut self.created,
            Deed::Updated => &mut self.updated,
            Deed::Deleted => &mut self.deleted,
            Deed::Skipped => &mut self.skipped,
            Deed::Failed => &mut self.failed,
            Deed::None => return,
        };
        *counter = counter.saturating_add(1);
    }

    /// A zone's part is done, if one is named; the result when none is left.
    pub(super) fn finish(&mut self, place: Option<&Place>) -> Option<LastSync> {
        if let Some(place) = place {
            self.zones.remove(place);
        }
        self.zones.is_empty().then(|| {
            last_sync(
                self.begun.elapsed(),
                [self.reads, self.created, self.updated, self.deleted, self.skipped, self.failed],
            )
        })
    }
}

/// The rounds of all appliances.
pub(super) type Rounds = std::collections::HashMap<Arc<str>, Round>;
