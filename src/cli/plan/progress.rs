//! A sign of life on standard error while a plan takes long.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use tokio::task::AbortHandle;

use crate::controller::preview::Progress;
use crate::solidserver::{Call, CallObserver};

/// How often it is told how far it has come; nothing is told of what takes less.
const EVERY: Duration = Duration::from_secs(5);

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
    task: AbortHandle,
}

impl Reporter {
    /// Begins to tell.
    pub(super) fn start() -> Self {
        let (progress, calls) = (Arc::new(Progress::default()), Arc::new(Calls::default()));
        let (told, counted) = (Arc::clone(&progress), Arc::clone(&calls));
        let task = tokio::spawn(async move {
            let begun = Instant::now();
            loop {
                tokio::time::sleep(EVERY).await;
                eprintln!("{}", line(&told, counted.0.load(Ordering::Relaxed), begun.elapsed()));
            }
        });
        Self { progress, calls, task: task.abort_handle() }
    }
}

impl Drop for Reporter {
    fn drop(&mut self) {
        self.task.abort();
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
