//! What the engine hears from the tasks of its appliances.

use std::sync::Arc;

use tokio::time::Instant;

use super::Engine;
use super::saying::Errand;
use crate::controller::appliance::{News, Ready};
use crate::controller::rounds::Round;
use crate::controller::zones::ZoneKey;
use crate::reconcile::Places;

impl Engine {
    pub(super) fn hear(&mut self, news: News) {
        match news {
            News::Held { claim, object } => self.held(claim, *object),
            News::Remembered { name, reply } => self.remind(&name, reply),
            News::Lost { name, claim } => self.lost(&name, Some(&claim)),
            News::AskedFor { name, claim } => self.asked_for(&name, &claim),
            // Of a term that is over.
            News::Ready(ready) if ready.term != self.term(&ready.name) => {}
            News::Trouble { name, term, .. } if term != self.term(&name) => {}
            News::Ready(ready) => self.appliance_ready(*ready),
            News::Trouble { name, refusal, .. } => {
                let Some(appliance) = self.appliances.get_mut(&name) else { return };
                let changed = !appliance.looked || appliance.trouble.as_ref() != Some(&refusal);
                appliance.looked = true;
                appliance.trouble = Some(refusal);
                if changed {
                    let theirs = self.objects_of(&name);
                    for object in theirs {
                        self.errands.entry(object).or_insert(Errand::TellTrouble);
                    }
                    self.run_errands();
                }
            }
        }
    }

    fn appliance_ready(&mut self, ready: Ready) {
        let name = Arc::clone(&ready.name);
        let resync = ready.resync;
        let Some(appliance) = self.appliances.get_mut(&name) else { return };
        appliance.looked = true;
        let recovered = appliance.trouble.take().is_some();
        let before = appliance.ready.as_ref();
        // An account that has lost its rights sees nothing: what was known stays.
        let blind = ready.catalogue.is_blind() && before.is_some();
        let catalogue = match before {
            Some(before) if blind => Arc::clone(&before.catalogue),
            _ => Arc::clone(&ready.catalogue),
        };
        let changed = before.is_none_or(|before| before.catalogue != catalogue || before.spec != ready.spec);
        let regranted = before.is_none_or(|before| before.grants != ready.grants);
        if before.is_none_or(|before| before.client.concurrency() != ready.client.concurrency()) {
            appliance.places = Places::new(ready.client.concurrency());
        }
        appliance.ready = Some(Ready { catalogue, ..ready });
        self.prepare_publication(&name);
        if regranted {
            self.quotas.forget(&name);
        }
        // With each round as well, for what nobody tells of: room under maxRecords, or a way out of a failure.
        if changed || regranted || resync {
            let slots = &self.slots;
            self.families
                .look_at_those(|parent| slots.get(parent).is_some_and(|slot| slot.solid_server == name));
        }
        for object in self.objects_of(&name) {
            let Some(slot) = self.slots.get_mut(&object) else { continue };
            if resync {
                slot.missed_zone = if slot.lost_zone { slot.missed_zone + 1 } else { 0 };
            }
            let unbound = slot.binding.is_none();
            if changed || unbound {
                self.rebind(&object, false);
            }
        }
        let now = Instant::now();
        let theirs: Vec<ZoneKey> =
            self.zones.keys().filter(|zone| zone.solid_server == name).cloned().collect();
        for zone in &theirs {
            let Some(state) = self.zones.get_mut(zone) else { continue };
            if recovered {
                // What waited for the appliance need not wait longer.
                state.dirty.extend(std::mem::take(&mut state.retries).into_keys());
                state.not_before = None;
            }
            if state.whole_due || !state.dirty.is_empty() {
                self.queue.changed(zone, now);
            }
        }
        // Before all records are known a round would be one over nothing.
        if resync && self.unlisted == 0 {
            self.begin_round(&name);
        }
    }

    /// Every zone of an appliance gets a whole pass, and what they bring is counted together.
    pub(super) fn begin_round(&mut self, name: &Arc<str>) {
        if self.term(name).is_none() {
            return;
        }
        let theirs: Vec<ZoneKey> =
            self.zones.keys().filter(|zone| zone.solid_server == *name).cloned().collect();
        self.rounds.insert(Arc::clone(name), Round::new(theirs.iter().cloned()));
        let now = Instant::now();
        for zone in &theirs {
            if let Some(state) = self.zones.get_mut(zone) {
                state.whole_due = true;
                // Whoever changes one of its DnsRecords in this moment joins it later, as in any pass.
                self.queue.goes_on(zone, now);
            }
        }
        if theirs.is_empty() {
            self.end_round(name, None);
        }
    }
}
