//! The brake: a write that does not stick, or that the appliance refuses, is not repeated for ever.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::Duration;

use crate::record::{Place, Rrset};

use super::change::Change;
use super::claim::Stage;
use super::decide::Decision;

/// How long to wait before each further try; the last one repeats.
const WAITS: [Duration; 3] =
    [Duration::from_secs(3600), Duration::from_secs(6 * 3600), Duration::from_secs(24 * 3600)];

/// Confirmed writes of one wish after which the same wrong row may show.
const WRONG_AGAIN: u32 = 1;

/// Confirmed writes of one wish after which its rows may be missing. Once may be an accident: a row that somebody deletes before it is
/// ever read looks just like one that was not kept.
const MISSING_AGAIN: u32 = 2;

/// Confirmed writes of one wish that may fail to stick, each in another way, before the brake holds.
const DIFFERENT_FAILURES: u32 = 3;

/// Characters of a value that a message shows.
const LONGEST_VALUE: usize = 400;

/// What was wanted and what was there, each as a hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fingerprint {
    wanted: u64,
    seen: u64,
}

impl Fingerprint {
    /// Takes the fingerprint; the order of `seen` does not matter. The same RRset in another zone is another wish: a record that
    /// moves meets no rows there either, and yet nothing has failed.
    pub(super) fn new(
        place: &Place,
        gives_up: bool,
        wanted: &Rrset,
        class_parameters: &BTreeMap<String, String>,
        class_name: Option<&str>,
        seen: impl Iterator<Item: Hash>,
    ) -> Self {
        let wanted =
            hash(&(place, gives_up, &wanted.key, wanted.ttl, &wanted.values, class_parameters, class_name));
        let mut seen: Vec<u64> = seen.map(|row| hash(&row)).collect();
        seen.sort_unstable();
        Self { wanted, seen: hash(&seen) }
    }
}

fn hash(value: &impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    hasher.finish()
}

/// Why the brake holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BrakeReason {
    /// The appliance refused the write.
    Rejected,
    /// The appliance keeps something else than what was sent.
    NotStoredAsSent,
    /// Someone changes it back.
    Contested,
    /// The appliance says that the row exists and does not show it.
    HiddenByRights,
}

/// The brake holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Braked {
    /// Why.
    pub reason: BrakeReason,
    /// What the user is told.
    pub message: String,
    /// When the next try is due; a time since the clock's own beginning.
    pub until: Duration,
}

/// What is remembered of the writes of one DnsRecord. Times are counted from any fixed moment.
#[derive(Clone, Debug, Default)]
pub struct Brake {
    /// What the last confirmed write was for and what it was made on.
    sent: Option<Fingerprint>,
    /// The wish that was once seen to be fulfilled.
    fulfilled: Option<u64>,
    /// Confirmed writes of this wish after which the reading still differed.
    failures: u32,
    /// How often the brake was set for this wish.
    times: usize,
    /// What was wanted and seen when the appliance last said that a row exists already.
    existed: Option<Box<Fingerprint>>,
    held: Option<Box<Held>>,
}

#[derive(Clone, Debug)]
struct Held {
    braked: Braked,
    /// `None` after a restart: what was there is not known any more.
    on: Option<Fingerprint>,
}

impl Brake {
    /// The brake of a record whose status says, after a restart, that a write was held.
    #[must_use]
    pub fn restored(reason: BrakeReason, message: String, until: Duration) -> Self {
        Self {
            held: Some(Box::new(Held { braked: Braked { reason, message, until }, on: None })),
            ..Self::default()
        }
    }

    /// The wish is fulfilled: everything but that is forgotten.
    pub fn fulfilled(&mut self, fingerprint: Fingerprint) {
        *self = Self { fulfilled: Some(fingerprint.wanted), ..Self::default() };
    }

