//! How many calls run at a time, and how fast they may follow each other.
//!
//! [`Pace`] is the pure half: it decides, from the moments it is told, when the next call may start. [`Gate`] adds the
//! waiting. Three things hold calls back, in this order:
//!
//! 1. a pause that the appliance asked for (429 and `Retry-After`, RFC 6585 4, RFC 9110 10.2.3);
//! 2. the slower pace after such a pause: half of what the appliance had let through, regained step by step;
//! 3. the fixed budget of `requests_per_minute`, where one is set.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::{Semaphore, SemaphorePermit};

/// The pause after a 429 that names none.
const DEFAULT_PAUSE: Duration = Duration::from_secs(30);
/// Whole seconds are the unit of `Retry-After`; 0 means that less than one is left.
const SHORTEST_PAUSE: Duration = Duration::from_secs(1);
/// A header that asks for days is a mistake, and a pause cannot be taken back.
const LONGEST_PAUSE: Duration = Duration::from_secs(3600);
/// The stretch of time over which the rate is measured that the appliance lets through.
const MEASURED: Duration = Duration::from_secs(60);
/// The slowest pace after a 429, in calls per second.
const SLOWEST: f64 = 0.2;
/// How often, and by what factor, the pace is regained: back at the rate seen before after about 40 s.
const STEP: Duration = Duration::from_secs(5);
const STEP_FACTOR: f64 = 1.1;
/// A pace beyond this, in calls per second, holds nobody back any more.
const UNNOTICEABLE: f64 = 1000.0;
/// The share of a fixed budget that may be spent at once. Burst and refill together stay within the budget, however
/// the appliance's own window lies.
const BURST_SHARE: f64 = 0.1;

/// The answer to "may a call start now?".
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Admission {
    /// It may, and is counted.
    Now,
    /// Everybody waits until then: the appliance asked for it.
    Paused(Instant),
    /// Not before then, to keep the pace.
    Paced(Instant),
}

/// Tokens that come back at a steady rate, up to a capacity.
#[derive(Debug)]
struct Bucket {
    capacity: f64,
    per_second: f64,
    tokens: f64,
    filled: Instant,
}

impl Bucket {
    fn full(capacity: f64, per_second: f64, now: Instant) -> Self {
        Self { capacity, per_second, tokens: capacity, filled: now }
    }

    /// Of a fixed budget of calls per minute.
    fn of_budget(requests_per_minute: u32, now: Instant) -> Self {
        let budget = f64::from(requests_per_minute.max(1));
        let burst = (budget * BURST_SHARE).floor().max(1.0);
        // After a rest, a minute holds the burst and what comes back before the minute ends, at its end excluded.
        Self::full(burst, (budget - burst + 1.0) / 60.0, now)
    }

    fn fill(&mut self, now: Instant) {
        let elapsed = now.saturating_duration_since(self.filled).as_secs_f64();
        self.tokens = (self.tokens + elapsed * self.per_second).min(self.capacity);
        self.filled = self.filled.max(now);
    }

    /// When a whole token will be there; `None` when one is. The bucket must be filled.
    fn lacking(&self, now: Instant) -> Option<Instant> {
        // A hair below one is one: rounding must not make a caller that slept until the given moment sleep again.
        if self.tokens > 1.0 - 1e-6 {
            return None;
        }
        Some(now + Duration::from_secs_f64((1.0 - self.tokens) / self.per_second) + Duration::from_micros(1))
    }
}

/// The slower pace after a 429.
#[derive(Debug)]
struct Recovery {
    bucket: Bucket,
    next_step: Instant,
}

/// Decides when calls may start. Pure: time only comes in as arguments.
#[derive(Debug)]
struct Pace {
    budget: Option<Bucket>,
    recovery: Option<Recovery>,
    paused_until: Option<Instant>,
    limited_at: Option<Instant>,
    /// Calls that the appliance let through, counted by the second in which they ended.
    passed: VecDeque<(Instant, u32)>,
}

impl Pace {
    fn new(requests_per_minute: Option<u32>, now: Instant) -> Self {
        let budget = requests_per_minute.map(|budget| Bucket::of_budget(budget, now));
        Self { budget, recovery: None, paused_until: None, limited_at: None, passed: VecDeque::new() }
    }

