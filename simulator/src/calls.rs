//! What was asked of the appliance: counts, and a log of the last calls.

use std::collections::{BTreeMap, VecDeque};

use serde::Serialize;

use crate::condition::{Condition, Habits};
use crate::request::{Dialect, Object, Operation, ServiceRequest};
use crate::service::columns_in;
use crate::v2;

/// How many calls the log keeps.
const LOG_LENGTH: usize = 200_000;
/// How many bytes of parameters the log keeps.
const LOG_BYTES: usize = 128 * 1024 * 1024;

/// Counts of calls since the start or the last reset.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Calls {
    /// All calls.
    pub total: u64,
    /// Calls by service, as the dialect names it: `dns_rr_list`, `dns/rr/list`.
    pub by_service: BTreeMap<String, u64>,
    /// Calls by what they are about (`member`, `server`, `view`, `zone`, `rr`) and do, in either dialect.
    pub by_object: BTreeMap<String, BTreeMap<String, u64>>,
    /// Calls by what they do: `list`, `info`, `count`, `add`, `edit`, `delete`; calls of an unknown service are `other`.
    pub by_operation: BTreeMap<String, u64>,
    /// Answers by HTTP status; `none` counts the calls that ended without an answer.
    pub by_status: BTreeMap<String, u64>,
    /// The most calls that were in flight at one time.
    pub max_in_flight: u64,
    /// The most adds, edits and deletes that were in flight at one time.
    pub max_writes_in_flight: u64,
    /// Calls in flight now. A reset leaves them.
    pub in_flight: u64,
    /// TLS connections that were accepted.
    pub connections: u64,
}

impl Calls {
    /// How many calls of a service there were.
    #[must_use]
    pub fn service(&self, name: &str) -> u64 {
        self.by_service.get(name).copied().unwrap_or_default()
    }

    /// How many calls of an operation there were: `list`, `info`, `count`, `add`, `edit` or `delete`.
    #[must_use]
    pub fn operation(&self, name: &str) -> u64 {
        self.by_operation.get(name).copied().unwrap_or_default()
    }

    /// How many calls of an operation were about this: `member`, `server`, `view`, `zone` or `rr`; in either dialect.
    #[must_use]
    pub fn of(&self, object: &str, operation: &str) -> u64 {
        let operations = self.by_object.get(object);
        operations.and_then(|operations| operations.get(operation)).copied().unwrap_or_default()
    }

    /// How many answers had this HTTP status.
    #[must_use]
    pub fn status(&self, code: u16) -> u64 {
        self.by_status.get(&code.to_string()).copied().unwrap_or_default()
    }

    /// All adds, edits and deletes.
    #[must_use]
    pub fn writes(&self) -> u64 {
        ["add", "edit", "delete"].iter().map(|name| self.operation(name)).sum()
    }
}

/// One call.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CallEntry {
    /// Its number, counted from the start; a reset does not start anew.
    pub number: u64,
    /// The HTTP method.
    pub method: String,
    /// The service as the dialect names it, or the path where it is none.
    pub service: String,
    /// The dialect; `None` outside of both.
    pub dialect: Option<Dialect>,
    /// What it is about: `member`, `server`, `view`, `zone`, `rr`; `other` where that is not known.
    pub object: &'static str,
    /// What it does.
    pub operation: String,
    /// The parameters by the names they were sent with, from query, path and body together. Arrays are JSON.
    pub parameters: BTreeMap<String, String>,
    /// The HTTP status of the answer; `None` while it is in flight and when it ended without one.
    pub status: Option<u16>,
    /// The client's User-Agent.
    pub user_agent: String,
    /// How the caller showed who it is, right or wrong: `basic`, `native`, `token`, or `none`.
    pub login: &'static str,
    /// When it began, in milliseconds since the simulator's start.
    pub start_ms: u64,
    /// When it ended; `None` while it is in flight.
    pub end_ms: Option<u64>,
}

