//! Certificates: made on the spot, or kept in a directory.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose,
};
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

use crate::error::Error;

/// A server certificate and the authority that signed it, in PEM.
pub(crate) struct Certificates {
    pub(crate) ca: String,
    certificate: String,
    key: String,
}

impl Certificates {
    /// Makes an authority and a certificate for localhost, the loopback addresses and these names.
    pub(crate) fn generate(names: &[String]) -> Result<Self, Error> {
        let ca_key = KeyPair::generate().map_err(tls)?;
        let mut ca_params = CertificateParams::new(Vec::<String>::new()).map_err(tls)?;
        ca_params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        ca_params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        ca_params.distinguished_name.push(DnType::CommonName, "SOLIDserver simulator CA");
        let ca = ca_params.self_signed(&ca_key).map_err(tls)?.pem();
        let issuer = Issuer::new(ca_params, ca_key);

        let mut subjects = vec!["localhost".to_owned(), "127.0.0.1".to_owned(), "::1".to_owned()];
        subjects.extend(names.iter().cloned());
        let mut params = CertificateParams::new(subjects).map_err(tls)?;
        params.distinguished_name.push(DnType::CommonName, "SOLIDserver simulator");
        params.use_authority_key_identifier_extension = true;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        let key = KeyPair::generate().map_err(tls)?;
        let certificate = params.signed_by(&key, &issuer).map_err(tls)?.pem();
        Ok(Self { ca, certificate, key: key.serialize_pem() })
    }

    /// Reads `ca.crt`, `tls.crt` and `tls.key`; makes and writes them where one is missing.
    pub(crate) fn in_directory(directory: &Path, names: &[String]) -> Result<Self, Error> {
        let [ca, certificate, key] = ["ca.crt", "tls.crt", "tls.key"].map(|name| directory.join(name));
        if ca.exists() && certificate.exists() && key.exists() {
            return Ok(Self { ca: read(&ca)?, certificate: read(&certificate)?, key: read(&key)? });
        }
        let made = Self::generate(names)?;
        fs::create_dir_all(directory).map_err(|source| Error::File { path: directory.to_owned(), source })?;
        for (path, text) in [(&ca, &made.ca), (&certificate, &made.certificate), (&key, &made.key)] {
            fs::write(path, text).map_err(|source| Error::File { path: path.clone(), source })?;
        }
        Ok(made)
    }

    /// The server's side of TLS.
    pub(crate) fn server_config(&self, http2: bool) -> Result<ServerConfig, Error> {
        let certificates = CertificateDer::pem_slice_iter(self.certificate.as_bytes())
            .collect::<Result<Vec<_>, _>>()
            .map_err(tls)?;
        let key = PrivateKeyDer::from_pem_slice(self.key.as_bytes()).map_err(tls)?;
        // Named, because a process that links two providers has no default.
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(tls)?
            .with_no_client_auth()
            .with_single_cert(certificates, key)
            .map_err(tls)?;
        let protocols: &[&[u8]] = if http2 { &[b"h2", b"http/1.1"] } else { &[b"http/1.1"] };
        config.alpn_protocols = protocols.iter().map(|name| name.to_vec()).collect();
        Ok(config)
    }
}

fn read(path: &Path) -> Result<String, Error> {
    fs::read_to_string(path).map_err(|source| Error::File { path: path.to_owned(), source })
}

#[allow(clippy::needless_pass_by_value)] // the shape that map_err wants
fn tls(error: impl std::fmt::Display) -> Error {
    Error::Tls(error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_keeps_its_certificates() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("tls");
        let first = Certificates::in_directory(&path, &["appliance.test".to_owned()]).unwrap();
        let second = Certificates::in_directory(&path, &[]).unwrap();
        assert_eq!((&first.ca, &first.key), (&second.ca, &second.key));
        assert!(second.server_config(true).is_ok());
        std::fs::write(path.join("tls.key"), "nonsense").unwrap();
        let broken = Certificates::in_directory(&path, &[]).unwrap();
        assert!(broken.server_config(true).is_err());
    }
}
