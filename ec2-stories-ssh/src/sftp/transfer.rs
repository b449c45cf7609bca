//! Whole files, with many requests under way at once.

use bytes::{Bytes, BytesMut};
use ec2_stories_core::{Error, ErrorKind, Result};
use futures::stream::{FuturesOrdered, FuturesUnordered, StreamExt};
use rand::RngExt;
use russh_sftp::protocol::{FileAttributes, OpenFlags, StatusCode};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

use super::cleanup::{OpenFile, Temporary};
use super::failure::{Failure, disk_full, failed, is_missing, is_vague};
use super::{FileKind, Sftp};

/// Requests under way at once; with the largest pieces this is 4 MiB, what fills a link of 1 Gbit/s over 30 ms.
const AT_ONCE: usize = 16;
/// OpenSSH takes no more than 255 KiB in one request; where a server says nothing, less.
const LARGEST: u64 = 255 * 1024;
const CAREFUL: u32 = 32 * 1024;

/// The size of a request from the server's limit, 0 where it has none.
pub(super) fn piece(limit: u64) -> u32 {
    match limit {
        0 => CAREFUL,
        limit => u32::try_from(limit.min(LARGEST)).unwrap_or(CAREFUL),
    }
}

/// How a file is written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WriteOptions {
    mode: Option<u32>,
    owner: Option<(u32, u32)>,
}

impl WriteOptions {
    /// As the file that is replaced was; `0644` and the user's own where there was none.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// With these permission bits.
    #[must_use]
    pub fn mode(mut self, mode: u32) -> Self {
        self.mode = Some(mode);
        self
    }

    /// As `chmod` and `chown` take them; empty where not said.
    pub(crate) fn as_text(&self) -> (String, String) {
        let mode = self.mode.map(|mode| format!("{mode:o}")).unwrap_or_default();
        let owner = self.owner.map(|(user, group)| format!("{user}:{group}")).unwrap_or_default();
        (mode, owner)
    }

    /// With this owner and group, by number.
    #[must_use]
    pub fn owner(mut self, user: u32, group: u32) -> Self {
        self.owner = Some((user, group));
        self
    }
}

impl Sftp {
    /// Writes what `content` gives to a file, at once, as [`write`](Self::write) does. Returns its size.
    ///
    /// # Errors
    /// As [`write`](Self::write), and what reading fails with.
    pub async fn upload(
        &self,
        content: impl AsyncRead + Send + Unpin,
        path: &str,
        options: &WriteOptions,
    ) -> Result<u64> {
        // A rename would replace a link instead of what it leads to.
        let found = self.lstat(path).await?;
        let linked = found.as_ref().is_some_and(|stat| stat.kind == FileKind::Link);
        let path = if linked { self.canonical(path).await? } else { path.to_owned() };
        let replaced = if linked { self.stat(&path).await? } else { found };
        if replaced.as_ref().is_some_and(|stat| stat.kind == FileKind::Folder) {
            return Err(Error::new(ErrorKind::Conflict, "is a folder")
                .during("write")
                .on(format!("{}:{path}", self.0.on)));
        }
        let mode = options.mode.or(replaced.as_ref().map(|stat| stat.mode)).unwrap_or(0o644);
        let owner = options.owner.or(replaced.map(|stat| (stat.user, stat.group)));

        let folder = path.rfind('/').map_or("", |at| &path[..=at]);
        let nonce = rand::rng().random::<u64>();
        let made = Temporary::make(self, format!("{folder}.ec2-stories-{nonce:016x}")).await;
        let (temporary, file) = match made {
            Ok(made) => made,
            Err(error) => return Err(self.explain(error, folder, &path).await),
        };
        let written = match self.fill(content, file, mode, owner).await {
            Ok(size) => self.rename(temporary.path(), &path).await.map(|()| size),
            Err(Cause::Reading(error)) => {
                Err(Error::new(ErrorKind::Io, "what should be sent cannot be read")
                    .during("write")
                    .on(path)
                    .because(error))
            }
            Err(Cause::Writing(error)) => Err(self.explain(error, folder, &path).await),
        };
        match written {
            Ok(_) => temporary.in_place(),
            Err(_) => temporary.remove().await,
        }
        written
    }

    async fn fill(
        &self,
        mut content: impl AsyncRead + Send + Unpin,
        file: OpenFile,
        mode: u32,
        owner: Option<(u32, u32)>,
    ) -> Result<u64, Cause> {
        let written = self.pump(&mut content, file.handle()).await;
        let settled = match written {
            Ok(size) => self.settle(file.handle(), mode, owner).await.map(|()| size).map_err(Cause::Writing),
            Err(cause) => Err(cause),
        };
        // Some file systems say only now that there was no room.
        let closed = file.close().await;
        let size = settled?;
        closed?;
        Ok(size)
    }

    async fn pump(&self, content: &mut (impl AsyncRead + Send + Unpin), handle: &str) -> Result<u64, Cause> {
        let piece = self.0.can.write as usize;
        let mut under_way = FuturesUnordered::new();
        let (mut offset, mut ended) = (0_u64, false);
        let mut buffer = BytesMut::with_capacity(piece);
        while !ended || !under_way.is_empty() {
            tokio::select! {
                Some(written) = under_way.next(), if !under_way.is_empty() => { let _: () = written?; }
                read = content.read_buf(&mut buffer), if !ended && under_way.len() < AT_ONCE => {
                    ended = read.map_err(Cause::Reading)? == 0;
                    while buffer.len() >= piece || (ended && !buffer.is_empty()) {
                        let data = buffer.split_to(piece.min(buffer.len()));
                        let at = offset;
                        offset += data.len() as u64;
                        under_way.push(self.write_at(handle, at, data.freeze()));
                    }
                    buffer.reserve(piece);
                }
            }
        }
        Ok(offset)
    }

