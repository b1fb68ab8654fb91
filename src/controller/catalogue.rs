//! What an appliance has to offer: DNS servers, their views and zones, as last listed.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use crate::api::Reason;
use crate::api::desired::{ViewWish, Whereabouts};
use crate::plan::{ZoneRefusal, choose_zone};
use crate::record::{Name, Place, RrsetKey, Zone};

/// The views and zones of one DNS server.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct ServerCatalogue {
    /// Views; empty for a server without them.
    pub(super) views: Vec<Arc<str>>,
    zones: HashMap<Name, Vec<Zone>>,
    zone_count: usize,
}

impl ServerCatalogue {
    /// Puts together what was listed.
    #[must_use]
    pub(super) fn new(views: Vec<Arc<str>>, listed: Vec<Zone>) -> Self {
        let zone_count = listed.len();
        let mut zones: HashMap<Name, Vec<Zone>> = HashMap::new();
        for zone in listed {
            zones.entry(zone.place.zone.clone()).or_default().push(zone);
        }
        Self { views, zones, zone_count }
    }

    /// The zones of a view that contain a name.
    fn zones_above<'a>(
        &'a self,
        name: &'a Name,
        view: Option<&'a Arc<str>>,
    ) -> impl Iterator<Item = &'a Zone> {
        name.ancestors()
            .filter_map(|ancestor| self.zones.get(&ancestor))
            .flatten()
            .filter(move |zone| zone.place.view.as_ref() == view)
    }
}

/// Everything that was listed of one appliance, for the servers that are in use.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Catalogue {
    /// Names of all DNS servers that this account sees, SMART members left out.
    pub(super) servers: Vec<Arc<str>>,
    /// Those whose views and zones were listed.
    pub(super) listed: BTreeMap<Arc<str>, ServerCatalogue>,
    /// Those that only DnsRecords name, and that could not be listed: why.
    pub(super) unreadable: BTreeMap<Arc<str>, String>,
}

/// Why a DnsRecord has no place on an appliance, or a SolidServer cannot be worked with: a reason and a sentence.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{reason}: {message}")]
pub struct Refusal {
    /// The reason for its conditions.
    pub reason: Reason,
    /// What is wrong and what to do.
    pub message: String,
}

impl Refusal {
    /// A refusal in words.
    pub(super) fn new(reason: Reason, message: impl Into<String>) -> Self {
        Self { reason, message: message.into() }
    }
}

impl Catalogue {
    /// The place of an RRset.
    ///
    /// # Errors
    /// [`Refusal`] with the reason that the record's conditions show.
    pub(super) fn locate(&self, key: &RrsetKey, wish: &Whereabouts) -> Result<Place, Refusal> {
        if self.servers.is_empty() {
            return Err(Refusal::new(
                Reason::NotVisible,
                "the appliance shows this account no DNS server at all; give the account read rights on its servers and zones",
            ));
        }
        let Some(server) = &wish.server else {
            return Err(Refusal::new(
                Reason::ServerNotFound,
                "no DNS server is named: set spec.dnsServer, or spec.defaults.dnsServer of the SolidServer",
            ));
        };
        if let Some(why) = self.unreadable.get(server) {
            return Err(Refusal::new(
                Reason::Retrying,
                format!("DNS server {server} cannot be listed: {why}"),
            ));
        }
        let Some(listed) = self.listed.get(server) else {
            let seen: Vec<&str> = self.servers.iter().map(|server| &**server).take(10).collect();
            return Err(Refusal::new(
                Reason::ServerNotFound,
                format!(
                    "DNS server {server:?} is not on the appliance, or this account may not see it; it sees: {}",
                    seen.join(", ")
                ),
            ));
        };
        let view = match &wish.view {
            ViewWish::Named(view) if listed.views.contains(view) => Some(view),
            ViewWish::Named(view) => {
                return Err(Refusal::new(
                    Reason::ViewNotFound,
                    format!("view {view:?} is not on DNS server {server}; it has: {}", listed.views_text()),
                ));
            }
            ViewWish::Unstated | ViewWish::NoView if listed.views.is_empty() => None,
            ViewWish::Unstated | ViewWish::NoView => {
                return Err(Refusal::new(
                    Reason::ViewRequired,
                    format!(
                        "DNS server {server} has views ({}) and without one the appliance would write into all of them: \
                         set spec.view, or spec.defaults.view of the SolidServer",
                        listed.views_text()
                    ),
                ));
            }
        };
        if listed.zone_count == 0 {
            return Err(Refusal::new(
                Reason::NotVisible,
                format!(
                    "DNS server {server} shows this account no zone at all; give the account read rights on its zones"
                ),
            ));
        }
        choose_zone(key, wish.zone.as_ref(), listed.zones_above(&key.name, view))
            .map(|zone| zone.place.clone())
            .map_err(|refusal| Refusal::new(zone_reason(&refusal), refusal.to_string()))
    }

    /// Whether a zone is listed, or its server was not looked at.
    #[must_use]
    pub(super) fn has(&self, place: &Place) -> bool {
        self.listed.get(&place.server).is_none_or(|server| {
            server
                .zones
                .get(&place.zone)
                .is_some_and(|zones| zones.iter().any(|zone| zone.place.view == place.view))
        })
    }

    /// Whether the appliance makes PTR records of the addresses in a zone, or those in it, by itself.
    #[must_use]
    pub(super) fn fills_reverse(&self, place: &Place) -> bool {
        let zones = self.listed.get(&place.server).and_then(|server| server.zones.get(&place.zone));
        zones.into_iter().flatten().any(|zone| zone.place.view == place.view && zone.fills_reverse)
    }

    /// Whether so little is seen that the account has probably lost its rights: nothing is concluded from that.
    #[must_use]
    pub(super) fn is_blind(&self) -> bool {
        self.servers.is_empty()
            || (!self.listed.is_empty() && self.listed.values().all(|server| server.zone_count == 0))
    }

    /// How many zones were listed.
    #[must_use]
    pub(super) fn zone_count(&self) -> usize {
        self.listed.values().map(|server| server.zone_count).sum()
    }
}

impl ServerCatalogue {
    fn views_text(&self) -> String {
        if self.views.is_empty() {
            return "no views (leave spec.view out, or set it to \"\")".to_owned();
        }
        self.views.iter().map(|view| &**view).take(20).collect::<Vec<_>>().join(", ")
    }
}

fn zone_reason(refusal: &ZoneRefusal) -> Reason {
    match refusal {
        ZoneRefusal::NotFound(_) => Reason::ZoneNotFound,
        ZoneRefusal::NotWritable { .. } => Reason::ZoneNotWritable,
        ZoneRefusal::InChildZone { .. } => Reason::NameInChildZone,
        ZoneRefusal::Apex { .. } => Reason::ApexNotServed,
    }
}
