//! DNS names in canonical form.

use std::fmt;
use std::sync::Arc;

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
    /// # Errors
    /// [`NameError`] says which limit or character is wrong.
    pub fn parse(text: &str) -> Result<Self, NameError> {
        let text = text.strip_suffix('.').unwrap_or(text);
        Ok(Self(text.to_ascii_lowercase().into()))
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
