//! From `spec.tls` and the Secrets that it names to whom a client trusts and what it shows (pure).

use super::catalogue::Refusal;
use super::secret::SecretStates;
use crate::api::{Reason, Tls};
use crate::solidserver::{ClientCertificate, TlsSettings, check_ca_bundle};

/// The key of a Secret with certificate authorities, as in Secrets that cert-manager makes.
const AUTHORITIES: &str = "ca.crt";
/// The keys of a Secret of type `kubernetes.io/tls`.
const CERTIFICATE: &str = "tls.crt";
const KEY: &str = "tls.key";

/// The Secrets that are named.
pub(super) fn secrets(tls: &Tls) -> impl Iterator<Item = &str> {
    let references = [&tls.ca_bundle_secret_ref, &tls.client_cert_secret_ref];
    references.into_iter().flatten().map(|reference| reference.name.as_str())
}

/// Reads and checks all certificates. No message has anything of what a Secret holds.
///
/// # Errors
/// [`Refusal`] that says which field, or which key of which Secret, is wrong.
pub(super) fn settings(tls: &Tls, secrets: &SecretStates) -> Result<TlsSettings, Refusal> {
    let ca_bundle = match (&tls.ca_bundle, &tls.ca_bundle_secret_ref) {
        (Some(_), Some(_)) => {
            return Err(Refusal::new(
                Reason::InvalidValue,
                "spec.tls has both caBundle and caBundleSecretRef, which exclude each other; keep one",
            ));
        }
        (_, None) => written(tls)?,
        (None, Some(reference)) => Some(authorities(&reference.name, secrets)?),
    };
    let client_certificate = match &tls.client_cert_secret_ref {
        Some(reference) => Some(client_certificate(&reference.name, secrets)?),
        None => None,
    };
    Ok(TlsSettings { ca_bundle, client_certificate, insecure_skip_verify: tls.insecure_skip_verify })
}

/// The authorities in the spec itself.
fn written(tls: &Tls) -> Result<Option<Vec<u8>>, Refusal> {
    let invalid = |message: String| Refusal::new(Reason::InvalidValue, message);
    let pem = tls.ca_bundle_pem().map_err(|error| invalid(error.to_string()))?;
    if let Some(pem) = &pem {
        check_ca_bundle(pem).map_err(|error| {
            invalid(format!("spec.tls.caBundle {error}; write the output of: base64 -w0 ca.crt"))
        })?;
    }
    Ok(pem)
}

fn authorities(name: &str, secrets: &SecretStates) -> Result<Vec<u8>, Refusal> {
    let secret =
        secrets.get(name, "the issuing CA, PEM, under the key ca.crt (spec.tls.caBundleSecretRef)")?;
    let refused = |why: String| {
        secret.refused(
            Reason::TlsFailed,
            &format!("{why}; put the issuing CA there, PEM (spec.tls.caBundleSecretRef); it is read again by itself"),
        )
    };
    let pem = secret.value(AUTHORITIES).ok_or_else(|| refused(format!("has no key {AUTHORITIES}")))?;
    check_ca_bundle(pem).map_err(|error| refused(format!("is not usable: {AUTHORITIES} {error}")))?;
    Ok(pem.to_vec())
}

