//! One decision from plan to status: finalizer, steps, what came of them, report.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use jiff::Timestamp;
use tracing::field::Empty;
use tracing::{Instrument as _, Span, error, info, warn};

use super::advice::advice;
use super::events::Notice;
use super::execute::{Executed, execute};
use super::fence::{self, FenceError};
use super::finding::{Circumstances, Finding, Publishing};
use super::guard::Ruling;
use super::places::{self, End, Places, Start};
use super::report::{self, shown_reason};
use super::retry::{ErrorClass, is_trouble, reason, words};
use super::{StoredRecord, Subject, Tools, Trouble};
use crate::api::{DnsRecord, Reason, Standing};
use crate::plan::{
    Brake, BrakeReason, Braked, Change, Decision, Fingerprint, Motive, ObjectName, Stage, Verdict, WrittenRow,
};
use crate::record::{Name, Place};
use crate::solidserver::{Client, Error, Turn};
use crate::telemetry::TARGET;

/// How a DnsRecord came out of a pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// Nothing more to do until something changes.
    Settled,
    /// Its turn did not come in this slice.
    Later,
    /// Not before then, since the start of the process.
    NotBefore(Duration),
    /// To be tried again.
    Again(ErrorClass),
    /// It is where it should be, and the place it comes from is to be cleared.
    Moved,
    /// Nothing of it is left in this zone, which it leaves.
    Left,
    /// Its finalizer is off.
    Released,
    /// The object is gone, or another one has its name.
    Vanished,
}

/// What a pass did, counted by DnsRecord.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deed {
    /// Only rows were added.
    Created,
    /// Rows were edited, or it was a mixture.
    Updated,
    /// Only rows were deleted.
    Deleted,
    /// Nothing was to be done.
    Skipped,
    /// Something was to be done and was not.
    Failed,
    /// Not decided.
    None,
}

/// A DnsRecord after a pass.
pub struct Settled<R = Arc<DnsRecord>> {
    /// Which.
    pub object: ObjectName,
    /// How it ended.
    pub ending: Ending,
    /// What was done.
    pub deed: Deed,
    /// Its brake, to be remembered.
    pub brake: Brake,
    /// Tries since it last settled.
    pub attempts: u32,
    /// The newest state of the object that the API server gave.
    pub record: R,
    /// Names whose rows are other ones now, or may be.
    pub touched: Vec<Name>,
    /// Rows that were written, or may have been.
    pub written: Vec<WrittenRow>,
}

impl Settled<StoredRecord> {
    /// A DnsRecord whose turn has not come.
    fn later(object: ObjectName, subject: Subject) -> Self {
        Self {
            object,
            ending: Ending::Later,
            deed: Deed::None,
            brake: subject.brake,
            attempts: subject.attempts,
            record: subject.record,
            touched: Vec::new(),
            written: Vec::new(),
        }
    }

    /// A DnsRecord that is to be tried again.
    pub(super) fn again(
        object: ObjectName,
        subject: Subject,
        class: ErrorClass,
        fresh: Option<Arc<DnsRecord>>,
    ) -> Self {
        Self {
            object,
            ending: Ending::Again(class),
            deed: Deed::None,
            brake: subject.brake,
            attempts: subject.attempts + 1,
            record: fresh.map_or(subject.record, StoredRecord::Whole),
            touched: Vec::new(),
            written: Vec::new(),
        }
    }
}

/// What the records of one slice share.
pub(super) struct Slice<'a> {
    pub tools: &'a Tools,
    pub solid_server: &'a str,
    pub place: &'a Place,
    pub client: Client,
    /// What all passes of the SolidServer have at work together.
    pub places: Places,
    /// When it begins no more.
    pub end: End,
    /// What the deletion guard says of some of them.
    pub rulings: HashMap<ObjectName, Ruling>,
    /// The SolidServer is suspended: nothing is written.
    pub suspended: bool,
    /// Whether the way of what is written to the name servers is followed.
    pub publishing: Publishing,
    /// The first error that concerns the whole appliance; nothing is begun after it.
    pub trouble: OnceLock<Trouble>,
    /// An id was stale: no other one of the same reading is used after it.
    pub stale: AtomicBool,
}

