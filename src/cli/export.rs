//! `solidserver-operator export`: a zone that is there already, as DnsRecord manifests, and a report of what was left out. Nothing is
//! written to the appliance or a cluster.

mod files;
mod names;
mod records;
mod report;

use std::io::{self, Write as _};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use clap::{Args, ValueEnum};

pub use self::files::FileError;
use self::records::{Exported, Whereabouts, Wishes};
pub use self::report::{Entry, Finding, Report, Summary};
use super::progress::Ticker;
use super::run::{FlagError, label, said};
use super::target::{Target, TargetArguments, TargetError};
use crate::api::admission::{Admission, NoSchema};
use crate::api::{AdoptionPolicy, DEFAULT_SOLID_SERVER, DeletionPolicy, DnsRecord, DriftPolicy, Reason};
use crate::controller::Refusal;
use crate::controller::brownfield::{Brownfield, ZoneWish};
use crate::plan::Marks;
use crate::record::{Name, NameError};
use crate::solidserver::{Call, CallObserver, EndedBy, Reading};

/// The flags of `export` as they were given.
#[derive(Clone, Debug, Args)]
pub struct ExportArguments {
    /// Where SolidServer, login and cluster are.
    #[command(flatten)]
    target: TargetArguments,

    /// Zone to be exported, for example shop.example.com
    #[arg(long, value_name = "ZONE", env = "SOLIDSERVER_OPERATOR_ZONE")]
    zone: String,

    /// DNS server of the zone, by its name on the appliance [default: spec.defaults.dnsServer of the SolidServer]
    #[arg(long, value_name = "SERVER", visible_alias = "dns-server", env = "SOLIDSERVER_OPERATOR_SERVER")]
    server: Option<String>,

    /// View of the zone; "" for none [default: spec.defaults.view of the SolidServer]
    #[arg(long, value_name = "VIEW", env = "SOLIDSERVER_OPERATOR_VIEW")]
    view: Option<String>,

    /// SolidServer of the appliance
    #[arg(
        long,
        value_name = "NAME",
        default_value = DEFAULT_SOLID_SERVER,
        env = "SOLIDSERVER_OPERATOR_SOLID_SERVER"
    )]
    solid_server: String,

    /// Namespace in the manifests [default: they name none]
    #[arg(short = 'n', long, value_name = "NAMESPACE", env = "SOLIDSERVER_OPERATOR_NAMESPACE")]
    namespace: Option<String>,

    /// adoptionPolicy of the manifests. IfIdentical: rows that were changed since are left alone. Always: they are changed back, an RRset
    /// gets one TTL, and superfluous rows go
    #[arg(
        long,
        visible_alias = "adoption",
        value_enum,
        ignore_case = true,
        value_name = "POLICY",
        default_value = "IfIdentical",
        env = "SOLIDSERVER_OPERATOR_ADOPTION_POLICY"
    )]
    adoption_policy: Adoption,

    /// deletionPolicy of the manifests: what happens to the rows when one is deleted [default: they name none, which is Delete]
    #[arg(
        long,
        value_enum,
        ignore_case = true,
        value_name = "POLICY",
        env = "SOLIDSERVER_OPERATOR_DELETION_POLICY"
    )]
    deletion_policy: Option<Deletion>,

    /// driftPolicy of the manifests [default: they name none, and the SolidServer's default counts]
    #[arg(
        long,
        value_enum,
        ignore_case = true,
        value_name = "POLICY",
        env = "SOLIDSERVER_OPERATOR_DRIFT_POLICY"
    )]
    drift_policy: Option<Drift>,

    /// Folder for the manifests, a kustomization.yaml and the report [default: the manifests go to standard output, the report to standard
    /// error]
    // Not SOLIDSERVER_OPERATOR_OUTPUT, which is the format of `plan`.
    #[arg(short = 'o', long, value_name = "FOLDER", env = "SOLIDSERVER_OPERATOR_OUTPUT_FOLDER")]
    output: Option<PathBuf>,

    /// File for the report as JSON
    #[arg(long, value_name = "FILE", env = "SOLIDSERVER_OPERATOR_REPORT")]
    report: Option<PathBuf>,

    /// Replace files that are there, and remove those of an earlier export that have no records any more
    #[arg(long, env = "SOLIDSERVER_OPERATOR_FORCE")]
    force: bool,
}

/// `spec.adoptionPolicy`, as far as it makes sense for what is there already.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Adoption {
    /// Rows that say the same are marked.
    #[value(name = "IfIdentical")]
    IfIdentical,
    /// Rows are taken over and corrected.
    #[value(name = "Always")]
    Always,
}

