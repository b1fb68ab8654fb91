//! SolidServer: one appliance, and who may write where.

mod grant;
mod status;
mod tls;

use std::time::Duration;

use kube::CustomResource;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::dns_record::DriftPolicy;
use super::{rules, schema};
pub use grant::{AllowedNamespaces, InvalidGrant, NamespacesFrom, TtlLimits, ZoneGrant};
pub use status::{
    Approval, ApprovalKind, DeletionWindowEntry, LastSync, RecordCounts, SolidServerStatus, ZoneStatus,
};
pub use tls::{Tls, TlsError};

/// One appliance, how to reach it, and which namespaces may write which zones.
#[derive(CustomResource, Serialize, Deserialize, JsonSchema, Clone, Debug, PartialEq)]
#[kube(
    group = "solidserver.dev",
    version = "v1alpha1",
    kind = "SolidServer",
    plural = "solidservers",
    singular = "solidserver",
    shortname = "sds",
    category = "solidserver-operator",
    status = "SolidServerStatus",
    derive = "PartialEq",
    doc = "SolidServer is one EfficientIP SOLIDserver appliance: how to reach it, and which namespaces may write which zones.",
    printcolumn(
        name = "ENDPOINT",
        type_ = "string",
        json_path = ".spec.endpoint",
        description = "Base URL of the appliance"
    ),
    printcolumn(
        name = "VERSION",
        type_ = "string",
        json_path = ".status.version",
        description = "Version that the appliance reports"
    ),
    printcolumn(
        name = "RECORDS",
        type_ = "integer",
        json_path = ".status.records.total",
        description = "DnsRecords that refer to it"
    ),
    printcolumn(
        name = "READY",
        type_ = "string",
        json_path = ".status.conditions[?(@.type==\"Ready\")].status",
        description = "Whether the appliance can be worked with"
    ),
    printcolumn(
        name = "REASON",
        type_ = "string",
        json_path = ".status.conditions[?(@.type==\"Ready\")].reason",
        description = "Why it is ready or not"
    ),
    printcolumn(
        name = "LAST SYNC",
        type_ = "date",
        json_path = ".status.lastSync.time",
        description = "End of the last whole round over its zones"
    ),
    printcolumn(name = "AGE", type_ = "date", json_path = ".metadata.creationTimestamp"),
    printcolumn(
        name = "MESSAGE",
        type_ = "string",
        json_path = ".status.conditions[?(@.type==\"Ready\")].message",
        description = "The reason in a sentence",
        priority = 1
    )
)]
#[serde(rename_all = "camelCase")]
#[schemars(transform = rules::solid_server_spec, transform = schema::for_kubernetes)]
pub struct SolidServerSpec {
    /// Base URL of the appliance, for example https://ddi.example.com. HTTPS only; a port and a path prefix are allowed;
    /// no user, query or fragment.
    #[schemars(length(min = 1, max = 2048), transform = rules::endpoint)]
    pub endpoint: String,

    /// Which of the appliance's interfaces to use. Rest: the /rest services, on every version. V2: /api/v2.0. Default: Rest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub api: Option<Dialect>,

    /// Secret in the operator's own namespace with the credentials: keys username and password, or tokenId and tokenSecret.
    pub credentials_secret_ref: SecretReference,

    /// How to log in. Basic: HTTP Basic. Native: the appliance's own headers. Token: signed calls (8.4 and later).
    /// Default: Token when the Secret has tokenId, else Basic.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub auth_method: Option<AuthMethod>,

    /// How the appliance's certificate is checked. Default: against the system's certificate authorities.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tls: Option<Tls>,

    /// What DnsRecords that say nothing else get. A changed default applies to new records; the others stay where they are until
    /// asked to reconcile.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub defaults: Option<SolidServerDefaults>,

    /// Which names may be written, and by which namespaces, 1 to 256 entries. Among the entries that match name, server and view the
    /// longest name decides alone; what no entry grants is not written.
    #[schemars(length(min = 1, max = 256))]
    #[schemars(extend("x-kubernetes-list-type" = "atomic"))]
    pub zones: Vec<ZoneGrant>,

    /// How hard the appliance may be worked. Limits count per endpoint.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limits: Option<Limits>,

