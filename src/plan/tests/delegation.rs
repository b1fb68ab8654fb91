//! Who may write where.

use std::collections::BTreeSet;
use std::sync::Arc;

use rstest::rstest;

use crate::plan::{Asked, Grant, Labels, Namespaces, Requirement, Withheld, delegated};
use crate::record::{Name, RecordType};

fn labels(pairs: &[(&str, &str)]) -> Labels {
    pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
}

fn grant(domain: &str, team: &str) -> Grant {
    let one = |text: &str| BTreeSet::from([text.to_owned()]);
    Grant {
        domain: (domain != "*").then(|| Name::parse(domain).unwrap()),
        servers: [Arc::from("ns.test")].into(),
        views: [None].into(),
        namespaces: match team {
            "*" => Namespaces::All,
            team => Namespaces::Labelled(vec![Requirement::In("team".to_owned(), one(team))]),
        },
        types: None,
        shortest_ttl: None,
        longest_ttl: None,
        max_records: None,
    }
}

fn ask(grants: &[Grant], name: &str, team: &str) -> Result<usize, Withheld> {
    let name = Name::parse(name).unwrap();
    let labels = labels(&[("team", team)]);
    let asked = Asked {
        name: &name,
        record_type: RecordType::A,
        ttl: 300,
        server: "ns.test",
        view: None,
        labels: Some(&labels),
    };
    delegated(grants, &asked)
}

#[rstest]
#[case::apex("example.com", "web", Ok(1))]
#[case::below("a.b.example.com", "web", Ok(1))]
#[case::wildcard("*.example.com", "web", Ok(1))]
#[case::longest_decides("x.shop.example.com", "shop", Ok(2))]
#[case::longest_withholds("x.shop.example.com", "web", Err("\"shop.example.com\""))]
#[case::label_boundary("workshop.example.com", "web", Ok(1))]
#[case::not_of_the_team("example.com", "shop", Err("\"example.com\""))]
#[case::everything_else("example.org", "ops", Ok(0))]
#[case::everything_else_not_for_all("example.org", "web", Err("\"*\""))]
fn the_longest_entry_decides_alone(
    #[case] name: &str,
    #[case] team: &str,
    #[case] expected: Result<usize, &str>,
) {
    let grants = [grant("*", "ops"), grant("example.com", "web"), grant("shop.example.com", "shop")];
    match (ask(&grants, name, team), expected) {
        (Ok(index), Ok(expected)) => assert_eq!(index, expected),
        (Err(withheld), Err(entry)) => {
            assert!(withheld.to_string().contains(&format!("the entry {entry} ")), "{withheld}");
        }
        (answer, expected) => panic!("{answer:?} instead of {expected:?}"),
    }
}

#[test]
fn entries_of_one_name_add_up() {
    let mut mail = grant("example.com", "mail");
    mail.types = Some([RecordType::Mx].into());
    let grants = [grant("example.com", "web"), mail, grant("example.com", "ops")];
    assert_eq!(ask(&grants, "www.example.com", "web"), Ok(0));
    assert_eq!(ask(&grants, "www.example.com", "ops"), Ok(2));
    // The one that admits the namespace says why not.
    assert!(matches!(ask(&grants, "www.example.com", "mail"), Err(Withheld::Type { .. })));
    assert!(matches!(ask(&grants, "www.example.com", "other"), Err(Withheld::Namespace { .. })));
}

#[test]
fn of_entries_of_one_name_the_one_with_the_most_room_counts() {
    let with_room = |max_records: Option<u32>| Grant { max_records, ..grant("example.com", "*") };
    let grants = [with_room(Some(1)), with_room(Some(9)), with_room(Some(9)), with_room(Some(3))];
    assert_eq!(ask(&grants, "www.example.com", "web"), Ok(1));
    let unlimited = [with_room(Some(9)), with_room(None), with_room(None)];
    assert_eq!(ask(&unlimited, "www.example.com", "web"), Ok(1));
}

