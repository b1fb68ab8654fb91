//! The DnsRecords as the API server has them, kept small: what the watch has seen, and how that compares with what our own patches
//! were answered with.
//!
//! An object in memory is several times its JSON, and most of its fields are read once in hours. So the watch keeps the JSON of
//! what is ever looked at, made small, and an object is read from that when it is needed.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::{Arc, PoisonError, RwLock};

use tracing::error;

use crate::api::children::is_a_parent;
use crate::api::desired::object_name;
use crate::api::{ABANDON, DnsRecord, FLUX_RECONCILE_REQUESTED_AT, RECONCILE_REQUESTED_AT, Reason};
use crate::plan::ObjectName;
use crate::reconcile::{StoredRecord, shown_reason};

/// Annotations that mean something on a DnsRecord.
const ANNOTATIONS: [&str; 3] = [RECONCILE_REQUESTED_AT, FLUX_RECONCILE_REQUESTED_AT, ABANDON];

/// A DnsRecord as it is kept.
struct Kept {
    state: StoredRecord,
    glimpse: Glimpse,
}

/// What is asked of all objects again and again.
#[derive(Clone, Copy)]
pub(super) struct Glimpse {
    /// The resource version. API servers number them rising.
    pub(super) version: u64,
    /// What its status shows; `None` while it shows nothing.
    pub(super) reason: Option<Reason>,
}

impl Glimpse {
    pub(super) fn of(record: &DnsRecord) -> Self {
        Self { version: version(record), reason: shown_reason(record) }
    }
}

type Objects = Arc<RwLock<HashMap<ObjectName, Kept>>>;

/// All watched DnsRecords; cheap to clone, readers only.
#[derive(Clone)]
pub(super) struct Records {
    objects: Objects,
    /// The namespaces that are watched; `None` for all.
    watched: Option<Arc<BTreeSet<Arc<str>>>>,
}

impl Records {
    /// Nothing yet. The namespaces are those that are watched, `None` for all.
    #[must_use]
    pub(super) fn new(watched: Option<BTreeSet<Arc<str>>>) -> Self {
        Self { objects: Objects::default(), watched: watched.map(Arc::new) }
    }

    /// What the watch of one namespace, or of all, writes to.
    #[must_use]
    pub(super) fn writer(&self, namespace: Option<Arc<str>>) -> Writer {
        Writer { objects: Arc::clone(&self.objects), namespace, listed: None, last_namespace: "".into() }
    }

    /// The object as the watch has it.
    #[must_use]
    pub(super) fn state(&self, object: &ObjectName) -> Option<StoredRecord> {
        let objects = self.objects.read().unwrap_or_else(PoisonError::into_inner);
        objects.get(object).map(|kept| kept.state.clone())
    }

    /// What there is to tell of the object without reading it.
    #[must_use]
    pub(super) fn glimpse(&self, object: &ObjectName) -> Option<Glimpse> {
        self.objects.read().unwrap_or_else(PoisonError::into_inner).get(object).map(|kept| kept.glimpse)
    }

    /// Whether the watch has shown the object as it is here, or a newer state of it. One that it does not have is not waited for.
    #[must_use]
    pub(super) fn has_shown(&self, record: &DnsRecord) -> bool {
        self.glimpse(&object_name(record)).is_none_or(|shown| shown.version >= version(record))
    }

    /// Whether a DnsRecord exists. One in a namespace that is not watched may exist, so it counts as one that does.
    #[must_use]
    pub(super) fn exists(&self, object: &ObjectName) -> bool {
        self.watched.as_ref().is_some_and(|watched| !watched.contains(&object.namespace))
            || self.objects.read().unwrap_or_else(PoisonError::into_inner).contains_key(object)
    }
}

/// Keeps what one watch sees.
pub(super) struct Writer {
    objects: Objects,
    namespace: Option<Arc<str>>,
    /// Those of the list that is being read.
    listed: Option<HashSet<ObjectName>>,
    /// The namespace of the object before, which most share.
    last_namespace: Arc<str>,
}

impl Writer {
    /// A list begins.
    pub(super) fn begin(&mut self) {
        self.listed = Some(HashSet::new());
    }

    /// An object was listed, or changed.
    pub(super) fn apply(&mut self, mut record: DnsRecord) -> Option<ObjectName> {
        project(&mut record);
        let object = self.name(&record);
        let state = StoredRecord::keep(&record).inspect_err(|error| error!(%object, "{error}")).ok()?;
        let kept = Kept { state, glimpse: Glimpse::of(&record) };
        self.objects.write().unwrap_or_else(PoisonError::into_inner).insert(object.clone(), kept);
        if let Some(listed) = &mut self.listed {
            listed.insert(object.clone());
        }
        Some(object)
    }

    /// An object is gone.
    pub(super) fn delete(&mut self, record: &DnsRecord) -> ObjectName {
        let object = self.name(record);
        self.objects.write().unwrap_or_else(PoisonError::into_inner).remove(&object);
        object
    }

    /// The list is complete: what is not in it is gone. Returns what it holds.
    pub(super) fn end(&mut self) -> Vec<ObjectName> {
        let listed = self.listed.take().unwrap_or_default();
        let mut objects = self.objects.write().unwrap_or_else(PoisonError::into_inner);
        let theirs = |object: &ObjectName| {
            self.namespace.as_ref().is_none_or(|namespace| *namespace == object.namespace)
        };
        objects.retain(|object, _| !theirs(object) || listed.contains(object));
        listed.into_iter().collect()
    }

