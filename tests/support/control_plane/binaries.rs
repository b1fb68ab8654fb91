//! Finds the control plane's binaries, or builds them once with Go from `tests/control-plane/`.

use std::{
    env, fs,
    fs::File,
    io::{ErrorKind, Write as _},
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use sha2::{Digest as _, Sha256};

use super::error::Error;

/// Where the binaries are.
pub(super) struct Binaries {
    pub(super) etcd: PathBuf,
    pub(super) kube_apiserver: PathBuf,
    pub(super) kube_controller_manager: PathBuf,
    pub(super) kubectl: PathBuf,
}

/// A binary's name and the package that it is built from.
type Source = (&'static str, &'static str);

/// The order is that of building: what Kubernetes' commands share is compiled with the first of them.
const ETCD: Source = ("etcd", "go.etcd.io/etcd/server/v3");
const KUBECTL: Source = ("kubectl", "k8s.io/kubernetes/cmd/kubectl");
const KUBE_APISERVER: Source = ("kube-apiserver", "k8s.io/kubernetes/cmd/kube-apiserver");
const KUBE_CONTROLLER_MANAGER: Source =
    ("kube-controller-manager", "k8s.io/kubernetes/cmd/kube-controller-manager");

/// Packages whose version variables Kubernetes' own build stamps; without them kubectl and the API server
/// say v0.0.0.
const STAMPED_PACKAGES: [&str; 2] = ["k8s.io/component-base/version", "k8s.io/client-go/pkg/version"];

impl Binaries {
    /// Takes what `$KUBEBUILDER_ASSETS` has and builds the rest, which takes about five minutes on two
    /// cores the first time. Processes that ask at the same time wait for the one that builds. Blocks.
    pub(super) fn find_or_build() -> Result<Self, Error> {
        let assets = Assets::from_environment()?;
        let module = Module::read(&manifest_folder().join("tests/control-plane"))?;
        let cache = target_folder().join("control-plane").join(module.key());
        let mut builder = Builder { module, cache, lock: None };
        let mut find = |source: Source| match assets.find(source.0) {
            Some(binary) => Ok(binary),
            None => builder.binary(source),
        };
        Ok(Self {
            etcd: find(ETCD)?,
            kubectl: find(KUBECTL)?,
            kube_apiserver: find(KUBE_APISERVER)?,
            kube_controller_manager: find(KUBE_CONTROLLER_MANAGER)?,
        })
    }
}

/// The folder that `$KUBEBUILDER_ASSETS` names, as in Kubernetes' envtest.
struct Assets(Option<PathBuf>);

impl Assets {
    fn from_environment() -> Result<Self, Error> {
        match env::var_os("KUBEBUILDER_ASSETS").filter(|folder| !folder.is_empty()).map(PathBuf::from) {
            Some(folder) if !folder.is_dir() => Err(Error::AssetsMissing(folder)),
            folder => Ok(Self(folder)),
        }
    }

    fn find(&self, binary: &str) -> Option<PathBuf> {
        let binary = self.0.as_ref()?.join(binary);
        binary.is_file().then_some(binary)
    }
}

/// The Go module that names the control plane's commands and their versions.
struct Module {
    folder: PathBuf,
    go_mod: String,
    go_sum: String,
    /// For example `1.26.0`.
    go_version: String,
    /// For example `v1.37.2`.
    kubernetes_version: String,
}

impl Module {
    fn read(folder: &Path) -> Result<Self, Error> {
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
        let kubernetes_version = version_after(&["k8s.io/kubernetes"])
            .or_else(|| version_after(&["require", "k8s.io/kubernetes"]))
            .ok_or_else(|| Error::Module(folder.join("go.mod")))?;
        let go_version = version_after(&["go"]).ok_or_else(|| Error::Module(folder.join("go.mod")))?;
        Ok(Self { folder: folder.into(), go_version, kubernetes_version, go_mod, go_sum })
    }

    /// Names the folder of the finished binaries: another version or another way to build is another folder.
    fn key(&self) -> String {
        let mut hash = Sha256::new();
        for part in [&self.go_mod, &self.go_sum, &self.linker_flags(), env::consts::OS, env::consts::ARCH] {
            hash.update(part.as_bytes());
            hash.update([0]);
        }
        let digits: String = hash.finalize().iter().take(4).map(|byte| format!("{byte:02x}")).collect();
        format!("{}-{digits}", self.kubernetes_version)
    }

    /// No symbols, and the version as Kubernetes' own build stamps it.
    fn linker_flags(&self) -> String {
        let version = &self.kubernetes_version;
        let mut numbers = version.trim_start_matches('v').split('.');
        let (major, minor) = (numbers.next().unwrap_or_default(), numbers.next().unwrap_or_default());
        let mut flags = String::from("-s -w");
        for package in STAMPED_PACKAGES {
            flags += &format!(
                " -X {package}.gitVersion={version} -X {package}.gitMajor={major} -X {package}.gitMinor={minor} \
                 -X {package}.gitTreeState=clean"
            );
        }
        flags
    }
}

/// Builds binaries into `cache`, one at a time over all processes.
struct Builder {
    module: Module,
    cache: PathBuf,
    lock: Option<File>,
}

impl Builder {
    fn binary(&mut self, source @ (name, _): Source) -> Result<PathBuf, Error> {
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
            progress("waiting for another process that builds the control plane");
            lock.lock().map_err(Error::io(format!("lock {}", path.display())))?;
        }
        Ok(lock)
    }

    fn build(&self, (name, package): Source, binary: &Path) -> Result<(), Error> {
        progress(&format!(
            "building {name} from source with Go; the whole control plane takes about five minutes on two cores, \
             only once (kept in {})",
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
                return Err(Error::GoMissing { missing: name.into(), go: self.module.go_version.clone() });
            }
            output => output.map_err(Error::io("run go build"))?,
        };
        if !output.status.success() {
            let output = String::from_utf8_lossy(&output.stderr).into_owned();
            return Err(Error::Build { binary: name, module: "tests/control-plane/go.mod", output });
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

    fn module(go_mod: &str) -> Module {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("go.mod"), go_mod).unwrap();
        fs::write(folder.path().join("go.sum"), "sums").unwrap();
        Module::read(folder.path()).unwrap()
    }

    #[test]
    fn versions_come_from_the_go_module() {
        let block = module("module m\n\ngo 1.26.0\n\nrequire (\n\tk8s.io/kubernetes v1.37.2\n)\n");
        assert_eq!((block.go_version.as_str(), block.kubernetes_version.as_str()), ("1.26.0", "v1.37.2"));
        let line = module("module m\ngo 1.26.0\nrequire k8s.io/kubernetes v1.38.0\n");
        assert_eq!(line.kubernetes_version, "v1.38.0");
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