fn client_certificate(name: &str, secrets: &SecretStates) -> Result<ClientCertificate, Refusal> {
    let keys = "the client certificate and its key under tls.crt and tls.key (spec.tls.clientCertSecretRef)";
    let secret = secrets.get(name, keys)?;
    let refused = |why: String| {
        secret.refused(
            Reason::TlsFailed,
            &format!("{why} (spec.tls.clientCertSecretRef); it is read again by itself"),
        )
    };
    let value = |key: &str| {
        secret.value(key).ok_or_else(|| {
            refused(format!("has no key {key}; a client certificate needs {CERTIFICATE} and {KEY}, both PEM"))
        })
    };
    let (certificate, key) = (value(CERTIFICATE)?, value(KEY)?);
    ClientCertificate::from_pem(certificate, key).map_err(|error| refused(format!("is not usable: {error}")))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;
    use k8s_openapi::ByteString;
    use k8s_openapi::api::core::v1::Secret;
    use rcgen::{CertificateParams, KeyPair};

    use super::super::secret::SecretState;
    use super::*;

    fn pair() -> (String, String) {
        let key = KeyPair::generate().unwrap();
        let certificate = CertificateParams::new(vec!["any".to_owned()]).unwrap().self_signed(&key).unwrap();
        (certificate.pem(), key.serialize_pem())
    }

    fn secret(keys: &[(&str, &str)]) -> SecretState {
        let data = keys.iter().map(|(key, value)| ((*key).to_owned(), ByteString(value.as_bytes().to_vec())));
        SecretState::Present(Arc::new(Secret { data: Some(data.collect()), ..Secret::default() }))
    }

    fn read(
        tls: serde_json::Value,
        secrets: &[(&str, SecretState)],
    ) -> Result<TlsSettings, (Reason, String)> {
        let states = secrets.iter().map(|(name, state)| ((*name).to_owned(), state.clone()));
        settings(&serde_json::from_value(tls).unwrap(), &SecretStates::of("system", states))
            .map_err(|refusal| (refusal.reason, refusal.message))
    }

    #[test]
    fn certificates_come_from_the_spec_or_from_secrets() {
        let (certificate, key) = pair();
        let tls = serde_json::json!({"caBundleSecretRef": {"name": "ca"}, "clientCertSecretRef": {"name": "client"}});
        let parsed: Tls = serde_json::from_value(tls.clone()).unwrap();
        assert_eq!(super::secrets(&parsed).collect::<Vec<_>>(), ["ca", "client"]);
        let stored = [
            ("ca", secret(&[("ca.crt", &certificate)])),
            ("client", secret(&[("tls.crt", &certificate), ("tls.key", &key)])),
        ];
        let read_back = read(tls, &stored).unwrap();
        assert_eq!(read_back.ca_bundle.as_deref(), Some(certificate.as_bytes()));
        assert!(read_back.client_certificate.is_some() && !read_back.insecure_skip_verify);
        let inline = read(serde_json::json!({"caBundle": STANDARD.encode(&certificate)}), &[]).unwrap();
        assert_eq!(inline.ca_bundle.as_deref(), Some(certificate.as_bytes()));
        let none = read(serde_json::json!({"insecureSkipVerify": true}), &[]).unwrap();
        assert!(none.ca_bundle.is_none() && none.client_certificate.is_none() && none.insecure_skip_verify);
    }

    #[test]
    fn what_cannot_be_used_is_refused_with_its_place_and_without_its_content() {
        let ((certificate, key), (_, other_key)) = (pair(), pair());
        let ca = || serde_json::json!({"caBundleSecretRef": {"name": "tls"}});
        let client = || serde_json::json!({"clientCertSecretRef": {"name": "tls"}});
        let hollow = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
        for (tls, state, reason, words) in [
            (ca(), SecretState::Unknown, Reason::Waiting, "Secret system/tls cannot be read yet"),
            (
                ca(),
                SecretState::Missing,
                Reason::Waiting,
                "no Secret system/tls; create it with the issuing CA",
            ),
            (client(), SecretState::Missing, Reason::Waiting, "under tls.crt and tls.key"),
            (
                ca(),
                secret(&[("tls.crt", &certificate)]),
                Reason::TlsFailed,
                "Secret system/tls has no key ca.crt;",
            ),
            (ca(), secret(&[("ca.crt", &key)]), Reason::TlsFailed, "ca.crt holds no certificate"),
            (
                ca(),
                secret(&[("ca.crt", hollow)]),
                Reason::TlsFailed,
                "ca.crt holds a certificate that cannot be read",
            ),
            (client(), secret(&[("tls.crt", &certificate)]), Reason::TlsFailed, "has no key tls.key;"),
            (
                client(),
                secret(&[("tls.crt", &certificate), ("tls.key", &other_key)]),
                Reason::TlsFailed,
                "Secret system/tls is not usable: tls.key does not fit the first certificate of tls.crt",
            ),
            (
                client(),
                secret(&[("tls.crt", &key), ("tls.key", &key)]),
                Reason::TlsFailed,
                "tls.crt holds no PEM certificate",
            ),
            (
                serde_json::json!({"caBundle": STANDARD.encode(hollow)}),
                SecretState::Missing,
                Reason::InvalidValue,
                "spec.tls.caBundle holds a certificate that cannot be read; write the output of",
            ),
            (
                serde_json::json!({"caBundle": "AAAA", "caBundleSecretRef": {"name": "tls"}}),
                secret(&[("ca.crt", &certificate)]),
                Reason::InvalidValue,
                "exclude each other",
            ),
        ] {
            let (found, message) = read(tls, &[("tls", state)]).map(drop).unwrap_err();
            assert_eq!(found, reason, "{message}");
            assert!(message.contains(words), "{message}");
            let content = [&certificate, &key, &other_key].map(|pem| pem.lines().nth(1).unwrap().to_owned());
            assert!(content.iter().all(|line| !message.contains(line.as_str())), "{message}");
        }
    }
}
