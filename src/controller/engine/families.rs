//! DnsRecords that are made for another one's addresses: looked after beside the passes, which they never hold up.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;
use tracing::{debug, info, warn};

use super::Engine;
use crate::api::DnsRecord;
use crate::api::children::{Step, Wanted, parent_of, steps, wanted};
use crate::api::desired::{applied_place, object_name};
use crate::controller::appliance::{Ask, Ready};
use crate::controller::binding::{Delegation, bind};
use crate::controller::families::Withheld;
use crate::controller::quotas::Share;
use crate::plan::ObjectName;
use crate::reconcile::{self, ErrorClass, FenceError, Notice, Tools, is_ready};

/// Families whose steps are taken at the same time.
const AT_ONE_TIME: usize = 8;

/// Families that are looked at before the engine turns to something else.
const IN_A_ROW: usize = 32;

/// How long to wait for a watch that is behind.
const ONCE_MORE: Duration = Duration::from_secs(2);

/// Steps, and how each came out: with the object as it is then.
type Outcomes = Vec<(Step, Result<Option<Arc<DnsRecord>>, FenceError>)>;

/// The steps of one family were taken.
pub(super) struct Done {
    parent: Arc<DnsRecord>,
    outcomes: Outcomes,
}

/// What becomes of a step.
enum Judgement {
    /// It is taken.
    Taken,
    /// Not now, and there is nothing to tell.
    NotYet,
    /// Not before somebody has done something.
    Withheld(Withheld, String),
    /// Somebody else is left their way until then.
    LeftAlone(Instant, String),
}

impl Engine {
    pub(super) fn may_look_after_families(&self) -> bool {
        self.unlisted == 0 && self.families.is_due() && self.running_families.len() < AT_ONE_TIME
    }

    /// Looks after the next families.
    pub(super) fn look_after_families(&mut self) {
        for _ in 0..IN_A_ROW {
            if self.running_families.len() >= AT_ONE_TIME {
                return;
            }
            let Some(parent) = self.families.next() else { return };
            self.look_after(&parent);
        }
    }

    /// Compares one family with what it shall be and begins the steps that put it right.
    fn look_after(&mut self, name: &ObjectName) {
        let Some(parent) = self.latest(name) else { return self.families.drop_if_empty(name) };
        if parent.spec.ptr.is_none() {
            self.families.drop_if_empty(name);
        }
        // Another replica's business, or not known yet; either is followed by another look.
        let Some(solid_server) = self.slots.get(name).map(|slot| Arc::clone(&slot.solid_server)) else {
            return;
        };
        let Some(appliance) = self.appliances.get(&solid_server) else { return };
        let (Some(lead), Some(ready)) = (&appliance.lead, &appliance.ready) else { return };
        let Some(family) = self.families.get(name) else { return };
        let all = family.children.iter().filter_map(|child| self.latest(child));
        let theirs = all.filter(|child| {
            parent_of(child).is_some_and(|owner| Some(&owner.uid) == parent.metadata.uid.as_ref())
        });
        let there: Vec<Arc<DnsRecord>> = theirs.collect();
        let wanted = wanted(&parent, is_ready(&parent));
        let known = matches!(wanted, Wanted::These(_));
        let steps = steps(wanted, &there);
        let now = Instant::now();
        let judged: Vec<(Step, Judgement)> = steps
            .into_iter()
            .map(|step| {
                let judgement = self.judge(name, &parent, &step, ready, now);
                (step, judgement)
            })
            .collect();
        let tools = Arc::clone(&lead.tools);
        let (mut taken, mut untaken) = (Vec::new(), BTreeSet::new());
        for (step, judgement) in judged {
            let child = object_name(step.child());
            match judgement {
                Judgement::Taken => taken.push(step),
                Judgement::NotYet => {}
                Judgement::Withheld(why, note) => {
                    untaken.insert(child.clone());
                    self.withhold(name, &parent, &child, why, &note);
                }
                Judgement::LeftAlone(until, note) => {
                    untaken.insert(child.clone());
                    self.withhold(name, &parent, &child, Withheld::Contested, &note);
                    self.families.look_at_later(name, until);
                }
            }
        }
        // What could not be done is told until it is done.
        untaken.extend(taken.iter().map(|step| object_name(step.child())));
        if let Some(family) = self.families.get_mut(name).filter(|_| known) {
            family.told_only(&untaken);
        }
        if taken.is_empty() {
            return;
        }
        self.families.begin(name);
        self.running_families.spawn(async move {
            let outcomes = take(&tools, &solid_server, taken).await;
            Done { parent, outcomes }
        });
    }

