//! The report of an export: what every RRset of the zone is, and why some were left out; as text and as JSON (pure).

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde::Serialize;

use super::records::counts;
use crate::cli::plan::plain;
use crate::record::Place;

/// RRsets that are named of each kind on standard error; the written report names all.
pub(super) const NAMED: usize = 20;

/// What an RRset is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub enum Finding {
    /// Exported; applying the manifest marks its rows and changes nothing else.
    Identical,
    /// Exported; its rows have several TTLs.
    MixedTtl,
    /// Exported; several of its rows have one value.
    Duplicate,
    /// Left out: SOA, and NS of the apex.
    OfTheZone,
    /// Left out: no DnsRecord has this type.
    UnsupportedType,
    /// Left out: somebody's manifests or tools look after it.
    Marked,
    /// Left out: the appliance has not yet pushed a change to the DNS server.
    Delayed,
    /// Left out: name or values make no sense.
    NotUnderstood,
    /// Left out: a manifest cannot express a value.
    NotExpressible,
    /// Left out: the API server would not take the manifest.
    RefusedByApi,
    /// Left out: the operator would not find it in this zone.
    NoPlace,
    /// Left out: its object would have another one's name.
    NoName,
    /// Left out: the operator would refuse it.
    Conflict,
}

impl Finding {
    /// What it means, after a number of RRsets.
    fn words(self) -> &'static str {
        match self {
            Self::Identical => "identical: applying them marks their rows and changes nothing else",
            Self::MixedTtl => "with several TTLs: an RRset has one (RFC 2181 5.2)",
            Self::Duplicate => "with a value that several rows have",
            Self::OfTheZone => "of the zone itself: the appliance keeps SOA and the NS of the apex",
            Self::UnsupportedType => "of a type that DnsRecords do not have",
            Self::Marked => "marked by somebody who looks after them",
            Self::Delayed => {
                "with changes that the appliance has not yet pushed to the DNS server: export again once it has"
            }
            Self::NotUnderstood => "with a name or values that are not understood",
            Self::NotExpressible => "with values that no manifest can express",
            Self::RefusedByApi => "that the API server would not take",
            Self::NoPlace => "that the operator would look for in another zone",
            Self::NoName => "without a name of their own",
            Self::Conflict => "that the operator would refuse as they are",
        }
    }

    fn is_left_out(self) -> bool {
        !matches!(self, Self::Identical | Self::MixedTtl | Self::Duplicate)
    }
}

/// What is said of one RRset.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Entry {
    /// Owner name.
    pub fqdn: String,
    /// Type.
    #[serde(rename = "type")]
    pub record_type: String,
    /// Whether there is a manifest.
    pub exported: bool,
    /// What it is; several only for MixedTtl with Duplicate.
    pub findings: Vec<Finding>,
    /// Rows on the appliance.
    pub rows: usize,
    /// The manifest's metadata.name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The same in a sentence; empty where there is nothing to say.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub message: String,
}

impl Entry {
    /// One of an RRset without a manifest.
    pub(super) fn left_out(
        fqdn: &str,
        record_type: &str,
        rows: usize,
        finding: Finding,
        message: impl Into<String>,
    ) -> Self {
        Self {
            fqdn: fqdn.to_owned(),
            record_type: record_type.to_owned(),
            exported: false,
            findings: vec![finding],
            rows,
            name: None,
            message: message.into(),
        }
    }
}

/// The whole report. It says nothing that changes while the zone does not.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    /// The SolidServer.
    pub solid_server: String,
    /// Its endpoint.
    pub endpoint: String,
    /// The appliance's version.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// The zone.
    pub zone: String,
    /// The DNS server.
    pub dns_server: String,
    /// The view; absent on a server without views.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub view: Option<String>,
    /// What is counted.
    pub summary: Summary,
    /// What whoever reads it should know.
    pub notes: Vec<String>,
    /// Every RRset, by name and type.
    pub rrsets: Vec<Entry>,
}

/// What is counted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Summary {
    /// Rows of the zone.
    pub rows: usize,
    /// RRsets of the zone.
    pub rrsets: usize,
    /// Those with a manifest.
    pub exported: usize,
    /// RRsets by what they are.
    pub findings: BTreeMap<Finding, usize>,
}

