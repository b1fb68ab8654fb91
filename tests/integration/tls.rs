//! How an appliance is reached: certificates on both sides, proxies, a path prefix, and what is said when one of them is wrong.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, ExtendedKeyUsagePurpose, IsCa, KeyPair,
    KeyUsagePurpose,
};
use solidserver_simulator::{Config, Fault, FaultKind, NewCertificate, Simulator, Token};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

use crate::control_plane::Options;
use crate::world::{OPERATOR_NAMESPACE, World, manifest};

const DEFAULTS: &str =
    "resyncInterval: 1h, limits: {requestTimeout: 2s}, defaults: {dnsServer: ns.example.com, ttl: 600}";

/// Who signs client certificates.
pub(crate) struct ClientAuthority(CertifiedIssuer<'static, KeyPair>);

impl ClientAuthority {
    pub(crate) fn new() -> Self {
        let mut parameters = CertificateParams::default();
        parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        parameters.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        Self(CertifiedIssuer::self_signed(parameters, KeyPair::generate().unwrap()).unwrap())
    }

    pub(crate) fn pem(&self) -> String {
        self.0.pem()
    }

    /// A certificate for the operator and its key.
    pub(crate) fn client(&self) -> (String, String) {
        let mut parameters = CertificateParams::default();
        parameters.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        parameters.use_authority_key_identifier_extension = true;
        let key = KeyPair::generate().unwrap();
        (parameters.signed_by(&key, &self.0).unwrap().pem(), key.serialize_pem())
    }
}

/// Writes a Secret in the operator's namespace.
async fn secret(world: &World, name: &str, keys: &[(&str, &str)]) {
    let data: Vec<String> =
        keys.iter().map(|(key, value)| format!("{key}: {}", STANDARD.encode(value))).collect();
    world
        .apply(&format!(
            "apiVersion: v1\nkind: Secret\nmetadata: {{name: {name}, namespace: {OPERATOR_NAMESPACE}}}\ndata: {{{}}}\n",
            data.join(", ")
        ))
        .await;
}

/// Applies a SolidServer; `spec` is the inside of a flow mapping.
async fn solid_server(world: &World, name: &str, endpoint: &str, spec: &str) {
    world
        .apply(&format!(
            "apiVersion: solidserver.dev/v1alpha1\nkind: SolidServer\nmetadata: {{name: {name}}}\nspec: {{endpoint: \"{endpoint}\", \
             credentialsSecretRef: {{name: solidserver}}, zones: [{{name: \"*\", allowedNamespaces: {{from: All}}}}], {DEFAULTS}, {spec}}}\n"
        ))
        .await;
}

fn trusting(simulator: &Simulator) -> String {
    format!("tls: {{caBundle: {}}}", STANDARD.encode(simulator.ca_pem()))
}

/// Waits until the SolidServer has this reason, for its present generation, and these words in its message; the message.
async fn until(world: &World, name: &str, reason: &str, words: &str) -> String {
    let message = Mutex::new(String::new());
    world
        .until(&format!("SolidServer {name} is {reason} with: {words}"), async || {
            let object = world.solid_server_object(name).await;
            let status = object.status.unwrap_or_default();
            let ready = status.conditions.iter().find(|condition| condition.type_ == "Ready");
            if let Some(ready) = ready {
                message.lock().unwrap().clone_from(&ready.message);
            }
            Some(status.observed_generation) == object.metadata.generation
                && ready.is_some_and(|ready| ready.reason == reason && ready.message.contains(words))
        })
        .await;
    message.into_inner().unwrap()
}

fn record(name: &str, solid_server: &str, address: u8) -> String {
    let spec = format!(
        "fqdn: {name}.example.com, type: A, values: [192.0.2.{address}], solidServerRef: {{name: {solid_server}}}"
    );
    manifest("shop", name, &spec)
}

async fn world(config: Config) -> World {
    let world = World::with(config, Options::default()).await;
    world.namespace("shop").await;
    world
}

/// How often the log has a line with these words.
fn logged(world: &World, words: &str) -> usize {
    world.log().lines().filter(|line| line.contains(words)).count()
}

#[tokio::test(flavor = "multi_thread")]
async fn certificates_from_secrets_are_followed_without_a_restart() {
    let (authority, stranger) = (ClientAuthority::new(), ClientAuthority::new());
    let mut world = world(Config { client_ca: Some(authority.pem()), ..Config::default() }).await;
    let ((certificate, key), (_, other_key)) = (authority.client(), authority.client());
    let tls = "tls: {caBundleSecretRef: {name: ca}, clientCertSecretRef: {name: client}}";
    let endpoint = world.simulator.endpoint();
    solid_server(&world, "default", &endpoint, tls).await;
    // Two sources of trust are refused before anybody sees them.
    let both = format!(
        "{{\"spec\": {{\"tls\": {{\"caBundle\": \"{}\", \"caBundleSecretRef\": {{\"name\": \"ca\"}}}}}}}}",
        STANDARD.encode(world.simulator.ca_pem())
    );
    let patch = ["patch", "solidserver", "default", "--type=merge", "--patch", &both];
    let refused = world.plane.kubectl(&patch).await.unwrap();
    assert!(!refused.status.success() && refused.stderr.contains("exclude each other"), "{}", refused.stderr);

    // What lacks is named, one after the other, and nothing is sent to the appliance before all is there.
    world.start_operator().await;
    until(&world, "default", "Waiting", "there is no Secret solidserver-system/ca; create it with").await;
    secret(&world, "ca", &[("tls.crt", &certificate)]).await;
    until(&world, "default", "TlsFailed", "the Secret solidserver-system/ca has no key ca.crt;").await;
    secret(&world, "ca", &[("ca.crt", &key)]).await;
    until(&world, "default", "TlsFailed", "ca.crt holds no certificate").await;
    secret(&world, "ca", &[("ca.crt", &world.simulator.ca_pem())]).await;
    until(&world, "default", "Waiting", "there is no Secret solidserver-system/client; create it with").await;
    secret(&world, "client", &[("tls.crt", &certificate)]).await;
    until(&world, "default", "TlsFailed", "the Secret solidserver-system/client has no key tls.key;").await;
    secret(&world, "client", &[("tls.crt", &certificate), ("tls.key", &other_key)]).await;
    let why = until(&world, "default", "TlsFailed", "tls.key does not fit").await;
    assert!(why.contains("solidserver-system/client"), "{why}");
    assert_eq!(world.simulator.calls().total, 0);
    secret(&world, "client", &[("tls.crt", &certificate), ("tls.key", &key)]).await;
    until(&world, "default", "InSync", "zones").await;
    world.apply(&record("one", "default", 1)).await;
    world.until_ready("shop", 1).await;

    // The appliance gets a certificate of another authority; the Secret follows.
    world.simulator.renew_certificate(&NewCertificate::default()).unwrap();
    let asked_again = async |reason: &str, words: &str| {
        // Connections that are open go on; a new one is made when they have been idle for a while.
        world
            .until(&format!("{reason}: {words}"), async || {
                world.ask_for_a_round("default").await;
                tokio::time::sleep(Duration::from_secs(5)).await;
                let status = world.solid_server_object("default").await.status.unwrap_or_default();
                status.conditions.iter().any(|ready| {
                    ready.type_ == "Ready" && ready.reason == reason && ready.message.contains(words)
                })
            })
            .await;
    };
    asked_again("TlsFailed", "the authority that is trusted; put the issuing CA into").await;
    world.apply(&record("one", "default", 2)).await;
    world.until_reason("shop", "one", "TlsFailed").await;
    secret(&world, "ca", &[("ca.crt", &world.simulator.ca_pem())]).await;
    world.until_ready("shop", 1).await;
    assert_eq!(world.rows("one.example.com"), ["A 600 192.0.2.2 | shop/one"]);

    // It demands certificates of another authority; the Secret follows.
    world.simulator.demand_client_certificate(Some(&stranger.pem())).unwrap();
    asked_again("TlsFailed", "does not accept the operator's client certificate").await;
    world.apply(&record("one", "default", 3)).await;
    world.until_reason("shop", "one", "TlsFailed").await;
    let (certificate, key) = stranger.client();
    secret(&world, "client", &[("tls.crt", &certificate), ("tls.key", &key)]).await;
    world.until_ready("shop", 1).await;
    assert_eq!(world.rows("one.example.com"), ["A 600 192.0.2.3 | shop/one"]);

    // A pause that the appliance asked for outlives the client.
    until(&world, "default", "InSync", "zones").await;
    let limited = FaultKind::Status {
        code: 429,
        body: None,
        retry_after: Some("3600".to_owned()),
        after_commit: false,
    };
    world.simulator.inject(Fault::new("*", limited).count(1));
    world.simulator.reset_calls();
    world.apply(&record("one", "default", 4)).await;
    until(&world, "default", "RateLimited", "lower spec.limits").await;
    // The list that was refused, and the count that may have been under way beside it.
    let asked = world.simulator.calls().total;
    assert!(asked <= 2, "{:?}", world.simulator.call_log());
    let (clients, held) = (logged(&world, "a new client"), logged(&world, "reason=\"RateLimited\""));
    secret(&world, "ca", &[("ca.crt", &format!("# again\n{}", world.simulator.ca_pem()))]).await;
    world
        .until("the new client is held back", async || {
            logged(&world, "a new client") > clients && logged(&world, "reason=\"RateLimited\"") > held + 1
        })
        .await;
    assert_eq!(world.simulator.calls().total, asked, "{:?}", world.simulator.call_log());
    // Nothing of a Secret is in what is logged.
    let log = world.log();
    let held = [&certificate, &key, &other_key].map(|pem| pem.lines().nth(1).unwrap().to_owned());
    assert!(held.iter().all(|line| !log.contains(line.as_str())));
}

/// A SolidServer, where it leads, what is special in its spec, and what its message says.
struct Case {
    name: &'static str,
    endpoint: String,
    spec: String,
    reason: &'static str,
    words: &'static [&'static str],
}

