//! What a page takes for granted, and what happens between its blocks where no shell is.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use solidserver_simulator::{Config, RowPatch, Seed, SeedServer, SeedZone, Simulator, Token};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::process::Command;
use tokio::task::{JoinHandle, JoinSet};

use super::blocks::Block;
use crate::control_plane::Options;
use crate::tls::ClientAuthority;
use crate::world::{OPERATOR_NAMESPACE, World, manifest};

/// Longer than any block takes on a busy machine; those of kubectl have limits of their own.
const PATIENCE: Duration = Duration::from_secs(240);

/// The login that deploy/examples and the pages write.
const LOGIN: (&str, &str) = ("dns-operator", "change-me");
/// One that is new.
const TOKEN: (&str, &str) = ("id2", "n3w-s3cret");
const LAB_LOGIN: (&str, &str) = ("lab-operator", "lab-s3cret");

const KUSTOMIZATION: &str = "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nresources: [solidserver.yaml, records.yaml]\n";

const ALL: &str = "[{name: '*', allowedNamespaces: {from: All}}]";
const SHOP: &str =
    "[{name: shop.example.com, allowedNamespaces: {from: Selector, selector: {matchLabels: {team: shop}}}}]";

/// One page's world: a control plane, the appliance under its name, the operator, and a shell in a copy of the repository.
pub(super) struct Stage {
    page: String,
    world: World,
    lab: Option<Simulator>,
    route: Route,
    place: TempDir,
    /// Whether the login stands in the shell's environment, as for commands that look at an appliance without a cluster.
    login: bool,
    ran: Vec<Block>,
}

/// The appliance that all pages have.
fn appliance(page: &str) -> Config {
    let mut zone = SeedZone::master("shop.example.com");
    match page {
        "guides/bring-in-a-zone.md" | "guides/from-terraform.md" => {
            zone = zone.record("www", "A", ["192.0.2.1"]).record("*", "MX", ["10", "mx"]);
        }
        "guides/from-external-dns.md" => {
            let heritage =
                "heritage=external-dns,external-dns/owner=prod,external-dns/resource=ingress/shop/web";
            zone = zone.record("www", "A", ["192.0.2.10"]).record("a-www", "TXT", [heritage]).record(
                "docs",
                "CNAME",
                ["www.shop.example.com"],
            );
        }
        _ => {}
    }
    let server = SeedServer::new("ns.example.com").member("ns1.example.com").zone(zone);
    Config {
        user: LOGIN.0.to_owned(),
        password: LOGIN.1.to_owned(),
        token: Some(Token::new(TOKEN.0, TOKEN.1)),
        tls_names: vec!["ddi.example.com".to_owned()],
        seed: Seed { servers: vec![server] },
        ..Config::default()
    }
}

impl Stage {
    pub(super) async fn set(page: &str) -> Self {
        let mut world = World::with(appliance(page), Options::default()).await;
        world.cluster_name = if page == "quick-start.md" { "quick-start" } else { "prod-eu1" };
        let place = tempfile::tempdir().unwrap();
        copy(Path::new(env!("CARGO_MANIFEST_DIR")), &place.path().join("clone"));
        let mut hosts = BTreeMap::from([("ddi.example.com:443".to_owned(), world.simulator.address())]);
        let lab = match page {
            "guides/several-appliances.md" => {
                let (user, password) = (LAB_LOGIN.0.to_owned(), LAB_LOGIN.1.to_owned());
                let tls_names = vec!["lab.example.com".to_owned()];
                let lab = Simulator::start(Config { user, password, tls_names, ..Config::default() })
                    .await
                    .unwrap();
                hosts.insert("lab.example.com:443".to_owned(), lab.address());
                Some(lab)
            }
            _ => None,
        };
        let route = Route::start(hosts).await;
        world.set_environment("HTTPS_PROXY", &format!("http://{}", route.address));
        let login = ["bring-in-a-zone", "from-external-dns", "from-terraform", "plan-in-ci", "doctor"]
            .iter()
            .any(|name| page == format!("guides/{name}.md"));
        let mut stage = Self { page: page.to_owned(), world, lab, route, place, login, ran: Vec::new() };
        stage.file("ca.crt", &stage.world.simulator.ca_pem());
        match page {
            // It makes everything itself.
            "quick-start.md" => {
                stage.world.kubectl(&["delete", "secret", "-n", OPERATOR_NAMESPACE, "solidserver"]).await;
            }
            _ => stage.what_is_there().await,
        }
        stage
    }

