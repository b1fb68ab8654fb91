//! One look at the records of a zone (IO): asks the appliance or the name servers, and writes what came of it.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures::StreamExt as _;
use jiff::Timestamp;
use tracing::{debug, warn};

use super::Means;
use super::name_servers::{NameServer, of_zone};
use super::question::ask;
use super::schedule::Due;
use super::target::Target;
use super::verdict::{Said, Verdict, by_appliance, by_name_servers};
use crate::api::{DnsRecord, Publication, PublicationReason, with_published};
use crate::reconcile::{FenceError, Tools, current, words, write_status};
use crate::record::{Name, Place, Row};
use crate::solidserver::{Client, Error, Reading, Sight};

/// Questions to name servers in flight, in one look.
const QUESTIONS: usize = 16;

/// Status patches in flight, in one look.
const PATCHES: usize = 8;

/// What is said of a record that a delegation hides.
const OCCLUDED: &str =
    "a delegation or DNAME above the name hides it, so that no name server answers with it";

/// A look at the records of one zone.
pub(super) struct Look {
    pub(super) solid_server: Arc<str>,
    pub(super) tools: Arc<Tools>,
    pub(super) means: Arc<Means>,
    pub(super) place: Place,
    pub(super) due: Vec<Due>,
    /// Rows that the zone had when it was last read as a whole.
    pub(super) zone_rows: Option<usize>,
    /// The zone's name servers, if they were found out lately.
    pub(super) name_servers: Option<Arc<[NameServer]>>,
}

/// What came of it.
pub(super) struct Looked {
    pub(super) outcomes: Vec<(Arc<Target>, Outcome)>,
    /// The zone's name servers, if they were asked for.
    pub(super) name_servers: Option<Arc<[NameServer]>>,
}

/// What came of a look at one record.
#[derive(Clone, Debug)]
pub(super) enum Outcome {
    /// It is published, and its status says so.
    Done,
    /// It changed, or is gone, or is another replica's: what was looked at is of no interest any more.
    Overtaken,
    /// To be looked at again. The object as it is now, where that was learnt.
    Again { silent: bool, record: Option<Arc<DnsRecord>> },
}

impl Look {
    /// Asks, judges, and writes what is new.
    pub(super) async fn run(self) -> Looked {
        let mut name_servers = None;
        let verdicts = match self.means.publication {
            Publication::None => Vec::new(),
            Publication::Appliance => self.ask_the_appliance().await,
            Publication::Dns => match self.name_servers().await {
                Ok(servers) => {
                    let verdicts = self.ask_the_name_servers(&servers).await;
                    name_servers = Some(servers);
                    verdicts
                }
                Err(why) => vec![Verdict::cannot_ask(why); self.due.len()],
            },
        };
        let look = &self;
        let told =
            look.due.iter().zip(verdicts).map(|(due, verdict)| async move {
                (Arc::clone(&due.target), look.tell(due, verdict).await)
            });
        let told: Vec<_> = told.collect();
        let outcomes: Vec<_> = futures::stream::iter(told).buffer_unordered(PATCHES).collect().await;
        debug!(solid_server = %self.solid_server, place = %self.place, records = outcomes.len(), "looked whether they are published");
        Looked { outcomes, name_servers }
    }

    async fn ask_the_appliance(&self) -> Vec<Verdict> {
        let names: Vec<Name> = self.due.iter().map(|due| due.target.rrset.key.name.clone()).collect();
        let reading = match self.read(&self.means.client, &names).await {
            Ok(Reading { rows, sight: Sight::Seen, .. }) => rows,
            Ok(_) => {
                let why = format!("{} does not show its SOA record to the operator's account", self.place);
                return vec![Verdict::cannot_ask(why); self.due.len()];
            }
            Err(error) => {
                let why = format!("the appliance cannot be asked: {}", words(&error));
                return vec![Verdict::cannot_ask(why); self.due.len()];
            }
        };
        let mut rows: HashMap<&Name, Vec<&Row>> = HashMap::new();
        for row in &reading {
            rows.entry(&row.name).or_default().push(row);
        }
        let at = |target: &Target| rows.get(&target.rrset.key.name).into_iter().flatten().copied();
        self.due.iter().map(|due| by_appliance(&due.target, at(&due.target))).collect()
    }

    /// Reads the names, or the whole zone where that takes fewer calls.
    async fn read(&self, client: &Client, names: &[Name]) -> Result<Reading, Error> {
        let pages = self.zone_rows.map(|rows| rows.div_ceil(client.page_size().max(1)) + 1);
        if pages.is_some_and(|pages| pages < client.name_chunks(&self.place, names)) {
            return client.read_zone(&self.place).await;
        }
        client.read_names(&self.place, names).await
    }

    async fn name_servers(&self) -> Result<Arc<[NameServer]>, String> {
        match (&self.means.name_servers, &self.name_servers) {
            (Some(named), _) => Ok(named.clone()?.into_iter().map(NameServer::at).collect()),
            (None, Some(known)) => Ok(Arc::clone(known)),
            (None, None) => of_zone(&self.means.client, &self.place).await.map(Into::into),
        }
    }

