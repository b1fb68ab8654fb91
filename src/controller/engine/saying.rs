//! What is said outside of passes: refusals, outages, long waits, counts.

use std::sync::Arc;

use tokio::time::Instant;

use super::{Engine, PATIENCE, Said};
use crate::api::{DnsRecord, Reason, RecordCounts, Standing, ZoneStatus};
use crate::controller::appliance::Ask;
use crate::controller::catalogue::Refusal;
use crate::controller::zones::Seen;
use crate::plan::ObjectName;
use crate::reconcile::{self, Finding, is_ready, shown_reason, way_out};

/// Zones that a SolidServer's status lists.
const MOST_ZONES: usize = 1000;

impl Engine {
    /// The record has no place: its status says why.
    pub(super) fn refuse(&mut self, object: &ObjectName, record: &Arc<DnsRecord>, mut refusal: Refusal) {
        if record.metadata.deletion_timestamp.is_some() {
            refusal.message = format!("{}; {}", refusal.message, way_out(object));
        }
        self.say(object, record, Finding::new(refusal.reason, refusal.message));
    }

    /// The appliance cannot be worked with: records with work to do say so, those in sync stay as they are.
    pub(super) fn tell_trouble(&mut self, object: &ObjectName) {
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

    pub(super) fn say(&mut self, object: &ObjectName, record: &Arc<DnsRecord>, finding: Finding) {
        let (object, record) = (object.clone(), Arc::clone(record));
        let (tools, limit) = (Arc::clone(&self.tools), Arc::clone(&self.say_limit));
        self.saying.spawn(async move {
            let _permit = limit.acquire().await;
            let record = reconcile::say(&tools, &record, &finding).await.ok().flatten();
            Said { object, record }
        });
    }

    pub(super) fn let_go(&mut self, object: &ObjectName, record: Arc<DnsRecord>) {
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

    pub(super) fn said(&mut self, said: Said) {
        let Some(record) = said.record else { return };
        if self.slots.get(&said.object).is_some_and(|slot| slot.seen.is_same_object(&Seen::of(&record))) {
            self.remember(&said.object, record);
        }
    }

    pub(super) fn tick(&mut self) {
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
                appliance.ask(Ask::Counts(counts));
            }
        }
        self.tell_unserved();
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

    pub(super) fn counts(&self, solid_server: &Arc<str>) -> RecordCounts {
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
