//! Everything that the client sends, held against what the vendor documents of each service: no parameter that is not
//! documented there, for the appliance ignores it without a word; all that are mandatory; each in its place.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use rstest::rstest;
use serde_json::Value;
use solidserver_operator::record::{RecordData, RecordType};
use solidserver_simulator::RecordedRequest;

use super::{Dialect, SERVER, client_with, edit, names, new_row, place, place_in, start, with_rows};

/// What is documented of a service.
struct Documented {
    method: &'static str,
    path: &'static str,
    /// Parameters that may stand in the query.
    query: &'static [&'static str],
    /// Parameters that may stand in a JSON object.
    body: &'static [&'static str],
    /// Sets of parameters of which one has to be there as a whole. None means that nothing is mandatory.
    mandatory: &'static [&'static [&'static str]],
}

const REST_LIST: &[&str] =
    &["WHERE", "ORDERBY", "SELECT", "TAGS", "GROUPBY", "NO_PARENT_CLASS_PARAM", "limit", "offset"];
const REST_COUNT: &[&str] = &["WHERE", "TAGS"];

/// As the appliance describes `dns_rr_add` itself.
const REST_ADD: &[&str] = &[
    "rr_id",
    "dns_id",
    "dns_name",
    "hostaddr",
    "dnszone_id",
    "zone",
    "dnszone_name",
    "dnszone_site_id",
    "dnsview_id",
    "dnsview_name",
    "rr_glue",
    "rr_name",
    "rr_ttl",
    "rr_type",
    "value1",
    "value2",
    "value3",
    "value4",
    "value5",
    "value6",
    "value7",
    "rr_value1",
    "rr_value2",
    "rr_value3",
    "rr_value4",
    "rr_value5",
    "rr_value6",
    "rr_value7",
    "check_value",
    "rr_class_name",
    "rr_class_parameters",
    "rr_class_parameters_properties",
    "class_parameters_to_delete",
    "serial_type",
    "add_flag",
    "validate_warnings",
];

/// As the appliance describes `dns_rr_delete` itself.
const REST_DELETE: &[&str] = &[
    "rr_id",
    "dns_id",
    "dns_name",
    "hostaddr",
    "dnszone_id",
    "zone",
    "dnszone_name",
    "dnszone_site_id",
    "dnsview_id",
    "dnsview_name",
    "rr_name",
    "rr_ttl",
    "rr_type",
    "rr_value1",
    "rr_value2",
    "rr_value3",
    "rr_value4",
    "rr_value5",
    "rr_value6",
    "rr_value7",
    "validate_warnings",
];

const V2_LIST: &[&str] = &["where", "orderby", "select", "limit", "offset", "tags"];
const V2_LIST_OF_CHILDREN: &[&str] =
    &["where", "orderby", "select", "limit", "offset", "tags", "no_parent_class_param"];
const V2_COUNT: &[&str] = &["where", "tags"];

/// `dns_rr_add_input` of the vendor's OpenAPI description (SOLIDserver 8.4).
const V2_ADD: &[&str] = &[
    "server_id",
    "server_name",
    "server_hostaddr",
    "rr_name",
    "rr_type",
    "rr_value1",
    "rr_value2",
    "rr_value3",
    "rr_value4",
    "rr_value5",
    "rr_value6",
    "rr_value7",
    "check_value",
    "view_id",
    "view_name",
    "zone_id",
    "zone_name",
    "zone_space_id",
    "rr_glue",
    "rr_ttl",
    "class_parameters_to_delete",
    "rr_class_name",
    "rr_class_parameters",
    "warnings",
];

