//! Being told to stop.

use tokio::signal::unix::{SignalKind, signal};

/// Ends at the next ctrl-C (SIGINT) or SIGTERM. Cancel-safe; each call waits for a new one.
///
/// After the first call the process no longer ends by itself at either.
///
/// # Errors
/// [`ErrorKind::Io`](crate::ErrorKind::Io) where no signal handler can be installed.
pub async fn interrupted() -> crate::Result<()> {
    let listen = |kind| {
        signal(kind).map_err(|error| {
            crate::Error::new(crate::ErrorKind::Io, "no signal handler").during("interrupted").because(error)
        })
    };
    let (mut interrupt, mut terminate) = (listen(SignalKind::interrupt())?, listen(SignalKind::terminate())?);
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
    Ok(())
}
