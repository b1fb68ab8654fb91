//! Filling the store: servers, views, zones, and the rows that every zone begins with.

use std::collections::BTreeMap;

use super::{
    Cause, ClassParameter, ClassParameters, Configuration, NewRecord, Server, Store, View, Zone,
    normalize_name, normalize_values,
};
use crate::error::Error;
use crate::quirk::Quirks;
use crate::record::Container;
use crate::seed::{Seed, SeedRecord, SeedServer, SeedView, SeedZone};

pub(crate) const ZONE_TYPES: [&str; 6] = ["master", "slave", "forward", "stub", "hint", "delegation-only"];
pub(crate) const ARCHITECTURES: [&str; 5] = ["masterslave", "stealth", "multimaster", "single", "farm"];

impl Store {
    pub(crate) fn seed(&mut self, seed: &Seed, quirks: &Quirks, cause: Cause) -> Result<(), Error> {
        seed.servers.iter().try_for_each(|server| self.seed_server(server, quirks, cause).map(drop))
    }

    pub(crate) fn seed_server(
        &mut self,
        seed: &SeedServer,
        quirks: &Quirks,
        cause: Cause,
    ) -> Result<u64, Error> {
        if !seed.views.is_empty() && !seed.zones.is_empty() {
            return Err(Error::Seed(format!(
                "server {} has views, so its zones belong into them",
                seed.name
            )));
        }
        if let Some(kind) = seed.architecture.as_deref().filter(|kind| !ARCHITECTURES.contains(kind)) {
            return Err(Error::Seed(format!("server {}: {kind:?} is none of {ARCHITECTURES:?}", seed.name)));
        }
        let smart = !seed.members.is_empty() || seed.architecture.is_some();
        let architecture =
            smart.then(|| seed.architecture.clone().unwrap_or_else(|| "masterslave".to_owned()));
        let id = self.add_server(&seed.name, None, architecture, own_parameters(&seed.class_parameters))?;
        let mut members = Vec::new();
        for name in &seed.members {
            members.push(self.add_server(name, Some(id), None, ClassParameters::new())?);
        }
        if let Some(server) = self.servers.get_mut(&id) {
            server.members = members;
        }
        for view in &seed.views {
            self.seed_view(&seed.name, view, quirks, cause)?;
        }
        for zone in &seed.zones {
            self.seed_zone(&seed.name, "", zone, quirks, cause)?;
        }
        Ok(id)
    }

    fn add_server(
        &mut self,
        name: &str,
        smart: Option<u64>,
        architecture: Option<String>,
        parameters: ClassParameters,
    ) -> Result<u64, Error> {
        if self.server_named(name).is_some() {
            return Err(Error::Seed(format!("there are two servers {name}")));
        }
        let id = self.next_container();
        let address = std::net::Ipv4Addr::new(10, 0, 0, u8::try_from(id % 250).unwrap_or_default() + 1);
        let server = Server {
            id,
            name: normalize_name(name),
            smart,
            architecture,
            members: Vec::new(),
            has_views: false,
            address,
            parameters,
            configuration: Configuration::default(),
        };
        self.servers.insert(id, server);
        Ok(id)
    }

    pub(crate) fn seed_view(
        &mut self,
        server: &str,
        seed: &SeedView,
        quirks: &Quirks,
        cause: Cause,
    ) -> Result<u64, Error> {
        let (server_id, members) = self.writable_server(server)?;
        if self.view_named(server_id, &seed.name).is_some() {
            return Err(Error::Seed(format!("server {server} has two views {}", seed.name)));
        }
        if self.zones().any(|zone| zone.server == server_id && zone.view.is_none()) {
            return Err(Error::Seed(format!("server {server} has zones outside of views")));
        }
        let order = self.views().filter(|view| view.server == server_id).count();
        let mut copy_of = None;
        for owner in std::iter::once(server_id).chain(members) {
            let id = self.next_container();
            let parameters = if copy_of.is_none() {
                own_parameters(&seed.class_parameters)
            } else {
                ClassParameters::new()
            };
            let view = View {
                id,
                server: owner,
                name: seed.name.clone(),
                order,
                copy_of,
                parameters,
                configuration: Configuration::default(),
                pending_create: false,
                pending_delete: false,
            };
            self.views.insert(id, view);
            copy_of.get_or_insert(id);
            if let Some(server) = self.servers.get_mut(&owner) {
                server.has_views = true;
            }
        }
        for zone in &seed.zones {
            self.seed_zone(server, &seed.name, zone, quirks, cause)?;
        }
        copy_of.ok_or_else(|| Error::Seed(format!("there is no server {server}")))
    }

