//! Presentation format: fields, quotation marks and escapes (RFC 1035 5.1).
//!
//! The scanner for whole zone files that the `domain` crate has is not used: it panics on a text that ends in
//! `((`, and it reads a second record after a line break. Fields are told apart here, and what they contain
//! is read by `domain`.

use std::fmt::{self, Write as _};
use std::net::IpAddr;
use std::str::FromStr;

use domain::base::scan::Symbol;
use domain::utils::base16;

use super::error::{DataProblem, excerpt};
use super::target::Target;
use crate::record::Name;

/// A field of a value as it stands in a zone file.
///
/// A quotation mark can begin a field, or follow an equals sign as in `alpn="h2,h3"` (RFC 9460 2.1).
#[derive(Clone, Copy, Debug)]
pub(crate) struct Token<'a> {
    /// What stands before the quotation marks; the whole field when there are none. Escapes are not resolved.
    pub(super) plain: &'a str,
    /// What stands between the quotation marks. Escapes are not resolved.
    pub(super) quoted: Option<&'a str>,
}

/// Splits a value into its fields.
///
/// No control characters get through, and nothing that zone files give a meaning (comments, parentheses).
/// Other characters than ASCII do, for names may be written in U-labels.
pub(crate) fn tokens(text: &str) -> Result<Vec<Token<'_>>, DataProblem> {
    let octets = text.as_bytes();
    let mut tokens = Vec::new();
    let mut at = 0;
    while at < octets.len() {
        if is_space(octets[at]) {
            at += 1;
            continue;
        }
        let start = at;
        let mut token = Token { plain: "", quoted: None };
        while let Some(octet) = octets.get(at).copied().filter(|octet| !is_space(*octet)) {
            match octet {
                b'"' if at == start || octets[at - 1] == b'=' => {
                    let end = closing_quote(text, at + 1)?;
                    token.quoted = Some(&text[at + 1..end]);
                    token.plain = &text[start..at];
                    at = end + 1;
                    break;
                }
                b'"' => return Err(DataProblem::Quotes),
                b';' | b'(' | b')' => return Err(DataProblem::Unquoted(char::from(octet))),
                _ => at = after_symbol(text, at)?,
            }
        }
        if token.quoted.is_none() {
            token.plain = &text[start..at];
        } else if octets.get(at).is_some_and(|octet| !is_space(*octet)) {
            return Err(DataProblem::Quotes);
        }
        tokens.push(token);
    }
    Ok(tokens)
}

/// Where the quotation mark is that closes the string beginning at `at`.
fn closing_quote(text: &str, mut at: usize) -> Result<usize, DataProblem> {
    while let Some(octet) = text.as_bytes().get(at) {
        match octet {
            b'"' => return Ok(at),
            octet if is_space(*octet) => at += 1,
            _ => at = after_symbol(text, at)?,
        }
    }
    Err(DataProblem::Quotes)
}

/// Where the next symbol may begin after the character, or the backslash and the character, at `at`.
///
/// Within a character of several octets that is its next octet: none of these looks like ASCII.
fn after_symbol(text: &str, at: usize) -> Result<usize, DataProblem> {
    let last = if text.as_bytes()[at] == b'\\' { at + 1 } else { at };
    match text.as_bytes().get(last) {
        Some(b' '..=b'~') => Ok(last + 1),
        Some(0x80..) if last == at => Ok(last + 1),
        Some(_) => Err(wrong_character(&text[last..])),
        None => Err(DataProblem::Escape),
    }
}

fn wrong_character(rest: &str) -> DataProblem {
    DataProblem::Character(rest.chars().next().unwrap_or(char::REPLACEMENT_CHARACTER))
}

const fn is_space(octet: u8) -> bool {
    matches!(octet, b' ' | b'\t')
}

/// What a string of presentation format stands for. It is ASCII; any other octet is written `\DDD`.
pub(super) fn content(text: &str) -> Result<Vec<u8>, DataProblem> {
    match text.find(|character: char| !character.is_ascii()) {
        Some(at) => Err(wrong_character(&text[at..])),
        None => unescape(text),
    }
}

/// Resolves escapes (RFC 1035 5.1).
fn unescape(text: &str) -> Result<Vec<u8>, DataProblem> {
    let mut octets = Vec::with_capacity(text.len());
    let mut characters = text.chars();
    while let Some(symbol) = Symbol::from_chars(&mut characters).map_err(|_| DataProblem::Escape)? {
        match symbol {
            Symbol::Char(character) => {
                octets.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes())
            }
            Symbol::SimpleEscape(octet) | Symbol::DecimalEscape(octet) => octets.push(octet),
        }
    }
    Ok(octets)
}

