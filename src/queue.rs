//! The queue of zones that have work, over kube-runtime's scheduler.
//!
//! Leading window: the first change of a zone opens a short window, later ones join it, and while a zone runs its
//! changes gather. There is no trailing debounce: a steady stream of events would starve it.

use std::collections::{HashMap, HashSet};
use std::hash::Hash;
use std::pin::Pin;
use std::time::Duration;

use futures::StreamExt as _;
use futures::channel::mpsc;
use kube::runtime::scheduler::{ScheduleRequest, Scheduler, scheduler};
use tokio::time::Instant;

/// How long the first change of a quiet zone waits for others to join it.
const WINDOW: Duration = Duration::from_millis(50);

/// The least time between the starts of two passes of one zone: under a steady stream of changes each pass takes those
/// of this span together.
const SPACING: Duration = Duration::from_millis(200);

/// Zones that are due or will be, each at most once, and never one that is running.
pub struct ZoneQueue<K> {
    requests: mpsc::UnboundedSender<ScheduleRequest<K>>,
    scheduler: Pin<Box<Scheduler<K, mpsc::UnboundedReceiver<ScheduleRequest<K>>>>>,
    running: HashSet<K>,
    started: HashMap<K, Instant>,
}

impl<K: Hash + Eq + Clone> ZoneQueue<K> {
    /// An empty queue.
    #[must_use]
    pub fn new() -> Self {
        let (requests, receiver) = mpsc::unbounded();
        Self {
            requests,
            scheduler: Box::pin(scheduler(receiver)),
            running: HashSet::new(),
            started: HashMap::new(),
        }
    }

    /// Something changed: the zone is due as soon as the window allows.
    pub fn changed(&self, zone: &K, now: Instant) {
        self.at(zone, self.spaced(zone, now).max(now + WINDOW));
    }

    /// Nobody is waited for to join: the zone is due as soon as its passes stay apart.
    pub fn goes_on(&self, zone: &K, now: Instant) {
        self.at(zone, self.spaced(zone, now));
    }

    fn spaced(&self, zone: &K, now: Instant) -> Instant {
        self.started.get(zone).map_or(now, |started| (*started + SPACING).max(now))
    }

    /// The zone is due at `when`, or earlier when something asks for that.
    pub fn at(&self, zone: &K, when: Instant) {
        // The receiver lives as long as the sender: both belong to this queue.
        let _ = self.requests.unbounded_send(ScheduleRequest { message: zone.clone(), run_at: when });
    }

    /// The next zone that is due; it counts as running from now on.
    ///
    /// Safe to drop while waiting: nothing is lost.
    pub async fn next(&mut self) -> K {
        let running = &self.running;
        let due = self.scheduler.as_mut().hold_unless(|zone| !running.contains(zone)).next().await;
        let Some(zone) = due else {
            // The stream of requests ends only with the queue itself.
            return std::future::pending().await;
        };
        self.running.insert(zone.clone());
        self.started.insert(zone.clone(), Instant::now());
        zone
    }

    /// The zone's pass is over.
    pub fn finished(&mut self, zone: &K) {
        self.running.remove(zone);
    }

    /// Whether a pass of the zone is running.
    #[must_use]
    pub fn is_running(&self, zone: &K) -> bool {
        self.running.contains(zone)
    }

    /// How many zones are running.
    #[must_use]
    pub fn running(&self) -> usize {
        self.running.len()
    }
}

impl<K: Hash + Eq + Clone> Default for ZoneQueue<K> {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::time::{advance, timeout};

    const SOON: Duration = Duration::from_millis(1);

    async fn due(queue: &mut ZoneQueue<&'static str>) -> Option<&'static str> {
        timeout(SOON, queue.next()).await.ok()
    }

    #[tokio::test(start_paused = true)]
    async fn a_steady_stream_of_changes_does_not_put_off_the_first_window() {
        let mut queue = ZoneQueue::new();
        let mut first = None;
        for step in 0..10 {
            queue.changed(&"zone", Instant::now());
            if first.is_none() && due(&mut queue).await.is_some() {
                first = Some(step);
            }
            advance(Duration::from_millis(10)).await;
        }
        assert!(first.is_some_and(|step| (3..=6).contains(&step)), "first pass in step {first:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_running_zone_is_held_and_runs_once_more() {
        let mut queue = ZoneQueue::new();
        queue.at(&"zone", Instant::now());
        assert_eq!(due(&mut queue).await, Some("zone"));
        for _ in 0..5 {
            queue.changed(&"zone", Instant::now());
        }
        advance(Duration::from_secs(1)).await;
        assert_eq!(due(&mut queue).await, None);
        queue.finished(&"zone");
        assert_eq!(due(&mut queue).await, Some("zone"));
        queue.finished(&"zone");
        advance(Duration::from_secs(1)).await;
        assert_eq!(due(&mut queue).await, None);
    }

    #[tokio::test(start_paused = true)]
    async fn passes_of_one_zone_are_spaced() {
        let mut queue = ZoneQueue::new();
        let begin = Instant::now();
        let mut passes = 0;
        while begin.elapsed() < Duration::from_secs(2) {
            queue.changed(&"zone", Instant::now());
            if due(&mut queue).await.is_some() {
                passes += 1;
                queue.finished(&"zone");
            }
            advance(Duration::from_millis(10)).await;
        }
        assert!((8..=11).contains(&passes), "{passes} passes in 2 s");
    }

    #[tokio::test(start_paused = true)]
    async fn a_zone_that_goes_on_waits_for_nobody_but_its_own_passes() {
        let mut queue = ZoneQueue::new();
        let begin = Instant::now();
        queue.changed(&"zone", begin);
        queue.goes_on(&"zone", begin);
        assert_eq!(due(&mut queue).await, Some("zone"));
        assert!(begin.elapsed() < WINDOW);
        queue.finished(&"zone");
        queue.goes_on(&"zone", Instant::now());
        assert_eq!(due(&mut queue).await, None);
        advance(SPACING).await;
        assert_eq!(due(&mut queue).await, Some("zone"));
    }

    #[tokio::test(start_paused = true)]
    async fn zones_run_side_by_side() {
        let mut queue = ZoneQueue::new();
        queue.at(&"one", Instant::now());
        queue.at(&"two", Instant::now());
        assert!(due(&mut queue).await.is_some());
        assert!(due(&mut queue).await.is_some());
        assert_eq!(queue.running(), 2);
    }
}
