//! DnsRecords that are made for another one (pure): which there shall be, and what puts it right when there are others.

use std::sync::Arc;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::OwnerReference;
use kube::{Resource as _, ResourceExt as _};
use sha2::{Digest as _, Sha256};

use super::desired::{applied, applied_place};
use super::rules::LONGEST_OBJECT_NAME;
use super::{DnsRecord, DnsRecordSpec, GROUP, PTR_OF, RecordTypeName};
use crate::record::data::hexadecimal;
use crate::record::{Name, ValueSet, address_label, reverse_name};

/// The longest value of a label.
const LONGEST_LABEL_VALUE: usize = 63;

/// Octets of the digest that stands for what a name was cut of.
const DIGEST: usize = 4;

/// What a DnsRecord has in DNS, as far as its children follow from that.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InDns {
    /// The owner name.
    pub name: Name,
    /// The addresses.
    pub values: ValueSet,
    /// The DNS server.
    pub dns_server: String,
    /// The view; empty on a server without views.
    pub view: String,
}

impl InDns {
    /// What the status says of it.
    #[must_use]
    pub fn of(record: &DnsRecord) -> Option<Self> {
        let status = record.status.as_ref()?;
        let place = applied_place(status)?;
        let rrset = applied(status)?.rrset?;
        Some(Self {
            name: rrset.key.name,
            values: rrset.values,
            dns_server: place.server.to_string(),
            view: place.view.as_deref().unwrap_or_default().to_owned(),
        })
    }
}

/// What there shall be of the children of one DnsRecord.
#[derive(Clone, Debug, PartialEq)]
pub enum Wanted {
    /// Whatever there is: nobody knows better now.
    AsTheyAre,
    /// Those that are there, and nothing is written for them.
    Suspended,
    /// These and no others.
    These(Vec<DnsRecord>),
}

/// What there shall be of the children of a DnsRecord. They follow from what it has in DNS, so that none is made before it is there;
/// `ready` says that its status is one of its spec as it is now. While it is not, they stay.
#[must_use]
pub fn wanted(parent: &DnsRecord, ready: bool) -> Wanted {
    if parent.metadata.deletion_timestamp.is_some() {
        // They go after it, by their owner reference.
        return Wanted::AsTheyAre;
    }
    if parent.spec.suspend {
        return Wanted::Suspended;
    }
    if !ready {
        return Wanted::AsTheyAre;
    }
    if parent.spec.ptr.is_none() {
        return Wanted::These(Vec::new());
    }
    InDns::of(parent).map_or(Wanted::AsTheyAre, |there| Wanted::These(children(parent, &there)))
}

/// The children of a DnsRecord that has this in DNS: a PTR record for each of its addresses.
#[must_use]
pub fn children(parent: &DnsRecord, there: &InDns) -> Vec<DnsRecord> {
    if parent.spec.ptr.is_none() || there.name.is_wildcard() {
        return Vec::new();
    }
    let child = |data| {
        let (fqdn, label) = (reverse_name(data)?, address_label(data)?);
        let asked = &parent.spec;
        let spec = DnsRecordSpec {
            fqdn: fqdn.to_string(),
            record_type: RecordTypeName::Ptr,
            values: vec![there.name.to_string()],
            ttl: asked.ttl,
            solid_server_ref: asked.solid_server_ref.clone(),
            // Where its parent is, whatever the defaults become.
            dns_server: Some(there.dns_server.clone()),
            view: Some(there.view.clone()),
            zone: None,
            class_name: None,
            class_parameters: None,
            adoption_policy: asked.adoption_policy,
            rrset_policy: asked.rrset_policy,
            drift_policy: asked.drift_policy,
            deletion_policy: asked.deletion_policy,
            ptr: None,
            suspend: asked.suspend,
        };
        let name = parent.name_any();
        let mut child = DnsRecord::new(&cut(&name, &format!("-ptr-{label}"), LONGEST_OBJECT_NAME), spec);
        child.metadata.namespace.clone_from(&parent.metadata.namespace);
        child.metadata.labels =
            Some([(PTR_OF.to_owned(), cut(&name, "", LONGEST_LABEL_VALUE))].into_iter().collect());
        child.metadata.owner_references = Some(vec![OwnerReference {
            api_version: DnsRecord::api_version(&()).into_owned(),
            kind: DnsRecord::kind(&()).into_owned(),
            name,
            uid: parent.metadata.uid.clone().unwrap_or_default(),
            controller: Some(true),
            // The parent never waits for them: what is left to be removed of theirs is theirs.
            block_owner_deletion: None,
        }]);
        Some(child)
    };
    there.values.iter().filter_map(child).collect()
}

