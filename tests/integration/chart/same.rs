//! Helm and kustomize make the same objects, from the same files where files can be shared.

use std::collections::BTreeMap;
use std::fs;

use serde_json::{Value, json};

use super::{NAMESPACE, chart, manifests, read, rendered, root};
use crate::control_plane::shared;

/// Labels that only a chart has.
const CHARTS_LABELS: [&str; 3] =
    ["helm.sh/chart", "app.kubernetes.io/version", "app.kubernetes.io/managed-by"];

/// Each folder of deploy/components, and the values of the chart that stand for it.
const OPTIONS: [(&str, &[&str]); 3] = [
    ("admission", &["delegationPolicy.enabled=true"]),
    ("monitoring", &["serviceMonitor.enabled=true", "prometheusRule.enabled=true", "dashboard.enabled=true"]),
    ("network-policy", &["networkPolicy.enabled=true"]),
];

/// The values that stand for deploy/overlays/restricted.
const RESTRICTED: [&str; 5] = [
    "delegationPolicy.enabled=true",
    "networkPolicy.enabled=true",
    "networkPolicy.metrics.from[0].namespaceSelector.matchLabels.kubernetes\\.io/metadata\\.name=monitoring",
    "networkPolicy.apiServer.to[0].ipBlock.cidr=203.0.113.10/32",
    "networkPolicy.appliances.to[0].ipBlock.cidr=192.0.2.53/32",
];

/// Files of the chart that are copies of others: Helm reads nothing outside of a chart.
const COPIES: [(&str, &str); 6] = [
    ("crds/dnsrecords.yaml", "files/crds/dnsrecords.yaml"),
    ("crds/solidservers.yaml", "files/crds/solidservers.yaml"),
    ("deploy/base/operator-writes.yaml", "files/policies/operator-writes.yaml"),
    ("deploy/components/admission/delegation.yaml", "files/policies/delegation.yaml"),
    ("deploy/components/monitoring/alerts.yaml", "files/monitoring/alerts.yaml"),
    ("deploy/components/monitoring/dashboard.json", "files/monitoring/dashboard.json"),
];

/// Set to write the copies instead of comparing them.
const WRITE: &str = "WRITE_CHART";

#[test]
fn the_charts_copies_are_the_files_they_were_copied_from() {
    for (source, copy) in COPIES {
        let text = read(root().join(source));
        let path = chart().join(copy);
        if std::env::var_os(WRITE).is_some() {
            fs::write(&path, &text).unwrap();
        }
        assert!(
            fs::read_to_string(&path).unwrap_or_default() == text,
            "{copy} in the chart is not {source}; run: {WRITE}=1 cargo test --test integration chart::same"
        );
    }
    let count = |folder: &str| fs::read_dir(chart().join(folder)).unwrap().count();
    let folders = ["crds", "monitoring", "policies"];
    assert_eq!(count("files"), folders.len());
    assert_eq!(
        folders.map(|folder| count(&format!("files/{folder}"))).into_iter().sum::<usize>(),
        COPIES.len()
    );
}

/// An overlay with these folders of deploy/components, as kustomize renders it.
async fn kustomized(overlay: &str, components: &[&str]) -> Vec<Value> {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().canonicalize().unwrap();
    // kustomize takes no absolute paths.
    let up = "../".repeat(place.components().count() - 1);
    let deploy = root().join("deploy");
    let deploy = format!("{up}{}", deploy.to_string_lossy().trim_start_matches('/'));
    let components: Vec<String> =
        components.iter().map(|name| format!("{deploy}/components/{name}")).collect();
    let kustomization = json!({
        "apiVersion": "kustomize.config.k8s.io/v1beta1",
        "kind": "Kustomization",
        "resources": [format!("{deploy}/overlays/{overlay}")],
        "components": components,
    });
    fs::write(place.join("kustomization.yaml"), kustomization.to_string()).unwrap();
    let control_plane = shared().await.unwrap();
    let output = control_plane.kubectl(&["kustomize", &place.to_string_lossy()]).await.unwrap();
    assert_eq!(output.stderr, "", "kubectl kustomize warns");
    manifests(&output.success().unwrap())
}

