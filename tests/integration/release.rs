//! `release`: the way out when there is no operator any more.

use std::collections::BTreeMap;
use std::process::Stdio;
use std::time::Duration;

use futures::StreamExt as _;
use jiff::{SignedDuration, Timestamp};
use k8s_openapi::api::coordination::v1::Lease;
use kube::api::{Api, PostParams};
use serde_json::json;
use solidserver_operator::api::{DNS_RECORD_FINALIZER, DnsRecord};
use solidserver_simulator::Config;
use tokio::process::Command;

use crate::control_plane::Options;
use crate::wire::SECRET;
use crate::world::{OPERATOR_NAMESPACE, PATIENCE, World, manifest};

/// Exit code, standard output and standard error.
async fn release(world: &World, arguments: &[&str]) -> (Option<i32>, String, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_solidserver-operator"));
    command.arg("release").arg("--kubeconfig").arg(world.plane.kubeconfig()).args(arguments);
    command.env_clear().stdin(Stdio::null()).kill_on_drop(true);
    let output = tokio::time::timeout(PATIENCE, command.output()).await.expect("it ends").unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.code(), text(output.stdout), text(output.stderr))
}

fn manifests(namespace: &str) -> String {
    (1..=5)
        .map(|number| {
            let spec = format!(
                "fqdn: {namespace}-{number}.example.com, type: A, values: [192.0.2.{number}], classParameters: {{team: t{number}}}"
            );
            manifest(namespace, &format!("r{number}"), &spec)
        })
        .collect()
}

fn rows(world: &World) -> Vec<(String, Vec<String>, BTreeMap<String, String>)> {
    let rows = world.simulator.rows().into_iter();
    let ours = rows.filter(|row| row.class_parameters.contains_key("k8s_owner"));
    let mut rows: Vec<_> = ours.map(|row| (row.name, row.values, row.class_parameters)).collect();
    rows.sort();
    rows
}

