//! An upload under way.

use std::sync::Arc;

use ec2_stories_core::provider::TupleStore;
use ec2_stories_core::{Error, ErrorKind, Result};
use futures::future::BoxFuture;
use tokio::sync::{oneshot, watch};
use tokio::task::JoinHandle;
use tracing::Instrument;

use super::crc::Crc64;
use super::engine::{Job, Sum};
use super::progress::Progress;
use super::spec::{Content, OnDrop, UploadSpec};
use crate::S3;

/// An object that was uploaded, or was there already.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Uploaded {
    /// Its ETag.
    pub etag: String,
    /// Its checksum.
    pub crc64nvme: Crc64,
    /// Its size in bytes.
    pub size: u64,
    /// How many bytes were sent for it, repetitions included; 0 where the same content was there already.
    pub sent: u64,
}

impl Uploaded {
    pub(super) fn new(etag: String, sum: &Sum) -> Self {
        Self { etag, crc64nvme: sum.crc, size: sum.size, sent: 0 }
    }
}

/// An upload under way.
///
/// It goes on by itself; [`join`](Self::join), or `.await`, waits for its end. Dropping the handle stops it:
/// what becomes of its parts then is [`UploadSpec`]'s `on_drop`. Cleaning up after a drop needs a runtime that goes on for a
/// moment; [`cancel`](Self::cancel) and [`keep`](Self::keep) wait for it. Where the process dies first, parts are
/// left: the same upload with the same journal takes them up, `gc` and a bucket's rule for incomplete uploads remove them.
#[derive(Debug)]
pub struct Upload {
    stop: Option<oneshot::Sender<OnDrop>>,
    task: JoinHandle<Result<Uploaded>>,
    progress: watch::Receiver<Progress>,
    on_drop: OnDrop,
}

impl Upload {
    /// Begins an upload. It needs a tokio runtime.
    ///
    /// - Content of up to one part goes in one request, larger content in parts, as many at once as bring throughput.
    /// - Every request says the CRC-64/NVME of its bytes in its head, the object's is said at the end; S3 stores nothing that does
    ///   not match. The bytes themselves are not signed, over plain HTTP neither: the checksum in the signed head stands for them.
    /// - What can be repeated is repeated, up to eight times with waits of 0.1 to 20 s; a request of which nothing is heard
    ///   for 25 s is given up; there is no limit to how long an upload may take.
    /// - Content that is there already, under this key and with this size, checksum, type and metadata, is not sent again.
    /// - Of uploads of the same content to the same key that know nothing of each other, each sends what it must; one that finds
    ///   the object made by another leaves it as it is, and removes its own parts.
    /// - A failed upload leaves nothing, unless it has a journal: then the next one goes on where it was.
    #[must_use = "a dropped upload stops"]
    pub fn start(s3: &S3, spec: UploadSpec) -> Self {
        let on_drop = spec.on_drop;
        let span = tracing::info_span!("s3.upload", bucket = spec.target.bucket, key = spec.target.key);
        let (job, content) = Job::new(s3.clone(), spec);
        let progress = job.meter().watch();
        let (stop, stopped) = oneshot::channel();
        let run = async move {
            let ended = tokio::select! {
                biased;
                how = stopped => Err(how.unwrap_or_default()),
                ended = Box::pin(job.run(content)) => Ok(ended),
            };
            match ended {
                Ok(Ok(uploaded)) => Ok(Uploaded { sent: job.meter().now().sent, ..uploaded }),
                Ok(Err(error)) => Err(job.failed(error).await),
                Err(OnDrop::Keep) if job.can_be_kept() => job.keep().await.and(Err(canceled())),
                Err(_) => job.discard().await.and(Err(canceled())),
            }
        };
        Self { stop: Some(stop), task: tokio::spawn(run.instrument(span)), progress, on_drop }
    }

    /// How far it is. The channel closes when the upload has ended.
    #[must_use]
    pub fn progress(&self) -> watch::Receiver<Progress> {
        self.progress.clone()
    }

    /// Waits for its end.
    ///
    /// # Errors
    /// [`Io`](ErrorKind::Io) for content that cannot be read, [`Conflict`](ErrorKind::Conflict) for a file that changed
    /// midway or an object that must not be there, and what S3 refuses.
    pub async fn join(mut self) -> Result<Uploaded> {
        self.ended().await
    }

    /// Stops it and waits until none of its parts is left.
    ///
    /// # Errors
    /// Where parts may be left.
    pub async fn cancel(self) -> Result<()> {
        self.stop(OnDrop::Cancel).await
    }

    /// Stops it and notes how far it is: the same upload with the same journal goes on there. Without a journal, it is
    /// canceled.
    ///
    /// # Errors
    /// The journal's.
    pub async fn keep(self) -> Result<()> {
        self.stop(OnDrop::Keep).await
    }

    async fn stop(mut self, how: OnDrop) -> Result<()> {
        if let Some(stop) = self.stop.take() {
            // Where it has ended by itself, nobody listens.
            let _ = stop.send(how);
        }
        match self.ended().await {
            Err(error) if error.kind() == ErrorKind::Canceled => Ok(()),
            ended => ended.map(drop),
        }
    }

    /// Removes what an earlier upload of a file to this key left, with that journal. Where it left nothing, nothing is done.
    ///
    /// # Errors
    /// The journal's and S3's; parts may be left then.
    pub async fn discard(s3: &S3, bucket: &str, key: &str, journal: Arc<dyn TupleStore>) -> Result<()> {
        let spec = UploadSpec::builder().bucket(bucket).key(key).content(Content::file("")).journal(journal);
        let (job, _) = Job::new(s3.clone(), spec.build()?);
        job.discard_earlier().await
    }

    pub(super) async fn ended(&mut self) -> Result<Uploaded> {
        let ended = (&mut self.task).await;
        ended.unwrap_or_else(|stopped| {
            Err(Error::new(ErrorKind::Canceled, "the upload's task ended").during("upload").because(stopped))
        })
    }
}

impl IntoFuture for Upload {
    type Output = Result<Uploaded>;
    type IntoFuture = BoxFuture<'static, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.join())
    }
}

impl Drop for Upload {
    fn drop(&mut self) {
        if let Some(stop) = self.stop.take() {
            let _ = stop.send(self.on_drop);
        }
    }
}

fn canceled() -> Error {
    Error::new(ErrorKind::Canceled, "stopped by its owner").during("upload")
}
