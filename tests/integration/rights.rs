//! What the operator may do, and what it is refused, with the very token that it runs with in all tests of this binary.

use std::path::Path;

use kube::Client;
use kube::client::Body;
use serde_json::{Value, json};

use crate::world::{World, manifest};

/// A request as text, `VERB path`, with a body where there is one, and headers.
struct Request {
    verb: &'static str,
    path: String,
    body: Option<Value>,
    headers: Vec<(&'static str, &'static str)>,
}

fn request(verb: &'static str, path: &str) -> Request {
    Request { verb, path: path.to_owned(), body: None, headers: Vec::new() }
}

impl Request {
    fn body(mut self, body: Value) -> Self {
        self.body = Some(body);
        self
    }

    /// The status and the words of the answer. PATCH is a merge patch, of arrays a JSON patch.
    async fn send(&self, client: &Client) -> (u16, String) {
        let kind = match (&self.body, self.verb) {
            (Some(Value::Array(_)), _) => "application/json-patch+json",
            (_, "PATCH") => "application/merge-patch+json",
            _ => "application/json",
        };
        let mut builder =
            http::Request::builder().method(self.verb).uri(&self.path).header("content-type", kind);
        for (name, value) in &self.headers {
            builder = builder.header(*name, *value);
        }
        let body = self.body.as_ref().map(Value::to_string).unwrap_or_default();
        let answer = client.send(builder.body(Body::from(body.into_bytes())).unwrap()).await.unwrap();
        let status = answer.status().as_u16();
        let bytes = answer.into_body().collect_bytes().await.unwrap();
        (status, String::from_utf8_lossy(&bytes).into_owned())
    }
}

const OURS: &str = "/apis/solidserver.dev/v1alpha1";
const RECORD: &str = "/apis/solidserver.dev/v1alpha1/namespaces/shop/dnsrecords/web";
const SERVER: &str = "/apis/solidserver.dev/v1alpha1/solidservers/default";
const SYSTEM: &str = "/api/v1/namespaces/solidserver-system";
const ROLES: &str = "/apis/rbac.authorization.k8s.io/v1";

