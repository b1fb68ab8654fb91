//! Which SolidServers are ours to work on: those whose Lease this replica holds. Of the others the caches are kept warm, nothing else.

use std::sync::Arc;
use std::time::Duration;

use kube::Api;
use tokio::sync::{mpsc, watch};
use tokio::task::{AbortHandle, JoinSet};
use tokio::time::Instant;
use tracing::{info, warn};

use super::{Appliance, Engine, FAREWELL, newer_object, solid_server_name};
use crate::api::{SolidServer, SolidServerSpec};
use crate::controller::appliance::{self, News, Wish};
use crate::controller::endpoints::barred;
use crate::controller::turns::Turns;
use crate::controller::zones::Slot;
use crate::lease::{Candidacy, Claim, lease_name};
use crate::plan::ObjectName;
use crate::publication::Follower;
use crate::reconcile::{Places, Tools};

/// How long to wait before the SolidServer is asked for again.
const ONCE_MORE: Duration = Duration::from_millis(250);

/// Tells the engine whenever the Lease of a SolidServer is got or lost.
async fn follow(name: Arc<str>, kube: kube::Client, mut claim: Claim, news: mpsc::Sender<News>) {
    let api: Api<SolidServer> = Api::all(kube);
    loop {
        let claim = claim.begins().await;
        // What the holder before wrote into its status (deletions that were counted, decisions of people) may not have come by watch.
        while claim.is_held() {
            match tokio::time::timeout(Duration::from_secs(5), api.get_opt(&name)).await {
                Ok(Ok(Some(object))) => {
                    let held = News::Held { claim: claim.clone(), object: Box::new(object) };
                    if news.send(held).await.is_err() {
                        return;
                    }
                    tokio::select! {
                        () = claim.ends() => {}
                        () = claim.is_asked_for() => {
                            let asked = News::AskedFor { name: Arc::clone(&name), claim: claim.clone() };
                            if news.send(asked).await.is_err() {
                                return;
                            }
                            claim.ends().await;
                        }
                    }
                    if news.send(News::Lost { name: Arc::clone(&name), claim: claim.clone() }).await.is_err()
                    {
                        return;
                    }
                }
                // Gone, or about to be created anew.
                Ok(Ok(None)) => tokio::time::sleep(ONCE_MORE).await,
                Ok(Err(error)) => {
                    warn!(solid_server = %name, "reading the SolidServer: {error}");
                    tokio::time::sleep(ONCE_MORE).await;
                }
                Err(_) => warn!(solid_server = %name, "reading the SolidServer: no answer"),
            }
        }
    }
}

impl Engine {
    /// A SolidServer that was not known before: from now on this replica stands for its Lease.
    pub(super) fn stand_for(&mut self, object: Arc<SolidServer>) {
        let name = solid_server_name(&object);
        let candidacy = self.leases.stand(&lease_name(&name));
        let (kube, news) = (self.surroundings.kube.clone(), self.surroundings.news.clone());
        let follower = tokio::spawn(follow(Arc::clone(&name), kube, candidacy.claim(), news)).abort_handle();
        let wish = Wish { object: Arc::clone(&object), barred: None, references: None };
        // Nobody listens before the Lease is held.
        let ((wishes, _), (asks, _), (ledger, _)) =
            (watch::channel(wish), mpsc::unbounded_channel(), mpsc::unbounded_channel());
        let appliance = Appliance {
            object,
            wishes,
            asks,
            ledger,
            candidacy: Some(candidacy),
            follower,
            lead: None,
            ready: None,
            places: Places::new(SolidServerSpec::DEFAULT_CONCURRENCY as usize),
            trouble: None,
            looked: false,
        };
        self.appliances.insert(name, appliance);
    }

