//! What a write sets servers, views and zones to.

use super::class_parameters;
use crate::answer::Refusal;
use crate::columns::SPACE_ID;
use crate::error::Error;
use crate::quirk::Quirks;
use crate::request::{Object, ServiceRequest};
use crate::store::{ClassParameters, Configuration};

/// Parameters that are kept as they are sent, by the columns that show them.
pub(super) const SERVER: &[&str] = &[
    "dns_comment",
    "dns_recursion",
    "dns_forward",
    "dns_forwarders",
    "dns_notify",
    "dns_also_notify",
    "dns_allow_query",
    "dns_allow_query_cache",
    "dns_allow_recursion",
    "dns_allow_transfer",
    "dns_hybrid",
    "dns_role",
    "dns_key_name",
    "dns_key_proto",
    "dns_key_value",
    "dnssec_validation",
    "gss_enabled",
    "gss_keytab_id",
    "ipmdns_type",
    "isolated",
    "querylog_state",
];
pub(super) const VIEW: &[&str] = &[
    "dnsview_recursion",
    "dnsview_allow_query",
    "dnsview_allow_recursion",
    "dnsview_allow_transfer",
    "dnsview_match_clients",
    "dnsview_match_to",
    "dnsview_key_name",
];
pub(super) const ZONE: &[&str] = &[
    "dnszone_masters",
    "dnszone_forward",
    "dnszone_forwarders",
    "dnszone_notify",
    "dnszone_also_notify",
    "dnszone_allow_query",
    "dnszone_allow_transfer",
    "dnszone_allow_update",
    "dnszone_ad_integrated",
    "dnszone_order",
    "dnszone_site_id",
];

/// What the names of an object's parameters begin with.
pub(super) fn prefix(object: Object) -> &'static str {
    match object {
        Object::Server | Object::ServerOption | Object::Member | Object::Space => "dns",
        Object::View | Object::ViewOption => "dnsview",
        Object::Zone => "dnszone",
        Object::Row => "rr",
    }
}

pub(super) fn settable(object: Object) -> &'static [&'static str] {
    match object {
        Object::Server => SERVER,
        Object::View => VIEW,
        Object::Zone => ZONE,
        _ => &[],
    }
}

/// Takes over what is sent; the rest stays.
pub(super) fn apply(
    configuration: &mut Configuration,
    parameters: &mut ClassParameters,
    request: &ServiceRequest,
    object: Object,
    quirks: &Quirks,
    is_edit: bool,
) {
    let prefix = prefix(object);
    for name in settable(object) {
        // A zone's settings go by their bare names too.
        let bare = name.strip_prefix("dnszone_").unwrap_or(name);
        if let Some(value) = request.parameters.get(*name).or_else(|| request.parameters.get(bare)) {
            configuration.settings.insert((*name).to_owned(), value.clone());
        }
    }
    if object == Object::Zone && request.text("dnszone_site_name").is_some() {
        configuration.settings.insert("dnszone_site_id".to_owned(), SPACE_ID.to_owned());
    }
    if let Some(class_name) = request.parameters.get(&format!("{prefix}_class_name")) {
        configuration.class_name.clone_from(class_name);
    }
    class_parameters::apply(parameters, request, prefix, quirks, is_edit);
}

/// What the store cannot do, as the appliance refuses it.
pub(super) fn refused(error: &Error) -> Refusal {
    Refusal::new(20110, error.to_string())
}

/// A parameter whose value cannot be.
pub(super) fn invalid(parameter: &str, message: &str) -> Refusal {
    Refusal { parameters: Some(parameter.to_owned()), ..Refusal::invalid(message) }
}
