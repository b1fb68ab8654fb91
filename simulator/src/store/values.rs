//! Names and values: what the appliance refuses, and how it writes what it keeps.

use std::net::{Ipv4Addr, Ipv6Addr};

use crate::quirk::{QuirkName, Quirks};

/// Types that the appliance knows. Their places serve as `rr_type_id`, which is different on every installation.
pub(crate) const RECORD_TYPES: [&str; 65] = [
    "NS",
    "SOA",
    "A",
    "CNAME",
    "AAAA",
    "TXT",
    "MX",
    "PTR",
    "SRV",
    "MD",
    "MF",
    "MB",
    "MG",
    "MR",
    "NULL",
    "WKS",
    "HINFO",
    "MINFO",
    "SPF",
    "RP",
    "AFSDB",
    "X25",
    "ISDN",
    "RT",
    "NSAP",
    "NSAP_PTR",
    "SIG",
    "KEY",
    "PX",
    "GPOS",
    "LOC",
    "NXT",
    "EID",
    "NIMLOC",
    "ATMA",
    "NAPTR",
    "KX",
    "CERT",
    "A6",
    "DNAME",
    "OPT",
    "DS",
    "DNSSIG",
    "NSEC",
    "DNSKEY",
    "NSEC3",
    "NSEC3PARAM",
    "CDS",
    "CDNSKEY",
    "CAA",
    "TLSA",
    "SSHFP",
    "OPENPGPKEY",
    "URI",
    "AVC",
    "NINFO",
    "DLV",
    "DHCID",
    "EUI48",
    "EUI64",
    "NID",
    "L32",
    "L64",
    "HTTPS",
    "SVCB",
];

/// Lower case, no trailing dot.
pub(crate) fn normalize_name(name: &str) -> String {
    without_dot(name).to_lowercase()
}

/// The root stays what it is.
fn without_dot(name: &str) -> &str {
    match name.strip_suffix('.') {
        Some(front) if !front.is_empty() => front,
        _ => name,
    }
}

/// Whether a text is a domain name: labels of 1 to 63 bytes, 253 in all, no white space (RFC 1035 2.3.4).
pub(crate) fn check_name(name: &str) -> Result<(), String> {
    let bare = without_dot(name);
    if bare == "." {
        return Ok(());
    }
    let labels_fit = bare.split('.').all(|label| (1..=63).contains(&label.len()));
    let characters_fit = bare
        .chars()
        .all(|character| !character.is_whitespace() && !character.is_control() && character != '"');
    if labels_fit && characters_fit && bare.len() <= 253 {
        Ok(())
    } else {
        Err(format!("{name:?} is not a valid domain name"))
    }
}

/// What a value column holds.
#[derive(Clone, Copy)]
enum Field {
    Ipv4,
    Ipv6,
    Host,
    Byte,
    Word,
    Hex,
    Text,
    /// A text that may be missing.
    Optional,
}

/// The columns of a type; `None` for a type whose values are taken as they come.
fn fields(record_type: &str) -> Option<&'static [Field]> {
    use Field::{Byte, Hex, Host, Ipv4, Ipv6, Optional, Text, Word};
    Some(match record_type {
        "A" => &[Ipv4],
        "AAAA" => &[Ipv6],
        "NS" | "CNAME" | "PTR" | "DNAME" => &[Host],
        "TXT" => &[Text],
        "MX" => &[Word, Host],
        "SRV" => &[Word, Word, Word, Host],
        "NAPTR" => &[Word, Word, Optional, Optional, Optional, Host],
        "DS" => &[Word, Byte, Byte, Hex],
        "CAA" => &[Byte, Text, Text],
        "TLSA" => &[Byte, Byte, Byte, Hex],
        "SSHFP" => &[Byte, Byte, Hex],
        "URI" => &[Word, Word, Text],
        "HTTPS" | "SVCB" => &[Word, Host, Optional],
        _ => return None,
    })
}

fn layout(record_type: &str) -> Option<QuirkName> {
    Some(match record_type {
        "CAA" => QuirkName::CaaLayout,
        "TLSA" => QuirkName::TlsaLayout,
        "SSHFP" => QuirkName::SshfpLayout,
        "URI" => QuirkName::UriLayout,
        "HTTPS" | "SVCB" => QuirkName::SvcbLayout,
        _ => return None,
    })
}

/// Checks values and writes them as the appliance stores them. The error is a sentence.
pub(crate) fn normalize_values(
    record_type: &str,
    mut values: Vec<String>,
    quirks: &Quirks,
) -> Result<Vec<String>, String> {
    while values.last().is_some_and(String::is_empty) {
        values.pop();
    }
    let Some(fields) = fields(record_type) else {
        return Ok(values);
    };
    let layout = layout(record_type).map_or("fields", |name| quirks.get(name));
    if layout == "packed" || (layout == "shown-packed" && values.len() == 1) {
        if values.len() != 1 {
            return Err(format!("value1 of {record_type} must hold the whole value"));
        }
        let whole = values.concat();
        let parts = unpack(&whole, fields.len());
        normalize_fields(record_type, fields, parts, quirks)?;
        return Ok(vec![whole]);
    }
    let stored = normalize_fields(record_type, fields, values, quirks)?;
    Ok(if layout == "shown-packed" { vec![stored.join(" ").trim_end().to_owned()] } else { stored })
}

