//! What holds for every value.

use super::*;
use crate::record::strategies::{mutated_value, valid_value};

fn any_type() -> impl Strategy<Value = RecordType> {
    proptest::sample::select(RecordType::ALL.as_slice())
}

fn typed(value: fn(RecordType) -> BoxedStrategy<String>) -> impl Strategy<Value = (RecordType, String)> {
    any_type().prop_flat_map(move |record_type| (Just(record_type), value(record_type)))
}

/// Text that has hurt parsers before.
fn hostile() -> impl Strategy<Value = String> {
    let pieces = vec![
        "((",
        "))",
        ";",
        "\"",
        "\\",
        "\\#",
        "\\256",
        "\0",
        "\n",
        "\r\n",
        " ",
        "\t",
        "=",
        ",",
        ".",
        "..",
        "*",
        "@",
        "$ORIGIN",
        "é",
        "\u{202e}",
        "0",
        "10",
        "65536",
        "a",
        "alpn=",
        "key1=",
        "mandatory=",
        "ipv4hint=",
        "ech=",
        "key65535",
        "1 . ",
        "0 issue ",
        "10 1 ",
        "100 10 ",
        "3 1 1 ",
    ];
    proptest::collection::vec(proptest::sample::select(pieces), 0..12).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn every_valid_value_is_read_and_its_canonical_form_is_stable((record_type, text) in typed(valid_value)) {
        let data = parse(record_type, &text);
        let canonical = data.to_string();
        let again = parse(record_type, &canonical);
        prop_assert_eq!(&again, &data);
        prop_assert_eq!(again.to_string(), canonical);
    }

    #[test]
    fn hostile_text_is_refused_or_becomes_canonical(
        record_type in any_type(),
        text in prop_oneof![hostile(), ".{0,60}", "\\PC{0,60}"],
    ) {
        if let Ok(data) = RecordData::parse(record_type, &text) {
            prop_assert_eq!(parse(record_type, &data.to_string()), data);
        }
    }

    #[test]
    fn a_damaged_value_is_refused_or_becomes_canonical((record_type, text) in typed(mutated_value)) {
        if let Ok(data) = RecordData::parse(record_type, &text) {
            prop_assert_eq!(parse(record_type, &data.to_string()), data);
        }
    }
}

#[test]
fn long_hostile_text_does_no_harm() {
    for record_type in RecordType::ALL {
        for piece in ["(", "\"", "\\", "a", "0", "é", " ", "a.", "\0", "\n", "1 ", "alpn=a ", "ff", "\\000"]
        {
            let text = piece.repeat(65_536 / piece.len());
            for text in
                [format!("1 . {text}"), format!("0 issue \"{text}\""), format!("1 1 1 1 {text}"), text]
            {
                if let Ok(data) = RecordData::parse(record_type, &text) {
                    assert_eq!(parse(record_type, &data.to_string()), data);
                }
            }
        }
    }
}

#[test]
fn names_and_hosts_that_differ_stay_different() {
    for (record_type, one, other) in [
        (RecordType::A, "192.0.2.1", "192.0.2.2"),
        (RecordType::Aaaa, "2001:db8::1", "2001:db8::1:0"),
        (RecordType::Aaaa, "::ffff:192.0.2.1", "::192.0.2.1"),
        (RecordType::Cname, "a.example", "b.example"),
        (RecordType::Cname, "a.example", "a.example.com"),
        (RecordType::Cname, "a-b.example", "a_b.example"),
        (RecordType::Dname, "example.net", "example.com"),
        (RecordType::Mx, "10 a.example", "11 a.example"),
        (RecordType::Mx, "0 .", "0 a"),
        (RecordType::Ns, "ns1.example", "ns2.example"),
        (RecordType::Ptr, "a.example", "*.example"),
        (RecordType::Srv, "1 2 3 a.example", "2 1 3 a.example"),
        (RecordType::Txt, "Text", "text"),
        (RecordType::Txt, "text", "text "),
        (RecordType::Txt, "text", "text."),
        (RecordType::Txt, "text", "\"text\""),
        (RecordType::Txt, r"a\b", r"a\\b"),
        (RecordType::Caa, "0 issue a", "128 issue a"),
        (RecordType::Caa, "0 issue a", "0 issuewild a"),
        (RecordType::Caa, "0 issue a", "0 issue A"),
        (RecordType::Naptr, "1 1 S x y .", "1 1 S X y ."),
        (RecordType::Naptr, "1 1 S x y .", "1 1 S x y y"),
        (RecordType::Naptr, r#"1 1 S x "\\1" ."#, r#"1 1 S x "1" ."#),
        (RecordType::Tlsa, "3 1 0 ab", "3 0 0 ab"),
        (RecordType::Tlsa, "3 1 0 ab", "3 1 0 ab00"),
        (RecordType::Sshfp, "4 3 ab", "4 3 ac"),
        (RecordType::Ds, "1 13 9 ab", "2 13 9 ab"),
        (RecordType::Https, "1 . alpn=h2,h3", "1 . alpn=h3,h2"),
        (RecordType::Https, "1 . alpn=h2", "1 . alpn=H2"),
        (RecordType::Svcb, "1 . port=1", "1 ."),
        (RecordType::Uri, "1 1 https://example.com/A", "1 1 https://example.com/a"),
        (RecordType::Uri, "1 1 https://example.com", "1 1 https://example.com/"),
    ] {
        assert_ne!(parse(record_type, one), parse(record_type, other), "{record_type} {one} / {other}");
    }
    // The same content under another type is another value.
    assert_ne!(parse(RecordType::Https, "1 ."), parse(RecordType::Svcb, "1 ."));
    assert_ne!(parse(RecordType::Ns, "a.example"), parse(RecordType::Ptr, "a.example"));
}
