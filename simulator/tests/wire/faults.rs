//! Faults: each kind on the wire, and what it does to the data.

use std::time::Duration;

use reqwest::Method;
use serde_json::json;
use solidserver_simulator::{Config, Fault, FaultKind, Seed, SeedServer, SeedZone};

use crate::support::{Reply, SMART, World};

const NAME: &str = "web.example.com";

impl World {
    /// Adds the same row again and again; says what came of it and whether the row is there.
    async fn try_add(&self) -> (Option<Reply>, bool) {
        let parameters = [("dns_name", SMART), ("rr_name", NAME), ("rr_type", "A"), ("value1", "192.0.2.7")];
        let request =
            self.request(Method::POST, "dns_rr_add").query(&parameters).timeout(Duration::from_millis(500));
        let reply = self.send(request).await.ok();
        (reply, !self.simulator.rows_at(NAME).is_empty())
    }
}

/// A zone with `rows` A rows beside SOA and NS.
async fn filled(rows: u32) -> World {
    let server = SeedServer::new("big.example")
        .zone(SeedZone::master("big.example").fill(rows))
        .zone(SeedZone::master("other.example"));
    World::with(Config { seed: Seed { servers: vec![server] }, ..Config::default() }).await
}

#[tokio::test]
async fn faults_that_replace_the_answer_keep_the_call_from_taking_effect_unless_told_otherwise() {
    let after_commit = |kind: FaultKind| match kind {
        FaultKind::Status { code, body, retry_after, .. } => {
            FaultKind::Status { code, body, retry_after, after_commit: true }
        }
        FaultKind::Empty { code, .. } => FaultKind::Empty { code, after_commit: true },
        FaultKind::SuccessFalse { message, .. } => FaultKind::SuccessFalse { message, after_commit: true },
        FaultKind::Html { .. } => FaultKind::Html { after_commit: true },
        FaultKind::Hang { .. } => FaultKind::Hang { after_commit: true },
        other => other,
    };
    let status = FaultKind::Status {
        code: 503,
        body: Some("busy".to_owned()),
        retry_after: Some("7".to_owned()),
        after_commit: false,
    };
    let kinds = [
        (status, Some((503, "busy"))),
        (FaultKind::Empty { code: 200, after_commit: false }, Some((200, ""))),
        (
            FaultKind::SuccessFalse { message: Some("no".to_owned()), after_commit: false },
            Some((200, "\"errmsg\":\"no\"")),
        ),
        (FaultKind::Html { after_commit: false }, Some((200, "<html>"))),
        (FaultKind::Hang { after_commit: false }, None),
    ];
    for (kind, expected) in kinds {
        for committed in [false, true] {
            let world = World::start().await;
            let kind = if committed { after_commit(kind.clone()) } else { kind.clone() };
            world.simulator.inject(Fault::new("add", kind.clone()).count(1));
            let (reply, there) = world.try_add().await;
            assert_eq!(there, committed, "{kind:?}");
            match (reply, expected) {
                (Some(reply), Some((code, text))) => {
                    assert_eq!(reply.status, code, "{kind:?}");
                    assert!(
                        if text.is_empty() { reply.text.is_empty() } else { reply.text.contains(text) },
                        "{}",
                        reply.text
                    );
                    if code == 503 {
                        assert_eq!(reply.headers["retry-after"], "7");
                    }
                }
                (None, None) => {}
                (reply, _) => panic!("{kind:?}: {reply:?}"),
            }
            assert_eq!(world.try_add().await.0.unwrap().status, 201, "the fault is used up: {kind:?}");
        }
    }
}

#[tokio::test]
async fn a_reset_ends_the_call_without_an_answer_before_or_after_it_took_effect() {
    for http2 in [true, false] {
        for (kind, committed) in [(FaultKind::ResetBeforeCommit, false), (FaultKind::ResetAfterCommit, true)]
        {
            let world = World::with(Config { http2, ..Config::default() }).await;
            world.simulator.inject(Fault::new("dns_rr_add", kind).count(1));
            let (reply, there) = world.try_add().await;
            assert!(reply.is_none(), "HTTP/2: {http2}");
            assert_eq!(there, committed);
            let calls = world.simulator.calls();
            assert_eq!((calls.total, calls.by_status.get("none")), (1, Some(&1)));
            assert_eq!(world.get("member_list", &[]).await.status, 200);
        }
    }
}

