//! What the chart's values do, and which of them it refuses.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{chart, helm, only, read, rendered, template, values_file};

/// Those that `ci/all-values.yaml` leaves as they are, since others would have nothing to do; they are tried one by one.
const TRIED_ALONE: [&str; 5] =
    ["crds.enabled", "image.tag", "podDisruptionBudget.enabled", "rbac.create", "serviceAccount.create"];

#[tokio::test]
async fn helm_finds_nothing_to_say_about_the_chart() {
    for values in ["default-values.yaml", "all-values.yaml"] {
        let output =
            helm(&["lint", "--strict", &chart().to_string_lossy(), "--values", &values_file(values)]).await;
        let text = output.success().unwrap();
        assert!(text.contains("1 chart(s) linted, 0 chart(s) failed"), "{text}");
        assert!(!text.contains("[WARNING]") && !text.contains("[ERROR]"), "{text}");
    }
}

/// Values by their path. Whatever the schema leaves open (what Kubernetes has a type for) is one value.
fn leaves(values: &Value, schema: &Value) -> BTreeMap<String, Value> {
    let mut leaves = BTreeMap::new();
    let mut open = vec![(String::new(), values, schema)];
    while let Some((path, values, schema)) = open.pop() {
        for (name, value) in values.as_object().unwrap() {
            let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
            let schema = &schema["properties"][name];
            assert!(schema.is_object(), "{path} is not in the schema");
            if schema["properties"].is_object() && value.is_object() {
                open.push((path, value, schema));
            } else {
                leaves.insert(path, value.clone());
            }
        }
    }
    leaves
}

/// The paths of what the schema knows.
fn known(schema: &Value) -> Vec<String> {
    let mut known = Vec::new();
    let mut open = vec![(String::new(), schema)];
    while let Some((path, schema)) = open.pop() {
        match schema["properties"].as_object() {
            Some(properties) if schema["additionalProperties"] == false => {
                for (name, schema) in properties {
                    let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
                    open.push((path, schema));
                }
            }
            _ => known.push(path),
        }
    }
    known.sort_unstable();
    known
}

#[tokio::test]
async fn every_value_is_in_the_schema_and_does_something() {
    let schema: Value = serde_json::from_str(&read(chart().join("values.schema.json"))).unwrap();
    let defaults: Value = serde_saphyr::from_str(&read(chart().join("values.yaml"))).unwrap();
    let all: Value = serde_saphyr::from_str(&read(values_file("all-values.yaml"))).unwrap();
    let (defaults, others) = (leaves(&defaults, &schema), leaves(&all, &schema));
    let names: Vec<String> = defaults.keys().cloned().collect();
    // `global` is there for parent charts.
    assert_eq!(known(&schema).into_iter().filter(|name| name != "global").collect::<Vec<_>>(), names);
    assert_eq!(others.keys().cloned().collect::<Vec<_>>(), names);

    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("default.json");
    let all_values = values_file("all-values.yaml");
    let everything = template(&["--values", &all_values]).await.success().unwrap();
    let mut idle = Vec::new();
    for (name, default) in &defaults {
        if TRIED_ALONE.contains(&name.as_str()) {
            continue;
        }
        // All values but this one, which is as it is when nobody says anything.
        let default = if name == "clusterName" { json!("example") } else { default.clone() };
        let mut values = all.clone();
        *values.pointer_mut(&format!("/{}", name.replace('.', "/"))).unwrap() = default;
        std::fs::write(&file, values.to_string()).unwrap();
        if template(&["--values", &file.to_string_lossy()]).await.success().unwrap() == everything {
            idle.push(name);
        }
    }
    assert_eq!(idle, [""; 0], "they do nothing");
}

