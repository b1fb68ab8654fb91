use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use super::*;
use crate::cli::doctor::observation::{Counts, Offer};
use crate::cli::doctor::scope;
use crate::record::{Name, Place, Zone, ZoneKind};
use crate::solidserver::{Sight, TlsFault};

/// A spec with entries for zones as they stand in YAML's flow style, and defaults.
fn spec(zones: &str, rest: &str) -> SolidServerSpec {
    let text = format!(
        "{{endpoint: 'https://ddi.example.com', credentialsSecretRef: {{name: login}}, zones: [{zones}]{rest}}}"
    );
    serde_saphyr::from_str(&text).unwrap()
}

fn entry(name: &str, rest: &str) -> String {
    format!("{{name: '{name}', allowedNamespaces: {{from: All}}{rest}}}")
}

/// The usual spec: one entry on the SMART without views.
fn usual() -> SolidServerSpec {
    spec(&entry("shop.example.com", ""), ", defaults: {dnsServer: smart}")
}

fn route() -> Route {
    Route { host: "ddi.example.com".to_owned(), port: 443, proxy: None, signed: false }
}

fn server(name: &str, is_smart: bool, is_member: bool) -> Server {
    Server { name: name.into(), is_smart, is_member }
}

fn zone(server: &str, view: Option<&str>, name: &str, kind: ZoneKind) -> Zone {
    let place = Place { server: server.into(), view: view.map(Arc::from), zone: Name::parse(name).unwrap() };
    Zone { place, kind, fills_reverse: false }
}

fn offer(views: &[&str], zones: Vec<Zone>) -> Offer {
    Offer { views: Ok(views.iter().map(|view| Arc::from(*view)).collect()), zones: Ok(zones) }
}

/// An appliance that has all that [`usual`] asks for, and more.
fn well() -> Observations {
    let zones = vec![
        zone("smart", None, "shop.example.com", ZoneKind::Master),
        zone("smart", None, "slave.example.net", ZoneKind::Other("slave".to_owned())),
    ];
    let place = zones[0].place.clone();
    Observations {
        route: Ok(route()),
        addresses: Some(Ok(vec!["192.0.2.1".parse().unwrap()])),
        connections: Some(vec![("192.0.2.1:443".parse().unwrap(), None)]),
        version: Some(Ok(Some("8.4.0".to_owned()))),
        clock_ahead: Some(-1),
        servers: Some(Ok(vec![
            server("smart", true, false),
            server("member", false, true),
            server("alone", false, false),
        ])),
        offers: [(Arc::from("smart"), offer(&[], zones))].into(),
        sights: [(place, Ok(Sight::Seen))].into(),
        unread: 0,
        counts: Counts { answered: ["count"].into(), refused: [].into() },
    }
}

fn error<T>(error: Error) -> Result<T, Trouble> {
    Err(Trouble::Error(error))
}

/// `status check` of all findings that are not ok, and their texts.
fn trouble(spec: &SolidServerSpec, seen: &Observations) -> (Vec<String>, String) {
    let findings = diagnose(spec, seen);
    let present: Vec<Check> = findings.iter().map(|finding| finding.check).collect();
    assert!(present.is_sorted(), "{present:?}");
    for check in Check::ALL {
        assert!(present.contains(&check), "{check} is missing: {findings:#?}");
    }
    for finding in &findings {
        let says = finding.advice.as_ref().is_some_and(|advice| !advice.is_empty());
        assert_eq!(says, matches!(finding.status, Status::Warning | Status::Failed), "{finding:?}");
    }
    let wrong: Vec<&Finding> = findings.iter().filter(|finding| finding.status != Status::Ok).collect();
    let texts = wrong.iter().map(|finding| {
        let subject = finding.subject.as_deref().unwrap_or_default();
        format!("{subject}: {}; {}\n", finding.message, finding.advice.as_deref().unwrap_or_default())
    });
    let names = wrong.iter().map(|finding| format!("{} {}", finding.status.as_str(), finding.check));
    (names.collect(), texts.collect())
}

/// Asserts that one check fails with these words and that all after it are skipped.
#[track_caller]
fn assert_stops(seen: &Observations, failed: Check, words: &[&str]) {
    let (names, texts) = trouble(&usual(), seen);
    let failures: Vec<&String> = names.iter().filter(|name| name.starts_with("failed")).collect();
    assert_eq!(failures, [&format!("failed {failed}")], "{texts}");
    let after = Check::ALL.iter().filter(|check| **check > failed);
    for check in after {
        assert!(names.contains(&format!("skipped {check}")), "{names:?}");
    }
    for words in words {
        assert!(texts.contains(words), "{words} is not in {texts}");
    }
}

