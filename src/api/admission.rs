//! What the API server says of an object, judged without one: the schema of the definition, and its CEL rules, evaluated by kube.
//!
//! kube judges the rules; what is judged here beside it is the schema's own bounds (types, required and unknown fields, enumerations,
//! lengths, ranges), which CEL knows nothing of.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use kube::CustomResourceExt;
use kube::core::cel::cel::extractors::This;
use kube::core::cel::cel::{Context, Value as CelValue, to_value};
use kube::core::cel::{CompiledSchema, KubeCelExt as _, Validator, compile_schema};
use regex::Regex;
use serde_json::{Map, Value};

/// The longest name of an object (RFC 1123 subdomain).
const LONGEST_NAME: usize = 253;

/// One reason for which the API server refuses an object.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Violation {
    /// The field, such as `spec.values[0]`; empty for the object as a whole.
    pub field: String,
    /// What is wrong with it.
    pub message: String,
}

/// The definition cannot be read, which is a defect.
#[derive(Debug, thiserror::Error)]
#[error("the custom resource definition has no schema that can be evaluated")]
pub struct NoSchema;

/// Judges the objects of one kind.
pub struct Admission {
    schema: Value,
    compiled: CompiledSchema,
    validator: Validator,
    /// For a first look: as kube's own, but each pattern is compiled once and not anew for each value.
    context: Context<'static>,
}

impl Admission {
    /// Takes schema and rules from the definition of a kind.
    ///
    /// # Errors
    /// [`NoSchema`], which would be a defect.
    pub fn of<K: CustomResourceExt>() -> Result<Self, NoSchema> {
        let definition = serde_json::to_value(K::crd()).map_err(|_| NoSchema)?;
        let schema = definition.pointer("/spec/versions/0/schema/openAPIV3Schema").ok_or(NoSchema)?.clone();
        let compiled = compile_schema(&schema);
        let mut context = Context::default().with_all();
        let patterns = Mutex::new(HashMap::<Arc<String>, Option<Regex>>::new());
        context.add_function("matches", move |This(text): This<Arc<String>>, pattern: Arc<String>| {
            let mut patterns = patterns.lock().unwrap_or_else(PoisonError::into_inner);
            let regex = patterns.entry(pattern).or_insert_with_key(|pattern| Regex::new(pattern).ok());
            // One that is no pattern is left to kube.
            regex.as_ref().is_some_and(|regex| regex.is_match(&text))
        });
        Ok(Self { schema, compiled, validator: Validator::new(), context })
    }

    /// Why the API server would refuse to create the object, or to make `old` into it. Nothing when it would take it.
    ///
    /// What the API server itself puts into an object (status, managed fields) is not looked at.
    #[must_use]
    pub fn judge(&self, object: &Value, old: Option<&Value>) -> Vec<Violation> {
        let mut violations = Vec::new();
        names(object, &mut violations);
        let mut written = object.clone();
        if let Some(written) = written.as_object_mut() {
            written.remove("status");
        }
        prune_nulls(&mut written);
        bounds(&self.schema, &written, "", &mut violations);
        // As the API server does it: rules are not asked about what has not even the right shape.
        if violations.is_empty() && !self.all_rules_hold(&self.compiled, &written, old) {
            let errors = self.validator.validate_compiled(&self.compiled, &written, old).err();
            violations.extend(errors.into_iter().flatten().map(|error| Violation {
                field: error.field_path.trim_start_matches('.').to_owned(),
                message: error.message.clone(),
            }));
        }
        violations.sort();
        violations.dedup();
        violations
    }

