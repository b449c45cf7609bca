//! What the SDK would repeat and should not, and what it should.

use aws_smithy_runtime_api::client::interceptors::context::InterceptorContext;
use aws_smithy_runtime_api::client::retries::classifiers::{ClassifyRetry, RetryAction};

use crate::error::{is_about_credentials, is_definitive};

/// No capacity comes with HTTP status 500, which the SDK takes for a fault to be retried. It is an answer: the caller
/// goes to another type or zone instead.
#[derive(Debug)]
pub(super) struct NoRetryOfDefinitive;

impl ClassifyRetry for NoRetryOfDefinitive {
    fn classify_retry(&self, context: &InterceptorContext) -> RetryAction {
        if code(context).is_some_and(is_definitive) {
            RetryAction::RetryForbidden
        } else {
            RetryAction::NoActionIndicated
        }
    }

    fn name(&self) -> &'static str {
        "ec2-stories no retry of definitive answers"
    }
}

/// Whether the credentials were refused, which may have been rotated since they were asked for.
pub(crate) fn refuses_credentials(context: &InterceptorContext) -> bool {
    code(context).is_some_and(is_about_credentials)
}

/// The error code of a refusal. A classifier serves all operations, whose error types are all different, so it is read
/// from the reply.
fn code(context: &InterceptorContext) -> Option<&str> {
    if !matches!(context.output_or_error(), Some(Err(_))) {
        return None;
    }
    let response = context.response()?;
    // EBS names it here, with a namespace before it or an address after it.
    if let Some(kind) = response.headers().get("x-amzn-errortype") {
        return kind.split(':').next()?.rsplit('#').next();
    }
    let body = std::str::from_utf8(response.body().bytes()?).ok()?;
    let (_, rest) = body.split_once("<Code>")?;
    rest.split_once("</Code>").map(|(code, _)| code)
}