impl Slice<'_> {
    /// Brings one decision to its end.
    pub(super) async fn settle(
        &self,
        decision: Decision,
        subject: Subject,
        start: Start,
    ) -> Settled<StoredRecord> {
        let Start::Now(place) = start else { return Settled::later(decision.object, subject) };
        let known = subject.record.clone();
        let record = match known.read() {
            Ok(record) => record,
            Err(error) => {
                error!(object = %decision.object, "{error}");
                return Settled::again(decision.object, subject, ErrorClass::Kubernetes, None);
            }
        };
        let span = self.span(&decision, &subject);
        let settling = self.settle_record(decision, subject, Arc::clone(&record), place);
        let settled = settling.instrument(span.clone()).await;
        if !span.is_disabled() {
            span.record("ending", tracing::field::debug(settled.ending));
            span.record("reason", shown_reason(&settled.record).map(Reason::as_str));
        }
        // Thousands of them wait for the end of the pass.
        let unchanged = Arc::ptr_eq(&record, &settled.record);
        Settled {
            record: if unchanged { known } else { StoredRecord::Whole(settled.record) },
            object: settled.object,
            ending: settled.ending,
            deed: settled.deed,
            brake: settled.brake,
            attempts: settled.attempts,
            touched: settled.touched,
            written: settled.written,
        }
    }

    /// What is traced: what somebody changed, and repairs; not what is looked at and found to be in sync.
    fn span(&self, decision: &Decision, subject: &Subject) -> Span {
        let journey = subject.journey.span();
        if decision.steps.is_empty() && journey.is_none() {
            return Span::none();
        }
        let pass = Span::current();
        let span = tracing::info_span!(
            target: TARGET, parent: journey.and_then(Span::id), "settle",
            object = %decision.object, fqdn = %decision.rrset.key.name, r#type = %decision.rrset.key.record_type,
            place = %self.place, verdict = decision.verdict.label(), motive = ?decision.motive,
            ending = Empty, reason = Empty,
        );
        span.follows_from(pass);
        span
    }

    async fn settle_record(
        &self,
        decision: Decision,
        subject: Subject,
        record: Arc<DnsRecord>,
        mut place: Option<places::Place>,
    ) -> Settled {
        let mut settled = Settled {
            object: decision.object.clone(),
            ending: Ending::Later,
            deed: Deed::None,
            brake: subject.brake.clone(),
            attempts: subject.attempts,
            record,
            touched: Vec::new(),
            written: Vec::new(),
        };
        if let Some(ruling) = self.rulings.get(&decision.object) {
            return self.ruled(ruling, settled).await;
        }
        if !decision.steps.is_empty() {
            let by_id = decision.steps.changes().any(|change| !matches!(change, Change::Add(_)));
            let distrusted = by_id && self.stale.load(Ordering::Relaxed);
            if self.trouble.get().is_some() || distrusted {
                return settled;
            }
            if self.suspended || subject.suspended {
                return self.suspended(&decision, &subject, settled).await;
            }
        }
        let now = self.tools.started.elapsed();
        if decision.steps.is_empty() {
            // Rows of ours are there: the object must not go without them, also after it lost its finalizer.
            if decision.stage == Stage::Wanted && holds_rows(&decision.verdict) {
                match fence::hold(&self.tools.cluster, &settled.record).await {
                    Ok(record) => settled.record = record,
                    Err(error) => return unfenced(settled, &error),
                }
            }
            if matches!(decision.verdict, Verdict::InSync { .. } | Verdict::ForeignValues { .. }) {
                settled.brake.fulfilled(decision.fingerprint);
            }
            return self.conclude(decision, &subject, Executed::default(), settled).await;
        }
        if let Err(braked) = settled.brake.check(&decision, now) {
            return self.braked(&braked, settled).await;
        }
        if decision.stage == Stage::Wanted {
            match fence::hold(&self.tools.cluster, &settled.record).await {
                Ok(record) => settled.record = record,
                Err(error) => return unfenced(settled, &error),
            }
        }
        if let Some(place) = &mut place {
            place.is_held();
        }
        let steps = decision.steps.clone();
        let namespace = Arc::clone(&settled.object.namespace);
        let client = self.client.on_behalf(match decision.motive {
            Motive::Drift => Turn::Repair(namespace),
            Motive::Request | Motive::HandOver | Motive::Adoption => Turn::Change(namespace),
        });
        let executed = execute(&client, self.place, steps, &self.tools.metrics, self.solid_server).await;
        // What is left is to say so, and nothing that is to be written waits for that.
        drop(place);
        settled.touched.clone_from(&executed.touched);
        settled.written.clone_from(&executed.written);
        match executed.error.clone() {
            None => {
                settled.brake.sent(decision.fingerprint);
                self.conclude(decision, &subject, executed, settled).await
            }
            Some(error) => self.failed(&error, decision.fingerprint, executed.wrote(), settled).await,
        }
    }

    /// All steps are done: say so, or let go.
    async fn conclude(
        &self,
        decision: Decision,
        subject: &Subject,
        executed: Executed,
        mut settled: Settled,
    ) -> Settled {
        settled.deed = deed(&executed, &decision.verdict);
        let wrote = executed.wrote();
        let Some(mut finding) = Finding::of(&decision, self.circumstances(subject)) else {
            if subject.home && subject.leaves.is_none() {
                return self.let_go(wrote, settled).await;
            }
            settled.ending = if subject.home { Ending::Moved } else { Ending::Left };
            settled.attempts = 0;
            return settled;
        };
        finding.wrote = wrote;
        match decision.verdict {
            Verdict::Waiting { .. } => {
                settled.ending = Ending::Again(ErrorClass::Neighbour);
                settled.attempts += 1;
                // What a neighbour does in the same pass needs no status of its own.
                if settled.attempts < 4 {
                    return settled;
                }
            }
            Verdict::InSync { .. } | Verdict::ForeignValues { .. } if subject.leaves.is_some() => {
                settled.ending = Ending::Moved;
            }
            _ => {
                finding.served.clone_from(&subject.requested);
                settled.ending = Ending::Settled;
                settled.attempts = 0;
            }
        }
        if wrote {
            self.announce(&decision, &executed, &settled.record);
        }
        self.say(finding, settled).await
    }

    fn circumstances<'s>(&'s self, subject: &'s Subject) -> Circumstances<'s> {
        Circumstances {
            place: self.place,
            leaves: subject.leaves.as_ref(),
            defaults_changed: subject.defaults_changed,
            suspended: subject.suspended,
            cluster: &self.tools.identity.cluster,
            solid_server: self.solid_server,
        }
    }

    /// The rows are gone: the finalizer may go.
    async fn let_go(&self, wrote: bool, mut settled: Settled) -> Settled {
        match fence::release(&self.tools.cluster, &settled.record).await {
            Ok(()) => {
                settled.ending = Ending::Released;
                if wrote {
                    info!(object = %settled.object, place = %self.place, "deleted");
                    self.tools.events.send(Notice::normal(
                        &settled.record,
                        "Deleted",
                        format!("removed from the {}", self.place),
                    ));
                }
                settled
            }
            Err(error) => unfenced(settled, &error),
        }
    }

    /// The guard does not let it be carried out now.
    async fn ruled(&self, ruling: &Ruling, mut settled: Settled) -> Settled {
        match ruling {
            Ruling::NotBefore(at) => {
                settled.ending = Ending::NotBefore(*at);
                settled
            }
            Ruling::Unwritten(why) => {
                warn!(object = %settled.object, "the deletion guard's count could not be written: {why}");
                settled.ending = Ending::Again(ErrorClass::Kubernetes);
                settled.attempts += 1;
                settled
            }
            Ruling::Held(id, message) => {
                settled.ending = Ending::Settled;
                let finding =
                    Finding { hold: Some(Some(id.clone())), ..Finding::new(Reason::DeletionHeld, message) };
                self.say(finding, settled).await
            }
            Ruling::Abandoned(id) => {
                info!(object = %settled.object, place = %self.place, id, "abandoned: let go, its rows stay");
                let message = format!(
                    "let go by {}={id}; its rows stay in the {}",
                    crate::api::ABANDON_DELETIONS,
                    self.place
                );
                self.tools.events.send(Notice::normal(&settled.record, "Abandoned", message));
                self.let_go(false, settled).await
            }
        }
    }

    /// Something is to be written, and somebody wants that nothing is.
    async fn suspended(&self, decision: &Decision, subject: &Subject, mut settled: Settled) -> Settled {
        settled.ending = Ending::Settled;
        settled.attempts = 0;
        // Its status is what a held write or deletion is remembered by; it stays held.
        if settled.brake.until().is_some()
            && let Err(braked) = settled.brake.check(decision, self.tools.started.elapsed())
        {
            return self.braked(&braked, settled).await;
        }
        let itself = subject.suspended;
        let is_held = settled.record.status.as_ref().is_some_and(|status| status.hold_id.is_some());
        if is_held && !itself {
            return settled;
        }
        let mut finding = Finding::suspended(decision, (!itself).then_some(self.solid_server));
        // It was asked for a look, and here it is.
        finding.served.clone_from(&subject.requested);
        self.say(finding, settled).await
    }

    async fn braked(&self, braked: &Braked, mut settled: Settled) -> Settled {
        settled.ending = Ending::Settled;
        settled.deed = Deed::Failed;
        settled.attempts = 0;
        let reason = match braked.reason {
            BrakeReason::Rejected => Reason::Rejected,
            BrakeReason::NotStoredAsSent => Reason::NotStoredAsSent,
            BrakeReason::Contested => Reason::Contested,
            BrakeReason::HiddenByRights => Reason::HiddenByRights,
        };
        self.say(Finding::new(reason, braked.message.clone()), settled).await
    }

    /// A step failed.
    async fn failed(
        &self,
        error: &Error,
        fingerprint: Fingerprint,
        wrote: bool,
        mut settled: Settled,
    ) -> Settled {
        settled.deed = Deed::Failed;
        let now = self.tools.started.elapsed();
        match error {
            Error::Rejected { .. } => {
                let braked = settled.brake.hold(BrakeReason::Rejected, error.to_string(), fingerprint, now);
                warn!(object = %settled.object, place = %self.place, "{error}");
                return self.braked(&braked, settled).await;
            }
            Error::AlreadyExists { .. } if settled.brake.existed_before(fingerprint) => {
                let message = format!(
                    "{error}; but the row is not among those that the account may see in the {}: give it read rights, or remove the row",
                    self.place
                );
                let braked = settled.brake.hold(BrakeReason::HiddenByRights, message, fingerprint, now);
                return self.braked(&braked, settled).await;
            }
            // Ids change one by one or all together, and nobody says which. An id that is another row's by now would be believed.
            Error::DoesNotExist { .. } => self.stale.store(true, Ordering::Relaxed),
            Error::NotStarted { .. } if !wrote => {
                settled.deed = Deed::None;
                return settled;
            }
            _ => {}
        }
        settled.ending = Ending::Again(ErrorClass::of(error));
        settled.attempts += 1;
        if is_trouble(error) {
            let class = ErrorClass::of(error);
            let (message, advice) = (words(error), advice(error));
            let _ = self.trouble.set(Trouble { reason: reason(error), message, advice, class });
        }
        // A first doubtful outcome is settled by the next reading, before anybody has read about it.
        if ErrorClass::of(error) == ErrorClass::ReadAgain && settled.attempts < 3 {
            return settled;
        }
        let mut finding = Finding::new(reason(error), words(error));
        finding.wrote = wrote;
        self.say(finding, settled).await
    }

    /// Writes the status if it differs, and tells about a transition.
    async fn say(&self, mut finding: Finding, mut settled: Settled) -> Settled {
        finding.publishing = self.publishing;
        match say(self.tools, &settled.record, &finding).await {
            Ok(Some(record)) => settled.record = record,
            Ok(None) => {}
            Err(error) => return unfenced(settled, &error),
        }
        settled
    }

    fn announce(&self, decision: &Decision, executed: &Executed, record: &DnsRecord) {
        let (added, edited, deleted) = (executed.added, executed.edited, executed.deleted);
        info!(
            object = %decision.object, place = %self.place, rrset = %decision.rrset.key, motive = ?decision.motive,
            added, edited, deleted, "written"
        );
        let changes = || decision.steps.changes().map(Change::in_words).collect::<Vec<_>>().join("; ");
        match decision.motive {
            Motive::Drift => {
                self.tools.metrics.drift_repaired(self.solid_server);
                self.tools.events.send(Notice::normal(record, "DriftRepaired", changes()));
            }
            Motive::Adoption => self.tools.events.send(Notice::normal(record, "Adopted", changes())),
            Motive::HandOver => self.tools.events.send(Notice::normal(record, "TakenOver", changes())),
            Motive::Request => {}
        }
    }
}

