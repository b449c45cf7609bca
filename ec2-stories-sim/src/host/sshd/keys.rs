//! A host's own keys: made, or brought by the user data, and certified.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;

use rsa::RsaPrivateKey;
use ssh_key::certificate::{Builder, CertType};
use ssh_key::private::{Ed25519Keypair, KeypairData, RsaKeypair};
use ssh_key::{LineEnding, PrivateKey};

use super::files::write;

const RSA_BITS: usize = 2048;
/// OpenSSH's `forever`.
const FOREVER: u64 = u64::MAX;

/// Writes `ssh_host_*_key` and their public halves into a folder, and returns the kinds.
///
/// Keys of the user data (`ed25519_private`, `rsa_private` …) come in place of new ones, all of them. Source: cloud-init,
/// cc_ssh, `ssh_keys`.
pub(super) fn make(
    folder: &Path,
    given: &BTreeMap<String, String>,
    rsa: bool,
    name: &str,
) -> io::Result<Vec<String>> {
    let mut kinds = Vec::new();
    for (key, text) in given {
        let Some(kind) = key.strip_suffix("_private") else { continue };
        if !["ed25519", "rsa", "ecdsa"].contains(&kind) {
            return Err(io::Error::other(format!("ssh_keys: {key} is not known")));
        }
        let key = PrivateKey::from_openssh(text.trim())
            .map_err(|error| io::Error::other(format!("ssh_keys: {key} cannot be read: {error}")))?;
        store(folder, kind, &key)?;
        kinds.push(kind.to_owned());
    }
    if kinds.is_empty() {
        let comment = format!("root@{name}");
        let pair = KeypairData::from(Ed25519Keypair::random(&mut rand::rng()));
        store(folder, "ed25519", &PrivateKey::new(pair, comment.clone()).map_err(io::Error::other)?)?;
        kinds.push("ed25519".to_owned());
        if rsa {
            let key = RsaPrivateKey::new(&mut rand::rng(), RSA_BITS).map_err(io::Error::other)?;
            let pair = KeypairData::from(RsaKeypair::try_from(&key).map_err(io::Error::other)?);
            store(folder, "rsa", &PrivateKey::new(pair, comment).map_err(io::Error::other)?)?;
            kinds.push("rsa".to_owned());
        }
    }
    Ok(kinds)
}

fn store(folder: &Path, kind: &str, key: &PrivateKey) -> io::Result<()> {
    let private = key.to_openssh(LineEnding::LF).map_err(io::Error::other)?;
    let public = key.public_key().to_openssh().map_err(io::Error::other)?;
    write(&folder.join(format!("ssh_host_{kind}_key")), private.as_bytes(), 0o600)?;
    write(&folder.join(format!("ssh_host_{kind}_key.pub")), format!("{public}\n").as_bytes(), 0o644)
}

/// Writes `ssh_host_*_key-cert.pub` beside each key, signed by an authority.
pub(super) fn certify(folder: &Path, kinds: &[String], authority: &Path, names: &[String]) -> io::Result<()> {
    let unreadable =
        |error: String| io::Error::other(format!("host authority {}: {error}", authority.display()));
    let text = std::fs::read_to_string(authority).map_err(|error| unreadable(error.to_string()))?;
    let authority = PrivateKey::from_openssh(text.trim()).map_err(|error| unreadable(error.to_string()))?;
    for kind in kinds {
        let path = folder.join(format!("ssh_host_{kind}_key.pub"));
        let public =
            ssh_key::PublicKey::from_openssh(&std::fs::read_to_string(path)?).map_err(io::Error::other)?;
        let sign = || {
            let mut builder = Builder::new_with_random_nonce(&mut rand::rng(), &public, 0, FOREVER)?;
            builder.cert_type(CertType::Host)?.key_id(names.join(","))?;
            for name in names {
                builder.valid_principal(name)?;
            }
            builder.sign(&authority)?.to_openssh()
        };
        let line = sign().map_err(io::Error::other)?;
        write(&folder.join(format!("ssh_host_{kind}_key-cert.pub")), format!("{line}\n").as_bytes(), 0o644)?;
    }
    Ok(())
}
