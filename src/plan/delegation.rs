//! Who may write where: the entries of a SolidServer, and what they say of one record.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::record::{Name, RecordType};

/// One entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grant {
    /// The domain for which it counts, with all names below it; `None` for every name.
    pub domain: Option<Name>,
    /// The DNS servers for which it counts.
    pub servers: BTreeSet<Arc<str>>,
    /// The views for which it counts; `None` is a server without views.
    pub views: BTreeSet<Option<Arc<str>>>,
    /// The namespaces that it admits.
    pub namespaces: Namespaces,
    /// The types that it admits; all when absent.
    pub types: Option<BTreeSet<RecordType>>,
    /// The shortest time to live, in seconds.
    pub shortest_ttl: Option<u32>,
    /// The longest.
    pub longest_ttl: Option<u32>,
    /// How many DnsRecords of one namespace may be written by its word.
    pub max_records: Option<u32>,
}

/// The namespaces that an entry admits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Namespaces {
    /// All.
    All,
    /// Those whose labels meet every requirement.
    Labelled(Vec<Requirement>),
}

/// What a label selector asks of a namespace (Kubernetes, LabelSelectorRequirement).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Requirement {
    /// The label has one of these values.
    In(String, BTreeSet<String>),
    /// The label is absent or has none of these values.
    NotIn(String, BTreeSet<String>),
    /// The label is there.
    Exists(String),
    /// The label is absent.
    Absent(String),
    /// An operator that nobody knows: never met.
    Unknown(String),
}

/// The labels of a namespace.
pub type Labels = BTreeMap<String, String>;

/// What a record asks for.
#[derive(Clone, Copy, Debug)]
pub struct Asked<'a> {
    /// Its owner name.
    pub name: &'a Name,
    /// Its type.
    pub record_type: RecordType,
    /// Its time to live, in seconds.
    pub ttl: u32,
    /// The DNS server.
    pub server: &'a str,
    /// The view.
    pub view: Option<&'a str>,
    /// The labels of its namespace; `None` when the namespace is not known.
    pub labels: Option<&'a Labels>,
}

/// Why a record is not granted what it asks for.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Withheld {
    /// No entry speaks of the name on that server and in that view.
    #[error("no entry of spec.zones covers {name} on DNS server {server} ({view}); entries: {entries}")]
    NoEntry {
        /// The name.
        name: Name,
        /// The server.
        server: String,
        /// The view, in words.
        view: String,
        /// The names of the entries, shortened.
        entries: String,
    },
    /// The entry does not admit the namespace.
    #[error(
        "the entry {entry:?} of spec.zones does not admit this namespace; its labels do not match allowedNamespaces"
    )]
    Namespace {
        /// The name of the entry.
        entry: String,
    },
    /// The entry does not admit the type.
    #[error("the entry {entry:?} of spec.zones does not admit type {record_type}; it admits {admitted}")]
    Type {
        /// The name of the entry.
        entry: String,
        /// The type.
        record_type: RecordType,
        /// What it admits.
        admitted: String,
    },
    /// The entry does not admit the time to live.
    #[error("the entry {entry:?} of spec.zones admits a ttl of {shortest} to {longest} seconds, not {ttl}")]
    Ttl {
        /// The name of the entry.
        entry: String,
        /// The time to live asked for.
        ttl: u32,
        /// The shortest.
        shortest: u32,
        /// The longest.
        longest: u32,
    },
}

impl Requirement {
    fn is_met_by(&self, labels: &Labels) -> bool {
        match self {
            Self::In(key, values) => labels.get(key).is_some_and(|value| values.contains(value)),
            Self::NotIn(key, values) => labels.get(key).is_none_or(|value| !values.contains(value)),
            Self::Exists(key) => labels.contains_key(key),
            Self::Absent(key) => !labels.contains_key(key),
            Self::Unknown(_) => false,
        }
    }
}

