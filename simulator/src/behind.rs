//! Changes and views behind the back of whoever uses the services: what the admin interface and tests do.

use std::collections::BTreeMap;

use crate::error::Error;
use crate::record::{Container, NewRow, RowPatch, RowView};
use crate::seed::{SeedServer, SeedView, SeedZone};
use crate::state::State;
use crate::store::{ClassParameter, NewRecord, RowKey, Zone, normalize_name, normalize_values};

impl State {
    /// All rows that are no copies, by id.
    pub(crate) fn row_views(&self) -> Vec<RowView> {
        let mut rows: Vec<_> = self.store.rows().collect();
        rows.sort_unstable_by_key(|row| row.id);
        rows.into_iter().filter_map(|row| self.view_of(row)).collect()
    }

    fn view_of(&self, row: &crate::store::Row) -> Option<RowView> {
        let zone = self.store.zone(row.zone)?;
        let view = zone.view.and_then(|view| self.store.view(view));
        Some(RowView {
            id: row.id.to_string(),
            server: self.store.server(zone.server)?.name.clone(),
            view: view.map(|view| view.name.clone()).unwrap_or_default(),
            zone: zone.name.clone(),
            name: row.name.clone(),
            record_type: row.record_type.clone(),
            ttl: row.ttl,
            values: row.values.clone(),
            class_name: row.class_name.clone(),
            class_parameters: row
                .parameters
                .iter()
                .map(|(name, parameter)| (name.clone(), parameter.value.clone()))
                .collect(),
            pending_create: row.pending_create,
            pending_delete: row.pending_delete,
        })
    }

    /// Adds a row. Nothing is checked but that there is one zone for it.
    pub(crate) fn add_behind(&mut self, new: NewRow, now_ms: u64) -> Result<RowView, Error> {
        let zone = self.zone_for(&new)?;
        let record_type = new.record_type.to_uppercase();
        let values = if new.raw {
            new.values
        } else {
            normalize_values(&record_type, new.values.clone(), &self.quirks).unwrap_or(new.values)
        };
        let record = NewRecord {
            zone,
            name: if new.raw { new.name } else { normalize_name(&new.name) },
            record_type,
            ttl: new.ttl.unwrap_or(3600),
            values,
            class_name: String::new(),
            parameters: new
                .class_parameters
                .into_iter()
                .map(|(name, value)| (name, ClassParameter::new(value)))
                .collect(),
            multistatus: String::new(),
        };
        let cause = self.immediate(now_ms);
        let key = self.store.add_row(record, cause);
        self.shown(key)
    }

    pub(crate) fn patch_behind(&mut self, id: &str, patch: RowPatch, now_ms: u64) -> Result<RowView, Error> {
        let key = self.key_of(id)?;
        let cause = self.immediate(now_ms);
        self.store.change_row(key, cause, false, |row| {
            row.ttl = patch.ttl.unwrap_or(row.ttl);
            if let Some(name) = patch.name {
                row.name = normalize_name(&name);
            }
            if let Some(record_type) = patch.record_type {
                row.record_type = record_type.to_uppercase();
            }
            if let Some(values) = patch.values {
                row.values = values;
            }
            for (name, value) in patch.class_parameters {
                match value {
                    Some(value) => row.parameters.insert(name, ClassParameter::new(value)),
                    None => row.parameters.remove(&name),
                };
            }
        });
        self.shown(key)
    }

    pub(crate) fn delete_behind(&mut self, id: &str, now_ms: u64) -> Result<(), Error> {
        let key = self.key_of(id)?;
        let cause = self.immediate(now_ms);
        self.store.delete_row(key, cause);
        Ok(())
    }

    pub(crate) fn add_server_behind(&mut self, server: &SeedServer, now_ms: u64) -> Result<(), Error> {
        let cause = self.immediate(now_ms);
        self.store.seed_server(server, &self.quirks, cause).map(drop)
    }

    pub(crate) fn add_view_behind(
        &mut self,
        server: &str,
        view: &SeedView,
        now_ms: u64,
    ) -> Result<(), Error> {
        let cause = self.immediate(now_ms);
        self.store.seed_view(server, view, &self.quirks, cause).map(drop)
    }

