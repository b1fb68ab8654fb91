//! No secret in what the operator writes down, not even where its libraries say all that they can.

use std::fmt::Write as _;
use std::fs;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use rstest::rstest;
use solidserver_simulator::{Config, Fault};

use crate::control_plane::Options;
use crate::tls::ClientAuthority;
use crate::wire::Wire::{self, RestBasic, RestNative, RestToken, V2Basic, V2Native, V2Token};
use crate::world::{OPERATOR_NAMESPACE, World, manifest};

/// All that there is, of libraries too.
const LOUD: &str = "trace,h2=trace,hyper=trace,hyper_util=trace,hyper_rustls=trace,kube=trace,kube_client=trace,\
                    kube_runtime=trace,reqwest=trace,rustls=trace,tower=trace,tower_http=trace,tokio_util=trace,mio=trace";

/// Passwords, or secrets of a token, with characters that are written differently in JSON, URLs and forms.
const FIRST: &str = "Fq7/xW+9&vLp2=kRt5";
const SECOND: &str = "Zb4/yN+8&hGd3=mJs6";
const WRONG: &str = "Kc2/uT+7&eXw1=nQa0";

/// How many Base64 digits a text of `length` bytes fills for itself alone when `before` bytes stand before it, and how many
/// digits belong to them.
fn own_digits(before: usize, length: usize) -> std::ops::Range<usize> {
    (before * 8).div_ceil(6)..(before + length) * 8 / 6
}

/// Everything that a secret looks like on its way through HTTP, JSON, YAML, URLs and debug output.
fn forms(secret: &str) -> Vec<String> {
    let bytes = secret.as_bytes();
    let mut forms = vec![secret.to_owned()];
    // Wherever it stands in what is encoded: alone, after a user's name and a colon, in a whole manifest.
    for before in 0..3 {
        let text = [&b"xx"[..before.min(2)], bytes].concat();
        let digits = own_digits(before, bytes.len());
        for encoded in [STANDARD_NO_PAD.encode(&text), URL_SAFE_NO_PAD.encode(&text)] {
            forms.push(encoded[digits.clone()].to_owned());
        }
    }
    let each = |write: &dyn Fn(&mut String, u8), between: &str| {
        let mut text = String::new();
        for (index, byte) in bytes.iter().enumerate() {
            if index > 0 {
                text.push_str(between);
            }
            write(&mut text, *byte);
        }
        text
    };
    for between in ["", " ", ":"] {
        forms.push(each(&|text, byte| write!(text, "{byte:02x}").unwrap(), between));
        forms.push(each(&|text, byte| write!(text, "{byte:02X}").unwrap(), between));
    }
    for between in [", ", ","] {
        forms.push(each(&|text, byte| write!(text, "{byte}").unwrap(), between));
    }
    forms.push(each(&|text, byte| write!(text, "\\x{byte:02x}").unwrap(), ""));
    forms.push(url::form_urlencoded::byte_serialize(bytes).collect());
    forms.push(secret.replace('&', "\\u0026"));
    forms.push(secret.replace('/', "\\/"));
    forms.sort();
    forms.dedup();
    forms
}

/// The lines in which one of the secrets shows in any form, with the form.
fn showing(text: &str, secrets: &[(&str, String)]) -> Vec<String> {
    let mut found = Vec::new();
    for (name, secret) in secrets {
        for form in forms(secret) {
            if let Some(line) = text.lines().find(|line| line.contains(&form)) {
                let line: String = line.chars().take(400).collect();
                found.push(format!("{name} as {form}: {line}"));
            }
        }
    }
    found
}

/// The lines of a PEM that are its content.
fn lines_of(pem: &str) -> Vec<String> {
    pem.lines().filter(|line| !line.starts_with("-----") && line.len() > 20).map(str::to_owned).collect()
}

