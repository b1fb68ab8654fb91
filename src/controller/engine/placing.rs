//! Where records belong: each bound to its zone and registered there.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::time::Instant;

use super::Engine;
use super::saying::Errand;
use crate::api::desired::{applied, applied_place, is_abandoned};
use crate::api::{DnsRecord, Reason};
use crate::controller::appliance::Ask;
use crate::controller::binding::{Binding, Delegation, bind, not_delegated};
use crate::controller::catalogue::{Catalogue, Refusal};
use crate::controller::quotas::Share;
use crate::controller::zones::{Slot, ZoneKey, ZoneState};
use crate::plan::{ObjectName, Remembered};
use crate::reconcile::{is_held, is_ready};
use crate::record::{Name, Place, RrsetKey};
use crate::telemetry::Journey;

/// Further whole looks at the appliance in which a record's zone must be missing before it is taken for gone.
const LOOKS_BEFORE_GONE: u32 = 1;

/// How long a SolidServer may be missing before the records that refer to it say so.
const GRACE: Duration = Duration::from_secs(3);

impl Engine {
    /// Begins a trace of what has just happened to a DnsRecord, if it is ours to settle. What is listed at the start is not news.
    pub(super) fn begin_journey(&mut self, object: &ObjectName) {
        let Some(slot) = self.slots.get(object) else { return };
        if slot.journey.span().is_none() && self.term(&slot.solid_server).is_some() {
            let journey = Journey::begin(&object.namespace, &object.name, &slot.solid_server);
            if let Some(slot) = self.slots.get_mut(object) {
                slot.journey = journey;
            }
        }
    }

    pub(super) fn objects_of(&self, solid_server: &Arc<str>) -> Vec<ObjectName> {
        self.slots
            .iter()
            .filter(|(_, slot)| slot.solid_server == *solid_server)
            .map(|(object, _)| object.clone())
            .collect()
    }

    /// Tells an appliance's task what the statuses of its DnsRecords say is there, now or when all of them are known.
    pub(super) fn remind(&mut self, solid_server: &Arc<str>, reply: oneshot::Sender<Remembered>) {
        if self.unlisted > 0 {
            self.unanswered.push((Arc::clone(solid_server), reply));
            return;
        }
        let remembered = self.objects_of(solid_server).into_iter().filter_map(|object| {
            let record = self.latest(&object)?;
            let status = record.status.as_ref()?;
            Some((applied_place(status)?, object, applied(status)?))
        });
        // A task that has ended meanwhile needs no answer.
        let _ = reply.send(remembered.collect());
    }

    pub(super) fn rebind_the_unbound(&mut self) {
        if self.unlisted > 0 {
            return;
        }
        let unbound: Vec<ObjectName> = self
            .slots
            .iter()
            .filter(|(_, slot)| slot.binding.is_none())
            .map(|(object, _)| object.clone())
            .collect();
        for object in unbound {
            self.rebind(&object, false);
        }
    }

    /// Finds a record's zone and registers it there. It is decided in the next pass when it asks for that (`changed`) or its zone is
    /// another one.
    pub(super) fn rebind(&mut self, object: &ObjectName, changed: bool) {
        let Some(record) = self.latest(object) else { return };
        let Some(slot) = self.slots.get(object) else { return };
        let deleting = record.metadata.deletion_timestamp.is_some();
        if deleting && !is_held(&record) {
            self.unregister(object);
            return;
        }
        if deleting && (is_abandoned(&record) || record.spec.suspend) {
            self.unregister(object);
            self.run_for(object, Errand::LetGo);
            return;
        }
        let Some(appliance) = self.appliances.get(&slot.solid_server) else {
            self.unserved(object);
            return;
        };
        let Some(ready) = &appliance.ready else {
            if appliance.looked {
                self.run_for(object, Errand::TellTrouble);
            }
            return;
        };
        let (spec, catalogue) = (Arc::clone(&ready.spec), Arc::clone(&ready.catalogue));
        let gone = slot.missed_zone >= LOOKS_BEFORE_GONE;
        let in_trouble = appliance.trouble.is_some();
        let delegation = Delegation { grants: &ready.grants, labels: self.namespaces.get(&object.namespace) };
        match bind(&record, &spec, &catalogue, delegation, gone) {
            Ok(mut binding) => {
                let limit = binding.entry.and_then(|entry| ready.grants.get(entry)?.max_records);
                if let Some(refusal) = self.beyond_the_quota(object, &record, binding.entry, limit) {
                    self.unregister(object);
                    self.refuse(object, refusal);
                    return;
                }
                let Some(slot) = self.slots.get(object) else { return };
                let cleared = |place: &Place| slot.left.contains(place);
                if binding.leaves.as_deref().is_some_and(cleared) {
                    binding.leaves = None;
                }
                // Where rows were written on the way to where it is now.
                let elsewhere =
                    slot.written.iter().map(|(place, _)| place).find(|place| **place != binding.home);
                binding.leaves = binding.leaves.or_else(|| elsewhere.cloned().map(Box::new));
                let same = slot.binding.as_ref() == Some(&binding);
                if let Some(slot) = self.slots.get_mut(object) {
                    slot.lost_zone = false;
                }
                if !same {
                    self.register(object, binding);
                }
                if changed || !same {
                    self.mark_everywhere(object);
                    // No pass will say so before the trouble is over.
                    if in_trouble {
                        self.run_for(object, Errand::TellTrouble);
                    }
                }
            }
            Err(refusal) => {
                self.leave_quota(object);
                if deleting && refusal.reason == Reason::NotDelegated {
                    self.clear_the_undelegated(object, &record);
                    return;
                }
                self.unplaced(object, &record, &catalogue, refusal);
            }
        }
    }

