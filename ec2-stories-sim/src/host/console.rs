//! A host's console: a file that its processes write to, and the wait until the host is up.

use std::any::Any;
use std::fs::{self, File};
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use nix::unistd::Pid;
use tokio::process::Command;
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::backend::{Ended, Guest, Machine};
use super::terminal;

const LOOK_AGAIN: Duration = Duration::from_millis(5);

/// How one sees that a host is up.
#[derive(Clone, Copy, Debug)]
pub(super) enum Up<'a> {
    /// Its first process says this line.
    Says(&'a str),
    /// Its first process is a system's init, and something listens at this port.
    Listens(u16),
}

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
        let file = File::options().create(true).read(true).append(true).open(&path);
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

    /// Starts a host's first process and waits until the host is up. The process sees the end of its standard input when
    /// this program ends, however that comes.
    ///
    /// # Errors
    /// It ended, or does not come up.
    pub(super) async fn boot(
        self,
        mut first: Command,
        servers: JoinSet<()>,
        held: Box<dyn Any + Send>,
        up: Up<'_>,
        patience: Duration,
    ) -> Result<Machine, Ended> {
        let unusable = |error: std::io::Error| format!("{}: {error}", self.path.display());
        let errors = self.file.try_clone().map_err(unusable)?;
        let output = self.file.try_clone().map_err(unusable)?;
        first.stdin(Stdio::piped()).stdout(output).stderr(errors).kill_on_drop(true);
        let mut child = first.spawn().map_err(|error| format!("its first process: {error}"))?;
        let lifeline = child.stdin.take();
        let wish = self.folder.join("run/ec2-stories/wish");
        let init = matches!(up, Up::Listens(_));
        let mut machine = Machine { child, init, wish, servers, held: Box::new((lifeline, held)) };
        let begun = Instant::now();
        loop {
            let is_up = match up {
                Up::Says(line) => self.said(line),
                Up::Listens(port) => machine.init().is_some_and(|init| listens(init, port)),
            };
            if is_up {
                return Ok(machine);
            }
            if begun.elapsed() > patience {
                let why = format!("its sshd does not listen after {patience:?}: {}", self.last_line());
                return Err(Ended::Died(why));
            }
            tokio::select! {
                ended = machine.ended() => return Err(match ended {
                    Ended::Died(why) => Ended::Died(format!("it did not boot, {why}: {}", self.last_line())),
                    asked => asked,
                }),
                () = tokio::time::sleep(LOOK_AGAIN) => {}
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

/// Source: proc_net_tcp in the kernel's documentation: addresses and ports in hexadecimal, and the state, of which 0A is LISTEN.
fn listens(process: Pid, port: u16) -> bool {
    let port = format!(":{port:04X}");
    let sockets = ["tcp", "tcp6"]
        .map(|name| fs::read_to_string(format!("/proc/{process}/net/{name}")).unwrap_or_default());
    let listens = |socket: &str| {
        let mut columns = socket.split_whitespace().skip(1);
        columns.next().is_some_and(|local| local.ends_with(&port)) && columns.nth(1) == Some("0A")
    };
    sockets.iter().flat_map(|sockets| sockets.lines()).any(listens)
}
