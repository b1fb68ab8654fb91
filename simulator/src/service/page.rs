//! Which rows and columns of a result are given, and how they are written.

use super::Tampering;
use super::order::Order;
use crate::answer::{Answer, Refusal, push_column, push_member};
use crate::columns::{Column, Columns, Context};
use crate::condition::Condition;
use crate::quirk::QuirkName;
use crate::request::{Dialect, ServiceRequest};
use crate::state::State;
use crate::v2;

/// The part of a result that is asked for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Page {
    pub(super) limit: Option<usize>,
    pub(super) offset: usize,
}

impl Page {
    pub(super) fn read(state: &State, request: &ServiceRequest, tampering: Tampering) -> Self {
        let number = |name: &str| request.text(name).and_then(|text| text.trim().parse::<usize>().ok());
        let asked = number("limit").filter(|limit| *limit > 0);
        let usual =
            || state.quirks.number(QuirkName::ListLimit).and_then(|limit| usize::try_from(limit).ok());
        let limit = asked.or_else(usual).into_iter().chain(state.most_rows()).min();
        let skipped = if tampering.drop_page { limit.unwrap_or_default() } else { 0 };
        Self { limit, offset: number("offset").unwrap_or_default().saturating_add(skipped) }
    }

    /// How many rows of an ordered result are enough.
    pub(super) fn enough(self) -> Option<usize> {
        self.limit.map(|limit| limit.saturating_add(self.offset))
    }
}

/// The columns to give: those of SELECT, else all. Unknown names are passed over, as lenient clients need.
pub(super) fn selected(request: &ServiceRequest, columns: Columns) -> Vec<&'static Column> {
    let names = request.text("SELECT").map(|text| text.split(',').map(str::trim).collect::<Vec<_>>());
    match names {
        None => columns.iter().collect(),
        Some(names) => names.into_iter().filter_map(|name| columns.find(name)).collect(),
    }
}

/// Refuses SELECT where it leaves out a column of WHERE or ORDERBY, as the documentation says and some clients do not.
fn check_selected(
    state: &State,
    request: &ServiceRequest,
    columns: Columns,
    condition: &Condition,
    order: &Order,
) -> Result<(), Refusal> {
    if request.text("SELECT").is_none() || !state.quirks.is(QuirkName::SelectColumns, "strict") {
        return Ok(());
    }
    let selected: Vec<&str> = selected(request, columns).iter().map(|column| column.name).collect();
    let used = condition.columns().into_iter().chain(order.columns());
    match used.map(|column| column.name).find(|name| !selected.contains(name)) {
        Some(name) => Err(Refusal {
            parameters: Some("SELECT".to_owned()),
            ..Refusal::new(5, format!("Column {name} is used and not selected"))
        }),
        None => Ok(()),
    }
}

/// Orders a result, cuts the page out of it and writes it.
pub(super) fn answer(
    state: &State,
    request: &ServiceRequest,
    columns: Columns,
    condition: &Condition,
    mut found: Vec<Context<'_>>,
    tampering: Tampering,
) -> Result<Answer, Refusal> {
    let order = Order::read(state, request, columns, tampering)?;
    check_selected(state, request, columns, condition, &order)?;
    order.sort(&mut found);
    let page = Page::read(state, request, tampering);
    if page.offset > 0 && page.offset >= found.len() && state.quirks.is(QuirkName::OffsetPastEnd, "error") {
        return Err(Refusal::new(6, "offset is out of range"));
    }
    let mut rows: Vec<Context<'_>> =
        found.into_iter().skip(page.offset).take(page.limit.unwrap_or(usize::MAX)).collect();
    if let Some(missing) = tampering.short_page {
        let missing = missing.unwrap_or(rows.len().div_ceil(2));
        rows.truncate(rows.len().saturating_sub(missing));
    }
    Ok(write(state, request, &rows, &selected(request, columns)))
}

/// Rows as JSON. Without any, `/rest` says 204; what v2 says is not known.
pub(super) fn write(
    state: &State,
    request: &ServiceRequest,
    rows: &[Context<'_>],
    columns: &[&'static Column],
) -> Answer {
    let is_v2 = request.dialect == Some(Dialect::V2);
    let Some(first) = rows.first() else {
        return empty(state, is_v2);
    };
    let columns: Vec<&'static Column> =
        columns.iter().copied().filter(|column| column.is_shown(&first.display)).collect();
    if is_v2 {
        return v2::rows(rows, &columns);
    }
    let mut body = String::with_capacity(rows.len() * columns.len() * 32);
    body.push('[');
    for (index, row) in rows.iter().enumerate() {
        if index > 0 {
            body.push(',');
        }
        body.push('{');
        push_member(&mut body, "errno", "0");
        for column in &columns {
            push_column(&mut body, column, row);
        }
        body.push('}');
    }
    body.push(']');
    Answer::json(200, body)
}

fn empty(state: &State, is_v2: bool) -> Answer {
    let with_body = if is_v2 { v2::rows(&[], &[]) } else { Answer::json(200, "[]") };
    match state.quirks.get(QuirkName::EmptyStatus) {
        "200" => with_body,
        "404" => Answer { status: 404, ..with_body },
        _ if is_v2 && state.quirks.is(QuirkName::V2EmptyList, "200") => with_body,
        _ => Answer::nothing(),
    }
}
