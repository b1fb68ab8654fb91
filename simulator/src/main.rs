//! The simulator as a program.

use std::io::Write as _;
use std::time::Duration;

use anyhow::Context as _;
use clap::Parser as _;
use solidserver_simulator::cli::Cli;
use solidserver_simulator::{Simulator, quirks_page};
use tokio::signal::unix::{SignalKind, signal};

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let cli = Cli::parse();
    if cli.list_quirks {
        std::io::stdout().write_all(quirks_page().as_bytes())?;
        return Ok(());
    }
    tracing_subscriber::fmt().with_writer(std::io::stderr).init();
    let simulator = Simulator::start(cli.config()?).await?;
    let mut out = std::io::stdout();
    writeln!(out, "endpoint {}", simulator.endpoint())?;
    writeln!(out, "admin    http://{}", simulator.admin())?;
    if let Some(address) = simulator.dns_address() {
        writeln!(out, "dns      {address}")?;
    }
    out.flush()?;

    let mut terminate = signal(SignalKind::terminate()).context("cannot listen for SIGTERM")?;
    let mut interrupt = signal(SignalKind::interrupt()).context("cannot listen for SIGINT")?;
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
        () = tokio::time::sleep(cli.exit_after.unwrap_or(Duration::MAX)) => {}
    }
    simulator.shutdown().await;
    Ok(())
}
