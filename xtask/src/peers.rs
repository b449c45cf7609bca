//! The peers that tests run beside the library: boto3, moto and SeaweedFS, in a virtual environment that git ignores.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::command::{command, succeed};

const REQUIREMENTS: &str = "xtask/peers/requirements.txt";

/// Installs the peers unless they are there, and returns the folder; its Python is `bin/python`.
pub(crate) fn install(root: &Path) -> Result<PathBuf> {
    let wanted = fs::read_to_string(root.join(REQUIREMENTS)).context(REQUIREMENTS)?;
    let folder = root.join(".peers/python");
    let stamp = folder.join("installed.txt"); // Written last: without it an installation was cut off.
    if fs::read_to_string(&stamp).is_ok_and(|installed| installed == wanted) {
        return Ok(folder);
    }
    eprintln!("installing boto3, moto and SeaweedFS into .peers/python");
    let mut venv = command(root, "python3");
    venv.args(["-m", "venv", "--clear"]).arg(&folder);
    succeed(venv).context("Python 3 with its venv module is needed (Debian: python3-venv)")?;
    let mut pip = command(root, folder.join("bin/python"));
    pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check"]);
    pip.args(["--requirement", REQUIREMENTS]);
    succeed(pip)?;
    fs::write(&stamp, wanted).with_context(|| stamp.display().to_string())?;
    Ok(folder)
}