/// A name with an ending, cut if need be, with a digest of all of it in place of what was cut.
fn cut(name: &str, ending: &str, longest: usize) -> String {
    if name.len() + ending.len() <= longest {
        return format!("{name}{ending}");
    }
    let digest = Sha256::digest(name.as_bytes());
    let digest = hexadecimal(digest.get(..DIGEST).unwrap_or_default());
    let room = longest.saturating_sub(ending.len() + digest.len() + 1);
    // Names of objects are ASCII.
    let readable = name.get(..room).unwrap_or_default().trim_end_matches(['-', '.']);
    format!("{readable}-{digest}{ending}")
}

/// The DnsRecord that an object was made for.
#[must_use]
pub fn parent_of(record: &DnsRecord) -> Option<&OwnerReference> {
    record.owner_references().iter().find(|owner| is_a_parent(owner))
}

/// Whether the owner is a DnsRecord that made the object.
#[must_use]
pub fn is_a_parent(owner: &OwnerReference) -> bool {
    let group = owner.api_version.split_once('/').map(|(group, _)| group);
    owner.controller == Some(true) && owner.kind == DnsRecord::kind(&()) && group == Some(GROUP)
}

/// What puts the children of a DnsRecord right.
#[derive(Clone, Debug, PartialEq)]
pub enum Step {
    /// This one is not there.
    Create(Box<DnsRecord>),
    /// This one has another spec.
    Change {
        /// As it is.
        child: Arc<DnsRecord>,
        /// As its spec shall be.
        spec: Box<DnsRecordSpec>,
    },
    /// This one shall not be there, or not like this.
    Delete(Arc<DnsRecord>),
}

impl Step {
    /// The child that it is about.
    #[must_use]
    pub fn child(&self) -> &DnsRecord {
        match self {
            Self::Create(child) => child,
            Self::Change { child, .. } | Self::Delete(child) => child,
        }
    }
}

/// What puts right those that are there: new ones come first, and what goes comes last.
#[must_use]
pub fn steps(wanted: Wanted, there: &[Arc<DnsRecord>]) -> Vec<Step> {
    let is_going = |child: &DnsRecord| child.metadata.deletion_timestamp.is_some();
    let wanted = match wanted {
        Wanted::AsTheyAre => return Vec::new(),
        Wanted::Suspended => {
            let writing = there.iter().filter(|child| !is_going(child) && !child.spec.suspend);
            let suspend = |child: &Arc<DnsRecord>| {
                let spec = Box::new(DnsRecordSpec { suspend: true, ..child.spec.clone() });
                Step::Change { child: Arc::clone(child), spec }
            };
            return writing.map(suspend).collect();
        }
        Wanted::These(wanted) => wanted,
    };
    let (mut creates, mut changes, mut deletes) = (Vec::new(), Vec::new(), Vec::new());
    for mut wanted in wanted.iter().cloned() {
        let Some(child) = there.iter().find(|child| child.metadata.name == wanted.metadata.name) else {
            creates.push(Step::Create(Box::new(wanted)));
            continue;
        };
        // What is on its way out comes again once it is gone.
        if is_going(child) {
            continue;
        }
        // It can be added and not be taken away again, and what it says is so.
        wanted.spec.zone.clone_from(&child.spec.zone);
        if child.spec == wanted.spec {
            continue;
        }
        let fixed = |spec: &DnsRecordSpec| {
            (spec.solid_server_name().to_owned(), spec.dns_server.clone(), spec.view.clone())
        };
        if fixed(&child.spec) == fixed(&wanted.spec) {
            changes.push(Step::Change { child: Arc::clone(child), spec: Box::new(wanted.spec) });
        } else {
            deletes.push(Step::Delete(Arc::clone(child)));
        }
    }
    let unwanted = there.iter().filter(|child| {
        !is_going(child) && !wanted.iter().any(|wanted| wanted.metadata.name == child.metadata.name)
    });
    deletes.extend(unwanted.map(|child| Step::Delete(Arc::clone(child))));
    creates.into_iter().chain(changes).chain(deletes).collect()
}

#[cfg(test)]
mod tests;
