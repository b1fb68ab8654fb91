//! How many calls run at a time, how fast they may follow each other, and whose turn it is.
//!
//! [`Pace`] and [`Circuit`] are the pure half: they decide, from the moments they are told, whether and when the next call may
//! start. [`Gate`] adds the waiting. Five things hold calls back, in this order:
//!
//! 1. an open circuit: the appliance has not answered several calls in a row;
//! 2. a pause that the appliance asked for (429 and `Retry-After`, RFC 6585 4, RFC 9110 10.2.3);
//! 3. the line, in which those for whom calls are made take turns ([`Turn`]);
//! 4. the slower pace after such a pause: half of what the appliance had let through, regained step by step;
//! 5. the fixed budget of `requests_per_minute`, where one is set.

mod circuit;
mod line;
mod pace;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::{Semaphore, SemaphorePermit};

use self::circuit::Circuit;
pub use self::line::Turn;
use self::line::Turnstile;
use self::pace::{Admission, Pace};

/// Why a call may not start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Held {
    /// The appliance does not answer: why it was found so.
    Open(Arc<str>),
    /// The appliance asked for a pause that lasts longer than the caller would wait.
    Paused(Duration),
    /// The call could not start by the moment that its caller set.
    TooLate,
}

/// Leave to have one call in flight, until dropped.
#[derive(Debug)]
pub(super) struct Pass<'gate> {
    /// Taken out when it is dropped.
    permit: Option<SemaphorePermit<'gate>>,
    gate: &'gate Gate,
}

impl Drop for Pass<'_> {
    fn drop(&mut self) {
        let surplus = self
            .gate
            .surplus
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |surplus| surplus.checked_sub(1));
        if let (Ok(_), Some(permit)) = (surplus, self.permit.take()) {
            permit.forget();
        }
    }
}

/// The one gate of an appliance.
#[derive(Debug)]
pub(super) struct Gate {
    permits: Semaphore,
    /// How many calls may be in flight; changed under the lock of `pace`.
    concurrency: AtomicUsize,
    /// Permits of calls in flight that are one too many since the concurrency was lowered.
    surplus: AtomicUsize,
    /// Those who wait stand in line here. Whoever is at its turn waits for a permit and for the pace.
    turnstile: Turnstile,
    circuit: Mutex<Circuit>,
    pace: Mutex<Pace>,
}

impl Gate {
    pub(super) fn new(concurrency: usize, requests_per_minute: Option<u32>) -> Self {
        let concurrency = concurrency.clamp(1, Semaphore::MAX_PERMITS);
        Self {
            permits: Semaphore::new(concurrency),
            concurrency: AtomicUsize::new(concurrency),
            surplus: AtomicUsize::new(0),
            turnstile: Turnstile::new(),
            circuit: Mutex::default(),
            pace: Mutex::new(Pace::new(requests_per_minute, now())),
        }
    }

