//! `ec2-stories shell`

use std::io::{IsTerminal, Read, Write};

use crossterm::terminal;
use ec2_stories::ssh::{Exit as Ended, Pty, Session as Login, Shell, ShellEvent};
use ec2_stories::terminal::{Interrupts, note};
use ec2_stories::{Error, ErrorKind, Result};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc;

use crate::args::ShellArgs;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::nodes;
use crate::session::Session;

/// What a terminal is taken for that says no size.
const SIZE: (u16, u16) = (80, 24);

pub(crate) async fn run(args: ShellArgs) -> Result<Exit, Failure> {
    if !std::io::stdin().is_terminal() {
        return Err(Failure::new(Exit::Usage, "a shell needs a terminal: use `ec2-stories run` in scripts"));
    }
    let session = Session::open_lasting(args.on)?;
    let (nodes, ways) = nodes::find(&session, &args.node.into()).await?;
    let Some(node) = nodes.first() else {
        return Err(Failure::new(Exit::Failed, "no such node runs"));
    };
    let login = nodes::log_in(&ways, node).await?;
    let ended = converse(&login).await;
    login.close().await;
    Ok(match ended? {
        Some(exit) if exit.is_success() => Exit::Done,
        Some(exit) => {
            note(format_args!("{}: the shell ended with {exit}", node.address));
            Exit::Failed
        }
        None => Exit::Interrupted,
    })
}

/// Passes all that is typed and shown, until the shell ends, or this program is told to.
async fn converse(login: &Login) -> Result<Option<Ended>> {
    let failed = |error| Error::new(ErrorKind::Io, "the terminal cannot be used").because(error);
    let (columns, rows) = terminal::size().unwrap_or(SIZE);
    let term = std::env::var("TERM").unwrap_or_else(|_| "xterm".to_owned());
    let pty = Pty { term, columns: columns.into(), rows: rows.into() };
    let mut interrupts = Interrupts::listen()?;
    let mut resized = signal(SignalKind::window_change()).map_err(failed)?;
    let mut shell = login.shell(&pty, None).await?;
    let _raw = Raw::enter().map_err(failed)?;
    let mut typed = typed();
    let input = shell.input();
    loop {
        tokio::select! {
            event = shell.next() => match event? {
                Some(ShellEvent::Output(bytes)) => show(&bytes).map_err(failed)?,
                Some(ShellEvent::Exit(exit)) => return drain(&mut shell, exit).await,
                None => return Ok(None),
            },
            Some(bytes) = typed.recv() => input.send(bytes).await?,
            _ = resized.recv() => {
                let (columns, rows) = terminal::size().unwrap_or(SIZE);
                input.resize(columns.into(), rows.into()).await?;
            }
            () = interrupts.next() => return Ok(None),
        }
    }
}

/// What was said before the end is shown before it.
async fn drain(shell: &mut Shell, exit: Ended) -> Result<Option<Ended>> {
    while let Some(event) = shell.next().await? {
        if let ShellEvent::Output(bytes) = event {
            drop(show(&bytes));
        }
    }
    Ok(Some(exit))
}

fn show(bytes: &[u8]) -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    out.write_all(bytes)?;
    out.flush()
}

/// What is typed. A thread of its own: one that waits for a key would hold up the runtime's end.
fn typed() -> mpsc::Receiver<Vec<u8>> {
    let (sender, receiver) = mpsc::channel(16);
    std::thread::spawn(move || {
        let mut buffer = [0; 4096];
        while let Ok(read @ 1..) = std::io::stdin().read(&mut buffer) {
            if sender.blocking_send(buffer[..read].to_vec()).is_err() {
                return;
            }
        }
    });
    receiver
}

/// The terminal as it is for a remote shell; dropped, it is as it was.
struct Raw;

impl Raw {
    fn enter() -> std::io::Result<Self> {
        terminal::enable_raw_mode().map(|()| Self)
    }
}

impl Drop for Raw {
    fn drop(&mut self) {
        drop(terminal::disable_raw_mode());
    }
}
