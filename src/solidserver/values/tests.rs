use proptest::prelude::*;
use rstest::rstest;

use super::RecordType::{
    A, Aaaa, Caa, Cname, Dname, Ds, Https, Mx, Naptr, Ns, Ptr, Srv, Sshfp, Svcb, Tlsa, Txt, Uri,
};
use super::*;
use crate::record::strategies::valid_value;

const SHA256: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

fn parse(record_type: RecordType, text: &str) -> RecordData {
    RecordData::parse(record_type, text).unwrap_or_else(|error| panic!("{text:?}: {error}"))
}

fn read(record_type: RecordType, values: &[&str]) -> RecordData {
    from_values(record_type, values).unwrap_or_else(|error| panic!("{values:?}: {error}"))
}

#[rstest]
#[case(A, "192.0.2.1", &["192.0.2.1"])]
#[case(Aaaa, "2001:DB8::1", &["2001:0db8:0000:0000:0000:0000:0000:0001"])]
#[case(Aaaa, "::ffff:192.0.2.1", &["0000:0000:0000:0000:0000:ffff:c000:0201"])]
#[case(Cname, "WWW.Example.com.", &["www.example.com"])]
#[case(Dname, "example.net.", &["example.net"])]
#[case(Ns, "ns1.example.com.", &["ns1.example.com"])]
#[case(Ptr, "Host.example.com", &["host.example.com"])]
#[case(Mx, "10 mx1.example.com.", &["10", "mx1.example.com"])]
#[case(Mx, "0 .", &["0", "."])]
#[case(Srv, "10 60 5060 sip.example.com.", &["10", "60", "5060", "sip.example.com"])]
#[case(Srv, "0 0 0 .", &["0", "0", "0", "."])]
#[case(Txt, r#"a "quoted"; \ word"#, &[r#"a "quoted"; \ word"#])]
#[case(Txt, r#""quoted""#, &[r#""\"quoted\"""#])]
#[case(Txt, r#"""#, &[r#""\"""#])]
#[case(Txt, " grüße ", &[" grüße "])]
#[case(Txt, "", &[r#""""#])]
#[case(Caa, r#"0 issue "ca.example.net; policy=ev""#, &["0", "issue", "ca.example.net; policy=ev"])]
#[case(Caa, r#"0 issue "\"a\"""#, &["0", "issue", r#""\"a\"""#])]
#[case(Caa, r#"0 issue " a""#, &["0", "issue", r#"" a""#])]
#[case(Caa, r#"0 issue "\010\255""#, &["0", "issue", r#""\010\255""#])]
#[case(Naptr, r#"100 10 "s" "SIP+D2U" "" _sip._udp.example.com."#, &["100", "10", "S", "SIP+D2U", "", "_sip._udp.example.com"])]
#[case(Naptr, r#"1 2 "U" "E2U+sip" "!^.*$!sip:\\1@x!" ."#, &["1", "2", "U", "E2U+sip", r"!^.*$!sip:\1@x!", "."])]
#[case(Tlsa, &format!("3 1 1 {SHA256}"), &["3", "1", "1", SHA256])]
#[case(Sshfp, &format!("4 2 {SHA256}"), &["4", "2", SHA256])]
#[case(Ds, &format!("12345 13 2 {SHA256}"), &["12345", "13", "2", SHA256])]
#[case(Https, r#"1 . port=8443 alpn="h2,h3""#, &["1", ".", "alpn=h2,h3 port=8443"])]
#[case(Https, "0 a.example.", &["0", "a.example", ""])]
#[case(Svcb, "1 a.example key99=x", &["1", "a.example", r#"key99="x""#])]
#[case(Uri, r#"10 1 "https://www.example.com/""#, &["10", "1", "https://www.example.com/"])]
fn a_value_goes_into_its_columns_and_comes_back(
    #[case] record_type: RecordType,
    #[case] text: &str,
    #[case] columns: &[&str],
) {
    let data = parse(record_type, text);
    assert_eq!(to_values(&data), columns);
    assert_eq!(read(record_type, columns), data);
}

