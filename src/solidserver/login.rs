//! How a call shows who makes it: headers that are always the same, or a signature over what is sent.

use std::time::{SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use reqwest::Method;
use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderName, HeaderValue};
use secrecy::{ExposeSecret as _, SecretString};
use sha3::{Digest as _, Sha3_256};
use url::Url;

use super::{Credentials, Error};

const NATIVE_USERNAME: HeaderName = HeaderName::from_static("x-ipm-username");
const NATIVE_PASSWORD: HeaderName = HeaderName::from_static("x-ipm-password");
const SIGNED_AT: HeaderName = HeaderName::from_static("x-sds-ts");

/// Credentials, checked, in the shape in which calls need them.
pub(super) enum Login {
    /// The same headers for every call.
    Headers(HeaderMap),
    /// A signature for each call.
    Token { id: String, secret: SecretString },
}

impl Login {
    /// # Errors
    /// [`Error::Settings`] when the credentials cannot work. It does not contain them.
    pub(super) fn new(credentials: &Credentials) -> Result<Self, Error> {
        match credentials {
            Credentials::Basic { username, password } => {
                let (username, password) = (filled("username", username)?, password.expose_secret());
                if username.contains(':') {
                    return wrong(
                        "the username contains a colon, which HTTP Basic cannot carry (RFC 7617 2)",
                    );
                }
                let encoded = STANDARD.encode(format!("{username}:{password}"));
                let header = secret_header(format!("Basic {encoded}"))?;
                Ok(Self::Headers(HeaderMap::from_iter([(AUTHORIZATION, header)])))
            }
            Credentials::Native { username, password } => {
                let username = secret_header(STANDARD.encode(filled("username", username)?))?;
                let password = secret_header(STANDARD.encode(password.expose_secret()))?;
                let headers = [(NATIVE_USERNAME, username), (NATIVE_PASSWORD, password)];
                Ok(Self::Headers(HeaderMap::from_iter(headers)))
            }
            Credentials::Token { id, secret } => {
                let id = filled("token's id", id)?;
                filled("token's secret", secret)?;
                if id.contains(':') || !id.bytes().all(|byte| byte.is_ascii_graphic()) {
                    return wrong(
                        "the token's id contains a colon, a space or another character that it cannot",
                    );
                }
                Ok(Self::Token { id: id.to_owned(), secret: secret.clone() })
            }
        }
    }

    /// The headers for a call to exactly this URL that is sent now. A body is not signed.
    ///
    /// # Errors
    /// [`Error::Settings`] when the credentials cannot stand in a header.
    pub(super) fn headers(&self, method: &Method, url: &Url, now: SystemTime) -> Result<HeaderMap, Error> {
        let (id, secret) = match self {
            Self::Headers(headers) => return Ok(headers.clone()),
            Self::Token { id, secret } => (id, secret),
        };
        let time = now.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        let signature = signature(secret, time, method, url.as_str());
        let header = secret_header(format!("SDS {id}:{signature}"))?;
        Ok(HeaderMap::from_iter([(AUTHORIZATION, header), (SIGNED_AT, HeaderValue::from(time))]))
    }
}

/// SHA3-256 over secret, Unix time, method and URL, a line each, as the vendor's own clients make it. (The vendor's
/// OpenAPI description says SHA-256 without line feeds; no client that works does that.)
fn signature(secret: &SecretString, time: u64, method: &Method, url: &str) -> String {
    let mut digest = Sha3_256::new();
    digest.update(secret.expose_secret());
    digest.update(format!("\n{time}\n{method}\n{url}"));
    digest.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

fn filled<'a>(what: &str, text: &'a SecretString) -> Result<&'a str, Error> {
    match text.expose_secret() {
        "" => wrong(&format!("the {what} is empty")),
        text => Ok(text),
    }
}

fn wrong<T>(what: &str) -> Result<T, Error> {
    Err(Error::Settings { what: what.to_owned() })
}

