//! One attempt to start the servers: their files, arguments and health.

use std::{
    net::{Ipv4Addr, TcpListener},
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use k8s_openapi::api::core::v1::ServiceAccount;
use kube::{Api, Client, Config};
use tokio::time::timeout;

use super::{
    Options,
    binaries::Binaries,
    certificates::{self, Authority},
    client_config,
    error::Error,
    kubeconfig::{Credentials, write_kubeconfig},
    process::Server,
};

/// Start-up takes seconds; on a machine that builds something else at the same time it takes longer.
const START_PATIENCE: Duration = Duration::from_secs(180);

/// The only controllers that matter where no pod runs: namespaces come to an end and have their default
/// ServiceAccount, what an object owns goes with it, and ClusterRoles aggregate to view, edit and admin.
const CONTROLLERS: &str = "namespace-controller,serviceaccount-controller,garbage-collector-controller,\
                           clusterrole-aggregation-controller";

/// The keys, certificates and administrator's kubeconfig of one control plane.
pub(super) struct Files {
    /// PEM of the authority.
    pub(super) authority: String,
    authority_file: PathBuf,
    server_certificate: PathBuf,
    server_key: PathBuf,
    service_account_private_key: PathBuf,
    service_account_public_key: PathBuf,
    administrator: certificates::CertificateAndKey,
    /// Written when the API server's port is known.
    pub(super) kubeconfig: PathBuf,
}

impl Files {
    pub(super) fn write(folder: &Path) -> Result<Self, Error> {
        let file = |name: &str, content: &str| {
            let path = folder.join(name);
            std::fs::write(&path, content).map_err(Error::io(format!("write {}", path.display())))?;
            Ok::<_, Error>(path)
        };
        let authority = Authority::new()?;
        let server = authority.server()?;
        let (private_key, public_key) = certificates::service_account_keys()?;
        Ok(Self {
            authority_file: file("ca.crt", &authority.pem())?,
            server_certificate: file("apiserver.crt", &server.certificate)?,
            server_key: file("apiserver.key", &server.key)?,
            service_account_private_key: file("service-accounts.key", &private_key)?,
            service_account_public_key: file("service-accounts.pub", &public_key)?,
            administrator: authority.client("administrator", "system:masters")?,
            authority: authority.pem(),
            kubeconfig: folder.join("kubeconfig"),
        })
    }
}

/// One attempt to start the servers.
pub(super) struct Starting<'a> {
    pub(super) binaries: &'a Binaries,
    pub(super) files: &'a Files,
    pub(super) folder: &'a Path,
    pub(super) options: &'a Options,
}

/// The servers of an attempt that went well.
pub(super) struct Started {
    pub(super) controller_manager: Option<Server>,
    pub(super) api_server: Server,
    pub(super) etcd: Server,
    pub(super) url: String,
    pub(super) etcd_url: String,
    pub(super) config: Config,
}

pub(super) enum StartError {
    /// Worth another attempt with other ports.
    PortTaken(Error),
    Other(Error),
}

impl From<Error> for StartError {
    fn from(error: Error) -> Self {
        Self::Other(error)
    }
}

