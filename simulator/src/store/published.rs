//! What the DNS server has: each row as it was when it was last pushed.

use super::{RowKey, Store, Zone};

/// A row as the DNS server has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Published {
    pub(crate) name: String,
    pub(crate) record_type: String,
    pub(crate) ttl: u32,
    pub(crate) values: Vec<String>,
}

impl Store {
    /// The zone that answers for a name: the longest one that contains it. Of views only the first one of each server
    /// answers, and of servers that have a zone of the same name the one that was added first.
    pub(crate) fn answering_zone(&self, name: &str) -> Option<&Zone> {
        let mut suffix = Some(name);
        while let Some(text) = suffix {
            let ids = self.zones_by_name.get(text).into_iter().flatten();
            let zones = ids.filter_map(|id| self.zones.get(id)).filter(|zone| self.is_answered(zone));
            if let Some(zone) = zones.min_by_key(|zone| (zone.server, zone.id)) {
                return Some(zone);
            }
            suffix = text.split_once('.').map(|(_, rest)| rest);
        }
        None
    }

    /// A copy on a member is the same zone again.
    fn is_answered(&self, zone: &Zone) -> bool {
        let of_server = self.views().filter(|view| view.server == zone.server && !view.pending_create);
        let first_view = of_server.min_by_key(|view| (view.order, view.id)).map(|view| view.id);
        zone.copy_of.is_none() && !zone.pending_create && zone.view == first_view
    }

    /// The rows that the DNS server has at a name, in lower case, in the order they were added.
    pub(crate) fn published_at(&self, zone: u64, name: &str) -> impl Iterator<Item = &Published> {
        let keys = self.published.get(&zone).and_then(|names| names.get(&turned(name)));
        keys.into_iter()
            .flatten()
            .filter_map(|key| self.rows.get(key))
            .filter_map(|row| row.published.as_ref())
    }

    /// Whether the DNS server knows a name, in lower case: it has rows there or below it (RFC 8020).
    pub(crate) fn is_published(&self, zone: u64, name: &str) -> bool {
        let Some(names) = self.published.get(&zone) else {
            return false;
        };
        let at = turned(name);
        let below = format!("{at}.");
        names.contains_key(&at)
            || names.range(below.clone()..).next().is_some_and(|(next, _)| next.starts_with(&below))
    }

    /// Pushes a row to the DNS server, as it is now.
    pub(super) fn push(&mut self, key: RowKey) {
        self.show_published(key);
        if let Some(zone) = self.rows.get(&key).map(|row| row.zone) {
            self.raise_serial(zone);
        }
    }

    pub(super) fn show_published(&mut self, key: RowKey) {
        let Some(row) = self.rows.get_mut(&key) else {
            return;
        };
        let new = Published {
            name: row.name.to_lowercase(),
            record_type: row.record_type.clone(),
            ttl: row.ttl,
            values: row.values.clone(),
        };
        let (zone, name) = (row.zone, new.name.clone());
        if let Some(old) = row.published.replace(new) {
            self.hide_published(key, zone, &old.name);
        }
        self.published.entry(zone).or_default().entry(turned(&name)).or_default().insert(key);
    }

    pub(super) fn hide_published(&mut self, key: RowKey, zone: u64, name: &str) {
        let Some(names) = self.published.get_mut(&zone) else {
            return;
        };
        let name = turned(name);
        if let Some(keys) = names.get_mut(&name) {
            keys.remove(&key);
            if keys.is_empty() {
                names.remove(&name);
            }
        }
    }

    /// Raises the serial of a zone, as every push of a change does.
    pub(super) fn raise_serial(&mut self, zone: u64) {
        let Some(key) = self.keys_of_type(zone, "SOA").next() else {
            return;
        };
        let Some(row) = self.rows.get_mut(&key) else {
            return;
        };
        if let Some(serial) = row.values.get_mut(2) {
            *serial = serial.parse::<u32>().unwrap_or_default().wrapping_add(1).to_string();
        }
        if let Some(published) = &mut row.published {
            published.values.clone_from(&row.values);
        }
    }
}

/// A name with its labels turned round, so that a name stands right before all that is below it.
fn turned(name: &str) -> String {
    name.rsplit('.').collect::<Vec<_>>().join(".")
}

#[cfg(test)]
mod tests {
    use crate::config::Config;
    use crate::record::{NewRow, RowPatch};
    use crate::state::State;
    use crate::store::{Cause, IdOrder};

    const LATER: Cause = Cause { now_ms: 1_000, delay_ms: 300, id_order: IdOrder::Rising };

    fn zone(state: &State) -> u64 {
        state.store.answering_zone("shop.example.com").unwrap().id
    }

    fn values(state: &State, name: &str) -> Vec<String> {
        state.store.published_at(zone(state), name).map(|row| row.values.concat()).collect()
    }

    fn serial(state: &State) -> String {
        let soa = state.store.published_at(zone(state), "shop.example.com");
        soa.filter(|row| row.record_type == "SOA").map(|row| row.values[2].clone()).collect()
    }

    #[test]
    fn pending_changes_are_not_seen_before_they_are_pushed() {
        let mut state = State::new(&Config::default()).unwrap();
        assert_eq!(serial(&state), "2026010100");
        let id = state.add_behind(NewRow::new("a.b.shop.example.com", "A", ["192.0.2.1"]), 0).unwrap().id;
        assert_eq!(
            (values(&state, "a.b.shop.example.com").concat(), serial(&state).as_str()),
            ("192.0.2.1".to_owned(), "2026010101")
        );
        let (key, _) = state.store.by_id(id.parse().unwrap()).unwrap();

        state.store.change_row(key, LATER, false, |row| row.values = vec!["192.0.2.2".to_owned()]);
        // A change behind the client's back goes along with the one that is pending.
        state.patch_behind(&id, RowPatch::ttl(7), 1_100).unwrap();
        state.store.publish(1_299);
        assert_eq!(
            (values(&state, "a.b.shop.example.com").concat(), serial(&state).as_str()),
            ("192.0.2.1".to_owned(), "2026010101")
        );
        state.store.publish(1_300);
        assert_eq!(
            (values(&state, "a.b.shop.example.com").concat(), serial(&state).as_str()),
            ("192.0.2.2".to_owned(), "2026010102")
        );

        state.store.delete_row(key, Cause { now_ms: 2_000, ..LATER });
        state.store.publish(2_299);
        assert!(state.store.is_published(zone(&state), "b.shop.example.com"));
        assert!(!state.store.is_published(zone(&state), "a.shop.example.com"));
        state.store.publish(2_300);
        assert!(!state.store.is_published(zone(&state), "b.shop.example.com"));
        assert_eq!((values(&state, "a.b.shop.example.com"), serial(&state).as_str()), (vec![], "2026010103"));
    }

    #[test]
    fn a_renamed_row_is_found_by_its_new_name_only() {
        let mut state = State::new(&Config::default()).unwrap();
        let id = state.add_behind(NewRow::new("old.shop.example.com", "A", ["192.0.2.1"]), 0).unwrap().id;
        let patch = RowPatch { name: Some("new.shop.example.com".to_owned()), ..RowPatch::default() };
        state.patch_behind(&id, patch, 0).unwrap();
        assert_eq!(values(&state, "old.shop.example.com"), [""; 0]);
        assert_eq!(values(&state, "new.shop.example.com"), ["192.0.2.1"]);
        assert!(!state.store.is_published(zone(&state), "old.shop.example.com"));
    }
}