    /// How often everything is compared with the appliance even if nothing changed in Kubernetes, as a duration of h, m, s and ms
    /// such as "10m" or "1h30m", 1s to 24h. Default: 10m.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 32), transform = rules::resync_interval)]
    pub resync_interval: Option<String>,

    /// Whether it is followed how a written record gets to the name servers, for the condition Published of DnsRecords. None: no.
    /// Appliance: until the appliance says that it has pushed the record to its DNS servers. Dns: until each name server of the
    /// zone answers with it. Ready does not wait for either. Default: None.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub publication: Option<Publication>,

    /// Name servers to ask under publication Dns instead of those that the zone's NS records name: 1 to 16 IP addresses, each
    /// with or without a port, for example "192.0.2.53", "192.0.2.53:5353" or "2001:db8::53". Default: those of the NS
    /// records, whose names the system's resolver resolves.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 16), inner(length(min = 2, max = 54)), transform = rules::name_servers)]
    #[schemars(extend("x-kubernetes-list-type" = "atomic"))]
    pub name_servers: Option<Vec<String>>,

    /// What is held back for a person to look at.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub guard: Option<Guard>,

    /// true: writes that the appliance warns about are sent as accepted. false: the warning is shown and the record is not
    /// written. Default: false.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub accept_warnings: bool,

    /// true: nothing is written to this appliance. It is read as before, and each record that differs says what would be
    /// written; deleted records wait. Default: false.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub suspend: bool,
}

/// The appliance's interface to use.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Dialect {
    /// The /rest services.
    #[default]
    Rest,
    /// /api/v2.0.
    V2,
}

impl Dialect {
    /// As it is written in a spec.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Rest => "Rest",
            Self::V2 => "V2",
        }
    }
}

/// How far the way of a record to the name servers is followed.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Publication {
    /// Not at all.
    #[default]
    None,
    /// Until the appliance says that it has pushed the record.
    Appliance,
    /// Until each name server answers with it.
    Dns,
}

/// How to log in.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AuthMethod {
    /// HTTP Basic.
    Basic,
    /// The appliance's own headers, X-IPM-Username and X-IPM-Password.
    Native,
    /// Signed calls with an API token.
    Token,
}

/// Names a Secret in the operator's own namespace.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct SecretReference {
    /// Name of a Secret in the operator's own namespace.
    #[schemars(length(min = 1, max = 253))]
    pub name: String,
}

/// What DnsRecords that say nothing else get.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Debug, Default, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct SolidServerDefaults {
    /// DNS server on the appliance, stand-alone or SMART, by its name there. Default: none; each record must then name one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 255), transform = rules::dns_server)]
    pub dns_server: Option<String>,

    /// View on that DNS server; "" means that the server has no views. Default: none; on a server with views each record must
    /// then name one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 255), transform = rules::view)]
    pub view: Option<String>,

    /// Time to live, in seconds, 0 to 2,147,483,647. Default: 3600.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 2_147_483_647))]
    pub ttl: Option<u32>,

    /// What to do when somebody changes records on the appliance: Repair or Report. Default: Repair.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub drift_policy: Option<DriftPolicy>,
}

/// How hard the appliance may be worked.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Debug, Default, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct Limits {
    /// Calls in flight at once, 1 to 256. Default: 16.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 256))]
    pub concurrency: Option<u32>,

    /// Rows asked for in one list call, 10 to 10,000. Default: 1000.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 10, max = 10_000))]
    pub page_size: Option<u32>,

    /// Time that one call may take, as a duration such as "4s" or "500ms", 100ms to 60s. Default: 4s.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 32), transform = rules::request_timeout)]
    pub request_timeout: Option<String>,

    /// Calls per minute, 1 to 100,000. Default: no fixed budget, only what the appliance asks for (429 and Retry-After).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 100_000))]
    pub requests_per_minute: Option<u32>,
}

/// What is held back for a person to look at.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Debug, Default, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct Guard {
    /// Deletions beyond what is usual.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deletions: Option<DeletionGuard>,
}

