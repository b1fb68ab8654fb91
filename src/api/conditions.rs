//! Condition types and reasons: the only place they are named.
//!
//! The conditions are those of kstatus, so that `kubectl wait`, Flux and Argo CD read them without being taught:
//! `Ready` for DNS as wanted, `Reconciling` while the operator will get there by itself, `Stalled` for what a person must fix.

use std::fmt;

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};

/// A type of condition.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ConditionType {
    /// All is as the spec wants it.
    Ready,
    /// Not yet, and the operator is at it.
    Reconciling,
    /// Not, until a person changes something.
    Stalled,
    /// On a DnsRecord whose SolidServer asks for it: what was written has reached the name servers. No part of kstatus.
    Published,
    /// On a SolidServer: the deletion guard holds deletions until they are approved or abandoned.
    DeletionsHeld,
}

impl ConditionType {
    /// The text in `conditions[].type`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ready => "Ready",
            Self::Reconciling => "Reconciling",
            Self::Stalled => "Stalled",
            Self::Published => "Published",
            Self::DeletionsHeld => "DeletionsHeld",
        }
    }
}

impl fmt::Display for ConditionType {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

/// What a reason says about the object as a whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Standing {
    /// As wanted.
    Ready,
    /// Not yet; the operator goes on by itself, or waits for something that will come.
    InProgress,
    /// Not, until a person changes something.
    Stalled,
}

/// Declares the reasons once: variant, standing and meaning.
macro_rules! reasons {
    ($($(#[doc = $doc:literal])+ $reason:ident => $standing:ident,)+) => {
        /// Why an object stands as it does. The texts are stable: alerts and scripts may rely on them.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Reason {
            $($(#[doc = $doc])+ $reason,)+
        }

        impl Reason {
            /// Every reason.
            pub const ALL: &'static [Self] = &[$(Self::$reason,)+];

            /// The text in `conditions[].reason`.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$reason => stringify!($reason),)+
                }
            }

            /// Whether an object with this reason is ready, in progress or stalled.
            #[must_use]
            pub const fn standing(self) -> Standing {
                match self {
                    $(Self::$reason => Standing::$standing,)+
                }
            }

            /// What is said of it above, for the page of reasons.
            #[cfg(test)]
            pub(crate) const fn meaning(self) -> &'static str {
                match self {
                    $(Self::$reason => concat!($($doc),+),)+
                }
            }
        }
    };
}

reasons! {
    /// The appliance holds what the spec says.
    InSync => Ready,
    /// Written, but a delegation or DNAME above the name hides it from resolvers.
    Occluded => Ready,

    /// Seen, not yet begun.
    Pending => InProgress,
    /// Being written.
    Writing => InProgress,
    /// Waiting for another object: a SolidServer, a Secret, a holder that goes.
    Waiting => InProgress,
    /// A call failed in a way that may pass; it will be tried again.
    Retrying => InProgress,
    /// The appliance does not answer.
    Unreachable => InProgress,
    /// The appliance refuses the credentials.
    Unauthorized => InProgress,
    /// The account lacks a right that the operator needs.
    Forbidden => InProgress,
    /// The appliance refuses signed calls because the clocks differ.
    ClockSkew => InProgress,
    /// The appliance asked to wait (429).
    RateLimited => InProgress,
    /// The appliance's certificate is not trusted, or the TLS handshake fails.
    TlsFailed => InProgress,
    /// suspend is set on the object or on its SolidServer; a DnsRecord shows it while something would be written for it.
    Suspended => InProgress,
    /// The deletion guard holds the deletion until it is approved or abandoned.
    DeletionHeld => InProgress,
    /// The SolidServer's defaults changed since the record was written; it stays where it is until asked to move.
    DefaultsChanged => InProgress,
    /// Changed on the appliance, and driftPolicy is Report.
    Drifted => InProgress,

    /// A value makes no sense for the type.
    InvalidValue => Stalled,
    /// The appliance refused the record; the message holds its words.
    Rejected => Stalled,
    /// Another owner holds the name, or a CNAME stands beside other types.
    Conflict => Stalled,
    /// Values of others stand in an RRset that should be exclusive.
    ForeignValues => Stalled,
    /// The namespace may not write this name, type or TTL.
    NotDelegated => Stalled,
    /// solidServerRef names no SolidServer.
    SolidServerNotFound => Stalled,
    /// The appliance has no such DNS server.
    ServerNotFound => Stalled,
    /// The server has views and none is given.
    ViewRequired => Stalled,
    /// The server has no such view.
    ViewNotFound => Stalled,
    /// No zone of the server and view contains the name.
    ZoneNotFound => Stalled,
    /// The zone is no master zone.
    ZoneNotWritable => Stalled,
    /// The name belongs into a child zone of the zone that is set.
    NameInChildZone => Stalled,
    /// NS at the apex of a zone that the same server holds.
    ApexNotServed => Stalled,
    /// The account cannot see the zone's records, so nothing can be said about them.
    NotVisible => Stalled,
    /// The appliance says "already exists" for a row that the account cannot see.
    HiddenByRights => Stalled,
    /// The appliance keeps something else than was sent.
    NotStoredAsSent => Stalled,
    /// Somebody changes the record back each time.
    Contested => Stalled,
    /// Another SolidServer has this endpoint.
    EndpointInUse => Stalled,
    /// The endpoint shows none of the rows that status says are there.
    WrongAppliance => Stalled,
    /// Another cluster writes under this cluster's name.
    ClusterNameInUse => Stalled,
}

