//! Being told to stop.

use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::{Error, ErrorKind, Result};

/// Hears ctrl-C (SIGINT) and SIGTERM, from the moment it is made; the process no longer ends by itself at either.
#[derive(Debug)]
pub struct Interrupts {
    interrupt: Signal,
    terminate: Signal,
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
        Ok(Self { interrupt: listen(SignalKind::interrupt())?, terminate: listen(SignalKind::terminate())? })
    }

    /// Ends at the next one. Cancel-safe: one that comes between two calls is not lost.
    pub async fn next(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}
