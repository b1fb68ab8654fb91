//! The simulated appliance, in a process of its own.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::net::TcpListener;
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use reqwest::Certificate;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::process::{Child, Command};

/// The account that the operator and its peers use.
pub(crate) const USER: &str = "bench";
/// Its password.
pub(crate) const PASSWORD: &str = "bench-password";
/// The server that all zones are on.
pub(crate) const SERVER: &str = "ns.example.com";
/// How many zones the records are spread over.
pub(crate) const ZONES: usize = 5;

const PATIENCE: Duration = Duration::from_secs(60);

/// The zone of a record.
pub(crate) fn zone(number: usize) -> String {
    format!("z{}.example.com", number % ZONES)
}

/// The owner name of a record.
pub(crate) fn fqdn(number: usize) -> String {
    format!("h{number:06}.{}", zone(number))
}

/// The address of a record.
pub(crate) fn address(number: usize) -> String {
    format!("10.{}.{}.{}", number / 62_500, number / 250 % 250, number % 250 + 1)
}

/// How the appliance shall be.
#[derive(Clone, Debug, Default)]
pub(crate) struct Setup {
    pub(crate) latency: Duration,
    pub(crate) http2: bool,
    /// Calls per window in seconds.
    pub(crate) quota: Option<(u32, u32)>,
    /// Unmarked rows that are there at the start, with this TTL.
    pub(crate) rows: Option<(usize, u32)>,
}

/// Counts of calls, as the simulator keeps them.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Calls {
    pub(crate) total: u64,
    pub(crate) by_object: BTreeMap<String, BTreeMap<String, u64>>,
    pub(crate) by_operation: BTreeMap<String, u64>,
    pub(crate) by_status: BTreeMap<String, u64>,
    pub(crate) max_in_flight: u64,
    pub(crate) max_writes_in_flight: u64,
    pub(crate) connections: u64,
}

impl Calls {
    /// Calls of one operation about rows.
    pub(crate) fn rows(&self, operation: &str) -> u64 {
        self.by_object.get("rr").and_then(|operations| operations.get(operation)).copied().unwrap_or_default()
    }

    /// Adds, edits and deletes.
    pub(crate) fn writes(&self) -> u64 {
        ["add", "edit", "delete"].iter().filter_map(|name| self.by_operation.get(*name)).sum()
    }

    /// For a result: all that is not zero.
    pub(crate) fn as_json(&self) -> Value {
        json!({
            "total": self.total, "byObject": self.by_object, "byStatus": self.by_status,
            "maxInFlight": self.max_in_flight, "maxWritesInFlight": self.max_writes_in_flight,
            "connections": self.connections,
        })
    }
}

/// One call.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Call {
    pub(crate) object: String,
    pub(crate) operation: String,
    pub(crate) parameters: BTreeMap<String, String>,
    /// Milliseconds since the simulator's start.
    pub(crate) start_ms: u64,
    pub(crate) end_ms: Option<u64>,
}

impl Call {
    pub(crate) fn is_write(&self) -> bool {
        ["add", "edit", "delete"].contains(&self.operation.as_str())
    }
}

/// A row, as the admin interface shows it.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Row {
    pub(crate) id: String,
    #[serde(rename = "type")]
    pub(crate) record_type: String,
    pub(crate) ttl: u32,
}

/// The running simulator; ends when dropped.
pub(crate) struct Appliance {
    _child: Child,
    folder: tempfile::TempDir,
    pub(crate) endpoint: String,
    pub(crate) ca_pem: String,
    admin: String,
    http: reqwest::Client,
}

