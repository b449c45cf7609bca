//! The network that instances are in: a namespace with a bridge and no way out.

use std::io;
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use tokio::process::{Child, Command};

use super::netns::{self, Netns, inside};
use crate::host::backend::Guest;
use crate::host::folder::Folder;
use crate::host::lifeline;

const JANITOR: &str = include_str!("janitor.sh");
const BRIDGE: &str = "vpc0";
/// All blocks of instances are in 10.0.0.0/8; this address is in none of them.
const GATEWAY: &str = "10.0.0.1";

/// The network of a simulation's instances, from inside of which they can be reached: [`Sim::vpc`](crate::Sim::vpc).
///
/// Nothing of it shows outside: this process enters it on threads of their own.
#[derive(Clone, Debug)]
pub struct Vpc {
    network: PathBuf,
}

impl Vpc {
    /// The network namespace, for programs that enter it by themselves, as in `nsenter --net=PATH ssh admin@10.77.0.4`.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.network
    }

    /// Opens a connection from inside.
    ///
    /// # Errors
    /// As of any connection.
    pub async fn connect(&self, to: SocketAddr, patience: Duration) -> io::Result<tokio::net::TcpStream> {
        let stream = self.run(move || TcpStream::connect_timeout(&to, patience)).await?;
        stream.set_nonblocking(true)?;
        tokio::net::TcpStream::from_std(stream)
    }

    /// Opens a socket inside, for instances or for programs that entered.
    ///
    /// # Errors
    /// The address cannot be bound.
    pub async fn listen(&self, address: SocketAddr) -> io::Result<tokio::net::TcpListener> {
        netns::listen(self.network.clone(), address).await
    }

    /// Runs something that blocks, inside, on a thread of its own: sockets that it opens and programs that it starts are
    /// inside too.
    ///
    /// # Errors
    /// Those of `act`; or the network is gone, with its simulation.
    pub async fn run<T: Send + 'static>(
        &self,
        act: impl FnOnce() -> io::Result<T> + Send + 'static,
    ) -> io::Result<T> {
        inside(self.network.clone(), act).await
    }
}

#[derive(Debug)]
pub(super) struct Network {
    /// Gives addresses to whoever asks, as the machine images do at boot.
    _dnsmasq: Child,
    leases: Folder,
    namespace: Arc<Netns>,
    /// What the names of its namespaces begin with.
    group: String,
    /// Clears up what is left once the last of this is gone, with this program or before.
    _janitor: Child,
}

impl Network {
    /// Whose hosts have their control groups in this folder.
    pub(super) fn create(cgroups: &Path) -> io::Result<Self> {
        let group = netns::group();
        // Not killed on drop, and not by ctrl-C: its end comes with its standard input's.
        let mut janitor = Command::new("sh");
        janitor.args(["-c", JANITOR, "sh", &group]).arg(cgroups).process_group(0).stdin(Stdio::piped());
        let janitor = janitor.stdout(Stdio::null()).stderr(Stdio::null()).spawn()?;
        let namespace = Netns::create(&group)?;
        namespace.ip(&["link", "set", "lo", "up"])?;
        namespace.ip(&["link", "add", BRIDGE, "type", "bridge"])?;
        namespace.ip(&["address", "add", &format!("{GATEWAY}/8"), "dev", BRIDGE])?;
        namespace.ip(&["link", "set", BRIDGE, "up"])?;
        let leases = Folder::create()?;
        let mut dnsmasq = lifeline::program("nsenter");
        dnsmasq
            .arg(format!("--net={}", namespace.path().display()))
            .args(["unshare", "--pid", "--fork", "--kill-child", "dnsmasq"])
            .args(["--keep-in-foreground", "--conf-file=/dev/null", "--pid-file=", "--user=root", "--port=0"])
            .args([
                "--bind-interfaces",
                "--no-ping",
                "--dhcp-authoritative",
                "--leasefile-ro",
                "--log-facility=-",
            ])
            .arg(format!("--interface={BRIDGE}"))
            .arg("--dhcp-range=10.0.0.0,static,255.0.0.0,1h")
            .arg(format!("--dhcp-hostsdir={}", leases.path().display()))
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        // Not killed when dropped: its lifeline, cut then, ends dnsmasq before what watches over it.
        let namespace = Arc::new(namespace);
        Ok(Self { _dnsmasq: dnsmasq.spawn()?, leases, namespace, group, _janitor: janitor })
    }

    pub(super) fn vpc(&self) -> Vpc {
        Vpc { network: self.namespace.path() }
    }

    /// A namespace for a guest, wired to the bridge.
    pub(super) fn attach(&self, guest: &Guest) -> io::Result<Netns> {
        let own = Netns::create(&self.group)?;
        // Interface names have 15 characters at most; the address is unique here.
        let [_, b, c, d] = guest.address.octets();
        let port = format!("i{b:02x}{c:02x}{d:02x}");
        std::fs::write(self.leases.path().join(&port), format!("{},{}\n", guest.mac, guest.address))?;
        // The bridge's end of an earlier boot goes with that boot's namespace, a moment later.
        let _ = self.namespace.ip(&["link", "delete", &port]);
        let peer = ["peer", "name", "eth0", "address", &guest.mac, "netns", own.name()];
        self.namespace.ip(&[&["link", "add", &port, "type", "veth"], &peer[..]].concat())?;
        self.namespace.ip(&["link", "set", &port, "master", BRIDGE, "up"])?;
        own.ip(&["link", "set", "lo", "up"])?;
        own.ip(&["address", "add", "169.254.169.254/32", "dev", "lo"])?;
        own.ip(&["address", "add", &format!("{}/8", guest.address), "dev", "eth0"])?;
        own.ip(&["link", "set", "eth0", "up"])?;
        own.ip(&["route", "add", "default", "via", GATEWAY])?;
        Ok(own)
    }
}
