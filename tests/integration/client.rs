//! The client against the simulator over real HTTPS, in both dialects: complete lists or an error, writes sent once, one gate.

mod documented;
mod faults;
mod limits;
mod listing;
mod logins;
mod sight;
mod writing;

use std::ops::Deref;
use std::time::Duration;

use rstest::rstest;
use solidserver_operator::record::{Name, NewRow, Place, RecordData, RecordType, RowEdit};
use solidserver_operator::solidserver::{
    Client, Credentials, Dialect, Error, Proxies, Settings, TlsFault, TlsSettings,
};
use solidserver_simulator::{Config, NewCertificate, Seed, SeedServer, SeedView, SeedZone, Simulator};

const SERVER: &str = "ns.example.com";
const ZONE: &str = "shop.example.com";

/// A SMART with one zone of so many A rows `host-0.shop.example.com` and so on, beside its SOA and two NS rows.
fn with_rows(rows: u32) -> Config {
    let smart = SeedServer::new(SERVER)
        .member("ns1.example.com")
        .zone(SeedZone::master(ZONE).fill(rows))
        .zone(SeedZone::master("example.com").record("www", "A", ["192.0.2.80"]));
    let alone = SeedServer::new("views.example.com")
        .view(SeedView::new("internal").zone(SeedZone::master("example.org").record(
            "www",
            "A",
            ["192.0.2.1"],
        )))
        .view(SeedView::new("external").zone(SeedZone::master("example.org").record(
            "www",
            "A",
            ["192.0.2.2"],
        )));
    Config { seed: Seed { servers: vec![smart, alone] }, ..Config::default() }
}

/// A simulator, and the dialect that clients of it speak.
struct Appliance {
    simulator: Simulator,
    dialect: Dialect,
}

impl Deref for Appliance {
    type Target = Simulator;

    fn deref(&self) -> &Simulator {
        &self.simulator
    }
}

impl Appliance {
    async fn shutdown(self) {
        self.simulator.shutdown().await;
    }
}

async fn start(dialect: Dialect, config: Config) -> Appliance {
    Appliance { simulator: Simulator::start(config).await.unwrap(), dialect }
}

fn settings(simulator: &Appliance) -> Settings {
    Settings {
        endpoint: simulator.endpoint().parse().unwrap(),
        dialect: simulator.dialect,
        credentials: Credentials::Basic { username: "operator".into(), password: "secret".into() },
        tls: TlsSettings { ca_bundle: Some(simulator.ca_pem().into_bytes()), ..TlsSettings::default() },
        proxies: Proxies::none(),
        concurrency: 16,
        page_size: 1000,
        request_timeout: Duration::from_secs(10),
        requests_per_minute: None,
        accept_warnings: false,
        user_agent: "solidserver-operator/test (cluster; pod)".to_owned(),
        observer: None,
    }
}

fn client(simulator: &Appliance) -> Client {
    Client::new(settings(simulator)).unwrap()
}

fn client_with(simulator: &Appliance, change: impl FnOnce(&mut Settings)) -> Client {
    let mut settings = settings(simulator);
    change(&mut settings);
    Client::new(settings).unwrap()
}

fn name(text: &str) -> Name {
    Name::parse(text).unwrap()
}

fn names(range: std::ops::Range<u32>) -> Vec<Name> {
    range.map(|number| name(&format!("host-{number}.{ZONE}"))).collect()
}

fn place() -> Place {
    Place { server: SERVER.into(), view: None, zone: name(ZONE) }
}

fn place_in(view: &str) -> Place {
    Place { server: "views.example.com".into(), view: Some(view.into()), zone: name("example.org") }
}

fn new_row(owner: &str, record_type: RecordType, value: &str) -> NewRow {
    NewRow {
        name: name(owner),
        data: RecordData::parse(record_type, value).unwrap(),
        ttl: 600,
        class_name: None,
        parameters: [("k8s_owner".to_owned(), "c/n/r".to_owned())].into(),
    }
}

fn edit(record_type: RecordType, value: &str, ttl: u32) -> RowEdit {
    RowEdit {
        data: RecordData::parse(record_type, value).unwrap(),
        ttl,
        class_name: None,
        set_parameters: [].into(),
        delete_parameters: [].into(),
    }
}

