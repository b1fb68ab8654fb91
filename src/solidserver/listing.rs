//! When a list is complete.
//!
//! Pages go by key: ordered by id, each page begins after the last id of the one before. So rows that others add or
//! delete meanwhile make no other row skip a page or come twice. A list ends
//!
//! - with an empty page; or, where the caller allows it, with a short page of fewer rows than the appliance is known
//!   to give in one answer, so that it cannot have been cut;
//! - where ids do not rise strictly as numbers, with as many different rows, page by offset, as the appliance counts
//!   before and after.
//!
//! A page that is shorter than asked, and yet followed by another, is the mark of an appliance with a smaller limit of
//! its own, or of a broken answer. Such a list must not have fewer rows than the appliance counts. Everything else is an
//! error; a list is never taken for complete because it looks so.

use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::dialect::{Answer, Dialect, Entries, Fault, List, Position};
use super::transport::{LONG_PATIENCE, SHORT_PATIENCE, Transport};
use super::{EndedBy, Error, gate};

/// How long a limit of the appliance is taken to be unchanged.
const REMEMBERED: Duration = Duration::from_secs(3600);
/// Attempts to settle a list while others write.
const ATTEMPTS: usize = 3;
/// No list of this operator is longer; an appliance that never ends must not fill the memory.
const MOST_ROWS: usize = 2_000_000;

/// The most rows that each service was seen to give in one answer: its own limit, if any, is no smaller.
#[derive(Debug, Default)]
pub(super) struct PageSizes(Mutex<HashMap<&'static str, (usize, Instant)>>);

impl PageSizes {
    /// Whether an answer of so many rows cannot have been cut by the appliance's limit.
    fn uncut(&self, service: &'static str, rows: usize, now: Instant) -> bool {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.get(service).is_some_and(|(most, seen)| rows < *most && now.duration_since(*seen) < REMEMBERED)
    }

    fn saw(&self, service: &'static str, rows: usize, now: Instant) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (most, seen) = known.entry(service).or_insert((0, now));
        if rows >= *most || now.duration_since(*seen) >= REMEMBERED {
            (*most, *seen) = (rows, now);
        }
    }
}

/// A complete list.
#[derive(Debug)]
pub(super) struct Listing<T> {
    pub(super) items: Vec<T>,
    pub(super) ended_by: EndedBy,
    pub(super) calls: usize,
}

/// Which proofs of an end are accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Proof {
    /// Only an empty page: one call more, and no trust in anything that was seen before.
    EmptyPage,
    /// A short page as well.
    ShortPage,
}

/// What reads lists from one appliance.
#[derive(Clone, Copy)]
pub(super) struct Lister<'a> {
    pub(super) transport: &'a Transport,
    pub(super) dialect: Dialect,
    pub(super) page_sizes: &'a PageSizes,
    pub(super) page_size: usize,
}

