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
//! Replicas even out what they hold: who has less asks who has most, and gets the Lease when nothing is written under it any more.
//!
//! `term` and `share` decide; `candidate` and this file ask the API server (IO).

mod candidate;
mod claim;
mod names;
mod share;
mod term;

use std::collections::{HashMap, HashSet};
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};

use futures::{StreamExt as _, TryStreamExt as _};
use k8s_openapi::api::coordination::v1::Lease;
use kube::api::{Api, PostParams};
use kube::runtime::{WatchStreamExt as _, watcher};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tracing::{debug, info};

use candidate::{Candidate, asked_by};
pub use claim::Claim;
use claim::Term;
pub use names::{UNSERVED, lease_name};
pub use term::{Move, Sighting, Timing, TimingError, next};

/// The label by which our Leases are watched.
const LABEL: (&str, &str) = ("app.kubernetes.io/managed-by", "solidserver-operator");

/// On a Lease: the candidate that asks its holder for it, since it holds less.
const ASKED_BY: &str = "solidserver.dev/asked-by";

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
    /// The Leases that this process stands for, by name.
    standing: Mutex<HashMap<String, Standing>>,
    watching: tokio::task::AbortHandle,
}

/// A standing as those see it who share the Leases out.
struct Standing {
    held: watch::Receiver<Option<Term>>,
    /// The term in which another replica's question was passed on.
    asked: watch::Sender<Option<u64>>,
}

/// What came of a try to write a Lease.
enum Tried {
    /// It is as we wrote it, counted from the moment before the request was sent.
    Ours { lease: Box<Lease>, since: Instant },
    /// Somebody else was faster, or it is gone.
    Refused,
    /// Nobody knows.
    Unknown(String),
}

impl Shared {
    fn standing(&self) -> MutexGuard<'_, HashMap<String, Standing>> {
        self.standing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Replaces the Lease, which is refused if it is another one than was seen.
    async fn write(&self, name: &str, lease: Lease, patience: Duration) -> Tried {
        let since = now();
        let parameters = PostParams::default();
        let replace = self.api.replace(name, &parameters, &lease);
        self.judge(since, tokio::time::timeout(patience, replace).await)
    }

    fn judge(
        &self,
        since: Instant,
        answer: Result<Result<Lease, kube::Error>, tokio::time::error::Elapsed>,
    ) -> Tried {
        match answer {
            Ok(Ok(lease)) => {
                note(&self.seen, &lease);
                Tried::Ours { lease: Box::new(lease), since }
            }
            Ok(Err(kube::Error::Api(status))) if matches!(status.code, 404 | 409) => Tried::Refused,
            Ok(Err(error)) => Tried::Unknown(error.to_string()),
            Err(_) => Tried::Unknown("the API server does not answer in time".to_owned()),
        }
    }

    /// The Lease as it is now; `None` when there is none.
    async fn look(&self, name: &str) -> Result<Option<Lease>, String> {
        let answer = tokio::time::timeout(self.patience(), self.api.get_opt(name)).await;
        let lease = answer
            .map_err(|_| "the API server does not answer in time".to_owned())?
            .map_err(|error| error.to_string())?;
        match &lease {
            Some(lease) => note(&self.seen, lease),
            None => note_gone(&self.seen, name),
        }
        Ok(lease)
    }

    /// Passes on what others ask for, one Lease at a time, so that little work is interrupted.
    fn pass_questions_on(&self) {
        let seen = self.seen.borrow();
        let mut standing = self.standing();
        standing.retain(|_, standing| standing.held.has_changed().is_ok());
        let term = |standing: &Standing| standing.held.borrow().map(|term| term.number);
        if standing.values().any(|one| term(one).is_some_and(|term| *one.asked.borrow() == Some(term))) {
            return;
        }
        let due = |name: &str| share::is_due(&seen, name, &self.candidate, now());
        let first = standing
            .iter()
            .filter(|(name, one)| term(one).is_some() && due(name))
            .min_by_key(|(name, _)| *name);
        if let Some((_, one)) = first {
            one.asked.send_replace(term(one));
        }
    }

