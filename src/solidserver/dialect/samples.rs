//! Answers in either dialect, for tests of what both have in common.
//!
//! Columns are given by their `/rest` names; the table of the documentation that turns one into the other is here.

use reqwest::StatusCode;
use serde_json::{Map, Value, json};
use url::form_urlencoded;

use super::{Answer, Dialect, Request};

pub(in crate::solidserver) const DIALECTS: [Dialect; 2] = [Dialect::Rest, Dialect::V2];

/// An answer with this body.
pub(super) fn answer(status: u16, body: &str) -> Answer {
    Answer { status: StatusCode::from_u16(status).unwrap(), body: body.as_bytes().to_vec() }
}

/// A successful list of these rows.
pub(in crate::solidserver) fn page(dialect: Dialect, rows: &[String]) -> Answer {
    let rows = rows.join(",");
    match dialect {
        Dialect::Rest => answer(200, &format!("[{rows}]")),
        Dialect::V2 => answer(200, &format!(r#"{{"success":true,"messages":[],"data":[{rows}]}}"#)),
    }
}

/// The name that a column of a kind of object (`rr`, `zone`, `view`, `server`) has in the dialect.
pub(super) fn column(dialect: Dialect, object: &str, rest: &str) -> String {
    if dialect == Dialect::Rest {
        return rest.to_owned();
    }
    match rest {
        "ttl" => "rr_ttl".to_owned(),
        "delayed_create_time" | "delayed_delete_time" => format!("{object}_{rest}"),
        "vdns_parent_id" => "smart_parent_id".to_owned(),
        _ => {
            for (before, after) in
                [("dnszone_", "zone_"), ("dnsview_", "view_"), ("dns_", "server_"), ("value", "rr_value")]
            {
                if let Some(column) = rest.strip_prefix(before) {
                    return format!("{after}{column}");
                }
            }
            rest.to_owned()
        }
    }
}

/// An object of a list. `/rest` packs class parameters into texts, v2 lists them.
pub(in crate::solidserver) fn object(dialect: Dialect, kind: &str, columns: &[(&str, &str)]) -> String {
    let mut object = Map::new();
    for (name, value) in columns {
        let packed = name.starts_with("rr_class_parameters") || *name == "dnszone_class_parameters";
        if dialect == Dialect::V2 && (packed || *name == "errno") {
            continue;
        }
        object.insert(column(dialect, kind, name), (*value).into());
    }
    let text = |name: &str| {
        columns.iter().rev().find(|column| column.0 == name).map(|column| column.1).unwrap_or_default()
    };
    if dialect == Dialect::V2 && kind == "rr" {
        let packed = |name| -> Vec<(String, String)> {
            form_urlencoded::parse(text(name).as_bytes()).into_owned().collect()
        };
        let properties = packed("rr_class_parameters_properties");
        let sources = packed("rr_class_parameters_inheritance_source");
        let of = |texts: &[(String, String)], key: &str| -> Option<String> {
            texts.iter().find(|text| text.0 == key).map(|text| text.1.clone())
        };
        let parameters = packed("rr_class_parameters").into_iter().map(|(name, value)| {
            let mut entry =
                Map::from_iter([("name".to_owned(), json!(name)), ("value".to_owned(), json!(value))]);
            if let Some((inheritance, propagation)) =
                of(&properties, &name).as_deref().and_then(|text| text.split_once(','))
            {
                entry.insert("inheritance".to_owned(), json!(inheritance));
                entry.insert("propagation".to_owned(), json!(propagation));
            }
            if let Some(source) = of(&sources, &name) {
                entry.insert("source".to_owned(), json!(source));
            }
            Value::Object(entry)
        });
        object.insert("rr_class_parameters".to_owned(), parameters.collect());
    }
    if dialect == Dialect::V2 && kind == "zone" {
        let parameters = form_urlencoded::parse(text("dnszone_class_parameters").as_bytes());
        let parameters = parameters.map(|(name, value)| json!({"name": name, "value": value}));
        object.insert("zone_class_parameters".to_owned(), parameters.collect());
    }
    Value::Object(object).to_string()
}

/// The parameters of a request's query.
pub(super) fn query(request: &Request) -> Vec<(&str, &str)> {
    request.parameters.iter().map(|(name, value)| (*name, &**value)).collect()
}
