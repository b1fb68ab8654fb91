//! What is followed of one DnsRecord: what it wrote, where, and since when (pure).

use std::sync::Arc;

use jiff::Timestamp;

use crate::api::desired::{applied, applied_place, object_name};
use crate::api::{
    ConditionType, DnsRecord, PublicationReason, Reason, RrsetPolicy, conditions::current_reason, find,
};
use crate::plan::ObjectName;
use crate::record::{Place, Rrset};

/// An RRset on its way to the name servers.
#[derive(Clone, Debug)]
pub struct Target {
    /// Whose it is.
    pub object: ObjectName,
    /// The object as it was last known.
    pub record: Arc<DnsRecord>,
    /// Where it was written.
    pub place: Place,
    /// What was written.
    pub rrset: Rrset,
    /// Values of others may stand beside it.
    pub shared: bool,
    /// A delegation or DNAME above the name hides it: no name server answers with it.
    pub occluded: bool,
    /// When it was written last, in whole seconds.
    pub written_at: Option<Timestamp>,
    /// It was followed since it was written, or it was seen not to be published yet: how long that takes can be told.
    pub timed: bool,
}

impl Target {
    /// What is to be followed of a record that is in sync; `None` when it is published already, or its status does not say what was
    /// written.
    #[must_use]
    pub fn of(record: &Arc<DnsRecord>) -> Option<Self> {
        let status = record.status.as_ref()?;
        let published = find(&status.conditions, ConditionType::Published);
        let is_told = published.is_some_and(|condition| {
            condition.status == PublicationReason::Published.status()
                && condition.observed_generation == record.metadata.generation
        });
        if is_told {
            return None;
        }
        Some(Self {
            object: object_name(record),
            record: Arc::clone(record),
            place: applied_place(status)?,
            rrset: applied(status)?.rrset?,
            shared: record.spec.rrset_policy() == RrsetPolicy::Shared,
            occluded: current_reason(&status.conditions) == Some(Reason::Occluded),
            written_at: status.last_change_time.as_ref().map(|time| time.0),
            timed: published.is_some(),
        })
    }

    /// Whether both are one write of one object.
    #[must_use]
    pub fn is_same_write(&self, other: &Self) -> bool {
        self.record.metadata.uid == other.record.metadata.uid
            && (&self.place, &self.rrset, self.written_at) == (&other.place, &other.rrset, other.written_at)
    }
}

#[cfg(test)]
pub(super) mod tests {
    use serde_json::{Value, json};

    use super::*;

    /// A record of these addresses that is in sync, with this `Published` condition.
    pub(in crate::publication) fn record(name: &str, values: &[&str], published: &Value) -> Arc<DnsRecord> {
        let ready = json!({
            "type": "Ready", "status": "True", "reason": "InSync", "message": "", "observedGeneration": 2,
            "lastTransitionTime": "2026-01-02T03:04:06Z",
        });
        let conditions: Vec<&Value> = [&ready, published].into_iter().filter(|one| !one.is_null()).collect();
        let record = json!({
            "apiVersion": "solidserver.dev/v1alpha1",
            "kind": "DnsRecord",
            "metadata": {"name": name, "namespace": "shop", "uid": name, "resourceVersion": "7", "generation": 2},
            "spec": {"fqdn": format!("{name}.example.com"), "type": "A", "values": values},
            "status": {
                "observedGeneration": 2, "fqdn": format!("{name}.example.com"), "type": "A", "ttl": 60,
                "values": values, "dnsServer": "ns.example.com", "zone": "example.com",
                "lastChangeTime": "2026-01-02T03:04:05Z", "conditions": conditions,
            },
        });
        Arc::new(serde_json::from_value(record).unwrap())
    }

    pub(in crate::publication) fn condition(status: &str, generation: i64) -> Value {
        json!({
            "type": "Published", "status": status, "reason": "Publishing", "message": "",
            "observedGeneration": generation, "lastTransitionTime": "2026-01-02T03:04:06Z",
        })
    }

    pub(in crate::publication) fn target(name: &str, values: &[&str]) -> Target {
        Target::of(&record(name, values, &condition("False", 2))).unwrap()
    }

    #[test]
    fn what_is_published_is_followed_no_more() {
        let of = |condition: &Value| Target::of(&record("www", &["192.0.2.1"], condition));
        assert!(of(&condition("True", 2)).is_none());
        let followed = of(&condition("False", 2)).unwrap();
        assert!(followed.timed && !followed.shared && !followed.occluded);
        assert_eq!(followed.rrset.key.to_string(), "www.example.com A");
        assert!(of(&condition("Unknown", 2)).is_some() && of(&condition("True", 1)).is_some());
        assert!(!of(&Value::Null).unwrap().timed, "nobody knows since when it has been published");
    }

    #[test]
    fn another_value_or_another_time_is_another_write() {
        let followed = target("www", &["192.0.2.1"]);
        assert!(followed.is_same_write(&followed.clone()));
        assert!(!followed.is_same_write(&target("www", &["192.0.2.2"])));
        let later = Target { written_at: None, ..followed.clone() };
        assert!(!followed.is_same_write(&later));
    }
}
