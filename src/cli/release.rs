//! `solidserver-operator release`: takes the operator's finalizers off with a kubeconfig and without an operator, so that objects,
//! namespaces and definitions can go. Nothing is sent to an appliance: rows stay there, with their marks.

use std::ffi::OsString;
use std::fmt;
use std::io::{self, IsTerminal as _, Write};
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use clap::builder::FalseyValueParser;
use futures::StreamExt as _;
use jiff::{SignedDuration, Timestamp};
use json_patch::Patch as JsonPatch;
use k8s_openapi::api::coordination::v1::Lease;
use kube::api::{Api, ApiResource, DynamicObject, ListParams, Patch, PatchParams};
use kube::{Resource, ResourceExt as _};
use serde_json::{Value, json};

use crate::api::{DNS_RECORD_FINALIZER, DnsRecord, FIELD_MANAGER, SOLID_SERVER_FINALIZER, SolidServer};
use crate::controller::{self, StartError};
use crate::lease::UNSERVED;

/// Objects in one list answer.
const PAGE: u32 = 500;
/// Objects that are released at the same time.
const AT_ONCE: usize = 16;
/// How often an object is tried that somebody else changes at the same time.
const TRIES: usize = 5;
/// How often the list is begun anew because the API server has forgotten where it was.
const LISTS: usize = 5;
/// Longest wait for one answer of the API server.
const PATIENCE: Duration = Duration::from_secs(30);
/// How long a Lease that seems to have run out is watched for a sign of life: clocks differ.
const SIGN_OF_LIFE: Duration = Duration::from_secs(3);

/// The flags of `release` as they were given. Each has an environment variable; the flag wins.
#[derive(Clone, Debug, Args)]
pub struct ReleaseArguments {
    /// Release the DnsRecords of this namespace
    #[arg(long, short, value_name = "NAMESPACE", env = "SOLIDSERVER_OPERATOR_NAMESPACE")]
    namespace: Option<String>,

    /// Release the DnsRecords of all namespaces, then the SolidServers
    #[arg(long, env = "SOLIDSERVER_OPERATOR_ALL", value_parser = FalseyValueParser::new())]
    all: bool,

    /// Kubeconfig file to use [default: what kubectl would use]
    #[arg(long, value_name = "PATH", env = "SOLIDSERVER_OPERATOR_KUBECONFIG")]
    // Not a PathBuf: clap would refuse an empty one.
    kubeconfig: Option<OsString>,

    /// Say what would be released and change nothing
    #[arg(long, env = "SOLIDSERVER_OPERATOR_DRY_RUN", value_parser = FalseyValueParser::new())]
    dry_run: bool,

    /// Do not ask before it is done
    #[arg(long, short, env = "SOLIDSERVER_OPERATOR_YES", value_parser = FalseyValueParser::new())]
    yes: bool,

    /// Go on although an operator seems to be running, which puts finalizers back
    #[arg(long, env = "SOLIDSERVER_OPERATOR_FORCE", value_parser = FalseyValueParser::new())]
    force: bool,
}

/// Whose finalizers go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scope {
    /// Those of the DnsRecords of a namespace.
    Namespace(String),
    /// Those of all DnsRecords and all SolidServers.
    All,
}

impl fmt::Display for Scope {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Namespace(namespace) => write!(formatter, "all DnsRecords of namespace {namespace}"),
            Self::All => write!(formatter, "all DnsRecords and all SolidServers"),
        }
    }
}

/// What `release` works with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReleaseSettings {
    /// Whose finalizers go.
    pub scope: Scope,
    /// A kubeconfig file; the usual ways to find one when absent.
    pub kubeconfig: Option<PathBuf>,
    /// Nothing is changed.
    pub dry_run: bool,
    /// Nobody is asked.
    pub yes: bool,
    /// An operator may be running.
    pub force: bool,
}

