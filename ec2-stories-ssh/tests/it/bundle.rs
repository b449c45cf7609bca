//! Bundles on real OpenSSH servers: under systemd, and under the supervisor.

use std::fs;
use std::io::Write;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use ec2_stories_core::conformance::{self, CustomizerFixture};
use ec2_stories_core::provider::StepOutcome::{self, Changed, Unchanged};
use ec2_stories_core::provider::{Customizer, Node};
use ec2_stories_ssh::bundle::Bundle;
use ec2_stories_ssh::{Command, Session};
use tempfile::TempDir;

use crate::step::{node, node_at, nodes, outcomes};
use crate::support::{Sshd, eventually, pinned, ssh};

/// A program that stays.
const STAYS: &str = "echo I am $WHO; exec sleep 600";
/// One that says why it cannot.
const ENDS: &str = "echo no database >&2; exit 3";

/// Bundles of the application `shop`, each of which is a folder.
struct Dist(TempDir);

impl Dist {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    /// A version whose program is this script, with more lines of the manifest.
    fn version(&self, version: &str, program: &str, more: &str) -> PathBuf {
        let folder = self.0.path().join(version);
        fs::create_dir_all(folder.join("bin")).unwrap();
        let manifest = format!("name = 'shop'\nversion = '{version}'\nstop_within = '1s'\n{more}");
        fs::write(folder.join("bundle.toml"), manifest).unwrap();
        fs::write(folder.join("bin/shop"), format!("#!/bin/sh\n{program}\n")).unwrap();
        fs::set_permissions(folder.join("bin/shop"), fs::Permissions::from_mode(0o755)).unwrap();
        folder
    }

    fn bundle(&self, server: &Sshd, version: &str, program: &str, more: &str) -> Bundle {
        let more = format!("start = ['bin/shop']\n{more}");
        Bundle::open(self.version(version, program, &more)).unwrap().over(nodes(server))
    }
}

/// A server whose user has a home of its own, for bundles that are put there.
fn at_home() -> Sshd {
    Sshd::with("SetEnv SHLVL=1 HOME={here}")
}

async fn deploy(server: &Sshd, bundle: &Bundle) -> Vec<StepOutcome> {
    outcomes(bundle.customize(&node(server)).await.unwrap())
}

async fn session(server: &Sshd) -> Session {
    ssh(server, pinned(server)).connect(&server.target()).await.unwrap()
}

