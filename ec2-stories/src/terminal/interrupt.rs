//! Being told to stop.

use std::process::ExitCode;

use tokio::signal::unix::{Signal, SignalKind, signal};

use super::note;
use crate::{Error, ErrorKind, Result};

/// Hears ctrl-C (SIGINT), SIGTERM and the terminal's end (SIGHUP), from the moment it is made; the process no longer ends by
/// itself at any of them.
#[derive(Debug)]
pub struct Interrupts {
    interrupt: Signal,
    terminate: Signal,
    hang_up: Signal,
}

impl Interrupts {
    /// Starts to listen.
    ///
    /// # Errors
    /// [`ErrorKind::Io`] where no signal handler can be installed.
    pub fn listen() -> Result<Self> {
        let listen = |kind| {
            signal(kind).map_err(|error| {
                Error::new(ErrorKind::Io, "no signal handler").during("listen for interrupts").because(error)
            })
        };
        Ok(Self {
            interrupt: listen(SignalKind::interrupt())?,
            terminate: listen(SignalKind::terminate())?,
            hang_up: listen(SignalKind::hangup())?,
        })
    }

    /// Ends at the next one. Cancel-safe: one that comes between two calls is not lost.
    pub async fn next(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
            _ = self.hang_up.recv() => {}
        }
    }
}

/// Says that the program was interrupted, and gives the exit code for that: 128 and SIGINT's number, as shells have it.
pub fn interrupted() -> ExitCode {
    note("interrupted");
    ExitCode::from(130)
}
