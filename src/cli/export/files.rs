//! The files of an export: what is in them (pure), and how they get into a folder (IO).

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use crate::api::DnsRecord;
use crate::record::Name;

/// What each written YAML file begins with; by it an export knows the files of an earlier one.
const HEADER: &str = "# Written by solidserver-operator export.";

/// The list of the others, for `kubectl apply -k` and kustomize.
pub(super) const KUSTOMIZATION: &str = "kustomization.yaml";

/// The report; no manifest, so it does not end like one.
pub(super) const REPORT: &str = "report.txt";

/// Why files cannot be written.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// There are files of that name.
    #[error("not overwritten: {}; give --force to replace what is there, or another folder", paths.join(", "))]
    Exists {
        /// Which.
        paths: Vec<String>,
    },
    /// The operating system refuses.
    #[error("cannot write {path}")]
    Unwritable {
        /// What.
        path: String,
        /// Why.
        #[source]
        cause: io::Error,
    },
}

/// A manifest as YAML, strings quoted where any reader of YAML 1.1 or 1.2 might take them for something else.
///
/// # Errors
/// When it cannot be written as YAML, which would be a defect.
pub(super) fn yaml(record: &DnsRecord) -> Result<String, serde_saphyr::ser::Error> {
    // Text in blocks could end in a line break that nobody wrote.
    serde_saphyr::to_string_with_options(record, serde_saphyr::ser_options! { prefer_block_scalars: false })
}

/// All manifests as one stream.
///
/// # Errors
/// As [`yaml`].
pub(super) fn stream<'r>(
    records: impl IntoIterator<Item = &'r DnsRecord>,
) -> Result<String, serde_saphyr::ser::Error> {
    let mut text = String::new();
    for record in records {
        text.push_str("---\n");
        text.push_str(&yaml(record)?);
    }
    Ok(text)
}

/// The files for the manifests of a zone: one for its apex, one for each first character, one for all that begins otherwise, and the
/// kustomization. So a record that comes or goes touches one file of moderate size, and there are never more than 40.
///
/// # Errors
/// As [`yaml`].
pub(super) fn files(
    records: &[DnsRecord],
    zone: &Name,
    title: &str,
) -> Result<BTreeMap<String, String>, serde_saphyr::ser::Error> {
    let mut by_file: BTreeMap<String, Vec<&DnsRecord>> = BTreeMap::new();
    for record in records {
        by_file.entry(file_of(&record.spec.fqdn, zone)).or_default().push(record);
    }
    let mut files = BTreeMap::new();
    let mut kustomization = format!(
        "{HEADER}\n# {title}\napiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nresources:\n"
    );
    for (file, records) in by_file {
        kustomization.push_str(&format!("- {file}\n"));
        files.insert(file, format!("{HEADER}\n{}", stream(records)?));
    }
    if files.is_empty() {
        kustomization = kustomization.replace("resources:\n", "resources: []\n");
    }
    files.insert(KUSTOMIZATION.to_owned(), kustomization);
    Ok(files)
}

fn file_of(fqdn: &str, zone: &Name) -> String {
    let first = fqdn.chars().next().filter(char::is_ascii_alphanumeric);
    match first {
        _ if fqdn == zone.as_str() => "apex.yaml".to_owned(),
        Some(first) => format!("{first}.yaml"),
        None => "other.yaml".to_owned(),
    }
}

/// Looks whether an export into this folder, with the report in this file, is in the way of an earlier one: better said before a long
/// reading than after it. What else is there is seen when it is written.
///
/// # Errors
/// [`FileError::Exists`].
pub(super) fn check(folder: Option<&Path>, report: Option<&Path>) -> Result<(), FileError> {
    let always = [KUSTOMIZATION, REPORT].map(|name| folder.map(|folder| folder.join(name)));
    let paths = always.into_iter().flatten().chain(report.map(Path::to_owned));
    let there = paths.filter(|path| fs::symlink_metadata(path).is_ok());
    let paths: Vec<String> = there.map(|path| path.display().to_string()).collect();
    if paths.is_empty() { Ok(()) } else { Err(FileError::Exists { paths }) }
}

