//! Where a record lives on an appliance: DNS server, view and zone.

use std::fmt;
use std::sync::Arc;

use super::Name;

/// A zone in one view of one DNS server (stand-alone or SMART) of an appliance.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Place {
    /// The DNS server's name on the appliance.
    pub server: Arc<str>,
    /// The view's name; `None` on a server without views (the appliance writes `#` for that).
    pub view: Option<Arc<str>>,
    /// The zone's name.
    pub zone: Name,
}

impl fmt::Display for Place {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "zone {} on {}", self.zone, self.server)?;
        if let Some(view) = &self.view {
            write!(formatter, ", view {view}")?;
        }
        Ok(())
    }
}

/// What the appliance says a zone is. Only master zones are written.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum ZoneKind {
    /// The appliance holds the zone's data.
    Master,
    /// A response policy zone, whatever its type says.
    ResponsePolicy,
    /// Any other type (slave, forward, stub, hint, delegation-only, ...), in the appliance's words.
    Other(String),
}

/// A zone as the appliance lists it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Zone {
    /// Where the zone is.
    pub place: Place,
    /// What kind of zone it is.
    pub kind: ZoneKind,
    /// The appliance makes PTR records of address records by itself, and this zone has part in that, on either side.
    pub fills_reverse: bool,
}