    async fn ask_the_name_servers(&self, servers: &[NameServer]) -> Vec<Verdict> {
        // Who did not answer once is not waited for again and again: it is the same server, and the same look.
        let silent: Vec<AtomicBool> = servers.iter().map(|_| AtomicBool::new(false)).collect();
        let asked = self.due.iter().enumerate().filter(|(_, due)| !due.target.occluded);
        let questions: Vec<_> = asked
            .flat_map(|(index, due)| {
                let servers = servers.iter().zip(&silent);
                servers.map(move |(server, silent)| async move {
                    (index, question(server, silent, &due.target).await)
                })
            })
            .collect();
        let mut answers: Vec<Vec<Said>> = self.due.iter().map(|_| Vec::new()).collect();
        let mut stream = futures::stream::iter(questions).buffered(QUESTIONS);
        while let Some((index, said)) = stream.next().await {
            if let Some(answers) = answers.get_mut(index) {
                answers.push(said);
            }
        }
        self.due
            .iter()
            .zip(answers)
            .map(|(due, answers)| match due.target.occluded {
                true => Verdict::cannot_ask(OCCLUDED),
                false => by_name_servers(&due.target, &answers),
            })
            .collect()
    }

    /// Writes the verdict into the record's status, if it says something else there.
    async fn tell(&self, due: &Due, verdict: Verdict) -> Outcome {
        let published = verdict.reason == PublicationReason::Published;
        let silent = verdict.reason == PublicationReason::CannotAsk;
        if silent && !due.tells_silence {
            return Outcome::Again { silent, record: None };
        }
        let took = due.target.timed.then(|| due.begun.elapsed()).filter(|_| published);
        let verdict = verdict.after(took);
        match self.write(&due.target, &verdict, took).await {
            Ok(Some(_)) if published => Outcome::Done,
            Ok(Some(record)) => Outcome::Again { silent, record: Some(record) },
            Ok(None) | Err(FenceError::Vanished | FenceError::Taken | FenceError::NotHeld) => {
                Outcome::Overtaken
            }
            Err(FenceError::Kubernetes(text) | FenceError::Refused(text)) => {
                warn!(object = %due.target.object, "whether it is published could not be written: {text}");
                Outcome::Again { silent, record: None }
            }
        }
    }

    /// The object with the verdict in its status; `None` when something else was written or wanted since.
    async fn write(
        &self,
        target: &Target,
        verdict: &Verdict,
        took: Option<Duration>,
    ) -> Result<Option<Arc<DnsRecord>>, FenceError> {
        match self.write_onto(&target.record, verdict, took).await {
            Err(FenceError::Refused(_)) => {
                let now = Arc::new(current(&self.tools.cluster, &target.record).await?);
                let before = &target.record.metadata;
                let same = now.metadata.generation == before.generation
                    && now.metadata.deletion_timestamp.is_none()
                    && last_change(&now) == last_change(&target.record);
                match same {
                    true => self.write_onto(&now, verdict, took).await.map(Some),
                    false => Ok(None),
                }
            }
            answer => answer.map(Some),
        }
    }

    async fn write_onto(
        &self,
        record: &Arc<DnsRecord>,
        verdict: &Verdict,
        took: Option<Duration>,
    ) -> Result<Arc<DnsRecord>, FenceError> {
        let Some(mut status) = record.status.clone() else { return Err(FenceError::Vanished) };
        let Verdict { reason, message } = verdict;
        let generation = status.observed_generation;
        let conditions = with_published(*reason, message, generation, Timestamp::now(), &status.conditions);
        if conditions == status.conditions {
            return Ok(Arc::clone(record));
        }
        status.conditions = conditions;
        let answer = write_status(&self.tools.cluster, record, &status).await;
        self.tools.metrics.status_patched(if answer.is_ok() { "ok" } else { "failed" });
        if let (Ok(_), Some(took)) = (&answer, took) {
            self.tools.metrics.published(&self.solid_server, self.means.by(), took);
        }
        answer
    }
}

fn last_change(record: &DnsRecord) -> Option<Timestamp> {
    record.status.as_ref()?.last_change_time.as_ref().map(|time| time.0)
}

/// Asks one name server for one record, at each of its addresses until one answers.
async fn question(server: &NameServer, silent: &AtomicBool, target: &Target) -> Said {
    let name = server.name.clone();
    let addresses = match &server.addresses {
        Ok(addresses) => addresses,
        Err(why) => return Said { name, address: None, answer: Err(why.clone()) },
    };
    let mut last = Said {
        name: name.clone(),
        address: addresses.first().copied(),
        answer: Err("does not answer".to_owned()),
    };
    if silent.load(Ordering::Relaxed) {
        return last;
    }
    for address in addresses {
        let answer = ask(*address, &target.rrset.key).await;
        let answered = answer.is_ok();
        last = Said { name: name.clone(), address: Some(*address), answer };
        if answered {
            return last;
        }
    }
    silent.store(true, Ordering::Relaxed);
    last
}
