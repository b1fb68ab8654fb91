//! What holds for any text that goes into a request, and for any bytes that come as an answer.

use std::collections::BTreeMap;

use reqwest::StatusCode;

use super::{Answer, Dialect, Fault, Filter, LONGEST_QUERY, Position, Request, Warnings};
use crate::record::{Name, NewRow, Place, RecordData, RecordType};

const DIALECTS: [Dialect; 2] = [Dialect::Rest, Dialect::V2];

/// Splits a filter into the text outside of literals (`?` in the place of each) and the decoded literals, as an SQL reader does.
/// `None` where a literal has no end.
pub(super) fn literals(filter: &str) -> Option<(String, Vec<String>)> {
    let (mut outside, mut literals) = (String::new(), Vec::new());
    let mut rest = filter.chars().peekable();
    while let Some(character) = rest.next() {
        if character != '\'' {
            outside.push(character);
            continue;
        }
        let mut literal = String::new();
        loop {
            match rest.next()? {
                '\'' if rest.peek() == Some(&'\'') => {
                    rest.next();
                    literal.push('\'');
                }
                '\'' => break,
                character => literal.push(character),
            }
        }
        outside.push('?');
        literals.push(literal);
    }
    Some((outside, literals))
}

fn parameter<'a>(request: &'a Request, name: &str) -> Option<&'a str> {
    request.parameters.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| &**value)
}

/// Puts a text everywhere where a text can get into a request: the query asks the same as with harmless texts, each literal is
/// the text that was put there, and parameters are read back as they were.
pub(crate) fn request(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let Ok(zone) = Name::parse("example.com") else { return };
    let names: Vec<Name> = text.lines().filter_map(|line| Name::parse(line).ok()).take(8).collect();
    let mut names: Vec<&Name> = names.iter().collect();
    names.sort_unstable();
    let harmless = Place { server: "ns".into(), view: Some("view".into()), zone: zone.clone() };
    let place = Place { server: (&*text).into(), view: Some((&*text).into()), zone: zone.clone() };
    for dialect in DIALECTS {
        let filter = |place: &Place| {
            let page = dialect.rows_at(place, &names).page(Position::After(7), 100);
            let filter = parameter(&page, "where").unwrap_or_default();
            literals(filter).unwrap_or_else(|| (format!("no end: {filter}"), Vec::new()))
        };
        let ((expected, _), (outside, inside)) = (filter(&harmless), filter(&place));
        assert_eq!(outside, expected, "{text:?}");
        let named = names.iter().map(|name| name.as_str());
        let expected: Vec<&str> = [&*text, zone.as_str(), &*text]
            .into_iter()
            .chain(named)
            .chain(["SOA", "NS", zone.as_str()])
            .collect();
        assert_eq!(inside, expected);
        let soa = dialect.soa_rows(&text).count();
        let soa = literals(parameter(&soa, "where").unwrap_or_default()).unwrap_or_default();
        assert_eq!(soa.1, [&*text, "SOA"]);
        assert_eq!(dialect.chunks(&place, &names).concat(), names);
        if text.len() < 32 {
            let lengths = dialect.chunks(&place, &names).len();
            assert!(names.len() * 300 > LONGEST_QUERY || lengths == 1, "{lengths}");
        }

        let Ok(written) = RecordData::parse(RecordType::Txt, &text) else { continue };
        let parameters = BTreeMap::from([("cost_center".to_owned(), text.clone().into_owned())]);
        let row = NewRow {
            name: zone.clone(),
            data: written,
            ttl: 60,
            class_name: Some((&*text).into()),
            parameters: parameters.clone(),
        };
        let add = dialect.add(&place, &row, Warnings::Heeded);
        if dialect == Dialect::Rest {
            let packed = parameter(&add, "rr_class_parameters").unwrap_or_default();
            let read: BTreeMap<String, String> =
                url::form_urlencoded::parse(packed.as_bytes()).into_owned().collect();
            assert_eq!(read, parameters);
        }
    }
}

/// Takes bytes for each kind of answer: each is a result or a fault, and what is told of it is one line of bounded length.
pub(crate) fn answer(data: &[u8]) {
    let Ok(zone) = Name::parse("example.com") else { return };
    let Ok(www) = Name::parse("www.example.com") else { return };
    let place = Place { server: "ns.test".into(), view: None, zone };
    let names = [&www];
    for dialect in DIALECTS {
        for status in [StatusCode::OK, StatusCode::CREATED, StatusCode::BAD_REQUEST] {
            let answer = Answer { status, body: data.to_vec() };
            for names in [None, Some(&names[..])] {
                let rows = checked(dialect.rows_in(&answer, Filter { place: &place, names }));
                for found in rows.into_iter().flatten().filter_map(|(_, found)| found) {
                    // What was not asked for is there as a proof of sight only.
                    assert!(found.asked || found.is_soa || found.is_apex_name_server || names.is_some());
                    let named = found.row.is_none_or(|row| row.name == www);
                    assert!(named || !found.asked || names.is_none());
                }
            }
            checked(dialect.servers_in(&answer));
            checked(dialect.views_in(&answer, "ns.test"));
            checked(dialect.zones_in(&answer, &place.server));
            checked(dialect.count_in(&answer));
            checked(dialect.shows_soa(&answer, "ns.test"));
            checked(dialect.version_in(&answer));
            if let Some(id) = checked(dialect.written(&answer)) {
                assert!(!id.0.is_empty() && status.is_success());
            }
            let deleted = checked(dialect.deleted(&answer));
            assert!(deleted.is_none() || status.is_success());
        }
    }
}

/// What a fault says gets into conditions and logs.
fn checked<T>(result: Result<T, Fault>) -> Option<T> {
    let words = match result {
        Ok(result) => return Some(result),
        Err(Fault::Refused { code, message }) => format!("{code} {message}"),
        Err(Fault::Unreadable(what)) => what,
    };
    assert!(words.chars().count() <= 1200 && !words.chars().any(char::is_control), "{words:?}");
    None
}
