//! Secrets by name (IO): their current content, followed without restart.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use futures::{FutureExt as _, StreamExt as _, TryStreamExt as _};
use k8s_openapi::api::core::v1::Secret;
use kube::Api;
use kube::runtime::{WatchStreamExt as _, watcher};
use tokio::sync::watch;
use tokio::task::AbortHandle;
use tracing::warn;

use super::catalogue::Refusal;
use crate::api::Reason;

/// How long Secrets may take to be looked at for the first time.
const PATIENCE: Duration = Duration::from_secs(10);

/// What is known of a Secret.
#[derive(Clone, Default)]
pub(super) enum SecretState {
    /// Not looked at yet.
    #[default]
    Unknown,
    /// There is none of that name.
    Missing,
    /// As it is now.
    Present(Arc<Secret>),
}

/// Without what it holds, which the Kubernetes type would print.
impl fmt::Debug for SecretState {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Unknown => "Unknown",
            Self::Missing => "Missing",
            Self::Present(_) => "Present",
        })
    }
}

impl SecretState {
    #[must_use]
    fn version(&self) -> Option<String> {
        match self {
            Self::Unknown => None,
            Self::Missing => Some(String::new()),
            Self::Present(secret) => secret.metadata.resource_version.clone(),
        }
    }

    #[must_use]
    fn value(&self, key: &str) -> Option<&[u8]> {
        match self {
            Self::Present(secret) => secret.data.as_ref()?.get(key).map(|bytes| bytes.0.as_slice()),
            Self::Unknown | Self::Missing => None,
        }
    }
}

/// The Secrets that one SolidServer names, and nothing of any other.
pub(super) struct Secrets {
    client: kube::Client,
    namespace: Arc<str>,
    watches: BTreeMap<String, SecretWatch>,
}

/// What is known of some Secrets of one namespace.
#[derive(Clone, Debug, Default)]
pub(super) struct SecretStates {
    namespace: Arc<str>,
    states: BTreeMap<String, SecretState>,
}

/// A Secret that is there.
#[derive(Clone, Copy, Debug)]
pub(super) struct FoundSecret<'a> {
    namespace: &'a str,
    name: &'a str,
    state: &'a SecretState,
}

impl Secrets {
    /// Follows none yet.
    #[must_use]
    pub(super) const fn new(client: kube::Client, namespace: Arc<str>) -> Self {
        Self { client, namespace, watches: BTreeMap::new() }
    }

    /// Follows these from now on, and no others; what is known of them once each was looked at.
    pub(super) async fn follow(&mut self, names: &BTreeSet<&str>) -> SecretStates {
        self.watches.retain(|name, _| names.contains(name.as_str()));
        for name in names {
            if !self.watches.contains_key(*name) {
                let started = SecretWatch::start(self.client.clone(), &self.namespace, name);
                self.watches.insert((*name).to_owned(), started);
            }
        }
        let until = tokio::time::Instant::now() + PATIENCE;
        let mut states = BTreeMap::new();
        for (name, watch) in &mut self.watches {
            let known = watch.state.wait_for(|state| !matches!(state, SecretState::Unknown));
            let state = match tokio::time::timeout_at(until, known).await {
                Ok(Ok(state)) => state.clone(),
                _ => SecretState::Unknown,
            };
            states.insert(name.clone(), state);
        }
        SecretStates { namespace: Arc::clone(&self.namespace), states }
    }

    /// Returns when one of them is another one than before.
    pub(super) async fn changed(&mut self) {
        let changes = self.watches.values_mut().map(|watch| {
            async {
                if watch.state.changed().await.is_err() {
                    std::future::pending::<()>().await;
                }
            }
            .boxed()
        });
        let changes: Vec<_> = changes.collect();
        if changes.is_empty() {
            std::future::pending::<()>().await;
        } else {
            futures::future::select_all(changes).await;
        }
    }
}

impl SecretStates {
    /// Tells two states apart.
    #[must_use]
    pub(super) fn versions(&self) -> BTreeMap<String, Option<String>> {
        self.states.iter().map(|(name, state)| (name.clone(), state.version())).collect()
    }

    /// The Secret of that name, or why it cannot be used. `keys` says what it must hold.
    pub(super) fn get<'a>(&'a self, name: &'a str, keys: &str) -> Result<FoundSecret<'a>, Refusal> {
        let namespace = &*self.namespace;
        let waiting = |message: String| Err(Refusal::new(Reason::Waiting, message));
        match self.states.get(name) {
            Some(state @ SecretState::Present(_)) => Ok(FoundSecret { namespace, name, state }),
            Some(SecretState::Missing) => {
                waiting(format!("there is no Secret {namespace}/{name}; create it with {keys}"))
            }
            Some(SecretState::Unknown) | None => waiting(format!(
                "the Secret {namespace}/{name} cannot be read yet: the API server does not answer, or the operator lacks the right"
            )),
        }
    }

    /// What is known without a watch.
    pub(super) fn of(namespace: &str, secrets: impl IntoIterator<Item = (String, SecretState)>) -> Self {
        Self { namespace: namespace.into(), states: secrets.into_iter().collect() }
    }
}

impl<'a> FoundSecret<'a> {
    /// The bytes under a key.
    #[must_use]
    pub(super) fn value(self, key: &str) -> Option<&'a [u8]> {
        self.state.value(key)
    }

    /// A refusal that begins with the Secret's name.
    #[must_use]
    pub(super) fn refused(self, reason: Reason, why: &str) -> Refusal {
        Refusal::new(reason, format!("the Secret {}/{} {why}", self.namespace, self.name))
    }
}

/// Follows one Secret until dropped.
struct SecretWatch {
    /// What is known of it.
    state: watch::Receiver<SecretState>,
    task: AbortHandle,
}

impl SecretWatch {
    /// Begins to follow the Secret. Only this one is listed and watched, by a field selector on its name.
    #[must_use]
    fn start(client: kube::Client, namespace: &str, name: &str) -> Self {
        let (sender, state) = watch::channel(SecretState::Unknown);
        let api: Api<Secret> = Api::namespaced(client, namespace);
        let config = watcher::Config::default().fields(&format!("metadata.name={name}"));
        let task = tokio::spawn(async move {
            let mut listed = SecretState::Missing;
            let mut events = watcher(api, config).default_backoff().boxed();
            loop {
                match events.try_next().await {
                    Ok(Some(watcher::Event::Init)) => listed = SecretState::Missing,
                    Ok(Some(watcher::Event::InitApply(secret))) => {
                        listed = SecretState::Present(Arc::new(secret));
                    }
                    Ok(Some(watcher::Event::InitDone)) => {
                        sender.send_replace(listed.clone());
                    }
                    Ok(Some(watcher::Event::Apply(secret))) => {
                        sender.send_replace(SecretState::Present(Arc::new(secret)));
                    }
                    Ok(Some(watcher::Event::Delete(_))) => {
                        sender.send_replace(SecretState::Missing);
                    }
                    Ok(None) => return,
                    Err(error) => warn!("watching the Secret of a SolidServer: {error}"),
                }
            }
        })
        .abort_handle();
        Self { state, task }
    }
}

impl Drop for SecretWatch {
    fn drop(&mut self) {
        self.task.abort();
    }
}