/// Why not everything was released.
#[derive(Debug, thiserror::Error)]
pub enum ReleaseError {
    /// Neither or both ways to say what is meant.
    #[error("release needs --namespace NAMESPACE or --all, one of the two")]
    Scope,
    /// Nobody is there to be asked.
    #[error("nobody can be asked here: say --yes, or --dry-run to see what would be released")]
    Unconfirmed,
    /// The answer was no.
    #[error("not confirmed; nothing was released")]
    Declined,
    /// An operator would undo it.
    #[error(
        "an operator seems to be running ({holder} holds the Lease {namespace}/{name}) and would put finalizers back; delete its \
         Deployment first, or wait until the Lease has run out; --force goes on all the same"
    )]
    Running {
        /// Where the Lease is.
        namespace: String,
        /// What it is called.
        name: &'static str,
        /// Who holds it.
        holder: String,
    },
    /// No way to the API server.
    #[error(transparent)]
    Start(#[from] StartError),
    /// The API server does not do it.
    #[error("{what}: {why}")]
    Kubernetes {
        /// What was asked of it.
        what: &'static str,
        /// What it says.
        why: String,
    },
    /// Some objects keep their finalizer.
    #[error("{0} objects were not released; the lines above say why, and the command can be repeated")]
    Incomplete(usize),
    /// Standard output is closed.
    #[error("cannot write what was done")]
    Output(#[from] io::Error),
}

impl ReleaseError {
    /// Whether the command line was wrong, and nothing was tried.
    #[must_use]
    pub const fn is_usage(&self) -> bool {
        matches!(self, Self::Scope | Self::Unconfirmed)
    }
}

impl ReleaseArguments {
    /// Checks the flags.
    ///
    /// # Errors
    /// [`ReleaseError::Scope`].
    pub fn settings(&self) -> Result<ReleaseSettings, ReleaseError> {
        let Self { namespace, all, kubeconfig, dry_run, yes, force } = self;
        let namespace = namespace.as_deref().map(str::trim).filter(|namespace| !namespace.is_empty());
        let scope = match (namespace, all) {
            (Some(namespace), false) => Scope::Namespace(namespace.to_owned()),
            (None, true) => Scope::All,
            _ => return Err(ReleaseError::Scope),
        };
        Ok(ReleaseSettings {
            scope,
            kubeconfig: kubeconfig.clone().filter(|path| !path.is_empty()).map(PathBuf::from),
            dry_run: *dry_run,
            yes: *yes,
            force: *force,
        })
    }
}

/// Releases what the settings say, and writes a line about each object and a summary to `output`.
///
/// # Errors
/// [`ReleaseError`]; what was released until then stays so.
pub async fn run(settings: &ReleaseSettings, output: &mut impl Write) -> Result<(), ReleaseError> {
    if !settings.dry_run && !settings.yes && !io::stdin().is_terminal() {
        return Err(ReleaseError::Unconfirmed);
    }
    let config = controller::config(settings.kubeconfig.as_deref()).await?;
    let client = kube::Client::try_from(config).map_err(|error| StartError::Config(error.to_string()))?;
    if !settings.dry_run {
        if !settings.force {
            refuse_beside_an_operator(&client).await?;
        }
        if !settings.yes {
            confirm(&settings.scope)?;
        }
    }
    let mut release = Release { client, dry_run: settings.dry_run, output };
    let (namespace, all) = match &settings.scope {
        Scope::Namespace(namespace) => (Some(namespace.as_str()), false),
        Scope::All => (None, true),
    };
    let records = release.kind::<DnsRecord>(namespace, DNS_RECORD_FINALIZER, &left).await?;
    let servers = if all {
        release.kind::<SolidServer>(None, SOLID_SERVER_FINALIZER, &|_| "SolidServer".to_owned()).await?
    } else {
        Tally::default()
    };
    release.summary(&records, all.then_some(&servers))?;
    match records.failed + servers.failed {
        0 => Ok(()),
        failed => Err(ReleaseError::Incomplete(failed)),
    }
}

/// Asks whoever sits at the terminal.
fn confirm(scope: &Scope) -> Result<(), ReleaseError> {
    let mut answer = String::new();
    // Not to standard output, which may be a file.
    write!(io::stderr(), "Release {scope}? Their rows stay on the appliance, marked. [y/N] ")?;
    io::stdin().read_line(&mut answer)?;
    if ["y", "yes"].contains(&answer.trim().to_lowercase().as_str()) {
        Ok(())
    } else {
        Err(ReleaseError::Declined)
    }
}

/// Every replica stands for one and the same Lease, so it is held whenever an operator runs, whatever its namespace is called.
async fn refuse_beside_an_operator(client: &kube::Client) -> Result<(), ReleaseError> {
    let what = "looking for an operator that is running (--force goes on without that)";
    let api: Api<Lease> = Api::all(client.clone());
    let parameters = ListParams::default().fields(&format!("metadata.name={UNSERVED}"));
    let held = async || {
        let leases = in_time(what, api.list(&parameters)).await?;
        Ok::<_, ReleaseError>(
            leases.items.into_iter().filter(|lease| holder(lease).is_some()).collect::<Vec<_>>(),
        )
    };
    let before = held().await?;
    if before.is_empty() {
        return Ok(());
    }
    let running = match before.iter().find(|lease| is_fresh(lease, Timestamp::now())) {
        Some(lease) => Some(lease.clone()),
        None => {
            tokio::time::sleep(SIGN_OF_LIFE).await;
            held().await?.into_iter().find(|lease| !before.iter().any(|known| same_renewal(known, lease)))
        }
    };
    match running {
        Some(lease) => Err(ReleaseError::Running {
            namespace: lease.namespace().unwrap_or_default(),
            name: UNSERVED,
            holder: holder(&lease).unwrap_or_default().to_owned(),
        }),
        None => Ok(()),
    }
}

/// Who holds a Lease; whoever resigns leaves it empty.
fn holder(lease: &Lease) -> Option<&str> {
    lease.spec.as_ref()?.holder_identity.as_deref().filter(|holder| !holder.is_empty())
}

/// Whether a Lease has not run out yet.
fn is_fresh(lease: &Lease, now: Timestamp) -> bool {
    let spec = lease.spec.as_ref();
    let renewed = spec.and_then(|spec| spec.renew_time.as_ref());
    let seconds = spec.and_then(|spec| spec.lease_duration_seconds).unwrap_or_default();
    renewed
        .is_some_and(|renewed| now.duration_since(renewed.0) < SignedDuration::from_secs(i64::from(seconds)))
}

fn same_renewal(one: &Lease, other: &Lease) -> bool {
    let renewed = |lease: &Lease| lease.spec.as_ref().and_then(|spec| spec.renew_time.clone());
    one.metadata.uid == other.metadata.uid && renewed(one) == renewed(other)
}

/// What became of the objects of one kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Tally {
    released: usize,
    /// Those of the released that were being deleted: they are gone now, unless others hold them.
    deleted: usize,
    without: usize,
    failed: usize,
}

