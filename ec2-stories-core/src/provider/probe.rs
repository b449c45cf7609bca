//! Asking a node whether it lives.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use super::Node;
use crate::Result;

/// A probe's answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "liveness", content = "why")]
pub enum Liveness {
    /// The node does its work.
    Live,
    /// The node does not; counts towards death.
    Failing(String),
    /// Something that must know says that it is dead: no threshold applies.
    DeclaredDead(String),
    /// The prober could not find out; says nothing of the node.
    Unknown(String),
}

/// A custom definition of liveness.
///
/// # Contract
/// - An error on the prober's side (name resolution, file descriptors, credentials) is `Unknown`, never `Failing`.
/// - It ends by itself within a few seconds: a probe that has no answer by its time-out says `Failing`.
/// - It changes nothing on the node. Cancel-safe.
#[async_trait]
pub trait Probe: fmt::Debug + Send + Sync {
    /// What it checks, for people.
    fn name(&self) -> String;

    /// Refuses what cannot be meant, such as port 0. A fleet is not made with a probe that is refused.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`](crate::ErrorKind::Invalid), naming the field from the probe's own description.
    fn consistent(&self) -> Result<()> {
        Ok(())
    }

    /// Checks the node.
    async fn check(&self, node: &Node) -> Liveness;
}

#[async_trait]
impl<P: Probe + ?Sized> Probe for Arc<P> {
    fn name(&self) -> String {
        (**self).name()
    }

    fn consistent(&self) -> Result<()> {
        (**self).consistent()
    }

    async fn check(&self, node: &Node) -> Liveness {
        (**self).check(node).await
    }
}

// By hand, so that a probe that nobody says otherwise of is consistent.
#[cfg(feature = "mock")]
mockall::mock! {
    /// A mock of [`Probe`].
    #[derive(Debug)]
    pub Probe {}

    #[async_trait]
    impl Probe for Probe {
        fn name(&self) -> String;
        async fn check(&self, node: &Node) -> Liveness;
    }
}
