//! The calls that read: what there is on the appliance, complete or not at all.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use futures::stream::{self, StreamExt as _, TryStreamExt as _};
use reqwest::StatusCode;

use super::dialect::{Answer, Dialect, Fault, Filter, Found, Position};
use super::listing::{Listing, Proof};
use super::sight::{Evidence, Judgement, judge};
use super::transport::SHORT_PATIENCE;
use super::{Client, EndedBy, Error, Reading, Server, Sight, Turn, gate};
use crate::record::{Name, Place, Row, Zone};

impl Client {
    /// The appliance's version, such as `8.4.2`; `None` when the account may not ask. Good as a first call: it shows
    /// whether the appliance can be reached and takes the credentials. It is made also while all others are not because the
    /// appliance does not answer; with an answer all are made again.
    ///
    /// # Errors
    /// Those of the connection and of the account, as at [`Error`]; not [`Error::Forbidden`], [`Error::Rejected`] or
    /// [`Error::Incomplete`].
    pub async fn version(&self) -> Result<Option<String>, Error> {
        let dialect = self.dialect();
        let version = |answer: &_| dialect.version_in(answer);
        match self.transport().read(&dialect.version(), &Turn::Probe, SHORT_PATIENCE, version).await {
            Err(Error::Forbidden { .. }) => Ok(None),
            other => other,
        }
    }

    /// All DNS servers, members of SMARTs included.
    ///
    /// # Errors
    /// As at [`Error`], for reads.
    pub async fn servers(&self) -> Result<Vec<Server>, Error> {
        let dialect = self.dialect();
        let list = dialect.servers();
        let listing = self.lister().list(&list, Proof::Count, |answer| dialect.servers_in(answer)).await?;
        Ok(listing.items)
    }

    /// The names of a server's views; none on a server without views. Views about to be deleted are left out.
    ///
    /// # Errors
    /// As at [`Error`], for reads.
    pub async fn views(&self, server: &str) -> Result<Vec<Arc<str>>, Error> {
        let dialect = self.dialect();
        let list = dialect.views(server);
        let listing =
            self.lister().list(&list, Proof::Count, |answer| dialect.views_in(answer, server)).await?;
        Ok(listing.items)
    }

    /// The zones of a server, of every kind, in all its views. Zones about to be deleted are left out, and those under
    /// whose name no record can lie (the root).
    ///
    /// # Errors
    /// As at [`Error`], for reads.
    pub async fn zones(&self, server: &str) -> Result<Vec<Zone>, Error> {
        let dialect = self.dialect();
        let server: Arc<str> = server.into();
        let list = dialect.zones(&server);
        let listing =
            self.lister().list(&list, Proof::Count, |answer| dialect.zones_in(answer, &server)).await?;
        Ok(listing.items)
    }

    /// All rows of a zone. Takes a call for each page and one for the count that proves that there are no more.
    ///
    /// # Errors
    /// As at [`Error`], for reads; [`Error::Incomplete`] for whatever is not the whole truth.
    pub async fn read_zone(&self, place: &Place) -> Result<Reading, Error> {
        let dialect = self.dialect();
        let filter = Filter { place, names: None };
        let list = dialect.rows_of_zone(place);
        let listing =
            self.lister().list(&list, Proof::Count, |answer| dialect.rows_in(answer, filter)).await?;
        self.reading(place, list.service, vec![listing]).await
    }

    /// The rows of all types at some names of a zone. Takes a call for each of [`Client::name_chunks`]; and one more for
    /// each with as many rows as the appliance was ever seen to give in one answer during the last hour.
    ///
    /// # Errors
    /// As at [`Error`], for reads; [`Error::Incomplete`] for whatever is not the whole truth.
    pub async fn read_names(&self, place: &Place, names: &[Name]) -> Result<Reading, Error> {
        let dialect = self.dialect();
        let names: BTreeSet<&Name> = names.iter().collect();
        let names: Vec<&Name> = names.into_iter().collect();
        let lists = dialect.chunks(place, &names).into_iter().map(|names| async move {
            let list = dialect.rows_at(place, names);
            let filter = Filter { place, names: Some(names) };
            self.lister().list(&list, Proof::ShortPage, |answer| dialect.rows_in(answer, filter)).await
        });
        let lists: Vec<_> = lists.collect();
        let listings = stream::iter(lists).buffered(self.concurrency()).try_collect().await?;
        self.reading(place, dialect.rows_of_zone(place).service, listings).await
    }

    /// How many chunks [`Client::read_names`] would ask for, so that the caller can choose the cheaper way. One call
    /// each, or two, against one for each page of the zone and one more.
    #[must_use]
    pub fn name_chunks(&self, place: &Place, names: &[Name]) -> usize {
        let names: BTreeSet<&Name> = names.iter().collect();
        let names: Vec<&Name> = names.into_iter().collect();
        self.dialect().chunks(place, &names).len()
    }