/// Writes the files into a folder, which is made where it is missing. Without `force` nothing is written if one of them is there; with it
/// they are replaced, and files of an earlier export that have no records any more are removed. Returns the names of those.
///
/// # Errors
/// [`FileError`] names the file.
pub(super) fn write(
    folder: &Path,
    files: &BTreeMap<String, String>,
    force: bool,
) -> Result<Vec<String>, FileError> {
    fs::create_dir_all(folder).map_err(|cause| unwritable(folder, cause))?;
    let stale = stale(folder, files)?;
    let there = files.keys().map(|name| folder.join(name)).filter(|path| fs::symlink_metadata(path).is_ok());
    let there: Vec<String> = there
        .chain(stale.iter().map(|name| folder.join(name)))
        .map(|path| path.display().to_string())
        .collect();
    if !force && !there.is_empty() {
        return Err(FileError::Exists { paths: there });
    }
    for (name, text) in files {
        write_file(&folder.join(name), text, force)?;
    }
    for name in &stale {
        let path = folder.join(name);
        fs::remove_file(&path).map_err(|cause| unwritable(&path, cause))?;
    }
    Ok(stale)
}

/// Writes one file, whole or not at all; over one that is there only with `force`.
///
/// # Errors
/// [`FileError`] names the file.
pub(super) fn write_file(path: &Path, text: &str, force: bool) -> Result<(), FileError> {
    if !force && fs::symlink_metadata(path).is_ok() {
        return Err(FileError::Exists { paths: vec![path.display().to_string()] });
    }
    let mut name = OsStr::new(".").to_owned();
    name.push(path.file_name().unwrap_or_default());
    name.push(".part");
    let part: PathBuf = path.with_file_name(name);
    let begin = |part: &Path| OpenOptions::new().write(true).create_new(true).open(part);
    let written = match begin(&part) {
        // What an export that was killed has left.
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            fs::remove_file(&part).and_then(|()| begin(&part))
        }
        other => other,
    };
    written
        .and_then(|mut file| file.write_all(text.as_bytes()))
        .and_then(|()| fs::rename(&part, path))
        .map_err(|cause| unwritable(path, cause))
}

/// Manifests of an earlier export that are none of this one's.
fn stale(folder: &Path, files: &BTreeMap<String, String>) -> Result<Vec<String>, FileError> {
    let entries = fs::read_dir(folder).and_then(Iterator::collect::<io::Result<Vec<_>>>);
    let entries = entries.map_err(|cause| unwritable(folder, cause))?;
    let names = entries.into_iter().filter_map(|entry| entry.file_name().into_string().ok());
    let mut stale: Vec<String> = names
        .filter(|name| name.ends_with(".yaml") && !files.contains_key(name))
        .filter(|name| fs::read_to_string(folder.join(name)).is_ok_and(|text| text.starts_with(HEADER)))
        .collect();
    stale.sort_unstable();
    Ok(stale)
}

