//! Writes to the API server (IO): JSON Patches with a test on the uid, so that none can hit a new object of an old name.
//!
//! The same care holds for DnsRecords that are made for others: created, changed and deleted here and nowhere else.
//!
//! A merge patch or server-side apply of a status ignores a wrong uid, and a merge patch of finalizers drops foreign ones.

use std::fmt::Debug;
use std::sync::Arc;
use std::time::Duration;

use json_patch::Patch as JsonPatch;
use kube::api::{Api, DeleteParams, Patch, PatchParams, PostParams, Preconditions};
use kube::core::Status;
use kube::{Resource, ResourceExt as _};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tokio::sync::Semaphore;
use tracing::field::Empty;
use tracing::{Instrument as _, Span};

use crate::api::{DNS_RECORD_FINALIZER, DnsRecord, DnsRecordSpec, DnsRecordStatus, FIELD_MANAGER};
use crate::lease::Claim;
use crate::telemetry::TARGET;

/// Patches of DnsRecords that are on their way at one time, of all SolidServers together. kube speaks HTTP/1.1, so each has a connection
/// of its own: more of them than keep the API server busy cost memory and handshakes on both sides, and win nothing.
const AT_ONE_TIME: usize = 48;

/// Longest wait for the API server's answer.
const PATIENCE: Duration = Duration::from_secs(15);

/// How long a status waits for the watch to catch up with our own patch before it.
const LONGEST_LAG: Duration = Duration::from_millis(500);

/// How often it is looked whether it has.
const LOOK_AGAIN: Duration = Duration::from_millis(10);

/// Whether the watch has shown a DnsRecord as it is here, or a newer state of it.
pub type IsShown = Arc<dyn Fn(&DnsRecord) -> bool + Send + Sync>;

/// Why a patch was not made.
#[derive(Debug, thiserror::Error)]
pub enum FenceError {
    /// The object is gone, or another one has its name: whatever was planned for it is void.
    #[error("the object is not the one that was planned for any more")]
    Vanished,
    /// The API server refuses the patch (422): a test in it failed, or the object is not valid with it.
    #[error("the API server refuses the patch: {0}")]
    Refused(String),
    /// The API server did not take it, or did not answer.
    #[error("the API server does not take the patch: {0}")]
    Kubernetes(String),
    /// An object of that name is there already.
    #[error("a DnsRecord of that name is there already")]
    Taken,
    /// Another replica works on this SolidServer now, or will soon. Nothing was sent.
    #[error("the Lease of the SolidServer is not held any more")]
    NotHeld,
}

/// The API server for whoever works under a claim: without it nothing is written.
#[derive(Clone)]
pub struct Cluster {
    /// The client.
    pub client: kube::Client,
    /// The right to write.
    pub claim: Claim,
    /// Who is next, among all that share this API server.
    turns: Arc<Semaphore>,
    is_shown: IsShown,
}

impl Cluster {
    /// The API server for somebody who holds no claim yet, and what a watch of its DnsRecords has shown.
    #[must_use]
    pub fn new(client: kube::Client, is_shown: IsShown) -> Self {
        Self { client, claim: Claim::never(), turns: Arc::new(Semaphore::new(AT_ONE_TIME)), is_shown }
    }

    /// The same under another claim.
    #[must_use]
    pub fn under(&self, claim: Claim) -> Self {
        Self { claim, ..self.clone() }
    }
}

/// Whether the object carries our finalizer.
#[must_use]
pub fn is_held(record: &DnsRecord) -> bool {
    record.finalizers().iter().any(|finalizer| finalizer == DNS_RECORD_FINALIZER)
}

/// Puts the finalizer on; the answer is the object as it is then.
///
/// # Errors
/// [`FenceError`].
pub async fn hold(cluster: &Cluster, record: &Arc<DnsRecord>) -> Result<Arc<DnsRecord>, FenceError> {
    if is_held(record) {
        return Ok(Arc::clone(record));
    }
    let add = if record.finalizers().is_empty() {
        vec![
            json!({"op": "test", "path": "/metadata/finalizers", "value": Value::Null}),
            json!({"op": "add", "path": "/metadata/finalizers", "value": [DNS_RECORD_FINALIZER]}),
        ]
    } else {
        vec![json!({"op": "add", "path": "/metadata/finalizers/-", "value": DNS_RECORD_FINALIZER})]
    };
    match patch(cluster, record, add, false).await {
        // The list of finalizers may be another one by now: look, and try once more.
        Err(FenceError::Vanished | FenceError::Refused(_)) => {
            let current = current(cluster, record).await?;
            if is_held(&current) {
                return Ok(Arc::new(current));
            }
            let path = if current.finalizers().is_empty() {
                "/metadata/finalizers"
            } else {
                "/metadata/finalizers/-"
            };
            let value = if current.finalizers().is_empty() {
                json!([DNS_RECORD_FINALIZER])
            } else {
                json!(DNS_RECORD_FINALIZER)
            };
            patch(cluster, &current, vec![json!({"op": "add", "path": path, "value": value})], false).await
        }
        answer => answer,
    }
}

