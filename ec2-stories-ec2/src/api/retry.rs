//! What the SDK would repeat and should not.

use aws_sdk_ec2::error::ProvideErrorMetadata;
use aws_sdk_ec2::operation::run_instances::RunInstancesError;
use aws_smithy_runtime_api::client::interceptors::context::InterceptorContext;
use aws_smithy_runtime_api::client::retries::classifiers::{
    ClassifyRetry, RetryAction, RetryClassifierPriority,
};

use crate::error::is_definitive;

/// No capacity comes with HTTP status 500, which the SDK takes for a fault to be retried. It is an answer: the caller
/// goes to another type or zone instead.
#[derive(Debug)]
pub(super) struct NoRetryOfDefinitive;

impl ClassifyRetry for NoRetryOfDefinitive {
    fn classify_retry(&self, context: &InterceptorContext) -> RetryAction {
        let code = match context.output_or_error() {
            Some(Err(error)) => error
                .as_operation_error()
                .and_then(|error| error.downcast_ref::<RunInstancesError>())
                .and_then(ProvideErrorMetadata::code),
            _ => None,
        };
        if code.is_some_and(is_definitive) {
            RetryAction::RetryForbidden
        } else {
            RetryAction::NoActionIndicated
        }
    }

    fn name(&self) -> &'static str {
        "ec2-stories no retry of definitive answers"
    }

    fn priority(&self) -> RetryClassifierPriority {
        RetryClassifierPriority::run_after(RetryClassifierPriority::transient_error_classifier())
    }
}
