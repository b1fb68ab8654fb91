//! Values in presentation format, for property tests.
//!
//! Whoever includes this file has `RecordType` in the module around it.

use std::net::{Ipv4Addr, Ipv6Addr};

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select, subsequence};

use super::RecordType;

/// A right value of the type, in any spelling that is allowed: letters of both cases, trailing dots, long and
/// short addresses, quoted and unquoted strings.
pub(crate) fn valid_value(record_type: RecordType) -> BoxedStrategy<String> {
    match record_type {
        RecordType::A => any::<Ipv4Addr>().prop_map(|address| address.to_string()).boxed(),
        RecordType::Aaaa => ipv6().boxed(),
        RecordType::Cname | RecordType::Dname | RecordType::Ns | RecordType::Ptr => name().boxed(),
        RecordType::Mx => (any::<u16>(), target())
            .prop_map(|(preference, exchange)| format!("{preference} {exchange}"))
            .boxed(),
        RecordType::Srv => (any::<u16>(), any::<u16>(), any::<u16>(), target())
            .prop_map(|(priority, weight, port, target)| format!("{priority} {weight} {port} {target}"))
            .boxed(),
        RecordType::Txt => text().boxed(),
        RecordType::Caa => (any::<u8>(), "[A-Za-z0-9]{1,15}", string(40))
            .prop_map(|(flags, tag, value)| format!("{flags} {tag} {value}"))
            .boxed(),
        RecordType::Naptr => naptr().boxed(),
        RecordType::Tlsa => (any::<u8>(), any::<u8>(), digest(&[(1, 32), (2, 64)]))
            .prop_map(|(usage, selector, digest)| format!("{usage} {selector} {digest}"))
            .boxed(),
        RecordType::Sshfp => (any::<u8>(), digest(&[(1, 20), (2, 32)]))
            .prop_map(|(algorithm, digest)| format!("{algorithm} {digest}"))
            .boxed(),
        RecordType::Ds => (any::<u16>(), any::<u8>(), digest(&[(1, 20), (2, 32), (4, 48)]))
            .prop_map(|(key_tag, algorithm, digest)| format!("{key_tag} {algorithm} {digest}"))
            .boxed(),
        RecordType::Https | RecordType::Svcb => service_binding().boxed(),
        RecordType::Uri => {
            (any::<u16>(), any::<u16>(), "[a-z][a-z0-9+.-]{0,8}:[!#-;=?-\\[\\]_a-z~]{1,60}", any::<bool>())
                .prop_map(|(priority, weight, target, quoted)| {
                    // Unquoted, a semicolon would begin a comment and a parenthesis a group.
                    if quoted || target.contains([';', '(', ')']) {
                        format!("{priority} {weight} \"{target}\"")
                    } else {
                        format!("{priority} {weight} {target}")
                    }
                })
                .boxed()
        }
    }
}

/// A value that was right before something happened to it. It may still be right.
pub(crate) fn mutated_value(record_type: RecordType) -> BoxedStrategy<String> {
    let characters = " \t\n\r\0\"\\;()=,.:*@-+_/0aZé☃".chars().collect::<Vec<_>>();
    (valid_value(record_type), any::<Index>(), select(characters), 0..8_u8)
        .prop_map(|(value, place, character, kind)| {
            let mut characters: Vec<char> = value.chars().collect();
            let mut fields: Vec<&str> = value.split(' ').collect();
            let at = place.index(characters.len().max(1));
            let field = place.index(fields.len());
            match kind {
                0 => characters.insert(at.min(characters.len()), character),
                1 if !characters.is_empty() => characters[at] = character,
                2 if !characters.is_empty() => drop(characters.remove(at)),
                3 => characters.truncate(at),
                4 => drop(fields.remove(field)),
                5 => fields.insert(field, fields[field]),
                6 => fields[field] = "99999999999",
                _ => fields.reverse(),
            }
            match kind {
                0..=3 => characters.into_iter().collect(),
                _ => fields.join(" "),
            }
        })
        .boxed()
}

/// A name that is not an address, with or without the trailing dot.
fn name() -> impl Strategy<Value = String> {
    let label = "[A-Za-z0-9_]([A-Za-z0-9_-]{0,8}[A-Za-z0-9])?";
    (vec(label, 0..4), "[A-Za-z]{2,6}", any::<bool>()).prop_map(|(mut labels, last, dot)| {
        labels.push(last);
        labels.join(".") + if dot { "." } else { "" }
    })
}

