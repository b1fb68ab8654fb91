//! The services: what each call does and answers.

mod containers;
mod member;
mod order;
mod page;
mod row_add;
mod row_delete;
mod row_list;
mod target;

use crate::answer::{Answer, Refusal};
use crate::columns;
use crate::condition::{ConditionError, Habits};
use crate::quirk::{QuirkName, Quirks};
use crate::request::ServiceRequest;
use crate::state::State;
use crate::store::RowKey;

/// Deliberate mistakes in a list.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Tampering {
    pub(crate) ignore_where: bool,
    pub(crate) ignore_orderby: bool,
    pub(crate) drop_page: bool,
    /// How many rows fall off the end; `Some(None)` means half of them.
    pub(crate) short_page: Option<Option<usize>>,
    pub(crate) foreign_rows: usize,
    pub(crate) blind: bool,
}

/// What a call led to.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) answer: Answer,
    /// The rows that were added or edited.
    pub(crate) written: Vec<RowKey>,
}

impl From<Answer> for Outcome {
    fn from(answer: Answer) -> Self {
        Self { answer, written: Vec::new() }
    }
}

/// Executes a call.
pub(crate) fn execute(
    state: &mut State,
    request: &ServiceRequest,
    tampering: Tampering,
    now_ms: u64,
) -> Outcome {
    if !request.is_rest {
        return Answer::html(404, "404 Not Found").into();
    }
    let read_only = request.method == "GET";
    let outcome = match (request.service.as_str(), request.method.as_str()) {
        ("member_list", _) if read_only => member::list(state, request).map(Outcome::from),
        ("ip_site_list", _) if read_only => Ok(Answer::nothing().into()),
        ("dns_rr_list", _) if read_only => row_list::list(state, request, tampering).map(Outcome::from),
        ("dns_rr_count", _) if read_only => row_list::count(state, request, tampering).map(Outcome::from),
        ("dns_rr_info", _) if read_only => row_list::info(state, request, tampering).map(Outcome::from),
        ("dns_rr_add", "POST" | "PUT") => row_add::write(state, request, now_ms),
        ("dns_rr_delete", "DELETE") => row_delete::delete(state, request, now_ms).map(Outcome::from),
        (service, _) if read_only => match containers::Kind::of_service(service) {
            Some(kind) => containers::read(state, request, kind, tampering).map(Outcome::from),
            None => Err(unknown_service(service)),
        },
        (service, _) => Err(unknown_service(service)),
    };
    outcome.unwrap_or_else(|refusal| Answer::refusal(&refusal, &request.service, &state.quirks).into())
}

fn unknown_service(service: &str) -> Refusal {
    Refusal::new(2, format!("Unknown service {service}"))
}

fn habits(quirks: &Quirks) -> Habits {
    Habits {
        names_exact: quirks.is(QuirkName::WhereNameCase, "sensitive"),
        ids_as_text: quirks.is(QuirkName::Ids, "text"),
        unknown_columns_pass: quirks.is(QuirkName::WhereUnknownColumn, "ignored"),
    }
}

fn display<'a>(state: &'a State, request: &ServiceRequest) -> columns::Display<'a> {
    let no_parents = request.text("NO_PARENT_CLASS_PARAM").is_some_and(|value| value == "1");
    columns::Display::new(&state.quirks, &state.version, no_parents, state.has_row_parameters())
}

/// The answer of an info call without its id: an array, unlike other errors.
fn missing_id(request: &ServiceRequest, parameter: &str) -> Answer {
    let mut object = String::from("{");
    crate::answer::push_member(&mut object, "errno", "4");
    crate::answer::push_member(&mut object, "errmsg", &format!("Missing parameter {parameter}"));
    crate::answer::push_member(&mut object, "parameters", parameter);
    crate::answer::push_member(&mut object, "service_name", &request.service);
    Answer::json(400, format!("[{object}}}]"))
}

/// The answer of a count.
fn total(rows: usize) -> Answer {
    Answer::json(200, format!("[{{\"errno\":\"0\",\"total\":\"{rows}\"}}]"))
}

impl From<ConditionError> for Refusal {
    fn from(error: ConditionError) -> Self {
        Self { parameters: Some("WHERE".to_owned()), ..Self::new(5, format!("Invalid WHERE: {error}")) }
    }
}
