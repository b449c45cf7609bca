//! Files of a host.

mod attributes;
mod cleanup;
mod failure;
mod transfer;
mod tree;

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use ec2_stories_core::Result;
use russh::ChannelMsg;
use russh_sftp::client::{Config, RawSftpSession};
use russh_sftp::protocol::{FileAttributes, OpenFlags};
use tokio_util::sync::CancellationToken;

pub use attributes::{FileKind, FileStat, Listed};
use failure::{Failure, failed, is_missing};
pub use transfer::WriteOptions;

use crate::command::terminal_line;
use crate::connect::{Stream, Watched};
use crate::error::{lost, protocol};
use crate::session::Endings;
use crate::{Command, Session};

/// A disk under load may take its time for an fsync.
const REQUEST_SECONDS: u64 = 120;
const FSYNC: &str = "fsync@openssh.com";
const POSIX_RENAME: &str = "posix-rename@openssh.com";
const STATVFS: &str = "statvfs@openssh.com";
const LIMITS: &str = "limits@openssh.com";

/// Where distributions keep the server that sudo starts.
const SERVER: &str = "for server in /usr/lib/openssh/sftp-server /usr/libexec/openssh/sftp-server \
    /usr/lib/ssh/sftp-server /usr/libexec/sftp-server /usr/lib/sftp-server; do [ -x \"$server\" ] && exec \"$server\"; done; \
    exit 127";

/// Files of a host. Clones share one channel, in which many requests are under way at once.
///
/// Paths are the host's: absolute, or from the user's home.
#[derive(Clone)]
pub struct Sftp(Arc<Inner>);

struct Inner {
    raw: RawSftpSession,
    can: Extensions,
    on: String,
    gone: CancellationToken,
    // Not the session, which keeps this one. Its channel alone keeps the connection.
    endings: Endings,
}

#[derive(Clone, Copy, Debug, Default)]
struct Extensions {
    fsync: bool,
    posix_rename: bool,
    statvfs: bool,
    /// The most bytes in one write, and in one read.
    write: u32,
    read: u32,
}

impl Inner {
    /// Waits for an answer, but not longer than the link stands.
    async fn ask<T>(&self, answer: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
        let answered = self.gone.run_until_cancelled(answer).await;
        answered.unwrap_or_else(|| Err(Failure::IO("the link broke".to_owned())))
    }
}

impl Sftp {
    pub(crate) async fn of_subsystem(session: &Session) -> Result<Self> {
        let on = session.target().to_string();
        let gone = |error| protocol(error, "sftp", &on);
        let mut channel = session.channel().await?;
        channel.request_subsystem(true, "sftp").await.map_err(gone)?;
        loop {
            match channel.wait().await {
                Some(ChannelMsg::Success) => break,
                Some(ChannelMsg::Failure) => return Err(failure::no_sftp(&on)),
                Some(ChannelMsg::Close) | None => return Err(lost("sftp", &on)),
                Some(_) => {}
            }
        }
        Self::over_session(channel.into_stream(), session).await
    }

    pub(crate) async fn of_root(session: &Session) -> Result<Self> {
        let on = session.target().to_string();
        let line = terminal_line(&Command::shell(SERVER).as_root(), session.user())?;
        let channel = session.channel().await?;
        channel.exec(false, line).await.map_err(|error| protocol(error, "sftp", &on))?;
        Self::over_session(channel.into_stream(), session).await
    }

    async fn over_session(stream: impl Stream + 'static, session: &Session) -> Result<Self> {
        let (gone, endings) = (session.gone().child_token(), session.endings().clone());
        Self::over(stream, &session.target().to_string(), gone, endings).await
    }

    async fn over(
        stream: impl Stream + 'static,
        on: &str,
        gone: CancellationToken,
        endings: Endings,
    ) -> Result<Self> {
        let config = Config { request_timeout_secs: REQUEST_SECONDS, ..Config::default() };
        let raw = RawSftpSession::new_with_config(Watched::new(stream, gone.clone()), config);
        let version = raw.init().await.map_err(|error| failure::no_server(error, on))?;
        let has = |name: &str| version.extensions.contains_key(name);
        let mut can = Extensions {
            fsync: has(FSYNC),
            posix_rename: has(POSIX_RENAME),
            statvfs: has(STATVFS),
            // What every server must take (draft-ietf-secsh-filexfer-02, section 3).
            write: 32 * 1024,
            read: 32 * 1024,
        };
        if has(LIMITS)
            && let Ok(limits) = raw.limits().await
        {
            can.write = transfer::piece(limits.max_write_len);
            can.read = transfer::piece(limits.max_read_len);
        }
        Ok(Self(Arc::new(Inner { raw, can, on: on.to_owned(), gone, endings })))
    }

    pub(crate) fn is_alive(&self) -> bool {
        !self.0.gone.is_cancelled()
    }

    /// What is at `path`, behind symbolic links; `None` if nothing is.
    ///
    /// # Errors
    /// If the host does not say.
    pub async fn stat(&self, path: &str) -> Result<Option<FileStat>> {
        self.look(self.0.ask(self.0.raw.stat(path)).await.map(|reply| reply.attrs), path)
    }

    /// What is at `path`, symbolic links themselves; `None` if nothing is.
    ///
    /// # Errors
    /// If the host does not say.
    pub async fn lstat(&self, path: &str) -> Result<Option<FileStat>> {
        self.look(self.0.ask(self.0.raw.lstat(path)).await.map(|reply| reply.attrs), path)
    }

