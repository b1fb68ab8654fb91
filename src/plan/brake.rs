//! The brake: a write that does not stick, or that the appliance refuses, is not repeated for ever.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::Duration;

use crate::record::{Place, Rrset};

/// How long to wait before each further try; the last one repeats.
const WAITS: [Duration; 3] =
    [Duration::from_secs(3600), Duration::from_secs(6 * 3600), Duration::from_secs(24 * 3600)];

/// Confirmed writes of one wish that may fail to stick, each in another way, before the brake holds.
const DIFFERENT_FAILURES: u32 = 3;

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
        wanted: &Rrset,
        class_parameters: &BTreeMap<String, String>,
        class_name: Option<&str>,
        seen: impl Iterator<Item = String>,
    ) -> Self {
        let mut hasher = DefaultHasher::new();
        (place, &wanted.key, wanted.ttl, &wanted.values, class_parameters, class_name).hash(&mut hasher);
        let wanted = hasher.finish();
        let mut seen: Vec<String> = seen.collect();
        seen.sort_unstable();
        let mut hasher = DefaultHasher::new();
        seen.hash(&mut hasher);
        Self { wanted, seen: hasher.finish() }
    }
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
    existed: Option<Fingerprint>,
    held: Option<Held>,
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
        Self { held: Some(Held { braked: Braked { reason, message, until }, on: None }), ..Self::default() }
    }

    /// The wish is fulfilled: everything but that is forgotten.
    pub fn fulfilled(&mut self, fingerprint: Fingerprint) {
        *self = Self { fulfilled: Some(fingerprint.wanted), ..Self::default() };
    }

    /// Lets a write through, or says why not.
    ///
    /// # Errors
    /// [`Braked`] when the write is not to be made now.
    pub fn check(&mut self, fingerprint: Fingerprint, now: Duration) -> Result<(), Braked> {
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
        if sent.seen != fingerprint.seen && self.failures < DIFFERENT_FAILURES {
            return Ok(());
        }
        let (reason, message) = if self.fulfilled == Some(fingerprint.wanted) {
            (BrakeReason::Contested, "someone or something changes the record back after each write")
        } else {
            (BrakeReason::NotStoredAsSent, "the appliance keeps something else than what was written")
        };
        Err(self.hold(reason, message.to_owned(), fingerprint, now))
    }

    /// The appliance says that a row exists already. Whether it said so before of the same wish, on the same sight: then the row
    /// cannot be seen.
    pub fn existed_before(&mut self, fingerprint: Fingerprint) -> bool {
        self.existed.replace(fingerprint) == Some(fingerprint)
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
        self.held = Some(Held { braked: braked.clone(), on: Some(fingerprint) });
        braked
    }

    /// When the next try is due, when the brake holds.
    #[must_use]
    pub fn until(&self) -> Option<Duration> {
        self.held.as_ref().map(|held| held.braked.until)
    }
}
