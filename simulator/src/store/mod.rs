//! What the appliance holds: servers, views, zones and rows.

mod class_parameters;
mod containers;
mod published;
mod rows;
mod seeding;
mod values;

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};

pub(crate) use class_parameters::{ClassParameter, ClassParameters, Effective, read as read_parameters};
pub(crate) use containers::{Configuration, Container, Settings};
pub(crate) use published::Published;
pub(crate) use rows::{Cause, NewRecord};
pub(crate) use seeding::{ARCHITECTURES, ZONE_TYPES};
pub(crate) use values::{RECORD_TYPES, check_name, normalize_name, normalize_values};

/// A DNS server: stand-alone, a SMART, or a member of one.
#[derive(Debug)]
pub(crate) struct Server {
    pub(crate) id: u64,
    pub(crate) name: String,
    /// The SMART that this server is a member of.
    pub(crate) smart: Option<u64>,
    /// The kind of SMART architecture, where this is one.
    pub(crate) architecture: Option<String>,
    pub(crate) members: Vec<u64>,
    pub(crate) has_views: bool,
    /// The address; made up from the id where none was given.
    pub(crate) address: std::net::Ipv4Addr,
    pub(crate) parameters: ClassParameters,
    pub(crate) configuration: Configuration,
}

/// A view of a server.
#[derive(Debug)]
pub(crate) struct View {
    pub(crate) id: u64,
    pub(crate) server: u64,
    pub(crate) name: String,
    pub(crate) order: usize,
    /// The SMART's view that this one shows on a member.
    pub(crate) copy_of: Option<u64>,
    pub(crate) parameters: ClassParameters,
    pub(crate) configuration: Configuration,
    /// Not pushed yet.
    pub(crate) pending_create: bool,
    /// Its deletion is not pushed yet.
    pub(crate) pending_delete: bool,
}

/// A zone of a server.
#[derive(Debug)]
pub(crate) struct Zone {
    pub(crate) id: u64,
    pub(crate) server: u64,
    pub(crate) view: Option<u64>,
    pub(crate) name: String,
    pub(crate) zone_type: String,
    pub(crate) is_rpz: bool,
    /// The SMART's zone that this one shows on a member.
    pub(crate) copy_of: Option<u64>,
    /// The zones on the members that show this one.
    pub(crate) copies: Vec<u64>,
    pub(crate) parameters: ClassParameters,
    pub(crate) configuration: Configuration,
    /// Not pushed yet.
    pub(crate) pending_create: bool,
    /// Its deletion is not pushed yet.
    pub(crate) pending_delete: bool,
}

/// A row's key inside the program. Unlike its id it never changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct RowKey(u64);

/// A row: one record.
#[derive(Debug)]
pub(crate) struct Row {
    pub(crate) id: u64,
    /// The zone it is in; never a copy on a member.
    pub(crate) zone: u64,
    /// Zone and id of each copy on a member.
    pub(crate) copies: Vec<(u64, u64)>,
    pub(crate) name: String,
    pub(crate) record_type: String,
    pub(crate) ttl: u32,
    pub(crate) values: Vec<String>,
    pub(crate) class_name: String,
    pub(crate) parameters: ClassParameters,
    pub(crate) multistatus: String,
    /// An add or edit that is not pushed yet.
    pub(crate) pending_create: bool,
    /// A delete that is not pushed yet.
    pub(crate) pending_delete: bool,
    /// When the last change is pushed.
    due_ms: u64,
    /// What the DNS server has of it; `None` before the first push.
    published: Option<Published>,
}

/// How new row ids are chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum IdOrder {
    Rising,
    Random,
}

/// Keys of the rows of one zone, by name and by type, both in lower case.
#[derive(Debug, Default)]
struct ZoneIndex {
    names: HashMap<String, BTreeSet<RowKey>>,
    types: HashMap<String, BTreeSet<RowKey>>,
}

#[derive(Debug)]
struct Pending {
    due_ms: u64,
    key: RowKey,
}

/// The content of the appliance. All times are milliseconds since the simulator's start.
#[derive(Debug, Default)]
pub(crate) struct Store {
    servers: BTreeMap<u64, Server>,
    views: BTreeMap<u64, View>,
    zones: BTreeMap<u64, Zone>,
    zones_by_name: HashMap<String, Vec<u64>>,
    rows: HashMap<RowKey, Row>,
    /// Which row an id shows, and in which zone: that of the row or a copy of it.
    ids: HashMap<u64, (RowKey, u64)>,
    /// The ids of a zone, also of a copy, in their order.
    zone_ids: HashMap<u64, BTreeMap<u64, RowKey>>,
    zone_index: HashMap<u64, ZoneIndex>,
    /// Keys of the rows that the DNS server has, by zone and by name with its labels turned round.
    published: HashMap<u64, BTreeMap<String, BTreeSet<RowKey>>>,
    pending: VecDeque<Pending>,
    pending_containers: Vec<containers::Pending>,
    ids_given: u64,
    keys_given: u64,
    containers_given: u64,
}

