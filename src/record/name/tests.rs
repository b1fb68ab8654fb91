use proptest::prelude::*;
use rstest::rstest;

use super::*;

#[rstest]
#[case::plain("www.example.com", "www.example.com")]
#[case::trailing_dot("www.example.com.", "www.example.com")]
#[case::upper_case("WWW.Example.COM", "www.example.com")]
#[case::single_label("localhost", "localhost")]
#[case::wildcard("*.example.com", "*.example.com")]
#[case::underscore("_sip._TCP.example.com", "_sip._tcp.example.com")]
#[case::rfc_2317("1.0/25.2.0.192.in-addr.arpa", "1.0/25.2.0.192.in-addr.arpa")]
#[case::digits("192.0.2.1", "192.0.2.1")]
#[case::u_label("Bücher.example", "xn--bcher-kva.example")]
#[case::a_label("XN--BCHER-KVA.example", "xn--bcher-kva.example")]
#[case::u_label_decomposed("Bu\u{308}cher.example", "xn--bcher-kva.example")]
#[case::u_label_underscore("_bücher.example", "xn--_bcher-4ya.example")]
#[case::other_script("例え.テスト", "xn--r8jz45g.xn--zckzah")]
#[case::full_width("ｗｗｗ.example", "www.example")]
#[case::sharp_s("straße.example", "xn--strae-oqa.example")]
fn names_are_canonical(#[case] text: &str, #[case] canonical: &str) {
    assert_eq!(Name::parse(text).unwrap().as_str(), canonical);
}

#[rstest]
#[case::nothing("", NameError::Empty)]
#[case::root(".", NameError::Empty)]
#[case::two_dots("a..b", NameError::EmptyLabel)]
#[case::leading_dot(".a", NameError::EmptyLabel)]
#[case::two_trailing_dots("a..", NameError::EmptyLabel)]
#[case::space("a b.example", NameError::Character(' '))]
#[case::nul("a\0.example", NameError::Character('\0'))]
#[case::line_break("a\n.example", NameError::Character('\n'))]
#[case::escape(r"a\.b.example", NameError::Character('\\'))]
#[case::at("hostmaster@example.com", NameError::Character('@'))]
#[case::star_in_label("a*.example", NameError::Wildcard)]
#[case::star_below("www.*.example", NameError::Wildcard)]
#[case::star_alone("*", NameError::Wildcard)]
#[case::two_stars("**.example", NameError::Wildcard)]
#[case::full_width_star("＊.example", NameError::Idna("＊".into()))]
#[case::full_width_stop("a。example", NameError::Idna("a。example".into()))]
#[case::ignorable_only("\u{ad}.example", NameError::Idna("\u{ad}".into()))]
#[case::leading_mark("\u{308}a.example", NameError::Idna("\u{308}a".into()))]
#[case::full_width_semicolon("a；b.example", NameError::Character(';'))]
fn what_is_no_name_is_refused(#[case] text: &str, #[case] error: NameError) {
    assert_eq!(Name::parse(text).unwrap_err(), error);
}

#[test]
fn a_label_has_63_octets_at_most() {
    let longest = "a".repeat(63);
    assert_eq!(Name::parse(&longest).unwrap().as_str(), longest);
    let longer = "a".repeat(64);
    assert_eq!(Name::parse(&longer).unwrap_err(), NameError::LabelTooLong(longer));
    // The limit is on the A-label.
    let error = Name::parse(&"ü".repeat(60)).unwrap_err();
    assert!(matches!(error, NameError::LabelTooLong(label) if label.starts_with("xn--")));
}

#[test]
fn a_name_has_253_characters_at_most_without_the_trailing_dot() {
    let label = "a".repeat(63);
    let longest = format!("{label}.{label}.{label}.{}", "a".repeat(61));
    assert_eq!(longest.len(), 253);
    assert!(Name::parse(&longest).is_ok());
    assert!(Name::parse(&format!("{longest}.")).is_ok());
    assert_eq!(Name::parse(&format!("{longest}a")).unwrap_err(), NameError::TooLong);
    assert_eq!(Name::parse(&"a".repeat(65_536)).unwrap_err(), NameError::TooLong);
    assert_eq!(Name::parse(&"ü".repeat(65_536)).unwrap_err(), NameError::TooLong);
}

#[rstest]
#[case("example.com", "example.com", true, false)]
#[case("www.example.com", "example.com", true, true)]
#[case("a.b.example.com", "example.com", true, true)]
#[case("wwwexample.com", "example.com", false, false)]
#[case("com", "example.com", false, false)]
#[case("example.org", "example.com", false, false)]
fn ancestry_follows_labels(
    #[case] name: &str,
    #[case] ancestor: &str,
    #[case] at_or_below: bool,
    #[case] below: bool,
) {
    let (name, ancestor) = (Name::parse(name).unwrap(), Name::parse(ancestor).unwrap());
    assert_eq!(name.is_at_or_below(&ancestor), at_or_below);
    assert_eq!(name.is_below(&ancestor), below);
}

#[test]
fn labels_are_the_leftmost_first() {
    let name = Name::parse("*.Example.com.").unwrap();
    assert_eq!(name.labels().collect::<Vec<_>>(), ["*", "example", "com"]);
    assert!(name.is_wildcard());
    assert!(!Name::parse("a.example.com").unwrap().is_wildcard());
}

proptest! {
    #[test]
    fn any_text_is_refused_or_becomes_canonical(
        text in prop_oneof!["\\PC{0,80}", ".{0,80}", "[a-z0-9.*_/ü-]{0,300}"],
    ) {
        if let Ok(name) = Name::parse(&text) {
            prop_assert_eq!(&Name::parse(name.as_str()).unwrap(), &name);
            prop_assert_eq!(&Name::parse(&format!("{}.", name.as_str().to_uppercase())).unwrap(), &name);
            prop_assert!(name.as_str().len() <= 253);
            for label in name.labels() {
                prop_assert!((1..=63).contains(&label.len()), "{label}");
            }
        }
    }
}
