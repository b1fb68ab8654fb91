//! DnsRecords that the operator would make, change or delete for those of the manifests (`spec.ptr`), put beside these (pure).

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

use super::objects::Gathered;
use crate::api::children::{InDns, Step, Wanted, children, parent_of, steps};
use crate::api::desired::{ViewWish, object_name, rrset, whereabouts};
use crate::api::{DnsRecord, SolidServer};
use crate::controller::preview::{Candidate, Outcome, Preview};
use crate::plan::ObjectName;

/// Adds to the objects what would be made for those that are asked about, as if each of these were in DNS as it says.
pub(super) fn expand(gathered: &mut Gathered) {
    let records = std::mem::take(&mut gathered.objects.records);
    let mut there: BTreeMap<ObjectName, Vec<Arc<DnsRecord>>> = BTreeMap::new();
    for candidate in &records {
        if let Some(owner) = parent_of(&candidate.record) {
            let namespace = candidate.record.metadata.namespace.as_deref().unwrap_or_default();
            let parent = ObjectName::new(namespace, &owner.name);
            there.entry(parent).or_default().push(Arc::clone(&candidate.record));
        }
    }
    let parents: Vec<Arc<DnsRecord>> = records
        .iter()
        .filter(|candidate| candidate.asked && parent_of(&candidate.record).is_none())
        .map(|candidate| Arc::clone(&candidate.record))
        .collect();
    let mut all: BTreeMap<ObjectName, Candidate> =
        records.into_iter().map(|candidate| (object_name(&candidate.record), candidate)).collect();
    for parent in parents {
        let name = object_name(&parent);
        let theirs = there.get(&name).map(Vec::as_slice).unwrap_or_default();
        let theirs: Vec<Arc<DnsRecord>> = theirs
            .iter()
            .filter(|child| {
                parent_of(child).is_some_and(|owner| Some(&owner.uid) == parent.metadata.uid.as_ref())
            })
            .cloned()
            .collect();
        for child in &theirs {
            if let Some(candidate) = all.get_mut(&object_name(child)) {
                candidate.asked = true;
            }
        }
        if parent.metadata.deletion_timestamp.is_some() {
            // Kubernetes collects them after it.
            theirs.iter().for_each(|child| go(&mut all, child));
            continue;
        }
        for step in steps(wanted(&parent, &gathered.objects.solid_servers), &theirs) {
            match step {
                Step::Create(child) => {
                    let child_name = object_name(&child);
                    if all.contains_key(&child_name) {
                        gathered.notes.push(format!(
                            "no PTR record {} is made for DnsRecord {name}: DnsRecord {child_name} is there and does not belong to it",
                            child.spec.fqdn
                        ));
                        continue;
                    }
                    let mut child = *child;
                    child.metadata.creation_timestamp = Some(Time(Timestamp::now()));
                    child.metadata.generation = Some(1);
                    gathered.made.insert(child_name.clone(), name.clone());
                    all.insert(child_name, Candidate { record: Arc::new(child), asked: true });
                }
                Step::Change { child, spec } => {
                    let mut changed = (*child).clone();
                    changed.spec = *spec;
                    changed.metadata.generation =
                        changed.metadata.generation.map(|generation| generation + 1);
                    all.insert(object_name(&child), Candidate { record: Arc::new(changed), asked: true });
                }
                Step::Delete(child) => go(&mut all, &child),
            }
        }
    }
    gathered.objects.records = all.into_values().collect();
}

/// A child would be deleted.
fn go(all: &mut BTreeMap<ObjectName, Candidate>, child: &DnsRecord) {
    if let Some(candidate) = all.get_mut(&object_name(child)) {
        let mut record = (*candidate.record).clone();
        record.metadata.deletion_timestamp.get_or_insert(Time(Timestamp::now()));
        *candidate = Candidate { record: Arc::new(record), asked: true };
    }
}

/// What there would be of the children of a manifest.
fn wanted(parent: &DnsRecord, solid_servers: &[SolidServer]) -> Wanted {
    if parent.spec.suspend {
        return Wanted::Suspended;
    }
    if parent.spec.ptr.is_none() {
        return Wanted::These(Vec::new());
    }
    in_dns(parent, solid_servers).map_or(Wanted::AsTheyAre, |there| Wanted::These(children(parent, &there)))
}

/// What it has in DNS once it is applied; `None` where that is not known before it is.
fn in_dns(parent: &DnsRecord, solid_servers: &[SolidServer]) -> Option<InDns> {
    let name = parent.spec.solid_server_name();
    let solid_server = solid_servers.iter().find(|object| object.metadata.name.as_deref() == Some(name))?;
    let rrset = rrset(parent, &solid_server.spec).ok()?;
    let wish = whereabouts(parent, &solid_server.spec).ok()?;
    let view = match wish.view {
        ViewWish::Named(view) => view.to_string(),
        ViewWish::NoView | ViewWish::Unstated => String::new(),
    };
    Some(InDns { name: rrset.key.name, values: rrset.values, dns_server: wish.server?.to_string(), view })
}

/// Leaves out of a plan what would not be made after all: where its parent does not come into DNS, and where it would have no place.
pub(super) fn leave_out(preview: &mut Preview, gathered: &mut Gathered) {
    let outcomes: BTreeMap<ObjectName, Outcome> =
        preview.records.iter().map(|record| (record.object.clone(), record.outcome)).collect();
    let (made, notes) = (&gathered.made, &mut gathered.notes);
    preview.records.retain(|record| {
        let Some(parent) = made.get(&record.object) else { return true };
        let why = match outcomes.get(parent) {
            Some(Outcome::Refused | Outcome::Waits | Outcome::Unknown | Outcome::Held | Outcome::Drifted) => {
                "that does not come into DNS"
            }
            _ if record.place.is_none() && record.outcome != Outcome::Unknown => record.message.as_str(),
            _ => return true,
        };
        let fqdn = record.rrset.as_ref().map(|rrset| rrset.name.to_string()).unwrap_or_default();
        notes.push(format!("no PTR record {fqdn} is made for DnsRecord {parent}: {why}"));
        false
    });
}
