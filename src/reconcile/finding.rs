//! What is to be said of a DnsRecord, from what the plan decided (pure).

use std::collections::BTreeMap;

use crate::api::{RECONCILE_REQUESTED_AT, Reason, TAKE_OVER};
use crate::plan::{Change, Decision, Motive, Verdict};
use crate::record::{Place, Rrset};

/// Changes that the message of a suspended DnsRecord names; it counts the others.
const MOST_CHANGES: usize = 10;

/// What the message of a suspended DnsRecord begins with.
const SUSPENDED: &str = "spec.suspend is true";

/// What is to be said of a DnsRecord.
#[derive(Clone, Debug)]
pub struct Finding {
    /// Why it stands as it does.
    pub reason: Reason,
    /// The same in a sentence.
    pub message: String,
    /// What is applied now; `None` leaves what the status says.
    pub applied: Option<AppliedNow>,
    /// Whether the appliance was written to.
    pub wrote: bool,
    /// The reconciliation request that was served.
    pub served: Option<String>,
    /// The id under which the deletion guard holds the record, or that it holds it no more; `None` leaves what the status says.
    pub hold: Option<Option<String>>,
    /// What becomes of the condition `Published`.
    pub publishing: Publishing,
}

/// What a finding means for the condition `Published`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Publishing {
    /// Nothing: it stays as it is.
    #[default]
    Untouched,
    /// Nobody asks for it: it goes.
    NotAsked,
    /// It is followed: what was written begins its way to the name servers anew.
    Followed,
}

/// What the appliance holds for a DnsRecord now.
#[derive(Clone, Debug)]
pub struct AppliedNow {
    /// Where.
    pub place: Place,
    /// Its own part of the RRset, with the TTL that it really has.
    pub rrset: Rrset,
    /// The class parameters that were set.
    pub class_parameters: BTreeMap<String, String>,
}

/// What a decision is spoken of in.
#[derive(Clone, Copy, Debug)]
pub struct Circumstances<'a> {
    /// The zone.
    pub place: &'a Place,
    /// Where rows are left that are being removed.
    pub leaves: Option<&'a Place>,
    /// The SolidServer's defaults name another place by now.
    pub defaults_changed: bool,
    /// `spec.suspend` of the DnsRecord.
    pub suspended: bool,
    /// The operator's `--cluster-name`.
    pub cluster: &'a str,
    /// The SolidServer.
    pub solid_server: &'a str,
}

impl Finding {
    /// A finding that changes nothing but the conditions.
    pub fn new(reason: Reason, message: impl Into<String>) -> Self {
        Self {
            reason,
            message: message.into(),
            applied: None,
            wrote: false,
            served: None,
            hold: None,
            publishing: Publishing::Untouched,
        }
    }

    /// That the steps of a decision are not made because the DnsRecord is suspended, or the SolidServer that is named. The text
    /// follows from the steps, so that it changes only with what is to be done.
    #[must_use]
    pub fn suspended(decision: &Decision, solid_server: Option<&str>) -> Self {
        let who = match solid_server {
            Some(solid_server) => format!("spec.suspend of SolidServer {solid_server} is true"),
            None => SUSPENDED.to_owned(),
        };
        let drift = if decision.motive == Motive::Drift { "; it was changed on the appliance" } else { "" };
        let counts: Vec<String> = [
            ("added", count(decision, |change| matches!(change, Change::Add(_)))),
            ("edited", count(decision, |change| matches!(change, Change::Edit { .. }))),
            ("deleted", count(decision, |change| matches!(change, Change::Delete { .. }))),
        ]
        .into_iter()
        .filter(|(_, count)| *count > 0)
        .map(|(deed, count)| format!("{count} {} would be {deed}", if count == 1 { "row" } else { "rows" }))
        .collect();
        let first: Vec<String> = decision.steps.changes().take(MOST_CHANGES).map(Change::in_words).collect();
        let more = if decision.steps.changes().nth(MOST_CHANGES).is_some() { "; ..." } else { "" };
        let message =
            format!("{who}: nothing is written{drift}; {}: {}{more}", counts.join(", "), first.join("; "));
        // What is not written is not held either.
        Self { hold: Some(None), ..Self::new(Reason::Suspended, message) }
    }

