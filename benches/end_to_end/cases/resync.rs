//! (c) A whole round over records in sync; (d) the same where one in a hundred has drifted.

use anyhow::Result;
use serde_json::json;

use crate::appliance::ZONES;
use crate::report::Outcome;
use crate::world::{Used, World};

/// Which records have drifted: each hundredth.
const DRIFTED: usize = 100;

fn counts(outcome: &mut Outcome, used: &Used, world: &World) {
    let (lists, counts) = (used.calls.rows("list"), used.calls.rows("count"));
    outcome.figure("pages", json!(lists));
    outcome.figure("counts", json!(counts));
    let slack = if world.parameters.records > 10_000 { 100 } else { 10 };
    outcome.at_most("pages: one for each zone and a few", lists as f64, (ZONES + slack) as f64);
    // The count that ends each list is what makes it known to be complete.
    outcome.at_most("counts: one for each zone", counts as f64, ZONES as f64);
}

pub(crate) async fn resync(world: &mut World) -> Result<Outcome> {
    let parameters = world.parameters.clone();
    let title = format!("resync of records in sync: {}", parameters.in_words());
    let mut outcome = Outcome::new("c", title, parameters.as_json());
    let mark = world.mark().await?;
    let sync = world.cluster.a_round().await?;
    let used = world.since(&mark).await?;
    outcome.figure("seconds of the round, as it is told", sync.duration);
    used.tell(&mut outcome);
    counts(&mut outcome, &used, world);
    outcome.exactly("writes", used.calls.writes(), 0);
    outcome.exactly("patches of DnsRecords", used.record_patches(), 0);
    // The request is a patch of ours; the status is one of the operator's.
    outcome.at_most("patches of the SolidServer", used.requests("PATCH solidservers/status") as f64, 1.0);
    outcome.exactly("records that needed nothing", u64::from(sync.skipped), world.tracker.count() as u64);
    Ok(outcome)
}

pub(crate) async fn drift(world: &mut World) -> Result<Outcome> {
    let parameters = world.parameters.clone();
    let title = format!("resync where one record in {DRIFTED} has drifted: {}", parameters.in_words());
    let mut outcome = Outcome::new("d", title, parameters.as_json());
    let rows = world.appliance.rows().await?;
    let mut drifted = 0;
    for row in rows.iter().step_by(DRIFTED) {
        world.appliance.set_ttl(&row.id, 5).await?;
        drifted += 1;
    }
    let mark = world.mark().await?;
    let sync = world.cluster.a_round().await?;
    let used = world.since(&mark).await?;
    outcome.figure("seconds of the round, as it is told", sync.duration);
    outcome.figure("limit: appliance, seconds", parameters.limit_of(drifted));
    used.tell(&mut outcome);
    counts(&mut outcome, &used, world);
    outcome.exactly("edits: drifted values", used.calls.rows("edit"), drifted as u64);
    outcome.exactly("writes", used.calls.writes(), drifted as u64);
    let wrong = world.appliance.rows().await?.iter().filter(|row| row.ttl == 5).count();
    outcome.exactly("rows that are still wrong", wrong as u64, 0);
    Ok(outcome)
}
