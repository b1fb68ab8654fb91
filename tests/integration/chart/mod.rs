//! The Helm chart: it makes what kustomize makes, its values do what they say, and it installs on the real API server.

mod installed;
mod release;
mod same;
mod values;

use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::control_plane::{Output, shared};

/// With this release name the chart names things as kustomize does.
const RELEASE: &str = "solidserver-operator";
const NAMESPACE: &str = "solidserver-system";

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn chart() -> PathBuf {
    root().join("deploy/helm/solidserver-operator")
}

/// A file with values beside the chart.
fn values_file(name: &str) -> String {
    chart().join("ci").join(name).to_string_lossy().into_owned()
}

fn read(path: impl AsRef<Path>) -> String {
    let path = path.as_ref();
    std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

async fn helm(arguments: &[&str]) -> Output {
    shared().await.unwrap().helm(arguments).await.unwrap()
}

/// `helm template` with these arguments.
async fn template(arguments: &[&str]) -> Output {
    let chart = chart();
    let chart = chart.to_string_lossy();
    helm(&[&["template", RELEASE, &chart, "--namespace", NAMESPACE], arguments].concat()).await
}

/// What `helm template` makes with these arguments, which it must take without a warning.
async fn rendered(arguments: &[&str]) -> Vec<Value> {
    let output = template(arguments).await;
    assert_eq!(output.stderr, "", "helm template warns");
    manifests(&output.success().unwrap())
}

fn manifests(text: &str) -> Vec<Value> {
    let manifests: Vec<Value> = serde_saphyr::from_multiple(text).unwrap();
    let manifests: Vec<Value> = manifests.into_iter().filter(|manifest| !manifest.is_null()).collect();
    assert!(!manifests.is_empty());
    manifests
}

/// The one manifest of a kind.
fn only<'a>(manifests: &'a [Value], kind: &str) -> &'a Value {
    let of_kind: Vec<&Value> = manifests.iter().filter(|manifest| manifest["kind"] == kind).collect();
    assert_eq!(of_kind.len(), 1, "{kind}");
    of_kind[0]
}
