//! Uploads that were never completed: their parts are billed until somebody removes them.

use std::time::Duration;

use aws_sdk_s3::types::{EncodingType, MultipartUpload};
use ec2_stories_core::{Error, ErrorKind, Result};
use jiff::Timestamp;
use tokio::time::sleep;

use crate::api::Call;
use crate::bucket::Bucket;
use crate::object::key::as_sent;
use crate::object::timestamp;

/// How often an upload is removed whose parts still arrive.
const ABORTS: u32 = 8;

/// An upload that was begun and not completed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StaleUpload {
    /// The key that it was for.
    pub key: String,
    /// Its id.
    pub upload_id: String,
    /// When it began.
    pub initiated: Option<Timestamp>,
}

impl Bucket {
    /// The uploads below `prefix` that began at least this long ago and were not completed.
    ///
    /// # Errors
    /// The service's own.
    pub async fn stale_uploads(&self, prefix: &str, older_than: Duration) -> Result<Vec<StaleUpload>> {
        let now = self.s3().now();
        let mut stale = Vec::new();
        let mut after = (None, None);
        loop {
            let (key, id) = after;
            let list = self
                .s3()
                .sdk()
                .list_multipart_uploads()
                .bucket(self.name())
                .encoding_type(EncodingType::Url)
                .prefix(prefix)
                .set_key_marker(key)
                .set_upload_id_marker(id)
                .send();
            let call = Call::reading("ListMultipartUploads", self.object_address(prefix));
            let page = self.s3().api().call(call, list).await?;
            let encoded = page.encoding_type.is_some();
            let uploads = page.uploads.unwrap_or_default().into_iter();
            let uploads = uploads.filter_map(|upload| StaleUpload::read(upload, encoded));
            stale.extend(uploads.filter(|upload| upload.is_older(older_than, now)));
            if page.is_truncated != Some(true) {
                return Ok(stale);
            }
            after = (page.next_key_marker.map(|key| as_sent(key, encoded)), page.next_upload_id_marker);
        }
    }

    /// Removes these uploads with all their parts, and returns them.
    ///
    /// # Errors
    /// The service's own; what was not reached yet is still there then.
    pub async fn gc(&self, prefix: &str, older_than: Duration) -> Result<Vec<StaleUpload>> {
        let stale = self.stale_uploads(prefix, older_than).await?;
        for upload in &stale {
            self.abort_upload(&upload.key, &upload.upload_id).await?;
        }
        Ok(stale)
    }

    /// Removes an upload until none of its parts are left: a part that was under way may arrive after an abort.
    pub(crate) async fn abort_upload(&self, key: &str, id: &str) -> Result<()> {
        let address = self.object_address(key);
        for _ in 0..ABORTS {
            let abort = self.s3().sdk().abort_multipart_upload().bucket(self.name()).key(key).upload_id(id);
            let call = Call::changing("AbortMultipartUpload", &address);
            match self.s3().api().call(call, abort.send()).await {
                Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
                answer => answer.map(drop)?,
            }
            let list = self.s3().sdk().list_parts().bucket(self.name()).key(key).upload_id(id).send();
            match self.s3().api().call(Call::reading("ListParts", &address), list).await {
                Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
                Ok(left) if left.parts().is_empty() => return Ok(()),
                answer => answer.map(drop)?,
            }
            sleep(Duration::from_secs(1)).await;
        }
        let why = "parts keep arriving: stop the upload first";
        Err(Error::new(ErrorKind::InUse, why).during("AbortMultipartUpload").on(address))
    }
}

impl StaleUpload {
    fn read(upload: MultipartUpload, encoded: bool) -> Option<Self> {
        Some(Self {
            key: as_sent(upload.key?, encoded),
            upload_id: upload.upload_id?,
            initiated: timestamp(upload.initiated),
        })
    }

    /// One that does not say when it began is as old as it takes to be removed on demand, and no older.
    fn is_older(&self, than: Duration, now: Option<Timestamp>) -> bool {
        let age = self
            .initiated
            .zip(now)
            .and_then(|(begin, now)| Duration::try_from(now.duration_since(begin)).ok());
        age.unwrap_or(Duration::ZERO) >= than
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn age_is_counted_from_the_beginning() {
        let at = |text: &str| -> Timestamp { text.parse().unwrap() };
        let begun = |initiated| StaleUpload { key: "k".to_owned(), upload_id: "u".to_owned(), initiated };
        let noon = Some(at("2026-11-22T12:00:00Z"));
        let hour = Duration::from_secs(3_600);
        assert!(begun(Some(at("2026-11-22T11:00:00Z"))).is_older(hour, noon));
        assert!(!begun(Some(at("2026-11-22T11:00:01Z"))).is_older(hour, noon));
        // The server's clock may be ahead.
        assert!(begun(Some(at("2026-11-22T12:00:01Z"))).is_older(Duration::ZERO, noon));
        assert!(!begun(None).is_older(hour, noon));
    }
}
