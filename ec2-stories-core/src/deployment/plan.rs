//! Deciding before anything is spent.

use std::collections::BTreeMap;
use std::fmt;

use serde::Serialize;

use super::image_file::PlannedUpload;
use super::journal::FleetRecord;
use super::machine::Place;
use super::table::table;
use crate::model::{Expiry, ImageId, InstanceId, InstanceType, Mode, Name, NodeAddress};
use crate::provider::{Finding, Severity};
use crate::{Error, ErrorKind, Result};

/// What a start would do. It has cost nothing.
#[derive(Clone, Debug, Serialize)]
pub struct Plan {
    /// The deployment.
    pub deployment: Name,
    /// What becomes of the nodes when the program goes.
    pub mode: Mode,
    /// The fleets, in the description's order.
    pub fleets: Vec<PlannedFleet>,
    /// Nodes that exist and that the description does not have (any more); they are left alone until the end.
    pub surplus: Vec<NodeAddress>,
    /// Instances that carry the deployment's tag and are no node's.
    pub strays: Vec<InstanceId>,
    pub(super) findings: Vec<Finding>,
    /// Places that a fleet's launch passes over: they cannot be used, and others can.
    #[serde(skip)]
    pub(super) unusable: BTreeMap<Name, Vec<Place>>,
    #[serde(skip)]
    pub(super) resolved: BTreeMap<Name, FleetRecord>,
}

/// What a start would do with a fleet.
#[derive(Clone, Debug, Serialize)]
pub struct PlannedFleet {
    /// Its name.
    pub name: Name,
    /// The fleets that it waits for.
    pub after: Vec<Name>,
    /// How many nodes it is to have.
    pub nodes: u32,
    /// Which of them exist already, with their instances: they are adopted, not launched.
    pub existing: Vec<(NodeAddress, InstanceId)>,
    /// The image that new nodes would be launched from, where it was found.
    pub image: Option<ImageId>,
    /// What is done before, where the image is a file that the cloud does not have.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub upload: Option<PlannedUpload>,
    /// Why the replacing of its nodes that have another image came to a halt, where it did: a start goes on without it, an update begins it
    /// again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub halted: Option<String>,
    /// Instance types, the preferred first.
    pub instance_types: Vec<InstanceType>,
    /// Which of them are customized again, since their steps differ by now.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub again: Vec<NodeAddress>,
    /// What its nodes are customized by, in order.
    pub customizers: Vec<String>,
    /// How long its nodes outlive their controller.
    pub expires_after: Expiry,
}

impl Plan {
    /// What the preflight found.
    #[must_use]
    pub fn findings(&self) -> &[Finding] {
        &self.findings
    }

    /// Whether a start would go ahead: no finding is an error.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        !self.findings.iter().any(|finding| finding.severity == Severity::Error)
    }

    /// Says why a start would not go ahead.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`] with all findings that stand in the way.
    pub fn check(&self) -> Result<()> {
        let errors = self.findings.iter().filter(|finding| finding.severity == Severity::Error);
        let lines: Vec<String> = errors.map(ToString::to_string).collect();
        if lines.is_empty() {
            return Ok(());
        }
        Err(Error::new(ErrorKind::Invalid, format!("the plan has errors: {}", lines.join("; ")))
            .during("preflight"))
    }
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mode = if self.mode == Mode::Dev { "dev" } else { "production" };
        writeln!(f, "deployment {} ({mode})", self.deployment)?;
        let rows = self.fleets.iter().map(|fleet| {
            let list = |names: Vec<String>| if names.is_empty() { "-".to_owned() } else { names.join(", ") };
            vec![
                fleet.name.to_string(),
                fleet.nodes.to_string(),
                fleet.existing.len().to_string(),
                fleet.image.as_ref().map_or_else(|| "?".to_owned(), ToString::to_string),
                list(fleet.instance_types.iter().map(ToString::to_string).collect()),
                list(fleet.after.iter().map(ToString::to_string).collect()),
            ]
        });
        f.write_str(&table(&["fleet", "nodes", "exist", "image", "types", "after"], rows))?;
        for fleet in &self.fleets {
            if let Some(upload) = &fleet.upload {
                writeln!(f, "before {}: {upload}", fleet.name)?;
            }
            if let Some(halted) = &fleet.halted {
                writeln!(f, "{}: {halted}; only an update goes on with it", fleet.name)?;
            }
            if let Some(after) = fleet.expires_after.after() {
                let after = Expiry::After(after);
                writeln!(
                    f,
                    "{}: its nodes end themselves {after} after their controller is gone",
                    fleet.name
                )?;
            }
            for customizer in &fleet.customizers {
                writeln!(f, "{}: {customizer}", fleet.name)?;
            }
            for node in &fleet.again {
                writeln!(f, "again: {node} was customized by other steps, and is customized by these")?;
            }
        }
        for node in &self.surplus {
            writeln!(f, "surplus: {node} exists, and is left alone until the end")?;
        }
        for stray in &self.strays {
            writeln!(f, "stray: {stray} carries the deployment's tag and is no node's")?;
        }
        for finding in &self.findings {
            let word = if finding.severity == Severity::Error { "error" } else { "note" };
            writeln!(f, "{word}: {finding}")?;
        }
        Ok(())
    }
}
