//! The tree of attributes.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::AttributePath;
use crate::model::{Instance, NodeAddress};

/// What a deployment learned of its nodes, by node and name.
///
/// Every node that has an instance publishes [`Attributes::PUBLISHED`], the addresses once it has them. A clone costs nothing:
/// every node that is watched has one.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Attributes(Arc<BTreeMap<NodeAddress, Arc<BTreeMap<String, String>>>>);

impl Attributes {
    /// What every node with an instance publishes.
    pub const PUBLISHED: [&str; 9] = [
        "instance_id",
        "state",
        "zone",
        "instance_type",
        "image",
        "private_ip",
        "public_ip",
        "private_dns",
        "public_dns",
    ];

    /// No attributes.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The attribute at `path`.
    #[must_use]
    pub fn get(&self, path: &AttributePath) -> Option<&str> {
        self.0.get(&path.node)?.get(&path.key).map(String::as_str)
    }

    /// Sets an attribute of a node.
    pub fn set(&mut self, node: &NodeAddress, key: impl Into<String>, value: impl Into<String>) {
        let attributes = Arc::make_mut(&mut self.0).entry(node.clone()).or_default();
        Arc::make_mut(attributes).insert(key.into(), value.into());
    }

    /// A node's attributes, by name.
    pub fn of(&self, node: &NodeAddress) -> impl Iterator<Item = (&str, &str)> {
        let attributes = self.0.get(node).into_iter().flat_map(|attributes| attributes.iter());
        attributes.map(|(key, value)| (key.as_str(), value.as_str()))
    }

    /// Forgets a node.
    pub fn remove(&mut self, node: &NodeAddress) {
        if self.0.contains_key(node) {
            Arc::make_mut(&mut self.0).remove(node);
        }
    }

    /// Publishes what a describe showed of the node's instance.
    pub fn publish(&mut self, node: &NodeAddress, instance: &Instance) {
        let values = [
            Some(instance.id.as_str()),
            Some(instance.state.as_str()),
            Some(instance.zone.as_str()),
            Some(instance.instance_type.as_str()),
            Some(instance.image.as_str()),
            instance.private_ip.as_deref(),
            instance.public_ip.as_deref(),
            instance.private_dns.as_deref(),
            instance.public_dns.as_deref(),
        ];
        for (key, value) in Self::PUBLISHED.into_iter().zip(values) {
            if let Some(value) = value.filter(|value| !value.is_empty()) {
                self.set(node, key, value);
            }
        }
    }

    /// All attributes, by path.
    pub fn iter(&self) -> impl Iterator<Item = (AttributePath, &str)> {
        self.0.iter().flat_map(|(node, attributes)| {
            attributes
                .iter()
                .map(|(key, value)| (AttributePath { node: node.clone(), key: key.clone() }, value.as_str()))
        })
    }
}
