//! What a prober hears of a node.

use std::future::pending;

use async_trait::async_trait;
use ec2_stories_core::provider::{Liveness, Node, Probe};

use super::body::Service;
use super::truth::{Truth, Watcher};

#[derive(Debug)]
pub(super) struct Ear(pub(super) Truth);

#[async_trait]
impl Probe for Ear {
    fn name(&self) -> String {
        "ear".to_owned()
    }

    async fn check(&self, node: &Node) -> Liveness {
        match (self.0.watcher(), self.0.service(&node.instance)) {
            (Watcher::Unable, _) => Liveness::Unknown("no file descriptors".to_owned()),
            (Watcher::Deaf, _) | (_, None) => Liveness::Failing("no route to the host".to_owned()),
            (_, Some(Service::Crashed)) => Liveness::Failing("connection refused".to_owned()),
            (_, Some(Service::Hung)) => pending().await,
            (_, Some(Service::Up)) => Liveness::Live,
        }
    }
}
