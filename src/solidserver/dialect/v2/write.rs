//! Writes: add, edit and delete of single rows.
//!
//! There is no `add_flag` here. An add or edit that is given an identifier of a row edits that row, one that is not
//! creates one; so:
//!
//! - An add gives no id, and says `check_value=yes`, so that another value at the same name is another row and never the
//!   one that gets edited. Whether an identical row is refused or edited is not documented. It names server, view and
//!   zone, for without a view the appliance writes into all of them.
//! - An edit or delete says the row's id and nothing else that identifies a row, for the reasons that are given for
//!   `/rest`: a stale id has to be answered with "does not exist". Without name, type and server an edit lacks what it
//!   would need to create a row.

use std::borrow::Cow;
use std::collections::BTreeMap;

use reqwest::Method;
use serde_json::{Map, Value, json};

use super::{ROOT, envelope};
use crate::record::{NewRow, Place, RecordData, RowEdit, RowId};
use crate::solidserver::dialect::answer::Text;
use crate::solidserver::dialect::{Answer, Fault, Operation, Request, Warnings};
use crate::solidserver::values;

/// The value parameters, in order.
const VALUES: [&str; 7] =
    ["rr_value1", "rr_value2", "rr_value3", "rr_value4", "rr_value5", "rr_value6", "rr_value7"];

/// Adds a row that is not there yet.
pub(in crate::solidserver::dialect) fn add(place: &Place, row: &NewRow, warnings: Warnings) -> Request {
    let mut body = Body::default();
    body.set("server_name", &*place.server);
    if let Some(view) = &place.view {
        body.set("view_name", &**view);
    }
    body.set("zone_name", place.zone.as_str());
    body.set("rr_name", row.name.as_str());
    body.set("rr_type", row.data.record_type().as_str());
    body.set("check_value", "yes");
    body.content(&row.data, row.ttl, row.class_name.as_ref(), &row.parameters, warnings);
    body.call(Operation::Add, Method::POST, "dns/rr/add")
}

/// Changes a row in place.
pub(in crate::solidserver::dialect) fn edit(id: &RowId, edit: &RowEdit, warnings: Warnings) -> Request {
    let mut body = Body::default();
    // An id that is no number is none that is documented; the appliance may have it as it gave it.
    body.set("rr_id", id.0.parse::<u64>().map_or_else(|_| json!(&*id.0), |number| json!(number)));
    body.content(&edit.data, edit.ttl, edit.class_name.as_ref(), &edit.set_parameters, warnings);
    if !edit.delete_parameters.is_empty() {
        body.set("class_parameters_to_delete", json!(edit.delete_parameters));
    }
    body.call(Operation::Edit, Method::PUT, "dns/rr/edit")
}

/// Deletes a row.
pub(in crate::solidserver::dialect) fn delete(id: &RowId, warnings: Warnings) -> Request {
    let mut parameters = vec![("rr_id", Cow::Owned(id.to_string()))];
    if warnings == Warnings::Accepted {
        parameters.push(("warnings", Cow::Borrowed("accept")));
    }
    Request {
        operation: Operation::Delete,
        method: Method::DELETE,
        root: ROOT,
        service: "dns/rr/delete",
        parameters,
        body: None,
    }
}

/// The id in the answer to a write.
pub(in crate::solidserver::dialect) fn written(answer: &Answer) -> Result<Option<Text<'_>>, Fault> {
    #[derive(serde::Deserialize)]
    struct Written<'a> {
        #[serde(borrow, default)]
        rr_id: Text<'a>,
    }
    let written: Vec<Written<'_>> = envelope::data(answer)?;
    Ok(written.into_iter().next().map(|row| row.rr_id))
}

/// The JSON object of an add or edit.
#[derive(Default)]
struct Body(Map<String, Value>);

impl Body {
    fn set(&mut self, name: &'static str, value: impl Into<Value>) {
        self.0.insert(name.to_owned(), value.into());
    }

    fn content(
        &mut self,
        data: &RecordData,
        ttl: u32,
        class_name: Option<&String>,
        class_parameters: &BTreeMap<String, String>,
        warnings: Warnings,
    ) {
        self.set("rr_ttl", ttl);
        for (name, value) in VALUES.into_iter().zip(values::to_values(data)) {
            self.set(name, value);
        }
        if let Some(class_name) = class_name {
            self.set("rr_class_name", class_name.as_str());
        }
        if !class_parameters.is_empty() {
            let entry = |(name, value): (&String, &String)| json!({"name": name, "value": value});
            self.set("rr_class_parameters", class_parameters.iter().map(entry).collect::<Vec<_>>());
        }
        if warnings == Warnings::Accepted {
            self.set("warnings", "accept");
        }
    }

