//! The program.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Output, Stdio};

use crate::support::{client, signed};

fn program(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_solidserver-simulator"));
    command.args(arguments);
    command
}

/// Ends the program with the test.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn run(arguments: &[&str]) -> Output {
    program(arguments).output().unwrap()
}

#[tokio::test]
async fn the_command_line_reaches_the_appliance() {
    let directory = tempfile::tempdir().unwrap();
    let seed = directory.path().join("seed.yaml");
    std::fs::write(&seed, "servers: [{name: one.example, zones: [{name: z.example, fill: 30}]}]").unwrap();
    let tls = directory.path().join("tls");
    let arguments = [
        ["--listen", "127.0.0.1:0"],
        ["--admin-listen", "127.0.0.1:0"],
        ["--dns-listen", "127.0.0.1:0"],
        ["--tls-dir", tls.to_str().unwrap()],
        ["--seed", seed.to_str().unwrap()],
        ["--path-prefix", "/ddi"],
        ["--user", "me"],
        ["--password", "pass word"],
        ["--token-id", "id1"],
        ["--token-secret", "s3cret"],
        ["--version", "9.1.2"],
        ["--page-cap", "5"],
        ["--latency", "1ms"],
        ["--rate-limit", "6/60s"],
        ["--publish-delay", "60s"],
        ["--quirk", "error-shape=array"],
        ["--quirk", "ids=random"],
        ["--exit-after", "60s"],
    ];
    let mut running = Running(program(arguments.as_flattened()).stdout(Stdio::piped()).spawn().unwrap());
    let mut lines = BufReader::new(running.0.stdout.take().unwrap()).lines();
    let endpoint = lines.next().unwrap().unwrap().strip_prefix("endpoint ").unwrap().to_owned();
    let admin = lines.next().unwrap().unwrap().strip_prefix("admin    ").unwrap().to_owned();
    let dns = lines.next().unwrap().unwrap().strip_prefix("dns      ").unwrap().to_owned();
    assert!(std::net::TcpStream::connect(dns).is_ok());
    let client = client(&std::fs::read_to_string(tls.join("ca.crt")).unwrap());
    let get = async |path: &str| {
        let request = client.get(format!("{endpoint}/rest/{path}")).basic_auth("me", Some("pass word"));
        let response = request.send().await.unwrap();
        (response.status().as_u16(), response.text().await.unwrap())
    };
    assert!(get("member_list").await.1.contains("\"member_version\":\"9.1.2\""));
    assert_eq!(get("dns_rr_list").await.1.matches("rr_id").count(), 5);
    assert!(get("dns_rr_info").await.1.starts_with("[{\"errno\":\"4\""));
    assert!(get("nonsense_list").await.1.starts_with("[{"));
    let added = "dns_rr_add?dns_name=one.example&rr_name=a.z.example&rr_type=A&value1=192.0.2.1";
    let added = client.post(format!("{endpoint}/rest/{added}"));
    let added = signed(added, ("id1", "s3cret"), 0).send().await.unwrap();
    assert_eq!(added.status().as_u16(), 201);
    assert!(get("dns_rr_list?WHERE=rr_glue%3D%27a%27").await.1.contains("\"delayed_create_time\":\"1\""));
    assert_eq!(get("member_list").await.0, 429);
    let health = client.get(format!("{admin}/healthz")).send().await.unwrap();
    assert_eq!(health.status().as_u16(), 200);
}

#[tokio::test]
async fn wrong_command_lines_are_refused_with_a_reason() {
    for (arguments, reason) in [
        (&["--quirk", "nonsense=1"][..], "no quirk"),
        (&["--quirk", "ids=roman"], "numeric, text, random"),
        (&["--rate-limit", "fast"], "200/60s"),
        (&["--token-id", "id1"], "--token-secret"),
        (&["--latency", "soon"], "--latency"),
        (&["--seed", "/nonexistent/seed.yaml"], "seed.yaml"),
        (&["--admin-listen", "0.0.0.0:0", "--listen", "127.0.0.1:0"], "loopback"),
    ] {
        let output = run(arguments);
        let text = String::from_utf8(output.stderr).unwrap();
        assert!(!output.status.success() && text.contains(reason), "{arguments:?}: {text}");
    }
    let page = run(&["--list-quirks"]);
    assert_eq!(String::from_utf8(page.stdout).unwrap(), include_str!("../../QUIRKS.md"));
}
