//! The wire: requests and answers, in the words of the appliance.
//!
//! A dialect turns what the client wants into a [`Request`] and an [`Answer`] into rows; everything outside this
//! folder is free of service, parameter and column names. Which dialect an appliance is spoken to in is decided in
//! [`Dialect`] alone.

mod class_parameters;
mod condition;
mod rest;

use std::borrow::Cow;

use reqwest::{Method, StatusCode};

pub(super) use rest::{Filter, Found, List, Position, Rest as Dialect};

/// The entries of a page with their ids; `None` for one that only has to be paged over.
pub(super) type Entries<T> = Vec<(String, Option<T>)>;

/// Most bytes of a query, as sent. Web servers refuse request lines beyond 8 KiB by default; the path, paging and a
/// gateway's prefix need room as well.
pub(super) const LONGEST_QUERY: usize = 6 * 1024;

/// What a call does. Reads may be repeated, writes never.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Operation {
    List,
    Count,
    Add,
    Edit,
    Delete,
}

impl Operation {
    pub(super) const fn is_write(self) -> bool {
        matches!(self, Self::Add | Self::Edit | Self::Delete)
    }

    /// The label for metrics.
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::List => "list",
            Self::Count => "count",
            Self::Add => "add",
            Self::Edit => "edit",
            Self::Delete => "delete",
        }
    }
}

/// One call: where it goes and what it says.
#[derive(Clone, Debug)]
pub(super) struct Request {
    pub(super) operation: Operation,
    pub(super) method: Method,
    /// Path segments below the endpoint.
    pub(super) path: [&'static str; 2],
    /// The name of the service, for messages and metrics.
    pub(super) service: &'static str,
    pub(super) parameters: Vec<(&'static str, Cow<'static, str>)>,
}

/// An answer that is neither about the connection nor about the account: 2xx or 4xx.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) body: Vec<u8>,
}

/// Why an answer holds no result.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// The appliance says no, in a way that leaves no doubt.
    Refused { code: String, message: String },
    /// Nobody can tell what the appliance says.
    Unreadable(String),
}
