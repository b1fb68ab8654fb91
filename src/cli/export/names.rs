//! Names of objects for RRsets that were there before any manifest (pure).
//!
//! A name follows from what the manifest says and from nothing else, so that it stays when other RRsets come and go. `www.example.com`
//! of type A is `www.example.com-a`. What cannot be written like that (`*`, `_`, `/`, capital letters of a view, great length), and what
//! names more than name and type (SolidServer, DNS server, view, zone), gets a readable name and a digest of all of it at its end.

use sha2::{Digest as _, Sha256};

use crate::record::RrsetKey;
use crate::record::data::hexadecimal;

/// The longest name that the definition takes.
const LONGEST: usize = 120;

/// Octets of the digest. Two names need to differ by it only where all that is readable is the same.
const DIGEST: usize = 5;

/// Characters that are shown of a SolidServer's or a view's name.
const LONGEST_QUALIFIER: usize = 20;

/// What a manifest says of the place beside the RRset's name and type; each `None` where it leaves that to the defaults.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Qualifiers<'a> {
    pub(super) solid_server: Option<&'a str>,
    pub(super) server: Option<&'a str>,
    pub(super) view: Option<&'a str>,
    pub(super) zone: Option<&'a str>,
}

/// The name of the object for an RRset.
pub(super) fn object_name(key: &RrsetKey, qualifiers: Qualifiers<'_>) -> String {
    let (fqdn, record_type) = (key.name.as_str(), key.record_type.as_str().to_ascii_lowercase());
    let plain = format!("{fqdn}-{record_type}");
    if qualifiers == Qualifiers::default() && is_legal(fqdn) && plain.len() <= LONGEST {
        return plain;
    }
    let mut ending = format!("-{record_type}");
    for qualifier in [qualifiers.solid_server, qualifiers.view].into_iter().flatten() {
        let mut text = legal(qualifier).replace('.', "-");
        text.truncate(LONGEST_QUALIFIER);
        let text = text.trim_matches('-');
        if !text.is_empty() {
            ending.push('-');
            ending.push_str(text);
        }
    }
    ending.push('-');
    ending.push_str(&digest(key, qualifiers));
    let mut readable = legal(fqdn);
    readable.truncate(LONGEST.saturating_sub(ending.len()));
    format!("{}{ending}", readable.trim_end_matches(['-', '.']))
}

/// Whether a DNS name can be the beginning of an object's name as it is.
fn is_legal(fqdn: &str) -> bool {
    let inner = |octet: u8| octet.is_ascii_lowercase() || octet.is_ascii_digit() || octet == b'-';
    let ends = |label: &str| label.starts_with('-') || label.ends_with('-');
    fqdn.split('.').all(|label| !label.is_empty() && !ends(label) && label.bytes().all(inner))
}

/// What is legal of a text, with something in place of each label of which nothing is.
fn legal(text: &str) -> String {
    let label = |label: &str| {
        if label == "*" {
            return "wildcard".to_owned();
        }
        let letter = |letter: char| match letter.to_ascii_lowercase() {
            letter if letter.is_ascii_alphanumeric() => letter,
            _ => '-',
        };
        let label: String = label.chars().map(letter).collect();
        match label.trim_matches('-') {
            "" => "x".to_owned(),
            label => label.to_owned(),
        }
    };
    text.split('.').map(label).collect::<Vec<_>>().join(".")
}

