//! A command that runs.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use ec2_stories_core::{Error, ErrorKind, Result};
use rand::RngExt;
use russh::client::Msg;
use russh::{ChannelMsg, ChannelReadHalf, ChannelWriteHalf};
use tokio::io::AsyncRead;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::{Instant, timeout, timeout_at};
use tokio_util::task::AbortOnDropHandle;

use super::wrapper::{end_line, line, secret_input};
use super::{Captured, Chunk, Command, Exit, Output};
use crate::Session;
use crate::error::{code, lost, protocol};

/// Before the mark there may be what the host's start-up files print, but not more than this.
const MAX_BEFORE_MARK: usize = 64 * 1024;
/// How long a command that nobody waits for any more may take to say its group.
const LATE_MARK: Duration = Duration::from_secs(10);
/// What may go wrong on the way when a command is ended, beside its own grace.
const MARGIN: Duration = Duration::from_secs(20);

/// A command that runs. Dropping it before its end ends the command on the host.
pub struct Running(Option<Parts>);

struct Parts {
    session: Session,
    command: Command,
    read: ChannelReadHalf,
    write: Arc<ChannelWriteHalf<Msg>>,
    mark: Mark,
    exit: Option<Exit>,
    closed: bool,
    on: String,
    deadline: Option<Instant>,
    started_by: Option<Instant>,
    input: Option<AbortOnDropHandle<()>>,
    _permit: OwnedSemaphorePermit,
}

/// The line on standard error that says the command's group.
enum Mark {
    /// It has not come; what came before it.
    Awaited { nonce: String, before: Vec<u8> },
    /// The group, as `kill` takes it.
    Seen(String),
}

impl Running {
    pub(crate) async fn start(
        session: Session,
        command: &Command,
        input: Option<Box<dyn AsyncRead + Send + Unpin>>,
    ) -> Result<Self> {
        let on = session.target().to_string();
        let nonce = format!("ec2-stories-{:016x}", rand::rng().random::<u64>());
        let line = line(command, session.user(), &nonce)?;
        let (channel, permit) = session.command_channel().await?;
        let (read, write) = channel.split();
        let mut running = Self(Some(Parts {
            session,
            command: command.clone(),
            read,
            write: Arc::new(write),
            mark: Mark::Awaited { nonce, before: Vec::new() },
            exit: None,
            closed: false,
            on,
            deadline: command.timeout.and_then(|limit| Instant::now().checked_add(limit)),
            started_by: Instant::now().checked_add(command.start),
            input: None,
            _permit: permit,
        }));
        // From here on a drop ends the command.
        if let Some(parts) = &mut running.0 {
            parts.write.exec(false, line).await.map_err(|error| protocol(error, "run", &parts.on))?;
            parts.feed(input);
        }
        Ok(running)
    }

    /// The next piece of output; `None` when there is no more. All that comes over a connection is read in turn: output that
    /// nobody takes holds up the session's other commands.
    ///
    /// # Errors
    /// [`NOT_STARTED`](code::NOT_STARTED), [`ErrorKind::Timeout`] after the command's time-out, or the host's time to start it, when it was ended on the host,
    /// or ambiguous if the link broke.
    pub async fn next(&mut self) -> Result<Option<Chunk>> {
        loop {
            let Some(parts) = &mut self.0 else { return Ok(None) };
            let started_by = parts.started_by.filter(|_| parts.is_awaited());
            let Some(first) = parts.deadline.into_iter().chain(started_by).min() else {
                return parts.next().await;
            };
            if let Ok(next) = timeout_at(first, parts.next()).await {
                return next;
            }
            if parts.is_awaited() || parts.deadline == Some(first) {
                return Err(self.out_of_time().await);
            }
        }
    }

    /// Waits for the end, and throws away what output is left.
    ///
    /// # Errors
    /// As [`next`](Self::next).
    pub async fn wait(mut self) -> Result<Exit> {
        while self.next().await?.is_some() {}
        let exit = self.0.as_ref().and_then(|parts| parts.exit.clone());
        exit.ok_or_else(|| Error::new(ErrorKind::Canceled, "the command was ended"))
    }

    /// Ends the command on the host and waits until it has ended.
    ///
    /// # Errors
    /// If that could not be done.
    pub async fn end(mut self) -> Result<()> {
        match self.0.take() {
            Some(parts) => parts.end().await,
            None => Ok(()),
        }
    }

