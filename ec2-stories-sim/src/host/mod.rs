//! Hosts: machines behind simulated instances.
//!
//! A supervisor follows the instances' states. It boots a host for each that runs, ends it with the instance, and boots it
//! again, with the same files, after a stop or a reboot. A host that dies by itself fails the instance's status checks.

mod backend;
mod block;
mod console;
mod folder;
mod hooks;
mod keeper;
mod lifeline;
mod namespace;
mod real_time;
mod slot;
mod sshd;
mod supervisor;
mod terminal;
mod user_data;

use std::fmt;
use std::sync::Arc;

use ec2_stories_core::Result;
use ipnet::Ipv4Net;

use crate::sim::Sim;
use backend::Backend;

pub use namespace::Vpc;
pub use slot::{HostState, HostView};
pub use sshd::SshdOptions;

pub(crate) use slot::Slot;
pub(crate) use supervisor::Supervision;

/// What stands behind the running instances of one simulation.
///
/// Hosts live in real time: they cannot be had under tokio's paused clock. They end with the last handle to their
/// simulation, or with the process, whatever ends that.
///
/// ```no_run
/// use ec2_stories_sim::{Hosts, Latencies, Sim, SshdOptions};
///
/// # fn main() -> ec2_stories_core::Result<()> {
/// let hosts = Hosts::sshd(SshdOptions::default())?;
/// let sim = Sim::builder().hosts(hosts).latency(Latencies::none()).build();
/// // Whatever DescribeInstances shows can be reached: `ssh -p PORT admin@ADDRESS`.
/// println!("every instance listens on port {}", sim.ssh_port());
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Default)]
pub struct Hosts(Option<Arc<dyn Backend>>);

impl Hosts {
    /// Nothing: an instance is a record.
    #[must_use]
    pub fn none() -> Self {
        Self(None)
    }

    /// A real OpenSSH server for each instance, on a loopback address of its own, with its own host key, homes, `/etc`,
    /// `/run`, `/opt`, `/srv` and processes. `/usr` and `/var` are this machine's, and cannot be written to;
    /// `/tmp` is this machine's, too.
    ///
    /// - The key pair's public key lets in `admin`, `ubuntu`, `ec2-user` and users that the cloud-config adds. As root each
    ///   has a uid of its own and root can log in too; as any other user all of them are one and the same.
    /// - First boot runs user data: scripts, and of cloud-config `ssh_keys`, `users`, `ssh_authorized_keys`, `write_files`,
    ///   `bootcmd` and `runcmd`. The console names what else there was. `cloud-init status --wait` waits for all of it.
    /// - Programs find the instance's metadata at `AWS_EC2_METADATA_SERVICE_ENDPOINT`, which SDKs read.
    /// - `sudo` works, and `reboot` and `poweroff` do what they do to an instance.
    /// - Logins come from 127.0.0.1.
    ///
    /// # Errors
    /// `Unsupported`: no `sshd`, not Linux, no right to make namespaces, time is paused, or there is no tokio runtime; the
    /// message says which, and what to do.
    pub fn sshd(options: SshdOptions) -> Result<Self> {
        real_time::check()?;
        Ok(Self(Some(Arc::new(sshd::Sshd::new(options)?))))
    }

    /// A machine for each instance, as far as a kernel can be shared: its own network, root file system (Debian 12), metadata
    /// service at 169.254.169.254 and processes, and the distribution's own init and cloud-init, which runs the user data.
    ///
    /// - Needs root on Linux, a cgroup2 that can be written to, `ip`, `mmdebstrap` and `dnsmasq`. The root file system is
    ///   made once, which takes a minute or two, and kept in the user's cache.
    /// - Addresses are in 10.0.0.0/8 of a network that is not this machine's: [`Sim::vpc`] connects to them.
    /// - The kernel is this machine's, and root in a host has many of its rights: boot what you trust. Each host takes some
    ///   seven inotify instances of root's, so about 18 fit into a kernel's default (`fs.inotify.max_user_instances`, 128).
    /// - `apt-get` reaches the Debian mirror that this machine's own apt has, and nothing else reaches anything.
    /// - The user is `admin`, SSH is on port 22, and systemd runs services. `reboot` and `poweroff` do what they do to an
    ///   instance; a stop, a reboot or the end of an instance shuts its system down, and pulls the plug after half a minute.
    ///
    /// # Errors
    /// `Unsupported`: not root, no cgroup2, a program is missing, time is paused, or there is no tokio runtime; `Failed` or
    /// `Io`: the root file system or the network cannot be made.
    pub async fn namespace() -> Result<Self> {
        real_time::check()?;
        Ok(Self(Some(Arc::new(namespace::Namespaces::new().await?))))
    }

    pub(crate) fn vpc(&self) -> Option<Vpc> {
        self.0.as_ref()?.vpc()
    }

    /// A block of addresses for the default VPC of one more region; nothing without hosts, or when none is free.
    pub(crate) fn network(&self) -> Option<Ipv4Net> {
        let backend = self.0.as_ref()?;
        let network = backend.network();
        if network.is_none() {
            tracing::error!(hosts = ?backend, "no block of addresses is free: instances of this region have no hosts");
        }
        network
    }

    pub(crate) fn ssh_port(&self) -> Option<u16> {
        self.0.as_ref().map(|backend| backend.ssh_port())
    }

    pub(crate) fn follow(self, sim: &Sim) -> Option<Supervision> {
        self.0.map(|backend| Supervision::of(sim, backend))
    }
}

impl fmt::Debug for Hosts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            None => f.write_str("Hosts::none()"),
            Some(backend) => backend.fmt(f),
        }
    }
}
