//! The watches (IO): what happens in the cluster, as the engine needs it.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use futures::{StreamExt as _, TryStreamExt as _};
use k8s_openapi::api::core::v1::Namespace;
use kube::Api;
use kube::core::PartialObjectMeta;
use kube::runtime::{WatchStreamExt as _, watcher};
use tokio::sync::mpsc;
use tracing::warn;

use super::records::Records;
use crate::api::{DnsRecord, SolidServer};
use crate::plan::{Labels, ObjectName};

/// Something that was seen. The state of a DnsRecord is read from [`Records`] when it is looked at.
pub(super) enum Sight {
    /// All DnsRecords of a namespace, or of all namespaces. What is not among them is gone.
    RecordsListed {
        /// The namespace; `None` for all.
        namespace: Option<Arc<str>>,
        /// Their names.
        objects: Vec<ObjectName>,
    },
    /// A DnsRecord was created or changed.
    Record(ObjectName),
    /// A DnsRecord is gone.
    RecordGone(ObjectName),
    /// All namespaces, or the one that is watched, with their labels. What is not among them is gone.
    NamespacesListed {
        /// The namespace; `None` for all.
        namespace: Option<Arc<str>>,
        /// Those that are there.
        labels: HashMap<Arc<str>, Labels>,
    },
    /// A namespace was created or changed.
    Namespace(Arc<str>, Labels),
    /// A namespace is gone.
    NamespaceGone(Arc<str>),
    /// All SolidServers.
    SolidServersListed(Vec<SolidServer>),
    /// A SolidServer was created or changed.
    SolidServer(Box<SolidServer>),
    /// A SolidServer is gone.
    SolidServerGone(Arc<str>),
}

/// Starts to watch the DnsRecords of the namespaces, all of them when none is named. Returns the readers and how many lists are to
/// come.
#[must_use]
pub(super) fn records(
    client: &kube::Client,
    namespaces: &[String],
    sights: &mpsc::Sender<Sight>,
) -> (Records, usize) {
    let watched: Vec<Option<Arc<str>>> = if namespaces.is_empty() {
        vec![None]
    } else {
        namespaces.iter().map(|namespace| Some(namespace.as_str().into())).collect()
    };
    let named = watched.iter().cloned().collect::<Option<BTreeSet<Arc<str>>>>();
    let records = Records::new(named);
    let lists = watched.len();
    for namespace in watched {
        let api: Api<DnsRecord> = match &namespace {
            Some(namespace) => Api::namespaced(client.clone(), namespace),
            None => Api::all(client.clone()),
        };
        let mut writer = records.writer(namespace.clone());
        let sights = sights.clone();
        tokio::spawn(async move {
            let mut events = watcher(api, watcher::Config::default()).default_backoff().boxed();
            loop {
                let sight = match events.try_next().await {
                    Ok(Some(watcher::Event::Init)) => {
                        writer.begin();
                        continue;
                    }
                    Ok(Some(watcher::Event::InitApply(record))) => {
                        writer.apply(record);
                        continue;
                    }
                    Ok(Some(watcher::Event::InitDone)) => {
                        Sight::RecordsListed { namespace: namespace.clone(), objects: writer.end() }
                    }
                    Ok(Some(watcher::Event::Apply(record))) => match writer.apply(record) {
                        Some(object) => Sight::Record(object),
                        None => continue,
                    },
                    Ok(Some(watcher::Event::Delete(record))) => Sight::RecordGone(writer.delete(&record)),
                    Ok(None) => return,
                    Err(error) => {
                        warn!("watching DnsRecords: {error}");
                        continue;
                    }
                };
                if sights.send(sight).await.is_err() {
                    return;
                }
            }
        });
    }
    (records, lists)
}

/// Starts to watch the labels of the namespaces, all of them when none is named: one list for each of [`records`]'s.
pub(super) fn namespaces(client: &kube::Client, namespaces: &[String], sights: &mpsc::Sender<Sight>) {
    let watched: Vec<Option<Arc<str>>> = if namespaces.is_empty() {
        vec![None]
    } else {
        namespaces.iter().map(|namespace| Some(namespace.as_str().into())).collect()
    };
    for namespace in watched {
        let api: Api<PartialObjectMeta<Namespace>> = Api::all(client.clone());
        let config = match &namespace {
            Some(name) => watcher::Config::default().fields(&format!("metadata.name={name}")),
            None => watcher::Config::default(),
        };
        let sights = sights.clone();
        tokio::spawn(async move {
            let mut events = watcher(api, config).default_backoff().boxed();
            let mut listed = HashMap::new();
            loop {
                let sight = match events.try_next().await {
                    Ok(Some(watcher::Event::Init)) => {
                        listed.clear();
                        continue;
                    }
                    Ok(Some(watcher::Event::InitApply(object))) => {
                        listed.extend(labels_of(object));
                        continue;
                    }
                    Ok(Some(watcher::Event::InitDone)) => Sight::NamespacesListed {
                        namespace: namespace.clone(),
                        labels: std::mem::take(&mut listed),
                    },
                    Ok(Some(watcher::Event::Apply(object))) => match labels_of(object) {
                        Some((name, labels)) => Sight::Namespace(name, labels),
                        None => continue,
                    },
                    Ok(Some(watcher::Event::Delete(object))) => match labels_of(object) {
                        Some((name, _)) => Sight::NamespaceGone(name),
                        None => continue,
                    },
                    Ok(None) => return,
                    Err(error) => {
                        warn!("watching namespaces: {error}");
                        continue;
                    }
                };
                if sights.send(sight).await.is_err() {
                    return;
                }
            }
        });
    }
}

fn labels_of(object: PartialObjectMeta<Namespace>) -> Option<(Arc<str>, Labels)> {
    Some((object.metadata.name?.into(), object.metadata.labels.unwrap_or_default()))
}

/// Starts to watch the SolidServers.
pub(super) fn solid_servers(client: &kube::Client, sights: mpsc::Sender<Sight>) {
    let api: Api<SolidServer> = Api::all(client.clone());
    tokio::spawn(async move {
        let mut events = watcher(api, watcher::Config::default()).default_backoff().boxed();
        let mut listed = Vec::new();
        loop {
            let sight = match events.try_next().await {
                Ok(Some(watcher::Event::Init)) => {
                    listed.clear();
                    continue;
                }
                Ok(Some(watcher::Event::InitApply(object))) => {
                    listed.push(object);
                    continue;
                }
                Ok(Some(watcher::Event::InitDone)) => Sight::SolidServersListed(std::mem::take(&mut listed)),
                Ok(Some(watcher::Event::Apply(object))) => Sight::SolidServer(Box::new(object)),
                Ok(Some(watcher::Event::Delete(object))) => {
                    Sight::SolidServerGone(object.metadata.name.as_deref().unwrap_or_default().into())
                }
                Ok(None) => return,
                Err(error) => {
                    warn!("watching SolidServers: {error}");
                    continue;
                }
            };
            if sights.send(sight).await.is_err() {
                return;
            }
        }
    });
}
