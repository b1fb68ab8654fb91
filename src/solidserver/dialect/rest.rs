//! The `/rest` dialect: one flat service per object and verb, `GET /rest/dns_rr_list?WHERE=...`.
//!
//! Parameters travel in the query string, as the vendor's own libraries send them. Names of parameters matter to the
//! letter: the appliance ignores those it does not know, and an ignored `WHERE` returns everything.

mod answer;
mod list;
mod row;
mod topology;
mod write;

use crate::record::Name;

pub(in crate::solidserver) use list::{Filter, List, Position};
pub(in crate::solidserver) use row::Found;

/// How to speak `/rest`.
#[derive(Clone, Copy, Debug)]
pub(in crate::solidserver) struct Rest {
    /// Send `validate_warnings=accept` with writes.
    pub(in crate::solidserver) accept_warnings: bool,
}

/// What the appliance writes where there is no name: no view, no space.
const NO_NAME: &str = "#";

/// Whether two DNS names are one, as far as case and a trailing dot go; other spellings go through [`Name`].
fn same_name(text: &str, name: &Name) -> bool {
    let text = text.strip_suffix('.').unwrap_or(text);
    text.eq_ignore_ascii_case(name.as_str()) || (!text.is_ascii() && Name::parse(text).as_ref() == Ok(name))
}