    /// An operator that runs, SolidServer `default`, and a team's namespace.
    async fn what_is_there(&mut self) {
        let (user, password) = LOGIN;
        self.world
            .apply(&format!(
                "apiVersion: v1\nkind: Secret\nmetadata: {{name: solidserver, namespace: {OPERATOR_NAMESPACE}}}\n\
                 stringData: {{username: {user}, password: {password}}}\n"
            ))
            .await;
        let page = self.page.clone();
        let zones = if matches!(&*page, "guides/delegation.md" | "guides/several-appliances.md") {
            SHOP
        } else {
            ALL
        };
        let spec = if page == "guides/deletions.md" {
            "guard: {deletions: {maxCount: 1, maxPercent: 0}}"
        } else {
            ""
        };
        let bundle = STANDARD.encode(self.world.simulator.ca_pem());
        let solid_server = format!(
            "apiVersion: solidserver.dev/v1alpha1\nkind: SolidServer\nmetadata: {{name: default}}\nspec:\n  endpoint: \
             https://ddi.example.com\n  credentialsSecretRef: {{name: solidserver}}\n  tls: {{caBundle: {bundle}}}\n  \
             defaults: {{dnsServer: ns.example.com, ttl: 600}}\n  resyncInterval: 1h\n  zones: {zones}\n  {spec}\n"
        );
        self.file("solidserver.yaml", &solid_server);
        self.world.apply(&solid_server).await;
        self.world.namespace("shop").await;
        self.world.start_operator().await;
        let www = |address: u8| record("www", address);
        match &*page {
            "guides/delegation.md" => {
                self.world.apply(&(www(10) + &record("api", 11))).await;
                self.world.until_reason("shop", "www", "NotDelegated").await;
            }
            "guides/deletions.md" => {
                let records: String =
                    (1..=4).map(|number| record(&format!("host{number}"), number)).collect();
                self.file("manifests/records.yaml", &records);
                self.hold().await;
            }
            "guides/doctor.md" => self.kubeconfig(),
            "guides/gitops.md" | "guides/rotate-credentials.md" | "guides/tls-and-proxy.md" => {
                self.world.apply(&www(10)).await;
                self.world.until_ready("shop", 1).await;
            }
            "guides/plan-in-ci.md" => {
                self.world.apply(&www(10)).await;
                self.world.until_ready("shop", 1).await;
                self.file("manifests/solidserver.yaml", &solid_server);
                self.file("manifests/records.yaml", &www(11));
                self.file("manifests/kustomization.yaml", KUSTOMIZATION);
                self.kubeconfig();
            }
            "guides/several-appliances.md" => {
                self.world.kubectl(&["label", "namespace", "shop", "team=shop"]).await;
                self.world.apply(&www(10)).await;
                self.world.until_ready("shop", 1).await;
                self.file("lab-login/username", LAB_LOGIN.0);
                self.file("lab-login/password", LAB_LOGIN.1);
                let authority = self.lab.as_ref().unwrap().ca_pem();
                self.file("lab-ca.crt", &authority);
            }
            _ => {}
        }
        match &*page {
            "guides/rotate-credentials.md" => {
                self.file("new-login/tokenId", TOKEN.0);
                self.file("new-login/tokenSecret", TOKEN.1);
            }
            "guides/tls-and-proxy.md" => {
                let (certificate, key) = ClientAuthority::new().client();
                self.file("tls.crt", &certificate);
                self.file("tls.key", &key);
            }
            _ => {}
        }
        self.world.simulator.reset_calls();
    }

    /// Four records whose deletion the guard holds.
    async fn hold(&self) {
        let manifests = self.place.path().join("clone/manifests");
        self.world.kubectl(&["apply", "-f", manifests.to_str().unwrap()]).await;
        self.world.until_ready("shop", 4).await;
        self.world.kubectl(&["delete", "dnsrecord", "-n", "shop", "--all", "--wait=false"]).await;
        for number in 1..=4 {
            self.world.until_reason("shop", &format!("host{number}"), "DeletionHeld").await;
        }
    }

