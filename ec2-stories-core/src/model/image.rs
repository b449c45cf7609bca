//! Machine images: which one a description wants, and what a registry knows of it.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{ImageFile, ImageId, SnapshotId, Tags};

/// A processor architecture, in EC2's words.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Architecture {
    /// `x86_64`
    #[default]
    #[serde(rename = "x86_64")]
    X86_64,
    /// `arm64`
    #[serde(rename = "arm64")]
    Arm64,
}

impl Architecture {
    /// EC2's word for it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::X86_64 => "x86_64",
            Self::Arm64 => "arm64",
        }
    }
}

impl std::fmt::Display for Architecture {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.as_str())
    }
}

/// Whose image: `self`, an alias such as `amazon`, or an account id.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Owner(pub String);

impl Owner {
    /// The account that asks.
    #[must_use]
    pub fn own() -> Self {
        Self("self".to_owned())
    }
}

/// The newest image of an owner whose name matches a pattern (`*` and `?` are wildcards).
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ImageQuery {
    /// Whose. There is no search over everyone's images: anyone may publish under any name.
    pub owner: Owner,
    /// The name's pattern.
    pub name: String,
    /// The architecture.
    #[serde(default)]
    pub architecture: Architecture,
}

/// The image that a fleet wants.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Image {
    /// This very image.
    Id(ImageId),
    /// The newest one of a well-known publisher, such as `debian-12`; see [`Image::public`].
    Public(String),
    /// The newest one that a query finds.
    Newest(ImageQuery),
    /// The one that is made of a file.
    File(ImageFile),
}

/// Well-known publishers: short name, owner's account, name pattern with a place for the architecture, the publisher's words
/// for the architectures, and the user that one logs in as.
/// Sources: <https://wiki.debian.org/Cloud/AmazonEC2Image>, <https://ubuntu.com/aws/docs>,
/// <https://docs.aws.amazon.com/linux/al2023/ug/naming-and-versioning.html>.
const PUBLISHERS: [(&str, &str, &str, [&str; 2], &str); 5] = [
    ("debian-12", "136693071363", "debian-12-{arch}-*", ["amd64", "arm64"], "admin"),
    ("debian-13", "136693071363", "debian-13-{arch}-*", ["amd64", "arm64"], "admin"),
    (
        "ubuntu-24.04",
        "099720109477",
        "ubuntu/images/hvm-ssd-gp3/ubuntu-noble-24.04-{arch}-server-*",
        ["amd64", "arm64"],
        "ubuntu",
    ),
    (
        "ubuntu-22.04",
        "099720109477",
        "ubuntu/images/hvm-ssd/ubuntu-jammy-22.04-{arch}-server-*",
        ["amd64", "arm64"],
        "ubuntu",
    ),
    ("amazon-linux-2023", "137112412989", "al2023-ami-2023.*-{arch}", ["x86_64", "arm64"], "ec2-user"),
];

impl Image {
    /// This very image.
    pub fn id(id: impl Into<ImageId>) -> Self {
        Self::Id(id.into())
    }

    /// The newest image of a well-known publisher: `debian-12`, `debian-13`, `ubuntu-22.04`, `ubuntu-24.04`,
    /// `amazon-linux-2023`.
    pub fn public(name: impl Into<String>) -> Self {
        Self::Public(name.into())
    }

    /// The image in this file, uploaded and registered when the deployment starts, unless it was before.
    pub fn file(path: impl Into<std::path::PathBuf>) -> Self {
        Self::File(ImageFile::new(path))
    }

    /// The newest of the account's own images whose name matches `pattern`.
    pub fn own(pattern: impl Into<String>, architecture: Architecture) -> Self {
        Self::Newest(ImageQuery { owner: Owner::own(), name: pattern.into(), architecture })
    }

    /// The short names that [`Image::public`] knows.
    pub fn public_names() -> impl Iterator<Item = &'static str> {
        PUBLISHERS.iter().map(|(name, ..)| *name)
    }

    /// The user that one logs in as on a public image.
    #[must_use]
    pub fn public_user(name: &str) -> Option<&'static str> {
        PUBLISHERS.iter().find(|(known, ..)| *known == name).map(|(.., user)| *user)
    }

    /// The query behind a public name.
    #[must_use]
    pub fn public_query(name: &str, architecture: Architecture) -> Option<ImageQuery> {
        let (_, owner, pattern, words, _) = PUBLISHERS.iter().find(|(known, ..)| *known == name)?;
        let word = match architecture {
            Architecture::X86_64 => words[0],
            Architecture::Arm64 => words[1],
        };
        Some(ImageQuery {
            owner: Owner((*owner).to_owned()),
            name: pattern.replace("{arch}", word),
            architecture,
        })
    }
}

impl From<&RegisteredImage> for Image {
    fn from(image: &RegisteredImage) -> Self {
        Self::Id(image.id.clone())
    }
}

impl From<RegisteredImage> for Image {
    fn from(image: RegisteredImage) -> Self {
        Self::Id(image.id)
    }
}

/// What a registry knows of an image.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RegisteredImage {
    /// Its id.
    pub id: ImageId,
    /// Its name.
    pub name: String,
    /// Its owner's account.
    pub owner: String,
    /// `available`, `pending`, `failed`, …
    pub state: String,
    /// Its architecture, in EC2's word.
    pub architecture: String,
    /// The device of the root volume, such as `/dev/xvda`.
    pub root_device: Option<String>,
    /// The snapshots behind its volumes.
    pub snapshots: Vec<SnapshotId>,
    /// When it was made.
    pub created_at: Option<Timestamp>,
    /// From when on it is not to be used any more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deprecated_at: Option<Timestamp>,
    /// Its tags.
    pub tags: Tags,
}
