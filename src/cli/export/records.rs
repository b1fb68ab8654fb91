//! From the rows of a zone to DnsRecords, and what is to be said of each RRset (pure, but for what the zone was found to be).

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::names::{Qualifiers, object_name};
use super::report::{Entry, Finding};
use crate::api::admission::Admission;
use crate::api::desired;
use crate::api::{
    AdoptionPolicy, DEFAULT_SOLID_SERVER, DeletionPolicy, DnsRecord, DnsRecordSpec, DriftPolicy,
    SolidServerRef,
};
use crate::controller::brownfield::{Brownfield, Foreseen};
use crate::plan::{Described, LeftOut, WhyLeftOut, take_stock};
use crate::record::{Place, RecordData, RrsetKey};
use crate::solidserver::Reading;

/// What the manifests say beside the RRset.
#[derive(Clone, Debug)]
pub(super) struct Wishes {
    pub(super) namespace: Option<String>,
    pub(super) adoption: AdoptionPolicy,
    pub(super) deletion: Option<DeletionPolicy>,
    pub(super) drift: Option<DriftPolicy>,
}

/// The fields that say where: `None` where the SolidServer's defaults say the same.
pub(super) struct Whereabouts {
    pub(super) solid_server: Option<String>,
    pub(super) server: Option<String>,
    pub(super) view: Option<String>,
}

/// A zone as manifests.
#[derive(Default)]
pub(super) struct Exported {
    /// By name and type.
    pub(super) records: Vec<DnsRecord>,
    /// What is to be said of each RRset, by name and type.
    pub(super) entries: Vec<Entry>,
}

impl Whereabouts {
    /// What manifests for a zone have to say.
    pub(super) fn of(place: &Place, solid_server: &crate::api::SolidServer) -> Self {
        let spec = &solid_server.spec;
        let name = solid_server.metadata.name.as_deref().unwrap_or_default();
        let view = place.view.as_deref().unwrap_or_default();
        Self {
            solid_server: (name != DEFAULT_SOLID_SERVER).then(|| name.to_owned()),
            server: (spec.default_dns_server() != Some(&*place.server)).then(|| place.server.to_string()),
            // A server without views needs no word where the defaults have none either.
            view: (spec.default_view().unwrap_or_default() != view).then(|| view.to_owned()),
        }
    }
}

/// An RRset on its way to a manifest.
struct Candidate {
    described: Described,
    record: DnsRecord,
}

impl Candidate {
    fn has_mixed_ttls(&self) -> bool {
        self.described.ttls.len() > 1
    }

    /// Several TTLs are a finding of their own: whether anything else is in the way shows only where they may be put right.
    fn to_be_foreseen(&self) -> DnsRecord {
        let mut record = self.record.clone();
        if self.has_mixed_ttls() {
            record.spec.adoption_policy = Some(AdoptionPolicy::Always);
        }
        record
    }
}

/// Turns what was read into manifests.
pub(super) fn export(
    zone: &Brownfield<'_>,
    reading: &Reading,
    whereabouts: &Whereabouts,
    wishes: &Wishes,
    admission: &Admission,
) -> Exported {
    let stock = take_stock(&reading.rows, &zone.place.zone);
    let mut exported = Exported::default();
    exported.entries.extend(stock.left_out.into_iter().map(left_out));
    exported.entries.extend(reading.nameless.iter().map(|row| {
        Entry::left_out(
            &row.name,
            &row.record_type,
            1,
            Finding::NotUnderstood,
            "its name cannot be written here: it has escapes or characters that DnsRecords do not take",
        )
    }));
    let mut candidates = Vec::new();
    let mut taken = BTreeSet::new();
    for described in stock.described {
        match candidate(zone, &described, whereabouts, wishes, admission) {
            Ok(record) if !taken.insert(record.metadata.name.clone()) => {
                let message = format!(
                    "its object would have the name of another one, {}",
                    record.metadata.name.unwrap_or_default()
                );
                exported.entries.push(entry(&described, Finding::NoName, message));
            }
            Ok(record) => candidates.push(Candidate { described, record }),
            Err((finding, message)) => exported.entries.push(entry(&described, finding, message)),
        }
    }
    let records: Vec<DnsRecord> = candidates.iter().map(Candidate::to_be_foreseen).collect();
    let mut foreseen = zone.foresee(&records, &reading.rows);
    for candidate in candidates {
        let seen = foreseen.remove(&desired::object_name(&candidate.record));
        let verdict = verdict(&candidate, wishes.adoption, seen);
        let Candidate { described, record } = candidate;
        match verdict {
            Ok((findings, message)) => {
                let mut entry = entry(&described, Finding::Identical, message);
                (entry.findings, entry.exported) = (findings, true);
                entry.name = record.metadata.name.clone();
                exported.entries.push(entry);
                exported.records.push(record);
            }
            Err(message) => exported.entries.push(entry(&described, Finding::Conflict, message)),
        }
    }
    exported.entries.sort();
    exported
}

/// The manifest of an RRset, or why there is none.
fn candidate(
    zone: &Brownfield<'_>,
    described: &Described,
    whereabouts: &Whereabouts,
    wishes: &Wishes,
    admission: &Admission,
) -> Result<DnsRecord, (Finding, String)> {
    let key = &described.rrset.key;
    let needs_zone = zone.needs_zone(key).map_err(|refusal| (Finding::NoPlace, refusal.message))?;
    let zone_name = needs_zone.then(|| zone.place.zone.to_string());
    let values = described.rrset.values.iter();
    let values: Vec<String> = values.map(|data| in_words(key, data)).collect::<Result<_, _>>()?;
    let record = record(described, values, zone_name, whereabouts, wishes);
    let object = serde_json::to_value(&record).unwrap_or(Value::Null);
    let violations = admission.judge(&object, None);
    if violations.is_empty() {
        return Ok(record);
    }
    let words: Vec<String> = violations
        .into_iter()
        .map(|violation| format!("{}: {}", violation.field, violation.message))
        .collect();
    Err((Finding::RefusedByApi, words.join("; ")))
}

