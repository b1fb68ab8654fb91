//! The blocks of shell commands of a page (pure).

/// A fenced block of `sh`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Block {
    /// The line of its fence, counted from 1.
    pub(crate) line: usize,
    pub(crate) code: String,
    /// What it ends with.
    pub(crate) exit: i32,
    /// What it needs that is not here; it is run when this is empty.
    pub(crate) needs: Vec<String>,
}

/// All of them, in their order. After `sh` a fence may say `exit=2`, and `needs=this,that`.
pub(crate) fn blocks(page: &str) -> Result<Vec<Block>, String> {
    let mut blocks = Vec::new();
    let mut open: Option<(&str, Option<Block>)> = None;
    for (index, line) in page.lines().enumerate() {
        let (indent, rest) = line.split_at(line.len() - line.trim_start().len());
        match &mut open {
            None => {
                let Some(info) = rest.strip_prefix("```") else { continue };
                open = Some((indent, block(index + 1, info)?));
            }
            Some((_, block)) if rest.trim_end() == "```" => {
                blocks.extend(block.take());
                open = None;
            }
            Some((indent, Some(block))) => {
                block.code.push_str(line.strip_prefix(*indent).unwrap_or(line));
                block.code.push('\n');
            }
            Some((_, None)) => {}
        }
    }
    if open.is_some() { Err("its last block does not end".to_owned()) } else { Ok(blocks) }
}

/// The block that a fence begins; `None` when it is one of something else.
fn block(line: usize, info: &str) -> Result<Option<Block>, String> {
    let mut words = info.split_whitespace();
    match words.next() {
        Some("sh") => {}
        // What is to be run has one name, so that nothing is left out by another one.
        Some(other)
            if ["bash", "shell", "zsh"].iter().any(|name| other.starts_with(name))
                || other.starts_with("sh,") =>
        {
            return Err(format!(
                "line {line}: a block of commands begins with ```sh, its options after a space"
            ));
        }
        _ => return Ok(None),
    }
    let mut block = Block { line, code: String::new(), exit: 0, needs: Vec::new() };
    for word in words {
        match word.split_once('=') {
            Some(("exit", code)) => {
                block.exit = code.parse().map_err(|_| format!("line {line}: {word} is no exit code"))?;
            }
            Some(("needs", needs)) if !needs.is_empty() => {
                block.needs = needs.split(',').map(str::to_owned).collect()
            }
            _ => {
                return Err(format!(
                    "line {line}: {word} is no option of a block; there are exit= and needs="
                ));
            }
        }
    }
    Ok(Some(block))
}

#[test]
fn blocks_are_found_with_what_is_said_of_them() {
    let page = "text\n```sh\none\n\n  two\n```\n```text\n```sh\n```\n1. list\n\n   ```sh needs=a,b exit=2\n   three\n   ```\n";
    let found = blocks(page).unwrap();
    let expected = [
        Block { line: 2, code: "one\n\n  two\n".to_owned(), exit: 0, needs: Vec::new() },
        Block { line: 12, code: "three\n".to_owned(), exit: 2, needs: vec!["a".to_owned(), "b".to_owned()] },
    ];
    assert_eq!(found, expected);
    for wrong in
        ["```bash\n```\n", "```sh,needs=a\n```\n", "```sh need=a\n```\n", "```sh exit=x\n```\n", "```sh\n"]
    {
        assert!(blocks(wrong).is_err(), "{wrong}");
    }
}
