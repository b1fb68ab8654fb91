//! The `/rest` dialect: how paths and parameters of its services are read.

use http::Method;
use percent_encoding::percent_decode_str;

use crate::request::{Dialect, Object, Operation, ServiceRequest, Transport, read_form, scalar};

/// Services by what is before the last underscore.
const OBJECTS: [(&str, Object); 9] = [
    ("member", Object::Member),
    ("ip_site", Object::Space),
    ("dns", Object::Server),
    ("dns_server", Object::Server),
    ("dns_server_param", Object::ServerOption),
    ("dns_view", Object::View),
    ("dns_view_param", Object::ViewOption),
    ("dns_zone", Object::Zone),
    ("dns_rr", Object::Row),
];

/// Reads a call; `path` is what follows `/rest/`.
pub(crate) fn read(method: &Method, path: &str, transport: &Transport) -> Option<ServiceRequest> {
    let mut request = ServiceRequest {
        method: method.to_string(),
        dialect: Some(Dialect::Rest),
        ..ServiceRequest::default()
    };
    read_path(path, &mut request);
    request.sent.extend(transport.query.iter().cloned());
    let values = transport.body.iter().filter_map(|(name, value)| Some((name.clone(), scalar(value)?)));
    request.sent.extend(values);
    request.parameters = request.sent.clone();
    request.rest_service.clone_from(&request.service);
    if let Some((object, action)) = request.service.rsplit_once('_') {
        request.object = OBJECTS.iter().find(|(name, _)| *name == object).map(|(_, object)| *object);
        // OPTIONS asks what a service is, and does nothing.
        request.operation =
            if method == Method::OPTIONS { None } else { operation(method, action, &request) };
    }
    Some(request)
}

/// `<service>[&name=value..][/WHERE/<clause>]`: vendor clients glue `&add_flag=` to a path that has no query.
fn read_path(path: &str, request: &mut ServiceRequest) {
    let (service, tail) = path.split_once('/').unwrap_or((path, ""));
    let (service, glued) = service.split_once('&').unwrap_or((service, ""));
    service.clone_into(&mut request.service);
    request.sent.extend(read_form(glued.as_bytes()));
    if let Some((name @ ("WHERE" | "ORDERBY" | "SELECT"), clause)) = tail.split_once('/') {
        let text = clause.replace('+', " ");
        request.sent.insert(name.to_owned(), percent_decode_str(&text).decode_utf8_lossy().into_owned());
    }
}

/// The flag of an add service, not the verb, says whether it adds or edits.
fn operation(method: &Method, action: &str, request: &ServiceRequest) -> Option<Operation> {
    let names_an_object = || match request.object {
        Some(Object::Row) => request.text("rr_id"),
        Some(Object::Zone) => request.text("dnszone_id"),
        Some(Object::View) => request.text("dnsview_id"),
        Some(Object::Server) => request.text("dns_id"),
        _ => None,
    };
    Some(match action {
        "list" => Operation::List,
        "info" => Operation::Info,
        "count" => Operation::Count,
        "delete" => Operation::Delete,
        "add" => match request.parameters.get("add_flag").map(String::as_str) {
            Some("new_only") => Operation::Add,
            Some("edit_only") => Operation::Edit,
            _ if names_an_object().is_some() || method == Method::PUT => Operation::Edit,
            _ => Operation::Add,
        },
        _ => return None,
    })
}