#[tokio::test(flavor = "multi_thread")]
async fn each_trouble_with_an_appliance_has_its_reason_and_says_what_to_do() {
    let authority = ClientAuthority::new();
    let mut world = world(Config::default()).await;
    let start = async |config: Config| Simulator::start(config).await.unwrap();
    let renewed = async |wanted: NewCertificate| {
        let simulator = start(Config::default()).await;
        simulator.renew_certificate(&wanted).unwrap();
        simulator
    };
    let wrong_name =
        renewed(NewCertificate { names: vec!["ddi.example.com".to_owned()], ..NewCertificate::default() })
            .await;
    let unknown = start(Config::default()).await;
    let expired = renewed(NewCertificate { expired: true, ..NewCertificate::default() }).await;
    let of_authority = renewed(NewCertificate { authority: true, ..NewCertificate::default() }).await;
    let demanding =
        async |http2| start(Config { client_ca: Some(authority.pem()), http2, ..Config::default() }).await;
    let (demanding, demanding_http1, refusing) =
        (demanding(true).await, demanding(false).await, demanding(true).await);
    let misbehaving = async |kind: FaultKind| {
        let simulator = start(Config::default()).await;
        simulator.inject(Fault::new("*", kind));
        simulator
    };
    let status = |code, body: Option<&str>, retry_after: Option<&str>| FaultKind::Status {
        code,
        body: body.map(str::to_owned),
        retry_after: retry_after.map(str::to_owned),
        after_commit: false,
    };
    let gateway =
        misbehaving(status(400, Some("<h1>400 No required SSL certificate was sent</h1>"), None)).await;
    let forbidden = misbehaving(FaultKind::Forbidden).await;
    let skewed = misbehaving(FaultKind::ClockSkew).await;
    let limited = misbehaving(status(429, None, Some("60"))).await;
    let locked = start(Config { password: "another".to_owned(), ..Config::default() }).await;
    // Nobody listens; nobody answers.
    let nobody = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let (certificate, key) = ClientAuthority::new().client();
    secret(&world, "client", &[("tls.crt", &certificate), ("tls.key", &key)]).await;

    let at = |simulator: &Simulator, name, reason, words| Case {
        name,
        endpoint: simulator.endpoint(),
        spec: trusting(simulator),
        reason,
        words,
    };
    let elsewhere = |endpoint: String, name, reason, words| Case {
        name,
        endpoint,
        spec: trusting(&wrong_name),
        reason,
        words,
    };
    let cases = [
        elsewhere(
            unknown.endpoint(),
            "unknown-issuer",
            "TlsFailed",
            &[
                "signed with another key than that of the authority that is trusted;",
                "put the issuing CA into spec.tls.caBundle",
            ],
        ),
        at(
            &wrong_name,
            "wrong-name",
            "TlsFailed",
            &[
                "is for ddi.example.com, not for 127.0.0.1;",
                "write a name of the certificate into spec.endpoint",
            ],
        ),
        at(
            &expired,
            "expired",
            "TlsFailed",
            &["has expired on 2002-01-01T00:00:00Z;", "renew the appliance's certificate"],
        ),
        at(
            &of_authority,
            "authority",
            "TlsFailed",
            &["CA:TRUE", "give the appliance a certificate that a CA"],
        ),
        at(
            &demanding,
            "demanding",
            "TlsFailed",
            &["it demands a client certificate", "spec.tls.clientCertSecretRef"],
        ),
        at(
            &demanding_http1,
            "demanding-http1",
            "TlsFailed",
            &["it demands a client certificate", "name it in spec.tls.clientCertSecretRef"],
        ),
        at(
            &gateway,
            "gateway",
            "TlsFailed",
            &["it demands a client certificate (400", "spec.tls.clientCertSecretRef"],
        ),
        Case {
            spec: format!(
                "tls: {{caBundle: {}, clientCertSecretRef: {{name: client}}}}",
                STANDARD.encode(refusing.ca_pem())
            ),
            ..at(
                &refusing,
                "refusing",
                "TlsFailed",
                &[
                    "does not accept the operator's client certificate",
                    "that the appliance accepts into the Secret",
                ],
            )
        },
        elsewhere(
            format!("https://{}", wrong_name.admin()),
            "plain",
            "TlsFailed",
            &["does not speak TLS;", "write host and port of the appliance's HTTPS service"],
        ),
        elsewhere(
            format!("https://{nobody}"),
            "nobody",
            "Unreachable",
            &["refused", "check spec.endpoint, name resolution"],
        ),
        elsewhere(
            "https://nowhere.invalid".to_owned(),
            "nowhere",
            "Unreachable",
            &["the name nowhere.invalid cannot be resolved", "check spec.endpoint"],
        ),
        elsewhere(
            format!("https://{}", silent.local_addr().unwrap()),
            "silent",
            "Unreachable",
            &["no connection in time", "check spec.endpoint"],
        ),
        at(
            &locked,
            "locked",
            "Unauthorized",
            &["refuses the credentials (401)", "correct the login in the Secret"],
        ),
        at(&forbidden, "forbidden", "Forbidden", &["may not use the service", "give the account rights"]),
        at(&skewed, "skewed", "ClockSkew", &["clocks", "correct the clock"]),
        at(&limited, "limited", "RateLimited", &["(429)", "lower spec.limits"]),
    ];
    for Case { name, endpoint, spec, .. } in &cases {
        solid_server(&world, name, endpoint, spec).await;
    }
    world.start_operator().await;
    let mut said = BTreeSet::new();
    for Case { name, reason, words, .. } in &cases {
        let message = until(&world, name, reason, words[0]).await;
        assert!(words.iter().all(|words| message.contains(words)), "{name}: {message}");
        said.insert((*reason, words[1]));
    }
    let reasons: BTreeSet<_> = said.iter().map(|(reason, _)| *reason).collect();
    let six = ["ClockSkew", "Forbidden", "RateLimited", "TlsFailed", "Unauthorized", "Unreachable"];
    assert_eq!(reasons, BTreeSet::from(six));
    for simulator in [&unknown, &wrong_name, &expired, &of_authority, &demanding, &demanding_http1, &refusing]
    {
        assert_eq!(simulator.calls().total, 0, "a call was answered");
    }

    // Not checking is possible; it is said and warned about.
    let events = async || {
        let columns = "-o=custom-columns=TYPE:.type,REASON:.reason,NAME:.involvedObject.name";
        world.kubectl(&["get", "events", "-A", "--no-headers", columns]).await
    };
    assert_eq!(logged(&world, "is not checked"), 0);
    solid_server(&world, "wrong-name", &wrong_name.endpoint(), "tls: {insecureSkipVerify: true}").await;
    let message =
        until(&world, "wrong-name", "InSync", "(certificate not checked: spec.tls.insecureSkipVerify)").await;
    assert!(message.contains("zones on 1 DNS servers"), "{message}");
    world.apply(&record("trustful", "wrong-name", 1)).await;
    world.until_ready("shop", 1).await;
    let described = world.kubectl(&["describe", "solidserver", "wrong-name"]).await;
    assert!(described.contains("certificate not checked: spec.tls.insecureSkipVerify"), "{described}");
    let warned = async || {
        let warning = ["Warning", "CertificateNotChecked", "wrong-name"];
        events().await.lines().filter(|line| line.split_whitespace().eq(warning)).count()
    };
    world.until("an Event warns", async || warned().await == 1).await;
    assert_eq!(logged(&world, "certificate is not checked"), 1);
    // Once, as long as it stays so; and no more when it is checked again.
    world.a_round("wrong-name").await;
    assert_eq!((warned().await, logged(&world, "certificate is not checked")), (1, 1));
    wrong_name.renew_certificate(&NewCertificate::default()).unwrap();
    solid_server(&world, "wrong-name", &wrong_name.endpoint(), &trusting(&wrong_name)).await;
    let message = until(&world, "wrong-name", "InSync", "zones").await;
    assert!(!message.contains("not checked"), "{message}");
}

