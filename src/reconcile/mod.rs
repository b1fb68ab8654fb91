//! One pass over one zone: gather (IO) -> plan (pure) -> execute (IO) -> report (IO). This file is the table of contents.

mod advice;
mod events;
mod execute;
mod fence;
mod finding;
mod gather;
mod guard;
mod inquiry;
mod places;
mod report;
mod retry;
mod settle;
mod stored;

use std::collections::{BTreeSet, HashMap};
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use futures::StreamExt as _;
use tokio::sync::watch;
use tracing::field::Empty;
use tracing::{Instrument as _, debug, info, warn};

use crate::api::Reason;
use crate::lease::Claim;
use crate::plan::{Brake, Claim as RecordClaim, Decision, Identity, Marks, ObjectName};
use crate::record::{Place, Row};
use crate::solidserver::Client;
use crate::telemetry::{Journey, Metrics, TARGET};

pub use advice::advice;
pub use events::{EventSink, Notice};
pub use fence::{
    Cluster, FenceError, IsShown, apply, create, current, delete, hold, is_held, release, write_spec,
    write_status,
};
pub use finding::{AppliedNow, Circumstances, Finding, Publishing};
pub use gather::{GatherError, Known, Scope};
pub use guard::{Bound, Cleared, DeletionRequest, Guard, Held, Memory, holds};
pub use inquiry::Inquiry;
pub use places::{Asked, Places};
pub use report::{is_ready, is_spared, shown_reason, status};
pub use retry::{ErrorClass, delay, is_trouble, next_try, reason, words};
pub use settle::{Deed, Ending, Settled, say, say_at_once};
pub use stored::{StoredRecord, Unreadable};

/// Reports that a pass makes at one time when nothing else can be done.
const REPORTS: usize = 16;

/// What every pass works with.
#[derive(Clone)]
pub struct Tools {
    /// The API server, and the claim under which it is written to.
    pub cluster: Cluster,
    /// Who we are.
    pub identity: Identity,
    /// Whether the DnsRecord that a mark names exists.
    pub exists: Arc<dyn Fn(&ObjectName) -> bool + Send + Sync>,
    /// Counters and gauges.
    pub metrics: Metrics,
    /// Kubernetes Events.
    pub events: EventSink,
    /// When the process started: the brake's clock counts from here.
    pub started: Instant,
}

impl Tools {
    /// The same under another claim.
    #[must_use]
    pub fn under(&self, claim: Claim) -> Self {
        Self { cluster: self.cluster.under(claim), ..self.clone() }
    }
}

/// One DnsRecord as a pass needs it.
pub struct Subject {
    /// The newest known state of the object.
    pub record: StoredRecord,
    /// Whether it has our finalizer, as far as is known.
    pub held: bool,
    /// Whether its spec says that nothing is to be written.
    pub suspended: bool,
    /// What is remembered of its writes.
    pub brake: Brake,
    /// Tries since it last settled.
    pub attempts: u32,
    /// Whether this zone is the one for its RRset, and not one that it leaves.
    pub home: bool,
    /// Where it still has rows that must go once it is settled here.
    pub leaves: Option<Place>,
    /// The SolidServer's defaults name another place by now.
    pub defaults_changed: bool,
    /// A reconciliation that was asked for by annotation.
    pub requested: Option<String>,
    /// Its trace since somebody changed it.
    pub(crate) journey: Journey,
}

/// A pass to be made.
pub struct Work {
    /// The SolidServer, for metrics and messages.
    pub solid_server: Arc<str>,
    /// The zone.
    pub place: Place,
    /// What is to be read.
    pub scope: Scope,
    /// The appliance.
    pub client: Client,
    /// What all passes of the SolidServer share.
    pub places: Places,
    /// What changes that come while the pass runs ask of it.
    pub asked: watch::Receiver<Asked>,
    /// Whether rows can carry marks there.
    pub marks: Marks,
    /// Rows asked for in one list call.
    pub page_size: usize,
    /// All claims on the names in question.
    pub claims: Vec<RecordClaim>,
    /// The DnsRecords of those claims that are to be decided.
    pub subjects: HashMap<ObjectName, Subject>,
    /// What an earlier slice has read.
    pub known: Option<Known>,
    /// Rows that the zone had when it was last read as a whole.
    pub zone_rows: Option<usize>,
    /// DnsRecords of the zone that wait for later slices.
    pub to_come: usize,
    /// What may be deleted.
    pub guard: Guard,
    /// UIDs of clusters of our name whose rows are ours from now on.
    pub taken_over: BTreeSet<String>,
    /// The SolidServer is suspended: what differs is told, and nothing is written.
    pub suspended: bool,
    /// Whether the way of what is written to the name servers is followed.
    pub publishing: Publishing,
}

