//! A folder for one simulation's hosts. A process that was killed leaves its folder; the next one clears it away.

use std::fs;
use std::io;
use std::path::Path;
use std::process;

use nix::errno::Errno;
use nix::sys::signal;
use nix::unistd::Pid;
use tempfile::TempDir;

/// Then the pid of the process that has it.
const PREFIX: &str = "ec2-stories-hosts-";

/// Removed when dropped.
#[derive(Debug)]
pub(super) struct Folder(TempDir);

impl Folder {
    pub(super) fn create() -> io::Result<Self> {
        sweep(&std::env::temp_dir());
        let folder = tempfile::Builder::new().prefix(&format!("{PREFIX}{}-", process::id())).tempdir()?;
        Ok(Self(folder))
    }

    pub(super) fn path(&self) -> &Path {
        self.0.path()
    }
}

/// Removes the folders of processes that are no more. One that belongs to another user stays.
fn sweep(place: &Path) {
    let Ok(entries) = fs::read_dir(place) else { return };
    for entry in entries.flatten() {
        let name = entry.file_name();
        if name.to_str().and_then(owner).is_some_and(|pid| !lives(pid))
            && let Err(error) = fs::remove_dir_all(entry.path())
        {
            tracing::debug!(folder = %entry.path().display(), %error, "cannot clear a dead process's hosts away");
        }
    }
}

fn owner(name: &str) -> Option<i32> {
    name.strip_prefix(PREFIX)?.split('-').next()?.parse().ok()
}

fn lives(pid: i32) -> bool {
    signal::kill(Pid::from_raw(pid), None) != Err(Errno::ESRCH)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_nobody_has_any_more_is_swept() {
        let place = tempfile::tempdir().unwrap();
        let ours = place.path().join(format!("{PREFIX}{}-a", process::id()));
        // Beyond the largest pid that Linux gives out (PID_MAX_LIMIT, 2^22).
        let dead = place.path().join(format!("{PREFIX}4194305-b"));
        let other = place.path().join("something-else");
        for folder in [&ours, &dead, &other] {
            fs::create_dir(folder).unwrap();
        }
        sweep(place.path());
        assert_eq!((ours.exists(), dead.exists(), other.exists()), (true, false, true));
    }
}
