//! Tests of the plan: claims and rows in, decisions out, all in memory.

mod adoption;
mod brake;
mod conflict;
mod delegation;
mod drift;
mod giving_up;
mod guard;
mod moving;
mod ownership;
mod properties;
mod recognition;
mod sharing;
mod turns;
mod unmarked;

use std::collections::{BTreeMap, BTreeSet};

use super::*;
use crate::record::{
    Name, NewRow, Place, RecordData, RecordType, Row, RowEdit, RowId, RowType, Rrset, RrsetKey,
};

const UID: &str = "0b6ad5f4";

fn place() -> Place {
    Place { server: "ns.example.com".into(), view: None, zone: name("example.com") }
}

fn identity() -> Identity {
    Identity { cluster: "test".into(), cluster_uid: UID.into() }
}

fn name(text: &str) -> Name {
    Name::parse(text).unwrap()
}

fn object(text: &str) -> ObjectName {
    let (namespace, name) = text.split_once('/').unwrap();
    ObjectName::new(namespace, name)
}

fn data(record_type: RecordType, text: &str) -> RecordData {
    RecordData::parse(record_type, text).unwrap()
}

/// `a.example.com 600 A`, as in a zone file.
fn head(text: &str) -> (RrsetKey, u32, &str) {
    let mut parts = text.splitn(4, ' ');
    let owner_name = name(parts.next().unwrap());
    let ttl = parts.next().unwrap().parse().unwrap();
    let record_type = parts.next().unwrap().parse().unwrap();
    (RrsetKey { name: owner_name, record_type }, ttl, parts.next().unwrap_or_default())
}

/// A DnsRecord that wants `a.example.com 600 A 192.0.2.1, 192.0.2.2`; all other settings are the defaults.
fn claim(owner: &str, text: &str) -> Claim {
    let (key, ttl, values) = head(text);
    let values = values.split(", ").map(|value| data(key.record_type, value)).collect();
    Claim {
        object: object(owner),
        created: 1_000,
        stage: Stage::Wanted,
        rrset: Rrset { key, ttl, values },
        class_name: None,
        class_parameters: BTreeMap::new(),
        dropped_parameters: BTreeSet::new(),
        adoption: Adoption::IfIdentical,
        sharing: Sharing::Exclusive,
        on_drift: OnDrift::Repair,
        applied: None,
        written: BTreeSet::new(),
        begun: false,
        other_names: BTreeSet::new(),
        decide: true,
        left_over: false,
        writable: true,
    }
}

impl Claim {
    fn created(mut self, created: i64) -> Self {
        self.created = created;
        self
    }

    fn stage(mut self, stage: Stage) -> Self {
        self.stage = stage;
        self
    }

    fn adopting(mut self, adoption: Adoption) -> Self {
        self.adoption = adoption;
        self
    }

    fn shared(mut self) -> Self {
        self.sharing = Sharing::Shared;
        self
    }

    fn reporting(mut self) -> Self {
        self.on_drift = OnDrift::Report;
        self
    }

    fn parameter(mut self, key: &str, value: &str) -> Self {
        self.class_parameters.insert(key.to_owned(), value.to_owned());
        self
    }

    /// Its status says that this was applied.
    fn was(mut self, text: &str) -> Self {
        let (key, ttl, values) = head(text);
        let values = values.split(", ").map(|value| data(key.record_type, value)).collect();
        let class_parameters = self.class_parameters.clone();
        let rrset = Some(Rrset { key: key.clone(), ttl, values });
        self.applied = Some(Applied { key, rrset, class_parameters });
        self
    }

    /// This row was sent for it, and no status tells of that yet.
    fn sent(mut self, text: &str) -> Self {
        let (key, ttl, value) = head(text);
        let data = data(key.record_type, value);
        self.written.insert(WrittenRow { key, ttl, data });
        self
    }

    /// Its finalizer is on, and its status says nothing yet.
    fn begun(mut self) -> Self {
        self.begun = true;
        self
    }

    /// Its status says that what it wants was applied.
    fn settled(mut self) -> Self {
        self.applied = Some(Applied {
            key: self.rrset.key.clone(),
            rrset: Some(self.rrset.clone()),
            class_parameters: self.class_parameters.clone(),
        });
        self
    }
}

/// An unmarked row: `1 a.example.com 600 A 192.0.2.1`, the id first.
fn row(text: &str) -> Row {
    let (id, text) = text.split_once(' ').unwrap();
    let (key, ttl, value) = head(text);
    Row {
        id: RowId(id.into()),
        name: key.name,
        row_type: RowType::Managed(key.record_type),
        ttl,
        values: vec![value.to_owned()],
        data: Some(data(key.record_type, value)),
        parameters: BTreeMap::new(),
        inherited: BTreeSet::new(),
        class_name: String::new(),
        pending_create: false,
        pending_delete: false,
    }
}

impl Row {
    fn digest(&self) -> String {
        rrset_digest(&place(), self.row_type.as_str(), self.name.as_str())
    }

    fn with(mut self, key: &str, value: &str) -> Self {
        self.parameters.insert(key.to_owned(), value.to_owned());
        self
    }

    fn marked(self, owner: &str) -> Self {
        let (digest, uid) = (self.digest(), UID);
        self.mark("test", owner, &digest, uid)
    }

    fn mark(self, cluster: &str, owner: &str, digest: &str, uid: &str) -> Self {
        self.with(OWNER_PARAMETER, &format!("{cluster}/{owner}"))
            .with(RRSET_PARAMETER, digest)
            .with(CLUSTER_UID_PARAMETER, uid)
    }

    fn twin(self, owner: &str) -> Self {
        let digest = self.digest();
        self.mark("test", owner, &digest, "another")
    }

