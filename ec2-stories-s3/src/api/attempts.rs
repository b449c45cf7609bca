//! Whether one of a call's attempts got no definite answer.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use aws_sdk_s3::config::interceptors::BeforeTransmitInterceptorContextRef;
use aws_sdk_s3::config::{ConfigBag, Intercept, RuntimeComponents};
use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::interceptors::context::FinalizerInterceptorContextRef;

use crate::error::is_refused;

/// Whether any attempt of one call was sent and ended without a definite answer. When the SDK repeats such an attempt,
/// the answer to the last one says nothing of what the first did.
#[derive(Clone, Debug, Default)]
pub(crate) struct Attempts(Arc<Flags>);

#[derive(Debug, Default)]
struct Flags {
    sent: AtomicBool,
    unknown: AtomicBool,
}

impl Attempts {
    pub(crate) fn any_unknown(&self) -> bool {
        self.0.unknown.load(Ordering::Relaxed)
    }
}

impl Intercept for Attempts {
    fn name(&self) -> &'static str {
        "ec2-stories attempts"
    }

    fn read_before_transmit(
        &self,
        _context: &BeforeTransmitInterceptorContextRef<'_>,
        _components: &RuntimeComponents,
        _config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        self.0.sent.store(true, Ordering::Relaxed);
        Ok(())
    }

    fn read_after_attempt(
        &self,
        context: &FinalizerInterceptorContextRef<'_>,
        _components: &RuntimeComponents,
        _config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let sent = self.0.sent.swap(false, Ordering::Relaxed);
        let fault = context.response().is_some_and(|response| {
            // A fault of the server's own may have come after the effect; 501 and 503 are refusals.
            let status = response.status().as_u16();
            status >= 500 && status != 501 && status != 503
        });
        let answered = match context.output_or_error() {
            Some(Err(error)) => {
                (error.is_operation_error() && !fault)
                    || error.as_connector_error().is_some_and(|error| is_refused(error))
            }
            _ => true,
        };
        if sent && !answered {
            self.0.unknown.store(true, Ordering::Relaxed);
        }
        Ok(())
    }
}
