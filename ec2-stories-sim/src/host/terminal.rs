//! Terminals that write down what is said on them.

use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::OpenOptionsExt;

use nix::fcntl::OFlag;
use nix::pty::{grantpt, posix_openpt, ptsname_r, unlockpt};
use tokio::net::unix::pipe;

/// A terminal, and what has to run meanwhile: it copies to the file what is written to the terminal, and has no end.
pub(super) fn open(to: File) -> io::Result<(File, impl Future<Output = ()>)> {
    let lines = posix_openpt(OFlag::O_RDWR | OFlag::O_NOCTTY | OFlag::O_NONBLOCK | OFlag::O_CLOEXEC)?;
    grantpt(&lines)?;
    unlockpt(&lines)?;
    let name = ptsname_r(&lines)?;
    let terminal = File::options().read(true).write(true).custom_flags(OFlag::O_NOCTTY.bits()).open(name)?;
    // While nobody has it open, reading fails: this program has it open always.
    let held = terminal.try_clone()?;
    // Unchecked: not a pipe, but read as one.
    let mut lines = pipe::Receiver::from_owned_fd_unchecked(OwnedFd::from(lines))?;
    let mut to = tokio::fs::File::from_std(to);
    let copy = async move {
        if let Err(error) = tokio::io::copy(&mut lines, &mut to).await {
            tracing::warn!(%error, "a console says no more");
        }
        drop(held);
    };
    Ok((terminal, copy))
}