/// `spec.deletionPolicy`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Deletion {
    /// Rows go with their DnsRecord.
    #[value(name = "Delete")]
    Delete,
    /// Rows stay, unmarked.
    #[value(name = "Retain")]
    Retain,
}

/// `spec.driftPolicy`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Drift {
    /// Changes on the appliance are put right.
    #[value(name = "Repair")]
    Repair,
    /// They are told.
    #[value(name = "Report")]
    Report,
}

/// Why there is no export.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// No DNS name.
    #[error("--zone is {zone:?}: {cause}")]
    Zone {
        /// What it says.
        zone: String,
        /// What is wrong with it.
        cause: NameError,
    },
    /// A flag cannot be used.
    #[error(transparent)]
    Flag(#[from] FlagError),
    /// Manifests, login or cluster cannot be used.
    #[error(transparent)]
    Target(#[from] TargetError),
    /// The zone cannot be found or read.
    #[error("{refusal}{hint}")]
    Refused {
        /// Why.
        refusal: Refusal,
        /// Which flag helps.
        hint: &'static str,
    },
    /// A defect.
    #[error(transparent)]
    Schema(#[from] NoSchema),
    /// A defect.
    #[error("a manifest cannot be written as YAML")]
    Yaml(#[from] serde_saphyr::ser::Error),
    /// A file cannot be written.
    #[error(transparent)]
    File(#[from] FileError),
    /// The manifests cannot be written out.
    #[error("the manifests cannot be written")]
    Write(#[from] io::Error),
    /// A defect.
    #[error("the report cannot be written as JSON")]
    Json(#[from] serde_json::Error),
}

impl ExportError {
    /// Whether a flag cannot be used, so that nothing was tried.
    #[must_use]
    pub fn is_usage(&self) -> bool {
        matches!(self, Self::Zone { .. } | Self::Flag(_))
    }
}

impl From<Refusal> for ExportError {
    fn from(refusal: Refusal) -> Self {
        let hint = match refusal.reason {
            Reason::ServerNotFound => "; for this export --server says it",
            Reason::ViewRequired | Reason::ViewNotFound => "; for this export --view says it",
            _ => "",
        };
        Self::Refused { refusal, hint }
    }
}

/// How far the reading has come.
#[derive(Debug, Default)]
struct Progress {
    answered: AtomicUsize,
    pages: AtomicUsize,
}

impl CallObserver for Progress {
    fn on_call(&self, _: &Call) {
        self.answered.fetch_add(1, Ordering::Relaxed);
    }
}

impl Progress {
    /// The reading of about so many pages begins.
    fn begin(&self, pages: usize) {
        self.answered.store(0, Ordering::Relaxed);
        self.pages.store(pages, Ordering::Relaxed);
    }

    fn line(&self, since: Duration) -> String {
        let (answered, seconds) = (self.answered.load(Ordering::Relaxed), since.as_secs());
        match self.pages.load(Ordering::Relaxed) {
            0 => format!("export: {answered} calls answered, {seconds} s"),
            pages => format!("export: {} of about {pages} pages read, {seconds} s", answered.min(pages)),
        }
    }
}

/// Reads a zone and writes it as manifests, with a report.
///
/// # Errors
/// [`ExportError`] when the zone cannot be read as a whole or a file cannot be written.
pub async fn export(arguments: ExportArguments) -> Result<(), ExportError> {
    let zone = Name::parse(arguments.zone.trim())
        .map_err(|cause| ExportError::Zone { zone: arguments.zone.clone(), cause })?;
    let namespace = said(arguments.namespace.clone());
    let namespace = namespace.map(|namespace| label("--namespace", namespace, "shop")).transpose()?;
    if !arguments.force {
        files::check(arguments.output.as_deref(), arguments.report.as_deref())?;
    }
    let progress = Arc::new(Progress::default());
    let told = Arc::clone(&progress);
    let ticker = Ticker::start(move |since| told.line(since));
    let surroundings = arguments.target.surroundings().await?;
    let observer = Arc::clone(&progress) as Arc<dyn CallObserver>;
    let target = surroundings.target(&arguments.solid_server, Some(observer)).await?;
    let wish = ZoneWish { zone, server: said(arguments.server.clone()), view: arguments.view.clone() };
    let found = Brownfield::find(&target.client, &target.solid_server, &wish).await?;
    let page_size = usize::try_from(target.solid_server.spec.page_size()).unwrap_or(usize::MAX).max(1);
    let pages = found.count().await.map_or(0, |rows| rows.div_ceil(page_size));
    progress.begin(pages);
    let reading = found.read().await?;
    let whereabouts = Whereabouts::of(&found.place, &target.solid_server);
    let wishes = Wishes {
        namespace,
        adoption: match arguments.adoption_policy {
            Adoption::IfIdentical => AdoptionPolicy::IfIdentical,
            Adoption::Always => AdoptionPolicy::Always,
        },
        deletion: arguments.deletion_policy.map(|policy| match policy {
            Deletion::Delete => DeletionPolicy::Delete,
            Deletion::Retain => DeletionPolicy::Retain,
        }),
        drift: arguments.drift_policy.map(|policy| match policy {
            Drift::Repair => DriftPolicy::Repair,
            Drift::Report => DriftPolicy::Report,
        }),
    };
    let admission = Admission::of::<DnsRecord>()?;
    let Exported { records, entries } = records::export(&found, &reading, &whereabouts, &wishes, &admission);
    let report = report(&found, &target, &reading, entries);
    drop(ticker);
    write(&arguments, &found, &records, &report)
}

/// The report, with what whoever reads it should know.
fn report(found: &Brownfield<'_>, target: &Target, reading: &Reading, entries: Vec<Entry>) -> Report {
    let solid_server = &target.solid_server;
    let name = solid_server.metadata.name.as_deref().unwrap_or_default();
    let mut report = Report::new(
        (name, &solid_server.spec.endpoint),
        found.version.clone(),
        &found.place,
        reading.rows_seen,
        entries,
    );
    if found.marks() == Marks::NotKept {
        report.notes.push(
            "this appliance keeps no class parameters on records: rows that other clusters look after cannot be told from others"
                .to_owned(),
        );
    }
    if reading.ended_by != EndedBy::Count {
        report.notes.push(
            "the appliance's own count does not confirm that these are all rows: the account may not count them, or the zone was \
             changed meanwhile"
                .to_owned(),
        );
    }
    if report.summary.exported == 0 {
        report.notes.push("there is nothing to be exported".to_owned());
    }
    report
}

fn write(
    arguments: &ExportArguments,
    found: &Brownfield<'_>,
    records: &[DnsRecord],
    report: &Report,
) -> Result<(), ExportError> {
    match &arguments.output {
        Some(folder) => {
            let mut files = files::files(records, &found.place.zone, &found.place.to_string())?;
            files.insert(files::REPORT.to_owned(), report.text(None));
            let gone = files::write(folder, &files, arguments.force)?;
            eprint!("{}", report.text(Some(report::NAMED)));
            for name in gone {
                eprintln!("removed: {}", folder.join(name).display());
            }
            eprintln!("\nWritten to {}", folder.display());
        }
        None => {
            let text = files::stream(records)?;
            let mut out = io::stdout().lock();
            out.write_all(text.as_bytes())?;
            out.flush()?;
            eprint!("{}", report.text(Some(report::NAMED)));
        }
    }
    if let Some(path) = &arguments.report {
        let mut text = serde_json::to_string_pretty(report)?;
        text.push('\n');
        files::write_file(path, &text, arguments.force)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;
    use crate::cli::Arguments;

    #[test]
    fn every_flag_of_export_has_its_environment_variable() {
        let command = Arguments::command();
        let export = command.find_subcommand("export").unwrap();
        let flags: Vec<(String, Option<String>)> = export
            .get_arguments()
            .filter_map(|argument| {
                let variable = argument.get_env().map(|name| name.to_str().unwrap().to_owned());
                Some((argument.get_long()?.to_owned(), variable))
            })
            .collect();
        assert_eq!(flags.len(), 16, "{flags:?}");
        for (flag, variable) in flags {
            let flag = if flag == "output" { "output-folder".to_owned() } else { flag };
            let expected = format!("SOLIDSERVER_OPERATOR_{}", flag.to_uppercase().replace('-', "_"));
            assert_eq!(variable, Some(expected), "--{flag}");
        }
    }

    #[test]
    fn a_line_says_how_far_it_has_come() {
        let progress = Progress::default();
        let second = Duration::from_millis(5_900);
        assert_eq!(progress.line(second), "export: 0 calls answered, 5 s");
        progress.begin(11);
        progress.answered.store(7, Ordering::Relaxed);
        assert_eq!(progress.line(second), "export: 7 of about 11 pages read, 5 s");
    }
}
