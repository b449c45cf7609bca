//! Files of a host that has no SFTP, by the older SCP.

use ec2_stories_core::{Error, ErrorKind, Result};
use rand::RngExt;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, DuplexStream};

use crate::command::{Chunk, Command, Running};
use crate::{Session, WriteOptions};

/// Puts a file in its place at once. `$1` is where it is, `$2` where it goes, `$3` its mode, `$4` its owner; where they are
/// empty they are those of the file that is replaced.
const PLACE: &str = r#"set -e
trap 'rm -f -- "$1"' EXIT
to=$(readlink -f -- "$2" 2>/dev/null) || to=$2
[ ! -d "$to" ] || { echo 'is a folder' >&2; exit 1; }
mode=$3; owner=$4
if [ -e "$to" ]; then
  [ -n "$mode" ] || mode=$(stat -c %a -- "$to")
  [ -n "$owner" ] || owner=$(stat -c %u:%g -- "$to")
fi
[ -z "$owner" ] || [ "$owner" = "$(stat -c %u:%g -- "$1")" ] || chown -- "$owner" "$1"
chmod -- "${mode:-644}" "$1"
sync -- "$1" 2>/dev/null || sync
mv -f -- "$1" "$to"
trap - EXIT"#;

/// What a host says that does not end is not read to its end.
const LONGEST_LINE: usize = 16 * 1024;

/// Files by SCP: for a host without SFTP, with the same promises for a write.
#[derive(Clone, Debug)]
pub struct Scp {
    session: Session,
    root: bool,
}

impl Scp {
    /// As the user that is logged in.
    #[must_use]
    pub fn new(session: &Session) -> Self {
        Self { session: session.clone(), root: false }
    }

    /// As root: with sudo where the user is another.
    #[must_use]
    pub fn as_root(mut self) -> Self {
        self.root = true;
        self
    }

    /// Writes `size` bytes of `content` to a file, at once: who looks sees the old one or the new one.
    ///
    /// # Errors
    /// If the host refuses or has no `scp`; [`ErrorKind::Invalid`] if the content has another size.
    pub async fn upload(
        &self,
        content: impl AsyncRead + Send + Unpin,
        size: u64,
        path: &str,
        options: &WriteOptions,
    ) -> Result<()> {
        let folder = path.rfind('/').map_or("", |at| &path[..=at]);
        let temporary = format!("{folder}.ec2-stories-{:016x}", rand::rng().random::<u64>());
        let sent = self.send(content, size, &temporary).await;
        if let Err(error) = sent {
            // What is left of it is of no use; that it failed is what counts.
            let _ = self
                .session
                .exec(&self.command(Command::new("rm").args(["-f", "--", temporary.as_str()])))
                .await;
            return Err(error.on(self.at(path)));
        }
        let (mode, owner) = options.as_text();
        let place = Command::shell(PLACE).args([temporary.as_str(), path, &mode, &owner]);
        let placed = self.session.exec(&self.command(place)).await?;
        placed.checked("write").map(drop).map_err(|error| error.on(self.at(path)))
    }

    /// Reads a file into `sink`. Returns its size.
    ///
    /// # Errors
    /// If it is not there or may not be read, and what writing fails with.
    pub async fn download(&self, path: &str, sink: &mut (impl AsyncWrite + Send + Unpin)) -> Result<u64> {
        let received = self.receive(path, sink).await;
        received.map_err(|error| error.on(self.at(path)))
    }

    async fn send(&self, content: impl AsyncRead + Send + Unpin, size: u64, to: &str) -> Result<()> {
        let mut talk = self.talk(&["-q", "-t", "--", to]).await?;
        talk.granted().await?;
        talk.say(format!("C0600 {size} content\n").as_bytes()).await?;
        talk.granted().await?;
        let mut content = content.take(size);
        let sent = tokio::io::copy(&mut content, &mut talk.input).await.map_err(|error| talk.broke(error))?;
        if sent < size {
            let why = format!("has {sent} bytes, and {size} were said");
            return Err(Error::invalid("content", why).during("write"));
        }
        talk.say(&[0]).await?;
        talk.granted().await?;
        talk.finish().await
    }