#[test]
fn all_is_well_and_writing_is_not_guessed_at() {
    let (names, texts) = trouble(&usual(), &well());
    assert_eq!(names, ["skipped write"]);
    assert!(texts.contains("not checked: needs a write"), "{texts}");
}

#[test]
fn what_keeps_from_the_appliance_is_named_and_stops_all_after_it() {
    for (unusable, words) in [
        (Unusable::Manifest("spec.zones: too few".to_owned()), "correct the manifest"),
        (Unusable::Spec("no URL".to_owned()), "correct the spec"),
        (Unusable::Secret("there is no Secret a/b".to_owned()), "SOLIDSERVER_TOKEN_ID"),
    ] {
        assert_stops(
            &Observations { route: Err(unusable), ..Observations::default() },
            Check::Settings,
            &[words],
        );
    }
    let nowhere = || Observations { route: Ok(route()), ..Observations::default() };
    let unknown = Observations { addresses: Some(Err("no such host".to_owned())), ..nowhere() };
    assert_stops(
        &unknown,
        Check::Name,
        &["ddi.example.com cannot be resolved: no such host", "spec.endpoint"],
    );
    let refused = |causes: &[Option<&str>]| -> Option<Vec<_>> {
        let address = |index| format!("192.0.2.{index}:443").parse().unwrap();
        let causes = (1..).zip(causes);
        Some(causes.map(|(index, cause)| (address(index), cause.map(str::to_owned))).collect())
    };
    let closed = Observations {
        addresses: well().addresses,
        connections: refused(&[Some("refused"), Some("no route")]),
        ..nowhere()
    };
    let words = ["192.0.2.1:443: refused; 192.0.2.2:443: no route", "firewalls"];
    assert_stops(&closed, Check::Connection, &words);
    // One of two is enough, and told.
    let half = Observations { connections: refused(&[None, Some("no route")]), ..well() };
    let (names, texts) = trouble(&usual(), &half);
    assert_eq!(names, ["warning connection", "skipped write"]);
    assert!(texts.contains("192.0.2.2:443: no route"), "{texts}");
}

#[test]
fn the_first_call_shows_tls_answer_clock_and_login() {
    let service = "list";
    let of = |trouble| Observations { version: Some(Err(trouble)), servers: None, ..well() };
    let text = || "words".to_owned();
    let cases = [
        (Error::Proxy { proxy: text(), cause: text() }, Check::Connection, "check the proxy"),
        (
            Error::Tls { fault: TlsFault::UnknownIssuer, cause: text() },
            Check::Tls,
            "put the issuing CA into spec.tls.caBundle",
        ),
        (
            Error::Tls { fault: TlsFault::WrongName, cause: text() },
            Check::Tls,
            "write a name of the certificate into spec.endpoint",
        ),
        (Error::Unreachable { cause: text() }, Check::Answer, "does not answer"),
        (Error::Settings { what: text() }, Check::Answer, "the appliance itself"),
        (Error::Unavailable { service, status: 503 }, Check::Answer, "the appliance's own log"),
        (Error::RateLimited { retry_after: None }, Check::Answer, "lower spec.limits"),
        (Error::ClockSkew, Check::Clock, "NTP"),
        (Error::Unauthorized, Check::Login, "correct the login in the Secret"),
    ];
    for (error, check, words) in cases {
        assert_stops(&of(Trouble::Error(error)), check, &[words]);
    }
    assert_stops(
        &of(Trouble::Late(Duration::from_secs(30))),
        Check::Answer,
        &["no complete answer within 30 s"],
    );
    // By how much the clocks differ is said as far as it is known.
    let skewed = Observations { clock_ahead: Some(3600), ..of(Trouble::Error(Error::ClockSkew)) };
    assert_stops(&skewed, Check::Clock, &["3600 s ahead"]);
}

