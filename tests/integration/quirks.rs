//! Every open question about the appliance, with each of its answers: one suite, run in both dialects against one simulator per
//! answer. The logins take turns.
//!
//! Where the operator cannot work with an answer, the record says so; [`EXCEPTIONS`] is the whole list. With the environment
//! variable `QUIRK=name` only the answers of that quirk are tried.

use std::sync::Arc;
use std::time::Duration;

use kube::api::{DeleteParams, Patch, PatchParams};
use rstest::rstest;
use serde_json::{Value, json};
use solidserver_simulator::{
    Config, Fault, FaultKind, RateLimit, RowPatch, RowView, Seed, SeedServer, SeedZone, Simulator, quirks,
};
use tokio::sync::Semaphore;

use crate::control_plane::Options;
use crate::wire::{SECRET, TOKEN_ID, Wire};
use crate::world::{World, describe, message, shows};

/// Quirk, answer, record, and the reason that the record shows instead of InSync.
const EXCEPTIONS: &[(&str, &str, &str, &str)] = &[
    // One column per field is what is documented for all types that are documented; an appliance that wants these
    // types otherwise refuses them, and says so.
    ("caa-layout", "packed", "caa", "Rejected"),
    ("tlsa-layout", "packed", "tlsa", "Rejected"),
    ("sshfp-layout", "packed", "sshfp", "Rejected"),
    ("uri-layout", "packed", "uri", "Rejected"),
    ("svcb-layout", "packed", "https", "Rejected"),
    // What it does not keep cannot be in DNS.
    ("txt-storage", "cut-255", "long", "NotStoredAsSent"),
    ("txt-storage", "reject-255", "long", "Rejected"),
    ("ttl-floor", "5", "fast", "NotStoredAsSent"),
    ("ttl-floor", "60", "fast", "NotStoredAsSent"),
    ("empty-class-parameter-value", "deleted", "empty-parameter", "NotStoredAsSent"),
];

/// Records that only tell something with one quirk, and without any.
const ONLY_WITH: &[(&str, &str)] = &[
    ("tlsa", "tlsa-layout"),
    ("sshfp", "sshfp-layout"),
    ("uri", "uri-layout"),
    ("https", "svcb-layout"),
    ("long", "txt-storage"),
    ("fast", "ttl-floor"),
    ("empty-parameter", "empty-class-parameter-value"),
];

/// How many suites run side by side.
const SIDE_BY_SIDE: usize = 8;

const SHA256: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

/// A quirk with an answer; none is the appliance as it is assumed to be.
type Quirk = Option<(&'static str, &'static str)>;

/// A record, and the rows that it shall have: `TYPE TTL values`.
struct Wanted {
    name: &'static str,
    fqdn: &'static str,
    spec: Value,
    reason: &'static str,
    rows: Vec<String>,
}

impl Wanted {
    fn new<const V: usize, const R: usize>(
        name: &'static str,
        fqdn: &'static str,
        record_type: &str,
        values: [&str; V],
        rows: [&str; R],
    ) -> Self {
        let spec = json!({"fqdn": fqdn, "type": record_type, "values": values.as_slice()});
        Self { name, fqdn, spec, reason: "InSync", rows: rows.map(String::from).to_vec() }
    }

    fn with(mut self, field: &str, value: Value) -> Self {
        self.spec[field] = value;
        self
    }

    /// It stays away from the rows that are there, all of others.
    fn refused(mut self, reason: &'static str) -> Self {
        self.reason = reason;
        self
    }
}

/// Texts that the appliance may keep in another form.
fn text(quirk: Quirk, text: &str) -> String {
    match quirk {
        Some(("txt-storage", "quoted")) => format!("\"{}\"", text.replace('"', "\\\"")),
        _ => text.to_owned(),
    }
}

fn long_text(quirk: Quirk) -> String {
    match quirk {
        Some(("txt-storage", "unquoted")) => "k".repeat(300),
        _ => format!("\"{}\" \"{}\"", "k".repeat(255), "k".repeat(45)),
    }
}

fn address(quirk: Quirk, last: u8) -> String {
    match quirk {
        Some(("aaaa-storage", "compressed")) => format!("2001:db8::{last}"),
        _ => format!("2001:0db8:0000:0000:0000:0000:0000:{last:04}"),
    }
}

