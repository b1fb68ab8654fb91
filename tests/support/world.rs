//! A world for behaviour tests: a real kube-apiserver and etcd, the simulator over HTTPS, and the operator as the process that is
//! shipped.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use kube::api::{Api, ListParams, Patch, PatchParams};
use solidserver_operator::api::{DnsRecord, RECONCILE_REQUESTED_AT, SolidServer};
use solidserver_simulator::{Config, RowView, Simulator};
use tokio::process::{Child, Command};

use super::control_plane::Options;
use super::planes::Plane;
use super::wire::{SECRET, Wire};

/// How long anything may take before a test fails. Never a measure of speed.
pub(crate) const PATIENCE: Duration = Duration::from_secs(90);

/// Where the operator looks for Secrets.
pub(crate) const OPERATOR_NAMESPACE: &str = "solidserver-system";

/// Everything that a behaviour test needs. Each world has a control plane of its own: the operator serves the whole cluster.
pub(crate) struct World {
    pub(crate) wire: Wire,
    pub(crate) simulator: Simulator,
    pub(crate) client: kube::Client,
    // Dropped before the control plane is given to the next world.
    operator: Option<Operator>,
    /// Further replicas by their instance id.
    replicas: BTreeMap<String, Operator>,
    /// `--lease-duration`, `--lease-renew` and `--lease-retry` of operators that are started from now on.
    pub(crate) leases: [&'static str; 3],
    /// `--cluster-name` of operators that are started from now on.
    pub(crate) cluster_name: &'static str,
    pub(crate) plane: Plane,
    folder: tempfile::TempDir,
    starts: usize,
    environment: Vec<(String, String)>,
    /// The kubeconfig of the operator's own account, with the rights that are shipped and no others.
    pub(crate) kubeconfig: PathBuf,
}

/// Variables that would send the operator's calls somewhere else; those of whoever runs the tests don't count.
const PROXY_VARIABLES: [&str; 8] = [
    "HTTPS_PROXY",
    "https_proxy",
    "HTTP_PROXY",
    "http_proxy",
    "ALL_PROXY",
    "all_proxy",
    "NO_PROXY",
    "no_proxy",
];

struct Operator {
    child: Child,
    http: String,
    log: PathBuf,
}

impl Drop for Operator {
    fn drop(&mut self) {
        let _ = self.child.start_kill();
        let begun = Instant::now();
        while matches!(self.child.try_wait(), Ok(None)) && begun.elapsed() < Duration::from_secs(5) {
            std::thread::sleep(Duration::from_millis(2));
        }
    }
}

// Tests that are about one dialect or about none take what most people have.
#[allow(dead_code)]
impl World {
    /// A control plane with the definitions, a simulator with the example's zones, no operator and no SolidServer yet.
    pub(crate) async fn new() -> Self {
        Wire::RestBasic.world().await
    }

    pub(crate) async fn with(config: Config, options: Options) -> Self {
        Wire::RestBasic.world_with(config, options).await
    }

    /// A world in which all runs: SolidServer `default` over the SMART `ns.example.com`, resync every `resync`.
    pub(crate) async fn running(resync: &str) -> Self {
        Wire::RestBasic.running(resync).await
    }
}

impl World {
    pub(super) async fn over(wire: Wire, config: Config, options: Options) -> Self {
        let plane = Plane::take(options).await;
        let kubeconfig = plane.install_rights().await.expect("the operator's rights");
        let client = plane.client().expect("a client");
        let simulator = Simulator::start(wire.configured(config)).await.expect("a simulator");
        let folder = tempfile::tempdir().expect("a folder");
        let world = Self {
            wire,
            simulator,
            client,
            operator: None,
            replicas: BTreeMap::new(),
            // Short enough for those that kill the operator, and long enough for an API server on a machine that is busy.
            leases: ["10s", "8s", "500ms"],
            cluster_name: "test",
            plane,
            folder,
            starts: 0,
            environment: Vec::new(),
            kubeconfig,
        };
        world.set_secret(SECRET).await;
        world
    }

    pub(super) async fn run(mut self, resync: &str) -> Self {
        self.solid_server(
            "default",
            &format!("resyncInterval: {resync}\n  defaults: {{dnsServer: ns.example.com, ttl: 600}}"),
        )
        .await;
        self.start_operator().await;
        self
    }

