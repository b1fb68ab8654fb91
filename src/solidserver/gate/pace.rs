//! How fast calls may follow each other. Pure: time only comes in as arguments.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

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
/// From so many calls on a 429 tells what rate is fine. After fewer it only tells that the quota was used up by others.
const TELLING: u32 = 20;
/// How the pace is regained when the rate is known that the appliance lets through: back there after about 40 s.
const CAUTIOUS: Step = Step { every: Duration::from_secs(5), factor: 1.1 };
/// How it is found where nothing is known: from one call in a second to more than most need within ten seconds.
const SEARCHING: Step = Step { every: Duration::from_secs(1), factor: 2.0 };
const SEARCH_FROM: f64 = 1.0;
/// A pace beyond this, in calls per second, holds nobody back any more.
const UNNOTICEABLE: f64 = 1000.0;
/// The share of a fixed budget that may be spent at once. Burst and refill together stay within the budget, however
/// the appliance's own window lies; what is kept for bursts is what a long run does without.
const BURST_SHARE: f64 = 0.03;
/// What a call may be longer on its way than another: the appliance's minute is not quite ours.
const TRANSIT: f64 = 1.0;

/// The answer to "may a call start now?".
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Admission {
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
        Self::full(burst, (budget - burst + 1.0) / (60.0 + TRANSIT), now)
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

/// How fast a pace grows.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Step {
    every: Duration,
    factor: f64,
}

/// The slower pace after a 429. It keeps no calls for later: of those that start together at the end of the appliance's
/// window each would be refused.
#[derive(Debug)]
struct Recovery {
    bucket: Bucket,
    step: Step,
    next_step: Instant,
}

/// Decides when calls may start. Pure: time only comes in as arguments.
#[derive(Debug)]
pub(super) struct Pace {
    budget: Option<Bucket>,
    recovery: Option<Recovery>,
    paused_until: Option<Instant>,
    limited_at: Option<Instant>,
    /// Calls that the appliance let through, counted by the second in which they ended.
    passed: VecDeque<(Instant, u32)>,
}

impl Pace {
    pub(super) fn new(requests_per_minute: Option<u32>, now: Instant) -> Self {
        let budget = requests_per_minute.map(|budget| Bucket::of_budget(budget, now));
        Self { budget, recovery: None, paused_until: None, limited_at: None, passed: VecDeque::new() }
    }

    /// Another fixed budget. What was spent of the old one is spent of the new one, too.
    pub(super) fn budget(&mut self, requests_per_minute: Option<u32>, now: Instant) {
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

    pub(super) fn pause(&self, now: Instant) -> Option<Instant> {
        self.paused_until.filter(|until| *until > now)
    }

    pub(super) fn admit(&mut self, now: Instant) -> Admission {
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
            recovery.bucket.per_second *= recovery.step.factor;
            recovery.next_step += recovery.step.every;
            if recovery.bucket.per_second > UNNOTICEABLE {
                self.recovery = None;
                return;
            }
        }
    }

