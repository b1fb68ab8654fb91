//! One zone: read (IO), decided as in a pass, and set against the deletion guard.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use super::outcome::Outcome;
use super::{Deletions, Failure, Foreseen, Objects};
use crate::api::{ApprovalKind, DnsRecord, Reason, SolidServerSpec, SolidServerStatus};
use crate::controller::appliance::zone_status;
use crate::controller::windows::Windows;
use crate::controller::zones::restored;
use crate::plan::{
    Adoption, Allowance, Brake, BrakeReason, CLUSTER_UID_PARAMETER, Claim, Decision, Identity, Marks, Motive,
    OWNER_PARAMETER, ObjectName, OnDrift, Owner, Sharing, Stage, losses,
};
use crate::reconcile::{Circumstances, Finding, GatherError, Inquiry, Known, Scope, Trouble};
use crate::record::{Name, Place, RecordData, Row, Rrset, RrsetKey};
use crate::solidserver::Client;

/// One DnsRecord as the zone concerns it.
pub(super) struct Subject {
    pub(super) record: Arc<DnsRecord>,
    /// Whether it is asked about.
    pub(super) asked: bool,
    /// Whether this zone is the one for its RRset, and not one that it leaves.
    pub(super) home: bool,
    /// Where it still has rows that go once it is settled here.
    pub(super) leaves: Option<Place>,
    /// The SolidServer's defaults name another place by now.
    pub(super) defaults_changed: bool,
}

/// A zone with records that are asked about.
pub(super) struct Zone {
    solid_server: Arc<str>,
    place: Place,
    client: Client,
    marks: Marks,
    status: SolidServerStatus,
    spec: SolidServerSpec,
    taken_over: BTreeSet<String>,
    claims: Vec<Claim>,
    subjects: BTreeMap<ObjectName, Subject>,
    known: Option<Known>,
    whole: bool,
    zone_rows: Option<usize>,
    reads: usize,
    error: Option<GatherError>,
}

/// What would come of the records of a zone.
#[derive(Default)]
pub(super) struct Decided {
    /// Each with whether the zone is its home.
    pub(super) foreseen: Vec<(bool, Foreseen)>,
    pub(super) deletions: Option<Deletions>,
    pub(super) failure: Option<Failure>,
    pub(super) reads: usize,
}

impl Zone {
    pub(super) fn new(
        solid_server: Arc<str>,
        place: Place,
        client: Client,
        status: SolidServerStatus,
        spec: SolidServerSpec,
        taken_over: BTreeSet<String>,
    ) -> Self {
        Self {
            solid_server,
            place,
            client,
            marks: status.marks(),
            status,
            spec,
            taken_over,
            claims: Vec::new(),
            subjects: BTreeMap::new(),
            known: None,
            whole: false,
            zone_rows: None,
            reads: 0,
            error: None,
        }
    }

    /// A record belongs here, or leaves.
    pub(super) fn add(&mut self, mut claim: Claim, subject: Subject) {
        claim.decide = subject.asked;
        let held = brake(&subject.record).until().is_some();
        claim.writable &= !held;
        self.subjects.insert(claim.object.clone(), subject);
        self.claims.push(claim);
    }

    pub(super) fn is_asked_about(&self) -> bool {
        self.subjects.values().any(|subject| subject.asked)
    }

    /// Reads what is to be known. Where not all DnsRecords are, nobody says at which names rows of theirs may stand, so that the zone is
    /// read as a whole.
    pub(super) async fn read(&mut self, objects: &Objects) {
        self.decide_neighbours();
        if let Err(error) = self.try_to_read(objects).await {
            self.error = Some(error);
        }
    }

    async fn try_to_read(&mut self, objects: &Objects) -> Result<(), GatherError> {
        let names: Vec<Name> = self.asked_names().into_iter().collect();
        self.whole = !objects.complete;
        if !self.whole && self.client.name_chunks(&self.place, &names) > 1 {
            let rows = self.client.count_rows(&self.place).await?;
            self.reads += 1;
            self.zone_rows = usize::try_from(rows).ok();
        }
        self.gather().await
    }

