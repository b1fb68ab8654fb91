//! (e) The operator starts and all records are correct already.

use std::time::{Duration, Instant};

use anyhow::Result;
use serde_json::json;

use crate::report::Outcome;
use crate::world::World;

/// Most memory of 100,000 records, in MiB.
const LARGE: f64 = 300.0;
/// Most memory while idle with 1,000 records, in MiB.
const IDLE: f64 = 25.0;
/// How long nothing happens before a process counts as idle.
const REST: Duration = Duration::from_secs(25);

pub(crate) async fn cold_start(world: &mut World) -> Result<Outcome> {
    let parameters = world.parameters.clone();
    let title = format!("cold start with correct records: {}", parameters.in_words());
    let mut outcome = Outcome::new("e", title, parameters.as_json());
    world.stop_operator().await?;
    // Rounds are told in whole seconds.
    let second = jiff::Timestamp::now().as_second() + 1;
    tokio::time::sleep(Duration::from_millis(1100)).await;
    let mark = world.mark().await?;
    let begun = Instant::now();
    world.start_operator().await?;
    let sync = world.cluster.until_synced(second).await?;
    outcome.figure("seconds from start to the end of the first round", begun.elapsed().as_secs_f64());
    tokio::time::sleep(REST).await;
    let used = world.since(&mark).await?;
    let records = world.tracker.count();
    outcome.figure("records in all", json!(records));
    used.tell(&mut outcome);
    outcome.figure("peak memory for each record, KiB", used.usage.peak_mib * 1024.0 / records as f64);
    outcome.exactly("writes", used.calls.writes(), 0);
    outcome.exactly("patches of DnsRecords", used.record_patches(), 0);
    outcome.exactly("records that needed nothing", u64::from(sync.skipped), records as u64);
    if records >= 100_000 {
        outcome.at_most("peak memory, MiB", used.usage.peak_mib, LARGE);
    }
    if (1000..=2000).contains(&records) {
        outcome.at_most("memory while idle, MiB", used.usage.resident_mib, IDLE);
    }
    Ok(outcome)
}
