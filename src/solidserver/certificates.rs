//! Certificates: whom to trust, and what to show.

use std::fmt;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use reqwest::{Certificate, ClientBuilder, Identity};
use rustls::RootCertStore;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;
use secrecy::{ExposeSecret as _, SecretString};

use super::transport::innermost;
use super::{Error, TlsSettings};

/// Why PEM text is no bundle of certificate authorities.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CaBundleError {
    /// A block that cannot be read.
    #[error("is no readable PEM")]
    NotPem,
    /// PEM of something else, or nothing.
    #[error("holds no certificate (-----BEGIN CERTIFICATE-----)")]
    NoCertificate,
    /// A block that is called a certificate and is none.
    #[error("holds a certificate that cannot be read")]
    NotACertificate,
}

/// Checks that PEM text holds certificates that can be trusted as authorities, and nothing that is called so and cannot.
///
/// # Errors
/// [`CaBundleError`] says what is wrong, after the name of where it comes from.
pub fn check_ca_bundle(pem: &[u8]) -> Result<(), CaBundleError> {
    let certificates = certificates(pem).map_err(|()| CaBundleError::NotPem)?;
    if certificates.is_empty() {
        return Err(CaBundleError::NoCertificate);
    }
    let mut roots = RootCertStore::empty();
    certificates
        .into_iter()
        .try_for_each(|certificate| roots.add(certificate))
        .map_err(|_| CaBundleError::NotACertificate)
}

fn certificates(pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, ()> {
    CertificateDer::pem_slice_iter(pem).collect::<Result<_, _>>().map_err(drop)
}

/// Why a client certificate cannot be shown. No variant carries anything of the key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ClientCertificateError {
    /// No certificate where it should be.
    #[error("tls.crt holds no PEM certificate (-----BEGIN CERTIFICATE-----)")]
    NoCertificate,
    /// A certificate that cannot be read.
    #[error("tls.crt holds a certificate that cannot be read")]
    NotACertificate,
    /// A key that is locked with a passphrase.
    #[error("tls.key is encrypted; store it without a passphrase (openssl pkey -in tls.key)")]
    EncryptedKey,
    /// No key where it should be.
    #[error("tls.key holds no PEM private key (-----BEGIN PRIVATE KEY-----)")]
    NoKey,
    /// A key of a kind that cannot sign.
    #[error(
        "tls.key cannot be used; it must be an RSA (2048 bits or more), ECDSA (P-256, P-384) or Ed25519 key"
    )]
    UnusableKey,
    /// A key that belongs to another certificate.
    #[error(
        "tls.key does not fit the first certificate of tls.crt; store both of the same request, the certificate before its issuers"
    )]
    OtherKey,
}

/// A certificate chain and its private key, checked to belong together.
#[derive(Clone)]
pub struct ClientCertificate {
    pem: SecretString,
}

impl ClientCertificate {
    /// Reads the chain, the client's own certificate first, and its key, both PEM.
    ///
    /// # Errors
    /// [`ClientCertificateError`] in the words of a Secret of type `kubernetes.io/tls`.
    pub fn from_pem(chain: &[u8], key: &[u8]) -> Result<Self, ClientCertificateError> {
        let chain = certificates(chain).map_err(|()| ClientCertificateError::NotACertificate)?;
        if chain.is_empty() {
            return Err(ClientCertificateError::NoCertificate);
        }
        let marker = b"ENCRYPTED";
        let key = PrivateKeyDer::from_pem_slice(key).map_err(|_| {
            match key.windows(marker.len()).any(|window| window == marker) {
                true => ClientCertificateError::EncryptedKey,
                false => ClientCertificateError::NoKey,
            }
        })?;
        // Written anew: the HTTP library refuses a text with anything else in it, and takes the last of several keys.
        let mut pem: String = chain.iter().map(|certificate| block("CERTIFICATE", certificate)).collect();
        let kind = match &key {
            PrivateKeyDer::Pkcs1(_) => "RSA PRIVATE KEY",
            PrivateKeyDer::Sec1(_) => "EC PRIVATE KEY",
            _ => "PRIVATE KEY",
        };
        pem.push_str(&block(kind, key.secret_der()));
        let signing =
            provider().key_provider.load_private_key(key).map_err(|_| ClientCertificateError::UnusableKey)?;
        match CertifiedKey::new(chain, signing).keys_match() {
            Ok(()) | Err(rustls::Error::InconsistentKeys(rustls::InconsistentKeys::Unknown)) => {}
            Err(rustls::Error::InconsistentKeys(_)) => return Err(ClientCertificateError::OtherKey),
            Err(_) => return Err(ClientCertificateError::NotACertificate),
        }
        Ok(Self { pem: pem.into() })
    }
}