    async fn gather(&mut self) -> Result<(), GatherError> {
        let (mut known, mut reads) = (self.known.take(), self.reads);
        let scope = if self.whole { Scope::Whole } else { Scope::Names };
        let identity = Identity { cluster: "".into(), cluster_uid: "".into() };
        let answer = self.inquiry(&identity, &|_| true).gather(scope, &mut known, &mut reads).await;
        self.whole |= known.as_ref().is_some_and(|known| known.zone_rows.is_some());
        (self.known, self.reads) = (known, reads);
        answer
    }

    /// Whoever wants an RRset at the same names is decided as well: it may get what another one gives up.
    fn decide_neighbours(&mut self) {
        let names = self.asked_names();
        for claim in &mut self.claims {
            claim.decide |= names.contains(&claim.rrset.key.name);
        }
    }

    fn asked_names(&self) -> BTreeSet<Name> {
        self.claims.iter().filter(|claim| claim.decide).flat_map(Claim::names).cloned().collect()
    }

    /// The UIDs in the marks of rows that carry this cluster's name, one for each row.
    pub(super) fn uids<'z>(&'z self, cluster: &'z str) -> impl Iterator<Item = &'z str> {
        let rows = self.known.iter().flat_map(Known::rows);
        rows.filter(move |row| {
            let owner = row.parameters.get(OWNER_PARAMETER).filter(|_| row.has_own(OWNER_PARAMETER));
            owner.and_then(|owner| owner.split_once('/')).is_some_and(|(named, _)| named == cluster)
        })
        .filter_map(|row| row.parameters.get(CLUSTER_UID_PARAMETER).map(String::as_str))
    }

