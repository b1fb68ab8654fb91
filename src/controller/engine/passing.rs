//! Passes: what each is given and what is made of its outcome.

use std::collections::{BTreeSet, HashMap};
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt as _;
use jiff::Timestamp;
use tokio::time::Instant;
use tracing::{debug, error};

use super::{Engine, PASSES_OF_ONE};
use crate::api::desired::{claim, reconcile_requested};
use crate::api::{ApprovalKind, DnsRecord, Publication, Reason, SolidServerSpec};
use crate::controller::appliance::Ask;
use crate::controller::turns::portion;
use crate::controller::zones::{Seen, Slot, ZoneKey, ZoneState};
use crate::plan::{Allowance, Marks, ObjectName, Stage};
use crate::reconcile::{
    self, Deed, Done, Ending, ErrorClass, Guard, Publishing, Scope, Settled, StoredRecord, Subject, Work,
    is_held, is_ready, shown_reason,
};
use crate::record::{Name, Place};

/// How long a zone rests after a pass that broke off through a defect of ours.
const AFTER_A_DEFECT: Duration = Duration::from_secs(60);

/// DnsRecords that whole passes of one appliance decide at one time, a single larger zone apart: a pass holds all rows of its zone and what it makes
/// of them, some kilobytes for each. Zones of ordinary sizes go side by side all the same.
const AT_ONCE: usize = 25_000;

/// Readings of more rows than this are not kept for the changes that may come.
const KEPT_ROWS: usize = 5_000;

/// What whole passes of one appliance hold in memory, in DnsRecords.
#[derive(Default)]
pub(super) struct Room {
    taken: usize,
    passes: HashMap<ZoneKey, usize>,
    /// Zones that are due for a whole pass while others take the room.
    waiting: BTreeSet<ZoneKey>,
}

/// Whether the record's status, as it is now, says which rows are its own.
fn tells_what_is_applied(record: &DnsRecord) -> bool {
    matches!(
        shown_reason(record),
        Some(Reason::InSync | Reason::Occluded | Reason::DefaultsChanged | Reason::ForeignValues)
    )
}

/// The namespaces with changes in a zone that people wait for.
fn waited_for(
    zone: &ZoneKey,
    zones: &HashMap<ZoneKey, ZoneState>,
    slots: &HashMap<ObjectName, Box<Slot>>,
) -> BTreeSet<Arc<str>> {
    let mut namespaces = BTreeSet::new();
    for object in zones.get(zone).into_iter().flat_map(|state| &state.dirty) {
        let waits = || slots.get(object).is_some_and(|slot| slot.waits_since.is_some());
        if !namespaces.contains(&object.namespace) && waits() {
            namespaces.insert(Arc::clone(&object.namespace));
        }
    }
    namespaces
}

impl Engine {
    /// A zone is due: its pass begins, or it waits for its turn among those of its appliance.
    pub(super) fn begin(&mut self, zone: ZoneKey) {
        if self.is_busy(&zone.solid_server) {
            self.turns.entry(Arc::clone(&zone.solid_server)).or_default().wait(zone);
        } else {
            self.start(zone);
        }
    }

    fn is_busy(&self, solid_server: &Arc<str>) -> bool {
        self.busy.get(solid_server).is_some_and(|busy| *busy >= PASSES_OF_ONE)
    }

    /// Begins zones that have waited for a pass of their appliance to end.
    fn start_waiting(&mut self, solid_server: &Arc<str>) {
        while !self.is_busy(solid_server) {
            let next = self
                .turns
                .get_mut(solid_server)
                .and_then(|turns| turns.next(|zone| waited_for(zone, &self.zones, &self.slots)));
            let Some(next) = next else { return };
            self.start(next);
        }
    }

