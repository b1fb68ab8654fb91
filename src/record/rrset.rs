//! RRsets: the unit that a DnsRecord describes.

use std::fmt;

use super::{Name, RecordType, ValueSet};

/// What makes two records members of one RRset: owner name and type (RFC 9499).
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RrsetKey {
    /// The owner name.
    pub name: Name,
    /// The record type.
    pub record_type: RecordType,
}

impl fmt::Display for RrsetKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} {}", self.name, self.record_type)
    }
}

/// An RRset as it should be: one TTL (RFC 2181 5.2) and a set of values.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rrset {
    /// Owner name and type.
    pub key: RrsetKey,
    /// Time to live, in seconds.
    pub ttl: u32,
    /// The values; their order and repetition carry no meaning.
    pub values: ValueSet,
}
