//! What clients sent, to be held against what is documented.

use std::collections::VecDeque;

use serde::Serialize;
use serde_json::Value;

use crate::request::{Dialect, Object, Operation, ServiceRequest, Transport};

/// How many requests are kept; the oldest go first.
const MOST: usize = 20_000;
/// How many bytes of names and values are kept.
const MOST_BYTES: usize = 32 * 1024 * 1024;

/// A request as it was sent, apart from what shows who the caller is.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RecordedRequest {
    /// The HTTP method.
    pub method: String,
    /// The path, as it was sent.
    pub path: String,
    /// The dialect; `None` outside of both.
    pub dialect: Option<Dialect>,
    /// The service as the dialect names it: `dns_rr_list`, `dns/rr/list`; the path where it is none.
    pub service: String,
    /// What it is about: `member`, `space`, `server`, `view`, `zone`, `rr`; `other` where that is not known.
    pub object: &'static str,
    /// What it does: `list`, `info`, `count`, `add`, `edit`, `delete`; `other` where that is not known.
    pub operation: &'static str,
    /// The parameters of the query, in their order, decoded.
    pub query: Vec<(String, String)>,
    /// The parameters of the body, of a JSON object or a form; those of a form are texts.
    pub body: Vec<(String, Value)>,
    /// The body's content type; empty without one.
    pub content_type: String,
    /// How the caller showed who it is, right or wrong: `basic`, `native`, `token`, or `none`.
    pub login: &'static str,
}

impl RecordedRequest {
    /// The names of all parameters, those of the query first.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        let query = self.query.iter().map(|(name, _)| name.as_str());
        query.chain(self.body.iter().map(|(name, _)| name.as_str()))
    }

    fn bytes(&self) -> usize {
        let query: usize = self.query.iter().map(|(name, value)| name.len() + value.len()).sum();
        let body = self.body.iter().map(|(name, value)| name.len() + value.to_string().len());
        query + body.sum::<usize>() + self.path.len()
    }
}

/// The last requests.
#[derive(Debug, Default)]
pub(crate) struct Recording {
    requests: VecDeque<RecordedRequest>,
    bytes: usize,
}

impl Recording {
    pub(crate) fn add(
        &mut self,
        request: &ServiceRequest,
        transport: Transport,
        path: &str,
        content_type: &str,
        login: &'static str,
    ) {
        let recorded = RecordedRequest {
            method: request.method.clone(),
            path: path.to_owned(),
            dialect: request.dialect,
            service: request.service.clone(),
            object: request.object.map_or("other", Object::as_str),
            operation: request.operation.map_or("other", Operation::as_str),
            query: transport.query,
            body: transport.body,
            content_type: content_type.to_owned(),
            login,
        };
        self.bytes += recorded.bytes();
        self.requests.push_back(recorded);
        while self.requests.len() > MOST || self.bytes > MOST_BYTES {
            let Some(oldest) = self.requests.pop_front() else { break };
            self.bytes = self.bytes.saturating_sub(oldest.bytes());
        }
    }

    pub(crate) fn requests(&self) -> Vec<RecordedRequest> {
        self.requests.iter().cloned().collect()
    }

    pub(crate) fn reset(&mut self) {
        *self = Self::default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_requests_are_forgotten() {
        let mut recording = Recording::default();
        for number in 0..MOST + 2 {
            let query = vec![("limit".to_owned(), number.to_string())];
            let transport = Transport { query, body: Vec::new() };
            recording.add(&ServiceRequest::default(), transport, "/", "", "none");
        }
        let requests = recording.requests();
        assert_eq!((requests.len(), requests[0].query[0].1.as_str()), (MOST, "2"));
        let large =
            Transport { query: Vec::new(), body: vec![("a".into(), "x".repeat(MOST_BYTES - 10).into())] };
        recording.add(&ServiceRequest::default(), large, "/", "", "none");
        assert_eq!(recording.requests().len(), 1);
    }
}
