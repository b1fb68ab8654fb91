//! What the controller would do with DnsRecords as they would be, found out by reading alone (IO): the same binding, quotas, gathering,
//! plan and guard as in a pass, and no call that writes.

mod appliance;
mod outcome;
mod zone;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures::StreamExt as _;

use self::appliance::Ground;
pub use self::outcome::Outcome;
use self::zone::Zone;
use super::endpoints::barred;
use crate::api::desired::object_name;
use crate::api::{DnsRecord, Reason, SolidServer, Standing};
use crate::plan::{Change, Identity, Labels, ObjectName};
use crate::record::{Place, RrsetKey};
use crate::solidserver::Client;

/// Zones that are read at the same time; each appliance has its own bound on calls.
const ZONES_AT_A_TIME: usize = 16;

/// Stands for the UID of a cluster that has not marked a row yet and is not known otherwise.
const UNKNOWN_UID: &str = "unknown";

/// The objects as they would be.
#[derive(Clone, Debug, Default)]
pub struct Objects {
    /// DnsRecords: those that are asked about, and those that stand beside them.
    pub records: Vec<Candidate>,
    /// Labels of the namespaces that are known.
    pub namespaces: BTreeMap<String, Labels>,
    /// SolidServers, those that are not asked about among them.
    pub solid_servers: Vec<SolidServer>,
    /// Whether these are all the DnsRecords of the cluster. Then a mark of one that is not among them counts as none, as it does for the
    /// operator; otherwise it is believed.
    pub complete: bool,
    /// Namespaces whose DnsRecords are all here: what rows say of others there is given up.
    pub complete_namespaces: BTreeSet<String>,
}

/// One DnsRecord as it would be.
#[derive(Clone, Debug)]
pub struct Candidate {
    /// The object: spec as it would be, all else as the cluster has it.
    pub record: Arc<DnsRecord>,
    /// Whether it is asked about; the others only stand in its way.
    pub asked: bool,
}

/// Who would write.
#[derive(Clone, Debug)]
pub struct Writer {
    /// The operator's `--cluster-name`.
    pub cluster_name: String,
    /// The UID of the kube-system namespace; where it is not known, that of most of the rows marked with this cluster's name is taken.
    pub cluster_uid: Option<String>,
}

/// How far it has come.
#[derive(Debug, Default)]
pub struct Progress {
    zones: AtomicUsize,
    read: AtomicUsize,
}

/// What would be done.
#[derive(Clone, Debug, Default)]
pub struct Preview {
    /// The appliances that were looked at.
    pub appliances: Vec<Surveyed>,
    /// Each DnsRecord that is asked about, and others whose rows change along with these, by namespace and name.
    pub records: Vec<Foreseen>,
    /// RRsets that would go, by zone.
    pub deletions: Vec<Deletions>,
    /// What could not be looked at: what is said of the records there is no plan.
    pub failures: Vec<Failure>,
    /// Rows that carry this cluster's name were marked by clusters of these UIDs, the one taken for ours first; filled only where that was
    /// not known.
    pub uids: Vec<String>,
    /// Calls that read zones.
    pub reads: usize,
}

/// An appliance that was looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Surveyed {
    /// The SolidServer.
    pub solid_server: Arc<str>,
    /// Its endpoint.
    pub endpoint: String,
    /// The version, if the account may ask for it.
    pub version: Option<String>,
}

/// What would come of one DnsRecord.
#[derive(Clone, Debug)]
pub struct Foreseen {
    /// The DnsRecord.
    pub object: ObjectName,
    /// The SolidServer that it refers to.
    pub solid_server: Arc<str>,
    /// Owner name and type; absent where the spec makes no sense.
    pub rrset: Option<RrsetKey>,
    /// The zone, once there is one.
    pub place: Option<Place>,
    /// What would be done.
    pub outcome: Outcome,
    /// The reason that its conditions would show.
    pub reason: Option<Reason>,
    /// The same in a sentence; empty where there is nothing to say.
    pub message: String,
    /// The calls, in their order, each with the zone. What is held, suspended or only reported would not be carried out.
    pub changes: Vec<(Place, Change)>,
}

