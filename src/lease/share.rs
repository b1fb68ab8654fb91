//! Which Lease changes hands so that replicas share the SolidServers evenly. Pure: time only comes in as arguments.
//!
//! Who holds fewer asks who holds most, by an annotation on one Lease, and its holder hands that one over when nothing is written
//! under it any more. A replica that holds nothing has no other way to be seen. Each move makes the difference smaller, and
//! where nobody holds two more than another there is none, so the Leases come to rest.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::time::{Duration, Instant};

use super::names::is_of_solid_server;
use super::term::Sighting;

/// By how many SolidServers two replicas differ when one is moved: fewer, and it would only change places.
const DIFFERENCE: usize = 2;

/// The Leases of SolidServers that somebody holds now.
fn held(seen: &HashMap<String, Sighting>, now: Instant) -> impl Iterator<Item = (&str, &Sighting)> {
    seen.iter()
        .filter(move |(name, lease)| is_of_solid_server(name) && lease.is_held(now))
        .map(|(name, lease)| (name.as_str(), lease))
}

/// How many SolidServers this candidate holds.
pub(super) fn count(seen: &HashMap<String, Sighting>, candidate: &str, now: Instant) -> usize {
    held(seen, now).filter(|(_, lease)| lease.holder == candidate).count()
}

/// The Lease that `candidate` asks for: one of whoever has most, if that is two more than it has itself. What has been asked for counts as handed
/// over, and there is one question at a time. Only of those that it stands for, and only of a holder that renewed it less than `fresh` ago:
/// a question is a change like a renewal, and whoever has crashed is to be missed no later for it.
pub(super) fn to_ask<'seen>(
    seen: &'seen HashMap<String, Sighting>,
    stands_for: &HashSet<String>,
    candidate: &str,
    now: Instant,
    fresh: Duration,
) -> Option<&'seen str> {
    let mut shares: BTreeMap<&str, usize> = BTreeMap::new();
    for (_, lease) in held(seen, now) {
        if lease.asked_by == candidate {
            return None;
        }
        let next = if lease.asked_by.is_empty() { &lease.holder } else { &lease.asked_by };
        *shares.entry(next).or_default() += 1;
    }
    let ours = shares.remove(candidate).unwrap_or_default();
    let (busiest, _) = shares
        .into_iter()
        .filter(|(_, theirs)| *theirs >= ours + DIFFERENCE)
        .max_by_key(|(_, theirs)| *theirs)?;
    held(seen, now)
        .filter(|(name, lease)| {
            lease.holder == busiest && lease.asked_by.is_empty() && stands_for.contains(*name)
        })
        .filter(|(_, lease)| now.saturating_duration_since(lease.since) < fresh)
        .map(|(name, _)| name)
        .min()
}

