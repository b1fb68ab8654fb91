//! Right values, and how they are written canonically.

use super::RecordType::{
    A, Aaaa, Caa, Cname, Dname, Ds, Https, Mx, Naptr, Ns, Ptr, Srv, Sshfp, Svcb, Tlsa, Txt, Uri,
};
use super::*;

#[rstest]
#[case(A, "192.0.2.10", "192.0.2.10")]
#[case(A, "0.0.0.0", "0.0.0.0")]
#[case(A, "255.255.255.255", "255.255.255.255")]
#[case(A, " 192.0.2.1", "192.0.2.1")]
#[case(A, "127.0.0.1\t", "127.0.0.1")]
#[case(Aaaa, "2001:db8::1", "2001:db8::1")]
#[case(Aaaa, "2001:0DB8:0000:0000:0000:0000:0000:0001", "2001:db8::1")]
#[case(Aaaa, "2001:db8:0:0::1", "2001:db8::1")]
#[case(Aaaa, "::", "::")]
#[case(Aaaa, "::ffff:192.0.2.1", "::ffff:192.0.2.1")]
#[case(Aaaa, "FE80::A", "fe80::a")]
#[case(Cname, "www.example.com", "www.example.com")]
#[case(Cname, "WWW.Example.COM.", "www.example.com")]
#[case(Cname, "bücher.example", "xn--bcher-kva.example")]
#[case(Cname, "1.0/25.2.0.192.in-addr.arpa", "1.0/25.2.0.192.in-addr.arpa")]
#[case(Cname, "_dmarc.example.com", "_dmarc.example.com")]
#[case(Dname, "example.net", "example.net")]
#[case(Dname, "Example.NET.", "example.net")]
#[case(Dname, "net", "net")]
#[case(Dname, "a.b.c.d.e", "a.b.c.d.e")]
#[case(Dname, "192.0.2.in-addr.arpa", "192.0.2.in-addr.arpa")]
#[case(Mx, "10 mx1.example.com", "10 mx1.example.com")]
#[case(Mx, "010\tMX1.example.com.", "10 mx1.example.com")]
#[case(Mx, "0 .", "0 .")]
#[case(Mx, "65535 mx", "65535 mx")]
#[case(Mx, "  20   mx2.example.com  ", "20 mx2.example.com")]
#[case(Mx, "10 Bücher.example", "10 xn--bcher-kva.example")]
#[case(Ns, "ns1.example.com", "ns1.example.com")]
#[case(Ns, "NS1.EXAMPLE.COM", "ns1.example.com")]
#[case(Ns, "ns1.example.com.", "ns1.example.com")]
#[case(Ns, "ns-1.example", "ns-1.example")]
#[case(Ns, "ns1.bücher.example", "ns1.xn--bcher-kva.example")]
#[case(Ptr, "host.example.com", "host.example.com")]
#[case(Ptr, "Host.example.com.", "host.example.com")]
#[case(Ptr, "h_1.example.com", "h_1.example.com")]
#[case(Ptr, "dns-sd.example", "dns-sd.example")]
#[case(Ptr, "*.example.com", "*.example.com")]
#[case(Srv, "10 60 5060 sip.example.com", "10 60 5060 sip.example.com")]
#[case(Srv, "0 0 0 .", "0 0 0 .")]
#[case(Srv, "65535 65535 65535 A.example.", "65535 65535 65535 a.example")]
#[case(Srv, "1 2 3 4x", "1 2 3 4x")]
#[case(Srv, "01 002 0003 a.example", "1 2 3 a.example")]
#[case(Txt, "v=spf1 -all", "v=spf1 -all")]
#[case(Txt, r#"say "hi"; \o/"#, r#"say "hi"; \o/"#)]
#[case(Txt, r#""quoted""#, r#""quoted""#)]
#[case(Txt, " spaces stay ", " spaces stay ")]
#[case(Txt, "grüße ☃", "grüße ☃")]
#[case(Txt, "", "")]
#[case(Caa, r#"0 issue "ca.example.net""#, r#"0 issue "ca.example.net""#)]
#[case(Caa, "0 ISSUE ca.example.net", r#"0 issue "ca.example.net""#)]
#[case(Caa, r#"128 issuewild ";""#, r#"128 issuewild ";""#)]
#[case(Caa, r#"0 iodef "mailto:a@example.com""#, r#"0 iodef "mailto:a@example.com""#)]
#[case(Caa, r#"0 issue """#, r#"0 issue """#)]
#[case(Caa, r#"0 issue "a\"b\\c\007""#, r#"0 issue "a\"b\\c\007""#)]
#[case(Caa, r#"0 issue ca.example\;\ policy\061ev"#, r#"0 issue "ca.example; policy=ev""#)]
#[case(
    Naptr,
    r#"100 10 "S" "SIP+D2U" "" _sip._udp.example.com"#,
    r#"100 10 "S" "SIP+D2U" "" _sip._udp.example.com"#
)]
#[case(
    Naptr,
    r#"100 10 u E2U+sip "!^.*$!sip:\\1@example.com!" ."#,
    r#"100 10 "U" "E2U+sip" "!^.*$!sip:\\1@example.com!" ."#
)]
#[case(Naptr, r#"0 0 "" "" "" ."#, r#"0 0 "" "" "" ."#)]
#[case(Naptr, r#"1 2 "a" "x y" "z" A.Example."#, r#"1 2 "A" "x y" "z" a.example"#)]
#[case(Naptr, r#"1 2 a b c d"#, r#"1 2 "A" "b" "c" d"#)]
#[case(Tlsa, &format!("3 1 1 {SHA256}"), &format!("3 1 1 {SHA256}"))]
#[case(Tlsa, &format!("3 1 1 {}", SHA256.to_uppercase()), &format!("3 1 1 {SHA256}"))]
#[case(Tlsa, &format!("3 1 1 {} {}", &SHA256[..31], &SHA256[31..]), &format!("3 1 1 {SHA256}"))]
#[case(Tlsa, "0 0 0 00ff", "0 0 0 00ff")]
#[case(Tlsa, "255 255 255 AB", "255 255 255 ab")]
#[case(Sshfp, &format!("4 2 {SHA256}"), &format!("4 2 {SHA256}"))]
#[case(Sshfp, &format!("1 1 {SHA1}"), &format!("1 1 {SHA1}"))]
#[case(Sshfp, &format!("1 1 {}", SHA1.to_uppercase()), &format!("1 1 {SHA1}"))]
#[case(Sshfp, "6 3 0a 0b", "6 3 0a0b")]
#[case(Sshfp, "255 255 ff", "255 255 ff")]
#[case(Ds, &format!("12345 13 2 {SHA256}"), &format!("12345 13 2 {SHA256}"))]
#[case(Ds, &format!("65535 8 1 {SHA1}"), &format!("65535 8 1 {SHA1}"))]
#[case(Ds, &format!("0 8 2 {} {}", &SHA256[..8], &SHA256[8..]), &format!("0 8 2 {SHA256}"))]
#[case(Ds, &format!("1 8 4 {SHA256}{}", &SHA256[..32]), &format!("1 8 4 {SHA256}{}", &SHA256[..32]))]
#[case(Ds, "1 255 3 ABCD", "1 255 3 abcd")]
#[case(Https, "1 .", "1 .")]
#[case(Https, "1 bücher.example alpn=h2", "1 xn--bcher-kva.example alpn=h2")]
#[case(Https, "0 Example.NET.", "0 example.net")]
#[case(Https, "1 . port=8443 alpn=h2,h3", "1 . alpn=h2,h3 port=8443")]
#[case(Https, r#"1 . alpn="h2,h3""#, "1 . alpn=h2,h3")]
#[case(Https, r"1 . key1=\002h2", "1 . alpn=h2")]
#[case(Https, "1 . no-default-alpn alpn=h2", "1 . alpn=h2 no-default-alpn")]
#[case(
    Https,
    "1 . ipv4hint=192.0.2.1 ipv6hint=2001:DB8::1,::",
    "1 . ipv4hint=192.0.2.1 ipv6hint=2001:db8::1,::"
)]
#[case(
    Https,
    "1 . ech=AEj+DQ== ipv4hint=192.0.2.1,192.0.2.1",
    "1 . ipv4hint=192.0.2.1,192.0.2.1 ech=AEj+DQ=="
)]
#[case(Svcb, "1 svc.example.com port=8443", "1 svc.example.com port=8443")]
#[case(Svcb, "16 a. mandatory=port,alpn ALPN=h2 Port=1", "16 a mandatory=alpn,port alpn=h2 port=1")]
#[case(Svcb, r#"1 . dohpath=/q{?dns} alpn=dot"#, r#"1 . alpn=dot dohpath="/q{?dns}""#)]
#[case(Svcb, r#"1 . key65290="a\"b \255;" key99"#, r#"1 . key99 key65290="a\"b \255;""#)]
#[case(Svcb, "1 . ohttp tls-supported-groups=29,23", r#"1 . key8 key9="\000\029\000\023""#)]
#[case(Svcb, r#"1 . key1="\003a,b""#, r#"1 . key1="\003a,b""#)]
#[case(Svcb, "1 . mandatory=key9999 key9999=x", r#"1 . mandatory=key9999 key9999="x""#)]
#[case(Uri, r#"10 1 "https://www.example.com/path""#, r#"10 1 "https://www.example.com/path""#)]
#[case(Uri, "10 1 ftp://ftp.example.com/", r#"10 1 "ftp://ftp.example.com/""#)]
#[case(Uri, r#"0 0 "mailto:A@example.com?subject=a;b""#, r#"0 0 "mailto:A@example.com?subject=a;b""#)]
#[case(Uri, r#"65535 65535 "urn:x""#, r#"65535 65535 "urn:x""#)]
#[case(Uri, r#"1 1 "https://[2001:db8::1]/%20(x)""#, r#"1 1 "https://[2001:db8::1]/%20(x)""#)]
fn a_value_is_read_and_written(#[case] record_type: RecordType, #[case] text: &str, #[case] canonical: &str) {
    let data = parse(record_type, text);
    assert_eq!(data.to_string(), canonical);
    assert_eq!(data.record_type(), record_type);
    assert_eq!(parse(record_type, canonical), data);
}

#[test]
fn every_example_is_canonical() {
    for record_type in RecordType::ALL {
        assert_eq!(parse(record_type, example(record_type)).to_string(), example(record_type));
    }
}

#[test]
fn order_and_repetition_do_not_matter_in_a_set() {
    let set = |values: &[&str]| values.iter().map(|value| parse(Mx, value)).collect::<BTreeSet<_>>();
    let one = set(&["10 a.example", "20 b.example", "10 A.example."]);
    assert_eq!(one, set(&["20 B.example", "10 a.example"]));
    assert_eq!(one.len(), 2);
}

#[test]
fn text_has_room_for_65279_octets() {
    assert!(RecordData::parse(Txt, &"a".repeat(65_279)).is_ok());
    assert_eq!(problem(Txt, &"a".repeat(65_280)), DataProblem::TooLong { field: "text", maximum: 65_279 });
}
