//! Tags and the filters that look for them.

use aws_sdk_ec2::types::{Filter, ResourceType, Tag, TagSpecification};
use ec2_stories_core::model::{Name, OwnedBy, Tags};

/// The tags of one kind of resource, in the call that makes it.
pub(crate) fn specification(resource: ResourceType, tags: &Tags) -> TagSpecification {
    let tags = tags.iter().map(|(key, value)| Tag::builder().key(key).value(value).build()).collect();
    TagSpecification::builder().resource_type(resource).set_tags(Some(tags)).build()
}

/// Tags as EC2 returns them.
pub(crate) fn tags(tags: &[Tag]) -> Tags {
    tags.iter().filter_map(|tag| Some((tag.key()?, tag.value().unwrap_or_default()))).collect()
}

pub(crate) fn filter(name: impl Into<String>, value: impl Into<String>) -> Filter {
    Filter::builder().name(name).values(value).build()
}

/// The name of what belongs to a fleet. A name of ours has no dot, so that no other fleet of any deployment shares it;
/// EC2 takes dots in the names of groups and of key pairs
/// (<https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateSecurityGroup.html>).
pub(crate) fn shared_name(deployment: &Name, fleet: &Name) -> String {
    format!("ec2-stories.{deployment}.{fleet}")
}

/// Whether it carries the deployment's tag. Nothing is ever deleted without.
pub(crate) fn is_owned_by(deployment: &Name, theirs: &[Tag]) -> bool {
    let owned = OwnedBy::deployment(deployment);
    let (key, value) = owned.tag();
    theirs.iter().any(|tag| tag.key() == Some(key) && tag.value() == Some(value))
}

/// What belongs to a deployment. Nothing is ever listed without this filter.
pub(crate) fn owned_by(deployment: &Name) -> Filter {
    let owned = OwnedBy::deployment(deployment);
    let (key, value) = owned.tag();
    filter(format!("tag:{key}"), value)
}