/// What is wanted at first.
#[rustfmt::skip]
fn first(quirk: Quirk) -> Vec<Wanted> {
    let row = |record_type: &str, values: &str| format!("{record_type} 600 {values}");
    let mut wanted = vec![
        Wanted::new("a", "a.example.com", "A", ["192.0.2.1", "192.0.2.2"], ["A 600 192.0.2.1", "A 600 192.0.2.2"]),
        Wanted::new("aaaa", "AAAA.Example.com", "AAAA", ["2001:DB8::1"], [&row("AAAA", &address(quirk, 1))]),
        Wanted::new("mx", "mx.example.com", "MX", ["10 MX1.example.com."], ["MX 600 10 mx1.example.com"]),
        Wanted::new("txt", "txt.example.com", "TXT", ["say \"hi\"; ü"], [&row("TXT", &text(quirk, "say \"hi\"; ü"))]),
        Wanted::new("caa", "caa.example.com", "CAA", ["0 issue \"ca.example\""], ["CAA 600 0 issue ca.example"]),
        Wanted::new("delegation", "sub.example.com", "NS", ["ns1.example.net."], ["NS 600 ns1.example.net"]),
        Wanted::new("apex", "example.com", "MX", ["10 mx.example.com"], ["MX 600 10 mx.example.com"]),
        Wanted::new("turncoat", "turncoat.example.com", "CNAME", ["a.example.com"], ["CNAME 600 a.example.com"]),
        Wanted::new("renamed", "before.example.com", "A", ["192.0.2.4"], ["A 600 192.0.2.4"]),
        Wanted::new("tlsa", "_443._tcp.a.example.com", "TLSA", [&format!("3 1 1 {SHA256}")], [&row("TLSA", &format!("3 1 1 {SHA256}"))]),
        Wanted::new("sshfp", "sshfp.example.com", "SSHFP", [&format!("4 2 {SHA256}")], [&row("SSHFP", &format!("4 2 {SHA256}"))]),
        Wanted::new("uri", "_http._tcp.example.com", "URI", ["10 1 \"https://example.com/\""], ["URI 600 10 1 https://example.com/"]),
        Wanted::new("https", "https.example.com", "HTTPS", ["1 . alpn=h2 port=8443"], ["HTTPS 600 1 . alpn=h2 port=8443"]),
        Wanted::new("long", "long.example.com", "TXT", [&"k".repeat(300)], [&row("TXT", &long_text(quirk))]),
        Wanted::new("fast", "fast.example.com", "A", ["192.0.2.5"], ["A 1 192.0.2.5"]).with("ttl", 1.into()),
        Wanted::new("empty-parameter", "parameter.example.com", "A", ["192.0.2.6"], ["A 600 192.0.2.6"])
            .with("classParameters", json!({"cost": "42", "nothing": ""})),
        // Rows of others: adopted, or left alone.
        Wanted::new("identical", "identical.example.com", "A", ["192.0.2.50"], ["A 600 192.0.2.50"]),
        Wanted::new("different", "different.example.com", "A", ["192.0.2.60"], []).refused("Conflict"),
        Wanted::new("upper", "upper.example.com", "A", ["192.0.2.61"], []).refused("Conflict"),
        Wanted::new("marked", "marked.example.com", "A", ["192.0.2.52"], []).refused("Conflict").with("adoptionPolicy", "Always".into()),
        Wanted::new("beside-cname", "alias.example.com", "A", ["192.0.2.62"], []).refused("Conflict").with("adoptionPolicy", "Always".into()),
        Wanted::new("heir", "heir.inherits.example.com", "A", ["192.0.2.63"], []).refused("Conflict"),
        // The appliance refuses this one: see `suite`.
        Wanted::new("refused", "refused.example.com", "A", ["192.0.2.64"], []).refused("Rejected"),
    ];
    wanted.retain(|wanted| {
        let only = ONLY_WITH.iter().find(|(record, _)| *record == wanted.name);
        only.zip(quirk).is_none_or(|((_, only), (quirk, _))| *only == quirk)
    });
    if let Some((quirk, answer)) = quirk {
        for exception in EXCEPTIONS.iter().filter(|exception| (exception.0, exception.1) == (quirk, answer)) {
            let wanted = wanted.iter_mut().find(|wanted| wanted.name == exception.2);
            wanted.expect("the exception is about a record").reason = exception.3;
        }
    }
    wanted
}