struct Release<'a, W> {
    client: kube::Client,
    dry_run: bool,
    output: &'a mut W,
}

impl<W: Write> Release<'_, W> {
    /// Releases the objects of a kind, page by page. They are read as they are: one that no version of the operator would
    /// understand is released as well.
    async fn kind<K: Resource<DynamicType = ()>>(
        &mut self,
        namespace: Option<&str>,
        finalizer: &str,
        words: &dyn Fn(&DynamicObject) -> String,
    ) -> Result<Tally, ReleaseError> {
        let resource = ApiResource::erase::<K>(&());
        let api: Api<DynamicObject> = match namespace {
            Some(namespace) => Api::namespaced_with(self.client.clone(), namespace, &resource),
            None => Api::all_with(self.client.clone(), &resource),
        };
        let mut tally = Tally::default();
        let mut lists = 1;
        let mut parameters = ListParams::default().limit(PAGE);
        loop {
            let page = match tokio::time::timeout(PATIENCE, api.list(&parameters)).await {
                Ok(Ok(page)) => page,
                // There is no such definition, or not any more.
                Ok(Err(kube::Error::Api(status))) if status.code == 404 => return Ok(tally),
                // What was released until now has no finalizer any more, so that a second look costs little.
                Ok(Err(kube::Error::Api(status))) if status.code == 410 && lists < LISTS => {
                    lists += 1;
                    tally.without = 0;
                    parameters.continue_token = None;
                    continue;
                }
                Ok(Err(error)) => return Err(unanswered("listing objects", &error)),
                Err(_) => return Err(unanswered("listing objects", &"no answer in time")),
            };
            let (held, others): (Vec<_>, Vec<_>) =
                page.items.into_iter().partition(|object| has(object, finalizer));
            tally.without += others.len();
            let (client, dry_run) = (&self.client, self.dry_run);
            let resource = &resource;
            let mut released = futures::stream::iter(held)
                .map(|object| async move {
                    let outcome =
                        if dry_run { Ok(()) } else { let_go(client, resource, &object, finalizer).await };
                    (object, outcome)
                })
                .buffered(AT_ONCE);
            while let Some((object, outcome)) = released.next().await {
                let name = full_name(&object);
                match outcome {
                    Ok(()) => {
                        tally.released += 1;
                        tally.deleted += usize::from(object.metadata.deletion_timestamp.is_some());
                        writeln!(self.output, "{name}: {}", words(&object))?;
                    }
                    Err(error) => {
                        tally.failed += 1;
                        writeln!(self.output, "{name}: NOT RELEASED: {error}")?;
                    }
                }
            }
            parameters.continue_token = page.metadata.continue_.filter(|token| !token.is_empty());
            if parameters.continue_token.is_none() {
                return Ok(tally);
            }
        }
    }

    fn summary(&mut self, records: &Tally, servers: Option<&Tally>) -> io::Result<()> {
        let verb = if self.dry_run { "would be released" } else { "released" };
        let line = |tally: &Tally, kind: &str| {
            format!(
                "{} {kind} {verb} ({} of them being deleted), {} without a finalizer, {} failed",
                tally.released, tally.deleted, tally.without, tally.failed
            )
        };
        writeln!(self.output, "{}", line(records, "DnsRecords"))?;
        if let Some(servers) = servers {
            writeln!(self.output, "{}", line(servers, "SolidServers"))?;
        }
        if records.released > 0 {
            writeln!(
                self.output,
                "Their rows stay on the appliance with the class parameter k8s_owner=CLUSTER/NAMESPACE/NAME; the same manifests, \
                 applied under the same --cluster-name, take them back."
            )?;
        }
        self.output.flush()
    }
}

