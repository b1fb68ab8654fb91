//! One HTTP call: through the gate, with a deadline, its failure sorted into the classes of [`Error`].
//!
//! A write is sent at most once. (The HTTP library sends a request again only where the protocol proves that it was not
//! processed: it never left this side, or the server refused its HTTP/2 stream, RFC 9113 8.7.) A read that lost its
//! connection or met an appliance out of order is repeated once.

use std::error::Error as StdError;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU32, Ordering};
use std::time::{Duration, Instant, SystemTime};

use reqwest::header::{ACCEPT, DATE, HeaderMap, HeaderValue, RETRY_AFTER};
use reqwest::{Method, StatusCode, redirect};
use tracing::field::Empty;
use tracing::{Instrument as _, Span};
use url::Url;

use super::body::Bodies;
use super::certificates;
use super::dialect::{Answer, Fault, LONGEST_QUERY, Operation, Request};
use super::gate::{self, Gate, Held, Turn};
use super::handshake;
use super::login::Login;
use super::proxy::Proxy;
use super::{Call, CallObserver, Error, Settings};
use crate::lease::Claim;
use crate::telemetry::TARGET;

/// Below the 5 s after which common web servers close an idle connection, so that a write is not sent into a closing one.
const IDLE: Duration = Duration::from_secs(4);
/// Before a read is repeated.
const BREATHER: Duration = Duration::from_millis(200);
/// Pauses that a read in the middle of a list takes before it gives up.
const PAUSES: u32 = 3;
/// Refusals in a row after which a 401 is believed although the credentials had worked.
const BELIEVED: u32 = 3;

/// A pause of the appliance that every call waits out.
pub(super) const SHORT_PATIENCE: Duration = Duration::from_secs(1);
/// A pause that is waited out in the middle of a list, so that its pages are not read for nothing.
pub(super) const LONG_PATIENCE: Duration = Duration::from_secs(120);

/// The way to one appliance.
pub(super) struct Transport {
    http: reqwest::Client,
    /// The same over HTTP/1.1 only, for the repetition of a read that lost its connection. An appliance that refuses our client
    /// certificate says so when the connection stands already (RFC 8446 2), and the HTTP/2 library keeps that to itself.
    http1: reqwest::Client,
    endpoint: Url,
    login: Login,
    request_timeout: Duration,
    observer: Option<Arc<dyn CallObserver>>,
    /// Outlives this transport where another one takes its place.
    gate: Arc<Gate>,
    /// The right to call.
    claim: Claim,
    proxy: Option<Proxy>,
    shows_certificate: bool,
    /// The answers that are being read.
    bodies: Bodies,
    /// A call has succeeded with these credentials.
    authenticated: AtomicBool,
    /// Refusals since the last success.
    refusals: AtomicU32,
    /// By how many seconds the appliance's clock was ahead of ours at its last answer.
    clock_ahead: AtomicI64,
}

/// Stands for a clock that nothing is known of.
const NO_CLOCK: i64 = i64::MIN;

/// How a call waits at the gate.
#[derive(Clone, Copy)]
struct Wait<'a> {
    turn: &'a Turn,
    patience: Duration,
    start_by: Option<Instant>,
}

/// How a call failed before there was an answer to read.
enum Failure {
    /// Nothing was sent.
    NotSent(Error),
    /// It may have been executed.
    Lost { cause: String, timeout: bool },
}