    /// Whether a step can be taken now.
    fn judge(
        &self,
        name: &ObjectName,
        parent: &DnsRecord,
        step: &Step,
        ready: &Ready,
        now: Instant,
    ) -> Judgement {
        let Some(family) = self.families.get(name) else { return Judgement::NotYet };
        let child = object_name(step.child());
        match step {
            Step::Delete(_) => Judgement::Taken,
            Step::Change { spec, .. } => match family.left_alone_until(&child, spec, now) {
                Some(until) => Judgement::LeftAlone(
                    until,
                    format!(
                        "somebody changes DnsRecord {child} again and again, and it follows from this one: change this one, or take \
                         spec.ptr out; it is left as it is for a while"
                    ),
                ),
                None => Judgement::Taken,
            },
            Step::Create(_) if family.awaits(&child, now) => Judgement::NotYet,
            Step::Create(wanted) => {
                if self.records.exists(&child) {
                    // One of a parent of that name that is gone goes as well, and then it is this one's turn.
                    let owner = self.latest(&child);
                    let former = owner.as_ref().and_then(|other| parent_of(other));
                    if former.is_some_and(|owner| *owner.name == *name.name) {
                        return Judgement::NotYet;
                    }
                    return Judgement::Withheld(
                        Withheld::NameTaken,
                        format!(
                            "DnsRecord {child} for {} is there and does not belong to this one, so that it is left alone; rename or \
                             delete it, or take spec.ptr out",
                            wanted.spec.fqdn
                        ),
                    );
                }
                self.judge_place(&child, parent, wanted, ready)
            }
        }
    }

    /// Whether a child would have a place. One that could only say that it has none is not made.
    fn judge_place(
        &self,
        name: &ObjectName,
        parent: &DnsRecord,
        child: &DnsRecord,
        ready: &Ready,
    ) -> Judgement {
        let filled = |zone: &dyn std::fmt::Display| {
            Judgement::Withheld(
                Withheld::FilledByAppliance,
                format!(
                    "no DnsRecord is made for {}: the appliance makes PTR records by itself ({zone})",
                    child.spec.fqdn
                ),
            )
        };
        let not_created = |why: &str| {
            Judgement::Withheld(
                Withheld::NotCreated,
                format!("no DnsRecord is made for {}: {why}", child.spec.fqdn),
            )
        };
        let place = parent.status.as_ref().and_then(applied_place);
        if let Some(place) = place.filter(|place| ready.catalogue.fills_reverse(place)) {
            return filled(&place);
        }
        let delegation = Delegation { grants: &ready.grants, labels: self.namespaces.get(&name.namespace) };
        let binding = match bind(child, &ready.spec, &ready.catalogue, delegation, false) {
            Ok(binding) => binding,
            Err(refusal) => return not_created(&refusal.message),
        };
        if ready.catalogue.fills_reverse(&binding.home) {
            return filled(&binding.home);
        }
        let limit = binding.entry.and_then(|entry| Some((entry, ready.grants.get(entry)?.max_records?)));
        if let Some((entry, limit)) = limit {
            let share = Share {
                solid_server: Arc::clone(&ready.name),
                namespace: Arc::clone(&name.namespace),
                entry,
            };
            if !self.quotas.has_room(&share, limit) {
                return not_created(&format!(
                    "namespace {} has {limit} DnsRecords there already, as many as the entry of spec.zones admits (maxRecords)",
                    name.namespace
                ));
            }
        }
        Judgement::Taken
    }

    /// Tells why a child is not as it shall be, once.
    fn withhold(
        &mut self,
        name: &ObjectName,
        parent: &DnsRecord,
        child: &ObjectName,
        why: Withheld,
        note: &str,
    ) {
        if why == Withheld::NameTaken {
            self.families.taken(child.clone(), name);
        }
        let Some(family) = self.families.get_mut(name) else { return };
        if !family.tell(child, why, note) {
            return;
        }
        // A reverse zone is often made together with what stands in it.
        let look = why == Withheld::NotCreated && !std::mem::replace(&mut family.looked, true);
        info!(object = %name, reason = why.reason(), "{note}");
        let notice = match why {
            Withheld::FilledByAppliance => Notice::normal(parent, why.reason(), note.to_owned()),
            _ => Notice::warning(parent, why.reason(), note.to_owned()),
        };
        self.tools.events.send(notice);
        let solid_server = self.slots.get(name).map(|slot| &slot.solid_server);
        if let Some(appliance) = solid_server.and_then(|name| self.appliances.get(name)).filter(|_| look) {
            appliance.ask(Ask::Look);
        }
    }

