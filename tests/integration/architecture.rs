//! The rules that keep the rooms apart, checked on the source itself.

mod rust_source;

use std::{
    collections::BTreeMap,
    env, fs,
    path::{Path, PathBuf},
    process::Command,
};

use rust_source::{NamedPath, RustSource};

/// Rooms that are pure: the same input gives the same output, and nothing else happens.
const PURE_ROOMS: [&str; 2] = ["record", "plan"];

/// Crates that talk to somebody, wait, log or roll dice.
const IMPURE_CRATES: [&str; 16] = [
    "axum",
    "backon",
    "futures",
    "hyper",
    "k8s_openapi",
    "kube",
    "prometheus_client",
    "rand",
    "reqwest",
    "rustls",
    "tokio",
    "tokio_util",
    "tracing",
    "tracing_subscriber",
    "anyhow",
    "clap",
];

/// Parts of the standard library that do the same, except the types of `PURE_NET`.
const IMPURE_STD: [&str; 7] = ["env", "fs", "io", "net", "process", "thread", "os"];

/// Addresses are data.
const PURE_NET: [&str; 4] = ["IpAddr", "Ipv4Addr", "Ipv6Addr", "AddrParseError"];

/// Clocks; and collections whose order differs from run to run, which would make plans differ.
const IMPURE_NAMES: [&str; 5] = ["Instant", "SystemTime", "HashMap", "HashSet", "RandomState"];

/// Where it is chosen which of the appliance's dialects is spoken. Only the dialects themselves know any other word of them.
const DIALECT_CHOOSERS: [&str; 2] = ["src/api/solid_server.rs", "src/controller/connection.rs"];

/// Parts of names that only one dialect has.
const WIRE_WORDS: [&str; 12] = [
    "WHERE",
    "add_flag",
    "api/v2.0",
    "dns/",
    "dns_name",
    "dns_rr",
    "dnsview",
    "dnszone",
    "ret_oid",
    "rr_id",
    "rr_value",
    "server_name",
];

/// A file that is longer without its tests is split by noun.
const LONGEST_FILE: usize = 600;

/// Files that may be longer, each with the reason.
const LONGER_FILES: [(&str, &str); 0] = [];

/// Names that say nothing about what is inside.
const EMPTY_NAMES: [&str; 7] = ["common", "helper", "helpers", "misc", "types", "util", "utils"];

/// Crates that the shipped binary has no use for: the appliance's stand-in and what only it and tests need.
const TEST_CRATES: [&str; 6] =
    ["solidserver-simulator", "axum-server", "rcgen", "proptest", "rstest", "tempfile"];

/// All Rust files below a folder of the workspace, by their path from the workspace's root, without files
/// that only tests have.
fn sources(folder: &str) -> BTreeMap<PathBuf, RustSource> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut sources = BTreeMap::new();
    let mut folders = vec![PathBuf::from(folder)];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(root.join(&folder)).unwrap() {
            let entry = entry.unwrap();
            let path = folder.join(entry.file_name());
            if entry.file_type().unwrap().is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = fs::read_to_string(root.join(&path)).unwrap();
                sources.insert(path, RustSource::parse(&text));
            }
        }
    }
    let tests: Vec<PathBuf> = sources.iter().flat_map(|(path, source)| test_files(path, source)).collect();
    sources.retain(|path, _| {
        !tests.iter().any(|test| path == test || path.starts_with(test.with_extension("")))
    });
    assert!(!sources.is_empty(), "no Rust file in {folder}");
    sources
}

/// The files that `#[cfg(test)] mod x;` in `path` stands for; with them go the folders of their submodules.
fn test_files(path: &Path, source: &RustSource) -> Vec<PathBuf> {
    let folder = path.parent().unwrap();
    let own =
        matches!(path.file_name().and_then(|name| name.to_str()), Some("mod.rs" | "lib.rs" | "main.rs"));
    let modules = if own { folder.to_path_buf() } else { path.with_extension("") };
    let file = |module: &rust_source::TestModule| match &module.path {
        Some(file) => folder.join(file),
        None => modules.join(&module.name).with_extension("rs"),
    };
    source.test_modules.iter().map(file).collect()
}

/// Where a file stands in the crate: `src/record/data/text.rs` is `["record", "data", "text"]`.
fn module_of(path: &Path) -> Vec<String> {
    let path = path.with_extension("");
    let mut module: Vec<String> =
        path.components().skip(1).map(|part| part.as_os_str().to_string_lossy().into_owned()).collect();
    if module.last().is_some_and(|last| ["mod", "lib", "main"].contains(&last.as_str())) {
        module.pop();
    }
    module
}

