//! Faults: misbehaviour of the appliance, on demand.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::request::{Dialect, Object, Operation, ServiceRequest};

/// Misbehaviour that is injected into matching calls.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Fault {
    /// A service, an operation (`list`, `info`, `count`, `add`, `edit`, `delete`), `write` for any of the last three, or
    /// `*`. The `/rest` name of a service, such as `dns_rr_list`, means it in both dialects; its path in v2, such as
    /// `dns/rr/list`, means it there only.
    #[serde(default = "any")]
    pub service: String,
    /// Only calls in this dialect; absent means both.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dialect: Option<Dialect>,
    /// Only calls that carry these parameters with these values. The names of `/rest` mean a parameter in both dialects.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub parameters: BTreeMap<String, String>,
    /// How many matching calls pass first.
    #[serde(default)]
    pub after: u64,
    /// How many calls are hit; absent means all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub count: Option<u64>,
    /// Hits only each Nth of the calls that would be hit: with 3 the third, sixth and so on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub every: Option<u64>,
    /// What goes wrong.
    #[serde(flatten)]
    pub kind: FaultKind,
}

fn any() -> String {
    "*".to_owned()
}

/// What goes wrong. Kinds that replace the answer do nothing to the data unless `afterCommit` is set.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", rename_all_fields = "camelCase")]
pub enum FaultKind {
    /// An answer with this HTTP status.
    Status {
        /// The status.
        code: u16,
        /// The body; absent means an error object.
        #[serde(default)]
        body: Option<String>,
        /// The `Retry-After` header, as it stands.
        #[serde(default)]
        retry_after: Option<String>,
        /// The call takes effect all the same.
        #[serde(default)]
        after_commit: bool,
    },
    /// No answer ever; the connection stays open.
    Hang {
        /// The call takes effect all the same.
        #[serde(default)]
        after_commit: bool,
    },
    /// The answer comes this much later.
    Slow {
        /// Milliseconds.
        ms: u64,
        /// The call takes effect at once, not after the pause.
        #[serde(default)]
        after_commit: bool,
    },
    /// The answer's JSON ends in the middle. The call takes effect.
    Truncate,
    /// An empty body.
    Empty {
        /// The status.
        #[serde(default = "ok")]
        code: u16,
        /// The call takes effect all the same.
        #[serde(default)]
        after_commit: bool,
    },
    /// HTTP 200 with an error in the body: a non-zero errno.
    #[serde(alias = "error-with-200")]
    SuccessFalse {
        /// The errmsg.
        #[serde(default)]
        message: Option<String>,
        /// The call takes effect all the same.
        #[serde(default)]
        after_commit: bool,
    },
    /// HTTP 200 with `{"connected":false}`.
    ConnectedFalse,
    /// The account may not use the service; quirk `forbidden-code` says how that looks.
    Forbidden,
    /// HTTP 200 with a web page.
    Html {
        /// The call takes effect all the same.
        #[serde(default)]
        after_commit: bool,
    },
    /// The caller is sent elsewhere.
    Redirect {
        /// The status.
        #[serde(default = "found")]
        code: u16,
        /// The `Location` header.
        location: String,
    },
    /// HTTP 200 with a body of this length, which looks like the beginning of a list.
    Flood {
        /// Mebibytes.
        mib: usize,
    },
    /// HTTP 200 with a body that never ends and comes byte by byte.
    Trickle {
        /// Milliseconds between two bytes.
        ms: u64,
    },
    /// A write is refused with an error object, HTTP 400.
    Reject {
        /// The errmsg.
        #[serde(default)]
        message: Option<String>,
        /// The severity: `error`, or `warning`, which `validate_warnings=accept` lets pass.
        #[serde(default)]
        severity: Option<String>,
    },
    /// A list skips one page: the rows that should have been in it are missing, those of the next page come.
    DropPage,
    /// A list gives fewer rows than it was asked for.
    ShortPage {
        /// How many rows fall off the end; absent means half of them.
        #[serde(default)]
        missing: Option<usize>,
    },
    /// The connection ends without an answer, and nothing has happened (HTTP/2: the stream is reset).
    ResetBeforeCommit,
    /// The connection ends without an answer, and the call took effect (HTTP/2: the stream is reset).
    ResetAfterCommit,
    /// A list does not look at WHERE.
    IgnoreWhere,
    /// A list does not look at ORDERBY.
    IgnoreOrderby,
    /// Rights withdrawn: every list and info is 204, every count 0.
    Blind,
    /// All rows get new ids before the call is looked at. Without `count` this happens once.
    RenumberIds,
    /// The appliance thinks that the client's clock is wrong: 412.
    ClockSkew,
    /// A list has rows of other zones at its end.
    ForeignRows {
        /// How many.
        #[serde(default = "one")]
        rows: usize,
    },
    /// After an add or edit of this name the appliance stores another value.
    Rewrite {
        /// The owner name; absent means any.
        #[serde(default)]
        name: Option<String>,
        /// The new value1.
        value: String,
    },
}

