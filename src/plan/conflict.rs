//! Two claims on one RRset, and CNAME beside other types: who wins.

use std::collections::{BTreeMap, BTreeSet};

use crate::record::{RecordType, Row, RowType, RrsetKey};

use super::claim::{Claim, Sharing};
use super::ownership::ObjectName;

/// Types that may stand beside a CNAME (RFC 4035 2.5, RFC 2181 10.1).
const BESIDE_CNAME: [&str; 4] = ["RRSIG", "NSEC", "NSEC3", "KEY"];

/// For each RRset that is claimed, the DnsRecords that may have it and what each of the others loses to.
#[derive(Debug, Default)]
pub(super) struct Ruling {
    winners: BTreeMap<RrsetKey, BTreeSet<ObjectName>>,
}

impl Ruling {
    /// Whether `object` may have the RRset.
    pub(super) fn wins(&self, key: &RrsetKey, object: &ObjectName) -> bool {
        self.winners.get(key).is_some_and(|winners| winners.contains(object))
    }

    /// All that may have the RRset.
    pub(super) fn winners(&self, key: &RrsetKey) -> impl Iterator<Item = &ObjectName> {
        self.winners.get(key).into_iter().flatten()
    }

    /// The winner that a loser is told of.
    pub(super) fn winner(&self, key: &RrsetKey) -> Option<&ObjectName> {
        self.winners.get(key).and_then(BTreeSet::first)
    }

    /// A winner of a CNAME where `key` is of another type, or the other way round.
    pub(super) fn cname_rival(&self, key: &RrsetKey) -> Option<(&RrsetKey, &ObjectName)> {
        // By key, not through all winners: that would make the ruling grow with the square of the claims.
        RecordType::ALL
            .into_iter()
            .filter(|other| clashes(*other, key.record_type))
            .filter_map(|record_type| {
                self.winners.get_key_value(&RrsetKey { name: key.name.clone(), record_type })
            })
            .find_map(|(other, winners)| winners.first().map(|winner| (other, winner)))
    }
}

/// Whether two types cannot stand at one name because one of them is CNAME.
fn clashes(one: RecordType, other: RecordType) -> bool {
    (one == RecordType::Cname) != (other == RecordType::Cname)
}

/// Whether a row keeps a record of `record_type` from standing at its name.
pub(super) fn row_clashes(row: &Row, record_type: RecordType) -> bool {
    match &row.row_type {
        RowType::Managed(other) => clashes(*other, record_type),
        RowType::Other(other) => record_type == RecordType::Cname && !BESIDE_CNAME.contains(&&**other),
    }
}

/// Judges all claims that want an RRset.
///
/// `holds` says whether a claim's DnsRecord holds rows of an RRset. The one that holds it wins; only when none does, age
/// decides. Claims that share win together.
pub(super) fn judge(claims: &[&Claim], holds: impl Fn(&RrsetKey, &ObjectName) -> bool) -> Ruling {
    let mut by_key: BTreeMap<&RrsetKey, Vec<&Claim>> = BTreeMap::new();
    for claim in claims.iter().filter(|claim| claim.is_wanted()) {
        by_key.entry(&claim.rrset.key).or_default().push(claim);
    }
    // Holding goes before age, in both contests. Of several that hold one RRset those that share it go first: to become
    // Exclusive takes nothing from them.
    let rank = |key: &RrsetKey, claim: &&'_ Claim| {
        let (created, object) = claim.seniority();
        let holds = holds(key, &claim.object);
        (!holds, holds && claim.sharing == Sharing::Exclusive, created, object.clone())
    };
    let mut contests: Vec<_> = by_key
        .iter()
        .filter_map(|(key, rivals)| {
            let ranked = rivals.iter().map(|claim| (rank(key, claim), *claim));
            let (rank, first) = ranked.min_by(|(left, _), (right, _)| left.cmp(right))?;
            Some((rank, *key, first, rivals))
        })
        .collect();
    contests.sort_by(|(left, ..), (right, ..)| left.cmp(right));
    let mut ruling = Ruling::default();
    // In the order of rank: one that has lost itself keeps nobody away.
    for (_, key, first, rivals) in contests {
        if ruling.cname_rival(key).is_some() {
            continue;
        }
        let mut winners = BTreeSet::from([first.object.clone()]);
        if first.sharing == Sharing::Shared {
            winners.extend(
                rivals
                    .iter()
                    .filter(|claim| claim.sharing == Sharing::Shared)
                    .map(|claim| claim.object.clone()),
            );
        }
        ruling.winners.insert(key.clone(), winners);
    }
    ruling
}
