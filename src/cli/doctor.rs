//! `solidserver-operator doctor`: whether an appliance can be worked with from here, check by check. Nothing is written anywhere.
//!
//! - `observe`: looks, and says what it saw (IO).
//! - `observation`: what was seen.
//! - `scope`: what a spec speaks of.
//! - `diagnosis`, `remedy`: what that means, and what to do.
//! - `finding`, `document`, `human`: how it is told.

mod diagnosis;
mod document;
mod finding;
mod human;
mod observation;
mod observe;
mod progress;
mod remedy;
mod scope;

use std::io::{self, IsTerminal as _, Write as _};

use clap::{Args, ValueEnum};
use kube::ResourceExt as _;
use tokio::time::timeout;
use url::Url;

pub use self::document::{Document, Examined, Summary};
pub use self::finding::{Check, Finding, Status};
use self::progress::Reporter;
use super::plan::is_coloured;
use super::target::{Surroundings, TargetArguments, TargetError};
use crate::api::SolidServer;
use crate::api::admission::NoSchema;

/// Nothing failed.
const WELL: u8 = 0;
/// Something did.
const FAILED: u8 = 2;

/// The flags of `doctor` as they were given.
#[derive(Clone, Debug, Args)]
pub struct DoctorArguments {
    /// SolidServers to check [default: all in the manifests; without manifests, all in the cluster]
    #[arg(value_name = "NAME")]
    names: Vec<String>,

    /// Where manifests, login and cluster are. Without manifests, --kubeconfig and --context, the cluster is looked into that kubectl
    /// would use, or that the command runs in.
    #[command(flatten)]
    target: TargetArguments,

    /// How the findings are written
    #[arg(
        short = 'o',
        long,
        value_enum,
        value_name = "FORMAT",
        default_value = "text",
        env = "SOLIDSERVER_OPERATOR_OUTPUT"
    )]
    output: OutputFormat,
}

/// How the findings are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum OutputFormat {
    /// For people, coloured on a terminal unless NO_COLOR is set
    Text,
    /// For programs: docs/reference/doctor.md says what is in it
    Json,
}

/// Why nothing could be checked.
#[derive(Debug, thiserror::Error)]
pub enum DoctorError {
    /// Manifests, login or cluster cannot be used.
    #[error(transparent)]
    Target(#[from] TargetError),
    /// A defect.
    #[error(transparent)]
    Schema(#[from] NoSchema),
    /// The findings cannot be written out.
    #[error("the findings cannot be written")]
    Write(#[from] io::Error),
    /// The findings cannot be written as JSON.
    #[error("the findings cannot be written as JSON")]
    Json(#[from] serde_json::Error),
}

/// Checks and writes the findings to standard output. Returns the exit code: 0 when nothing failed, 2 when something did.
///
/// # Errors
/// [`DoctorError`] when nothing could be checked, which is 1.
pub async fn doctor(arguments: DoctorArguments) -> Result<u8, DoctorError> {
    let document = document(&arguments).await?;
    let mut out = io::stdout().lock();
    match arguments.output {
        OutputFormat::Text => {
            let coloured = is_coloured(out.is_terminal(), std::env::var("NO_COLOR").ok().as_deref());
            out.write_all(human::text(&document, coloured).as_bytes())?;
        }
        OutputFormat::Json => {
            serde_json::to_writer_pretty(&mut out, &document)?;
            out.write_all(b"\n")?;
        }
    }
    out.flush()?;
    Ok(if document.summary.failed == 0 { WELL } else { FAILED })
}

async fn document(arguments: &DoctorArguments) -> Result<Document, DoctorError> {
    let reporter = Reporter::start();
    let surroundings = arguments.target.surroundings_or_cluster().await?;
    let finding = timeout(observe::CLUSTER_PATIENCE, solid_servers(&surroundings, &arguments.names));
    let solid_servers = finding.await.unwrap_or_else(|_| {
        Err(TargetError::Kubernetes {
            what: "SolidServers".to_owned(),
            cause: "no answer in time".to_owned(),
        })
    })?;
    let mut examined = Vec::new();
    for solid_server in &solid_servers {
        let name = solid_server.name_any();
        let seen = Box::pin(observe::observe(&surroundings, solid_server, &name, &reporter)).await?;
        let checks = diagnosis::diagnose(&solid_server.spec, &seen);
        examined.push(Examined { name, endpoint: shown(&solid_server.spec.endpoint), checks });
    }
    Ok(Document::new(examined))
}

async fn solid_servers(
    surroundings: &Surroundings,
    names: &[String],
) -> Result<Vec<SolidServer>, TargetError> {
    if names.is_empty() {
        return surroundings.solid_servers().await;
    }
    let mut found = Vec::new();
    for name in names {
        found.push(surroundings.solid_server(name).await?);
    }
    Ok(found)
}

/// An endpoint without the login that somebody may have written into it.
fn shown(endpoint: &str) -> String {
    match Url::parse(endpoint) {
        Ok(url) if !url.has_host() => "(no URL with a host)".to_owned(),
        Ok(url) if url.username().is_empty() && url.password().is_none() => endpoint.to_owned(),
        Ok(mut url) => {
            let _ = url.set_username("");
            let _ = url.set_password(None);
            url.to_string()
        }
        Err(_) => "(no URL)".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;
    use crate::cli::Arguments;

    #[test]
    fn every_flag_of_doctor_has_its_environment_variable() {
        let command = Arguments::command();
        let doctor = command.find_subcommand("doctor").unwrap();
        let flags: Vec<(String, Option<String>)> = doctor
            .get_arguments()
            .filter_map(|argument| {
                let variable = argument.get_env().map(|name| name.to_str().unwrap().to_owned());
                Some((argument.get_long()?.to_owned(), variable))
            })
            .collect();
        assert_eq!(flags.len(), 6, "{flags:?}");
        for (flag, variable) in flags {
            let expected = format!("SOLIDSERVER_OPERATOR_{}", flag.to_uppercase().replace('-', "_"));
            assert_eq!(variable, Some(expected), "--{flag}");
        }
    }

    #[test]
    fn a_login_in_an_endpoint_is_not_shown() {
        assert_eq!(shown("https://ddi.example.com/x"), "https://ddi.example.com/x");
        assert_eq!(shown("https://ops:s3cr@ddi.example.com/x"), "https://ddi.example.com/x");
        assert_eq!(shown("ops:s3cr@ddi"), "(no URL with a host)");
        assert_eq!(shown("s3cr"), "(no URL)");
    }
}
