//! Rows: adding, changing, deleting, publishing and giving them ids.

use super::{ClassParameters, IdOrder, Pending, Row, RowKey, Store};

/// The first id of a row. A few rows take the ids past 100, which shows clients that sort ids as text.
const FIRST_ID: u64 = 90;

/// A row to be stored as it is.
#[derive(Debug)]
pub(crate) struct NewRecord {
    pub(crate) zone: u64,
    pub(crate) name: String,
    pub(crate) record_type: String,
    pub(crate) ttl: u32,
    pub(crate) values: Vec<String>,
    pub(crate) class_name: String,
    pub(crate) parameters: ClassParameters,
    pub(crate) multistatus: String,
}

/// When a change happens and when it is pushed to the DNS server.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cause {
    pub(crate) now_ms: u64,
    /// 0 pushes at once.
    pub(crate) delay_ms: u64,
    pub(crate) id_order: IdOrder,
}

impl Store {
    /// Adds a row, and a copy of it for each member of a SMART.
    pub(crate) fn add_row(&mut self, record: NewRecord, cause: Cause) -> RowKey {
        let key = self.place_row(record, cause);
        self.pend_or_push(key, cause);
        key
    }

    /// Adds a row that a zone begins with: the DNS server has it, and the zone's serial stays.
    pub(super) fn seed_row(&mut self, record: NewRecord, cause: Cause) {
        let key = self.place_row(record, cause);
        self.show_published(key);
    }

    fn place_row(&mut self, record: NewRecord, cause: Cause) -> RowKey {
        self.keys_given += 1;
        let key = RowKey(self.keys_given);
        let copies = self.zones.get(&record.zone).map(|zone| zone.copies.clone()).unwrap_or_default();
        let mut row = Row {
            id: self.next_id(cause.id_order),
            zone: record.zone,
            copies: Vec::with_capacity(copies.len()),
            name: record.name,
            record_type: record.record_type,
            ttl: record.ttl,
            values: record.values,
            class_name: record.class_name,
            parameters: record.parameters,
            multistatus: record.multistatus,
            pending_create: cause.delay_ms > 0,
            pending_delete: false,
            due_ms: 0,
            published: None,
        };
        for copy in copies {
            let id = self.next_id(cause.id_order);
            row.copies.push((copy, id));
        }
        self.index(key, &row);
        self.rows.insert(key, row);
        key
    }

    /// Changes a row. Its indexes follow; with `new_id` so does its id.
    pub(crate) fn change_row(
        &mut self,
        key: RowKey,
        cause: Cause,
        new_id: bool,
        change: impl FnOnce(&mut Row),
    ) {
        let Some(mut row) = self.rows.remove(&key) else {
            return;
        };
        self.unindex(key, &row);
        change(&mut row);
        if new_id {
            self.renumber(&mut row, cause.id_order);
        }
        row.pending_create |= cause.delay_ms > 0;
        self.index(key, &row);
        self.rows.insert(key, row);
        self.pend_or_push(key, cause);
    }

    /// Deletes a row, at once or once it is pushed.
    pub(crate) fn delete_row(&mut self, key: RowKey, cause: Cause) {
        if cause.delay_ms > 0 {
            if let Some(row) = self.rows.get_mut(&key) {
                row.pending_delete = true;
            }
            self.pend_or_push(key, cause);
        } else {
            self.remove_row(key);
        }
    }

    pub(super) fn remove_row(&mut self, key: RowKey) {
        if let Some(row) = self.rows.remove(&key) {
            self.unindex(key, &row);
            if let Some(published) = &row.published {
                self.hide_published(key, row.zone, &published.name);
                self.raise_serial(row.zone);
            }
        }
    }

    /// Pushes what is due.
    pub(crate) fn publish(&mut self, now_ms: u64) {
        self.publish_containers(now_ms);
        while self.pending.front().is_some_and(|pending| pending.due_ms <= now_ms) {
            let Some(Pending { key, .. }) = self.pending.pop_front() else {
                return;
            };
            // A later change of the same row has its own entry.
            let Some(row) = self.rows.get_mut(&key).filter(|row| row.due_ms <= now_ms) else {
                continue;
            };
            if row.pending_delete {
                self.remove_row(key);
            } else {
                row.pending_create = false;
                self.push(key);
            }
        }
    }

    /// Gives every row a new id, never one that was used before.
    pub(crate) fn renumber_all(&mut self, id_order: IdOrder) {
        let mut keys: Vec<RowKey> = self.rows.keys().copied().collect();
        keys.sort_unstable();
        for key in keys {
            let Some(mut row) = self.rows.remove(&key) else {
                continue;
            };
            self.unindex(key, &row);
            self.renumber(&mut row, id_order);
            self.index(key, &row);
            self.rows.insert(key, row);
        }
    }

    fn renumber(&mut self, row: &mut Row, id_order: IdOrder) {
        row.id = self.next_id(id_order);
        for index in 0..row.copies.len() {
            let id = self.next_id(id_order);
            if let Some(copy) = row.copies.get_mut(index) {
                copy.1 = id;
            }
        }
    }

    fn next_id(&mut self, order: IdOrder) -> u64 {
        let number = FIRST_ID + self.ids_given;
        self.ids_given += 1;
        match order {
            IdOrder::Rising => number,
            // An odd factor permutes the numbers below a power of two, so no id comes twice. The range above 2^31
            // keeps clear of rising ids.
            IdOrder::Random => (1 << 31) + (number.wrapping_mul(0x5DEE_CE65) & 0x7FFF_FFFF),
        }
    }

    fn pend_or_push(&mut self, key: RowKey, cause: Cause) {
        if cause.delay_ms > 0 {
            let due_ms = cause.now_ms + cause.delay_ms;
            if let Some(row) = self.rows.get_mut(&key) {
                row.due_ms = due_ms;
            }
            self.pending.push_back(Pending { due_ms, key });
        } else if self.rows.get(&key).is_some_and(|row| !row.pending_create) {
            // Beside a change that is pending, this one goes with it.
            self.push(key);
        }
    }

    fn index(&mut self, key: RowKey, row: &Row) {
        for (zone, id) in row.copies.iter().copied().chain([(row.zone, row.id)]) {
            self.ids.insert(id, (key, zone));
            self.zone_ids.entry(zone).or_default().insert(id, key);
        }
        let index = self.zone_index.entry(row.zone).or_default();
        index.names.entry(row.name.to_lowercase()).or_default().insert(key);
        index.types.entry(row.record_type.to_lowercase()).or_default().insert(key);
    }

    fn unindex(&mut self, key: RowKey, row: &Row) {
        for (zone, id) in row.copies.iter().copied().chain([(row.zone, row.id)]) {
            self.ids.remove(&id);
            if let Some(ids) = self.zone_ids.get_mut(&zone) {
                ids.remove(&id);
            }
        }
        let Some(index) = self.zone_index.get_mut(&row.zone) else {
            return;
        };
        for (map, text) in [(&mut index.names, &row.name), (&mut index.types, &row.record_type)] {
            let text = text.to_lowercase();
            if let Some(keys) = map.get_mut(&text) {
                keys.remove(&key);
                if keys.is_empty() {
                    map.remove(&text);
                }
            }
        }
    }
}
