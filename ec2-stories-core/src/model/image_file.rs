//! An image that is made of a file.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::Architecture;
use crate::image::{BootMode, ImageSpec};

/// A disk image's file, which a deployment uploads and registers when it starts, unless that was done. Its snapshot is encrypted
/// with the account's default key.
///
/// What was done is found by the content: another file of the same content is the same image. The image stays when the
/// deployment ends. Nodes that are replaced later get the image that the deployment was started with, whatever is in the file by
/// then.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ImageFile {
    /// The file.
    pub path: PathBuf,
    /// The image's name; by default the file's and the beginning of its content's hash: `web-0a1b2c3d4e5f`. One file that is to be
    /// registered in several ways needs a name for each.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// How it boots, where not as any image of its architecture can.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub boot_mode: Option<BootMode>,
}

/// The most of a file's name that a name takes; EC2 takes 128 characters.
const MOST_OF_A_NAME: usize = 96;

/// As many digits of the hash as tell a thousand million contents apart.
const DIGITS: usize = 12;

impl ImageFile {
    /// The image in this file.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into(), name: None, boot_mode: None }
    }

    /// How it is registered, with this content.
    #[must_use]
    pub fn spec(&self, content_hash: &str, architecture: Architecture) -> ImageSpec {
        let name = self.name.clone().unwrap_or_else(|| self.name_with(content_hash));
        ImageSpec { architecture, boot_mode: self.boot_mode, ..ImageSpec::named(name) }
    }

    fn name_with(&self, content_hash: &str) -> String {
        let stem = self.path.file_stem().map(|stem| stem.to_string_lossy()).unwrap_or_default();
        let plain = |c: char| if c.is_ascii_alphanumeric() || "-_.".contains(c) { c } else { '-' };
        let stem: String = stem.chars().map(plain).take(MOST_OF_A_NAME).collect();
        format!("{stem}-{}", content_hash.get(..DIGITS).unwrap_or(content_hash))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn its_name_is_the_files_as_far_as_ec2_takes_it() {
        let name =
            |path: &str| ImageFile::new(path).spec(&"0a1b2c3d4e5f6789".repeat(4), Architecture::X86_64).name;
        assert_eq!(name("/srv/web.raw"), "web-0a1b2c3d4e5f");
        assert_eq!(name("größe 7:x.vmdk"), "gr--e-7-x-0a1b2c3d4e5f");
        let long = ImageFile::new("x".repeat(300)).spec("00", Architecture::Arm64);
        long.check("image").unwrap();
    }
}
