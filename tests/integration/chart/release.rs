//! scripts/release knows every place that names the version.

use std::fs;
use std::path::Path;
use std::process::Command;

use super::root;

/// What the script reads or writes.
const PARTS: [&str; 5] = ["Cargo.toml", "Cargo.lock", "CHANGELOG.md", "deploy", "scripts"];

fn copy(from: &Path, to: &Path) {
    if from.is_dir() {
        fs::create_dir_all(to).unwrap();
        for entry in fs::read_dir(from).unwrap() {
            let name = entry.unwrap().file_name();
            // Other tests have overlays of their own there for a moment.
            if !name.to_string_lossy().starts_with('.') {
                copy(&from.join(&name), &to.join(&name));
            }
        }
    } else {
        fs::copy(from, to).unwrap();
    }
}

/// Runs the script of the copy: whether it succeeded, and all that it said.
fn release(place: &Path, arguments: &[&str]) -> (bool, String) {
    let output = Command::new(place.join("scripts/release")).args(arguments).output().unwrap();
    let said = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8(said).unwrap())
}

/// Lines that name this version of ours, by file.
fn naming(place: &Path, version: &str) -> Vec<String> {
    let mut naming = Vec::new();
    let mut open = vec![place.to_path_buf()];
    while let Some(path) = open.pop() {
        if path.is_dir() {
            open.extend(fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()));
        } else if let Ok(text) = fs::read_to_string(&path) {
            let lines: Vec<&str> = text.lines().collect();
            for (number, line) in lines.iter().enumerate() {
                // In Cargo.lock other people's packages may have that version.
                let others =
                    path.ends_with("Cargo.lock") && !lines[number.max(1) - 1].contains("\"solidserver-");
                if line.contains(version) && !others && !path.ends_with("CHANGELOG.md") {
                    naming.push(format!("{}: {line}", path.strip_prefix(place).unwrap().display()));
                }
            }
        }
    }
    naming.sort_unstable();
    naming
}

#[test]
fn the_release_script_writes_the_version_wherever_it_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path();
    for part in PARTS {
        copy(&root().join(part), &place.join(part));
    }
    let old = env!("CARGO_PKG_VERSION");
    assert_eq!(release(place, &["version"]), (true, format!("{old}\n")));
    let before = naming(place, old);
    assert!(before.len() >= 8, "{before:?}");

    let (done, said) = release(place, &["set", "97.98.99"]);
    assert!(done, "{said}");
    assert_eq!(naming(place, old), [""; 0]);
    let after: Vec<String> = before.iter().map(|line| line.replace(old, "97.98.99")).collect();
    assert_eq!(naming(place, "97.98.99"), after);

    let (done, said) = release(place, &["check", "v97.98.99"]);
    assert!(!done && said.contains("CHANGELOG.md has no section [97.98.99]"), "{said}");
    let changelog = fs::read_to_string(place.join("CHANGELOG.md")).unwrap();
    let changelog = changelog.replace("## [Unreleased]", "## [Unreleased]\n\n## [97.98.99] - 2026-11-24");
    fs::write(place.join("CHANGELOG.md"), changelog).unwrap();
    let (done, said) = release(place, &["check", "v97.98.99"]);
    assert!(done, "{said}");
    let (done, notes) = release(place, &["notes"]);
    assert!(done && notes.starts_with("### Added\n") && !notes.contains("## ["), "{notes}");

    let (done, said) = release(place, &["check", "v1.0.0"]);
    assert!(!done && said.contains("the tag is v1.0.0, the version is 97.98.99"), "{said}");
    let chart = place.join("deploy/helm/solidserver-operator/Chart.yaml");
    fs::write(&chart, fs::read_to_string(&chart).unwrap().replace("appVersion: 97", "appVersion: 96"))
        .unwrap();
    let (done, said) = release(place, &["check"]);
    assert!(!done && said.contains("Chart.yaml says 96.98.99, Cargo.toml says 97.98.99"), "{said}");
    let (done, said) = release(place, &["checksums"]);
    assert!(!done, "there is nothing yet: {said}");
    fs::create_dir(place.join("dist")).unwrap();
    fs::write(place.join("dist/crds.yaml"), "").unwrap();
    for _ in 0..2 {
        let (done, said) = release(place, &["checksums"]);
        let of_nothing = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        assert_eq!((done, said), (true, format!("{of_nothing}  crds.yaml\n")), "not of the list itself");
    }
    let (done, said) = release(place, &["set", "soon"]);
    assert!(!done && said.contains("soon is no version"), "{said}");
}
