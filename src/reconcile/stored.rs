//! A DnsRecord as it is kept while it waits for its turn.

use std::sync::Arc;

use lz4_flex::block::{
    DecompressError, compress_prepend_size_with_dict, decompress_size_prepended_with_dict,
};

use crate::api::DnsRecord;

/// What nearly every DnsRecord says, in the order in which it says it: what stands here takes next to no room in what is kept. It is
/// only ever in memory, so it may change with every version; what it does not foresee takes more room, and no more.
const TYPICAL: &[u8] = br#""False","type":"Published"}"reason":"Published","status":"view"dnsServer":"classParameters":{"AAAA","CNAME","TXT"},"lastChangeTime":"{"apiVersion":"solidserver.dev/v1alpha1","kind":"DnsRecord","metadata":{"annotations":{"kustomize.toolkit.fluxcd.io/reconcile"},"creationTimestamp":"2026-01-01T00:00:00Z","finalizers":["solidserver.dev/dns-record"],"generation":1,"name":"","namespace":"","resourceVersion":"1","uid":""},"spec":{"solidServerRef":{"name":"default"},"fqdn":".example.com","type":"A","values":["10.0.0.0"],"ttl":600},"status":{"observedGeneration":1,"conditions":[{"lastTransitionTime":"2026-01-01T00:00:00Z","message":"in the zone example.com of the DNS server ns.example.com","observedGeneration":1,"reason":"InSync","status":"True","type":"Ready"}],"fqdn":".example.com","type":"A","dnsServer":"ns.example.com","zone":"example.com","ttl":600,"values":["10.0.0.0"],"lastChangeTime":"2026-01-01T00:00:00Z"}}"#;

/// The state of a DnsRecord: the object itself, or what it is read from. An object in memory is several times its JSON, and of
/// the thousands that a pass is made of few are looked at at one time.
#[derive(Clone, Debug)]
pub enum StoredRecord {
    /// As the API server has just answered.
    Whole(Arc<DnsRecord>),
    /// As the watch keeps it: JSON, made small.
    Kept(Arc<[u8]>),
}

/// What is kept in memory makes no sense: a defect of ours.
#[derive(Debug, thiserror::Error)]
pub enum Unreadable {
    /// It is no DnsRecord.
    #[error("a DnsRecord cannot be read from memory: {0}")]
    Json(#[from] serde_json::Error),
    /// It was not made small by us.
    #[error("a DnsRecord cannot be read from memory: {0}")]
    Small(#[from] DecompressError),
}

impl StoredRecord {
    /// Puts an object into its small form.
    ///
    /// # Errors
    /// [`Unreadable`] when it has none, which no object of the API server brings about.
    pub fn keep(record: &DnsRecord) -> Result<Self, Unreadable> {
        let json = serde_json::to_vec(record)?;
        Ok(Self::Kept(compress_prepend_size_with_dict(&json, TYPICAL).into()))
    }

    /// The object.
    ///
    /// # Errors
    /// [`Unreadable`], which [`StoredRecord::keep`] rules out.
    pub fn read(&self) -> Result<Arc<DnsRecord>, Unreadable> {
        match self {
            Self::Whole(record) => Ok(Arc::clone(record)),
            Self::Kept(small) => {
                let json = decompress_size_prepended_with_dict(small, TYPICAL)?;
                Ok(Arc::new(serde_json::from_slice(&json)?))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn record(number: u32, text: &str) -> DnsRecord {
        let record = json!({
            "apiVersion": "solidserver.dev/v1alpha1",
            "kind": "DnsRecord",
            "metadata": {
                "name": format!("host-{number}"), "namespace": "team", "uid": "0b5c9f6e-4a3d-4a77-9b1e-6f2d8c7a5e41",
                "resourceVersion": "1234567", "generation": 3, "creationTimestamp": "2026-11-02T13:14:15Z",
                "finalizers": ["solidserver.dev/dns-record"],
            },
            "spec": {
                "fqdn": format!("host-{number}.prod.company.net"), "type": "A", "values": ["172.16.31.7"], "ttl": 300,
                "solidServerRef": {"name": "default"},
            },
            "status": {
                "observedGeneration": 3, "fqdn": format!("host-{number}.prod.company.net"), "type": "A", "ttl": 300,
                "dnsServer": "smart.company.net", "zone": "company.net", "values": ["172.16.31.7"],
                "lastChangeTime": "2026-11-02T13:14:17Z",
                "conditions": [{
                    "type": "Ready", "status": "True", "reason": "InSync",
                    "message": format!("in the zone company.net of the DNS server smart.company.net{text}"),
                    "observedGeneration": 3, "lastTransitionTime": "2026-11-02T13:14:17Z",
                }],
            },
        });
        serde_json::from_value(record).unwrap()
    }

    fn size(record: &DnsRecord) -> usize {
        let Ok(StoredRecord::Kept(small)) = StoredRecord::keep(record) else {
            panic!("it is not kept small")
        };
        small.len()
    }

    #[test]
    fn a_typical_record_takes_less_than_half_of_its_json() {
        let record = record(4711, "");
        let json = serde_json::to_vec(&record).unwrap();
        assert!(
            size(&record) * 2 < json.len(),
            "{} of {}: {}",
            size(&record),
            json.len(),
            String::from_utf8_lossy(&json)
        );
    }

    #[test]
    fn what_is_not_kept_by_us_is_an_error() {
        for bytes in [&[][..], &[255; 3], &[9, 0, 0, 0, 1, 2], &[0; 64]] {
            assert!(StoredRecord::Kept(bytes.into()).read().is_err(), "{bytes:?}");
        }
    }

    proptest! {
        #[test]
        fn what_is_kept_comes_back(number: u32, text in ".{0,2000}") {
            let record = record(number, &text);
            prop_assert_eq!(&*StoredRecord::keep(&record).unwrap().read().unwrap(), &record);
        }
    }
}