    fn start(&mut self, zone: ZoneKey) {
        let served = waited_for(&zone, &self.zones, &self.slots);
        let size = self.zones.get(&zone).filter(|state| state.whole_due).map_or(0, ZoneState::size);
        let room = self.rooms.entry(Arc::clone(&zone.solid_server)).or_default();
        if room.taken > 0 && room.taken + size > AT_ONCE {
            room.waiting.insert(zone.clone());
            self.queue.finished(&zone);
            return;
        }
        let Some(work) = self.work(&zone) else {
            self.queue.finished(&zone);
            if self.zones.get(&zone).is_some_and(ZoneState::is_empty) {
                self.forget_zone(&zone);
            }
            return;
        };
        let lead = self.appliances.get(&zone.solid_server).and_then(|appliance| appliance.lead.as_ref());
        let Some((tools, term)) = lead.map(|lead| (Arc::clone(&lead.tools), lead.claim.only())) else {
            self.queue.finished(&zone);
            return;
        };
        *self.busy.entry(Arc::clone(&zone.solid_server)).or_default() += 1;
        self.turns.entry(Arc::clone(&zone.solid_server)).or_default().serve(served);
        if size > 0
            && let Some(room) = self.rooms.get_mut(&zone.solid_server)
        {
            room.taken += size;
            room.passes.insert(zone.clone(), size);
        }
        self.passes.spawn(async move {
            // A defect in one zone's pass must not stop that zone for ever, and not in silence.
            let done = AssertUnwindSafe(reconcile::pass(work, &tools)).catch_unwind().await.ok();
            (zone, term, done)
        });
    }

