//! Record data in canonical form, one variant per type.

use std::fmt;
use std::net::{Ipv4Addr, Ipv6Addr};

use super::RecordType;

/// Placeholder until the record model is merged.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum RecordData {
    /// IPv4.
    A(Ipv4Addr),
    /// IPv6.
    Aaaa(Ipv6Addr),
    /// Text.
    Txt(Vec<u8>),
}

/// Why a text is no value of its type.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct DataError {
    message: String,
}

impl RecordData {
    /// Reads a value in presentation format.
    ///
    /// # Errors
    /// [`DataError`].
    pub fn parse(record_type: RecordType, text: &str) -> Result<Self, DataError> {
        match record_type {
            RecordType::A => text.parse().map(Self::A).map_err(|_| DataError { message: "bad".into() }),
            _ => Err(DataError { message: "bad".into() }),
        }
    }
    /// The type.
    #[must_use]
    pub fn record_type(&self) -> RecordType {
        match self {
            Self::A(_) => RecordType::A,
            Self::Aaaa(_) => RecordType::Aaaa,
            Self::Txt(_) => RecordType::Txt,
        }
    }
}

impl fmt::Display for RecordData {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::A(address) => address.fmt(formatter),
            Self::Aaaa(address) => address.fmt(formatter),
            Self::Txt(text) => String::from_utf8_lossy(text).fmt(formatter),
        }
    }
}