impl Transport {
    /// `before` is what this one takes the place of. At the same endpoint it leaves its gate: the appliance's pause, the pace that
    /// was learnt and the calls in flight count on, whatever else is new.
    pub(super) fn new(settings: Settings, claim: Claim, before: Option<&Self>) -> Result<Self, Error> {
        let endpoint = checked_endpoint(&settings.endpoint)?;
        let login = Login::new(&settings.credentials)?;
        let proxy = settings.proxies.proxy_for(&endpoint)?;
        certificates::provider();
        let mut headers = HeaderMap::new();
        headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
        let builder = || {
            reqwest::Client::builder()
                .user_agent(settings.user_agent.as_str())
                .default_headers(headers.clone())
                .https_only(true)
                .redirect(redirect::Policy::none())
                // Which proxy there is has been decided above, once; the library shall not look again.
                .no_proxy()
                .timeout(settings.request_timeout)
                .connect_timeout(settings.request_timeout / 2)
                .tcp_nodelay(true)
                .tcp_keepalive(Duration::from_secs(30))
                .pool_idle_timeout(IDLE)
                .pool_max_idle_per_host(settings.concurrency.max(1))
                .http2_adaptive_window(true)
                .http2_keep_alive_interval(Duration::from_secs(10))
                .http2_keep_alive_timeout(settings.request_timeout)
        };
        let client = |builder: reqwest::ClientBuilder| {
            let builder = match &proxy {
                Some(proxy) => builder.proxy(proxy.for_client()?),
                None => builder,
            };
            certificates::trusting(builder, &settings.tls)?
                .build()
                .map_err(|error| Error::Settings { what: format!("no HTTP client: {}", innermost(&error)) })
        };
        let (http, http1) = (client(builder())?, client(builder().http1_only())?);
        if let Some(proxy) = &proxy {
            let host = endpoint.host_str();
            tracing::info!(
                endpoint = host,
                proxy = proxy.url(),
                "the appliance is called through a proxy of the environment"
            );
        }
        let (concurrency, budget) = (settings.concurrency, settings.requests_per_minute);
        let gate = match before.filter(|before| same_place(&before.endpoint, &endpoint)) {
            Some(before) => {
                before.gate.adjust(concurrency, budget);
                Arc::clone(&before.gate)
            }
            None => Arc::new(Gate::new(concurrency, budget)),
        };
        Ok(Self {
            http,
            http1,
            endpoint,
            login,
            request_timeout: settings.request_timeout,
            observer: settings.observer,
            gate,
            claim,
            proxy,
            shows_certificate: settings.tls.client_certificate.is_some(),
            bodies: Bodies::default(),
            authenticated: AtomicBool::new(false),
            refusals: AtomicU32::new(0),
            clock_ahead: AtomicI64::new(NO_CLOCK),
        })
    }

    pub(super) const fn claim(&self) -> &Claim {
        &self.claim
    }

    /// Whether the appliance does not answer, so that nothing is called but by [`Turn::Probe`].
    pub(super) fn is_given_up(&self) -> bool {
        self.gate.is_open()
    }

    pub(super) fn paused_for(&self) -> Option<Duration> {
        self.gate.paused_for()
    }

    pub(super) fn clock_ahead(&self) -> Option<i64> {
        Some(self.clock_ahead.load(Ordering::Relaxed)).filter(|ahead| *ahead != NO_CLOCK)
    }

    /// The URL of the proxy, without a login.
    pub(super) fn proxy(&self) -> Option<&str> {
        self.proxy.as_ref().map(Proxy::url)
    }

    pub(super) const fn signs_calls(&self) -> bool {
        matches!(self.login, Login::Token { .. })
    }

