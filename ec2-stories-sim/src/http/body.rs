//! Bodies that break off.

use std::io;

use bytes::Bytes;
use futures::stream;
use http_body_util::StreamBody;
use hyper::body::{Body, Frame};

/// Half of a reply, then the end of the connection.
pub(super) fn half_of(body: &Bytes) -> impl Body<Data = Bytes, Error = io::Error> + Send + Sync + use<> {
    let half = Ok(Frame::data(body.slice(..body.len() / 2)));
    StreamBody::new(stream::iter([half, Err(reset())]))
}

/// What a client sees of a peer that goes away.
pub(super) fn reset() -> io::Error {
    io::Error::new(io::ErrorKind::ConnectionReset, "connection reset by peer")
}
