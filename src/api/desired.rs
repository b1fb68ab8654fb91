//! From a DnsRecord to an RRset: the only place where a spec, or what a status says was applied, is read as DNS.

use std::collections::BTreeSet;
use std::sync::Arc;

use kube::ResourceExt as _;

use super::{
    ABANDON, AdoptionPolicy, DNS_RECORD_FINALIZER, DeletionPolicy, DnsRecord, DnsRecordStatus, DriftPolicy,
    FLUX_RECONCILE_REQUESTED_AT, RECONCILE_REQUESTED_AT, RrsetPolicy, SolidServerSpec,
};
use crate::plan::{Adoption, Applied, Claim, ObjectName, OnDrift, Sharing, Stage};
use crate::record::{DataError, Name, NameError, Place, RecordData, RecordType, Rrset, RrsetKey, ValueSet};

/// Why a spec describes no RRset. The CRD's rules refuse most of this at `kubectl apply` already.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidSpec {
    /// `spec.fqdn`.
    #[error("spec.fqdn: {0}")]
    Name(#[source] NameError),
    /// `spec.zone`.
    #[error("spec.zone: {0}")]
    Zone(#[source] NameError),
    /// `spec.values`.
    #[error("spec.values[{index}]: {source}")]
    Value {
        /// Which of the values, from 0.
        index: usize,
        /// What is wrong with it.
        source: DataError,
    },
}

/// Which view a DnsRecord lives in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ViewWish {
    /// Neither the spec, nor the status, nor the SolidServer's defaults say.
    Unstated,
    /// No view: the server has none.
    NoView,
    /// This one.
    Named(Arc<str>),
}

impl ViewWish {
    fn from_text(text: &str) -> Self {
        if text.is_empty() { Self::NoView } else { Self::Named(text.into()) }
    }
}

/// Where a DnsRecord wants its RRset to be, before the appliance's zones are known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Whereabouts {
    /// The DNS server; `None` when nobody names one.
    pub server: Option<Arc<str>>,
    /// The view.
    pub view: ViewWish,
    /// The zone that the spec asks for.
    pub zone: Option<Name>,
    /// The SolidServer's defaults name another server or view by now than the one that the record lives in.
    pub defaults_changed: bool,
}

/// The name and type that a spec asks for.
///
/// # Errors
/// [`InvalidSpec::Name`].
pub fn rrset_key(record: &DnsRecord) -> Result<RrsetKey, InvalidSpec> {
    let name = Name::parse(&record.spec.fqdn).map_err(InvalidSpec::Name)?;
    Ok(RrsetKey { name, record_type: record.spec.record_type.into() })
}

/// The RRset that a spec describes.
///
/// # Errors
/// [`InvalidSpec`] names the field and says what is wrong.
pub fn rrset(record: &DnsRecord, solid_server: &SolidServerSpec) -> Result<Rrset, InvalidSpec> {
    let key = rrset_key(record)?;
    let values: ValueSet = record
        .spec
        .values
        .iter()
        .enumerate()
        .map(|(index, text)| {
            RecordData::parse(key.record_type, text).map_err(|source| InvalidSpec::Value { index, source })
        })
        .collect::<Result<_, _>>()?;
    Ok(Rrset { key, ttl: record.spec.ttl.unwrap_or_else(|| solid_server.default_ttl()), values })
}

/// Where the record shall live. What the spec leaves open is answered by the status, then by the SolidServer's defaults: a
/// changed default moves no record, unless a reconciliation was asked for.
///
/// # Errors
/// [`InvalidSpec::Zone`].
pub fn whereabouts(record: &DnsRecord, solid_server: &SolidServerSpec) -> Result<Whereabouts, InvalidSpec> {
    let spec = &record.spec;
    let (default_server, default_view) = (solid_server.default_dns_server(), solid_server.default_view());
    let lives = record.status.as_ref().filter(|status| status.zone.is_some());
    let lives_on = lives.and_then(|status| status.dns_server.as_deref());
    let lives_in = lives.and_then(|status| status.view.as_deref());
    let moves = reconcile_requested(record).is_some();

    let choose =
        |asked: Option<&str>, lives: Option<&str>, default: Option<&str>| -> (Option<Arc<str>>, bool) {
            if let Some(asked) = asked {
                return (Some(asked.into()), false);
            }
            let differs = lives.is_some() && default.is_some() && lives != default;
            let chosen = if moves { default.or(lives) } else { lives.or(default) };
            (chosen.map(Into::into), differs && !moves)
        };
    let (server, other_server) = choose(spec.dns_server.as_deref(), lives_on, default_server);
    let (view, other_view) = choose(spec.view.as_deref(), lives_in, default_view);
    Ok(Whereabouts {
        server,
        view: view.map_or(ViewWish::Unstated, |view| ViewWish::from_text(&view)),
        zone: spec.zone.as_deref().map(Name::parse).transpose().map_err(InvalidSpec::Zone)?,
        defaults_changed: other_server || other_view,
    })
}

