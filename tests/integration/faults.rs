//! Reads and writes that go wrong while there is much to do: no write that a good answer would not have led to, the fault has a name on
//! the SolidServer, and all goes on by itself when it ends.

use futures::StreamExt as _;
use kube::api::{Api, DeleteParams, Patch, PatchParams, PostParams};
use rstest::rstest;
use serde_json::json;
use solidserver_operator::api::{DnsRecord, SolidServer};
use solidserver_simulator::{Config, Fault, FaultKind, NewRow, RowPatch, Simulator};

use crate::wire::Wire::{self, RestBasic, V2Token};
use crate::world::{World, shows};

/// Pages of the zone, of ten rows each but for the last.
const PAGES: usize = 5;
/// Rows of the zone that stay, in the order of their ids.
const ROWS: usize = 47;
/// Those that drift, one on each page; one that is asked for anew; one that shall be alone; one that gets lost.
const DRIFTING: [usize; PAGES] = [5, 15, 25, 35, 45];
const CHANGED: usize = 6;
const ALONE: usize = 43;
const LOST: usize = 44;

/// A way to spoil lists.
struct ListFault {
    name: &'static str,
    /// The service that it hits, or the operation.
    service: &'static str,
    kind: FaultKind,
    /// How often it strikes; absent: until it is taken away.
    count: Option<u64>,
    /// The reason and words of the SolidServer's condition; absent where no list is lost by it.
    shown: Option<(&'static str, &'static str)>,
}

impl ListFault {
    const fn new(name: &'static str, kind: FaultKind, shown: (&'static str, &'static str)) -> Self {
        Self { name, service: "dns_rr_list", kind, count: None, shown: Some(shown) }
    }

    /// One that is made good for, or over before anybody could read about it.
    const fn passing(name: &'static str, service: &'static str, kind: FaultKind, count: Option<u64>) -> Self {
        Self { name, service, kind, count, shown: None }
    }
}

fn list_faults() -> Vec<ListFault> {
    let three_less = || FaultKind::ShortPage { missing: Some(3) };
    let nothing = || FaultKind::Empty { code: 204, after_commit: false };
    let list = "dns_rr_list";
    vec![
        ListFault::passing("a short page", list, three_less(), Some(1)),
        ListFault::new("short pages", three_less(), ("Retrying", "rows and counts 48")),
        ListFault::new("a dropped page", FaultKind::DropPage, ("Retrying", "rows and counts 48")),
        ListFault::new("truncated JSON", FaultKind::Truncate, ("Retrying", "is not usable")),
        ListFault::passing("a 204 in between", list, nothing(), Some(1)),
        ListFault::new("a 204 instead of rows", nothing(), ("Retrying", "rows and counts 48")),
        ListFault::new(
            "success=false",
            FaultKind::SuccessFalse { message: Some("out of memory".to_owned()), after_commit: false },
            ("Retrying", "out of memory"),
        ),
        ListFault::new("a web page", FaultKind::Html { after_commit: false }, ("Retrying", "is not usable")),
        ListFault::new("an ignored filter", FaultKind::IgnoreWhere, ("Retrying", "is not usable")),
        ListFault::passing("an ignored order", list, FaultKind::IgnoreOrderby, None),
        ListFault::new("rows of others", FaultKind::ForeignRows { rows: 2 }, ("Retrying", "is not usable")),
        ListFault::new("withdrawn rights", FaultKind::Blind, ("NotVisible", "does not show its SOA record")),
        ListFault::passing("ids renumbered within a list", list, FaultKind::RenumberIds, Some(1)),
        ListFault::passing("ids renumbered between list and write", "write", FaultKind::RenumberIds, Some(1)),
        ListFault::new("no answer", FaultKind::Hang { after_commit: false }, ("Unreachable", "no answer")),
    ]
}

/// One appliance with a SolidServer and a namespace of its own: each page is spoilt at one of them, all at the same time.
struct Site {
    page: usize,
    name: String,
    simulator: Simulator,
    records: Api<DnsRecord>,
    solid_servers: Api<SolidServer>,
    /// Owner names of the rows that stay, in the order of their ids.
    hosts: Vec<String>,
}

