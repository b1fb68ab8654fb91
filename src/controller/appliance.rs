//! One SolidServer (IO): its client, what the appliance offers, and its status. One task each.

mod guard;
mod recognition;
mod survey;

pub(super) use self::guard::{Trigger, triggers, zone_status};
pub(super) use self::survey::survey;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use kube::runtime::events::EventType;
use kube::{Api, Resource as _, ResourceExt as _};
use serde_json::json;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::{Instant, sleep_until};
use tracing::{info, warn};

use super::catalogue::{Catalogue, Refusal};
use super::connection::Connector;
use super::endpoints::endpoint;
use super::windows::Windows;
use crate::api::{
    ConditionType, LastSync, Reason, RecordCounts, SOLID_SERVER_FINALIZER, SolidServer, SolidServerSpec,
    SolidServerStatus, Standing, ZoneStatus, find, kstatus,
};
use crate::lease::Claim;
use crate::plan::{Grant, Identity, Marks, Remembered};
use crate::reconcile::{self, DeletionRequest, ErrorClass, EventSink, Notice, Trouble};
use crate::record::{Place, RrsetKey};
use crate::solidserver::Client;
use crate::telemetry::Metrics;

/// The least time between two patches of the status that only bring counts up to date.
const STATUS_SPACING: Duration = Duration::from_secs(30);

/// The least time between two looks at the appliance's zones that records ask for.
const LOOK_SPACING: Duration = Duration::from_secs(2);

/// Stands behind the message of a SolidServer whose appliance may be anybody.
const UNCHECKED: &str = " (certificate not checked: spec.tls.insecureSkipVerify)";

/// What the message of a suspended SolidServer begins with.
const NOTHING_IS_WRITTEN: &str = "spec.suspend is true: nothing is written";

/// What an appliance's task tells the engine.
pub(super) enum News {
    /// The Lease of a SolidServer was got.
    Held {
        /// The claim of that term.
        claim: Claim,
        /// The object, read since then.
        object: Box<SolidServer>,
    },
    /// It was lost.
    Lost {
        /// The SolidServer.
        name: Arc<str>,
        /// The claim of the term that is over.
        claim: Claim,
    },
    /// Another replica, which holds less, asks for its Lease.
    AskedFor {
        /// The SolidServer.
        name: Arc<str>,
        /// The claim of this term.
        claim: Claim,
    },
    /// The appliance can be worked with.
    Ready(Box<Ready>),
    /// It cannot.
    Trouble {
        /// The SolidServer.
        name: Arc<str>,
        /// Why.
        refusal: Refusal,
        /// In which term of its Lease.
        term: Option<u64>,
    },
    /// It is asked what the statuses of its DnsRecords say is there.
    Remembered {
        /// The SolidServer.
        name: Arc<str>,
        /// Answered once all DnsRecords are known.
        reply: oneshot::Sender<Remembered>,
    },
}

/// An appliance that can be worked with.
pub(super) struct Ready {
    /// The SolidServer.
    pub(super) name: Arc<str>,
    /// Its spec.
    pub(super) spec: Arc<SolidServerSpec>,
    /// The client.
    pub(super) client: Client,
    /// What the appliance offers.
    pub(super) catalogue: Arc<Catalogue>,
    /// Who may write where.
    pub(super) grants: Arc<[Grant]>,
    /// Whether rows can carry marks there.
    pub(super) marks: Marks,
    /// Whether a whole round over its zones is due.
    pub(super) resync: bool,
    /// In which term of its Lease.
    pub(super) term: Option<u64>,
}

/// What the engine asks of an appliance's task.
pub(super) enum Ask {
    /// DNS servers that DnsRecords name beside those of the spec.
    Servers(BTreeSet<Arc<str>>),
    /// A record found no zone, or a pass found the appliance in trouble: look again soon.
    Look,
    /// How a pass over a zone went.
    Zone {
        /// The zone.
        place: Place,
        /// What kept it from being read or written.
        trouble: Option<Trouble>,
    },
    /// Counts for the status.
    Counts(RecordCounts),
    /// Zones with DnsRecords, for the status.
    Zones(Vec<ZoneStatus>),
    /// A whole round is over.
    Round(LastSync),
    /// What the deletion guard holds.
    Holds(Vec<Hold>),
    /// An annotation asks for something; it may be gone again by now.
    Trigger(Trigger),
}

