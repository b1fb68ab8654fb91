//! Logs on standard error: lines for people on a terminal, JSON objects for machines elsewhere.
//!
//! `docs/reference/logs.md` lists the fields; their names do not change without a word in the changelog.
//! Credentials are never logged: they are kept in types that do not print them.

use std::io::{IsTerminal as _, stderr};

use tracing::Subscriber;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::util::SubscriberInitExt as _;

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

/// Begins to log, for the whole process. `format` absent means [`LogFormat::Text`] on a terminal, else
/// [`LogFormat::Json`]. `filter` is a level or levels by module, as tracing-subscriber's `EnvFilter` reads
/// them.
///
/// # Errors
/// [`LogsError`] when the filter cannot be read or logging has begun already.
pub fn start_logs(format: Option<LogFormat>, filter: &str) -> Result<(), LogsError> {
    let terminal = stderr().is_terminal();
    let format = format.unwrap_or(if terminal { LogFormat::Text } else { LogFormat::Json });
    subscriber(format, filter, terminal, stderr)?.try_init().map_err(LogsError::Begun)
}

fn subscriber<W>(
    format: LogFormat,
    filter: &str,
    colours: bool,
    writer: W,
) -> Result<Box<dyn Subscriber + Send + Sync>, LogsError>
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    let filter = EnvFilter::try_new(filter)
        .map_err(|source| LogsError::Filter { filter: filter.to_owned(), source })?;
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(writer);
    Ok(match format {
        LogFormat::Text => Box::new(builder.with_ansi(colours).finish()),
        LogFormat::Json => Box::new(builder.json().flatten_event(true).with_span_list(false).finish()),
    })
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
        let subscriber = subscriber(format, filter, false, move || pages.clone()).unwrap();
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
    fn a_filter_that_cannot_be_read_is_an_error_that_shows_it() {
        let error =
            subscriber(LogFormat::Text, "solidserver_operator=loud", false, stderr).map(drop).unwrap_err();
        assert!(matches!(error, LogsError::Filter { .. }));
        assert!(error.to_string().contains("solidserver_operator=loud"), "{error}");
    }
}
