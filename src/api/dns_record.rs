//! DnsRecord: one RRset per object.

use std::collections::BTreeMap;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};
use kube::CustomResource;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{rules, schema};
use crate::record::RecordType;

/// The SolidServer that a DnsRecord without `solidServerRef` means.
pub const DEFAULT_SOLID_SERVER: &str = "default";

/// `status.observedGeneration` of an object that the operator has not seen yet. kstatus takes it for "in progress",
/// so no tool reads a new object as healthy.
pub const UNOBSERVED_GENERATION: i64 = -1;

/// What DNS shall answer for one name and type.
#[derive(CustomResource, Serialize, Deserialize, JsonSchema, Clone, Debug, PartialEq, Eq)]
#[kube(
    group = "solidserver.dev",
    version = "v1alpha1",
    kind = "DnsRecord",
    namespaced,
    plural = "dnsrecords",
    singular = "dnsrecord",
    shortname = "dnsr",
    category = "solidserver-operator",
    status = "DnsRecordStatus",
    derive = "PartialEq",
    doc = "DnsRecord is one RRset (all records of one name and type) that the operator keeps in step on an EfficientIP SOLIDserver appliance.",
    validation = rules::object_name(),
    validation = rules::fixed_solid_server(),
    validation = rules::fixed_dns_server(),
    validation = rules::fixed_view(),
    validation = rules::fixed_zone(),
    selectable = ".spec.fqdn",
    selectable = ".spec.type",
    selectable = ".spec.zone",
    selectable = ".spec.solidServerRef.name",
    printcolumn(
        name = "FQDN",
        type_ = "string",
        json_path = ".spec.fqdn",
        description = "Owner name, as written in the spec"
    ),
    printcolumn(name = "TYPE", type_ = "string", json_path = ".spec.type", description = "Record type"),
    printcolumn(
        name = "TTL",
        type_ = "integer",
        json_path = ".status.ttl",
        description = "Time to live in DNS, in seconds; empty until the record was written or found"
    ),
    printcolumn(
        name = "READY",
        type_ = "string",
        json_path = ".status.conditions[?(@.type==\"Ready\")].status",
        description = "Whether DNS holds what the spec says"
    ),
    printcolumn(
        name = "REASON",
        type_ = "string",
        json_path = ".status.conditions[?(@.type==\"Ready\")].reason",
        description = "Why it is ready or not"
    ),
    printcolumn(name = "AGE", type_ = "date", json_path = ".metadata.creationTimestamp"),
    printcolumn(
        name = "VALUES",
        type_ = "string",
        json_path = ".spec.values",
        description = "Values, as written in the spec",
        priority = 1
    ),
    printcolumn(
        name = "ZONE",
        type_ = "string",
        json_path = ".status.zone",
        description = "Zone that holds the record",
        priority = 1
    ),
    printcolumn(
        name = "MESSAGE",
        type_ = "string",
        json_path = ".status.conditions[?(@.type==\"Ready\")].message",
        description = "The reason in a sentence",
        priority = 1
    )
)]
#[serde(rename_all = "camelCase")]
#[schemars(transform = rules::dns_record_spec, transform = schema::for_kubernetes)]
pub struct DnsRecordSpec {
    /// Owner name of the RRset, for example www.shop.example.com. A trailing dot is optional, case does not matter,
    /// a leading "*." is a wildcard, "_" and "/" (RFC 2317) may stand in labels. Internationalised names may be
    /// written as they are read; they are stored as A-labels (xn--...). At most 253 octets, each label 1 to 63.
    #[schemars(length(min = 1, max = 254), transform = rules::fqdn)]
    pub fqdn: String,

    /// Record type: A, AAAA, CNAME, DNAME, MX, NS, PTR, SRV, TXT, CAA, NAPTR, TLSA, SSHFP, DS, HTTPS, SVCB or URI.
    #[serde(rename = "type")]
    pub record_type: RecordTypeName,

