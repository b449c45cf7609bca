//! The workspace as cargo describes it.

use std::env;
use std::path::PathBuf;

use anyhow::{Context, Result};
use serde_json::Value;

use crate::command::{cargo, output};

#[derive(Debug)]
pub(crate) struct Workspace {
    pub(crate) root: PathBuf,
    pub(crate) packages: Vec<Package>,
}

#[derive(Debug)]
pub(crate) struct Package {
    pub(crate) name: String,
    /// Names of normal and build dependencies.
    pub(crate) dependencies: Vec<String>,
    pub(crate) examples: Vec<Example>,
}

#[derive(Debug)]
pub(crate) struct Example {
    pub(crate) name: String,
    pub(crate) source: PathBuf,
}

impl Workspace {
    pub(crate) fn load() -> Result<Self> {
        // At run time, not `env!`: with a shared target folder the binary may come from another checkout.
        let xtask = env::var_os("CARGO_MANIFEST_DIR").context("run it as `cargo xtask`")?;
        let root = PathBuf::from(xtask).parent().context("xtask/ has no parent")?.to_path_buf();
        let metadata = output(cargo(&root, "metadata --no-deps --format-version 1"))?;
        let metadata: Value = serde_json::from_str(&metadata).context("cargo metadata")?;
        let packages = list(&metadata["packages"]).map(Package::read).collect();
        Ok(Self { root, packages })
    }
}

impl Package {
    fn read(package: &Value) -> Self {
        let dependencies = list(&package["dependencies"])
            .filter(|dependency| dependency["kind"] != "dev")
            .map(|dependency| text(&dependency["name"]))
            .collect();
        let examples = list(&package["targets"])
            .filter(|target| list(&target["kind"]).any(|kind| kind == "example"))
            .map(|target| Example { name: text(&target["name"]), source: text(&target["src_path"]).into() })
            .collect();
        Self { name: text(&package["name"]), dependencies, examples }
    }
}

fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_package_is_read_from_cargo_metadata() {
        let package = Package::read(&serde_json::json!({
            "name": "tour",
            "dependencies": [{"name": "a", "kind": null}, {"name": "b", "kind": "dev"}, {"name": "c", "kind": "build"}],
            "targets": [
                {"name": "tour", "kind": ["lib"], "src_path": "src/lib.rs"},
                {"name": "walk", "kind": ["example"], "src_path": "examples/walk.rs"},
            ],
        }));
        assert_eq!(package.name, "tour");
        assert_eq!(package.dependencies, ["a", "c"]);
        assert_eq!(package.examples.len(), 1);
        assert_eq!(package.examples[0].name, "walk");
    }
}
