//! `solidserver-operator run`: from flags to checked settings, and the operator's life from start to end.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::time::Duration;

use clap::Args;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::task::{JoinError, JoinHandle};
use tokio_util::sync::CancellationToken;
use tracing::{error, info};
use url::Url;

use crate::controller::Settings as ControllerSettings;
use crate::lease::{Timing, TimingError};
use crate::telemetry::{
    Health, LogFormat, LogsError, Metrics, Server, ServerError, Traces, TracesError, start_logs,
};

/// Where Kubernetes puts a Pod's own namespace.
const NAMESPACE_FILE: &str = "/var/run/secrets/kubernetes.io/serviceaccount/namespace";
/// The namespace in which `deploy/base` installs the operator.
pub(super) const DEFAULT_NAMESPACE: &str = "solidserver-system";
/// What is logged when nobody says otherwise.
const DEFAULT_LOG_FILTER: &str = "info";
/// Where Linux keeps the host name.
const HOST_NAME_FILE: &str = "/proc/sys/kernel/hostname";
/// The longest DNS label (RFC 1035 2.3.4), and the longest name of a Kubernetes namespace.
const MAX_LABEL: usize = 63;
/// The longest name of a Pod.
const MAX_INSTANCE_ID: usize = 253;

/// The flags of `run` as they were given. Each has an environment variable; the flag wins.
#[derive(Clone, Debug, Args)]
pub struct RunArguments {
    /// Name of this cluster in the ownership marks on the appliance: a DNS label, different for each cluster
    /// that writes to the same appliance, and the same again when the cluster is rebuilt
    #[arg(long, value_name = "NAME", env = "SOLIDSERVER_OPERATOR_CLUSTER_NAME")]
    cluster_name: String,

    /// Namespace with the Secrets of the SolidServers [default: the Pod's own, else solidserver-system]
    #[arg(long, value_name = "NAMESPACE", env = "SOLIDSERVER_OPERATOR_OPERATOR_NAMESPACE")]
    operator_namespace: Option<String>,

    /// Namespaces whose DnsRecords are served, separated by commas [default: all]
    #[arg(long, value_name = "A,B", value_delimiter = ',', env = "SOLIDSERVER_OPERATOR_WATCH_NAMESPACES")]
    watch_namespaces: Vec<String>,

    /// Kubeconfig file to use [default: what kubectl would use, else the Pod's service account]
    #[arg(long, value_name = "PATH", env = "SOLIDSERVER_OPERATOR_KUBECONFIG")]
    // Not a PathBuf: clap would refuse an empty one.
    kubeconfig: Option<OsString>,

    /// Address of /metrics, /healthz and /readyz
    #[arg(
        long,
        value_name = "ADDRESS",
        default_value = "0.0.0.0:8080",
        env = "SOLIDSERVER_OPERATOR_HTTP_LISTEN"
    )]
    http_listen: SocketAddr,

    /// Name of this process among replicas [default: the Pod's name, else the host's]
    #[arg(long, value_name = "ID", env = "SOLIDSERVER_OPERATOR_INSTANCE_ID")]
    instance_id: Option<String>,

    /// How long the Lease of a SolidServer keeps other replicas away when it is not renewed: whole seconds
    #[arg(long, value_name = "DURATION", default_value = "15s", value_parser = humantime::parse_duration,
        env = "SOLIDSERVER_OPERATOR_LEASE_DURATION")]
    lease_duration: Duration,

    /// How long a replica goes on without renewing a Lease; writes on their way have the time from then to
    /// the end of the Lease
    #[arg(long, value_name = "DURATION", default_value = "10s", value_parser = humantime::parse_duration,
        env = "SOLIDSERVER_OPERATOR_LEASE_RENEW")]
    lease_renew: Duration,

    /// How often a Lease is renewed, and tried to be got
    #[arg(long, value_name = "DURATION", default_value = "2s", value_parser = humantime::parse_duration,
        env = "SOLIDSERVER_OPERATOR_LEASE_RETRY")]
    lease_retry: Duration,

    /// How log lines are written [default: text on a terminal, else json]
    #[arg(long, value_enum, value_name = "FORMAT", env = "SOLIDSERVER_OPERATOR_LOG_FORMAT")]
    log_format: Option<LogFormat>,

    /// URL of a collector that traces are sent to by OTLP over HTTP; /v1/traces is appended [default:
    /// OTEL_EXPORTER_OTLP_ENDPOINT, else no traces]
    #[arg(long, value_name = "URL", env = "SOLIDSERVER_OPERATOR_OTLP_ENDPOINT")]
    otlp_endpoint: Option<String>,

    /// What is logged: a level, or levels by module such as info,solidserver_operator=debug [default:
    /// RUST_LOG, else info]
    #[arg(long, value_name = "FILTER", env = "SOLIDSERVER_OPERATOR_LOG")]
    log: Option<String>,
}