/// Reads a text that is nothing but quoted strings, such as `"v=DKIM1; p=" "MIIB"`, and joins them. `None`
/// when it is anything else.
pub(crate) fn quoted_strings(text: &str) -> Option<Vec<u8>> {
    let mut joined = Vec::new();
    let mut rest = text.strip_prefix('"')?;
    loop {
        let mut escaped = false;
        let end = rest.find(|character| {
            let closes = character == '"' && !escaped;
            escaped = character == '\\' && !escaped;
            closes
        })?;
        joined.extend(unescape(&rest[..end]).ok()?);
        rest = rest[end + 1..].trim_start_matches([' ', '\t']);
        if rest.is_empty() {
            return Some(joined);
        }
        rest = rest.strip_prefix('"')?;
    }
}

/// Writes octets as one quoted string of printable ASCII.
pub(super) fn write_quoted(formatter: &mut impl fmt::Write, octets: &[u8]) -> fmt::Result {
    formatter.write_char('"')?;
    for octet in octets {
        match octet {
            b'"' | b'\\' => write!(formatter, "\\{}", char::from(*octet))?,
            b' '..=b'~' => formatter.write_char(char::from(*octet))?,
            _ => write!(formatter, "\\{octet:03}")?,
        }
    }
    formatter.write_char('"')
}

/// Octets as one quoted string of printable ASCII, for columns that cannot hold them as they are.
pub(crate) fn quote(octets: &[u8]) -> String {
    let mut text = String::with_capacity(octets.len() + 2);
    // Writing into a String does not fail.
    let _ = write_quoted(&mut text, octets);
    text
}

/// Octets as lower-case hexadecimal digits.
pub(crate) fn hexadecimal(octets: &[u8]) -> String {
    let mut text = String::with_capacity(octets.len() * 2);
    for octet in octets {
        // Writing into a String does not fail.
        let _ = write!(text, "{octet:02x}");
    }
    text
}

/// One field of a value, from a zone file's line or from a column of the appliance.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Field<'a> {
    /// As it stands in presentation format.
    Token(Token<'a>),
    /// A column: the content itself, which may nevertheless be quoted.
    Column(&'a str),
}

impl<'a> Field<'a> {
    /// The text of a field that takes no quotation marks: a number, a name, hexadecimal digits.
    fn word(self) -> Result<&'a str, DataProblem> {
        match self {
            Self::Token(Token { plain, quoted: None }) => Ok(plain),
            Self::Token(_) => Err(DataProblem::Quotes),
            Self::Column(text) => Ok(text.trim()),
        }
    }

    /// The content of a field that is a string of octets.
    fn octets(self) -> Result<Vec<u8>, DataProblem> {
        match self {
            Self::Token(Token { plain, quoted: None }) => content(plain),
            Self::Token(Token { plain: "", quoted: Some(text) }) => content(text),
            Self::Token(_) => Err(DataProblem::Quotes),
            Self::Column(text) => {
                let text = text.trim();
                Ok(quoted_strings(text).unwrap_or_else(|| text.as_bytes().to_vec()))
            }
        }
    }

    /// The field as written, for a message.
    fn excerpt(self) -> String {
        match self {
            Self::Token(token) => excerpt(token.quoted.unwrap_or(token.plain)),
            Self::Column(text) => excerpt(text),
        }
    }
}

/// Takes the fields of a value one after the other.
pub(crate) struct Fields<'a> {
    fields: std::vec::IntoIter<Field<'a>>,
}

impl<'a> Fields<'a> {
    /// The fields of a value in presentation format.
    pub(super) fn parse(text: &'a str) -> Result<Self, DataProblem> {
        let fields: Vec<_> = tokens(text)?.into_iter().map(Field::Token).collect();
        Ok(Self { fields: fields.into_iter() })
    }

    /// Columns as fields.
    pub(crate) fn columns(columns: impl IntoIterator<Item = &'a str>) -> Self {
        let fields: Vec<_> = columns.into_iter().map(Field::Column).collect();
        Self { fields: fields.into_iter() }
    }