fn ok() -> u16 {
    200
}

fn found() -> u16 {
    302
}

fn one() -> usize {
    1
}

/// Every field that a fault can have in JSON. Misspelt ones are refused, lest a test believe in a fault that is not there.
pub(crate) const FIELDS: [&str; 20] = [
    "service",
    "dialect",
    "parameters",
    "after",
    "count",
    "every",
    "kind",
    "code",
    "body",
    "retryAfter",
    "afterCommit",
    "ms",
    "message",
    "severity",
    "missing",
    "rows",
    "name",
    "value",
    "location",
    "mib",
];

impl Fault {
    /// A fault of this kind in every call of a service or operation.
    #[must_use]
    pub fn new(service: impl Into<String>, kind: FaultKind) -> Self {
        Self {
            service: service.into(),
            dialect: None,
            parameters: BTreeMap::new(),
            after: 0,
            count: None,
            every: None,
            kind,
        }
    }

    /// An answer with this status instead of the true one; nothing takes effect.
    #[must_use]
    pub fn status(service: impl Into<String>, code: u16) -> Self {
        Self::new(service, FaultKind::Status { code, body: None, retry_after: None, after_commit: false })
    }

    /// Lets this many matching calls pass first.
    #[must_use]
    pub fn after(mut self, calls: u64) -> Self {
        self.after = calls;
        self
    }

    /// Hits this many calls and then no more.
    #[must_use]
    pub fn count(mut self, calls: u64) -> Self {
        self.count = Some(calls);
        self
    }

    /// Hits only each Nth call.
    #[must_use]
    pub fn every(mut self, calls: u64) -> Self {
        self.every = Some(calls);
        self
    }

    /// Hits only calls that carry this parameter with this value.
    #[must_use]
    pub fn with_parameter(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.parameters.insert(name.into(), value.into());
        self
    }

    /// Hits only calls in this dialect.
    #[must_use]
    pub fn dialect(mut self, dialect: Dialect) -> Self {
        self.dialect = Some(dialect);
        self
    }

    fn matches(&self, request: &ServiceRequest) -> bool {
        let service = match self.service.as_str() {
            "*" => true,
            "write" => request.operation.is_some_and(Operation::is_write),
            text => {
                text == request.service
                    || text == request.rest_service
                    || request.operation.is_some_and(|operation| operation.as_str() == text)
            }
        };
        let dialect = self.dialect.is_none() || self.dialect == request.dialect;
        service
            && dialect
            && self.parameters.iter().all(|(name, value)| request.carries(name, value))
            && self.kind.applies_to(request)
    }
}

impl FaultKind {
    /// Kinds that only make sense for lists or writes must not be used up by other calls.
    fn applies_to(&self, request: &ServiceRequest) -> bool {
        match self {
            Self::DropPage | Self::ShortPage { .. } | Self::IgnoreOrderby | Self::ForeignRows { .. } => {
                request.operation == Some(Operation::List)
            }
            Self::IgnoreWhere => matches!(request.operation, Some(Operation::List | Operation::Count)),
            Self::Blind => request.operation.is_some_and(|operation| !operation.is_write()),
            Self::Reject { severity, .. } => {
                let accepted =
                    request.parameters.get("validate_warnings").is_some_and(|value| value == "accept");
                request.operation.is_some_and(Operation::is_write)
                    && !(severity.as_deref() == Some("warning") && accepted)
            }
            Self::Rewrite { .. } => {
                matches!(request.operation, Some(Operation::Add | Operation::Edit))
                    && request.object == Some(Object::Row)
            }
            _ => true,
        }
    }
}

/// The faults that are in force, with how often each was met.
#[derive(Debug, Default)]
pub(crate) struct Faults {
    entries: Vec<Entry>,
    next_id: u64,
}

#[derive(Debug)]
struct Entry {
    id: u64,
    fault: Fault,
    met: u64,
    hits: u64,
}

/// A fault as `GET /faults` shows it.
#[derive(Clone, Debug, Serialize)]
pub struct FaultView {
    /// Its number.
    pub id: u64,
    /// How many matching calls there were.
    pub met: u64,
    /// How many calls it has hit.
    pub hits: u64,
    /// The fault itself.
    pub fault: Fault,
}