/// What a line of shell says there.
async fn say(server: &Sshd, line: &str) -> String {
    let output = session(server).await.exec(&Command::shell(line)).await.unwrap();
    output.stdout.text().trim().to_owned()
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

async fn keeps_the_contract(one: Sshd, two: Sshd, folder: &str) {
    let dist = Dist::new();
    let bundle = |version, program| dist.bundle(&one, version, program, "").folder(folder).unwrap();
    // Two seconds without an end are its health.
    let (works, ends) = (bundle("1", STAYS), bundle("2", ENDS));
    let mut untouched = node(&two);
    untouched.instance.id = "i-2".into();
    let mut unreachable = node_at(&one, 1);
    unreachable.instance.private_ip = Some("127.255.255.1".to_owned());
    conformance::customizer(&CustomizerFixture {
        customizer: Arc::new(works.clone()),
        nodes: [node(&one), untouched],
        failing: Arc::new(ends),
        unreachable: Some(unreachable),
    })
    .await;
    works.undo(&node(&one)).await.unwrap();
}

#[tokio::test]
async fn bundles_keep_the_contract_under_the_supervisor() {
    keeps_the_contract(at_home(), at_home(), "~/apps").await;
}

#[tokio::test]
async fn bundles_keep_the_contract_under_systemd() {
    keeps_the_contract(Sshd::with_systemd(), Sshd::with_systemd(), "/opt").await;
}

#[tokio::test]
async fn systemd_keeps_it_running_and_goes_back_from_what_does_not_work() {
    let (server, dist) = (Sshd::with_systemd(), Dist::new());
    let environment = "[environment]\nWHO = '${fleet}/${index}'\n";
    let first = dist.bundle(&server, "1", STAYS, environment);
    assert_eq!(deploy(&server, &first).await, [Changed, Changed, Changed]);
    assert_eq!(say(&server, "systemctl is-enabled shop; systemctl is-active shop").await, "enabled\nactive");
    assert_eq!(say(&server, "journalctl -q -o cat -u shop --grep 'I am'").await, "I am web/0");
    let pid = "systemctl show -p MainPID --value shop";
    let before = say(&server, pid).await;
    assert_eq!(deploy(&server, &first).await, [Unchanged, Unchanged, Unchanged]);
    assert_eq!(say(&server, pid).await, before);

    say(&server, &format!("kill -KILL {before}")).await;
    eventually("it is started again", async || {
        say(&server, "systemctl is-active shop").await == "active" && say(&server, pid).await != before
    })
    .await;

    let reports = deploy(&server, &dist.bundle(&server, "2", ENDS, environment)).await;
    let said = format!("{reports:?}");
    assert!(said.contains("no database") && said.contains("version 1 runs again"), "{said}");
    let never = "[health]\ncommand = ['test', '-e', 'ready']\nwithin = '1s'\n";
    let reports = deploy(&server, &dist.bundle(&server, "3", STAYS, never)).await;
    let StepOutcome::Failed(why) = &reports[2] else { panic!("{reports:?}") };
    assert!(why.contains("not healthy within 1 s") && why.contains("version 1 runs again"), "{why}");
    assert!(say(&server, "systemctl show -p Description --value shop").await.ends_with("shop 1"));

    let second = dist.bundle(&server, "4", STAYS, environment);
    assert_eq!(deploy(&server, &second).await, [Changed, Changed, Changed]);
    assert_eq!(outcomes(second.undo(&node(&server)).await.unwrap()), [Changed, Changed, Changed]);
    let left = "systemctl is-active shop; ls /etc/systemd/system /opt/shop 2>&1 | grep shop; pgrep -xc sleep";
    assert_eq!(
        say(&server, left).await,
        "inactive\nls: cannot access '/opt/shop': No such file or directory\n0"
    );
}

#[tokio::test]
async fn a_bundle_may_be_a_unit_and_run_as_another_user() {
    let (server, dist) = (Sshd::with_systemd(), Dist::new());
    let unit = "[Service]\nExecStart=@RELEASE@/bin/shop\nEnvironment=WHO=unit\nUser=nobody\n";
    let folder = dist.version("1", STAYS, "unit = 'shop.service'\n");
    fs::write(folder.join("shop.service"), unit).unwrap();
    let bundle = Bundle::open(&folder).unwrap().over(nodes(&server));
    let user = "ps -o user= -p $(systemctl show -p MainPID --value shop)";
    assert_eq!(deploy(&server, &bundle).await, [Changed, Changed, Changed]);
    assert_eq!(say(&server, user).await, "nobody");
    let own = dist.bundle(&server, "2", STAYS, "user = 'daemon'\n");
    assert_eq!(deploy(&server, &own).await, [Changed, Changed, Changed]);
    assert_eq!(say(&server, user).await, "daemon");
    // A distribution's own service is nobody's to replace.
    let taken = "name = 'systemd-journald'\nversion = '1'\nstart = ['bin/shop']\n";
    fs::write(folder.join("bundle.toml"), taken).unwrap();
    let reports = deploy(&server, &Bundle::open(&folder).unwrap().over(nodes(&server))).await;
    assert!(
        format!("{reports:?}").contains("has a service systemd-journald.service of its own"),
        "{reports:?}"
    );
}

#[tokio::test]
async fn another_user_runs_it_under_the_supervisor_too() {
    let (server, dist) = (Sshd::start(), Dist::new());
    // A folder that any user may enter, and the test's own.
    let opt = tempfile::Builder::new().permissions(fs::Permissions::from_mode(0o755)).tempdir().unwrap();
    let bundle = dist.bundle(&server, "1", STAYS, "user = 'daemon'\n");
    let bundle = bundle.folder(opt.path().to_str().unwrap()).unwrap();
    assert_eq!(deploy(&server, &bundle).await, [Changed, Changed, Changed]);
    let child = opt.path().join("shop/run/child");
    assert_eq!(say(&server, &format!("ps -o user= -p $(cat {})", child.display())).await, "daemon");
    bundle.undo(&node(&server)).await.unwrap();
    assert!(!child.exists());
}

#[tokio::test]
async fn health_is_a_port_that_somebody_listens_on_or_a_page() {
    let (server, dist) = (at_home(), Dist::new());
    let at = |bundle: Bundle| bundle.folder("~/apps").unwrap();
    let port = free_port();
    let listens = format!(
        "exec python3 -c 'import http.server as h; h.HTTPServer((\"127.0.0.1\", {port}), h.SimpleHTTPRequestHandler).serve_forever()'"
    );
    let health = |what: &str| format!("[health]\n{what}\nwithin = '20s'\n");
    let tcp = at(dist.bundle(&server, "1", &listens, &health(&format!("tcp = {port}"))));
    assert_eq!(deploy(&server, &tcp).await, [Changed, Changed, Changed]);
    let page = format!("http = {{ port = {port}, path = '/bundle.toml' }}");
    let http = at(dist.bundle(&server, "2", &listens, &health(&page)));
    assert_eq!(deploy(&server, &http).await, [Changed, Changed, Changed]);

    let short = |what: &str| health(what).replace("20s", "2s");
    let missing = format!("http = {{ port = {port}, path = '/nothing' }}");
    let reports = deploy(&server, &at(dist.bundle(&server, "3", &listens, &short(&missing)))).await;
    assert!(
        matches!(&reports[2], StepOutcome::Failed(why) if why.contains("404") && why.contains("version 2 runs")),
        "{reports:?}"
    );
    let deaf = short(&format!("tcp = {}", free_port()));
    let reports = deploy(&server, &at(dist.bundle(&server, "4", &listens, &deaf))).await;
    assert!(
        matches!(&reports[2], StepOutcome::Failed(why) if why.contains("nobody listens on port")),
        "{reports:?}"
    );
    http.undo(&node(&server)).await.unwrap();
}

#[tokio::test]
async fn an_archive_is_as_good_as_a_folder() {
    let (server, dist) = (at_home(), Dist::new());
    let folder = dist.version("1", STAYS, "start = ['bin/shop']\n");
    let (plain, packed) = (dist.0.path().join("shop.tar"), dist.0.path().join("shop.tar.gz"));
    archive(&folder, fs::File::create(&plain).unwrap());
    let gzip = flate2::write::GzEncoder::new(fs::File::create(&packed).unwrap(), flate2::Compression::fast());
    archive(&folder, gzip);
    let open = |path: &Path| Bundle::open(path).unwrap().folder("~/apps").unwrap().over(nodes(&server));
    assert_eq!(deploy(&server, &open(&packed)).await, [Changed, Changed, Changed]);
    // The same content is the same bundle.
    for same in [&plain, &folder] {
        assert_eq!(
            deploy(&server, &open(same)).await,
            [Unchanged, Unchanged, Unchanged],
            "{}",
            same.display()
        );
    }
    open(&plain).undo(&node(&server)).await.unwrap();

    fs::write(&packed, b"no archive").unwrap();
    let error = Bundle::open(&packed).unwrap_err();
    assert!(error.to_string().contains("shop.tar.gz"), "{error}");
}

fn archive(folder: &Path, into: impl Write) {
    let mut tar = tar::Builder::new(into);
    tar.append_dir_all(".", folder).unwrap();
    tar.into_inner().unwrap().flush().unwrap();
}

#[tokio::test]
async fn a_full_disk_is_said_and_the_version_before_goes_on() {
    let (server, dist) = (Sshd::with_disk(), Dist::new());
    let disk = server.path("disk");
    let of = |version: &str, program: &str| {
        dist.bundle(&server, version, program, "").folder(disk.to_str().unwrap()).unwrap()
    };
    let first = of("1", STAYS);
    assert_eq!(deploy(&server, &first).await, [Changed, Changed, Changed]);
    // The disk is the server's alone.
    let there = format!("cat {0}/run/child; ls -A {0}/releases | wc -l", disk.join("shop").display());
    let before = say(&server, &there).await;
    assert!(before.ends_with("\n1"), "{before}");
    // Too large when it is unpacked, and too large to arrive.
    let zeros = dist.version("2", STAYS, "start = ['bin/shop']\n");
    fs::write(zeros.join("zeros"), vec![0; 600_000]).unwrap();
    let noise = dist.version("3", STAYS, "start = ['bin/shop']\n");
    let bytes: Vec<u8> = (0..600_000_u32).map(|at| (at.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
    fs::write(noise.join("noise"), bytes).unwrap();
    for folder in [zeros, noise] {
        let bundle =
            Bundle::open(&folder).unwrap().over(nodes(&server)).folder(disk.to_str().unwrap()).unwrap();
        let outcomes = deploy(&server, &bundle).await;
        let [StepOutcome::Failed(why), StepOutcome::Skipped, StepOutcome::Skipped] = &outcomes[..] else {
            panic!("{outcomes:?}")
        };
        assert!(why.contains("No space left on device"), "{why}");
        assert_eq!(say(&server, &there).await, before, "it was not even asked to end, and nothing is left");
    }
    assert_eq!(deploy(&server, &first).await, [Unchanged, Unchanged, Unchanged]);
    first.undo(&node(&server)).await.unwrap();
}

/// A link that breaks while a bundle starts does not stop the start.
#[tokio::test]
async fn it_needs_no_word_once_its_content_is_there() {
    let (server, dist) = (at_home(), Dist::new());
    let slow = "[health]\ncommand = ['test', '-e', '../../../../ready']\nwithin = '60s'\n";
    let bundle = dist.bundle(&server, "1", STAYS, slow).folder("~/apps").unwrap();
    let base = server.path("apps/shop");
    let there: Node = node(&server);
    let deploying = tokio::spawn({
        let bundle = bundle.clone();
        async move { bundle.customize(&there).await }
    });
    eventually("it is started", async || base.join("run/child").exists()).await;
    server.kill_sessions();
    assert!(deploying.await.unwrap().unwrap_err().is_ambiguous());
    fs::write(server.path("ready"), "").unwrap();
    eventually("it is known to be good", async || base.join("good").exists()).await;
    assert_eq!(deploy(&server, &bundle).await, [Unchanged, Unchanged, Unchanged]);
    bundle.undo(&node(&server)).await.unwrap();
}
