//! Every example is run, and ends as its own documentation says. All run at once: they wait for machines most of the time.

use std::fs;
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, anyhow, ensure};

use super::tally::Tally;
use super::{Runner, counted};
use crate::command::{Said, keep, shown};
use crate::workspace::Example;

/// Stands in an example's head: `//! Ends with: nothing is left`. Its last line must end so.
const CLOSING: &str = "//! Ends with: ";

/// Examples are built by now, and none of them waits in real time.
const PATIENCE: Duration = Duration::from_secs(5 * 60);

pub(crate) fn run(runner: &Runner<'_>) -> Tally {
    let examples = runner.workspace.packages.iter().flat_map(|package| &package.examples);
    thread::scope(|scope| {
        let begun: Vec<_> = examples
            .map(|example| {
                // `cargo run` knows no `--workspace`: in the workspace's root it means all of it anyway.
                let command = runner.cargo(&format!("run --all-features --example {}", example.name));
                let shown = shown(&command);
                (example, shown, scope.spawn(|| keep(command, PATIENCE)))
            })
            .collect();
        let mut tally = Tally::default();
        for (example, shown, said) in begun {
            let said = said.join().unwrap_or_else(|_| Err(anyhow!("nobody listened to it")));
            eprintln!("\n$ {shown}");
            if let Ok(said) = &said {
                said.show();
            }
            tally += match closing(example) {
                Ok(closing) => counted(said.context(shown), |said| ended(example, said, &closing)),
                Err(error) => Tally::broken(&format!("{error:#}")),
            };
        }
        tally
    })
}

fn ended(example: &Example, said: &Said, closing: &str) -> Tally {
    match said.out.iter().rev().find(|line| !line.trim().is_empty()) {
        Some(last) if last.trim_end().ends_with(closing) => Tally::passed(u32::from(said.success)),
        _ => Tally::broken(&format!("the example {} did not end with: {closing}", example.name)),
    }
}

fn closing(example: &Example) -> Result<String> {
    let source = fs::read_to_string(&example.source).with_context(|| example.source.display().to_string())?;
    let line = source.lines().find_map(|line| line.strip_prefix(CLOSING)).map(str::trim).unwrap_or_default();
    ensure!(!line.is_empty(), "the example {} does not say how it ends: `{CLOSING}…`", example.name);
    Ok(line.to_owned())
}
