//! What the engine remembers of each zone and each DnsRecord (no IO).

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;

use super::binding::Binding;
use crate::api::desired::{is_abandoned, reconcile_requested};
use crate::api::{DnsRecord, Reason};
use crate::plan::{Brake, BrakeReason, ObjectName, WrittenRow};
use crate::reconcile::{Asked, Known, Memory, is_held, shown_reason};
use crate::record::{Name, Place};
use crate::telemetry::Journey;

/// One zone of one appliance: the unit of work.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct ZoneKey {
    /// The SolidServer.
    pub(super) solid_server: Arc<str>,
    /// Where on its appliance.
    pub(super) place: Place,
}

/// What is remembered of a zone.
#[derive(Default)]
pub(super) struct ZoneState {
    /// DnsRecords by the names that concern them, sorted. Mostly one: a tree would take ten times the room.
    members: HashMap<Name, Vec<ObjectName>>,
    /// DnsRecords to be decided in the next pass.
    pub(super) dirty: BTreeSet<ObjectName>,
    /// The pass that runs was given a portion of them only; the others are still here.
    pub(super) portioned: bool,
    /// How many DnsRecords the last pass brought to an end.
    pub(super) ended: usize,
    /// What is asked of the pass that runs.
    pub(super) asking: Asking,
    /// DnsRecords to be decided again at a time.
    pub(super) retries: BTreeMap<ObjectName, Instant>,
    /// A reading of the whole zone is due.
    pub(super) whole_due: bool,
    /// No pass before this: the last one could not read the zone.
    pub(super) not_before: Option<Instant>,
    /// Passes in a row that could not read the zone.
    pub(super) failures: u32,
    /// What the last slice has read.
    pub(super) known: Option<Known>,
    /// Rows at the last reading of the whole zone.
    pub(super) rows: Option<usize>,
    /// Rows of ours without a DnsRecord, at the last reading of the whole zone.
    pub(super) orphans: usize,
    /// RRsets of ours, at the last reading of the whole zone.
    pub(super) owned: Option<usize>,
    /// What the deletion guard remembers.
    pub(super) guard: Memory,
}

/// What is asked of the pass that runs. Never of two in a row to end at once: where changes keep coming, each of them would begin next to
/// nothing.
#[derive(Default)]
pub(super) struct Asking {
    pass: Option<watch::Sender<Asked>>,
    /// This pass was asked to end at once.
    made: bool,
    /// The one before it was.
    spared: bool,
}

impl Asking {
    /// A pass begins; it looks here for what is asked of it.
    pub(super) fn begin(&mut self) -> watch::Receiver<Asked> {
        let (pass, receiver) = watch::channel(Asked::Nothing);
        self.pass = Some(pass);
        self.spared = std::mem::take(&mut self.made);
        receiver
    }

    /// The pass is over.
    pub(super) fn end(&mut self) {
        self.pass = None;
    }

    /// A change wants to join.
    pub(super) fn ask_to_let_join(&self) {
        self.ask(Asked::ToLetJoin);
    }

    /// A change should not wait for what the pass has not begun yet.
    pub(super) fn ask_to_end(&mut self) {
        if self.spared {
            self.ask_to_let_join();
        } else if self.pass.is_some() {
            self.ask(Asked::ToEnd);
            self.made = true;
        }
    }

    /// Nothing more of the pass is wanted, whatever was asked of the one before it.
    pub(super) fn stop(&self) {
        self.ask(Asked::ToEnd);
    }

    fn ask(&self, more: Asked) {
        if let Some(pass) = &self.pass {
            pass.send_if_modified(|asked| std::mem::replace(asked, more.max(*asked)) < more);
        }
    }
}

impl ZoneState {
    /// A zone that nothing is known of: it is read as a whole before anything narrow.
    pub(super) fn unread() -> Self {
        Self { whole_due: true, ..Self::default() }
    }

    /// The DnsRecords that a name concerns.
    pub(super) fn at(&self, name: &Name) -> impl Iterator<Item = &ObjectName> {
        self.members.get(name).into_iter().flatten()
    }

