//! What goes wrong outside the operator: rejected records, outages, lost credentials, two SolidServers for one appliance.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use rstest::rstest;
use solidserver_operator::api::{DnsRecord, SolidServer};
use solidserver_simulator::{Config, Fault, FaultKind, RateLimit, Simulator};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

use crate::wire::Wire::{self, RestBasic, RestNative, V2Token};
use crate::world::{OPERATOR_NAMESPACE, World, manifest, message, shows};

/// A way to the appliance that can be cut: while it is, connections are refused and those that were open are gone.
struct Cable {
    address: SocketAddr,
    target: SocketAddr,
    relay: Option<JoinHandle<()>>,
}

impl Cable {
    async fn to(target: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        Self { address, target, relay: Some(relay(listener, target)) }
    }

    async fn cut(&mut self) {
        if let Some(relay) = self.relay.take() {
            relay.abort();
            // Only once the task is over are its sockets closed.
            let _ = relay.await;
        }
    }

    async fn mend(&mut self) {
        let listener = TcpListener::bind(self.address).await.unwrap();
        self.relay = Some(relay(listener, self.target));
    }
}

impl Drop for Cable {
    fn drop(&mut self) {
        if let Some(relay) = &self.relay {
            relay.abort();
        }
    }
}

fn relay(listener: TcpListener, target: SocketAddr) -> JoinHandle<()> {
    tokio::spawn(async move {
        // Dropped with this task, and with it all that is open.
        let mut connections = tokio::task::JoinSet::new();
        while let Ok((mut near, _)) = listener.accept().await {
            connections.spawn(async move {
                if let Ok(mut far) = TcpStream::connect(target).await {
                    let _ = tokio::io::copy_bidirectional(&mut near, &mut far).await;
                }
            });
        }
    })
}

/// The status (True, False) of each condition, by type.
fn standing(record: &DnsRecord) -> BTreeMap<String, String> {
    let conditions = record.status.iter().flat_map(|status| &status.conditions);
    conditions.map(|condition| (condition.type_.clone(), condition.status.clone())).collect()
}

fn is(record: &DnsRecord, condition: &str) -> bool {
    standing(record).get(condition).is_some_and(|status| status == "True")
}

/// Reason and message of the SolidServer's Ready condition.
fn ready_of(object: &SolidServer) -> (String, String) {
    let conditions = object.status.iter().flat_map(|status| &status.conditions);
    conditions
        .filter(|condition| condition.type_ == "Ready")
        .map(|condition| (condition.reason.clone(), condition.message.clone()))
        .next()
        .unwrap_or_default()
}

async fn until_solid_server(world: &World, name: &str, reason: &str) -> SolidServer {
    world
        .until(&format!("SolidServer {name} is {reason}"), async || {
            ready_of(&world.solid_server_object(name).await).0 == reason
        })
        .await;
    world.solid_server_object(name).await
}

fn host(name: &str, number: usize, ttl: u32) -> String {
    let spec =
        format!("fqdn: {name}{number:03}.example.com, type: A, values: [10.1.0.{}], ttl: {ttl}", number + 1);
    manifest("shop", &format!("{name}{number:03}"), &spec)
}

fn hosts(name: &str, count: usize, ttl: u32) -> String {
    (0..count).map(|number| host(name, number, ttl)).collect()
}

/// Adds and edits of one name.
fn calls_for(world: &World, fqdn: &str) -> usize {
    let calls = world.simulator.call_log();
    calls.iter().filter(|call| call.parameter("rr_name").is_some_and(|name| name == fqdn)).count()
}

