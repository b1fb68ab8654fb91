//! WHERE.

use solidserver_simulator::{Config, NewRow, Seed, SeedServer, SeedView, SeedZone};

use crate::support::World;

/// Rows `a` (A 192.0.2.1, TTL 9), `b` (A 192.0.2.10, TTL 10), `o'c` (TXT it's), `Mx` (MX 10 mail) in zone z.example.
async fn world() -> World {
    let zone = SeedZone::master("z.example")
        .record("a", "A", ["192.0.2.1"])
        .record("b", "A", ["192.0.2.10"])
        .record("o'c", "TXT", ["it's"])
        .record("Mx", "MX", ["10", "mail.z.example"]);
    let server = SeedServer::new("s.example").view(SeedView::new("it's").zone(zone));
    let world = World::with(Config { seed: Seed { servers: vec![server] }, ..Config::default() }).await;
    for (name, ttl) in [("a.z.example", 9), ("b.z.example", 10)] {
        let id = world.simulator.rows_at(name)[0].id.clone();
        world.simulator.patch_row(&id, solidserver_simulator::RowPatch::ttl(ttl)).unwrap();
    }
    world
}

#[tokio::test]
async fn clauses_select_the_rows_that_they_say() {
    let world = world().await;
    let (a, b) = (world.simulator.rows_at("a.z.example"), world.simulator.rows_at("b.z.example"));
    let (a_id, b_id) = (a[0].id.clone(), b[0].id.clone());
    let cases: &[(&str, &[&str])] = &[
        ("rr_type='A'", &["a", "b"]),
        ("RR_TYPE = 'A'", &["a", "b"]),
        ("rr_type='a'", &[]),
        ("rr_type!='A'", &[".", ".", "o'c", "mx"]),
        ("rr_type<>'A' and not rr_type in ('SOA','NS')", &["o'c", "mx"]),
        ("rr_full_name='A.Z.EXAMPLE'", &["a"]),
        ("rr_full_name in ('a.z.example', 'B.z.example')", &["a", "b"]),
        ("rr_full_name like '%.Z.example' and rr_type like 'A%'", &["a", "b"]),
        ("rr_glue like '_'and rr_type='A'", &["a", "b"]),
        ("rr_glue not like 'a%' AND ttl<3600", &["b"]),
        ("rr_full_name='o''c.z.example'", &["o'c"]),
        ("value1='it''s'", &["o'c"]),
        ("value1='IT''S'", &[]),
        ("dnsview_name='it''s' and rr_type='MX'", &["mx"]),
        ("ttl=9", &["a"]),
        ("ttl='9'", &["a"]),
        ("ttl<10", &["a"]),
        ("ttl<'10'", &["a"]),
        ("ttl<=10", &["a", "b"]),
        ("ttl>9 and ttl<3600", &["b"]),
        ("ttl>=9 and ttl<>3600", &["a", "b"]),
        ("ttl in (9, 10)", &["a", "b"]),
        ("ttl in ('9', 3601)", &["a"]),
        ("value1=10 and rr_type='MX'", &["mx"]),
        ("value1 != 10 and rr_glue='a'", &["a"]),
        ("value1 > 5", &["mx"]),
        ("value2 is null and rr_type='A'", &["a", "b"]),
        ("value2 IS NOT NULL and rr_type!='SOA'", &["mx"]),
        ("rr_type='A' and value1='192.0.2.1' or rr_type='MX'", &["a", "mx"]),
        ("rr_type='A' and (value1='192.0.2.1' or rr_type='MX')", &["a"]),
        ("not (rr_type='A' or rr_type='SOA') and not rr_type='NS'", &["o'c", "mx"]),
        ("not not rr_glue='a'", &["a"]),
        ("(((rr_glue='a')))", &["a"]),
        ("\trr_glue\n=  'a' ", &["a"]),
        ("1=1 and rr_glue='a'", &["a"]),
        ("'x'='y' or rr_glue='a'", &["a"]),
        ("rr_glue='nothing' or 1=1", &[".", ".", "a", "b", "o'c", "mx"]),
        ("value1=value2", &[]),
        ("rr_full_name=rr_full_name_utf and rr_type='MX'", &["mx"]),
        ("dns_id=1 and rr_type='MX'", &["mx"]),
        ("dnsview_id='2' and rr_type='MX'", &["mx"]),
        ("dns_id=2", &[]),
        ("vdns_parent_id=0 and dnszone_type='master' and rr_type='MX'", &["mx"]),
        ("", &[".", ".", "a", "b", "o'c", "mx"]),
    ];
    for (clause, expected) in cases {
        assert_eq!(world.list(clause).await.column_or_empty("rr_glue"), *expected, "{clause}");
        let count = world.get("dns_rr_count", &[("WHERE", clause)]).await.only();
        assert_eq!(count["total"], serde_json::json!(expected.len().to_string()), "{clause}");
    }
    for (clause, expected) in [
        (format!("rr_id > {a_id} and rr_type='A'"), vec!["b"]),
        (format!("rr_id >= '{a_id}' and rr_type='A'"), vec!["a", "b"]),
        (format!("rr_id={b_id}"), vec!["b"]),
        (format!("rr_id='0{b_id}'"), vec!["b"]),
        (format!("rr_id in ({a_id},{b_id})"), vec!["a", "b"]),
        (format!("{a_id} = rr_id"), vec!["a"]),
    ] {
        assert_eq!(world.list(&clause).await.column_or_empty("rr_glue"), expected, "{clause}");
    }
}

