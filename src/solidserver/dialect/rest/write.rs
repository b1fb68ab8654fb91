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

use super::Rest;
use super::answer::{self, Text};
use crate::record::{NewRow, Place, RecordData, RowEdit, RowId};
use crate::solidserver::dialect::{Answer, Fault, Operation, Request, class_parameters};
use crate::solidserver::values;

/// The value parameters, in order.
const VALUES: [&str; 7] = ["value1", "value2", "value3", "value4", "value5", "value6", "value7"];

type Parameters = Vec<(&'static str, Cow<'static, str>)>;

impl Rest {
    /// Adds a row that is not there yet.
    pub(in crate::solidserver) fn add(self, place: &Place, row: &NewRow) -> Request {
        let mut parameters: Parameters = vec![("dns_name", Cow::Owned(place.server.to_string()))];
        if let Some(view) = &place.view {
            parameters.push(("dnsview_name", Cow::Owned(view.to_string())));
        }
        parameters.push(("dnszone_name", Cow::Owned(place.zone.to_string())));
        parameters.push(("rr_name", Cow::Owned(row.name.to_string())));
        parameters.push(("rr_type", Cow::Borrowed(row.data.record_type().as_str())));
        parameters.push(("check_value", Cow::Borrowed("yes")));
        self.content(&mut parameters, &row.data, row.ttl, row.class_name.as_ref(), &row.parameters);
        parameters.push(("add_flag", Cow::Borrowed("new_only")));
        call(Operation::Add, Method::POST, "dns_rr_add", parameters)
    }

    /// Changes a row in place.
    pub(in crate::solidserver) fn edit(self, id: &RowId, edit: &RowEdit) -> Request {
        let mut parameters: Parameters = vec![("rr_id", Cow::Owned(id.to_string()))];
        self.content(&mut parameters, &edit.data, edit.ttl, edit.class_name.as_ref(), &edit.set_parameters);
        if !edit.delete_parameters.is_empty() {
            let keys: Vec<&str> = edit.delete_parameters.iter().map(String::as_str).collect();
            parameters.push(("class_parameters_to_delete", Cow::Owned(keys.join("&"))));
        }
        parameters.push(("add_flag", Cow::Borrowed("edit_only")));
        call(Operation::Edit, Method::PUT, "dns_rr_add", parameters)
    }

    /// Deletes a row.
    pub(in crate::solidserver) fn delete(self, id: &RowId) -> Request {
        let mut parameters: Parameters = vec![("rr_id", Cow::Owned(id.to_string()))];
        self.warnings(&mut parameters);
        call(Operation::Delete, Method::DELETE, "dns_rr_delete", parameters)
    }

    /// The id that an add or edit answers with. An answer without one is no success: 200 with an empty body and nothing
    /// done is known to occur.
    pub(in crate::solidserver) fn written(self, answer: &Answer) -> Result<RowId, Fault> {
        match written(answer)? {
            Some(id) => Ok(id),
            None => Err(Fault::Unreadable(format!("{} without the row's id", answer.status.as_u16()))),
        }
    }

    /// Whether a delete was answered with success: the row's id, or 204.
    pub(in crate::solidserver) fn deleted(self, answer: &Answer) -> Result<(), Fault> {
        if answer.status == reqwest::StatusCode::NO_CONTENT {
            return Ok(());
        }
        self.written(answer).map(drop)
    }

    fn content(
        self,
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
        self.warnings(parameters);
    }

    fn warnings(self, parameters: &mut Parameters) {
        if self.accept_warnings {
            parameters.push(("validate_warnings", Cow::Borrowed("accept")));
        }
    }
}

fn call(operation: Operation, method: Method, service: &'static str, parameters: Parameters) -> Request {
    Request { operation, method, path: ["rest", service], service, parameters }
}

fn written(answer: &Answer) -> Result<Option<RowId>, Fault> {
    #[derive(serde::Deserialize)]
    struct Written<'a> {
        #[serde(borrow, default)]
        ret_oid: Text<'a>,
    }
    let written: Vec<Written<'_>> = answer::rows(answer)?;
    let id = written.first().map(|row| row.ret_oid.as_str().trim()).filter(|id| !matches!(*id, "" | "0"));
    Ok(id.map(|id| RowId(id.into())))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::super::answer::answer;
    use super::*;
    use crate::record::{Name, RecordType};

    const REST: Rest = Rest { accept_warnings: false };

    fn place(view: Option<&str>) -> Place {
        Place {
            server: "ns.test".into(),
            view: view.map(Into::into),
            zone: Name::parse("example.com").unwrap(),
        }
    }

    fn parameters(request: &Request) -> Vec<(&str, &str)> {
        request.parameters.iter().map(|(name, value)| (*name, &**value)).collect()
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
        let request = REST.add(&place(Some("internal")), &new_row());
        assert_eq!((request.method.as_str(), request.path), ("POST", ["rest", "dns_rr_add"]));
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
        let request = Rest { accept_warnings: true }.add(&place(None), &row);
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
        let request = REST.edit(&id, &edit);
        assert_eq!((request.method.as_str(), request.path), ("PUT", ["rest", "dns_rr_add"]));
        let expected = [
            ("rr_id", "411"),
            ("rr_ttl", "900"),
            ("value1", "192.0.2.1"),
            ("rr_class_parameters", "a=1"),
            ("class_parameters_to_delete", "b&c"),
            ("add_flag", "edit_only"),
        ];
        assert_eq!(parameters(&request), expected);
        let request = REST.delete(&id);
        assert_eq!((request.method.as_str(), request.path), ("DELETE", ["rest", "dns_rr_delete"]));
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
        let request = REST.edit(&RowId("1".into()), &edit);
        let values: Vec<_> =
            parameters(&request).into_iter().filter(|(name, _)| name.starts_with("value")).collect();
        assert_eq!(values, [("value1", "0"), ("value2", "svc.example.com"), ("value3", "")]);
    }

    #[test]
    fn a_write_succeeded_only_if_the_answer_says_so() {
        for status in [200, 201] {
            assert_eq!(REST.written(&answer(status, r#"[{"ret_oid":"411"}]"#)), Ok(RowId("411".into())));
            assert_eq!(REST.written(&answer(status, r#"[{"ret_oid":411}]"#)), Ok(RowId("411".into())));
            for body in [
                "",
                "[]",
                "[{}]",
                r#"[{"ret_oid":""}]"#,
                r#"[{"ret_oid":"0"}]"#,
                r#"{"connected":false}"#,
                "[{\"ret_oid\":\"4",
            ] {
                assert!(matches!(REST.written(&answer(status, body)), Err(Fault::Unreadable(_))), "{body}");
            }
        }
        assert!(matches!(REST.written(&answer(204, "")), Err(Fault::Unreadable(_))));
        assert_eq!(REST.deleted(&answer(204, "")), Ok(()));
        assert_eq!(REST.deleted(&answer(200, r#"[{"ret_oid":"411"}]"#)), Ok(()));
        assert!(matches!(REST.deleted(&answer(200, "")), Err(Fault::Unreadable(_))));
        let refused = r#"{"errno":"20117","errmsg":"This RR does not exist","severity":"error"}"#;
        assert!(
            matches!(REST.deleted(&answer(400, refused)), Err(Fault::Refused { code, .. }) if code == "20117")
        );
    }
}