fn digest(key: &RrsetKey, qualifiers: Qualifiers<'_>) -> String {
    let mut digest = Sha256::new();
    let Qualifiers { solid_server, server, view, zone } = qualifiers;
    for part in [solid_server, server, view, zone, Some(key.record_type.as_str()), Some(key.name.as_str())] {
        // None of them can contain a line feed; an absent one is told from an empty one.
        digest.update(part.map_or_else(String::new, |part| format!("={part}")));
        digest.update(b"\n");
    }
    let digest = digest.finalize();
    hexadecimal(digest.get(..DIGEST).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;
    use crate::record::{Name, RecordType};

    fn key(name: &str, record_type: RecordType) -> RrsetKey {
        RrsetKey { name: Name::parse(name).unwrap(), record_type }
    }

    fn named(name: &str, record_type: RecordType) -> String {
        object_name(&key(name, record_type), Qualifiers::default())
    }

    /// As the API server judges it (RFC 1123 subdomain), within the definition's own bound.
    fn is_taken(name: &str) -> bool {
        name.len() <= LONGEST && is_legal(name)
    }

    #[test]
    fn usual_names_are_read_as_they_are_and_others_show_what_can_be_shown() {
        for (name, record_type, expected) in [
            ("www.example.com", RecordType::A, "www.example.com-a"),
            ("WWW.Example.COM.", RecordType::Aaaa, "www.example.com-aaaa"),
            ("10.2.0.192.in-addr.arpa", RecordType::Ptr, "10.2.0.192.in-addr.arpa-ptr"),
            ("xn--bcher-kva.example.com", RecordType::Txt, "xn--bcher-kva.example.com-txt"),
        ] {
            assert_eq!(named(name, record_type), expected);
        }
        let long = format!("{}.example.com", ["abcdefghi"; 15].join("."));
        for (name, record_type, readable) in [
            ("*.example.com", RecordType::Cname, "wildcard.example.com-cname-"),
            ("_sip._tcp.example.com", RecordType::Srv, "sip.tcp.example.com-srv-"),
            ("0/26.2.0.192.in-addr.arpa", RecordType::Ns, "0-26.2.0.192.in-addr.arpa-ns-"),
            ("___.example.com", RecordType::A, "x.example.com-a-"),
            (&long, RecordType::Txt, &format!("{}-txt-", &long[..LONGEST - "-txt-".len() - 2 * DIGEST])),
        ] {
            let found = named(name, record_type);
            let digest = found.strip_prefix(readable).unwrap_or_else(|| panic!("{found}"));
            assert_eq!(digest.len(), 2 * DIGEST, "{found}");
            assert!(is_taken(&found), "{found}");
        }
    }

    #[test]
    fn names_that_read_alike_stay_apart() {
        let long = |first: &str| format!("{}.{first}.example.com", ["abcdefghi"; 15].join("."));
        let alike = [
            "sip.tcp.example.com",
            "_sip._tcp.example.com",
            "-sip._tcp.example.com",
            "sip_.tcp.example.com",
            "sip.tcp.example.com-srv",
            "*.example.com",
            "wildcard.example.com",
            "_wildcard.example.com",
            "0/26.example.com",
            "0-26.example.com",
            "0_26.example.com",
        ];
        let names = alike.into_iter().map(str::to_owned).chain([long("a"), long("b"), long("-")]);
        let named: Vec<String> = names.map(|name| named(&name, RecordType::Srv)).collect();
        assert_eq!(named.iter().collect::<BTreeSet<_>>().len(), named.len(), "{named:?}");
        assert!(named.iter().all(|name| is_taken(name)), "{named:?}");
        let www = key("www.example.com", RecordType::A);
        let places = [
            Qualifiers::default(),
            Qualifiers { solid_server: Some("other"), ..Qualifiers::default() },
            Qualifiers { server: Some("other"), ..Qualifiers::default() },
            Qualifiers { view: Some("Other View"), ..Qualifiers::default() },
            Qualifiers { view: Some("other-view"), ..Qualifiers::default() },
            Qualifiers { view: Some(""), ..Qualifiers::default() },
            Qualifiers { zone: Some("other"), ..Qualifiers::default() },
        ];
        let named: BTreeSet<String> = places.map(|place| object_name(&www, place)).into();
        assert_eq!(named.len(), places.len(), "{named:?}");
        assert!(named.iter().all(|name| is_taken(name)), "{named:?}");
        assert_eq!(named.iter().filter(|name| name.contains("-other-view-")).count(), 2, "{named:?}");
    }

    proptest! {
        #[test]
        fn any_name_gets_a_legal_one_and_keeps_it(
            first in r"[*]|[a-z0-9_/-]{1,63}",
            rest in r"([a-z0-9_/-]{1,40}\.){0,3}[a-z0-9_/-]{1,20}",
            view in proptest::option::of(r"[ -~é]{0,60}"),
        ) {
            let key = key(&format!("{first}.{rest}"), RecordType::Naptr);
            let place = Qualifiers { view: view.as_deref(), ..Qualifiers::default() };
            let name = object_name(&key, place);
            prop_assert!(is_taken(&name), "{}", name);
            prop_assert_eq!(name, object_name(&key, place));
        }
    }
}
