//! Records: what a list shows of them, checked against the filter and turned into rows.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::Fault;
use super::answer::Text;
use super::class_parameters::{Origin, Shown};
use super::list::{Filter, is_in};
use crate::record::{Name, RecordType, Row, RowId, RowType};
use crate::solidserver::values;

/// What matters here of a row's columns, of about sixty.
#[derive(Debug)]
pub(super) struct ListedRow<'a> {
    pub(super) id: Text<'a>,
    pub(super) server: Text<'a>,
    pub(super) zone: Text<'a>,
    pub(super) view: Text<'a>,
    pub(super) owner: Text<'a>,
    pub(super) record_type: Text<'a>,
    pub(super) ttl: Text<'a>,
    pub(super) values: [Text<'a>; 7],
    pub(super) class_name: Text<'a>,
    /// None before SOLIDserver 8.0.
    pub(super) parameters: Vec<Shown>,
    pub(super) pending_create: Text<'a>,
    pub(super) pending_delete: Text<'a>,
}

/// A row of the zone that was asked for.
#[derive(Clone, Debug)]
pub(in crate::solidserver) struct Found {
    /// The row; `None` when its name cannot be understood.
    pub(in crate::solidserver) row: Option<Row>,
    /// It lies at a name that was asked for, and not only in the answer to prove sight.
    pub(in crate::solidserver) asked: bool,
    /// It is the zone's SOA.
    pub(in crate::solidserver) is_soa: bool,
    /// It is an NS row at the zone's apex.
    pub(in crate::solidserver) is_apex_name_server: bool,
    /// Keys among the row's parameters of which the appliance does not say whether the row only inherits them.
    pub(in crate::solidserver) unclear: BTreeSet<String>,
}

impl ListedRow<'_> {
    /// Checks the row against the filter and reads it. Without content for a row of another view whose name differs in
    /// case only.
    pub(super) fn entry(self, filter: Filter<'_>) -> Result<(Arc<str>, Option<Found>), Fault> {
        let id: Arc<str> = self.id.as_str().into();
        if id.is_empty() {
            return Err(Fault::Unreadable("a row without an id".to_owned()));
        }
        let place = filter.place;
        if !is_in(place, self.server.as_str(), self.zone.as_str(), self.view.as_str())? {
            return Ok((id, None));
        }
        let name = Name::parse(self.owner.as_str()).ok();
        let at_apex = name.as_ref() == Some(&place.zone);
        let is_type = |record_type: &str| self.record_type.as_str().eq_ignore_ascii_case(record_type);
        let (is_soa, is_apex_name_server) = (is_type("SOA"), at_apex && is_type("NS"));
        let asked = match (filter.names, &name) {
            (None, _) => true,
            (Some(names), Some(name)) => names.binary_search(&name).is_ok(),
            (Some(_), None) => false,
        };
        if !asked && !is_soa && !is_apex_name_server {
            return Err(Fault::Unreadable(
                "the appliance ignored the filter: a row of another name".to_owned(),
            ));
        }
        let (row, unclear) = match name {
            Some(name) => {
                let (row, unclear) = self.row(&id, name)?;
                (Some(row), unclear)
            }
            None => (None, BTreeSet::new()),
        };
        let is_soa = is_soa && at_apex;
        Ok((id, Some(Found { row, asked, is_soa, is_apex_name_server, unclear })))
    }

    /// Whether the row is an SOA of the server.
    pub(super) fn is_soa_of(&self, server: &str) -> bool {
        self.record_type.as_str().eq_ignore_ascii_case("SOA")
            && self.server.as_str().eq_ignore_ascii_case(server)
    }

    fn row(self, id: &Arc<str>, name: Name) -> Result<(Row, BTreeSet<String>), Fault> {
        let mnemonic = self.record_type.as_str().trim();
        if mnemonic.is_empty() {
            return Err(Fault::Unreadable("a row without a type".to_owned()));
        }
        let record_type: Option<RecordType> = mnemonic.parse().ok();
        let ttl: Option<u32> = self.ttl.as_str().trim().parse().ok();
        let columns = self.values.each_ref().map(Text::as_str);
        let used = columns.iter().rposition(|value| !value.is_empty()).map_or(0, |last| last + 1);
        let columns = &columns[..used];
        // A row without a TTL is no row that could be compared.
        let data = record_type
            .filter(|_| ttl.is_some())
            .and_then(|record_type| values::from_values(record_type, columns).ok());

        let mut parameters = BTreeMap::new();
        let (mut inherited, mut unclear) = (BTreeSet::new(), BTreeSet::new());
        for shown in self.parameters {
            match shown.origin {
                Origin::Inherited => {
                    inherited.insert(shown.key);
                    continue;
                }
                Origin::Unknown => {
                    unclear.insert(shown.key.clone());
                }
                Origin::Row => {}
            }
            parameters.insert(shown.key, shown.value);
        }

        let row = Row {
            id: RowId(Arc::clone(id)),
            name,
            row_type: record_type
                .map_or_else(|| RowType::Other(mnemonic.to_ascii_uppercase().into()), RowType::Managed),
            ttl: ttl.unwrap_or_default(),
            values: columns.iter().map(|value| (*value).to_owned()).collect(),
            data,
            parameters,
            inherited,
            class_name: self.class_name.into_string(),
            pending_create: self.pending_create.is_true(),
            pending_delete: self.pending_delete.is_true(),
        };
        Ok((row, unclear))
    }
}
