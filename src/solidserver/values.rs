//! Record data in the appliance's columns value1 to value7.
//!
//! A row has one column per field, in the order of presentation format. That order is documented for A, AAAA,
//! CNAME, DNAME, DS, MX, NAPTR, NS, PTR, SRV and TXT; for CAA, HTTPS, SSHFP, SVCB, TLSA and URI it is what is
//! most likely, so that reading also understands a whole value in the first column.

use std::fmt::Write as _;

use crate::record::data::{Fields, hexadecimal, quote, quoted_strings};
use crate::record::{DataError, DataProblem, RecordData, RecordType};

/// Octets of one character string, RFC 1035 3.3; also what the appliance documents as the longest TXT value.
const LONGEST_STRING: usize = 255;

/// The columns of a value, as they are sent: value1 first.
///
/// There are always as many as the type has fields, empty ones included, so that an edit in place clears what
/// the row held before. A TXT value is sent as it is while that fits into one string; longer text, and text
/// that reading would take for quoted strings, is sent as quoted strings of at most 255 octets.
#[must_use]
pub fn to_values(data: &RecordData) -> Vec<String> {
    match data {
        RecordData::A(address) => vec![address.to_string()],
        // The appliance stores addresses with all their zeros, and finds them only so.
        RecordData::Aaaa(address) => {
            vec![address.segments().map(|segment| format!("{segment:04x}")).join(":")]
        }
        RecordData::Cname(name) | RecordData::Dname(name) | RecordData::Ns(name) | RecordData::Ptr(name) => {
            vec![name.to_string()]
        }
        RecordData::Mx { preference, exchange } => vec![preference.to_string(), exchange.to_string()],
        RecordData::Srv { priority, weight, port, target } => {
            vec![priority.to_string(), weight.to_string(), port.to_string(), target.to_string()]
        }
        RecordData::Txt(text) => vec![text_column(text)],
        RecordData::Caa { flags, tag, value } => {
            vec![flags.to_string(), tag.to_string(), string_column(value)]
        }
        RecordData::Naptr { order, preference, flags, services, regexp, replacement } => vec![
            order.to_string(),
            preference.to_string(),
            flags.to_string(),
            string_column(services),
            string_column(regexp),
            replacement.to_string(),
        ],
        RecordData::Tlsa { usage, selector, matching_type, data } => {
            vec![usage.to_string(), selector.to_string(), matching_type.to_string(), hexadecimal(data)]
        }
        RecordData::Sshfp { algorithm, fingerprint_type, fingerprint } => {
            vec![algorithm.to_string(), fingerprint_type.to_string(), hexadecimal(fingerprint)]
        }
        RecordData::Ds { key_tag, algorithm, digest_type, digest } => {
            vec![key_tag.to_string(), algorithm.to_string(), digest_type.to_string(), hexadecimal(digest)]
        }
        RecordData::Https { priority, target, parameters }
        | RecordData::Svcb { priority, target, parameters } => {
            vec![priority.to_string(), target.to_string(), parameters.to_string()]
        }
        RecordData::Uri { priority, weight, target } => {
            vec![priority.to_string(), weight.to_string(), target.to_string()]
        }
    }
}

/// Reads the columns of a row, value1 first. Empty columns at the end may be there or not.
///
/// What the appliance may have made of a value does not matter: case and trailing dots of names, how an
/// address is written, quotation marks around strings, spaces in hexadecimal digits, one column for all
/// fields (in presentation format, or separated by a comma and a space).
///
/// # Errors
/// [`DataError`] when the columns make no sense for the type.
pub fn from_values<V: AsRef<str>>(record_type: RecordType, values: &[V]) -> Result<RecordData, DataError> {
    let columns: Vec<&str> = values.iter().map(AsRef::as_ref).collect();
    let result = match (record_type, columns.as_slice()) {
        (RecordType::Txt, columns) => RecordData::text(text(columns)),
        (_, [whole, rest @ ..]) if rest.iter().all(|column| column.trim().is_empty()) => {
            from_whole(record_type, whole.trim())
        }
        (_, columns) => from_columns(record_type, columns),
    };
    result.map_err(|problem| DataError { record_type, problem })
}

