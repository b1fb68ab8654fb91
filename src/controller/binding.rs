//! Which zone is a DnsRecord's business? (pure)

use crate::api::desired::{
    self, ViewWish, Whereabouts, applied, applied_place, rrset, rrset_key, whereabouts,
};
use crate::api::{DnsRecord, Reason, SolidServerSpec};
use crate::plan::{Asked, Grant, Labels, delegated};
use crate::record::{Name, Place, Rrset, RrsetKey};

use super::catalogue::{Catalogue, Refusal};

/// Where a DnsRecord wants to be and where it still has rows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Binding {
    /// The zone for its RRset.
    pub(super) home: Place,
    /// The zone that its status speaks of, when that is another one.
    pub(super) leaves: Option<Box<Place>>,
    /// The RRset it describes.
    pub(super) rrset: Rrset,
    /// The name that its status speaks of.
    pub(super) applied_name: Option<Name>,
    /// The SolidServer's defaults name another place by now.
    pub(super) defaults_changed: bool,
    /// The entry of `spec.zones` by whose word it may be written; `None` while it is being deleted, which needs none.
    pub(super) entry: Option<usize>,
}

impl Binding {
    /// That of a record which only has something left at a name.
    pub(super) fn of_leftovers(home: Place, key: RrsetKey) -> Self {
        let applied_name = Some(key.name.clone());
        let rrset = Rrset { key, ttl: 0, values: [].into() };
        Self { home, leaves: None, rrset, applied_name, defaults_changed: false, entry: None }
    }
}

/// What is granted, and what of a record's namespace it is judged by.
#[derive(Clone, Copy)]
pub(super) struct Delegation<'a> {
    /// The entries of `spec.zones`.
    pub(super) grants: &'a [Grant],
    /// The labels of the record's namespace; `None` when it is not known.
    pub(super) labels: Option<&'a Labels>,
}

/// Binds a DnsRecord to its zone.
///
/// A zone that its status speaks of and that is not listed any more is waited for; `gone` says that this was long enough.
///
/// # Errors
/// [`Refusal`] when its spec makes no sense, is not granted, or has no place on the appliance. A record that is being deleted needs
/// none of these: where its status says that rows are, they are removed.
pub(super) fn bind(
    record: &DnsRecord,
    solid_server: &SolidServerSpec,
    catalogue: &Catalogue,
    delegation: Delegation<'_>,
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
    if !deleting {
        // Judged before anything is asked of the appliance: what is not granted is not even looked up there.
        let (rrset, wish) = wish(record, solid_server)?;
        let entry = entry(&rrset, &wish, delegation, lives.is_some())?;
        let home = catalogue.locate(&rrset.key, &wish)?;
        let leaves = lives.filter(|place| *place != home).map(Box::new);
        let defaults_changed = wish.defaults_changed;
        // Nearly always the same name, which then is kept once.
        let applied_name = applied_name
            .map(|applied| if applied == rrset.key.name { rrset.key.name.clone() } else { applied });
        return Ok(Binding { home, leaves, rrset, applied_name, defaults_changed, entry });
    }
    // Its own rows go whatever it is granted; a name that it is not granted is not asked for all the same.
    let wanted = wish(record, solid_server).and_then(|(rrset, wish)| {
        entry(&rrset, &wish, delegation, lives.is_some())?;
        catalogue.locate(&rrset.key, &wish).map(|place| (rrset, place))
    });
    match (wanted, lives, was) {
        (Ok((rrset, home)), lives, _) => {
            let leaves = lives.filter(|place| *place != home).map(Box::new);
            Ok(Binding { home, leaves, rrset, applied_name, defaults_changed: false, entry: None })
        }
        (Err(_), Some(home), Some(was)) => {
            let rrset = was.rrset.unwrap_or(Rrset { key: was.key, ttl: 0, values: [].into() });
            Ok(Binding { home, leaves: None, rrset, applied_name, defaults_changed: false, entry: None })
        }
        (Err(refusal), ..) => Err(refusal),
    }
}

/// What the record asks for, before the appliance is asked.
fn wish(record: &DnsRecord, solid_server: &SolidServerSpec) -> Result<(Rrset, Whereabouts), Refusal> {
    let invalid = |error: desired::InvalidSpec| Refusal::new(Reason::InvalidValue, error.to_string());
    rrset_key(record).map_err(invalid)?;
    let rrset = rrset(record, solid_server).map_err(invalid)?;
    let wish = whereabouts(record, solid_server).map_err(invalid)?;
    Ok((rrset, wish))
}

/// The entry of `spec.zones` that grants it; `None` when no server is named, which is told elsewhere.
fn entry(
    rrset: &Rrset,
    wish: &Whereabouts,
    delegation: Delegation<'_>,
    lives: bool,
) -> Result<Option<usize>, Refusal> {
    let Some(server) = &wish.server else { return Ok(None) };
    let asked = Asked {
        name: &rrset.key.name,
        record_type: rrset.key.record_type,
        ttl: rrset.ttl,
        server,
        view: match &wish.view {
            ViewWish::Named(view) => Some(view),
            ViewWish::NoView | ViewWish::Unstated => None,
        },
        labels: delegation.labels,
    };
    delegated(delegation.grants, &asked).map(Some).map_err(|withheld| not_delegated(&withheld, lives))
}

/// Words for a record that may not be written.
pub(super) fn not_delegated(why: &dyn std::fmt::Display, lives: bool) -> Refusal {
    let stays = if lives { "; what it has in DNS stays there as it is" } else { "" };
    Refusal::new(
        Reason::NotDelegated,
        format!(
            "{why}; nothing is sent to the appliance{stays}. Whoever manages the SolidServer can change spec.zones"
        ),
    )
}
