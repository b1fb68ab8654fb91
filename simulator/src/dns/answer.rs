//! What the answer to a question is: RFC 1034 4.3.2 with wildcards (RFC 4592), DNAME (RFC 6672), negative answers
//! (RFC 2308) and referrals.

use std::collections::BTreeSet;

use hickory_proto::op::ResponseCode;
use hickory_proto::rr::rdata::NULL;
use hickory_proto::rr::{Name, RData, Record, RecordType};

use super::record_data;
use crate::store::{Published, Store, Zone, normalize_name};

/// How many CNAME and DNAME records are followed for one question.
const MOST_LINKS: usize = 16;
/// The longest name in text form, without trailing dot (RFC 1035 2.3.4).
const LONGEST_NAME: usize = 253;

/// An answer: what goes into the message.
#[derive(Debug)]
pub(super) struct Reply {
    pub(super) code: ResponseCode,
    pub(super) authoritative: bool,
    pub(super) answers: Vec<Record>,
    pub(super) authorities: Vec<Record>,
    pub(super) additionals: Vec<Record>,
}

impl Reply {
    /// An answer that is only a code.
    pub(super) fn failure(code: ResponseCode) -> Self {
        Self {
            code,
            authoritative: false,
            answers: Vec::new(),
            authorities: Vec::new(),
            additionals: Vec::new(),
        }
    }
}

/// The name that a CNAME or DNAME leads to, where one does.
type Link = Option<String>;

/// Answers a question from what is published.
pub(super) fn answer(store: &Store, name: &Name, record_type: RecordType) -> Reply {
    let mut reply = Reply::failure(ResponseCode::NoError);
    if matches!(record_type, RecordType::AXFR | RecordType::IXFR) {
        return Reply::failure(ResponseCode::Refused);
    }
    let Some(mut name) = text_of(name) else {
        // No row can have such a name, and which zone it would be in does not matter to anybody.
        return Reply::failure(ResponseCode::Refused);
    };
    let mut seen = BTreeSet::new();
    while seen.len() <= MOST_LINKS && seen.insert(name.clone()) {
        let zone = zone_for(store, &name, record_type).filter(|zone| zone.zone_type == "master");
        let Some(zone) = zone else {
            if seen.len() == 1 {
                reply.code = ResponseCode::Refused;
            }
            return reply;
        };
        let question = Question { store, zone, name: &name, record_type };
        match question.resolve(&mut reply) {
            Some(target) => name = target,
            None => break,
        }
    }
    reply
}

/// The zone that answers. A DS record belongs to the parent of the zone it is for (RFC 4035 3.1.4.1).
fn zone_for<'a>(store: &'a Store, name: &str, record_type: RecordType) -> Option<&'a Zone> {
    let zone = store.answering_zone(name)?;
    if record_type == RecordType::DS && zone.name == name {
        let parent = name.split_once('.').and_then(|(_, parent)| store.answering_zone(parent));
        return parent.or(Some(zone));
    }
    Some(zone)
}

/// One question within one zone.
struct Question<'a> {
    store: &'a Store,
    zone: &'a Zone,
    name: &'a str,
    record_type: RecordType,
}

impl<'a> Question<'a> {
    fn resolve(&self, reply: &mut Reply) -> Link {
        // From the apex down to the name.
        for ancestor in self.ancestors() {
            let is_name = ancestor == self.name;
            let is_cut = ancestor != self.zone.name && self.has(ancestor, "NS");
            if is_cut && !(is_name && self.record_type == RecordType::DS) {
                self.refer(ancestor, reply);
                return None;
            }
            if !is_name && let Some(dname) = self.at(ancestor).find(|row| row.record_type == "DNAME") {
                reply.authoritative = true;
                return self.redirect(ancestor, dname, reply);
            }
        }
        reply.authoritative = true;
        match self.source() {
            Some(source) => self.answer_from(&source, reply),
            None => {
                reply.code = ResponseCode::NXDomain;
                self.say_no(reply);
                None
            }
        }
    }

