//! Hosts with a network and a root file system of their own.
//!
//! One is a tree of processes in namespaces, in which `boot.sh` puts an overlay over a Debian, changes into it, runs the
//! distribution's cloud-init, and starts `sshd`. What it asks of 169.254.169.254, and of the Debian mirror, this program
//! answers through sockets that it opened inside of the host's network.

mod mirror;
mod netns;
mod root;
mod vpc;

use std::fs;
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use ec2_stories_core::{Error, ErrorKind, Result};
use ipnet::Ipv4Net;
use nix::unistd::geteuid;
use tokio::task::JoinSet;

use super::backend::{Backend, Guest, Machine};
use super::console::Console;
use super::lifeline;
use vpc::Network;

pub use vpc::Vpc;

const BOOT: &str = include_str!("boot.sh");
const POWER: &[u8] = include_bytes!("../power.sh");
const SSH: u16 = 22;
const LISTENING: &str = "Server listening on 0.0.0.0 port 22.";
/// EC2's address for metadata.
const METADATA: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::new(169, 254, 169, 254)), 80);
/// Where the root file system's apt looks for a proxy.
const MIRROR: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 3142);
/// Twenty at once, on two processors, take half a minute.
const PATIENCE: Duration = Duration::from_secs(180);
/// The first block is 10.77.0.0/16; one for each region that is used.
const FIRST_BLOCK: u8 = 77;
const PROGRAMS: [(&str, &str); 6] = [
    ("ip", "iproute2"),
    ("unshare", "util-linux"),
    ("nsenter", "util-linux"),
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
        netns::sweep();
        let mirror = mirror::of_this_machine();
        let root = root::prepare(&mirror).await?;
        let network = Network::create().map_err(|error| {
            Error::new(ErrorKind::Failed, "the hosts' network cannot be made").because(error)
        })?;
        Ok(Self { network, root, mirror, blocks: AtomicU8::new(FIRST_BLOCK) })
    }

    fn lay_out(guest: &Guest) -> io::Result<()> {
        for name in ["upper/usr/local/sbin", "work", "root", "run/ec2-stories", "identity"] {
            fs::create_dir_all(guest.folder.join(name))?;
        }
        for name in ["poweroff", "halt", "reboot", "shutdown"] {
            let file = guest.folder.join("upper/usr/local/sbin").join(name);
            fs::write(&file, POWER)?;
            fs::set_permissions(&file, fs::Permissions::from_mode(0o755))?;
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

    async fn boot(&self, guest: &Guest) -> Result<Machine, String> {
        if guest.address.octets()[0] != 10 {
            return Err(format!("{} is not in 10.0.0.0/8, where namespace hosts are", guest.address));
        }
        let run = guest.folder.join("run");
        match fs::remove_dir_all(&run) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(format!("/run: {error}")),
            _ => {}
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
        let console = Console::open(guest)?;
        let mut first = lifeline::program("nsenter");
        first
            .arg(format!("--net={}", own.path().display()))
            .args([
                "unshare",
                "--mount",
                "--pid",
                "--uts",
                "--ipc",
                "--fork",
                "--kill-child",
                "sh",
                "-c",
                BOOT,
            ])
            .env_clear()
            .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")
            .env("NAME", &guest.hostname)
            .env("ADDRESS", guest.address.to_string())
            .env("ROOT", &self.root)
            .current_dir(&guest.folder);
        console.boot(first, servers, Box::new(own), LISTENING, PATIENCE).await
    }
}
