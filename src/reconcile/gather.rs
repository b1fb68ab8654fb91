//! Gather (IO): what the appliance holds at the names in question, read the cheaper way.

use std::collections::{HashMap, HashSet};
use std::time::{Duration, Instant};

use crate::plan::Claim;
use crate::record::{Name, Place, Row};
use crate::solidserver::{Client, EndedBy, Error, Reading, Sight};

/// How long a reading may serve for planning. Together with the deadline of a write this keeps every id that is used below 30 s
/// of age.
const SERVES: Duration = Duration::from_secs(20);

/// How long an id that was read may be used to start an edit or a delete.
pub(super) const ID_SERVES: Duration = Duration::from_secs(28);

/// What is to be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// The whole zone.
    Whole,
    /// The names of the claims that are to be decided.
    Names,
}

/// Why nothing could be gathered.
#[derive(Clone, Debug)]
pub enum GatherError {
    /// The client says so.
    Client(Error),
    /// The zone does not show itself: nothing may be concluded from what is not there.
    NotVisible,
}

impl From<Error> for GatherError {
    fn from(error: Error) -> Self {
        Self::Client(error)
    }
}

/// What is known of a zone's rows, and for how long.
#[derive(Clone, Debug)]
pub struct Known {
    rows: HashMap<Name, Vec<Row>>,
    whole: bool,
    names: HashSet<Name>,
    stale: HashSet<Name>,
    /// When the oldest part was read.
    pub read_at: Instant,
    /// Rows that a reading of the whole zone listed.
    pub zone_rows: Option<usize>,
    /// Whether the appliance's own count agrees with the reading of the whole zone.
    confirmed: bool,
    /// An id of it was found to be stale, so that none may be used any more.
    void: bool,
}

impl Known {
    fn from_whole(reading: Reading, read_at: Instant) -> Self {
        let mut known = Self {
            rows: HashMap::new(),
            whole: true,
            names: HashSet::new(),
            stale: HashSet::new(),
            read_at,
            zone_rows: Some(reading.rows_seen),
            confirmed: reading.ended_by == EndedBy::Count,
            void: false,
        };
        known.insert(reading);
        known
    }

    fn from_names(reading: Reading, names: Vec<Name>, read_at: Instant) -> Self {
        let mut known = Self {
            rows: HashMap::new(),
            whole: false,
            names: names.into_iter().collect(),
            stale: HashSet::new(),
            read_at,
            zone_rows: None,
            confirmed: true,
            void: false,
        };
        known.insert(reading);
        known
    }

    fn insert(&mut self, reading: Reading) {
        for row in reading.rows {
            self.add(row);
        }
    }

    fn add(&mut self, row: Row) {
        // Mostly one row at a name, and a vector that grows by itself begins with four.
        self.rows.entry(row.name.clone()).or_insert_with(|| Vec::with_capacity(1)).push(row);
    }

    /// Replaces what is known at `names`.
    fn merge(&mut self, reading: Reading, names: Vec<Name>) {
        for name in &names {
            self.rows.remove(name);
            self.stale.remove(name);
        }
        let asked: HashSet<&Name> = names.iter().collect();
        for row in reading.rows {
            if asked.contains(&row.name) {
                self.add(row);
            }
        }
        self.names.extend(names);
    }

    fn covers(&self, name: &Name) -> bool {
        (self.whole || self.names.contains(name)) && !self.stale.contains(name)
    }

    /// A row at this name was written: what was read is no longer true.
    pub fn forget(&mut self, name: &Name) {
        self.stale.insert(name.clone());
    }

    /// An id that was read is no row's any more: the others may be other rows' by now.
    pub fn distrust_ids(&mut self) {
        self.void = true;
    }

    /// Whether it may still serve.
    #[must_use]
    pub fn is_fresh(&self) -> bool {
        !self.void && self.read_at.elapsed() < SERVES
    }

