//! The appliance on the wire: one call from request to answer, with the faults that are in force.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use axum::body::Body;
use http::request::Parts;
use http::{Request, Response, Uri, header};

use crate::answer::{Answer, Refusal};
use crate::authentication::{self, Verdict};
use crate::calls::Ticket;
use crate::fault::FaultKind;
use crate::filler::Filler;
use crate::quirk::QuirkName;
use crate::request::{self, Dialect, Malformed, ServiceRequest, Transport};
use crate::service::{self, Tampering};
use crate::state::State;

/// The longest body that is read.
const LONGEST_BODY: usize = 1024 * 1024;

/// The appliance: its state and its clock.
pub(crate) struct Appliance {
    state: Mutex<State>,
    started: Instant,
    /// The path below which the services are; empty, or with a slash at its beginning and none at its end.
    path_prefix: String,
}

/// The connection ends without an answer.
#[derive(Debug, thiserror::Error)]
#[error("the connection is reset on purpose")]
pub(crate) struct Reset;

/// A call, read and counted, with what goes wrong in it.
struct Call {
    request: ServiceRequest,
    malformed: Option<Malformed>,
    verdict: Verdict,
    faults: Vec<FaultKind>,
    in_flight: InFlight,
}

/// A call that is counted as being in flight as long as this lives.
struct InFlight {
    appliance: Arc<Appliance>,
    ticket: Ticket,
    status: Option<u16>,
}

impl Drop for InFlight {
    fn drop(&mut self) {
        let now_ms = self.appliance.now_ms();
        self.appliance.state().recorder.end(self.ticket, self.status, now_ms);
    }
}

impl Appliance {
    pub(crate) fn new(state: State, path_prefix: String) -> Self {
        Self { state: Mutex::new(state), started: Instant::now(), path_prefix }
    }

    /// A request's target below the path prefix; `None` when it is elsewhere.
    fn below_prefix(&self, uri: &Uri) -> Option<Uri> {
        let target = uri.path_and_query()?.as_str().strip_prefix(&self.path_prefix)?;
        target.starts_with('/').then(|| target.parse().ok())?
    }