#[tokio::test]
async fn each_value_arrives_where_it_belongs() {
    let manifests = rendered(&["--values", &values_file("all-values.yaml")]).await;
    let pod = "/spec/template/spec";
    let container = "/spec/template/spec/containers/0";
    let expected = [
        ("Deployment", "/metadata/name".to_owned(), json!("dns-operator")),
        ("Deployment", "/spec/replicas".to_owned(), json!(3)),
        ("Deployment", "/spec/selector/matchLabels/app.kubernetes.io~1name".to_owned(), json!("dns")),
        ("Deployment", "/spec/template/metadata/labels/example.com~1team".to_owned(), json!("dns")),
        ("Deployment", "/spec/template/metadata/annotations/example.com~1note".to_owned(), json!("one")),
        ("Deployment", format!("{container}/imagePullPolicy"), json!("Always")),
        (
            "Deployment",
            format!("{container}/image"),
            json!(format!("registry.example.com/dns/operator@sha256:{}", "0123456789abcdef".repeat(4))),
        ),
        (
            "Deployment",
            format!("{container}/args"),
            json!([
                "run",
                "--cluster-name=$(CLUSTER_NAME)",
                "--operator-namespace=$(POD_NAMESPACE)",
                "--instance-id=$(POD_NAME)",
                "--http-listen=0.0.0.0:8080",
                "--watch-namespaces=shop,blog",
                "--log=info,solidserver_operator=debug",
                "--log-format=text",
                "--lease-duration=30s",
                "--lease-renew=20s",
                "--lease-retry=4s",
            ]),
        ),
        ("Deployment", format!("{container}/env/3/name"), json!("HTTPS_PROXY")),
        ("Deployment", format!("{container}/resources/limits/memory"), json!("1Gi")),
        ("Deployment", format!("{container}/securityContext/seLinuxOptions/level"), json!("s0:c123,c456")),
        ("Deployment", format!("{container}/securityContext/readOnlyRootFilesystem"), json!(true)),
        ("Deployment", format!("{pod}/serviceAccountName"), json!("dns-writer")),
        ("Deployment", format!("{pod}/imagePullSecrets"), json!([{"name": "registry"}])),
        ("Deployment", format!("{pod}/priorityClassName"), json!("system-cluster-critical")),
        ("Deployment", format!("{pod}/terminationGracePeriodSeconds"), json!(45)),
        ("Deployment", format!("{pod}/nodeSelector/kubernetes.io~1os"), json!("linux")),
        ("Deployment", format!("{pod}/tolerations/0/key"), json!("dedicated")),
        ("Deployment", format!("{pod}/topologySpreadConstraints/0/maxSkew"), json!(1)),
        // Null takes a default away, as platforms that choose users need it.
        (
            "Deployment",
            format!("{pod}/securityContext"),
            json!({"fsGroup": 2000, "runAsNonRoot": true, "seccompProfile": {"type": "RuntimeDefault"}}),
        ),
        ("ServiceAccount", "/metadata/name".to_owned(), json!("dns-writer")),
        ("ServiceAccount", "/metadata/annotations/example.com~1account".to_owned(), json!("1")),
        ("ClusterRoleBinding", "/subjects/0/name".to_owned(), json!("dns-writer")),
        ("RoleBinding", "/subjects/0/name".to_owned(), json!("dns-writer")),
        ("Role", "/rules/0/resourceNames".to_owned(), json!(["solidserver", "solidserver-ca"])),
        ("PodDisruptionBudget", "/spec/maxUnavailable".to_owned(), json!("50%")),
        (
            "NetworkPolicy",
            "/spec/ingress/0/from/0/namespaceSelector/matchLabels/kubernetes.io~1metadata.name".to_owned(),
            json!("monitoring"),
        ),
        ("NetworkPolicy", "/spec/egress/1/to".to_owned(), json!([{"ipBlock": {"cidr": "203.0.113.10/32"}}])),
        ("NetworkPolicy", "/spec/egress/2/to".to_owned(), json!([{"ipBlock": {"cidr": "192.0.2.53/32"}}])),
        ("NetworkPolicy", "/spec/egress/2/ports/1/port".to_owned(), json!(8443)),
        ("Service", "/metadata/name".to_owned(), json!("dns-operator-metrics")),
        ("Service", "/metadata/annotations/prometheus.io~1scrape".to_owned(), json!("true")),
        ("PrometheusRule", "/metadata/labels/role".to_owned(), json!("alerts")),
        ("ServiceMonitor", "/metadata/labels/release".to_owned(), json!("prometheus")),
        ("ServiceMonitor", "/spec/endpoints/0/interval".to_owned(), json!("15s")),
        ("ServiceMonitor", "/spec/endpoints/0/scrapeTimeout".to_owned(), json!("10s")),
    ];
    for (kind, pointer, value) in expected {
        let manifest = only(&manifests, kind);
        assert_eq!(manifest.pointer(&pointer), Some(&value), "{kind} {pointer}: {manifest:#}");
    }
    let config_maps: Vec<&Value> =
        manifests.iter().filter(|manifest| manifest["kind"] == "ConfigMap").collect();
    let with =
        |key: &str| *config_maps.iter().find(|config_map| config_map["data"][key].is_string()).unwrap();
    assert_eq!(with("solidserver-operator.json")["metadata"]["labels"]["grafana"], "dns");
    assert_eq!(with("cluster-name")["data"]["cluster-name"], "prod-eu1");
    let reference = &only(&manifests, "Deployment")["spec"]["template"]["spec"]["containers"][0]["env"][0];
    let name = &with("cluster-name")["metadata"]["name"];
    let key = json!({"name": name, "key": "cluster-name"});
    assert_eq!(*reference, json!({"name": "CLUSTER_NAME", "valueFrom": {"configMapKeyRef": key}}));
    // The policy about the operator is about this one.
    let text = serde_json::to_string(&manifests).unwrap();
    let user = "request.userInfo.username == 'system:serviceaccount:solidserver-system:dns-writer'";
    assert_eq!((text.matches(user).count(), text.matches("request.userInfo").count()), (1, 1));
    let affinity = &only(&manifests, "Deployment")["spec"]["template"]["spec"]["affinity"];
    assert_eq!(affinity.as_object().unwrap().keys().collect::<Vec<_>>(), ["nodeAffinity"]);
    for definition in manifests.iter().filter(|manifest| manifest["kind"] == "CustomResourceDefinition") {
        assert_eq!(definition["metadata"].get("annotations"), None, "crds.keep is false");
    }
    // A Service and a ServiceMonitor that select nothing would go unnoticed.
    let labels = &only(&manifests, "Deployment")["spec"]["template"]["metadata"]["labels"];
    let chosen = only(&manifests, "Service")["spec"]["selector"].as_object().unwrap();
    assert!(chosen.iter().all(|(label, value)| labels[label] == *value), "{chosen:?} in {labels}");
    let labels = &only(&manifests, "Service")["metadata"]["labels"];
    let chosen = only(&manifests, "ServiceMonitor")["spec"]["selector"]["matchLabels"].as_object().unwrap();
    assert!(chosen.iter().all(|(label, value)| labels[label] == *value), "{chosen:?} in {labels}");
}

