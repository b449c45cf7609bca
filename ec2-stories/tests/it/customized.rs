//! Stories with steps, on the embedded cloud with real OpenSSH servers behind its instances.

use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use async_trait::async_trait;
use ec2_stories::model::{HostKeys, LoginSpec};
use ec2_stories::prelude::*;
use ec2_stories::provider::{Node, StepOutcome};
use ec2_stories::sim::{Hosts, SshdOptions, Vpc};
use ec2_stories::ssh::step::Nodes;
use ec2_stories::ssh::{Connect, Stream};
use ec2_stories::story::Story;
use futures::StreamExt;
use futures::stream::BoxStream;
use tempfile::TempDir;

/// On a machine with much else to do.
const PATIENCE: Duration = Duration::from_secs(120);

const FLEET: &str = r#"
name = "shop"

[[fleet]]
name = "web"
nodes = 3
at_least = 2
image = { public = "debian-12" }
key = { generated = "id" }
login = { port = PORT, host_keys = HOST_KEYS }
"#;

struct Bench {
    sim: Sim,
    folder: TempDir,
}

impl Bench {
    fn new() -> Self {
        let hosts = Hosts::sshd(SshdOptions::default()).unwrap();
        let sim = Sim::builder().hosts(hosts).latency(Latencies::none()).build();
        Self { sim, folder: tempfile::tempdir().unwrap() }
    }

    fn path(&self, name: &str) -> std::path::PathBuf {
        self.folder.path().join(name)
    }

    fn deployment(&self, host_keys: &str, steps: &str) -> Deployment {
        let text =
            FLEET.replace("HOST_KEYS", host_keys).replace("PORT", &self.sim.ssh_port().to_string()) + steps;
        std::fs::write(self.path("shop.toml"), text).unwrap();
        let story = Story::open(self.path("shop.toml")).unwrap_or_else(|error| panic!("{error}"));
        let ec2 = Arc::new(Ec2::from_config(&self.sim.sdk_config()));
        story.deployment(ec2, Arc::new(MemoryStore::new()), self.sim.clock()).unwrap()
    }

    /// A node's file, as seen from this machine.
    fn read(&self, running: &Running, slot: usize, path: &str) -> Option<String> {
        let instance = running.nodes()[slot].instance.clone().unwrap();
        let host = self.sim.host(instance.id.as_str()).unwrap();
        std::fs::read_to_string(host.folder.join(Path::new(path).strip_prefix("/").unwrap())).ok()
    }
}

