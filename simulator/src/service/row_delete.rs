//! `dns_rr_delete`: by id, or by name with what narrows it.

use super::row_add::find;
use super::target::{self, SERVER_PARAMETERS};
use crate::answer::{Answer, Refusal};
use crate::quirk::QuirkName;
use crate::request::ServiceRequest;
use crate::state::State;
use crate::store::{RowKey, normalize_values};

pub(super) fn delete(state: &mut State, request: &ServiceRequest, now_ms: u64) -> Result<Answer, Refusal> {
    let keys = match request.text("rr_id") {
        Some(id) => vec![find(&state.store, id)?.0],
        None => {
            let server = target::server(&state.store, request)?;
            let (Some(server), Some(_)) = (server, request.text("rr_name")) else {
                return Err(Refusal::missing(&format!("rr_id/rr_name/{SERVER_PARAMETERS}")));
            };
            let is_smart = server.architecture.is_some();
            if is_smart && state.quirks.is(QuirkName::DeleteByName, "connected-false") {
                return Ok(Answer::disconnected(200));
            }
            by_name(state, request, server.id)?
        }
    };
    let first = keys.first().and_then(|key| state.store.row(*key)).ok_or_else(Refusal::no_such_row)?.id;
    let cause = state.cause(now_ms);
    for key in keys {
        state.store.delete_row(key, cause);
    }
    Ok(if state.quirks.is(QuirkName::DeleteStatus, "204") {
        Answer::nothing()
    } else {
        Answer::identifier(200, first)
    })
}

/// All rows of that name which the other parameters do not rule out.
fn by_name(state: &State, request: &ServiceRequest, server: u64) -> Result<Vec<RowKey>, Refusal> {
    let Some(server) = state.store.server(server) else {
        return Err(Refusal::no_such_row());
    };
    let record_type = request.text("rr_type").map(str::to_ascii_uppercase);
    let sent = target::values(request).map(|value| value.filter(|value| !value.is_empty()));
    let mut keys = Vec::new();
    for zone in target::zones(&state.store, server, request)? {
        target::check_writable(zone)?;
        let name = target::owner_name(request, zone, &state.quirks)?;
        for key in state.store.keys_at(zone.id, &name) {
            let Some(row) = state.store.row(key) else { continue };
            let type_fits = record_type.as_ref().is_none_or(|wanted| *wanted == row.record_type);
            let ttl_fits = request.text("rr_ttl").is_none_or(|ttl| ttl == row.ttl.to_string());
            // The values are compared as the appliance would store them, where they are complete.
            let given: Vec<String> = sent.iter().map(|value| value.unwrap_or_default().to_owned()).collect();
            let given = normalize_values(&row.record_type, given.clone(), &state.quirks).unwrap_or(given);
            let values_fit = given
                .iter()
                .enumerate()
                .all(|(index, value)| value.is_empty() || row.values.get(index) == Some(value));
            if type_fits && ttl_fits && values_fit && row.record_type != "SOA" && !row.pending_delete {
                keys.push(key);
            }
        }
    }
    if keys.is_empty() { Err(Refusal::no_such_row()) } else { Ok(keys) }
}
