//! Everything that changes while the simulator runs, behind one lock.

use std::time::Duration;

use crate::authentication::Authentication;
use crate::calls::Recorder;
use crate::config::{Config, RateLimit};
use crate::error::Error;
use crate::fault::Faults;
use crate::quirk::{QuirkName, Quirks};
use crate::recording::Recording;
use crate::store::{Cause, IdOrder, Store};

/// How long a change is pending when quirk `delayed` asks for it and no delay was configured.
const USUAL_DELAY_MS: u64 = 300;

pub(crate) struct State {
    pub(crate) store: Store,
    pub(crate) quirks: Quirks,
    pub(crate) faults: Faults,
    pub(crate) recorder: Recorder,
    pub(crate) recording: Recording,
    pub(crate) authentication: Authentication,
    pub(crate) version: String,
    pub(crate) latency: Duration,
    pub(crate) page_cap: Option<usize>,
    publish_delay: Duration,
    rate_limit: Option<RateLimit>,
    window: Option<Window>,
}

/// The calls of the present window of the rate limit.
struct Window {
    started_ms: u64,
    calls: u32,
}

impl State {
    pub(crate) fn new(config: &Config) -> Result<Self, Error> {
        let mut store = Store::default();
        let cause = Cause { now_ms: 0, delay_ms: 0, id_order: id_order(&config.quirks) };
        store.seed(&config.seed, &config.quirks, cause)?;
        Ok(Self {
            store,
            quirks: config.quirks.clone(),
            faults: Faults::default(),
            recorder: Recorder::default(),
            recording: Recording::default(),
            authentication: Authentication::new(&config.user, &config.password, config.token.clone()),
            version: config.version.clone(),
            latency: config.latency,
            page_cap: config.page_cap,
            publish_delay: config.publish_delay,
            rate_limit: config.rate_limit,
            window: None,
        })
    }

    /// A change by way of the services, which is pushed later where the appliance does that.
    pub(crate) fn cause(&self, now_ms: u64) -> Cause {
        let configured = u64::try_from(self.publish_delay.as_millis()).unwrap_or(u64::MAX);
        let delay_ms = match configured {
            0 if self.quirks.is(QuirkName::Delayed, "publish") => USUAL_DELAY_MS,
            configured => configured,
        };
        Cause { now_ms, delay_ms, id_order: id_order(&self.quirks) }
    }

    /// A change behind the client's back, there at once.
    pub(crate) fn immediate(&self, now_ms: u64) -> Cause {
        Cause { delay_ms: 0, ..self.cause(now_ms) }
    }

    /// Class parameters of rows exist since version 8.0.
    pub(crate) fn has_row_parameters(&self) -> bool {
        self.is_version_8()
    }

    /// `/api/v2.0` exists since version 8.0.
    pub(crate) fn has_v2(&self) -> bool {
        self.is_version_8()
    }

    fn is_version_8(&self) -> bool {
        let major = self.version.split('.').next().and_then(|text| text.parse().ok());
        major.is_none_or(|major: u32| major >= 8)
    }

    /// The most rows that a list gives.
    pub(crate) fn most_rows(&self) -> Option<usize> {
        let quirk = self.quirks.number(QuirkName::PageCap).and_then(|number| usize::try_from(number).ok());
        self.page_cap.into_iter().chain(quirk).min()
    }

    /// Forgets what was asked so far.
    pub(crate) fn reset_calls(&mut self) {
        self.recorder.reset();
        self.recording.reset();
    }

    pub(crate) fn set_rate_limit(&mut self, limit: Option<RateLimit>) {
        self.rate_limit = limit;
        self.window = None;
    }

    pub(crate) fn set_publish_delay(&mut self, delay: Duration) {
        self.publish_delay = delay;
    }

    /// Counts a call against the rate limit. Beyond it, the error is how long the window still lasts; such calls are
    /// not counted.
    pub(crate) fn admit(&mut self, now_ms: u64) -> Result<(), Duration> {
        let Some(limit) = self.rate_limit else {
            return Ok(());
        };
        let length = u64::try_from(limit.window.as_millis()).unwrap_or(u64::MAX);
        let window = match self.window.take() {
            Some(window) if now_ms < window.started_ms.saturating_add(length) => window,
            _ => Window { started_ms: now_ms, calls: 0 },
        };
        let window = self.window.insert(window);
        if window.calls < limit.calls {
            window.calls += 1;
            return Ok(());
        }
        Err(Duration::from_millis(window.started_ms.saturating_add(length).saturating_sub(now_ms)))
    }
}

fn id_order(quirks: &Quirks) -> IdOrder {
    if quirks.is(QuirkName::Ids, "random") { IdOrder::Random } else { IdOrder::Rising }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_starts_with_the_first_call_and_ends_as_a_whole() {
        let limit = RateLimit { calls: 2, window: Duration::from_secs(1) };
        let mut state = State::new(&Config { rate_limit: Some(limit), ..Config::default() }).unwrap();
        assert_eq!(state.admit(500), Ok(()));
        assert_eq!(state.admit(900), Ok(()));
        assert_eq!(state.admit(1_000), Err(Duration::from_millis(500)));
        assert_eq!(state.admit(1_499), Err(Duration::from_millis(1)));
        assert_eq!(state.admit(1_500), Ok(()));
        assert_eq!(state.admit(2_499), Ok(()));
        assert!(state.admit(2_499).is_err());
    }
}
