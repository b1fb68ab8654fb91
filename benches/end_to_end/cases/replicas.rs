//! (r) So many new records over six SolidServers, served by one replica or by several; and what is left when one of several crashes.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use serde_json::json;
use solidserver_operator::api::DEFAULT_SOLID_SERVER;

use crate::appliance::{Appliance, Setup};
use crate::binaries::Binaries;
use crate::cluster::{Cluster, between};
use crate::operator::{Operator, Usage};
use crate::report::Outcome;
use crate::tracker::Tracker;
use crate::world::Parameters;

/// How many appliances there are, each with a SolidServer.
const APPLIANCES: usize = 6;
/// The TTLs before and after the crash.
const TTLS: (u32, u32) = (600, 900);
const PATIENCE: Duration = Duration::from_secs(120);

struct Fleet {
    cluster: Cluster,
    appliances: BTreeMap<String, Appliance>,
    replicas: BTreeMap<String, Operator>,
    tracker: Tracker,
}

/// Creates the records, starts `count` replicas at once, and, if there are several, kills the one with most SolidServers and changes
/// one record of each.
pub(crate) async fn replicas(
    binaries: &Binaries,
    parameters: &Parameters,
    count: usize,
) -> Result<Vec<Outcome>> {
    let title = format!(
        "{count} replicas, {APPLIANCES} SolidServers, new records there at the start: {}",
        parameters.in_words()
    );
    let mut outcome = Outcome::new("r", title, parameters.as_json());
    let setup = Setup { latency: parameters.latency, http2: parameters.http2, quota: None, rows: None };
    let cluster = Cluster::start().await?;
    let mut appliances = BTreeMap::new();
    for number in 0..APPLIANCES {
        let name = if number == 0 { DEFAULT_SOLID_SERVER.to_owned() } else { format!("appliance-{number}") };
        let appliance = Appliance::start(&binaries.simulator, &setup).await?;
        let limits = json!({"concurrency": parameters.concurrency, "pageSize": parameters.page_size});
        cluster.serve(&name, &appliance, limits).await?;
        appliances.insert(name, appliance);
    }
    let names: Vec<String> = appliances.keys().cloned().collect();
    let of = |number: usize| names[number % APPLIANCES].clone();
    cluster.create_for((0..parameters.records).map(|number| (number, of(number))), TTLS.0).await?;

    let tracker = Tracker::start(cluster.records());
    let requests = cluster.requests().await?;
    let begun = Instant::now();
    let mut replicas = BTreeMap::new();
    for number in 0..count {
        let name = format!("bench-{number}");
        let log = appliances[DEFAULT_SOLID_SERVER].folder().join(format!("{name}.log"));
        let started = Operator::start(&binaries.operator, cluster.plane.kubeconfig(), &log, &name).await?;
        replicas.insert(name, started);
    }
    let ready = tracker.until_ready(parameters.records, Some(TTLS.0)).await?;
    outcome.figure("seconds from start to all Ready", ready.duration_since(begun).as_secs_f64());
    outcome.figure("API requests", json!(between(&requests, &cluster.requests().await?)));
    let holders = cluster.holders(&names).await?;
    let mut shares: BTreeMap<String, usize> = replicas.keys().map(|name| (name.clone(), 0)).collect();
    for holder in holders.values() {
        *shares.entry(holder.clone()).or_default() += 1;
    }
    outcome.figure("SolidServers of each replica", json!(shares));
    let usages: Vec<Usage> = replicas.values().map(Operator::usage).collect::<Result<_>>()?;
    let figures = |figure: fn(&Usage) -> f64| {
        json!(usages.iter().map(|usage| tenths(figure(usage))).collect::<Vec<_>>())
    };
    outcome.figure("CPU seconds of each replica", figures(|usage| usage.cpu_seconds));
    outcome.figure("peak memory MiB of each replica", figures(|usage| usage.peak_mib));
    outcome.figure("CPU seconds in all", usages.iter().map(|usage| usage.cpu_seconds).sum::<f64>());
    let mut writes = 0;
    for appliance in appliances.values() {
        writes += appliance.calls().await?.writes();
    }
    outcome.exactly("writes", writes, parameters.records as u64);
    outcome.exactly("SolidServers that are held", holders.len() as u64, APPLIANCES as u64);
    outcome.at_most(
        "SolidServers of the busiest replica: a fair share and one",
        shares.values().copied().max().unwrap_or_default() as f64,
        (APPLIANCES.div_ceil(count) + usize::from(count > 1)) as f64,
    );

    let mut fleet = Fleet { cluster, appliances, replicas, tracker };
    let mut outcomes = vec![outcome];
    if count > 1 {
        outcomes.push(take_over(&mut fleet, parameters, &names, &holders, &shares).await?);
    }
    for operator in std::mem::take(&mut fleet.replicas).into_values() {
        operator.stop().await?;
    }
    Ok(outcomes)
}

async fn take_over(
    fleet: &mut Fleet,
    parameters: &Parameters,
    names: &[String],
    holders: &BTreeMap<String, String>,
    shares: &BTreeMap<String, usize>,
) -> Result<Outcome> {
    let title = format!("one of {} replicas crashes: {}", shares.len(), parameters.in_words());
    let mut outcome = Outcome::new("r", title, parameters.as_json());
    let (busiest, share) = shares.iter().max_by_key(|(_, share)| **share).context("a replica")?;
    outcome.figure("SolidServers of the one that crashes", json!(share));
    for appliance in fleet.appliances.values() {
        appliance.reset_calls().await?;
    }
    let begun = Instant::now();
    fleet.replicas.remove(busiest).context("it runs")?.kill().await?;
    fleet.cluster.set_ttl(0..APPLIANCES, TTLS.1).await?;
    let ready = fleet.tracker.until_ready(APPLIANCES, Some(TTLS.1)).await?;
    outcome.figure(
        "seconds until one change of each SolidServer is Ready",
        ready.duration_since(begun).as_secs_f64(),
    );
    let mut writes = 0;
    for appliance in fleet.appliances.values() {
        writes += appliance.calls().await?.writes();
    }
    outcome.exactly("writes", writes, APPLIANCES as u64);
    let now = until_all_are_held(fleet, names, busiest).await?;
    let moved = holders.iter().filter(|(name, holder)| now.get(*name) != Some(holder)).count();
    outcome.exactly("SolidServers that changed hands", moved as u64, *share as u64);
    Ok(outcome)
}

async fn until_all_are_held(fleet: &Fleet, names: &[String], dead: &str) -> Result<BTreeMap<String, String>> {
    let begun = Instant::now();
    while begun.elapsed() < PATIENCE {
        let holders = fleet.cluster.holders(names).await?;
        if holders.len() == names.len() && holders.values().all(|holder| holder != dead) {
            return Ok(holders);
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    bail!("not all SolidServers are taken over within {PATIENCE:?}")
}

fn tenths(number: f64) -> f64 {
    (number * 10.0).round() / 10.0
}
