//! Customising in memory.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;

use super::script::{Script, operations};
use crate::Result;
use crate::model::InstanceId;
use crate::provider::{Customizer, Node, StepOutcome, StepReport};

operations! {
    /// A method of [`Customizer`].
    Customization {
        Customize = "customize",
        Undo = "undo",
    }
}

/// Records on which instances its steps ran. Clones share the record.
#[derive(Clone, Debug)]
pub struct MemoryCustomizer(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    name: String,
    steps: Vec<String>,
    failing: Mutex<BTreeSet<String>>,
    revision: Mutex<String>,
    done: Mutex<BTreeMap<InstanceId, BTreeSet<usize>>>,
    script: Script<Customization>,
}

impl MemoryCustomizer {
    /// A customizer with these steps.
    pub fn new<S: Into<String>>(name: impl Into<String>, steps: impl IntoIterator<Item = S>) -> Self {
        Self(Arc::new(Inner {
            name: name.into(),
            steps: steps.into_iter().map(Into::into).collect(),
            failing: Mutex::default(),
            revision: Mutex::default(),
            done: Mutex::default(),
            script: Script::default(),
        }))
    }

    /// Lets a step fail wherever it is run from now on.
    pub fn fail_step(&self, step: impl Into<String>) {
        self.0.failing.lock().unwrap_or_else(PoisonError::into_inner).insert(step.into());
    }

    /// Lets a step succeed again.
    pub fn mend_step(&self, step: &str) {
        self.0.failing.lock().unwrap_or_else(PoisonError::into_inner).remove(step);
    }

    /// Sets what it says of its revision from now on; it says nothing at first.
    pub fn revise(&self, revision: impl Into<String>) {
        *self.0.revision.lock().unwrap_or_else(PoisonError::into_inner) = revision.into();
    }

    /// The steps that are in force on an instance, in order.
    #[must_use]
    pub fn done(&self, instance: &InstanceId) -> Vec<String> {
        self.with(instance, |done| done.iter().map(|step| self.0.steps[*step].clone()).collect())
    }

    /// The log of its calls, and the faults that wait for one.
    #[must_use]
    pub fn script(&self) -> &Script<Customization> {
        &self.0.script
    }

    fn with<T>(&self, instance: &InstanceId, change: impl FnOnce(&mut BTreeSet<usize>) -> T) -> T {
        let mut done = self.0.done.lock().unwrap_or_else(PoisonError::into_inner);
        change(done.entry(instance.clone()).or_default())
    }

    fn run(&self, done: &mut BTreeSet<usize>) -> Vec<StepReport> {
        let failing = self.0.failing.lock().unwrap_or_else(PoisonError::into_inner);
        let mut failed = false;
        let mut outcome = |(index, step): (usize, &String)| {
            let outcome = if failed {
                StepOutcome::Skipped
            } else if failing.contains(step) {
                failed = true;
                StepOutcome::Failed("the test asked for it".to_owned())
            } else if done.insert(index) {
                StepOutcome::Changed
            } else {
                StepOutcome::Unchanged
            };
            StepReport { step: step.clone(), outcome }
        };
        self.0.steps.iter().enumerate().map(&mut outcome).collect()
    }

    fn take_back(&self, done: &mut BTreeSet<usize>) -> Vec<StepReport> {
        let mut outcome = |(index, step): (usize, &String)| {
            let outcome = if done.remove(&index) { StepOutcome::Changed } else { StepOutcome::Unchanged };
            StepReport { step: step.clone(), outcome }
        };
        self.0.steps.iter().enumerate().rev().map(&mut outcome).collect()
    }
}

#[async_trait]
impl Customizer for MemoryCustomizer {
    fn name(&self) -> String {
        self.0.name.clone()
    }

    async fn revision(&self) -> Result<String> {
        Ok(self.0.revision.lock().unwrap_or_else(PoisonError::into_inner).clone())
    }

    async fn customize(&self, node: &Node) -> Result<Vec<StepReport>> {
        let customize = async { Ok(self.with(&node.instance.id, |done| self.run(done))) };
        self.0.script.perform(Customization::Customize, customize).await
    }

    async fn undo(&self, node: &Node) -> Result<Vec<StepReport>> {
        let undo = async { Ok(self.with(&node.instance.id, |done| self.take_back(done))) };
        self.0.script.perform(Customization::Undo, undo).await
    }
}
