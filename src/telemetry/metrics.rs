//! Metrics in the OpenMetrics text format. `docs/reference/metrics.md` lists them; a test holds the page to
//! this file.
//!
//! Label values are bounded: `solid_server` by the SolidServers there are, `server`, `view` and `zone` by the zones that hold their
//! records, every other one by being a literal of this program (`&'static str`). Names of records, namespaces and messages are
//! never labels.

use std::collections::HashSet;
use std::fmt;
use std::hash::Hash;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use prometheus_client::encoding::{EncodeLabelSet, EncodeMetric, text};
use prometheus_client::metrics::TypedMetric;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::{Registry, Unit};

use crate::record::Place;

/// What the names of all metrics begin with.
const PREFIX: &str = "solidserver_operator";

/// Upper bounds in seconds. A call of an idle appliance takes some 20 ms, and a deadline is at most 60 s.
const CALL_SECONDS: [f64; 11] = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 30.0];
/// Upper bounds in seconds. A pass begins writes for 5 s at most, so most are shorter than that and a slow list shows
/// beyond it.
const PASS_SECONDS: [f64; 11] = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0];
/// Upper bounds in seconds. A round reads every zone of an appliance.
const ROUND_SECONDS: [f64; 10] = [0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 15.0, 60.0, 300.0, 1800.0];

/// Upper bounds in seconds. Looks follow a write after 1, 3, 7, 15, 31, 63 s and then each minute, so that finer ones would show nothing.
const PUBLICATION_SECONDS: [f64; 10] = [2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 300.0, 900.0, 3600.0];

/// Every metric of the operator. Cheap to clone; clones count together.
#[derive(Clone)]
pub struct Metrics {
    registry: Arc<Registry>,
    calls: PerSolidServer<CallLabels, Counter>,
    call_duration: PerSolidServer<ServiceLabels, Histogram>,
    gate_wait: PerSolidServer<NoMoreLabels, Histogram>,
    pass_duration: PerSolidServer<ScopeLabels, Histogram>,
    row_changes: PerSolidServer<ChangeLabels, Counter>,
    decisions: PerSolidServer<VerdictLabels, Counter>,
    records: PerSolidServer<StandingLabels, Gauge>,
    orphaned_rows: PerSolidServer<NoMoreLabels, Gauge>,
    deletions_held: PerSolidServer<NoMoreLabels, Gauge>,
    differences_left: PerSolidServer<CauseLabels, Gauge>,
    ptr_changes: PerSolidServer<ChangeLabels, Counter>,
    ptr_withheld: PerSolidServer<CauseLabels, Gauge>,
    status_patches: Family<OutcomeLabels, Counter>,
    last_round: PerSolidServer<NoMoreLabels, Gauge<f64, AtomicU64>>,
    round_duration: PerSolidServer<NoMoreLabels, Histogram>,
    publication_duration: PerSolidServer<ByLabels, Histogram>,
    queue_depth: Gauge,
    queue_oldest: Gauge<f64, AtomicU64>,
    drift_repaired: PerSolidServer<NoMoreLabels, Counter>,
    zone_last_success: PerSolidServer<ZoneLabels, Gauge<f64, AtomicU64>>,
    up: PerSolidServer<NoMoreLabels, Gauge>,
    leading: PerSolidServer<NoMoreLabels, Gauge>,
}

