//! TLS, HTTP versions, credentials, rate limit, and how much goes on at a time.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use reqwest::Method;
use solidserver_simulator::{Config, NewCertificate, RateLimit, Simulator, Token};

use crate::support::{World, client, signed};

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
async fn a_client_certificate_is_demanded_and_the_own_one_renewed() {
    let authority = Simulator::start(Config::default()).await.unwrap();
    let world = World::start().await;
    let get = async |client: &reqwest::Client| {
        let url = format!("{}/rest/member_list", world.simulator.endpoint());
        client
            .get(url)
            .basic_auth("operator", Some("secret"))
            .send()
            .await
            .map(|reply| reply.status().as_u16())
    };
    assert_eq!(get(&world.client).await.unwrap(), 200);
    world.simulator.demand_client_certificate(Some(&authority.ca_pem())).unwrap();
    // Connections that are there go on; others begin with a handshake.
    let trusting = || client(&world.simulator.ca_pem());
    assert!(get(&trusting()).await.is_err());
    world.simulator.demand_client_certificate(None).unwrap();
    assert_eq!(get(&trusting()).await.unwrap(), 200);
    let before = trusting();
    world.simulator.renew_certificate(&NewCertificate::default()).unwrap();
    assert!(get(&before).await.is_err(), "it is signed by the same authority");
    assert_eq!(get(&trusting()).await.unwrap(), 200);
    assert!(world.simulator.demand_client_certificate(Some("no PEM")).is_err());
}

#[tokio::test]
async fn services_are_below_the_path_prefix_only_and_it_is_signed() {
    let token = Some(Token::new("id1", "s3cret"));
    let world =
        World::with(Config { token, path_prefix: "gateway/ddi/".to_owned(), ..Config::default() }).await;
    let endpoint = world.simulator.endpoint();
    assert!(endpoint.ends_with("/gateway/ddi"), "{endpoint}");
    assert_eq!(world.get("member_list", &[]).await.status, 200);
    let base = endpoint.trim_end_matches("/gateway/ddi");
    for (path, status) in [
        ("/gateway/ddi/rest/member_list", 200),
        ("/rest/member_list", 404),
        ("/gateway/ddix/rest/member_list", 404),
    ] {
        let request = signed(world.client.get(format!("{base}{path}")), ("id1", "s3cret"), 0);
        assert_eq!(world.send(request).await.unwrap().status, status, "{path}");
    }
    assert_eq!(world.simulator.calls().total, 2);
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
async fn the_native_headers_are_a_login_too() {
    let world = World::start().await;
    let url = format!("{}/rest/member_list", world.simulator.endpoint());
    let status = async |user: &str, password: &str| {
        let request = world
            .client
            .get(&url)
            .header("X-IPM-Username", STANDARD.encode(user))
            .header("X-IPM-Password", STANDARD.encode(password));
        world.send(request).await.unwrap().status
    };
    assert_eq!(status("operator", "secret").await, 200);
    assert_eq!(status("operator", "another").await, 401);
    assert_eq!(status("another", "secret").await, 401);
}

#[tokio::test]
async fn signed_calls_are_verified_on_http1_and_http2() {
    for http2 in [true, false] {
        let token = Some(Token::new("id1", "s3cret"));
        let world = World::with(Config { http2, token, ..Config::default() }).await;
        let endpoint = world.simulator.endpoint();
        let list = || {
            let url = format!("{endpoint}/rest/dns_rr_list");
            world.client.get(url).query(&[("WHERE", "rr_type='A' and 1=1"), ("limit", "1")])
        };
        let status = async |token, later| {
            let reply = world.send(signed(list(), token, later)).await.unwrap();
            reply.status
        };
        assert_eq!(status(("id1", "s3cret"), 0).await, 200);
        assert_eq!(status(("id1", "s3cret"), -200).await, 200);
        assert_eq!(status(("id1", "another"), 0).await, 401);
        assert_eq!(status(("id2", "s3cret"), 0).await, 401);
        assert_eq!(status(("id1", "s3cret"), 400).await, 412);
        assert_eq!(status(("id1", "s3cret"), -400).await, 412);
        // The query is signed, the body is not.
        let other = signed(list(), ("id1", "s3cret"), 0).query(&[("limit", "2")]);
        assert_eq!(world.send(other).await.unwrap().status, 401);
        let row = [
            ("dns_name", "ns.example.com"),
            ("rr_name", "web.example.com"),
            ("rr_type", "A"),
            ("value1", "192.0.2.7"),
        ];
        let add = world.client.request(Method::POST, format!("{endpoint}/rest/dns_rr_add"));
        let add = signed(add, ("id1", "s3cret"), 0).json(&std::collections::BTreeMap::from(row));
        assert_eq!(world.send(add).await.unwrap().status, 201);
        // The account is valid beside it.
        assert_eq!(world.get("member_list", &[]).await.status, 200);
        world.simulator.set_token(Some(Token::new("id1", "another")));
        assert_eq!(status(("id1", "s3cret"), 0).await, 401);
        assert_eq!(status(("id1", "another"), 0).await, 200);
        world.simulator.set_clock_ahead(Duration::from_secs(3_600));
        assert_eq!(status(("id1", "another"), 0).await, 412);
        assert_eq!(world.get("member_list", &[]).await.status, 200);
        world.simulator.set_token(None);
        assert_eq!(status(("id1", "another"), 3_600).await, 401);
    }
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