#[tokio::test]
async fn a_slow_appliance_goes_on_when_the_client_has_given_up() {
    let world = World::start().await;
    world.simulator.inject(Fault::new("add", FaultKind::Slow { ms: 1_000, after_commit: false }).count(1));
    let (reply, there) = world.try_add().await;
    assert!(reply.is_none() && !there);
    tokio::time::sleep(Duration::from_millis(900)).await;
    assert_eq!(world.simulator.rows_at(NAME).len(), 1);
    assert_eq!(world.simulator.calls().in_flight, 0);

    let world = World::start().await;
    world.simulator.inject(Fault::new("add", FaultKind::Slow { ms: 1_000, after_commit: true }).count(1));
    let (reply, there) = world.try_add().await;
    assert!(reply.is_none() && there);
    world.simulator.inject(Fault::new("list", FaultKind::Slow { ms: 50, after_commit: false }));
    assert_eq!(world.at(NAME).await.rows().len(), 1);
}

#[tokio::test]
async fn an_answer_can_end_in_the_middle() {
    let world = World::start().await;
    world.simulator.inject(Fault::new("*", FaultKind::Truncate));
    for reply in [world.at("www.example.com").await, world.get("member_list", &[]).await] {
        assert_eq!(reply.status, 200);
        assert!(
            reply.text.starts_with('[') && serde_json::from_str::<serde_json::Value>(&reply.text).is_err()
        );
    }
    assert!(world.try_add().await.1);
}

#[tokio::test]
async fn refusals_of_the_appliance_s_own() {
    let world = World::start().await;
    let only = |kind: FaultKind| {
        world.simulator.clear_faults();
        world.simulator.inject(Fault::new("*", kind));
    };
    only(FaultKind::ConnectedFalse);
    let reply = world.get("dns_rr_list", &[]).await;
    assert_eq!((reply.status, reply.json()), (200, json!({"connected": false})));
    only(FaultKind::Forbidden);
    assert_eq!(world.get("member_list", &[]).await.status, 403);
    only(FaultKind::ClockSkew);
    assert_eq!(world.get("member_list", &[]).await.status, 412);
    only(FaultKind::Reject {
        message: Some("Name is reserved".to_owned()),
        severity: Some("warning".to_owned()),
    });
    assert_eq!(world.get("member_list", &[]).await.status, 200);
    let refused = world.add(NAME, "A", &["192.0.2.7"], &[]).await;
    assert_eq!(
        (refused.refusal().as_str(), &refused.json()["severity"]),
        ("Name is reserved", &json!("warning"))
    );
    assert_eq!(world.add(NAME, "A", &["192.0.2.7"], &[("validate_warnings", "accept")]).await.status, 201);
    only(FaultKind::Reject { message: None, severity: None });
    assert_eq!(
        world.add("b.example.com", "A", &["192.0.2.7"], &[("validate_warnings", "accept")]).await.status,
        400
    );
}

#[tokio::test]
async fn a_fault_can_be_meant_for_one_name() {
    let world = World::start().await;
    world.simulator.inject(Fault::status("add", 400).with_parameter("rr_name", "bad.example.com"));
    assert_eq!(world.add("bad.example.com", "A", &["192.0.2.7"], &[]).await.status, 400);
    assert_eq!(world.add("good.example.com", "A", &["192.0.2.7"], &[]).await.status, 201);
    assert_eq!((world.simulator.faults()[0].met, world.simulator.faults()[0].hits), (1, 1));
}

#[tokio::test]
async fn a_list_can_lose_a_page_or_the_end_of_one() {
    let world = filled(98).await;
    let page = async |last: &str| {
        let condition = format!("dnszone_name='big.example' and rr_id > {last}");
        world
            .get("dns_rr_list", &[("WHERE", &condition), ("ORDERBY", "rr_id"), ("limit", "40")])
            .await
            .column("rr_id")
    };
    let all: Vec<String> = world.list("dnszone_name='big.example'").await.column("rr_id");
    assert_eq!(all.len(), 100);
    world.simulator.inject(Fault::new("list", FaultKind::DropPage).count(1));
    assert_eq!(page("0").await, all[40..80]);
    assert_eq!(page("0").await, all[..40]);
    world.simulator.inject(Fault::new("list", FaultKind::DropPage).count(1));
    assert_eq!(world.list("dnszone_name='big.example'").await.column("rr_id"), all[50..]);
    world.simulator.inject(Fault::new("list", FaultKind::ShortPage { missing: None }).count(1));
    assert_eq!(page("0").await, all[..20]);
    world.simulator.inject(Fault::new("list", FaultKind::ShortPage { missing: Some(1) }).count(1));
    assert_eq!(page("0").await, all[..39]);
}

