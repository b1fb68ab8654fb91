//! A zone as the operator meets it: claims of DnsRecords, and the rows that stand for them.

use std::collections::{BTreeMap, BTreeSet};

use solidserver_operator::plan::{
    Adoption, Applied, Claim, Decision, Identity, Marks, ObjectName, OnDrift, Sharing, Stage, ZoneView, plan,
    rrset_digest,
};
use solidserver_operator::record::{
    Name, Place, RecordData, RecordType, Row, RowId, RowType, Rrset, RrsetKey, example,
};

/// One row in so many has another TTL than it should: 1 %.
const DRIFTED: usize = 100;

/// The zone that all names are in.
pub(crate) fn place() -> Place {
    Place { server: "ns.example.com".into(), view: Some("internal".into()), zone: name("bench.example.com") }
}

pub(crate) fn name(text: &str) -> Name {
    Name::parse(text).expect("a name")
}

/// The owner name of the RRset with this number.
pub(crate) fn owner_name(index: usize) -> Name {
    name(&format!("host-{index}.bench.example.com"))
}

fn identity() -> Identity {
    Identity { cluster: "bench".into(), cluster_uid: "3b1c1a52-6d1e-4c67-9f3e-2f6c2a0d6d7e".into() }
}

/// Mostly addresses, as zones are: seven of ten RRsets are A with one to three values.
pub(crate) fn values(index: usize) -> (RecordType, Vec<String>) {
    let record_type = match index % 10 {
        0 => RecordType::Aaaa,
        1 => RecordType::Cname,
        2 => RecordType::Txt,
        _ => RecordType::A,
    };
    let values = match record_type {
        RecordType::A => {
            let [_, b, c, d] = u32::try_from(index).unwrap_or_default().to_be_bytes();
            (0..=index % 3).map(|value| format!("{}.{b}.{c}.{d}", 10 + value)).collect()
        }
        other => vec![example(other).to_owned()],
    };
    (record_type, values)
}

/// What a plan is made from.
pub(crate) struct Zone {
    place: Place,
    identity: Identity,
    claims: Vec<Claim>,
    rows: Vec<Row>,
}

impl Zone {
    /// An empty zone, and DnsRecords for it: a burst.
    pub(crate) fn burst(rrsets: usize) -> Self {
        let claims = (0..rrsets).map(claim).collect();
        Self { place: place(), identity: identity(), claims, rows: Vec::new() }
    }

    /// The same when all was applied before and has drifted a little: a steady round.
    pub(crate) fn settled(rrsets: usize) -> Self {
        let mut zone = Self::burst(rrsets);
        for claim in &mut zone.claims {
            let rrset = claim.rrset.clone();
            let key = &rrset.key;
            let digest = rrset_digest(&zone.place, key.record_type.as_str(), key.name.as_str());
            for data in &rrset.values {
                let number = zone.rows.len();
                zone.rows.push(Row {
                    id: RowId((1000 + number).to_string().into()),
                    name: key.name.clone(),
                    row_type: RowType::Managed(key.record_type),
                    ttl: if number.is_multiple_of(DRIFTED) { 60 } else { rrset.ttl },
                    values: vec![data.to_string()],
                    data: Some(data.clone()),
                    parameters: zone.identity.mark(&claim.object, &digest),
                    inherited: BTreeSet::new(),
                    class_name: String::new(),
                    pending_create: false,
                    pending_delete: false,
                });
            }
            let class_parameters = claim.class_parameters.clone();
            claim.applied = Some(Applied { key: key.clone(), rrset: Some(rrset), class_parameters });
        }
        zone
    }

    /// The plan.
    pub(crate) fn plan(&self) -> Vec<Decision> {
        let rows: Vec<&Row> = self.rows.iter().collect();
        plan(&ZoneView {
            place: &self.place,
            identity: &self.identity,
            marks: Marks::Kept,
            claims: &self.claims,
            rows: &rows,
            exists: &|_| true,
            taken_over: &BTreeSet::new(),
        })
    }

    /// Ends the program unless the plan is right, as far as its size tells: a bench of wrong work measures nothing.
    pub(crate) fn check(&self) {
        let decisions = self.plan();
        let writes: usize = decisions.iter().map(|decision| decision.steps.changes().count()).sum();
        let wanted: usize = self.claims.iter().map(|claim| claim.rrset.values.len()).sum();
        let expected = if self.rows.is_empty() { wanted } else { wanted.div_ceil(DRIFTED) };
        assert_eq!((decisions.len(), writes), (self.claims.len(), expected));
    }
}

fn claim(index: usize) -> Claim {
    let (record_type, values) = values(index);
    let values = values.iter().map(|value| RecordData::parse(record_type, value).expect("a value"));
    Claim {
        object: ObjectName::new(&format!("team-{}", index % 20), &format!("host-{index}")),
        created: 1_700_000_000,
        stage: Stage::Wanted,
        rrset: Rrset {
            key: RrsetKey { name: owner_name(index), record_type },
            ttl: 600,
            values: values.collect(),
        },
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
