//! End to end: the operator as it is shipped, against a real kube-apiserver and etcd and the simulated appliance, each in a process
//! of its own. See `docs/benchmarks.md`.
//!
//! `cargo bench --bench end_to_end -- --quick` takes about two minutes; without `--quick` it takes much longer.

mod appliance;
mod binaries;
mod cases;
mod cluster;
#[path = "../../tests/support/control_plane/mod.rs"]
mod control_plane;
mod machine;
mod operator;
mod peers;
mod report;
mod tracker;
mod world;

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context as _, Result};
use clap::Parser;
use serde_json::json;

use self::binaries::Binaries;
use self::cases::Change;
use self::report::Outcome;
use self::world::{Parameters, World};

/// Bytes of the release binary, at most.
const LARGEST_BINARY: f64 = 25.0 * 1024.0 * 1024.0;

/// Measures the operator end to end.
#[derive(Debug, Parser)]
struct Arguments {
    /// Which cases, such as a,c,f [default: all but h and r]
    #[arg(long = "case", value_delimiter = ',', value_name = "A,B")]
    cases: Vec<char>,
    /// How many records [default: 300, 1000 and 10000]
    #[arg(long, value_delimiter = ',', value_name = "N,M")]
    records: Vec<usize>,
    /// How long each answer of the appliance takes [default: 20ms and 100ms]
    #[arg(long, value_delimiter = ',', value_parser = humantime::parse_duration, value_name = "DURATION")]
    latency: Vec<Duration>,
    /// HTTP/1.1 (1), HTTP/2 (2) or both [default: both]
    #[arg(long, value_delimiter = ',', value_name = "1,2")]
    http: Vec<u8>,
    /// Calls in flight, at most
    #[arg(long, default_value_t = 50)]
    concurrency: usize,
    /// Rows in a page, at most
    #[arg(long, default_value_t = 1000)]
    page_size: usize,
    /// Small sizes, about two minutes
    #[arg(long)]
    quick: bool,
    /// Without what people use today (benches/peers)
    #[arg(long)]
    no_peers: bool,
    /// Exit status 1 when a bound is missed
    #[arg(long)]
    check: bool,
    /// Where to write the results as JSON
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// The operator's binary, instead of one that is built
    #[arg(long, value_name = "FILE")]
    operator: Option<PathBuf>,
    /// The simulator's binary, instead of one that is built
    #[arg(long, value_name = "FILE")]
    simulator: Option<PathBuf>,
    /// Given by cargo, of no meaning
    #[arg(long, hide = true)]
    bench: bool,
}

impl Arguments {
    fn cases(&self) -> BTreeSet<char> {
        if self.cases.is_empty() { "abcdefg".chars().collect() } else { self.cases.iter().copied().collect() }
    }

    /// All arrangements that are asked for.
    fn arrangements(&self) -> Vec<Parameters> {
        let ms = Duration::from_millis;
        let latencies = match (self.latency.is_empty(), self.quick) {
            (false, _) => self.latency.clone(),
            (true, true) => vec![ms(100)],
            (true, false) => vec![ms(20), ms(100)],
        };
        let records = match (self.records.is_empty(), self.quick) {
            (false, _) => self.records.clone(),
            (true, true) => vec![300],
            (true, false) => vec![300, 1000, 10_000],
        };
        let http = match (self.http.is_empty(), self.quick) {
            (false, _) => self.http.clone(),
            (true, true) => vec![2],
            (true, false) => vec![1, 2],
        };
        let mut all = Vec::new();
        for &records in &records {
            for &latency in &latencies {
                for &version in &http {
                    all.push(Parameters {
                        records,
                        latency,
                        http2: version == 2,
                        concurrency: self.concurrency,
                        page_size: self.page_size,
                    });
                }
            }
        }
        all
    }
}

/// The results so far; each is shown as soon as it is there.
#[derive(Default)]
struct Results(Vec<Outcome>);

impl Results {
    fn add(&mut self, outcome: Outcome) {
        print!("{}", outcome.as_text());
        self.0.push(outcome);
    }
}