/// Deletions that are held in one zone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Hold {
    /// The id by which they are approved.
    pub(super) id: Arc<str>,
    /// The zone.
    pub(super) place: Place,
    /// What would go.
    pub(super) rrsets: BTreeSet<RrsetKey>,
}

/// What the engine says of a SolidServer from outside.
#[derive(Clone)]
pub(super) struct Wish {
    /// The object as it is now.
    pub(super) object: Arc<SolidServer>,
    /// Why it must not be worked with, whatever the appliance says.
    pub(super) barred: Option<Refusal>,
    /// How many DnsRecords refer to it; `None` while not all of them are known.
    pub(super) references: Option<usize>,
}

/// What every appliance's task works with.
#[derive(Clone)]
pub(super) struct Surroundings {
    /// The API server.
    pub(super) kube: kube::Client,
    /// The right to work on the SolidServer.
    pub(super) claim: Claim,
    /// Where Secrets are.
    pub(super) operator_namespace: Arc<str>,
    /// Who we are, as marks say it.
    pub(super) identity: Identity,
    /// `User-Agent` of calls to appliances.
    pub(super) user_agent: Arc<str>,
    /// Whether the environment names proxies for appliances.
    pub(super) environment_proxies: bool,
    /// Counters and gauges.
    pub(super) metrics: Metrics,
    /// Kubernetes Events.
    pub(super) events: EventSink,
    /// To the engine.
    pub(super) news: mpsc::Sender<News>,
}

/// Works for one SolidServer until its wishes end, in one term of its Lease.
pub(super) async fn run(
    name: Arc<str>,
    mut wishes: watch::Receiver<Wish>,
    mut asks: mpsc::UnboundedReceiver<Ask>,
    mut requests: mpsc::UnboundedReceiver<DeletionRequest>,
    surroundings: Surroundings,
) {
    let status = wishes.borrow().object.status.clone().unwrap_or_default();
    let mut task = Task {
        connector: Connector::new(Arc::clone(&name), surroundings.clone()),
        windows: Windows::restored(&status),
        holds: Vec::new(),
        asked: Vec::new(),
        stranger: None,
        served: None,
        // A condition from before a restart is looked at once.
        holds_told: true,
        status,
        name,
        surroundings,
        servers: BTreeSet::new(),
        attempts: 0,
        troubles: BTreeMap::new(),
        last_round: None,
        patched: None,
        dirty: false,
        look_at: Some(Instant::now()),
        looked: None,
        request: None,
    };
    let mut before = wishes.borrow().clone();
    loop {
        let wish = wishes.borrow_and_update().clone();
        // Compared here, whatever woke the task: a wish that came along with something else must not get lost.
        if task.is_news(&before, &wish) {
            task.look_at = Some(Instant::now());
        }
        before.clone_from(&wish);
        if task.finalize(&wish).await {
            return;
        }
        let now = Instant::now();
        if task.look_at.is_some_and(|at| at <= now) {
            task.look(&wish).await;
        }
        task.take_requests(&wish).await;
        task.patch_counts(&wish).await;
        let wake = task.next_wake();
        tokio::select! {
            changed = wishes.changed() => {
                if changed.is_err() {
                    return;
                }
            }
            () = task.connector.changed() => task.look_at = Some(Instant::now()),
            ask = asks.recv() => match ask {
                Some(ask) => task.hear(ask),
                None => return,
            },
            request = requests.recv() => match request {
                Some(request) => task.judge(&wish, request).await,
                None => return,
            },
            () = sleep_until(wake) => {}
        }
    }
}

struct Task {
    name: Arc<str>,
    surroundings: Surroundings,
    connector: Connector,
    /// The status as it shall be; what the API server has may lag behind.
    status: SolidServerStatus,
    /// Losses that the deletion guard counts.
    windows: Windows,
    /// What it holds.
    holds: Vec<Hold>,
    /// What annotations have asked for that is not written down yet.
    asked: Vec<Trigger>,
    /// An endpoint that is not taken for the appliance of before.
    stranger: Option<recognition::Stranger>,
    /// The endpoint that was last worked with.
    served: Option<String>,
    /// Whether the condition says so.
    holds_told: bool,
    /// DNS servers that records name.
    servers: BTreeSet<Arc<str>>,
    attempts: u32,
    /// Zones that the last pass could not read or write.
    troubles: BTreeMap<Place, Trouble>,
    /// When the last whole round was begun.
    last_round: Option<Instant>,
    /// When the status was patched last.
    patched: Option<Instant>,
    /// Whether the status differs from what was patched.
    dirty: bool,
    /// When the appliance is to be looked at next.
    look_at: Option<Instant>,
    /// When it was looked at last.
    looked: Option<Instant>,
    /// The annotation that last asked for a round.
    request: Option<String>,
}

