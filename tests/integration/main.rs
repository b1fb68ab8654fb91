//! The one integration test binary. Tests that need Kubernetes share one real control plane
//! (`control_plane::shared`) and keep apart by namespaces of their own.

#[path = "../support/control_plane/mod.rs"]
mod control_plane;
#[cfg(test)]
#[path = "../support/planes.rs"]
mod planes;
#[cfg(test)]
#[path = "../support/proxy.rs"]
mod proxy;
#[cfg(test)]
#[path = "../support/resolver.rs"]
mod resolver;
#[cfg(test)]
#[path = "../support/wire.rs"]
mod wire;
#[cfg(test)]
#[path = "../support/world.rs"]
mod world;

// The mark lets clippy see that these are tests, which may unwrap; the harness above serves the demo too
// and may not.
#[cfg(test)]
mod answers;
#[cfg(test)]
mod api;
#[cfg(test)]
mod architecture;
#[cfg(test)]
mod argocd;
#[cfg(test)]
mod chart;
#[cfg(test)]
mod client;
#[cfg(test)]
mod command;
#[cfg(test)]
mod counts;
#[cfg(test)]
mod delegation;
#[cfg(test)]
mod deletions;
#[cfg(test)]
mod deploy;
#[cfg(test)]
mod doctor;
#[cfg(test)]
mod documents;
#[cfg(test)]
mod export;
#[cfg(test)]
mod failover;
#[cfg(test)]
mod faults;
#[cfg(test)]
mod gitops;
#[cfg(test)]
mod guard;
#[cfg(test)]
mod harness;
#[cfg(test)]
mod hostile;
#[cfg(test)]
mod kill_loop;
#[cfg(test)]
mod leases;
#[cfg(test)]
mod lifecycle;
#[cfg(test)]
mod logins;
#[cfg(test)]
mod monitoring;
#[cfg(test)]
mod ownership;
#[cfg(test)]
mod pages;
#[cfg(test)]
mod plan_command;
#[cfg(test)]
mod publication;
#[cfg(test)]
mod quirks;
#[cfg(test)]
mod release;
#[cfg(test)]
mod reverse;
#[cfg(test)]
mod rights;
#[cfg(test)]
mod secrets;
#[cfg(test)]
mod shares;
#[cfg(test)]
mod smoke;
#[cfg(test)]
mod surprises;
#[cfg(test)]
mod suspend;
#[cfg(test)]
mod take_over;
#[cfg(test)]
mod tls;
#[cfg(test)]
mod traces;
#[cfg(test)]
mod trouble;
#[cfg(test)]
mod types;
#[cfg(test)]
mod wrong_appliance;
#[cfg(test)]
mod zones;
