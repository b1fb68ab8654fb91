//! The record model: names, record data by type, RRsets, and the rows an appliance holds.
//!
//! Pure: no IO, no clock, no Kubernetes. Everything here is canonical by construction, so that two values are equal
//! exactly when DNS and the appliance take them for the same.

pub(crate) mod data;
#[cfg(any(test, fuzzing))]
pub(crate) mod fuzzing;
mod name;
mod place;
mod record_type;
mod reverse;
mod row;
mod rrset;
mod value_set;

pub use data::{DataError, DataProblem, RecordData, ServiceParameters, Target, example};
pub use name::{Name, NameError};
pub use place::{Place, Zone, ZoneKind};
pub use record_type::{RecordType, UnknownRecordType};
pub use reverse::{address_label, reverse_name};
pub use row::{NewRow, Row, RowEdit, RowId, RowType};
pub use rrset::{Rrset, RrsetKey};
pub use value_set::ValueSet;

#[cfg(test)]
#[path = "../../tests/support/values.rs"]
pub(crate) mod strategies;
