//! The one integration test binary. Tests that need Kubernetes share one real control plane
//! (`control_plane::shared`) and keep apart by namespaces of their own.

#[path = "../support/control_plane/mod.rs"]
mod control_plane;

mod architecture;
mod client;
mod deploy;
mod harness;
