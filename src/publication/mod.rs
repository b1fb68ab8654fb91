//! Whether what was written has reached the name servers, for who asks for that (`spec.publication` of a SolidServer).
//!
//! One task for each SolidServer that asks, in one term of its Lease. The engine tells it which records are in sync and not known to be
//! published; it looks at them with growing distances (`schedule`), all that are due in a zone together (`look`), judges what it
//! sees (`verdict`) and writes the condition `Published`. Nobody waits for it: what it finds changes neither `Ready` nor what passes do.
//! It keeps nothing that a restart must not lose: what is not published says so in its status, and the next round over the zone finds it.

mod answer;
mod look;
mod name_servers;
mod question;
mod schedule;
mod target;
mod verdict;

use std::collections::{BTreeSet, HashMap};
use std::net::SocketAddr;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::FutureExt as _;
use jiff::Timestamp;
use tokio::sync::mpsc;
use tokio::task::{AbortHandle, JoinSet};
use tracing::error;

use self::look::{Look, Looked, Outcome};
use self::name_servers::NameServer;
use self::schedule::Schedule;
pub use self::target::Target;
use crate::api::{Publication, SolidServerSpec};
use crate::plan::ObjectName;
use crate::reconcile::Tools;
use crate::record::Place;
use crate::solidserver::Client;

/// Zones of one SolidServer that are looked at at the same time.
const LOOKS: usize = 4;

/// How long it is remembered which name servers a zone has.
const REMEMBERED: Duration = Duration::from_secs(300);

/// A write younger than this is taken for one that was made just now: times in a status are whole seconds.
const JUST_NOW: Duration = Duration::from_secs(2);

/// How it is found out whether something is published.
pub struct Means {
    client: Client,
    publication: Publication,
    /// Those of `spec.nameServers`, or what is wrong with them.
    name_servers: Option<Result<Vec<SocketAddr>, String>>,
}

impl Means {
    /// What a spec asks for; `None` when it asks for nothing.
    #[must_use]
    pub fn of(spec: &SolidServerSpec, client: &Client) -> Option<Self> {
        let publication = spec.publication();
        let named = spec.name_servers.as_ref();
        let name_servers =
            named.map(|servers| servers.iter().map(|text| name_servers::address(text)).collect());
        (publication != Publication::None).then(|| Self { client: client.clone(), publication, name_servers })
    }

    /// By whose word, for metrics.
    const fn by(&self) -> &'static str {
        match self.publication {
            Publication::None => "none",
            Publication::Appliance => "appliance",
            Publication::Dns => "dns",
        }
    }
}

enum Order {
    Means(Means),
    Follow { target: Box<Target>, zone_rows: Option<usize> },
    Forget(ObjectName),
}

/// The task that follows the records of one SolidServer; it ends when this is dropped.
pub struct Follower {
    orders: mpsc::UnboundedSender<Order>,
    task: AbortHandle,
}

impl Follower {
    /// Begins, with nothing to follow. What it writes it writes with these tools, under their claim.
    #[must_use]
    pub fn start(solid_server: Arc<str>, tools: Arc<Tools>, means: Means) -> Self {
        let (orders, received) = mpsc::unbounded_channel();
        let room = Room {
            solid_server,
            tools,
            means: Arc::new(means),
            schedule: Schedule::default(),
            looking: BTreeSet::new(),
            looks: JoinSet::new(),
            zone_rows: HashMap::new(),
            name_servers: HashMap::new(),
        };
        Self { orders, task: tokio::spawn(room.run(received)).abort_handle() }
    }

    /// From now on it is found out like this.
    pub fn use_means(&self, means: Means) {
        self.send(Order::Means(means));
    }

    /// This is in sync and not known to be published. `zone_rows` is how many rows its zone has, where that is known.
    pub fn follow(&self, target: Target, zone_rows: Option<usize>) {
        self.send(Order::Follow { target: Box::new(target), zone_rows });
    }

    /// This is nobody's any more, or about to be decided anew.
    pub fn forget(&self, object: &ObjectName) {
        self.send(Order::Forget(object.clone()));
    }

