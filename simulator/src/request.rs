//! Requests to the appliance's services, whatever way they came.

use std::collections::BTreeMap;

use axum::body::Bytes;
use http::{HeaderMap, Method, Uri};
use percent_encoding::percent_decode_str;

/// What a call does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Operation {
    List,
    Info,
    Count,
    Add,
    Edit,
    Delete,
}

impl Operation {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::List => "list",
            Self::Info => "info",
            Self::Count => "count",
            Self::Add => "add",
            Self::Edit => "edit",
            Self::Delete => "delete",
        }
    }

    pub(crate) fn is_write(self) -> bool {
        matches!(self, Self::Add | Self::Edit | Self::Delete)
    }
}

/// A call: a service and its parameters.
#[derive(Clone, Debug, Default)]
pub(crate) struct ServiceRequest {
    pub(crate) method: String,
    /// The service's name; the whole path where it is no service.
    pub(crate) service: String,
    /// Whether the path is below `/rest/`.
    pub(crate) is_rest: bool,
    /// `None` for a service that is not known.
    pub(crate) operation: Option<Operation>,
    pub(crate) parameters: BTreeMap<String, String>,
}

impl ServiceRequest {
    /// A parameter; an empty one counts as absent, as the appliance sees it.
    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        self.parameters.get(name).map(String::as_str).filter(|text| !text.is_empty())
    }
}

/// A request that cannot be understood at all.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Malformed(pub(crate) String);

/// Reads path, query and body. The appliance takes parameters from all three; the later ones win.
pub(crate) fn read(
    method: &Method,
    uri: &Uri,
    headers: &HeaderMap,
    body: &Bytes,
) -> (ServiceRequest, Result<(), Malformed>) {
    let mut request = ServiceRequest { method: method.to_string(), ..ServiceRequest::default() };
    if let Some(rest) = uri.path().strip_prefix("/rest/") {
        request.is_rest = true;
        read_rest_path(rest, &mut request);
    } else {
        request.service = uri.path().to_owned();
    }
    if let Some(query) = uri.query() {
        read_form(query.as_bytes(), &mut request.parameters);
    }
    let outcome = read_body(headers, body, &mut request.parameters);
    request.operation = operation(method, &request);
    (request, outcome)
}

/// `<service>[&name=value..][/WHERE/<clause>]`: vendor clients glue `&add_flag=` to a path that has no query.
fn read_rest_path(path: &str, request: &mut ServiceRequest) {
    let (service, tail) = path.split_once('/').unwrap_or((path, ""));
    let (service, glued) = service.split_once('&').unwrap_or((service, ""));
    service.clone_into(&mut request.service);
    read_form(glued.as_bytes(), &mut request.parameters);
    if let Some((name @ ("WHERE" | "ORDERBY" | "SELECT"), clause)) = tail.split_once('/') {
        let text = clause.replace('+', " ");
        request
            .parameters
            .insert(name.to_owned(), percent_decode_str(&text).decode_utf8_lossy().into_owned());
    }
}

fn read_form(text: &[u8], parameters: &mut BTreeMap<String, String>) {
    for (name, value) in form_urlencoded::parse(text) {
        if !name.is_empty() {
            parameters.insert(name.into_owned(), value.into_owned());
        }
    }
}

