//! When a Lease may be taken, and how long it holds. Pure: time only comes in as arguments.

use std::time::{Duration, Instant};

/// How long a Lease lasts and how often it is renewed.
///
/// The one who holds it stops at the latest `renew` after the request of its last renewal was *sent*; another one takes it no sooner
/// than `duration` after that renewal was *seen*. What lies between is left to calls that are on their way, so a write may take
/// `duration - renew` at most.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timing {
    /// How long a Lease that is not renewed keeps others away.
    pub duration: Duration,
    /// How long its holder goes on without a renewal.
    pub renew: Duration,
    /// How long to wait between two tries.
    pub retry: Duration,
}

impl Default for Timing {
    fn default() -> Self {
        Self {
            duration: Duration::from_secs(15),
            renew: Duration::from_secs(10),
            retry: Duration::from_secs(2),
        }
    }
}

/// Why timing cannot work.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TimingError {
    /// Nothing could be renewed in time.
    #[error(
        "--lease-retry must be above zero and below half of --lease-renew, so that a renewal can fail and be tried again"
    )]
    Retry,
    /// The holder would go on while another one begins.
    #[error(
        "--lease-renew must be at least 500ms below --lease-duration: that is the time which a write may take"
    )]
    Renew,
    /// Leases say their duration in seconds.
    #[error("--lease-duration must be whole seconds, 1 at least")]
    Duration,
}

impl Timing {
    /// Checks that the three fit together.
    ///
    /// # Errors
    /// [`TimingError`] says which does not.
    pub fn checked(self) -> Result<Self, TimingError> {
        if self.duration.as_secs() < 1 || self.duration.subsec_nanos() != 0 {
            return Err(TimingError::Duration);
        }
        if self.renew + Duration::from_millis(500) > self.duration {
            return Err(TimingError::Renew);
        }
        if self.retry.is_zero() || self.retry * 2 >= self.renew {
            return Err(TimingError::Retry);
        }
        Ok(self)
    }

    /// The longest that a write may take which begins while the Lease is held.
    #[must_use]
    pub fn longest_write(&self) -> Duration {
        self.duration.saturating_sub(self.renew)
    }

    /// How long a Lease is kept for whoever it was handed to, in whole seconds.
    pub(super) fn hand_over_seconds(&self) -> i32 {
        i32::try_from((self.retry * 2).as_secs()).unwrap_or(i32::MAX).max(1)
    }
}

/// A Lease as it was seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sighting {
    /// The Lease's resourceVersion: another one after each renewal.
    pub version: String,
    /// Who holds it; empty when nobody does.
    pub holder: String,
    /// Who asks its holder for it; empty when nobody does.
    pub asked_by: String,
    /// How long it lasts, as its holder says.
    pub duration: Duration,
    /// Since when it has been exactly so, by our own clock. The holder's clock is not asked.
    pub since: Instant,
    /// Somebody deleted it; its holder may not have noticed yet.
    pub gone: bool,
}

/// What a candidate does next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Move {
    /// There is no such Lease.
    Create,
    /// It is free, has run out, or carries our name.
    Take,
    /// It is another's; look again then.
    Wait(Instant),
}

impl Sighting {
    /// Keeps the moment of the older sighting when nothing has changed since.
    #[must_use]
    pub fn after(mut self, before: Option<&Self>) -> Self {
        let same = |before: &&Self| before.version == self.version && before.gone == self.gone;
        if let Some(before) = before.filter(same) {
            self.since = before.since;
        }
        self
    }

    /// Whether somebody holds it at `now`, as far as can be seen.
    #[must_use]
    pub fn is_held(&self, now: Instant) -> bool {
        !self.gone && !self.holder.is_empty() && now < self.since + self.duration
    }

    /// The same Lease, found to be gone at `now`.
    #[must_use]
    pub fn without_it(&self, now: Instant) -> Self {
        Self { gone: true, since: if self.gone { self.since } else { now }, ..self.clone() }
    }
}

