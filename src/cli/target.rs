//! The appliance that a command looks at: SolidServer and Secrets from manifests, the environment or a cluster, and the client that
//! the operator would make of them. Nothing is ever written through it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;
use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::Secret;
use kube::api::ListParams;
use kube::{Api, ResourceExt as _};

use super::manifests::{ManifestError, Manifests};
use super::run::{DEFAULT_NAMESPACE, FlagError, label, said};
use crate::api::{AuthMethod, SolidServer};
use crate::controller::{Caller, Refusal, StartError, connect, kube_client, named_secrets};
use crate::solidserver::{CallObserver, Client};

/// A login in the environment: its variables, and the keys of a Secret that they stand for.
type Login = [(&'static str, &'static str); 2];
const PASSWORD: Login = [("SOLIDSERVER_USERNAME", "username"), ("SOLIDSERVER_PASSWORD", "password")];
const TOKEN: Login = [("SOLIDSERVER_TOKEN_ID", "tokenId"), ("SOLIDSERVER_TOKEN_SECRET", "tokenSecret")];

/// The variable with the endpoint that the login in the environment is for.
const ENDPOINT: &str = "SOLIDSERVER_ENDPOINT";

/// Flags of commands that look at appliances. Each has an environment variable; the flag wins.
///
/// The login comes from SOLIDSERVER_TOKEN_ID and SOLIDSERVER_TOKEN_SECRET, or SOLIDSERVER_USERNAME and SOLIDSERVER_PASSWORD, where
/// these are set, and else from the Secret that the SolidServer names. With SOLIDSERVER_ENDPOINT it goes to that appliance only, whatever
/// the manifests say.
#[derive(Clone, Debug, Args)]
pub struct TargetArguments {
    /// Manifests: files, folders, or - for standard input; may be given several times
    #[arg(
        short = 'f',
        long = "filename",
        value_name = "PATH",
        value_delimiter = ',',
        env = "SOLIDSERVER_OPERATOR_FILENAME"
    )]
    pub filename: Vec<PathBuf>,

    /// Read the folders below the given ones as well
    #[arg(short = 'R', long, env = "SOLIDSERVER_OPERATOR_RECURSIVE")]
    pub recursive: bool,

    /// Kubeconfig file of the cluster to look into [default: none is looked into]
    #[arg(long, value_name = "PATH", env = "SOLIDSERVER_OPERATOR_KUBECONFIG")]
    pub kubeconfig: Option<std::ffi::OsString>,

    /// Context of the kubeconfig; without --kubeconfig, of the one that kubectl would use
    #[arg(long, value_name = "NAME", env = "SOLIDSERVER_OPERATOR_CONTEXT")]
    pub context: Option<String>,

    /// Namespace with the Secrets of the SolidServers [default: solidserver-system]
    #[arg(long, value_name = "NAMESPACE", env = "SOLIDSERVER_OPERATOR_OPERATOR_NAMESPACE")]
    pub operator_namespace: Option<String>,
}

