//! Servers, views and zones: what they are set to, and how they come and go.

use std::collections::BTreeMap;

use super::{Cause, Store};

/// Values by column; what is absent has its usual value.
pub(crate) type Settings = BTreeMap<String, String>;

/// What a server, view or zone is set to, apart from its class parameters.
#[derive(Clone, Debug, Default)]
pub(crate) struct Configuration {
    pub(crate) class_name: String,
    pub(crate) settings: Settings,
    /// Options of the DNS software, by their keys.
    pub(crate) options: Settings,
}

/// What is to be pushed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Container {
    View(u64),
    Zone(u64),
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Pending {
    due_ms: u64,
    container: Container,
}

impl Store {
    pub(crate) fn server_mut(&mut self, id: u64) -> Option<&mut super::Server> {
        self.servers.get_mut(&id)
    }

    pub(crate) fn view_mut(&mut self, id: u64) -> Option<&mut super::View> {
        self.views.get_mut(&id)
    }

    pub(crate) fn zone_mut(&mut self, id: u64) -> Option<&mut super::Zone> {
        self.zones.get_mut(&id)
    }

    /// Whether a zone is listed: a member has it only once it is pushed.
    pub(crate) fn zone_is_shown(&self, zone: &super::Zone) -> bool {
        let original = zone.copy_of.and_then(|id| self.zones.get(&id));
        original.is_none_or(|original| !original.pending_create)
    }

    /// Whether a view is listed: a member has it only once it is pushed.
    pub(crate) fn view_is_shown(&self, view: &super::View) -> bool {
        let original = view.copy_of.and_then(|id| self.views.get(&id));
        original.is_none_or(|original| !original.pending_create)
    }

    /// Lets a new view or zone wait for being pushed.
    pub(crate) fn pend_new(&mut self, container: Container, cause: Cause) {
        if cause.delay_ms == 0 {
            return;
        }
        if let Some((pending_create, _)) = self.pending_flags(container) {
            *pending_create = true;
            self.pend_container(container, cause);
        }
    }

    /// Deletes a view or zone with all that is in it, at once or once that is pushed.
    pub(crate) fn delete_container(&mut self, container: Container, cause: Cause) {
        if cause.delay_ms == 0 {
            self.drop_container(container);
        } else if let Some((_, pending_delete)) = self.pending_flags(container) {
            *pending_delete = true;
            self.pend_container(container, cause);
        }
    }

    fn pending_flags(&mut self, container: Container) -> Option<(&mut bool, &mut bool)> {
        match container {
            Container::View(id) => {
                self.views.get_mut(&id).map(|view| (&mut view.pending_create, &mut view.pending_delete))
            }
            Container::Zone(id) => {
                self.zones.get_mut(&id).map(|zone| (&mut zone.pending_create, &mut zone.pending_delete))
            }
        }
    }

    fn pend_container(&mut self, container: Container, cause: Cause) {
        self.pending_containers.retain(|pending| pending.container != container);
        self.pending_containers.push(Pending { due_ms: cause.now_ms + cause.delay_ms, container });
    }

    pub(super) fn publish_containers(&mut self, now_ms: u64) {
        let is_due = |pending: &Pending| pending.due_ms <= now_ms;
        if !self.pending_containers.iter().any(is_due) {
            return;
        }
        let due: Vec<Pending> = self.pending_containers.iter().copied().filter(is_due).collect();
        self.pending_containers.retain(|pending| !is_due(pending));
        for Pending { container, .. } in due {
            match self.pending_flags(container) {
                Some((_, pending_delete)) if *pending_delete => self.drop_container(container),
                Some((pending_create, _)) => *pending_create = false,
                None => {}
            }
        }
    }

    fn drop_container(&mut self, container: Container) {
        match container {
            Container::View(id) => self.drop_view(id),
            Container::Zone(id) => self.drop_zone(id),
        }
    }

    /// Removes a zone with its rows, on the members too.
    pub(super) fn drop_zone(&mut self, id: u64) {
        let keys: Vec<_> = self.zone_ids.get(&id).into_iter().flat_map(|ids| ids.values().copied()).collect();
        for key in keys {
            self.remove_row(key);
        }
        let Some(zone) = self.zones.remove(&id) else { return };
        for gone in zone.copies.into_iter().chain([id]) {
            self.zones.remove(&gone);
            self.zone_ids.remove(&gone);
            self.zone_index.remove(&gone);
            self.published.remove(&gone);
            if let Some(ids) = self.zones_by_name.get_mut(&zone.name) {
                ids.retain(|known| *known != gone);
            }
        }
    }

    /// Removes a view with its zones, on the members too.
    fn drop_view(&mut self, id: u64) {
        let zones: Vec<u64> =
            self.zones.values().filter(|zone| zone.view == Some(id)).map(|zone| zone.id).collect();
        for zone in zones {
            self.drop_zone(zone);
        }
        let gone: Vec<u64> = self
            .views
            .values()
            .filter(|view| view.id == id || view.copy_of == Some(id))
            .map(|view| view.id)
            .collect();
        for gone in gone {
            let Some(view) = self.views.remove(&gone) else { continue };
            let others = self.views.values().any(|other| other.server == view.server);
            if let Some(server) = self.servers.get_mut(&view.server) {
                server.has_views = others;
            }
        }
    }

    /// Removes a server with all that is in it. The members of a SMART stay behind, empty and on their own.
    pub(crate) fn drop_server(&mut self, id: u64) {
        let zones: Vec<u64> =
            self.zones.values().filter(|zone| zone.server == id).map(|zone| zone.id).collect();
        let views: Vec<u64> =
            self.views.values().filter(|view| view.server == id).map(|view| view.id).collect();
        zones.into_iter().for_each(|zone| self.drop_zone(zone));
        views.into_iter().for_each(|view| self.drop_view(view));
        let server = self.servers.remove(&id);
        for member in server.into_iter().flat_map(|server| server.members) {
            if let Some(member) = self.servers.get_mut(&member) {
                member.smart = None;
            }
        }
    }
}
