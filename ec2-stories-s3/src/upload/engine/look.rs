//! What is there already.

use std::time::Duration;

use ec2_stories_core::{Error, ErrorKind, Result};

use super::super::crc::Crc64;
use super::super::handle::Uploaded;
use super::super::plan::Plan;
use super::super::span::Span;
use super::super::spec::Target;
use super::super::wire::Found;
use super::Job;
use super::feed::Whole;
use super::send::Sum;

impl Job {
    pub(super) async fn head(&self) -> Result<Option<Found>> {
        self.requests.repeat(|_| self.requests.wire.head()).await
    }

    /// The object, if this very upload made it: it has the upload's token and is what was sent.
    pub(super) async fn made(&self, token: &str, sum: &Sum) -> Result<Option<Uploaded>> {
        let found = self.head().await?;
        let made = found.filter(|found| found.is_made(token, sum.size, sum.crc));
        Ok(made.map(|found| Uploaded::new(found.etag, sum)))
    }

    /// The checksum of a part.
    pub(super) async fn sum(&self, span: &Span) -> Result<Crc64> {
        let crc = span.checksum(&self.buffers).await?;
        self.meter.read(span.length());
        Ok(crc)
    }

    /// The checksums of all parts, in order.
    pub(super) async fn sums(&self, content: &Whole, plan: &Plan) -> Result<Vec<Crc64>> {
        let mut sums = Vec::with_capacity(plan.parts() as usize);
        for number in 1..=plan.parts() {
            sums.push(self.sum(&content.span(plan, number)).await?);
        }
        Ok(sums)
    }

    /// Whether the object that is there makes sending unnecessary, or impossible.
    ///
    /// The checksums are empty where they were not needed to tell.
    pub(super) async fn compare(
        &self,
        found: &Found,
        content: &Whole,
        plan: &Plan,
    ) -> Result<(Option<Uploaded>, Vec<Crc64>)> {
        let target = &self.requests.wire.target;
        check_expected(target, Some(found))?;
        let same_hash = target.sha256.is_some() && found.sha256() == target.sha256.as_deref();
        let may_be_same = found.size == plan.size
            && found.is_described_as(target)
            && (target.sha256.is_none() || same_hash)
            && (found.crc.is_some() || same_hash);
        if target.send_again || !may_be_same {
            return Ok((None, Vec::new()));
        }
        let sums = self.sums(content, plan).await?;
        let sum = total(plan, &sums);
        let same = found.crc.is_none_or(|crc| crc == sum.crc);
        let there = same.then(|| Uploaded::new(found.etag.clone(), &sum));
        Ok((there, sums))
    }
}

/// How often it is looked whether another upload was quicker.
const LOOK: Duration = Duration::from_secs(20);

impl Job {
    /// The object, where another upload made it meanwhile of the same bytes, with the same type and metadata. Who wants to know
    /// whether it was there before is told so by S3, when the upload is completed.
    pub(super) async fn is_there(&self, sum: &Sum) -> Result<Option<Uploaded>> {
        let target = &self.requests.wire.target;
        if target.send_again || target.create_only || target.replaces.is_some() {
            return Ok(None);
        }
        let found = self.head().await?;
        let same = found.filter(|found| {
            found.size == sum.size && found.crc == Some(sum.crc) && found.is_described_as(target)
        });
        Ok(same.map(|found| Uploaded::new(found.etag, sum)))
    }

    /// Ends when another upload has made the very same object, which is told from afar by its SHA-256; never where that is not
    /// known. A look that fails says nothing.
    pub(super) async fn made_by_another(&self, size: u64) -> Uploaded {
        let target = &self.requests.wire.target;
        if target.sha256.is_none() {
            return std::future::pending().await;
        }
        loop {
            tokio::time::sleep(LOOK).await;
            let Ok(Some(found)) = self.requests.wire.head().await else { continue };
            let Some(crc) = found.crc.filter(|_| found.size == size) else { continue };
            let sum = Sum { size, crc };
            let same = found.sha256() == target.sha256.as_deref();
            if same && let Ok(Some(there)) = self.is_there(&sum).await {
                return there;
            }
        }
    }
}

/// What the parts make.
pub(super) fn total(plan: &Plan, sums: &[Crc64]) -> Sum {
    let mut crc = Crc64::default();
    for (number, next) in (1..).zip(sums) {
        let range = plan.range(number);
        crc = crc.then(*next, range.end - range.start);
    }
    Sum { size: plan.size, crc }
}

/// Whether what is there is what must be.
pub(super) fn check_expected(target: &Target, found: Option<&Found>) -> Result<()> {
    let as_expected = match (found, &target.replaces) {
        (Some(found), Some(etag)) => found.etag.trim_matches('"') == etag.trim_matches('"'),
        (None, Some(_)) => false,
        (found, None) => found.is_none() || !target.create_only,
    };
    if as_expected { Ok(()) } else { Err(unexpected(target)) }
}

pub(super) fn unexpected(target: &Target) -> Error {
    let resource = format!("s3://{}/{}", target.bucket, target.key);
    let why = if target.create_only { "exists already" } else { "has another version, or is gone" };
    Error::new(ErrorKind::Conflict, why).during("upload").on(resource)
}
