//! The commands of the binary.

pub mod crds;
pub mod doctor;
pub mod export;
pub mod manifests;
pub mod plan;
mod progress;
#[cfg(test)]
mod reference;
pub mod release;
pub mod run;
pub mod target;

use clap::{Parser, Subcommand};

/// What the command line says, not yet checked.
#[derive(Debug, Parser)]
#[command(name = "solidserver-operator", version, about, arg_required_else_help = true)]
pub struct Arguments {
    /// What is to be done.
    #[command(subcommand)]
    pub command: Command,
}

/// A command of the binary.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run the operator until it is told to end (SIGTERM or SIGINT; a second one ends it at once)
    Run(Box<run::RunArguments>),
    /// Show what would change on the appliance if manifests were applied, and write nothing
    ///
    /// Exit code 0: the appliance holds what the manifests say. 2: something differs. 1: there is no plan, or
    /// not of everything. The login comes from SOLIDSERVER_TOKEN_ID and SOLIDSERVER_TOKEN_SECRET, or
    /// SOLIDSERVER_USERNAME and SOLIDSERVER_PASSWORD, else from the Secret that the SolidServer names.
    Plan(Box<plan::PlanArguments>),
    /// Check whether a SolidServer can be worked with from here, step by step, and say what to do where not; nothing is written
    ///
    /// Exit code 0: nothing failed. 2: something did. 1: nothing could be checked. The login is found as for plan.
    Doctor(Box<doctor::DoctorArguments>),
    /// Write a zone that is there already as DnsRecord manifests, with a report of what was left out, and change nothing
    ///
    /// The login comes from where `plan` takes it.
    Export(Box<export::ExportArguments>),
    /// Print the custom resource definitions as YAML
    Crds,
    /// Take the operator's finalizers off, without an operator; the rows stay on the appliance. Ends with 0 when all are off, with 1
    /// when not, with 2 when a flag cannot be used
    Release(release::ReleaseArguments),
}
