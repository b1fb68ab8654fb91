//! Logs on standard error: lines for people on a terminal, JSON objects for machines elsewhere.
//!
//! An event is a sentence without data in it and fields with the data, so that a search finds it. The names of fields are a vocabulary
//! that does not change without a word in the changelog:
//!
//! | field | what it holds |
//! |---|---|
//! | `solid_server` | name of a SolidServer |
//! | `place` | DNS server, view and zone |
//! | `dns_record` | namespace and name of a DnsRecord |
//! | `reason` | a reason as conditions show it |
//! | `scope` | what a pass has read |
//! | `service` | a service of the appliance |
//! | `outcome` | how a call ended, as in the metrics |
//! | `error` | an error with its causes |
//!
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

/// Begins to log, for the whole process. `format` absent means [`LogFormat::Text`] on a terminal, else [`LogFormat::Json`]. `filter` is
/// a level or levels by module, as tracing-subscriber's `EnvFilter` reads them.
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