    pub(crate) fn seed_zone(
        &mut self,
        server: &str,
        view: &str,
        seed: &SeedZone,
        quirks: &Quirks,
        cause: Cause,
    ) -> Result<u64, Error> {
        let name = normalize_name(&seed.name);
        if !ZONE_TYPES.contains(&seed.zone_type.as_str()) {
            return Err(Error::Seed(format!(
                "zone {name}: type {:?} is none of {ZONE_TYPES:?}",
                seed.zone_type
            )));
        }
        let (server_id, members) = self.writable_server(server)?;
        let view_id = self.view_id(server_id, view)?;
        if self.zones_named(server_id, &name).any(|zone| zone.view == view_id) {
            return Err(Error::Seed(format!(
                "there are two zones {name} on server {server} in view {view:?}"
            )));
        }
        let id = self.add_zone(server_id, view_id, &name, seed, None);
        for member in members {
            let member_view = self.view_named(member, view).map(|view| view.id);
            let copy = self.add_zone(member, member_view, &name, seed, Some(id));
            if let Some(zone) = self.zones.get_mut(&id) {
                zone.copies.push(copy);
            }
        }
        if seed.zone_type == "master" {
            self.add_apex(id, server_id, &name, cause);
        }
        for record in &seed.records {
            self.seed_record(id, &name, record, quirks, cause)?;
        }
        for number in 0..seed.fill {
            let [_, high, middle, low] = number.to_be_bytes();
            let value = std::net::Ipv4Addr::new(10, high, middle, low).to_string();
            let record = record(id, format!("host-{number}.{name}"), "A", vec![value]);
            self.seed_row(record, cause);
        }
        Ok(id)
    }

    fn add_zone(
        &mut self,
        server: u64,
        view: Option<u64>,
        name: &str,
        seed: &SeedZone,
        copy_of: Option<u64>,
    ) -> u64 {
        let id = self.next_container();
        let parameters =
            if copy_of.is_none() { own_parameters(&seed.class_parameters) } else { ClassParameters::new() };
        let zone = Zone {
            id,
            server,
            view,
            name: name.to_owned(),
            zone_type: seed.zone_type.clone(),
            is_rpz: seed.rpz,
            copy_of,
            copies: Vec::new(),
            parameters,
            configuration: Configuration::default(),
            pending_create: false,
            pending_delete: false,
        };
        self.zones.insert(id, zone);
        self.zones_by_name.entry(name.to_owned()).or_default().push(id);
        id
    }

    /// The SOA row and an NS row for each physical server.
    fn add_apex(&mut self, zone: u64, server: u64, name: &str, cause: Cause) {
        let Some(server) = self.servers.get(&server) else {
            return;
        };
        let mut targets: Vec<String> = server
            .members
            .iter()
            .filter_map(|member| self.servers.get(member))
            .map(|member| member.name.clone())
            .collect();
        if targets.is_empty() {
            targets.push(server.name.clone());
        }
        let primary = targets.first().cloned().unwrap_or_default();
        let soa =
            [primary.as_str(), &format!("root@{name}"), "2026010100", "10800", "3600", "604800", "3600"];
        self.seed_row(record(zone, name.to_owned(), "SOA", soa.map(str::to_owned).to_vec()), cause);
        for target in targets {
            self.seed_row(record(zone, name.to_owned(), "NS", vec![target]), cause);
        }
    }