    /// All DnsRecords that the zone concerns.
    #[must_use]
    pub(super) fn all(&self) -> BTreeSet<ObjectName> {
        self.members.values().flatten().cloned().collect()
    }

    /// How many DnsRecords the zone concerns, about: one that two names concern counts twice.
    #[must_use]
    pub(super) fn size(&self) -> usize {
        self.members.values().map(Vec::len).sum()
    }

    /// One of them.
    pub(super) fn any(&self) -> Option<&ObjectName> {
        self.members.values().flatten().next()
    }

    /// Whether the zone concerns anybody.
    #[must_use]
    pub(super) fn is_empty(&self) -> bool {
        self.members.is_empty()
    }

    /// A name concerns a DnsRecord.
    pub(super) fn insert(&mut self, name: &Name, object: &ObjectName) {
        let objects = self.members.entry(name.clone()).or_insert_with(|| Vec::with_capacity(1));
        if let Err(place) = objects.binary_search(object) {
            objects.insert(place, object.clone());
        }
    }

    /// A name does not concern a DnsRecord any more.
    pub(super) fn remove(&mut self, name: &Name, object: &ObjectName) {
        if let Some(objects) = self.members.get_mut(name) {
            if let Ok(place) = objects.binary_search(object) {
                objects.remove(place);
            }
            if objects.is_empty() {
                self.members.remove(name);
            }
        }
    }

    /// Makes those due whose time has come; returns when the next one is.
    pub(super) fn wake(&mut self, now: Instant) -> Option<Instant> {
        let due: Vec<ObjectName> =
            self.retries.iter().filter(|(_, at)| **at <= now).map(|(object, _)| object.clone()).collect();
        for object in due {
            self.retries.remove(&object);
            self.dirty.insert(object);
        }
        self.retries.values().min().copied()
    }
}

/// What of an object matters: an event that changes nothing of this is none of our business.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Seen {
    uid: Option<Box<str>>,
    generation: Option<i64>,
    deleting: bool,
    requested: Option<Box<str>>,
    abandoned: bool,
}

impl Seen {
    /// Takes it from an object.
    #[must_use]
    pub(super) fn of(record: &DnsRecord) -> Self {
        Self {
            uid: record.metadata.uid.as_deref().map(Box::from),
            generation: record.metadata.generation,
            deleting: record.metadata.deletion_timestamp.is_some(),
            requested: reconcile_requested(record).map(Box::from),
            abandoned: is_abandoned(record),
        }
    }

    /// Whether there is something to do that there was not before; a request that was served is nothing new.
    #[must_use]
    pub(super) fn is_news_to(&self, before: &Self) -> bool {
        let requested = self.requested.is_some() && self.requested != before.requested;
        requested
            || self.uid != before.uid
            || self.generation != before.generation
            || self.deleting != before.deleting
            || self.abandoned != before.abandoned
    }

    /// Whether both are one object, and not two of one name.
    #[must_use]
    pub(super) fn is_same_object(&self, other: &Self) -> bool {
        self.uid == other.uid
    }
}

/// What is remembered of a DnsRecord.
pub(super) struct Slot {
    /// What was last seen of it.
    pub(super) seen: Seen,
    /// Whether it had our finalizer.
    pub(super) held: bool,
    /// The SolidServer that it refers to.
    pub(super) solid_server: Arc<str>,
    /// Its zone, once bound.
    pub(super) binding: Option<Binding>,
    /// The zones and names under which it is registered.
    pub(super) registered: Vec<(ZoneKey, Name)>,
    /// What is remembered of its writes.
    pub(super) brake: Brake,
    /// Tries since it last settled.
    pub(super) attempts: u32,
    /// Its turn did not come in the last slice, and it has not changed since.
    pub(super) left_over: bool,
    /// It is settled in its new zone: the one it leaves may be cleared.
    pub(super) placed: bool,
    /// Zones that it left and that are cleared, until its status says where it is.
    pub(super) left: BTreeSet<Place>,
    /// Where rows of it were or may have been written since it was last known to be settled. Lost with a restart, after which every
    /// zone is read as a whole.
    pub(super) written: BTreeSet<(Place, Name)>,
    /// The rows that these were, for appliances on which rows carry no marks.
    pub(super) sent: BTreeSet<(Place, WrittenRow)>,
    /// Its zone was not among those of the last look.
    pub(super) lost_zone: bool,
    /// In how many whole looks its zone was missing.
    pub(super) missed_zone: u32,
    /// Since when a person has waited for it to settle.
    pub(super) waits_since: Option<Instant>,
    /// The same for whoever looks at traces.
    pub(super) journey: Journey,
    /// Whether its status says that it waits.
    pub(super) waiting_told: bool,
    /// Since when its SolidServer has been missing, until that was told.
    pub(super) unserved_since: Option<Instant>,
}

