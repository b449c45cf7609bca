//! Tags of every resource, by its id.

use std::collections::BTreeMap;

use crate::wire::ApiError;
use crate::wire::generated::ec2::{Tag, TagSpecification};

/// "Tag your Amazon EC2 resources", EC2 user guide, tag restrictions: 50 a resource, keys of 128 and values of 256
/// Unicode characters, prefix `aws:` reserved.
const MAX_TAGS: usize = 50;
const MAX_KEY: usize = 128;
const MAX_VALUE: usize = 256;

#[derive(Clone, Debug, Default)]
pub(crate) struct Tags(BTreeMap<String, BTreeMap<String, String>>);

impl Tags {
    /// Adds tags to a resource, replacing values of keys that it has.
    pub(crate) fn set(&mut self, id: &str, tags: &[Tag]) -> Result<(), ApiError> {
        check(tags)?;
        let mut merged = self.0.get(id).cloned().unwrap_or_default();
        for tag in tags {
            merged.insert(key(tag), value(tag));
        }
        if merged.len() > MAX_TAGS {
            let message = "The maximum number of Tags for a resource has been reached.";
            return Err(ApiError::new("TagLimitExceeded", message));
        }
        if !merged.is_empty() {
            self.0.insert(id.to_owned(), merged);
        }
        Ok(())
    }

    pub(crate) fn get(&self, id: &str) -> Vec<Tag> {
        let tags = self.0.get(id).into_iter().flatten();
        tags.map(|(key, value)| Tag { key: Some(key.clone()), value: Some(value.clone()) }).collect()
    }

    /// A resource's tags as pairs.
    pub(crate) fn pairs(&self, id: &str) -> BTreeMap<String, String> {
        self.0.get(id).cloned().unwrap_or_default()
    }

    /// Takes tags off a resource: those of the given keys, where a value given must match; all when none is given.
    ///
    /// Source: DeleteTags, parameter Tag.N.
    pub(crate) fn delete(&mut self, id: &str, which: &[Tag]) {
        let Some(tags) = self.0.get_mut(id) else { return };
        if which.is_empty() {
            tags.clear();
        }
        for tag in which {
            let key = key(tag);
            if tag.value.as_ref().is_none_or(|value| tags.get(&key) == Some(value)) {
                tags.remove(&key);
            }
        }
    }

    /// Forgets a resource that is gone.
    pub(crate) fn remove(&mut self, id: &str) {
        self.0.remove(id);
    }

    /// Every resource's tags, by id.
    pub(crate) fn all(&self) -> impl Iterator<Item = (&str, &BTreeMap<String, String>)> {
        self.0.iter().map(|(id, tags)| (id.as_str(), tags))
    }

    /// The tags that a creation call asks for on its one kind of resource.
    #[allow(clippy::wrong_self_convention)] // A conversion of the specifications, not of `self`.
    pub(crate) fn from_specifications(
        &self,
        resource_type: &str,
        specifications: &[TagSpecification],
    ) -> Result<Vec<Tag>, ApiError> {
        only(&[resource_type], specifications)?;
        tags_for(resource_type, specifications)
    }
}

/// Refuses specifications of resources that a call does not create.
pub(crate) fn only(resource_types: &[&str], specifications: &[TagSpecification]) -> Result<(), ApiError> {
    for specification in specifications {
        let found = specification.resource_type.as_deref().unwrap_or_default();
        if !resource_types.contains(&found) {
            let message = format!("'{found}' is not a valid taggable resource type for this operation.");
            return Err(ApiError::new("InvalidParameterValue", message));
        }
    }
    Ok(())
}

/// The tags asked for on one kind of resource.
pub(crate) fn tags_for(
    resource_type: &str,
    specifications: &[TagSpecification],
) -> Result<Vec<Tag>, ApiError> {
    let wanted = specifications.iter().filter(|s| s.resource_type.as_deref() == Some(resource_type));
    let tags: Vec<Tag> = wanted.flat_map(|s| s.tags.clone()).collect();
    check(&tags)?;
    Ok(tags)
}

/// Refuses keys that have no place in the metadata of an instance which shows its tags there.
///
/// Source: EC2 user guide, "View tags for your EC2 instances using instance metadata".
pub(crate) fn check_metadata_keys<'a>(keys: impl IntoIterator<Item = &'a str>) -> Result<(), ApiError> {
    let fits = |key: &str| {
        let known = |c: char| c.is_ascii_alphanumeric() || "-_+=,.@:".contains(c);
        key.chars().all(known) && !matches!(key, "." | ".." | "_index")
    };
    match keys.into_iter().find(|key| !fits(key)) {
        None => Ok(()),
        Some(key) => {
            let message = format!(
                "'{key}' is not a valid tag key. Tag keys must match pattern ([0-9a-zA-Z\\\\-_+=,.@:]{{1,255}}), and must \
                 not be a reserved name ('.', '..', '_index')"
            );
            Err(ApiError::new("InvalidParameterValue", message))
        }
    }
}

fn check(tags: &[Tag]) -> Result<(), ApiError> {
    let mut seen = std::collections::BTreeSet::new();
    for tag in tags {
        let (key, value) = (key(tag), value(tag));
        if key.is_empty() {
            return Err(ApiError::new("InvalidParameterValue", "Tag key cannot be empty"));
        }
        if key.to_ascii_lowercase().starts_with("aws:") {
            let message = format!(
                "Value ( {key} ) for parameter key is invalid. Tag keys starting with 'aws:' are reserved for internal use"
            );
            return Err(ApiError::new("InvalidParameterValue", message));
        }
        if key.chars().count() > MAX_KEY {
            let message = format!("Tag key exceeds the maximum length of {MAX_KEY} characters");
            return Err(ApiError::new("InvalidParameterValue", message));
        }
        if value.chars().count() > MAX_VALUE {
            let message = format!("Tag value exceeds the maximum length of {MAX_VALUE} characters");
            return Err(ApiError::new("InvalidParameterValue", message));
        }
        if !seen.insert(key.clone()) {
            let message = format!("Duplicate tag key '{key}' specified.");
            return Err(ApiError::new("InvalidParameterValue", message));
        }
    }
    if tags.len() > MAX_TAGS {
        return Err(ApiError::new(
            "TagLimitExceeded",
            "The maximum number of Tags for a resource has been reached.",
        ));
    }
    Ok(())
}

fn key(tag: &Tag) -> String {
    tag.key.clone().unwrap_or_default()
}

fn value(tag: &Tag) -> String {
    tag.value.clone().unwrap_or_default()
}