    /// Puts together what a pass needs; `None` when there is nothing to do, or no appliance to do it with.
    pub(super) fn work(&mut self, zone: &ZoneKey) -> Option<Work> {
        let now = Instant::now();
        let appliance = self.appliances.get(&zone.solid_server)?;
        let ready =
            appliance.ready.as_ref().filter(|_| appliance.trouble.is_none() && !appliance.leaves())?;
        let state = self.zones.get_mut(zone)?;
        if let Some(not_before) = state.not_before.filter(|not_before| *not_before > now) {
            self.queue.at(zone, not_before);
            return None;
        }
        if let Some(next) = state.wake(now) {
            self.queue.at(zone, next);
        }
        let whole = state.whole_due;
        let mut focus = if whole {
            state.dirty.clear();
            state.all()
        } else {
            let left_over = |object: &ObjectName| self.slots.get(object).is_some_and(|slot| slot.left_over);
            portion(state.ended, &mut state.dirty, left_over)
        };
        state.portioned = !state.dirty.is_empty();
        let to_come = state.dirty.len();
        // A wave of deletions is judged as a whole or not at all.
        let judges = focus.iter().any(|object| state.guard.waiting.contains_key(object));
        if judges {
            focus.extend(state.guard.waiting.keys().cloned());
        }
        if whole {
            state.retries.clear();
        }
        if focus.is_empty() {
            state.whole_due = false;
            return None;
        }
        state.whole_due = false;
        let hears = state.asking.begin();
        let mut known = if whole { None } else { state.known.take() };
        let zone_rows = state.rows;
        let asked = |kind: ApprovalKind| -> BTreeSet<String> {
            let approved = appliance.object.status.iter().flat_map(|status| &status.approved);
            approved.filter(|approval| approval.kind == kind).map(|approval| approval.id.clone()).collect()
        };
        let mut guard = Guard {
            allowance: Allowance {
                max_count: ready.spec.deletions_max_count(),
                max_percent: ready.spec.deletions_max_percent(),
            },
            window: ready.spec.deletions_window().unwrap_or(SolidServerSpec::DEFAULT_DELETIONS_WINDOW),
            owned: state.owned,
            ledger: appliance.ledger.clone(),
            approved: asked(ApprovalKind::ApproveDeletions),
            abandoned: asked(ApprovalKind::AbandonDeletions),
            memory: state.guard.clone(),
        };
        let names_of = |objects: &BTreeSet<ObjectName>| -> BTreeSet<Name> {
            let slots = objects.iter().filter_map(|object| self.slots.get(object));
            let entries = slots.flat_map(|slot| &slot.registered);
            entries.filter(|(other, _)| other == zone).map(|(_, name)| name.clone()).collect()
        };
        let at = |names: &BTreeSet<Name>| -> BTreeSet<ObjectName> {
            names.iter().flat_map(|name| state.at(name)).cloned().collect()
        };
        // Whoever is concerned is decided as well, so that nobody waits for one whose turn does not come.
        let names = names_of(&at(&names_of(&focus)));
        let involved = at(&names);

        let (mut claims, mut subjects) = (Vec::new(), HashMap::new());
        for object in involved {
            let Some((record, state)) = self.latest_state(&object) else { continue };
            let Some(slot) = self.slots.get(&object) else { continue };
            let Some(binding) = &slot.binding else { continue };
            let home = binding.home == zone.place;
            let waits_to_leave = !home && !slot.placed;
            if waits_to_leave && ready.marks == Marks::Kept {
                continue;
            }
            let rrset = binding.rrset.clone();
            let mut claim = claim(&record, rrset, &ready.spec, &zone.place, home);
            let sent = slot.sent.iter().filter(|(place, _)| *place == zone.place);
            claim.written = sent.map(|(_, row)| row.clone()).collect();
            if waits_to_leave {
                // Its rows carry no mark that would speak for it, so it speaks itself: they are its own until it has left.
                let Some(applied) = claim.applied.as_ref().and_then(|applied| applied.rrset.clone()) else {
                    continue;
                };
                claim.rrset = applied;
                claim.stage = Stage::Wanted;
                claim.writable = false;
                claims.push(claim);
                continue;
            }
            let here =
                slot.registered.iter().filter(|(other, _)| other == zone).map(|(_, name)| name.clone());
            claim.other_names = here.collect();
            claim.decide = focus.contains(&object) || claim.names().all(|name| names.contains(name));
            let held = slot.brake.until().is_some_and(|until| until > self.tools.started.elapsed());
            claim.writable &= !held;
            claim.left_over = slot.left_over;
            if claim.decide {
                let requested = reconcile_requested(&record);
                if let Some(known) = &mut known
                    && requested.is_some()
                    && slot.waits_since.is_some_and(|since| known.read_at < since.into_std())
                {
                    // Whoever asks for a look wants to be told how it is now, and not how it was before that.
                    claim.names().for_each(|name| known.forget(name));
                }
                let subject = Subject {
                    requested,
                    journey: slot.journey.clone(),
                    record: state,
                    held: slot.held,
                    suspended: record.spec.suspend,
                    brake: slot.brake.clone(),
                    attempts: slot.attempts,
                    home,
                    leaves: if home { binding.leaves.as_deref().cloned() } else { None },
                    defaults_changed: binding.defaults_changed,
                };
                subjects.insert(object, subject);
            }
            claims.push(claim);
        }
        if judges {
            // Whoever cannot be decided is not waited for.
            guard.memory.waiting.retain(|object, _| subjects.contains_key(object));
        }
        Some(Work {
            solid_server: Arc::clone(&zone.solid_server),
            place: zone.place.clone(),
            scope: if whole { Scope::Whole } else { Scope::Names },
            client: ready.client.clone(),
            places: appliance.places.clone(),
            asked: hears,
            marks: ready.marks,
            page_size: usize::try_from(ready.spec.page_size()).unwrap_or(usize::MAX),
            claims,
            subjects,
            known,
            zone_rows,
            to_come,
            guard,
            taken_over: asked(ApprovalKind::TakeOver),
            // The newest word counts: what is suspended now has not been looked at yet.
            suspended: ready.spec.suspend || appliance.object.spec.suspend,
            publishing: match ready.spec.publication() {
                Publication::None => Publishing::NotAsked,
                Publication::Appliance | Publication::Dns => Publishing::Followed,
            },
        })
    }

    /// A pass is over: makes of it what there is to make, and begins the next one.
    pub(super) fn finish(&mut self, zone: &ZoneKey, term: Option<u64>, done: Option<Done>) {
        self.queue.finished(zone);
        if let Some(busy) = self.busy.get_mut(&zone.solid_server) {
            *busy = busy.saturating_sub(1);
        }
        self.take_in(zone, term, done);
        self.start_waiting(&zone.solid_server);
    }