/// When a wave of deletions is held. It is held as a whole when it, with what the window already counts, exceeds the larger of
/// maxCount and maxPercent of the RRsets that the operator owns in the zone.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Debug, Default, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct DeletionGuard {
    /// RRsets of one zone that may go within the window in any case. Default: 10.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 1_000_000))]
    pub max_count: Option<u32>,

    /// Share of the operator's RRsets of one zone that may go within the window, in percent, 0 to 100. Default: 20.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 100))]
    pub max_percent: Option<u32>,

    /// Length of the sliding window, as a duration such as "10m", 1s to 24h. Default: 10m.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 32), transform = rules::guard_window)]
    pub window: Option<String>,
}

/// A duration that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{field} is {text:?}, which is no duration; write for example \"{example}\"")]
pub struct DurationError {
    field: &'static str,
    text: String,
    example: &'static str,
}

impl SolidServerSpec {
    /// Concurrency when the spec names none.
    pub const DEFAULT_CONCURRENCY: u32 = 16;
    /// Page size when the spec names none.
    pub const DEFAULT_PAGE_SIZE: u32 = 1000;
    /// Deadline of a call when the spec names none.
    pub const DEFAULT_REQUEST_TIMEOUT: Duration = Duration::from_secs(4);
    /// Resync interval when the spec names none.
    pub const DEFAULT_RESYNC_INTERVAL: Duration = Duration::from_secs(600);
    /// Time to live when neither record nor SolidServer names one, in seconds: the appliance's own default (rr_ttl).
    pub const DEFAULT_TTL: u32 = 3600;
    /// Deletions that may happen in any case when the spec names no number.
    pub const DEFAULT_DELETIONS_MAX_COUNT: u32 = 10;
    /// Share of deletions that may happen when the spec names none, in percent.
    pub const DEFAULT_DELETIONS_MAX_PERCENT: u32 = 20;
    /// Window of the deletion guard when the spec names none.
    pub const DEFAULT_DELETIONS_WINDOW: Duration = Duration::from_secs(600);

    /// The interface to use.
    #[must_use]
    pub fn dialect(&self) -> Dialect {
        self.api.unwrap_or_default()
    }

    /// The default DNS server.
    #[must_use]
    pub fn default_dns_server(&self) -> Option<&str> {
        self.defaults.as_ref()?.dns_server.as_deref()
    }

    /// The default view as written: `None` when the spec says nothing, `Some("")` for "no view".
    #[must_use]
    pub fn default_view(&self) -> Option<&str> {
        self.defaults.as_ref()?.view.as_deref()
    }

    /// The default time to live, in seconds.
    #[must_use]
    pub fn default_ttl(&self) -> u32 {
        self.defaults.as_ref().and_then(|defaults| defaults.ttl).unwrap_or(Self::DEFAULT_TTL)
    }

    /// The default drift policy as written.
    #[must_use]
    pub fn default_drift_policy(&self) -> Option<DriftPolicy> {
        self.defaults.as_ref()?.drift_policy
    }

    /// How far written records are followed.
    #[must_use]
    pub fn publication(&self) -> Publication {
        self.publication.unwrap_or_default()
    }

    /// Calls in flight at once.
    #[must_use]
    pub fn concurrency(&self) -> u32 {
        self.limits.as_ref().and_then(|limits| limits.concurrency).unwrap_or(Self::DEFAULT_CONCURRENCY)
    }

    /// Rows asked for in one list call.
    #[must_use]
    pub fn page_size(&self) -> u32 {
        self.limits.as_ref().and_then(|limits| limits.page_size).unwrap_or(Self::DEFAULT_PAGE_SIZE)
    }

    /// Calls per minute; `None` for no fixed budget.
    #[must_use]
    pub fn requests_per_minute(&self) -> Option<u32> {
        self.limits.as_ref()?.requests_per_minute
    }

    /// Time that one call may take.
    ///
    /// # Errors
    /// [`DurationError`] when the text is no duration, which the API server refuses.
    pub fn request_timeout(&self) -> Result<Duration, DurationError> {
        let text = self.limits.as_ref().and_then(|limits| limits.request_timeout.as_deref());
        duration("spec.limits.requestTimeout", text, Self::DEFAULT_REQUEST_TIMEOUT, "4s")
    }

