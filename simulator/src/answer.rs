//! Answers in the appliance's shapes.

use http::{HeaderName, StatusCode, header};

use crate::columns::{Column, Comparison, Context};
use crate::filler::Filler;
use crate::quirk::{QuirkName, Quirks};
use crate::request::{Dialect, Object, Operation, ServiceRequest};
use crate::v2;

/// An answer before it is put on the wire.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) content_type: &'static str,
    pub(crate) headers: Vec<(HeaderName, String)>,
    pub(crate) body: String,
    /// What comes instead of the body.
    pub(crate) filler: Option<Filler>,
}

/// Why a call is refused, in the appliance's words.
#[derive(Clone, Debug)]
pub(crate) struct Refusal {
    /// A number of the appliance's. Only 4 (missing parameter) and 20117 (no such row) are known; the others are made
    /// up, and no client may rely on them.
    pub(crate) errno: u32,
    pub(crate) message: String,
    pub(crate) severity: String,
    /// The parameters that the message is about, separated by slashes.
    pub(crate) parameters: Option<String>,
}

const JSON: &str = "application/json";

impl Refusal {
    pub(crate) fn new(errno: u32, message: impl Into<String>) -> Self {
        Self { errno, message: message.into(), severity: "error".to_owned(), parameters: None }
    }

    pub(crate) fn missing(parameters: &str) -> Self {
        Self { parameters: Some(parameters.to_owned()), ..Self::new(4, "Missing parameter") }
    }

    pub(crate) fn no_such_row() -> Self {
        Self::new(20117, "This RR does not exist")
    }

    pub(crate) fn duplicate() -> Self {
        Self::new(20118, "DNS rr already exists")
    }

    pub(crate) fn invalid(message: impl Into<String>) -> Self {
        Self::new(20119, message)
    }

    /// The error as JSON. In `/rest` an object, unless the quirk says otherwise.
    pub(crate) fn body(&self, dialect: Dialect, service: &str, quirks: &Quirks) -> String {
        if dialect == Dialect::V2 {
            return match quirks.get(QuirkName::V2ErrorShape) {
                "array" => v2::messages(self, quirks),
                "rest" => self.rest_body(service, quirks),
                _ => v2::refusal(self, quirks),
            };
        }
        self.rest_body(service, quirks)
    }

    fn rest_body(&self, service: &str, quirks: &Quirks) -> String {
        let mut object = String::from("{");
        push_member(&mut object, "errno", &self.errno.to_string());
        push_member(&mut object, "errmsg", &self.message);
        push_member(&mut object, "severity", &self.severity);
        if let Some(parameters) = &self.parameters {
            push_member(&mut object, "parameters", parameters);
        }
        push_member(&mut object, "service_name", service);
        push_member(&mut object, "category", service);
        object.push('}');
        if quirks.is(QuirkName::ErrorShape, "array") { format!("[{object}]") } else { object }
    }
}

impl Answer {
    pub(crate) fn json(status: u16, body: impl Into<String>) -> Self {
        Self { status, content_type: JSON, headers: Vec::new(), body: body.into(), filler: None }
    }

    /// 200 with a body that is longer than anybody should read.
    pub(crate) fn endless(filler: Filler) -> Self {
        Self { filler: Some(filler), ..Self::json(200, "") }
    }

    /// 204: nothing found.
    pub(crate) fn nothing() -> Self {
        Self::json(204, "")
    }

    /// A confirmed add or edit.
    pub(crate) fn written(request: &ServiceRequest, object: Object, id: u64, quirks: &Quirks) -> Self {
        match request.answer_dialect() {
            Dialect::V2 => {
                let is_add = request.operation == Some(Operation::Add);
                let created = is_add && quirks.is(QuirkName::V2WriteStatus, "201");
                Self { status: if created { 201 } else { 200 }, ..v2::identifier(object, id, quirks) }
            }
            Dialect::Rest if quirks.is(QuirkName::WriteStatus, "200") => Self::identifier(200, id, quirks),
            Dialect::Rest => Self::identifier(201, id, quirks),
        }
    }

    /// A confirmed delete.
    pub(crate) fn deleted(request: &ServiceRequest, object: Object, id: u64, quirks: &Quirks) -> Self {
        match request.answer_dialect() {
            Dialect::V2 => v2::identifier(object, id, quirks),
            Dialect::Rest if quirks.is(QuirkName::DeleteStatus, "204") => Self::nothing(),
            Dialect::Rest => Self::identifier(200, id, quirks),
        }
    }

    /// The answer of a count.
    pub(crate) fn count(request: &ServiceRequest, rows: usize, quirks: &Quirks) -> Self {
        let dialect = request.answer_dialect();
        let is_text = (dialect == Dialect::Rest) != quirks.is(QuirkName::CountType, "swapped");
        let rows = if is_text { format!("\"{rows}\"") } else { rows.to_string() };
        match dialect {
            Dialect::V2 => v2::count(&rows),
            Dialect::Rest => Self::json(200, format!("[{{\"errno\":\"0\",\"total\":{rows}}}]")),
        }
    }

    fn identifier(status: u16, id: u64, quirks: &Quirks) -> Self {
        Self::json(status, format!("[{{\"ret_oid\":{}}}]", shown_id(id, quirks)))
    }