    /// Reads and takes the result out of the answer. Repeated once after a lost connection or an outage, and, with long
    /// patience, after each of a few pauses that the appliance asks for.
    pub(super) async fn read<T>(
        &self,
        request: &Request,
        turn: &Turn,
        patience: Duration,
        take: impl Fn(&Answer) -> Result<T, Fault>,
    ) -> Result<T, Error> {
        debug_assert!(!request.operation.is_write());
        let service = request.service;
        let sorted = |fault, status| match fault {
            // A service that is not there at all is no answer about rows.
            Fault::Refused { .. } if status == StatusCode::NOT_FOUND => {
                Error::Settings { what: request.not_found() }
            }
            Fault::Refused { code, message } => Error::Rejected { service, code, message },
            Fault::Unreadable(what) => Error::Incomplete { service, what },
        };
        let (mut repetitions, mut pauses) = (1, if patience > SHORT_PATIENCE { PAUSES } else { 0 });
        let wait = Wait { turn, patience, start_by: None };
        let mut http = &self.http;
        loop {
            let Failed { error, again } = match self.call(http, request, wait, &take, sorted).await {
                Ok(result) => return Ok(result),
                Err(failed) => failed,
            };
            match again {
                Again::AtOnce | Again::OverHttp1 if repetitions > 0 => {
                    repetitions -= 1;
                    if again == Again::OverHttp1 {
                        http = &self.http1;
                    }
                    tracing::debug!(service, %error, "reading again");
                    tokio::time::sleep(BREATHER).await;
                }
                Again::AfterPause if pauses > 0 => pauses -= 1,
                _ => return Err(error),
            }
        }
    }

    /// Writes, once, and takes the result out of the answer. Not sent at all if its turn comes after `start_by`.
    pub(super) async fn write<T>(
        &self,
        request: &Request,
        turn: &Turn,
        start_by: Option<Instant>,
        take: impl Fn(&Answer) -> Result<T, Fault>,
    ) -> Result<T, Error> {
        debug_assert!(request.operation.is_write());
        let service = request.service;
        let sorted = |fault, _| match fault {
            Fault::Refused { code, message } => refused(request.operation, service, code, message),
            Fault::Unreadable(cause) => Error::Ambiguous { service, cause },
        };
        let wait = Wait { turn, patience: SHORT_PATIENCE, start_by };
        self.call(&self.http, request, wait, take, sorted).await.map_err(|failed| failed.error)
    }

    async fn call<T>(
        &self,
        http: &reqwest::Client,
        request: &Request,
        wait: Wait<'_>,
        take: impl Fn(&Answer) -> Result<T, Fault>,
        sorted: impl Fn(Fault, StatusCode) -> Error,
    ) -> Result<T, Failed> {
        let span = tracing::info_span!(
            target: TARGET, "call", otel.kind = "client", service = request.service,
            operation = request.operation.as_str(), waited_ms = Empty, outcome = Empty,
        );
        self.call_within(&span, http, request, wait, take, sorted).instrument(span.clone()).await
    }

    async fn call_within<T>(
        &self,
        span: &Span,
        http: &reqwest::Client,
        request: &Request,
        wait: Wait<'_>,
        take: impl Fn(&Answer) -> Result<T, Fault>,
        sorted: impl Fn(Fault, StatusCode) -> Error,
    ) -> Result<T, Failed> {
        let asked = gate::now();
        let pass = self.gate.enter(wait.turn, wait.patience, wait.start_by).await.map_err(|held| {
            Failed::last(match held {
                Held::Open(cause) => Error::Unreachable { cause: cause.to_string() },
                Held::Paused(rest) => Error::RateLimited { retry_after: Some(rest) },
                Held::TooLate => Error::NotStarted { service: request.service },
            })
        })?;
        let service = request.service;
        // Asked last, for the wait at the gate may be long: from here on nothing waits before the request is sent.
        if !self.claim.is_held() {
            return Err(Failed::last(Error::NotStarted { service }));
        }
        let started = gate::now();
        let answer = tokio::select! {
            answer = self.send(http, request, started) => answer,
            () = self.claim.runs_out() => {
                let cause = "cut off, for the Lease of the SolidServer could not be renewed".to_owned();
                Err(Failed::last(match request.operation.is_write() {
                    true => Error::Ambiguous { service, cause },
                    false => Error::Unreachable { cause },
                }))
            }
        };
        drop(pass);
        let duration = gate::now().saturating_duration_since(started);
        let outcome = answer
            .and_then(|answer| take(&answer).map_err(|fault| Failed::last(sorted(fault, answer.status))));
        let call = Call {
            service,
            operation: request.operation.as_str(),
            outcome: outcome.as_ref().err().map_or("ok", |failed| failed.error.label()),
            duration,
            waited: started.saturating_duration_since(asked),
        };
        tracing::debug!(
            service = call.service,
            operation = call.operation,
            outcome = call.outcome,
            duration_ms = call.duration.as_millis(),
            waited_ms = call.waited.as_millis(),
            "call"
        );
        span.record("waited_ms", call.waited.as_millis() as u64);
        span.record("outcome", call.outcome);
        if let Some(observer) = &self.observer {
            observer.on_call(&call);
        }
        outcome
    }

