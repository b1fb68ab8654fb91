//! The definitions as Kubernetes and people read them: descriptions, defaults, messages.

use kube::CustomResourceExt as _;
use serde_json::Value;
use solidserver_operator::api::{DnsRecord, SolidServer};

/// Calls `visit` with each node of a schema and its path.
fn walk(path: &str, node: &Value, visit: &mut impl FnMut(&str, &Value)) {
    visit(path, node);
    for (name, property) in node["properties"].as_object().into_iter().flatten() {
        walk(&format!("{path}.{name}"), property, visit);
    }
    for below in ["items", "additionalProperties"] {
        if node[below].is_object() {
            walk(&format!("{path}[]"), &node[below], visit);
        }
    }
}

fn schemas() -> [Value; 2] {
    [DnsRecord::crd(), SolidServer::crd()].map(|definition| {
        serde_json::to_value(definition).unwrap()["spec"]["versions"][0]["schema"]["openAPIV3Schema"].take()
    })
}

#[test]
fn every_field_is_described_for_kubectl_explain() {
    let mut described = 0;
    let mut silent = Vec::new();
    for schema in schemas() {
        walk("", &schema, &mut |path, node| match node["description"].as_str() {
            Some(text) if text.len() > 10 && !text.contains('\n') => described += 1,
            _ if path.ends_with("[]") => {}
            other => silent.push(format!("{path}: {other:?}")),
        });
    }
    assert_eq!(silent, [""; 0]);
    assert!(described > 90, "{described} fields were looked at");
}

#[test]
fn every_optional_field_of_a_spec_says_what_holds_without_it() {
    for schema in schemas() {
        walk("spec", &schema["properties"]["spec"], &mut |path, node| {
            let required: Vec<&str> =
                node["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
            for (name, property) in node["properties"].as_object().into_iter().flatten() {
                let description = property["description"].as_str().unwrap_or_default();
                let explained = description.contains("Default: ")
                    // A group of settings, each of which says its own.
                    || property["properties"].is_object()
                    || path.contains(".selector");
                assert!(required.contains(&name.as_str()) || explained, "{path}.{name}: {description}");
            }
        });
    }
}

#[test]
fn a_default_is_written_by_nobody_but_for_the_generation_not_seen() {
    for schema in schemas() {
        let mut defaults = Vec::new();
        walk("", &schema, &mut |path, node| {
            if let Some(default) = node.get("default") {
                defaults.push(format!("{path} {default}"));
            }
            // An explicit null is dropped by the API server, so that rules need not think of it.
            assert!(path == ".status" || node.get("nullable").is_none(), "{path} is nullable");
            let format = node["format"].as_str().unwrap_or_default();
            assert!(
                ["", "int64", "date-time"].contains(&format),
                "{path}: {format} is unknown to Kubernetes"
            );
        });
        assert_eq!(defaults, [".status {\"observedGeneration\":-1}", ".status.observedGeneration -1"]);
    }
}

#[test]
fn every_rule_has_a_message_with_an_example_and_a_field() {
    let mut rules = 0;
    for schema in schemas() {
        walk("", &schema, &mut |path, node| {
            for rule in node["x-kubernetes-validations"].as_array().into_iter().flatten() {
                let message = rule["message"].as_str().unwrap_or_default();
                assert!(
                    message.contains("for example") || message.contains("; write the output of:"),
                    "{path}: {message}"
                );
                assert!(!message.contains('\n') && message.len() <= 600, "{path}: {message}");
                // Rules of a single field are reported at that field; others have to name one.
                let of_one_field = node["type"] != "object" || node.get("additionalProperties").is_some();
                let is_named = rule.get("fieldPath").is_some() || message.starts_with("metadata.name ");
                assert!(of_one_field || is_named, "{path}: {message}");
                rules += 1;
            }
        });
    }
    assert!(rules >= 40, "{rules} rules were looked at");
}
