//! The chart on the real API server, with the operator's binary under the rights that it gives.

use kube::Api;
use serde_json::{Value, json};
use solidserver_operator::api::DnsRecord;

use super::{NAMESPACE, RELEASE, chart, manifests, rendered, root, values_file};
use crate::control_plane::shared;
use crate::world::{OPERATOR_NAMESPACE, World, manifest};

/// A cluster with nothing of ours but the namespace and the Secret in it; nobody gets it after this test.
async fn bare() -> World {
    let world = World::new().await;
    world.plane.holds_an_operator();
    let base = root().join("deploy/base");
    let base = manifests(&world.kubectl(&["kustomize", &base.to_string_lossy()]).await);
    let items: Vec<Value> = base.into_iter().filter(|manifest| manifest["kind"] != "Namespace").collect();
    let list = json!({"apiVersion": "v1", "kind": "List", "items": items}).to_string();
    world.kubectl_in(&["delete", "--ignore-not-found", "--timeout=60s", "--filename=-"], &list).await;
    world
}

/// Helm that must succeed and have nothing to warn of.
async fn helm(world: &World, arguments: &[&str]) -> String {
    let output = world.plane.helm(arguments).await.unwrap();
    assert_eq!(output.stderr, "", "helm {arguments:?}");
    output.success().unwrap()
}

/// `helm install` or `helm upgrade`, for the cluster that the operator of a world calls `test`.
async fn release(world: &World, verb: &str, more: &[&str]) -> String {
    let chart = chart();
    let chart = chart.to_string_lossy();
    let arguments = [verb, RELEASE, &chart, "--namespace", NAMESPACE, "--set", "clusterName=test"];
    let text = helm(world, &[&arguments, more].concat()).await;
    let definitions = ["crd/dnsrecords.solidserver.dev", "crd/solidservers.solidserver.dev", "--timeout=60s"];
    world.kubectl(&[&["wait", "--for=condition=Established"], &definitions[..]].concat()).await;
    text
}

/// Starts the operator with the rights of the ServiceAccount that the chart has made.
async fn run_under_the_charts_rights(world: &mut World) {
    assert_eq!(NAMESPACE, OPERATOR_NAMESPACE);
    let account = "solidserver-operator";
    let kubeconfig = world.plane.kubeconfig_for(OPERATOR_NAMESPACE, account).await.unwrap();
    world.plane.until_in_force(&kubeconfig).await.unwrap();
    world.start_operator_as(&kubeconfig).await;
}

async fn uid(world: &World) -> Option<String> {
    let record: DnsRecord = Api::namespaced(world.client.clone(), "shop").get("web").await.unwrap();
    record.metadata.uid
}

