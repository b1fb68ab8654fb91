//! Certificates: made on the spot, or kept in a directory.

use std::fs;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum_server::tls_rustls::RustlsConfig;
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, date_time_ymd,
};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};

use crate::config::Config;
use crate::error::Error;

/// What a certificate that is made is like.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NewCertificate {
    /// Names and addresses that it is valid for; localhost and the loopback addresses when there are none.
    pub names: Vec<String>,
    /// It was valid once, and is no more.
    pub expired: bool,
    /// It says of itself that it is an authority's (basicConstraints CA:TRUE), as what `openssl req -x509` makes does.
    pub authority: bool,
}

/// A server certificate and the authority that signed it, in PEM.
pub(crate) struct Certificates {
    ca: String,
    certificate: String,
    key: String,
}

impl Certificates {
    /// Makes an authority and a certificate.
    pub(crate) fn generate(wanted: &NewCertificate) -> Result<Self, Error> {
        let ca_key = KeyPair::generate().map_err(tls)?;
        let mut ca_params = CertificateParams::new(Vec::<String>::new()).map_err(tls)?;
        ca_params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        ca_params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        ca_params.distinguished_name.push(DnType::CommonName, "SOLIDserver simulator CA");
        let ca = ca_params.self_signed(&ca_key).map_err(tls)?.pem();
        let issuer = Issuer::new(ca_params, ca_key);

        let names = if wanted.names.is_empty() { loopback() } else { wanted.names.clone() };
        let mut params = CertificateParams::new(names).map_err(tls)?;
        if wanted.expired {
            (params.not_before, params.not_after) = (date_time_ymd(2001, 1, 1), date_time_ymd(2002, 1, 1));
        }
        if wanted.authority {
            params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        }
        params.distinguished_name.push(DnType::CommonName, "SOLIDserver simulator");
        params.use_authority_key_identifier_extension = true;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        let key = KeyPair::generate().map_err(tls)?;
        let certificate = params.signed_by(&key, &issuer).map_err(tls)?.pem();
        Ok(Self { ca, certificate, key: key.serialize_pem() })
    }

    /// Reads `ca.crt`, `tls.crt` and `tls.key`; makes and writes them where one is missing.
    fn in_directory(directory: &Path, names: &[String]) -> Result<Self, Error> {
        let [ca, certificate, key] = ["ca.crt", "tls.crt", "tls.key"].map(|name| directory.join(name));
        if ca.exists() && certificate.exists() && key.exists() {
            return Ok(Self { ca: read(&ca)?, certificate: read(&certificate)?, key: read(&key)? });
        }
        let made = Self::generate(&NewCertificate {
            names: loopback().into_iter().chain(names.iter().cloned()).collect(),
            ..NewCertificate::default()
        })?;
        fs::create_dir_all(directory).map_err(|source| Error::File { path: directory.to_owned(), source })?;
        for (path, text) in [(&ca, &made.ca), (&certificate, &made.certificate), (&key, &made.key)] {
            fs::write(path, text).map_err(|source| Error::File { path: path.clone(), source })?;
        }
        Ok(made)
    }

    /// The server's side of TLS. Clients show a certificate of `client_ca` (PEM) where one is given.
    fn server_config(&self, http2: bool, client_ca: Option<&str>) -> Result<ServerConfig, Error> {
        let certificates = CertificateDer::pem_slice_iter(self.certificate.as_bytes())
            .collect::<Result<Vec<_>, _>>()
            .map_err(tls)?;
        let key = PrivateKeyDer::from_pem_slice(self.key.as_bytes()).map_err(tls)?;
        // Named, because a process that links two providers has no default.
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .map_err(tls)?;
        let builder = match client_ca {
            Some(pem) => {
                let mut roots = RootCertStore::empty();
                for authority in CertificateDer::pem_slice_iter(pem.as_bytes()) {
                    roots.add(authority.map_err(tls)?).map_err(tls)?;
                }
                let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
                builder.with_client_cert_verifier(verifier.build().map_err(tls)?)
            }
            None => builder.with_no_client_auth(),
        };
        let mut config = builder.with_single_cert(certificates, key).map_err(tls)?;
        let protocols: &[&[u8]] = if http2 { &[b"h2", b"http/1.1"] } else { &[b"http/1.1"] };
        config.alpn_protocols = protocols.iter().map(|name| name.to_vec()).collect();
        Ok(config)
    }
}

/// The certificates that are served, which can be changed while they are.
pub(crate) struct Served {
    http2: bool,
    kept: Mutex<Kept>,
    config: RustlsConfig,
}

struct Kept {
    certificates: Certificates,
    client_ca: Option<String>,
}

impl Served {
    /// Certificates of a directory, or made for as long as this lives, for localhost, the loopback addresses and these names.
    pub(crate) fn new(config: &Config) -> Result<Self, Error> {
        let certificates = match &config.tls_dir {
            Some(directory) => Certificates::in_directory(directory, &config.tls_names)?,
            None => Certificates::generate(&NewCertificate {
                names: loopback().into_iter().chain(config.tls_names.iter().cloned()).collect(),
                ..NewCertificate::default()
            })?,
        };
        let kept = Kept { certificates, client_ca: config.client_ca.clone() };
        let first = kept.certificates.server_config(config.http2, kept.client_ca.as_deref())?;
        Ok(Self {
            http2: config.http2,
            kept: Mutex::new(kept),
            config: RustlsConfig::from_config(Arc::new(first)),
        })
    }

    pub(crate) fn config(&self) -> RustlsConfig {
        self.config.clone()
    }

    /// The authority of the certificate that is served now, PEM.
    pub(crate) fn ca(&self) -> String {
        self.kept().certificates.ca.clone()
    }

    /// Serves a new certificate of a new authority.
    pub(crate) fn renew(&self, wanted: &NewCertificate) -> Result<(), Error> {
        let certificates = Certificates::generate(wanted)?;
        let mut kept = self.kept();
        self.serve(&certificates, kept.client_ca.as_deref())?;
        kept.certificates = certificates;
        Ok(())
    }

    /// Demands certificates of this authority (PEM) from clients; none at all when absent.
    pub(crate) fn demand(&self, client_ca: Option<&str>) -> Result<(), Error> {
        let mut kept = self.kept();
        self.serve(&kept.certificates, client_ca)?;
        kept.client_ca = client_ca.map(str::to_owned);
        Ok(())
    }

    fn serve(&self, certificates: &Certificates, client_ca: Option<&str>) -> Result<(), Error> {
        let config = certificates.server_config(self.http2, client_ca)?;
        self.config.reload_from_config(Arc::new(config));
        Ok(())
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn loopback() -> Vec<String> {
    ["localhost", "127.0.0.1", "::1"].map(str::to_owned).to_vec()
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
        assert!(second.server_config(true, None).is_ok());
        std::fs::write(path.join("tls.key"), "nonsense").unwrap();
        let broken = Certificates::in_directory(&path, &[]).unwrap();
        assert!(broken.server_config(true, None).is_err());
    }
}
