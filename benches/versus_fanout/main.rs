//! One command on many hosts, and one folder to all of them: beside Ansible, parallel-ssh and Fabric, in one run.
//!
//! The hosts are OpenSSH servers on loopback addresses, which let root in: the benchmark runs as root, as in CI.
//! `FANOUT_HOSTS` is how many (100), `FANOUT_FILES` how many files of 40 KiB the folder has (512).
//! Our host keys are verified, and so are Ansible's; the other two accept any.
#![allow(clippy::print_stdout)] // A benchmark's result is what it prints.

mod hosts;

use std::error::Error;
use std::fs;
use std::path::Path;
use std::process::Command as Process;

use ec2_stories_benches::{Bench, Peers, Row};
use ec2_stories_ssh::{Command, FanOut, HostKeys, Identity, Ssh, Target, Tree};
use hosts::{Hosts, succeed};
use tokio::time::Instant;

/// What stays under way at once, for all of them.
const AT_ONCE: usize = 32;
const FILE: usize = 40 * 1024;
const SECONDS: f64 = 0.01;
const PEERS: [(&str, &str); 3] = [
    ("parallel-ssh 2.16.0", "fanout_pssh.py"),
    ("Fabric 3.2.3", "fanout_fabric.py"),
    ("ansible-core 2.19.14", "fanout_ansible.py"),
];

struct Cost {
    wall: f64,
    cpu: f64,
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let peers =
        Peers::install(&["-r", concat!(env!("CARGO_MANIFEST_DIR"), "/peers/fanout_requirements.txt")])?;
    let hosts = Hosts::start(setting("FANOUT_HOSTS", 100)?).await?;
    let files = usize::from(setting::<u16>("FANOUT_FILES", 512)?);
    let folder = hosts.folder.path();
    let tree = folder.join("tree");
    plant(&tree, files)?;
    succeed(Process::new("tar").arg("-cf").arg(folder.join("tree.tar")).arg("-C").arg(&tree).arg("."))?;

    let all = hosts.addresses.len();
    let names = hosts.addresses.iter().map(ToString::to_string).collect::<Vec<_>>().join(",");
    let mut bench = Bench::new("versus_fanout");
    for job in ["run", "copy"] {
        let case = match job {
            "run" => format!("{all} hosts, a command"),
            _ => format!("{all} hosts, {files} files"),
        };
        let ours = async || if job == "run" { run(&hosts).await } else { copy(&hosts, &tree).await };
        let ours = measure(&case, "ours", all, ours).await?;
        finish(&hosts, job, files)?;
        for (name, script) in PEERS {
            let arguments =
                [text(folder), hosts.port.to_string(), names.clone(), job.to_owned(), text(&tree)];
            let theirs = async || Ok(peers.script(script, &arguments)?.trim().parse()?);
            let theirs = measure(&case, name, all, theirs).await?;
            finish(&hosts, job, files)?;
            bench.push(Row::less_is_better(&case, "seconds", ours.wall, name, theirs.wall, SECONDS));
            bench.push(Row::less_is_better(&case, "seconds of CPU", ours.cpu, name, theirs.cpu, SECONDS));
        }
    }
    bench.print();
    Ok(())
}

fn setting<T: std::str::FromStr>(name: &str, default: T) -> Result<T, T::Err> {
    std::env::var(name).map_or(Ok(default), |value| value.parse())
}

fn text(path: &Path) -> String {
    path.display().to_string()
}

/// Half of each file is noise and half of it is text, as in what people deploy.
fn plant(tree: &Path, files: usize) -> std::io::Result<()> {
    let mut state = 7_u64;
    for file in 0..files {
        let folder = tree.join(format!("{:02}", file % 16));
        fs::create_dir_all(&folder)?;
        let mut content = b"a line of what people deploy\n".repeat(FILE / 58);
        content.resize_with(FILE, || {
            // Knuth's MMIX generator: the same noise in every run.
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 56) as u8
        });
        fs::write(folder.join(format!("file-{file}")), content)?;
    }
    Ok(())
}

fn finish(hosts: &Hosts, job: &str, files: usize) -> Result<(), Box<dyn Error>> {
    if job == "copy" {
        hosts.check(files)?;
        hosts.clean()?;
    }
    Ok(())
}

async fn measure(
    case: &str,
    name: &str,
    hosts: usize,
    job: impl AsyncFnOnce() -> Result<usize, Box<dyn Error>>,
) -> Result<Cost, Box<dyn Error>> {
    let (began, before) = (Instant::now(), cpu()?);
    let good = job().await?;
    if good != hosts {
        return Err(format!("{name} succeeded on {good} of {hosts} hosts").into());
    }
    let cost = Cost { wall: began.elapsed().as_secs_f64(), cpu: cpu()? - before };
    println!("{case}, {name}: {:.2} s, {:.2} s CPU", cost.wall, cost.cpu);
    Ok(cost)
}

/// Seconds that this process and those that it waited for have computed: fields 14 to 17 of `/proc/self/stat`, in hundredths.
fn cpu() -> Result<f64, Box<dyn Error>> {
    let stat = fs::read_to_string("/proc/self/stat")?;
    let fields = stat.rsplit(") ").next().unwrap_or_default().split_whitespace().skip(11).take(4);
    let ticks: Vec<f64> = fields.map(str::parse).collect::<Result<_, _>>()?;
    Ok(ticks.iter().sum::<f64>() / 100.0)
}

fn ssh(hosts: &Hosts) -> Result<Ssh, Box<dyn Error>> {
    let folder = hosts.folder.path();
    let keys = HostKeys::known_hosts(folder.join("known_hosts"));
    Ok(Ssh::builder()
        .user("root")
        .identity(Identity::key_file(folder.join("client")))
        .host_keys(keys)
        .build()?)
}

async fn run(hosts: &Hosts) -> Result<usize, Box<dyn Error>> {
    let (ssh, command) = (&ssh(hosts)?, &Command::shell("echo $((40 + 2))"));
    let job = |address: std::net::Ipv4Addr| async move {
        let session = ssh.connect(&Target::new(address.to_string(), hosts.port)).await?;
        let said = session.exec(command).await?.stdout.text();
        session.close().await;
        Ok(said == "42\n")
    };
    let all = FanOut::at_once(AT_ONCE).run(hosts.addresses.clone(), job).await;
    Ok(all.at_least(hosts.addresses.len())?.into_iter().filter(|(_, good)| *good).count())
}

async fn copy(hosts: &Hosts, tree: &Path) -> Result<usize, Box<dyn Error>> {
    let (ssh, tree, folder) = (&ssh(hosts)?, &Tree::read(tree).await?, hosts.folder.path());
    let job = |address: std::net::Ipv4Addr| async move {
        let session = ssh.connect(&Target::new(address.to_string(), hosts.port)).await?;
        let sent = tree.send(&session, &format!("{}/copies/{address}", folder.display())).await;
        session.close().await;
        sent
    };
    let all = FanOut::at_once(AT_ONCE).run(hosts.addresses.clone(), job).await;
    Ok(all.at_least(hosts.addresses.len())?.len())
}
