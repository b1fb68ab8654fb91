//! Logs on standard error: lines for people on a terminal, JSON objects for machines elsewhere.
//!
//! `docs/reference/logs.md` lists the fields; their names do not change without a word in the changelog.
//! Credentials are never logged: they are kept in types that do not print them. What the libraries for HTTP, TLS and
//! Kubernetes write about single frames and bytes is left out unless the filter names them.

use std::io::{IsTerminal as _, stderr};

use tracing::Subscriber;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{EnvFilter, Layer as _};

use super::traces::{TARGET, Traces};

/// How the targets of libraries begin that describe every frame and every byte at the lower levels. Whoever wants that
/// names them; a level for everything is meant for what the operator does.
const TALKATIVE: [&str; 6] = ["h2", "hyper", "kube", "reqwest", "rustls", "tower"];

/// How log lines are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line, fields at the top level.
    Json,
}

/// Why logging cannot begin.
#[derive(Debug, thiserror::Error)]
pub enum LogsError {
    /// The filter cannot be read.
    #[error(
        "the log filter {filter:?} cannot be read; write a level, or levels by module: info,solidserver_operator=debug"
    )]
    Filter {
        /// What was given.
        filter: String,
        /// Why not.
        source: tracing_subscriber::filter::ParseError,
    },
    /// Somebody else has begun already.
    #[error("logging has begun already")]
    Begun(#[source] tracing_subscriber::util::TryInitError),
}

/// Begins to log, for the whole process, and to make spans into `traces` where there are any. `format` absent means [`LogFormat::Text`] on a terminal, else
/// [`LogFormat::Json`]. `filter` is a level or levels by module, as tracing-subscriber's `EnvFilter` reads
/// them.
///
/// # Errors
/// [`LogsError`] when the filter cannot be read or logging has begun already.
pub fn start_logs(format: Option<LogFormat>, filter: &str, traces: Option<&Traces>) -> Result<(), LogsError> {
    let terminal = stderr().is_terminal();
    let format = format.unwrap_or(if terminal { LogFormat::Text } else { LogFormat::Json });
    subscriber(format, filter, terminal, stderr, traces)?.try_init().map_err(LogsError::Begun)
}

fn subscriber<W>(
    format: LogFormat,
    filter: &str,
    colours: bool,
    writer: W,
    traces: Option<&Traces>,
) -> Result<Box<dyn Subscriber + Send + Sync>, LogsError>
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    let quiet = quiet(filter);
    let filter = EnvFilter::try_new(filter)
        .map_err(|source| LogsError::Filter { filter: filter.to_owned(), source })?;
    let layer = tracing_subscriber::fmt::layer().with_writer(writer);
    let layer = match format {
        LogFormat::Text => layer.with_ansi(colours).boxed(),
        LogFormat::Json => layer.json().flatten_event(true).with_span_list(false).boxed(),
    };
    let registry = tracing_subscriber::registry().with(layer.with_filter(filter).with_filter(quiet));
    Ok(match traces {
        Some(traces) => Box::new(registry.with(traces.layer())),
        None => Box::new(registry),
    })
}

/// Lets through what is from [`TALKATIVE`] libraries from `info` on, and everything from the targets that `filter` names.
fn quiet(filter: &str) -> Targets {
    let named = filter
        .split(',')
        .filter_map(|directive| directive.split(['=', '[']).next())
        .map(str::trim)
        .filter(|target| !target.is_empty() && target.parse::<LevelFilter>().is_err());
    Targets::new()
        .with_default(LevelFilter::TRACE)
        .with_target(TARGET, LevelFilter::OFF)
        .with_targets(TALKATIVE.map(|target| (target, LevelFilter::INFO)))
        .with_targets(named.map(|target| (target, LevelFilter::TRACE)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;
    use std::sync::{Arc, Mutex};

    #[derive(Clone, Default)]
    struct Paper(Arc<Mutex<Vec<u8>>>);

    impl Write for Paper {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    fn written(format: LogFormat, filter: &str, log: impl FnOnce()) -> String {
        let paper = Paper::default();
        let pages = paper.clone();
        let subscriber = subscriber(format, filter, false, move || pages.clone(), None).unwrap();
        tracing::subscriber::with_default(subscriber, log);
        let bytes = paper.0.lock().unwrap().clone();
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn json_has_one_object_a_line_with_its_fields_at_the_top() {
        let text = written(LogFormat::Json, "info", || {
            tracing::info!(solid_server = "default", records = 3, "the \"pass\" has ended");
            tracing::warn!("second");
        });
        let lines: Vec<serde_json::Value> =
            text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(lines.len(), 2);
        assert_eq!(lines[0]["solid_server"], "default");
        assert_eq!(lines[0]["records"], 3);
        assert_eq!(lines[0]["message"], "the \"pass\" has ended");
        assert_eq!(lines[0]["level"], "INFO");
        assert!(lines[0]["timestamp"].as_str().unwrap().ends_with('Z'));
        assert_eq!(lines[1]["level"], "WARN");
    }

    #[test]
    fn text_without_colours_has_no_escape_sequences() {
        let text = written(LogFormat::Text, "info", || tracing::info!(reason = "InSync", "done"));
        assert!(
            text.contains("INFO") && text.contains("done") && text.contains("reason=\"InSync\""),
            "{text}"
        );
        assert!(!text.contains('\u{1b}'), "{text:?}");
    }

    #[test]
    fn a_filter_by_module_is_heard() {
        let text = written(LogFormat::Text, "warn,solidserver_operator::telemetry=debug", || {
            tracing::debug!("from here");
            tracing::info!(target: "elsewhere", "from there");
        });
        assert!(text.contains("from here") && !text.contains("from there"), "{text}");
    }

    #[test]
    fn libraries_that_describe_every_byte_are_heard_when_they_are_named() {
        let shown = |filter: &str| {
            let text = written(LogFormat::Text, filter, || {
                tracing::trace!("ours");
                tracing::trace!(target: "h2::codec::framed_read", "a frame");
                tracing::debug!(target: "hyper_util::client", "a connection");
                tracing::trace!(target: "kube_client::client", "an answer");
                tracing::warn!(target: "kube_runtime::watcher", "a warning");
            });
            text.lines()
                .filter_map(|line| line.rsplit_once(": "))
                .map(|(_, text)| text.to_owned())
                .collect::<Vec<_>>()
        };
        assert_eq!(shown("trace"), ["ours", "a warning"]);
        assert_eq!(shown("trace,h2=trace"), ["ours", "a frame", "a warning"]);
        assert_eq!(shown("trace,hyper_util=debug"), ["ours", "a connection", "a warning"]);
        assert_eq!(shown("trace,kube=trace"), ["ours", "an answer", "a warning"]);
        assert_eq!(shown("error,kube_client=trace"), ["an answer"]);
        assert_eq!(shown("error"), [""; 0]);
    }

    #[test]
    fn a_filter_that_cannot_be_read_is_an_error_that_shows_it() {
        let error = subscriber(LogFormat::Text, "solidserver_operator=loud", false, stderr, None)
            .map(drop)
            .unwrap_err();
        assert!(matches!(error, LogsError::Filter { .. }));
        assert!(error.to_string().contains("solidserver_operator=loud"), "{error}");
    }
}
