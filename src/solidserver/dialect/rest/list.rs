//! Lists: which service, which filter, which page.

use std::borrow::Cow;

use reqwest::Method;
use url::form_urlencoded::byte_serialize;

use super::answer::{self, Text};
use super::row::{Columns, Found};
use super::{NO_NAME, Rest, same_name};
use crate::record::{Name, Place};
use crate::solidserver::dialect::condition::Condition;
use crate::solidserver::dialect::{Answer, Entries, Fault, Operation, Request};

/// Most bytes of a query, as sent. Web servers refuse request lines beyond 8 KiB by default; path, paging and a proxy's
/// prefix need room as well.
const LONGEST_QUERY: usize = 6 * 1024;

/// A list that can be read page by page and counted.
#[derive(Clone, Debug)]
pub(in crate::solidserver) struct List {
    pub(in crate::solidserver) service: &'static str,
    pub(super) count_service: &'static str,
    /// The column to page by: unique, and ordered by the appliance as a number.
    pub(super) id_column: &'static str,
    pub(super) filter: Option<Condition>,
    /// Leave out what rows inherit, where the appliance can.
    pub(super) without_inherited: bool,
}

/// Where a page begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::solidserver) enum Position {
    /// With the first row.
    Start,
    /// With the first row whose id is above this one.
    After(u64),
    /// After so many rows.
    Offset(usize),
}

/// The filter that the rows of a list of records have to match.
#[derive(Clone, Copy, Debug)]
pub(in crate::solidserver) struct Filter<'a> {
    pub(in crate::solidserver) place: &'a Place,
    /// The owner names asked for, sorted; `None` for the whole zone.
    pub(in crate::solidserver) names: Option<&'a [&'a Name]>,
}

impl List {
    /// One page, ordered by id.
    pub(in crate::solidserver) fn page(&self, position: Position, limit: usize) -> Request {
        let mut parameters = Vec::with_capacity(5);
        let filter = match (position, &self.filter) {
            (Position::After(id), Some(filter)) => {
                Some(filter.clone().and(&Condition::above(self.id_column, id)))
            }
            (Position::After(id), None) => Some(Condition::above(self.id_column, id)),
            (_, filter) => filter.clone(),
        };
        if let Some(filter) = filter {
            parameters.push(("WHERE", Cow::Owned(filter.to_string())));
        }
        parameters.push(("ORDERBY", Cow::Borrowed(self.id_column)));
        parameters.push(("limit", Cow::Owned(limit.to_string())));
        if let Position::Offset(offset) = position {
            parameters.push(("offset", Cow::Owned(offset.to_string())));
        }
        if self.without_inherited {
            parameters.push(("NO_PARENT_CLASS_PARAM", Cow::Borrowed("1")));
        }
        get(Operation::List, self.service, parameters)
    }

    /// How many rows the list has.
    pub(in crate::solidserver) fn count(&self) -> Request {
        let filter = self.filter.as_ref().map(|filter| ("WHERE", Cow::Owned(filter.to_string())));
        get(Operation::Count, self.count_service, filter.into_iter().collect())
    }
}

impl Rest {
    /// The appliance's own row in its list of members, which carries the version.
    pub(in crate::solidserver) fn version(self) -> Request {
        get(Operation::List, "member_list", vec![("WHERE", Cow::Borrowed("member_is_me=1"))])
    }