    /// The values of the RRset, 1 to 64, in the presentation format of zone files: "192.0.2.10" for A,
    /// "10 mx1.example.com" for MX, "10 5 443 host.example.com" for SRV. TXT values are plain text without zone-file
    /// quoting; longer text is split for DNS by the operator. Meant as a set: order and repetition do not matter.
    /// Each at most 2,048 characters, 60,000 together. CNAME and DNAME have exactly one.
    #[schemars(length(min = 1, max = 64), inner(length(min = 1, max = 2048)))]
    #[schemars(extend("x-kubernetes-list-type" = "atomic"))]
    pub values: Vec<String>,

    /// Time to live, in seconds, 0 to 2,147,483,647. Default: spec.defaults.ttl of the SolidServer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 2_147_483_647))]
    pub ttl: Option<u32>,

    /// The SolidServer (appliance) that shall hold the record. Default: the SolidServer named "default". Immutable.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub solid_server_ref: Option<SolidServerRef>,

    /// DNS server on the appliance, stand-alone or SMART, by its name there. Default: spec.defaults.dnsServer of the
    /// SolidServer. Immutable; it may be added later with the value that status.dnsServer shows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 255), transform = rules::dns_server)]
    pub dns_server: Option<String>,

    /// View on that DNS server; "" means that the server has no views. Default: spec.defaults.view of the SolidServer.
    /// Immutable; it may be added later with the value that status.view shows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 255), transform = rules::view)]
    pub view: Option<String>,

    /// Zone that shall hold the record, for example example.com. Default: the longest zone of the server and view that
    /// contains the name. Needed only for NS, DS and glue addresses that belong into the parent zone. Immutable; it may be
    /// added later with the value that status.zone shows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 254), transform = rules::zone)]
    pub zone: Option<String>,

    /// The appliance's class for the records. Default: none is sent, and what is there stays.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 128), transform = rules::class_name)]
    pub class_name: Option<String>,

    /// The appliance's class parameters to set on the records, for example cost_center: "42". Keys have 1 to 64 letters,
    /// digits and "_" and do not begin with "k8s_", which marks ownership; at most 64 keys, values at most 1,024 characters. Only the keys named here are compared and written;
    /// parameters that others set stay. A key removed here is deleted from the records. Default: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(transform = rules::class_parameters)]
    pub class_parameters: Option<BTreeMap<String, String>>,

    /// What to do with records of this name and type that are already there and carry no ownership mark. Never: leave
    /// them, the DnsRecord is in conflict. IfIdentical: take them over if value and TTL are the same. Always: take them
    /// over and correct them. Records marked by another owner are never touched. Default: IfIdentical.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub adoption_policy: Option<AdoptionPolicy>,

    /// Whether the DnsRecord describes the whole RRset. Exclusive: these values and no others. Shared: these values
    /// beside those of other owners, each keeping its own. Default: Exclusive.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rrset_policy: Option<RrsetPolicy>,

    /// What to do when somebody changes the records on the appliance. Repair: write the spec again. Report: say so in the
    /// status and write only when the spec changes. Default: spec.defaults.driftPolicy of the SolidServer, else Repair.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub drift_policy: Option<DriftPolicy>,

    /// What happens to the records in DNS when this object is deleted. Delete: they go. Retain: they stay, without the
    /// ownership mark. Default: Delete.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deletion_policy: Option<DeletionPolicy>,

    /// PTR records of the addresses of an A or AAAA record. Managed: the operator makes a DnsRecord of type PTR for each address that
    /// is in DNS, with this object as its owner and with the same policies, where there is a reverse zone that the namespace may write
    /// and that the appliance does not fill by itself. Default: none; removing it deletes those DnsRecords.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ptr: Option<PtrPolicy>,

    /// true: the operator writes nothing for this object and says what it would write; deleting it leaves its records.
    /// Default: false.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub suspend: bool,
}

impl DnsRecordSpec {
    /// The name of the SolidServer that shall hold the record.
    #[must_use]
    pub fn solid_server_name(&self) -> &str {
        self.solid_server_ref.as_ref().map_or(DEFAULT_SOLID_SERVER, |reference| reference.name.as_str())
    }