    pub(crate) fn add_zone_behind(
        &mut self,
        server: &str,
        view: &str,
        zone: &SeedZone,
        now_ms: u64,
    ) -> Result<(), Error> {
        let cause = self.immediate(now_ms);
        self.store.seed_zone(server, view, zone, &self.quirks, cause).map(drop)
    }

    /// Copies the rows of a zone, SOA and NS aside, with their class parameters into another zone.
    pub(crate) fn copy_rows(
        &mut self,
        from: &Container,
        to: &Container,
        now_ms: u64,
    ) -> Result<usize, Error> {
        let (from, to) = (self.zone_of(from)?, self.zone_of(to)?);
        let apex = |state: &Self, zone| {
            state.store.zone(zone).map(|zone: &Zone| zone.name.clone()).unwrap_or_default()
        };
        let (old_apex, new_apex) = (apex(self, from), apex(self, to));
        let keys: Vec<RowKey> = self.store.ids_of_zone(from, 0).map(|(_, key)| key).collect();
        let cause = self.immediate(now_ms);
        let mut copied = 0;
        for key in keys {
            let Some(row) = self.store.row(key) else { continue };
            if row.record_type == "SOA" || row.record_type == "NS" && row.name == old_apex {
                continue;
            }
            let front = row.name.strip_suffix(&old_apex).unwrap_or(&row.name);
            let record = NewRecord {
                zone: to,
                name: format!("{front}{new_apex}"),
                record_type: row.record_type.clone(),
                ttl: row.ttl,
                values: row.values.clone(),
                class_name: row.class_name.clone(),
                parameters: row.parameters.clone(),
                multistatus: String::new(),
            };
            self.store.add_row(record, cause);
            copied += 1;
        }
        Ok(copied)
    }

    pub(crate) fn set_parameters(
        &mut self,
        container: &Container,
        parameters: BTreeMap<String, Option<String>>,
    ) -> Result<(), Error> {
        self.store.set_container_parameters(container, parameters)
    }

    fn zone_of(&self, container: &Container) -> Result<u64, Error> {
        let Container::Zone(server, view, name) = container else {
            return Err(Error::Seed(format!("{container:?} is no zone")));
        };
        let server = self
            .store
            .server_named(server)
            .ok_or_else(|| Error::Seed(format!("there is no server {server}")))?;
        self.store.zone_id(server.id, view, name)
    }

    fn zone_for(&self, new: &NewRow) -> Result<u64, Error> {
        let store = &self.store;
        let servers = store.servers().filter(|server| server.smart.is_none());
        let servers =
            servers.filter(|server| new.server.is_empty() || server.name == normalize_name(&new.server));
        let zones: Vec<&Zone> = servers
            .flat_map(|server| {
                if new.zone.is_empty() {
                    store.zones_containing(server.id, &new.name)
                } else {
                    store.zones_named(server.id, &new.zone).collect()
                }
            })
            .filter(|zone| {
                let view = zone.view.and_then(|view| store.view(view));
                new.view.is_empty() || view.is_some_and(|view| view.name == new.view)
            })
            .collect();
        match zones.as_slice() {
            [only] => Ok(only.id),
            [] => Err(Error::Seed(format!(
                "no zone for {} on {:?} in view {:?}",
                new.name, new.server, new.view
            ))),
            several => Err(Error::Seed(format!(
                "{} zones for {}: name server, view and zone",
                several.len(),
                new.name
            ))),
        }
    }

    fn key_of(&self, id: &str) -> Result<RowKey, Error> {
        let found = id.parse().ok().and_then(|id| self.store.by_id(id));
        found.map(|(key, _)| key).ok_or_else(|| Error::UnknownRow(id.to_owned()))
    }

    fn shown(&self, key: RowKey) -> Result<RowView, Error> {
        let row = self.store.row(key).and_then(|row| self.view_of(row));
        row.ok_or_else(|| Error::UnknownRow("that was just written".to_owned()))
    }
}
