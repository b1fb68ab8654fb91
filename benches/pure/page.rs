//! Answers of an appliance: a page of a zone's list, with all the columns that it has and nobody asked for.

use serde_json::{Map, Value, json};
use solidserver_operator::plan::{Identity, ObjectName, rrset_digest};
use solidserver_operator::record::{Place, RecordData, RecordType};
use solidserver_operator::solidserver::{Dialect, rows_of_page, values::to_values};

use super::zone;

/// Columns of `/rest` that no operator needs, with what they hold in most rows.
const OTHER_REST: &str = include_str!("other_columns.rest.json");
/// The same for `/api/v2.0`.
const OTHER_V2: &str = include_str!("other_columns.v2.json");

/// The body of an answer with the rows of so many RRsets.
pub(crate) struct Page {
    dialect: Dialect,
    place: Place,
    body: Vec<u8>,
    rows: usize,
}

impl Page {
    pub(crate) fn new(dialect: Dialect, rrsets: usize) -> Self {
        let place = zone::place();
        let mut rows = Vec::new();
        for index in 0..rrsets {
            let (record_type, values) = zone::values(index);
            for value in values {
                let id = (1000 + rows.len()).to_string();
                rows.push(match dialect {
                    Dialect::Rest => rest(&place, index, &id, record_type, &value),
                    Dialect::V2 => v2(&place, index, &id, record_type, &value),
                });
            }
        }
        let count = rows.len();
        let body = match dialect {
            Dialect::Rest => Value::Array(rows),
            Dialect::V2 => json!({"success": true, "messages": [], "data": rows}),
        };
        Self { dialect, place, body: body.to_string().into_bytes(), rows: count }
    }

    /// Reads the page; how many rows it has.
    pub(crate) fn read(&self) -> usize {
        rows_of_page(self.dialect, &self.place, self.body.clone()).map_or(0, |rows| rows.len())
    }

    /// Ends the program unless each row is understood.
    pub(crate) fn check(&self) {
        let rows = rows_of_page(self.dialect, &self.place, self.body.clone()).expect("a page");
        assert_eq!(rows.len(), self.rows);
        assert!(rows.iter().all(|row| row.data.is_some() && row.parameters.len() == 3));
    }
}

/// The mark of a row, by key in the order of the alphabet.
fn mark(place: &Place, index: usize, record_type: RecordType) -> Vec<(String, String)> {
    let digest = rrset_digest(place, record_type.as_str(), zone::owner_name(index).as_str());
    let object = ObjectName::new(&format!("team-{}", index % 20), &format!("host-{index}"));
    let identity =
        Identity { cluster: "bench".into(), cluster_uid: "3b1c1a52-6d1e-4c67-9f3e-2f6c2a0d6d7e".into() };
    identity.mark(&object, &digest).into_iter().collect()
}

fn columns(record_type: RecordType, value: &str) -> Vec<String> {
    let mut columns = to_values(&RecordData::parse(record_type, value).expect("a value"));
    columns.resize(7, String::new());
    columns
}

fn row(other: &str, columns: Value) -> Map<String, Value> {
    let mut row: Map<String, Value> = serde_json::from_str(other).expect("columns");
    if let Value::Object(columns) = columns {
        row.extend(columns);
    }
    row
}

fn rest(place: &Place, index: usize, id: &str, record_type: RecordType, value: &str) -> Value {
    let mark = mark(place, index, record_type);
    let packed = |text: &dyn Fn(&str) -> String| {
        let pairs: Vec<String> = mark.iter().map(|(key, value)| format!("{key}={}", text(value))).collect();
        pairs.join("&")
    };
    let mut row = row(
        OTHER_REST,
        json!({
            "errno": "0",
            "rr_id": id,
            "dns_name": &*place.server,
            "dnszone_name": place.zone.as_str(),
            "dnsview_name": place.view.as_deref(),
            "rr_full_name": zone::owner_name(index).as_str(),
            "rr_full_name_utf": zone::owner_name(index).as_str(),
            "rr_type": record_type.as_str(),
            "ttl": "600",
            "rr_all_value": value,
            "rr_class_parameters": packed(&|value| value.replace('/', "%2F")),
            "rr_class_parameters_properties": packed(&|_| "set,propagate".to_owned()),
            "rr_class_parameters_inheritance_source": packed(&|_| format!("real_rr,{id}")),
        }),
    );
    for (number, value) in columns(record_type, value).into_iter().enumerate() {
        row.insert(format!("value{}", number + 1), value.into());
    }
    row.into()
}

fn v2(place: &Place, index: usize, id: &str, record_type: RecordType, value: &str) -> Value {
    let parameters: Vec<Value> = mark(place, index, record_type)
        .into_iter()
        .map(|(name, value)| {
            let source = format!("real_rr,{id}");
            json!({"name": name, "value": value, "inheritance": "set", "propagation": "propagate", "source": source})
        })
        .collect();
    let mut row = row(
        OTHER_V2,
        json!({
            "rr_id": id,
            "server_name": &*place.server,
            "zone_name": place.zone.as_str(),
            "view_name": place.view.as_deref(),
            "rr_full_name": zone::owner_name(index).as_str(),
            "rr_full_name_utf": zone::owner_name(index).as_str(),
            "rr_type": record_type.as_str(),
            "rr_ttl": "600",
            "rr_all_value": value,
            "rr_class_parameters": parameters,
        }),
    );
    for (number, value) in columns(record_type, value).into_iter().enumerate() {
        row.insert(format!("rr_value{}", number + 1), value.into());
    }
    row.into()
}
