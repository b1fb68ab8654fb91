//! Leader election: one Lease for each SolidServer, held by whichever replica took it first.
//!
//! The rules, and why they keep two replicas from writing to one appliance:
//! - A Lease is only written with the resourceVersion under which it was last seen, so of two candidates one is refused.
//! - The holder counts from the moment before it *sent* its last renewal, everybody else from the moment at which they *saw* it, each
//!   by a clock of its own that only measures distances. The holder stops after `renew`, others begin after `duration`.
//! - A call to the appliance is started only while the Lease is held, and is cut off `duration - renew` ([`Timing::longest_write`])
//!   after the moment until which it is held, as the last renewal has it: that is before anybody else may begin. The appliance knows no fencing token: a process
//!   that is frozen between this check and its send is the gap that remains.
//! - A [`Claim`] is one of a term. What was begun in a term that ended does not go on in a later one: somebody else may have written
//!   in between.
//! - Whoever is cut off from the API server hears nothing and stops by its own clock.
//!
//! `term` decides, this file asks the API server (IO).

mod claim;
mod names;
mod term;

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use futures::{StreamExt as _, TryStreamExt as _};
use jiff::Timestamp;
use k8s_openapi::api::coordination::v1::{Lease, LeaseSpec};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{MicroTime, ObjectMeta};
use kube::api::{Api, PostParams};
use kube::runtime::{WatchStreamExt as _, watcher};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tracing::{debug, info, warn};

pub use claim::Claim;
use claim::Term;
pub use names::{UNSERVED, lease_name};
pub use term::{Move, Sighting, Timing, TimingError, next};

/// The label by which our Leases are watched.
const LABEL: (&str, &str) = ("app.kubernetes.io/managed-by", "solidserver-operator");

/// The longest that a candidate waits because it holds Leases already, so that replicas share them.
const MOST_POLITENESS: Duration = Duration::from_millis(600);

/// The Leases of one operator namespace, as one process sees and wants them.
#[derive(Clone)]
pub struct Leases {
    shared: Arc<Shared>,
}

struct Shared {
    api: Api<Lease>,
    candidate: String,
    timing: Timing,
    seen: watch::Sender<HashMap<String, Sighting>>,
    /// Terms begun so far, of all Leases, so that no two are mistaken for each other.
    terms: AtomicU64,
    watching: tokio::task::AbortHandle,
}

impl Drop for Shared {
    fn drop(&mut self) {
        self.watching.abort();
    }
}

/// A process's standing for one Lease. Ends when it is dropped, without giving the Lease back; see [`Candidacy::resign`].
pub struct Candidacy {
    claim: Claim,
    task: JoinHandle<()>,
}

impl Drop for Candidacy {
    fn drop(&mut self) {
        // Nobody renews it any more, and whoever stands next in this process may have it at once.
        self.claim.ended.cancel();
        self.task.abort();
    }
}

impl Candidacy {
    /// The right that comes and goes with the Lease.
    #[must_use]
    pub fn claim(&self) -> Claim {
        self.claim.clone()
    }

    /// Gives the Lease back, if it is held, and ends. To be called when nothing is written any more.
    pub async fn resign(mut self) {
        self.claim.ended.cancel();
        // The task is bounded: it sends one last write at most.
        let _ = (&mut self.task).await;
    }
}

impl Leases {
    /// Begins to watch the Leases of `namespace`. `client` should not repeat requests by itself. `instance` must be another one in
    /// each replica; the name under which Leases are held is this and something that no other process has.
    #[must_use]
    pub fn new(client: kube::Client, namespace: &str, instance: &str, timing: Timing) -> Self {
        let api: Api<Lease> = Api::namespaced(client, namespace);
        let (seen, _) = watch::channel(HashMap::new());
        let candidate = format!("{instance}_{:08x}", rand::random::<u32>());
        let watching = tokio::spawn(watch_leases(api.clone(), seen.clone())).abort_handle();
        Self { shared: Arc::new(Shared { api, candidate, timing, seen, terms: AtomicU64::new(1), watching }) }
    }

