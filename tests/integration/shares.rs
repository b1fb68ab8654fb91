//! Who gets how much: namespaces of one SolidServer, the operator among other clients of an appliance, and SolidServers beside one
//! that hangs.

use std::time::{Duration, Instant};

use futures::StreamExt as _;
use kube::api::PostParams;
use rstest::rstest;
use serde_json::json;
use solidserver_operator::api::{DnsRecord, SolidServer};
use solidserver_simulator::{CallEntry, Config, Fault, FaultKind, RateLimit, RowPatch, SeedZone, Simulator};

use crate::wire::SECRET;
use crate::world::{World, shows};

/// Where the example's zones are.
const SERVER: &str = "ns.example.com";

/// What a SolidServer is given unless it says otherwise.
const CONCURRENCY: u64 = 16;

/// A world whose operator keeps its Leases on a machine that has other work as well: to lose one begins all counts anew.
async fn world() -> World {
    let mut world = World::new().await;
    world.leases = ["60s", "40s", "1s"];
    world
}

/// `count` A records of a namespace, `r0` and so on, in zones by turns.
async fn create(world: &World, namespace: &str, count: usize, zones: &[String], solid_server: &str) {
    let api = world.records(namespace);
    let objects: Vec<DnsRecord> = (0..count)
        .map(|number| {
            let object = json!({
                "apiVersion": "solidserver.dev/v1alpha1",
                "kind": "DnsRecord",
                "metadata": {"name": format!("r{number}"), "namespace": namespace},
                "spec": {
                    "fqdn": format!("{namespace}{number}.{}", zones[number % zones.len()]),
                    "type": "A",
                    "values": [format!("10.0.{}.{}", number / 250, number % 250 + 1)],
                    "solidServerRef": {"name": solid_server},
                },
            });
            serde_json::from_value(object).expect("a DnsRecord")
        })
        .collect();
    let parameters = PostParams::default();
    let created = futures::stream::iter(objects)
        .map(|object| {
            let (api, parameters) = (&api, &parameters);
            async move { api.create(parameters, &object).await.map(drop) }
        })
        .buffer_unordered(20);
    let outcomes: Vec<_> = created.collect().await;
    assert!(outcomes.iter().all(Result::is_ok), "{outcomes:?}");
}

/// `z0.example.com` and so on, there already or made on this simulator.
fn zones(simulator: &Simulator, count: usize) -> Vec<String> {
    let names: Vec<String> = (0..count).map(|number| format!("z{number}.example.com")).collect();
    for name in &names {
        simulator.add_zone(SERVER, "", &SeedZone::master(name)).expect("a new zone");
    }
    names
}

fn one(zone: &str) -> Vec<String> {
    vec![zone.to_owned()]
}

/// The numbers of calls that add a row of a namespace, in order.
fn adds<'a>(calls: &'a [CallEntry], namespace: &'a str) -> impl Iterator<Item = u64> + 'a {
    let of = move |call: &&CallEntry| {
        call.operation == "add" && call.parameter("rr_name").is_some_and(|name| name.starts_with(namespace))
    };
    calls.iter().filter(of).map(|call| call.number)
}

/// A SolidServer over the simulator with these limits.
async fn limited(world: &World, limits: &str) {
    let spec =
        format!("resyncInterval: 1h\n  limits: {{{limits}}}\n  defaults: {{dnsServer: {SERVER}, ttl: 600}}");
    world.solid_server("default", &spec).await;
}

