//! The client of one appliance: what it shares, and the calls that write.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::dialect::{Answer, Dialect, Fault, Warnings};
use super::listed::ListedIds;
use super::listing::{Lister, PageSizes};
use super::sight::SoaListing;
use super::transport::Transport;
use super::{Error, Settings, Turn, gate};
use crate::lease::Claim;
use crate::record::{NewRow, Place, RowEdit, RowId};

/// A client of one appliance: one connection pool and one gate, shared by all clones.
///
/// Reads are complete or an error. Writes change one row each and are sent once; what their errors mean for the next
/// step is written at [`Error`].
#[derive(Clone)]
pub struct Client {
    shared: Arc<Shared>,
    start_by: Option<Instant>,
    turn: Turn,
}

struct Shared {
    transport: Transport,
    dialect: Dialect,
    warnings: Warnings,
    concurrency: usize,
    page_size: usize,
    page_sizes: PageSizes,
    soa_listing: SoaListing,
    listed: ListedIds,
}

impl Client {
    /// Prepares a client; nothing is sent yet. Needs a Tokio runtime from the first call on.
    ///
    /// # Errors
    /// [`Error::Settings`] for settings that cannot work.
    pub fn new(settings: Settings) -> Result<Self, Error> {
        Self::under(settings, Claim::undisputed())
    }

    /// The same for an appliance that others would work on, too: nothing is sent unless the claim is held at that moment (the answer is
    /// [`Error::NotStarted`]), and a call is cut off before others may begin.
    ///
    /// # Errors
    /// [`Error::Settings`] for settings that cannot work.
    pub fn under(settings: Settings, claim: Claim) -> Result<Self, Error> {
        Self::build(settings, claim, None)
    }

    /// Another client in the place of this one, for new credentials, certificates or limits. If the endpoint is the same it goes on
    /// at the same gate: a pause that the appliance asked for, the pace learnt from it and the calls in flight of both count on.
    ///
    /// # Errors
    /// [`Error::Settings`] for settings that cannot work.
    pub fn renewed(&self, settings: Settings) -> Result<Self, Error> {
        let transport = &self.shared.transport;
        Self::build(settings, transport.claim().clone(), Some(transport))
    }

    fn build(settings: Settings, claim: Claim, before: Option<&Transport>) -> Result<Self, Error> {
        let dialect = settings.dialect;
        let warnings = if settings.accept_warnings { Warnings::Accepted } else { Warnings::Heeded };
        let (concurrency, page_size) = (settings.concurrency.max(1), settings.page_size.max(1));
        let shared = Shared {
            transport: Transport::new(settings, claim, before)?,
            dialect,
            warnings,
            concurrency,
            page_size,
            page_sizes: PageSizes::default(),
            soa_listing: SoaListing::default(),
            listed: ListedIds::default(),
        };
        Ok(Self { shared: Arc::new(shared), start_by: None, turn: Turn::Shared })
    }

    /// The same client; but a write of the returned handle that could not start by `moment` is not sent at all and
    /// answered with [`Error::NotStarted`]. For ids that may only be used for a while.
    #[must_use]
    pub fn starting_by(&self, moment: Instant) -> Self {
        Self { start_by: Some(moment), ..self.clone() }
    }

    /// The same client; but writes of the returned handle are made on this behalf, and those for whom calls are made take turns.
    #[must_use]
    pub fn on_behalf(&self, turn: Turn) -> Self {
        Self { turn, ..self.clone() }
    }

    /// Whether the appliance has not answered several calls in a row. Until it does nothing is called but [`Client::version`]; all else is
    /// answered at once with [`Error::Unreachable`].
    #[must_use]
    pub fn is_given_up(&self) -> bool {
        self.shared.transport.is_given_up()
    }

    /// The same client for those who only look: no write of the returned handle is ever sent, each is answered with
    /// [`Error::NotStarted`].
    #[must_use]
    pub fn reading_only(&self) -> Self {
        self.starting_by(Instant::now())
    }

    /// The pause that a 429 asked for, as far as it still lasts. Calls that would have to wait more than a second for
    /// its end are answered with [`Error::RateLimited`] and not sent.
    #[must_use]
    pub fn paused_for(&self) -> Option<Duration> {
        self.shared.transport.paused_for()
    }

    /// By how many seconds the appliance's clock was ahead of this machine's at its last answer, as far as its `Date` header tells; the
    /// time on the way counts against it. `None` without an answer or such a header.
    #[must_use]
    pub fn clock_ahead(&self) -> Option<i64> {
        self.shared.transport.clock_ahead()
    }