async fn events(world: &World, reason: &str) -> Vec<String> {
    let events = world
        .kubectl(&[
            "get",
            "events",
            "-n",
            "shop",
            "--no-headers",
            "-o",
            "custom-columns=TYPE:.type,REASON:.reason,NAME:.involvedObject.name,NOTE:.message",
        ])
        .await;
    events.lines().filter(|line| line.split_whitespace().nth(1) == Some(reason)).map(str::to_owned).collect()
}

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn one_rejected_record_among_a_hundred_costs_one_call_and_holds_up_nobody(
    #[values(RestBasic, V2Token, RestNative)] wire: Wire,
) {
    const REJECTED: &str = "h042.example.com";
    let mut world = wire.running("1h").await;
    world.namespace("shop").await;
    world.simulator.inject(
        Fault::new(
            "write",
            FaultKind::Reject { message: Some("naming rule 7 forbids this".to_owned()), severity: None },
        )
        .with_parameter("rr_name", REJECTED),
    );
    world.simulator.reset_calls();
    world.apply(&hosts("h", 100, 600)).await;
    let record = world.until_reason("shop", "h042", "Rejected").await;
    assert!(message(&record).contains("naming rule 7 forbids this"), "{}", message(&record));
    assert!(is(&record, "Stalled") && !is(&record, "Ready") && !is(&record, "Reconciling"));
    world
        .until("the others are ready", async || {
            let records = world.all_records("shop").await;
            records.len() == 100 && records.iter().filter(|record| is(record, "Ready")).count() == 99
        })
        .await;
    assert_eq!(calls_for(&world, REJECTED), 1);
    assert_eq!(world.simulator.calls().operation("add"), 100);

    // Neither whole rounds nor what its neighbours do make another call of it.
    world.a_round("default").await;
    world.apply(&host("h", 41, 60)).await;
    world.until_reason("shop", "h041", "InSync").await;
    world.a_round("default").await;
    assert_eq!(calls_for(&world, REJECTED), 1);
    let version = world.record("shop", "h042").await.unwrap().metadata.resource_version;
    let sync = world.solid_server_object("default").await.status.unwrap().last_sync.unwrap();
    assert_eq!((sync.skipped, sync.failed), (99, 1), "{sync:?}");
    world
        .until("the counts are shown", async || {
            let status = world.solid_server_object("default").await.status.unwrap();
            status.records.is_some_and(|records| (records.ready, records.stalled) == (99, 1))
        })
        .await;
    for sample in [
        r#"solidserver_operator_row_changes_total{solid_server="default",change="add",outcome="rejected"} 1"#,
        r#"solidserver_operator_row_changes_total{solid_server="default",change="add",outcome="ok"} 99"#,
        r#"solidserver_operator_records{solid_server="default",standing="ready"} 99"#,
        r#"solidserver_operator_records{solid_server="default",standing="stalled"} 1"#,
        r#"solidserver_operator_solid_server_up{solid_server="default"} 1"#,
    ] {
        // Gauges follow the counts of the status with the next tick.
        world
            .until(sample, async || {
                let (_, metrics) = world.http("/metrics").await.unwrap();
                metrics.lines().any(|line| line == sample)
            })
            .await;
    }
    for path in ["/healthz", "/readyz"] {
        assert_eq!(world.http(path).await.map(|(status, _)| status), Some(200), "{path}");
    }
    // One warning, and nothing about the 99.
    world.until("an Event tells", async || !events(&world, "Rejected").await.is_empty()).await;
    let warnings = events(&world, "Rejected").await;
    assert_eq!(warnings.len(), 1, "{warnings:?}");
    assert!(warnings[0].starts_with("Warning"), "{warnings:?}");
    assert!(warnings[0].contains("h042") && warnings[0].contains("naming rule 7"), "{warnings:?}");

    // Nor does a restart.
    assert!(world.stop_operator().await.success());
    world.start_operator().await;
    world.a_round("default").await;
    assert_eq!(calls_for(&world, REJECTED), 1);
    let record = world.record("shop", "h042").await.unwrap();
    assert_eq!(record.metadata.resource_version, version, "its status was written again: {record:?}");

    // Another spec does, also while it is still rejected.
    world.apply(&host("h", 42, 60)).await;
    world.until("it is tried again", async || calls_for(&world, REJECTED) == 2).await;
    world.until_reason("shop", "h042", "Rejected").await;
    world.a_round("default").await;
    assert_eq!(calls_for(&world, REJECTED), 2);
    world.simulator.clear_faults();
    world.apply(&host("h", 42, 61)).await;
    world.until_reason("shop", "h042", "InSync").await;
    assert_eq!(world.rows(REJECTED), ["A 61 10.1.0.43 | shop/h042"]);
    assert_eq!(calls_for(&world, REJECTED), 3);
}