    /// The names from the apex down to the name asked for, both among them.
    fn ancestors(&self) -> Vec<&'a str> {
        let mut names = vec![self.name];
        let mut rest = self.name;
        while rest != self.zone.name
            && let Some((_, parent)) = rest.split_once('.')
        {
            names.push(parent);
            rest = parent;
        }
        names.reverse();
        names
    }

    /// The name that the answer comes from: the one asked for, or the wildcard beside it; `None` when neither is there.
    fn source(&self) -> Option<String> {
        let mut ancestors = self.ancestors();
        ancestors.reverse();
        let encloser = ancestors.into_iter().find(|name| self.store.is_published(self.zone.id, name))?;
        if encloser == self.name {
            return Some(encloser.to_owned());
        }
        let wildcard = format!("*.{encloser}");
        self.store.is_published(self.zone.id, &wildcard).then_some(wildcard)
    }

    /// The RRset of the type that is asked for, or the CNAME in its place.
    fn answer_from(&self, source: &str, reply: &mut Reply) -> Link {
        let follows = !matches!(self.record_type, RecordType::CNAME | RecordType::ANY);
        if follows && let Some(cname) = self.at(source).find(|row| row.record_type == "CNAME") {
            reply.answers.extend(record(self.name, cname.ttl, cname));
            return cname.values.first().map(|target| normalize_name(target));
        }
        let before = reply.answers.len();
        let types: BTreeSet<&str> = self
            .at(source)
            .map(|row| row.record_type.as_str())
            .filter(|text| {
                self.record_type == RecordType::ANY || record_data::code(text) == Some(self.record_type)
            })
            .collect();
        for text in types {
            reply.answers.extend(self.rrset(source, self.name, text));
        }
        if reply.answers.len() == before {
            self.say_no(reply);
        }
        None
    }

    /// The DNAME, and the CNAME that it makes for the name.
    fn redirect(&self, owner: &str, dname: &Published, reply: &mut Reply) -> Link {
        let front = self.name.strip_suffix(owner)?;
        let target = normalize_name(dname.values.first()?);
        let target =
            if target == "." { front.trim_end_matches('.').to_owned() } else { format!("{front}{target}") };
        reply.answers.extend(record(owner, dname.ttl, dname));
        if target.len() > LONGEST_NAME {
            reply.code = ResponseCode::YXDomain;
            return None;
        }
        let cname = Published {
            name: self.name.to_owned(),
            record_type: "CNAME".to_owned(),
            ttl: dname.ttl,
            values: vec![target.clone()],
        };
        reply.answers.extend(record(self.name, dname.ttl, &cname));
        Some(target)
    }

    /// Names the servers of a zone that was delegated, with their addresses where these are in this zone (glue).
    fn refer(&self, cut: &str, reply: &mut Reply) {
        reply.authorities.extend(self.rrset(cut, cut, "NS"));
        for server in self.at(cut).filter(|row| row.record_type == "NS") {
            let Some(target) = server.values.first().map(|target| normalize_name(target)) else {
                continue;
            };
            for text in ["A", "AAAA"] {
                reply.additionals.extend(self.rrset(&target, &target, text));
            }
        }
    }

    /// The zone's SOA says for how long a negative answer may be kept (RFC 2308 3).
    fn say_no(&self, reply: &mut Reply) {
        if let Some(soa) = self.at(&self.zone.name).find(|row| row.record_type == "SOA") {
            let minimum = soa.values.get(6).and_then(|text| text.parse().ok());
            reply.authorities.extend(record(&self.zone.name, minimum.unwrap_or(soa.ttl).min(soa.ttl), soa));
        }
    }

    fn at<'b>(&'b self, name: &str) -> impl Iterator<Item = &'b Published> {
        self.store.published_at(self.zone.id, name)
    }

    fn has(&self, name: &str, text: &str) -> bool {
        self.at(name).any(|row| row.record_type == text)
    }

    /// The rows of a name and type as records of `owner`. An RRset has one TTL (RFC 2181 5.2): the lowest of its rows.
    fn rrset(&self, source: &str, owner: &str, text: &str) -> Vec<Record> {
        let rows: Vec<&Published> = self.at(source).filter(|row| row.record_type == text).collect();
        let ttl = rows.iter().map(|row| row.ttl).min().unwrap_or_default();
        let mut records: Vec<Record> = Vec::new();
        for record in rows.into_iter().filter_map(|row| record(owner, ttl, row)) {
            // Equal records are one (RFC 2181 5).
            if !records.contains(&record) {
                records.push(record);
            }
        }
        records
    }
}

/// A row as a record; `None` for one that no DNS server could load.
fn record(owner: &str, ttl: u32, row: &Published) -> Option<Record> {
    let code = record_data::code(&row.record_type)?;
    let wire = record_data::encode(&row.record_type, &row.values);
    let (Some(wire), Some(name)) = (wire, name_of(owner)) else {
        tracing::debug!(owner, record_type = row.record_type, values = ?row.values, "a row is no DNS record");
        return None;
    };
    Some(Record::from_rdata(name, ttl, RData::Unknown { code, rdata: NULL::with(wire) }))
}

/// A name as the store writes it; `None` when a label has a dot in it or is no text, as no row's name does.
fn text_of(name: &Name) -> Option<String> {
    let labels: Option<Vec<&str>> = name
        .iter()
        .map(|label| std::str::from_utf8(label).ok().filter(|label| !label.contains('.')))
        .collect();
    let text = labels?.join(".").to_lowercase();
    Some(if text.is_empty() { ".".to_owned() } else { text })
}

fn name_of(text: &str) -> Option<Name> {
    if text == "." {
        return Some(Name::root());
    }
    Name::from_labels(text.split('.').map(str::as_bytes)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_text_without_a_trailing_dot() {
        for text in ["*.wild.example.com", "_443._tcp.a.example.com", "0/25.2.0.192.in-addr.arpa", "."] {
            assert_eq!(text_of(&name_of(text).unwrap()).unwrap(), text);
        }
        let upper = Name::from_labels([&b"WwW"[..], b"Example"]).unwrap();
        assert_eq!(text_of(&upper).as_deref(), Some("www.example"));
        assert_eq!(text_of(&Name::from_labels([&b"a.b"[..], b"example"]).unwrap()), None);
        assert_eq!(name_of(&format!("{}.example", "x".repeat(64))), None);
    }
}
