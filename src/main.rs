//! The binary: reads the command line and hands over to the library.

use std::error::Error;
use std::io::{self, Write as _};
use std::process::ExitCode;
use std::time::Duration;

use clap::Parser as _;
use solidserver_operator::cli::{Arguments, Command, crds, release, run};
use solidserver_operator::controller;

/// How long tasks that nobody waits for may take to end.
const FAREWELL: Duration = Duration::from_secs(1);
/// A flag cannot be used; clap ends with the same.
const USAGE: u8 = 2;

fn main() -> ExitCode {
    match execute(Arguments::parse().command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let text = with_causes(&*error);
            if tracing::dispatcher::has_been_set() {
                tracing::error!(error = text, "the operator has failed");
            } else {
                eprintln!("error: {text}");
            }
            let of_release = error.downcast_ref::<release::ReleaseError>();
            let is_usage =
                error.is::<run::FlagError>() || of_release.is_some_and(release::ReleaseError::is_usage);
            if is_usage { ExitCode::from(USAGE) } else { ExitCode::FAILURE }
        }
    }
}

fn execute(command: Command) -> Result<(), Box<dyn Error>> {
    match command {
        Command::Crds => io::stdout().write_all(crds::crds()?.as_bytes())?,
        Command::Run(arguments) => {
            let settings = arguments.settings()?;
            // For both HTTP clients. It fails only when the process has a provider already, which is as good.
            let _ = rustls::crypto::ring::default_provider().install_default();
            let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
            let answer = runtime.block_on(run::run(settings, controller::run));
            runtime.shutdown_timeout(FAREWELL);
            answer?;
        }
        Command::Release(arguments) => {
            let settings = arguments.settings()?;
            let _ = rustls::crypto::ring::default_provider().install_default();
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            runtime.block_on(release::run(&settings, &mut io::stdout()))?;
        }
    }
    Ok(())
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
