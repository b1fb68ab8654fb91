//! Deletions that have to wait: each says for what, and each can be let go.

use solidserver_operator::api::DnsRecord;
use solidserver_simulator::{Fault, FaultKind};

use crate::wire::SECRET;
use crate::world::{OPERATOR_NAMESPACE, World, manifest, message};

fn a(name: &str) -> String {
    format!("fqdn: {name}.example.com, type: A, values: [192.0.2.1]")
}

async fn delete(world: &World, name: &str) {
    world.kubectl(&["delete", "dnsrecord", "-n", "shop", name, "--wait=false"]).await;
}

async fn until_gone(world: &World, name: &str) {
    world.until(&format!("{name} is gone"), async || world.record("shop", name).await.is_none()).await;
}

/// The way out that a message names, as kubectl's arguments.
fn way_out(record: &DnsRecord) -> Vec<String> {
    let message = message(record);
    let command = message.split("kubectl ").nth(1).unwrap_or_else(|| panic!("no way out in {message}"));
    assert!(command.contains("solidserver.dev/abandon=true"), "{command}");
    command.split_whitespace().map(str::to_owned).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_waits_for_an_appliance_a_secret_or_a_solid_server_says_so_and_can_be_let_go() {
    let world = World::running("1h").await;
    world.namespace("shop").await;
    world.apply(&manifest("shop", "kept", &(a("kept") + ", deletionPolicy: Retain"))).await;
    for name in ["secret", "unserved"] {
        world.apply(&manifest("shop", name, &a(name))).await;
    }
    world.until_ready("shop", 3).await;

    // Its rows are to lose their marks, which nobody can do now.
    world.simulator.inject(Fault::new("*", FaultKind::ResetBeforeCommit));
    delete(&world, "kept").await;
    way_out(&world.until_reason("shop", "kept", "Unreachable").await);
    assert_eq!(world.rows("kept.example.com"), ["A 600 192.0.2.1 | shop/kept"]);
    world.simulator.clear_faults();
    until_gone(&world, "kept").await;
    assert_eq!(world.rows("kept.example.com"), ["A 600 192.0.2.1 | -"]);

    world.simulator.reset_calls();
    world.kubectl(&["delete", "secret", "-n", OPERATOR_NAMESPACE, "solidserver"]).await;
    world
        .until("the SolidServer says that its Secret is missing", async || {
            let status = world.solid_server_object("default").await.status.unwrap_or_default();
            status.conditions.iter().any(|one| one.type_ == "Ready" && one.reason == "Waiting")
        })
        .await;
    delete(&world, "secret").await;
    let record = world.until_reason("shop", "secret", "Waiting").await;
    assert!(message(&record).contains("Secret"), "{}", message(&record));
    way_out(&record);
    assert_eq!(world.simulator.calls().writes(), 0);
    world.set_secret(SECRET).await;
    until_gone(&world, "secret").await;
    assert!(world.rows("secret.example.com").is_empty());

    // A SolidServer waits for those that refer to it, unless somebody takes its finalizer off.
    world.kubectl(&["delete", "solidserver", "default", "--wait=false"]).await;
    world.a_round("default").await;
    let finalizers = "{\"metadata\": {\"finalizers\": null}}";
    world.kubectl(&["patch", "solidserver", "default", "--type=merge", "--patch", finalizers]).await;
    world.until_reason("shop", "unserved", "SolidServerNotFound").await;
    delete(&world, "unserved").await;
    world
        .until("it says how it can go", async || {
            let record = world.record("shop", "unserved").await.expect("its row is there, so it must be");
            message(&record).contains("solidserver.dev/abandon")
        })
        .await;
    let arguments = way_out(&world.record("shop", "unserved").await.unwrap());
    world.kubectl(&arguments.iter().map(String::as_str).collect::<Vec<_>>()).await;
    until_gone(&world, "unserved").await;
    assert_eq!(world.rows("unserved.example.com"), ["A 600 192.0.2.1 | shop/unserved"]);
}