/// A value as a manifest has it, if one can have it.
fn in_words(key: &RrsetKey, data: &RecordData) -> Result<String, (Finding, String)> {
    let text = data.to_string();
    if RecordData::parse(key.record_type, &text).as_ref() == Ok(data) {
        return Ok(text);
    }
    let message = format!(
        "a manifest cannot express its value {text:?}: control characters, or other octets than UTF-8"
    );
    Err((Finding::NotExpressible, message))
}

fn record(
    described: &Described,
    values: Vec<String>,
    zone: Option<String>,
    whereabouts: &Whereabouts,
    wishes: &Wishes,
) -> DnsRecord {
    let Whereabouts { solid_server, server, view } = whereabouts;
    let qualifiers = Qualifiers {
        solid_server: solid_server.as_deref(),
        server: server.as_deref(),
        view: view.as_deref(),
        zone: zone.as_deref(),
    };
    let key = &described.rrset.key;
    let name = object_name(key, qualifiers);
    let spec = DnsRecordSpec {
        fqdn: key.name.to_string(),
        record_type: key.record_type.into(),
        values,
        ttl: Some(described.rrset.ttl),
        solid_server_ref: solid_server.clone().map(|name| SolidServerRef { name }),
        dns_server: server.clone(),
        view: view.clone(),
        zone,
        class_name: None,
        class_parameters: None,
        // What is the default needs no word.
        adoption_policy: (wishes.adoption != AdoptionPolicy::default()).then_some(wishes.adoption),
        rrset_policy: None,
        drift_policy: wishes.drift,
        deletion_policy: wishes.deletion,
        ptr: None,
        suspend: false,
    };
    let mut record = DnsRecord::new(&name, spec);
    record.metadata.namespace.clone_from(&wishes.namespace);
    record
}

/// What applying it would come to, given what the plan says: findings with words for a manifest that is written, else why it is not.
fn verdict(
    candidate: &Candidate,
    adoption: AdoptionPolicy,
    foreseen: Option<Foreseen>,
) -> Result<(Vec<Finding>, String), String> {
    let (described, mixed) = (&candidate.described, candidate.has_mixed_ttls());
    let doubled = !described.duplicates.is_empty();
    let always = adoption == AdoptionPolicy::Always;
    let mut findings = Vec::new();
    let mut words = Vec::new();
    if mixed {
        let ttls: Vec<String> = described.ttls.iter().map(ToString::to_string).collect();
        let then = if always {
            "the operator sets all rows to it"
        } else {
            "the DnsRecord is refused (Conflict) until the rows have one TTL on the appliance or its adoptionPolicy is Always"
        };
        findings.push(Finding::MixedTtl);
        words.push(format!("TTLs {}; the manifest has {}: {then}", ttls.join(", "), described.rrset.ttl));
    }
    if doubled {
        let values: Vec<String> = described.duplicates.iter().map(ToString::to_string).collect();
        let then = if always {
            "the operator deletes what is superfluous"
        } else {
            "one row of each value is marked and the others stay, if the appliance lets rows be edited that another one equals; else \
             remove the others there, or set adoptionPolicy to Always"
        };
        findings.push(Finding::Duplicate);
        words.push(format!("more than one row with {}: {then}", values.join(", ")));
    }
    match foreseen {
        Some(Foreseen::Marks) if findings.is_empty() => Ok((vec![Finding::Identical], String::new())),
        Some(Foreseen::Marks) => Ok((findings, words.join("; "))),
        Some(Foreseen::Changes) if mixed || doubled => Ok((findings, words.join("; "))),
        Some(Foreseen::Refused(message)) => Err(message),
        Some(Foreseen::Changes) | None => {
            Err("applying its manifest would change more than marks; please report this".to_owned())
        }
    }
}

fn left_out(left: LeftOut) -> Entry {
    let (finding, message) = match left.why {
        WhyLeftOut::OfTheZone => (Finding::OfTheZone, String::new()),
        WhyLeftOut::UnsupportedType => (Finding::UnsupportedType, String::new()),
        WhyLeftOut::Marked(owners) => {
            let owners: Vec<String> = owners.into_iter().collect();
            (Finding::Marked, format!("marked for {}", owners.join(", ")))
        }
        WhyLeftOut::Delayed { coming, going } => {
            (Finding::Delayed, format!("{coming} created or changed, {going} deleted"))
        }
        WhyLeftOut::NotUnderstood(values) => {
            (Finding::NotUnderstood, format!("no values of this type: {}", values.join(", ")))
        }
    };
    Entry::left_out(left.name.as_str(), left.row_type.as_str(), left.rows, finding, message)
}

fn entry(described: &Described, finding: Finding, message: impl Into<String>) -> Entry {
    let key = &described.rrset.key;
    Entry::left_out(key.name.as_str(), key.record_type.as_str(), described.rows, finding, message)
}

/// How many RRsets have each finding.
pub(super) fn counts(entries: &[Entry]) -> BTreeMap<Finding, usize> {
    let mut counts = BTreeMap::new();
    for finding in entries.iter().flat_map(|entry| &entry.findings) {
        *counts.entry(*finding).or_default() += 1;
    }
    counts
}
