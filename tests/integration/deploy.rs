//! What deploy/ ships, against the real API server.

use k8s_openapi::api::{
    apps::v1::Deployment,
    authorization::v1::{ResourceAttributes, SubjectAccessReview, SubjectAccessReviewSpec},
    core::v1::{Namespace, Pod},
    rbac::v1::{ClusterRole, PolicyRule, Role},
};
use kube::{
    Api, ResourceExt as _,
    api::{Patch, PatchParams, PostParams},
};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::control_plane::{ControlPlane, shared};

const OPERATOR_NAMESPACE: &str = "solidserver-system";
const OPERATOR: &str = "system:serviceaccount:solidserver-system:solidserver-operator";

/// The shared control plane with `deploy/base` applied.
async fn with_operator() -> &'static ControlPlane {
    let control_plane = shared().await.unwrap();
    control_plane.install_operator().await.unwrap();
    control_plane
}

fn folder(path: &str) -> String {
    format!("{}/deploy/{path}", env!("CARGO_MANIFEST_DIR"))
}

/// What `kubectl kustomize` makes of a folder below deploy/.
async fn kustomize(path: &str) -> Vec<Value> {
    let control_plane = shared().await.unwrap();
    let output = control_plane.kubectl(&["kustomize", &folder(path)]).await.unwrap();
    assert_eq!(output.stderr, "", "kubectl kustomize warns");
    let manifests: Vec<Value> = serde_saphyr::from_multiple(&output.success().unwrap()).unwrap();
    assert!(!manifests.is_empty());
    manifests
}

/// The manifests of one kind, as that kind.
fn of_kind<K: DeserializeOwned>(manifests: &[Value], kind: &str) -> Vec<K> {
    let of_kind: Vec<K> = manifests
        .iter()
        .filter(|manifest| manifest["kind"] == kind)
        .map(|manifest| K::deserialize(manifest).unwrap())
        .collect();
    assert!(!of_kind.is_empty(), "no {kind}");
    of_kind
}

#[tokio::test]
async fn the_api_server_accepts_the_base_without_a_warning() {
    let control_plane = with_operator().await;
    let apply =
        ["apply", "--server-side", "--dry-run=server", "--output=name", "--kustomize", &folder("base")];
    let output = control_plane.kubectl(&apply).await.unwrap();
    assert_eq!(output.stderr, "");
    let mut names: Vec<String> = output.success().unwrap().lines().map(String::from).collect();
    names.sort_unstable();
    let expected = [
        "clusterrole.rbac.authorization.k8s.io/solidserver-operator",
        "clusterrole.rbac.authorization.k8s.io/solidserver-operator-edit",
        "clusterrole.rbac.authorization.k8s.io/solidserver-operator-view",
        "clusterrolebinding.rbac.authorization.k8s.io/solidserver-operator",
        "customresourcedefinition.apiextensions.k8s.io/dnsrecords.solidserver.dev",
        "customresourcedefinition.apiextensions.k8s.io/solidservers.solidserver.dev",
        "deployment.apps/solidserver-operator",
        "namespace/solidserver-system",
        "poddisruptionbudget.policy/solidserver-operator",
        "role.rbac.authorization.k8s.io/solidserver-operator",
        "rolebinding.rbac.authorization.k8s.io/solidserver-operator",
        "service/solidserver-operator-metrics",
        "serviceaccount/solidserver-operator",
        "validatingadmissionpolicy.admissionregistration.k8s.io/solidserver-operator-writes",
        "validatingadmissionpolicybinding.admissionregistration.k8s.io/solidserver-operator-writes",
    ];
    assert_eq!(names, expected);
}

