//! What is counted is what is shown, and the page lists it.

use super::*;
use crate::record::Name;
use std::fmt::Write as _;
use std::path::Path;

/// Set to write the table of the page instead of comparing it.
const WRITE: &str = "WRITE_METRICS_PAGE";
const BEGIN: &str = "<!-- table begin: generated from src/telemetry/metrics.rs -->\n";
const END: &str = "<!-- table end -->";

fn everything(solid_server: &str) -> Metrics {
    let metrics = Metrics::new();
    count_everything(&metrics, solid_server);
    metrics
}

fn count_everything(metrics: &Metrics, solid_server: &str) {
    let second = Duration::from_secs(1);
    metrics.call(solid_server, "dns_rr_list", "ok", second);
    metrics.gate_waited(solid_server, second);
    metrics.pass(solid_server, "whole", second);
    metrics.rows_changed(solid_server, "add", "ok");
    metrics.decided(solid_server, "in_sync");
    metrics.records(solid_server, 5, 4, 3, 2);
    metrics.deletions_held(solid_server, 6);
    metrics.differences_left(solid_server, 8, 9);
    metrics.ptr_changed(solid_server, "create", "ok");
    metrics.ptr_withheld(solid_server, "not_created", 10);
    metrics.status_patched("ok");
    metrics.round(solid_server, 1_700_000_000.5, second);
    metrics.published(solid_server, "appliance", second);
    metrics.queue_depth(7);
    metrics.queue_oldest(second);
    metrics.drift_repaired(solid_server);
    metrics.zone_succeeded(solid_server, &place("example.com"), 1_700_000_001.5);
    metrics.solid_server_up(solid_server, true);
    metrics.leads(solid_server);
}

fn place(zone: &str) -> Place {
    Place { server: "ns.example.com".into(), view: None, zone: Name::parse(zone).unwrap() }
}

fn samples(text: &str) -> Vec<&str> {
    text.lines().filter(|line| !line.starts_with('#')).collect()
}

fn sample<'a>(text: &'a str, series: &str) -> Option<&'a str> {
    samples(text).into_iter().find_map(|line| line.strip_prefix(series)?.strip_prefix(' '))
}

#[test]
fn what_counts_writes_is_shown_before_the_first_of_them() {
    let metrics = Metrics::new();
    metrics.leads("default");
    let text = metrics.encode().unwrap();
    let changes = ["add", "edit", "delete"].map(|change| {
        format!(
            r#"solidserver_operator_row_changes_total{{solid_server="default",change="{change}",outcome="ok"}}"#
        )
    });
    let drift = r#"solidserver_operator_drift_repaired_total{solid_server="default"}"#.to_owned();
    for series in changes.iter().chain([&drift]) {
        assert_eq!(sample(&text, series), Some("0"), "{series}");
    }
    metrics.forget("default");
    assert_eq!(sample(&metrics.encode().unwrap(), &drift), None);
}

