//! Class parameters: values that an object has of its own or inherits from what contains it.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::{Row, Store, Zone};

/// The value of a class parameter, set on an object itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ClassParameter {
    pub(crate) value: String,
    /// Kept from what the object contains.
    pub(crate) restricted: bool,
}

impl ClassParameter {
    pub(crate) fn new(value: impl Into<String>) -> Self {
        Self { value: value.into(), restricted: false }
    }
}

/// The class parameters that are set on an object itself.
pub(crate) type ClassParameters = BTreeMap<String, ClassParameter>;

/// The class parameters in force on an object, its own and inherited ones.
#[derive(Debug, Default)]
pub(crate) struct Effective<'a> {
    entries: BTreeMap<&'a str, Entry<'a>>,
}

#[derive(Debug)]
struct Entry<'a> {
    parameter: &'a ClassParameter,
    container: &'static str,
    container_id: u64,
    own: bool,
}

/// A class parameter in force, with where it comes from.
#[derive(Debug)]
pub(crate) struct ShownParameter<'a> {
    pub(crate) name: &'a str,
    pub(crate) value: &'a str,
    pub(crate) inheritance: &'static str,
    pub(crate) propagation: &'static str,
    /// `<container>,<id>`.
    pub(crate) source: String,
}

impl<'a> Effective<'a> {
    fn layer(
        &mut self,
        parameters: &'a ClassParameters,
        container: &'static str,
        container_id: u64,
        own: bool,
    ) {
        for (name, parameter) in parameters {
            if own || !parameter.restricted {
                self.entries.insert(name, Entry { parameter, container, container_id, own });
            }
        }
    }

    /// One by one, as an answer lists them.
    pub(crate) fn entries(&self, with_parents: bool) -> impl Iterator<Item = ShownParameter<'a>> + '_ {
        self.shown(with_parents).map(|(name, entry)| ShownParameter {
            name,
            value: &entry.parameter.value,
            inheritance: if entry.own { "set" } else { "inherited" },
            propagation: if entry.parameter.restricted { "restrict" } else { "propagate" },
            source: format!("{},{}", entry.container, entry.container_id),
        })
    }

    fn shown(&self, with_parents: bool) -> impl Iterator<Item = (&&'a str, &Entry<'a>)> {
        self.entries.iter().filter(move |(_, entry)| with_parents || entry.own)
    }

    /// `name=value&..`, each part form-urlencoded.
    pub(crate) fn values(&self, with_parents: bool) -> String {
        let mut text = form_urlencoded::Serializer::new(String::new());
        for (name, entry) in self.shown(with_parents) {
            text.append_pair(name, &entry.parameter.value);
        }
        text.finish()
    }

    /// `name=<inheritance>,<propagation>&..`.
    pub(crate) fn properties(&self, with_parents: bool) -> String {
        let mut text = String::new();
        for ShownParameter { name, inheritance, propagation, .. } in self.entries(with_parents) {
            let separator = if text.is_empty() { "" } else { "&" };
            // Writing into a String cannot fail.
            let _ = write!(text, "{separator}{}={inheritance},{propagation}", encoded(name));
        }
        text
    }

    /// `name=<container>,<id>&..`.
    pub(crate) fn sources(&self, with_parents: bool) -> String {
        let mut text = String::new();
        for ShownParameter { name, source, .. } in self.entries(with_parents) {
            let separator = if text.is_empty() { "" } else { "&" };
            let _ = write!(text, "{separator}{}={source}", encoded(name));
        }
        text
    }
}

fn encoded(name: &str) -> String {
    form_urlencoded::byte_serialize(name.as_bytes()).collect()
}

/// Reads `name=value&..`.
pub(crate) fn read(text: &str) -> impl Iterator<Item = (String, String)> + '_ {
    form_urlencoded::parse(text.as_bytes()).into_owned().filter(|(name, _)| !name.is_empty())
}

impl Store {
    pub(crate) fn server_parameters(&self, server: u64) -> Effective<'_> {
        let mut effective = Effective::default();
        self.layer_server(&mut effective, server, true);
        effective
    }

    pub(crate) fn view_parameters(&self, view: u64) -> Effective<'_> {
        let mut effective = Effective::default();
        if let Some(found) = self.view(view) {
            self.layer_server(&mut effective, found.server, false);
        }
        self.layer_view(&mut effective, view, true);
        effective
    }

    pub(crate) fn zone_parameters(&self, zone: &Zone) -> Effective<'_> {
        let mut effective = Effective::default();
        self.layer_zone(&mut effective, zone, true);
        effective
    }

    pub(crate) fn row_parameters<'a>(&'a self, row: &'a Row, id: u64) -> Effective<'a> {
        let mut effective = Effective::default();
        if let Some(zone) = self.zone(row.zone) {
            self.layer_zone(&mut effective, zone, false);
        }
        effective.layer(&row.parameters, "real_rr", id, true);
        effective
    }

    fn layer_server<'a>(&'a self, effective: &mut Effective<'a>, server: u64, own: bool) {
        if let Some(server) = self.server(server) {
            effective.layer(&server.parameters, "real_dns", server.id, own);
        }
    }

    fn layer_view<'a>(&'a self, effective: &mut Effective<'a>, view: u64, own: bool) {
        if let Some(view) = self.view(view) {
            effective.layer(&view.parameters, "real_dnsview", view.id, own);
        }
    }

    fn layer_zone<'a>(&'a self, effective: &mut Effective<'a>, zone: &Zone, own: bool) {
        self.layer_server(effective, zone.server, false);
        if let Some(view) = zone.view {
            self.layer_view(effective, view, false);
        }
        if let Some(zone) = self.zone(zone.id) {
            effective.layer(&zone.parameters, "real_dnszone", zone.id, own);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn own_parameters_win_and_restricted_ones_stay_where_they_are() {
        let server = ClassParameters::from([
            ("owner".to_owned(), ClassParameter::new("net")),
            ("secret".to_owned(), ClassParameter { value: "x".to_owned(), restricted: true }),
        ]);
        let row = ClassParameters::from([("owner".to_owned(), ClassParameter::new("a&b=c"))]);
        let mut effective = Effective::default();
        effective.layer(&server, "real_dns", 2, false);
        assert_eq!(effective.values(true), "owner=net");
        assert_eq!(effective.values(false), "");
        assert_eq!(effective.properties(true), "owner=inherited,propagate");
        assert_eq!(effective.sources(true), "owner=real_dns,2");
        effective.layer(&row, "real_rr", 411, true);
        assert_eq!(effective.values(true), "owner=a%26b%3Dc");
        assert_eq!(effective.properties(false), "owner=set,propagate");
        assert_eq!(effective.sources(false), "owner=real_rr,411");
    }
}