impl Lister<'_> {
    /// Reads a list to its end.
    ///
    /// `take` turns a page into entries with their ids, each checked against the filter; an entry that is only
    /// there to be paged over is `None`.
    pub(super) async fn list<T>(
        &self,
        list: &List,
        proof: Proof,
        take: impl Fn(&Answer) -> Result<Entries<T>, Fault>,
    ) -> Result<Listing<T>, Error> {
        let mut calls = 0;
        match self.by_id(list, proof, &take, &mut calls).await? {
            Some(listing) => Ok(listing),
            None => self.by_offset(list, &take, &mut calls).await,
        }
    }

    /// Pages by id; `None` if the ids do not rise strictly as numbers.
    async fn by_id<T>(
        &self,
        list: &List,
        proof: Proof,
        take: &impl Fn(&Answer) -> Result<Entries<T>, Fault>,
        calls: &mut usize,
    ) -> Result<Option<Listing<T>>, Error> {
        let mut items = Vec::new();
        let (mut rows, mut last) = (0, None);
        let (mut short_before, mut doubtful) = (false, false);
        let mut checks = 0;
        loop {
            let position = last.map_or(Position::Start, Position::After);
            let page = self.page(list, position, take, calls).await?;
            let length = page.len();
            let uncut = proof == Proof::ShortPage && self.page_sizes.uncut(list.service, length, gate::now());
            self.page_sizes.saw(list.service, length, gate::now());
            let Some(next) = rising(&page, last) else {
                if position == Position::Start && uncut {
                    // All there is, in whatever order.
                    distinct(list, &page, &mut HashSet::new())?;
                    items.extend(page.into_iter().filter_map(|(_, item)| item));
                    return Ok(Some(Listing { items, ended_by: EndedBy::ShortPage, calls: *calls }));
                }
                return Ok(None);
            };
            last = next;
            doubtful |= short_before && length > 0;
            short_before = length < self.page_size;
            rows += length;
            check_size(list, rows)?;
            items.extend(page.into_iter().filter_map(|(_, item)| item));
            if length > 0 && !uncut {
                continue;
            }
            let ended_by = if length == 0 { EndedBy::EmptyPage } else { EndedBy::ShortPage };
            if doubtful {
                let count = self.count(list, calls).await?;
                if count > rows as u64 {
                    checks += 1;
                    if checks == ATTEMPTS {
                        let what =
                            format!("{rows} rows in pages of different lengths, of {count} that it counts");
                        return Err(Error::Incomplete { service: list.service, what });
                    }
                    // Rows that were added in the meantime have higher ids: go on behind the last one.
                    continue;
                }
            }
            return Ok(Some(Listing { items, ended_by, calls: *calls }));
        }
    }

    /// Pages by offset between two equal counts.
    async fn by_offset<T>(
        &self,
        list: &List,
        take: &impl Fn(&Answer) -> Result<Entries<T>, Fault>,
        calls: &mut usize,
    ) -> Result<Listing<T>, Error> {
        let service = list.service;
        let mut doubt = String::new();
        for _ in 0..ATTEMPTS {
            let before = self.count(list, calls).await?;
            let (mut items, mut ids, mut rows, mut pages) = (Vec::new(), HashSet::new(), 0, 0);
            let mut doubled = false;
            while (rows as u64) < before {
                let page = self.page(list, Position::Offset(rows), take, calls).await?;
                if page.is_empty() {
                    break;
                }
                pages += 1;
                rows += page.len();
                check_size(list, rows)?;
                doubled |= distinct(list, &page, &mut ids).is_err();
                items.extend(page.into_iter().filter_map(|(_, item)| item));
            }
            // One page is one moment; several need a count behind them as well.
            let after = if pages > 1 { self.count(list, calls).await? } else { before };
            if !doubled && rows as u64 == before && before == after {
                return Ok(Listing { items, ended_by: EndedBy::Count, calls: *calls });
            }
            doubt = match doubled {
                true => "a row is listed twice".to_owned(),
                false => format!("{rows} rows listed, of {before} counted before and {after} after"),
            };
        }
        let what = format!("its ids cannot be paged by, and without them {doubt}");
        Err(Error::Incomplete { service, what })
    }

    async fn page<T>(
        &self,
        list: &List,
        position: Position,
        take: &impl Fn(&Answer) -> Result<Entries<T>, Fault>,
        calls: &mut usize,
    ) -> Result<Entries<T>, Error> {
        *calls += 1;
        // What was read already is worth waiting for.
        let patience = if *calls == 1 { SHORT_PATIENCE } else { LONG_PATIENCE };
        self.transport.read(&list.page(position, self.page_size), patience, take).await
    }

    pub(super) async fn count(&self, list: &List, calls: &mut usize) -> Result<u64, Error> {
        *calls += 1;
        let patience = if *calls == 1 { SHORT_PATIENCE } else { LONG_PATIENCE };
        self.transport.read(&list.count(), patience, |answer| self.dialect.count_in(answer)).await
    }
}

/// The last id of a page whose ids rise strictly from `last`; `last` itself for an empty one. `None` if they do not rise.
fn rising<T>(page: &[(String, Option<T>)], last: Option<u64>) -> Option<Option<u64>> {
    page.iter().try_fold(last, |last, (id, _)| {
        let id: u64 = id.parse().ok()?;
        (last.is_none_or(|last| id > last)).then_some(Some(id))
    })
}

/// Fails if an id of the page is in `ids` or comes twice.
fn distinct<T>(list: &List, page: &[(String, Option<T>)], ids: &mut HashSet<String>) -> Result<(), Error> {
    for (id, _) in page {
        if !ids.insert(id.clone()) {
            return Err(Error::Incomplete {
                service: list.service,
                what: "a row is listed twice".to_owned(),
            });
        }
    }
    Ok(())
}

fn check_size(list: &List, rows: usize) -> Result<(), Error> {
    if rows > MOST_ROWS {
        return Err(Error::Incomplete { service: list.service, what: format!("more than {MOST_ROWS} rows") });
    }
    Ok(())
}
