//! A sign of life on standard error while a plan takes long.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use crate::cli::progress::Ticker;
use crate::controller::preview::Progress;
use crate::solidserver::{Call, CallObserver};

/// Counts calls to appliances.
#[derive(Debug, Default)]
pub(super) struct Calls(AtomicUsize);

impl CallObserver for Calls {
    fn on_call(&self, _: &Call) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

/// Tells until it is dropped.
pub(super) struct Reporter {
    /// Zones.
    pub(super) progress: Arc<Progress>,
    /// Calls.
    pub(super) calls: Arc<Calls>,
    _ticker: Ticker,
}

impl Reporter {
    /// Begins to tell.
    pub(super) fn start() -> Self {
        let (progress, calls) = (Arc::new(Progress::default()), Arc::new(Calls::default()));
        let (told, counted) = (Arc::clone(&progress), Arc::clone(&calls));
        let ticker = Ticker::start(move |since| line(&told, counted.0.load(Ordering::Relaxed), since));
        Self { progress, calls, _ticker: ticker }
    }
}

fn line(progress: &Progress, calls: usize, since: Duration) -> String {
    format!(
        "plan: {} of {} zones read, {calls} calls answered, {} s",
        progress.read(),
        progress.zones(),
        since.as_secs()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_says_how_far_it_has_come() {
        let text = line(&Progress::default(), 12, Duration::from_millis(5_900));
        assert_eq!(text, "plan: 0 of 0 zones read, 12 calls answered, 5 s");
    }
}
