//! Record data in canonical form, one variant per type.

mod digest;
mod error;
mod presentation;
mod service;
mod target;

use std::fmt;
use std::net::{Ipv4Addr, Ipv6Addr};

use super::{Name, RecordType};
pub use error::{DataError, DataProblem, example};
pub(crate) use presentation::{Fields, hexadecimal, quote, quoted_strings};
use presentation::{host, write_quoted};
pub use service::ServiceParameters;
pub use target::Target;

/// Octets of record data on the wire, RFC 1035 3.2.1.
const LONGEST_RECORD: usize = 65_535;

/// The data of one record, in canonical form: two values are equal exactly when DNS takes them for the same.
///
/// Values are made by [`RecordData::parse`] or read from an appliance's columns; one that is put together by hand
/// must keep to what its fields say. Order sorts by type, then by content; it carries no meaning but keeps sets and
/// plans stable.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum RecordData {
    /// IPv4 address.
    A(Ipv4Addr),
    /// IPv6 address.
    Aaaa(Ipv6Addr),
    /// The name that the owner is an alias for.
    Cname(Name),
    /// The name that the subtree below the owner is redirected to.
    Dname(Name),
    /// Mail exchange.
    Mx {
        /// Lower is preferred.
        preference: u16,
        /// The host, or the root for "no mail" (RFC 7505).
        exchange: Target,
    },
    /// Name server.
    Ns(Name),
    /// The name of an address.
    Ptr(Name),
    /// Service location.
    Srv {
        /// Lower is preferred.
        priority: u16,
        /// Share among equal priorities.
        weight: u16,
        /// Port of the service.
        port: u16,
        /// The host, or the root for "no such service".
        target: Target,
    },
    /// Text: the character strings of the record, joined. Any octets, though the API gives printable UTF-8.
    Txt(Box<[u8]>),
    /// Certification authority authorisation.
    Caa {
        /// Bit 7 is "critical".
        flags: u8,
        /// Property, lower case (RFC 8659 4.1: case does not matter).
        tag: Box<str>,
        /// Value of the property.
        value: Box<[u8]>,
    },
    /// Naming authority pointer.
    Naptr {
        /// Lower is processed first.
        order: u16,
        /// Lower is preferred among equal orders.
        preference: u16,
        /// Flags, upper case (RFC 3403 4.1: case does not matter).
        flags: Box<str>,
        /// Services, at most 255 octets.
        services: Box<[u8]>,
        /// Substitution expression, at most 255 octets.
        regexp: Box<[u8]>,
        /// The next name, or the root for none.
        replacement: Target,
    },
    /// TLS certificate association.
    Tlsa {
        /// Certificate usage.
        usage: u8,
        /// Which part of the certificate is matched.
        selector: u8,
        /// How it is matched.
        matching_type: u8,
        /// Certificate association data.
        data: Box<[u8]>,
    },
    /// SSH key fingerprint.
    Sshfp {
        /// Algorithm of the key.
        algorithm: u8,
        /// Algorithm of the fingerprint.
        fingerprint_type: u8,
        /// The fingerprint.
        fingerprint: Box<[u8]>,
    },
    /// Delegation signer.
    Ds {
        /// Tag of the key.
        key_tag: u16,
        /// Algorithm of the key.
        algorithm: u8,
        /// Algorithm of the digest.
        digest_type: u8,
        /// The digest.
        digest: Box<[u8]>,
    },
    /// HTTPS service binding.
    Https {
        /// 0 is an alias; else lower is preferred.
        priority: u16,
        /// The host; the root stands for the owner.
        target: Target,
        /// Parameters.
        parameters: ServiceParameters,
    },
    /// Service binding.
    Svcb {
        /// 0 is an alias; else lower is preferred.
        priority: u16,
        /// The host; the root stands for the owner.
        target: Target,
        /// Parameters.
        parameters: ServiceParameters,
    },
    /// Uniform resource identifier.
    Uri {
        /// Lower is preferred.
        priority: u16,
        /// Share among equal priorities.
        weight: u16,
        /// The URI, of the characters of RFC 3986.
        target: Box<str>,
    },
}

impl RecordData {
    /// Reads a value as the API has it: presentation format of the type's RFC, and plain text for TXT.
    ///
    /// Names are absolute with or without a trailing dot. Outside of quotation marks spaces and tabs separate
    /// fields.
    ///
    /// # Errors
    /// [`DataError`] says what is wrong and shows a right value.
    pub fn parse(record_type: RecordType, text: &str) -> Result<Self, DataError> {
        let result = match record_type {
            // A row may hold control characters, but nobody means them in a manifest.
            RecordType::Txt => match text.chars().find(char::is_ascii_control) {
                None => Self::text(text.as_bytes().into()),
                Some(character) => Err(DataProblem::Character(character)),
            },
            RecordType::A
            | RecordType::Aaaa
            | RecordType::Cname
            | RecordType::Dname
            | RecordType::Ns
            | RecordType::Ptr => Self::from_word(record_type, text.trim_matches([' ', '\t'])),
            _ => Fields::parse(text).and_then(|fields| Self::from_fields(record_type, fields)),
        };
        result.map_err(|problem| DataError { record_type, problem })
    }

