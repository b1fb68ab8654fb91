//! The engine: one task that owns all that is remembered. Events, news and outcomes come in; passes and status writes go out.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Semaphore, mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::{Instant, MissedTickBehavior};
use tokio_util::sync::CancellationToken;
use tracing::{debug, info};

use super::appliance::{self, Ask, News, Ready, Surroundings, Wish};
use super::binding::bind;
use super::catalogue::{Catalogue, Refusal};
use super::endpoints::barred;
use super::records::{Records, newer};
use super::rounds::{Round, Rounds};
use super::watches::Sight;
use super::zones::{Seen, Slot, ZoneKey, ZoneState};
use crate::api::desired::{is_abandoned, reconcile_requested};
use crate::api::{DnsRecord, Reason, RecordCounts, SolidServer, Standing};
use crate::plan::ObjectName;
use crate::queue::ZoneQueue;
use crate::reconcile::{
    self, Done, Ending, ErrorClass, Finding, Scope, Settled, Subject, Tools, Work, is_held, is_ready,
    shown_reason,
};
use crate::record::Place;
use crate::telemetry::Health;

/// Zones that run at the same time; each appliance has its own bound on calls.
const PASSES: usize = 64;

/// Status writes outside of passes at the same time.
const SAYING: usize = 16;

/// How often counts are brought up to date and long waits are told.
const TICK: Duration = Duration::from_secs(5);

/// How long a record may wait before its status says that it does.
const PATIENCE: Duration = Duration::from_secs(30);

/// How long running passes may take to end after the process was asked to.
const FAREWELL: Duration = Duration::from_secs(20);

/// An appliance as the engine knows it.
struct Appliance {
    object: Arc<SolidServer>,
    wishes: watch::Sender<Wish>,
    asks: mpsc::Sender<Ask>,
    task: tokio::task::AbortHandle,
    /// Its spec, client and zones as of the last time that it could be worked with.
    ready: Option<Ready>,
    /// Why it cannot be worked with now.
    trouble: Option<Refusal>,
    /// Its spec as of the last look, for what can be judged without the appliance.
    looked: bool,
}

impl Drop for Appliance {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// A status write outside of a pass has ended.
struct Said {
    object: ObjectName,
    record: Option<Arc<DnsRecord>>,
}

/// See the module.
pub(super) struct Engine {
    tools: Arc<Tools>,
    surroundings: Surroundings,
    records: Records,
    health: Health,
    fresher: HashMap<ObjectName, Arc<DnsRecord>>,
    slots: HashMap<ObjectName, Slot>,
    zones: HashMap<ZoneKey, ZoneState>,
    appliances: HashMap<Arc<str>, Appliance>,
    queue: ZoneQueue<ZoneKey>,
    passes: JoinSet<(ZoneKey, Done)>,
    saying: JoinSet<Said>,
    say_limit: Arc<Semaphore>,
    rounds: Rounds,
    /// Record lists (one for each watched namespace) and the SolidServer list that are still to come.
    unlisted: usize,
}

impl Engine {
    /// An engine that waits for `lists` first lists before it begins.
    #[must_use]
    pub(super) fn new(
        tools: Arc<Tools>,
        surroundings: Surroundings,
        records: Records,
        health: Health,
        lists: usize,
    ) -> Self {
        Self {
            tools,
            surroundings,
            records,
            health,
            fresher: HashMap::new(),
            slots: HashMap::new(),
            zones: HashMap::new(),
            appliances: HashMap::new(),
            queue: ZoneQueue::new(),
            passes: JoinSet::new(),
            saying: JoinSet::new(),
            say_limit: Arc::new(Semaphore::new(SAYING)),
            rounds: Rounds::new(),
            unlisted: lists,
        }
    }

