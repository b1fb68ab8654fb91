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

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    /// Set to write the files instead of comparing them.
    const WRITE: &str = "WRITE_CRDS";

    #[test]
    fn the_files_in_crds_are_what_the_command_prints() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("crds");
        let generated =
            [("dnsrecords.yaml", dns_records().unwrap()), ("solidservers.yaml", solid_servers().unwrap())];
        for (name, text) in generated {
            let path = folder.join(name);
            if std::env::var_os(WRITE).is_some() {
                std::fs::write(&path, &text).unwrap();
            }
            let committed = std::fs::read_to_string(&path).unwrap_or_default();
            assert!(
                committed == text,
                "crds/{name} is not what the types say; run: {WRITE}=1 cargo test --lib cli::crds"
            );
        }
    }

    #[test]
    fn the_command_prints_both_definitions_as_one_stream() {
        let documents: Vec<serde_json::Value> = serde_saphyr::from_multiple(&crds().unwrap()).unwrap();
        let names: Vec<&str> =
            documents.iter().filter_map(|document| document.pointer("/metadata/name")?.as_str()).collect();
        assert_eq!(names, ["dnsrecords.solidserver.dev", "solidservers.solidserver.dev"]);
    }
}
