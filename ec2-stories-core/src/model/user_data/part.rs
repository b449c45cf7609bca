//! One part of user data.

use std::collections::BTreeMap;

use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};

use super::{CloudConfig, keys, secrets};
use crate::attributes::{Reference, Scope, Template};
use crate::{Error, Result};

/// A part of user data.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Part {
    /// Text as it is. In a message of several parts its first line says what it is: `#!`, `#cloud-config`, `#include`,
    /// `#cloud-boothook` and the like. Nothing is escaped where a reference is replaced.
    Text(Template),
    /// A script that runs once, as root, late in the first boot.
    Script(ShellScript),
    /// Settings in cloud-init's own words.
    CloudConfig(CloudConfig),
}

/// A script for a shell or any other interpreter.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ShellScript(Template);

impl ShellScript {
    /// Runs this; `/bin/sh` does where the text does not begin with `#!`.
    #[must_use]
    pub fn new(text: Template) -> Self {
        Self(text)
    }
}

/// A part, ready to be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Rendered {
    /// Its name in messages to people, and its file's.
    pub(crate) name: &'static str,
    /// Its MIME type, as cloud-init knows it.
    pub(crate) mime: &'static str,
    pub(crate) text: String,
}

const CLOUD_CONFIG: &str = "text/cloud-config";
const SCRIPT: &str = "text/x-shellscript";

/// First lines and what they mean; a longer one comes before what it begins with.
///
/// Source: cloud-init documentation, "User data formats".
const TYPES: [(&str, &str); 9] = [
    ("#cloud-config-archive", "text/cloud-config-archive"),
    ("#cloud-config", CLOUD_CONFIG),
    ("#cloud-boothook", "text/cloud-boothook"),
    ("#include-once", "text/x-include-once-url"),
    ("#include", "text/x-include-url"),
    ("#part-handler", "text/part-handler"),
    ("#upstart-job", "text/upstart-job"),
    ("## template: jinja", "text/jinja2"),
    ("#!", SCRIPT),
];

impl Part {
    pub(super) fn references(&self) -> Vec<Reference> {
        match self {
            Self::Text(text) | Self::Script(ShellScript(text)) => text.references().cloned().collect(),
            Self::CloudConfig(config) => config.references(),
        }
    }

    pub(super) fn resolve(&self, scope: &Scope<'_>) -> Result<Rendered> {
        Ok(match self {
            Self::Text(text) => {
                let text = text.resolve(scope)?;
                Rendered { name: "text", mime: mime_of(&text).unwrap_or("text/plain"), text }
            }
            Self::Script(ShellScript(text)) => {
                let text = text.resolve(scope)?;
                let text = if text.starts_with("#!") { text } else { format!("#!/bin/sh\n{text}") };
                Rendered { name: "script", mime: SCRIPT, text }
            }
            Self::CloudConfig(config) => {
                Rendered { name: "cloud_config", mime: CLOUD_CONFIG, text: config.render(scope)? }
            }
        })
    }

    /// Whether cloud-init will know what the part is.
    pub(super) fn check_type(&self, field: &str) -> Result<()> {
        match self {
            Self::Text(text) if mime_of(&text.to_string()).is_none() => {
                let known = TYPES.map(|(start, _)| start).join(", ");
                Err(Error::invalid(field, format!("its first line is none that cloud-init knows: {known}")))
            }
            _ => Ok(()),
        }
    }

    pub(super) fn doubts(&self) -> Vec<String> {
        match self {
            Self::Text(text) => doubts_of(&text.to_string()),
            Self::Script(_) => Vec::new(),
            Self::CloudConfig(config) => config.keys().filter_map(keys::doubt).collect(),
        }
    }

    pub(super) fn check_secrets(&self, field: &str) -> Result<()> {
        match self {
            Self::Text(text) | Self::Script(ShellScript(text)) => {
                secrets::check_text(field, &text.to_string())
            }
            Self::CloudConfig(config) => config.check_secrets(field),
        }
    }
}

/// What is doubtful in a text, where it is a cloud-config.
fn doubts_of(text: &str) -> Vec<String> {
    if mime_of(text) != Some(CLOUD_CONFIG) {
        return Vec::new();
    }
    match serde_saphyr::from_str::<BTreeMap<String, IgnoredAny>>(text) {
        Ok(config) => config.keys().filter_map(|key| keys::doubt(key)).collect(),
        Err(error) => vec![format!("cloud-init passes over a cloud-config that it cannot read: {error}")],
    }
}

fn mime_of(text: &str) -> Option<&'static str> {
    TYPES.iter().find(|(start, _)| text.starts_with(start)).map(|(_, mime)| *mime)
}

impl From<Template> for Part {
    fn from(text: Template) -> Self {
        Self::Text(text)
    }
}

impl From<ShellScript> for Part {
    fn from(script: ShellScript) -> Self {
        Self::Script(script)
    }
}

impl From<CloudConfig> for Part {
    fn from(config: CloudConfig) -> Self {
        Self::CloudConfig(config)
    }
}
