//! Which of a node's addresses a probe asks.

use crate::model::{LoginAddress, LoginSpec};
use crate::provider::{Liveness, Node};

/// The address that the probe names, or else the one that the node is logged in to.
pub(super) fn host(node: &Node, said: Option<LoginAddress>) -> Result<&str, Liveness> {
    let host = match said {
        None => node.login.host(&node.instance),
        said => LoginSpec { address: said, ..LoginSpec::default() }.host(&node.instance),
    };
    host.ok_or_else(|| Liveness::Unknown("the instance has no address of the wanted kind".to_owned()))
}