    /// A first look at all rules: where every one holds there is nothing to say; what one of them says, kube finds out.
    fn all_rules_hold(&self, schema: &CompiledSchema, value: &Value, old: Option<&Value>) -> bool {
        let node = || -> Option<bool> {
            if schema.validations.is_empty() {
                return Some(true);
            }
            let mut context = self.context.new_inner_scope();
            context.add_variable_from_value("self", to_value(value).ok()?);
            if let Some(old) = old {
                context.add_variable_from_value("oldSelf", to_value(old).ok()?);
            }
            let holds = |rule: &Result<_, _>| match rule {
                Ok(rule) => {
                    let rule: &kube::core::cel::CompilationResult = rule;
                    let skipped = rule.is_transition_rule && old.is_none();
                    skipped || matches!(rule.program.execute(&context), Ok(CelValue::Bool(true)))
                }
                Err(_) => false,
            };
            Some(schema.validations.iter().all(holds))
        };
        let below = |child: &CompiledSchema, key: &str, value: &Value| {
            self.all_rules_hold(child, value, old.and_then(|old| old.get(key)))
        };
        let fields = || {
            value.as_object().is_none_or(|fields| {
                fields.iter().all(|(key, value)| match schema.properties.get(key) {
                    Some(child) => below(child, key, value),
                    None => {
                        schema.additional_properties.as_ref().is_none_or(|child| below(child, key, value))
                    }
                })
            })
        };
        let items = || match (&schema.items, value.as_array()) {
            (Some(child), Some(items)) => items
                .iter()
                .enumerate()
                .all(|(index, item)| self.all_rules_hold(child, item, old.and_then(|old| old.get(index)))),
            _ => true,
        };
        let branches = [&schema.all_of, &schema.one_of, &schema.any_of];
        node() == Some(true)
            && fields()
            && items()
            && branches.into_iter().flatten().all(|branch| self.all_rules_hold(branch, value, old))
    }
}

/// A field that is null counts as left out.
fn prune_nulls(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            fields.retain(|_, value| !value.is_null());
            fields.values_mut().for_each(prune_nulls);
        }
        Value::Array(items) => items.iter_mut().for_each(prune_nulls),
        _ => {}
    }
}

/// Name and namespace of the object.
fn names(object: &Value, violations: &mut Vec<Violation>) {
    let mut check = |field: &str, longest: usize, dots: bool| {
        let pointer = format!("/{}", field.replace('.', "/"));
        let Some(name) = object.pointer(&pointer) else { return };
        let letter = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
        let label = |label: &str| {
            let ends = label.as_bytes().first().zip(label.as_bytes().last());
            ends.is_some_and(|(first, last)| letter(*first) && letter(*last))
                && label.bytes().all(|byte| letter(byte) || byte == b'-')
        };
        let good = name.as_str().is_some_and(|name| {
            name.len() <= longest && if dots { name.split('.').all(label) } else { label(name) }
        });
        if !good {
            let dot = if dots { " and \".\"" } else { "" };
            let message = format!(
                "{name} is no name: at most {longest} lower-case letters, digits, \"-\"{dot}, with a letter or digit at both ends"
            );
            violations.push(Violation { field: field.to_owned(), message });
        }
    };
    check("metadata.name", LONGEST_NAME, true);
    check("metadata.namespace", 63, false);
}

