//! From the SDK's errors to the family's. What a refusal means is each service's own; all else is alike.

use std::error::Error as StdError;
use std::io;

use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use aws_types::request_id::RequestId;

use super::Effect;
use crate::{Error, ErrorKind, Status};

/// A call that a service refused, in its own words.
#[derive(Clone, Copy, Debug)]
pub struct Refusal<'a> {
    /// Its error code, where it told one.
    pub code: Option<&'a str>,
    /// Its message, where it told one.
    pub message: Option<&'a str>,
    /// The reply.
    pub reply: &'a HttpResponse,
    /// The request's id, by which the service's own logs know it.
    pub request_id: Option<&'a str>,
}

impl Refusal<'_> {
    /// The reply's HTTP status.
    #[must_use]
    pub fn http(&self) -> u16 {
        self.reply.status().as_u16()
    }

    /// A message with the request's id.
    #[must_use]
    pub fn with_id(&self, message: &str) -> String {
        match self.request_id {
            Some(id) => format!("{message} (request {id})"),
            None => message.to_owned(),
        }
    }
}

/// Says what a failed call means; `refused` says it of a refusal.
pub fn translate<E>(
    operation: &str,
    effect: Effect,
    error: &SdkError<E, HttpResponse>,
    refused: impl FnOnce(Refusal<'_>) -> Error,
) -> Error
where
    E: ProvideErrorMetadata + StdError + Send + Sync + 'static,
{
    let translated = match error {
        SdkError::ConstructionFailure(_) => not_sent(error),
        SdkError::DispatchFailure(failure) if failure.is_user() => not_sent(error),
        SdkError::ServiceError(service) => refused(Refusal {
            code: service.err().code(),
            message: service.err().message(),
            reply: service.raw(),
            request_id: error.request_id(),
        }),
        other => unanswered(other, effect),
    };
    translated.during(operation)
}

/// The same error again, for another who waits for the same call.
#[must_use]
pub fn again(error: &Error) -> Error {
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

fn unanswered<E>(error: &SdkError<E, HttpResponse>, effect: Effect) -> Error
where
    E: StdError + Send + Sync + 'static,
{
    if let Some(told) = causes(error).find_map(|cause| cause.downcast_ref::<Error>()) {
        return again(told);
    }
    let status = if is_not_connected(error) { Status::Temporary } else { effect.when_unknown() };
    let message = match error {
        SdkError::TimeoutError(_) => "no answer in time",
        SdkError::ResponseError(_) => "the answer could not be read",
        _ => "no answer",
    };
    Error::new(ErrorKind::Unavailable, message).status(status).because(context(error))
}

/// Whether nothing listens there: nothing was sent.
#[must_use]
pub fn is_not_connected(error: &(dyn StdError + 'static)) -> bool {
    causes(error)
        .filter_map(|cause| cause.downcast_ref::<io::Error>())
        .any(|cause| cause.kind() == io::ErrorKind::ConnectionRefused)
}

/// The error and its causes as text: the SDK's types are not part of ours.
#[must_use]
pub fn causes_of(error: &(dyn StdError + 'static)) -> String {
    let causes: Vec<String> = causes(error).map(ToString::to_string).collect();
    causes.join(": ")
}

/// As [`causes_of`], without the error itself.
fn context(error: &(dyn StdError + 'static)) -> String {
    error.source().map(causes_of).unwrap_or_default()
}

fn causes<'a>(error: &'a (dyn StdError + 'static)) -> impl Iterator<Item = &'a (dyn StdError + 'static)> {
    let mut next = Some(error);
    std::iter::from_fn(move || {
        let error = next?;
        next = error.source();
        Some(error)
    })
}
