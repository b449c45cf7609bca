//! A host that is logged in to.

mod endings;
mod shell;

use std::fmt;
use std::sync::{Arc, Weak};
use std::time::Duration;

use ec2_stories_core::{Error, ErrorKind, Result, Status};
use russh::client::{Handle, Msg};
use russh::{Channel, Disconnect};
use tokio::sync::{Mutex, OwnedSemaphorePermit, Semaphore, SemaphorePermit};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

pub(crate) use endings::Endings;
pub use shell::{Pty, Shell, ShellEvent, ShellInput};

use crate::connect::{Stream, Watched};
use crate::error::{lost, protocol};
use crate::sftp::Sftp;
use crate::ssh::Client;
use crate::{Chunk, Command, Output, Running, Target};

/// OpenSSH opens ten channels per connection (`MaxSessions`). Two are for SFTP, and one for a shell.
const COMMANDS_AT_ONCE: usize = 5;
/// Commands that are ended at once: each needs a second channel.
const ENDINGS_AT_ONCE: usize = 2;
/// How long a host may take to open a channel.
const OPEN: Duration = Duration::from_secs(30);

/// A host that is logged in to. Clones share the connection, which ends with the last of them; each command and each SFTP has a
/// channel of its own in it. More commands at once than a server allows wait for their turn.
///
/// Losing the connection does not end commands on the host; dropping or timing out a command does.
#[derive(Clone)]
pub struct Session(Arc<Inner>);

/// Keeps no connection.
#[derive(Clone)]
pub(crate) struct WeakSession(Weak<Inner>);

impl WeakSession {
    pub(crate) fn is_there(&self) -> bool {
        self.0.strong_count() > 0
    }

    pub(crate) fn upgrade(&self) -> Option<Session> {
        self.0.upgrade().map(Session)
    }
}

struct Inner {
    handle: Handle<Client>,
    gone: CancellationToken,
    target: Target,
    user: String,
    commands: Arc<Semaphore>,
    sftp: Mutex<Option<Sftp>>,
    root_sftp: Mutex<Option<Sftp>>,
    ending: Semaphore,
    endings: Endings,
}

impl Session {
    pub(crate) fn new(handle: Handle<Client>, gone: CancellationToken, target: Target, user: String) -> Self {
        Self(Arc::new(Inner {
            handle,
            gone,
            target,
            user,
            commands: Arc::new(Semaphore::new(COMMANDS_AT_ONCE)),
            sftp: Mutex::new(None),
            root_sftp: Mutex::new(None),
            ending: Semaphore::new(ENDINGS_AT_ONCE),
            endings: Endings::default(),
        }))
    }

    /// The host.
    #[must_use]
    pub fn target(&self) -> &Target {
        &self.0.target
    }

    /// The user that is logged in.
    #[must_use]
    pub fn user(&self) -> &str {
        &self.0.user
    }

    /// Whether the connection stands, as far as is known: keep-alive notices a silent host within a minute.
    #[must_use]
    pub fn is_alive(&self) -> bool {
        !self.0.handle.is_closed() && !self.0.gone.is_cancelled()
    }

    /// Runs a command and waits for its end. Its output is [kept up to a bound](Command::keep).
    ///
    /// Any exit status is an `Ok`: see [`Output::checked`].
    ///
    /// # Errors
    /// [`NOT_STARTED`](crate::code::NOT_STARTED) if the directory is not there or sudo said no. [`ErrorKind::Timeout`] after
    /// the command's time-out: it was ended on the host. Ambiguous if the link broke: it may have run, and may still.
    /// Dropping the future ends the command on the host.
    pub async fn exec(&self, command: &Command) -> Result<Output> {
        self.exec_with(command, |_| ()).await
    }

    /// As [`exec`](Self::exec), and shows each piece of output as it comes. What `sink` takes its time for, the host waits
    /// for.
    ///
    /// # Errors
    /// As [`exec`](Self::exec).
    pub async fn exec_with(&self, command: &Command, sink: impl FnMut(&Chunk) + Send) -> Result<Output> {
        self.spawn(command).await?.output(sink).await
    }

    /// Starts a command, to read its output piece by piece.
    ///
    /// # Errors
    /// As [`exec`](Self::exec).
    pub async fn spawn(&self, command: &Command) -> Result<Running> {
        Running::start(self.clone(), command, None).await
    }

    /// Starts a command that reads its standard input from `input` instead of the command's own.
    ///
    /// # Errors
    /// As [`exec`](Self::exec).
    pub async fn spawn_with_input(
        &self,
        command: &Command,
        input: impl tokio::io::AsyncRead + Send + Unpin + 'static,
    ) -> Result<Running> {
        Running::start(self.clone(), command, Some(Box::new(input))).await
    }

