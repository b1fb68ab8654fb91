//! Whether a record is published, and in which words that is said (pure).

use std::net::SocketAddr;
use std::time::Duration;

use super::answer::Answer;
use super::target::Target;
use crate::api::PublicationReason;
use crate::record::{RecordData, Row};

/// Values that a message lists; it counts the others.
const MOST_VALUES: usize = 5;

/// Name servers that a message lists; it counts the others.
const MOST_SERVERS: usize = 5;

/// What a look has shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Verdict {
    pub(super) reason: PublicationReason,
    /// The same in words. Without times and numbers of looks: the status is written only when something changes.
    pub(super) message: String,
}

impl Verdict {
    fn published(message: String) -> Self {
        Self { reason: PublicationReason::Published, message }
    }

    fn publishing(message: String) -> Self {
        Self { reason: PublicationReason::Publishing, message }
    }

    /// Nobody could be asked.
    pub(super) fn cannot_ask(message: impl Into<String>) -> Self {
        Self { reason: PublicationReason::CannotAsk, message: message.into() }
    }

    /// The message with the time that it took, where that is known.
    pub(super) fn after(self, took: Option<Duration>) -> Self {
        match took {
            Some(took) => Self {
                message: format!("{}, seen {} s after the write", self.message, took.as_secs()),
                ..self
            },
            None => self,
        }
    }
}

/// Judges by the rows that the appliance lists at the record's name.
pub(super) fn by_appliance<'r>(target: &Target, rows: impl Iterator<Item = &'r Row>) -> Verdict {
    let rows: Vec<&Row> = rows.filter(|row| row.is_of(&target.rrset.key)).collect();
    let is_wanted = |row: &Row| row.data.as_ref().is_some_and(|data| target.rrset.values.contains(data));
    let going = rows.iter().any(|row| row.pending_delete && (is_wanted(row) || !target.shared));
    let coming = rows.iter().any(|row| row.pending_create && is_wanted(row));
    let listed =
        |value: &RecordData| rows.iter().any(|row| !row.pending_delete && row.data.as_ref() == Some(value));
    let missing: Vec<String> =
        target.rrset.values.iter().filter(|value| !listed(value)).map(ToString::to_string).collect();
    if !missing.is_empty() {
        return Verdict::publishing(format!(
            "the appliance does not list {} now",
            few(&missing, MOST_VALUES)
        ));
    }
    match (coming, going) {
        (true, _) => Verdict::publishing("the appliance has not pushed it to its DNS servers yet".to_owned()),
        (false, true) => Verdict::publishing(
            "the appliance has not taken what was there before off its DNS servers yet".to_owned(),
        ),
        (false, false) => Verdict::published("the appliance has pushed it to its DNS servers".to_owned()),
    }
}

/// What one name server said, or why it said nothing.
pub(super) struct Said {
    /// Its name, where it has one.
    pub(super) name: Option<String>,
    /// Where it was asked.
    pub(super) address: Option<SocketAddr>,
    /// Its answer.
    pub(super) answer: Result<Answer, String>,
}

impl Said {
    /// `ns2.example.com (192.0.2.53)`.
    fn who(&self) -> String {
        let address = self.address.map(|address| match (address.port(), address.ip()) {
            (53, ip) => ip.to_string(),
            _ => address.to_string(),
        });
        match (&self.name, address) {
            (Some(name), Some(address)) => format!("{name} ({address})"),
            (Some(name), None) => name.clone(),
            (None, Some(address)) => address,
            (None, None) => "a name server".to_owned(),
        }
    }
}

/// Judges by what each name server of the zone answers.
pub(super) fn by_name_servers(target: &Target, all: &[Said]) -> Verdict {
    let (mut behind, mut silent) = (Vec::new(), Vec::new());
    for said in all {
        match &said.answer {
            Ok(answer) => {
                behind.extend(
                    difference(target, answer).map(|difference| format!("{} {difference}", said.who())),
                );
            }
            Err(why) => silent.push(format!("{} {why}", said.who())),
        }
    }
    let zone = &target.place.zone;
    let of_all = all.len();
    if !behind.is_empty() {
        behind.extend(silent);
        return Verdict::publishing(few(&behind, MOST_SERVERS));
    }
    if !silent.is_empty() {
        let others = match of_all - silent.len() {
            0 => String::new(),
            1 => "; the other one answers with it".to_owned(),
            others => format!("; the other {others} answer with it"),
        };
        return Verdict::cannot_ask(format!("{}{others}", few(&silent, MOST_SERVERS)));
    }
    match of_all {
        0 => Verdict::cannot_ask(format!(
            "the appliance lists no NS records at the apex of {zone}, so nobody can be asked; name the servers in spec.nameServers \
             of the SolidServer"
        )),
        1 => Verdict::published(format!("the name server of {zone} answers with it")),
        _ => Verdict::published(format!("all {of_all} name servers of {zone} answer with it")),
    }
}

/// How an answer differs from what was written.
fn difference(target: &Target, answer: &Answer) -> Option<String> {
    let Answer::Rrset { ttls, values, unread } = answer else {
        return Some("has nothing there yet".to_owned());
    };
    let wanted = &target.rrset;
    let others = || {
        let mut shown: Vec<String> = values.iter().map(ToString::to_string).collect();
        shown.extend(unread.iter().cloned());
        shown
    };
    let has_all = wanted.values.is_subset(values);
    let has_more = values.len() > wanted.values.len() || !unread.is_empty();
    if !has_all || (has_more && !target.shared) {
        return Some(format!("still answers with {}", few(&others(), MOST_VALUES)));
    }
    let other = ttls.iter().find(|ttl| **ttl != wanted.ttl)?;
    Some(format!("still answers with the TTL {other}"))
}

