//! Writes: add, edit and delete of single rows.
//!
//! What makes each of them harmless when the world has changed since the reading:
//!
//! - An add says `add_flag=new_only`, for the default (`new_edit`) may edit a row that is there already, and
//!   `check_value=yes`, so that another value at the same name is another row and never the one that gets edited. It names
//!   server, view and zone, for without a view the appliance writes into all of them.
//! - An edit or delete says the row's id and nothing else that identifies a row. Ids change; with name, type or server
//!   beside a stale id the appliance could find *another* row by those (they are the other way to identify one), or
//!   rename the row that has the id now. With the id alone a stale one is answered with "does not exist".
//!   `add_flag=edit_only` keeps an edit from creating a row.

use std::borrow::Cow;
use std::collections::BTreeMap;

use reqwest::Method;

use super::{ROOT, answer, class_parameters};
use crate::record::{NewRow, Place, RecordData, RowEdit, RowId};
use crate::solidserver::dialect::answer::Text;
use crate::solidserver::dialect::{Answer, Fault, Operation, Request, Warnings};
use crate::solidserver::values;

/// The value parameters, in order.
const VALUES: [&str; 7] = ["value1", "value2", "value3", "value4", "value5", "value6", "value7"];

type Parameters = Vec<(&'static str, Cow<'static, str>)>;

/// Adds a row that is not there yet.
pub(in crate::solidserver::dialect) fn add(place: &Place, row: &NewRow, warnings: Warnings) -> Request {
    let mut parameters: Parameters = vec![("dns_name", Cow::Owned(place.server.to_string()))];
    if let Some(view) = &place.view {
        parameters.push(("dnsview_name", Cow::Owned(view.to_string())));
    }
    parameters.push(("dnszone_name", Cow::Owned(place.zone.to_string())));
    parameters.push(("rr_name", Cow::Owned(row.name.to_string())));
    parameters.push(("rr_type", Cow::Borrowed(row.data.record_type().as_str())));
    parameters.push(("check_value", Cow::Borrowed("yes")));
    content(&mut parameters, &row.data, row.ttl, row.class_name.as_ref(), &row.parameters);
    accept(&mut parameters, warnings);
    parameters.push(("add_flag", Cow::Borrowed("new_only")));
    call(Operation::Add, Method::POST, "dns_rr_add", parameters)
}

/// Changes a row in place.
pub(in crate::solidserver::dialect) fn edit(id: &RowId, edit: &RowEdit, warnings: Warnings) -> Request {
    let mut parameters: Parameters = vec![("rr_id", Cow::Owned(id.to_string()))];
    content(&mut parameters, &edit.data, edit.ttl, edit.class_name.as_ref(), &edit.set_parameters);
    if !edit.delete_parameters.is_empty() {
        let keys: Vec<&str> = edit.delete_parameters.iter().map(String::as_str).collect();
        parameters.push(("class_parameters_to_delete", Cow::Owned(keys.join("&"))));
    }
    accept(&mut parameters, warnings);
    parameters.push(("add_flag", Cow::Borrowed("edit_only")));
    call(Operation::Edit, Method::PUT, "dns_rr_add", parameters)
}

/// Deletes a row.
pub(in crate::solidserver::dialect) fn delete(id: &RowId, warnings: Warnings) -> Request {
    let mut parameters: Parameters = vec![("rr_id", Cow::Owned(id.to_string()))];
    accept(&mut parameters, warnings);
    call(Operation::Delete, Method::DELETE, "dns_rr_delete", parameters)
}

/// The id in the answer to a write.
pub(in crate::solidserver::dialect) fn written(answer: &Answer) -> Result<Option<Text<'_>>, Fault> {
    #[derive(serde::Deserialize)]
    struct Written<'a> {
        #[serde(borrow, default)]
        ret_oid: Text<'a>,
    }
    let written: Vec<Written<'_>> = answer::rows(answer)?;
    Ok(written.into_iter().next().map(|row| row.ret_oid))
}

