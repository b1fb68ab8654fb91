//! What can go wrong in starting or steering the simulator.

use std::net::SocketAddr;
use std::path::PathBuf;

/// Why the simulator cannot do what it was told. Wrong requests to the simulated appliance are not errors of this
/// kind: they are answered as the appliance answers them.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No quirk has this name.
    #[error("there is no quirk {0:?}; --list-quirks shows them")]
    UnknownQuirk(String),
    /// The quirk has no such answer.
    #[error("quirk {quirk:?} has no answer {answer:?}; it has {known}")]
    UnknownAnswer {
        /// The quirk.
        quirk: String,
        /// The answer that was asked for.
        answer: String,
        /// The answers it has.
        known: String,
    },
    /// The seed, or what is added at run time, contradicts itself or names something that is not there.
    #[error("{0}")]
    Seed(String),
    /// The seed file is no YAML of the expected shape.
    #[error("seed file: {0}")]
    SeedFormat(String),
    /// No row has this id.
    #[error("there is no row {0}")]
    UnknownRow(String),
    /// The admin interface has no authentication, so it must not be reachable from elsewhere.
    #[error("the admin address {0} is not a loopback address")]
    AdminNotLoopback(SocketAddr),
    /// A certificate could not be made or read.
    #[error("TLS: {0}")]
    Tls(String),
    /// A file could not be read or written.
    #[error("{path}: {source}")]
    File {
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        source: std::io::Error,
    },
    /// An address could not be listened on.
    #[error("cannot listen on {address}: {source}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// What the operating system said.
        source: std::io::Error,
    },
}