    /// What somebody does before this block where no shell is.
    pub(super) async fn before(&mut self, block: &Block) {
        match &*self.page {
            // The old account is locked.
            "guides/rotate-credentials.md" if block.code.contains("rm -r new-login") => {
                self.world.simulator.set_credentials(LOGIN.0, "revoked");
            }
            // Somebody changes the address in the appliance's own interface, as the page asks for.
            "quick-start.md" if block.code.contains("reconcile-requested-at") => {
                let row = self.world.simulator.rows_at("www.shop.example.com").remove(0);
                self.world.simulator.patch_row(&row.id, RowPatch::values(["203.0.113.66"])).unwrap();
            }
            // The page has two ways out; after the first one the same has to happen again for the second.
            "guides/deletions.md" if block.code.contains("abandon-deletions") => {
                self.world
                    .until("the approved are gone", async || self.world.all_records("shop").await.is_empty())
                    .await;
                assert!(self.world.rows("host1.shop.example.com").is_empty());
                self.hold().await;
                self.world.simulator.reset_calls();
                let first = self.ran[0].clone();
                self.run(&first).await;
            }
            _ => {}
        }
    }

    /// What somebody does after it.
    pub(super) async fn after(&mut self, block: &Block) {
        match &*self.page {
            // What the Deployment describes, which no node is there for.
            "quick-start.md" if block.code.contains("apply --server-side -k") => {
                self.world.start_operator().await
            }
            "quick-start.md" if block.code.contains("reconcile-requested-at") => {
                let repaired = ["A 600 192.0.2.12 | quick-start/shop/www"];
                self.world
                    .until("it is put right", async || self.world.rows("www.shop.example.com") == repaired)
                    .await;
            }
            // The registry's rows of the name that moves are deleted in the appliance's own interface.
            "guides/from-external-dns.md" if block.code.contains("report.txt") => {
                let report = self.read("dns/shop.example.com/report.txt");
                assert!(report.contains("2 marked by somebody who looks after them"), "{report}");
                let registry = self.world.simulator.rows_at("a-www.shop.example.com").remove(0);
                self.world.simulator.delete_row(&registry.id).unwrap();
            }
            _ => {}
        }
        self.ran.push(block.clone());
    }

    /// Looks whether all that has led to what the page says.
    pub(super) async fn end(self) {
        let world = &self.world;
        let calls = world.simulator.calls();
        let changes = (calls.operation("add"), calls.operation("edit"), calls.operation("delete"));
        let owner = |name: &str| -> Vec<String> {
            let rows = world.simulator.rows_at(&format!("{name}.shop.example.com"));
            rows.iter()
                .map(|row| row.class_parameters.get("k8s_owner").cloned().unwrap_or_default())
                .collect()
        };
        match &*self.page {
            "quick-start.md" => {
                // Two rows; of them one edited and one deleted; that one put right, and deleted.
                assert_eq!(changes, (2, 2, 2));
                assert!(world.rows("www.shop.example.com").is_empty());
                world.plane.holds_an_operator();
            }
            "guides/bring-in-a-zone.md" | "guides/from-terraform.md" => {
                assert_eq!(changes, (0, 2, 0), "a mark for each row");
                assert_eq!(owner("www"), ["prod-eu1/shop/www.shop.example.com-a"]);
            }
            "guides/from-external-dns.md" => {
                assert_eq!(changes, (0, 2, 0), "a mark for each row");
                assert_eq!(owner("www"), ["prod-eu1/shop/www.shop.example.com-a"]);
                assert_eq!(owner("docs"), ["prod-eu1/shop/docs.shop.example.com-cname"]);
                assert_eq!(world.all_records("shop").await.len(), 2);
            }
            "guides/delegation.md" => {
                assert_eq!(changes, (2, 0, 2));
            }
            "guides/deletions.md" => {
                world.until_ready("shop", 4).await;
                assert_eq!(
                    world.simulator.calls().writes(),
                    0,
                    "what was abandoned is taken back without a write"
                );
                assert_eq!(owner("host1"), ["prod-eu1/shop/host1"]);
            }
            "guides/rotate-credentials.md" => {
                world.simulator.reset_calls();
                world.apply(&record("later", 12)).await;
                world.until_ready("shop", 2).await;
                let calls = world.simulator.call_log();
                assert!(!calls.is_empty() && calls.iter().all(|call| call.login == "token"), "{calls:?}");
            }
            "guides/several-appliances.md" => {
                assert_eq!(changes.2, 1, "www moved away");
                let lab = self.lab.as_ref().unwrap().calls();
                assert_eq!((lab.operation("add"), lab.operation("delete")), (1, 1));
            }
            "guides/tls-and-proxy.md" => {
                world.apply(&record("later", 12)).await;
                world.until_ready("shop", 2).await;
            }
            "guides/doctor.md" | "guides/plan-in-ci.md" => assert_eq!(calls.writes(), 0),
            _ => {}
        }
    }

