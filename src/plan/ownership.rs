//! Whose is a row? Decided from the mark that each row of ours carries in its class parameters.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use sha2::{Digest, Sha256};

use crate::record::{Place, Row};

/// Class parameter that names the owner: `<cluster>/<namespace>/<name>`.
pub const OWNER_PARAMETER: &str = "k8s_owner";
/// Class parameter that ties the mark to the row it was written for.
pub const RRSET_PARAMETER: &str = "k8s_rrset";
/// Class parameter with the UID of the kube-system namespace.
pub const CLUSTER_UID_PARAMETER: &str = "k8s_cluster_uid";
/// All class parameters of a mark.
pub const MARK_PARAMETERS: [&str; 3] = [OWNER_PARAMETER, RRSET_PARAMETER, CLUSTER_UID_PARAMETER];

/// Namespace and name of a DnsRecord.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ObjectName {
    /// The namespace.
    pub namespace: Arc<str>,
    /// The name within it.
    pub name: Arc<str>,
}

impl ObjectName {
    /// Puts namespace and name together.
    #[must_use]
    pub fn new(namespace: &str, name: &str) -> Self {
        Self { namespace: namespace.into(), name: name.into() }
    }
}

impl fmt::Display for ObjectName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}/{}", self.namespace, self.name)
    }
}

impl fmt::Debug for ObjectName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, formatter)
    }
}

/// Who we are, as marks say it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// The operator's `--cluster-name`: stable over a rebuild of the cluster.
    pub cluster: Arc<str>,
    /// The UID of the kube-system namespace: another one after a rebuild.
    pub cluster_uid: Arc<str>,
}

impl Identity {
    /// The class parameters that mark a row of `object` at this place.
    #[must_use]
    pub fn mark(&self, object: &ObjectName, rrset: &str) -> BTreeMap<String, String> {
        BTreeMap::from([
            (OWNER_PARAMETER.to_owned(), format!("{}/{object}", self.cluster)),
            (RRSET_PARAMETER.to_owned(), rrset.to_owned()),
            (CLUSTER_UID_PARAMETER.to_owned(), self.cluster_uid.to_string()),
        ])
    }
}

/// The value of `k8s_rrset` for a row: 16 hex digits of SHA-256 over server, view, zone, type and name, each ended by a
/// line feed, which none of them can contain.
#[must_use]
pub fn rrset_digest(place: &Place, record_type: &str, name: &str) -> String {
    use fmt::Write as _;
    let mut digest = Sha256::new();
    let view = place.view.as_deref().unwrap_or("");
    for part in [&*place.server, view, place.zone.as_str(), record_type, name] {
        digest.update(part.as_bytes());
        digest.update(b"\n");
    }
    let bytes = digest.finalize();
    let mut text = String::with_capacity(16);
    for byte in bytes.iter().take(8) {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
    }
    text
}

/// The first major version of SOLIDserver whose records have class parameters.
const FIRST_WITH_PARAMETERS: u32 = 8;

/// Whether rows on an appliance can carry marks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Marks {
    /// They can: a row without one is somebody else's, unless it is exactly what the status of one DnsRecord says was written.
    #[default]
    Kept,
    /// They cannot, since records have no class parameters there: only the status of DnsRecords says whose a row is.
    NotKept,
}

impl Marks {
    /// What an appliance of this version can do. Records have class parameters from SOLIDserver 8.0 on (EfficientIP's Terraform
    /// provider leaves them out before). A version that is not known, or makes no sense, counts as a newer one: marks that are
    /// not kept show themselves, marks that are not sent do not.
    #[must_use]
    pub fn of_version(version: Option<&str>) -> Self {
        let major = version.and_then(|text| {
            let text = text.trim().trim_start_matches(['v', 'V']);
            let end = text.find(|character: char| !character.is_ascii_digit()).unwrap_or(text.len());
            text.get(..end)?.parse::<u32>().ok()
        });
        match major {
            Some(major) if major > 0 && major < FIRST_WITH_PARAMETERS => Self::NotKept,
            _ => Self::Kept,
        }
    }
}

/// Whose a row is.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Owner {
    /// No mark of its own (an inherited one is none).
    Nobody,
    /// A DnsRecord of this cluster; whether that still exists is another question.
    Object(ObjectName),
    /// A row written by a cluster of the same name but another UID: rebuilt, restored, or a second one.
    Twin {
        /// The DnsRecord that it was written for.
        object: ObjectName,
        /// The UID of the cluster that wrote it.
        cluster_uid: String,
    },
    /// Another cluster, or another tool that marks as we do; the text of its mark.
    Foreign(String),
    /// Our mark, but made for another row: copied by hand, or along with its zone or view.
    Copied(String),
}

impl Owner {
    /// Whose `row` is.
    ///
    /// A mark counts only when it is set on the row itself and was made for this very row.
    #[must_use]
    pub fn of(row: &Row, place: &Place, identity: &Identity) -> Self {
        let own = |key: &str| row.parameters.get(key).filter(|_| !row.inherited.contains(key));
        let Some(owner) = own(OWNER_PARAMETER) else {
            return Self::Nobody;
        };
        let mut parts = owner.splitn(3, '/');
        let (cluster, object) = match (parts.next(), parts.next(), parts.next()) {
            (Some(cluster), Some(namespace), Some(name)) => (cluster, ObjectName::new(namespace, name)),
            _ => return Self::Foreign(owner.clone()),
        };
        let digest = rrset_digest(place, row.row_type.as_str(), row.name.as_str());
        if own(RRSET_PARAMETER) != Some(&digest) {
            return Self::Copied(owner.clone());
        }
        if cluster != &*identity.cluster {
            return Self::Foreign(owner.clone());
        }
        match own(CLUSTER_UID_PARAMETER) {
            Some(uid) if **uid == *identity.cluster_uid => Self::Object(object),
            uid => Self::Twin { object, cluster_uid: uid.cloned().unwrap_or_default() },
        }
    }
}

impl fmt::Display for Owner {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Nobody => write!(formatter, "nobody's mark"),
            Self::Object(object) => write!(formatter, "DnsRecord {object}"),
            Self::Twin { object, cluster_uid } => {
                write!(formatter, "DnsRecord {object} of the cluster with UID {cluster_uid}")
            }
            Self::Foreign(text) => write!(formatter, "another owner's mark {text:?}"),
            Self::Copied(text) => write!(formatter, "a copied mark {text:?}"),
        }
    }
}
