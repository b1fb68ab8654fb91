//! What a person sees with kubectl.

use kube::Api;
use kube::api::{Patch, PatchParams};
use serde_json::json;
use solidserver_operator::api::{DnsRecord, Reason, SolidServer, kstatus};

use crate::control_plane::{ControlPlane, shared};

const RECORDS: &str = "
apiVersion: solidserver.dev/v1alpha1
kind: DnsRecord
metadata: {name: www}
spec: {fqdn: www.shop.example.com, type: A, values: [192.0.2.10, 192.0.2.11], ttl: 600}
---
apiVersion: solidserver.dev/v1alpha1
kind: DnsRecord
metadata: {name: mail}
spec: {fqdn: shop.example.com, type: MX, values: [10 mx1.example.com], zone: shop.example.com, solidServerRef: {name: other}}
";

/// A namespace with two records, one of which the operator has written.
async fn with_records(prefix: &str) -> (&'static ControlPlane, String) {
    let control_plane = shared().await.unwrap();
    let namespace = control_plane.create_namespace(prefix).await.unwrap();
    let apply = ["apply", "--namespace", &namespace, "--filename=-"];
    control_plane.kubectl_with_stdin(&apply, RECORDS).await.unwrap().success().unwrap();
    let records: Api<DnsRecord> = Api::namespaced(control_plane.client().unwrap(), &namespace);
    let conditions = kstatus(Reason::InSync, "2 values", 1, jiff::Timestamp::now(), &[]);
    let status = json!({"status": {
        "observedGeneration": 1, "conditions": conditions, "zone": "shop.example.com", "ttl": 600,
    }});
    records.patch_status("www", &PatchParams::default(), &Patch::Merge(status)).await.unwrap();
    (control_plane, namespace)
}

/// The cells of a table: columns are separated by at least two spaces.
fn cells(line: &str) -> Vec<String> {
    line.split("  ").map(str::trim).filter(|cell| !cell.is_empty()).map(str::to_owned).collect()
}

async fn kubectl(control_plane: &ControlPlane, arguments: &[&str]) -> String {
    let output = control_plane.kubectl(arguments).await.unwrap();
    assert_eq!(output.stderr, "", "kubectl {arguments:?}");
    output.success().unwrap()
}

