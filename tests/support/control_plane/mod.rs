//! A real Kubernetes control plane for tests and the demo: etcd, kube-apiserver and, where asked,
//! kube-controller-manager on loopback, in a folder of their own, gone when the process that started them
//! is gone.
//!
//! The binaries come from `$KUBEBUILDER_ASSETS` or are built once with Go (`binaries`).

// Each of the test binary and the demo uses a part of this.
#![allow(dead_code)]

mod binaries;
mod build;
mod certificates;
mod command_line;
mod error;
mod kubeconfig;
mod process;
mod start;

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use k8s_openapi::api::{
    authentication::v1::{TokenRequest, TokenRequestSpec},
    authorization::v1::{ResourceAttributes, SelfSubjectAccessReview, SelfSubjectAccessReviewSpec},
    core::v1::{Namespace, ServiceAccount},
};
use kube::{
    Api, Client, Config,
    api::PostParams,
    config::{KubeConfigOptions, Kubeconfig},
};
use tempfile::TempDir;
use tokio::sync::OnceCell;

use self::{
    binaries::{Binaries, find_or_build_helm},
    build::{manifest_folder, progress},
    kubeconfig::{Credentials, write_kubeconfig},
    process::{Janitor, Server},
    start::{Files, StartError, Started, Starting},
};
pub(crate) use self::{
    command_line::{CommandLine, Output},
    error::Error,
};

/// How often a start is tried again when another process took one of its ports first.
const PORT_ATTEMPTS: usize = 5;

/// Keeps the folder with logs and data when set, for looking at what happened.
const KEEP_FILES: &str = "CONTROL_PLANE_KEEP_FILES";

/// Where `deploy/base` puts the operator, and as whom it runs.
const OPERATOR_NAMESPACE: &str = "solidserver-system";
const OPERATOR_ACCOUNT: &str = "solidserver-operator";

/// What says who the operator is and what it may do.
const KINDS_OF_RIGHTS: [&str; 8] = [
    "Namespace",
    "ServiceAccount",
    "Role",
    "RoleBinding",
    "ClusterRole",
    "ClusterRoleBinding",
    "ValidatingAdmissionPolicy",
    "ValidatingAdmissionPolicyBinding",
];

/// What to start and for how long.
#[derive(Debug, Clone)]
pub(crate) struct Options {
    /// Whether kube-controller-manager runs too. Without it a deleted namespace never comes to its end.
    pub(crate) controller_manager: bool,
    /// The servers are killed after this time, even if this process hangs.
    pub(crate) lifetime: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self { controller_manager: false, lifetime: Duration::from_secs(2 * 60 * 60) }
    }
}

/// A running control plane. Dropping it ends it and removes its folder.
pub(crate) struct ControlPlane {
    // Fields are dropped in this order: clients before the servers they talk to, the folder last.
    controller_manager: Option<Server>,
    _api_server: Server,
    _etcd: Server,
    binaries: Binaries,
    /// The API server's base URL.
    url: String,
    etcd_url: String,
    authority: String,
    config: Config,
    kubeconfig: PathBuf,
    /// Set when `deploy/base` is applied.
    operator: OnceCell<()>,
    folder: Folder,
}

impl ControlPlane {
    /// Starts the control plane and waits until the API server (and each controller, if asked for) works.
    ///
    /// # Errors
    /// Says which binary is missing and what to do, or quotes the log of the server that did not start.
    pub(crate) async fn start(options: Options) -> Result<Self, Error> {
        // Two providers may be compiled in; the first to install one wins, and either serves.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let binaries = tokio::task::spawn_blocking(Binaries::find_or_build)
            .await
            .map_err(|error| Error::Io { what: "build the control plane".into(), error: error.into() })??;
        let folder = Folder::new(options.lifetime)?;
        let files = Files::write(folder.path())?;
        let mut attempt = 1;
        loop {
            let starting =
                Starting { binaries: &binaries, files: &files, folder: folder.path(), options: &options };
            match starting.start().await {
                Ok(Started { controller_manager, api_server, etcd, url, etcd_url, config }) => {
                    return Ok(Self {
                        controller_manager,
                        _api_server: api_server,
                        _etcd: etcd,
                        binaries,
                        url,
                        etcd_url,
                        authority: files.authority,
                        config,
                        kubeconfig: files.kubeconfig,
                        operator: OnceCell::new(),
                        folder,
                    });
                }
                Err(StartError::PortTaken(_)) if attempt < PORT_ATTEMPTS => attempt += 1,
                Err(StartError::PortTaken(error) | StartError::Other(error)) => return Err(error),
            }
        }
    }

    /// A client with all rights. It belongs to the runtime that it is made in: each test makes its own.
    pub(crate) fn client(&self) -> Result<Client, Error> {
        Ok(Client::try_from(self.config.clone())?)
    }

    /// A client for the user of another kubeconfig, for example that of `kubeconfig_for`.
    pub(crate) async fn client_as(&self, kubeconfig: &Path) -> Result<Client, Error> {
        Ok(Client::try_from(client_config(kubeconfig).await?)?)
    }

