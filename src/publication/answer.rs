//! What is asked of a name server, and what its answer says (pure).

use std::collections::BTreeSet;
use std::str::FromStr as _;

use domain::base::iana::{Class, Rcode};
use domain::base::message::ShortMessage;
use domain::base::wire::ParseError;
use domain::base::zonefile_fmt::{DisplayKind, ZonefileFmt as _};
use domain::base::{Message, MessageBuilder, ParsedName, ParsedRecord, Rtype};
use domain::rdata::AllRecordData;

use crate::record::{Name, RecordData, RecordType, RrsetKey, ValueSet};

/// The longest answer over UDP that is asked for: no datagram of this size is torn apart on its way (DNS flag day 2020).
const LONGEST_DATAGRAM: u16 = 1232;

/// An authoritative answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    /// The RRset that was asked for.
    Rrset {
        /// Its TTL; more than one only from a server that breaks RFC 2181 5.2.
        ttls: BTreeSet<u32>,
        /// Its values.
        values: ValueSet,
        /// Those that make no sense here, as the server has them.
        unread: Vec<String>,
    },
    /// No such name, or nothing of that type.
    Nothing,
}

/// Why an answer tells nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Useless {
    /// It is longer than a datagram: ask again over TCP.
    #[error("gives an answer that does not end")]
    Truncated,
    /// Another code than "no error" and "no such name".
    #[error("answers {0}")]
    Refused(String),
    /// Not from the zone itself.
    #[error("gives no authoritative answer: it does not serve the zone")]
    NotAuthoritative,
    /// No DNS message.
    #[error("gives an answer that cannot be read")]
    Unreadable,
}

impl From<ParseError> for Useless {
    fn from(_: ParseError) -> Self {
        Self::Unreadable
    }
}

impl From<ShortMessage> for Useless {
    fn from(_: ShortMessage) -> Self {
        Self::Unreadable
    }
}

/// A question for an RRset that asks for no recursion; `None` for a key that no message can hold, which no name makes.
pub(super) fn question(key: &RrsetKey, id: u16) -> Option<Message<Vec<u8>>> {
    let name = domain::base::Name::vec_from_str(key.name.as_str()).ok()?;
    let record_type = Rtype::from_str(key.record_type.as_str()).ok()?;
    let mut builder = MessageBuilder::new_vec();
    builder.header_mut().set_id(id);
    builder.header_mut().set_rd(false);
    let mut builder = builder.question();
    builder.push((name, record_type, Class::IN)).ok()?;
    let mut builder = builder.additional();
    builder
        .opt(|options| {
            options.set_udp_payload_size(LONGEST_DATAGRAM);
            Ok(())
        })
        .ok()?;
    Message::from_octets(builder.finish()).ok()
}

/// Reads an answer to that question.
pub(super) fn read(octets: &[u8], key: &RrsetKey) -> Result<Answer, Useless> {
    let message = Message::from_octets(octets)?;
    let header = message.header();
    if header.tc() {
        return Err(Useless::Truncated);
    }
    match header.rcode() {
        Rcode::NOERROR | Rcode::NXDOMAIN => {}
        code => return Err(Useless::Refused(code.to_string())),
    }
    let record_type = Rtype::from_str(key.record_type.as_str()).map_err(|_| Useless::Unreadable)?;
    // The NS records of a delegation stand in a referral, for which the server has no authority.
    let referral = key.record_type == RecordType::Ns && !header.aa();
    if !header.aa() && !referral {
        return Err(Useless::NotAuthoritative);
    }
    let section = if referral { message.authority()? } else { message.answer()? };
    let (mut ttls, mut values, mut unread) = (BTreeSet::new(), Vec::new(), Vec::new());
    for record in section {
        let record = record?;
        let owner = Name::parse(&record.owner().to_string()).ok();
        if record.rtype() != record_type || owner.as_ref() != Some(&key.name) {
            continue;
        }
        ttls.insert(record.ttl().as_secs());
        match data(&record, key.record_type) {
            Ok(data) => values.push(data),
            Err(text) => unread.push(text),
        }
    }
    match ttls.is_empty() {
        // A referral to somewhere else.
        true if referral => Err(Useless::NotAuthoritative),
        true => Ok(Answer::Nothing),
        false => Ok(Answer::Rrset { ttls, values: values.into_iter().collect(), unread }),
    }
}

/// The data of a record, or how it reads where it makes no sense here.
fn data(record: &ParsedRecord<'_, &[u8]>, record_type: RecordType) -> Result<RecordData, String> {
    let unreadable = || format!("a {record_type} record that cannot be read");
    let record =
        record.to_any_record::<AllRecordData<_, ParsedName<_>>>().map_err(|_: ParseError| unreadable())?;
    match record.data() {
        AllRecordData::Txt(text) => {
            let text: Vec<u8> = text.iter().flatten().copied().collect();
            RecordData::text(text.into()).map_err(|_| unreadable())
        }
        // URI, which the library does not know.
        AllRecordData::Unknown(data) => {
            let text = match data.data() {
                [p1, p2, w1, w2, target @ ..] => {
                    let priority = u16::from_be_bytes([*p1, *p2]);
                    let weight = u16::from_be_bytes([*w1, *w2]);
                    format!("{priority} {weight} \"{}\"", String::from_utf8_lossy(target))
                }
                _ => return Err(unreadable()),
            };
            RecordData::parse(record_type, &text).map_err(|_| text)
        }
        data => {
            let text = data.display_zonefile(DisplayKind::Simple).to_string();
            RecordData::parse(record_type, &text).map_err(|_| text)
        }
    }
}

