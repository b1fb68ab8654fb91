//! The real kubectl, run as a person would.

use std::{
    path::{Path, PathBuf},
    process::{ExitStatus, Stdio},
    time::Duration,
};

use tokio::{io::AsyncWriteExt as _, process::Command, time::timeout};

use super::error::Error;

/// A kubectl that has not ended by then never will; `kubectl wait` brings a limit of its own.
const PATIENCE: Duration = Duration::from_secs(180);

/// kubectl with one user's kubeconfig.
#[derive(Clone)]
pub(crate) struct Kubectl {
    program: PathBuf,
    kubeconfig: PathBuf,
    home: PathBuf,
}

/// What a kubectl that ended left behind.
#[derive(Debug)]
pub(crate) struct Output {
    pub(crate) status: ExitStatus,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
    arguments: String,
}

impl Output {
    /// Standard output if kubectl succeeded, else an error with the arguments and standard error.
    pub(crate) fn success(self) -> Result<String, Error> {
        let Self { status, stdout, stderr, arguments } = self;
        if status.success() { Ok(stdout) } else { Err(Error::Kubectl { arguments, status, stderr }) }
    }
}

impl Kubectl {
    /// `home` holds kubectl's caches, so that it neither reads nor writes what is the user's.
    pub(super) fn new(program: &Path, kubeconfig: &Path, home: &Path) -> Self {
        Self { program: program.into(), kubeconfig: kubeconfig.into(), home: home.into() }
    }

    /// Runs kubectl. A kubectl that fails is an `Output` too, since tests look at refusals.
    pub(crate) async fn run(&self, arguments: &[&str]) -> Result<Output, Error> {
        self.run_with_stdin(arguments, "").await
    }

    /// Like `run`, with `stdin` as standard input, for `apply -f -`.
    pub(crate) async fn run_with_stdin(&self, arguments: &[&str], stdin: &str) -> Result<Output, Error> {
        let arguments_text = arguments.join(" ");
        let mut child = Command::new(&self.program)
            .args(arguments)
            .env("KUBECONFIG", &self.kubeconfig)
            .env("KUBECACHEDIR", self.home.join("kubectl-cache"))
            .env("KUBERC", "off")
            .env("HOME", &self.home)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .map_err(Error::io(format!("start kubectl {arguments_text}")))?;
        let pipe = child.stdin.take();
        let write = async {
            if let Some(mut pipe) = pipe {
                // kubectl that refuses its arguments closes the pipe unread; its exit status tells.
                let _ = pipe.write_all(stdin.as_bytes()).await;
            }
        };
        let ended = async { tokio::join!(write, child.wait_with_output()).1 };
        let output = match timeout(PATIENCE, ended).await {
            Ok(output) => output.map_err(Error::io(format!("run kubectl {arguments_text}")))?,
            Err(_) => {
                return Err(Error::KubectlHangs { arguments: arguments_text, within: PATIENCE });
            }
        };
        Ok(Output {
            status: output.status,
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
            arguments: arguments_text,
        })
    }
}
