//! The findings for people, as text (pure).

use std::fmt::Write as _;

use super::document::{Document, Summary};
use super::finding::{Finding, Status};
use crate::cli::plan::plain;

const GREEN: &str = "\u{1b}[32m";
const YELLOW: &str = "\u{1b}[33m";
const RED: &str = "\u{1b}[31m";
const BOLD: &str = "\u{1b}[1m";
const DIM: &str = "\u{1b}[2m";
const OFF: &str = "\u{1b}[0m";

/// The document as text, with colours or without: a line for each check.
pub(super) fn text(document: &Document, coloured: bool) -> String {
    let paint = |colour: &str, text: &str| {
        if coloured { format!("{colour}{text}{OFF}") } else { text.to_owned() }
    };
    let mut text = String::new();
    for examined in &document.solid_servers {
        let heading = format!("SolidServer {}: {}", plain(&examined.name), plain(&examined.endpoint));
        // Writing to a String cannot fail.
        let _ = writeln!(text, "{}", paint(BOLD, &heading));
        for finding in &examined.checks {
            let colour = match finding.status {
                Status::Ok => GREEN,
                Status::Warning => YELLOW,
                Status::Failed => RED,
                Status::Skipped => DIM,
            };
            let status = paint(colour, &format!("{:<8}", finding.status.as_str()));
            let _ = writeln!(text, "  {status} {:<16}  {}", finding.check.as_str(), plain(&words(finding)));
        }
        text.push('\n');
    }
    let Summary { ok, warning, failed, skipped } = document.summary;
    let _ = writeln!(text, "Doctor: {ok} ok, {warning} warning, {failed} failed, {skipped} skipped.");
    text
}

fn words(finding: &Finding) -> String {
    let subject = finding.subject.as_ref().map(|subject| format!("{subject}: ")).unwrap_or_default();
    let advice = finding.advice.as_ref().map(|advice| format!("; {advice}")).unwrap_or_default();
    format!("{subject}{}{advice}", finding.message)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::doctor::document::Examined;
    use crate::cli::doctor::finding::{Check, Findings};

    #[test]
    fn each_check_is_one_line_whatever_the_appliance_says() {
        let mut findings = Findings::default();
        findings.ok(Check::Settings, None, "as it should be");
        findings.fail(Check::View, Some("a\nb".to_owned()), "\u{1b}[31mred", "correct it");
        findings.skip(Check::Write, "not checked");
        let examined = Examined {
            name: "default".to_owned(),
            endpoint: "https://ddi.example.com".to_owned(),
            checks: findings.0,
        };
        let document = Document::new(vec![examined]);
        assert_eq!(
            text(&document, false),
            "SolidServer default: https://ddi.example.com\n  \
             ok       settings          as it should be\n  \
             failed   view              a\\nb: \\u{1b}[31mred; correct it\n  \
             skipped  write             not checked\n\n\
             Doctor: 1 ok, 0 warning, 1 failed, 1 skipped.\n"
        );
        assert!(text(&document, true).contains("\u{1b}[31mfailed  \u{1b}[0m view"));
    }
}
