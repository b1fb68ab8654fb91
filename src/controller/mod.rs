//! The controller: watches, one task for each SolidServer, and the engine that ties them together.

mod appliance;
mod binding;
pub mod brownfield;
mod catalogue;
mod cluster;
mod connection;
mod endpoints;
mod engine;
mod families;
pub mod preview;
mod quotas;
mod records;
mod rounds;
mod secret;
mod tls;
mod turns;
mod watches;
mod windows;
mod zones;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use k8s_openapi::api::core::v1::Namespace;
use kube::Api;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

pub use self::catalogue::Refusal;
pub use self::cluster::{config, kube_client};
pub use self::connection::{Caller, connect, named_secrets};
use crate::lease::{Claim, Leases, Timing};
use crate::plan::Identity;
use crate::reconcile::{Cluster, EventSink, Tools};
use crate::telemetry::{Health, Metrics};

/// Sights and news that may wait for the engine.
const WAITING: usize = 4096;

/// What the controller is told from outside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// The name of this cluster in ownership marks: a DNS label, stable over a rebuild.
    pub cluster_name: String,
    /// Where the Secrets of SolidServers are.
    pub operator_namespace: String,
    /// Namespaces whose DnsRecords are served; all when empty.
    pub watch_namespaces: Vec<String>,
    /// A kubeconfig file; the usual ways to find one, or the cluster that the process runs in, when absent.
    pub kubeconfig: Option<PathBuf>,
    /// The name of this process among its like.
    pub instance_id: String,
    /// How long Leases last.
    pub lease: Timing,
    /// Whether appliances are called through the proxies that `HTTPS_PROXY` and `NO_PROXY` name.
    pub environment_proxies: bool,
}

/// Why the controller could not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// No usable kubeconfig.
    #[error("no way to the API server: {0}")]
    Config(String),
    /// The API server does not answer as it should.
    #[error("the API server: {0}")]
    Kubernetes(String),
}

/// Runs the controller until `shutdown`.
///
/// # Errors
/// [`StartError`] when it cannot start; afterwards it goes on through any trouble.
pub async fn run(
    settings: Settings,
    metrics: Metrics,
    health: Health,
    shutdown: CancellationToken,
) -> Result<(), StartError> {
    let mut config = config(settings.kubeconfig.as_deref()).await?;
    let client = |config: kube::Config| {
        kube::Client::try_from(config).map_err(|error| StartError::Config(error.to_string()))
    };
    let kube = client(config.clone())?;
    // A renewal that is sent again in silence would count from the wrong moment.
    config.default_retry = false;
    let for_leases = client(config)?;
    let Some(cluster_uid) = cluster_uid(&kube, &shutdown).await? else { return Ok(()) };
    info!(cluster = settings.cluster_name, cluster_uid, instance = settings.instance_id, "starting");

    let (sight_sender, sights) = mpsc::channel(WAITING);
    let (news_sender, news) = mpsc::channel(WAITING);
    let (records, lists) = watches::records(&kube, &settings.watch_namespaces, &sight_sender);
    watches::namespaces(&kube, &settings.watch_namespaces, &sight_sender);
    watches::solid_servers(&kube, sight_sender);

    let leases = Leases::new(for_leases, &settings.operator_namespace, &settings.instance_id, settings.lease);
    let events = EventSink::start(kube.clone(), &settings.instance_id);
    let identity =
        Identity { cluster: settings.cluster_name.as_str().into(), cluster_uid: cluster_uid.as_str().into() };
    let surroundings = appliance::Surroundings {
        kube: kube.clone(),
        claim: Claim::never(),
        operator_namespace: settings.operator_namespace.as_str().into(),
        identity: identity.clone(),
        user_agent: format!(
            "solidserver-operator/{} ({}; {})",
            env!("CARGO_PKG_VERSION"),
            settings.cluster_name,
            settings.instance_id
        )
        .into(),
        environment_proxies: settings.environment_proxies,
        metrics: metrics.clone(),
        events: events.clone(),
        news: news_sender,
    };
    let (known, shown) = (records.clone(), records.clone());
    let tools = Arc::new(Tools {
        cluster: Cluster::new(kube, Arc::new(move |record| shown.has_shown(record))),
        identity,
        exists: Arc::new(move |object| known.exists(object)),
        metrics,
        events,
        started: Instant::now(),
    });
    let engine = engine::Engine::new(tools, surroundings, records, health, 2 * lists + 1, leases);
    engine.run(sights, news, shutdown).await;
    Ok(())
}

/// The UID of the kube-system namespace. Waits for an API server that is not there yet; `None` when told to stop meanwhile.
async fn cluster_uid(
    kube: &kube::Client,
    shutdown: &CancellationToken,
) -> Result<Option<String>, StartError> {
    let api: Api<Namespace> = Api::all(kube.clone());
    loop {
        let answer = tokio::select! {
            () = shutdown.cancelled() => return Ok(None),
            answer = tokio::time::timeout(Duration::from_secs(10), api.get("kube-system")) => answer,
        };
        match answer {
            Ok(Ok(namespace)) => return Ok(Some(namespace.metadata.uid.unwrap_or_default())),
            Ok(Err(kube::Error::Api(status))) if status.code == 401 => {
                return Err(StartError::Kubernetes(format!(
                    "it does not know who the operator is: {}; the token or certificate of the kubeconfig or of the \
                     ServiceAccount is not valid (any more)",
                    status.message
                )));
            }
            Ok(Err(kube::Error::Api(status))) if status.code == 403 => {
                return Err(StartError::Kubernetes(format!(
                    "cannot read the namespace kube-system: {}; the operator's ClusterRole allows it",
                    status.message
                )));
            }
            Ok(Err(error)) => warn!("waiting for the API server: {error}"),
            Err(_) => warn!("waiting for the API server: no answer"),
        }
        tokio::select! {
            () = shutdown.cancelled() => return Ok(None),
            () = tokio::time::sleep(Duration::from_secs(1)) => {}
        }
    }
}
