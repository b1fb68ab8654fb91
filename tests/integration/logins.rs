//! Each of the three logins end to end, a token that is rotated under load, and a clock that is off.

use std::collections::BTreeSet;
use std::time::Duration;

use solidserver_simulator::{Config, Token};

use crate::control_plane::Options;
use crate::world::{World, manifest, message};

const DEFAULTS: &str = "resyncInterval: 1h\n  defaults: {dnsServer: ns.example.com, ttl: 600}";

async fn world(secret: &str) -> World {
    let config = Config { token: Some(Token::new("id1", secret)), ..Config::default() };
    let world = World::with(config, Options::default()).await;
    world.namespace("shop").await;
    world
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

#[tokio::test(flavor = "multi_thread")]
async fn a_record_becomes_ready_under_each_login() {
    let mut world = world("t0ken-s3cret").await;
    world.solid_server("default", &format!("authMethod: Token\n  {DEFAULTS}")).await;
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
        world.solid_server("default", &format!("{method}{DEFAULTS}")).await;
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
    assert!(log.contains("dns_rr_add") && !log.contains("t0ken-s3cret") && !log.contains("SDS "));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_rotated_under_load_loses_no_change() {
    let mut world = world("first").await;
    world.set_token("id1", "first").await;
    world.solid_server("default", &format!("limits: {{concurrency: 4}}\n  {DEFAULTS}")).await;
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

#[tokio::test(flavor = "multi_thread")]
async fn a_clock_that_is_off_is_told_from_a_wrong_token() {
    let mut world = world("s3cret").await;
    world.set_token("id1", "s3cret").await;
    world.solid_server("default", DEFAULTS).await;
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