    fn take_in(&mut self, zone: &ZoneKey, term: Option<u64>, done: Option<Done>) {
        let now = Instant::now();
        if let Some(room) = self.rooms.get_mut(&zone.solid_server)
            && let Some(size) = room.passes.remove(zone)
        {
            room.taken = room.taken.saturating_sub(size);
            // Those that still find no room come back.
            for next in std::mem::take(&mut room.waiting) {
                self.queue.at(&next, now);
            }
        }
        if term != self.term(&zone.solid_server) {
            // Begun before the Lease was lost: what it found out may not be so any more.
            match self.zones.get(zone) {
                Some(state) if state.is_empty() => self.forget_zone(zone),
                Some(_) => self.queue.changed(zone, now),
                None => {}
            }
            return;
        }
        let Some(done) = done else {
            error!(solid_server = %zone.solid_server, place = %zone.place, "a pass broke off through a defect; please report it");
            if let Some(state) = self.zones.get_mut(zone) {
                state.whole_due = true;
                state.known = None;
                state.not_before = Some(now + AFTER_A_DEFECT);
                self.queue.at(zone, now + AFTER_A_DEFECT);
            }
            return;
        };
        let failed = done.known.is_none();
        let mut held_changed = false;
        if let Some(round) = self.rounds.get_mut(&zone.solid_server)
            && round.waits_for(&zone.place)
        {
            round.count_reads(done.reads);
            for settled in &done.settled {
                round.count(&settled.object, if failed { Deed::Failed } else { settled.deed });
            }
        }
        if let Some(state) = self.zones.get_mut(zone) {
            if let Some(rows) = done.known.as_ref().and_then(|known| known.zone_rows) {
                state.rows = Some(rows);
            }
            if let Some(orphans) = done.orphans {
                state.orphans = orphans;
            }
            state.owned = done.owned.or(state.owned);
            let held_before = std::mem::replace(&mut state.guard, done.memory);
            if !state.guard.is_empty() {
                let members = state.all();
                state.guard.retain(&members);
            }
            held_changed = held_before.held != state.guard.held;
            state.known = done.known;
            state.asking.end();
            state.ended = done.settled.iter().filter(|settled| settled.ending != Ending::Later).count();
            if done.trouble.is_none() {
                let now = Timestamp::now().as_duration().as_secs_f64();
                self.tools.metrics.zone_succeeded(&zone.solid_server, &zone.place, now);
            }
            state.whole_due |= failed && done.whole;
            state.failures = if failed { state.failures + 1 } else { 0 };
            let class = done.trouble.as_ref().map_or(ErrorClass::Outage, |trouble| trouble.class);
            state.not_before = failed.then(|| now + reconcile::delay(class, state.failures, rand::random()));
        }
        if held_changed {
            self.tell_holds(&zone.solid_server);
        }
        if let Some(trouble) = &done.trouble {
            debug!(solid_server = %zone.solid_server, reason = trouble.reason.as_str(), "{}", trouble.message);
        }
        if let Some(appliance) = self.appliances.get(&zone.solid_server) {
            let trouble = done.trouble.clone();
            appliance.ask(Ask::Zone { place: zone.place.clone(), trouble });
        }
        let settled: BTreeSet<ObjectName> =
            done.settled.iter().map(|settled| settled.object.clone()).collect();
        let touched: BTreeSet<_> = done.settled.iter().flat_map(|settled| settled.touched.clone()).collect();
        let portioned = self.zones.get(zone).is_some_and(|state| state.portioned);
        let mut goes_on = portioned && done.trouble.is_none();
        if let Some(trouble) = done.trouble.as_ref().filter(|_| portioned) {
            self.put_off_the_rest(zone, trouble.class, now);
        }
        for mut one in done.settled {
            if let (Ending::Later, Some(trouble)) = (one.ending, &done.trouble) {
                // Those whose turn did not come would meet the same trouble.
                one.ending = Ending::Again(trouble.class);
                one.attempts += 1;
            }
            goes_on |= one.ending == Ending::Later;
            // Written by an id of a reading of which another id was stale.
            let doubtful = done.stale && one.ending == Ending::Settled && !one.touched.is_empty();
            let doubtful = doubtful.then(|| one.object.clone());
            self.settled(zone, one, now);
            if let Some(object) = doubtful {
                self.mark(zone, &object);
            }
        }
        // Where rows changed, others may get what they could not get before.
        if let Some(state) = self.zones.get(zone) {
            let rivals: BTreeSet<ObjectName> =
                touched.iter().flat_map(|name| state.at(name)).cloned().collect();
            for rival in rivals.difference(&settled) {
                if self.latest(rival).is_some_and(|record| !is_ready(&record)) {
                    self.mark(zone, rival);
                }
            }
        }
        let ready = self.appliances.get(&zone.solid_server).and_then(|appliance| appliance.ready.as_ref());
        let marks = ready.map_or(Marks::Kept, |ready| ready.marks);
        let Some(state) = self.zones.get_mut(zone) else { return };
        if state.is_empty() {
            self.forget_zone(zone);
            return;
        }
        let large = state.known.as_ref().is_some_and(|known| known.size() > KEPT_ROWS);
        if (marks == Marks::NotKept || large) && !goes_on {
            // Without marks a row is told by what is in it, and people change that: only slices of one pass share a reading.
            state.known = None;
        }
        if let Some(not_before) = state.not_before {
            self.queue.at(zone, not_before);
            self.end_round(&zone.solid_server, Some(&zone.place));
        } else if goes_on {
            // Changes that end a slice keep coming: without a distance each of them would cost a pass.
            self.queue.goes_on(zone, now);
        } else if state.dirty.is_empty() && !state.whole_due && !state.guard.waiting.is_empty() {
            // A wave is settling: what comes of it belongs to this round.
        } else if state.dirty.is_empty() && !state.whole_due {
            self.end_round(&zone.solid_server, Some(&zone.place));
        } else {
            self.queue.changed(zone, now);
        }
        if let Some(next) = self.zones.get(zone).and_then(|state| state.retries.values().min().copied()) {
            self.queue.at(zone, next);
        }
    }

