//! How far a transfer is.

use futures::{Stream, stream};
use tokio::sync::watch;

use crate::upload::Progress;

/// Where a transfer says how far it is.
pub type ProgressSender = watch::Sender<Progress>;

/// A sender, and the stream of what it says. Whoever is slow sees the latest only; the stream ends with the transfer.
pub fn progress() -> (ProgressSender, impl Stream<Item = Progress> + Send + Unpin) {
    let (sender, receiver) = watch::channel(Progress::default());
    (sender, watched(receiver))
}

/// What a channel says, as a stream: of an upload under way, for one.
pub fn watched(receiver: watch::Receiver<Progress>) -> impl Stream<Item = Progress> + Send + Unpin {
    let events = stream::unfold(receiver, async |mut receiver| {
        receiver.changed().await.ok()?;
        let latest = *receiver.borrow_and_update();
        Some((latest, receiver))
    });
    Box::pin(events)
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
