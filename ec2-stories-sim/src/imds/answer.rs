//! From a request to a reply: who may ask, and what there is.
//!
//! Statuses: EC2 user guide, "Access instance metadata for an EC2 instance", response codes and IMDSv2's tokens.

use bytes::Bytes;
use http::header::{ALLOW, CONTENT_TYPE, HeaderMap, HeaderValue, SERVER};
use http::{Method, StatusCode};
use percent_encoding::percent_decode_str;

use super::facts::Facts;
use super::refusal::page;
use super::{listing, token, tree};

const TOKEN_PATH: &str = "latest/api/token";
const TOKEN: &str = "x-aws-ec2-metadata-token";
const TTL: &str = "x-aws-ec2-metadata-token-ttl-seconds";
const FORWARDED: &str = "x-forwarded-for";

/// What comes back.
#[derive(Debug)]
pub(super) enum Answer {
    Reply(http::Response<Bytes>),
    /// A reply was sent, and the hop limit ended its way.
    OutOfReach,
}

impl Answer {
    pub(super) fn refused(status: u16) -> Self {
        Self::Reply(page(StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)))
    }
}

pub(super) fn answer(request: &http::Request<Bytes>, facts: &Facts, hops: i32) -> Answer {
    let path = percent_decode_str(request.uri().path()).decode_utf8_lossy();
    let path = path.trim_matches('/');
    if !facts.enabled {
        return Answer::refused(403);
    }
    if path == TOKEN_PATH {
        return token_reply(request, facts, hops);
    }
    if request.method() != Method::GET && request.method() != Method::HEAD {
        return not_allowed("GET, HEAD, OPTIONS");
    }
    let left = match said(request.headers(), TOKEN) {
        Some(given) => match token::remaining(given, &facts.instance_id, facts.now) {
            Some(left) => Some(left),
            None => return Answer::refused(401),
        },
        None if facts.token_required => return Answer::refused(401),
        None => None,
    };
    let Some(body) = listing::find(path, || tree::of(facts)) else { return Answer::refused(404) };
    Answer::Reply(data(body, left))
}

/// The reply to a PUT for a token.
fn token_reply(request: &http::Request<Bytes>, facts: &Facts, hops: i32) -> Answer {
    if request.method() != Method::PUT {
        return not_allowed("OPTIONS, PUT");
    }
    // A proxy that forwards whatever it is told must not get a token.
    if request.headers().contains_key(FORWARDED) {
        return Answer::refused(403);
    }
    let ttl = said(request.headers(), TTL).and_then(|ttl| ttl.parse::<i64>().ok());
    let Some(ttl) = ttl.filter(|ttl| (1..=token::MAX_TTL).contains(ttl)) else {
        return Answer::refused(400);
    };
    if hops > facts.hop_limit {
        return Answer::OutOfReach;
    }
    let until = facts.now + jiff::SignedDuration::from_secs(ttl);
    Answer::Reply(data(Bytes::from(token::issue(&facts.instance_id, until)), Some(ttl)))
}

fn data(body: Bytes, token_left: Option<i64>) -> http::Response<Bytes> {
    let mut reply = http::Response::new(body);
    let headers = reply.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/plain"));
    headers.insert(SERVER, HeaderValue::from_static("EC2ws"));
    if let Some(left) = token_left {
        headers.insert(TTL, left.into());
    }
    reply
}

fn not_allowed(allowed: &'static str) -> Answer {
    let mut reply = page(StatusCode::METHOD_NOT_ALLOWED);
    reply.headers_mut().insert(ALLOW, HeaderValue::from_static(allowed));
    Answer::Reply(reply)
}

fn said<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}
