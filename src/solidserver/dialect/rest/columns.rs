//! The columns of `/rest` lists.

use serde::Deserialize;

use super::{answer, class_parameters};
use crate::solidserver::dialect::answer::Text;
use crate::solidserver::dialect::row::ListedRow;
use crate::solidserver::dialect::topology::{ListedServer, ListedView, ListedZone};
use crate::solidserver::dialect::{Answer, Fault};

#[derive(Debug, Deserialize)]
struct Server<'a> {
    #[serde(borrow)]
    dns_id: Text<'a>,
    #[serde(borrow)]
    dns_name: Text<'a>,
    #[serde(borrow)]
    dns_type: Text<'a>,
    #[serde(borrow)]
    vdns_parent_id: Text<'a>,
}

#[derive(Debug, Deserialize)]
struct View<'a> {
    #[serde(borrow)]
    dnsview_id: Text<'a>,
    #[serde(borrow)]
    dnsview_name: Text<'a>,
    #[serde(borrow)]
    dns_name: Text<'a>,
    #[serde(borrow, default)]
    delayed_delete_time: Text<'a>,
}

#[derive(Debug, Deserialize)]
struct Zone<'a> {
    #[serde(borrow)]
    dnszone_id: Text<'a>,
    #[serde(borrow)]
    dnszone_name: Text<'a>,
    #[serde(borrow)]
    dnszone_type: Text<'a>,
    #[serde(borrow, default)]
    dnszone_is_rpz: Text<'a>,
    #[serde(borrow)]
    dnsview_name: Text<'a>,
    #[serde(borrow)]
    dns_name: Text<'a>,
    #[serde(borrow, default)]
    delayed_delete_time: Text<'a>,
    #[serde(borrow, default)]
    dnszone_class_parameters: Text<'a>,
}

#[derive(Debug, Deserialize)]
struct Row<'a> {
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
    delayed_create_time: Text<'a>,
    #[serde(borrow, default)]
    delayed_delete_time: Text<'a>,
}

#[derive(Debug, Deserialize)]
struct Count<'a> {
    #[serde(borrow)]
    total: Text<'a>,
}

impl<'a> From<Server<'a>> for ListedServer<'a> {
    fn from(server: Server<'a>) -> Self {
        Self { id: server.dns_id, name: server.dns_name, kind: server.dns_type, smart: server.vdns_parent_id }
    }
}

pub(in crate::solidserver::dialect) fn servers(answer: &Answer) -> Result<Vec<ListedServer<'_>>, Fault> {
    Ok(answer::rows::<Server<'_>>(answer)?.into_iter().map(ListedServer::from).collect())
}

impl<'a> From<View<'a>> for ListedView<'a> {
    fn from(view: View<'a>) -> Self {
        Self {
            id: view.dnsview_id,
            name: view.dnsview_name,
            server: view.dns_name,
            pending_delete: view.delayed_delete_time,
        }
    }
}

pub(in crate::solidserver::dialect) fn views(answer: &Answer) -> Result<Vec<ListedView<'_>>, Fault> {
    Ok(answer::rows::<View<'_>>(answer)?.into_iter().map(ListedView::from).collect())
}

impl<'a> From<Zone<'a>> for ListedZone<'a> {
    fn from(zone: Zone<'a>) -> Self {
        Self {
            id: zone.dnszone_id,
            name: zone.dnszone_name,
            kind: zone.dnszone_type,
            response_policy: zone.dnszone_is_rpz,
            view: zone.dnsview_name,
            server: zone.dns_name,
            pending_delete: zone.delayed_delete_time,
            parameters: class_parameters::shown(zone.dnszone_class_parameters.as_str(), "", ""),
        }
    }
}

pub(in crate::solidserver::dialect) fn zones(answer: &Answer) -> Result<Vec<ListedZone<'_>>, Fault> {
    Ok(answer::rows::<Zone<'_>>(answer)?.into_iter().map(ListedZone::from).collect())
}

impl<'a> From<Row<'a>> for ListedRow<'a> {
    fn from(row: Row<'a>) -> Self {
        Self {
            id: row.rr_id,
            server: row.dns_name,
            zone: row.dnszone_name,
            view: row.dnsview_name,
            owner: row.rr_full_name,
            record_type: row.rr_type,
            ttl: row.ttl,
            values: [row.value1, row.value2, row.value3, row.value4, row.value5, row.value6, row.value7],
            class_name: row.rr_class_name,
            parameters: class_parameters::shown(
                row.rr_class_parameters.as_str(),
                row.rr_class_parameters_properties.as_str(),
                row.rr_class_parameters_inheritance_source.as_str(),
            ),
            pending_create: row.delayed_create_time,
            pending_delete: row.delayed_delete_time,
        }
    }
}

pub(in crate::solidserver::dialect) fn rows(answer: &Answer) -> Result<Vec<ListedRow<'_>>, Fault> {
    Ok(answer::rows::<Row<'_>>(answer)?.into_iter().map(ListedRow::from).collect())
}

pub(in crate::solidserver::dialect) fn counts(answer: &Answer) -> Result<Vec<Text<'_>>, Fault> {
    Ok(answer::rows(answer)?.into_iter().map(|count: Count<'_>| count.total).collect())
}