/// What the schema itself says of a value.
fn bounds(schema: &Value, value: &Value, field: &str, violations: &mut Vec<Violation>) {
    let mut refuse = |message: String| violations.push(Violation { field: field.to_owned(), message });
    let number = |key: &str| schema.get(key).and_then(Value::as_f64);
    let size =
        |key: &str| schema.get(key).and_then(Value::as_u64).and_then(|size| usize::try_from(size).ok());
    if let Some(expected) = schema.get("type").and_then(Value::as_str)
        && !is_of(expected, value)
    {
        refuse(format!("must be of type {expected}, not {}", kind(value)));
        return;
    }
    if let Some(allowed) = schema.get("enum").and_then(Value::as_array)
        && !allowed.contains(value)
    {
        let allowed: Vec<String> = allowed.iter().map(plain).collect();
        refuse(format!("{} is none of {}", plain(value), allowed.join(", ")));
    }
    let mut within = |size: usize, least: Option<usize>, most: Option<usize>, what: &str| {
        if least.is_some_and(|least| size < least) || most.is_some_and(|most| size > most) {
            let (least, most) =
                (least.unwrap_or(0), most.map_or("any number".to_owned(), |most| most.to_string()));
            refuse(format!("has {size} {what}; it must have {least} to {most}"));
        }
    };
    match value {
        Value::String(text) => {
            within(text.chars().count(), size("minLength"), size("maxLength"), "characters");
        }
        Value::Array(items) => {
            within(items.len(), size("minItems"), size("maxItems"), "entries");
            if let Some(schema) = schema.get("items") {
                for (index, item) in items.iter().enumerate() {
                    bounds(schema, item, &format!("{field}[{index}]"), violations);
                }
            }
        }
        Value::Object(fields) => {
            within(fields.len(), size("minProperties"), size("maxProperties"), "fields");
            of_fields(schema, fields, field, violations);
        }
        Value::Number(actual) => {
            let actual = actual.as_f64().unwrap_or(f64::NAN);
            let (least, most) = (number("minimum"), number("maximum"));
            if least.is_some_and(|least| actual < least) || most.is_some_and(|most| actual > most) {
                let shown = |bound: Option<f64>| bound.map_or("any".to_owned(), |bound| bound.to_string());
                refuse(format!("is {actual}; it must be {} to {}", shown(least), shown(most)));
            }
        }
        Value::Bool(_) | Value::Null => {}
    }
}

fn of_fields(schema: &Value, fields: &Map<String, Value>, field: &str, violations: &mut Vec<Violation>) {
    let path = |key: &str| if field.is_empty() { key.to_owned() } else { format!("{field}.{key}") };
    let properties = schema.get("properties").and_then(Value::as_object);
    let required = schema.get("required").and_then(Value::as_array).into_iter().flatten();
    for key in required.filter_map(Value::as_str).filter(|key| !fields.contains_key(*key)) {
        violations.push(Violation { field: path(key), message: "is missing".to_owned() });
    }
    for (key, value) in fields {
        // Kubernetes' own, which the definition says nothing of.
        if field.is_empty() && ["apiVersion", "kind", "metadata"].contains(&key.as_str()) {
            continue;
        }
        let child = properties.and_then(|properties| properties.get(key));
        match child.or_else(|| schema.get("additionalProperties").filter(|schema| schema.is_object())) {
            Some(child) => bounds(child, value, &path(key), violations),
            None if properties.is_none() => {}
            None => violations
                .push(Violation { field: path(key), message: "is no field of this kind".to_owned() }),
        }
    }
}

