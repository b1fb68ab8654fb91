//! Builds commands once with Go, into a cache below `target/`.

use std::{
    env, fs,
    fs::File,
    io::{ErrorKind, Write as _},
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use sha2::{Digest as _, Sha256};

use super::error::Error;

/// A binary's name and the package that it is built from.
pub(super) type Source = (&'static str, &'static str);

/// Where commands come from and how they are built.
pub(super) struct Recipe {
    /// What is built as a whole, for people: `the control plane`.
    pub(super) what: &'static str,
    /// For people: `about five minutes on two cores`.
    pub(super) takes: &'static str,
    /// The folder of the Go module, below the workspace's root.
    pub(super) folder: &'static str,
    /// The folder of the finished binaries, below `target/`.
    pub(super) cache: &'static str,
    /// The module whose version is that of the whole.
    pub(super) versioned: &'static str,
    /// Packages of Kubernetes whose version variables its own build stamps.
    pub(super) stamped: &'static [&'static str],
}

/// The Go module that names commands and their versions.
struct Module {
    recipe: &'static Recipe,
    folder: PathBuf,
    go_mod: String,
    go_sum: String,
    /// For example `1.26.0`.
    go_version: String,
    /// For example `v1.37.2`.
    version: String,
}

impl Module {
    fn read(recipe: &'static Recipe, folder: &Path) -> Result<Self, Error> {
        let read = |file: &str| {
            let path = folder.join(file);
            fs::read_to_string(&path).map_err(Error::io(format!("read {}", path.display())))
        };
        let (go_mod, go_sum) = (read("go.mod")?, read("go.sum")?);
        let version_after = |words: &[&str]| {
            go_mod.lines().find_map(|line| {
                let mut line = line.split_whitespace();
                words
                    .iter()
                    .all(|word| line.next() == Some(word))
                    .then(|| line.next().map(String::from))
                    .flatten()
            })
        };
        let silent = |of: &'static str| Error::Module { path: folder.join("go.mod"), of };
        let version = version_after(&[recipe.versioned])
            .or_else(|| version_after(&["require", recipe.versioned]))
            .ok_or_else(|| silent(recipe.versioned))?;
        let go_version = version_after(&["go"]).ok_or_else(|| silent("Go"))?;
        Ok(Self { recipe, folder: folder.into(), go_version, version, go_mod, go_sum })
    }

    /// Names the folder of the finished binaries: another version or another way to build is another folder.
    fn key(&self) -> String {
        let mut hash = Sha256::new();
        for part in [&self.go_mod, &self.go_sum, &self.linker_flags(), env::consts::OS, env::consts::ARCH] {
            hash.update(part.as_bytes());
            hash.update([0]);
        }
        let digits: String = hash.finalize().iter().take(4).map(|byte| format!("{byte:02x}")).collect();
        format!("{}-{digits}", self.version)
    }

    /// No symbols, and the version as Kubernetes' own build stamps it.
    fn linker_flags(&self) -> String {
        let version = &self.version;
        let mut numbers = version.trim_start_matches('v').split('.');
        let (major, minor) = (numbers.next().unwrap_or_default(), numbers.next().unwrap_or_default());
        let mut flags = String::from("-s -w");
        for package in self.recipe.stamped {
            flags += &format!(
                " -X {package}.gitVersion={version} -X {package}.gitMajor={major} -X {package}.gitMinor={minor} \
                 -X {package}.gitTreeState=clean"
            );
        }
        flags
    }
}

/// Builds binaries into its cache, one at a time over all processes.
pub(super) struct Builder {
    module: Module,
    cache: PathBuf,
    lock: Option<File>,
}

impl Builder {
    pub(super) fn new(recipe: &'static Recipe) -> Result<Self, Error> {
        let module = Module::read(recipe, &manifest_folder().join(recipe.folder))?;
        let cache = target_folder().join(recipe.cache).join(module.key());
        Ok(Self { module, cache, lock: None })
    }

    /// Blocks.
    pub(super) fn binary(&mut self, source @ (name, _): Source) -> Result<PathBuf, Error> {
        let binary = self.cache.join(name);
        if binary.is_file() {
            return Ok(binary);
        }
        if self.lock.is_none() {
            self.lock = Some(self.lock()?);
        }
        // Another process may have built it while this one waited for the lock.
        if !binary.is_file() {
            self.build(source, &binary)?;
        }
        Ok(binary)
    }

