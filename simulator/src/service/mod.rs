//! The services: what each call does and answers.

mod class_parameters;
mod configure;
mod containers;
mod describe;
mod flag;
mod member;
mod option;
mod order;
mod page;
mod row_add;
mod row_delete;
mod row_list;
mod server_write;
mod target;
mod view_write;
mod zone_write;

use crate::answer::{Answer, Refusal};
use crate::columns::{self, Columns};
use crate::condition::{ConditionError, Habits};
use crate::quirk::{QuirkName, Quirks};
use crate::request::{Dialect, Object, Operation, ServiceRequest};
use crate::state::State;
use crate::store::RowKey;
use crate::v2;

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
    let is_there = match request.dialect {
        Some(Dialect::Rest) => true,
        Some(Dialect::V2) => state.has_v2(),
        None => false,
    };
    if !is_there {
        return Answer::html(404, "404 Not Found").into();
    }
    let outcome = dispatch(state, request, tampering, now_ms);
    outcome.unwrap_or_else(|refusal| Answer::refusal(&refusal, request, &state.quirks).into())
}

fn dispatch(
    state: &mut State,
    request: &ServiceRequest,
    tampering: Tampering,
    now_ms: u64,
) -> Result<Outcome, Refusal> {
    use Operation::{Add, Count, Delete, Edit, Info, List};
    let unknown = || Refusal::new(2, format!("Unknown service {}", request.service));
    if request.method == "OPTIONS" {
        return describe::service(request).map(Outcome::from).ok_or_else(unknown);
    }
    let (Some(object), Some(operation)) = (request.object, request.operation) else {
        return Err(unknown());
    };
    let method_fits = match operation {
        List | Info | Count => request.method == "GET",
        Add | Edit => request.method == "POST" || request.method == "PUT",
        Delete => request.method == "DELETE",
    };
    if !method_fits {
        return Err(unknown());
    }
    match (object, operation) {
        (Object::Member, List) => member::list(state, request).map(Outcome::from),
        (Object::Row, List) => row_list::list(state, request, tampering).map(Outcome::from),
        (Object::Row, Count) => row_list::count(state, request, tampering).map(Outcome::from),
        (Object::Row, Info) => row_list::info(state, request, tampering).map(Outcome::from),
        (Object::Row, Add | Edit) => row_add::write(state, request, now_ms),
        (Object::Row, Delete) => row_delete::delete(state, request, now_ms).map(Outcome::from),
        (Object::Server, Add | Edit) => server_write::write(state, request, now_ms).map(Outcome::from),
        (Object::Server, Delete) => server_write::delete(state, request).map(Outcome::from),
        (Object::View, Add | Edit) => view_write::write(state, request, now_ms).map(Outcome::from),
        (Object::View, Delete) => view_write::delete(state, request, now_ms).map(Outcome::from),
        (Object::Zone, Add | Edit) => zone_write::write(state, request, now_ms).map(Outcome::from),
        (Object::Zone, Delete) => zone_write::delete(state, request, now_ms).map(Outcome::from),
        (Object::ServerOption | Object::ViewOption, Add | Edit) => {
            option::set(state, request).map(Outcome::from)
        }
        (Object::ServerOption | Object::ViewOption, Delete) => {
            option::unset(state, request).map(Outcome::from)
        }
        (Object::ServerOption | Object::ViewOption, List | Count)
        | (Object::Space | Object::Server | Object::View | Object::Zone, List | Info | Count) => {
            containers::read(state, request, object, tampering).map(Outcome::from)
        }
        _ => Err(unknown()),
    }
}

/// The columns of an object, by the names of the request's dialect.
fn columns_of(request: &ServiceRequest, object: Object) -> Columns {
    columns_in(request.answer_dialect(), object)
}

/// The columns of an object, as a dialect names them.
pub(crate) fn columns_in(dialect: Dialect, object: Object) -> Columns {
    match (dialect, object) {
        (Dialect::Rest, Object::Server) => columns::SERVER,
        (Dialect::Rest, Object::View) => columns::VIEW,
        (Dialect::Rest, Object::Zone) => columns::ZONE,
        (Dialect::Rest, Object::Row) => columns::ROW,
        (Dialect::V2, Object::Server) => v2::SERVER,
        (Dialect::V2, Object::View) => v2::VIEW,
        (Dialect::V2, Object::Zone) => v2::ZONE,
        (Dialect::V2, Object::Row) => v2::ROW,
        (_, Object::Member) => columns::MEMBER,
        (_, Object::Space) => columns::SPACE,
        (_, Object::ServerOption | Object::ViewOption) => columns::OPTION,
    }
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

/// The answer of an info call without its id: in `/rest` an array, unlike other errors.
fn missing_id(state: &State, request: &ServiceRequest, parameter: &str) -> Answer {
    if request.dialect == Some(Dialect::V2) {
        return Answer::refusal(&Refusal::missing(parameter), request, &state.quirks);
    }
    let mut object = String::from("{");
    crate::answer::push_member(&mut object, "errno", "4");
    crate::answer::push_member(&mut object, "errmsg", &format!("Missing parameter {parameter}"));
    crate::answer::push_member(&mut object, "parameters", parameter);
    crate::answer::push_member(&mut object, "service_name", &request.service);
    Answer::json(400, format!("[{object}}}]"))
}

impl From<ConditionError> for Refusal {
    fn from(error: ConditionError) -> Self {
        Self { parameters: Some("WHERE".to_owned()), ..Self::new(5, format!("Invalid WHERE: {error}")) }
    }
}