    pub(crate) fn html(status: u16, title: &str) -> Self {
        Self {
            status,
            content_type: "text/html; charset=UTF-8",
            headers: Vec::new(),
            body: format!("<html><head><title>{title}</title></head><body><h1>{title}</h1></body></html>"),
            filler: None,
        }
    }

    pub(crate) fn refusal(refusal: &Refusal, request: &ServiceRequest, quirks: &Quirks) -> Self {
        Self::json(400, refusal.body(request.answer_dialect(), &request.service, quirks))
    }

    pub(crate) fn unauthorized(dialect: Dialect, quirks: &Quirks) -> Self {
        let mut answer = match quirks.get(QuirkName::AuthFailureBody) {
            "json" => {
                Self::json(401, Refusal::new(1, "Authentication failed").body(dialect, "login", quirks))
            }
            "html" => Self::html(401, "401 Unauthorized"),
            _ => Self::json(401, ""),
        };
        answer.headers.push((header::WWW_AUTHENTICATE, "Basic realm=\"SOLIDserver\"".to_owned()));
        answer
    }

    pub(crate) fn forbidden(request: &ServiceRequest, quirks: &Quirks) -> Self {
        match quirks.get(QuirkName::ForbiddenCode) {
            "400" => Self::refusal(&Refusal::new(3, "Permission denied"), request, quirks),
            "200" => Self::disconnected(200),
            _ => Self::disconnected(403),
        }
    }

    /// `{"connected":false}`, the appliance's other way to say no.
    pub(crate) fn disconnected(status: u16) -> Self {
        Self::json(status, "{\"connected\":false}")
    }

    pub(crate) fn into_response(self) -> http::Response<axum::body::Body> {
        let body = match self.filler {
            Some(filler) => axum::body::Body::new(filler),
            None => axum::body::Body::from(self.body),
        };
        let mut response = http::Response::new(body);
        *response.status_mut() =
            StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        if self.status != 204 {
            response
                .headers_mut()
                .insert(header::CONTENT_TYPE, http::HeaderValue::from_static(self.content_type));
        }
        for (name, value) in self.headers {
            if let Ok(value) = value.parse() {
                response.headers_mut().insert(name, value);
            }
        }
        response
    }
}

/// An id as JSON: a text, unless that is planted otherwise.
pub(crate) fn shown_id(id: u64, quirks: &Quirks) -> String {
    if quirks.is(QuirkName::ColumnType, "number") { id.to_string() } else { format!("\"{id}\"") }
}

/// Adds a column to an object. Its value is a text, unless that is planted otherwise.
pub(crate) fn push_column(object: &mut String, column: &Column, context: &Context<'_>) {
    let value = (column.read)(context);
    let is_number = context.display.numbers && column.comparison == Comparison::Number;
    match value.parse::<u64>() {
        Ok(number) if is_number => {
            if !object.ends_with('{') {
                object.push(',');
            }
            push_text(object, column.name);
            object.push_str(&format!(":{number}"));
        }
        _ => push_member(object, column.name, &value),
    }
}

/// Adds `"name":"value"` to an object that is being written, with a comma where one is due.
pub(crate) fn push_member(object: &mut String, name: &str, value: &str) {
    if !object.ends_with('{') {
        object.push(',');
    }
    push_text(object, name);
    object.push(':');
    push_text(object, value);
}

/// Writes a JSON text as PHP does, with `/` as `\/`.
pub(crate) fn push_text(json: &mut String, text: &str) {
    json.push('"');
    let mut plain = 0;
    for (index, byte) in text.bytes().enumerate() {
        let escape = match byte {
            b'"' => "\\\"",
            b'\\' => "\\\\",
            b'/' => "\\/",
            b'\n' => "\\n",
            b'\r' => "\\r",
            b'\t' => "\\t",
            0..=0x1f => "",
            _ => continue,
        };
        json.push_str(text.get(plain..index).unwrap_or_default());
        if escape.is_empty() {
            json.push_str(&format!("\\u{byte:04x}"));
        } else {
            json.push_str(escape);
        }
        plain = index + 1;
    }
    json.push_str(text.get(plain..).unwrap_or_default());
    json.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_survive_json() {
        let text = "a/b \"quoted\" \\ \u{1} \n é 日";
        let mut object = String::from("{");
        push_member(&mut object, "a", text);
        push_member(&mut object, "b", "");
        object.push('}');
        assert!(object.contains("a\\/b"), "{object}");
        let read: serde_json::Value = serde_json::from_str(&object).unwrap();
        assert_eq!(read, serde_json::json!({"a": text, "b": ""}));
    }

    #[test]
    fn a_missing_parameter_looks_as_it_does_on_the_appliance() {
        let body = Refusal::missing("rr_id/rr_name").body(Dialect::Rest, "dns_rr_delete", &Quirks::default());
        assert_eq!(
            body,
            "{\"errno\":\"4\",\"errmsg\":\"Missing parameter\",\"severity\":\"error\",\"parameters\":\"rr_id\\/rr_name\",\
             \"service_name\":\"dns_rr_delete\",\"category\":\"dns_rr_delete\"}"
        );
    }
}
