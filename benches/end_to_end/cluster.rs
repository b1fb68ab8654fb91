//! The API server and what is in it: a real control plane, the DnsRecords, and what a plain client reaches with it.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use base64::Engine as _;
use futures::{StreamExt as _, TryStreamExt as _};
use k8s_openapi::api::coordination::v1::Lease;
use k8s_openapi::api::core::v1::{Namespace, Secret};
use kube::api::{Api, DeleteParams, Patch, PatchParams, PostParams};
use serde_json::{Value, json};
use solidserver_operator::api::{
    DEFAULT_SOLID_SERVER, DnsRecord, LastSync, RECONCILE_REQUESTED_AT, SolidServer,
};
use solidserver_operator::lease::lease_name;

use super::appliance::{Appliance, PASSWORD, SERVER, USER, address, fqdn};
use super::control_plane::{ControlPlane, Options};
use super::report::median;
use super::tracker::Tracker;

/// Where the records are that the operator serves.
pub(crate) const NAMESPACE: &str = "bench";
/// Where the Secret is.
pub(crate) const OPERATOR_NAMESPACE: &str = "solidserver-system";
/// Where the plain client's records are; nobody serves them.
const PLAIN_NAMESPACE: &str = "plain";
/// Calls of the harness's own that are in flight at one time.
const IN_FLIGHT: usize = 32;
const PATIENCE: Duration = Duration::from_secs(1800);

/// Requests that the API server has counted, by `verb resource/subresource`.
pub(crate) type Requests = BTreeMap<String, u64>;

/// What a plain client needs for what the operator has to write for each record.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Plain {
    /// Finalizer patches in a second.
    pub(crate) finalizers: f64,
    /// Status patches in a second.
    pub(crate) statuses: f64,
}

impl Plain {
    /// Seconds for both patches of so many records, until the last answer.
    pub(crate) fn seconds(self, records: usize) -> f64 {
        records as f64 / self.finalizers + records as f64 / self.statuses
    }
}

/// The control plane with the definitions and an operator's surroundings.
pub(crate) struct Cluster {
    pub(crate) plane: ControlPlane,
    pub(crate) client: kube::Client,
}

/// Numbers of records that come while the operator runs begin here.
pub(crate) const LIVE: usize = 1_000_000;

/// A DnsRecord's name. Those that come later sort before the others, so that one of these is not first by its name.
pub(crate) fn name(number: usize) -> String {
    if number < LIVE { format!("h{number:06}") } else { format!("b{number:06}") }
}

fn record(number: usize, ttl: u32, solid_server: &str) -> Result<DnsRecord> {
    Ok(serde_json::from_value(json!({
        "apiVersion": "solidserver.dev/v1alpha1",
        "kind": "DnsRecord",
        "metadata": {"name": name(number)},
        "spec": {
            "fqdn": fqdn(number), "type": "A", "values": [address(number)], "ttl": ttl,
            "solidServerRef": {"name": solid_server},
        },
    }))?)
}

impl Cluster {
    pub(crate) async fn start() -> Result<Self> {
        let options = Options { lifetime: Duration::from_secs(3 * 60 * 60), ..Options::default() };
        let plane = ControlPlane::start(options).await?;
        plane.install_crds().await?;
        let client = plane.client()?;
        let namespaces: Api<Namespace> = Api::all(client.clone());
        for name in [NAMESPACE, OPERATOR_NAMESPACE, PLAIN_NAMESPACE] {
            let namespace = serde_json::from_value(json!({"metadata": {"name": name}}))?;
            namespaces.create(&PostParams::default(), &namespace).await?;
        }
        let secret: Secret = serde_json::from_value(json!({
            "metadata": {"name": "solidserver"}, "stringData": {"username": USER, "password": PASSWORD},
        }))?;
        let secrets: Api<Secret> = Api::namespaced(client.clone(), OPERATOR_NAMESPACE);
        secrets.create(&PostParams::default(), &secret).await?;
        Ok(Self { plane, client })
    }

    pub(crate) fn records(&self) -> Api<DnsRecord> {
        Api::namespaced(self.client.clone(), NAMESPACE)
    }

    fn solid_servers(&self) -> Api<SolidServer> {
        Api::all(self.client.clone())
    }

    /// Makes a SolidServer of an appliance, with these limits; it resyncs when it is asked to.
    pub(crate) async fn serve(&self, name: &str, appliance: &Appliance, limits: Value) -> Result<()> {
        let bundle = base64::engine::general_purpose::STANDARD.encode(&appliance.ca_pem);
        let object: SolidServer = serde_json::from_value(json!({
            "apiVersion": "solidserver.dev/v1alpha1",
            "kind": "SolidServer",
            "metadata": {"name": name},
            "spec": {
                "endpoint": appliance.endpoint,
                "credentialsSecretRef": {"name": "solidserver"},
                "tls": {"caBundle": bundle},
                "defaults": {"dnsServer": SERVER, "ttl": 600},
                "zones": [{"name": "*", "allowedNamespaces": {"from": "All"}}],
                "resyncInterval": "12h",
                "limits": limits,
            },
        }))?;
        self.solid_servers().create(&PostParams::default(), &object).await?;
        Ok(())
    }