    fn foreign(self) -> Self {
        let digest = self.digest();
        self.mark("other", "shop/web", &digest, UID)
    }

    fn copied(self, owner: &str) -> Self {
        self.mark("test", owner, "0123456789abcdef", UID)
    }

    fn inheriting(mut self, owner: &str) -> Self {
        self = self.marked(owner);
        self.inherited = MARK_PARAMETERS.iter().map(|key| (*key).to_owned()).collect();
        self
    }
}

/// What a plan is made from.
#[derive(Clone, Debug, Default)]
struct Scene {
    claims: Vec<Claim>,
    rows: Vec<Row>,
    /// DnsRecords that marks name and that do not exist.
    absent: BTreeSet<ObjectName>,
    /// Clusters of our name whose rows are taken over.
    taken_over: BTreeSet<String>,
    /// Whether rows can carry marks.
    marks: Marks,
    /// Rows added so far: no id is given twice.
    added: u32,
}

impl Scene {
    fn new(claims: impl IntoIterator<Item = Claim>, rows: impl IntoIterator<Item = Row>) -> Self {
        Self { claims: claims.into_iter().collect(), rows: rows.into_iter().collect(), ..Self::default() }
    }

    /// On an appliance that keeps no class parameters on records.
    fn unmarked(mut self) -> Self {
        self.marks = Marks::NotKept;
        self
    }

    fn without(mut self, owner: &str) -> Self {
        self.absent.insert(object(owner));
        self
    }

    fn plan(&self) -> Vec<Decision> {
        let rows: Vec<&Row> = self.rows.iter().collect();
        plan(&ZoneView {
            place: &place(),
            identity: &identity(),
            marks: self.marks,
            claims: &self.claims,
            rows: &rows,
            exists: &|object| !self.absent.contains(object),
            taken_over: &self.taken_over,
        })
    }

    fn decision(&self, owner: &str) -> Decision {
        let mut decisions = self.plan();
        decisions.retain(|decision| decision.object == object(owner));
        assert_eq!(decisions.len(), 1, "exactly one decision for {owner}");
        decisions.remove(0)
    }

    /// Verdict and steps of one DnsRecord as text.
    fn outcome(&self, owner: &str) -> (String, Vec<Vec<String>>) {
        let decision = self.decision(owner);
        (verdict(&decision.verdict), steps(&decision))
    }

    /// The model of an appliance: makes all changes of these decisions.
    fn apply(&mut self, decisions: &[Decision]) {
        for decision in decisions {
            for change in decision.steps.changes() {
                self.make(change);
            }
        }
    }

    fn make(&mut self, change: &Change) {
        match change {
            Change::Add(new) => {
                self.added += 1;
                self.rows.push(added(&(100 + self.added).to_string(), new));
            }
            Change::Edit { row, edit } => {
                let row = self
                    .rows
                    .iter_mut()
                    .find(|known| known.id == row.id)
                    .expect("it edits a row that is there");
                edited(row, edit);
            }
            Change::Delete { row } => {
                let before = self.rows.len();
                self.rows.retain(|known| known.id != row.id);
                assert_eq!(self.rows.len(), before - 1, "it deletes a row that is there");
            }
        }
    }
}

fn added(id: &str, new: &NewRow) -> Row {
    Row {
        id: RowId(id.into()),
        name: new.name.clone(),
        row_type: RowType::Managed(new.data.record_type()),
        ttl: new.ttl,
        values: vec![new.data.to_string()],
        data: Some(new.data.clone()),
        parameters: new.parameters.clone(),
        inherited: BTreeSet::new(),
        class_name: new.class_name.clone().unwrap_or_default(),
        pending_create: false,
        pending_delete: false,
    }
}

fn edited(row: &mut Row, edit: &RowEdit) {
    row.values = vec![edit.data.to_string()];
    row.data = Some(edit.data.clone());
    row.ttl = edit.ttl;
    if let Some(class_name) = &edit.class_name {
        row.class_name.clone_from(class_name);
    }
    for (key, value) in &edit.set_parameters {
        row.inherited.remove(key);
        row.parameters.insert(key.clone(), value.clone());
    }
    for key in &edit.delete_parameters {
        row.parameters.remove(key);
    }
}

fn verdict(verdict: &Verdict) -> String {
    match verdict {
        Verdict::InSync { ttl } => format!("in sync {ttl}"),
        Verdict::Gone => "gone".to_owned(),
        Verdict::ForeignValues { values, .. } => format!("foreign values: {}", values.join(", ")),
        Verdict::Drifted { changes } => format!("drifted: {}", changes.join("; ")),
        Verdict::Conflict { with } => format!("conflict: {with}"),
        Verdict::Twin { cluster_uid } => format!("twin {cluster_uid}"),
        Verdict::Waiting { for_what } => format!("waiting: {for_what}"),
        Verdict::Unsupported => "unsupported".to_owned(),
    }
}

/// The steps as text, with what an edit does to class parameters behind it.
fn steps(decision: &Decision) -> Vec<Vec<String>> {
    let change = |change: &Change| match change {
        Change::Edit { edit, .. } => {
            let mut text = change.to_string();
            for (key, value) in &edit.set_parameters {
                text += &format!(" +{key}={}", value.trim_start_matches("test/"));
            }
            for key in &edit.delete_parameters {
                text += &format!(" -{key}");
            }
            text
        }
        _ => change.to_string(),
    };
    let steps = decision.steps.clone().into_steps();
    steps.iter().map(|step| step.iter().map(change).collect()).collect()
}

/// Only the mark's owner matters in most tests.
fn owners(step: &[String]) -> Vec<&str> {
    step.iter()
        .filter_map(|text| text.split(" +k8s_owner=").nth(1))
        .map(|text| text.split(' ').next().unwrap_or_default())
        .collect()
}
