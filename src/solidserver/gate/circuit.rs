//! Whether an appliance answers at all. Pure.
//!
//! A hung appliance lets each call wait for its deadline. After a few in a row none is made any more but the probes of whoever looks
//! after the appliance; how often that is, is decided there. Any answer closes the circuit.

use std::sync::Arc;
use std::time::{Duration, Instant};

/// Calls in a row without an answer after which the circuit opens. More than one: a single call may be slow by itself.
const UNANSWERED: u32 = 3;
/// How long there was no answer, at least: of many calls in flight a few may be lost one after the other.
const SILENCE: Duration = Duration::from_secs(1);

/// Closed while `open` is `None`.
#[derive(Debug, Default)]
pub(super) struct Circuit {
    unanswered: u32,
    /// When the first of these began.
    silent_since: Option<Instant>,
    /// When an answer came last.
    answered: Option<Instant>,
    /// Why no call is made.
    open: Option<Arc<str>>,
}

impl Circuit {
    /// A call was answered, in whatever way. True if that closes the circuit.
    pub(super) fn answered(&mut self, now: Instant) -> bool {
        self.unanswered = 0;
        self.silent_since = None;
        self.answered = Some(now);
        self.open.take().is_some()
    }

    /// A call that began at `started` was not answered. True if that opens the circuit.
    pub(super) fn unanswered(&mut self, started: Instant, now: Instant, cause: &str) -> bool {
        // What began before the last answer says nothing of how things are since.
        if self.answered.is_some_and(|answered| started < answered) {
            return false;
        }
        self.unanswered = self.unanswered.saturating_add(1);
        let silent_since = *self.silent_since.get_or_insert(started);
        let silent = now.saturating_duration_since(silent_since) >= SILENCE;
        let opens = self.open.is_none() && silent && self.unanswered >= UNANSWERED;
        if opens {
            self.open = Some(cause.into());
        }
        opens
    }

    /// Why no call may be made; `None` where one may.
    pub(super) fn open(&self) -> Option<&Arc<str>> {
        self.open.as_ref()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_opens_after_three_calls_in_a_row_and_closes_with_any_answer() {
        let mut now = Instant::now();
        let mut circuit = Circuit::default();
        let mut lost = |circuit: &mut Circuit, cause: &str| {
            let started = now;
            now += Duration::from_secs(4);
            circuit.unanswered(started, now, cause)
        };
        assert!(!lost(&mut circuit, "hung"));
        assert!(!lost(&mut circuit, "hung"));
        assert!(!circuit.answered(Instant::now()), "it was closed");
        assert!(!lost(&mut circuit, "hung"));
        assert!(!lost(&mut circuit, "hung"));
        assert!(circuit.open().is_none());
        assert!(lost(&mut circuit, "hung"));
        assert_eq!(circuit.open().map(|cause| &**cause), Some("hung"));
        assert!(!lost(&mut circuit, "still hung"), "it is open already");
        assert_eq!(circuit.open().map(|cause| &**cause), Some("hung"), "the words stay");
        assert!(circuit.answered(Instant::now()));
        assert!(circuit.open().is_none());
    }

    #[test]
    fn calls_that_began_before_the_last_answer_do_not_open_it() {
        let begin = Instant::now();
        let mut circuit = Circuit::default();
        circuit.answered(begin + Duration::from_secs(2));
        for _ in 0..16 {
            let now = begin + Duration::from_secs(5);
            assert!(!circuit.unanswered(begin + Duration::from_secs(1), now, "hung"));
        }
        assert!(circuit.open().is_none());
    }

    #[test]
    fn calls_lost_in_a_moment_do_not_open_it_but_those_of_a_second_do() {
        let begin = Instant::now();
        let mut circuit = Circuit::default();
        let after = |milliseconds: u64| begin + Duration::from_millis(milliseconds);
        for at in (0..1000).step_by(100) {
            assert!(!circuit.unanswered(after(at), after(at), "connection refused"));
        }
        assert!(circuit.unanswered(after(1000), after(1000), "connection refused"));
    }
}
