//! The suite for key pairs.

use std::fs;

use super::{demand, fails, succeeds, unique};
use crate::ErrorKind;
use crate::model::{KeyName, KeyPairSpec, Name};
use crate::provider::KeyPairs;

/// What the suite for [`KeyPairs`] needs.
#[derive(Clone, Debug, Default)]
pub struct KeyPairsFixture {
    /// A key pair that exists and belongs to no deployment; `None` where none can be made.
    pub existing: Option<KeyName>,
}

/// An Ed25519 public key whose private key was thrown away.
const PUBLIC_KEY: &str =
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIC+XIgR0a1lrXwWa1dx97fiI4+wk0hw7UzE4Xwudrs7F suite";

fn name(prefix: &str) -> Name {
    Name::new(format!("{prefix}-{}", unique())).expect("lower-case hex digits")
}

/// Checks [`KeyPairs`].
///
/// # Panics
/// With the contract's bullet that was broken; key pairs may be left then.
pub async fn key_pairs(keys: &dyn KeyPairs, fixture: &KeyPairsFixture) {
    existing(keys, fixture).await;
    public_keys(keys).await;
    generated(keys).await;
}

async fn existing(keys: &dyn KeyPairs, fixture: &KeyPairsFixture) {
    const MISSING: &str = "an existing pair that does not exist is NotFound";
    const KEPT: &str = "remove_keys removes no pair without the deployment's tag";
    let (deployment, fleet) = (name("suite"), name("web"));
    let missing = KeyPairSpec::Existing(KeyName::new(unique()));
    fails(keys.ensure_key(&deployment, &fleet, &missing).await, ErrorKind::NotFound, MISSING);
    if let Some(existing) = &fixture.existing {
        let spec = KeyPairSpec::Existing(existing.clone());
        let pair = succeeds(keys.ensure_key(&deployment, &fleet, &spec).await, KEPT);
        demand(pair.name == *existing, KEPT, &pair);
        let removed = succeeds(keys.remove_keys(&deployment).await, KEPT);
        demand(removed.is_empty(), KEPT, removed);
        succeeds(keys.ensure_key(&deployment, &fleet, &spec).await, KEPT);
    }
}

async fn public_keys(keys: &dyn KeyPairs) {
    const BULLET: &str = "ensure_key returns the pair that is there, or makes it";
    const REMOVED: &str = "remove_keys removes all pairs that carry the deployment's tag and no other";
    let (deployment, other, fleet) = (name("suite"), name("other"), name("web"));
    let spec = KeyPairSpec::PublicKey(PUBLIC_KEY.to_owned());
    let pair = succeeds(keys.ensure_key(&deployment, &fleet, &spec).await, BULLET);
    let again = succeeds(keys.ensure_key(&deployment, &fleet, &spec).await, BULLET);
    demand(again == pair, BULLET, (&pair, &again));
    let second = succeeds(keys.ensure_key(&deployment, &name("db"), &spec).await, BULLET);
    demand(second.name != pair.name, "each fleet has its own pair", &second);
    let kept = succeeds(keys.ensure_key(&other, &fleet, &spec).await, BULLET);
    let wrong = KeyPairSpec::PublicKey("not a key".to_owned());
    let refused = keys.ensure_key(&deployment, &name("bad"), &wrong).await;
    fails(refused, ErrorKind::Invalid, "a public key that cannot be read is Invalid");

    let mut removed = succeeds(keys.remove_keys(&deployment).await, REMOVED);
    removed.sort_unstable();
    let mut expected = vec![pair.name, second.name];
    expected.sort_unstable();
    demand(removed == expected, REMOVED, &removed);
    demand(succeeds(keys.remove_keys(&deployment).await, REMOVED).is_empty(), REMOVED, "removed twice");
    let removed = succeeds(keys.remove_keys(&other).await, REMOVED);
    demand(removed == [kept.name], REMOVED, &removed);
}

async fn generated(keys: &dyn KeyPairs) {
    const KEPT: &str = "where a file's pair was removed the same key is used again";
    const MADE: &str = "a generated pair's private key is in its file, for its owner only";
    const AGAIN: &str = "a generated pair whose private key is not in its file is removed and made again";
    const FOREIGN: &str =
        "a file that is there is never overwritten; one that belongs to another pair is Conflict";
    let (deployment, fleet) = (name("suite"), name("web"));
    let directory = tempfile::tempdir().expect("a temporary directory");
    let path = directory.path().join("key.pem");
    let spec = KeyPairSpec::Generated(path.clone());
    let pair = succeeds(keys.ensure_key(&deployment, &fleet, &spec).await, MADE);
    let private_key = fs::read(&path).unwrap_or_else(|error| panic!("contract broken: {MADE}: {error}"));
    demand(!private_key.is_empty(), MADE, "an empty file");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = fs::metadata(&path).map(|file| file.permissions().mode() & 0o777).unwrap_or_default();
        demand(mode == 0o600, MADE, format!("{mode:o}"));
    }
    demand(succeeds(keys.ensure_key(&deployment, &fleet, &spec).await, MADE) == pair, MADE, "another pair");
    demand(fs::read(&path).is_ok_and(|now| now == private_key), FOREIGN, "the file changed");

    fs::remove_file(&path).expect("the file was there");
    succeeds(keys.ensure_key(&deployment, &fleet, &spec).await, AGAIN);
    let new_key = fs::read(&path).unwrap_or_default();
    demand(!new_key.is_empty() && new_key != private_key, AGAIN, "the old key, or none");

    let foreign = directory.path().join("foreign.pem");
    fs::write(&foreign, "precious").expect("a file in a temporary directory");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        fs::set_permissions(&foreign, fs::Permissions::from_mode(0o600)).expect("our own file");
    }
    let refused = keys.ensure_key(&deployment, &name("db"), &KeyPairSpec::Generated(foreign.clone())).await;
    fails(refused, ErrorKind::Conflict, FOREIGN);
    demand(fs::read(&foreign).is_ok_and(|now| now == b"precious"), FOREIGN, "the file changed");
    let removed = succeeds(keys.remove_keys(&deployment).await, "remove_keys says which");
    demand(removed.contains(&pair.name), "remove_keys says which", &removed);
    demand(fs::read(&path).is_ok_and(|now| now == new_key), "the files stay", &path);

    let pair = succeeds(keys.ensure_key(&deployment, &fleet, &spec).await, KEPT);
    demand(fs::read(&path).is_ok_and(|now| now == new_key), KEPT, "the file changed");
    demand(succeeds(keys.ensure_key(&deployment, &fleet, &spec).await, KEPT) == pair, KEPT, "another pair");
    succeeds(keys.remove_keys(&deployment).await, KEPT);
}
