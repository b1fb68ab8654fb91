//! The plan: desired x actual x ownership x policy -> one decision for each DnsRecord.
//!
//! Pure: a value in, a value out, and the same one in every run. `drift.rs` is where drift is decided.

mod brake;
mod change;
mod claim;
mod conflict;
mod decide;
mod delegation;
mod drift;
mod guard;
mod ownership;
mod policy;
mod recognition;
mod rows;
mod sharing;
mod stock;
#[cfg(test)]
mod tests;
mod turns;
mod zone_choice;

pub use brake::{Brake, BrakeReason, Braked, Fingerprint};
pub use change::{Change, Steps};
pub use claim::{Adoption, Applied, Claim, OnDrift, Sharing, Stage, WrittenRow};
pub use decide::{Decision, Motive, Verdict, ZoneView, plan};
pub use delegation::{Asked, Grant, Labels, Namespaces, Requirement, Withheld, delegated};
pub use guard::{Allowance, Wave, hold_id, losses};
pub use ownership::{
    CLUSTER_UID_PARAMETER, Identity, MARK_PARAMETERS, Marks, OWNER_PARAMETER, ObjectName, Owner,
    RRSET_PARAMETER, rrset_digest,
};
pub use recognition::{Remembered, acceptance_id};
pub use stock::{Described, LeftOut, Stock, WhyLeftOut, take_stock};
pub use zone_choice::{ZoneRefusal, choose_zone};
