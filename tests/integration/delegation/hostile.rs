//! Text that is made to be taken for a part of a query, in every field that may reach one.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};
use solidserver_simulator::{SeedServer, SeedView, SeedZone};

use super::namespace;
use crate::world::World;

/// `M` stands for a marker by which each text is found again.
const TEXTS: [&str; 25] = [
    "M' or '1'='1",
    "M'' or ''=''",
    "M') or ('1'='1",
    "M\\' or 1=1 -- ",
    "M'; delete from rr; --",
    "' or rr_id > 0 or dns_name='M",
    "M%' or '%'='",
    "M' and dns_name like '%",
    "M' union select * from users --",
    "M\" or \"\"=\"",
    "M&WHERE=1=1",
    "M%27%20or%201%3D1",
    "M+or+1=1",
    "M#fragment",
    "M?limit=1&ORDERBY=rr_id",
    "M/../dns_zone_list",
    "M\0' or 1=1",
    "M\r\nX-Injected: yes",
    "M\u{2019} or 1=1",
    "M\u{ff07}or\u{ff07}1",
    "M`id`$(id)",
    "M&rr_class_parameters=k8s_owner%3Dtest%2Fother%2Fname",
    "M*/ or /*",
    "M,'x') or rr_id in (1",
    "{\"M\":{\"$ne\":null}}",
];

/// Where a text is put.
const FIELDS: [&str; 8] =
    ["fqdn", "values", "zone", "dnsServer", "view", "className", "classParameters", "solidServerRef"];

/// The texts with the marker of a namespace, in lower case, as the appliance keeps names of servers.
fn texts(marker: &str, hostile: bool) -> Vec<String> {
    let text = |(index, text): (usize, &&str)| {
        let marker = format!("{marker}{index:02}z");
        if hostile { text.replace('M', &marker).to_lowercase() } else { marker }
    };
    TEXTS.iter().enumerate().map(text).collect()
}

fn record(namespace: &str, field: &str, index: usize, text: &str) -> Value {
    let name = format!("{}-{index}", field.to_lowercase());
    let mut spec = json!({"fqdn": format!("{name}.{namespace}.example.com"), "type": "TXT", "values": ["x"]});
    spec[field] = match field {
        "fqdn" => format!("{text}.{namespace}.example.com").into(),
        "values" => json!([text]),
        "zone" => format!("{text}.example.com").into(),
        "classParameters" => json!({"harmless": text}),
        "solidServerRef" => json!({"name": text}),
        _ => text.into(),
    };
    if field == "zone" {
        spec["fqdn"] = format!("{name}.{text}.example.com").into();
    }
    if field == "view" {
        spec["dnsServer"] = "views.example.com".into();
    }
    json!({
        "apiVersion": "solidserver.dev/v1alpha1", "kind": "DnsRecord",
        "metadata": {"name": name, "namespace": namespace}, "spec": spec,
    })
}

/// Applies a text in every field and returns the names of the records that the API server takes.
async fn create(world: &World, namespace: &str, texts: &[String]) -> BTreeSet<String> {
    let records = FIELDS.iter().flat_map(|field| {
        texts.iter().enumerate().map(move |(index, text)| record(namespace, field, index, text))
    });
    let items: Vec<Value> = records.collect();
    let list = json!({"apiVersion": "v1", "kind": "List", "items": items}).to_string();
    let _ = world.plane.kubectl_with_stdin(&["create", "--filename=-"], &list).await.unwrap();
    let taken = world.all_records(namespace).await.into_iter();
    taken.filter_map(|record| record.metadata.name).collect()
}

/// The reasons that the records of a namespace show, with how often each.
async fn reasons(world: &World, namespace: &str) -> BTreeMap<String, usize> {
    let mut reasons = BTreeMap::new();
    for record in world.all_records(namespace).await {
        let conditions = record.status.iter().flat_map(|status| &status.conditions);
        let ready = conditions.into_iter().find(|condition| condition.type_ == "Ready");
        *reasons.entry(ready.map_or(String::new(), |ready| ready.reason.clone())).or_default() += 1;
    }
    reasons
}

async fn until_settled(world: &World, namespace: &str) -> BTreeMap<String, usize> {
    let open = ["", "Pending", "Writing", "Waiting", "Retrying"];
    world
        .until(&format!("every record of {namespace} has an answer"), async || {
            let reasons = reasons(world, namespace).await;
            !reasons.is_empty() && open.iter().all(|open| !reasons.contains_key(*open))
        })
        .await;
    reasons(world, namespace).await
}

/// What the queries since the last reset are built like, by service.
fn shapes(world: &World) -> BTreeSet<(String, String)> {
    let calls = world.simulator.call_log().into_iter();
    let shapes = calls.filter_map(|call| {
        let shape = call.clause_shape()?;
        let shape = shape.unwrap_or_else(|error| format!("{error}: {:?}", call.parameter("WHERE")));
        Some((call.service, shape))
    });
    shapes.collect()
}

