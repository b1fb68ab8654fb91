//! Keeps DnsRecord manifests and EfficientIP SOLIDserver in step.

pub mod record;
pub mod solidserver;
