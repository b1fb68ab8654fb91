//! DNS names in canonical form.

use std::fmt;
use std::sync::Arc;

use idna::AsciiDenyList;
use idna::uts46::{DnsLength, Hyphens, Uts46};

/// Octets of a label, RFC 1035 2.3.4.
const LONGEST_LABEL: usize = 63;

/// Characters of a name without the trailing dot: 255 octets on the wire, less the first length octet and the
/// root.
const LONGEST_NAME: usize = 253;

/// What is not even looked at: four octets are the longest UTF-8 character, so that no name can be this long.
const LONGEST_INPUT: usize = 4 * LONGEST_NAME;

/// The label that RFC 4592 gives a meaning.
const WILDCARD: &str = "*";

/// A DNS name in canonical form: A-labels, lower case, absolute, written without the trailing dot.
///
/// Limits are those of RFC 1035 2.3.4: labels of 1 to 63 octets, 253 characters together.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Name(Arc<str>);

/// Why a text is no DNS name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// Nothing, or the root alone.
    #[error("a name needs at least one label, for example www.example.com")]
    Empty,
    /// Two dots side by side, or a dot at the beginning.
    #[error("a label is empty: two dots follow each other, or the name begins with one")]
    EmptyLabel,
    /// A label of more than 63 octets.
    #[error("the label {0:?} is longer than 63 octets")]
    LabelTooLong(String),
    /// A name of more than 253 characters.
    #[error("the name is longer than 253 characters")]
    TooLong,
    /// A character that this operator does not write into names.
    #[error("{0:?} cannot stand in a name here: letters, digits, '-', '_' and '/' can")]
    Character(char),
    /// A `*` that is not the whole first label.
    #[error("'*' can only be the whole first label, as in *.example.com")]
    Wildcard,
    /// A U-label that IDNA does not allow.
    #[error("the label {0:?} is no valid internationalised label")]
    Idna(String),
}

impl Name {
    /// Reads a name: case and a trailing dot do not matter, U-labels become A-labels.
    ///
    /// A name without a trailing dot is absolute too. Escapes (`\DDD`, `\.`) are refused: the appliance shows
    /// and takes names without them.
    ///
    /// # Errors
    /// [`NameError`] says which limit or character is wrong.
    pub fn parse(text: &str) -> Result<Self, NameError> {
        let text = text.strip_suffix('.').unwrap_or(text);
        if text.is_empty() {
            return Err(NameError::Empty);
        }
        if text.len() > LONGEST_INPUT {
            return Err(NameError::TooLong);
        }
        // What the appliance shows is canonical already, and then there is nothing to write.
        if text.bytes().all(|octet| octet.is_ascii() && !octet.is_ascii_uppercase()) {
            for (position, label) in text.split('.').enumerate() {
                check_label(label, position == 0)?;
            }
            return Self::within_limits(text);
        }
        let mut canonical = String::with_capacity(text.len());
        for (position, label) in text.split('.').enumerate() {
            if position > 0 {
                canonical.push('.');
            }
            let start = canonical.len();
            if label.is_ascii() {
                canonical.push_str(label);
                canonical[start..].make_ascii_lowercase();
            } else {
                canonical.push_str(&a_label(label)?);
            }
            check_label(&canonical[start..], position == 0)?;
        }
        Self::within_limits(&canonical)
    }

    /// A name of canonical labels.
    fn within_limits(canonical: &str) -> Result<Self, NameError> {
        if canonical == WILDCARD {
            return Err(NameError::Wildcard);
        }
        if canonical.len() > LONGEST_NAME {
            return Err(NameError::TooLong);
        }
        Ok(Self(canonical.into()))
    }

    /// The canonical text, without the trailing dot.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The labels, the leftmost first.
    pub fn labels(&self) -> impl DoubleEndedIterator<Item = &str> {
        self.0.split('.')
    }

    /// The name itself and every name above it, the longest first, without the root.
    pub fn ancestors(&self) -> impl Iterator<Item = Self> + '_ {
        let starts = std::iter::once(0).chain(self.0.match_indices('.').map(|(dot, _)| dot + 1));
        starts.map(|start| Self(self.0[start..].into()))
    }

    /// Whether this name is `ancestor` or lies below it.
    #[must_use]
    pub fn is_at_or_below(&self, ancestor: &Self) -> bool {
        self == ancestor || self.is_below(ancestor)
    }

    /// Whether this name lies strictly below `ancestor`.
    #[must_use]
    pub fn is_below(&self, ancestor: &Self) -> bool {
        self.0.strip_suffix(&*ancestor.0).is_some_and(|rest| rest.ends_with('.'))
    }

    /// Whether the first label is `*`.
    #[must_use]
    pub fn is_wildcard(&self) -> bool {
        self.0.starts_with("*.")
    }
}

impl fmt::Display for Name {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl fmt::Debug for Name {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}", self.0)
    }
}

/// Turns a U-label into an A-label, and refuses what IDNA refuses.
fn a_label(label: &str) -> Result<String, NameError> {
    // Hyphens and the characters of ASCII are judged by `check_label`, as in labels that are ASCII to begin
    // with.
    let result =
        Uts46::new().to_ascii(label.as_bytes(), AsciiDenyList::EMPTY, Hyphens::Allow, DnsLength::Ignore);
    match result {
        // Full stops of other scripts map to '.', a full-width asterisk to '*': neither may gain that meaning
        // here, and a label of nothing but ignorable characters maps to nothing.
        Ok(mapped) if !mapped.is_empty() && !mapped.contains(['.', '*']) => Ok(mapped.into_owned()),
        _ => Err(NameError::Idna(label.to_owned())),
    }
}

/// Checks one label of canonical text.
fn check_label(label: &str, is_first: bool) -> Result<(), NameError> {
    if label.is_empty() {
        return Err(NameError::EmptyLabel);
    }
    if label.len() > LONGEST_LABEL {
        return Err(NameError::LabelTooLong(label.to_owned()));
    }
    if label == WILDCARD && is_first {
        return Ok(());
    }
    let allowed = |character: char| character.is_ascii_alphanumeric() || matches!(character, '-' | '_' | '/');
    match label.chars().find(|character| !allowed(*character)) {
        None => Ok(()),
        Some('*') => Err(NameError::Wildcard),
        Some(character) => Err(NameError::Character(character)),
    }
}

#[cfg(test)]
mod tests;
