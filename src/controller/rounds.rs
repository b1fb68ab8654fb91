//! Whole rounds over an appliance's zones, counted for its status (no IO).

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::appliance::last_sync;
use super::zones::ZoneKey;
use crate::api::LastSync;
use crate::plan::ObjectName;
use crate::reconcile::Deed;
use crate::record::Place;

/// A round that is under way.
pub(super) struct Round {
    begun: Instant,
    zones: BTreeSet<Place>,
    reads: u32,
    /// What was done for each DnsRecord: a round may decide one several times, and it counts once.
    deeds: HashMap<ObjectName, Deed>,
}

impl Round {
    /// A round over these zones begins.
    #[must_use]
    pub(super) fn new(zones: impl Iterator<Item = ZoneKey>) -> Self {
        Self {
            begun: Instant::now(),
            zones: zones.map(|zone| zone.place).collect(),
            reads: 0,
            deeds: HashMap::new(),
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

    /// Counts what was done for one DnsRecord.
    pub(super) fn count(&mut self, object: &ObjectName, deed: Deed) {
        if deed == Deed::None {
            return;
        }
        let known = self.deeds.entry(object.clone()).or_insert(deed);
        *known = match (*known, deed) {
            // What was written in this round is in sync later in it.
            (written @ (Deed::Created | Deed::Updated | Deed::Deleted), Deed::Skipped) => written,
            (Deed::Created, Deed::Updated) => Deed::Created,
            // It moved from one zone to another.
            (Deed::Created, Deed::Deleted) | (Deed::Deleted, Deed::Created) => Deed::Updated,
            (_, newest) => newest,
        };
    }

    fn counted(&self, deed: Deed) -> u32 {
        let count = self.deeds.values().filter(|known| **known == deed).count();
        u32::try_from(count).unwrap_or(u32::MAX)
    }

    /// A zone's part is done, if one is named; the result when none is left.
    pub(super) fn finish(&mut self, place: Option<&Place>) -> Option<LastSync> {
        if let Some(place) = place {
            self.zones.remove(place);
        }
        self.zones.is_empty().then(|| {
            let [created, updated, deleted, skipped, failed] =
                [Deed::Created, Deed::Updated, Deed::Deleted, Deed::Skipped, Deed::Failed]
                    .map(|deed| self.counted(deed));
            last_sync(self.begun.elapsed(), [self.reads, created, updated, deleted, skipped, failed])
        })
    }
}

/// The rounds of all appliances.
pub(super) type Rounds = std::collections::HashMap<Arc<str>, Round>;

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(deeds: &[(&str, Deed)]) -> [u32; 5] {
        let mut round = Round::new(std::iter::empty());
        for (name, deed) in deeds {
            round.count(&ObjectName::new("shop", name), *deed);
        }
        let sync = round.finish(None).unwrap();
        [sync.created, sync.updated, sync.deleted, sync.skipped, sync.failed]
    }

    #[test]
    fn each_record_counts_once_however_often_it_is_decided() {
        use Deed::{Created, Deleted, Failed, None, Skipped, Updated};
        assert_eq!(
            counts(&[("a", Created), ("b", Updated), ("c", Deleted), ("d", Skipped), ("e", Failed)]),
            [1; 5]
        );
        assert_eq!(counts(&[("a", None)]), [0; 5]);
        assert_eq!(counts(&[("a", Created), ("a", Skipped), ("a", None)]), [1, 0, 0, 0, 0]);
        assert_eq!(counts(&[("a", Updated), ("a", Skipped)]), [0, 1, 0, 0, 0]);
        assert_eq!(counts(&[("a", Skipped), ("a", Updated)]), [0, 1, 0, 0, 0]);
        assert_eq!(counts(&[("a", Failed), ("a", Created)]), [1, 0, 0, 0, 0]);
        assert_eq!(counts(&[("a", Failed), ("a", Skipped)]), [0, 0, 0, 1, 0]);
        assert_eq!(counts(&[("a", Created), ("a", Failed)]), [0, 0, 0, 0, 1]);
        assert_eq!(counts(&[("a", Created), ("a", Deleted)]), [0, 1, 0, 0, 0]);
    }
}
