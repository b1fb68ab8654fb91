//! Which decisions of a slice are begun: those of all zones of a SolidServer by turns, as many at one time as there are places, until
//! the slice is over.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::time::{Instant, sleep_until};

use super::Subject;
use super::settle::Slice;
use crate::plan::{Decision, Stage};

/// DnsRecords beside those that the appliance takes at one time, at least: they wait for the API server.
const BESIDE: usize = 16;

/// DnsRecords that get their finalizer at one time, so that its patch is soon made: what waits for the API server in one long line is waited
/// for by whoever changes meanwhile. Half of all patches that are under way at one time; the others are those of statuses.
const FRESH: usize = 24;

/// How long a slice begins new records before it lets newly changed ones join.
const LASTS: Duration = Duration::from_secs(1);

/// How long when there are none.
const LONGEST: Duration = Duration::from_secs(5);

/// DnsRecords that a slice begins however long that takes: a slow reading must not keep everything from being written.
const AT_LEAST: usize = 8;

/// What all passes of one SolidServer have begun and not written yet, together. A slice ends when the last DnsRecord that it began has
/// ended, so each one more is waited for by the changes that come meanwhile, in all zones.
#[derive(Clone)]
pub struct Places {
    free: Arc<Semaphore>,
    fresh: Arc<Semaphore>,
    count: usize,
}

/// What a DnsRecord that is begun takes from the others; given back in parts, or with this.
pub(super) struct Place {
    fresh: Option<OwnedSemaphorePermit>,
    _written: Option<OwnedSemaphorePermit>,
}

impl Place {
    /// Its finalizer is on.
    pub(super) fn is_held(&mut self) {
        self.fresh = None;
    }
}

impl Places {
    /// For an appliance that takes so many calls at one time.
    #[must_use]
    pub fn new(concurrency: usize) -> Self {
        // When all its calls end at once, as many others are ready to be sent.
        let count = concurrency + concurrency.max(BESIDE);
        Self { free: Arc::new(Semaphore::new(count)), fresh: Arc::new(Semaphore::new(FRESH)), count }
    }

    /// Waits for one. Nobody closes them.
    async fn take(&self, fresh: bool) -> Place {
        let written = Arc::clone(&self.free).acquire_owned().await.ok();
        let fresh = if fresh { Arc::clone(&self.fresh).acquire_owned().await.ok() } else { None };
        Place { fresh, _written: written }
    }

    /// How many there are.
    #[must_use]
    pub const fn count(&self) -> usize {
        self.count
    }
}

/// What changes that came after a slice had begun ask of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Asked {
    /// There are none.
    #[default]
    Nothing,
    /// To let them join.
    ToLetJoin,
    /// To begin nothing more in front of them.
    ToEnd,
}

/// When a slice begins no more.
pub(super) struct End {
    begun: Instant,
    asked: watch::Receiver<Asked>,
    /// DnsRecords that may be begun all the same.
    at_least: AtomicUsize,
}

impl End {
    /// The end of a slice that begins now.
    pub(super) fn of_slice(asked: watch::Receiver<Asked>) -> Self {
        Self { begun: Instant::now(), asked, at_least: AtomicUsize::new(AT_LEAST) }
    }

    fn after(&self, asked: Asked) -> Instant {
        match asked {
            Asked::Nothing => self.begun + LONGEST,
            Asked::ToLetJoin => self.begun + LASTS,
            Asked::ToEnd => self.begun,
        }
    }

    fn is_here(&self) -> bool {
        let asked = *self.asked.borrow();
        Instant::now() >= self.after(asked)
    }

    async fn comes(&self) {
        let mut asked = self.asked.clone();
        loop {
            let now = *asked.borrow_and_update();
            let at = sleep_until(self.after(now));
            tokio::select! {
                () = at => return,
                changed = asked.changed() => {
                    if changed.is_err() {
                        // Nobody asks for anything any more.
                        return sleep_until(self.after(now)).await;
                    }
                }
            }
        }
    }

    /// Whether one more may be begun although the end is here.
    fn spares_one(&self) -> bool {
        self.at_least.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1)).is_ok()
    }
}

/// Whether a decision is carried out in this slice.
pub(super) enum Start {
    /// It is, from the place that it has; whoever writes nothing needs none.
    Now(Option<Place>),
    /// Its turn has not come.
    Later,
}

impl Slice<'_> {
    /// Waits for a place, as long as the slice begins anything.
    pub(super) async fn start(&self, decision: Decision, subject: Subject) -> (Decision, Subject, Start) {
        let start = self.start_of(&decision, subject.held).await;
        (decision, subject, start)
    }

    async fn start_of(&self, decision: &Decision, held: bool) -> Start {
        if decision.steps.is_empty() || self.rulings.contains_key(&decision.object) {
            return Start::Now(None);
        }
        if self.trouble.get().is_some() {
            return Start::Later;
        }
        let fresh = decision.stage == Stage::Wanted && !held;
        let place = async { Start::Now(Some(self.places.take(fresh).await)) };
        if self.end.spares_one() {
            return place.await;
        }
        if self.end.is_here() {
            return Start::Later;
        }
        tokio::select! {
            biased;
            start = place => start,
            () = self.end.comes() => Start::Later,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn lasts(asked: Asked) -> Duration {
        let (sender, receiver) = watch::channel(Asked::Nothing);
        let end = End::of_slice(receiver);
        assert!(!end.is_here());
        let begun = Instant::now();
        sender.send_replace(asked);
        end.comes().await;
        assert!(end.is_here());
        begun.elapsed()
    }

    #[tokio::test(start_paused = true)]
    async fn a_slice_ends_the_sooner_the_more_is_asked_of_it() {
        assert_eq!(lasts(Asked::Nothing).await.as_secs(), LONGEST.as_secs());
        assert_eq!(lasts(Asked::ToLetJoin).await.as_secs(), LASTS.as_secs());
        assert!(lasts(Asked::ToEnd).await < LASTS);
    }

    #[tokio::test(start_paused = true)]
    async fn it_is_asked_while_it_lasts() {
        let (sender, receiver) = watch::channel(Asked::Nothing);
        let end = End::of_slice(receiver);
        let begun = Instant::now();
        let asks = async {
            tokio::time::sleep(LASTS * 2).await;
            sender.send_replace(Asked::ToLetJoin);
        };
        tokio::join!(end.comes(), asks);
        assert_eq!(begun.elapsed().as_secs(), (LASTS * 2).as_secs());
    }

    #[tokio::test(start_paused = true)]
    async fn where_nobody_can_ask_a_slice_lasts_its_time() {
        let end = End::of_slice(watch::channel(Asked::Nothing).1);
        let begun = Instant::now();
        end.comes().await;
        assert_eq!(begun.elapsed().as_secs(), LONGEST.as_secs());
    }

    #[tokio::test]
    async fn a_few_are_begun_although_the_end_is_here() {
        let end = End::of_slice(watch::channel(Asked::ToEnd).1);
        assert!(end.is_here());
        assert_eq!((0..100).filter(|_| end.spares_one()).count(), AT_LEAST);
    }
}