    /// What this process asks others for.
    fn wish(&self) -> Option<String> {
        let stands_for: HashSet<String> = self.standing().keys().cloned().collect();
        let fresh = self.timing.retry * 2;
        share::to_ask(&self.seen.borrow(), &stands_for, &self.candidate, now(), fresh).map(str::to_owned)
    }

    /// Asks the holder of this Lease for it.
    async fn ask(&self, name: &str) {
        let Ok(Some(mut lease)) = self.look(name).await else { return };
        if self.wish().as_deref() != Some(name) {
            return;
        }
        let annotations = lease.metadata.annotations.get_or_insert_default();
        annotations.insert(ASKED_BY.to_owned(), self.candidate.clone());
        match self.write(name, lease, self.patience()).await {
            Tried::Ours { .. } => info!(lease = name, "this replica holds less than others, and asks for it"),
            Tried::Refused => {}
            Tried::Unknown(why) => debug!(lease = name, "asking for the Lease: {why}"),
        }
    }

    /// How long the API server may take for an answer.
    fn patience(&self) -> Duration {
        self.timing.retry.max(Duration::from_secs(1)).min(self.timing.renew / 2)
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        self.watching.abort();
    }
}

/// A process's standing for one Lease. Ends when it is dropped, without giving the Lease back; see [`Candidacy::resign`].
pub struct Candidacy {
    claim: Claim,
    handed_over: watch::Sender<Option<u64>>,
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

    /// Hands the Lease to the replica that asks for it, if it is still held as it was for `claim`, and stands for it again. To be called when
    /// nothing is written any more.
    pub fn hand_over(&self, claim: &Claim) {
        self.handed_over.send_replace(claim.only);
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
        let shared = Arc::new(Shared {
            api,
            candidate,
            timing,
            seen,
            terms: AtomicU64::new(1),
            standing: Mutex::default(),
            watching,
        });
        tokio::spawn(share_out(Arc::downgrade(&shared), timing.retry));
        Self { shared }
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
        let (asker, asked) = watch::channel(None);
        let (handed_over, to_hand_over) = watch::channel(None);
        let stop = CancellationToken::new();
        let standing = Standing { held: held.clone(), asked: asker };
        self.shared.standing().insert(name.to_owned(), standing);
        let candidate = Candidate {
            shared: Arc::clone(&self.shared),
            name: name.to_owned(),
            held: sender,
            stop: stop.clone(),
            handed_over: to_hand_over,
        };
        let margin = self.shared.timing.longest_write();
        let claim = Claim { held, asked, ended: stop, only: None, margin };
        Candidacy { claim, handed_over, task: tokio::spawn(candidate.run()) }
    }
}

/// Evens out who holds how much, as long as there is anybody to do it for. What is uneven must have been so for a while, so that replicas
/// which come and go one after the other are not met by more moves than it takes.
async fn share_out(shared: Weak<Shared>, retry: Duration) {
    let mut before = None;
    loop {
        // Never quite together with another replica.
        tokio::time::sleep(retry.mul_f64(0.75 + rand::random::<f64>() / 2.0)).await;
        let Some(shared) = shared.upgrade() else { return };
        shared.pass_questions_on();
        let wish = shared.wish();
        if let Some(name) = wish.as_deref().filter(|_| wish == before) {
            shared.ask(name).await;
        }
        before = wish;
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
    let asked_by = asked_by(lease).to_owned();
    let sighting = Sighting {
        version: lease.metadata.resource_version.clone().unwrap_or_default(),
        holder: spec.holder_identity.unwrap_or_default(),
        asked_by,
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

fn now() -> Instant {
    tokio::time::Instant::now().into_std()
}