/// RRsets that would lose their last row in one zone, set against the deletion guard.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deletions {
    /// The SolidServer.
    pub solid_server: Arc<str>,
    /// The zone.
    pub place: Place,
    /// The RRsets.
    pub rrsets: BTreeSet<RrsetKey>,
    /// How many the window counts already.
    pub counted: usize,
    /// How many there may be within the window.
    pub allowed: usize,
    /// The window.
    pub window: Duration,
    /// Whether the guard would hold all of them.
    pub held: bool,
}

/// What could not be looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// The SolidServer.
    pub solid_server: Arc<str>,
    /// The zone; `None` for the appliance as a whole.
    pub place: Option<Place>,
    /// The reason that conditions would show.
    pub reason: Reason,
    /// The same in a sentence.
    pub message: String,
}

impl Objects {
    /// All DnsRecords.
    fn names(&self) -> BTreeSet<ObjectName> {
        self.records.iter().map(|candidate| object_name(&candidate.record)).collect()
    }
}

impl Progress {
    /// Zones to be read, as far as that is known.
    #[must_use]
    pub fn zones(&self) -> usize {
        self.zones.load(Ordering::Relaxed)
    }

    /// Zones that were read.
    #[must_use]
    pub fn read(&self) -> usize {
        self.read.load(Ordering::Relaxed)
    }
}

impl Foreseen {
    /// A record of which nothing is known but its spec.
    fn of(record: &DnsRecord) -> Self {
        Self {
            object: object_name(record),
            solid_server: record.spec.solid_server_name().into(),
            rrset: crate::api::desired::rrset_key(record).ok(),
            place: None,
            outcome: Outcome::Unchanged,
            reason: None,
            message: String::new(),
            changes: Vec::new(),
        }
    }

    fn with(mut self, outcome: Outcome, reason: Reason, message: impl Into<String>) -> Self {
        (self.outcome, self.reason, self.message) = (outcome, Some(reason), message.into());
        self
    }

    /// A record that has no place, or whose SolidServer must not be worked with.
    fn refused(record: &DnsRecord, reason: Reason, message: impl Into<String>) -> Self {
        let outcome = match (reason, reason.standing()) {
            (Reason::Suspended, _) => Outcome::Suspended,
            (_, Standing::Stalled) => Outcome::Refused,
            _ => Outcome::Waits,
        };
        Self::of(record).with(outcome, reason, message)
    }
}

