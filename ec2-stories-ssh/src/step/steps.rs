//! Several steps on a node.

use std::collections::{BTreeMap, BTreeSet};

use async_trait::async_trait;
use ec2_stories_core::attributes::Reference;
use ec2_stories_core::provider::{Customizer, Node, StepOutcome, StepReport};
use ec2_stories_core::{Error, ErrorKind, Result};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::host::Host;
use super::{Nodes, Step};

/// Steps that run in order, over one session a node.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Steps {
    steps: Vec<Step>,
    #[serde(skip)]
    nodes: Nodes,
}

/// A step, and what it is called on the node.
struct Keyed<'a> {
    step: &'a Step,
    key: String,
}

impl Steps {
    /// These steps.
    pub fn new<S: Into<Step>>(steps: impl IntoIterator<Item = S>) -> Self {
        Self { steps: steps.into_iter().map(Into::into).collect(), nodes: Nodes::new() }
    }

    /// And then this one.
    #[must_use]
    pub fn then(mut self, step: impl Into<Step>) -> Self {
        self.steps.push(step.into());
        self
    }

    /// Reaches nodes in this way.
    #[must_use]
    pub fn over(mut self, nodes: Nodes) -> Self {
        self.nodes = nodes;
        self
    }

    /// The steps, in order.
    #[must_use]
    pub fn steps(&self) -> &[Step] {
        &self.steps
    }

    /// Refuses what cannot be meant.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`], naming the step and the field: `steps[1].file.path`.
    pub fn check(&self) -> Result<()> {
        for (at, step) in self.steps.iter().enumerate() {
            step.check().map_err(|error| error.within(format!("steps[{at}]")))?;
        }
        Ok(())
    }

    /// What each step refers to, in order, read from files of this machine where it is there: see [`Step::references`].
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`], naming the step and the field: `steps[1].file.source`.
    pub fn references(&self) -> Result<Vec<Vec<Reference>>> {
        let of = |(at, step): (usize, &Step)| {
            step.references().map_err(|error| error.within(format!("steps[{at}]")))
        };
        self.steps.iter().enumerate().map(of).collect()
    }

    /// The second of two steps about the same thing is another step.
    fn keyed(&self) -> Vec<Keyed<'_>> {
        let mut seen: BTreeMap<String, u32> = BTreeMap::new();
        let keyed = self.steps.iter().map(|step| {
            let key = step.kind().key();
            let count = seen.entry(key.clone()).or_default();
            *count += 1;
            Keyed { step, key: if *count == 1 { key } else { format!("{key} #{count}") } }
        });
        keyed.collect()
    }
}

fn report(step: &Step, outcome: StepOutcome) -> StepReport {
    StepReport { step: step.title(), outcome }
}

fn changed(changed: bool) -> StepOutcome {
    if changed { StepOutcome::Changed } else { StepOutcome::Unchanged }
}

async fn apply(step: &Step, host: &mut Host) -> Result<StepOutcome> {
    if !step.kind().is_meant(host).await? {
        return Ok(StepOutcome::Skipped);
    }
    step.kind().apply(host).await.map(changed)
}

#[async_trait]
impl Customizer for Steps {
    fn name(&self) -> String {
        self.steps.iter().map(Step::title).collect::<Vec<_>>().join("; ")
    }

    /// Differs with what the steps say and with what they send, not with how nodes are reached.
    async fn revision(&self) -> Result<String> {
        let mut hash = Sha256::new();
        for step in &self.steps {
            let said = serde_json::to_vec(step).map_err(|error| {
                Error::new(ErrorKind::Unexpected, "a step cannot be written down").because(error)
            })?;
            hash.update(said);
            hash.update(step.kind().content().await?);
            hash.update([0]);
        }
        Ok(hex::encode(hash.finalize()))
    }

    async fn customize(&self, node: &Node) -> Result<Vec<StepReport>> {
        self.check()?;
        let mut host = Host::reach(&self.nodes, node).await?;
        let keyed = self.keyed();
        let mut reports = Vec::with_capacity(keyed.len());
        let mut failed = false;
        for (at, Keyed { step, key }) in keyed.iter().enumerate() {
            if failed {
                reports.push(report(step, StepOutcome::Skipped));
                continue;
            }
            let heeders: BTreeSet<String> = keyed[at + 1..]
                .iter()
                .filter(|later| later.step.kind().heeds_changes())
                .map(|later| later.key.clone())
                .collect();
            host.turn_to(key, heeders);
            let outcome = match apply(step, &mut host).await {
                Ok(outcome) => outcome,
                Err(error) => {
                    failed = true;
                    StepOutcome::Failed(host.judge(error)?)
                }
            };
            reports.push(report(step, outcome));
        }
        Ok(reports)
    }

    /// Takes back the steps that ask for it. Where none does, the node is not even logged in to.
    async fn undo(&self, node: &Node) -> Result<Vec<StepReport>> {
        let keyed = self.keyed();
        if !keyed.iter().any(|Keyed { step, .. }| step.kind().is_undone()) {
            return Ok(keyed.iter().rev().map(|keyed| report(keyed.step, StepOutcome::Unchanged)).collect());
        }
        self.check()?;
        let mut host = Host::reach(&self.nodes, node).await?;
        let mut reports = Vec::with_capacity(keyed.len());
        for Keyed { step, key } in keyed.iter().rev() {
            host.turn_to(key, BTreeSet::new());
            let undone = match step.kind().is_undone() {
                true => step.kind().take_back(&mut host).await,
                false => Ok(false),
            };
            let outcome = match undone {
                Ok(did) => changed(did),
                Err(error) => StepOutcome::Failed(host.judge(error)?),
            };
            reports.push(report(step, outcome));
        }
        Ok(reports)
    }

    async fn settle(&self) {
        self.nodes.settle().await;
    }
}

/// A field of a step is wrong.
pub(super) fn refused(field: &str, why: &str) -> Error {
    Error::invalid(field, why)
}

/// A step's own failure, on the node.
pub(super) fn failure(why: impl Into<String>) -> Error {
    Error::new(ErrorKind::Failed, why)
}
