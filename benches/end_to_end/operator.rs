//! The operator, as the process that is shipped.

use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use tokio::process::{Child, Command};

use super::appliance::free_ports;
use super::cluster::{NAMESPACE, OPERATOR_NAMESPACE};

const PATIENCE: Duration = Duration::from_secs(120);
/// Linux counts a process's time in hundredths of a second on every architecture that matters (`getconf CLK_TCK`).
const TICKS_PER_SECOND: f64 = 100.0;

/// What a process has used so far.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Usage {
    /// Seconds of a core, in user and system mode.
    pub(crate) cpu_seconds: f64,
    /// The most memory that was resident, in MiB.
    pub(crate) peak_mib: f64,
    /// Memory that is resident now, in MiB.
    pub(crate) resident_mib: f64,
}

/// A running operator; killed when dropped.
pub(crate) struct Operator {
    child: Child,
    http: reqwest::Client,
    address: String,
}

impl Operator {
    /// Starts it; it calls itself `instance` and serves the records of one namespace.
    pub(crate) async fn start(binary: &Path, kubeconfig: &Path, log: &Path, instance: &str) -> Result<Self> {
        let [port] = free_ports()?;
        let address = format!("127.0.0.1:{port}");
        let log = std::fs::File::options().create(true).append(true).open(log)?;
        let mut command = Command::new(binary);
        for name in
            ["HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy", "RUST_LOG"]
        {
            command.env_remove(name);
        }
        let child = command
            .args(["run", "--cluster-name", "bench", "--operator-namespace", OPERATOR_NAMESPACE])
            .args(["--watch-namespaces", NAMESPACE, "--http-listen", &address, "--log", log_level().as_str()])
            .args(["--log-format", "json", "--instance-id", instance, "--kubeconfig"])
            .arg(kubeconfig)
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .kill_on_drop(true)
            .spawn()
            .with_context(|| format!("start {}", binary.display()))?;
        let http = reqwest::Client::builder().no_proxy().build()?;
        Ok(Self { child, http, address })
    }

    fn file(&self, name: &str) -> Result<String> {
        let id = self.child.id().context("the operator has ended")?;
        Ok(std::fs::read_to_string(format!("/proc/{id}/{name}"))?)
    }

    pub(crate) fn usage(&self) -> Result<Usage> {
        let stat = self.file("stat")?;
        // The name in parentheses may hold anything; the fields behind it are numbered from 3.
        let fields: Vec<&str> = stat.rsplit_once(')').context("a stat file")?.1.split_whitespace().collect();
        let ticks = |index: usize| {
            fields.get(index - 3).and_then(|text| text.parse::<f64>().ok()).unwrap_or_default()
        };
        let status = self.file("status")?;
        let mib = |name: &str| {
            let line = status.lines().find(|line| line.starts_with(name)).unwrap_or_default();
            let kib = line.split_whitespace().nth(1).and_then(|text| text.parse::<f64>().ok());
            kib.unwrap_or_default() / 1024.0
        };
        Ok(Usage {
            cpu_seconds: (ticks(14) + ticks(15)) / TICKS_PER_SECOND,
            peak_mib: mib("VmHWM:"),
            resident_mib: mib("VmRSS:"),
        })
    }

    /// The sum of a metric's samples.
    pub(crate) async fn metric(&self, name: &str) -> Result<f64> {
        let text = self.http.get(format!("http://{}/metrics", self.address)).send().await?.text().await?;
        let samples = text.lines().filter(|line| line.split(['{', ' ']).next() == Some(name));
        Ok(samples.filter_map(|line| line.rsplit(' ').next()?.parse::<f64>().ok()).sum())
    }

    /// Ends it as a crash does.
    pub(crate) async fn kill(mut self) -> Result<()> {
        Ok(self.child.kill().await?)
    }

    /// Ends it as Kubernetes does.
    pub(crate) async fn stop(mut self) -> Result<()> {
        let id = self.child.id().context("the operator has ended by itself")?.to_string();
        Command::new("kill").args(["-TERM", &id]).status().await?;
        let begun = Instant::now();
        while self.child.try_wait()?.is_none() {
            if begun.elapsed() > PATIENCE {
                bail!("the operator does not end");
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        Ok(())
    }
}

fn log_level() -> String {
    std::env::var("BENCH_OPERATOR_LOG").unwrap_or_else(|_| "info".to_owned())
}
