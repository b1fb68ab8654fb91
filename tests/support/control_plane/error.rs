//! What can go wrong with the control plane, said so that the reader knows what to do next.

use std::{fmt, io, path::PathBuf, time::Duration};

/// An error of the control plane's harness.
///
/// `Debug` prints the same text as `Display`: tests unwrap these errors, and a log tail with escaped line
/// ends helps nobody.
#[derive(thiserror::Error)]
pub(crate) enum Error {
    #[error(
        "{what} is missing {missing}, and there is no Go to build it: install Go {go} or later \
         (https://go.dev/dl) or set KUBEBUILDER_ASSETS to a folder with etcd, kube-apiserver, \
         kube-controller-manager, kubectl and helm"
    )]
    GoMissing { what: &'static str, missing: String, go: String },

    #[error(
        "KUBEBUILDER_ASSETS is {0}, which is not a folder: correct it, or unset it to build the binaries with Go"
    )]
    AssetsMissing(PathBuf),

    #[error("building {binary} from {module}/go.mod failed; output of go build:\n{output}")]
    Build { binary: &'static str, module: &'static str, output: String },

    #[error("{path} names no version of {of}")]
    Module { path: PathBuf, of: &'static str },

    #[error("{program} ended with {status} while it started; end of its log:\n{log}")]
    Ended { program: &'static str, status: std::process::ExitStatus, log: String },

    #[error("{program} was not ready within {within:?} (last answer: {answer}); end of its log:\n{log}")]
    NotReady { program: &'static str, within: Duration, answer: String, log: String },

    #[error("{command} ended with {status}:\n{stderr}")]
    Command { command: String, status: std::process::ExitStatus, stderr: String },

    #[error("{command} did not end within {within:?}")]
    CommandHangs { command: String, within: Duration },

    #[error("{what}: {error}")]
    Io { what: String, error: io::Error },

    #[error("certificate for the control plane: {0}")]
    Certificate(#[from] rcgen::Error),

    #[error("kubeconfig of the control plane: {0}")]
    Kubeconfig(#[from] kube::config::KubeconfigError),

    #[error("request to the control plane: {0}")]
    Request(Box<kube::Error>),
}

impl fmt::Debug for Error {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, formatter)
    }
}

impl From<kube::Error> for Error {
    fn from(error: kube::Error) -> Self {
        Self::Request(Box::new(error))
    }
}

impl Error {
    /// For `map_err`: says what was tried when an input or output error came.
    pub(super) fn io(what: impl Into<String>) -> impl FnOnce(io::Error) -> Self {
        let what = what.into();
        move |error| Self::Io { what, error }
    }
}
