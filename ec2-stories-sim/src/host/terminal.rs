//! Terminals that write down what is said on them.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::fd::OwnedFd;
use std::os::unix::fs::OpenOptionsExt;

use nix::fcntl::OFlag;
use nix::pty::{grantpt, posix_openpt, ptsname_r, unlockpt};
use tokio::io::AsyncReadExt;
use tokio::net::unix::pipe;

/// What is kept in any case: what GetConsoleOutput gives, and as much again.
const KEPT: u64 = 128 * 1024;
/// As long as this a file may get: a flood does not fill the disk.
const LONGEST: u64 = 1 << 20;

/// A terminal, and what has to run meanwhile: it copies to the file, which is open for reading and appending, what is written
/// to the terminal, and has no end.
pub(super) fn open(mut to: File) -> io::Result<(File, impl Future<Output = ()>)> {
    let lines = posix_openpt(OFlag::O_RDWR | OFlag::O_NOCTTY | OFlag::O_NONBLOCK | OFlag::O_CLOEXEC)?;
    grantpt(&lines)?;
    unlockpt(&lines)?;
    let name = ptsname_r(&lines)?;
    let terminal = File::options().read(true).write(true).custom_flags(OFlag::O_NOCTTY.bits()).open(name)?;
    // While nobody has it open, reading fails: this program has it open always.
    let held = terminal.try_clone()?;
    // Unchecked: not a pipe, but read as one.
    let mut lines = pipe::Receiver::from_owned_fd_unchecked(OwnedFd::from(lines))?;
    let copy = async move {
        let mut said = [0; 4096];
        let ended = loop {
            match lines.read(&mut said).await {
                Ok(count) => match append(&mut to, &said[..count]) {
                    Ok(()) => {}
                    Err(error) => break error,
                },
                Err(error) => break error,
            }
        };
        tracing::warn!(error = %ended, "a console says no more");
        drop(held);
    };
    Ok((terminal, copy))
}

/// Appends to a file, of which only the newest is kept where it gets too long.
fn append(to: &mut File, said: &[u8]) -> io::Result<()> {
    to.write_all(said)?;
    let length = to.metadata()?.len();
    if length > LONGEST {
        let mut newest = Vec::new();
        to.seek(SeekFrom::Start(length - KEPT))?;
        to.read_to_end(&mut newest)?;
        to.set_len(0)?;
        to.write_all(&newest)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[tokio::test]
    async fn what_is_said_is_written_down_and_of_a_flood_the_newest() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("console");
        let file = File::options().create(true).read(true).append(true).open(&path).unwrap();
        let (mut terminal, copy) = open(file).unwrap();
        let copy = tokio::spawn(copy);
        let until = async |end: &str| {
            let written = async {
                while !std::fs::read(&path).unwrap().ends_with(end.as_bytes()) {
                    tokio::time::sleep(Duration::from_millis(5)).await;
                }
            };
            tokio::time::timeout(Duration::from_secs(60), written).await.expect("in time");
        };
        terminal.write_all(b"first\n").unwrap();
        until("first\r\n").await;
        let flood = tokio::task::spawn_blocking(move || {
            for _ in 0..2_000 {
                terminal.write_all(&[b'x'; 1024]).unwrap();
            }
            terminal.write_all(b"last\n").unwrap();
        });
        flood.await.unwrap();
        until("last\r\n").await;
        let kept = std::fs::read(&path).unwrap();
        assert!((KEPT..=LONGEST).contains(&(kept.len() as u64)), "{}", kept.len());
        assert!(!kept.starts_with(b"first"));
        copy.abort();
    }
}