/// Why a pure room may not name a path, if it may not.
fn impurity(module: &[String], path: &NamedPath) -> Option<&'static str> {
    let segments: Vec<&str> = path.segments.iter().map(String::as_str).collect();
    let is_a_path = segments.len() > 1 || path.imported;
    let pure_room = |room: Option<&str>| room.is_none_or(|room| PURE_ROOMS.contains(&room));
    match segments[..] {
        ["async"] => Some("pure code does not wait"),
        [first, ..] if is_a_path && IMPURE_CRATES.contains(&first) => Some("the crate is not pure"),
        ["std" | "core", "net", last, ..] if PURE_NET.contains(&last) => None,
        ["std" | "core", part, ..] if IMPURE_STD.contains(&part) => Some("that part of std is not pure"),
        _ if segments.iter().any(|segment| IMPURE_NAMES.contains(segment)) => {
            Some("a clock, or an order that differs from run to run")
        }
        ["crate", room, ..] if !pure_room(Some(room)) => Some("the room is not pure"),
        ["super", ..] => {
            let up = segments.iter().take_while(|segment| **segment == "super").count();
            let mut target = module[..module.len().saturating_sub(up)].iter().map(String::as_str);
            let room = target.next().or(segments.get(up).copied());
            (!pure_room(room)).then_some("the room is not pure")
        }
        _ => None,
    }
}

/// Every impure path in the file, as `file:line: path: reason`.
fn impurities(path: &Path, source: &RustSource) -> Vec<String> {
    let module = module_of(path);
    let complain = |named: &NamedPath| {
        let reason = impurity(&module, named)?;
        Some(format!("{}:{}: {}: {reason}", path.display(), named.line, named.segments.join("::")))
    };
    source.paths.iter().filter_map(complain).collect()
}

#[test]
fn pure_rooms_name_nothing_impure() {
    let mut found = Vec::new();
    for room in PURE_ROOMS {
        let sources = sources(&format!("src/{room}"));
        assert!(sources.len() > 3, "src/{room} has only {} files", sources.len());
        found.extend(sources.iter().flat_map(|(path, source)| impurities(path, source)));
    }
    assert!(found.is_empty(), "impure:\n{}", found.join("\n"));
}

#[test]
fn the_check_of_purity_sees_each_kind_of_impurity() {
    let cases = [
        ("use kube::Api;", true),
        ("use tokio as runtime;", true),
        ("fn f() { tracing::info!(\"x\"); }", true),
        ("use std::{fmt, fs};", true),
        ("use std::net::{IpAddr, TcpStream};", true),
        ("use std::net::{IpAddr, Ipv4Addr};", false),
        ("fn f() { std::time::SystemTime::now(); }", true),
        ("use std::time::Duration;", false),
        ("use std::time;\nfn f() { time::Instant::now(); }", true),
        ("async fn f() {}", true),
        ("use std::collections::HashMap;", true),
        ("use crate::solidserver::Client;", true),
        ("use crate::record::Name;", false),
        ("use super::super::solidserver::Client;", true),
        ("use super::super::record::Name;", false),
        ("use super::{Verdict, drift};", false),
        ("/// As kube::Api says.\nfn kube() { let tokio = 1; x.rand(tokio); }", false),
        ("#[cfg(test)]\nmod tests { use tokio::time; }", false),
    ];
    for (text, impure) in cases {
        let found = impurities(Path::new("src/plan/case.rs"), &RustSource::parse(text));
        assert_eq!(!found.is_empty(), impure, "{text}: {found:?}");
    }
    let deep = RustSource::parse("use super::super::queue::Key;");
    assert_eq!(impurities(Path::new("src/plan/deep/case.rs"), &deep), [""; 0]);
    assert_eq!(
        impurities(Path::new("src/plan/mod.rs"), &RustSource::parse("use super::queue::Key;")).len(),
        1
    );
}

/// Names of a dialect in a file, as `file:line: name`.
fn dialect_names(path: &Path, source: &RustSource) -> Vec<String> {
    let is_chosen = |pair: &[String]| pair[0] == "Dialect" && pair[1].starts_with(char::is_uppercase);
    let is_module = |pair: &[String]| pair[0] == "dialect" && matches!(&*pair[1], "rest" | "v2");
    let paths = source
        .paths
        .iter()
        .filter(|path| path.segments.windows(2).any(|pair| is_chosen(pair) || is_module(pair)));
    let paths = paths.map(|named| (named.line, named.segments.join("::")));
    let texts = source.texts.iter().filter(|(_, text)| WIRE_WORDS.iter().any(|word| text.contains(word)));
    let found = paths.chain(texts.cloned());
    found.map(|(line, name)| format!("{}:{line}: {name}", path.display())).collect()
}