    /// A shell, or a command, at a terminal.
    ///
    /// # Errors
    /// Where the host gives no terminal or no shell.
    pub async fn shell(&self, pty: &Pty, command: Option<&Command>) -> Result<Shell> {
        Shell::open(self, pty, command).await
    }

    /// Files, as the user that is logged in. Made at first use, shared, and made again when it broke.
    ///
    /// # Errors
    /// [`ErrorKind::Unsupported`] where the host has no SFTP.
    pub async fn sftp(&self) -> Result<Sftp> {
        let mut kept = self.0.sftp.lock().await;
        if let Some(sftp) = kept.as_ref().filter(|sftp| sftp.is_alive()) {
            return Ok(sftp.clone());
        }
        let sftp = Sftp::of_subsystem(self).await?;
        *kept = Some(sftp.clone());
        Ok(sftp)
    }

    /// Files, as root: with sudo where the user is another.
    ///
    /// # Errors
    /// [`ErrorKind::Unsupported`] where the host has no SFTP server that sudo could start.
    pub async fn sftp_as_root(&self) -> Result<Sftp> {
        if self.0.user == "root" {
            return self.sftp().await;
        }
        let mut kept = self.0.root_sftp.lock().await;
        if let Some(sftp) = kept.as_ref().filter(|sftp| sftp.is_alive()) {
            return Ok(sftp.clone());
        }
        let sftp = Sftp::of_root(self).await?;
        *kept = Some(sftp.clone());
        Ok(sftp)
    }

    /// A stream to a port that the host can reach.
    ///
    /// # Errors
    /// Where the host cannot, or does not allow it.
    pub async fn forward(&self, host: &str, port: u16) -> Result<Box<dyn Stream>> {
        let to = format!("{host}:{port} through {}", self.target());
        let open = self.0.handle.channel_open_direct_tcpip(host, u32::from(port), "127.0.0.1", 0);
        match timeout(OPEN, open).await {
            Ok(Ok(channel)) => {
                let gone = self.gone().child_token();
                Ok(Box::new(Watched::new(channel.into_stream(), gone)))
            }
            Ok(Err(error)) => Err(protocol(error, "forward", &to)),
            Err(_) => Err(slow("forward", &to)),
        }
    }

    /// Waits for commands that are being ended, then ends the connection, for all clones.
    pub async fn close(&self) {
        self.0.endings.wait().await;
        let _ = self.0.handle.disconnect(Disconnect::ByApplication, "done", "en").await;
    }

    /// Canceled when the link has ended.
    pub(crate) fn gone(&self) -> &CancellationToken {
        &self.0.gone
    }

    /// A channel for a command, once it is its turn.
    pub(crate) async fn command_channel(&self) -> Result<(Channel<Msg>, OwnedSemaphorePermit)> {
        let turn = Arc::clone(&self.0.commands).acquire_owned().await;
        let permit = turn.map_err(|_| lost("open a channel", &self.target().to_string()))?;
        Ok((self.channel().await?, permit))
    }

    /// A channel at once.
    pub(crate) async fn channel(&self) -> Result<Channel<Msg>> {
        let on = self.target().to_string();
        match timeout(OPEN, self.0.handle.channel_open_session()).await {
            Ok(Ok(channel)) => Ok(channel),
            Ok(Err(error)) => Err(protocol(error, "open a channel", &on)),
            Err(_) => Err(slow("open a channel", &on)),
        }
    }

    /// A channel to end a command with, which stays one of a few as long as the permit is held.
    pub(crate) async fn ending_channel(&self) -> Result<(Channel<Msg>, SemaphorePermit<'_>)> {
        let permit =
            self.0.ending.acquire().await.map_err(|_| lost("open a channel", &self.target().to_string()))?;
        Ok((self.channel().await?, permit))
    }

    /// The session as long as somebody else has it, what ends dropped commands included.
    pub(crate) fn downgrade(&self) -> WeakSession {
        WeakSession(Arc::downgrade(&self.0))
    }

    /// What is done even if nobody waits for it.
    pub(crate) fn endings(&self) -> &Endings {
        &self.0.endings
    }
}

fn slow(operation: &str, on: &str) -> Error {
    Error::new(ErrorKind::Timeout, format!("no answer within {OPEN:?}"))
        .status(Status::Temporary)
        .during(operation)
        .on(on)
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session")
            .field("target", &self.0.target)
            .field("user", &self.0.user)
            .finish_non_exhaustive()
    }
}
