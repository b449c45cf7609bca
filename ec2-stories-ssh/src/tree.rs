//! Folders to and from hosts, each as one stream.

use std::fmt;
use std::fs::{self, File};
use std::io::{self, BufReader, BufWriter, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use bytes::Bytes;
use ec2_stories_core::{Error, ErrorKind, Result};
use rand::RngExt;
use tempfile::NamedTempFile;
use tokio::io::AsyncWriteExt;

use crate::error::code;
use crate::{Captured, Chunk, Command, Output, Session};

/// What is kept in memory for all hosts, instead of being read for each.
const IN_MEMORY: u64 = 256 * 1024 * 1024;
/// Error output that is kept for the last line's sake.
const KEEP: usize = 16 * 1024;

const UNPACK: &str = include_str!("tree/unpack.sh");
const PACK: &str = "export LC_ALL=C; exec tar -cf - -C \"$1\" .";
/// What tar says of a socket, which no archive can hold.
const LEFT_OUT: &str = ": socket ignored";

/// A folder of this machine, read once, to be sent to many hosts.
#[derive(Debug)]
pub struct Tree {
    content: Content,
    size: u64,
    copied: Copied,
}

/// What was copied.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Copied {
    /// Files; folders and links are not counted.
    pub files: u64,
    /// What is in them.
    pub bytes: u64,
    /// Pipes, sockets and devices, which are left out.
    pub left_out: u64,
}

/// `3 files, 1.2 KiB`, and what was left out.
impl fmt::Display for Copied {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { files, bytes, left_out } = *self;
        write!(f, "{files} file{}, ", if files == 1 { "" } else { "s" })?;
        match bytes {
            ..1024 => write!(f, "{bytes} B")?,
            #[allow(clippy::cast_precision_loss)] // Two digits are shown.
            _ => {
                let units = ["KiB", "MiB", "GiB", "TiB"];
                let unit = ((bytes.ilog2() / 10) as usize).min(units.len());
                write!(f, "{:.1} {}", bytes as f64 / 1024_f64.powi(unit as i32), units[unit - 1])?;
            }
        }
        match left_out {
            0 => Ok(()),
            1 => f.write_str(", 1 pipe, socket or device left out"),
            _ => write!(f, ", {left_out} pipes, sockets and devices left out"),
        }
    }
}

#[derive(Debug)]
enum Content {
    Memory(Bytes),
    File(NamedTempFile),
}

impl Tree {
    /// Reads a folder with all that is in it. Symbolic links stay what they are. Pipes, sockets and devices are left out, and counted:
    /// a folder of a user who is logged in has some, and nobody wants to have them elsewhere.
    ///
    /// # Errors
    /// [`ErrorKind::Io`] for what cannot be read.
    pub async fn read(folder: impl AsRef<Path>) -> Result<Self> {
        let folder = folder.as_ref().to_owned();
        let failed = {
            let on = folder.display().to_string();
            move |error| Error::new(ErrorKind::Io, "the folder cannot be read").on(on).because(error)
        };
        let read = tokio::task::spawn_blocking(move || pack(&folder)).await;
        read.map_err(io::Error::other).and_then(|read| read).map_err(failed)
    }

