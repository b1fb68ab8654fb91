//! Is the endpoint still the appliance that the statuses of DnsRecords speak of? Nothing is written at one that is new to a SolidServer
//! before it has shown a row of ours, or nothing of ours is said to be anywhere, or a person has said so.

use std::collections::BTreeSet;

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use tokio::sync::oneshot;
use tracing::{info, warn};

use super::{News, Task, Wish};
use crate::api::{ACCEPT_APPLIANCE, Approval, ApprovalKind, RECONCILE_REQUESTED_AT, Reason};
use crate::controller::catalogue::{Catalogue, Refusal};
use crate::controller::endpoints::endpoint;
use crate::plan::{Remembered, acceptance_id};
use crate::reconcile::{self, ErrorClass};
use crate::record::Place;
use crate::solidserver::{Client, Error};

/// Zones that a message names.
const NAMED: usize = 5;

/// An endpoint that is not taken for the appliance of before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Stranger {
    /// As a status spells it.
    endpoint: String,
    /// By which it is accepted.
    id: String,
}

impl Task {
    /// Fails unless the endpoint is the one of before, or shows itself to be the same appliance.
    pub(super) async fn recognise(
        &mut self,
        wish: &Wish,
        client: &Client,
        catalogue: &Catalogue,
    ) -> Result<(), (Refusal, ErrorClass)> {
        let here = endpoint(&wish.object.spec);
        if self.status.endpoint.as_ref() == Some(&here) {
            self.stranger = None;
            return Ok(());
        }
        // Nobody answers any more when the process is about to end.
        let Some(remembered) = self.remembered().await else {
            let refusal = Refusal::new(Reason::Waiting, "the DnsRecords are not known");
            return Err((refusal, ErrorClass::Kubernetes));
        };
        if !remembered.is_empty() {
            if catalogue.is_blind() {
                let text = "the appliance shows this account no DNS server or zone; give it read rights";
                return Err((Refusal::new(Reason::NotVisible, text), ErrorClass::Settings));
            }
            let shown = self.shows_ours(client, catalogue, &remembered).await;
            let shown = shown.map_err(|(place, error)| {
                let message = format!("{place}: {}; {}", reconcile::words(&error), reconcile::advice(&error));
                (Refusal::new(reconcile::reason(&error), message), ErrorClass::of(&error))
            })?;
            if !shown {
                return Err((self.refuse_stranger(here, &remembered), ErrorClass::Settings));
            }
            info!(solid_server = %self.name, endpoint = here, "the endpoint shows rows of ours: it is the appliance of before");
        }
        self.stranger = None;
        self.status.endpoint = Some(here);
        self.dirty = true;
        Ok(())
    }

    /// What the statuses of its DnsRecords say is there. The engine answers once it knows all of them.
    async fn remembered(&self) -> Option<Remembered> {
        let (reply, answer) = oneshot::channel();
        let asked = News::Remembered { name: self.name.clone(), reply };
        self.surroundings.news.send(asked).await.ok()?;
        answer.await.ok()
    }

    /// Whether a zone shows a row that was written for one of these DnsRecords. Zones are read as a whole: no name of a DnsRecord
    /// whose right may have been withdrawn is asked for.
    async fn shows_ours(
        &self,
        client: &Client,
        catalogue: &Catalogue,
        remembered: &Remembered,
    ) -> Result<bool, (Place, Error)> {
        let taken_over: BTreeSet<String> = self
            .status
            .approved
            .iter()
            .filter(|approval| approval.kind == ApprovalKind::TakeOver)
            .map(|approval| approval.id.clone())
            .collect();
        for place in remembered.zones() {
            let server = catalogue.listed.get(&place.server);
            if server.is_none() || !catalogue.has(place) {
                continue;
            }
            let reading = client.read_zone(place).await.map_err(|error| (place.clone(), error))?;
            let identity = &self.surroundings.identity;
            let marks = self.status.marks();
            if remembered.is_shown_by(&reading.rows, place, identity, marks, &taken_over) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn refuse_stranger(&mut self, here: String, remembered: &Remembered) -> Refusal {
        let was = self.status.endpoint.clone().unwrap_or_default();
        let accepted = self.status.approved.iter().rev();
        let accepted = accepted.into_iter().find(|one| one.kind == ApprovalKind::AcceptAppliance);
        // Told from the times before by the id that was accepted last, which is another one each time.
        let accepted = accepted.map(|one| one.id.clone()).unwrap_or_default();
        let id = acceptance_id(&self.name, &was, &here, &accepted);
        let zones = remembered.zones();
        let mut named: Vec<String> = zones.iter().take(NAMED).map(ToString::to_string).collect();
        if zones.len() > NAMED {
            named.push("...".to_owned());
        }
        let back = if was.is_empty() {
            "correct spec.endpoint".to_owned()
        } else {
            format!("set spec.endpoint back to {was}")
        };
        let message = format!(
            "{here} shows none of the rows that the status of {} DnsRecords says are there; nothing is written or let go. If it is \
             another appliance, {back}; if its rows are restored, that is seen with the next look (annotation \
             {RECONCILE_REQUESTED_AT}, or after spec.resyncInterval); if it is right and shall get them all anew: kubectl annotate \
             --overwrite --field-manager=flux-client-side-apply solidserver {} {ACCEPT_APPLIANCE}={id}. They were in: {}",
            remembered.records(),
            self.name,
            named.join(", "),
        );
        self.stranger = Some(Stranger { endpoint: here, id });
        Refusal::new(Reason::WrongAppliance, message)
    }

    /// A person says that the endpoint is right: that is written down together with the endpoint, so that it counts once.
    pub(super) fn accept(&mut self, id: String) -> bool {
        let Some(stranger) = self.stranger.take_if(|stranger| stranger.id == id) else { return false };
        warn!(solid_server = %self.name, endpoint = stranger.endpoint, id, "accepted by annotation: its rows are written anew");
        self.status.approved.push(Approval {
            id,
            kind: ApprovalKind::AcceptAppliance,
            time: Time(Timestamp::now()),
        });
        self.status.endpoint = Some(stranger.endpoint);
        self.look_at = Some(tokio::time::Instant::now());
        true
    }
}