impl Task {
    fn is_news(&self, old: &Wish, new: &Wish) -> bool {
        old.object.metadata.generation != new.object.metadata.generation
            || old.object.metadata.uid != new.object.metadata.uid
            || old.barred != new.barred
            || requested(&old.object) != requested(&new.object)
    }

    fn hear(&mut self, ask: Ask) {
        match ask {
            Ask::Servers(servers) => {
                if servers.is_subset(&self.servers) {
                    return;
                }
                self.servers.extend(servers);
                self.look_soon();
            }
            Ask::Look => self.look_soon(),
            Ask::Zone { place, trouble: Some(trouble) } => {
                let news = self.troubles.get(&place) != Some(&trouble);
                self.troubles.insert(place, trouble);
                // Nobody else probes an appliance that was given up.
                if news || self.connector.is_given_up() {
                    self.look_soon();
                }
            }
            Ask::Zone { place, trouble: None } => {
                if self.troubles.remove(&place).is_some() {
                    self.look_soon();
                }
            }
            Ask::Holds(holds) => self.hold(holds),
            Ask::Trigger(trigger) => self.asked(trigger),
            Ask::Zones(mut zones) => {
                self.windows.write_into(&mut zones);
                self.dirty |= self.status.zones != zones;
                self.status.zones = zones;
            }
            Ask::Counts(counts) => {
                self.dirty |= self.status.records != Some(counts);
                self.status.records = Some(counts);
            }
            Ask::Round(round) => {
                self.status.last_sync = Some(round);
                self.dirty = true;
                self.patched = None;
            }
        }
    }

    fn look_soon(&mut self) {
        let soonest = self.looked.map_or_else(Instant::now, |looked| looked + LOOK_SPACING);
        self.look_at = Some(self.look_at.map_or(soonest, |at| at.min(soonest)));
    }

    fn next_wake(&self) -> Instant {
        let status =
            self.dirty.then(|| self.patched.map_or_else(Instant::now, |patched| patched + STATUS_SPACING));
        let far = Instant::now() + Duration::from_secs(3600);
        [self.look_at, status].into_iter().flatten().fold(far, Instant::min)
    }