    /// How many bytes are sent to each host.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.size
    }

    /// What is copied to each host.
    #[must_use]
    pub fn copied(&self) -> Copied {
        self.copied
    }

    /// Puts it into a folder of the host, which is made where it is missing. What is there under other names stays.
    ///
    /// Each file at once: who looks sees the old one or the new one. Nothing takes its place before all of it has come, so what fails
    /// on the way changes nothing, and leaves nothing; until the end the disk needs room for both. The folder as a whole is not changed
    /// at once; a [`Bundle`](crate::bundle::Bundle) is.
    ///
    /// # Errors
    /// If the link breaks, the host cannot unpack it, or a folder is where a file would be; [`DISK_FULL`](code::DISK_FULL).
    pub async fn send(&self, session: &Session, folder: &str) -> Result<()> {
        self.send_by(session, take(folder), folder).await
    }

    /// As [`send`](Self::send), as root.
    ///
    /// # Errors
    /// As [`send`](Self::send), and if root cannot be had.
    pub async fn send_as_root(&self, session: &Session, folder: &str) -> Result<()> {
        self.send_by(session, take(folder).as_root(), folder).await
    }

    async fn send_by(&self, session: &Session, command: Command, folder: &str) -> Result<()> {
        let output = match &self.content {
            Content::Memory(bytes) => session.exec(&command.stdin(bytes.clone())).await?,
            Content::File(file) => {
                let failed = |error| Error::new(ErrorKind::Io, "cannot be read again").because(error);
                let file = tokio::fs::File::from_std(file.reopen().map_err(failed)?);
                let running = session.spawn_with_input(&command, file).await?;
                running.output(|_| ()).await?
            }
        };
        checked(output).map_err(|error| error.on(format!("{}:{folder}", session.target())))
    }

    /// Takes a folder of the host into a folder of this machine, which is made where it is missing. Pipes, sockets and devices are left
    /// out, and counted.
    ///
    /// # Errors
    /// If the link breaks, the host cannot read it, or this machine cannot write it.
    pub async fn fetch(session: &Session, from: &str, to: impl AsRef<Path>) -> Result<Copied> {
        Self::fetch_by(session, Command::shell(PACK).arg(from), from, to.as_ref().to_owned()).await
    }

    /// As [`fetch`](Self::fetch), as root.
    ///
    /// # Errors
    /// As [`fetch`](Self::fetch), and if root cannot be had.
    pub async fn fetch_as_root(session: &Session, from: &str, to: impl AsRef<Path>) -> Result<Copied> {
        let command = Command::shell(PACK).arg(from).as_root();
        Self::fetch_by(session, command, from, to.as_ref().to_owned()).await
    }

    async fn fetch_by(session: &Session, command: Command, from: &str, to: PathBuf) -> Result<Copied> {
        let local = |error| {
            Error::new(ErrorKind::Io, "what was read cannot be written").during("copy").because(error)
        };
        let spool = tempfile::tempfile().map_err(local)?;
        let mut file = tokio::fs::File::from_std(spool);
        let mut running = session.spawn(&command).await?;
        let mut errors = Captured::keeping(KEEP);
        while let Some(chunk) = running.next().await? {
            match chunk {
                Chunk::Stdout(bytes) => file.write_all(&bytes).await.map_err(local)?,
                Chunk::Stderr(bytes) => errors.push(&bytes),
            }
        }
        let output = Output { exit: running.wait().await?, stdout: Captured::default(), stderr: errors };
        let sockets = output.stderr.text().lines().filter(|line| line.ends_with(LEFT_OUT)).count() as u64;
        checked(output).map_err(|error| error.on(format!("{}:{from}", session.target())))?;
        file.flush().await.map_err(local)?;
        let file = file.into_std().await;
        let unpacked = tokio::task::spawn_blocking(move || unpack(file, &to)).await;
        let mut copied = unpacked.map_err(io::Error::other).and_then(|unpacked| unpacked).map_err(local)?;
        copied.left_out += sockets;
        Ok(copied)
    }
}

/// What unpacks in that folder of the host.
fn take(folder: &str) -> Command {
    let stage = format!(".ec2-stories-{:016x}", rand::rng().random::<u64>());
    Command::shell(UNPACK).args([folder, &stage])
}

/// The reason is said before tar's last line, which says no more than that there was one.
fn checked(output: Output) -> Result<()> {
    if output.exit.is_success() {
        return Ok(());
    }
    let said = output.stderr.text();
    if said.contains("No space left on device") {
        return Err(Error::new(ErrorKind::Limit, "the disk is full").code(code::DISK_FULL).during("copy"));
    }
    let empty = ["Exiting with failure status", "Error is not recoverable"];
    let mut stderr = Captured::keeping(KEEP);
    for line in said.lines().filter(|line| !empty.iter().any(|empty| line.contains(empty))) {
        stderr.push(line.as_bytes());
        stderr.push(b"\n");
    }
    Output { stderr, ..output }.checked("copy").map(drop)
}

