//! Each of the three logins end to end, a token that is rotated under load, and a clock that is off.

use std::collections::BTreeSet;
use std::time::Duration;

use rstest::rstest;
use solidserver_simulator::{Config, Token};

use crate::control_plane::Options;
use crate::wire::Wire::{self, RestBasic, V2Basic};
use crate::world::{World, manifest, message};

const DEFAULTS: &str = "resyncInterval: 1h\n  defaults: {dnsServer: ns.example.com, ttl: 600}";

/// A world whose Secret has a password, and whose appliance knows a token too.
async fn world(wire: Wire, secret: &str) -> World {
    let config = Config { token: Some(Token::new("id1", secret)), ..Config::default() };
    let world = wire.world_with(config, Options::default()).await;
    world.namespace("shop").await;
    world
}

/// Applies the SolidServer; its login is what `spec` says, and where that says nothing what follows from the Secret.
async fn solid_server(world: &World, spec: &str) {
    let spec = format!("api: {}\n  {spec}", world.wire.api());
    world.solid_server_with("default", &world.simulator.endpoint(), &spec).await;
}

async fn until_solid_server(world: &World, reason: &str) -> String {
    let ready = async || {
        let status = world.solid_server_object("default").await.status.unwrap_or_default();
        status.conditions.into_iter().find(|condition| condition.type_ == "Ready")
    };
    world
        .until(&format!("the SolidServer is {reason}"), async || {
            ready().await.is_some_and(|condition| condition.reason == reason)
        })
        .await;
    ready().await.unwrap().message
}

fn hosts(count: usize, ttl: u32) -> String {
    let host = |number: usize| {
        let spec =
            format!("fqdn: h{number}.example.com, type: A, values: [10.1.0.{}], ttl: {ttl}", number + 1);
        manifest("shop", &format!("h{number}"), &spec)
    };
    (0..count).map(host).collect()
}

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn a_record_becomes_ready_under_each_login(#[values(RestBasic, V2Basic)] wire: Wire) {
    let mut world = world(wire, "t0ken-s3cret").await;
    solid_server(&world, &format!("authMethod: Token\n  {DEFAULTS}")).await;
    world.start_operator().await;
    let why = until_solid_server(&world, "Unauthorized").await;
    assert!(why.contains("no key \"tokenId\"") && why.contains("tokenSecret"), "{why}");
    assert_eq!(world.simulator.calls().total, 0);

    // From now on the Secret has both logins.
    world.set_token("id1", "t0ken-s3cret").await;
    for (number, (method, kind)) in
        [("Token", "token"), ("Basic", "basic"), ("Native", "native"), ("", "token")].into_iter().enumerate()
    {
        let method = if method.is_empty() { String::new() } else { format!("authMethod: {method}\n  ") };
        solid_server(&world, &format!("{method}{DEFAULTS}")).await;
        let object = world.solid_server_object("default").await;
        world
            .until(&format!("the SolidServer is seen with {kind}"), async || {
                let status = world.solid_server_object("default").await.status.unwrap_or_default();
                Some(status.observed_generation) == object.metadata.generation
            })
            .await;
        until_solid_server(&world, "InSync").await;
        world.a_round("default").await;
        world.simulator.reset_calls();
        let (record, host) = (format!("r{number}"), format!("r{number}.example.com"));
        world.apply(&manifest("shop", &record, &format!("fqdn: {host}, type: A, values: [192.0.2.7]"))).await;
        world.until_reason("shop", &record, "InSync").await;
        assert_eq!(world.rows(&host), [format!("A 600 192.0.2.7 | shop/{record}")]);
        let shown: BTreeSet<_> = world.simulator.call_log().iter().map(|call| call.login).collect();
        assert_eq!(shown, BTreeSet::from([kind]));
        assert_eq!(world.simulator.calls().operation("add"), 1);
    }
    let log = world.log();
    let calls = world.simulator.call_log();
    let added = calls.iter().find(|call| call.operation == "add").unwrap();
    assert!(log.contains(&added.service) && !log.contains("t0ken-s3cret") && !log.contains("SDS "));
}

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn a_token_rotated_under_load_loses_no_change(#[values(RestBasic, V2Basic)] wire: Wire) {
    let mut world = world(wire, "first").await;
    world.set_token("id1", "first").await;
    solid_server(&world, &format!("limits: {{concurrency: 4}}\n  {DEFAULTS}")).await;
    world.start_operator().await;
    world.apply(&hosts(50, 600)).await;
    world.until_ready("shop", 50).await;
    let changed = |ttl: u32| {
        let rows = world.simulator.rows();
        rows.iter().filter(|row| row.name.starts_with('h') && row.ttl == ttl).count()
    };
    world.simulator.set_latency(Duration::from_millis(20));
    for (ttl, secret, appliance_first) in [(61, "second", true), (62, "third", false)] {
        world.simulator.reset_calls();
        let manifests = hosts(50, ttl);
        let rotate = async {
            world.until("some changes are there", async || changed(ttl) >= 5).await;
            if !appliance_first {
                world.set_token("id1", secret).await;
                world.until("it is refused", async || world.simulator.calls().status(401) > 0).await;
            }
            world.simulator.set_token(Some(Token::new("id1", secret)));
            if appliance_first {
                world.until("it is refused", async || world.simulator.calls().status(401) > 0).await;
                world.set_token("id1", secret).await;
            }
        };
        tokio::join!(world.apply(&manifests), rotate);
        world.until_ready("shop", 50).await;
        assert_eq!(changed(ttl), 50, "{secret}");
        for number in 0..50 {
            let expected = format!("A {ttl} 10.1.0.{} | shop/h{number}", number + 1);
            assert_eq!(world.rows(&format!("h{number}.example.com")), [expected]);
        }
        let calls = world.simulator.calls();
        assert_eq!((calls.operation("add"), calls.operation("delete")), (0, 0), "{secret}");
        let log = world.simulator.call_log();
        let edits = log
            .iter()
            .filter(|call| call.operation == "edit" && call.status.is_some_and(|status| status < 300));
        assert_eq!(edits.count(), 50, "each change is made once");
    }
}

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn a_clock_that_is_off_is_told_from_a_wrong_token(#[values(RestBasic, V2Basic)] wire: Wire) {
    let mut world = world(wire, "s3cret").await;
    world.set_token("id1", "s3cret").await;
    solid_server(&world, DEFAULTS).await;
    world.start_operator().await;
    until_solid_server(&world, "InSync").await;
    world.simulator.set_clock_ahead(Duration::from_secs(3_600));
    world.apply(&hosts(2, 600)).await;
    let why = until_solid_server(&world, "ClockSkew").await;
    assert!(why.contains("correct the clock"), "{why}");
    let record = world.until_reason("shop", "h1", "ClockSkew").await;
    assert!(message(&record).contains("clock"), "{}", message(&record));
    let calls = world.simulator.calls();
    assert!(calls.status(412) > 0 && calls.status(401) == 0, "{calls:?}");

    world.simulator.set_clock_ahead(Duration::ZERO);
    world.until_ready("shop", 2).await;
    until_solid_server(&world, "InSync").await;

    world.simulator.set_token(Some(Token::new("id1", "another")));
    world.apply(&hosts(2, 60)).await;
    let why = until_solid_server(&world, "Unauthorized").await;
    assert!(why.contains("tokenSecret"), "{why}");
    world.set_token("id1", "another").await;
    world.until_ready("shop", 2).await;
    assert_eq!(world.rows("h0.example.com"), ["A 60 10.1.0.1 | shop/h0"]);
}