async fn serve(world: &mut World) {
    let spec = "resyncInterval: 1h\n  defaults: {dnsServer: ns.example.com, ttl: 600}";
    world.solid_server("default", spec).await;
    for namespace in ["shop", "team"] {
        world.namespace(namespace).await;
        world.apply(&manifests(namespace)).await;
    }
    world.start_operator().await;
    for namespace in ["shop", "team"] {
        world.until_ready(namespace, 5).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn after_the_operator_and_its_namespace_the_definitions_go_too_and_the_rows_can_be_taken_back() {
    let options = Options { controller_manager: true, ..Options::default() };
    let mut world = World::with(Config::default(), options).await;
    serve(&mut world).await;
    let before = rows(&world);
    assert_eq!(before.len(), 10);

    // Not beside an operator, which would put the finalizers back.
    let (code, printed, errors) = release(&world, &["--all", "--yes"]).await;
    assert_eq!((code, printed.as_str()), (Some(1), ""), "{errors}");
    assert!(errors.contains("an operator seems to be running"), "{errors}");
    assert!(errors.contains(&format!("{OPERATOR_NAMESPACE}/operator.solidserver.dev")), "{errors}");

    world.kill_operator().await;
    world.kubectl(&["delete", "namespace", OPERATOR_NAMESPACE, "--timeout=170s"]).await;
    // Now nobody is there who would let them go.
    world.kubectl(&["delete", "namespace", "team", "--wait=false"]).await;
    world.kubectl(&["delete", "solidserver", "default", "--wait=false"]).await;
    let crds = ["dnsrecords.solidserver.dev", "solidservers.solidserver.dev"];
    world.kubectl(&["delete", "crd", crds[0], crds[1], "--wait=false"]).await;
    world
        .until("they wait", async || {
            let records = world.all_records("shop").await;
            records.iter().all(|record| record.metadata.deletion_timestamp.is_some())
        })
        .await;

    let (code, _, errors) = release(&world, &["--all"]).await;
    assert_eq!(code, Some(2), "{errors}");
    assert!(errors.contains("--yes"), "{errors}");
    let (code, printed, errors) = release(&world, &["--all", "--dry-run"]).await;
    assert_eq!(code, Some(0), "{errors}");
    assert!(printed.contains("10 DnsRecords would be released (10 of them being deleted)"), "{printed}");
    assert_eq!(world.all_records("shop").await.len(), 5, "nothing has changed");

    let (code, printed, errors) = release(&world, &["--all", "--yes"]).await;
    assert_eq!((code, errors.as_str()), (Some(0), ""), "{printed}");
    let line =
        "shop/r1: shop-1.example.com A stays in zone example.com of ns.example.com (SolidServer default)";
    assert!(printed.lines().any(|other| other == line), "{printed}");
    assert!(printed.contains("10 DnsRecords released"), "{printed}");
    assert!(printed.contains("1 SolidServers released"), "{printed}");
    for waits in ["namespace/team", &format!("crd/{}", crds[0]), &format!("crd/{}", crds[1])] {
        world.kubectl(&["wait", "--for=delete", waits, "--timeout=170s"]).await;
    }
    assert_eq!(rows(&world), before, "the rows stay, marked");
    let (code, printed, errors) = release(&world, &["--all", "--yes"]).await;
    assert_eq!(code, Some(0), "{errors}");
    assert!(printed.starts_with("0 DnsRecords released"), "{printed}");

    // Installed again, under the same name; its account went with its namespace, so its old token is worth nothing.
    world.plane.install_crds().await.unwrap();
    world.namespace(OPERATOR_NAMESPACE).await;
    world.kubeconfig = world.plane.install_rights().await.unwrap();
    world.set_secret(SECRET).await;
    world.simulator.reset_calls();
    serve(&mut world).await;
    assert_eq!(world.simulator.calls().writes(), 0);
    assert_eq!(rows(&world), before);
    assert!(world.stop_operator().await.success());
}

#[tokio::test(flavor = "multi_thread")]
async fn one_namespace_is_released_page_by_page_and_nothing_but_our_finalizer_goes() {
    const MANY: usize = 1_200;
    let world = World::new().await;
    for namespace in ["shop", "other"] {
        world.namespace(namespace).await;
    }
    let finalizers = json!(["example.com/before", DNS_RECORD_FINALIZER, "example.com/after"]);
    let record = |name: &str, finalizers: &serde_json::Value| -> DnsRecord {
        let object = json!({
            "apiVersion": "solidserver.dev/v1alpha1", "kind": "DnsRecord", "metadata": {"name": name, "finalizers": finalizers},
            "spec": {"fqdn": format!("{name}.example.com"), "type": "A", "values": ["192.0.2.1"]}
        });
        serde_json::from_value(object).unwrap()
    };
    let api = world.records("shop");
    futures::stream::iter(0..MANY)
        .map(|number| {
            let (api, object) = (api.clone(), record(&format!("r{number:04}"), &finalizers));
            async move { api.create(&PostParams::default(), &object).await.unwrap() }
        })
        .buffer_unordered(20)
        .collect::<Vec<_>>()
        .await;
    let none = record("none", &json!([]));
    api.create(&PostParams::default(), &none).await.unwrap();
    world.records("other").create(&PostParams::default(), &record("stays", &finalizers)).await.unwrap();

    // The Lease of an operator that lives, by its own word, in a namespace of another name.
    let leases: Api<Lease> = Api::namespaced(world.client.clone(), "other");
    let lease = |renewed: Timestamp| -> Lease {
        let renewed = renewed.strftime("%Y-%m-%dT%H:%M:%S.%6fZ").to_string();
        serde_json::from_value(json!({
            "metadata": {"name": "operator.solidserver.dev"},
            "spec": {"holderIdentity": "somebody", "leaseDurationSeconds": 600, "renewTime": renewed}
        }))
        .unwrap()
    };
    leases.create(&PostParams::default(), &lease(Timestamp::now())).await.unwrap();
    let (code, _, errors) = release(&world, &["-n", "shop", "--yes"]).await;
    assert_eq!(code, Some(1), "{errors}");
    assert!(errors.contains("somebody holds the Lease other/operator.solidserver.dev"), "{errors}");
    // One that died, as far as anybody can tell.
    world.kubectl(&["delete", "lease", "-n", "other", "operator.solidserver.dev"]).await;
    let long_ago = Timestamp::now() - SignedDuration::from_secs(3600);
    leases.create(&PostParams::default(), &lease(long_ago)).await.unwrap();

    let (code, printed, errors) = release(&world, &["-n", "shop", "--yes"]).await;
    assert_eq!((code, errors.as_str()), (Some(0), ""));
    let summary =
        format!("{MANY} DnsRecords released (0 of them being deleted), 1 without a finalizer, 0 failed");
    assert!(printed.lines().any(|line| line == summary), "{}", &printed[printed.len() - 600..]);
    let told = printed.lines().filter(|line| line.starts_with("shop/r")).count();
    assert_eq!(told, MANY);
    assert!(!printed.contains("SolidServers"));
    for record in world.all_records("shop").await {
        let name = record.metadata.name.unwrap();
        let left = record.metadata.finalizers.unwrap_or_default();
        let expected: &[&str] =
            if name == "none" { &[] } else { &["example.com/before", "example.com/after"] };
        assert_eq!(left, expected, "{name}");
    }
    let other = world.record("other", "stays").await.unwrap();
    assert_eq!(other.metadata.finalizers.unwrap().len(), 3);

    // Beside one that lives only by force.
    world.kubectl(&["delete", "lease", "-n", "other", "operator.solidserver.dev"]).await;
    leases.create(&PostParams::default(), &lease(Timestamp::now() + Duration::from_secs(5))).await.unwrap();
    let (code, printed, errors) = release(&world, &["-n", "other", "--yes", "--force"]).await;
    assert_eq!(code, Some(0), "{errors}");
    assert!(
        printed.contains("other/stays: stays.example.com A: no zone of SolidServer default"),
        "{printed}"
    );
}
