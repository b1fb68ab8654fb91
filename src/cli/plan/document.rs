//! The plan as a document: what `--output json` writes, and what the other forms are made from (pure).

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Serialize;

use super::objects::Gathered;
use crate::controller::preview::{Foreseen, Outcome, Preview};
use crate::plan::{self, MARK_PARAMETERS};
use crate::record::Place;

/// The version of this form.
const VERSION: u32 = 1;

/// What would change on appliances if the manifests were applied.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Document {
    /// Version of this form, 1. Fields may be added to it; another meaning makes another version.
    pub version: u32,
    /// How many there are of each kind.
    pub summary: Summary,
    /// Appliances that were looked at.
    pub appliances: Vec<Appliance>,
    /// DnsRecords that are not as the manifests say, by namespace and name; the unchanged ones are only counted.
    pub records: Vec<Record>,
    /// Manifests that the API server would not take.
    pub invalid: Vec<Invalid>,
    /// RRsets that would lose their last row, by zone, set against the deletion guard.
    pub deletions: Vec<Deletions>,
    /// What could not be looked at. With any of these the plan is not whole, and the exit code is 1.
    pub failures: Vec<Failure>,
    /// What whoever reads the plan should know.
    pub notes: Vec<String>,
}

/// How many there are of each kind.
#[derive(Clone, Debug, Default, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Summary {
    /// DnsRecords by outcome; outcomes that nobody has are left out.
    pub records: BTreeMap<OutcomeName, usize>,
    /// Manifests that the API server would not take.
    pub invalid: usize,
    /// Calls that would write, by operation. What is held, suspended or only reported is not among them.
    pub calls: CallCounts,
    /// Calls that it took to read the zones.
    pub reads: usize,
}

/// Calls that would write.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct CallCounts {
    /// Rows that would be added.
    pub add: usize,
    /// Rows that would be edited in place.
    pub edit: usize,
    /// Rows that would be deleted.
    pub delete: usize,
}

/// What would come of a DnsRecord.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum OutcomeName {
    /// Its rows are added.
    Create,
    /// Its rows are changed as the manifest asks.
    Update,
    /// Rows without an ownership mark become its own.
    Adopt,
    /// It takes rows over from another DnsRecord that gives them up.
    TakeOver,
    /// What somebody changed on the appliance is put right.
    Repair,
    /// Its rows go.
    Delete,
    /// It goes, and its rows stay without a mark.
    Retain,
    /// Somebody changed it on the appliance, and driftPolicy is Report: nothing is written.
    Drifted,
    /// The deletion guard would hold it until somebody approves.
    Held,
    /// It, or its SolidServer, is suspended: nothing is written.
    Suspended,
    /// It waits for something, which the message names.
    Waits,
    /// It would be Stalled, with the reason: nothing is written.
    Refused,
    /// Its appliance or zone could not be looked at.
    Unknown,
    /// The appliance holds what the manifest says.
    Unchanged,
}

/// An appliance that was looked at.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Appliance {
    /// The SolidServer.
    pub solid_server: String,
    /// Its endpoint.
    pub endpoint: String,
    /// Version that it reports; absent when the account may not ask.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
}

/// What would come of one DnsRecord.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Record {
    /// Namespace of the DnsRecord.
    pub namespace: String,
    /// Name of the DnsRecord.
    pub name: String,
    /// File and document that it is written in; absent when it is not among the manifests.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// Owner name, canonical; absent where the spec makes no sense.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fqdn: Option<String>,
    /// Record type; absent where the spec makes no sense.
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub record_type: Option<String>,
    /// The SolidServer that it refers to.
    pub solid_server: String,
    /// DNS server, once there is a zone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dns_server: Option<String>,
    /// View; absent on a server without views.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub view: Option<String>,
    /// Zone, once there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub zone: Option<String>,
    /// What would come of it.
    pub outcome: OutcomeName,
    /// Reason that its Ready condition would show.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The same in a sentence.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub message: String,
    /// The calls, in their order. What is held or suspended would not be carried out.
    pub changes: Vec<Change>,
}