    /// The name under which this process holds Leases.
    #[must_use]
    pub fn candidate(&self) -> &str {
        &self.shared.candidate
    }

    /// Stands for the Lease of this name.
    #[must_use]
    pub fn stand(&self, name: &str) -> Candidacy {
        let (sender, held) = watch::channel(None);
        let stop = CancellationToken::new();
        let candidate = Candidate {
            shared: Arc::clone(&self.shared),
            name: name.to_owned(),
            held: sender,
            stop: stop.clone(),
        };
        let claim = Claim { held, ended: stop, only: None, margin: self.shared.timing.longest_write() };
        Candidacy { claim, task: tokio::spawn(candidate.run()) }
    }
}

/// Keeps what is known of all Leases up to date, so that one that is given back is taken at once.
async fn watch_leases(api: Api<Lease>, seen: watch::Sender<HashMap<String, Sighting>>) {
    let config = watcher::Config::default().labels(&format!("{}={}", LABEL.0, LABEL.1));
    let mut events = watcher(api, config).default_backoff().boxed();
    loop {
        match events.try_next().await {
            Ok(Some(watcher::Event::Apply(lease) | watcher::Event::InitApply(lease))) => note(&seen, &lease),
            Ok(Some(watcher::Event::Delete(lease))) => {
                note_gone(&seen, lease.metadata.name.as_deref().unwrap_or_default());
            }
            Ok(Some(watcher::Event::Init | watcher::Event::InitDone)) => {}
            Ok(None) => return,
            Err(error) => debug!("watching Leases: {error}"),
        }
    }
}

fn note(seen: &watch::Sender<HashMap<String, Sighting>>, lease: &Lease) {
    let name = lease.metadata.name.clone().unwrap_or_default();
    let spec = lease.spec.clone().unwrap_or_default();
    let sighting = Sighting {
        version: lease.metadata.resource_version.clone().unwrap_or_default(),
        holder: spec.holder_identity.unwrap_or_default(),
        duration: Duration::from_secs(u64::try_from(spec.lease_duration_seconds.unwrap_or(0)).unwrap_or(0)),
        since: now(),
        gone: false,
    };
    seen.send_if_modified(|seen| {
        let sighting = sighting.after(seen.get(&name));
        let changed = seen.get(&name) != Some(&sighting);
        seen.insert(name, sighting);
        changed
    });
}

fn note_gone(seen: &watch::Sender<HashMap<String, Sighting>>, name: &str) {
    seen.send_if_modified(|seen| {
        let Some(before) = seen.get_mut(name).filter(|before| !before.gone) else { return false };
        *before = before.without_it(now());
        true
    });
}

/// What came of a try to write a Lease.
enum Tried {
    /// It is ours, in this state, counted from the moment before the request was sent.
    Ours { lease: Box<Lease>, since: Instant },
    /// Somebody else was faster, or it is gone.
    Refused,
    /// Nobody knows.
    Unknown(String),
}

struct Candidate {
    shared: Arc<Shared>,
    name: String,
    held: watch::Sender<Option<Term>>,
    stop: CancellationToken,
}

