//! Lists: which service, which filter, which page.

use std::borrow::Cow;

use reqwest::Method;
use url::form_urlencoded::byte_serialize;

use super::condition::Condition;
use super::names::{ListNames, Names};
use super::row::Found;
use super::{Answer, Dialect, Entries, Fault, LONGEST_QUERY, Operation, Request};
use crate::record::{Name, Place};

/// What the appliance writes where there is no name: no view, no space.
const NO_NAME: &str = "#";

/// A list that can be read page by page and counted.
#[derive(Clone, Debug)]
pub(in crate::solidserver) struct List {
    /// The name of the service, for messages.
    pub(in crate::solidserver) service: &'static str,
    pub(super) names: &'static Names,
    pub(super) of: &'static ListNames,
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
        let names = self.names;
        let mut parameters = Vec::with_capacity(5);
        let filter = match (position, &self.filter) {
            (Position::After(id), Some(filter)) => {
                Some(filter.clone().and(&Condition::above(self.of.id, id)))
            }
            (Position::After(id), None) => Some(Condition::above(self.of.id, id)),
            (_, filter) => filter.clone(),
        };
        if let Some(filter) = filter {
            parameters.push((names.filter, Cow::Owned(filter.to_string())));
        }
        parameters.push((names.order, Cow::Borrowed(self.of.id)));
        parameters.push((names.limit, Cow::Owned(limit.to_string())));
        if let Position::Offset(offset) = position {
            parameters.push((names.offset, Cow::Owned(offset.to_string())));
        }
        if self.without_inherited {
            parameters.push((names.without_inherited, Cow::Borrowed("1")));
        }
        get(Operation::List, names.root, self.of.list, parameters)
    }

    /// How many rows the list has.
    pub(in crate::solidserver) fn count(&self) -> Request {
        let filter = self.filter.as_ref().map(|filter| (self.names.filter, Cow::Owned(filter.to_string())));
        get(Operation::Count, self.names.root, self.of.count, filter.into_iter().collect())
    }
}

impl Dialect {
    /// The rows of a zone.
    pub(in crate::solidserver) fn rows_of_zone(self, place: &Place) -> List {
        self.rows(self.in_zone(place))
    }

    /// The rows of all types at some names of a zone, and those that prove that the zone is seen: its SOA row, and the
    /// NS rows at its apex for an appliance that lists no SOA.
    pub(in crate::solidserver) fn rows_at(self, place: &Place, names: &[&Name]) -> List {
        let columns = self.names();
        let at_names = Condition::one_of(columns.owner, names.iter().map(|name| name.as_str()));
        let proofs = [
            Condition::equals(columns.record_type, "SOA"),
            Condition::equals(columns.record_type, "NS")
                .and(&Condition::equals(columns.owner, place.zone.as_str())),
        ];
        let at_names = (!names.is_empty()).then_some(at_names);
        self.rows(self.in_zone(place).and(&Condition::any(at_names.into_iter().chain(proofs))))
    }

    /// The SOA rows of a server.
    pub(in crate::solidserver) fn soa_rows(self, server: &str) -> List {
        let columns = self.names();
        self.rows(
            Condition::equals(columns.server, server).and(&Condition::equals(columns.record_type, "SOA")),
        )
    }

