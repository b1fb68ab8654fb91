//! What is said and done outside of passes: refusals, outages, long waits, finalizers, counts.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;
use tracing::warn;

use super::{Engine, PATIENCE};
use crate::api::{DnsRecord, Reason, RecordCounts, Standing, ZoneStatus};
use crate::controller::appliance::{Ask, Hold};
use crate::controller::catalogue::Refusal;
use crate::controller::records::Glimpse;
use crate::controller::zones::{Seen, Slot};
use crate::plan::ObjectName;
use crate::reconcile::{self, FenceError, Finding, Known, holds, is_spared, shown_reason};

/// Errands that are run at the same time.
const ERRANDS: usize = 16;

/// Long waits that are told with one tick, the longest first. To tell all of a large burst would make it wait longer: it is the API server's
/// time that they wait for.
const TOLD_AT_A_TICK: usize = 16;

/// Zones that a SolidServer's status lists.
const MOST_ZONES: usize = 1000;

/// Something to be done for a DnsRecord outside of passes. Whether it is still right is judged when its turn comes.
#[derive(Clone, Debug)]
pub(super) enum Errand {
    /// It has no place: its status says why.
    Refuse(Refusal),
    /// The appliance cannot be worked with: if the record has work to do, its status says so.
    TellTrouble,
    /// It has waited long: if its status says nothing yet, it says that.
    TellWaiting,
    /// Its finalizer goes, its rows stay.
    LetGo,
    /// Its finalizer was taken off by somebody else and comes back, whether or not the appliance can be reached.
    Hold,
}

/// An errand has been run.
pub(super) struct Ran {
    object: ObjectName,
    errand: Errand,
    outcome: Result<Option<Arc<DnsRecord>>, FenceError>,
}

/// What the statuses of one SolidServer's DnsRecords show.
#[derive(Default)]
struct Tally {
    counts: RecordCounts,
    /// Those with differences that nothing is done about, since somebody wants it so.
    suspended: usize,
    /// Those that ask for a report only.
    reported: usize,
}

impl Engine {
    /// The record has no place: its status will say why.
    pub(super) fn refuse(&mut self, object: &ObjectName, refusal: Refusal) {
        self.run_for(object, Errand::Refuse(refusal));
    }

    /// One errand for each record at a time; the newest is the one that counts.
    pub(super) fn run_for(&mut self, object: &ObjectName, errand: Errand) {
        self.errands.insert(object.clone(), errand);
        self.run_errands();
    }

    /// Begins errands as far as the API server shall be busied with them.
    pub(super) fn run_errands(&mut self) {
        while self.running_errands.len() < ERRANDS {
            let Some((object, errand)) = self.errands.pop_first() else { return };
            let Some(record) = self.latest(&object) else { continue };
            // Another replica's business; it is looked at anew when it becomes ours.
            let Some(tools) = self.tools_for(&object) else { continue };
            if matches!(errand, Errand::LetGo | Errand::Hold) {
                self.running_errands.spawn(async move {
                    let outcome = if matches!(errand, Errand::LetGo) {
                        reconcile::release(&tools.cluster, &record).await.map(|()| None)
                    } else if record.metadata.deletion_timestamp.is_none() {
                        reconcile::hold(&tools.cluster, &record).await.map(Some)
                    } else {
                        Ok(None)
                    };
                    Ran { object, errand, outcome }
                });
            } else if let Some(finding) = self.finding(&object, &record, &errand) {
                self.running_errands.spawn(async move {
                    let outcome = reconcile::say_at_once(&tools, &record, &finding).await;
                    Ran { object, errand, outcome }
                });
            }
        }
    }

    /// What an errand has to say, if it still has.
    fn finding(&self, object: &ObjectName, record: &DnsRecord, errand: &Errand) -> Option<Finding> {
        let slot = self.slots.get(object)?;
        match errand {
            Errand::Refuse(refusal) => {
                slot.binding.is_none().then(|| Finding::new(refusal.reason, refusal.message.clone()))
            }
            Errand::TellTrouble => {
                let trouble = self.appliances.get(&slot.solid_server)?.trouble.as_ref()?;
                // What a person must correct stands on the SolidServer; the record only waits for that.
                let stalled = trouble.reason.standing() == Standing::Stalled;
                let reason = if stalled { Reason::Waiting } else { trouble.reason };
                let message = format!("SolidServer {}: {}", slot.solid_server, trouble.message);
                (!is_spared(record)).then(|| Finding::new(reason, message))
            }
            Errand::TellWaiting => {
                let silent = shown_reason(record).is_none() && record.metadata.deletion_timestamp.is_none();
                silent.then(|| Finding::new(Reason::Pending, "its turn has not come yet"))
            }
            Errand::LetGo | Errand::Hold => None,
        }
    }

    /// Remembers what came of an errand; one that failed is run again with the next tick.
    pub(super) fn ran(&mut self, ran: Ran) {
        match ran.outcome {
            Ok(Some(record)) => {
                let same = |slot: &Slot| slot.seen.is_same_object(&Seen::of(&record));
                if self.slots.get(&ran.object).is_some_and(|slot| same(slot)) {
                    self.remember(&ran.object, record);
                }
            }
            Ok(None) | Err(FenceError::Vanished | FenceError::NotHeld) => {}
            Err(error) => {
                warn!(object = %ran.object, "outside of a pass: {error}");
                self.failed_errands.push((ran.object, ran.errand));
            }
        }
        self.run_errands();
    }