    /// The URL of the proxy that calls go through, without a login; `None` when they go directly.
    #[must_use]
    pub fn proxy(&self) -> Option<&str> {
        self.shared.transport.proxy()
    }

    /// Whether each call is signed with an API token, for which the clocks must agree.
    #[must_use]
    pub fn signs_calls(&self) -> bool {
        self.shared.transport.signs_calls()
    }

    /// Most calls in flight at a time.
    #[must_use]
    pub fn concurrency(&self) -> usize {
        self.shared.concurrency
    }

    /// Most rows that one list call asks for.
    #[must_use]
    pub fn page_size(&self) -> usize {
        self.shared.page_size
    }

    /// Adds a row, and is meant never to edit one. Returns its id.
    ///
    /// # Errors
    /// [`Error::AlreadyExists`] for a row that is there already, [`Error::Rejected`] for one that the appliance does
    /// not want, [`Error::Ambiguous`] if nobody knows, which is so as well when the answer shows the id of a row that this
    /// client has read or added lately: then that row was edited. All others mean that nothing was executed.
    pub async fn add(&self, place: &Place, row: &NewRow) -> Result<RowId, Error> {
        let Shared { transport, dialect, warnings, listed, .. } = &*self.shared;
        tracing::debug!(%place, name = %row.name, record_type = %row.data.record_type(), "adding a row");
        let added = |answer: &Answer| {
            let id = dialect.written(answer)?;
            if listed.is_new(&id, gate::now()) {
                return Ok(id);
            }
            tracing::warn!(%place, name = %row.name, %id, "an add seems to have edited a row that was there before");
            Err(Fault::Unreadable("a row that was there before seems to have been edited".to_owned()))
        };
        transport.write(&dialect.add(place, row, *warnings), &self.turn, self.start_by, added).await
    }

    /// Changes a row in place, by the id just read. Returns the id that the row has now.
    ///
    /// A stale id is harmless as far as the appliance's documentation goes: nothing but the id tells it which row is
    /// meant, and it is told too little to create one. An id that was given to *another* row in the
    /// meantime would be believed, which is why ids must not be used long after their reading.
    ///
    /// # Errors
    /// [`Error::DoesNotExist`] for a stale id, [`Error::AlreadyExists`] if another row has that value already,
    /// [`Error::Rejected`], and [`Error::Ambiguous`] as for [`Client::add`].
    pub async fn edit(&self, place: &Place, id: &RowId, edit: &RowEdit) -> Result<RowId, Error> {
        let Shared { transport, dialect, warnings, .. } = &*self.shared;
        tracing::debug!(%place, %id, "editing a row");
        transport
            .write(&dialect.edit(id, edit, *warnings), &self.turn, self.start_by, |answer| {
                dialect.written(answer)
            })
            .await
    }

    /// Deletes a row, by the id just read. See [`Client::edit`] about stale ids. By name it is never done: a value
    /// that the appliance does not recognise would take the whole RRset along.
    ///
    /// # Errors
    /// [`Error::DoesNotExist`] for a stale id, [`Error::Rejected`], and [`Error::Ambiguous`] as for [`Client::add`].
    pub async fn delete(&self, place: &Place, id: &RowId) -> Result<(), Error> {
        let Shared { transport, dialect, warnings, listed, .. } = &*self.shared;
        tracing::debug!(%place, %id, "deleting a row");
        transport
            .write(&dialect.delete(id, *warnings), &self.turn, self.start_by, |answer| {
                dialect.deleted(answer)
            })
            .await?;
        listed.deleted(id);
        Ok(())
    }

    pub(super) fn transport(&self) -> &Transport {
        &self.shared.transport
    }

    pub(super) fn dialect(&self) -> Dialect {
        self.shared.dialect
    }

    pub(super) fn soa_listing(&self) -> &SoaListing {
        &self.shared.soa_listing
    }

    pub(super) fn listed(&self) -> &ListedIds {
        &self.shared.listed
    }

    pub(super) fn lister(&self) -> Lister<'_> {
        let Shared { transport, dialect, page_sizes, page_size, .. } = &*self.shared;
        Lister { transport, dialect: *dialect, page_sizes, page_size: *page_size }
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Client")
            .field("concurrency", &self.shared.concurrency)
            .finish_non_exhaustive()
    }
}
