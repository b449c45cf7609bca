//! A place in an object, from which reading goes on.

use std::ops::Range;
use std::time::Duration;

use aws_sdk_s3::primitives::ByteStream;
use bytes::Bytes;
use ec2_stories_core::{Error, ErrorKind, Result, Status};
use futures::stream::{self, BoxStream};
use tokio::time::sleep;

use super::ObjectInfo;
use crate::bucket::Bucket;
use crate::error::cut_off;
use crate::upload::Crc64;
use crate::upload::crc::RunningCrc;

/// How often in a row a connection may break without a byte between.
const CUTS: u32 = 8;

const LONGEST_PAUSE: Duration = Duration::from_secs(10);

pub(super) struct Cursor {
    bucket: Bucket,
    key: String,
    etag: String,
    at: u64,
    end: u64,
    body: Option<ByteStream>,
    cuts: u32,
    /// What has been read so far, and what it is to be at the end.
    crc: Option<(RunningCrc, Crc64)>,
}

impl Cursor {
    pub(super) fn new(bucket: &Bucket, info: &ObjectInfo, range: Range<u64>) -> Self {
        Self {
            bucket: bucket.clone(),
            key: info.key.clone(),
            etag: info.etag.clone(),
            at: range.start,
            end: range.end,
            body: None,
            cuts: 0,
            crc: None,
        }
    }

    /// Compares the checksum at the end.
    pub(super) fn expecting(self, crc: Option<Crc64>) -> Self {
        Self { crc: crc.map(|crc| (RunningCrc::new(), crc)), ..self }
    }

    /// Begins with a reply that is there already.
    pub(super) fn with(self, body: ByteStream) -> Self {
        Self { body: Some(body), ..self }
    }

    pub(super) fn into_stream(self) -> BoxStream<'static, Result<Bytes>> {
        Box::pin(stream::try_unfold(self, async |mut cursor| {
            let next = cursor.next().await?;
            Ok(next.map(|bytes| (bytes, cursor)))
        }))
    }

    /// The next bytes, or `None` at the end.
    pub(super) async fn next(&mut self) -> Result<Option<Bytes>> {
        while self.at < self.end {
            let body = match &mut self.body {
                Some(body) => body,
                None => match self.reopen().await {
                    Ok(body) => self.body.insert(body),
                    Err(error) if error.is_temporary() => {
                        self.pause(error).await?;
                        continue;
                    }
                    Err(error) => return Err(error),
                },
            };
            let cut = match body.next().await {
                Some(Ok(bytes)) => return self.take(bytes).map(Some),
                Some(Err(error)) => cut_off("GetObject", &self.address(), &error),
                None => Error::new(ErrorKind::Unavailable, "the answer ended early")
                    .during("GetObject")
                    .on(self.address()),
            };
            self.body = None;
            self.pause(cut).await?;
        }
        self.verify()?;
        Ok(None)
    }

    fn take(&mut self, bytes: Bytes) -> Result<Bytes> {
        let after = self.at + bytes.len() as u64;
        if after > self.end {
            let why = "the answer is longer than what was asked for";
            return Err(Error::new(ErrorKind::Unexpected, why).during("GetObject").on(self.address()));
        }
        if let Some((crc, _)) = &mut self.crc {
            crc.update(&bytes);
        }
        self.at = after;
        self.cuts = 0;
        Ok(bytes)
    }

    fn verify(&mut self) -> Result<()> {
        match self.crc.take() {
            Some((crc, expected)) if crc.value() != expected => {
                Err(differs(expected, crc.value(), &self.address()))
            }
            _ => Ok(()),
        }
    }

    async fn reopen(&self) -> Result<ByteStream> {
        let get = self.bucket.s3().sdk().get_object().bucket(self.bucket.name()).key(&self.key);
        let range = format!("bytes={}-{}", self.at, self.end - 1);
        let get = get.if_match(&self.etag).range(range).send();
        let reply = self.bucket.s3().api().call(self.bucket.getting(&self.key), get).await;
        let reply = reply.map_err(|error| match error.kind() {
            ErrorKind::Conflict => {
                let why = "was replaced while it was read";
                Error::new(ErrorKind::Conflict, why).during("GetObject").on(self.address())
            }
            _ => error,
        })?;
        // A server that ignores ranges sends everything from the start.
        let begins = format!("bytes {}-", self.at);
        let as_asked = reply.content_range().is_some_and(|range| range.starts_with(&begins));
        if !as_asked && self.at > 0 {
            let why = "the server sends no ranges";
            return Err(Error::new(ErrorKind::Unsupported, why).during("GetObject").on(self.address()));
        }
        Ok(reply.body)
    }

    /// Waits before the next try, or gives up with this error.
    async fn pause(&mut self, error: Error) -> Result<()> {
        self.cuts += 1;
        if self.cuts >= CUTS {
            return Err(error);
        }
        tracing::debug!(at = self.at, cuts = self.cuts, %error, "cut off");
        let bound = (Duration::from_millis(100) * 2_u32.pow(self.cuts)).min(LONGEST_PAUSE);
        sleep(bound.mul_f64(rand::random())).await;
        Ok(())
    }

    fn address(&self) -> String {
        self.bucket.object_address(&self.key)
    }
}

pub(super) fn differs(expected: Crc64, got: Crc64, address: &str) -> Error {
    let why = format!("the checksum of what was read is {got}, of what was stored {expected}");
    // Read again it may arrive whole.
    Error::new(ErrorKind::Corrupt, why).status(Status::Temporary).during("GetObject").on(address)
}
