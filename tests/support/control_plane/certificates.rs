//! Keys and certificates of one control plane: its authority, its server, and clients known by certificate.

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair,
    KeyUsagePurpose,
};

use super::error::Error;

/// Names that the API server's certificate is good for.
const SERVER_NAMES: [&str; 5] =
    ["127.0.0.1", "localhost", "kubernetes", "kubernetes.default", "kubernetes.default.svc"];

/// A certificate and its private key, both PEM.
pub(super) struct CertificateAndKey {
    pub(super) certificate: String,
    pub(super) key: String,
}

/// The authority that both the API server's certificate and its clients' are signed by.
pub(super) struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
}

impl Authority {
    pub(super) fn new() -> Result<Self, Error> {
        let mut parameters = CertificateParams::default();
        parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        parameters.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::DigitalSignature];
        parameters.distinguished_name.push(DnType::CommonName, "control-plane");
        Ok(Self { issuer: CertifiedIssuer::self_signed(parameters, KeyPair::generate()?)? })
    }

    /// The authority's own certificate, PEM.
    pub(super) fn pem(&self) -> String {
        self.issuer.pem()
    }

    /// The API server's certificate.
    pub(super) fn server(&self) -> Result<CertificateAndKey, Error> {
        let mut parameters = CertificateParams::new(SERVER_NAMES.map(String::from))?;
        parameters.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        parameters.distinguished_name.push(DnType::CommonName, "kube-apiserver");
        self.sign(parameters)
    }

    /// A client certificate: Kubernetes reads the user from the common name and the group from the
    /// organization.
    pub(super) fn client(&self, user: &str, group: &str) -> Result<CertificateAndKey, Error> {
        let mut parameters = CertificateParams::default();
        parameters.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        parameters.distinguished_name.push(DnType::CommonName, user);
        parameters.distinguished_name.push(DnType::OrganizationName, group);
        self.sign(parameters)
    }

    fn sign(&self, mut parameters: CertificateParams) -> Result<CertificateAndKey, Error> {
        parameters.use_authority_key_identifier_extension = true;
        let key = KeyPair::generate()?;
        let certificate = parameters.signed_by(&key, &self.issuer)?;
        Ok(CertificateAndKey { certificate: certificate.pem(), key: key.serialize_pem() })
    }
}

/// The key pair that service account tokens are signed with: private and public part, both PEM.
pub(super) fn service_account_keys() -> Result<(String, String), Error> {
    let key = KeyPair::generate()?;
    Ok((key.serialize_pem(), key.public_key_pem()))
}