    fn inquiry<'z>(
        &'z self,
        identity: &'z Identity,
        exists: &'z (dyn Fn(&ObjectName) -> bool + Send + Sync),
    ) -> Inquiry<'z> {
        Inquiry {
            client: &self.client,
            place: &self.place,
            marks: self.marks,
            page_size: usize::try_from(self.spec.page_size()).unwrap_or(usize::MAX),
            zone_rows: self.zone_rows,
            to_come: 0,
            claims: &self.claims,
            identity,
            exists,
            taken_over: &self.taken_over,
        }
    }

    /// Decides everything.
    pub(super) async fn decide(mut self, objects: &Objects, identity: &Identity) -> Decided {
        let present = objects.names();
        let complete = objects.complete;
        let exists = move |object: &ObjectName| !complete || present.contains(object);
        match self.try_to_decide(objects, identity, &exists).await {
            Ok(mut decided) => {
                decided.reads = self.reads;
                decided
            }
            Err(error) => self.fail(&error),
        }
    }

    async fn try_to_decide(
        &mut self,
        objects: &Objects,
        identity: &Identity,
        exists: &(dyn Fn(&ObjectName) -> bool + Send + Sync),
    ) -> Result<Decided, GatherError> {
        if let Some(error) = self.error.take() {
            return Err(error);
        }
        if !objects.complete {
            self.give_up_missing(objects, identity);
        }
        let mut decisions = self.decisions(identity, exists).await?;
        let max_count = usize::try_from(self.spec.deletions_max_count()).unwrap_or(usize::MAX);
        if !self.whole && self.losses(&decisions).values().map(BTreeSet::len).sum::<usize>() > max_count {
            // The share of the zone that may go is measured by the whole of it.
            (self.whole, self.known) = (true, None);
            self.gather().await?;
            decisions = self.decisions(identity, exists).await?;
        }
        let deletions = self.deletions(&decisions, identity, exists);
        let mut decided = Decided::default();
        let held = |object: &ObjectName, losses: &BTreeMap<ObjectName, BTreeSet<RrsetKey>>| {
            deletions.as_ref().is_some_and(|deletions| deletions.held) && losses.contains_key(object)
        };
        let losses = self.losses(&decisions);
        for decision in decisions {
            let is_held = held(&decision.object, &losses);
            decided.foreseen.extend(self.foresee(&decision, identity, is_held));
        }
        decided.deletions = deletions;
        Ok(decided)
    }

    async fn decisions(
        &mut self,
        identity: &Identity,
        exists: &(dyn Fn(&ObjectName) -> bool + Send + Sync),
    ) -> Result<Vec<Decision>, GatherError> {
        let Some(mut known) = self.known.take() else { return Ok(Vec::new()) };
        let mut reads = self.reads;
        let decisions = self.inquiry(identity, exists).decide(&mut known, &mut reads).await;
        (self.known, self.reads) = (Some(known), reads);
        decisions
    }

    /// What rows say of DnsRecords that would be here if they were to stay.
    fn give_up_missing(&mut self, objects: &Objects, identity: &Identity) {
        let present = objects.names();
        let mut missing: BTreeMap<ObjectName, (Rrset, Vec<RecordData>)> = BTreeMap::new();
        for row in self.known.iter().flat_map(Known::rows).filter(|row| !row.pending_delete) {
            let (Owner::Object(object), Some(key)) = (Owner::of(row, &self.place, identity), row.rrset_key())
            else {
                continue;
            };
            if objects.complete_namespaces.contains(&*object.namespace) && !present.contains(&object) {
                let empty = Rrset { key, ttl: row.ttl, values: [].into() };
                missing.entry(object).or_insert((empty, Vec::new())).1.extend(row.data.clone());
            }
        }
        self.claims.extend(missing.into_iter().map(|(object, (rrset, values))| {
            leftover(object, Rrset { values: values.into_iter().collect(), ..rrset })
        }));
    }

    /// RRsets that would go, by the DnsRecord; nothing is written for those that are suspended.
    fn losses(&self, decisions: &[Decision]) -> BTreeMap<ObjectName, BTreeSet<RrsetKey>> {
        let rows: Vec<&Row> = self.known.iter().flat_map(Known::rows).collect();
        let mut losses = losses(decisions, &rows);
        let suspended = |object: &ObjectName| {
            self.subjects.get(object).is_some_and(|subject| subject.record.spec.suspend)
        };
        losses.retain(|object, _| !self.spec.suspend && !suspended(object));
        losses
    }

    /// The losses set against the guard. What a person approved before is not measured.
    fn deletions(
        &self,
        decisions: &[Decision],
        identity: &Identity,
        exists: &(dyn Fn(&ObjectName) -> bool + Send + Sync),
    ) -> Option<Deletions> {
        let losses = self.losses(decisions);
        let rrsets: BTreeSet<RrsetKey> = losses.values().flatten().cloned().collect();
        if rrsets.is_empty() {
            return None;
        }
        let approved = |object: &ObjectName| {
            let record = &self.subjects.get(object)?.record;
            let id = record.status.as_ref()?.hold_id.as_ref()?;
            let mut approved = self.status.approved.iter();
            approved.find(|approval| approval.kind == ApprovalKind::ApproveDeletions && approval.id == *id)
        };
        let measured: BTreeSet<&RrsetKey> = losses
            .iter()
            .filter(|(object, _)| approved(object).is_none())
            .flat_map(|(_, rrsets)| rrsets)
            .collect();
        let window = self.spec.deletions_window().unwrap_or(SolidServerSpec::DEFAULT_DELETIONS_WINDOW);
        let zone = zone_status(&self.place);
        let counted = Windows::restored(&self.status).count(&zone, window, Timestamp::now());
        let allowance = Allowance {
            max_count: self.spec.deletions_max_count(),
            max_percent: self.spec.deletions_max_percent(),
        };
        let owned = match &self.known {
            Some(known) if self.whole => self.inquiry(identity, exists).owned(known),
            _ => 0,
        };
        let allowed = allowance.of(owned);
        let held = !measured.is_empty() && counted + measured.len() > allowed;
        Some(Deletions {
            solid_server: Arc::clone(&self.solid_server),
            place: self.place.clone(),
            rrsets,
            counted,
            allowed,
            window,
            held,
        })
    }

    /// What a decision means for its record; `None` for a neighbour to whom nothing happens because of what is asked about.
    fn foresee(&self, decision: &Decision, identity: &Identity, is_held: bool) -> Option<(bool, Foreseen)> {
        let subject = self.subjects.get(&decision.object);
        if subject.is_some_and(|subject| !subject.asked) && decision.motive != Motive::HandOver {
            return None;
        }
        let home = subject.is_none_or(|subject| subject.home);
        let circumstances = Circumstances {
            place: &self.place,
            leaves: None,
            defaults_changed: subject.is_some_and(|subject| subject.defaults_changed),
            suspended: subject.is_some_and(|subject| subject.record.spec.suspend),
            cluster: &identity.cluster,
            solid_server: &self.solid_server,
        };
        let finding = Finding::of(decision, circumstances);
        let reason = finding.as_ref().map(|finding| finding.reason);
        let mut foreseen = Foreseen {
            object: decision.object.clone(),
            solid_server: Arc::clone(&self.solid_server),
            rrset: Some(decision.rrset.key.clone()),
            place: Some(self.place.clone()),
            outcome: Outcome::of(decision, reason),
            reason,
            message: finding.map(|finding| finding.message).unwrap_or_default(),
            changes: decision.steps.changes().map(|change| (self.place.clone(), change.clone())).collect(),
        };
        let leaves = subject.and_then(|subject| subject.leaves.as_ref());
        if let Some(leaves) = leaves {
            foreseen.message = format!("moves from the {leaves} to the {}", self.place);
            if foreseen.outcome.writes() {
                foreseen.outcome = Outcome::Update;
            }
        }
        if decision.steps.is_empty() {
            return Some((home, foreseen));
        }
        let itself = subject.is_some_and(|subject| subject.record.spec.suspend);
        if itself || self.spec.suspend {
            let finding = Finding::suspended(decision, (!itself).then_some(&self.solid_server));
            foreseen = foreseen.with(Outcome::Suspended, Reason::Suspended, finding.message);
        } else if is_held {
            let message = "more deletions than the guard lets through: all of them would be held until somebody approves";
            foreseen = foreseen.with(Outcome::Held, Reason::DeletionHeld, message);
        } else if let Some(subject) = subject
            && let Err(braked) = brake(&subject.record).check(decision, Duration::ZERO)
        {
            let reason = match braked.reason {
                BrakeReason::Rejected => Reason::Rejected,
                BrakeReason::NotStoredAsSent => Reason::NotStoredAsSent,
                BrakeReason::Contested => Reason::Contested,
                BrakeReason::HiddenByRights => Reason::HiddenByRights,
            };
            foreseen = foreseen.with(Outcome::Refused, reason, braked.message);
        }
        Some((home, foreseen))
    }

    fn fail(self, error: &GatherError) -> Decided {
        let trouble = Trouble::of(error, &self.place);
        let advice = if trouble.advice.is_empty() { String::new() } else { format!("; {}", trouble.advice) };
        let failure = Failure {
            solid_server: Arc::clone(&self.solid_server),
            place: Some(self.place.clone()),
            reason: trouble.reason,
            message: format!("{}{advice}", trouble.message),
        };
        let asked = self.subjects.values().filter(|subject| subject.asked);
        let foreseen = asked.map(|subject| {
            let place = Some(self.place.clone());
            (subject.home, Foreseen { place, ..super::unknown(&subject.record, &failure) })
        });
        Decided { foreseen: foreseen.collect(), failure: Some(failure), reads: self.reads, deletions: None }
    }
}

/// A write that the status says was held stays held.
fn brake(record: &DnsRecord) -> Brake {
    restored(record, Duration::ZERO).unwrap_or_default()
}

/// What a DnsRecord that is gone from where all would be has left.
fn leftover(object: ObjectName, rrset: Rrset) -> Claim {
    Claim {
        object,
        created: 0,
        stage: Stage::Deleting,
        rrset,
        class_name: None,
        class_parameters: BTreeMap::new(),
        dropped_parameters: BTreeSet::new(),
        adoption: Adoption::Never,
        sharing: Sharing::Exclusive,
        on_drift: OnDrift::Repair,
        applied: None,
        written: BTreeSet::new(),
        begun: false,
        other_names: BTreeSet::new(),
        decide: true,
        left_over: false,
        writable: true,
    }
}