/// `dns_rr_edit_input`: the same, and the id.
const V2_EDIT: &[&str] = &[
    "rr_id",
    "server_id",
    "server_name",
    "server_hostaddr",
    "rr_name",
    "rr_type",
    "rr_value1",
    "rr_value2",
    "rr_value3",
    "rr_value4",
    "rr_value5",
    "rr_value6",
    "rr_value7",
    "check_value",
    "view_id",
    "view_name",
    "zone_id",
    "zone_name",
    "zone_space_id",
    "rr_glue",
    "rr_ttl",
    "class_parameters_to_delete",
    "rr_class_name",
    "rr_class_parameters",
    "warnings",
];

const V2_DELETE: &[&str] = &[
    "server_id",
    "server_name",
    "server_hostaddr",
    "rr_id",
    "rr_name",
    "view_id",
    "view_name",
    "zone_id",
    "zone_name",
    "zone_space_id",
    "rr_type",
    "rr_value1",
    "rr_value2",
    "rr_value3",
    "rr_value4",
    "rr_value5",
    "rr_value6",
    "rr_value7",
    "warnings",
];

const fn read(path: &'static str, query: &'static [&'static str]) -> Documented {
    Documented { method: "GET", path, query, body: &[], mandatory: &[] }
}

/// The version is asked of `/rest` in either dialect.
const PROBE: Documented = read("/rest/member_list", REST_LIST);

const REST: [Documented; 12] = [
    PROBE,
    read("/rest/dns_server_list", REST_LIST),
    read("/rest/dns_server_count", REST_COUNT),
    read("/rest/dns_view_list", REST_LIST),
    read("/rest/dns_view_count", REST_COUNT),
    read("/rest/dns_zone_list", REST_LIST),
    read("/rest/dns_zone_count", REST_COUNT),
    read("/rest/dns_rr_list", REST_LIST),
    read("/rest/dns_rr_count", REST_COUNT),
    Documented {
        method: "POST",
        path: "/rest/dns_rr_add",
        query: REST_ADD,
        body: REST_ADD,
        mandatory: &[
            &["rr_name", "rr_type", "value1", "dns_id"],
            &["rr_name", "rr_type", "value1", "dns_name"],
            &["rr_name", "rr_type", "value1", "hostaddr"],
        ],
    },
    Documented {
        method: "PUT",
        path: "/rest/dns_rr_add",
        query: REST_ADD,
        body: REST_ADD,
        mandatory: &[&["rr_id"], &["rr_name", "rr_type", "value1", "dns_name"]],
    },
    Documented {
        method: "DELETE",
        path: "/rest/dns_rr_delete",
        query: REST_DELETE,
        body: &[],
        mandatory: &[&["rr_id"], &["rr_name", "dns_name"]],
    },
];

const V2: [Documented; 12] = [
    PROBE,
    read("/api/v2.0/dns/server/list", V2_LIST),
    read("/api/v2.0/dns/server/count", V2_COUNT),
    read("/api/v2.0/dns/view/list", V2_LIST_OF_CHILDREN),
    read("/api/v2.0/dns/view/count", V2_COUNT),
    read("/api/v2.0/dns/zone/list", V2_LIST_OF_CHILDREN),
    read("/api/v2.0/dns/zone/count", V2_COUNT),
    read("/api/v2.0/dns/rr/list", V2_LIST_OF_CHILDREN),
    read("/api/v2.0/dns/rr/count", V2_COUNT),
    Documented {
        method: "POST",
        path: "/api/v2.0/dns/rr/add",
        query: &[],
        body: V2_ADD,
        mandatory: &[
            &["rr_name", "rr_type", "rr_value1", "server_id"],
            &["rr_name", "rr_type", "rr_value1", "server_name"],
            &["rr_name", "rr_type", "rr_value1", "server_hostaddr"],
        ],
    },
    Documented {
        method: "PUT",
        path: "/api/v2.0/dns/rr/edit",
        query: &[],
        body: V2_EDIT,
        mandatory: &[&["rr_id"], &["rr_name", "rr_type", "rr_value1", "server_name"]],
    },
    Documented {
        method: "DELETE",
        path: "/api/v2.0/dns/rr/delete",
        query: V2_DELETE,
        body: &[],
        mandatory: &[&["rr_id"], &["rr_name", "server_name"]],
    },
];

/// JSON types of what v2 takes in an object, apart from texts.
const V2_TYPES: [(&str, &str); 8] = [
    ("rr_id", "integer"),
    ("rr_ttl", "integer"),
    ("server_id", "integer"),
    ("view_id", "integer"),
    ("zone_id", "integer"),
    ("zone_space_id", "integer"),
    ("rr_class_parameters", "array"),
    ("class_parameters_to_delete", "array"),
];

const fn documented(dialect: Dialect) -> &'static [Documented] {
    match dialect {
        Dialect::Rest => &REST,
        Dialect::V2 => &V2,
    }
}

