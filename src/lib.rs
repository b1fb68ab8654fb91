//! Keeps DnsRecord manifests and EfficientIP SOLIDserver in step.

pub mod api;
pub mod cli;
pub mod controller;
#[cfg(any(test, fuzzing))]
pub mod fuzzing;
pub mod lease;
pub mod plan;
pub mod publication;
pub mod queue;
pub mod reconcile;
pub mod record;
pub mod solidserver;
pub mod telemetry;
