//! What would come of a DnsRecord, in one word (pure).

use crate::api::{Reason, Standing};
use crate::plan::{Change, Decision, Motive, Stage, Verdict};

/// What would come of a DnsRecord.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Outcome {
    /// The appliance holds what the manifest says.
    Unchanged,
    /// Its rows are added.
    Create,
    /// Its rows are changed as the manifest asks.
    Update,
    /// Rows without a mark become its own.
    Adopt,
    /// It takes rows over from another DnsRecord that gives them up.
    TakeOver,
    /// What somebody changed on the appliance is put right.
    Repair,
    /// Its rows go.
    Delete,
    /// It goes, and its rows stay without a mark.
    Retain,
    /// It differs from what was applied, and asks for a report only.
    Drifted,
    /// The deletion guard would hold it.
    Held,
    /// It is suspended: nothing is written.
    Suspended,
    /// It waits for something.
    Waits,
    /// It is not written: it would be Stalled, with the reason.
    Refused,
    /// The appliance or the zone could not be looked at.
    Unknown,
}

impl Outcome {
    /// All of them.
    pub const ALL: [Self; 14] = [
        Self::Unchanged,
        Self::Create,
        Self::Update,
        Self::Adopt,
        Self::TakeOver,
        Self::Repair,
        Self::Delete,
        Self::Retain,
        Self::Drifted,
        Self::Held,
        Self::Suspended,
        Self::Waits,
        Self::Refused,
        Self::Unknown,
    ];

    /// Whether rows would be written now.
    #[must_use]
    pub const fn writes(self) -> bool {
        matches!(
            self,
            Self::Create
                | Self::Update
                | Self::Adopt
                | Self::TakeOver
                | Self::Repair
                | Self::Delete
                | Self::Retain
        )
    }

    /// What a decision comes to.
    pub(super) fn of(decision: &Decision, reason: Option<Reason>) -> Self {
        if decision.steps.is_empty() {
            return match &decision.verdict {
                Verdict::Drifted { .. } => Self::Drifted,
                Verdict::Waiting { .. } => Self::Waits,
                _ if reason.is_some_and(|reason| reason.standing() == Standing::Stalled) => Self::Refused,
                _ => Self::Unchanged,
            };
        }
        match (decision.stage, decision.motive) {
            (Stage::Deleting, _) => Self::Delete,
            (Stage::Retiring, _) => Self::Retain,
            (Stage::Leaving, _) => Self::Update,
            (Stage::Wanted, Motive::HandOver) => Self::TakeOver,
            (Stage::Wanted, Motive::Adoption) => Self::Adopt,
            (Stage::Wanted, Motive::Drift) => Self::Repair,
            (Stage::Wanted, Motive::Request) => {
                let only_adds = decision.steps.changes().all(|change| matches!(change, Change::Add(_)));
                // Values beside others of its own are a change of the RRset.
                let whole = decision.steps.changes().count() == decision.own_values.len();
                if only_adds && whole { Self::Create } else { Self::Update }
            }
        }
    }
}
