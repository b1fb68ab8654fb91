//! `solidserver-operator plan`: what would change on the appliance if manifests were applied. Nothing is written anywhere.

mod children;
mod document;
mod human;
mod markdown;
mod objects;
mod progress;

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, IsTerminal as _, Write as _};
use std::sync::Arc;

use clap::{Args, ValueEnum};

pub use self::document::Document;
pub(super) use self::human::plain;
use self::objects::Gathered;
use self::progress::Reporter;
use super::run::{FlagError, label};
use super::target::{Surroundings, TargetArguments, TargetError};
use crate::api::Reason;
use crate::api::admission::NoSchema;
use crate::controller::preview::{Preview, Writer, preview};
use crate::solidserver::Client;

/// Nothing differs.
const NOTHING: u8 = 0;
/// No plan, or not of everything.
const FAILED: u8 = 1;
/// Something differs.
const CHANGES: u8 = 2;

/// The flags of `plan` as they were given.
#[derive(Clone, Debug, Args)]
pub struct PlanArguments {
    /// Where manifests, login and cluster are.
    #[command(flatten)]
    target: TargetArguments,

    /// Name of the cluster in the ownership marks on the appliance, as the operator has it
    #[arg(long, value_name = "NAME", env = "SOLIDSERVER_OPERATOR_CLUSTER_NAME")]
    cluster_name: String,

    /// Namespace of DnsRecords whose manifests name none
    #[arg(
        short = 'n',
        long,
        value_name = "NAMESPACE",
        default_value = "default",
        env = "SOLIDSERVER_OPERATOR_NAMESPACE"
    )]
    namespace: String,

    /// Show what would be deleted if DnsRecords that are not among the manifests were removed, in the namespaces
    /// that these speak of (as Argo CD and Flux do with pruning on)
    #[arg(long, env = "SOLIDSERVER_OPERATOR_PRUNE")]
    prune: bool,

    /// Have the API server judge each manifest by a dry run, with its admission policies; needs --kubeconfig or
    /// --context and the right to create and update DnsRecords
    #[arg(long, env = "SOLIDSERVER_OPERATOR_SERVER_DRY_RUN")]
    server_dry_run: bool,

    /// How the plan is written
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

/// How a plan is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum OutputFormat {
    /// For people, coloured on a terminal unless NO_COLOR is set
    Text,
    /// For programs: docs/reference/plan.md says what is in it
    Json,
    /// For a comment on a pull request
    Markdown,
}

