//! Three replicas over six SolidServers, changes all the time, an appliance that fails now and then, and every ten seconds the
//! replica with the most to do is killed.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use kube::api::{DeleteParams, Patch, PatchParams};
use serde_json::json;
use solidserver_simulator::{Fault, FaultKind, Simulator};

use crate::failover::{SHORT, lease, writers_in_turn};
use crate::world::{World, describe};

const FIELDS: &str = "resyncInterval: 1h\n  defaults: {dnsServer: ns.example.com, ttl: 600}";
/// The first one gets half of all changes.
const SOLID_SERVERS: [&str; 6] = ["busiest", "east", "north", "south", "west", "centre"];
/// DnsRecords that come and go; a change touches one of them.
const RECORDS: usize = 120;
const CHANGES_A_SECOND: u32 = 20;
const BETWEEN_KILLS: Duration = Duration::from_secs(10);
const LENGTH: Duration = Duration::from_secs(180);

/// What is wanted: the last value of each DnsRecord that is there.
#[derive(Default)]
struct Wanted {
    values: BTreeMap<usize, String>,
    changes: usize,
}

fn solid_server_of(number: usize) -> &'static str {
    // Even ones on the busiest, odd ones in turn on the others.
    if number.is_multiple_of(2) { SOLID_SERVERS[0] } else { SOLID_SERVERS[1 + number / 2 % 5] }
}

impl Wanted {
    /// One change: mostly another value, sometimes the record goes, and comes again when it is its turn the next time.
    async fn change(&mut self, world: &World) {
        let number = self.changes % RECORDS;
        let api = world.records("shop");
        let name = format!("host-{number}");
        let going = async || {
            let record = world.record("shop", &name).await;
            record.is_some_and(|record| record.metadata.deletion_timestamp.is_some())
        };
        if !self.values.contains_key(&number) && going().await {
            // Not gone yet: it can't come again before.
        } else if self.changes % 13 == 12 && self.values.remove(&number).is_some() {
            api.delete(&name, &DeleteParams::default()).await.expect("it is deleted");
        } else {
            let value = format!("192.0.{}.{}", self.changes / 250 % 250, 1 + self.changes % 250);
            let record = json!({
                "apiVersion": "solidserver.dev/v1alpha1",
                "kind": "DnsRecord",
                "metadata": {"name": name, "namespace": "shop"},
                "spec": {
                    "fqdn": format!("{name}.example.com"),
                    "type": "A",
                    "values": [value],
                    "solidServerRef": {"name": solid_server_of(number)},
                },
            });
            let parameters = PatchParams::apply("people").force();
            api.patch(&name, &parameters, &Patch::Apply(&record)).await.expect("it is applied");
            self.values.insert(number, value);
        }
        self.changes += 1;
    }
}

/// The middle one.
fn median(mut samples: Vec<u64>) -> u64 {
    samples.sort_unstable();
    samples[samples.len() / 2]
}

fn assert_rows(simulator: &Simulator, solid_server: &str, wanted: &Wanted) {
    let mut rows: Vec<String> = simulator
        .rows()
        .iter()
        .filter(|row| !row.pending_delete && row.name.starts_with("host-"))
        .map(|row| format!("{} {}", row.name, describe(row)))
        .collect();
    rows.sort();
    let mut expected: Vec<String> = wanted
        .values
        .iter()
        .filter(|(number, _)| solid_server_of(**number) == solid_server)
        .map(|(number, value)| format!("host-{number}.example.com A 600 {value} | shop/host-{number}"))
        .collect();
    expected.sort();
    assert_eq!(rows, expected, "the rows of {solid_server}");
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_has_the_most_to_do_is_killed_every_ten_seconds_and_nothing_is_lost() {
    let mut world = World::new().await;
    world.leases = SHORT;
    world.namespace("shop").await;
    let mut simulators = Vec::new();
    for name in SOLID_SERVERS {
        simulators.push((name, world.another_appliance(name, FIELDS).await));
    }
    for replica in 0..3 {
        world.start_replica(&format!("replica-{replica}")).await;
    }
    for (_, simulator) in &simulators {
        // Each call in twenty fails, in one of three ways.
        let unavailable = FaultKind::Status { code: 503, body: None, retry_after: None, after_commit: false };
        simulator.inject(Fault::new("*", unavailable).every(60));
        simulator.inject(Fault::new("*", FaultKind::ResetBeforeCommit).every(60).after(20));
        simulator.inject(Fault::new("*", FaultKind::ResetAfterCommit).every(60).after(40));
    }

    let mut wanted = Wanted::default();
    let (mut kills, mut starts) = (0, 3);
    let (mut first_minute, mut last_minute) = (Vec::new(), Vec::new());
    let begun = Instant::now();
    let mut next_kill = begun + BETWEEN_KILLS;
    let mut ticks = tokio::time::interval(Duration::from_secs(1) / CHANGES_A_SECOND);
    while begun.elapsed() < LENGTH {
        ticks.tick().await;
        wanted.change(&world).await;
        if Instant::now() < next_kill {
            continue;
        }
        // With all three at work for a while.
        match begun.elapsed().as_secs() {
            30..=70 => first_minute.push(world.resident_pages()),
            150.. => last_minute.push(world.resident_pages()),
            _ => {}
        }
        let (holder, _) = lease(&world, SOLID_SERVERS[0]).await;
        if holder.is_empty() {
            continue;
        }
        world.kill_replica(&holder).await;
        kills += 1;
        world.start_replica(&format!("replica-{starts}")).await;
        starts += 1;
        next_kill += BETWEEN_KILLS;
    }
    assert!(kills >= 12, "{kills} kills");

    world.until_ready("shop", wanted.values.len()).await;
    for (name, simulator) in &simulators {
        assert_rows(simulator, name, &wanted);
        let writers: BTreeSet<String> = writers_in_turn(simulator).into_iter().collect();
        assert!(!writers.is_empty(), "nobody wrote to {name}");
    }
    let (first, last) = (median(first_minute), median(last_minute));
    println!(
        "{kills} kills, {} changes; resident pages after the first minute {first}, after the last {last}",
        wanted.changes
    );
    assert!(last * 10 <= first * 11, "memory grew from {first} to {last} pages");

    // No finalizer is stuck: all goes, and no row stays.
    for (_, simulator) in &simulators {
        simulator.clear_faults();
    }
    world.kubectl(&["delete", "dnsrecord", "-n", "shop", "--all", "--timeout=90s"]).await;
    let nothing = Wanted::default();
    for (name, simulator) in &simulators {
        assert_rows(simulator, name, &nothing);
    }
}
