//! (h) Under a quota of the appliance: 500 records of one namespace's worth, with and without a budget of our own.

use std::time::Instant;

use anyhow::Result;
use serde_json::{Value, json};

use crate::binaries::Binaries;
use crate::report::Outcome;
use crate::world::{Parameters, World};

/// Calls in a window, and its seconds.
const QUOTA: (u32, u32) = (200, 60);
/// Calls in a window as a number that divides.
const CALLS: u64 = QUOTA.0 as u64;

/// Brings `records` new ones under the quota; `budget` is the operator's own bound, in calls a minute.
pub(crate) async fn quota(
    binaries: &Binaries,
    parameters: &Parameters,
    budget: Option<u32>,
) -> Result<Outcome> {
    let told = if budget.is_some() { "with requestsPerMinute" } else { "without requestsPerMinute" };
    let title = format!("quota of {} calls in {} s, {told}: {}", QUOTA.0, QUOTA.1, parameters.in_words());
    let mut described = parameters.as_json();
    described["quota"] = json!(format!("{}/{}s", QUOTA.0, QUOTA.1));
    described["requestsPerMinute"] = budget.map_or(Value::Null, Value::from);
    let mut outcome = Outcome::new("h", title, described);
    let limits = budget.map_or_else(|| json!({}), |budget| json!({ "requestsPerMinute": budget }));
    let mut world = World::with(binaries, parameters, Some(QUOTA), limits).await?;
    world.cluster.create(0..parameters.records, 600).await?;
    let mark = world.mark().await?;
    let begun = Instant::now();
    world.start_operator().await?;
    let ready = world.tracker.until_ready(parameters.records, None).await?;
    let seconds = ready.duration_since(begun).as_secs_f64();
    let used = world.since(&mark).await?;
    outcome.figure("seconds from start to all Ready", seconds);
    let refused = used.calls.by_status.get("429").copied().unwrap_or_default();
    let answered = used.calls.total - refused;
    // A window begins with its first call, so the last full one is not waited out.
    let windows = ((answered - 1) / CALLS * u64::from(QUOTA.1)) as f64;
    outcome.figure("limit: the quota's windows, seconds", windows);
    used.tell(&mut outcome);
    match budget {
        Some(budget) => {
            // It is spent evenly, so that a change in the middle of a backlog waits for its turn and not for the next window.
            let limit = answered as f64 * 60.0 / f64::from(budget);
            outcome.figure("limit: so many calls at that pace, seconds", limit);
            outcome.at_most("seconds, within 1.05 of that and a second", seconds, 1.05 * limit + 1.0);
            outcome.exactly("adds", used.calls.rows("add"), parameters.records as u64);
            outcome.exactly("calls that were refused (429)", refused, 0);
        }
        None => {
            let adds = used.calls.rows("add") as f64;
            outcome.at_most(
                "adds, those that were refused among them",
                adds,
                (parameters.records as u64 + refused) as f64,
            );
            let windows = answered.div_ceil(CALLS);
            let most = parameters.concurrency as u64 + windows - 1;
            outcome.at_most("calls that were refused (429)", refused as f64, most as f64);
        }
    }
    Ok(outcome)
}
