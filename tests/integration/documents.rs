//! What is written for people: links lead somewhere, and nothing names the machine it was written on.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};

use solidserver_operator::api::Reason;

/// Folders that hold no text of ours.
const NOT_OURS: [&str; 3] = ["target", ".git", "node_modules"];

/// Where people's folders are; a path below them exists on one machine only.
const PERSONAL: [&str; 3] = ["/home/", "/root/", "/Users/"];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// All files below the workspace's root, with their text if they are text.
fn texts() -> Vec<(PathBuf, String)> {
    let mut texts = Vec::new();
    let mut folders = vec![root().to_path_buf()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let entry = entry.unwrap();
            let kind = entry.file_type().unwrap();
            let skipped = NOT_OURS.iter().any(|name| entry.file_name() == *name);
            if kind.is_dir() && !skipped {
                folders.push(entry.path());
            } else if kind.is_file()
                && let Ok(text) = fs::read_to_string(entry.path())
            {
                texts.push((entry.path(), text));
            }
        }
    }
    assert!(texts.len() > 50, "only {} files found below {}", texts.len(), root().display());
    texts
}

/// Lines outside of fenced code blocks.
fn prose(text: &str) -> impl Iterator<Item = &str> {
    let mut in_code = false;
    text.lines().filter(move |line| {
        let fence = line.trim_start().starts_with("```");
        in_code ^= fence;
        !in_code && !fence
    })
}

/// The targets of inline links `[text](target)`.
fn links(text: &str) -> Vec<String> {
    prose(text)
        .flat_map(|line| line.split("](").skip(1))
        .filter_map(|rest| rest.split_once(')'))
        .map(|(target, _)| target.to_owned())
        .collect()
}

/// The anchors that GitHub gives to headings: lower case, spaces to dashes, punctuation dropped, repetitions
/// numbered.
fn anchors(text: &str) -> Vec<String> {
    let mut seen: HashMap<String, usize> = HashMap::new();
    prose(text)
        .filter(|line| line.starts_with('#'))
        .map(|line| {
            let anchor: String = line
                .trim_start_matches('#')
                .trim()
                .to_lowercase()
                .chars()
                .filter(|letter| letter.is_alphanumeric() || matches!(letter, ' ' | '-' | '_'))
                .map(|letter| if letter == ' ' { '-' } else { letter })
                .collect();
            let times = seen.entry(anchor.clone()).or_default();
            *times += 1;
            if *times == 1 { anchor } else { format!("{anchor}-{}", *times - 1) }
        })
        .collect()
}

/// What is wrong with a link in the file at `path`; `None` for a good one and for one that leads out of the
/// repository.
fn broken(path: &Path, text: &str, link: &str) -> Option<String> {
    if link.contains("://") || link.starts_with("mailto:") {
        return None;
    }
    let (file, anchor) = link.split_once('#').map_or((link, None), |(file, anchor)| (file, Some(anchor)));
    let target = if file.is_empty() { path.to_path_buf() } else { path.parent().unwrap().join(file) };
    if !target.exists() {
        return Some(format!("{}: no file for the link ({link})", path.display()));
    }
    let anchor = anchor?;
    let there =
        if file.is_empty() { text.to_owned() } else { fs::read_to_string(&target).unwrap_or_default() };
    (!anchors(&there).iter().any(|known| known == anchor))
        .then(|| format!("{}: no heading for the link ({link})", path.display()))
}

#[test]
fn relative_links_in_markdown_lead_somewhere() {
    let pages: Vec<(PathBuf, String)> = texts()
        .into_iter()
        .filter(|(path, _)| path.extension().is_some_and(|extension| extension == "md"))
        .collect();
    assert!(pages.iter().any(|(path, _)| path.ends_with("README.md")));
    let broken: Vec<String> = pages
        .iter()
        .flat_map(|(path, text)| links(text).into_iter().filter_map(move |link| broken(path, text, &link)))
        .collect();
    assert_eq!(broken, [""; 0]);
}

#[test]
fn every_page_is_in_the_book_and_every_page_of_the_book_is_there() {
    let docs = root().join("docs");
    let summary = links(&fs::read_to_string(docs.join("SUMMARY.md")).unwrap());
    let mut missing: Vec<String> = texts()
        .into_iter()
        .filter_map(|(path, _)| Some(path.strip_prefix(&docs).ok()?.to_str()?.to_owned()))
        .filter(|page| page.ends_with(".md") && page != "SUMMARY.md" && !summary.contains(page))
        .collect();
    missing.sort();
    assert_eq!(missing, [""; 0], "not in docs/SUMMARY.md");
    let twice: Vec<&String> =
        summary.iter().filter(|page| summary.iter().filter(|other| other == page).count() > 1).collect();
    assert_eq!(twice, [""; 0], "twice in docs/SUMMARY.md");
    // That each leads somewhere is seen with all other links.
    assert!(summary.len() > 40, "{}", summary.len());
}

