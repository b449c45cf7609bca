//! Hosts with a network and a root file system of their own.
//!
//! One is a tree of processes in namespaces, in which `boot.sh` puts an overlay over a Debian, changes into it, and becomes the
//! distribution's init, systemd, which runs cloud-init and starts `sshd`. What it asks of 169.254.169.254, and of the Debian
//! mirror, this program answers through sockets that it opened inside of the host's network.

mod cgroup;
mod mirror;
mod netns;
mod root;
mod vpc;

use std::fs;
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use ec2_stories_core::{Error, ErrorKind, Result};
use ipnet::Ipv4Net;
use nix::unistd::geteuid;
use tokio::task::JoinSet;

use super::backend::{Backend, Ended, Guest, Machine};
use super::console::{Console, Up};
use super::lifeline;
use cgroup::Cgroup;
use vpc::Network;

pub use vpc::Vpc;

const BOOT: &str = include_str!("boot.sh");
/// Goes into a control group and becomes a program: the group, the program and its arguments.
const JOIN: &str = r#"echo $$ >"$1" && shift && exec "$@""#;
const SSH: u16 = 22;
/// EC2's address for metadata.
const METADATA: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::new(169, 254, 169, 254)), 80);
/// Where the root file system's apt looks for a proxy.
const MIRROR: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 3142);
/// Sixteen at once, on two processors, take one minute.
const PATIENCE: Duration = Duration::from_secs(180);
/// The first block is 10.77.0.0/16; one for each region that is used.
const FIRST_BLOCK: u8 = 77;
const PROGRAMS: [(&str, &str); 7] = [
    ("ip", "iproute2"),
    ("unshare", "util-linux"),
    ("nsenter", "util-linux"),
    ("setpriv", "util-linux"),
    ("mmdebstrap", "mmdebstrap"),
    ("dnsmasq", "dnsmasq-base"),
    ("pivot_root", "util-linux"),
];
const PLACES: [&str; 6] = ["/usr/sbin", "/usr/bin", "/sbin", "/bin", "/usr/local/sbin", "/usr/local/bin"];

#[derive(Debug)]
pub(super) struct Namespaces {
    network: Network,
    root: PathBuf,
    mirror: String,
    cgroups: PathBuf,
    blocks: AtomicU8,
}

impl Namespaces {
    pub(super) async fn new() -> Result<Self> {
        let unsupported = |message: String| Error::new(ErrorKind::Unsupported, message);
        if !cfg!(target_os = "linux") || !geteuid().is_root() {
            return Err(unsupported("namespace hosts need root on Linux; sshd hosts do not".to_owned()));
        }
        let there = |name: &str| PLACES.iter().any(|place| Path::new(place).join(name).is_file());
        let missing: Vec<_> = PROGRAMS.iter().filter(|(name, _)| !there(name)).collect();
        if let Some((name, package)) = missing.first() {
            return Err(unsupported(format!("namespace hosts need {name}: install it (Debian: {package})")));
        }
        let cgroups = cgroup::place().ok_or_else(|| {
            unsupported("namespace hosts run systemd, which needs a cgroup2 that can be written to; sshd hosts do not".to_owned())
        })?;
        netns::sweep();
        cgroup::sweep(&cgroups);
        let mirror = mirror::of_this_machine();
        let root = root::prepare(&mirror).await?;
        let network = Network::create(&cgroups).map_err(|error| {
            Error::new(ErrorKind::Failed, "the hosts' network cannot be made").because(error)
        })?;
        Ok(Self { network, root, mirror, cgroups, blocks: AtomicU8::new(FIRST_BLOCK) })
    }

    fn lay_out(guest: &Guest) -> io::Result<()> {
        for name in ["upper", "work", "root", "identity"] {
            fs::create_dir_all(guest.folder.join(name))?;
        }
        // Source: EC2 user guide, "Identify EC2 instances": the UUID begins with `ec2`.
        let digits = guest.id.rsplit('-').next().unwrap_or_default();
        let uuid = format!("ec200000-0000-0000-0000-{digits:0>12.12}");
        let identity = guest.folder.join("identity");
        fs::create_dir_all(identity.join("hypervisor"))?;
        fs::create_dir_all(identity.join("devices/virtual/dmi/id"))?;
        fs::write(identity.join("hypervisor/uuid"), format!("{uuid}\n"))?;
        for (name, value) in
            [("product_uuid", &*uuid), ("product_serial", &*uuid), ("sys_vendor", "Amazon EC2")]
        {
            fs::write(identity.join("devices/virtual/dmi/id").join(name), format!("{value}\n"))?;
        }
        Ok(())
    }
}

#[async_trait]
impl Backend for Namespaces {
    fn network(&self) -> Option<Ipv4Net> {
        let next = |block: u8| block.checked_add(1);
        let block = self.blocks.fetch_update(Ordering::Relaxed, Ordering::Relaxed, next).ok()?;
        Ipv4Net::new(Ipv4Addr::new(10, block, 0, 0), 16).ok()
    }

    fn ssh_port(&self) -> u16 {
        SSH
    }

    fn vpc(&self) -> Option<Vpc> {
        Some(self.network.vpc())
    }

    async fn boot(&self, guest: &Guest) -> Result<Machine, Ended> {
        if guest.address.octets()[0] != 10 {
            let why = format!("{} is not in 10.0.0.0/8, where namespace hosts are", guest.address);
            return Err(Ended::Died(why));
        }
        Self::lay_out(guest).map_err(|error| format!("{}: {error}", guest.folder.display()))?;
        let own = self.network.attach(guest).map_err(|error| error.to_string())?;
        let mut servers = JoinSet::new();
        let socket = |address| {
            let own = &own;
            async move { own.listen(address).await.map_err(|error| format!("{address}: {error}")) }
        };
        servers.spawn(mirror::serve(socket(MIRROR).await?, self.mirror.clone()));
        if let Some(sim) = guest.sim.upgrade() {
            servers.spawn(sim.metadata(&guest.id).serve(socket(METADATA).await?));
        }
        let group = Cgroup::create(&self.cgroups, own.name())
            .map_err(|error| format!("its control group: {error}"))?;
        let console = Console::open(guest)?.terminal(&mut servers)?;
        let mut first = lifeline::program("sh");
        first
            .args(["-c", JOIN, "sh"])
            .arg(group.members())
            .arg("nsenter")
            .arg(format!("--net={}", own.path().display()))
            .args(["unshare", "--mount", "--pid", "--uts", "--ipc", "--cgroup", "--fork", "--kill-child"])
            .args(["sh", "-c", BOOT])
            .env_clear()
            .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")
            .env("NAME", &guest.hostname)
            .env("ADDRESS", guest.address.to_string())
            .env("ROOT", &self.root)
            .current_dir(&guest.folder);
        console
            .boot(first, servers, Box::new((group, own)), Up::Listens(SSH), PATIENCE)
            .await
            .map_err(explained)
    }
}

/// What systemd cannot know: which limit of the machine it has met.
fn explained(ended: Ended) -> Ended {
    match ended {
        Ended::Died(why) if why.contains("Too many open files") => Ended::Died(format!(
            "{why}: each host takes some seven inotify instances of root's: raise fs.inotify.max_user_instances"
        )),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_of_the_machine_is_named() {
        let why = "it did not boot: Failed to allocate manager object: Too many open files".to_owned();
        let Ended::Died(why) = explained(Ended::Died(why)) else { panic!("it died") };
        assert!(why.ends_with("raise fs.inotify.max_user_instances"), "{why}");
        assert_eq!(explained(Ended::Rebooted), Ended::Rebooted);
    }
}