/// A small HTTP proxy that opens tunnels.
struct TunnelProxy {
    address: SocketAddr,
    seen: Arc<Mutex<Seen>>,
    task: Option<JoinHandle<()>>,
}

#[derive(Default)]
struct Seen {
    /// Where tunnels were asked to lead to, and what was shown as `Proxy-Authorization`.
    asked: Vec<(String, Option<String>)>,
    /// What is answered instead of opening one.
    refusal: Option<&'static str>,
}

impl TunnelProxy {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (address, seen) = (listener.local_addr().unwrap(), Arc::new(Mutex::new(Seen::default())));
        let mut proxy = Self { address, seen, task: None };
        proxy.serve(listener);
        proxy
    }

    fn serve(&mut self, listener: TcpListener) {
        let seen = Arc::clone(&self.seen);
        self.task = Some(tokio::spawn(async move {
            // Dropped with this task, and with it all tunnels.
            let mut tunnels = tokio::task::JoinSet::new();
            while let Ok((near, _)) = listener.accept().await {
                tunnels.spawn(tunnel(near, Arc::clone(&seen)));
            }
        }));
    }

    /// Ends all tunnels and the listening.
    async fn stop(&mut self) {
        let task = self.task.take().unwrap();
        task.abort();
        let _ = task.await;
    }

    async fn start_again(&mut self) {
        self.serve(TcpListener::bind(self.address).await.unwrap());
    }

    /// Ends all tunnels, and answers like this from now on.
    async fn answer(&mut self, refusal: Option<&'static str>) {
        self.stop().await;
        self.seen.lock().unwrap().refusal = refusal;
        self.start_again().await;
    }

    fn asked(&self) -> Vec<(String, Option<String>)> {
        self.seen.lock().unwrap().asked.clone()
    }
}