    fn name(&mut self, record: &DnsRecord) -> ObjectName {
        let mut object = object_name(record);
        if object.namespace != self.last_namespace {
            self.last_namespace = Arc::clone(&object.namespace);
        }
        object.namespace = Arc::clone(&self.last_namespace);
        object
    }
}

/// Leaves out what nobody looks at: who owns which field is half of an object's size.
fn project(record: &mut DnsRecord) {
    let metadata = &mut record.metadata;
    metadata.managed_fields = None;
    metadata.labels = None;
    // Whoever made a DnsRecord for another one's addresses has to find it; few have that.
    if let Some(owners) = &mut metadata.owner_references {
        owners.retain(is_a_parent);
    }
    metadata.owner_references = metadata.owner_references.take().filter(|owners| !owners.is_empty());
    metadata.generate_name = None;
    if let Some(annotations) = &mut metadata.annotations {
        annotations.retain(|key, _| ANNOTATIONS.contains(&key.as_str()));
    }
}

fn version(record: &DnsRecord) -> u64 {
    record.metadata.resource_version.as_deref().and_then(|text| text.parse().ok()).unwrap_or(0)
}

/// The newer of two states of one object.
#[must_use]
pub(super) fn newer(one: Arc<DnsRecord>, other: Arc<DnsRecord>) -> Arc<DnsRecord> {
    if version(&other) > version(&one) { other } else { one }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn record(namespace: &str, name: &str, version: &str) -> DnsRecord {
        let record = json!({
            "apiVersion": "solidserver.dev/v1alpha1",
            "kind": "DnsRecord",
            "metadata": {
                "name": name, "namespace": namespace, "uid": "u-1", "resourceVersion": version, "generation": 2,
                "creationTimestamp": "2026-01-02T03:04:05Z", "finalizers": ["solidserver.dev/dns-record", "other/one"],
                "annotations": {RECONCILE_REQUESTED_AT: "now", ABANDON: "true", "note": "long"},
                "labels": {"app": "shop"},
                "ownerReferences": [
                    {"apiVersion": "apps/v1", "kind": "Deployment", "name": "shop", "uid": "u-2"},
                    {"apiVersion": "solidserver.dev/v1alpha1", "kind": "DnsRecord", "name": "parent", "uid": "u-3", "controller": true},
                ],
                "managedFields": [{"manager": "kubectl", "operation": "Apply"}],
            },
            "spec": {"fqdn": "www.example.com", "type": "A", "values": ["192.0.2.1"], "ttl": 60},
            "status": {
                "observedGeneration": 2, "fqdn": "www.example.com", "type": "A", "ttl": 60, "values": ["192.0.2.1"],
                "conditions": [{
                    "type": "Ready", "status": "True", "reason": "InSync", "message": "as the spec says",
                    "observedGeneration": 2, "lastTransitionTime": "2026-01-02T03:04:06Z",
                }],
            },
        });
        serde_json::from_value(record).unwrap()
    }

    fn names(mut objects: Vec<ObjectName>) -> Vec<String> {
        objects.sort();
        objects.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn an_object_comes_back_as_it_was_without_what_nobody_looks_at() {
        let records = Records::new(None);
        let mut writer = records.writer(None);
        let object = writer.apply(record("shop", "www", "7")).unwrap();
        let mut expected = record("shop", "www", "7");
        expected.metadata.managed_fields = None;
        expected.metadata.labels = None;
        expected.metadata.owner_references.as_mut().unwrap().remove(0);
        expected.metadata.annotations.as_mut().unwrap().remove("note");
        assert_eq!(*records.state(&object).unwrap().read().unwrap(), expected);
        let glimpse = records.glimpse(&object).unwrap();
        assert_eq!((glimpse.version, glimpse.reason), (7, Some(Reason::InSync)));
        let shown = |version| records.has_shown(&record("shop", "www", version));
        assert!(shown("6") && shown("7") && !shown("8"));
        assert!(records.has_shown(&record("shop", "gone", "8")), "what is gone is not waited for");
        writer.delete(&expected);
        assert!(records.state(&object).is_none() && !records.exists(&object));
    }

    #[test]
    fn what_a_new_list_does_not_hold_is_gone_and_not_before_the_list_is_complete() {
        let records = Records::new(None);
        let mut writer = records.writer(None);
        for name in ["a", "b"] {
            writer.begin();
            writer.apply(record("shop", name, "1"));
        }
        writer.apply(record("shop", "c", "2"));
        assert_eq!(names(writer.end()), ["shop/b", "shop/c"]);
        assert!(!records.exists(&ObjectName::new("shop", "a")));
        writer.begin();
        writer.apply(record("shop", "b", "3"));
        assert!(records.exists(&ObjectName::new("shop", "c")));
        assert_eq!(names(writer.end()), ["shop/b"]);
        assert!(!records.exists(&ObjectName::new("shop", "c")));
    }

    #[test]
    fn a_list_of_one_namespace_says_nothing_of_another_and_what_is_not_watched_may_exist() {
        let records = Records::new(Some(["shop".into(), "blog".into()].into()));
        let (mut shop, mut blog) = (records.writer(Some("shop".into())), records.writer(Some("blog".into())));
        shop.apply(record("shop", "www", "1"));
        blog.apply(record("blog", "www", "1"));
        blog.begin();
        assert_eq!(names(blog.end()), [""; 0]);
        assert!(records.exists(&ObjectName::new("shop", "www")));
        assert!(!records.exists(&ObjectName::new("blog", "www")));
        assert!(records.exists(&ObjectName::new("elsewhere", "www")));
    }
}