fn has(object: &DynamicObject, finalizer: &str) -> bool {
    object.finalizers().iter().any(|other| other == finalizer)
}

fn full_name(object: &DynamicObject) -> String {
    match object.namespace() {
        Some(namespace) => format!("{namespace}/{}", object.name_any()),
        None => object.name_any(),
    }
}

/// What a DnsRecord leaves on its appliance, as far as its status tells.
fn left(record: &DynamicObject) -> String {
    let (spec, status) = (&record.data["spec"], &record.data["status"]);
    let text = |from: &Value, field: &str| from[field].as_str().unwrap_or("?").to_owned();
    let solid_server = spec["solidServerRef"]["name"].as_str().unwrap_or(crate::api::DEFAULT_SOLID_SERVER);
    if status["zone"].as_str().is_none() {
        return format!(
            "{} {}: no zone of SolidServer {solid_server} in its status, so nothing, or a write that was cut off",
            text(spec, "fqdn"),
            text(spec, "type")
        );
    }
    let view = match status["view"].as_str().unwrap_or_default() {
        "" => String::new(),
        view => format!(", view {view}"),
    };
    format!(
        "{} {} stays in zone {} of {}{view} (SolidServer {solid_server})",
        text(status, "fqdn"),
        text(status, "type"),
        text(status, "zone"),
        text(status, "dnsServer")
    )
}

/// Takes the finalizer off this very object. That it is gone by now, or another one has its name, is as good.
async fn let_go(
    client: &kube::Client,
    resource: &ApiResource,
    object: &DynamicObject,
    finalizer: &str,
) -> Result<(), ReleaseError> {
    let api: Api<DynamicObject> = match object.namespace() {
        Some(namespace) => Api::namespaced_with(client.clone(), &namespace, resource),
        None => Api::all_with(client.clone(), resource),
    };
    let (name, uid) = (object.name_any(), &object.metadata.uid);
    let mut finalizers = object.finalizers().to_vec();
    let parameters = PatchParams { field_manager: Some(FIELD_MANAGER.to_owned()), ..PatchParams::default() };
    let what = "taking the finalizer off";
    for _ in 0..TRIES {
        let Some(index) = finalizers.iter().position(|other| other == finalizer) else { return Ok(()) };
        let path = format!("/metadata/finalizers/{index}");
        let operations = json!([
            {"op": "test", "path": "/metadata/uid", "value": uid},
            {"op": "test", "path": path, "value": finalizer},
            {"op": "remove", "path": path},
        ]);
        let operations: JsonPatch =
            serde_json::from_value(operations).map_err(|error| unanswered(what, &error))?;
        let patch = Patch::Json::<()>(operations);
        match tokio::time::timeout(PATIENCE, api.patch(&name, &parameters, &patch)).await {
            Ok(Ok(_)) => return Ok(()),
            Ok(Err(kube::Error::Api(status))) if status.code == 404 => return Ok(()),
            // A test failed: somebody else changes its finalizers, or it is another object. So does one that is not valid.
            Ok(Err(kube::Error::Api(status))) if status.code == 409 || status.code == 422 => {
                match in_time(what, api.get_opt(&name)).await? {
                    Some(now) if now.metadata.uid == *uid && now.finalizers() == finalizers => {
                        return Err(unanswered(what, &status.message));
                    }
                    Some(now) if now.metadata.uid == *uid => finalizers = now.finalizers().to_vec(),
                    _ => return Ok(()),
                }
            }
            Ok(Err(error)) => return Err(unanswered(what, &error)),
            Err(_) => return Err(unanswered(what, &"no answer in time")),
        }
    }
    Err(unanswered(what, &"somebody else changes its finalizers all the time"))
}

