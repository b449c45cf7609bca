//! The family's clock, for the SDK.

use std::sync::Arc;
use std::time::SystemTime;

use aws_smithy_async::time::TimeSource;

use crate::Clock;

/// Lets the SDK sign and expire by the family's clock. Its own default is the machine's, which virtual time does not move.
#[derive(Clone, Debug)]
pub struct ClockTimeSource(pub Arc<dyn Clock>);

impl TimeSource for ClockTimeSource {
    fn now(&self) -> SystemTime {
        self.0.now().into()
    }
}