fn label<T>(result: &Result<T, Error>) -> &'static str {
    result.as_ref().err().map_or("ok", Error::label)
}

#[rstest]
#[tokio::test]
async fn what_the_appliance_is_and_holds_is_read(#[values(Dialect::Rest, Dialect::V2)] dialect: Dialect) {
    let simulator = start(dialect, Config { version: "8.4.2".to_owned(), ..Config::default() }).await;
    let client = client(&simulator);
    assert_eq!(client.version().await.unwrap().as_deref(), Some("8.4.2"));
    let servers = client.servers().await.unwrap();
    let servers: Vec<_> =
        servers.iter().map(|server| (&*server.name, server.is_smart, server.is_member)).collect();
    let expected = [
        ("ns.example.com", true, false),
        ("ns1.example.com", false, true),
        ("views.example.com", false, false),
    ];
    assert_eq!(servers, expected);
    assert_eq!(client.views("ns.example.com").await.unwrap(), []);
    let views = client.views("views.example.com").await.unwrap();
    assert_eq!(views.iter().map(|view| &**view).collect::<Vec<_>>(), ["internal", "external"]);
    let zones = |zones: Vec<solidserver_operator::record::Zone>| -> Vec<String> {
        zones.iter().map(|zone| format!("{} {:?}", zone.place, zone.kind)).collect()
    };
    let expected = [
        "zone example.com on ns.example.com Master",
        "zone shop.example.com on ns.example.com Master",
        "zone 2.0.192.in-addr.arpa on ns.example.com Master",
        "zone partner.example.net on ns.example.com Other(\"slave\")",
        "zone corp.example.net on ns.example.com Other(\"forward\")",
    ];
    assert_eq!(zones(client.zones("ns.example.com").await.unwrap()), expected);
    let expected = [
        "zone example.org on views.example.com, view internal Master",
        "zone example.org on views.example.com, view external Master",
    ];
    assert_eq!(zones(client.zones("views.example.com").await.unwrap()), expected);
    assert_eq!(zones(client.zones("nowhere.example.com").await.unwrap()), [""; 0]);
    simulator.shutdown().await;
}

#[rstest]
#[tokio::test]
async fn an_account_that_may_not_ask_for_the_version_can_do_without(
    #[values(Dialect::Rest, Dialect::V2)] dialect: Dialect,
) {
    let simulator = start(dialect, Config::default()).await;
    let client = client(&simulator);
    for kind in ["connected-false", "forbidden", "html", "empty"] {
        let fault = serde_json::json!({"service": "member_list", "kind": kind});
        simulator.inject(serde_json::from_value(fault).unwrap());
        assert_eq!(client.version().await, Ok(None), "{kind}");
        simulator.clear_faults();
    }
    simulator.set_quirk("forbidden-code", "400").unwrap();
    simulator.inject(serde_json::from_value(serde_json::json!({"kind": "forbidden"})).unwrap());
    assert_eq!(client.version().await, Ok(None));
    simulator.shutdown().await;
}

#[tokio::test]
async fn an_appliance_without_v2_is_said_to_be_one() {
    // Before 8.0 there is no /api/v2.0; the probe of /rest works as ever.
    let simulator = start(Dialect::V2, Config { version: "7.3.2".to_owned(), ..with_rows(1) }).await;
    let client = client(&simulator);
    assert_eq!(client.version().await.unwrap().as_deref(), Some("7.3.2"));
    for outcome in [client.servers().await.map(drop), client.read_zone(&place()).await.map(drop)] {
        let Err(Error::Settings { what }) = &outcome else { panic!("{outcome:?}") };
        assert!(what.contains("/api/v2.0") && what.contains("set spec.api: Rest"), "{what}");
    }
    let rest = client_with(&simulator, |settings| settings.dialect = Dialect::Rest);
    assert_eq!(rest.read_zone(&place()).await.unwrap().rows.len(), 3);
    simulator.shutdown().await;
}

