//! The DnsRecords as the API server has them: the watch's store, and what our own patches were answered with.

use std::collections::HashMap;
use std::sync::Arc;

use kube::runtime::reflector::{ObjectRef, Store};

use crate::api::DnsRecord;
use crate::plan::ObjectName;

/// All watched DnsRecords; cheap to clone, readers only.
#[derive(Clone)]
pub(super) struct Records {
    /// By namespace; one store without a namespace when all are watched.
    stores: Arc<HashMap<Option<Arc<str>>, Store<DnsRecord>>>,
}

impl Records {
    /// Puts the stores together; a key of `None` is a store of all namespaces.
    #[must_use]
    pub(super) fn new(stores: HashMap<Option<Arc<str>>, Store<DnsRecord>>) -> Self {
        Self { stores: Arc::new(stores) }
    }

    fn store(&self, namespace: &Arc<str>) -> Option<&Store<DnsRecord>> {
        self.stores.get(&None).or_else(|| self.stores.get(&Some(Arc::clone(namespace))))
    }

    /// The object as the watch has it.
    #[must_use]
    pub(super) fn get(&self, object: &ObjectName) -> Option<Arc<DnsRecord>> {
        self.store(&object.namespace)?.get(&ObjectRef::new(&object.name).within(&object.namespace))
    }

    /// Whether a DnsRecord exists. One in a namespace that is not watched may exist, so it counts as one that does.
    #[must_use]
    pub(super) fn exists(&self, object: &ObjectName) -> bool {
        self.store(&object.namespace)
            .is_none_or(|store| store.get(&ObjectRef::new(&object.name).within(&object.namespace)).is_some())
    }
}

/// The newer of two states of one object. API servers number them rising.
#[must_use]
pub(super) fn newer(one: Arc<DnsRecord>, other: Arc<DnsRecord>) -> Arc<DnsRecord> {
    let version = |record: &DnsRecord| {
        record.metadata.resource_version.as_deref().and_then(|text| text.parse::<u64>().ok()).unwrap_or(0)
    };
    if version(&other) > version(&one) { other } else { one }
}