impl Starting<'_> {
    pub(super) async fn start(&self) -> Result<Started, StartError> {
        let [client_port, peer_port, secure_port] = free_ports()?;
        let url = format!("https://127.0.0.1:{secure_port}");
        let Files { kubeconfig, authority, administrator, .. } = self.files;
        write_kubeconfig(kubeconfig, &url, authority, &Credentials::Certificate(administrator), None)?;
        let config = client_config(kubeconfig).await?;

        let etcd_url = format!("http://127.0.0.1:{client_port}");
        let mut etcd =
            self.server("etcd", &self.binaries.etcd, &self.etcd_arguments(&etcd_url, peer_port))?;
        let api_server_arguments = self.api_server_arguments(&etcd_url, secure_port);
        let mut api_server =
            self.server("kube-apiserver", &self.binaries.kube_apiserver, &api_server_arguments)?;
        let client = Client::try_from(config.clone()).map_err(Error::from)?;
        until_ready(&mut [&mut api_server, &mut etcd], async || {
            let request =
                http::Request::get("/readyz").body(Vec::new()).map_err(|error| error.to_string())?;
            client.request_text(request).await.map(|_| ()).map_err(|error| error.to_string())
        })
        .await?;

        let mut controller_manager = None;
        if self.options.controller_manager {
            let arguments = self.controller_manager_arguments();
            let mut server =
                self.server("kube-controller-manager", &self.binaries.kube_controller_manager, &arguments)?;
            let accounts: Api<ServiceAccount> = Api::namespaced(client, "default");
            until_ready(&mut [&mut server, &mut api_server, &mut etcd], async || {
                accounts.get("default").await.map(|_| ()).map_err(|error| error.to_string())
            })
            .await?;
            controller_manager = Some(server);
        }
        Ok(Started { controller_manager, api_server, etcd, url, etcd_url, config })
    }

    fn server(&self, program: &'static str, binary: &Path, arguments: &[String]) -> Result<Server, Error> {
        Server::start(program, binary, arguments, self.folder, self.options.lifetime)
    }

    fn etcd_arguments(&self, url: &str, peer_port: u16) -> Vec<String> {
        let data = self.folder.join(format!("etcd-{peer_port}"));
        let peer_url = format!("http://127.0.0.1:{peer_port}");
        vec![
            format!("--data-dir={}", data.display()),
            format!("--listen-client-urls={url}"),
            format!("--advertise-client-urls={url}"),
            format!("--listen-peer-urls={peer_url}"),
            format!("--initial-advertise-peer-urls={peer_url}"),
            format!("--initial-cluster=default={peer_url}"),
            // The data need not survive a power cut.
            "--unsafe-no-fsync".into(),
            "--log-level=warn".into(),
        ]
    }

    fn api_server_arguments(&self, etcd_url: &str, secure_port: u16) -> Vec<String> {
        let files = self.files;
        vec![
            format!("--etcd-servers={etcd_url}"),
            "--bind-address=127.0.0.1".into(),
            "--advertise-address=127.0.0.1".into(),
            format!("--secure-port={secure_port}"),
            format!("--cert-dir={}", self.folder.display()),
            format!("--tls-cert-file={}", files.server_certificate.display()),
            format!("--tls-private-key-file={}", files.server_key.display()),
            format!("--client-ca-file={}", files.authority_file.display()),
            "--service-account-issuer=https://kubernetes.default.svc".into(),
            format!("--service-account-signing-key-file={}", files.service_account_private_key.display()),
            format!("--service-account-key-file={}", files.service_account_public_key.display()),
            "--service-cluster-ip-range=10.96.0.0/16".into(),
            "--authorization-mode=RBAC".into(),
            // No pods, so nobody reaches the API server through the kubernetes Service; a loopback address
            // is refused there.
            "--endpoint-reconciler-type=none".into(),
            "--profiling=false".into(),
        ]
    }

    fn controller_manager_arguments(&self) -> Vec<String> {
        vec![
            format!("--kubeconfig={}", self.files.kubeconfig.display()),
            format!("--controllers={CONTROLLERS}"),
            format!("--root-ca-file={}", self.files.authority_file.display()),
            "--leader-elect=false".into(),
            // It serves nobody.
            "--secure-port=0".into(),
            // Deleting namespaces full of records is bound by these.
            "--kube-api-qps=500".into(),
            "--kube-api-burst=1000".into(),
            "--profiling=false".into(),
        ]
    }
}

/// Asks `ready` again and again until it says yes, one of `servers` ends, or patience does. The first of
/// `servers` is the one that is waited for.
async fn until_ready(
    servers: &mut [&mut Server],
    ready: impl AsyncFn() -> Result<(), String>,
) -> Result<(), StartError> {
    let begin = Instant::now();
    let mut answer = String::from("none");
    while begin.elapsed() < START_PATIENCE {
        for server in servers.iter_mut() {
            if let Some(status) = server.ended() {
                let error = Error::Ended { program: server.program(), status, log: server.log_tail() };
                return Err(if server.lost_its_port() { StartError::PortTaken(error) } else { error.into() });
            }
        }
        match timeout(Duration::from_secs(5), ready()).await {
            Ok(Ok(())) => return Ok(()),
            Ok(Err(error)) => answer = error,
            Err(_) => answer = "no answer within 5 s".into(),
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let (program, log) = servers
        .first()
        .map_or(("control plane", String::new()), |server| (server.program(), server.log_tail()));
    Err(Error::NotReady { program, within: START_PATIENCE, answer, log }.into())
}

/// Ports that are free now. Somebody may take one before a server does; then the start is tried again.
fn free_ports<const N: usize>() -> Result<[u16; N], Error> {
    let mut ports = [0; N];
    // All are held until all are known, so that no two are the same.
    let mut held = Vec::with_capacity(N);
    for port in &mut ports {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
            .map_err(Error::io("find a free port on 127.0.0.1"))?;
        *port = listener.local_addr().map_err(Error::io("find a free port on 127.0.0.1"))?.port();
        held.push(listener);
    }
    Ok(ports)
}
