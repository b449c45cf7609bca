//! Emptying and removing a bucket.

use std::time::Duration;

use aws_sdk_s3::types::{Delete, EncodingType, ObjectIdentifier};
use ec2_stories_core::{Error, ErrorKind, Result};
use futures::StreamExt;

use super::Bucket;
use crate::api::Call;
use crate::object::key::{as_sent, fits_xml};

/// What emptying a bucket did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Emptied {
    /// How many objects, versions and delete markers were removed.
    pub removed: u64,
    /// How many uploads that were never completed were removed.
    pub aborted: u64,
    /// What could not be removed.
    pub failed: Vec<KeyFailure>,
}

/// An object that could not be removed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyFailure {
    /// Its key.
    pub key: String,
    /// Its version, where the bucket keeps versions.
    pub version: Option<String>,
    /// Why, in the server's words.
    pub why: String,
}

/// A version of an object.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Doomed {
    key: String,
    version: Option<String>,
}

impl Bucket {
    /// Removes everything in it: objects with all their versions, delete markers, and parts of uploads that were never
    /// completed.
    ///
    /// # Errors
    /// The service's own for the bucket; what fails for single objects is in the answer.
    pub async fn empty(&self) -> Result<Emptied> {
        let mut emptied = Emptied::default();
        let mut after = (None, None);
        loop {
            let (page, next) = self.versions_page(after).await?;
            self.remove_all(page, &mut emptied).await?;
            match next {
                Some(next) => after = next,
                None => break,
            }
        }
        emptied.aborted = self.gc("", Duration::ZERO).await?.len() as u64;
        Ok(emptied)
    }

    /// Removes the objects whose keys begin with `prefix`, in batches. A bucket that keeps versions keeps theirs.
    ///
    /// # Errors
    /// The service's own for the bucket; what fails for single objects is in the answer.
    pub async fn delete_below(&self, prefix: &str) -> Result<Emptied> {
        let mut emptied = Emptied::default();
        let mut pages = self.list(prefix).chunks(1_000);
        while let Some(page) = pages.next().await {
            let page: Result<Vec<_>> =
                page.into_iter().map(|object| Ok(Doomed { key: object?.key, version: None })).collect();
            self.remove_all(page?, &mut emptied).await?;
        }
        Ok(emptied)
    }

    /// Removes the bucket, which must be empty. One that is not there is a success.
    ///
    /// # Errors
    /// [`InUse`](ErrorKind::InUse) while something is in it, and the service's own.
    pub async fn delete_bucket(&self) -> Result<()> {
        let delete = self.s3.sdk().delete_bucket().bucket(self.name()).send();
        match self.s3.api().call(self.change("DeleteBucket"), delete).await {
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
            answer => answer.map(drop),
        }
    }

    /// Empties the bucket and removes it. One that is not there is a success.
    ///
    /// # Errors
    /// [`Failed`](ErrorKind::Failed) naming an object that could not be removed, and the service's own.
    pub async fn remove(&self) -> Result<()> {
        let emptied = match self.empty().await {
            Err(error) if error.api_code() == Some("NoSuchBucket") => return Ok(()),
            emptied => emptied?,
        };
        match emptied.failed.first() {
            None => self.delete_bucket().await,
            Some(first) => {
                let why =
                    format!("{} objects could not be removed, one is {:?}", emptied.failed.len(), first.key);
                let why = format!("{why}: {}", first.why);
                Err(Error::new(ErrorKind::Failed, why).during("empty").on(self.address()))
            }
        }
    }