    /// The SolidServer that a record refers to is not there. Both are often applied together, in any order, so that is told
    /// only when it stays away.
    fn unserved(&mut self, object: &ObjectName) {
        self.unregister(object);
        let Some(slot) = self.slots.get_mut(object) else { return };
        let since = *slot.unserved_since.get_or_insert_with(Instant::now);
        if since.elapsed() < GRACE {
            return;
        }
        let refusal = Refusal::new(
            Reason::SolidServerNotFound,
            format!(
                "there is no SolidServer {:?}; create it, or correct spec.solidServerRef",
                slot.solid_server
            ),
        );
        self.refuse(object, refusal);
    }

    /// Records whose SolidServer is missing long enough to be told.
    pub(super) fn tell_unserved(&mut self) {
        if !self.unserved.claim().is_held() {
            return;
        }
        let due = |slot: &Slot| slot.unserved_since.is_some_and(|since| since.elapsed() >= GRACE);
        let objects: Vec<ObjectName> =
            self.slots.iter().filter(|(_, slot)| due(slot)).map(|(object, _)| object.clone()).collect();
        for object in objects {
            self.rebind(&object, false);
            if let Some(slot) = self.slots.get_mut(&object) {
                slot.unserved_since = None;
            }
        }
    }

    /// A record has no place on its appliance, as far as is known.
    pub(super) fn unplaced(
        &mut self,
        object: &ObjectName,
        record: &Arc<DnsRecord>,
        catalogue: &Catalogue,
        refusal: Refusal,
    ) {
        let Some(slot) = self.slots.get_mut(object) else { return };
        slot.lost_zone = refusal.reason == Reason::NotVisible;
        let Some(appliance) = self.appliances.get(&slot.solid_server) else { return };
        let named =
            record.spec.dns_server.as_deref().or_else(|| record.status.as_ref()?.dns_server.as_deref());
        if refusal.reason == Reason::ServerNotFound
            && let Some(server) = named.map(Arc::<str>::from)
            && catalogue.servers.contains(&server)
        {
            appliance.ask(Ask::Servers(BTreeSet::from([server])));
            return;
        }
        let may_be_new = matches!(
            refusal.reason,
            Reason::ServerNotFound | Reason::ZoneNotFound | Reason::ViewNotFound | Reason::NotVisible
        );
        // One look serves all who ask, and each record asks once; after that the next round finds it.
        if may_be_new && slot.attempts == 0 {
            appliance.ask(Ask::Look);
        }
        if let Some(slot) = self.slots.get_mut(object) {
            slot.attempts += 1;
        }
        self.unregister(object);
        self.refuse(object, refusal);
    }

    pub(super) fn register(&mut self, object: &ObjectName, binding: Binding) {
        self.unregister(object);
        let Some(slot) = self.slots.get_mut(object) else { return };
        let key =
            |place: &Place| ZoneKey { solid_server: Arc::clone(&slot.solid_server), place: place.clone() };
        let name = &binding.rrset.key.name;
        let mut entries = vec![(key(&binding.home), name.clone())];
        let applied = binding.applied_name.as_ref().unwrap_or(name);
        match &binding.leaves {
            Some(leaves) => entries.push((key(leaves), applied.clone())),
            None if applied != name => entries.push((key(&binding.home), applied.clone())),
            None => {}
        }
        for (place, name) in &slot.written {
            let entry = (key(place), name.clone());
            if !entries.contains(&entry)
                && (*place == binding.home || Some(place) == binding.leaves.as_deref())
            {
                entries.push(entry);
            }
        }
        for (zone, name) in &entries {
            let state = self.zones.entry(zone.clone()).or_insert_with(ZoneState::unread);
            state.insert(name, object);
        }
        slot.registered = entries;
        slot.binding = Some(binding);
    }

