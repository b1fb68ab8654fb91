//! Alerts and the dashboard: they name metrics that there are, each alert has its page, and promtool sees when they fire.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

use regex::Regex;
use serde::Deserialize as _;
use serde_json::Value;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read(path: &str) -> String {
    std::fs::read_to_string(root().join(path)).unwrap()
}

fn alerts() -> Value {
    serde_saphyr::from_str(&read("deploy/components/monitoring/alerts.yaml")).unwrap()
}

fn rules() -> Vec<Value> {
    let groups = Vec::<Value>::deserialize(&alerts()["spec"]["groups"]).unwrap();
    groups.iter().flat_map(|group| group["rules"].as_array().unwrap().clone()).collect()
}

/// The series that the operator has, from the page that is generated.
fn series() -> BTreeSet<String> {
    let row = Regex::new(r"(?m)^\| `(solidserver_operator_[a-z_]+)` \| ([a-z]+) ").unwrap();
    let page = read("docs/reference/metrics.md");
    let of = |(name, kind): (&str, &str)| match kind {
        "histogram" => ["bucket", "sum", "count"].map(|part| format!("{name}_{part}")).to_vec(),
        _ => vec![name.to_owned()],
    };
    let series: BTreeSet<String> = row
        .captures_iter(&page)
        .map(|row| row.extract().1)
        .flat_map(|[name, kind]: [&str; 2]| of((name, kind)))
        .collect();
    assert!(series.len() > 15, "{series:?}");
    series
}

#[test]
fn alerts_and_dashboard_name_series_that_there_are() {
    let name = Regex::new(r"solidserver_operator_[a-z_]+").unwrap();
    let there = series();
    let dashboard = read("deploy/components/monitoring/dashboard.json");
    let _: Value = serde_json::from_str(&dashboard).unwrap();
    let expressions: String =
        rules().iter().map(|rule| rule["expr"].as_str().unwrap().to_owned() + "\n").collect();
    for text in [dashboard, expressions] {
        let named: BTreeSet<String> = name.find_iter(&text).map(|found| found.as_str().to_owned()).collect();
        assert!(named.len() > 5);
        let unknown: Vec<&String> = named.difference(&there).collect();
        assert_eq!(unknown, Vec::<&String>::new());
    }
}

#[test]
fn every_alert_has_its_page() {
    let page = read("docs/operations/alerts.md");
    let headings: BTreeSet<&str> = page.lines().filter_map(|line| line.strip_prefix("## ")).collect();
    let rules = rules();
    let names: BTreeSet<&str> = rules.iter().map(|rule| rule["alert"].as_str().unwrap()).collect();
    assert_eq!(names, headings);
    for rule in &rules {
        let anchor = format!("docs/operations/alerts.md#{}", rule["alert"].as_str().unwrap().to_lowercase());
        assert!(rule["annotations"]["runbook_url"].as_str().unwrap().ends_with(&anchor), "{rule}");
        assert!(["critical", "warning", "info"].contains(&rule["labels"]["severity"].as_str().unwrap()));
    }
}

/// promtool, which Go builds once.
fn promtool() -> PathBuf {
    let binary = root().join("target/monitoring/promtool");
    let built = Command::new("go")
        .args(["build", "-trimpath", "-tags", "remove_all_sd", "-o"])
        .arg(&binary)
        .arg("github.com/prometheus/prometheus/cmd/promtool")
        .env("GOFLAGS", "-mod=readonly")
        .current_dir(root().join("tests/monitoring"))
        .status()
        .expect("go is needed: https://go.dev/doc/install");
    assert!(built.success(), "go build failed in tests/monitoring");
    binary
}

#[test]
fn promtool_takes_the_rules_and_sees_them_fire_when_they_should() {
    let promtool = promtool();
    let folder = tempfile::tempdir().unwrap();
    // JSON is YAML.
    std::fs::write(folder.path().join("alerts.yaml"), alerts()["spec"].to_string()).unwrap();
    std::fs::write(folder.path().join("alerts_test.yaml"), read("tests/monitoring/alerts_test.yaml"))
        .unwrap();
    for arguments in [["check", "rules", "alerts.yaml"], ["test", "rules", "alerts_test.yaml"]] {
        let run = Command::new(&promtool).args(arguments).current_dir(folder.path()).output().unwrap();
        assert!(
            run.status.success(),
            "{}{}",
            String::from_utf8_lossy(&run.stdout),
            String::from_utf8_lossy(&run.stderr)
        );
    }
}

#[tokio::test]
async fn the_component_adds_what_the_prometheus_operator_and_grafana_look_for() {
    let folder = tempfile::tempdir().unwrap();
    let copied = Command::new("cp")
        .arg("-r")
        .args([root().join("deploy"), root().join("crds")])
        .arg(folder.path())
        .status()
        .unwrap();
    assert!(copied.success());
    let overlay = folder.path().join("deploy/overlays/monitored");
    std::fs::create_dir_all(&overlay).unwrap();
    std::fs::write(
        overlay.join("kustomization.yaml"),
        "resources: [../../base]\ncomponents: [../../components/monitoring]\n",
    )
    .unwrap();
    let control_plane = crate::control_plane::shared().await.unwrap();
    let output = control_plane.kubectl(&["kustomize", &overlay.display().to_string()]).await.unwrap();
    let manifests: Vec<Value> = serde_saphyr::from_multiple(&output.success().unwrap()).unwrap();
    let one = |kind: &str, labels: &str| {
        let of_kind: Vec<&Value> = manifests
            .iter()
            .filter(|manifest| {
                manifest["kind"] == kind
                    && (labels.is_empty() || !manifest["metadata"]["labels"][labels].is_null())
            })
            .collect();
        assert_eq!(of_kind.len(), 1, "{kind}");
        of_kind[0]
    };
    let wanted = &one("ServiceMonitor", "")["spec"]["selector"]["matchLabels"];
    let service = one("Service", "");
    for (label, value) in wanted.as_object().unwrap() {
        assert_eq!(&service["metadata"]["labels"][label], value, "the ServiceMonitor selects no Service");
    }
    let port = &one("ServiceMonitor", "")["spec"]["endpoints"][0]["port"];
    assert_eq!(&service["spec"]["ports"][0]["name"], port);
    assert_eq!(one("PrometheusRule", "")["spec"], alerts()["spec"]);
    let dashboard = &one("ConfigMap", "grafana_dashboard")["data"]["solidserver-operator.json"];
    assert_eq!(dashboard.as_str().unwrap(), read("deploy/components/monitoring/dashboard.json"));
}
