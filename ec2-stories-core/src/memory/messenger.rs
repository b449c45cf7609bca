//! Other nodes' resources in memory.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;

use super::script::{Script, operations};
use crate::model::NodeAddress;
use crate::provider::{Messenger, Method, Reply, Request};
use crate::{Error, ErrorKind, Result};

operations! {
    /// A method of [`Messenger`].
    Exchange {
        Get = "get",
        Put = "put",
        Post = "post",
        Delete = "delete",
    }
}

type Resources = BTreeMap<String, Vec<u8>>;

/// Nodes that keep resources in memory. PUT makes or replaces one, POST appends to one that is there, DELETE removes
/// it. Clones share the nodes.
#[derive(Clone, Debug, Default)]
pub struct MemoryMessenger(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    nodes: Mutex<BTreeMap<NodeAddress, Resources>>,
    script: Script<Exchange>,
}

impl MemoryMessenger {
    /// Knows no node.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a node without resources.
    pub fn add(&self, node: NodeAddress) {
        self.with(|nodes| nodes.entry(node).or_default().clear());
    }

    /// Removes a node; it is unknown from now on.
    pub fn remove(&self, node: &NodeAddress) {
        self.with(|nodes| nodes.remove(node));
    }

    /// The log of its exchanges, and the faults that wait for one.
    #[must_use]
    pub fn script(&self) -> &Script<Exchange> {
        &self.0.script
    }

    fn with<T>(&self, change: impl FnOnce(&mut BTreeMap<NodeAddress, Resources>) -> T) -> T {
        change(&mut self.0.nodes.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

#[async_trait]
impl Messenger for MemoryMessenger {
    async fn exchange(&self, to: &NodeAddress, request: Request) -> Result<Reply> {
        let operation = match request.method {
            Method::Get => Exchange::Get,
            Method::Put => Exchange::Put,
            Method::Post => Exchange::Post,
            Method::Delete => Exchange::Delete,
        };
        let unknown = || Error::new(ErrorKind::NotFound, "nobody knows this node").on(to.to_string());
        let exchange = async {
            self.with(|nodes| nodes.get_mut(to).map(|node| answer(node, request)).ok_or_else(unknown))
        };
        self.0.script.perform(operation, exchange).await
    }
}

fn answer(resources: &mut Resources, Request { method, path, body }: Request) -> Reply {
    let (status, body) = match (method, resources.get_mut(&path)) {
        (Method::Get, Some(content)) => (200, content.clone()),
        (Method::Put, Some(content)) => {
            *content = body;
            (204, Vec::new())
        }
        (Method::Put, None) => {
            resources.insert(path, body);
            (201, Vec::new())
        }
        (Method::Post, Some(content)) => {
            content.extend(body);
            (200, content.clone())
        }
        (Method::Delete, Some(_)) => {
            resources.remove(&path);
            (204, Vec::new())
        }
        (Method::Get | Method::Post | Method::Delete, None) => (404, Vec::new()),
    };
    Reply { status, body }
}
