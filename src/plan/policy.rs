//! What a record may do with rows that are not its own.

use std::collections::BTreeSet;

use crate::record::{RecordData, Row, Rrset};

use super::claim::{Adoption, Sharing};

/// The unmarked rows of an RRset, divided.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Division<'a> {
    /// Rows that the record takes over.
    pub take: Vec<&'a Row>,
    /// Rows that stay, and that the record has to live with or give up because of.
    pub foreign: Vec<&'a Row>,
}

/// Divides the `unmarked` rows of an RRset for a record that already has rows of its own with the values `own`, or none.
/// `ttl` is the one that an identical row has; without one no row is identical. `goes_on` says that rows of its own may be among
/// them, since it was begun before: then a part of what it wants is enough.
pub(super) fn divide<'a>(
    adoption: Adoption,
    sharing: Sharing,
    wanted: &Rrset,
    ttl: Option<u32>,
    own: &BTreeSet<&RecordData>,
    unmarked: Vec<&'a Row>,
    goes_on: bool,
) -> Division<'a> {
    let mut division = Division::default();
    if adoption == Adoption::Always && sharing == Sharing::Exclusive {
        division.take = unmarked;
        return division;
    }
    let is_part = |row: &&Row| {
        Some(row.ttl) == ttl && row.data.as_ref().is_some_and(|data| wanted.values.contains(data))
    };
    let goes_on = goes_on && unmarked.iter().all(is_part);
    let identical_as_a_whole = unmarked.iter().all(|row| Some(row.ttl) == ttl)
        && unmarked.iter().filter_map(|row| row.data.as_ref()).collect::<BTreeSet<_>>()
            == wanted.values.iter().collect()
        && unmarked.iter().all(|row| row.data.is_some());
    let mut taken: BTreeSet<&RecordData> = own.clone();
    for row in unmarked {
        let wanted_value = row.data.as_ref().filter(|data| wanted.values.contains(data));
        let may = match (adoption, sharing) {
            (Adoption::Never, _) => false,
            // Each sharer has rows of its own: a value that it wants and nobody has marked becomes its own.
            (Adoption::Always, Sharing::Shared) => wanted_value.is_some(),
            (_, Sharing::Shared) => wanted_value.is_some() && Some(row.ttl) == ttl,
            // A first adoption is all or nothing; later, and after a crash in the middle of one, it goes by row.
            (_, Sharing::Exclusive) => {
                let enough = identical_as_a_whole || goes_on || !own.is_empty();
                wanted_value.is_some() && Some(row.ttl) == ttl && enough
            }
        };
        match wanted_value {
            // A second row with the same value answers the same: nothing to take, nothing to complain of.
            Some(data) if may => {
                if taken.insert(data) {
                    division.take.push(row);
                }
            }
            _ => division.foreign.push(row),
        }
    }
    division
}
