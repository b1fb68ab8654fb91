//! Who may call the services: an account by its password, and an API token by its signature.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderMap, Method, Uri, header};
use sha3::{Digest as _, Sha3_256};

use crate::config::Token;

/// How far a signed call's clock may be off. The appliance's own bound is not documented.
const MOST_SKEW_SECONDS: u64 = 300;

/// What callers must show. Account and token are valid side by side.
#[derive(Clone)]
pub(crate) struct Authentication {
    user: String,
    password: String,
    token: Option<Token>,
    /// How far the appliance's clock is ahead.
    pub(crate) clock_ahead_seconds: u64,
}

/// What is thought of a caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Admitted,
    /// 401.
    Refused,
    /// 412: the signature is right, its time is not.
    ClockSkew,
}

impl Authentication {
    pub(crate) fn new(user: &str, password: &str, token: Option<Token>) -> Self {
        Self { user: user.to_owned(), password: password.to_owned(), token, clock_ahead_seconds: 0 }
    }

    pub(crate) fn set_account(&mut self, user: String, password: String) {
        (self.user, self.password) = (user, password);
    }

    /// Changes the token; `None` takes it away.
    pub(crate) fn set_token(&mut self, token: Option<Token>) {
        self.token = token;
    }

    /// Judges a request as it was received; `now` in Unix seconds.
    pub(crate) fn judge(&self, method: &Method, uri: &Uri, headers: &HeaderMap, now: u64) -> Verdict {
        let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
        let given = text(header::AUTHORIZATION.as_str()).and_then(|value| value.split_once(' '));
        let admitted = match given {
            Some((scheme, encoded)) if scheme.eq_ignore_ascii_case("Basic") => decoded(encoded)
                .is_some_and(|bytes| bytes == format!("{}:{}", self.user, self.password).as_bytes()),
            Some(("SDS", shown)) => return self.judge_signature(shown, method, uri, headers, now),
            Some(_) => false,
            None => {
                let shown = |name| text(name).and_then(decoded);
                shown("x-ipm-username").is_some_and(|user| user == self.user.as_bytes())
                    && shown("x-ipm-password").is_some_and(|password| password == self.password.as_bytes())
            }
        };
        if admitted { Verdict::Admitted } else { Verdict::Refused }
    }

    fn judge_signature(
        &self,
        shown: &str,
        method: &Method,
        uri: &Uri,
        headers: &HeaderMap,
        now: u64,
    ) -> Verdict {
        let time = headers.get("x-sds-ts").and_then(|value| value.to_str().ok());
        let (Some(token), Some(time), Some((id, signature))) = (&self.token, time, shown.split_once(':'))
        else {
            return Verdict::Refused;
        };
        let Ok(seconds) = time.parse::<u64>() else { return Verdict::Refused };
        let signs = |url: &String| sign(&token.secret, time, method.as_str(), url) == signature;
        if id != token.id || !possible_urls(uri, headers).iter().any(signs) {
            return Verdict::Refused;
        }
        let now = now.saturating_add(self.clock_ahead_seconds);
        if seconds.abs_diff(now) > MOST_SKEW_SECONDS { Verdict::ClockSkew } else { Verdict::Admitted }
    }
}

/// The kind of login that a call shows, right or wrong.
pub(crate) fn kind(headers: &HeaderMap) -> &'static str {
    let scheme = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()).unwrap_or_default();
    match scheme.split(' ').next().unwrap_or_default() {
        "SDS" => "token",
        scheme if scheme.eq_ignore_ascii_case("Basic") => "basic",
        "" if headers.contains_key("x-ipm-username") => "native",
        _ => "none",
    }
}