    /// The adoption policy in force.
    #[must_use]
    pub fn adoption_policy(&self) -> AdoptionPolicy {
        self.adoption_policy.unwrap_or_default()
    }

    /// The RRset policy in force.
    #[must_use]
    pub fn rrset_policy(&self) -> RrsetPolicy {
        self.rrset_policy.unwrap_or_default()
    }

    /// The deletion policy in force.
    #[must_use]
    pub fn deletion_policy(&self) -> DeletionPolicy {
        self.deletion_policy.unwrap_or_default()
    }

    /// The drift policy in force, given the default of the SolidServer.
    #[must_use]
    pub fn drift_policy(&self, solid_server_default: Option<DriftPolicy>) -> DriftPolicy {
        self.drift_policy.or(solid_server_default).unwrap_or_default()
    }
}

/// Names a SolidServer.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct SolidServerRef {
    /// Name of the SolidServer (cluster scoped).
    #[schemars(length(min = 1, max = 253))]
    pub name: String,
}

/// A record type as the API spells it.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[allow(missing_docs, reason = "the variants are those of RecordType, which explains them")]
pub enum RecordTypeName {
    A,
    #[serde(rename = "AAAA")]
    Aaaa,
    #[serde(rename = "CNAME")]
    Cname,
    #[serde(rename = "DNAME")]
    Dname,
    #[serde(rename = "MX")]
    Mx,
    #[serde(rename = "NS")]
    Ns,
    #[serde(rename = "PTR")]
    Ptr,
    #[serde(rename = "SRV")]
    Srv,
    #[serde(rename = "TXT")]
    Txt,
    #[serde(rename = "CAA")]
    Caa,
    #[serde(rename = "NAPTR")]
    Naptr,
    #[serde(rename = "TLSA")]
    Tlsa,
    #[serde(rename = "SSHFP")]
    Sshfp,
    #[serde(rename = "DS")]
    Ds,
    #[serde(rename = "HTTPS")]
    Https,
    #[serde(rename = "SVCB")]
    Svcb,
    #[serde(rename = "URI")]
    Uri,
}

impl From<RecordTypeName> for RecordType {
    fn from(name: RecordTypeName) -> Self {
        match name {
            RecordTypeName::A => Self::A,
            RecordTypeName::Aaaa => Self::Aaaa,
            RecordTypeName::Cname => Self::Cname,
            RecordTypeName::Dname => Self::Dname,
            RecordTypeName::Mx => Self::Mx,
            RecordTypeName::Ns => Self::Ns,
            RecordTypeName::Ptr => Self::Ptr,
            RecordTypeName::Srv => Self::Srv,
            RecordTypeName::Txt => Self::Txt,
            RecordTypeName::Caa => Self::Caa,
            RecordTypeName::Naptr => Self::Naptr,
            RecordTypeName::Tlsa => Self::Tlsa,
            RecordTypeName::Sshfp => Self::Sshfp,
            RecordTypeName::Ds => Self::Ds,
            RecordTypeName::Https => Self::Https,
            RecordTypeName::Svcb => Self::Svcb,
            RecordTypeName::Uri => Self::Uri,
        }
    }
}

impl From<RecordType> for RecordTypeName {
    fn from(record_type: RecordType) -> Self {
        match record_type {
            RecordType::A => Self::A,
            RecordType::Aaaa => Self::Aaaa,
            RecordType::Cname => Self::Cname,
            RecordType::Dname => Self::Dname,
            RecordType::Mx => Self::Mx,
            RecordType::Ns => Self::Ns,
            RecordType::Ptr => Self::Ptr,
            RecordType::Srv => Self::Srv,
            RecordType::Txt => Self::Txt,
            RecordType::Caa => Self::Caa,
            RecordType::Naptr => Self::Naptr,
            RecordType::Tlsa => Self::Tlsa,
            RecordType::Sshfp => Self::Sshfp,
            RecordType::Ds => Self::Ds,
            RecordType::Https => Self::Https,
            RecordType::Svcb => Self::Svcb,
            RecordType::Uri => Self::Uri,
        }
    }
}

