//! How the appliance's certificate is checked.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::SecretReference;
use crate::api::rules;

/// How the appliance's certificate is checked.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Debug, Default, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
#[schemars(transform = rules::tls)]
pub struct Tls {
    /// Certificate authorities to trust besides the system's, PEM, base64 encoded (the output of "base64 -w0 ca.crt"). Default: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 262_144), transform = rules::ca_bundle)]
    pub ca_bundle: Option<String>,

    /// The same from a Secret in the operator's own namespace, key ca.crt (PEM); a change is followed. Not together with caBundle.
    /// Default: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ca_bundle_secret_ref: Option<SecretReference>,

    /// Client certificate to show to an appliance or gateway that demands one, from a Secret of type kubernetes.io/tls in the
    /// operator's own namespace (keys tls.crt and tls.key); a change is followed. Default: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_cert_secret_ref: Option<SecretReference>,

    /// true: the certificate is not checked at all, so anybody on the path can read the credentials; status and an Event say so.
    /// Default: false.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub insecure_skip_verify: bool,
}

/// Why TLS settings cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TlsError {
    /// `caBundle` is not base64.
    #[error("spec.tls.caBundle is not base64; write the output of: base64 -w0 ca.crt")]
    NotBase64,
    /// `caBundle` holds no certificate.
    #[error("spec.tls.caBundle holds no PEM certificate (-----BEGIN CERTIFICATE-----)")]
    NotPem,
}

impl Tls {
    /// The PEM text of `caBundle`.
    ///
    /// # Errors
    /// [`TlsError`] when it is not base64 of PEM.
    pub fn ca_bundle_pem(&self) -> Result<Option<Vec<u8>>, TlsError> {
        let Some(text) = &self.ca_bundle else {
            return Ok(None);
        };
        let compact: String = text.chars().filter(|character| !character.is_ascii_whitespace()).collect();
        let pem = STANDARD.decode(compact).map_err(|_| TlsError::NotBase64)?;
        let marker = b"-----BEGIN CERTIFICATE-----";
        if pem.windows(marker.len()).any(|window| window == marker) {
            Ok(Some(pem))
        } else {
            Err(TlsError::NotPem)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_certificate_bundle_is_base64_of_pem() {
        let pem = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n";
        let encoded = STANDARD.encode(pem);
        let folded = format!("{}\n{}\n", &encoded[..20], &encoded[20..]);
        for text in [encoded, folded] {
            let tls = Tls { ca_bundle: Some(text), ..Tls::default() };
            assert_eq!(tls.ca_bundle_pem(), Ok(Some(pem.as_bytes().to_vec())));
        }
        let bundle = |text: &str| Tls { ca_bundle: Some(text.into()), ..Tls::default() }.ca_bundle_pem();
        assert_eq!(bundle(pem), Err(TlsError::NotBase64));
        assert_eq!(bundle("aGVsbG8="), Err(TlsError::NotPem));
        assert_eq!(Tls::default().ca_bundle_pem(), Ok(None));
    }
}
