//! The deletion guard at work: waves settle, are judged whole, are written down before they happen, and are held when they are too
//! large. What is a loss and how many may be is decided in [`crate::plan::losses`]; this file asks and says.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};
use tracing::warn;

use super::{Subject, Tools, Work};
use crate::plan::{Allowance, Decision, ObjectName, Wave, hold_id, losses};
use crate::record::{Place, Row, RrsetKey};

/// Asks whoever keeps the window's count whether so many losses may happen. They are written down before the answer is yes.
#[derive(Debug)]
pub struct DeletionRequest {
    /// The zone.
    pub place: Place,
    /// RRsets that would be lost.
    pub count: usize,
    /// What they are measured by; `None` where they were granted before, and only the time at which they happen is written anew.
    pub bound: Option<Bound>,
    /// Yes, no, or why that cannot be told now.
    pub reply: oneshot::Sender<Result<bool, String>>,
}

/// What a wave is measured by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bound {
    /// RRsets of the same kind that were held back within the window: they count as well, so that what comes after a wave that was
    /// held is not let through because it is small.
    pub held: usize,
    /// How many there may be within the window.
    pub allowed: usize,
}

/// What a pass knows of the guard.
pub struct Guard {
    /// How many losses there may be.
    pub allowance: Allowance,
    /// Within so long.
    pub window: Duration,
    /// RRsets of ours in the zone at its last whole reading; `None` before the first.
    pub owned: Option<usize>,
    /// Where requests go.
    pub ledger: mpsc::UnboundedSender<DeletionRequest>,
    /// Ids of held deletions that may happen.
    pub approved: BTreeSet<String>,
    /// Ids of held deletions whose rows stay.
    pub abandoned: BTreeSet<String>,
    /// What is remembered of the zone's losses.
    pub memory: Memory,
}

/// What is remembered of a zone's losses from one pass to the next.
#[derive(Clone, Debug, Default)]
pub struct Memory {
    /// When losses that are not judged yet were first seen, since the start of the process.
    pub waiting: BTreeMap<ObjectName, Duration>,
    /// Losses that may happen.
    pub cleared: BTreeMap<ObjectName, Cleared>,
    /// Losses that are held, with the RRsets.
    pub held: BTreeMap<ObjectName, Held>,
}

/// A loss that may happen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cleared {
    /// The object.
    pub uid: String,
    /// The RRsets that it may lose, and no others.
    pub rrsets: BTreeSet<RrsetKey>,
    /// When the window last counted it, since the start of the process; `None` for what a person approved.
    pub counted: Option<Duration>,
}

/// A loss that is held.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Held {
    /// The object.
    pub uid: String,
    /// The id of its wave.
    pub id: String,
    /// The RRsets that would be lost.
    pub rrsets: BTreeSet<RrsetKey>,
    /// Since when, since the start of the process.
    pub since: Duration,
    /// Whether the object is being deleted, and not renamed.
    pub deleting: bool,
}

impl Memory {
    /// How many RRsets are held since then or later, of those that are being deleted, renamed, or both.
    fn held_rrsets(&self, since: Duration, kinds: &BTreeSet<bool>) -> usize {
        let counts = |held: &&Held| held.since >= since && kinds.contains(&held.deleting);
        self.held.values().filter(counts).flat_map(|held| &held.rrsets).collect::<BTreeSet<_>>().len()
    }

    /// The object loses nothing any more, or is gone.
    pub fn forget(&mut self, object: &ObjectName) {
        self.waiting.remove(object);
        self.cleared.remove(object);
        self.held.remove(object);
    }

    /// Whether it remembers nothing of any object.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.waiting.is_empty() && self.cleared.is_empty() && self.held.is_empty()
    }

    /// Only these objects are left.
    pub fn retain(&mut self, objects: &BTreeSet<ObjectName>) {
        self.waiting.retain(|object, _| objects.contains(object));
        self.cleared.retain(|object, _| objects.contains(object));
        self.held.retain(|object, _| objects.contains(object));
    }

    /// What is remembered of an earlier object of that name is void.
    fn void_others(&mut self, object: &ObjectName, uid: &str) {
        let other = self.cleared.get(object).is_some_and(|cleared| cleared.uid != uid)
            || self.held.get(object).is_some_and(|held| held.uid != uid);
        if other {
            self.forget(object);
        }
    }
}

/// What the guard says of one decision.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Ruling {
    /// Its wave has not settled: not before then, since the start of the process.
    NotBefore(Duration),
    /// It is held under this id, with the sentence for its status.
    Held(String, String),
    /// It is let go, and its rows stay.
    Abandoned(String),
    /// The window's count could not be written down.
    Unwritten(String),
}