    /// How many names it knows rows of.
    #[must_use]
    pub fn size(&self) -> usize {
        self.rows.len()
    }

    /// All rows that may be planned with.
    pub fn rows(&self) -> impl Iterator<Item = &Row> {
        self.rows.iter().filter(|(name, _)| self.covers(name)).flat_map(|(_, rows)| rows)
    }

    /// Whether a missing row may be taken for absent.
    #[must_use]
    pub fn proves_absence(&self) -> bool {
        self.confirmed
    }
}

/// What is to be gathered, and with what.
pub(super) struct Gathering<'a> {
    pub client: &'a Client,
    pub place: &'a Place,
    /// Rows that the zone had when it was last read as a whole.
    pub zone_rows: Option<usize>,
    pub page_size: usize,
    /// DnsRecords of the zone that are decided in later slices.
    pub to_come: usize,
}

impl Gathering<'_> {
    /// Reads what the claims need and is not known yet. Returns how many list calls that took.
    pub(super) async fn gather(
        &self,
        scope: Scope,
        claims: &[Claim],
        known: &mut Option<Known>,
    ) -> Result<usize, GatherError> {
        if known.as_ref().is_some_and(|known| !known.is_fresh()) {
            *known = None;
        }
        let mut missing: Vec<Name> = claims
            .iter()
            .filter(|claim| claim.decide)
            .flat_map(Claim::names)
            .filter(|name| known.as_ref().is_none_or(|known| !known.covers(name)))
            .cloned()
            .collect();
        missing.sort_unstable();
        missing.dedup();
        let read_at = Instant::now();
        match known {
            None if scope == Scope::Whole || self.whole_is_cheaper(&missing) => {
                let reading = seen(self.client.read_zone(self.place).await?)?;
                let calls = reading.calls;
                *known = Some(Known::from_whole(reading, read_at));
                Ok(calls)
            }
            _ if missing.is_empty() => Ok(0),
            None => {
                let reading = seen(self.client.read_names(self.place, &missing).await?)?;
                let calls = reading.calls;
                *known = Some(Known::from_names(reading, missing, read_at));
                Ok(calls)
            }
            Some(known) => {
                let reading = seen(self.client.read_names(self.place, &missing).await?)?;
                let calls = reading.calls;
                known.merge(reading, missing);
                Ok(calls)
            }
        }
    }

    /// Makes sure that a missing row may be taken for absent: the appliance's own count must agree with the list; where it
    /// does not, since somebody writes meanwhile or a row was left out, the names in question are read by themselves.
    /// Returns how many calls that took.
    pub(super) async fn confirm(&self, names: Vec<Name>, known: &mut Known) -> Result<usize, GatherError> {
        match self.client.count_rows(self.place).await {
            Ok(counted) if known.zone_rows.is_some_and(|rows| u64::try_from(rows) == Ok(counted)) => {
                known.confirmed = true;
                return Ok(1);
            }
            // The account may not count, or somebody writes meanwhile, or a row was left out.
            Ok(_) | Err(Error::Forbidden { .. } | Error::Rejected { .. }) => {}
            Err(error) => return Err(error.into()),
        }
        let reading = seen(self.client.read_names(self.place, &names).await?)?;
        let calls = reading.calls;
        known.merge(reading, names);
        Ok(calls + 1)
    }

    fn whole_is_cheaper(&self, names: &[Name]) -> bool {
        let Some(rows) = self.zone_rows else { return false };
        let pages = rows.div_ceil(self.page_size.max(1)) + 1;
        // What is read as a whole serves the slices that follow, too.
        let chunks = self.client.name_chunks(self.place, names);
        let chunks_to_come = chunks * self.to_come / names.len().max(1);
        pages < chunks + chunks_to_come
    }
}

fn seen(reading: Reading) -> Result<Reading, GatherError> {
    match reading.sight {
        Sight::Seen => Ok(reading),
        Sight::NotVisible => Err(GatherError::NotVisible),
    }
}