/// Writes the status that a finding asks for, unless the object has it already. If the object is another version by now, the finding
/// is written onto that, unless its spec is another one too.
///
/// # Errors
/// [`FenceError`].
pub async fn say(
    tools: &Tools,
    record: &DnsRecord,
    finding: &Finding,
) -> Result<Option<Arc<DnsRecord>>, FenceError> {
    match say_at_once(tools, record, finding).await {
        Err(FenceError::Refused(_)) => {
            let current = fence::current(&tools.cluster, record).await?;
            if current.metadata.generation != record.metadata.generation {
                return Ok(Some(Arc::new(current)));
            }
            match say_at_once(tools, &current, finding).await? {
                None => Ok(Some(Arc::new(current))),
                answer => Ok(answer),
            }
        }
        answer => answer,
    }
}

/// The same, but only onto the object exactly as it is known.
///
/// # Errors
/// [`FenceError`].
pub async fn say_at_once(
    tools: &Tools,
    record: &DnsRecord,
    finding: &Finding,
) -> Result<Option<Arc<DnsRecord>>, FenceError> {
    let wanted = report::status(record, finding, Timestamp::now());
    if record.status.as_ref() == Some(&wanted) {
        return Ok(None);
    }
    let was = report::shown_reason(record);
    let answer = fence::write_status(&tools.cluster, record, &wanted).await;
    tools.metrics.status_patched(if answer.is_ok() { "ok" } else { "failed" });
    let fresh = answer?;
    if was != Some(finding.reason) && finding.reason.standing() == Standing::Stalled {
        tools.events.send(Notice::warning(record, finding.reason.as_str(), finding.message.clone()));
    }
    Ok(Some(fresh))
}