/// What to do with unmarked rows that are already there.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum AdoptionPolicy {
    /// Leave them; the DnsRecord is in conflict.
    Never,
    /// Mark them if they say the same already.
    #[default]
    IfIdentical,
    /// Take them over and correct them.
    Always,
}

/// Whether a DnsRecord describes the whole RRset.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RrsetPolicy {
    /// The spec's values and no others.
    #[default]
    Exclusive,
    /// The spec's values beside those of other owners.
    Shared,
}

/// What to do when rows are changed behind the operator's back.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DriftPolicy {
    /// Write the spec again.
    #[default]
    Repair,
    /// Say so in the status; write only when the spec changes.
    Report,
}

/// Who makes PTR records of addresses.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Copy, Debug, PartialEq, Eq)]
pub enum PtrPolicy {
    /// The operator, as DnsRecords of their own.
    Managed,
}

/// What happens to the rows when the DnsRecord is deleted.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DeletionPolicy {
    /// They go.
    #[default]
    Delete,
    /// They stay, unmarked.
    Retain,
}

/// What the operator last applied, and how it stands. Names and values are canonical: lower case, A-labels, no trailing
/// dot. The description of what was applied changes only after the rows it described before are gone.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
#[schemars(
    transform = schema::for_kubernetes,
    extend("default" = serde_json::json!({"observedGeneration": UNOBSERVED_GENERATION}))
)]
pub struct DnsRecordStatus {
    /// metadata.generation that the conditions speak of; -1 until the operator has seen the object.
    #[serde(default = "unobserved_generation")]
    pub observed_generation: i64,

    /// Ready: DNS holds what the spec says. Reconciling: not yet, the operator is at it. Stalled: not, until a person
    /// changes something; reason and message say what. Published, where the SolidServer has publication set: whether the name
    /// servers have the record; the others do not depend on it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["type"]))]
    pub conditions: Vec<Condition>,

    /// Owner name that was applied.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fqdn: Option<String>,

    /// Record type that was applied.
    #[serde(rename = "type", default, skip_serializing_if = "Option::is_none")]
    pub record_type: Option<RecordTypeName>,

    /// DNS server that holds the record.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dns_server: Option<String>,

    /// View that holds the record; "" on a server without views.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub view: Option<String>,

    /// Zone that holds the record.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub zone: Option<String>,

    /// Time to live in DNS, in seconds. Under rrsetPolicy Shared it can be that of values which others hold.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ttl: Option<u32>,

    /// Values of its own that were applied, sorted. Wanted ones that others hold are not among them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(extend("x-kubernetes-list-type" = "atomic"))]
    pub values: Vec<String>,

    /// Class parameters that the operator set, so that those removed from the spec can be deleted.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub class_parameters: BTreeMap<String, String>,

    /// Set while the deletion guard holds this record: the id to approve or abandon.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hold_id: Option<String>,

    /// Last time the operator wrote this RRset to the appliance.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_change_time: Option<Time>,

    /// The value of the annotation solidserver.dev/reconcile-requested-at (or reconcile.fluxcd.io/requestedAt) that was
    /// last served.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_handled_reconcile_at: Option<String>,
}

impl Default for DnsRecordStatus {
    fn default() -> Self {
        Self {
            observed_generation: UNOBSERVED_GENERATION,
            conditions: Vec::new(),
            fqdn: None,
            record_type: None,
            dns_server: None,
            view: None,
            zone: None,
            ttl: None,
            values: Vec::new(),
            class_parameters: BTreeMap::new(),
            hold_id: None,
            last_change_time: None,
            last_handled_reconcile_at: None,
        }
    }
}

/// The default of `observedGeneration` in the schema of both kinds.
pub(super) const fn unobserved_generation() -> i64 {
    UNOBSERVED_GENERATION
}
