//! `solidserver-operator doctor`: it names what is wrong, stops where nothing can follow, never writes and shows no secret.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use base64::Engine as _;
use serde_json::Value;
use solidserver_simulator::{Config, Fault, FaultKind, NewCertificate, Simulator, Token};
use tempfile::TempDir;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpListener;
use tokio::process::Command;

use crate::wire::{TOKEN_ID, Wire};
use crate::world::{OPERATOR_NAMESPACE, World};

/// Longer than any run takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(300);

/// The password and the token's secret, unlike any word of ours.
const PASSWORD: &str = "pa55-0f-the-0ps";
const TOKEN_SECRET: &str = "t0ken-0f-the-0ps";

/// Entries and defaults that the simulator's example fits.
const FITTING: &str = "defaults: {dnsServer: ns.example.com}, zones: [{name: shop.example.com, allowedNamespaces: {from: All}}, \
                       {name: example.org, dnsServers: [views.example.com], views: [internal], allowedNamespaces: {from: All}}]";

/// How a run ended.
#[derive(Debug)]
struct Examined {
    code: i32,
    printed: String,
    errors: String,
}

impl Examined {
    #[track_caller]
    fn json(&self) -> Value {
        let parsed = serde_json::from_str(&self.printed);
        parsed.unwrap_or_else(|error| panic!("{error}: {}{}", self.printed, self.errors))
    }

    /// `status check` of all findings that are not ok.
    #[track_caller]
    fn troubles(&self) -> Vec<String> {
        let text = |finding: &Value, key: &str| finding[key].as_str().unwrap().to_owned();
        let document = self.json();
        let solid_servers = document["solidServers"].as_array().unwrap().clone();
        let findings = solid_servers.iter().flat_map(|examined| examined["checks"].as_array().unwrap());
        let wrong = findings.filter(|finding| finding["status"] != "ok");
        wrong.map(|finding| format!("{} {}", text(finding, "status"), text(finding, "check"))).collect()
    }

    /// The failed ones and the warnings, with subject, message and advice.
    #[track_caller]
    fn words(&self) -> String {
        let document = self.json();
        let solid_servers = document["solidServers"].as_array().unwrap().clone();
        let findings = solid_servers.iter().flat_map(|examined| examined["checks"].as_array().unwrap());
        let wrong = findings
            .filter(|finding| ["failed", "warning"].iter().any(|status| finding["status"] == *status));
        wrong
            .map(|finding| {
                let text = |key: &str| finding[key].as_str().unwrap_or_default();
                assert!(!text("advice").is_empty(), "{finding}");
                format!("{}: {}; {}\n", text("subject"), text("message"), text("advice"))
            })
            .collect()
    }
}

/// A command with nothing in its environment.
fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_solidserver-operator"));
    command.env_clear().arg("doctor").args(arguments).stdin(Stdio::null()).kill_on_drop(true);
    command
}

async fn run(mut command: Command) -> Examined {
    let output = tokio::time::timeout(PATIENCE, command.output()).await.expect("it ends").expect("it runs");
    let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
    let examined = Examined {
        code: output.status.code().expect("a code"),
        printed: text(output.stdout),
        errors: text(output.stderr),
    };
    for secret in [PASSWORD, TOKEN_SECRET] {
        let encoded = base64::engine::general_purpose::STANDARD.encode(format!("operator:{secret}"));
        for text in [&examined.printed, &examined.errors] {
            assert!(!text.contains(secret) && !text.contains(&encoded), "a secret is shown: {text}");
        }
    }
    examined
}

async fn start(config: Config) -> Simulator {
    let token = Some(Token::new(TOKEN_ID, TOKEN_SECRET));
    Simulator::start(Config { password: PASSWORD.to_owned(), token, ..config }).await.unwrap()
}

fn bundle(simulator: &Simulator) -> String {
    base64::engine::general_purpose::STANDARD.encode(simulator.ca_pem())
}

const BY_PASSWORD: [(&str, &str); 2] = [("username", "operator"), ("password", PASSWORD)];
const BY_TOKEN: [(&str, &str); 2] = [("tokenId", TOKEN_ID), ("tokenSecret", TOKEN_SECRET)];

