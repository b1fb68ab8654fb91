//! Manifests as `kubectl apply -f` takes them: files, folders and standard input, with several YAML documents each.

use std::collections::BTreeMap;
use std::fmt;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::{Namespace, Secret};
use serde_json::Value;

use crate::api::{GROUP, SolidServer};

/// Endings of the files that are read in a folder, as with kubectl.
const ENDINGS: [&str; 3] = ["yaml", "yml", "json"];

/// Files of kustomize, which are no manifests. What they put together is `kubectl kustomize FOLDER | ... -f -`.
const KUSTOMIZATIONS: [&str; 2] = ["kustomization.yaml", "kustomization.yml"];

/// The path that stands for standard input.
const STANDARD_INPUT: &str = "-";

/// What was read.
///
/// Its `Debug` shows nothing of what a Secret holds.
#[derive(Clone, Default)]
pub struct Manifests {
    /// DnsRecords as they are written, in the order of the files: nothing of them is checked yet.
    pub records: Vec<Document>,
    /// SolidServers.
    pub solid_servers: Vec<(Document, SolidServer)>,
    /// Secrets by namespace and name; the namespace is empty where the manifest names none.
    pub secrets: BTreeMap<(String, String), Secret>,
    /// Labels of Namespaces by their name.
    pub namespaces: BTreeMap<String, BTreeMap<String, String>>,
}

/// One object as it is written.
#[derive(Clone, Debug, PartialEq)]
pub struct Document {
    /// Where it is written.
    pub source: Source,
    /// The object.
    pub value: Value,
}

/// Where an object is written.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Source {
    /// The file, or `-` for standard input.
    pub path: Arc<str>,
    /// Which of its YAML documents, from 1.
    pub document: usize,
}

impl fmt::Display for Source {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} (document {})", self.path, self.document)
    }
}

impl fmt::Debug for Manifests {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Manifests")
            .field("records", &self.records)
            .field("solid_servers", &self.solid_servers)
            .field("secrets", &self.secrets.keys().collect::<Vec<_>>())
            .field("namespaces", &self.namespaces)
            .finish()
    }
}

/// Why manifests cannot be read. No message shows a line of a file: it might be a Secret's.
#[derive(Debug, thiserror::Error)]
pub enum ManifestError {
    /// A file or folder cannot be read.
    #[error("cannot read {path}")]
    Unreadable {
        /// Which.
        path: String,
        /// Why.
        #[source]
        cause: io::Error,
    },
    /// A folder has no manifest.
    #[error(
        "{path} has no file that ends in .yaml, .yml or .json; folders below it are read with --recursive"
    )]
    Empty {
        /// Which.
        path: String,
    },
    /// No YAML.
    #[error("{path} is no YAML: {what}")]
    Syntax {
        /// Which file.
        path: String,
        /// What is wrong, with line and column.
        what: String,
    },
    /// A document is no Kubernetes object.
    #[error("{source_of} is no Kubernetes object: it needs apiVersion, kind and metadata.name")]
    NoObject {
        /// Where it is written.
        source_of: Source,
    },
    /// An object is not what its kind says.
    #[error("{source_of} is no {kind} that can be read{what}")]
    Malformed {
        /// Where it is written.
        source_of: Source,
        /// The kind that it says.
        kind: &'static str,
        /// What is wrong; empty for Secrets.
        what: String,
    },
}

impl Manifests {
    /// Reads all of `paths`: files, folders (with those below them when `recursive`), and `-` for standard input. Kinds that are no
    /// business of ours are left out.
    ///
    /// # Errors
    /// [`ManifestError`] names the file.
    pub fn read(paths: &[PathBuf], recursive: bool) -> Result<Self, ManifestError> {
        let mut manifests = Self::default();
        for path in paths {
            if path.as_os_str() == STANDARD_INPUT {
                let mut text = String::new();
                io::stdin().read_to_string(&mut text).map_err(|cause| unreadable(path, cause))?;
                manifests.take(STANDARD_INPUT, &text)?;
            } else if path.is_dir() {
                let files = files_in(path, recursive)?;
                if files.is_empty() {
                    return Err(ManifestError::Empty { path: path.display().to_string() });
                }
                for file in files {
                    manifests.take_file(&file)?;
                }
            } else {
                manifests.take_file(path)?;
            }
        }
        Ok(manifests)
    }

    fn take_file(&mut self, path: &Path) -> Result<(), ManifestError> {
        let text = std::fs::read_to_string(path).map_err(|cause| unreadable(path, cause))?;
        self.take(&path.display().to_string(), &text)
    }