    /// The state, with everything pushed that is due. A panic elsewhere does not make it unusable.
    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.store.publish(self.now_ms());
        state
    }

    pub(crate) fn now_ms(&self) -> u64 {
        u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    /// Answers a request.
    pub(crate) async fn handle(
        self: Arc<Self>,
        http_request: Request<Body>,
    ) -> Result<Response<Body>, Reset> {
        let ahead = Duration::from_secs(self.state().authentication.clock_ahead_seconds);
        let mut response = self.answer(http_request).await?;
        // By the appliance's own clock; the HTTP library knows only the true time.
        if !ahead.is_zero()
            && let Ok(date) = httpdate::fmt_http_date(SystemTime::now() + ahead).parse()
        {
            response.headers_mut().insert(header::DATE, date);
        }
        Ok(response)
    }

    async fn answer(self: Arc<Self>, http_request: Request<Body>) -> Result<Response<Body>, Reset> {
        let (parts, body) = http_request.into_parts();
        let Ok(body) = axum::body::to_bytes(body, LONGEST_BODY).await else {
            return Ok(Answer::html(413, "413 Request Entity Too Large").into_response());
        };
        // What the gateway does not pass on never reaches the appliance, nor its counts.
        let Some(target) = self.below_prefix(&parts.uri) else {
            return Ok(Answer::html(404, "404 Not Found").into_response());
        };
        let (request, transport, outcome) = request::read(&parts.method, &target, &parts.headers, &body);
        let mut begun = match self.begin(request, transport, outcome, &parts) {
            Ok(call) => call,
            Err(at_once) => {
                let (answer, mut in_flight, latency) = *at_once;
                pause(latency).await;
                in_flight.status = Some(answer.status);
                return Ok(answer.into_response());
            }
        };
        let latency = self.state().latency;
        pause(latency).await;
        let slow = begun.faults.iter().any(|fault| matches!(fault, FaultKind::Slow { .. }));
        let answer = if slow {
            // A slow appliance goes on working when the client has given up, so the call has a life of its own.
            let appliance = Arc::clone(&self);
            let call = tokio::spawn(async move { appliance.process(&mut begun).await });
            call.await.unwrap_or(Err(Reset))
        } else {
            self.process(&mut begun).await
        };
        answer.map(Answer::into_response)
    }

    /// Counts a call, and answers it at once where the appliance does not even look at it.
    fn begin(
        self: &Arc<Self>,
        request: ServiceRequest,
        transport: Transport,
        outcome: Result<(), Malformed>,
        parts: &Parts,
    ) -> Result<Call, Box<(Answer, InFlight, Duration)>> {
        let target_length = parts.uri.path_and_query().map_or(0, |target| target.as_str().len());
        let text_of =
            |name| parts.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let now_ms = self.now_ms();
        let mut guard = self.state();
        let state = &mut *guard;
        let login = authentication::kind(&parts.headers);
        let ticket = state.recorder.begin(&request, text_of(header::USER_AGENT), login, now_ms);
        let content_type = text_of(header::CONTENT_TYPE);
        state.recording.add(&request, transport, parts.uri.path(), content_type, login);
        let in_flight = InFlight { appliance: Arc::clone(self), ticket, status: None };
        if state.quirks.number(QuirkName::UrlLimit).is_some_and(|limit| target_length as u64 > limit) {
            return Err(Box::new((Answer::html(414, "414 URI Too Long"), in_flight, state.latency)));
        }
        if let Err(wait) = state.admit(now_ms) {
            let answer = too_many(wait, request.answer_dialect(), state);
            return Err(Box::new((answer, in_flight, state.latency)));
        }
        let clock = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| time.as_secs());
        let verdict = state.authentication.judge(&parts.method, &parts.uri, &parts.headers, clock);
        let faults = state.faults.hits(&request);
        Ok(Call { request, malformed: outcome.err(), verdict, faults, in_flight })
    }

    async fn process(&self, call: &mut Call) -> Result<Answer, Reset> {
        if let Some(ms) = pause_of(&call.faults, false) {
            pause(Duration::from_millis(ms)).await;
        }
        let answer = match self.replacement(call, false) {
            Some(replacement) => replacement.wait().await?,
            None => {
                let answer = self.execute(call);
                if let Some(ms) = pause_of(&call.faults, true) {
                    pause(Duration::from_millis(ms)).await;
                }
                match self.replacement(call, true) {
                    Some(replacement) => replacement.wait().await?,
                    None => answer,
                }
            }
        };
        call.in_flight.status = Some(answer.status);
        Ok(answer)
    }

    fn execute(&self, call: &Call) -> Answer {
        let now_ms = self.now_ms();
        let mut guard = self.state();
        let state = &mut *guard;
        match call.verdict {
            Verdict::Admitted => {}
            Verdict::Refused => return Answer::unauthorized(call.request.answer_dialect(), &state.quirks),
            Verdict::ClockSkew => return Answer::json(412, ""),
        }
        if let Some(Malformed(message)) = &call.malformed {
            return Answer::refusal(&Refusal::new(7, message), &call.request, &state.quirks);
        }
        if call.faults.contains(&FaultKind::RenumberIds) {
            let order = state.cause(now_ms).id_order;
            state.store.renumber_all(order);
        }
        let outcome = service::execute(state, &call.request, tampering(&call.faults), now_ms);
        for fault in &call.faults {
            if let FaultKind::Rewrite { name, value } = fault {
                for key in &outcome.written {
                    let hit = state.store.row(*key).is_some_and(|row| {
                        name.as_ref().is_none_or(|name| row.name.eq_ignore_ascii_case(name))
                    });
                    let cause = state.immediate(now_ms);
                    if hit {
                        state.store.change_row(*key, cause, false, |row| row.values = vec![value.clone()]);
                    }
                }
            }
        }
        let mut answer = outcome.answer;
        if call.faults.contains(&FaultKind::Truncate) {
            let half = answer.body.floor_char_boundary(answer.body.len() / 2);
            answer.body.truncate(half);
        }
        answer
    }

    /// What comes instead of the true answer, before or after the call took effect.
    fn replacement(&self, call: &Call, committed: bool) -> Option<Replacement> {
        let state = self.state();
        let request = &call.request;
        let body = |refusal: Refusal| refusal.body(request.answer_dialect(), &request.service, &state.quirks);
        let error = |message: &Option<String>, fallback: &str| {
            Refusal::new(9, message.clone().unwrap_or_else(|| fallback.to_owned()))
        };
        call.faults.iter().find_map(|fault| {
            let (replacement, after_commit) = match fault {
                FaultKind::Status { code, body: given, retry_after, after_commit } => {
                    let text = given.clone().unwrap_or_else(|| body(error(&None, "Injected fault")));
                    let mut answer = Answer::json(*code, if *code == 204 { String::new() } else { text });
                    answer.headers.extend(retry_after.clone().map(|text| (header::RETRY_AFTER, text)));
                    (Replacement::Answer(answer), *after_commit)
                }
                FaultKind::Hang { after_commit } => (Replacement::Silence, *after_commit),
                FaultKind::Empty { code, after_commit } => {
                    (Replacement::Answer(Answer::json(*code, "")), *after_commit)
                }
                FaultKind::SuccessFalse { message, after_commit } => {
                    let text = body(error(message, "Injected fault"));
                    (Replacement::Answer(Answer::json(200, text)), *after_commit)
                }
                FaultKind::ConnectedFalse => (Replacement::Answer(Answer::disconnected(200)), false),
                FaultKind::Forbidden => {
                    (Replacement::Answer(Answer::forbidden(request, &state.quirks)), false)
                }
                FaultKind::Html { after_commit } => {
                    (Replacement::Answer(Answer::html(200, "SOLIDserver is starting")), *after_commit)
                }
                FaultKind::Redirect { code, location } => {
                    let mut answer = Answer::html(*code, "Moved");
                    answer.headers.push((header::LOCATION, location.clone()));
                    (Replacement::Answer(answer), false)
                }
                FaultKind::Flood { mib } => {
                    (Replacement::Answer(Answer::endless(Filler::length(*mib * 1024 * 1024))), false)
                }
                FaultKind::Trickle { ms } => {
                    let filler = Filler::trickle(Duration::from_millis(*ms));
                    (Replacement::Answer(Answer::endless(filler)), false)
                }
                FaultKind::Reject { message, severity } => {
                    let mut refusal = error(message, "Rejected by a rule of the appliance");
                    if let Some(severity) = severity {
                        refusal.severity.clone_from(severity);
                    }
                    (Replacement::Answer(Answer::refusal(&refusal, request, &state.quirks)), false)
                }
                FaultKind::ClockSkew => (Replacement::Answer(Answer::json(412, "")), false),
                FaultKind::ResetBeforeCommit => (Replacement::Reset, false),
                FaultKind::ResetAfterCommit => (Replacement::Reset, true),
                FaultKind::Slow { .. }
                | FaultKind::Truncate
                | FaultKind::DropPage
                | FaultKind::ShortPage { .. }
                | FaultKind::IgnoreWhere
                | FaultKind::IgnoreOrderby
                | FaultKind::Blind
                | FaultKind::RenumberIds
                | FaultKind::ForeignRows { .. }
                | FaultKind::Rewrite { .. } => return None,
            };
            (after_commit == committed).then_some(replacement)
        })
    }
}