    /// Another fixed budget. What was spent of the old one is spent of the new one, too.
    fn budget(&mut self, requests_per_minute: Option<u32>, now: Instant) {
        let old = self.budget.take().map(|mut bucket| {
            bucket.fill(now);
            bucket
        });
        self.budget = requests_per_minute.map(|budget| {
            let mut bucket = Bucket::of_budget(budget, now);
            if let Some(old) = old {
                // Below 0 where more was spent than the new one allows at once.
                bucket.tokens = bucket.capacity - (old.capacity - old.tokens);
            }
            bucket
        });
    }

    fn pause(&self, now: Instant) -> Option<Instant> {
        self.paused_until.filter(|until| *until > now)
    }

    fn admit(&mut self, now: Instant) -> Admission {
        if let Some(until) = self.pause(now) {
            return Admission::Paused(until);
        }
        self.regain(now);
        let recovery = self.recovery.as_mut().map(|recovery| &mut recovery.bucket);
        let mut buckets: Vec<&mut Bucket> = recovery.into_iter().chain(self.budget.as_mut()).collect();
        for bucket in &mut buckets {
            bucket.fill(now);
        }
        if let Some(when) = buckets.iter().filter_map(|bucket| bucket.lacking(now)).max() {
            return Admission::Paced(when);
        }
        for bucket in buckets {
            bucket.tokens = (bucket.tokens - 1.0).max(0.0);
        }
        Admission::Now
    }

    fn regain(&mut self, now: Instant) {
        let Some(recovery) = &mut self.recovery else { return };
        while recovery.next_step <= now {
            // Tokens up to the step came at the old rate.
            recovery.bucket.fill(recovery.next_step);
            recovery.bucket.per_second *= STEP_FACTOR;
            recovery.bucket.capacity = recovery.bucket.per_second.max(1.0);
            recovery.next_step += STEP;
            if recovery.bucket.per_second > UNNOTICEABLE {
                self.recovery = None;
                return;
            }
        }
    }

    /// A call was answered with something other than 429.
    fn passed(&mut self, now: Instant) {
        match self.passed.back_mut() {
            Some((second, calls)) if now.saturating_duration_since(*second) < Duration::from_secs(1) => {
                *calls += 1
            }
            _ => self.passed.push_back((now, 1)),
        }
        while self.passed.front().is_some_and(|(second, _)| now.saturating_duration_since(*second) > MEASURED)
        {
            self.passed.pop_front();
        }
    }

    /// A call that had started at `started` was answered with 429.
    fn limited(&mut self, started: Instant, now: Instant, retry_after: Option<Duration>) {
        let pause = retry_after.unwrap_or(DEFAULT_PAUSE).clamp(SHORTEST_PAUSE, LONGEST_PAUSE);
        let until = now + pause;
        self.paused_until = Some(self.paused_until.map_or(until, |known| known.max(until)));
        // Calls that were in flight together are refused together; that is one event, not many halvings.
        if self.limited_at.is_some_and(|limited_at| started <= limited_at) {
            return;
        }
        self.limited_at = Some(now);
        // What the appliance lets through is what it did let through, over that time and the pause it wants now:
        // a burst that used up a window says nothing about the rate that would have been fine.
        let recent =
            self.passed.iter().filter(|(second, _)| now.saturating_duration_since(*second) <= MEASURED);
        let (since, calls) =
            recent.fold((now, 0), |(since, calls), (second, count)| (since.min(*second), calls + count));
        let seen = f64::from(calls) / (now.saturating_duration_since(since) + pause).as_secs_f64();
        let rate = (seen / 2.0).max(SLOWEST);
        self.recovery = Some(Recovery {
            bucket: Bucket { capacity: rate.max(1.0), per_second: rate, tokens: 1.0, filled: until },
            next_step: until + STEP,
        });
    }
}

/// Why a call may not start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Held {
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
    /// Those who wait for their turn stand in line here, so that first come is first served.
    turnstile: tokio::sync::Mutex<()>,
    pace: Mutex<Pace>,
}

