//! The simulator as its clients see it: over HTTPS.

mod admin;
mod conditions;
mod faults;
mod lists;
mod quirks;
mod support;
mod transport;
mod writes;
