//! Sending one part.

use std::sync::Arc;

use ec2_stories_core::Result;

use super::super::body::PartBody;
use super::super::buffers::Buffers;
use super::super::crc::Crc64;
use super::super::journal::Acknowledged;
use super::super::moves::Moves;
use super::super::progress::Meter;
use super::super::pulse::Pulse;
use super::super::requests::Requests;
use super::super::span::Span;
use super::super::wire::Listed;
use super::feed::Part;

/// A part that S3 has.
#[derive(Clone, Debug)]
pub(super) struct Sent {
    pub(super) part: Acknowledged,
    pub(super) length: u64,
    /// It was there already.
    pub(super) found: bool,
}

/// What every part needs.
#[derive(Clone, Debug)]
pub(super) struct Sender {
    pub(super) requests: Arc<Requests>,
    pub(super) meter: Arc<Meter>,
    pub(super) buffers: Buffers,
    pub(super) upload_id: String,
}

impl Sender {
    /// Sends a part, unless S3 has it: with the size and the checksum that were read from the source just now.
    pub(super) async fn send(self, part: Part, moves: Moves) -> Result<Sent> {
        let Part { number, span, crc, there } = part;
        let length = span.length();
        let sum = match crc {
            Some(crc) => crc,
            None => {
                let crc = span.checksum(&self.buffers).await?;
                self.meter.read(length);
                crc
            }
        };
        if let Some(there) = there
            && self.has(&there, &span, sum).await?
        {
            let part = Acknowledged { crc: sum, etag: there.etag };
            return Ok(Sent { part, length, found: true });
        }
        let send = |pulse: Pulse| {
            let pulse = pulse.of(moves.clone());
            let body = PartBody::new(span.clone(), sum, self.buffers.clone(), pulse, Arc::clone(&self.meter));
            self.requests.wire.upload_part(&self.upload_id, number, body.into_stream(), length, sum)
        };
        let etag = self.requests.repeat(send).await?;
        Ok(Sent { part: Acknowledged { crc: sum, etag }, length, found: false })
    }

    /// Whether what S3 has is this. Where it does not say the checksum, the ETag may be the MD5.
    async fn has(&self, there: &Listed, span: &Span, sum: Crc64) -> Result<bool> {
        let etag = there.etag.trim_matches('"');
        match there.crc {
            _ if there.size != span.length() => Ok(false),
            Some(crc) => Ok(crc == sum),
            None if etag.len() == 32 => Ok(span.md5(&self.buffers).await? == etag),
            None => Ok(false),
        }
    }
}

/// The parts that S3 has, and what they make.
#[derive(Debug, Default)]
pub(in super::super) struct Sum {
    pub(in super::super) size: u64,
    pub(in super::super) crc: Crc64,
}

impl Sum {
    /// Adds the next part.
    pub(super) fn then(self, sent: &Sent) -> Self {
        Self { size: self.size + sent.length, crc: self.crc.then(sent.part.crc, sent.length) }
    }
}
