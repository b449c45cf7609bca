//! Files of private keys.

use std::fs::File;
use std::path::Path;

use crate::Result;

/// Refuses an opened private key's file with which the group or others may do anything, as OpenSSH does: only where it is this user's
/// own, since who reads another user's file is for that one to decide.
///
/// It looks at what is open, so that nobody can exchange the file between the check and the read. Where there are no such modes every
/// file is good.
///
/// # Errors
/// [`ErrorKind::Credentials`](crate::ErrorKind::Credentials), with the mode that was found and the command that mends it.
#[cfg(unix)]
pub fn check_private_key(file: &File, path: &Path) -> Result<()> {
    use std::os::unix::fs::MetadataExt;

    use crate::{Error, ErrorKind};

    let unreadable = |error| Error::new(ErrorKind::Io, "cannot be read").because(error);
    let found = file.metadata().map_err(|error| unreadable(error).on(path.display().to_string()))?;
    if !is_too_open(found.mode(), found.uid(), nix::unistd::getuid().as_raw()) {
        return Ok(());
    }
    // Within single quotes only their end is special.
    let name = path.display().to_string().replace('\'', r"'\''");
    let why = format!(
        "others than its owner may use this private key (mode {:04o}): run chmod 600 '{name}'",
        found.mode() & 0o7777
    );
    Err(Error::new(ErrorKind::Credentials, why).during("private key").on(path.display().to_string()))
}

/// Here every file is good.
///
/// # Errors
/// None.
#[cfg(not(unix))]
pub fn check_private_key(_: &File, _: &Path) -> Result<()> {
    Ok(())
}

/// OpenSSH's `sshkey_perm_ok`.
#[cfg(unix)]
fn is_too_open(mode: u32, owner: u32, us: u32) -> bool {
    owner == us && mode & 0o077 != 0
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;
    use crate::ErrorKind;

    #[test]
    fn our_own_files_are_ours_alone() {
        for mode in [0o600, 0o400, 0o700, 0o100_600, 0o000] {
            assert!(!is_too_open(mode, 7, 7), "{mode:o}");
        }
        for mode in [0o640, 0o604, 0o620, 0o601, 0o644, 0o777, 0o100_644] {
            assert!(is_too_open(mode, 7, 7), "{mode:o}");
            assert!(!is_too_open(mode, 0, 7), "another's, {mode:o}");
        }
    }

    #[test]
    fn the_mode_and_what_to_run_are_said_and_that_mends_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("it's a key");
        std::fs::write(&path, "key").unwrap();
        let set = |mode| std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
        let check = || check_private_key(&File::open(&path).unwrap(), &path);
        set(0o600);
        check().unwrap();
        set(0o644);
        let error = check().unwrap_err();
        assert_eq!((error.kind(), error.is_permanent()), (ErrorKind::Credentials, true));
        let said = error.to_string();
        assert!(said.contains("(mode 0644)"), "{said}");
        let line = said.split_once("run ").unwrap().1;
        let line = &line[..=line.rfind('\'').unwrap()];
        assert!(
            std::process::Command::new("/bin/sh").args(["-c", line]).status().unwrap().success(),
            "{line}"
        );
        check().unwrap();
    }
}