    /// Runs until `shutdown`, then lets the passes that are running end.
    pub(super) async fn run(
        mut self,
        mut sights: mpsc::Receiver<Sight>,
        mut news: mpsc::Receiver<News>,
        shutdown: CancellationToken,
    ) {
        let mut tick = tokio::time::interval(TICK);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let may_begin = self.unlisted == 0 && self.passes.len() < PASSES;
            tokio::select! {
                () = shutdown.cancelled() => break,
                sight = sights.recv() => match sight {
                    Some(sight) => self.see(sight),
                    None => break,
                },
                Some(news) = news.recv() => self.hear(news),
                zone = self.queue.next(), if may_begin => self.begin(zone),
                Some(Ok((zone, done))) = self.passes.join_next() => self.finish(&zone, done),
                Some(Ok(said)) = self.saying.join_next() => self.said(said),
                _ = tick.tick() => self.tick(),
            }
        }
        self.health.set_ready(false);
        info!(passes = self.passes.len(), "shutting down: running passes may end");
        let farewell = async {
            while self.passes.join_next().await.is_some() {}
            while self.saying.join_next().await.is_some() {}
        };
        if tokio::time::timeout(FAREWELL, farewell).await.is_err() {
            info!("some passes did not end in time; their records are read again after the next start");
        }
    }

    // What is seen in the cluster.

    fn see(&mut self, sight: Sight) {
        match sight {
            Sight::RecordsListed { namespace, objects } => {
                let listed: HashSet<&ObjectName> = objects.iter().collect();
                let vanished: Vec<ObjectName> = self
                    .slots
                    .keys()
                    .filter(|object| {
                        namespace.as_ref().is_none_or(|namespace| *namespace == object.namespace)
                    })
                    .filter(|object| !listed.contains(object))
                    .cloned()
                    .collect();
                for object in vanished {
                    self.forget(&object);
                }
                for object in &objects {
                    self.look_at(object);
                }
                // What was missed between the lists is not known: whole readings before narrow ones.
                for (zone, state) in &mut self.zones {
                    state.whole_due = true;
                    state.known = None;
                    self.queue.changed(zone, Instant::now());
                }
                self.listed();
            }
            Sight::Record(object) => self.look_at(&object),
            Sight::RecordGone(object) => self.forget(&object),
            Sight::SolidServersListed(objects) => {
                let listed: HashSet<Arc<str>> = objects.iter().map(solid_server_name).collect();
                self.appliances.retain(|name, _| listed.contains(name));
                for object in objects {
                    self.solid_server(Arc::new(object));
                }
                self.rebind_the_unbound();
                self.listed();
            }
            Sight::SolidServer(object) => {
                self.solid_server(Arc::new(*object));
                self.rebind_the_unbound();
            }
            Sight::SolidServerGone(name) => {
                self.appliances.remove(&name);
                self.tools.metrics.forget(&name);
                self.update_wishes();
                let theirs = self.objects_of(&name);
                for object in theirs {
                    self.rebind(&object, true);
                }
            }
        }
    }

    fn listed(&mut self) {
        if self.unlisted == 0 {
            return;
        }
        self.unlisted -= 1;
        if self.unlisted == 0 {
            info!(records = self.slots.len(), solid_servers = self.appliances.len(), "caches are warm");
            self.health.set_ready(true);
            let all: Vec<ObjectName> = self.slots.keys().cloned().collect();
            for object in all {
                self.rebind(&object, true);
            }
        }
    }

    /// The newest known state of an object.
    fn latest(&self, object: &ObjectName) -> Option<Arc<DnsRecord>> {
        match (self.records.get(object), self.fresher.get(object)) {
            (Some(watched), Some(answered)) if watched.metadata.uid == answered.metadata.uid => {
                Some(newer(watched, Arc::clone(answered)))
            }
            (watched, _) => watched,
        }
    }

    /// An object was applied, or listed.
    fn look_at(&mut self, object: &ObjectName) {
        let Some(watched) = self.records.get(object) else { return };
        let Some(record) = self.latest(object) else { return };
        if Arc::ptr_eq(&record, &watched) {
            self.fresher.remove(object);
        }
        let (seen, held) = (Seen::of(&record), is_held(&record));
        let news = match self.slots.get_mut(object) {
            Some(slot) if slot.seen.is_same_object(&seen) => {
                let lost_finalizer = slot.held && !held && record.metadata.deletion_timestamp.is_none();
                slot.held = held;
                let news = seen.is_news_to(&slot.seen) || lost_finalizer;
                if news {
                    slot.attempts = 0;
                    slot.placed = false;
                    slot.waits_since.get_or_insert_with(Instant::now);
                    slot.solid_server = record.spec.solid_server_name().into();
                }
                slot.seen = seen;
                news
            }
            _ => {
                self.forget(object);
                let since_start = self.tools.started.elapsed();
                self.slots.insert(object.clone(), Slot::new(&record, Instant::now(), since_start));
                true
            }
        };
        if news && self.unlisted == 0 {
            self.rebind(object, true);
        }
    }

