//! Reads Rust source as far as the architecture's rules need it: which paths a file names, and which of its
//! lines are tests. Comments and text in quotes name nothing.

use std::{collections::BTreeSet, iter::Peekable, vec::IntoIter};

/// A Rust file without its tests.
#[derive(Debug)]
pub(super) struct RustSource {
    /// Every path that the code names, from `use` and from expressions, groups spelled out.
    pub(super) paths: Vec<NamedPath>,
    /// Every text in quotes, with its line; escapes as written.
    pub(super) texts: Vec<(usize, String)>,
    /// Modules declared in the file, `mod x;` and `mod x { }` alike, without those for tests only.
    pub(super) modules: BTreeSet<String>,
    /// Modules that only tests have, declared as `#[cfg(test)] mod x;`, and the file if `#[path]` names one.
    pub(super) test_modules: Vec<TestModule>,
    /// Lines outside of what is marked `#[cfg(test)]`.
    pub(super) lines: usize,
}

/// `std::time::Instant` is three segments.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct NamedPath {
    pub(super) segments: Vec<String>,
    pub(super) line: usize,
    pub(super) imported: bool,
}

#[derive(Debug, PartialEq, Eq)]
pub(super) struct TestModule {
    pub(super) name: String,
    pub(super) path: Option<String>,
}

