//! Appliances as they are: versions that keep no marks, marks that get lost, ids that change, answers with rows of others.

use std::fmt::Write as _;

use kube::api::{Patch, PatchParams};
use rstest::rstest;
use serde_json::json;
use solidserver_operator::plan::MARK_PARAMETERS;
use solidserver_simulator::{Config, Fault, FaultKind, NewRow, RowPatch, RowView};

use crate::control_plane::Options;
use crate::wire::Wire::{self, RestBasic, RestNative, V2Native, V2Token};
use crate::world::{World, manifest, message, shows};

const NAMESPACE: &str = "shop";

/// What a SolidServer says of an appliance that keeps no class parameters on records.
const WEAKER: &str = "version 7.3.1 keeps no class parameters on records: they carry no marks, and ownership rests on the \
                      status of DnsRecords";

async fn world(wire: Wire, version: &str) -> World {
    let config = Config { version: version.to_owned(), ..Config::default() };
    let mut world = wire.world_with(config, Options::default()).await;
    world
        .solid_server("default", "resyncInterval: 1h\n  defaults: {dnsServer: ns.example.com, ttl: 600}")
        .await;
    world.start_operator().await;
    world.namespace(NAMESPACE).await;
    world
}

/// Adds, edits and deletes since the last reset.
fn writes(world: &World) -> (u64, u64, u64) {
    let calls = world.simulator.calls();
    (calls.operation("add"), calls.operation("edit"), calls.operation("delete"))
}

fn a(name: &str, values: &str) -> String {
    format!("fqdn: {name}.example.com, type: A, values: [{values}]")
}

fn never(name: &str, values: &str) -> String {
    a(name, values) + ", adoptionPolicy: Never"
}

async fn apply(world: &World, name: &str, spec: &str) {
    world.apply(&manifest(NAMESPACE, name, spec)).await;
}

async fn in_sync(world: &World, name: &str) {
    world.until_reason(NAMESPACE, name, "InSync").await;
}

async fn delete(world: &World, name: &str) {
    world.kubectl(&["delete", "dnsrecord", "-n", NAMESPACE, name, "--timeout=60s"]).await;
}

/// A row that somebody else made.
fn foreign(world: &World, name: &str, value: &str) -> RowView {
    let row = NewRow::new(format!("{name}.example.com"), "A", [value]).ttl(600);
    world.simulator.add_row(row).expect("it is added")
}

/// The only row of a name.
fn only_row(world: &World, name: &str) -> RowView {
    let mut rows = world.simulator.rows_at(&format!("{name}.example.com"));
    assert_eq!(rows.len(), 1, "{rows:?}");
    rows.remove(0)
}

/// Takes the mark off a row.
fn lose_mark(world: &World, row: &RowView) {
    let patch = MARK_PARAMETERS.iter().fold(RowPatch::default(), |patch, key| patch.remove_parameter(*key));
    world.simulator.patch_row(&row.id, patch).expect("the row is there");
}

/// Everything that is said of the appliance.
async fn said_of_the_appliance(world: &World) -> String {
    let status = world.solid_server_object("default").await.status.unwrap_or_default();
    let ready = status.conditions.into_iter().find(|condition| condition.type_ == "Ready");
    ready.map(|ready| format!("{}: {}", ready.reason, ready.message)).unwrap_or_default()
}

/// All rows without what changes by itself: their ids, and the serial of a zone's SOA.
fn contents(rows: &[RowView]) -> Vec<String> {
    let mut lines: Vec<String> = rows
        .iter()
        .filter(|row| row.record_type != "SOA")
        .map(|row| {
            let RowView { server, view, zone, name, record_type, ttl, values, class_parameters, .. } = row;
            format!("{server} {view} {zone} {name} {record_type} {ttl} {values:?} {class_parameters:?}")
        })
        .collect();
    lines.sort();
    lines
}

fn host(number: usize, ttl: u32) -> String {
    manifest(
        NAMESPACE,
        &format!("h{number:03}"),
        &format!("{}, ttl: {ttl}", a(&format!("h{number:03}"), &format!("10.1.0.{}", number + 1))),
    )
}

fn hosts(count: usize, ttl: u32) -> String {
    (0..count).fold(String::new(), |mut yaml, number| {
        let _ = write!(yaml, "{}", host(number, ttl));
        yaml
    })
}

