//! The engine: one task that owns all that is remembered. Events, news and outcomes come in; passes and status writes go out.

mod families;
mod hearing;
mod leading;
mod passing;
mod placing;
mod publishing;
mod saying;

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinSet;
use tokio::time::{Instant, MissedTickBehavior};
use tokio_util::sync::CancellationToken;
use tracing::{error, info};

use self::leading::Lead;
use self::passing::Room;
use self::saying::{Errand, Ran};
use super::appliance::{self, Ask, News, Ready, Surroundings, Wish};
use super::catalogue::Refusal;
use super::endpoints::barred;
use super::families::Families;
use super::quotas::Quotas;
use super::records::{Glimpse, Records, newer};
use super::rounds::Rounds;
use super::turns::Turns;
use super::watches::Sight;
use super::zones::{Seen, Slot, ZoneKey, ZoneState};
use crate::api::{ApprovalKind, DnsRecord, SolidServer};
use crate::lease::{Candidacy, Leases, UNSERVED};
use crate::plan::{Labels, ObjectName, Remembered};
use crate::queue::ZoneQueue;
use crate::reconcile::{DeletionRequest, Done, Places, StoredRecord, Tools, is_held};
use crate::telemetry::Health;

/// Zones that run at the same time; each appliance has its own bound on calls.
const PASSES: usize = 256;

/// Zones of one appliance that run at the same time, so that a slow one leaves room for the others.
const PASSES_OF_ONE: usize = 16;

/// How often counts are brought up to date and long waits are told.
const TICK: Duration = Duration::from_secs(2);

/// How long a record may wait before its status says that it does.
const PATIENCE: Duration = Duration::from_secs(30);

/// How long running passes may take to end after the process was asked to.
const FAREWELL: Duration = Duration::from_secs(20);

/// An appliance as the engine knows it.
struct Appliance {
    object: Arc<SolidServer>,
    wishes: watch::Sender<Wish>,
    asks: mpsc::UnboundedSender<Ask>,
    ledger: mpsc::UnboundedSender<DeletionRequest>,
    /// Standing for its Lease; taken out when it ends.
    candidacy: Option<Candidacy>,
    follower: tokio::task::AbortHandle,
    /// What there is as long as this replica holds its Lease.
    lead: Option<Lead>,
    /// Its spec, client and zones as of the last time that it could be worked with.
    ready: Option<Ready>,
    /// What its passes share.
    places: Places,
    /// Why it cannot be worked with now.
    trouble: Option<Refusal>,
    /// Its spec as of the last look, for what can be judged without the appliance.
    looked: bool,
}

impl Appliance {
    /// Tells its task; what is told is little, and the task hears it between two looks.
    fn ask(&self, ask: Ask) {
        // The task ends only with its SolidServer, or with its Lease.
        let _ = self.asks.send(ask);
    }

    /// Whether it is about to be handed over to another replica.
    fn leaves(&self) -> bool {
        self.lead.as_ref().is_some_and(|lead| lead.leaving)
    }
}

impl Drop for Appliance {
    fn drop(&mut self) {
        self.follower.abort();
        if let Some(candidacy) = self.candidacy.take() {
            leading::resign(candidacy);
        }
    }
}