    fn next(&mut self, field: &'static str) -> Result<Field<'a>, DataProblem> {
        self.fields.next().ok_or(DataProblem::Missing(field))
    }

    /// A decimal number. Zeros in front do not matter.
    pub(super) fn number<N: FromStr + Bounded>(&mut self, field: &'static str) -> Result<N, DataProblem> {
        let word = self.next(field)?.word()?;
        let is_decimal = !word.is_empty() && word.bytes().all(|octet| octet.is_ascii_digit());
        match word.parse() {
            Ok(number) if is_decimal => Ok(number),
            _ => Err(DataProblem::Number { field, text: excerpt(word), maximum: N::MAXIMUM }),
        }
    }

    /// A name, or the root where RFCs give it a meaning.
    pub(super) fn target(&mut self, field: &'static str) -> Result<Target, DataProblem> {
        let next = self.next(field)?;
        let word = next.word()?;
        // The appliance shows names without the trailing dot, which leaves nothing of the root.
        if word == "." || (word.is_empty() && matches!(next, Field::Column(_))) {
            return Ok(Target::Root);
        }
        host(field, word).map(Target::Name)
    }

    /// A field that takes no quotation marks.
    pub(super) fn word(&mut self, field: &'static str) -> Result<&'a str, DataProblem> {
        self.next(field)?.word()
    }

    /// A string of octets, quoted or not.
    pub(super) fn octets(&mut self, field: &'static str) -> Result<Vec<u8>, DataProblem> {
        self.next(field)?.octets()
    }

    /// A string of at most 255 octets.
    pub(super) fn character_string(&mut self, field: &'static str) -> Result<Vec<u8>, DataProblem> {
        let octets = self.octets(field)?;
        if octets.len() > 255 {
            return Err(DataProblem::TooLong { field, maximum: 255 });
        }
        Ok(octets)
    }

    /// Everything that is left, as hexadecimal digits; spaces between them do not matter.
    pub(super) fn hexadecimal(&mut self, field: &'static str) -> Result<Box<[u8]>, DataProblem> {
        let mut digits = self.next(field)?.word()?.to_owned();
        for more in self.fields.by_ref() {
            digits.push_str(more.word()?);
        }
        digits.retain(|character| !matches!(character, ' ' | '\t'));
        if digits.is_empty() {
            return Err(DataProblem::Empty(field));
        }
        if digits.len() / 2 > super::LONGEST_RECORD {
            return Err(DataProblem::TooLong { field, maximum: super::LONGEST_RECORD });
        }
        base16::decode_vec(&digits).map(Vec::into_boxed_slice).map_err(|_| DataProblem::Hexadecimal(field))
    }

    /// Everything that is left, as fields of a zone file's line.
    pub(super) fn rest(self) -> Result<Vec<Token<'a>>, DataProblem> {
        let mut rest = Vec::new();
        for field in self.fields {
            match field {
                Field::Token(token) => rest.push(token),
                Field::Column(text) => rest.extend(tokens(text)?),
            }
        }
        Ok(rest)
    }

    /// Makes sure that nothing is left. Empty columns are nothing.
    pub(super) fn end(&mut self) -> Result<(), DataProblem> {
        let is_filled = |field: &Field<'_>| !matches!(field, Field::Column(text) if text.trim().is_empty());
        match self.fields.find(is_filled) {
            None => Ok(()),
            Some(field) => Err(DataProblem::Extra(field.excerpt())),
        }
    }
}

/// Reads a name that is neither the root nor an address.
pub(super) fn host(field: &'static str, text: &str) -> Result<Name, DataProblem> {
    if text == "." {
        return Err(DataProblem::Root(field));
    }
    if text.is_empty() {
        return Err(DataProblem::Empty(field));
    }
    let refuse_address = |written: &str| match written.strip_suffix('.').unwrap_or(written).parse::<IpAddr>()
    {
        Ok(_) => Err(DataProblem::AddressAsName { field, text: text.to_owned() }),
        Err(_) => Ok(()),
    };
    refuse_address(text)?;
    let name =
        Name::parse(text).map_err(|source| DataProblem::Name { field, text: excerpt(text), source })?;
    // IDNA leaves out characters such as the soft hyphen and knows other digits: an address may show only now.
    refuse_address(name.as_str())?;
    Ok(name)
}

/// A number with a largest value, for messages.
pub(super) trait Bounded {
    /// The largest value.
    const MAXIMUM: u64;
}

impl Bounded for u8 {
    const MAXIMUM: u64 = Self::MAX as u64;
}

impl Bounded for u16 {
    const MAXIMUM: u64 = Self::MAX as u64;
}
