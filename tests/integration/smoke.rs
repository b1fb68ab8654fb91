//! One record's life, end to end.

use crate::world::{World, manifest};

#[tokio::test(flavor = "multi_thread")]
async fn a_record_is_created_changed_and_deleted() {
    let mut world = World::running("1h").await;
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
    world.kubectl(&["delete", "dnsrecord", "-n", "shop", "web", "--timeout=60s"]).await;
    assert!(world.rows("web.example.com").is_empty());
    assert!(world.stop_operator().await.success());
}