    pub(super) fn tick(&mut self) {
        self.tools.metrics.queue_depth(self.zones.values().map(|state| state.dirty.len()).sum());
        for state in self.zones.values_mut() {
            // What is too old to be planned with only takes room.
            state.known = state.known.take().filter(Known::is_fresh);
        }
        let ours = self.appliances.iter().filter(|(_, appliance)| appliance.lead.is_some());
        let names: Vec<Arc<str>> = ours.map(|(name, _)| Arc::clone(name)).collect();
        let mut tallies = self.tallies(|_| true);
        for name in names {
            let Tally { counts, suspended, reported } = tallies.remove(&name).unwrap_or_default();
            self.tools.metrics.records(
                &name,
                counts.ready as usize,
                counts.reconciling as usize,
                counts.stalled as usize,
                counts.orphaned as usize,
            );
            self.tools.metrics.differences_left(&name, suspended, reported);
            if let Some(appliance) = self.appliances.get(&name) {
                appliance.ask(Ask::Counts(counts));
            }
        }
        for name in std::mem::take(&mut self.untold_holds) {
            self.tell_holds(&name);
        }
        self.count_families();
        self.tell_unserved();
        for (object, errand) in std::mem::take(&mut self.failed_errands) {
            self.errands.entry(object).or_insert(errand);
        }
        let now = Instant::now();
        let (mut oldest, mut waiting) = (Duration::ZERO, Vec::new());
        for (object, slot) in &self.slots {
            let Some(since) = slot.waits_since.filter(|_| self.term(&slot.solid_server).is_some()) else {
                continue;
            };
            let age = now.duration_since(since);
            oldest = oldest.max(age);
            if age >= PATIENCE && !slot.waiting_told {
                waiting.push((since, object.clone()));
            }
        }
        self.tools.metrics.queue_oldest(oldest);
        waiting.sort_unstable();
        for (_, object) in waiting.into_iter().take(TOLD_AT_A_TICK) {
            if let Some(slot) = self.slots.get_mut(&object) {
                slot.waiting_told = true;
            }
            self.errands.entry(object).or_insert(Errand::TellWaiting);
        }
        self.run_errands();
    }

    /// What is held now on an appliance, for the condition of its SolidServer.
    pub(super) fn tell_holds(&self, solid_server: &Arc<str>) {
        let zones = self.zones.iter().filter(|(zone, _)| zone.solid_server == *solid_server);
        let holds: Vec<Hold> = zones
            .flat_map(|(zone, state)| {
                let place = zone.place.clone();
                holds(&state.guard).into_iter().map(move |(id, rrsets)| Hold {
                    id,
                    place: place.clone(),
                    rrsets,
                })
            })
            .collect();
        if let Some(appliance) = self.appliances.get(solid_server) {
            appliance.ask(Ask::Holds(holds));
        }
    }

    /// The zones with DnsRecords, for the status of their SolidServer: at most as many as still fit well.
    pub(super) fn zone_statuses(&self, solid_server: &Arc<str>) -> Vec<ZoneStatus> {
        let mut zones: Vec<ZoneStatus> = self
            .zones
            .iter()
            .filter(|(zone, _)| zone.solid_server == *solid_server)
            .map(|(zone, state)| ZoneStatus {
                name: zone.place.zone.to_string(),
                server: zone.place.server.to_string(),
                view: zone.place.view.as_deref().map(str::to_owned),
                records: u32::try_from(state.all().len()).unwrap_or(u32::MAX),
                deletions: Vec::new(),
            })
            .collect();
        zones.sort_by(|left, right| {
            (&left.server, &left.view, &left.name).cmp(&(&right.server, &right.view, &right.name))
        });
        zones.truncate(MOST_ZONES);
        zones
    }

    /// What its newest known state shows. Asked of all of them every few seconds, so no object is read for it.
    fn shown(&self, object: &ObjectName) -> Option<Option<Reason>> {
        let watched = self.records.glimpse(object)?;
        let answered = self.fresher.get(object).map(|record| Glimpse::of(record));
        let newest = answered.filter(|answered| answered.version > watched.version).unwrap_or(watched);
        Some(newest.reason)
    }

    /// What the DnsRecords of a SolidServer show.
    pub(super) fn counts(&self, solid_server: &Arc<str>) -> RecordCounts {
        let mut tallies = self.tallies(|name| name == solid_server);
        tallies.remove(solid_server).unwrap_or_default().counts
    }

    /// The same of all these SolidServers, in one go: there may be many records and many of them.
    fn tallies(&self, is_asked: impl Fn(&Arc<str>) -> bool) -> HashMap<Arc<str>, Tally> {
        let mut tallies: HashMap<Arc<str>, Tally> = HashMap::new();
        for (object, slot) in self.slots.iter().filter(|(_, slot)| is_asked(&slot.solid_server)) {
            let Some(shown) = self.shown(object) else { continue };
            let tally = tallies.entry(Arc::clone(&slot.solid_server)).or_default();
            tally.counts.total += 1;
            match shown.map(Reason::standing) {
                Some(Standing::Ready) => tally.counts.ready += 1,
                Some(Standing::Stalled) => tally.counts.stalled += 1,
                Some(Standing::InProgress) | None => tally.counts.reconciling += 1,
            }
            match shown {
                Some(Reason::Suspended) => tally.suspended += 1,
                Some(Reason::Drifted) => tally.reported += 1,
                _ => {}
            }
        }
        for (zone, state) in self.zones.iter().filter(|(zone, _)| is_asked(&zone.solid_server)) {
            let orphans = u32::try_from(state.orphans).unwrap_or(u32::MAX);
            let counts = &mut tallies.entry(Arc::clone(&zone.solid_server)).or_default().counts;
            counts.orphaned = counts.orphaned.saturating_add(orphans);
        }
        tallies
    }
}