async fn in_time<T>(
    what: &'static str,
    call: impl Future<Output = Result<T, kube::Error>>,
) -> Result<T, ReleaseError> {
    match tokio::time::timeout(PATIENCE, call).await {
        Ok(answer) => answer.map_err(|error| unanswered(what, &error)),
        Err(_) => Err(unanswered(what, &"no answer in time")),
    }
}

fn unanswered(what: &'static str, why: &dyn fmt::Display) -> ReleaseError {
    ReleaseError::Kubernetes { what, why: why.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::{Arguments, Command};
    use clap::{CommandFactory as _, Parser as _};
    use k8s_openapi::api::coordination::v1::LeaseSpec;
    use k8s_openapi::apimachinery::pkg::apis::meta::v1::MicroTime;

    fn settings(flags: &[&str]) -> Result<ReleaseSettings, ReleaseError> {
        let line = ["solidserver-operator", "release"].iter().chain(flags);
        match Arguments::try_parse_from(line).unwrap().command {
            Command::Release(arguments) => arguments.settings(),
            other => panic!("another command: {other:?}"),
        }
    }

    #[test]
    fn every_flag_of_release_has_its_environment_variable() {
        let command = Arguments::command();
        let release = command.find_subcommand("release").unwrap();
        let mut flags = 0;
        for argument in
            release.get_arguments().filter(|argument| argument.get_long().is_some_and(|long| long != "help"))
        {
            let long = argument.get_long().unwrap();
            let expected = format!("SOLIDSERVER_OPERATOR_{}", long.to_uppercase().replace('-', "_"));
            assert_eq!(argument.get_env().and_then(|name| name.to_str()), Some(&*expected), "--{long}");
            flags += 1;
        }
        assert_eq!(flags, 6);
    }

    #[test]
    fn one_of_namespace_and_all_says_what_is_meant() {
        assert_eq!(settings(&["--namespace", "shop"]).unwrap().scope, Scope::Namespace("shop".to_owned()));
        assert_eq!(settings(&["--all", "--namespace="]).unwrap().scope, Scope::All);
        for flags in [&[][..], &["--namespace="], &["--all", "-n", "shop"]] {
            assert!(matches!(settings(flags), Err(ReleaseError::Scope)), "{flags:?}");
        }
    }

    #[test]
    fn a_lease_is_fresh_until_its_duration_is_over() {
        let now = Timestamp::now();
        let lease = |age: i64| Lease {
            spec: Some(LeaseSpec {
                holder_identity: Some("somebody".to_owned()),
                lease_duration_seconds: Some(15),
                renew_time: Some(MicroTime(now - SignedDuration::from_secs(age))),
                ..LeaseSpec::default()
            }),
            ..Lease::default()
        };
        assert!(is_fresh(&lease(14), now) && !is_fresh(&lease(15), now) && is_fresh(&lease(-100), now));
        assert!(same_renewal(&lease(3), &lease(3)) && !same_renewal(&lease(3), &lease(4)));
    }

    #[test]
    fn what_stays_is_told_from_the_status_and_not_from_the_spec() {
        let object = |data: Value| -> DynamicObject {
            let mut object = json!({"metadata": {"name": "www", "namespace": "shop"}});
            object.as_object_mut().unwrap().extend(data.as_object().unwrap().clone());
            serde_json::from_value(object).unwrap()
        };
        let spec = json!({"fqdn": "new.example.com", "type": "TXT"});
        let status = json!({
            "fqdn": "old.example.com", "type": "A", "zone": "example.com", "dnsServer": "ns.example.com", "view": "internal"
        });
        assert_eq!(
            left(&object(json!({"spec": spec, "status": status}))),
            "old.example.com A stays in zone example.com of ns.example.com, view internal (SolidServer default)"
        );
        let never = left(&object(json!({"spec": spec})));
        assert!(never.starts_with("new.example.com TXT: no zone"), "{never}");
    }
}