/// `name ttl value` of each host's row, sorted.
fn host_rows(world: &World) -> Vec<String> {
    let rows = world.simulator.rows();
    let rows = rows.iter().filter(|row| row.name.starts_with('h') && row.record_type == "A");
    let mut lines: Vec<String> =
        rows.map(|row| format!("{} {} {}", row.name, row.ttl, row.values[0])).collect();
    lines.sort();
    lines
}

fn expected_hosts(count: usize, ttl: u32) -> Vec<String> {
    (0..count).map(|number| format!("h{number:03}.example.com {ttl} 10.1.0.{}", number + 1)).collect()
}

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn an_appliance_without_class_parameters_is_served_and_says_what_is_weaker(
    #[values(RestBasic, RestNative)] wire: Wire,
) {
    let world = world(wire, "7.3.1").await;
    let there = world.simulator.rows();
    apply(&world, "web", &never("web", "192.0.2.1, 192.0.2.2")).await;
    apply(&world, "text", "fqdn: text.example.com, type: TXT, values: [hello]").await;
    world.until_ready(NAMESPACE, 2).await;
    let said = said_of_the_appliance(&world).await;
    assert!(said.starts_with("InSync: ") && said.contains(WEAKER), "{said}");
    let version = world.solid_server_object("default").await.status.and_then(|status| status.version);
    assert_eq!(version.as_deref(), Some("7.3.1"));
    assert_eq!(world.rows("web.example.com"), ["A 600 192.0.2.1 | -", "A 600 192.0.2.2 | -"]);
    assert_eq!(writes(&world), (3, 0, 0));
    world.a_round("default").await;
    assert_eq!(writes(&world), (3, 0, 0), "what the status says is in sync");

    // A changed value is one edit in place, whatever the policy says of rows of others.
    world.simulator.reset_calls();
    apply(&world, "web", &never("web", "192.0.2.1, 192.0.2.3")).await;
    in_sync(&world, "web").await;
    assert_eq!(world.rows("web.example.com"), ["A 600 192.0.2.1 | -", "A 600 192.0.2.3 | -"]);
    assert_eq!(writes(&world), (0, 1, 0));

    // What somebody deleted is added again; what somebody changed is not touched.
    world.simulator.reset_calls();
    let rows = world.simulator.rows_at("web.example.com");
    world.simulator.delete_row(&rows[0].id).unwrap();
    world.simulator.patch_row(&rows[1].id, RowPatch::values(["192.0.2.99"])).unwrap();
    world.a_round("default").await;
    let record = world.until_reason(NAMESPACE, "web", "Conflict").await;
    assert!(message(&record).contains("192.0.2.99"), "{}", message(&record));
    assert_eq!(world.rows("web.example.com"), ["A 600 192.0.2.99 | -"]);
    world.simulator.patch_row(&rows[1].id, RowPatch::values(["192.0.2.3"])).unwrap();
    world.a_round("default").await;
    in_sync(&world, "web").await;
    assert_eq!(world.rows("web.example.com"), ["A 600 192.0.2.1 | -", "A 600 192.0.2.3 | -"]);
    assert_eq!(writes(&world), (1, 0, 0));

    // A rename leaves no row behind.
    world.simulator.reset_calls();
    apply(&world, "web", &never("web2", "192.0.2.1, 192.0.2.3")).await;
    in_sync(&world, "web").await;
    assert!(world.rows("web.example.com").is_empty());
    assert_eq!(writes(&world), (2, 0, 2));

    // A rival waits, and takes over in place when the holder goes.
    world.simulator.reset_calls();
    apply(&world, "rival", &a("web2", "192.0.2.1, 192.0.2.7")).await;
    let record = world.until_reason(NAMESPACE, "rival", "Conflict").await;
    assert!(message(&record).contains("shop/web"), "{}", message(&record));
    delete(&world, "web").await;
    in_sync(&world, "rival").await;
    assert_eq!(world.rows("web2.example.com"), ["A 600 192.0.2.1 | -", "A 600 192.0.2.7 | -"]);
    assert_eq!(writes(&world), (0, 1, 0));

    // What goes is exactly what the status says.
    world.simulator.reset_calls();
    let rows = world.simulator.rows_at("web2.example.com");
    world.simulator.patch_row(&rows[0].id, RowPatch::ttl(300)).unwrap();
    for name in ["rival", "text"] {
        delete(&world, name).await;
    }
    assert_eq!(world.rows("web2.example.com").len(), 1);
    assert_eq!(only_row(&world, "web2").ttl, 300);
    world.simulator.delete_row(&rows[0].id).unwrap();
    assert_eq!(contents(&world.simulator.rows()), contents(&there), "no row of others was touched");
    let sent = world.simulator.call_log();
    assert!(sent.iter().all(|call| call.parameter("rr_class_parameters").is_none()), "no mark is sent");
}

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn without_marks_the_policies_hold_and_class_parameters_are_refused(
    #[values(RestBasic, RestNative)] wire: Wire,
) {
    let world = world(wire, "7.3.1").await;
    let same = [foreign(&world, "same", "192.0.2.1"), foreign(&world, "same-never", "192.0.2.1")];
    let other = foreign(&world, "other", "192.0.2.9");
    let kept = foreign(&world, "part", "192.0.2.1");
    world.simulator.reset_calls();
    apply(&world, "same", &a("same", "192.0.2.1")).await;
    apply(&world, "same-never", &never("same-never", "192.0.2.1")).await;
    apply(&world, "other", &a("other", "192.0.2.1")).await;
    apply(&world, "part", &a("part", "192.0.2.1, 192.0.2.2")).await;
    let declared = a("declared", "192.0.2.1") + ", classParameters: {cost_center: \"42\"}";
    apply(&world, "declared", &declared).await;
    in_sync(&world, "same").await;
    for name in ["same-never", "other", "part"] {
        let record = world.until_reason(NAMESPACE, name, "Conflict").await;
        let said = message(&record);
        assert!(said.contains("not as any DnsRecord's status says"), "{name}: {said}");
    }
    let record = world.until_reason(NAMESPACE, "declared", "InvalidValue").await;
    let said = message(&record);
    assert!(said.contains("spec.classParameters") && said.contains("8.0"), "{said}");
    world.a_round("default").await;
    assert_eq!(writes(&world), (0, 0, 0), "an adoption needs no write");
    apply(&world, "declared", &a("declared", "192.0.2.1")).await;
    in_sync(&world, "declared").await;
    assert_eq!(writes(&world), (1, 0, 0));
    // Under Always what is there becomes what is wanted; under Retain what is there stays.
    apply(&world, "other", &(a("other", "192.0.2.1") + ", adoptionPolicy: Always, deletionPolicy: Retain"))
        .await;
    in_sync(&world, "other").await;
    assert_eq!(writes(&world), (1, 1, 0));
    for name in ["same", "same-never", "other", "part", "declared"] {
        delete(&world, name).await;
    }
    assert_eq!(writes(&world), (1, 1, 2), "what was adopted goes, and what was created");
    assert_eq!(only_row(&world, "other").id, other.id);
    assert_eq!(world.rows("other.example.com"), ["A 600 192.0.2.1 | -"]);
    assert_eq!(only_row(&world, "same-never"), same[1]);
    assert_eq!(only_row(&world, "part"), kept);
    assert!(world.simulator.rows_at("same.example.com").is_empty());
}

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn without_marks_writes_that_fail_and_an_operator_that_dies_double_nothing(
    #[values(RestBasic, RestNative)] wire: Wire,
) {
    let mut world = world(wire, "7.3.1").await;
    // Lost answers and refusals in the middle of RRsets with several values, under the strictest policy.
    for (after, kind) in [
        (0, FaultKind::ResetAfterCommit),
        (1, FaultKind::Status { code: 503, body: None, retry_after: None, after_commit: false }),
        (2, FaultKind::Status { code: 500, body: None, retry_after: None, after_commit: true }),
    ] {
        world.simulator.inject(Fault::new("write", kind).after(after).every(5).count(6));
    }
    let yaml: String = (0..20)
        .map(|number| {
            let name = format!("m{number:02}");
            manifest(
                NAMESPACE,
                &name,
                &never(&name, &format!("10.2.0.{number}, 10.2.1.{number}, 10.2.2.{number}")),
            )
        })
        .collect();
    world.apply(&yaml).await;
    world.until_ready(NAMESPACE, 20).await;
    world.simulator.clear_faults();
    for number in 0..20 {
        let expected: Vec<String> = (0..3).map(|part| format!("A 600 10.2.{part}.{number} | -")).collect();
        assert_eq!(world.rows(&format!("m{number:02}.example.com")), expected);
    }

    // Killed between write and status: rows are there, and are taken without a write.
    world.simulator.set_latency(std::time::Duration::from_millis(30));
    world.simulator.reset_calls();
    world.apply(&hosts(60, 600)).await;
    world.until("some are written", async || world.simulator.calls().operation("add") >= 20).await;
    world.kill_operator().await;
    world.simulator.set_latency(std::time::Duration::ZERO);
    world.start_operator().await;
    world.until_ready(NAMESPACE, 80).await;
    assert_eq!(host_rows(&world), expected_hosts(60, 600));
    assert_eq!(writes(&world).1 + writes(&world).2, 0);
}

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn marks_that_are_not_kept_show_themselves_where_the_version_cannot_be_asked(
    #[values(RestBasic, RestNative)] wire: Wire,
) {
    let config = Config { version: "7.3.1".to_owned(), ..Config::default() };
    let mut world = wire.world_with(config, Options::default()).await;
    world.simulator.inject(Fault::new("member_list", FaultKind::Forbidden));
    world
        .solid_server("default", "resyncInterval: 1h\n  defaults: {dnsServer: ns.example.com, ttl: 600}")
        .await;
    world.start_operator().await;
    world.namespace(NAMESPACE).await;
    apply(&world, "web", &never("web", "192.0.2.1")).await;
    in_sync(&world, "web").await;
    for _ in 0..3 {
        world.a_round("default").await;
    }
    let record = world.until_reason(NAMESPACE, "web", "NotStoredAsSent").await;
    assert!(message(&record).contains("k8s_owner"), "{}", message(&record));
    assert_eq!(writes(&world), (1, 1, 0), "it is tried once, not in each round");
    assert_eq!(world.rows("web.example.com"), ["A 600 192.0.2.1 | -"]);
    // Once the version is known, the row is in sync as it is.
    world.simulator.clear_faults();
    world.a_round("default").await;
    in_sync(&world, "web").await;
    delete(&world, "web").await;
    assert!(world.rows("web.example.com").is_empty());
    assert_eq!(writes(&world), (1, 1, 1));
}

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn an_upgrade_in_place_marks_each_row_with_one_edit(#[values(RestBasic, RestNative)] wire: Wire) {
    let world = world(wire, "7.3.1").await;
    let beside = foreign(&world, "beside", "192.0.2.50");
    apply(&world, "web", &never("web", "192.0.2.1, 192.0.2.2")).await;
    apply(&world, "report", &(a("report", "192.0.2.3") + ", driftPolicy: Report")).await;
    world.apply(&hosts(10, 600)).await;
    world.until_ready(NAMESPACE, 12).await;
    world.simulator.reset_calls();
    world.simulator.set_version("8.4.0");
    world.a_round("default").await;
    let record = world.until_reason(NAMESPACE, "report", "Drifted").await;
    assert!(
        message(&record).contains("class parameters k8s_cluster_uid, k8s_owner, k8s_rrset"),
        "{record:?}"
    );
    world.until("each row is marked", async || writes(&world).1 == 12).await;
    assert_eq!(world.rows("web.example.com"), ["A 600 192.0.2.1 | shop/web", "A 600 192.0.2.2 | shop/web"]);
    assert_eq!(world.rows("report.example.com"), ["A 600 192.0.2.3 | -"]);
    world.a_round("default").await;
    assert_eq!(writes(&world), (0, 12, 0));
    assert_eq!(only_row(&world, "beside"), beside);
    let said = said_of_the_appliance(&world).await;
    assert!(said.starts_with("InSync: ") && !said.contains("marks"), "{said}");
}

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn a_lost_mark_is_set_again_only_on_a_row_exactly_as_the_status_says(
    #[values(RestBasic, V2Token, V2Native)] wire: Wire,
) {
    let world = world(wire, "8.4.0").await;
    apply(&world, "never", &never("never", "192.0.2.1, 192.0.2.2")).await;
    apply(&world, "renewed", &never("renewed", "192.0.2.1")).await;
    apply(&world, "moved", &never("moved", "192.0.2.1")).await;
    apply(&world, "report", &(never("report", "192.0.2.1") + ", driftPolicy: Report")).await;
    apply(&world, "claimed", &never("claimed", "192.0.2.1")).await;
    apply(&world, "going", &never("going", "192.0.2.1")).await;
    world.until_ready(NAMESPACE, 6).await;
    // A second DnsRecord whose status claims the same row; only a damaged one does that.
    apply(&world, "claimant", &never("claimed", "192.0.2.1")).await;
    let claimant = world.until_reason(NAMESPACE, "claimant", "Conflict").await;
    let told = world.record(NAMESPACE, "claimed").await.unwrap().status.unwrap();
    let mut status = serde_json::to_value(told).unwrap();
    status["observedGeneration"] = json!(claimant.metadata.generation);
    status["conditions"] = serde_json::to_value(claimant.status.unwrap().conditions).unwrap();
    world
        .records(NAMESPACE)
        .patch_status("claimant", &PatchParams::default(), &Patch::Merge(json!({"status": status})))
        .await
        .unwrap();

    // As a dynamic update does it: the row is made anew, without its parameters and under another id.
    let renewed = only_row(&world, "renewed");
    world.simulator.delete_row(&renewed.id).unwrap();
    foreign(&world, "renewed", "192.0.2.1");
    let (moved, report, claimed) =
        (only_row(&world, "moved"), only_row(&world, "report"), only_row(&world, "claimed"));
    let first = world.simulator.rows_at("never.example.com").remove(0);
    for row in [&first, &moved, &report, &claimed, &only_row(&world, "going")] {
        lose_mark(&world, row);
    }
    world.simulator.patch_row(&moved.id, RowPatch::values(["192.0.2.99"])).unwrap();
    let (moved, claimed, report) =
        (only_row(&world, "moved"), only_row(&world, "claimed"), only_row(&world, "report"));
    world.simulator.reset_calls();
    // One that is deleted before anybody looked: its row goes with it.
    delete(&world, "going").await;
    assert!(world.simulator.rows_at("going.example.com").is_empty());
    world.a_round("default").await;
    for name in ["moved", "claimed", "claimant"] {
        world.until_reason(NAMESPACE, name, "Conflict").await;
    }
    let record = world.until_reason(NAMESPACE, "report", "Drifted").await;
    assert!(message(&record).contains("k8s_owner"), "{}", message(&record));
    for name in ["never", "renewed"] {
        in_sync(&world, name).await;
    }
    assert_eq!(
        world.rows("never.example.com"),
        ["A 600 192.0.2.1 | shop/never", "A 600 192.0.2.2 | shop/never"]
    );
    assert_eq!(world.rows("renewed.example.com"), ["A 600 192.0.2.1 | shop/renewed"]);
    for (name, row) in [("moved", moved), ("claimed", claimed), ("report", report)] {
        assert_eq!(only_row(&world, name), row, "{name}: nothing was written");
    }
    assert_eq!(writes(&world), (0, 2, 1), "one edit for each row that was found again");
    world.a_round("default").await;
    assert_eq!(writes(&world), (0, 2, 1));
}

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn ids_that_change_in_the_middle_of_a_pass_cost_a_reading_and_harm_nobody(
    #[values(RestBasic, V2Token, RestNative)] wire: Wire,
) {
    for version in wire.versions() {
        let world = world(wire, version).await;
        for number in 0..5 {
            foreign(&world, &format!("f{number}"), "192.0.2.200");
        }
        let there = contents(&world.simulator.rows());
        let yaml: String = (0..60)
            .map(|number| {
                let name = format!("h{number:03}");
                manifest(NAMESPACE, &name, &a(&name, &format!("10.1.0.{}", number + 1)))
            })
            .collect();
        world.apply(&yaml).await;
        world.until_ready(NAMESPACE, 60).await;
        world.simulator.reset_calls();
        world.simulator.inject(Fault::new("edit", FaultKind::RenumberIds).after(5));
        // One that was confirmed before, and did not happen: ids of that reading are in doubt, so it is looked at again at once.
        let undone = u64::from(*version == "8.4.0");
        let value = "10.9.9.9".to_owned();
        world.simulator.inject(Fault::new("edit", FaultKind::Rewrite { name: None, value }).count(undone));
        // Another default TTL concerns all of them at once.
        world
            .solid_server("default", "resyncInterval: 1h\n  defaults: {dnsServer: ns.example.com, ttl: 60}")
            .await;
        world.until("all have the new TTL", async || host_rows(&world) == expected_hosts(60, 60)).await;
        world.until_ready(NAMESPACE, 60).await;
        let calls = world.simulator.calls();
        assert_eq!((calls.operation("add"), calls.operation("delete")), (0, 0), "{version}");
        let stale = calls.status(400);
        assert_eq!(calls.operation("edit"), 60 + stale + undone, "{version}: {calls:?}");
        assert!((1..=32).contains(&stale), "{version}: only what was begun used old ids: {calls:?}");
        world.a_round("default").await;
        assert_eq!(world.simulator.calls().operation("edit"), 60 + stale + undone, "{version}");

        // The same while they are deleted.
        world.simulator.clear_faults();
        world.simulator.reset_calls();
        world.simulator.inject(Fault::new("delete", FaultKind::RenumberIds).after(20));
        world.kubectl(&["delete", "dnsrecords", "--all", "-n", NAMESPACE, "--timeout=80s"]).await;
        assert_eq!(contents(&world.simulator.rows()), there, "{version}: no row of others was touched");
        let calls = world.simulator.calls();
        assert_eq!(calls.operation("delete"), 60 + calls.status(400), "{version}: {calls:?}");
        assert!(calls.status(400) >= 1, "{version}: {calls:?}");
    }
}

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn answers_with_rows_of_others_in_them_are_no_answers(
    #[values(RestBasic, V2Token, V2Native)] wire: Wire,
) {
    let world = world(wire, "8.4.0").await;
    foreign(&world, "f0", "192.0.2.200");
    world.apply(&hosts(20, 600)).await;
    world.until_ready(NAMESPACE, 20).await;
    // Rows of members and of other zones at the end of each list; then lists that do not look at the filter at all.
    for (round, kind) in
        [FaultKind::ForeignRows { rows: 1000 }, FaultKind::IgnoreWhere].into_iter().enumerate()
    {
        let there = contents(&world.simulator.rows());
        world.simulator.reset_calls();
        world.simulator.inject(Fault::new("dns_rr_list", kind));
        let ttl = 60 + u32::try_from(round).unwrap();
        world.apply(&hosts(20, ttl)).await;
        apply(&world, "extra", &a(&format!("extra{round}"), "192.0.2.1")).await;
        world.kubectl(&["delete", "dnsrecord", "-n", NAMESPACE, "h019", "--wait=false"]).await;
        world.until_reason(NAMESPACE, "h000", "Retrying").await;
        world
            .until("it was tried several times", async || world.simulator.calls().operation("list") >= 4)
            .await;
        assert_eq!(writes(&world), (0, 0, 0), "nothing is concluded");
        assert_eq!(contents(&world.simulator.rows()), there);
        world.simulator.clear_faults();
        world
            .until("all is as wanted", async || {
                let records = world.all_records(NAMESPACE).await;
                records.len() == 20 && records.iter().all(|record| shows(record, "InSync"))
            })
            .await;
        assert_eq!(host_rows(&world), expected_hosts(19, ttl));
        assert_eq!(world.rows(&format!("extra{round}.example.com")), ["A 600 192.0.2.1 | shop/extra"]);
        let others = |rows: &[RowView]| {
            let mut rows = rows.to_vec();
            rows.retain(|row| !row.name.starts_with('h') && !row.name.starts_with("extra"));
            contents(&rows)
        };
        let kept: Vec<String> = others(&world.simulator.rows());
        let ours = if round == 0 { 20 } else { 21 };
        assert_eq!(kept.len(), there.len() - ours);
        assert!(kept.iter().all(|line| there.contains(line)), "no row of others was touched");
        world.apply(&host(19, ttl)).await;
        world.until_ready(NAMESPACE, 21).await;
    }
}
