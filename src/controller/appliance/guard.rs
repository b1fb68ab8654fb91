//! The deletion guard's book: it grants what the window still allows, says what is held, and hears what people decide about it.

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use kube::Resource as _;
use kube::runtime::events::EventType;
use tracing::{info, warn};

use super::{Hold, Task, Wish};
use crate::api::{
    ABANDON_DELETIONS, ACCEPT_APPLIANCE, APPROVE_DELETIONS, Approval, ApprovalKind, ConditionType, Reason,
    SolidServer, SolidServerSpec, TAKE_OVER, ZoneStatus, find, is_true, with_deletions_held,
};
use crate::reconcile::{Bound, DeletionRequest, Notice};
use crate::record::Place;

/// Decisions that a status remembers; the oldest go first.
const MOST_APPROVALS: usize = 100;
/// RRsets that a message names of each hold.
const NAMED: usize = 5;
/// Holds that a message names.
const HOLDS_NAMED: usize = 5;

impl Task {
    /// Grants losses within the window's count, which is written down before the answer is given.
    pub(super) async fn judge(&mut self, wish: &Wish, request: DeletionRequest) {
        let window = wish.object.spec.deletions_window().unwrap_or(SolidServerSpec::DEFAULT_DELETIONS_WINDOW);
        let now = Timestamp::now();
        let zone = zone_status(&request.place);
        let counted = self.windows.count(&zone, window, now);
        if let Some(Bound { held, allowed }) = request.bound {
            let fits = counted + held + request.count <= allowed;
            info!(
                solid_server = %self.name, place = %request.place, losses = request.count, counted, held, allowed, fits,
                "deletion guard"
            );
            if !fits {
                // Whoever asked may have been cut off meanwhile; it asks again then.
                let _ = request.reply.send(Ok(false));
                return;
            }
        }
        let before = self.windows.clone();
        self.windows.note(&zone, request.count, window, now);
        self.windows.write_into(&mut self.status.zones);
        self.patch(wish).await;
        let answer = if self.dirty {
            // Nothing is deleted, so nothing is counted: each further try would count once more. Should the API server have taken it
            // all the same, the next patch takes it back.
            self.windows = before;
            self.windows.write_into(&mut self.status.zones);
            Err("the API server did not take the status of the SolidServer".to_owned())
        } else {
            Ok(true)
        };
        let _ = request.reply.send(answer);
    }

    /// What is held is another than before.
    pub(super) fn hold(&mut self, holds: Vec<Hold>) {
        // A condition from before a restart may speak of what is decided by now.
        let outdated = holds.is_empty() && is_true(&self.status.conditions, ConditionType::DeletionsHeld);
        if self.holds == holds && !outdated {
            return;
        }
        self.holds = holds;
        self.holds.sort_by(|left, right| (&left.place, &left.id).cmp(&(&right.place, &right.id)));
        let rrsets = self.holds.iter().map(|hold| hold.rrsets.len()).sum();
        self.surroundings.metrics.deletions_held(&self.name, rrsets);
        self.holds_told = false;
    }

    /// Says what is held, and takes down what annotations ask for.
    pub(super) async fn take_requests(&mut self, wish: &Wish) {
        let mut changed = self.note_annotations(wish);
        // What an earlier patch did not bring home.
        changed |= self.dirty && !self.holds_told;
        let mut announced = None;
        if !self.holds_told {
            let text = (!self.holds.is_empty()).then(|| self.words());
            let before = find(&self.status.conditions, ConditionType::DeletionsHeld).cloned();
            if text.is_some() || before.is_some() {
                let generation = wish.object.metadata.generation.unwrap_or_default();
                let conditions = with_deletions_held(
                    text.as_deref(),
                    generation,
                    Timestamp::now(),
                    &self.status.conditions,
                );
                changed |= conditions != self.status.conditions;
                let other = before.is_none_or(|before| Some(before.message) != text);
                announced = text.filter(|_| other);
                self.status.conditions = conditions;
            }
        }
        if changed {
            self.patch(wish).await;
        }
        self.holds_told = !(changed && self.dirty);
        if let Some(text) = announced {
            warn!(solid_server = %self.name, "{text}");
            self.surroundings.events.send(Notice::new(
                wish.object.object_ref(&()),
                EventType::Warning,
                Reason::DeletionHeld.as_str(),
                text,
            ));
        }
    }