/// One trouble: what shows it, how it begins and how it ends.
enum Trouble {
    /// No connection.
    Cut,
    /// Another password on the appliance.
    Password,
    /// No Secret.
    NoSecret,
    /// A certificate of an authority that is not trusted.
    Certificate,
    /// `spec.suspend`.
    Suspended,
    /// The appliance misbehaves.
    Fault(Fault),
}

async fn begin(trouble: Trouble, world: &World, cable: &mut Cable) {
    match trouble {
        Trouble::Cut => cable.cut().await,
        Trouble::Password => world.change_secret("another"),
        Trouble::NoSecret => {
            world.kubectl(&["delete", "secret", "-n", OPERATOR_NAMESPACE, "solidserver"]).await;
        }
        Trouble::Certificate => {
            let stranger = Simulator::start(Config::default()).await.unwrap();
            let bundle =
                base64::Engine::encode(&base64::engine::general_purpose::STANDARD, stranger.ca_pem());
            patch_solid_server(world, &format!("{{\"tls\": {{\"caBundle\": \"{bundle}\"}}}}")).await;
            stranger.shutdown().await;
        }
        Trouble::Suspended => patch_solid_server(world, "{\"suspend\": true}").await,
        Trouble::Fault(fault) => {
            world.simulator.inject(fault);
        }
    }
}

async fn patch_solid_server(world: &World, spec: &str) {
    let patch = format!("{{\"spec\": {spec}}}");
    world.kubectl(&["patch", "solidserver", "default", "--type=merge", "--patch", &patch]).await;
}