    /// Creates the records of these numbers.
    pub(crate) async fn create(&self, numbers: impl Iterator<Item = usize>, ttl: u32) -> Result<()> {
        self.create_for(numbers.map(|number| (number, DEFAULT_SOLID_SERVER.to_owned())), ttl).await
    }

    /// Creates records by number and SolidServer.
    pub(crate) async fn create_for(
        &self,
        records: impl Iterator<Item = (usize, String)>,
        ttl: u32,
    ) -> Result<()> {
        let api = self.records();
        let create = |(number, solid_server): (usize, String)| {
            let api = &api;
            async move {
                api.create(&PostParams::default(), &record(number, ttl, &solid_server)?).await?;
                Ok(())
            }
        };
        futures::stream::iter(records).map(create).buffer_unordered(IN_FLIGHT).try_collect().await
    }

    /// Who holds the Lease of each of these SolidServers, by the SolidServer's name.
    pub(crate) async fn holders(&self, solid_servers: &[String]) -> Result<BTreeMap<String, String>> {
        let leases: Api<Lease> = Api::namespaced(self.client.clone(), OPERATOR_NAMESPACE);
        let mut holders = BTreeMap::new();
        for name in solid_servers {
            let lease = leases.get_opt(&lease_name(name)).await?.and_then(|lease| lease.spec);
            let holder = lease.and_then(|lease| lease.holder_identity).unwrap_or_default();
            // What a replica adds to the name that it was given tells its runs apart.
            if let Some((replica, _)) = holder.rsplit_once('_') {
                holders.insert(name.clone(), replica.to_owned());
            }
        }
        Ok(holders)
    }

    /// Gives records another TTL.
    pub(crate) async fn set_ttl(&self, numbers: impl Iterator<Item = usize>, ttl: u32) -> Result<()> {
        let api = self.records();
        let patch = |number: usize| {
            let api = &api;
            async move {
                let patch = Patch::Merge(json!({"spec": {"ttl": ttl}}));
                api.patch(&name(number), &PatchParams::default(), &patch).await?;
                Ok(())
            }
        };
        futures::stream::iter(numbers).map(patch).buffer_unordered(IN_FLIGHT).try_collect().await
    }

    /// What was last told of a whole round.
    pub(crate) async fn last_sync(&self) -> Result<Option<LastSync>> {
        Ok(self.solid_servers().get("default").await?.status.and_then(|status| status.last_sync))
    }

