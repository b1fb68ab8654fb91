//! Who may write where, end to end: what is not granted is told and never sent, and what is granted cannot be more than it says.

mod admission;
mod hostile;

use std::time::Duration;

use solidserver_operator::api::DnsRecord;
use solidserver_simulator::RowPatch;

use crate::world::{World, manifest, message};

/// Creation times have seconds: two objects are of different age only when one is made this much later.
const ANOTHER_SECOND: Duration = Duration::from_millis(1_100);

const DEFAULTS: &str = "resyncInterval: 1h\n  defaults: {dnsServer: ns.example.com, ttl: 600}";

/// `allowedNamespaces` for those of one team.
fn team(team: &str) -> String {
    format!("allowedNamespaces: {{from: Selector, selector: {{matchLabels: {{team: {team}}}}}}}")
}

/// A world in which the SolidServer has these entries.
async fn world(entries: &[String]) -> World {
    let mut world = World::new().await;
    delegate(&world, entries).await;
    world.start_operator().await;
    world
}

async fn delegate(world: &World, entries: &[String]) {
    let entries: Vec<String> = entries.iter().map(|entry| format!("{{{entry}}}")).collect();
    world.solid_server("default", &format!("{DEFAULTS}\n  zones: [{}]", entries.join(", "))).await;
}

async fn namespace(world: &World, name: &str, labels: &str) {
    let labels = format!("{{{labels}}}");
    world
        .apply(&format!("apiVersion: v1\nkind: Namespace\nmetadata: {{name: {name}, labels: {labels}}}\n"))
        .await;
}

async fn delete(world: &World, namespace: &str, name: &str) {
    world.kubectl(&["delete", "dnsrecord", "-n", namespace, name, "--timeout=60s"]).await;
}

fn a(name: &str, value: &str) -> String {
    format!("fqdn: {name}, type: A, values: [{value}]")
}

fn is_stalled(record: &DnsRecord) -> bool {
    let conditions = record.status.iter().flat_map(|status| &status.conditions);
    conditions.into_iter().any(|condition| condition.type_ == "Stalled" && condition.status == "True")
}

