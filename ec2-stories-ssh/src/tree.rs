//! Folders to and from hosts, each as one stream.

use std::fmt;
use std::fs::{self, File};
use std::io::{self, BufReader, BufWriter, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use bytes::Bytes;
use ec2_stories_core::{Error, ErrorKind, Result};
use tempfile::NamedTempFile;
use tokio::io::AsyncWriteExt;

use crate::{Captured, Chunk, Command, Output, Session};

/// What is kept in memory for all hosts, instead of being read for each.
const IN_MEMORY: u64 = 256 * 1024 * 1024;
/// Error output that is kept for the last line's sake.
const KEEP: usize = 16 * 1024;

const UNPACK: &str = "mkdir -p -- \"$1\" && exec tar -xopf - -C \"$1\"";
const PACK: &str = "exec tar -cf - -C \"$1\" .";

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
}

/// `3 files, 1.2 KiB`.
impl fmt::Display for Copied {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { files, bytes } = *self;
        write!(f, "{files} file{}, ", if files == 1 { "" } else { "s" })?;
        match bytes {
            ..1024 => write!(f, "{bytes} B"),
            #[allow(clippy::cast_precision_loss)] // Two digits are shown.
            _ => {
                let units = ["KiB", "MiB", "GiB", "TiB"];
                let unit = ((bytes.ilog2() / 10) as usize).min(units.len());
                write!(f, "{:.1} {}", bytes as f64 / 1024_f64.powi(unit as i32), units[unit - 1])
            }
        }
    }
}

#[derive(Debug)]
enum Content {
    Memory(Bytes),
    File(NamedTempFile),
}

impl Tree {
    /// Reads a folder with all that is in it. Symbolic links stay what they are.
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
    /// Not at once: who looks meanwhile sees a part. A [`Bundle`](crate::bundle::Bundle) is switched at once.
    ///
    /// # Errors
    /// If the link breaks, or the host cannot unpack it.
    pub async fn send(&self, session: &Session, folder: &str) -> Result<()> {
        self.send_by(session, Command::shell(UNPACK).arg(folder), folder).await
    }

    /// As [`send`](Self::send), as root.
    ///
    /// # Errors
    /// As [`send`](Self::send), and if root cannot be had.
    pub async fn send_as_root(&self, session: &Session, folder: &str) -> Result<()> {
        self.send_by(session, Command::shell(UNPACK).arg(folder).as_root(), folder).await
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
        output.checked("copy").map(drop).map_err(|error| error.on(format!("{}:{folder}", session.target())))
    }

    /// Takes a folder of the host into a folder of this machine, which is made where it is missing.
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
        output.checked("copy").map_err(|error| error.on(format!("{}:{from}", session.target())))?;
        file.flush().await.map_err(local)?;
        let file = file.into_std().await;
        let unpacked = tokio::task::spawn_blocking(move || unpack(file, &to)).await;
        unpacked.map_err(io::Error::other).and_then(|unpacked| unpacked).map_err(local)
    }
}

fn pack(folder: &Path) -> io::Result<Tree> {
    // A folder, and not a link to one: `/srv/current/` is a good name for what is behind it.
    let folder = fs::canonicalize(folder)?;
    let file = tempfile::Builder::new().prefix("ec2-stories-tree-").tempfile()?;
    let mut tar = tar::Builder::new(BufWriter::new(file));
    tar.follow_symlinks(false);
    tar.append_dir_all(".", &folder)?;
    let mut file = tar.into_inner()?.into_inner().map_err(io::IntoInnerError::into_error)?;
    let size = file.as_file().metadata()?.len();
    let copied = count(file.as_file_mut())?;
    if size > IN_MEMORY {
        return Ok(Tree { content: Content::File(file), size, copied });
    }
    let mut bytes = Vec::new();
    file.seek(SeekFrom::Start(0))?;
    file.read_to_end(&mut bytes)?;
    Ok(Tree { content: Content::Memory(bytes.into()), size, copied })
}

fn unpack(mut file: File, into: &Path) -> io::Result<Copied> {
    let copied = count(&mut file)?;
    file.seek(SeekFrom::Start(0))?;
    fs::create_dir_all(into)?;
    // Refuses what would leave the folder: a host is not to be trusted with this machine.
    tar::Archive::new(BufReader::new(file)).unpack(into)?;
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
mod tests {
    use super::*;

    #[test]
    fn what_is_copied_is_counted_and_said() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("sub")).unwrap();
        fs::write(folder.path().join("sub/a"), [7; 1500]).unwrap();
        fs::write(folder.path().join("b"), []).unwrap();
        std::os::unix::fs::symlink("b", folder.path().join("c")).unwrap();
        assert_eq!(pack(folder.path()).unwrap().copied, Copied { files: 2, bytes: 1500 });
        for (files, bytes, said) in [
            (0, 0, "0 files, 0 B"),
            (1, 1023, "1 file, 1023 B"),
            (2, 1536, "2 files, 1.5 KiB"),
            (3, 5 << 40, "3 files, 5.0 TiB"),
        ] {
            assert_eq!(Copied { files, bytes }.to_string(), said);
        }
    }
}
