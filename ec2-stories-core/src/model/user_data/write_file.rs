//! A file that cloud-init writes.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Map, Value, json};

use super::cloud_config::literal;
use crate::attributes::Template;

/// An entry of `write_files`.
///
/// ```
/// use ec2_stories_core::attributes::Template;
/// use ec2_stories_core::model::{CloudConfig, WriteFile};
///
/// let motd = WriteFile::new("/etc/motd", Template::literal("hello\n")).mode(0o644).owner("root:root");
/// let config = CloudConfig::new().write_file(motd);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WriteFile(Map<String, Value>);

impl WriteFile {
    /// A file of text, mode 0644 and root's unless said otherwise.
    #[must_use]
    pub fn new(path: &str, content: Template) -> Self {
        Self::holding(path, json!(String::from(content)))
    }

    /// A file of bytes.
    #[must_use]
    pub fn bytes(path: &str, content: &[u8]) -> Self {
        Self::holding(path, json!(BASE64_STANDARD.encode(content))).with("encoding", json!("b64"))
    }

    /// Sets its mode, such as `0o600`.
    #[must_use]
    pub fn mode(self, mode: u32) -> Self {
        // As text: YAML 1.1 reads 0600 as octal, and 1.2 as decimal.
        self.with("permissions", json!(format!("{mode:04o}")))
    }

    /// Sets its owner and group: `user:group`.
    #[must_use]
    pub fn owner(self, owner: &str) -> Self {
        self.with("owner", literal(owner))
    }

    /// Appends to what is there.
    #[must_use]
    pub fn append(self) -> Self {
        self.with("append", json!(true))
    }

    /// Writes it late, once packages are installed and users are there.
    #[must_use]
    pub fn late(self) -> Self {
        self.with("defer", json!(true))
    }

    fn holding(path: &str, content: Value) -> Self {
        Self(Map::new()).with("path", literal(path)).with("content", content)
    }

    fn with(mut self, key: &str, value: Value) -> Self {
        self.0.insert(key.to_owned(), value);
        self
    }
}

impl From<WriteFile> for Value {
    fn from(file: WriteFile) -> Self {
        Self::Object(file.0)
    }
}
