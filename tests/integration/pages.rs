//! The commands of the quick start and of the guides, run as they are written: each block of `sh` of a page, in its order, by a shell in
//! a clean copy of the repository, against a real control plane, the operator, and the simulator under the name that the pages
//! give the appliance.
//!
//! What a page takes for granted is set up in `stage.rs`. A block that cannot run here says on the page what it needs.

pub(crate) mod blocks;
mod stage;

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use rstest::rstest;

use self::blocks::{Block, blocks};
use self::stage::Stage;

/// Set to write the table of docs/reference/commands.md instead of comparing it.
const WRITE: &str = "WRITE_COMMANDS_PAGE";
const BEGIN: &str = "<!-- generated begin: from the pages, by tests/integration/pages.rs -->\n";
const END: &str = "<!-- generated end -->";

/// What a block can need that is not here, and where its command is tried all the same.
const NEEDS: [(&str, &str); 11] = [
    ("appliance", "an appliance that can be reached by its name, past the operator"),
    ("cargo", "a compiler; the demo is a step of `.ci/run` of its own"),
    ("dig", "name servers"),
    ("docker", "an image to be built"),
    ("external-dns", "an external-dns that runs"),
    ("helm", "Helm, for a chart that is not ours"),
    ("kind", "a cluster of kind"),
    (
        "last",
        "a control plane that nobody uses afterwards; `release::after_the_operator_and_its_namespace_the_definitions_go_too_and_the_rows_can_be_taken_back`",
    ),
    ("nodes", "nodes that pods run on; the operator runs as a process here"),
    (
        "terminal",
        "a person who answers; `release::after_the_operator_and_its_namespace_the_definitions_go_too_and_the_rows_can_be_taken_back`",
    ),
    ("terraform", "Terraform with a state"),
];

fn docs() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("docs")
}

/// The quick start and every guide, by path below docs/.
fn pages() -> Vec<String> {
    let guides = std::fs::read_dir(docs().join("guides")).unwrap();
    let guides = guides.map(|entry| format!("guides/{}", entry.unwrap().file_name().to_str().unwrap()));
    let mut pages: Vec<String> = guides.chain(["quick-start.md".to_owned()]).collect();
    pages.sort();
    pages
}

fn blocks_of(page: &str) -> Vec<Block> {
    blocks(&std::fs::read_to_string(docs().join(page)).unwrap())
        .unwrap_or_else(|error| panic!("docs/{page}: {error}"))
}

/// One case for each page with something to run; `every_page_with_commands_is_run` sees that none is forgotten.
#[rstest]
#[case("quick-start.md")]
#[case("guides/bring-in-a-zone.md")]
#[case("guides/delegation.md")]
#[case("guides/deletions.md")]
#[case("guides/doctor.md")]
#[case("guides/from-external-dns.md")]
#[case("guides/from-terraform.md")]
#[case("guides/gitops.md")]
#[case("guides/plan-in-ci.md")]
#[case("guides/rotate-credentials.md")]
#[case("guides/several-appliances.md")]
#[case("guides/tls-and-proxy.md")]
#[tokio::test(flavor = "multi_thread")]
async fn the_commands_of_the_quick_start_and_of_the_guides_work_as_they_are_written(#[case] page: &str) {
    let mut stage = Stage::set(page).await;
    for block in blocks_of(page) {
        if block.needs.is_empty() {
            stage.before(&block).await;
            stage.run(&block).await;
            stage.after(&block).await;
        } else {
            println!("docs/{page}:{}: left out, needs {}", block.line, block.needs.join(" and "));
        }
    }
    stage.end().await;
}

#[test]
fn every_page_with_commands_is_run() {
    let this_file = include_str!("pages.rs");
    for page in pages() {
        let runs = blocks_of(&page).iter().any(|block| block.needs.is_empty());
        let is_case = this_file.contains(&format!("#[case({page:?})]"));
        assert_eq!(runs, is_case, "docs/{page}: its commands run, and are they among the cases?");
    }
}

/// The table of docs/reference/commands.md.
fn table() -> String {
    let mut text = "| page | blocks that are run | left out, for want of |\n|---|---|---|\n".to_owned();
    let mut used = std::collections::BTreeSet::new();
    for page in pages() {
        let blocks = blocks_of(&page);
        let left_out: Vec<&Block> = blocks.iter().filter(|block| !block.needs.is_empty()).collect();
        if blocks.is_empty() {
            continue;
        }
        let run = blocks.len() - left_out.len();
        let wants: Vec<String> = left_out
            .iter()
            .map(|block| block.needs.iter().map(|need| format!("`{need}`")).collect::<Vec<_>>().join(" and "))
            .collect();
        used.extend(left_out.iter().flat_map(|block| block.needs.clone()));
        writeln!(text, "| [{page}](../{page}) | {run} | {} |", wants.join("; ")).unwrap();
    }
    text.push_str("\n| is wanting | what it is |\n|---|---|\n");
    for (need, meaning) in NEEDS {
        assert!(used.remove(need), "no block needs {need} any more");
        writeln!(text, "| `{need}` | {meaning} |").unwrap();
    }
    assert!(used.is_empty(), "not explained in NEEDS: {used:?}");
    text
}

#[test]
fn the_page_says_which_commands_are_run_and_which_are_not() {
    let path = docs().join("reference/commands.md");
    let page = std::fs::read_to_string(&path).unwrap();
    let (head, rest) = page.split_once(BEGIN).unwrap();
    let (committed, tail) = rest.split_once(END).unwrap();
    let generated = format!("\n{}\n", table());
    if std::env::var_os(WRITE).is_some() {
        std::fs::write(&path, format!("{head}{BEGIN}{generated}{END}{tail}")).unwrap();
        return;
    }
    assert!(
        committed == generated,
        "docs/reference/commands.md is not what the pages say; run: {WRITE}=1 cargo test --test integration pages::"
    );
}
