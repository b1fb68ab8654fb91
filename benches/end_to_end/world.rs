//! One arrangement: so many records on an appliance with this latency, and what is measured around a piece of work.

use std::time::Duration;

use anyhow::Result;
use serde_json::{Value, json};
use solidserver_operator::api::DEFAULT_SOLID_SERVER;

use super::appliance::{Appliance, Calls, Setup, ZONES};
use super::binaries::Binaries;
use super::cluster::{Cluster, Requests, between};
use super::operator::{Operator, Usage};
use super::report::Outcome;
use super::tracker::Tracker;

/// Rows that a zone has besides the records: SOA and NS.
const ROWS_OF_A_ZONE: usize = 2;

/// What varies between runs.
#[derive(Clone, Debug)]
pub(crate) struct Parameters {
    pub(crate) records: usize,
    pub(crate) latency: Duration,
    pub(crate) http2: bool,
    /// `limits.concurrency` of the SolidServer.
    pub(crate) concurrency: usize,
    /// `limits.pageSize` of the SolidServer.
    pub(crate) page_size: usize,
}

impl Parameters {
    pub(crate) fn as_json(&self) -> Value {
        json!({
            "records": self.records, "zones": ZONES, "latencyMilliseconds": self.latency.as_millis() as u64,
            "http": if self.http2 { "HTTP/2" } else { "HTTP/1.1" }, "concurrency": self.concurrency,
            "pageSize": self.page_size,
        })
    }

    pub(crate) fn in_words(&self) -> String {
        let http = if self.http2 { "HTTP/2" } else { "HTTP/1.1" };
        format!("{} records, {:?} latency, {http}", self.records, self.latency)
    }

    /// Seconds that `calls` take at least, with this latency and this many in flight.
    pub(crate) fn limit_of(&self, calls: usize) -> f64 {
        calls.div_ceil(self.concurrency) as f64 * self.latency.as_secs_f64()
    }

    /// Pages that all zones have together, with so many records.
    pub(crate) fn pages(&self, records: usize) -> usize {
        (0..ZONES)
            .map(|zone| {
                let rows = records / ZONES + usize::from(zone < records % ZONES) + ROWS_OF_A_ZONE;
                rows.div_ceil(self.page_size)
            })
            .sum()
    }
}

/// The arrangement while it runs.
pub(crate) struct World {
    pub(crate) parameters: Parameters,
    pub(crate) binaries: Binaries,
    pub(crate) cluster: Cluster,
    pub(crate) appliance: Appliance,
    pub(crate) tracker: Tracker,
    operator: Option<Operator>,
}

/// All counters at one moment.
pub(crate) struct Mark {
    requests: Requests,
    usage: Usage,
    passes: f64,
}

/// What happened since a mark.
pub(crate) struct Used {
    pub(crate) requests: Requests,
    pub(crate) usage: Usage,
    pub(crate) cpu_seconds: f64,
    pub(crate) passes: f64,
    pub(crate) calls: Calls,
}

impl Used {
    /// Requests of one kind, as in `PATCH dnsrecords/status`.
    pub(crate) fn requests(&self, kind: &str) -> u64 {
        self.requests.get(kind).copied().unwrap_or_default()
    }

    /// Patches of DnsRecords and of their status.
    pub(crate) fn record_patches(&self) -> u64 {
        self.requests("PATCH dnsrecords") + self.requests("PATCH dnsrecords/status")
    }

    /// Adds the figures that every case has.
    pub(crate) fn tell(&self, outcome: &mut Outcome) {
        outcome.figure("calls", self.calls.as_json());
        outcome.figure("API requests", json!(self.requests));
        outcome.figure("operator CPU seconds", self.cpu_seconds);
        outcome.figure("operator peak memory MiB", self.usage.peak_mib);
        outcome.figure("operator memory MiB", self.usage.resident_mib);
        outcome.figure("passes", self.passes);
    }
}

impl World {
    pub(crate) async fn start(binaries: &Binaries, parameters: &Parameters) -> Result<Self> {
        Self::with(binaries, parameters, None, json!({})).await
    }

    /// The same with a quota of the appliance and further limits of the SolidServer.
    pub(crate) async fn with(
        binaries: &Binaries,
        parameters: &Parameters,
        quota: Option<(u32, u32)>,
        mut limits: Value,
    ) -> Result<Self> {
        let setup = Setup { latency: parameters.latency, http2: parameters.http2, quota, rows: None };
        let appliance = Appliance::start(&binaries.simulator, &setup).await?;
        let cluster = Cluster::start().await?;
        limits["concurrency"] = json!(parameters.concurrency);
        limits["pageSize"] = json!(parameters.page_size);
        cluster.serve(DEFAULT_SOLID_SERVER, &appliance, limits).await?;
        let tracker = Tracker::start(cluster.records());
        Ok(Self {
            parameters: parameters.clone(),
            binaries: binaries.clone(),
            cluster,
            appliance,
            tracker,
            operator: None,
        })
    }

    pub(crate) async fn start_operator(&mut self) -> Result<()> {
        let log = self.appliance.folder().join("operator.log");
        let kubeconfig = self.cluster.plane.kubeconfig();
        let started = Operator::start(&self.binaries.operator, kubeconfig, &log, "bench").await?;
        self.operator = Some(started);
        Ok(())
    }

    pub(crate) async fn stop_operator(&mut self) -> Result<()> {
        match self.operator.take() {
            Some(operator) => operator.stop().await,
            None => Ok(()),
        }
    }

    /// Waits until what was going on is told, so that it is not counted with what comes next.
    pub(crate) async fn settle(&self) -> Result<()> {
        self.cluster.until_synced(0).await?;
        // Longer than the operator takes to bring its counts up to date.
        tokio::time::sleep(Duration::from_secs(4)).await;
        Ok(())
    }

    fn usage(&self) -> Result<Usage> {
        self.operator.as_ref().map_or_else(|| Ok(Usage::default()), Operator::usage)
    }

    async fn passes(&self) -> Result<f64> {
        match &self.operator {
            Some(operator) => operator.metric("solidserver_operator_pass_duration_seconds_count").await,
            None => Ok(0.0),
        }
    }

    /// Begins to measure: the simulator counts from 0.
    pub(crate) async fn mark(&self) -> Result<Mark> {
        let (requests, usage) = (self.cluster.requests().await?, self.usage()?);
        let passes = self.passes().await?;
        self.appliance.reset_calls().await?;
        Ok(Mark { requests, usage, passes })
    }

    pub(crate) async fn since(&self, mark: &Mark) -> Result<Used> {
        let (usage, calls) = (self.usage()?, self.appliance.calls().await?);
        let passes = self.passes().await? - mark.passes;
        let requests = between(&mark.requests, &self.cluster.requests().await?);
        let cpu_seconds = usage.cpu_seconds - mark.usage.cpu_seconds;
        Ok(Used { requests, usage, cpu_seconds, passes, calls })
    }
}