impl Reason {
    /// Reads the text of `conditions[].reason`; `None` for a text that is no reason of this version.
    #[must_use]
    pub fn from_text(text: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|reason| reason.as_str() == text)
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

/// Why the condition `Published` is as it is. It says nothing about whether the object is ready.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PublicationReason {
    /// True: what was written is where it is asked for.
    Published,
    /// False: it is not there yet.
    Publishing,
    /// Unknown: nobody could be asked, or not everybody.
    CannotAsk,
}

impl PublicationReason {
    /// The text in `conditions[].reason`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Published => "Published",
            Self::Publishing => "Publishing",
            Self::CannotAsk => "CannotAsk",
        }
    }

    /// The text in `conditions[].status`.
    #[must_use]
    pub const fn status(self) -> &'static str {
        match self {
            Self::Published => "True",
            Self::Publishing => "False",
            Self::CannotAsk => "Unknown",
        }
    }
}

/// The longest message that is written, in characters. Far below what the API server takes (32,768), so that a thousand
/// of them still fit into a list answer.
pub const MAX_MESSAGE_CHARACTERS: usize = 4096;

/// The conditions of an object: `Ready`, `Reconciling` and `Stalled` from one reason, and those of other types as they were.
///
/// `Ready` carries the message, and so does the one of the others that is true. `lastTransitionTime` moves only when a
/// status changes, so equal input gives an equal result and nothing has to be written.
#[must_use]
pub fn kstatus(
    reason: Reason,
    message: &str,
    observed_generation: i64,
    now: Timestamp,
    previous: &[Condition],
) -> Vec<Condition> {
    let standing = reason.standing();
    let mut conditions: Vec<Condition> = [
        (ConditionType::Ready, standing == Standing::Ready),
        (ConditionType::Reconciling, standing == Standing::InProgress),
        (ConditionType::Stalled, standing == Standing::Stalled),
    ]
    .into_iter()
    .map(|(condition_type, holds)| {
        let speaks = holds || condition_type == ConditionType::Ready;
        let message = if speaks { message } else { "" };
        let status = if holds { "True" } else { "False" };
        let speaking = Speaking { status, reason: reason.as_str(), message };
        condition(condition_type, speaking, observed_generation, now, previous)
    })
    .collect();
    let others = previous.iter().filter(|old| conditions.iter().all(|new| new.type_ != old.type_));
    conditions.extend(others.cloned().collect::<Vec<_>>());
    conditions
}

/// `previous` with `DeletionsHeld` set: true with a message that names id, count and the way out while deletions are held,
/// else false.
#[must_use]
pub fn with_deletions_held(
    held: Option<&str>,
    observed_generation: i64,
    now: Timestamp,
    previous: &[Condition],
) -> Vec<Condition> {
    let reason = if held.is_some() { Reason::DeletionHeld } else { Reason::InSync };
    let status = if held.is_some() { "True" } else { "False" };
    let speaking = Speaking { status, reason: reason.as_str(), message: held.unwrap_or_default() };
    let wanted = condition(ConditionType::DeletionsHeld, speaking, observed_generation, now, previous);
    replaced(previous, wanted)
}