/// Why there is no appliance to look at.
#[derive(Debug, thiserror::Error)]
pub enum TargetError {
    /// A flag cannot be used.
    #[error(transparent)]
    Flag(#[from] FlagError),
    /// The manifests cannot be read.
    #[error(transparent)]
    Manifests(#[from] ManifestError),
    /// There is no way to the API server.
    #[error(transparent)]
    Cluster(#[from] StartError),
    /// The API server does not give what it is asked for.
    #[error("the API server: {what}: {cause}")]
    Kubernetes {
        /// What was asked for.
        what: String,
        /// What it says.
        cause: String,
    },
    /// Half of a login.
    #[error("{set} is set and {missing} is not; a login needs both")]
    HalfALogin {
        /// The variable that is there.
        set: &'static str,
        /// The one that is not.
        missing: &'static str,
    },
    /// The login in the environment is for another appliance.
    #[error(
        "SolidServer {name:?} has the endpoint {endpoint}; the login in the environment is for {allowed} ({ENDPOINT})"
    )]
    OtherEndpoint {
        /// Its name.
        name: String,
        /// Where it is.
        endpoint: String,
        /// Where the login may be sent.
        allowed: String,
    },
    /// No SolidServer anywhere.
    #[error("there is no SolidServer {searched}")]
    NoSolidServers {
        /// Where they were looked for.
        searched: &'static str,
    },
    /// A SolidServer that is nowhere.
    #[error("there is no SolidServer {name:?} {searched}")]
    NoSolidServer {
        /// Its name.
        name: String,
        /// Where it was looked for.
        searched: &'static str,
    },
    /// Its spec or Secrets cannot be used.
    #[error("SolidServer {name:?}: {refusal}; a login can also be given as {}", logins())]
    Refused {
        /// Its name.
        name: String,
        /// Why.
        refusal: Refusal,
    },
}

fn logins() -> String {
    let pair = |[(first, _), (second, _)]: Login| format!("{first} and {second}");
    format!("{}, or {}", pair(TOKEN), pair(PASSWORD))
}

/// Where SolidServers and Secrets are looked for.
pub struct Surroundings {
    /// What the manifests hold.
    pub manifests: Manifests,
    /// The cluster, if one is looked into.
    pub cluster: Option<kube::Client>,
    /// The namespace of the Secrets.
    pub operator_namespace: String,
    login: Option<BTreeMap<String, ByteString>>,
    /// Where the login may be sent; anywhere when absent.
    endpoint: Option<String>,
}

/// An appliance to look at.
pub struct Target {
    /// The SolidServer: as in the manifests if it is there, else as in the cluster.
    pub solid_server: SolidServer,
    /// The client. It sends no write, whatever it is asked.
    pub client: Client,
}

impl TargetArguments {
    /// Reads the manifests, and finds the way to the cluster if one is to be looked into.
    ///
    /// # Errors
    /// [`TargetError`] for flags, manifests or a kubeconfig that cannot be used.
    pub async fn surroundings(&self) -> Result<Surroundings, TargetError> {
        self.look_around(false).await
    }

    /// The same for commands that can do without manifests: where none are named, the cluster is looked into that kubectl would use, or
    /// that the process runs in.
    ///
    /// # Errors
    /// [`TargetError`] for flags, manifests or a kubeconfig that cannot be used.
    pub async fn surroundings_or_cluster(&self) -> Result<Surroundings, TargetError> {
        self.look_around(self.filename.is_empty()).await
    }

    async fn look_around(&self, needs_cluster: bool) -> Result<Surroundings, TargetError> {
        let manifests = Manifests::read(&self.filename, self.recursive)?;
        let login = login(|name| std::env::var(name).ok())?;
        let operator_namespace =
            said(self.operator_namespace.clone()).unwrap_or_else(|| DEFAULT_NAMESPACE.to_owned());
        let operator_namespace = label("--operator-namespace", operator_namespace, DEFAULT_NAMESPACE)?;
        let kubeconfig = self.kubeconfig.clone().filter(|path| !path.is_empty()).map(PathBuf::from);
        let context = said(self.context.clone());
        let cluster = match (&kubeconfig, &context) {
            (None, None) if !needs_cluster => None,
            (path, context) => Some(kube_client(path.as_deref(), context.as_deref()).await?),
        };
        let endpoint = said(std::env::var(ENDPOINT).ok());
        Ok(Surroundings { manifests, cluster, operator_namespace, login, endpoint })
    }
}

impl Surroundings {
    /// The SolidServer of that name and a client for it.
    ///
    /// # Errors
    /// [`TargetError`] when there is none, or its spec, Secrets or login cannot be used.
    pub async fn target(
        &self,
        name: &str,
        observer: Option<Arc<dyn CallObserver>>,
    ) -> Result<Target, TargetError> {
        let solid_server = self.solid_server(name).await?;
        let client = self.connect(&solid_server, observer).await?;
        Ok(Target { solid_server, client })
    }