/// Splits at white space; the last field takes the rest.
fn unpack(whole: &str, count: usize) -> Vec<String> {
    let mut parts = Vec::with_capacity(count);
    let mut rest = whole.trim();
    while parts.len() + 1 < count && !rest.is_empty() {
        let (front, tail) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
        parts.push(front.to_owned());
        rest = tail.trim_start();
    }
    if !rest.is_empty() {
        parts.push(rest.to_owned());
    }
    parts
}

fn normalize_fields(
    record_type: &str,
    fields: &[Field],
    mut values: Vec<String>,
    quirks: &Quirks,
) -> Result<Vec<String>, String> {
    if values.len() > fields.len() {
        return Err(format!("{record_type} has {} values, not {}", fields.len(), values.len()));
    }
    values.resize(fields.len(), String::new());
    for (index, (field, value)) in fields.iter().zip(&mut values).enumerate() {
        let wrong = || format!("value{} of {record_type} is invalid: {value:?}", index + 1);
        let stored = match field {
            Field::Ipv4 => value.parse::<Ipv4Addr>().map_err(|_| wrong())?.to_string(),
            Field::Ipv6 => write_ipv6(value.parse().map_err(|_| wrong())?, quirks),
            Field::Host => {
                check_name(value).map_err(|_| wrong())?;
                write_target(value, quirks)
            }
            Field::Byte => value.parse::<u8>().map_err(|_| wrong())?.to_string(),
            Field::Word => value.parse::<u16>().map_err(|_| wrong())?.to_string(),
            Field::Hex => {
                let bare: String = value.split_whitespace().collect();
                let even = !bare.is_empty() && bare.len().is_multiple_of(2);
                if !even || !bare.chars().all(|digit| digit.is_ascii_hexdigit()) {
                    return Err(wrong());
                }
                value.clone()
            }
            Field::Text if value.is_empty() => return Err(wrong()),
            Field::Text if record_type == "TXT" => write_text(value, quirks)?,
            Field::Text | Field::Optional => value.clone(),
        };
        *value = stored;
    }
    while values.last().is_some_and(String::is_empty) {
        values.pop();
    }
    Ok(values)
}

fn write_ipv6(address: Ipv6Addr, quirks: &Quirks) -> String {
    if quirks.is(QuirkName::AaaaStorage, "compressed") {
        return address.to_string();
    }
    address.segments().map(|group| format!("{group:04x}")).join(":")
}

fn write_target(target: &str, quirks: &Quirks) -> String {
    let target = if quirks.is(QuirkName::TargetDot, "kept") { target } else { without_dot(target) };
    if quirks.is(QuirkName::CaseStorage, "as-sent") { target.to_owned() } else { target.to_lowercase() }
}

fn write_text(text: &str, quirks: &Quirks) -> Result<String, String> {
    const LONGEST: usize = 255;
    Ok(match quirks.get(QuirkName::TxtStorage) {
        "quoted" if !text.starts_with('"') => format!("\"{}\"", escaped(text)),
        "unquoted" => joined_strings(text).unwrap_or_else(|| text.to_owned()),
        "split-255" if text.len() > LONGEST => {
            let whole = joined_strings(text).unwrap_or_else(|| text.to_owned());
            let strings: Vec<String> =
                pieces(&whole, LONGEST).map(|piece| format!("\"{}\"", escaped(piece))).collect();
            strings.join(" ")
        }
        "cut-255" => pieces(text, LONGEST).next().unwrap_or_default().to_owned(),
        "reject-255" if text.len() > LONGEST => {
            return Err(format!("TXT value of {} bytes is too long", text.len()));
        }
        _ => text.to_owned(),
    })
}

fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"")
}

/// Cuts a text into pieces of at most so many bytes, between characters.
fn pieces(text: &str, longest: usize) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let (piece, tail) = rest.split_at(rest.floor_char_boundary(longest));
        rest = tail;
        Some(piece)
    })
}

