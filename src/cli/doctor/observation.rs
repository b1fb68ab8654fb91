//! What was seen of one appliance: values only, which say nothing about what they mean.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use crate::record::{Place, Zone};
use crate::solidserver::{Error, Server, Sight};

/// What was seen. What is `None`, or not in a map, was not looked at.
#[derive(Debug)]
pub(super) struct Observations {
    /// How the appliance is called, or why it cannot be.
    pub(super) route: Result<Route, Unusable>,
    /// The addresses of the host.
    pub(super) addresses: Option<Result<Vec<IpAddr>, String>>,
    /// Those that were connected to; `Some` is why it did not come about.
    pub(super) connections: Option<Vec<(SocketAddr, Option<String>)>>,
    /// The first call: the version, or `None` for an account that may not ask.
    pub(super) version: Seen<Option<String>>,
    /// By how many seconds the appliance's clock is ahead of this machine's.
    pub(super) clock_ahead: Option<i64>,
    /// The DNS servers that the account sees.
    pub(super) servers: Seen<Vec<Server>>,
    /// Views and zones of those that the spec names and that can be written.
    pub(super) offers: BTreeMap<Arc<str>, Offer>,
    /// Zones that were read, and whether they were seen.
    pub(super) sights: BTreeMap<Place, Result<Sight, Trouble>>,
    /// How many more zones would have been.
    pub(super) unread: usize,
    /// Services that count, as far as they were called.
    pub(super) counts: Counts,
}

/// What was asked of the appliance; `None` when it was not.
pub(super) type Seen<T> = Option<Result<T, Trouble>>;

/// How an appliance is called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Route {
    /// The host that is connected to: the endpoint's, or the proxy's.
    pub(super) host: String,
    /// The port there.
    pub(super) port: u16,
    /// The proxy, without a login.
    pub(super) proxy: Option<String>,
    /// Calls are signed with a token.
    pub(super) signed: bool,
}

/// Why there is nobody to call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Unusable {
    /// The API server would refuse the manifest: the field, and its words.
    Manifest(String),
    /// The spec cannot be used, in the words of the SolidServer's condition.
    Spec(String),
    /// A Secret is missing or cannot be used, in the same words.
    Secret(String),
}

/// Why a step brought nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Trouble {
    /// The client's word.
    Error(Error),
    /// It took longer than this.
    Late(Duration),
}

/// What a DNS server has to offer.
#[derive(Debug)]
pub(super) struct Offer {
    /// Its views; none on a server without views.
    pub(super) views: Result<Vec<Arc<str>>, Trouble>,
    /// Its zones, in all views.
    pub(super) zones: Result<Vec<Zone>, Trouble>,
}

/// Services that count.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Counts {
    /// Those that answered.
    pub(super) answered: BTreeSet<&'static str>,
    /// Those that the account may not use, or that refuse the call.
    pub(super) refused: BTreeSet<&'static str>,
}

impl Default for Observations {
    /// Nothing was looked at.
    fn default() -> Self {
        Self {
            route: Err(Unusable::Spec(String::new())),
            addresses: None,
            connections: None,
            version: None,
            clock_ahead: None,
            servers: None,
            offers: BTreeMap::new(),
            sights: BTreeMap::new(),
            unread: 0,
            counts: Counts::default(),
        }
    }
}
