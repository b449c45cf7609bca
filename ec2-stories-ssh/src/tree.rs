//! Folders to and from hosts, each as one stream.

use std::fs::{self, File};
use std::io::{self, BufReader, BufWriter, Read, Seek, SeekFrom};
use std::path::Path;

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
        let (content, size) = read.map_err(io::Error::other).and_then(|read| read).map_err(failed)?;
        Ok(Self { content, size })
    }

    /// How many bytes are sent to each host.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Puts it into a folder of the host, which is made where it is missing. What is there under other names stays.
    ///
    /// Not at once: who looks meanwhile sees a part. A [`Bundle`](crate::bundle::Bundle) is switched at once.
    ///
    /// # Errors
    /// If the link breaks, or the host cannot unpack it.
    pub async fn send(&self, session: &Session, folder: &str) -> Result<()> {
        let command = Command::shell(UNPACK).arg(folder);
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
    pub async fn fetch(session: &Session, from: &str, to: impl AsRef<Path>) -> Result<()> {
        let to = to.as_ref().to_owned();
        let local = |error| {
            Error::new(ErrorKind::Io, "what was read cannot be written").during("copy").because(error)
        };
        let spool = tempfile::tempfile().map_err(local)?;
        let mut file = tokio::fs::File::from_std(spool);
        let mut running = session.spawn(&Command::shell(PACK).arg(from)).await?;
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

fn pack(folder: &Path) -> io::Result<(Content, u64)> {
    // A folder, and not a link to one: `/srv/current/` is a good name for what is behind it.
    let folder = fs::canonicalize(folder)?;
    let file = tempfile::Builder::new().prefix("ec2-stories-tree-").tempfile()?;
    let mut tar = tar::Builder::new(BufWriter::new(file));
    tar.follow_symlinks(false);
    tar.append_dir_all(".", &folder)?;
    let mut file = tar.into_inner()?.into_inner().map_err(io::IntoInnerError::into_error)?;
    let size = file.as_file().metadata()?.len();
    if size > IN_MEMORY {
        return Ok((Content::File(file), size));
    }
    let mut bytes = Vec::new();
    file.seek(SeekFrom::Start(0))?;
    file.read_to_end(&mut bytes)?;
    Ok((Content::Memory(bytes.into()), size))
}

fn unpack(mut file: File, into: &Path) -> io::Result<()> {
    file.seek(SeekFrom::Start(0))?;
    fs::create_dir_all(into)?;
    // Refuses what would leave the folder: a host is not to be trusted with this machine.
    tar::Archive::new(BufReader::new(file)).unpack(into)
}