#[tokio::test]
async fn the_api_server_accepts_the_examples_without_a_warning() {
    let control_plane = with_operator().await;
    // A dry run in a namespace that is not there is refused.
    let client = control_plane.client().unwrap();
    let namespaces: Api<Namespace> = Api::all(client);
    let manifests = kustomize("examples").await;
    for namespace in of_kind::<Namespace>(&manifests, "Namespace") {
        let apply = PatchParams::apply("deploy-test").force();
        namespaces.patch(&namespace.name_any(), &apply, &Patch::Apply(&namespace)).await.unwrap();
    }
    let apply =
        ["apply", "--server-side", "--dry-run=server", "--output=name", "--kustomize", &folder("examples")];
    let output = control_plane.kubectl(&apply).await.unwrap();
    assert_eq!(output.stderr, "");
    let names = output.success().unwrap();
    let count = |prefix: &str| names.lines().filter(|name| name.starts_with(prefix)).count();
    assert_eq!(count("solidserver.solidserver.dev/default"), 1, "{names}");
    assert_eq!(count("secret/solidserver"), 1, "{names}");
    assert_eq!(count("dnsrecord.solidserver.dev/"), 8, "{names}");
    let types = of_kind::<Value>(&manifests, "DnsRecord");
    let types: std::collections::BTreeSet<&str> =
        types.iter().filter_map(|record| record["spec"]["type"].as_str()).collect();
    assert_eq!(Vec::from_iter(types), ["A", "AAAA", "CAA", "CNAME", "MX", "SRV", "TXT"]);
}

#[tokio::test]
async fn the_operators_pod_is_admitted_where_pod_security_is_restricted() {
    let control_plane = with_operator().await;
    let deployment = of_kind::<Deployment>(&kustomize("base").await, "Deployment").remove(0);
    let template = deployment.spec.unwrap().template;
    let mut pod = Pod { metadata: template.metadata.unwrap(), spec: template.spec, ..Pod::default() };
    pod.metadata.name = Some("operator".into());
    let pods: Api<Pod> = Api::namespaced(control_plane.client().unwrap(), OPERATOR_NAMESPACE);
    let dry_run = PostParams { dry_run: true, ..PostParams::default() };
    pods.create(&dry_run, &pod).await.unwrap();

    // The same pod with one restriction less is refused: the check above is no empty one.
    let context = pod.spec.as_mut().unwrap().containers[0].security_context.as_mut().unwrap();
    assert_eq!(context.read_only_root_filesystem, Some(true));
    context.allow_privilege_escalation = None;
    let refused = pods.create(&dry_run, &pod).await.unwrap_err().to_string();
    assert!(refused.contains("violates PodSecurity \"restricted"), "{refused}");
}

#[tokio::test]
async fn the_operators_pod_has_no_right_that_it_can_do_without() {
    let pod =
        of_kind::<Deployment>(&kustomize("base").await, "Deployment").remove(0).spec.unwrap().template.spec;
    let pod = serde_json::to_value(pod.unwrap()).unwrap();
    assert_eq!(pod["securityContext"]["runAsNonRoot"], true);
    assert_eq!(pod["securityContext"]["seccompProfile"], json!({"type": "RuntimeDefault"}));
    let containers = pod["containers"].as_array().unwrap();
    assert_eq!(containers.len(), 1);
    let own = json!({"allowPrivilegeEscalation": false, "readOnlyRootFilesystem": true, "capabilities": {"drop": ["ALL"]}});
    assert_eq!(containers[0]["securityContext"], own);
    for field in ["hostNetwork", "hostPID", "hostIPC", "volumes", "initContainers"] {
        assert_eq!(pod[field], Value::Null, "{field}");
    }
    assert!(containers[0]["resources"]["limits"]["memory"].is_string());
}

/// The NetworkPolicy of an overlay.
async fn network_policy(manifests: &[Value]) -> Value {
    let mut policies = of_kind::<Value>(manifests, "NetworkPolicy");
    assert_eq!(policies.len(), 1);
    let policy = policies.remove(0);
    let control_plane = with_operator().await;
    let apply = ["apply", "--dry-run=server", "--output=name", "--filename=-"];
    let taken = control_plane.kubectl_with_stdin(&apply, &policy.to_string()).await.unwrap();
    assert_eq!(taken.stderr, "");
    assert_eq!(taken.stdout, "networkpolicy.networking.k8s.io/solidserver-operator\n");
    policy
}

