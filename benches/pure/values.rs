//! Values on their way into canonical form and into an appliance's columns.

use solidserver_operator::record::{Name, RecordData, RecordType, example};
use solidserver_operator::solidserver::values::{from_values, to_values};

/// Names as people write them, and what they have to become.
const NAMES: [(&str, &str); 4] = [
    ("www.shop.example.com", "www.shop.example.com"),
    ("WWW.Shop.Example.COM.", "www.shop.example.com"),
    ("_sip._udp.example.com", "_sip._udp.example.com"),
    ("bücher.example.com", "xn--bcher-kva.example.com"),
];

/// Reads names `rounds` times; the octets that come out.
pub(crate) fn names(rounds: usize) -> usize {
    let texts = NAMES.iter().cycle().take(rounds * NAMES.len());
    texts.filter_map(|(text, _)| Name::parse(text).ok()).map(|name| name.as_str().len()).sum()
}

/// Reads a value of each type, writes it into columns, and reads it from there, `rounds` times; how many came out as they
/// went in.
pub(crate) fn canonical(rounds: usize) -> usize {
    let types = RecordType::ALL.iter().cycle().take(rounds * RecordType::ALL.len());
    let same = types.filter(|record_type| {
        let Ok(data) = RecordData::parse(**record_type, example(**record_type)) else { return false };
        from_values(**record_type, &to_values(&data)).is_ok_and(|read| read == data)
    });
    same.count()
}

/// Ends the program unless all come out right.
pub(crate) fn check() {
    for (text, expected) in NAMES {
        assert_eq!(Name::parse(text).expect("a name").as_str(), expected);
    }
    assert_eq!(canonical(1), RecordType::ALL.len());
}
