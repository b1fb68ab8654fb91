//! A server process that never outlives the process that started it.

use std::{
    convert::Infallible,
    fs::File,
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    sync::mpsc,
    thread,
    time::{Duration, Instant},
};

use super::error::Error;

/// Runs its arguments as a command and kills that command when its own standard input reaches its end,
/// which happens however the process at the other end of the pipe goes, SIGKILL included. The usual way,
/// PR_SET_PDEATHSIG, needs unsafe code and exists on Linux only.
const SUPERVISOR: &str = r#"
exec 3<&0
"$@" </dev/null 3<&- &
server=$!
{ read -r _ <&3; kill -9 "$server"; } 2>/dev/null &
watch=$!
exec 3<&-
wait "$server"
status=$?
kill -9 "$watch" 2>/dev/null
exit "$status"
"#;

/// Removes a folder when its standard input reaches its end: a `static` is never dropped, so a test
/// binary's shared control plane would leave its folder behind. The loop outlasts servers that are just
/// being killed.
const JANITOR: &str = r#"
read -r _
for _ in 1 2 3 4 5 6 7 8 9 10; do
  rm -rf -- "$1" 2>/dev/null
  [ -e "$1" ] || exit 0
  sleep 0.2
done
"#;

/// How much of a log an error message quotes.
const LOG_TAIL_LINES: usize = 40;

/// Keeps a child alive: the child ends when this is dropped, when `lifetime` is over, or when this process
/// ends.
struct Lifeline {
    _end: mpsc::Sender<Infallible>,
}

impl Lifeline {
    /// Takes over the child's standard input.
    fn hold(child: &mut Child, lifetime: Duration) -> Self {
        let stdin = child.stdin.take();
        let (end, ended) = mpsc::channel();
        thread::spawn(move || {
            let _ = ended.recv_timeout(lifetime);
            drop(stdin);
        });
        Self { _end: end }
    }
}

/// A running server of the control plane. Dropping it kills the server and waits for its end.
pub(super) struct Server {
    program: &'static str,
    log: PathBuf,
    child: Child,
    lifeline: Option<Lifeline>,
}

impl Server {
    /// Starts `binary`; its standard output and error go to `<folder>/<program>.log`.
    pub(super) fn start(
        program: &'static str,
        binary: &Path,
        arguments: &[String],
        folder: &Path,
        lifetime: Duration,
    ) -> Result<Self, Error> {
        let log = folder.join(format!("{program}.log"));
        let output = File::create(&log).map_err(Error::io(format!("create {}", log.display())))?;
        let errors = output.try_clone().map_err(Error::io(format!("share {}", log.display())))?;
        let mut command = Command::new("sh");
        command.args(["-c", SUPERVISOR, program]).arg(binary).args(arguments);
        // Nothing of the caller's: etcd reads every flag from ETCD_* too, and Ctrl-C in a terminal must
        // reach the caller first, so that it can shut down while its API server still answers.
        clear_environment(&mut command, folder);
        own_process_group(&mut command);
        let mut child = command
            .current_dir(folder)
            .stdin(Stdio::piped())
            .stdout(output)
            .stderr(errors)
            .spawn()
            .map_err(Error::io(format!("start {program}")))?;
        let lifeline = Some(Lifeline::hold(&mut child, lifetime));
        Ok(Self { program, log, child, lifeline })
    }

    pub(super) fn program(&self) -> &'static str {
        self.program
    }

    /// The server's exit status if it has ended.
    pub(super) fn ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().ok().flatten()
    }

    /// The last lines of the server's log.
    pub(super) fn log_tail(&self) -> String {
        let log = std::fs::read(&self.log).unwrap_or_default();
        let log = String::from_utf8_lossy(&log);
        let lines: Vec<&str> = log.lines().collect();
        lines[lines.len().saturating_sub(LOG_TAIL_LINES)..].join("\n")
    }

    /// Whether the server ended because somebody else took the port that was free a moment ago.
    pub(super) fn lost_its_port(&self) -> bool {
        self.log_tail().contains("address already in use")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.lifeline = None;
        let patience = Instant::now() + Duration::from_secs(5);
        while self.ended().is_none() {
            if Instant::now() > patience {
                let _ = self.child.kill();
                let _ = self.child.wait();
                return;
            }
            thread::sleep(Duration::from_millis(5));
        }
    }
}

/// Removes a folder when this process is gone, however it goes.
pub(super) struct Janitor {
    child: Child,
    lifeline: Option<Lifeline>,
}