impl Report {
    /// Puts the report together.
    pub(super) fn new(
        solid_server: (&str, &str),
        version: Option<String>,
        place: &Place,
        rows: usize,
        rrsets: Vec<Entry>,
    ) -> Self {
        let summary = Summary {
            rows,
            rrsets: rrsets.len(),
            exported: rrsets.iter().filter(|entry| entry.exported).count(),
            findings: counts(&rrsets),
        };
        Self {
            solid_server: solid_server.0.to_owned(),
            endpoint: solid_server.1.to_owned(),
            version,
            zone: place.zone.to_string(),
            dns_server: place.server.to_string(),
            view: place.view.as_deref().map(str::to_owned),
            summary,
            notes: Vec::new(),
            rrsets,
        }
    }

    /// The report for people. Of each kind it names `most` RRsets; all when absent.
    pub(super) fn text(&self, most: Option<usize>) -> String {
        let mut text = String::new();
        // Writing to a String cannot fail.
        let _ = self.write(&mut text, most.unwrap_or(usize::MAX));
        text
    }

    fn write(&self, text: &mut String, most: usize) -> std::fmt::Result {
        let version =
            self.version.as_deref().map(|version| format!(", version {version}")).unwrap_or_default();
        writeln!(text, "SolidServer {}: {}{}", self.solid_server, self.endpoint, plain(&version))?;
        let view = self.view.as_deref().map(|view| format!(", view {view}")).unwrap_or_default();
        let Summary { rows, rrsets, exported, findings } = &self.summary;
        let place = format!("zone {} on {}{view}", self.zone, self.dns_server);
        writeln!(text, "{}: {rows} rows, {rrsets} RRsets", plain(&place))?;
        for left_out in [false, true] {
            let count = if left_out { rrsets - exported } else { *exported };
            let title = if left_out { "Left out" } else { "Exported" };
            if count == 0 && left_out {
                continue;
            }
            writeln!(text, "\n{title}: {count} RRsets")?;
            for (finding, count) in findings.iter().filter(|(finding, _)| finding.is_left_out() == left_out) {
                writeln!(text, "  {count} {}", finding.words())?;
            }
        }
        for finding in findings.keys().filter(|finding| **finding != Finding::Identical) {
            writeln!(text, "\n{finding:?}")?;
            let mut of_kind = self.rrsets.iter().filter(|entry| entry.findings.contains(finding));
            for entry in of_kind.by_ref().take(most) {
                let message = if entry.message.is_empty() { "" } else { ": " };
                let line = format!("{} {}{message}{}", entry.fqdn, entry.record_type, entry.message);
                writeln!(text, "  {}", plain(&line))?;
            }
            let more = of_kind.count();
            if more > 0 {
                writeln!(text, "  and {more} more")?;
            }
        }
        for note in &self.notes {
            writeln!(text, "\nNote: {}", plain(note))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::Name;

    #[test]
    fn people_are_told_what_is_not_identical_and_programs_everything() {
        let place = Place {
            server: "ns.test".into(),
            view: Some("int".into()),
            zone: Name::parse("example.com").unwrap(),
        };
        let mut entries = vec![
            Entry::left_out("example.com", "SOA", 1, Finding::OfTheZone, ""),
            Entry {
                exported: true,
                name: Some("www.example.com-a".to_owned()),
                ..Entry::left_out("www.example.com", "A", 1, Finding::Identical, "")
            },
        ];
        let marked = |number: usize| {
            let name = format!("m{number}.example.com");
            Entry::left_out(&name, "A", 2, Finding::Marked, "marked for \u{1b}[31m")
        };
        entries.extend((0..3).map(marked));
        let report = Report::new(("default", "https://ddi.test"), None, &place, 8, entries);
        assert_eq!(
            report.text(Some(2)),
            "SolidServer default: https://ddi.test\nzone example.com on ns.test, view int: 8 rows, 5 RRsets\n\n\
             Exported: 1 RRsets\n  1 identical: applying them marks their rows and changes nothing else\n\n\
             Left out: 4 RRsets\n  1 of the zone itself: the appliance keeps SOA and the NS of the apex\n  \
             3 marked by somebody who looks after them\n\n\
             OfTheZone\n  example.com SOA\n\n\
             Marked\n  m0.example.com A: marked for \\u{1b}[31m\n  m1.example.com A: marked for \\u{1b}[31m\n  and 1 more\n"
        );
        assert_eq!(report.text(None).matches("marked for").count(), 3);
        let json = serde_json::to_value(&report).unwrap();
        assert_eq!(
            json["summary"]["findings"],
            serde_json::json!({"Identical": 1, "Marked": 3, "OfTheZone": 1})
        );
        assert_eq!(json["rrsets"][1]["name"], "www.example.com-a");
        assert_eq!((&json["view"], json.get("version")), (&"int".into(), None));
    }
}