    async fn send(
        &self,
        http: &reqwest::Client,
        request: &Request,
        started: Instant,
    ) -> Result<Answer, Failed> {
        let (service, is_write) = (request.service, request.operation.is_write());
        let exchanged = self.exchange(http, request).await;
        match &exchanged {
            Ok(_) => {
                if self.gate.answered() {
                    tracing::info!(endpoint = self.endpoint.host_str(), "the appliance answers again");
                }
            }
            Err(Failure::NotSent(Error::Unreachable { cause }) | Failure::Lost { cause, .. }) => {
                if self.gate.unanswered(started, cause) {
                    tracing::warn!(
                        endpoint = self.endpoint.host_str(),
                        "the appliance does not answer ({cause}): no call is made but to see whether it does again"
                    );
                }
            }
            // Whoever refuses a handshake, a login or a request is there.
            Err(Failure::NotSent(_)) => {}
        }
        let (status, headers, body) = exchanged.map_err(|failure| match failure {
            Failure::NotSent(error) => Failed::last(error),
            Failure::Lost { cause, .. } if is_write => Failed::last(Error::Ambiguous { service, cause }),
            Failure::Lost { cause, timeout } => Failed {
                error: Error::Unreachable { cause },
                again: if timeout { Again::No } else { Again::OverHttp1 },
            },
        })?;
        if status == StatusCode::TOO_MANY_REQUESTS {
            let retry_after =
                headers.get(RETRY_AFTER).and_then(|value| retry_after(value, SystemTime::now()));
            self.gate.limited(started, retry_after);
            return Err(Failed { error: Error::RateLimited { retry_after }, again: Again::AfterPause });
        }
        self.gate.passed();
        let out_of_order = || match is_write {
            true => {
                Failed::last(Error::Ambiguous { service, cause: format!("it was answered with {status}") })
            }
            false => Failed {
                error: Error::Unavailable { service, status: status.as_u16() },
                again: Again::AtOnce,
            },
        };
        match status {
            StatusCode::UNAUTHORIZED => {
                let refusals = self.refusals.fetch_add(1, Ordering::Relaxed) + 1;
                if self.authenticated.load(Ordering::Relaxed) && refusals < BELIEVED {
                    return Err(out_of_order());
                }
                Err(Failed::last(Error::Unauthorized))
            }
            StatusCode::FORBIDDEN => Err(Failed::last(Error::Forbidden { service })),
            StatusCode::PRECONDITION_FAILED => Err(Failed::last(Error::ClockSkew)),
            StatusCode::REQUEST_TIMEOUT => Err(out_of_order()),
            status if status.is_server_error() => Err(out_of_order()),
            status if status.is_success() => {
                self.authenticated.store(true, Ordering::Relaxed);
                self.refusals.store(0, Ordering::Relaxed);
                Ok(Answer { status, body })
            }
            StatusCode::BAD_REQUEST => match handshake::refused_over_http(&body) {
                Some(failed) => Err(Failed::last(Error::Tls { fault: failed.fault, cause: failed.cause })),
                None => Ok(Answer { status, body }),
            },
            status if status.is_client_error() => Ok(Answer { status, body }),
            status => Err(Failed::last(Error::Settings {
                what: format!("no SOLIDserver at the endpoint: it answers {} to {service}", status.as_u16()),
            })),
        }
    }