/// What `run` works with: every value checked, every default filled in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunSettings {
    /// What the controller is told.
    pub controller: ControllerSettings,
    /// Where metrics and health are served.
    pub http_listen: SocketAddr,
    /// How log lines are written; `None` means as suits standard error.
    pub log_format: Option<LogFormat>,
    /// What is logged.
    pub log_filter: String,
    /// Where traces are sent to: the whole URL. `None`: there are no traces.
    pub traces: Option<Url>,
}

/// A flag whose value cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FlagError {
    /// No DNS label.
    #[error(
        "{flag} is {value:?}; it must be a DNS label: 1 to 63 lower-case letters, digits and \"-\", with a letter or digit at both \
         ends, for example {example}"
    )]
    NotALabel {
        /// Which flag.
        flag: &'static str,
        /// What it says.
        value: String,
        /// What it might say.
        example: &'static str,
    },
    /// An instance id that could break a header.
    #[error(
        "--instance-id is {0:?}; it must be 1 to 253 letters, digits, \".\", \"_\" and \"-\", for example operator-0"
    )]
    InstanceId(String),
    /// No URL of a collector.
    #[error(
        "the collector of traces is {0:?} (--otlp-endpoint or OTEL_EXPORTER_OTLP_ENDPOINT); it must be a URL with http or https, for \
         example http://opentelemetry-collector.monitoring:4318"
    )]
    Collector(String),
    /// Durations of Leases that do not fit together.
    #[error(transparent)]
    Lease(#[from] TimingError),
}