    /// The Lease of a SolidServer was got: its task begins, and all that belongs to it is looked at.
    pub(super) fn held(&mut self, claim: Claim, object: SolidServer) {
        let name = solid_server_name(&object);
        self.lost(&name, None);
        let Some(known) = self.appliances.get(&name) else { return };
        if known.object.metadata.uid != object.metadata.uid {
            // The watch is behind and will bring the new object, which gets a standing of its own.
            return;
        }
        let object = newer_object(Arc::clone(&known.object), Arc::new(object));
        let all: Vec<&SolidServer> = self.appliances.values().map(|appliance| &*appliance.object).collect();
        let wish = Wish {
            object: Arc::clone(&object),
            barred: barred(&object, &all),
            references: self.references(&name),
        };
        let (wishes, receiver) = watch::channel(wish);
        let (asks, heard) = mpsc::unbounded_channel();
        let (ledger, requests) = mpsc::unbounded_channel();
        let surroundings = appliance::Surroundings { claim: claim.clone(), ..self.surroundings.clone() };
        let tools = Arc::new(self.tools.under(claim.clone()));
        let task = tokio::spawn(appliance::run(Arc::clone(&name), receiver, heard, requests, surroundings));
        if let Some(known) = self.appliances.get_mut(&name) {
            (known.object, known.wishes, known.asks, known.ledger) = (object, wishes, asks, ledger);
            known.lead =
                Some(Lead { claim, tools, follower: None, leaving: false, task: task.abort_handle() });
        }
        self.tools.metrics.leads(&name);
        info!(solid_server = %name, "this replica works on it");
        if self.unlisted == 0 {
            for object in self.objects_of(&name) {
                if let Some(slot) = self.slots.get_mut(&object) {
                    // As long as another replica worked on it, nobody counted here.
                    slot.waits_since = Some(Instant::now());
                    slot.waiting_told = false;
                }
                self.rebind(&object, true);
            }
        }
    }

    /// The Lease of a SolidServer was lost, or is about to be got anew: nothing more is begun for it, and what is remembered of it is
    /// forgotten, for the next holder changes it.
    pub(super) fn lost(&mut self, name: &Arc<str>, claim: Option<&Claim>) {
        let Some(appliance) = self.appliances.get_mut(name) else { return };
        let theirs = |lead: &Lead| claim.is_none_or(|claim| claim.only() == lead.claim.only());
        if !appliance.lead.as_ref().is_some_and(theirs) {
            return;
        }
        info!(solid_server = %name, "this replica does not work on it any more");
        appliance.lead = None;
        appliance.ready = None;
        appliance.trouble = None;
        appliance.looked = false;
        self.forget_work(name);
    }

    /// A replica that holds less asks for the Lease of a SolidServer: nothing more is begun for it, and when what runs has ended, the Lease is
    /// handed over.
    pub(super) fn asked_for(&mut self, name: &Arc<str>, claim: &Claim) {
        let lead = self.appliances.get_mut(name).and_then(|appliance| appliance.lead.as_mut());
        let Some(lead) = lead.filter(|lead| lead.claim.only() == claim.only()) else { return };
        info!(solid_server = %name, "another replica holds less and takes it over when what runs has ended");
        lead.leaving = true;
        self.stop_passes(name);
        self.hand_over_when_idle(name);
    }

    /// Hands a SolidServer that is asked for over if no pass of it runs any more.
    pub(super) fn hand_over_when_idle(&mut self, name: &Arc<str>) {
        let lead = self.appliances.get(name).and_then(|appliance| appliance.lead.as_ref());
        let Some(claim) = lead.filter(|lead| lead.leaving).map(|lead| lead.claim.clone()) else { return };
        if self.busy.get(name).is_some_and(|busy| *busy > 0) {
            return;
        }
        self.lost(name, None);
        if let Some(candidacy) = self.appliances.get(name).and_then(|appliance| appliance.candidacy.as_ref())
        {
            candidacy.hand_over(&claim);
        }
    }