/// What went wrong beyond one record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trouble {
    /// The reason that conditions show.
    pub reason: Reason,
    /// The same in a sentence.
    pub message: String,
    /// What a person can do about it; empty where the message says so.
    pub advice: &'static str,
    /// What it means for the next try.
    pub class: ErrorClass,
}

/// What a pass has brought.
#[derive(Default)]
pub struct Done {
    /// How each DnsRecord ended.
    pub settled: Vec<Settled<StoredRecord>>,
    /// What is known of the zone's rows, for the next slice.
    pub known: Option<Known>,
    /// List and count calls.
    pub reads: usize,
    /// Rows with our mark whose DnsRecord does not exist; only a reading of the whole zone tells.
    pub orphans: Option<usize>,
    /// RRsets of ours in the zone; only a reading of the whole zone tells.
    pub owned: Option<usize>,
    /// What is remembered of the zone's losses.
    pub memory: Memory,
    /// What kept the zone from being read, or an error that concerns the appliance as a whole.
    pub trouble: Option<Trouble>,
    /// Whether a whole reading was asked for and made.
    pub whole: bool,
    /// An id was stale: what was written by the ids of the same reading is to be looked at again.
    pub stale: bool,
}

/// Makes one pass.
pub async fn pass(work: Work, tools: &Tools) -> Done {
    let span = tracing::info_span!(
        target: TARGET, parent: None, "pass",
        solid_server = %work.solid_server, place = %work.place, records = work.subjects.len(), reads = Empty, trouble = Empty,
    );
    let done = make(work, tools).instrument(span.clone()).await;
    span.record("reads", done.reads);
    if let Some(trouble) = &done.trouble {
        span.record("trouble", trouble.reason.as_str());
    }
    done
}

async fn make(mut work: Work, tools: &Tools) -> Done {
    let begun = Instant::now();
    let mut done = Done { known: work.known.take(), whole: work.scope == Scope::Whole, ..Done::default() };

    let decisions = match decide(&work, tools, &mut done).await {
        Ok(decisions) => decisions,
        Err(error) => {
            fail(work, tools, error, &mut done).await;
            return done;
        }
    };
    for decision in &decisions {
        tools.metrics.decided(&work.solid_server, decision.verdict.label());
    }
    let Some(known) = &done.known else {
        done.memory = work.guard.memory;
        return done;
    };
    if work.scope == Scope::Whole {
        let inquiry = work.inquiry(tools);
        done.orphans = Some(inquiry.orphans(known));
        done.owned = Some(inquiry.owned(known));
        work.guard.owned = done.owned;
    }
    let rows: Vec<&Row> = known.rows().collect();
    let rulings = if work.suspended {
        // Nothing is lost while nothing is written: no wave is judged, and what is held stays so. Afterwards all is looked at anew.
        work.guard.memory.waiting.clear();
        HashMap::new()
    } else {
        guard::rule(&mut work, tools, &decisions, &rows).await
    };
    drop(rows);
    done.memory = work.guard.memory;

    let write_until = known.read_at + gather::ID_SERVES;
    let slice = settle::Slice {
        tools,
        solid_server: &work.solid_server,
        place: &work.place,
        client: work.client.starting_by(write_until),
        places: work.places.clone(),
        end: places::End::of_slice(work.asked),
        rulings,
        suspended: work.suspended,
        publishing: work.publishing,
        trouble: OnceLock::new(),
        stale: AtomicBool::new(false),
    };
    // Decided: nothing of what was claimed is looked at any more, and a large zone has much of it.
    drop(work.claims);
    let mut subjects = work.subjects;
    let at_work = work.places.count();
    let settled: Vec<Settled<StoredRecord>> = futures::stream::iter(decisions)
        .filter_map(|decision| {
            std::future::ready(subjects.remove(&decision.object).map(|subject| (decision, subject)))
        })
        // One after the other, so that the zones of an appliance take turns with what they begin.
        .map(|(decision, subject)| slice.start(decision, subject))
        .buffered(1)
        .map(|(decision, subject, start)| slice.settle(decision, subject, start))
        .buffer_unordered(at_work)
        .collect()
        .await;

    if let Some(known) = &mut done.known {
        for name in settled.iter().flat_map(|settled| &settled.touched) {
            known.forget(name);
        }
    }
    done.stale = slice.stale.into_inner();
    if let Some(known) = done.known.as_mut().filter(|_| done.stale) {
        known.distrust_ids();
        info!(
            solid_server = %work.solid_server, place = %work.place,
            "an id was stale: the zone is read again, and what was written by ids of the same reading is looked at again"
        );
    }
    done.trouble = slice.trouble.into_inner();
    done.settled = settled;
    let scope = match (work.scope, done.reads) {
        (Scope::Whole, _) => "whole",
        (Scope::Names, 0) => "slice",
        (Scope::Names, _) => "narrow",
    };
    tools.metrics.pass(&work.solid_server, scope, begun.elapsed());
    debug!(solid_server = %work.solid_server, place = %work.place, scope, records = done.settled.len(), reads = done.reads, "pass");
    done
}

