//! From a SolidServer's spec and its Secrets to a client (IO: the watch of the Secrets).

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use k8s_openapi::api::core::v1::Secret;
use secrecy::SecretString;
use tracing::warn;
use url::Url;

use super::appliance::Surroundings;
use super::catalogue::Refusal;
use super::secret::{SecretState, SecretStates, Secrets};
use super::tls;
use crate::api::{self, AuthMethod, Reason, SolidServerSpec};
use crate::solidserver::{Call, CallObserver, Client, Credentials, Dialect, Proxies, Settings};
use crate::telemetry::Metrics;

/// Who calls an appliance, and how.
#[derive(Clone)]
pub struct Caller {
    /// The `User-Agent` of every call.
    pub user_agent: Arc<str>,
    /// Whether appliances are called through the proxies that `HTTPS_PROXY` and `NO_PROXY` name.
    pub environment_proxies: bool,
    /// Told about every call.
    pub observer: Option<Arc<dyn CallObserver>>,
}

/// The Secrets that a spec names: credentials, authorities, client certificate.
#[must_use]
pub fn named_secrets(spec: &SolidServerSpec) -> BTreeSet<&str> {
    [spec.credentials_secret_ref.name.as_str()]
        .into_iter()
        .chain(spec.tls.iter().flat_map(tls::secrets))
        .collect()
}

/// A client for commands that only look: it is the controller's, made from the same spec and Secrets, but it sends no write
/// whatever it is asked, and it needs no Lease.
///
/// `secrets` are those of `namespace`, by name; what is named and not among them does not exist.
///
/// # Errors
/// [`Refusal`] with the reason that the SolidServer's conditions would show.
pub fn connect(
    spec: &SolidServerSpec,
    namespace: &str,
    secrets: &BTreeMap<String, Secret>,
    caller: &Caller,
) -> Result<Client, Refusal> {
    let states = named_secrets(spec).into_iter().map(|name| {
        let state = secrets
            .get(name)
            .map_or(SecretState::Missing, |secret| SecretState::Present(Arc::new(secret.clone())));
        (name.to_owned(), state)
    });
    let settings = settings(spec, &SecretStates::of(namespace, states), caller)?;
    let client =
        Client::new(settings).map_err(|error| Refusal::new(Reason::InvalidValue, error.to_string()))?;
    Ok(client.reading_only())
}

/// Keeps the client of one SolidServer, and makes another one when spec or Secrets ask for that.
pub(super) struct Connector {
    solid_server: Arc<str>,
    surroundings: Surroundings,
    secrets: Secrets,
    made: Option<Made>,
}

struct Made {
    spec: SolidServerSpec,
    versions: BTreeMap<String, Option<String>>,
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
    pub(super) fn new(solid_server: Arc<str>, surroundings: Surroundings) -> Self {
        let secrets = Secrets::new(surroundings.kube.clone(), Arc::clone(&surroundings.operator_namespace));
        Self { solid_server, surroundings, secrets, made: None }
    }

    /// Returns when one of the Secrets is another one than before.
    pub(super) async fn changed(&mut self) {
        self.secrets.changed().await;
    }

    /// Whether the appliance has not answered several calls in a row, so that it is only probed.
    pub(super) fn is_given_up(&self) -> bool {
        self.made.as_ref().is_some_and(|made| made.client.is_given_up())
    }

    /// The client for this spec and the Secrets as they are now.
    pub(super) async fn client(&mut self, spec: &SolidServerSpec) -> Result<Client, Refusal> {
        let secrets = self.secrets.follow(&named_secrets(spec)).await;
        let versions = secrets.versions();
        if let Some(made) = &self.made
            && made.spec == *spec
            && made.versions == versions
        {
            return Ok(made.client.clone());
        }
        let caller = Caller {
            user_agent: Arc::clone(&self.surroundings.user_agent),
            environment_proxies: self.surroundings.environment_proxies,
            observer: Some(Arc::new(Observer {
                metrics: self.surroundings.metrics.clone(),
                solid_server: Arc::clone(&self.solid_server),
            })),
        };
        let settings = settings(spec, &secrets, &caller)?;
        let skips_check = settings.tls.insecure_skip_verify;
        // Made from the one before, so that the appliance's pause and the pace outlive a new password or certificate.
        let client = match &self.made {
            Some(made) => made.client.renewed(settings),
            None => Client::under(settings, self.surroundings.claim.clone()),
        };
        let client = client.map_err(|error| Refusal::new(Reason::InvalidValue, error.to_string()))?;
        if skips_check {
            warn!(
                solid_server = %self.solid_server,
                "the appliance's certificate is not checked (spec.tls.insecureSkipVerify): anybody on the path can read the credentials"
            );
        }
        tracing::debug!(solid_server = %self.solid_server, "a new client, from spec and Secrets as they are now");
        self.made = Some(Made { spec: spec.clone(), versions, client: client.clone() });
        Ok(client)
    }
}

/// What a client is made from.
fn settings(spec: &SolidServerSpec, secrets: &SecretStates, caller: &Caller) -> Result<Settings, Refusal> {
    let invalid = |message: String| Refusal::new(Reason::InvalidValue, message);
    let endpoint = Url::parse(&spec.endpoint).map_err(|error| {
        invalid(format!("spec.endpoint is no URL ({error}); write for example https://ddi.example.com"))
    })?;
    Ok(Settings {
        endpoint,
        dialect: match spec.dialect() {
            api::Dialect::Rest => Dialect::Rest,
            api::Dialect::V2 => Dialect::V2,
        },
        credentials: credentials(spec, secrets)?,
        tls: tls::settings(&spec.tls.clone().unwrap_or_default(), secrets)?,
        proxies: match caller.environment_proxies {
            true => Proxies::from_environment().map_err(|error| invalid(error.to_string()))?,
            false => Proxies::none(),
        },
        concurrency: usize::try_from(spec.concurrency()).unwrap_or(usize::MAX),
        page_size: usize::try_from(spec.page_size()).unwrap_or(usize::MAX),
        request_timeout: spec.request_timeout().map_err(|error| invalid(error.to_string()))?,
        requests_per_minute: spec.requests_per_minute(),
        accept_warnings: spec.accept_warnings,
        user_agent: caller.user_agent.to_string(),
        observer: caller.observer.clone(),
    })
}

/// The login that spec and Secret ask for.
fn credentials(spec: &SolidServerSpec, secrets: &SecretStates) -> Result<Credentials, Refusal> {
    let found = secrets.get(&spec.credentials_secret_ref.name, &format!("the keys {}", keys(spec, false)));
    let secret = found?;
    let has_token = secret.value("tokenId").is_some();
    let method = spec.auth_method.unwrap_or(if has_token { AuthMethod::Token } else { AuthMethod::Basic });
    let keys = keys(spec, has_token);
    let text = |key: &str| {
        let unusable = |why: String| secret.refused(Reason::Unauthorized, &why);
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

/// The keys that the Secret with the login must have, in words.
fn keys(spec: &SolidServerSpec, has_token: bool) -> &'static str {
    match spec.auth_method {
        Some(AuthMethod::Token) => "tokenId and tokenSecret",
        Some(_) => "username and password",
        None if has_token => "tokenId and tokenSecret",
        None => "username and password, or tokenId and tokenSecret",
    }
}

#[cfg(test)]
mod tests {
    use k8s_openapi::ByteString;
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
        let secrets = SecretStates::of("system", [("login".to_owned(), secret)]);
        match credentials(&spec, &secrets) {
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