    /// Takes the documents of one file.
    ///
    /// # Errors
    /// [`ManifestError`] names the file.
    pub fn take(&mut self, path: &str, text: &str) -> Result<(), ManifestError> {
        let options = serde_saphyr::options! {
            // A snippet would show what may be a Secret's.
            with_snippet: false,
            // Whoever writes the manifests runs this; only what grows beyond the file's own size is bounded (aliases).
            budget: serde_saphyr::budget! {
                max_documents: usize::MAX,
                max_nodes: usize::MAX,
                max_events: usize::MAX,
            },
        };
        let documents: Vec<Value> = serde_saphyr::from_multiple_with_options(text, options)
            .map_err(|error| ManifestError::Syntax { path: path.to_owned(), what: error.to_string() })?;
        let path: Arc<str> = path.into();
        for (index, value) in documents.into_iter().enumerate() {
            self.sort(Document { source: Source { path: Arc::clone(&path), document: index + 1 }, value })?;
        }
        Ok(())
    }

    /// Puts one object where it belongs.
    fn sort(&mut self, document: Document) -> Result<(), ManifestError> {
        let text = |pointer: &str| document.value.pointer(pointer).and_then(Value::as_str);
        let no_object = || ManifestError::NoObject { source_of: document.source.clone() };
        let (version, kind) = text("/apiVersion").zip(text("/kind")).ok_or_else(no_object)?;
        if version == "v1" && kind == "List" {
            let items = document.value.get("items").and_then(Value::as_array).cloned().unwrap_or_default();
            return items
                .into_iter()
                .try_for_each(|value| self.sort(Document { source: document.source.clone(), value }));
        }
        let ours = version.split_once('/').is_some_and(|(group, _)| group == GROUP);
        match kind {
            "DnsRecord" | "SolidServer" if ours => {}
            "Secret" | "Namespace" if version == "v1" => {}
            _ => return Ok(()),
        }
        let name = text("/metadata/name").ok_or_else(no_object)?.to_owned();
        let namespace = text("/metadata/namespace").unwrap_or_default().to_owned();
        match kind {
            "DnsRecord" => self.records.push(document),
            "SolidServer" => {
                let solid_server = parsed(&document, "SolidServer", true)?;
                self.solid_servers.push((document, solid_server));
            }
            "Secret" => {
                let mut secret: Secret = parsed(&document, "Secret", false)?;
                // As the API server does it.
                let plain = secret.string_data.take().unwrap_or_default();
                let data = secret.data.get_or_insert_default();
                data.extend(plain.into_iter().map(|(key, text)| (key, ByteString(text.into_bytes()))));
                self.secrets.insert((namespace, name), secret);
            }
            _ => {
                let namespace: Namespace = parsed(&document, "Namespace", true)?;
                self.namespaces.insert(name, namespace.metadata.labels.unwrap_or_default());
            }
        }
        Ok(())
    }
}

/// `shows` whether the message may quote the document.
fn parsed<T: serde::de::DeserializeOwned>(
    document: &Document,
    kind: &'static str,
    shows: bool,
) -> Result<T, ManifestError> {
    T::deserialize(&document.value).map_err(|error| ManifestError::Malformed {
        source_of: document.source.clone(),
        kind,
        what: if shows { format!(": {error}") } else { String::new() },
    })
}

fn unreadable(path: &Path, cause: io::Error) -> ManifestError {
    ManifestError::Unreadable { path: path.display().to_string(), cause }
}