/// The kinds that `helm template` makes with these values beside a cluster's name.
async fn kinds(sets: &[&str]) -> Vec<String> {
    let mut arguments = vec!["--set", "clusterName=example"];
    arguments.extend(sets.iter().flat_map(|set| ["--set", set]));
    let manifests = rendered(&arguments).await;
    let mut kinds: Vec<String> =
        manifests.iter().map(|manifest| manifest["kind"].as_str().unwrap().to_owned()).collect();
    kinds.sort_unstable();
    kinds
}

#[tokio::test]
async fn what_is_switched_off_is_not_made() {
    let all = kinds(&[]).await;
    for (set, gone) in [
        ("crds.enabled=false", &["CustomResourceDefinition", "CustomResourceDefinition"][..]),
        ("podDisruptionBudget.enabled=false", &["PodDisruptionBudget"]),
        (
            "rbac.create=false",
            &[
                "ClusterRole",
                "ClusterRoleBinding",
                "Role",
                "RoleBinding",
                "ValidatingAdmissionPolicy",
                "ValidatingAdmissionPolicyBinding",
            ],
        ),
        ("rbac.rolesForPeople=false", &["ClusterRole", "ClusterRole"]),
        ("serviceAccount.create=false", &["ServiceAccount"]),
    ] {
        let mut left = all.clone();
        for kind in gone {
            let place = left.iter().position(|other| other == kind).unwrap();
            left.remove(place);
        }
        assert_eq!(kinds(&[set]).await, left, "{set}");
    }
    let tagged = rendered(&["--set", "clusterName=example", "--set", "image.tag=9.9.9"]).await;
    let image = &only(&tagged, "Deployment")["spec"]["template"]["spec"]["containers"][0]["image"];
    assert_eq!(image, "ghcr.io/solidserver-operator/solidserver-operator:9.9.9");
}