/// How many columns a type has.
const fn width(record_type: RecordType) -> usize {
    match record_type {
        RecordType::A
        | RecordType::Aaaa
        | RecordType::Cname
        | RecordType::Dname
        | RecordType::Ns
        | RecordType::Ptr
        | RecordType::Txt => 1,
        RecordType::Mx => 2,
        RecordType::Caa | RecordType::Sshfp | RecordType::Https | RecordType::Svcb | RecordType::Uri => 3,
        RecordType::Srv | RecordType::Tlsa | RecordType::Ds => 4,
        RecordType::Naptr => 6,
    }
}

/// Reads columns of one field each.
fn from_columns(record_type: RecordType, columns: &[&str]) -> Result<RecordData, DataProblem> {
    // Columns that are not there are empty: the root as a target, or no service parameters.
    let missing = width(record_type).saturating_sub(columns.len());
    let columns = columns.iter().copied().chain(std::iter::repeat_n("", missing));
    RecordData::from_fields(record_type, Fields::columns(columns))
}

/// Reads a row whose first column alone is filled.
fn from_whole(record_type: RecordType, whole: &str) -> Result<RecordData, DataProblem> {
    let width = width(record_type);
    if width == 1 {
        return RecordData::from_word(record_type, whole);
    }
    if let Ok(data) = RecordData::parse(record_type, whole) {
        return Ok(data);
    }
    // The last field of these holds the rest, so that commas and spaces in strings and parameters stay.
    let by_comma: Vec<&str> = whole.splitn(width, ", ").collect();
    if let Ok(data) = from_columns(record_type, &by_comma) {
        return Ok(data);
    }
    let by_space: Vec<&str> = whole.splitn(width, ' ').collect();
    from_columns(record_type, &by_space)
}

/// The column of a string that is not TXT: as it is where that can be read back, else quoted.
fn string_column(octets: &[u8]) -> String {
    match std::str::from_utf8(octets) {
        Ok(text) if !text.starts_with('"') && text.trim() == text && !text.contains(char::is_control) => {
            text.to_owned()
        }
        _ => quote(octets),
    }
}

/// The column of a TXT value.
fn text_column(text: &[u8]) -> String {
    match std::str::from_utf8(text) {
        Ok(text) if (1..=LONGEST_STRING).contains(&text.len()) && !text.starts_with('"') => text.to_owned(),
        _ => text_strings(text),
    }
}

/// TXT as quoted strings of at most 255 octets, with no character torn apart between two of them.
fn text_strings(text: &[u8]) -> String {
    let mut column = String::with_capacity(text.len() + text.len() / 64 + 2);
    let mut length = 0;
    // Opens the next string when the current one has no room for so many octets more.
    let mut reserve = |column: &mut String, octets: usize| {
        if length + octets > LONGEST_STRING {
            column.push_str("\" \"");
            length = 0;
        }
        length += octets;
    };
    column.push('"');
    for chunk in text.utf8_chunks() {
        for character in chunk.valid().chars() {
            reserve(&mut column, character.len_utf8());
            match character {
                '"' | '\\' => column.extend(['\\', character]),
                // Writing into a String does not fail.
                control if control.is_ascii_control() => {
                    let _ = write!(column, "\\{:03}", u32::from(control));
                }
                character => column.push(character),
            }
        }
        for octet in chunk.invalid() {
            reserve(&mut column, 1);
            let _ = write!(column, "\\{octet:03}");
        }
    }
    column.push('"');
    column
}

/// The text of a TXT row. Several columns are several strings.
fn text(columns: &[&str]) -> Box<[u8]> {
    let mut text = Vec::new();
    for column in columns {
        match quoted_strings(column) {
            Some(strings) => text.extend(strings),
            None => text.extend_from_slice(column.as_bytes()),
        }
    }
    text.into()
}

#[cfg(test)]
mod tests;