    async fn exchange(
        &self,
        http: &reqwest::Client,
        request: &Request,
    ) -> Result<(StatusCode, HeaderMap, Vec<u8>), Failure> {
        let (url, body) = self.place(request).map_err(Failure::NotSent)?;
        // Made here, after the wait at the gate: a signature holds for its URL and only for a while.
        let login = self.login.headers(&request.method, &url, SystemTime::now()).map_err(Failure::NotSent)?;
        let mut builder = http.request(request.method.clone(), url).headers(login);
        if let Some(body) = body {
            builder = builder.json(&body);
        }
        let mut response = builder.send().await.map_err(|error| self.failure(error))?;
        if let Some(ahead) = ahead(response.headers(), SystemTime::now()) {
            self.clock_ahead.store(ahead, Ordering::Relaxed);
        }
        let mut body = self.bodies.begin();
        while let Some(chunk) = response.chunk().await.map_err(|error| match self.failure(error) {
            // The answer had begun: whatever the library calls it now, the request was sent.
            Failure::NotSent(error) => Failure::Lost { cause: error.to_string(), timeout: false },
            lost @ Failure::Lost { .. } => lost,
        })? {
            // No reason to ask again at once, as after a lost connection.
            body.push(&chunk)
                .map_err(|too_long| Failure::Lost { cause: too_long.to_string(), timeout: true })?;
        }
        Ok((response.status(), response.headers().clone(), body.end()))
    }

    /// The URL of a call, and its JSON body: the request's own, or that of a POST or PUT whose parameters are too long for
    /// a URL. Both are ways in which the appliance is known to take parameters; the vendor's libraries for `/rest` use the
    /// first.
    fn place(
        &self,
        request: &Request,
    ) -> Result<(Url, Option<serde_json::Map<String, serde_json::Value>>), Error> {
        let mut url = self.endpoint.clone();
        url.path_segments_mut()
            .map_err(|()| Error::Settings { what: "the endpoint is no base URL".to_owned() })?
            .pop_if_empty()
            .extend(request.path());
        if request.parameters.is_empty() {
            return Ok((url, request.body.clone()));
        }
        let mut with_query = url.clone();
        with_query.query_pairs_mut().extend_pairs(&request.parameters);
        let length = with_query.query().map_or(0, str::len);
        if length > LONGEST_QUERY
            && request.body.is_none()
            && matches!(request.method, Method::POST | Method::PUT)
        {
            let body = request.parameters.iter().map(|(name, value)| ((*name).to_owned(), (&**value).into()));
            return Ok((url, Some(body.collect())));
        }
        Ok((with_query, request.body.clone()))
    }

    fn failure(&self, error: reqwest::Error) -> Failure {
        let error = error.without_url();
        let cause = innermost(&error);
        if error.is_builder() {
            return Failure::NotSent(Error::Settings { what: format!("a request cannot be built: {cause}") });
        }
        let handshake = handshake::failed(&error, self.shows_certificate);
        if error.is_connect() {
            let proxy = self.proxy.as_ref();
            return Failure::NotSent(match (proxy.and_then(|proxy| proxy.failure(&error)), handshake) {
                (Some(error), _) => error,
                (None, Some(failed)) => Error::Tls { fault: failed.fault, cause: failed.cause },
                (None, None) if error.is_timeout() => match proxy {
                    Some(proxy) => proxy.too_late(),
                    None => Error::Unreachable { cause: "no connection in time".to_owned() },
                },
                (None, None) if error.is_dns() => {
                    let host = self.endpoint.host_str().unwrap_or_default();
                    Error::Unreachable { cause: format!("the name {host} cannot be resolved: {cause}") }
                }
                (None, None) => Error::Unreachable { cause },
            });
        }
        if let Some(failed) = handshake.filter(handshake::Failed::refuses_client) {
            return Failure::NotSent(Error::Tls { fault: failed.fault, cause: failed.cause });
        }
        if error.is_timeout() {
            let cause = format!("no answer within {} s", self.request_timeout.as_secs_f64());
            return Failure::Lost { cause, timeout: true };
        }
        Failure::Lost { cause: format!("connection lost: {cause}"), timeout: false }
    }
}