impl Site {
    async fn new(world: &World, page: usize) -> Self {
        let simulator = Simulator::start(world.wire.configured(Config::default())).await.unwrap();
        let name = format!("page{page}");
        let there = simulator
            .rows()
            .iter()
            .filter(|row| row.zone == "example.com" && row.server == "ns.example.com")
            .count();
        assert!(there < CHANGED, "the first rows of the zone are nobody's");
        let mut hosts = vec![String::new(); there];
        for number in there..ROWS {
            let host = format!("h{number:02}");
            let row =
                NewRow::new(format!("{host}.example.com"), "A", [&*format!("10.0.0.{number}")]).ttl(600);
            simulator.add_row(row.server("ns.example.com")).unwrap();
            hosts.push(host);
        }
        world.namespace(&name).await;
        world
            .solid_server_beside(
                &name,
                &simulator,
                "resyncInterval: 1h\n  limits: {pageSize: 10}\n  defaults: {dnsServer: ns.example.com, ttl: 600}",
            )
            .await;
        let site = Self {
            page,
            records: world.records(&name),
            solid_servers: Api::all(world.client.clone()),
            name,
            simulator,
            hosts,
        };
        for number in DRIFTING.into_iter().chain([CHANGED, ALONE, LOST]) {
            site.create(&site.hosts[number], &format!("10.0.0.{number}")).await;
        }
        site.create("n00", "10.0.1.0").await;
        site
    }

    async fn create(&self, name: &str, value: &str) {
        let record = json!({
            "apiVersion": "solidserver.dev/v1alpha1", "kind": "DnsRecord",
            "metadata": {"name": name, "namespace": self.name},
            "spec": {
                "fqdn": format!("{name}.example.com"), "type": "A", "values": [value], "ttl": 600,
                "adoptionPolicy": "Always", "solidServerRef": {"name": self.name},
            },
        });
        let record: DnsRecord = serde_json::from_value(record).unwrap();
        self.records.create(&PostParams::default(), &record).await.unwrap();
    }

    async fn suspend(&self, suspend: bool) {
        let patch = json!({"spec": {"suspend": suspend}});
        self.solid_servers.patch(&self.name, &PatchParams::default(), &Patch::Merge(&patch)).await.unwrap();
    }

    /// Reason and message of the SolidServer's Ready condition, for its present generation.
    async fn said(&self) -> Option<(String, String)> {
        let object = self.solid_servers.get(&self.name).await.unwrap();
        let status = object.status.unwrap_or_default();
        let ready = status.conditions.into_iter().find(|condition| condition.type_ == "Ready")?;
        (Some(status.observed_generation) == object.metadata.generation)
            .then_some((ready.reason, ready.message))
    }

    async fn until_said(&self, world: &World, reason: &str, words: &str) {
        world
            .until(&format!("{}: {reason} ({words})", self.name), async || {
                self.said().await.is_some_and(|(shown, message)| shown == reason && message.contains(words))
            })
            .await;
    }

    fn patch_row(&self, number: usize, patch: RowPatch) {
        let rows = self.simulator.rows_at(&format!("{}.example.com", self.hosts[number]));
        self.simulator.patch_row(&rows[0].id, patch).unwrap();
    }

    /// `name ttl value mark` of all rows of the zone that DnsRecords or this test made, sorted.
    fn rows(&self) -> Vec<String> {
        let rows = self.simulator.rows().into_iter().filter(|row| row.record_type == "A");
        let rows = rows.filter(|row| row.name.starts_with('h') || row.name.starts_with('n'));
        let mut rows: Vec<String> = rows
            .filter(|row| row.server == "ns.example.com" && row.zone == "example.com")
            .map(|row| {
                let owner = row.class_parameters.get("k8s_owner").map_or("-", String::as_str);
                format!("{} {} {} {owner}", row.name, row.ttl, row.values[0])
            })
            .collect();
        rows.sort();
        rows
    }

    /// What must be there after fault number `number`.
    fn expected(&self, number: usize) -> Vec<String> {
        let owned: Vec<usize> = DRIFTING.into_iter().chain([CHANGED, ALONE, LOST]).collect();
        let hosts = self.hosts.iter().enumerate().filter(|(_, host)| !host.is_empty());
        let mut rows: Vec<String> = hosts
            .map(|(row, host)| {
                let ttl = if row == CHANGED { 600 + number } else { 600 };
                let owner =
                    if owned.contains(&row) { format!("test/{}/{host}", self.name) } else { "-".to_owned() };
                format!("{host}.example.com {ttl} 10.0.0.{row} {owner}")
            })
            .collect();
        rows.push(format!("n{number:02}.example.com 600 10.0.1.{number} test/{}/n{number:02}", self.name));
        rows.sort();
        rows
    }