/// Judges the losses among the decisions. Decisions without a ruling may be carried out.
pub(super) async fn rule(
    work: &mut Work,
    tools: &Tools,
    decisions: &[Decision],
    rows: &[&Row],
) -> HashMap<ObjectName, Ruling> {
    let now = tools.started.elapsed();
    let mut losses = losses(decisions, rows);
    // Nothing is written for those, so nothing is lost.
    losses.retain(|object, _| work.subjects.get(object).is_some_and(|subject| !subject.suspended));
    let guard = &mut work.guard;
    let memory = &mut guard.memory;
    for decision in decisions.iter().filter(|decision| !losses.contains_key(&decision.object)) {
        memory.forget(&decision.object);
    }
    let mut rulings = HashMap::new();
    let mut wave = Losses::new();
    let mut late = Losses::new();
    for (object, rrsets) in &losses {
        let Some(subject) = work.subjects.get(object) else { continue };
        memory.void_others(object, &uid(subject));
        let hold = memory.held.get(object).map(|held| held.id.clone()).or_else(|| hold_of(subject));
        // Also of what was approved before, as far as it has not happened yet.
        if let Some(id) = hold.as_ref().filter(|id| guard.abandoned.contains(*id))
            && is_deleting(subject)
        {
            memory.forget(object);
            rulings.insert(object.clone(), Ruling::Abandoned(id.clone()));
            continue;
        }
        if let Some(cleared) = memory.cleared.get(object).filter(|cleared| rrsets.is_subset(&cleared.rrsets))
        {
            if cleared.counted.is_some_and(|counted| now.saturating_sub(counted) > guard.window / 10) {
                late.insert(object, rrsets);
            }
            continue;
        }
        memory.cleared.remove(object);
        match hold {
            Some(id) if guard.approved.contains(&id) => memory.clear(object, subject, rrsets, None),
            Some(id) => memory.hold(object, subject, rrsets, &id, now),
            None => {
                memory.waiting.entry(object.clone()).or_insert(now);
                wave.insert(object, rrsets);
            }
        }
    }
    if let Some(settles_at) = Wave::of(memory.waiting.values().copied()).map(Wave::settles_at)
        && !wave.is_empty()
    {
        // Whoever is waited for and not among these decisions is so until the engine brings all of them together.
        let whole = memory.waiting.keys().all(|object| wave.contains_key(object));
        if now < settles_at || !whole {
            rulings.extend(wave.keys().map(|object| ((*object).clone(), Ruling::NotBefore(settles_at))));
        } else {
            judge(work, &wave, now, &mut rulings).await;
        }
    }
    if !late.is_empty() {
        count_anew(work, &late, now, &mut rulings).await;
    }
    for (object, held) in &work.guard.memory.held {
        if let Some(subject) = work.subjects.get(object) {
            let message = words(work, subject, held);
            rulings.insert(object.clone(), Ruling::Held(held.id.clone(), message));
        }
    }
    rulings
}

/// Losses of one pass that are looked at together.
type Losses<'a> = BTreeMap<&'a ObjectName, &'a BTreeSet<RrsetKey>>;

impl Memory {
    fn clear(
        &mut self,
        object: &ObjectName,
        subject: &Subject,
        rrsets: &BTreeSet<RrsetKey>,
        counted: Option<Duration>,
    ) {
        self.forget(object);
        let cleared = Cleared { uid: uid(subject), rrsets: rrsets.clone(), counted };
        self.cleared.insert(object.clone(), cleared);
    }

    fn hold(
        &mut self,
        object: &ObjectName,
        subject: &Subject,
        rrsets: &BTreeSet<RrsetKey>,
        id: &str,
        now: Duration,
    ) {
        let since = self.held.get(object).map_or(now, |held| held.since);
        self.forget(object);
        let held = Held {
            uid: uid(subject),
            id: id.to_owned(),
            rrsets: rrsets.clone(),
            since,
            deleting: is_deleting(subject),
        };
        self.held.insert(object.clone(), held);
    }
}

