//! Who may log in as a user.

use async_trait::async_trait;
use ec2_stories_core::attributes::Template;
use ec2_stories_core::{Error, Result};
use russh::keys::PublicKey;
use serde::{Deserialize, Serialize};

use super::before::{put_aside, put_back};
use super::file::check_name;
use super::host::Host;
use super::payload::Payload;
use super::place::Place;
use super::steps::refused;
use super::{Apply, Mode, is_false};

/// `$1` is the user. Its home, then what its file holds.
const READ: &str = r#"set -e
entry=$(getent passwd "$1") || { echo "the host has no user $1" >&2; exit 1; }
entry=${entry%:*}; home=${entry##*:}
printf '%s\n' "$home"
[ ! -e "$home/.ssh/authorized_keys" ] || cat -- "$home/.ssh/authorized_keys""#;

/// `$1` is the user, `$2` its home.
const FOLDER: &str = r#"set -e
[ ! -L "$2/.ssh" ] || { echo "$2/.ssh is a link" >&2; exit 1; }
[ -d "$2/.ssh" ] || mkdir -m 700 -- "$2/.ssh"
[ "$(stat -c %u -- "$2/.ssh")" = "$(id -u -- "$1")" ] || chown -- "$(id -u -- "$1"):$(id -g -- "$1")" "$2/.ssh""#;

/// The public keys that may log in as a user: at least these, or these alone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AuthorizedKeys {
    user: String,
    keys: Vec<Template>,
    #[serde(default, skip_serializing_if = "is_false")]
    exactly: bool,
    #[serde(default, skip_serializing_if = "is_false")]
    undo: bool,
}

impl AuthorizedKeys {
    /// These keys beside those that are there.
    pub fn at_least<K: Into<String>>(user: impl Into<String>, keys: impl IntoIterator<Item = K>) -> Self {
        let keys = keys.into_iter().map(Template::literal).collect();
        Self { user: user.into(), keys, exactly: false, undo: false }
    }

    /// These keys and no others.
    pub fn exactly<K: Into<String>>(user: impl Into<String>, keys: impl IntoIterator<Item = K>) -> Self {
        Self { exactly: true, ..Self::at_least(user, keys) }
    }

    /// Undo puts back the keys that were there before.
    #[must_use]
    pub fn undone(mut self) -> Self {
        self.undo = true;
        self
    }

    async fn read(&self, host: &Host) -> Result<(String, String)> {
        let output = host.script("read the keys", READ, &[&self.user]).await?;
        let text = output.stdout.text();
        let (home, content) = text.split_once('\n').unwrap_or((&text, ""));
        Ok((home.to_owned(), content.to_owned()))
    }
}

/// Whether the line has a public key in it: options may come before, and a comment after.
fn has_key(line: &str) -> bool {
    let words: Vec<&str> = line.split_whitespace().collect();
    words.windows(2).any(|pair| PublicKey::from_openssh(&pair.join(" ")).is_ok())
}

/// The beginning of a line: what was meant to be a public key may be a private one.
fn shown(line: &str) -> String {
    format!("\"{}…\"", line.trim_start().chars().take(20).collect::<String>())
}

/// The file's new content; `None` where it may stay as it is.
fn merge(there: &str, wanted: &[String], exactly: bool) -> Option<String> {
    let lines = || there.lines().map(str::trim);
    if exactly {
        let keys = lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
        let same = keys.eq(wanted.iter().map(String::as_str));
        return (!same).then(|| wanted.iter().map(|key| format!("{key}\n")).collect());
    }
    let missing: Vec<&String> = wanted.iter().filter(|key| !lines().any(|line| line == *key)).collect();
    if missing.is_empty() {
        return None;
    }
    let mut content = there.to_owned();
    if !content.is_empty() && !content.ends_with('\n') {
        content.push('\n');
    }
    missing.iter().for_each(|key| content.extend([key.as_str(), "\n"]));
    Some(content)
}