/// One call that would write.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Change {
    /// What is done to the row.
    pub operation: Operation,
    /// Zone of the row.
    pub zone: String,
    /// Owner name of the row.
    pub fqdn: String,
    /// Type of the row.
    #[serde(rename = "type")]
    pub record_type: String,
    /// The row as it is; absent for an add.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub before: Option<RowState>,
    /// The row as it would be; absent for a delete.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after: Option<RowState>,
    /// What happens to the ownership mark; absent when it stays as it is, or goes with the row.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mark: Option<Mark>,
    /// Class parameters that are set, without those of the mark.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub set_class_parameters: BTreeMap<String, String>,
    /// Class parameters that are taken off, without those of the mark.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub delete_class_parameters: Vec<String>,
}

/// What is done to a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Operation {
    /// It is added.
    Add,
    /// It is changed in place.
    Edit,
    /// It is deleted.
    Delete,
}

/// What happens to an ownership mark.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Mark {
    /// It is set, or becomes another one.
    Set,
    /// It is taken off.
    Remove,
}

/// A row.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RowState {
    /// Time to live, in seconds.
    pub ttl: u32,
    /// Value in presentation format.
    pub value: String,
}

/// A manifest that the API server would not take.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Invalid {
    /// DnsRecord or SolidServer.
    pub kind: String,
    /// Namespace; absent for a SolidServer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
    /// Name.
    pub name: String,
    /// File and document that it is written in.
    pub source: String,
    /// Why.
    pub violations: Vec<Violation>,
}

/// One reason for which the API server would not take an object.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Violation {
    /// The field; empty for the object as a whole.
    pub field: String,
    /// What is wrong with it.
    pub message: String,
}

/// RRsets of one zone that would lose their last row.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Deletions {
    /// The SolidServer.
    pub solid_server: String,
    /// DNS server.
    pub dns_server: String,
    /// View; absent on a server without views.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub view: Option<String>,
    /// Zone.
    pub zone: String,
    /// The RRsets, as name and type.
    pub rrsets: Vec<String>,
    /// How many the guard's window counts already; known only with a cluster.
    pub counted: usize,
    /// How many the guard lets through within the window.
    pub allowed: usize,
    /// The window.
    pub window: String,
    /// Whether all of them would be held.
    pub held: bool,
}

/// What could not be looked at.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Failure {
    /// The SolidServer.
    pub solid_server: String,
    /// Zone; absent when it is the appliance as a whole.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub zone: Option<String>,
    /// DNS server; absent when it is the appliance as a whole.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dns_server: Option<String>,
    /// View.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub view: Option<String>,
    /// Reason that conditions would show.
    pub reason: String,
    /// The same in a sentence.
    pub message: String,
}

impl Document {
    /// Puts the plan together.
    pub(super) fn new(preview: &Preview, gathered: &Gathered) -> Self {
        let (invalid, reads) = (gathered.invalid.len(), preview.reads);
        let mut summary = Summary { invalid, reads, ..Summary::default() };
        for record in &preview.records {
            summary.count(record.outcome);
            let written = record.changes.iter().filter(|_| record.outcome.writes());
            written.for_each(|(_, change)| summary.calls.count(change));
        }
        let differing = preview.records.iter().filter(|record| record.outcome != Outcome::Unchanged);
        Self {
            version: VERSION,
            summary,
            appliances: preview.appliances.iter().map(Appliance::of).collect(),
            records: differing.map(|record| Record::of(record, gathered)).collect(),
            invalid: gathered.invalid.iter().map(Invalid::of).collect(),
            deletions: preview.deletions.iter().map(Deletions::of).collect(),
            failures: preview.failures.iter().map(Failure::of).collect(),
            notes: gathered.notes.clone(),
        }
    }
}

impl Summary {
    /// Counts one DnsRecord.
    pub(super) fn count(&mut self, outcome: Outcome) {
        *self.records.entry(outcome.into()).or_default() += 1;
    }