#[tokio::test]
async fn the_network_policy_is_about_the_operators_pods_and_lets_through_what_they_need() {
    let manifests = kustomize("overlays/restricted").await;
    let policy = network_policy(&manifests).await;
    let deployment = of_kind::<Deployment>(&manifests, "Deployment").remove(0);
    let pod = deployment.spec.unwrap().template;
    let labels = pod.metadata.unwrap().labels.unwrap();
    let selected = policy["spec"]["podSelector"]["matchLabels"].as_object().unwrap();
    assert!(!selected.is_empty());
    for (key, value) in selected {
        assert_eq!(Some(value.as_str().unwrap()), labels.get(key).map(String::as_str), "{key}");
    }
    assert_eq!(policy["metadata"]["namespace"], json!(OPERATOR_NAMESPACE));
    assert_eq!(policy["spec"]["policyTypes"], json!(["Ingress", "Egress"]));
    let ports = |rule: &Value| -> Vec<String> {
        let ports = rule["ports"].as_array().unwrap().iter();
        ports.map(|port| format!("{}/{}", port["protocol"].as_str().unwrap(), port["port"])).collect()
    };
    let names: Vec<String> = pod.spec.unwrap().containers[0]
        .ports
        .as_ref()
        .unwrap()
        .iter()
        .filter_map(|port| port.name.clone())
        .collect();
    assert_eq!(names, ["http"]);
    let ingress = policy["spec"]["ingress"].as_array().unwrap();
    assert_eq!(ingress.iter().map(ports).collect::<Vec<_>>(), [["TCP/\"http\""]]);
    let egress = policy["spec"]["egress"].as_array().unwrap();
    let expected = [vec!["UDP/53", "TCP/53"], vec!["TCP/443", "TCP/6443"], vec!["TCP/443"]];
    assert_eq!(egress.iter().map(ports).collect::<Vec<_>>(), expected);
    // No rule is without addresses, and those that an overlay has to fill in are filled in.
    assert!(ingress.iter().all(|rule| rule["from"].as_array().is_some_and(|from| !from.is_empty())));
    assert!(egress.iter().all(|rule| rule["to"].as_array().is_some_and(|to| !to.is_empty())));
    assert_eq!(egress[1]["to"], json!([{"ipBlock": {"cidr": "203.0.113.10/32"}}]));
    assert_eq!(egress[2]["to"], json!([{"ipBlock": {"cidr": "192.0.2.53/32"}}]));
}

#[tokio::test]
async fn the_network_policy_works_before_anybody_has_filled_in_addresses() {
    let control_plane = with_operator().await;
    let folder = tempfile::tempdir_in(folder("overlays")).unwrap();
    let overlay = "resources: [../example]\ncomponents: [../../components/network-policy]\n";
    std::fs::write(folder.path().join("kustomization.yaml"), overlay).unwrap();
    let path = folder.path().to_string_lossy().into_owned();
    let manifests = control_plane.kubectl(&["kustomize", &path]).await.unwrap().success().unwrap();
    let manifests: Vec<Value> = serde_saphyr::from_multiple(&manifests).unwrap();
    let policy = network_policy(&manifests).await;
    for rule in &policy["spec"]["egress"].as_array().unwrap()[1..] {
        let open: Vec<&str> =
            rule["to"].as_array().unwrap().iter().map(|to| to["ipBlock"]["cidr"].as_str().unwrap()).collect();
        assert_eq!(open, ["0.0.0.0/0", "::/0"]);
        // Never where clouds hand out the machine's credentials.
        assert_eq!(rule["to"][0]["ipBlock"]["except"], json!(["169.254.169.254/32"]));
    }
}

#[tokio::test]
async fn the_overlay_gives_the_operator_its_cluster_name() {
    let manifests = kustomize("overlays/example").await;
    let deployment = of_kind::<Deployment>(&manifests, "Deployment").remove(0);
    let container = deployment.spec.unwrap().template.spec.unwrap().containers.remove(0);
    let environment = container.env.unwrap();
    let source = |name: &str| {
        let variable = environment.iter().find(|variable| variable.name == name).unwrap();
        variable.value_from.clone().unwrap()
    };
    let key = source("CLUSTER_NAME").config_map_key_ref.unwrap();
    let config_map = of_kind::<Value>(&manifests, "ConfigMap").remove(0);
    assert_eq!(config_map["metadata"]["name"], json!(key.name));
    assert_eq!(config_map["metadata"]["namespace"], json!(OPERATOR_NAMESPACE));
    assert_eq!(config_map["data"][&key.key], json!("example"));
    assert_eq!(source("POD_NAMESPACE").field_ref.unwrap().field_path, "metadata.namespace");
    let arguments = container.args.unwrap();
    assert_eq!(arguments[0], "run");
    assert!(arguments.contains(&"--cluster-name=$(CLUSTER_NAME)".into()), "{arguments:?}");
}