#[rstest]
#[tokio::test]
async fn trust_address_and_credentials_fail_as_what_they_are(
    #[values(Dialect::Rest, Dialect::V2)] dialect: Dialect,
) {
    let simulator = start(dialect, Config::default()).await;
    let untrusting = client_with(&simulator, |settings| settings.tls.ca_bundle = None);
    assert!(matches!(untrusting.version().await, Err(Error::Tls { .. })));
    assert!(matches!(
        untrusting.add(&place(), &new_row("a.shop.example.com", RecordType::A, "192.0.2.1")).await,
        Err(Error::Tls { .. })
    ));
    let trusting_anybody = client_with(&simulator, |settings| {
        settings.tls = TlsSettings { insecure_skip_verify: true, ..TlsSettings::default() };
    });
    assert!(trusting_anybody.version().await.is_ok());
    let wrong_name = client_with(&simulator, |settings| {
        settings.endpoint = format!("https://127.0.0.2:{}", simulator.address().port()).parse().unwrap();
    });
    assert!(matches!(wrong_name.version().await, Err(Error::Unreachable { .. })));

    for body in ["json", "empty", "html"] {
        simulator.set_quirk("auth-failure-body", body).unwrap();
        let wrong_password = client_with(&simulator, |settings| {
            settings.credentials =
                Credentials::Basic { username: "operator".into(), password: "wrong".into() };
        });
        assert_eq!(wrong_password.version().await, Err(Error::Unauthorized));
        assert_eq!(wrong_password.read_zone(&place()).await.map(drop), Err(Error::Unauthorized));
        let row = new_row("a.shop.example.com", RecordType::A, "192.0.2.1");
        assert_eq!(wrong_password.add(&place(), &row).await, Err(Error::Unauthorized));
    }

    let tls_fault = async |client: &Client| match client.version().await {
        Err(Error::Tls { fault, .. }) => Some(fault),
        _ => None,
    };
    assert_eq!(tls_fault(&untrusting).await, Some(TlsFault::UnknownIssuer));
    for (wanted, fault) in [
        (
            NewCertificate { names: vec!["a.example".into()], ..NewCertificate::default() },
            TlsFault::WrongName,
        ),
        (NewCertificate { expired: true, ..NewCertificate::default() }, TlsFault::Expired),
        (NewCertificate { authority: true, ..NewCertificate::default() }, TlsFault::AuthorityAsServer),
    ] {
        simulator.renew_certificate(&wanted).unwrap();
        // The authority is trusted: it is made anew with the certificate.
        assert_eq!(tls_fault(&client(&simulator)).await, Some(fault));
    }
    simulator.renew_certificate(&NewCertificate::default()).unwrap();
    assert!(client(&simulator).version().await.is_ok());

    let elsewhere = client_with(&simulator, |settings| {
        settings.endpoint = format!("{}/gateway", simulator.endpoint()).parse().unwrap();
    });
    assert!(matches!(elsewhere.version().await, Err(Error::Settings { .. })));
    assert!(matches!(elsewhere.zones(SERVER).await, Err(Error::Settings { .. })));

    let nobody = client_with(&simulator, |_| ());
    simulator.shutdown().await;
    assert!(matches!(nobody.version().await, Err(Error::Unreachable { .. })));
    // Nothing was sent, so a write is not in doubt.
    let row = new_row("a.shop.example.com", RecordType::A, "192.0.2.1");
    assert!(matches!(nobody.add(&place(), &row).await, Err(Error::Unreachable { .. })));
}

#[rstest]
#[tokio::test]
async fn a_401_after_success_is_an_outage_until_it_is_a_habit(
    #[values(Dialect::Rest, Dialect::V2)] dialect: Dialect,
) {
    let simulator = start(dialect, with_rows(1)).await;
    let client = client(&simulator);
    assert!(client.version().await.is_ok());
    let row = new_row("new.shop.example.com", RecordType::A, "192.0.2.1");
    simulator.inject(solidserver_simulator::Fault::status("*", 401).count(1));
    assert_eq!(label(&client.add(&place(), &row).await), "ambiguous");
    assert!(client.version().await.is_ok());
    // A read is tried again, so that one refusal is not even seen.
    simulator.inject(solidserver_simulator::Fault::status("*", 401).count(1));
    assert!(client.count_rows(&place()).await.is_ok());
    simulator.set_credentials("operator", "rotated");
    let unavailable = client.count_rows(&place()).await;
    assert!(matches!(unavailable, Err(Error::Unavailable { status: 401, .. })), "{unavailable:?}");
    assert_eq!(client.count_rows(&place()).await, Err(Error::Unauthorized));
    assert_eq!(client.add(&place(), &row).await, Err(Error::Unauthorized));
    simulator.shutdown().await;
}