/// The content of quoted strings, joined; `None` when the text is none.
fn joined_strings(text: &str) -> Option<String> {
    let mut characters = text.trim().chars().peekable();
    let mut joined = String::new();
    while characters.peek().is_some() {
        if characters.next() != Some('"') {
            return None;
        }
        loop {
            match characters.next()? {
                '"' => break,
                '\\' => joined.push(characters.next()?),
                other => joined.push(other),
            }
        }
        while characters.next_if(|character| character.is_whitespace()).is_some() {}
    }
    Some(joined)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stored(record_type: &str, values: &[&str], chosen: &[(&str, &str)]) -> Result<Vec<String>, String> {
        let mut quirks = Quirks::default();
        for (name, answer) in chosen {
            quirks.set(name, answer).unwrap();
        }
        normalize_values(record_type, values.iter().map(|value| (*value).to_owned()).collect(), &quirks)
    }

    #[test]
    fn values_are_stored_in_the_appliance_s_own_spelling() {
        for (record_type, sent, expected) in [
            ("A", &["192.0.2.1"][..], &["192.0.2.1"][..]),
            ("AAAA", &["2001:DB8::1"], &["2001:0db8:0000:0000:0000:0000:0000:0001"]),
            ("CNAME", &["WWW.Example.com."], &["www.example.com"]),
            ("MX", &["10", "mx.example.com."], &["10", "mx.example.com"]),
            ("MX", &["0", "."], &["0", "."]),
            ("SRV", &["1", "2", "443", "Srv.example.com"], &["1", "2", "443", "srv.example.com"]),
            (
                "NAPTR",
                &["100", "10", "S", "SIP+D2U", "", "_sip._udp.example.com."],
                &["100", "10", "S", "SIP+D2U", "", "_sip._udp.example.com"],
            ),
            ("TXT", &["v=spf1; \"q\" é "], &["v=spf1; \"q\" é "]),
            ("CAA", &["0", "issue", "ca.example"], &["0", "issue", "ca.example"]),
            ("DS", &["12345", "13", "2", "AB12"], &["12345", "13", "2", "AB12"]),
            ("HTTPS", &["1", ".", ""], &["1", "."]),
            ("HINFO", &["cpu", "os", ""], &["cpu", "os"]),
        ] {
            assert_eq!(stored(record_type, sent, &[]).unwrap(), expected, "{record_type} {sent:?}");
        }
    }

    #[test]
    fn wrong_values_are_refused() {
        for (record_type, sent) in [
            ("A", &["192.0.2.256"][..]),
            ("A", &["2001:db8::1"]),
            ("A", &["192.0.2.1", "extra"]),
            ("AAAA", &["192.0.2.1"]),
            ("CNAME", &["a..b"]),
            ("CNAME", &["a b"]),
            ("MX", &["65536", "mx.example.com"]),
            ("MX", &["10"]),
            ("SRV", &["1", "2", "x", "a"]),
            ("TXT", &[""]),
            ("DS", &["1", "1", "1", "xyz"]),
            ("TLSA", &["3", "1", "256", "ab"]),
            ("URI", &["1", "1"]),
        ] {
            assert!(stored(record_type, sent, &[]).is_err(), "{record_type} {sent:?}");
        }
    }

    #[test]
    fn quirks_change_the_spelling() {
        let long = "x".repeat(300);
        let split = format!("\"{}\" \"{}\"", "x".repeat(255), "x".repeat(45));
        for (quirk, answer, record_type, sent, expected) in [
            ("txt-storage", "quoted", "TXT", "a\"b", "\"a\\\"b\""),
            ("txt-storage", "quoted", "TXT", "\"a\"", "\"a\""),
            ("txt-storage", "unquoted", "TXT", "\"a\" \"b\\\"\"", "ab\""),
            ("txt-storage", "unquoted", "TXT", "a \"b\"", "a \"b\""),
            ("txt-storage", "split-255", "TXT", &long, &split),
            ("txt-storage", "split-255", "TXT", &split, &split),
            ("txt-storage", "cut-255", "TXT", &long, &"x".repeat(255)),
            ("aaaa-storage", "compressed", "AAAA", "2001:0db8:0:0:0:0:0:1", "2001:db8::1"),
            ("target-dot", "kept", "NS", "ns.example.", "ns.example."),
            ("case-storage", "as-sent", "NS", "NS.example", "NS.example"),
            ("caa-layout", "packed", "CAA", "0 issue \"ca.example\"", "0 issue \"ca.example\""),
        ] {
            assert_eq!(
                stored(record_type, &[sent], &[(quirk, answer)]).unwrap(),
                [expected],
                "{quirk}={answer}"
            );
        }
        assert!(stored("TXT", &[&long], &[("txt-storage", "reject-255")]).is_err());
        assert!(stored("CAA", &["0", "issue", "ca"], &[("caa-layout", "packed")]).is_err());
        assert_eq!(
            stored("URI", &["1", "2", "https://a/"], &[("uri-layout", "shown-packed")]).unwrap(),
            ["1 2 https://a/"]
        );
        assert_eq!(stored("TLSA", &["3 1 1 ab"], &[("tlsa-layout", "shown-packed")]).unwrap(), ["3 1 1 ab"]);
    }
}
