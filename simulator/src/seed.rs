//! What the appliance holds at the start: servers, views, zones, records.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::error::Error;

/// The content of a seed file.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Seed {
    /// The DNS servers.
    #[serde(default)]
    pub servers: Vec<SeedServer>,
}

/// A DNS server: a SMART architecture when it has members, else a stand-alone server.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct SeedServer {
    /// Its name, unique on the appliance.
    pub name: String,
    /// Names of the physical servers of a SMART architecture.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub members: Vec<String>,
    /// The kind of SMART architecture: `masterslave`, `stealth`, `multimaster`, `single` or `farm`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub architecture: Option<String>,
    /// Class parameters that everything below inherits.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub class_parameters: BTreeMap<String, String>,
    /// Views, with zones of their own. A server with views has no zones outside of them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub views: Vec<SeedView>,
    /// Zones of a server without views.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub zones: Vec<SeedZone>,
}

/// A view of a server.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct SeedView {
    /// Its name, unique on the server.
    pub name: String,
    /// Class parameters that everything below inherits.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub class_parameters: BTreeMap<String, String>,
    /// Its zones.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub zones: Vec<SeedZone>,
}

/// A zone. A master zone gets its SOA row and one NS row per server.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct SeedZone {
    /// Its name, without trailing dot.
    pub name: String,
    /// `master`, `slave`, `forward`, `stub`, `hint` or `delegation-only`.
    #[serde(default = "master", rename = "type")]
    pub zone_type: String,
    /// A response policy zone.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub rpz: bool,
    /// Class parameters that every row inherits.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub class_parameters: BTreeMap<String, String>,
    /// Its records.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub records: Vec<SeedRecord>,
    /// How many A rows to make up: `host-0`, `host-1` and so on.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub fill: u32,
}

/// A record: one row.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct SeedRecord {
    /// The owner name: absolute when it ends in the zone's name, else relative to the zone; `@` is the apex.
    pub name: String,
    /// The type, such as `A`.
    #[serde(rename = "type")]
    pub record_type: String,
    /// Time to live in seconds; absent means 3600.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ttl: Option<u32>,
    /// The columns value1 to value7.
    pub values: Vec<String>,
    /// Class parameters of the row itself.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub class_parameters: BTreeMap<String, String>,
}

fn master() -> String {
    "master".to_owned()
}

// serde hands over a reference.
#[allow(clippy::trivially_copy_pass_by_ref)]
fn is_zero(number: &u32) -> bool {
    *number == 0
}

impl Seed {
    /// Reads a seed file.
    ///
    /// # Errors
    /// [`Error::SeedFormat`] when the text is no YAML of this shape.
    pub fn from_yaml(text: &str) -> Result<Self, Error> {
        serde_saphyr::from_str(text).map_err(|error| Error::SeedFormat(error.to_string()))
    }

    /// A small world: the SMART `ns.example.com` without views, and the stand-alone `views.example.com` with the views
    /// `internal` and `external`. The file `examples/seed.yaml` says the same.
    #[must_use]
    pub fn example() -> Self {
        let smart = SeedServer::new("ns.example.com")
            .member("ns1.example.com")
            .zone(SeedZone::master("example.com").record("www", "A", ["192.0.2.80"]).record(
                "@",
                "MX",
                ["10", "mx1.example.com"],
            ))
            .zone(SeedZone::master("shop.example.com"))
            .zone(SeedZone::master("2.0.192.in-addr.arpa"))
            .zone(SeedZone::of_type("partner.example.net", "slave"))
            .zone(SeedZone::of_type("corp.example.net", "forward"));
        let stand_alone = SeedServer::new("views.example.com")
            .view(SeedView::new("internal").zone(SeedZone::master("example.org")))
            .view(SeedView::new("external").zone(SeedZone::master("example.org")));
        Self { servers: vec![smart, stand_alone] }
    }
}

impl SeedServer {
    /// A stand-alone server with nothing in it.
    #[must_use]
    pub fn new(name: impl Into<String>) -> Self {
        Self { name: name.into(), ..Self::default() }
    }

    /// Adds a member, which makes the server a SMART.
    #[must_use]
    pub fn member(mut self, name: impl Into<String>) -> Self {
        self.members.push(name.into());
        self
    }

    /// Adds a view.
    #[must_use]
    pub fn view(mut self, view: SeedView) -> Self {
        self.views.push(view);
        self
    }

    /// Adds a zone outside of views.
    #[must_use]
    pub fn zone(mut self, zone: SeedZone) -> Self {
        self.zones.push(zone);
        self
    }

    /// Sets a class parameter.
    #[must_use]
    pub fn class_parameter(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.class_parameters.insert(name.into(), value.into());
        self
    }
}

impl SeedView {
    /// A view with nothing in it.
    #[must_use]
    pub fn new(name: impl Into<String>) -> Self {
        Self { name: name.into(), ..Self::default() }
    }

    /// Adds a zone.
    #[must_use]
    pub fn zone(mut self, zone: SeedZone) -> Self {
        self.zones.push(zone);
        self
    }

    /// Sets a class parameter.
    #[must_use]
    pub fn class_parameter(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.class_parameters.insert(name.into(), value.into());
        self
    }
}

impl SeedZone {
    /// A master zone.
    #[must_use]
    pub fn master(name: impl Into<String>) -> Self {
        Self::of_type(name, "master")
    }

    /// A zone of another type: `slave`, `forward`, `stub`, `hint` or `delegation-only`.
    #[must_use]
    pub fn of_type(name: impl Into<String>, zone_type: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            zone_type: zone_type.into(),
            rpz: false,
            class_parameters: BTreeMap::new(),
            records: Vec::new(),
            fill: 0,
        }
    }

    /// Makes it a response policy zone.
    #[must_use]
    pub fn rpz(mut self) -> Self {
        self.rpz = true;
        self
    }

    /// Adds a row; see [`SeedRecord`] for the name.
    #[must_use]
    pub fn record<const N: usize>(
        mut self,
        name: impl Into<String>,
        record_type: impl Into<String>,
        values: [&str; N],
    ) -> Self {
        self.records.push(SeedRecord {
            name: name.into(),
            record_type: record_type.into(),
            values: values.iter().map(|value| (*value).to_owned()).collect(),
            ..SeedRecord::default()
        });
        self
    }

    /// Sets a class parameter.
    #[must_use]
    pub fn class_parameter(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.class_parameters.insert(name.into(), value.into());
        self
    }

    /// Makes up this many A rows.
    #[must_use]
    pub fn fill(mut self, rows: u32) -> Self {
        self.fill = rows;
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_file_says_what_the_example_is() {
        let file = Seed::from_yaml(include_str!("../examples/seed.yaml")).unwrap();
        assert_eq!(file, Seed::example());
    }

    #[test]
    fn misspelt_fields_are_refused() {
        let wrong = Seed::from_yaml("servers: [{name: a, zonen: []}]").unwrap_err();
        assert!(wrong.to_string().contains("zonen"), "{wrong}");
    }
}