#[test]
fn an_account_that_may_not_ask_for_the_version_is_told_from_a_web_page() {
    let service = "list";
    let silent = |servers| Observations { version: Some(Ok(None)), servers: Some(servers), ..well() };
    let page = silent(error(Error::Incomplete { service, what: "no JSON".to_owned() }));
    assert_stops(&page, Check::Answer, &["no JSON", "not to a proxy, gateway or portal"]);
    assert_stops(&silent(error(Error::Unauthorized)), Check::Login, &[]);
    let (names, texts) = trouble(&usual(), &silent(error(Error::Forbidden { service })));
    assert_eq!(names[..3], ["warning version", "skipped class-parameters", "failed read-servers"]);
    assert!(texts.contains("member_list") && texts.contains("the service list (403)"), "{texts}");
    let (names, _) = trouble(&usual(), &silent(well().servers.unwrap()));
    assert_eq!(names, ["warning version", "skipped class-parameters", "skipped write"]);
}

#[test]
fn clocks_and_versions_are_warned_about() {
    let clocks = |ahead| trouble(&usual(), &Observations { clock_ahead: ahead, ..well() });
    assert_eq!(clocks(Some(59)).0, ["skipped write"]);
    let (names, texts) = clocks(Some(-61));
    assert_eq!(names, ["warning clock", "skipped write"]);
    assert!(texts.contains("61 s behind"), "{texts}");
    assert_eq!(clocks(None).0, ["skipped clock", "skipped write"]);
    let old = Observations { version: Some(Ok(Some("7.3.1".to_owned()))), ..well() };
    let (names, texts) = trouble(&usual(), &old);
    assert_eq!(names, ["warning class-parameters", "skipped write"]);
    assert!(texts.contains("7.3.1 keeps no class parameters"), "{texts}");
    let unchecked = spec(
        &entry("shop.example.com", ""),
        ", defaults: {dnsServer: smart}, tls: {insecureSkipVerify: true}",
    );
    assert_eq!(trouble(&unchecked, &well()).0, ["warning tls", "skipped write"]);
}

#[test]
fn servers_that_cannot_be_written_are_named_with_those_that_can() {
    let on = |name: &str| {
        let spec = spec(&entry("shop.example.com", ""), &format!(", defaults: {{dnsServer: {name}}}"));
        let seen = Observations { offers: BTreeMap::new(), sights: BTreeMap::new(), ..well() };
        trouble(&spec, &seen)
    };
    let nothing_to_see = ["read-views", "view", "read-zones", "zone", "read-records", "write"];
    let expected: Vec<String> = std::iter::once("failed server".to_owned())
        .chain(nothing_to_see.map(|check| format!("skipped {check}")))
        .collect();
    let (names, texts) = on("member");
    assert_eq!(names, expected);
    assert!(texts.contains("member of a SMART") && texts.contains("smart, alone"), "{texts}");
    let (names, texts) = on("nobody");
    assert_eq!(names, expected);
    assert!(
        texts.contains("nobody: it is not on the appliance") && texts.contains("smart, alone"),
        "{texts}"
    );
    let none = spec(&entry("shop.example.com", ""), "");
    let seen = Observations { offers: BTreeMap::new(), sights: BTreeMap::new(), ..well() };
    let (names, texts) = trouble(&none, &seen);
    assert_eq!(names[0], "failed server");
    assert!(texts.contains("no DNS server for spec.zones[0] shop.example.com"), "{texts}");
    let blind = Observations { servers: Some(Ok(vec![])), ..well() };
    assert_stops(&blind, Check::ReadServers, &["no DNS server at all"]);
}

#[test]
fn views_must_be_there_and_be_named() {
    let zones = || vec![zone("alone", Some("internal"), "example.org", ZoneKind::Master)];
    let seen = || Observations {
        offers: [(Arc::from("alone"), offer(&["internal", "external"], zones()))].into(),
        sights: [(zones()[0].place.clone(), Ok(Sight::Seen))].into(),
        ..well()
    };
    let with = |defaults: &str, rest: &str| {
        let spec = spec(&entry("example.org", rest), &format!(", defaults: {{dnsServer: alone{defaults}}}"));
        trouble(&spec, &seen())
    };
    assert_eq!(with(", view: internal", "").0, ["skipped write"]);
    // DnsRecords may name the view themselves.
    assert_eq!(with("", ", views: [internal]").0, ["skipped write"]);
    let (names, texts) = with(", view: intern", "");
    assert_eq!(names, ["failed view", "skipped zone", "skipped write"]);
    assert!(
        texts.contains("view intern on alone: it is not there") && texts.contains("internal, external"),
        "{texts}"
    );
    let (names, texts) = with("", "");
    assert_eq!(names[0], "failed view");
    assert!(texts.contains("it has views and none is named"), "{texts}");
    let (_, texts) = trouble(
        &spec(&entry("shop.example.com", ", views: [internal]"), ", defaults: {dnsServer: smart}"),
        &well(),
    );
    assert!(texts.contains("the DNS server has no views"), "{texts}");
}

