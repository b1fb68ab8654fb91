//! One appliance and the DnsRecords that refer to it: what it offers (IO), and which zone each record belongs to.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::zone::{Subject, Zone};
use super::{Candidate, Failure, Foreseen, Objects, Surveyed};
use crate::api::children::parent_of;
use crate::api::desired::{claim, is_abandoned, object_name, whereabouts};
use crate::api::{ApprovalKind, DnsRecord, Reason, SolidServer, SolidServerStatus};
use crate::controller::appliance::survey;
use crate::controller::binding::{Binding, Delegation, bind, not_delegated};
use crate::controller::catalogue::{Catalogue, Refusal};
use crate::controller::quotas::{Quotas, Share};
use crate::plan::{Claim, Grant, ObjectName};
use crate::reconcile::{self, is_held};
use crate::record::{Name, Place, RecordType, RrsetKey};
use crate::solidserver::Client;

/// A SolidServer that can be worked with.
pub(super) struct Ground<'a> {
    pub(super) objects: &'a Objects,
    pub(super) solid_server: &'a SolidServer,
    pub(super) name: Arc<str>,
    pub(super) client: &'a Client,
}

/// Where the records belong.
#[derive(Default)]
pub(super) struct Placed {
    /// Zones with records that are asked about.
    pub(super) zones: Vec<Zone>,
    /// Records that are asked about and have no place.
    pub(super) unplaced: Vec<Foreseen>,
}

/// What is to be done with a record before any zone is looked at.
enum Destination {
    Bound(Box<Binding>),
    /// It goes, and has nothing on the appliance that would go with it.
    LetGo(&'static str),
    Refused(Refusal),
}

/// Whether it is one that would be made for another DnsRecord, and is not there yet.
fn is_to_be_made(record: &DnsRecord) -> bool {
    record.metadata.uid.is_none() && parent_of(record).is_some()
}

impl Ground<'_> {
    /// Looks at the appliance and gives each record its place.
    pub(super) async fn survey(&self, candidates: &[&Candidate]) -> Result<(Surveyed, Placed), Failure> {
        let spec = &self.solid_server.spec;
        let failure = |reason: Reason, message: String| Failure {
            solid_server: Arc::clone(&self.name),
            place: None,
            reason,
            message,
        };
        let grants = spec.grants().map_err(|error| failure(Reason::InvalidValue, error.to_string()))?;
        let asked = candidates.iter().filter(|candidate| candidate.asked);
        let servers = asked.filter_map(|candidate| {
            let status = candidate.record.status.as_ref();
            let named = candidate.record.spec.dns_server.as_deref();
            named.or_else(|| status?.dns_server.as_deref()).map(Arc::from)
        });
        let (version, catalogue) = survey(self.client, &self.name, spec, &servers.collect()).await;
        let catalogue = catalogue.map_err(|error| {
            let message = format!("{}; {}", reconcile::words(&error), reconcile::advice(&error));
            failure(reconcile::reason(&error), message)
        })?;
        if catalogue.is_blind() {
            let message = "the appliance shows this account no DNS server or zone; give it read rights";
            return Err(failure(Reason::NotVisible, message.to_owned()));
        }
        let version = version.flatten();
        let surveyed = Surveyed {
            solid_server: Arc::clone(&self.name),
            endpoint: spec.endpoint.clone(),
            version: version.clone(),
        };
        Ok((surveyed, self.place(candidates, &catalogue, &grants, version)))
    }

    fn place(
        &self,
        candidates: &[&Candidate],
        catalogue: &Catalogue,
        grants: &[Grant],
        version: Option<String>,
    ) -> Placed {
        let found: Vec<(&Candidate, Destination)> = candidates
            .iter()
            .map(|candidate| (*candidate, self.place_of(candidate, catalogue, grants)))
            .collect();
        let beyond = self.beyond_quotas(&found, grants);
        let mut placed = Placed::default();
        let mut zones: BTreeMap<Place, Zone> = BTreeMap::new();
        let status = SolidServerStatus { version, ..self.solid_server.status.clone().unwrap_or_default() };
        for (candidate, place) in found {
            let record = &candidate.record;
            let binding = match place {
                Destination::Bound(binding) if !beyond.contains_key(&object_name(record)) => binding,
                Destination::Bound(_) => {
                    if let Some(refusal) = beyond.get(&object_name(record)).filter(|_| candidate.asked) {
                        let refused = Foreseen::refused(record, refusal.reason, refusal.message.clone());
                        placed.unplaced.push(refused);
                    }
                    continue;
                }
                Destination::LetGo(why) => {
                    if candidate.asked {
                        let foreseen = Foreseen::of(record);
                        placed.unplaced.push(Foreseen { message: why.to_owned(), ..foreseen });
                    }
                    continue;
                }
                Destination::Refused(refusal) => {
                    if candidate.asked {
                        placed.unplaced.push(Foreseen::refused(record, refusal.reason, refusal.message));
                    }
                    continue;
                }
            };
            for (place, claim, home) in self.claims(record, &binding) {
                let zone = zones.entry(place.clone()).or_insert_with(|| self.zone(place, &status));
                let subject = Subject {
                    record: Arc::clone(record),
                    asked: candidate.asked,
                    home,
                    leaves: binding.leaves.as_deref().cloned().filter(|_| home),
                    defaults_changed: binding.defaults_changed,
                };
                zone.add(claim, subject);
            }
        }
        placed.zones = zones.into_values().filter(Zone::is_asked_about).collect();
        placed
    }

