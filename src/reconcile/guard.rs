//! The deletion guard at work: waves settle, are judged whole, are written down before they happen, and are held when they are too
//! large. What is a loss and how many may be is decided in [`crate::plan::losses`]; this file asks and says.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
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
    /// RRsets that are held back there already: they count as well.
    pub held: usize,
    /// How many there may be within the window.
    pub allowed: usize,
    /// Yes, no, or why that cannot be told now.
    pub reply: oneshot::Sender<Result<bool, String>>,
}

/// What a pass knows of the guard.
pub struct Guard {
    /// How many losses there may be.
    pub allowance: Allowance,
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
    /// UIDs of objects whose loss may happen.
    pub cleared: HashSet<String>,
    /// Losses that are held, with the RRsets.
    pub held: BTreeMap<ObjectName, Held>,
}

/// A loss that is held.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Held {
    /// The id of its wave.
    pub id: String,
    /// The RRsets that would be lost.
    pub rrsets: BTreeSet<RrsetKey>,
}

impl Memory {
    /// How many RRsets are held.
    #[must_use]
    pub fn held_rrsets(&self) -> usize {
        self.held.values().flat_map(|held| &held.rrsets).collect::<BTreeSet<_>>().len()
    }

    /// The object is gone.
    pub fn forget(&mut self, object: &ObjectName) {
        self.waiting.remove(object);
        self.held.remove(object);
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
    let losses = losses(decisions, rows);
    let guard = &mut work.guard;
    let memory = &mut guard.memory;
    for decision in decisions.iter().filter(|decision| !losses.contains_key(&decision.object)) {
        memory.forget(&decision.object);
    }
    let mut rulings = HashMap::new();
    let mut wave: BTreeMap<&ObjectName, &BTreeSet<RrsetKey>> = BTreeMap::new();
    for (object, rrsets) in &losses {
        let Some(subject) = work.subjects.get(object) else { continue };
        if memory.cleared.contains(uid(subject)) {
            continue;
        }
        let hold = memory.held.get(object).map(|held| held.id.clone()).or_else(|| hold_of(subject));
        match hold {
            Some(id) if guard.approved.contains(&id) => {
                memory.forget(object);
                memory.cleared.insert(uid(subject).to_owned());
            }
            Some(id) if guard.abandoned.contains(&id) && is_deleting(subject) => {
                memory.forget(object);
                rulings.insert(object.clone(), Ruling::Abandoned(id));
            }
            Some(id) => {
                memory.held.insert(object.clone(), Held { id, rrsets: rrsets.clone() });
                memory.waiting.remove(object);
            }
            None => {
                let now = tools.started.elapsed();
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
        if tools.started.elapsed() < settles_at || !whole {
            rulings.extend(wave.keys().map(|object| ((*object).clone(), Ruling::NotBefore(settles_at))));
        } else {
            judge(work, &wave, &mut rulings).await;
        }
    }
    for (object, held) in &work.guard.memory.held {
        if let Some(subject) = work.subjects.get(object) {
            let message = words(work, subject, held);
            rulings.insert(object.clone(), Ruling::Held(held.id.clone(), message));
        }
    }
    rulings
}

/// The wave as a whole: all of it may happen, or none.
async fn judge(
    work: &mut Work,
    wave: &BTreeMap<&ObjectName, &BTreeSet<RrsetKey>>,
    rulings: &mut HashMap<ObjectName, Ruling>,
) {
    let guard = &mut work.guard;
    let rrsets: BTreeSet<&RrsetKey> = wave.values().copied().flatten().collect();
    let (reply, answer) = oneshot::channel();
    let request = DeletionRequest {
        place: work.place.clone(),
        count: rrsets.len(),
        held: guard.memory.held_rrsets(),
        allowed: guard.allowance.of(guard.owned.unwrap_or(0)),
        reply,
    };
    let asked = guard.ledger.send(request).map_err(|_| "the SolidServer is gone".to_owned());
    let answer = match asked {
        Ok(()) => answer.await.unwrap_or_else(|_| Err("the SolidServer is gone".to_owned())),
        Err(error) => Err(error),
    };
    match answer {
        Ok(true) => {
            for object in wave.keys() {
                guard.memory.waiting.remove(*object);
                if let Some(subject) = work.subjects.get(*object) {
                    guard.memory.cleared.insert(uid(subject).to_owned());
                }
            }
        }
        Ok(false) => {
            let states = wave.keys().filter_map(|object| {
                let subject = work.subjects.get(*object)?;
                let generation = subject.record.metadata.generation.unwrap_or_default();
                Some((*object, format!("{} {generation}", uid(subject))))
            });
            let id = hold_id(&work.solid_server, &work.place, states);
            warn!(
                solid_server = %work.solid_server, place = %work.place, id, rrsets = rrsets.len(),
                "deletions are held: more than the guard lets through"
            );
            for (object, rrsets) in wave {
                guard.memory.waiting.remove(*object);
                let held = Held { id: id.clone(), rrsets: (*rrsets).clone() };
                guard.memory.held.insert((*object).clone(), held);
            }
        }
        Err(why) => {
            rulings.extend(wave.keys().map(|object| ((*object).clone(), Ruling::Unwritten(why.clone()))));
        }
    }
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

/// The hold that its status speaks of, for this state of the object.
fn hold_of(subject: &Subject) -> Option<String> {
    subject.record.status.as_ref()?.hold_id.clone()
}

fn uid(subject: &Subject) -> &str {
    subject.record.metadata.uid.as_deref().unwrap_or_default()
}

fn is_deleting(subject: &Subject) -> bool {
    subject.record.metadata.deletion_timestamp.is_some()
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
