//! What somebody may ask of the controller about a single node.

use std::time::Duration;

use super::Running;
use super::driver::{Command, Order};
use crate::model::NodeAddress;
use crate::provider::Hold;
use crate::{Error, ErrorKind, Result};

/// The longest hold: one that is forgotten ends within a day.
const LONGEST: Duration = Duration::from_secs(24 * 3600);

impl Running {
    /// Keeps a node from being replaced until the hold ends, whatever becomes of its instance; it is probed all the same. That is
    /// asked once more just before an instance is terminated.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] if there is no such node; [`ErrorKind::Invalid`] for a hold without owner or reason, one that has
    /// ended, or one longer than a day.
    pub fn hold(&self, node: &NodeAddress, hold: Hold) -> Result<()> {
        let now = self.context().now();
        let wrong = |field: &str, why: &str| Err(Error::invalid(format!("hold.{field}"), why));
        if hold.owner.trim().is_empty() {
            return wrong("owner", "must say who asks for it");
        }
        if hold.reason.trim().is_empty() {
            return wrong("reason", "must say why");
        }
        if hold.until <= now {
            return wrong("until", "has passed already");
        }
        if hold.until > now + LONGEST {
            return wrong("until", "must be within 24 hours");
        }
        self.order(node, Order::Hold(node.clone(), hold))
    }

    /// Ends a hold, and lets a node in quarantine have an instance again. What is neither stays as it is.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] if there is no such node.
    pub fn release(&self, node: &NodeAddress) -> Result<()> {
        self.order(node, Order::Release(node.clone()))
    }

    /// Takes a node out of service: it is drained where it lives, its instance terminated, and none launched until it is released
    /// or replaced.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] if there is no such node.
    pub fn quarantine(&self, node: &NodeAddress, reason: impl Into<String>) -> Result<()> {
        self.order(node, Order::Quarantine(node.clone(), reason.into()))
    }

    /// Gives a node another instance: one that lives is drained before; one that was given up, or is in quarantine, begins anew.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] if there is no such node.
    pub fn replace(&self, node: &NodeAddress, reason: impl Into<String>) -> Result<()> {
        self.order(node, Order::Replace(node.clone(), reason.into()))
    }

    fn order(&self, node: &NodeAddress, order: Order) -> Result<()> {
        if !self.nodes().iter().any(|known| known.address == *node) {
            return Err(Error::new(ErrorKind::NotFound, "there is no such node").on(node.to_string()));
        }
        self.command(Command::Obey(order))
    }
}
