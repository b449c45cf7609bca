//! A shell at a terminal.

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use ec2_stories_core::Result;
use russh::client::Msg;
use russh::{ChannelMsg, ChannelReadHalf, ChannelWriteHalf};

use super::Session;
use crate::command::terminal_line;
use crate::error::{lost, protocol};
use crate::{Command, Exit};

/// The terminal that a shell is shown at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pty {
    /// Its kind, as in `TERM`.
    pub term: String,
    /// Its width in characters.
    pub columns: u32,
    /// Its height in characters.
    pub rows: u32,
}

/// What comes from a shell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ShellEvent {
    /// Bytes for the terminal.
    Output(Bytes),
    /// It has ended.
    Exit(Exit),
}

/// A shell at a terminal of the host. Dropping it hangs up, which ends what runs in it.
pub struct Shell {
    output: ChannelReadHalf,
    input: ShellInput,
    on: String,
    ended: bool,
    // The connection ends with its last session.
    _session: Session,
}

/// What goes to a shell. Clones go to the same.
#[derive(Clone)]
pub struct ShellInput {
    channel: Arc<ChannelWriteHalf<Msg>>,
    on: Arc<str>,
}

impl Shell {
    pub(super) async fn open(session: &Session, pty: &Pty, command: Option<&Command>) -> Result<Self> {
        let on = session.target().to_string();
        let failed = |error| protocol(error, "shell", &on);
        let line = command.map(|command| terminal_line(command, session.user())).transpose()?;
        let (mut output, input) = session.channel().await?.split();
        let Pty { term, columns, rows } = pty;
        input.request_pty(true, term, *columns, *rows, 0, 0, &[]).await.map_err(failed)?;
        granted(&mut output, &on).await?;
        match line {
            Some(line) => input.exec(true, line).await.map_err(failed)?,
            None => input.request_shell(true).await.map_err(failed)?,
        }
        granted(&mut output, &on).await?;
        let input = ShellInput { channel: Arc::new(input), on: on.as_str().into() };
        Ok(Self { output, input, on, ended: false, _session: session.clone() })
    }

    /// What goes to it.
    #[must_use]
    pub fn input(&self) -> ShellInput {
        self.input.clone()
    }

    /// What comes next; `None` after the exit.
    ///
    /// # Errors
    /// If the link broke.
    pub async fn next(&mut self) -> Result<Option<ShellEvent>> {
        while !self.ended {
            match self.output.wait().await {
                Some(ChannelMsg::Data { data } | ChannelMsg::ExtendedData { data, .. }) => {
                    return Ok(Some(ShellEvent::Output(data)));
                }
                Some(message) => {
                    if let Some(exit) = Exit::of(&message) {
                        self.ended = true;
                        return Ok(Some(ShellEvent::Exit(exit)));
                    }
                }
                None => return Err(lost("shell", &self.on)),
            }
        }
        Ok(None)
    }
}

impl Drop for Shell {
    fn drop(&mut self) {
        let channel = Arc::clone(&self.input.channel);
        self._session.endings().finally(async move {
            let _ = channel.close().await;
        });
    }
}

impl ShellInput {
    /// Sends what was typed.
    ///
    /// # Errors
    /// If the link broke.
    pub async fn send(&self, bytes: impl Into<Bytes>) -> Result<()> {
        self.channel.data_bytes(bytes).await.map_err(|error| protocol(error, "shell", &self.on))
    }

    /// Says that the terminal has another size now.
    ///
    /// # Errors
    /// If the link broke.
    pub async fn resize(&self, columns: u32, rows: u32) -> Result<()> {
        self.channel
            .window_change(columns, rows, 0, 0)
            .await
            .map_err(|error| protocol(error, "shell", &self.on))
    }
}

async fn granted(output: &mut ChannelReadHalf, on: &str) -> Result<()> {
    loop {
        match output.wait().await {
            Some(ChannelMsg::Success) => return Ok(()),
            Some(ChannelMsg::Failure) => return Err(protocol(russh::Error::RequestDenied, "shell", on)),
            Some(_) => {}
            None => return Err(lost("shell", on)),
        }
    }
}

impl fmt::Debug for Shell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shell").field("on", &self.on).field("ended", &self.ended).finish_non_exhaustive()
    }
}

impl fmt::Debug for ShellInput {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ShellInput").field("on", &self.on).finish_non_exhaustive()
    }
}