    /// Splits names so that the query of each part stays short enough to be sent. At least one part, which is empty
    /// only if there are no names.
    pub(in crate::solidserver) fn chunks<'a, 'b>(
        self,
        place: &Place,
        names: &'a [&'b Name],
    ) -> Vec<&'a [&'b Name]> {
        let mut around = query_length(&self.rows_at(place, &[]).page(Position::After(u64::MAX), usize::MAX));
        around += encoded_length(self.names().owner) + encoded_length(" in () or ");
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

    /// The rows in a page of [`Dialect::rows_of_zone`] or [`Dialect::rows_at`], each checked against the filter.
    pub(in crate::solidserver) fn rows_in(
        self,
        answer: &Answer,
        filter: Filter<'_>,
    ) -> Result<Entries<Found>, Fault> {
        self.listed_rows(answer)?.into_iter().map(|row| row.entry(filter)).collect()
    }

    /// Whether a page of [`Dialect::soa_rows`] shows one.
    pub(in crate::solidserver) fn shows_soa(self, answer: &Answer, server: &str) -> Result<bool, Fault> {
        let rows = self.listed_rows(answer)?;
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
        let counts = self.counts(answer)?;
        match &counts[..] {
            // Nothing that the account may see; documented for lists, and harmless here.
            [] => Ok(0),
            [count] => {
                count.as_str().parse().map_err(|_| Fault::Unreadable("a count that is no number".to_owned()))
            }
            _ => Err(Fault::Unreadable("several counts instead of one".to_owned())),
        }
    }

    fn rows(self, filter: Condition) -> List {
        List { without_inherited: true, ..self.list(&self.names().rows, Some(filter)) }
    }

    pub(super) fn list(self, of: &'static ListNames, filter: Option<Condition>) -> List {
        List { service: of.list, names: self.names(), of, filter, without_inherited: false }
    }

    /// Server, zone and view. The same name can live in several zones of a server, and each zone in several views; rows
    /// of a SMART's members carry the member's name.
    fn in_zone(self, place: &Place) -> Condition {
        let columns = self.names();
        let view = match &place.view {
            Some(view) => Condition::equals(columns.view, view),
            // `#` is what appliances show; empty costs nothing to allow.
            None => Condition::one_of(columns.view, [NO_NAME, ""]),
        };
        Condition::equals(columns.server, &place.server)
            .and(&Condition::equals(columns.zone, place.zone.as_str()))
            .and(&view)
    }
}

