//! Service parameters of HTTPS and SVCB on the wire, RFC 9460 2.1 and 2.2.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, Ipv6Addr};

use base64::Engine as _;

use super::character_string::{split_quoted, unescaped};

/// Names of the keys, each at its number.
const KEYS: [&str; 9] =
    ["mandatory", "alpn", "no-default-alpn", "port", "ipv4hint", "ech", "ipv6hint", "dohpath", "ohttp"];

/// Reads parameters such as `alpn=h2,h3 port=8443` and writes them in the order of their keys; `None` when they make no
/// sense.
pub(super) fn encode(text: &str) -> Option<Vec<u8>> {
    let mut parameters = BTreeMap::new();
    let mut rest = text.trim();
    while !rest.is_empty() {
        let end = rest.find(|character: char| character == '=' || character.is_whitespace());
        let (key, after) = rest.split_at(end.unwrap_or(rest.len()));
        let (value, after) = match after.strip_prefix('=') {
            None => ("", after),
            Some(after) if after.starts_with('"') => split_quoted(after)?,
            Some(after) => after.split_at(after.find(char::is_whitespace).unwrap_or(after.len())),
        };
        let key = key_number(key)?;
        if parameters.insert(key, value_octets(key, &unescaped(value)?)?).is_some() {
            return None;
        }
        if !after.is_empty() && !after.starts_with(char::is_whitespace) {
            return None;
        }
        rest = after.trim_start();
    }
    let mut wire = Vec::new();
    for (key, value) in parameters {
        wire.extend(key.to_be_bytes());
        wire.extend(u16::try_from(value.len()).ok()?.to_be_bytes());
        wire.extend(value);
    }
    Some(wire)
}

fn key_number(text: &str) -> Option<u16> {
    let text = text.to_ascii_lowercase();
    let known = KEYS.iter().position(|name| *name == text).and_then(|number| u16::try_from(number).ok());
    known.or_else(|| text.strip_prefix("key")?.parse().ok())
}

/// A value on the wire. Keys of higher numbers have values of any octets.
fn value_octets(key: u16, value: &[u8]) -> Option<Vec<u8>> {
    let text = || std::str::from_utf8(value).ok();
    let name = KEYS.get(usize::from(key)).copied().unwrap_or_default();
    Some(match name {
        "mandatory" => {
            let keys: Option<Vec<u16>> = text()?.split(',').map(key_number).collect();
            let mut keys = keys?;
            keys.sort_unstable();
            keys.into_iter().flat_map(u16::to_be_bytes).collect()
        }
        "alpn" => {
            let mut wire = Vec::new();
            for protocol in list_items(value)? {
                wire.push(u8::try_from(protocol.len()).ok().filter(|length| *length > 0)?);
                wire.extend(protocol);
            }
            wire
        }
        "no-default-alpn" | "ohttp" if !value.is_empty() => return None,
        "port" => text()?.parse::<u16>().ok()?.to_be_bytes().to_vec(),
        "ipv4hint" => {
            let hints: Option<Vec<[u8; 4]>> =
                text()?.split(',').map(|hint| Some(hint.parse::<Ipv4Addr>().ok()?.octets())).collect();
            hints?.concat()
        }
        "ipv6hint" => {
            let hints: Option<Vec<[u8; 16]>> =
                text()?.split(',').map(|hint| Some(hint.parse::<Ipv6Addr>().ok()?.octets())).collect();
            hints?.concat()
        }
        "ech" => base64::engine::general_purpose::STANDARD.decode(value).ok()?,
        _ => value.to_vec(),
    })
}

/// Splits at commas; `\,` and `\\` stand for themselves (RFC 9460 appendix A.1).
fn list_items(value: &[u8]) -> Option<Vec<Vec<u8>>> {
    let mut items = vec![Vec::new()];
    let mut octets = value.iter();
    while let Some(octet) = octets.next() {
        match octet {
            b',' => items.push(Vec::new()),
            b'\\' => items.last_mut()?.push(*octets.next()?),
            other => items.last_mut()?.push(*other),
        }
    }
    Some(items)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Test vectors of RFC 9460 appendix D.2 among them.
    #[test]
    fn parameters_are_written_in_the_order_of_their_keys() {
        for (text, wire) in [
            ("", &b""[..]),
            ("port=53", b"\x00\x03\x00\x02\x00\x35"),
            ("key667=hello", b"\x02\x9b\x00\x05hello"),
            (r#"key667="hello\210qoo""#, b"\x02\x9b\x00\x09hello\xd2qoo"),
            (
                r#"alpn="h2,h3-19" mandatory=ipv4hint,alpn ipv4hint="192.0.2.1""#,
                b"\x00\x00\x00\x04\x00\x01\x00\x04\x00\x01\x00\x09\x02h2\x05h3-19\x00\x04\x00\x04\xc0\x00\x02\x01",
            ),
            (r#"alpn="f\\\\oo\\,bar,h2""#, b"\x00\x01\x00\x0c\x08f\\oo,bar\x02h2"),
            (r"alpn=f\\\092oo\092,bar,h2", b"\x00\x01\x00\x0c\x08f\\oo,bar\x02h2"),
            ("no-default-alpn alpn=h2", b"\x00\x01\x00\x03\x02h2\x00\x02\x00\x00"),
            ("dohpath=/q{?dns}", b"\x00\x07\x00\x08/q{?dns}"),
            ("ech=AAE=", b"\x00\x05\x00\x02\x00\x01"),
        ] {
            assert_eq!(encode(text).as_deref(), Some(wire), "{text}");
        }
    }

    #[test]
    fn what_makes_no_sense_is_no_parameter() {
        for text in
            ["port", "port=x", "port=1 port=2", "colour=red", "ipv4hint=::1", r#"alpn="h2"x"#, "alpn=h2,"]
        {
            assert_eq!(encode(text), None, "{text}");
        }
    }
}
