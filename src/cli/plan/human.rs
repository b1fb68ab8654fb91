//! The plan for people, as text (pure).

use std::fmt::Write as _;

use super::document::{Change, Document, Mark, Operation, OutcomeName, Record, Summary};

const GREEN: &str = "\u{1b}[32m";
const YELLOW: &str = "\u{1b}[33m";
const RED: &str = "\u{1b}[31m";
const BOLD: &str = "\u{1b}[1m";
const OFF: &str = "\u{1b}[0m";

/// RRsets that are named of those that would go.
const NAMED: usize = 10;

/// The plan as text, with colours or without.
pub(super) fn text(document: &Document, coloured: bool) -> String {
    let mut text = String::new();
    // Writing to a String cannot fail.
    let _ = write(&mut text, document, &Paint { coloured });
    text
}

struct Paint {
    coloured: bool,
}

impl Paint {
    fn paint(&self, colour: &str, text: &str) -> String {
        if self.coloured { format!("{colour}{text}{OFF}") } else { text.to_owned() }
    }
}

fn write(text: &mut String, document: &Document, paint: &Paint) -> std::fmt::Result {
    for appliance in &document.appliances {
        let version =
            appliance.version.as_deref().map(|version| format!(", version {version}")).unwrap_or_default();
        writeln!(text, "SolidServer {}: {}{version}", appliance.solid_server, appliance.endpoint)?;
    }
    let mut heading = String::new();
    let mut records: Vec<&Record> = document.records.iter().collect();
    records.sort_by_cached_key(|record| (record.zone.is_none(), place(record)));
    for record in records {
        let next = place(record);
        if next != heading {
            writeln!(text, "\n{}", paint.paint(BOLD, &next))?;
            heading = next;
        }
        write_record(text, record, paint)?;
    }
    if !document.invalid.is_empty() {
        writeln!(text, "\n{}", paint.paint(BOLD, "The API server would not take"))?;
        for invalid in &document.invalid {
            let namespace =
                invalid.namespace.as_deref().map(|namespace| format!("{namespace}/")).unwrap_or_default();
            let line = format!("! {} {namespace}{}, {}", invalid.kind, invalid.name, invalid.source);
            writeln!(text, "  {}", paint.paint(RED, &plain(&line)))?;
            for violation in &invalid.violations {
                let field = if violation.field.is_empty() { "" } else { ": " };
                writeln!(text, "      {}{field}{}", violation.field, plain(&violation.message))?;
            }
        }
    }
    for deletions in
        document.deletions.iter().filter(|deletions| deletions.held || deletions.rrsets.len() > 1)
    {
        let mut named: Vec<&str> = deletions.rrsets.iter().map(String::as_str).take(NAMED).collect();
        if deletions.rrsets.len() > NAMED {
            named.push("...");
        }
        let (count, zone) = (deletions.rrsets.len(), &deletions.zone);
        let line = format!("{count} RRsets of zone {zone} would go: {}", named.join(", "));
        writeln!(text, "\n{}", paint.paint(RED, &line))?;
        let verdict = if deletions.held { "all of them would be held" } else { "they pass" };
        writeln!(
            text,
            "  the deletion guard lets {} go within {} and has counted {}: {verdict}",
            deletions.allowed, deletions.window, deletions.counted
        )?;
    }
    for failure in &document.failures {
        let zone = failure.zone.as_deref().map(|zone| format!(", zone {zone}")).unwrap_or_default();
        let line =
            format!("SolidServer {}{zone}: {}: {}", failure.solid_server, failure.reason, failure.message);
        writeln!(text, "\n{}", paint.paint(RED, &plain(&format!("No plan for {line}"))))?;
    }
    for note in &document.notes {
        writeln!(text, "\nNote: {}", plain(note))?;
    }
    writeln!(text, "\n{}", paint.paint(BOLD, &summary(&document.summary)))
}

/// The zone of a record, as a heading.
fn place(record: &Record) -> String {
    match (&record.zone, &record.dns_server) {
        (Some(zone), Some(server)) => {
            let view = record.view.as_deref().map(|view| format!(", view {view}")).unwrap_or_default();
            format!("zone {zone} on {server}{view}")
        }
        _ => "without a zone".to_owned(),
    }
}