#[tokio::test]
async fn values_that_make_no_sense_are_refused_and_named() {
    for (sets, named) in [
        (&[][..], "/clusterName"),
        (&["clusterName=Prod_EU"], "/clusterName"),
        (&["clusterName=example", "replicas=3"], "'replicas' not allowed"),
        (&["clusterName=example", "image.repositry=x"], "'repositry' not allowed"),
        (&["clusterName=example", "replicaCount=two"], "/replicaCount"),
        (&["clusterName=example", "crds.keep=sometimes"], "/crds/keep"),
        (&["clusterName=example", "log.format=xml"], "/log/format"),
        (&["clusterName=example", "leases.duration=15"], "/leases/duration"),
        (&["clusterName=example", "image.digest=sha256:abc"], "/image/digest"),
        (&["clusterName=example", "watchNamespaces={Shop}"], "/watchNamespaces/0"),
        (
            &["clusterName=example", "networkPolicy.appliances.ports={70000}"],
            "/networkPolicy/appliances/ports/0",
        ),
        (&["clusterName=example", "extraEnv[0].name=CLUSTER_NAME"], "/extraEnv/0/name"),
        (
            &["clusterName=example", "podDisruptionBudget.maxUnavailable=some"],
            "/podDisruptionBudget/maxUnavailable",
        ),
    ] {
        let arguments: Vec<&str> = sets.iter().flat_map(|set| ["--set", set]).collect();
        let output = template(&arguments).await;
        assert!(!output.status.success(), "{sets:?}");
        assert!(output.stderr.contains(named), "{sets:?}: {}", output.stderr);
    }
}

#[tokio::test]
async fn the_binary_knows_every_flag_of_the_chart() {
    let manifests = rendered(&["--values", &values_file("all-values.yaml")]).await;
    let arguments = &only(&manifests, "Deployment")["spec"]["template"]["spec"]["containers"][0]["args"];
    let operator = env!("CARGO_BIN_EXE_solidserver-operator");
    let output = tokio::process::Command::new(operator).args(["run", "--help"]).output().await.unwrap();
    let help = String::from_utf8(output.stdout).unwrap();
    let known: Vec<&str> = help.split_whitespace().filter(|word| word.starts_with("--")).collect();
    let flags: Vec<&str> = arguments.as_array().unwrap()[1..]
        .iter()
        .map(|argument| argument.as_str().unwrap().split('=').next().unwrap())
        .collect();
    assert_eq!(flags.len(), 10);
    for flag in flags {
        assert!(known.contains(&flag), "{flag} is not in: solidserver-operator run --help\n{help}");
    }
}

#[tokio::test]
async fn names_of_any_release_stay_valid() {
    // A release that is not named like the chart, and the longest that Helm allows.
    for release in ["dns", "a-release-with-a-name-of-fifty-three-characters-aaaaa"] {
        let chart = chart();
        let arguments = ["template", release, &chart.to_string_lossy(), "--set", "clusterName=example"];
        let text = helm(&arguments).await.success().unwrap();
        for manifest in super::manifests(&text) {
            let name = manifest["metadata"]["name"].as_str().unwrap();
            let long = manifest["kind"] != "CustomResourceDefinition" && name.len() > 63;
            assert!(!long && !name.ends_with('-'), "{name}");
        }
        let deployment = &only(&super::manifests(&text), "Deployment").clone();
        assert_eq!(deployment["metadata"]["namespace"], "default");
        assert!(
            deployment["metadata"]["name"]
                .as_str()
                .unwrap()
                .starts_with(release.split("-with").next().unwrap())
        );
    }
}