#[test]
fn an_entry_counts_for_its_servers_and_views_only() {
    let mut inside = grant("example.com", "*");
    inside.views = [Some(Arc::from("internal"))].into();
    let mut elsewhere = grant("www.example.com", "nobody");
    elsewhere.servers = [Arc::from("other.test")].into();
    let grants = [inside, elsewhere];
    let name = Name::parse("www.example.com").unwrap();
    let at = |server: &str, view: Option<&str>| {
        let asked = Asked { name: &name, record_type: RecordType::A, ttl: 1, server, view, labels: None };
        delegated(&grants, &asked)
    };
    // The longer entry is one for another server, so it neither grants nor withholds.
    assert_eq!(at("ns.test", Some("internal")), Ok(0));
    for (server, view) in [("ns.test", None), ("ns.test", Some("external")), ("third.test", Some("internal"))]
    {
        assert!(matches!(at(server, view), Err(Withheld::NoEntry { .. })), "{server} {view:?}");
    }
    assert!(matches!(at("other.test", None), Err(Withheld::Namespace { .. })));
}

#[test]
fn limits_of_type_and_time_to_live_are_inclusive() {
    let mut limited = grant("example.com", "*");
    limited.types = Some([RecordType::A, RecordType::Txt].into());
    (limited.shortest_ttl, limited.longest_ttl) = (Some(30), Some(3600));
    let grants = [limited];
    let name = Name::parse("example.com").unwrap();
    let with = |record_type: RecordType, ttl: u32| {
        let asked = Asked { name: &name, record_type, ttl, server: "ns.test", view: None, labels: None };
        delegated(&grants, &asked)
    };
    for ttl in [30, 31, 3600] {
        assert_eq!(with(RecordType::Txt, ttl), Ok(0));
    }
    for ttl in [0, 29, 3601, u32::MAX] {
        let withheld = with(RecordType::A, ttl).unwrap_err();
        assert!(withheld.to_string().contains("30 to 3600"), "{withheld}");
    }
    let withheld = with(RecordType::Mx, 300).unwrap_err();
    assert!(withheld.to_string().contains("it admits A, TXT"), "{withheld}");
}

#[test]
fn selectors_mean_what_they_mean_in_kubernetes() {
    let key = "team".to_owned();
    let values: BTreeSet<String> = ["a".to_owned(), "b".to_owned()].into();
    let requirement = |requirement: Requirement, pairs: &[(&str, &str)]| {
        let mut grant = grant("*", "*");
        grant.namespaces = Namespaces::Labelled(vec![requirement]);
        let name = Name::parse("example.com").unwrap();
        let labels = labels(pairs);
        let asked = Asked {
            name: &name,
            record_type: RecordType::A,
            ttl: 1,
            server: "ns.test",
            view: None,
            labels: Some(&labels),
        };
        delegated(&[grant], &asked).is_ok()
    };
    let (has_a, has_c, has_none) = (&[("team", "a")][..], &[("team", "c")][..], &[("other", "a")][..]);
    for (asks, expected) in [
        (Requirement::In(key.clone(), values.clone()), [true, false, false]),
        (Requirement::NotIn(key.clone(), values), [false, true, true]),
        (Requirement::Exists(key.clone()), [true, true, false]),
        (Requirement::Absent(key.clone()), [false, false, true]),
        (Requirement::Unknown(key), [false, false, false]),
    ] {
        let met = [has_a, has_c, has_none].map(|pairs| requirement(asks.clone(), pairs));
        assert_eq!(met, expected, "{asks:?}");
    }
}

#[test]
fn a_namespace_whose_labels_are_unknown_is_admitted_by_none_but_all() {
    let name = Name::parse("example.com").unwrap();
    let asked = Asked {
        name: &name,
        record_type: RecordType::A,
        ttl: 1,
        server: "ns.test",
        view: None,
        labels: None,
    };
    let mut absent = grant("*", "*");
    absent.namespaces = Namespaces::Labelled(vec![Requirement::Absent("team".to_owned())]);
    assert!(delegated(&[absent], &asked).is_err());
    // An empty selector admits all, as everywhere in Kubernetes, but only namespaces that are known.
    let mut empty = grant("*", "*");
    empty.namespaces = Namespaces::Labelled(Vec::new());
    assert!(delegated(std::slice::from_ref(&empty), &asked).is_err());
    assert_eq!(delegated(&[empty], &Asked { labels: Some(&Labels::new()), ..asked }), Ok(0));
    assert_eq!(delegated(&[grant("*", "*")], &asked), Ok(0));
}