    /// Where the API server listens.
    pub(crate) fn address(&self) -> Option<std::net::SocketAddr> {
        self.url.trim_start_matches("https://").parse().ok()
    }

    /// The kubeconfig of a cluster administrator.
    pub(crate) fn kubeconfig(&self) -> &Path {
        &self.kubeconfig
    }

    /// Writes the kubeconfig of an existing ServiceAccount, with a token of the API server that is good for
    /// an hour.
    pub(crate) async fn kubeconfig_for(
        &self,
        namespace: &str,
        service_account: &str,
    ) -> Result<PathBuf, Error> {
        let accounts: Api<ServiceAccount> = Api::namespaced(self.client()?, namespace);
        let request = TokenRequest {
            spec: TokenRequestSpec { expiration_seconds: Some(3600), ..TokenRequestSpec::default() },
            ..TokenRequest::default()
        };
        let answer = accounts.create_token_request(service_account, &PostParams::default(), &request).await?;
        let token = answer.status.map(|status| status.token).unwrap_or_default();
        let path = self.folder.path().join(format!("{namespace}.{service_account}.kubeconfig"));
        write_kubeconfig(&path, &self.url, &self.authority, &Credentials::Token(&token), Some(namespace))?;
        Ok(path)
    }

    /// Runs kubectl as a cluster administrator.
    pub(crate) async fn kubectl(&self, arguments: &[&str]) -> Result<Output, Error> {
        self.kubectl_as(&self.kubeconfig).run(arguments).await
    }

    /// Runs kubectl as a cluster administrator with `stdin` as standard input.
    pub(crate) async fn kubectl_with_stdin(&self, arguments: &[&str], stdin: &str) -> Result<Output, Error> {
        self.kubectl_as(&self.kubeconfig).run_with_stdin(arguments, stdin).await
    }

    /// kubectl for the user of another kubeconfig.
    pub(crate) fn kubectl_as(&self, kubeconfig: &Path) -> CommandLine {
        CommandLine::new("kubectl", &self.binaries.kubectl, kubeconfig, self.folder.path())
    }

    /// Runs Helm as a cluster administrator. It is built with Go when it is first asked for.
    pub(crate) async fn helm(&self, arguments: &[&str]) -> Result<Output, Error> {
        let helm = tokio::task::spawn_blocking(find_or_build_helm)
            .await
            .map_err(|error| Error::Io { what: "build Helm".into(), error: error.into() })??;
        CommandLine::new("helm", &helm, &self.kubeconfig, self.folder.path()).run(arguments).await
    }

    /// Path of the kubectl binary, for those who print a command line for a person.
    pub(crate) fn kubectl_path(&self) -> &Path {
        &self.binaries.kubectl
    }

    /// Applies the CRDs of `crds/` and waits until the API server serves them.
    pub(crate) async fn install_crds(&self) -> Result<(), Error> {
        let crds = manifest_folder().join("crds");
        let crds = crds.to_string_lossy();
        let apply = ["apply", "--server-side", "--output=name", "--kustomize", &crds];
        let names = self.kubectl(&apply).await?.success()?;
        let mut established = vec!["wait", "--for=condition=Established", "--timeout=60s"];
        established.extend(names.lines());
        self.kubectl(&established).await?.success()?;
        Ok(())
    }

    /// Applies `deploy/base`: namespace `solidserver-system`, the operator's ServiceAccount and rights, its
    /// Deployment (of which nothing runs here, since there are no nodes). Tests of one binary may ask for
    /// it more than once.
    pub(crate) async fn install_operator(&self) -> Result<(), Error> {
        let apply = async || {
            let base = manifest_folder().join("deploy/base");
            let base = base.to_string_lossy();
            self.kubectl(&["apply", "--server-side", "--kustomize", &base]).await?.success().map(drop)
        };
        self.operator.get_or_try_init(apply).await.copied()
    }

    /// Says that the operator came another way, so that nobody is given this control plane as an empty one.
    pub(crate) fn holds_an_operator(&self) {
        let _ = self.operator.set(());
    }

    /// Applies what `deploy/base` says about the operator's account and rights, and nothing else of it. Returns the kubeconfig of
    /// that account, once it has these rights. Whoever empties the operator's namespace needs it again.
    pub(crate) async fn install_rights(&self) -> Result<PathBuf, Error> {
        static RIGHTS: OnceCell<String> = OnceCell::const_new();
        let rights = RIGHTS.get_or_try_init(async || self.rights().await).await?;
        let apply = ["apply", "--server-side", "--force-conflicts", "--output=name", "--filename=-"];
        self.kubectl_with_stdin(&apply, rights).await?.success()?;
        let kubeconfig = self.kubeconfig_for(OPERATOR_NAMESPACE, OPERATOR_ACCOUNT).await?;
        self.until_in_force(&kubeconfig).await?;
        Ok(kubeconfig)
    }

