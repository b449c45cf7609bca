//! The part of cloud-config that hosts without cloud-init carry out.
//!
//! Source: cloud-init documentation, "Module reference": cc_ssh, cc_users_groups, cc_write_files, cc_runcmd, cc_bootcmd.

use std::collections::BTreeMap;
use std::io::Read;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use flate2::read::MultiGzDecoder;
use serde::Deserialize;
use serde::de::IgnoredAny;

const KNOWN: [&str; 9] = [
    "ssh_keys",
    "ssh_authorized_keys",
    "write_files",
    "bootcmd",
    "runcmd",
    "users",
    "hostname",
    "ssh_deletekeys",
    "ssh_genkeytypes",
];

#[derive(Default, Deserialize)]
#[serde(default)]
pub(in crate::host) struct CloudConfig {
    /// `ed25519_private` and the like, and the text of the key.
    pub(in crate::host) ssh_keys: BTreeMap<String, String>,
    pub(in crate::host) ssh_authorized_keys: Vec<String>,
    pub(in crate::host) write_files: Vec<File>,
    pub(in crate::host) bootcmd: Vec<Command>,
    pub(in crate::host) runcmd: Vec<Command>,
    users: Vec<UserEntry>,
    pub(in crate::host) hostname: Option<String>,
}

#[derive(Clone, Debug, Deserialize, PartialEq)]
#[serde(untagged)]
pub(in crate::host) enum Command {
    /// For a shell.
    Line(String),
    /// Arguments as they are.
    Argv(#[serde(deserialize_with = "words")] Vec<String>),
}

#[derive(Deserialize)]
pub(in crate::host) struct File {
    pub(in crate::host) path: String,
    #[serde(default)]
    content: String,
    #[serde(default)]
    encoding: String,
    pub(in crate::host) permissions: Option<String>,
    pub(in crate::host) owner: Option<String>,
    #[serde(default)]
    pub(in crate::host) append: bool,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum UserEntry {
    /// `default`.
    Name(String),
    User(User),
}

#[derive(Clone, Deserialize)]
pub(in crate::host) struct User {
    pub(in crate::host) name: String,
    #[serde(default)]
    pub(in crate::host) ssh_authorized_keys: Vec<String>,
    pub(in crate::host) shell: Option<String>,
    /// `ALL=(ALL) NOPASSWD:ALL`, or a list of such, or `false`.
    sudo: Option<serde_json::Value>,
}

impl CloudConfig {
    /// Reads it, and says which of its keys mean nothing here.
    ///
    /// # Errors
    /// Where it is wrong, without its text.
    pub(super) fn read(text: &str) -> Result<(Self, Vec<String>), String> {
        let place = |error: serde_saphyr::Error| match error.location() {
            Some(location) => format!("line {}, column {}", location.line(), location.column()),
            None => "it is no YAML of the known form".to_owned(),
        };
        let keys: Option<BTreeMap<String, IgnoredAny>> = serde_saphyr::from_str(text).map_err(place)?;
        let keys = keys.unwrap_or_default();
        if keys.is_empty() {
            return Ok((Self::default(), Vec::new()));
        }
        let config = serde_saphyr::from_str(text).map_err(place)?;
        let ignored = keys.into_keys().filter(|key| !KNOWN.contains(&key.as_str())).collect();
        Ok((config, ignored))
    }

    /// Adds a later part: what an earlier one said stays, as with cloud-init's default merge.
    pub(super) fn merge(&mut self, later: Self) {
        let Self { ssh_keys, ssh_authorized_keys, write_files, bootcmd, runcmd, users, hostname } = later;
        for (name, key) in ssh_keys {
            self.ssh_keys.entry(name).or_insert(key);
        }
        first(&mut self.ssh_authorized_keys, ssh_authorized_keys);
        first(&mut self.write_files, write_files);
        first(&mut self.bootcmd, bootcmd);
        first(&mut self.runcmd, runcmd);
        first(&mut self.users, users);
        self.hostname = self.hostname.take().or(hostname);
    }

    /// The users beside the default ones.
    pub(in crate::host) fn users(&self) -> impl Iterator<Item = &User> {
        self.users.iter().filter_map(|entry| match entry {
            UserEntry::User(user) => Some(user),
            UserEntry::Name(_) => None,
        })
    }