/// By kind, namespace and name.
fn keyed(manifests: Vec<Value>) -> BTreeMap<String, Value> {
    let count = manifests.len();
    let key = |manifest: &Value| {
        let word =
            |pointer: &str| manifest.pointer(pointer).and_then(Value::as_str).unwrap_or("-").to_owned();
        format!("{} {} {}", word("/kind"), word("/metadata/namespace"), word("/metadata/name"))
    };
    let keyed: BTreeMap<String, Value> =
        manifests.into_iter().map(|manifest| (key(&manifest), manifest)).collect();
    assert_eq!(keyed.len(), count, "two objects of one name");
    keyed
}

/// What Helm says of itself is taken off. Each time it must be there.
fn without_what_only_charts_have(manifests: &mut BTreeMap<String, Value>) {
    for (key, manifest) in manifests {
        let labels = manifest["metadata"]["labels"].as_object_mut().unwrap();
        for label in CHARTS_LABELS {
            assert!(labels.remove(label).is_some(), "{key} has no label {label}");
        }
        if manifest["kind"] == "CustomResourceDefinition" {
            let metadata = manifest["metadata"].as_object_mut().unwrap();
            assert_eq!(
                metadata.remove("annotations"),
                Some(json!({"helm.sh/resource-policy": "keep"})),
                "{key}"
            );
        }
    }
}

/// ConfigMaps whose names end in a digest of what is in them get the names without it, and so does what refers to them.
fn without_digests(manifests: &mut BTreeMap<String, Value>) {
    for name in ["solidserver-operator", "solidserver-operator-dashboard"] {
        let prefix = format!("ConfigMap {NAMESPACE} {name}-");
        let is_digest =
            |rest: &str| rest.len() >= 8 && rest.chars().all(|letter| letter.is_ascii_alphanumeric());
        let ends_in_digest = |key: &&String| key.strip_prefix(&prefix).is_some_and(is_digest);
        let Some(key) =
            manifests.keys().find(|key| ends_in_digest(key) && !key.ends_with("-dashboard")).cloned()
        else {
            continue;
        };
        let mut config_map = manifests.remove(&key).unwrap();
        let with_digest = config_map["metadata"]["name"].take();
        config_map["metadata"]["name"] = json!(name);
        manifests.insert(format!("ConfigMap {NAMESPACE} {name}"), config_map);
        let deployment = manifests.get_mut(&format!("Deployment {NAMESPACE} solidserver-operator")).unwrap();
        let reference = &mut deployment["spec"]["template"]["spec"]["containers"][0]["env"][0]["valueFrom"]["configMapKeyRef"];
        if name == "solidserver-operator" {
            assert_eq!(reference["name"].take(), with_digest);
            reference["name"] = json!(name);
        }
    }
}

/// The YAML libraries of Helm and kustomize do not agree on where the lines of folded text end. In CEL spaces and line ends are
/// the same.
fn on_one_line(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                match value {
                    Value::String(text) if name == "expression" || name == "messageExpression" => {
                        *text = text.split_whitespace().collect::<Vec<_>>().join(" ");
                    }
                    value => on_one_line(value),
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(on_one_line),
        _ => {}
    }
}

