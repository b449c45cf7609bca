//! What no probe can mean.

use std::time::Duration;

use crate::{Error, Result};

/// Nothing listens on port 0.
pub(super) fn port(port: u16) -> Result<()> {
    if port == 0 { Err(Error::invalid("port", "must be from 1 to 65535")) } else { Ok(()) }
}

/// Nobody answers in no time.
pub(super) fn timeout(timeout: Duration) -> Result<()> {
    if timeout.is_zero() { Err(Error::invalid("timeout", "must be more than nothing")) } else { Ok(()) }
}