/// Does everything that the client can do, in each way that makes it say something else.
async fn everything(dialect: Dialect) -> Vec<RecordedRequest> {
    let simulator = start(dialect, with_rows(150)).await;
    let client = client_with(&simulator, |settings| settings.page_size = 60);
    client.version().await.unwrap();
    client.servers().await.unwrap();
    for server in [SERVER, "views.example.com"] {
        client.views(server).await.unwrap();
        client.zones(server).await.unwrap();
    }
    for place in [place(), place_in("internal")] {
        client.read_zone(&place).await.unwrap();
        client.read_names(&place, &names(0..3)).await.unwrap();
        client.count_rows(&place).await.unwrap();
    }
    // Pages by offset, and the question whether SOA rows are listed at all.
    simulator.set_quirk("ids", "text").unwrap();
    client.read_zone(&place()).await.unwrap();
    simulator.set_quirk("ids", "numeric").unwrap();
    simulator.set_quirk("soa-listed", "no").unwrap();
    super::client(&simulator).read_zone(&place()).await.unwrap();

    let values = [
        (RecordType::A, "192.0.2.1"),
        (RecordType::Aaaa, "2001:db8::1"),
        (RecordType::Caa, "0 issue \"ca.example.com\""),
        (RecordType::Naptr, "10 20 \"u\" \"sip\" \"\" replacement.example.com"),
        (RecordType::Srv, "1 2 443 target.example.com"),
        (RecordType::Https, "0 target.example.com"),
    ];
    for accept_warnings in [false, true] {
        let client = client_with(&simulator, |settings| settings.accept_warnings = accept_warnings);
        for (number, (record_type, value)) in values.iter().enumerate() {
            let owner = format!("sent-{number}.shop.example.com");
            let mut row = new_row(&owner, *record_type, value);
            if accept_warnings {
                row.class_name = Some("web".to_owned());
            }
            let id = client.add(&place(), &row).await.unwrap();
            let mut change = edit(*record_type, value, 77);
            change.set_parameters = [("note".to_owned(), "1".to_owned())].into();
            change.delete_parameters = ["k8s_owner".to_owned(), "other".to_owned()].into();
            change.class_name.clone_from(&row.class_name);
            let id = client.edit(&place(), &id, &change).await.unwrap();
            client.delete(&place(), &id).await.unwrap();
        }
    }
    // Too long for a URL.
    let mut row = new_row("sent.example.org", RecordType::Txt, "x");
    row.data = RecordData::parse(RecordType::Txt, &"'ü\" ;".repeat(1000)).unwrap();
    let id = client.add(&place_in("internal"), &row).await.unwrap();
    let mut change = edit(RecordType::Txt, "x", 77);
    change.data = row.data.clone();
    client.edit(&place_in("internal"), &id, &change).await.unwrap();
    let requests = simulator.requests();
    simulator.shutdown().await;
    requests
}