fn content(
    parameters: &mut Parameters,
    data: &RecordData,
    ttl: u32,
    class_name: Option<&String>,
    class_parameters: &BTreeMap<String, String>,
) {
    parameters.push(("rr_ttl", Cow::Owned(ttl.to_string())));
    parameters.extend(VALUES.into_iter().zip(values::to_values(data).into_iter().map(Cow::Owned)));
    if let Some(class_name) = class_name {
        parameters.push(("rr_class_name", Cow::Owned(class_name.clone())));
    }
    if !class_parameters.is_empty() {
        parameters.push(("rr_class_parameters", Cow::Owned(class_parameters::encode(class_parameters))));
    }
}

fn accept(parameters: &mut Parameters, warnings: Warnings) {
    if warnings == Warnings::Accepted {
        parameters.push(("validate_warnings", Cow::Borrowed("accept")));
    }
}

fn call(operation: Operation, method: Method, service: &'static str, parameters: Parameters) -> Request {
    Request { operation, method, root: ROOT, service, parameters, body: None }
}
#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::record::{Name, RecordType};
    use crate::solidserver::dialect::samples::query as parameters;

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

    #[test]
    fn an_add_names_its_place_and_can_only_add() {
        let request = add(&place(Some("internal")), &new_row(), Warnings::Heeded);
        assert_eq!(
            (request.method.as_str(), request.path().collect::<Vec<_>>()),
            ("POST", vec!["rest", "dns_rr_add"])
        );
        let expected = [
            ("dns_name", "ns.test"),
            ("dnsview_name", "internal"),
            ("dnszone_name", "example.com"),
            ("rr_name", "www.example.com"),
            ("rr_type", "MX"),
            ("check_value", "yes"),
            ("rr_ttl", "600"),
            ("value1", "10"),
            ("value2", "mx1.example.com"),
            ("rr_class_parameters", "k8s_owner=c%2Fn%2Fr&note=a%26b%3Dc+d"),
            ("add_flag", "new_only"),
        ];
        assert_eq!(parameters(&request), expected);
    }

    #[test]
    fn what_is_not_given_is_not_sent() {
        let row = NewRow { parameters: BTreeMap::new(), class_name: Some("mail".to_owned()), ..new_row() };
        let request = add(&place(None), &row, Warnings::Accepted);
        let sent = parameters(&request);
        assert!(!sent.iter().any(|(name, _)| matches!(*name, "dnsview_name" | "rr_class_parameters")));
        assert!(sent.contains(&("rr_class_name", "mail")));
        assert!(sent.contains(&("validate_warnings", "accept")));
    }

    #[test]
    fn an_edit_or_delete_says_which_row_by_its_id_alone() {
        let id = RowId("411".into());
        let edit = RowEdit {
            data: RecordData::parse(RecordType::A, "192.0.2.1").unwrap(),
            ttl: 900,
            class_name: None,
            set_parameters: BTreeMap::from([("a".to_owned(), "1".to_owned())]),
            delete_parameters: BTreeSet::from(["b".to_owned(), "c".to_owned()]),
        };
        let request = super::edit(&id, &edit, Warnings::Heeded);
        assert_eq!(
            (request.method.as_str(), request.path().collect::<Vec<_>>()),
            ("PUT", vec!["rest", "dns_rr_add"])
        );
        let expected = [
            ("rr_id", "411"),
            ("rr_ttl", "900"),
            ("value1", "192.0.2.1"),
            ("rr_class_parameters", "a=1"),
            ("class_parameters_to_delete", "b&c"),
            ("add_flag", "edit_only"),
        ];
        assert_eq!(parameters(&request), expected);
        let request = delete(&id, Warnings::Heeded);
        assert_eq!(
            (request.method.as_str(), request.path().collect::<Vec<_>>()),
            ("DELETE", vec!["rest", "dns_rr_delete"])
        );
        assert_eq!(parameters(&request), [("rr_id", "411")]);
    }

    #[test]
    fn an_edit_clears_the_fields_that_became_empty() {
        let edit = RowEdit {
            data: RecordData::parse(RecordType::Https, "0 svc.example.com").unwrap(),
            ttl: 900,
            class_name: None,
            set_parameters: BTreeMap::new(),
            delete_parameters: BTreeSet::new(),
        };
        let request = super::edit(&RowId("1".into()), &edit, Warnings::Heeded);
        let values: Vec<_> =
            parameters(&request).into_iter().filter(|(name, _)| name.starts_with("value")).collect();
        assert_eq!(values, [("value1", "0"), ("value2", "svc.example.com"), ("value3", "")]);
    }
}
