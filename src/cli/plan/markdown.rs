//! The plan as Markdown, for a comment on a pull request (pure).

use std::fmt::Write as _;

use super::document::{Document, Record};
use super::human::{lines, plain, says_more, summary};

/// What GitHub takes as a comment, in characters, with some room for what others put around it.
const LONGEST: usize = 60_000;

/// The plan as Markdown. A longer one than a comment may be is cut, and says so.
pub(super) fn text(document: &Document) -> String {
    let mut head = String::new();
    // Writing to a String cannot fail.
    let _ = write_head(&mut head, document);
    let (mut diff, mut left_out) = (String::new(), 0);
    for record in &document.records {
        let block = block(record);
        if head.len() + diff.len() + block.len() > LONGEST {
            left_out += 1;
        } else {
            diff.push_str(&block);
        }
    }
    if diff.is_empty() {
        return head;
    }
    let fence = fence(&diff);
    let rest = match left_out {
        0 => String::new(),
        count => format!("\n{count} more DnsRecords are left out here: the comment would be too long.\n"),
    };
    format!(
        "{head}\n<details open><summary>Changes</summary>\n\n{fence}diff\n{diff}{fence}\n\n</details>\n{rest}"
    )
}

fn write_head(text: &mut String, document: &Document) -> std::fmt::Result {
    writeln!(text, "### DNS plan\n\n{}", summary(&document.summary))?;
    for failure in &document.failures {
        let zone = failure.zone.as_deref().map(|zone| format!(", zone {zone}")).unwrap_or_default();
        writeln!(
            text,
            "\n> [!CAUTION]\n> No plan for SolidServer {}{zone}: {}: {}",
            failure.solid_server,
            failure.reason,
            escaped(&failure.message)
        )?;
    }
    for deletions in document.deletions.iter().filter(|deletions| deletions.held) {
        writeln!(
            text,
            "\n> [!WARNING]\n> {} RRsets of zone {} would go, and the deletion guard lets {} go within {} (counted so far: {}): all \
             of them would be held until somebody approves.",
            deletions.rrsets.len(),
            deletions.zone,
            deletions.allowed,
            deletions.window,
            deletions.counted
        )?;
    }
    if !document.invalid.is_empty() {
        writeln!(text, "\n| The API server would not take | Field | Why |\n|---|---|---|")?;
    }
    for invalid in &document.invalid {
        let namespace =
            invalid.namespace.as_deref().map(|namespace| format!("{namespace}/")).unwrap_or_default();
        for violation in &invalid.violations {
            writeln!(
                text,
                "| {} {namespace}{}, {} | {} | {} |",
                invalid.kind,
                escaped(&invalid.name),
                escaped(&invalid.source),
                escaped(&violation.field),
                escaped(&violation.message)
            )?;
        }
    }
    for note in &document.notes {
        writeln!(text, "\nNote: {}", escaped(note))?;
    }
    Ok(())
}

/// One record as lines of a diff.
fn block(record: &Record) -> String {
    let rrset = [record.fqdn.as_deref(), record.record_type.as_deref()];
    let rrset = rrset.into_iter().flatten().collect::<Vec<_>>().join(" ");
    let mut text =
        format!("# {}/{}  {}  {}\n", record.namespace, record.name, plain(&rrset), record.outcome.words());
    if says_more(record) {
        let reason = record.reason.as_deref().map(|reason| format!("{reason}: ")).unwrap_or_default();
        text.push_str(&format!("! {reason}{}\n", plain(&record.message)));
    }
    for (sign, line) in record.changes.iter().flat_map(lines) {
        // What a diff shows as changed has a sign of its own.
        let sign = if sign == '~' { '!' } else { sign };
        text.push_str(&format!("{sign} {line}\n"));
    }
    text
}

/// A fence that nothing inside ends.
fn fence(inside: &str) -> String {
    let longest = inside.split(|letter| letter != '`').map(str::len).max().unwrap_or_default();
    "`".repeat(longest.max(2) + 1)
}

/// Text from elsewhere that Markdown and HTML take as text.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in plain(text).chars() {
        match letter {
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '&' => escaped.push_str("&amp;"),
            // An @ would call somebody.
            '@' => escaped.push_str("&#64;"),
            '|' | '`' | '*' | '_' | '[' | ']' | '\\' | '#' | '!' | '~' => {
                escaped.push('\\');
                escaped.push(letter);
            }
            letter => escaped.push(letter),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_from_elsewhere_becomes_markup() {
        assert_eq!(escaped("<b>|a|`b`\n@team [x](y)"), "&lt;b&gt;\\|a\\|\\`b\\`\\\\n&#64;team \\[x\\](y)");
        assert_eq!(fence("a `` b ```` c"), "`````");
        assert_eq!(fence("plain"), "```");
    }
}
