//! Credentials from a file.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use async_trait::async_trait;
use secrecy::SecretString;
use secrecy::zeroize::Zeroizing;
use serde::Deserialize;

use super::missing;
use crate::model::{Credentials, Region};
use crate::provider::AccountProvider;
use crate::{Error, ErrorKind, Result};

/// Credentials from a file of `access_key_id`, `secret_access_key`, `region` and, for temporary ones, `session_token`: JSON
/// where its name ends in `.json`, else TOML. It is read at each use, so replacing it rotates the credentials.
///
/// On Unix it is refused when its mode lets the group or others do anything with it. A [`Chain`](super::Chain) passes over a
/// file that is not there, not over one that is refused or wrong.
#[derive(Clone, Debug)]
pub struct SecretFile(PathBuf);

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Content {
    access_key_id: String,
    secret_access_key: SecretString,
    session_token: Option<SecretString>,
    region: Option<String>,
}

impl SecretFile {
    /// The file at `path`; it need not be there yet.
    pub fn at(path: impl Into<PathBuf>) -> Self {
        Self(path.into())
    }

    async fn content(&self) -> Result<Content> {
        let path = self.0.clone();
        let read = tokio::task::spawn_blocking(move || read(&path).and_then(|text| parse(&path, &text)));
        let content = match read.await {
            Ok(content) => content,
            Err(error) => Err(unusable("reading it was cut off").because(error)),
        };
        content.map_err(|error| error.on(self.0.display().to_string()))
    }
}

#[async_trait]
impl AccountProvider for SecretFile {
    async fn credentials(&self) -> Result<Credentials> {
        let Content { access_key_id, secret_access_key, session_token, .. } = self.content().await?;
        Ok(Credentials { access_key_id, secret_access_key, session_token, expires_at: None })
    }

    async fn region(&self) -> Result<Region> {
        let region = self.content().await?.region.map(Region::new);
        region.ok_or_else(|| missing("has no region").on(self.0.display().to_string()))
    }

    fn origin(&self) -> String {
        format!("file {}", self.0.display())
    }
}

fn read(path: &Path) -> Result<Zeroizing<String>> {
    // The mode is the opened file's, so that nobody can exchange the file between the check and the read.
    let mut file = File::open(path).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => missing("is not there").because(error),
        _ => unreadable(error),
    })?;
    refuse_others(&file)?;
    let mut text = Zeroizing::new(String::new());
    file.read_to_string(&mut text).map_err(unreadable)?;
    Ok(text)
}

/// Refuses a file with which the group or others may do anything.
#[cfg(unix)]
pub(crate) fn refuse_others(file: &File) -> Result<()> {
    use std::os::unix::fs::MetadataExt;
    let mode = file.metadata().map_err(unreadable)?.mode() & 0o777;
    if mode & 0o077 == 0 {
        Ok(())
    } else {
        Err(unusable(format!("group or others may use it (mode {mode:04o}): chmod 600")))
    }
}

#[cfg(not(unix))]
pub(crate) fn refuse_others(_: &File) -> Result<()> {
    Ok(())
}

fn unreadable(error: io::Error) -> Error {
    unusable("cannot be read").because(error)
}

/// It is there, so it is the one that is meant, and nothing can stand in for it.
fn unusable(why: impl Into<String>) -> Error {
    Error::new(ErrorKind::Io, why)
}

/// The parsers' own errors quote the text, secret and all: only the line is kept.
fn parse(path: &Path, text: &str) -> Result<Content> {
    let line_of =
        |offset: usize| text.as_bytes().iter().take(offset).filter(|byte| **byte == b'\n').count() + 1;
    let parsed = if path.extension().is_some_and(|extension| extension == "json") {
        serde_json::from_str(text).map_err(|error| error.line())
    } else {
        toml::from_str(text).map_err(|error| line_of(error.span().map_or(0, |span| span.start)))
    };
    parsed.map_err(|line| {
        let what = "access_key_id, secret_access_key, session_token and region";
        unusable(format!("line {line}: not a file of {what}"))
    })
}