    /// The SolidServer of that name: as in the manifests if it is there, else as in the cluster.
    ///
    /// # Errors
    /// [`TargetError`] when there is none, or the API server does not say.
    pub async fn solid_server(&self, name: &str) -> Result<SolidServer, TargetError> {
        match self.written(name) {
            Some(solid_server) => Ok(solid_server.clone()),
            None => self.live(name).await?.ok_or_else(|| TargetError::NoSolidServer {
                name: name.to_owned(),
                searched: self.searched(),
            }),
        }
    }

    /// All SolidServers of the manifests, or where these hold none, of the cluster, by name.
    ///
    /// # Errors
    /// [`TargetError`] when there is none, or the API server does not say.
    pub async fn solid_servers(&self) -> Result<Vec<SolidServer>, TargetError> {
        let written = self.manifests.solid_servers.iter();
        let names: BTreeSet<String> = written.map(|(_, solid_server)| solid_server.name_any()).collect();
        let mut found: Vec<SolidServer> =
            names.iter().filter_map(|name| self.written(name)).cloned().collect();
        if let (true, Some(cluster)) = (found.is_empty(), &self.cluster) {
            let api: Api<SolidServer> = Api::all(cluster.clone());
            let list = api.list(&ListParams::default()).await;
            found = list.map_err(|error| kubernetes("SolidServers".to_owned(), &error))?.items;
            found.sort_by_key(kube::ResourceExt::name_any);
        }
        if found.is_empty() {
            return Err(TargetError::NoSolidServers { searched: self.searched() });
        }
        Ok(found)
    }

    /// Where SolidServers were looked for, for those who find none.
    const fn searched(&self) -> &'static str {
        match self.cluster {
            Some(_) => "in the manifests or the cluster",
            None => "in the manifests; give its manifest too, or look into a cluster with --kubeconfig",
        }
    }

    /// The SolidServer of that name in the manifests. Of several the last one counts, as with `kubectl apply`.
    #[must_use]
    pub fn written(&self, name: &str) -> Option<&SolidServer> {
        let mut written = self.manifests.solid_servers.iter().rev().map(|(_, solid_server)| solid_server);
        written.find(|solid_server| solid_server.metadata.name.as_deref() == Some(name))
    }

    async fn live(&self, name: &str) -> Result<Option<SolidServer>, TargetError> {
        let Some(cluster) = &self.cluster else { return Ok(None) };
        let api: Api<SolidServer> = Api::all(cluster.clone());
        api.get_opt(name).await.map_err(|error| kubernetes(format!("SolidServer {name}"), &error))
    }

    /// A client for a SolidServer, made as the operator makes it. It sends no write, whatever it is asked.
    ///
    /// # Errors
    /// [`TargetError`] when spec, Secrets or login cannot be used.
    pub async fn connect(
        &self,
        solid_server: &SolidServer,
        observer: Option<Arc<dyn CallObserver>>,
    ) -> Result<Client, TargetError> {
        let mut spec = solid_server.spec.clone();
        let mut secrets = BTreeMap::new();
        for name in named_secrets(&spec) {
            if let Some(secret) = self.secret(name).await? {
                secrets.insert(name.to_owned(), secret);
            }
        }
        if let Some(login) = &self.login {
            let same =
                |allowed: &String| allowed.trim_end_matches('/') == spec.endpoint.trim_end_matches('/');
            if let Some(allowed) = self.endpoint.as_ref().filter(|allowed| !same(allowed)) {
                return Err(TargetError::OtherEndpoint {
                    name: solid_server.metadata.name.clone().unwrap_or_default(),
                    endpoint: spec.endpoint,
                    allowed: allowed.clone(),
                });
            }
            // Whoever looks has an account of their own, which may log in another way than the operator's.
            let by_token = login.contains_key("tokenId");
            spec.auth_method = match spec.auth_method {
                Some(AuthMethod::Native) if !by_token => Some(AuthMethod::Native),
                _ if by_token => Some(AuthMethod::Token),
                _ => Some(AuthMethod::Basic),
            };
            let secret = Secret { data: Some(login.clone()), ..Secret::default() };
            secrets.insert(spec.credentials_secret_ref.name.clone(), secret);
        }
        let caller = Caller {
            user_agent: concat!("solidserver-operator/", env!("CARGO_PKG_VERSION"), " (command line)").into(),
            environment_proxies: true,
            observer,
        };
        connect(&spec, &self.operator_namespace, &secrets, &caller).map_err(|refusal| TargetError::Refused {
            name: solid_server.metadata.name.clone().unwrap_or_default(),
            refusal,
        })
    }

