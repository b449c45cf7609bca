//! Whether tokio's clock runs.

use std::sync::mpsc;
use std::time::Duration;

use ec2_stories_core::{Error, ErrorKind, Result};
use tokio::runtime::Handle;
use tokio::time::Instant;

/// Long enough for any clock to move.
const MOMENT: Duration = Duration::from_millis(2);

/// Processes do not wait for a clock that a test moves.
pub(super) fn check() -> Result<()> {
    if Handle::try_current().is_err() {
        let message = "hosts need a tokio runtime: call this inside of one";
        return Err(Error::new(ErrorKind::Unsupported, message));
    }
    let before = Instant::now();
    // Tokio cannot be asked whether it is paused. Waiting for a message that never comes takes real time.
    let (_silent, never) = mpsc::channel::<()>();
    let _ = never.recv_timeout(MOMENT);
    if before.elapsed().is_zero() {
        let message = "hosts need real time, and tokio's clock is paused: leave `start_paused` away, and shorten the \
                       simulation's own times with `Latencies` or `time_scale`";
        return Err(Error::new(ErrorKind::Unsupported, message));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_paused_clock_is_refused() {
        let error = check().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unsupported);
        assert!(error.to_string().contains("start_paused"), "{error}");
    }

    #[tokio::test]
    async fn a_clock_that_runs_is_fine() {
        check().unwrap();
    }

    #[test]
    fn without_a_runtime_nothing_goes() {
        assert!(check().unwrap_err().to_string().contains("runtime"));
    }
}