    fn look(&self, found: Result<FileAttributes, Failure>, path: &str) -> Result<Option<FileStat>> {
        match found {
            Ok(attributes) => Ok(Some(FileStat::of(&attributes))),
            Err(error) if is_missing(&error) => Ok(None),
            Err(error) => Err(failed(error, "stat", path, &self.0.on)),
        }
    }

    /// The absolute path, without links and dots.
    ///
    /// # Errors
    /// If there is none.
    pub async fn canonical(&self, path: &str) -> Result<String> {
        let reply = self
            .0
            .ask(self.0.raw.realpath(path))
            .await
            .map_err(|error| failed(error, "resolve", path, &self.0.on))?;
        Ok(reply.files.into_iter().next().map_or_else(|| path.to_owned(), |file| file.filename))
    }

    /// Sets the permission bits.
    ///
    /// # Errors
    /// If the host refuses.
    pub async fn set_mode(&self, path: &str, mode: u32) -> Result<()> {
        self.set(path, FileAttributes { permissions: Some(mode), ..FileAttributes::empty() }).await
    }

    /// Sets the owner, by number. Both numbers go together in the protocol.
    ///
    /// # Errors
    /// If the host refuses: only root may give files away.
    pub async fn set_owner(&self, path: &str, user: u32, group: u32) -> Result<()> {
        self.set(path, FileAttributes { uid: Some(user), gid: Some(group), ..FileAttributes::empty() }).await
    }

    async fn set(&self, path: &str, attributes: FileAttributes) -> Result<()> {
        let set = self.0.ask(self.0.raw.setstat(path, attributes)).await;
        set.map(drop).map_err(|error| failed(error, "set attributes", path, &self.0.on))
    }

    /// Removes a file or a symbolic link; one that is not there is a success.
    ///
    /// # Errors
    /// If the host refuses.
    pub async fn remove(&self, path: &str) -> Result<()> {
        match self.0.ask(self.0.raw.remove(path)).await {
            Err(error) if !is_missing(&error) => Err(failed(error, "remove", path, &self.0.on)),
            _ => Ok(()),
        }
    }

    /// Removes an empty folder; one that is not there is a success.
    ///
    /// # Errors
    /// If the host refuses, such as for one that is not empty.
    pub async fn remove_dir(&self, path: &str) -> Result<()> {
        match self.0.ask(self.0.raw.rmdir(path)).await {
            Err(error) if !is_missing(&error) => Err(failed(error, "remove folder", path, &self.0.on)),
            _ => Ok(()),
        }
    }

    /// Renames, over what is at `to`, at once: who looks sees the one or the other.
    ///
    /// # Errors
    /// If the host refuses, such as across file systems, or has no such rename and `to` is there.
    pub async fn rename(&self, from: &str, to: &str) -> Result<()> {
        let renamed = if self.0.can.posix_rename {
            let mut data = attributes::text(from);
            data.extend(attributes::text(to));
            failure::status(self.0.ask(self.0.raw.extended(POSIX_RENAME, data)).await)
        } else {
            self.0.ask(self.0.raw.rename(from, to)).await.map(drop)
        };
        renamed.map_err(|error| failed(error, "rename", &format!("{from} to {to}"), &self.0.on))
    }

    /// Makes a symbolic link at `link` that leads to `target`.
    ///
    /// # Errors
    /// If the host refuses, such as where `link` is there.
    pub async fn symlink(&self, target: &str, link: &str) -> Result<()> {
        // OpenSSH reads the two paths in the other order than the draft has them (its PROTOCOL file, section 4.1), and so
        // does everybody who wants to work with it.
        let made = self.0.ask(self.0.raw.symlink(target, link)).await;
        made.map(drop).map_err(|error| failed(error, "symlink", link, &self.0.on))
    }

    /// Where a symbolic link leads.
    ///
    /// # Errors
    /// If it is none.
    pub async fn read_link(&self, link: &str) -> Result<String> {
        let reply = self
            .0
            .ask(self.0.raw.readlink(link))
            .await
            .map_err(|error| failed(error, "read link", link, &self.0.on))?;
        Ok(reply.files.into_iter().next().map(|file| file.filename).unwrap_or_default())
    }

    /// Reads a whole file.
    ///
    /// # Errors
    /// If it is not there or may not be read.
    pub async fn read(&self, path: &str) -> Result<Vec<u8>> {
        let mut bytes = Vec::new();
        self.download(path, &mut bytes).await?;
        Ok(bytes)
    }

    /// Writes a whole file at once: who looks sees the old one or the new one, also after a crash of either side. Nothing is left
    /// of a write that failed, as long as the host can be reached.
    ///
    /// # Errors
    /// [`DISK_FULL`](crate::code::DISK_FULL), or if the host refuses.
    pub async fn write(&self, path: &str, content: impl Into<Bytes>, options: &WriteOptions) -> Result<()> {
        let content = content.into();
        self.upload(std::io::Cursor::new(content), path, options).await.map(drop)
    }

    async fn open(
        &self,
        path: &str,
        flags: OpenFlags,
        attributes: FileAttributes,
    ) -> Result<String, Failure> {
        self.0.ask(self.0.raw.open(path, flags, attributes)).await.map(|reply| reply.handle)
    }
}

impl fmt::Debug for Sftp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sftp").field("on", &self.0.on).field("can", &self.0.can).finish_non_exhaustive()
    }
}