async fn client_certificate(world: &World, certificate: &str, key: &str) {
    let (certificate, key) = (STANDARD.encode(certificate), STANDARD.encode(key));
    world
        .apply(&format!(
            "apiVersion: v1\nkind: Secret\nmetadata: {{name: client, namespace: {OPERATOR_NAMESPACE}}}\n\
             data: {{tls.crt: {certificate}, tls.key: {key}}}\n"
        ))
        .await;
}

async fn solid_server(world: &World) {
    let bundle = STANDARD.encode(world.simulator.ca_pem());
    world
        .apply(&format!(
            "apiVersion: solidserver.dev/v1alpha1\nkind: SolidServer\nmetadata: {{name: default}}\nspec:\n  {}\n  \
             endpoint: {}\n  credentialsSecretRef: {{name: solidserver}}\n  resyncInterval: 1h\n  \
             defaults: {{dnsServer: ns.example.com, ttl: 600}}\n  guard: {{deletions: {{maxCount: 1000}}}}\n  \
             zones: [{{name: \"*\", allowedNamespaces: {{from: All}}}}]\n  \
             tls: {{caBundle: {bundle}, clientCertSecretRef: {{name: client}}}}\n",
            world.wire.fields(),
            world.simulator.endpoint(),
        ))
        .await;
}

async fn until_solid_server(world: &World, reason: &str) {
    world
        .until(&format!("the SolidServer is {reason}"), async || {
            let status = world.solid_server_object("default").await.status.unwrap_or_default();
            status.conditions.iter().any(|condition| condition.type_ == "Ready" && condition.reason == reason)
        })
        .await;
}

