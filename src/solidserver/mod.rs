//! The client of an EfficientIP SOLIDserver appliance: complete-or-error readings, single writes, one gate.
//!
//! - `client`, `read`: what the operator calls; one [`Client`] per appliance, cheap to clone.
//! - `dialect`: the only place that knows the appliance's services, parameters and columns.
//! - `transport`: one HTTP call with its deadline, sorted into the classes of [`Error`].
//! - `body`: how much of an answer is read.
//! - `login`: what a call shows to be let in; signs it under a token.
//! - `certificates`, `handshake`: whom TLS trusts and what it shows; why it failed.
//! - `proxy`: the way through a proxy of the environment.
//! - `gate`: how many calls run at a time, how fast, after 429 as well, whose turn it is, and whether the appliance answers.
//! - `listing`, `sight`: when a list is complete, and when a zone was really seen.
//! - `listed`: which rows were there before an add.

mod body;
mod certificates;
mod client;
mod dialect;
mod error;
mod gate;
mod handshake;
mod listed;
mod listing;
mod login;
mod proxy;
mod read;
mod reading;
mod settings;
mod sight;
mod transport;
pub mod values;

#[cfg(any(test, fuzzing))]
pub(crate) use dialect::fuzzing;

pub use certificates::{CaBundleError, ClientCertificate, ClientCertificateError, check_ca_bundle};
pub use client::Client;
pub use dialect::Dialect;
pub use error::Error;
pub use gate::Turn;
pub use handshake::TlsFault;
pub use proxy::Proxies;
pub use read::rows_of_page;
pub use reading::{EndedBy, NamelessRow, Reading, Server, Sight};
pub use settings::{Call, CallObserver, Credentials, Settings, TlsSettings};
