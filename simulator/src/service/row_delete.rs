//! `dns_rr_delete`: by id, or by name with what narrows it.

use super::row_add::find;
use super::target;
use crate::answer::{Answer, Refusal};
use crate::quirk::QuirkName;
use crate::request::{Dialect, Object, ServiceRequest};
use crate::state::State;
use crate::store::{RowKey, Server, normalize_values};

pub(super) fn delete(state: &mut State, request: &ServiceRequest, now_ms: u64) -> Result<Answer, Refusal> {
    let keys = match request.text("rr_id") {
        Some(id) => vec![find(&state.store, id)?.0],
        None => {
            let servers = servers(state, request)?;
            let is_smart = servers.iter().any(|server| server.architecture.is_some());
            if is_smart && state.quirks.is(QuirkName::DeleteByName, "connected-false") {
                return Ok(Answer::disconnected(200));
            }
            match servers.as_slice() {
                [only] => by_name(state, request, only)?,
                // Servers without such a zone, or with one that is not writable, don't matter.
                several => {
                    several.iter().filter_map(|one| by_name(state, request, one).ok()).flatten().collect()
                }
            }
        }
    };
    let first = keys.first().and_then(|key| state.store.row(*key)).ok_or_else(Refusal::no_such_row)?.id;
    let cause = state.cause(now_ms);
    for key in keys {
        state.store.delete_row(key, cause);
    }
    Ok(Answer::deleted(request, Object::Row, first, &state.quirks))
}

/// The servers that a delete by name looks at: the one that is named. v2 takes it to be all where none is named, which a
/// client of the vendor's relies on against the documentation.
fn servers<'a>(state: &'a State, request: &ServiceRequest) -> Result<Vec<&'a Server>, Refusal> {
    let missing = |names: &str| Refusal::missing(&format!("rr_id/rr_name/{names}"));
    let is_v2 = request.dialect == Some(Dialect::V2);
    let named = target::server(&state.store, request)?;
    match named {
        _ if request.text("rr_name").is_none() => Err(missing(target::server_parameters(request))),
        Some(server) => Ok(vec![server]),
        None if is_v2 => Ok(state.store.servers().filter(|server| server.smart.is_none()).collect()),
        None => Err(missing(target::server_parameters(request))),
    }
}

/// All rows of that name which the other parameters do not rule out.
fn by_name(state: &State, request: &ServiceRequest, server: &Server) -> Result<Vec<RowKey>, Refusal> {
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