    /// A call was answered with something other than 429.
    pub(super) fn passed(&mut self, now: Instant) {
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
    pub(super) fn limited(&mut self, started: Instant, now: Instant, retry_after: Option<Duration>) {
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
        let (rate, step) = match calls >= TELLING {
            true => ((seen / 2.0).max(SLOWEST), CAUTIOUS),
            false => ((seen / 2.0).max(SEARCH_FROM), SEARCHING),
        };
        self.recovery = Some(Recovery {
            bucket: Bucket { capacity: 1.0, per_second: rate, tokens: 1.0, filled: until },
            step,
            next_step: until + step.every,
        });
    }
}

#[cfg(test)]
mod tests {
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
            // And it is worth its name: a long run takes at most 1.05 of the time that it must take, after the first minute.
            let used = within(&starts, begin + seconds(60.0), seconds(300.0));
            assert!(
                used as f64 + 1.0 >= f64::from(budget) * 5.0 / 1.05,
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

    #[test]
    fn another_budget_does_not_give_back_what_was_spent_nor_end_a_pause() {
        let begin = Instant::now();
        let mut pace = Pace::new(Some(100), begin);
        assert_eq!(within(&run(&mut pace, begin, begin + seconds(0.5)), begin, seconds(0.5)), 3);
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

    /// An appliance's quota: so many calls in a window that starts with the first call. Others use some of it, at a steady rate.
    struct Quota {
        limit: u32,
        length: f64,
        others: f64,
    }

    /// What each of its windows saw of us.
    #[derive(Clone, Copy, Debug, Default)]
    struct Seen {
        passed: u32,
        refused: u32,
    }

    /// We call as fast as `pace` lets us, `concurrency` calls at a time, each of which takes 20 ms.
    fn under(quota: &Quota, pace: &mut Pace, concurrency: usize, windows: usize) -> Vec<Seen> {
        const TAKES: f64 = 0.02;
        let begin = Instant::now();
        let (mut seen, mut now, mut opened, mut used) = (vec![Seen::default()], 0.0, 0.0, 0);
        let (mut others, mut in_flight) = (0.0, VecDeque::<(f64, f64, bool)>::new());
        while seen.len() <= windows {
            now += 0.001;
            if now >= opened + quota.length {
                (opened, used) = (now, 0);
                seen.push(Seen::default());
            }
            others += quota.others * 0.001;
            if others >= 1.0 {
                others -= 1.0;
                used += u32::from(used < quota.limit);
            }
            while in_flight.front().is_some_and(|(started, ..)| started + TAKES <= now) {
                let Some((started, retry_after, admitted)) = in_flight.pop_front() else { break };
                let at = begin + seconds(now);
                match admitted {
                    true => pace.passed(at),
                    false => pace.limited(begin + seconds(started), at, Some(seconds(retry_after))),
                }
            }
            while in_flight.len() < concurrency && pace.admit(begin + seconds(now)) == Admission::Now {
                let admitted = used < quota.limit;
                used += u32::from(admitted);
                let Some(window) = seen.last_mut() else { break };
                window.passed += u32::from(admitted);
                window.refused += u32::from(!admitted);
                // Whole seconds, rounded up.
                in_flight.push_back((now, (opened + quota.length - now).ceil(), admitted));
            }
        }
        seen.pop();
        seen
    }

    #[test]
    fn a_quota_is_run_into_once_with_what_is_in_flight_and_later_with_one_call_in_a_window() {
        for length in [10.0, 60.0] {
            let mut pace = Pace::new(None, Instant::now());
            let seen = under(&Quota { limit: 200, length, others: 0.0 }, &mut pace, 16, 12);
            assert!((1..=16).contains(&seen[0].refused), "{length}: {seen:?}");
            assert!(seen[1..].iter().all(|window| window.refused <= 1), "{length}: {seen:?}");
            let passed: u32 = seen[2..].iter().map(|window| window.passed).sum();
            assert!(passed >= 10 * 200 * 6 / 10, "{length}: {passed} of {}: {seen:?}", 10 * 200);
        }
    }

    #[test]
    fn beside_another_client_the_rate_settles_within_two_windows() {
        for length in [10.0, 60.0] {
            let mut pace = Pace::new(None, Instant::now());
            let quota = Quota { limit: 200, length, others: 100.0 / length };
            let seen = under(&quota, &mut pace, 16, 12);
            assert!(seen[0].refused <= 16, "{length}: {seen:?}");
            for window in &seen[1..] {
                assert!(window.refused <= 1, "{length}: {seen:?}");
            }
            // A saw's teeth: from a little less than half of what the others leave to half as much again in a window in which we were
            // there earlier; and on the whole most of it.
            for window in &seen[2..] {
                assert!((40..=145).contains(&window.passed), "{length}: {seen:?}");
            }
            let passed: u32 = seen[2..].iter().map(|window| window.passed).sum();
            assert!(passed >= 10 * 100 * 7 / 10, "{length}: {passed} of {}: {seen:?}", 10 * 100);
        }
    }

    #[test]
    fn a_burst_after_a_429_that_others_have_caused_is_not_starved() {
        let begin = Instant::now();
        let mut pace = Pace::new(None, begin);
        // A quiet operator: a call in ten seconds.
        for call in 0..6 {
            pace.passed(begin + seconds(f64::from(call) * 10.0));
        }
        pace.limited(begin + seconds(59.0), begin + seconds(60.0), Some(seconds(2.0)));
        let starts = run(&mut pace, begin + seconds(60.0), begin + seconds(72.0));
        assert_eq!(starts.first(), Some(&(begin + seconds(62.0))), "the pause is kept");
        let first = within(&starts, begin + seconds(62.0), seconds(1.0));
        assert!(first <= 2, "{first} at once");
        assert!(starts.len() >= 300, "{} calls in ten seconds", starts.len());
    }
}
