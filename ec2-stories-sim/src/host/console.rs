//! A host's console: a file that its processes write to, and that says when it is up.

use std::any::Any;
use std::fs::{self, File};
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use tokio::process::Command;
use tokio::task::JoinSet;

use super::backend::{Guest, Machine};
use super::terminal;

const LOOK_AGAIN: Duration = Duration::from_millis(5);

/// The console of one boot.
pub(super) struct Console {
    path: PathBuf,
    folder: PathBuf,
    file: File,
    /// What was there of earlier boots, in bytes.
    start: usize,
}

impl Console {
    /// # Errors
    /// Why it cannot be opened.
    pub(super) fn open(guest: &Guest) -> Result<Self, String> {
        let path = guest.console();
        let file = File::options().create(true).append(true).open(&path);
        let file = file.map_err(|error| format!("{}: {error}", path.display()))?;
        let start = fs::read(&path).map_or(0, |text| text.len());
        Ok(Self { path, folder: guest.folder.clone(), file, start })
    }

    /// Makes it a terminal, for what will not write to anything else.
    ///
    /// # Errors
    /// There is no terminal left.
    pub(super) fn terminal(self, servers: &mut JoinSet<()>) -> Result<Self, String> {
        let (terminal, copy) = terminal::open(self.file).map_err(|error| format!("its console: {error}"))?;
        servers.spawn(copy);
        Ok(Self { file: terminal, ..self })
    }

    /// Starts a host's first process and waits until it says a line. The process sees the end of its standard input when
    /// this program ends, however that comes.
    ///
    /// # Errors
    /// It ended, or does not say it.
    pub(super) async fn boot(
        self,
        mut first: Command,
        servers: JoinSet<()>,
        held: Box<dyn Any + Send>,
        line: &str,
        patience: Duration,
    ) -> Result<Machine, String> {
        let unusable = |error: std::io::Error| format!("{}: {error}", self.path.display());
        let errors = self.file.try_clone().map_err(unusable)?;
        let output = self.file.try_clone().map_err(unusable)?;
        first.stdin(Stdio::piped()).stdout(output).stderr(errors).kill_on_drop(true);
        let mut child = first.spawn().map_err(|error| format!("its first process: {error}"))?;
        let lifeline = child.stdin.take();
        let wish = self.folder.join("run/ec2-stories/wish");
        let mut machine = Machine { child, init: false, wish, servers, held: Box::new((lifeline, held)) };
        let up = async {
            while !self.said(line) {
                tokio::time::sleep(LOOK_AGAIN).await;
            }
        };
        tokio::select! {
            () = up => Ok(machine),
            ended = machine.ended() => Err(format!("it did not boot ({ended:?}): {}", self.last_line())),
            () = tokio::time::sleep(patience) => {
                Err(format!("its sshd does not listen after {patience:?}: {}", self.last_line()))
            }
        }
    }

    fn said(&self, line: &str) -> bool {
        let text = fs::read(&self.path).unwrap_or_default();
        String::from_utf8_lossy(text.get(self.start..).unwrap_or_default()).contains(line)
    }

    fn last_line(&self) -> String {
        let text = fs::read(&self.path).unwrap_or_default();
        String::from_utf8_lossy(&text).lines().last().unwrap_or("its console is empty").to_owned()
    }
}