    /// Looks at the appliance and tells what was seen.
    async fn look(&mut self, wish: &Wish) {
        self.looked = Some(Instant::now());
        let spec = Arc::new(wish.object.spec.clone());
        let seen = self.see(wish, &spec).await;
        let interval = spec.resync_interval().unwrap_or(SolidServerSpec::DEFAULT_RESYNC_INTERVAL);
        match seen {
            Ok((client, catalogue, grants)) => {
                self.attempts = 0;
                let now = Instant::now();
                let asked =
                    self.status.observed_generation != wish.object.metadata.generation.unwrap_or_default();
                let due =
                    self.last_round.is_none_or(|last| last + interval <= now + Duration::from_millis(10));
                let request = requested(&wish.object).cloned();
                // What was read at another endpoint is nothing here, however long ago the spec was changed.
                let served = Some(endpoint(&spec));
                let moved = served != self.served;
                self.served = served;
                let resync = due || asked || moved || request != self.request;
                self.request = request;
                if resync {
                    self.last_round = Some(now);
                }
                self.look_at = self.last_round.map(|last| last + interval);
                self.surroundings.metrics.solid_server_up(&self.name, true);
                let mut message =
                    format!("{} zones on {} DNS servers", catalogue.zone_count(), catalogue.listed.len());
                if let Some(weaker) = self.status.what_is_weaker() {
                    message = format!("{message}; {weaker}");
                }
                let (seen, said) = if catalogue.is_blind() {
                    (
                        Reason::NotVisible,
                        "the appliance shows this account no DNS server or zone; give it read rights"
                            .to_owned(),
                    )
                } else if let Some((place, trouble)) = self.troubles.first_key_value() {
                    let advice = if trouble.advice.is_empty() { "" } else { "; " };
                    (trouble.reason, format!("{place}: {}{advice}{}", trouble.message, trouble.advice))
                } else {
                    (Reason::InSync, message)
                };
                let (reason, message) = if spec.suspend {
                    (Reason::Suspended, format!("{NOTHING_IS_WRITTEN}; {said}"))
                } else {
                    (seen, said)
                };
                let ready = Ready {
                    name: Arc::clone(&self.name),
                    spec,
                    client,
                    catalogue: Arc::new(catalogue),
                    grants,
                    marks: self.status.marks(),
                    resync,
                    term: self.surroundings.claim.only(),
                };
                let _ = self.surroundings.news.send(News::Ready(Box::new(ready))).await;
                // The DnsRecords need not wait for it.
                self.say(wish, reason, &message).await;
            }
            Err((refusal, class)) => {
                self.attempts += 1;
                let wait = match refusal.reason {
                    // Whole zones are read for that, and people need longer than a minute.
                    Reason::WrongAppliance => interval,
                    _ => reconcile::delay(class, self.attempts, rand::random()),
                };
                self.look_at = Some(Instant::now() + wait);
                self.surroundings.metrics.solid_server_up(&self.name, false);
                warn!(solid_server = %self.name, reason = refusal.reason.as_str(), "{}", refusal.message);
                // Not for the DnsRecords: their status would be another one with each try.
                let message = match class {
                    ErrorClass::Outage => {
                        format!("{}; {}", refusal.message, reconcile::next_try(wait, Timestamp::now()))
                    }
                    _ => refusal.message.clone(),
                };
                if spec.suspend && refusal.reason.standing() == Standing::InProgress {
                    let message = format!("{NOTHING_IS_WRITTEN}, and nothing can be read: {message}");
                    self.say(wish, Reason::Suspended, &message).await;
                } else {
                    self.say(wish, refusal.reason, &message).await;
                }
                let term = self.surroundings.claim.only();
                let news = News::Trouble { name: Arc::clone(&self.name), refusal, term };
                let _ = self.surroundings.news.send(news).await;
            }
        }
    }

    async fn see(
        &mut self,
        wish: &Wish,
        spec: &SolidServerSpec,
    ) -> Result<(Client, Catalogue, Arc<[Grant]>), (Refusal, ErrorClass)> {
        if let Some(barred) = &wish.barred {
            return Err((barred.clone(), ErrorClass::Settings));
        }
        let grants = spec
            .grants()
            .map_err(|error| (Refusal::new(Reason::InvalidValue, error.to_string()), ErrorClass::Settings))?;
        let client = self.connector.client(spec).await.map_err(|refusal| (refusal, ErrorClass::Settings))?;
        let catalogue = self.survey(&client, spec).await.map_err(|error| {
            let message = format!("{}; {}", reconcile::words(&error), reconcile::advice(&error));
            (Refusal::new(reconcile::reason(&error), message), ErrorClass::of(&error))
        })?;
        self.recognise(wish, &client, &catalogue).await?;
        Ok((client, catalogue, grants.into()))
    }

    /// Writes the conditions if they differ, with all else that is to be written.
    async fn say(&mut self, wish: &Wish, reason: Reason, message: &str) {
        let generation = wish.object.metadata.generation.unwrap_or_default();
        let was = self.status.conditions.iter().find(|condition| condition.type_ == "Ready").cloned();
        let unchecked = is_unchecked(&wish.object.spec, reason);
        let shown = if unchecked { format!("{message}{UNCHECKED}") } else { message.to_owned() };
        let mut conditions = kstatus(reason, &shown, generation, Timestamp::now(), &self.status.conditions);
        let held = find(&self.status.conditions, ConditionType::DeletionsHeld);
        conditions
            .extend(held.cloned().filter(|_| find(&conditions, ConditionType::DeletionsHeld).is_none()));
        let cluster_name = Some(self.surroundings.identity.cluster.to_string());
        let changed = self.status.conditions != conditions
            || self.status.observed_generation != generation
            || self.status.cluster_name != cluster_name;
        if !changed {
            return;
        }
        self.status.conditions = conditions;
        self.status.observed_generation = generation;
        self.status.cluster_name = cluster_name;
        self.patch(wish).await;
        if unchecked && was.as_ref().is_none_or(|was| !was.message.ends_with(UNCHECKED)) {
            let about = wish.object.object_ref(&());
            let note = "the appliance's certificate is not checked, so that anybody on the path can read the credentials; put the \
                        issuing CA into spec.tls.caBundle and take spec.tls.insecureSkipVerify out";
            let notice = Notice::new(about, EventType::Warning, "CertificateNotChecked", note.to_owned());
            self.surroundings.events.send(notice);
        }
        if was.is_none_or(|was| was.reason != reason.as_str()) && reason.standing() != Standing::Ready {
            let about = wish.object.object_ref(&());
            self.surroundings.events.send(Notice::new(
                about,
                EventType::Warning,
                reason.as_str(),
                message.to_owned(),
            ));
        }
    }

