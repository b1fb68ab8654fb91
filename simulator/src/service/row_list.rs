//! `dns_rr_list`, `dns_rr_count`, `dns_rr_info`.

use super::order::Order;
use super::page::{self, Page};
use super::{Tampering, columns_of, display, habits, missing_id};
use crate::answer::{Answer, Refusal};
use crate::columns::{Context, Display, Level};
use crate::condition::{Bound, Condition, ConditionError, Key};
use crate::quirk::QuirkName;
use crate::request::{Object, ServiceRequest};
use crate::state::State;
use crate::store::{RowKey, Zone};

pub(super) fn list(state: &State, request: &ServiceRequest, tampering: Tampering) -> Result<Answer, Refusal> {
    let condition = condition(state, request, tampering)?;
    if tampering.blind {
        return Ok(page::write(state, request, &[], &[]));
    }
    let display = display(state, request);
    // A page without a limit has no page behind it, so half of the rows stand for it.
    let columns = columns_of(request, Object::Row);
    let order = Order::read(state, request, columns, tampering)?;
    let enough = Page::read(state, request, tampering).enough().filter(|_| order.is_natural());
    let mut found = matching(state, &condition, display, enough);
    if tampering.drop_page && request.text("limit").is_none() {
        found.drain(..found.len() / 2);
    }
    if tampering.foreign_rows > 0 {
        let zones: Vec<u64> = found.iter().filter_map(|context| context.zone).map(|zone| zone.id).collect();
        let foreign = state.store.zones().filter(|zone| !zones.contains(&zone.id));
        let foreign: Vec<_> = foreign
            .flat_map(|zone| state.store.ids_of_zone(zone.id, 0).map(move |(id, key)| (zone, id, key)))
            .filter_map(|(zone, id, key)| context(state, display, zone, id, key))
            .take(tampering.foreign_rows)
            .collect();
        found.extend(foreign);
    }
    page::answer(state, request, columns, &condition, found, tampering)
}

pub(super) fn count(
    state: &State,
    request: &ServiceRequest,
    tampering: Tampering,
) -> Result<Answer, Refusal> {
    let condition = condition(state, request, tampering)?;
    if tampering.blind {
        return Ok(Answer::count(request, 0, &state.quirks));
    }
    let found = matching(state, &condition, display(state, request), None);
    Ok(Answer::count(request, found.len(), &state.quirks))
}

pub(super) fn info(state: &State, request: &ServiceRequest, tampering: Tampering) -> Result<Answer, Refusal> {
    let Some(id) = request.text("rr_id") else {
        return Ok(missing_id(state, request, "rr_id"));
    };
    let found = id.trim().parse().ok().filter(|_| !tampering.blind);
    let context = found.and_then(|id| {
        let (key, zone) = state.store.by_id(id).filter(|(key, zone)| state.store.shown_in(*zone, *key))?;
        context(state, display(state, request), state.store.zone(zone)?, id, key)
    });
    let selected = page::selected(request, columns_of(request, Object::Row));
    Ok(page::write(state, request, context.as_slice(), &selected))
}

fn condition(state: &State, request: &ServiceRequest, tampering: Tampering) -> Result<Condition, Refusal> {
    let habits = habits(&state.quirks);
    match request.parameters.get("WHERE") {
        Some(clause) if !tampering.ignore_where => {
            let condition = Condition::read(clause, columns_of(request, Object::Row), habits)?;
            let display = display(state, request);
            // A version without a column does not know it in a clause either.
            match condition.columns().into_iter().find(|column| !column.is_shown(&display)) {
                Some(column) if !habits.unknown_columns_pass => {
                    Err(ConditionError::UnknownColumn(column.name.to_owned()).into())
                }
                _ => Ok(condition),
            }
        }
        _ => Ok(Condition::always(habits)),
    }
}

/// The rows that a condition holds for, by id; no more than `enough` of them.
fn matching<'a>(
    state: &'a State,
    condition: &Condition,
    display: Display<'a>,
    enough: Option<usize>,
) -> Vec<Context<'a>> {
    let bound = condition.bound();
    let zones: Vec<&Zone> = state
        .store
        .zones()
        .filter(|zone| state.store.zone_is_shown(zone))
        .filter(|zone| condition.holds(&zone_context(state, display, zone)) != Some(false))
        .collect();
    let mut found = Vec::new();
    // With one zone rows come in the order of their ids, so that the first ones are enough.
    let enough = enough.filter(|_| zones.len() == 1).unwrap_or(usize::MAX);
    for zone in &zones {
        let hits = candidates(state, zone, &bound)
            .filter_map(|(id, key)| context(state, display, zone, id, key))
            .filter(|context| condition.holds(context) == Some(true));
        found.extend(hits.take(enough));
    }
    if zones.len() > 1 {
        found.sort_by_key(|context| context.row_id);
    }
    found
}

fn candidates<'a>(
    state: &'a State,
    zone: &'a Zone,
    bound: &Bound,
) -> Box<dyn Iterator<Item = (u64, RowKey)> + 'a> {
    let store = &state.store;
    let keys = match bound {
        Bound::From(id) => return Box::new(store.ids_of_zone(zone.id, *id)),
        Bound::Keys(keys) => keys,
    };
    let mut rows: Vec<RowKey> = Vec::new();
    for key in keys {
        match key {
            Key::Name(name) => rows.extend(store.keys_at(zone.id, name)),
            Key::Type(record_type) => rows.extend(store.keys_of_type(zone.id, record_type)),
            Key::Id(id) => rows.extend(store.by_id(*id).map(|(row, _)| row)),
        }
    }
    let shown = rows.into_iter().filter(|key| store.shown_in(zone.id, *key));
    let mut rows: Vec<(u64, RowKey)> =
        shown.filter_map(|key| Some((store.id_in(zone.id, key)?, key))).collect();
    rows.sort_unstable();
    rows.dedup();
    Box::new(rows.into_iter())
}

fn zone_context<'a>(state: &'a State, display: Display<'a>, zone: &'a Zone) -> Context<'a> {
    Context {
        store: &state.store,
        display,
        server: state.store.server(zone.server),
        view: zone.view.and_then(|view| state.store.view(view)),
        zone: Some(zone),
        row: None,
        option: None,
        row_id: 0,
        settled: Level::Zone,
    }
}

/// A row as it is listed; `None` when it is not shown at all.
fn context<'a>(
    state: &'a State,
    display: Display<'a>,
    zone: &'a Zone,
    id: u64,
    key: RowKey,
) -> Option<Context<'a>> {
    let row = state.store.row(key)?;
    let hidden = match state.quirks.get(QuirkName::SoaListed) {
        "no" => row.record_type == "SOA",
        "no-apex" => row.record_type == "SOA" || row.record_type == "NS" && row.name == zone.name,
        _ => false,
    };
    let context =
        Context { row: Some(row), row_id: id, settled: Level::Row, ..zone_context(state, display, zone) };
    (!hidden).then_some(context)
}
