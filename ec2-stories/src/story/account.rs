//! The `[account]` table of a story.

use std::ops::Range;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::tree::Wrong;

/// Where credentials come from. There is no way to write them down: a story file holds no secret.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AccountSource {
    /// What the AWS command line would use: environment, profile, container and instance roles.
    #[default]
    Default,
    /// A profile of the shared configuration files.
    Profile,
    /// `AWS_ACCESS_KEY_ID` and its companions.
    Environment,
    /// A file that only its owner may read.
    SecretFile,
}

/// The account that a story is deployed to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AccountSpec {
    /// Where credentials come from.
    pub provider: AccountSource,
    /// The profile's name, for `profile`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub profile: Option<String>,
    /// The secret file, for `secret-file`; relative to the story file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path: Option<PathBuf>,
    /// The region; the provider's own where not said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    /// The ARN of a role to assume with these credentials.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub role: Option<String>,
    /// The external id that the role asks for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub external_id: Option<String>,
    /// The bucket that image files go through; without one, raw images go straight into a snapshot.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub image_bucket: Option<String>,
}

impl AccountSpec {
    /// Checks which fields go together, and makes the path relative to `folder`.
    pub(super) fn checked(
        mut self,
        span: impl Fn(&str) -> Range<usize>,
        folder: &Path,
    ) -> Result<Self, Wrong> {
        let needs = |field: &str, given: bool, wanted: bool, provider: &str| match (given, wanted) {
            (true, false) => {
                Err(Wrong::new(span(field), format!("{field} goes with provider = \"{provider}\"")))
            }
            (false, true) => Err(Wrong::new(span("provider"), format!("provider {provider} needs {field}"))),
            _ => Ok(()),
        };
        needs("path", self.path.is_some(), self.provider == AccountSource::SecretFile, "secret-file")?;
        needs("profile", self.profile.is_some(), self.provider == AccountSource::Profile, "profile")?;
        if self.external_id.is_some() && self.role.is_none() {
            return Err(Wrong::new(span("external_id"), "external_id goes with a role"));
        }
        #[cfg(feature = "s3")]
        if let Some(bucket) = &self.image_bucket
            && let Err(error) = ec2_stories_s3::BucketSpec::builder().name(bucket).build()
        {
            let why = error.message().replace("bucket.name", "[account] image_bucket");
            return Err(Wrong::new(span("image_bucket"), why));
        }
        self.path = self.path.map(|path| folder.join(path));
        Ok(self)
    }
}