fn write_record(text: &mut String, record: &Record, paint: &Paint) -> std::fmt::Result {
    let (sign, colour) = match record.outcome {
        OutcomeName::Create => ("+", GREEN),
        OutcomeName::Delete | OutcomeName::Retain => ("-", RED),
        OutcomeName::Update | OutcomeName::Adopt | OutcomeName::TakeOver | OutcomeName::Repair => {
            ("~", YELLOW)
        }
        _ => ("!", RED),
    };
    let rrset = [record.fqdn.as_deref(), record.record_type.as_deref()];
    let rrset = rrset.into_iter().flatten().collect::<Vec<_>>().join(" ");
    let line = format!("{sign} {}/{}  {rrset}  {}", record.namespace, record.name, record.outcome.words());
    writeln!(text, "  {}", paint.paint(colour, &plain(&line)))?;
    if says_more(record) {
        let reason = record.reason.as_deref().map(|reason| format!("{reason}: ")).unwrap_or_default();
        writeln!(text, "      {reason}{}", plain(&record.message))?;
    }
    for change in &record.changes {
        for (sign, line) in lines(change) {
            let colour = match sign {
                '+' => GREEN,
                '-' => RED,
                _ => YELLOW,
            };
            writeln!(text, "      {}", paint.paint(colour, &format!("{sign} {line}")))?;
        }
    }
    Ok(())
}

/// Whether there is something to say beside the changes.
pub(super) fn says_more(record: &Record) -> bool {
    let as_usual =
        matches!(record.reason.as_deref(), Some("InSync")) && !record.message.starts_with("moves ");
    !record.message.is_empty() && !as_usual
}

/// A change as lines of a diff, each with its sign.
pub(super) fn lines(change: &Change) -> Vec<(char, String)> {
    let row = |state: &super::document::RowState| {
        plain(&format!("{} {} {} {}", change.fqdn, state.ttl, change.record_type, state.value))
    };
    let mut beside: Vec<String> = Vec::new();
    if change.operation == Operation::Edit {
        beside.extend(change.mark.map(|mark| match mark {
            Mark::Set => "ownership mark set".to_owned(),
            Mark::Remove => "ownership mark taken off".to_owned(),
        }));
    }
    beside.extend(change.set_class_parameters.iter().map(|(key, value)| format!("{key}={value}")));
    beside.extend(change.delete_class_parameters.iter().map(|key| format!("{key} taken off")));
    let beside = if beside.is_empty() { String::new() } else { format!("  ({})", plain(&beside.join(", "))) };
    match (&change.before, &change.after) {
        (Some(before), Some(after)) if before == after => vec![('~', format!("{}{beside}", row(after)))],
        (before, after) => {
            let mut lines: Vec<(char, String)> = before.iter().map(|before| ('-', row(before))).collect();
            lines.extend(after.iter().map(|after| ('+', format!("{}{beside}", row(after)))));
            lines
        }
    }
}

/// What is counted, in one line.
pub(super) fn summary(summary: &Summary) -> String {
    let mut parts: Vec<String> = summary
        .records
        .iter()
        .filter(|(outcome, _)| **outcome != OutcomeName::Unchanged)
        .map(|(outcome, count)| format!("{count} {}", outcome.words()))
        .collect();
    if summary.invalid > 0 {
        parts.push(format!("{} not taken by the API server", summary.invalid));
    }
    let unchanged = summary.of(OutcomeName::Unchanged);
    if parts.is_empty() {
        return format!("No changes: the appliance holds what the manifests say ({unchanged} DnsRecords).");
    }
    let calls = &summary.calls;
    format!(
        "Plan: {}, {unchanged} unchanged. Rows on the appliance: {} added, {} edited, {} deleted.",
        parts.join(", "),
        calls.add,
        calls.edit,
        calls.delete
    )
}

/// Text from elsewhere without control characters, which a terminal would obey.
pub(in crate::cli) fn plain(text: &str) -> String {
    text.chars()
        .flat_map(|letter| if letter.is_control() { letter.escape_default().collect() } else { vec![letter] })
        .collect()
}
