//! Which zone is a DnsRecord's business? (pure)

use crate::api::desired::{self, applied, applied_place, rrset, rrset_key, whereabouts};
use crate::api::{DnsRecord, Reason, SolidServerSpec};
use crate::record::{Name, Place, Rrset};

use super::catalogue::{Catalogue, Refusal};

/// Where a DnsRecord wants to be and where it still has rows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Binding {
    /// The zone for its RRset.
    pub(super) home: Place,
    /// The zone that its status speaks of, when that is another one.
    pub(super) leaves: Option<Place>,
    /// The RRset it describes.
    pub(super) rrset: Rrset,
    /// The name that its status speaks of.
    pub(super) applied_name: Option<Name>,
    /// The SolidServer's defaults name another place by now.
    pub(super) defaults_changed: bool,
}

/// Binds a DnsRecord to its zone.
///
/// # Errors
/// [`Refusal`] when its spec makes no sense or has no place on the appliance. A record that is being deleted needs neither: where
/// its status says that rows are, they are removed.
pub(super) fn bind(
    record: &DnsRecord,
    solid_server: &SolidServerSpec,
    catalogue: &Catalogue,
) -> Result<Binding, Refusal> {
    let status = record.status.as_ref();
    let lives = status.and_then(applied_place);
    let was = status.and_then(applied);
    let applied_name = was.as_ref().map(|was| was.key.name.clone());
    let wanted = wanted_place(record, solid_server, catalogue);
    if record.metadata.deletion_timestamp.is_none() {
        let (rrset, home, defaults_changed) = wanted?;
        // In a zone that is gone nothing is left to remove. A record that is being deleted does not rely on that: an account that
        // may not see the zone any more looks the same, and would leave its rows behind.
        let leaves = lives.filter(|place| *place != home && !catalogue.lacks(place));
        return Ok(Binding { home, leaves, rrset, applied_name, defaults_changed });
    }
    match (wanted, lives, was) {
        (Ok((rrset, home, _)), lives, _) => {
            let leaves = lives.filter(|place| *place != home);
            Ok(Binding { home, leaves, rrset, applied_name, defaults_changed: false })
        }
        (Err(_), Some(home), Some(was)) => {
            let rrset = was.rrset.unwrap_or(Rrset { key: was.key, ttl: 0, values: [].into() });
            Ok(Binding { home, leaves: None, rrset, applied_name, defaults_changed: false })
        }
        (Err(refusal), ..) => Err(refusal),
    }
}

fn wanted_place(
    record: &DnsRecord,
    solid_server: &SolidServerSpec,
    catalogue: &Catalogue,
) -> Result<(Rrset, Place, bool), Refusal> {
    let invalid = |error: desired::InvalidSpec| Refusal::new(Reason::InvalidValue, error.to_string());
    let key = rrset_key(record).map_err(invalid)?;
    let rrset = rrset(record, solid_server).map_err(invalid)?;
    let wish = whereabouts(record, solid_server).map_err(invalid)?;
    let place = catalogue.locate(&key, &wish)?;
    Ok((rrset, place, wish.defaults_changed))
}
