//! User data: what an instance reads about itself at its first boot.

mod cloud_config;
mod keys;
mod mime;
mod part;
mod secrets;
mod user;
mod write_file;

use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;
use serde::{Deserialize, Serialize};

use crate::attributes::{Reference, Scope, Template};
use crate::{Error, ErrorKind, Result};

pub use cloud_config::CloudConfig;
pub use part::{Part, ShellScript};
pub use user::User;
pub use write_file::WriteFile;

pub(crate) use part::Rendered;

/// User data of a fleet's nodes: one part, or several as a multi-part message, read by cloud-init.
///
/// It is readable by every process on the instance. What looks like a private key or a password is refused.
///
/// ```
/// use ec2_stories_core::attributes::Template;
/// use ec2_stories_core::model::{CloudConfig, ShellScript, UserData};
///
/// let config = CloudConfig::new()
///     .packages(["nginx"])
///     .file("/etc/shop.toml", Template::new("db = \"${db/0.private_ip}\"\n")?);
/// let script = ShellScript::new(Template::new("systemctl restart nginx")?);
/// let data = UserData::parts([config.into(), script.into()]).gzip();
/// assert_eq!(data.references().len(), 1);
/// # Ok::<(), ec2_stories_core::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Written", into = "Written")]
pub struct UserData {
    parts: Vec<Part>,
    gzip: bool,
}

impl UserData {
    /// Most bytes that EC2 takes, before base64
    /// (<https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/instancedata-add-user-data.html>).
    pub const MAX: usize = 16 * 1024;

    /// Text as it is, whatever reads it.
    #[must_use]
    pub fn new(text: Template) -> Self {
        Self::parts([Part::Text(text)])
    }

    /// One part as it is; several as a multi-part message, in this order.
    #[must_use]
    pub fn parts(parts: impl IntoIterator<Item = Part>) -> Self {
        Self { parts: parts.into_iter().collect(), gzip: false }
    }

    /// Sends it compressed; cloud-init reads both.
    #[must_use]
    pub fn gzip(self) -> Self {
        Self { gzip: true, ..self }
    }

    /// Whether it is sent compressed.
    #[must_use]
    pub fn is_gzip(&self) -> bool {
        self.gzip
    }

    /// The text, where it is text and nothing else.
    #[must_use]
    pub fn text(&self) -> Option<&Template> {
        match &self.parts[..] {
            [Part::Text(text)] => Some(text),
            _ => None,
        }
    }

    /// What its templates refer to.
    #[must_use]
    pub fn references(&self) -> Vec<Reference> {
        self.parts.iter().flat_map(Part::references).collect()
    }

    /// The bytes that an instance would read: references resolved, parts joined, compressed where asked for.
    ///
    /// The same description and the same attributes give the same bytes. Nobody looks at [`MAX`](Self::MAX) here.
    ///
    /// # Errors
    /// As [`Template::resolve`](crate::attributes::Template::resolve).
    pub fn render(&self, scope: &Scope<'_>) -> Result<Vec<u8>> {
        let text = join(&self.resolve(scope)?);
        if self.gzip { compress(text.as_bytes()) } else { Ok(text.into_bytes()) }
    }

    /// Each part with its references resolved.
    pub(crate) fn resolve(&self, scope: &Scope<'_>) -> Result<Vec<Rendered>> {
        self.parts.iter().map(|part| part.resolve(scope)).collect()
    }

    /// Checks what can be seen before it is sent; errors name `field`.
    pub(crate) fn check(&self, field: &str) -> Result<()> {
        if self.parts.is_empty() {
            return Err(Error::invalid(field, "has no parts"));
        }
        if self.references().contains(&Reference::Index) {
            return Err(Error::invalid(
                field,
                "${index} differs from node to node, and one launch serves the whole fleet; the node can read its launch \
                 index from its metadata",
            ));
        }
        for (number, part) in self.parts.iter().enumerate() {
            let at =
                if self.parts.len() == 1 { field.to_owned() } else { format!("{field}.parts[{number}]") };
            if self.parts.len() > 1 {
                part.check_type(&at)?;
            }
            part.check_secrets(&at)?;
        }
        Ok(())
    }

    /// What stands in nobody's way and is hardly meant: keys that cloud-init would pass over.
    pub(crate) fn doubts(&self) -> Vec<String> {
        self.parts.iter().flat_map(Part::doubts).collect()
    }
}

/// One part as it is, several as a message.
pub(crate) fn join(parts: &[Rendered]) -> String {
    match parts {
        [one] => one.text.clone(),
        several => mime::message(several),
    }
}

/// The same text gives the same bytes: the header has no time in it.
pub(crate) fn compress(text: &[u8]) -> Result<Vec<u8>> {
    let failed = |error: std::io::Error| {
        Error::new(ErrorKind::Unexpected, "compressing user data failed").because(error)
    };
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(text).map_err(failed)?;
    encoder.finish().map_err(failed)
}

impl From<Template> for UserData {
    fn from(text: Template) -> Self {
        Self::new(text)
    }
}

impl From<CloudConfig> for UserData {
    fn from(config: CloudConfig) -> Self {
        Self::parts([config.into()])
    }
}

impl From<ShellScript> for UserData {
    fn from(script: ShellScript) -> Self {
        Self::parts([script.into()])
    }
}

/// As a story writes it: one of four keys, and whether it is compressed.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    text: Option<Template>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    script: Option<ShellScript>,
    #[serde(default)]
    gzip: bool,
    // Tables come last: TOML wants values first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    cloud_config: Option<CloudConfig>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    parts: Option<Vec<Part>>,
}

impl TryFrom<Written> for UserData {
    type Error = Error;

    fn try_from(written: Written) -> Result<Self> {
        let Written { text, script, cloud_config, parts, gzip } = written;
        let one = [text.map(Part::Text), script.map(Part::Script), cloud_config.map(Part::CloudConfig)];
        let mut given: Vec<Vec<Part>> =
            one.into_iter().flatten().map(|part| vec![part]).chain(parts).collect();
        match (given.pop(), given.is_empty()) {
            (Some(parts), true) => Ok(Self { parts, gzip }),
            _ => Err(Error::invalid("user_data", "is one of text, script, cloud_config and parts")),
        }
    }
}

impl From<UserData> for Written {
    fn from(data: UserData) -> Self {
        let mut written = Self { text: None, script: None, cloud_config: None, parts: None, gzip: data.gzip };
        let mut parts = data.parts;
        match (parts.pop(), parts.is_empty()) {
            (Some(Part::Text(text)), true) => written.text = Some(text),
            (Some(Part::Script(script)), true) => written.script = Some(script),
            (Some(Part::CloudConfig(config)), true) => written.cloud_config = Some(config),
            (last, _) => written.parts = Some(parts.into_iter().chain(last).collect()),
        }
        written
    }
}

#[cfg(test)]
mod tests;
