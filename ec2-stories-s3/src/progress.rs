//! How far a transfer is.

use futures::{Stream, stream};
use serde::{Deserialize, Serialize};
use tokio::sync::watch;

/// How far a transfer is, in bytes of the object. No number ever goes back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Progress {
    /// Its size, where that is known.
    pub total: Option<u64>,
    /// Read: from the file or stream on the way up, from S3 on the way down.
    pub read: u64,
    /// Given away: to the network on the way up, to the file on the way down.
    pub sent: u64,
    /// Safe at the other end. Only this moves a bar.
    pub acknowledged: u64,
}

/// Where a transfer says how far it is.
pub type ProgressSender = watch::Sender<Progress>;

/// A sender, and the stream of what it says. Whoever is slow sees the latest only; the stream ends with the transfer.
#[must_use]
pub fn progress() -> (ProgressSender, impl Stream<Item = Progress> + Send + Unpin) {
    let (sender, receiver) = watch::channel(Progress::default());
    let events = stream::unfold(receiver, async |mut receiver| {
        receiver.changed().await.ok()?;
        let latest = *receiver.borrow_and_update();
        Some((latest, receiver))
    });
    (sender, Box::pin(events))
}

#[cfg(test)]
mod tests {
    use futures::StreamExt;

    use super::*;

    #[tokio::test]
    async fn the_latest_is_seen_and_the_end_is_an_end() {
        let (sender, mut events) = progress();
        sender.send_modify(|progress| progress.read = 1);
        sender.send_modify(|progress| progress.read = 2);
        assert_eq!(events.next().await.unwrap().read, 2);
        drop(sender);
        assert_eq!(events.next().await, None);
    }
}