#[rstest]
#[case::in_one_zone(1500, 1)]
#[case::in_zones_of_their_own(1000, 25)]
#[tokio::test(flavor = "multi_thread")]
async fn the_changes_of_one_team_do_not_hold_up_the_five_of_another(
    #[case] many: usize,
    #[case] in_zones: usize,
) {
    let mut world = world().await;
    let theirs = zones(&world.simulator, in_zones);
    let few_zone = if in_zones == 1 { theirs.clone() } else { one("shop.example.com") };
    limited(&world, "concurrency: 2").await;
    for namespace in ["amany", "zfew"] {
        world.namespace(namespace).await;
    }
    create(&world, "amany", many, &theirs, "default").await;
    world.simulator.set_latency(Duration::from_millis(50));
    world.start_operator().await;
    world.until("the many are being written", async || world.simulator.calls().operation("add") >= 20).await;
    create(&world, "zfew", 5, &few_zone, "default").await;
    let applied = world.simulator.calls().total;
    world.until_ready("zfew", 5).await;
    let log = world.simulator.call_log();
    let first = log[0].number;
    let last = adds(&log, "zfew").last().unwrap() - first;
    let between = last.saturating_sub(applied);
    let before = adds(&log, "amany").filter(|number| number - first < last).count();
    // Who has begun may end: a second, and what each pass has in line. Of the many most are still to come.
    assert!(between <= 450, "{between} calls after they were applied");
    assert!(before + many / 4 < many, "{before} of {many} were written before");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_goes_before_the_repairs_of_its_zone_and_of_others() {
    const COUNT: usize = 300;
    let mut world = world().await;
    let theirs = zones(&world.simulator, 4);
    limited(&world, "concurrency: 2").await;
    world.namespace("shop").await;
    world.namespace("zfew").await;
    world.start_operator().await;
    create(&world, "shop", COUNT, &theirs, "default").await;
    world.until_ready("shop", COUNT).await;
    for row in
        world.simulator.rows().iter().filter(|row| row.name.starts_with("shop") && row.record_type == "A")
    {
        world.simulator.patch_row(&row.id, RowPatch { ttl: Some(5), ..RowPatch::default() }).unwrap();
    }
    world.simulator.set_latency(Duration::from_millis(50));
    world.simulator.reset_calls();
    world.ask_for_a_round("default").await;
    world.until("repairs are under way", async || world.simulator.calls().operation("edit") >= 10).await;
    create(&world, "zfew", 2, &[theirs[0].clone(), "shop.example.com".to_owned()], "default").await;
    let applied = world.simulator.calls().total;
    world.until_ready("zfew", 2).await;
    let log = world.simulator.call_log();
    let last = adds(&log, "zfew").last().unwrap() - log[0].number;
    assert!(last.saturating_sub(applied) <= 160, "{} calls after they were applied", last - applied);
    let repaired =
        log.iter().filter(|call| call.operation == "edit" && call.number - log[0].number < last).count();
    assert!(repaired < COUNT * 3 / 4, "{repaired} of {COUNT} were repaired before");
    world.simulator.set_latency(Duration::ZERO);
    world
        .until("all is repaired", async || {
            let rows = world.simulator.rows();
            rows.iter().filter(|row| row.name.starts_with("shop") && row.ttl == 600).count() == COUNT
        })
        .await;
    assert_eq!(world.simulator.calls().operation("edit") as usize, COUNT);
}

/// Windows of a quota, as the appliance counts them: each begins with the first call after the one before has ended. How many calls
/// of ours each of them let through and refused.
fn windows(log: &[CallEntry], length: Duration) -> Vec<[u64; 2]> {
    let length = u64::try_from(length.as_millis()).unwrap();
    let (mut windows, mut opened) = (Vec::new(), None::<u64>);
    for call in log {
        if opened.is_none_or(|opened| call.start_ms >= opened + length) {
            opened = Some(call.start_ms);
            windows.push([0, 0]);
        }
        if call.user_agent.starts_with("solidserver-operator/") {
            windows.last_mut().unwrap()[usize::from(call.status == Some(429))] += 1;
        }
    }
    windows
}

/// 500 records of one namespace and 5 of another are there, and a quota; then the operator starts.
async fn under_a_quota(limits: &str, quota: RateLimit) -> World {
    let mut world = world().await;
    limited(&world, limits).await;
    for (namespace, count) in [("amany", 500), ("zfew", 5)] {
        world.namespace(namespace).await;
        create(&world, namespace, count, &one("example.com"), "default").await;
    }
    world.simulator.set_rate_limit(Some(quota));
    world.start_operator().await;
    world
}

/// Waits until all 505 are ready; the calls that were made.
async fn until_written(world: &World) -> Vec<CallEntry> {
    world.until_ready("zfew", 5).await;
    world.until("half is written", async || world.simulator.calls().operation("add") >= 250).await;
    world.until_ready("amany", 500).await;
    let log = world.simulator.call_log();
    let few: Vec<u64> = adds(&log, "zfew").collect();
    assert_eq!(few.len(), 5);
    let ours: Vec<u64> = log
        .iter()
        .filter(|call| call.user_agent.starts_with("solidserver-operator/"))
        .map(|call| call.number)
        .collect();
    let place = ours.iter().position(|number| Some(number) == few.last()).unwrap();
    assert!(place < 200, "the last of the few was call {place}");
    log
}

#[tokio::test(flavor = "multi_thread")]
async fn a_budget_is_kept_and_used() {
    const BUDGET: u64 = 450;
    let minute = Duration::from_secs(60);
    let quota = RateLimit { calls: 450, window: minute };
    let world = under_a_quota(&format!("requestsPerMinute: {BUDGET}"), quota).await;
    let log = until_written(&world).await;
    let refused = log.iter().filter(|call| call.status == Some(429)).count();
    assert_eq!(refused, 0, "{:?}", world.simulator.calls());
    // One call for each row, and at most a twentieth more for looking.
    let calls = log.len() as u64;
    assert!((505..=505 * 105 / 100).contains(&calls), "{:?}", world.simulator.calls());
    // In as few windows as so many calls need.
    let used = windows(&log, minute).len() as u64;
    assert_eq!(used, calls.div_ceil(BUDGET), "{:?}", windows(&log, minute));
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_budget_a_quota_is_run_into_once_and_then_felt_for() {
    let quota = RateLimit { calls: 200, window: Duration::from_secs(20) };
    let world = under_a_quota("pageSize: 1000", quota).await;
    let log = until_written(&world).await;
    let windows = windows(&log, quota.window);
    // On a busy machine the first window may end before it is used up.
    let first = windows.iter().position(|[_, refused]| *refused > 0).unwrap();
    assert!(windows[first][1] <= CONCURRENCY, "{windows:?}");
    assert!(windows[first + 1..].iter().all(|[_, refused]| *refused <= 1), "{windows:?}");
    // It goes on at about half, and grows.
    let after = &windows[first + 1..windows.len() - 1];
    assert!(after.iter().all(|[passed, _]| (40..=200).contains(passed)), "{windows:?}");
}

/// Another program, which calls an appliance at a steady rate.
fn another_client(simulator: &Simulator, every: Duration) -> tokio::task::JoinHandle<()> {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let authority = reqwest::Certificate::from_pem(simulator.ca_pem().as_bytes()).expect("a certificate");
    let client = reqwest::Client::builder()
        .tls_certs_only([authority])
        .user_agent("another/1")
        .build()
        .expect("a client");
    let url = format!("{}/rest/member_list", simulator.endpoint());
    tokio::spawn(async move {
        let mut tick = tokio::time::interval(every);
        loop {
            tick.tick().await;
            let _ = client.get(&url).basic_auth("operator", Some(SECRET)).send().await;
        }
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn beside_another_client_the_rate_settles_within_two_windows() {
    let quota = RateLimit { calls: 200, window: Duration::from_secs(10) };
    let world = under_a_quota("pageSize: 1000", quota).await;
    let another = another_client(&world.simulator, Duration::from_millis(100));
    let mut log = until_written(&world).await;
    another.abort();
    let written = log.iter().rposition(|call| call.operation == "add").unwrap();
    log.truncate(written + 1);
    let theirs = log.iter().filter(|call| call.user_agent == "another/1" && call.status == Some(200)).count();
    assert!(theirs >= 100, "the other client made {theirs} calls");
    let windows = windows(&log, quota.window);
    let first = windows.iter().position(|[_, refused]| *refused > 0).unwrap();
    assert!(windows[first][1] <= CONCURRENCY, "{windows:?}");
    assert!(windows[first + 1..].iter().all(|[_, refused]| *refused <= 1), "{windows:?}");
    // The other one leaves 100. How near to that it comes is tested without a clock, beside the pace: a busy machine is slower.
    let settled = &windows[2..windows.len() - 1];
    assert!(!settled.is_empty(), "{windows:?}");
    assert!(settled.iter().all(|[passed, _]| (20..=145).contains(passed)), "{windows:?}");
}

/// A SolidServer over another appliance than the world's.
async fn over(world: &World, name: &str, simulator: &Simulator) {
    let bundle = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, simulator.ca_pem());
    let endpoint = simulator.endpoint();
    world
        .apply(&format!(
            "apiVersion: solidserver.dev/v1alpha1\nkind: SolidServer\nmetadata: {{name: {name}}}\nspec:\n  endpoint: {endpoint}\n  credentialsSecretRef: {{name: solidserver}}\n  tls: {{caBundle: {bundle}}}\n  zones: [{{name: \"*\", allowedNamespaces: {{from: All}}}}]\n  resyncInterval: 1h\n  limits: {{concurrency: 4, requestsPerMinute: 240}}\n  defaults: {{dnsServer: {SERVER}, ttl: 600}}\n"
        ))
        .await;
}

fn ready_of(object: &SolidServer) -> (String, String) {
    let conditions = object.status.iter().flat_map(|status| &status.conditions);
    let ready = conditions.into_iter().find(|condition| condition.type_ == "Ready");
    ready.map(|ready| (ready.reason.clone(), ready.message.clone())).unwrap_or_default()
}

#[tokio::test(flavor = "multi_thread")]
async fn one_appliance_that_hangs_costs_the_others_next_to_nothing() {
    /// More than the budget of the span lets through.
    const ROUND: usize = 120;
    const SPAN: Duration = Duration::from_secs(15);
    let mut world = world().await;
    let mut simulators = Vec::new();
    for name in ["one", "two", "three"] {
        let simulator = Simulator::start(Config::default()).await.unwrap();
        over(&world, name, &simulator).await;
        simulators.push(simulator);
    }
    let spread = zones(&simulators[2], 20);
    world.start_operator().await;
    for round in ["calm", "hung"] {
        for name in ["one", "two", "three"] {
            world.namespace(&format!("{name}-{round}")).await;
        }
    }
    let mut made = Vec::new();
    for (round, hangs) in [("calm", false), ("hung", true)] {
        if hangs {
            simulators[2].inject(Fault::new("*", FaultKind::Hang { after_commit: false }));
        }
        for simulator in &simulators {
            simulator.reset_calls();
        }
        let begun = Instant::now();
        let plain = one("example.com");
        let work = [("one", &plain), ("two", &plain), ("three", &spread)].map(|(name, zones)| {
            let (world, namespace) = (&world, format!("{name}-{round}"));
            async move { create(world, &namespace, ROUND, zones, name).await }
        });
        futures::future::join_all(work).await;
        tokio::time::sleep((SPAN * 3 / 2).saturating_sub(begun.elapsed())).await;
        // In the same time from each appliance's first write on.
        let calls = simulators[..2].iter().map(|simulator| {
            let mut log = simulator.call_log();
            log.retain(|call| call.operation == "add");
            let begin = log[0].start_ms;
            log.iter().filter(|call| call.start_ms < begin + SPAN.as_millis() as u64).count()
        });
        made.push(calls.collect::<Vec<_>>());
        if hangs {
            break;
        }
        for name in ["one", "two", "three"] {
            world.until_ready(&format!("{name}-calm"), ROUND).await;
        }
    }
    for (calm, hung) in made[0].iter().zip(&made[1]) {
        assert!(*calm < ROUND, "there was not work enough: {made:?}");
        assert!(*hung * 10 >= *calm * 9, "{made:?}");
    }

    // What is said of it.
    let object = async || {
        let api = kube::Api::<SolidServer>::all(world.client.clone());
        ready_of(&api.get("three").await.expect("the SolidServer"))
    };
    world
        .until("its condition says so", async || {
            let (reason, message) = object().await;
            reason == "Unreachable" && message.contains("no answer within") && message.contains("tried next")
        })
        .await;
    // A few calls from each of a few passes, then nothing but one probe at a time: 120 records in 20 zones would be many more.
    world.until("it is probed", async || probes(&simulators[2].call_log()).len() >= 3).await;
    let log = simulators[2].call_log();
    let others = log.iter().filter(|call| call.service != "member_list").count();
    assert!(others <= 3 * 4, "{others} calls beside the probes");
    for pair in probes(&log).windows(2) {
        assert!(pair[0].end_ms.is_some_and(|end| end <= pair[1].start_ms), "two probes at a time: {pair:?}");
    }
    let last_other = log.iter().filter(|call| call.service != "member_list").map(|call| call.number).max();
    let first_probe = probes(&log).last().map(|call| call.number);
    assert!(last_other < first_probe, "something was called after a probe was not answered");

    // It comes back.
    simulators[2].clear_faults();
    for name in ["one", "two", "three"] {
        world.until_ready(&format!("{name}-hung"), ROUND).await;
    }
    world.until("its condition is as before", async || object().await.0 == "InSync").await;
    let record = world.record("three-hung", "r0").await.unwrap();
    assert!(shows(&record, "InSync"));
}

/// Calls that only ask whether the appliance answers.
fn probes(log: &[CallEntry]) -> Vec<&CallEntry> {
    log.iter().filter(|call| call.service == "member_list").collect()
}
