//! What can go wrong between the operator and an appliance, sorted by what the caller does about it.

use std::time::Duration;

use super::TlsFault;

/// Why a call to the appliance brought no usable answer.
///
/// No variant carries a credential, a query string or record data, except for the appliance's own words.
/// Numbers of the appliance (`errno`) are shown but never decided on: they are not documented; its words are.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// No connection, or none that lasted until the answer was there; or the appliance has not answered several calls in a row and is
    /// only probed until it does. A write answered with this was never sent.
    ///
    /// Caller: try again later; the outage belongs to the SolidServer, not to a record.
    #[error("the appliance cannot be reached: {cause}")]
    Unreachable {
        /// The innermost cause that the network stack named.
        cause: String,
    },

    /// The proxy that the operator's environment names opened no tunnel to the appliance. Nothing was sent.
    ///
    /// Caller: as for [`Error::Unreachable`]; a person must correct proxy or environment.
    #[error("the appliance cannot be reached through the proxy {proxy}: {cause}")]
    Proxy {
        /// The proxy's URL, without a login.
        proxy: String,
        /// What the proxy did, or what kept us from it.
        cause: String,
    },

    /// The TLS handshake failed: unknown issuer, wrong name, expired certificate, a client certificate wanted.
    /// Nothing was executed.
    ///
    /// Caller: as for [`Error::Unreachable`]; a person must correct the certificate or `spec.tls`.
    #[error("TLS to the appliance failed: {cause}")]
    Tls {
        /// Which of these it was.
        fault: TlsFault,
        /// The same in words.
        cause: String,
    },

    /// Credentials refused: 401 on a first call, or several times in a row (RFC 9110 15.5.2).
    ///
    /// Caller: wait for another Secret, with a slow retry.
    #[error("the appliance refuses the credentials (401)")]
    Unauthorized,

    /// The appliance's clock and ours are too far apart for signed requests: 412, seen by the vendor's
    /// Terraform provider.
    ///
    /// Caller: slow retry; a person must correct a clock.
    #[error("the clocks of the appliance and the operator differ too much (412)")]
    ClockSkew,

    /// The account may not use this service: 403. Missing rights on *rows* give no error, see
    /// [`Sight`](super::Sight).
    ///
    /// Caller: slow retry; a person must grant the right.
    #[error("the account may not use the service {service} (403)")]
    Forbidden {
        /// The appliance's service.
        service: &'static str,
    },

    /// The appliance asks for a pause (429, RFC 6585 4), or such a pause is still running. The call was not
    /// executed.
    ///
    /// Caller: try again after `retry_after`; the client holds back all calls until then in any case.
    #[error("the appliance's rate limit is reached{}", retry_after.map(|pause| format!(", {} s to wait", pause.as_secs_f64().ceil())).unwrap_or_default())]
    RateLimited {
        /// How long to wait, as the appliance said; `None` when it said nothing.
        retry_after: Option<Duration>,
    },

    /// The appliance is there but does not serve: 5xx or 408 on a read, or a 401 after calls had succeeded
    /// with the same credentials (internal exceptions of the appliance can surface as 401).
    ///
    /// Caller: as for [`Error::Unreachable`]. On a write such an answer is [`Error::Ambiguous`].
    #[error("the appliance answers {status} to {service}")]
    Unavailable {
        /// The appliance's service.
        service: &'static str,
        /// The HTTP status.
        status: u16,
    },

    /// The appliance understood the call and refuses it: a 4xx, or an `errno` other than 0 whatever the status.
    /// Nothing was changed.
    ///
    /// Caller: on a write, show the words in the record and do not send it again until something changes; on a
    /// read, the outage is the SolidServer's.
    #[error("the appliance refuses {service}: {message} ({code})")]
    Rejected {
        /// The appliance's service.
        service: &'static str,
        /// The appliance's `errno`, or the HTTP status where it gave none; for people only.
        code: String,
        /// The appliance's words.
        message: String,
    },

    /// An add found an identical row ("already exist" in the appliance's words). Nothing was changed.
    ///
    /// Caller: read by name; a row that the reading does not show is hidden by missing rights.
    #[error("the appliance has this record already: {message}")]
    AlreadyExists {
        /// The appliance's words.
        message: String,
    },

    /// An edit or delete by id found no row of that id ("does not exist" in the appliance's words).
    ///
    /// Caller: the id may be stale, for ids change; read by name before believing that the row is gone.
    #[error("the appliance knows no such record: {message}")]
    DoesNotExist {
        /// The appliance's words.
        message: String,
    },

    /// A write whose outcome is unknown: deadline or connection lost after it may have been sent, a 5xx, 408 or
    /// late 401, or a success whose body says nothing of the kind (the appliance is known to answer 200 with an
    /// empty body and have done nothing).
    ///
    /// Caller: read by name before anything else; never just send it again.
    #[error("nobody knows whether {service} took effect: {cause}")]
    Ambiguous {
        /// The appliance's service.
        service: &'static str,
        /// What happened instead of an answer.
        cause: String,
    },

    /// A write that was not sent, because its turn came only after the moment until which it was allowed to
    /// start, see [`Client::starting_by`](super::Client::starting_by); or any call, because the claim is not held any more, see
    /// [`Client::under`](super::Client::under).
    ///
    /// Caller: read again, then plan again.
    #[error("{service} was not sent: its turn came too late")]
    NotStarted {
        /// The appliance's service.
        service: &'static str,
    },

    /// A read whose answer cannot be the whole truth: broken JSON, a row outside the filter, a row listed twice,
    /// ids that cannot be paged by, fewer rows than the appliance counts. Nothing of it may be used.
    ///
    /// Caller: try again later; never take a missing row for an absent one.
    #[error("the answer of {service} is not usable: {what}")]
    Incomplete {
        /// The appliance's service.
        service: &'static str,
        /// What is wrong with it.
        what: String,
    },

    /// The settings cannot work: no HTTPS URL, an unreadable CA bundle, or no SOLIDserver at the endpoint (404, a
    /// redirect).
    ///
    /// Caller: wait for another `spec`.
    #[error("the settings cannot work: {what}")]
    Settings {
        /// What is wrong, for the person who wrote them.
        what: String,
    },
}

impl Error {
    /// A label for metrics and logs; the set is closed.
    #[must_use]
    pub const fn label(&self) -> &'static str {
        match self {
            // To those who count it is the same.
            Self::Unreachable { .. } | Self::Proxy { .. } => "unreachable",
            Self::Tls { .. } => "tls",
            Self::Unauthorized => "unauthorized",
            Self::ClockSkew => "clock_skew",
            Self::Forbidden { .. } => "forbidden",
            Self::RateLimited { .. } => "rate_limited",
            Self::Unavailable { .. } => "unavailable",
            Self::Rejected { .. } => "rejected",
            Self::AlreadyExists { .. } => "already_exists",
            Self::DoesNotExist { .. } => "does_not_exist",
            Self::Ambiguous { .. } => "ambiguous",
            Self::NotStarted { .. } => "not_started",
            Self::Incomplete { .. } => "incomplete",
            Self::Settings { .. } => "settings",
        }
    }
}