#[test]
fn an_entry_for_several_servers_and_views_needs_not_have_each_with_each() {
    let both = spec(&entry("example.org", ", dnsServers: [smart, alone], views: ['', internal]"), "");
    let offers = |smart: &str| -> BTreeMap<Arc<str>, Offer> {
        let zones = vec![zone("alone", Some("internal"), "example.org", ZoneKind::Master)];
        [
            (Arc::from("alone"), offer(&["internal"], zones)),
            (Arc::from("smart"), offer(&[], vec![zone("smart", None, smart, ZoneKind::Master)])),
        ]
        .into()
    };
    let grants = both.grants().unwrap();
    let views = scope::views(&both, &grants, &offers("example.org"));
    let there = [("alone", Some("internal")), ("smart", None)];
    let expected = there.map(|(server, view)| ((Arc::from(server), view.map(Arc::from)), true));
    assert_eq!(views, expected.into());
    assert_eq!(scope::places(&grants, &offers("example.org")).len(), 2);
    let (names, texts) = trouble(&both, &Observations { offers: offers("example.net"), ..well() });
    assert_eq!(names, ["warning zone", "skipped write"]);
    assert!(texts.contains("it sees: example.net"), "{texts}");
}

#[test]
fn an_entry_needs_a_zone_that_can_be_written() {
    let with = |entries: &str| trouble(&spec(entries, ", defaults: {dnsServer: smart}"), &well());
    // The zone itself, a name in it, a domain above it, and any.
    for name in ["shop.example.com", "www.shop.example.com", "example.com", "*"] {
        assert_eq!(with(&entry(name, "")).0, ["skipped write"], "{name}");
    }
    let (names, texts) = with(&[entry("shop.example.com", ""), entry("example.net", "")].join(","));
    assert_eq!(names, ["failed zone", "skipped write"]);
    assert!(texts.contains("spec.zones[1] example.net on smart: no master zone"), "{texts}");
    let (names, texts) = with(&entry("slave.example.net", ""));
    assert_eq!(names, ["failed zone", "skipped write"]);
    assert!(texts.contains("zone slave.example.net is a slave zone"), "{texts}");
}

#[test]
fn rights_are_named_by_their_service() {
    let forbidden = |service| Trouble::Error(Error::Forbidden { service });
    let of = |offer: Offer| Observations {
        offers: [(Arc::from("smart"), offer)].into(),
        sights: BTreeMap::new(),
        ..well()
    };
    let zones = || Ok(vec![zone("smart", None, "shop.example.com", ZoneKind::Master)]);
    let (names, texts) = trouble(&usual(), &of(Offer { views: Err(forbidden("views")), zones: zones() }));
    assert_eq!(names[..2], ["failed read-views", "skipped view"]);
    assert!(texts.contains("may not use the service views (403)"), "{texts}");
    let (names, texts) = trouble(&usual(), &of(Offer { views: Ok(vec![]), zones: Err(forbidden("zones")) }));
    assert_eq!(names, ["failed read-zones", "skipped zone", "skipped read-records", "skipped write"]);
    assert!(texts.contains("may not use the service zones (403)"), "{texts}");
    let place = zones().unwrap()[0].place.clone();
    let sight = |sight| Observations { sights: [(place.clone(), sight)].into(), ..well() };
    let (names, texts) = trouble(&usual(), &sight(Err(forbidden("rows"))));
    assert_eq!(names, ["failed read-records", "skipped write"]);
    assert!(texts.contains("may not use the service rows (403)"), "{texts}");
    let (names, texts) = trouble(&usual(), &sight(Ok(Sight::NotVisible)));
    assert_eq!(names, ["failed read-records", "skipped write"]);
    assert!(texts.contains("the records of zone shop.example.com on smart"), "{texts}");
    let counts = Counts { answered: ["a"].into(), refused: ["b"].into() };
    let (names, texts) = trouble(&usual(), &Observations { counts, ..well() });
    assert_eq!(names, ["warning count", "skipped write"]);
    assert!(texts.contains("may not use b:"), "{texts}");
}
