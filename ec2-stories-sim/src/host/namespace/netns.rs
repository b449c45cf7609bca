//! Network namespaces of this process: made, entered on threads of their own, and removed.

use std::fs::{self, File};
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::process::{self, Command};
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;

use nix::errno::Errno;
use nix::sched::{CloneFlags, setns};
use nix::sys::signal;
use nix::unistd::Pid;
use tokio::sync::oneshot;

/// Then the pid of the process that has it, the number of the network that it belongs to, and its own.
const PREFIX: &str = "ec2-stories-";
/// Where `ip netns` keeps them.
const PLACE: &str = "/run/netns";

/// A namespace; dropping it removes it, and with it every interface in it.
#[derive(Debug)]
pub(super) struct Netns {
    name: String,
}

impl Netns {
    /// One of those whose names begin with this, which [`group`] gave.
    pub(super) fn create(group: &str) -> io::Result<Self> {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let name = format!("{group}{}", NUMBER.fetch_add(1, Ordering::Relaxed));
        ip(&["netns", "add", &name])?;
        Ok(Self { name })
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// What `nsenter --net=` takes.
    pub(super) fn path(&self) -> PathBuf {
        PathBuf::from(PLACE).join(&self.name)
    }

    /// `ip` inside of it.
    pub(super) fn ip(&self, arguments: &[&str]) -> io::Result<()> {
        ip(&[&["-n", &self.name], arguments].concat())
    }

    pub(super) async fn listen(&self, address: SocketAddr) -> io::Result<tokio::net::TcpListener> {
        listen(self.path(), address).await
    }
}

impl Drop for Netns {
    fn drop(&mut self) {
        // The janitor may have been faster.
        if let Err(error) = ip(&["netns", "delete", &self.name])
            && self.path().exists()
        {
            tracing::warn!(name = %self.name, %error, "a network namespace is left");
        }
    }
}

/// What the names of one network's namespaces begin with.
pub(super) fn group() -> String {
    static NUMBER: AtomicU32 = AtomicU32::new(0);
    format!("{PREFIX}{}-{}-", process::id(), NUMBER.fetch_add(1, Ordering::Relaxed))
}

/// Opens a socket inside of a namespace.
pub(super) async fn listen(namespace: PathBuf, address: SocketAddr) -> io::Result<tokio::net::TcpListener> {
    let listener = inside(namespace, move || TcpListener::bind(address)).await?;
    listener.set_nonblocking(true)?;
    tokio::net::TcpListener::from_std(listener)
}

/// Runs something on a thread that is inside of a namespace and ends with it.
pub(super) async fn inside<T: Send + 'static>(
    namespace: PathBuf,
    act: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> io::Result<T> {
    let (tell, told) = oneshot::channel();
    thread::Builder::new().name("network namespace".to_owned()).spawn(move || {
        let entered = File::open(&namespace).and_then(|file| Ok(setns(file, CloneFlags::CLONE_NEWNET)?));
        // Nobody waits any more, if this fails.
        let _ = tell.send(entered.and_then(|()| act()));
    })?;
    told.await.unwrap_or_else(|_| Err(io::Error::other("a thread inside of a network namespace panicked")))
}

/// Removes the namespaces of processes that are no more.
pub(super) fn sweep() {
    let Ok(entries) = fs::read_dir(PLACE) else { return };
    let names = entries.flatten().filter_map(|entry| entry.file_name().into_string().ok());
    for name in names.filter(|name| is_abandoned(name)) {
        // Another process may have been faster.
        let _ = ip(&["netns", "delete", &name]);
    }
}

/// Whether a name is one of ours, of a process that is no more.
pub(super) fn is_abandoned(name: &str) -> bool {
    let owner = name.strip_prefix(PREFIX).and_then(|rest| rest.split('-').next()?.parse().ok());
    owner.is_some_and(|pid| signal::kill(Pid::from_raw(pid), None) == Err(Errno::ESRCH))
}

/// Runs `ip`, which answers at once.
fn ip(arguments: &[&str]) -> io::Result<()> {
    let output = Command::new("ip").args(arguments).output()?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    Err(io::Error::other(format!("ip {}: {}", arguments.join(" "), said.trim())))
}