/// Why `run` has ended without being told to.
#[derive(Debug, thiserror::Error)]
pub enum RunError<E: std::error::Error + 'static> {
    /// Logging cannot begin.
    #[error(transparent)]
    Logs(#[from] LogsError),
    /// Traces cannot be sent.
    #[error(transparent)]
    Traces(#[from] TracesError),
    /// Signals cannot be awaited.
    #[error("cannot wait for SIGTERM and SIGINT")]
    Signals(#[source] io::Error),
    /// Metrics and health cannot be served.
    #[error(transparent)]
    Server(#[from] ServerError),
    /// The controller has failed.
    #[error(transparent)]
    Controller(E),
    /// Somebody did not want to wait.
    #[error("ended by a second signal ({0}); writes in flight may or may not have reached the appliance")]
    Hurried(&'static str),
}

/// What the surroundings say where flags are silent.
trait Surroundings {
    /// The value of an environment variable.
    fn variable(&self, name: &str) -> Option<String>;
    /// The text of a file.
    fn file(&self, path: &Path) -> Option<String>;
}

/// The process's own environment.
struct Process;

impl Surroundings for Process {
    fn variable(&self, name: &str) -> Option<String> {
        std::env::var(name).ok()
    }

    fn file(&self, path: &Path) -> Option<String> {
        std::fs::read_to_string(path).ok()
    }
}

impl RunArguments {
    /// Checks the flags and fills in what they leave out.
    ///
    /// # Errors
    /// [`FlagError`] names the flag, what is wrong with it, and an example.
    pub fn settings(&self) -> Result<RunSettings, FlagError> {
        self.settings_in(&Process)
    }

    fn settings_in(&self, surroundings: &impl Surroundings) -> Result<RunSettings, FlagError> {
        // Destructured, so that a flag which nobody reads does not compile without a warning.
        let Self {
            cluster_name,
            operator_namespace,
            watch_namespaces,
            kubeconfig,
            instance_id,
            http_listen,
            lease_duration,
            lease_renew,
            lease_retry,
            log_format,
            log,
            otlp_endpoint,
        } = self;
        let variable = |name: &str| said(surroundings.variable(name));
        let file = |path: &str| said(surroundings.file(Path::new(path)));
        let operator_namespace = said(operator_namespace.clone())
            .or_else(|| variable("POD_NAMESPACE"))
            .or_else(|| file(NAMESPACE_FILE))
            .unwrap_or_else(|| DEFAULT_NAMESPACE.to_owned());
        let instance_id = said(instance_id.clone())
            .or_else(|| variable("POD_NAME"))
            .or_else(|| variable("HOSTNAME"))
            .or_else(|| file(HOST_NAME_FILE))
            .unwrap_or_else(|| format!("solidserver-operator-{}", std::process::id()));
        let watched: BTreeSet<String> =
            watch_namespaces.iter().filter_map(|namespace| said(Some(namespace.clone()))).collect();

        let watch_namespaces = watched
            .into_iter()
            .map(|namespace| label("--watch-namespaces", namespace, "shop,blog"))
            .collect::<Result<_, _>>()?;
        let controller = ControllerSettings {
            cluster_name: label("--cluster-name", cluster_name.trim().to_owned(), "prod-eu1")?,
            operator_namespace: label("--operator-namespace", operator_namespace, DEFAULT_NAMESPACE)?,
            watch_namespaces,
            kubeconfig: kubeconfig.clone().filter(|path| !path.is_empty()).map(PathBuf::from),
            instance_id: checked_instance_id(instance_id)?,
            lease: Timing { duration: *lease_duration, renew: *lease_renew, retry: *lease_retry }
                .checked()?,
            environment_proxies: true,
        };
        let log_filter = said(log.clone())
            .or_else(|| variable("RUST_LOG"))
            .unwrap_or_else(|| DEFAULT_LOG_FILTER.to_owned());
        let flag = said(otlp_endpoint.clone());
        let whole = variable("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT").filter(|_| flag.is_none());
        let traces = match whole {
            Some(whole) => Some(checked_collector(whole)?),
            None => match flag.or_else(|| variable("OTEL_EXPORTER_OTLP_ENDPOINT")) {
                Some(base) => Some(below(checked_collector(base)?, "v1/traces")),
                None => None,
            },
        };
        Ok(RunSettings { controller, http_listen: *http_listen, log_format: *log_format, log_filter, traces })
    }
}

/// A variable that is set to nothing says nothing: manifests often leave one empty.
pub(super) fn said(text: Option<String>) -> Option<String> {
    text.map(|text| text.trim().to_owned()).filter(|text| !text.is_empty())
}

pub(super) fn label(flag: &'static str, value: String, example: &'static str) -> Result<String, FlagError> {
    let letter = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let bytes = value.as_bytes();
    let ends = bytes.first().zip(bytes.last());
    let good = bytes.len() <= MAX_LABEL
        && bytes.iter().all(|byte| letter(*byte) || *byte == b'-')
        && ends.is_some_and(|(first, last)| letter(*first) && letter(*last));
    if good { Ok(value) } else { Err(FlagError::NotALabel { flag, value, example }) }
}

/// A login in the URL would be shown with it, so it is refused; `OTEL_EXPORTER_OTLP_HEADERS` is for that.
fn checked_collector(said: String) -> Result<Url, FlagError> {
    let parsed = Url::parse(&said).ok().filter(|url| {
        matches!(url.scheme(), "http" | "https") && url.username().is_empty() && url.password().is_none()
    });
    parsed.ok_or_else(|| FlagError::Collector(without_login(said)))
}

fn below(mut base: Url, path: &str) -> Url {
    let path = format!("{}/{path}", base.path().trim_end_matches('/'));
    base.set_path(&path);
    base
}

/// What stands before an at sign may be a password.
fn without_login(said: String) -> String {
    match said.rsplit_once('@') {
        Some((_, rest)) => format!("...@{rest}"),
        None => said,
    }
}

/// The id goes into the `User-Agent` of every call, so it holds nothing that could end a header or a comment.
fn checked_instance_id(id: String) -> Result<String, FlagError> {
    let good = (1..=MAX_INSTANCE_ID).contains(&id.len())
        && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-'));
    if good { Ok(id) } else { Err(FlagError::InstanceId(id)) }
}

/// Runs the operator until SIGTERM or SIGINT, or until a part of it fails. After the first signal the
/// controller finishes what it has begun; a second one ends the process at once.
///
/// `controller` is what does the work; it ends soon after its token is cancelled.
///
/// # Errors
/// [`RunError`] when it cannot begin, when a part fails, or when it was hurried.
pub async fn run<E, F>(
    settings: RunSettings,
    controller: impl FnOnce(ControllerSettings, Metrics, Health, CancellationToken) -> F,
) -> Result<(), RunError<E>>
where
    E: std::error::Error + 'static,
    F: Future<Output = Result<(), E>>,
{
    let traces = settings
        .traces
        .as_ref()
        .map(|endpoint| {
            let controller = &settings.controller;
            Traces::new(endpoint.as_str(), &controller.cluster_name, &controller.instance_id)
        })
        .transpose()?;
    start_logs(settings.log_format, &settings.log_filter, traces.as_ref())?;
    let signals = Signals::new().map_err(RunError::Signals)?;
    let server = Server::bind(settings.http_listen).await?;
    info!(
        version = env!("CARGO_PKG_VERSION"),
        http_listen = %server.local_address()?,
        log_filter = settings.log_filter,
        "the operator begins"
    );
    let (metrics, health, stop) = (Metrics::new(), Health::default(), CancellationToken::new());
    let stop_server = CancellationToken::new();
    // A task of its own: it answers as long as anything works, also while the controller ends.
    let serving = tokio::spawn(server.run(metrics.clone(), health.clone(), stop_server.clone()));
    let working = controller(settings.controller, metrics, health, stop.clone());
    let answer = until_stopped(signals, Box::pin(working), serving, stop, stop_server).await;
    if let Some(traces) = traces {
        traces.end().await;
    }
    answer
}

async fn until_stopped<E: std::error::Error + 'static>(
    mut signals: Signals,
    mut working: Pin<Box<impl Future<Output = Result<(), E>>>>,
    mut serving: JoinHandle<Result<(), ServerError>>,
    stop: CancellationToken,
    stop_server: CancellationToken,
) -> Result<(), RunError<E>> {
    let answer = tokio::select! {
        answer = &mut working => answer.map_err(RunError::Controller),
        ended = &mut serving => {
            stop.cancel();
            let answer = working.await;
            // Without health and metrics nobody could tell how it is, so this is the error to report first.
            if let Err(error) = answer {
                error!(%error, "the controller has failed as well");
            }
            return Err(server_error(ended));
        }
        name = signals.next() => {
            info!(signal = name, "the operator ends: what has begun is finished; a second signal ends it at once");
            stop.cancel();
            tokio::select! {
                answer = &mut working => answer.map_err(RunError::Controller),
                name = signals.next() => Err(RunError::Hurried(name)),
            }
        }
    };
    stop_server.cancel();
    match serving.await {
        Ok(Ok(())) => answer,
        ended => answer.and(Err(server_error(ended))),
    }
}

fn server_error<E: std::error::Error>(ended: Result<Result<(), ServerError>, JoinError>) -> RunError<E> {
    let error = match ended {
        Ok(Err(error)) => error,
        Ok(Ok(())) => ServerError::Serve(io::Error::other("it has ended")),
        Err(join) => ServerError::Serve(io::Error::other(join)),
    };
    RunError::Server(error)
}

/// SIGTERM and SIGINT.
struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    fn new() -> io::Result<Self> {
        Ok(Self { terminate: signal(SignalKind::terminate())?, interrupt: signal(SignalKind::interrupt())? })
    }

    async fn next(&mut self) -> &'static str {
        tokio::select! {
            _ = self.terminate.recv() => "SIGTERM",
            _ = self.interrupt.recv() => "SIGINT",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::{Arguments, Command};
    use clap::{CommandFactory as _, Parser as _};
    use std::collections::HashMap;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, Ordering};

    #[derive(Default)]
    struct Around {
        variables: HashMap<&'static str, &'static str>,
        files: HashMap<&'static str, &'static str>,
    }

    impl Surroundings for Around {
        fn variable(&self, name: &str) -> Option<String> {
            self.variables.get(name).map(ToString::to_string)
        }

        fn file(&self, path: &Path) -> Option<String> {
            self.files.get(path.to_str()?).map(ToString::to_string)
        }
    }

    fn arguments(flags: &[&str]) -> RunArguments {
        let line = ["solidserver-operator", "run"].iter().chain(flags);
        match Arguments::try_parse_from(line).unwrap().command {
            Command::Run(arguments) => *arguments,
            other => panic!("another command: {other:?}"),
        }
    }

    fn settings(flags: &[&str], around: &Around) -> Result<RunSettings, FlagError> {
        arguments(flags).settings_in(around)
    }

    #[test]
    fn the_command_line_is_sound() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn every_flag_of_run_has_its_environment_variable() {
        let command = Arguments::command();
        let run = command.find_subcommand("run").unwrap();
        let flags: Vec<(String, Option<String>)> = run
            .get_arguments()
            .filter_map(|argument| {
                let variable = argument.get_env().map(|name| name.to_str().unwrap().to_owned());
                Some((argument.get_long()?.to_owned(), variable))
            })
            .collect();
        assert_eq!(flags.len(), 12, "{flags:?}");
        for (flag, variable) in flags {
            let expected = format!("SOLIDSERVER_OPERATOR_{}", flag.to_uppercase().replace('-', "_"));
            assert_eq!(variable, Some(expected), "--{flag}");
        }
    }

    #[test]
    fn what_flags_leave_out_comes_from_the_pod_then_the_host() {
        let bare = settings(&["--cluster-name", "prod"], &Around::default()).unwrap();
        assert_eq!(bare.controller.operator_namespace, "solidserver-system");
        assert_eq!(bare.controller.instance_id, format!("solidserver-operator-{}", std::process::id()));
        assert_eq!(bare.controller.watch_namespaces, [""; 0]);
        assert_eq!(bare.http_listen, SocketAddr::from(([0, 0, 0, 0], 8080)));
        assert_eq!(bare.log_filter, "info");

        let mut around = Around {
            variables: HashMap::from([("HOSTNAME", "laptop")]),
            files: HashMap::from([(NAMESPACE_FILE, "dns\n"), (HOST_NAME_FILE, "kernel-name\n")]),
        };
        let from_host = settings(&["--cluster-name", "prod"], &around).unwrap().controller;
        assert_eq!(
            (from_host.operator_namespace.as_str(), from_host.instance_id.as_str()),
            ("dns", "laptop")
        );

        around.variables.extend([("POD_NAMESPACE", "pods"), ("POD_NAME", "pod-0"), ("RUST_LOG", "debug")]);
        let from_pod = settings(&["--cluster-name", "prod"], &around).unwrap();
        assert_eq!(from_pod.controller.operator_namespace, "pods");
        assert_eq!(from_pod.controller.instance_id, "pod-0");
        assert_eq!(from_pod.log_filter, "debug");

        let flags =
            ["--cluster-name=prod", "--operator-namespace=mine", "--instance-id=me_1.example", "--log=warn"];
        let from_flags = settings(&flags, &around).unwrap();
        assert_eq!(from_flags.controller.operator_namespace, "mine");
        assert_eq!(from_flags.controller.instance_id, "me_1.example");
        assert_eq!(from_flags.log_filter, "warn");
    }

    #[test]
    fn a_value_of_nothing_is_no_value() {
        let flags = [
            "--cluster-name=prod",
            "--watch-namespaces=",
            "--kubeconfig=",
            "--operator-namespace=",
            "--instance-id=",
            "--log=",
        ];
        let around = Around {
            variables: HashMap::from([("POD_NAMESPACE", ""), ("POD_NAME", "p")]),
            ..Around::default()
        };
        let settings = settings(&flags, &around).unwrap();
        assert_eq!(settings.controller.watch_namespaces, [""; 0]);
        assert_eq!(settings.controller.kubeconfig, None);
        assert_eq!(settings.controller.operator_namespace, "solidserver-system");
        assert_eq!(settings.controller.instance_id, "p");
        assert_eq!(settings.log_filter, "info");
    }

    #[test]
    fn there_are_traces_where_a_collector_is_named_and_the_flag_goes_before_the_usual_variables() {
        let traces = |flags: &[&str], variables: &[(&'static str, &'static str)]| {
            let variables = variables.iter().copied().collect();
            let around = Around { variables, ..Around::default() };
            settings(&[&["--cluster-name=a"], flags].concat(), &around)
                .map(|all| all.traces.map(String::from))
                .map_err(|error| error.to_string())
        };
        let url = |text: &str| Ok(Some(text.to_owned()));
        let usual = ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://usual:4318");
        let whole = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "https://whole/of/it");
        assert_eq!(traces(&[], &[]), Ok(None));
        assert_eq!(traces(&["--otlp-endpoint="], &[("OTEL_EXPORTER_OTLP_ENDPOINT", "")]), Ok(None));
        assert_eq!(traces(&[], &[usual]), url("http://usual:4318/v1/traces"));
        assert_eq!(traces(&[], &[usual, whole]), url("https://whole/of/it"));
        assert_eq!(traces(&["--otlp-endpoint=http://ours/"], &[usual, whole]), url("http://ours/v1/traces"));
        for bad in ["collector:4318", "ftp://collector", "http://", "http://name:secret@collector"] {
            let error = traces(&["--otlp-endpoint", bad], &[]).unwrap_err();
            assert!(error.contains("must be a URL") && !error.contains("secret"), "{error}");
        }
    }

    #[test]
    fn durations_of_leases_must_fit_together() {
        let of = |flags: &[&str]| {
            settings(&[&["--cluster-name=a"], flags].concat(), &Around::default())
                .map(|all| all.controller.lease)
        };
        assert_eq!(of(&[]), Ok(Timing::default()));
        let short = of(&["--lease-duration=3s", "--lease-renew=2s", "--lease-retry=500ms"]).unwrap();
        assert_eq!(
            (short.duration.as_millis(), short.renew.as_millis(), short.retry.as_millis()),
            (3000, 2000, 500)
        );
        let error = of(&["--lease-renew=15s"]).unwrap_err().to_string();
        assert!(error.starts_with("--lease-renew must be"), "{error}");
    }

    #[test]
    fn watched_namespaces_are_a_set() {
        let flags = ["--cluster-name=prod", "--watch-namespaces=shop, blog,shop,"];
        let settings = settings(&flags, &Around::default()).unwrap();
        assert_eq!(settings.controller.watch_namespaces, ["blog", "shop"]);
    }

    #[test]
    fn names_that_are_no_dns_labels_are_refused_and_shown() {
        let longest = "a".repeat(63);
        let too_long = "a".repeat(64);
        for good in ["a", "prod-eu1", "0", longest.as_str()] {
            let flag = format!("--cluster-name={good}");
            assert_eq!(settings(&[&flag], &Around::default()).unwrap().controller.cluster_name, good);
        }
        for bad in ["", "-a", "a-", "Prod", "a.b", "a_b", "a/b", "ä", "a b", too_long.as_str()] {
            let flag = format!("--cluster-name={bad}");
            let error = settings(&[&flag], &Around::default()).unwrap_err();
            let text = error.to_string();
            assert!(text.starts_with(&format!("--cluster-name is {bad:?}")), "{text}");
            assert!(text.contains("for example prod-eu1"), "{text}");
        }
        let error = settings(&["--cluster-name=a", "--watch-namespaces=shop,Blog"], &Around::default());
        assert!(error.unwrap_err().to_string().starts_with("--watch-namespaces is \"Blog\""));
        let error = settings(&["--cluster-name=a", "--operator-namespace=x/y"], &Around::default());
        assert!(error.unwrap_err().to_string().starts_with("--operator-namespace is \"x/y\""));
    }

    #[test]
    fn an_instance_id_cannot_end_the_header_that_it_goes_into() {
        for bad in ["a b", "a)", "a;b", "a\r\nb", "ä", &"a".repeat(254)] {
            let flag = format!("--instance-id={bad}");
            let error = settings(&["--cluster-name=a", &flag], &Around::default()).unwrap_err();
            assert_eq!(error, FlagError::InstanceId(bad.to_owned()));
        }
    }

    #[derive(Debug, thiserror::Error)]
    #[error("broken")]
    struct Broken;

    struct Parts {
        stop: CancellationToken,
        stop_server: CancellationToken,
        serving: JoinHandle<Result<(), ServerError>>,
    }

    fn parts(serves: impl Future<Output = Result<(), ServerError>> + Send + 'static) -> Parts {
        let (stop, stop_server) = (CancellationToken::new(), CancellationToken::new());
        Parts { stop, stop_server, serving: tokio::spawn(serves) }
    }

    fn until_told(stop: &CancellationToken) -> impl Future<Output = Result<(), ServerError>> + use<> {
        let stop = stop.clone();
        async move {
            stop.cancelled().await;
            Ok(())
        }
    }

    #[tokio::test]
    async fn a_controller_that_fails_ends_the_server_and_is_the_error() {
        let mut parts = parts(std::future::pending());
        parts.serving = tokio::spawn(until_told(&parts.stop_server));
        let working = Box::pin(async { Err::<(), _>(Broken) });
        let answer =
            until_stopped(Signals::new().unwrap(), working, parts.serving, parts.stop, parts.stop_server)
                .await;
        assert!(matches!(answer, Err(RunError::Controller(Broken))), "{answer:?}");
    }

    #[tokio::test]
    async fn a_server_that_fails_stops_the_controller_and_waits_for_it() {
        let parts = parts(async { Err(ServerError::Serve(io::Error::other("no more sockets"))) });
        let finished = Arc::new(AtomicBool::new(false));
        let (stop, done) = (parts.stop.clone(), finished.clone());
        let working = Box::pin(async move {
            stop.cancelled().await;
            tokio::time::sleep(Duration::from_millis(20)).await;
            done.store(true, Ordering::SeqCst);
            Ok::<(), Broken>(())
        });
        let answer =
            until_stopped(Signals::new().unwrap(), working, parts.serving, parts.stop, parts.stop_server)
                .await;
        assert!(matches!(answer, Err(RunError::Server(ServerError::Serve(_)))), "{answer:?}");
        assert!(finished.load(Ordering::SeqCst));
    }
}