    /// The version in the answer to [`Rest::version`]; `None` for whatever an appliance says to an account that may
    /// not ask.
    pub(in crate::solidserver) fn version_in(self, answer: &Answer) -> Option<String> {
        #[derive(serde::Deserialize)]
        struct Member<'a> {
            #[serde(borrow)]
            member_version: Text<'a>,
        }
        let members: Vec<Member<'_>> = answer::rows(answer).ok()?;
        let version = members.first()?.member_version.as_str().trim();
        (!version.is_empty()).then(|| version.to_owned())
    }

    /// The rows of a zone.
    pub(in crate::solidserver) fn rows_of_zone(self, place: &Place) -> List {
        rows(in_zone(place))
    }

    /// The rows of all types at some names of a zone, and those that prove that the zone is seen: its SOA row, and the
    /// NS rows at its apex for an appliance that lists no SOA.
    pub(in crate::solidserver) fn rows_at<'a>(
        self,
        place: &Place,
        names: impl IntoIterator<Item = &'a Name>,
    ) -> List {
        rows(in_zone(place).and(&Condition::any([
            Condition::one_of("rr_full_name", names.into_iter().map(Name::as_str)),
            Condition::equals("rr_type", "SOA"),
            Condition::equals("rr_type", "NS").and(&Condition::equals("rr_full_name", place.zone.as_str())),
        ])))
    }

    /// The SOA rows of a server.
    pub(in crate::solidserver) fn soa_rows(self, server: &str) -> List {
        rows(Condition::equals("dns_name", server).and(&Condition::equals("rr_type", "SOA")))
    }

    /// Splits names so that the query of each part stays short enough to be sent. At least one part, which is empty
    /// only if there are no names.
    pub(in crate::solidserver) fn chunks<'a, 'b>(
        self,
        place: &Place,
        names: &'a [&'b Name],
    ) -> Vec<&'a [&'b Name]> {
        let around = query_length(&self.rows_at(place, []).page(Position::After(u64::MAX), usize::MAX));
        let mut chunks = Vec::new();
        let (mut begin, mut length) = (0, around);
        for (index, name) in names.iter().enumerate() {
            // Two quotes and a comma, percent-encoded.
            let added = encoded_length(name.as_str()) + 9;
            if index > begin && length + added > LONGEST_QUERY {
                chunks.push(&names[begin..index]);
                (begin, length) = (index, around);
            }
            length += added;
        }
        chunks.push(&names[begin..]);
        chunks
    }

    /// The rows in a page of [`Rest::rows_of_zone`] or [`Rest::rows_at`], each checked against the filter.
    pub(in crate::solidserver) fn rows_in(
        self,
        answer: &Answer,
        filter: Filter<'_>,
    ) -> Result<Entries<Found>, Fault> {
        answer::rows::<Columns<'_>>(answer)?.into_iter().map(|row| row.entry(filter)).collect()
    }

    /// Whether a page of [`Rest::soa_rows`] shows one.
    pub(in crate::solidserver) fn shows_soa(self, answer: &Answer, server: &str) -> Result<bool, Fault> {
        let rows: Vec<Columns<'_>> = answer::rows(answer)?;
        for row in &rows {
            if !row.is_soa_of(server) {
                return Err(Fault::Unreadable(
                    "the appliance ignored the filter: a row other than asked".to_owned(),
                ));
            }
        }
        Ok(!rows.is_empty())
    }

    /// The count in the answer to [`List::count`].
    pub(in crate::solidserver) fn count_in(self, answer: &Answer) -> Result<u64, Fault> {
        #[derive(serde::Deserialize)]
        struct Total<'a> {
            #[serde(borrow)]
            total: Text<'a>,
        }
        let totals: Vec<Total<'_>> = answer::rows(answer)?;
        match &totals[..] {
            // Nothing that the account may see; documented for lists, and harmless here.
            [] => Ok(0),
            [total] => total
                .total
                .as_str()
                .parse()
                .map_err(|_| Fault::Unreadable("a count that is no number".to_owned())),
            _ => Err(Fault::Unreadable("several counts instead of one".to_owned())),
        }
    }
}

fn rows(filter: Condition) -> List {
    List {
        service: "dns_rr_list",
        count_service: "dns_rr_count",
        id_column: "rr_id",
        filter: Some(filter),
        without_inherited: true,
    }
}

/// Server, zone and view. The same name can live in several zones of a server, and each zone in several views; rows of a
/// SMART's members carry the member's name.
fn in_zone(place: &Place) -> Condition {
    let view = match &place.view {
        Some(view) => Condition::equals("dnsview_name", view),
        // `#` is what appliances show; empty costs nothing to allow.
        None => Condition::one_of("dnsview_name", [NO_NAME, ""]),
    };
    Condition::equals("dns_name", &place.server)
        .and(&Condition::equals("dnszone_name", place.zone.as_str()))
        .and(&view)
}

fn get(
    operation: Operation,
    service: &'static str,
    parameters: Vec<(&'static str, Cow<'static, str>)>,
) -> Request {
    Request { operation, method: Method::GET, path: ["rest", service], service, parameters }
}

/// The view of a row: `None` where there is none.
pub(super) fn view_of(text: &str) -> Option<&str> {
    (!matches!(text, NO_NAME | "")).then_some(text)
}

/// Checks a row against server, zone and view; `Ok(false)` for a row of another view whose name differs in case only,
/// which an appliance that compares without case lists as well.
pub(super) fn is_in(place: &Place, server: &str, zone: &str, view: &str) -> Result<bool, Fault> {
    let outside =
        |what: &str| Fault::Unreadable(format!("the appliance ignored the filter: a row of another {what}"));
    if !server.eq_ignore_ascii_case(&place.server) {
        return Err(outside("server"));
    }
    if !same_name(zone, &place.zone) {
        return Err(outside("zone"));
    }
    match (view_of(view), &place.view) {
        (None, None) => Ok(true),
        (Some(view), Some(asked)) if *view == **asked => Ok(true),
        (Some(view), Some(asked)) if view.to_lowercase() == asked.to_lowercase() => Ok(false),
        _ => Err(outside("view")),
    }
}

fn encoded_length(text: &str) -> usize {
    byte_serialize(text.as_bytes()).map(str::len).sum()
}

fn query_length(request: &Request) -> usize {
    let pairs = request.parameters.iter();
    pairs.map(|(name, value)| encoded_length(name) + encoded_length(value) + 2).sum()
}
