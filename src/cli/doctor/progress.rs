//! A sign of life on standard error while a step takes long, and what the calls show by the way.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::task::AbortHandle;

use super::observation::Counts;
use crate::solidserver::{Call, CallObserver};

/// How often it is told what it is at; nothing is told of what takes less.
const EVERY: Duration = Duration::from_secs(5);

/// The client's name for calls that count.
const COUNT: &str = "count";

/// Remembers how services that count were answered.
#[derive(Debug, Default)]
pub(super) struct CountCalls(Mutex<Counts>);

impl CountCalls {
    pub(super) fn seen(&self) -> Counts {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl CallObserver for CountCalls {
    fn on_call(&self, call: &Call) {
        if call.operation != COUNT {
            return;
        }
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match call.outcome {
            "ok" => drop(counts.answered.insert(call.service)),
            "forbidden" | "rejected" => drop(counts.refused.insert(call.service)),
            _ => {}
        }
    }
}

/// Tells until it is dropped.
pub(super) struct Reporter {
    step: Arc<Mutex<String>>,
    task: AbortHandle,
}

impl Reporter {
    /// Begins to tell.
    pub(super) fn start() -> Self {
        let step = Arc::new(Mutex::new("reading the SolidServers".to_owned()));
        let told = Arc::clone(&step);
        let task = tokio::spawn(async move {
            let begun = Instant::now();
            loop {
                tokio::time::sleep(EVERY).await;
                let step = told.lock().unwrap_or_else(PoisonError::into_inner).clone();
                eprintln!("doctor: {step}, {} s", begun.elapsed().as_secs());
            }
        });
        Self { step, task: task.abort_handle() }
    }

    /// What it is at from now on.
    pub(super) fn at(&self, step: String) {
        *self.step.lock().unwrap_or_else(PoisonError::into_inner) = step;
    }
}

impl Drop for Reporter {
    fn drop(&mut self) {
        self.task.abort();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_calls_that_count_are_remembered_by_how_they_ended() {
        let calls = CountCalls::default();
        let call = |service, operation, outcome| Call {
            service,
            operation,
            outcome,
            duration: Duration::ZERO,
            waited: Duration::ZERO,
        };
        calls.on_call(&call("a", "list", "forbidden"));
        calls.on_call(&call("b", "count", "ok"));
        calls.on_call(&call("c", "count", "forbidden"));
        calls.on_call(&call("d", "count", "unreachable"));
        assert_eq!(calls.seen(), Counts { answered: ["b"].into(), refused: ["c"].into() });
    }
}