/// `previous` with `Published` set.
#[must_use]
pub fn with_published(
    reason: PublicationReason,
    message: &str,
    observed_generation: i64,
    now: Timestamp,
    previous: &[Condition],
) -> Vec<Condition> {
    let speaking = Speaking { status: reason.status(), reason: reason.as_str(), message };
    let wanted = condition(ConditionType::Published, speaking, observed_generation, now, previous);
    replaced(previous, wanted)
}

/// `previous` without `Published`: nobody asks for it.
#[must_use]
pub fn without_published(previous: &[Condition]) -> Vec<Condition> {
    let is_other = |old: &&Condition| old.type_ != ConditionType::Published.as_str();
    previous.iter().filter(is_other).cloned().collect()
}

fn replaced(previous: &[Condition], wanted: Condition) -> Vec<Condition> {
    let mut conditions: Vec<Condition> =
        previous.iter().filter(|old| old.type_ != wanted.type_).cloned().collect();
    conditions.push(wanted);
    conditions
}

/// The condition of that type.
#[must_use]
pub fn find(conditions: &[Condition], condition_type: ConditionType) -> Option<&Condition> {
    conditions.iter().find(|condition| condition.type_ == condition_type.as_str())
}

/// Whether the condition of that type is there and true.
#[must_use]
pub fn is_true(conditions: &[Condition], condition_type: ConditionType) -> bool {
    find(conditions, condition_type).is_some_and(|condition| condition.status == "True")
}

/// The reason that the conditions give for `Ready`; `None` when there is none, or one of another version.
#[must_use]
pub fn current_reason(conditions: &[Condition]) -> Option<Reason> {
    find(conditions, ConditionType::Ready).and_then(|condition| Reason::from_text(&condition.reason))
}

/// What one condition says.
#[derive(Clone, Copy)]
struct Speaking<'a> {
    status: &'static str,
    reason: &'static str,
    message: &'a str,
}

/// One condition, its transition time taken over from the previous one of the type if the status is the same.
fn condition(
    condition_type: ConditionType,
    speaking: Speaking<'_>,
    observed_generation: i64,
    now: Timestamp,
    previous: &[Condition],
) -> Condition {
    let Speaking { status, reason, message } = speaking;
    let last_transition_time = find(previous, condition_type)
        .filter(|old| old.status == status)
        .map_or_else(|| Time(whole_second(now)), |old| old.last_transition_time.clone());
    Condition {
        last_transition_time,
        message: shortened(message),
        observed_generation: Some(observed_generation),
        reason: reason.to_owned(),
        status: status.to_owned(),
        type_: condition_type.as_str().to_owned(),
    }
}

/// Kubernetes keeps whole seconds; a finer time would differ from its own echo.
fn whole_second(now: Timestamp) -> Timestamp {
    Timestamp::from_second(now.as_second()).unwrap_or(now)
}