/// Creates, changes and deletes everything; what was asked meanwhile, and the reasons shown.
async fn a_life(
    world: &World,
    namespace: &str,
    texts: &[String],
) -> (BTreeSet<(String, String)>, BTreeSet<String>, BTreeMap<String, usize>) {
    world.simulator.reset_calls();
    let taken = create(world, namespace, texts).await;
    let reasons = until_settled(world, namespace).await;
    let patches = taken.iter().map(|name| {
        json!({
            "apiVersion": "solidserver.dev/v1alpha1", "kind": "DnsRecord",
            "metadata": {"name": name, "namespace": namespace}, "spec": {"ttl": 77},
        })
    });
    let patches: Vec<Value> = patches.collect();
    let list = json!({"apiVersion": "v1", "kind": "List", "items": patches}).to_string();
    let apply = [
        "apply",
        "--server-side",
        "--validate=false",
        "--field-manager=ttl",
        "--force-conflicts",
        "--filename=-",
    ];
    world.kubectl_in(&apply, &list).await;
    world
        .until("every change has an answer", async || {
            let records = world.all_records(namespace).await;
            records.iter().all(|record| {
                let seen = record.status.as_ref().map(|status| status.observed_generation);
                record.spec.ttl == Some(77) && seen == record.metadata.generation
            })
        })
        .await;
    until_settled(world, namespace).await;
    world.a_round("default").await;
    world.kubectl(&["delete", "dnsrecords", "--all", "-n", namespace, "--timeout=80s"]).await;
    (shapes(world), taken, reasons)
}

#[tokio::test(flavor = "multi_thread")]
async fn no_text_in_any_field_changes_what_a_query_asks() {
    let mut world = World::new().await;
    // What is granted and there under such names is asked for by them.
    let plain = |text: &&String| !text.chars().any(char::is_control) && text.trim() == *text;
    let (harmless, hostile) = (texts("plain", false), texts("inj", true));
    let all: Vec<&String> = harmless.iter().chain(&hostile).filter(plain).collect();
    let mut servers = vec!["ns.example.com".to_owned(), "views.example.com".to_owned()];
    let mut views = vec![String::new()];
    for text in &all {
        world
            .simulator
            .add_server(&SeedServer::new(text.as_str()).zone(SeedZone::master("example.com")))
            .unwrap();
        let view = SeedView::new(text.as_str()).zone(SeedZone::master("example.com"));
        world.simulator.add_view("views.example.com", &view).unwrap();
        servers.push((*text).clone());
        views.push((*text).clone());
    }
    let all_who = json!({"from": "Selector", "selector": {"matchLabels": {"dns": "granted"}}});
    let entries: Vec<Value> = servers
        .chunks(32)
        .flat_map(|servers| views.chunks(32).map(move |views| (servers, views)))
        .map(|(servers, views)| {
            json!({"name": "example.com", "dnsServers": servers, "views": views, "allowedNamespaces": all_who})
        })
        .collect();
    let zones = Value::from(entries).to_string();
    world
        .solid_server(
            "default",
            &format!(
                "resyncInterval: 1h\n  guard: {{deletions: {{maxCount: 10000}}}}\n  defaults: {{dnsServer: ns.example.com, ttl: 600}}\n  zones: {zones}"
            ),
        )
        .await;
    namespace(&world, "plain", "dns: granted").await;
    namespace(&world, "granted", "dns: granted").await;
    namespace(&world, "stranger", "").await;
    world.start_operator().await;

    let (expected, taken, reasons) = a_life(&world, "plain", &harmless).await;
    assert_eq!(taken.len(), FIELDS.len() * TEXTS.len());
    assert!(expected.iter().all(|(_, shape)| !shape.contains(':')), "{expected:?}");
    assert!(expected.iter().any(|(service, shape)| service == "dns_rr_list" && shape.contains(" in ")));
    // Zones of such names are not there, nor are SolidServers, and all else is written.
    let written = TEXTS.len() * (FIELDS.len() - 2);
    assert_eq!(reasons.get("InSync"), Some(&written), "{reasons:?}");

    let (asked, taken, reasons) = a_life(&world, "granted", &hostile).await;
    let changed: Vec<_> = asked.difference(&expected).collect();
    assert_eq!(changed, [] as [&(String, String); 0]);
    let of = |field: &str| {
        let field = field.to_lowercase();
        taken.iter().filter(|name| name.starts_with(&format!("{field}-"))).count()
    };
    // The API server refuses what cannot stand in a name, control characters, and a space at the end where a name belongs.
    let plain = TEXTS.len() - 3;
    let counts: BTreeMap<&str, usize> = FIELDS.into_iter().map(|field| (field, of(field))).collect();
    let expected_counts = BTreeMap::from([
        ("className", plain),
        ("classParameters", plain + 1),
        ("dnsServer", plain),
        ("fqdn", 1),
        ("solidServerRef", TEXTS.len()),
        ("values", plain + 1),
        ("view", plain),
        ("zone", 1),
    ]);
    assert_eq!(counts, expected_counts, "{reasons:?}");
    // All that the API server takes and that has a place is written: nothing is kept from a query by being refused.
    assert_eq!(reasons.get("InSync"), Some(&(5 * plain + 2)), "{reasons:?}");
    assert_eq!(
        reasons.get("InvalidValue"),
        Some(&2),
        "a name that IDNA makes a quotation mark of: {reasons:?}"
    );
    assert!(
        world.simulator.rows().iter().all(|row| row.record_type != "TXT"),
        "all that was written is gone"
    );

    let strangers = texts("str", true);
    world.simulator.reset_calls();
    let taken = create(&world, "stranger", &strangers).await;
    assert!(taken.len() > 100, "{}", taken.len());
    until_settled(&world, "stranger").await;
    world.a_round("default").await;
    world.kubectl(&["delete", "dnsrecords", "--all", "-n", "stranger", "--timeout=80s"]).await;
    let calls = format!("{:?}", world.simulator.call_log());
    assert!(calls.contains("ns.example.com"), "the calls are looked at");
    let sent: Vec<String> = (0..TEXTS.len())
        .map(|index| format!("str{index:02}z"))
        .chain(["stranger".to_owned()])
        .filter(|marker| calls.contains(marker))
        .collect();
    assert_eq!(sent, [""; 0]);
}
