//! When a node says that the page is elsewhere.

use http::{HeaderMap, header};
use serde::{Deserialize, Serialize};
use url::Url;

use crate::provider::{Liveness, Node};

/// What to do when a node says that the page is elsewhere.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Redirects {
    /// Its answer is the answer.
    #[default]
    Stay,
    /// Going there, so many times, as long as it is the node itself, on whichever port.
    OnNode(u8),
    /// Going there, so many times, wherever it is: what answers may be another machine.
    Anywhere(u8),
}

impl Redirects {
    pub(super) fn times(self) -> u8 {
        match self {
            Self::Stay => 0,
            Self::OnNode(times) | Self::Anywhere(times) => times,
        }
    }

    #[allow(clippy::trivially_copy_pass_by_ref)] // serde's signature
    pub(super) fn is_stay(&self) -> bool {
        *self == Self::Stay
    }
}

/// Where an answer of this status points to: the place, and whether it is the node.
pub(super) fn next(
    status: u16,
    headers: &HeaderMap,
    from: &Url,
    node: &Node,
) -> Option<Result<(Url, bool), Liveness>> {
    if !matches!(status, 301 | 302 | 303 | 307 | 308) {
        return None;
    }
    let location = headers.get(header::LOCATION)?.to_str().ok()?;
    let failing = |why: &str| Some(Err(Liveness::Failing(format!("status {status}, {why}"))));
    let Ok(there) = from.join(location) else { return failing("to what is no address") };
    match (from.scheme(), there.scheme()) {
        (_, "https") | ("http", "http") => {}
        ("https", "http") => return failing("from https to http"),
        _ => return failing("to what is neither http nor https"),
    }
    let on_node = there.host_str().is_some_and(|host| from.host_str() == Some(host) || is_of(node, host));
    Some(Ok((there, on_node)))
}

fn is_of(node: &Node, host: &str) -> bool {
    let instance = &node.instance;
    let names = [&instance.private_ip, &instance.public_ip, &instance.private_dns, &instance.public_dns];
    names.into_iter().flatten().any(|name| name == host.trim_matches(['[', ']']))
}
