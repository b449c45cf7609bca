//! User data: what an instance reads about itself at its first boot.

use serde::{Deserialize, Serialize};

use crate::attributes::Template;

/// User data of a fleet's nodes. It is readable by every process on the instance: never put a secret into it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UserData {
    /// The text, with late references such as `${db/0.private_ip}`.
    pub text: Template,
    /// Whether it is sent compressed; cloud-init reads both.
    #[serde(default)]
    pub gzip: bool,
}

impl UserData {
    /// Most bytes that EC2 takes, before base64
    /// (<https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/instancedata-add-user-data.html>).
    pub const MAX: usize = 16 * 1024;

    /// User data as it is.
    #[must_use]
    pub fn new(text: Template) -> Self {
        Self { text, gzip: false }
    }

    /// Sends it compressed.
    #[must_use]
    pub fn gzip(self) -> Self {
        Self { gzip: true, ..self }
    }
}

impl From<Template> for UserData {
    fn from(text: Template) -> Self {
        Self::new(text)
    }
}