    /// Makes a TXT value of octets.
    pub(crate) fn text(text: Box<[u8]>) -> Result<Self, DataProblem> {
        // Each string of up to 255 octets has a length octet, and there is at least one string.
        let strings = text.len().div_ceil(255).max(1);
        if text.len() + strings > LONGEST_RECORD {
            let maximum = LONGEST_RECORD - LONGEST_RECORD.div_ceil(256);
            return Err(DataProblem::TooLong { field: "text", maximum });
        }
        Ok(Self::Txt(text))
    }

    /// Reads the value of a type that has one field.
    pub(crate) fn from_word(record_type: RecordType, word: &str) -> Result<Self, DataProblem> {
        match record_type {
            RecordType::A => word.parse().map(Self::A).map_err(|_| DataProblem::Ipv4(error::excerpt(word))),
            RecordType::Aaaa => {
                word.parse().map(Self::Aaaa).map_err(|_| DataProblem::Ipv6(error::excerpt(word)))
            }
            RecordType::Dname => host("target", word).map(Self::Dname),
            RecordType::Ns => host("name server", word).map(Self::Ns),
            RecordType::Ptr => host("target", word).map(Self::Ptr),
            RecordType::Cname => host("target", word).map(Self::Cname),
            RecordType::Txt => Self::text(word.as_bytes().into()),
            _ => Self::from_fields(record_type, Fields::columns([word])),
        }
    }

    /// Reads the value of a type from its fields, in the order of presentation format.
    pub(crate) fn from_fields(record_type: RecordType, mut fields: Fields<'_>) -> Result<Self, DataProblem> {
        let data = match record_type {
            RecordType::Mx => {
                Self::Mx { preference: fields.number("preference")?, exchange: fields.target("exchange")? }
            }
            RecordType::Srv => Self::Srv {
                priority: fields.number("priority")?,
                weight: fields.number("weight")?,
                port: fields.number("port")?,
                target: fields.target("target")?,
            },
            RecordType::Caa => caa(&mut fields)?,
            RecordType::Naptr => Self::Naptr {
                order: fields.number("order")?,
                preference: fields.number("preference")?,
                flags: naptr_flags(fields.character_string("flags")?)?,
                services: fields.character_string("services")?.into(),
                regexp: fields.character_string("regexp")?.into(),
                replacement: fields.target("replacement")?,
            },
            RecordType::Tlsa => digest::tlsa(&mut fields)?,
            RecordType::Sshfp => digest::sshfp(&mut fields)?,
            RecordType::Ds => digest::ds(&mut fields)?,
            RecordType::Uri => Self::Uri {
                priority: fields.number("priority")?,
                weight: fields.number("weight")?,
                target: uri(fields.octets("target")?)?,
            },
            RecordType::Https => {
                let (priority, target, parameters) = service_binding(fields)?;
                return Ok(Self::Https { priority, target, parameters });
            }
            RecordType::Svcb => {
                let (priority, target, parameters) = service_binding(fields)?;
                return Ok(Self::Svcb { priority, target, parameters });
            }
            RecordType::A
            | RecordType::Aaaa
            | RecordType::Cname
            | RecordType::Dname
            | RecordType::Ns
            | RecordType::Ptr
            | RecordType::Txt => Self::from_word(record_type, fields.word("value")?)?,
        };
        fields.end()?;
        Ok(data)
    }

    /// The type.
    #[must_use]
    pub const fn record_type(&self) -> RecordType {
        match self {
            Self::A(_) => RecordType::A,
            Self::Aaaa(_) => RecordType::Aaaa,
            Self::Cname(_) => RecordType::Cname,
            Self::Dname(_) => RecordType::Dname,
            Self::Mx { .. } => RecordType::Mx,
            Self::Ns(_) => RecordType::Ns,
            Self::Ptr(_) => RecordType::Ptr,
            Self::Srv { .. } => RecordType::Srv,
            Self::Txt(_) => RecordType::Txt,
            Self::Caa { .. } => RecordType::Caa,
            Self::Naptr { .. } => RecordType::Naptr,
            Self::Tlsa { .. } => RecordType::Tlsa,
            Self::Sshfp { .. } => RecordType::Sshfp,
            Self::Ds { .. } => RecordType::Ds,
            Self::Https { .. } => RecordType::Https,
            Self::Svcb { .. } => RecordType::Svcb,
            Self::Uri { .. } => RecordType::Uri,
        }
    }
}

