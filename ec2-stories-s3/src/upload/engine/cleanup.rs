//! Leaving nothing behind, or what can go on later.

use ec2_stories_core::{Error, ErrorKind, Result};
use tokio::time::Instant;

use super::{Job, Stage};

/// How often parts are removed that were on their way while others were.
const ROUNDS: u32 = 20;

impl Job {
    /// Removes the parts that were sent, and forgets the upload. Nothing of it may be running.
    pub(in super::super) async fn discard(&self) -> Result<()> {
        let stage = std::mem::take(&mut self.state().stage);
        match stage {
            Stage::Nothing => {}
            Stage::Creating(began) => self.sweep_empty(began).await?,
            Stage::Open(upload_id) => self.abort(&upload_id).await?,
        }
        match &self.journal {
            Some(journal) => journal.forget().await,
            None => Ok(()),
        }
    }

    /// Notes what S3 has, so that a later upload goes on.
    pub(in super::super) async fn keep(&self) -> Result<()> {
        let parts = self.state().parts.clone();
        match &self.journal {
            Some(journal) => journal.write_parts(&parts).await,
            None => self.discard().await,
        }
    }

    /// Aborts the upload until no part of it is left: one that was on its way may arrive later.
    pub(super) async fn abort(&self, upload_id: &str) -> Result<()> {
        let wire = &self.requests.wire;
        let mut patience = self.requests.patience();
        for _ in 0..ROUNDS {
            let asked = Instant::now();
            self.requests.repeat(|_| wire.abort(upload_id)).await?;
            let left = self.requests.repeat(|_| wire.list_parts(upload_id)).await?;
            let Some(left) = left.filter(|parts| !parts.is_empty()) else { return Ok(()) };
            let why = format!("{} parts are still there", left.len());
            let late = Error::new(ErrorKind::InUse, why).during("AbortMultipartUpload").on(upload_id);
            patience.after(late, asked).await?;
        }
        let why = "parts kept arriving; the bucket's rule for incomplete uploads removes them";
        Err(Error::new(ErrorKind::InUse, why).during("AbortMultipartUpload").on(upload_id))
    }

    /// What becomes of an upload that failed: its parts are removed, unless it can go on later.
    pub(in super::super) async fn failed(&self, error: Error) -> Error {
        let conflict = error.kind() == ErrorKind::Conflict;
        let settled = if conflict { self.discard().await } else { self.keep().await };
        if let Err(left) = settled {
            tracing::warn!(error = %left, "parts of a failed upload may be left");
        }
        error
    }
}
