//! The pages of docs/reference that are made from the types: definitions, flags and reasons. Only tests look here; nothing of it is
//! shipped.

mod definitions;
mod flags;
mod reasons;

use std::path::Path;

/// Set to write the generated part of each page instead of comparing it.
const WRITE: &str = "WRITE_REFERENCE";
const END: &str = "<!-- generated end -->";

/// Compares the generated part of a page with what the types say.
#[track_caller]
fn assert_page(name: &str, source: &str, generated: &str) {
    let begin = format!("<!-- generated begin: from {source} -->\n");
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/reference").join(name);
    let page = std::fs::read_to_string(&path).unwrap();
    let (head, rest) = page.split_once(&begin).unwrap_or_else(|| panic!("{name} has no line {begin}"));
    let (committed, tail) = rest.split_once(END).unwrap_or_else(|| panic!("{name} has no line {END}"));
    let generated = format!("\n{generated}\n");
    if std::env::var_os(WRITE).is_some() {
        std::fs::write(&path, format!("{head}{begin}{generated}{END}{tail}")).unwrap();
        return;
    }
    assert!(
        committed == generated,
        "docs/reference/{name} is not what {source} says; run: {WRITE}=1 cargo test --lib cli::reference"
    );
}

/// Text for a cell of a table, in which it means itself.
fn cell(text: &str) -> String {
    let mut escaped = String::new();
    for letter in text.split_whitespace().collect::<Vec<_>>().join(" ").chars() {
        match letter {
            '<' => escaped.push_str("&lt;"),
            '|' | '*' | '_' | '[' | ']' | '`' => escaped.extend(['\\', letter]),
            _ => escaped.push(letter),
        }
    }
    escaped
}

#[test]
fn a_cell_holds_what_it_is_given() {
    assert_eq!(
        cell("a\n b | \"*.\" and k8s_, <x> [default: `y`]"),
        "a b \\| \"\\*.\" and k8s\\_, &lt;x> \\[default: \\`y\\`\\]"
    );
}
