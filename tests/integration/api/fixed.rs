//! Fields that cannot change, and the status that the API server gives a new object.

use kube::Api;
use kube::api::{Patch, PatchParams, PostParams};
use serde_json::{Value, json};
use solidserver_operator::api::{DnsRecord, DnsRecordStatus, UNOBSERVED_GENERATION};

use crate::control_plane::shared;

async fn records(prefix: &str) -> Api<DnsRecord> {
    let control_plane = shared().await.unwrap();
    let namespace = control_plane.create_namespace(prefix).await.unwrap();
    Api::namespaced(control_plane.client().unwrap(), &namespace)
}

fn record(name: &str, extra: &Value) -> DnsRecord {
    let mut spec = json!({"fqdn": "www.shop.example.com", "type": "A", "values": ["192.0.2.10"]});
    spec.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
    DnsRecord::new(name, serde_json::from_value(spec).unwrap())
}

/// What the operator writes once the record is in DNS.
fn applied() -> Value {
    json!({"status": {
        "observedGeneration": 1, "dnsServer": "ns.example.com", "view": "internal", "zone": "shop.example.com",
    }})
}

/// The fields of a spec before, those after, and whether that may be; the third column says whether the record is in DNS.
const CHANGES: [(&str, &str, bool, Option<&str>); 28] = [
    ("{}", "{}", true, None),
    ("{}", r#"{"solidServerRef": {"name": "default"}}"#, false, None),
    (r#"{"solidServerRef": {"name": "default"}}"#, "{}", false, None),
    ("{}", r#"{"solidServerRef": {"name": "other"}}"#, true, Some("spec.solidServerRef")),
    (r#"{"solidServerRef": {"name": "one"}}"#, "{}", true, Some("spec.solidServerRef")),
    (
        r#"{"solidServerRef": {"name": "one"}}"#,
        r#"{"solidServerRef": {"name": "other"}}"#,
        false,
        Some("spec.solidServerRef"),
    ),
    ("{}", r#"{"dnsServer": "ns.example.com"}"#, true, None),
    ("{}", r#"{"dnsServer": "ns.example.com"}"#, false, Some("spec.dnsServer")),
    ("{}", r#"{"dnsServer": "ns2.example.com"}"#, true, Some("spec.dnsServer")),
    (r#"{"dnsServer": "ns.example.com"}"#, r#"{"dnsServer": "ns.example.com"}"#, false, None),
    (
        r#"{"dnsServer": "ns.example.com"}"#,
        r#"{"dnsServer": "ns2.example.com"}"#,
        true,
        Some("spec.dnsServer"),
    ),
    (
        r#"{"dnsServer": "ns2.example.com"}"#,
        r#"{"dnsServer": "ns.example.com"}"#,
        true,
        Some("spec.dnsServer"),
    ),
    (r#"{"dnsServer": "ns.example.com"}"#, "{}", true, Some("spec.dnsServer")),
    ("{}", r#"{"view": "internal"}"#, true, None),
    ("{}", r#"{"view": "internal"}"#, false, Some("spec.view")),
    ("{}", r#"{"view": ""}"#, true, Some("spec.view")),
    (r#"{"view": ""}"#, r#"{"view": "internal"}"#, true, Some("spec.view")),
    (r#"{"view": "internal"}"#, "{}", true, Some("spec.view")),
    (r#"{"view": ""}"#, "{}", false, Some("spec.view")),
    ("{}", r#"{"zone": "shop.example.com"}"#, true, None),
    ("{}", r#"{"zone": "Shop.Example.COM."}"#, true, None),
    ("{}", r#"{"zone": "shop.example.com"}"#, false, Some("spec.zone")),
    ("{}", r#"{"zone": "example.com"}"#, true, Some("spec.zone")),
    (r#"{"zone": "shop.example.com"}"#, r#"{"zone": "example.com"}"#, true, Some("spec.zone")),
    (r#"{"zone": "shop.example.com"}"#, "{}", true, Some("spec.zone")),
    (r#"{"zone": "shop.example.com"}"#, r#"{"zone": "shop.example.com", "ttl": 60}"#, true, None),
    ("{}", r#"{"fqdn": "api.shop.example.com", "type": "TXT", "values": ["new"], "ttl": 5}"#, true, None),
    ("{}", r#"{"className": "web", "suspend": true, "deletionPolicy": "Retain"}"#, true, None),
];

#[tokio::test]
async fn where_a_record_lives_cannot_be_changed() {
    let records = records("fixed").await;
    for (number, (before, after, is_applied, refused)) in CHANGES.into_iter().enumerate() {
        let name = format!("change-{number}");
        let [before, after]: [Value; 2] = [before, after].map(|text| serde_json::from_str(text).unwrap());
        let what = format!("{before} to {after}, applied: {is_applied}");
        records.create(&PostParams::default(), &record(&name, &before)).await.unwrap();
        if is_applied {
            let patch = Patch::Merge(applied());
            records.patch_status(&name, &PatchParams::default(), &patch).await.unwrap();
        }
        let current = records.get(&name).await.unwrap();
        let mut wanted = record(&name, &after);
        wanted.metadata.resource_version = current.metadata.resource_version;
        match (records.replace(&name, &PostParams::default(), &wanted).await, refused) {
            (Ok(_), None) => {}
            (Err(kube::Error::Api(status)), Some(field)) => {
                let causes = status.details.unwrap().causes;
                let fields: Vec<&str> = causes.iter().map(|cause| cause.field.as_str()).collect();
                assert_eq!(fields, [field], "{what}: {causes:?}");
                assert_eq!(causes[0].reason, "FieldValueForbidden", "{what}");
                assert!(causes[0].message.contains("delete the DnsRecord and create it anew"), "{causes:?}");
            }
            (outcome, _) => panic!("{what}: {outcome:?}"),
        }
    }
}

/// kstatus takes an object without status for current, so a new one says that nobody has seen it.
#[tokio::test]
async fn a_new_object_has_a_status_that_says_it_was_not_seen() {
    let records = records("unseen").await;
    let mut object = record("new", &json!({}));
    object.status =
        Some(DnsRecordStatus { observed_generation: 1, zone: Some("forged".into()), ..Default::default() });
    let created = records.create(&PostParams::default(), &object).await.unwrap();
    assert_eq!(created.status, Some(DnsRecordStatus::default()));
    assert_eq!(created.status.unwrap().observed_generation, UNOBSERVED_GENERATION);

    let emptied = Patch::Json::<()>(
        serde_json::from_value(json!([{"op": "replace", "path": "/status", "value": {}}])).unwrap(),
    );
    let emptied = records.patch_status("new", &PatchParams::default(), &emptied).await.unwrap();
    assert_eq!(emptied.status, Some(DnsRecordStatus::default()));
}

/// `ttl:` without a value is null in YAML.
#[tokio::test]
async fn an_explicit_null_is_as_if_it_were_not_there() {
    let control_plane = shared().await.unwrap();
    let namespace = control_plane.create_namespace("null").await.unwrap();
    let manifest = "
apiVersion: solidserver.dev/v1alpha1
kind: DnsRecord
metadata: {name: www}
spec: {fqdn: www.example.com, type: A, values: [192.0.2.10], ttl: , zone: , view: , classParameters: , suspend: , ptr: , driftPolicy: }
";
    let apply = ["apply", "--namespace", &namespace, "--filename=-"];
    control_plane.kubectl_with_stdin(&apply, manifest).await.unwrap().success().unwrap();
    let records: Api<DnsRecord> = Api::namespaced(control_plane.client().unwrap(), &namespace);
    assert_eq!(records.get("www").await.unwrap().spec, {
        let spec = json!({"fqdn": "www.example.com", "type": "A", "values": ["192.0.2.10"]});
        serde_json::from_value(spec).unwrap()
    });
}
