//! Finds the binaries of the control plane and of Helm, or builds them once with Go from the modules beside the tests.

use std::{env, path::PathBuf};

use super::{
    build::{Builder, Recipe, Source},
    error::Error,
};

/// Where the binaries are.
pub(super) struct Binaries {
    pub(super) etcd: PathBuf,
    pub(super) kube_apiserver: PathBuf,
    pub(super) kube_controller_manager: PathBuf,
    pub(super) kubectl: PathBuf,
}

/// The order is that of building: what Kubernetes' commands share is compiled with the first of them.
const ETCD: Source = ("etcd", "go.etcd.io/etcd/server/v3");
const KUBECTL: Source = ("kubectl", "k8s.io/kubernetes/cmd/kubectl");
const KUBE_APISERVER: Source = ("kube-apiserver", "k8s.io/kubernetes/cmd/kube-apiserver");
const KUBE_CONTROLLER_MANAGER: Source =
    ("kube-controller-manager", "k8s.io/kubernetes/cmd/kube-controller-manager");

static CONTROL_PLANE: Recipe = Recipe {
    what: "the control plane",
    takes: "about five minutes on two cores",
    folder: "tests/control-plane",
    cache: "control-plane",
    versioned: "k8s.io/kubernetes",
    // Without them kubectl and the API server say v0.0.0.
    stamped: &["k8s.io/component-base/version", "k8s.io/client-go/pkg/version"],
};

const HELM: Source = ("helm", "helm.sh/helm/v4/cmd/helm");

static HELM_RECIPE: Recipe = Recipe {
    what: "Helm",
    takes: "about two minutes on two cores",
    folder: "tests/helm",
    cache: "helm",
    versioned: "helm.sh/helm/v4",
    stamped: &[],
};

impl Binaries {
    /// Takes what `$KUBEBUILDER_ASSETS` has and builds the rest, which takes about five minutes on two
    /// cores the first time. Processes that ask at the same time wait for the one that builds. Blocks.
    pub(super) fn find_or_build() -> Result<Self, Error> {
        let assets = Assets::from_environment()?;
        let mut builder = Builder::new(&CONTROL_PLANE)?;
        let mut find = |source: Source| match assets.find(source.0) {
            Some(binary) => Ok(binary),
            None => builder.binary(source),
        };
        Ok(Self {
            etcd: find(ETCD)?,
            kubectl: find(KUBECTL)?,
            kube_apiserver: find(KUBE_APISERVER)?,
            kube_controller_manager: find(KUBE_CONTROLLER_MANAGER)?,
        })
    }
}

/// Helm, from `$KUBEBUILDER_ASSETS` if it has it. Blocks.
pub(super) fn find_or_build_helm() -> Result<PathBuf, Error> {
    match Assets::from_environment()?.find(HELM.0) {
        Some(binary) => Ok(binary),
        None => Builder::new(&HELM_RECIPE)?.binary(HELM),
    }
}

/// The folder that `$KUBEBUILDER_ASSETS` names, as in Kubernetes' envtest.
struct Assets(Option<PathBuf>);

impl Assets {
    fn from_environment() -> Result<Self, Error> {
        match env::var_os("KUBEBUILDER_ASSETS").filter(|folder| !folder.is_empty()).map(PathBuf::from) {
            Some(folder) if !folder.is_dir() => Err(Error::AssetsMissing(folder)),
            folder => Ok(Self(folder)),
        }
    }

    fn find(&self, binary: &str) -> Option<PathBuf> {
        let binary = self.0.as_ref()?.join(binary);
        binary.is_file().then_some(binary)
    }
}