impl CallEntry {
    /// A parameter by its `/rest` name, written as in `/rest`, whatever the dialect of the call.
    #[must_use]
    pub fn parameter(&self, name: &str) -> Option<String> {
        match self.dialect {
            Some(Dialect::V2) => v2::in_rest_terms(&self.parameters).remove(name),
            _ => self.parameters.get(name).cloned(),
        }
    }

    /// What the call's clause is built like: the parse tree with its literals named by their kind. `None` without a clause; the
    /// error says what is wrong with one that makes no sense.
    #[must_use]
    pub fn clause_shape(&self) -> Option<Result<String, String>> {
        let clause = self.parameter("WHERE")?;
        let object = [Object::Member, Object::Server, Object::View, Object::Zone, Object::Row];
        let object = object.into_iter().find(|object| object.as_str() == self.object)?;
        let columns = columns_in(self.dialect?, object);
        let condition = Condition::read(&clause, columns, Habits::default());
        Some(condition.map(|condition| condition.shape()).map_err(|error| error.to_string()))
    }
}

/// Counts and log, as they grow.
#[derive(Debug, Default)]
pub(crate) struct Recorder {
    calls: Calls,
    writes_in_flight: u64,
    log: VecDeque<CallEntry>,
    log_bytes: usize,
    next_number: u64,
    /// Calls with a lower number began before the last reset.
    first_counted: u64,
}

/// A call that has begun.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ticket {
    number: u64,
    write: bool,
}

impl Recorder {
    pub(crate) fn begin(
        &mut self,
        request: &ServiceRequest,
        user_agent: &str,
        login: &'static str,
        now_ms: u64,
    ) -> Ticket {
        let operation = request.operation.map_or("other", Operation::as_str);
        let write = request.operation.is_some_and(Operation::is_write);
        self.calls.total += 1;
        *self.calls.by_service.entry(request.service.clone()).or_default() += 1;
        *self.calls.by_operation.entry(operation.to_owned()).or_default() += 1;
        let object = request.object.map_or("other", Object::as_str);
        let operations = self.calls.by_object.entry(object.to_owned()).or_default();
        *operations.entry(operation.to_owned()).or_default() += 1;
        self.calls.in_flight += 1;
        self.calls.max_in_flight = self.calls.max_in_flight.max(self.calls.in_flight);
        if write {
            self.writes_in_flight += 1;
            self.calls.max_writes_in_flight = self.calls.max_writes_in_flight.max(self.writes_in_flight);
        }
        self.log_bytes += bytes(&request.sent);
        while self.log.len() >= LOG_LENGTH || self.log_bytes > LOG_BYTES {
            let Some(oldest) = self.log.pop_front() else { break };
            self.log_bytes = self.log_bytes.saturating_sub(bytes(&oldest.parameters));
        }
        let number = self.next_number;
        self.next_number += 1;
        self.log.push_back(CallEntry {
            number,
            method: request.method.clone(),
            service: request.service.clone(),
            dialect: request.dialect,
            object,
            operation: operation.to_owned(),
            parameters: request.sent.clone(),
            status: None,
            user_agent: user_agent.to_owned(),
            login,
            start_ms: now_ms,
            end_ms: None,
        });
        Ticket { number, write }
    }

    pub(crate) fn end(&mut self, ticket: Ticket, status: Option<u16>, now_ms: u64) {
        self.calls.in_flight = self.calls.in_flight.saturating_sub(1);
        if ticket.write {
            self.writes_in_flight = self.writes_in_flight.saturating_sub(1);
        }
        if ticket.number < self.first_counted {
            return;
        }
        let key = status.map_or_else(|| "none".to_owned(), |code| code.to_string());
        *self.calls.by_status.entry(key).or_default() += 1;
        let first = self.log.front().map_or(0, |entry| entry.number);
        let place = ticket.number.checked_sub(first).and_then(|place| usize::try_from(place).ok());
        if let Some(entry) = place.and_then(|place| self.log.get_mut(place)) {
            entry.status = status;
            entry.end_ms = Some(now_ms);
        }
    }

