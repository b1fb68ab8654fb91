//! Which rows were there lately, so that an add that changed one of them is not taken for a success.
//!
//! An add is told in every way that the appliance offers that it shall make a row. Not every appliance has to heed it: under
//! `/api/v2.0` nothing is documented that forbids an add to edit. But the id in the answer tells: it is either new, or it
//! is that of a row which a reading has shown or an earlier add has made.

use std::collections::HashSet;
use std::hash::{BuildHasher as _, RandomState};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::record::RowId;

/// How long an id is remembered at least. Longer than a reading serves for writes, see the driver of a pass.
const REMEMBERED: Duration = Duration::from_secs(60);

/// The ids of rows that were listed or added in the last one or two minutes.
#[derive(Debug, Default)]
pub(super) struct ListedIds {
    ids: Mutex<Generations>,
    hasher: RandomState,
}

/// Hashes of ids, for there may be very many; to take one for another would cost a reading and nothing else.
#[derive(Debug, Default)]
struct Generations {
    current: HashSet<u64>,
    previous: HashSet<u64>,
    since: Option<Instant>,
}

impl ListedIds {
    /// Remembers rows of a reading.
    pub(super) fn saw<'a>(&self, ids: impl IntoIterator<Item = &'a RowId>, now: Instant) {
        let mut known = self.ids.lock().unwrap_or_else(PoisonError::into_inner);
        known.turn(now);
        known.current.extend(ids.into_iter().map(|id| self.hasher.hash_one(id)));
    }

    /// Remembers a row that was added; false if it was there before.
    pub(super) fn is_new(&self, id: &RowId, now: Instant) -> bool {
        let hash = self.hasher.hash_one(id);
        let mut known = self.ids.lock().unwrap_or_else(PoisonError::into_inner);
        known.turn(now);
        let before = known.previous.contains(&hash);
        known.current.insert(hash) && !before
    }

    /// Forgets a row that was deleted: its id may be given to another.
    pub(super) fn deleted(&self, id: &RowId) {
        let hash = self.hasher.hash_one(id);
        let mut known = self.ids.lock().unwrap_or_else(PoisonError::into_inner);
        known.current.remove(&hash);
        known.previous.remove(&hash);
    }
}

impl Generations {
    fn turn(&mut self, now: Instant) {
        let age = now.saturating_duration_since(*self.since.get_or_insert(now));
        if age < REMEMBERED {
            return;
        }
        let current = std::mem::take(&mut self.current);
        self.previous = if age < 2 * REMEMBERED { current } else { HashSet::new() };
        self.since = Some(now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(number: u32) -> RowId {
        RowId(number.to_string().into())
    }

    #[test]
    fn an_id_is_new_if_no_reading_and_no_add_has_shown_it() {
        let (listed, now) = (ListedIds::default(), Instant::now());
        listed.saw(&[id(1), id(2)], now);
        assert!(!listed.is_new(&id(1), now) && !listed.is_new(&id(2), now));
        assert!(listed.is_new(&id(3), now));
        assert!(!listed.is_new(&id(3), now));
        listed.deleted(&id(3));
        assert!(listed.is_new(&id(3), now));
    }

    #[test]
    fn an_id_is_remembered_for_a_minute_and_forgotten_after_two() {
        let (listed, begin) = (ListedIds::default(), Instant::now());
        let after = |seconds| begin + Duration::from_secs(seconds);
        listed.saw(&[id(1)], begin);
        listed.saw(&[id(2)], after(59));
        // The first minute ends, the ids of it are still known in the second.
        listed.saw(&[id(3)], after(60));
        for number in 1..=3 {
            assert!(!listed.is_new(&id(number), after(61)), "{number}");
        }
        let forgotten = after(61 + 120);
        for number in 1..=3 {
            assert!(listed.is_new(&id(number), forgotten), "{number}");
        }
    }
}
