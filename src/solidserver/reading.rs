//! What a reading of the appliance brings back.

use std::sync::Arc;

use crate::record::Row;

/// A DNS server as the appliance lists it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Server {
    /// Its name, the `dns_name` of its zones and rows.
    pub name: Arc<str>,
    /// A SMART architecture (`dns_type` is `vdns`), which writes to its members.
    pub is_smart: bool,
    /// A member of a SMART (`vdns_parent_id` is not 0). Its rows are copies; they are never written.
    pub is_member: bool,
}

/// Rows of one zone, complete as asked, or no reading at all.
#[derive(Clone, Debug)]
pub struct Reading {
    /// The rows asked for whose names can be understood, pending deletes included, in the order of the appliance.
    pub rows: Vec<Row>,
    /// Those among the rows asked for whose names cannot be understood.
    pub nameless: Vec<NamelessRow>,
    /// Whether the zone was seen; without it no missing row may be taken for absent.
    pub sight: Sight,
    /// Rows that the appliance listed, including those whose name cannot be understood.
    pub rows_seen: usize,
    /// What proves that no row follows.
    pub ended_by: EndedBy,
    /// Calls that the reading took.
    pub calls: usize,
}

/// A row whose owner name cannot be understood, for example one with escapes: it can be told of, and no more.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct NamelessRow {
    /// The owner name, as the appliance shows it.
    pub name: String,
    /// The type, upper case.
    pub record_type: String,
    /// The filled value columns.
    pub value: String,
}

/// Whether an answer shows that the account can see into the zone at all.
///
/// Rows without a right to see them are left out by the appliance without a word, so that "empty" and "not allowed"
/// look alike. The zone's own SOA row tells them apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sight {
    /// The zone's SOA row was in the answer (or what stands in for it on an appliance that lists none).
    Seen,
    /// It was not: the zone is gone, or the account's rights are.
    NotVisible,
}

/// What proves that a list has no further rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EndedBy {
    /// A page with fewer rows than the appliance is known to give in one answer.
    ShortPage,
    /// A page without rows, where the account may not ask for a count, or the count is smaller than the list: rows may have been
    /// deleted meanwhile, or hidden.
    EmptyPage,
    /// As many rows as the appliance counts.
    Count,
}
