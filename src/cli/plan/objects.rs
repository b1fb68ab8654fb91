//! Manifests and live objects put together: the objects as they would be (IO: the API server), and what it would refuse.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use futures::StreamExt as _;
use jiff::Timestamp;
use k8s_openapi::api::core::v1::Namespace;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use kube::api::{DynamicObject, ListParams, PostParams};
use kube::core::{ApiResource, PartialObjectMeta};
use kube::{Api, ResourceExt as _};
use serde::Deserialize as _;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::{PlanError, children};
use crate::api::admission::{Admission, Violation};
use crate::api::children::parent_of;
use crate::api::desired::object_name;
use crate::api::{DnsRecord, SolidServer};
use crate::cli::manifests::{Document, Source};
use crate::cli::target::{Surroundings, TargetError, kubernetes};
use crate::controller::preview::{Candidate, Objects};
use crate::plan::{Labels, ObjectName};

/// Objects asked for in one list call to the API server.
const PAGE: u32 = 500;
/// Dry runs at a time.
const DRY_RUNS: usize = 16;

/// What is asked beside the manifests.
pub(super) struct Wishes {
    /// The namespace of records that name none.
    pub(super) namespace: String,
    /// Whether DnsRecords that are not among the manifests would be removed.
    pub(super) prune: bool,
    /// Whether the API server is to judge.
    pub(super) server_dry_run: bool,
}

/// What the plan is made from.
#[derive(Default)]
pub(super) struct Gathered {
    /// The objects as they would be.
    pub(super) objects: Objects,
    /// Where each DnsRecord is written.
    pub(super) sources: BTreeMap<ObjectName, Source>,
    /// What the API server would not take.
    pub(super) invalid: Vec<Invalid>,
    /// DnsRecords that the operator would make, each with the one that it is made for.
    pub(super) made: BTreeMap<ObjectName, ObjectName>,
    /// What whoever reads the plan should know.
    pub(super) notes: Vec<String>,
}

/// An object that the API server would not take.
pub(super) struct Invalid {
    pub(super) kind: &'static str,
    pub(super) namespace: Option<String>,
    pub(super) name: String,
    pub(super) source: Source,
    pub(super) violations: Vec<Violation>,
}

/// The objects of a cluster; empty without one.
#[derive(Default)]
struct Live {
    records: BTreeMap<ObjectName, DnsRecord>,
    solid_servers: BTreeMap<String, SolidServer>,
    namespaces: BTreeMap<String, Labels>,
}

/// Puts together what the plan is made from.
///
/// # Errors
/// [`PlanError`] when the API server does not give what it is asked for.
pub(super) async fn gather(surroundings: &Surroundings, wishes: &Wishes) -> Result<Gathered, PlanError> {
    let manifests = &surroundings.manifests;
    let live = match &surroundings.cluster {
        Some(cluster) => Live::read(cluster).await?,
        None => Live::default(),
    };
    let mut gathered = Gathered::default();
    gathered.objects.complete = surroundings.cluster.is_some();
    gathered.objects.namespaces.clone_from(&live.namespaces);
    for (name, labels) in &manifests.namespaces {
        gathered.objects.namespaces.entry(name.clone()).or_default().extend(labels.clone());
    }
    gathered.solid_servers(&manifests.solid_servers, &live)?;
    let written = gathered.written(&manifests.records, &wishes.namespace);
    let judged =
        judge(written, &live, surroundings.cluster.as_ref().filter(|_| wishes.server_dry_run)).await?;
    let mut spoken_of: BTreeSet<String> = manifests.namespaces.keys().cloned().collect();
    let mut given = BTreeSet::new();
    for Judged { object, document, violations } in judged {
        spoken_of.insert(object.namespace.to_string());
        given.insert(object.clone());
        gathered.sources.insert(object.clone(), document.source.clone());
        let before = live.records.get(&object);
        match DnsRecord::deserialize(&document.value) {
            Ok(record) if violations.is_empty() => {
                gathered.add(would_be(record, before), true);
            }
            parsed => {
                let unreadable = parsed
                    .err()
                    .map(|error| Violation { field: "spec".to_owned(), message: error.to_string() });
                let violations =
                    if violations.is_empty() { unreadable.into_iter().collect() } else { violations };
                gathered.invalid.push(Invalid {
                    kind: "DnsRecord",
                    namespace: Some(object.namespace.to_string()),
                    name: object.name.to_string(),
                    source: document.source,
                    violations,
                });
                // What is not applied stays as it is.
                before.into_iter().for_each(|record| gathered.add(record.clone(), false));
            }
        }
    }
    for (object, record) in live.records.iter().filter(|(object, _)| !given.contains(object)) {
        let mut record = record.clone();
        // What the operator made for another DnsRecord goes with that one, and no tool removes it.
        let pruned = wishes.prune && spoken_of.contains(&*object.namespace) && parent_of(&record).is_none();
        if pruned {
            record.metadata.deletion_timestamp.get_or_insert(Time(Timestamp::now()));
        }
        gathered.add(record, pruned);
    }
    if wishes.prune {
        gathered.objects.complete_namespaces = spoken_of;
    }
    children::expand(&mut gathered);
    Ok(gathered)
}