    /// How many rows the appliance counts in a zone. Without the right to see them that is 0.
    ///
    /// # Errors
    /// As at [`Error`], for reads.
    pub async fn count_rows(&self, place: &Place) -> Result<u64, Error> {
        self.lister().count(&self.dialect().rows_of_zone(place), &mut 0).await
    }

    /// Puts the lists of one reading together.
    async fn reading(
        &self,
        place: &Place,
        service: &'static str,
        listings: Vec<Listing<Found>>,
    ) -> Result<Reading, Error> {
        let mut calls: usize = listings.iter().map(|listing| listing.calls).sum();
        let ended_by = listings.iter().map(|listing| listing.ended_by);
        let ended_by = ended_by.reduce(weakest).unwrap_or(EndedBy::Count);
        let mut sight = Sight::Seen;
        let (mut rows, mut rows_seen) = (Vec::new(), 0);
        for listing in listings {
            let evidence = evidence(service, &listing.items)?;
            // Each list has to prove sight by itself: rights can be withdrawn between two.
            if self.sight(place, evidence, &mut calls).await? == Sight::NotVisible {
                sight = Sight::NotVisible;
            }
            rows_seen += listing.items.iter().filter(|found| found.asked).count();
            rows.extend(own_parameters_only(listing.items));
        }
        let mut ids = HashSet::with_capacity(rows.len());
        if !rows.iter().all(|row| ids.insert(&row.id)) {
            return Err(incomplete(service, "a row is listed twice"));
        }
        drop(ids);
        self.listed().saw(rows.iter().map(|row| &row.id), gate::now());
        Ok(Reading { rows, sight, rows_seen, ended_by, calls })
    }

    async fn sight(&self, place: &Place, evidence: Evidence, calls: &mut usize) -> Result<Sight, Error> {
        let server = &place.server;
        if evidence.soa {
            self.soa_listing().learn(server, true, gate::now());
        }
        loop {
            match judge(evidence, self.soa_listing().known(server, gate::now())) {
                Judgement::Seen => return Ok(Sight::Seen),
                Judgement::NotVisible => return Ok(Sight::NotVisible),
                Judgement::AskForSoa => {
                    *calls += 1;
                    let dialect = self.dialect();
                    let request = dialect.soa_rows(server).page(Position::Start, 1);
                    let shows_soa = |answer: &_| dialect.shows_soa(answer, server);
                    let lists = self.transport().read(&request, &Turn::Shared, SHORT_PATIENCE, shows_soa);
                    self.soa_listing().learn(server, lists.await?, gate::now());
                }
                Judgement::AskForCount => {
                    *calls += 1;
                    let counted = self.count_rows(place).await?;
                    return Ok(if counted > 0 { Sight::Seen } else { Sight::NotVisible });
                }
            }
        }
    }
}

/// The rows in the body of a page of a zone's list that was answered with 200, each checked: what [`Client::read_zone`] makes of a
/// page, without a client and without IO. For measuring that, and for answers that were recorded.
///
/// # Errors
/// [`Error::Rejected`] or [`Error::Incomplete`] for a page that is not the whole truth.
pub fn rows_of_page(dialect: Dialect, place: &Place, body: Vec<u8>) -> Result<Vec<Row>, Error> {
    let answer = Answer { status: StatusCode::OK, body };
    let service = dialect.rows_of_zone(place).service;
    let entries = dialect.rows_in(&answer, Filter { place, names: None }).map_err(|fault| match fault {
        Fault::Refused { code, message } => Error::Rejected { service, code, message },
        Fault::Unreadable(what) => Error::Incomplete { service, what },
    })?;
    Ok(own_parameters_only(entries.into_iter().filter_map(|(_, found)| found).collect()).collect())
}

/// What the rows of one list show of the zone itself.
fn evidence(service: &'static str, found: &[Found]) -> Result<Evidence, Error> {
    let soa_rows = found.iter().filter(|found| found.is_soa).count();
    // A zone has one (RFC 1035 5.2). Two are one row before and after its id changed, and so may all others be.
    if soa_rows > 1 {
        return Err(incomplete(service, "two SOA rows: ids changed during the reading"));
    }
    Ok(Evidence { soa: soa_rows == 1, rows: !found.is_empty() })
}