/// What is wanted afterwards of some of them: another value or TTL, type or name, or policy.
#[rustfmt::skip]
fn changed(quirk: Quirk) -> Vec<Wanted> {
    let row = |record_type: &str, values: &str| format!("{record_type} 300 {values}");
    let mut changed = vec![
        Wanted::new("a", "a.example.com", "A", ["192.0.2.1", "192.0.2.3"], ["A 300 192.0.2.1", "A 300 192.0.2.3"]),
        Wanted::new("aaaa", "AAAA.Example.com", "AAAA", ["2001:DB8::2"], [&row("AAAA", &address(quirk, 2))]),
        Wanted::new("mx", "mx.example.com", "MX", ["20 mx1.example.com."], ["MX 300 20 mx1.example.com"]),
        Wanted::new("txt", "txt.example.com", "TXT", ["say \"ho\"; ü"], [&row("TXT", &text(quirk, "say \"ho\"; ü"))]),
        Wanted::new("turncoat", "turncoat.example.com", "A", ["192.0.2.7"], ["A 300 192.0.2.7"]),
        Wanted::new("renamed", "after.example.com", "A", ["192.0.2.4"], ["A 300 192.0.2.4"]),
        Wanted::new("different", "different.example.com", "A", ["192.0.2.60"], ["A 300 192.0.2.60"]).with("adoptionPolicy", "Always".into()),
    ];
    for wanted in &mut changed {
        wanted.spec["ttl"] = 300.into();
    }
    changed
}

/// Zones with rows of others, and with class parameters that rows only inherit.
fn seed(namespace: &str, quirk: Quirk) -> Seed {
    let fill = match quirk {
        Some(("page-cap" | "list-limit", "500" | "1000")) => 1100,
        Some(("page-cap" | "list-limit", "100")) => 130,
        _ => 15,
    };
    let mut example = SeedZone::master("example.com")
        .record("identical", "A", ["192.0.2.50"])
        .record("different", "A", ["192.0.2.51"])
        .record("UPPER", "A", ["192.0.2.53"])
        .record("marked", "A", ["192.0.2.52"])
        .record("alias", "CNAME", ["www.example.net"])
        .record("bystander", "TXT", ["leave me alone"])
        .class_parameter("site", "north")
        .fill(fill);
    for record in &mut example.records {
        match record.name.as_str() {
            "identical" => record.ttl = Some(600),
            "different" => drop(record.class_parameters.insert("ticket".to_owned(), "7".to_owned())),
            "marked" => {
                drop(record.class_parameters.insert("k8s_owner".to_owned(), "other/shop/www".to_owned()))
            }
            _ => {}
        }
    }
    // The mark of one of our records, but the zone's: no row below is ours for that.
    let inherits = SeedZone::master("inherits.example.com")
        .record("heir", "A", ["192.0.2.54"])
        .class_parameter("k8s_owner", format!("test/{namespace}/heir"));
    let server = SeedServer::new("ns.example.com").member("ns1.example.com").zone(example).zone(inherits);
    Seed { servers: vec![server] }
}

/// One run of the suite.
struct Suite {
    world: Arc<World>,
    simulator: Simulator,
    /// The SolidServer, and the namespace of its records.
    name: String,
    quirk: Quirk,
    wire: Wire,
}

impl Suite {
    fn label(&self) -> String {
        let quirk =
            self.quirk.map_or_else(|| "no quirk".to_owned(), |(name, answer)| format!("{name}={answer}"));
        format!("{quirk} ({:?})", self.wire)
    }

    async fn apply(&self, wanted: &[Wanted]) {
        let records = self.world.records(&self.name);
        for one in wanted {
            let mut spec = one.spec.clone();
            spec["solidServerRef"] = json!({"name": self.name});
            let record = json!({
                "apiVersion": "solidserver.dev/v1alpha1",
                "kind": "DnsRecord",
                "metadata": {"name": one.name, "namespace": self.name},
                "spec": spec,
            });
            let parameters = PatchParams::apply("quirks").force();
            records.patch(one.name, &parameters, &Patch::Apply(&record)).await.expect("it is applied");
        }
    }

    /// Waits until the records show what they should; those of which the appliance keeps something else need a few readings.
    async fn until_settled(&self, wanted: &[Wanted]) {
        for _ in 0..4 {
            let what = format!(
                "{}: {:?}",
                self.label(),
                wanted.iter().map(|one| (one.name, one.reason)).collect::<Vec<_>>()
            );
            let unstored = wanted.iter().any(|one| one.reason == "NotStoredAsSent");
            self.world
                .until(&what, async || {
                    let records = self.world.all_records(&self.name).await;
                    let settled = wanted.iter().all(|one| {
                        records.iter().any(|record| {
                            record.metadata.name.as_deref() == Some(one.name)
                                && (shows(record, one.reason)
                                    || one.reason == "NotStoredAsSent" && shows(record, "InSync"))
                        })
                    });
                    if !settled {
                        tokio::time::sleep(Duration::from_millis(150)).await;
                    }
                    settled
                })
                .await;
            if !unstored {
                return;
            }
            self.world.a_round(&self.name).await;
        }
        for one in wanted {
            let record = self.world.record(&self.name, one.name).await.expect("it is there");
            assert!(
                shows(&record, one.reason),
                "{}: {} is not {}: {}",
                self.label(),
                one.name,
                one.reason,
                message(&record)
            );
        }
    }

