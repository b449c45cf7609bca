//! The project's own tasks, run as `cargo xtask TASK`.
#![allow(clippy::print_stdout, clippy::print_stderr)] // A program for the terminal.

mod codegen;
mod command;
mod kills;
mod lint;
mod packages;
mod peers;
mod test;
mod workspace;
mod years;

use std::process::ExitCode;

use anyhow::{Result, bail};

use workspace::Workspace;

const USAGE: &str = "\
cargo xtask TASK

  lint                  format, clippy, rustdoc, dependency rules, boundaries, wording, generated code
  test [--filter EXPR]  install what tests need, run everything; the last line counts it
                        (with a nextest filter: only the tests that match)
  kills [--kills N] [--seed S] [--only PLAN]
                        kill controllers at every boundary, 1,000 times unless said otherwise; the last line says
                        how many launches were doubled and what was left
  years [--years N] [--seed S]
                        live simulated decades of deployments with faults, dying controllers and orders, 200 node-years
                        unless said otherwise, from seed S on; the last line says how many and what was wrong
  codegen [--check]     write the simulation's wire code from the API model (or compare with it)
  peers                 install boto3 and moto, print their folder (for EC2_STORIES_PEERS)
  advisories            check dependencies against the RustSec database (needs its git host)";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match run(&arguments) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &[&str]) -> Result<ExitCode> {
    if let [] | ["--help" | "-h" | "help"] = arguments {
        println!("{USAGE}");
        return Ok(ExitCode::SUCCESS);
    }
    let workspace = Workspace::load()?;
    match arguments {
        ["lint"] => lint::run(&workspace),
        ["test"] => return Ok(test::run(&workspace, None)),
        ["test", "--filter", expression] => return Ok(test::run(&workspace, Some(expression))),
        ["kills", options @ ..] => kills::run(&workspace, options),
        ["years", options @ ..] => years::run(&workspace, options),
        ["codegen"] => codegen::run(&workspace.root, false),
        ["codegen", "--check"] => codegen::run(&workspace.root, true),
        ["peers"] => peers::install(&workspace.root).map(|folder| println!("{}", folder.display())),
        ["advisories"] => lint::dependencies::advisories(&workspace.root),
        other => bail!("cannot run `{}`\n\n{USAGE}", other.join(" ")),
    }?;
    Ok(ExitCode::SUCCESS)
}