/// The UID of the kube-system namespace.
///
/// # Errors
/// [`PlanError`] when the API server does not say.
pub(super) async fn cluster_uid(cluster: &kube::Client) -> Result<String, PlanError> {
    let namespaces: Api<PartialObjectMeta<Namespace>> = Api::all(cluster.clone());
    let namespace = namespaces.get("kube-system").await;
    let namespace = namespace.map_err(|error| kubernetes("namespace kube-system".to_owned(), &error))?;
    Ok(namespace.metadata.uid.unwrap_or_default())
}

impl Live {
    async fn read(cluster: &kube::Client) -> Result<Self, PlanError> {
        let records = list::<DnsRecord>(&Api::all(cluster.clone()), "DnsRecords").await?;
        let solid_servers = list::<SolidServer>(&Api::all(cluster.clone()), "SolidServers").await?;
        let namespaces =
            list::<PartialObjectMeta<Namespace>>(&Api::all(cluster.clone()), "namespaces").await?;
        Ok(Self {
            records: records.into_iter().map(|record| (object_name(&record), record)).collect(),
            solid_servers: solid_servers.into_iter().map(|object| (object.name_any(), object)).collect(),
            namespaces: namespaces
                .into_iter()
                .map(|object| (object.name_any(), object.metadata.labels.unwrap_or_default()))
                .collect(),
        })
    }
}

async fn list<K: Clone + DeserializeOwned + std::fmt::Debug>(
    api: &Api<K>,
    what: &str,
) -> Result<Vec<K>, TargetError> {
    let mut objects = Vec::new();
    let mut parameters = ListParams::default().limit(PAGE);
    loop {
        let page =
            api.list(&parameters).await.map_err(|error| kubernetes(format!("list of {what}"), &error))?;
        objects.extend(page.items);
        match page.metadata.continue_.filter(|token| !token.is_empty()) {
            Some(token) => parameters = parameters.continue_token(&token),
            None => return Ok(objects),
        }
    }
}

/// A DnsRecord as it is written, not judged yet.
struct Written {
    object: ObjectName,
    document: Document,
}

struct Judged {
    object: ObjectName,
    document: Document,
    violations: Vec<Violation>,
}

impl Gathered {
    fn add(&mut self, record: DnsRecord, asked: bool) {
        self.objects.records.push(Candidate { record: Arc::new(record), asked });
    }

    /// The DnsRecords of the manifests by name. Of two of one name the last one counts, as with `kubectl apply`.
    fn written(&mut self, documents: &[Document], namespace: &str) -> Vec<Written> {
        let mut written: BTreeMap<ObjectName, Document> = BTreeMap::new();
        for document in documents {
            let mut document = document.clone();
            let text = |key: &str| {
                document.value.pointer(key).and_then(Value::as_str).filter(|text| !text.is_empty())
            };
            let name = text("/metadata/name").unwrap_or_default().to_owned();
            let namespace = text("/metadata/namespace").unwrap_or(namespace).to_owned();
            document.value["metadata"]["namespace"] = namespace.as_str().into();
            let object = ObjectName::new(&namespace, &name);
            let source = document.source.clone();
            if let Some(before) = written.insert(object.clone(), document) {
                self.notes.push(format!(
                    "DnsRecord {object} is written twice, in {} and {source}; the last one counts",
                    before.source
                ));
            }
        }
        written.into_iter().map(|(object, document)| Written { object, document }).collect()
    }

    /// The SolidServers as they would be.
    fn solid_servers(&mut self, written: &[(Document, SolidServer)], live: &Live) -> Result<(), PlanError> {
        let mut solid_servers = live.solid_servers.clone();
        let admission = if written.is_empty() { None } else { Some(Admission::of::<SolidServer>()?) };
        for (document, solid_server) in written {
            let name = solid_server.name_any();
            let before = live.solid_servers.get(&name);
            let old = before.and_then(|before| serde_json::to_value(before).ok());
            let violations = admission
                .as_ref()
                .map(|admission| admission.judge(&document.value, old.as_ref()))
                .unwrap_or_default();
            if violations.is_empty() {
                let mut solid_server = solid_server.clone();
                solid_server.status = before.and_then(|before| before.status.clone());
                solid_server.metadata.creation_timestamp = before.map_or_else(
                    || Some(Time(Timestamp::now())),
                    |before| before.metadata.creation_timestamp.clone(),
                );
                solid_servers.insert(name, solid_server);
            } else {
                let source = document.source.clone();
                self.invalid.push(Invalid { kind: "SolidServer", namespace: None, name, source, violations });
            }
        }
        self.objects.solid_servers = solid_servers.into_values().collect();
        Ok(())
    }
}