fn caa(fields: &mut Fields<'_>) -> Result<RecordData, DataProblem> {
    let flags = fields.number("flags")?;
    let tag = fields.character_string("tag")?;
    if tag.is_empty() {
        return Err(DataProblem::Empty("tag"));
    }
    let tag = alphanumeric(tag).map_err(DataProblem::Tag)?.to_ascii_lowercase();
    let value = fields.octets("value")?;
    let maximum = LONGEST_RECORD - 2 - tag.len();
    if value.len() > maximum {
        return Err(DataProblem::TooLong { field: "value", maximum });
    }
    Ok(RecordData::Caa { flags, tag: tag.into(), value: value.into() })
}

fn naptr_flags(flags: Vec<u8>) -> Result<Box<str>, DataProblem> {
    let flags = alphanumeric(flags).map_err(DataProblem::Flags)?;
    Ok(flags.to_ascii_uppercase().into())
}

/// The text, when it has only letters and digits of ASCII; else how it reads.
fn alphanumeric(octets: Vec<u8>) -> Result<String, String> {
    if octets.iter().all(u8::is_ascii_alphanumeric) {
        String::from_utf8(octets).map_err(|_| String::new())
    } else {
        Err(error::excerpt(&String::from_utf8_lossy(&octets)))
    }
}

fn service_binding(mut fields: Fields<'_>) -> Result<(u16, Target, ServiceParameters), DataProblem> {
    let priority = fields.number("priority")?;
    let target = fields.target("target")?;
    let parameters = ServiceParameters::parse(&fields.rest()?)?;
    if priority == 0 && !parameters.is_empty() {
        return Err(DataProblem::AliasParameters);
    }
    // The priority, and the target with its length octets and the root's.
    let maximum = LONGEST_RECORD - 2 - (target.as_str().len() + 2);
    if parameters.len() > maximum {
        return Err(DataProblem::TooLong { field: "parameters", maximum });
    }
    Ok((priority, target, parameters))
}

fn uri(octets: Vec<u8>) -> Result<Box<str>, DataProblem> {
    if octets.is_empty() {
        return Err(DataProblem::Empty("target"));
    }
    let maximum = LONGEST_RECORD - 4;
    if octets.len() > maximum {
        return Err(DataProblem::TooLong { field: "target", maximum });
    }
    let text = String::from_utf8(octets).map_err(|_| DataProblem::Uri(char::REPLACEMENT_CHARACTER))?;
    let is_allowed = |character: char| {
        character.is_ascii_graphic()
            && !matches!(character, '"' | '<' | '>' | '\\' | '^' | '`' | '{' | '|' | '}')
    };
    match text.chars().find(|character| !is_allowed(*character)) {
        None => Ok(text.into()),
        Some(character) => Err(DataProblem::Uri(character)),
    }
}

impl fmt::Display for RecordData {
    /// Writes the value as a user would in the API. Reading it again gives the same value, except for a TXT
    /// value with control characters or other octets than UTF-8, which an appliance can hold and the API
    /// cannot express.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::A(address) => address.fmt(formatter),
            Self::Aaaa(address) => address.fmt(formatter),
            Self::Cname(name) | Self::Dname(name) | Self::Ns(name) | Self::Ptr(name) => name.fmt(formatter),
            Self::Mx { preference, exchange } => write!(formatter, "{preference} {exchange}"),
            Self::Srv { priority, weight, port, target } => {
                write!(formatter, "{priority} {weight} {port} {target}")
            }
            Self::Txt(text) => formatter.write_str(&String::from_utf8_lossy(text)),
            Self::Caa { flags, tag, value } => {
                write!(formatter, "{flags} {tag} ")?;
                write_quoted(formatter, value)
            }
            Self::Naptr { order, preference, flags, services, regexp, replacement } => {
                write!(formatter, "{order} {preference} \"{flags}\" ")?;
                write_quoted(formatter, services)?;
                formatter.write_str(" ")?;
                write_quoted(formatter, regexp)?;
                write!(formatter, " {replacement}")
            }
            Self::Tlsa { usage, selector, matching_type, data } => {
                write!(formatter, "{usage} {selector} {matching_type} {}", hexadecimal(data))
            }
            Self::Sshfp { algorithm, fingerprint_type, fingerprint } => {
                write!(formatter, "{algorithm} {fingerprint_type} {}", hexadecimal(fingerprint))
            }
            Self::Ds { key_tag, algorithm, digest_type, digest } => {
                write!(formatter, "{key_tag} {algorithm} {digest_type} {}", hexadecimal(digest))
            }
            Self::Https { priority, target, parameters } | Self::Svcb { priority, target, parameters } => {
                write!(formatter, "{priority} {target}")?;
                if parameters.is_empty() {
                    return Ok(());
                }
                write!(formatter, " {parameters}")
            }
            Self::Uri { priority, weight, target } => write!(formatter, "{priority} {weight} \"{target}\""),
        }
    }
}

#[cfg(test)]
mod tests;