    /// An object is gone.
    fn forget(&mut self, object: &ObjectName) {
        self.fresher.remove(object);
        let Some(slot) = self.slots.remove(object) else { return };
        for (zone, name) in &slot.registered {
            let Some(state) = self.zones.get_mut(zone) else { continue };
            state.remove(name, object);
            state.dirty.remove(object);
            state.retries.remove(object);
            // Those that it stood in the way of may go on now.
            let rivals: Vec<ObjectName> = state.at(name).cloned().collect();
            for rival in rivals {
                self.mark(zone, &rival);
            }
        }
        self.drop_empty_zones(&slot.registered);
        self.update_references(&slot.solid_server);
    }

    fn solid_server(&mut self, object: Arc<SolidServer>) {
        let name = solid_server_name(&object);
        let same =
            self.appliances.get(&name).is_some_and(|known| known.object.metadata.uid == object.metadata.uid);
        if same {
            if let Some(known) = self.appliances.get_mut(&name) {
                known.object = object;
            }
        } else {
            let wish = Wish { object: Arc::clone(&object), barred: None, references: self.references(&name) };
            let (wishes, receiver) = watch::channel(wish);
            let (asks, heard) = mpsc::channel(64);
            let surroundings = self.surroundings.clone();
            // Only once all SolidServers are known can be said which of them shares an endpoint with another one.
            self.appliances.insert(
                Arc::clone(&name),
                Appliance {
                    object,
                    wishes,
                    asks,
                    task: tokio::spawn(appliance::run(name, receiver, heard, surroundings)).abort_handle(),
                    ready: None,
                    trouble: None,
                    looked: false,
                },
            );
        }
        self.update_wishes();
    }

    /// Tells every appliance's task what concerns it, if that is something new.
    fn update_wishes(&self) {
        let objects: Vec<&SolidServer> =
            self.appliances.values().map(|appliance| &*appliance.object).collect();
        for (name, appliance) in &self.appliances {
            let barred = barred(&appliance.object, &objects);
            let references = self.references(name);
            appliance.wishes.send_if_modified(|wish| {
                let same = wish.object.metadata.resource_version
                    == appliance.object.metadata.resource_version
                    && wish.barred == barred
                    && wish.references == references;
                *wish = Wish { object: Arc::clone(&appliance.object), barred, references };
                !same
            });
        }
    }

    fn references(&self, name: &Arc<str>) -> usize {
        self.slots.values().filter(|slot| slot.solid_server == *name).count()
    }

    fn update_references(&self, name: &Arc<str>) {
        let Some(appliance) = self.appliances.get(name) else { return };
        if appliance.object.metadata.deletion_timestamp.is_none() {
            return;
        }
        let references = self.references(name);
        appliance
            .wishes
            .send_if_modified(|wish| std::mem::replace(&mut wish.references, references) != references);
    }

    // What appliances tell.

    fn hear(&mut self, news: News) {
        match news {
            News::Ready(ready) => self.appliance_ready(*ready),
            News::Trouble { name, refusal, .. } => {
                let Some(appliance) = self.appliances.get_mut(&name) else { return };
                let changed = !appliance.looked || appliance.trouble.as_ref() != Some(&refusal);
                appliance.looked = true;
                appliance.trouble = Some(refusal);
                if changed {
                    let theirs = self.objects_of(&name);
                    for object in theirs {
                        self.tell_trouble(&object);
                    }
                }
            }
        }
    }

