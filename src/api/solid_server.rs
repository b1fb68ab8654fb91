//! SolidServer: one appliance, and who may write where.

use std::time::Duration;

use base64::Engine as _;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, LabelSelector, Time};
use kube::CustomResource;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::dns_record::{DriftPolicy, RecordTypeName, UNOBSERVED_GENERATION, unobserved_generation};
use super::{rules, schema};

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

    /// What is held back for a person to look at.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub guard: Option<Guard>,

    /// true: writes that the appliance warns about are sent as accepted. false: the warning is shown and the record is not
    /// written. Default: false.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub accept_warnings: bool,

    /// true: nothing is written to this appliance; reads go on, so that drift is seen. Default: false.
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

/// How the appliance's certificate is checked.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Debug, Default, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
#[schemars(transform = rules::tls)]
pub struct Tls {
    /// Certificate authorities to trust besides the system's, PEM, base64 encoded (the output of "base64 -w0 ca.crt"). Default: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 262_144), transform = rules::ca_bundle)]
    pub ca_bundle: Option<String>,

    /// The same from a Secret in the operator's own namespace, key ca.crt. Not together with caBundle. Default: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ca_bundle_secret_ref: Option<SecretReference>,

    /// Client certificate to show, from a Secret of type kubernetes.io/tls in the operator's own namespace (keys tls.crt and
    /// tls.key). Default: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_cert_secret_ref: Option<SecretReference>,

    /// true: the certificate is not checked at all, so anybody on the path can read the credentials. Default: false.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub insecure_skip_verify: bool,
}

/// Why TLS settings cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TlsError {
    /// `caBundle` is not base64.
    #[error("spec.tls.caBundle is not base64; write the output of: base64 -w0 ca.crt")]
    NotBase64,
    /// `caBundle` holds no certificate.
    #[error("spec.tls.caBundle holds no PEM certificate (-----BEGIN CERTIFICATE-----)")]
    NotPem,
}

impl Tls {
    /// The PEM text of `caBundle`.
    ///
    /// # Errors
    /// [`TlsError`] when it is not base64 of PEM.
    pub fn ca_bundle_pem(&self) -> Result<Option<Vec<u8>>, TlsError> {
        let Some(text) = &self.ca_bundle else {
            return Ok(None);
        };
        let compact: String = text.chars().filter(|character| !character.is_ascii_whitespace()).collect();
        let pem =
            base64::engine::general_purpose::STANDARD.decode(compact).map_err(|_| TlsError::NotBase64)?;
        let marker = b"-----BEGIN CERTIFICATE-----";
        if pem.windows(marker.len()).any(|window| window == marker) {
            Ok(Some(pem))
        } else {
            Err(TlsError::NotPem)
        }
    }
}

/// What DnsRecords that say nothing else get.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Debug, Default, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct SolidServerDefaults {
    /// DNS server on the appliance, stand-alone or SMART, by its name there. Default: none; each record must then name one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 255), transform = rules::dns_server)]
    pub dns_server: Option<String>,

    /// View on that DNS server; "" means that the server has no views. Default: "".
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

impl Default for SolidServerStatus {
    fn default() -> Self {
        Self {
            observed_generation: UNOBSERVED_GENERATION,
            conditions: Vec::new(),
            version: None,
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
    /// The annotation's value: the id of held deletions, or the UID of another cluster.
    pub id: String,
    /// What was asked for: ApproveDeletions, AbandonDeletions or TakeOver.
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

    #[test]
    fn the_certificate_bundle_is_base64_of_pem() {
        let pem = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n";
        let encoded = base64::engine::general_purpose::STANDARD.encode(pem);
        let folded = format!("{}\n{}\n", &encoded[..20], &encoded[20..]);
        for text in [encoded, folded] {
            let tls = Tls { ca_bundle: Some(text), ..Tls::default() };
            assert_eq!(tls.ca_bundle_pem(), Ok(Some(pem.as_bytes().to_vec())));
        }
        let bundle = |text: &str| Tls { ca_bundle: Some(text.into()), ..Tls::default() }.ca_bundle_pem();
        assert_eq!(bundle(pem), Err(TlsError::NotBase64));
        assert_eq!(bundle("aGVsbG8="), Err(TlsError::NotPem));
        assert_eq!(Tls::default().ca_bundle_pem(), Ok(None));
    }
}