impl crate::support::Reply {
    fn column_or_empty(&self, name: &str) -> Vec<String> {
        if self.status == 204 { Vec::new() } else { self.column(name) }
    }
}

#[tokio::test]
async fn clauses_that_make_no_sense_are_refused_and_never_mean_all_rows() {
    let world = world().await;
    for clause in [
        "nonsense='x'",
        "tag_rr_owner='x'",
        "rr_type",
        "rr_type=",
        "='A'",
        "rr_type='A",
        "rr_type='A' and",
        "rr_type='A' rr_glue='a'",
        "(rr_type='A'",
        "rr_type='A')",
        "rr_type in ()",
        "rr_type in ('A',)",
        "rr_type in 'A'",
        "rr_type like 5",
        "rr_type is 'A'",
        "rr_type not 'A'",
        "rr_type='A'; drop table rr",
        "rr_type='A' -- ",
        "rr_type=\"A\"",
        "and rr_type='A'",
        "ttl=1.5",
        "ttl=9x",
        "not",
        "'a' like 'b'",
    ] {
        assert!(world.list(clause).await.refusal().contains("WHERE"), "{clause}");
    }
}

#[tokio::test]
async fn hostile_clauses_cost_an_error_and_nothing_else() {
    let world = world().await;
    // Longer than a request line can be, so in a body.
    let list = async |clause: &str| {
        let request = world.request(reqwest::Method::GET, "dns_rr_list");
        world.send(request.json(&serde_json::json!({"WHERE": clause}))).await.unwrap()
    };
    let deep = format!("{}rr_glue='a'{}", "(".repeat(100_000), ")".repeat(100_000));
    assert!(list(&deep).await.refusal().contains("deep"));
    let nots = format!("{}rr_glue='a'", "not ".repeat(50_000));
    assert!(list(&nots).await.refusal().contains("deep"));
    let wide = vec!["rr_glue='a'"; 15_000].join(" or ");
    assert_eq!(list(&wide).await.rows().len(), 1);
    let long = format!("rr_glue='{}'", "x".repeat(300_000));
    assert!(list(&long).await.refusal().contains("long"));
    let text = "a".repeat(2_000);
    world.simulator.add_row(NewRow::new("long.z.example", "TXT", [text.as_str()])).unwrap();
    let pattern = format!("value1 like '{}b'", "%a".repeat(200));
    assert_eq!(list(&pattern).await.status, 204);
    assert_eq!(world.list("rr_glue='a'").await.rows().len(), 1);
}

#[tokio::test]
async fn the_path_form_of_a_clause_does_the_same() {
    let world = world().await;
    let list = world.get("dns_rr_list/WHERE/rr_type%3D%27A%27%20and%20ttl%3D9", &[]).await;
    assert_eq!(list.column("rr_glue"), ["a"]);
    let count = world.get("dns_rr_count/WHERE/rr_type%3D'A'+and+ttl=9", &[]).await.only();
    assert_eq!(count["total"], serde_json::json!("1"));
}
