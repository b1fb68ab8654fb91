//! Service parameters of HTTPS and SVCB records (RFC 9460).

use std::collections::BTreeMap;
use std::fmt;
use std::iter;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::str;

use domain::base::iana::SvcParamKey;
use domain::base::scan::IterScanner;
use domain::rdata::svcb::value::AllValues;
use domain::rdata::svcb::{ComposeSvcParamValue, ScanSvcParamValue, SvcParams};
use domain::utils::base64;

use super::error::{DataProblem, excerpt};
use super::presentation::{Token, content, write_quoted};

const MANDATORY: u16 = 0;
const ALPN: u16 = 1;
const NO_DEFAULT_ALPN: u16 = 2;
const PORT: u16 = 3;
const IPV4HINT: u16 = 4;
const ECH: u16 = 5;
const IPV6HINT: u16 = 6;
const DOHPATH: u16 = 7;
const OHTTP: u16 = 8;
const TLS_SUPPORTED_GROUPS: u16 = 9;

/// Keys with a name that may be written (IANA registry of service parameter keys). Keys beyond these have
/// values that cannot be read here; they can be given in the opaque form, `key10=...`.
const NAMES: [(&str, u16); 10] = [
    ("mandatory", MANDATORY),
    ("alpn", ALPN),
    ("no-default-alpn", NO_DEFAULT_ALPN),
    ("port", PORT),
    ("ipv4hint", IPV4HINT),
    ("ech", ECH),
    ("ipv6hint", IPV6HINT),
    ("dohpath", DOHPATH),
    ("ohttp", OHTTP),
    ("tls-supported-groups", TLS_SUPPORTED_GROUPS),
];

/// The last key that is shown by its name. Name servers that are some years old know no later ones, and all
/// know the opaque form.
const LAST_NAME_SHOWN: u16 = DOHPATH;

/// Reserved as "invalid key", RFC 9460 14.3.2.
const INVALID_KEY: u16 = u16::MAX;

/// Service parameters in canonical form: the wire format of RFC 9460 2.2, sorted by key, each key once.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ServiceParameters(Box<[u8]>);

impl ServiceParameters {
    /// Reads parameters in presentation format. Their order does not matter.
    pub(super) fn parse(tokens: &[Token<'_>]) -> Result<Self, DataProblem> {
        let mut parameters = BTreeMap::new();
        for token in tokens {
            let (key, value) = parameter(*token)?;
            if parameters.insert(key, value).is_some() {
                return Err(wrong(key, "it is given twice"));
            }
        }
        check(&parameters)?;
        let mut wire = Vec::new();
        for (key, value) in &parameters {
            let start = wire.len();
            let length = u16::try_from(value.len()).map_err(|_| wrong(*key, "it is too long"))?;
            wire.extend_from_slice(&key.to_be_bytes());
            wire.extend_from_slice(&length.to_be_bytes());
            wire.extend_from_slice(value);
            // A value given in the opaque form has not met the rules of its key yet.
            let is_valid = SvcParams::from_slice(&wire[start..])
                .is_ok_and(|parameter| parameter.iter::<AllValues<&[u8]>>().all(|value| value.is_ok()));
            if !is_valid {
                return Err(wrong(*key, "its value does not have the wire format of the key"));
            }
        }
        Ok(Self(wire.into()))
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Octets on the wire.
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// Keys and values on the wire, sorted by key.
    fn iter(&self) -> impl Iterator<Item = (u16, &[u8])> {
        let mut rest = &*self.0;
        iter::from_fn(move || {
            let (key, after) = rest.split_first_chunk()?;
            let (length, after) = after.split_first_chunk()?;
            let (value, after) = after.split_at_checked(usize::from(u16::from_be_bytes(*length)))?;
            rest = after;
            Some((u16::from_be_bytes(*key), value))
        })
    }
}

/// Reads one parameter: its key, and its value on the wire.
fn parameter(token: Token<'_>) -> Result<(u16, Vec<u8>), DataProblem> {
    let (key_text, plain) = token.plain.split_once('=').unwrap_or((token.plain, ""));
    let value = match token.quoted {
        // A key is missing, or more than the equals sign stands before the quotation mark.
        Some(_) if !token.plain.ends_with('=') || !plain.is_empty() => return Err(DataProblem::Quotes),
        Some(quoted) => content(quoted)?,
        None => content(plain)?,
    };
    if let Some(key) = opaque_key(key_text)? {
        return Ok((key, value));
    }
    let key = NAMES
        .into_iter()
        .find_map(|(name, key)| name.eq_ignore_ascii_case(key_text).then_some(key))
        .ok_or_else(|| {
            wrong_text(key_text, "no such key is known; a number can be given, as in key65280=...")
        })?;
    // The scanner is only asked for room here: the value is already taken out of its quotation marks.
    let mut scanner = IterScanner::<iter::Empty<&str>, Vec<u8>>::new(iter::empty());
    if matches!(key, MANDATORY | ALPN | IPV4HINT | IPV6HINT | TLS_SUPPORTED_GROUPS) && value.ends_with(b",") {
        return Err(wrong(key, "the list ends in a comma"));
    }
    let scanned = AllValues::<Vec<u8>>::value_from_scan_octets(
        &mut scanner,
        SvcParamKey::from_int(key),
        value.as_slice(),
    )
    .map_err(|error| wrong(key, &error.to_string()))?
    .ok_or_else(|| wrong(key, "its value cannot be read"))?;
    let mut wire = Vec::new();
    scanned.compose_value(&mut wire).map_err(|_| wrong(key, "its value cannot be written"))?;
    Ok((key, wire))
}

/// The number of a key written `key123`; `None` for a key with a name.
fn opaque_key(text: &str) -> Result<Option<u16>, DataProblem> {
    let digits = match text.get(..3) {
        Some(prefix) if prefix.eq_ignore_ascii_case("key") => &text[3..],
        _ => return Ok(None),
    };
    let is_decimal =
        digits.bytes().all(|octet| octet.is_ascii_digit()) && (digits == "0" || !digits.starts_with('0'));
    match digits.parse() {
        Ok(key) if is_decimal && key != INVALID_KEY => Ok(Some(key)),
        _ => Err(wrong_text(text, "the number of a key is from 0 to 65534, without zeros in front")),
    }
}

/// What RFC 9460 asks of parameters together, and of values that were given in the opaque form.
fn check(parameters: &BTreeMap<u16, Vec<u8>>) -> Result<(), DataProblem> {
    for (key, value) in parameters {
        let needs_value = matches!(*key, MANDATORY | ALPN | IPV4HINT | ECH | IPV6HINT | DOHPATH);
        if needs_value && value.is_empty() {
            return Err(wrong(*key, "its value is empty"));
        }
    }
    if let Some(value) = parameters.get(&MANDATORY) {
        let keys: Vec<u16> =
            value.chunks_exact(2).map(|pair| u16::from_be_bytes([pair[0], pair[1]])).collect();
        if !keys.is_sorted_by(|first, second| first < second) || keys.contains(&MANDATORY) {
            return Err(wrong(MANDATORY, "it lists itself, or a key twice, or keys out of order"));
        }
        if keys.iter().any(|key| !parameters.contains_key(key)) {
            return Err(wrong(MANDATORY, "it lists a key that is not there"));
        }
    }
    if let Some(value) = parameters.get(&ALPN)
        && protocols(value).is_none()
    {
        return Err(wrong(ALPN, "a protocol is empty"));
    }
    if parameters.contains_key(&NO_DEFAULT_ALPN) && !parameters.contains_key(&ALPN) {
        return Err(wrong(NO_DEFAULT_ALPN, "it needs alpn beside it"));
    }
    if parameters.get(&DOHPATH).is_some_and(|value| str::from_utf8(value).is_err()) {
        return Err(wrong(DOHPATH, "it is not UTF-8"));
    }
    Ok(())
}

/// The protocols of an alpn value on the wire; `None` when one is empty or cut off.
fn protocols(mut value: &[u8]) -> Option<Vec<&[u8]>> {
    let mut protocols = Vec::new();
    while let Some((length, rest)) = value.split_first() {
        let (protocol, rest) = rest.split_at_checked(usize::from(*length))?;
        if protocol.is_empty() {
            return None;
        }
        protocols.push(protocol);
        value = rest;
    }
    Some(protocols)
}

fn wrong(key: u16, reason: &str) -> DataProblem {
    wrong_text(&Key(key).to_string(), reason)
}

fn wrong_text(key: &str, reason: &str) -> DataProblem {
    DataProblem::Parameter { key: excerpt(key), reason: reason.to_owned() }
}

/// A key by its name where servers know it, else by its number.
struct Key(u16);

impl fmt::Display for Key {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match NAMES.iter().find(|(_, key)| *key == self.0 && self.0 <= LAST_NAME_SHOWN) {
            Some((name, _)) => formatter.write_str(name),
            None => write!(formatter, "key{}", self.0),
        }
    }
}

impl fmt::Display for ServiceParameters {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, (key, value)) in self.iter().enumerate() {
            if position > 0 {
                formatter.write_str(" ")?;
            }
            write_parameter(formatter, key, value)?;
        }
        Ok(())
    }
}

