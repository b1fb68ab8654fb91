//! A candidate for one Lease: takes it, renews it, hands it over and gives it back (IO).

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use k8s_openapi::api::coordination::v1::{Lease, LeaseSpec};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{MicroTime, ObjectMeta};
use kube::api::PostParams;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tracing::{debug, info, warn};

use super::claim::Term;
use super::term::{Move, Sighting, next};
use super::{ASKED_BY, LABEL, Shared, Tried, now, share};

/// The longest that a candidate waits because it holds Leases already, so that replicas share them.
const MOST_POLITENESS: Duration = Duration::from_millis(600);

/// Who gets a Lease that is let go of.
#[derive(Clone, Copy)]
enum Heir {
    /// Whoever is first.
    Anyone,
    /// Whoever asks for it.
    Asker,
}

/// Stands for one Lease until it is told to stop.
pub(super) struct Candidate {
    pub(super) shared: Arc<Shared>,
    pub(super) name: String,
    pub(super) held: watch::Sender<Option<Term>>,
    pub(super) stop: CancellationToken,
    /// The term in which the Lease is to be handed to whoever asks for it.
    pub(super) handed_over: watch::Receiver<Option<u64>>,
}

impl Candidate {
    pub(super) async fn run(mut self) {
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
        let seen = seen.borrow();
        if seen.get(&self.name).is_some_and(|lease| lease.holder == self.shared.candidate) {
            // It was handed over: nobody else wants it.
            return Duration::ZERO;
        }
        let held = share::count(&seen, &self.shared.candidate, now());
        let held = u32::try_from(held).unwrap_or(u32::MAX).min(6);
        let longest = (self.shared.timing.retry / 2).min(MOST_POLITENESS);
        longest.mul_f64((f64::from(held) + rand::random::<f64>()) / 7.0)
    }

    /// Renews the Lease until it is lost, runs out, or is to be given back or handed over.
    async fn lead(&mut self, mut lease: Lease, since: Instant) {
        let timing = self.shared.timing;
        let mut number = self.shared.terms.fetch_add(1, Ordering::Relaxed);
        let mut until = since + timing.renew;
        self.held.send_replace(Some(Term { number, until }));
        loop {
            tokio::select! {
                () = self.stop.cancelled() => {
                    self.held.send_replace(None);
                    return self.give(lease, Heir::Anyone).await;
                }
                () = is_said(&mut self.handed_over, number) => {
                    self.held.send_replace(None);
                    return self.give(lease, Heir::Asker).await;
                }
                () = tokio::time::sleep(timing.retry) => {}
            }
            let left = until.saturating_duration_since(now());
            if left.is_zero() {
                warn!(lease = self.name, "could not be renewed in time: work on this SolidServer stops");
                return;
            }
            if !asked_by(&lease).is_empty() && !self.is_due() {
                // Whoever asked has got others meanwhile, or we have less ourselves.
                forget_question(&mut lease);
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
        match tokio::time::timeout(self.shared.patience(), create).await {
            // Nobody was faster: the namespace is not there.
            Ok(Err(kube::Error::Api(status))) if status.code == 404 => Tried::Unknown(status.message),
            answer => self.shared.judge(since, answer),
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
        let mut taken = Lease { spec: Some(self.spec(transitions.saturating_add(1))), ..current };
        // It was put to the holder before.
        forget_question(&mut taken);
        self.write(taken, self.shared.patience()).await
    }

    async fn write(&self, lease: Lease, patience: Duration) -> Tried {
        self.shared.write(&self.name, lease, patience).await
    }

    async fn look(&self) -> Result<Option<Lease>, String> {
        self.shared.look(&self.name).await
    }

    /// Whether what is asked for is to be handed over.
    fn is_due(&self) -> bool {
        share::is_due(&self.shared.seen.borrow(), &self.name, &self.shared.candidate, now())
    }

    /// Ends our holding. To be called when nothing is written under the Lease any more.
    async fn give(&self, mut lease: Lease, heir: Heir) {
        for _ in 0..2 {
            let to = match heir {
                Heir::Anyone => String::new(),
                Heir::Asker => asked_by(&lease).to_owned(),
            };
            let mut given = lease.clone();
            forget_question(&mut given);
            given.spec = Some(LeaseSpec {
                holder_identity: Some(to.clone()),
                // Long enough for whoever asked to see and take it; should it be gone meanwhile, others need not wait for long.
                lease_duration_seconds: Some(if to.is_empty() {
                    1
                } else {
                    self.shared.timing.hand_over_seconds()
                }),
                renew_time: Some(MicroTime(Timestamp::now())),
                ..lease.spec.clone().unwrap_or_default()
            });
            match self.write(given, self.shared.patience()).await {
                Tried::Ours { .. } if to.is_empty() => return info!(lease = self.name, "given back"),
                Tried::Ours { .. } => {
                    return info!(lease = self.name, to, "handed over to a replica that holds less");
                }
                // Somebody may have asked for it since.
                Tried::Refused => match self.look().await {
                    Ok(Some(current)) if holder(&current) == self.shared.candidate => lease = current,
                    _ => return,
                },
                Tried::Unknown(why) => {
                    return warn!(lease = self.name, "giving the Lease back: {why}; it runs out by itself");
                }
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
}

/// Waits for what is said of this term.
async fn is_said(said: &mut watch::Receiver<Option<u64>>, term: u64) {
    if said.wait_for(|said| *said == Some(term)).await.is_err() {
        std::future::pending::<()>().await;
    }
}

fn holder(lease: &Lease) -> &str {
    lease.spec.as_ref().and_then(|spec| spec.holder_identity.as_deref()).unwrap_or_default()
}

/// Who asks the holder for this Lease; empty when nobody does.
pub(super) fn asked_by(lease: &Lease) -> &str {
    let asked_by = lease.metadata.annotations.as_ref().and_then(|annotations| annotations.get(ASKED_BY));
    asked_by.map(String::as_str).unwrap_or_default()
}

fn forget_question(lease: &mut Lease) {
    if let Some(annotations) = &mut lease.metadata.annotations {
        annotations.remove(ASKED_BY);
    }
}
