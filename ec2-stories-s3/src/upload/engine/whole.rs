//! Small content: one request.

use std::sync::Arc;

use ec2_stories_core::{Error, Result};
use tokio::time::Instant;

use super::super::body::PartBody;
use super::super::crc::Crc64;
use super::super::handle::Uploaded;
use super::super::pulse::Pulse;
use super::super::span::Span;
use super::super::wire::{Stored, is_unexpected};
use super::look::unexpected;
use super::send::Sum;
use super::session::{check_stored, new_token};
use super::{Failure, Job};

impl Job {
    /// Sends all of it at once. Sending the same twice does no harm, unless the object must not be there before.
    pub(super) async fn put_whole(&self, span: &Span, crc: Crc64) -> Result<Uploaded, Failure> {
        let length = span.length();
        let sum = Sum { size: length, crc };
        let token = new_token();
        let mut patience = self.requests.patience();
        let mut unsure = false;
        loop {
            let asked = Instant::now();
            match self.put_once(&token, span, &sum).await {
                Ok(stored) => {
                    check_stored(&self.requests.wire.target, stored.crc, &sum)?;
                    self.meter.complete(length);
                    return Ok(Uploaded::new(stored.etag, &sum));
                }
                Err(error) if is_unexpected(&error, &self.requests.wire.target) => {
                    // It may be there because of an earlier try of which nobody heard.
                    let made = if unsure { self.made(&token, &sum).await? } else { None };
                    let Some(made) = made else {
                        return Err(Failure::Final(unexpected(&self.requests.wire.target).because(error)));
                    };
                    self.meter.complete(length);
                    return Ok(made);
                }
                Err(error) => {
                    unsure |= error.is_ambiguous();
                    patience.after(error, asked).await?;
                }
            }
        }
    }

    async fn put_once(&self, token: &str, span: &Span, sum: &Sum) -> Result<Stored, Error> {
        let pulse = Pulse::new();
        let meter = Arc::clone(&self.meter);
        let body = PartBody::new(span.clone(), sum.crc, self.buffers.clone(), pulse.clone(), meter);
        pulse.watch(self.requests.wire.put(token, body.into_stream(), sum.size, sum.crc)).await
    }
}
