//! A zone as it is, before DnsRecords speak of it (IO): found and read like any zone of the controller's, and what the plan would make
//! of manifests for it. No call writes.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::appliance::survey;
use super::catalogue::{Catalogue, Refusal};
use crate::api::desired::{ViewWish, Whereabouts, claim, rrset};
use crate::api::{DnsRecord, Reason, SolidServer, SolidServerSpec};
use crate::plan::{Change, Decision, Identity, Marks, ObjectName, Verdict, ZoneView, plan};
use crate::reconcile::{self, Circumstances, Finding};
use crate::record::{Name, Place, RecordType, Row, RrsetKey};
use crate::solidserver::{Client, Reading, Sight};

/// Which zone is asked for. What is left open is answered by the SolidServer's defaults.
#[derive(Clone, Debug)]
pub struct ZoneWish {
    /// Its name.
    pub zone: Name,
    /// The DNS server.
    pub server: Option<String>,
    /// The view; empty for none.
    pub view: Option<String>,
}

/// A zone that was found.
pub struct Brownfield<'a> {
    /// Where it is.
    pub place: Place,
    /// The appliance's version, if the account may ask for it.
    pub version: Option<String>,
    client: &'a Client,
    spec: &'a SolidServerSpec,
    solid_server: &'a str,
    catalogue: Catalogue,
}

/// What applying a manifest would do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Foreseen {
    /// Nothing but marks on rows that stay as they are.
    Marks,
    /// More than that.
    Changes,
    /// It would be refused or have to wait: in words.
    Refused(String),
}

impl<'a> Brownfield<'a> {
    /// Finds the zone.
    ///
    /// # Errors
    /// [`Refusal`] when the appliance cannot be asked, has no such zone, or does not hold its data.
    pub async fn find(
        client: &'a Client,
        solid_server: &'a SolidServer,
        wish: &ZoneWish,
    ) -> Result<Self, Refusal> {
        let name = solid_server.metadata.name.as_deref().unwrap_or_default();
        let spec = &solid_server.spec;
        let server = wish.server.as_deref().or_else(|| spec.default_dns_server());
        let named = server.map(Arc::from).into_iter().collect();
        let (version, catalogue) = survey(client, name, spec, &named).await;
        let catalogue = catalogue.map_err(|error| refused(&error))?;
        let view = wish.view.as_deref().or_else(|| spec.default_view());
        let whereabouts = Whereabouts {
            server: server.map(Arc::from),
            view: match view {
                None => ViewWish::Unstated,
                Some("") => ViewWish::NoView,
                Some(view) => ViewWish::Named(view.into()),
            },
            zone: Some(wish.zone.clone()),
            defaults_changed: false,
        };
        // Of any type that may stand at an apex.
        let apex = RrsetKey { name: wish.zone.clone(), record_type: RecordType::Txt };
        let place = catalogue.locate(&apex, &whereabouts)?;
        Ok(Self { place, version: version.flatten(), client, spec, solid_server: name, catalogue })
    }

    /// How many rows the appliance counts in it; `None` where it does not tell. Only good for telling how far a reading has come.
    pub async fn count(&self) -> Option<usize> {
        usize::try_from(self.client.count_rows(&self.place).await.ok()?).ok()
    }

    /// Reads all of it.
    ///
    /// # Errors
    /// [`Refusal`] when it cannot be read, or not all of it can be seen.
    pub async fn read(&self) -> Result<Reading, Refusal> {
        let reading = self.client.read_zone(&self.place).await.map_err(|error| refused(&error))?;
        match reading.sight {
            Sight::Seen => Ok(reading),
            Sight::NotVisible => Err(Refusal::new(
                Reason::NotVisible,
                format!(
                    "the {} does not show its own SOA row, so that what else it hides is not known; give the account read rights on it",
                    self.place
                ),
            )),
        }
    }

    /// Whether rows of this appliance can carry marks.
    #[must_use]
    pub fn marks(&self) -> Marks {
        Marks::of_version(self.version.as_deref())
    }

    /// Whether a DnsRecord for an RRset of this zone has to name the zone, since the operator would look for it in another one.
    ///
    /// # Errors
    /// [`Refusal`] when even with its name the RRset would not be in this zone.
    pub fn needs_zone(&self, key: &RrsetKey) -> Result<bool, Refusal> {
        let view = self.place.view.clone().map_or(ViewWish::NoView, ViewWish::Named);
        let server = Some(Arc::clone(&self.place.server));
        let mut wish = Whereabouts { server, view, zone: None, defaults_changed: false };
        if self.catalogue.locate(key, &wish).is_ok_and(|place| place == self.place) {
            return Ok(false);
        }
        wish.zone = Some(self.place.zone.clone());
        self.catalogue.locate(key, &wish).map(|_| true)
    }

    /// What applying these manifests would do, decided by the operator's own plan.
    #[must_use]
    pub fn foresee(&self, records: &[DnsRecord], rows: &[Row]) -> BTreeMap<ObjectName, Foreseen> {
        let claims: Vec<_> = records
            .iter()
            .filter_map(|record| {
                let rrset = rrset(record, self.spec).ok()?;
                let mut claim = claim(record, rrset, self.spec, &self.place, true);
                claim.decide = true;
                Some(claim)
            })
            .collect();
        // Rows that anybody has marked are nobody's here, whoever applies the manifests.
        let identity = Identity { cluster: "".into(), cluster_uid: "".into() };
        let rows: Vec<&Row> = rows.iter().collect();
        let decisions = plan(&ZoneView {
            place: &self.place,
            identity: &identity,
            marks: self.marks(),
            claims: &claims,
            rows: &rows,
            exists: &|_| true,
            taken_over: &BTreeSet::new(),
        });
        decisions.iter().map(|decision| (decision.object.clone(), self.foreseen(decision))).collect()
    }

    fn foreseen(&self, decision: &Decision) -> Foreseen {
        let only_marks = |change: &Change| match change {
            Change::Edit { row, edit } => row.data.as_ref() == Some(&edit.data) && row.ttl == edit.ttl,
            Change::Add(_) | Change::Delete { .. } => false,
        };
        match decision.verdict {
            Verdict::InSync { .. } if decision.steps.changes().all(only_marks) => Foreseen::Marks,
            Verdict::InSync { .. } => Foreseen::Changes,
            _ => {
                let circumstances = Circumstances {
                    place: &self.place,
                    leaves: None,
                    defaults_changed: false,
                    suspended: false,
                    cluster: "",
                    solid_server: self.solid_server,
                };
                let finding = Finding::of(decision, circumstances);
                Foreseen::Refused(finding.map(|finding| finding.message).unwrap_or_default())
            }
        }
    }
}

fn refused(error: &crate::solidserver::Error) -> Refusal {
    let message = format!("{}; {}", reconcile::words(error), reconcile::advice(error));
    Refusal::new(reconcile::reason(error), message)
}