    /// Writes the Secret with the credentials that the wire needs, and no others.
    pub(crate) async fn set_secret(&self, secret: &str) {
        let keys = self.wire.keys(secret);
        self.apply(&format!(
            "apiVersion: v1\nkind: Secret\nmetadata: {{name: solidserver, namespace: {OPERATOR_NAMESPACE}}}\nstringData: {keys}\n"
        ))
        .await;
    }

    /// From now on the appliance lets in this password, or this token's secret, and no other.
    pub(crate) fn change_secret(&self, secret: &str) {
        self.wire.change_secret(&self.simulator, secret);
    }

    /// Adds a token to the Secret, or changes it; a password that is there stays.
    pub(crate) async fn set_token(&self, id: &str, secret: &str) {
        let patch = format!("{{\"stringData\": {{\"tokenId\": \"{id}\", \"tokenSecret\": \"{secret}\"}}}}");
        let object = ["patch", "secret", "-n", OPERATOR_NAMESPACE, "solidserver"];
        self.kubectl(&[&object[..], &["--type=merge", "--patch", &patch]].concat()).await;
    }

    /// Applies a SolidServer for the simulator; `spec` is YAML for further fields, indented by two.
    pub(crate) async fn solid_server(&self, name: &str, spec: &str) {
        let endpoint = self.simulator.endpoint();
        self.solid_server_at(name, &endpoint, spec).await;
    }

    /// The same at another address that leads to the simulator. Without `zones` all may write on the default server and view.
    /// Where the spec says nothing of the deletion guard it lets through what
    /// a test deletes.
    pub(crate) async fn solid_server_at(&self, name: &str, endpoint: &str, spec: &str) {
        // Over this one without a word, as most people write it.
        let fields = if self.wire == Wire::RestBasic { String::new() } else { self.wire.fields() };
        self.solid_server_with(name, endpoint, &format!("{fields}\n  {spec}")).await;
    }

    /// The same, with its dialect and login in `spec`.
    pub(crate) async fn solid_server_with(&self, name: &str, endpoint: &str, spec: &str) {
        self.solid_server_of(&self.simulator, name, endpoint, spec).await;
    }

    /// One more appliance, and its SolidServer.
    pub(crate) async fn another_appliance(&self, name: &str, spec: &str) -> Simulator {
        let simulator = Simulator::start(Config::default()).await.expect("a simulator");
        self.solid_server_of(&simulator, name, &simulator.endpoint(), spec).await;
        simulator
    }

    /// The SolidServer of another simulator that lets this world's login in.
    pub(crate) async fn solid_server_beside(&self, name: &str, simulator: &Simulator, spec: &str) {
        let spec = format!("{}\n  {spec}", self.wire.fields());
        self.solid_server_of(simulator, name, &simulator.endpoint(), &spec).await;
    }

    async fn solid_server_of(&self, simulator: &Simulator, name: &str, endpoint: &str, spec: &str) {
        let zones = if spec.contains("zones:") { String::new() } else { for_all(&[], &[]) };
        let bundle = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, simulator.ca_pem());
        let guard = if spec.contains("guard:") { "" } else { "\n  guard: {deletions: {maxCount: 1000}}" };
        self.apply(&format!(
            "apiVersion: solidserver.dev/v1alpha1\nkind: SolidServer\nmetadata: {{name: {name}}}\nspec:\n  endpoint: {endpoint}\n  credentialsSecretRef: {{name: solidserver}}\n  tls: {{caBundle: {bundle}}}\n  {zones}\n  {spec}{guard}\n"
        ))
        .await;
    }

    /// Sets a variable in the environment of operators that are started from now on.
    pub(crate) fn set_environment(&mut self, name: &str, value: &str) {
        self.environment.push((name.to_owned(), value.to_owned()));
    }

    /// Starts the operator's binary with the rights that are shipped and waits until it is ready.
    pub(crate) async fn start_operator(&mut self) {
        let kubeconfig = self.kubeconfig.clone();
        self.start_operator_as(&kubeconfig).await;
    }

    /// Starts the operator's binary with the rights of this kubeconfig and waits until it is ready.
    pub(crate) async fn start_operator_as(&mut self, kubeconfig: &Path) {
        self.operator = None;
        let operator = self.spawn_operator(kubeconfig, None);
        self.operator = Some(operator);
        self.until("the operator is ready", async || {
            self.http("/readyz").await.is_some_and(|(status, _)| status == 200)
        })
        .await;
    }

