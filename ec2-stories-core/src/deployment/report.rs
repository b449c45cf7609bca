//! How a deployment ended.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::machine::Phase;
use super::table::table;
use crate::model::{Generation, InstanceId, Name, NodeAddress};

/// How it ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ending {
    /// Everything was taken down.
    Terminated,
    /// The nodes were left to live on.
    Detached,
}

/// What became of a node.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct NodeReport {
    /// The node.
    pub address: NodeAddress,
    /// Where it was at the end.
    pub phase: Phase,
    /// Which instance of the node was the last; 0 if it never had one.
    pub generation: Generation,
    /// The last instance.
    pub instance: Option<InstanceId>,
    /// Why the instance before was replaced.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub death: Option<String>,
    /// What went wrong on the way, in order.
    pub problems: Vec<String>,
}

/// Something that could not be cleaned up, and may bill.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Leak {
    /// What: an instance's id, a group, a launch's token.
    pub resource: String,
    /// Why it is still there, or may be.
    pub reason: String,
}

/// What happened, per node, and what could not be undone.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[must_use = "a report may tell of leaks"]
pub struct Report {
    /// The deployment.
    pub deployment: Name,
    /// How it ended.
    pub ending: Ending,
    /// Why, where it was not simply asked for: the first cause.
    pub cause: Option<String>,
    pub(crate) nodes: Vec<NodeReport>,
    pub(crate) leaks: Vec<Leak>,
    /// What went wrong and belongs to no node, such as a journal that could not be written.
    pub problems: Vec<String>,
}

impl Report {
    /// As it is for whoever asked for a termination: nodes that another controller took over, or that were detached
    /// before, are left behind.
    pub(super) fn of_a_termination(mut self) -> Self {
        if self.ending != Ending::Terminated {
            let resource = format!("deployment {}", self.deployment);
            let reason = "not terminated: another controller has it, or it was detached before".to_owned();
            self.leaks.push(Leak { resource, reason });
        }
        self
    }

    /// What became of each node.
    #[must_use]
    pub fn nodes(&self) -> &[NodeReport] {
        &self.nodes
    }

    /// What could not be cleaned up.
    #[must_use]
    pub fn leaks(&self) -> &[Leak] {
        &self.leaks
    }

    /// Whether nothing is left behind that was not meant to be.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.leaks.is_empty()
    }

    /// Panics, with the report, if something is left behind.
    ///
    /// # Panics
    /// If the report is not clean.
    #[track_caller]
    pub fn assert_clean(&self) {
        assert!(self.is_clean(), "something is left:\n{self}");
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let how = match self.ending {
            Ending::Terminated => "terminated",
            Ending::Detached => "detached; what runs lives on",
        };
        writeln!(f, "deployment {}: {how}", self.deployment)?;
        if let Some(cause) = &self.cause {
            writeln!(f, "cause: {cause}")?;
        }
        let rows = self.nodes.iter().map(|node| {
            let instance = node.instance.as_ref().map_or("-", InstanceId::as_str);
            vec![
                node.address.to_string(),
                node.phase.to_string(),
                instance.to_owned(),
                node.problems.join("; "),
            ]
        });
        f.write_str(&table(&["node", "phase", "instance", "problems"], rows))?;
        for problem in &self.problems {
            writeln!(f, "problem: {problem}")?;
        }
        for Leak { resource, reason } in &self.leaks {
            writeln!(f, "LEAK: {resource}: {reason}")?;
        }
        if self.ending == Ending::Terminated && self.is_clean() {
            writeln!(f, "nothing is left")?;
        }
        Ok(())
    }
}
