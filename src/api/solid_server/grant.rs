//! Who may write where.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::api::{RecordTypeName, rules};

/// Who may write below one name.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct ZoneGrant {
    /// This domain and all names below it, for example shop.example.com. "*" stands for every name and is the shortest entry.
    #[schemars(length(min = 1, max = 254), transform = rules::grant_name)]
    pub name: String,

    /// DNS servers for which the entry counts. Default: spec.defaults.dnsServer alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 64), inner(length(min = 1, max = 255)))]
    #[schemars(extend("x-kubernetes-list-type" = "atomic"))]
    pub dns_servers: Option<Vec<String>>,

    /// Views for which the entry counts; "" is a server without views. Default: spec.defaults.view alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 64), inner(length(max = 255)))]
    #[schemars(extend("x-kubernetes-list-type" = "atomic"))]
    pub views: Option<Vec<String>>,

    /// The namespaces whose DnsRecords may be written here.
    pub allowed_namespaces: AllowedNamespaces,

    /// Record types that may be written. Default: all 17.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 17))]
    #[schemars(extend("x-kubernetes-list-type" = "atomic"))]
    pub types: Option<Vec<RecordTypeName>>,

    /// Bounds of the time to live, in seconds. Default: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ttl: Option<TtlLimits>,

    /// How many DnsRecords of one namespace may be written here. Default: no limit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 1_000_000))]
    pub max_records: Option<u32>,
}

/// The namespaces that an entry admits.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
#[schemars(transform = rules::allowed_namespaces)]
pub struct AllowedNamespaces {
    /// All: every namespace. Selector: those whose labels match selector.
    pub from: NamespacesFrom,

    /// Labels that a namespace must have. Needed with from: Selector, and only there. Default: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub selector: Option<LabelSelector>,
}

/// Where admitted namespaces come from.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Copy, Debug, PartialEq, Eq)]
pub enum NamespacesFrom {
    /// Every namespace.
    All,
    /// Those whose labels match.
    Selector,
}

/// Bounds of the time to live, in seconds.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Debug, Default, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
#[schemars(transform = rules::ttl_limits)]
pub struct TtlLimits {
    /// Shortest time to live, in seconds. Default: 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 2_147_483_647))]
    pub min: Option<u32>,

    /// Longest time to live, in seconds. Default: 2,147,483,647.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 2_147_483_647))]
    pub max: Option<u32>,
}