#[tokio::test]
async fn the_api_server_accepts_all_that_the_chart_can_make_without_a_warning() {
    let control_plane = shared().await.unwrap();
    control_plane.install_operator().await.unwrap();
    // The API server does not know the kinds of the Prometheus operator.
    let sets = ["--set", "serviceMonitor.enabled=false", "--set", "prometheusRule.enabled=false"];
    let all = values_file("all-values.yaml");
    let objects = rendered(&[&["--values", &all], &sets[..]].concat()).await;
    let list = json!({"apiVersion": "v1", "kind": "List", "items": objects});
    let apply =
        ["apply", "--server-side", "--force-conflicts", "--dry-run=server", "--output=name", "--filename=-"];
    let output = control_plane.kubectl_with_stdin(&apply, &list.to_string()).await.unwrap();
    assert_eq!(output.stderr, "");
    assert_eq!(output.success().unwrap().lines().count(), objects.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_release_is_installed_upgraded_rolled_back_and_removed_without_a_write_to_the_appliance() {
    let mut world = bare().await;
    let chart = chart();
    let dry = ["install", RELEASE, &chart.to_string_lossy(), "--namespace", NAMESPACE, "--dry-run=server"];
    let text = helm(&world, &[&dry[..], &["--set", "clusterName=test"]].concat()).await;
    assert!(text.contains("kind: Deployment"), "{text}");
    let none = world.plane.kubectl(&["get", "deployments,crds", "-A", "-o", "name"]).await.unwrap();
    assert!(!none.stdout.contains("solidserver"), "a dry run has made something: {}", none.stdout);

    let notes = release(&world, "install", &[]).await;
    assert!(notes.contains("marks what it writes as cluster \"test\""), "{notes}");
    assert!(
        notes.contains("kubectl create secret generic solidserver --namespace solidserver-system"),
        "{notes}"
    );
    run_under_the_charts_rights(&mut world).await;
    world
        .solid_server("default", "resyncInterval: 1h\n  defaults: {dnsServer: ns.example.com, ttl: 600}")
        .await;
    world.namespace("shop").await;
    world.apply(&manifest("shop", "web", "fqdn: web.example.com, type: A, values: [192.0.2.10]")).await;
    world.until_reason("shop", "web", "InSync").await;
    // An Event, for the rights to them.
    world.apply(&manifest("shop", "late", "fqdn: web.example.com, type: A, values: [192.0.2.11]")).await;
    world.until_reason("shop", "late", "Conflict").await;
    world
        .until("the Event is there", async || {
            world.kubectl(&["get", "events", "-n", "shop", "-o", "name"]).await.contains("event/late")
        })
        .await;
    world.kubectl(&["delete", "dnsrecord", "-n", "shop", "late", "--timeout=60s"]).await;
    let (created, rows) = (uid(&world).await, world.rows("web.example.com"));
    world.simulator.reset_calls();

    let policy = ["get", "validatingadmissionpolicies", "-o", "name"];
    let delegation = "validatingadmissionpolicy.admissionregistration.k8s.io/solidserver-operator-delegation";
    assert!(!world.kubectl(&policy).await.contains(delegation));
    release(&world, "upgrade", &["--set", "delegationPolicy.enabled=true", "--set", "replicaCount=3"]).await;
    assert!(world.kubectl(&policy).await.contains(delegation));
    let replicas = ["get", "deployment", "-n", NAMESPACE, RELEASE, "-o", "jsonpath={.spec.replicas}"];
    assert_eq!(world.kubectl(&replicas).await, "3");
    helm(&world, &["rollback", RELEASE, "1", "--namespace", NAMESPACE]).await;
    assert!(!world.kubectl(&policy).await.contains(delegation));
    assert_eq!(world.kubectl(&replicas).await, "2");

    assert!(world.stop_operator().await.success());
    let output = world.plane.helm(&["uninstall", RELEASE, "--namespace", NAMESPACE]).await.unwrap();
    let text = output.success().unwrap();
    assert!(text.contains("CustomResourceDefinition"), "it says what is kept: {text}");
    let left =
        world.kubectl(&["get", "deployments,roles,serviceaccounts", "-n", NAMESPACE, "-o", "name"]).await;
    assert!(!left.contains("solidserver"), "{left}");
    assert_eq!(uid(&world).await, created, "the definitions are kept, and the records with them");

    // The same release takes up what it has left.
    release(&world, "install", &[]).await;
    run_under_the_charts_rights(&mut world).await;
    world.a_round("default").await;
    world.until_reason("shop", "web", "InSync").await;
    assert_eq!((uid(&world).await, world.rows("web.example.com")), (created, rows));
    let calls = world.simulator.calls();
    assert_eq!((calls.operation("add"), calls.operation("edit"), calls.operation("delete")), (0, 0, 0));
    world.kubectl(&["delete", "dnsrecord", "-n", "shop", "web", "--timeout=60s"]).await;
    assert!(world.rows("web.example.com").is_empty());
    let log = world.log().to_lowercase();
    assert!(!log.contains("forbidden"), "{log}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_kustomize_has_installed_is_handed_over_to_helm() {
    let world = World::new().await;
    world.plane.install_operator().await.unwrap();
    let names = ["get", "deployments,services,serviceaccounts,roles", "-n", NAMESPACE, "-o", "json"];
    let before: Value = serde_json::from_str(&world.kubectl(&names).await).unwrap();
    let chart = chart();
    let install =
        ["install", RELEASE, &chart.to_string_lossy(), "--namespace", NAMESPACE, "--set", "clusterName=test"];
    let refused = world.plane.helm(&install).await.unwrap().success().unwrap_err().to_string();
    assert!(refused.contains("invalid ownership metadata"), "{refused}");
    helm(&world, &[&install[..], &["--take-ownership", "--force-conflicts"]].concat()).await;
    let after: Value = serde_json::from_str(&world.kubectl(&names).await).unwrap();
    let uids = |list: &Value| -> Vec<(Value, Value)> {
        let items = list["items"].as_array().unwrap().iter();
        items.map(|item| (item["metadata"]["name"].clone(), item["metadata"]["uid"].clone())).collect()
    };
    assert_eq!(uids(&after), uids(&before), "nothing is made anew");
    let manifest = world.plane.helm(&["get", "manifest", RELEASE, "--namespace", NAMESPACE]).await.unwrap();
    assert!(manifests(&manifest.success().unwrap()).len() >= 12);
}