/// A failed call, and when it may be made again if it was a read.
struct Failed {
    error: Error,
    again: Again,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Again {
    No,
    AtOnce,
    OverHttp1,
    AfterPause,
}

impl Failed {
    const fn last(error: Error) -> Self {
        Self { error, again: Again::No }
    }
}

/// Sorts a refused write by the appliance's words. Its numbers are not documented, and not looked at.
fn refused(operation: Operation, service: &'static str, code: String, message: String) -> Error {
    let words = message.to_lowercase();
    match operation {
        Operation::Add | Operation::Edit if words.contains("already exist") => {
            Error::AlreadyExists { message }
        }
        Operation::Edit | Operation::Delete if words.contains("does not exist") => {
            Error::DoesNotExist { message }
        }
        _ => Error::Rejected { service, code, message },
    }
}

fn checked_endpoint(endpoint: &Url) -> Result<Url, Error> {
    let wrong = |what: &str| Err(Error::Settings { what: format!("the endpoint {what}") });
    if endpoint.scheme() != "https" {
        return wrong("must begin with https://");
    }
    if endpoint.host_str().is_none_or(str::is_empty) {
        return wrong("names no host");
    }
    if !endpoint.username().is_empty() || endpoint.password().is_some() {
        return wrong("must not contain credentials");
    }
    if endpoint.query().is_some() || endpoint.fragment().is_some() {
        return wrong("must end with the path: no '?', no '#'");
    }
    Ok(endpoint.clone())
}

/// Whether two endpoints are one, as far as limits go: they count for each appliance, not for each way to write its URL.
fn same_place(one: &Url, other: &Url) -> bool {
    let of = |url: &Url| {
        let path = url.path().trim_end_matches('/').to_owned();
        (url.host_str().map(str::to_owned), url.port_or_known_default(), path)
    };
    of(one) == of(other)
}

/// By how many seconds the clock of whoever wrote `Date` (RFC 9110 6.6.1) is ahead of ours; the time on the way counts against it.
fn ahead(headers: &HeaderMap, now: SystemTime) -> Option<i64> {
    let date = httpdate::parse_http_date(headers.get(DATE)?.to_str().ok()?).ok()?;
    let seconds = |span: Duration| i64::try_from(span.as_secs()).ok();
    match date.duration_since(now) {
        Ok(ahead) => seconds(ahead),
        Err(behind) => seconds(behind.duration()).map(|seconds| -seconds),
    }
}

/// `Retry-After` in seconds or as a date (RFC 9110 10.2.3). A date is taken by our own clock.
fn retry_after(value: &HeaderValue, now: SystemTime) -> Option<Duration> {
    let text = value.to_str().ok()?.trim();
    if let Ok(seconds) = text.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let date = httpdate::parse_http_date(text).ok()?;
    Some(date.duration_since(now).unwrap_or_default())
}

/// The innermost cause; the outer ones only say that a request failed.
pub(super) fn innermost(error: &(dyn StdError + 'static)) -> String {
    let mut cause = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    cause.to_string()
}

#[cfg(test)]
mod tests {
    use secrecy::SecretString;

    use super::*;
    use crate::solidserver::{Credentials, Proxies, TlsSettings};

    fn settings(endpoint: &str) -> Settings {
        Settings {
            endpoint: endpoint.parse().unwrap(),
            dialect: crate::solidserver::Dialect::Rest,
            credentials: Credentials::Basic { username: "ops".into(), password: "s3cr:t".into() },
            tls: TlsSettings::default(),
            proxies: Proxies::none(),
            concurrency: 4,
            page_size: 100,
            request_timeout: Duration::from_secs(4),
            requests_per_minute: None,
            accept_warnings: false,
            user_agent: "test/1".to_owned(),
            observer: None,
        }
    }

    fn request(method: Method, parameters: Vec<(&'static str, std::borrow::Cow<'static, str>)>) -> Request {
        Request {
            operation: Operation::Add,
            method,
            root: "rest",
            service: "dns_rr_add",
            parameters,
            body: None,
        }
    }

    #[test]
    fn settings_that_cannot_work_are_refused_with_the_reason() {
        for (endpoint, reason) in [
            ("http://ddi.example.com", "https"),
            ("https://ops:secret@ddi.example.com", "credentials"),
            ("https://ddi.example.com/?a=b", "'?'"),
            ("https://ddi.example.com/#top", "'#'"),
        ] {
            let error = Transport::new(settings(endpoint), Claim::undisputed(), None).map(drop).unwrap_err();
            assert!(
                matches!(&error, Error::Settings { what } if what.contains(reason)),
                "{endpoint}: {error}"
            );
            assert!(!error.to_string().contains("secret"));
        }
        for bundle in ["", "not PEM", "-----BEGIN CERTIFICATE-----\n!!!\n-----END CERTIFICATE-----\n"] {
            let mut settings = settings("https://ddi.example.com");
            settings.tls.ca_bundle = Some(bundle.as_bytes().to_vec());
            let error = Transport::new(settings, Claim::undisputed(), None).map(drop).unwrap_err();
            assert!(matches!(&error, Error::Settings { .. }), "{bundle}: {error}");
        }
        let mut settings = settings("https://ddi.example.com");
        settings.credentials = Credentials::Basic { username: "a:b".into(), password: "x".into() };
        assert!(matches!(
            Transport::new(settings, Claim::undisputed(), None).map(drop),
            Err(Error::Settings { .. })
        ));
    }

    #[test]
    fn no_debug_text_holds_a_secret() {
        let (name, secret) = (SecretString::from("ops"), SecretString::from("s3cr:t"));
        let all = [
            ("Basic", Credentials::Basic { username: name.clone(), password: secret.clone() }),
            ("Native", Credentials::Native { username: name.clone(), password: secret.clone() }),
            ("Token", Credentials::Token { id: name, secret }),
        ];
        for (method, credentials) in all {
            let text = format!("{:?}", Settings { credentials, ..settings("https://ddi.example.com") });
            assert!(text.contains(method) && !text.contains("s3cr") && !text.contains("ops"), "{text}");
        }
    }

    #[test]
    fn parameters_travel_in_the_query_and_below_the_path_of_the_endpoint() {
        let parameters = vec![("value1", "a b&c=d+é'".into()), ("add_flag", "new_only".into())];
        let query = "value1=a+b%26c%3Dd%2B%C3%A9%27&add_flag=new_only";
        for endpoint in ["https://ddi.example.com/gateway/ddi", "https://ddi.example.com/gateway/ddi/"] {
            let transport = Transport::new(settings(endpoint), Claim::undisputed(), None).unwrap();
            let (url, body) = transport.place(&request(Method::POST, parameters.clone())).unwrap();
            assert_eq!(url.as_str(), format!("https://ddi.example.com/gateway/ddi/rest/dns_rr_add?{query}"));
            assert!(body.is_none());
        }
        let transport =
            Transport::new(settings("https://ddi.example.com"), Claim::undisputed(), None).unwrap();
        let (url, _) = transport.place(&request(Method::GET, Vec::new())).unwrap();
        assert_eq!(url.as_str(), "https://ddi.example.com/rest/dns_rr_add");
    }

    #[test]
    fn parameters_too_long_for_a_url_travel_as_json() {
        let transport =
            Transport::new(settings("https://ddi.example.com"), Claim::undisputed(), None).unwrap();
        let long = "\"ü\"".repeat(2000);
        let parameters = vec![("value1", long.clone().into()), ("add_flag", "edit_only".into())];
        let (url, body) = transport.place(&request(Method::PUT, parameters.clone())).unwrap();
        assert_eq!(url.as_str(), "https://ddi.example.com/rest/dns_rr_add");
        let expected = serde_json::json!({"value1": long, "add_flag": "edit_only"});
        assert_eq!(serde_json::Value::Object(body.unwrap()), expected);
        let (url, body) = transport.place(&request(Method::DELETE, parameters)).unwrap();
        assert!(body.is_none() && url.query().is_some());
    }

    #[test]
    fn a_body_of_the_requests_own_travels_as_json_below_the_path_of_the_dialect() {
        let transport =
            Transport::new(settings("https://ddi.example.com/gateway"), Claim::undisputed(), None).unwrap();
        let own = serde_json::json!({"rr_id": 4, "rr_value1": "é".repeat(9000)}).as_object().cloned();
        let request = Request {
            root: "api/v2.0",
            service: "dns/rr/edit",
            body: own.clone(),
            ..request(Method::PUT, Vec::new())
        };
        let (url, body) = transport.place(&request).unwrap();
        assert_eq!(url.as_str(), "https://ddi.example.com/gateway/api/v2.0/dns/rr/edit");
        assert_eq!(body, own);
        assert!(request.not_found().contains("set spec.api: Rest"), "{}", request.not_found());
    }

    #[test]
    fn a_clock_is_read_from_the_date_of_an_answer() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(784_111_777);
        for (text, expected) in [
            ("Sun, 06 Nov 1994 08:49:37 GMT", Some(0)),
            ("Sun, 06 Nov 1994 09:49:37 GMT", Some(3600)),
            ("Sun, 06 Nov 1994 08:48:37 GMT", Some(-60)),
            ("yesterday", None),
        ] {
            let headers = HeaderMap::from_iter([(DATE, HeaderValue::from_static(text))]);
            assert_eq!(ahead(&headers, now), expected, "{text}");
        }
        assert_eq!(ahead(&HeaderMap::new(), now), None);
    }

    #[test]
    fn retry_after_is_read_in_seconds_and_as_a_date() {
        let now = httpdate::parse_http_date("Wed, 21 Oct 2015 07:28:00 GMT").unwrap();
        let cases = [
            ("17", Some(17)),
            (" 0 ", Some(0)),
            ("Wed, 21 Oct 2015 07:28:40 GMT", Some(40)),
            ("Wed, 21 Oct 2015 07:27:00 GMT", Some(0)),
            ("soon", None),
            ("-5", None),
            ("1.5", None),
            ("", None),
        ];
        for (text, seconds) in cases {
            let value = HeaderValue::from_static(text);
            assert_eq!(retry_after(&value, now), seconds.map(Duration::from_secs), "{text:?}");
        }
    }

    #[test]
    fn refused_writes_are_sorted_by_the_appliances_words_not_by_its_numbers() {
        let sort = |operation, message: &str| {
            refused(operation, "s", "20117".to_owned(), message.to_owned()).label()
        };
        let cases = [
            (Operation::Add, "DNS rr already exists", "already_exists"),
            (Operation::Add, "Space name ALREADY EXIST", "already_exists"),
            (Operation::Edit, "DNS rr already exists", "already_exists"),
            (Operation::Edit, "This RR does not exist", "does_not_exist"),
            (Operation::Delete, "this rr Does Not Exist", "does_not_exist"),
            // An add into a zone that is not there is no stale id.
            (Operation::Add, "Zone does not exist", "rejected"),
            (Operation::Delete, "already exists", "rejected"),
            (Operation::Edit, "Invalid value", "rejected"),
        ];
        for (operation, message, label) in cases {
            assert_eq!(sort(operation, message), label, "{operation:?} {message}");
        }
    }
}