#[test]
fn only_the_dialects_know_how_the_appliance_is_spoken_to() {
    let mut found = Vec::new();
    let mut choosing = Vec::new();
    for (path, source) in sources("src") {
        if path.starts_with("src/solidserver/dialect") {
            continue;
        }
        let names = dialect_names(&path, &source);
        if DIALECT_CHOOSERS.iter().any(|chooser| path == Path::new(chooser)) {
            choosing.extend(names);
        } else {
            found.extend(names);
        }
    }
    assert!(found.is_empty(), "known outside of the dialects:\n{}", found.join("\n"));
    // The choice is made once, and the words of the wire are seen where they are.
    assert!(choosing.iter().all(|name| name.contains("Dialect::")), "{choosing:?}");
    assert!(!choosing.is_empty());
    let dialects = sources("src/solidserver/dialect");
    let words: usize = dialects.iter().map(|(path, source)| dialect_names(path, source).len()).sum();
    assert!(words > 20, "{words}");
}

#[test]
fn the_check_of_dialects_sees_each_way_to_know_one() {
    for (text, known) in [
        ("fn f(dialect: Dialect) -> bool { dialect == Dialect::V2 }", true),
        ("use crate::solidserver::Dialect;\nconst D: Dialect = crate::solidserver::Dialect::Rest;", true),
        ("use super::dialect::v2::ROOT;", true),
        ("const SERVICE: &str = \"dns_rr_list\";", true),
        ("fn f() { call(\"dns/rr/add\"); }", true),
        ("use super::dialect::{Dialect, Entries};\nfn f(d: Dialect) { d.add(); Dialect::default(); }", false),
        ("/// `dns_rr_list` takes `WHERE`.\nfn f() {}", false),
        ("#[cfg(test)]\nmod tests { fn f() { call(\"dns_rr_list\"); } }", false),
    ] {
        let found = dialect_names(Path::new("src/solidserver/case.rs"), &RustSource::parse(text));
        assert_eq!(!found.is_empty(), known, "{text}: {found:?}");
    }
}

#[test]
fn no_file_is_too_long_to_be_read_at_once() {
    let mut long = BTreeMap::new();
    for folder in ["src", "simulator/src"] {
        for (path, source) in sources(folder) {
            if source.lines > LONGEST_FILE {
                long.insert(path.to_string_lossy().into_owned(), source.lines);
            }
        }
    }
    for (path, reason) in LONGER_FILES {
        assert!(long.remove(path).is_some(), "{path} is no longer too long ({reason}): take it off the list");
    }
    assert!(long.is_empty(), "longer than {LONGEST_FILE} lines without tests, split by noun: {long:?}");
}

#[test]
fn every_module_has_a_name_that_says_what_is_inside() {
    let mut empty = Vec::new();
    for folder in ["src", "simulator/src"] {
        for (path, source) in sources(folder) {
            let mut names: Vec<String> = source.modules.into_iter().collect();
            names.extend(path.with_extension("").iter().map(|part| part.to_string_lossy().into_owned()));
            let bad = names.into_iter().filter(|name| EMPTY_NAMES.contains(&name.as_str()));
            empty.extend(bad.map(|name| format!("{name} in {}", path.display())));
        }
    }
    assert!(empty.is_empty(), "{empty:?}");
}

/// Names of the packages that the operator's package is built with, over `edges` as cargo tree names them.
fn packages(edges: &str) -> Vec<String> {
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .args([
            "tree",
            "--locked",
            "--offline",
            "--package=solidserver-operator",
            "--prefix=none",
            "--format={p}",
        ])
        .args(["--edges", edges])
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let tree = String::from_utf8(output.stdout).unwrap();
    let mut packages: Vec<String> =
        tree.lines().filter_map(|line| line.split(' ').next()).map(String::from).collect();
    packages.sort_unstable();
    packages.dedup();
    packages
}

#[test]
fn the_shipped_binary_has_no_simulator_and_no_test_double() {
    let of_tests = |packages: &[String]| -> Vec<String> {
        let is_for_tests =
            |name: &&String| TEST_CRATES.contains(&name.as_str()) || name.starts_with("hickory");
        packages.iter().filter(is_for_tests).cloned().collect()
    };
    let shipped = packages("normal");
    assert!(
        ["kube", "reqwest", "tokio"].iter().all(|name| shipped.contains(&String::from(*name))),
        "{shipped:?}"
    );
    assert_eq!(of_tests(&shipped), [""; 0]);
    // With the tests' own dependencies each of them is there: none is absent only for being spelled wrong
    // here.
    let with_tests = of_tests(&packages("normal,dev"));
    for name in TEST_CRATES {
        assert!(with_tests.contains(&name.into()), "{name} is no dependency of the tests any more");
    }
}
