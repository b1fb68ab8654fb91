//! Which decisions of a slice are begun: those of all zones of a SolidServer by turns, as many at one time as there are places, until
//! the slice is over.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::time::{Instant, sleep_until};

use super::Subject;
use super::settle::Slice;
use crate::plan::Decision;

/// DnsRecords at work at one time beyond the appliance's concurrency: those that wait for the API server.
const BESIDE: usize = 16;

/// How long a slice begins new records before it lets newly changed ones join.
const LASTS: Duration = Duration::from_secs(1);

/// DnsRecords that a slice begins however long that takes: a slow reading must not keep everything from being written.
const AT_LEAST: usize = 8;

/// What all passes of one SolidServer have begun and not written yet, together. A slice ends when the last DnsRecord that it began has
/// ended, so each one more is waited for by the changes that come meanwhile, in all zones.
#[derive(Clone)]
pub struct Places {
    free: Arc<Semaphore>,
    count: usize,
}

impl Places {
    /// For an appliance that takes so many calls at one time.
    #[must_use]
    pub fn new(concurrency: usize) -> Self {
        let count = concurrency + BESIDE;
        Self { free: Arc::new(Semaphore::new(count)), count }
    }

    /// How many there are.
    #[must_use]
    pub const fn count(&self) -> usize {
        self.count
    }
}

/// When a slice begins no more.
pub(super) struct End {
    at: Instant,
    /// Told when it is to end at once.
    cut: watch::Receiver<bool>,
    /// DnsRecords that may be begun all the same.
    at_least: AtomicUsize,
}

impl End {
    /// The end of a slice that begins now.
    pub(super) fn of_slice(cut: watch::Receiver<bool>) -> Self {
        Self { at: Instant::now() + LASTS, cut, at_least: AtomicUsize::new(AT_LEAST) }
    }

    fn is_here(&self) -> bool {
        Instant::now() >= self.at || *self.cut.borrow()
    }

    async fn comes(&self) {
        let mut cut = self.cut.clone();
        let is_cut = async {
            if cut.wait_for(|cut| *cut).await.is_err() {
                // Nobody is there any more who could cut it.
                std::future::pending::<()>().await;
            }
        };
        tokio::select! {
            () = sleep_until(self.at) => {}
            () = is_cut => {}
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
    Now(Option<OwnedSemaphorePermit>),
    /// Its turn has not come.
    Later,
}

impl Slice<'_> {
    /// Waits for a place, as long as the slice begins anything.
    pub(super) async fn start(&self, decision: Decision, subject: Subject) -> (Decision, Subject, Start) {
        let start = self.start_of(&decision).await;
        (decision, subject, start)
    }

    async fn start_of(&self, decision: &Decision) -> Start {
        if decision.steps.is_empty() || self.rulings.contains_key(&decision.object) {
            return Start::Now(None);
        }
        if self.trouble.get().is_some() {
            return Start::Later;
        }
        // Nobody closes it.
        let place = async { Start::Now(Arc::clone(&self.places.free).acquire_owned().await.ok()) };
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

    #[tokio::test(start_paused = true)]
    async fn a_slice_ends_when_its_time_is_over_or_when_it_is_cut() {
        let (cut, receiver) = watch::channel(false);
        let end = End::of_slice(receiver.clone());
        let begun = Instant::now();
        assert!(!end.is_here());
        end.comes().await;
        assert!(end.is_here());
        assert_eq!(begun.elapsed().as_secs(), LASTS.as_secs());

        let end = End::of_slice(receiver);
        let begun = Instant::now();
        cut.send_replace(true);
        end.comes().await;
        assert!(end.is_here() && begun.elapsed() < LASTS);
    }

    #[tokio::test(start_paused = true)]
    async fn where_nobody_can_cut_it_a_slice_lasts_its_time() {
        let end = End::of_slice(watch::channel(false).1);
        let begun = Instant::now();
        end.comes().await;
        assert_eq!(begun.elapsed().as_secs(), LASTS.as_secs());
    }

    #[test]
    fn a_few_are_begun_although_the_end_is_here() {
        let end = End::of_slice(watch::channel(true).1);
        assert!(end.is_here());
        assert_eq!((0..100).filter(|_| end.spares_one()).count(), AT_LEAST);
    }
}