impl Grant {
    /// Its name as people write it.
    #[must_use]
    pub fn entry(&self) -> &str {
        self.domain.as_ref().map_or("*", Name::as_str)
    }

    fn covers(&self, asked: &Asked<'_>) -> bool {
        self.domain.as_ref().is_none_or(|domain| asked.name.is_at_or_below(domain))
            && self.servers.contains(asked.server)
            && self.views.iter().any(|view| view.as_deref() == asked.view)
    }

    fn length(&self) -> usize {
        self.domain.as_ref().map_or(0, |domain| domain.labels().count())
    }

    fn admits_namespace(&self, labels: Option<&Labels>) -> bool {
        match (&self.namespaces, labels) {
            (Namespaces::All, _) => true,
            (Namespaces::Labelled(requirements), Some(labels)) => {
                requirements.iter().all(|requirement| requirement.is_met_by(labels))
            }
            (Namespaces::Labelled(_), None) => false,
        }
    }

    fn limits(&self, asked: &Asked<'_>) -> Result<(), Withheld> {
        let entry = || self.entry().to_owned();
        if let Some(types) = self.types.as_ref().filter(|types| !types.contains(&asked.record_type)) {
            let admitted: Vec<&str> = types.iter().map(|admitted| admitted.as_str()).collect();
            let (record_type, admitted) = (asked.record_type, admitted.join(", "));
            return Err(Withheld::Type { entry: entry(), record_type, admitted });
        }
        let shortest = self.shortest_ttl.unwrap_or(0);
        let longest = self.longest_ttl.unwrap_or(i32::MAX.unsigned_abs());
        if !(shortest..=longest).contains(&asked.ttl) {
            return Err(Withheld::Ttl { entry: entry(), ttl: asked.ttl, shortest, longest });
        }
        Ok(())
    }
}

/// The entry by whose word a record may be written: its place in the list.
///
/// Of the entries that cover name, server and view, those with the longest name decide alone; a shorter one never grants what they
/// withhold. Entries with one and the same name add up: what any of them grants is granted, by the one that has room for the most
/// records.
///
/// # Errors
/// [`Withheld`] says what keeps it away. Of several entries with one name that withhold it, the one that admits the namespace speaks.
pub fn delegated(grants: &[Grant], asked: &Asked<'_>) -> Result<usize, Withheld> {
    let covering = || grants.iter().enumerate().filter(|(_, grant)| grant.covers(asked));
    let Some(longest) = covering().map(|(_, grant)| grant.length()).max() else {
        return Err(no_entry(grants, asked));
    };
    let (mut withheld, mut granted) = (None, None);
    for (index, grant) in covering().filter(|(_, grant)| grant.length() == longest) {
        if !grant.admits_namespace(asked.labels) {
            withheld.get_or_insert_with(|| Withheld::Namespace { entry: grant.entry().to_owned() });
            continue;
        }
        match grant.limits(asked) {
            Ok(()) => {
                let room = grant.max_records.unwrap_or(u32::MAX);
                granted = granted.filter(|(_, most)| *most >= room).or(Some((index, room)));
            }
            Err(limit) if matches!(withheld, None | Some(Withheld::Namespace { .. })) => {
                withheld = Some(limit);
            }
            Err(_) => {}
        }
    }
    match granted {
        Some((index, _)) => Ok(index),
        None => Err(withheld.unwrap_or_else(|| no_entry(grants, asked))),
    }
}

fn no_entry(grants: &[Grant], asked: &Asked<'_>) -> Withheld {
    let mut entries: Vec<&str> = grants.iter().map(Grant::entry).take(10).collect();
    if grants.len() > entries.len() {
        entries.push("...");
    }
    Withheld::NoEntry {
        name: asked.name.clone(),
        server: asked.server.to_owned(),
        view: asked.view.map_or_else(|| "no view".to_owned(), |view| format!("view {view}")),
        entries: entries.join(", "),
    }
}