    fn call(self, operation: Operation, method: Method, service: &'static str) -> Request {
        Request { operation, method, root: ROOT, service, parameters: Vec::new(), body: Some(self.0) }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::record::{Name, RecordType};
    use crate::solidserver::dialect::samples::query;

    fn place(view: Option<&str>) -> Place {
        Place {
            server: "ns.test".into(),
            view: view.map(Into::into),
            zone: Name::parse("example.com").unwrap(),
        }
    }

    fn new_row() -> NewRow {
        NewRow {
            name: Name::parse("www.example.com").unwrap(),
            data: RecordData::parse(RecordType::Mx, "10 mx1.example.com").unwrap(),
            ttl: 600,
            class_name: None,
            parameters: BTreeMap::from([
                ("k8s_owner".to_owned(), "c/n/r".to_owned()),
                ("note".to_owned(), "a&b=c d".to_owned()),
            ]),
        }
    }

    fn row_edit(record_type: RecordType, value: &str) -> RowEdit {
        RowEdit {
            data: RecordData::parse(record_type, value).unwrap(),
            ttl: 900,
            class_name: None,
            set_parameters: BTreeMap::new(),
            delete_parameters: BTreeSet::new(),
        }
    }

    fn address(request: &Request) -> String {
        format!("{} /{}", request.method, request.path().collect::<Vec<_>>().join("/"))
    }

    fn body(request: &Request) -> Value {
        assert_eq!(query(request), []);
        Value::Object(request.body.clone().unwrap())
    }

    #[test]
    fn an_add_names_its_place_and_no_row() {
        let request = add(&place(Some("internal")), &new_row(), Warnings::Heeded);
        assert_eq!(address(&request), "POST /api/v2.0/dns/rr/add");
        let expected = json!({
            "server_name": "ns.test", "view_name": "internal", "zone_name": "example.com",
            "rr_name": "www.example.com", "rr_type": "MX", "check_value": "yes", "rr_ttl": 600,
            "rr_value1": "10", "rr_value2": "mx1.example.com",
            "rr_class_parameters": [
                {"name": "k8s_owner", "value": "c/n/r"}, {"name": "note", "value": "a&b=c d"},
            ],
        });
        assert_eq!(body(&request), expected);
    }

    #[test]
    fn what_is_not_given_is_not_sent() {
        let row = NewRow { parameters: BTreeMap::new(), class_name: Some("mail".to_owned()), ..new_row() };
        let expected = json!({
            "server_name": "ns.test", "zone_name": "example.com", "rr_name": "www.example.com",
            "rr_type": "MX", "check_value": "yes", "rr_ttl": 600, "rr_value1": "10",
            "rr_value2": "mx1.example.com", "rr_class_name": "mail", "warnings": "accept",
        });
        assert_eq!(body(&add(&place(None), &row, Warnings::Accepted)), expected);
    }

    #[test]
    fn an_edit_or_delete_says_which_row_by_its_id_alone() {
        let id = RowId("411".into());
        let change = RowEdit {
            set_parameters: BTreeMap::from([("a".to_owned(), "1".to_owned())]),
            delete_parameters: BTreeSet::from(["b".to_owned(), "c".to_owned()]),
            ..row_edit(RecordType::A, "192.0.2.1")
        };
        let request = edit(&id, &change, Warnings::Heeded);
        assert_eq!(address(&request), "PUT /api/v2.0/dns/rr/edit");
        let expected = json!({
            "rr_id": 411, "rr_ttl": 900, "rr_value1": "192.0.2.1",
            "rr_class_parameters": [{"name": "a", "value": "1"}], "class_parameters_to_delete": ["b", "c"],
        });
        assert_eq!(body(&request), expected);
        let request = delete(&id, Warnings::Heeded);
        assert_eq!(address(&request), "DELETE /api/v2.0/dns/rr/delete");
        assert_eq!((query(&request), &request.body), (vec![("rr_id", "411")], &None));
        let request = delete(&id, Warnings::Accepted);
        assert_eq!(query(&request), [("rr_id", "411"), ("warnings", "accept")]);
        // An id that is no number is given back as it was shown.
        let request = edit(&RowId("r-1".into()), &change, Warnings::Heeded);
        assert_eq!(body(&request)["rr_id"], json!("r-1"));
    }

    #[test]
    fn an_edit_clears_the_fields_that_became_empty() {
        let change = row_edit(RecordType::Https, "0 svc.example.com");
        let expected = json!({
            "rr_id": 1, "rr_ttl": 900, "rr_value1": "0", "rr_value2": "svc.example.com", "rr_value3": "",
        });
        assert_eq!(body(&edit(&RowId("1".into()), &change, Warnings::Heeded)), expected);
    }
}