impl Candidate {
    async fn run(self) {
        let mut seen = self.shared.seen.subscribe();
        let mut told = String::new();
        // What the watch has not shown yet is asked for: a Lease that it does not know may well be there.
        if let Err(error) = self.look().await {
            debug!(lease = self.name, "looking at the Lease: {error}");
        }
        loop {
            let step = next(seen.borrow_and_update().get(&self.name), &self.shared.candidate, now());
            if let Move::Wait(at) = step {
                tokio::select! {
                    () = self.stop.cancelled() => return,
                    changed = seen.changed() => if changed.is_err() { return },
                    () = tokio::time::sleep_until(at.into()) => {}
                }
                continue;
            }
            tokio::select! {
                () = self.stop.cancelled() => return,
                () = tokio::time::sleep(self.politeness(&seen)) => {}
            }
            // Another one may have taken it meanwhile.
            let current = seen.borrow_and_update().get(&self.name).cloned();
            let step = next(current.as_ref(), &self.shared.candidate, now());
            let tried = match step {
                Move::Wait(_) => continue,
                Move::Create => self.create().await,
                Move::Take => self.take().await,
            };
            match tried {
                Tried::Ours { lease, since } => {
                    info!(lease = self.name, candidate = self.shared.candidate, "leading");
                    self.lead(*lease, since).await;
                    self.held.send_replace(None);
                    info!(lease = self.name, candidate = self.shared.candidate, "not leading any more");
                    if self.stop.is_cancelled() {
                        return;
                    }
                }
                Tried::Refused => {}
                Tried::Unknown(why) if why == told => debug!(lease = self.name, "taking the Lease: {why}"),
                Tried::Unknown(why) => {
                    warn!(lease = self.name, "taking the Lease: {why}");
                    told = why;
                }
            }
            tokio::select! {
                () = self.stop.cancelled() => return,
                () = tokio::time::sleep(self.shared.timing.retry.mul_f64(0.5 + rand::random::<f64>() / 2.0)) => {}
            }
            if let Err(error) = self.look().await {
                debug!(lease = self.name, "looking at the Lease: {error}");
            }
        }
    }

    /// A moment that is longer for whoever holds more, and never quite the same for two.
    fn politeness(&self, seen: &watch::Receiver<HashMap<String, Sighting>>) -> Duration {
        let held = seen.borrow().values().filter(|lease| lease.holder == self.shared.candidate).count();
        let held = u32::try_from(held).unwrap_or(u32::MAX).min(6);
        let longest = (self.shared.timing.retry / 2).min(MOST_POLITENESS);
        longest.mul_f64((f64::from(held) + rand::random::<f64>()) / 7.0)
    }

    /// Renews the Lease until it is lost, runs out, or is to be given back.
    async fn lead(&self, mut lease: Lease, since: Instant) {
        let timing = self.shared.timing;
        let mut number = self.shared.terms.fetch_add(1, Ordering::Relaxed);
        let mut until = since + timing.renew;
        self.held.send_replace(Some(Term { number, until }));
        loop {
            tokio::select! {
                () = self.stop.cancelled() => {
                    self.held.send_replace(None);
                    return self.give_back(lease).await;
                }
                () = tokio::time::sleep(timing.retry) => {}
            }
            let left = until.saturating_duration_since(now());
            if left.is_zero() {
                warn!(lease = self.name, "could not be renewed in time: work on this SolidServer stops");
                return;
            }
            let renewed = Lease {
                spec: Some(LeaseSpec {
                    renew_time: Some(MicroTime(Timestamp::now())),
                    ..lease.spec.clone().unwrap_or_default()
                }),
                ..lease.clone()
            };
            match self.write(renewed, left.min(timing.retry.max(Duration::from_secs(1)))).await {
                Tried::Ours { lease: fresh, since } => {
                    lease = *fresh;
                    if until <= now() {
                        // It was not held for a moment, so whatever was begun before has ended.
                        number = self.shared.terms.fetch_add(1, Ordering::Relaxed);
                    }
                    until = since + timing.renew;
                    self.held.send_replace(Some(Term { number, until }));
                }
                // Either it was taken, or an earlier renewal did arrive though its answer did not.
                Tried::Refused => match self.look().await {
                    Ok(Some(current)) if holder(&current) == self.shared.candidate => lease = current,
                    Ok(_) => {
                        warn!(lease = self.name, "another one has the Lease: work on this SolidServer stops");
                        return;
                    }
                    Err(error) => debug!(lease = self.name, "looking at the Lease: {error}"),
                },
                Tried::Unknown(why) => warn!(lease = self.name, "renewing the Lease: {why}"),
            }
        }
    }

    async fn create(&self) -> Tried {
        let lease = Lease {
            metadata: ObjectMeta {
                name: Some(self.name.clone()),
                labels: Some([(LABEL.0.to_owned(), LABEL.1.to_owned())].into()),
                ..ObjectMeta::default()
            },
            spec: Some(self.spec(0)),
        };
        let since = now();
        let parameters = PostParams::default();
        let create = self.shared.api.create(&parameters, &lease);
        match tokio::time::timeout(self.patience(), create).await {
            // Nobody was faster: the namespace is not there.
            Ok(Err(kube::Error::Api(status))) if status.code == 404 => Tried::Unknown(status.message),
            answer => self.judge(since, answer),
        }
    }

