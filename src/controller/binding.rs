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
/// A zone that its status speaks of and that is not listed any more is waited for; `gone` says that this was long enough.
///
/// # Errors
/// [`Refusal`] when its spec makes no sense or has no place on the appliance. A record that is being deleted needs neither: where
/// its status says that rows are, they are removed.
pub(super) fn bind(
    record: &DnsRecord,
    solid_server: &SolidServerSpec,
    catalogue: &Catalogue,
    gone: bool,
) -> Result<Binding, Refusal> {
    let status = record.status.as_ref();
    let deleting = record.metadata.deletion_timestamp.is_some();
    let mut lives = status.and_then(applied_place);
    if let Some(place) = lives.as_ref().filter(|place| !catalogue.has(place)) {
        if deleting || !gone {
            return Err(Refusal::new(
                Reason::NotVisible,
                format!(
                    "the {place}, which holds the record, is not among the zones that the appliance shows: it is gone, or the account has lost its rights; nothing is written or let go"
                ),
            ));
        }
        lives = None;
    }
    let was = status.and_then(applied);
    let applied_name = was.as_ref().map(|was| was.key.name.clone());
    let wanted = wanted_place(record, solid_server, catalogue);
    if !deleting {
        let (rrset, home, defaults_changed) = wanted?;
        let leaves = lives.filter(|place| *place != home);
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
