//! A user that cloud-init makes.

use serde_json::{Map, Value, json};

use super::cloud_config::{literal, push};

/// An entry of `users`, without a password: it logs in with keys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User(Map<String, Value>);

impl User {
    /// A user of this name, with a home.
    #[must_use]
    pub fn new(name: &str) -> Self {
        Self(Map::new()).with("name", literal(name))
    }

    /// Lets the holder of this OpenSSH public key log in; may be said again.
    #[must_use]
    pub fn authorized_key(mut self, line: &str) -> Self {
        push(&mut self.0, "ssh_authorized_keys", literal(line));
        self
    }

    /// Puts it into a group beside its own; may be said again.
    #[must_use]
    pub fn group(mut self, group: &str) -> Self {
        push(&mut self.0, "groups", literal(group));
        self
    }

    /// Sets its login shell.
    #[must_use]
    pub fn shell(self, path: &str) -> Self {
        self.with("shell", literal(path))
    }

    /// Lets it do everything as root without a password.
    #[must_use]
    pub fn sudo(self) -> Self {
        self.with("sudo", json!("ALL=(ALL) NOPASSWD:ALL"))
    }

    fn with(mut self, key: &str, value: Value) -> Self {
        self.0.insert(key.to_owned(), value);
        self
    }
}

impl From<User> for Value {
    fn from(user: User) -> Self {
        Self::Object(user.0)
    }
}
