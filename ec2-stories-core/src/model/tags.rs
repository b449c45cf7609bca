//! Tags of a resource.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{Error, Result};

/// Tags of a resource, in the order of their keys.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Tags(BTreeMap<String, String>);

impl Tags {
    /// The prefix of the family's own keys, which descriptions may not use.
    pub const OWN_PREFIX: &str = "ec2-stories:";

    /// No tags.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds or replaces a tag.
    #[must_use]
    pub fn with(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        self.0.insert(key.into(), value.into());
        self
    }

    /// Adds or replaces a tag.
    pub fn insert(&mut self, key: impl Into<String>, value: impl Into<String>) {
        self.0.insert(key.into(), value.into());
    }

    /// The value under `key`.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key).map(String::as_str)
    }

    /// Adds all of `other`; its values win.
    #[must_use]
    pub fn merged(mut self, other: &Tags) -> Self {
        self.0.extend(other.iter().map(|(k, v)| (k.to_owned(), v.to_owned())));
        self
    }

    /// All tags.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(k, v)| (k.as_str(), v.as_str()))
    }

    /// How many.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Checks a user's tags against EC2's rules: key 1 to 127 characters, value at most 255, `aws:` reserved,
    /// our own prefix reserved, at most 40 beside ours
    /// (<https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/Using_Tags.html#tag-restrictions>).
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`](crate::ErrorKind::Invalid), naming `field` and the key.
    pub fn check(&self, field: &str) -> Result<()> {
        if self.len() > 40 {
            return Err(Error::invalid(field, "at most 40 tags"));
        }
        for (key, value) in self.iter() {
            let why = if key.is_empty() || key.chars().count() > 127 {
                "a key has 1 to 127 characters"
            } else if value.chars().count() > 255 {
                "a value has at most 255 characters"
            } else if key.to_ascii_lowercase().starts_with("aws:") {
                "the prefix aws: is reserved by AWS"
            } else if key.starts_with(Self::OWN_PREFIX) {
                "the prefix ec2-stories: is the family's own"
            } else {
                continue;
            };
            return Err(Error::invalid(format!("{field}.{key}"), why));
        }
        Ok(())
    }
}

impl<K: Into<String>, V: Into<String>> FromIterator<(K, V)> for Tags {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(tags: I) -> Self {
        Self(tags.into_iter().map(|(k, v)| (k.into(), v.into())).collect())
    }
}
