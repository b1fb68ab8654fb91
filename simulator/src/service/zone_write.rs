//! `dns_zone_add` and `dns_zone_delete`: zones.

use super::configure::{self, invalid, refused};
use super::flag::Flag;
use super::target;
use super::view_write::no_such_view;
use crate::answer::{Answer, Refusal};
use crate::columns::SPACE_ID;
use crate::quirk::QuirkName;
use crate::request::{Dialect, Object, ServiceRequest};
use crate::seed::SeedZone;
use crate::state::State;
use crate::store::{Container, Server, ZONE_TYPES, Zone, check_name};

pub(super) fn write(state: &mut State, request: &ServiceRequest, now_ms: u64) -> Result<Answer, Refusal> {
    let flag = Flag::read(request)?;
    let known = find(state, request)?.map(|zone| (zone.id, zone.zone_type.clone()));
    check_space(request)?;
    let zone_type = parameter(request, &["dnszone_type", "zone_type"]).map(str::to_lowercase);
    let cause = state.cause(now_ms);
    let may_edit =
        matches!(flag, Flag::EditOnly | Flag::NewEdit) || state.quirks.is(QuirkName::DuplicateAdd, "edit");
    let (id, is_edit) = match known {
        None if flag == Flag::EditOnly => return Err(no_such_zone()),
        Some((_, present)) if may_edit && zone_type.as_ref().is_some_and(|wanted| *wanted != present) => {
            return Err(invalid("dnszone_type", "The type of a zone cannot be changed"));
        }
        Some((id, _)) if may_edit => (id, true),
        Some(_) => return Err(Refusal::new(20113, "DNS zone already exists")),
        None => (add(state, request, zone_type.as_deref(), now_ms)?, false),
    };
    let State { store, quirks, .. } = state;
    let zone = store.zone_mut(id).ok_or_else(no_such_zone)?;
    let (configuration, parameters) = (&mut zone.configuration, &mut zone.parameters);
    configure::apply(configuration, parameters, request, Object::Zone, quirks, is_edit);
    if !is_edit {
        store.pend_new(Container::Zone(id), cause);
    }
    Ok(Answer::written(request, Object::Zone, id, &state.quirks))
}

fn add(
    state: &mut State,
    request: &ServiceRequest,
    zone_type: Option<&str>,
    now_ms: u64,
) -> Result<u64, Refusal> {
    let (server, name) = (target::server(&state.store, request)?, zone_name(request));
    let (Some(server), Some(name), Some(zone_type)) = (server, name, zone_type) else {
        return Err(missing(request));
    };
    if !ZONE_TYPES.contains(&zone_type) {
        return Err(invalid("dnszone_type", "Invalid zone type"));
    }
    check_name(name).map_err(|_| invalid("dnszone_name", "Invalid zone name"))?;
    let view = view(state, request, server)?;
    if view.is_none() && server.has_views {
        return Err(missing(request));
    }
    let view = view.and_then(|id| state.store.view(id)).map(|view| view.name.clone()).unwrap_or_default();
    let rpz = request.text("dnszone_is_rpz").is_some_and(|value| value == "1");
    let seed = SeedZone { rpz, ..SeedZone::of_type(name, zone_type) };
    let server = server.name.clone();
    // The rows that it begins with come and go with the zone as a whole.
    let cause = state.immediate(now_ms);
    state.store.seed_zone(&server, &view, &seed, &state.quirks, cause).map_err(|error| refused(&error))
}

pub(super) fn delete(state: &mut State, request: &ServiceRequest, now_ms: u64) -> Result<Answer, Refusal> {
    let named = zone_name(request).is_some() && target::server(&state.store, request)?.is_some();
    if request.text("dnszone_id").is_none() && !named {
        return Err(missing(request));
    }
    let id = find(state, request)?.ok_or_else(no_such_zone)?.id;
    let cause = state.cause(now_ms);
    state.store.delete_container(Container::Zone(id), cause);
    Ok(Answer::deleted(request, Object::Zone, id, &state.quirks))
}

fn find<'a>(state: &'a State, request: &ServiceRequest) -> Result<Option<&'a Zone>, Refusal> {
    if let Some(id) = request.text("dnszone_id").filter(|id| *id != "0") {
        let zone = id.parse().ok().and_then(|id| state.store.zone(id)).ok_or_else(no_such_zone)?;
        if zone.copy_of.is_some() {
            return Err(Refusal::new(20107, "This zone is a copy on a member of a SMART architecture"));
        }
        return Ok(Some(zone));
    }
    let Some((server, name)) = target::server(&state.store, request)?.zip(zone_name(request)) else {
        return Ok(None);
    };
    let view = view(state, request, server)?;
    Ok(state.store.zones_named(server.id, name).find(|zone| zone.view == view))
}

/// The view that a write names; `None` when it names none.
fn view(state: &State, request: &ServiceRequest, server: &Server) -> Result<Option<u64>, Refusal> {
    let found = if let Some(id) = request.text("dnsview_id").filter(|id| *id != "0") {
        id.parse().ok().and_then(|id| state.store.view(id)).filter(|view| view.server == server.id)
    } else if let Some(name) = request.text("dnsview_name").filter(|name| *name != "#") {
        state.store.view_named(server.id, name)
    } else {
        return Ok(None);
    };
    found.map(|view| Some(view.id)).ok_or_else(no_such_view)
}

fn check_space(request: &ServiceRequest) -> Result<(), Refusal> {
    let id = parameter(request, &["dnszone_site_id", "site_id"]);
    let name = request.text("dnszone_site_name");
    let is_there = id.is_none_or(|id| id == "0" || id == SPACE_ID)
        && name.is_none_or(|name| name == crate::columns::SPACE_NAME);
    if is_there { Ok(()) } else { Err(invalid("dnszone_site_id", "Space does not exist")) }
}

fn zone_name(request: &ServiceRequest) -> Option<&str> {
    parameter(request, &["dnszone_name", "zone", "zone_name"])
}

fn parameter<'a>(request: &'a ServiceRequest, names: &[&str]) -> Option<&'a str> {
    names.iter().find_map(|name| request.text(name))
}

fn missing(request: &ServiceRequest) -> Refusal {
    let names = match request.dialect {
        Some(Dialect::V2) => "zone_id/zone_name/zone_type/view_id/view_name",
        _ => "dnszone_id/dnszone_name/dnszone_type/dnsview_id/dnsview_name",
    };
    Refusal::missing(&format!("{names}/{}", target::server_parameters(request)))
}

fn no_such_zone() -> Refusal {
    Refusal::new(20103, "DNS zone does not exist")
}
