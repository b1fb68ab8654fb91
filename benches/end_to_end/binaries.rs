//! The binaries that are measured: built here as they are shipped, so that no feature of a test dependency is in them.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, bail};

/// Where the binaries are.
#[derive(Clone, Debug)]
pub(crate) struct Binaries {
    pub(crate) operator: PathBuf,
    pub(crate) simulator: PathBuf,
}

impl Binaries {
    /// Takes those that are named and builds the others with the release profile.
    pub(crate) fn find_or_build(operator: Option<PathBuf>, simulator: Option<PathBuf>) -> Result<Self> {
        Ok(Self {
            operator: operator.map_or_else(|| build("solidserver-operator"), Ok)?,
            simulator: simulator.map_or_else(|| build("solidserver-simulator"), Ok)?,
        })
    }

    /// Bytes of the operator's binary.
    pub(crate) fn operator_size(&self) -> Result<u64> {
        Ok(std::fs::metadata(&self.operator)
            .with_context(|| format!("look at {}", self.operator.display()))?
            .len())
    }
}

fn build(package: &str) -> Result<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    eprintln!("building {package} with the release profile");
    // One package at a time: features that one needs are not compiled into the other.
    let status = Command::new(env!("CARGO"))
        .current_dir(root)
        .args(["build", "--release", "--quiet", "--package", package, "--bin", package])
        .stdin(Stdio::null())
        .status()
        .context("run cargo build")?;
    if !status.success() {
        bail!("cargo build --release --package {package} failed");
    }
    let target =
        std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), |folder| root.join(folder));
    Ok(target.join("release").join(package))
}
