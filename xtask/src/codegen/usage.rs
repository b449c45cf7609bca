//! Which shapes the chosen operations reach, and in which direction.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result, bail};

use super::model::{Kind, Model};

/// Shapes reached from inputs and from outputs, without the operations' own.
pub(super) struct Usage {
    pub(super) operations: BTreeMap<String, Ends>,
    inputs: BTreeSet<String>,
    outputs: BTreeSet<String>,
}

/// The shapes of a request and of its reply.
pub(super) struct Ends {
    pub(super) input: String,
    pub(super) output: Option<String>,
}

#[derive(Clone, Copy, PartialEq)]
pub(super) enum Direction {
    Input,
    Output,
    Both,
}

impl Usage {
    pub(super) fn of(model: &Model, operations: &[&str]) -> Result<Self> {
        let mut usage =
            Self { operations: BTreeMap::new(), inputs: BTreeSet::new(), outputs: BTreeSet::new() };
        for name in operations {
            let operation = model.operation(name)?;
            let input =
                operation.input.as_ref().with_context(|| format!("{name} has no input"))?.shape.clone();
            let output = operation.output.as_ref().map(|output| output.shape.clone());
            reach_members(model, &input, &mut usage.inputs)?;
            if let Some(output) = &output {
                reach_members(model, output, &mut usage.outputs)?;
            }
            usage.operations.insert((*name).to_owned(), Ends { input, output });
        }
        Ok(usage)
    }

    /// Every reached shape with its direction, by name.
    pub(super) fn shapes(&self) -> impl Iterator<Item = (&String, Direction)> {
        self.inputs.union(&self.outputs).map(|name| {
            let direction = match (self.inputs.contains(name), self.outputs.contains(name)) {
                (true, true) => Direction::Both,
                (true, false) => Direction::Input,
                _ => Direction::Output,
            };
            (name, direction)
        })
    }
}

fn reach(model: &Model, name: &str, reached: &mut BTreeSet<String>) -> Result<()> {
    if reached.insert(name.to_owned()) { reach_members(model, name, reached) } else { Ok(()) }
}

fn reach_members(model: &Model, name: &str, reached: &mut BTreeSet<String>) -> Result<()> {
    let shape = model.shape(name)?;
    if shape.kind == Kind::Map {
        bail!("{name} is a map, which no chosen operation used so far");
    }
    shape.members.values().chain(&shape.member).try_for_each(|member| reach(model, &member.shape, reached))
}
