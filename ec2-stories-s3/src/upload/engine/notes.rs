//! Notes of acknowledged parts, written while others are sent.

use std::collections::BTreeSet;

use ec2_stories_core::Result;
use futures::FutureExt;
use futures::future::BoxFuture;

use super::super::journal::{Journal, Parts, together};

/// Writes one batch of notes at a time; what is acknowledged meanwhile is in the next.
///
/// They are a help, not a promise: what is not noted is found by asking S3, or sent again. So a note that cannot be written does
/// not end the upload.
pub(super) struct Notes {
    journal: Option<Journal>,
    changed: BTreeSet<u32>,
    writing: Option<BoxFuture<'static, Result<()>>>,
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
        if let Err(error) = writing.await {
            tracing::warn!(%error, "acknowledged parts could not be noted");
        }
        self.writing = None;
    }

    /// Begins the next batch, unless one is being written.
    pub(super) fn begin(&mut self, parts: &Parts) {
        let idle = self.writing.is_none() && !self.changed.is_empty();
        let Some(journal) = self.journal.clone().filter(|_| idle) else { return };
        let parts = together(parts, &std::mem::take(&mut self.changed));
        self.writing = Some(async move { journal.write_parts(&parts).await }.boxed());
    }
}
