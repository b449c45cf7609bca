//! From the SDK's errors to the family's: kind, status, operation, code and request id.

mod codes;

use std::error::Error as StdError;

use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use ec2_stories_core::aws::service::{self, Refusal, causes_of};
use ec2_stories_core::{Error, ErrorKind};

pub(crate) use codes::is_about_credentials;

use crate::api::Effect;

/// Says what a failed call means.
pub(crate) fn translate<E>(operation: &str, effect: Effect, error: &SdkError<E, HttpResponse>) -> Error
where
    E: ProvideErrorMetadata + StdError + Send + Sync + 'static,
{
    service::translate(operation, effect, error, |refusal| refused(operation, refusal, effect))
}

/// A body that was cut off while it was read.
pub(crate) fn cut_off(operation: &str, resource: &str, error: &(dyn StdError + 'static)) -> Error {
    let why = "the answer was cut off";
    Error::new(ErrorKind::Unavailable, why).during(operation).on(resource).because(causes_of(error))
}

fn refused(operation: &str, refusal: Refusal<'_>, effect: Effect) -> Error {
    let http = refusal.http();
    if refusal.code.is_none() && refusal.reply.status().is_success() {
        // The server says that it did it, and then something that is no reply.
        let why = "the answer could not be read";
        return Error::new(ErrorKind::Unavailable, why).status(effect.when_unknown());
    }
    // The reply to HEAD has no body, and so neither a code nor a message.
    let code = refusal.code.unwrap_or_else(|| codes::of_status(http));
    let message = refusal.message.unwrap_or_else(|| codes::message(operation, code));
    let message = match refusal.reply.headers().get("x-amz-bucket-region") {
        Some(region) if codes::is_redirect(code) => format!("the bucket is in region {region}"),
        _ => message.to_owned(),
    };
    let (kind, status) = codes::meaning(code, http);
    let translated = Error::new(kind, refusal.with_id(&message)).code(code);
    match status {
        Some(status) => translated.status(status),
        // A fault of the server's own may have come after the effect.
        None if kind == ErrorKind::Unavailable => translated.status(effect.when_unknown()),
        None => translated,
    }
}