impl Faults {
    pub(crate) fn inject(&mut self, fault: Fault) -> u64 {
        self.next_id += 1;
        let fault = match fault.kind {
            FaultKind::RenumberIds if fault.count.is_none() => fault.count(1),
            _ => fault,
        };
        self.entries.push(Entry { id: self.next_id, fault, met: 0, hits: 0 });
        self.next_id
    }

    pub(crate) fn clear(&mut self) {
        self.entries.clear();
    }

    pub(crate) fn view(&self) -> Vec<FaultView> {
        let view = |entry: &Entry| FaultView {
            id: entry.id,
            met: entry.met,
            hits: entry.hits,
            fault: entry.fault.clone(),
        };
        self.entries.iter().map(view).collect()
    }

    /// The kinds of fault that hit this call, in the order of their injection.
    pub(crate) fn hits(&mut self, request: &ServiceRequest) -> Vec<FaultKind> {
        let mut kinds = Vec::new();
        for entry in &mut self.entries {
            if !entry.fault.matches(request) {
                continue;
            }
            entry.met += 1;
            let past = entry.met.saturating_sub(entry.fault.after);
            let due = past > 0 && past.is_multiple_of(entry.fault.every.unwrap_or(1).max(1));
            if due && entry.fault.count.is_none_or(|count| entry.hits < count) {
                entry.hits += 1;
                kinds.push(entry.fault.kind.clone());
            }
        }
        kinds
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call(service: &str, operation: Operation) -> ServiceRequest {
        ServiceRequest {
            service: service.to_owned(),
            operation: Some(operation),
            ..ServiceRequest::default()
        }
    }

    fn pattern(fault: Fault, calls: usize) -> String {
        let mut faults = Faults::default();
        faults.inject(fault);
        let request = call("dns_rr_list", Operation::List);
        (0..calls).map(|_| if faults.hits(&request).is_empty() { '.' } else { 'X' }).collect()
    }

    #[test]
    fn after_count_and_every_say_which_calls_are_hit() {
        assert_eq!(pattern(Fault::status("*", 500), 4), "XXXX");
        assert_eq!(pattern(Fault::status("list", 500).after(2).count(1), 5), "..X..");
        assert_eq!(pattern(Fault::status("dns_rr_list", 500).every(2), 5), ".X.X.");
        assert_eq!(pattern(Fault::status("dns_rr_list", 500).every(2).after(1).count(2), 7), "..X.X..");
        assert_eq!(pattern(Fault::status("add", 500), 2), "..");
    }

    #[test]
    fn parameters_narrow_a_fault() {
        let mut faults = Faults::default();
        faults.inject(Fault::status("add", 400).with_parameter("rr_name", "bad.example"));
        let mut request = call("dns_rr_add", Operation::Add);
        assert!(faults.hits(&request).is_empty());
        request.parameters.insert("rr_name".to_owned(), "bad.example".to_owned());
        assert_eq!(faults.hits(&request).len(), 1);
    }

    #[test]
    fn a_warning_is_passed_by_a_client_that_accepts_warnings() {
        let mut faults = Faults::default();
        faults.inject(Fault::new(
            "write",
            FaultKind::Reject { message: None, severity: Some("warning".to_owned()) },
        ));
        let mut request = call("dns_rr_add", Operation::Add);
        assert_eq!(faults.hits(&request).len(), 1);
        request.parameters.insert("validate_warnings".to_owned(), "accept".to_owned());
        assert!(faults.hits(&request).is_empty());
    }

    #[test]
    fn json_of_the_admin_interface_is_understood() {
        let fault: Fault =
            serde_json::from_str(r#"{"service":"add","kind":"status","code":503,"after":1,"count":2}"#)
                .unwrap();
        assert_eq!(fault.after, 1);
        assert!(matches!(fault.kind, FaultKind::Status { code: 503, after_commit: false, .. }));
        let fault: Fault = serde_json::from_str(r#"{"kind":"slow","ms":20,"afterCommit":true}"#).unwrap();
        assert_eq!(fault.kind, FaultKind::Slow { ms: 20, after_commit: true });
        assert_eq!(fault.service, "*");
        for kind in [
            "hang",
            "truncate",
            "empty",
            "success-false",
            "error-with-200",
            "html",
            "drop-page",
            "short-page",
        ] {
            assert!(serde_json::from_str::<Fault>(&format!(r#"{{"kind":"{kind}"}}"#)).is_ok(), "{kind}");
        }
        assert!(serde_json::from_str::<Fault>(r#"{"kind":"no-such"}"#).is_err());
    }
}
