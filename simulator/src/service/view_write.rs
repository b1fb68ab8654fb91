//! `dns_view_add` and `dns_view_delete`: views.

use super::configure::{self, refused};
use super::flag::Flag;
use super::target;
use crate::answer::{Answer, Refusal};
use crate::quirk::QuirkName;
use crate::request::{Dialect, Object, ServiceRequest};
use crate::seed::SeedView;
use crate::state::State;
use crate::store::{Container, View};

pub(super) fn write(state: &mut State, request: &ServiceRequest, now_ms: u64) -> Result<Answer, Refusal> {
    let flag = Flag::read(request)?;
    let known = find(state, request)?.map(|view| view.id);
    let cause = state.cause(now_ms);
    let (id, is_edit) = match (flag, known) {
        (Flag::EditOnly, None) => return Err(no_such_view()),
        (Flag::EditOnly | Flag::NewEdit, Some(id)) => (id, true),
        (_, Some(id)) if state.quirks.is(QuirkName::DuplicateAdd, "edit") => (id, true),
        (_, Some(_)) => return Err(Refusal::new(20112, "DNS view already exists")),
        (_, None) => {
            let server = target::server(&state.store, request)?;
            let (Some(server), Some(name)) = (server, request.text("dnsview_name")) else {
                return Err(missing(request));
            };
            let (server, seed) = (server.name.clone(), SeedView::new(name));
            let seeded = state.store.seed_view(&server, &seed, &state.quirks, state.immediate(now_ms));
            (seeded.map_err(|error| refused(&error))?, false)
        }
    };
    let State { store, quirks, .. } = state;
    let view = store.view_mut(id).ok_or_else(no_such_view)?;
    if let Some(order) = request.text("dnsview_order").and_then(|text| text.trim().parse().ok()) {
        view.order = order;
    }
    let (configuration, parameters) = (&mut view.configuration, &mut view.parameters);
    configure::apply(configuration, parameters, request, Object::View, quirks, is_edit);
    if !is_edit {
        store.pend_new(Container::View(id), cause);
    }
    Ok(Answer::written(request, Object::View, id, &state.quirks))
}

pub(super) fn delete(state: &mut State, request: &ServiceRequest, now_ms: u64) -> Result<Answer, Refusal> {
    let named = request.text("dnsview_name").is_some() && target::server(&state.store, request)?.is_some();
    if request.text("dnsview_id").is_none() && !named {
        return Err(missing(request));
    }
    let id = find(state, request)?.ok_or_else(no_such_view)?.id;
    let cause = state.cause(now_ms);
    state.store.delete_container(Container::View(id), cause);
    Ok(Answer::deleted(request, Object::View, id, &state.quirks))
}

fn find<'a>(state: &'a State, request: &ServiceRequest) -> Result<Option<&'a View>, Refusal> {
    if let Some(id) = request.text("dnsview_id").filter(|id| *id != "0") {
        let view = id.parse().ok().and_then(|id| state.store.view(id)).ok_or_else(no_such_view)?;
        if view.copy_of.is_some() {
            return Err(Refusal::new(20107, "This view is a copy on a member of a SMART architecture"));
        }
        return Ok(Some(view));
    }
    let server = target::server(&state.store, request)?;
    let named = server.zip(request.text("dnsview_name"));
    Ok(named.and_then(|(server, name)| state.store.view_named(server.id, name)))
}

fn missing(request: &ServiceRequest) -> Refusal {
    let names =
        if request.dialect == Some(Dialect::V2) { "view_id/view_name" } else { "dnsview_id/dnsview_name" };
    Refusal::missing(&format!("{names}/{}", target::server_parameters(request)))
}

pub(super) fn no_such_view() -> Refusal {
    Refusal::new(20104, "DNS view does not exist")
}