    async fn receive(&self, path: &str, sink: &mut (impl AsyncWrite + Send + Unpin)) -> Result<u64> {
        let mut talk = self.talk(&["-q", "-f", "--", path]).await?;
        talk.say(&[0]).await?;
        let line = talk.line().await?;
        let size =
            line.strip_prefix('C').and_then(|rest| rest.split(' ').nth(1)).and_then(|size| size.parse().ok());
        let Some(size) = size else {
            return Err(
                Error::new(ErrorKind::Failed, format!("the host said: {}", plain(&line))).during("read")
            );
        };
        talk.say(&[0]).await?;
        let mut left: u64 = size;
        while left > 0 {
            let piece = talk.piece(left).await?;
            left -= piece.len() as u64;
            sink.write_all(&piece).await.map_err(|error| {
                Error::new(ErrorKind::Io, "what was read cannot be written").during("read").because(error)
            })?;
        }
        sink.flush().await.map_err(|error| talk.broke(error))?;
        talk.granted().await?;
        talk.say(&[0]).await?;
        talk.finish().await?;
        Ok(size)
    }

    async fn talk(&self, arguments: &[&str]) -> Result<Talk> {
        // As much as is under way at once; the rest waits in the reader.
        let (input, read) = tokio::io::duplex(256 * 1024);
        let command = self.command(Command::new("scp").args(arguments));
        let running = self.session.spawn_with_input(&command, read).await?;
        Ok(Talk { running, input, heard: Vec::new(), complaint: Vec::new() })
    }

    fn command(&self, command: Command) -> Command {
        if self.root { command.as_root() } else { command }
    }

    fn at(&self, path: &str) -> String {
        format!("{}:{path}", self.session.target())
    }
}

/// A conversation with `scp` on the host, byte by byte.
struct Talk {
    running: Running,
    input: DuplexStream,
    heard: Vec<u8>,
    complaint: Vec<u8>,
}

impl Talk {
    async fn say(&mut self, bytes: &[u8]) -> Result<()> {
        self.input.write_all(bytes).await.map_err(|error| self.broke(error))
    }

    /// The answer to each thing said: 0, or else a complaint.
    async fn granted(&mut self) -> Result<()> {
        match self.piece(1).await?[..] {
            [0] => Ok(()),
            _ => {
                let complaint = self.line().await?;
                Err(Error::new(ErrorKind::Failed, format!("the host said: {}", plain(&complaint)))
                    .during("scp"))
            }
        }
    }

    async fn line(&mut self) -> Result<String> {
        let mut line = Vec::new();
        while line.last() != Some(&b'\n') && line.len() < LONGEST_LINE {
            line.extend(self.piece(1).await?);
        }
        Ok(String::from_utf8_lossy(&line).trim_end().to_owned())
    }

    /// At least one byte, at most `most`.
    async fn piece(&mut self, most: u64) -> Result<Vec<u8>> {
        while self.heard.is_empty() {
            match self.running.next().await? {
                Some(Chunk::Stdout(bytes)) => self.heard.extend_from_slice(&bytes),
                Some(Chunk::Stderr(bytes)) => {
                    let room = LONGEST_LINE.saturating_sub(self.complaint.len());
                    self.complaint.extend_from_slice(&bytes[..room.min(bytes.len())]);
                }
                None => {
                    let said = String::from_utf8_lossy(&self.complaint);
                    return Err(
                        Error::new(ErrorKind::Failed, format!("scp ended: {}", plain(&said))).during("scp")
                    );
                }
            }
        }
        let most = usize::try_from(most).unwrap_or(usize::MAX).min(self.heard.len());
        Ok(self.heard.drain(..most).collect())
    }

    async fn finish(self) -> Result<()> {
        let Self { running, input, .. } = self;
        drop(input);
        let exit = running.wait().await?;
        if exit.is_success() {
            return Ok(());
        }
        Err(Error::new(ErrorKind::Failed, format!("scp ended with {exit}")).during("scp"))
    }

    fn broke(&self, error: std::io::Error) -> Error {
        let said = plain(&String::from_utf8_lossy(&self.complaint));
        Error::new(ErrorKind::Failed, format!("scp ended too early: {said}")).during("scp").because(error)
    }
}

fn plain(said: &str) -> String {
    said.trim().chars().filter(|c| !c.is_control()).take(200).collect()
}
