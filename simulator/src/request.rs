//! Requests to the appliance's services, whatever way and in whatever dialect they came.

use std::collections::BTreeMap;

use axum::body::Bytes;
use http::{HeaderMap, Method, Uri};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{rest, v2};

/// The two ways to speak to the appliance.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Dialect {
    /// `/rest/<service>`.
    Rest,
    /// `/api/v2.0/<module>/<object>/<action>`.
    V2,
}

/// What a call is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Object {
    /// The appliance itself.
    Member,
    /// A space of its address management.
    Space,
    Server,
    /// An option of a server's DNS software.
    ServerOption,
    View,
    /// An option of a view's DNS software.
    ViewOption,
    Zone,
    Row,
}

impl Object {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Member => "member",
            Self::Space => "space",
            Self::Server => "server",
            Self::ServerOption => "server-option",
            Self::View => "view",
            Self::ViewOption => "view-option",
            Self::Zone => "zone",
            Self::Row => "rr",
        }
    }
}

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
    /// The service as the dialect names it: `dns_rr_list`, `dns/rr/list`; the whole path where it is no service.
    pub(crate) service: String,
    /// The `/rest` service that does the same; the service itself in that dialect.
    pub(crate) rest_service: String,
    /// `None` outside of both.
    pub(crate) dialect: Option<Dialect>,
    /// `None` for a service that is not known.
    pub(crate) object: Option<Object>,
    /// `None` for a service that is not known.
    pub(crate) operation: Option<Operation>,
    /// The parameters by their `/rest` names, which is how the services know them.
    pub(crate) parameters: BTreeMap<String, String>,
    /// The parameters by the names they were sent with. Structured values are JSON.
    pub(crate) sent: BTreeMap<String, String>,
}

impl ServiceRequest {
    /// A parameter; an empty one counts as absent, as the appliance sees it.
    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        self.parameters.get(name).map(String::as_str).filter(|text| !text.is_empty())
    }

    /// The dialect to answer in. Outside of both the appliance has none, and faults speak the older one.
    pub(crate) fn answer_dialect(&self) -> Dialect {
        self.dialect.unwrap_or(Dialect::Rest)
    }

    /// Whether it carries this parameter, by either of its names, with this value.
    pub(crate) fn carries(&self, name: &str, value: &str) -> bool {
        [&self.sent, &self.parameters].iter().any(|known| known.get(name).is_some_and(|sent| sent == value))
    }
}

/// A request that cannot be understood at all.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Malformed(pub(crate) String);

/// Where the parameters of a request stood.
#[derive(Clone, Debug, Default)]
pub(crate) struct Transport {
    pub(crate) query: Vec<(String, String)>,
    pub(crate) body: Vec<(String, Value)>,
}

impl Transport {
    /// `dns_add` takes the password of a DNS server's agent. Nobody here needs it, so it gets into no log.
    fn hide_passwords(&mut self) {
        let query = self.query.iter_mut().filter(|(name, _)| name.ends_with("password"));
        query.for_each(|(_, value)| "***".clone_into(value));
        let body = self.body.iter_mut().filter(|(name, _)| name.ends_with("password"));
        body.for_each(|(_, value)| *value = "***".into());
    }
}

/// Reads path, query and body. The appliance takes parameters from all three; the later ones win.
pub(crate) fn read(
    method: &Method,
    uri: &Uri,
    headers: &HeaderMap,
    body: &Bytes,
) -> (ServiceRequest, Transport, Result<(), Malformed>) {
    let mut transport = Transport {
        query: uri.query().map(|query| read_form(query.as_bytes())).unwrap_or_default(),
        body: Vec::new(),
    };
    let outcome = read_body(headers, body).map(|body| transport.body = body);
    transport.hide_passwords();
    let request = if let Some(path) = uri.path().strip_prefix("/rest/") {
        rest::read(method, path, &transport)
    } else if let Some(path) = uri.path().strip_prefix("/api/v2.0/") {
        v2::read(method, path, &transport)
    } else {
        None
    };
    let unknown = || ServiceRequest {
        method: method.to_string(),
        service: uri.path().to_owned(),
        ..ServiceRequest::default()
    };
    (request.unwrap_or_else(unknown), transport, outcome)
}

pub(crate) fn read_form(text: &[u8]) -> Vec<(String, String)> {
    form_urlencoded::parse(text).into_owned().filter(|(name, _)| !name.is_empty()).collect()
}

fn read_body(headers: &HeaderMap, body: &Bytes) -> Result<Vec<(String, Value)>, Malformed> {
    if body.iter().all(u8::is_ascii_whitespace) {
        return Ok(Vec::new());
    }
    let content_type =
        headers.get(http::header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if content_type.starts_with("application/x-www-form-urlencoded") {
        return Ok(read_form(body).into_iter().map(|(name, value)| (name, Value::String(value))).collect());
    }
    let object: serde_json::Map<String, Value> = serde_json::from_slice(body)
        .map_err(|error| Malformed(format!("The specified document is not valid JSON data: {error}")))?;
    Ok(object.into_iter().collect())
}

/// A value as a parameter carries it; `None` for what is no single value.
pub(crate) fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(flag) => Some(u8::from(*flag).to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
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
        let body = Bytes::copy_from_slice(body.as_bytes());
        let (request, _, outcome) = read(method, &uri.parse().unwrap(), &headers, &body);
        (request, outcome)
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
        for path in ["/rest/dns_rr_add", "/api/v2.0/dns/rr/add"] {
            assert!(request(&Method::POST, path, "application/json", "{").1.is_err());
            assert!(request(&Method::POST, path, "application/json", "[1]").1.is_err());
            assert!(request(&Method::POST, path, "application/json", " ").1.is_ok());
        }
    }

    #[test]
    fn both_dialects_name_the_same_service() {
        let (rest, _) = request(&Method::GET, "/rest/dns_zone_list?WHERE=dns_id%3D5", "", "");
        let (v2, _) = request(&Method::GET, "/api/v2.0/dns/zone/list?where=server_id%3D5", "", "");
        assert_eq!((v2.object, v2.operation), (Some(Object::Zone), Some(Operation::List)));
        assert_eq!((v2.object, v2.operation), (rest.object, rest.operation));
        assert_eq!((v2.service.as_str(), v2.rest_service.as_str()), ("dns/zone/list", "dns_zone_list"));
        assert_eq!((rest.dialect, v2.dialect), (Some(Dialect::Rest), Some(Dialect::V2)));
        assert!(v2.carries("where", "server_id=5") && v2.carries("WHERE", "server_id=5"));
        assert!(!v2.carries("where", "server_id=6"));
    }
}