#[async_trait]
impl Apply for AuthorizedKeys {
    fn title(&self) -> String {
        format!("authorized keys of {}", self.user)
    }

    fn key(&self) -> String {
        self.title()
    }

    fn check(&self) -> Result<()> {
        check_name("authorized_keys.user", Some(&self.user))?;
        if self.keys.is_empty() {
            return Err(refused(
                "authorized_keys.keys",
                "names no key: it would lock everybody out or do nothing",
            ));
        }
        // What refers to something is known on the node alone.
        let literal = self.keys.iter().filter(|key| key.references().next().is_none());
        match literal.map(ToString::to_string).find(|line| !has_key(line)) {
            Some(line) => Err(refused("authorized_keys.keys", &format!("{} is no public key", shown(&line)))),
            None => Ok(()),
        }
    }

    fn templates(&self) -> Vec<&Template> {
        self.keys.iter().collect()
    }

    fn is_undone(&self) -> bool {
        self.undo
    }

    async fn apply(&self, host: &mut Host) -> Result<bool> {
        let resolve = |key: &Template| {
            let key = host.resolve(key)?.trim().to_owned();
            match key.is_empty() || key.contains('\n') {
                true => {
                    Err(Error::invalid("authorized_keys.keys", "each is one line of an authorized_keys file"))
                }
                false => Ok(key),
            }
        };
        let keys = self.keys.iter().map(resolve).collect::<Result<Vec<_>>>()?;
        let (home, there) = self.read(host).await?;
        let Some(content) = merge(&there, &keys, self.exactly) else { return Ok(false) };
        host.script("make the folder of the keys", FOLDER, &[&self.user, &home]).await?;
        let path = format!("{home}/.ssh/authorized_keys");
        let place = Place { path: &path, mode: Some(Mode::new(0o600)), owner: Some(&self.user), group: None };
        let before = async |host: &mut Host| match self.undo {
            true => put_aside(host, &path).await,
            false => Ok(()),
        };
        place.put(host, &Payload::bytes(content), before).await
    }

    async fn take_back(&self, host: &mut Host) -> Result<bool> {
        match self.read(host).await {
            Ok((home, _)) => put_back(host, &format!("{home}/.ssh/authorized_keys")).await,
            // The user is gone, and its keys with it.
            Err(error) if error.kind() == ec2_stories_core::ErrorKind::Failed => {
                host.forget().await?;
                Ok(false)
            }
            Err(error) => Err(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const THERE: &str = "# ops\nssh-ed25519 AAAA one\n\nssh-ed25519 BBBB two";

    #[test]
    fn keys_are_added_and_others_stay() {
        let wanted = ["ssh-ed25519 BBBB two".to_owned(), "ssh-ed25519 CCCC three".to_owned()];
        let merged = merge(THERE, &wanted, false).unwrap();
        assert_eq!(merged, format!("{THERE}\nssh-ed25519 CCCC three\n"));
        assert_eq!(merge(&merged, &wanted, false), None);
    }

    #[test]
    fn what_is_no_key_is_refused() {
        let key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAILjtCIGVQZT1AJrQl+Z53j1c402u9SBthvQ8pctFFzVB";
        for good in [key.to_owned(), format!("{key} me at home"), format!("command=\"ls -l\",pty {key}")] {
            AuthorizedKeys::at_least("admin", [good]).check().unwrap();
        }
        for bad in ["ssh-rsa nonsense", key.split_once(' ').unwrap().1, &key[..60], "-----BEGIN KEY-----", ""]
        {
            let refused = AuthorizedKeys::at_least("admin", [key, bad]).check().unwrap_err();
            assert_eq!(refused.resource(), Some("authorized_keys.keys"), "{bad}");
        }
    }

    #[test]
    fn exactly_removes_the_others() {
        let wanted = ["ssh-ed25519 BBBB two".to_owned()];
        let merged = merge(THERE, &wanted, true).unwrap();
        assert_eq!(merged, "ssh-ed25519 BBBB two\n");
        assert_eq!(merge(&merged, &wanted, true), None);
    }
}
