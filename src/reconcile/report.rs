//! Report (pure): what a DnsRecord's status says, from what was found and done.

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};

use super::finding::{Finding, Publishing};
use crate::api::{
    ABANDON, ConditionType, DnsRecord, DnsRecordStatus, PublicationReason, Reason, RecordTypeName, Standing,
    kstatus, with_published, without_published,
};

/// What `Published` says of a record that was just written.
const JUST_WRITTEN: &str = "written to the appliance just now; whether it is published is looked at next";

/// The status that the record shall have.
#[must_use]
pub fn status(record: &DnsRecord, finding: &Finding, now: Timestamp) -> DnsRecordStatus {
    let previous = record.status.clone().unwrap_or_default();
    let generation = record.metadata.generation.unwrap_or_default();
    // A held deletion has ways out of its own.
    let names_the_way_out = finding.reason == Reason::DeletionHeld;
    let message = if record.metadata.deletion_timestamp.is_some() && !names_the_way_out {
        &format!("{}; {}", finding.message, way_out(record))
    } else {
        &finding.message
    };
    let conditions = kstatus(finding.reason, message, generation, now, &previous.conditions);
    let was = Whereabouts::of(&previous);
    let mut status = DnsRecordStatus { observed_generation: generation, conditions, ..previous.clone() };
    if let Some(applied) = &finding.applied {
        let key = &applied.rrset.key;
        status.fqdn = Some(key.name.to_string());
        status.record_type = Some(key.record_type.into());
        status.dns_server = Some(applied.place.server.to_string());
        status.view = Some(applied.place.view.as_deref().unwrap_or_default().to_owned());
        status.zone = Some(applied.place.zone.to_string());
        status.ttl = Some(applied.rrset.ttl);
        status.values = applied.rrset.values.iter().map(ToString::to_string).collect();
        status.class_parameters.clone_from(&applied.class_parameters);
    }
    if let Some(hold) = &finding.hold {
        status.hold_id.clone_from(hold);
    }
    if finding.wrote {
        status.last_change_time = Some(Time(now));
    }
    if let Some(served) = &finding.served {
        status.last_handled_reconcile_at = Some(served.clone());
    }
    match finding.publishing {
        Publishing::Untouched => {}
        Publishing::NotAsked => status.conditions = without_published(&status.conditions),
        Publishing::Followed => {
            // What was written without a word about it, before a restart, shows in what is applied.
            let begins = finding.wrote || Whereabouts::of(&status) != was;
            let ready = finding.reason.standing() == Standing::Ready;
            status.conditions = followed(&status.conditions, begins, ready, generation, now);
        }
    }
    status
}

/// The conditions of a record whose way to the name servers is followed: it begins, or what was said of it holds for this generation as
/// well, for which nothing had to be written.
fn followed(
    conditions: &[Condition],
    begins: bool,
    ready: bool,
    generation: i64,
    now: Timestamp,
) -> Vec<Condition> {
    if begins {
        let reason = PublicationReason::Publishing;
        return with_published(reason, JUST_WRITTEN, generation, now, conditions);
    }
    let mut conditions = conditions.to_vec();
    let condition = conditions.iter_mut().find(|one| one.type_ == ConditionType::Published.as_str());
    if let Some(condition) = condition.filter(|_| ready) {
        condition.observed_generation = Some(generation);
    }
    conditions
}

/// What a status says is in DNS, and where.
#[derive(PartialEq)]
struct Whereabouts<'a> {
    fqdn: Option<&'a str>,
    record_type: Option<RecordTypeName>,
    place: [Option<&'a str>; 3],
    ttl: Option<u32>,
    values: &'a [String],
}

impl<'a> Whereabouts<'a> {
    fn of(status: &'a DnsRecordStatus) -> Self {
        let place = [&status.dns_server, &status.view, &status.zone].map(Option::as_deref);
        let DnsRecordStatus { fqdn, record_type, ttl, values, .. } = status;
        Self { fqdn: fqdn.as_deref(), record_type: *record_type, place, ttl: *ttl, values }
    }
}

/// Whether trouble with the appliance leaves the record's status as it is: it is ready, or a person has to act on it anyhow, or
/// the status is what a held write or a held deletion is remembered by.
#[must_use]
pub fn is_spared(record: &DnsRecord) -> bool {
    let acted_on = matches!(
        shown_reason(record),
        Some(
            Reason::Rejected
                | Reason::NotStoredAsSent
                | Reason::Contested
                | Reason::HiddenByRights
                | Reason::Conflict
                | Reason::ForeignValues
        )
    );
    let held = record.status.as_ref().is_some_and(|status| status.hold_id.is_some());
    held || record.metadata.deletion_timestamp.is_none() && (is_ready(record) || acted_on)
}

