//! Answers of `/rest`: arrays of flat objects, errors in two shapes, or nothing at all.

use crate::solidserver::dialect::answer::{Text, contents, describe, refused};
use crate::solidserver::dialect::{Answer, Fault};

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
    let complaint = |body: &str| if may_complain(body) { complaint(body) } else { None };
    let Some(body) = contents(answer, complaint)? else { return Ok(Vec::new()) };
    serde_json::from_str(body).map_err(|error| Fault::Unreadable(describe(body, &error)))
}

/// Whether a body could hold a complaint: a quick look, so that long lists are not parsed twice. Every row of a list
/// carries `"errno":"0"`; anything else is worth a closer look.
fn may_complain(body: &str) -> bool {
    let is_other_than_zero = |rest: &str| {
        let rest = rest.trim_start();
        !rest.strip_prefix(':').map_or(rest, str::trim_start).starts_with("\"0\"")
    };
    // One search for both columns: it goes through every octet of a page.
    let mut columns = body.match_indices("\"err").map(|(begin, key)| &body[begin + key.len()..]);
    !body.starts_with('[')
        || columns.any(|rest| {
            rest.starts_with("msg\"") || rest.strip_prefix("no\"").is_some_and(is_other_than_zero)
        })
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
    let code = if error.errno.is_empty() { "no errno" } else { error.errno.as_str() };
    Some(refused(code, &message))
}

#[cfg(test)]
mod tests {
    use reqwest::StatusCode;

    use super::*;
    use crate::solidserver::dialect::samples::answer;

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
}
