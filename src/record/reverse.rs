//! Addresses as names: where the PTR record of an address stands (RFC 1035 3.5, RFC 3596 2.5).

use std::fmt::Write as _;
use std::net::{Ipv4Addr, Ipv6Addr};

use super::{Name, RecordData};

/// The owner name of the PTR record of an address; `None` for data that is no address.
#[must_use]
pub fn reverse_name(data: &RecordData) -> Option<Name> {
    let mut text = String::with_capacity(72);
    match data {
        RecordData::A(address) => {
            for octet in address.octets().iter().rev() {
                // Writing into a String cannot fail.
                let _ = write!(text, "{octet}.");
            }
            text.push_str("in-addr.arpa");
        }
        RecordData::Aaaa(address) => {
            for octet in address.octets().iter().rev() {
                let _ = write!(text, "{:x}.{:x}.", octet & 0xf, octet >> 4);
            }
            text.push_str("ip6.arpa");
        }
        _ => return None,
    }
    Name::parse(&text).ok()
}

/// An address as one label that people can read, such as `192-0-2-10` or `2001-db8-0-0-0-0-0-10`: each address has one of its own.
/// `None` for data that is no address.
#[must_use]
pub fn address_label(data: &RecordData) -> Option<String> {
    let join = |parts: Vec<String>| parts.join("-");
    match data {
        RecordData::A(address) => Some(join(Ipv4Addr::octets(address).iter().map(u8::to_string).collect())),
        RecordData::Aaaa(address) => {
            Some(join(Ipv6Addr::segments(address).iter().map(|group| format!("{group:x}")).collect()))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use proptest::prelude::*;

    use super::*;
    use crate::record::RecordType;

    fn of(record_type: RecordType, text: &str) -> (String, String) {
        let data = RecordData::parse(record_type, text).unwrap();
        (reverse_name(&data).unwrap().to_string(), address_label(&data).unwrap())
    }

    #[test]
    fn an_address_has_its_name_below_arpa_and_a_label() {
        for (record_type, text, name, label) in [
            (RecordType::A, "192.0.2.10", "10.2.0.192.in-addr.arpa", "192-0-2-10"),
            (RecordType::A, "0.0.0.0", "0.0.0.0.in-addr.arpa", "0-0-0-0"),
            (RecordType::A, "255.254.1.0", "0.1.254.255.in-addr.arpa", "255-254-1-0"),
            // The example of RFC 3596 2.5.
            (
                RecordType::Aaaa,
                "4321:0:1:2:3:4:567:89ab",
                "b.a.9.8.7.6.5.0.4.0.0.0.3.0.0.0.2.0.0.0.1.0.0.0.0.0.0.0.1.2.3.4.ip6.arpa",
                "4321-0-1-2-3-4-567-89ab",
            ),
            (
                RecordType::Aaaa,
                "2001:DB8::10",
                "0.1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa",
                "2001-db8-0-0-0-0-0-10",
            ),
        ] {
            assert_eq!(of(record_type, text), (name.to_owned(), label.to_owned()), "{text}");
        }
    }

    #[test]
    fn what_is_no_address_has_none() {
        for (record_type, text) in [(RecordType::Cname, "www.example.com"), (RecordType::Txt, "192.0.2.10")] {
            let data = RecordData::parse(record_type, text).unwrap();
            assert_eq!((reverse_name(&data), address_label(&data)), (None, None));
        }
    }

    /// Reads a name below arpa as an address again, independently of how it was made.
    fn read_back(name: &str) -> IpAddr {
        let labels = |suffix: &str| -> Option<Vec<String>> {
            let labels = name.strip_suffix(suffix)?.split('.').rev();
            Some(labels.map(str::to_owned).collect())
        };
        match (labels(".in-addr.arpa"), labels(".ip6.arpa")) {
            (Some(octets), _) => octets.join(".").parse().unwrap(),
            (_, Some(digits)) => {
                let groups: Vec<String> = digits.chunks(4).map(|group| group.concat()).collect();
                groups.join(":").parse().unwrap()
            }
            _ => panic!("{name}"),
        }
    }

    proptest! {
        #[test]
        fn the_name_reads_back_as_the_address(bits: u128, is_short: bool) {
            let address = match is_short {
                true => RecordData::A(Ipv4Addr::from_bits((bits >> 96) as u32)),
                false => RecordData::Aaaa(Ipv6Addr::from_bits(bits)),
            };
            let name = reverse_name(&address).unwrap();
            prop_assert_eq!(read_back(name.as_str()).to_string(), address.to_string());
            prop_assert!(address_label(&address).unwrap().len() <= 39);
        }
    }
}