fn write_parameter(formatter: &mut fmt::Formatter<'_>, key: u16, value: &[u8]) -> fmt::Result {
    let list = match key {
        MANDATORY => {
            Some(joined(value.chunks_exact(2).map(|pair| Key(u16::from_be_bytes([pair[0], pair[1]])))))
        }
        ALPN => plain_protocols(value),
        PORT => Some(joined(value.chunks_exact(2).map(|pair| u16::from_be_bytes([pair[0], pair[1]])))),
        IPV4HINT => Some(joined(value.as_chunks().0.iter().map(|octets: &[u8; 4]| Ipv4Addr::from(*octets)))),
        IPV6HINT => Some(joined(value.as_chunks().0.iter().map(|octets: &[u8; 16]| Ipv6Addr::from(*octets)))),
        ECH => Some(base64::encode_string(value)),
        _ => None,
    };
    match list {
        Some(list) => write!(formatter, "{}={list}", Key(key)),
        None if value.is_empty() => write!(formatter, "{}", Key(key)),
        None if key == ALPN => {
            // Only the opaque form holds every protocol: in a list, commas and backslashes are escaped twice.
            write!(formatter, "key{key}=")?;
            write_quoted(formatter, value)
        }
        None => {
            write!(formatter, "{}=", Key(key))?;
            write_quoted(formatter, value)
        }
    }
}

/// The protocols as a list, when they consist of characters that need neither quotation marks nor escapes.
fn plain_protocols(value: &[u8]) -> Option<String> {
    let is_plain =
        |octet: &u8| octet.is_ascii_alphanumeric() || matches!(octet, b'-' | b'.' | b'/' | b'_' | b'+');
    let protocols: Option<Vec<&str>> = protocols(value)?
        .into_iter()
        .map(|protocol| {
            let plain = protocol.iter().all(is_plain);
            str::from_utf8(protocol).ok().filter(|_| plain)
        })
        .collect();
    protocols.map(|protocols| protocols.join(","))
}

fn joined<T: fmt::Display>(items: impl Iterator<Item = T>) -> String {
    items.map(|item| item.to_string()).collect::<Vec<_>>().join(",")
}