impl Appliance {
    pub(crate) async fn start(binary: &Path, setup: &Setup) -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let seed = folder.path().join("seed.yaml");
        std::fs::write(&seed, seed_text(setup))?;
        let [port, admin_port] = free_ports()?;
        let mut command = Command::new(binary);
        command
            .args([
                "--listen",
                &format!("127.0.0.1:{port}"),
                "--admin-listen",
                &format!("127.0.0.1:{admin_port}"),
            ])
            .args(["--user", USER, "--password", PASSWORD, "--exit-after", "3h"])
            .args(["--latency", &format!("{}ms", setup.latency.as_millis())])
            .arg("--tls-dir")
            .arg(folder.path())
            .arg("--seed")
            .arg(&seed);
        if !setup.http2 {
            command.arg("--no-http2");
        }
        if let Some((calls, seconds)) = setup.quota {
            command.args(["--rate-limit", &format!("{calls}/{seconds}s")]);
        }
        let child = command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(std::fs::File::create(folder.path().join("log"))?)
            .kill_on_drop(true)
            .spawn()
            .with_context(|| format!("start {}", binary.display()))?;
        let admin = format!("http://127.0.0.1:{admin_port}");
        let http = reqwest::Client::builder().no_proxy().build()?;
        let begun = Instant::now();
        while !http
            .get(format!("{admin}/healthz"))
            .send()
            .await
            .is_ok_and(|answer| answer.status().is_success())
        {
            if begun.elapsed() > PATIENCE {
                bail!(
                    "the simulator does not start:\n{}",
                    std::fs::read_to_string(folder.path().join("log"))?
                );
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        let ca_pem = std::fs::read_to_string(folder.path().join("ca.crt"))?;
        let endpoint = format!("https://localhost:{port}");
        Ok(Self { _child: child, folder, endpoint, ca_pem, admin, http })
    }

    /// The authority's certificate as a file.
    pub(crate) fn ca_file(&self) -> std::path::PathBuf {
        self.folder.path().join("ca.crt")
    }

    /// A folder that goes with the appliance.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    async fn get<T: serde::de::DeserializeOwned>(&self, path: &str) -> Result<T> {
        Ok(self.http.get(format!("{}{path}", self.admin)).send().await?.error_for_status()?.json().await?)
    }

    pub(crate) async fn calls(&self) -> Result<Calls> {
        self.get("/calls").await
    }

    /// The calls one by one, in the order in which they began.
    pub(crate) async fn log(&self) -> Result<Vec<Call>> {
        #[derive(Deserialize)]
        struct Answer {
            log: Vec<Call>,
        }
        Ok(self.get::<Answer>("/calls?log=1").await?.log)
    }

    pub(crate) async fn reset_calls(&self) -> Result<()> {
        self.http.delete(format!("{}/calls", self.admin)).send().await?.error_for_status()?;
        Ok(())
    }

    /// The rows of the records, without those that a zone begins with.
    pub(crate) async fn rows(&self) -> Result<Vec<Row>> {
        let rows: Vec<Row> = self.get("/records?type=A").await?;
        Ok(rows.into_iter().filter(|row| row.record_type == "A").collect())
    }

    /// Changes the TTL of a row behind the operator's back.
    pub(crate) async fn set_ttl(&self, id: &str, ttl: u32) -> Result<()> {
        let url = format!("{}/records/{id}", self.admin);
        self.http.patch(url).json(&json!({ "ttl": ttl })).send().await?.error_for_status()?;
        Ok(())
    }

    /// When the simulator's clock began, by ours: found with calls that are seen on both sides, to about a millisecond.
    pub(crate) async fn clock_begin(&self) -> Result<Instant> {
        let http = reqwest::Client::builder()
            .no_proxy()
            .tls_certs_only([Certificate::from_pem(self.ca_pem.as_bytes())?])
            .build()?;
        let mut best: Option<Instant> = None;
        for _ in 0..7 {
            let before = self.log().await?.len();
            let sent = Instant::now();
            let url = format!("{}/rest/dns_server_list", self.endpoint);
            http.get(url).basic_auth(USER, Some(PASSWORD)).send().await?.error_for_status()?;
            let log = self.log().await?;
            let Some(call) = log.get(before) else { bail!("a call is not in the simulator's log") };
            let Some(begin) = sent.checked_sub(Duration::from_millis(call.start_ms)) else { continue };
            // Every call arrives after it was sent, so the latest beginning is the nearest.
            best = Some(best.map_or(begin, |best| best.max(begin)));
        }
        best.context("the simulator's clock")
    }
}

fn seed_text(setup: &Setup) -> String {
    let mut text = format!("servers:\n- name: {SERVER}\n  members: [ns1.example.com]\n  zones:\n");
    let (count, ttl) = setup.rows.unwrap_or_default();
    for index in 0..ZONES {
        let _ = writeln!(text, "  - name: {}", zone(index));
        if index < count {
            text.push_str("    records:\n");
        }
        for number in (index..count).step_by(ZONES) {
            let (name, address) = (fqdn(number), address(number));
            let _ = writeln!(text, "    - {{name: {name}, type: A, ttl: {ttl}, values: [\"{address}\"]}}");
        }
    }
    text
}

/// Ports that nobody listened on a moment ago.
pub(crate) fn free_ports<const N: usize>() -> Result<[u16; N]> {
    let mut ports = [0; N];
    let mut held = Vec::new();
    for port in &mut ports {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        *port = listener.local_addr()?.port();
        held.push(listener);
    }
    Ok(ports)
}