    /// A Secret of the operator's namespace; where a manifest names no namespace it is taken for one of that.
    async fn secret(&self, name: &str) -> Result<Option<Secret>, TargetError> {
        let of = |namespace: &str| self.manifests.secrets.get(&(namespace.to_owned(), name.to_owned()));
        if let Some(secret) = of(&self.operator_namespace).or_else(|| of("")) {
            return Ok(Some(secret.clone()));
        }
        let Some(cluster) = &self.cluster else { return Ok(None) };
        // Whoever brings a login need not be let into the Secrets.
        let spare = self.login.is_some();
        let api: Api<Secret> = Api::namespaced(cluster.clone(), &self.operator_namespace);
        match api.get_opt(name).await {
            Err(kube::Error::Api(status)) if spare && status.code == 403 => Ok(None),
            answer => answer
                .map_err(|error| kubernetes(format!("Secret {}/{name}", self.operator_namespace), &error)),
        }
    }
}

/// An answer of the API server that is none.
pub(super) fn kubernetes(what: String, error: &kube::Error) -> TargetError {
    TargetError::Kubernetes { what, cause: error.to_string() }
}

/// The login that the environment holds, as the data of a Secret. Of two the token counts.
fn login(
    variable: impl Fn(&str) -> Option<String>,
) -> Result<Option<BTreeMap<String, ByteString>>, TargetError> {
    for [(first, first_key), (second, second_key)] in [TOKEN, PASSWORD] {
        let value = |name: &str| variable(name).filter(|text| !text.is_empty());
        let (set, missing) = match (value(first), value(second)) {
            (None, None) => continue,
            (Some(one), Some(other)) => {
                let pairs = [(first_key, one), (second_key, other)];
                let data = pairs.map(|(key, text)| (key.to_owned(), ByteString(text.into_bytes())));
                return Ok(Some(data.into()));
            }
            (Some(_), None) => (first, second),
            (None, Some(_)) => (second, first),
        };
        return Err(TargetError::HalfALogin { set, missing });
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(variables: &[(&str, &str)]) -> Result<Vec<String>, String> {
        let variable = |name: &str| {
            variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
        };
        let login = login(variable).map_err(|error| error.to_string())?;
        Ok(login.into_iter().flat_map(BTreeMap::into_keys).collect())
    }

    #[test]
    fn the_environment_holds_a_token_a_password_or_nothing() {
        let password = [("SOLIDSERVER_USERNAME", "u"), ("SOLIDSERVER_PASSWORD", "p")];
        let token = [("SOLIDSERVER_TOKEN_ID", "i"), ("SOLIDSERVER_TOKEN_SECRET", "s")];
        assert_eq!(keys(&[]), Ok(vec![]));
        assert_eq!(keys(&[("SOLIDSERVER_USERNAME", ""), ("SOLIDSERVER_PASSWORD", "")]), Ok(vec![]));
        assert_eq!(keys(&password), Ok(vec!["password".to_owned(), "username".to_owned()]));
        assert_eq!(
            keys(&[password, token].concat()),
            Ok(vec!["tokenId".to_owned(), "tokenSecret".to_owned()])
        );
        let half = keys(&password[1..]).unwrap_err();
        assert_eq!(half, "SOLIDSERVER_PASSWORD is set and SOLIDSERVER_USERNAME is not; a login needs both");
    }
}
