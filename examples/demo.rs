//! The main job on a fresh machine with Rust and Go: a real etcd and kube-apiserver, a simulated appliance and the operator;
//! `deploy/examples` applied; a drift repaired; a record deleted.
//!
//! `cargo run --example demo` ends by itself. With `--keep` all stays until Ctrl-C, and the KUBECONFIG line is printed.

#[path = "../tests/support/control_plane/mod.rs"]
mod control_plane;
#[path = "../tests/support/resolver.rs"]
mod resolver;

use std::fs;
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use base64::Engine as _;
use hickory_resolver::proto::rr::RecordType;
use solidserver_operator::controller::{self, Settings};
use solidserver_operator::telemetry::{Health, Metrics, Server};
use solidserver_simulator::{Config, RowPatch, Simulator};
use tokio_util::sync::CancellationToken;

use control_plane::{ControlPlane, Options};
use resolver::Resolver;

/// How long one step may take before the demo gives up.
const PATIENCE: Duration = Duration::from_secs(120);

/// How long an answer of the simulated appliance takes.
const LATENCY: Duration = Duration::from_millis(20);

#[tokio::main]
async fn main() -> Result<()> {
    let keep = match std::env::args().nth(1).as_deref() {
        None => false,
        Some("--keep") => true,
        Some(other) => bail!("unknown argument {other:?}; the only one is --keep"),
    };
    if std::env::var_os("RUST_LOG").is_some() {
        solidserver_operator::telemetry::start_logs(None, &std::env::var("RUST_LOG")?, None)?;
    }
    // For the HTTP clients; it fails only when the process has a provider already.
    let _ = rustls::crypto::ring::default_provider().install_default();

    step("Starting a real etcd and kube-apiserver, and a simulated SOLIDserver appliance");
    let plane = ControlPlane::start(Options::default()).await?;
    plane.install_crds().await?;
    let dns_listen = Some((Ipv4Addr::LOCALHOST, 0).into());
    let simulator = Simulator::start(Config { latency: LATENCY, dns_listen, ..Config::default() }).await?;
    let dns = simulator.dns_address().context("the appliance answers DNS")?;
    println!(
        "  Kubernetes  {}",
        plane.kubectl(&["version"]).await?.success()?.lines().last().unwrap_or_default()
    );
    println!("  appliance   {} ({LATENCY:?} for every answer), DNS at {dns}", simulator.endpoint());

    step("Starting the operator");
    let (metrics, health, stop) = (Metrics::new(), Health::default(), CancellationToken::new());
    let server = Server::bind((Ipv4Addr::LOCALHOST, 0).into()).await?;
    println!("  metrics     http://{}/metrics", server.local_address()?);
    let serving = tokio::spawn(server.run(metrics.clone(), health.clone(), stop.clone()));
    let settings = Settings {
        cluster_name: "demo".to_owned(),
        operator_namespace: "solidserver-system".to_owned(),
        watch_namespaces: Vec::new(),
        kubeconfig: Some(plane.kubeconfig().to_path_buf()),
        instance_id: "demo".to_owned(),
        // The appliance is on this machine.
        lease: solidserver_operator::lease::Timing::default(),
        environment_proxies: false,
    };
    let operator = tokio::spawn(controller::run(settings, metrics, health.clone(), stop.clone()));
    until("the operator is ready", async || Ok(health.is_ready())).await?;

    let demo = Demo { plane: &plane, simulator: &simulator, resolver: Resolver::of(dns)? };
    demo.apply_examples().await?;
    demo.repair_a_drift().await?;
    demo.delete_a_record().await?;

    if keep {
        println!(
            "\nAll stays until Ctrl-C. In another terminal:\n  export KUBECONFIG={}",
            plane.kubeconfig().display()
        );
        println!("  kubectl get dnsrecords -A    # kubectl is {}", plane.kubectl_path().display());
        println!("  curl http://{}/records       # what the appliance holds", simulator.admin());
        println!("  dig @{} -p {} www.shop.example.com    # what it answers", dns.ip(), dns.port());
        tokio::signal::ctrl_c().await?;
    }
    stop.cancel();
    tokio::time::timeout(PATIENCE, operator).await.context("the operator does not end")???;
    serving.await??;
    simulator.shutdown().await;
    println!("\nDone.");
    Ok(())
}

struct Demo<'a> {
    plane: &'a ControlPlane,
    simulator: &'a Simulator,
    resolver: Resolver,
}