/// What is wrong with a request.
fn complaints(request: &RecordedRequest, documented: &[Documented]) -> Vec<String> {
    let at = format!("{} {}", request.method, request.path);
    let service = |service: &&Documented| service.method == request.method && service.path == request.path;
    let Some(service) = documented.iter().find(service) else {
        return vec![format!("{at} is no documented service")];
    };
    let (query, body): (Vec<&str>, Vec<&str>) = (
        request.query.iter().map(|(name, _)| &**name).collect(),
        request.body.iter().map(|(name, _)| &**name).collect(),
    );
    let mut complaints = Vec::new();
    for (place, sent, known) in [("query", &query, service.query), ("body", &body, service.body)] {
        for name in sent {
            if !known.contains(name) {
                complaints.push(format!("{at}: {name} is not documented for the {place}"));
            }
        }
    }
    let expected_type = if body.is_empty() { "" } else { "application/json" };
    if request.content_type != expected_type {
        complaints.push(format!("{at}: content type {:?}", request.content_type));
    }
    let sent: BTreeSet<&str> = query.iter().chain(&body).copied().collect();
    if sent.len() < query.len() + body.len() {
        complaints.push(format!("{at}: a parameter is sent twice: {query:?} {body:?}"));
    }
    let is_there = |set: &&&[&str]| set.iter().all(|name| sent.contains(name));
    if !service.mandatory.is_empty() && !service.mandatory.iter().any(|set| is_there(&set)) {
        complaints.push(format!("{at}: what is mandatory is missing: {sent:?}"));
    }
    complaints
}

#[rstest]
#[tokio::test]
async fn what_is_sent_is_documented(#[values(Dialect::Rest, Dialect::V2)] dialect: Dialect) {
    let requests = everything(dialect).await;
    let documented = documented(dialect);
    let complaints: BTreeSet<String> =
        requests.iter().flat_map(|request| complaints(request, documented)).collect();
    assert!(complaints.is_empty(), "{complaints:#?}");

    // Every service was called, and each optional parameter that the client knows was sent at least once.
    let called: BTreeSet<(&str, &str)> =
        requests.iter().map(|request| (&*request.method, &*request.path)).collect();
    let known: BTreeSet<(&str, &str)> =
        documented.iter().map(|service| (service.method, service.path)).collect();
    assert_eq!(called, known);
    let mut sent: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for request in &requests {
        sent.entry(&request.method).or_default().extend(request.names());
    }
    for (method, names) in match dialect {
        Dialect::Rest => [
            ("GET", &["WHERE", "ORDERBY", "limit", "offset", "NO_PARENT_CLASS_PARAM"][..]),
            ("POST", &["dnsview_name", "check_value", "rr_class_name", "validate_warnings", "value6"]),
            ("PUT", &["rr_id", "class_parameters_to_delete", "rr_class_parameters", "validate_warnings"]),
            ("DELETE", &["rr_id", "validate_warnings"]),
        ],
        Dialect::V2 => [
            ("GET", &["where", "orderby", "limit", "offset", "no_parent_class_param"][..]),
            ("POST", &["view_name", "check_value", "rr_class_name", "warnings", "rr_value6"]),
            ("PUT", &["rr_id", "class_parameters_to_delete", "rr_class_parameters", "warnings"]),
            ("DELETE", &["rr_id", "warnings"]),
        ],
    } {
        for name in names {
            assert!(sent[method].contains(name), "{method} never sent {name}: {:?}", sent[method]);
        }
    }
}

#[tokio::test]
async fn values_in_a_json_object_have_the_documented_types() {
    let types: BTreeMap<&str, &str> = V2_TYPES.into();
    let mut seen = 0;
    for request in everything(Dialect::V2).await {
        for (name, value) in &request.body {
            let right = match types.get(&**name).copied().unwrap_or("string") {
                "integer" => value.is_u64(),
                "array" => value.is_array(),
                _ => value.is_string(),
            };
            assert!(right, "{} {name}: {value}", request.path);
            seen += 1;
            let entries = value.as_array().map(Vec::as_slice).unwrap_or_default();
            for entry in entries {
                match &**name {
                    "class_parameters_to_delete" => assert!(entry.is_string(), "{entry}"),
                    _ => assert!(is_class_parameter(entry), "{entry}"),
                }
            }
        }
    }
    assert!(seen > 100, "{seen}");
}