    fn send(&self, order: Order) {
        // The task ends with this alone.
        let _ = self.orders.send(order);
    }
}

impl Drop for Follower {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// All that the task remembers.
struct Room {
    solid_server: Arc<str>,
    tools: Arc<Tools>,
    means: Arc<Means>,
    schedule: Schedule,
    /// Zones that are being looked at.
    looking: BTreeSet<Place>,
    looks: JoinSet<(Place, Option<Looked>)>,
    zone_rows: HashMap<Place, usize>,
    name_servers: HashMap<Place, (Instant, Arc<[NameServer]>)>,
}

/// The present moment by the runtime's clock.
fn now() -> Instant {
    tokio::time::Instant::now().into_std()
}

impl Room {
    async fn run(mut self, mut orders: mpsc::UnboundedReceiver<Order>) {
        loop {
            self.begin_looks();
            let idle = self.looks.len() < LOOKS;
            let next = self.schedule.next(&self.looking).filter(|_| idle);
            let wake = next.unwrap_or_else(|| now() + Duration::from_secs(3600));
            tokio::select! {
                order = orders.recv() => match order {
                    Some(order) => self.take(order),
                    None => return,
                },
                Some(Ok((place, looked))) = self.looks.join_next() => self.looked(place, looked),
                () = tokio::time::sleep_until(wake.into()) => {}
            }
        }
    }

    fn take(&mut self, order: Order) {
        match order {
            Order::Means(means) => {
                if means.publication != self.means.publication
                    || means.name_servers != self.means.name_servers
                {
                    // By another measure; what is not published comes again with the next round.
                    self.schedule.clear();
                    self.name_servers.clear();
                }
                self.means = Arc::new(means);
            }
            Order::Follow { target, zone_rows } => {
                if let Some(rows) = zone_rows {
                    self.zone_rows.insert(target.place.clone(), rows);
                }
                let age = target.written_at.map_or(Duration::ZERO, |written_at| {
                    Duration::try_from(Timestamp::now().duration_since(written_at)).unwrap_or_default()
                });
                let age = if age < JUST_NOW { Duration::ZERO } else { age };
                self.schedule.follow(*target, age, now());
            }
            Order::Forget(object) => self.schedule.forget(&object),
        }
    }

    fn begin_looks(&mut self) {
        while self.looks.len() < LOOKS {
            let Some((place, due)) = self.schedule.due(&self.looking, now()) else { return };
            self.name_servers.retain(|_, (asked, _)| asked.elapsed() < REMEMBERED);
            let look = Look {
                solid_server: Arc::clone(&self.solid_server),
                tools: Arc::clone(&self.tools),
                means: Arc::clone(&self.means),
                place: place.clone(),
                due,
                zone_rows: self.zone_rows.get(&place).copied(),
                name_servers: self.name_servers.get(&place).map(|(_, servers)| Arc::clone(servers)),
            };
            self.looking.insert(place.clone());
            self.looks.spawn(async move {
                // A defect in one zone's look must not stop all others for ever, and not in silence.
                (place, AssertUnwindSafe(look.run()).catch_unwind().await.ok())
            });
        }
    }

    fn looked(&mut self, place: Place, looked: Option<Looked>) {
        self.looking.remove(&place);
        let Some(looked) = looked else {
            error!(solid_server = %self.solid_server, %place, "a look whether records are published broke off through a defect; please report it");
            self.schedule.put_off(&place, now() + REMEMBERED);
            return;
        };
        if let Some(servers) = looked.name_servers {
            self.name_servers.entry(place).or_insert_with(|| (now(), servers));
        }
        for (target, outcome) in looked.outcomes {
            match outcome {
                Outcome::Done | Outcome::Overtaken => self.schedule.finish(&target),
                Outcome::Again { silent, record } => {
                    let record = record.unwrap_or_else(|| Arc::clone(&target.record));
                    self.schedule.again(&Target { record, ..(*target).clone() }, silent, now());
                }
            }
        }
    }
}