fn read_body(
    headers: &HeaderMap,
    body: &Bytes,
    parameters: &mut BTreeMap<String, String>,
) -> Result<(), Malformed> {
    if body.iter().all(u8::is_ascii_whitespace) {
        return Ok(());
    }
    let content_type =
        headers.get(http::header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if content_type.starts_with("application/x-www-form-urlencoded") {
        read_form(body, parameters);
        return Ok(());
    }
    let object: serde_json::Map<String, serde_json::Value> = serde_json::from_slice(body)
        .map_err(|error| Malformed(format!("The specified document is not valid JSON data: {error}")))?;
    for (name, value) in object {
        let text = match value {
            serde_json::Value::String(text) => text,
            serde_json::Value::Number(number) => number.to_string(),
            serde_json::Value::Bool(flag) => u8::from(flag).to_string(),
            _ => continue,
        };
        parameters.insert(name, text);
    }
    Ok(())
}

/// The flag of `dns_rr_add`, not the verb, says whether it adds or edits.
fn operation(method: &Method, request: &ServiceRequest) -> Option<Operation> {
    let service = request.service.as_str();
    match service.rsplit_once('_')?.1 {
        _ if !request.is_rest => None,
        "list" => Some(Operation::List),
        "info" => Some(Operation::Info),
        "count" => Some(Operation::Count),
        "delete" => Some(Operation::Delete),
        "add" => Some(match request.parameters.get("add_flag").map(String::as_str) {
            Some("new_only") => Operation::Add,
            Some("edit_only") => Operation::Edit,
            _ if request.text("rr_id").is_some() || method == Method::PUT => Operation::Edit,
            _ => Operation::Add,
        }),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(
        method: &Method,
        uri: &str,
        content_type: &str,
        body: &str,
    ) -> (ServiceRequest, Result<(), Malformed>) {
        let mut headers = HeaderMap::new();
        headers.insert(http::header::CONTENT_TYPE, content_type.parse().unwrap());
        read(method, &uri.parse().unwrap(), &headers, &Bytes::copy_from_slice(body.as_bytes()))
    }

    #[test]
    fn parameters_come_from_path_query_and_body() {
        let (query, _) =
            request(&Method::GET, "/rest/dns_rr_list?WHERE=rr_type%3D'A'+and+1%3D1&limit=5", "", "");
        assert_eq!(query.parameters["WHERE"], "rr_type='A' and 1=1");
        assert_eq!((query.service.as_str(), query.operation), ("dns_rr_list", Some(Operation::List)));
        let (path, _) = request(&Method::GET, "/rest/dns_rr_count/WHERE/dns_id%3D5", "", "");
        assert_eq!((path.parameters["WHERE"].as_str(), path.operation), ("dns_id=5", Some(Operation::Count)));
        let (glued, _) = request(&Method::POST, "/rest/dns_rr_add&add_flag=new_only", "", "");
        assert_eq!(
            (glued.service.as_str(), glued.parameters["add_flag"].as_str()),
            ("dns_rr_add", "new_only")
        );
        let (json, _) =
            request(&Method::DELETE, "/rest/dns_rr_delete?rr_id=1", "application/json", r#"{"rr_id":411}"#);
        assert_eq!(json.parameters["rr_id"], "411");
        let form = "application/x-www-form-urlencoded";
        let (form, _) = request(&Method::POST, "/rest/dns_rr_add", form, "value1=a+b%26c");
        assert_eq!(form.parameters["value1"], "a b&c");
    }

    #[test]
    fn the_flag_decides_whether_a_write_adds_or_edits() {
        let kind = |method, uri| request(method, uri, "", "").0.operation;
        assert_eq!(kind(&Method::PUT, "/rest/dns_rr_add?add_flag=new_only"), Some(Operation::Add));
        assert_eq!(kind(&Method::POST, "/rest/dns_rr_add?add_flag=edit_only"), Some(Operation::Edit));
        assert_eq!(kind(&Method::POST, "/rest/dns_rr_add?rr_name=a"), Some(Operation::Add));
        assert_eq!(kind(&Method::PUT, "/rest/dns_rr_add?rr_name=a"), Some(Operation::Edit));
        assert_eq!(kind(&Method::POST, "/rest/dns_rr_add?rr_id=4"), Some(Operation::Edit));
        assert_eq!(kind(&Method::GET, "/other/dns_rr_list"), None);
    }

    #[test]
    fn a_body_that_is_no_json_object_is_malformed() {
        assert!(request(&Method::POST, "/rest/dns_rr_add", "application/json", "{").1.is_err());
        assert!(request(&Method::POST, "/rest/dns_rr_add", "application/json", "[1]").1.is_err());
        assert!(request(&Method::POST, "/rest/dns_rr_add", "application/json", " ").1.is_ok());
    }
}
