//! What a test sees of hosts and does to them.

use std::net::Ipv4Addr;
use std::time::Duration;

use ec2_stories_core::{Error, ErrorKind, Result};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::namespace::Vpc;
use super::slot::{HostState, HostView};
use crate::sim::Sim;

/// Where SSH is without hosts, and on EC2.
const SSH: u16 = 22;
/// Hosts take tens of milliseconds to seconds.
const LOOK_AGAIN: Duration = Duration::from_millis(10);

impl Sim {
    /// The port on which every instance takes SSH connections.
    #[must_use]
    pub fn ssh_port(&self) -> u16 {
        self.world().hosts.ssh_port().unwrap_or(SSH)
    }

    /// The network of namespace hosts, from which alone they can be reached; nothing with other hosts or none.
    #[must_use]
    pub fn vpc(&self) -> Option<Vpc> {
        self.world().hosts.vpc()
    }

    /// The host behind an instance; nothing if there is no such instance, or the simulation has no hosts.
    #[must_use]
    pub fn host(&self, id: &str) -> Option<HostView> {
        let now = self.now();
        let mut world = self.world();
        let mut hosts = world.clouds(now).filter_map(|(_, cloud)| cloud.instances.get(id)?.host.clone());
        hosts.next().map(|slot| slot.view())
    }

    /// Waits until an instance's host takes connections, and gives its address. For tests that have nothing better to
    /// wait with; a time-out is the caller's.
    ///
    /// # Errors
    /// `NotFound`: there is no host; `Failed`: it is dead, the message says why.
    pub async fn host_up(&self, id: &str) -> Result<Ipv4Addr> {
        loop {
            let host = self.host(id).ok_or_else(|| {
                Error::new(ErrorKind::NotFound, "no host stands behind this instance").on(id)
            })?;
            match host.state {
                HostState::Dead => return Err(Error::new(ErrorKind::Failed, host.why).on(id)),
                HostState::Up => {
                    let address = self.instance(id).and_then(|instance| instance.private_ip);
                    return address.ok_or_else(|| Error::new(ErrorKind::NotFound, "it has ended").on(id));
                }
                HostState::Off | HostState::Booting => tokio::time::sleep(LOOK_AGAIN).await,
            }
        }
    }

    /// Kills a host, as a crash of its kernel does: the instance still runs, and fails its status checks. A reboot of the
    /// instance brings the host back. False if there is no host that is up.
    pub fn crash_host(&self, id: &str) -> bool {
        let pid = self.host(id).and_then(|host| i32::try_from(host.pid?).ok());
        pid.is_some_and(|pid| kill(Pid::from_raw(pid), Signal::SIGKILL).is_ok())
    }
}
