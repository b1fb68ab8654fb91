//! From a SolidServer's spec and its Secret to a client (IO: the Secret's watch).

use std::sync::Arc;
use std::time::Duration;

use secrecy::SecretString;
use url::Url;

use super::appliance::Surroundings;
use super::catalogue::Refusal;
use super::secret::{SecretState, SecretWatch};
use crate::api::{self, AuthMethod, Reason, SolidServerSpec};
use crate::solidserver::{Call, CallObserver, Client, Credentials, Dialect, Settings, TlsSettings};
use crate::telemetry::Metrics;

/// How long a Secret may take to be looked at for the first time.
const PATIENCE: Duration = Duration::from_secs(10);

/// Keeps the client of one SolidServer, and makes another one when spec or Secret ask for that.
pub(super) struct Connector {
    solid_server: Arc<str>,
    surroundings: Surroundings,
    secret: Option<SecretWatch>,
    made: Option<Made>,
}

struct Made {
    spec: SolidServerSpec,
    version: Option<String>,
    client: Client,
}

struct Observer {
    metrics: Metrics,
    solid_server: Arc<str>,
}

impl CallObserver for Observer {
    fn on_call(&self, call: &Call) {
        self.metrics.call(&self.solid_server, call.service, call.outcome, call.duration);
        self.metrics.gate_waited(&self.solid_server, call.waited);
    }
}

impl Connector {
    pub(super) const fn new(solid_server: Arc<str>, surroundings: Surroundings) -> Self {
        Self { solid_server, surroundings, secret: None, made: None }
    }

    /// Returns when the Secret is another one than before.
    pub(super) async fn changed(&mut self) {
        let ended = match &mut self.secret {
            Some(secret) => secret.state.changed().await.is_err(),
            None => true,
        };
        if ended {
            std::future::pending::<()>().await;
        }
    }

    /// The client for this spec and the Secret as it is now.
    pub(super) async fn client(&mut self, spec: &SolidServerSpec) -> Result<Client, Refusal> {
        let name = &spec.credentials_secret_ref.name;
        if self.secret.as_ref().is_none_or(|secret| secret.name != *name) {
            let namespace = &self.surroundings.operator_namespace;
            self.secret = Some(SecretWatch::start(self.surroundings.kube.clone(), namespace, name));
        }
        let state = match &mut self.secret {
            Some(secret) => {
                let known = secret.state.wait_for(|state| !matches!(state, SecretState::Unknown));
                match tokio::time::timeout(PATIENCE, known).await {
                    Ok(Ok(state)) => state.clone(),
                    _ => SecretState::Unknown,
                }
            }
            None => SecretState::Unknown,
        };
        let version = state.version();
        if let Some(made) = &self.made
            && made.spec == *spec
            && made.version == version
        {
            return Ok(made.client.clone());
        }
        let settings = self.settings(spec, &state)?;
        let client =
            Client::new(settings).map_err(|error| Refusal::new(Reason::InvalidValue, error.to_string()))?;
        self.made = Some(Made { spec: spec.clone(), version, client: client.clone() });
        Ok(client)
    }

    fn settings(&self, spec: &SolidServerSpec, secret: &SecretState) -> Result<Settings, Refusal> {
        let invalid = |message: String| Refusal::new(Reason::InvalidValue, message);
        refuse_unserved(spec)?;
        let endpoint = Url::parse(&spec.endpoint).map_err(|error| {
            invalid(format!("spec.endpoint is no URL ({error}); write for example https://ddi.example.com"))
        })?;
        let tls = spec.tls.clone().unwrap_or_default();
        Ok(Settings {
            endpoint,
            dialect: match spec.dialect() {
                api::Dialect::Rest => Dialect::Rest,
                api::Dialect::V2 => Dialect::V2,
            },
            credentials: credentials(spec, secret, &self.surroundings.operator_namespace)?,
            tls: TlsSettings {
                ca_bundle: tls.ca_bundle_pem().map_err(|error| invalid(error.to_string()))?,
                insecure_skip_verify: tls.insecure_skip_verify,
            },
            concurrency: usize::try_from(spec.concurrency()).unwrap_or(usize::MAX),
            page_size: usize::try_from(spec.page_size()).unwrap_or(usize::MAX),
            request_timeout: spec.request_timeout().map_err(|error| invalid(error.to_string()))?,
            requests_per_minute: spec.requests_per_minute(),
            accept_warnings: spec.accept_warnings,
            user_agent: self.surroundings.user_agent.to_string(),
            observer: Some(Arc::new(Observer {
                metrics: self.surroundings.metrics.clone(),
                solid_server: Arc::clone(&self.solid_server),
            })),
        })
    }
}