impl Drop for TunnelProxy {
    fn drop(&mut self) {
        self.task.iter().for_each(JoinHandle::abort);
    }
}

async fn tunnel(mut near: TcpStream, seen: Arc<Mutex<Seen>>) -> Option<()> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(near.read_u8().await.ok()?);
    }
    let head = String::from_utf8(head).ok()?;
    let target = head.strip_prefix("CONNECT ")?.split(' ').next()?.to_owned();
    let login = head
        .lines()
        .filter_map(|line| line.split_once(": "))
        .find(|(name, _)| name.eq_ignore_ascii_case("Proxy-Authorization"))
        .map(|(_, value)| value.to_owned());
    let refusal = {
        let mut seen = seen.lock().unwrap();
        seen.asked.push((target.clone(), login));
        seen.refusal
    };
    if let Some(refusal) = refusal {
        near.write_all(format!("HTTP/1.1 {refusal}\r\nContent-Length: 0\r\n\r\n").as_bytes()).await.ok()?;
        return None;
    }
    let mut far = TcpStream::connect(&target).await.ok()?;
    near.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n").await.ok()?;
    tokio::io::copy_bidirectional(&mut near, &mut far).await.ok().map(drop)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_proxy_of_the_environment_is_used_and_no_proxy_takes_an_appliance_out() {
    let mut world = world(Config::default()).await;
    // How often a client is made is counted, and one is made for each term of a Lease.
    world.leases = ["600s", "500s", "2s"];
    let mut proxy = TunnelProxy::start().await;
    let (target, endpoint) = (world.simulator.address().to_string(), world.simulator.endpoint());
    world.set_environment("HTTPS_PROXY", &format!("http://user:pr0xy-s3cret@{}", proxy.address));
    solid_server(&world, "default", &endpoint, &trusting(&world.simulator)).await;
    world.start_operator().await;
    until(&world, "default", "InSync", "zones").await;
    world.apply(&record("one", "default", 1)).await;
    world.until_ready("shop", 1).await;
    // All calls to the appliance, none to the API server.
    let login = format!("Basic {}", STANDARD.encode("user:pr0xy-s3cret"));
    let asked = proxy.asked();
    assert!(!asked.is_empty() && asked.iter().all(|(to, _)| *to == target), "{asked:?}");
    assert!(asked.iter().all(|(_, shown)| shown.as_ref() == Some(&login)), "{asked:?}");
    world
        .until("each connection came through it", async || {
            world.simulator.calls().connections == proxy.asked().len() as u64
        })
        .await;
    let through = format!("proxy=\"http://{}\"", proxy.address);
    assert_eq!(logged(&world, &through), 1, "{}", world.log());

    // What goes wrong on this way is said to be on this way.
    let through = format!("cannot be reached through the proxy http://{}: ", proxy.address);
    let advice = "; check the proxy, and HTTPS_PROXY and NO_PROXY in the operator's Deployment";
    let mut address = 1;
    for (refusal, words) in [
        (Some("407 Proxy Authentication Required"), "it demands a login (407)"),
        (Some("403 Forbidden"), "it refuses to open a tunnel to the endpoint"),
        (Some("502 Bad Gateway"), "it refuses to open a tunnel to the endpoint"),
        (None, "no connection to it: Connection refused"),
    ] {
        match refusal {
            Some(_) => proxy.answer(refusal).await,
            None => proxy.stop().await,
        }
        address += 1;
        world.apply(&record("one", "default", address)).await;
        let message = until(&world, "default", "Unreachable", &format!("{through}{words}")).await;
        assert!(message.contains(advice), "{message}");
        world.until_reason("shop", "one", "Unreachable").await;
        match refusal {
            Some(_) => proxy.answer(None).await,
            None => proxy.start_again().await,
        }
        world.until_ready("shop", 1).await;
        until(&world, "default", "InSync", "zones").await;
        assert_eq!(world.rows("one.example.com"), [format!("A 600 192.0.2.{address} | shop/one")]);
    }
    let log = world.log();
    assert!(!log.contains("pr0xy-s3cret") && !log.contains(&login));
    let shown = world.kubectl(&["get", "solidservers,dnsrecords,events", "-A", "-o", "yaml"]).await;
    assert!(!shown.contains("pr0xy-s3cret"));

    assert!(world.stop_operator().await.success());
    world.set_environment("NO_PROXY", "10.0.0.0/8,127.0.0.0/8");
    let before = proxy.asked().len();
    world.start_operator().await;
    world.apply(&record("one", "default", 99)).await;
    world
        .until("it is written", async || world.rows("one.example.com") == ["A 600 192.0.2.99 | shop/one"])
        .await;
    assert_eq!(proxy.asked().len(), before);
    assert_eq!(logged(&world, "through a proxy"), 0);

    // One that cannot be one is said so, not passed by.
    assert!(world.stop_operator().await.success());
    world.set_environment("NO_PROXY", "");
    world.set_environment("HTTPS_PROXY", "socks5://127.0.0.1:1");
    world.simulator.reset_calls();
    world.start_operator().await;
    until(&world, "default", "InvalidValue", "names a socks5 proxy; only http:// and https://").await;
    assert_eq!(world.simulator.calls().total, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_appliance_behind_a_path_prefix_is_served_under_each_login() {
    let config = |prefix: &str, http2| Config {
        path_prefix: prefix.to_owned(),
        token: Some(Token::new("id1", "t0ken")),
        http2,
        ..Config::default()
    };
    let mut world = world(config("/gateway/ddi", true)).await;
    let second = Simulator::start(config("/ddi", false)).await.unwrap();
    world.set_token("id1", "t0ken").await;
    // With and without a slash at the end.
    let endpoint = format!("{}/", world.simulator.endpoint());
    assert!(endpoint.ends_with("/gateway/ddi/"), "{endpoint}");
    solid_server(&world, "default", &endpoint, &trusting(&world.simulator)).await;
    solid_server(&world, "second", &second.endpoint(), &trusting(&second)).await;
    world.start_operator().await;
    let mut count = 0;
    for (method, kind) in [("Token", "token"), ("Basic", "basic"), ("Native", "native")] {
        let spec = |simulator: &Simulator| format!("authMethod: {method}, {}", trusting(simulator));
        solid_server(&world, "default", &endpoint, &spec(&world.simulator)).await;
        solid_server(&world, "second", &second.endpoint(), &spec(&second)).await;
        for (solid_server, simulator) in [("default", &world.simulator), ("second", &second)] {
            until(&world, solid_server, "InSync", "zones").await;
            world.a_round(solid_server).await;
            simulator.reset_calls();
            let name = format!("{}-{solid_server}", method.to_lowercase());
            world.apply(&record(&name, solid_server, 7)).await;
            count += 1;
            world.until_ready("shop", count).await;
            let rows = simulator.rows_at(&format!("{name}.example.com"));
            assert_eq!(rows.len(), 1, "{name}");
            let shown: BTreeSet<_> = simulator.call_log().iter().map(|call| call.login).collect();
            assert_eq!(shown, BTreeSet::from([kind]));
            let calls = simulator.calls();
            assert_eq!((calls.operation("add"), calls.status(401)), (1, 0), "{name}");
        }
    }
    // Beside the prefix there is no SOLIDserver.
    let beside = format!("{}/elsewhere", second.endpoint().trim_end_matches("/ddi"));
    let spec = format!("authMethod: Token, {}", trusting(&second));
    solid_server(&world, "beside", &beside, &spec).await;
    until(&world, "beside", "Retrying", "no SOLIDserver at the endpoint").await;
}
