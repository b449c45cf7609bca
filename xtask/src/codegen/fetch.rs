//! Gets the API models, which botocore carries.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};

/// The version whose models are in use. A newer one may rename members: look at the difference it makes.
pub(super) const BOTOCORE: &str = "1.44.5";

/// The folder of the models, after a download when it is not there yet.
pub(super) fn models(root: &Path) -> Result<PathBuf> {
    let folder = root.join(".peers").join(format!("botocore-{BOTOCORE}"));
    let data = folder.join("botocore/data");
    if !data.is_dir() {
        let status = Command::new("python3")
            .args([
                "-m",
                "pip",
                "install",
                "--quiet",
                "--no-deps",
                "--no-compile",
                "--root-user-action=ignore",
                "--target",
            ])
            .arg(&folder)
            .arg(format!("botocore=={BOTOCORE}"))
            .status()
            .context("start python3")?;
        ensure!(status.success(), "pip could not get botocore {BOTOCORE}");
    }
    Ok(data)
}
