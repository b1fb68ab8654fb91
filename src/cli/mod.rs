//! The commands of the binary.

pub mod crds;
pub mod manifests;
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
    /// Print the custom resource definitions as YAML
    Crds,
}
