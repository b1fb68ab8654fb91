//! What a check comes to.

use std::fmt;

use schemars::JsonSchema;
use serde::Serialize;

/// What is checked of a SolidServer, in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Check {
    /// The SolidServer's spec and Secrets can be used.
    Settings,
    /// The host name of the endpoint, or of the proxy before it, can be resolved.
    Name,
    /// Somebody accepts connections there.
    Connection,
    /// The TLS handshake, with all that spec.tls asks for.
    Tls,
    /// What answers is a SOLIDserver that serves.
    Answer,
    /// The clocks agree.
    Clock,
    /// The credentials are taken.
    Login,
    /// The appliance says which version it is.
    Version,
    /// Records of that version keep class parameters, which hold the operator's marks.
    ClassParameters,
    /// The account may list DNS servers.
    ReadServers,
    /// A DNS server that the spec names is there and can be written.
    Server,
    /// The account may list views.
    ReadViews,
    /// A view that the spec names is there.
    View,
    /// The account may list zones.
    ReadZones,
    /// An entry of spec.zones has a zone that can be written.
    Zone,
    /// The account may list the records of these zones, and sees them.
    ReadRecords,
    /// The account may use the services that count.
    Count,
    /// The account may write records; never checked, since only a write would show it.
    Write,
}

impl Check {
    /// All of them, in order.
    pub const ALL: [Self; 18] = [
        Self::Settings,
        Self::Name,
        Self::Connection,
        Self::Tls,
        Self::Answer,
        Self::Clock,
        Self::Login,
        Self::Version,
        Self::ClassParameters,
        Self::ReadServers,
        Self::Server,
        Self::ReadViews,
        Self::View,
        Self::ReadZones,
        Self::Zone,
        Self::ReadRecords,
        Self::Count,
        Self::Write,
    ];

    /// Its name, as in JSON.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Settings => "settings",
            Self::Name => "name",
            Self::Connection => "connection",
            Self::Tls => "tls",
            Self::Answer => "answer",
            Self::Clock => "clock",
            Self::Login => "login",
            Self::Version => "version",
            Self::ClassParameters => "class-parameters",
            Self::ReadServers => "read-servers",
            Self::Server => "server",
            Self::ReadViews => "read-views",
            Self::View => "view",
            Self::ReadZones => "read-zones",
            Self::Zone => "zone",
            Self::ReadRecords => "read-records",
            Self::Count => "count",
            Self::Write => "write",
        }
    }
}

impl fmt::Display for Check {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

/// How a check ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Status {
    /// As it should be.
    Ok,
    /// The operator works with it, and somebody should know.
    Warning,
    /// The operator does not work with it, or not there.
    Failed,
    /// Not checked: one before it failed, or reading does not show it.
    Skipped,
}

impl Status {
    /// Its name, as in JSON.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warning => "warning",
            Self::Failed => "failed",
            Self::Skipped => "skipped",
        }
    }
}

/// One check and what it came to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Finding {
    /// Which check.
    pub check: Check,
    /// What of several it is about: a DNS server, a view, an entry of spec.zones, a zone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    /// How it ended.
    pub status: Status,
    /// What was seen, for people.
    pub message: String,
    /// What to do, for people. There with every failed check and every warning.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub advice: Option<String>,
}

/// Findings as they are made.
#[derive(Debug, Default)]
pub(super) struct Findings(pub(super) Vec<Finding>);

impl Findings {
    /// As it should be.
    pub(super) fn ok(&mut self, check: Check, subject: Option<String>, message: impl Into<String>) {
        self.push(check, subject, Status::Ok, message.into(), None);
    }

    /// The operator works with it.
    pub(super) fn warn(
        &mut self,
        check: Check,
        subject: Option<String>,
        message: impl Into<String>,
        advice: impl Into<String>,
    ) {
        self.push(check, subject, Status::Warning, message.into(), Some(advice.into()));
    }

    /// The operator does not work with it. Returns the check, for those that cannot follow.
    pub(super) fn fail(
        &mut self,
        check: Check,
        subject: Option<String>,
        message: impl Into<String>,
        advice: impl Into<String>,
    ) -> Check {
        self.push(check, subject, Status::Failed, message.into(), Some(advice.into()));
        check
    }

    /// Not checked.
    pub(super) fn skip(&mut self, check: Check, message: impl Into<String>) {
        self.push(check, None, Status::Skipped, message.into(), None);
    }

    /// Whether one of them says so of this check.
    pub(super) fn has(&self, check: Check, status: Status) -> bool {
        self.0.iter().any(|finding| finding.check == check && finding.status == status)
    }

    fn push(
        &mut self,
        check: Check,
        subject: Option<String>,
        status: Status,
        message: String,
        advice: Option<String>,
    ) {
        self.0.push(Finding { check, subject, status, message, advice });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_the_json_and_checks_stand_in_order() {
        for check in Check::ALL {
            assert_eq!(serde_json::to_value(check).unwrap(), check.as_str());
        }
        assert!(Check::ALL.is_sorted());
        for status in [Status::Ok, Status::Warning, Status::Failed, Status::Skipped] {
            assert_eq!(serde_json::to_value(status).unwrap(), status.as_str());
        }
    }
}