    /// Counts a record among those of its namespace that one entry admits, and says why it is one too many.
    fn beyond_the_quota(
        &mut self,
        object: &ObjectName,
        record: &DnsRecord,
        entry: Option<usize>,
        limit: Option<u32>,
    ) -> Option<Refusal> {
        let slot = self.slots.get(object)?;
        let (Some(entry), Some(limit)) = (entry, limit) else {
            self.leave_quota(object);
            return None;
        };
        let created = record.metadata.creation_timestamp.as_ref().map_or(0, |time| time.0.as_second());
        let (solid_server, namespace) = (Arc::clone(&slot.solid_server), Arc::clone(&object.namespace));
        let joined = self.quotas.join(Share { solid_server, namespace, entry }, created, object, limit);
        self.to_rebind.extend(joined.others);
        if joined.admitted {
            return None;
        }
        let lives = record.status.as_ref().is_some_and(|status| status.zone.is_some());
        let why = format!(
            "namespace {} has {limit} DnsRecords here already, as many as the entry of spec.zones admits (maxRecords)",
            object.namespace
        );
        Some(not_delegated(&why, lives))
    }

    /// A record is none of those any more that an entry admits.
    pub(super) fn leave_quota(&mut self, object: &ObjectName) {
        // One that was one too many has its turn.
        self.to_rebind.extend(self.quotas.leave(object));
    }

    /// A record that is being deleted may not be written and, as its status says, has nothing anywhere. Its name is not asked for:
    /// only where this process has written for it there is something to remove.
    fn clear_the_undelegated(&mut self, object: &ObjectName, record: &DnsRecord) {
        let Some(slot) = self.slots.get(object) else { return };
        match slot.written.first().cloned() {
            Some((home, name)) => {
                let key = RrsetKey { name, record_type: record.spec.record_type.into() };
                let binding = Binding::of_leftovers(home, key);
                if slot.binding.as_ref() != Some(&binding) {
                    self.register(object, binding);
                }
                self.mark_everywhere(object);
            }
            None => {
                self.unregister(object);
                self.run_for(object, Errand::LetGo);
            }
        }
    }

    pub(super) fn unregister(&mut self, object: &ObjectName) {
        let Some(slot) = self.slots.get_mut(object) else { return };
        slot.binding = None;
        let registered = std::mem::take(&mut slot.registered);
        if let Some((zone, _)) = registered.first() {
            self.forget_publication(&zone.solid_server, object);
        }
        for (zone, name) in &registered {
            let Some(state) = self.zones.get_mut(zone) else { continue };
            state.remove(name, object);
            state.dirty.remove(object);
            state.retries.remove(object);
            let waited = state.guard.waiting.contains_key(object);
            if state.guard.held.contains_key(object) {
                self.untold_holds.insert(Arc::clone(&zone.solid_server));
            }
            state.guard.forget(object);
            if waited && state.guard.waiting.is_empty() {
                // A round may wait for this wave.
                let any = state.any().cloned();
                if let Some(any) = any {
                    self.mark(zone, &any);
                }
            }
            let Some(state) = self.zones.get(zone) else { continue };
            // Those that it stood in the way of may go on now.
            let rivals: Vec<ObjectName> = state.at(name).cloned().collect();
            for rival in rivals {
                if self.latest(&rival).is_some_and(|record| !is_ready(&record)) {
                    self.mark(zone, &rival);
                }
            }
        }
        self.drop_empty_zones(&registered);
    }

    pub(super) fn drop_empty_zones(&mut self, registered: &[(ZoneKey, Name)]) {
        for (zone, _) in registered {
            if self.zones.get(zone).is_some_and(ZoneState::is_empty) && !self.queue.is_running(zone) {
                self.forget_zone(zone);
            }
        }
    }

    /// Nobody needs the zone any more.
    pub(super) fn forget_zone(&mut self, zone: &ZoneKey) {
        self.zones.remove(zone);
        self.tools.metrics.forget_zone(&zone.solid_server, &zone.place);
        if let Some(appliance) = self.appliances.get(&zone.solid_server) {
            appliance.ask(Ask::Zone { place: zone.place.clone(), trouble: None });
        }
        self.end_round(&zone.solid_server, Some(&zone.place));
    }

    /// The record is decided in the next pass of its zone.
    pub(super) fn mark(&mut self, zone: &ZoneKey, object: &ObjectName) {
        if let Some(state) = self.zones.get_mut(zone) {
            state.retries.remove(object);
            state.dirty.insert(object.clone());
            state.asking.ask_to_let_join();
            self.queue.changed(zone, Instant::now());
        }
    }

    /// The same, in the zone that it leaves as well once it is settled in its own.
    pub(super) fn mark_everywhere(&mut self, object: &ObjectName) {
        let Some(slot) = self.slots.get(object) else { return };
        let Some(binding) = &slot.binding else { return };
        let key =
            |place: &Place| ZoneKey { solid_server: Arc::clone(&slot.solid_server), place: place.clone() };
        let home = key(&binding.home);
        let leaves = binding.leaves.as_deref().filter(|_| slot.placed).map(key);
        self.mark(&home, object);
        if let Some(leaves) = leaves {
            self.mark(&leaves, object);
        }
    }
}