/// A world with one record in sync, and a client that is the operator.
async fn world() -> (World, Client) {
    let world = World::running("1h").await;
    world.namespace("shop").await;
    world.apply(&manifest("shop", "web", "fqdn: web.example.com, type: A, values: [192.0.2.10]")).await;
    world.until_reason("shop", "web", "InSync").await;
    let kubeconfig: &Path = &world.kubeconfig;
    let client = world.plane.client_as(kubeconfig).await.unwrap();
    (world, client)
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_operator_does_is_allowed_and_all_else_is_refused() {
    let (world, operator) = world().await;
    for path in [
        &format!("{OURS}/dnsrecords"),
        &format!("{SYSTEM}/secrets/solidserver"),
        "/api/v1/namespaces",
        "/apis/coordination.k8s.io/v1/namespaces/solidserver-system/leases",
    ] {
        assert_eq!(request("GET", path).send(&operator).await.0, 200, "{path}");
    }
    let object = |api: &str, kind: &str, name: &str| json!({"apiVersion": api, "kind": kind, "metadata": {"name": name}});
    let label = || json!({"metadata": {"labels": {"a": "b"}}});
    let impersonate = |headers: &[(&'static str, &'static str)]| Request {
        headers: headers.to_vec(),
        ..request("GET", "/api/v1/namespaces")
    };
    let binding = json!({
        "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRoleBinding", "metadata": {"name": "more"},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "cluster-admin"},
        "subjects": [{"kind": "ServiceAccount", "name": "solidserver-operator", "namespace": "solidserver-system"}],
    });
    let record = json!({
        "apiVersion": "solidserver.dev/v1alpha1", "kind": "DnsRecord", "metadata": {"name": "other", "namespace": "shop"},
        "spec": {"fqdn": "other.example.com", "type": "A", "values": ["192.0.2.1"]},
    });
    let server = json!({
        "apiVersion": "solidserver.dev/v1alpha1", "kind": "SolidServer", "metadata": {"name": "other"},
        "spec": {"endpoint": "https://other.example.com", "credentialsSecretRef": {"name": "solidserver"},
            "zones": [{"name": "*", "allowedNamespaces": {"from": "All"}}]},
    });
    let token = json!({"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {}});
    let refused = [
        // Secrets of others, and writing its own.
        request("GET", "/api/v1/secrets"),
        request("GET", "/api/v1/namespaces/shop/secrets"),
        request("GET", "/api/v1/namespaces/shop/secrets/any"),
        request("GET", "/api/v1/namespaces/kube-system/secrets?watch=true"),
        request("POST", &format!("{SYSTEM}/secrets")).body(object("v1", "Secret", "new")),
        request("PATCH", &format!("{SYSTEM}/secrets/solidserver")).body(label()),
        request("DELETE", &format!("{SYSTEM}/secrets/solidserver")),
        request("POST", &format!("{SYSTEM}/serviceaccounts/solidserver-operator/token")).body(token),
        // Manifests belong to people: a role cannot say that, the policy of `deploy/base` does.
        request("POST", &format!("{OURS}/namespaces/shop/dnsrecords")).body(record.clone()),
        request("PUT", RECORD).body(record),
        request("DELETE", RECORD),
        request("DELETE", &format!("{OURS}/namespaces/shop/dnsrecords")),
        request("POST", &format!("{OURS}/solidservers")).body(server.clone()),
        request("PUT", SERVER).body(server),
        request("DELETE", SERVER),
        request("DELETE", &format!("{OURS}/solidservers")),
        // Whatever else is in the cluster.
        request("PATCH", "/api/v1/namespaces/shop").body(label()),
        request("DELETE", "/api/v1/namespaces/shop"),
        request("GET", &format!("{SYSTEM}/configmaps")),
        request("GET", &format!("{SYSTEM}/pods")),
        request("POST", &format!("{SYSTEM}/pods")).body(object("v1", "Pod", "new")),
        request("GET", "/api/v1/nodes"),
        request("GET", "/apis/events.k8s.io/v1/events"),
        request("GET", "/apis/coordination.k8s.io/v1/leases"),
        request("GET", "/apis/coordination.k8s.io/v1/namespaces/kube-system/leases"),
        request("DELETE", "/apis/coordination.k8s.io/v1/namespaces/solidserver-system/leases/any"),
        request("GET", "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"),
        request("GET", "/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicies"),
        // More rights.
        request("PATCH", &format!("{ROLES}/clusterroles/solidserver-operator")).body(label()),
        request("PATCH", &format!("{ROLES}/namespaces/solidserver-system/roles/solidserver-operator"))
            .body(label()),
        request("POST", &format!("{ROLES}/clusterrolebindings")).body(binding),
        impersonate(&[("Impersonate-User", "admin")]),
        impersonate(&[("Impersonate-User", "admin"), ("Impersonate-Group", "system:masters")]),
        request("GET", "/metrics"),
        request("GET", "/debug/pprof/"),
    ];
    // The API server puts a policy in force a little after it has taken it.
    let dry = request("DELETE", &format!("{RECORD}?dryRun=All"));
    world.until("the policy is in force", async || dry.send(&operator).await.0 != 200).await;
    for request in &refused {
        let (status, words) = request.send(&operator).await;
        assert_eq!(status, 403, "{} {}: {words}", request.verb, request.path);
    }
    assert_eq!(refused.len(), 35);
    assert_eq!(world.rows("web.example.com"), ["A 600 192.0.2.10 | shop/web"]);
}

/// What it makes for another DnsRecord it may create, change and delete, and nothing that only looks like that.
async fn of_another_one(world: &World, operator: &Client) {
    let owner = |kind: &str, controller: bool| json!({"apiVersion": "solidserver.dev/v1alpha1", "kind": kind, "name": "web", "uid": "u-1", "controller": controller});
    let child = |name: &str, record_type: &str, values: &str, owners: Vec<Value>| {
        json!({
            "apiVersion": "solidserver.dev/v1alpha1", "kind": "DnsRecord",
            "metadata": {"name": name, "namespace": "shop", "ownerReferences": owners},
            "spec": {"fqdn": "66.2.0.192.in-addr.arpa", "type": record_type, "values": [values], "suspend": true},
        })
    };
    let create =
        |body: Value| request("POST", &format!("{OURS}/namespaces/shop/dnsrecords?dryRun=All")).body(body);
    let parent = || vec![owner("DnsRecord", true)];
    for (body, allowed) in [
        (child("new", "PTR", "web.example.com", parent()), true),
        (child("new", "PTR", "web.example.com", vec![]), false),
        (child("new", "PTR", "web.example.com", vec![owner("DnsRecord", false)]), false),
        (child("new", "PTR", "web.example.com", vec![owner("SolidServer", true)]), false),
        (child("new", "CNAME", "web.example.com", parent()), false),
    ] {
        let (status, words) = create(body.clone()).send(operator).await;
        assert_eq!(status, if allowed { 201 } else { 403 }, "{body}: {words}");
        assert!(allowed || words.contains("creates nothing but PTR records of another DnsRecord"), "{words}");
    }
    world
        .kubectl_in(&["create", "-f", "-"], &child("made", "PTR", "web.example.com", parent()).to_string())
        .await;
    let made = format!("{OURS}/namespaces/shop/dnsrecords/made?dryRun=All");
    for (body, allowed) in [
        (json!({"spec": {"values": ["www.example.com"]}}), true),
        (json!({"spec": {"type": "CNAME"}}), false),
        (json!({"metadata": {"ownerReferences": null}}), false),
        (json!({"metadata": {"labels": {"a": "b"}}}), false),
    ] {
        let (status, words) = request("PATCH", &made).body(body.clone()).send(operator).await;
        assert_eq!(status, if allowed { 200 } else { 403 }, "{body}: {words}");
    }
    assert_eq!(request("DELETE", &made).send(operator).await.0, 200);
    let (status, words) = request("DELETE", &format!("{RECORD}?dryRun=All")).send(operator).await;
    assert!(status == 403 && words.contains("deletes nothing but what it made"), "{status}: {words}");
    world.kubectl(&["delete", "dnsrecord", "-n", "shop", "made", "--timeout=60s"]).await;
}

/// A role cannot tell a finalizer from the spec; the policy of `deploy/base` does.
#[tokio::test(flavor = "multi_thread")]
async fn of_an_object_the_operator_changes_its_own_finalizers_alone() {
    let (world, operator) = world().await;
    world
        .kubectl(&[
            "patch",
            "dnsrecord",
            "-n",
            "shop",
            "web",
            "--type=json",
            "-p",
            "[{\"op\": \"add\", \"path\": \"/metadata/finalizers/-\", \"value\": \"example.com/theirs\"}]",
        ])
        .await;
    let dry = |path: &str| format!("{path}?dryRun=All");
    let patch = |path: &str, body: Value| request("PATCH", &dry(path)).body(body);
    let own = json!([{"op": "add", "path": "/metadata/finalizers/-", "value": "solidserver.dev/another"}]);
    let refused = [
        (patch(RECORD, json!({"spec": {"values": ["192.0.2.66"]}})), "spec"),
        (patch(RECORD, json!({"spec": {"suspend": true}})), "spec"),
        (patch(SERVER, json!({"spec": {"endpoint": "https://evil.example.com"}})), "spec"),
        (patch(SERVER, json!({"spec": {"credentialsSecretRef": {"name": "another"}}})), "spec"),
        (
            patch(
                SERVER,
                json!({"spec": {"zones": [{"name": "*", "allowedNamespaces": {"from": "All"}, "maxRecords": 1}]}}),
            ),
            "spec",
        ),
        (
            patch(SERVER, json!({"metadata": {"annotations": {"solidserver.dev/approve-deletions": "any"}}})),
            "annotations",
        ),
        (
            patch(SERVER, json!({"metadata": {"annotations": {"solidserver.dev/take-over": "any"}}})),
            "annotations",
        ),
        (
            patch(RECORD, json!({"metadata": {"annotations": {"solidserver.dev/abandon": "true"}}})),
            "annotations",
        ),
        (patch(RECORD, json!({"metadata": {"labels": {"a": "b"}}})), "labels"),
        (
            patch(
                RECORD,
                json!({"metadata": {"ownerReferences": [
                    {"apiVersion": "v1", "kind": "ConfigMap", "name": "gone", "uid": "0-0-0-0"},
                ]}}),
            ),
            "owners",
        ),
        (patch(RECORD, json!({"metadata": {"finalizers": []}})), "finalizers of others"),
    ];
    // The API server puts a policy in force a little after it has taken it.
    world.until("the policy is in force", async || refused[0].0.send(&operator).await.0 != 200).await;
    for (request, words) in &refused {
        let (status, answer) = request.send(&operator).await;
        assert_eq!(status, 403, "{} {:?}: {answer}", request.path, request.body);
        assert!(answer.contains("the operator does not write") && answer.contains(words), "{answer}");
    }
    of_another_one(&world, &operator).await;
    // Its own finalizers, and the same requests of a person.
    assert_eq!(patch(RECORD, own.clone()).send(&operator).await.0, 200);
    assert_eq!(patch(SERVER, own).send(&operator).await.0, 200);
    for (request, _) in refused.iter().filter(|(request, _)| request.path.contains("web")) {
        let (status, answer) = request.send(&world.client).await;
        assert_eq!(status, 200, "{:?}: {answer}", request.body);
    }
    world
        .kubectl(&[
            "patch",
            "dnsrecord",
            "-n",
            "shop",
            "web",
            "--type=json",
            "-p",
            "[{\"op\": \"remove\", \"path\": \"/metadata/finalizers/1\"}]",
        ])
        .await;
    world.kubectl(&["delete", "dnsrecord", "-n", "shop", "web", "--timeout=60s"]).await;
}
