//! A row's values as RDATA on the wire. All types are written here, those too that the DNS library knows: what a test
//! then reads with that library was written by somebody else.

use std::net::{Ipv4Addr, Ipv6Addr};

use hickory_proto::rr::RecordType;

use super::{character_string, service_parameters};

/// Octets of one character string, RFC 1035 3.3.
const LONGEST_STRING: usize = 255;
/// Octets of one label, RFC 1035 2.3.4.
const LONGEST_LABEL: usize = 63;
/// Octets of a name on the wire, RFC 1035 2.3.4.
const LONGEST_NAME: usize = 255;

/// How a column is written.
#[derive(Clone, Copy)]
enum Field {
    Ipv4,
    Ipv6,
    Name,
    /// `root@example.com`, a name whose first label is what stands before the `@`.
    Mailbox,
    Byte,
    Word,
    Long,
    Hex,
    /// One character string.
    String,
    /// Character strings to the end; longer text is cut into several.
    Strings,
    /// Octets to the end.
    Octets,
    ServiceParameters,
}

/// Types that are answered, with their numbers and columns.
fn layout(record_type: &str) -> Option<(u16, &'static [Field])> {
    use Field::{
        Byte, Hex, Ipv4, Ipv6, Long, Mailbox, Name, Octets, ServiceParameters, String, Strings, Word,
    };
    Some(match record_type {
        "A" => (1, &[Ipv4]),
        "NS" => (2, &[Name]),
        "CNAME" => (5, &[Name]),
        "SOA" => (6, &[Name, Mailbox, Long, Long, Long, Long, Long]),
        "PTR" => (12, &[Name]),
        "MX" => (15, &[Word, Name]),
        "TXT" => (16, &[Strings]),
        "AAAA" => (28, &[Ipv6]),
        "SRV" => (33, &[Word, Word, Word, Name]),
        "NAPTR" => (35, &[Word, Word, String, String, String, Name]),
        "DNAME" => (39, &[Name]),
        "DS" => (43, &[Word, Byte, Byte, Hex]),
        "SSHFP" => (44, &[Byte, Byte, Hex]),
        "TLSA" => (52, &[Byte, Byte, Byte, Hex]),
        "SVCB" => (64, &[Word, Name, ServiceParameters]),
        "HTTPS" => (65, &[Word, Name, ServiceParameters]),
        "URI" => (256, &[Word, Word, Octets]),
        "CAA" => (257, &[Byte, String, Octets]),
        _ => return None,
    })
}

/// The number of a type that is answered.
pub(super) fn code(record_type: &str) -> Option<RecordType> {
    layout(record_type).map(|(number, _)| RecordType::from(number))
}

/// The RDATA of a row; `None` for values that no DNS server could load.
pub(super) fn encode(record_type: &str, values: &[String]) -> Option<Vec<u8>> {
    let (_, fields) = layout(record_type)?;
    let columns: Vec<&str> = match values {
        // Some types are stored in one column (quirks such as caa-layout).
        [whole] if fields.len() > 1 => split(whole, fields.len()),
        columns => columns.iter().map(String::as_str).collect(),
    };
    if columns.len() > fields.len() {
        return None;
    }
    let mut wire = Vec::new();
    for (index, field) in fields.iter().enumerate() {
        field.write(columns.get(index).copied().unwrap_or_default(), &mut wire)?;
    }
    Some(wire)
}

/// Splits at white space; the last field takes the rest.
fn split(whole: &str, count: usize) -> Vec<&str> {
    let mut parts = Vec::with_capacity(count);
    let mut rest = whole.trim();
    while parts.len() + 1 < count
        && let Some((front, tail)) = rest.split_once(char::is_whitespace)
    {
        parts.push(front);
        rest = tail.trim_start();
    }
    parts.push(rest);
    parts
}

impl Field {
    fn write(self, text: &str, wire: &mut Vec<u8>) -> Option<()> {
        match self {
            Self::Ipv4 => wire.extend(text.parse::<Ipv4Addr>().ok()?.octets()),
            Self::Ipv6 => wire.extend(text.parse::<Ipv6Addr>().ok()?.octets()),
            Self::Byte => wire.push(text.parse().ok()?),
            Self::Word => wire.extend(text.parse::<u16>().ok()?.to_be_bytes()),
            Self::Long => wire.extend(text.parse::<u32>().ok()?.to_be_bytes()),
            Self::Name if text.is_empty() => return None,
            Self::Name => {
                let text = text.strip_suffix('.').unwrap_or(text);
                let labels = text.split('.').filter(|_| !text.is_empty());
                write_labels(labels, wire)?;
            }
            Self::Mailbox => {
                let (user, domain) = text.split_once('@')?;
                write_labels(std::iter::once(user).chain(domain.split('.')), wire)?;
            }
            Self::Hex => wire.extend(octets_of(text)?),
            Self::String => write_string(&character_string::plain(text), wire)?,
            Self::Strings => {
                let strings =
                    character_string::quoted(text).unwrap_or_else(|| vec![text.as_bytes().to_vec()]);
                for string in strings {
                    if string.is_empty() {
                        wire.push(0);
                    }
                    for piece in string.chunks(LONGEST_STRING) {
                        write_string(piece, wire)?;
                    }
                }
            }
            Self::Octets => wire.extend(character_string::plain(text)),
            Self::ServiceParameters => wire.extend(service_parameters::encode(text)?),
        }
        Some(())
    }
}