    fn appliance_ready(&mut self, ready: Ready) {
        let name = Arc::clone(&ready.name);
        let resync = ready.resync;
        let Some(appliance) = self.appliances.get_mut(&name) else { return };
        appliance.looked = true;
        appliance.trouble = None;
        let before = appliance.ready.as_ref();
        // An account that has lost its rights sees nothing: what was known stays.
        let blind = ready.catalogue.is_blind() && before.is_some();
        let catalogue = match before {
            Some(before) if blind => Arc::clone(&before.catalogue),
            _ => Arc::clone(&ready.catalogue),
        };
        let changed = before.is_none_or(|before| before.catalogue != catalogue || before.spec != ready.spec);
        appliance.ready = Some(Ready { catalogue, ..ready });
        for object in self.objects_of(&name) {
            let unbound = self.slots.get(&object).is_some_and(|slot| slot.binding.is_none());
            if changed || unbound {
                self.rebind(&object, false);
            }
        }
        let now = Instant::now();
        let theirs: Vec<ZoneKey> =
            self.zones.keys().filter(|zone| zone.solid_server == name).cloned().collect();
        if resync {
            self.rounds.insert(Arc::clone(&name), Round::new(theirs.iter().cloned()));
        }
        for zone in &theirs {
            let Some(state) = self.zones.get_mut(zone) else { continue };
            state.whole_due |= resync;
            // What waited for the appliance need not wait longer.
            let waiting: Vec<ObjectName> = std::mem::take(&mut state.retries).into_keys().collect();
            state.dirty.extend(waiting);
            self.queue.changed(zone, now);
        }
        if resync && theirs.is_empty() {
            self.end_round(&name, None);
        }
    }

    // Where records belong.

    fn objects_of(&self, solid_server: &Arc<str>) -> Vec<ObjectName> {
        self.slots
            .iter()
            .filter(|(_, slot)| slot.solid_server == *solid_server)
            .map(|(object, _)| object.clone())
            .collect()
    }