/// A SolidServer and its Secret in a file of a folder.
struct Manifests {
    folder: TempDir,
}

impl Manifests {
    /// `spec` is the inside of a flow mapping.
    fn new(endpoint: &str, spec: &str, keys: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let keys: Vec<String> = keys.iter().map(|(key, value)| format!("{key}: {value}")).collect();
        let text = format!(
            "apiVersion: solidserver.dev/v1alpha1\nkind: SolidServer\nmetadata: {{name: default}}\n\
             spec: {{endpoint: \"{endpoint}\", credentialsSecretRef: {{name: login}}, {spec}}}\n\
             ---\napiVersion: v1\nkind: Secret\nmetadata: {{name: login, namespace: {OPERATOR_NAMESPACE}}}\n\
             stringData: {{{}}}\n",
            keys.join(", ")
        );
        std::fs::write(folder.path().join("default.yaml"), text).unwrap();
        Self { folder }
    }

    /// For a simulator that is trusted and let in to by password.
    fn of(simulator: &Simulator, spec: &str) -> Self {
        let spec = format!("tls: {{caBundle: {}}}, {spec}", bundle(simulator));
        Self::new(&simulator.endpoint(), &spec, &BY_PASSWORD)
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = command(arguments);
        command.arg("-f").arg(self.path());
        command
    }

    async fn json(&self) -> Examined {
        run(self.command(&["--output", "json"])).await
    }
}

