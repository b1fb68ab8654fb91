//! The wire: requests and answers, in the words of the appliance.
//!
//! A dialect turns what the client wants into a [`Request`] and an [`Answer`] into rows; everything outside this
//! folder is free of service, parameter and column names. [`Dialect`] is the only place where one dialect is told from
//! the other: here are the filters, pages, checks and rows that both share, [`rest`] and [`v2`] hold their names and shapes.

mod answer;
mod class_parameters;
mod condition;
#[cfg(any(test, fuzzing))]
pub(crate) mod fuzzing;
mod list;
mod names;
mod rest;
mod row;
#[cfg(test)]
pub(super) mod samples;
mod topology;
mod v2;

use std::borrow::Cow;
use std::sync::Arc;

use reqwest::{Method, StatusCode};
use serde_json::{Map, Value};

pub(super) use list::{Filter, List, Position};
pub(super) use row::Found;

use crate::record::{NewRow, Place, RowEdit, RowId};
use names::Names;
use row::ListedRow;
use topology::{ListedServer, ListedView, ListedZone};

/// The entries of a page with their ids; `None` for one that only has to be paged over.
pub(super) type Entries<T> = Vec<(Arc<str>, Option<T>)>;

/// Most bytes of a query, as sent. Web servers refuse request lines beyond 8 KiB by default; the path, paging and a
/// gateway's prefix need room as well.
pub(super) const LONGEST_QUERY: usize = 6 * 1024;

/// Which of the appliance's interfaces is spoken. Both offer the same operations on the same rows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Dialect {
    /// The `/rest` services, which every version has.
    #[default]
    Rest,
    /// `/api/v2.0`, SOLIDserver 8 and later.
    V2,
}

/// What becomes of a write that the appliance has a warning about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Warnings {
    /// The appliance refuses it.
    Heeded,
    /// The appliance makes it all the same.
    Accepted,
}

impl Dialect {
    const fn names(self) -> &'static Names {
        match self {
            Self::Rest => &rest::NAMES,
            Self::V2 => &v2::NAMES,
        }
    }

    /// The appliance's own row in its list of members, which carries the version. Only `/rest` knows it.
    pub(super) fn version(self) -> Request {
        rest::version()
    }

    /// The version in the answer to [`Dialect::version`]; `None` for whatever an appliance says to an account that may
    /// not ask. Only 404 is a fault: there is no appliance then.
    pub(super) fn version_in(self, answer: &Answer) -> Result<Option<String>, Fault> {
        rest::version_in(answer)
    }

    /// Adds a row that is not there yet.
    pub(super) fn add(self, place: &Place, row: &NewRow, warnings: Warnings) -> Request {
        match self {
            Self::Rest => rest::add(place, row, warnings),
            Self::V2 => v2::add(place, row, warnings),
        }
    }

    /// Changes a row in place.
    pub(super) fn edit(self, id: &RowId, edit: &RowEdit, warnings: Warnings) -> Request {
        match self {
            Self::Rest => rest::edit(id, edit, warnings),
            Self::V2 => v2::edit(id, edit, warnings),
        }
    }

    /// Deletes a row.
    pub(super) fn delete(self, id: &RowId, warnings: Warnings) -> Request {
        match self {
            Self::Rest => rest::delete(id, warnings),
            Self::V2 => v2::delete(id, warnings),
        }
    }

    /// The id that an add or edit answers with. An answer without one is no success: 200 with an empty body and nothing
    /// done is known to occur.
    pub(super) fn written(self, answer: &Answer) -> Result<RowId, Fault> {
        let id = match self {
            Self::Rest => rest::written(answer)?,
            Self::V2 => v2::written(answer)?,
        };
        let id = id.as_ref().map(|id| id.as_str().trim()).filter(|id| !matches!(*id, "" | "0"));
        match id {
            Some(id) => Ok(RowId(id.into())),
            None => Err(Fault::Unreadable(format!("{} without the row's id", answer.status.as_u16()))),
        }
    }

    /// Whether a delete was answered with success: the row's id, or 204.
    pub(super) fn deleted(self, answer: &Answer) -> Result<(), Fault> {
        if answer.status == StatusCode::NO_CONTENT {
            return Ok(());
        }
        self.written(answer).map(drop)
    }

    fn listed_servers(self, answer: &Answer) -> Result<Vec<ListedServer<'_>>, Fault> {
        match self {
            Self::Rest => rest::servers(answer),
            Self::V2 => v2::servers(answer),
        }
    }

    fn listed_views(self, answer: &Answer) -> Result<Vec<ListedView<'_>>, Fault> {
        match self {
            Self::Rest => rest::views(answer),
            Self::V2 => v2::views(answer),
        }
    }

    fn listed_zones(self, answer: &Answer) -> Result<Vec<ListedZone<'_>>, Fault> {
        match self {
            Self::Rest => rest::zones(answer),
            Self::V2 => v2::zones(answer),
        }
    }

    fn listed_rows(self, answer: &Answer) -> Result<Vec<ListedRow<'_>>, Fault> {
        match self {
            Self::Rest => rest::rows(answer),
            Self::V2 => v2::rows(answer),
        }
    }

    fn counts(self, answer: &Answer) -> Result<Vec<answer::Text<'_>>, Fault> {
        match self {
            Self::Rest => rest::counts(answer),
            Self::V2 => v2::counts(answer),
        }
    }
}

/// What a call does. Reads may be repeated, writes never.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Operation {
    List,
    Count,
    Add,
    Edit,
    Delete,
}

impl Operation {
    pub(super) const fn is_write(self) -> bool {
        matches!(self, Self::Add | Self::Edit | Self::Delete)
    }

