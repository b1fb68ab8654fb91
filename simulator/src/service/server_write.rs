//! `dns_add` and `dns_delete`: servers.

use std::net::Ipv4Addr;

use super::configure::{self, invalid, refused};
use super::flag::Flag;
use crate::answer::{Answer, Refusal};
use crate::quirk::QuirkName;
use crate::request::{Object, ServiceRequest};
use crate::seed::SeedServer;
use crate::state::State;
use crate::store::{ARCHITECTURES, Server, check_name};

const TYPES: [&str; 6] = ["ipm", "msdaemon", "ans", "aws", "other", "vdns"];

pub(super) fn write(state: &mut State, request: &ServiceRequest, now_ms: u64) -> Result<Answer, Refusal> {
    let flag = Flag::read(request)?;
    let known = find(state, request)?.map(|server| server.id);
    let address = match request.text("hostaddr") {
        Some(text) => Some(text.parse().map_err(|_| invalid("hostaddr", "Invalid address"))?),
        None => None,
    };
    let (id, is_edit) = match (flag, known) {
        (Flag::EditOnly, None) => return Err(no_such_server()),
        (Flag::EditOnly | Flag::NewEdit, Some(id)) => (id, true),
        (_, Some(id)) if state.quirks.is(QuirkName::DuplicateAdd, "edit") => (id, true),
        (_, Some(_)) => return Err(Refusal::new(20111, "DNS server already exists")),
        (_, None) => (add(state, request, address, now_ms)?, false),
    };
    let State { store, quirks, .. } = state;
    let server = store.server_mut(id).ok_or_else(no_such_server)?;
    server.address = address.unwrap_or(server.address);
    let (configuration, parameters) = (&mut server.configuration, &mut server.parameters);
    if let Some(kind) = request.text("dns_type").filter(|_| !is_edit) {
        configuration.settings.insert("dns_type".to_owned(), kind.to_owned());
    }
    configure::apply(configuration, parameters, request, Object::Server, quirks, is_edit);
    Ok(Answer::written(request, Object::Server, id, &state.quirks))
}

fn add(
    state: &mut State,
    request: &ServiceRequest,
    address: Option<Ipv4Addr>,
    now_ms: u64,
) -> Result<u64, Refusal> {
    let kind = request.text("dns_type").unwrap_or("ipm");
    if !TYPES.contains(&kind) {
        return Err(invalid("dns_type", "Invalid DNS server type"));
    }
    let is_smart = kind == "vdns" || request.text("vdns_arch").is_some();
    let Some(name) = request.text("dns_name").filter(|_| is_smart || address.is_some()) else {
        return Err(Refusal::missing("dns_name/hostaddr"));
    };
    check_name(name).map_err(|_| invalid("dns_name", "Invalid DNS server name"))?;
    let architecture = request.text("vdns_arch").unwrap_or("masterslave").to_lowercase();
    if is_smart && !ARCHITECTURES.contains(&architecture.as_str()) {
        return Err(invalid("vdns_arch", "Invalid SMART architecture"));
    }
    let seed = SeedServer { architecture: is_smart.then_some(architecture), ..SeedServer::new(name) };
    let cause = state.immediate(now_ms);
    state.store.seed_server(&seed, &state.quirks, cause).map_err(|error| refused(&error))
}

pub(super) fn delete(state: &mut State, request: &ServiceRequest) -> Result<Answer, Refusal> {
    if request.text("dns_id").is_none() && request.text("dns_name").is_none() {
        return Err(Refusal::missing("dns_id/dns_name"));
    }
    let server = find(state, request)?.ok_or_else(no_such_server)?;
    if server.smart.is_some() {
        return Err(Refusal::new(20102, "The DNS server belongs to a SMART architecture"));
    }
    let id = server.id;
    state.store.drop_server(id);
    Ok(Answer::deleted(request, Object::Server, id, &state.quirks))
}

fn find<'a>(state: &'a State, request: &ServiceRequest) -> Result<Option<&'a Server>, Refusal> {
    match (request.text("dns_id"), request.text("dns_name")) {
        (Some(id), _) => {
            let server = id.parse().ok().and_then(|id| state.store.server(id));
            server.map(Some).ok_or_else(no_such_server)
        }
        (None, Some(name)) => Ok(state.store.server_named(name)),
        (None, None) => Ok(None),
    }
}

fn no_such_server() -> Refusal {
    Refusal::new(20101, "DNS server does not exist")
}