    /// Waits until no other process builds. The operating system releases the lock when its holder ends.
    fn lock(&self) -> Result<File, Error> {
        fs::create_dir_all(&self.cache).map_err(Error::io(format!("create {}", self.cache.display())))?;
        let path = self.cache.join("build.lock");
        let lock = File::create(&path).map_err(Error::io(format!("create {}", path.display())))?;
        if lock.try_lock().is_err() {
            progress(&format!("waiting for another process that builds {}", self.module.recipe.what));
            lock.lock().map_err(Error::io(format!("lock {}", path.display())))?;
        }
        Ok(lock)
    }

    fn build(&self, (name, package): Source, binary: &Path) -> Result<(), Error> {
        progress(&format!(
            "building {name} from source with Go; {} takes {}, only once (kept in {})",
            self.module.recipe.what,
            self.module.recipe.takes,
            self.cache.display()
        ));
        // Renamed when whole, so that an interrupted build leaves nothing that looks finished.
        let unfinished = self.cache.join(format!("{name}.unfinished"));
        let output = Command::new("go")
            .current_dir(&self.module.folder)
            .args(["build", "-mod=readonly", "-buildvcs=false", "-trimpath", "-ldflags"])
            .arg(self.module.linker_flags())
            .arg("-o")
            .arg(&unfinished)
            .arg(package)
            .env("CGO_ENABLED", "0")
            .env("GOWORK", "off")
            .stdin(Stdio::null())
            .output();
        let output = match output {
            Err(error) if error.kind() == ErrorKind::NotFound => {
                return Err(Error::GoMissing {
                    what: self.module.recipe.what,
                    missing: name.into(),
                    go: self.module.go_version.clone(),
                });
            }
            output => output.map_err(Error::io("run go build"))?,
        };
        if !output.status.success() {
            let output = String::from_utf8_lossy(&output.stderr).into_owned();
            return Err(Error::Build { binary: name, module: self.module.recipe.folder, output });
        }
        fs::rename(&unfinished, binary).map_err(Error::io(format!("keep {}", binary.display())))
    }
}

/// The workspace's root.
pub(super) fn manifest_folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn target_folder() -> PathBuf {
    match env::var_os("CARGO_TARGET_DIR") {
        Some(folder) => manifest_folder().join(folder),
        None => manifest_folder().join("target"),
    }
}

/// Written past the test runner, which would keep it until the test ends: five silent minutes look like a
/// hang.
pub(super) fn progress(line: &str) {
    let _ = writeln!(std::io::stderr(), "control plane: {line}");
}

#[cfg(test)]
mod tests {
    use super::*;

    static CONTROL_PLANE: Recipe = Recipe {
        what: "the control plane",
        takes: "long",
        folder: "tests/control-plane",
        cache: "control-plane",
        versioned: "k8s.io/kubernetes",
        stamped: &["k8s.io/component-base/version"],
    };

    fn module(go_mod: &str) -> Module {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("go.mod"), go_mod).unwrap();
        fs::write(folder.path().join("go.sum"), "sums").unwrap();
        Module::read(&CONTROL_PLANE, folder.path()).unwrap()
    }

    #[test]
    fn versions_come_from_the_go_module() {
        let block = module("module m\n\ngo 1.26.0\n\nrequire (\n\tk8s.io/kubernetes v1.37.2\n)\n");
        assert_eq!((block.go_version.as_str(), block.version.as_str()), ("1.26.0", "v1.37.2"));
        let line = module("module m\ngo 1.26.0\nrequire k8s.io/kubernetes v1.38.0\n");
        assert_eq!(line.version, "v1.38.0");
        assert!(line.linker_flags().contains("-X k8s.io/component-base/version.gitMinor=38 "));
    }

    #[test]
    fn another_version_is_built_into_another_folder() {
        let old = module("go 1.26.0\nrequire k8s.io/kubernetes v1.37.2\n").key();
        let same = module("go 1.26.0\nrequire k8s.io/kubernetes v1.37.2\n").key();
        let etcd = module(
            "go 1.26.0\nrequire k8s.io/kubernetes v1.37.2\nrequire go.etcd.io/etcd/server/v3 v3.8.0\n",
        );
        assert_eq!(old, same);
        assert_ne!(old, etcd.key());
        assert!(old.starts_with("v1.37.2-"), "{old}");
    }
}
