//! Files of a host, written before it boots.

use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::Path;

/// Writes a file with a mode; the folder above is made.
///
/// # Errors
/// With the path.
pub(super) fn write(path: &Path, content: &[u8], mode: u32) -> io::Result<()> {
    let named = |error: io::Error| io::Error::new(error.kind(), format!("{}: {error}", path.display()));
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent).map_err(named)?;
    }
    // What was there may be read-only.
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(named(error)),
        _ => {}
    }
    fs::write(path, content).map_err(named)?;
    fs::set_permissions(path, Permissions::from_mode(mode)).map_err(named)
}

/// Makes a folder with a mode, and an owner if one is named.
pub(super) fn folder(path: &Path, mode: u32, owner: Option<u32>) -> io::Result<()> {
    let named = |error: io::Error| io::Error::new(error.kind(), format!("{}: {error}", path.display()));
    fs::create_dir_all(path).map_err(named)?;
    fs::set_permissions(path, Permissions::from_mode(mode)).map_err(named)?;
    own(path, owner)
}

/// Gives a file to a user and the group of the same number.
pub(super) fn own(path: &Path, owner: Option<u32>) -> io::Result<()> {
    match owner {
        Some(uid) => chown(path, Some(uid), Some(uid)),
        None => Ok(()),
    }
}

/// A word as a POSIX shell reads it back.
pub(super) fn quoted(word: &str) -> String {
    format!("'{}'", word.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shell_reads_back_what_was_quoted() {
        let word = "it's $HOME `date` \\ \"x\"\nline";
        let output =
            std::process::Command::new("sh").arg("-c").arg(format!("printf %s {}", quoted(word))).output();
        assert_eq!(String::from_utf8(output.unwrap().stdout).unwrap(), word);
    }
}