    /// Forgets zones, passes to come, and all that was learnt of the DnsRecords of a SolidServer.
    fn forget_work(&mut self, name: &Arc<str>) {
        self.stop_passes(name);
        self.rounds.remove(name);
        for zone in self.turns.remove(name).into_iter().flat_map(Turns::into_waiting) {
            self.queue.finished(&zone);
        }
        self.tools.metrics.forget(name);
        let (now, since_start) = (Instant::now(), self.tools.started.elapsed());
        for object in self.objects_of(name) {
            self.leave_quota(&object);
            self.unregister(&object);
            self.errands.remove(&object);
            self.failed_errands.retain(|(failed, _)| *failed != object);
            if let (Some(record), Some(slot)) = (self.latest(&object), self.slots.get_mut(&object)) {
                let unserved_since = slot.unserved_since;
                **slot = Slot { unserved_since, ..Slot::new(&record, Arc::clone(name), now, since_start) };
            }
        }
        self.zones.retain(|zone, _| zone.solid_server != *name);
    }

    /// The term in which a SolidServer is worked on now.
    pub(super) fn term(&self, name: &Arc<str>) -> Option<u64> {
        self.appliances.get(name)?.lead.as_ref()?.claim.only()
    }

    /// What work for a DnsRecord outside of passes is done with; `None` where it is another replica's.
    pub(super) fn tools_for(&self, object: &ObjectName) -> Option<Arc<Tools>> {
        let slot = self.slots.get(object)?;
        match self.appliances.get(&slot.solid_server) {
            Some(appliance) => appliance.lead.as_ref().map(|lead| Arc::clone(&lead.tools)),
            None => {
                let claim = self.unserved.claim();
                claim.is_held().then(|| Arc::new(self.tools.under(claim)))
            }
        }
    }

    /// Lets what is running end, and gives each Lease back as soon as nothing is written under it any more. One under which something
    /// may still be written when time is up is left to run out.
    pub(super) async fn farewell(mut self) {
        self.appliances.keys().for_each(|name| self.stop_passes(name));
        let mut leaving = JoinSet::new();
        let until = Instant::now() + FAREWELL;
        loop {
            let idle = |name: &Arc<str>| self.busy.get(name).is_none_or(|busy| *busy == 0);
            let done: Vec<Arc<str>> = self.appliances.keys().filter(|name| idle(name)).cloned().collect();
            for name in done {
                let Some(mut appliance) = self.appliances.remove(&name) else { continue };
                if let Some(candidacy) = appliance.candidacy.take() {
                    leaving.spawn(candidacy.resign());
                }
            }
            if self.passes.is_empty() {
                break;
            }
            match tokio::time::timeout_at(until, self.passes.join_next()).await {
                Ok(Some(Ok((zone, ..)))) => {
                    if let Some(busy) = self.busy.get_mut(&zone.solid_server) {
                        *busy = busy.saturating_sub(1);
                    }
                }
                Ok(_) => {}
                Err(_) => {
                    info!(
                        "some passes did not end in time; their records are read again by whoever works on them next"
                    );
                    for appliance in self.appliances.values_mut() {
                        drop(appliance.candidacy.take());
                    }
                    break;
                }
            }
        }
        let errands = async {
            while self.running_errands.join_next().await.is_some() {}
            while self.running_families.join_next().await.is_some() {}
        };
        let _ = tokio::time::timeout_at(until, errands).await;
        leaving.spawn(self.unserved.resign());
        while leaving.join_next().await.is_some() {}
    }
}

/// What there is of a SolidServer as long as its Lease is held.
pub(super) struct Lead {
    /// The claim of this term.
    pub(super) claim: Claim,
    /// What passes and errands are made with.
    pub(super) tools: Arc<Tools>,
    /// Follows what is written to the name servers, where that is asked for.
    pub(super) follower: Option<Follower>,
    /// It is to be handed over when no pass runs any more: none is begun.
    pub(super) leaving: bool,
    task: AbortHandle,
}

impl Drop for Lead {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Ends a standing for good, without making anybody wait: nothing is written under it any more from here on.
pub(super) fn resign(candidacy: Candidacy) {
    tokio::spawn(candidacy.resign());
}
