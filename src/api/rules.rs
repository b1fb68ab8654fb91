//! What `kubectl apply` refuses: the CEL rules of both kinds.
//!
//! A rule judges shape and ranges, in one RE2 pattern where it can: the API server estimates what a rule can cost from the
//! length of patterns and values, and splitting values or turning their parts into numbers exceeds that budget.
//! What CEL cannot judge, the record model does (docs/reference/cel-limits.md). Every message names the field, says what is
//! wrong and shows what is right.

mod dns_record;
mod patterns;
mod solid_server;
mod values;

use kube::core::{Reason, Rule};
use schemars::Schema;
use serde_json::Value;

pub(super) use dns_record::{
    class_name, class_parameters, dns_record_spec, dns_server, fixed_dns_server, fixed_solid_server,
    fixed_view, fixed_zone, fqdn, object_name, view, zone,
};
pub(super) use solid_server::{
    allowed_namespaces, ca_bundle, endpoint, grant_name, guard_window, name_servers, request_timeout,
    resync_interval, solid_server_spec, tls, ttl_limits,
};

/// The largest number of characters of all values of a DnsRecord together. More could exceed, for long patterns, what the
/// API server lets a rule cost at run time.
pub(super) const VALUES_TOGETHER: usize = 60_000;

/// The longest `metadata.name` of a DnsRecord, so that the ownership mark fits into a class parameter.
pub(super) const LONGEST_OBJECT_NAME: usize = 120;

/// A rule and its message.
fn rule(text: &str, message: &str) -> Rule {
    Rule::new(text).message(message).reason(Reason::FieldValueInvalid)
}

/// Adds a rule to a schema.
fn add(schema: &mut Schema, rule: &Rule) {
    if let Ok(rule) = serde_json::to_value(rule) {
        push(schema, rule);
    }
}

/// Adds a rule with a CEL expression that makes a better message than its own, which stays for the case that the expression
/// fails, for example on a value with a line break.
fn add_explained(schema: &mut Schema, rule: &Rule, message_expression: &str) {
    if let Ok(mut rule) = serde_json::to_value(rule) {
        rule["messageExpression"] = message_expression.into();
        push(schema, rule);
    }
}

fn push(schema: &mut Schema, rule: Value) {
    let rules =
        schema.ensure_object().entry("x-kubernetes-validations").or_insert_with(|| Value::Array(Vec::new()));
    if let Value::Array(rules) = rules {
        rules.push(rule);
    }
}
