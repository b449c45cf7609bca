//! How far an upload is.

use std::sync::atomic::{AtomicU64, Ordering};

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
pub(crate) struct Meter {
    progress: watch::Sender<Progress>,
    /// Acknowledged since the upload began last.
    acknowledged: AtomicU64,
}

impl Meter {
    pub(crate) fn new(total: Option<u64>) -> Self {
        let progress = watch::Sender::new(Progress { total, ..Progress::default() });
        Self { progress, acknowledged: AtomicU64::new(0) }
    }

    pub(crate) fn watch(&self) -> watch::Receiver<Progress> {
        self.progress.subscribe()
    }

    pub(crate) fn now(&self) -> Progress {
        *self.progress.borrow()
    }

    pub(crate) fn read(&self, bytes: u64) {
        // What is read once more, to be sent once more, is no news.
        self.progress.send_modify(|progress| {
            progress.read = (progress.read + bytes).min(progress.total.unwrap_or(u64::MAX));
        });
    }

    pub(crate) fn sent(&self, bytes: u64) {
        self.progress.send_modify(|progress| progress.sent += bytes);
    }

    pub(crate) fn acknowledged(&self, bytes: u64) {
        let all = self.acknowledged.fetch_add(bytes, Ordering::Relaxed) + bytes;
        self.progress.send_modify(|progress| progress.acknowledged = progress.acknowledged.max(all));
    }

    /// What was acknowledged is gone: the upload begins anew.
    pub(crate) fn begin_anew(&self) {
        self.acknowledged.store(0, Ordering::Relaxed);
    }

    pub(crate) fn total(&self, bytes: u64) {
        self.progress.send_modify(|progress| progress.total = Some(bytes));
    }

    /// All of it is there.
    pub(crate) fn complete(&self, bytes: u64) {
        self.progress.send_modify(|progress| {
            progress.acknowledged = bytes;
            progress.total = Some(bytes);
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn acknowledged_bytes_never_go_back_when_an_upload_begins_anew() {
        let meter = Meter::new(Some(10));
        meter.acknowledged(6);
        meter.begin_anew();
        meter.acknowledged(4);
        assert_eq!(meter.now().acknowledged, 6);
        meter.acknowledged(6);
        assert_eq!(meter.now().acknowledged, 10);
        meter.read(10);
        meter.read(4);
        assert_eq!(meter.now().read, 10);
    }
}