impl Metrics {
    /// Metrics of their own, all at zero.
    #[must_use]
    pub fn new() -> Self {
        let mut registry = Registry::with_prefix(PREFIX);
        registry.register(
            "build",
            "Version of the operator",
            Info::new([("version", env!("CARGO_PKG_VERSION"))]),
        );
        let mut to = Registration(&mut registry);
        let calls = to.family("calls", "Calls sent to the appliance, by how they ended", Counter::default);
        let call_duration = to.family_in_seconds(
            "call_duration",
            "Time from the first byte sent to the last received, without the wait for a free slot",
            || Histogram::new(CALL_SECONDS),
        );
        let gate_wait = to.family_in_seconds(
            "gate_wait",
            "Time that calls waited for a free slot, or for a pause that the appliance asked for",
            || Histogram::new(CALL_SECONDS),
        );
        let pass_duration =
            to.family_in_seconds("pass_duration", "Time of one pass over one zone, by what was read", || {
                Histogram::new(PASS_SECONDS)
            });
        let row_changes = to.family(
            "row_changes",
            "Rows written on the appliance, by how the call ended",
            Counter::default,
        );
        let decisions = to.family("decisions", "What the plan decided about DnsRecords", Counter::default);
        let records = to.family(
            "records",
            "DnsRecords that refer to the SolidServer, by how they stand",
            Gauge::default,
        );
        let orphaned_rows =
            to.family("orphaned_rows", "Rows with our mark whose DnsRecord does not exist", Gauge::default);
        let deletions_held = to.family(
            "deletions_held",
            "RRsets whose deletion waits for a person's decision",
            Gauge::default,
        );
        let differences_left = to.family(
            "differences_left",
            "DnsRecords that differ from the appliance and are left so, by what keeps them from being written",
            Gauge::default,
        );
        let ptr_changes = to.family(
            "ptr_changes",
            "DnsRecords of type PTR that were made, changed or deleted for spec.ptr, by how that ended",
            Counter::default,
        );
        let ptr_withheld = to.family(
            "ptr_withheld",
            "PTR records that spec.ptr asks for and that are not as it asks, by what keeps them from that",
            Gauge::default,
        );
        let drift_repaired = to.family(
            "drift_repaired",
            "DnsRecords whose rows somebody else had changed, and that were put right again",
            Counter::default,
        );
        let zone_last_success = to.family_in_seconds(
            "zone_last_success_timestamp",
            "Unix time at which a pass over the zone last ended without trouble with the zone or its appliance",
            Gauge::default,
        );
        let last_round = to.family_in_seconds(
            "last_round_timestamp",
            "Unix time at which the last whole round over all zones ended",
            Gauge::default,
        );
        let round_duration = to.family_in_seconds(
            "round_duration",
            "Time of a whole round over all zones of the SolidServer",
            || Histogram::new(ROUND_SECONDS),
        );
        let publication_duration = to.family_in_seconds(
            "publication_duration",
            "Time from the write of a DnsRecord until a look found it published, by whose word; for spec.publication",
            || Histogram::new(PUBLICATION_SECONDS),
        );
        let up = to.family(
            "solid_server_up",
            "1 if the appliance answered the last probe as it should, else 0",
            Gauge::default,
        );
        let leading = to.family(
            "leading",
            "1 at the replica that holds the Lease of the SolidServer and works on it; elsewhere there is no series",
            Gauge::default,
        );
        let status_patches = Family::default();
        registry.register(
            "status_patches",
            "Status patches sent to the API server, by how they ended",
            status_patches.clone(),
        );
        let queue_depth = Gauge::default();
        registry.register(
            "queue_depth",
            "DnsRecords that wait for a pass over their zone",
            queue_depth.clone(),
        );
        let queue_oldest = Gauge::default();
        registry.register_with_unit(
            "queue_oldest",
            "Age of the oldest change of a DnsRecord that has not settled yet; 0 when there is none",
            Unit::Seconds,
            queue_oldest.clone(),
        );
        Self {
            registry: Arc::new(registry),
            calls,
            call_duration,
            gate_wait,
            pass_duration,
            row_changes,
            decisions,
            records,
            orphaned_rows,
            deletions_held,
            differences_left,
            ptr_changes,
            ptr_withheld,
            status_patches,
            last_round,
            round_duration,
            publication_duration,
            queue_depth,
            queue_oldest,
            drift_repaired,
            zone_last_success,
            up,
            leading,
        }
    }