    async fn write_at(&self, handle: &str, offset: u64, data: Bytes) -> Result<(), Failure> {
        self.0.ask(self.0.raw.write(handle, offset, data.to_vec())).await.map(drop)
    }

    async fn settle(&self, handle: &str, mode: u32, owner: Option<(u32, u32)>) -> Result<(), Failure> {
        if let Some((user, group)) = owner {
            let now = self.0.ask(self.0.raw.fstat(handle)).await?.attrs;
            if (now.uid, now.gid) != (Some(user), Some(group)) {
                let attributes =
                    FileAttributes { uid: Some(user), gid: Some(group), ..FileAttributes::empty() };
                self.0.ask(self.0.raw.fsetstat(handle, attributes)).await?;
            }
        }
        // After the owner: changing that takes the set-user bit away.
        let attributes = FileAttributes { permissions: Some(mode), ..FileAttributes::empty() };
        self.0.ask(self.0.raw.fsetstat(handle, attributes)).await?;
        if self.0.can.fsync {
            self.0.ask(self.0.raw.fsync(handle)).await?;
        }
        Ok(())
    }

    /// A server says no more than "failure" of a full disk.
    async fn explain(&self, error: Failure, folder: &str, path: &str) -> Error {
        if is_vague(&error) && self.0.can.statvfs {
            let folder = if folder.is_empty() { "." } else { folder };
            if let Ok(disk) = self.0.ask(self.0.raw.statvfs(folder)).await {
                let free = disk.blocks_avail.saturating_mul(disk.fragment_size);
                if free < LARGEST || disk.inodes > 0 && disk.inodes_avail == 0 {
                    return disk_full(path, free, &self.0.on);
                }
            }
        }
        if is_missing(&error) {
            return failed(error, "write", folder, &self.0.on);
        }
        failed(error, "write", path, &self.0.on)
    }

    /// Reads a file into `sink`. Returns its size.
    ///
    /// # Errors
    /// If it is not there or may not be read, [`ErrorKind::Conflict`] if it is a pipe, a socket or a device, and what writing fails with.
    pub async fn download(&self, path: &str, sink: &mut (impl AsyncWrite + Send + Unpin)) -> Result<u64> {
        let say = |error| failed(error, "read", path, &self.0.on);
        // To open a pipe the server waits for its other end, and all that goes on in this channel waits with it.
        if self.stat(path).await?.is_some_and(|found| found.kind == FileKind::Other) {
            return Err(Error::new(ErrorKind::Conflict, "is a pipe, a socket or a device, and no file")
                .during("read")
                .on(format!("{}:{path}", self.0.on)));
        }
        let handle = self.open(path, OpenFlags::READ, FileAttributes::empty()).await.map_err(say)?;
        let file = OpenFile::new(self, handle);
        let read = self.drain(file.handle(), sink).await;
        let closed = file.close().await;
        let size = read.map_err(|cause| match cause {
            Cause::Writing(error) => failed(error, "read", path, &self.0.on),
            Cause::Reading(error) => Error::new(ErrorKind::Io, "what was read cannot be written")
                .during("read")
                .on(path)
                .because(error),
        })?;
        closed.map_err(say)?;
        Ok(size)
    }

    async fn drain(&self, handle: &str, sink: &mut (impl AsyncWrite + Send + Unpin)) -> Result<u64, Cause> {
        // Some files, such as those in /proc, have a content and no size, and others grow: past the size it goes on piece by
        // piece until the end.
        let size = self.0.ask(self.0.raw.fstat(handle)).await?.attrs.size.unwrap_or(0);
        let piece = u64::from(self.0.can.read);
        let mut under_way = FuturesOrdered::new();
        let (mut asked, mut got) = (0_u64, 0_u64);
        loop {
            while under_way.len() < AT_ONCE && asked < size {
                under_way.push_back(self.read_at(handle, asked, piece.min(size - asked)));
                asked += piece.min(size - asked);
            }
            let (data, whole) = match under_way.next().await {
                Some(read) => read?,
                None => self.read_at(handle, got, piece).await?,
            };
            got += data.len() as u64;
            sink.write_all(&data).await.map_err(Cause::Reading)?;
            if data.is_empty() || (!whole && got < size) {
                break;
            }
        }
        sink.flush().await.map_err(Cause::Reading)?;
        Ok(got)
    }

    /// Reads `length` bytes, and says whether there were as many.
    async fn read_at(&self, handle: &str, offset: u64, length: u64) -> Result<(Vec<u8>, bool), Failure> {
        let mut data = Vec::new();
        while (data.len() as u64) < length {
            let missing = length - data.len() as u64;
            let missing = u32::try_from(missing).unwrap_or(CAREFUL);
            match self.0.ask(self.0.raw.read(handle, offset + data.len() as u64, missing)).await {
                Ok(read) if read.data.is_empty() => return Ok((data, false)),
                Ok(read) if data.is_empty() => data = read.data,
                Ok(read) => data.extend_from_slice(&read.data),
                Err(Failure::Status(status)) if status.status_code == StatusCode::Eof => {
                    return Ok((data, false));
                }
                Err(error) => return Err(error),
            }
        }
        Ok((data, true))
    }
}

/// Which end failed: ours, or the host.
enum Cause {
    Reading(std::io::Error),
    Writing(Failure),
}

impl From<Failure> for Cause {
    fn from(error: Failure) -> Self {
        Self::Writing(error)
    }
}