#[tokio::test]
async fn the_binary_knows_every_flag_of_the_deployment() {
    let deployment = of_kind::<Deployment>(&kustomize("base").await, "Deployment").remove(0);
    let arguments = deployment.spec.unwrap().template.spec.unwrap().containers.remove(0).args.unwrap();
    let operator = env!("CARGO_BIN_EXE_solidserver-operator");
    let output = tokio::process::Command::new(operator).args(["run", "--help"]).output().await.unwrap();
    let help = String::from_utf8(output.stdout).unwrap();
    let known: Vec<&str> = help.split_whitespace().filter(|word| word.starts_with("--")).collect();
    for argument in &arguments[1..] {
        let flag = argument.split('=').next().unwrap();
        assert!(known.contains(&flag), "{flag} is not in: solidserver-operator run --help\n{help}");
    }
    assert_eq!(arguments.len(), 5);
}

#[tokio::test]
async fn no_role_has_a_wildcard_or_a_right_over_roles() {
    let manifests = kustomize("base").await;
    let mut rules: Vec<PolicyRule> = Vec::new();
    rules.extend(of_kind::<Role>(&manifests, "Role").into_iter().flat_map(|role| role.rules.unwrap()));
    rules.extend(
        of_kind::<ClusterRole>(&manifests, "ClusterRole").into_iter().flat_map(|role| role.rules.unwrap()),
    );
    assert_eq!(rules.len(), 9);
    for rule in &rules {
        let groups = rule.api_groups.as_deref().unwrap_or_default();
        let resources = rule.resources.as_deref().unwrap_or_default();
        let words = groups.iter().chain(resources).chain(&rule.verbs);
        assert!(words.clone().all(|word| !word.contains('*')), "{rule:?}");
        assert!(groups.iter().all(|group| group != "rbac.authorization.k8s.io"), "{rule:?}");
        assert!(!rule.verbs.is_empty() && rule.non_resource_urls.is_none(), "{rule:?}");
    }
}

/// `verb group/resource[/subresource] [in namespace]`, for example `get /secrets in shop`.
async fn may(control_plane: &ControlPlane, user: &str, request: &str) -> bool {
    let mut words = request.split(' ');
    let (verb, path) = (words.next().unwrap(), words.next().unwrap());
    let mut path = path.split('/').map(String::from);
    let (group, resource, subresource) = (path.next(), path.next(), path.next());
    let namespace = words.nth(1).map(String::from);
    let review = SubjectAccessReview {
        spec: SubjectAccessReviewSpec {
            user: Some(user.into()),
            resource_attributes: Some(ResourceAttributes {
                verb: Some(verb.into()),
                group,
                resource,
                subresource,
                namespace,
                ..ResourceAttributes::default()
            }),
            ..SubjectAccessReviewSpec::default()
        },
        ..SubjectAccessReview::default()
    };
    let reviews: Api<SubjectAccessReview> = Api::all(control_plane.client().unwrap());
    reviews.create(&PostParams::default(), &review).await.unwrap().status.unwrap().allowed
}

/// Of `requests`, those that `user` may make.
async fn granted<'a>(control_plane: &ControlPlane, user: &str, requests: &[&'a str]) -> Vec<&'a str> {
    let mut granted = Vec::new();
    for &request in requests {
        if may(control_plane, user, request).await {
            granted.push(request);
        }
    }
    granted
}