/// Everything that was ever sent, in lower case.
fn sent(world: &World) -> String {
    format!("{:?}", world.simulator.requests()).to_lowercase()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_granted_is_told_and_never_sent() {
    let entries = [
        format!("name: example.com, {}, types: [A, TXT], ttl: {{min: 30, max: 3600}}", team("web")),
        format!("name: secret.example.com, {}", team("ops")),
    ];
    let world = world(&entries).await;
    namespace(&world, "web", "team: web").await;
    namespace(&world, "other", "").await;
    // Not granted to anybody, though it has what the operator puts on its own.
    let finalizer = manifest("other", "pretends", &a("needle-pretends.secret.example.com", "192.0.2.66"))
        .replace("namespace: other}", "namespace: other, finalizers: [solidserver.dev/dns-record]}");
    world.apply(&finalizer).await;
    let text = |name: &str, more: &str| format!("fqdn: {name}, type: TXT, values: [needle-value]{more}");
    let cases = [
        ("web", "outside", text("needle-outside.example.org", ""), vec!["no entry", "example.com"]),
        ("web", "longer", text("needle-longer.secret.example.com", ""), vec!["\"secret.example.com\""]),
        ("web", "apex", text("SECRET.example.com.", ""), vec!["\"secret.example.com\"", "admit"]),
        ("web", "wild", text("\"*.secret.example.com\"", ""), vec!["\"secret.example.com\""]),
        ("other", "stranger", text("needle-stranger.example.com", ""), vec!["\"example.com\"", "labels"]),
        (
            "other",
            "takes",
            text("needle-all.example.com", ", adoptionPolicy: Always"),
            vec!["\"example.com\""],
        ),
        (
            "web",
            "kind",
            "fqdn: needle-kind.example.com, type: CNAME, values: [needle-value.example.com]".to_owned(),
            vec!["\"example.com\"", "CNAME", "A, TXT"],
        ),
        ("web", "short", text("needle-short.example.com", ", ttl: 29"), vec!["30 to 3600", "29"]),
        ("web", "long", text("needle-long.example.com", ", ttl: 3601"), vec!["30 to 3600", "3601"]),
        (
            "web",
            "server",
            text("needle-server.example.com", ", dnsServer: views.example.com, view: needle-view"),
            vec!["no entry", "views.example.com", "needle-view"],
        ),
        ("web", "view", text("needle-in-view.example.com", ", view: needle-view"), vec!["view needle-view"]),
    ];
    let yaml: String =
        cases.iter().map(|(namespace, name, spec, _)| manifest(namespace, name, spec)).collect();
    world.apply(&yaml).await;
    let granted = "fqdn: seen.example.com, type: TXT, values: [seen], ttl: 30";
    world.apply(&manifest("web", "granted", granted)).await;
    world.until_reason("web", "granted", "InSync").await;
    for (namespace, name, _, said) in &cases {
        let record = world.until_reason(namespace, name, "NotDelegated").await;
        assert!(is_stalled(&record), "{name}");
        for words in said {
            assert!(message(&record).contains(words), "{name}: {words} is not in {}", message(&record));
        }
        assert_eq!(record.metadata.finalizers.unwrap_or_default(), [""; 0], "{name}");
    }
    world.until_reason("other", "pretends", "NotDelegated").await;
    world.apply(&manifest("web", "renamed", &a("first.example.com", "192.0.2.1"))).await;
    world.until_reason("web", "renamed", "InSync").await;
    world.apply(&manifest("web", "renamed", &a("needle-renamed.secret.example.com", "192.0.2.67"))).await;
    let record = world.until_reason("web", "renamed", "NotDelegated").await;
    assert!(message(&record).contains("stays there"), "{}", message(&record));
    world.a_round("default").await;
    assert_eq!(world.rows("first.example.com"), ["A 600 192.0.2.1 | web/renamed"]);
    // None of it holds anything back, and what was written goes by the name that it was written under.
    delete(&world, "web", "renamed").await;
    assert_eq!(world.rows("first.example.com"), [""; 0]);
    world.kubectl(&["delete", "dnsrecords", "--all", "-n", "other", "--timeout=60s"]).await;
    world.kubectl(&["delete", "dnsrecords", "--all", "-n", "web", "--timeout=60s"]).await;
    world.a_round("default").await;
    let sent = sent(&world);
    assert!(sent.contains("seen.example.com"), "the requests are looked at");
    for needle in ["needle", "secret", "192.0.2.66", "192.0.2.67", "example.org"] {
        assert!(!sent.contains(needle), "{needle} was sent");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_namespace_gets_and_loses_its_right_without_a_restart() {
    let expression = "selector: {matchExpressions: [{key: dns, operator: In, values: [yes-please]}]}";
    let all = "name: shared.example.com, allowedNamespaces: {from: All}".to_owned();
    let entries = [format!("name: example.com, allowedNamespaces: {{from: Selector, {expression}}}"), all];
    let mut world = world(&entries).await;
    namespace(&world, "shop", "").await;
    namespace(&world, "rival", "dns: yes-please").await;
    world.apply(&manifest("shop", "web", &a("web.example.com", "192.0.2.1"))).await;
    world.apply(&manifest("shop", "free", &a("free.shared.example.com", "192.0.2.2"))).await;
    world.until_reason("shop", "web", "NotDelegated").await;
    world.until_reason("shop", "free", "InSync").await;
    assert!(!sent(&world).contains("web.example.com"));

    world.kubectl(&["label", "namespace", "shop", "dns=yes-please"]).await;
    world.until_reason("shop", "web", "InSync").await;
    assert_eq!(world.rows("web.example.com"), ["A 600 192.0.2.1 | shop/web"]);

    world.kubectl(&["label", "namespace", "shop", "dns-"]).await;
    let record = world.until_reason("shop", "web", "NotDelegated").await;
    assert!(is_stalled(&record) && message(&record).contains("stays there"), "{}", message(&record));
    assert_eq!(record.status.unwrap().zone.as_deref(), Some("example.com"), "it says where its row is");
    // Nobody else gets the name meanwhile, whatever they ask for.
    let rival = a("web.example.com", "192.0.2.1") + ", adoptionPolicy: Always";
    world.apply(&manifest("rival", "web", &rival)).await;
    world.until_reason("rival", "web", "Conflict").await;
    delete(&world, "rival", "web").await;
    world.simulator.reset_calls();
    let row = world.simulator.rows_at("web.example.com").remove(0);
    world.simulator.patch_row(&row.id, RowPatch::values(["192.0.2.99"])).unwrap();
    world.apply(&manifest("shop", "web", &a("web.example.com", "192.0.2.3"))).await;
    world.until_reason("shop", "web", "NotDelegated").await;
    world.a_round("default").await;
    // A restart knows no more than the objects say.
    world.kill_operator().await;
    world.start_operator().await;
    world.a_round("default").await;
    world.until_reason("shop", "free", "InSync").await;
    assert_eq!(world.simulator.calls().writes(), 0, "neither drift nor a change is written");
    assert_eq!(world.rows("web.example.com"), ["A 600 192.0.2.99 | shop/web"]);

    // It comes back, goes again, and what there is can be removed without a right.
    world.kubectl(&["label", "namespace", "shop", "dns=yes-please"]).await;
    world.until_reason("shop", "web", "InSync").await;
    assert_eq!(world.rows("web.example.com"), ["A 600 192.0.2.3 | shop/web"]);
    world.kubectl(&["label", "namespace", "shop", "dns=no-more", "--overwrite"]).await;
    world.until_reason("shop", "web", "NotDelegated").await;
    delete(&world, "shop", "web").await;
    assert_eq!(world.rows("web.example.com"), [""; 0]);
    assert_eq!(world.rows("free.shared.example.com"), ["A 600 192.0.2.2 | shop/free"]);

    // The same when the entry goes and not the label.
    delegate(&world, &["name: example.net, allowedNamespaces: {from: All}".to_owned()]).await;
    let record = world.until_reason("shop", "free", "NotDelegated").await;
    assert!(message(&record).contains("example.net"), "{}", message(&record));
    delete(&world, "shop", "free").await;
    assert_eq!(world.rows("free.shared.example.com"), [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn entries_of_one_name_add_up_and_the_oldest_records_are_admitted() {
    let few = |most: usize| {
        [
            "name: example.com, allowedNamespaces: {from: All}".to_owned(),
            format!("name: few.example.com, {}, maxRecords: {most}", team("web")),
            format!("name: few.example.com, {}, types: [TXT]", team("mail")),
        ]
    };
    let mut world = world(&few(2)).await;
    namespace(&world, "web", "team: web").await;
    namespace(&world, "web2", "team: web").await;
    namespace(&world, "mail", "team: mail").await;
    for number in 1..=4 {
        let spec = a(&format!("w{number}.few.example.com"), &format!("192.0.2.{number}"));
        // The names are against the order of age, so that only age can decide.
        world.apply(&manifest("web", &format!("w{}", 9 - number), &spec)).await;
        tokio::time::sleep(ANOTHER_SECOND).await;
    }
    world.apply(&manifest("web", "beside", &a("w5.example.com", "192.0.2.5"))).await;
    world.apply(&manifest("web2", "other", &a("w6.few.example.com", "192.0.2.6"))).await;
    world.apply(&manifest("mail", "text", "fqdn: m.few.example.com, type: TXT, values: [x]")).await;
    world.apply(&manifest("mail", "address", &a("m.few.example.com", "192.0.2.7"))).await;
    let stands = async |world: &World, admitted: &[&str], beyond: &[&str]| {
        for name in admitted {
            world.until_reason("web", name, "InSync").await;
        }
        for name in beyond {
            let record = world.until_reason("web", name, "NotDelegated").await;
            assert!(message(&record).contains("maxRecords"), "{name}: {}", message(&record));
        }
    };
    stands(&world, &["w8", "w7", "beside"], &["w6", "w5"]).await;
    world.until_reason("web2", "other", "InSync").await;
    world.until_reason("mail", "text", "InSync").await;
    let record = world.until_reason("mail", "address", "NotDelegated").await;
    assert!(message(&record).contains("it admits TXT"), "{}", message(&record));
    let sent_at_first = sent(&world);
    assert!(!sent_at_first.contains("w3.few") && !sent_at_first.contains("w4.few"), "{sent_at_first}");

    // Whatever order they are seen in after a restart.
    world.simulator.reset_calls();
    world.kill_operator().await;
    world.start_operator().await;
    world.a_round("default").await;
    stands(&world, &["w8", "w7"], &["w6", "w5"]).await;
    assert_eq!(world.simulator.calls().writes(), 0);

    delete(&world, "web", "w8").await;
    stands(&world, &["w7", "w6"], &["w5"]).await;
    // An entry in front of the others changes the places of all in the list.
    let longer: Vec<String> =
        ["name: example.net, allowedNamespaces: {from: All}".to_owned()].into_iter().chain(few(3)).collect();
    delegate(&world, &longer).await;
    stands(&world, &["w7", "w6", "w5"], &[]).await;
    world.simulator.reset_calls();
    delegate(&world, &few(1)).await;
    stands(&world, &["w7"], &["w6", "w5"]).await;
    assert_eq!(world.rows("w4.few.example.com"), ["A 600 192.0.2.4 | web/w5"], "what is there stays");
    assert_eq!(world.simulator.calls().writes(), 0);
}
