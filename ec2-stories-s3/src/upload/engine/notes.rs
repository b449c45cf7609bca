//! Notes of acknowledged parts, written while others are sent.

use std::collections::BTreeSet;

use ec2_stories_core::Result;
use tokio::task::JoinHandle;

use super::super::journal::{Journal, Parts, together};

/// Writes one batch of notes at a time; what is acknowledged meanwhile is in the next.
///
/// They are a help, not a promise: what is not noted is found by asking S3, or sent again. So a note that cannot be written does
/// not end the upload.
pub(super) struct Notes {
    journal: Option<Journal>,
    changed: BTreeSet<u32>,
    writing: Option<JoinHandle<Result<()>>>,
}

impl Notes {
    pub(super) fn new(journal: Option<Journal>) -> Self {
        Self { journal, changed: BTreeSet::new(), writing: None }
    }

    /// A part was acknowledged, one of `parts`.
    pub(super) fn add(&mut self, number: u32, parts: &Parts) {
        if self.journal.is_some() {
            self.changed.insert(number);
            self.begin(parts);
        }
    }

    pub(super) fn are_written(&self) -> bool {
        self.writing.is_none()
    }

    /// Ends when a batch is written; never where none is. Cancel-safe.
    pub(super) async fn written(&mut self) {
        let Some(writing) = &mut self.writing else { return std::future::pending().await };
        match writing.await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::warn!(%error, "acknowledged parts could not be noted"),
            Err(error) => tracing::warn!(%error, "noting acknowledged parts did not end well"),
        }
        self.writing = None;
    }

    /// Begins the next batch, unless one is being written.
    pub(super) fn begin(&mut self, parts: &Parts) {
        let idle = self.writing.is_none() && !self.changed.is_empty();
        let Some(journal) = self.journal.as_ref().filter(|_| idle) else { return };
        let parts = together(parts, &std::mem::take(&mut self.changed));
        self.writing = journal.note(parts);
    }
}
