//! Changes that expect something to be there, and what became of one whose reply was lost.

use std::future::Future;
use std::time::Duration;

use aws_sdk_s3::operation::put_object::PutObjectOutput;
use aws_sdk_s3::operation::put_object::builders::PutObjectFluentBuilder;
use ec2_stories_core::provider::{Expect, Version};
use ec2_stories_core::{Error, ErrorKind, Result, Status};
use tokio::time::sleep;

use super::ObjectInfo;
use crate::api::{Call, attempts};
use crate::bucket::Bucket;

/// Where a write says which it is: the ETag of two writes of the same bytes is the same.
pub(crate) const WRITE_TOKEN: &str = "ec2-stories-write";

/// How often a change is made again that met another.
const TRIES: u32 = 8;

impl Bucket {
    /// Writes if what is expected is there. A write whose reply was lost is looked for by its token.
    pub(super) async fn put_if(
        &self,
        key: &str,
        expect: &Expect,
        request: impl Fn() -> PutObjectFluentBuilder,
    ) -> Result<String> {
        let token = format!("{:032x}", rand::random::<u128>());
        let attempts = attempts();
        let answer = while_others_change(|| {
            let marked = || request().metadata(WRITE_TOKEN, &token);
            let request = match expect {
                Expect::Anything => request(),
                Expect::Absent => marked().if_none_match("*"),
                Expect::Unchanged(Version(etag)) => marked().if_match(etag),
            };
            let call = Call::changing("PutObject", self.object_address(key));
            self.s3().api().call(call, request.customize().interceptor(attempts.clone()).send())
        })
        .await;
        match answer {
            Ok(reply) => etag_of(reply, &self.object_address(key)),
            Err(error) => {
                let conditional = *expect != Expect::Anything;
                let lost =
                    error.is_ambiguous() || (attempts.any_unknown() && error.kind() == ErrorKind::Conflict);
                let error = explained(error, expect);
                if !(lost && conditional) {
                    return Err(error);
                }
                let there = match self.head(key).await {
                    Ok(there) => there,
                    // Nobody knows, then.
                    Err(_) => return Err(error.status(Status::Ambiguous)),
                };
                settle(there, &token, expect, error)
            }
        }
    }

    /// Removes the object if it has this ETag. An object that is gone after a lost reply was removed by this call, as far
    /// as anybody can tell.
    pub(super) async fn delete_unchanged(&self, key: &str, version: &Version) -> Result<()> {
        let attempts = attempts();
        let answer = while_others_change(|| {
            let request = self.s3().sdk().delete_object().bucket(self.name()).key(key).if_match(&version.0);
            let call = Call::changing("DeleteObject", self.object_address(key));
            self.s3().api().call(call, request.customize().interceptor(attempts.clone()).send())
        })
        .await;
        let Err(error) = answer else { return Ok(()) };
        if error.is_ambiguous() || (attempts.any_unknown() && is_conflict_or_gone(&error)) {
            return match self.head(key).await {
                Ok(None) => Ok(()),
                Ok(Some(there)) if there.etag == version.0 => Err(error.status(Status::Temporary)),
                Ok(Some(_)) | Err(_) => Err(error),
            };
        }
        Err(explained(error, &Expect::Unchanged(version.clone())))
    }
}

fn is_conflict_or_gone(error: &Error) -> bool {
    matches!(error.kind(), ErrorKind::Conflict | ErrorKind::NotFound)
}

fn etag_of(reply: PutObjectOutput, address: &str) -> Result<String> {
    let why = "the server gave no ETag";
    reply.e_tag.ok_or_else(|| Error::new(ErrorKind::Unexpected, why).during("PutObject").on(address))
}

/// What became of a write whose reply was lost, by what is there now.
fn settle(there: Option<ObjectInfo>, token: &str, expect: &Expect, error: Error) -> Result<String> {
    let ours = |info: &ObjectInfo| info.metadata.get(WRITE_TOKEN).is_some_and(|written| written == token);
    match (there, expect) {
        (Some(info), _) if ours(&info) => Ok(info.etag),
        // What was expected is still there: nothing happened.
        (Some(info), Expect::Unchanged(Version(etag))) if info.etag == *etag => {
            Err(error.status(Status::Temporary))
        }
        (None, Expect::Absent) => Err(error.status(Status::Temporary)),
        // It may have been made, and changed by another since.
        _ => Err(error.status(Status::Ambiguous)),
    }
}

/// Says in words what a change that found something else expected.
fn explained(error: Error, expect: &Expect) -> Error {
    let why = match (error.kind(), expect) {
        (ErrorKind::Conflict, Expect::Absent) if error.is_permanent() => "exists already",
        (ErrorKind::Conflict, Expect::Unchanged(_)) if error.is_permanent() => "has another version",
        // S3 finds no object to compare with.
        (ErrorKind::NotFound, Expect::Unchanged(_)) if error.api_code() != Some("NoSuchBucket") => "is gone",
        _ => return error,
    };
    let mut conflict = Error::new(ErrorKind::Conflict, why);
    if let Some(operation) = error.operation() {
        conflict = conflict.during(operation);
    }
    match error.resource() {
        Some(resource) => conflict.on(resource),
        None => conflict,
    }
}

/// Calls again while S3 says that another change of the same object is under way.
pub(super) async fn while_others_change<T, F>(mut call: impl FnMut() -> F) -> Result<T>
where
    F: Future<Output = Result<T>>,
{
    for failures in 1..TRIES {
        match call().await {
            Err(error) if error.kind() == ErrorKind::Conflict && error.is_temporary() => {
                let bound = Duration::from_millis(50) * 2_u32.pow(failures);
                sleep(bound.mul_f64(rand::random())).await;
            }
            answer => return answer,
        }
    }
    call().await
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lost() -> Error {
        Error::new(ErrorKind::Unavailable, "no answer").status(Status::Ambiguous)
    }

    fn there(etag: &str, token: &str) -> Option<ObjectInfo> {
        let metadata = [(WRITE_TOKEN.to_owned(), token.to_owned())].into();
        Some(ObjectInfo { etag: etag.to_owned(), metadata, ..ObjectInfo::default() })
    }

    #[test]
    fn a_lost_write_is_known_by_its_token() {
        assert_eq!(settle(there("new", "ours"), "ours", &Expect::Absent, lost()).unwrap(), "new");
    }

    #[test]
    fn a_write_that_did_not_happen_may_be_made_again() {
        let old = Expect::Unchanged(Version("old".to_owned()));
        assert!(settle(there("old", "before"), "ours", &old, lost()).unwrap_err().is_temporary());
        assert!(settle(None, "ours", &Expect::Absent, lost()).unwrap_err().is_temporary());
    }

    #[test]
    fn a_write_that_another_may_have_replaced_stays_unknown() {
        let old = Expect::Unchanged(Version("old".to_owned()));
        for (there, expect) in
            [(there("new", "theirs"), &old), (None, &old), (there("new", "theirs"), &Expect::Absent)]
        {
            assert!(settle(there, "ours", expect, lost()).unwrap_err().is_ambiguous());
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_change_that_met_another_is_made_again() {
        let busy = || Error::new(ErrorKind::Conflict, "busy").status(Status::Temporary);
        let mut calls = 0;
        let answer = while_others_change(|| {
            calls += 1;
            let answer = if calls < 3 { Err(busy()) } else { Ok(calls) };
            async move { answer }
        })
        .await;
        assert_eq!(answer.unwrap(), 3);
        let answer: Result<()> = while_others_change(|| async { Err(busy()) }).await;
        assert!(answer.unwrap_err().is_temporary());
    }
}