    /// How many have an outcome.
    pub(super) fn of(&self, outcome: OutcomeName) -> usize {
        self.records.get(&outcome).copied().unwrap_or_default()
    }

    /// Whether anything is not as the manifests say.
    pub(super) fn differs(&self) -> bool {
        self.invalid > 0 || self.records.keys().any(|outcome| *outcome != OutcomeName::Unchanged)
    }
}

impl CallCounts {
    fn count(&mut self, change: &plan::Change) {
        match change {
            plan::Change::Add(_) => self.add += 1,
            plan::Change::Edit { .. } => self.edit += 1,
            plan::Change::Delete { .. } => self.delete += 1,
        }
    }
}

impl From<Outcome> for OutcomeName {
    fn from(outcome: Outcome) -> Self {
        match outcome {
            Outcome::Unchanged => Self::Unchanged,
            Outcome::Create => Self::Create,
            Outcome::Update => Self::Update,
            Outcome::Adopt => Self::Adopt,
            Outcome::TakeOver => Self::TakeOver,
            Outcome::Repair => Self::Repair,
            Outcome::Delete => Self::Delete,
            Outcome::Retain => Self::Retain,
            Outcome::Drifted => Self::Drifted,
            Outcome::Held => Self::Held,
            Outcome::Suspended => Self::Suspended,
            Outcome::Waits => Self::Waits,
            Outcome::Refused => Self::Refused,
            Outcome::Unknown => Self::Unknown,
        }
    }
}

impl OutcomeName {
    /// The outcome in words, as in "2 to create".
    pub(super) const fn words(self) -> &'static str {
        match self {
            Self::Create => "to create",
            Self::Update => "to update",
            Self::Adopt => "to adopt",
            Self::TakeOver => "to take over",
            Self::Repair => "to repair",
            Self::Delete => "to delete",
            Self::Retain => "to let go",
            Self::Drifted => "drifted",
            Self::Held => "held by the deletion guard",
            Self::Suspended => "suspended",
            Self::Waits => "waiting",
            Self::Refused => "refused",
            Self::Unknown => "unknown",
            Self::Unchanged => "unchanged",
        }
    }
}

fn view(place: &Place) -> Option<String> {
    place.view.as_deref().map(str::to_owned)
}

impl Appliance {
    fn of(surveyed: &crate::controller::preview::Surveyed) -> Self {
        let (endpoint, version) = (surveyed.endpoint.clone(), surveyed.version.clone());
        Self { solid_server: surveyed.solid_server.to_string(), endpoint, version }
    }
}

impl Record {
    fn of(record: &Foreseen, gathered: &Gathered) -> Self {
        let place = record.place.as_ref();
        Self {
            namespace: record.object.namespace.to_string(),
            name: record.object.name.to_string(),
            source: gathered.sources.get(&record.object).map(ToString::to_string),
            fqdn: record.rrset.as_ref().map(|rrset| rrset.name.to_string()),
            record_type: record.rrset.as_ref().map(|rrset| rrset.record_type.to_string()),
            solid_server: record.solid_server.to_string(),
            dns_server: place.map(|place| place.server.to_string()),
            view: place.and_then(view),
            zone: place.map(|place| place.zone.to_string()),
            outcome: record.outcome.into(),
            reason: record.reason.map(|reason| reason.as_str().to_owned()),
            message: record.message.clone(),
            changes: record.changes.iter().map(|(place, change)| Change::of(place, change)).collect(),
        }
    }
}