#[test]
fn what_is_counted_is_what_is_shown() {
    let metrics = everything("default");
    metrics.call("default", "dns_rr_list", "ok", Duration::from_secs(2));
    metrics.call("default", "dns_rr_list", "unreachable", Duration::ZERO);
    let text = metrics.encode().unwrap();
    for (series, value) in [
        (
            r#"solidserver_operator_calls_total{solid_server="default",service="dns_rr_list",outcome="ok"}"#,
            "2",
        ),
        (
            r#"solidserver_operator_calls_total{solid_server="default",service="dns_rr_list",outcome="unreachable"}"#,
            "1",
        ),
        (
            r#"solidserver_operator_call_duration_seconds_sum{solid_server="default",service="dns_rr_list"}"#,
            "3.0",
        ),
        (r#"solidserver_operator_row_changes_total{solid_server="default",change="add",outcome="ok"}"#, "1"),
        (r#"solidserver_operator_records{solid_server="default",standing="ready"}"#, "5"),
        (r#"solidserver_operator_records{solid_server="default",standing="reconciling"}"#, "4"),
        (r#"solidserver_operator_records{solid_server="default",standing="stalled"}"#, "3"),
        (r#"solidserver_operator_orphaned_rows{solid_server="default"}"#, "2"),
        (r#"solidserver_operator_deletions_held{solid_server="default"}"#, "6"),
        (r#"solidserver_operator_differences_left{solid_server="default",cause="suspend"}"#, "8"),
        (r#"solidserver_operator_differences_left{solid_server="default",cause="drift_policy"}"#, "9"),
        (r#"solidserver_operator_last_round_timestamp_seconds{solid_server="default"}"#, "1700000000.5"),
        (r#"solidserver_operator_solid_server_up{solid_server="default"}"#, "1"),
        (r#"solidserver_operator_leading{solid_server="default"}"#, "1"),
        ("solidserver_operator_queue_depth", "7"),
        ("solidserver_operator_queue_oldest_seconds", "1.0"),
        (r#"solidserver_operator_drift_repaired_total{solid_server="default"}"#, "1"),
        (
            r#"solidserver_operator_zone_last_success_timestamp_seconds{solid_server="default",server="ns.example.com",view="",zone="example.com"}"#,
            "1700000001.5",
        ),
    ] {
        assert_eq!(sample(&text, series), Some(value), "{series} in\n{text}");
    }
    assert!(text.ends_with("# EOF\n"));
}

#[test]
fn clones_count_together() {
    let metrics = Metrics::new();
    let clone = metrics.clone();
    clone.status_patched("ok");
    metrics.status_patched("ok");
    let text = metrics.encode().unwrap();
    assert_eq!(sample(&text, r#"solidserver_operator_status_patches_total{outcome="ok"}"#), Some("2"));
}

#[test]
fn a_solid_server_that_is_gone_leaves_no_series() {
    let metrics = everything("stays");
    let before = metrics.encode().unwrap();
    count_everything(&metrics, "goes");
    assert!(metrics.encode().unwrap().contains(r#""goes""#));
    metrics.forget("goes");
    let after = metrics.encode().unwrap();
    assert!(!after.contains(r#""goes""#), "{after}");
    let others = |text: &str| -> Vec<String> {
        samples(text).into_iter().filter(|line| line.contains(r#""stays""#)).map(str::to_owned).collect()
    };
    assert_eq!(others(&after).len(), others(&before).len());
    assert!(!others(&after).is_empty());
}

#[test]
fn a_zone_that_is_gone_leaves_no_series() {
    let metrics = everything("default");
    metrics.zone_succeeded("default", &place("other.example.com"), 1.0);
    metrics.forget_zone("default", &place("example.com"));
    let text = metrics.encode().unwrap();
    assert!(!text.contains(r#"zone="example.com""#), "{text}");
    assert!(text.contains(r#"zone="other.example.com""#), "{text}");
}

#[test]
fn a_name_in_a_label_is_escaped() {
    let metrics = Metrics::new();
    metrics.solid_server_up("a\"b\\c\nd", true);
    let text = metrics.encode().unwrap();
    assert!(text.contains(r#"{solid_server="a\"b\\c\nd"} 1"#), "{text}");
}

/// The rows of the page, from what the registry says of itself: name, kind, labels and help of every
/// metric.
fn table() -> String {
    let text = everything("default").encode().unwrap();
    let lines: Vec<&str> = text.lines().collect();
    let mut table = "| metric | kind | labels | meaning |\n|---|---|---|---|\n".to_owned();
    for line in &lines {
        let Some((name, help)) = line.strip_prefix("# HELP ").and_then(|rest| rest.split_once(' ')) else {
            continue;
        };
        let kind = lines
            .iter()
            .find_map(|line| line.strip_prefix("# TYPE ")?.strip_prefix(name)?.strip_prefix(' '))
            .unwrap();
        let series = match kind {
            "counter" => format!("{name}_total"),
            "info" => format!("{name}_info"),
            _ => name.to_owned(),
        };
        let sampled = if kind == "histogram" { format!("{name}_sum") } else { series.clone() };
        let first = samples(&text)
            .into_iter()
            .find_map(|line| line.strip_prefix(&sampled).filter(|rest| rest.starts_with(['{', ' '])))
            .unwrap_or_else(|| panic!("{sampled} has no sample; count it in everything()"));
        let labels: Vec<String> = first
            .strip_prefix('{')
            .and_then(|rest| rest.split_once('}'))
            .map(|(labels, _)| {
                labels.split(',').map(|label| format!("`{}`", label.split('=').next().unwrap())).collect()
            })
            .unwrap_or_default();
        writeln!(table, "| `{series}` | {kind} | {} | {help} |", labels.join(", ")).unwrap();
    }
    table
}

#[test]
fn the_page_lists_what_there_is() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/reference/metrics.md");
    let page = std::fs::read_to_string(&path).unwrap();
    let (before, rest) = page.split_once(BEGIN).expect("the page has a marked place for the table");
    let (committed, after) = rest.split_once(END).expect("the marked place has an end");
    let table = table();
    if std::env::var_os(WRITE).is_some() {
        std::fs::write(&path, [before, BEGIN, &table, END, after].concat()).unwrap();
        return;
    }
    assert!(
        committed == table,
        "docs/reference/metrics.md is not what the registry says; run: {WRITE}=1 cargo test --lib telemetry::metrics\n{table}"
    );
}
