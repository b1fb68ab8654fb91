//! Answers of `/api/v2.0`: `{"success":true,"messages":[...],"data":[...]}`, or nothing at all.

use serde::Deserialize;

use crate::solidserver::dialect::answer::{Text, contents, describe, refused};
use crate::solidserver::dialect::{Answer, Fault};

/// Verdict and data.
#[derive(Debug, Deserialize)]
#[serde(bound(deserialize = "T: Deserialize<'de>"))]
struct Whole<'a, T> {
    #[serde(borrow)]
    success: Text<'a>,
    #[serde(borrow, default)]
    messages: Option<Vec<Message<'a>>>,
    data: Vec<T>,
}

#[derive(Debug, Deserialize)]
#[serde(bound(deserialize = "T: Deserialize<'de>"))]
struct Envelope<'a, T> {
    #[serde(borrow, default)]
    success: Text<'a>,
    data: Vec<T>,
}

/// What an envelope says apart from its data.
#[derive(Debug, Deserialize)]
struct Verdict<'a> {
    #[serde(borrow)]
    success: Text<'a>,
    #[serde(borrow, default)]
    messages: Option<Vec<Message<'a>>>,
}

#[derive(Debug, Deserialize)]
struct Message<'a> {
    #[serde(borrow, default)]
    code: Text<'a>,
    #[serde(borrow, default)]
    msg: Text<'a>,
    #[serde(borrow, default, rename = "type")]
    severity: Text<'a>,
}

/// The data of a successful list, count or write.
///
/// Empty only for 204 and `"data":[]`. An answer without `success` or without data is a fault, and `success` other than
/// true is a refusal whatever the status.
pub(super) fn data<'a, T: Deserialize<'a>>(answer: &'a Answer) -> Result<Vec<T>, Fault> {
    // Where all is well a body is parsed once: they can be long.
    let mut data = None;
    let complaint = |body: &'a str| match serde_json::from_str::<Whole<'a, T>>(body) {
        Ok(whole) if is_true(&whole.success) == Some(true) && error_in(&whole.messages).is_none() => {
            data = Some(whole.data);
            None
        }
        _ => complaint(body),
    };
    let Some(body) = contents(answer, complaint)? else { return Ok(Vec::new()) };
    if let Some(data) = data {
        return Ok(data);
    }
    let envelope: Envelope<'a, T> =
        serde_json::from_str(body).map_err(|error| Fault::Unreadable(describe(body, &error)))?;
    match is_true(&envelope.success) {
        Some(true) => Ok(envelope.data),
        Some(false) => Err(refused(NO_CODE, "")),
        None => Err(Fault::Unreadable("an object that does not say whether it is a success".to_owned())),
    }
}

const NO_CODE: &str = "no code";

/// The refusal in an envelope. A success beside an error is neither.
fn complaint(body: &str) -> Option<Fault> {
    let verdict: Verdict<'_> = serde_json::from_str(body).ok()?;
    let error = error_in(&verdict.messages);
    let messages = verdict.messages.as_deref().unwrap_or_default();
    match (is_true(&verdict.success)?, error) {
        (true, None) => None,
        (true, Some(_)) => Some(Fault::Unreadable("a success with an error beside it".to_owned())),
        (false, error) => {
            let message = error.or_else(|| messages.iter().find(|message| !message.msg.is_empty()));
            let code = message.map(|message| message.code.as_str()).filter(|code| !code.is_empty());
            let words = message.map(|message| message.msg.as_str()).unwrap_or_default();
            Some(refused(code.unwrap_or(NO_CODE), words))
        }
    }
}

fn error_in<'m, 'a>(messages: &'m Option<Vec<Message<'a>>>) -> Option<&'m Message<'a>> {
    let mut messages = messages.iter().flatten();
    messages.find(|message| message.severity.as_str().eq_ignore_ascii_case("error"))
}

