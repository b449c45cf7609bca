//! What a plan says of the files of private keys: the refusal at the login would come when instances bill.

use std::fs::File;
use std::io;
use std::path::Path;

use super::driver::{injected_file, read_host_key};
use crate::model::{DeploymentSpec, FleetSpec, KeyPairSpec};
use crate::provider::{Finding, Severity};
use crate::{Error, ErrorKind, Result, check_private_key};

/// The fleet's files that are not there, or that are not to be used as they are.
pub(super) fn private_keys(
    deployment: &DeploymentSpec,
    fleet: &FleetSpec,
    field: &str,
) -> impl Iterator<Item = Finding> {
    let said = fleet.login.private_key.as_deref().map(|file| {
        let made = deployment.fleets.iter().filter_map(generated).any(|made| made == file);
        ("login.private_key", check(file, made))
    });
    let generated = generated(fleet).map(|file| ("key.generated", check(file, true)));
    let injected =
        injected_file(fleet).map(|file| ("login.host_keys.injected", read_host_key(file).map(drop)));
    [said, generated, injected].into_iter().flatten().filter_map(move |(part, checked)| {
        let message = checked.err()?.chain();
        Some(Finding { severity: Severity::Error, field: format!("{field}.{part}"), message })
    })
}

/// The folders that a start puts private keys into, where they are not there: a generated key would be lost with the launch.
pub(super) fn folders(fleet: &FleetSpec, field: &str) -> impl Iterator<Item = Finding> {
    let files = [("key.generated", generated(fleet)), ("login.host_keys.injected", injected_file(fleet))];
    files.into_iter().filter_map(move |(part, file)| {
        let folder = file?.parent().filter(|folder| !folder.as_os_str().is_empty())?;
        let message = match std::fs::metadata(folder) {
            Ok(folder) if folder.is_dir() => return None,
            Ok(_) => format!("{} is not a folder", folder.display()),
            Err(error) => format!("the folder {}: {error}", folder.display()),
        };
        Some(Finding { severity: Severity::Error, field: format!("{field}.{part}"), message })
    })
}

/// The file that the private half of the fleet's key pair goes to, at the start.
fn generated(fleet: &FleetSpec) -> Option<&Path> {
    match &fleet.key {
        Some(KeyPairSpec::Generated(file)) => Some(file),
        _ => None,
    }
}

/// Whether the file can be used, where it is there; whether it is, unless it will be made.
fn check(file: &Path, made: bool) -> Result<()> {
    match File::open(file) {
        Ok(opened) => check_private_key(&opened, file),
        Err(error) if made && is_absent(&error) => Ok(()),
        Err(error) => {
            Err(Error::new(ErrorKind::Io, "cannot be read").on(file.display().to_string()).because(error))
        }
    }
}

/// A folder that is none is told of apart.
fn is_absent(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
}