/// Finds out what would be done. `clients` are those of the SolidServers that the records refer to, by name; they only read.
pub async fn preview(
    objects: &Objects,
    writer: &Writer,
    clients: &BTreeMap<String, Client>,
    progress: &Progress,
) -> Preview {
    let mut preview = Preview::default();
    let mut zones = Vec::new();
    let all: Vec<&SolidServer> = objects.solid_servers.iter().collect();
    for (name, candidates) in by_solid_server(objects) {
        let asked =
            || candidates.iter().filter(|candidate| candidate.asked).map(|candidate| &candidate.record);
        let found = all.iter().find(|object| object.metadata.name.as_deref() == Some(&*name));
        let Some(solid_server) = found else {
            let message =
                format!("there is no SolidServer {name:?}; create it, or correct spec.solidServerRef");
            let refused = |record: &Arc<DnsRecord>| {
                Foreseen::refused(record, Reason::SolidServerNotFound, message.clone())
            };
            preview.records.extend(asked().map(refused));
            continue;
        };
        if let Some(refusal) = barred(solid_server, &all) {
            // What a person must correct stands on the SolidServer; the record only waits for that.
            let message = format!("SolidServer {name}: {}", refusal.message);
            preview
                .records
                .extend(asked().map(|record| {
                    Foreseen::of(record).with(Outcome::Waits, refusal.reason, message.clone())
                }));
            continue;
        }
        let Some(client) = clients.get(&*name) else { continue };
        let ground = Ground { objects, solid_server, name: Arc::clone(&name), client };
        match ground.survey(&candidates).await {
            Ok((surveyed, placed)) => {
                preview.appliances.push(surveyed);
                preview.records.extend(placed.unplaced);
                zones.extend(placed.zones);
            }
            Err(failure) => {
                preview.records.extend(asked().map(|record| unknown(record, &failure)));
                preview.failures.push(failure);
            }
        }
    }
    let zones = read(zones, objects, progress).await;
    let uid = match &writer.cluster_uid {
        Some(uid) => uid.clone(),
        None => {
            preview.uids = uids(&zones, &writer.cluster_name);
            preview.uids.first().cloned().unwrap_or_else(|| UNKNOWN_UID.to_owned())
        }
    };
    let identity =
        Identity { cluster: writer.cluster_name.as_str().into(), cluster_uid: uid.as_str().into() };
    let decided = futures::stream::iter(zones)
        .map(|zone| zone.decide(objects, &identity))
        .buffered(ZONES_AT_A_TIME)
        .collect::<Vec<_>>()
        .await;
    // What one DnsRecord has in two zones belongs together: first what is put into its new one.
    let mut parts: Vec<(bool, Foreseen)> = Vec::new();
    for zone in decided {
        preview.reads += zone.reads;
        preview.deletions.extend(zone.deletions);
        preview.failures.extend(zone.failure);
        parts.extend(zone.foreseen);
    }
    parts.sort_by_key(|(home, _)| !home);
    let mut by_object: BTreeMap<ObjectName, Foreseen> = BTreeMap::new();
    for (_, part) in parts {
        match by_object.get_mut(&part.object) {
            Some(first) => first.changes.extend(part.changes),
            None => {
                by_object.insert(part.object.clone(), part);
            }
        }
    }
    preview.records.extend(by_object.into_values());
    preview.records.sort_by(|left, right| left.object.cmp(&right.object));
    preview
}

/// The DnsRecords by their SolidServer, for those that somebody asks about.
fn by_solid_server(objects: &Objects) -> BTreeMap<Arc<str>, Vec<&Candidate>> {
    let mut by_name: BTreeMap<Arc<str>, Vec<&Candidate>> = BTreeMap::new();
    for candidate in &objects.records {
        by_name.entry(candidate.record.spec.solid_server_name().into()).or_default().push(candidate);
    }
    by_name.retain(|_, candidates| candidates.iter().any(|candidate| candidate.asked));
    by_name
}

fn unknown(record: &DnsRecord, failure: &Failure) -> Foreseen {
    let message = format!("SolidServer {}: {}", failure.solid_server, failure.message);
    Foreseen::of(record).with(Outcome::Unknown, failure.reason, message)
}

async fn read(zones: Vec<Zone>, objects: &Objects, progress: &Progress) -> Vec<Zone> {
    progress.zones.store(zones.len(), Ordering::Relaxed);
    futures::stream::iter(zones)
        .map(async |mut zone: Zone| {
            zone.read(objects).await;
            progress.read.fetch_add(1, Ordering::Relaxed);
            zone
        })
        .buffered(ZONES_AT_A_TIME)
        .collect()
        .await
}

/// UIDs of the clusters of that name that have marked rows, those with the most rows first.
fn uids(zones: &[Zone], cluster: &str) -> Vec<String> {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for uid in zones.iter().flat_map(|zone| zone.uids(cluster)) {
        *counts.entry(uid).or_default() += 1;
    }
    let mut uids: Vec<(&str, usize)> = counts.into_iter().collect();
    uids.sort_by_key(|(uid, count)| (std::cmp::Reverse(*count), *uid));
    uids.into_iter().map(|(uid, _)| uid.to_owned()).collect()
}
