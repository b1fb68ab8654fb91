//! (a) Records that are there get a new TTL.

use std::time::Duration;

use anyhow::{Context as _, Result};
use serde_json::json;

use super::from_list_to_last_write;
use crate::peers;
use crate::report::{Outcome, median};
use crate::world::World;

/// How often it is measured: the middle counts, each run is told.
const TIMES: usize = 3;
/// TTLs that no other case sets.
const FIRST_TTL: u32 = 300;
/// What so many calls may take, one after the other, for the peers to run as well. The slowest of them makes four calls for a record.
const MOST_PATIENCE: Duration = Duration::from_secs(60);

pub(crate) async fn new_ttl(world: &mut World, with_peers: bool) -> Result<Outcome> {
    let parameters = world.parameters.clone();
    let title = format!("records that are there get a new TTL: {}", parameters.in_words());
    let mut outcome = Outcome::new("a", title, parameters.as_json());
    let count = world.tracker.count();
    let mut times = Vec::new();
    for time in 0..TIMES {
        world.stop_operator().await?;
        let ttl = FIRST_TTL + time as u32;
        world.cluster.set_ttl(0..count, ttl).await?;
        let mark = world.mark().await?;
        world.start_operator().await?;
        world.tracker.until_ready(count, Some(ttl)).await?;
        let used = world.since(&mark).await?;
        let log = world.appliance.log().await?;
        times.push(from_list_to_last_write(&log).context("nothing was written")?);
        world.settle().await?;
        if time + 1 == TIMES {
            used.tell(&mut outcome);
            outcome.exactly("edits", used.calls.rows("edit"), count as u64);
            outcome.exactly("writes", used.calls.writes(), count as u64);
            outcome.exactly(
                "writes in flight, at most",
                used.calls.max_writes_in_flight,
                parameters.concurrency as u64,
            );
            compare(world, &mut outcome, count, median(&times), used.calls.total, with_peers).await?;
        }
    }
    let seconds = median(&times);
    let latency = parameters.latency.as_secs_f64();
    let limit = parameters.limit_of(count);
    outcome.figure("seconds from list to last write", json!(times));
    outcome.figure("seconds from list to last write, median", seconds);
    outcome.figure("limit: appliance, seconds", limit);
    if latency >= 0.1 {
        outcome.at_most("seconds, within 1.3 of the limit and one list", seconds, 1.3 * (limit + latency));
    } else if latency > 0.0 {
        outcome.figure("times the limit and one list", seconds / (limit + latency));
    }
    Ok(outcome)
}

async fn compare(
    world: &World,
    outcome: &mut Outcome,
    count: usize,
    seconds: f64,
    calls: u64,
    with_peers: bool,
) -> Result<()> {
    if !with_peers || !peers::are_there() {
        return Ok(());
    }
    let mut parameters = world.parameters.clone();
    parameters.records = count;
    let one_after_the_other = parameters.latency.saturating_mul(u32::try_from(count).unwrap_or(u32::MAX));
    if one_after_the_other > MOST_PATIENCE {
        outcome.figure("peers", "left out: those that go one after the other would take too long");
        return Ok(());
    }
    for name in peers::NAMES {
        let peer = peers::run(&world.binaries, &parameters, name).await?;
        let ratio = peer.seconds / seconds;
        outcome.figure(&format!("{name}: seconds"), peer.seconds);
        outcome.figure(&format!("{name}: calls"), json!(peer.calls));
        outcome.figure(&format!("{name}: times as long"), ratio);
        outcome.figure(&format!("{name}: told"), peer.told);
        match name {
            "python-sequential" => outcome.at_least("times faster than python-sequential", ratio, 40.0),
            "asyncio-plain" | "asyncio-idempotent" => {
                outcome.at_least(format!("times faster than {name}"), ratio, 1.5);
            }
            _ => {}
        }
        if name != "go-webhook" {
            outcome.at_most(format!("calls, fewer than {name}"), calls as f64, peer.calls as f64 - 1.0);
        }
    }
    Ok(())
}
