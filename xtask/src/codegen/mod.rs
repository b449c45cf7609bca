//! `cargo xtask codegen`: the simulation's wire code, from AWS's own model of its API.

mod emit;
mod fetch;
mod model;
mod operations;
mod usage;

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail, ensure};

use model::Model;
use usage::Usage;

/// Where the generated files go, one for each service.
const OUTPUT: &str = "ec2-stories-sim/src/wire/generated";

/// Writes the generated files, or with `check` fails when they differ from what is committed.
pub(crate) fn run(root: &Path, check: bool) -> Result<()> {
    let models = fetch::models(root)?;
    let mut stale = Vec::new();
    for service in &operations::SERVICES {
        let model = Model::read(&models.join(service.model))?;
        let usage = Usage::of(&model, service.operations)?;
        let code = rustfmt(root, &emit::file(&model, &usage, service)?)?;
        let path = root.join(OUTPUT).join(service.file);
        if fs::read_to_string(&path).ok().as_deref() == Some(&code) {
            continue;
        }
        if check {
            stale.push(service.file);
        } else {
            fs::write(&path, code).with_context(|| format!("write {}", path.display()))?;
        }
    }
    ensure!(
        stale.is_empty(),
        "{OUTPUT}: {} is not what the model gives; run `cargo xtask codegen`",
        stale.join(", ")
    );
    Ok(())
}

/// Formats as `cargo fmt` would, so that both leave the same bytes.
fn rustfmt(root: &Path, code: &str) -> Result<String> {
    let mut rustfmt = Command::new("rustfmt")
        .args(["--edition", "2024", "--config-path"])
        .arg(root)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .context("start rustfmt")?;
    rustfmt.stdin.take().expect("piped above").write_all(code.as_bytes())?;
    let output = rustfmt.wait_with_output()?;
    if !output.status.success() {
        bail!("rustfmt refused the generated code");
    }
    Ok(String::from_utf8(output.stdout)?)
}