    /// The manifests of `deploy/base` about who the operator is and what it may do, as one list.
    async fn rights(&self) -> Result<String, Error> {
        let base = manifest_folder().join("deploy/base");
        let manifests = self.kubectl(&["kustomize", &base.to_string_lossy()]).await?.success()?;
        let manifests: Vec<serde_json::Value> = serde_saphyr::from_multiple(&manifests).map_err(|error| {
            Error::Io { what: "read deploy/base".into(), error: std::io::Error::other(error.to_string()) }
        })?;
        let about_rights = |manifest: &serde_json::Value| {
            manifest["kind"].as_str().is_some_and(|kind| KINDS_OF_RIGHTS.contains(&kind))
        };
        let items: Vec<_> = manifests.into_iter().filter(about_rights).collect();
        Ok(serde_json::json!({"apiVersion": "v1", "kind": "List", "items": items}).to_string())
    }

    /// Waits until the account is known and may do what comes last in `deploy/base`: the API server learns of rights a little
    /// after it has taken them.
    pub(crate) async fn until_in_force(&self, kubeconfig: &Path) -> Result<(), Error> {
        let client = self.client_as(kubeconfig).await?;
        let review = |group: &str, resource: &str, namespace: Option<&str>| SelfSubjectAccessReview {
            spec: SelfSubjectAccessReviewSpec {
                resource_attributes: Some(ResourceAttributes {
                    group: Some(group.into()),
                    resource: Some(resource.into()),
                    verb: Some("watch".into()),
                    namespace: namespace.map(Into::into),
                    ..ResourceAttributes::default()
                }),
                ..SelfSubjectAccessReviewSpec::default()
            },
            ..SelfSubjectAccessReview::default()
        };
        let reviews: Api<SelfSubjectAccessReview> = Api::all(client);
        for review in [
            review("solidserver.dev", "dnsrecords", None),
            review("coordination.k8s.io", "leases", Some(OPERATOR_NAMESPACE)),
        ] {
            let mut attempts = 0;
            // An account that was made a moment ago may not be known yet, which is an error.
            while !reviews
                .create(&PostParams::default(), &review)
                .await
                .is_ok_and(|review| review.status.is_some_and(|status| status.allowed))
            {
                attempts += 1;
                if attempts > 500 {
                    return Err(Error::Io {
                        what: "wait for the operator's rights".into(),
                        error: std::io::ErrorKind::TimedOut.into(),
                    });
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        }
        Ok(())
    }

    /// Whether `install_operator` was called.
    pub(crate) fn has_operator(&self) -> bool {
        self.operator.initialized()
    }

    /// Whether kube-controller-manager runs too.
    pub(crate) fn has_controller_manager(&self) -> bool {
        self.controller_manager.is_some()
    }

    /// Where etcd serves its clients, without any protection.
    pub(crate) fn etcd_url(&self) -> &str {
        &self.etcd_url
    }

    /// Creates a namespace whose name begins with `prefix` and is like no other.
    pub(crate) async fn create_namespace(&self, prefix: &str) -> Result<String, Error> {
        let namespaces: Api<Namespace> = Api::all(self.client()?);
        let mut namespace = Namespace::default();
        namespace.metadata.generate_name = Some(format!("{prefix}-"));
        let namespace = namespaces.create(&PostParams::default(), &namespace).await?;
        Ok(namespace.metadata.name.unwrap_or_default())
    }

    /// The folder with the servers' logs; it goes with the control plane unless `CONTROL_PLANE_KEEP_FILES`
    /// is set.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }
}

/// The control plane that all tests of one binary share, with the CRDs and the controllers, started by the
/// first that asks. Tests keep apart by namespaces of their own. It ends with the process.
///
/// # Errors
/// Every test gets the same error if it could not start: it is not tried again for each.
pub(crate) async fn shared() -> Result<&'static ControlPlane, &'static Error> {
    static SHARED: OnceCell<Result<ControlPlane, Error>> = OnceCell::const_new();
    let start = async || {
        let control_plane =
            ControlPlane::start(Options { controller_manager: true, ..Options::default() }).await?;
        control_plane.install_crds().await?;
        Ok(control_plane)
    };
    SHARED.get_or_init(start).await.as_ref()
}

/// The folder of one control plane.
struct Folder {
    // Dropped first: it removes the folder while this process still can.
    folder: PathBuf,
    _temporary: Option<TempDir>,
    _janitor: Option<Janitor>,
}

impl Folder {
    fn new(lifetime: Duration) -> Result<Self, Error> {
        let temporary = tempfile::Builder::new()
            .prefix("control-plane-")
            .tempdir()
            .map_err(Error::io("create a folder for the control plane"))?;
        let folder = temporary.path().to_path_buf();
        if std::env::var_os(KEEP_FILES).is_some() {
            let _kept = temporary.keep();
            progress(&format!("files stay in {}", folder.display()));
            return Ok(Self { folder, _temporary: None, _janitor: None });
        }
        let janitor = Janitor::watch(&folder, lifetime)?;
        Ok(Self { folder, _temporary: Some(temporary), _janitor: Some(janitor) })
    }

    fn path(&self) -> &Path {
        &self.folder
    }
}

async fn client_config(kubeconfig: &Path) -> Result<Config, Error> {
    let kubeconfig = Kubeconfig::read_from(kubeconfig)?;
    Ok(Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default()).await?)
}
