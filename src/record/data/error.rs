//! Why a text is no value of its type.

use crate::record::{NameError, RecordType};

/// How much of a wrong value a message repeats, in characters.
const EXCERPT: usize = 60;

/// A text that is no value of its type. The message says what is wrong and shows a right value.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{problem}; a value of type {record_type} looks like this: {}", example(*.record_type))]
pub struct DataError {
    /// The type that the text was read as.
    pub record_type: RecordType,
    /// What is wrong with it.
    pub problem: DataProblem,
}

/// What is wrong with a value. Fields are called what the RFC of the type calls them.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DataProblem {
    /// Not an IPv4 address in dotted decimal.
    #[error("{0:?} is no IPv4 address")]
    Ipv4(String),
    /// Not an IPv6 address.
    #[error("{0:?} is no IPv6 address")]
    Ipv6(String),
    /// The value ends before this field.
    #[error("the {0} is missing")]
    Missing(&'static str),
    /// Something follows the last field.
    #[error("{0:?} is one field too many")]
    Extra(String),
    /// A field that must not be empty is.
    #[error("the {0} is empty")]
    Empty(&'static str),
    /// Not a decimal number, or too large.
    #[error("the {field} {text:?} is no whole number from 0 to {maximum}")]
    Number {
        /// The field.
        field: &'static str,
        /// What stands there.
        text: String,
        /// The largest number that fits.
        maximum: u64,
    },
    /// Not a name.
    #[error("the {field} {text:?} is no name: {source}")]
    Name {
        /// The field.
        field: &'static str,
        /// What stands there.
        text: String,
        /// What is wrong with it.
        source: NameError,
    },
    /// An IP address in a field that holds a name.
    #[error("the {field} {text:?} is an address, and a host name belongs there")]
    AddressAsName {
        /// The field.
        field: &'static str,
        /// The address.
        text: String,
    },
    /// The root in a field of a type where it has no meaning.
    #[error("the {0} cannot be the root")]
    Root(&'static str),
    /// A quotation mark that is not closed, or stands inside a word.
    #[error("a quotation mark is not closed, or does not stand at the beginning or end of a field")]
    Quotes,
    /// Not `\DDD` (up to 255) and not a backslash before a printable character.
    #[error("a backslash stands before neither a printable character nor three digits up to 255")]
    Escape,
    /// A character that zone files give a meaning outside of quotation marks.
    #[error("{0:?} can only stand between quotation marks")]
    Unquoted(char),
    /// A character that presentation format cannot hold as it is.
    #[error("the character {0:?} cannot stand in a value")]
    Character(char),
    /// Not pairs of hexadecimal digits.
    #[error("the {0} is not made of pairs of hexadecimal digits")]
    Hexadecimal(&'static str),
    /// A digest whose length does not fit its algorithm.
    #[error("the {field} has {found} octets, and {algorithm} makes {expected}")]
    Length {
        /// The field.
        field: &'static str,
        /// The hash algorithm that another field names.
        algorithm: &'static str,
        /// Octets that it makes.
        expected: usize,
        /// Octets that stand there.
        found: usize,
    },
    /// More octets than the field, or a record, can hold.
    #[error("the {field} is longer than {maximum} octets")]
    TooLong {
        /// The field.
        field: &'static str,
        /// Octets that it can hold.
        maximum: usize,
    },
    /// A CAA tag of other characters than letters and digits (RFC 8659 4.1).
    #[error("the tag {0:?} is not made of letters and digits")]
    Tag(String),
    /// NAPTR flags of other characters than letters and digits (RFC 3403 4.1).
    #[error("the flags {0:?} are not made of letters and digits")]
    Flags(String),
    /// A character in a URI that RFC 3986 wants to be percent-encoded.
    #[error("{0:?} cannot stand in a URI, write it percent-encoded")]
    Uri(char),
    /// A service parameter that is wrong (RFC 9460).
    #[error("the parameter {key:?} is wrong: {reason}")]
    Parameter {
        /// The key as written.
        key: String,
        /// What is wrong.
        reason: String,
    },
    /// Parameters beside priority 0 (RFC 9460 2.4.2).
    #[error("priority 0 makes an alias, and an alias takes no parameters")]
    AliasParameters,
}

/// A right value of the type, in presentation format.
#[must_use]
pub const fn example(record_type: RecordType) -> &'static str {
    match record_type {
        RecordType::A => "192.0.2.10",
        RecordType::Aaaa => "2001:db8::10",
        RecordType::Cname => "www.example.com",
        RecordType::Dname => "example.net",
        RecordType::Mx => "10 mx1.example.com",
        RecordType::Ns => "ns1.example.com",
        RecordType::Ptr => "host.example.com",
        RecordType::Srv => "10 60 5060 sip.example.com",
        RecordType::Txt => "v=spf1 -all",
        RecordType::Caa => r#"0 issue "ca.example.net""#,
        RecordType::Naptr => r#"100 10 "S" "SIP+D2U" "" _sip._udp.example.com"#,
        RecordType::Tlsa => "3 1 1 e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        RecordType::Sshfp => "4 2 e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        RecordType::Ds => "12345 13 2 e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        RecordType::Https => "1 . alpn=h2,h3",
        RecordType::Svcb => "1 svc.example.com port=8443",
        RecordType::Uri => r#"10 1 "https://www.example.com/path""#,
    }
}

/// The beginning of a wrong text, for a message.
pub(super) fn excerpt(text: &str) -> String {
    match text.char_indices().nth(EXCERPT) {
        Some((end, _)) => format!("{}...", &text[..end]),
        None => text.to_owned(),
    }
}