    /// Lets a write through, or says why not.
    ///
    /// # Errors
    /// [`Braked`] when the write is not to be made now.
    pub fn check(&mut self, decision: &Decision, now: Duration) -> Result<(), Braked> {
        let fingerprint = decision.fingerprint;
        if decision.stage != Stage::Wanted && self.held.as_ref().is_some_and(|held| held.on.is_none()) {
            // What was held before a restart was a wish; to give rows up is another matter.
            self.held = None;
        }
        if let Some(held) = &mut self.held {
            let on = *held.on.get_or_insert(fingerprint);
            if on == fingerprint && now < held.braked.until {
                return Err(held.braked.clone());
            }
            if on.wanted != fingerprint.wanted {
                self.times = 0;
            }
            self.held = None;
            self.sent = None;
            self.failures = 0;
            return Ok(());
        }
        let Some(sent) = self.sent.filter(|sent| sent.wanted == fingerprint.wanted) else {
            self.failures = 0;
            return Ok(());
        };
        self.failures += 1;
        let missing = decision.steps.changes().all(|change| matches!(change, Change::Add(_)));
        let most = match (sent.seen == fingerprint.seen, missing) {
            (true, true) => MISSING_AGAIN,
            (true, false) => WRONG_AGAIN,
            (false, _) => DIFFERENT_FAILURES,
        };
        if self.failures < most {
            return Ok(());
        }
        let (reason, message) = if self.fulfilled == Some(fingerprint.wanted) {
            (BrakeReason::Contested, "someone or something changes the record back after each write")
        } else {
            (BrakeReason::NotStoredAsSent, "the appliance keeps something else than what was written")
        };
        let differences: Vec<String> = decision.steps.changes().map(difference).collect();
        let message = format!("{message}: {}", differences.join("; "));
        Err(self.hold(reason, message, fingerprint, now))
    }

    /// The appliance says that a row exists already. Whether it said so before of the same wish, on the same sight: then the row
    /// cannot be seen.
    pub fn existed_before(&mut self, fingerprint: Fingerprint) -> bool {
        self.existed.replace(Box::new(fingerprint)).is_some_and(|before| *before == fingerprint)
    }

    /// A write was confirmed by the appliance.
    pub fn sent(&mut self, fingerprint: Fingerprint) {
        self.sent = Some(fingerprint);
    }

    /// Sets the brake.
    pub fn hold(
        &mut self,
        reason: BrakeReason,
        message: String,
        fingerprint: Fingerprint,
        now: Duration,
    ) -> Braked {
        let wait = WAITS.get(self.times).or(WAITS.last()).copied().unwrap_or_default();
        self.times += 1;
        let braked = Braked { reason, message, until: now + wait };
        self.held = Some(Box::new(Held { braked: braked.clone(), on: Some(fingerprint) }));
        braked
    }

    /// When the next try is due, when the brake holds.
    #[must_use]
    pub fn until(&self) -> Option<Duration> {
        self.held.as_ref().map(|held| held.braked.until)
    }
}

/// What was found where something else was written.
fn difference(change: &Change) -> String {
    match change {
        Change::Add(row) => format!(
            "{} {} is missing, and was added with TTL {} as {}",
            row.name,
            row.data.record_type(),
            row.ttl,
            short(&row.data)
        ),
        Change::Edit { row, edit } => {
            let found = row.display_value();
            let mut text = format!(
                "{} {} has TTL {} and {}, wanted are TTL {} and {}",
                row.name,
                row.row_type.as_str(),
                row.ttl,
                short(&found),
                edit.ttl,
                short(&edit.data)
            );
            let keys: Vec<&str> =
                edit.set_parameters.keys().chain(&edit.delete_parameters).map(String::as_str).collect();
            if !keys.is_empty() {
                text.push_str(", and other class parameters: ");
                text.push_str(&keys.join(", "));
            }
            text
        }
        Change::Delete { row } => format!(
            "{} {} still has {}, which was deleted",
            row.name,
            row.row_type.as_str(),
            short(&row.display_value())
        ),
    }
}

/// A value as a message can hold it: a condition has room for some hundred characters, a TXT value may be longer.
fn short(value: &impl ToString) -> String {
    let text = value.to_string();
    match text.char_indices().nth(LONGEST_VALUE) {
        None => text,
        Some((end, _)) => format!("{}... ({} bytes)", &text[..end], text.len()),
    }
}