/// Whether `candidate`, who holds it, is to hand this Lease to whoever asks for it: not when that one has got enough meanwhile.
pub(super) fn is_due(seen: &HashMap<String, Sighting>, name: &str, candidate: &str, now: Instant) -> bool {
    seen.get(name).is_some_and(|lease| {
        lease.holder == candidate
            && !lease.asked_by.is_empty()
            && lease.asked_by != candidate
            && count(seen, candidate, now) >= count(seen, &lease.asked_by, now) + DIFFERENCE
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const LASTS: Duration = Duration::from_secs(15);
    const FRESH: Duration = Duration::from_secs(4);

    /// Leases by name, each with who holds it and who asks for it, seen at `since`.
    fn seen(leases: &[(&str, &str, &str)], since: Instant) -> HashMap<String, Sighting> {
        leases
            .iter()
            .map(|(name, holder, asked_by)| {
                let lease = Sighting {
                    version: "1".to_owned(),
                    holder: (*holder).to_owned(),
                    asked_by: (*asked_by).to_owned(),
                    duration: LASTS,
                    since,
                    gone: false,
                };
                ((*name).to_owned(), lease)
            })
            .collect()
    }

    fn all(seen: &HashMap<String, Sighting>) -> HashSet<String> {
        seen.keys().cloned().collect()
    }

    #[test]
    fn who_holds_two_fewer_asks_who_holds_most_for_one_of_them() {
        let now = Instant::now();
        let ask = |leases: &[(&str, &str, &str)]| {
            let seen = seen(leases, now);
            to_ask(&seen, &all(&seen), "me", now, FRESH).map(str::to_owned)
        };
        let one = |name: &str| Some(name.to_owned());
        assert_eq!(ask(&[]), None);
        assert_eq!(ask(&[("solidserver-a", "x", "")]), None, "one against none would only change places");
        assert_eq!(ask(&[("solidserver-a", "x", ""), ("solidserver-b", "x", "")]), one("solidserver-a"));
        let uneven = [("solidserver-a", "x", ""), ("solidserver-b", "y", ""), ("solidserver-c", "y", "")];
        assert_eq!(ask(&uneven), one("solidserver-b"), "of whoever has most");
        let mine = [("solidserver-a", "x", ""), ("solidserver-b", "x", ""), ("solidserver-c", "me", "")];
        assert_eq!(ask(&mine), None);
        // What others ask for is theirs already, and nobody asks twice.
        assert_eq!(ask(&[("solidserver-a", "x", "y"), ("solidserver-b", "x", "")]), None);
        let three = |asked_by| {
            [("solidserver-a", "x", asked_by), ("solidserver-b", "x", ""), ("solidserver-c", "x", "")]
        };
        assert_eq!(ask(&three("y")), one("solidserver-b"));
        assert_eq!(ask(&three("me")), None);
        // The Lease for what belongs to no SolidServer is next to no work.
        assert_eq!(ask(&[("operator.solidserver.dev", "x", ""), ("solidserver-b", "x", "")]), None);
    }

    #[test]
    fn nobody_asks_the_dead_nor_for_what_it_does_not_know() {
        let then = Instant::now();
        let leases = seen(&[("solidserver-a", "x", ""), ("solidserver-b", "x", "")], then);
        let ask = |stands_for: &HashSet<String>, after: Duration| {
            to_ask(&leases, stands_for, "me", then + after, FRESH)
        };
        assert_eq!(ask(&all(&leases), Duration::from_secs(3)), Some("solidserver-a"));
        assert_eq!(ask(&all(&leases), FRESH), None, "not renewed for too long");
        assert_eq!(ask(&all(&leases), LASTS), None, "nobody holds it");
        assert_eq!(ask(&HashSet::from(["solidserver-b".to_owned()]), Duration::ZERO), Some("solidserver-b"));
        assert_eq!(ask(&HashSet::new(), Duration::ZERO), None);
    }

    #[test]
    fn a_lease_is_handed_over_only_while_that_evens_out() {
        let now = Instant::now();
        let due = |leases: &[(&str, &str, &str)]| is_due(&seen(leases, now), "solidserver-a", "me", now);
        assert!(due(&[("solidserver-a", "me", "x"), ("solidserver-b", "me", "")]));
        assert!(!due(&[("solidserver-a", "me", ""), ("solidserver-b", "me", "")]));
        assert!(!due(&[("solidserver-a", "me", "me"), ("solidserver-b", "me", "")]));
        assert!(!due(&[
            ("solidserver-a", "y", "x"),
            ("solidserver-b", "me", ""),
            ("solidserver-c", "me", "")
        ]));
        assert!(!due(&[
            ("solidserver-a", "me", "x"),
            ("solidserver-b", "me", ""),
            ("solidserver-c", "x", "")
        ]));
        assert!(!due(&[]));
    }

    proptest! {
        /// However they lie, with replicas asking and handing over in any order, they come to rest, and evenly.
        #[test]
        fn leases_come_to_rest_and_evenly(
            holders in proptest::collection::vec(0_usize..4, 0..20),
            order in proptest::collection::vec(0_usize..4, 400),
        ) {
            let now = Instant::now();
            let replicas = ["r0", "r1", "r2", "r3"];
            let names: Vec<String> = (0..holders.len()).map(|number| format!("solidserver-{number:02}")).collect();
            let leases: Vec<(&str, &str, &str)> =
                names.iter().zip(&holders).map(|(name, holder)| (name.as_str(), replicas[*holder], "")).collect();
            let mut seen = seen(&leases, now);
            let mut moves = 0;
            for turn in order {
                let replica = replicas[turn];
                if let Some(name) = to_ask(&seen, &all(&seen), replica, now, FRESH).map(str::to_owned)
                    && let Some(lease) = seen.get_mut(&name)
                {
                    lease.asked_by = replica.to_owned();
                }
                // Its holder gives it, or takes the question off.
                let asked = seen.iter().find(|(_, lease)| lease.holder == replica && !lease.asked_by.is_empty());
                if let Some(name) = asked.map(|(name, _)| name.clone()) {
                    let given = is_due(&seen, &name, replica, now);
                    let lease = seen.get_mut(&name).ok_or_else(|| TestCaseError::fail("it was there"))?;
                    let asked_by = std::mem::take(&mut lease.asked_by);
                    if given {
                        lease.holder = asked_by;
                        moves += 1;
                    }
                }
            }
            let shares = replicas.map(|replica| count(&seen, replica, now));
            let (least, most) = (shares.iter().min().copied(), shares.iter().max().copied());
            prop_assert!(most.unwrap_or_default() <= least.unwrap_or_default() + 1, "{shares:?}");
            prop_assert!(moves <= holders.len(), "{moves} moves of {}", holders.len());
        }
    }
}