    pub(crate) async fn output(mut self, mut sink: impl FnMut(&Chunk) + Send) -> Result<Output> {
        let Some(parts) = &self.0 else {
            return Err(Error::new(ErrorKind::Canceled, "the command was ended"));
        };
        let keep = parts.command.keep;
        let (mut stdout, mut stderr) = (Captured::keeping(keep), Captured::keeping(keep));
        while let Some(chunk) = self.next().await? {
            sink(&chunk);
            match &chunk {
                Chunk::Stdout(bytes) => stdout.push(bytes),
                Chunk::Stderr(bytes) => stderr.push(bytes),
            }
        }
        Ok(Output { exit: self.wait().await?, stdout, stderr })
    }

    async fn out_of_time(&mut self) -> Error {
        let Some(parts) = self.0.take() else {
            return Error::new(ErrorKind::Canceled, "the command was ended");
        };
        let (on, is_awaited) = (parts.on.clone(), parts.is_awaited());
        let is_over = parts.deadline.is_some_and(|deadline| deadline <= Instant::now());
        let limit = if is_over { parts.command.timeout.unwrap_or_default() } else { parts.command.start };
        let outcome = match parts.end().await {
            Ok(()) => "and was ended".to_owned(),
            Err(error) => format!("and could not be ended: {error}"),
        };
        let what = if is_awaited { "the host did not start it" } else { "it did not end" };
        Error::new(ErrorKind::Timeout, format!("{what} within {limit:?} {outcome}")).during("run").on(on)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let Some(parts) = self.0.take() else { return };
        let session = parts.session.clone();
        if !parts.closed && session.is_alive() {
            session.endings().finally(async move {
                let on = parts.on.clone();
                if let Err(error) = parts.end().await {
                    tracing::warn!(host = on, error = error.chain(), "a command could not be ended");
                }
            });
        }
    }
}

impl Parts {
    fn is_awaited(&self) -> bool {
        matches!(self.mark, Mark::Awaited { .. })
    }

    fn feed(&mut self, input: Option<Box<dyn AsyncRead + Send + Unpin>>) {
        let write = Arc::clone(&self.write);
        let secrets = secret_input(&self.command);
        let stdin = self.command.stdin.clone();
        // A task of its own: a command may not read before its output is read.
        self.input = Some(AbortOnDropHandle::new(tokio::spawn(async move {
            let sent = async {
                write.data_bytes(secrets).await?;
                match input {
                    Some(input) => write.data(input).await?,
                    None => write.data_bytes(stdin).await?,
                }
                write.eof().await
            };
            // A command need not read to the end; its own exit says how it went.
            if let Err(error) = sent.await {
                tracing::debug!(%error, "standard input was not read to its end");
            }
        })));
    }

    async fn next(&mut self) -> Result<Option<Chunk>> {
        while !self.closed {
            let Some(message) = self.read.wait().await else { break };
            match message {
                ChannelMsg::Data { data } => return Ok(Some(Chunk::Stdout(data))),
                ChannelMsg::ExtendedData { data, .. } => {
                    if let Some(rest) = self.mark.take_from(data) {
                        return Ok(Some(Chunk::Stderr(rest)));
                    }
                }
                ChannelMsg::Close => self.closed = true,
                message => self.exit = Exit::of(&message).or(self.exit.take()),
            }
        }
        self.closed = true;
        self.finish()?;
        Ok(None)
    }

    fn finish(&mut self) -> Result<()> {
        self.input = None;
        match (&self.exit, &self.mark) {
            (Some(_), Mark::Seen(_)) => Ok(()),
            (Some(exit), Mark::Awaited { before, .. }) => Err(self.not_started(exit, before)),
            // sshd sends the exit before it closes; a channel that ends without is a link that broke.
            (None, _) => Err(lost("run", &self.on)),
        }
    }

    fn not_started(&self, exit: &Exit, before: &[u8]) -> Error {
        let mut said = Captured::keeping(4096);
        said.push(before);
        let said = said.last_line();
        let said = if said.is_empty() { exit.to_string() } else { said };
        let (kind, what) = match (&self.command.user, exit) {
            (_, Exit::Status(125)) => (ErrorKind::NotFound, "its directory cannot be entered"),
            (Some(user), _) if user != self.session.user() => (ErrorKind::Forbidden, "sudo does not run it"),
            _ => (ErrorKind::Failed, "the host did not start it"),
        };
        Error::new(kind, format!("{what}: {said}")).code(code::NOT_STARTED).during("run").on(self.on.clone())
    }