    fn rebind_the_unbound(&mut self) {
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
    fn rebind(&mut self, object: &ObjectName, changed: bool) {
        let Some(record) = self.latest(object) else { return };
        let Some(slot) = self.slots.get(object) else { return };
        let deleting = record.metadata.deletion_timestamp.is_some();
        if deleting && !is_held(&record) {
            self.unregister(object);
            return;
        }
        if deleting && (is_abandoned(&record) || record.spec.suspend) {
            self.unregister(object);
            self.let_go(object, record);
            return;
        }
        let Some(appliance) = self.appliances.get(&slot.solid_server) else {
            let refusal = Refusal::new(
                Reason::SolidServerNotFound,
                format!(
                    "there is no SolidServer {:?}; create it, or correct spec.solidServerRef",
                    slot.solid_server
                ),
            );
            self.unregister(object);
            self.refuse(object, &record, refusal);
            return;
        };
        let Some(ready) = &appliance.ready else {
            if appliance.looked {
                self.tell_trouble(object);
            }
            return;
        };
        let (spec, catalogue) = (Arc::clone(&ready.spec), Arc::clone(&ready.catalogue));
        match bind(&record, &spec, &catalogue) {
            Ok(mut binding) => {
                if binding.leaves == slot.left {
                    binding.leaves = None;
                }
                let same = slot.binding.as_ref() == Some(&binding);
                if !same {
                    self.register(object, binding);
                }
                if changed || !same {
                    self.mark_everywhere(object);
                }
            }
            Err(refusal) => self.unplaced(object, &record, &catalogue, refusal),
        }
    }

    /// A record has no place on its appliance, as far as is known.
    fn unplaced(
        &mut self,
        object: &ObjectName,
        record: &Arc<DnsRecord>,
        catalogue: &Catalogue,
        refusal: Refusal,
    ) {
        let Some(slot) = self.slots.get(object) else { return };
        let Some(appliance) = self.appliances.get(&slot.solid_server) else { return };
        let named =
            record.spec.dns_server.as_deref().or_else(|| record.status.as_ref()?.dns_server.as_deref());
        match refusal.reason {
            Reason::ServerNotFound => {
                if let Some(server) = named.map(Arc::<str>::from)
                    && catalogue.servers.contains(&server)
                {
                    let _ = appliance.asks.try_send(Ask::Servers(BTreeSet::from([server])));
                    return;
                }
                let _ = appliance.asks.try_send(Ask::Look);
            }
            Reason::ZoneNotFound | Reason::ViewNotFound | Reason::NotVisible => {
                // It may be new there. One look serves all who ask, and not more often than every two seconds.
                if slot.attempts == 0 {
                    let _ = appliance.asks.try_send(Ask::Look);
                }
            }
            _ => {}
        }
        if let Some(slot) = self.slots.get_mut(object) {
            slot.attempts += 1;
        }
        self.unregister(object);
        self.refuse(object, record, refusal);
    }

    fn register(&mut self, object: &ObjectName, binding: super::binding::Binding) {
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
        for (zone, name) in &entries {
            let state = self.zones.entry(zone.clone()).or_insert_with(ZoneState::unread);
            state.insert(name, object);
        }
        slot.registered = entries;
        slot.binding = Some(binding);
    }

    fn unregister(&mut self, object: &ObjectName) {
        let Some(slot) = self.slots.get_mut(object) else { return };
        slot.binding = None;
        let registered = std::mem::take(&mut slot.registered);
        for (zone, name) in &registered {
            if let Some(state) = self.zones.get_mut(zone) {
                state.remove(name, object);
                state.dirty.remove(object);
                state.retries.remove(object);
            }
        }
        self.drop_empty_zones(&registered);
    }

    fn drop_empty_zones(&mut self, registered: &[(ZoneKey, crate::record::Name)]) {
        for (zone, _) in registered {
            if self.zones.get(zone).is_some_and(ZoneState::is_empty) && !self.queue.is_running(zone) {
                self.zones.remove(zone);
                self.end_round(&zone.solid_server, Some(&zone.place));
            }
        }
    }

    /// The record is decided in the next pass of its zone.
    fn mark(&mut self, zone: &ZoneKey, object: &ObjectName) {
        if let Some(state) = self.zones.get_mut(zone) {
            state.retries.remove(object);
            state.dirty.insert(object.clone());
            self.queue.changed(zone, Instant::now());
        }
    }

    /// The same, in the zone that it leaves as well once it is settled in its own.
    fn mark_everywhere(&mut self, object: &ObjectName) {
        let Some(slot) = self.slots.get(object) else { return };
        let Some(binding) = &slot.binding else { return };
        let key =
            |place: &Place| ZoneKey { solid_server: Arc::clone(&slot.solid_server), place: place.clone() };
        let home = key(&binding.home);
        let leaves = binding.leaves.as_ref().filter(|_| slot.placed).map(key);
        self.mark(&home, object);
        if let Some(leaves) = leaves {
            self.mark(&leaves, object);
        }
    }

    // Passes.

    fn begin(&mut self, zone: ZoneKey) {
        let Some(work) = self.work(&zone) else {
            self.queue.finished(&zone);
            return;
        };
        let tools = Arc::clone(&self.tools);
        self.passes.spawn(async move {
            let done = reconcile::pass(work, &tools).await;
            (zone, done)
        });
    }

    /// Puts together what a pass needs; `None` when there is nothing to do, or no appliance to do it with.
    fn work(&mut self, zone: &ZoneKey) -> Option<Work> {
        let now = Instant::now();
        let appliance = self.appliances.get(&zone.solid_server)?;
        let ready = appliance.ready.as_ref().filter(|_| appliance.trouble.is_none())?;
        let state = self.zones.get_mut(zone)?;
        if let Some(next) = state.wake(now) {
            self.queue.at(zone, next);
        }
        let whole = state.whole_due;
        let focus = if whole { state.all() } else { state.dirty.clone() };
        state.dirty.clear();
        if whole {
            state.retries.clear();
        }
        if focus.is_empty() {
            state.whole_due = false;
            return None;
        }
        state.whole_due = false;
        let known = if whole { None } else { state.known.take() };
        let zone_rows = state.rows;
        let names: BTreeSet<_> = focus
            .iter()
            .filter_map(|object| self.slots.get(object))
            .flat_map(|slot| {
                slot.registered.iter().filter(|(other, _)| other == zone).map(|(_, name)| name.clone())
            })
            .collect();
        let involved: BTreeSet<ObjectName> = names.iter().flat_map(|name| state.at(name)).cloned().collect();

        let (mut claims, mut subjects) = (Vec::new(), HashMap::new());
        for object in involved {
            let Some(record) = self.latest(&object) else { continue };
            let Some(slot) = self.slots.get(&object) else { continue };
            let Some(binding) = &slot.binding else { continue };
            let home = binding.home == zone.place;
            if !home && !slot.placed {
                continue;
            }
            let rrset = binding.rrset.clone();
            let mut claim = crate::api::desired::claim(&record, rrset, &ready.spec, &zone.place, home);
            claim.decide = focus.contains(&object) || claim.names().all(|name| names.contains(name));
            let held = slot.brake.until().is_some_and(|until| until > self.tools.started.elapsed());
            claim.writable &= !held;
            if claim.decide {
                let subject = Subject {
                    requested: reconcile_requested(&record).map(str::to_owned),
                    record,
                    brake: slot.brake.clone(),
                    attempts: slot.attempts,
                    home,
                    leaves: if home { binding.leaves.clone() } else { None },
                    defaults_changed: binding.defaults_changed,
                };
                subjects.insert(object, subject);
            }
            claims.push(claim);
        }
        Some(Work {
            solid_server: Arc::clone(&zone.solid_server),
            place: zone.place.clone(),
            scope: if whole { Scope::Whole } else { Scope::Names },
            client: ready.client.clone(),
            page_size: usize::try_from(ready.spec.page_size()).unwrap_or(usize::MAX),
            claims,
            subjects,
            known,
            zone_rows,
        })
    }

    fn finish(&mut self, zone: &ZoneKey, done: Done) {
        self.queue.finished(zone);
        let now = Instant::now();
        if let Some(round) = self.rounds.get_mut(&zone.solid_server)
            && round.waits_for(&zone.place)
        {
            round.count_reads(done.reads);
            for settled in &done.settled {
                round.count(settled.deed);
            }
        }
        let failed = done.known.is_none();
        if let Some(state) = self.zones.get_mut(zone) {
            if let Some(rows) = done.known.as_ref().and_then(|known| known.zone_rows) {
                state.rows = Some(rows);
            }
            if let Some(orphans) = done.orphans {
                state.orphans = orphans;
            }
            state.known = done.known;
            state.whole_due |= failed && done.whole;
        }
        if let Some((reason, message)) = &done.trouble {
            debug!(solid_server = %zone.solid_server, reason = reason.as_str(), "{message}");
            if let Some(appliance) = self.appliances.get(&zone.solid_server) {
                let _ = appliance.asks.try_send(Ask::Look);
            }
        }
        let settled: BTreeSet<ObjectName> =
            done.settled.iter().map(|settled| settled.object.clone()).collect();
        let touched: BTreeSet<_> = done.settled.iter().flat_map(|settled| settled.touched.clone()).collect();
        let mut goes_on = false;
        for one in done.settled {
            goes_on |= one.ending == Ending::Later;
            self.settled(zone, one, now);
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
        let Some(state) = self.zones.get_mut(zone) else { return };
        if state.is_empty() {
            self.zones.remove(zone);
            self.end_round(&zone.solid_server, Some(&zone.place));
            return;
        }
        if goes_on {
            self.queue.goes_on(zone, now);
        } else if state.dirty.is_empty() && !state.whole_due {
            self.end_round(&zone.solid_server, Some(&zone.place));
        } else if !failed {
            self.queue.changed(zone, now);
        }
        if let Some(next) = self.zones.get(zone).and_then(|state| state.retries.values().min().copied()) {
            self.queue.at(zone, next);
        }
    }

    /// Remembers how a record came out of a pass.
    fn settled(&mut self, zone: &ZoneKey, settled: Settled, now: Instant) {
        let object = settled.object;
        let Some(slot) = self.slots.get_mut(&object) else { return };
        if !slot.seen.is_same_object(&Seen::of(&settled.record)) {
            return;
        }
        let home = slot.binding.as_ref().is_some_and(|binding| binding.home == zone.place);
        slot.held = is_held(&settled.record);
        slot.attempts = settled.attempts;
        if home {
            slot.brake = settled.brake;
        }
        let until = slot.brake.until().map(|until| Instant::from_std(self.tools.started + until));
        let record = settled.record;
        let newest = match self.fresher.remove(&object) {
            Some(known) => newer(known, record),
            None => record,
        };
        self.fresher.insert(object.clone(), newest);
        let mut again_at = None;
        match settled.ending {
            Ending::Settled => {
                slot.waits_since = None;
                again_at = until;
            }
            Ending::Later => {
                if let Some(state) = self.zones.get_mut(zone) {
                    state.dirty.insert(object.clone());
                }
            }
            Ending::Again(class) => {
                let pause = self
                    .appliances
                    .get(&zone.solid_server)
                    .and_then(|appliance| appliance.ready.as_ref()?.client.paused_for());
                let wait = reconcile::delay(class, slot.attempts, rand::random());
                again_at = Some(now + pause.map_or(wait, |pause| pause.max(wait)));
            }
            Ending::Vanished => {
                again_at = Some(now + reconcile::delay(ErrorClass::Kubernetes, 4, rand::random()));
            }
            Ending::Moved => {
                slot.placed = true;
                self.mark_leaving(&object);
            }
            Ending::Left => {
                slot.left = Some(zone.place.clone());
                slot.placed = false;
                self.rebind(&object, true);
            }
            Ending::Released => slot.waits_since = None,
        }
        if let (Some(at), Some(state)) = (again_at, self.zones.get_mut(zone))
            && !state.dirty.contains(&object)
        {
            state.retries.insert(object, at);
        }
    }

    fn mark_leaving(&mut self, object: &ObjectName) {
        let Some(slot) = self.slots.get(object) else { return };
        let Some(leaves) = slot.binding.as_ref().and_then(|binding| binding.leaves.clone()) else { return };
        let zone = ZoneKey { solid_server: Arc::clone(&slot.solid_server), place: leaves };
        self.mark(&zone, object);
    }

    fn end_round(&mut self, solid_server: &Arc<str>, place: Option<&Place>) {
        let Some(round) = self.rounds.get_mut(solid_server) else { return };
        let result = match place {
            Some(place) if !round.waits_for(place) => return,
            place => round.finish(place),
        };
        let Some(result) = result else { return };
        self.rounds.remove(solid_server);
        let counts = self.counts(solid_server);
        if let Some(appliance) = self.appliances.get(solid_server) {
            let _ = appliance.asks.try_send(Ask::Counts(counts));
            let _ = appliance.asks.try_send(Ask::Round(result));
        }
    }

    // What is said outside of passes.

    /// The record has no place: its status says why.
    fn refuse(&mut self, object: &ObjectName, record: &Arc<DnsRecord>, mut refusal: Refusal) {
        if record.metadata.deletion_timestamp.is_some() {
            refusal.message = format!("{}; {}", refusal.message, way_out(object));
        }
        self.say(object, record, Finding::new(refusal.reason, refusal.message));
    }

    /// The appliance cannot be worked with: records with work to do say so, those in sync stay as they are.
    fn tell_trouble(&mut self, object: &ObjectName) {
        let Some(slot) = self.slots.get(object) else { return };
        let Some(trouble) =
            self.appliances.get(&slot.solid_server).and_then(|appliance| appliance.trouble.clone())
        else {
            return;
        };
        let Some(record) = self.latest(object) else { return };
        let deleting = record.metadata.deletion_timestamp.is_some();
        let held_back = shown_reason(&record).is_some_and(|reason| reason.standing() == Standing::Stalled);
        if !deleting && (is_ready(&record) || held_back) {
            return;
        }
        // What a person must correct stands on the SolidServer; the record only waits for that.
        let reason =
            if trouble.reason.standing() == Standing::Stalled { Reason::Waiting } else { trouble.reason };
        let refusal = Refusal::new(reason, format!("SolidServer {}: {}", slot.solid_server, trouble.message));
        self.refuse(object, &record, refusal);
    }

    fn say(&mut self, object: &ObjectName, record: &Arc<DnsRecord>, finding: Finding) {
        let (object, record) = (object.clone(), Arc::clone(record));
        let (tools, limit) = (Arc::clone(&self.tools), Arc::clone(&self.say_limit));
        self.saying.spawn(async move {
            let _permit = limit.acquire().await;
            let record = reconcile::say(&tools, &record, &finding).await.ok().flatten();
            Said { object, record }
        });
    }

    fn let_go(&mut self, object: &ObjectName, record: Arc<DnsRecord>) {
        let object = object.clone();
        let (tools, limit) = (Arc::clone(&self.tools), Arc::clone(&self.say_limit));
        self.saying.spawn(async move {
            let _permit = limit.acquire().await;
            if let Err(error) = reconcile::release(&tools.kube, &record).await {
                tracing::warn!(%object, "letting go: {error}");
            }
            Said { object, record: None }
        });
    }

    fn said(&mut self, said: Said) {
        let Some(record) = said.record else { return };
        if self.slots.get(&said.object).is_some_and(|slot| slot.seen.is_same_object(&Seen::of(&record))) {
            let newest = match self.fresher.remove(&said.object) {
                Some(known) => newer(known, record),
                None => record,
            };
            self.fresher.insert(said.object, newest);
        }
    }

    fn tick(&mut self) {
        self.tools.metrics.queue_depth(self.zones.values().map(|state| state.dirty.len()).sum());
        let names: Vec<Arc<str>> = self.appliances.keys().cloned().collect();
        for name in names {
            let counts = self.counts(&name);
            self.tools.metrics.records(
                &name,
                counts.ready as usize,
                counts.reconciling as usize,
                counts.stalled as usize,
                counts.orphaned as usize,
            );
            if let Some(appliance) = self.appliances.get(&name) {
                let _ = appliance.asks.try_send(Ask::Counts(counts));
            }
        }
        let now = Instant::now();
        let waiting: Vec<ObjectName> = self
            .slots
            .iter()
            .filter(|(_, slot)| slot.waits_since.is_some_and(|since| now.duration_since(since) >= PATIENCE))
            .map(|(object, _)| object.clone())
            .collect();
        for object in waiting {
            if let Some(slot) = self.slots.get_mut(&object) {
                slot.waits_since = None;
            }
            let Some(record) = self.latest(&object) else { continue };
            if shown_reason(&record).is_none() && record.metadata.deletion_timestamp.is_none() {
                self.say(&object, &record, Finding::new(Reason::Pending, "its turn has not come yet"));
            }
        }
    }

    fn counts(&self, solid_server: &Arc<str>) -> RecordCounts {
        let mut counts = RecordCounts::default();
        for (object, slot) in self.slots.iter().filter(|(_, slot)| slot.solid_server == *solid_server) {
            let _ = slot;
            let Some(record) = self.latest(object) else { continue };
            counts.total += 1;
            match shown_reason(&record).map(Reason::standing) {
                Some(Standing::Ready) => counts.ready += 1,
                Some(Standing::Stalled) => counts.stalled += 1,
                Some(Standing::InProgress) | None => counts.reconciling += 1,
            }
        }
        let orphans: usize = self
            .zones
            .iter()
            .filter(|(zone, _)| zone.solid_server == *solid_server)
            .map(|(_, state)| state.orphans)
            .sum();
        counts.orphaned = u32::try_from(orphans).unwrap_or(u32::MAX);
        counts
    }
}

fn solid_server_name(object: &SolidServer) -> Arc<str> {
    object.metadata.name.as_deref().unwrap_or_default().into()
}

/// How to let a DnsRecord go that cannot be deleted properly.
fn way_out(object: &ObjectName) -> String {
    format!(
        "to let it go and leave its rows: kubectl annotate --overwrite --field-manager=flux-client-side-apply dnsrecord -n {} {} {}=true",
        object.namespace,
        object.name,
        crate::api::ABANDON
    )
}