fn write_labels<'a>(labels: impl Iterator<Item = &'a str>, wire: &mut Vec<u8>) -> Option<()> {
    let begin = wire.len();
    for label in labels {
        if label.is_empty() || label.len() > LONGEST_LABEL {
            return None;
        }
        write_string(label.as_bytes(), wire)?;
    }
    wire.push(0);
    (wire.len() - begin <= LONGEST_NAME).then_some(())
}

/// Writes octets behind their number.
fn write_string(octets: &[u8], wire: &mut Vec<u8>) -> Option<()> {
    wire.push(u8::try_from(octets.len()).ok()?);
    wire.extend(octets);
    Some(())
}

fn octets_of(text: &str) -> Option<Vec<u8>> {
    let digits: Option<Vec<u8>> = text
        .chars()
        .filter(|character| !character.is_whitespace())
        .map(|digit| digit.to_digit(16).and_then(|number| u8::try_from(number).ok()))
        .collect();
    digits?
        .chunks(2)
        .map(|pair| match pair {
            [high, low] => Some(high << 4 | low),
            _ => None,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn encoded(record_type: &str, values: &[&str]) -> Option<Vec<u8>> {
        let values: Vec<String> = values.iter().map(|value| (*value).to_owned()).collect();
        encode(record_type, &values)
    }

    #[test]
    fn values_are_written_in_the_wire_format_of_their_type() {
        for (record_type, values, wire) in [
            ("A", &["192.0.2.1"][..], &b"\xc0\x00\x02\x01"[..]),
            ("DNAME", &["example.net"], b"\x07example\x03net\x00"),
            ("MX", &["0", "."], b"\x00\x00\x00"),
            ("MX", &["10", "mx.example."], b"\x00\x0a\x02mx\x07example\x00"),
            (
                "SOA",
                &["ns.example", "root@example", "1", "2", "3", "4", "4294967295"],
                b"\x02ns\x07example\x00\x04root\x07example\x00\0\0\0\x01\0\0\0\x02\0\0\0\x03\0\0\0\x04\xff\xff\xff\xff",
            ),
            ("TXT", &["a \"b\""], b"\x05a \"b\""),
            ("TXT", &["\"a\" \"b c\""], b"\x01a\x03b c"),
            ("TXT", &["\"\""], b"\x00"),
            ("NAPTR", &["1", "2", "S", "SIP+D2U", "", "a.example"], b"\0\x01\0\x02\x01S\x07SIP+D2U\x00\x01a\x07example\x00"),
            ("CAA", &["0", "issue", "ca.example; a=b"], b"\x00\x05issueca.example; a=b"),
            ("CAA", &["0 issue \"ca.example; a=b\""], b"\x00\x05issueca.example; a=b"),
            ("URI", &["10", "1", "https://a/;b"], b"\x00\x0a\x00\x01https://a/;b"),
            ("URI", &["10 1 https://a/;b"], b"\x00\x0a\x00\x01https://a/;b"),
            ("DS", &["258", "13", "2", "AB 0c"], b"\x01\x02\x0d\x02\xab\x0c"),
            ("TLSA", &["3 1 1 ab0c"], b"\x03\x01\x01\xab\x0c"),
            ("HTTPS", &["1", "."], b"\x00\x01\x00"),
            ("SVCB", &["1 a.example port=53"], b"\x00\x01\x01a\x07example\x00\x00\x03\x00\x02\x00\x35"),
        ] {
            assert_eq!(encoded(record_type, values).as_deref(), Some(wire), "{record_type} {values:?}");
        }
        let long = encoded("TXT", &[&"x".repeat(300)]).unwrap();
        assert_eq!((long.len(), long[0], long[256]), (302, 255, 45));
    }

    #[test]
    fn what_no_server_could_load_is_no_record() {
        for (record_type, values) in [
            ("A", &["not an address"][..]),
            ("A", &["192.0.2.1", "more"]),
            ("MX", &["10"]),
            ("CNAME", &["a..b"]),
            ("TLSA", &["3", "1", "1", "abc"]),
            ("HINFO", &["cpu", "os"]),
        ] {
            assert_eq!(encoded(record_type, values), None, "{record_type} {values:?}");
        }
        assert_eq!(encoded("CNAME", &[&"x".repeat(64)]), None);
        assert_eq!(encoded("CNAME", &[&["x"; 128].join(".")]), None);
    }
}
