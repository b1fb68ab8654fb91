//! Answers, as far as they are read alike in both dialects: JSON whose values are texts, words of refusal, or nothing.

use std::borrow::Cow;
use std::fmt;

use reqwest::StatusCode;
use serde::de::{Deserialize, Deserializer, Visitor};

use super::{Answer, Fault};

/// The longest text of the appliance that is passed on, in characters. A condition message has little room.
const LONGEST_MESSAGE: usize = 512;
/// For a refusal without words.
const NO_REASON: &str = "no reason given";

/// A text column. The documentation says that every value is a string; a number or boolean is taken for its text, null
/// for nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Text<'a>(Cow<'a, str>);

impl Text<'_> {
    pub(super) fn as_str(&self) -> &str {
        &self.0
    }

    pub(super) fn into_string(self) -> String {
        self.0.into_owned()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// A boolean column: `1` is true. A time, should the appliance write one, is true as well.
    pub(super) fn is_true(&self) -> bool {
        !matches!(self.as_str(), "" | "0")
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Text<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct TextVisitor;

        impl<'de> Visitor<'de> for TextVisitor {
            type Value = Text<'de>;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a text or a number")
            }
            fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
                Ok(Text(Cow::Borrowed(text)))
            }
            fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
                Ok(Text(Cow::Owned(text.to_owned())))
            }
            fn visit_u64<E>(self, number: u64) -> Result<Self::Value, E> {
                Ok(Text(Cow::Owned(number.to_string())))
            }
            fn visit_i64<E>(self, number: i64) -> Result<Self::Value, E> {
                Ok(Text(Cow::Owned(number.to_string())))
            }
            fn visit_f64<E>(self, number: f64) -> Result<Self::Value, E> {
                Ok(Text(Cow::Owned(number.to_string())))
            }
            fn visit_bool<E>(self, truth: bool) -> Result<Self::Value, E> {
                Ok(Text(Cow::Borrowed(if truth { "1" } else { "0" })))
            }
            fn visit_unit<E>(self) -> Result<Self::Value, E> {
                Ok(Text(Cow::Borrowed("")))
            }
        }

        deserializer.deserialize_any(TextVisitor)
    }
}

/// The body of a successful answer that holds no complaint; `None` for 204, an empty list.
///
/// `complaint` finds what the dialect calls an error in a body. A 4xx is a refusal in any case, in the appliance's words
/// if it has any. A 2xx other than 204 without a body is a fault.
pub(super) fn contents<'a>(
    answer: &'a Answer,
    complaint: impl FnOnce(&'a str) -> Option<Fault>,
) -> Result<Option<&'a str>, Fault> {
    if answer.status == StatusCode::NO_CONTENT {
        return Ok(None);
    }
    let body = text(answer);
    if !answer.status.is_success() {
        let code = format!("HTTP {}", answer.status.as_u16());
        return Err(match body.ok().and_then(complaint) {
            Some(refused @ Fault::Refused { .. }) => refused,
            _ => Fault::Refused { code, message: NO_REASON.to_owned() },
        });
    }
    let body = body?;
    match complaint(body) {
        Some(fault) => Err(fault),
        None => Ok(Some(body)),
    }
}

/// A refusal in the appliance's words, as far as there are any.
pub(super) fn refused(code: &str, message: &str) -> Fault {
    let message = tidy(message);
    Fault::Refused {
        code: tidy(code),
        message: if message.is_empty() { NO_REASON.to_owned() } else { message },
    }
}

fn text(answer: &Answer) -> Result<&str, Fault> {
    let status = answer.status.as_u16();
    let text = std::str::from_utf8(&answer.body)
        .map_err(|_| Fault::Unreadable(format!("{status} with a body that is not UTF-8")))?
        .trim();
    if text.is_empty() {
        return Err(Fault::Unreadable(format!("{status} without a body")));
    }
    Ok(text)
}

/// What is wrong with a body, without the body: it may hold record data.
pub(super) fn describe(body: &str, error: &serde_json::Error) -> String {
    if body.starts_with('<') {
        return "a web page instead of JSON".to_owned();
    }
    if body.starts_with('{') && body.contains("\"connected\"") && !body.contains("\"success\"") {
        return r#"{"connected":...} instead of rows"#.to_owned();
    }
    match error.classify() {
        serde_json::error::Category::Eof => "JSON that breaks off".to_owned(),
        serde_json::error::Category::Data => {
            format!("a row that is not understood, at column {}", error.column())
        }
        _ => format!("no JSON, at column {}", error.column()),
    }
}

/// The appliance's words, fit for a message: one line, no control characters, not too long.
fn tidy(text: &str) -> String {
    let words = text.split(|character: char| character.is_whitespace() || character.is_control());
    let mut line = String::with_capacity(text.len().min(LONGEST_MESSAGE));
    for word in words.filter(|word| !word.is_empty()) {
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    if let Some((end, _)) = line.char_indices().nth(LONGEST_MESSAGE) {
        line.truncate(end);
        line.push_str("...");
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_appliances_words_become_one_line_of_bounded_length() {
        assert_eq!(tidy(" a\n\tb\u{7}c  d\r\n"), "a b c d");
        let long = tidy(&"é".repeat(2000));
        assert_eq!(long.chars().count(), LONGEST_MESSAGE + 3);
        assert!(long.ends_with("..."));
    }
}