fn shortened(message: &str) -> String {
    match message.char_indices().nth(MAX_MESSAGE_CHARACTERS) {
        None => message.to_owned(),
        Some(_) => {
            let mut text: String = message.chars().take(MAX_MESSAGE_CHARACTERS - 1).collect();
            text.push('…');
            text
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_700_000_000 + second).expect("a valid time")
    }

    fn statuses(conditions: &[Condition]) -> Vec<(&str, &str, &str, &str)> {
        conditions
            .iter()
            .map(|one| (one.type_.as_str(), one.status.as_str(), one.reason.as_str(), one.message.as_str()))
            .collect()
    }

    #[test]
    fn each_standing_has_exactly_one_true_condition() {
        for reason in Reason::ALL {
            let conditions = kstatus(*reason, "why", 3, at(0), &[]);
            let of_kstatus: Vec<&str> = conditions.iter().map(|one| one.type_.as_str()).collect();
            assert_eq!(of_kstatus, ["Ready", "Reconciling", "Stalled"]);
            let held: Vec<&str> =
                conditions.iter().filter(|one| one.status == "True").map(|one| one.type_.as_str()).collect();
            let expected = match reason.standing() {
                Standing::Ready => "Ready",
                Standing::InProgress => "Reconciling",
                Standing::Stalled => "Stalled",
            };
            assert_eq!(held, [expected], "{reason}");
            assert!(conditions.iter().all(|one| one.observed_generation == Some(3)));
        }
    }

    #[test]
    fn the_message_stands_on_ready_and_on_what_is_true() {
        let conditions = kstatus(Reason::Conflict, "shop/www holds it", 1, at(0), &[]);
        assert_eq!(
            statuses(&conditions),
            [
                ("Ready", "False", "Conflict", "shop/www holds it"),
                ("Reconciling", "False", "Conflict", ""),
                ("Stalled", "True", "Conflict", "shop/www holds it"),
            ]
        );
    }

    #[test]
    fn the_transition_time_moves_only_with_the_status() {
        let first = kstatus(Reason::Pending, "", 1, at(0), &[]);
        let second = kstatus(Reason::Writing, "3 calls", 2, at(10), &first);
        assert!(second.iter().all(|one| one.last_transition_time.0 == at(0)), "{second:?}");
        let third = kstatus(Reason::InSync, "in sync", 2, at(20), &second);
        let times: Vec<Timestamp> = third.iter().map(|one| one.last_transition_time.0).collect();
        assert_eq!(times, [at(20), at(20), at(0)]);
        assert_eq!(kstatus(Reason::InSync, "in sync", 2, at(90), &third), third);
    }

    #[test]
    fn times_are_whole_seconds_as_kubernetes_keeps_them() {
        let now = Timestamp::from_millisecond(1_700_000_000_999).expect("a valid time");
        let conditions = kstatus(Reason::InSync, "", 1, now, &[]);
        assert_eq!(conditions[0].last_transition_time.0, at(0));
    }

    #[test]
    fn conditions_of_other_types_stay() {
        let held = with_deletions_held(Some("12 deletions are held"), 4, at(0), &[]);
        let conditions = kstatus(Reason::InSync, "", 4, at(5), &held);
        assert_eq!(conditions.len(), 4);
        assert_eq!(conditions[3], held[0]);
        let freed = with_deletions_held(None, 4, at(9), &conditions);
        assert_eq!(freed.len(), 4);
        assert!(!is_true(&freed, ConditionType::DeletionsHeld));
        assert_eq!(
            find(&freed, ConditionType::DeletionsHeld).map(|one| one.last_transition_time.0),
            Some(at(9))
        );
        assert!(is_true(&freed, ConditionType::Ready));
    }

    #[test]
    fn what_is_published_is_no_part_of_how_the_object_stands() {
        let ready = kstatus(Reason::InSync, "in the zone", 2, at(0), &[]);
        for (reason, status) in [
            (PublicationReason::Publishing, "False"),
            (PublicationReason::CannotAsk, "Unknown"),
            (PublicationReason::Published, "True"),
        ] {
            let conditions = with_published(reason, "why", 2, at(5), &ready);
            assert_eq!(conditions[..3], ready);
            assert_eq!(statuses(&conditions)[3], ("Published", status, reason.as_str(), "why"));
            assert_eq!(kstatus(Reason::InSync, "in the zone", 2, at(9), &conditions), conditions);
            assert_eq!(without_published(&conditions), ready);
        }
    }

    #[test]
    fn a_reason_is_read_back_from_its_text() {
        for reason in Reason::ALL {
            let conditions = kstatus(*reason, "", 1, at(0), &[]);
            assert_eq!(current_reason(&conditions), Some(*reason));
        }
        assert_eq!(Reason::from_text("insync"), None);
        assert_eq!(current_reason(&[]), None);
    }

    #[test]
    fn a_long_message_is_cut_between_characters() {
        let long = "é".repeat(MAX_MESSAGE_CHARACTERS + 1);
        let conditions = kstatus(Reason::Rejected, &long, 1, at(0), &[]);
        let message = &conditions[0].message;
        assert_eq!(message.chars().count(), MAX_MESSAGE_CHARACTERS);
        assert!(message.ends_with("é…"));
        let exact = "é".repeat(MAX_MESSAGE_CHARACTERS);
        assert_eq!(kstatus(Reason::Rejected, &exact, 1, at(0), &[])[0].message, exact);
    }
}