impl RustSource {
    pub(super) fn parse(text: &str) -> Self {
        let tokens = tokens(text);
        let (tokens, test_modules, test_lines) = without_tests(&tokens);
        let modules = declared_modules(&tokens);
        let texts = tokens.iter().filter_map(|token| match &token.kind {
            Kind::Text(text) => Some((token.line, text.clone())),
            _ => None,
        });
        let texts = texts.collect();
        let lines = text.lines().count() - test_lines;
        Self { paths: named_paths(tokens), texts, modules, test_modules, lines }
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Kind {
    Word(String),
    /// The content of a string literal, escapes as written.
    Text(String),
    /// `::`
    Separator,
    Mark(char),
    /// A number, character or lifetime: of no interest, but it ends a path.
    Other,
}

#[derive(Debug, Clone)]
struct Token {
    kind: Kind,
    line: usize,
}

impl Token {
    fn is_word(&self, word: &str) -> bool {
        matches!(&self.kind, Kind::Word(own) if own == word)
    }

    fn is_mark(&self, mark: char) -> bool {
        self.kind == Kind::Mark(mark)
    }
}

fn tokens(text: &str) -> Vec<Token> {
    let characters: Vec<char> = text.chars().collect();
    let at = |index: usize| characters.get(index).copied().unwrap_or('\0');
    let mut tokens = Vec::new();
    let (mut index, mut line) = (0, 1);
    while index < characters.len() {
        let begin = index;
        let kind = match at(index) {
            '/' if at(index + 1) == '/' => {
                while index < characters.len() && at(index) != '\n' {
                    index += 1;
                }
                None
            }
            '/' if at(index + 1) == '*' => {
                index = end_of_block_comment(&characters, index);
                None
            }
            '"' => Some(Kind::Text(take_string(&characters, &mut index))),
            '\'' => {
                index = end_of_quote(&characters, index);
                Some(Kind::Other)
            }
            first if first.is_alphabetic() || first == '_' => {
                while at(index).is_alphanumeric() || at(index) == '_' {
                    index += 1;
                }
                let word: String = characters[begin..index].iter().collect();
                Some(word_or_prefixed_string(word, &characters, &mut index))
            }
            digit if digit.is_ascii_digit() => {
                while at(index).is_alphanumeric() || at(index) == '_' {
                    index += 1;
                }
                Some(Kind::Other)
            }
            ':' if at(index + 1) == ':' => {
                index += 2;
                Some(Kind::Separator)
            }
            space if space.is_whitespace() => {
                index += 1;
                None
            }
            mark => {
                index += 1;
                Some(Kind::Mark(mark))
            }
        };
        tokens.extend(kind.map(|kind| Token { kind, line }));
        line += characters[begin..index.min(characters.len())]
            .iter()
            .filter(|character| **character == '\n')
            .count();
    }
    tokens
}

/// Block comments nest.
fn end_of_block_comment(characters: &[char], mut index: usize) -> usize {
    let mut depth = 0;
    loop {
        match characters.get(index..index + 2) {
            Some(['/', '*']) => (depth, index) = (depth + 1, index + 2),
            Some(['*', '/']) => (depth, index) = (depth - 1, index + 2),
            Some(_) => index += 1,
            None => return characters.len(),
        }
        if depth == 0 {
            return index;
        }
    }
}

/// A string whose opening quote is at `index`; leaves `index` after its end.
fn take_string(characters: &[char], index: &mut usize) -> String {
    *index += 1;
    let begin = *index;
    while *index < characters.len() && characters[*index] != '"' {
        *index += if characters[*index] == '\\' { 2 } else { 1 };
    }
    let end = (*index).min(characters.len());
    *index = end + 1;
    characters[begin..end].iter().collect()
}

/// A character literal, or a lifetime, whose quote is at `index`.
fn end_of_quote(characters: &[char], index: usize) -> usize {
    match characters.get(index + 1..) {
        Some(['\\', ..]) => {
            let mut end = index + 3;
            while characters.get(end).is_some_and(|character| *character != '\'') {
                end += 1;
            }
            end + 1
        }
        Some([_, '\'', ..]) => index + 3,
        _ => index + 1,
    }
}

/// `r"..."`, `br#"..."#`, `b"..."`, `c"..."` and `b'.'` begin like words.
fn word_or_prefixed_string(word: String, characters: &[char], index: &mut usize) -> Kind {
    let hashes = characters[*index..].iter().take_while(|character| **character == '#').count();
    match (word.as_str(), characters.get(*index + hashes)) {
        ("r" | "br" | "cr", Some('"')) => {
            let begin = *index + hashes + 1;
            let closing = [&['"'][..], &vec!['#'; hashes]].concat();
            let length = characters[begin..].windows(closing.len()).position(|window| window == closing);
            let end = length.map_or(characters.len(), |length| begin + length);
            *index = end + closing.len();
            Kind::Text(characters[begin..end].iter().collect())
        }
        ("b" | "c", Some('"')) if hashes == 0 => Kind::Text(take_string(characters, index)),
        ("b", Some('\'')) if hashes == 0 => {
            *index = end_of_quote(characters, *index);
            Kind::Other
        }
        // A raw identifier: `r#type`.
        ("r", Some(_)) if hashes == 1 => {
            let begin = *index + 1;
            *index = begin;
            while characters
                .get(*index)
                .is_some_and(|character| character.is_alphanumeric() || *character == '_')
            {
                *index += 1;
            }
            Kind::Word(characters[begin..*index].iter().collect())
        }
        _ => Kind::Word(word),
    }
}

/// Takes out what is marked `#[cfg(test)]`; also gives the modules of other files so marked, and how many
/// lines it took.
fn without_tests(tokens: &[Token]) -> (Vec<Token>, Vec<TestModule>, usize) {
    let (mut kept, mut test_modules, mut test_lines) = (Vec::new(), Vec::new(), 0);
    let mut index = 0;
    while index < tokens.len() {
        if !is_test_mark(&tokens[index..]) {
            kept.push(tokens[index].clone());
            index += 1;
            continue;
        }
        let end = end_of_item(tokens, index);
        test_modules.extend(test_module(&tokens[index..end]));
        test_lines += tokens[end - 1].line - tokens[index].line + 1;
        index = end;
    }
    (kept, test_modules, test_lines)
}

/// `#[cfg(test)]`
fn is_test_mark(tokens: &[Token]) -> bool {
    let mark = |index: usize, mark| tokens.get(index).is_some_and(|token| token.is_mark(mark));
    let word = |index: usize, word| tokens.get(index).is_some_and(|token| token.is_word(word));
    mark(0, '#')
        && mark(1, '[')
        && word(2, "cfg")
        && mark(3, '(')
        && word(4, "test")
        && mark(5, ')')
        && mark(6, ']')
}

/// The end of the item whose attributes begin at `begin`.
fn end_of_item(tokens: &[Token], begin: usize) -> usize {
    // The braces of `use a::{b}` and of a constant's value do not end the item.
    const UNTIL_SEMICOLON: [&str; 4] = ["use", "const", "static", "type"];
    let (mut depth, mut until_semicolon, mut keyword_seen) = (0_usize, false, false);
    for (index, token) in tokens.iter().enumerate().skip(begin) {
        match &token.kind {
            Kind::Mark('{' | '[' | '(') => depth += 1,
            Kind::Mark(mark @ ('}' | ']' | ')')) => {
                depth = depth.saturating_sub(1);
                if *mark == '}' && depth == 0 && !until_semicolon {
                    return index + 1;
                }
            }
            Kind::Mark(';') if depth == 0 => return index + 1,
            Kind::Word(word)
                if depth == 0 && !keyword_seen && !["pub", "unsafe", "async"].contains(&word.as_str()) =>
            {
                keyword_seen = true;
                let function = tokens.get(index + 1).is_some_and(|next| next.is_word("fn"));
                until_semicolon = UNTIL_SEMICOLON.contains(&word.as_str()) && !function;
            }
            _ => {}
        }
    }
    tokens.len()
}

/// The module if `item`, attributes included, is `mod x;`.
fn test_module(item: &[Token]) -> Option<TestModule> {
    let keyword = item.iter().position(|token| token.is_word("mod"))?;
    let Kind::Word(name) = &item.get(keyword + 1)?.kind else { return None };
    item.get(keyword + 2)?.is_mark(';').then(|| {
        let path = item[..keyword].windows(3).find_map(|window| match window {
            [word, equals, Token { kind: Kind::Text(path), .. }]
                if word.is_word("path") && equals.is_mark('=') =>
            {
                Some(path.clone())
            }
            _ => None,
        });
        TestModule { name: name.clone(), path }
    })
}

fn declared_modules(tokens: &[Token]) -> BTreeSet<String> {
    let declarations = tokens.windows(3).filter(|window| window[0].is_word("mod"));
    declarations
        .filter(|window| window[2].is_mark(';') || window[2].is_mark('{'))
        .filter_map(|window| match &window[1].kind {
            Kind::Word(name) => Some(name.clone()),
            _ => None,
        })
        .collect()
}

fn named_paths(tokens: Vec<Token>) -> Vec<NamedPath> {
    let mut paths = Vec::new();
    let mut tokens = tokens.into_iter().peekable();
    let mut after_dot = false;
    let mut imported = false;
    while let Some(token) = tokens.next() {
        let dot = token.is_mark('.');
        match token.kind {
            Kind::Word(word) if word == "use" => imported = true,
            // A field or method belongs to a value, not to a path.
            Kind::Word(word) if !after_dot => {
                follow(&[], word, token.line, &mut tokens, &mut |segments, line| {
                    paths.push(NamedPath { segments, line, imported });
                });
            }
            Kind::Mark(';') => imported = false,
            _ => {}
        }
        after_dot = dot;
    }
    paths
}

/// Follows one path from its segment `word`, into the groups of a `use`, and hands on each path that ends.
fn follow(
    before: &[String],
    word: String,
    line: usize,
    tokens: &mut Peekable<IntoIter<Token>>,
    found: &mut impl FnMut(Vec<String>, usize),
) {
    let mut segments = before.to_vec();
    segments.push(word);
    loop {
        if tokens.peek().is_none_or(|token| token.kind != Kind::Separator) {
            return found(segments, line);
        }
        tokens.next();
        match tokens.peek().map(|token| token.kind.clone()) {
            Some(Kind::Word(word)) => {
                tokens.next();
                segments.push(word);
            }
            Some(Kind::Mark('{')) => {
                tokens.next();
                return follow_group(&segments, tokens, found);
            }
            _ => return found(segments, line),
        }
    }
}

fn follow_group(
    before: &[String],
    tokens: &mut Peekable<IntoIter<Token>>,
    found: &mut impl FnMut(Vec<String>, usize),
) {
    while let Some(token) = tokens.next() {
        match token.kind {
            Kind::Mark('}') => return,
            Kind::Word(word) if word == "as" => {
                tokens.next();
            }
            Kind::Word(word) => follow(before, word, token.line, tokens, found),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paths(text: &str) -> Vec<String> {
        RustSource::parse(text).paths.into_iter().map(|path| path.segments.join("::")).collect()
    }

    fn has(text: &str, path: &str) -> bool {
        paths(text).iter().any(|found| found == path)
    }

    #[test]
    fn paths_come_from_imports_groups_and_expressions() {
        let text = "use std::{fmt, time::{Duration as D, Instant}};\n\
                    fn f() { let x = tokio::spawn(y.kube::<u8>()); }";
        for path in ["std::fmt", "std::time::Duration", "std::time::Instant", "tokio::spawn"] {
            assert!(has(text, path), "{path} in {:?}", paths(text));
        }
        assert!(!paths(text).iter().any(|path| path.contains("kube") || path == "D"));
        let instant =
            RustSource::parse(text).paths.into_iter().find(|path| path.segments[2..] == ["Instant"]).unwrap();
        assert_eq!((instant.line, instant.imported), (1, true));
    }

    #[test]
    fn comments_and_strings_name_nothing() {
        let text = r####"
            //! kube::Api
            /* tokio::spawn /* nested */ tokio::spawn */
            const A: &str = "reqwest::Client \" reqwest::Client";
            const B: &str = r#"rand::random "quoted" rand::random"#;
            const C: [char; 2] = ['"', '\''];
            fn lifetime<'a>(x: &'a std::fs::File) {}
            const D: &[u8] = b"axum::Router";
        "####;
        let crates = ["kube", "tokio", "reqwest", "rand", "axum"];
        assert!(
            !paths(text).iter().any(|path| crates.iter().any(|name| path.starts_with(name))),
            "{:?}",
            paths(text)
        );
        assert!(has(text, "std::fs::File"));
    }

    #[test]
    fn what_is_marked_as_test_is_left_out_and_the_rest_is_not() {
        let text = "\
use std::fmt;
#[cfg(test)]
use tokio::{self, time};
#[cfg(test)]
#[allow(dead_code)]
pub(crate) const fn f(x: [u8; 2]) -> kube::Api { kube::Api {} }
#[cfg(test)]
const X: reqwest::A = reqwest::A {};
fn kept() { std::fs::read(); }
#[cfg(test)]
#[path = \"name_tests.rs\"]
mod tests;
#[cfg(test)]
mod inline { use rand::random; }
mod room;
";
        let source = RustSource::parse(text);
        let crates: Vec<&str> =
            source.paths.iter().map(|path| path.segments[0].as_str()).filter(|name| *name != "fn").collect();
        for name in ["tokio", "kube", "reqwest", "rand"] {
            assert!(!crates.contains(&name), "{name} in {crates:?}");
        }
        assert!(has(text, "std::fmt") && has(text, "std::fs::read"));
        let module = TestModule { name: "tests".into(), path: Some("name_tests.rs".into()) };
        assert_eq!(source.test_modules, [module]);
        assert_eq!(Vec::from_iter(&source.modules), ["room"]);
        assert_eq!(source.lines, 3);
    }
}