#[test]
fn every_type_is_in_the_table_of_widths() {
    for record_type in RecordType::ALL {
        let data = parse(record_type, crate::record::example(record_type));
        assert_eq!(to_values(&data).len(), width(record_type), "{record_type}");
    }
}

/// The columns say what the value says, whatever the appliance made of it.
#[rstest]
#[case(A, &[" 192.0.2.1 "], "192.0.2.1")]
#[case(A, &["192.0.2.1", "", ""], "192.0.2.1")]
#[case(Aaaa, &["2001:db8::1"], "2001:db8::1")]
#[case(Aaaa, &["2001:0DB8:0000:0000:0000:0000:0000:0001"], "2001:db8::1")]
#[case(Cname, &["WWW.EXAMPLE.COM."], "www.example.com")]
#[case(Cname, &["bücher.example"], "xn--bcher-kva.example")]
#[case(Ns, &["ns1.example.com."], "ns1.example.com")]
#[case(Mx, &["10", "MX1.example.com."], "10 mx1.example.com")]
#[case(Mx, &["0", ""], "0 .")]
#[case(Mx, &["0"], "0 .")]
#[case(Mx, &["10 mx1.example.com.", ""], "10 mx1.example.com")]
#[case(Mx, &["10, mx1.example.com"], "10 mx1.example.com")]
#[case(Srv, &["0", "0", "0"], "0 0 0 .")]
#[case(Srv, &["10, 60, 5060, sip.example.com."], "10 60 5060 sip.example.com")]
#[case(Srv, &["10 60 5060 sip.example.com"], "10 60 5060 sip.example.com")]
#[case(Txt, &[r#""v=spf1 -all""#], "v=spf1 -all")]
#[case(Txt, &[r#""v=DKIM1; " "p=MIIB""#], "v=DKIM1; p=MIIB")]
#[case(Txt, &[r#""a""b""#], "ab")]
#[case(Txt, &[r#""say \"hi\" \\ \065\195\188""#], r#"say "hi" \ Aü"#)]
#[case(Txt, &["one", "two"], "onetwo")]
#[case(Txt, &[r#""open"#], r#""open"#)]
#[case(Txt, &[r#""a" b"#], r#""a" b"#)]
#[case(Txt, &[r#""a\25x""#], r#""a\25x""#)]
#[case(Txt, &[r#""a\""#], r#""a\""#)]
#[case(Txt, &[r#"a "b""#], r#"a "b""#)]
#[case(Txt, &[r#""ü☃""#], "ü☃")]
#[case(Caa, &["0", "ISSUE", r#""ca.example.net""#], r#"0 issue "ca.example.net""#)]
#[case(Caa, &[r#"0 issue "ca.example.net""#], r#"0 issue "ca.example.net""#)]
#[case(Caa, &["0 issue ca.example.net; policy=ev"], r#"0 issue "ca.example.net; policy=ev""#)]
#[case(Caa, &["0, issue, ca.example.net; policy=ev"], r#"0 issue "ca.example.net; policy=ev""#)]
#[case(Naptr, &["100", "10", r#""S""#, r#""SIP+D2U""#, r#""""#, "_sip._udp.example.com."], r#"100 10 "S" "SIP+D2U" "" _sip._udp.example.com"#)]
#[case(Naptr, &["1", "2", "u", "E2U+sip", r#""!^.*$!sip:\\1@x!""#, ""], r#"1 2 "U" "E2U+sip" "!^.*$!sip:\\1@x!" ."#)]
#[case(Naptr, &[r#"1 2 "U" "E2U+sip" "!a!b c!" ."#], r#"1 2 "U" "E2U+sip" "!a!b c!" ."#)]
#[case(Tlsa, &["3", "1", "0", "AB CD", "EF"], "3 1 0 abcdef")]
#[case(Tlsa, &["3 1 0 ABCD"], "3 1 0 abcd")]
#[case(Sshfp, &["4, 3, abcd"], "4 3 abcd")]
#[case(Sshfp, &["4", "3", "AB\tcd"], "4 3 abcd")]
#[case(Ds, &["1", "13", "9", "AB CD"], "1 13 9 abcd")]
#[case(Https, &["1", ""], "1 .")]
#[case(Https, &["1", ".", r#"port="8443" alpn="h2,h3""#], "1 . alpn=h2,h3 port=8443")]
#[case(Https, &["1", "", "alpn=h2", "port=1"], "1 . alpn=h2 port=1")]
#[case(Https, &["1 . alpn=h2,h3"], "1 . alpn=h2,h3")]
#[case(Svcb, &["1, a.example, alpn=h2,h3 port=1"], "1 a.example alpn=h2,h3 port=1")]
#[case(Uri, &["10", "1", r#""https://www.example.com/""#], r#"10 1 "https://www.example.com/""#)]
#[case(Uri, &["10 1 https://www.example.com/a;b"], r#"10 1 "https://www.example.com/a;b""#)]
fn reading_looks_past_what_the_appliance_changes(
    #[case] record_type: RecordType,
    #[case] columns: &[&str],
    #[case] text: &str,
) {
    assert_eq!(read(record_type, columns), parse(record_type, text));
}

