//! Class parameters, which `/rest` packs into one form-urlencoded text, with two more texts beside it that say where each
//! comes from: `rr_class_parameters_properties` (`name=inheritance,propagation`) and
//! `rr_class_parameters_inheritance_source` (`name=container,id`).

use std::borrow::Cow;
use std::collections::BTreeMap;

use url::form_urlencoded;

use crate::solidserver::dialect::class_parameters::{Origin, Shown};

/// Reads the three columns.
pub(super) fn shown(parameters: &str, properties: &str, sources: &str) -> Vec<Shown> {
    let properties = texts(properties);
    let sources = texts(sources);
    form_urlencoded::parse(parameters.as_bytes())
        .filter(|(key, _)| !key.is_empty())
        .map(|(key, value)| {
            let origin = Origin::stated(text_of(&sources, &key), text_of(&properties, &key));
            Shown { key: key.into_owned(), value: value.into_owned(), origin }
        })
        .collect()
}

/// `name=text` pairs. A row has a handful.
fn texts(packed: &str) -> Vec<(Cow<'_, str>, Cow<'_, str>)> {
    form_urlencoded::parse(packed.as_bytes()).collect()
}

/// The text of a name; the last one, should there be several.
fn text_of<'t>(texts: &'t [(Cow<'_, str>, Cow<'_, str>)], name: &str) -> Option<&'t str> {
    texts.iter().rfind(|(other, _)| other == name).map(|(_, text)| &**text)
}

/// The text to send for parameters that shall be set.
pub(super) fn encode(parameters: &BTreeMap<String, String>) -> String {
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
