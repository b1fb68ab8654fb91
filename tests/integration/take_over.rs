//! Rows that a cluster of our name wrote under another UID: left alone, until somebody asks for them.

use base64::Engine as _;
use solidserver_operator::api::TAKE_OVER;
use solidserver_simulator::{RowPatch, RowView};

use crate::world::{World, for_all, manifest, message, shows};

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

/// Records of several types and values; `more` goes into each spec.
fn manifests(ttl: u32) -> String {
    let hosts = (1..=6).map(|number| {
        let spec = format!(
            "fqdn: h{number}.example.com, type: A, values: [192.0.2.{number}, 198.51.100.{number}], ttl: {ttl}"
        );
        manifest("shop", &format!("h{number}"), &spec)
    });
    let others = [
        ("text", "fqdn: text.example.com, type: TXT, values: [\"two words\"], classParameters: {team: shop}"),
        ("mail", "fqdn: mail.example.com, type: MX, values: [10 h1.example.com., 20 h2.example.com.]"),
    ];
    hosts
        .chain(others.iter().map(|(name, spec)| manifest("shop", name, &format!("{spec}, ttl: {ttl}"))))
        .collect()
}

/// The rows that the operator made, by id, without the UID in their mark.
fn rows(world: &World) -> Vec<RowView> {
    let rows = world.simulator.rows().into_iter();
    let ours = rows.filter(|row| row.class_parameters.contains_key("k8s_owner"));
    let mut rows: Vec<RowView> = ours.collect();
    for row in &mut rows {
        row.class_parameters.remove("k8s_cluster_uid");
    }
    rows.sort_by(|left, right| left.id.cmp(&right.id));
    rows
}

/// The UIDs in the marks.
fn uids(world: &World) -> std::collections::BTreeSet<String> {
    let rows = world.simulator.rows();
    rows.iter().filter_map(|row| row.class_parameters.get("k8s_cluster_uid").cloned()).collect()
}

/// Who has written, in order, each once for a run of writes.
fn writers(world: &World) -> Vec<String> {
    let log = world.simulator.call_log();
    let writes = log.iter().filter(|call| ["add", "edit", "delete"].contains(&call.operation.as_str()));
    let mut writers: Vec<String> = writes
        .filter_map(|call| Some(call.user_agent.rsplit_once("; ")?.1.trim_end_matches(')').to_owned()))
        .collect();
    writers.dedup();
    writers
}

async fn until_all_show(world: &World, reason: &str, count: usize) {
    world
        .until(&format!("{count} records are {reason}"), async || {
            let records = world.all_records("shop").await;
            records.len() == count && records.iter().all(|record| shows(record, reason))
        })
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_clusters_with_one_name_the_second_takes_over_without_a_change_in_dns_and_only_one_writes() {
    let mut first = World::new().await;
    let defaults = "resyncInterval: 1h\n  defaults: {dnsServer: ns.example.com, ttl: 600}";
    first.solid_server("default", defaults).await;
    first.namespace("shop").await;
    first.start_replica("first").await;
    first.apply(&manifests(300)).await;
    first.until_ready("shop", 8).await;
    let before = rows(&first);
    assert_eq!(before.len(), 15);
    let uid = uids(&first).into_iter().next().unwrap();

    // The same manifests, the same name, the same appliance, another cluster.
    let mut second = World::new().await;
    let bundle = base64::engine::general_purpose::STANDARD.encode(first.simulator.ca_pem());
    let (endpoint, zones) = (first.simulator.endpoint(), for_all(&[], &[]));
    second
        .apply(&format!(
            "apiVersion: solidserver.dev/v1alpha1\nkind: SolidServer\nmetadata: {{name: default}}\nspec:\n  endpoint: {endpoint}\n  credentialsSecretRef: {{name: solidserver}}\n  tls: {{caBundle: {bundle}}}\n  {zones}\n  {defaults}\n"
        ))
        .await;
    second.namespace("shop").await;
    second.start_replica("second").await;
    second.apply(&manifests(300)).await;
    until_all_show(&second, "ClusterNameInUse", 8).await;
    assert_eq!(writers(&first), ["first"]);
    assert_eq!(rows(&first), before);

    first.simulator.reset_calls();
    let annotation = format!("{TAKE_OVER}={uid}");
    second.kubectl(&["annotate", "solidserver", "default", &annotation]).await;
    second.until_ready("shop", 8).await;
    let calls = first.simulator.calls();
    assert_eq!((calls.operation("edit"), calls.writes()), (15, 15), "one edit each");
    assert_eq!(rows(&first), before, "ids, values, TTLs and other class parameters are as before");
    let now = uids(&first);
    assert!(now.len() == 1 && !now.contains(&uid), "{now:?}");

    // The first one finds out by itself, whatever it is asked to do.
    first.apply(&manifests(900)).await;
    until_all_show(&first, "ClusterNameInUse", 8).await;
    first.a_round("default").await;
    first.kubectl(&["delete", "dnsrecords", "-n", "shop", "--all", "--timeout=80s"]).await;
    assert_eq!(rows(&first), before, "no row of the second's goes");
    assert_eq!(writers(&first), ["second"]);

    second.apply(&manifests(450)).await;
    second.until_ready("shop", 8).await;
    first.a_round("default").await;
    assert_eq!(writers(&first), ["second"]);
    assert!(rows(&first).iter().all(|row| row.ttl == 450));
}