/// What applying a manifest makes of the live object.
fn would_be(mut record: DnsRecord, before: Option<&DnsRecord>) -> DnsRecord {
    record.status = None;
    let Some(before) = before else {
        record.metadata.creation_timestamp = Some(Time(Timestamp::now()));
        record.metadata.generation = Some(1);
        return record;
    };
    let generation = before.metadata.generation.unwrap_or_default();
    let changed = before.spec != record.spec;
    let mut annotations = before.annotations().clone();
    annotations.extend(record.metadata.annotations.take().unwrap_or_default());
    record.metadata = before.metadata.clone();
    record.metadata.annotations = Some(annotations);
    record.metadata.generation = Some(generation + i64::from(changed));
    record.status.clone_from(&before.status);
    record
}

/// Judges all of them: by the definition, or by the API server of `cluster`.
async fn judge(
    written: Vec<Written>,
    live: &Live,
    cluster: Option<&kube::Client>,
) -> Result<Vec<Judged>, PlanError> {
    let local = |admission: &Admission, Written { object, document }: Written| {
        let old = live.records.get(&object).and_then(|before| serde_json::to_value(before).ok());
        let violations = admission.judge(&document.value, old.as_ref());
        Judged { object, document, violations }
    };
    let Some(cluster) = cluster else {
        let admission = Admission::of::<DnsRecord>()?;
        return Ok(written.into_iter().map(|written| local(&admission, written)).collect());
    };
    let answers: Vec<_> = futures::stream::iter(written)
        .map(async |Written { object, document }: Written| {
            let before = live.records.get(&object);
            let answer = dry_run(cluster, &object, &document.value, before).await;
            (Written { object, document }, answer)
        })
        .buffered(DRY_RUNS)
        .collect()
        .await;
    let admission = Admission::of::<DnsRecord>()?;
    let judged = answers.into_iter().map(|(written, answer)| {
        Ok(match answer? {
            Some(violations) => Judged { object: written.object, document: written.document, violations },
            // Its namespace is not there yet, so that nobody but the definition can judge it.
            None => local(&admission, written),
        })
    });
    judged.collect::<Result<_, TargetError>>().map_err(PlanError::from)
}

/// Has the API server judge an object without keeping it. `None` when it cannot, since the namespace is missing.
async fn dry_run(
    cluster: &kube::Client,
    object: &ObjectName,
    value: &Value,
    before: Option<&DnsRecord>,
) -> Result<Option<Vec<Violation>>, TargetError> {
    let what = || format!("dry run of DnsRecord {object}");
    let resource = ApiResource::erase::<DnsRecord>(&());
    let api: Api<DynamicObject> = Api::namespaced_with(cluster.clone(), &object.namespace, &resource);
    let refused = |message: String| Ok(Some(vec![Violation { field: String::new(), message }]));
    let mut wanted = match DynamicObject::deserialize(value) {
        Ok(wanted) => wanted,
        Err(error) => return refused(error.to_string()),
    };
    wanted.metadata.managed_fields = None;
    let parameters = PostParams { dry_run: true, ..PostParams::default() };
    let answer = match before {
        None => api.create(&parameters, &wanted).await,
        Some(before) => {
            wanted.metadata.resource_version.clone_from(&before.metadata.resource_version);
            wanted.metadata.finalizers.clone_from(&before.metadata.finalizers);
            api.replace(&object.name, &parameters, &wanted).await
        }
    };
    let status = match answer {
        Ok(_) => return Ok(Some(Vec::new())),
        Err(kube::Error::Api(status)) => status,
        Err(error) => return Err(kubernetes(what(), &error)),
    };
    match status.code {
        404 => Ok(None),
        // Of the account, and not of the object.
        403 if status.message.contains("is forbidden: User ") => {
            Err(TargetError::Kubernetes { what: what(), cause: status.message.clone() })
        }
        400 | 403 | 422 => {
            let causes = status.details.as_ref().map(|details| details.causes.as_slice()).unwrap_or_default();
            let violations: Vec<Violation> = causes
                .iter()
                .map(|cause| Violation { field: cause.field.clone(), message: cause.message.clone() })
                .collect();
            if violations.is_empty() { refused(status.message.clone()) } else { Ok(Some(violations)) }
        }
        _ => Err(TargetError::Kubernetes { what: what(), cause: status.message.clone() }),
    }
}