    /// An annotation asks for something.
    pub(super) fn asked(&mut self, trigger: Trigger) {
        if !self.asked.contains(&trigger) {
            self.asked.push(trigger);
            let surplus = self.asked.len().saturating_sub(MOST_APPROVALS);
            self.asked.drain(..surplus);
        }
    }

    /// Annotations are triggers: what they ask for is written down once and counts from then on, whether or not they stay.
    fn note_annotations(&mut self, wish: &Wish) -> bool {
        for trigger in triggers(&wish.object) {
            self.asked(trigger);
        }
        let mut changed = false;
        for (kind, id) in std::mem::take(&mut self.asked) {
            if self.status.approved.iter().any(|known| known.kind == kind && known.id == id) {
                continue;
            }
            if kind == ApprovalKind::AcceptAppliance {
                if self.accept(id.clone()) {
                    changed = true;
                } else {
                    self.asked.push((kind, id));
                }
                continue;
            }
            // An id that nothing is held under means nothing yet; it is looked at again when something is.
            if kind != ApprovalKind::TakeOver && !self.holds.iter().any(|hold| *hold.id == *id) {
                self.asked.push((kind, id));
                continue;
            }
            info!(solid_server = %self.name, id, ?kind, "asked for by annotation");
            self.status.approved.push(Approval { id, kind, time: Time(Timestamp::now()) });
            changed = true;
        }
        let surplus = self.status.approved.len().saturating_sub(MOST_APPROVALS);
        self.status.approved.drain(..surplus);
        changed
    }

    fn words(&self) -> String {
        let mut lines: Vec<String> = self.holds.iter().take(HOLDS_NAMED).map(|hold| self.one(hold)).collect();
        if self.holds.len() > HOLDS_NAMED {
            lines.push(format!(
                "and {} more holds: the DnsRecords' status.holdId names them",
                self.holds.len() - HOLDS_NAMED
            ));
        }
        format!(
            "more deletions than spec.guard lets through; nothing of them is deleted: {}",
            lines.join("; ")
        )
    }

    /// The commands come before the names: an Event's note is short.
    fn one(&self, hold: &Hold) -> String {
        let annotate = format!(
            "kubectl annotate --overwrite --field-manager=flux-client-side-apply solidserver {}",
            self.name
        );
        let mut named: Vec<String> = hold.rrsets.iter().take(NAMED).map(ToString::to_string).collect();
        if hold.rrsets.len() > NAMED {
            named.push("...".to_owned());
        }
        format!(
            "hold {id} of {} RRsets in the {}; to delete them: {annotate} {APPROVE_DELETIONS}={id}; \
             to let their DnsRecords go and leave the rows in DNS: {annotate} {ABANDON_DELETIONS}={id}; they are: {}",
            hold.rrsets.len(),
            hold.place,
            named.join(", "),
            id = hold.id,
        )
    }
}

/// What an annotation asks for, and of which id.
pub(in crate::controller) type Trigger = (ApprovalKind, String);

/// What the annotations of a SolidServer ask for.
pub(in crate::controller) fn triggers(object: &SolidServer) -> Vec<Trigger> {
    let annotations = object.metadata.annotations.iter().flatten();
    let asked = annotations.filter_map(|(key, id)| {
        let kind = match key.as_str() {
            APPROVE_DELETIONS => ApprovalKind::ApproveDeletions,
            ABANDON_DELETIONS => ApprovalKind::AbandonDeletions,
            TAKE_OVER => ApprovalKind::TakeOver,
            ACCEPT_APPLIANCE => ApprovalKind::AcceptAppliance,
            _ => return None,
        };
        Some((kind, id.trim().to_owned()))
    });
    asked.filter(|(_, id)| !id.is_empty()).collect()
}

/// A zone as a status names it.
pub(in crate::controller) fn zone_status(place: &Place) -> ZoneStatus {
    ZoneStatus {
        name: place.zone.to_string(),
        server: place.server.to_string(),
        view: place.view.as_deref().map(str::to_owned),
        records: 0,
        deletions: Vec::new(),
    }
}
