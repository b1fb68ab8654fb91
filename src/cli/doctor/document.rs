//! The findings as a document: what `--output json` writes, and what the text is made from (pure).

use schemars::JsonSchema;
use serde::Serialize;

use super::finding::{Finding, Status};

/// The version of this form.
const VERSION: u32 = 1;

/// What was checked, and what it came to.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Document {
    /// Version of this form, 1. Fields and checks may be added to it; another meaning makes another version.
    pub version: u32,
    /// How many checks ended in each way.
    pub summary: Summary,
    /// The SolidServers that were looked at, by name.
    pub solid_servers: Vec<Examined>,
}

/// How many checks ended in each way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Summary {
    /// As it should be.
    pub ok: usize,
    /// The operator works with it, and somebody should know.
    pub warning: usize,
    /// The operator does not work with it, or not there. With any of these the exit code is 2.
    pub failed: usize,
    /// Not checked.
    pub skipped: usize,
}

/// One SolidServer.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Examined {
    /// Its name.
    pub name: String,
    /// Where it is; without a login, should one be written there.
    pub endpoint: String,
    /// The checks in the order in which they build upon each other. Those about several subjects come once for each.
    pub checks: Vec<Finding>,
}

impl Document {
    /// Puts together what was found.
    #[must_use]
    pub fn new(solid_servers: Vec<Examined>) -> Self {
        let mut summary = Summary::default();
        for finding in solid_servers.iter().flat_map(|examined| &examined.checks) {
            match finding.status {
                Status::Ok => summary.ok += 1,
                Status::Warning => summary.warning += 1,
                Status::Failed => summary.failed += 1,
                Status::Skipped => summary.skipped += 1,
            }
        }
        Self { version: VERSION, summary, solid_servers }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    /// Set to write the schema of the page instead of comparing it.
    const WRITE: &str = "WRITE_DOCTOR_PAGE";
    const BEGIN: &str = "<!-- schema begin: generated from src/cli/doctor/document.rs -->\n";
    const END: &str = "<!-- schema end -->";

    #[test]
    fn the_page_shows_the_schema_of_the_document() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/reference/doctor.md");
        let page = std::fs::read_to_string(&path).unwrap();
        let (head, rest) = page.split_once(BEGIN).unwrap();
        let (committed, tail) = rest.split_once(END).unwrap();
        let schema = serde_json::to_string_pretty(&schemars::schema_for!(Document)).unwrap();
        let generated = format!("\n```json\n{schema}\n```\n\n");
        if std::env::var_os(WRITE).is_some() {
            std::fs::write(&path, format!("{head}{BEGIN}{generated}{END}{tail}")).unwrap();
            return;
        }
        assert!(
            committed == generated,
            "docs/reference/doctor.md is not what the types say; run: {WRITE}=1 cargo test --lib cli::doctor"
        );
    }
}