#[tokio::main]
async fn main() -> Result<ExitCode> {
    let arguments = Arguments::parse();
    // For the HTTP clients; it fails only when the process has a provider already.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let binaries = Binaries::find_or_build(arguments.operator.clone(), arguments.simulator.clone())?;
    let machine = machine::describe();
    println!("machine: {machine}");
    if !arguments.no_peers && !peers::are_there() {
        println!("benches/peers is not there: nothing to compare with");
    }
    let mut results = Results::default();
    results.add(binary(&binaries)?);
    let cases = arguments.cases();
    for parameters in arguments.arrangements() {
        arrangement(&binaries, &parameters, &cases, !arguments.no_peers, &mut results)
            .await
            .with_context(|| parameters.in_words())?;
    }
    if cases.contains(&'h') {
        for budget in [Some(200), None] {
            let parameters = Parameters {
                records: 505,
                latency: Duration::from_millis(20),
                http2: true,
                concurrency: arguments.concurrency,
                page_size: arguments.page_size,
            };
            results.add(cases::quota(&binaries, &parameters, budget).await?);
        }
    }
    if cases.contains(&'r') {
        let parameters = Parameters {
            records: arguments.records.first().copied().unwrap_or(6000),
            latency: arguments.latency.first().copied().unwrap_or(Duration::from_millis(20)),
            http2: arguments.http.first().is_none_or(|version| *version == 2),
            concurrency: arguments.concurrency,
            page_size: arguments.page_size,
        };
        for count in [1, 3] {
            for outcome in cases::replicas(&binaries, &parameters, count).await? {
                results.add(outcome);
            }
        }
    }
    let missed = results.0.iter().filter(|outcome| !outcome.holds()).count();
    println!(
        "\n{} results, {missed} of them with a missed bound; load {:?}",
        results.0.len(),
        machine::load()
    );
    if let Some(path) = &arguments.json {
        let all = json!({
            "machine": machine,
            "loadAtTheEnd": machine::load(),
            "versions": {
                "operator": env!("CARGO_PKG_VERSION"),
                "harness": if cfg!(debug_assertions) { "development profile" } else { "release profile" },
            },
            "results": results.0.iter().map(Outcome::as_json).collect::<Vec<_>>(),
        });
        let text = serde_json::to_string_pretty(&all)?;
        std::fs::write(path, text).with_context(|| format!("write {}", path.display()))?;
    }
    Ok(if arguments.check && missed > 0 { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

fn binary(binaries: &Binaries) -> Result<Outcome> {
    let mut outcome = Outcome::new("binary", "the release binary", json!({}));
    let size = binaries.operator_size()? as f64;
    outcome.at_most("MiB", size / 1024.0 / 1024.0, LARGEST_BINARY / 1024.0 / 1024.0);
    Ok(outcome)
}

/// Runs the cases of one arrangement, each on what the one before has left.
async fn arrangement(
    binaries: &Binaries,
    parameters: &Parameters,
    cases: &BTreeSet<char>,
    with_peers: bool,
    results: &mut Results,
) -> Result<()> {
    if !cases.iter().any(|case| "abcdefg".contains(*case)) {
        return Ok(());
    }
    let wanted = |case: char| cases.contains(&case);
    let mut earlier = Vec::new();
    if wanted('b') && cases::is_timed(parameters) {
        for _ in 1..cases::BURSTS {
            let mut world = World::start(binaries, parameters).await?;
            earlier.push(cases::burst_at_start(&mut world, &earlier).await?.1);
            world.stop_operator().await?;
        }
    }
    let mut world = World::start(binaries, parameters).await?;
    eprintln!("control plane and simulator are there: {}", parameters.in_words());
    // The others need its records, so it runs in any case.
    let (burst, _) = cases::burst_at_start(&mut world, &earlier).await?;
    if wanted('b') {
        results.add(burst);
    }
    world.settle().await?;
    if wanted('c') {
        results.add(cases::resync(&mut world).await?);
    }
    if wanted('d') {
        results.add(cases::drift(&mut world).await?);
        world.settle().await?;
    }
    if wanted('e') {
        results.add(cases::cold_start(&mut world).await?);
    }
    let mut idle = Change::default();
    if wanted('f') || wanted('g') {
        let (outcome, change) = cases::one_change(&mut world).await?;
        idle = change;
        if wanted('f') {
            results.add(outcome);
        }
    }
    if wanted('a') {
        results.add(cases::new_ttl(&mut world, with_peers).await?);
    }
    if wanted('g') {
        for outcome in cases::burst_live(&mut world, &idle).await? {
            results.add(outcome);
        }
    }
    world.stop_operator().await
}