    /// At most 1,000 versions, and where to go on.
    async fn versions_page(&self, after: Marker) -> Result<(Vec<Doomed>, Option<Marker>)> {
        let (key, version) = after;
        let list = self
            .s3
            .sdk()
            .list_object_versions()
            .bucket(self.name())
            .encoding_type(EncodingType::Url)
            .set_key_marker(key)
            .set_version_id_marker(version)
            .send();
        let page = match self.s3.api().call(self.look("ListObjectVersions"), list).await {
            Err(error) if self.lacks(&error) => return Ok((self.objects().await?, None)),
            page => page?,
        };
        let encoded = page.encoding_type.is_some();
        let versions = page.versions.unwrap_or_default().into_iter().map(|v| (v.key, v.version_id));
        let markers = page.delete_markers.unwrap_or_default().into_iter().map(|m| (m.key, m.version_id));
        let doomed = versions.chain(markers).filter_map(|(key, version)| {
            let version = version.filter(|version| is_named(version, self.s3.is_aws()));
            Some(Doomed { key: as_sent(key?, encoded), version })
        });
        let doomed: Vec<Doomed> = doomed.collect();
        let next_key = page.next_key_marker.map(|key| as_sent(key, encoded));
        let next = (page.is_truncated == Some(true)).then_some((next_key, page.next_version_id_marker));
        Ok((doomed, next))
    }

    /// What is in a bucket of a server that knows no versions.
    async fn objects(&self) -> Result<Vec<Doomed>> {
        let mut all = Vec::new();
        let mut listed = self.list("");
        while let Some(object) = listed.next().await {
            all.push(Doomed { key: object?.key, version: None });
        }
        Ok(all)
    }

    async fn remove_all(&self, all: Vec<Doomed>, emptied: &mut Emptied) -> Result<()> {
        let (batch, alone): (Vec<_>, Vec<_>) = all.into_iter().partition(|doomed| fits_xml(&doomed.key));
        self.remove_batch(&batch, emptied).await?;
        for doomed in alone {
            self.remove_alone(doomed, emptied).await;
        }
        Ok(())
    }

    async fn remove_batch(&self, batch: &[Doomed], emptied: &mut Emptied) -> Result<()> {
        // The API takes no more at once.
        for batch in batch.chunks(1_000) {
            let identifiers = batch.iter().map(|doomed| {
                ObjectIdentifier::builder().key(&doomed.key).set_version_id(doomed.version.clone()).build()
            });
            let identifiers: Result<Vec<_>, _> = identifiers.collect();
            let delete =
                identifiers.and_then(|all| Delete::builder().quiet(true).set_objects(Some(all)).build());
            let delete =
                delete.map_err(|error| Error::new(ErrorKind::Unexpected, "no key").because(error))?;
            let request = self.s3.sdk().delete_objects().bucket(self.name()).delete(delete).send();
            let reply = self.s3.api().call(self.change("DeleteObjects"), request).await?;
            let failed: Vec<KeyFailure> = reply.errors.unwrap_or_default().into_iter().map(failure).collect();
            emptied.removed += batch.len().saturating_sub(failed.len()) as u64;
            emptied.failed.extend(failed);
        }
        Ok(())
    }

    async fn remove_alone(&self, doomed: Doomed, emptied: &mut Emptied) {
        let Doomed { key, version } = doomed;
        let request = self.s3.sdk().delete_object().bucket(self.name()).key(&key);
        let request = request.set_version_id(version.clone()).send();
        let call = Call::changing("DeleteObject", self.object_address(&key));
        match self.s3.api().call(call, request).await {
            Ok(_) => emptied.removed += 1,
            Err(error) => emptied.failed.push(KeyFailure { key, version, why: error.to_string() }),
        }
    }
}

/// Whether to remove the version by its name. What was stored while a bucket kept no versions is "null": removed without
/// it, AWS would hide it behind a delete marker, and the bucket would never be empty; some other servers do not know it.
fn is_named(version: &str, is_aws: bool) -> bool {
    is_aws || version != "null"
}

/// A key and one of its versions, after which a page begins.
type Marker = (Option<String>, Option<String>);

fn failure(error: aws_sdk_s3::types::Error) -> KeyFailure {
    let code = error.code.unwrap_or_default();
    let message = error.message.unwrap_or_default();
    KeyFailure {
        key: error.key.unwrap_or_default(),
        version: error.version_id,
        why: format!("{code}: {message}"),
    }
}

#[cfg(test)]
mod tests {
    use super::is_named;

    #[test]
    fn what_is_older_than_the_versions_of_a_bucket_is_removed_by_name() {
        assert!(is_named("null", true));
        assert!(is_named("3HL4kqtJvjVBH40Nrjfkd", false) && is_named("3HL4kqtJvjVBH40Nrjfkd", true));
        assert!(!is_named("null", false));
    }
}
