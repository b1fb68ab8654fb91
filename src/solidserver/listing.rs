//! When a list is complete.
//!
//! Pages go by key: ordered by id, each page begins after the last id of the one before. So rows that others add or
//! delete meanwhile make no other row skip a page or come twice. That a list looks like an end proves nothing: the
//! appliance may have a limit of its own below the page size, or a page may be broken. A list ends
//!
//! - with as many rows as the appliance counts, beside the first page or after the last one;
//! - where the caller allows it, with a short page: fewer rows than the appliance was seen to give in one answer, so
//!   that it cannot have been cut; but not with an empty one behind others;
//! - where the account may not count, or counts fewer rows than were listed, with an empty page, which proves little;
//! - where ids do not rise strictly as numbers, with as many different rows, page by offset, as the appliance counts
//!   before and after.
//!
//! Everything else is an error.
//!
//! The count beside the first page saves a latency and proves no less than one behind the last. What a cut page hides comes after all that it
//! shows, and what is added comes after all that there was. So a list that is cut in front of a row that was there all along shows nothing that
//! was added since the count, and is shorter than that; but for rows that were listed and gone when it was counted, and that time is the shorter
//! one here.

use std::cmp::Ordering;
use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::Turn;
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
    /// The appliance's count, and no trust in anything that was seen before.
    Count,
    /// A short page as well, which saves a call.
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
        let mut may_count = true;
        let (mut first, at_first) = match proof {
            Proof::Count => self.counted_page(list, take, &mut may_count, calls).await?,
            Proof::ShortPage => (None, None),
        };
        let (mut counted, mut counts) = (at_first, 0);
        loop {
            let position = last.map_or(Position::Start, Position::After);
            let page = match first.take() {
                Some(first) => first,
                None => self.page(list, position, take, calls).await?,
            };
            let length = page.len();
            // Nothing where more was to be expected is no short page: it may as well be hidden, or an answer that got lost.
            let may_be_short = proof == Proof::ShortPage && (length > 0 || rows == 0);
            let uncut = may_be_short && self.page_sizes.uncut(list.service, length, gate::now());
            self.page_sizes.saw(list.service, length, gate::now());
            match rising(&page, last) {
                Some(next) => last = next,
                // All there is, in whatever order.
                None if position == Position::Start && uncut => distinct(list, &page, &mut HashSet::new())?,
                None => return Ok(None),
            }
            rows += length;
            check_size(list, rows)?;
            items.extend(page.into_iter().filter_map(|(_, item)| item));
            if uncut {
                return Ok(Some(Listing { items, ended_by: EndedBy::ShortPage, calls: *calls }));
            }
            // A full page, or one that an own limit of the appliance cut: there is more.
            if length >= self.page_size || length > 0 && counted.is_some_and(|counted| counted > rows as u64)
            {
                continue;
            }
            if at_first == Some(rows as u64) {
                return Ok(Some(Listing { items, ended_by: EndedBy::Count, calls: *calls }));
            }
            let count = match self.count_if_allowed(list, &mut may_count, calls).await? {
                Some(count) => count,
                None if length > 0 => continue,
                None => return Ok(Some(Listing { items, ended_by: EndedBy::EmptyPage, calls: *calls })),
            };
            counts += 1;
            let all = match count.cmp(&(rows as u64)) {
                Ordering::Equal => true,
                // Rows were deleted in the meantime; those that are left may still follow.
                Ordering::Less if length > 0 => false,
                // Or rights were withdrawn in the meantime, and what should follow is hidden. Of a whole zone each absence that matters
                // can still be proven by itself; a short list is soon read again.
                Ordering::Less if proof == Proof::Count => {
                    return Ok(Some(Listing { items, ended_by: EndedBy::EmptyPage, calls: *calls }));
                }
                Ordering::Less => return Err(miscounted(list, rows, count)),
                // Rows were added faster than they could be read. All that were counted before are there.
                Ordering::Greater => {
                    counts >= ATTEMPTS && counted.is_some_and(|before| before <= rows as u64)
                }
            };
            if all {
                return Ok(Some(Listing { items, ended_by: EndedBy::Count, calls: *calls }));
            }
            if counts >= ATTEMPTS && length == 0 {
                return Err(miscounted(list, rows, count));
            }
            // Rows that were added in the meantime have higher ids: go on behind the last one.
            counted = Some(count);
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

    /// The first page, and the count beside it where the account may ask for it.
    async fn counted_page<T>(
        &self,
        list: &List,
        take: &impl Fn(&Answer) -> Result<Entries<T>, Fault>,
        may_count: &mut bool,
        calls: &mut usize,
    ) -> Result<(Option<Entries<T>>, Option<u64>), Error> {
        let (mut for_page, mut for_count) = (*calls, *calls);
        let page = self.page(list, Position::Start, take, &mut for_page);
        let count = self.count_if_allowed(list, may_count, &mut for_count);
        let (page, count) = futures::join!(page, count);
        *calls += 2;
        Ok((Some(page?), count?))
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
        self.transport.read(&list.page(position, self.page_size), &Turn::Shared, patience, take).await
    }

    /// The count, or `None` for an account that may not ask for it.
    async fn count_if_allowed(
        &self,
        list: &List,
        may_count: &mut bool,
        calls: &mut usize,
    ) -> Result<Option<u64>, Error> {
        if !*may_count {
            return Ok(None);
        }
        match self.count(list, calls).await {
            Ok(count) => Ok(Some(count)),
            Err(Error::Forbidden { .. } | Error::Rejected { .. }) => {
                *may_count = false;
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    pub(super) async fn count(&self, list: &List, calls: &mut usize) -> Result<u64, Error> {
        *calls += 1;
        let patience = if *calls == 1 { SHORT_PATIENCE } else { LONG_PATIENCE };
        let count = |answer: &_| self.dialect.count_in(answer);
        self.transport.read(&list.count(), &Turn::Shared, patience, count).await
    }
}

/// The last id of a page whose ids rise strictly from `last`; `last` itself for an empty one. `None` if they do not rise.
fn rising<T>(page: &[(Arc<str>, Option<T>)], last: Option<u64>) -> Option<Option<u64>> {
    page.iter().try_fold(last, |last, (id, _)| {
        let id: u64 = id.parse().ok()?;
        (last.is_none_or(|last| id > last)).then_some(Some(id))
    })
}

/// Fails if an id of the page is in `ids` or comes twice.
fn distinct<T>(
    list: &List,
    page: &[(Arc<str>, Option<T>)],
    ids: &mut HashSet<Arc<str>>,
) -> Result<(), Error> {
    for (id, _) in page {
        if !ids.insert(Arc::clone(id)) {
            return Err(Error::Incomplete {
                service: list.service,
                what: "a row is listed twice".to_owned(),
            });
        }
    }
    Ok(())
}

fn miscounted(list: &List, rows: usize, count: u64) -> Error {
    Error::Incomplete { service: list.service, what: format!("it lists {rows} rows and counts {count}") }
}

fn check_size(list: &List, rows: usize) -> Result<(), Error> {
    if rows > MOST_ROWS {
        return Err(Error::Incomplete { service: list.service, what: format!("more than {MOST_ROWS} rows") });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_uncut_only_below_what_was_seen_within_the_hour() {
        let (sizes, now) = (PageSizes::default(), Instant::now());
        assert!(!sizes.uncut("a", 0, now));
        sizes.saw("a", 100, now);
        sizes.saw("a", 40, now + Duration::from_secs(1800));
        assert!(sizes.uncut("a", 99, now) && !sizes.uncut("a", 100, now) && !sizes.uncut("b", 1, now));
        assert!(!sizes.uncut("a", 99, now + REMEMBERED));
        // What is forgotten is learnt anew from whatever comes next.
        sizes.saw("a", 10, now + REMEMBERED);
        assert!(sizes.uncut("a", 9, now + REMEMBERED) && !sizes.uncut("a", 10, now + REMEMBERED));
    }

    #[test]
    fn ids_rise_as_numbers_or_not_at_all() {
        let page = |ids: &[&str]| ids.iter().map(|id| ((*id).into(), Some(()))).collect::<Entries<()>>();
        assert_eq!(rising(&page(&[]), None), Some(None));
        assert_eq!(rising(&page(&[]), Some(7)), Some(Some(7)));
        assert_eq!(rising(&page(&["9", "10", "200"]), None), Some(Some(200)));
        assert_eq!(rising(&page(&["9", "10"]), Some(8)), Some(Some(10)));
        for (ids, last) in [
            (&["10", "9"][..], None),
            (&["9", "9"], None),
            (&["9"], Some(9)),
            (&["a"], None),
            (&["-1"], None),
        ] {
            assert_eq!(rising(&page(ids), last), None, "{ids:?} after {last:?}");
        }
    }
}
