//! The way through an HTTP proxy that the environment names.

use std::error::Error as StdError;
use std::fmt;
use std::sync::Arc;

use http::{HeaderValue, Uri};
use hyper_util::client::proxy::matcher::Matcher;
use url::Url;

use super::Error;
use super::transport::innermost;

/// Where a proxy for `https` can be named, first come first served.
const VARIABLES: [&str; 4] = ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"];

/// What the HTTP library puts before its words for a tunnel that did not come about.
const TUNNEL: &str = "tunnel error: ";

/// Which appliances are called through a proxy.
#[derive(Clone, Default)]
pub struct Proxies(Option<Arc<Matcher>>);

impl Proxies {
    /// None is.
    #[must_use]
    pub fn none() -> Self {
        Self(None)
    }

    /// As `HTTPS_PROXY`, `ALL_PROXY` and `NO_PROXY` say, in capitals or not, by the rules of curl: a URL with an optional login,
    /// and a list of domains (with all below them), addresses and networks that are called directly.
    ///
    /// # Errors
    /// [`Error::Settings`] for a proxy that is no URL. It does not contain the value, which may hold a password.
    pub fn from_environment() -> Result<Self, Error> {
        for name in VARIABLES {
            let Ok(value) = std::env::var(name) else { continue };
            let usable = value.parse::<Uri>().is_ok_and(|uri| uri.authority().is_some());
            if !value.is_empty() && !usable {
                return Err(Error::Settings {
                    what: format!(
                        "the operator's environment variable {name} is no URL; write for example http://proxy.example.com:3128"
                    ),
                });
            }
        }
        Ok(Self(Some(Arc::new(Matcher::from_env()))))
    }

    /// The proxy for an appliance; `None` when it is called directly.
    ///
    /// # Errors
    /// [`Error::Settings`] for a kind of proxy that is not served.
    pub(super) fn proxy_for(&self, endpoint: &Url) -> Result<Option<Proxy>, Error> {
        let uri = endpoint.as_str().parse::<Uri>().ok();
        let Some(intercept) =
            self.0.as_ref().zip(uri.as_ref()).and_then(|(matcher, uri)| matcher.intercept(uri))
        else {
            return Ok(None);
        };
        let address = intercept.uri();
        let scheme = address.scheme_str().unwrap_or("http");
        if !matches!(scheme, "http" | "https") {
            return Err(Error::Settings {
                what: format!(
                    "the operator's environment names a {scheme} proxy; only http:// and https:// proxies are served"
                ),
            });
        }
        let authority = address.authority().map(http::uri::Authority::as_str).unwrap_or_default();
        Ok(Some(Proxy { url: format!("{scheme}://{authority}"), login: intercept.basic_auth().cloned() }))
    }
}

impl fmt::Debug for Proxies {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(if self.0.is_some() { "Proxies(environment)" } else { "Proxies(none)" })
    }
}

/// A proxy that opens tunnels.
pub(super) struct Proxy {
    /// Its URL, without a login.
    url: String,
    /// `Proxy-Authorization`.
    login: Option<HeaderValue>,
}

impl Proxy {
    /// Its URL, without a login.
    pub(super) fn url(&self) -> &str {
        &self.url
    }

    /// The same for the HTTP library.
    pub(super) fn for_client(&self) -> Result<reqwest::Proxy, Error> {
        let proxy = reqwest::Proxy::all(&self.url)
            .map_err(|error| Error::Settings { what: format!("no usable proxy: {}", innermost(&error)) })?;
        Ok(match &self.login {
            Some(login) => proxy.custom_http_auth(login.clone()),
            None => proxy,
        })
    }

    /// A connection that failed because no tunnel came about; `None` when it failed at something else.
    pub(super) fn failure(&self, error: &reqwest::Error) -> Option<Error> {
        let broken = |cause: String| Error::Proxy { proxy: self.url.clone(), cause };
        let mut next: Option<&(dyn StdError + 'static)> = Some(error);
        while let Some(error) = next {
            // The library's type cannot be named from outside.
            let text = error.to_string();
            if let Some(words) = text.strip_prefix(TUNNEL) {
                return Some(broken(match (words, error.source()) {
                    ("proxy authorization required", _) => {
                        "it demands a login (407); put one into the URL, http://user:password@host:port"
                            .to_owned()
                    }
                    ("unsuccessful", _) => "it refuses to open a tunnel to the endpoint".to_owned(),
                    ("unexpected end of file", _) => {
                        "it ended the connection instead of opening a tunnel".to_owned()
                    }
                    (_, Some(source)) => format!("no connection to it: {}", innermost(source)),
                    (words, None) => words.to_owned(),
                }));
            }
            next = error.source();
        }
        None
    }

    /// No tunnel in time, or nothing at its other end.
    pub(super) fn too_late(&self) -> Error {
        Error::Proxy { proxy: self.url.clone(), cause: "no connection in time".to_owned() }
    }
}