    /// Ends the group on the host over a second channel, with the command's own rights.
    async fn end(mut self) -> Result<()> {
        self.input = None;
        let late = async {
            while self.is_awaited() && !self.closed {
                match self.read.wait().await {
                    Some(ChannelMsg::ExtendedData { data, .. }) => drop(self.mark.take_from(data)),
                    Some(ChannelMsg::Close) | None => self.closed = true,
                    Some(_) => {}
                }
            }
        };
        let marked = timeout(LATE_MARK, late).await.is_ok();
        let group = match (&self.mark, self.closed) {
            (_, true) => None,
            (Mark::Seen(group), false) => Some(group.clone()),
            (Mark::Awaited { .. }, false) if marked => None,
            (Mark::Awaited { .. }, false) => {
                let why = "the host did not say what to end";
                return Err(Error::new(ErrorKind::Timeout, why).on(self.on.clone()));
            }
        };
        let ended = match group {
            None => Ok(()),
            // What it still writes must be read, or the whole connection waits for us, and so the second channel.
            Some(group) => {
                let Self { session, command, on, read, .. } = &mut self;
                tokio::select! {
                    ended = kill(session, command, on, &group) => ended,
                    never = drain(read) => match never {},
                }
            }
        };
        let _ = self.write.close().await;
        ended
    }
}

/// Reads for ever.
async fn drain(read: &mut ChannelReadHalf) -> std::convert::Infallible {
    while read.wait().await.is_some() {}
    std::future::pending().await
}

async fn kill(session: &Session, command: &Command, on: &str, group: &str) -> Result<()> {
    // 0, 1 and -1 are ourselves, init and everybody.
    if group.trim_start_matches('-').parse::<u32>().unwrap_or(0) < 2 {
        let why = format!("the host said {group:?}, which is no process group");
        return Err(Error::new(ErrorKind::Unexpected, why).on(on));
    }
    let line = end_line(command, session.user(), group)?;
    let failed = |error| protocol(error, "end a command", on);
    let (mut channel, _permit) = session.ending_channel().await?;
    let kill = async {
        channel.exec(false, line).await.map_err(failed)?;
        channel.eof().await.map_err(failed)?;
        while let Some(message) = channel.wait().await {
            match Exit::of(&message) {
                Some(exit) if exit.is_success() => return Ok(()),
                Some(exit) => {
                    return Err(
                        Error::new(ErrorKind::Failed, format!("the host did not end it: {exit}")).on(on)
                    );
                }
                None => {}
            }
        }
        Err(lost("end a command", on))
    };
    let limit = command.grace + MARGIN;
    let late = || Error::new(ErrorKind::Timeout, format!("the host did not end it within {limit:?}")).on(on);
    timeout(limit, kill).await.unwrap_or_else(|_| Err(late()))
}

impl Mark {
    /// Takes the mark's line out of standard error. What came before it, and what follows, is the caller's.
    fn take_from(&mut self, data: Bytes) -> Option<Bytes> {
        let Self::Awaited { nonce, before } = self else { return Some(data) };
        before.extend_from_slice(&data);
        let found = before.windows(nonce.len()).position(|window| window == nonce.as_bytes());
        let line = found.and_then(|at| {
            let end = before[at..].iter().position(|byte| *byte == b'\n')?;
            Some((at, at + end))
        });
        let Some((start, end)) = line else {
            // Never more than a line's worth more than the bound: the mark's own line is short.
            if before.len() > 2 * MAX_BEFORE_MARK {
                before.drain(..MAX_BEFORE_MARK);
            }
            return None;
        };
        let group = String::from_utf8_lossy(&before[start + nonce.len()..end]).trim().to_owned();
        let mut rest = before[..start].to_vec();
        rest.extend_from_slice(&before[end + 1..]);
        *self = Self::Seen(group);
        (!rest.is_empty()).then(|| rest.into())
    }
}

impl fmt::Debug for Running {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parts = self.0.as_ref();
        f.debug_struct("Running")
            .field("command", &parts.map(|parts| &parts.command))
            .field("on", &parts.map(|parts| &parts.on))
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mark() -> Mark {
        Mark::Awaited { nonce: "NONCE".to_owned(), before: Vec::new() }
    }

    #[test]
    fn the_mark_is_taken_out_wherever_it_is_cut() {
        let all = b"motd\nNONCE -42\nwarning\n";
        for at in 0..all.len() {
            let mut mark = mark();
            let mut seen = Vec::new();
            for piece in [&all[..at], &all[at..]] {
                seen.extend(mark.take_from(Bytes::copy_from_slice(piece)).unwrap_or_default());
            }
            assert_eq!(seen, b"motd\nwarning\n", "cut at {at}");
            assert!(matches!(mark, Mark::Seen(group) if group == "-42"));
        }
    }

    #[test]
    fn a_group_is_a_number_to_kill() {
        let mut mark = mark();
        assert_eq!(mark.take_from(Bytes::from_static(b"NONCE 7\n")), None);
        assert!(matches!(mark, Mark::Seen(group) if group == "7"));
    }
}