    pub(crate) fn connected(&mut self) {
        self.calls.connections += 1;
    }

    pub(crate) fn calls(&self) -> Calls {
        self.calls.clone()
    }

    pub(crate) fn log(&self) -> Vec<CallEntry> {
        self.log.iter().cloned().collect()
    }

    /// Forgets everything but the calls in flight.
    pub(crate) fn reset(&mut self) {
        let in_flight = self.calls.in_flight;
        self.calls = Calls { in_flight, max_in_flight: in_flight, ..Calls::default() };
        self.calls.max_writes_in_flight = self.writes_in_flight;
        self.log.clear();
        self.log_bytes = 0;
        self.first_counted = self.next_number;
    }
}

fn bytes(parameters: &BTreeMap<String, String>) -> usize {
    parameters.iter().map(|(name, value)| name.len() + value.len()).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(service: &str, operation: Operation) -> ServiceRequest {
        ServiceRequest {
            service: service.to_owned(),
            operation: Some(operation),
            method: "GET".to_owned(),
            ..ServiceRequest::default()
        }
    }

    #[test]
    fn calls_are_counted_by_kind_and_by_what_is_in_flight() {
        let mut recorder = Recorder::default();
        let list = recorder.begin(&request("dns_rr_list", Operation::List), "test/1", "basic", 1);
        let add = recorder.begin(&request("dns_rr_add", Operation::Add), "test/1", "basic", 2);
        recorder.end(add, Some(201), 3);
        let edit = recorder.begin(&request("dns_rr_add", Operation::Edit), "test/1", "basic", 4);
        recorder.end(edit, None, 5);
        recorder.end(list, Some(200), 6);
        let calls = recorder.calls();
        assert_eq!(
            (calls.total, calls.max_in_flight, calls.max_writes_in_flight, calls.in_flight),
            (3, 2, 1, 0)
        );
        assert_eq!((calls.service("dns_rr_add"), calls.operation("add"), calls.writes()), (2, 1, 2));
        assert_eq!((calls.status(201), calls.by_status.get("none")), (1, Some(&1)));
        let log = recorder.log();
        assert_eq!(log.iter().map(|entry| entry.status).collect::<Vec<_>>(), [Some(200), Some(201), None]);
        assert_eq!((log[0].start_ms, log[0].end_ms), (1, Some(6)));
    }

    #[test]
    fn a_reset_keeps_what_is_in_flight() {
        let mut recorder = Recorder::default();
        let before = recorder.begin(&request("dns_rr_list", Operation::List), "", "none", 1);
        recorder.reset();
        let after = recorder.begin(&request("dns_rr_list", Operation::List), "", "none", 2);
        recorder.end(before, Some(200), 3);
        recorder.end(after, Some(204), 4);
        let calls = recorder.calls();
        assert_eq!((calls.total, calls.max_in_flight, calls.in_flight), (1, 2, 0));
        assert_eq!((calls.status(204), calls.status(200)), (1, 0));
        assert_eq!(recorder.log()[0].status, Some(204));
    }

    #[test]
    fn the_log_forgets_the_oldest_calls_when_they_are_large() {
        let mut recorder = Recorder::default();
        let mut large = request("dns_rr_list", Operation::List);
        large.sent.insert("WHERE".to_owned(), "x".repeat(LOG_BYTES / 3));
        let first = recorder.begin(&large, "", "none", 1);
        for _ in 0..3 {
            recorder.begin(&large, "", "none", 1);
        }
        assert_eq!(recorder.log().iter().map(|entry| entry.number).collect::<Vec<_>>(), [2, 3]);
        recorder.end(first, Some(200), 2);
        assert!(recorder.log().iter().all(|entry| entry.status.is_none()));
        assert_eq!(recorder.calls().status(200), 1);
    }
}
