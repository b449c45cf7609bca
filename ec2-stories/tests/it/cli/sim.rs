//! `ec2-stories sim`, and an SDK that no one here wrote.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::process::Command;

use super::{Ended, PATIENCE, Started, ec2_stories};

pub(super) async fn serve(more: &[&str], folder: &Path) -> (Started, String) {
    let mut sim = ec2_stories(folder);
    sim.args(["sim", "--listen", "127.0.0.1:0", "--seed", "7"]).args(more);
    // Where the root file system of namespace hosts is kept.
    let home = std::env::home_dir().unwrap();
    sim.env("XDG_CACHE_HOME", std::env::var_os("XDG_CACHE_HOME").unwrap_or(home.join(".cache").into()));
    sim.env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin");
    let mut sim = Started::spawn(sim);
    let line = sim.line(|_| true).await;
    let url = line.strip_prefix("listening on ").expect("the first line says where").to_owned();
    (sim, url)
}

#[tokio::test(flavor = "multi_thread")]
async fn it_says_where_it_listens_and_ends_at_ctrl_c_and_at_sigterm() {
    let folder = tempfile::tempdir().unwrap();
    for signal in ["INT", "TERM"] {
        let (sim, url) = serve(&[], folder.path()).await;
        let port = url.strip_prefix("http://127.0.0.1:").unwrap();
        assert_ne!(port.parse::<u16>().unwrap(), 0);
        sim.signal(signal);
        sim.end().await.expect(0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_fault_file_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("faults.toml"), "[[rule]]\nfualt = 'throttle'\n").unwrap();
    let mut sim = ec2_stories(folder.path());
    sim.args(["sim", "--faults", "faults.toml"]);
    let ended = Ended::of(sim).await.expect(2);
    assert!(ended.stderr.contains("faults.toml") && ended.stderr.contains("fualt"), "{ended:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn boto3_launches_waits_replays_and_terminates() {
    let peers =
        std::env::var("EC2_STORIES_PEERS").expect("EC2_STORIES_PEERS is not set: run cargo xtask test");
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(
        folder.path().join("faults.toml"),
        "[[rule]]\noperation = 'DescribeVolumes'\nnth = 1\nfault = 'throttle'\n",
    )
    .unwrap();
    let (sim, url) = serve(&["--time-scale", "30", "--faults", "faults.toml"], folder.path()).await;
    let mut boto3 = Command::new(Path::new(&peers).join("bin/python"));
    boto3
        .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/cli/a_deployment.py"))
        .arg(url)
        .env_remove("AWS_CA_BUNDLE");
    let ended = Ended::of(boto3).await.expect(0);
    assert_eq!(ended.stdout.lines().last(), Some("ok"), "{ended:?}");
    sim.signal("TERM");
    sim.end().await.expect(0);
}

#[tokio::test(flavor = "multi_thread")]
async fn with_hosts_it_says_on_which_port_they_listen() {
    let folder = tempfile::tempdir().unwrap();
    let (mut sim, _) = serve(&["--hosts", "sshd"], folder.path()).await;
    let line = sim.line(|_| true).await;
    let port = line.strip_prefix("instances take SSH on port ").expect("the second line says which");
    assert_ne!(port.parse::<u16>().unwrap(), 0);
    sim.signal("TERM");
    sim.end().await.expect(0);
}

/// The text of the first element of this name in the reply to a GET.
async fn ask(url: &str, query: &str, element: &str) -> String {
    let mut stream = TcpStream::connect(url.strip_prefix("http://").unwrap()).await.unwrap();
    let request = format!(
        "GET /?Version=2016-11-15&{query} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nAuthorization: AWS4-HMAC-SHA256 \
         Credential=AKIATEST/20260101/us-east-1/ec2/aws4_request, Signature=0\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut reply = String::new();
    stream.read_to_string(&mut reply).await.unwrap();
    let found = reply.split(&format!("<{element}>")).nth(1).unwrap_or_else(|| panic!("{query}: {reply}"));
    found.split('<').next().unwrap().to_owned()
}

/// All that a process has started, on the way or itself.
fn descendants(pid: u32) -> BTreeSet<u32> {
    let tasks = fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten().flatten();
    let children = tasks.map(|task| fs::read_to_string(task.path().join("children")).unwrap_or_default());
    let children: String = children.collect::<Vec<_>>().join(" ");
    let children = children.split_whitespace().filter_map(|pid| pid.parse().ok());
    children.flat_map(|child| descendants(child).into_iter().chain([child])).collect()
}

/// A process's name, and its number in the namespace it lives in, where that is another than ours.
fn inside(pid: u32) -> Option<(String, u32)> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let field = |name: &str| Some(status.lines().find_map(|line| line.strip_prefix(name))?.trim().to_owned());
    let numbers = field("NSpid:")?;
    let numbers = numbers.split_whitespace().skip(1);
    Some((field("Name:")?, numbers.last()?.parse().ok()?))
}

async fn until(what: &str, mut is: impl FnMut() -> bool) {
    let reached = async {
        while !is() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    assert!(tokio::time::timeout(2 * PATIENCE, reached).await.is_ok(), "never: {what}");
}

/// Two hosts, in one of which root has killed all that could be killed; then the simulation is killed.
async fn killed_it_leaves_nothing(hosts: &str) {
    let folder = tempfile::tempdir().unwrap();
    let (mut sim, url) = serve(&["--hosts", hosts, "--time-scale", "100"], folder.path()).await;
    sim.line(|_| true).await;
    let images =
        "Action=DescribeImages&Owner.1=136693071363&Filter.1.Name=architecture&Filter.1.Value.1=x86_64";
    let image = ask(&url, images, "imageId").await;
    let run = format!("Action=RunInstances&ImageId={image}&InstanceType=t3.micro&MinCount=2&MaxCount=2");
    ask(&url, &run, "privateIpAddress").await;
    let pid = sim.child.id().unwrap();
    let servers =
        || descendants(pid).into_iter().filter(|pid| inside(*pid).is_some_and(|(name, _)| name == "sshd"));
    until("two hosts are up", || servers().count() >= 2).await;
    let is_first = |pid: &u32| inside(*pid).is_some_and(|(name, number)| number == 1 && name != "dnsmasq");
    let first = descendants(pid).into_iter().find(is_first).expect("a host's first process");
    let kill = ["-t", &first.to_string(), "--pid", "--mount", "sh", "-c", "kill -KILL -1"];
    // It may end itself, too.
    let _ = Command::new("nsenter").args(kill).status().await.unwrap();

    let all = descendants(pid);
    assert!(all.len() >= 3, "{all:?}");
    sim.signal("KILL");
    let lives =
        |pid: &u32| fs::read_to_string(format!("/proc/{pid}/stat")).is_ok_and(|stat| !stat.contains(") Z "));
    until("all its processes have ended", || !all.iter().any(lives)).await;
    let mine = format!("ec2-stories-{pid}-");
    let left = || {
        let names = fs::read_dir("/run/netns").into_iter().flatten().flatten();
        names.filter(|entry| entry.file_name().to_string_lossy().starts_with(&mine)).count()
    };
    until("its networks are gone", || left() == 0).await;
    let mounts = fs::read_to_string("/proc/self/mountinfo").unwrap();
    let groups = mounts
        .lines()
        .filter(|mount| mount.contains(" - cgroup2 "))
        .filter_map(|mount| mount.split(' ').nth(4));
    let groups: Vec<PathBuf> = groups.map(PathBuf::from).collect();
    let left = || {
        let names = groups.iter().filter_map(|place| fs::read_dir(place).ok()).flatten().flatten();
        names.filter(|entry| entry.file_name().to_string_lossy().starts_with(&mine)).count()
    };
    until("its control groups are gone", || left() == 0).await;
    let mounts = fs::read_to_string("/proc/self/mountinfo").unwrap();
    assert!(!mounts.contains(&mine) && !mounts.contains(&format!("ec2-stories-hosts-{pid}-")), "{mounts}");
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_it_takes_its_hosts_along_whatever_their_root_did() {
    killed_it_leaves_nothing("sshd").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_it_takes_its_networks_along_too() {
    killed_it_leaves_nothing("namespace").await;
}
