//! The host keys that cloud-init prints on the console at the first boot.
//!
//! Sources: cloud-init's `write_ssh_host_keys_to_console`, and its `keys-to-console` module, which writes each line
//! behind a prefix (`ec2: `, or the kernel's time stamp).

use std::collections::BTreeSet;

use ec2_stories_core::{Error, ErrorKind, Result, Status};
use russh::keys::PublicKey;

use super::Console;
use super::known::{Known, fingerprint};
use crate::Target;
use crate::error::code;

/// Adds what the console says.
///
/// # Errors
/// Temporary while it says nothing.
pub(super) async fn look_up(console: &dyn Console, target: &Target, known: &mut Known) -> Result<()> {
    let Some(id) = target.instance_id() else {
        return Err(Error::invalid("target", "host keys from the console need the instance's id"));
    };
    known.looked(format!("the console output of {id}"));
    let text = console.console(id).await?.unwrap_or_default();
    let printed = read(&text).map_err(|why| {
        Error::new(ErrorKind::Credentials, why)
            .code(code::HOST_KEY_CHANGED)
            .during("login")
            .on(target.to_string())
    })?;
    if printed.is_empty() && known.keys.is_empty() && known.authorities.is_empty() && known.injected.is_none()
    {
        return Err(Error::new(ErrorKind::NotFound, "the console does not show the host's keys yet")
            .status(Status::Temporary)
            .code(code::HOST_KEY_NOT_PRINTED)
            .during("login")
            .on(target.to_string()));
    }
    known.fingerprints.extend(printed);
    Ok(())
}

/// The fingerprints in the text's blocks. A host prints them at each boot and they are the same; where they are not,
/// somebody else may have printed.
fn read(text: &str) -> Result<BTreeSet<String>, String> {
    let mut seen: Option<BTreeSet<String>> = None;
    for block in blocks(text, "FINGERPRINTS", fingerprint_of).into_iter().chain(blocks(text, "KEYS", key_of))
    {
        match &seen {
            None => seen = Some(block),
            // The two kinds of block need not list the same number of keys.
            Some(before) if before.is_superset(&block) => {}
            Some(before) if before.is_subset(&block) => seen = Some(block),
            Some(_) => return Err("the console shows different host keys at different times".to_owned()),
        }
    }
    Ok(seen.unwrap_or_default())
}

/// Whole blocks only: output that ends in one may have been cut within a line.
fn blocks(text: &str, kind: &str, item: fn(&str) -> Option<String>) -> Vec<BTreeSet<String>> {
    let (begin, end) =
        (format!("-----BEGIN SSH HOST KEY {kind}-----"), format!("-----END SSH HOST KEY {kind}-----"));
    let mut blocks = Vec::new();
    let mut open: Option<BTreeSet<String>> = None;
    for line in text.lines() {
        if line.contains(&begin) {
            open = Some(BTreeSet::new());
        } else if line.contains(&end) {
            blocks.extend(open.take().filter(|block| !block.is_empty()));
        } else if let Some(block) = &mut open {
            block.extend(item(line));
        }
    }
    blocks
}

fn fingerprint_of(line: &str) -> Option<String> {
    line.split_whitespace().find(|word| word.starts_with("SHA256:")).map(ToOwned::to_owned)
}

fn key_of(line: &str) -> Option<String> {
    let start = line.find("ssh-").into_iter().chain(line.find("ecdsa-sha2-")).min()?;
    PublicKey::from_openssh(line[start..].trim()).ok().map(|key| fingerprint(&key))
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOOT: &str = "\
[   12.1] cloud-init[512]: Cloud-init v. 22.4.2 finished\r
ec2: \r
ec2: #############################################################\r
ec2: -----BEGIN SSH HOST KEY FINGERPRINTS-----\r
ec2: 256 SHA256:2VQ2ccuoPcbYdp8b8vFqgfWqOz9mXQe9kUyBYE+CvMU root@ip (ED25519)\r
ec2: 3072 SHA256:Q6WnFkHsWTFpSlOUEFQZhnXuQ3kzkLAsXhZUE/LHdiA root@ip (RSA)\r
ec2: -----END SSH HOST KEY FINGERPRINTS-----\r
ec2: #############################################################\r
-----BEGIN SSH HOST KEY KEYS-----\r
ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJdD7y3aLq454yWBdwLWbieU1ebz9/cu7/QEXn9OIeZJ root@ip\r
-----END SSH HOST KEY KEYS-----\r
";

    #[test]
    fn fingerprints_are_found_behind_prefixes() {
        let text = BOOT.split("-----BEGIN SSH HOST KEY KEYS").next().unwrap();
        let read = read(text).unwrap();
        assert_eq!(read.len(), 2);
        assert!(read.contains("SHA256:2VQ2ccuoPcbYdp8b8vFqgfWqOz9mXQe9kUyBYE+CvMU"));
    }

    #[test]
    fn keys_are_found_too() {
        let at = BOOT.find("-----BEGIN SSH HOST KEY KEYS").unwrap();
        assert_eq!(read(&BOOT[at..]).unwrap().len(), 1);
    }

    #[test]
    fn blocks_that_disagree_are_refused() {
        assert!(read(BOOT).is_err(), "the key is not one of the fingerprints");
    }

    #[test]
    fn a_block_that_is_cut_says_nothing() {
        let cut = BOOT.split("ec2: -----END").next().unwrap();
        assert!(read(cut).unwrap().is_empty());
        assert!(read("").unwrap().is_empty());
    }
}
