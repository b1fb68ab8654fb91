//! What a write is about: the server, the zones and the values that its parameters name.

use crate::answer::Refusal;
use crate::quirk::{QuirkName, Quirks};
use crate::request::{Dialect, ServiceRequest};
use crate::store::{Server, Store, Zone, check_name, normalize_name};

/// The parameters that name a server, as the appliance puts it.
pub(super) fn server_parameters(request: &ServiceRequest) -> &'static str {
    match request.answer_dialect() {
        Dialect::Rest => "dns_id/dns_name/hostaddr",
        Dialect::V2 => "server_id/server_name/server_hostaddr",
    }
}

/// The server that a write names; `None` when it names none.
pub(super) fn server<'a>(store: &'a Store, request: &ServiceRequest) -> Result<Option<&'a Server>, Refusal> {
    let found = if let Some(id) = request.text("dns_id") {
        id.parse().ok().and_then(|id| store.server(id))
    } else if let Some(name) = request.text("dns_name") {
        store.server_named(name)
    } else if let Some(address) = request.text("hostaddr") {
        store.servers().find(|server| server.address.to_string() == address)
    } else {
        return Ok(None);
    };
    let server = found.ok_or_else(|| Refusal::new(20101, "DNS server does not exist"))?;
    if server.smart.is_some() {
        return Err(Refusal::new(
            20102,
            "The DNS server belongs to a SMART architecture, which decides what it holds",
        ));
    }
    Ok(Some(server))
}

/// The zones that a write goes to: the one that is named, or the longest that contain the name. Where several views
/// have one and none is named, all of them.
pub(super) fn zones<'a>(
    store: &'a Store,
    server: &Server,
    request: &ServiceRequest,
) -> Result<Vec<&'a Zone>, Refusal> {
    let no_zone = || Refusal::new(20103, "DNS zone does not exist");
    let named = request.text("dnszone_name").or_else(|| request.text("zone"));
    let mut zones: Vec<&Zone> = if let Some(id) = request.text("dnszone_id").filter(|id| *id != "0") {
        let zone = id.parse().ok().and_then(|id| store.zone(id)).filter(|zone| zone.server == server.id);
        vec![zone.ok_or_else(no_zone)?]
    } else if let Some(name) = named {
        store.zones_named(server.id, name).collect()
    } else {
        store.zones_containing(server.id, request.text("rr_name").unwrap_or_default())
    };
    if let Some(id) = request.text("dnsview_id").filter(|id| *id != "0") {
        zones.retain(|zone| zone.view.map(|view| view.to_string()).as_deref() == Some(id));
    }
    if let Some(name) = request.text("dnsview_name") {
        let view = store
            .view_named(server.id, name)
            .ok_or_else(|| Refusal::new(20104, "DNS view does not exist"))?;
        zones.retain(|zone| zone.view == Some(view.id));
    }
    if zones.is_empty() { Err(no_zone()) } else { Ok(zones) }
}

/// Whether rows of a zone can be written here at all.
pub(super) fn check_writable(zone: &Zone) -> Result<(), Refusal> {
    if zone.zone_type != "master" {
        return Err(Refusal::new(
            20105,
            format!("Zone {} is of type {}: its RRs cannot be changed", zone.name, zone.zone_type),
        ));
    }
    if zone.is_rpz {
        return Err(Refusal::new(
            20106,
            format!("Zone {} is a response policy zone: it holds rules, not RRs", zone.name),
        ));
    }
    Ok(())
}

/// The owner name for a zone: `rr_name`, absolute or relative, or `rr_glue`.
pub(super) fn owner_name(request: &ServiceRequest, zone: &Zone, quirks: &Quirks) -> Result<String, Refusal> {
    let given = match (request.text("rr_name"), request.text("rr_glue")) {
        (Some(name), _) => name,
        (None, Some("." | "@")) => "",
        (None, Some(glue)) => glue,
        (None, None) => return Err(Refusal::missing("rr_name")),
    };
    let bare = if given == "." { "" } else { given.strip_suffix('.').unwrap_or(given) };
    let spelled =
        if quirks.is(QuirkName::CaseStorage, "as-sent") { bare.to_owned() } else { bare.to_lowercase() };
    let folded = normalize_name(bare);
    let inside =
        folded == zone.name || folded.strip_suffix(&zone.name).is_some_and(|front| front.ends_with('.'));
    let name = match (inside, spelled.as_str()) {
        (true, _) => spelled,
        (false, "") => zone.name.clone(),
        (false, relative) => format!("{relative}.{}", zone.name),
    };
    check_name(&name).map_err(|_| Refusal {
        parameters: Some("rr_name".to_owned()),
        ..Refusal::invalid("Invalid RR name")
    })?;
    Ok(name)
}

/// `valueN` or `rr_valueN`, each place by itself; `None` where neither is sent.
pub(super) fn values(request: &ServiceRequest) -> [Option<&str>; 7] {
    const NAMES: [(&str, &str); 7] = [
        ("value1", "rr_value1"),
        ("value2", "rr_value2"),
        ("value3", "rr_value3"),
        ("value4", "rr_value4"),
        ("value5", "rr_value5"),
        ("value6", "rr_value6"),
        ("value7", "rr_value7"),
    ];
    NAMES.map(|(short, long)| {
        request.parameters.get(short).or_else(|| request.parameters.get(long)).map(String::as_str)
    })
}
