//! The record types that a DnsRecord may have.

use std::fmt;
use std::str::FromStr;

/// A record type that the operator manages.
///
/// The order is the one of the API's enumeration; it carries no meaning but keeps plans sorted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum RecordType {
    /// IPv4 address, RFC 1035.
    A,
    /// IPv6 address, RFC 3596.
    Aaaa,
    /// Canonical name, RFC 1035.
    Cname,
    /// Redirection of a subtree, RFC 6672.
    Dname,
    /// Mail exchange, RFC 1035.
    Mx,
    /// Name server, RFC 1035.
    Ns,
    /// Pointer, RFC 1035.
    Ptr,
    /// Service location, RFC 2782.
    Srv,
    /// Text, RFC 1035.
    Txt,
    /// Certification authority authorisation, RFC 8659.
    Caa,
    /// Naming authority pointer, RFC 3403.
    Naptr,
    /// TLS certificate association, RFC 6698.
    Tlsa,
    /// SSH key fingerprint, RFC 4255.
    Sshfp,
    /// Delegation signer, RFC 4034.
    Ds,
    /// HTTPS service binding, RFC 9460.
    Https,
    /// Service binding, RFC 9460.
    Svcb,
    /// Uniform resource identifier, RFC 7553.
    Uri,
}

impl RecordType {
    /// Every type, in the order of the API.
    pub const ALL: [Self; 17] = [
        Self::A,
        Self::Aaaa,
        Self::Cname,
        Self::Dname,
        Self::Mx,
        Self::Ns,
        Self::Ptr,
        Self::Srv,
        Self::Txt,
        Self::Caa,
        Self::Naptr,
        Self::Tlsa,
        Self::Sshfp,
        Self::Ds,
        Self::Https,
        Self::Svcb,
        Self::Uri,
    ];

    /// The mnemonic, as in zone files and on the appliance.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::A => "A",
            Self::Aaaa => "AAAA",
            Self::Cname => "CNAME",
            Self::Dname => "DNAME",
            Self::Mx => "MX",
            Self::Ns => "NS",
            Self::Ptr => "PTR",
            Self::Srv => "SRV",
            Self::Txt => "TXT",
            Self::Caa => "CAA",
            Self::Naptr => "NAPTR",
            Self::Tlsa => "TLSA",
            Self::Sshfp => "SSHFP",
            Self::Ds => "DS",
            Self::Https => "HTTPS",
            Self::Svcb => "SVCB",
            Self::Uri => "URI",
        }
    }

    /// Whether an RRset of this type has one value by definition (RFC 1034 3.6.2, RFC 6672 2.4).
    #[must_use]
    pub const fn is_singleton(self) -> bool {
        matches!(self, Self::Cname | Self::Dname)
    }
}

impl fmt::Display for RecordType {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

/// The text names no record type that the operator manages.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a record type that can be managed")]
pub struct UnknownRecordType(pub String);

impl FromStr for RecordType {
    type Err = UnknownRecordType;

    /// Reads a mnemonic; case does not matter, as on the appliance.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|record_type| record_type.as_str().eq_ignore_ascii_case(text))
            .ok_or_else(|| UnknownRecordType(text.to_owned()))
    }
}