    /// Whether every DnsRecord is in sync, the deleted one gone and the new one there.
    async fn is_settled(&self, number: usize) -> bool {
        let records = self.records.list(&kube::api::ListParams::default()).await.unwrap().items;
        let new = format!("n{number:02}");
        records.len() == DRIFTING.len() + 4
            && records.iter().any(|record| record.metadata.name.as_ref() == Some(&new))
            && records.iter().all(|record| shows(record, "InSync"))
    }

    /// Much is to be done, and lists go wrong from this site's page on.
    async fn suffer(&self, world: &World, fault: &ListFault, number: usize) {
        let case = format!("{} at page {}", fault.name, self.page);
        self.suspend(true).await;
        self.until_said(world, "Suspended", "").await;
        // What people change.
        let patch = json!({"spec": {"ttl": 600 + number}});
        let changed = &self.hosts[CHANGED];
        self.records.patch(changed, &PatchParams::default(), &Patch::Merge(&patch)).await.unwrap();
        self.create(&format!("n{number:02}"), &format!("10.0.1.{number}")).await;
        self.records.delete(&format!("n{:02}", number - 1), &DeleteParams::default()).await.unwrap();
        // What changes behind the operator's back: on each page, and a row too many and one too few.
        for row in DRIFTING {
            self.patch_row(row, RowPatch::ttl(77));
        }
        let extra = NewRow::new(format!("{}.example.com", self.hosts[ALONE]), "A", ["10.9.9.9"]).ttl(600);
        self.simulator.add_row(extra.server("ns.example.com")).unwrap();
        let lost = self.simulator.rows_at(&format!("{}.example.com", self.hosts[LOST]));
        self.simulator.delete_row(&lost[0].id).unwrap();

        self.simulator.reset_calls();
        let mut spoilt = Fault::new(fault.service, fault.kind.clone()).after(self.page as u64);
        spoilt.count = fault.count;
        self.simulator.inject(spoilt);
        if fault.kind == FaultKind::Blind {
            self.simulator.inject(Fault::new("dns_rr_count", FaultKind::Blind));
        }
        self.suspend(false).await;
        if let Some((reason, words)) = fault.shown {
            self.until_said(world, reason, words).await;
            assert_eq!(self.simulator.calls().writes(), 0, "{case}: {:?}", self.simulator.call_log());
            assert!(self.simulator.faults()[0].hits > 0, "{case}");
            self.simulator.clear_faults();
        }
        world.until(&format!("{case}: all is settled"), async || self.is_settled(number).await).await;
        self.until_said(world, "InSync", "").await;
        // One more look finds nothing to be done; and what was put right once may be changed again without being contested.
        world.a_round(&self.name).await;
        assert_eq!(self.rows(), self.expected(number), "{case}");
        let log = self.simulator.call_log();
        let done = |operation: &str| {
            let done = |status: u16| (200..300).contains(&status);
            log.iter().filter(|call| call.operation == operation && call.status.is_some_and(done)).count()
        };
        assert_eq!((done("add"), done("edit"), done("delete")), (2, 6, 2), "{case}: {log:?}");
        if fault.service != "write" {
            assert_eq!(self.simulator.calls().writes(), 10, "{case}: {log:?}");
        }
        if fault.shown.is_none() {
            assert!(self.simulator.faults()[0].hits > 0, "{case}: it did not strike");
            self.simulator.clear_faults();
        }
    }
}

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn a_spoilt_list_leads_to_no_write_has_a_name_and_is_got_over(
    #[values(RestBasic, V2Token)] wire: Wire,
) {
    let mut world = wire.world().await;
    world.start_operator().await;
    let world = world;
    let sites = futures::future::join_all((0..PAGES).map(|page| Site::new(&world, page))).await;
    for site in &sites {
        world.until("all are there", async || site.is_settled(0).await).await;
        site.until_said(&world, "InSync", "").await;
        assert_eq!(site.rows(), site.expected(0));
    }
    for (number, fault) in list_faults().iter().enumerate() {
        futures::future::join_all(sites.iter().map(|site| site.suffer(&world, fault, number + 1))).await;
    }
    for site in sites {
        site.simulator.shutdown().await;
    }
}

const MANY: usize = 1000;

fn host(number: usize) -> String {
    format!("m{number:04}")
}

fn address(net: usize, number: usize) -> String {
    format!("10.{net}.{}.{}", number / 250, number % 250 + 1)
}