    /// Remembers how a record came out of a pass.
    pub(super) fn settled(&mut self, zone: &ZoneKey, settled: Settled<StoredRecord>, now: Instant) {
        let object = settled.object;
        let record = match settled.record.read() {
            Ok(record) => record,
            Err(error) => return error!(%object, "{error}"),
        };
        let Some(slot) = self.slots.get_mut(&object) else { return };
        if !slot.seen.is_same_object(&Seen::of(&record)) {
            return;
        }
        let home = slot.binding.as_ref().is_some_and(|binding| binding.home == zone.place);
        let leaves =
            slot.binding.as_ref().is_some_and(|binding| binding.leaves.as_deref() == Some(&zone.place));
        // It may have lost its right, and so its binding, while it was written.
        let unbound = slot.binding.is_none();
        if home || unbound {
            slot.written.extend(settled.touched.iter().map(|name| (zone.place.clone(), name.clone())));
            slot.sent.extend(settled.written.into_iter().map(|row| (zone.place.clone(), row)));
        }
        if home && settled.ending == Ending::Settled && is_ready(&record) {
            // Its status says where it is, and its old rows are gone.
            slot.written.clear();
            slot.left.clear();
        }
        if home && settled.ending == Ending::Settled && tells_what_is_applied(&record) {
            slot.sent.clear();
        }
        let published = home && settled.ending == Ending::Settled && is_ready(&record);
        slot.held = is_held(&record);
        slot.attempts = settled.attempts;
        slot.left_over = false;
        if home {
            slot.brake = settled.brake;
        }
        let until = slot.brake.until().map(|until| Instant::from_std(self.tools.started + until));
        if published {
            self.follow_publication(zone, &record);
        }
        self.remember(&object, record);
        if unbound {
            // What the pass has said of it is not the last word.
            self.to_rebind.insert(object);
            return;
        }
        let Some(slot) = self.slots.get_mut(&object) else { return };
        let mut again_at = None;
        match settled.ending {
            Ending::Settled => {
                slot.is_served();
                again_at = until.filter(|until| *until > now);
            }
            Ending::Later => {
                if let Some(state) = self.zones.get_mut(zone) {
                    // One that changed meanwhile is new again.
                    slot.left_over = state.dirty.insert(object.clone());
                }
            }
            Ending::NotBefore(at) => again_at = Some(Instant::from_std(self.tools.started + at)),
            Ending::Again(class) => {
                let attempts = slot.attempts;
                again_at = Some(now + self.pause_before(zone, class, attempts));
            }
            Ending::Vanished => {
                again_at = Some(now + reconcile::delay(ErrorClass::Kubernetes, 4, rand::random()));
            }
            Ending::Moved if home => {
                slot.placed = true;
                self.mark_leaving(&object);
            }
            Ending::Left if leaves => {
                slot.left.insert(zone.place.clone());
                slot.written.retain(|(place, _)| *place != zone.place);
                slot.sent.retain(|(place, _)| *place != zone.place);
                slot.placed = false;
                self.rebind(&object, true);
            }
            // Its spec has changed since: it is decided anew.
            Ending::Moved | Ending::Left => {}
            Ending::Released => slot.is_served(),
        }
        if let (Some(at), Some(state)) = (again_at, self.zones.get_mut(zone))
            && !state.dirty.contains(&object)
        {
            state.retries.insert(object, at);
        }
    }

