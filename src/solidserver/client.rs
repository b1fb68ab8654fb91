//! The client of one appliance.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::{Error, Reading, Server, Settings};
use crate::record::{Name, NewRow, Place, RowEdit, RowId, Zone};

/// A client of one appliance: one connection pool and one gate, shared by all clones.
#[derive(Clone)]
pub struct Client {
    settings: Arc<Settings>,
}

impl Client {
    /// x
    ///
    /// # Errors
    /// x
    pub fn new(settings: Settings) -> Result<Self, Error> {
        Ok(Self { settings: Arc::new(settings) })
    }

    /// The same client; but a write of the returned handle that could not start by `moment` is not sent at all and
    /// answered with [`Error::NotStarted`]. For ids that may only be used for a while, and for leases that end.
    #[must_use]
    pub fn starting_by(&self, _moment: Instant) -> Self {
        self.clone()
    }

    /// The pause that a 429 asked for, as far as it still lasts.
    #[must_use]
    pub fn paused_for(&self) -> Option<Duration> {
        None
    }

    /// Most calls in flight at a time.
    #[must_use]
    pub fn concurrency(&self) -> usize {
        self.settings.concurrency.max(1)
    }

    /// The appliance's version, or `None` when the account may not ask.
    ///
    /// # Errors
    /// x
    pub async fn version(&self) -> Result<Option<String>, Error> {
        Err(unfinished())
    }

    /// x
    ///
    /// # Errors
    /// x
    pub async fn servers(&self) -> Result<Vec<Server>, Error> {
        Err(unfinished())
    }

    /// x
    ///
    /// # Errors
    /// x
    pub async fn views(&self, _server: &str) -> Result<Vec<Arc<str>>, Error> {
        Err(unfinished())
    }

    /// x
    ///
    /// # Errors
    /// x
    pub async fn zones(&self, _server: &str) -> Result<Vec<Zone>, Error> {
        Err(unfinished())
    }

    /// x
    ///
    /// # Errors
    /// x
    pub async fn read_zone(&self, _place: &Place) -> Result<Reading, Error> {
        Err(unfinished())
    }

    /// x
    ///
    /// # Errors
    /// x
    pub async fn read_names(&self, _place: &Place, _names: &[Name]) -> Result<Reading, Error> {
        Err(unfinished())
    }

    /// x
    ///
    /// # Errors
    /// x
    pub async fn count_rows(&self, _place: &Place) -> Result<u64, Error> {
        Err(unfinished())
    }

    /// How many chunks [`Client::read_names`] would ask for; each is one call, or two.
    #[must_use]
    pub fn name_chunks(&self, _place: &Place, _names: &[Name]) -> usize {
        1
    }

    /// x
    ///
    /// # Errors
    /// x
    pub async fn add(&self, _place: &Place, _row: &NewRow) -> Result<RowId, Error> {
        Err(unfinished())
    }

    /// x
    ///
    /// # Errors
    /// x
    pub async fn edit(&self, _place: &Place, _id: &RowId, _edit: &RowEdit) -> Result<RowId, Error> {
        Err(unfinished())
    }

    /// x
    ///
    /// # Errors
    /// x
    pub async fn delete(&self, _place: &Place, _id: &RowId) -> Result<(), Error> {
        Err(unfinished())
    }
}

fn unfinished() -> Error {
    Error::Settings { what: "this client is not finished".to_owned() }
}
