//! HTTP replies.

use bytes::Bytes;
use jiff::Timestamp;

use crate::wire::{ApiError, Protocol};

/// What every reply carries: SDKs read the request id from a header and correct their clocks by `Date`.
#[derive(Clone, Debug)]
pub(crate) struct Envelope {
    pub(crate) request_id: String,
    pub(crate) now: Timestamp,
}

impl Envelope {
    pub(crate) fn reply(&self, xml: String) -> http::Response<Bytes> {
        self.with_status(200, xml)
    }

    pub(crate) fn refusal(&self, protocol: Protocol, error: &ApiError) -> http::Response<Bytes> {
        self.with_status(error.status, protocol.error(error, &self.request_id))
    }

    fn with_status(&self, status: u16, xml: String) -> http::Response<Bytes> {
        // A fault plan may ask for a status that HTTP does not know.
        let status = http::StatusCode::from_u16(status).unwrap_or(http::StatusCode::INTERNAL_SERVER_ERROR);
        http::Response::builder()
            .status(status)
            .header("content-type", "text/xml;charset=UTF-8")
            .header("x-amzn-requestid", &self.request_id)
            .header("date", self.now.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string())
            .body(Bytes::from(xml))
            .expect("these headers are valid")
    }
}