    /// A call to the appliance has ended. `service` is its name there, `outcome` is `ok` or an error's label,
    /// `elapsed` is without the wait at the gate.
    pub fn call(&self, solid_server: &str, service: &'static str, outcome: &'static str, elapsed: Duration) {
        self.calls.with(solid_server, CallLabels { service, outcome }, |calls| {
            calls.inc();
        });
        self.call_duration.with(solid_server, ServiceLabels { service }, |duration| {
            duration.observe(elapsed.as_secs_f64());
        });
    }

    /// A call has waited at the gate before it was sent.
    pub fn gate_waited(&self, solid_server: &str, waited: Duration) {
        self.gate_wait.with(solid_server, NO_MORE, |wait| wait.observe(waited.as_secs_f64()));
    }

    /// A pass over one zone has ended. `scope` says what was read.
    pub fn pass(&self, solid_server: &str, scope: &'static str, elapsed: Duration) {
        self.pass_duration.with(solid_server, ScopeLabels { scope }, |duration| {
            duration.observe(elapsed.as_secs_f64());
        });
    }

    /// A row was written, or could not be. `change` is `add`, `edit` or `delete`, `outcome` is `ok` or an
    /// error's label.
    pub fn rows_changed(&self, solid_server: &str, change: &'static str, outcome: &'static str) {
        self.row_changes.with(solid_server, ChangeLabels { change, outcome }, |changes| {
            changes.inc();
        });
    }

    /// The plan has decided about one DnsRecord.
    pub fn decided(&self, solid_server: &str, verdict: &'static str) {
        self.decisions.with(solid_server, VerdictLabels { verdict }, |decisions| {
            decisions.inc();
        });
    }

    /// How the DnsRecords of a SolidServer stand, and how many rows nobody claims any more.
    pub fn records(
        &self,
        solid_server: &str,
        ready: usize,
        reconciling: usize,
        stalled: usize,
        orphaned: usize,
    ) {
        for (standing, count) in [("ready", ready), ("reconciling", reconciling), ("stalled", stalled)] {
            self.records.with(solid_server, StandingLabels { standing }, |records| {
                records.set(gauge(count));
            });
        }
        self.orphaned_rows.with(solid_server, NO_MORE, |rows| {
            rows.set(gauge(orphaned));
        });
    }

    /// How many RRsets the deletion guard holds.
    pub fn deletions_held(&self, solid_server: &str, rrsets: usize) {
        self.deletions_held.with(solid_server, NO_MORE, |held| {
            held.set(gauge(rrsets));
        });
    }

    /// How many DnsRecords differ from the appliance and are left so: because they or their SolidServer are suspended, and
    /// because their `driftPolicy` is Report.
    pub fn differences_left(&self, solid_server: &str, suspended: usize, reported: usize) {
        for (cause, count) in [("suspend", suspended), ("drift_policy", reported)] {
            self.differences_left.with(solid_server, CauseLabels { cause }, |records| {
                records.set(gauge(count));
            });
        }
    }

    /// A DnsRecord was made, changed or deleted for another one's `spec.ptr`, or could not be. `change` is `create`, `update` or
    /// `delete`, `outcome` is `ok` or `failed`.
    pub fn ptr_changed(&self, solid_server: &str, change: &'static str, outcome: &'static str) {
        self.ptr_changes.with(solid_server, ChangeLabels { change, outcome }, |changes| {
            changes.inc();
        });
    }

    /// How many PTR records are not made or kept as `spec.ptr` asks, for one cause.
    pub fn ptr_withheld(&self, solid_server: &str, cause: &'static str, records: usize) {
        self.ptr_withheld.with(solid_server, CauseLabels { cause }, |withheld| {
            withheld.set(gauge(records));
        });
    }

    /// A status patch was answered.
    pub fn status_patched(&self, outcome: &'static str) {
        self.status_patches.get_or_create(&OutcomeLabels { outcome }).inc();
    }