    /// Waits until a round is told that ended at this second (since 1970) or later.
    pub(crate) async fn until_synced(&self, second: i64) -> Result<LastSync> {
        let begun = Instant::now();
        loop {
            if let Some(sync) = self.last_sync().await?.filter(|sync| sync.time.0.as_second() >= second) {
                return Ok(sync);
            }
            if begun.elapsed() > PATIENCE {
                bail!("no whole round within {PATIENCE:?}");
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    /// Asks for a whole round and waits until it is told.
    pub(crate) async fn a_round(&self) -> Result<LastSync> {
        // The end of a round is told in whole seconds: one that was asked for in a new second is no older one.
        let second = jiff::Timestamp::now().as_second() + 1;
        while jiff::Timestamp::now().as_second() < second {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        let request = json!({"metadata": {"annotations": {RECONCILE_REQUESTED_AT: second.to_string()}}});
        self.solid_servers().patch("default", &PatchParams::default(), &Patch::Merge(&request)).await?;
        self.until_synced(second).await
    }

    /// Requests for our kinds, Events and Leases so far, whoever made them.
    pub(crate) async fn requests(&self) -> Result<Requests> {
        let request = http::Request::get("/metrics").body(Vec::new())?;
        let text = self.client.request_text(request).await?;
        let mut requests = Requests::new();
        for line in text.lines().filter(|line| line.starts_with("apiserver_request_total{")) {
            let label = |name: &str| {
                let rest = line.split_once(&format!("{name}=\""))?.1;
                rest.split_once('"').map(|(value, _)| value)
            };
            let (Some(resource), Some(verb)) = (label("resource"), label("verb")) else { continue };
            if !["dnsrecords", "solidservers", "events", "leases", "secrets", "namespaces"]
                .contains(&resource)
            {
                continue;
            }
            let count = line.rsplit(' ').next().and_then(|text| text.parse::<f64>().ok()).unwrap_or_default();
            let key = match label("subresource").unwrap_or_default() {
                "" => format!("{verb} {resource}"),
                subresource => format!("{verb} {resource}/{subresource}"),
            };
            *requests.entry(key).or_default() += count as u64;
        }
        Ok(requests)
    }

    /// Seconds that one patch of one record takes: the middle of a few, made one after the other.
    pub(crate) async fn round_trip(&self) -> Result<f64> {
        let api: Api<DnsRecord> = Api::namespaced(self.client.clone(), PLAIN_NAMESPACE);
        let object = record(0, 600, DEFAULT_SOLID_SERVER)?;
        let name = api.create(&PostParams::default(), &object).await?.metadata.name.context("a name")?;
        let mut seconds = Vec::new();
        for number in 0..40 {
            let patch = json!({"metadata": {"annotations": {"bench": number.to_string()}}});
            let begun = Instant::now();
            api.patch(&name, &PatchParams::default(), &Patch::Merge(&patch)).await?;
            seconds.push(begun.elapsed().as_secs_f64());
        }
        api.delete(&name, &DeleteParams::default()).await?;
        Ok(median(&seconds))
    }

    /// What a client reaches that only writes what has to be written: a finalizer and a status for each of `count` records,
    /// `in_flight` at one time. The harness watches them as it watches those of the operator, since each change costs the API server
    /// an event for each watch.
    pub(crate) async fn plain(&self, count: usize, in_flight: usize) -> Result<Plain> {
        let api: Api<DnsRecord> = Api::namespaced(self.client.clone(), PLAIN_NAMESPACE);
        let _watch = Tracker::start(api.clone());
        let create = |number| {
            let api = &api;
            async move {
                anyhow::Ok(
                    api.create(&PostParams::default(), &record(number, 600, DEFAULT_SOLID_SERVER)?).await?,
                )
            }
        };
        let objects: Vec<DnsRecord> =
            futures::stream::iter(0..count).map(create).buffer_unordered(in_flight).try_collect().await?;
        let begun = Instant::now();
        let held = futures::stream::iter(objects).map(|object| {
            let api = &api;
            async move {
                let patch: json_patch::Patch = serde_json::from_value(json!([
                    {"op": "test", "path": "/metadata/uid", "value": object.metadata.uid},
                    {"op": "add", "path": "/metadata/finalizers", "value": ["solidserver.dev/plain"]},
                ]))?;
                let name = object.metadata.name.context("a name")?;
                anyhow::Ok(api.patch(&name, &plain_client(), &Patch::Json::<()>(patch)).await?)
            }
        });
        let held: Vec<DnsRecord> = held.buffer_unordered(in_flight).try_collect().await?;
        let finalizers = count as f64 / begun.elapsed().as_secs_f64();
        let begun = Instant::now();
        let told = futures::stream::iter(held).map(|object| {
            let api = &api;
            async move {
                let patch: json_patch::Patch = serde_json::from_value(json!([
                    {"op": "test", "path": "/metadata/uid", "value": object.metadata.uid},
                    {"op": "test", "path": "/metadata/resourceVersion", "value": object.metadata.resource_version},
                    {"op": "add", "path": "/status", "value": status(&object)},
                ]))?;
                let name = object.metadata.name.context("a name")?;
                anyhow::Ok(api.patch_status(&name, &plain_client(), &Patch::Json::<()>(patch)).await?)
            }
        });
        let told: Vec<DnsRecord> = told.buffer_unordered(in_flight).try_collect().await?;
        let statuses = count as f64 / begun.elapsed().as_secs_f64();
        let cleared = futures::stream::iter(told).map(|object| {
            let api = &api;
            async move {
                let name = object.metadata.name.context("a name")?;
                let patch = Patch::Merge(json!({"metadata": {"finalizers": null}}));
                api.patch(&name, &PatchParams::default(), &patch).await?;
                api.delete(&name, &DeleteParams::default()).await?;
                anyhow::Ok(())
            }
        });
        cleared.buffer_unordered(in_flight).try_collect::<()>().await?;
        Ok(Plain { finalizers, statuses })
    }
}

/// Not the manager that created the objects: nobody's operator is, and whose each field is has to be worked out and kept.
fn plain_client() -> PatchParams {
    PatchParams { field_manager: Some("plain-client".to_owned()), ..PatchParams::default() }
}

/// A status like the one that the operator writes for a record in sync.
fn status(object: &DnsRecord) -> Value {
    let condition = |kind: &str, status: &str, reason: &str, message: &str| {
        json!({
            "type": kind, "status": status, "reason": reason, "message": message, "observedGeneration": 1,
            "lastTransitionTime": "2026-01-01T00:00:00Z",
        })
    };
    json!({
        "observedGeneration": 1, "fqdn": object.spec.fqdn, "type": "A", "dnsServer": SERVER,
        "zone": "z0.example.com", "ttl": 600, "values": object.spec.values, "lastChangeTime": "2026-01-01T00:00:00Z",
        "conditions": [
            condition("Ready", "True", "InSync", "DNS holds what the spec says"),
            condition("Reconciling", "False", "InSync", ""),
            condition("Stalled", "False", "InSync", ""),
        ],
    })
}

/// What was counted between two readings.
pub(crate) fn between(before: &Requests, after: &Requests) -> Requests {
    let difference = |(key, count): (&String, &u64)| {
        let count = count.saturating_sub(before.get(key).copied().unwrap_or_default());
        (count > 0).then(|| (key.clone(), count))
    };
    after.iter().filter_map(difference).collect()
}