/// How to let a DnsRecord go that cannot be deleted properly.
fn way_out(record: &DnsRecord) -> String {
    format!(
        "to let it go and leave its rows: kubectl annotate --overwrite --field-manager=flux-client-side-apply dnsrecord -n {} {} {ABANDON}=true",
        record.metadata.namespace.as_deref().unwrap_or_default(),
        record.metadata.name.as_deref().unwrap_or_default(),
    )
}

/// Whether the record's status says that its spec, as it is now, is in DNS.
#[must_use]
pub fn is_ready(record: &DnsRecord) -> bool {
    record.status.as_ref().is_some_and(|status| {
        Some(status.observed_generation) == record.metadata.generation
            && status
                .conditions
                .iter()
                .any(|condition| condition.type_ == "Ready" && condition.status == "True")
    })
}

/// The reason that the record's status shows for its spec as it is now.
#[must_use]
pub fn shown_reason(record: &DnsRecord) -> Option<Reason> {
    let status = record.status.as_ref()?;
    if Some(status.observed_generation) != record.metadata.generation {
        return None;
    }
    let ready = status.conditions.iter().find(|condition| condition.type_ == "Ready")?;
    Reason::from_text(&ready.reason)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::reconcile::AppliedNow;
    use crate::record::{Name, Place, RecordData, RecordType, Rrset, RrsetKey, ValueSet};

    /// A record of generation 2 that was published in generation 1.
    fn record() -> DnsRecord {
        let condition = |condition_type: &str, reason: &str| {
            json!({
                "type": condition_type, "status": "True", "reason": reason, "message": "as before",
                "observedGeneration": 1, "lastTransitionTime": "2026-01-02T03:04:06Z",
            })
        };
        let record = json!({
            "apiVersion": "solidserver.dev/v1alpha1",
            "kind": "DnsRecord",
            "metadata": {"name": "www", "namespace": "shop", "generation": 2},
            "spec": {"fqdn": "www.example.com", "type": "A", "values": ["192.0.2.1"]},
            "status": {
                "observedGeneration": 1, "fqdn": "www.example.com", "type": "A", "ttl": 60, "values": ["192.0.2.1"],
                "dnsServer": "ns.example.com", "view": "", "zone": "example.com",
                "conditions": [condition("Ready", "InSync"), condition("Published", "Published")],
            },
        });
        serde_json::from_value(record).unwrap()
    }

    fn finding(reason: Reason, publishing: Publishing, value: &str) -> Finding {
        let name = |text| Name::parse(text).unwrap();
        let key = RrsetKey { name: name("www.example.com"), record_type: RecordType::A };
        let values = ValueSet::from([RecordData::parse(RecordType::A, value).unwrap()]);
        let applied = AppliedNow {
            place: Place { server: "ns.example.com".into(), view: None, zone: name("example.com") },
            rrset: Rrset { key, ttl: 60, values },
            class_parameters: Default::default(),
        };
        Finding { applied: Some(applied), publishing, ..Finding::new(reason, "why") }
    }

    /// Status and generation of the condition `Published`.
    fn published(finding: &Finding) -> Option<(String, Option<i64>)> {
        let conditions = status(&record(), finding, Timestamp::UNIX_EPOCH).conditions;
        let published = conditions.into_iter().find(|condition| condition.type_ == "Published")?;
        Some((published.status, published.observed_generation))
    }

    #[test]
    fn what_was_written_begins_its_way_anew_and_what_was_not_goes_on() {
        use Publishing::{Followed, NotAsked, Untouched};
        let (same, other) = ("192.0.2.1", "192.0.2.2");
        let said = |status: &str, generation| Some((status.to_owned(), Some(generation)));
        let wrote = Finding { wrote: true, ..finding(Reason::InSync, Followed, same) };
        assert_eq!(published(&wrote), said("False", 2));
        // Written before a restart, without a word about it.
        assert_eq!(published(&finding(Reason::InSync, Followed, other)), said("False", 2));
        assert_eq!(published(&finding(Reason::InSync, Followed, same)), said("True", 2));
        // What is wanted now is not there yet; what was there before is still published.
        let refused = Finding { applied: None, ..finding(Reason::Rejected, Followed, same) };
        assert_eq!(published(&refused), said("True", 1));
        assert_eq!(published(&finding(Reason::InSync, NotAsked, same)), None);
        assert_eq!(published(&finding(Reason::Unreachable, Untouched, same)), said("True", 1));
    }
}