    /// The rows at a name, sorted: `TYPE TTL values`, and whose they are.
    fn rows(&self, fqdn: &str) -> Vec<String> {
        let rows = self.simulator.rows_at(fqdn);
        let mut rows: Vec<String> = rows
            .iter()
            .filter(|row| !row.pending_delete && row.record_type != "SOA")
            .filter(|row| fqdn != "example.com" || row.record_type != "NS")
            .map(describe)
            .collect();
        rows.sort();
        rows
    }

    /// The rows of all records that are in sync are exactly those that are wanted. Pushed later they appear later.
    async fn check_rows(&self, wanted: &[Wanted]) {
        for one in wanted.iter().filter(|one| one.reason == "InSync") {
            let expected: Vec<String> =
                one.rows.iter().map(|row| format!("{row} | {}/{}", self.name, one.name)).collect();
            assert_eq!(self.rows(one.fqdn), expected, "{}: {}", self.label(), one.name);
        }
        for one in wanted.iter().filter(|one| one.reason == "NotStoredAsSent") {
            let rows = self.rows(one.fqdn);
            let mark = format!(" | {}/{}", self.name, one.name);
            assert!(rows.len() == 1 && rows[0].ends_with(&mark), "{}: {rows:?}", self.label());
            assert!(
                !one.rows.contains(&rows[0].replace(&mark, "")) || one.name == "empty-parameter",
                "{}: {rows:?}",
                self.label()
            );
        }
        for one in wanted.iter().filter(|one| one.reason == "Rejected") {
            assert_eq!(self.rows(one.fqdn), [] as [String; 0], "{}: {}", self.label(), one.name);
        }
    }

    /// Rows that are nobody's, or another owner's, and that no record may adopt.
    fn foreign(&self) -> Vec<RowView> {
        let mut rows = self.simulator.rows();
        rows.retain(|row| {
            let ours = row.class_parameters.get("k8s_owner").is_some_and(|owner| owner.starts_with("test/"));
            let adopted = ["identical.example.com", "different.example.com"].contains(&row.name.as_str());
            !ours && !adopted && row.record_type != "SOA"
        });
        rows
    }

    fn writes(&self) -> (u64, u64, u64) {
        let calls = self.simulator.calls();
        (calls.operation("add"), calls.operation("edit"), calls.operation("delete"))
    }

    async fn nothing_is_written(&self, when: &str) {
        self.simulator.reset_calls();
        self.world.a_round(&self.name).await;
        assert_eq!(self.writes(), (0, 0, 0), "{}: {when}", self.label());
    }

    /// It spoke as it was told to; only `/rest` knows the version.
    fn check_wire(&self) {
        for call in self.simulator.call_log() {
            let dialect = call.object == "member" || call.dialect == Some(self.wire.dialect());
            assert!(dialect && call.login == self.wire.kind(), "{}: {call:?}", self.label());
        }
    }