/// The token is another one every two seconds while everything changes all the time; the appliance and the Secret learn of it one
/// after the other, in turns.
#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn a_token_rotated_every_two_seconds_under_load_loses_no_write(
    #[values(RestBasic, V2Basic)] wire: Wire,
) {
    const ROTATIONS: u32 = 8;
    let mut world = world(wire, "secret0").await;
    world.set_token("id1", "secret0").await;
    solid_server(&world, &format!("limits: {{concurrency: 8}}\n  {DEFAULTS}")).await;
    world.start_operator().await;
    world.apply(&hosts(100, 600)).await;
    world.until_ready("shop", 100).await;
    let ids = |world: &World| -> BTreeSet<String> {
        let rows = world.simulator.rows();
        rows.iter().filter(|row| row.name.starts_with('h')).map(|row| row.id.clone()).collect()
    };
    let before = ids(&world);
    world.simulator.set_latency(Duration::from_millis(20));
    world.simulator.reset_calls();
    let rotating = std::sync::atomic::AtomicBool::new(true);
    let rotate = async {
        for number in 1..=ROTATIONS {
            tokio::time::sleep(Duration::from_secs(2)).await;
            let secret = format!("secret{number}");
            if number % 2 == 0 {
                world.set_token("id1", &secret).await;
            }
            world.simulator.set_token(Some(Token::new("id1", &secret)));
            if number % 2 == 1 {
                world.set_token("id1", &secret).await;
            }
        }
        rotating.store(false, std::sync::atomic::Ordering::Relaxed);
    };
    let change = async {
        let mut ttl = 600;
        while rotating.load(std::sync::atomic::Ordering::Relaxed) {
            ttl += 1;
            world.apply(&hosts(100, ttl)).await;
        }
        ttl
    };
    let ((), ttl) = tokio::join!(rotate, change);
    world.until_ready("shop", 100).await;
    for number in 0..100 {
        let expected = format!("A {ttl} 10.1.0.{} | shop/h{number}", number + 1);
        assert_eq!(world.rows(&format!("h{number}.example.com")), [expected]);
    }
    // All of them were edits in place.
    let calls = world.simulator.calls();
    assert_eq!((calls.operation("add"), calls.operation("delete")), (0, 0));
    assert_eq!(ids(&world), before);
    assert!(calls.operation("edit") >= 100);
    let used: BTreeSet<_> = world.simulator.call_log().iter().map(|call| call.login).collect();
    assert_eq!(used, BTreeSet::from(["token"]));
}

/// What it is checked with may be a directory, which locks accounts.
#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_password_is_sent_once_in_a_try(#[values(RestBasic, V2Basic)] wire: Wire) {
    let mut world = world(wire, "t0ken-s3cret").await;
    world.set_secret("wr0ng").await;
    // Calls that are made at one time are seen so.
    world.simulator.set_latency(Duration::from_millis(100));
    solid_server(&world, DEFAULTS).await;
    world.start_operator().await;
    until_solid_server(&world, "Unauthorized").await;
    let calls = world.simulator.calls();
    assert_eq!((calls.total, calls.max_in_flight), (calls.status(401), 1), "{calls:?}");
}
