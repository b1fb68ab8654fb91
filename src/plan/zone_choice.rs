//! Which zone does a record belong to?

use crate::record::{Name, RecordType, RrsetKey, Zone, ZoneKind};

/// Why no zone can take a record.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ZoneRefusal {
    /// No zone of the server and view contains the name, or the one that was asked for is not there.
    #[error("{0}")]
    NotFound(String),
    /// The zone is not a master zone, so the appliance does not hold its data.
    #[error(
        "zone {zone} is a {kind} zone: its records are written where its master is; \
         point dnsServer or view at a server that is master for it"
    )]
    NotWritable {
        /// The zone.
        zone: Name,
        /// Its type, in the appliance's words.
        kind: String,
    },
    /// The zone that was asked for is not the one that would answer for the name.
    #[error(
        "zone {child} lies between {asked} and the name and answers for it; leave spec.zone out, or set it to {child}"
    )]
    InChildZone {
        /// The zone that answers.
        child: Name,
        /// The zone that was asked for.
        asked: Name,
    },
    /// NS or DS at the apex of a zone that the server itself holds.
    #[error(
        "{record_type} at the apex of zone {zone} is not managed here: for the delegation in the parent zone set spec.zone to that parent"
    )]
    Apex {
        /// The zone.
        zone: Name,
        /// The record's type.
        record_type: RecordType,
    },
}

/// Chooses the zone for an RRset among the zones of its server and view.
///
/// The longest zone that contains the name takes it, whatever its type; when that cannot be written, its parent is no
/// substitute. DS belongs to the longest zone strictly above the name (RFC 4035 2.4).
///
/// # Errors
/// [`ZoneRefusal`] says what is in the way.
pub fn choose_zone<'a>(
    key: &RrsetKey,
    asked: Option<&Name>,
    zones: impl IntoIterator<Item = &'a Zone>,
) -> Result<&'a Zone, ZoneRefusal> {
    let above: Vec<&Zone> =
        zones.into_iter().filter(|zone| key.name.is_at_or_below(&zone.place.zone)).collect();
    let longest = |apex_too: bool| {
        above
            .iter()
            .copied()
            .filter(|zone| apex_too || key.name != zone.place.zone)
            .max_by_key(|zone| zone.place.zone.labels().count())
    };
    let not_found = || {
        ZoneRefusal::NotFound(match asked {
            Some(asked) => {
                format!("zone {asked} is not on this server and view, or this account may not see it")
            }
            None => format!(
                "no zone on this server and view contains {}, or this account may not see it",
                key.name
            ),
        })
    };
    let chosen = match asked {
        None => {
            let zone = longest(key.record_type != RecordType::Ds).ok_or_else(not_found)?;
            if key.record_type == RecordType::Ns && key.name == zone.place.zone {
                return Err(ZoneRefusal::Apex { zone: key.name.clone(), record_type: key.record_type });
            }
            zone
        }
        Some(asked) => {
            let zone = above.iter().copied().find(|zone| zone.place.zone == *asked).ok_or_else(not_found)?;
            let delegates = matches!(key.record_type, RecordType::Ns | RecordType::Ds);
            if delegates && key.name == zone.place.zone {
                return Err(ZoneRefusal::Apex { zone: key.name.clone(), record_type: key.record_type });
            }
            let may_be_above = delegates || matches!(key.record_type, RecordType::A | RecordType::Aaaa);
            match longest(true) {
                Some(child) if child.place.zone != *asked && !may_be_above => {
                    return Err(ZoneRefusal::InChildZone {
                        child: child.place.zone.clone(),
                        asked: asked.clone(),
                    });
                }
                _ => zone,
            }
        }
    };
    match &chosen.kind {
        ZoneKind::Master => Ok(chosen),
        ZoneKind::ResponsePolicy => Err(ZoneRefusal::NotWritable {
            zone: chosen.place.zone.clone(),
            kind: "response policy".to_owned(),
        }),
        ZoneKind::Other(kind) => {
            Err(ZoneRefusal::NotWritable { zone: chosen.place.zone.clone(), kind: kind.clone() })
        }
    }
}
