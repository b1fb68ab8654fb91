//! (f) One change while nothing else happens: from apply to the call to Ready.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};

use crate::cluster::name;
use crate::report::{Outcome, median};
use crate::world::World;

/// How often it is measured.
const TIMES: usize = 15;
/// The first change of a quiet zone waits this long for others, in seconds.
const WINDOW: f64 = 0.05;
/// Longer than the pass before and what it tells.
const QUIET: Duration = Duration::from_millis(700);

/// How long one change took, in seconds.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Change {
    pub(crate) to_call: f64,
    pub(crate) to_ready: f64,
}

/// Gives a record another TTL and follows it.
pub(super) async fn apply_change(world: &World, clock: Instant, number: usize, ttl: u32) -> Result<Change> {
    let begun = Instant::now();
    world.cluster.set_ttl(number..=number, ttl).await?;
    let ready = world.tracker.until_one_is_ready(&name(number), ttl).await?;
    let log = world.appliance.log().await?;
    let wanted = ttl.to_string();
    let call = log
        .iter()
        .rev()
        .find(|call| call.operation == "edit" && call.parameters.values().any(|value| *value == wanted))
        .context("the change is not in the simulator's log")?;
    let called = clock + Duration::from_millis(call.start_ms);
    Ok(Change {
        to_call: called.saturating_duration_since(begun).as_secs_f64(),
        to_ready: ready.duration_since(begun).as_secs_f64(),
    })
}

/// One change after the other, far enough apart.
pub(crate) async fn one_change(world: &mut World) -> Result<(Outcome, Change)> {
    let parameters = world.parameters.clone();
    let title = format!("one change while idle: {}", parameters.in_words());
    let mut outcome = Outcome::new("f", title, parameters.as_json());
    let round_trip = world.cluster.round_trip().await?;
    let clock = world.appliance.clock_begin().await?;
    let mark = world.mark().await?;
    let mut changes = Vec::new();
    for time in 0..TIMES {
        tokio::time::sleep(QUIET).await;
        let number = time % parameters.records;
        // Each TTL once, so that the call is found by it.
        changes.push(apply_change(world, clock, number, 700 + time as u32).await?);
    }
    let used = world.since(&mark).await?;
    let to_call = median(&changes.iter().map(|change| change.to_call).collect::<Vec<_>>());
    let to_ready = median(&changes.iter().map(|change| change.to_ready).collect::<Vec<_>>());
    outcome.figure("seconds from apply to the call, median", to_call);
    outcome.figure("seconds from apply to Ready, median", to_ready);
    outcome.figure("API server's round trip, seconds", round_trip);
    outcome.figure("calls for each change", used.calls.total as f64 / TIMES as f64);
    used.tell(&mut outcome);
    let limit = WINDOW + 2.0 * parameters.latency.as_secs_f64() + 5.0 * round_trip;
    outcome.at_most("seconds to the call: window, 2 latencies, 5 round trips", to_call, limit);
    outcome.exactly("edits", used.calls.rows("edit"), TIMES as u64);
    // Half of the patches of the object itself are the changes.
    outcome.at_most(
        "patches of DnsRecords by the operator for each change",
        (used.record_patches() as f64 - TIMES as f64) / TIMES as f64,
        1.0,
    );
    Ok((outcome, Change { to_call, to_ready }))
}
