//! When each DnsRecord became Ready, as a watch shows it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use futures::{StreamExt as _, TryStreamExt as _};
use kube::api::Api;
use kube::runtime::watcher;
use solidserver_operator::api::{ConditionType, DnsRecord, is_true};

const PATIENCE: Duration = Duration::from_secs(1800);

/// The TTL that a record is Ready with, and since when. Each case sets TTLs of its own, so they tell what was reached.
#[derive(Clone, Copy)]
struct Ready {
    generation: i64,
    ttl: Option<u32>,
    since: Instant,
}

type Seen = Arc<Mutex<HashMap<String, Ready>>>;

/// Watches until it is dropped.
pub(crate) struct Tracker {
    seen: Seen,
    task: tokio::task::AbortHandle,
}

impl Drop for Tracker {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Tracker {
    pub(crate) fn start(records: Api<DnsRecord>) -> Self {
        let seen = Seen::default();
        let mine = Arc::clone(&seen);
        let task = tokio::spawn(async move {
            let mut events = watcher(records, watcher::Config::default()).boxed();
            loop {
                match events.try_next().await {
                    Ok(Some(watcher::Event::Apply(record) | watcher::Event::InitApply(record))) => {
                        note(&mine, record);
                    }
                    Ok(Some(_)) => {}
                    Ok(None) => return,
                    Err(_) => tokio::time::sleep(Duration::from_millis(100)).await,
                }
            }
        });
        Self { seen, task: task.abort_handle() }
    }

    /// Waits until `count` records are Ready with this TTL, or with any; returns when the last of them became it.
    pub(crate) async fn until_ready(&self, count: usize, ttl: Option<u32>) -> Result<Instant> {
        let begun = Instant::now();
        loop {
            {
                let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
                let ready = seen.values().filter(|ready| ttl.is_none() || ready.ttl == ttl);
                let (number, last) =
                    ready.fold((0, None), |(number, last), ready| (number + 1, last.max(Some(ready.since))));
                if let (true, Some(last)) = (number >= count, last) {
                    return Ok(last);
                }
                if begun.elapsed() > PATIENCE {
                    bail!("{number} of {count} records are Ready after {PATIENCE:?}");
                }
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Waits until one record is Ready with this TTL.
    pub(crate) async fn until_one_is_ready(&self, name: &str, ttl: u32) -> Result<Instant> {
        let begun = Instant::now();
        while begun.elapsed() < PATIENCE {
            let ready = self.seen.lock().unwrap_or_else(PoisonError::into_inner).get(name).copied();
            if let Some(ready) = ready.filter(|ready| ready.ttl == Some(ttl)) {
                return Ok(ready.since);
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        bail!("{name} is not Ready after {PATIENCE:?}")
    }

    /// How many records are Ready.
    pub(crate) fn count(&self) -> usize {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).len()
    }
}

fn note(seen: &Seen, record: DnsRecord) {
    let Some(name) = record.metadata.name else { return };
    let Some(generation) = record.metadata.generation else { return };
    let status = record.status.unwrap_or_default();
    let ready = status.observed_generation == generation && is_true(&status.conditions, ConditionType::Ready);
    if !ready {
        return;
    }
    let mut seen = seen.lock().unwrap_or_else(PoisonError::into_inner);
    let now = Ready { generation, ttl: record.spec.ttl, since: Instant::now() };
    let known = seen.entry(name).or_insert(now);
    if known.generation != generation {
        *known = now;
    }
}
