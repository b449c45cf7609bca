//! From the SDK's errors to the family's: kind, status, operation, code and request id.

mod codes;
mod ids;

use std::error::Error as StdError;

use aws_sdk_ec2::error::{ProvideErrorMetadata, SdkError};
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use ec2_stories_core::aws::service::{self, Refusal};
use ec2_stories_core::{Error, ErrorKind, Status};

pub(crate) use codes::{is_about_credentials, is_definitive};
pub(crate) use ec2_stories_core::aws::service::again;
pub(crate) use ids::named_in;

use crate::api::Effect;

/// Says what a failed call means.
pub(crate) fn translate<E>(operation: &str, effect: Effect, error: &SdkError<E, HttpResponse>) -> Error
where
    E: ProvideErrorMetadata + StdError + Send + Sync + 'static,
{
    service::translate(operation, effect, error, |refusal| refused(refusal, effect))
}

fn refused(refusal: Refusal<'_>, effect: Effect) -> Error {
    let code = refusal.code.unwrap_or("Unknown");
    let message = refusal.message.unwrap_or("no message");
    // EC2 appends an encoded blob of many lines to a refusal.
    let message = message.split(" Encoded authorization failure message").next().unwrap_or(message);
    let kind = codes::kind(code, Some(refusal.http()));
    let translated = Error::new(kind, refusal.with_id(message)).code(code);
    match kind {
        // A fault of EC2's own may have come after the effect.
        ErrorKind::Unavailable => translated.status(effect.when_unknown()),
        // Room may come; support for a type in a zone does not.
        ErrorKind::Capacity if code == "Unsupported" => translated.status(Status::Permanent),
        _ => translated,
    }
}