    /// A list of users without `default` has no default user.
    pub(in crate::host) fn wants_default_user(&self) -> bool {
        let default = |entry: &UserEntry| matches!(entry, UserEntry::Name(name) if name == "default");
        self.users.is_empty() || self.users.iter().any(default)
    }
}

/// Numbers and truth values are words too, as YAML writes them.
fn words<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    let values = Vec::<serde_json::Value>::deserialize(deserializer)?;
    Ok(values
        .into_iter()
        .map(|value| value.as_str().map_or_else(|| value.to_string(), str::to_owned))
        .collect())
}

fn first<T>(kept: &mut Vec<T>, later: Vec<T>) {
    if kept.is_empty() {
        *kept = later;
    }
}

impl User {
    pub(in crate::host) fn may_sudo(&self) -> bool {
        !matches!(self.sudo, None | Some(serde_json::Value::Null | serde_json::Value::Bool(false)))
    }
}

impl File {
    /// What is to be written. Source: cc_write_files, `encoding`.
    ///
    /// # Errors
    /// The content is not encoded as it says.
    pub(in crate::host) fn content(&self) -> Result<Vec<u8>, String> {
        let wrong = |why: String| format!("write_files: {}: {why}", self.path);
        let raw = || {
            let text: String = self.content.split_ascii_whitespace().collect();
            BASE64_STANDARD.decode(text).map_err(|error| wrong(error.to_string()))
        };
        let unpack = |bytes: &[u8]| {
            let mut unpacked = Vec::new();
            let read = MultiGzDecoder::new(bytes).take(super::MAX_UNPACKED).read_to_end(&mut unpacked);
            read.map(|_| unpacked).map_err(|error| wrong(error.to_string()))
        };
        match self.encoding.as_str() {
            "" | "text/plain" => Ok(self.content.clone().into_bytes()),
            "b64" | "base64" => raw(),
            "gz+b64" | "gz+base64" | "gzip+b64" | "gzip+base64" => unpack(&raw()?),
            other => Err(wrong(format!("encoding {other:?} is not known"))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_commands_and_users_are_read_as_cloud_init_reads_them() {
        let text = "#cloud-config\nwrite_files:\n- path: /etc/a\n  content: |\n    one\n    two\n  permissions: '0600'\n- \
                    {path: /etc/b, encoding: b64, content: aGk=, permissions: 0644}\nruncmd:\n- echo $HOME\n- [echo, a b, 3]\n\
                    users:\n- default\n- name: ada\n  sudo: ALL=(ALL) NOPASSWD:ALL\n  ssh_authorized_keys: [ssh-ed25519 A]\n";
        let (config, ignored) = CloudConfig::read(text).unwrap();
        assert_eq!(ignored, [""; 0]);
        assert_eq!(config.write_files[0].content().unwrap(), b"one\ntwo\n");
        assert_eq!(config.write_files[1].content().unwrap(), b"hi");
        let modes: Vec<_> = config.write_files.iter().map(|file| file.permissions.as_deref()).collect();
        assert_eq!(modes, [Some("0600"), Some("0644")]);
        let argv = ["echo", "a b", "3"].map(str::to_owned).to_vec();
        assert_eq!(config.runcmd, [Command::Line("echo $HOME".to_owned()), Command::Argv(argv)]);
        let users: Vec<_> = config.users().map(|user| (user.name.as_str(), user.may_sudo())).collect();
        assert_eq!((users, config.wants_default_user()), (vec![("ada", true)], true));
    }

    #[test]
    fn an_error_says_the_place_and_not_the_text() {
        let place =
            CloudConfig::read("#cloud-config\nssh_keys:\n  ed25519_private: [secret]\n").err().unwrap();
        assert!(place.contains("line 3") && !place.contains("secret"), "{place}");
    }

    #[test]
    fn nothing_but_the_header_is_nothing() {
        let (config, ignored) = CloudConfig::read("#cloud-config\n").unwrap();
        assert!(ignored.is_empty() && config.runcmd.is_empty());
    }
}
