//! `member_list`: the appliance itself, where clients read its version.

use super::{Tampering, display, habits, page};
use crate::answer::{Answer, Refusal};
use crate::columns::{Context, Level, MEMBER};
use crate::condition::Condition;
use crate::request::ServiceRequest;
use crate::state::State;

pub(super) fn list(state: &State, request: &ServiceRequest) -> Result<Answer, Refusal> {
    let clause = request.parameters.get("WHERE").map_or("", String::as_str);
    let condition = Condition::read(clause, MEMBER, habits(&state.quirks))?;
    let only = Context {
        store: &state.store,
        display: display(state, request),
        server: None,
        view: None,
        zone: None,
        row: None,
        option: None,
        row_id: 0,
        settled: Level::Server,
    };
    let found = if condition.holds(&only) == Some(true) { vec![only] } else { Vec::new() };
    page::answer(state, request, MEMBER, &condition, found, Tampering::default())
}
