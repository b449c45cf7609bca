//! Every example is run, and ends as its own documentation says.

use std::fs;
use std::time::Duration;

use anyhow::{Context, Result, ensure};

use super::Runner;
use super::tally::Tally;
use crate::workspace::Example;

/// Stands in an example's head: `//! Ends with: nothing is left`. Its last line must end so.
const CLOSING: &str = "//! Ends with: ";

/// Examples are built by now, and none of them waits in real time.
const PATIENCE: Duration = Duration::from_secs(5 * 60);

pub(crate) fn run(runner: &Runner<'_>) -> Tally {
    let mut tally = Tally::default();
    for example in runner.workspace.packages.iter().flat_map(|package| &package.examples) {
        tally += match closing(example) {
            Ok(closing) => one(runner, example, &closing),
            Err(error) => Tally::broken(&format!("{error:#}")),
        };
    }
    tally
}

fn one(runner: &Runner<'_>, example: &Example, closing: &str) -> Tally {
    // `cargo run` knows no `--workspace`: in the workspace's root it means all of it anyway.
    let command = runner.cargo(&format!("run --all-features --example {}", example.name));
    runner.run(command, PATIENCE, |said| match said.out.iter().rev().find(|line| !line.trim().is_empty()) {
        Some(last) if last.trim_end().ends_with(closing) => Tally::passed(u32::from(said.success)),
        _ => Tally::broken(&format!("the example {} did not end with: {closing}", example.name)),
    })
}

fn closing(example: &Example) -> Result<String> {
    let source = fs::read_to_string(&example.source).with_context(|| example.source.display().to_string())?;
    let line = source.lines().find_map(|line| line.strip_prefix(CLOSING)).map(str::trim).unwrap_or_default();
    ensure!(!line.is_empty(), "the example {} does not say how it ends: `{CLOSING}…`", example.name);
    Ok(line.to_owned())
}
