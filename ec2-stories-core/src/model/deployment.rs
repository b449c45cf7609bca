//! A deployment's description, as plain data.

use serde::{Deserialize, Serialize};

use super::{FleetSpec, Limits, Name, Tags};

/// What becomes of the nodes when the program that deployed them goes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// They are terminated. Where the program could not do that they end themselves, an hour later unless the fleet
    /// [says otherwise](FleetSpec::expires_after).
    #[default]
    Dev,
    /// They live on, and a later run adopts them.
    Production,
}

/// Fleets in an order. [`Deployment::builder`](crate::Deployment::builder) makes one in code.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DeploymentSpec {
    /// Its name: its identity within an account and region. Of two of one name there, each with a journal of its own, neither adopts nor ends
    /// what the other launched, save that one whose journal is empty takes all that it finds for its own.
    pub name: Name,
    /// What becomes of the nodes when the program goes.
    #[serde(default)]
    pub mode: Mode,
    /// Limits.
    #[serde(default)]
    pub limits: Limits,
    /// Tags of everything in it, beside the family's own.
    #[serde(default, skip_serializing_if = "Tags::is_empty")]
    pub tags: Tags,
    /// The fleets; each is checked when the deployment is.
    #[serde(default, rename = "fleet")]
    pub fleets: Vec<FleetSpec>,
}
