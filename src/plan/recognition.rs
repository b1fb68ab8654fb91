//! Is this still the appliance that the statuses of DnsRecords speak of? Asked before anything is written at an endpoint that is new to a
//! SolidServer: every row would seem to be missing on another appliance.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use sha2::{Digest, Sha256};

use crate::record::{Place, Row};

use super::claim::Applied;
use super::ownership::{Identity, Marks, ObjectName, Owner};

/// What the statuses of DnsRecords say they have, by zone.
#[derive(Clone, Debug, Default)]
pub struct Remembered(BTreeMap<Place, BTreeMap<ObjectName, Applied>>);

impl Remembered {
    /// Nothing is said to be anywhere.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How many DnsRecords say that they have something.
    #[must_use]
    pub fn records(&self) -> usize {
        self.0.values().map(BTreeMap::len).sum()
    }

    /// The zones, those with the fewest DnsRecords first: one row is enough, and small zones are soon read.
    #[must_use]
    pub fn zones(&self) -> Vec<&Place> {
        let mut zones: Vec<_> = self.0.iter().collect();
        zones.sort_by_key(|(place, records)| (records.len(), *place));
        zones.into_iter().map(|(place, _)| place).collect()
    }

    /// Whether one of the rows that a zone shows was written for one of its DnsRecords.
    ///
    /// Where rows carry marks only a mark tells: two appliances may well show a row of the same name and value. A DnsRecord that is
    /// not among those remembered proves nothing: another SolidServer of the same cluster may have written for it.
    #[must_use]
    pub fn is_shown_by<'a>(
        &self,
        rows: impl IntoIterator<Item = &'a Row>,
        place: &Place,
        identity: &Identity,
        marks: Marks,
        taken_over: &BTreeSet<String>,
    ) -> bool {
        let Some(records) = self.0.get(place) else { return false };
        let marked = |row: &Row| match Owner::of(row, place, identity) {
            Owner::Object(object) => records.contains_key(&object),
            Owner::Twin { object, cluster_uid } => {
                taken_over.contains(&cluster_uid) && records.contains_key(&object)
            }
            Owner::Nobody | Owner::Foreign(_) | Owner::Copied(_) => false,
        };
        let as_written = |row: &Row| {
            let (Some(key), Some(data)) = (row.rrset_key(), &row.data) else { return false };
            let rrsets = records.values().filter_map(|applied| applied.rrset.as_ref());
            rrsets
                .into_iter()
                .any(|rrset| rrset.key == key && rrset.ttl == row.ttl && rrset.values.contains(data))
        };
        rows.into_iter().filter(|row| !row.pending_delete).any(|row| match marks {
            Marks::Kept => marked(row),
            Marks::NotKept => as_written(row),
        })
    }
}

impl FromIterator<(Place, ObjectName, Applied)> for Remembered {
    fn from_iter<I: IntoIterator<Item = (Place, ObjectName, Applied)>>(all: I) -> Self {
        let mut zones: BTreeMap<Place, BTreeMap<ObjectName, Applied>> = BTreeMap::new();
        for (place, object, applied) in all {
            zones.entry(place).or_default().insert(object, applied);
        }
        Self(zones)
    }
}

/// The id under which an appliance that shows none of our rows is accepted: the same one as long as the question is the same, also after
/// a restart, and another one the next time. `accepted` is when one was accepted last.
#[must_use]
pub fn acceptance_id(solid_server: &str, was: &str, is: &str, accepted: &str) -> String {
    let digest = Sha256::digest(format!("{solid_server}\n{was}\n{is}\n{accepted}\n"));
    let mut id = String::with_capacity(10);
    for byte in digest.iter().take(5) {
        // Writing to a String cannot fail.
        let _ = write!(id, "{byte:02x}");
    }
    id
}