    /// Writes counts that changed, not too often.
    async fn patch_counts(&mut self, wish: &Wish) {
        let due = self.patched.is_none_or(|patched| patched.elapsed() >= STATUS_SPACING);
        if self.dirty && due {
            self.patch(wish).await;
        }
    }

    async fn patch(&mut self, wish: &Wish) {
        let api: Api<SolidServer> = Api::all(self.surroundings.kube.clone());
        let operations = vec![json!({"op": "add", "path": "/status", "value": self.status})];
        self.patched = Some(Instant::now());
        match reconcile::apply(&self.surroundings.claim, &api, &*wish.object, operations, true).await {
            Ok(_) => self.dirty = false,
            Err(error) => {
                self.dirty = true;
                warn!(solid_server = %self.name, "status: {error}");
            }
        }
    }

    /// Holds the object while DnsRecords refer to it; true when it was let go.
    async fn finalize(&self, wish: &Wish) -> bool {
        let object = &*wish.object;
        let api: Api<SolidServer> = Api::all(self.surroundings.kube.clone());
        let held = object.finalizers().iter().position(|finalizer| finalizer == SOLID_SERVER_FINALIZER);
        let deleting = object.metadata.deletion_timestamp.is_some();
        let operations = match held {
            None if deleting => return true,
            None if object.finalizers().is_empty() => vec![
                json!({"op": "test", "path": "/metadata/finalizers", "value": null}),
                json!({"op": "add", "path": "/metadata/finalizers", "value": [SOLID_SERVER_FINALIZER]}),
            ],
            None => {
                vec![json!({"op": "add", "path": "/metadata/finalizers/-", "value": SOLID_SERVER_FINALIZER})]
            }
            Some(index) if deleting && wish.references == Some(0) => {
                let path = format!("/metadata/finalizers/{index}");
                vec![
                    json!({"op": "test", "path": path, "value": SOLID_SERVER_FINALIZER}),
                    json!({"op": "remove", "path": path}),
                ]
            }
            Some(_) => return false,
        };
        match reconcile::apply(&self.surroundings.claim, &api, object, operations, false).await {
            Ok(_) if deleting => {
                info!(solid_server = %self.name, "no DnsRecord refers to it any more: let go");
                true
            }
            Ok(_) => false,
            Err(error) => {
                warn!(solid_server = %self.name, "finalizer: {error}");
                false
            }
        }
    }
}

/// Whether the appliance is worked with, or tried, without a look at its certificate.
fn is_unchecked(spec: &SolidServerSpec, reason: Reason) -> bool {
    spec.tls.as_ref().is_some_and(|tls| tls.insecure_skip_verify) && reason.standing() != Standing::Stalled
}

fn requested(object: &SolidServer) -> Option<&String> {
    let annotations = object.metadata.annotations.as_ref()?;
    [crate::api::RECONCILE_REQUESTED_AT, crate::api::FLUX_RECONCILE_REQUESTED_AT]
        .iter()
        .filter_map(|key| annotations.get(*key))
        .max()
}

/// The end of a round, for the status.
#[must_use]
pub(super) fn last_sync(duration: Duration, counts: [u32; 6]) -> LastSync {
    let [reads, created, updated, deleted, skipped, failed] = counts;
    let rounded = Duration::from_millis(u64::try_from(duration.as_millis()).unwrap_or(u64::MAX));
    LastSync {
        time: Time(Timestamp::now()),
        duration: humantime::format_duration(rounded).to_string(),
        reads,
        created,
        updated,
        deleted,
        skipped,
        failed,
    }
}
