//! Rows as tests and the admin interface see and change them: behind the back of whoever uses the services.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// A row as it is stored. Rows that a SMART's members show are left out: they are the same rows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RowView {
    /// `rr_id`.
    pub id: String,
    /// The server.
    pub server: String,
    /// The view; empty when there is none.
    pub view: String,
    /// The zone.
    pub zone: String,
    /// The owner name, absolute, without trailing dot.
    pub name: String,
    /// The type, such as `A`.
    #[serde(rename = "type")]
    pub record_type: String,
    /// Time to live in seconds.
    pub ttl: u32,
    /// value1 and so on, without the empty ones at the end.
    pub values: Vec<String>,
    /// `rr_class_name`; empty when there is none.
    pub class_name: String,
    /// Class parameters of the row itself; inherited ones are left out.
    pub class_parameters: BTreeMap<String, String>,
    /// A create or edit that is not yet pushed to the DNS server.
    pub pending_create: bool,
    /// A delete that is not yet pushed to the DNS server.
    pub pending_delete: bool,
}

/// A row to be added behind the client's back. Nothing is checked but that the zone is there.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NewRow {
    /// The server; empty means the only one that has the zone.
    #[serde(default)]
    pub server: String,
    /// The view; empty means none, or the only one that has the zone.
    #[serde(default)]
    pub view: String,
    /// The zone; empty means the longest one that contains the name.
    #[serde(default)]
    pub zone: String,
    /// The owner name, absolute; stored without trailing dot.
    pub name: String,
    /// The type.
    #[serde(rename = "type")]
    pub record_type: String,
    /// Time to live in seconds; absent means 3600.
    #[serde(default)]
    pub ttl: Option<u32>,
    /// value1 and so on.
    pub values: Vec<String>,
    /// Class parameters.
    #[serde(default)]
    pub class_parameters: BTreeMap<String, String>,
    /// Stores the values as they are, also such as the appliance would not take or would write differently.
    #[serde(default)]
    pub raw: bool,
}

impl NewRow {
    /// A row in the longest zone that contains the name, on the only server that has it.
    #[must_use]
    pub fn new<const N: usize>(
        name: impl Into<String>,
        record_type: impl Into<String>,
        values: [&str; N],
    ) -> Self {
        Self {
            name: name.into(),
            record_type: record_type.into(),
            values: values.iter().map(|value| (*value).to_owned()).collect(),
            ..Self::default()
        }
    }

    /// On this server.
    #[must_use]
    pub fn server(mut self, server: impl Into<String>) -> Self {
        self.server = server.into();
        self
    }

    /// In this view.
    #[must_use]
    pub fn view(mut self, view: impl Into<String>) -> Self {
        self.view = view.into();
        self
    }

    /// In this zone.
    #[must_use]
    pub fn zone(mut self, zone: impl Into<String>) -> Self {
        self.zone = zone.into();
        self
    }

    /// With this TTL, in seconds.
    #[must_use]
    pub fn ttl(mut self, ttl: u32) -> Self {
        self.ttl = Some(ttl);
        self
    }

    /// With this class parameter.
    #[must_use]
    pub fn class_parameter(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.class_parameters.insert(name.into(), value.into());
        self
    }

    /// Stored byte for byte.
    #[must_use]
    pub fn raw(mut self) -> Self {
        self.raw = true;
        self
    }
}

/// A change to a row behind the client's back. What is absent stays.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RowPatch {
    /// Another owner name in the same zone.
    #[serde(default)]
    pub name: Option<String>,
    /// Another type.
    #[serde(default, rename = "type")]
    pub record_type: Option<String>,
    /// Another TTL, in seconds.
    #[serde(default)]
    pub ttl: Option<u32>,
    /// Other values, stored as they are.
    #[serde(default)]
    pub values: Option<Vec<String>>,
    /// Class parameters to set, and with null to remove.
    #[serde(default)]
    pub class_parameters: BTreeMap<String, Option<String>>,
}

impl RowPatch {
    /// Another TTL, in seconds.
    #[must_use]
    pub fn ttl(ttl: u32) -> Self {
        Self { ttl: Some(ttl), ..Self::default() }
    }

    /// Other values.
    #[must_use]
    pub fn values<const N: usize>(values: [&str; N]) -> Self {
        Self { values: Some(values.iter().map(|value| (*value).to_owned()).collect()), ..Self::default() }
    }

    /// Sets a class parameter.
    #[must_use]
    pub fn set_parameter(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.class_parameters.insert(name.into(), Some(value.into()));
        self
    }

    /// Removes a class parameter.
    #[must_use]
    pub fn remove_parameter(mut self, name: impl Into<String>) -> Self {
        self.class_parameters.insert(name.into(), None);
        self
    }
}

/// Where a zone is, or something that hands down class parameters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Container {
    /// A server, by name.
    Server(String),
    /// A view: server and name.
    View(String, String),
    /// A zone: server, view (empty for none) and name.
    Zone(String, String, String),
}
