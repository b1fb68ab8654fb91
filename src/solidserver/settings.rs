//! What a client of one appliance needs to know.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use secrecy::SecretString;
use url::Url;

use super::{ClientCertificate, Dialect, Proxies};

/// How to reach one appliance, and how hard it may be worked.
#[derive(Clone)]
pub struct Settings {
    /// Base URL, `https` only; a path prefix (an API gateway's) is kept.
    pub endpoint: Url,
    /// Which of the appliance's interfaces to speak.
    pub dialect: Dialect,
    /// Who calls.
    pub credentials: Credentials,
    /// Whom to trust, and what to show.
    pub tls: TlsSettings,
    /// Whether and through which proxy to call.
    pub proxies: Proxies,
    /// Most calls in flight at a time, reads and writes together; 0 counts as 1.
    pub concurrency: usize,
    /// Most rows asked for in one list call; 0 counts as 1.
    pub page_size: usize,
    /// Deadline of one call: connecting, sending and the whole answer. Waiting at the gate is not counted.
    /// Connecting alone may take half of it, so that a write that could not connect is known to be unsent.
    pub request_timeout: Duration,
    /// A fixed budget of calls per minute; `None` leaves it to the appliance's 429 answers.
    pub requests_per_minute: Option<u32>,
    /// Whether writes pass the appliance's warnings instead of being refused.
    pub accept_warnings: bool,
    /// The `User-Agent` of every call.
    pub user_agent: String,
    /// Told about every call, for metrics.
    pub observer: Option<Arc<dyn CallObserver>>,
}

/// The account that calls the appliance.
#[derive(Clone)]
pub enum Credentials {
    /// HTTP Basic (RFC 7617).
    Basic {
        /// Login; without a colon.
        username: SecretString,
        /// Password.
        password: SecretString,
    },
    /// The appliance's own headers, `X-IPM-Username` and `X-IPM-Password`.
    Native {
        /// Login.
        username: SecretString,
        /// Password.
        password: SecretString,
    },
    /// Each call signed with an API token (SOLIDserver 8.4 and later). The secret itself is never sent.
    Token {
        /// The token's id; without a colon.
        id: SecretString,
        /// The token's secret.
        secret: SecretString,
    },
}

/// Whom to trust at the other end of the connection, and what to show there.
#[derive(Clone, Default)]
pub struct TlsSettings {
    /// PEM certificates trusted beside the system's.
    pub ca_bundle: Option<Vec<u8>>,
    /// What to show an appliance, or a gateway before it, that demands a client certificate.
    pub client_certificate: Option<ClientCertificate>,
    /// Trust any certificate of any name. Only for a laboratory.
    pub insecure_skip_verify: bool,
}

/// One call as it went, for metrics.
#[derive(Clone, Copy, Debug)]
pub struct Call {
    /// The appliance's service, such as `dns_rr_list` or `dns/rr/list`.
    pub service: &'static str,
    /// `list`, `count`, `add`, `edit` or `delete`.
    pub operation: &'static str,
    /// `ok` or [`Error::label`](super::Error::label).
    pub outcome: &'static str,
    /// From the first byte sent to the last received; without the wait at the gate.
    pub duration: Duration,
    /// The wait at the gate.
    pub waited: Duration,
}

/// Is told about every call that was sent. Must not block.
pub trait CallObserver: Send + Sync {
    /// A call has ended.
    fn on_call(&self, call: &Call);
}

impl fmt::Debug for Credentials {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Basic { .. } => formatter.write_str("Basic { [redacted] }"),
            Self::Native { .. } => formatter.write_str("Native { [redacted] }"),
            Self::Token { .. } => formatter.write_str("Token { [redacted] }"),
        }
    }
}

impl fmt::Debug for TlsSettings {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("TlsSettings")
            .field("ca_bundle", &self.ca_bundle.as_ref().map(Vec::len))
            .field("client_certificate", &self.client_certificate)
            .field("insecure_skip_verify", &self.insecure_skip_verify)
            .finish()
    }
}

impl fmt::Debug for Settings {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Settings")
            .field("endpoint", &self.endpoint.host_str())
            .field("dialect", &self.dialect)
            .field("credentials", &self.credentials)
            .field("tls", &self.tls)
            .field("proxies", &self.proxies)
            .field("concurrency", &self.concurrency)
            .field("page_size", &self.page_size)
            .field("request_timeout", &self.request_timeout)
            .field("requests_per_minute", &self.requests_per_minute)
            .field("accept_warnings", &self.accept_warnings)
            .field("user_agent", &self.user_agent)
            .finish_non_exhaustive()
    }
}
