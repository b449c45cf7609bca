//! EC2's own time of day, as the `Date` of its replies tells it: the machine's clock may be minutes off.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use aws_sdk_ec2::config::interceptors::BeforeDeserializationInterceptorContextRef;
use aws_sdk_ec2::config::{ConfigBag, Intercept, RuntimeComponents};
use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_types::DateTime;
use aws_smithy_types::date_time::Format;
use jiff::{SignedDuration, Timestamp};

/// By how many seconds EC2's clock is ahead of ours, from its last reply.
#[derive(Clone, Debug, Default)]
pub(super) struct ServerTime(Arc<AtomicI64>);

impl ServerTime {
    pub(super) fn at(&self, ours: Timestamp) -> Timestamp {
        ours.saturating_add(SignedDuration::from_secs(self.0.load(Ordering::Relaxed))).unwrap_or(ours)
    }
}

impl Intercept for ServerTime {
    fn name(&self) -> &'static str {
        "ec2-stories server time"
    }

    fn read_before_deserialization(
        &self,
        context: &BeforeDeserializationInterceptorContextRef<'_>,
        components: &RuntimeComponents,
        _config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let date = context.response().headers().get("date");
        let theirs = date.and_then(|date| DateTime::from_str(date, Format::HttpDate).ok());
        if let (Some(theirs), Some(ours)) = (theirs, components.time_source()) {
            let ours = DateTime::from(ours.now());
            self.0.store(theirs.secs() - ours.secs(), Ordering::Relaxed);
        }
        Ok(())
    }
}