#[cfg(test)]
mod tests {
    use domain::base::Ttl;
    use domain::base::message_builder::AnswerBuilder;
    use domain::rdata::{A, Ns};
    use proptest::prelude::*;

    use super::*;

    fn key(record_type: RecordType) -> RrsetKey {
        RrsetKey { name: Name::parse("www.example.com").unwrap(), record_type }
    }

    fn name(text: &str) -> domain::base::Name<Vec<u8>> {
        domain::base::Name::vec_from_str(text).unwrap()
    }

    /// An answer to the question for this key.
    fn answering(record_type: RecordType, code: Rcode, authoritative: bool) -> AnswerBuilder<Vec<u8>> {
        let question = question(&key(record_type), 7).unwrap();
        let mut answer = MessageBuilder::new_vec().start_answer(&question, code).unwrap();
        answer.header_mut().set_aa(authoritative);
        answer
    }

    #[test]
    fn a_question_asks_for_no_recursion() {
        let question = question(&key(RecordType::Uri), 7).unwrap();
        let header = question.header();
        assert_eq!((header.id(), header.rd(), header.qr()), (7, false, false));
        let asked = question.sole_question().unwrap();
        assert_eq!((asked.qname().to_string().as_str(), asked.qtype()), ("www.example.com", Rtype::URI));
        assert_eq!(question.opt().unwrap().udp_payload_size(), LONGEST_DATAGRAM);
    }

    #[test]
    fn only_the_records_that_were_asked_for_count() {
        let mut answer = answering(RecordType::A, Rcode::NOERROR, true);
        let ttl = Ttl::from_secs(60);
        answer.push((name("WWW.example.com"), ttl, A::from_octets(192, 0, 2, 1))).unwrap();
        answer.push((name("other.example.com"), ttl, A::from_octets(192, 0, 2, 9))).unwrap();
        answer.push((name("www.example.com"), ttl, Ns::new(name("ns.example.com")))).unwrap();
        let values = ValueSet::from([RecordData::parse(RecordType::A, "192.0.2.1").unwrap()]);
        let expected = Answer::Rrset { ttls: BTreeSet::from([60]), values, unread: Vec::new() };
        assert_eq!(read(&answer.finish(), &key(RecordType::A)), Ok(expected));
    }

    #[test]
    fn what_an_answer_says_depends_on_who_gives_it() {
        let said = |code, authoritative| {
            read(&answering(RecordType::A, code, authoritative).finish(), &key(RecordType::A))
        };
        assert_eq!(said(Rcode::NXDOMAIN, true), Ok(Answer::Nothing));
        assert_eq!(said(Rcode::NOERROR, true), Ok(Answer::Nothing));
        assert_eq!(said(Rcode::NOERROR, false), Err(Useless::NotAuthoritative));
        assert_eq!(said(Rcode::REFUSED, false), Err(Useless::Refused("REFUSED".to_owned())));
        let mut long = answering(RecordType::A, Rcode::NOERROR, true);
        long.header_mut().set_tc(true);
        assert_eq!(read(&long.finish(), &key(RecordType::A)), Err(Useless::Truncated));
        assert_eq!(read(&[0; 11], &key(RecordType::A)), Err(Useless::Unreadable));
    }

    #[test]
    fn the_servers_of_a_delegation_stand_in_a_referral() {
        let referral = |owner: &str| {
            let mut answer = answering(RecordType::Ns, Rcode::NOERROR, false).authority();
            answer.push((name(owner), Ttl::from_secs(60), Ns::new(name("ns1.example.net")))).unwrap();
            read(&answer.finish(), &key(RecordType::Ns))
        };
        let Ok(Answer::Rrset { values, .. }) = referral("www.example.com") else { panic!("a delegation") };
        assert_eq!(values.iter().map(ToString::to_string).collect::<Vec<_>>(), ["ns1.example.net"]);
        assert_eq!(referral("example.com"), Err(Useless::NotAuthoritative));
    }

    proptest! {
        #[test]
        fn any_octets_are_an_answer_or_an_error(
            octets in proptest::collection::vec(any::<u8>(), 0..300),
            of_a_message in any::<bool>(),
            record_type in proptest::sample::select(RecordType::ALL.to_vec()),
        ) {
            // Random data behind a header and a question that are right, in a record of the type that was asked for.
            let message = if of_a_message {
                let mut answer = answering(record_type, Rcode::NOERROR, true);
                let number = Rtype::from_str(record_type.as_str()).unwrap();
                let data = domain::base::rdata::UnknownRecordData::from_octets(number, octets).unwrap();
                answer.push((name("www.example.com"), Ttl::from_secs(60), data)).unwrap();
                answer.finish()
            } else {
                octets
            };
            let read = read(&message, &key(record_type));
            prop_assert!(!of_a_message || matches!(read, Ok(Answer::Rrset { .. })), "{read:?}");
        }
    }
}