impl Gate {
    pub(super) fn new(concurrency: usize, requests_per_minute: Option<u32>) -> Self {
        let concurrency = concurrency.clamp(1, Semaphore::MAX_PERMITS);
        Self {
            permits: Semaphore::new(concurrency),
            concurrency: AtomicUsize::new(concurrency),
            surplus: AtomicUsize::new(0),
            turnstile: tokio::sync::Mutex::new(()),
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
    /// any turn that comes after `start_by`.
    pub(super) async fn enter(
        &self,
        patience: Duration,
        start_by: Option<Instant>,
    ) -> Result<Pass<'_>, Held> {
        loop {
            let paused = self.pace().pause(now());
            if let Some(until) = paused {
                let pause = until.saturating_duration_since(now());
                if pause > patience {
                    return Err(Held::Paused(pause));
                }
                sleep_until(until, start_by).await?;
            }
            let waiting = async {
                let permit = self.permits.acquire().await;
                (permit, self.turnstile.lock().await)
            };
            let (permit, _turn) = match start_by {
                Some(start_by) => {
                    tokio::time::timeout_at(start_by.into(), waiting).await.map_err(|_| Held::TooLate)?
                }
                None => waiting.await,
            };
            // The semaphore is never closed; if it were, nothing could start any more.
            let permit = permit.map_err(|_| Held::TooLate)?;
            loop {
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

    /// Starts calls as fast as `pace` lets them between `from` and `until`; returns when.
    fn run(pace: &mut Pace, from: Instant, until: Instant) -> Vec<Instant> {
        let mut starts = Vec::new();
        let mut now = from;
        while now < until {
            match pace.admit(now) {
                Admission::Now => {
                    starts.push(now);
                    pace.passed(now);
                }
                Admission::Paused(when) | Admission::Paced(when) => {
                    assert!(when > now, "a refusal must name a later moment");
                    now = when;
                }
            }
        }
        starts
    }

    fn within(starts: &[Instant], from: Instant, length: Duration) -> usize {
        starts.iter().filter(|start| **start >= from && **start < from + length).count()
    }

    #[test]
    fn no_minute_holds_more_calls_than_the_budget() {
        for budget in [1, 2, 7, 60, 200, 1000] {
            let begin = Instant::now();
            let mut pace = Pace::new(Some(budget), begin);
            let starts = run(&mut pace, begin, begin + seconds(400.0));
            for start in &starts {
                let calls = within(&starts, *start, seconds(60.0));
                assert!(calls <= budget as usize, "{calls} calls in a minute at {budget}");
            }
            // And it is worth its name: at least 85 % of the budget is used, after the first minute.
            let used = within(&starts, begin + seconds(60.0), seconds(300.0));
            assert!(
                used as f64 >= 0.85 * f64::from(budget) * 5.0,
                "{used} calls in five minutes at {budget}"
            );
        }
    }

    #[test]
    fn a_pause_holds_everybody_back_and_is_never_shortened() {
        let begin = Instant::now();
        let mut pace = Pace::new(None, begin);
        assert_eq!(pace.admit(begin), Admission::Now);
        pace.limited(begin, begin + seconds(1.0), Some(seconds(20.0)));
        pace.limited(begin, begin + seconds(2.0), Some(seconds(5.0)));
        assert_eq!(pace.admit(begin + seconds(20.9)), Admission::Paused(begin + seconds(21.0)));
        assert_eq!(pace.admit(begin + seconds(21.0)), Admission::Now);
    }

    #[test]
    fn a_pause_without_a_length_is_30_seconds_and_an_absurd_one_an_hour() {
        let begin = Instant::now();
        for (asked, given) in
            [(None, 30.0), (Some(0.0), 1.0), (Some(17.0), 17.0), (Some(86_400.0 * 365.0 * 100.0), 3600.0)]
        {
            let mut pace = Pace::new(None, begin);
            pace.limited(begin, begin, asked.map(seconds));
            assert_eq!(pace.pause(begin), Some(begin + seconds(given)), "asked for {asked:?}");
        }
    }

    #[test]
    fn after_a_pause_calls_go_on_at_half_the_rate_that_was_let_through() {
        let begin = Instant::now();
        let mut pace = Pace::new(None, begin);
        // 200 calls in a burst use up a window of 60 s.
        for call in 0..200 {
            assert_eq!(pace.admit(begin + seconds(f64::from(call) / 1000.0)), Admission::Now);
            pace.passed(begin + seconds(f64::from(call) / 1000.0));
        }
        pace.limited(begin + seconds(0.2), begin + seconds(0.2), Some(seconds(59.8)));
        let starts = run(&mut pace, begin + seconds(0.2), begin + seconds(100.0));
        assert_eq!(starts.first(), Some(&(begin + seconds(60.0))));
        // 200 calls in 60 s are 3.3/s; half of that is 1.67/s, in the first five seconds 8 calls and one at once.
        let first = within(&starts, begin + seconds(60.0), seconds(5.0));
        assert!((8..=10).contains(&first), "{first}");
        // Regained: in the fifth second from 40 s on it is about 3.6/s.
        let later = within(&starts, begin + seconds(95.0), seconds(5.0));
        assert!((14..=19).contains(&later), "{later}");
    }

    #[test]
    fn the_pace_comes_back_and_is_forgotten_in_the_end() {
        let begin = Instant::now();
        let mut pace = Pace::new(None, begin);
        pace.limited(begin, begin, Some(seconds(1.0)));
        assert!(pace.recovery.is_some());
        assert_eq!(pace.admit(begin + seconds(600.0)), Admission::Now);
        assert!(pace.recovery.is_none());
    }

    #[test]
    fn calls_refused_together_halve_the_rate_once() {
        let begin = Instant::now();
        let mut pace = Pace::new(None, begin);
        for call in 0..120 {
            pace.passed(begin + seconds(f64::from(call) / 2.0));
        }
        let now = begin + seconds(60.0);
        for _ in 0..50 {
            pace.limited(begin + seconds(59.9), now, Some(seconds(1.0)));
        }
        let rate = pace.recovery.as_ref().map(|recovery| recovery.bucket.per_second);
        assert!(rate.is_some_and(|rate| (0.9..1.1).contains(&rate)), "{rate:?}");
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
                    let _pass = gate.enter(Duration::ZERO, None).await.unwrap();
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
        let enter = async || gate.enter(Duration::ZERO, soon()).await.ok();
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

    #[test]
    fn another_budget_does_not_give_back_what_was_spent_nor_end_a_pause() {
        let begin = Instant::now();
        let mut pace = Pace::new(Some(100), begin);
        assert_eq!(within(&run(&mut pace, begin, begin + seconds(0.5)), begin, seconds(0.5)), 10);
        for budget in [100, 60, 100] {
            pace.budget(Some(budget), begin + seconds(0.5));
        }
        assert!(
            within(&run(&mut pace, begin + seconds(0.5), begin + seconds(1.0)), begin, seconds(1.0)) <= 1
        );
        pace.limited(begin, begin + seconds(1.0), Some(seconds(20.0)));
        pace.budget(None, begin + seconds(2.0));
        assert_eq!(pace.admit(begin + seconds(3.0)), Admission::Paused(begin + seconds(21.0)));
        assert!(pace.recovery.is_some());
    }

    #[tokio::test(start_paused = true)]
    async fn the_impatient_hear_of_a_pause_while_the_patient_wait_it_out() {
        let gate = Arc::new(Gate::new(1, None));
        gate.limited(now(), Some(seconds(20.0)));
        let patient = tokio::spawn({
            let gate = Arc::clone(&gate);
            async move { gate.enter(seconds(60.0), None).await.map(drop).map(|()| now()) }
        });
        tokio::task::yield_now().await;
        let begin = now();
        let refused = gate.enter(seconds(1.0), None).await.map(drop);
        assert!(matches!(refused, Err(Held::Paused(rest)) if rest > seconds(19.0)), "{refused:?}");
        assert_eq!(now(), begin, "the refusal comes at once");
        let started = patient.await.unwrap().unwrap();
        assert!(started - begin >= seconds(19.9));
    }

    #[tokio::test(start_paused = true)]
    async fn a_call_that_cannot_start_in_time_is_not_started() {
        let gate = Gate::new(1, None);
        let pass = gate.enter(Duration::ZERO, None).await.unwrap();
        let refused = gate.enter(Duration::ZERO, Some(now() + seconds(2.0))).await.map(drop);
        assert_eq!(refused, Err(Held::TooLate));
        drop(pass);
        assert!(gate.enter(Duration::ZERO, Some(now() + seconds(2.0))).await.is_ok());
        // Nor one whose turn is known to come too late: 6 calls per minute, one at once, then one in 12 s.
        let gate = Gate::new(4, Some(6));
        assert!(gate.enter(Duration::ZERO, Some(now() + seconds(2.0))).await.is_ok());
        let begin = now();
        assert_eq!(
            gate.enter(Duration::ZERO, Some(now() + seconds(2.0))).await.map(drop),
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
                    let _pass = gate.enter(Duration::ZERO, None).await.unwrap();
                    order.lock().unwrap().push(number);
                })
            })
            .collect();
        for call in calls {
            call.await.unwrap();
        }
        assert_eq!(*order.lock().unwrap(), (0..30).collect::<Vec<_>>());
    }
}