/// The wave as a whole: all of it may happen, or none.
async fn judge(work: &mut Work, wave: &Losses<'_>, now: Duration, rulings: &mut HashMap<ObjectName, Ruling>) {
    let guard = &work.guard;
    let kinds = wave.keys().filter_map(|object| work.subjects.get(*object)).map(is_deleting).collect();
    let bound = Bound {
        held: guard.memory.held_rrsets(now.saturating_sub(guard.window), &kinds),
        allowed: guard.allowance.of(guard.owned.unwrap_or(0)),
    };
    match ask(work, wave, Some(bound)).await {
        Ok(true) => {
            for (object, rrsets) in wave {
                let Some(subject) = work.subjects.get(*object) else { continue };
                work.guard.memory.clear(object, subject, rrsets, Some(now));
            }
        }
        Ok(false) => {
            let states = wave.keys().filter_map(|object| {
                let subject = work.subjects.get(*object)?;
                let generation = subject.record.read().ok()?.metadata.generation.unwrap_or_default();
                Some((*object, format!("{} {generation}", uid(subject))))
            });
            let id = hold_id(&work.solid_server, &work.place, states);
            // The very same wave may have been approved before a restart, when not one status said so yet.
            let approved = work.guard.approved.contains(&id);
            if !approved {
                warn!(
                    solid_server = %work.solid_server, place = %work.place, id, objects = wave.len(),
                    "deletions are held: more than the guard lets through"
                );
            }
            for (object, rrsets) in wave {
                let Some(subject) = work.subjects.get(*object) else { continue };
                if approved {
                    work.guard.memory.clear(object, subject, rrsets, None);
                } else {
                    work.guard.memory.hold(object, subject, rrsets, &id, now);
                }
            }
        }
        Err(why) => {
            rulings.extend(wave.keys().map(|object| ((*object).clone(), Ruling::Unwritten(why.clone()))));
        }
    }
}

/// What was let through and has not happened since is counted by the time at which it does.
async fn count_anew(
    work: &mut Work,
    late: &Losses<'_>,
    now: Duration,
    rulings: &mut HashMap<ObjectName, Ruling>,
) {
    match ask(work, late, None).await {
        Ok(_) => {
            for object in late.keys() {
                if let Some(cleared) = work.guard.memory.cleared.get_mut(*object) {
                    cleared.counted = Some(now);
                }
            }
        }
        Err(why) => {
            rulings.extend(late.keys().map(|object| ((*object).clone(), Ruling::Unwritten(why.clone()))));
        }
    }
}

async fn ask(work: &Work, losses: &Losses<'_>, bound: Option<Bound>) -> Result<bool, String> {
    let gone = || "the SolidServer is gone".to_owned();
    let rrsets: BTreeSet<&RrsetKey> = losses.values().copied().flatten().collect();
    let (reply, answer) = oneshot::channel();
    let request = DeletionRequest { place: work.place.clone(), count: rrsets.len(), bound, reply };
    work.guard.ledger.send(request).map_err(|_| gone())?;
    answer.await.unwrap_or_else(|_| Err(gone()))
}

fn words(work: &Work, subject: &Subject, held: &Held) -> String {
    let rrsets: Vec<String> = held.rrsets.iter().map(ToString::to_string).collect();
    let annotate = format!(
        "kubectl annotate --overwrite --field-manager=flux-client-side-apply solidserver {}",
        work.solid_server
    );
    let keep = if is_deleting(subject) {
        format!("to leave these rows in DNS: {annotate} {}={}", crate::api::ABANDON_DELETIONS, held.id)
    } else {
        "to keep it, set spec.fqdn and spec.type back".to_owned()
    };
    format!(
        "{} would go, together with more than the guard lets through (hold {}); nothing is deleted. \
         To approve: {annotate} {}={}; {keep}",
        rrsets.join(", "),
        held.id,
        crate::api::APPROVE_DELETIONS,
        held.id
    )
}

/// The hold that its status speaks of.
fn hold_of(subject: &Subject) -> Option<String> {
    subject.record.read().ok()?.status.as_ref()?.hold_id.clone()
}

fn uid(subject: &Subject) -> String {
    let record = subject.record.read().ok();
    record.and_then(|record| record.metadata.uid.clone()).unwrap_or_default()
}

fn is_deleting(subject: &Subject) -> bool {
    subject.record.read().is_ok_and(|record| record.metadata.deletion_timestamp.is_some())
}

/// What is held in a zone, by id.
#[must_use]
pub fn holds(memory: &Memory) -> BTreeMap<Arc<str>, BTreeSet<RrsetKey>> {
    let mut holds: BTreeMap<Arc<str>, BTreeSet<RrsetKey>> = BTreeMap::new();
    for held in memory.held.values() {
        holds.entry(held.id.as_str().into()).or_default().extend(held.rrsets.iter().cloned());
    }
    holds
}