/// What comes instead of the true answer.
enum Replacement {
    Answer(Answer),
    Silence,
    Reset,
}

impl Replacement {
    async fn wait(self) -> Result<Answer, Reset> {
        match self {
            Self::Answer(answer) => Ok(answer),
            Self::Silence => std::future::pending().await,
            Self::Reset => Err(Reset),
        }
    }
}

async fn pause(length: Duration) {
    if !length.is_zero() {
        tokio::time::sleep(length).await;
    }
}

fn pause_of(faults: &[FaultKind], committed: bool) -> Option<u64> {
    faults.iter().find_map(|fault| match fault {
        FaultKind::Slow { ms, after_commit } if *after_commit == committed => Some(*ms),
        _ => None,
    })
}

fn tampering(faults: &[FaultKind]) -> Tampering {
    let mut tampering = Tampering::default();
    for fault in faults {
        match fault {
            FaultKind::IgnoreWhere => tampering.ignore_where = true,
            FaultKind::IgnoreOrderby => tampering.ignore_orderby = true,
            FaultKind::DropPage => tampering.drop_page = true,
            FaultKind::ShortPage { missing } => tampering.short_page = Some(*missing),
            FaultKind::ForeignRows { rows } => tampering.foreign_rows += rows,
            FaultKind::Blind => tampering.blind = true,
            _ => {}
        }
    }
    tampering
}

fn too_many(wait: Duration, dialect: Dialect, state: &State) -> Answer {
    let mut answer =
        Answer::json(429, Refusal::new(8, "Too many requests").body(dialect, "rate_limit", &state.quirks));
    // Whole seconds, rounded up, so that a client that waits as told is not too early.
    let seconds = wait.as_millis().div_ceil(1000).max(1);
    let text = match state.quirks.get(QuirkName::RetryAfter) {
        "seconds" => Some(seconds.to_string()),
        "date" => {
            let seconds = u64::try_from(seconds).unwrap_or(u64::MAX);
            // A date has whole seconds too, and cuts off the present one.
            let end = SystemTime::now().checked_add(Duration::from_secs(seconds.saturating_add(1)));
            end.map(httpdate::fmt_http_date)
        }
        _ => None,
    };
    answer.headers.extend(text.map(|text| (header::RETRY_AFTER, text)));
    answer
}