/// The login that spec and Secret ask for.
fn credentials(
    spec: &SolidServerSpec,
    secret: &SecretState,
    namespace: &str,
) -> Result<Credentials, Refusal> {
    let name = &spec.credentials_secret_ref.name;
    let has_token = secret.value("tokenId").is_some();
    let method = spec.auth_method.unwrap_or(if has_token { AuthMethod::Token } else { AuthMethod::Basic });
    let keys = match (method, spec.auth_method) {
        (AuthMethod::Token, _) => "tokenId and tokenSecret",
        (_, Some(_)) => "username and password",
        (_, None) => "username and password, or tokenId and tokenSecret",
    };
    match secret {
        SecretState::Unknown => {
            return Err(Refusal::new(
                Reason::Waiting,
                format!(
                    "the Secret {namespace}/{name} cannot be read yet: the API server does not answer, or the operator lacks the right"
                ),
            ));
        }
        SecretState::Missing => {
            return Err(Refusal::new(
                Reason::Waiting,
                format!("there is no Secret {namespace}/{name}; create it with the keys {keys}"),
            ));
        }
        SecretState::Present(_) => {}
    }
    let text = |key: &str| {
        let unusable =
            |why: String| Refusal::new(Reason::Unauthorized, format!("the Secret {namespace}/{name} {why}"));
        let bytes = secret.value(key).ok_or_else(|| {
            unusable(format!("has no key {key:?}; for authMethod {method:?} it needs {keys}"))
        })?;
        let text =
            std::str::from_utf8(bytes).map_err(|_| unusable(format!("holds no UTF-8 under {key:?}")))?;
        // A trailing line feed gets in with `--from-file`; no login has one.
        Ok(SecretString::from(text.trim_end_matches(['\r', '\n']).to_owned()))
    };
    Ok(match method {
        AuthMethod::Basic => Credentials::Basic { username: text("username")?, password: text("password")? },
        AuthMethod::Native => {
            Credentials::Native { username: text("username")?, password: text("password")? }
        }
        AuthMethod::Token => Credentials::Token { id: text("tokenId")?, secret: text("tokenSecret")? },
    })
}

/// What the API offers and this version does not serve yet is refused, never ignored.
fn refuse_unserved(spec: &SolidServerSpec) -> Result<(), Refusal> {
    let tls = spec.tls.as_ref();
    let field = if tls.is_some_and(|tls| tls.ca_bundle_secret_ref.is_some()) {
        "spec.tls.caBundleSecretRef (use spec.tls.caBundle)"
    } else if tls.is_some_and(|tls| tls.client_cert_secret_ref.is_some()) {
        "spec.tls.clientCertSecretRef"
    } else {
        return Ok(());
    };
    Err(Refusal::new(Reason::InvalidValue, format!("this version of the operator does not serve {field}")))
}

#[cfg(test)]
mod tests {
    use k8s_openapi::ByteString;
    use k8s_openapi::api::core::v1::Secret;
    use secrecy::ExposeSecret as _;

    use super::*;

    fn login(method: Option<&str>, keys: &[(&str, &str)]) -> Result<String, (Reason, String)> {
        let mut spec = serde_json::json!({
            "endpoint": "https://ddi.example.com",
            "credentialsSecretRef": {"name": "login"},
            "zones": [],
        });
        if let Some(method) = method {
            spec["authMethod"] = method.into();
        }
        let data = keys.iter().map(|(key, value)| ((*key).to_owned(), ByteString(value.as_bytes().to_vec())));
        let secret =
            SecretState::Present(Arc::new(Secret { data: Some(data.collect()), ..Secret::default() }));
        let spec = serde_json::from_value(spec).unwrap();
        let shown = |name: &str, first: &SecretString, second: &SecretString| {
            format!("{name} {} {}", first.expose_secret(), second.expose_secret())
        };
        match credentials(&spec, &secret, "system") {
            Ok(Credentials::Basic { username, password }) => Ok(shown("basic", &username, &password)),
            Ok(Credentials::Native { username, password }) => Ok(shown("native", &username, &password)),
            Ok(Credentials::Token { id, secret }) => Ok(shown("token", &id, &secret)),
            Err(refusal) => Err((refusal.reason, refusal.message)),
        }
    }

    #[test]
    fn spec_and_secret_choose_the_login() {
        let password = [("username", "u\n"), ("password", "p")];
        let token = [("tokenId", "i"), ("tokenSecret", "s\r\n")];
        let both = [password, token].concat();
        for (method, keys, expected) in [
            (None, &password[..], "basic u p"),
            (None, &token, "token i s"),
            (None, &both, "token i s"),
            (Some("Basic"), &both, "basic u p"),
            (Some("Native"), &both, "native u p"),
            (Some("Token"), &both, "token i s"),
        ] {
            assert_eq!(login(method, keys).as_deref(), Ok(expected), "{method:?}");
        }
    }

    #[test]
    fn a_secret_without_the_keys_is_refused_with_their_names() {
        let password = [("username", "u"), ("password", "s3cr")];
        let token = [("tokenId", "i"), ("tokenSecret", "s3cr")];
        for (method, keys, missing, needed) in [
            (None, &[][..], "\"username\"", "username and password, or tokenId and tokenSecret"),
            (None, &password[..1], "\"password\"", "username and password, or tokenId and tokenSecret"),
            (None, &token[..1], "\"tokenSecret\"", "tokenId and tokenSecret"),
            (
                Some("Token"),
                &password,
                "\"tokenId\"",
                "for authMethod Token it needs tokenId and tokenSecret",
            ),
            (Some("Native"), &token, "\"username\"", "for authMethod Native it needs username and password"),
            (Some("Basic"), &token, "\"username\"", "for authMethod Basic it needs username and password"),
        ] {
            let (reason, message) = login(method, keys).unwrap_err();
            assert_eq!(reason, Reason::Unauthorized);
            assert!(message.contains("system/login") && message.contains(missing), "{message}");
            assert!(message.ends_with(needed) && !message.contains("s3cr"), "{message}");
        }
    }
}
