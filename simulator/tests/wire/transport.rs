//! TLS, HTTP versions, credentials, rate limit, and how much goes on at a time.

use std::time::Duration;

use solidserver_simulator::{Config, RateLimit, Simulator};

use crate::support::{World, client};

#[tokio::test]
async fn http2_is_offered_and_http1_is_enough() {
    for (http2, version) in [(true, reqwest::Version::HTTP_2), (false, reqwest::Version::HTTP_11)] {
        let world = World::with(Config { http2, ..Config::default() }).await;
        let response = world.request(reqwest::Method::GET, "member_list").send().await.unwrap();
        assert_eq!((response.version(), response.status().as_u16()), (version, 200));
    }
}

#[tokio::test]
async fn one_connection_carries_many_calls() {
    let world = World::with(Config { http2: false, ..Config::default() }).await;
    for _ in 0..10 {
        world.get("member_list", &[]).await.only();
    }
    let calls = world.simulator.calls();
    assert_eq!((calls.total, calls.connections), (10, 1));
}

#[tokio::test]
async fn certificates_are_kept_in_a_directory_across_restarts() {
    let directory = tempfile::tempdir().unwrap();
    let config = Config { tls_dir: Some(directory.path().to_owned()), ..Config::default() };
    let first = Simulator::start(config.clone()).await.unwrap();
    let (client, address) = (client(&first.ca_pem()), first.address());
    assert_eq!(first.ca_pem(), std::fs::read_to_string(directory.path().join("ca.crt")).unwrap());
    let url = format!("{}/rest/member_list", first.endpoint());
    let get = async || client.get(&url).basic_auth("operator", Some("secret")).send().await;
    assert_eq!(get().await.unwrap().status().as_u16(), 200);
    first.shutdown().await;
    assert!(get().await.is_err());
    let second = Simulator::start(Config { listen: address, ..config }).await.unwrap();
    assert_eq!(get().await.unwrap().status().as_u16(), 200);
    second.shutdown().await;
}

#[tokio::test]
async fn a_stranger_gets_401_and_a_password_can_change() {
    let world = World::start().await;
    let plain = world.client.get(format!("{}/rest/member_list", world.simulator.endpoint()));
    let refused = world.send(plain).await.unwrap();
    assert_eq!(refused.status, 401);
    assert!(refused.headers.contains_key("www-authenticate"));
    assert_eq!(world.get("member_list", &[]).await.status, 200);
    world.simulator.set_credentials("operator", "another");
    assert_eq!(world.get("member_list", &[]).await.status, 401);
    let before = world.simulator.rows().len();
    assert_eq!(world.add("web.example.com", "A", &["192.0.2.7"], &[]).await.status, 401);
    assert_eq!(world.simulator.rows().len(), before);
}

#[tokio::test]
async fn calls_beyond_the_rate_limit_are_told_to_wait() {
    let limit = RateLimit { calls: 3, window: Duration::from_millis(1_500) };
    let world = World::with(Config { rate_limit: Some(limit), ..Config::default() }).await;
    let before = world.simulator.rows().len();
    for number in 0..3 {
        let name = format!("web-{number}.example.com");
        assert_eq!(world.add(&name, "A", &["192.0.2.7"], &[]).await.status, 201);
    }
    let refused = world.add("web-3.example.com", "A", &["192.0.2.7"], &[]).await;
    assert_eq!((refused.status, refused.headers["retry-after"].to_str().unwrap()), (429, "2"));
    assert_eq!(world.simulator.rows().len(), before + 3);
    tokio::time::sleep(Duration::from_millis(1_600)).await;
    assert_eq!(world.add("web-3.example.com", "A", &["192.0.2.7"], &[]).await.status, 201);
    assert_eq!((world.simulator.calls().status(429), world.simulator.calls().total), (1, 5));
}

#[tokio::test]
async fn calls_in_flight_are_counted() {
    for http2 in [true, false] {
        let world =
            World::with(Config { http2, latency: Duration::from_millis(300), ..Config::default() }).await;
        let adds = (0..50).map(|number| {
            let request = world.request(reqwest::Method::POST, "dns_rr_add").query(&[
                ("dns_name", "ns.example.com"),
                ("rr_name", format!("web-{number}.example.com").as_str()),
                ("rr_type", "A"),
                ("value1", "192.0.2.7"),
            ]);
            tokio::spawn(request.send())
        });
        for add in adds.collect::<Vec<_>>() {
            assert_eq!(add.await.unwrap().unwrap().status().as_u16(), 201);
        }
        let calls = world.simulator.calls();
        assert_eq!(
            (calls.total, calls.max_in_flight, calls.max_writes_in_flight),
            (50, 50, 50),
            "HTTP/2: {http2}"
        );
        assert_eq!((calls.operation("add"), calls.status(201), calls.in_flight), (50, 50, 0));
        let log = world.simulator.call_log();
        assert_eq!((log.len(), log[0].user_agent.as_str()), (50, "wire-test/1"));
        assert!(log.iter().all(|entry| entry.end_ms.unwrap() >= entry.start_ms + 300));
    }
}
