//! `solidserver-operator crds`: the custom resource definitions as YAML.

use kube::CustomResourceExt as _;

use crate::api::{DnsRecord, SolidServer};

/// Why the definitions cannot be written.
#[derive(Debug, thiserror::Error)]
#[error("the custom resource definitions cannot be written as YAML")]
pub struct CrdsError(#[from] serde_saphyr::ser::Error);

/// Both definitions as one YAML stream, ready for `kubectl apply --server-side -f -`.
///
/// # Errors
/// [`CrdsError`] when they cannot be written as YAML.
pub fn crds() -> Result<String, CrdsError> {
    Ok(format!("{}---\n{}", dns_records()?, solid_servers()?))
}

/// The definition of DnsRecord, as in `crds/dnsrecords.yaml`.
///
/// # Errors
/// [`CrdsError`] when it cannot be written as YAML.
pub fn dns_records() -> Result<String, CrdsError> {
    Ok(serde_saphyr::to_string(&DnsRecord::crd())?)
}

/// The definition of SolidServer, as in `crds/solidservers.yaml`.
///
/// # Errors
/// [`CrdsError`] when it cannot be written as YAML.
pub fn solid_servers() -> Result<String, CrdsError> {
    Ok(serde_saphyr::to_string(&SolidServer::crd())?)
}