    /// The whole suite.
    async fn run(&self) {
        let label = self.label();
        let foreign = self.foreign();
        self.simulator.inject(
            Fault::new(
                "add",
                FaultKind::Reject { message: Some("No, not this one".to_owned()), severity: None },
            )
            .with_parameter("rr_name", "refused.example.com"),
        );

        // Created, adopted and refused; a second round has nothing to do.
        let mut wanted = first(self.quirk);
        self.apply(&wanted).await;
        self.until_settled(&wanted).await;
        self.check_rows(&wanted).await;
        let refused = self.world.record(&self.name, "refused").await.expect("it is there");
        assert!(message(&refused).contains("No, not this one"), "{label}: {}", message(&refused));
        self.nothing_is_written("after the creation").await;

        // Changed: one edit for each row, but for a new name and type; and taken over.
        self.simulator.reset_calls();
        let changed = changed(self.quirk);
        self.apply(&changed).await;
        for one in changed {
            wanted.retain(|before| before.name != one.name);
            wanted.push(one);
        }
        self.until_settled(&wanted).await;
        self.check_rows(&wanted).await;
        assert_eq!(self.writes(), (2, 6, 2), "{label}");
        assert_eq!(self.rows("before.example.com"), [] as [String; 0], "{label}");
        let taken = self.simulator.rows_at("different.example.com");
        assert_eq!(taken[0].class_parameters.get("ticket").map(String::as_str), Some("7"), "{label}");
        self.nothing_is_written("after the change").await;

        // Drift: another TTL, another value, a row that is gone.
        self.simulator.reset_calls();
        self.drift();
        self.world.a_round(&self.name).await;
        self.until_settled(&wanted).await;
        self.check_rows(&wanted).await;
        assert_eq!(self.writes(), (1, 2, 0), "{label}");
        self.nothing_is_written("after the repair").await;

        self.provoke().await;

        // Deleted: nothing of ours is left, and nothing of others was touched.
        let records = self.world.records(&self.name);
        records
            .delete_collection(&DeleteParams::default(), &kube::api::ListParams::default())
            .await
            .expect("deleted");
        let what = format!("{label}: all records are gone");
        self.world.until(&what, async || self.world.all_records(&self.name).await.is_empty()).await;
        let left: Vec<String> = self
            .simulator
            .rows()
            .iter()
            .filter(|row| {
                !row.pending_delete
                    && row.class_parameters.get("k8s_owner").is_some_and(|owner| owner.starts_with("test/"))
            })
            .map(describe)
            .collect();
        assert_eq!(left, [] as [String; 0], "{label}");
        assert_eq!(self.foreign(), foreign, "{label}");
        self.check_wire();
    }

    fn drift(&self) {
        let id = |fqdn: &str, value: &str| {
            let row = self
                .simulator
                .rows_at(fqdn)
                .into_iter()
                .find(|row| row.values.iter().any(|other| other == value));
            row.unwrap_or_else(|| panic!("{}: no row {fqdn} {value}", self.label())).id
        };
        self.simulator.patch_row(&id("a.example.com", "192.0.2.1"), RowPatch::ttl(77)).expect("changed");
        self.simulator
            .patch_row(&id("mx.example.com", "mx1.example.com"), RowPatch::values(["5", "mx9.example.com"]))
            .expect("changed");
        self.simulator.delete_row(&id("a.example.com", "192.0.2.3")).expect("deleted");
    }

    /// What the quirk is about, when it shows in trouble only: nobody is stalled for it, and all goes on afterwards.
    async fn provoke(&self) {
        let Some((quirk, _)) = self.quirk else { return };
        let late = Wanted::new("late", "late.example.com", "A", ["192.0.2.70"], ["A 600 192.0.2.70"]);
        match quirk {
            "auth-failure-body" => {
                self.wire.change_secret(&self.simulator, "another");
                self.apply(std::slice::from_ref(&late)).await;
                self.world.until_reason(&self.name, "late", "Unauthorized").await;
                self.wire.change_secret(&self.simulator, SECRET);
            }
            "forbidden-code" => {
                self.simulator.inject(Fault::new("dns_rr_list", FaultKind::Forbidden));
                // What was read just now would serve for a while.
                self.world.ask_for_a_round(&self.name).await;
                let what = format!("{}: the fault is met", self.label());
                self.world
                    .until(&what, async || {
                        self.simulator
                            .faults()
                            .iter()
                            .any(|fault| fault.hits > 0 && fault.fault.kind == FaultKind::Forbidden)
                    })
                    .await;
                self.apply(std::slice::from_ref(&late)).await;
                let what = format!("{}: the record says that it waits", self.label());
                self.world
                    .until(&what, async || {
                        let record = self.world.record(&self.name, "late").await;
                        record.is_some_and(|record| {
                            ["Forbidden", "Retrying"].iter().any(|reason| shows(&record, reason))
                        })
                    })
                    .await;
                self.simulator.clear_faults();
            }
            "retry-after" => {
                self.simulator.set_rate_limit(Some(RateLimit { calls: 1, window: Duration::from_secs(1) }));
                self.world.ask_for_a_round(&self.name).await;
                self.apply(std::slice::from_ref(&late)).await;
                let what = format!("{}: the limit is met", self.label());
                self.world.until(&what, async || self.simulator.calls().status(429) > 0).await;
                self.simulator.set_rate_limit(None);
            }
            "url-limit" => {
                // Names that do not fit into one request together.
                let records = self.world.records(&self.name);
                for number in 0..50 {
                    let label = |letter: &str| letter.repeat(60);
                    let fqdn = format!("n{number}.{}.{}.{}.example.com", label("a"), label("b"), label("c"));
                    let record = json!({
                        "apiVersion": "solidserver.dev/v1alpha1",
                        "kind": "DnsRecord",
                        "metadata": {"name": format!("long-{number}"), "namespace": self.name},
                        "spec": {"fqdn": fqdn, "type": "A", "values": ["192.0.2.80"], "solidServerRef": {"name": self.name}},
                    });
                    let parameters = PatchParams::apply("quirks").force();
                    records
                        .patch(&format!("long-{number}"), &parameters, &Patch::Apply(&record))
                        .await
                        .expect("applied");
                }
                let what = format!("{}: all long names are written", self.label());
                self.world
                    .until(&what, async || {
                        let rows = self.simulator.rows();
                        rows.iter().filter(|row| row.values == ["192.0.2.80"]).count() == 50
                    })
                    .await;
                assert_eq!(self.simulator.calls().status(414), 0, "{}", self.label());
                return;
            }
            _ => return,
        }
        let wanted = [late];
        self.until_settled(&wanted).await;
        self.check_rows(&wanted).await;
    }
}

