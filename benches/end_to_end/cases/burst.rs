//! (b) So many new records: there when the operator starts, or arriving while it runs. (g) One change in the middle of them.

use std::time::Instant;

use anyhow::{Context as _, Result};
use serde_json::json;

use super::change::{Change, apply_change};
use super::from_list_to_last_write;
use crate::appliance::ZONES;
use crate::cluster::{LIVE, Plain};
use crate::report::{Outcome, median};
use crate::world::{Parameters, Used, World};

/// The log of calls holds no more, and as JSON it is large enough.
const LONGEST_LOG: usize = 20_000;
/// A record that waits longer than this is told so, which is a patch more.
const TOLD_TO_WAIT_AFTER: f64 = 30.0;
/// How often a burst is measured where its time is promised: each has a world of its own, and the middle counts.
pub(crate) const BURSTS: usize = 5;
/// The most records that a plain client is measured with: enough to be steady.
const PLAIN_RECORDS: usize = 1000;
/// Passes of one zone begin this far apart at least, in seconds.
const BETWEEN_PASSES: f64 = 0.2;

/// Whether the time of a burst is promised, and not only told.
pub(crate) fn is_timed(parameters: &Parameters) -> bool {
    parameters.records == 1000 && parameters.latency.as_millis() == 100
}

/// Creates the records, then starts the operator. Also returns how long it took, in the longer of the two limits;
/// `earlier` has that of the bursts before.
pub(crate) async fn burst_at_start(world: &mut World, earlier: &[f64]) -> Result<(Outcome, f64)> {
    let parameters = world.parameters.clone();
    let count = parameters.records;
    let mut outcome = Outcome::new(
        "b",
        format!("new records, there at the start: {}", parameters.in_words()),
        parameters.as_json(),
    );
    let mut plain = vec![plain_client(world).await?];
    world.cluster.create(0..count, 600).await?;
    let mark = world.mark().await?;
    let begun = Instant::now();
    world.start_operator().await?;
    let ready = world.tracker.until_ready(count, None).await?;
    let seconds = ready.duration_since(begun).as_secs_f64();
    // Counted before the round is told, and before anything else begins.
    let used = world.since(&mark).await?;
    outcome.figure("seconds from start to all Ready", seconds);
    if count <= LONGEST_LOG {
        let log = world.appliance.log().await?;
        let writing = from_list_to_last_write(&log).context("nothing was written")?;
        outcome.figure("seconds from list to last write", writing);
    }
    if is_timed(&parameters) {
        // A shared machine is not the same from one minute to the next: the burst lies between the two.
        world.settle().await?;
        plain.push(plain_client(world).await?);
    }
    let appliance_limit = parameters.limit_of(count);
    let api_limit = plain.iter().map(|plain| plain.seconds(count)).sum::<f64>() / plain.len() as f64;
    let times = seconds / appliance_limit.max(api_limit);
    outcome.figure("limit: appliance, seconds", appliance_limit);
    outcome.figure("limit: plain client of the API server, seconds", api_limit);
    outcome.figure("plain finalizer patches a second", listed(&plain, |plain| plain.finalizers));
    outcome.figure("plain status patches a second", listed(&plain, |plain| plain.statuses));
    used.tell(&mut outcome);
    let all: Vec<f64> = earlier.iter().copied().chain([times]).collect();
    outcome.figure("seconds to all Ready in the longer limit", listed(&all, |times| *times));
    if is_timed(&parameters) {
        outcome.at_most("seconds to all Ready in the longer limit, median", median(&all), 1.3);
    }
    counts(&mut outcome, &used, world, count, seconds);
    Ok((outcome, times))
}

async fn plain_client(world: &World) -> Result<Plain> {
    let count = world.parameters.records.clamp(200, PLAIN_RECORDS);
    world.cluster.plain(count, world.parameters.concurrency).await
}

/// Numbers as a list, without more digits than they are worth.
fn listed<T>(of: &[T], number: impl Fn(&T) -> f64) -> serde_json::Value {
    json!(of.iter().map(|one| (number(one) * 100.0).round() / 100.0).collect::<Vec<_>>())
}

/// Calls and patches that a burst of new records may cost.
fn counts(outcome: &mut Outcome, used: &Used, world: &World, count: usize, seconds: f64) {
    outcome.exactly("adds", used.calls.rows("add"), count as u64);
    outcome.exactly("other writes", used.calls.writes() - used.calls.rows("add"), 0);
    let reads = (used.calls.rows("list") + used.calls.rows("count")) as f64;
    let pages = world.parameters.pages(world.tracker.count()) + 3 * ZONES + 5;
    outcome.at_most(
        "reads: pages, 3 for each zone, 5 and one for each pass",
        reads,
        pages as f64 + used.passes,
    );
    let most_passes = (seconds / BETWEEN_PASSES + 1.0) * ZONES as f64;
    outcome.at_most("passes: one in 200 ms for each zone", used.passes, most_passes);
    let each = if seconds > TOLD_TO_WAIT_AFTER { 3.0 } else { 2.0 };
    outcome.at_most(
        "patches of DnsRecords for each record",
        used.record_patches() as f64 / count as f64,
        each,
    );
}

/// Creates further records while the operator runs, and in the middle of them changes one that was there.
pub(crate) async fn burst_live(world: &mut World, idle: &Change) -> Result<Vec<Outcome>> {
    let parameters = world.parameters.clone();
    let (before, count) = (parameters.records, parameters.records.min(10_000));
    let clock = world.appliance.clock_begin().await?;
    let mark = world.mark().await?;
    let begun = Instant::now();
    world.cluster.create(LIVE..LIVE + count, 600).await?;
    let created = Instant::now();
    let waiting = before + count - world.tracker.count();
    let changed = apply_change(world, clock, before - 1, 900).await?;
    let ready = world.tracker.until_ready(before + count, None).await?;
    let seconds = ready.duration_since(begun).as_secs_f64();
    let mut used = world.since(&mark).await?;
    // The change is ours, and it is patched and edited once.
    take_one(&mut used, "PATCH dnsrecords");
    take_one(&mut used, "PATCH dnsrecords/status");

    let mut burst =
        Outcome::new("b", format!("new records, live: {}", parameters.in_words()), parameters.as_json());
    burst.figure("new records", json!(count));
    burst.figure("seconds that creating them takes", created.duration_since(begun).as_secs_f64());
    burst.figure("seconds from the first to all Ready", seconds);
    burst.figure("limit: appliance, seconds", parameters.limit_of(count));
    used.tell(&mut burst);
    let edits = used.calls.by_object.get_mut("rr").and_then(|operations| operations.get_mut("edit"));
    if let Some(edits) = edits {
        *edits -= 1;
    }
    if let Some(edits) = used.calls.by_operation.get_mut("edit") {
        *edits -= 1;
    }
    counts(&mut burst, &used, world, count, seconds);

    let title = format!("one change during a burst of {count}: {}", parameters.in_words());
    let mut change = Outcome::new("g", title, parameters.as_json());
    change.figure("records that wait when it is applied", json!(waiting));
    change.figure("seconds from apply to the call", changed.to_call);
    change.figure("seconds from apply to Ready", changed.to_ready);
    change.figure("seconds from apply to the call while idle, median", idle.to_call);
    change.at_most("seconds more than while idle: one slice", changed.to_call - idle.to_call, 1.0);
    Ok(vec![burst, change])
}

fn take_one(used: &mut Used, kind: &str) {
    if let Some(count) = used.requests.get_mut(kind) {
        *count = count.saturating_sub(1);
    }
}
