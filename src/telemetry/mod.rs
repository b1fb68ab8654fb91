//! Logs, metrics and health: how the operator says what it does.

mod health;
mod logs;
mod metrics;
mod server;
mod traces;

pub use health::Health;
pub use logs::{LogFormat, LogsError, start_logs};
pub use metrics::Metrics;
pub use server::{Server, ServerError};
pub(crate) use traces::{Journey, TARGET};
pub use traces::{Traces, TracesError};