/// The rows that were asked for, with the parameters that may be inherited taken off where the appliance does not say.
///
/// Without any word of the appliance, a parameter that the zone's own SOA or NS rows carry with the same value is taken
/// for inherited, since nobody sets it there; and so is every such parameter if there is no such row to compare with.
fn own_parameters_only(found: Vec<Found>) -> impl Iterator<Item = Row> {
    let mut of_the_zone: HashMap<String, HashSet<String>> = HashMap::new();
    let mut comparable = false;
    let zone_rows = found.iter().filter(|found| found.is_soa || found.is_apex_name_server);
    for row in zone_rows.filter_map(|found| found.row.as_ref()) {
        comparable = true;
        for (key, value) in &row.parameters {
            of_the_zone.entry(key.clone()).or_default().insert(value.clone());
        }
    }
    found.into_iter().filter(|found| found.asked).filter_map(move |found| {
        let mut row = found.row?;
        for key in found.unclear {
            let value = row.parameters.get(&key);
            let shared =
                of_the_zone.get(&key).zip(value).is_some_and(|(values, value)| values.contains(value));
            if shared || !comparable {
                row.parameters.remove(&key);
                row.inherited.insert(key);
            }
        }
        Some(row)
    })
}

/// Of two ends the one that proves less.
fn weakest(one: EndedBy, other: EndedBy) -> EndedBy {
    match (one, other) {
        (EndedBy::ShortPage, _) | (_, EndedBy::ShortPage) => EndedBy::ShortPage,
        (EndedBy::EmptyPage, _) | (_, EndedBy::EmptyPage) => EndedBy::EmptyPage,
        (EndedBy::Count, EndedBy::Count) => EndedBy::Count,
    }
}

fn incomplete(service: &'static str, what: &str) -> Error {
    Error::Incomplete { service, what: what.to_owned() }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::super::dialect::samples::{DIALECTS, object, page};
    use super::*;
    use crate::record::{RowId, RowType};

    fn found(id: &str, is_soa: bool, parameters: &[(&str, &str)], unclear: &[&str]) -> Found {
        let row = Row {
            id: RowId(id.into()),
            name: Name::parse("example.com").unwrap(),
            row_type: RowType::Other("SOA".into()),
            ttl: 0,
            values: Vec::new(),
            data: None,
            parameters: parameters
                .iter()
                .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
                .collect(),
            inherited: BTreeSet::new(),
            class_name: String::new(),
            pending_create: false,
            pending_delete: false,
        };
        Found {
            row: Some(row),
            asked: !is_soa,
            is_soa,
            is_apex_name_server: false,
            unclear: unclear.iter().map(|key| (*key).to_owned()).collect(),
        }
    }

    fn believed(found: Vec<Found>) -> Vec<BTreeMap<String, String>> {
        own_parameters_only(found).map(|row| row.parameters).collect()
    }

    fn map(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn a_parameter_of_unclear_origin_that_the_soa_row_shares_is_not_the_rows_own() {
        let soa = || found("1", true, &[("a", "1"), ("b", "2"), ("c", "3")], &["a", "b", "c"]);
        let row = |unclear: &[&str]| found("2", false, &[("a", "1"), ("b", "other"), ("d", "4")], unclear);
        assert_eq!(believed(vec![soa(), row(&["a", "b", "d"])]), [map(&[("b", "other"), ("d", "4")])]);
        // What the appliance states is believed as it stands.
        assert_eq!(believed(vec![soa(), row(&[])]), [map(&[("a", "1"), ("b", "other"), ("d", "4")])]);
        // Without a row to compare with, nothing unclear is believed.
        assert_eq!(believed(vec![row(&["a", "d"])]), [map(&[("b", "other")])]);
    }

    #[test]
    fn a_recorded_page_is_judged_as_one_that_is_read() {
        let place = Place { server: "ns.test".into(), view: None, zone: Name::parse("example.com").unwrap() };
        for dialect in DIALECTS {
            let columns = |owner: &'static str, server: &'static str| {
                [("rr_id", "7"), ("dns_name", server), ("dnszone_name", "example.com"), ("dnsview_name", "#")]
                    .into_iter()
                    .chain([
                        ("rr_full_name", owner),
                        ("rr_type", "A"),
                        ("ttl", "60"),
                        ("value1", "192.0.2.1"),
                    ])
                    .collect::<Vec<_>>()
            };
            let body =
                |server| page(dialect, &[object(dialect, "rr", &columns("www.example.com", server))]).body;
            let rows = rows_of_page(dialect, &place, body("ns.test")).unwrap();
            assert_eq!((rows.len(), &*rows[0].id.0, rows[0].ttl), (1, "7", 60));
            for wrong in [body("another.test"), body("ns.test")[1..].to_vec(), Vec::new()] {
                let read = rows_of_page(dialect, &place, wrong);
                assert!(matches!(read, Err(Error::Incomplete { .. })), "{read:?}");
            }
        }
    }

    #[test]
    fn two_soa_rows_are_no_reading() {
        let soa = |id| found(id, true, &[], &[]);
        assert!(evidence("list", &[soa("1")]).is_ok_and(|evidence| evidence.soa));
        assert!(matches!(
            evidence("list", &[soa("1"), soa("2")]),
            Err(Error::Incomplete { service: "list", .. })
        ));
    }
}
