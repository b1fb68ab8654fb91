//! Kubeconfig files, written as JSON, which every reader of YAML reads.

use std::path::Path;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::json;

use super::{certificates::CertificateAndKey, error::Error};

/// How a user proves who it is.
pub(super) enum Credentials<'a> {
    Certificate(&'a CertificateAndKey),
    /// A bearer token of a ServiceAccount.
    Token(&'a str),
}

/// Writes a kubeconfig with one cluster, one user and one context.
pub(super) fn write_kubeconfig(
    path: &Path,
    url: &str,
    authority: &str,
    credentials: &Credentials<'_>,
    namespace: Option<&str>,
) -> Result<(), Error> {
    let user = match credentials {
        Credentials::Certificate(CertificateAndKey { certificate, key }) => json!({
            "client-certificate-data": STANDARD.encode(certificate),
            "client-key-data": STANDARD.encode(key),
        }),
        Credentials::Token(token) => json!({ "token": token }),
    };
    let mut context = json!({ "cluster": "control-plane", "user": "user" });
    if let Some(namespace) = namespace {
        context["namespace"] = json!(namespace);
    }
    let kubeconfig = json!({
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{
            "name": "control-plane",
            "cluster": { "server": url, "certificate-authority-data": STANDARD.encode(authority) },
        }],
        "users": [{ "name": "user", "user": user }],
        "contexts": [{ "name": "control-plane", "context": context }],
        "current-context": "control-plane",
    });
    std::fs::write(path, kubeconfig.to_string()).map_err(Error::io(format!("write {}", path.display())))
}