    /// Other limits from now on. Calls in flight end as they are; pause and learnt pace stay.
    pub(super) fn adjust(&self, concurrency: usize, requests_per_minute: Option<u32>) {
        let concurrency = concurrency.clamp(1, Semaphore::MAX_PERMITS);
        let mut pace = self.pace();
        pace.budget(requests_per_minute, now());
        let before = self.concurrency.swap(concurrency, Ordering::Relaxed);
        if concurrency < before {
            let taken = self.permits.forget_permits(before - concurrency);
            self.surplus.fetch_add(before - concurrency - taken, Ordering::Relaxed);
        }
        for _ in before..concurrency {
            // A call in flight that was one too many is none any more.
            let kept = self
                .surplus
                .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |surplus| surplus.checked_sub(1));
            if kept.is_err() {
                self.permits.add_permits(1);
            }
        }
    }

    /// Waits until a call may start.
    ///
    /// A pause longer than `patience` is not waited for, so that the caller can say why nothing happens; nor is
    /// any turn that comes after `start_by`, nor the end of a time in which the appliance does not answer.
    pub(super) async fn enter(
        &self,
        turn: &Turn,
        patience: Duration,
        start_by: Option<Instant>,
    ) -> Result<Pass<'_>, Held> {
        loop {
            self.is_closed_for(turn)?;
            let paused = self.pace().pause(now());
            if let Some(until) = paused {
                let pause = until.saturating_duration_since(now());
                if pause > patience {
                    return Err(Held::Paused(pause));
                }
                sleep_until(until, start_by).await?;
            }
            let waiting = async {
                let at_turn = self.turnstile.turn(turn).await;
                (self.permits.acquire().await, at_turn)
            };
            let (permit, _at_turn) = match start_by {
                Some(start_by) => {
                    tokio::time::timeout_at(start_by.into(), waiting).await.map_err(|_| Held::TooLate)?
                }
                None => waiting.await,
            };
            // The semaphore is never closed; if it were, nothing could start any more.
            let permit = permit.map_err(|_| Held::TooLate)?;
            loop {
                // Found out by those who were before: nobody waits for deadlines one after the other.
                self.is_closed_for(turn)?;
                let admission = self.pace().admit(now());
                match admission {
                    Admission::Now if start_by.is_some_and(|start_by| start_by < now()) => {
                        return Err(Held::TooLate);
                    }
                    Admission::Now => return Ok(Pass { permit: Some(permit), gate: self }),
                    Admission::Paced(when) => sleep_until(when, start_by).await?,
                    // Permit and place in line are given up, so that those with less patience hear of it.
                    Admission::Paused(_) => break,
                }
            }
        }
    }

    fn is_closed_for(&self, turn: &Turn) -> Result<(), Held> {
        match self.circuit().open() {
            Some(cause) if *turn != Turn::Probe => Err(Held::Open(Arc::clone(cause))),
            _ => Ok(()),
        }
    }

    /// Whether nothing is called but by [`Turn::Probe`].
    pub(super) fn is_open(&self) -> bool {
        self.circuit().open().is_some()
    }

    /// A call was answered, in whatever way. True if the appliance had been given up before.
    pub(super) fn answered(&self) -> bool {
        self.circuit().answered(now())
    }

    /// A call that had started at `started` was not answered. True if the appliance is given up now.
    pub(super) fn unanswered(&self, started: Instant, cause: &str) -> bool {
        self.circuit().unanswered(started, now(), cause)
    }

    /// How long a pause still lasts.
    pub(super) fn paused_for(&self) -> Option<Duration> {
        let now = now();
        self.pace().pause(now).map(|until| until.saturating_duration_since(now))
    }

    /// A call was answered with something other than 429.
    pub(super) fn passed(&self) {
        self.pace().passed(now());
    }

    /// A call that had started at `started` was answered with 429.
    pub(super) fn limited(&self, started: Instant, retry_after: Option<Duration>) {
        self.pace().limited(started, now(), retry_after);
    }

    fn circuit(&self) -> MutexGuard<'_, Circuit> {
        self.circuit.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn pace(&self) -> MutexGuard<'_, Pace> {
        // Every change of the state leaves it whole, so that a panic elsewhere spoils nothing.
        self.pace.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The runtime's clock, which tests can hold still.
pub(super) fn now() -> Instant {
    tokio::time::Instant::now().into_std()
}

