//! One record's life, end to end.

use rstest::rstest;

use crate::wire::Wire::{self, RestBasic, RestNative, RestToken, V2Basic, V2Native, V2Token};
use crate::world::manifest;

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn a_record_is_created_changed_and_deleted(
    #[values(RestBasic, RestNative, RestToken, V2Basic, V2Native, V2Token)] wire: Wire,
) {
    let mut world = wire.running("1h").await;
    world.namespace("shop").await;
    world
        .apply(&manifest("shop", "web", "fqdn: web.example.com, type: A, values: [192.0.2.10, 192.0.2.11]"))
        .await;
    world.until_reason("shop", "web", "InSync").await;
    assert_eq!(world.rows("web.example.com"), ["A 600 192.0.2.10 | shop/web", "A 600 192.0.2.11 | shop/web"]);
    world.simulator.reset_calls();
    world
        .apply(&manifest(
            "shop",
            "web",
            "fqdn: web.example.com, type: A, values: [192.0.2.10, 192.0.2.12], ttl: 60",
        ))
        .await;
    world
        .until("the change is there", async || {
            world.rows("web.example.com") == ["A 60 192.0.2.10 | shop/web", "A 60 192.0.2.12 | shop/web"]
        })
        .await;
    let calls = world.simulator.calls();
    assert_eq!((calls.operation("add"), calls.operation("edit"), calls.operation("delete")), (0, 2, 0));
    // It speaks as it was told to.
    for call in world.simulator.call_log() {
        assert_eq!(call.login, wire.kind(), "{call:?}");
        // Only one dialect knows the version.
        assert!(call.object == "member" || call.dialect == Some(wire.dialect()), "{call:?}");
    }
    world.kubectl(&["delete", "dnsrecord", "-n", "shop", "web", "--timeout=60s"]).await;
    assert!(world.rows("web.example.com").is_empty());
    assert!(world.stop_operator().await.success());
}

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn the_rights_that_are_shipped_are_enough(#[values(RestBasic, V2Token, RestNative)] wire: Wire) {
    let mut world = wire.world().await;
    world
        .solid_server("default", "resyncInterval: 1h\n  defaults: {dnsServer: ns.example.com, ttl: 600}")
        .await;
    world.start_operator().await;
    world.namespace("shop").await;
    world.apply(&manifest("shop", "web", "fqdn: web.example.com, type: A, values: [192.0.2.10]")).await;
    world.until_reason("shop", "web", "InSync").await;
    // A conflict, for the Event; a drift, for the round; a password, for the Secret's watch.
    world.apply(&manifest("shop", "late", "fqdn: web.example.com, type: A, values: [192.0.2.11]")).await;
    world.until_reason("shop", "late", "Conflict").await;
    world
        .until("the Event is there", async || {
            world.kubectl(&["get", "events", "-n", "shop", "-o", "name"]).await.contains("event/late")
        })
        .await;
    world.change_secret("another");
    world.set_secret("another").await;
    world.apply(&manifest("shop", "web", "fqdn: web.example.com, type: A, values: [192.0.2.12]")).await;
    world
        .until("the change is there", async || {
            world.rows("web.example.com") == ["A 600 192.0.2.12 | shop/web"]
        })
        .await;
    world.kubectl(&["delete", "dnsrecords", "-n", "shop", "--all", "--timeout=60s"]).await;
    assert!(world.rows("web.example.com").is_empty());
    world.kubectl(&["delete", "solidserver", "default", "--timeout=60s"]).await;
    let log = world.log().to_lowercase();
    assert!(!log.contains("forbidden"), "{log}");
}
