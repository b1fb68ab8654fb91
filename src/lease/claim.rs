//! The right to work with one SolidServer, as long as its Lease is held.

use std::fmt;
use std::time::{Duration, Instant};

use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::now;

/// A stretch of time in which a Lease is held without a break.
#[derive(Clone, Copy, Debug)]
pub(super) struct Term {
    pub(super) number: u64,
    /// Until when, unless it is renewed.
    pub(super) until: Instant,
}

/// The right to work with one SolidServer, as long as it lasts: any term's, or that of one term only.
#[derive(Clone)]
pub struct Claim {
    pub(super) held: watch::Receiver<Option<Term>>,
    /// The term in which another replica asks for the Lease.
    pub(super) asked: watch::Receiver<Option<u64>>,
    pub(super) ended: CancellationToken,
    /// The one term that counts; any when absent.
    pub(super) only: Option<u64>,
    pub(super) margin: Duration,
}

impl Claim {
    /// A claim that is held for ever, for whoever works without rivals: commands for one's own eyes, and tests.
    #[must_use]
    pub fn undisputed() -> Self {
        let far = Duration::from_secs(100 * 365 * 86_400);
        Self::fixed(Some(Term { number: 0, until: now() + far }))
    }

    /// A claim that is never held.
    #[must_use]
    pub fn never() -> Self {
        Self::fixed(None)
    }

    fn fixed(term: Option<Term>) -> Self {
        // Nobody will ever change it; the receiver keeps the value when the sender is gone.
        let ((_, held), (_, asked)) = (watch::channel(term), watch::channel(None));
        Self { held, asked, ended: CancellationToken::new(), only: None, margin: Duration::from_secs(60) }
    }

    fn term(&self) -> Option<Term> {
        if self.ended.is_cancelled() {
            return None;
        }
        let term = *self.held.borrow();
        term.filter(|term| self.only.is_none_or(|only| only == term.number)).filter(|term| term.until > now())
    }

    /// Until when the Lease is held unless it is renewed; `None` when it is not held now.
    #[must_use]
    pub fn until(&self) -> Option<Instant> {
        self.term().map(|term| term.until)
    }

    /// Whether the Lease is held now.
    #[must_use]
    pub fn is_held(&self) -> bool {
        self.term().is_some()
    }

    /// When a call that starts now must have ended, since others may begin then; `None` when none may start.
    #[must_use]
    pub fn deadline(&self) -> Option<Instant> {
        self.term().map(|term| term.until + self.margin)
    }

    /// Waits until a call that is on its way must have ended: until [`Claim::deadline`], which moves on as long as the Lease is renewed.
    pub async fn runs_out(&self) {
        while let Some(deadline) = self.deadline() {
            tokio::time::sleep_until(deadline.into()).await;
        }
    }

    /// The term that this claim is one of, if it is one of a single term.
    #[must_use]
    pub const fn only(&self) -> Option<u64> {
        self.only
    }

    /// Waits until the Lease is held. The answer is a claim of that term only.
    pub async fn begins(&mut self) -> Self {
        loop {
            self.held.mark_unchanged();
            if let Some(term) = self.term() {
                return Self { only: Some(term.number), ..self.clone() };
            }
            self.changed().await;
        }
    }

    /// Waits until the Lease is not held any more.
    pub async fn ends(&self) {
        let mut held = self.held.clone();
        loop {
            held.mark_unchanged();
            let Some(until) = self.until() else { return };
            tokio::select! {
                changed = held.changed() => if changed.is_err() {
                    tokio::time::sleep_until(until.into()).await;
                },
                () = self.ended.cancelled() => return,
                () = tokio::time::sleep_until(until.into()) => {}
            }
        }
    }

    /// Waits until another replica, which holds less, asks for the Lease; see [`super::Candidacy::hand_over`]. A claim of one term only hears
    /// what is asked in that term.
    pub async fn is_asked_for(&self) {
        let mut asked = self.asked.clone();
        let theirs = |term: &Option<u64>| term.is_some() && (self.only.is_none() || self.only == *term);
        if asked.wait_for(theirs).await.is_err() {
            std::future::pending::<()>().await;
        }
    }

    /// Returns when the Lease was got, lost or renewed since the last call.
    pub async fn changed(&mut self) {
        if self.held.changed().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}

impl fmt::Debug for Claim {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Claim").field("held", &self.is_held()).finish()
    }
}