pub(super) fn get(
    operation: Operation,
    root: &'static str,
    service: &'static str,
    parameters: Vec<(&'static str, Cow<'static, str>)>,
) -> Request {
    Request { operation, method: Method::GET, root, service, parameters, body: None }
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

/// Whether two DNS names are one, as far as case and a trailing dot go; other spellings go through [`Name`].
fn same_name(text: &str, name: &Name) -> bool {
    let text = text.strip_suffix('.').unwrap_or(text);
    text.eq_ignore_ascii_case(name.as_str()) || (!text.is_ascii() && Name::parse(text).as_ref() == Ok(name))
}

fn encoded_length(text: &str) -> usize {
    byte_serialize(text.as_bytes()).map(str::len).sum()
}

fn query_length(request: &Request) -> usize {
    let pairs = request.parameters.iter();
    pairs.map(|(name, value)| encoded_length(name) + encoded_length(value) + 2).sum()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::samples::{self, DIALECTS, answer, page, query};
    use super::*;
    use crate::record::RowType;

    fn place(view: Option<&str>) -> Place {
        Place {
            server: "ns.test".into(),
            view: view.map(Into::into),
            zone: Name::parse("example.com").unwrap(),
        }
    }

    #[test]
    fn a_page_of_a_zone_asks_for_server_zone_and_view_in_order_of_ids() {
        let rest = "dns_name='ns.test' and dnszone_name='example.com' and dnsview_name='o''hare'";
        let v2 = "server_name='ns.test' and zone_name='example.com' and view_name='o''hare'";
        let list = ["rest dns_rr_list", "api v2.0 dns rr list"];
        let count = ["rest dns_rr_count", "api v2.0 dns rr count"];
        for (dialect, list_path, count_path, filter, [condition, order, without_inherited]) in [
            (Dialect::Rest, list[0], count[0], rest, ["WHERE", "ORDERBY", "NO_PARENT_CLASS_PARAM"]),
            (Dialect::V2, list[1], count[1], v2, ["where", "orderby", "no_parent_class_param"]),
        ] {
            let path = |request: &Request| request.path().collect::<Vec<_>>().join(" ");
            let list = dialect.rows_of_zone(&place(Some("o'hare")));
            let rest = [(order, "rr_id"), ("limit", "500"), (without_inherited, "1")];
            let start = list.page(Position::Start, 500);
            assert_eq!((start.method.as_str(), &*path(&start)), ("GET", list_path));
            assert_eq!(query(&start), [&[(condition, filter)], &rest[..]].concat());
            let after = format!("{filter} and rr_id > 41");
            assert_eq!(
                query(&list.page(Position::After(41), 500)),
                [&[(condition, &*after)], &rest[..]].concat()
            );
            assert_eq!(
                query(&list.page(Position::Offset(1000), 500)),
                [&[(condition, filter)], &rest[..2], &[("offset", "1000")], &rest[2..]].concat()
            );
            let count = list.count();
            assert_eq!((&*path(&count), query(&count)), (count_path, vec![(condition, filter)]));
            assert!(start.body.is_none() && count.body.is_none());
        }
    }

    #[test]
    fn names_are_asked_for_together_with_the_proofs_of_sight() {
        let names = ["a.example.com", "*.example.com"].map(|name| Name::parse(name).unwrap());
        for (dialect, parameter, zone) in [
            (
                Dialect::Rest,
                "WHERE",
                "dns_name='ns.test' and dnszone_name='example.com' and dnsview_name in ('#','')",
            ),
            (
                Dialect::V2,
                "where",
                "server_name='ns.test' and zone_name='example.com' and view_name in ('#','')",
            ),
        ] {
            let list = dialect.rows_at(&place(None), &names.iter().collect::<Vec<_>>());
            let filter = format!(
                "{zone} and (rr_full_name in ('a.example.com','*.example.com') or rr_type='SOA' or \
                 rr_type='NS' and rr_full_name='example.com')"
            );
            assert_eq!(query(&list.count()), [(parameter, &*filter)]);
            let filter = format!("{zone} and (rr_type='SOA' or rr_type='NS' and rr_full_name='example.com')");
            assert_eq!(query(&dialect.rows_at(&place(None), &[]).count()), [(parameter, &*filter)]);
        }
    }

    proptest! {
        #[test]
        fn chunks_hold_every_name_once_and_their_queries_are_short(lengths in proptest::collection::vec(1_usize..60, 0..400)) {
            let place = place(Some("with space & quote'"));
            let names: Vec<Name> = lengths
                .iter()
                .enumerate()
                .map(|(index, length)| Name::parse(&format!("{}.{index}/x.example.com", "a".repeat(*length))).unwrap())
                .collect();
            let names: Vec<&Name> = names.iter().collect();
            for dialect in DIALECTS {
                let chunks = dialect.chunks(&place, &names);
                prop_assert_eq!(chunks.concat(), names.clone());
                prop_assert!(chunks.iter().all(|chunk| !chunk.is_empty()) || names.is_empty());
                let length = |chunk: &[&Name]| {
                    query_length(&dialect.rows_at(&place, chunk).page(Position::After(u64::MAX), 1000))
                };
                for chunk in &chunks {
                    prop_assert!(length(chunk) <= LONGEST_QUERY, "{}", length(chunk));
                }
                // Nor are there more of them than needed.
                for pair in chunks.windows(2) {
                    prop_assert!(length(&[pair[0], &pair[1][..1]].concat()) + 40 > LONGEST_QUERY);
                }
            }
        }
    }

    #[test]
    fn a_name_of_the_greatest_length_gets_a_chunk_of_its_own_when_it_must() {
        let label = "a".repeat(60);
        let names: Vec<Name> = (0..60)
            .map(|index| Name::parse(&format!("{index:02}.{label}.{label}.{label}.example.com")).unwrap())
            .collect();
        for dialect in DIALECTS {
            let chunks = dialect.chunks(&place(None), &names.iter().collect::<Vec<_>>()).len();
            assert_eq!(chunks, 3);
            assert_eq!(dialect.chunks(&place(None), &[]).len(), 1);
        }
    }

    /// A row as the appliance lists it, with some columns replaced.
    fn listed(dialect: Dialect, columns: &[(&str, &str)]) -> String {
        let usual = [
            ("errno", "0"),
            ("rr_id", "411"),
            ("dns_name", "ns.test"),
            ("dnszone_name", "example.com"),
            ("dnsview_name", "#"),
            ("rr_full_name", "www.example.com"),
            ("rr_type", "A"),
            ("ttl", "600"),
            ("value1", "192.0.2.1"),
            ("value2", ""),
            ("rr_class_name", ""),
            ("rr_class_parameters", ""),
            ("delayed_delete_time", "0"),
            ("other", "ignored"),
        ];
        samples::object(dialect, "rr", &[&usual, columns].concat())
    }

    fn read(
        dialect: Dialect,
        rows: &[&[(&str, &str)]],
        view: Option<&str>,
        names: Option<&[&str]>,
    ) -> Result<Entries<Found>, Fault> {
        let place = place(view);
        let names: Option<Vec<Name>> =
            names.map(|names| names.iter().map(|name| Name::parse(name).unwrap()).collect());
        let names: Option<Vec<&Name>> = names.as_ref().map(|names| names.iter().collect());
        let filter = Filter { place: &place, names: names.as_deref() };
        let rows: Vec<String> = rows.iter().map(|columns| listed(dialect, columns)).collect();
        dialect.rows_in(&page(dialect, &rows), filter)
    }

    #[test]
    fn a_row_is_read_with_its_values_parameters_and_state() {
        let columns = [
            ("rr_type", "mx"),
            ("value1", "10"),
            ("value2", "MX1.example.com."),
            ("rr_class_name", "mail"),
            ("rr_class_parameters", "owner=net%26sys&k8s_owner=c%2Fn%2Fr&site=paris"),
            (
                "rr_class_parameters_properties",
                "owner=set,restrict&k8s_owner=set,restrict&site=inherited,propagate",
            ),
            (
                "rr_class_parameters_inheritance_source",
                "owner=real_rr,411&k8s_owner=real_rr,411&site=real_dnszone,9",
            ),
            ("delayed_create_time", "1"),
            ("delayed_delete_time", "1"),
        ];
        for dialect in DIALECTS {
            let entries = read(dialect, &[&columns], None, None).unwrap();
            let (id, found) = &entries[0];
            let found = found.as_ref().unwrap();
            let row = found.row.as_ref().unwrap();
            assert_eq!(
                (&**id, &*row.id.0, row.name.as_str(), row.ttl),
                ("411", "411", "www.example.com", 600)
            );
            assert_eq!(row.row_type.as_str(), "MX");
            assert_eq!(row.values, ["10", "MX1.example.com."]);
            assert_eq!(row.data.as_ref().unwrap().to_string(), "10 mx1.example.com");
            let own: Vec<_> = row.parameters.iter().map(|(key, value)| (&**key, &**value)).collect();
            assert_eq!(own, [("k8s_owner", "c/n/r"), ("owner", "net&sys")]);
            assert_eq!(row.inherited.iter().collect::<Vec<_>>(), ["site"]);
            assert!(found.unclear.is_empty());
            assert_eq!((&*row.class_name, row.pending_create, row.pending_delete), ("mail", true, true));
        }
    }

    #[test]
    fn a_parameter_of_which_nothing_is_said_is_unclear() {
        for dialect in DIALECTS {
            let entries = read(dialect, &[&[("rr_class_parameters", "site=paris")]], None, None).unwrap();
            let found = entries[0].1.as_ref().unwrap();
            assert_eq!(found.unclear.iter().collect::<Vec<_>>(), ["site"], "{dialect:?}");
            assert_eq!(found.row.as_ref().unwrap().parameters["site"], "paris", "{dialect:?}");
        }
    }

    #[test]
    fn what_is_not_understood_is_kept_without_meaning() {
        for dialect in DIALECTS {
            let rows: [&[_]; 4] = [
                &[("value1", "not an address")],
                &[("rr_id", "412"), ("ttl", "soon")],
                &[("rr_id", "413"), ("rr_type", "Hinfo"), ("value2", "os")],
                &[("rr_id", "414"), ("rr_full_name", "a b.example.com")],
            ];
            let entries = read(dialect, &rows, None, None).unwrap();
            let found: Vec<_> = entries.iter().map(|(_, found)| found.as_ref().unwrap()).collect();
            assert_eq!(found.len(), 4);
            for found in &found[..3] {
                assert!(found.row.as_ref().unwrap().data.is_none());
            }
            assert_eq!(found[2].row.as_ref().unwrap().row_type, RowType::Other("HINFO".into()));
            assert!(found[3].row.is_none());
            assert!(found.iter().all(|found| found.asked && !found.is_soa));
        }
    }

    #[test]
    fn a_row_outside_the_filter_spoils_the_whole_answer() {
        let outside = [
            ("a member of a SMART", vec![("dns_name", "member.test")], None, None),
            ("another zone", vec![("dnszone_name", "child.example.com")], None, None),
            ("a view where there is none", vec![("dnsview_name", "internal")], None, None),
            ("another view", vec![("dnsview_name", "external")], Some("internal"), None),
            ("no view where there is one", vec![], Some("internal"), None),
            ("another name", vec![], None, Some(&["other.example.com"][..])),
            (
                "a name that is none",
                vec![("rr_full_name", "a b.example.com")],
                None,
                Some(&["www.example.com"]),
            ),
            ("no id", vec![("rr_id", "")], None, None),
            ("no type", vec![("rr_type", "")], None, None),
            ("a name server below the apex", vec![("rr_type", "NS")], None, Some(&["other.example.com"])),
        ];
        for dialect in DIALECTS {
            for (what, columns, view, names) in &outside {
                let good = [("rr_id", "7"), ("dnsview_name", view.unwrap_or("#"))];
                let rows = [&good[..], &columns[..]];
                let rows = if names.is_some() { &rows[1..] } else { &rows[..] };
                let result = read(dialect, rows, *view, *names);
                assert!(matches!(result, Err(Fault::Unreadable(_))), "{what}: {result:?}");
            }
            // Columns that the filter is about are missing.
            let missing = samples::object(
                dialect,
                "rr",
                &[("rr_id", "411"), ("rr_full_name", "www.example.com"), ("rr_type", "A"), ("ttl", "600")],
            );
            let filter = Filter { place: &place(None), names: None };
            let result = dialect.rows_in(&page(dialect, &[missing]), filter);
            assert!(matches!(result, Err(Fault::Unreadable(_))), "{result:?}");
        }
    }

    #[test]
    fn a_row_in_the_words_of_the_other_dialect_is_no_row() {
        for (dialect, other) in [(Dialect::Rest, Dialect::V2), (Dialect::V2, Dialect::Rest)] {
            let filter = Filter { place: &place(None), names: None };
            let answers = [page(dialect, &[listed(other, &[])]), page(other, &[listed(dialect, &[])])];
            for answer in answers {
                let result = dialect.rows_in(&answer, filter);
                assert!(matches!(result, Err(Fault::Unreadable(_))), "{dialect:?}: {result:?}");
            }
        }
    }

    #[test]
    fn names_of_the_filter_match_in_any_case_and_another_case_of_a_view_is_another_view() {
        let columns = [
            ("dns_name", "NS.Test"),
            ("dnszone_name", "Example.COM."),
            ("rr_full_name", "WWW.example.com."),
            ("dnsview_name", "Internal"),
        ];
        for dialect in DIALECTS {
            let entries = read(dialect, &[&columns], Some("Internal"), Some(&["www.example.com"])).unwrap();
            assert_eq!(entries[0].1.as_ref().unwrap().row.as_ref().unwrap().name.as_str(), "www.example.com");
            let entries = read(dialect, &[&columns], Some("internal"), None).unwrap();
            assert_eq!((&*entries[0].0, entries[0].1.is_none()), ("411", true));
            assert!(read(dialect, &[&[("dnsview_name", "")]], None, None).unwrap()[0].1.is_some());
        }
    }

    #[test]
    fn proofs_of_sight_are_told_from_the_rows_that_were_asked_for() {
        let rows: [&[_]; 3] = [
            &[("rr_id", "1"), ("rr_type", "SOA"), ("rr_full_name", "example.com")],
            &[("rr_id", "2"), ("rr_type", "NS"), ("rr_full_name", "example.com")],
            &[("rr_id", "3")],
        ];
        let shape = |entries: Entries<Found>| -> Vec<(bool, bool, bool)> {
            let found = entries.into_iter().map(|(_, found)| found.unwrap());
            found.map(|found| (found.asked, found.is_soa, found.is_apex_name_server)).collect()
        };
        for dialect in DIALECTS {
            let entries = read(dialect, &rows, None, Some(&["www.example.com"])).unwrap();
            assert_eq!(shape(entries), [(false, true, false), (false, false, true), (true, false, false)]);
            let entries = read(dialect, &rows[..2], None, Some(&["example.com"])).unwrap();
            assert_eq!(shape(entries), [(true, true, false), (true, false, true)]);
        }
    }

    #[test]
    fn counts_are_read_strictly() {
        for (dialect, column) in [(Dialect::Rest, "total"), (Dialect::V2, "count")] {
            let count = |rows: &[&str]| {
                let rows: Vec<String> = rows.iter().map(|row| row.replace("COUNT", column)).collect();
                dialect.count_in(&page(dialect, &rows))
            };
            assert_eq!(count(&[r#"{"errno":"0","COUNT":"57"}"#]), Ok(57));
            assert_eq!(count(&[r#"{"COUNT":57}"#]), Ok(57));
            assert_eq!(count(&[]), Ok(0));
            assert_eq!(dialect.count_in(&answer(204, "")), Ok(0));
            for rows in [
                &[r#"{"errno":"0","COUNT":""}"#][..],
                &[r#"{"COUNT":-1}"#],
                &[r#"{"errno":"0"}"#],
                &[r#"{"COUNT":"1"}"#, r#"{"COUNT":"2"}"#],
            ] {
                assert!(matches!(count(rows), Err(Fault::Unreadable(_))), "{rows:?}");
            }
            assert!(matches!(dialect.count_in(&answer(200, "")), Err(Fault::Unreadable(_))));
        }
    }

    #[test]
    fn only_soa_rows_of_the_server_show_that_it_lists_them() {
        let soa = [("rr_type", "SOA"), ("dnszone_name", "other.test"), ("rr_full_name", "other.test")];
        for dialect in DIALECTS {
            let list = |columns| page(dialect, &[listed(dialect, columns)]);
            assert_eq!(dialect.shows_soa(&list(&soa), "ns.test"), Ok(true));
            assert_eq!(dialect.shows_soa(&answer(204, ""), "ns.test"), Ok(false));
            for columns in [&[][..], &[("rr_type", "SOA"), ("dns_name", "member.test")]] {
                let result = dialect.shows_soa(&list(columns), "ns.test");
                assert!(matches!(result, Err(Fault::Unreadable(_))));
            }
        }
        let columns = [
            (Dialect::Rest, "dns_name='ns.test' and rr_type='SOA'"),
            (Dialect::V2, "server_name='ns.test' and rr_type='SOA'"),
        ];
        for (dialect, filter) in columns {
            assert_eq!(query(&dialect.soa_rows("ns.test").count())[0].1, filter);
        }
    }
}