#[tokio::test]
async fn the_table_shows_what_a_person_looks_for() {
    let (control_plane, namespace) = with_records("table").await;
    let table = kubectl(control_plane, &["get", "dnsr", "--namespace", &namespace]).await;
    let lines: Vec<Vec<String>> = table.lines().map(cells).collect();
    assert_eq!(lines[0], ["NAME", "FQDN", "TYPE", "TTL", "READY", "REASON", "AGE"]);
    assert_eq!(lines[1][..3], ["mail", "shop.example.com", "MX"]);
    assert_eq!(lines[1].len(), 4, "nothing is known of a record that was not seen yet: {:?}", lines[1]);
    assert_eq!(lines[2][..6], ["www", "www.shop.example.com", "A", "600", "True", "InSync"]);
    assert_eq!(lines.len(), 3);

    let wide =
        kubectl(control_plane, &["get", "dnsr", "www", "--output=wide", "--namespace", &namespace]).await;
    let lines: Vec<Vec<String>> = wide.lines().map(cells).collect();
    assert_eq!(lines[0][7..], ["VALUES", "ZONE", "MESSAGE"]);
    assert_eq!(lines[1][7..], [r#"["192.0.2.10","192.0.2.11"]"#, "shop.example.com", "2 values"]);
}

#[tokio::test]
async fn the_table_of_solid_servers_shows_how_they_stand() {
    let control_plane = shared().await.unwrap();
    let manifest = "
apiVersion: solidserver.dev/v1alpha1
kind: SolidServer
metadata: {name: table}
spec:
  endpoint: https://ddi.example.com
  credentialsSecretRef: {name: solidserver}
  zones: [{name: example.com, dnsServers: [ns.example.com], allowedNamespaces: {from: All}}]
";
    control_plane.kubectl_with_stdin(&["apply", "--filename=-"], manifest).await.unwrap().success().unwrap();
    let servers: Api<SolidServer> = Api::all(control_plane.client().unwrap());
    let now = jiff::Timestamp::now();
    let status = json!({"status": {
        "observedGeneration": 1,
        "version": "8.4.0",
        "conditions": kstatus(Reason::Unreachable, "connection refused", 1, now, &[]),
        "records": {"total": 3, "ready": 2, "reconciling": 1, "stalled": 0, "orphaned": 0},
    }});
    servers.patch_status("table", &PatchParams::default(), &Patch::Merge(status)).await.unwrap();
    let table = kubectl(control_plane, &["get", "sds", "table"]).await;
    let lines: Vec<Vec<String>> = table.lines().map(cells).collect();
    assert_eq!(lines[0], ["NAME", "ENDPOINT", "VERSION", "RECORDS", "READY", "REASON", "LAST SYNC", "AGE"]);
    let expected = ["table", "https://ddi.example.com", "8.4.0", "3", "False", "Unreachable"];
    assert_eq!(lines[1][..6], expected);
    kubectl(control_plane, &["delete", "sds", "table"]).await;
}

#[tokio::test]
async fn who_has_a_name_is_found_by_field() {
    let (control_plane, namespace) = with_records("selector").await;
    let found = [
        ("spec.fqdn=www.shop.example.com", "dnsrecord.solidserver.dev/www\n"),
        ("spec.type=MX", "dnsrecord.solidserver.dev/mail\n"),
        ("spec.zone=shop.example.com", "dnsrecord.solidserver.dev/mail\n"),
        ("spec.solidServerRef.name=other", "dnsrecord.solidserver.dev/mail\n"),
        ("spec.fqdn=example.com", ""),
    ];
    for (selector, names) in found {
        let selector_argument = format!("--field-selector={selector}");
        let get = ["get", "dnsr", "--output=name", "--namespace", &namespace, &selector_argument];
        assert_eq!(kubectl(control_plane, &get).await, names, "{selector}");
    }
}

#[tokio::test]
async fn both_kinds_are_in_one_category() {
    let (control_plane, namespace) = with_records("category").await;
    let names =
        kubectl(control_plane, &["get", "solidserver-operator", "--output=name", "--namespace", &namespace])
            .await;
    let records: Vec<&str> = names.lines().filter(|name| name.starts_with("dnsrecord.")).collect();
    assert_eq!(records, ["dnsrecord.solidserver.dev/mail", "dnsrecord.solidserver.dev/www"]);
}

/// A category of the same name as a kind would hide it.
#[tokio::test]
async fn each_name_of_a_kind_means_that_kind() {
    let (control_plane, namespace) = with_records("names").await;
    for name in ["dnsrecord", "dnsrecords", "dnsr"] {
        let get = ["get", name, "www", "--output=name", "--namespace", &namespace];
        assert_eq!(kubectl(control_plane, &get).await, "dnsrecord.solidserver.dev/www\n", "{name}");
    }
    for name in ["solidserver", "solidservers", "sds"] {
        let output = control_plane.kubectl(&["get", name, "nobody"]).await.unwrap();
        let says = r#"solidservers.solidserver.dev "nobody" not found"#;
        assert!(output.stderr.contains(says), "{name}: {}", output.stderr);
    }
}

#[tokio::test]
async fn kubectl_waits_for_ready() {
    let (control_plane, namespace) = with_records("wait").await;
    let wait = |name: &'static str, timeout: &'static str| {
        let arguments = ["wait", "--for=condition=Ready", timeout, "--namespace", &namespace, "dnsr", name];
        let arguments: Vec<String> = arguments.into_iter().map(str::to_owned).collect();
        async move {
            let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
            control_plane.kubectl(&arguments).await.unwrap().status.success()
        }
    };
    assert!(wait("www", "--timeout=20s").await);
    assert!(!wait("mail", "--timeout=1s").await);

    // A change that the operator has not seen yet is not ready.
    let change = r#"{"spec": {"ttl": 60}}"#;
    let patch = ["patch", "dnsr", "www", "--type=merge", "--patch", change, "--namespace", &namespace];
    kubectl(control_plane, &patch).await;
    assert!(!wait("www", "--timeout=1s").await);
}

#[tokio::test]
async fn kubectl_explain_serves_a_user() {
    let control_plane = shared().await.unwrap();
    let spec = kubectl(control_plane, &["explain", "dnsrecord.spec"]).await;
    for field in [
        "adoptionPolicy",
        "className",
        "classParameters",
        "deletionPolicy",
        "dnsServer",
        "driftPolicy",
        "fqdn",
        "ptr",
        "rrsetPolicy",
        "solidServerRef",
        "suspend",
        "ttl",
        "type",
        "values",
        "view",
        "zone",
    ] {
        assert!(
            spec.lines().any(|line| line.trim_start().starts_with(&format!("{field}\t"))),
            "{field}: {spec}"
        );
    }
    let one_line = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    for (field, says) in [
        ("dnsrecord.spec.ttl", "Time to live, in seconds, 0 to 2,147,483,647. Default: spec.defaults.ttl"),
        ("dnsrecord.spec.values", "\"10 mx1.example.com\" for MX"),
        ("dnsrecord.spec.adoptionPolicy", "ENUM: Never IfIdentical Always"),
        ("dnsrecord.spec.ptr", "ENUM: Managed"),
        ("dnsrecord.status.conditions", "Stalled: not, until a person changes something"),
        ("solidserver.spec.limits.requestTimeout", "100ms to 60s. Default: 4s."),
        ("solidserver.spec.zones.allowedNamespaces", "the namespaces whose DnsRecords may be written here"),
    ] {
        let text = one_line(&kubectl(control_plane, &["explain", field]).await);
        assert!(text.to_lowercase().contains(&says.to_lowercase()), "{field}: {text}");
    }
}