/// The next `count` outcomes of steps, by node.
fn outcomes(
    running: &Running,
    count: usize,
) -> impl Future<Output = Vec<(u32, String, StepOutcome)>> + use<> {
    let events: BoxStream<'static, Event> = running.events().boxed();
    async move {
        let outcomes = events.filter_map(async |event| match event.kind {
            EventKind::Step { step, outcome } => Some((event.node?.slot, step, outcome)),
            _ => None,
        });
        let mut seen: Vec<_> = outcomes.take(count).collect().await;
        seen.sort_by_key(|(slot, ..)| *slot);
        seen
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_fails_does_not_stop_the_others() {
    let bench = Bench::new();
    std::fs::write(bench.path("motd"), "I am ${fleet}/${index} at ${web/0.private_ip}\n").unwrap();
    let shop = bench.deployment(
        r#"{ injected = "host" }"#,
        r#"
steps = [
  { file = { path = "/etc/motd.shop", source = "motd", template = true, mode = "0640" } },
  { command = { run = ["test", "${index}", "-ne", "1"], name = "odd" } },
  { command = { shell = "cat /etc/motd.shop >/srv/seen", creates = "/srv/seen" } },
]
"#,
    );
    let plan = shop.plan().await.unwrap().to_string();
    assert!(plan.contains("web: file /etc/motd.shop; command odd; command cat"), "{plan}");
    let running = shop.start().await.unwrap();
    let seen = outcomes(&running, 9);
    tokio::time::timeout(PATIENCE, running.ready()).await.expect("in time").unwrap();
    let seen = tokio::time::timeout(PATIENCE, seen).await.expect("in time");
    for (slot, steps) in seen.chunks(3).enumerate() {
        let outcomes: Vec<&StepOutcome> = steps.iter().map(|(_, _, outcome)| outcome).collect();
        match slot {
            1 => assert!(
                matches!(outcomes[..], [StepOutcome::Changed, StepOutcome::Failed(_), StepOutcome::Skipped]),
                "{seen:?}"
            ),
            _ => assert_eq!(outcomes, [&StepOutcome::Changed; 3], "{seen:?}"),
        }
    }
    let said = bench.read(&running, 2, "/srv/seen").expect("it was written");
    assert!(said.starts_with("I am web/2 at 127."), "{said}");
    assert_eq!(bench.read(&running, 1, "/srv/seen"), None);
    running.terminate().await.unwrap().assert_clean();
    bench.sim.assert_clean();
}

#[tokio::test(flavor = "multi_thread")]
async fn users_and_their_keys_are_made_on_the_node() {
    let bench = Bench::new();
    let shop = bench.deployment(
        r#""console""#,
        r#"
steps = [
  { user = { name = "app", groups = ["shop", "adm"], home = "/srv/app", shell = "/bin/bash", undo = true } },
  { authorized_keys = { user = "app", keys = ["ssh-ed25519 AAAA ${fleet}"], exactly = true, undo = true } },
  { file = { path = "/srv/app/it's", text = "", owner = "app", mode = "0600" } },
  { command = { run = ["sh", "-c", "id -nG >/srv/app/groups"], user = "app" } },
]
"#,
    );
    let running = shop.start().await.unwrap();
    let seen = outcomes(&running, 12);
    tokio::time::timeout(PATIENCE, running.ready()).await.expect("in time").unwrap();
    let seen = tokio::time::timeout(PATIENCE, seen).await.expect("in time");
    assert!(seen.iter().all(|(_, _, outcome)| *outcome == StepOutcome::Changed), "{seen:?}");
    assert_eq!(bench.read(&running, 0, "/srv/app/groups").unwrap().trim(), "app adm shop");
    assert_eq!(bench.read(&running, 0, "/srv/app/.ssh/authorized_keys").unwrap(), "ssh-ed25519 AAAA web\n");
    let undone = outcomes(&running, 12);
    let report = running.terminate().await.unwrap();
    report.assert_clean();
    let undone = tokio::time::timeout(PATIENCE, undone).await.expect("in time");
    let failed = undone.iter().find(|(_, _, outcome)| matches!(outcome, StepOutcome::Failed(_)));
    assert_eq!(failed, None);
    bench.sim.assert_clean();
}

/// From inside of the hosts' own network.
#[derive(Debug)]
pub(crate) struct Inside(pub(crate) Vpc);

#[async_trait]
impl Connect for Inside {
    async fn connect(&self, host: &str, port: u16) -> io::Result<Box<dyn Stream>> {
        let to = SocketAddr::new(host.parse().map_err(io::Error::other)?, port);
        Ok(Box::new(self.0.connect(to, Duration::from_secs(10)).await?))
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn packages_come_by_the_real_apt_get() {
    let hosts = Hosts::namespace().await.unwrap_or_else(|error| panic!("{error:?}"));
    let sim = Sim::builder().latency(Latencies::none()).hosts(hosts).build();
    let folder = tempfile::tempdir().unwrap();
    let store = Arc::new(MemoryStore::new());
    let nodes = Nodes::new().remembered_in(store.clone()).connect_by(Inside(sim.vpc().unwrap()));
    let unknown = Steps::new([Packages::apt(["no-such-package-anywhere"])]).over(nodes.clone());
    let steps = Steps::new([Packages::apt(["tree"]).undone()])
        .then(Run::shell(Template::literal("tree --version >/srv/tree")).creates("/srv/tree"))
        .over(nodes);
    let login =
        LoginSpec { host_keys: Some(HostKeys::Injected(folder.path().join("host"))), ..LoginSpec::default() };
    let web = Fleet::builder()
        .name("web")
        .nodes(1)
        .image(Image::public("debian-12"))
        .key(KeyPairSpec::Generated(folder.path().join("id")))
        .login(login)
        .customize(steps.clone())
        .build()
        .unwrap();
    let how = LoginSpec::of(web.spec());
    let ec2 = Ec2::from_config(&sim.sdk_config());
    let shop = Deployment::builder()
        .name("shop")
        .cloud(ec2)
        .journal(store)
        .clock(sim.clock())
        .fleet(web)
        .build()
        .unwrap();
    let running = shop.start().await.unwrap();
    let seen = outcomes(&running, 2);
    tokio::time::timeout(PATIENCE, running.ready()).await.expect("in time").unwrap();
    let seen = tokio::time::timeout(PATIENCE, seen).await.expect("in time");
    assert!(seen.iter().all(|(_, _, outcome)| *outcome == StepOutcome::Changed), "{seen:?}");
    let status = running.nodes().remove(0);
    let node = Node {
        deployment: Name::new("shop").unwrap(),
        address: status.address,
        instance: status.instance.unwrap(),
        attributes: running.attributes(),
        login: how,
    };
    let again = steps.customize(&node).await.unwrap();
    assert!(again.iter().all(|report| report.outcome == StepOutcome::Unchanged), "{again:?}");
    let undone = steps.undo(&node).await.unwrap();
    assert_eq!(undone[1].outcome, StepOutcome::Changed, "{undone:?}");
    let failed = unknown.customize(&node).await.unwrap();
    assert!(format!("{failed:?}").contains("Unable to locate package"), "{failed:?}");
    running.terminate().await.unwrap().assert_clean();
    sim.assert_clean();
}
