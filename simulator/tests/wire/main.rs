//! The simulator as its clients see it: over HTTPS.

// clippy.toml lets test functions end on a surprise; this is for their helpers.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod admin;
mod behind;
mod conditions;
mod containers;
mod dns;
mod faults;
mod lists;
mod planted;
mod program;
mod quirks;
mod support;
mod transport;
mod v2;
mod writes;
