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

/// What belongs to a deployment. Nothing is ever listed without this filter.
pub(crate) fn owned_by(deployment: &Name) -> Filter {
    let owned = OwnedBy::deployment(deployment);
    let (key, value) = owned.tag();
    filter(format!("tag:{key}"), value)
}