/// Gathers and plans.
async fn decide(work: &Work, tools: &Tools, done: &mut Done) -> Result<Vec<Decision>, GatherError> {
    let inquiry = work.inquiry(tools);
    inquiry.gather(work.scope, &mut done.known, &mut done.reads).await?;
    let Some(known) = &mut done.known else { return Ok(Vec::new()) };
    inquiry.decide(known, &mut done.reads).await
}

impl Work {
    fn inquiry<'a>(&'a self, tools: &'a Tools) -> Inquiry<'a> {
        Inquiry {
            client: &self.client,
            place: &self.place,
            marks: self.marks,
            page_size: self.page_size,
            zone_rows: self.zone_rows,
            to_come: self.to_come,
            claims: &self.claims,
            identity: &tools.identity,
            exists: &*tools.exists,
            taken_over: &self.taken_over,
        }
    }
}

/// Nothing could be read: those with work to do say so, those in sync stay as they are.
async fn fail(work: Work, tools: &Tools, error: GatherError, done: &mut Done) {
    let trouble = Trouble::of(&error, &work.place);
    let Trouble { reason, message, class, .. } = trouble.clone();
    warn!(solid_server = %work.solid_server, place = %work.place, reason = reason.as_str(), "cannot read the zone: {message}");
    tools.metrics.pass(&work.solid_server, "failed", Duration::ZERO);
    let finding = Finding::new(reason, message.clone());
    done.settled = futures::stream::iter(work.subjects)
        .map(|(object, subject)| {
            let finding = &finding;
            async move {
                let fresh = match subject.record.read() {
                    Ok(record) if !is_spared(&record) => {
                        settle::say(tools, &record, finding).await.ok().flatten()
                    }
                    _ => None,
                };
                Settled::again(object, subject, class, fresh)
            }
        })
        .buffer_unordered(REPORTS)
        .collect()
        .await;
    done.known = None;
    done.memory = work.guard.memory;
    done.trouble = Some(trouble);
}

impl Trouble {
    /// What keeps a zone from being read.
    #[must_use]
    pub fn of(error: &GatherError, place: &Place) -> Self {
        match error {
            GatherError::NotVisible => Self {
                reason: Reason::NotVisible,
                class: ErrorClass::Settings,
                message: format!(
                    "{place} does not show its SOA record: the zone is gone, or the account may not see its records; nothing is written or let go until it does"
                ),
                advice: "",
            },
            GatherError::Client(error) => Self {
                reason: reason(error),
                class: ErrorClass::of(error),
                message: words(error),
                advice: advice(error),
            },
        }
    }
}