    /// How often everything is compared with the appliance.
    ///
    /// # Errors
    /// [`DurationError`] when the text is no duration, which the API server refuses.
    pub fn resync_interval(&self) -> Result<Duration, DurationError> {
        let text = self.resync_interval.as_deref();
        duration("spec.resyncInterval", text, Self::DEFAULT_RESYNC_INTERVAL, "10m")
    }

    /// Deletions per zone that may happen within the window in any case.
    #[must_use]
    pub fn deletions_max_count(&self) -> u32 {
        self.deletion_guard().and_then(|guard| guard.max_count).unwrap_or(Self::DEFAULT_DELETIONS_MAX_COUNT)
    }

    /// Share of the operator's RRsets of a zone that may go within the window, in percent.
    #[must_use]
    pub fn deletions_max_percent(&self) -> u32 {
        self.deletion_guard()
            .and_then(|guard| guard.max_percent)
            .unwrap_or(Self::DEFAULT_DELETIONS_MAX_PERCENT)
    }

    /// Length of the deletion guard's window.
    ///
    /// # Errors
    /// [`DurationError`] when the text is no duration, which the API server refuses.
    pub fn deletions_window(&self) -> Result<Duration, DurationError> {
        let text = self.deletion_guard().and_then(|guard| guard.window.as_deref());
        duration("spec.guard.deletions.window", text, Self::DEFAULT_DELETIONS_WINDOW, "10m")
    }

    fn deletion_guard(&self) -> Option<&DeletionGuard> {
        self.guard.as_ref()?.deletions.as_ref()
    }
}

fn duration(
    field: &'static str,
    text: Option<&str>,
    default: Duration,
    example: &'static str,
) -> Result<Duration, DurationError> {
    text.map_or(Ok(default), |text| {
        humantime::parse_duration(text).map_err(|_| DurationError { field, text: text.to_owned(), example })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spec(extra: serde_json::Value) -> SolidServerSpec {
        let mut value = serde_json::json!({
            "endpoint": "https://ddi.example.com",
            "credentialsSecretRef": {"name": "solidserver"},
            "zones": [{"name": "*", "allowedNamespaces": {"from": "All"}}],
        });
        let (Some(object), serde_json::Value::Object(extra)) = (value.as_object_mut(), extra) else {
            panic!("both are objects")
        };
        object.extend(extra);
        serde_json::from_value(value).expect("a SolidServerSpec")
    }

    #[test]
    fn absent_settings_have_the_documented_defaults() {
        let spec = spec(serde_json::json!({}));
        assert_eq!(spec.dialect(), Dialect::Rest);
        assert_eq!((spec.concurrency(), spec.page_size(), spec.default_ttl()), (16, 1000, 3600));
        assert_eq!(spec.request_timeout(), Ok(Duration::from_secs(4)));
        assert_eq!(spec.resync_interval(), Ok(Duration::from_secs(600)));
        assert_eq!((spec.deletions_max_count(), spec.deletions_max_percent()), (10, 20));
        assert_eq!(spec.deletions_window(), Ok(Duration::from_secs(600)));
        assert_eq!(
            (spec.default_dns_server(), spec.default_view(), spec.requests_per_minute()),
            (None, None, None)
        );
        let written = serde_json::to_value(&spec).expect("JSON");
        assert_eq!(
            written.as_object().map(serde_json::Map::len),
            Some(3),
            "nothing is written that was not set"
        );
    }

    #[test]
    fn durations_are_read_as_kubernetes_writes_them() {
        for (text, milliseconds) in
            [("10m", 600_000), ("1h30m", 5_400_000), ("90s", 90_000), ("1s500ms", 1500)]
        {
            let spec = spec(serde_json::json!({"resyncInterval": text}));
            assert_eq!(spec.resync_interval(), Ok(Duration::from_millis(milliseconds)), "{text}");
        }
        let error = spec(serde_json::json!({"limits": {"requestTimeout": "soon"}}))
            .request_timeout()
            .expect_err("no duration");
        assert_eq!(
            error.to_string(),
            r#"spec.limits.requestTimeout is "soon", which is no duration; write for example "4s""#
        );
    }
}
