//! Who may write where.

use std::sync::Arc;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::SolidServerSpec;
use crate::api::{RecordTypeName, rules};
use crate::plan::{Grant, Namespaces, Requirement};
use crate::record::{Name, NameError};

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

/// An entry whose name is none; the API server refuses it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("spec.zones[{index}].name: {source}")]
pub struct InvalidGrant {
    index: usize,
    source: NameError,
}

impl SolidServerSpec {
    /// The entries of `spec.zones` in the order of the list, with the defaults filled in.
    ///
    /// # Errors
    /// [`InvalidGrant`]: then nobody is granted anything, since the entry might be the one that withholds it.
    pub fn grants(&self) -> Result<Vec<Grant>, InvalidGrant> {
        let zones = self.zones.iter().enumerate();
        zones.map(|(index, zone)| zone.grant(self).map_err(|source| InvalidGrant { index, source })).collect()
    }
}

impl ZoneGrant {
    fn grant(&self, spec: &SolidServerSpec) -> Result<Grant, NameError> {
        let domain = match self.name.as_str() {
            "*" => None,
            name => Some(Name::parse(name)?),
        };
        let view = |view: &str| (!view.is_empty()).then(|| Arc::<str>::from(view));
        let servers = match &self.dns_servers {
            Some(servers) => servers.iter().map(|server| server.as_str().into()).collect(),
            None => spec.default_dns_server().into_iter().map(Arc::from).collect(),
        };
        let views = match &self.views {
            Some(views) => views.iter().map(|name| view(name)).collect(),
            None => [view(spec.default_view().unwrap_or_default())].into(),
        };
        let ttl = self.ttl.clone().unwrap_or_default();
        Ok(Grant {
            domain,
            servers,
            views,
            namespaces: self.allowed_namespaces.namespaces(),
            types: self.types.as_ref().map(|types| types.iter().map(|name| (*name).into()).collect()),
            shortest_ttl: ttl.min,
            longest_ttl: ttl.max,
            max_records: self.max_records,
        })
    }
}

impl AllowedNamespaces {
    fn namespaces(&self) -> Namespaces {
        let (NamespacesFrom::Selector, selector) = (self.from, self.selector.as_ref()) else {
            return Namespaces::All;
        };
        // Without a selector, which the API server refuses, nobody is admitted.
        let Some(selector) = selector else {
            return Namespaces::Labelled(vec![Requirement::Unknown("no selector".to_owned())]);
        };
        let labels = selector.match_labels.iter().flatten();
        let equal = labels.map(|(key, value)| Requirement::In(key.clone(), [value.clone()].into()));
        let expressions = selector.match_expressions.iter().flatten().map(|expression| {
            let key = expression.key.clone();
            let values = expression.values.iter().flatten().cloned().collect();
            match expression.operator.as_str() {
                "In" => Requirement::In(key, values),
                "NotIn" => Requirement::NotIn(key, values),
                "Exists" => Requirement::Exists(key),
                "DoesNotExist" => Requirement::Absent(key),
                _ => Requirement::Unknown(key),
            }
        });
        Namespaces::Labelled(equal.chain(expressions).collect())
    }
}