    async fn take(&self) -> Tried {
        let current = match self.look().await {
            Ok(Some(current)) => current,
            Ok(None) => return Tried::Refused,
            Err(error) => return Tried::Unknown(error),
        };
        // What is taken is what was judged: the look may have shown a renewal.
        let seen = self.shared.seen.borrow().get(&self.name).cloned();
        if next(seen.as_ref(), &self.shared.candidate, now()) != Move::Take {
            return Tried::Refused;
        }
        let transitions = current.spec.as_ref().and_then(|spec| spec.lease_transitions).unwrap_or(0);
        let taken = Lease { spec: Some(self.spec(transitions.saturating_add(1))), ..current };
        self.write(taken, self.patience()).await
    }

    /// Replaces the Lease, which is refused if it is another one than was seen.
    async fn write(&self, lease: Lease, patience: Duration) -> Tried {
        let since = now();
        let parameters = PostParams::default();
        let replace = self.shared.api.replace(&self.name, &parameters, &lease);
        self.judge(since, tokio::time::timeout(patience, replace).await)
    }

    fn judge(
        &self,
        since: Instant,
        answer: Result<Result<Lease, kube::Error>, tokio::time::error::Elapsed>,
    ) -> Tried {
        match answer {
            Ok(Ok(lease)) => {
                note(&self.shared.seen, &lease);
                Tried::Ours { lease: Box::new(lease), since }
            }
            Ok(Err(kube::Error::Api(status))) if matches!(status.code, 404 | 409) => Tried::Refused,
            Ok(Err(error)) => Tried::Unknown(error.to_string()),
            Err(_) => Tried::Unknown("the API server does not answer in time".to_owned()),
        }
    }

    /// The Lease as it is now; `None` when there is none.
    async fn look(&self) -> Result<Option<Lease>, String> {
        let answer = tokio::time::timeout(self.patience(), self.shared.api.get_opt(&self.name)).await;
        let lease = answer
            .map_err(|_| "the API server does not answer in time".to_owned())?
            .map_err(|error| error.to_string())?;
        match &lease {
            Some(lease) => note(&self.shared.seen, lease),
            None => note_gone(&self.shared.seen, &self.name),
        }
        Ok(lease)
    }

    async fn give_back(&self, lease: Lease) {
        let free = LeaseSpec {
            holder_identity: Some(String::new()),
            lease_duration_seconds: Some(1),
            renew_time: Some(MicroTime(Timestamp::now())),
            ..lease.spec.clone().unwrap_or_default()
        };
        match self.write(Lease { spec: Some(free), ..lease }, self.patience()).await {
            Tried::Ours { .. } => info!(lease = self.name, "given back"),
            Tried::Refused => {}
            Tried::Unknown(why) => {
                warn!(lease = self.name, "giving the Lease back: {why}; it runs out by itself")
            }
        }
    }

    fn spec(&self, transitions: i32) -> LeaseSpec {
        let moment = MicroTime(Timestamp::now());
        LeaseSpec {
            holder_identity: Some(self.shared.candidate.clone()),
            lease_duration_seconds: i32::try_from(self.shared.timing.duration.as_secs()).ok(),
            acquire_time: Some(moment.clone()),
            renew_time: Some(moment),
            lease_transitions: Some(transitions),
            ..LeaseSpec::default()
        }
    }

    /// How long the API server may take for an answer.
    fn patience(&self) -> Duration {
        self.shared.timing.retry.max(Duration::from_secs(1)).min(self.shared.timing.renew / 2)
    }
}

fn holder(lease: &Lease) -> &str {
    lease.spec.as_ref().and_then(|spec| spec.holder_identity.as_deref()).unwrap_or_default()
}

fn now() -> Instant {
    tokio::time::Instant::now().into_std()
}
