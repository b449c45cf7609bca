//! Files, and bytes in memory: content of a known size.

use ec2_stories_core::{Error, ErrorKind, Result};

use super::super::crc::Crc64;
use super::super::handle::Uploaded;
use super::super::journal::{Head, Parts};
use super::super::plan::Plan;
use super::super::wire::Found;
use super::feed::{Feed, Whole};
use super::look::{check_expected, total};
use super::session::Session;
use super::{BEGINNINGS, Failure, Job, Stage};

impl Job {
    pub(super) async fn upload_whole(&self, content: Whole) -> Result<Uploaded> {
        let plan = Plan::new(content.size(), self.part_size)?;
        self.meter.total(plan.size);
        let mut earlier = self.earlier(&content, &plan).await?;
        let mut sums = Vec::new();
        if let Some(found) = self.head().await? {
            if let Some(made) =
                self.made_earlier(&found, earlier.as_ref(), &content, &plan, &mut sums).await?
            {
                return self.ended(made).await;
            }
            let (there, known) = self.compare(&found, &content, &plan).await?;
            if let Some(there) = there {
                self.check_unchanged(&content).await?;
                self.drop_earlier(earlier.take()).await?;
                return self.ended(there).await;
            }
            if sums.is_empty() {
                sums = known;
            }
        } else {
            check_expected(&self.requests.wire.target, None)?;
        }
        let mut last = None;
        for _ in 0..BEGINNINGS {
            match self.upload_once(&content, &plan, &sums, earlier.take()).await {
                Ok(uploaded) => return self.ended(uploaded).await,
                Err(Failure::Anew(error)) => {
                    tracing::debug!(%error, "the upload begins anew");
                    self.discard().await?;
                    // Another process with this journal may have completed the very same.
                    if let Some(there) = self.made_meanwhile(&content, &plan).await? {
                        return self.ended(there).await;
                    }
                    self.meter.begin_anew();
                    last = Some(error);
                }
                Err(Failure::Final(error)) => return Err(error),
            }
        }
        Err(last.unwrap_or_else(|| Error::new(ErrorKind::Unexpected, "the upload never began")))
    }

    async fn upload_once(
        &self,
        content: &Whole,
        plan: &Plan,
        sums: &[Crc64],
        earlier: Option<(Head, Parts)>,
    ) -> Result<Uploaded, Failure> {
        if plan.parts() <= 1 {
            self.drop_earlier(earlier).await?;
            let span = content.as_one();
            let crc = match sums.first() {
                Some(crc) => *crc,
                None => self.sum(&span).await?,
            };
            // What is sent has this checksum, so it is what was read before this.
            self.check_unchanged(content).await?;
            return self.put_whole(&span, crc).await;
        }
        let session = self.session(content, plan, earlier).await?;
        let there = session.there.clone();
        let feed = Feed::Whole { content: content.clone(), plan: *plan, next: 1, sums: sums.to_vec(), there };
        let (parts, sum) = tokio::select! {
            biased;
            sent = self.transfer(&session.upload_id, feed) => sent?,
            there = self.made_by_another(plan.size) => {
                self.check_unchanged(content).await?;
                return self.leave_to(there, &session).await;
            }
        };
        self.check_unchanged(content).await?;
        if let Some(there) = self.is_there(&sum).await? {
            return self.leave_to(there, &session).await;
        }
        self.complete(&session, parts, &sum).await
    }

    /// Another upload has made the very same object: this one's parts are of no use.
    async fn leave_to(&self, there: Uploaded, session: &Session) -> Result<Uploaded, Failure> {
        self.abort(&session.upload_id).await?;
        self.state().stage = Stage::Nothing;
        Ok(there)
    }

    async fn session(
        &self,
        content: &Whole,
        plan: &Plan,
        earlier: Option<(Head, Parts)>,
    ) -> Result<Session, Failure> {
        if let Some((head, noted)) = &earlier
            && let Some(session) = self.take_up(head, noted).await?
        {
            return Ok(session);
        }
        let head = match content {
            Whole::File(file) => Some(self.new_head(plan, file.fingerprint)),
            Whole::Memory(_) => None,
        };
        Ok(self.create(head).await?)
    }

    /// What the journal tells of an earlier upload of the very same content. One of other content is removed.
    async fn earlier(&self, content: &Whole, plan: &Plan) -> Result<Option<(Head, Parts)>> {
        let Some(journal) = &self.journal else { return Ok(None) };
        let Some((head, noted)) = journal.load().await? else { return Ok(None) };
        let same = matches!(content, Whole::File(file) if file.fingerprint == head.source)
            && head.part_size == plan.part_size;
        if same {
            return Ok(Some((head, noted)));
        }
        self.drop_earlier(Some((head, noted))).await?;
        Ok(None)
    }

    /// Removes what the journal tells of.
    pub(in super::super) async fn discard_earlier(&self) -> Result<()> {
        match &self.journal {
            Some(journal) => self.drop_earlier(journal.load().await?).await,
            None => Ok(()),
        }
    }

    async fn drop_earlier(&self, earlier: Option<(Head, Parts)>) -> Result<()> {
        let (Some(journal), Some((head, _))) = (&self.journal, earlier) else { return Ok(()) };
        match &head.upload_id {
            Some(upload_id) => self.abort(upload_id).await?,
            None => self.sweep_empty(head.began).await?,
        }
        journal.forget().await
    }

    /// The object, if an earlier run completed it and died before it could say so.
    async fn made_earlier(
        &self,
        found: &Found,
        earlier: Option<&(Head, Parts)>,
        content: &Whole,
        plan: &Plan,
        sums: &mut Vec<Crc64>,
    ) -> Result<Option<Uploaded>> {
        let Some((head, _)) = earlier.filter(|(head, _)| found.token() == Some(&head.token)) else {
            return Ok(None);
        };
        *sums = self.sums(content, plan).await?;
        let sum = total(plan, sums);
        let made = found.is_made(&head.token, sum.size, sum.crc);
        Ok(made.then(|| Uploaded::new(found.etag.clone(), &sum)))
    }

    /// The object, if it became the same while this was sent.
    async fn made_meanwhile(&self, content: &Whole, plan: &Plan) -> Result<Option<Uploaded>> {
        let Some(found) = self.head().await? else { return Ok(None) };
        let (there, _) = self.compare(&found, content, plan).await?;
        self.check_unchanged(content).await?;
        Ok(there)
    }

    async fn check_unchanged(&self, content: &Whole) -> Result<()> {
        match content {
            Whole::File(file) => file.check_unchanged().await,
            Whole::Memory(_) => Ok(()),
        }
    }

    /// It is there: there is nothing to remember.
    async fn ended(&self, uploaded: Uploaded) -> Result<Uploaded> {
        if let Some(journal) = &self.journal {
            journal.forget().await?;
        }
        self.meter.complete(uploaded.size);
        Ok(uploaded)
    }
}