/// Why there is no plan.
#[derive(Debug, thiserror::Error)]
pub enum PlanError {
    /// No manifest was named.
    #[error("no manifests: name files, folders or - for standard input with -f")]
    NoManifests,
    /// A dry run without a cluster.
    #[error("--server-dry-run needs a cluster: give --kubeconfig or --context")]
    NoCluster,
    /// A flag cannot be used.
    #[error(transparent)]
    Flag(#[from] FlagError),
    /// Manifests, login or cluster cannot be used.
    #[error(transparent)]
    Target(#[from] TargetError),
    /// A defect.
    #[error(transparent)]
    Schema(#[from] NoSchema),
    /// The plan cannot be written out.
    #[error("the plan cannot be written")]
    Write(#[from] io::Error),
    /// The plan cannot be written as JSON.
    #[error("the plan cannot be written as JSON")]
    Json(#[from] serde_json::Error),
}

/// Makes the plan and writes it to standard output. Returns the exit code: 0 when the appliance holds what the manifests say, 2 when
/// something differs, 1 when there is no plan of some of it.
///
/// # Errors
/// [`PlanError`] when there is no plan at all, which is 1 as well.
pub async fn plan(arguments: PlanArguments) -> Result<u8, PlanError> {
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
        OutputFormat::Markdown => out.write_all(markdown::text(&document).as_bytes())?,
    }
    out.flush()?;
    Ok(code(&document))
}

/// https://no-color.org: any value but an empty one.
pub(super) fn is_coloured(terminal: bool, no_color: Option<&str>) -> bool {
    terminal && no_color.is_none_or(str::is_empty)
}

fn code(document: &Document) -> u8 {
    match (document.failures.is_empty(), document.summary.differs()) {
        (false, _) => FAILED,
        (true, true) => CHANGES,
        (true, false) => NOTHING,
    }
}

async fn document(arguments: &PlanArguments) -> Result<Document, PlanError> {
    if arguments.target.filename.is_empty() {
        return Err(PlanError::NoManifests);
    }
    let cluster_name = label("--cluster-name", arguments.cluster_name.trim().to_owned(), "prod-eu1")?;
    let namespace = label("--namespace", arguments.namespace.clone(), "shop")?;
    let surroundings = arguments.target.surroundings().await?;
    if arguments.server_dry_run && surroundings.cluster.is_none() {
        return Err(PlanError::NoCluster);
    }
    let reporter = Reporter::start();
    let wishes =
        objects::Wishes { namespace, prune: arguments.prune, server_dry_run: arguments.server_dry_run };
    let mut gathered = objects::gather(&surroundings, &wishes).await?;
    let clients = clients(&surroundings, &gathered, &reporter).await?;
    let cluster_uid = match &surroundings.cluster {
        Some(cluster) => Some(objects::cluster_uid(cluster).await?),
        None => None,
    };
    let named = gathered
        .objects
        .solid_servers
        .iter()
        .filter_map(|object| object.status.as_ref()?.cluster_name.clone());
    let others: BTreeSet<String> = named.filter(|named| *named != cluster_name).collect();
    gathered.notes.extend(others.into_iter().map(|named| {
        format!("--cluster-name is {cluster_name:?}, and the operator of this cluster calls it {named:?}: marks of that are taken for another cluster's")
    }));
    gathered.notes.extend(gathered.objects.solid_servers.iter().filter_map(|object| {
        let before = object.status.as_ref()?.endpoint.as_deref()?.trim_end_matches('/');
        let now = object.spec.endpoint.trim_end_matches('/');
        (before != now).then(|| {
            format!(
                "SolidServer {} was worked with at {before} so far: at {now} the operator writes only if rows of its own are \
                 there, or somebody accepts the appliance (WrongAppliance)",
                object.metadata.name.as_deref().unwrap_or_default()
            )
        })
    }));
    let writer = Writer { cluster_name, cluster_uid };
    let mut preview = Box::pin(preview(&gathered.objects, &writer, &clients, &reporter.progress)).await;
    drop(reporter);
    children::leave_out(&mut preview, &mut gathered);
    if surroundings.cluster.is_none() {
        explain_what_is_not_known(&mut preview, &mut gathered, &writer, arguments.prune);
    }
    Ok(Document::new(&preview, &gathered))
}

/// A client for each SolidServer that is asked about.
async fn clients(
    surroundings: &Surroundings,
    gathered: &Gathered,
    reporter: &Reporter,
) -> Result<BTreeMap<String, Client>, PlanError> {
    let asked = gathered.objects.records.iter().filter(|candidate| candidate.asked);
    let names: BTreeSet<&str> = asked.map(|candidate| candidate.record.spec.solid_server_name()).collect();
    let mut clients = BTreeMap::new();
    for solid_server in &gathered.objects.solid_servers {
        let name = solid_server.metadata.name.as_deref().unwrap_or_default();
        if names.contains(name) {
            let client = surroundings.connect(solid_server, Some(Arc::clone(&reporter.calls) as _)).await?;
            clients.insert(name.to_owned(), client);
        }
    }
    Ok(clients)
}

/// Without a cluster some things can only be supposed; whoever reads the plan is told which.
fn explain_what_is_not_known(preview: &mut Preview, gathered: &mut Gathered, writer: &Writer, prune: bool) {
    for record in &mut preview.records {
        let namespace = &*record.object.namespace;
        if record.reason == Some(Reason::NotDelegated) && !gathered.objects.namespaces.contains_key(namespace)
        {
            record.message.push_str(&format!(
                " (the labels of namespace {namespace} are not known: give the Namespace's manifest as well)"
            ));
        }
    }
    let conflicts = preview.records.iter().any(|record| record.reason == Some(Reason::Conflict));
    if conflicts && !prune {
        gathered.notes.push(
            "without a cluster every DnsRecord that rows are marked for is taken to exist; if the manifests are all of \
             their namespaces, --prune says so"
                .to_owned(),
        );
    }
    if preview.uids.len() > 1 {
        gathered.notes.push(format!(
            "rows marked for cluster {:?} were written by clusters with {} different UIDs; that of most of them is taken for \
             this cluster's: {}",
            writer.cluster_name,
            preview.uids.len(),
            preview.uids.join(", ")
        ));
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;
    use crate::cli::Arguments;
    use crate::controller::preview::Outcome;

    #[test]
    fn every_flag_of_plan_has_its_environment_variable() {
        let command = Arguments::command();
        let plan = command.find_subcommand("plan").unwrap();
        let flags: Vec<(String, Option<String>)> = plan
            .get_arguments()
            .filter_map(|argument| {
                let variable = argument.get_env().map(|name| name.to_str().unwrap().to_owned());
                Some((argument.get_long()?.to_owned(), variable))
            })
            .collect();
        assert_eq!(flags.len(), 10, "{flags:?}");
        for (flag, variable) in flags {
            let expected = format!("SOLIDSERVER_OPERATOR_{}", flag.to_uppercase().replace('-', "_"));
            assert_eq!(variable, Some(expected), "--{flag}");
        }
    }

    #[test]
    fn only_a_terminal_is_coloured_and_only_without_no_color() {
        let cases = [(true, None), (true, Some("")), (true, Some("1")), (false, None), (false, Some("1"))];
        assert_eq!(
            cases.map(|(terminal, no_color)| is_coloured(terminal, no_color)),
            [true, true, false, false, false]
        );
    }

    #[test]
    fn the_exit_code_tells_nothing_changes_and_no_plan_apart() {
        let mut document = Document::new(&Preview::default(), &Gathered::default());
        assert_eq!(code(&document), 0);
        document.summary.count(Outcome::Unchanged);
        assert_eq!(code(&document), 0);
        for outcome in Outcome::ALL.into_iter().filter(|outcome| *outcome != Outcome::Unchanged) {
            let mut document = document.clone();
            document.summary.count(outcome);
            assert_eq!(code(&document), 2, "{outcome:?}");
        }
        document.summary.count(Outcome::Create);
        document.failures.push(document::Failure {
            solid_server: "default".to_owned(),
            zone: None,
            dns_server: None,
            view: None,
            reason: "Unreachable".to_owned(),
            message: String::new(),
        });
        assert_eq!(code(&document), 1);
    }
}
