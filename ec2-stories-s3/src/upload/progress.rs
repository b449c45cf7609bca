//! How far an upload is.

use tokio::sync::watch;

/// How far an upload is, in bytes. A bar shows `acknowledged`; what was merely sent may have to be sent again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// Read from the source at least once.
    pub read: u64,
    /// Handed to connections, repetitions included: it may grow beyond `total`.
    pub sent: u64,
    /// Acknowledged by S3, or found there. It never goes back within an upload.
    pub acknowledged: u64,
    /// The content's size; `None` while nobody knows it.
    pub total: Option<u64>,
}

/// Counts, and tells whoever watches.
#[derive(Debug)]
pub(crate) struct Meter(watch::Sender<Progress>);

impl Meter {
    pub(crate) fn new(total: Option<u64>) -> Self {
        Self(watch::Sender::new(Progress { total, ..Progress::default() }))
    }

    pub(crate) fn watch(&self) -> watch::Receiver<Progress> {
        self.0.subscribe()
    }

    pub(crate) fn now(&self) -> Progress {
        *self.0.borrow()
    }

    pub(crate) fn read(&self, bytes: u64) {
        self.0.send_modify(|progress| progress.read += bytes);
    }

    pub(crate) fn sent(&self, bytes: u64) {
        self.0.send_modify(|progress| progress.sent += bytes);
    }

    pub(crate) fn acknowledged(&self, bytes: u64) {
        self.0.send_modify(|progress| progress.acknowledged += bytes);
    }

    pub(crate) fn total(&self, bytes: u64) {
        self.0.send_modify(|progress| progress.total = Some(bytes));
    }

    /// All of it is there.
    pub(crate) fn complete(&self, bytes: u64) {
        self.0.send_modify(|progress| {
            progress.acknowledged = bytes;
            progress.total = Some(bytes);
        });
    }
}