async fn end(world: &World, cable: &mut Cable) {
    let bundle = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, world.simulator.ca_pem());
    let spec = format!("{{\"suspend\": false, \"tls\": {{\"caBundle\": \"{bundle}\"}}}}");
    patch_solid_server(world, &spec).await;
    world.set_secret("secret").await;
    if cable.relay.is_none() {
        cable.mend().await;
    }
    world.change_secret("secret");
    world.simulator.clear_faults();
}

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn trouble_with_the_appliance_shows_and_passes_without_a_loss(
    #[values(RestBasic, V2Token, RestNative)] wire: Wire,
) {
    let limited =
        FaultKind::Status { code: 429, body: None, retry_after: Some("2".to_owned()), after_commit: false };
    let troubles = [
        ("cut", "Unreachable", Trouble::Cut),
        ("hang", "Unreachable", Trouble::Fault(Fault::new("*", FaultKind::Hang { after_commit: false }))),
        ("password", "Unauthorized", Trouble::Password),
        ("forbidden", "Forbidden", Trouble::Fault(Fault::status("*", 403))),
        ("clock", "ClockSkew", Trouble::Fault(Fault::new("*", FaultKind::ClockSkew))),
        ("unavailable", "Retrying", Trouble::Fault(Fault::status("*", 503))),
        ("secret", "Waiting", Trouble::NoSecret),
        ("certificate", "TlsFailed", Trouble::Certificate),
        ("suspended", "Suspended", Trouble::Suspended),
        // The last: calls go slowly for a while after it.
        ("limit", "RateLimited", Trouble::Fault(Fault::new("*", limited))),
    ];
    let mut world = wire.world().await;
    let mut cable = Cable::to(world.simulator.address()).await;
    let endpoint = format!("https://{}", cable.address);
    world
        .solid_server_at(
            "default",
            &endpoint,
            "resyncInterval: 1h\n  limits: {requestTimeout: 1s}\n  defaults: {dnsServer: ns.example.com, ttl: 600}",
        )
        .await;
    world.start_operator().await;
    world.namespace("shop").await;
    world.apply(&hosts("calm", 5, 600)).await;
    world.apply(&hosts("busy", 3, 600)).await;
    world.apply(&host("going", 0, 600)).await;
    world.until_ready("shop", 9).await;

    // A record that is deleted meanwhile waits, and says for what.
    cable.cut().await;
    world.kubectl(&["delete", "dnsrecord", "-n", "shop", "going000", "--wait=false"]).await;
    world
        .until("it says why it waits", async || {
            let record = world.record("shop", "going000").await.expect("its row is there, so it must be");
            message(&record).contains("cannot be reached")
                && message(&record).contains("solidserver.dev/abandon")
        })
        .await;
    cable.mend().await;
    world.until("it goes", async || world.record("shop", "going000").await.is_none()).await;
    assert!(world.rows("going000.example.com").is_empty());

    let mut count = 8;
    let mut ttl = 600;
    for (name, reason, trouble) in troubles {
        let calm = async || {
            let mut records = world.all_records("shop").await;
            records.retain(|record| record.metadata.name.as_deref().unwrap().starts_with("calm"));
            records
        };
        let before: Vec<_> =
            calm().await.into_iter().map(|record| record.metadata.resource_version).collect();
        begin(trouble, &world, &mut cable).await;
        // New ones and changed ones.
        ttl += 1;
        world.apply(&hosts("busy", 3, ttl)).await;
        world.apply(&hosts(name, 3, 600)).await;
        let object = until_solid_server(&world, "default", reason).await;
        let (_, why) = ready_of(&object);
        assert!(!why.is_empty());
        let conditions: BTreeMap<_, _> = object
            .status
            .iter()
            .flat_map(|status| &status.conditions)
            .map(|condition| (condition.type_.as_str(), condition.status.as_str()))
            .collect();
        assert_eq!(conditions.get("Ready"), Some(&"False"), "{name}: {conditions:?}");
        assert_ne!(conditions.get("Stalled"), Some(&"True"), "{name}: {conditions:?}");
        // One that comes only now.
        world.apply(&host("late", ttl as usize % 100, 600)).await;
        let late = format!("late{:03}", ttl % 100);
        for record in [format!("{name}000"), format!("{name}002"), "busy001".to_owned(), late] {
            let record = world.until_reason("shop", &record, reason).await;
            assert!(is(&record, "Reconciling") && !is(&record, "Ready"), "{name}: {:?}", standing(&record));
        }
        let all = world.all_records("shop").await;
        let stalled: Vec<_> = all.iter().filter(|record| is(record, "Stalled")).collect();
        assert!(stalled.is_empty(), "{name}: {stalled:?}");
        let after: Vec<_> = calm().await.into_iter().map(|record| record.metadata.resource_version).collect();
        assert_eq!(before, after, "{name}: a record in sync was written to");
        assert!(calm().await.iter().all(|record| shows(record, "InSync")));
        assert_eq!(world.http("/readyz").await.map(|(status, _)| status), Some(200), "{name}");

        end(&world, &mut cable).await;
        count += 4;
        world.until_ready("shop", count).await;
        until_solid_server(&world, "default", "InSync").await;
        for number in 0..3 {
            let (busy, new) = (format!("busy{number:03}"), format!("{name}{number:03}"));
            let address = format!("10.1.0.{}", number + 1);
            assert_eq!(
                world.rows(&format!("{busy}.example.com")),
                [format!("A {ttl} {address} | shop/{busy}")]
            );
            assert_eq!(world.rows(&format!("{new}.example.com")), [format!("A 600 {address} | shop/{new}")]);
        }
    }

    // There when the operator starts.
    assert!(world.stop_operator().await.success());
    cable.cut().await;
    world.apply(&hosts("busy", 3, 60)).await;
    world.start_operator().await;
    until_solid_server(&world, "default", "Unreachable").await;
    for number in 0..3 {
        world.until_reason("shop", &format!("busy{number:03}"), "Unreachable").await;
    }
    let ready = world.all_records("shop").await.iter().filter(|record| is(record, "Ready")).count();
    assert_eq!(ready, count - 3, "only those with work to do tell of the outage");
    cable.mend().await;
    world.until_ready("shop", count).await;
    assert_eq!(world.rows("busy000.example.com"), ["A 60 10.1.0.1 | shop/busy000"]);

    world.a_round("default").await;
    let sync = world.solid_server_object("default").await.status.unwrap().last_sync.unwrap();
    assert_eq!((sync.skipped as usize, sync.failed, sync.updated), (count, 0, 0), "{sync:?}");
}

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn writes_that_fail_in_every_way_are_settled_by_reading(
    #[values(RestBasic, V2Token, RestNative)] wire: Wire,
) {
    let world = wire.running("1h").await;
    world.namespace("shop").await;
    // Each fifth write is lost in another way, some of them after they took effect.
    for (after, kind) in [
        (0, FaultKind::ResetBeforeCommit),
        (1, FaultKind::ResetAfterCommit),
        (2, FaultKind::Status { code: 503, body: None, retry_after: None, after_commit: false }),
        (3, FaultKind::Status { code: 500, body: None, retry_after: None, after_commit: true }),
        (4, FaultKind::Empty { code: 200, after_commit: false }),
    ] {
        world.simulator.inject(Fault::new("write", kind).after(after).every(11).count(8));
    }
    world.apply(&hosts("h", 100, 600)).await;
    world.until_ready("shop", 100).await;
    world.simulator.clear_faults();
    let mut rows: Vec<String> =
        world.simulator.rows().into_iter().map(|row| row.name).filter(|name| name.starts_with('h')).collect();
    rows.sort();
    let expected: Vec<String> = (0..100).map(|number| format!("h{number:03}.example.com")).collect();
    assert_eq!(rows, expected);
    assert!(world.simulator.calls().operation("add") > 100, "no write was lost");
}

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn a_rate_limit_is_met_a_few_times_and_then_kept(#[values(RestBasic, V2Token, RestNative)] wire: Wire) {
    let mut world = wire.running("1h").await;
    world.namespace("shop").await;
    // All of them are there at once: a slow machine may not apply them faster than the limit lets them through.
    assert!(world.stop_operator().await.success());
    world.apply(&hosts("h", 150, 600)).await;
    world.simulator.reset_calls();
    world.simulator.set_rate_limit(Some(RateLimit { calls: 60, window: Duration::from_secs(3) }));
    world.start_operator().await;
    world.until_ready("shop", 150).await;
    let calls = world.simulator.calls();
    assert_eq!(calls.operation("add"), 150 + calls.status(429) - not_adds(&world, 429), "{calls:?}");
    // Those that were in flight when the window was full; the pause holds for all others.
    assert!((1..=16 + 4).contains(&calls.status(429)), "{calls:?}");
    assert_eq!(world.simulator.rows().iter().filter(|row| row.name.starts_with('h')).count(), 150);
}

