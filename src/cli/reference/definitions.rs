//! A definition's fields as tables.

use std::fmt::Write as _;

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::CustomResourceExt as _;
use serde_json::Value;

use super::{assert_page, cell};
use crate::api::{DnsRecord, SolidServer};

/// What is the same in every Kubernetes object and explained there.
const EXPLAINED_ELSEWHERE: [&str; 2] = ["conditions[].", "selector."];

/// A field, or what is said of all items of one.
struct Field {
    path: String,
    type_name: String,
    required: bool,
    description: String,
}

/// What the API server refuses beyond types and bounds.
struct Rule {
    path: String,
    message: String,
}

#[derive(Default)]
struct Found {
    fields: Vec<Field>,
    rules: Vec<Rule>,
}

/// Goes through a schema; `path` is where it stands, empty for the whole.
fn walk(schema: &Value, path: &str, found: &mut Found) {
    for rule in schema["x-kubernetes-validations"].as_array().into_iter().flatten() {
        if let Some(message) = rule["message"].as_str() {
            found.rules.push(Rule { path: path.to_owned(), message: message.to_owned() });
        }
    }
    if schema["type"] == "array" {
        walk(&schema["items"], &format!("{path}[]"), found);
    }
    let required = |name: &str| {
        schema["required"].as_array().is_some_and(|names| names.iter().any(|required| required == name))
    };
    for (name, inner) in schema["properties"].as_object().into_iter().flatten() {
        let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
        if EXPLAINED_ELSEWHERE.iter().any(|part| path.contains(part)) {
            continue;
        }
        found.fields.push(Field {
            path: path.clone(),
            type_name: type_name(inner),
            required: required(name),
            description: inner["description"].as_str().unwrap_or_default().to_owned(),
        });
        walk(inner, &path, found);
    }
}

fn type_name(schema: &Value) -> String {
    match schema["type"].as_str() {
        _ if schema["enum"].is_array() => one_of(&schema["enum"]),
        Some("array") => format!("list of {}", type_name(&schema["items"])),
        Some("object") if schema["additionalProperties"].is_object() => {
            format!("map to {}", type_name(&schema["additionalProperties"]))
        }
        Some(name) => name.to_owned(),
        None => "any".to_owned(),
    }
}

/// The words that may stand there, as long as they are few; the meaning names the others.
fn one_of(words: &Value) -> String {
    let words: Vec<String> = words
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .map(|word| format!("`{word}`"))
        .collect();
    if words.len() > 4 { "word".to_owned() } else { words.join(", ") }
}

fn table(schema: &Value) -> (String, Vec<Rule>) {
    let mut found = Found::default();
    walk(schema, "", &mut found);
    let mut text = "| field | type | meaning |\n|---|---|---|\n".to_owned();
    for field in &found.fields {
        let required = if field.required { ", required" } else { "" };
        let (path, description) = (&field.path, cell(&field.description));
        writeln!(text, "| `{path}` | {}{required} | {description} |", field.type_name).unwrap();
    }
    (text, found.rules)
}

/// The generated part of a definition's page.
fn page(definition: &CustomResourceDefinition) -> String {
    let definition = serde_json::to_value(definition).unwrap();
    let (names, version) = (&definition["spec"]["names"], &definition["spec"]["versions"][0]);
    let properties = &version["schema"]["openAPIV3Schema"]["properties"];
    let word = |value: &Value| value.as_str().unwrap().to_owned();
    let mut text = String::new();
    writeln!(text, "| | |\n|---|---|").unwrap();
    writeln!(text, "| `apiVersion` | `{}/{}` |", word(&definition["spec"]["group"]), word(&version["name"]))
        .unwrap();
    writeln!(text, "| `kind` | `{}` |", word(&names["kind"])).unwrap();
    let short: Vec<String> =
        names["shortNames"].as_array().unwrap().iter().map(|name| format!("`{}`", word(name))).collect();
    writeln!(text, "| kubectl | `{}`, {} |", word(&names["plural"]), short.join(", ")).unwrap();
    writeln!(text, "| scope | {} |", word(&definition["spec"]["scope"])).unwrap();
    let selectable: Vec<String> = version["selectableFields"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|field| format!("`{}`", word(&field["jsonPath"]).trim_start_matches('.')))
        .collect();
    if !selectable.is_empty() {
        writeln!(text, "| `--field-selector` | {} |", selectable.join(", ")).unwrap();
    }
    let (spec, rules) = table(&properties["spec"]);
    write!(text, "\n## spec\n\n{spec}").unwrap();
    writeln!(text, "\n## What `kubectl apply` refuses\n").unwrap();
    let mut said = std::collections::BTreeSet::new();
    let own =
        version["schema"]["openAPIV3Schema"]["x-kubernetes-validations"].as_array().into_iter().flatten();
    let own =
        own.filter_map(|rule| rule["message"].as_str()).map(|message| (String::new(), message.to_owned()));
    for (path, message) in own.chain(rules.into_iter().map(|rule| (rule.path, rule.message))) {
        if said.insert(message.clone()) {
            let path = if path.is_empty() { String::new() } else { format!("`spec.{path}`: ") };
            writeln!(text, "- {path}{}", cell(&message)).unwrap();
        }
    }
    let (status, _) = table(&properties["status"]);
    write!(text, "\n## status\n\n{status}").unwrap();
    writeln!(text, "\n## What `kubectl get` shows\n\n| column | field | meaning |\n|---|---|---|").unwrap();
    for column in version["additionalPrinterColumns"].as_array().unwrap() {
        let wide = if column["priority"] == 1 { " (`-o wide`)" } else { "" };
        let description = cell(column["description"].as_str().unwrap_or_default());
        writeln!(
            text,
            "| {}{wide} | `{}` | {description} |",
            word(&column["name"]),
            word(&column["jsonPath"])
        )
        .unwrap();
    }
    text
}

#[test]
fn the_pages_of_the_definitions_are_what_the_types_say() {
    assert_page("dns-record.md", "src/api/dns_record.rs", &page(&DnsRecord::crd()));
    assert_page("solid-server.md", "src/api/solid_server.rs", &page(&SolidServer::crd()));
}

#[test]
fn every_field_of_a_spec_is_explained() {
    for definition in [DnsRecord::crd(), SolidServer::crd()] {
        let definition = serde_json::to_value(definition).unwrap();
        let mut found = Found::default();
        let properties = &definition["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"];
        walk(&properties["spec"], "", &mut found);
        walk(&properties["status"], "", &mut found);
        assert!(found.fields.len() > 10);
        let unexplained: Vec<&str> = found
            .fields
            .iter()
            .filter(|field| field.description.is_empty())
            .map(|field| field.path.as_str())
            .collect();
        assert_eq!(unexplained, [""; 0]);
    }
}