#[tokio::test]
async fn the_operator_may_do_its_work() {
    let control_plane = with_operator().await;
    let requests = [
        "list solidserver.dev/dnsrecords",
        "watch solidserver.dev/dnsrecords",
        "patch solidserver.dev/dnsrecords in shop",
        "create solidserver.dev/dnsrecords in shop",
        "delete solidserver.dev/dnsrecords in shop",
        "patch solidserver.dev/dnsrecords/status in shop",
        "list solidserver.dev/solidservers",
        "watch solidserver.dev/solidservers",
        "patch solidserver.dev/solidservers",
        "patch solidserver.dev/solidservers/status",
        "create events.k8s.io/events in shop",
        "patch events.k8s.io/events in default",
        "list /namespaces",
        "watch /namespaces",
        "get /namespaces",
        "get /secrets in solidserver-system",
        "list /secrets in solidserver-system",
        "watch /secrets in solidserver-system",
        "get coordination.k8s.io/leases in solidserver-system",
        "create coordination.k8s.io/leases in solidserver-system",
        "update coordination.k8s.io/leases in solidserver-system",
        "watch coordination.k8s.io/leases in solidserver-system",
    ];
    assert_eq!(granted(control_plane, OPERATOR, &requests).await, requests);
}

#[tokio::test]
async fn the_operator_may_do_nothing_else() {
    let control_plane = with_operator().await;
    let requests = [
        "update solidserver.dev/dnsrecords in shop",
        "deletecollection solidserver.dev/dnsrecords in shop",
        "create solidserver.dev/solidservers",
        "delete solidserver.dev/solidservers",
        "get /secrets in shop",
        "list /secrets",
        "get /secrets in kube-system",
        "create /secrets in solidserver-system",
        "update /secrets in solidserver-system",
        "get /configmaps in solidserver-system",
        "create /pods in solidserver-system",
        "update coordination.k8s.io/leases in kube-system",
        "patch /namespaces",
        "delete /namespaces",
        "list events.k8s.io/events in shop",
        "get apiextensions.k8s.io/customresourcedefinitions",
        "impersonate /serviceaccounts in solidserver-system",
        "create /serviceaccounts/token in solidserver-system",
        "bind rbac.authorization.k8s.io/clusterroles",
        "escalate rbac.authorization.k8s.io/roles in solidserver-system",
    ];
    assert_eq!(granted(control_plane, OPERATOR, &requests).await, [""; 0]);
}

#[tokio::test]
async fn people_with_view_edit_and_admin_have_it_for_records_too() {
    let control_plane = with_operator().await;
    let namespace = control_plane.create_namespace("people").await.unwrap();
    for role in ["view", "edit", "admin"] {
        let user = format!("--user={role}er-of-{namespace}");
        let bind = ["create", "rolebinding", role, "--clusterrole", role, &user, "--namespace", &namespace];
        control_plane.kubectl(&bind).await.unwrap().success().unwrap();
    }
    let here = |request: &str| format!("{request} in {namespace}");
    let read = [here("get solidserver.dev/dnsrecords"), here("watch solidserver.dev/dnsrecords")];
    let write = [
        here("create solidserver.dev/dnsrecords"),
        here("patch solidserver.dev/dnsrecords"),
        here("delete solidserver.dev/dnsrecords"),
    ];
    let never = [
        here("patch solidserver.dev/dnsrecords/status"),
        "create solidserver.dev/solidservers".into(),
        "patch solidserver.dev/solidservers".into(),
        "create solidserver.dev/dnsrecords in default".into(),
    ];
    let all: Vec<&str> = read.iter().chain(&write).chain(&never).map(String::as_str).collect();
    // The controller that aggregates ClusterRoles comes after `kubectl apply`; admin is the last it fills.
    let patience = std::time::Instant::now() + std::time::Duration::from_secs(60);
    let last = here("delete solidserver.dev/dnsrecords");
    for role in ["view", "edit", "admin"] {
        let user = format!("{role}er-of-{namespace}");
        let settled = if role == "view" { &read[0] } else { &last };
        while !may(control_plane, &user, settled).await {
            assert!(std::time::Instant::now() < patience, "{role} is not aggregated after a minute");
            tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        }
        let expected = if role == "view" { &all[..2] } else { &all[..5] };
        assert_eq!(granted(control_plane, &user, &all).await, expected, "{role}");
    }
}
