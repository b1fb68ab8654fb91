//! Parameters: their names, and the structured ones among them.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde_json::Value;

use crate::request::{Transport, scalar};

/// How the names of arrays end: objects for class parameters, names for those that shall go.
const CLASS_PARAMETERS: &str = "_class_parameters";
const TO_DELETE: &str = "class_parameters_to_delete";

/// Query and body together, by the names that were sent. Arrays are kept as JSON where one is expected; other
/// structures are passed over like any parameter that is not known.
pub(super) fn sent(transport: &Transport) -> BTreeMap<String, String> {
    let mut sent: BTreeMap<String, String> = transport.query.iter().cloned().collect();
    for (name, value) in &transport.body {
        match value {
            Value::Array(_) if is_structured(name) => {
                sent.insert(name.clone(), value.to_string());
            }
            value => sent.extend(scalar(value).map(|text| (name.clone(), text))),
        }
    }
    sent
}

fn is_structured(name: &str) -> bool {
    name.ends_with(CLASS_PARAMETERS) || name == TO_DELETE
}

/// Parameters as `/rest` names and writes them. Unknown names are left out, those of `/rest` among them.
pub(crate) fn in_rest_terms(sent: &BTreeMap<String, String>) -> BTreeMap<String, String> {
    let mut parameters = BTreeMap::new();
    for (name, text) in sent {
        let Some(rest_name) = rest_name(name) else { continue };
        let array = is_structured(name).then(|| serde_json::from_str::<Vec<Value>>(text).ok()).flatten();
        match array {
            Some(names) if name == TO_DELETE => {
                let mut listed = form_urlencoded::Serializer::new(String::new());
                listed.extend_keys_only::<_, String>(names.iter().filter_map(scalar));
                parameters.insert(rest_name.into_owned(), listed.finish());
            }
            Some(entries) => {
                let (values, properties) = class_parameters(&entries);
                parameters.insert(format!("{rest_name}_properties"), properties);
                parameters.insert(rest_name.into_owned(), values);
            }
            None => {
                parameters.insert(rest_name.into_owned(), text.clone());
            }
        }
    }
    parameters
}

/// The `/rest` name of a parameter.
fn rest_name(name: &str) -> Option<Cow<'static, str>> {
    Some(Cow::Borrowed(match name {
        "where" => "WHERE",
        "orderby" => "ORDERBY",
        "select" => "SELECT",
        "tags" => "TAGS",
        "no_parent_class_param" => "NO_PARENT_CLASS_PARAM",
        "limit" => "limit",
        "offset" => "offset",
        "warnings" => "validate_warnings",
        "check_value" => "check_value",
        TO_DELETE => TO_DELETE,
        "server_hostaddr" => "hostaddr",
        "zone_space_id" => "dnszone_site_id",
        "zone_space_name" => "dnszone_site_name",
        "rr_value1" => "value1",
        "rr_value2" => "value2",
        "rr_value3" => "value3",
        "rr_value4" => "value4",
        "rr_value5" => "value5",
        "rr_value6" => "value6",
        "rr_value7" => "value7",
        "rr_id" => "rr_id",
        "rr_name" => "rr_name",
        "rr_type" => "rr_type",
        "rr_glue" => "rr_glue",
        "rr_ttl" => "rr_ttl",
        "rr_class_name" => "rr_class_name",
        "rr_class_parameters" => "rr_class_parameters",
        _ => {
            let renamed = [("server_", "dns_"), ("view_", "dnsview_"), ("zone_", "dnszone_")];
            let renamed = renamed.iter().find_map(|(v2, rest)| Some((name.strip_prefix(v2)?, rest)));
            return renamed.map(|(tail, rest)| Cow::Owned(format!("{rest}{tail}")));
        }
    }))
}

/// `name=value&..` and `name=<inheritance>,<propagation>&..`.
fn class_parameters(entries: &[Value]) -> (String, String) {
    let mut values = form_urlencoded::Serializer::new(String::new());
    let mut properties = form_urlencoded::Serializer::new(String::new());
    for entry in entries {
        let text = |member: &str| entry.get(member).and_then(scalar);
        let Some(name) = text("name").filter(|name| !name.is_empty()) else { continue };
        let inheritance = text("inheritance").unwrap_or_else(|| "set".to_owned());
        if inheritance == "set" {
            values.append_pair(&name, &text("value").unwrap_or_default());
        }
        let propagation = text("propagation");
        if inheritance != "set" || propagation.is_some() {
            let propagation = propagation.unwrap_or_else(|| "propagate".to_owned());
            properties.append_pair(&name, &format!("{inheritance},{propagation}"));
        }
    }
    (values.finish(), properties.finish())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(query: &[(&str, &str)], body: Value) -> BTreeMap<String, String> {
        let Value::Object(body) = body else { panic!("{body}") };
        let query = query.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        in_rest_terms(&sent(&Transport { query, body: body.into_iter().collect() }))
    }

    fn expect(read: &BTreeMap<String, String>, expected: &[(&str, &str)]) {
        let read: Vec<_> = read.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        assert_eq!(read, expected);
    }

    #[test]
    fn names_become_those_of_the_other_dialect() {
        let query = [("where", "a=1"), ("limit", "5"), ("zone_id", "9"), ("server_hostaddr", "10.0.0.1")];
        let body = json!({"view_name": "v", "rr_value1": "x", "rr_ttl": 60, "warnings": "accept",
            "zone_space_id": 4, "server_id": "3"});
        let expected = [
            ("WHERE", "a=1"),
            ("dns_id", "3"),
            ("dnsview_name", "v"),
            ("dnszone_id", "9"),
            ("dnszone_site_id", "4"),
            ("hostaddr", "10.0.0.1"),
            ("limit", "5"),
            ("rr_ttl", "60"),
            ("validate_warnings", "accept"),
            ("value1", "x"),
        ];
        expect(&read(&query, body), &expected);
    }

    #[test]
    fn names_of_the_other_dialect_and_unknown_ones_are_passed_over() {
        let query = [("WHERE", "a=1"), ("dns_name", "s"), ("value1", "x"), ("add_flag", "new_only")];
        expect(&read(&query, json!({"rr_name": {"a": 1}, "rr_type": null, "ttl": 5, "rr_glue": ["a"]})), &[]);
    }

    #[test]
    fn arrays_become_texts() {
        let body = json!({
            "rr_class_parameters": [
                {"name": "a&b", "value": "1=2"},
                {"name": "gone", "inheritance": "inherited"},
                {"name": "own", "value": "é", "inheritance": "set", "propagation": "restrict"},
                {"value": "no name"},
            ],
            "class_parameters_to_delete": ["x", "y&z"],
        });
        let expected = [
            ("class_parameters_to_delete", "x&y%26z"),
            ("rr_class_parameters", "a%26b=1%3D2&own=%C3%A9"),
            ("rr_class_parameters_properties", "gone=inherited%2Cpropagate&own=set%2Crestrict"),
        ];
        expect(&read(&[], body), &expected);
        expect(
            &read(&[], json!({"rr_class_parameters": []})),
            &[("rr_class_parameters", ""), ("rr_class_parameters_properties", "")],
        );
    }
}
