//! Rows: single records as the appliance holds them, and what is sent to change one.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

use super::{Name, RecordData, RecordType, RrsetKey};

/// The appliance's identifier of a row. It can change during the row's life, so it is only good for as long as the
/// reading it came from (solidserver `rr_id`).
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RowId(pub Arc<str>);

impl fmt::Display for RowId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// The type of a row: one that can be managed, or another one that only matters as a neighbour.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum RowType {
    /// A type that a DnsRecord may have.
    Managed(RecordType),
    /// Any other type, such as SOA or DNSKEY, upper case.
    Other(Arc<str>),
}

impl RowType {
    /// The mnemonic.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::Managed(record_type) => record_type.as_str(),
            Self::Other(text) => text,
        }
    }
}

/// One record on the appliance.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// Its identifier at the time of the reading.
    pub id: RowId,
    /// The owner name.
    pub name: Name,
    /// The type.
    pub row_type: RowType,
    /// Time to live, in seconds.
    pub ttl: u32,
    /// The value columns as the appliance showed them (value1 to value7), without the empty ones at the end.
    pub values: Vec<String>,
    /// The values, understood; `None` for a type that is not managed and for values that make no sense for the type.
    pub data: Option<RecordData>,
    /// Class parameters set on the row itself.
    pub parameters: BTreeMap<String, String>,
    /// Keys of class parameters that the row only inherits from its zone, view or server.
    pub inherited: BTreeSet<String>,
    /// The appliance's class of the row; empty when none.
    pub class_name: String,
    /// The row, or a change of it, is not yet pushed to the DNS server.
    pub pending_create: bool,
    /// The row will go: a delete is not yet pushed to the DNS server. Such a row counts as gone.
    pub pending_delete: bool,
}

impl Row {
    /// The RRset that this row belongs to, when its type can be managed.
    #[must_use]
    pub fn rrset_key(&self) -> Option<RrsetKey> {
        match &self.row_type {
            RowType::Managed(record_type) => {
                Some(RrsetKey { name: self.name.clone(), record_type: *record_type })
            }
            RowType::Other(_) => None,
        }
    }

    /// Whether this row belongs to an RRset.
    #[must_use]
    pub fn is_of(&self, key: &RrsetKey) -> bool {
        matches!(&self.row_type, RowType::Managed(record_type) if *record_type == key.record_type)
            && self.name == key.name
    }

    /// Whether a class parameter is set on the row itself, and not only inherited.
    #[must_use]
    pub fn has_own(&self, parameter: &str) -> bool {
        self.parameters.contains_key(parameter) && !self.inherited.contains(parameter)
    }

    /// The value as a person would write it, for messages.
    #[must_use]
    pub fn display_value(&self) -> String {
        match &self.data {
            Some(data) => data.to_string(),
            None => self.values.join(" "),
        }
    }
}

/// A row to be added.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewRow {
    /// The owner name.
    pub name: Name,
    /// Type and value.
    pub data: RecordData,
    /// Time to live, in seconds.
    pub ttl: u32,
    /// The appliance's class; `None` sends nothing.
    pub class_name: Option<String>,
    /// Class parameters, the ownership mark among them.
    pub parameters: BTreeMap<String, String>,
}

/// A change of one row in place. Name and type of a row never change in place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RowEdit {
    /// The value that the row shall have (also when it does not change: the appliance wants it).
    pub data: RecordData,
    /// Time to live, in seconds.
    pub ttl: u32,
    /// The appliance's class; `None` leaves what is there.
    pub class_name: Option<String>,
    /// Class parameters to set; others on the row stay as they are.
    pub set_parameters: BTreeMap<String, String>,
    /// Class parameters to take off the row.
    pub delete_parameters: BTreeSet<String>,
}