fn unwritable(path: &Path, cause: io::Error) -> FileError {
    FileError::Unwritable { path: path.display().to_string(), cause }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::{DnsRecordSpec, RecordTypeName};
    use crate::cli::manifests::Manifests;

    fn record(name: &str, fqdn: &str, values: &[&str]) -> DnsRecord {
        let spec: DnsRecordSpec = serde_json::from_value(serde_json::json!({
            "fqdn": fqdn, "type": RecordTypeName::Txt, "values": values, "ttl": 60
        }))
        .unwrap();
        DnsRecord::new(name, spec)
    }

    fn texts(folder: &Path) -> BTreeMap<String, String> {
        let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap());
        entries
            .map(|entry| {
                (entry.file_name().into_string().unwrap(), fs::read_to_string(entry.path()).unwrap())
            })
            .collect()
    }

    #[test]
    fn a_manifest_reads_like_one_that_a_person_wrote() {
        let mut www = record("www.example.com-txt", "www.example.com", &["v=spf1 -all", "12:30"]);
        www.metadata.namespace = Some("shop".to_owned());
        assert_eq!(
            stream([&www]).unwrap(),
            "---\napiVersion: solidserver.dev/v1alpha1\nkind: DnsRecord\nmetadata:\n  name: www.example.com-txt\n  \
             namespace: shop\nspec:\n  fqdn: www.example.com\n  type: TXT\n  values:\n  - v=spf1 -all\n  - \"12:30\"\n  ttl: 60\n"
        );
    }

    #[test]
    fn any_text_stays_the_text_that_it_was() {
        let texts = [
            "y",
            "no",
            "on",
            "~",
            "null",
            "1",
            "1_000",
            "0x1f",
            "0o17",
            "017",
            "1e3",
            ".5",
            ".inf",
            "12:30",
            "2001-01-01",
            "=",
            "<<",
            "- a",
            "a: b",
            "a #b",
            "#",
            "&a",
            "*a",
            "!a",
            "%a",
            "@a",
            "`a",
            "{",
            "[",
            "|",
            ">",
            "'",
            "\"",
            "\\",
            " a",
            "a ",
            "---",
            "...",
            "? a",
            "\u{85}",
            "\u{2028}",
            "\u{feff}a",
            "\u{fffe}",
            "é",
            "\u{1f600}",
            "it's \"so\" \\n",
        ];
        let long = "v=DKIM1; p=".to_owned() + &"A b ".repeat(400);
        let values: Vec<&str> = texts.into_iter().chain([long.trim()]).collect();
        let text = stream([&record("a", "a.example.com", &values)]).unwrap();
        let mut manifests = Manifests::default();
        manifests.take("a.yaml", &text).unwrap();
        let read: Vec<&str> = manifests.records[0].value["spec"]["values"]
            .as_array()
            .unwrap()
            .iter()
            .map(|value| value.as_str().unwrap_or_else(|| panic!("{value} is no text in {text}")))
            .collect();
        assert_eq!(read, values);
        assert!(!text.chars().any(|letter| letter != '\n' && letter.is_control()), "{text:?}");
    }

    #[test]
    fn a_zone_is_some_forty_files_at_most() {
        let zone = Name::parse("example.com").unwrap();
        let letters = ('a'..='z').chain('0'..='9').map(|letter| format!("{letter}x.example.com"));
        let names = letters.chain([
            "example.com".to_owned(),
            "*.example.com".to_owned(),
            "_x.example.com".to_owned(),
        ]);
        let records: Vec<DnsRecord> = names.map(|name| record("n", &name, &["x"])).collect();
        let files = files(&records, &zone, "zone example.com").unwrap();
        assert_eq!(files.len(), 26 + 10 + 3);
        assert_eq!(files["other.yaml"].matches("kind: DnsRecord").count(), 2);
        assert_eq!(files[KUSTOMIZATION].matches(".yaml\n").count(), files.len() - 1);
    }

    #[test]
    fn nothing_is_overwritten_without_force_and_nothing_of_others_with_it() {
        let zone = Name::parse("example.com").unwrap();
        let of = |names: &[&str]| {
            let records: Vec<DnsRecord> = names.iter().map(|name| record("n", name, &["x"])).collect();
            files(&records, &zone, "zone example.com").unwrap()
        };
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("dns");
        assert_eq!(write(&path, &of(&["a.example.com", "b.example.com"]), false).unwrap(), [""; 0]);
        fs::write(path.join("mine.yaml"), "# by hand\n").unwrap();
        let before = texts(&path);
        // The second export would leave b.yaml behind, which says as much as one that is in the way.
        for names in [&["a.example.com"][..], &["c.example.com"]] {
            let error = write(&path, &of(names), false).unwrap_err().to_string();
            assert!(error.contains("b.yaml") && error.contains("--force"), "{error}");
            assert_eq!(texts(&path), before);
        }
        assert_eq!(write(&path, &of(&["c.example.com"]), true).unwrap(), ["a.yaml", "b.yaml"]);
        let names: Vec<String> = texts(&path).into_keys().collect();
        assert_eq!(names, ["c.yaml", KUSTOMIZATION, "mine.yaml"]);
    }
}
