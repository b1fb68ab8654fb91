//! What people use today, against an appliance of the same kind in the same run; see `benches/peers`.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use serde_json::{Value, json};
use tokio::process::Command;

use super::appliance::{Appliance, PASSWORD, SERVER, Setup, USER, address, fqdn, zone};
use super::binaries::Binaries;
use super::world::Parameters;

/// All of them, the slowest last.
pub(crate) const NAMES: [&str; 4] =
    ["asyncio-plain", "asyncio-idempotent", "python-sequential", "go-webhook"];

/// The slowest change records one by one over a slow line; longer is no measure any more.
const PATIENCE: Duration = Duration::from_secs(900);

/// What one of them needed.
#[derive(Clone, Debug)]
pub(crate) struct Peer {
    pub(crate) seconds: f64,
    pub(crate) calls: u64,
    pub(crate) told: Value,
}

fn script() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/peers/run")
}

/// Whether there is something to compare with.
pub(crate) fn are_there() -> bool {
    script().is_file()
}

/// Lets one change the TTL of so many records that are there.
pub(crate) async fn run(binaries: &Binaries, parameters: &Parameters, peer: &str) -> Result<Peer> {
    let (old_ttl, new_ttl, count) = (600, 60, parameters.records);
    let setup = Setup {
        latency: parameters.latency,
        http2: parameters.http2,
        quota: None,
        rows: Some((count, old_ttl)),
    };
    let appliance = Appliance::start(&binaries.simulator, &setup).await?;
    let record = |number| {
        json!({
            "name": fqdn(number), "zone": zone(number), "server": SERVER, "type": "A", "value": address(number),
            "old_ttl": old_ttl, "new_ttl": new_ttl,
        })
    };
    let records: Vec<Value> = (0..count).map(record).collect();
    let file = appliance.folder().join("records.json");
    std::fs::write(&file, serde_json::to_string(&records)?)?;
    let script = Command::new(script())
        .arg(peer)
        .args(["--endpoint", &appliance.endpoint, "--user", USER, "--password", PASSWORD, "--ca"])
        .arg(appliance.ca_file())
        .arg("--records")
        .arg(&file)
        .args(["--concurrency", &parameters.concurrency.to_string()])
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .kill_on_drop(true)
        .output();
    let output =
        tokio::time::timeout(PATIENCE, script).await.with_context(|| format!("{peer} takes too long"))??;
    if !output.status.success() {
        bail!("{peer} failed: {}", output.status);
    }
    let told: Value =
        serde_json::from_slice(&output.stdout).with_context(|| format!("{peer} tells no JSON"))?;
    let seconds = told["wall_seconds"].as_f64().with_context(|| format!("{peer} tells no wall_seconds"))?;
    let changed = appliance.rows().await?.iter().filter(|row| row.ttl == new_ttl).count();
    if changed != count {
        bail!("{peer} has changed {changed} of {count} records: {told}");
    }
    Ok(Peer { seconds, calls: appliance.calls().await?.total, told })
}
