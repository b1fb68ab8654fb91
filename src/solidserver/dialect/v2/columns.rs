//! The columns of `/api/v2.0` lists.

use serde::Deserialize;

use super::envelope;
use crate::solidserver::dialect::answer::Text;
use crate::solidserver::dialect::class_parameters::{Origin, Shown};
use crate::solidserver::dialect::row::ListedRow;
use crate::solidserver::dialect::topology::{ListedServer, ListedView, ListedZone};
use crate::solidserver::dialect::{Answer, Fault};

#[derive(Debug, Deserialize)]
struct Server<'a> {
    #[serde(borrow)]
    server_id: Text<'a>,
    #[serde(borrow)]
    server_name: Text<'a>,
    #[serde(borrow)]
    server_type: Text<'a>,
    #[serde(borrow)]
    smart_parent_id: Text<'a>,
}

#[derive(Debug, Deserialize)]
struct View<'a> {
    #[serde(borrow)]
    view_id: Text<'a>,
    #[serde(borrow)]
    view_name: Text<'a>,
    #[serde(borrow)]
    server_name: Text<'a>,
    #[serde(borrow, default)]
    view_delayed_delete_time: Text<'a>,
}

#[derive(Debug, Deserialize)]
struct Zone<'a> {
    #[serde(borrow)]
    zone_id: Text<'a>,
    #[serde(borrow)]
    zone_name: Text<'a>,
    #[serde(borrow)]
    zone_type: Text<'a>,
    #[serde(borrow, default)]
    zone_is_rpz: Text<'a>,
    #[serde(borrow)]
    view_name: Text<'a>,
    #[serde(borrow)]
    server_name: Text<'a>,
    #[serde(borrow, default)]
    zone_delayed_delete_time: Text<'a>,
    #[serde(borrow, default)]
    zone_class_parameters: Option<Vec<ClassParameter<'a>>>,
}

#[derive(Debug, Deserialize)]
struct Row<'a> {
    #[serde(borrow)]
    rr_id: Text<'a>,
    #[serde(borrow)]
    server_name: Text<'a>,
    #[serde(borrow)]
    zone_name: Text<'a>,
    #[serde(borrow)]
    view_name: Text<'a>,
    #[serde(borrow)]
    rr_full_name: Text<'a>,
    #[serde(borrow)]
    rr_type: Text<'a>,
    #[serde(borrow)]
    rr_ttl: Text<'a>,
    #[serde(borrow, default)]
    rr_value1: Text<'a>,
    #[serde(borrow, default)]
    rr_value2: Text<'a>,
    #[serde(borrow, default)]
    rr_value3: Text<'a>,
    #[serde(borrow, default)]
    rr_value4: Text<'a>,
    #[serde(borrow, default)]
    rr_value5: Text<'a>,
    #[serde(borrow, default)]
    rr_value6: Text<'a>,
    #[serde(borrow, default)]
    rr_value7: Text<'a>,
    #[serde(borrow, default)]
    rr_class_name: Text<'a>,
    #[serde(borrow, default)]
    rr_class_parameters: Option<Vec<ClassParameter<'a>>>,
    #[serde(borrow, default)]
    rr_delayed_create_time: Text<'a>,
    #[serde(borrow, default)]
    rr_delayed_delete_time: Text<'a>,
}

#[derive(Debug, Deserialize)]
struct ClassParameter<'a> {
    #[serde(borrow)]
    name: Text<'a>,
    #[serde(borrow, default)]
    value: Text<'a>,
    #[serde(borrow, default)]
    inheritance: Option<Text<'a>>,
    #[serde(borrow, default)]
    source: Option<Text<'a>>,
}

impl ClassParameter<'_> {
    fn shown(self) -> Shown {
        // Every column is there, filled or not: an empty text states nothing.
        fn stated<'t>(text: &'t Option<Text<'_>>) -> Option<&'t str> {
            text.as_ref().map(Text::as_str).filter(|text| !text.trim().is_empty())
        }
        let origin = Origin::stated(stated(&self.source), stated(&self.inheritance));
        Shown { key: self.name.into_string(), value: self.value.into_string(), origin }
    }
}

fn shown(parameters: Option<Vec<ClassParameter<'_>>>) -> Vec<Shown> {
    let named = parameters.unwrap_or_default().into_iter().filter(|parameter| !parameter.name.is_empty());
    named.map(ClassParameter::shown).collect()
}

#[derive(Debug, Deserialize)]
struct Count<'a> {
    #[serde(borrow)]
    count: Text<'a>,
}

impl<'a> From<Server<'a>> for ListedServer<'a> {
    fn from(server: Server<'a>) -> Self {
        Self {
            id: server.server_id,
            name: server.server_name,
            kind: server.server_type,
            smart: server.smart_parent_id,
        }
    }
}

pub(in crate::solidserver::dialect) fn servers(answer: &Answer) -> Result<Vec<ListedServer<'_>>, Fault> {
    Ok(envelope::data::<Server<'_>>(answer)?.into_iter().map(ListedServer::from).collect())
}

impl<'a> From<View<'a>> for ListedView<'a> {
    fn from(view: View<'a>) -> Self {
        Self {
            id: view.view_id,
            name: view.view_name,
            server: view.server_name,
            pending_delete: view.view_delayed_delete_time,
        }
    }
}

pub(in crate::solidserver::dialect) fn views(answer: &Answer) -> Result<Vec<ListedView<'_>>, Fault> {
    Ok(envelope::data::<View<'_>>(answer)?.into_iter().map(ListedView::from).collect())
}

impl<'a> From<Zone<'a>> for ListedZone<'a> {
    fn from(zone: Zone<'a>) -> Self {
        Self {
            id: zone.zone_id,
            name: zone.zone_name,
            kind: zone.zone_type,
            response_policy: zone.zone_is_rpz,
            view: zone.view_name,
            server: zone.server_name,
            pending_delete: zone.zone_delayed_delete_time,
            parameters: shown(zone.zone_class_parameters),
        }
    }
}

pub(in crate::solidserver::dialect) fn zones(answer: &Answer) -> Result<Vec<ListedZone<'_>>, Fault> {
    Ok(envelope::data::<Zone<'_>>(answer)?.into_iter().map(ListedZone::from).collect())
}

impl<'a> From<Row<'a>> for ListedRow<'a> {
    fn from(row: Row<'a>) -> Self {
        Self {
            id: row.rr_id,
            server: row.server_name,
            zone: row.zone_name,
            view: row.view_name,
            owner: row.rr_full_name,
            record_type: row.rr_type,
            ttl: row.rr_ttl,
            values: [
                row.rr_value1,
                row.rr_value2,
                row.rr_value3,
                row.rr_value4,
                row.rr_value5,
                row.rr_value6,
                row.rr_value7,
            ],
            class_name: row.rr_class_name,
            parameters: shown(row.rr_class_parameters),
            pending_create: row.rr_delayed_create_time,
            pending_delete: row.rr_delayed_delete_time,
        }
    }
}

pub(in crate::solidserver::dialect) fn rows(answer: &Answer) -> Result<Vec<ListedRow<'_>>, Fault> {
    Ok(envelope::data::<Row<'_>>(answer)?.into_iter().map(ListedRow::from).collect())
}

pub(in crate::solidserver::dialect) fn counts(answer: &Answer) -> Result<Vec<Text<'_>>, Fault> {
    Ok(envelope::data(answer)?.into_iter().map(|count: Count<'_>| count.count).collect())
}