async fn assert_same(overlay: &str, components: &[&str], sets: &[&str]) -> usize {
    let mut from_kustomize = keyed(kustomized(overlay, components).await);
    let mut arguments = vec!["--set", "clusterName=example"];
    arguments.extend(sets.iter().flat_map(|set| ["--set", set]));
    let mut from_helm = keyed(rendered(&arguments).await);
    // Helm has a flag for it, --create-namespace.
    assert!(from_kustomize.remove(&format!("Namespace - {NAMESPACE}")).is_some());
    without_what_only_charts_have(&mut from_helm);
    without_digests(&mut from_helm);
    without_digests(&mut from_kustomize);
    assert!(from_helm.contains_key(&format!("ConfigMap {NAMESPACE} solidserver-operator")));
    for rendering in [&mut from_helm, &mut from_kustomize] {
        let of_policies =
            rendering.iter_mut().filter(|(key, _)| key.starts_with("ValidatingAdmissionPolicy "));
        of_policies.for_each(|(_, policy)| on_one_line(policy));
    }
    assert_eq!(Vec::from_iter(from_helm.keys()), Vec::from_iter(from_kustomize.keys()));
    for (key, object) in &from_helm {
        assert!(
            *object == from_kustomize[key],
            "{key} differs.\nHelm:\n{object:#}\nkustomize:\n{:#}",
            from_kustomize[key]
        );
    }
    from_helm.len()
}

#[tokio::test]
async fn helm_and_kustomize_make_the_same_objects() {
    let plain = assert_same("example", &[], &[]).await;
    assert!(plain >= 12, "{plain} objects");
    // Each option by itself, and all of them.
    for (component, sets) in OPTIONS {
        let with = assert_same("example", &[component], sets).await;
        assert!(with > plain, "{component} adds nothing");
    }
    let components = OPTIONS.map(|(component, _)| component);
    let sets: Vec<&str> = OPTIONS.iter().flat_map(|(_, sets)| sets.iter().copied()).collect();
    assert_same("example", &components, &sets).await;
    assert_same("restricted", &[], &RESTRICTED).await;
}

#[test]
fn every_component_of_kustomize_is_an_option_of_the_chart() {
    let mut components: Vec<String> = fs::read_dir(root().join("deploy/components"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    components.sort_unstable();
    assert_eq!(components, OPTIONS.map(|(component, _)| component));
}

#[test]
fn one_version_and_one_image_are_named_everywhere() {
    let version = env!("CARGO_PKG_VERSION");
    let description: Value = serde_saphyr::from_str(&read(chart().join("Chart.yaml"))).unwrap();
    assert_eq!(description["version"], version);
    assert_eq!(description["appVersion"], version);
    let image = "ghcr.io/solidserver-operator/solidserver-operator";
    let values: Value = serde_saphyr::from_str(&read(chart().join("values.yaml"))).unwrap();
    assert_eq!(values["image"]["repository"], image);
    assert!(
        read(root().join("deploy/base/deployment.yaml")).contains(&format!("image: {image}:{version}\n"))
    );
    let mut overlays = 0;
    for overlay in fs::read_dir(root().join("deploy/overlays")).unwrap() {
        let overlay = overlay.unwrap();
        // Other tests have overlays of their own there for a moment.
        if overlay.file_name().to_string_lossy().starts_with('.') {
            continue;
        }
        let text = read(overlay.path().join("kustomization.yaml"));
        let kustomization: Value = serde_saphyr::from_str(&text).unwrap();
        for replaced in kustomization["images"].as_array().into_iter().flatten() {
            assert_eq!((&replaced["name"], &replaced["newTag"]), (&json!(image), &json!(version)));
            overlays += 1;
        }
    }
    assert!(overlays >= 1);
}

#[test]
fn the_image_is_what_the_pod_expects_of_it() {
    let containerfile = read(root().join("Containerfile"));
    let has = |line: &str| {
        assert!(containerfile.lines().any(|other| other == line), "the Containerfile lacks: {line}")
    };
    let values: Value = serde_saphyr::from_str(&read(chart().join("values.yaml"))).unwrap();
    let context = &values["podSecurityContext"];
    has(&format!("USER {}:{}", context["runAsUser"], context["runAsGroup"]));
    has("ENTRYPOINT [\"/solidserver-operator\"]");
    has("EXPOSE 8080");
    // The builder's Rust is the one that Cargo.toml asks for.
    has(&format!("ARG RUST_VERSION={}", env!("CARGO_PKG_RUST_VERSION")));
}