fn is_of(expected: &str, value: &Value) -> bool {
    match expected {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "boolean" => value.is_boolean(),
        "integer" => value.is_i64() || value.is_u64(),
        "number" => value.is_number(),
        _ => true,
    }
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::api::{DnsRecord, SolidServer};

    fn record(spec: impl Into<Value>) -> Value {
        let spec: Value = spec.into();
        json!({"apiVersion": "solidserver.dev/v1alpha1", "kind": "DnsRecord",
               "metadata": {"name": "www", "namespace": "shop"}, "spec": spec})
    }

    fn fields(violations: &[Violation]) -> Vec<&str> {
        violations.iter().map(|violation| violation.field.as_str()).collect()
    }

    #[test]
    fn a_good_object_is_taken_and_each_kind_of_fault_is_named() {
        let admission = Admission::of::<DnsRecord>().unwrap();
        let good = json!({"fqdn": "www.shop.example.com", "type": "A", "values": ["192.0.2.10"], "ttl": 600});
        assert_eq!(admission.judge(&record(good.clone()), None), []);
        let with = |key: &str, value: Value| {
            let mut spec = good.clone();
            spec[key] = value;
            admission.judge(&record(spec), None)
        };
        for (key, value, field, words) in [
            ("type", json!("AFSDB"), "spec.type", "AFSDB is none of"),
            ("ttl", json!("600"), "spec.ttl", "must be of type integer, not string"),
            ("ttl", json!(-1), "spec.ttl", "is -1; it must be 0 to 2147483647"),
            ("values", json!([]), "spec.values", "has 0 entries; it must have 1 to 64"),
            ("values", json!([true]), "spec.values[0]", "must be of type string, not boolean"),
            ("values", json!(["2001:db8::1"]), "spec.values", "A"),
            ("tll", json!(60), "spec.tll", "is no field of this kind"),
            ("zone", json!("other.example.net"), "spec.zone", "zone is not the end of fqdn"),
            ("classParameters", json!({"k8s_owner": "me"}), "spec.classParameters", "do not begin with k8s_"),
            ("solidServerRef", json!({}), "spec.solidServerRef.name", "is missing"),
        ] {
            let violations = with(key, value);
            assert_eq!(fields(&violations), [field], "{violations:?}");
            assert!(violations[0].message.contains(words), "{violations:?}");
        }
        let mut named = record(good.clone());
        named["metadata"]["name"] = "No_Name".into();
        assert_eq!(fields(&admission.judge(&named, None)), ["metadata.name"]);
    }

    #[test]
    fn what_may_not_change_is_judged_against_the_object_as_it_is() {
        let admission = Admission::of::<DnsRecord>().unwrap();
        let of = |zone: &str| {
            record(
                json!({"fqdn": "www.shop.example.com", "type": "A", "values": ["192.0.2.10"], "zone": zone}),
            )
        };
        let (before, after) = (of("shop.example.com"), of("example.com"));
        assert_eq!(admission.judge(&after, None), []);
        let violations = admission.judge(&after, Some(&before));
        assert_eq!(fields(&violations), ["spec.zone"]);
        assert!(violations[0].message.contains("zone cannot be changed"), "{violations:?}");
        assert_eq!(admission.judge(&before, Some(&before)), []);
    }

    #[test]
    fn a_solid_server_is_judged_as_well() {
        let admission = Admission::of::<SolidServer>().unwrap();
        let of = |endpoint: &str| {
            json!({"apiVersion": "solidserver.dev/v1alpha1", "kind": "SolidServer", "metadata": {"name": "default"},
                   "spec": {"endpoint": endpoint, "credentialsSecretRef": {"name": "login"}, "defaults": {"dnsServer": "ns.example.com"},
                            "zones": [{"name": "*", "allowedNamespaces": {"from": "All"}}]}})
        };
        assert_eq!(admission.judge(&of("https://ddi.example.com"), None), []);
        assert_eq!(fields(&admission.judge(&of("http://ddi.example.com"), None)), ["spec.endpoint"]);
    }

    /// What a real API server refuses (tests/integration/api/refused.rs) is refused here, for the same field.
    #[test]
    fn what_the_api_server_refuses_is_refused_here() {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/support/manifests/invalid");
        let records = Admission::of::<DnsRecord>().unwrap();
        let solid_servers = Admission::of::<SolidServer>().unwrap();
        let (mut cases, mut complaints) = (0, Vec::new());
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let file: Value = serde_saphyr::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
            for case in file["cases"].as_array().unwrap() {
                cases += 1;
                let mut spec = file["spec"].as_object().unwrap().clone();
                spec.extend(case["spec"].as_object().unwrap().clone());
                let mut object = record(Value::Object(spec));
                if let Some(name) = case.get("name") {
                    object["metadata"]["name"] = name.clone();
                }
                object["kind"] = file["kind"].clone();
                let admission = if file["kind"] == "DnsRecord" { &records } else { &solid_servers };
                let violations = admission.judge(&object, None);
                let field = case.get("field").or(file.get("field")).and_then(Value::as_str).unwrap();
                // The API server's word for the object as a whole.
                let field = if field == "<nil>" { "" } else { field };
                if !fields(&violations).contains(&field) {
                    complaints.push(format!("{}: {}: {field}: {violations:?}", path.display(), case["why"]));
                }
            }
        }
        assert!(cases > 140, "only {cases} cases");
        assert!(complaints.is_empty(), "{} of {cases}: {complaints:#?}", complaints.len());
    }
}
