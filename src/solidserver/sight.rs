//! Whether a zone was really seen, or its rows were only left out.
//!
//! The appliance leaves rows out of an answer that the account has no right to see, and says nothing. The proof of sight
//! is the zone's SOA row. For an appliance that lists no SOA rows at all there is a weaker one, asked for once an hour
//! and server: NS rows at the zone's apex, or, without those either, that it counts rows in the zone.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How long it is believed that a server lists SOA rows, or that it does not.
const REMEMBERED: Duration = Duration::from_secs(3600);

/// What an answer shows of the zone itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Evidence {
    /// The SOA row.
    pub(super) soa: bool,
    /// An NS row at the apex.
    pub(super) apex_name_server: bool,
    /// Any row, of those that were asked for.
    pub(super) rows: bool,
    /// All rows of the zone were asked for.
    pub(super) whole_zone: bool,
}

/// What follows from an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Judgement {
    Seen,
    NotVisible,
    /// It depends on whether the server lists SOA rows at all.
    AskForSoa,
    /// It depends on whether the appliance counts rows in the zone.
    AskForCount,
}

/// Judges an answer of a server of which it is known, or not, whether it lists SOA rows.
pub(super) fn judge(evidence: Evidence, lists_soa: Option<bool>) -> Judgement {
    match (evidence, lists_soa) {
        (Evidence { soa: true, .. }, _) => Judgement::Seen,
        (_, Some(true)) => Judgement::NotVisible,
        (_, None) => Judgement::AskForSoa,
        (Evidence { apex_name_server: true, .. }, Some(false)) => Judgement::Seen,
        // An empty zone that nevertheless counts rows is one whose rows are hidden.
        (Evidence { whole_zone: true, rows: false, .. }, Some(false)) => Judgement::NotVisible,
        (_, Some(false)) => Judgement::AskForCount,
    }
}

/// Which servers list SOA rows, as far as it is known.
#[derive(Debug, Default)]
pub(super) struct SoaListing(Mutex<HashMap<Arc<str>, (bool, Instant)>>);

impl SoaListing {
    pub(super) fn known(&self, server: &str, now: Instant) -> Option<bool> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.get(server).filter(|(_, when)| now.duration_since(*when) < REMEMBERED).map(|(lists, _)| *lists)
    }

    pub(super) fn learn(&self, server: &Arc<str>, lists: bool, now: Instant) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(Arc::clone(server), (lists, now));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sight_is_judged_by_the_best_proof_that_the_server_gives() {
        let nothing = Evidence::default();
        let soa = Evidence { soa: true, ..nothing };
        let name_server = Evidence { apex_name_server: true, rows: true, ..nothing };
        let rows = Evidence { rows: true, ..nothing };
        let whole = |evidence| Evidence { whole_zone: true, ..evidence };
        let cases = [
            (soa, None, Judgement::Seen),
            (soa, Some(false), Judgement::Seen),
            (whole(soa), Some(true), Judgement::Seen),
            (nothing, None, Judgement::AskForSoa),
            (name_server, None, Judgement::AskForSoa),
            (name_server, Some(true), Judgement::NotVisible),
            (rows, Some(true), Judgement::NotVisible),
            (name_server, Some(false), Judgement::Seen),
            (rows, Some(false), Judgement::AskForCount),
            (nothing, Some(false), Judgement::AskForCount),
            (whole(rows), Some(false), Judgement::AskForCount),
            (whole(nothing), Some(false), Judgement::NotVisible),
        ];
        for (evidence, lists_soa, judgement) in cases {
            assert_eq!(judge(evidence, lists_soa), judgement, "{evidence:?} {lists_soa:?}");
        }
    }

    #[test]
    fn what_a_server_lists_is_forgotten_after_an_hour() {
        let (listing, now) = (SoaListing::default(), Instant::now());
        assert_eq!(listing.known("ns.test", now), None);
        listing.learn(&"ns.test".into(), false, now);
        assert_eq!(listing.known("ns.test", now + Duration::from_secs(3599)), Some(false));
        assert_eq!(listing.known("ns.test", now + Duration::from_secs(3600)), None);
        assert_eq!(listing.known("other.test", now), None);
    }
}