    /// Remembers how the steps of a family came out.
    pub(super) fn looked_after(&mut self, done: Done) {
        let Done { parent, outcomes } = done;
        let (name, now) = (object_name(&parent), Instant::now());
        let mut failed = false;
        for (step, outcome) in outcomes {
            let child = object_name(step.child());
            match (outcome, step) {
                (Ok(Some(record)), Step::Change { spec, .. }) => {
                    self.remember(&child, record);
                    if let Some(family) = self.families.get_mut(&name) {
                        family.put_back(&child, spec, now);
                    }
                }
                (Ok(_), Step::Create(_)) => {
                    let unseen = self.records.glimpse(&child).is_none();
                    if let Some(family) = self.families.get_mut(&name).filter(|_| unseen) {
                        family.created(child, now);
                    }
                }
                (Ok(_), _) => {}
                // It is looked at when it is ours again.
                (Err(FenceError::NotHeld), _) => {}
                // The watch is behind, and shows soon what there is.
                (Err(FenceError::Taken | FenceError::Vanished), _) => {
                    self.families.look_at_later(&name, now + ONCE_MORE);
                }
                (Err(error), step) => {
                    failed = true;
                    let note = format!("DnsRecord {child}: {error}{}", advice(&error, &step));
                    self.withhold(&name, &parent, &child, Withheld::Failed, &note);
                }
            }
        }
        if let Some(family) = self.families.get_mut(&name) {
            family.attempts = if failed { family.attempts + 1 } else { 0 };
            let wait = reconcile::delay(ErrorClass::Kubernetes, family.attempts, rand::random());
            if failed {
                self.families.look_at_later(&name, now + wait);
            }
        }
        self.families.end(&name);
    }

    /// Wakes those that wait, and counts those of which something is withheld.
    pub(super) fn count_families(&mut self) {
        self.families.wake(Instant::now());
        let mut counts: BTreeMap<Arc<str>, [usize; Withheld::ALL.len()]> = BTreeMap::new();
        let ours = self.appliances.iter().filter(|(_, appliance)| appliance.lead.is_some());
        counts.extend(ours.map(|(name, _)| (Arc::clone(name), [0; Withheld::ALL.len()])));
        for (parent, family) in self.families.iter().filter(|(_, family)| family.is_withheld_something()) {
            let Some(slot) = self.slots.get(parent) else { continue };
            let Some(counts) = counts.get_mut(&slot.solid_server) else { continue };
            for (count, cause) in counts.iter_mut().zip(Withheld::ALL) {
                *count += family.withheld(cause);
            }
        }
        for (solid_server, counts) in counts {
            for (cause, records) in Withheld::ALL.into_iter().zip(counts) {
                self.tools.metrics.ptr_withheld(&solid_server, cause.cause(), records);
            }
        }
    }
}

/// What a person can do about a step that the API server does not take.
fn advice(error: &FenceError, step: &Step) -> &'static str {
    match (error, step) {
        (FenceError::Refused(_), Step::Create(_)) => "; an admission policy of the cluster may be in the way",
        (FenceError::Kubernetes(words), _) if words.contains("forbidden") => {
            "; the operator's ClusterRole and admission policy have to be those of its version"
        }
        _ => "",
    }
}

/// Takes steps, one after the other.
async fn take(tools: &Tools, solid_server: &str, steps: Vec<Step>) -> Outcomes {
    let mut outcomes = Vec::with_capacity(steps.len());
    for step in steps {
        let (change, outcome) = match &step {
            Step::Create(child) => ("create", reconcile::create(&tools.cluster, child).await.map(Some)),
            Step::Change { child, spec } => {
                ("update", reconcile::write_spec(&tools.cluster, child, spec).await.map(Some))
            }
            Step::Delete(child) => ("delete", reconcile::delete(&tools.cluster, child).await.map(|()| None)),
        };
        let object = object_name(step.child());
        match &outcome {
            Ok(_) => {
                debug!(%object, change, "made for another DnsRecord");
                tools.metrics.ptr_changed(solid_server, change, "ok");
            }
            Err(FenceError::NotHeld) => {}
            Err(error) => {
                warn!(%object, change, "made for another DnsRecord: {error}");
                tools.metrics.ptr_changed(solid_server, change, "failed");
            }
        }
        outcomes.push((step, outcome));
    }
    outcomes
}