/// Takes the finalizer off.
///
/// # Errors
/// [`FenceError`]; that the object is gone is none.
pub async fn release(cluster: &Cluster, record: &DnsRecord) -> Result<(), FenceError> {
    match remove_finalizer(cluster, record).await {
        Err(FenceError::Vanished | FenceError::Refused(_)) => match current(cluster, record).await {
            Ok(current) if is_held(&current) => remove_finalizer(cluster, &current).await,
            Ok(_) | Err(FenceError::Vanished) => Ok(()),
            Err(error) => Err(error),
        },
        answer => answer,
    }
}

async fn remove_finalizer(cluster: &Cluster, record: &DnsRecord) -> Result<(), FenceError> {
    let Some(index) = record.finalizers().iter().position(|finalizer| finalizer == DNS_RECORD_FINALIZER)
    else {
        return Ok(());
    };
    let path = format!("/metadata/finalizers/{index}");
    let remove = vec![
        json!({"op": "test", "path": path, "value": DNS_RECORD_FINALIZER}),
        json!({"op": "remove", "path": path}),
    ];
    patch(cluster, record, remove, false).await.map(|_| ())
}

/// Writes a status onto the object exactly as it is known: if anything about it changed meanwhile, nothing is written.
///
/// # Errors
/// [`FenceError`]; `Refused` when it is another object or version by now.
pub async fn write_status(
    cluster: &Cluster,
    record: &DnsRecord,
    status: &DnsRecordStatus,
) -> Result<Arc<DnsRecord>, FenceError> {
    catch_up(|| (cluster.is_shown)(record)).await;
    let version = &record.metadata.resource_version;
    let operations = vec![
        json!({"op": "test", "path": "/metadata/resourceVersion", "value": version}),
        json!({"op": "add", "path": "/status", "value": status}),
    ];
    patch(cluster, record, operations, true).await
}

/// Waits until the watch has shown what is to be patched, but not for long. An API server applies a patch to the object in its watch cache, and does all
/// of it again with what etcd has when that was behind: under load half of the statuses that followed the patch of a finalizer cost it
/// twice the work. What a watch has shown is in that cache.
async fn catch_up(is_shown: impl Fn() -> bool) {
    let begun = tokio::time::Instant::now();
    while !is_shown() && begun.elapsed() < LONGEST_LAG {
        tokio::time::sleep(LOOK_AGAIN).await;
    }
}

fn api(cluster: &Cluster, record: &DnsRecord) -> Api<DnsRecord> {
    Api::namespaced(cluster.client.clone(), record.namespace().as_deref().unwrap_or_default())
}

/// The object of that name, if it is still the same one.
///
/// # Errors
/// [`FenceError`].
pub async fn current(cluster: &Cluster, record: &DnsRecord) -> Result<DnsRecord, FenceError> {
    let api = api(cluster, record);
    let name = record.name_any();
    let answer = tokio::time::timeout(PATIENCE, api.get_opt(&name)).await.map_err(|_| silent())?;
    match answer {
        Ok(Some(current)) if current.metadata.uid == record.metadata.uid => Ok(current),
        Ok(_) => Err(FenceError::Vanished),
        Err(error) => Err(FenceError::Kubernetes(error.to_string())),
    }
}

async fn patch(
    cluster: &Cluster,
    record: &DnsRecord,
    operations: Vec<Value>,
    status: bool,
) -> Result<Arc<DnsRecord>, FenceError> {
    let span = tracing::info_span!(
        target: TARGET, "patch", otel.kind = "client",
        subresource = if status { "status" } else { "" }, outcome = Empty,
    );
    let patched = async {
        // Nobody closes it; the deadline of the call begins when it is sent.
        let _turn = cluster.turns.acquire().await.ok();
        apply(&cluster.claim, &api(cluster, record), record, operations, status).await.map(Arc::new)
    }
    .instrument(span.clone())
    .await;
    tell(&span, patched.as_ref().err());
    patched
}

fn tell(span: &Span, error: Option<&FenceError>) {
    match error {
        None => span.record("outcome", "ok"),
        Some(error) => span.record("outcome", tracing::field::display(error)),
    };
}

