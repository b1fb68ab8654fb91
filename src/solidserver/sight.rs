//! Whether a zone was really seen, or its rows were only left out.
//!
//! The appliance leaves rows out of an answer that the account has no right to see, and says nothing. The proof of sight
//! is the zone's SOA row. For a server that lists no SOA rows at all there is a weaker one: that it lists any row of the
//! zone, such as the NS rows at its apex, or at least counts some. A server that has listed SOA rows once is never judged
//! by the weaker proof again, for when they vanish all together it is the account's rights that have gone.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How long it is believed that a server lists no SOA rows.
const REMEMBERED: Duration = Duration::from_secs(3600);

/// What an answer shows of the zone itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Evidence {
    /// The SOA row.
    pub(super) soa: bool,
    /// Any row of the zone: NS at the apex, which is always asked for, or one of those that were wanted.
    pub(super) rows: bool,
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
        (Evidence { rows: true, .. }, Some(false)) => Judgement::Seen,
        (_, Some(false)) => Judgement::AskForCount,
    }
}

/// Which servers list SOA rows, as far as it is known.
#[derive(Debug, Default)]
pub(super) struct SoaListing(Mutex<HashMap<Arc<str>, Known>>);

#[derive(Clone, Copy, Debug)]
enum Known {
    Lists,
    ListsNone { since: Instant },
}

impl SoaListing {
    pub(super) fn known(&self, server: &str, now: Instant) -> Option<bool> {
        match self.0.lock().unwrap_or_else(PoisonError::into_inner).get(server)? {
            Known::Lists => Some(true),
            Known::ListsNone { since } => (now.duration_since(*since) < REMEMBERED).then_some(false),
        }
    }

    pub(super) fn learn(&self, server: &Arc<str>, lists: bool, now: Instant) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let entry = known.entry(Arc::clone(server)).or_insert(Known::ListsNone { since: now });
        if lists {
            *entry = Known::Lists;
        } else if matches!(entry, Known::ListsNone { .. }) {
            *entry = Known::ListsNone { since: now };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sight_is_judged_by_the_best_proof_that_the_server_gives() {
        let nothing = Evidence::default();
        let soa = Evidence { soa: true, ..nothing };
        let rows = Evidence { rows: true, ..nothing };
        let cases = [
            (soa, None, Judgement::Seen),
            (soa, Some(false), Judgement::Seen),
            (soa, Some(true), Judgement::Seen),
            (nothing, None, Judgement::AskForSoa),
            (rows, None, Judgement::AskForSoa),
            (nothing, Some(true), Judgement::NotVisible),
            (rows, Some(true), Judgement::NotVisible),
            (rows, Some(false), Judgement::Seen),
            (nothing, Some(false), Judgement::AskForCount),
        ];
        for (evidence, lists_soa, judgement) in cases {
            assert_eq!(judge(evidence, lists_soa), judgement, "{evidence:?} {lists_soa:?}");
        }
    }

    #[test]
    fn that_a_server_lists_no_soa_rows_is_forgotten_after_an_hour() {
        let (listing, now) = (SoaListing::default(), Instant::now());
        assert_eq!(listing.known("ns.test", now), None);
        listing.learn(&"ns.test".into(), false, now);
        assert_eq!(listing.known("ns.test", now + Duration::from_secs(3599)), Some(false));
        assert_eq!(listing.known("ns.test", now + Duration::from_secs(3600)), None);
        assert_eq!(listing.known("other.test", now), None);
    }

    #[test]
    fn a_server_that_listed_soa_rows_once_is_expected_to_go_on() {
        let (listing, now) = (SoaListing::default(), Instant::now());
        let server: Arc<str> = "ns.test".into();
        listing.learn(&server, false, now);
        listing.learn(&server, true, now);
        listing.learn(&server, false, now);
        assert_eq!(listing.known("ns.test", now + Duration::from_secs(86_400)), Some(true));
    }
}
