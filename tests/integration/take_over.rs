//! Rows that a cluster of our name wrote under another UID: left alone, until somebody asks for them.

use solidserver_operator::api::TAKE_OVER;
use solidserver_simulator::RowPatch;

use crate::world::{World, manifest, message};

const OTHER: &str = "11111111-2222-3333-4444-555555555555";

#[tokio::test(flavor = "multi_thread")]
async fn rows_of_a_twin_are_left_alone_until_they_are_taken_over_with_one_edit_each() {
    let world = World::running("1h").await;
    world.namespace("shop").await;
    let names = ["a", "b", "c"];
    for name in names {
        let spec = format!("fqdn: {name}.example.com, type: A, values: [192.0.2.1]");
        world.apply(&manifest("shop", name, &spec)).await;
    }
    world.until_ready("shop", 3).await;
    let row = |name: &str| {
        let rows = world.simulator.rows_at(&format!("{name}.example.com"));
        rows.into_iter().next().unwrap()
    };
    let ours = row("a").class_parameters["k8s_cluster_uid"].clone();
    let ids = names.map(|name| row(name).id);
    for name in names {
        let class_parameters = [("k8s_cluster_uid".to_owned(), Some(OTHER.to_owned()))].into();
        let patch = RowPatch { class_parameters, ..RowPatch::default() };
        world.simulator.patch_row(&row(name).id, patch).unwrap();
    }
    world.simulator.reset_calls();
    world.a_round("default").await;
    let record = world.until_reason("shop", "a", "ClusterNameInUse").await;
    let command = format!("solidserver default {TAKE_OVER}={OTHER}");
    assert!(message(&record).contains(&command), "{}", message(&record));
    // Whose rows are another's by now goes without touching them.
    world.kubectl(&["delete", "dnsrecord", "-n", "shop", "c", "--timeout=60s"]).await;
    assert_eq!(world.simulator.calls().writes(), 0);

    world.kubectl(&["annotate", "solidserver", "default", &format!("{TAKE_OVER}={OTHER}")]).await;
    world.until_ready("shop", 2).await;
    let calls = world.simulator.calls();
    assert_eq!((calls.operation("edit"), calls.writes()), (2, 2), "one edit each");
    for (index, name) in names.iter().enumerate() {
        let uid = if *name == "c" { OTHER } else { &ours };
        assert_eq!(
            (row(name).class_parameters["k8s_cluster_uid"].as_str(), &row(name).id),
            (uid, &ids[index])
        );
        assert_eq!(row(name).values[0], "192.0.2.1");
    }
}
