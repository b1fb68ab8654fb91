//! Names in record data that can be the root.

use std::fmt;

use crate::record::Name;

/// A name in record data where RFCs give the root a meaning: no mail (RFC 7505), no service (RFC 2782), no
/// replacement (RFC 3403), the owner itself or no alternative (RFC 9460).
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Target {
    /// The root, written `.`.
    Root,
    /// Any other name.
    Name(Name),
}

impl Target {
    /// The canonical text: `.` for the root, else the name without a trailing dot.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::Root => ".",
            Self::Name(name) => name.as_str(),
        }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}