/// The first of them, and how many more there are.
fn few(all: &[String], most: usize) -> String {
    let shown = all.iter().take(most).cloned().collect::<Vec<_>>().join(", ");
    match all.len().saturating_sub(most) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use super::super::target::tests::target;
    use super::*;
    use crate::record::{Name, RecordType, RowId, RowType, ValueSet};

    fn row(value: &str, pending_create: bool, pending_delete: bool) -> Row {
        Row {
            id: RowId("1".into()),
            name: Name::parse("www.example.com").unwrap(),
            row_type: RowType::Managed(RecordType::A),
            ttl: 60,
            values: vec![value.to_owned()],
            data: RecordData::parse(RecordType::A, value).ok(),
            parameters: BTreeMap::new(),
            inherited: BTreeSet::new(),
            class_name: String::new(),
            pending_create,
            pending_delete,
        }
    }

    #[test]
    fn the_appliance_has_pushed_it_when_nothing_of_it_is_pending() {
        let www = target("www", &["192.0.2.1"]);
        let judge = |rows: &[Row]| by_appliance(&www, rows.iter());
        let (old, new) = ("192.0.2.9", "192.0.2.1");
        assert_eq!(judge(&[row(new, false, false)]).reason, PublicationReason::Published);
        for (rows, says) in [
            (vec![row(new, true, false)], "not pushed it"),
            (vec![row(new, false, false), row(old, false, true)], "not taken what was there before"),
            (vec![row(new, false, true)], "does not list 192.0.2.1 now"),
            (vec![], "does not list 192.0.2.1 now"),
        ] {
            let verdict = judge(&rows);
            assert_eq!(verdict.reason, PublicationReason::Publishing);
            assert!(verdict.message.contains(says), "{}", verdict.message);
        }
        // What others change beside a share is theirs to follow.
        let share = Target { shared: true, ..www.clone() };
        let rows = [row(new, false, false), row(old, true, false), row(old, false, true)];
        assert_eq!(by_appliance(&share, rows.iter()).reason, PublicationReason::Published);
    }

    fn answers(values: &[&str], ttl: u32) -> Result<Answer, String> {
        let values: ValueSet =
            values.iter().map(|value| RecordData::parse(RecordType::A, value).unwrap()).collect();
        Ok(Answer::Rrset { ttls: BTreeSet::from([ttl]), values, unread: Vec::new() })
    }

    fn said(number: u16, answer: Result<Answer, String>) -> Said {
        let address = format!("192.0.2.{number}:53").parse().ok();
        Said { name: Some(format!("ns{number}.example.com")), address, answer }
    }

    #[test]
    fn it_is_published_when_each_name_server_answers_with_it() {
        use PublicationReason::{CannotAsk, Published, Publishing};
        let www = target("www", &["192.0.2.1"]);
        let right = || answers(&["192.0.2.1"], 60);
        for (second, reason, message) in [
            (right(), Published, "all 2 name servers of example.com answer with it"),
            (
                answers(&["192.0.2.9"], 60),
                Publishing,
                "ns2.example.com (192.0.2.2) still answers with 192.0.2.9",
            ),
            (
                answers(&["192.0.2.1", "192.0.2.9"], 60),
                Publishing,
                "ns2.example.com (192.0.2.2) still answers with 192.0.2.1, 192.0.2.9",
            ),
            (
                answers(&["192.0.2.1"], 5),
                Publishing,
                "ns2.example.com (192.0.2.2) still answers with the TTL 5",
            ),
            (Ok(Answer::Nothing), Publishing, "ns2.example.com (192.0.2.2) has nothing there yet"),
            (
                Err("does not answer".to_owned()),
                CannotAsk,
                "ns2.example.com (192.0.2.2) does not answer; the other one answers with it",
            ),
        ] {
            let verdict = by_name_servers(&www, &[said(1, right()), said(2, second)]);
            assert_eq!((verdict.reason, verdict.message.as_str()), (reason, message));
        }
        assert_eq!(by_name_servers(&www, &[]).reason, CannotAsk);
        let share = Target { shared: true, ..www };
        let more = said(1, answers(&["192.0.2.1", "192.0.2.9"], 60));
        assert_eq!(by_name_servers(&share, &[more]).reason, Published);
    }

    #[test]
    fn whoever_lags_is_named_before_whoever_is_silent_and_a_long_list_is_cut() {
        let www = target("www", &["192.0.2.1"]);
        let mut all: Vec<Said> =
            (1..9).map(|number| said(number, Err("does not answer".to_owned()))).collect();
        all.push(Said {
            name: None,
            address: "[2001:db8::1]:5353".parse().ok(),
            answer: Ok(Answer::Nothing),
        });
        let message = by_name_servers(&www, &all).message;
        assert!(
            message.starts_with("[2001:db8::1]:5353 has nothing there yet, ns1.example.com"),
            "{message}"
        );
        assert!(message.ends_with("does not answer and 4 more"), "{message}");
    }
}