impl Store {
    pub(crate) fn servers(&self) -> impl Iterator<Item = &Server> {
        self.servers.values()
    }

    pub(crate) fn views(&self) -> impl Iterator<Item = &View> {
        self.views.values()
    }

    pub(crate) fn zones(&self) -> impl Iterator<Item = &Zone> {
        self.zones.values()
    }

    pub(crate) fn rows(&self) -> impl Iterator<Item = &Row> {
        self.rows.values()
    }

    pub(crate) fn server(&self, id: u64) -> Option<&Server> {
        self.servers.get(&id)
    }

    pub(crate) fn view(&self, id: u64) -> Option<&View> {
        self.views.get(&id)
    }

    pub(crate) fn zone(&self, id: u64) -> Option<&Zone> {
        self.zones.get(&id)
    }

    pub(crate) fn row(&self, key: RowKey) -> Option<&Row> {
        self.rows.get(&key)
    }

    /// The row that an id shows, and the zone it shows it in.
    pub(crate) fn by_id(&self, id: u64) -> Option<(RowKey, u64)> {
        self.ids.get(&id).copied()
    }

    pub(crate) fn server_named(&self, name: &str) -> Option<&Server> {
        self.servers.values().find(|server| server.name.eq_ignore_ascii_case(name))
    }

    pub(crate) fn view_named(&self, server: u64, name: &str) -> Option<&View> {
        self.views.values().find(|view| view.server == server && view.name == name)
    }

    /// The zones of this very name on a server.
    pub(crate) fn zones_named<'a>(
        &'a self,
        server: u64,
        name: &str,
    ) -> impl Iterator<Item = &'a Zone> + use<'a> {
        let ids = self.zones_by_name.get(&normalize_name(name));
        ids.into_iter()
            .flatten()
            .filter_map(|id| self.zones.get(id))
            .filter(move |zone| zone.server == server)
    }

    /// The longest zones of a server that contain a name: one per view that has any.
    pub(crate) fn zones_containing(&self, server: u64, name: &str) -> Vec<&Zone> {
        let name = normalize_name(name);
        let mut found: BTreeMap<Option<u64>, &Zone> = BTreeMap::new();
        let mut suffix = Some(name.as_str());
        while let Some(text) = suffix {
            for zone in self.zones_named(server, text) {
                found.entry(zone.view).or_insert(zone);
            }
            suffix = text.split_once('.').map(|(_, rest)| rest);
        }
        found.into_values().collect()
    }

    /// The ids of a zone from a lower bound on, in their order, with the rows they show. Copies that are not pushed yet
    /// are left out.
    pub(crate) fn ids_of_zone(&self, zone: u64, from: u64) -> impl Iterator<Item = (u64, RowKey)> + '_ {
        let ids = self.zone_ids.get(&zone).map(|ids| ids.range(from..));
        ids.into_iter()
            .flatten()
            .map(|(id, key)| (*id, *key))
            .filter(move |(_, key)| self.shown_in(zone, *key))
    }

    /// A member has a row only once it is pushed.
    pub(crate) fn shown_in(&self, zone: u64, key: RowKey) -> bool {
        self.rows.get(&key).is_some_and(|row| row.zone == zone || !row.pending_create)
    }

    /// The id by which a zone, or a copy of it, shows a row.
    pub(crate) fn id_in(&self, zone: u64, key: RowKey) -> Option<u64> {
        let row = self.rows.get(&key)?;
        if row.zone == zone {
            return Some(row.id);
        }
        row.copies.iter().find(|(copy, _)| *copy == zone).map(|(_, id)| *id)
    }

    /// The rows at a name, in the order they were added.
    pub(crate) fn keys_at(&self, zone: u64, name: &str) -> impl Iterator<Item = RowKey> + '_ {
        self.index_of(zone)
            .and_then(|index| index.names.get(&name.to_lowercase()))
            .into_iter()
            .flatten()
            .copied()
    }

    /// The rows of a type, in the order they were added.
    pub(crate) fn keys_of_type(&self, zone: u64, record_type: &str) -> impl Iterator<Item = RowKey> + '_ {
        self.index_of(zone)
            .and_then(|index| index.types.get(&record_type.to_lowercase()))
            .into_iter()
            .flatten()
            .copied()
    }

    fn index_of(&self, zone: u64) -> Option<&ZoneIndex> {
        let zone = self.zones.get(&zone)?;
        self.zone_index.get(&zone.copy_of.unwrap_or(zone.id))
    }

    fn next_container(&mut self) -> u64 {
        self.containers_given += 1;
        self.containers_given
    }
}
