//! The Kubernetes API: the kinds, their conditions and what `kubectl apply` refuses.

pub mod admission;
pub mod children;
pub mod conditions;
pub mod desired;
#[allow(
    clippy::duplicated_attributes,
    reason = "printer columns of one type: the lint does not see that they belong to different columns"
)]
mod dns_record;
mod rules;
mod schema;
#[allow(
    clippy::duplicated_attributes,
    reason = "printer columns of one type: the lint does not see that they belong to different columns"
)]
#[allow(rustdoc::bare_urls, reason = "these comments are what kubectl explain shows, as plain text")]
mod solid_server;

pub use conditions::{
    ConditionType, PublicationReason, Reason, Standing, find, is_true, kstatus, with_deletions_held,
    with_published, without_published,
};
pub use dns_record::{
    AdoptionPolicy, DEFAULT_SOLID_SERVER, DeletionPolicy, DnsRecord, DnsRecordSpec, DnsRecordStatus,
    DriftPolicy, PtrPolicy, RecordTypeName, RrsetPolicy, SolidServerRef, UNOBSERVED_GENERATION,
};
pub use solid_server::{
    AllowedNamespaces, Approval, ApprovalKind, AuthMethod, DeletionGuard, DeletionWindowEntry, Dialect,
    DurationError, Guard, InvalidGrant, LastSync, Limits, NamespacesFrom, Publication, RecordCounts,
    SecretReference, SolidServer, SolidServerDefaults, SolidServerSpec, SolidServerStatus, Tls, TlsError,
    TtlLimits, ZoneGrant, ZoneStatus,
};

/// The API group of both kinds.
pub const GROUP: &str = "solidserver.dev";

/// The API version of both kinds.
pub const VERSION: &str = "v1alpha1";

/// The name under which the operator owns fields.
pub const FIELD_MANAGER: &str = "solidserver-operator";

/// Finalizer of a DnsRecord: its rows on the appliance may still be there.
pub const DNS_RECORD_FINALIZER: &str = "solidserver.dev/dns-record";

/// Finalizer of a SolidServer: DnsRecords still refer to it.
pub const SOLID_SERVER_FINALIZER: &str = "solidserver.dev/in-use";

/// Annotation that asks for a reconcile now; any new value is a new request.
pub const RECONCILE_REQUESTED_AT: &str = "solidserver.dev/reconcile-requested-at";

/// The same request as Flux writes it (`flux reconcile`).
pub const FLUX_RECONCILE_REQUESTED_AT: &str = "reconcile.fluxcd.io/requestedAt";

/// Annotation `"true"` on a DnsRecord: let it go and leave its rows as they are, marked.
pub const ABANDON: &str = "solidserver.dev/abandon";

/// Label of a DnsRecord that was made for another one's addresses: the name of that one, cut where it is too long for a label. For
/// people who look; whose it is follows from its owner.
pub const PTR_OF: &str = "solidserver.dev/ptr-of";

/// Annotation on a SolidServer with the UID of another cluster whose rows are to be taken over.
pub const TAKE_OVER: &str = "solidserver.dev/take-over";

/// Annotation on a SolidServer with the id under which an endpoint that shows none of our rows is accepted.
pub const ACCEPT_APPLIANCE: &str = "solidserver.dev/accept-appliance";

/// Annotation on a SolidServer with the id of held deletions that may happen.
pub const APPROVE_DELETIONS: &str = "solidserver.dev/approve-deletions";

/// Annotation on a SolidServer with the id of held deletions whose rows shall stay.
pub const ABANDON_DELETIONS: &str = "solidserver.dev/abandon-deletions";
