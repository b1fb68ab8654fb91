//! Records: the columns of `dns_rr_list`, checked against the filter and turned into rows.

use std::collections::{BTreeMap, BTreeSet};

use super::answer::Text;
use super::list::{Filter, is_in};
use crate::record::{Name, RecordType, Row, RowId, RowType};
use crate::solidserver::dialect::Fault;
use crate::solidserver::dialect::class_parameters::{self, Origin};
use crate::solidserver::values;

/// The columns that matter here, of about sixty.
#[derive(Debug, serde::Deserialize)]
pub(super) struct Columns<'a> {
    #[serde(borrow)]
    rr_id: Text<'a>,
    #[serde(borrow)]
    dns_name: Text<'a>,
    #[serde(borrow)]
    dnszone_name: Text<'a>,
    #[serde(borrow)]
    dnsview_name: Text<'a>,
    #[serde(borrow)]
    rr_full_name: Text<'a>,
    #[serde(borrow)]
    rr_type: Text<'a>,
    /// Sent as `rr_ttl`, shown as `ttl`.
    #[serde(borrow)]
    ttl: Text<'a>,
    #[serde(borrow, default)]
    value1: Text<'a>,
    #[serde(borrow, default)]
    value2: Text<'a>,
    #[serde(borrow, default)]
    value3: Text<'a>,
    #[serde(borrow, default)]
    value4: Text<'a>,
    #[serde(borrow, default)]
    value5: Text<'a>,
    #[serde(borrow, default)]
    value6: Text<'a>,
    #[serde(borrow, default)]
    value7: Text<'a>,
    #[serde(borrow, default)]
    rr_class_name: Text<'a>,
    /// Absent before SOLIDserver 8.0, as are the next two.
    #[serde(borrow, default)]
    rr_class_parameters: Text<'a>,
    #[serde(borrow, default)]
    rr_class_parameters_properties: Text<'a>,
    #[serde(borrow, default)]
    rr_class_parameters_inheritance_source: Text<'a>,
    #[serde(borrow, default)]
    delayed_delete_time: Text<'a>,
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

impl Columns<'_> {
    /// Checks the row against the filter and reads it. Without content for a row of another view whose name differs in
    /// case only.
    pub(super) fn entry(self, filter: Filter<'_>) -> Result<(String, Option<Found>), Fault> {
        let id = self.rr_id.as_str().to_owned();
        if id.is_empty() {
            return Err(Fault::Unreadable("a row without an id".to_owned()));
        }
        let place = filter.place;
        if !is_in(place, self.dns_name.as_str(), self.dnszone_name.as_str(), self.dnsview_name.as_str())? {
            return Ok((id, None));
        }
        let name = Name::parse(self.rr_full_name.as_str()).ok();
        let at_apex = name.as_ref() == Some(&place.zone);
        let is_type = |record_type: &str| self.rr_type.as_str().eq_ignore_ascii_case(record_type);
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
        self.rr_type.as_str().eq_ignore_ascii_case("SOA")
            && self.dns_name.as_str().eq_ignore_ascii_case(server)
    }

    fn row(&self, id: &str, name: Name) -> Result<(Row, BTreeSet<String>), Fault> {
        let mnemonic = self.rr_type.as_str().trim();
        if mnemonic.is_empty() {
            return Err(Fault::Unreadable("a row without a type".to_owned()));
        }
        let record_type: Option<RecordType> = mnemonic.parse().ok();
        let ttl: Option<u32> = self.ttl.as_str().trim().parse().ok();
        let columns = [
            &self.value1,
            &self.value2,
            &self.value3,
            &self.value4,
            &self.value5,
            &self.value6,
            &self.value7,
        ]
        .map(Text::as_str);
        let used = columns.iter().rposition(|value| !value.is_empty()).map_or(0, |last| last + 1);
        let columns = &columns[..used];
        // A row without a TTL is no row that could be compared.
        let data = record_type
            .filter(|_| ttl.is_some())
            .and_then(|record_type| values::from_values(record_type, columns).ok());

        let mut parameters = BTreeMap::new();
        let (mut inherited, mut unclear) = (BTreeSet::new(), BTreeSet::new());
        for shown in class_parameters::shown(
            self.rr_class_parameters.as_str(),
            self.rr_class_parameters_properties.as_str(),
            self.rr_class_parameters_inheritance_source.as_str(),
        ) {
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
            id: RowId(id.into()),
            name,
            row_type: record_type
                .map_or_else(|| RowType::Other(mnemonic.to_ascii_uppercase().into()), RowType::Managed),
            ttl: ttl.unwrap_or_default(),
            values: columns.iter().map(|value| (*value).to_owned()).collect(),
            data,
            parameters,
            inherited,
            class_name: self.rr_class_name.as_str().to_owned(),
            pending_delete: self.delayed_delete_time.is_true(),
        };
        Ok((row, unclear))
    }
}