/// What `candidate` does about a Lease that was last seen so.
#[must_use]
pub fn next(seen: Option<&Sighting>, candidate: &str, now: Instant) -> Move {
    let Some(seen) = seen else { return Move::Create };
    let runs_out = seen.since + seen.duration;
    // Our own name without our leading: the answer to our write was lost. Names are those of one process only.
    if seen.holder.is_empty() || seen.holder == candidate || runs_out <= now {
        if seen.gone { Move::Create } else { Move::Take }
    } else {
        Move::Wait(runs_out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn seconds(count: u64) -> Duration {
        Duration::from_secs(count)
    }

    fn sighting(holder: &str, since: Instant) -> Sighting {
        Sighting {
            version: "7".to_owned(),
            holder: holder.to_owned(),
            asked_by: String::new(),
            duration: seconds(15),
            since,
            gone: false,
        }
    }

    #[test]
    fn a_lease_is_taken_when_it_is_free_ours_or_was_not_renewed_for_its_whole_duration() {
        let begun = Instant::now();
        let now = begun + seconds(100);
        let at = |holder: &str, ago: u64| next(Some(&sighting(holder, now - seconds(ago))), "me", now);
        assert_eq!(next(None, "me", now), Move::Create);
        assert_eq!(at("", 0), Move::Take);
        assert_eq!(at("me", 0), Move::Take);
        assert_eq!(at("other", 15), Move::Take);
        assert_eq!(at("other", 14), Move::Wait(now + seconds(1)));
        assert_eq!(at("other", 0), Move::Wait(now + seconds(15)));
    }

    #[test]
    fn a_lease_that_was_deleted_is_made_anew_only_when_its_holder_must_have_noticed() {
        let begun = Instant::now();
        let now = begun + seconds(100);
        let gone = |holder: &str, ago: u64| sighting(holder, begun).without_it(now - seconds(ago));
        assert_eq!(next(Some(&gone("other", 14)), "me", now), Move::Wait(now + seconds(1)));
        assert_eq!(next(Some(&gone("other", 15)), "me", now), Move::Create);
        assert_eq!(next(Some(&gone("me", 0)), "me", now), Move::Create);
        assert_eq!(next(Some(&gone("", 0)), "me", now), Move::Create);
        // Looking again does not begin the wait anew.
        assert_eq!(gone("other", 14).without_it(now), gone("other", 14));
    }

    #[test]
    fn a_lease_that_did_not_change_was_so_since_it_was_first_seen() {
        let begun = Instant::now();
        let later = begun + seconds(5);
        let first = sighting("other", begun);
        assert_eq!(sighting("other", later).after(Some(&first)).since, begun);
        assert_eq!(sighting("other", later).after(None).since, later);
        let renewed = Sighting { version: "8".to_owned(), ..sighting("other", later) };
        assert_eq!(renewed.after(Some(&first)).since, later);
    }

    #[test]
    fn the_holder_stops_before_another_one_may_begin_with_time_for_a_write_between() {
        let timing = Timing::default();
        assert_eq!(timing.checked(), Ok(timing));
        assert_eq!(timing.longest_write(), seconds(5));
        let of = |duration: u64, renew: u64, retry: u64| {
            Timing {
                duration: Duration::from_millis(duration),
                renew: Duration::from_millis(renew),
                retry: Duration::from_millis(retry),
            }
            .checked()
            .map(drop)
        };
        assert_eq!(of(3000, 2000, 500), Ok(()));
        assert_eq!(of(15_000, 15_000, 2000), Err(TimingError::Renew));
        assert_eq!(of(15_000, 14_600, 2000), Err(TimingError::Renew));
        assert_eq!(of(15_000, 10_000, 5000), Err(TimingError::Retry));
        assert_eq!(of(15_000, 10_000, 0), Err(TimingError::Retry));
        assert_eq!(of(1500, 500, 100), Err(TimingError::Duration));
        assert_eq!(of(0, 0, 0), Err(TimingError::Duration));
    }
}