    fn seed_record(
        &mut self,
        zone: u64,
        zone_name: &str,
        seed: &SeedRecord,
        quirks: &Quirks,
        cause: Cause,
    ) -> Result<(), Error> {
        let name = absolute(&seed.name, zone_name);
        let record_type = seed.record_type.to_uppercase();
        let values = normalize_values(&record_type, seed.values.clone(), quirks)
            .map_err(|problem| Error::Seed(format!("record {name} {record_type}: {problem}")))?;
        let new = NewRecord {
            ttl: seed.ttl.unwrap_or(3600),
            parameters: own_parameters(&seed.class_parameters),
            ..record(zone, name, &record_type, values)
        };
        self.seed_row(new, cause);
        Ok(())
    }

    pub(crate) fn remove_zone(&mut self, server: &str, view: &str, name: &str) -> Result<(), Error> {
        let (server_id, _) = self.writable_server(server)?;
        let id = self.zone_id(server_id, view, name)?;
        self.drop_zone(id);
        Ok(())
    }

    /// Sets class parameters of a server, view or zone; an absent value removes one.
    pub(crate) fn set_container_parameters(
        &mut self,
        container: &Container,
        parameters: BTreeMap<String, Option<String>>,
    ) -> Result<(), Error> {
        let target = match container {
            Container::Server(server) => {
                let (id, _) = self.writable_server(server)?;
                self.servers.get_mut(&id).map(|server| &mut server.parameters)
            }
            Container::View(server, view) => {
                let (server, _) = self.writable_server(server)?;
                let id = self.view_id(server, view)?;
                id.and_then(|id| self.views.get_mut(&id)).map(|view| &mut view.parameters)
            }
            Container::Zone(server, view, name) => {
                let (server, _) = self.writable_server(server)?;
                let id = self.zone_id(server, view, name)?;
                self.zones.get_mut(&id).map(|zone| &mut zone.parameters)
            }
        };
        let target = target.ok_or_else(|| Error::Seed(format!("there is no {container:?}")))?;
        for (name, value) in parameters {
            match value {
                Some(value) => target.insert(name, ClassParameter::new(value)),
                None => target.remove(&name),
            };
        }
        Ok(())
    }

    fn writable_server(&self, name: &str) -> Result<(u64, Vec<u64>), Error> {
        let server =
            self.server_named(name).ok_or_else(|| Error::Seed(format!("there is no server {name}")))?;
        if server.smart.is_some() {
            return Err(Error::Seed(format!("server {name} is a member of a SMART, which it follows")));
        }
        Ok((server.id, server.members.clone()))
    }

    fn view_id(&self, server: u64, view: &str) -> Result<Option<u64>, Error> {
        let has_views = self.server(server).is_some_and(|server| server.has_views);
        match (has_views, view) {
            (false, "") => Ok(None),
            (true, "") => Err(Error::Seed("the server has views, so a view must be named".to_owned())),
            (_, name) => match self.view_named(server, name) {
                Some(view) => Ok(Some(view.id)),
                None => Err(Error::Seed(format!("there is no view {name}"))),
            },
        }
    }

    pub(crate) fn zone_id(&self, server: u64, view: &str, name: &str) -> Result<u64, Error> {
        let view_id = self.view_id(server, view)?;
        self.zones_named(server, name)
            .find(|zone| zone.view == view_id)
            .map(|zone| zone.id)
            .ok_or_else(|| Error::Seed(format!("there is no zone {name} in view {view:?}")))
    }
}

fn record(zone: u64, name: String, record_type: &str, values: Vec<String>) -> NewRecord {
    NewRecord {
        zone,
        name,
        record_type: record_type.to_owned(),
        ttl: 3600,
        values,
        class_name: String::new(),
        parameters: ClassParameters::new(),
        multistatus: String::new(),
    }
}

fn own_parameters(parameters: &BTreeMap<String, String>) -> ClassParameters {
    parameters.iter().map(|(name, value)| (name.clone(), ClassParameter::new(value))).collect()
}

/// A name in a seed file: absolute when it ends in the zone's name, `@` for the apex, else relative.
fn absolute(name: &str, zone: &str) -> String {
    let name = normalize_name(name);
    if name == "@" || name == zone {
        zone.to_owned()
    } else if name.strip_suffix(zone).is_some_and(|front| front.ends_with('.')) {
        name
    } else {
        format!("{name}.{zone}")
    }
}
