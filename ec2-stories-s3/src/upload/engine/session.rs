//! An upload in parts: taken up where an earlier run left it, or created.

use std::collections::BTreeMap;
use std::time::Duration;

use ec2_stories_core::{Error, ErrorKind, Result};

use super::super::crc::Crc64;
use super::super::journal::{Head, Parts};
use super::super::plan::Plan;
use super::super::spec::Target;
use super::super::wire::Listed;
use super::send::Sum;
use super::{Job, Stage};

/// How far the server's clock may be behind ours.
const SKEW: Duration = Duration::from_secs(300);

/// An upload in parts.
#[derive(Debug)]
pub(super) struct Session {
    pub(super) upload_id: String,
    pub(super) token: String,
    /// What S3 has of it.
    pub(super) there: BTreeMap<u32, Listed>,
}

impl Job {
    /// Takes up the upload that the journal tells of; `None` where S3 does not know it any more.
    pub(super) async fn take_up(&self, head: &Head, noted: &Parts) -> Result<Option<Session>> {
        let Some(upload_id) = &head.upload_id else {
            self.sweep_empty(head.began).await?;
            return Ok(None);
        };
        let wire = &self.requests.wire;
        let Some(mut there) = self.requests.repeat(|_| wire.list_parts(upload_id)).await? else {
            return Ok(None);
        };
        // Not every server lists checksums. What was noted when it acknowledged this very part is as good.
        for (number, listed) in &mut there {
            let noted = noted.get(number).filter(|noted| noted.etag == listed.etag);
            listed.crc = listed.crc.or(noted.map(|noted| noted.crc));
        }
        self.state().stage = Stage::Open(upload_id.clone());
        self.state().parts = noted.clone();
        Ok(Some(Session { upload_id: upload_id.clone(), token: head.token.clone(), there }))
    }

    /// Creates an upload in parts. The journal knows of it before S3 does.
    pub(super) async fn create(&self, mut head: Option<Head>) -> Result<Session> {
        let token = head.as_ref().map_or_else(new_token, |head| head.token.clone());
        if let (Some(journal), Some(head)) = (&self.journal, &head) {
            journal.forget().await?;
            journal.write_head(head).await?;
        }
        let began = self.requests.wire.now();
        {
            let state = &mut *self.state();
            state.stage = Stage::Creating(began);
            state.parts.clear();
        }
        let mut tries = 0;
        let create = |_| {
            tries += 1;
            self.requests.wire.create(&token)
        };
        let upload_id = self.requests.repeat(create).await?;
        self.state().stage = Stage::Open(upload_id.clone());
        if let (Some(journal), Some(head)) = (&self.journal, &mut head) {
            head.upload_id = Some(upload_id.clone());
            journal.write_head(head).await?;
        }
        if tries > 1 {
            // An earlier try may have created another one.
            self.sweep_others(began, Some(&upload_id)).await?;
        }
        Ok(Session { upload_id, token, there: BTreeMap::new() })
    }

    /// What the journal is to say of an upload of this content.
    pub(super) fn new_head(&self, plan: &Plan, source: super::super::file::Fingerprint) -> Head {
        let Target { bucket, key, .. } = &self.requests.wire.target;
        Head::new((bucket, key), new_token(), plan.part_size, source, self.requests.wire.now())
    }

    /// Removes uploads to this key that were created since, of which nobody heard: they have no part.
    pub(super) async fn sweep_empty(&self, since: jiff::Timestamp) -> Result<()> {
        self.sweep_others(since, None).await
    }

    async fn sweep_others(&self, since: jiff::Timestamp, except: Option<&str>) -> Result<()> {
        let wire = &self.requests.wire;
        for id in self.requests.repeat(|_| wire.uploads_since(since - SKEW)).await? {
            if Some(id.as_str()) == except {
                continue;
            }
            let parts = self.requests.repeat(|_| wire.list_parts(&id)).await?;
            if parts.is_some_and(|parts| parts.is_empty()) {
                // Another process's may have its first part on the way; it begins anew.
                self.abort(&id).await?;
            }
        }
        Ok(())
    }
}

/// Random, so that an object can be told from another upload's.
pub(super) fn new_token() -> String {
    hex::encode(rand::random::<[u8; 16]>())
}

/// Whether the server stored what was sent, as far as it says.
pub(super) fn check_stored(target: &Target, crc: Option<Crc64>, sum: &Sum) -> Result<()> {
    if crc.is_none_or(|crc| crc == sum.crc) {
        return Ok(());
    }
    let resource = format!("s3://{}/{}", target.bucket, target.key);
    let why = format!("the server stored something else than was sent, whose CRC-64/NVME is {}", sum.crc);
    Err(Error::new(ErrorKind::Corrupt, why).during("upload").on(resource))
}
