//! A command for a host.

mod capture;
mod exit;
mod lines;
mod quoting;
mod running;
mod wrapper;

use std::ffi::OsStr;
use std::fmt;
use std::os::unix::ffi::OsStrExt;
use std::time::Duration;

use bytes::Bytes;
use secrecy::SecretString;

pub use capture::{Captured, Chunk, Output};
pub use exit::Exit;
pub use lines::LineBuffer;
pub use quoting::quote;
pub use running::Running;
pub(crate) use wrapper::terminal_line;

/// Bytes of each stream that are kept where not said otherwise.
const KEEP: usize = 1024 * 1024;
/// How long a host may take to start a command: sudo may have to ask a directory on the network for the user.
const START: Duration = Duration::from_secs(120);
/// How long a command that is ended may take to end by itself.
const GRACE: Duration = Duration::from_secs(5);

/// A command: a program and its arguments, which reach it byte for byte, whatever is in them.
#[derive(Clone)]
pub struct Command {
    words: Vec<Vec<u8>>,
    variables: Vec<(String, Vec<u8>)>,
    secrets: Vec<(String, SecretString)>,
    directory: Option<Vec<u8>>,
    stdin: Bytes,
    user: Option<String>,
    timeout: Option<Duration>,
    start: Duration,
    grace: Duration,
    keep: usize,
}

impl Command {
    /// Runs a program.
    pub fn new(program: impl AsRef<OsStr>) -> Self {
        Self {
            words: vec![program.as_ref().as_bytes().to_vec()],
            variables: Vec::new(),
            secrets: Vec::new(),
            directory: None,
            stdin: Bytes::new(),
            user: None,
            timeout: None,
            start: START,
            grace: GRACE,
            keep: KEEP,
        }
    }

    /// Runs a script in the host's `/bin/sh`. Its arguments are `$1` and so on.
    pub fn shell(script: impl AsRef<OsStr>) -> Self {
        Self::new("/bin/sh").arg("-c").arg(script).arg("sh")
    }

    /// Adds an argument. Other users of the host can see it: no place for a secret.
    #[must_use]
    pub fn arg(mut self, argument: impl AsRef<OsStr>) -> Self {
        self.words.push(argument.as_ref().as_bytes().to_vec());
        self
    }

    /// Adds arguments.
    #[must_use]
    pub fn args<A: AsRef<OsStr>>(mut self, arguments: impl IntoIterator<Item = A>) -> Self {
        self.words.extend(arguments.into_iter().map(|argument| argument.as_ref().as_bytes().to_vec()));
        self
    }

    /// Sets an environment variable. Other users of the host can see it for a moment: no place for a secret.
    #[must_use]
    pub fn env(mut self, name: impl Into<String>, value: impl AsRef<OsStr>) -> Self {
        self.variables.push((name.into(), value.as_ref().as_bytes().to_vec()));
        self
    }

    /// Sets an environment variable to a secret, which no other user of the host sees. It is one line.
    #[must_use]
    pub fn secret_env(mut self, name: impl Into<String>, value: SecretString) -> Self {
        self.secrets.push((name.into(), value));
        self
    }

    /// Runs it in this directory. The user's home where not said.
    #[must_use]
    pub fn directory(mut self, path: impl AsRef<OsStr>) -> Self {
        self.directory = Some(path.as_ref().as_bytes().to_vec());
        self
    }

    /// Gives it this to read. Nothing where not said.
    #[must_use]
    pub fn stdin(mut self, bytes: impl Into<Bytes>) -> Self {
        self.stdin = bytes.into();
        self
    }

    /// Runs it as root: with `sudo -n` unless the session is root's.
    #[must_use]
    pub fn as_root(self) -> Self {
        self.as_user("root")
    }

    /// Runs it as this user: with `sudo -n` unless the session is that user's.
    #[must_use]
    pub fn as_user(mut self, user: impl Into<String>) -> Self {
        self.user = Some(user.into());
        self
    }

    /// Ends it on the host after this long.
    #[must_use]
    pub fn timeout(mut self, after: Duration) -> Self {
        self.timeout = Some(after);
        self
    }

    /// How long the host may take to start it, with what its login shell and sudo do before. 2 min where not said.
    #[must_use]
    pub fn start_within(mut self, limit: Duration) -> Self {
        self.start = limit;
        self
    }

    /// How long it may take to end by itself when it is ended (SIGTERM), before it is made to (SIGKILL). 5 s where not said.
    #[must_use]
    pub fn grace(mut self, grace: Duration) -> Self {
        self.grace = grace;
        self
    }

    /// Keeps at most this many bytes of each of its outputs, the first and the last of them. 1 MiB where not said.
    #[must_use]
    pub fn keep(mut self, bytes: usize) -> Self {
        self.keep = bytes;
        self
    }
}

impl fmt::Display for Command {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, word) in self.words.iter().enumerate() {
            let space = if at == 0 { "" } else { " " };
            write!(f, "{space}{}", String::from_utf8_lossy(&quote(word)))?;
        }
        Ok(())
    }
}

/// Without secrets and standard input.
impl fmt::Debug for Command {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let secrets: Vec<&String> = self.secrets.iter().map(|(name, _)| name).collect();
        f.debug_struct("Command")
            .field("line", &self.to_string())
            .field("secrets", &secrets)
            .field("stdin", &format_args!("{} bytes", self.stdin.len()))
            .field("user", &self.user)
            .field("timeout", &self.timeout)
            .finish_non_exhaustive()
    }
}
