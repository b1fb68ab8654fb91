//! The API server's decision (deploy/components/admission) against the operator's, case by case.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};
use solidserver_operator::api::desired::{ViewWish, rrset, whereabouts};
use solidserver_operator::api::{DnsRecord, SolidServerSpec};
use solidserver_operator::plan::{Asked, Labels, delegated};

use crate::world::{World, manifest};

const COMPONENT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/deploy/components/admission");

const ZONES: &str = "
  zones:
  - {name: \"*\", dnsServers: [ns.example.com, second.example.com], views: [\"\", outside], allowedNamespaces: {from: Selector, selector: {matchLabels: {team: ops}}}}
  - {name: example.com, allowedNamespaces: {from: All}, types: [A, AAAA, TXT, CNAME], ttl: {max: 3600}}
  - {name: Shop.Example.com., allowedNamespaces: {from: Selector, selector: {matchLabels: {team: shop}}}, ttl: {min: 300}}
  - {name: shop.example.com, allowedNamespaces: {from: Selector, selector: {matchExpressions: [{key: team, operator: In, values: [mail, ops]}, {key: frozen, operator: DoesNotExist}]}}, types: [MX, TXT]}
  - {name: deep.shop.example.com, allowedNamespaces: {from: Selector, selector: {matchExpressions: [{key: team, operator: NotIn, values: [shop]}]}}}
  - {name: com, dnsServers: [second.example.com], allowedNamespaces: {from: Selector, selector: {matchExpressions: [{key: team, operator: Exists}]}}}
  - {name: inside.example.com, views: [inside, outside], allowedNamespaces: {from: Selector, selector: {}}}";

/// Namespaces and their labels.
const NAMESPACES: [(&str, &[(&str, &str)]); 5] = [
    ("plain", &[]),
    ("ops", &[("team", "ops")]),
    ("shop", &[("team", "shop")]),
    ("mail", &[("team", "mail")]),
    ("frozen", &[("team", "mail"), ("frozen", "")]),
];

fn cases() -> Vec<DnsRecord> {
    let names = [
        "example.com",
        "WWW.example.com.",
        "shop.example.com",
        "a.b.SHOP.example.com",
        "workshop.example.com",
        "*.shop.example.com",
        "x.deep.shop.example.com",
        "inside.example.com",
        "example.org",
        "xn--bcher-kva.example.com",
    ];
    let data = |record_type: &str| match record_type {
        "MX" => "10 mx.example.com",
        "A" => "192.0.2.1",
        _ => "text",
    };
    let mut cases = Vec::new();
    let mut add = |namespace: &str, fqdn: &str, record_type: &str, more: Value| {
        let mut spec = json!({"fqdn": fqdn, "type": record_type, "values": [data(record_type)]});
        for (key, value) in more.as_object().unwrap() {
            spec[key] = value.clone();
        }
        let name = format!("case-{}", cases.len());
        cases.push(json!({
            "apiVersion": "solidserver.dev/v1alpha1", "kind": "DnsRecord",
            "metadata": {"name": name, "namespace": namespace}, "spec": spec,
        }));
    };
    for (namespace, _) in NAMESPACES {
        for fqdn in names {
            for record_type in ["A", "MX"] {
                add(namespace, fqdn, record_type, json!({}));
            }
            add(namespace, fqdn, "A", json!({"dnsServer": "second.example.com"}));
        }
        for ttl in [0, 299, 300, 3600, 3601] {
            add(namespace, "www.example.com", "TXT", json!({"ttl": ttl}));
            add(namespace, "www.shop.example.com", "TXT", json!({"ttl": ttl}));
        }
        for view in ["", "inside", "outside", "Outside"] {
            add(namespace, "inside.example.com", "TXT", json!({"view": view}));
            add(namespace, "www.example.org", "TXT", json!({"view": view, "dnsServer": "ns.example.com"}));
        }
        add(namespace, "www.example.com", "A", json!({"dnsServer": "third.example.com"}));
    }
    cases.into_iter().map(|case| serde_json::from_value(case).unwrap()).collect()
}

/// What the operator decides before it asks the appliance.
fn decides(record: &DnsRecord, spec: &SolidServerSpec) -> bool {
    let rrset = rrset(record, spec).unwrap();
    let place = whereabouts(record, spec).unwrap();
    let (_, labels) =
        NAMESPACES.iter().find(|(name, _)| Some(*name) == record.metadata.namespace.as_deref()).unwrap();
    let labels: Labels = labels.iter().map(|(key, value)| ((*key).into(), (*value).into())).collect();
    let view = match &place.view {
        ViewWish::Named(view) => Some(view.to_string()),
        ViewWish::NoView | ViewWish::Unstated => None,
    };
    let asked = Asked {
        name: &rrset.key.name,
        record_type: rrset.key.record_type,
        ttl: rrset.ttl,
        server: place.server.as_deref().unwrap(),
        view: view.as_deref(),
        labels: Some(&labels),
    };
    delegated(&spec.grants().unwrap(), &asked).is_ok()
}

/// Names of those that the API server takes, and its words for the others.
async fn taken(world: &World, records: &[DnsRecord]) -> (BTreeSet<String>, String) {
    let list = json!({"apiVersion": "v1", "kind": "List", "items": records}).to_string();
    let create = ["create", "--dry-run=server", "--filename=-", "--output=name"];
    let output = world.plane.kubectl_with_stdin(&create, &list).await.unwrap();
    let names = output.stdout.split_whitespace().filter_map(|name| name.split_once('/'));
    (names.map(|(_, name)| name.to_owned()).collect(), output.stderr)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_api_server_refuses_what_the_operator_would_not_write() {
    let world = World::new().await;
    world.solid_server("default", &format!("defaults: {{dnsServer: ns.example.com, ttl: 600}}{ZONES}")).await;
    // Another SolidServer, which grants nobody anything, has no say.
    world.solid_server("strict", "defaults: {dnsServer: strict.example.com}\n  zones: [{name: example.net, allowedNamespaces: {from: Selector, selector: {matchLabels: {a: b}}}}]").await;
    for (name, labels) in NAMESPACES {
        let labels: BTreeMap<_, _> = labels.iter().copied().collect();
        let namespace =
            json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}});
        world.apply(&namespace.to_string()).await;
    }
    let spec = world.solid_server_object("default").await.spec;
    let cases = cases();
    let key = |record: &DnsRecord| record.metadata.name.clone().unwrap();
    let of_the_operator: BTreeSet<String> =
        cases.iter().filter(|record| decides(record, &spec)).map(key).collect();
    assert!((50..cases.len() - 50).contains(&of_the_operator.len()), "{}", of_the_operator.len());
    let (without, words) = taken(&world, &cases).await;
    assert_eq!(without.len(), cases.len(), "without the policy all are taken: {words}");

    world.kubectl(&["apply", "--kustomize", COMPONENT]).await;
    let refused: Vec<DnsRecord> =
        cases.iter().filter(|record| !of_the_operator.contains(&key(record))).take(1).cloned().collect();
    world
        .until("the policy is in force", async || taken(&world, &refused).await.1.contains("not delegated: "))
        .await;
    let (taken_now, words) = taken(&world, &cases).await;
    let differ =
        |record: &&DnsRecord| taken_now.contains(&key(record)) != of_the_operator.contains(&key(record));
    let different: Vec<String> = cases
        .iter()
        .filter(differ)
        .map(|record| format!("{:?} {:?}", record.metadata.namespace, record.spec))
        .collect();
    assert_eq!(different, [""; 0], "{words}");
    let refusals = words.lines().filter(|line| line.contains("not delegated: ")).count();
    assert_eq!(refusals, cases.len() - taken_now.len(), "each is refused by the policy: {words}");
    assert!(
        words.contains("the entry \"deep.shop.example.com\" of spec.zones does not admit this namespace")
    );
    assert!(words.contains("no entry of spec.zones covers it"), "{words}");
    assert!(words.contains("does not admit this type or ttl"), "{words}");

    // The operator alone judges names beyond ASCII; and the policy has no say before there is a SolidServer to refer to.
    world.apply(&manifest("plain", "umlaut", "fqdn: bücher.example.org, type: A, values: [192.0.2.1]")).await;
    let elsewhere = "fqdn: a.example.org, type: A, values: [192.0.2.1], solidServerRef: {name: later}";
    world.apply(&manifest("plain", "later", elsewhere)).await;

    // A record whose right was withdrawn can be labelled and deleted, and its spec cannot be changed.
    world.apply(&manifest("shop", "kept", "fqdn: kept.shop.example.com, type: A, values: [192.0.2.1]")).await;
    world.kubectl(&["label", "namespace", "shop", "team-"]).await;
    let dry = ["label", "dnsrecord", "-n", "shop", "kept", "x=y"];
    let change =
        ["patch", "dnsrecord", "-n", "shop", "kept", "--type=merge", "-p", "{\"spec\": {\"ttl\": 301}}"];
    world
        .until("the change is refused", async || {
            let output = world.plane.kubectl(&[&change[..], &["--dry-run=server"]].concat()).await.unwrap();
            output.stderr.contains("not delegated: ")
        })
        .await;
    world.kubectl(&dry).await;
    world.kubectl(&["delete", "dnsrecord", "-n", "shop", "kept", "--timeout=60s"]).await;

    // Others use this control plane after us.
    world.kubectl(&["delete", "--kustomize", COMPONENT, "--timeout=60s"]).await;
    world.until("the policy is gone", async || taken(&world, &refused).await.0.len() == 1).await;
}