fn secret_header(text: String) -> Result<HeaderValue, Error> {
    let mut value = HeaderValue::try_from(text)
        .map_err(|_| Error::Settings { what: "the credentials cannot stand in a header".to_owned() })?;
    value.set_sensitive(true);
    Ok(value)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn headers(credentials: &Credentials, method: &Method, url: &str) -> HeaderMap {
        let now = UNIX_EPOCH + Duration::from_millis(1_700_000_000_999);
        Login::new(credentials).unwrap().headers(method, &url.parse().unwrap(), now).unwrap()
    }

    fn text(headers: &HeaderMap) -> Vec<(&str, &str)> {
        headers.iter().map(|(name, value)| (name.as_str(), value.to_str().unwrap())).collect()
    }

    #[test]
    fn a_password_travels_in_one_header_or_in_two() {
        let url = "https://ddi.example.com/rest/member_list";
        let basic = Credentials::Basic { username: "ops".into(), password: "s3cr:t".into() };
        let basic = headers(&basic, &Method::GET, url);
        assert_eq!(text(&basic), [("authorization", "Basic b3BzOnMzY3I6dA==")]);
        let native = Credentials::Native { username: "o:é".into(), password: "s3cr:t".into() };
        let native = headers(&native, &Method::GET, url);
        assert_eq!(text(&native), [("x-ipm-username", "bzrDqQ=="), ("x-ipm-password", "czNjcjp0")]);
        for value in basic.values().chain(native.values()) {
            assert!(value.is_sensitive());
        }
    }

    #[test]
    fn signatures_are_those_of_the_known_vectors() {
        let secret = SecretString::from("s3cret");
        for (method, url, expected) in [
            (
                Method::GET,
                "https://sds.example.com/rest/member_list?WHERE=member_is_me%3D1",
                "3cd3a4e1fd2bf3accfe8f394a193dfba844f0fbab53d8696074f994c5eb8e602",
            ),
            (
                Method::GET,
                "https://sds.example.com:443/api/v2.0/dns/rr/list?orderby=rr_full_name&where=zone_id%3D9",
                "578245d70d213ce4a72a00acf1612050441cf354abb401241b0ba33bb8c4586e",
            ),
            (
                Method::DELETE,
                "https://sds.example.com/rest/dns_rr_delete?rr_id=239",
                "3bf6ad331d9240e885371315a370348eea9eb42b0a2b33e27b27403220407e23",
            ),
        ] {
            assert_eq!(signature(&secret, 1_700_000_000, &method, url), expected, "{url}");
        }
    }

    #[test]
    fn a_token_signs_the_url_as_it_is_sent_at_the_time_of_sending() {
        let token = Credentials::Token { id: "id1".into(), secret: "s3cret".into() };
        // A host in capitals and the default port are not sent so, and not signed so.
        let url = "https://SDS.example.com:443/rest/member_list?WHERE=member_is_me%3D1";
        let headers = headers(&token, &Method::GET, url);
        let signature = "3cd3a4e1fd2bf3accfe8f394a193dfba844f0fbab53d8696074f994c5eb8e602";
        let expected = [("authorization", &*format!("SDS id1:{signature}")), ("x-sds-ts", "1700000000")];
        assert_eq!(text(&headers), expected);
        assert!(headers[AUTHORIZATION].is_sensitive());
    }

    #[test]
    fn credentials_that_cannot_work_are_refused_without_showing_them() {
        let basic =
            |username: &str| Credentials::Basic { username: username.into(), password: "s3cr".into() };
        let token = |id: &str, secret: &str| Credentials::Token { id: id.into(), secret: secret.into() };
        for (credentials, reason) in [
            (basic(""), "the username is empty"),
            (basic("a:s3cr"), "colon"),
            (Credentials::Native { username: "".into(), password: "s3cr".into() }, "the username is empty"),
            (token("", "s3cr"), "the token's id is empty"),
            (token("id1", ""), "the token's secret is empty"),
            (token("a:s3cr", "s3cr"), "colon"),
            (token("a s3cr", "s3cr"), "space"),
            (token("a\ns3cr", "s3cr"), "character"),
        ] {
            let error = Login::new(&credentials).map(drop).unwrap_err().to_string();
            assert!(error.contains(reason) && !error.contains("s3cr"), "{error}");
        }
    }
}
