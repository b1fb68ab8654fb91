//! The real kubectl and Helm, run as a person would.

use std::{
    path::{Path, PathBuf},
    process::{ExitStatus, Stdio},
    time::Duration,
};

use tokio::{io::AsyncWriteExt as _, process::Command, time::timeout};

use super::error::Error;

/// A command that has not ended by then never will; `kubectl wait` brings a limit of its own.
const PATIENCE: Duration = Duration::from_secs(180);

/// kubectl or Helm with one user's kubeconfig.
#[derive(Clone)]
pub(crate) struct CommandLine {
    name: &'static str,
    program: PathBuf,
    kubeconfig: PathBuf,
    home: PathBuf,
}

/// What a command that ended left behind.
#[derive(Debug)]
pub(crate) struct Output {
    pub(crate) status: ExitStatus,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
    command: String,
}

impl Output {
    /// Standard output if the command succeeded, else an error with its arguments and standard error.
    pub(crate) fn success(self) -> Result<String, Error> {
        let Self { status, stdout, stderr, command } = self;
        if status.success() { Ok(stdout) } else { Err(Error::Command { command, status, stderr }) }
    }
}

impl CommandLine {
    /// `home` holds caches and settings, so that it neither reads nor writes what is the user's.
    pub(super) fn new(name: &'static str, program: &Path, kubeconfig: &Path, home: &Path) -> Self {
        Self { name, program: program.into(), kubeconfig: kubeconfig.into(), home: home.into() }
    }

    /// Runs it. A command that fails is an `Output` too, since tests look at refusals.
    pub(crate) async fn run(&self, arguments: &[&str]) -> Result<Output, Error> {
        self.run_with_stdin(arguments, "").await
    }

    /// Like `run`, with `stdin` as standard input, for `apply -f -`.
    pub(crate) async fn run_with_stdin(&self, arguments: &[&str], stdin: &str) -> Result<Output, Error> {
        let command = format!("{} {}", self.name, arguments.join(" "));
        let mut child = Command::new(&self.program)
            .args(arguments)
            .env("KUBECONFIG", &self.kubeconfig)
            .env("KUBECACHEDIR", self.home.join("kubectl-cache"))
            .env("KUBERC", "off")
            .env("HOME", &self.home)
            .env("HELM_CACHE_HOME", self.home.join("helm-cache"))
            .env("HELM_CONFIG_HOME", self.home.join("helm-config"))
            .env("HELM_DATA_HOME", self.home.join("helm-data"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .map_err(Error::io(format!("start {command}")))?;
        let pipe = child.stdin.take();
        let write = async {
            if let Some(mut pipe) = pipe {
                // A command that refuses its arguments closes the pipe unread; its exit status tells.
                let _ = pipe.write_all(stdin.as_bytes()).await;
            }
        };
        let ended = async { tokio::join!(write, child.wait_with_output()).1 };
        let output = match timeout(PATIENCE, ended).await {
            Ok(output) => output.map_err(Error::io(format!("run {command}")))?,
            Err(_) => {
                return Err(Error::CommandHangs { command, within: PATIENCE });
            }
        };
        Ok(Output {
            status: output.status,
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
            command,
        })
    }
}
