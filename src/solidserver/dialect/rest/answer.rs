//! Answers: JSON arrays of flat objects whose values are texts, errors in two shapes, or nothing at all.

use std::borrow::Cow;
use std::fmt;

use reqwest::StatusCode;
use serde::de::{Deserialize, Deserializer, Visitor};

use crate::solidserver::dialect::{Answer, Fault};

/// The longest text of the appliance that is passed on, in characters. A condition message has little room.
const LONGEST_MESSAGE: usize = 512;

/// A text column. The documentation says that every value is a string; a number or boolean is taken for its text, null
/// for nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Text<'a>(Cow<'a, str>);

impl Text<'_> {
    pub(super) fn as_str(&self) -> &str {
        &self.0
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

/// The columns by which an object says that it is an error.
#[derive(Debug, Default, serde::Deserialize)]
#[serde(default)]
struct Complaint<'a> {
    #[serde(borrow)]
    errno: Text<'a>,
    #[serde(borrow)]
    errmsg: Text<'a>,
    #[serde(borrow)]
    severity: Text<'a>,
    #[serde(borrow)]
    parameters: Text<'a>,
    #[serde(borrow)]
    ret_oid: Text<'a>,
}

/// The rows of a successful list, count or write.
///
/// Empty only for 204 and `[]`. A 200 without a body, with something other than an array of objects, or with an
/// `errno` other than 0 is a fault.
pub(super) fn rows<'a, T: serde::Deserialize<'a>>(answer: &'a Answer) -> Result<Vec<T>, Fault> {
    if answer.status == StatusCode::NO_CONTENT {
        return Ok(Vec::new());
    }
    if !answer.status.is_success() {
        return Err(refusal(answer));
    }
    let body = text(answer)?;
    if may_complain(body)
        && let Some(fault) = complaint(body)
    {
        return Err(fault);
    }
    serde_json::from_str(body).map_err(|error| Fault::Unreadable(describe(body, &error)))
}

/// A 4xx, in the appliance's words if it has any.
fn refusal(answer: &Answer) -> Fault {
    let code = format!("HTTP {}", answer.status.as_u16());
    match text(answer).ok().and_then(complaint) {
        Some(Fault::Refused { code, message }) => Fault::Refused { code, message },
        _ => Fault::Refused { code, message: "no reason given".to_owned() },
    }
}

/// Whether a body could hold a complaint: a quick look, so that long lists are not parsed twice. Every row of a list
/// carries `"errno":"0"`; anything else is worth a closer look.
fn may_complain(body: &str) -> bool {
    let mut numbers = body.match_indices("\"errno\"").map(|(begin, key)| {
        let rest = body[begin + key.len()..].trim_start();
        rest.strip_prefix(':').map_or(rest, str::trim_start)
    });
    !body.starts_with('[')
        || body.contains("\"errmsg\"")
        || numbers.any(|number| !number.starts_with("\"0\""))
}