/// A plain digest, not an HMAC; the body is not part of it.
fn sign(secret: &str, time: &str, method: &str, url: &str) -> String {
    let digest = Sha3_256::digest(format!("{secret}\n{time}\n{method}\n{url}"));
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn decoded(text: &str) -> Option<Vec<u8>> {
    STANDARD.decode(text.trim()).ok()
}

/// The URLs that a client may have signed when this arrived: vendor clients differ on whether they name the default
/// port, and sign the host in capitals where they were given it so.
fn possible_urls(uri: &Uri, headers: &HeaderMap) -> Vec<String> {
    let host = headers.get(header::HOST).and_then(|value| value.to_str().ok());
    // HTTP/2 has an authority in place of a Host.
    let Some(host) = host.or_else(|| uri.authority().map(http::uri::Authority::as_str)) else {
        return Vec::new();
    };
    let target = uri.path_and_query().map_or("/", http::uri::PathAndQuery::as_str);
    let toggled = match host.strip_suffix(":443") {
        Some(bare) => Some(bare.to_owned()),
        None => http::uri::Authority::try_from(host)
            .is_ok_and(|authority| authority.port().is_none())
            .then(|| format!("{host}:443")),
    };
    let mut hosts: Vec<String> = [Some(host.to_owned()), toggled].into_iter().flatten().collect();
    hosts.extend(hosts.clone().iter().map(|host| host.to_ascii_lowercase()));
    hosts.iter().map(|host| format!("https://{host}{target}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: u64 = 1_700_000_000;

    fn authentication() -> Authentication {
        Authentication::new("u", "p:q", Some(Token::new("id1", "s3cret")))
    }

    fn judge(uri: &str, method: &Method, shown: &[(&str, &str)], now: u64) -> Verdict {
        let mut headers = HeaderMap::new();
        for (name, value) in shown {
            headers.insert(http::HeaderName::try_from(*name).unwrap(), value.parse().unwrap());
        }
        authentication().judge(method, &uri.parse().unwrap(), &headers, now)
    }

    #[test]
    fn only_the_right_password_is_admitted() {
        let basic = |value: &str| judge("/rest/x", &Method::GET, &[("authorization", value)], NOW);
        let right = STANDARD.encode("u:p:q");
        assert_eq!(basic(&format!("Basic {right}")), Verdict::Admitted);
        assert_eq!(basic(&format!("basic {right}")), Verdict::Admitted);
        assert_eq!(basic(&format!("Bearer {right}")), Verdict::Refused);
        assert_eq!(basic(&format!("Basic {}", STANDARD.encode("u:p"))), Verdict::Refused);
        assert_eq!(basic("Basic ???"), Verdict::Refused);
        assert_eq!(judge("/rest/x", &Method::GET, &[], NOW), Verdict::Refused);
    }

    #[test]
    fn the_native_headers_are_each_encoded() {
        let native = |user: &str, password: &str| {
            let shown = [("x-ipm-username", user), ("X-IPM-Password", password)];
            judge("/rest/x", &Method::GET, &shown, NOW)
        };
        let (user, password) = (STANDARD.encode("u"), STANDARD.encode("p:q"));
        assert_eq!(native(&user, &password), Verdict::Admitted);
        assert_eq!(native("u", "p:q"), Verdict::Refused);
        assert_eq!(native(&user, &STANDARD.encode("p")), Verdict::Refused);
        assert_eq!(native(&STANDARD.encode("v"), &password), Verdict::Refused);
    }

    /// Computed by other means from the formula: method, the URL that was signed, signature.
    const VECTORS: [(Method, &str, &str, &str); 3] = [
        (
            Method::GET,
            "sds.example.com",
            "/rest/member_list?WHERE=member_is_me%3D1",
            "3cd3a4e1fd2bf3accfe8f394a193dfba844f0fbab53d8696074f994c5eb8e602",
        ),
        (
            Method::GET,
            "sds.example.com:443",
            "/api/v2.0/dns/rr/list?orderby=rr_full_name&where=zone_id%3D9",
            "578245d70d213ce4a72a00acf1612050441cf354abb401241b0ba33bb8c4586e",
        ),
        (
            Method::DELETE,
            "sds.example.com",
            "/rest/dns_rr_delete?rr_id=239",
            "3bf6ad331d9240e885371315a370348eea9eb42b0a2b33e27b27403220407e23",
        ),
    ];

    #[test]
    fn a_signature_is_held_against_the_request_as_it_was_received() {
        for (method, host, target, signature) in VECTORS {
            let shown = format!("SDS id1:{signature}");
            let with = |host: &str, target: &str, method: &Method| {
                let headers = [("host", host), ("authorization", &*shown), ("x-sds-ts", "1700000000")];
                judge(target, method, &headers, NOW)
            };
            assert_eq!(with(host, target, &method), Verdict::Admitted);
            // The default port may be in one of the two only, and the host in capitals.
            let bare = host.trim_end_matches(":443");
            assert_eq!(with(bare, target, &method), Verdict::Admitted);
            assert_eq!(with(&format!("{bare}:443"), target, &method), Verdict::Admitted);
            assert_eq!(with(&host.to_uppercase(), target, &method), Verdict::Admitted);
            assert_eq!(with(&format!("{bare}:8443"), target, &method), Verdict::Refused);
            assert_eq!(with("other.example.com", target, &method), Verdict::Refused);
            assert_eq!(with(host, &format!("{target}0"), &method), Verdict::Refused);
            assert_eq!(with(host, target, &Method::PUT), Verdict::Refused);
            // HTTP/2: no Host, the authority is in the URI.
            let headers = [("authorization", &*shown), ("x-sds-ts", "1700000000")];
            assert_eq!(judge(&format!("https://{host}{target}"), &method, &headers, NOW), Verdict::Admitted);
        }
    }

    #[test]
    fn a_signature_of_another_time_or_token_is_not_admitted() {
        let (_, host, target, signature) = &VECTORS[0];
        let with = |shown: &str, time: &str, now| {
            judge(target, &Method::GET, &[("host", host), ("authorization", shown), ("x-sds-ts", time)], now)
        };
        let right = format!("SDS id1:{signature}");
        assert_eq!(with(&right, "1700000000", NOW + 300), Verdict::Admitted);
        assert_eq!(with(&right, "1700000000", NOW - 300), Verdict::Admitted);
        assert_eq!(with(&right, "1700000000", NOW + 301), Verdict::ClockSkew);
        assert_eq!(with(&right, "1700000000", NOW - 301), Verdict::ClockSkew);
        // A wrong signature is not told what the clock says.
        assert_eq!(with(&right, "1700000001", NOW + 301), Verdict::Refused);
        assert_eq!(with(&right, "soon", NOW), Verdict::Refused);
        assert_eq!(with(&format!("SDS id2:{signature}"), "1700000000", NOW), Verdict::Refused);
        assert_eq!(with("SDS id1", "1700000000", NOW), Verdict::Refused);
        let mut without_token = authentication();
        without_token.set_token(None);
        let mut headers = HeaderMap::new();
        headers.insert(header::AUTHORIZATION, right.parse().unwrap());
        headers.insert("x-sds-ts", "1700000000".parse().unwrap());
        headers.insert(header::HOST, host.parse().unwrap());
        assert_eq!(
            without_token.judge(&Method::GET, &target.parse().unwrap(), &headers, NOW),
            Verdict::Refused
        );
    }
}
