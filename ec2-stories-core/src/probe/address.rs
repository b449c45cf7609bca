//! Which of a node's addresses a probe asks.

use std::time::Duration;

use super::within;
use crate::model::{LoginAddress, LoginSpec};
use crate::provider::{Liveness, Node};

/// Asks at the address that the probe names, or else the one that the node is logged in to, for so long.
pub(super) async fn ask_at<'n, A>(
    node: &'n Node,
    said: Option<LoginAddress>,
    limit: Duration,
    ask: impl FnOnce(&'n str) -> A,
) -> Liveness
where
    A: Future<Output = Result<Liveness, Liveness>>,
{
    match host(node, said) {
        Some(host) => within(limit, async { ask(host).await.unwrap_or_else(|why| why) }).await,
        None => Liveness::Unknown("the instance has no address of the wanted kind".to_owned()),
    }
}

fn host(node: &Node, said: Option<LoginAddress>) -> Option<&str> {
    match said {
        None => node.login.host(&node.instance),
        said => LoginSpec { address: said, ..LoginSpec::default() }.host(&node.instance),
    }
}