/// A truth value, also as a text or a number.
fn is_true(text: &Text<'_>) -> Option<bool> {
    match text.as_str() {
        "1" | "true" => Some(true),
        "0" | "false" => Some(false),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::solidserver::dialect::samples::answer;

    #[derive(Debug, PartialEq, Deserialize)]
    struct Row<'a> {
        #[serde(borrow)]
        rr_id: Text<'a>,
    }

    fn ids(answer: &Answer) -> Result<Vec<String>, Fault> {
        Ok(data::<Row<'_>>(answer)?.into_iter().map(|row| row.rr_id.as_str().to_owned()).collect())
    }

    #[test]
    fn data_is_read_whatever_json_type_its_values_have() {
        let body = r#"{"messages":[{"code":12,"msg":"TTL is low","type":"warning","extras":{}}],"success":true,
            "data":[{"rr_id":"1"},{"rr_id":2},{"rr_id":null},{"rr_id":true},{"rr_id":"a\/b"},{"rr_id":-3}]}"#;
        assert_eq!(ids(&answer(200, body)).unwrap(), ["1", "2", "", "1", "a/b", "-3"]);
        for success in ["1", "\"1\"", "\"true\""] {
            let body = format!(r#"{{"success":{success},"data":[{{"rr_id":"1"}}]}}"#);
            assert_eq!(ids(&answer(200, &body)).unwrap(), ["1"], "{success}");
        }
    }

    #[test]
    fn only_204_and_empty_data_are_an_empty_list() {
        assert_eq!(ids(&answer(204, "")).unwrap(), [""; 0]);
        assert_eq!(ids(&answer(200, r#"{"success":true,"messages":[],"data":[]}"#)).unwrap(), [""; 0]);
        for body in [
            "",
            " \n",
            "null",
            "true",
            "[]",
            "{}",
            r#"[{"rr_id":"1"}]"#,
            r#"{"success":true}"#,
            r#"{"success":true,"messages":[]}"#,
            r#"{"success":true,"messages":[],"data":null}"#,
            r#"{"success":true,"messages":[],"data":{}}"#,
            r#"{"success":true,"messages":[],"data":[1]}"#,
            r#"{"success":true,"messages":[],"data":[{}]}"#,
            r#"{"success":true,"messages":[],"data":[{"rr_id":["1"]}]}"#,
            r#"{"success":true,"messages":[],"data":[{"rr_id":"1"},{"rr_i"#,
            r#"{"success":true,"messages":[],"data":[{"rr_id":"1"}]"#,
            r#"{"success":true,"messages":[],"data":[]} trailing"#,
            r#"{"messages":[],"data":[]}"#,
            r#"{"success":null,"data":[]}"#,
            r#"{"success":"perhaps","data":[]}"#,
            r#"{"success":true,"messages":[{"code":7,"msg":"lost","type":"error"}],"data":[{"rr_id":"1"}]}"#,
            r#"{"connected":false}"#,
            "<html><body>Sign in</body></html>",
        ] {
            let read = ids(&answer(200, body));
            assert!(matches!(read, Err(Fault::Unreadable(_))), "{body}: {read:?}");
        }
    }

    #[test]
    fn a_failure_is_seen_under_any_status() {
        let of = |messages: &str| format!(r#"{{"success":false,"messages":{messages},"data":[]}}"#);
        for status in [200, 201, 400, 404] {
            for (messages, code, message) in [
                (r#"[{"code":4,"msg":"Missing parameter","type":"error"}]"#, "4", "Missing parameter"),
                (r#"[{"code":"4","msg":"Missing parameter"}]"#, "4", "Missing parameter"),
                (
                    r#"[{"code":1,"msg":"TTL","type":"notice"},{"code":2,"msg":"lost","type":"error"}]"#,
                    "2",
                    "lost",
                ),
                (r#"[{"code":9,"type":"error"}]"#, "9", "no reason given"),
                (r#"[{"msg":"out\nof order"}]"#, "no code", "out of order"),
                ("[]", "no code", "no reason given"),
                ("null", "no code", "no reason given"),
            ] {
                let expected = Fault::Refused { code: code.to_owned(), message: message.to_owned() };
                assert_eq!(ids(&answer(status, &of(messages))), Err(expected), "{status} {messages}");
            }
        }
        // Messages of another shape take nothing from the verdict.
        let refused = ids(&answer(200, &of(r#"{"msg":"no"}"#)));
        assert!(matches!(refused, Err(Fault::Refused { .. })), "{refused:?}");
        for body in ["", "<html>", "{}", "[]", r#"{"success":true,"messages":[],"data":[{"rr_id":"1"}]}"#] {
            let expected =
                Fault::Refused { code: "HTTP 400".to_owned(), message: "no reason given".to_owned() };
            assert_eq!(ids(&answer(400, body)), Err(expected), "{body}");
        }
    }
}
