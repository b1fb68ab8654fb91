//! Class parameters: named texts on a row, its own or inherited from zone, view or server.
//!
//! The /rest dialect packs them into one form-urlencoded text, with two more texts beside it that say where each comes
//! from: `rr_class_parameters_properties` (`name=inheritance,propagation`) and
//! `rr_class_parameters_inheritance_source` (`name=container,id`).

use std::collections::{BTreeMap, HashMap};

use url::form_urlencoded;

/// Where a class parameter of a row comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::solidserver) enum Origin {
    /// It is set on the row itself.
    Row,
    /// It comes from the zone, the view or the server.
    Inherited,
    /// The appliance does not say.
    Unknown,
}

/// A class parameter as a row shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::solidserver) struct Shown {
    pub(in crate::solidserver) key: String,
    pub(in crate::solidserver) value: String,
    pub(in crate::solidserver) origin: Origin,
}

/// Reads the three columns.
///
/// A parameter is the row's own when its source is the row (`real_rr`) and nothing says that it is inherited, or when
/// there is no source and its property is exactly `set`. Any other statement means inherited: an ownership mark must
/// not be believed when it may be. No statement at all is [`Origin::Unknown`].
pub(in crate::solidserver) fn shown(parameters: &str, properties: &str, sources: &str) -> Vec<Shown> {
    let properties = first_parts(properties);
    let sources = first_parts(sources);
    form_urlencoded::parse(parameters.as_bytes())
        .filter(|(key, _)| !key.is_empty())
        .map(|(key, value)| {
            let inheritance = properties.get(&*key).map(String::as_str);
            let container = sources.get(&*key).map(String::as_str);
            let origin = match (container, inheritance) {
                (None, None) => Origin::Unknown,
                (Some("real_rr" | "rr"), inheritance) if inheritance != Some("inherited") => Origin::Row,
                (None, Some("set")) => Origin::Row,
                _ => Origin::Inherited,
            };
            Shown { key: key.into_owned(), value: value.into_owned(), origin }
        })
        .collect()
}

/// `name=first,second` texts, by name, without the second part.
fn first_parts(text: &str) -> HashMap<String, String> {
    form_urlencoded::parse(text.as_bytes())
        .map(|(key, value)| {
            let first = value.split(',').next().unwrap_or_default().trim().to_ascii_lowercase();
            (key.into_owned(), first)
        })
        .collect()
}

/// The text to send for parameters that shall be set.
pub(in crate::solidserver) fn encode(parameters: &BTreeMap<String, String>) -> String {
    form_urlencoded::Serializer::new(String::new()).extend_pairs(parameters).finish()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_origin_is_believed_only_when_it_is_stated_plainly() {
        let cases = [
            ("k=set,restrict", "k=real_rr,411", Origin::Row),
            ("", "k=real_rr,411", Origin::Row),
            ("k=set,propagate", "", Origin::Row),
            ("k=inherited_or_set,propagate", "k=real_rr,411", Origin::Row),
            ("k=inherited_or_set,propagate", "", Origin::Inherited),
            ("k=inherited,propagate", "k=real_rr,411", Origin::Inherited),
            ("k=inherited,propagate", "", Origin::Inherited),
            ("k=set,propagate", "k=real_dnszone,9", Origin::Inherited),
            ("", "k=real_dns,2", Origin::Inherited),
            ("", "k=", Origin::Inherited),
            ("k=", "", Origin::Inherited),
            ("k=inherited%2Cpropagate", "", Origin::Inherited),
            ("", "", Origin::Unknown),
            ("other=inherited,propagate", "other=real_dns,2", Origin::Unknown),
        ];
        for (properties, sources, origin) in cases {
            let shown = shown("k=v", properties, sources);
            assert_eq!(shown.len(), 1);
            assert_eq!((&*shown[0].key, &*shown[0].value), ("k", "v"));
            assert_eq!(shown[0].origin, origin, "{properties:?} {sources:?}");
        }
    }

    #[test]
    fn nothing_is_no_parameter() {
        assert!(shown("", "", "").is_empty());
        assert!(shown("&&", "", "").is_empty());
    }

    proptest! {
        #[test]
        fn what_is_sent_reads_back(parameters in proptest::collection::btree_map("[A-Za-z0-9_]{1,12}", any::<String>(), 0..5)) {
            let read: BTreeMap<String, String> =
                shown(&encode(&parameters), "", "").into_iter().map(|shown| (shown.key, shown.value)).collect();
            prop_assert_eq!(read, parameters);
        }
    }
}