#[test]
fn every_reason_is_explained_once() {
    let page = fs::read_to_string(root().join("docs/troubleshooting.md")).unwrap();
    let mut explained: Vec<&str> = page.lines().filter_map(|line| line.strip_prefix("### ")).collect();
    let mut reasons: Vec<&str> = Reason::ALL.iter().map(|reason| reason.as_str()).collect();
    explained.sort_unstable();
    reasons.sort_unstable();
    assert_eq!(explained, reasons);
}

/// The names in `code` that read like a test's, in the last column of each table.
fn tests_named_in(page: &str) -> Vec<&str> {
    let cells = page.lines().filter_map(|line| line.trim().strip_suffix('|')?.rsplit_once('|'));
    cells
        .flat_map(|(_, last)| last.split('`').skip(1).step_by(2))
        .filter(|name| name.matches('_').count() > 2 && !name.contains(' '))
        .collect()
}

#[test]
fn every_claim_about_security_names_a_test_that_is_there() {
    let page = fs::read_to_string(root().join("docs/security.md")).unwrap();
    let named = tests_named_in(&page);
    assert!(named.len() > 30, "{named:?}");
    let code: String = texts()
        .into_iter()
        .filter(|(path, _)| path.extension().is_some_and(|extension| extension == "rs"))
        .map(|(_, text)| text)
        .collect();
    let missing: Vec<&str> =
        named.iter().copied().filter(|name| !code.contains(&format!("fn {name}("))).collect();
    assert_eq!(missing, [""; 0]);
    // No row of the tables about threats is without one.
    let rows = page.lines().skip_while(|line| *line != "## The namespace user");
    let rows = rows.filter(|line| {
        line.starts_with("| ") && !line.starts_with("| threat") && !line.starts_with("| what |")
    });
    let unproven: Vec<&str> = rows.filter(|row| tests_named_in(row).is_empty()).collect();
    assert_eq!(unproven, [""; 0]);
}

#[test]
fn every_test_that_a_page_names_is_there() {
    let sources = texts();
    let is_there = |module: &str, test: &str| {
        let file = format!("{module}.rs");
        let folder = format!("tests/integration/{module}");
        sources
            .iter()
            .filter(|(path, _)| {
                path.ends_with(format!("tests/integration/{file}")) || path.starts_with(root().join(&folder))
            })
            .any(|(_, text)| text.contains(&format!("fn {test}(")))
    };
    let pages =
        sources.iter().filter(|(path, _)| path.extension().is_some_and(|extension| extension == "md"));
    let mut named = 0;
    for (path, text) in pages {
        // In backquotes, as a test's full name.
        for words in text.split('`').skip(1).step_by(2) {
            let Some((module, test)) = words.split_once("::") else { continue };
            let is_name = |word: &str| {
                word.chars().all(|letter| letter.is_ascii_lowercase() || "_0123456789".contains(letter))
            };
            if is_name(module) && is_name(test) && test.matches('_').count() > 3 {
                named += 1;
                assert!(is_there(module, test), "{}: there is no test {words}", path.display());
            }
        }
    }
    assert!(named > 20, "only {named} tests are named");
}

#[test]
fn a_broken_link_is_seen() {
    let page = root().join("README.md");
    let text = "# One\n[a](Cargo.toml) [b](nowhere.md)\n[c](#one), [d](#two) [e](https://example.com/x.md)\n\
                ```\n[f](no/where)\n```\n# One\n[g](#one-1) [h](LICENSE#no-such-heading)";
    let found: Vec<String> = links(text);
    assert_eq!(found.len(), 7, "{found:?}");
    let broken: Vec<&String> = found.iter().filter(|link| broken(&page, text, link).is_some()).collect();
    assert_eq!(broken, ["nowhere.md", "#two", "LICENSE#no-such-heading"]);
}

#[test]
fn nothing_names_the_machine_it_was_written_on() {
    let own = format!("{}/", root().display());
    let this_file = Path::new(file!()).file_name().unwrap();
    let named: Vec<String> = texts()
        .iter()
        .filter(|(path, _)| path.file_name() != Some(this_file))
        .flat_map(|(path, text)| text.lines().enumerate().map(move |(number, line)| (path, number, line)))
        .filter(|(_, _, line)| line.contains(&own) || PERSONAL.iter().any(|place| line.contains(place)))
        .map(|(path, number, line)| format!("{}:{}: {line}", path.display(), number + 1))
        .collect();
    assert_eq!(named, [""; 0]);
}