    /// Starts one more replica, which calls itself `instance`, with the rights that are shipped, and waits until it is ready.
    pub(crate) async fn start_replica(&mut self, instance: &str) {
        let kubeconfig = self.kubeconfig.clone();
        self.start_replica_as(instance, &kubeconfig).await;
    }

    /// The same with the rights and the way of this kubeconfig.
    pub(crate) async fn start_replica_as(&mut self, instance: &str, kubeconfig: &Path) {
        let operator = self.spawn_operator(kubeconfig, Some(instance));
        let ready = format!("{}/readyz", operator.http);
        self.replicas.insert(instance.to_owned(), operator);
        self.until("the replica is ready", async || {
            reqwest::get(&ready).await.is_ok_and(|answer| answer.status() == 200)
        })
        .await;
    }

    /// Ends a replica with SIGKILL.
    pub(crate) async fn kill_replica(&mut self, instance: &str) {
        let mut operator = self.replicas.remove(instance).expect("it runs");
        operator.child.kill().await.expect("it is killed");
    }

    /// Ends a replica with SIGTERM and waits for it.
    pub(crate) async fn stop_replica(&mut self, instance: &str) -> std::process::ExitStatus {
        terminate(self.replicas.remove(instance).expect("it runs")).await
    }

    /// The resident memory of all replicas, in pages.
    pub(crate) fn resident_pages(&self) -> u64 {
        let of = |operator: &Operator| {
            let statistics = std::fs::read_to_string(format!("/proc/{}/statm", operator.child.id()?)).ok()?;
            statistics.split(' ').nth(1)?.parse::<u64>().ok()
        };
        self.replicas.values().filter_map(of).sum()
    }