/// Asserts that one check fails with these words, that the others are as said, and that nothing was written.
#[track_caller]
fn assert_fails(what: &str, examined: &Examined, failed: &str, words: &[&str]) {
    let (troubles, said) = (examined.troubles(), examined.words());
    let failures: Vec<&str> = troubles.iter().filter_map(|trouble| trouble.strip_prefix("failed ")).collect();
    assert_eq!((examined.code, &failures[..]), (2, &[failed][..]), "{what}: {said}");
    for words in words {
        assert!(said.contains(words), "{what}: {words:?} is not in {said}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn all_is_well_in_each_dialect_and_with_each_login_and_nothing_is_written() {
    let simulator = start(Config::default()).await;
    for wire in
        [Wire::RestBasic, Wire::RestNative, Wire::RestToken, Wire::V2Basic, Wire::V2Native, Wire::V2Token]
    {
        let api = wire.fields().replace("\n ", ",");
        let keys = if wire.kind() == "token" { BY_TOKEN } else { BY_PASSWORD };
        let spec = format!("tls: {{caBundle: {}}}, {api}, {FITTING}", bundle(&simulator));
        let manifests = Manifests::new(&simulator.endpoint(), &spec, &keys);
        let examined = manifests.json().await;
        assert_eq!((examined.code, examined.errors.as_str()), (0, ""), "{wire:?}: {}", examined.printed);
        assert_eq!(examined.troubles(), ["skipped write"], "{wire:?}: {}", examined.printed);
        assert_eq!(examined.json()["summary"]["failed"], 0);
        let text = run(manifests.command(&[])).await;
        assert_eq!((text.code, text.errors.as_str()), (0, ""));
        let checks = examined.json()["solidServers"][0]["checks"].as_array().unwrap().len();
        // A heading, a line for each check, an empty one, and the sum.
        assert_eq!(text.printed.lines().count(), checks + 3, "{}", text.printed);
        assert!(text.printed.contains("not checked: needs a write"), "{}", text.printed);
    }
    let calls = simulator.calls();
    assert_eq!(calls.writes(), 0, "{:?}", simulator.call_log());
    assert!(calls.operation("list") > 0);
}

/// A fault, where it is planted, and what is said of it.
struct Case {
    what: &'static str,
    manifests: Manifests,
    failed: &'static str,
    words: &'static [&'static str],
}

#[tokio::test(flavor = "multi_thread")]
async fn what_keeps_from_the_appliance_is_named() {
    let simulator = start(Config::default()).await;
    let tls = format!("tls: {{caBundle: {}}}", bundle(&simulator));
    let fitting = format!("{tls}, {FITTING}");
    let elsewhere = |endpoint: &str| Manifests::new(endpoint, &fitting, &BY_PASSWORD);
    let renewed = async |wanted: NewCertificate| {
        let simulator = start(Config::default()).await;
        simulator.renew_certificate(&wanted).unwrap();
        simulator
    };
    let other_name =
        renewed(NewCertificate { names: vec!["ddi.example.com".to_owned()], ..NewCertificate::default() })
            .await;
    let expired = renewed(NewCertificate { expired: true, ..NewCertificate::default() }).await;
    let stranger = start(Config::default()).await;
    // Nobody listens; nobody speaks; somebody speaks HTTP without TLS.
    let closed = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let plain = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let plain_address = plain.local_addr().unwrap();
    let speaking = tokio::spawn(async move {
        while let Ok((mut stream, _)) = plain.accept().await {
            let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n").await;
        }
    });
    let skewed = start(Config::default()).await;
    skewed.set_clock_ahead(Duration::from_secs(3_600));
    let limits = "limits: {requestTimeout: 500ms}";
    let hanging = start(Config::default()).await;
    hanging.inject(Fault::new("*", FaultKind::Hang { after_commit: false }));
    let misbehaving = async |kind: FaultKind| {
        let simulator = start(Config::default()).await;
        simulator.inject(Fault::new("*", kind));
        simulator
    };
    let page = misbehaving(FaultKind::Html { after_commit: false }).await;
    let redirect = FaultKind::Redirect { code: 302, location: "https://portal.example.com/".to_owned() };
    let portal = misbehaving(redirect).await;
    let broken = start(Config::default()).await;
    broken.inject(Fault::status("*", 503));

    let case = |what, manifests, failed, words| Case { what, manifests, failed, words };
    let cases = [
        case(
            "a name that does not resolve",
            elsewhere("https://no-such-host.invalid"),
            "name",
            &["no-such-host.invalid cannot be resolved", "correct the host in spec.endpoint"],
        ),
        case(
            "a port where nobody listens",
            elsewhere(&format!("https://{closed}")),
            "connection",
            &["refused", "check that the appliance serves HTTPS"],
        ),
        case(
            "a certificate of another authority",
            elsewhere(&stranger.endpoint()),
            "tls",
            &["authority that is trusted; put the issuing CA into spec.tls.caBundle"],
        ),
        case(
            "a certificate for another name",
            Manifests::of(&other_name, FITTING),
            "tls",
            &[
                "is for ddi.example.com, not for 127.0.0.1; write a name of the certificate into spec.endpoint",
            ],
        ),
        case(
            "a certificate that has expired",
            Manifests::of(&expired, FITTING),
            "tls",
            &["has expired on 2002-01-01T00:00:00Z; renew the appliance's certificate"],
        ),
        case(
            "no TLS",
            elsewhere(&format!("https://{plain_address}")),
            "tls",
            &["does not speak TLS; write host and port of the appliance's HTTPS service"],
        ),
        case(
            "somebody who says nothing",
            Manifests::new(
                &format!("https://{}", silent.local_addr().unwrap()),
                &format!("{fitting}, {limits}"),
                &BY_PASSWORD,
            ),
            "answer",
            &["no connection in time; it accepts connections and does not answer"],
        ),
        case(
            "an appliance that hangs",
            Manifests::of(&hanging, &format!("{FITTING}, {limits}")),
            "answer",
            &["no answer within 0.5 s; it accepts connections and does not answer"],
        ),
        case(
            "a web page in the place of JSON",
            Manifests::of(&page, FITTING),
            "answer",
            &["not usable", "not to a proxy, gateway or portal that answers in its place"],
        ),
        case(
            "a portal that sends elsewhere",
            Manifests::of(&portal, FITTING),
            "answer",
            &["no SOLIDserver at the endpoint: it answers 302"],
        ),
        case(
            "an appliance out of order",
            Manifests::of(&broken, FITTING),
            "answer",
            &["answers 503", "look into the appliance's own log"],
        ),
        case(
            "clocks that differ",
            Manifests::new(
                &skewed.endpoint(),
                &format!("tls: {{caBundle: {}}}, {FITTING}", bundle(&skewed)),
                &BY_TOKEN,
            ),
            "clock",
            &["(412); the appliance's clock is 3", " s ahead of that of this machine; correct the clock"],
        ),
        case(
            "a wrong password",
            Manifests::new(
                &simulator.endpoint(),
                &fitting,
                &[("username", "operator"), ("password", "another")],
            ),
            "login",
            &["refuses the credentials (401); correct the login in the Secret"],
        ),
        case(
            "a wrong token",
            Manifests::new(
                &simulator.endpoint(),
                &fitting,
                &[("tokenId", TOKEN_ID), ("tokenSecret", "another")],
            ),
            "login",
            &["SOLIDserver knows tokens from 8.4 on"],
        ),
        case(
            "a Secret without the keys",
            Manifests::new(&simulator.endpoint(), &fitting, &[("user", "operator")]),
            "settings",
            &["has no key \"username\"", "SOLIDSERVER_USERNAME"],
        ),
        case(
            "a manifest that the API server would refuse",
            Manifests::new(&simulator.endpoint(), &format!("{tls}, zones: []"), &BY_PASSWORD),
            "settings",
            &["the API server would refuse the manifest: spec.zones", "correct the manifest"],
        ),
    ];
    assert_eq!(stranger.calls().total, 0);
    for Case { what, manifests, failed, words } in cases {
        let examined = manifests.json().await;
        assert_fails(what, &examined, failed, words);
        // Nothing after it is guessed at.
        let troubles = examined.troubles();
        assert_eq!(troubles.last().unwrap(), "skipped write", "{what}: {troubles:?}");
        assert!(troubles.contains(&"skipped zone".to_owned()), "{what}: {troubles:?}");
    }
    for simulator in
        [&simulator, &other_name, &expired, &stranger, &skewed, &hanging, &page, &portal, &broken]
    {
        assert_eq!(simulator.calls().writes(), 0);
    }
    speaking.abort();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_proxy_that_does_not_work_is_told_from_the_appliance() {
    let simulator = start(Config::default()).await;
    let manifests = Manifests::of(&simulator, FITTING);
    let closed = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let through = async |proxy: &str| {
        let mut command = manifests.command(&["--output", "json"]);
        command.env("HTTPS_PROXY", proxy);
        run(command).await
    };
    let examined = through(&format!("http://ops:{PASSWORD}@{closed}")).await;
    let words = [&*format!("the proxy http://{closed} of the environment"), "HTTPS_PROXY and NO_PROXY"];
    assert_fails("a proxy where nobody listens", &examined, "connection", &words);
    let examined = through("http://no-such-proxy.invalid:3128").await;
    assert_fails(
        "a proxy without a name",
        &examined,
        "name",
        &["the proxy no-such-proxy.invalid", "HTTPS_PROXY"],
    );
    // Any HTTP server that knows no CONNECT.
    let refusing = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = refusing.local_addr().unwrap();
    let speaking = tokio::spawn(async move {
        while let Ok((mut stream, _)) = refusing.accept().await {
            let _ = stream.write_all(b"HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\n\r\n").await;
        }
    });
    let examined = through(&format!("http://{address}")).await;
    assert_fails("a proxy that refuses", &examined, "connection", &["through the proxy", "check the proxy"]);
    assert_eq!(simulator.calls().total, 0);
    speaking.abort();
}

#[tokio::test(flavor = "multi_thread")]
async fn missing_rights_are_named_by_service_however_the_appliance_says_so() {
    let simulator = start(Config::default()).await;
    let manifests = Manifests::of(&simulator, FITTING);
    for answer in ["403", "400"] {
        simulator.set_quirk("forbidden-code", answer).unwrap();
        for (service, failed) in [
            ("dns_server_list", "read-servers"),
            ("dns_view_list", "read-views"),
            ("dns_zone_list", "read-zones"),
            ("dns_rr_list", "read-records"),
        ] {
            simulator.inject(Fault::new(service, FaultKind::Forbidden));
            let examined = manifests.json().await;
            assert_fails(
                &format!("{service}, {answer}"),
                &examined,
                failed,
                &[service, "give the account rights on this service"],
            );
            simulator.clear_faults();
        }
        for (service, warned, words) in [
            ("member_list", "warning version", "rights on the service member_list"),
            ("dns_zone_count", "warning count", "the account may not use dns_zone_count"),
        ] {
            simulator.inject(Fault::new(service, FaultKind::Forbidden));
            let examined = manifests.json().await;
            assert_eq!(examined.code, 0, "{service}, {answer}: {}", examined.printed);
            assert!(
                examined.troubles().contains(&warned.to_owned()),
                "{service}, {answer}: {:?}",
                examined.troubles()
            );
            assert!(examined.words().contains(words), "{service}, {answer}: {}", examined.words());
            simulator.clear_faults();
        }
    }
    // Rights on rows give no error at all.
    simulator.inject(Fault::new("dns_rr_list", FaultKind::Blind));
    simulator.inject(Fault::new("dns_rr_count", FaultKind::Blind));
    let words = [
        "the records of zone shop.example.com on ns.example.com",
        "not even the SOA record; give the account read rights",
    ];
    assert_fails("blind for records", &manifests.json().await, "read-records", &words);
    simulator.clear_faults();
    simulator.inject(Fault::new("*", FaultKind::Blind));
    let words = ["shows this account no DNS server at all; give the account read rights"];
    assert_fails("blind for all", &manifests.json().await, "read-servers", &words);
    assert_eq!(simulator.calls().writes(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_spec_that_does_not_fit_the_appliance_is_named_with_what_would() {
    let simulator = start(Config::default()).await;
    let entry = |name: &str, rest: &str| format!("{{name: {name}, allowedNamespaces: {{from: All}}{rest}}}");
    let on_smart =
        |name: &str| format!("defaults: {{dnsServer: ns.example.com}}, zones: [{}]", entry(name, ""));
    let cases = [
        (
            "a zone that is not there",
            on_smart("example.invalid"),
            "zone",
            &["spec.zones[0] example.invalid on ns.example.com", "it sees: example.com, shop.example.com"][..],
        ),
        (
            "a zone whose master is elsewhere",
            on_smart("partner.example.net"),
            "zone",
            &["zone partner.example.net is a slave zone", "that is master for it"],
        ),
        (
            "a view that is not there",
            format!(
                "zones: [{}]",
                entry("example.org", ", dnsServers: [views.example.com], views: [intern]")
            ),
            "view",
            &["view intern on views.example.com: it is not there", "internal, external"],
        ),
        (
            "no view where there are some",
            format!("zones: [{}]", entry("example.org", ", dnsServers: [views.example.com]")),
            "view",
            &["it has views and none is named", "name one in spec.defaults.view"],
        ),
        (
            "a member of a SMART",
            format!("zones: [{}]", entry("shop.example.com", ", dnsServers: [ns1.example.com]")),
            "server",
            &[
                "ns1.example.com: it is a member of a SMART",
                "ns.example.com, views.example.com",
                "name the SMART",
            ],
        ),
        (
            "a DNS server that is not there",
            format!("zones: [{}]", entry("shop.example.com", ", dnsServers: [ns9.example.com]")),
            "server",
            &["ns9.example.com: it is not on the appliance", "ns.example.com, views.example.com"],
        ),
    ];
    for (what, spec, failed, words) in cases {
        let examined = Manifests::of(&simulator, &spec).json().await;
        assert_fails(what, &examined, failed, words);
        assert!(!examined.troubles().contains(&"skipped login".to_owned()), "{what}");
    }
    // Old appliances are worked with, and that is no failure.
    simulator.set_version("7.3.1");
    let examined = Manifests::of(&simulator, FITTING).json().await;
    assert_eq!(
        (examined.code, examined.troubles()),
        (0, vec!["warning class-parameters".to_owned(), "skipped write".to_owned()])
    );
    assert!(
        examined.words().contains("version 7.3.1 keeps no class parameters on records"),
        "{}",
        examined.words()
    );
    assert_eq!(simulator.calls().writes(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn in_a_cluster_it_looks_with_the_operators_own_rights_and_changes_nothing() {
    let world = World::new().await;
    world.solid_server("default", "defaults: {dnsServer: ns.example.com}").await;
    let other = world.another_appliance("other", "defaults: {dnsServer: nowhere.example.com}").await;
    let version = ["get", "solidservers", "-o", "jsonpath={.items[*].metadata.resourceVersion}"];
    let before = world.kubectl(&version).await;
    let in_cluster = async |arguments: &[&str]| {
        let mut command = command(&[arguments, &["--output", "json"]].concat());
        // As kubectl finds it; within a pod it would be the ServiceAccount.
        command.env("KUBECONFIG", &world.kubeconfig);
        run(command).await
    };
    let one = in_cluster(&["default"]).await;
    assert_eq!((one.code, one.troubles()), (0, vec!["skipped write".to_owned()]), "{}", one.printed);
    // All of the cluster, by name; what is wrong with one is not said of the other.
    let all = in_cluster(&[]).await;
    let document = all.json();
    let names: Vec<&str> = document["solidServers"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["name"].as_str().unwrap())
        .collect();
    assert_eq!((all.code, names), (2, vec!["default", "other"]));
    assert!(all.words().starts_with("nowhere.example.com: it is not on the appliance"), "{}", all.words());
    // A Secret that is missing is a finding.
    world.kubectl(&["delete", "secret", "-n", OPERATOR_NAMESPACE, "solidserver"]).await;
    let missing = in_cluster(&["default"]).await;
    let words = ["there is no Secret solidserver-system/solidserver", "SOLIDSERVER_USERNAME"];
    assert_fails("no Secret", &missing, "settings", &words);
    assert_eq!(world.kubectl(&version).await, before);
    assert_eq!((world.simulator.calls().writes(), other.calls().writes()), (0, 0));
    // Where nothing can be checked the code is another one.
    let nobody = in_cluster(&["nobody"]).await;
    assert_eq!((nobody.code, nobody.printed.as_str()), (1, ""));
    assert!(
        nobody.errors.contains("there is no SolidServer \"nobody\" in the manifests or the cluster"),
        "{}",
        nobody.errors
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_checked_at_all_ends_with_1_and_says_why() {
    let simulator = start(Config::default()).await;
    let manifests = Manifests::of(&simulator, FITTING);
    let path = manifests.path().to_str().unwrap();
    for (arguments, said) in [
        (&["-f", path, "nobody"][..], "there is no SolidServer \"nobody\" in the manifests"),
        (&["-f", "no-such-file.yaml"], "no-such-file.yaml"),
        (&["-f", path, "--colour"], "--colour"),
        (&["--kubeconfig", "no-such-file"], "no-such-file"),
    ] {
        let ended = run(command(arguments)).await;
        assert_eq!((ended.code, ended.printed.as_str()), (1, ""), "{arguments:?}: {}", ended.errors);
        assert!(ended.errors.contains(said), "{arguments:?}: {}", ended.errors);
    }
    // The login of the environment goes to its own appliance only.
    let mut elsewhere = manifests.command(&[]);
    elsewhere.env("SOLIDSERVER_USERNAME", "operator").env("SOLIDSERVER_PASSWORD", PASSWORD);
    elsewhere.env("SOLIDSERVER_ENDPOINT", "https://ddi.example.com");
    let ended = run(elsewhere).await;
    assert_eq!(ended.code, 1, "{}", ended.errors);
    assert!(ended.errors.contains("SOLIDSERVER_ENDPOINT"), "{}", ended.errors);
    assert_eq!(simulator.calls().total, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_step_that_takes_long_is_told_while_it_lasts() {
    let simulator = start(Config::default()).await;
    simulator
        .inject(Fault::new("dns_server_list", FaultKind::Slow { ms: 8_000, after_commit: false }).count(1));
    let manifests = Manifests::of(&simulator, &format!("{FITTING}, limits: {{requestTimeout: 60s}}"));
    let examined = run(manifests.command(&[])).await;
    assert_eq!(examined.code, 0, "{}{}", examined.printed, examined.errors);
    assert!(
        examined.errors.starts_with("doctor: SolidServer default: listing DNS servers, "),
        "{}",
        examined.errors
    );
}