fn pack(folder: &Path) -> io::Result<Tree> {
    // A folder, and not a link to one: `/srv/current/` is a good name for what is behind it.
    let folder = fs::canonicalize(folder)?;
    let file = tempfile::Builder::new().prefix("ec2-stories-tree-").tempfile()?;
    let mut tar = tar::Builder::new(BufWriter::new(file));
    tar.follow_symlinks(false);
    let left_out = append(&mut tar, &folder)?;
    let mut file = tar.into_inner()?.into_inner().map_err(io::IntoInnerError::into_error)?;
    let size = file.as_file().metadata()?.len();
    let copied = Copied { left_out, ..count(file.as_file_mut())? };
    if size > IN_MEMORY {
        return Ok(Tree { content: Content::File(file), size, copied });
    }
    let mut bytes = Vec::new();
    file.seek(SeekFrom::Start(0))?;
    file.read_to_end(&mut bytes)?;
    Ok(Tree { content: Content::Memory(bytes.into()), size, copied })
}

/// Appends all that is in the folder as `new`, and then `whole`, by which is known that it came to its end. Returns how much was left
/// out: to open a pipe would wait for its other end.
fn append<W: io::Write>(tar: &mut tar::Builder<W>, folder: &Path) -> io::Result<u64> {
    let (mut left_out, mut folders) = (0, vec![PathBuf::new()]);
    while let Some(name) = folders.pop() {
        tar.append_dir(Path::new("new").join(&name), folder.join(&name))?;
        for entry in fs::read_dir(folder.join(&name))? {
            let entry = entry?;
            let (kind, name) = (entry.file_type()?, name.join(entry.file_name()));
            if kind.is_dir() {
                folders.push(name);
            } else if kind.is_file() || kind.is_symlink() {
                tar.append_path_with_name(entry.path(), Path::new("new").join(name))?;
            } else {
                left_out += 1;
            }
        }
    }
    let mut whole = tar::Header::new_gnu();
    whole.set_entry_type(tar::EntryType::Directory);
    whole.set_mode(0o700);
    whole.set_size(0);
    tar.append_data(&mut whole, "whole", io::empty())?;
    Ok(left_out)
}

fn unpack(mut file: File, into: &Path) -> io::Result<Copied> {
    let mut copied = count(&mut file)?;
    file.seek(SeekFrom::Start(0))?;
    fs::create_dir_all(into)?;
    let into = fs::canonicalize(into)?;
    let mut archive = tar::Archive::new(BufReader::new(file));
    let mut folders = Vec::new();
    for entry in archive.entries()? {
        let mut entry = entry?;
        let kind = entry.header().entry_type();
        if kind.is_dir() {
            folders.push(entry);
        } else if kind.is_fifo() || kind.is_character_special() || kind.is_block_special() {
            copied.left_out += 1;
        } else {
            // Refuses what would leave the folder: a host is not to be trusted with this machine.
            entry.unpack_in(&into)?;
        }
    }
    // Last, and those within before those above: nothing can be put into one that may not be written to.
    folders.sort_by(|a, b| b.path_bytes().cmp(&a.path_bytes()));
    folders.into_iter().try_for_each(|mut folder| folder.unpack_in(&into).map(drop))?;
    Ok(copied)
}

fn count(archive: &mut File) -> io::Result<Copied> {
    archive.seek(SeekFrom::Start(0))?;
    let mut copied = Copied::default();
    for entry in tar::Archive::new(archive).entries_with_seek()? {
        let header = entry?.header().clone();
        // Another name of a file that was counted has no content of its own.
        if header.entry_type().is_file() || header.entry_type().is_hard_link() {
            copied.files += 1;
            copied.bytes += header.entry_size()?;
        }
    }
    Ok(copied)
}

#[cfg(test)]
mod tests;
