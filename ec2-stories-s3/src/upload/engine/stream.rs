//! Streams, of which nobody knows how long they are.

use std::sync::Arc;

use ec2_stories_core::Result;

use super::super::handle::Uploaded;
use super::super::spec::Reader;
use super::super::spool::Spool;
use super::Job;
use super::feed::Feed;
use super::look::check_expected;

impl Job {
    /// What was read is gone from the stream: it cannot begin anew.
    pub(super) async fn upload_stream(&self, reader: Reader) -> Result<Uploaded> {
        let target = &self.requests.wire.target;
        if target.create_only || target.replaces.is_some() {
            check_expected(target, self.head().await?.as_ref())?;
        }
        let mut spool = Spool::new(reader, self.part_size, self.buffers.clone(), Arc::clone(&self.meter));
        let first = spool.next().await?;
        if let Some(whole) = first.as_ref().filter(|first| first.last) {
            return Ok(self.put_whole(&whole.span, whole.crc).await?);
        }
        let session = self.create(None).await?;
        let (parts, sum) = self.transfer(&session.upload_id, Feed::Stream { first, spool }).await?;
        let uploaded = self.complete(&session, parts, &sum).await?;
        self.meter.complete(uploaded.size);
        Ok(uploaded)
    }
}