#[tokio::test]
async fn a_list_can_ignore_what_it_is_asked() {
    let world = filled(20).await;
    let condition = "dnszone_name='big.example' and rr_type='A'";
    let right = world.list(condition).await.column("rr_id");
    world.simulator.inject(Fault::new("dns_rr_list", FaultKind::IgnoreOrderby).count(1));
    let shuffled = world.list(condition).await.column("rr_id");
    assert_ne!(shuffled, right);
    let mut sorted = shuffled;
    sorted.sort_by_key(|id| id.parse::<u64>().unwrap());
    assert_eq!(sorted, right);
    world.simulator.inject(Fault::new("*", FaultKind::IgnoreWhere).count(2));
    assert_eq!(world.list(condition).await.rows().len(), 24);
    assert_eq!(world.get("dns_rr_count", &[("WHERE", condition)]).await.only()["total"], json!("24"));
    world.simulator.inject(Fault::new("*", FaultKind::ForeignRows { rows: 1 }).count(1));
    let mixed = world.list(condition).await.column("dnszone_name");
    assert_eq!(mixed.iter().filter(|zone| *zone == "other.example").count(), 1);
    assert_eq!(mixed.len(), 21);
}

#[tokio::test]
async fn an_account_without_rights_sees_nothing_but_can_still_write() {
    let world = World::start().await;
    world.simulator.inject(Fault::new("*", FaultKind::Blind));
    for list in ["dns_rr_list", "dns_zone_list", "dns_server_list", "dns_view_list"] {
        assert_eq!(world.get(list, &[]).await.status, 204, "{list}");
    }
    let id = world.simulator.rows()[0].id.clone();
    assert_eq!(world.get("dns_rr_info", &[("rr_id", &id)]).await.status, 204);
    assert_eq!(world.get("dns_rr_count", &[]).await.only()["total"], json!("0"));
    assert_eq!(world.get("dns_zone_count", &[]).await.only()["total"], json!("0"));
    assert!(world.try_add().await.1);
}

#[tokio::test]
async fn ids_can_change_and_old_ones_mean_nothing_any_more() {
    let world = World::start().await;
    let before: Vec<String> = world.simulator.rows().into_iter().map(|row| row.id).collect();
    world.simulator.inject(Fault::new("list", FaultKind::RenumberIds));
    let listed = world.get("dns_rr_list", &[]).await.column("rr_id");
    assert!(listed.iter().all(|id| !before.contains(id)));
    assert_eq!(world.get("dns_rr_list", &[]).await.column("rr_id"), listed, "it happens once");
    for id in &before {
        assert_eq!(world.edit(id, &[("rr_ttl", "5")]).await.refusal(), "This RR does not exist");
    }
    world.simulator.renumber_ids();
    assert!(world.simulator.rows().iter().all(|row| !listed.contains(&row.id)));
}

#[tokio::test]
async fn a_value_can_be_rewritten_after_every_write() {
    let world = World::start().await;
    let rewrite = FaultKind::Rewrite { name: Some(NAME.to_owned()), value: "192.0.2.99".to_owned() };
    world.simulator.inject(Fault::new("*", rewrite));
    let id = world.add(NAME, "A", &["192.0.2.7"], &[]).await.id();
    assert_eq!(world.at(NAME).await.column("value1"), ["192.0.2.99"]);
    world.edit(&id, &[("value1", "192.0.2.8")]).await.id();
    assert_eq!(world.at(NAME).await.column("value1"), ["192.0.2.99"]);
    world.add("b.example.com", "A", &["192.0.2.7"], &[]).await.id();
    assert_eq!(world.at("b.example.com").await.column("value1"), ["192.0.2.7"]);
}

#[tokio::test]
async fn a_call_that_hangs_is_in_flight_until_the_client_gives_up() {
    let world = World::start().await;
    world.simulator.inject(Fault::new("add", FaultKind::Hang { after_commit: false }));
    assert!(world.try_add().await.0.is_none());
    for _ in 0..100 {
        if world.simulator.calls().in_flight == 0 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let calls = world.simulator.calls();
    assert_eq!((calls.in_flight, calls.max_writes_in_flight, calls.by_status.get("none")), (0, 1, Some(&1)));
}