    /// The label for metrics.
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::List => "list",
            Self::Count => "count",
            Self::Add => "add",
            Self::Edit => "edit",
            Self::Delete => "delete",
        }
    }
}

/// One call: where it goes and what it says.
#[derive(Clone, Debug)]
pub(super) struct Request {
    pub(super) operation: Operation,
    pub(super) method: Method,
    /// The path below the endpoint under which the services of the dialect are.
    pub(super) root: &'static str,
    /// The service below that, which is its name in messages and metrics as well.
    pub(super) service: &'static str,
    /// What travels in the query.
    pub(super) parameters: Vec<(&'static str, Cow<'static, str>)>,
    /// What travels as a JSON object. Never signed by a token.
    pub(super) body: Option<Map<String, Value>>,
}

impl Request {
    /// The segments of the path below the endpoint.
    pub(super) fn path(&self) -> impl Iterator<Item = &'static str> {
        self.root.split('/').chain(self.service.split('/'))
    }

    /// What it means that there is no such path (404): no appliance, or one that does not speak the dialect.
    pub(super) fn not_found(&self) -> String {
        match self.root {
            v2::ROOT => format!(
                "the appliance does not serve /{} ({} is not found, 404): set spec.api: Rest",
                self.root, self.service
            ),
            _ => format!("no SOLIDserver at the endpoint: {} is not found (404)", self.service),
        }
    }
}

/// An answer that is neither about the connection nor about the account: 2xx or 4xx.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) body: Vec<u8>,
}

/// Why an answer holds no result.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// The appliance says no, in a way that leaves no doubt.
    Refused { code: String, message: String },
    /// Nobody can tell what the appliance says.
    Unreadable(String),
}

#[cfg(test)]
mod tests {
    use super::samples::{DIALECTS, answer, page};
    use super::*;

    #[test]
    fn a_write_succeeded_only_if_the_answer_says_so() {
        for (dialect, column) in [(Dialect::Rest, "ret_oid"), (Dialect::V2, "rr_id")] {
            let written = |status: u16, row: &str| {
                let rows = Some(row.replace("ID", column)).filter(|row| !row.is_empty());
                let mut answer = page(dialect, rows.as_slice());
                answer.status = StatusCode::from_u16(status).unwrap();
                dialect.written(&answer)
            };
            for status in [200, 201] {
                assert_eq!(written(status, r#"{"ID":"411"}"#), Ok(RowId("411".into())));
                assert_eq!(written(status, r#"{"ID":411}"#), Ok(RowId("411".into())));
                for row in ["", "{}", r#"{"ID":""}"#, r#"{"ID":"0"}"#, r#"{"ID":null}"#, "{\"ID\":\"4"] {
                    assert!(matches!(written(status, row), Err(Fault::Unreadable(_))), "{row}");
                }
                for body in ["", r#"{"connected":false}"#] {
                    assert!(matches!(dialect.written(&answer(status, body)), Err(Fault::Unreadable(_))));
                }
            }
            assert!(matches!(dialect.written(&answer(204, "")), Err(Fault::Unreadable(_))));
            assert_eq!(dialect.deleted(&answer(204, "")), Ok(()));
            let row = format!(r#"{{"{column}":"411"}}"#);
            assert_eq!(dialect.deleted(&page(dialect, &[row])), Ok(()));
            assert!(matches!(dialect.deleted(&answer(200, "")), Err(Fault::Unreadable(_))));
        }
    }

    #[test]
    fn a_refused_write_is_refused_whatever_the_status() {
        let rest = r#"{"errno":"20117","errmsg":"This RR does not exist","severity":"error"}"#;
        let v2 = r#"{"success":false,"data":[],
            "messages":[{"code":20117,"msg":"This RR does not exist","type":"error","extras":{}}]}"#;
        let refused =
            Fault::Refused { code: "20117".to_owned(), message: "This RR does not exist".to_owned() };
        for (dialect, body) in [(Dialect::Rest, rest), (Dialect::V2, v2)] {
            for status in [200, 400] {
                assert_eq!(dialect.deleted(&answer(status, body)), Err(refused.clone()));
                assert_eq!(dialect.written(&answer(status, body)), Err(refused.clone()));
            }
        }
    }

    #[test]
    fn the_version_is_asked_of_rest_and_read_leniently() {
        let version = r#"[{"errno":"0","member_is_me":"1","member_version":"8.4.2"}]"#;
        for dialect in DIALECTS {
            assert_eq!(dialect.version().path().collect::<Vec<_>>(), ["rest", "member_list"]);
            assert_eq!(samples::query(&dialect.version()), [("WHERE", "member_is_me=1")]);
            assert_eq!(dialect.version_in(&answer(200, version)), Ok(Some("8.4.2".to_owned())));
            assert!(dialect.version_in(&answer(404, "Not Found")).is_err());
            for (status, body) in [
                (200, r#"{"connected":false}"#),
                (204, ""),
                (400, r#"{"errno":"1","errmsg":"no"}"#),
                (200, "[]"),
                (200, "hello"),
            ] {
                assert_eq!(dialect.version_in(&answer(status, body)), Ok(None), "{body}");
            }
        }
    }

    #[test]
    fn a_service_that_is_not_there_says_what_to_do() {
        assert!(Dialect::Rest.servers().count().not_found().starts_with("no SOLIDserver at the endpoint"));
        let missing = Dialect::V2.servers().count().not_found();
        assert!(missing.contains("/api/v2.0") && missing.ends_with("set spec.api: Rest"), "{missing}");
        // The probe is one for the appliance itself.
        assert_eq!(Dialect::V2.version().not_found(), Dialect::Rest.version().not_found());
    }
}