/// The API server did not take a patch.
fn unfenced(mut settled: Settled, error: &FenceError) -> Settled {
    match error {
        FenceError::Vanished | FenceError::Taken => settled.ending = Ending::Vanished,
        // Whoever works on it now, or later, looks at it anew.
        FenceError::NotHeld => settled.ending = Ending::Again(ErrorClass::Kubernetes),
        FenceError::Kubernetes(text) | FenceError::Refused(text) => {
            warn!(object = %settled.object, "{text}");
            settled.ending = Ending::Again(ErrorClass::Kubernetes);
            settled.attempts += 1;
        }
    }
    settled
}

/// Whether rows of the record are on the appliance.
const fn holds_rows(verdict: &Verdict) -> bool {
    matches!(verdict, Verdict::InSync { .. } | Verdict::ForeignValues { .. } | Verdict::Drifted { .. })
}

const fn deed(executed: &Executed, verdict: &Verdict) -> Deed {
    match (executed.added, executed.edited, executed.deleted) {
        (0, 0, 0) => match verdict {
            Verdict::InSync { .. } | Verdict::Gone => Deed::Skipped,
            Verdict::Waiting { .. } => Deed::None,
            _ => Deed::Failed,
        },
        (_, 0, 0) => Deed::Created,
        (0, 0, _) => Deed::Deleted,
        _ => Deed::Updated,
    }
}