impl Janitor {
    pub(super) fn watch(folder: &Path, lifetime: Duration) -> Result<Self, Error> {
        let mut command = Command::new("sh");
        command.args(["-c", JANITOR, "janitor"]).arg(folder);
        own_process_group(&mut command);
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .map_err(Error::io("start the clean-up of the control plane's folder"))?;
        let lifeline = Some(Lifeline::hold(&mut child, lifetime));
        Ok(Self { child, lifeline })
    }
}

impl Drop for Janitor {
    fn drop(&mut self) {
        self.lifeline = None;
        let _ = self.child.wait();
    }
}

fn clear_environment(command: &mut Command, home: &Path) {
    let path = std::env::var_os("PATH").unwrap_or_default();
    command.env_clear().env("PATH", path).env("HOME", home);
}

fn own_process_group(command: &mut Command) {
    use std::os::unix::process::CommandExt as _;
    command.process_group(0);
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIFETIME: Duration = Duration::from_secs(60);

    /// A server that writes its process id to `pid` in its folder and stays.
    fn start_sleeper(folder: &Path, lifetime: Duration) -> Server {
        let script = ["-c", "echo $$ > pid.new; mv pid.new pid; exec sleep 60"].map(String::from);
        Server::start("sleeper", Path::new("sh"), &script, folder, lifetime).unwrap()
    }

    fn pid_of_sleeper(folder: &Path) -> String {
        eventually("the server writes its pid", || std::fs::read_to_string(folder.join("pid")).ok())
    }

    fn runs(pid: &str) -> bool {
        let kill = Command::new("sh").args(["-c", &format!("kill -0 {pid}")]).stderr(Stdio::null()).status();
        kill.unwrap().success()
    }

    fn eventually<T>(what: &str, check: impl Fn() -> Option<T>) -> T {
        let patience = Instant::now() + Duration::from_secs(30);
        loop {
            if let Some(found) = check() {
                return found;
            }
            assert!(Instant::now() < patience, "{what}: not within 30 s");
            thread::sleep(Duration::from_millis(10));
        }
    }

    #[test]
    fn a_dropped_server_has_ended() {
        let folder = tempfile::tempdir().unwrap();
        let server = start_sleeper(folder.path(), LIFETIME);
        let pid = pid_of_sleeper(folder.path());
        assert!(runs(&pid));
        drop(server);
        assert!(!runs(&pid));
    }

    #[test]
    fn a_server_ends_with_its_lifetime() {
        let folder = tempfile::tempdir().unwrap();
        let _server = start_sleeper(folder.path(), Duration::from_millis(500));
        let pid = pid_of_sleeper(folder.path());
        eventually("the server ends", || (!runs(&pid)).then_some(()));
    }

    #[test]
    fn a_server_that_fails_tells_status_and_log() {
        let folder = tempfile::tempdir().unwrap();
        let script =
            ["-c", "echo listen tcp 127.0.0.1:1: bind: address already in use; exit 3"].map(String::from);
        let mut server = Server::start("failer", Path::new("sh"), &script, folder.path(), LIFETIME).unwrap();
        let patience = Instant::now() + Duration::from_secs(30);
        let status = loop {
            if let Some(status) = server.ended() {
                break status;
            }
            assert!(Instant::now() < patience);
            thread::sleep(Duration::from_millis(10));
        };
        assert_eq!(status.code(), Some(3));
        assert_eq!(server.log_tail(), "listen tcp 127.0.0.1:1: bind: address already in use");
        assert!(server.lost_its_port());
    }

    /// This test runs itself in a second process, which starts a server and is killed.
    #[test]
    fn servers_and_folder_go_with_a_killed_process() {
        const FOLDER: &str = "CONTROL_PLANE_TEST_FOLDER";
        if let Some(folder) = std::env::var_os(FOLDER).map(PathBuf::from) {
            let _janitor = Janitor::watch(&folder, LIFETIME).unwrap();
            let _server = start_sleeper(&folder, LIFETIME);
            thread::sleep(LIFETIME);
            return;
        }
        let folder = tempfile::tempdir().unwrap();
        let this_test = concat!(module_path!(), "::servers_and_folder_go_with_a_killed_process");
        let this_test = this_test.split_once("::").unwrap().1;
        let mut process = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", this_test])
            .env(FOLDER, folder.path())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let pid = pid_of_sleeper(folder.path());
        assert!(runs(&pid));
        process.kill().unwrap();
        process.wait().unwrap();
        eventually("the server ends", || (!runs(&pid)).then_some(()));
        eventually("the folder goes", || (!folder.path().exists()).then_some(()));
    }
}
