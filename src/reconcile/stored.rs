//! A DnsRecord as it is kept while it waits for its turn.

use std::sync::Arc;

use crate::api::DnsRecord;

/// The state of a DnsRecord: the object itself, or what it is read from. An object in memory is several times its JSON, and of
/// the thousands that a pass is made of few are looked at at one time.
#[derive(Clone, Debug)]
pub enum StoredRecord {
    /// As the API server has just answered.
    Whole(Arc<DnsRecord>),
    /// As the watch keeps it, in JSON.
    Kept(Arc<[u8]>),
}

/// What is kept in memory makes no sense: a defect of ours.
#[derive(Debug, thiserror::Error)]
#[error("a DnsRecord cannot be read from memory: {0}")]
pub struct Unreadable(#[from] serde_json::Error);

impl StoredRecord {
    /// Puts an object into its small form.
    ///
    /// # Errors
    /// [`Unreadable`] when it has none, which no object of the API server brings about.
    pub fn keep(record: &DnsRecord) -> Result<Self, Unreadable> {
        Ok(Self::Kept(serde_json::to_vec(record)?.into()))
    }

    /// The object.
    ///
    /// # Errors
    /// [`Unreadable`], which [`StoredRecord::keep`] rules out.
    pub fn read(&self) -> Result<Arc<DnsRecord>, Unreadable> {
        match self {
            Self::Whole(record) => Ok(Arc::clone(record)),
            Self::Kept(json) => Ok(Arc::new(serde_json::from_slice(json)?)),
        }
    }
}
