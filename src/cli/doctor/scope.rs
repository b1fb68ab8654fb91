//! Which DNS servers, views and zones a spec speaks of (pure).

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::observation::Offer;
use crate::api::SolidServerSpec;
use crate::plan::{Grant, ZoneRefusal, choose_zone};
use crate::record::{Place, RecordType, RrsetKey, Zone, ZoneKind};
use crate::solidserver::Server;

/// A view of a DNS server; `None` is a server without views.
pub(super) type ViewPlace = (Arc<str>, Option<Arc<str>>);

/// The DNS servers that the spec names.
pub(super) fn servers(spec: &SolidServerSpec, grants: &[Grant]) -> BTreeSet<Arc<str>> {
    let granted = grants.iter().flat_map(|grant| grant.servers.iter().cloned());
    spec.default_dns_server().into_iter().map(Arc::from).chain(granted).collect()
}

/// Those of them that are there and can be written.
pub(super) fn usable(spec: &SolidServerSpec, grants: &[Grant], listed: &[Server]) -> Vec<Arc<str>> {
    let there = |name: &Arc<str>| listed.iter().any(|server| server.name == *name && !server.is_member);
    servers(spec, grants).into_iter().filter(there).collect()
}

/// Whether a server has this view, or has none if none is meant; `None` when its views are not known.
pub(super) fn has(offers: &BTreeMap<Arc<str>, Offer>, place: &ViewPlace) -> Option<bool> {
    let views = offers.get(&place.0)?.views.as_ref().ok()?;
    Some(match &place.1 {
        Some(view) => views.contains(view),
        None => views.is_empty(),
    })
}

/// The views that the spec names on servers that were looked at, each with whether it is there.
///
/// An entry of `spec.zones` stands for each of its servers with each of its views. Of these only some need be there: one that is not is
/// left out where the entry has its server with another view, and its view on another server.
pub(super) fn views(
    spec: &SolidServerSpec,
    grants: &[Grant],
    offers: &BTreeMap<Arc<str>, Offer>,
) -> BTreeMap<ViewPlace, bool> {
    let mut views = BTreeMap::new();
    for grant in grants {
        let fits = |server: &Arc<str>, view: &Option<Arc<str>>| {
            has(offers, &(Arc::clone(server), view.clone())).unwrap_or_default()
        };
        for server in &grant.servers {
            for view in &grant.views {
                let place = (Arc::clone(server), view.clone());
                match has(offers, &place) {
                    None => {}
                    Some(true) => drop(views.insert(place, true)),
                    Some(false) => {
                        let elsewhere = grant.servers.iter().any(|other| fits(other, view));
                        let otherwise = grant.views.iter().any(|other| fits(server, other));
                        if !(elsewhere && otherwise) {
                            views.insert(place, false);
                        }
                    }
                }
            }
        }
    }
    // What DnsRecords get that name neither. A default server without a default view has them name one.
    if let (Some(server), Some(view)) = (spec.default_dns_server(), spec.default_view()) {
        let place = (Arc::from(server), (!view.is_empty()).then(|| Arc::from(view)));
        if let Some(there) = has(offers, &place) {
            views.insert(place, there);
        }
    }
    views
}

/// The zones of a view that an entry lets DnsRecords into: the one that holds its domain, and those below.
///
/// # Errors
/// [`ZoneRefusal`] when there is none that can be written.
pub(super) fn zones<'a>(
    grant: &Grant,
    view: Option<&Arc<str>>,
    listed: &'a [Zone],
) -> Result<Vec<&'a Zone>, ZoneRefusal> {
    let here = || listed.iter().filter(|zone| zone.place.view.as_ref() == view);
    let masters = || here().filter(|zone| zone.kind == ZoneKind::Master);
    let Some(domain) = &grant.domain else {
        let all: Vec<&Zone> = masters().collect();
        return match all.is_empty() {
            true => Err(ZoneRefusal::NotFound("there is no master zone".to_owned())),
            false => Ok(all),
        };
    };
    let below = masters().filter(|zone| zone.place.zone.is_below(domain));
    let key = RrsetKey { name: domain.clone(), record_type: RecordType::A };
    match choose_zone(&key, None, here()) {
        Ok(zone) => Ok(std::iter::once(zone).chain(below).collect()),
        Err(refusal) => {
            let below: Vec<&Zone> = below.collect();
            if below.is_empty() { Err(refusal) } else { Ok(below) }
        }
    }
}

/// All zones that the spec lets DnsRecords into, as far as they are known.
pub(super) fn places(grants: &[Grant], offers: &BTreeMap<Arc<str>, Offer>) -> BTreeSet<Place> {
    let mut places = BTreeSet::new();
    for grant in grants {
        for server in &grant.servers {
            let Some(listed) = offers.get(server).and_then(|offer| offer.zones.as_ref().ok()) else {
                continue;
            };
            for view in &grant.views {
                let zones = zones(grant, view.as_ref(), listed).unwrap_or_default();
                places.extend(zones.into_iter().map(|zone| zone.place.clone()));
            }
        }
    }
    places
}