#[test]
fn every_exception_names_a_quirk_with_that_answer() {
    for (name, answer, record, _) in EXCEPTIONS {
        let quirk = quirks().iter().find(|quirk| quirk.name == *name).expect("the quirk is there");
        assert!(quirk.other_answers().any(|other| other == *answer), "{name}={answer}");
        assert!(first(Some((name, answer))).iter().any(|wanted| wanted.name == *record), "{record}");
    }
}

#[rstest]
#[case::rest([Wire::RestBasic, Wire::RestToken, Wire::RestNative])]
#[case::v2([Wire::V2Basic, Wire::V2Native, Wire::V2Token])]
#[tokio::test(flavor = "multi_thread")]
async fn the_suite_passes_with_every_answer_to_every_open_question(#[case] wires: [Wire; 3]) {
    let certificates = tempfile::tempdir().expect("a folder");
    // One authority for all simulators: the world trusts its own simulator's.
    let config = || Config { tls_dir: Some(certificates.path().to_path_buf()), ..Config::default() };
    let mut world = wires[0].world_with(config(), Options::default()).await;
    // One Secret for all of them.
    world.set_token(TOKEN_ID, SECRET).await;
    world.start_operator().await;
    let world = Arc::new(world);

    let others =
        quirks().iter().flat_map(|quirk| quirk.other_answers().map(|answer| Some((quirk.name, answer))));
    let only = std::env::var("QUIRK").ok();
    let cases: Vec<Quirk> = std::iter::once(None)
        .chain(others)
        .filter(|case| only.as_deref().is_none_or(|only| case.is_some_and(|(name, _)| name == only)))
        .collect();
    let count = cases.len();
    let places = Arc::new(Semaphore::new(SIDE_BY_SIDE));
    let local = tokio::task::LocalSet::new();
    let mut running = Vec::new();
    for (number, quirk) in cases.into_iter().enumerate() {
        let name = format!("quirk-{number}");
        let wire = wires[number % wires.len()];
        let mut config = wire.configured(config());
        config.seed = seed(&name, quirk);
        if let Some((quirk, answer)) = quirk {
            config.quirks.set(quirk, answer).expect("the simulator knows it");
        }
        let (world, places) = (Arc::clone(&world), Arc::clone(&places));
        running.push((
            quirk,
            local.spawn_local(async move {
                let _place = places.acquire_owned().await.expect("it is not closed");
                let simulator = Simulator::start(config).await.expect("a simulator");
                world.namespace(&name).await;
                let spec = "resyncInterval: 1h\n  defaults: {dnsServer: ns.example.com, ttl: 600}";
                let spec = format!("{}\n  {spec}", wire.fields());
                world.solid_server_with(&name, &simulator.endpoint(), &spec).await;
                let suite = Suite { world, simulator, name, quirk, wire };
                suite.run().await;
                suite.world.kubectl(&["delete", "solidserver", &suite.name, "--timeout=60s"]).await;
                suite.simulator.shutdown().await;
            }),
        ));
    }
    let mut failed = Vec::new();
    for (quirk, running) in running {
        if local.run_until(running).await.is_err() {
            failed.push(quirk);
        }
    }
    assert_eq!(failed, [] as [Quirk; 0], "of {count}; each says above why");
}
