//! A file.

use std::io::Read;
use std::path::PathBuf;

use async_trait::async_trait;
use ec2_stories_core::attributes::{Reference, Template};
use ec2_stories_core::{Error, Result};
use serde::{Deserialize, Serialize};

use super::before::{put_aside, put_back};
use super::host::Host;
use super::payload::{Payload, unreadable, unusable};
use super::place::{Place, check_path};
use super::steps::refused;
use super::{Apply, Mode, is_false};

/// A file with this content. Who looks sees the old one or the new one; one that is as it should be is not sent.
///
/// A link is followed. Folders above it are made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct File {
    path: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    text: Option<Template>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    source: Option<PathBuf>,
    #[serde(default, skip_serializing_if = "is_false")]
    template: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    mode: Option<Mode>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    owner: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    group: Option<String>,
    #[serde(default, skip_serializing_if = "is_false")]
    undo: bool,
}

impl File {
    /// With exactly this text.
    pub fn text(path: impl Into<String>, text: impl Into<String>) -> Self {
        Self::template(path, Template::literal(text))
    }

    /// With this text, whose references are resolved when the step runs.
    pub fn template(path: impl Into<String>, text: Template) -> Self {
        Self { text: Some(text), ..Self::empty(path.into()) }
    }

    /// With what is in this file of this machine when the step runs.
    pub fn source(path: impl Into<String>, file: impl Into<PathBuf>) -> Self {
        Self { source: Some(file.into()), ..Self::empty(path.into()) }
    }

    fn empty(path: String) -> Self {
        Self {
            path,
            text: None,
            source: None,
            template: false,
            mode: None,
            owner: None,
            group: None,
            undo: false,
        }
    }

    /// Resolves references in the source file, which is text.
    #[must_use]
    pub fn with_references(mut self) -> Self {
        self.template = true;
        self
    }

    /// With these permissions: `0o640`. Those of the file that is replaced where not said, else `0644`.
    #[must_use]
    pub fn mode(mut self, mode: u32) -> Self {
        self.mode = Some(Mode::new(mode));
        self
    }

    /// Of this user, and of that user's group where no group is said.
    #[must_use]
    pub fn owner(mut self, user: impl Into<String>) -> Self {
        self.owner = Some(user.into());
        self
    }

    /// Of this group.
    #[must_use]
    pub fn group(mut self, group: impl Into<String>) -> Self {
        self.group = Some(group.into());
        self
    }

    /// Undo puts back what was there before.
    #[must_use]
    pub fn undone(mut self) -> Self {
        self.undo = true;
        self
    }

    /// The file of this machine that is sent.
    pub fn source_mut(&mut self) -> Option<&mut PathBuf> {
        self.source.as_mut()
    }

    async fn payload(&self, host: &Host) -> Result<Payload> {
        match (&self.text, &self.source) {
            (Some(text), _) => Ok(Payload::bytes(host.resolve(text)?)),
            (None, Some(file)) if self.template => {
                let text = tokio::fs::read_to_string(file).await.map_err(|error| unreadable(file, error))?;
                let template =
                    Template::new(text).map_err(|error| Error::invalid(file.display(), error.message()))?;
                Ok(Payload::bytes(host.resolve(&template)?))
            }
            (None, Some(file)) => Payload::file(file).await,
            (None, None) => Err(refused("file", "has neither text nor source")),
        }
    }
}

#[async_trait]
impl Apply for File {
    fn title(&self) -> String {
        format!("file {}", self.path)
    }

    fn key(&self) -> String {
        self.title()
    }

    fn check(&self) -> Result<()> {
        check_path("file.path", &self.path)?;
        match (&self.text, &self.source) {
            (Some(_), Some(_)) => {
                return Err(refused("file", "has both text and source: leave one of them away"));
            }
            (None, None) => return Err(refused("file", "has neither text nor source: say one of them")),
            (Some(_), None) if self.template => {
                return Err(refused(
                    "file.template",
                    "is for a source: references in a text are resolved always",
                ));
            }
            _ => {}
        }
        check_name("file.owner", self.owner.as_deref())?;
        check_name("file.group", self.group.as_deref())
    }

    fn templates(&self) -> Vec<&Template> {
        self.text.iter().collect()
    }

    fn read_sources(&self) -> Result<Vec<Reference>> {
        let Some(file) = &self.source else { return Ok(Vec::new()) };
        let wrong = |error| unusable("file.source", file, &error);
        let mut opened = std::fs::File::open(file).map_err(wrong)?;
        if opened.metadata().map_err(wrong)?.is_dir() {
            return Err(Error::invalid(
                "file.source",
                format!("{} is a folder: say `folder`", file.display()),
            ));
        }
        if !self.template {
            return Ok(Vec::new());
        }
        let mut text = String::new();
        opened.read_to_string(&mut text).map_err(wrong)?;
        let template = Template::new(text).map_err(|error| {
            Error::invalid("file.source", format!("{}: {}", file.display(), error.message()))
        })?;
        Ok(template.references().cloned().collect())
    }

    fn is_undone(&self) -> bool {
        self.undo
    }

    async fn content(&self) -> Result<String> {
        match &self.source {
            Some(file) => Ok(Payload::file(file).await?.hash),
            None => Ok(String::new()),
        }
    }

    async fn apply(&self, host: &mut Host) -> Result<bool> {
        let payload = self.payload(host).await?;
        let place = Place {
            path: &self.path,
            mode: self.mode,
            owner: self.owner.as_deref(),
            group: self.group.as_deref(),
        };
        let before = async |host: &mut Host| match self.undo {
            true => put_aside(host, &self.path).await,
            false => Ok(()),
        };
        place.put(host, &payload, before).await
    }

    async fn take_back(&self, host: &mut Host) -> Result<bool> {
        put_back(host, &self.path).await
    }
}

/// The name of a user or a group, as `useradd` takes it.
pub(super) fn check_name(field: &str, name: Option<&str>) -> Result<()> {
    let plain = |c: char| c.is_ascii_alphanumeric() || "_.-".contains(c);
    match name {
        Some(name)
            if name.is_empty() || name.len() > 32 || name.starts_with('-') || !name.chars().all(plain) =>
        {
            Err(Error::invalid(field, format!("{name:?} is not a name of a user or group")))
        }
        _ => Ok(()),
    }
}
