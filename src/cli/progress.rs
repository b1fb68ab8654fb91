//! A sign of life on standard error while something takes long.

use std::time::{Duration, Instant};

use tokio::task::AbortHandle;

/// How often it is told how far it has come; nothing is told of what takes less.
const EVERY: Duration = Duration::from_secs(5);

/// Tells until it is dropped.
pub(super) struct Ticker(AbortHandle);

impl Ticker {
    /// Begins to tell what `line` says, given how long it has taken so far.
    pub(super) fn start(line: impl Fn(Duration) -> String + Send + 'static) -> Self {
        let task = tokio::spawn(async move {
            let begun = Instant::now();
            loop {
                tokio::time::sleep(EVERY).await;
                eprintln!("{}", line(begun.elapsed()));
            }
        });
        Self(task.abort_handle())
    }
}

impl Drop for Ticker {
    fn drop(&mut self) {
        self.0.abort();
    }
}