    /// A folder for files of the test's own.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    fn spawn_operator(&mut self, kubeconfig: &Path, instance: Option<&str>) -> Operator {
        let _ = rustls::crypto::ring::default_provider().install_default();
        self.starts += 1;
        let port = std::net::TcpListener::bind("127.0.0.1:0")
            .expect("a port")
            .local_addr()
            .expect("its number")
            .port();
        let log = self.folder.path().join(format!("operator-{}.log", self.starts));
        let file = std::fs::File::create(&log).expect("a log file");
        let mut command = Command::new(env!("CARGO_BIN_EXE_solidserver-operator"));
        for name in PROXY_VARIABLES {
            command.env_remove(name);
        }
        let [duration, renew, retry] = self.leases;
        let child = command
            .envs(self.environment.iter().map(|(name, value)| (name, value)))
            .args(["run", "--cluster-name", self.cluster_name, "--operator-namespace", OPERATOR_NAMESPACE])
            .args(["--http-listen", &format!("127.0.0.1:{port}")])
            // RUST_LOG of the world's environment, where there is one.
            .args(self.log_flag())
            .args(["--log-format", "text", "--lease-duration", duration])
            .args(["--lease-renew", renew, "--lease-retry", retry])
            .arg("--kubeconfig")
            .arg(kubeconfig)
            .args(instance.iter().flat_map(|instance| ["--instance-id", instance]))
            .stdin(Stdio::null())
            .stdout(file.try_clone().expect("a second handle"))
            .stderr(file)
            .kill_on_drop(true)
            .spawn()
            .expect("the operator starts");
        Operator { child, http: format!("http://127.0.0.1:{port}"), log }
    }

    fn log_flag(&self) -> &'static [&'static str] {
        match self.environment.iter().any(|(name, _)| name == "RUST_LOG") {
            true => &[],
            false => &["--log", "info,solidserver_operator=debug"],
        }
    }

    /// The id of the operator's process.
    pub(crate) fn operator_id(&self) -> Option<u32> {
        self.operator.as_ref()?.child.id()
    }

    /// Ends the operator with SIGKILL.
    pub(crate) async fn kill_operator(&mut self) {
        if let Some(mut operator) = self.operator.take() {
            operator.child.kill().await.expect("it is killed");
        }
    }

    /// Ends the operator with SIGTERM and waits for it.
    pub(crate) async fn stop_operator(&mut self) -> std::process::ExitStatus {
        terminate(self.operator.take().expect("an operator runs")).await
    }

    /// GET on the operator's HTTP address.
    pub(crate) async fn http(&self, path: &str) -> Option<(u16, String)> {
        let operator = self.operator.as_ref()?;
        let _ = rustls::crypto::ring::default_provider().install_default();
        let answer = reqwest::get(format!("{}{path}", operator.http)).await.ok()?;
        Some((answer.status().as_u16(), answer.text().await.ok()?))
    }

    /// The operator's log so far.
    pub(crate) fn log(&self) -> String {
        self.operator
            .as_ref()
            .map(|operator| std::fs::read_to_string(&operator.log).unwrap_or_default())
            .unwrap_or_default()
    }

    /// `kubectl apply -f -` of YAML that must be taken.
    pub(crate) async fn apply(&self, yaml: &str) {
        self.kubectl_in(&["apply", "-f", "-"], yaml).await;
    }

    /// kubectl that must succeed; its output.
    pub(crate) async fn kubectl(&self, arguments: &[&str]) -> String {
        self.plane.kubectl(arguments).await.expect("kubectl runs").success().expect("kubectl succeeds")
    }

    /// The same with standard input.
    pub(crate) async fn kubectl_in(&self, arguments: &[&str], input: &str) -> String {
        self.plane
            .kubectl_with_stdin(arguments, input)
            .await
            .expect("kubectl runs")
            .success()
            .expect("kubectl succeeds")
    }

    /// Creates a namespace.
    pub(crate) async fn namespace(&self, name: &str) {
        self.apply(&format!("apiVersion: v1\nkind: Namespace\nmetadata: {{name: {name}}}\n")).await;
    }

    pub(crate) fn records(&self, namespace: &str) -> Api<DnsRecord> {
        Api::namespaced(self.client.clone(), namespace)
    }

    pub(crate) async fn record(&self, namespace: &str, name: &str) -> Option<DnsRecord> {
        self.records(namespace).get_opt(name).await.expect("the API server answers")
    }

    pub(crate) async fn all_records(&self, namespace: &str) -> Vec<DnsRecord> {
        self.records(namespace).list(&ListParams::default()).await.expect("a list").items
    }

    pub(crate) async fn solid_server_object(&self, name: &str) -> SolidServer {
        Api::<SolidServer>::all(self.client.clone()).get(name).await.expect("the SolidServer")
    }

    /// Waits until something holds.
    pub(crate) async fn until(&self, what: &str, mut holds: impl AsyncFnMut() -> bool) {
        let begun = Instant::now();
        while begun.elapsed() < PATIENCE {
            let asked = Instant::now();
            if holds().await {
                return;
            }
            // Lists of a thousand records are work: whoever is waited for must come to do its own.
            tokio::time::sleep((asked.elapsed() * 3).max(Duration::from_millis(50))).await;
        }
        panic!("not within {PATIENCE:?}: {what}\n{}", self.situation().await);
    }

    /// Waits until a DnsRecord shows this reason for its present generation.
    pub(crate) async fn until_reason(&self, namespace: &str, name: &str, reason: &str) -> DnsRecord {
        self.until(&format!("{namespace}/{name} is {reason}"), async || {
            self.record(namespace, name).await.is_some_and(|record| shows(&record, reason))
        })
        .await;
        self.record(namespace, name).await.expect("it is there")
    }

    /// Waits until every DnsRecord of the namespace is InSync, and there are `count` of them.
    pub(crate) async fn until_ready(&self, namespace: &str, count: usize) {
        self.until(&format!("{count} records of {namespace} are ready"), async || {
            let records = self.all_records(namespace).await;
            records.len() == count && records.iter().all(|record| shows(record, "InSync"))
        })
        .await;
    }

    /// Asks for a whole round over the zones.
    pub(crate) async fn ask_for_a_round(&self, solid_server: &str) {
        let request = serde_json::json!({
            "metadata": {"annotations": {RECONCILE_REQUESTED_AT: unique().to_string()}}
        });
        Api::<SolidServer>::all(self.client.clone())
            .patch(solid_server, &PatchParams::default(), &Patch::Merge(&request))
            .await
            .expect("it is annotated");
    }

    /// Waits until a whole round over the zones that began after this call is over.
    pub(crate) async fn a_round(&self, solid_server: &str) {
        // The end of a round is told in whole seconds, and one that ended before may be told late: this one is asked for at the
        // beginning of a second, and no other one ends in that second or after it.
        let second = Timestamp::now().as_second() + 1;
        self.until("the second begins", async || Timestamp::now().as_second() >= second).await;
        self.ask_for_a_round(solid_server).await;
        self.until("a whole round is over", async || {
            let status = self.solid_server_object(solid_server).await.status;
            let round = status.and_then(|status| status.last_sync);
            round.is_some_and(|round| round.time.0.as_second() >= second)
        })
        .await;
    }

    /// The rows of a name, as text: `TYPE TTL values | mark`, sorted.
    pub(crate) fn rows(&self, name: &str) -> Vec<String> {
        let mut rows: Vec<String> = self
            .simulator
            .rows_at(name)
            .iter()
            .filter(|row| !row.pending_delete && row.record_type != "SOA")
            .map(describe)
            .collect();
        rows.sort();
        rows
    }

    /// What stands where, for whoever reads of a failure.
    pub(crate) async fn situation(&self) -> String {
        let mut text = String::new();
        let list = self.plane.kubectl(&["get", "dnsrecords,solidservers", "-A", "-o", "wide"]).await;
        if let Ok(list) = list {
            let lines: Vec<&str> = list.stdout.lines().take(40).collect();
            let _ = writeln!(text, "{}", lines.join("\n"));
        }
        let log = self.log();
        for (instance, operator) in &self.replicas {
            let log = std::fs::read_to_string(&operator.log).unwrap_or_default();
            let lines: Vec<&str> = log.lines().collect();
            let _ = writeln!(text, "--- {instance}\n{}", lines[lines.len().saturating_sub(40)..].join("\n"));
        }
        let lines: Vec<&str> = log.lines().collect();
        let _ = writeln!(
            text,
            "--- the operator's last lines\n{}",
            lines[lines.len().saturating_sub(60)..].join("\n")
        );
        let _ = writeln!(text, "--- calls: {:?}", self.simulator.calls());
        text
    }
}