impl Slot {
    /// Nobody waits for it any more.
    pub(super) fn is_served(&mut self) {
        self.waits_since = None;
        self.journey = Journey::default();
        self.waiting_told = false;
    }

    /// A new object; what its status says of a write that was held goes on to count.
    #[must_use]
    pub(super) fn new(
        record: &DnsRecord,
        solid_server: Arc<str>,
        now: Instant,
        since_start: Duration,
    ) -> Self {
        Self {
            seen: Seen::of(record),
            held: is_held(record),
            solid_server,
            binding: None,
            registered: Vec::new(),
            brake: restored(record, since_start).unwrap_or_default(),
            attempts: 0,
            left_over: false,
            placed: false,
            left: BTreeSet::new(),
            written: BTreeSet::new(),
            sent: BTreeSet::new(),
            lost_zone: false,
            missed_zone: 0,
            waits_since: Some(now),
            journey: Journey::default(),
            waiting_told: false,
            unserved_since: None,
        }
    }
}

/// How long a write stays held after a restart, when its status says that it was held before.
const RESTORED_FOR: Duration = Duration::from_secs(3600);

/// The brake of a record whose status says that a write was held.
pub(super) fn restored(record: &DnsRecord, since_start: Duration) -> Option<Brake> {
    let reason = match shown_reason(record)? {
        Reason::Rejected => BrakeReason::Rejected,
        Reason::NotStoredAsSent => BrakeReason::NotStoredAsSent,
        Reason::Contested => BrakeReason::Contested,
        Reason::HiddenByRights => BrakeReason::HiddenByRights,
        _ => return None,
    };
    let conditions = &record.status.as_ref()?.conditions;
    let message = conditions.iter().find(|condition| condition.type_ == "Ready")?.message.clone();
    Some(Brake::restored(reason, message, since_start + RESTORED_FOR))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pass_is_asked_to_end_and_the_next_one_to_let_join() {
        let mut asking = Asking::default();
        asking.ask_to_end();
        let first = asking.begin();
        assert_eq!(*first.borrow(), Asked::Nothing, "nothing ran that could have been asked");
        asking.ask_to_let_join();
        assert_eq!(*first.borrow(), Asked::ToLetJoin);
        asking.ask_to_end();
        asking.ask_to_let_join();
        assert_eq!(*first.borrow(), Asked::ToEnd);
        asking.end();
        let second = asking.begin();
        asking.ask_to_end();
        assert_eq!(*second.borrow(), Asked::ToLetJoin);
        asking.end();
        let third = asking.begin();
        asking.ask_to_end();
        assert_eq!(*third.borrow(), Asked::ToEnd);
    }

    #[test]
    fn a_pass_that_is_not_wanted_any_more_ends_though_the_one_before_it_was_asked_to() {
        let mut asking = Asking::default();
        drop(asking.begin());
        asking.ask_to_end();
        asking.end();
        let pass = asking.begin();
        asking.stop();
        assert_eq!(*pass.borrow(), Asked::ToEnd);
    }

    #[test]
    fn a_change_between_two_passes_asks_nothing_of_either() {
        let mut asking = Asking::default();
        let first = asking.begin();
        asking.end();
        asking.ask_to_end();
        let second = asking.begin();
        assert_eq!([*first.borrow(), *second.borrow()], [Asked::Nothing; 2]);
        asking.ask_to_end();
        assert_eq!(*second.borrow(), Asked::ToEnd);
    }
}