/// Calls other than adds that got this answer.
fn not_adds(world: &World, status: u16) -> u64 {
    let calls = world.simulator.call_log();
    calls.iter().filter(|call| call.status == Some(status) && call.operation != "add").count() as u64
}

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn a_password_that_is_rotated_while_a_hundred_changes_arrive_needs_no_restart(
    #[values(RestBasic, V2Token, RestNative)] wire: Wire,
) {
    let world = wire.running("1h").await;
    world.namespace("shop").await;
    world.apply(&hosts("h", 100, 600)).await;
    world.until_ready("shop", 100).await;
    world.simulator.set_latency(Duration::from_millis(20));
    world.simulator.reset_calls();
    let changes = hosts("h", 100, 60);
    let rotation = async {
        // In the middle of the changes the appliance takes the new password only; the Secret follows when they are all there.
        world.until("changes arrive", async || world.simulator.calls().operation("edit") >= 10).await;
        world.change_secret("rotated");
    };
    tokio::join!(world.apply(&changes), rotation);
    let object = until_solid_server(&world, "default", "Unauthorized").await;
    let (_, why) = ready_of(&object);
    assert!(why.contains("Secret") && !why.contains("secret\""), "{why}");
    assert!(world.simulator.calls().status(401) > 0);
    world.set_secret("rotated").await;
    world.until_ready("shop", 100).await;
    until_solid_server(&world, "default", "InSync").await;
    for number in 0..100 {
        let rows = world.rows(&format!("h{number:03}.example.com"));
        assert_eq!(rows, [format!("A 60 10.1.0.{} | shop/h{number:03}", number + 1)]);
    }
    // No password in what is logged or shown.
    let log = world.log();
    assert!(!log.contains("rotated") && !log.contains("b3BlcmF0b3I6"), "a password is in the log");
}

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn the_younger_of_two_solid_servers_for_one_appliance_stalls_until_the_older_is_gone(
    #[values(RestBasic, V2Token, RestNative)] wire: Wire,
) {
    let world = wire.running("1h").await;
    world.namespace("shop").await;
    world.apply(&manifest("shop", "old", "fqdn: old.example.com, type: A, values: [192.0.2.1]")).await;
    world.until_ready("shop", 1).await;
    world.a_round("default").await;
    world.simulator.reset_calls();
    let defaults = "resyncInterval: 1h\n  defaults: {dnsServer: ns.example.com, ttl: 600}";
    world.solid_server("younger", defaults).await;
    let object = until_solid_server(&world, "younger", "EndpointInUse").await;
    assert!(ready_of(&object).1.contains("SolidServer default"), "{:?}", ready_of(&object));
    assert_eq!(
        world.simulator.calls().total,
        0,
        "it called before it was judged: {:?}",
        world.simulator.call_log()
    );
    let stalled = object.status.iter().flat_map(|status| &status.conditions);
    assert_eq!(stalled.filter(|c| c.type_ == "Stalled" && c.status == "True").count(), 1);
    assert_eq!(ready_of(&world.solid_server_object("default").await).0, "InSync");
    let spec = "fqdn: new.example.com, type: A, values: [192.0.2.2], solidServerRef: {name: younger}";
    world.apply(&manifest("shop", "new", spec)).await;
    let record = world.until_reason("shop", "new", "Waiting").await;
    assert!(message(&record).contains("younger"), "{}", message(&record));
    assert!(is(&record, "Reconciling"));
    assert!(world.rows("new.example.com").is_empty());

    // One with other DNS servers is no trouble, though the endpoint is the same.
    world
        .solid_server(
            "beside",
            "resyncInterval: 1h\n  defaults: {dnsServer: views.example.com, view: internal}",
        )
        .await;
    until_solid_server(&world, "beside", "InSync").await;

    // The older is held while a DnsRecord refers to it.
    world.kubectl(&["delete", "solidserver", "default", "--wait=false"]).await;
    world.apply(&manifest("shop", "old", "fqdn: old.example.com, type: A, values: [192.0.2.3]")).await;
    world
        .until("it serves still", async || world.rows("old.example.com") == ["A 600 192.0.2.3 | shop/old"])
        .await;
    let object = world.solid_server_object("default").await;
    assert!(object.metadata.deletion_timestamp.is_some());
    assert_eq!(object.metadata.finalizers.as_deref(), Some(&["solidserver.dev/in-use".to_owned()][..]));
    world.kubectl(&["delete", "dnsrecord", "-n", "shop", "old", "--timeout=60s"]).await;
    world.kubectl(&["wait", "--for=delete", "solidserver/default", "--timeout=60s"]).await;
    assert!(world.rows("old.example.com").is_empty());

    // Now the younger takes over.
    until_solid_server(&world, "younger", "InSync").await;
    world.until_reason("shop", "new", "InSync").await;
    assert_eq!(world.rows("new.example.com"), ["A 600 192.0.2.2 | shop/new"]);
}
