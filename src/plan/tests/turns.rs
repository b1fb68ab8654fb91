//! Whose change comes when.

use super::*;

fn order(claims: Vec<Claim>, rows: Vec<Row>) -> Vec<String> {
    Scene::new(claims, rows).plan().iter().map(|one| one.object.to_string()).collect()
}

/// `count` DnsRecords of a namespace, each with a name of its own.
fn records(namespace: &str, count: usize) -> Vec<Claim> {
    (0..count)
        .map(|number| {
            let text = format!("{namespace}{number:03}.example.com 600 A 192.0.2.1");
            claim(&format!("{namespace}/r{number:03}"), &text)
        })
        .collect()
}

#[test]
fn the_few_changes_of_one_namespace_are_not_behind_the_many_of_another() {
    let claims = [records("all", 500), records("zoo", 3), records("one", 2)].concat();
    let order = order(claims, Vec::new());
    let first =
        ["all/r000", "one/r000", "zoo/r000", "all/r001", "one/r001", "zoo/r001", "all/r002", "zoo/r002"];
    assert_eq!(order[..8], first.map(str::to_owned));
    assert_eq!(order[8..], (3..500).map(|number| format!("all/r{number:03}")).collect::<Vec<_>>());
}

#[test]
fn repairs_take_turns_behind_all_changes() {
    let settled = |namespace, count| records(namespace, count).into_iter().map(Claim::settled);
    let claims = settled("all", 3).chain(settled("zoo", 1)).chain(records("new", 2)).collect();
    let order = order(claims, Vec::new());
    assert_eq!(order, ["new/r000", "new/r001", "all/r000", "zoo/r000", "all/r001", "all/r002"]);
}

#[test]
fn records_in_sync_take_no_turn_from_those_that_are_not() {
    let rows = (0..100).map(|number| {
        row(&format!("{number} all{number:03}.example.com 600 A 192.0.2.1"))
            .marked(&format!("all/r{number:03}"))
    });
    let claims: Vec<Claim> = [records("all", 101), records("zoo", 2)].concat();
    let order = order(claims, rows.collect());
    let place = |object: &str| order.iter().position(|one| one == object);
    // With something to write: one of each namespace in the first turn.
    assert!(place("all/r100") < place("zoo/r001"), "{order:?}");
    assert!(place("zoo/r000") < place("all/r001"), "{order:?}");
}

#[test]
fn what_has_rows_already_takes_turns_with_what_is_new() {
    let mut claims = records("all", 100);
    claims.push(claim("all/zz1", "z1.example.com 900 A 192.0.2.1"));
    let rows = vec![row("1 z1.example.com 600 A 192.0.2.1").marked("all/zz1")];
    // As what people wait for, and not as a repair.
    claims[100].applied = claim("all/zz1", "z1.example.com 600 A 192.0.2.1").settled().applied;
    let order = order(claims, rows);
    assert_eq!(order[..3], ["all/r000", "all/zz1", "all/r001"].map(str::to_owned));
}

#[test]
fn what_has_just_changed_takes_turns_with_what_is_left_over() {
    let left_over = records("all", 1000).into_iter().map(|claim| Claim { left_over: true, ..claim });
    let new = [
        claim("all/zz1", "z1.example.com 600 A 192.0.2.1"),
        claim("all/zz2", "z2.example.com 600 A 192.0.2.1"),
    ];
    let order = order(left_over.chain(new).collect(), Vec::new());
    assert_eq!(order[..5], ["all/r000", "all/zz1", "all/r001", "all/zz2", "all/r002"].map(str::to_owned));
    assert_eq!(order.len(), 1002);
}