impl fmt::Debug for ClientCertificate {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("ClientCertificate { [redacted] }")
    }
}

fn block(kind: &str, der: &[u8]) -> String {
    format!("-----BEGIN {kind}-----\n{}\n-----END {kind}-----\n", STANDARD.encode(der))
}

/// The process's provider of cryptography. The TLS library has no default of its own; losing the race to install one is
/// as good as winning it.
pub(super) fn provider() -> Arc<CryptoProvider> {
    if CryptoProvider::get_default().is_none() {
        drop(rustls::crypto::ring::default_provider().install_default());
    }
    let installed = CryptoProvider::get_default().map(Arc::clone);
    installed.unwrap_or_else(|| Arc::new(rustls::crypto::ring::default_provider()))
}

/// Makes a client trust and show what the settings say.
pub(super) fn trusting(mut builder: ClientBuilder, tls: &TlsSettings) -> Result<ClientBuilder, Error> {
    let wrong = |what: String| Error::Settings { what };
    if let Some(certificate) = &tls.client_certificate {
        let identity = Identity::from_pem(certificate.pem.expose_secret().as_bytes())
            .map_err(|error| wrong(format!("the client certificate: {}", innermost(&error))))?;
        builder = builder.identity(identity);
    }
    if tls.insecure_skip_verify {
        return Ok(builder.tls_danger_accept_invalid_certs(true));
    }
    let Some(bundle) = &tls.ca_bundle else { return Ok(builder) };
    let unusable = |error: CaBundleError| wrong(format!("the CA bundle {error}"));
    check_ca_bundle(bundle).map_err(unusable)?;
    let certificates = Certificate::from_pem_bundle(bundle).map_err(|_| unusable(CaBundleError::NotPem))?;
    Ok(builder.tls_certs_merge(certificates))
}

#[cfg(test)]
mod tests {
    use rcgen::{CertificateParams, KeyPair};

    use super::*;

    fn pair() -> (String, String) {
        let key = KeyPair::generate().unwrap();
        let certificate =
            CertificateParams::new(vec!["client".to_owned()]).unwrap().self_signed(&key).unwrap();
        (certificate.pem(), key.serialize_pem())
    }

    #[test]
    fn a_bundle_must_hold_certificates_and_nothing_that_only_claims_to_be_one() {
        let (certificate, key) = pair();
        let check = |text: &str| check_ca_bundle(text.as_bytes());
        assert_eq!(check(&format!("comment\n{certificate}{certificate}")), Ok(()));
        assert_eq!(check(""), Err(CaBundleError::NoCertificate));
        assert_eq!(check("no PEM"), Err(CaBundleError::NoCertificate));
        assert_eq!(check(&key), Err(CaBundleError::NoCertificate));
        let broken = "-----BEGIN CERTIFICATE-----\n!!!\n-----END CERTIFICATE-----\n";
        assert_eq!(check(broken), Err(CaBundleError::NotPem));
        let hollow = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
        assert_eq!(check(&format!("{certificate}{hollow}")), Err(CaBundleError::NotACertificate));
    }

    #[test]
    fn a_client_certificate_is_taken_with_its_own_key_only() {
        let ((certificate, key), (other_certificate, other_key)) = (pair(), pair());
        let read = |chain: &str, key: &str| {
            ClientCertificate::from_pem(chain.as_bytes(), key.as_bytes())
                .map(|read| read.pem.expose_secret().matches("-----BEGIN").count())
        };
        assert_eq!(read(&certificate, &key), Ok(2));
        // A chain; and a file that holds the key, too.
        assert_eq!(
            read(&format!("{key}{certificate}{other_certificate}"), &format!("{certificate}{key}")),
            Ok(3)
        );
        assert_eq!(read(&certificate, &other_key), Err(ClientCertificateError::OtherKey));
        assert_eq!(
            read(&format!("{other_certificate}{certificate}"), &key),
            Err(ClientCertificateError::OtherKey)
        );
        assert_eq!(read(&key, &key), Err(ClientCertificateError::NoCertificate));
        assert_eq!(read(&certificate, &certificate), Err(ClientCertificateError::NoKey));
        assert_eq!(read(&certificate, ""), Err(ClientCertificateError::NoKey));
        let locked = "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n";
        assert_eq!(read(&certificate, locked), Err(ClientCertificateError::EncryptedKey));
        let hollow = "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n";
        assert_eq!(read(&certificate, hollow), Err(ClientCertificateError::UnusableKey));
        let hollow = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
        assert_eq!(read(hollow, &key), Err(ClientCertificateError::NotACertificate));
        let shown =
            format!("{:?}", ClientCertificate::from_pem(certificate.as_bytes(), key.as_bytes()).unwrap());
        assert!(!shown.contains("BEGIN"), "{shown}");
    }
}
