//! The way to the API server (IO: kubeconfig files).

use std::path::Path;
use std::time::Duration;

use kube::config::{KubeConfigOptions, Kubeconfig};

use super::StartError;

/// The way to the API server: by a kubeconfig file, or by the usual ways to find one, or the cluster that the process runs in.
///
/// # Errors
/// [`StartError::Config`].
pub async fn config(kubeconfig: Option<&Path>) -> Result<kube::Config, StartError> {
    config_in(kubeconfig, None).await
}

/// The same in a context of the kubeconfig; the current one when none is named.
async fn config_in(path: Option<&Path>, context: Option<&str>) -> Result<kube::Config, StartError> {
    let unusable = |error: &dyn std::fmt::Display| StartError::Config(error.to_string());
    let file = match (path, context) {
        (Some(path), _) => Some(Kubeconfig::read_from(path).map_err(|error| unusable(&error))?),
        (None, Some(_)) => Some(Kubeconfig::read().map_err(|error| unusable(&error))?),
        (None, None) => None,
    };
    let (mut config, names_proxy) = match file {
        Some(file) => {
            let names_proxy = names_proxy(&file, context);
            let options =
                KubeConfigOptions { context: context.map(str::to_owned), ..KubeConfigOptions::default() };
            let config = kube::Config::from_custom_kubeconfig(file, &options)
                .await
                .map_err(|error| unusable(&error))?;
            (config, names_proxy)
        }
        None => {
            let config = kube::Config::infer().await.map_err(|error| unusable(&error))?;
            (config, Kubeconfig::read().is_ok_and(|file| names_proxy(&file, None)))
        }
    };
    // HTTPS_PROXY is the way to appliances. kube reads it for a kubeconfig, and not within a cluster; the way to the API server
    // shall not depend on where the operator runs.
    if !names_proxy {
        config.proxy_url = None;
    }
    config.connect_timeout = Some(Duration::from_secs(5));
    Ok(config)
}

/// A client of the API server, for commands that only look.
///
/// # Errors
/// [`StartError::Config`].
pub async fn kube_client(path: Option<&Path>, context: Option<&str>) -> Result<kube::Client, StartError> {
    let config = config_in(path, context).await?;
    kube::Client::try_from(config).map_err(|error| StartError::Config(error.to_string()))
}

/// Whether the kubeconfig itself names a proxy for the cluster of a context.
fn names_proxy(file: &Kubeconfig, context: Option<&str>) -> bool {
    let wanted = context.or(file.current_context.as_deref());
    let context = file.contexts.iter().find(|context| Some(context.name.as_str()) == wanted);
    let cluster = context.and_then(|context| context.context.as_ref()).map(|context| &context.cluster);
    let cluster = file.clusters.iter().find(|named| Some(&named.name) == cluster);
    cluster.and_then(|named| named.cluster.as_ref()).is_some_and(|cluster| cluster.proxy_url.is_some())
}
