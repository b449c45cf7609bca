//! Whether one of a call's attempts got no definite answer.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::interceptors::Intercept;
use aws_smithy_runtime_api::client::interceptors::context::{
    BeforeTransmitInterceptorContextRef, FinalizerInterceptorContextRef,
};
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::config_bag::ConfigBag;

use super::is_not_connected;

/// An interceptor of one call that remembers whether any of its attempts was sent and ended without a definite answer. When the
/// SDK repeats such an attempt, the answer to the last one says nothing of what the first did.
#[derive(Clone, Debug)]
pub struct Attempts {
    flags: Arc<Flags>,
    is_fault: fn(u16) -> bool,
}

#[derive(Debug, Default)]
struct Flags {
    sent: AtomicBool,
    unknown: AtomicBool,
}

impl Attempts {
    /// Every answer of the service is definite, save those of an HTTP status that may come after the effect.
    #[must_use]
    pub fn with_faults(is_fault: fn(u16) -> bool) -> Self {
        Self { flags: Arc::default(), is_fault }
    }

    /// Whether there was one.
    #[must_use]
    pub fn any_unknown(&self) -> bool {
        self.flags.unknown.load(Ordering::Relaxed)
    }
}

/// Every answer of the service is definite.
impl Default for Attempts {
    fn default() -> Self {
        Self::with_faults(|_| false)
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
        self.flags.sent.store(true, Ordering::Relaxed);
        Ok(())
    }

    fn read_after_attempt(
        &self,
        context: &FinalizerInterceptorContextRef<'_>,
        _components: &RuntimeComponents,
        _config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let sent = self.flags.sent.swap(false, Ordering::Relaxed);
        let fault = context.response().is_some_and(|reply| (self.is_fault)(reply.status().as_u16()));
        let answered = match context.output_or_error() {
            Some(Err(error)) => {
                (error.is_operation_error() && !fault)
                    || error.as_connector_error().is_some_and(|error| is_not_connected(error))
            }
            _ => true,
        };
        if sent && !answered {
            self.flags.unknown.store(true, Ordering::Relaxed);
        }
        Ok(())
    }
}