/// What differs in the columns in any other way differs in the value.
#[rstest]
#[case(Txt, &["Text"], &["text"])]
#[case(Txt, &["text"], &[" text"])]
#[case(Txt, &["text."], &["text"])]
#[case(Txt, &[r#""a b""#], &[r#""a" "b""#])]
#[case(Txt, &["2001:db8::1"], &["2001:0db8:0000:0000:0000:0000:0000:0001"])]
#[case(Txt, &["'a'"], &["a"])]
#[case(Caa, &["0", "issue", "a"], &["0", "issue", "A"])]
#[case(Caa, &["0", "issue", "a."], &["0", "issue", "a"])]
#[case(Naptr, &["1", "2", "U", "x", r"\1", "."], &["1", "2", "U", "x", "1", "."])]
#[case(Naptr, &["1", "2", "U", "x", "", "."], &["1", "2", "U", "X", "", "."])]
#[case(Mx, &["10", "a.example"], &["10", "a.example.example"])]
#[case(Mx, &["1", "a.example"], &["10", "a.example"])]
#[case(Uri, &["1", "1", "https://example.com."], &["1", "1", "https://example.com"])]
#[case(Https, &["1", ".", "alpn=h2,h3"], &["1", ".", "alpn=h3,h2"])]
#[case(Https, &["1", ".", "alpn=h2"], &["1", "a.example", "alpn=h2"])]
#[case(Ds, &["1", "13", "9", "ab"], &["1", "13", "9", "ab00"])]
fn reading_looks_past_nothing_else(
    #[case] record_type: RecordType,
    #[case] one: &[&str],
    #[case] other: &[&str],
) {
    assert_ne!(read(record_type, one), read(record_type, other));
}

#[rstest]
#[case(A, &[])]
#[case(A, &[""])]
#[case(A, &["192.0.2.1", "192.0.2.2"])]
#[case(Aaaa, &["192.0.2.1"])]
#[case(Cname, &[""])]
#[case(Cname, &["."])]
#[case(Mx, &["10", "192.0.2.1"])]
#[case(Mx, &["", "mx1.example.com"])]
#[case(Mx, &["10", "a.example", "b.example"])]
#[case(Srv, &["10", "60"])]
#[case(Caa, &["0"])]
#[case(Naptr, &["100"])]
#[case(Tlsa, &["3", "1", "1", ""])]
#[case(Sshfp, &["4", "2", "xy"])]
#[case(Ds, &["1 13 2"])]
#[case(Https, &["", ".", ""])]
#[case(Https, &["1", ".", "alpn"])]
#[case(Uri, &["10", "1", ""])]
fn columns_that_make_no_sense_are_an_error(#[case] record_type: RecordType, #[case] columns: &[&str]) {
    assert_eq!(from_values(record_type, columns).unwrap_err().record_type, record_type);
}

