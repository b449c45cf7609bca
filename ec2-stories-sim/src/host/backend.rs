//! What a kind of host has to do.

use std::any::Any;
use std::fmt;
use std::fs;
use std::net::Ipv4Addr;
use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::process::ExitStatus;
use std::time::Duration;

use async_trait::async_trait;
use ipnet::Ipv4Net;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tokio::process::Child;
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::namespace::Vpc;
use crate::sim::WeakSim;

/// A kind of host.
#[async_trait]
pub(crate) trait Backend: fmt::Debug + Send + Sync {
    /// A block of addresses for one more region; nothing when none is left.
    fn network(&self) -> Option<Ipv4Net>;

    /// The port on which every host takes SSH connections.
    fn ssh_port(&self) -> u16;

    /// Boots a host and returns when it takes connections. Dropping the future, or the machine, ends it.
    ///
    /// # Errors
    /// How it ended before that; why it does not come up is for a reader.
    async fn boot(&self, guest: &Guest) -> Result<Machine, Ended>;

    /// Where clients have to be to reach hosts, if that is not here.
    fn vpc(&self) -> Option<Vpc> {
        None
    }
}

/// What a host has to know about its instance.
pub(crate) struct Guest {
    pub(crate) id: String,
    pub(crate) address: Ipv4Addr,
    pub(crate) mac: String,
    /// As in `ip-127-64-0-4`.
    pub(crate) hostname: String,
    /// The key pair's public half.
    pub(crate) public_key: Option<String>,
    pub(crate) user_data: Vec<u8>,
    /// What is its own on disk; it outlives stops.
    pub(crate) folder: PathBuf,
    /// The simulation, for the metadata service.
    pub(crate) sim: WeakSim,
}

impl Guest {
    pub(crate) fn console(&self) -> PathBuf {
        self.folder.join("console")
    }
}

/// How long a system may take to shut down. Amazon's waits for minutes; a test does not.
const SHUTDOWN: Duration = Duration::from_secs(30);

/// A host that runs.
pub(crate) struct Machine {
    /// The process with which all others of the host end.
    pub(crate) child: Child,
    /// Whether that one's child is a system's init, which can be told to shut it down.
    pub(crate) init: bool,
    /// Where a host that has no init of its own writes what it wants to become of it: `poweroff` or `reboot`.
    pub(crate) wish: PathBuf,
    /// What answers the host, such as its metadata service.
    pub(crate) servers: JoinSet<()>,
    /// What lives as long as the host.
    pub(crate) held: Box<dyn Any + Send>,
}

/// How a host ended by itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Ended {
    PoweredOff,
    Rebooted,
    Died(String),
}

impl From<String> for Ended {
    fn from(why: String) -> Self {
        Self::Died(why)
    }
}

impl Machine {
    pub(crate) fn pid(&self) -> Option<u32> {
        self.child.id()
    }

    /// Waits for the end.
    pub(crate) async fn ended(&mut self) -> Ended {
        match self.child.wait().await {
            Ok(status) => ended(status, &fs::read_to_string(&self.wish).unwrap_or_default()),
            Err(error) => Ended::Died(format!("its process is lost: {error}")),
        }
    }

    /// Shuts the system down, where there is one, and then pulls the plug.
    ///
    /// Source: systemd(1), signals: SIGINT is ctrl-alt-del, which stops all services and reboots.
    pub(crate) async fn shut_down(mut self) {
        if let Some(init) = self.init()
            && kill(init, Signal::SIGINT).is_ok()
            && timeout(SHUTDOWN, self.child.wait()).await.is_err()
        {
            tracing::warn!("a host does not shut down: its plug is pulled");
        }
        self.end().await;
    }

    /// A system's init, as soon as there is one.
    pub(crate) fn init(&self) -> Option<Pid> {
        let outer = self.pid().filter(|_| self.init)?;
        let children = fs::read_to_string(format!("/proc/{outer}/task/{outer}/children")).ok()?;
        let is_first = |child: &&str| {
            let status = fs::read_to_string(format!("/proc/{child}/status")).unwrap_or_default();
            status.lines().any(|line| line.starts_with("NSpid:") && line.ends_with("\t1"))
        };
        children.split_whitespace().find(is_first)?.parse().ok().map(Pid::from_raw)
    }

    /// Pulls the plug, if it is still in, and returns when nothing of the host is left.
    pub(crate) async fn end(mut self) {
        if self.pid().is_some()
            && let Err(error) = self.child.kill().await
        {
            tracing::warn!(%error, "a host cannot be killed");
        }
        self.servers.shutdown().await;
        drop(self.held);
    }
}

/// `reboot(2)` inside of a PID namespace ends its first process with a signal: SIGHUP to restart, SIGINT to halt.
fn ended(status: ExitStatus, wish: &str) -> Ended {
    let signal = status.signal().and_then(|number| Signal::try_from(number).ok());
    match (wish.trim(), signal) {
        ("reboot", _) | ("", Some(Signal::SIGHUP)) => Ended::Rebooted,
        ("poweroff", _) | ("", Some(Signal::SIGINT)) => Ended::PoweredOff,
        (_, Some(signal)) => Ended::Died(format!("killed by {signal}")),
        (_, None) => Ended::Died(format!("its first process ended with {status}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wish_or_a_signal_says_what_the_guest_wanted() {
        let raw = ExitStatus::from_raw;
        assert_eq!(ended(raw(0), "poweroff\n"), Ended::PoweredOff);
        assert_eq!(ended(raw(255 << 8), "reboot\n"), Ended::Rebooted);
        assert_eq!(ended(raw(1), ""), Ended::Rebooted);
        assert_eq!(ended(raw(2), ""), Ended::PoweredOff);
        assert_eq!(ended(raw(9), ""), Ended::Died("killed by SIGKILL".to_owned()));
        assert_eq!(
            ended(raw(255 << 8), ""),
            Ended::Died("its first process ended with exit status: 255".to_owned())
        );
    }
}
