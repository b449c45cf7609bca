//! `cargo xtask lint`: everything that needs no test to be wrong.

mod boundaries;
pub(crate) mod dependencies;
mod wording;

use anyhow::{Result, bail};

use crate::codegen;
use crate::command::{cargo, succeed};
use crate::test::EVERYTHING;
use crate::workspace::Workspace;

type Check = fn(&Workspace) -> Result<()>;

/// The cheap ones first.
const CHECKS: [(&str, Check); 7] = [
    ("format", |workspace| succeed(cargo(&workspace.root, "fmt --all --check"))),
    ("wording", |workspace| wording::check(&workspace.root)),
    ("boundaries", boundaries::check),
    ("generated code", |workspace| codegen::run(&workspace.root, true)),
    ("dependencies", |workspace| dependencies::check(&workspace.root)),
    ("clippy", |workspace| {
        succeed(cargo(
            &workspace.root,
            &format!("clippy {EVERYTHING} --all-targets --keep-going -- -D warnings"),
        ))
    }),
    ("rustdoc", rustdoc),
];

/// Runs every check, even after one has failed.
pub(crate) fn run(workspace: &Workspace) -> Result<()> {
    let mut failed = Vec::new();
    for (name, check) in CHECKS {
        eprintln!("\nlint: {name}");
        if let Err(error) = check(workspace) {
            eprintln!("error: {error:#}");
            failed.push(name);
        }
    }
    if !failed.is_empty() {
        bail!("lint failed: {}", failed.join(", "));
    }
    eprintln!("\nlint: all {} checks are fine", CHECKS.len());
    Ok(())
}

fn rustdoc(workspace: &Workspace) -> Result<()> {
    let mut doc = cargo(&workspace.root, &format!("doc {EVERYTHING} --no-deps --keep-going"));
    doc.env("RUSTDOCFLAGS", "-D warnings");
    succeed(doc)
}