impl Demo<'_> {
    async fn apply_examples(&self) -> Result<()> {
        step(
            "Applying deploy/examples: eight DnsRecords of seven types, and the SolidServer that they live on",
        );
        let begun = Instant::now();
        self.plane.kubectl(&["create", "namespace", "solidserver-system"]).await?.success()?;
        let overlay = overlay(self.simulator)?;
        self.plane.kubectl(&["apply", "-k", &overlay.to_string_lossy()]).await?.success()?;
        self.plane
            .kubectl(&["wait", "-n", "shop", "dnsrecord", "--all", "--for=condition=Ready", "--timeout=120s"])
            .await?
            .success()?;
        println!("  all Ready {:.1} s after kubectl apply began", begun.elapsed().as_secs_f64());
        self.show(&["get", "dnsrecords", "-n", "shop"]).await?;
        self.show(&["get", "solidservers"]).await?;
        self.show_rows("What the appliance holds now (each row marked as ours):");
        println!("  What a resolver is told:");
        self.ask("www.shop.example.com", RecordType::A).await?;
        self.ask("any.apps.shop.example.com", RecordType::AAAA).await?;
        self.ask("_sip._tcp.shop.example.com", RecordType::SRV).await
    }

    async fn repair_a_drift(&self) -> Result<()> {
        step("Somebody changes www on the appliance by hand: 192.0.2.10 becomes 203.0.113.66");
        let row = self.row("www.shop.example.com", "192.0.2.10").context("the row is there")?;
        let patch = RowPatch { values: Some(vec!["203.0.113.66".to_owned()]), ..RowPatch::default() };
        self.simulator.patch_row(&row, patch)?;
        self.ask("www.shop.example.com", RecordType::A).await?;
        self.simulator.reset_calls();
        // The next resync would find it (every ten minutes by default); the annotation asks for one now.
        self.show(&["annotate", "solidserver", "default", "solidserver.dev/reconcile-requested-at=now"])
            .await?;
        until("the drift is repaired", async || Ok(self.row("www.shop.example.com", "192.0.2.10").is_some()))
            .await?;
        let calls = self.simulator.calls();
        println!(
            "  repaired: {} edit, {} adds, {} deletes; {} list calls",
            calls.operation("edit"),
            calls.operation("add"),
            calls.operation("delete"),
            calls.service("dns_rr_list"),
        );
        self.ask("www.shop.example.com", RecordType::A).await?;
        until("the Event is there", async || {
            let events = self.plane.kubectl(&["get", "events", "-n", "shop", "-o", "name"]).await?;
            Ok(!events.success()?.trim().is_empty())
        })
        .await?;
        self.show(&[
            "get",
            "events",
            "-n",
            "shop",
            "-o",
            "custom-columns=OBJECT:.involvedObject.name,REASON:.reason,MESSAGE:.message",
        ])
        .await
    }

    async fn delete_a_record(&self) -> Result<()> {
        step("Deleting a record: it is gone from Kubernetes only when it is gone from the appliance");
        self.show(&["delete", "dnsrecord", "-n", "shop", "sip", "--timeout=120s"]).await?;
        if !self.simulator.rows_at("_sip._tcp.shop.example.com").is_empty() {
            bail!("the row is still there");
        }
        println!("  _sip._tcp.shop.example.com is gone from the appliance");
        self.ask("_sip._tcp.shop.example.com", RecordType::SRV).await
    }

    /// Asks DNS and shows the answer.
    async fn ask(&self, name: &str, record_type: RecordType) -> Result<()> {
        let answer = match self.resolver.ask(name, record_type).await {
            Ok(found) => {
                let data: Vec<String> =
                    found.answers().iter().map(|record| record.data.to_string()).collect();
                data.join(", ")
            }
            Err(error) if error.is_nx_domain() => "NXDOMAIN, there is no such name".to_owned(),
            Err(error) => return Err(error.into()),
        };
        println!("  DNS: {name} {record_type} -> {answer}");
        Ok(())
    }

    /// The id of the row of that name and value.
    fn row(&self, name: &str, value: &str) -> Option<String> {
        let rows = self.simulator.rows_at(name);
        rows.into_iter().find(|row| row.values.first().is_some_and(|first| first == value)).map(|row| row.id)
    }

    /// Runs kubectl and shows what a user would see.
    async fn show(&self, arguments: &[&str]) -> Result<()> {
        println!("  $ kubectl {}", arguments.join(" "));
        let output = self.plane.kubectl(arguments).await?.success()?;
        for line in output.lines() {
            println!("  {line}");
        }
        Ok(())
    }

    fn show_rows(&self, title: &str) {
        println!("  {title}");
        let mut rows = self.simulator.rows();
        rows.retain(|row| row.class_parameters.contains_key("k8s_owner"));
        rows.sort_by(|left, right| (&left.name, &left.record_type).cmp(&(&right.name, &right.record_type)));
        for row in rows {
            let owner = row.class_parameters.get("k8s_owner").map(String::as_str).unwrap_or_default();
            let values: Vec<&str> =
                row.values.iter().map(String::as_str).filter(|value| !value.is_empty()).collect();
            println!(
                "  {:<28} {:>5} {:<5} {:<44} {owner}",
                row.name,
                row.ttl,
                row.record_type,
                values.join(" ")
            );
        }
    }
}

/// A kustomize overlay of `deploy/examples` that points the SolidServer at the simulated appliance.
fn overlay(simulator: &Simulator) -> Result<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/demo");
    fs::create_dir_all(&folder)?;
    let bundle = base64::engine::general_purpose::STANDARD.encode(simulator.ca_pem());
    let text = format!(
        r#"apiVersion: kustomize.config.k8s.io/v1beta1
kind: Kustomization
resources: [../../deploy/examples]
patches:
- target: {{kind: SolidServer, name: default}}
  patch: |
    - {{op: replace, path: /spec/endpoint, value: "{}"}}
    - {{op: add, path: /spec/tls, value: {{caBundle: "{bundle}"}}}}
- target: {{kind: Secret, name: solidserver}}
  patch: |
    - {{op: replace, path: /stringData, value: {{username: operator, password: secret}}}}
"#,
        simulator.endpoint(),
    );
    fs::write(folder.join("kustomization.yaml"), text)?;
    Ok(folder)
}

/// Prints a heading.
fn step(text: &str) {
    println!("\n== {text}");
}

/// Waits until something holds.
async fn until(what: &str, mut holds: impl AsyncFnMut() -> Result<bool>) -> Result<()> {
    let begun = Instant::now();
    while begun.elapsed() < PATIENCE {
        if holds().await? {
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    bail!("not within {PATIENCE:?}: {what}")
}
