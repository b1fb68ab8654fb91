//! What the API server refuses, and how it says so: tests/support/manifests/invalid.

use std::path::Path;

use kube::api::{ApiResource, DynamicObject, GroupVersionKind, PostParams};
use kube::core::response::StatusCause;
use kube::{Api, Client};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use solidserver_operator::api::{GROUP, VERSION};
use solidserver_operator::record::RecordType;

use crate::control_plane::shared;

/// Manifests of one kind that are refused.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Refusals {
    kind: String,
    /// Whether messages begin with the wrong value: `"..." is no A value`.
    #[serde(default)]
    shows_value: bool,
    /// What holds for each case that does not say otherwise.
    field: Option<String>,
    says: Option<String>,
    example: Option<String>,
    /// A spec that would be accepted but for what the case changes.
    spec: Map<String, Value>,
    cases: Vec<Case>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    why: String,
    name: Option<String>,
    spec: Map<String, Value>,
    /// Which field the message must be about.
    field: Option<String>,
    /// What it says is wrong.
    says: Option<String>,
    /// What it shows as right. The API server's own messages, on numbers and enumerations, name the bounds instead.
    example: Option<String>,
    /// Which value it says is wrong.
    names: Option<String>,
}

fn refusals(file: &str) -> Refusals {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/support/manifests/invalid")
        .join(format!("{file}.yaml"));
    let text = std::fs::read_to_string(&path).unwrap();
    serde_saphyr::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

impl Refusals {
    /// The spec of the case.
    fn spec(&self, case: &Case) -> Map<String, Value> {
        let mut spec = self.spec.clone();
        spec.extend(case.spec.clone());
        spec
    }

    /// All that the message of the case must contain.
    fn expected(&self, case: &Case) -> Vec<String> {
        let mut expected: Vec<String> =
            [case.says.as_ref().or(self.says.as_ref()), case.example.as_ref().or(self.example.as_ref())]
                .into_iter()
                .flatten()
                .cloned()
                .collect();
        expected.extend(case.names.clone());
        let spec = self.spec(case);
        let value = spec.get("values").and_then(|values| values.get(0)).and_then(Value::as_str);
        // A message cannot have a line break, so with one in the value the API server shows the plain message.
        if let Some(value) = value.filter(|value| self.shows_value && !value.contains('\n')) {
            let record_type = spec["type"].as_str().unwrap_or_default();
            expected.push(format!("\"{value}\" is no {record_type} value: "));
        }
        expected
    }
}

/// Asks the API server to create an object, without its being kept; the causes if it refuses.
async fn try_to_create(
    client: &Client,
    namespace: &str,
    kind: &str,
    name: &str,
    spec: &Map<String, Value>,
) -> Result<(), Vec<StatusCause>> {
    let resource = ApiResource::from_gvk(&GroupVersionKind::gvk(GROUP, VERSION, kind));
    let objects: Api<DynamicObject> = match kind {
        "DnsRecord" => Api::namespaced_with(client.clone(), namespace, &resource),
        _ => Api::all_with(client.clone(), &resource),
    };
    let object = DynamicObject::new(name, &resource).data(json!({"spec": spec}));
    match objects.create(&PostParams { dry_run: true, ..PostParams::default() }, &object).await {
        Ok(_) => Ok(()),
        Err(kube::Error::Api(status)) => {
            assert_eq!(status.code, 422, "{status:?}");
            Err(status.details.unwrap().causes)
        }
        Err(error) => panic!("{error}"),
    }
}

/// Tries each case of a file; how many there are, and what is wrong with the answers.
async fn try_each(file: &str) -> (usize, Vec<String>) {
    let control_plane = shared().await.unwrap();
    let client = control_plane.client().unwrap();
    let refusals = refusals(file);
    let mut complaints = Vec::new();
    for case in &refusals.cases {
        let spec = refusals.spec(case);
        let name = case.name.as_deref().unwrap_or("refused");
        let field = case.field.as_ref().or(refusals.field.as_ref()).unwrap();
        let expected = refusals.expected(case);
        assert!(!expected.is_empty(), "{file}, {}: nothing is expected", case.why);
        let causes = match try_to_create(&client, "default", &refusals.kind, name, &spec).await {
            Ok(()) => {
                complaints.push(format!("{file}, {}: accepted", case.why));
                continue;
            }
            Err(causes) => causes,
        };
        let explains = |cause: &StatusCause| {
            cause.field == *field && expected.iter().all(|text| cause.message.contains(text))
        };
        if !causes.iter().any(explains) {
            complaints.push(format!("{file}, {}: {field} {expected:?} is not in {causes:#?}", case.why));
        }
    }
    (refusals.cases.len(), complaints)
}

#[tokio::test]
async fn values_that_are_none_are_refused_and_explained() {
    let mut all = 0;
    let mut complaints = Vec::new();
    for record_type in RecordType::ALL {
        let (cases, more) = try_each(&record_type.as_str().to_lowercase()).await;
        assert!(cases >= 3, "{record_type} has {cases} cases");
        all += cases;
        complaints.extend(more);
    }
    assert!(complaints.is_empty(), "{}", complaints.join("\n"));
    assert!(all >= 60, "{all} cases");
}

#[tokio::test]
async fn dns_records_that_make_no_sense_are_refused_and_explained() {
    let (cases, complaints) = try_each("dns-record").await;
    assert!(complaints.is_empty(), "{}", complaints.join("\n"));
    assert!(cases >= 30, "{cases} cases");
}

#[tokio::test]
async fn solid_servers_that_make_no_sense_are_refused_and_explained() {
    let (cases, complaints) = try_each("solid-server").await;
    assert!(complaints.is_empty(), "{}", complaints.join("\n"));
    assert!(cases >= 20, "{cases} cases");
}

/// Without this the refusals above could have another cause than the case gives.
#[tokio::test]
async fn what_the_refusals_are_made_from_is_accepted() {
    let control_plane = shared().await.unwrap();
    let client = control_plane.client().unwrap();
    for file in ["dns-record", "solid-server"] {
        let refusals = refusals(file);
        let outcome = try_to_create(&client, "default", &refusals.kind, "accepted", &refusals.spec).await;
        assert!(outcome.is_ok(), "{file}: {outcome:#?}");
    }
    for record_type in RecordType::ALL {
        let mut spec = refusals(&record_type.as_str().to_lowercase()).spec;
        spec.insert("values".into(), json!([solidserver_operator::record::example(record_type)]));
        let outcome = try_to_create(&client, "default", "DnsRecord", "accepted", &spec).await;
        assert!(outcome.is_ok(), "{record_type}: {outcome:#?}");
    }
}
