//! Whether the spec fits what the appliance has: DNS servers, views, zones, and what the account may read of them (pure).

use std::collections::BTreeSet;
use std::sync::Arc;

use super::{Diagnosis, Failed, holds};
use crate::cli::doctor::finding::Check;
use crate::cli::doctor::observation::{Offer, Route, Trouble};
use crate::cli::doctor::remedy::{remedy, words};
use crate::cli::doctor::scope::{self, ViewPlace};
use crate::plan::{Grant, ZoneRefusal};
use crate::record::Place;
use crate::solidserver::{Server, Sight};

/// As many of several are named.
const NAMED: usize = 10;

impl Diagnosis<'_> {
    pub(super) fn fit(&mut self, servers: &[Server], route: &Route) -> Result<(), Failed> {
        let grants = self.spec.grants().unwrap_or_default();
        self.named_servers(servers, &grants);
        let lists = self.seen.offers.values();
        if self.seen.offers.is_empty() {
            for check in [Check::ReadViews, Check::View, Check::ReadZones, Check::Zone, Check::ReadRecords] {
                self.out.skip(check, "there is no DNS server of the spec to look at");
            }
        } else {
            let views = lists.clone().find_map(|offer| offer.views.as_ref().err());
            self.list(Check::ReadViews, views, "views", route);
            self.views(&grants);
            let zones = lists.clone().find_map(|offer| offer.zones.as_ref().err());
            self.list(Check::ReadZones, zones, "zones", route);
            self.zones(&grants);
            self.records(route);
        }
        self.counts();
        self.out.skip(
            Check::Write,
            "not checked: needs a write. Whether the account may add, edit and delete records, no reading shows",
        );
        Ok(())
    }

    /// The DNS servers that the spec names.
    fn named_servers(&mut self, servers: &[Server], grants: &[Grant]) {
        let check = Check::Server;
        let without: Vec<String> =
            (0..).zip(grants).filter(|(_, grant)| grant.servers.is_empty()).map(entry).collect();
        if !without.is_empty() {
            self.out.fail(
                check,
                None,
                format!("the spec names no DNS server for {}", without.join(", ")),
                "set spec.defaults.dnsServer, or dnsServers of the entry",
            );
        }
        let names = |member: bool| {
            let others = servers.iter().filter(|server| server.is_member == member);
            some(others.map(|server| server.name.to_string()))
        };
        for name in scope::servers(self.spec, grants) {
            let subject = Some(name.to_string());
            match servers.iter().find(|server| server.name == name) {
                Some(server) if server.is_member => drop(self.out.fail(
                    check,
                    subject,
                    format!(
                        "it is a member of a SMART, whose records are copies and are never written; SMARTs and stand-alone servers are: {}",
                        names(false)
                    ),
                    "name the SMART in spec.defaults.dnsServer and in dnsServers of the entries",
                )),
                Some(server) if server.is_smart => self.out.ok(check, subject, "it is a SMART"),
                Some(_) => self.out.ok(check, subject, "it is a stand-alone server"),
                None => drop(self.out.fail(
                    check,
                    subject,
                    format!("it is not on the appliance, or this account may not see it; it sees: {}", names(false)),
                    "correct spec.defaults.dnsServer and dnsServers of the entries, or give the account read rights on it",
                )),
            }
        }
    }

    /// Whether a list of each server came.
    fn list(&mut self, check: Check, trouble: Option<&Trouble>, what: &str, route: &Route) {
        match trouble {
            Some(trouble) => drop(self.out.fail(check, None, words(trouble), remedy(trouble, route.signed))),
            None => {
                let offers = self.seen.offers.values();
                let count: usize = offers
                    .map(|offer| match check {
                        Check::ReadViews => offer.views.as_ref().map_or(0, Vec::len),
                        _ => offer.zones.as_ref().map_or(0, Vec::len),
                    })
                    .sum();
                self.out.ok(check, None, format!("{count} {what} on the DNS servers of the spec"));
            }
        }
    }

    /// The views that the spec names.
    fn views(&mut self, grants: &[Grant]) {
        let check = Check::View;
        let views = scope::views(self.spec, grants, &self.seen.offers);
        if views.is_empty() {
            let message = match holds(self.out, Check::ReadViews) {
                true => "the spec names none".to_owned(),
                false => format!("{} failed", Check::ReadViews),
            };
            return self.out.skip(check, message);
        }
        for ((server, view), there) in views {
            let listed = self.seen.offers.get(&server).and_then(|offer| offer.views.as_ref().ok());
            let listed = listed.map(Vec::as_slice).unwrap_or_default();
            let has = some(listed.iter().map(ToString::to_string));
            match (view, there) {
                (Some(view), true) => self.out.ok(check, Some(on(&view, &server)), "it is there"),
                (None, true) => {
                    self.out.ok(check, Some(server.to_string()), "it has no views, and none is named");
                }
                (Some(view), false) if listed.is_empty() => drop(self.out.fail(
                    check,
                    Some(on(&view, &server)),
                    "the DNS server has no views, or this account may not see them",
                    "leave the view out of spec.defaults and of the entries, or give the account read rights on it",
                )),
                (Some(view), false) => drop(self.out.fail(
                    check,
                    Some(on(&view, &server)),
                    format!("it is not there, or this account may not see it; the DNS server has: {has}"),
                    "correct spec.defaults.view and views of the entries, or give the account read rights on it",
                )),
                (None, false) => drop(self.out.fail(
                    check,
                    Some(server.to_string()),
                    format!("it has views and none is named, so that nothing may be written there; it has: {has}"),
                    "name one in spec.defaults.view, or in views of the entries",
                )),
            }
        }
    }

    /// The entries of `spec.zones`, on each server and view that is there.
    fn zones(&mut self, grants: &[Grant]) {
        let mut looked_at = false;
        for grant in (0..).zip(grants) {
            looked_at |= self.entry(grant);
        }
        if !looked_at {
            let failed = [Check::ReadZones, Check::ReadViews, Check::View, Check::Server];
            let failed = failed.into_iter().find(|check| !holds(self.out, *check));
            let why = failed
                .map_or_else(|| "there is nowhere to look".to_owned(), |check| format!("{check} failed"));
            self.out.skip(Check::Zone, why);
        }
    }

    /// One entry; returns whether there was anywhere to look.
    fn entry(&mut self, grant: (usize, &Grant)) -> bool {
        let (_, rule) = grant;
        let places = rule.servers.iter().flat_map(|server| {
            rule.views.iter().map(|view| -> ViewPlace { (Arc::clone(server), view.clone()) })
        });
        let mut found = Vec::new();
        for (server, view) in places {
            let there = scope::has(&self.seen.offers, &(Arc::clone(&server), view.clone()));
            let listed = self.seen.offers.get(&server).and_then(|offer: &Offer| offer.zones.as_ref().ok());
            let (Some(true), Some(listed)) = (there, listed) else { continue };
            found.push((server, view.clone(), scope::zones(rule, view.as_ref(), listed)));
        }
        let any = found.iter().any(|(_, _, zones)| zones.is_ok());
        let looked_at = !found.is_empty();
        for (server, view, zones) in found {
            let place = match &view {
                Some(view) => on(view, &server),
                None => server.to_string(),
            };
            let subject = Some(format!("{} on {place}", entry(grant)));
            let refusal = match zones {
                Ok(zones) => {
                    let names = some(zones.iter().map(|zone| zone.place.zone.to_string()));
                    self.out.ok(Check::Zone, subject, format!("records belong to {names}"));
                    continue;
                }
                Err(refusal) => refusal,
            };
            let (message, advice) = match refusal {
                ZoneRefusal::NotWritable { zone, kind } => (
                    format!("zone {zone} is a {kind} zone, whose records are written where its master is"),
                    "point dnsServers and views of the entry at a DNS server that is master for it, or take the entry out",
                ),
                _ => (
                    format!(
                        "no master zone holds this name or lies below it, or this account may not see it; it sees: {}",
                        self.masters(&server, view.as_ref())
                    ),
                    "make the zone on the appliance, correct the entry, or give the account read rights on the zone",
                ),
            };
            // Of an entry for several servers and views not each must have the zone.
            if any {
                self.out.warn(Check::Zone, subject, message, advice);
            } else {
                self.out.fail(Check::Zone, subject, message, advice);
            }
        }
        looked_at
    }

    fn masters(&self, server: &Arc<str>, view: Option<&Arc<str>>) -> String {
        let offer = self.seen.offers.get(server);
        let listed = offer.and_then(|offer| offer.zones.as_ref().ok()).map(Vec::as_slice).unwrap_or_default();
        let here = listed.iter().filter(|zone| zone.place.view.as_ref() == view);
        some(here.map(|zone| zone.place.zone.to_string()))
    }

    /// The records of the zones that the spec speaks of.
    fn records(&mut self, route: &Route) {
        let check = Check::ReadRecords;
        let sights = &self.seen.sights;
        if sights.is_empty() {
            return self.out.skip(check, "there is no zone of the spec to read");
        }
        if let Some(trouble) = sights.values().find_map(|sight| sight.as_ref().err()) {
            self.out.fail(check, None, words(trouble), remedy(trouble, route.signed));
            return;
        }
        let hidden: Vec<&Place> = sights
            .iter()
            .filter(|(_, sight)| matches!(sight, Ok(Sight::NotVisible)))
            .map(|(place, _)| place)
            .collect();
        if !hidden.is_empty() {
            let hidden = some(hidden.into_iter().map(ToString::to_string));
            self.out.fail(
                check,
                None,
                format!("the appliance does not show this account the records of {hidden}: not even the SOA record"),
                "give the account read rights on the records of these zones",
            );
            return;
        }
        let (read, unread) = (sights.len(), self.seen.unread);
        let of = if unread == 0 { String::new() } else { format!("; {unread} more were not looked at") };
        let (zones, are) = if read == 1 { ("zone", "its") } else { ("zones", "their") };
        self.out.ok(check, None, format!("{read} {zones} of the spec: {are} records can be seen{of}"));
    }

    fn counts(&mut self) {
        let check = Check::Count;
        let names =
            |services: &BTreeSet<&'static str>| services.iter().copied().collect::<Vec<_>>().join(", ");
        let counts = &self.seen.counts;
        if !counts.refused.is_empty() {
            let message = format!(
                "the account may not use {}: the end of a list is then proven by an empty page, which takes another call and proves less",
                names(&counts.refused)
            );
            self.out.warn(check, None, message, "give the account rights on these services");
        } else if counts.answered.is_empty() {
            self.out.skip(check, "nothing had to be counted");
        } else {
            self.out.ok(check, None, format!("the account may use {}", names(&counts.answered)));
        }
    }
}

/// An entry of `spec.zones`, by its place in the list.
fn entry((index, grant): (usize, &Grant)) -> String {
    let domain = grant.domain.as_ref().map_or_else(|| "*".to_owned(), ToString::to_string);
    format!("spec.zones[{index}] {domain}")
}

fn on(view: &str, server: &str) -> String {
    format!("view {view} on {server}")
}

/// The first few of several names.
fn some(names: impl Iterator<Item = String>) -> String {
    let mut names: Vec<String> = names.take(NAMED + 1).collect();
    if names.is_empty() {
        return "none".to_owned();
    }
    if names.len() > NAMED {
        names.truncate(NAMED);
        names.push("...".to_owned());
    }
    names.join(", ")
}
