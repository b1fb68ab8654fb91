//! What a service says of itself when it is asked with OPTIONS.

use super::columns_of;
use super::configure::{prefix, settable};
use crate::answer::{Answer, push_member};
use crate::request::{Object, ServiceRequest};

const LIST: &[&str] = &["WHERE", "ORDERBY", "SELECT", "TAGS", "NO_PARENT_CLASS_PARAM", "limit", "offset"];
const COUNT: &[&str] = &["WHERE", "TAGS"];
/// What names the server of a write.
const SERVER: &[&str] = &["dns_id", "dns_name", "hostaddr"];
const ADDED: &[&str] = &["class_parameters_to_delete", "add_flag", "validate_warnings"];
const VALUES: &[&str] =
    &["rr_value1", "rr_value2", "rr_value3", "rr_value4", "rr_value5", "rr_value6", "rr_value7"];
const SHORT_VALUES: &[&str] = &["value1", "value2", "value3", "value4", "value5", "value6", "value7"];
const ROW_PLACE: &[&str] = &[
    "rr_id",
    "dnszone_id",
    "zone",
    "dnszone_name",
    "dnszone_site_id",
    "dnsview_id",
    "dnsview_name",
    "rr_name",
    "rr_ttl",
    "rr_type",
];
const ROW_ADDED: &[&str] = &["rr_glue", "check_value", "serial_type"];
/// What a write answers with.
const WRITTEN: &[&str] = &[
    "ret_oid",
    "errno",
    "errmsg",
    "msg",
    "severity",
    "parameters",
    "param_format",
    "param_value",
    "ret_code",
];

/// The description of a service: what must be given, then one entry for each parameter. `None` for an unknown one.
pub(super) fn service(request: &ServiceRequest) -> Option<Answer> {
    let object = request.object?;
    let (_, action) = request.service.rsplit_once('_')?;
    let mut body = String::from("[{");
    push_member(&mut body, "errno", "0");
    push_member(&mut body, "description", &format!("{action}: {}", object.as_str()));
    body.push('}');
    let (addition, edition) = mandatory(object, action)?;
    for (name, parameters) in [("mandatory_addition_params", addition), ("mandatory_edition_params", edition)]
    {
        if !parameters.is_empty() {
            body.push_str(",{");
            push_member(&mut body, name, parameters);
            body.push('}');
        }
    }
    for name in inputs(object, action) {
        push_parameter(&mut body, "in", &name);
    }
    if matches!(action, "add" | "delete") {
        WRITTEN.iter().for_each(|name| push_parameter(&mut body, "out", name));
    } else if action == "count" {
        push_parameter(&mut body, "out", "total");
    } else {
        columns_of(request, object).iter().for_each(|column| push_parameter(&mut body, "out", column.name));
    }
    body.push(']');
    Some(Answer::json(200, body))
}

fn push_parameter(body: &mut String, direction: &str, name: &str) {
    let kind =
        if name.ends_with("_id") || matches!(name, "limit" | "offset" | "rr_ttl") { "int" } else { "string" };
    body.push_str(",{");
    for (member, value) in [("param_type", direction), ("name", name), ("descr", ""), ("type", kind)] {
        push_member(body, member, value);
    }
    body.push('}');
}

/// What an addition and an edition must be given, in the appliance's own notation.
fn mandatory(object: Object, action: &str) -> Option<(&'static str, &'static str)> {
    const ROW: &str = "rr_name && rr_type && value1 && (dns_id || dns_name || hostaddr)";
    const VIEW: &str = "dnsview_name && (dns_id || dns_name || hostaddr)";
    const ZONE: &str =
        "dnszone_name && dnszone_type && (dnsview_id || dnsview_name) && (dns_id || dns_name || hostaddr)";
    Some(match (object, action) {
        (_, "list" | "info" | "count") => ("", ""),
        (Object::Row, "add") => {
            (ROW, "rr_id || (rr_name && rr_type && value1 && (dns_id || dns_name || hostaddr))")
        }
        (Object::Row, "delete") => ("", "rr_id || (rr_name && (dns_id || dns_name || hostaddr))"),
        (Object::View, "add") => (VIEW, "dnsview_id || (dnsview_name && (dns_id || dns_name || hostaddr))"),
        (Object::View, "delete") => ("", "dnsview_id || (dnsview_name && (dns_id || dns_name || hostaddr))"),
        (Object::Zone, "add") => (ZONE, "dnszone_id || (dnszone_name && (dns_id || dns_name || hostaddr))"),
        (Object::Zone, "delete") => ("", "dnszone_id || (dnszone_name && (dns_id || dns_name || hostaddr))"),
        (Object::Server, "add") => ("dns_name && (hostaddr || dns_type == 'vdns')", "dns_id || dns_name"),
        (Object::Server, "delete") => ("", "dns_id || dns_name"),
        (Object::ServerOption, "add" | "delete") => ("param_key && (dns_id || dns_name || hostaddr)", ""),
        (Object::ViewOption, "add" | "delete") => ("param_key && dnsview_id", ""),
        _ => return None,
    })
}

fn inputs(object: Object, action: &str) -> Vec<String> {
    let id = match object {
        Object::Member => "member_id",
        Object::Space => "site_id",
        Object::Server | Object::ServerOption => "dns_id",
        Object::View | Object::ViewOption => "dnsview_id",
        Object::Zone => "dnszone_id",
        Object::Row => "rr_id",
    };
    let class = |what: &str| format!("{}_class_{what}", prefix(object));
    let lists: &[&[&str]] = match (object, action) {
        (_, "list") => &[LIST],
        (_, "count") => &[COUNT],
        (_, "info") => &[&[id]],
        (Object::Row, "add") => &[SERVER, ROW_PLACE, ROW_ADDED, VALUES, SHORT_VALUES, ADDED],
        (Object::Row, _) => &[SERVER, ROW_PLACE, VALUES, &["validate_warnings"]],
        (Object::ServerOption | Object::ViewOption, "add") => {
            &[SERVER, &["dnsview_id", "param_key", "param_value"]]
        }
        (Object::ServerOption | Object::ViewOption, _) => &[SERVER, &["dnsview_id", "param_key"]],
        (Object::Server, "add") => &[SERVER, &["dns_type", "vdns_arch"], ADDED],
        (Object::View, "add") => &[SERVER, &["dnsview_id", "dnsview_name", "dnsview_order"], ADDED],
        (Object::Zone, "add") => &[
            SERVER,
            &[
                "dnszone_id",
                "dnszone_name",
                "zone",
                "dnszone_type",
                "zone_type",
                "dnszone_is_rpz",
                "dnsview_id",
            ],
            &["dnsview_name", "dnszone_site_name"],
            ADDED,
        ],
        (Object::Server, _) => &[SERVER, &["validate_warnings"]],
        (Object::View, _) => &[SERVER, &["dnsview_id", "dnsview_name", "validate_warnings"]],
        (Object::Zone, _) => &[
            SERVER,
            &["dnszone_id", "dnszone_name", "zone", "dnsview_id", "dnsview_name", "validate_warnings"],
        ],
        (Object::Member | Object::Space, _) => &[],
    };
    let mut names: Vec<String> = lists.iter().copied().flatten().map(|name| (*name).to_owned()).collect();
    if action == "add" && !matches!(object, Object::ServerOption | Object::ViewOption) {
        names.extend(settable(object).iter().map(|name| (*name).to_owned()));
        names.extend(["name", "parameters", "parameters_properties"].map(class));
    }
    names
}