/// See the module.
pub(super) struct Engine {
    /// For looking only: the claim is never held. See [`Engine::tools_for`].
    tools: Arc<Tools>,
    leases: Leases,
    /// For the DnsRecords whose SolidServer does not exist.
    unserved: Candidacy,
    surroundings: Surroundings,
    records: Records,
    health: Health,
    fresher: HashMap<ObjectName, Arc<DnsRecord>>,
    /// In boxes, for a table has room for twice as many as there are.
    slots: HashMap<ObjectName, Box<Slot>>,
    zones: HashMap<ZoneKey, ZoneState>,
    appliances: HashMap<Arc<str>, Appliance>,
    queue: ZoneQueue<ZoneKey>,
    /// Each with the term of the Lease in which it was begun.
    passes: JoinSet<(ZoneKey, Option<u64>, Option<Done>)>,
    /// Passes that are running, by SolidServer.
    busy: HashMap<Arc<str>, usize>,
    /// How much the whole passes that are running hold, by SolidServer.
    rooms: HashMap<Arc<str>, Room>,
    /// Zones that are due but whose appliance is busy enough; for the queue they are running already.
    turns: HashMap<Arc<str>, Turns>,
    errands: BTreeMap<ObjectName, Errand>,
    failed_errands: Vec<(ObjectName, Errand)>,
    running_errands: JoinSet<Ran>,
    /// DnsRecords that others are made for.
    families: Families,
    running_families: JoinSet<families::Done>,
    rounds: Rounds,
    /// SolidServers of which less is held than their condition says.
    untold_holds: BTreeSet<Arc<str>>,
    /// The labels of the namespaces, by which delegation is judged.
    namespaces: HashMap<Arc<str>, Labels>,
    quotas: Quotas,
    /// Appliances' tasks that wait to be told what the DnsRecords say is there.
    unanswered: Vec<(Arc<str>, oneshot::Sender<Remembered>)>,
    /// Records whose binding is to be looked at anew, once what is going on has ended.
    to_rebind: BTreeSet<ObjectName>,
    /// Lists that are still to come: of records and of namespaces (one for each watched namespace), and of SolidServers.
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
        leases: Leases,
    ) -> Self {
        Self {
            tools,
            unserved: leases.stand(UNSERVED),
            leases,
            surroundings,
            records,
            health,
            fresher: HashMap::new(),
            slots: HashMap::new(),
            zones: HashMap::new(),
            appliances: HashMap::new(),
            queue: ZoneQueue::new(),
            passes: JoinSet::new(),
            busy: HashMap::new(),
            rooms: HashMap::new(),
            turns: HashMap::new(),
            errands: BTreeMap::new(),
            failed_errands: Vec::new(),
            running_errands: JoinSet::new(),
            families: Families::default(),
            running_families: JoinSet::new(),
            rounds: Rounds::new(),
            untold_holds: BTreeSet::new(),
            namespaces: HashMap::new(),
            quotas: Quotas::default(),
            unanswered: Vec::new(),
            to_rebind: BTreeSet::new(),
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
                Some(Ok((zone, term, done))) = self.passes.join_next() => {
                    self.finish(&zone, term, done);
                    self.hand_over_when_idle(&zone.solid_server);
                }
                Some(Ok(ran)) = self.running_errands.join_next() => self.ran(ran),
                Some(Ok(done)) = self.running_families.join_next() => self.looked_after(done),
                () = std::future::ready(()), if self.may_look_after_families() => self.look_after_families(),
                _ = tick.tick() => self.tick(),
            }
            self.rebind_the_concerned();
        }
        self.health.set_ready(false);
        info!(passes = self.passes.len(), "shutting down: running passes may end");
        self.farewell().await;
    }

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
            Sight::NamespacesListed { namespace, labels } => {
                let known: Vec<Arc<str>> = self.namespaces.keys().cloned().collect();
                let watched = |name: &Arc<str>| namespace.as_ref().is_none_or(|namespace| namespace == name);
                for gone in known.iter().filter(|name| watched(name) && !labels.contains_key(*name)) {
                    self.namespace(gone, None);
                }
                for (name, labels) in labels {
                    self.namespace(&name, Some(labels));
                }
                self.listed();
            }
            Sight::Namespace(name, labels) => self.namespace(&name, Some(labels)),
            Sight::NamespaceGone(name) => self.namespace(&name, None),
            Sight::SolidServersListed(objects) => {
                let listed: HashSet<Arc<str>> = objects.iter().map(solid_server_name).collect();
                let gone = self.appliances.keys().filter(|name| !listed.contains(*name));
                for name in gone.cloned().collect::<Vec<_>>() {
                    self.see(Sight::SolidServerGone(name));
                }
                let objects: Vec<Arc<SolidServer>> = objects.into_iter().map(Arc::new).collect();
                for object in objects {
                    self.solid_server(object);
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

    /// A namespace has these labels now, or is gone: what it is granted may be something else.
    fn namespace(&mut self, name: &Arc<str>, labels: Option<Labels>) {
        if self.namespaces.get(name) == labels.as_ref() {
            return;
        }
        match labels {
            Some(labels) => self.namespaces.insert(Arc::clone(name), labels),
            None => self.namespaces.remove(name),
        };
        if self.unlisted > 0 {
            return;
        }
        let theirs: Vec<ObjectName> =
            self.slots.keys().filter(|object| object.namespace == *name).cloned().collect();
        for object in theirs {
            self.rebind(&object, false);
        }
        self.families.look_at_those(|parent| parent.namespace == *name);
    }

    /// Those whose standing has changed through another's are looked at anew, but not in the middle of that.
    fn rebind_the_concerned(&mut self) {
        while let Some(object) = self.to_rebind.pop_first() {
            self.rebind(&object, true);
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
            self.update_wishes();
            for (name, reply) in std::mem::take(&mut self.unanswered) {
                self.remind(&name, reply);
            }
            // Appliances that were looked at before the records were known: each waits for its first round.
            let ready = self.appliances.iter().filter(|(_, appliance)| appliance.ready.is_some());
            let names: Vec<Arc<str>> = ready.map(|(name, _)| Arc::clone(name)).collect();
            for name in names {
                self.begin_round(&name);
            }
        }
    }

    /// The newest known state of an object.
    fn latest(&self, object: &ObjectName) -> Option<Arc<DnsRecord>> {
        self.latest_state(object).map(|(record, _)| record)
    }

    /// The same, and the small form of that very state.
    fn latest_state(&self, object: &ObjectName) -> Option<(Arc<DnsRecord>, StoredRecord)> {
        let state = self.records.state(object)?;
        let watched = state.read().inspect_err(|error| error!(%object, "{error}")).ok()?;
        let answered = self.fresher.get(object);
        match answered.filter(|answered| answered.metadata.uid == watched.metadata.uid) {
            Some(answered) => {
                let newest = newer(Arc::clone(&watched), Arc::clone(answered));
                let is_watched = Arc::ptr_eq(&newest, &watched);
                Some((Arc::clone(&newest), if is_watched { state } else { StoredRecord::Whole(newest) }))
            }
            None => Some((watched, state)),
        }
    }

    /// Keeps what the API server answered, as long as the watch is behind.
    fn remember(&mut self, object: &ObjectName, record: Arc<DnsRecord>) {
        let answered = match self.fresher.remove(object) {
            Some(known) => newer(known, record),
            None => record,
        };
        let Some(watched) = self.records.glimpse(object) else { return };
        if Glimpse::of(&answered).version > watched.version {
            self.fresher.insert(object.clone(), answered);
        }
    }

    /// An object was applied, or listed.
    fn look_at(&mut self, object: &ObjectName) {
        let Some(record) = self.latest(object) else { return };
        // The watch is no longer behind.
        if self.fresher.get(object).is_some_and(|answered| !Arc::ptr_eq(answered, &record)) {
            self.fresher.remove(object);
        }
        let (seen, held) = (Seen::of(&record), is_held(&record));
        let solid_server = self.solid_server_of(&record);
        let mut lost_finalizer = false;
        let news = match self.slots.get_mut(object) {
            Some(slot) if slot.seen.is_same_object(&seen) => {
                lost_finalizer = slot.held && !held && record.metadata.deletion_timestamp.is_none();
                slot.held = held;
                let news = seen.is_news_to(&slot.seen) || lost_finalizer;
                if news {
                    slot.attempts = 0;
                    slot.left_over = false;
                    slot.placed = false;
                    slot.waits_since.get_or_insert_with(Instant::now);
                    slot.solid_server = solid_server;
                }
                slot.seen = seen;
                news
            }
            _ => {
                self.forget(object);
                let since_start = self.tools.started.elapsed();
                let slot = Slot::new(&record, solid_server, Instant::now(), since_start);
                self.slots.insert(object.clone(), Box::new(slot));
                true
            }
        };
        if lost_finalizer {
            // At once: the next thing to happen may be that it is deleted.
            self.run_for(object, Errand::Hold);
        }
        self.families.see(object, &record, news);
        if news && self.unlisted == 0 {
            self.begin_journey(object);
            self.rebind(object, true);
            self.cut_short(object);
        }
    }

    /// The SolidServer that a DnsRecord refers to, by the one name that all who refer to it share.
    fn solid_server_of(&self, record: &DnsRecord) -> Arc<str> {
        let name = record.spec.solid_server_name();
        self.appliances.get_key_value(name).map_or_else(|| name.into(), |(name, _)| Arc::clone(name))
    }

    /// An object is gone.
    fn forget(&mut self, object: &ObjectName) {
        self.families.forget(object);
        self.fresher.remove(object);
        self.errands.remove(object);
        self.unregister(object);
        self.leave_quota(object);
        let Some(slot) = self.slots.remove(object) else { return };
        self.update_references(&slot.solid_server);
    }

    /// A SolidServer was applied, or listed.
    fn solid_server(&mut self, object: Arc<SolidServer>) {
        let name = solid_server_name(&object);
        let same =
            self.appliances.get(&name).is_some_and(|known| known.object.metadata.uid == object.metadata.uid);
        if same {
            if let Some(known) = self.appliances.get_mut(&name) {
                // The watch may be behind what was read when the Lease was got.
                if !Arc::ptr_eq(&newer_object(Arc::clone(&known.object), Arc::clone(&object)), &object) {
                    return;
                }
                let approved = |object: &SolidServer, take_over: bool| -> Vec<(ApprovalKind, String)> {
                    let all = object.status.iter().flat_map(|status| &status.approved);
                    let asked = all.filter(|one| (one.kind == ApprovalKind::TakeOver) == take_over);
                    asked.map(|one| (one.kind, one.id.clone())).collect()
                };
                let decided = approved(&known.object, false) != approved(&object, false);
                let taken_over = approved(&known.object, true) != approved(&object, true);
                // One by one: a wish tells only the newest state, and what was set and taken off again at once would get lost.
                let before = appliance::triggers(&known.object);
                for trigger in appliance::triggers(&object) {
                    if !before.contains(&trigger) {
                        known.ask(Ask::Trigger(trigger));
                    }
                }
                let respecified = known.object.metadata.generation != object.metadata.generation;
                known.object = object;
                if respecified {
                    // What is suspended now must not be written to for as long as a slice lasts.
                    self.stop_passes(&name);
                }
                if decided {
                    self.decide_the_held(&name);
                }
                if taken_over && self.unlisted == 0 {
                    self.begin_round(&name);
                }
            }
        } else {
            // All are known before a task begins, so that two never work on one appliance, not even at first.
            self.lost(&name, None);
            self.stand_for(object);
        }
        self.update_wishes();
    }

    /// Somebody has approved or abandoned deletions: those concerned are decided anew.
    fn decide_the_held(&mut self, name: &Arc<str>) {
        let zones: Vec<ZoneKey> =
            self.zones.keys().filter(|zone| zone.solid_server == *name).cloned().collect();
        for zone in zones {
            let Some(state) = self.zones.get_mut(&zone) else { continue };
            let held: Vec<ObjectName> = state.guard.held.keys().cloned().collect();
            for object in held {
                self.mark(&zone, &object);
            }
        }
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

    /// How many DnsRecords refer to a SolidServer; `None` while not all of them are known.
    fn references(&self, name: &Arc<str>) -> Option<usize> {
        (self.unlisted == 0).then(|| self.slots.values().filter(|slot| slot.solid_server == *name).count())
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
}

fn solid_server_name(object: &SolidServer) -> Arc<str> {
    object.metadata.name.as_deref().unwrap_or_default().into()
}

/// The newer of two states of one SolidServer. API servers number them rising.
fn newer_object(one: Arc<SolidServer>, other: Arc<SolidServer>) -> Arc<SolidServer> {
    let version = |object: &SolidServer| {
        object.metadata.resource_version.as_deref().and_then(|text| text.parse::<u64>().ok()).unwrap_or(0)
    };
    if version(&other) >= version(&one) { other } else { one }
}