/// The manifests of a folder, in the order of their names.
fn files_in(folder: &Path, recursive: bool) -> Result<Vec<PathBuf>, ManifestError> {
    let cannot = |cause| unreadable(folder, cause);
    let mut entries = std::fs::read_dir(folder)
        .map_err(cannot)?
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<Result<Vec<_>, _>>()
        .map_err(cannot)?;
    entries.sort_unstable();
    let mut files = Vec::new();
    for path in entries {
        if path.is_dir() {
            if recursive {
                files.extend(files_in(&path, recursive)?);
            }
            continue;
        }
        let ending = path.extension().and_then(|ending| ending.to_str()).unwrap_or_default();
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        if ENDINGS.contains(&ending) && !KUSTOMIZATIONS.contains(&name) {
            files.push(path);
        }
    }
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Manifests, ManifestError> {
        let mut manifests = Manifests::default();
        manifests.take("all.yaml", text)?;
        Ok(manifests)
    }

    #[test]
    fn each_document_goes_where_it_belongs_and_strangers_are_left_out() {
        let manifests = read(
            "# a comment\n---\napiVersion: v1\nkind: Namespace\nmetadata: {name: shop, labels: {team: shop}}\n---\n\
             apiVersion: v1\nkind: Secret\nmetadata: {name: login, namespace: system}\ndata: {username: dQ==}\n\
             stringData: {password: p}\n---\napiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\n---\n\
             apiVersion: v1\nkind: List\nitems:\n- apiVersion: solidserver.dev/v1alpha1\n  kind: DnsRecord\n  \
             metadata: {name: www, namespace: shop}\n  spec: {anything: goes}\n- apiVersion: other.example/v1\n  \
             kind: DnsRecord\n  metadata: {name: not-ours}\n",
        )
        .unwrap();
        assert_eq!(manifests.namespaces["shop"]["team"], "shop");
        let secret = &manifests.secrets[&("system".to_owned(), "login".to_owned())];
        let value = |key: &str| secret.data.as_ref().unwrap()[key].0.clone();
        assert_eq!((value("username"), value("password")), (b"u".to_vec(), b"p".to_vec()));
        let records: Vec<(&Value, String)> = manifests
            .records
            .iter()
            .map(|document| (&document.value["metadata"]["name"], document.source.to_string()))
            .collect();
        assert_eq!(records, [(&Value::from("www"), "all.yaml (document 4)".to_owned())]);
        assert!(!format!("{manifests:?}").contains("112"), "the password's byte is shown");
    }

    #[test]
    fn what_cannot_be_read_is_named_and_no_secret_is_quoted() {
        for (text, said) in [
            (
                "apiVersion: v1\nkind: Secret\nmetadata: {name: a}\nstringData: {password: [s3cr3t]}",
                "no Secret",
            ),
            (
                "apiVersion: v1\nkind: Secret\nmetadata: {name: a}\nstringData: {password: \"s3cr3t}",
                "all.yaml is no YAML",
            ),
            (
                "apiVersion: v1\nkind: Secret\nmetadata: {name: a}\nstringData: {a: s3cr3t, a: s3cr3t}",
                "all.yaml is no YAML",
            ),
            ("apiVersion: v1\nkind: Secret\nstringData: {a: s3cr3t}", "document 1"),
            ("replicas: 3", "no Kubernetes object"),
            (
                "apiVersion: solidserver.dev/v1alpha1\nkind: SolidServer\nmetadata: {name: a}\nspec: {}",
                "endpoint",
            ),
        ] {
            let error = read(text).unwrap_err().to_string();
            assert!(error.contains(said) && !error.contains("s3cr3t"), "{text}: {error}");
        }
    }

    #[test]
    fn a_file_may_hold_ten_thousand_documents() {
        let document = |number: usize| {
            format!(
                "apiVersion: solidserver.dev/v1alpha1\nkind: DnsRecord\nmetadata: {{name: h{number}, namespace: shop}}\n\
                 spec: {{fqdn: h{number}.example.com, type: A, values: [192.0.2.1, 192.0.2.2, 192.0.2.3], ttl: 600, \
                 classParameters: {{a: b, c: d, e: f, g: h}}}}\n---\n"
            )
        };
        let text: String = (0..10_000).map(document).collect();
        let manifests = read(&text).unwrap();
        assert_eq!(manifests.records.len(), 10_000);
        assert_eq!(manifests.records[9_999].source.document, 10_000);
    }

    #[test]
    fn folders_are_read_as_kubectl_reads_them() {
        let folder = tempfile::tempdir().unwrap();
        let namespace = |name: &str| format!("apiVersion: v1\nkind: Namespace\nmetadata: {{name: {name}}}\n");
        std::fs::create_dir(folder.path().join("below")).unwrap();
        for (file, text) in [
            ("b.yaml", namespace("b")),
            ("a.yml", namespace("a")),
            ("c.json", r#"{"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "c"}}"#.to_owned()),
            ("kustomization.yaml", "resources: [b.yaml]\n".to_owned()),
            ("notes.txt", "no manifest".to_owned()),
            ("below/d.yaml", namespace("d")),
        ] {
            std::fs::write(folder.path().join(file), text).unwrap();
        }
        let names = |recursive: bool| -> Vec<String> {
            let manifests = Manifests::read(&[folder.path().to_owned()], recursive).unwrap();
            manifests.namespaces.into_keys().collect()
        };
        assert_eq!(names(false), ["a", "b", "c"]);
        assert_eq!(names(true), ["a", "b", "c", "d"]);
        let empty = folder.path().join("below/empty");
        std::fs::create_dir(&empty).unwrap();
        assert!(matches!(Manifests::read(&[empty], false), Err(ManifestError::Empty { .. })));
        let missing = Manifests::read(&[folder.path().join("missing.yaml")], false).unwrap_err();
        assert!(missing.to_string().contains("missing.yaml"));
    }
}