/// Creates a DnsRecord that is made for another one.
///
/// # Errors
/// [`FenceError`]; `Vanished` when its namespace is about to go.
pub async fn create(cluster: &Cluster, record: &DnsRecord) -> Result<Arc<DnsRecord>, FenceError> {
    let _turn = cluster.turns.acquire().await.ok();
    let parameters = PostParams { field_manager: Some(FIELD_MANAGER.to_owned()), ..PostParams::default() };
    let api = api(cluster, record);
    match in_time(&cluster.claim, api.create(&parameters, record)).await? {
        Ok(created) => Ok(Arc::new(created)),
        Err(kube::Error::Api(answer)) if answer.code == 409 => Err(FenceError::Taken),
        Err(kube::Error::Api(answer)) if answer.code == 404 || is_about_to_go(&answer) => {
            Err(FenceError::Vanished)
        }
        Err(kube::Error::Api(answer)) if answer.code == 422 => Err(FenceError::Refused(answer.message)),
        Err(error) => Err(FenceError::Kubernetes(error.to_string())),
    }
}

/// Gives a DnsRecord that is made for another one its spec again.
///
/// # Errors
/// [`FenceError`].
pub async fn write_spec(
    cluster: &Cluster,
    record: &DnsRecord,
    spec: &DnsRecordSpec,
) -> Result<Arc<DnsRecord>, FenceError> {
    patch(cluster, record, vec![json!({"op": "add", "path": "/spec", "value": spec})], false).await
}

/// Deletes a DnsRecord that was made for another one: exactly this one, and no new one of its name.
///
/// # Errors
/// [`FenceError`]; that the object is gone is none.
pub async fn delete(cluster: &Cluster, record: &DnsRecord) -> Result<(), FenceError> {
    let _turn = cluster.turns.acquire().await.ok();
    let preconditions = Preconditions { uid: record.metadata.uid.clone(), resource_version: None };
    let parameters = DeleteParams { preconditions: Some(preconditions), ..DeleteParams::background() };
    let (api, name) = (api(cluster, record), record.name_any());
    match in_time(&cluster.claim, api.delete(&name, &parameters)).await? {
        Ok(_) => Ok(()),
        // Another one has its name.
        Err(kube::Error::Api(answer)) if matches!(answer.code, 404 | 409) => Ok(()),
        Err(error) => Err(FenceError::Kubernetes(error.to_string())),
    }
}

/// Whether the API server creates nothing more in a namespace because that is being deleted.
fn is_about_to_go(answer: &Status) -> bool {
    let causes = answer.details.as_ref().map(|details| details.causes.as_slice()).unwrap_or_default();
    causes.iter().any(|cause| cause.reason == "NamespaceTerminating")
}

/// A call under a claim: not begun without it, and not waited for when it is over.
async fn in_time<T>(claim: &Claim, call: impl Future<Output = T>) -> Result<T, FenceError> {
    let deadline =
        claim.deadline().ok_or(FenceError::NotHeld)?.min(tokio::time::Instant::now().into_std() + PATIENCE);
    tokio::time::timeout_at(deadline.into(), call).await.map_err(|_| silent())
}

/// Makes a JSON Patch of an object, or of its status, that only this very object can take.
///
/// # Errors
/// [`FenceError`].
pub async fn apply<K>(
    claim: &Claim,
    api: &Api<K>,
    object: &K,
    mut operations: Vec<Value>,
    status: bool,
) -> Result<K, FenceError>
where
    K: Resource + Clone + DeserializeOwned + Debug,
{
    operations.insert(0, json!({"op": "test", "path": "/metadata/uid", "value": object.meta().uid}));
    let operations: JsonPatch = serde_json::from_value(Value::Array(operations))
        .map_err(|error| FenceError::Kubernetes(error.to_string()))?;
    let patch = Patch::Json::<()>(operations);
    let name = object.name_any();
    let parameters = PatchParams { field_manager: Some(FIELD_MANAGER.to_owned()), ..PatchParams::default() };
    let call = async {
        if status {
            api.patch_status(&name, &parameters, &patch).await
        } else {
            api.patch(&name, &parameters, &patch).await
        }
    };
    match in_time(claim, call).await? {
        Ok(object) => Ok(object),
        Err(kube::Error::Api(answer)) if answer.code == 404 => Err(FenceError::Vanished),
        // A test failed, so it is another object or version, or its finalizers changed.
        Err(kube::Error::Api(answer)) if answer.code == 422 => Err(FenceError::Refused(answer.message)),
        Err(error) => Err(FenceError::Kubernetes(error.to_string())),
    }
}

fn silent() -> FenceError {
    FenceError::Kubernetes("no answer in time".to_owned())
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_status_waits_for_the_watch_but_not_for_long() {
        let begun = tokio::time::Instant::now();
        catch_up(|| true).await;
        assert_eq!(begun.elapsed(), Duration::ZERO);
        let looks = Cell::new(0);
        catch_up(|| looks.replace(looks.get() + 1) == 3).await;
        assert_eq!(begun.elapsed(), LOOK_AGAIN * 3);
        let begun = tokio::time::Instant::now();
        catch_up(|| false).await;
        assert!(begun.elapsed() >= LONGEST_LAG && begun.elapsed() < LONGEST_LAG * 2, "{:?}", begun.elapsed());
    }
}
