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