/// An `ApiClassParameterInputEntry`.
fn is_class_parameter(entry: &Value) -> bool {
    let known = ["name", "value", "inheritance", "propagation"];
    let Some(entry) = entry.as_object() else { return false };
    entry.contains_key("name")
        && entry.iter().all(|(name, value)| known.contains(&&**name) && value.is_string())
}

#[test]
fn the_check_sees_what_is_not_documented() {
    let request = |method: &str, path: &str, query: &[&str], body: &[&str]| RecordedRequest {
        method: method.to_owned(),
        path: path.to_owned(),
        query: query.iter().map(|name| ((*name).to_owned(), "1".to_owned())).collect(),
        body: body.iter().map(|name| ((*name).to_owned(), Value::from("1"))).collect(),
        dialect: None,
        service: String::new(),
        object: "rr",
        operation: "other",
        content_type: if body.is_empty() { String::new() } else { "application/json".to_owned() },
        login: "basic",
    };
    let add = "/api/v2.0/dns/rr/add";
    let whole = ["rr_name", "rr_type", "rr_value1", "server_name"];
    for (request, wrong) in [
        (request("POST", add, &[], &whole), ""),
        (request("POST", add, &whole, &[]), "not documented for the query"),
        (request("POST", add, &[], &whole[1..]), "mandatory"),
        (request("POST", add, &[], &[&whole[..], &["value1"]].concat()), "value1 is not documented"),
        (request("PUT", add, &[], &whole), "no documented service"),
        (request("DELETE", "/api/v2.0/dns/rr/delete", &[], &["rr_id"]), "not documented for the body"),
        (request("DELETE", "/api/v2.0/dns/rr/delete", &["rr_id", "rr_id"], &[]), "twice"),
        (request("GET", "/api/v2.0/dns/rr/list", &["WHERE"], &[]), "WHERE is not documented"),
        (request("GET", "/api/v2.0/dns/rr/list", &["where"], &[]), ""),
    ] {
        let complaints = complaints(&request, &V2).join("; ");
        assert_eq!(complaints.is_empty(), wrong.is_empty(), "{complaints}");
        assert!(complaints.contains(wrong), "{complaints}");
    }
}

/// Where the vendor's description lies beside the repository, the tables above are held against it.
#[test]
fn the_tables_agree_with_the_vendors_description() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/openapi-dns-v2.yaml");
    let Ok(text) = std::fs::read_to_string(path) else { return };
    let description: Value = serde_saphyr::from_str(&text).unwrap();
    for service in &V2[1..] {
        let path = service.path.strip_prefix("/api/v2.0").unwrap();
        let operation = &description["paths"][path][service.method.to_lowercase()];
        let query: BTreeSet<&str> = operation["parameters"]
            .as_array()
            .into_iter()
            .flatten()
            .map(|parameter| parameter["name"].as_str().unwrap())
            .collect();
        assert_eq!(query, service.query.iter().copied().collect(), "{path}");
        let schema = &operation["requestBody"]["content"]["application/json"]["schema"]["$ref"];
        let Some(schema) = schema.as_str() else {
            assert!(service.body.is_empty(), "{path}");
            continue;
        };
        let schema = schema.strip_prefix("#/components/schemas/").unwrap();
        let properties = description["components"]["schemas"][schema]["properties"].as_object().unwrap();
        let body: BTreeSet<&str> = properties.keys().map(|name| &**name).collect();
        assert_eq!(body, service.body.iter().copied().collect(), "{path}");
        let types: BTreeMap<&str, &str> = V2_TYPES.into();
        for (name, property) in properties {
            let expected = types.get(&**name).copied().unwrap_or("string");
            assert_eq!(property["type"], expected, "{path} {name}");
        }
    }
}
