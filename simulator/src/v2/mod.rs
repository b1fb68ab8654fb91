//! The `/api/v2.0` dialect: its paths, parameters, columns and answers. What the services do is the same in both
//! dialects; only how it is said differs, and that is all here.

mod answer;
mod columns;
mod parameters;

use http::Method;

pub(crate) use answer::{count, identifier, messages, refusal, rows};
pub(crate) use columns::{ROW, SERVER, VIEW, ZONE};
pub(crate) use parameters::in_rest_terms;

use crate::request::{Dialect, Object, Operation, ServiceRequest, Transport};

/// Path below `/api/v2.0/`, method, what it is about and does, and the `/rest` service that does the same.
const PATHS: &[(&str, Method, Object, Operation, &str)] = &[
    ("dns/server/list", Method::GET, Object::Server, Operation::List, "dns_server_list"),
    ("dns/server/info", Method::GET, Object::Server, Operation::Info, "dns_server_info"),
    ("dns/server/count", Method::GET, Object::Server, Operation::Count, "dns_server_count"),
    ("dns/view/list", Method::GET, Object::View, Operation::List, "dns_view_list"),
    ("dns/view/info", Method::GET, Object::View, Operation::Info, "dns_view_info"),
    ("dns/view/count", Method::GET, Object::View, Operation::Count, "dns_view_count"),
    ("dns/zone/list", Method::GET, Object::Zone, Operation::List, "dns_zone_list"),
    ("dns/zone/info", Method::GET, Object::Zone, Operation::Info, "dns_zone_info"),
    ("dns/zone/count", Method::GET, Object::Zone, Operation::Count, "dns_zone_count"),
    ("dns/view/add", Method::POST, Object::View, Operation::Add, "dns_view_add"),
    ("dns/view/edit", Method::PUT, Object::View, Operation::Edit, "dns_view_add"),
    ("dns/view/delete", Method::DELETE, Object::View, Operation::Delete, "dns_view_delete"),
    ("dns/zone/add", Method::POST, Object::Zone, Operation::Add, "dns_zone_add"),
    ("dns/zone/edit", Method::PUT, Object::Zone, Operation::Edit, "dns_zone_add"),
    ("dns/zone/delete", Method::DELETE, Object::Zone, Operation::Delete, "dns_zone_delete"),
    ("dns/rr/list", Method::GET, Object::Row, Operation::List, "dns_rr_list"),
    ("dns/rr/info", Method::GET, Object::Row, Operation::Info, "dns_rr_info"),
    ("dns/rr/count", Method::GET, Object::Row, Operation::Count, "dns_rr_count"),
    ("dns/rr/add", Method::POST, Object::Row, Operation::Add, "dns_rr_add"),
    ("dns/rr/edit", Method::PUT, Object::Row, Operation::Edit, "dns_rr_add"),
    ("dns/rr/delete", Method::DELETE, Object::Row, Operation::Delete, "dns_rr_delete"),
];

/// Reads a call; `path` is what follows `/api/v2.0/`. `None` where there is no such path, or not with this method.
pub(crate) fn read(method: &Method, path: &str, transport: &Transport) -> Option<ServiceRequest> {
    let path = path.strip_suffix('/').unwrap_or(path);
    let (_, _, object, operation, rest_service) =
        PATHS.iter().find(|(known, by, ..)| *known == path && by == method)?;
    let sent = parameters::sent(transport);
    Some(ServiceRequest {
        method: method.to_string(),
        service: path.to_owned(),
        rest_service: (*rest_service).to_owned(),
        dialect: Some(Dialect::V2),
        object: Some(*object),
        operation: Some(*operation),
        parameters: in_rest_terms(&sent),
        sent,
    })
}
