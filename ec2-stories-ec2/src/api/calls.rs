//! Counting requests, and remembering whether one of them got no definite answer.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use aws_sdk_ec2::config::interceptors::BeforeTransmitInterceptorContextRef;
use aws_sdk_ec2::config::{ConfigBag, Intercept, RuntimeComponents};
use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::interceptors::context::FinalizerInterceptorContextRef;
use aws_smithy_runtime_api::client::orchestrator::Metadata;

use crate::error::is_refused;

/// Requests sent, by operation. An operation that the SDK repeats counts once for each attempt.
#[derive(Clone, Debug, Default)]
pub(crate) struct Calls(Arc<Mutex<BTreeMap<String, u64>>>);

impl Calls {
    pub(crate) fn snapshot(&self) -> BTreeMap<String, u64> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Intercept for Calls {
    fn name(&self) -> &'static str {
        "ec2-stories calls"
    }

    fn read_before_transmit(
        &self,
        _context: &BeforeTransmitInterceptorContextRef<'_>,
        _components: &RuntimeComponents,
        config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let operation = config.load::<Metadata>().map_or("?", Metadata::name).to_owned();
        *self.0.lock().unwrap_or_else(PoisonError::into_inner).entry(operation).or_default() += 1;
        Ok(())
    }
}

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
        let answered = match context.output_or_error() {
            Some(Err(error)) => {
                error.is_operation_error() || error.as_connector_error().is_some_and(|e| is_refused(e))
            }
            _ => true,
        };
        if sent && !answered {
            self.0.unknown.store(true, Ordering::Relaxed);
        }
        Ok(())
    }
}