/// A name, or now and then the root.
fn target() -> impl Strategy<Value = String> {
    prop_oneof![9 => name(), 1 => Just(".".to_owned())]
}

fn ipv6() -> impl Strategy<Value = String> {
    let address =
        prop_oneof![any::<Ipv6Addr>(), any::<u32>().prop_map(|low| Ipv6Addr::from(u128::from(low)))];
    (address, 0..3_u8).prop_map(|(address, spelling)| match spelling {
        0 => address.to_string(),
        1 => address.to_string().to_uppercase(),
        _ => address.segments().map(|segment| format!("{segment:04x}")).join(":"),
    })
}

/// Plain text: quotation marks, backslashes, semicolons and other scripts among it, beyond 255 octets now and
/// then.
fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        6 => "[ -~]{1,80}",
        2 => "[ -~à-ÿ☃\u{1f600}]{1,40}",
        1 => "[\"\\\\ ;a]{1,12}",
        1 => "[ -~à-ÿ]{200,600}",
    ]
}

/// A character string, quoted, or unquoted where that is possible.
fn string(longest: usize) -> impl Strategy<Value = String> {
    (vec(32..127_u8, 0..longest), any::<bool>()).prop_map(|(octets, quoted)| {
        let content: String = octets.iter().copied().map(char::from).collect();
        let needs_quotes = content.is_empty() || content.contains([' ', ';', '(', ')', '"', '\\', '=']);
        if quoted || needs_quotes {
            format!("\"{}\"", content.replace('\\', "\\\\").replace('"', "\\\""))
        } else {
            content
        }
    })
}

fn naptr() -> impl Strategy<Value = String> {
    let flags = "[A-Za-z0-9]{0,2}".prop_map(|flags| format!("\"{flags}\""));
    (any::<u16>(), any::<u16>(), flags, string(20), string(40), target()).prop_map(
        |(order, preference, flags, services, regexp, replacement)| {
            format!("{order} {preference} {flags} {services} {regexp} {replacement}")
        },
    )
}

/// An algorithm and as many octets as it makes, as digits in one or two groups. Other algorithms make any
/// number.
fn digest(algorithms: &'static [(u8, usize)]) -> impl Strategy<Value = String> {
    let known =
        select(algorithms).prop_flat_map(|(algorithm, length)| (Just(algorithm), vec(any::<u8>(), length)));
    let other = (5_u8.., vec(any::<u8>(), 1..40));
    (prop_oneof![3 => known, 1 => other], any::<bool>(), any::<Option<Index>>()).prop_map(
        |((algorithm, octets), upper, gap)| {
            let mut digits: String = octets.iter().map(|octet| format!("{octet:02x}")).collect();
            if upper {
                digits.make_ascii_uppercase();
            }
            if let Some(gap) = gap {
                digits.insert(gap.index(digits.len() - 1) + 1, ' ');
            }
            format!("{algorithm} {digits}")
        },
    )
}

fn service_binding() -> impl Strategy<Value = String> {
    let parameters = (any::<u16>(), any::<[u8; 3]>(), "[a-z0-9]{1,8}", vec(any::<Ipv6Addr>(), 1..3))
        .prop_map(|(port, octets, protocol, hints)| {
            let hints: Vec<String> = hints.iter().map(ToString::to_string).collect();
            let [first, second, third] = octets;
            vec![
                format!("alpn=\"h2,{protocol}\""),
                format!("port={port}"),
                format!("ipv4hint=192.0.2.{first},198.51.100.{second}"),
                format!("ipv6hint={}", hints.join(",")),
                format!("dohpath=/{protocol}{{?dns}}"),
                "ech=AEj+DQBEAQAgACAdd+scUi0=".to_owned(),
                format!("key65290=\"\\{third:03} ;\\\"{protocol}\""),
                format!("key{}", 1_000 + port % 1_000),
            ]
        });
    let parameters = parameters.prop_flat_map(|all| subsequence(all, 0..=8).prop_shuffle());
    prop_oneof![
        1 => target().prop_map(|target| format!("0 {target}")),
        4 => (1..=u16::MAX, target(), parameters, any::<bool>()).prop_map(
            |(priority, target, parameters, mandatory)| {
                let mut value = format!("{priority} {target}");
                for parameter in &parameters {
                    value.push(' ');
                    value.push_str(parameter);
                }
                let key = parameters.first().and_then(|parameter| parameter.split('=').next());
                match key {
                    Some(key) if mandatory => value + " mandatory=" + key,
                    _ => value,
                }
            }
        ),
    ]
}
