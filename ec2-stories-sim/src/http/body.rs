//! Bodies that break off.

use std::io;
use std::time::Duration;

use bytes::Bytes;
use futures::{StreamExt, stream};
use http_body_util::StreamBody;
use hyper::body::{Body, Frame};

/// A server that sees the end at once sends nothing of what came before.
const FLUSH: Duration = Duration::from_millis(5);

/// Half of a reply, then the end of the connection.
pub(crate) fn half_of(body: &Bytes) -> impl Body<Data = Bytes, Error = io::Error> + Send + Sync + use<> {
    let half = Ok(Frame::data(body.slice(..body.len() / 2)));
    let end = async {
        tokio::time::sleep(FLUSH).await;
        Err(reset())
    };
    StreamBody::new(stream::iter([half]).chain(stream::once(end)))
}

/// Half of a reply, then nothing more on a connection that stays open.
pub(crate) fn held_up(body: &Bytes) -> impl Body<Data = Bytes, Error = io::Error> + Send + Sync + use<> {
    let half = Ok(Frame::data(body.slice(..body.len() / 2)));
    StreamBody::new(stream::iter([half]).chain(stream::pending()))
}

/// What a client sees of a peer that goes away.
pub(crate) fn reset() -> io::Error {
    io::Error::new(io::ErrorKind::ConnectionReset, "connection reset by peer")
}
