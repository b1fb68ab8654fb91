//! One Secret by name (IO): its current content, followed without restart.

use std::sync::Arc;

use futures::{StreamExt as _, TryStreamExt as _};
use k8s_openapi::api::core::v1::Secret;
use kube::Api;
use kube::runtime::{WatchStreamExt as _, watcher};
use tokio::sync::watch;
use tokio::task::AbortHandle;
use tracing::warn;

/// What is known of a Secret.
#[derive(Clone, Debug, Default)]
pub(super) enum SecretState {
    /// Not looked at yet.
    #[default]
    Unknown,
    /// There is none of that name.
    Missing,
    /// As it is now.
    Present(Arc<Secret>),
}

impl SecretState {
    /// Tells two states apart.
    #[must_use]
    pub(super) fn version(&self) -> Option<String> {
        match self {
            Self::Unknown => None,
            Self::Missing => Some(String::new()),
            Self::Present(secret) => secret.metadata.resource_version.clone(),
        }
    }

    /// The bytes under a key.
    #[must_use]
    pub(super) fn value(&self, key: &str) -> Option<&[u8]> {
        match self {
            Self::Present(secret) => secret.data.as_ref()?.get(key).map(|bytes| bytes.0.as_slice()),
            Self::Unknown | Self::Missing => None,
        }
    }
}

/// Follows one Secret until dropped.
pub(super) struct SecretWatch {
    /// Its name.
    pub(super) name: String,
    /// What is known of it.
    pub(super) state: watch::Receiver<SecretState>,
    task: AbortHandle,
}

impl SecretWatch {
    /// Begins to follow the Secret. Only this one is listed and watched, by a field selector on its name.
    #[must_use]
    pub(super) fn start(client: kube::Client, namespace: &str, name: &str) -> Self {
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
        Self { name: name.to_owned(), state, task }
    }
}

impl Drop for SecretWatch {
    fn drop(&mut self) {
        self.task.abort();
    }
}