    fn place_of(&self, candidate: &Candidate, catalogue: &Catalogue, grants: &[Grant]) -> Destination {
        let record = &candidate.record;
        let deleting = record.metadata.deletion_timestamp.is_some();
        if deleting && !is_held(record) {
            return Destination::LetGo("it goes, and nothing was ever written for it");
        }
        if deleting && (is_abandoned(record) || record.spec.suspend) {
            return Destination::LetGo(
                "it goes, and its rows stay as they are: it is suspended or abandoned",
            );
        }
        let labels = self.objects.namespaces.get(record.metadata.namespace.as_deref().unwrap_or_default());
        let delegation = Delegation { grants, labels };
        match bind(record, &self.solid_server.spec, catalogue, delegation, false) {
            Ok(binding) if is_to_be_made(record) && self.fills_reverse(record, &binding, catalogue) => {
                Destination::LetGo("the appliance makes PTR records by itself there")
            }
            Ok(binding) => Destination::Bound(Box::new(binding)),
            Err(refusal) if deleting && refusal.reason == Reason::NotDelegated => {
                Destination::LetGo("it goes, and has nothing on the appliance")
            }
            Err(refusal) => Destination::Refused(refusal),
        }
    }

    /// Whether the appliance makes the PTR record of a child by itself, by what is said of its zone or of the one that its address is in.
    fn fills_reverse(&self, child: &DnsRecord, binding: &Binding, catalogue: &Catalogue) -> bool {
        let forward = || {
            let name = Name::parse(child.spec.values.first()?).ok()?;
            let wish = whereabouts(child, &self.solid_server.spec).ok()?;
            catalogue.locate(&RrsetKey { name, record_type: RecordType::A }, &wish).ok()
        };
        catalogue.fills_reverse(&binding.home)
            || forward().is_some_and(|place| catalogue.fills_reverse(&place))
    }

    /// Those that are one too many for the entry of `spec.zones` that would grant them.
    fn beyond_quotas(
        &self,
        found: &[(&Candidate, Destination)],
        grants: &[Grant],
    ) -> BTreeMap<ObjectName, Refusal> {
        let mut quotas = Quotas::default();
        let limited = || {
            found.iter().filter_map(|(candidate, place)| {
                let Destination::Bound(binding) = place else { return None };
                let entry = binding.entry?;
                Some((&candidate.record, entry, grants.get(entry)?.max_records?))
            })
        };
        let mut join = |record: &DnsRecord, entry: usize, limit: u32| {
            let object = object_name(record);
            let (solid_server, namespace) = (Arc::clone(&self.name), Arc::clone(&object.namespace));
            let created = record.metadata.creation_timestamp.as_ref().map_or(0, |time| time.0.as_second());
            let admitted =
                quotas.join(Share { solid_server, namespace, entry }, created, &object, limit).admitted;
            (object, admitted)
        };
        for (record, entry, limit) in limited() {
            join(record, entry, limit);
        }
        // Only now all are counted.
        let mut beyond = BTreeMap::new();
        for (record, entry, limit) in limited() {
            let (object, admitted) = join(record, entry, limit);
            if !admitted {
                let lives = record.status.as_ref().is_some_and(|status| status.zone.is_some());
                let why = format!(
                    "namespace {} has {limit} DnsRecords here already, as many as the entry of spec.zones admits (maxRecords)",
                    object.namespace
                );
                beyond.insert(object, not_delegated(&why, lives));
            }
        }
        beyond
    }

    /// What a record asks of its zone, and of the one that it leaves.
    fn claims(&self, record: &DnsRecord, binding: &Binding) -> Vec<(Place, Claim, bool)> {
        let spec = &self.solid_server.spec;
        let of = |place: &Place, home: bool| {
            let mut claim = claim(record, binding.rrset.clone(), spec, place, home);
            let here = binding.applied_name.iter().filter(|_| !home || binding.leaves.is_none());
            claim.other_names = here.cloned().collect::<BTreeSet<Name>>();
            (place.clone(), claim, home)
        };
        let home = of(&binding.home, true);
        std::iter::once(home).chain(binding.leaves.iter().map(|leaves| of(leaves, false))).collect()
    }

    fn zone(&self, place: Place, status: &SolidServerStatus) -> Zone {
        let spec = self.solid_server.spec.clone();
        let taken_over = status.approved.iter().filter(|approval| approval.kind == ApprovalKind::TakeOver);
        Zone::new(
            Arc::clone(&self.name),
            place,
            self.client.clone(),
            status.clone(),
            spec,
            taken_over.map(|approval| approval.id.clone()).collect(),
        )
    }
}
