//! Where drift is decided: what differs between the rows that are there and the RRset that is wanted, and which calls
//! put it right. The only place.

use std::collections::{BTreeMap, BTreeSet};

use crate::record::{NewRow, RecordData, Row, RowEdit, RrsetKey};

use super::change::Change;

/// An RRset as its rows shall be.
#[derive(Clone, Debug)]
pub(super) struct Wanted<'a> {
    /// Owner name and type.
    pub key: &'a RrsetKey,
    /// Time to live, in seconds.
    pub ttl: u32,
    /// The values.
    pub values: BTreeSet<&'a RecordData>,
    /// The appliance's class; `None` leaves what is there.
    pub class_name: Option<&'a String>,
    /// Class parameters that each row shall have, the mark among them. Others stay as they are.
    pub parameters: BTreeMap<String, String>,
    /// Class parameters that no row shall have any more.
    pub dropped: &'a BTreeSet<String>,
}

/// What is to be done to get from the rows to the RRset.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Difference {
    /// Edits and adds: they come first, so that no name is ever without an answer.
    pub put: Vec<Change>,
    /// Deletes: they come after.
    pub remove: Vec<Change>,
}

impl Difference {
    /// Whether the rows are as wanted.
    pub(super) fn is_none(&self) -> bool {
        self.put.is_empty() && self.remove.is_empty()
    }
}

/// Compares `rows`, all of which may be written, with what is wanted.
///
/// A row that has a wanted value is kept, and edited in place where its TTL, class, parameters or mark are wrong. A row with a
/// value that is not wanted is edited in place to a value that is missing; only what cannot be paired is added or
/// deleted. Of several rows with one value the first is kept.
pub(super) fn difference(wanted: &Wanted<'_>, rows: &[&Row]) -> Difference {
    let mut kept: BTreeMap<&RecordData, &Row> = BTreeMap::new();
    let mut surplus: Vec<&Row> = Vec::new();
    for row in rows {
        match &row.data {
            Some(data) if wanted.values.contains(data) && !kept.contains_key(data) => {
                kept.insert(data, row);
            }
            _ => surplus.push(row),
        }
    }
    let missing: Vec<&RecordData> =
        wanted.values.iter().copied().filter(|data| !kept.contains_key(data)).collect();

    let mut difference = Difference::default();
    for (data, row) in kept {
        if let Some(edit) = edit_in_place(wanted, row, data) {
            difference.put.push(Change::Edit { row: row.clone(), edit });
        }
    }
    let pairs = missing.len().min(surplus.len());
    for (data, row) in missing.iter().zip(&surplus) {
        difference.put.push(Change::Edit { row: (*row).clone(), edit: edit_to(wanted, row, data) });
    }
    for data in missing.into_iter().skip(pairs) {
        difference.put.push(Change::Add(NewRow {
            name: wanted.key.name.clone(),
            data: data.clone(),
            ttl: wanted.ttl,
            class_name: wanted.class_name.cloned(),
            parameters: wanted.parameters.clone(),
        }));
    }
    for row in surplus.into_iter().skip(pairs) {
        difference.remove.push(Change::Delete { row: row.clone() });
    }
    difference
}

/// The edit that puts a row of the right value right, or `None` when there is nothing to put right.
fn edit_in_place(wanted: &Wanted<'_>, row: &Row, data: &RecordData) -> Option<RowEdit> {
    let same = row.ttl == wanted.ttl
        && wanted.class_name.is_none_or(|class_name| *class_name == row.class_name)
        && to_set(wanted, row).next().is_none()
        && to_delete(wanted, row).next().is_none();
    (!same).then(|| edit_to(wanted, row, data))
}

/// The value of a class parameter that is set on the row itself.
fn own<'r>(row: &'r Row, key: &str) -> Option<&'r String> {
    row.parameters.get(key).filter(|_| !row.inherited.contains(key))
}

/// Class parameters that the row lacks or has otherwise.
fn to_set<'w>(wanted: &'w Wanted<'_>, row: &Row) -> impl Iterator<Item = (&'w String, &'w String)> {
    wanted.parameters.iter().filter(|(key, value)| own(row, key) != Some(value))
}

/// Class parameters that the row has and shall not have any more.
fn to_delete<'w>(wanted: &'w Wanted<'_>, row: &Row) -> impl Iterator<Item = &'w String> {
    wanted.dropped.iter().filter(|key| own(row, key).is_some())
}

/// The edit that gives `row` the value `data`: it sends only those class parameters that differ.
fn edit_to(wanted: &Wanted<'_>, row: &Row, data: &RecordData) -> RowEdit {
    RowEdit {
        data: data.clone(),
        ttl: wanted.ttl,
        class_name: wanted.class_name.cloned(),
        set_parameters: to_set(wanted, row).map(|(key, value)| (key.clone(), value.clone())).collect(),
        delete_parameters: to_delete(wanted, row).cloned().collect(),
    }
}
