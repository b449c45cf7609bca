//! Having S3 make an object of the parts, and being sure that it did.

use std::time::Duration;

use ec2_stories_core::{Error, ErrorKind, Status};
use tokio::time::Instant;

use super::super::handle::Uploaded;
use super::super::journal::Parts;
use super::super::wire::{Stored, is, is_gone, is_unexpected};
use super::look::unexpected;
use super::send::Sum;
use super::session::{Session, check_stored};
use super::{Failure, Job, Stage};

/// S3 may take minutes to put thousands of parts together, and sends nothing that the SDK shows meanwhile.
const LONGEST: Duration = Duration::from_secs(600);

impl Job {
    /// Completes the upload. An answer that leaves open whether it did is settled by looking at the object.
    pub(super) async fn complete(
        &self,
        session: &Session,
        mut parts: Parts,
        sum: &Sum,
    ) -> Result<Uploaded, Failure> {
        let target = &self.requests.wire.target;
        let mut patience = self.requests.patience();
        let mut listed_again = false;
        loop {
            let asked = Instant::now();
            let error = match self.complete_once(session, &parts, sum).await {
                Ok(stored) => {
                    self.state().stage = Stage::Nothing;
                    check_stored(target, stored.crc, sum)?;
                    return Ok(Uploaded::new(stored.etag, sum));
                }
                Err(error) => error,
            };
            let refused = is_unexpected(&error, target);
            let settles = is_gone(&error) || refused || !error.is_permanent();
            if settles && let Some(made) = self.made(&session.token, sum).await? {
                self.state().stage = Stage::Nothing;
                return Ok(made);
            }
            if is_gone(&error) || is(&error, "ConditionalRequestConflict") {
                return Err(Failure::Anew(error));
            }
            if refused {
                return Err(Failure::Final(unexpected(target).because(error)));
            }
            // A part that was sent twice has the ETag of whichever came last.
            if is(&error, "InvalidPart") && !listed_again {
                listed_again = true;
                parts = self.parts_as_listed(session, parts).await?;
                continue;
            }
            patience.after(error, asked).await?;
        }
    }

    async fn complete_once(&self, session: &Session, parts: &Parts, sum: &Sum) -> Result<Stored, Error> {
        let complete = self.requests.wire.complete(&session.upload_id, parts, sum.size, sum.crc);
        let ended = tokio::time::timeout(LONGEST, complete).await;
        ended.unwrap_or_else(|_| {
            let why = format!("no answer within {} s", LONGEST.as_secs());
            Err(Error::new(ErrorKind::Unavailable, why).status(Status::Ambiguous))
        })
    }

    /// The same parts with the ETags that S3 has for them now, where it says that their content is the same.
    async fn parts_as_listed(&self, session: &Session, mut parts: Parts) -> Result<Parts, Failure> {
        let wire = &self.requests.wire;
        let listed = self.requests.repeat(|_| wire.list_parts(&session.upload_id)).await?.unwrap_or_default();
        for (number, part) in &mut parts {
            if let Some(listed) = listed.get(number).filter(|listed| listed.crc == Some(part.crc)) {
                part.etag.clone_from(&listed.etag);
            }
        }
        Ok(parts)
    }
}
