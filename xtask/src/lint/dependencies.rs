//! Licenses, bans and sources of the dependency tree, by cargo-deny.

use std::env;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::command::{cargo, command, output, succeed};

const VERSION: &str = "0.20.2";

/// What `deny.toml` asks for and no network is needed for.
pub(crate) fn check(root: &Path) -> Result<()> {
    deny(root, &["bans", "licenses", "sources"])
}

/// Known vulnerabilities: the database is a git repository, which not everyone reaches.
pub(crate) fn advisories(root: &Path) -> Result<()> {
    deny(root, &["advisories"])
}

fn deny(root: &Path, checks: &[&str]) -> Result<()> {
    let mut deny = command(root, installed(root)?);
    deny.args(["--workspace", "--all-features", "check"]).args(checks);
    succeed(deny)
}

/// cargo-deny in this very version, in the user's cache: built once, used by every checkout.
fn installed(root: &Path) -> Result<PathBuf> {
    let tools = cache()?.join("ec2-stories/tools");
    let deny = tools.join("bin").join(format!("cargo-deny{}", env::consts::EXE_SUFFIX));
    let version = output({
        let mut version = command(root, &deny);
        version.arg("--version");
        version
    });
    if !version.is_ok_and(|version| version.trim() == format!("cargo-deny {VERSION}")) {
        eprintln!("building cargo-deny {VERSION}");
        let mut install = cargo(root, &format!("install cargo-deny@{VERSION} --locked --force --root"));
        install.arg(&tools);
        // It checks for seconds: what counts is how soon it is built.
        install.arg("--debug").env("CARGO_PROFILE_DEV_DEBUG", "0").env_remove("CARGO_TARGET_DIR");
        succeed(install)?;
    }
    Ok(deny)
}

/// The user's cache folder.
fn cache() -> Result<PathBuf> {
    let absolute = |name| env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    absolute("XDG_CACHE_HOME")
        .or_else(|| absolute("HOME").map(|home| home.join(".cache")))
        .or_else(|| absolute("LOCALAPPDATA"))
        .context("neither XDG_CACHE_HOME nor HOME names a folder")
}