    /// A whole round over all zones has ended, `finished_at` seconds after the Unix epoch.
    pub fn round(&self, solid_server: &str, finished_at: f64, duration: Duration) {
        self.last_round.with(solid_server, NO_MORE, |last| {
            last.set(finished_at);
        });
        self.round_duration.with(solid_server, NO_MORE, |round| round.observe(duration.as_secs_f64()));
    }

    /// A DnsRecord was found published. `by` is `appliance` or `dns`.
    pub fn published(&self, solid_server: &str, by: &'static str, took: Duration) {
        self.publication_duration.with(solid_server, ByLabels { by }, |duration| {
            duration.observe(took.as_secs_f64());
        });
    }

    /// How many DnsRecords wait for a pass over their zone.
    pub fn queue_depth(&self, records: usize) {
        self.queue_depth.set(gauge(records));
    }

    /// How long the oldest change of a DnsRecord has waited that has not settled yet.
    pub fn queue_oldest(&self, age: Duration) {
        self.queue_oldest.set(age.as_secs_f64());
    }

    /// A DnsRecord that had drifted was put right.
    pub fn drift_repaired(&self, solid_server: &str) {
        self.drift_repaired.with(solid_server, NO_MORE, |repaired| {
            repaired.inc();
        });
    }

    /// A pass over a zone has ended without trouble, `finished_at` seconds after the Unix epoch.
    pub fn zone_succeeded(&self, solid_server: &str, place: &Place, finished_at: f64) {
        self.zone_last_success.with(solid_server, ZoneLabels::of(place), |last| {
            last.set(finished_at);
        });
    }

    /// No DnsRecord of this operator concerns the zone any more.
    pub fn forget_zone(&self, solid_server: &str, place: &Place) {
        self.zone_last_success.forget_one(solid_server, ZoneLabels::of(place));
    }

    /// Whether the appliance answered the last probe as it should.
    pub fn solid_server_up(&self, solid_server: &str, up: bool) {
        self.up.with(solid_server, NO_MORE, |gauge| {
            gauge.set(i64::from(up));
        });
    }

    /// This replica holds the Lease of the SolidServer, until its series are dropped. What counts writes begins to be shown, at zero: a
    /// series that is born with its first event hides that event from `rate` and `increase`.
    pub fn leads(&self, solid_server: &str) {
        for change in ["add", "edit", "delete"] {
            self.row_changes.with(solid_server, ChangeLabels { change, outcome: "ok" }, |_| {});
        }
        self.drift_repaired.with(solid_server, NO_MORE, |_| {});
        self.leading.with(solid_server, NO_MORE, |gauge| {
            gauge.set(1);
        });
    }

    /// Drops every series of a SolidServer that is gone, or that another replica works on. What is counted for it afterwards begins at zero.
    pub fn forget(&self, solid_server: &str) {
        self.calls.forget(solid_server);
        self.call_duration.forget(solid_server);
        self.gate_wait.forget(solid_server);
        self.pass_duration.forget(solid_server);
        self.row_changes.forget(solid_server);
        self.decisions.forget(solid_server);
        self.records.forget(solid_server);
        self.orphaned_rows.forget(solid_server);
        self.deletions_held.forget(solid_server);
        self.differences_left.forget(solid_server);
        self.ptr_changes.forget(solid_server);
        self.ptr_withheld.forget(solid_server);
        self.drift_repaired.forget(solid_server);
        self.zone_last_success.forget(solid_server);
        self.last_round.forget(solid_server);
        self.round_duration.forget(solid_server);
        self.publication_duration.forget(solid_server);
        self.up.forget(solid_server);
        self.leading.forget(solid_server);
    }

    /// Everything in the OpenMetrics text format, version 1.0.0.
    ///
    /// # Errors
    /// [`fmt::Error`] when a metric cannot be written; the text is then useless as a whole.
    pub fn encode(&self) -> Result<String, fmt::Error> {
        let mut text = String::new();
        text::encode(&mut text, &self.registry)?;
        Ok(text)
    }
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}

