//! List, info and count of servers, views and zones.

use super::{Tampering, columns_of, display, habits, missing_id, page};
use crate::answer::{Answer, Refusal};
use crate::columns::{Context, Display, Level};
use crate::condition::Condition;
use crate::request::{Dialect, Object, Operation, ServiceRequest};
use crate::state::State;

/// The `/rest` name of the parameter that an info call is about, and how v2 names it.
fn id_parameter(object: Object) -> (&'static str, &'static str) {
    match object {
        Object::Server => ("dns_id", "server_id"),
        Object::View => ("dnsview_id", "view_id"),
        Object::Zone => ("dnszone_id", "zone_id"),
        Object::Space => ("site_id", "site_id"),
        _ => ("rr_id", "rr_id"),
    }
}

pub(super) fn read(
    state: &State,
    request: &ServiceRequest,
    object: Object,
    tampering: Tampering,
) -> Result<Answer, Refusal> {
    let columns = columns_of(request, object);
    let all = all(state, object, display(state, request));
    if request.operation == Some(Operation::Info) {
        let (parameter, in_v2) = id_parameter(object);
        let Some(id) = request.text(parameter) else {
            let named = if request.dialect == Some(Dialect::V2) { in_v2 } else { parameter };
            return Ok(missing_id(state, request, named));
        };
        let wanted = id.trim().parse::<u64>().ok().filter(|_| !tampering.blind);
        let found: Vec<_> =
            all.into_iter().filter(|(id, _)| Some(*id) == wanted).map(|(_, context)| context).collect();
        return Ok(page::write(state, request, &found, &page::selected(request, columns)));
    }
    let clause = request.parameters.get("WHERE").filter(|_| !tampering.ignore_where);
    let condition = Condition::read(clause.map_or("", String::as_str), columns, habits(&state.quirks))?;
    let mut found: Vec<Context<'_>> = all.into_iter().map(|(_, context)| context).collect();
    found.retain(|context| !tampering.blind && condition.holds(context) == Some(true));
    if request.operation == Some(Operation::Count) {
        return Ok(Answer::count(request, found.len(), &state.quirks));
    }
    page::answer(state, request, columns, &condition, found, tampering)
}

/// All objects of a kind, by id.
fn all<'a>(state: &'a State, object: Object, display: Display<'a>) -> Vec<(u64, Context<'a>)> {
    let store = &state.store;
    let base = |settled| Context {
        store,
        display,
        server: None,
        view: None,
        zone: None,
        row: None,
        option: None,
        row_id: 0,
        settled,
    };
    match object {
        Object::Server => store
            .servers()
            .map(|server| (server.id, Context { server: Some(server), ..base(Level::Server) }))
            .collect(),
        Object::View => store
            .views()
            .filter(|view| store.view_is_shown(view))
            .map(|view| {
                let server = store.server(view.server);
                (view.id, Context { server, view: Some(view), ..base(Level::View) })
            })
            .collect(),
        Object::Zone => store
            .zones()
            .filter(|zone| store.zone_is_shown(zone))
            .map(|zone| {
                let server = store.server(zone.server);
                let view = zone.view.and_then(|view| store.view(view));
                (zone.id, Context { server, view, zone: Some(zone), ..base(Level::Zone) })
            })
            .collect(),
        Object::Space => vec![(1, base(Level::Server))],
        Object::ServerOption => store
            .servers()
            .flat_map(|server| {
                let options = &server.configuration.options;
                options.iter().map(move |(key, value)| {
                    let option = Some((key.as_str(), value.as_str()));
                    (server.id, Context { server: Some(server), option, ..base(Level::View) })
                })
            })
            .collect(),
        Object::ViewOption => store
            .views()
            .flat_map(|view| {
                let server = store.server(view.server);
                let options = &view.configuration.options;
                options.iter().map(move |(key, value)| {
                    let option = Some((key.as_str(), value.as_str()));
                    (view.id, Context { server, view: Some(view), option, ..base(Level::View) })
                })
            })
            .collect(),
        Object::Member | Object::Row => Vec::new(),
    }
}
