//! A stand-in for an EfficientIP SOLIDserver appliance.
//!
//! It speaks both dialects of the DNS services over HTTPS, counts and logs what it is asked, misbehaves on demand
//! ([`Fault`]), and has every open question about the real appliance as a switch ([`quirks`]). It shares no code with
//! the operator, so that one mistake cannot hide on both sides. It is not affiliated with EfficientIP.
//!
//! Tests start a [`Simulator`] in their own process; people run the program of the same name.

mod admin;
mod answer;
mod appliance;
mod authentication;
mod behind;
mod calls;
pub mod cli;
mod columns;
mod condition;
mod config;
mod dns;
mod error;
mod fault;
mod filler;
mod quirk;
mod record;
mod recording;
mod request;
mod rest;
mod seed;
mod server;
mod service;
mod simulator;
mod state;
mod store;
mod tls;
mod v2;

pub use calls::{CallEntry, Calls};
pub use config::{Config, RateLimit, Token};
pub use error::Error;
pub use fault::{Fault, FaultKind, FaultView};
pub use quirk::{Quirk, Quirks, planted_faults, quirks, quirks_page};
pub use record::{Container, NewRow, RowPatch, RowView};
pub use recording::RecordedRequest;
pub use request::Dialect;
pub use seed::{Seed, SeedRecord, SeedServer, SeedView, SeedZone};
pub use simulator::Simulator;
pub use tls::NewCertificate;
