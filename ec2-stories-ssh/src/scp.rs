//! Files of a host that has no SFTP, by the older SCP.

use ec2_stories_core::{Error, ErrorKind, Result};
use rand::RngExt;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, DuplexStream};

use crate::command::{Chunk, Command, Running};
use crate::error::code;
use crate::{Session, WriteOptions};

/// Takes a file, and puts it in its place at once. `$1` is where it is until then: it is made here, where nothing was, and goes with
/// whatever ends this, so that nobody has to be there to remove it. `$2` is where it goes, `$3` its mode, `$4` its owner; where they
/// are empty they are those of the file that is replaced.
const TAKE: &str = r#"set -e
export LC_ALL=C
umask 077
to=$(readlink -f -- "$2" 2>/dev/null) || to=$2
[ ! -d "$to" ] || { echo 'is a folder' >&2; exit 1; }
ended=
trap 'ended=1' HUP INT TERM
set -C; : >"$1"; set +C
trap 'rm -f -- "$1"' EXIT
trap 'exit 143' HUP INT TERM
[ -z "$ended" ] || exit 143
scp -q -t -- "$1"
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

/// As much as is read at once.
const PIECE: usize = 64 * 1024;
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
        let (mode, owner) = options.as_text();
        let take = Command::shell(TAKE).args([temporary.as_str(), path, &mode, &owner]);
        let taken = self.send(take, content, size).await;
        taken.map_err(|error| error.on(self.at(path)))
    }

    /// Reads a file into `sink`. Returns its size.
    ///
    /// # Errors
    /// If it is not there or may not be read, and what writing fails with.
    pub async fn download(&self, path: &str, sink: &mut (impl AsyncWrite + Send + Unpin)) -> Result<u64> {
        let received = self.receive(path, sink).await;
        received.map_err(|error| error.on(self.at(path)))
    }

    async fn send(&self, take: Command, content: impl AsyncRead + Send + Unpin, size: u64) -> Result<()> {
        let mut talk = self.talk(take).await?;
        match talk.send(content, size).await {
            Ok(()) => talk.finish().await,
            Err(error) => {
                // What has come of the file goes with it. That it failed is what counts.
                let _ = talk.running.end().await;
                Err(error)
            }
        }
    }

    async fn receive(&self, path: &str, sink: &mut (impl AsyncWrite + Send + Unpin)) -> Result<u64> {
        let mut talk = self.talk(Command::new("scp").args(["-q", "-f", "--", path])).await?;
        talk.say(&[0]).await;
        let line = talk.line().await?;
        let size =
            line.strip_prefix('C').and_then(|rest| rest.split(' ').nth(1)).and_then(|size| size.parse().ok());
        let Some(size) = size else {
            return Err(
                Error::new(ErrorKind::Failed, format!("the host said: {}", plain(&line))).during("read")
            );
        };
        talk.say(&[0]).await;
        let unwritten = |error| {
            Error::new(ErrorKind::Io, "what was read cannot be written").during("read").because(error)
        };
        let mut left: u64 = size;
        while left > 0 {
            let piece = talk.piece(left).await?;
            left -= piece.len() as u64;
            sink.write_all(&piece).await.map_err(unwritten)?;
        }
        sink.flush().await.map_err(unwritten)?;
        talk.granted().await?;
        talk.say(&[0]).await;
        talk.finish().await?;
        Ok(size)
    }

    async fn talk(&self, command: Command) -> Result<Talk> {
        // As much as is under way at once; the rest waits in the reader.
        let (input, read) = tokio::io::duplex(256 * 1024);
        let command = self.command(command);
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
    /// Sends a file, whose end `scp` confirms.
    async fn send(&mut self, content: impl AsyncRead + Send + Unpin, size: u64) -> Result<()> {
        self.granted().await?;
        self.say(format!("C0600 {size} content\n").as_bytes()).await;
        self.granted().await?;
        let Self { running, input, heard, complaint } = self;
        tokio::select! {
            sent = send(content, size, input) => sent?,
            // It says nothing before all has come, unless something is wrong. Without an ear for it, what is sent to one that has
            // gone would wait for room for ever.
            more = listen(running, heard, complaint) => more?,
        }
        self.granted().await
    }

    /// Whoever has gone does not hear it, and gives no answer, which says why.
    async fn say(&mut self, bytes: &[u8]) {
        let _ = self.input.write_all(bytes).await;
    }

    /// The answer to each thing said: 0, or else a complaint.
    async fn granted(&mut self) -> Result<()> {
        match self.piece(1).await?[..] {
            [0] => Ok(()),
            _ => {
                let complaint = self.line().await?;
                Err(failed("the host said", complaint.as_bytes()))
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
        if self.heard.is_empty() {
            listen(&mut self.running, &mut self.heard, &mut self.complaint).await?;
        }
        let most = usize::try_from(most).unwrap_or(usize::MAX).min(self.heard.len());
        Ok(self.heard.drain(..most).collect())
    }

    async fn finish(self) -> Result<()> {
        let Self { mut running, input, mut complaint, .. } = self;
        drop(input);
        while let Some(chunk) = running.next().await? {
            if let Chunk::Stderr(bytes) = chunk {
                keep(&mut complaint, &bytes);
            }
        }
        let exit = running.wait().await?;
        if exit.is_success() {
            return Ok(());
        }
        Err(failed(&format!("scp ended with {exit}"), &complaint))
    }
}

/// Sends the content and what follows it. It never ends where nobody takes it: whoever has gone is heard of.
async fn send(content: impl AsyncRead + Unpin, size: u64, input: &mut DuplexStream) -> Result<()> {
    let unreadable = |error| {
        Error::new(ErrorKind::Io, "what should be sent cannot be read").during("write").because(error)
    };
    let mut content = content.take(size);
    let (mut piece, mut sent) = (vec![0; PIECE], 0);
    loop {
        let read = content.read(&mut piece).await.map_err(unreadable)?;
        let (more, last) = match read {
            0 if sent < size => {
                let why = format!("has {sent} bytes, and {size} were said");
                return Err(Error::invalid("content", why).during("write"));
            }
            0 => (&[0][..], true),
            read => (&piece[..read], false),
        };
        if input.write_all(more).await.is_err() {
            return std::future::pending().await;
        }
        if last {
            return Ok(());
        }
        sent += read as u64;
    }
}

/// Waits until it says something, whatever it complains of meanwhile.
async fn listen(running: &mut Running, heard: &mut Vec<u8>, complaint: &mut Vec<u8>) -> Result<()> {
    while heard.is_empty() {
        match running.next().await? {
            Some(Chunk::Stdout(bytes)) => heard.extend_from_slice(&bytes),
            Some(Chunk::Stderr(bytes)) => keep(complaint, &bytes),
            None => return Err(failed("scp ended", complaint)),
        }
    }
    Ok(())
}

fn keep(complaint: &mut Vec<u8>, more: &[u8]) {
    let room = LONGEST_LINE.saturating_sub(complaint.len());
    complaint.extend_from_slice(&more[..room.min(more.len())]);
}

fn failed(what: &str, said: &[u8]) -> Error {
    let said = plain(&String::from_utf8_lossy(said));
    let full = said.contains("No space left on device");
    let kind = if full { ErrorKind::Limit } else { ErrorKind::Failed };
    let said = if said.is_empty() { said } else { format!(": {said}") };
    let failure = Error::new(kind, format!("{what}{said}")).during("scp");
    if full { failure.code(code::DISK_FULL) } else { failure }
}

fn plain(said: &str) -> String {
    said.trim().chars().filter(|c| !c.is_control()).take(200).collect()
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;
    use std::process::{Child, Stdio};

    use super::*;

    /// The script in this machine's own shell.
    fn take(temporary: &Path, to: &Path) -> Child {
        let mut shell = std::process::Command::new("/bin/sh");
        shell.args(["-c", TAKE, "sh"]).args([temporary, to]).args(["", ""]);
        shell.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    }

    #[test]
    fn what_is_there_under_its_name_is_somebodys() {
        let folder = tempfile::tempdir().unwrap();
        let (taken, dangling, to) =
            (folder.path().join("taken"), folder.path().join("link"), folder.path().join("to"));
        fs::write(&taken, "mine").unwrap();
        std::os::unix::fs::symlink(folder.path().join("nowhere"), &dangling).unwrap();
        for temporary in [&taken, &dangling] {
            let ended = take(temporary, &to).wait_with_output().unwrap();
            assert!(!ended.status.success(), "{ended:?}");
            assert!(fs::symlink_metadata(temporary).is_ok(), "it stays");
        }
        assert_eq!(fs::read_to_string(&taken).unwrap(), "mine");
        assert!(!to.exists() && !folder.path().join("nowhere").exists());
    }

    #[test]
    fn whoever_goes_leaves_nothing() {
        use std::io::{Read, Write};
        let folder = tempfile::tempdir().unwrap();
        let (temporary, to) = (folder.path().join("temporary"), folder.path().join("to"));
        for told in [false, true] {
            let mut shell = take(&temporary, &to);
            let (mut input, mut output) = (shell.stdin.take().unwrap(), shell.stdout.take().unwrap());
            let mut granted = [7; 2];
            output.read_exact(&mut granted[..1]).unwrap();
            input.write_all(b"C0600 1000 content\nhalf").unwrap();
            output.read_exact(&mut granted[1..]).unwrap();
            assert_eq!((granted, temporary.exists()), ([0, 0], true));
            if told {
                let pid = shell.id().to_string();
                assert!(std::process::Command::new("kill").arg(pid).status().unwrap().success());
            }
            drop(input);
            assert!(!shell.wait().unwrap().success());
            assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0, "told: {told}");
        }
    }
}
