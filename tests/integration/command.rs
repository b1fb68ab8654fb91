//! The binary itself: its exit codes, its output, and how it ends.

use std::fs;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader, Lines};
use tokio::net::TcpStream;
use tokio::process::{Child, ChildStderr, Command};
use tokio::time::timeout;

/// Longer than anything here takes on a busy machine; a test that waits this long has failed.
const PATIENCE: Duration = Duration::from_secs(60);

/// A cluster that nobody serves: port 1 of the loopback refuses connections.
const NOWHERE: &str = "{apiVersion: v1, kind: Config, current-context: c, \
                       contexts: [{name: c, context: {cluster: c, user: u}}], \
                       clusters: [{name: c, cluster: {server: 'https://127.0.0.1:1'}}], users: [{name: u, user: {}}]}";

fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_solidserver-operator"));
    command.args(arguments).env_clear().stdin(Stdio::null()).kill_on_drop(true);
    command
}

/// Exit code, standard output and standard error.
async fn output(mut command: Command) -> (Option<i32>, String, String) {
    let output = timeout(PATIENCE, command.output()).await.expect("it ends").unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.code(), text(output.stdout), text(output.stderr))
}

#[tokio::test]
async fn crds_prints_what_is_committed() {
    let (code, printed, errors) = output(command(&["crds"])).await;
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("crds");
    let committed =
        ["dnsrecords.yaml", "solidservers.yaml"].map(|name| fs::read_to_string(folder.join(name)).unwrap());
    assert_eq!((code, errors.as_str()), (Some(0), ""));
    assert_eq!(printed, committed.join("---\n"));
}

#[tokio::test]
async fn what_cannot_be_used_ends_with_2_and_says_which_flag() {
    for (arguments, said) in [
        (&["run"][..], "--cluster-name <NAME>"),
        (&["run", "--cluster-name", "Prod"], "--cluster-name is \"Prod\""),
        (&["run", "--cluster-name", "prod", "--watch-namespaces", "a,b/c"], "--watch-namespaces is \"b/c\""),
        (&["run", "--cluster-name", "prod", "--http-listen", "8080"], "--http-listen <ADDRESS>"),
        (&["run", "--cluster-name", "prod", "--lease"], "--lease"),
        (&["walk"], "walk"),
    ] {
        let (code, printed, errors) = output(command(arguments)).await;
        assert_eq!((code, printed.as_str()), (Some(2), ""), "{arguments:?}: {errors}");
        assert!(errors.contains(said), "{arguments:?}: {errors}");
    }
}

#[tokio::test]
async fn a_kubeconfig_that_is_not_there_ends_with_1_and_is_named() {
    let arguments =
        ["run", "--cluster-name=prod", "--http-listen=127.0.0.1:0", "--kubeconfig=no-such-file.yaml"];
    let (code, _, errors) = output(command(&arguments)).await;
    assert_eq!(code, Some(1), "{errors}");
    let last: Value = serde_json::from_str(errors.lines().last().unwrap()).unwrap();
    assert_eq!(last["level"], "ERROR");
    assert!(last["error"].as_str().unwrap().contains("no-such-file.yaml"), "{last}");
}

/// An operator whose API server cannot be reached.
struct Running {
    child: Child,
    log: Lines<BufReader<ChildStderr>>,
    address: String,
    /// Holds the kubeconfig.
    _folder: tempfile::TempDir,
}

impl Running {
    async fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let kubeconfig = folder.path().join("kubeconfig");
        fs::write(&kubeconfig, NOWHERE).unwrap();
        let mut command = command(&["run", "--http-listen=127.0.0.1:0"]);
        command
            .env("SOLIDSERVER_OPERATOR_CLUSTER_NAME", "prod")
            .env("SOLIDSERVER_OPERATOR_KUBECONFIG", &kubeconfig)
            .stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut log = BufReader::new(child.stderr.take().unwrap()).lines();
        let begins = next_with(&mut log, "the operator begins").await;
        let address = begins["http_listen"].as_str().unwrap().to_owned();
        Self { child, log, address, _folder: folder }
    }

    async fn signal(&self, name: &str) {
        let id = self.child.id().expect("it runs").to_string();
        let status = Command::new("kill").args([&format!("-{name}"), &id]).status().await.unwrap();
        assert!(status.success());
    }

    async fn status_of(&self, path: &str) -> String {
        let mut connection = TcpStream::connect(&self.address).await.unwrap();
        let request = format!("GET {path} HTTP/1.1\r\nhost: operator\r\nconnection: close\r\n\r\n");
        connection.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        connection.read_to_string(&mut answer).await.unwrap();
        answer.split(' ').nth(1).unwrap().to_owned()
    }
}

/// The next log line with this message.
async fn next_with(log: &mut Lines<BufReader<ChildStderr>>, message: &str) -> Value {
    let search = async {
        loop {
            let line = log.next_line().await.unwrap().expect("the log goes on");
            let event: Value = serde_json::from_str(&line).unwrap_or_else(|_| panic!("no JSON: {line}"));
            if event["message"].as_str().unwrap().contains(message) {
                return event;
            }
        }
    };
    timeout(PATIENCE, search).await.unwrap_or_else(|_| panic!("{message:?} is not logged"))
}

#[tokio::test]
async fn without_an_api_server_it_waits_alive_and_not_ready_and_ends_when_told() {
    for signal in ["TERM", "INT"] {
        let mut operator = Running::start().await;
        next_with(&mut operator.log, "waiting for the API server").await;
        assert_eq!(operator.status_of("/healthz").await, "200");
        assert_eq!(operator.status_of("/readyz").await, "503");
        assert_eq!(operator.status_of("/metrics").await, "200");
        operator.signal(signal).await;
        let ended = next_with(&mut operator.log, "the operator ends").await;
        assert_eq!(ended["signal"], format!("SIG{signal}"));
        let status = timeout(PATIENCE, operator.child.wait()).await.expect("it ends").unwrap();
        assert_eq!(status.code(), Some(0), "SIG{signal}");
    }
}