fn host(name: &str, values: &str) -> String {
    manifest("shop", name, &format!("fqdn: {name}.example.com, type: A, values: [{values}]"))
}

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn nothing_that_is_written_down_holds_a_secret(
    #[values(RestBasic, RestNative, RestToken, V2Basic, V2Native, V2Token)] wire: Wire,
) {
    let authority = ClientAuthority::new();
    let config = Config { client_ca: Some(authority.pem()), ..Config::default() };
    let mut world = wire.world_with(config, Options::default()).await;
    let (certificate, key) = authority.client();
    let (_, other_key) = authority.client();
    world.set_environment("RUST_LOG", LOUD);
    world.set_environment("RUST_BACKTRACE", "1");
    world.change_secret(FIRST);
    world.set_secret(&format!("\"{FIRST}\"")).await;
    client_certificate(&world, &certificate, &key).await;
    solid_server(&world).await;
    world.namespace("shop").await;
    world.start_operator().await;

    // A life, with a conflict and a refusal for the Events.
    world.apply(&(host("web", "192.0.2.1") + &host("old", "192.0.2.2"))).await;
    world.until_ready("shop", 2).await;
    world.apply(&manifest("shop", "late", "fqdn: web.example.com, type: A, values: [192.0.2.9]")).await;
    world.until_reason("shop", "late", "Conflict").await;
    world.simulator.inject(Fault::status("add", 400));
    world.apply(&host("refused", "192.0.2.3")).await;
    world.until_reason("shop", "refused", "Rejected").await;
    world.simulator.clear_faults();
    world.apply(&host("web", "192.0.2.4")).await;
    world.until_reason("shop", "web", "InSync").await;
    world.kubectl(&["delete", "dnsrecords", "-n", "shop", "old", "late", "refused", "--timeout=60s"]).await;

    // A failed login, a rotation, a wrong Secret, one that cannot be sent, none; and a key that does not fit.
    world.change_secret(SECOND);
    world.apply(&host("web", "192.0.2.5")).await;
    until_solid_server(&world, "Unauthorized").await;
    world.set_secret(&format!("\"{SECOND}\"")).await;
    until_solid_server(&world, "InSync").await;
    world.until_ready("shop", 1).await;
    world.set_secret(&format!("\"{WRONG}\"")).await;
    until_solid_server(&world, "Unauthorized").await;
    world.simulator.reset_calls();
    world.set_secret(&format!("\"{WRONG}\\u0001\\n\"")).await;
    world.until("it is refused", async || world.simulator.calls().status(401) > 0).await;
    world.kubectl(&["delete", "secret", "-n", OPERATOR_NAMESPACE, "solidserver"]).await;
    until_solid_server(&world, "Waiting").await;
    world.set_secret(&format!("\"{SECOND}\"")).await;
    until_solid_server(&world, "InSync").await;
    client_certificate(&world, &certificate, &other_key).await;
    until_solid_server(&world, "TlsFailed").await;
    client_certificate(&world, &certificate, &key).await;
    until_solid_server(&world, "InSync").await;
    world.apply(&host("web", "192.0.2.10")).await;
    world.until_ready("shop", 1).await;
    assert_eq!(world.rows("web.example.com"), ["A 600 192.0.2.10 | shop/web"]);

    let kubeconfig: serde_json::Value =
        serde_json::from_str(&fs::read_to_string(&world.kubeconfig).unwrap()).unwrap();
    let token = kubeconfig["users"][0]["user"]["token"].as_str().unwrap().to_owned();
    let signature = token.rsplit('.').next().unwrap().to_owned();
    let mut secrets = vec![
        ("the first secret", FIRST.to_owned()),
        ("the second secret", SECOND.to_owned()),
        ("the wrong secret", WRONG.to_owned()),
        ("the operator's own token", token),
        ("its signature", signature),
    ];
    for key in [&key, &other_key] {
        secrets.extend(lines_of(key).into_iter().map(|line| ("a client's key", line)));
    }
    assert!(secrets.len() >= 9, "{}", secrets.len());

    let mut written = vec![("metrics", world.http("/metrics").await.unwrap().1)];
    written.push(("readiness", world.http("/readyz").await.unwrap().1));
    for kinds in ["events", "dnsrecords,solidservers", "leases"] {
        let objects = world.kubectl(&["get", kinds, "-A", "-o", "json", "--show-managed-fields"]).await;
        assert!(objects.len() > 500, "{kinds}: {objects}");
        written.push((kinds, objects));
    }
    world.stop_operator().await;
    let logs: Vec<_> = fs::read_dir(world.folder())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "log"))
        .collect();
    assert_eq!(logs.len(), 1);
    let log = fs::read_to_string(&logs[0]).unwrap();
    // It is as loud as it can be, of both HTTP clients and of the one for Kubernetes.
    for target in
        [" TRACE ", " h2::", " hyper_util::", " tower::", " kube_client::", " solidserver_operator::"]
    {
        assert!(log.contains(target), "no {target} in the log: {}", &log[..log.len().min(20_000)]);
    }
    written.push(("the log", log));
    for (what, text) in &written {
        assert_eq!(showing(text, &secrets), [""; 0], "{what}");
        for header in ["Basic ", "SDS id1:", "Bearer ey"] {
            let shown = text.lines().find(|line| line.contains(header));
            assert!(shown.is_none_or(|line| line.contains("Basic realm")), "{what}: {shown:?}");
        }
    }
}

#[test]
fn the_search_sees_a_secret_in_each_form() {
    let secrets = [("it", FIRST.to_owned())];
    let cases = [
        format!("password={FIRST}"),
        format!("Authorization: Basic {}", STANDARD.encode(format!("operator:{FIRST}"))),
        format!("X-IPM-Password: {}", STANDARD.encode(FIRST)),
        STANDARD.encode(format!("{{\"data\": \"{FIRST}\"}}")),
        STANDARD.encode(format!("a{FIRST}b")),
        STANDARD.encode(format!("ab{FIRST}c")),
        serde_json::json!({"password": FIRST}).to_string(),
        format!("{:?}", FIRST.as_bytes()),
        FIRST.bytes().map(|byte| format!("{byte:02x}")).collect(),
        url::form_urlencoded::Serializer::new(String::new()).append_pair("password", FIRST).finish(),
        format!("{:?}", k8s_openapi::ByteString(FIRST.as_bytes().to_vec())),
    ];
    for text in cases {
        assert!(!showing(&text, &secrets).is_empty(), "{text}");
    }
    assert_eq!(showing("nothing of it\nFq7", &secrets), [""; 0]);
}
