//! `dns_server_param_..` and `dns_view_param_..`: options of the DNS software, by key.

use super::target;
use super::view_write::no_such_view;
use crate::answer::{Answer, Refusal};
use crate::request::{Object, ServiceRequest};
use crate::state::State;
use crate::store::Settings;

pub(super) fn set(state: &mut State, request: &ServiceRequest) -> Result<Answer, Refusal> {
    let key = request.text("param_key").ok_or_else(|| Refusal::missing("param_key"))?.to_owned();
    let value = request.text("param_value").unwrap_or_default().to_owned();
    let (id, options) = options(state, request)?;
    options.insert(key, value);
    Ok(Answer::written(request, Object::Server, id, &state.quirks))
}

pub(super) fn unset(state: &mut State, request: &ServiceRequest) -> Result<Answer, Refusal> {
    let key = request.text("param_key").ok_or_else(|| Refusal::missing("param_key"))?;
    let (id, options) = options(state, request)?;
    if options.remove(key).is_none() {
        return Err(Refusal::new(20114, "DNS option does not exist"));
    }
    Ok(Answer::deleted(request, Object::Server, id, &state.quirks))
}

/// The options of the server or view that is named, with its id.
fn options<'a>(state: &'a mut State, request: &ServiceRequest) -> Result<(u64, &'a mut Settings), Refusal> {
    if request.object == Some(Object::ViewOption) {
        let id = request.text("dnsview_id").ok_or_else(|| Refusal::missing("dnsview_id"))?;
        let view = id.parse().ok().and_then(|id| state.store.view_mut(id)).ok_or_else(no_such_view)?;
        return Ok((view.id, &mut view.configuration.options));
    }
    let missing = || Refusal::missing(target::server_parameters(request));
    let id = target::server(&state.store, request)?.ok_or_else(missing)?.id;
    let server = state.store.server_mut(id).ok_or_else(missing)?;
    Ok((id, &mut server.configuration.options))
}