/// Gauges are signed; no count of this program comes near their end.
fn gauge(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

/// A family with a series for each SolidServer and each set of further labels, which can be dropped by
/// SolidServer.
#[derive(Clone)]
struct PerSolidServer<L, M> {
    family: Family<(SolidServerLabel, L), M, fn() -> M>,
    /// The library cannot list the label sets of a family, and dropping some needs that.
    known: Arc<Mutex<HashSet<(SolidServerLabel, L)>>>,
}

impl<L: Clone + Eq + Hash, M> PerSolidServer<L, M> {
    fn new(constructor: fn() -> M) -> Self {
        Self { family: Family::new_with_constructor(constructor), known: Arc::default() }
    }

    fn with(&self, solid_server: &str, labels: L, change: impl FnOnce(&M)) {
        let labels = (SolidServerLabel { solid_server: solid_server.to_owned() }, labels);
        // Held to the end, so that a series cannot be dropped between the two and live on unknown.
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        change(&self.family.get_or_create(&labels));
        known.insert(labels);
    }

    fn forget_one(&self, solid_server: &str, labels: L) {
        let labels = (SolidServerLabel { solid_server: solid_server.to_owned() }, labels);
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.remove(&labels);
        self.family.remove(&labels);
    }

    fn forget(&self, solid_server: &str) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.retain(|labels| {
            let stays = labels.0.solid_server != solid_server;
            if !stays {
                self.family.remove(labels);
            }
            stays
        });
    }
}

/// Makes families and registers them.
struct Registration<'a>(&'a mut Registry);

impl Registration<'_> {
    fn family<L, M>(&mut self, name: &str, help: &str, constructor: fn() -> M) -> PerSolidServer<L, M>
    where
        L: Labels,
        M: EncodeMetric + TypedMetric + Clone + Send + Sync + fmt::Debug + 'static,
    {
        let family = PerSolidServer::new(constructor);
        self.0.register(name, help, family.family.clone());
        family
    }

    fn family_in_seconds<L, M>(
        &mut self,
        name: &str,
        help: &str,
        constructor: fn() -> M,
    ) -> PerSolidServer<L, M>
    where
        L: Labels,
        M: EncodeMetric + TypedMetric + Clone + Send + Sync + fmt::Debug + 'static,
    {
        let family = PerSolidServer::new(constructor);
        self.0.register_with_unit(name, help, Unit::Seconds, family.family.clone());
        family
    }
}

/// What every set of labels can do.
trait Labels: EncodeLabelSet + Clone + Eq + Hash + Send + Sync + fmt::Debug + 'static {}

impl<T: EncodeLabelSet + Clone + Eq + Hash + Send + Sync + fmt::Debug + 'static> Labels for T {}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct SolidServerLabel {
    solid_server: String,
}

/// No label but the SolidServer's.
type NoMoreLabels = [(&'static str, &'static str); 0];
const NO_MORE: NoMoreLabels = [];

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ByLabels {
    by: &'static str,
}

/// A zone that holds rows of DnsRecords: as many as there are such zones.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ZoneLabels {
    server: String,
    view: String,
    zone: String,
}

impl ZoneLabels {
    fn of(place: &Place) -> Self {
        Self {
            server: place.server.to_string(),
            view: place.view.as_deref().unwrap_or_default().to_owned(),
            zone: place.zone.to_string(),
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct CallLabels {
    service: &'static str,
    outcome: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ServiceLabels {
    service: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ScopeLabels {
    scope: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ChangeLabels {
    change: &'static str,
    outcome: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct VerdictLabels {
    verdict: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct StandingLabels {
    standing: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct CauseLabels {
    cause: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OutcomeLabels {
    outcome: &'static str,
}

#[cfg(test)]
mod tests;