/// Where the status says that the record's rows are.
#[must_use]
pub fn applied_place(status: &DnsRecordStatus) -> Option<Place> {
    let server = status.dns_server.as_deref().filter(|server| !server.is_empty())?;
    let zone = Name::parse(status.zone.as_deref()?).ok()?;
    let view = status.view.as_deref().filter(|view| !view.is_empty()).map(Into::into);
    Some(Place { server: server.into(), view, zone })
}

/// What the status says was applied there.
#[must_use]
pub fn applied(status: &DnsRecordStatus) -> Option<Applied> {
    let name = Name::parse(status.fqdn.as_deref()?).ok()?;
    let record_type: RecordType = status.record_type?.into();
    let key = RrsetKey { name, record_type };
    let values: Option<ValueSet> =
        status.values.iter().map(|text| RecordData::parse(record_type, text).ok()).collect();
    let rrset = match (values, status.ttl) {
        (Some(values), Some(ttl)) => Some(Rrset { key: key.clone(), ttl, values }),
        _ => None,
    };
    Some(Applied { key, rrset, class_parameters: status.class_parameters.clone() })
}

/// The reconciliation that was asked for by annotation and not served yet.
#[must_use]
pub fn reconcile_requested(record: &DnsRecord) -> Option<String> {
    let annotations = record.metadata.annotations.as_ref()?;
    let asked: Vec<&str> = [RECONCILE_REQUESTED_AT, FLUX_RECONCILE_REQUESTED_AT]
        .iter()
        .filter_map(|key| annotations.get(*key).map(String::as_str))
        .collect();
    // Both together are one request: a new value of either is a new one.
    let asked = asked.join(" ");
    let served = record.status.as_ref().and_then(|status| status.last_handled_reconcile_at.as_deref());
    (!asked.is_empty() && served != Some(asked.as_str())).then_some(asked)
}

/// Whether a record that is being deleted is to be let go with its rows left as they are.
#[must_use]
pub fn is_abandoned(record: &DnsRecord) -> bool {
    record.annotations().get(ABANDON).is_some_and(|value| value == "true")
}

/// The name of the object, as marks and messages spell it.
#[must_use]
pub fn object_name(record: &DnsRecord) -> ObjectName {
    ObjectName::new(record.namespace().as_deref().unwrap_or_default(), &record.name_any())
}

/// What the record asks of the zone at `place`, where it wants its RRset to be (`home`) or only has rows left.
#[must_use]
pub fn claim(
    record: &DnsRecord,
    rrset: Rrset,
    solid_server: &SolidServerSpec,
    place: &Place,
    home: bool,
) -> Claim {
    let spec = &record.spec;
    let status = record.status.as_ref();
    let applied = status.filter(|status| applied_place(status).as_ref() == Some(place)).and_then(applied);
    let held = record.finalizers().iter().any(|finalizer| finalizer == DNS_RECORD_FINALIZER);
    let begun = held && status.is_none_or(|status| status.zone.is_none());
    let class_parameters = spec.class_parameters.clone().unwrap_or_default();
    let dropped_parameters = status
        .map(|status| status.class_parameters.keys().filter(|key| !class_parameters.contains_key(*key)))
        .into_iter()
        .flatten()
        .cloned()
        .collect();
    Claim {
        object: object_name(record),
        created: record.metadata.creation_timestamp.as_ref().map_or(0, |time| time.0.as_second()),
        stage: match (record.metadata.deletion_timestamp.is_some(), spec.deletion_policy(), home) {
            (true, DeletionPolicy::Delete, _) => Stage::Deleting,
            (true, DeletionPolicy::Retain, _) => Stage::Retiring,
            (false, _, true) => Stage::Wanted,
            (false, _, false) => Stage::Leaving,
        },
        rrset,
        class_name: spec.class_name.clone(),
        class_parameters,
        dropped_parameters,
        adoption: match spec.adoption_policy() {
            AdoptionPolicy::Never => Adoption::Never,
            AdoptionPolicy::IfIdentical => Adoption::IfIdentical,
            AdoptionPolicy::Always => Adoption::Always,
        },
        sharing: match spec.rrset_policy() {
            RrsetPolicy::Exclusive => Sharing::Exclusive,
            RrsetPolicy::Shared => Sharing::Shared,
        },
        on_drift: match spec.drift_policy(solid_server.default_drift_policy()) {
            DriftPolicy::Repair => OnDrift::Repair,
            DriftPolicy::Report => OnDrift::Report,
        },
        applied,
        written: BTreeSet::new(),
        begun,
        other_names: BTreeSet::new(),
        decide: false,
        left_over: false,
        writable: !spec.suspend,
    }
}