impl Change {
    fn of(place: &Place, change: &plan::Change) -> Self {
        let (name, record_type) = match change {
            plan::Change::Add(row) => (&row.name, row.data.record_type().as_str()),
            plan::Change::Edit { row, .. } | plan::Change::Delete { row } => {
                (&row.name, row.row_type.as_str())
            }
        };
        let is_mark = |key: &str| MARK_PARAMETERS.contains(&key);
        let without_mark = |parameters: &BTreeMap<String, String>| {
            let others = parameters.iter().filter(|(key, _)| !is_mark(key));
            others.map(|(key, value)| (key.clone(), value.clone())).collect()
        };
        let mut document = Self {
            operation: Operation::Add,
            zone: place.zone.to_string(),
            fqdn: name.to_string(),
            record_type: record_type.to_owned(),
            before: None,
            after: None,
            mark: None,
            set_class_parameters: BTreeMap::new(),
            delete_class_parameters: Vec::new(),
        };
        match change {
            plan::Change::Add(row) => {
                document.after = Some(RowState { ttl: row.ttl, value: row.data.to_string() });
                document.mark = row.parameters.keys().any(|key| is_mark(key)).then_some(Mark::Set);
                document.set_class_parameters = without_mark(&row.parameters);
            }
            plan::Change::Edit { row, edit } => {
                document.operation = Operation::Edit;
                document.before = Some(RowState { ttl: row.ttl, value: row.display_value() });
                document.after = Some(RowState { ttl: edit.ttl, value: edit.data.to_string() });
                document.mark = if edit.set_parameters.keys().any(|key| is_mark(key)) {
                    Some(Mark::Set)
                } else {
                    edit.delete_parameters.iter().any(|key| is_mark(key)).then_some(Mark::Remove)
                };
                document.set_class_parameters = without_mark(&edit.set_parameters);
                let others = edit.delete_parameters.iter().filter(|key| !is_mark(key));
                document.delete_class_parameters = others.cloned().collect();
            }
            plan::Change::Delete { row } => {
                document.operation = Operation::Delete;
                document.before = Some(RowState { ttl: row.ttl, value: row.display_value() });
            }
        }
        document
    }
}

impl Invalid {
    fn of(invalid: &super::objects::Invalid) -> Self {
        let violations = invalid.violations.iter();
        Self {
            kind: invalid.kind.to_owned(),
            namespace: invalid.namespace.clone(),
            name: invalid.name.clone(),
            source: invalid.source.to_string(),
            violations: violations
                .map(|violation| Violation {
                    field: violation.field.clone(),
                    message: violation.message.clone(),
                })
                .collect(),
        }
    }
}

impl Deletions {
    fn of(deletions: &crate::controller::preview::Deletions) -> Self {
        let place = &deletions.place;
        Self {
            solid_server: deletions.solid_server.to_string(),
            dns_server: place.server.to_string(),
            view: view(place),
            zone: place.zone.to_string(),
            rrsets: deletions.rrsets.iter().map(ToString::to_string).collect(),
            counted: deletions.counted,
            allowed: deletions.allowed,
            window: humantime::format_duration(deletions.window).to_string(),
            held: deletions.held,
        }
    }
}

impl Failure {
    fn of(failure: &crate::controller::preview::Failure) -> Self {
        let place = failure.place.as_ref();
        Self {
            solid_server: failure.solid_server.to_string(),
            zone: place.map(|place| place.zone.to_string()),
            dns_server: place.map(|place| place.server.to_string()),
            view: place.and_then(view),
            reason: failure.reason.as_str().to_owned(),
            message: failure.message.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    /// Set to write the schema of the page instead of comparing it.
    const WRITE: &str = "WRITE_PLAN_PAGE";
    const BEGIN: &str = "<!-- schema begin: generated from src/cli/plan/document.rs -->\n";
    const END: &str = "<!-- schema end -->";

    #[test]
    fn the_page_shows_the_schema_of_the_document() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/reference/plan.md");
        let page = std::fs::read_to_string(&path).unwrap();
        let (head, rest) = page.split_once(BEGIN).unwrap();
        let (committed, tail) = rest.split_once(END).unwrap();
        let schema = serde_json::to_string_pretty(&schemars::schema_for!(Document)).unwrap();
        let generated = format!("\n```json\n{schema}\n```\n\n");
        if std::env::var_os(WRITE).is_some() {
            std::fs::write(&path, format!("{head}{BEGIN}{generated}{END}{tail}")).unwrap();
            return;
        }
        assert!(
            committed == generated,
            "docs/reference/plan.md is not what the types say; run: {WRITE}=1 cargo test --lib cli::plan"
        );
    }
}