/// Ends an operator with SIGTERM and waits for it.
async fn terminate(mut operator: Operator) -> std::process::ExitStatus {
    let id = operator.child.id().expect("it runs").to_string();
    assert!(Command::new("kill").args(["-TERM", &id]).status().await.expect("kill").success());
    tokio::time::timeout(PATIENCE, operator.child.wait()).await.expect("it ends").expect("a status")
}

/// `TYPE TTL values | owner`, the owner without the cluster's name; `-` for a row without a mark.
pub(crate) fn describe(row: &RowView) -> String {
    let values: Vec<&str> = row.values.iter().map(String::as_str).filter(|value| !value.is_empty()).collect();
    let owner = row.class_parameters.get("k8s_owner").map_or("-", |owner| owner.trim_start_matches("test/"));
    format!("{} {} {} | {owner}", row.record_type, row.ttl, values.join(" "))
}

/// Whether the object shows this reason for its present generation.
pub(crate) fn shows(record: &DnsRecord, reason: &str) -> bool {
    record.status.as_ref().is_some_and(|status| {
        Some(status.observed_generation) == record.metadata.generation
            && status
                .conditions
                .iter()
                .any(|condition| condition.type_ == "Ready" && condition.reason == reason)
    })
}

/// The message of the Ready condition.
pub(crate) fn message(record: &DnsRecord) -> String {
    record
        .status
        .as_ref()
        .and_then(|status| status.conditions.iter().find(|condition| condition.type_ == "Ready"))
        .map(|condition| condition.message.clone())
        .unwrap_or_default()
}

/// YAML of a DnsRecord; `spec` is a flow mapping's inside, such as `fqdn: a.example.com, type: A, values: [192.0.2.1]`.
pub(crate) fn manifest(namespace: &str, name: &str, spec: &str) -> String {
    format!(
        "---\napiVersion: solidserver.dev/v1alpha1\nkind: DnsRecord\nmetadata: {{name: {name}, namespace: {namespace}}}\nspec: {{{spec}}}\n"
    )
}

/// `zones: [...]` that lets every namespace write all names on these servers and in these views (`""` is none); on the default
/// ones where none are given.
pub(crate) fn for_all(servers: &[&str], views: &[&str]) -> String {
    let list = |field: &str, names: &[&str]| match names {
        [] => String::new(),
        names => format!(", {field}: {names:?}"),
    };
    let (servers, views) = (list("dnsServers", servers), list("views", views));
    format!("zones: [{{name: \"*\", allowedNamespaces: {{from: All}}{servers}{views}}}]")
}

fn unique() -> u128 {
    std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("after 1970").as_nanos()
}
