//! From claims to decisions, by reading alone (IO): gather, plan, and the proof for what would be done because a row is missing.

use std::collections::{BTreeSet, HashSet};

use super::gather::{GatherError, Gathering, Known, Scope};
use crate::plan::{Change, Claim, Decision, Identity, Marks, ObjectName, Owner, Verdict, ZoneView, plan};
use crate::record::{Name, Place, Row};
use crate::solidserver::Client;

/// What is to be decided in one zone, and what it is decided by.
#[derive(Clone, Copy)]
pub struct Inquiry<'a> {
    /// The appliance.
    pub client: &'a Client,
    /// The zone.
    pub place: &'a Place,
    /// Whether rows can carry marks there.
    pub marks: Marks,
    /// Rows asked for in one list call.
    pub page_size: usize,
    /// Rows that the zone had when it was last read as a whole, or counted.
    pub zone_rows: Option<usize>,
    /// DnsRecords of the zone that wait for later slices; what is read as a whole serves them, too.
    pub to_come: usize,
    /// All claims on the names in question.
    pub claims: &'a [Claim],
    /// Who we are.
    pub identity: &'a Identity,
    /// Whether the DnsRecord that a mark names exists.
    pub exists: &'a (dyn Fn(&ObjectName) -> bool + Send + Sync),
    /// UIDs of clusters of our name whose rows are ours from now on.
    pub taken_over: &'a BTreeSet<String>,
}

impl Inquiry<'_> {
    /// Reads what the claims need and is not known yet. `reads` is raised by the calls that it took.
    ///
    /// # Errors
    /// [`GatherError`] when the zone cannot be read.
    pub async fn gather(
        &self,
        scope: Scope,
        known: &mut Option<Known>,
        reads: &mut usize,
    ) -> Result<(), GatherError> {
        *reads += self.gathering().gather(scope, self.claims, known).await?;
        Ok(())
    }

    /// Plans; what would be done because a row is missing is decided only once its absence is proven.
    ///
    /// # Errors
    /// [`GatherError`] when the proof cannot be read.
    pub async fn decide(&self, known: &mut Known, reads: &mut usize) -> Result<Vec<Decision>, GatherError> {
        let decisions = self.plan(known);
        if known.proves_absence() {
            return Ok(decisions);
        }
        let names = self.names_of_absence(&decisions);
        if names.is_empty() {
            return Ok(decisions);
        }
        *reads += self.gathering().confirm(names, known).await?;
        Ok(self.plan(known))
    }

    fn gathering(&self) -> Gathering<'_> {
        let Self { client, place, zone_rows, page_size, to_come, .. } = *self;
        Gathering { client, place, zone_rows, page_size, to_come }
    }

    fn plan(&self, known: &Known) -> Vec<Decision> {
        let rows: Vec<&Row> = known.rows().collect();
        plan(&ZoneView {
            place: self.place,
            identity: self.identity,
            marks: self.marks,
            claims: self.claims,
            rows: &rows,
            exists: self.exists,
            taken_over: self.taken_over,
        })
    }

    /// The names at which something would be done because a row is missing: an add, or letting go of a DnsRecord.
    fn names_of_absence(&self, decisions: &[Decision]) -> Vec<Name> {
        let acting: HashSet<&ObjectName> = decisions
            .iter()
            .filter(|decision| {
                decision.verdict == Verdict::Gone
                    || decision.steps.changes().any(|change| matches!(change, Change::Add(_)))
            })
            .map(|decision| &decision.object)
            .collect();
        let mut names: Vec<Name> = self
            .claims
            .iter()
            .filter(|claim| acting.contains(&claim.object))
            .flat_map(Claim::names)
            .cloned()
            .collect();
        names.sort_unstable();
        names.dedup();
        names
    }

    /// Rows with our mark whose DnsRecord does not exist; only a reading of the whole zone tells all.
    #[must_use]
    pub fn orphans(&self, known: &Known) -> usize {
        known
            .rows()
            .filter(|row| !row.pending_delete)
            .filter(|row| match Owner::of(row, self.place, self.identity) {
                Owner::Object(object) => !(self.exists)(&object),
                _ => false,
            })
            .count()
    }

    /// RRsets of ours in the zone; only a reading of the whole zone tells.
    #[must_use]
    pub fn owned(&self, known: &Known) -> usize {
        if self.marks == Marks::NotKept {
            // No row says whose it is; the DnsRecords say what they wrote.
            return self.claims.iter().filter(|claim| claim.applied.is_some()).count();
        }
        let ours = known
            .rows()
            .filter(|row| !row.pending_delete)
            .filter(|row| matches!(Owner::of(row, self.place, self.identity), Owner::Object(_)));
        ours.filter_map(Row::rrset_key).collect::<HashSet<_>>().len()
    }
}
