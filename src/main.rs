//! The binary: reads the command line and hands over to the library.

use std::error::Error;
use std::io::{self, Write as _};
use std::process::ExitCode;
use std::time::Duration;

use clap::Parser as _;
use solidserver_operator::cli::{Arguments, Command, crds, doctor, export, plan, release, run};
use solidserver_operator::controller;

/// By measurement (docs/benchmarks.md). The image's binary is linked with musl, whose own allocator is the slowest of all.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

/// How long tasks that nobody waits for may take to end.
const FAREWELL: Duration = Duration::from_secs(1);
/// A flag cannot be used; clap ends with the same.
const USAGE: u8 = 2;
/// The commands whose exit code 2 means something else; theirs for a flag that cannot be used is 1.
const WITH_CODES: [&str; 2] = ["plan", "doctor"];

fn main() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => return unusable(&error),
    };
    match execute(arguments.command) {
        Ok(code) => code,
        Err(error) => {
            let text = with_causes(&*error);
            if tracing::dispatcher::has_been_set() {
                tracing::error!(error = text, "the operator has failed");
            } else {
                eprintln!("error: {text}");
            }
            let of_release = error.downcast_ref::<release::ReleaseError>();
            let of_export = error.downcast_ref::<export::ExportError>();
            let is_usage = error.is::<run::FlagError>()
                || of_release.is_some_and(release::ReleaseError::is_usage)
                || of_export.is_some_and(export::ExportError::is_usage);
            if is_usage { ExitCode::from(USAGE) } else { ExitCode::FAILURE }
        }
    }
}

/// Help and version are asked for; all else is wrong.
fn unusable(error: &clap::Error) -> ExitCode {
    let code = error.exit_code();
    let _ = error.print();
    let command = std::env::args().nth(1).unwrap_or_default();
    if code != 0 && WITH_CODES.contains(&command.as_str()) {
        return ExitCode::FAILURE;
    }
    u8::try_from(code).map_or(ExitCode::FAILURE, ExitCode::from)
}

fn execute(command: Command) -> Result<ExitCode, Box<dyn Error>> {
    match command {
        Command::Crds => io::stdout().write_all(crds::crds()?.as_bytes())?,
        Command::Run(arguments) => {
            let settings = arguments.settings()?;
            waiting_for(run::run(settings, controller::run))??;
        }
        Command::Plan(arguments) => return Ok(waiting_for(Box::pin(plan::plan(*arguments)))??.into()),
        Command::Export(arguments) => waiting_for(Box::pin(export::export(*arguments)))??,
        Command::Doctor(arguments) => return Ok(waiting_for(Box::pin(doctor::doctor(*arguments)))??.into()),
        Command::Release(arguments) => {
            let settings = arguments.settings()?;
            waiting_for(release::run(&settings, &mut io::stdout()))??;
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Runs what waits for others.
fn waiting_for<T>(work: impl Future<Output = T>) -> io::Result<T> {
    // For both HTTP clients. It fails only when the process has a provider already, which is as good.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let answer = runtime.block_on(work);
    runtime.shutdown_timeout(FAREWELL);
    Ok(answer)
}

/// An error and what caused it, in one line; some libraries repeat their cause, which is left out.
fn with_causes(error: &dyn Error) -> String {
    let mut text = error.to_string();
    for cause in std::iter::successors(error.source(), |error| (*error).source()).map(ToString::to_string) {
        if !text.ends_with(&cause) {
            text = format!("{text}: {cause}");
        }
    }
    text
}
