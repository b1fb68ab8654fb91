//! Answers: an envelope of `success`, `messages` and `data`, with HTTP status 200 or 400.

use std::fmt::Write as _;

use crate::answer::{Answer, Refusal, push_column, push_member, push_text, shown_id};
use crate::columns::{Column, Context, effective};
use crate::quirk::{QuirkName, Quirks};
use crate::request::Object;

/// Why a call is refused.
pub(crate) fn refusal(refusal: &Refusal, quirks: &Quirks) -> String {
    format!("{{\"success\":false,\"messages\":{},\"data\":[]}}", messages(refusal, quirks))
}

/// The messages of a refusal, as the envelope has them.
pub(crate) fn messages(refusal: &Refusal, quirks: &Quirks) -> String {
    let mut message = String::from("{");
    push_member(&mut message, "msg", &refusal.message);
    push_member(&mut message, "type", &refusal.severity);
    let mut extras = String::from("{");
    if let Some(parameters) = &refusal.parameters {
        push_member(&mut extras, "parameters", parameters);
    }
    extras.push('}');
    if quirks.is(QuirkName::V2Extras, "array") {
        extras = "[]".to_owned();
    }
    // Writing into a String cannot fail.
    let _ = write!(message, ",\"code\":{},\"extras\":{extras}}}", refusal.errno);
    format!("[{message}]")
}

fn data(entries: &str) -> Answer {
    Answer::json(200, format!("{{\"success\":true,\"messages\":[],\"data\":[{entries}]}}"))
}

/// A confirmed write.
pub(crate) fn identifier(object: Object, id: u64, quirks: &Quirks) -> Answer {
    data(&format!("{{\"{}_id\":{}}}", object.as_str(), shown_id(id, quirks)))
}

/// The answer of a count: the one number that is a number.
pub(crate) fn count(rows: &str) -> Answer {
    data(&format!("{{\"count\":{rows}}}"))
}

/// Rows, possibly none.
pub(crate) fn rows(rows: &[Context<'_>], columns: &[&'static Column]) -> Answer {
    let mut entries = String::with_capacity(rows.len() * columns.len() * 32);
    for row in rows {
        if !entries.is_empty() {
            entries.push(',');
        }
        entries.push('{');
        for column in columns {
            if column.name.ends_with("_class_parameters") {
                push_class_parameters(&mut entries, column, row);
            } else {
                push_column(&mut entries, column, row);
            }
        }
        entries.push('}');
    }
    data(&entries)
}

fn push_class_parameters(object: &mut String, column: &Column, context: &Context<'_>) {
    if !object.ends_with('{') {
        object.push(',');
    }
    push_text(object, column.name);
    object.push_str(":[");
    let effective = effective(context, column.level).unwrap_or_default();
    for (index, parameter) in effective.entries(context.display.with_parents).enumerate() {
        if index > 0 {
            object.push(',');
        }
        object.push('{');
        push_member(object, "name", parameter.name);
        push_member(object, "value", parameter.value);
        if context.display.show_properties {
            push_member(object, "inheritance", parameter.inheritance);
            push_member(object, "propagation", parameter.propagation);
        }
        let source = if context.display.name_sources { parameter.source } else { String::new() };
        push_member(object, "source", &source);
        object.push('}');
    }
    object.push(']');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_is_an_envelope() {
        let read: serde_json::Value =
            serde_json::from_str(&refusal(&Refusal::no_such_row(), &Quirks::default())).unwrap();
        let message = serde_json::json!({"code": 20117, "msg": "This RR does not exist", "type": "error", "extras": {}});
        assert_eq!(read, serde_json::json!({"success": false, "messages": [message], "data": []}));
        let read: serde_json::Value =
            serde_json::from_str(&refusal(&Refusal::missing("a/b"), &Quirks::default())).unwrap();
        assert_eq!(read["messages"][0]["extras"], serde_json::json!({"parameters": "a/b"}));
    }

    #[test]
    fn a_count_is_a_number_and_an_id_is_not() {
        let read: serde_json::Value = serde_json::from_str(&count("57").body).unwrap();
        assert_eq!(read, serde_json::json!({"success": true, "messages": [], "data": [{"count": 57}]}));
        let read: serde_json::Value =
            serde_json::from_str(&identifier(Object::Row, 411, &Quirks::default()).body).unwrap();
        assert_eq!(read["data"], serde_json::json!([{"rr_id": "411"}]));
    }
}
