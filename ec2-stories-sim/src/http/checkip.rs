//! What `checkip.amazonaws.com` says to clients of the simulation: the public address they come from.

use bytes::Bytes;

const HOST: &str = "checkip.amazonaws.com";
/// An address for documentation: RFC 5737, TEST-NET-3.
pub(crate) const CALLER: &str = "203.0.113.25";

/// The service's reply, if the request is for it.
pub(crate) fn answer(request: &http::Request<Bytes>) -> Option<http::Response<Bytes>> {
    let asked = request.uri().host() == Some(HOST);
    asked.then(|| http::Response::new(Bytes::from(format!("{CALLER}\n"))))
}
