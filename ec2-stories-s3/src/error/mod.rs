//! From the SDK's errors to the family's: kind, status, operation, code and request id.

mod codes;

use std::error::Error as StdError;
use std::io;

use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_s3::operation::RequestId;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use ec2_stories_core::{Error, ErrorKind, Status};

pub(crate) use codes::is_about_credentials;

use crate::api::Effect;

/// Says what a failed call means.
pub(crate) fn translate<E>(operation: &str, effect: Effect, error: &SdkError<E, HttpResponse>) -> Error
where
    E: ProvideErrorMetadata + StdError + Send + Sync + 'static,
{
    let translated = match error {
        SdkError::ConstructionFailure(_) => not_sent(error),
        SdkError::DispatchFailure(failure) if failure.is_user() => not_sent(error),
        SdkError::ServiceError(service) => {
            let request_id = error.request_id().map(ToOwned::to_owned);
            answered(operation, service.err(), service.raw(), request_id, effect)
        }
        other => unanswered(other, effect),
    };
    translated.during(operation)
}

/// The same error again, for another who waits for the same call.
pub(crate) fn again(error: &Error) -> Error {
    let mut copy = Error::new(error.kind(), error.message()).status(error.status_of());
    if let Some(operation) = error.operation() {
        copy = copy.during(operation);
    }
    if let Some(resource) = error.resource() {
        copy = copy.on(resource);
    }
    match error.api_code() {
        Some(code) => copy.code(code),
        None => copy,
    }
}

/// A body that was cut off while it was read.
pub(crate) fn cut_off(operation: &str, resource: &str, error: &(dyn StdError + 'static)) -> Error {
    let why = "the answer was cut off";
    Error::new(ErrorKind::Unavailable, why).during(operation).on(resource).because(with_causes(error))
}

fn not_sent<E>(error: &SdkError<E, HttpResponse>) -> Error
where
    E: StdError + Send + Sync + 'static,
{
    // The SDK asks for credentials before it sends; what the account provider said is in the chain.
    let told = causes(error).find_map(|cause| cause.downcast_ref::<Error>());
    match told {
        Some(told) => again(told),
        None => Error::new(ErrorKind::Invalid, "the request could not be made").because(context(error)),
    }
}

fn answered<E: ProvideErrorMetadata>(
    operation: &str,
    error: &E,
    reply: &HttpResponse,
    request_id: Option<String>,
    effect: Effect,
) -> Error {
    let http = reply.status().as_u16();
    // The reply to HEAD has no body, and so neither a code nor a message.
    let code = error.code().unwrap_or_else(|| codes::of_status(http));
    let message = error.message().unwrap_or_else(|| codes::message(operation, code));
    let message = match reply.headers().get("x-amz-bucket-region") {
        Some(region) if codes::is_redirect(code) => format!("the bucket is in region {region}"),
        _ => message.to_owned(),
    };
    let message = match request_id {
        Some(id) => format!("{message} (request {id})"),
        None => message,
    };
    if error.code().is_none() && reply.status().is_success() {
        // The server says that it did it, and then something that is no reply.
        let why = "the answer could not be read";
        return Error::new(ErrorKind::Unavailable, why).status(effect.when_unknown());
    }
    let (kind, status) = codes::meaning(code, http);
    let translated = Error::new(kind, message).code(code);
    match status {
        Some(status) => translated.status(status),
        // A fault of the server's own may have come after the effect.
        None if kind == ErrorKind::Unavailable => translated.status(effect.when_unknown()),
        None => translated,
    }
}

fn unanswered<E>(error: &SdkError<E, HttpResponse>, effect: Effect) -> Error
where
    E: StdError + Send + Sync + 'static,
{
    if let Some(told) = causes(error).find_map(|cause| cause.downcast_ref::<Error>()) {
        return again(told);
    }
    let status = if is_refused(error) { Status::Temporary } else { effect.when_unknown() };
    let message = match error {
        SdkError::TimeoutError(_) => "no answer in time",
        SdkError::ResponseError(_) => "the answer could not be read",
        _ => "no answer",
    };
    Error::new(ErrorKind::Unavailable, message).status(status).because(context(error))
}

/// Nothing listens there: nothing was sent.
pub(crate) fn is_refused(error: &(dyn StdError + 'static)) -> bool {
    causes(error)
        .filter_map(|cause| cause.downcast_ref::<io::Error>())
        .any(|cause| cause.kind() == io::ErrorKind::ConnectionRefused)
}

/// The causes as text: the SDK's types are not part of ours.
fn context(error: &(dyn StdError + 'static)) -> String {
    let causes: Vec<String> = causes(error).skip(1).map(ToString::to_string).collect();
    causes.join(": ")
}

/// As [`context`], with the error itself.
pub(crate) fn with_causes(error: &(dyn StdError + 'static)) -> String {
    let causes: Vec<String> = causes(error).map(ToString::to_string).collect();
    causes.join(": ")
}

fn causes<'a>(error: &'a (dyn StdError + 'static)) -> impl Iterator<Item = &'a (dyn StdError + 'static)> {
    let mut next = Some(error);
    std::iter::from_fn(move || {
        let error = next?;
        next = error.source();
        Some(error)
    })
}
