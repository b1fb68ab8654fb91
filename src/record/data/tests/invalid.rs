//! Wrong values, and what is said about them.

use super::RecordType::{
    A, Aaaa, Caa, Cname, Dname, Ds, Https, Mx, Naptr, Ns, Ptr, Srv, Sshfp, Svcb, Tlsa, Txt, Uri,
};
use super::*;
use crate::record::NameError;

fn number(field: &'static str, text: &str, maximum: u64) -> DataProblem {
    DataProblem::Number { field, text: text.into(), maximum }
}

fn address(field: &'static str, text: &str) -> DataProblem {
    DataProblem::AddressAsName { field, text: text.into() }
}

fn name(field: &'static str, text: &str, source: NameError) -> DataProblem {
    DataProblem::Name { field, text: text.into(), source }
}

fn parameter(key: &str, reason: &str) -> DataProblem {
    DataProblem::Parameter { key: key.into(), reason: reason.into() }
}

#[rstest]
#[case(A, "192.0.2.256", DataProblem::Ipv4("192.0.2.256".into()))]
#[case(A, "192.0.2", DataProblem::Ipv4("192.0.2".into()))]
#[case(A, "192.0.2.010", DataProblem::Ipv4("192.0.2.010".into()))]
#[case(A, "2001:db8::1", DataProblem::Ipv4("2001:db8::1".into()))]
#[case(A, "192.0.2.1 192.0.2.2", DataProblem::Ipv4("192.0.2.1 192.0.2.2".into()))]
#[case(A, "", DataProblem::Ipv4(String::new()))]
#[case(Aaaa, "192.0.2.1", DataProblem::Ipv6("192.0.2.1".into()))]
#[case(Aaaa, "2001:db8", DataProblem::Ipv6("2001:db8".into()))]
#[case(Aaaa, "2001:db8::1::2", DataProblem::Ipv6("2001:db8::1::2".into()))]
#[case(Aaaa, "fe80::1%eth0", DataProblem::Ipv6("fe80::1%eth0".into()))]
#[case(Aaaa, "2001:db8::1/64", DataProblem::Ipv6("2001:db8::1/64".into()))]
#[case(Cname, "192.0.2.1", address("target", "192.0.2.1"))]
#[case(Cname, "2001:db8::1", address("target", "2001:db8::1"))]
#[case(Cname, "192.0.2.1\u{ad}", address("target", "192.0.2.1\u{ad}"))]
#[case(Cname, "１９２.0.2.1", address("target", "１９２.0.2.1"))]
#[case(Cname, ".", DataProblem::Root("target"))]
#[case(Cname, "", DataProblem::Empty("target"))]
#[case(Cname, "a..b", name("target", "a..b", NameError::EmptyLabel))]
#[case(Cname, "a b", name("target", "a b", NameError::Character(' ')))]
#[case(Dname, "192.0.2.1.", address("target", "192.0.2.1."))]
#[case(Dname, ".", DataProblem::Root("target"))]
#[case(Dname, "a_b!", name("target", "a_b!", NameError::Character('!')))]
#[case(Dname, "a.*.b", name("target", "a.*.b", NameError::Wildcard))]
#[case(Dname, "a\nb", name("target", "a\nb", NameError::Character('\n')))]
#[case(Mx, "10 192.0.2.1", address("exchange", "192.0.2.1"))]
#[case(Mx, "mx1.example.com", number("preference", "mx1.example.com", 65_535))]
#[case(Mx, "65536 mx1.example.com", number("preference", "65536", 65_535))]
#[case(Mx, "-1 mx1.example.com", number("preference", "-1", 65_535))]
#[case(Mx, "+1 mx1.example.com", number("preference", "+1", 65_535))]
#[case(Mx, "10", DataProblem::Missing("exchange"))]
#[case(Mx, "10 a.example b.example", DataProblem::Extra("b.example".into()))]
#[case(Mx, r#""10" a.example"#, DataProblem::Quotes)]
#[case(Ns, "192.0.2.1", address("name server", "192.0.2.1"))]
#[case(Ns, "::1", address("name server", "::1"))]
#[case(Ns, ".", DataProblem::Root("name server"))]
#[case(
    Ns,
    "ns1.example.com ns2.example.com",
    name("name server", "ns1.example.com ns2.example.com", NameError::Character(' '))
)]
#[case(Ns, "", DataProblem::Empty("name server"))]
#[case(Ptr, "192.0.2.1", address("target", "192.0.2.1"))]
#[case(Ptr, ".", DataProblem::Root("target"))]
#[case(Ptr, "", DataProblem::Empty("target"))]
#[case(Ptr, "host..example", name("target", "host..example", NameError::EmptyLabel))]
#[case(Ptr, r"a\.b", name("target", r"a\.b", NameError::Character('\\')))]
#[case(Srv, "10 60 sip.example.com", number("port", "sip.example.com", 65_535))]
#[case(Srv, "10 60 65536 sip.example.com", number("port", "65536", 65_535))]
#[case(Srv, "10 60 5060", DataProblem::Missing("target"))]
#[case(Srv, "10 60 5060 192.0.2.1", address("target", "192.0.2.1"))]
#[case(Srv, "10 60 5060 a.example extra", DataProblem::Extra("extra".into()))]
#[case(Srv, "10 60 5060 a.example ; comment", DataProblem::Unquoted(';'))]
#[case(Txt, "a\0b", DataProblem::Character('\0'))]
#[case(Txt, "a\nb", DataProblem::Character('\n'))]
#[case(Txt, "a\tb", DataProblem::Character('\t'))]
#[case(Txt, "a\u{7f}b", DataProblem::Character('\u{7f}'))]
#[case(Txt, &"a".repeat(70_000), DataProblem::TooLong { field: "text", maximum: 65_279 })]
#[case(Caa, "256 issue x", number("flags", "256", 255))]
#[case(Caa, "0 is-sue x", DataProblem::Tag("is-sue".into()))]
#[case(Caa, r#"0 "" x"#, DataProblem::Empty("tag"))]
#[case(Caa, "0 issue", DataProblem::Missing("value"))]
#[case(Caa, "0 issue ca.example; policy", DataProblem::Unquoted(';'))]
#[case(Caa, r#"0 issue "open"#, DataProblem::Quotes)]
#[case(Caa, r#"0 issue a"b""#, DataProblem::Quotes)]
#[case(Caa, r#"0 issue "a"b"#, DataProblem::Quotes)]
#[case(Caa, r#"0 issue k="v""#, DataProblem::Quotes)]
#[case(Caa, r#"0 issue "a" "b""#, DataProblem::Extra("b".into()))]
#[case(Caa, r#"0 issue "\256""#, DataProblem::Escape)]
#[case(Caa, r#"0 issue \"#, DataProblem::Escape)]
#[case(Caa, "0 issue ü", DataProblem::Character('ü'))]
#[case(Caa, r#"0 issue "a\ü""#, DataProblem::Character('ü'))]
#[case(Caa, "0 issue \"a\u{7f}\"", DataProblem::Character('\u{7f}'))]
#[case(Mx, "10\na.example", DataProblem::Character('\n'))]
#[case(Svcb, "1 . alpn=ü", DataProblem::Character('ü'))]
#[case(Caa, r#"0 issue "ü""#, DataProblem::Character('ü'))]
#[case(Naptr, r#"100 10 "S" "SIP+D2U" """#, DataProblem::Missing("replacement"))]
#[case(Naptr, r#"100 10 "S!" "SIP+D2U" "" ."#, DataProblem::Flags("S!".into()))]
#[case(Naptr, r#"70000 10 "S" "SIP+D2U" "" ."#, number("order", "70000", 65_535))]
#[case(Naptr, r#"1 10 "S" "SIP+D2U" "" 192.0.2.1"#, address("replacement", "192.0.2.1"))]
#[case(Naptr, r#"1 10 "S" "SIP+D2U" "!(a)!b!" . ."#, DataProblem::Extra(".".into()))]
#[case(Naptr, r#"1 10 "S" "SIP+D2U" !(a)!b! ."#, DataProblem::Unquoted('('))]
#[case(Naptr, &format!(r#"1 10 "S" "{}" "" ."#, "a".repeat(256)), DataProblem::TooLong { field: "services", maximum: 255 })]
#[case(Tlsa, "3 1 1", DataProblem::Missing("certificate association data"))]
#[case(Tlsa, "3 1 1 abcd", DataProblem::Length { field: "certificate association data", algorithm: "SHA-256", expected: 32, found: 2 })]
#[case(Tlsa, "3 1 2 abcd", DataProblem::Length { field: "certificate association data", algorithm: "SHA-512", expected: 64, found: 2 })]
#[case(Tlsa, "3 1 0 abc", DataProblem::Hexadecimal("certificate association data"))]
#[case(Tlsa, "3 1 0 xyz0", DataProblem::Hexadecimal("certificate association data"))]
#[case(Tlsa, "256 1 0 ab", number("certificate usage", "256", 255))]
#[case(Tlsa, r#"3 1 0 "ab""#, DataProblem::Quotes)]
#[case(Sshfp, &format!("4 2 {SHA1}"), DataProblem::Length { field: "fingerprint", algorithm: "SHA-256", expected: 32, found: 20 })]
#[case(Sshfp, &format!("4 1 {SHA256}"), DataProblem::Length { field: "fingerprint", algorithm: "SHA-1", expected: 20, found: 32 })]
#[case(Sshfp, "4 2", DataProblem::Missing("fingerprint"))]
#[case(Sshfp, "4 300 ab", number("fingerprint type", "300", 255))]
#[case(Sshfp, "ed25519 2 ab", number("algorithm", "ed25519", 255))]
#[case(Sshfp, "4 3 0x", DataProblem::Hexadecimal("fingerprint"))]
#[case(Ds, "65536 13 2 ab", number("key tag", "65536", 65_535))]
#[case(Ds, "1 RSASHA256 2 ab", number("algorithm", "RSASHA256", 255))]
#[case(Ds, &format!("1 13 2 {SHA1}"), DataProblem::Length { field: "digest", algorithm: "SHA-256", expected: 32, found: 20 })]
#[case(Ds, &format!("1 13 1 {SHA256}"), DataProblem::Length { field: "digest", algorithm: "SHA-1", expected: 20, found: 32 })]
#[case(Ds, &format!("1 13 4 {SHA256}"), DataProblem::Length { field: "digest", algorithm: "SHA-384", expected: 48, found: 32 })]
#[case(Ds, "1 13 9 (ab)", DataProblem::Unquoted('('))]
#[case(Https, "1", DataProblem::Missing("target"))]
#[case(Https, "1 192.0.2.1", address("target", "192.0.2.1"))]
#[case(Https, "70000 .", number("priority", "70000", 65_535))]
#[case(Https, "0 a.example alpn=h2", DataProblem::AliasParameters)]
#[case(Https, "1 . no-default-alpn", parameter("no-default-alpn", "it needs alpn beside it"))]
#[case(Https, "1 . alpn=h2 alpn=h3", parameter("alpn", "it is given twice"))]
#[case(Https, "1 . alpn=h2,,h3", parameter("alpn", "a protocol is empty"))]
#[case(Https, "1 . alpn=h2,", parameter("alpn", "the list ends in a comma"))]
#[case(
    Https,
    "1 . color=red",
    parameter("color", "no such key is known; a number can be given, as in key65280=...")
)]
#[case(Https, r#"1 . "alpn=h2""#, DataProblem::Quotes)]
#[case(Https, r#"1 . alpn=a="h2""#, DataProblem::Quotes)]
#[case(Svcb, "1 . mandatory=port", parameter("mandatory", "it lists a key that is not there"))]
#[case(
    Svcb,
    r"1 . key0=\000\003\000\001 port=1 alpn=h2",
    parameter("mandatory", "it lists itself, or a key twice, or keys out of order")
)]
#[case(
    Svcb,
    "1 . key65535=x",
    parameter("key65535", "the number of a key is from 0 to 65534, without zeros in front")
)]
#[case(
    Svcb,
    "1 . key01=x",
    parameter("key01", "the number of a key is from 0 to 65534, without zeros in front")
)]
#[case(Svcb, "1 . key3=x", parameter("port", "its value does not have the wire format of the key"))]
#[case(Svcb, "1 . key4=abc", parameter("ipv4hint", "its value does not have the wire format of the key"))]
#[case(Svcb, "1 . key6=", parameter("ipv6hint", "its value is empty"))]
#[case(Svcb, "1 . ipv6hint=", parameter("ipv6hint", "ipv6hint requires at least one value"))]
#[case(Svcb, r#"1 . dohpath="\255""#, parameter("dohpath", "dohpath must be valid UTF-8"))]
#[case(Uri, "10 https://www.example.com", number("weight", "https://www.example.com", 65_535))]
#[case(Uri, r#"10 1 """#, DataProblem::Empty("target"))]
#[case(Uri, r#"10 1 "https://a b""#, DataProblem::Uri(' '))]
#[case(Uri, r#"10 1 "https://\252""#, DataProblem::Uri(char::REPLACEMENT_CHARACTER))]
#[case(Uri, r#"10 1 "https://a" extra"#, DataProblem::Extra("extra".into()))]
#[case(Uri, "10 1", DataProblem::Missing("target"))]
fn a_wrong_value_is_refused(
    #[case] record_type: RecordType,
    #[case] text: &str,
    #[case] expected: DataProblem,
) {
    assert_eq!(problem(record_type, text), expected);
}

#[test]
fn a_message_says_what_is_wrong_and_shows_a_right_value() {
    let error = RecordData::parse(Mx, "70000 mx1.example.com").unwrap_err();
    assert_eq!(
        error.to_string(),
        "the preference \"70000\" is no whole number from 0 to 65535; a value of type MX looks like this: 10 mx1.example.com"
    );
    let error = RecordData::parse(Cname, "192.0.2.1").unwrap_err();
    assert_eq!(
        error.to_string(),
        "the target \"192.0.2.1\" is an address, and a host name belongs there; a value of type CNAME looks like this: \
         www.example.com"
    );
}

#[test]
fn a_message_does_not_repeat_a_long_value() {
    let error = RecordData::parse(Mx, &format!("{} a.example", "9".repeat(2_000))).unwrap_err();
    assert!(error.to_string().len() < 250, "{error}");
}