#[test]
fn text_of_255_octets_is_sent_as_it_is_and_longer_text_in_strings() {
    let longest = "a".repeat(255);
    assert_eq!(to_values(&parse(Txt, &longest)), [longest.as_str()]);
    let longer = format!("{longest}b");
    assert_eq!(to_values(&parse(Txt, &longer)), [format!("\"{longest}\" \"b\"")]);
}

#[test]
fn a_character_is_not_torn_apart_between_strings() {
    let text = format!("{}ü{}", "a".repeat(254), "b".repeat(10));
    assert_eq!(to_values(&parse(Txt, &text)), [format!("\"{}\" \"ü{}\"", "a".repeat(254), "b".repeat(10))]);
}

#[test]
fn escapes_do_not_count_against_the_length_of_a_string() {
    let text = "\"".repeat(256);
    let column = format!("\"{}\" \"\\\"\"", "\\\"".repeat(255));
    assert_eq!(to_values(&parse(Txt, &text)), [column]);
}

fn typed_value() -> impl Strategy<Value = (RecordType, String)> {
    proptest::sample::select(RecordType::ALL.as_slice())
        .prop_flat_map(|record_type| (Just(record_type), valid_value(record_type)))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn to_the_columns_and_back_is_the_identity((record_type, text) in typed_value()) {
        let data = parse(record_type, &text);
        let values = to_values(&data);
        prop_assert!(values.len() <= 7);
        prop_assert_eq!(&from_values(record_type, &values).unwrap(), &data);
        // A row is shown without the empty columns at its end, or with all seven.
        let last = values.iter().rposition(|value| !value.is_empty()).map_or(0, |last| last + 1);
        prop_assert_eq!(&from_values(record_type, &values[..last]).unwrap(), &data);
        let mut seven = values;
        seven.resize(7, String::new());
        prop_assert_eq!(&from_values(record_type, &seven).unwrap(), &data);
    }

    #[test]
    fn a_value_packed_into_the_first_column_is_read((record_type, text) in typed_value()) {
        prop_assert_eq!(from_values(record_type, &[&text]).unwrap(), match record_type {
            // Text that consists of quoted strings is taken out of them.
            Txt => from_values(Txt, &[&text]).unwrap(),
            _ => parse(record_type, &text),
        });
    }

    #[test]
    fn any_octets_survive_as_text(octets in proptest::collection::vec(any::<u8>(), 0..700)) {
        let data = RecordData::text(octets.into()).unwrap();
        prop_assert_eq!(from_values(Txt, &to_values(&data)).unwrap(), data);
    }

    #[test]
    fn strings_of_text_are_at_most_255_octets(text in "[ -~ü☃]{256,900}") {
        let column = &to_values(&parse(Txt, &text))[0];
        let mut lengths = Vec::new();
        let mut characters = column.chars();
        while characters.next() == Some('"') {
            let mut length = 0;
            loop {
                match characters.next() {
                    Some('"') => break,
                    Some('\\') => length += characters.next().map_or(0, char::len_utf8),
                    Some(character) => length += character.len_utf8(),
                    None => prop_assert!(false, "a string is not closed"),
                }
            }
            lengths.push(length);
            prop_assert!(matches!(characters.next(), None | Some(' ')));
        }
        prop_assert_eq!(lengths.iter().sum::<usize>(), text.len());
        // A string ends early only where the next character, of three octets at most, does not fit.
        let (last, full) = lengths.split_last().unwrap();
        prop_assert!(full.iter().all(|length| (253..=255).contains(length)), "{:?}", lengths);
        prop_assert!((1..=255).contains(last), "{:?}", lengths);
    }

    #[test]
    fn hostile_columns_do_no_harm(
        record_type in proptest::sample::select(RecordType::ALL.as_slice()),
        columns in proptest::collection::vec("[0-9a.\"\\\\ ;(=,\\n\\x00é-]{0,12}", 0..8),
    ) {
        if let Ok(data) = from_values(record_type, &columns) {
            prop_assert_eq!(from_values(record_type, &to_values(&data)).unwrap(), data);
        }
    }
}