    /// What a decision means once its steps are done; `None` when nothing of the record is left to speak of.
    #[must_use]
    pub fn of(decision: &Decision, circumstances: Circumstances<'_>) -> Option<Self> {
        let Circumstances { place, leaves, defaults_changed, suspended, cluster, solid_server } =
            circumstances;
        let key = &decision.rrset.key;
        let (reason, message) = match &decision.verdict {
            Verdict::Gone => return None,
            Verdict::InSync { .. } | Verdict::ForeignValues { .. } if leaves.is_some() => {
                let left = leaves.map(ToString::to_string).unwrap_or_default();
                (
                    Reason::Writing,
                    format!("written to the {place}; what is left in the {left} is being removed"),
                )
            }
            Verdict::InSync { .. } if defaults_changed => (
                Reason::DefaultsChanged,
                format!(
                    "in the {place} as before, while the SolidServer's defaults name another place by now; to move it: \
                     kubectl annotate --overwrite --field-manager=flux-client-side-apply dnsrecord -n {} {} {RECONCILE_REQUESTED_AT}=\"$(date +%s)\"",
                    decision.object.namespace, decision.object.name,
                ),
            ),
            Verdict::InSync { .. } if suspended => (
                Reason::InSync,
                format!("in the {place}; {SUSPENDED}: a change there is told and not put right"),
            ),
            Verdict::InSync { .. } => (Reason::InSync, format!("in the {place}")),
            Verdict::ForeignValues { values, .. } => (
                Reason::ForeignValues,
                format!(
                    "its own values are right, but others stand beside them: {}; remove them on the appliance, \
                     or set spec.adoptionPolicy to Always (to have unmarked ones removed) or spec.rrsetPolicy to Shared",
                    values.join(", ")
                ),
            ),
            Verdict::Drifted { changes } => (
                Reason::Drifted,
                format!(
                    "changed on the appliance, and driftPolicy is Report; to repair: {}",
                    changes.join("; ")
                ),
            ),
            Verdict::Conflict { with } => (
                Reason::Conflict,
                format!(
                    "{key} is taken by {with}; remove that, or change this DnsRecord (spec.adoptionPolicy says what may be taken over)"
                ),
            ),
            Verdict::Twin { cluster_uid } => (
                Reason::ClusterNameInUse,
                format!(
                    "the rows were written by another cluster named {cluster:?} (UID {cluster_uid}); give each cluster a name of its own, \
                     or, if that cluster is gone, have its rows taken over: \
                     kubectl annotate --overwrite --field-manager=flux-client-side-apply solidserver {solid_server} {TAKE_OVER}={cluster_uid}"
                ),
            ),
            Verdict::Unsupported => (
                Reason::InvalidValue,
                "spec.classParameters: this appliance keeps no class parameters on records, which SOLIDserver does from \
                 version 8.0 on (the SolidServer's status.version says which it is); remove them from the spec"
                    .to_owned(),
            ),
            Verdict::Waiting { for_what } => (Reason::Waiting, format!("waits for {for_what}")),
        };
        let ttl = match decision.verdict {
            Verdict::InSync { ttl } | Verdict::ForeignValues { ttl, .. } if leaves.is_none() => Some(ttl),
            _ => None,
        };
        // What was applied changes only when the old rows are gone.
        let applied = ttl.map(|ttl| AppliedNow {
            place: place.clone(),
            rrset: Rrset { key: key.clone(), ttl, values: decision.own_values.clone() },
            class_parameters: decision.class_parameters.clone(),
        });
        // Whatever the guard held of it is decided otherwise by now.
        Some(Self { applied, hold: Some(None), ..Self::new(reason, message) })
    }
}

fn count(decision: &Decision, is: impl Fn(&Change) -> bool) -> usize {
    decision.steps.changes().filter(|change| is(change)).count()
}
