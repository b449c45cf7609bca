//! Control groups: systemd wants one of its own, and whatever a host started can be found by it.

use std::fs::{self, DirEntry, File};
use std::io;
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::unistd::{AccessFlags, access};

use super::netns::is_abandoned;

/// How long killed processes may take to be gone, in milliseconds.
const PATIENCE: u16 = 5_000;

/// A control group; dropping it kills what is in it, and removes it.
#[derive(Debug)]
pub(super) struct Cgroup(PathBuf);

impl Cgroup {
    /// One in the folder that [`place`] gave.
    pub(super) fn create(place: &Path, name: &str) -> io::Result<Self> {
        let group = place.join(name);
        fs::create_dir(&group)?;
        Ok(Self(group))
    }

    /// Where a process writes a pid to have it, and what comes of it, in the group.
    pub(super) fn members(&self) -> PathBuf {
        self.0.join("cgroup.procs")
    }
}

impl Drop for Cgroup {
    fn drop(&mut self) {
        // The janitor may have been faster.
        if let Err(error) = end(&self.0)
            && self.0.exists()
        {
            tracing::warn!(group = %self.0.display(), %error, "a control group is left");
        }
    }
}

/// Where cgroup2 is mounted, and can be written to.
pub(super) fn place() -> Option<PathBuf> {
    let mounts = fs::read_to_string("/proc/self/mountinfo").ok()?;
    let mounts = mounts.lines().filter(|line| line.contains(" - cgroup2 "));
    let mut places = mounts.filter_map(|mount| mount.split(' ').nth(4)).map(PathBuf::from);
    places.find(|place| access(place, AccessFlags::W_OK).is_ok())
}

/// Removes the groups of processes that are no more.
pub(super) fn sweep(place: &Path) {
    let Ok(entries) = fs::read_dir(place) else { return };
    let abandoned = |entry: &DirEntry| entry.file_name().to_str().is_some_and(is_abandoned);
    for group in entries.flatten().filter(abandoned) {
        // Another process may have been faster.
        let _ = end(&group.path());
    }
}

/// Ends everything in a group and removes it.
///
/// Source: the kernel's cgroup-v2.rst: `cgroup.kill`, and that a change of `populated` is an event of `cgroup.events`.
fn end(group: &Path) -> io::Result<()> {
    fs::write(group.join("cgroup.kill"), "1")?;
    let events = group.join("cgroup.events");
    loop {
        let file = File::open(&events)?;
        if io::read_to_string(&file)?.contains("populated 0") {
            break;
        }
        let mut changed = [PollFd::new(file.as_fd(), PollFlags::POLLPRI)];
        if poll(&mut changed, PollTimeout::from(PATIENCE))? == 0 {
            return Err(io::Error::from(io::ErrorKind::TimedOut));
        }
    }
    remove(group)
}

/// Its files are the kernel's: only folders can, and must, be removed.
fn remove(group: &Path) -> io::Result<()> {
    for entry in fs::read_dir(group)?.flatten().filter(|entry| entry.path().is_dir()) {
        remove(&entry.path())?;
    }
    fs::remove_dir(group)
}
