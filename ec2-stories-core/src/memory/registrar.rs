//! Names in memory.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;

use super::script::{Script, operations};
use crate::provider::{Node, Registrar, Registration};
use crate::{Error, ErrorKind, Result};

operations! {
    /// A method of [`Registrar`].
    Registry {
        Register = "register",
        Refresh = "refresh",
        Deregister = "deregister",
    }
}

/// Registers nodes in memory: `web/2` of deployment `shop` becomes the name `web-2.shop`, which stands for the instance's
/// private address. Clones share the names.
#[derive(Clone, Debug, Default)]
pub struct MemoryRegistrar(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    names: Mutex<BTreeMap<String, String>>,
    script: Script<Registry>,
}

impl MemoryRegistrar {
    /// Knows no name.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// What a name stands for.
    #[must_use]
    pub fn lookup(&self, name: &str) -> Option<String> {
        self.with(|names| names.get(name).cloned())
    }

    /// Lets a name stand for something, or for nothing, as someone else would.
    pub fn set(&self, name: &str, value: Option<&str>) {
        self.with(|names| match value {
            Some(value) => names.insert(name.to_owned(), value.to_owned()),
            None => names.remove(name),
        });
    }

    /// The names that stand.
    #[must_use]
    pub fn names(&self) -> Vec<String> {
        self.with(|names| names.keys().cloned().collect())
    }

    /// The log of its calls, and the faults that wait for one.
    #[must_use]
    pub fn script(&self) -> &Script<Registry> {
        &self.0.script
    }

    fn with<T>(&self, change: impl FnOnce(&mut BTreeMap<String, String>) -> T) -> T {
        change(&mut self.0.names.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

#[async_trait]
impl Registrar for MemoryRegistrar {
    fn name(&self) -> String {
        "memory".to_owned()
    }

    async fn register(&self, node: &Node) -> Result<Registration> {
        let register = async {
            let value = node.instance.private_ip.clone().ok_or_else(|| {
                Error::new(ErrorKind::Invalid, "the instance has no private address").on(node.to_string())
            })?;
            let name = format!("{}-{}.{}", node.address.fleet, node.address.slot, node.deployment);
            self.with(|names| names.insert(name.clone(), value.clone()));
            Ok(Registration { node: node.address.clone(), name, value })
        };
        self.0.script.perform(Registry::Register, register).await
    }

    async fn refresh(&self, registration: &Registration) -> Result<()> {
        let Registration { name, value, .. } = registration;
        let refresh = async {
            self.with(|names| names.insert(name.clone(), value.clone()));
            Ok(())
        };
        self.0.script.perform(Registry::Refresh, refresh).await
    }

    async fn deregister(&self, registration: &Registration) -> Result<()> {
        let Registration { name, value, .. } = registration;
        let deregister = async {
            self.with(|names| names.get(name) == Some(value) && names.remove(name).is_some());
            Ok(())
        };
        self.0.script.perform(Registry::Deregister, deregister).await
    }
}