/// The first object with an `errno` other than 0, or without one but with an `errmsg`.
///
/// An object that carries a `ret_oid` was executed; a warning or notice beside it takes nothing back.
///
/// Errors come as an object or as an array of them.
fn complaint(body: &str) -> Option<Fault> {
    let complaints: Vec<Complaint<'_>> = match body.as_bytes().first()? {
        b'[' => serde_json::from_str(body).ok()?,
        _ => vec![serde_json::from_str(body).ok()?],
    };
    let error = complaints.iter().find(|complaint| {
        let executed =
            !complaint.ret_oid.is_empty() && matches!(complaint.severity.as_str(), "warning" | "notice");
        let objects = match complaint.errno.as_str() {
            "" => !complaint.errmsg.is_empty(),
            errno => errno != "0",
        };
        objects && !executed
    })?;
    let mut message = error.errmsg.as_str().to_owned();
    if !error.parameters.is_empty() && !message.contains(error.parameters.as_str()) {
        message = format!("{message} ({})", error.parameters.as_str());
    }
    if message.is_empty() {
        message.push_str("no reason given");
    }
    let code = if error.errno.is_empty() { "no errno" } else { error.errno.as_str() };
    Some(Fault::Refused { code: tidy(code), message: tidy(&message) })
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
fn describe(body: &str, error: &serde_json::Error) -> String {
    if body.starts_with('<') {
        return "a web page instead of JSON".to_owned();
    }
    if body.starts_with('{') {
        let connected = body.contains("\"connected\"");
        return if connected { r#"{"connected":...} instead of rows"# } else { "an object instead of rows" }
            .to_owned();
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
pub(super) fn answer(status: u16, body: &str) -> Answer {
    Answer { status: StatusCode::from_u16(status).unwrap(), body: body.as_bytes().to_vec() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, PartialEq, serde::Deserialize)]
    struct Row<'a> {
        #[serde(borrow)]
        rr_id: Text<'a>,
    }

    fn ids(answer: &Answer) -> Result<Vec<String>, Fault> {
        Ok(rows::<Row<'_>>(answer)?.into_iter().map(|row| row.rr_id.as_str().to_owned()).collect())
    }

    #[test]
    fn rows_are_read_whatever_json_type_their_values_have() {
        let read = ids(&answer(
            200,
            r#"[{"errno":"0","rr_id":"1"},{"errno":0,"rr_id":2},{"rr_id":null},{"rr_id":true},{"rr_id":"a\/b"},{"rr_id":-3}]"#,
        ));
        assert_eq!(read.unwrap(), ["1", "2", "", "1", "a/b", "-3"]);
    }

    #[test]
    fn only_204_and_an_empty_array_are_an_empty_list() {
        assert_eq!(ids(&answer(204, "")).unwrap(), Vec::<String>::new());
        assert_eq!(ids(&answer(200, "[]")).unwrap(), Vec::<String>::new());
        for body in [
            "",
            " \n",
            "null",
            "true",
            "\"\"",
            "{}",
            "[",
            "[{\"rr_id\":\"1\"}",
            "[{\"rr_id\":\"1\"},{\"rr_i",
            "[1]",
            "[[]]",
            "[null]",
            r#"{"connected":false}"#,
            r#"[{"connected":false}]"#,
            "<html><body>Sign in</body></html>",
            "[{}]",
            r#"[{"errno":"0"}]"#,
            r#"[{"rr_id":{"a":1}}]"#,
            r#"[{"rr_id":["1"]}]"#,
            r#"[{"rr_id":"1"}] trailing"#,
        ] {
            let read = ids(&answer(200, body));
            assert!(matches!(read, Err(Fault::Unreadable(_))), "{body}: {read:?}");
        }
        let read = ids(&Answer { status: StatusCode::OK, body: vec![b'[', 0xff, b']'] });
        assert!(matches!(read, Err(Fault::Unreadable(_))), "{read:?}");
    }

    #[test]
    fn errors_are_seen_in_either_shape_and_under_any_status() {
        let object =
            r#"{"errno":"4","errmsg":"Missing parameter","severity":"error","parameters":"rr_id\/rr_name"}"#;
        let array = r#"[{"errno":"4","errmsg":"Missing parameter rr_id","parameters":"rr_id"}]"#;
        let number = r#"{"errno":20117,"errmsg":"This RR does not exist"}"#;
        let wordless = r#"[{"errno":"9"}]"#;
        let second = r#"[{"errno":"0","rr_id":"1"},{"errno":"7","errmsg":"lost"}]"#;
        for status in [200, 201, 400, 404] {
            for (body, code, message) in [
                (object, "4", "Missing parameter (rr_id/rr_name)"),
                (array, "4", "Missing parameter rr_id"),
                (number, "20117", "This RR does not exist"),
                (wordless, "9", "no reason given"),
                (second, "7", "lost"),
                (r#"{"errmsg":"out of order"}"#, "no errno", "out of order"),
            ] {
                let expected = Fault::Refused { code: code.to_owned(), message: message.to_owned() };
                assert_eq!(ids(&answer(status, body)), Err(expected), "{status} {body}");
            }
        }
        for body in ["", "<html>", "not JSON", "{}", "[]", r#"[{"rr_id":"1"}]"#] {
            let expected =
                Fault::Refused { code: "HTTP 400".to_owned(), message: "no reason given".to_owned() };
            assert_eq!(ids(&answer(400, body)), Err(expected), "{body}");
        }
    }

    #[test]
    fn a_warning_beside_an_executed_write_is_no_refusal() {
        let warned = r#"[{"ret_oid":"411","errno":"12","errmsg":"TTL is low","severity":"warning"}]"#;
        assert_eq!(rows::<serde::de::IgnoredAny>(&answer(201, warned)).map(|rows| rows.len()), Ok(1));
        let refused = r#"[{"errno":"12","errmsg":"TTL is low","severity":"warning"}]"#;
        assert!(rows::<serde::de::IgnoredAny>(&answer(201, refused)).is_err());
    }

    #[test]
    fn the_appliances_words_become_one_line_of_bounded_length() {
        assert_eq!(tidy(" a\n\tb\u{7}c  d\r\n"), "a b c d");
        let long = tidy(&"é".repeat(2000));
        assert_eq!(long.chars().count(), LONGEST_MESSAGE + 3);
        assert!(long.ends_with("..."));
    }
}