    /// Runs a block, by one shell that knows what those before it have set.
    pub(super) async fn run(&self, block: &Block) {
        let binary = Path::new(env!("CARGO_BIN_EXE_solidserver-operator")).parent().unwrap();
        let kubectl = self.world.plane.kubectl_path().parent().unwrap();
        let script = format!(
            "set -ea\nif [ -f \"$STATE\" ]; then . \"$STATE\"; fi\n{}export -p > \"$STATE\"\n",
            block.code
        );
        let mut shell = Command::new("sh");
        shell
            .env_clear()
            .env("PATH", format!("{}:{}:/usr/local/bin:/usr/bin:/bin", binary.display(), kubectl.display()))
            .env("HOME", self.place.path())
            .env("KUBECONFIG", self.world.plane.kubeconfig())
            .env("KUBERC", "off")
            .env("HTTPS_PROXY", format!("http://{}", self.route.address))
            .env("STATE", self.place.path().join("state"));
        if self.login {
            shell.env("SOLIDSERVER_USERNAME", LOGIN.0).env("SOLIDSERVER_PASSWORD", LOGIN.1);
        }
        shell.args(["-c", &script]).current_dir(self.place.path().join("clone"));
        shell.stdin(Stdio::null()).kill_on_drop(true);
        let (page, line) = (&self.page, block.line);
        let ended = tokio::time::timeout(PATIENCE, shell.output()).await;
        let output = ended
            .unwrap_or_else(|_| panic!("docs/{page}:{line}: it does not end within {PATIENCE:?}"))
            .unwrap();
        let (printed, errors) =
            (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        let situation = if output.status.code() == Some(block.exit) {
            String::new()
        } else {
            self.world.situation().await
        };
        assert_eq!(
            output.status.code(),
            Some(block.exit),
            "docs/{page}:{line}: this ended otherwise than the page says\n{}\n{printed}{errors}\n{situation}",
            block.code
        );
        println!("docs/{page}:{line}\n{printed}{errors}");
    }

    fn file(&self, name: &str, text: &str) {
        let path = self.place.path().join("clone").join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.place.path().join("clone").join(name)).unwrap()
    }

    fn kubeconfig(&self) {
        std::fs::copy(self.world.plane.kubeconfig(), self.place.path().join("clone/kubeconfig")).unwrap();
    }
}

fn record(name: &str, address: u8) -> String {
    manifest("shop", name, &format!("fqdn: {name}.shop.example.com, type: A, values: [192.0.2.{address}]"))
}

/// Copies what belongs to the repository, and not what was built of it.
fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let (kind, name) = (entry.file_type().unwrap(), entry.file_name());
        if kind.is_dir() && !["target", ".git", "bin"].iter().any(|built| name == *built) {
            copy(&entry.path(), &to.join(name));
        } else if kind.is_file() {
            std::fs::copy(entry.path(), to.join(name)).unwrap();
        }
    }
}

/// The way to hosts that nobody has: a proxy that opens tunnels to where they are on this machine.
struct Route {
    address: SocketAddr,
    task: JoinHandle<()>,
}

impl Route {
    async fn start(hosts: BTreeMap<String, SocketAddr>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let task = tokio::spawn(async move {
            // Dropped with this task, and with it all tunnels.
            let mut tunnels = JoinSet::new();
            while let Ok((near, _)) = listener.accept().await {
                tunnels.spawn(tunnel(near, hosts.clone()));
                while tunnels.try_join_next().is_some() {}
            }
        });
        Self { address, task }
    }
}

impl Drop for Route {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn tunnel(mut near: TcpStream, hosts: BTreeMap<String, SocketAddr>) -> Option<()> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(near.read_u8().await.ok()?);
    }
    let head = String::from_utf8(head).ok()?;
    let target = hosts.get(head.strip_prefix("CONNECT ")?.split(' ').next()?)?;
    let mut far = TcpStream::connect(target).await.ok()?;
    near.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n").await.ok()?;
    tokio::io::copy_bidirectional(&mut near, &mut far).await.ok().map(drop)
}
