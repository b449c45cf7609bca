//! What an instance knows of the host behind it.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;

/// GetConsoleOutput gives the newest 64 KiB.
const CONSOLE: u64 = 64 * 1024;

/// How a host is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum HostState {
    /// Its instance does not run.
    #[default]
    Off,
    /// On the way up.
    Booting,
    /// It takes connections.
    Up,
    /// It could not boot, or died; the instance still runs, as far as the cloud can tell.
    Dead,
}

/// A host as it is now.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct HostView {
    /// How it is.
    pub state: HostState,
    /// Why it is dead.
    pub why: String,
    /// Its outermost process, while there is one: killing it is pulling the plug.
    pub pid: Option<u32>,
    /// How often it has booted.
    pub boots: u32,
    /// What it keeps on disk, as seen from this machine; gone once the instance is terminated.
    pub folder: PathBuf,
}

/// The place of a host at its instance. The supervisor fills it in, API handlers read it.
#[derive(Debug, Default)]
pub(crate) struct Slot(Mutex<Seen>);

#[derive(Debug, Default)]
struct Seen {
    view: HostView,
    dead_since: Option<Timestamp>,
    console: Option<PathBuf>,
    /// What the console showed last, once its file is gone.
    last_words: Vec<u8>,
}

impl Slot {
    pub(crate) fn view(&self) -> HostView {
        self.seen().view.clone()
    }

    pub(crate) fn dead_since(&self) -> Option<Timestamp> {
        self.seen().dead_since
    }

    pub(crate) fn console(&self) -> Vec<u8> {
        let seen = self.seen();
        seen.console.as_deref().map_or_else(|| seen.last_words.clone(), tail)
    }

    pub(super) fn booting(&self, folder: &Path, console: PathBuf) {
        let mut seen = self.seen();
        seen.view.folder = folder.to_owned();
        seen.view.boots += 1;
        seen.console = Some(console);
        seen.turn(HostState::Booting);
    }

    pub(super) fn up(&self, pid: Option<u32>) {
        let mut seen = self.seen();
        seen.turn(HostState::Up);
        seen.view.pid = pid;
    }

    pub(super) fn dead(&self, at: Timestamp, why: String) {
        let mut seen = self.seen();
        seen.turn(HostState::Dead);
        seen.view.why = why;
        seen.dead_since = Some(at);
    }

    pub(super) fn off(&self) {
        self.seen().turn(HostState::Off);
    }

    /// Keeps the console's text for after its file.
    pub(super) fn gone(&self) {
        let mut seen = self.seen();
        seen.turn(HostState::Off);
        if let Some(console) = seen.console.take() {
            seen.last_words = tail(&console);
        }
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Seen {
    fn turn(&mut self, state: HostState) {
        self.view.state = state;
        self.view.pid = None;
        self.view.why.clear();
        self.dead_since = None;
    }
}

/// A console that cannot be read is an empty one.
fn tail(path: &Path) -> Vec<u8> {
    let read = || -> std::io::Result<Vec<u8>> {
        let mut file = File::open(path)?;
        let length = file.metadata()?.len();
        file.seek(SeekFrom::Start(length.saturating_sub(CONSOLE)))?;
        let mut bytes = Vec::new();
        file.take(CONSOLE).read_to_end(&mut bytes)?;
        Ok(bytes)
    };
    read().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_console_is_the_newest_part_and_outlives_its_file() {
        let folder = tempfile::tempdir().unwrap();
        let console = folder.path().join("console");
        std::fs::write(&console, format!("first\n{}last\n", "x".repeat(70_000))).unwrap();
        let slot = Slot::default();
        slot.booting(folder.path(), console);
        assert_eq!(slot.console().len(), 64 * 1024);
        slot.gone();
        drop(folder);
        let text = String::from_utf8(slot.console()).unwrap();
        assert!(text.ends_with("last\n") && !text.contains("first"));
    }

    #[test]
    fn a_host_that_boots_again_is_dead_no_more() {
        let slot = Slot::default();
        slot.dead(Timestamp::UNIX_EPOCH, "sshd was killed".to_owned());
        assert_eq!(slot.dead_since(), Some(Timestamp::UNIX_EPOCH));
        slot.up(Some(1));
        assert_eq!((slot.dead_since(), slot.view().why), (None, String::new()));
    }
}