async fn sleep_until(when: Instant, start_by: Option<Instant>) -> Result<(), Held> {
    if start_by.is_some_and(|start_by| start_by < when) {
        return Err(Held::TooLate);
    }
    tokio::time::sleep_until(when.into()).await;
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    fn seconds(seconds: f64) -> Duration {
        Duration::from_secs_f64(seconds)
    }

    #[tokio::test(start_paused = true)]
    async fn no_more_calls_run_at_a_time_than_allowed() {
        use std::sync::atomic::{AtomicUsize, Ordering};
        let gate = Arc::new(Gate::new(5, None));
        let (running, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let calls: Vec<_> = (0..40)
            .map(|_| {
                let (gate, running, most) = (Arc::clone(&gate), Arc::clone(&running), Arc::clone(&most));
                tokio::spawn(async move {
                    let _pass = gate.enter(&Turn::Shared, Duration::ZERO, None).await.unwrap();
                    most.fetch_max(running.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                    tokio::time::sleep(seconds(1.0)).await;
                    running.fetch_sub(1, Ordering::SeqCst);
                })
            })
            .collect();
        for call in calls {
            call.await.unwrap();
        }
        assert_eq!(most.load(Ordering::SeqCst), 5);
    }

    #[tokio::test(start_paused = true)]
    async fn other_limits_hold_for_calls_in_flight_as_well() {
        let gate = Gate::new(4, None);
        let soon = || Some(now() + seconds(1.0));
        let enter = async || gate.enter(&Turn::Shared, Duration::ZERO, soon()).await.ok();
        let mut passes = Vec::new();
        for _ in 0..4 {
            passes.push(enter().await.unwrap());
        }
        gate.adjust(2, None);
        // Two of the four are one too many each; only the third that ends makes room.
        for room in [false, false, true] {
            passes.pop();
            let next = enter().await;
            assert_eq!(next.is_some(), room);
            passes.extend(next);
        }
        assert_eq!(passes.len(), 2);
        // Raised while calls are too many: these are taken into account.
        gate.adjust(1, None);
        gate.adjust(3, None);
        passes.push(enter().await.unwrap());
        assert!(enter().await.is_none());
        passes.clear();
        for _ in 0..3 {
            passes.push(enter().await.unwrap());
        }
        assert!(enter().await.is_none());
    }

    #[tokio::test(start_paused = true)]
    async fn the_impatient_hear_of_a_pause_while_the_patient_wait_it_out() {
        let gate = Arc::new(Gate::new(1, None));
        gate.limited(now(), Some(seconds(20.0)));
        let patient = tokio::spawn({
            let gate = Arc::clone(&gate);
            async move { gate.enter(&Turn::Shared, seconds(60.0), None).await.map(drop).map(|()| now()) }
        });
        tokio::task::yield_now().await;
        let begin = now();
        let refused = gate.enter(&Turn::Shared, seconds(1.0), None).await.map(drop);
        assert!(matches!(refused, Err(Held::Paused(rest)) if rest > seconds(19.0)), "{refused:?}");
        assert_eq!(now(), begin, "the refusal comes at once");
        let started = patient.await.unwrap().unwrap();
        assert!(started - begin >= seconds(19.9));
    }

    #[tokio::test(start_paused = true)]
    async fn a_call_that_cannot_start_in_time_is_not_started() {
        let gate = Gate::new(1, None);
        let pass = gate.enter(&Turn::Shared, Duration::ZERO, None).await.unwrap();
        let refused = gate.enter(&Turn::Shared, Duration::ZERO, Some(now() + seconds(2.0))).await.map(drop);
        assert_eq!(refused, Err(Held::TooLate));
        drop(pass);
        assert!(gate.enter(&Turn::Shared, Duration::ZERO, Some(now() + seconds(2.0))).await.is_ok());
        // Nor one whose turn is known to come too late: 6 calls per minute, one at once, then one in 12 s.
        let gate = Gate::new(4, Some(6));
        assert!(gate.enter(&Turn::Shared, Duration::ZERO, Some(now() + seconds(2.0))).await.is_ok());
        let begin = now();
        assert_eq!(
            gate.enter(&Turn::Shared, Duration::ZERO, Some(now() + seconds(2.0))).await.map(drop),
            Err(Held::TooLate)
        );
        assert_eq!(now(), begin);
    }

    #[tokio::test(start_paused = true)]
    async fn those_who_wait_for_their_turn_are_served_in_order() {
        let gate = Arc::new(Gate::new(8, Some(60)));
        let order = Arc::new(Mutex::new(Vec::new()));
        let calls: Vec<_> = (0..30)
            .map(|number| {
                let (gate, order) = (Arc::clone(&gate), Arc::clone(&order));
                tokio::spawn(async move {
                    let _pass = gate.enter(&Turn::Shared, Duration::ZERO, None).await.unwrap();
                    order.lock().unwrap().push(number);
                })
            })
            .collect();
        for call in calls {
            call.await.unwrap();
        }
        assert_eq!(*order.lock().unwrap(), (0..30).collect::<Vec<_>>());
    }

    #[tokio::test(start_paused = true)]
    async fn one_party_does_not_wait_for_all_of_another() {
        let gate = Arc::new(Gate::new(2, Some(600)));
        let order = Arc::new(Mutex::new(Vec::new()));
        let namespaces = std::iter::repeat_n("many", 100).chain(std::iter::repeat_n("few", 5));
        let calls: Vec<_> = namespaces
            .map(|namespace| {
                let (gate, order) = (Arc::clone(&gate), Arc::clone(&order));
                tokio::spawn(async move {
                    let turn = Turn::Change(namespace.into());
                    let _pass = gate.enter(&turn, Duration::ZERO, None).await.unwrap();
                    order.lock().unwrap().push(namespace);
                    tokio::time::sleep(seconds(0.05)).await;
                })
            })
            .collect();
        for call in calls {
            call.await.unwrap();
        }
        let order = order.lock().unwrap();
        let last = order.iter().rposition(|namespace| *namespace == "few").unwrap();
        // Two have a permit before the others are there, burst and turns included.
        assert!(last < 2 + 18 + 2 * 5, "the last of five calls was number {last}");
        assert_eq!(order.len(), 105);
    }

    #[tokio::test(start_paused = true)]
    async fn a_hung_appliance_is_given_up_by_all_who_wait_and_only_probed() {
        let gate = Arc::new(Gate::new(4, None));
        let begin = now();
        let calls: Vec<_> = (0..40)
            .map(|_| {
                let gate = Arc::clone(&gate);
                tokio::spawn(async move {
                    let pass = gate.enter(&Turn::Shared, Duration::ZERO, None).await?;
                    let started = now();
                    tokio::time::sleep(seconds(4.0)).await;
                    gate.unanswered(started, "no answer within 4 s");
                    drop(pass);
                    Ok::<_, Held>(())
                })
            })
            .collect();
        let mut made = 0;
        for call in calls {
            match call.await.unwrap() {
                Ok(()) => made += 1,
                Err(held) => assert_eq!(held, Held::Open("no answer within 4 s".into())),
            }
        }
        // The two that had a permit at once when the first calls ended may be on their way.
        assert!((4..8).contains(&made), "{made} calls were made");
        assert!(now() - begin < seconds(8.1), "after {:?}", now() - begin);
        assert!(gate.enter(&Turn::Shared, Duration::ZERO, None).await.is_err());
        let probe = gate.enter(&Turn::Probe, Duration::ZERO, None).await.unwrap();
        assert!(gate.answered());
        drop(probe);
        assert!(gate.enter(&Turn::Shared, Duration::ZERO, None).await.is_ok());
    }
}
