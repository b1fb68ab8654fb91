//! How an appliance stands, and what the operator did there.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::api::dns_record::{UNOBSERVED_GENERATION, unobserved_generation};
use crate::api::schema;
use crate::plan::Marks;

/// How the appliance stands, and what the operator did there.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
#[schemars(
    transform = schema::for_kubernetes,
    extend("default" = serde_json::json!({"observedGeneration": UNOBSERVED_GENERATION}))
)]
pub struct SolidServerStatus {
    /// metadata.generation that the conditions speak of; -1 until the operator has seen the object.
    #[serde(default = "unobserved_generation")]
    pub observed_generation: i64,

    /// Ready: the appliance can be worked with. Reconciling: not at the moment. Stalled: not, until a person changes
    /// something. DeletionsHeld: deletions wait for approval.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["type"]))]
    pub conditions: Vec<Condition>,

    /// Version that the appliance reports, for example 8.4.0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,

    /// Endpoint of the appliance that the status of DnsRecords speaks of. Another one in the spec must show rows of theirs before
    /// anything is written there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub endpoint: Option<String>,

    /// Cluster name under which the operator marks its rows there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cluster_name: Option<String>,

    /// Zones in which the operator holds records.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(extend("x-kubernetes-list-type" = "atomic"))]
    pub zones: Vec<ZoneStatus>,

    /// Requests by annotation that were seen and count from then on, each once.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(extend("x-kubernetes-list-type" = "atomic"))]
    pub approved: Vec<Approval>,

    /// DnsRecords that refer to this SolidServer, by standing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub records: Option<RecordCounts>,

    /// The last whole round over all zones.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_sync: Option<LastSync>,
}

impl SolidServerStatus {
    /// Whether records can carry marks on an appliance of that version.
    #[must_use]
    pub fn marks(&self) -> Marks {
        Marks::of_version(self.version.as_deref())
    }

    /// What is weaker on an appliance of that version than on others, in a sentence that stays the same; `None` when nothing is.
    #[must_use]
    pub fn what_is_weaker(&self) -> Option<String> {
        let version = self.version.as_deref().unwrap_or_default();
        (self.marks() == Marks::NotKept).then(|| {
            format!(
                "version {version} keeps no class parameters on records: they carry no marks, and ownership rests on the status \
                 of DnsRecords"
            )
        })
    }
}

impl Default for SolidServerStatus {
    fn default() -> Self {
        Self {
            observed_generation: UNOBSERVED_GENERATION,
            conditions: Vec::new(),
            version: None,
            endpoint: None,
            cluster_name: None,
            zones: Vec::new(),
            approved: Vec::new(),
            records: None,
            last_sync: None,
        }
    }
}

/// One zone in which the operator holds records.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct ZoneStatus {
    /// Name of the zone.
    pub name: String,

    /// DNS server that holds it.
    pub server: String,

    /// View that holds it; absent on a server without views.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub view: Option<String>,

    /// RRsets that the operator owns there.
    pub records: u32,

    /// Deletions that the guard's window counts, written before they happen.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(extend("x-kubernetes-list-type" = "atomic"))]
    pub deletions: Vec<DeletionWindowEntry>,
}

/// Deletions that began at one time.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct DeletionWindowEntry {
    /// When they began.
    pub time: Time,
    /// How many RRsets.
    pub count: u32,
}

/// A request by annotation that was seen.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct Approval {
    /// The annotation's value: the id of held deletions or of an appliance, or the UID of another cluster.
    pub id: String,
    /// What was asked for: ApproveDeletions, AbandonDeletions, TakeOver or AcceptAppliance.
    pub kind: ApprovalKind,
    /// When it was seen.
    pub time: Time,
}

/// What was asked for by annotation.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Copy, Debug, PartialEq, Eq)]
pub enum ApprovalKind {
    /// The held deletions may happen.
    ApproveDeletions,
    /// The held records may go, their rows stay.
    AbandonDeletions,
    /// The rows of that cluster become ours.
    TakeOver,
    /// The endpoint is right though it shows none of our rows.
    AcceptAppliance,
}

/// DnsRecords by standing.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Copy, Debug, Default, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct RecordCounts {
    /// All that refer to the SolidServer.
    pub total: u32,
    /// In DNS as the spec says.
    pub ready: u32,
    /// Not yet; the operator is at it.
    pub reconciling: u32,
    /// Not, until a person changes something.
    pub stalled: u32,
    /// RRsets on the appliance with this cluster's mark and no DnsRecord.
    pub orphaned: u32,
}

/// One whole round over all zones.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct LastSync {
    /// When it ended.
    pub time: Time,
    /// How long it took, for example "1.25s".
    pub duration: String,
    /// List calls made.
    pub reads: u32,
    /// Rows added.
    pub created: u32,
    /// Rows edited.
    pub updated: u32,
    /// Rows deleted.
    pub deleted: u32,
    /// DnsRecords that needed nothing.
    pub skipped: u32,
    /// Writes that failed.
    pub failed: u32,
}