/// `name ttl value mark` of all rows of these tests, sorted.
fn many_rows(world: &World) -> Vec<String> {
    let rows =
        world.simulator.rows().into_iter().filter(|row| row.name.starts_with('m') && row.record_type == "A");
    let mut rows: Vec<String> = rows
        .map(|row| {
            let owner = row.class_parameters.get("k8s_owner").map_or("-", String::as_str);
            format!("{} {} {} {owner}", row.name, row.ttl, row.values.join(" "))
        })
        .collect();
    rows.sort();
    rows
}

fn expected_many(net: usize) -> Vec<String> {
    let row = |number| {
        let host = host(number);
        format!("{host}.example.com 600 {} test/shop/{host}", address(net, number))
    };
    (0..MANY).map(row).collect()
}

/// One write in ten gets no answer: a third of those before it took effect, a third after it, and a third never ends.
fn lose_one_write_in_ten(world: &World) {
    let kinds =
        [FaultKind::ResetBeforeCommit, FaultKind::ResetAfterCommit, FaultKind::Hang { after_commit: true }];
    for (kind, after) in kinds.into_iter().zip([0, 10, 20]) {
        world.simulator.inject(Fault::new("write", kind).every(30).after(after));
    }
}

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_creates_and_a_thousand_edits_survive_that_one_write_in_ten_gets_no_answer(
    #[values(RestBasic, V2Token)] wire: Wire,
) {
    let mut world = wire.world().await;
    world
        .solid_server(
            "default",
            "resyncInterval: 1h\n  limits: {concurrency: 32, requestTimeout: 3s}\n  \
             defaults: {dnsServer: ns.example.com, ttl: 600}",
        )
        .await;
    world.start_operator().await;
    world.namespace("shop").await;
    let records = world.records("shop");
    lose_one_write_in_ten(&world);
    let created: Vec<_> = futures::stream::iter(0..MANY)
        .map(|number| {
            let (records, host) = (records.clone(), host(number));
            async move {
                let record = json!({
                    "apiVersion": "solidserver.dev/v1alpha1", "kind": "DnsRecord", "metadata": {"name": host},
                    "spec": {"fqdn": format!("{host}.example.com"), "type": "A", "values": [address(1, number)]},
                });
                let record: DnsRecord = serde_json::from_value(record).unwrap();
                records.create(&PostParams::default(), &record).await
            }
        })
        .buffer_unordered(20)
        .collect()
        .await;
    assert!(created.iter().all(Result::is_ok));
    settle(&world, 1, "add").await;

    world.simulator.reset_calls();
    lose_one_write_in_ten(&world);
    let edited: Vec<_> = futures::stream::iter(0..MANY)
        .map(|number| {
            let (records, host) = (records.clone(), host(number));
            async move {
                let patch = json!({"spec": {"values": [address(2, number)]}});
                records.patch(&host, &PatchParams::default(), &Patch::Merge(&patch)).await
            }
        })
        .buffer_unordered(20)
        .collect()
        .await;
    assert!(edited.iter().all(Result::is_ok));
    settle(&world, 2, "edit").await;
}

/// Waits until all is in sync: exactly the rows that are wanted, by few more writes than there are.
async fn settle(world: &World, net: usize, operation: &str) {
    // Bit by bit: on a busy machine a thousand take longer than anything that is waited for may.
    let expected = expected_many(net);
    for part in 1..=10 {
        world
            .until(&format!("{part} tenths are there"), async || {
                let there = many_rows(world);
                expected.iter().filter(|row| there.binary_search(row).is_ok()).count() >= MANY / 10 * part
            })
            .await;
    }
    world.until_ready("shop", MANY).await;
    let (faults, calls) = (world.simulator.faults(), world.simulator.calls());
    world.simulator.clear_faults();
    assert_eq!(many_rows(world), expected);
    assert!(faults.iter().all(|fault| fault.hits >= 30), "{faults:?}");
    assert_eq!(calls.writes(), calls.operation(operation), "nothing but what was asked for: {calls:?}");
    let most = MANY as u64 * 12 / 10;
    assert!((MANY as u64..=most).contains(&calls.writes()), "{} writes for {MANY} changes", calls.writes());
    // A last look at all of it finds nothing more to be done.
    world.a_round("default").await;
    assert_eq!(many_rows(world), expected);
    assert_eq!(world.simulator.calls().writes(), calls.writes());
}