    /// A DnsRecord that was taken up before has changed: the pass that runs in its zone begins nothing more in front of it.
    pub(super) fn cut_short(&mut self, object: &ObjectName) {
        let Some(slot) = self.slots.get(object).filter(|slot| slot.held) else { return };
        for (zone, _) in &slot.registered {
            if let Some(state) = self.zones.get_mut(zone) {
                state.asking.ask_to_end();
            }
        }
    }

    /// The passes of a SolidServer that are running begin nothing more: its spec has changed, or it is not worked on any more.
    pub(super) fn stop_passes(&self, solid_server: &Arc<str>) {
        let theirs = self.zones.iter().filter(|(zone, _)| zone.solid_server == *solid_server);
        theirs.for_each(|(_, state)| state.asking.stop());
    }

    /// How long a DnsRecord waits after an error: at least as long as the appliance asked to be left alone.
    fn pause_before(&self, zone: &ZoneKey, class: ErrorClass, attempts: u32) -> Duration {
        let appliance = self.appliances.get(&zone.solid_server);
        let pause = appliance.and_then(|appliance| appliance.ready.as_ref()?.client.paused_for());
        let wait = reconcile::delay(class, attempts, rand::random());
        pause.map_or(wait, |pause| pause.max(wait))
    }

    /// Those that a pass was not even given because they were too many would meet the trouble that it met.
    fn put_off_the_rest(&mut self, zone: &ZoneKey, class: ErrorClass, now: Instant) {
        let Some(state) = self.zones.get_mut(zone) else { return };
        let left_over = |object: &ObjectName| self.slots.get(object).is_some_and(|slot| slot.left_over);
        let rest: Vec<ObjectName> = state.dirty.iter().filter(|object| left_over(object)).cloned().collect();
        for object in &rest {
            state.dirty.remove(object);
        }
        for object in rest {
            let Some(slot) = self.slots.get_mut(&object) else { continue };
            slot.attempts += 1;
            let attempts = slot.attempts;
            let at = now + self.pause_before(zone, class, attempts);
            if let Some(state) = self.zones.get_mut(zone) {
                state.retries.insert(object, at);
            }
        }
    }

    pub(super) fn mark_leaving(&mut self, object: &ObjectName) {
        let Some(slot) = self.slots.get(object) else { return };
        let Some(leaves) = slot.binding.as_ref().and_then(|binding| binding.leaves.as_deref().cloned())
        else {
            return;
        };
        let zone = ZoneKey { solid_server: Arc::clone(&slot.solid_server), place: leaves };
        if let Some(state) = self.zones.get_mut(&zone) {
            // Moves are rare, and what is left behind may stand at any name.
            state.whole_due = true;
        }
        self.mark(&zone, object);
    }

    pub(super) fn end_round(&mut self, solid_server: &Arc<str>, place: Option<&Place>) {
        let Some(round) = self.rounds.get_mut(solid_server) else { return };
        let result = match place {
            Some(place) if !round.waits_for(place) => return,
            place => round.finish(place),
        };
        let took = round.elapsed();
        let Some(result) = result else { return };
        self.rounds.remove(solid_server);
        let ended = result.time.0.as_duration().as_secs_f64();
        self.tools.metrics.round(solid_server, ended, took);
        self.tell_holds(solid_server);
        let counts = self.counts(solid_server);
        let zones = self.zone_statuses(solid_server);
        if let Some(appliance) = self.appliances.get(solid_server) {
            appliance.ask(Ask::Counts(counts));
            appliance.ask(Ask::Zones(zones));
            appliance.ask(Ask::Round(result));
        }
    }
}
