//! CreateTags, DeleteTags, DescribeTags.

use crate::ctx::Ctx;
use crate::filter::{Field, Filterable, matching, value};
use crate::page;
use crate::state::Cloud;
use crate::state::instance::Instance;
use crate::state::tags::check_metadata_keys;
use crate::wire::ApiError;
use crate::wire::generated::ec2::{
    CreateTagsRequest, CreateTagsResponse, DeleteTagsRequest, DeleteTagsResponse, DescribeTagsRequest,
    DescribeTagsResponse, Tag, TagDescription,
};

/// Tags all resources or none.
pub(crate) fn create_tags(
    cloud: &mut Cloud,
    ctx: &Ctx,
    req: CreateTagsRequest,
) -> Result<CreateTagsResponse, ApiError> {
    for id in &req.resources {
        known(cloud, ctx, id)?;
    }
    let shown = req.resources.iter().filter_map(|id| cloud.instances.get(id)).any(Instance::shows_its_tags);
    if shown {
        check_metadata_keys(req.tags.iter().filter_map(|tag| tag.key.as_deref()))?;
    }
    let mut changed = cloud.tags.clone();
    for id in &req.resources {
        changed.set(id, &req.tags)?;
    }
    cloud.tags = changed;
    Ok(CreateTagsResponse::default())
}

pub(crate) fn delete_tags(
    cloud: &mut Cloud,
    ctx: &Ctx,
    req: DeleteTagsRequest,
) -> Result<DeleteTagsResponse, ApiError> {
    for id in &req.resources {
        known(cloud, ctx, id)?;
    }
    for id in &req.resources {
        cloud.tags.delete(id, &req.tags);
    }
    Ok(DeleteTagsResponse::default())
}

pub(crate) fn describe_tags(
    cloud: &mut Cloud,
    ctx: &Ctx,
    req: DescribeTagsRequest,
) -> Result<DescribeTagsResponse, ApiError> {
    page::check_size(req.max_results, 5, 1000)?;
    let indexed = |id: &str| cloud.instances.get(id).is_none_or(|instance| instance.indexed_at <= ctx.now);
    let all = cloud.tags.all().filter(|(id, _)| indexed(id)).flat_map(|(id, tags)| {
        tags.iter().map(move |(key, value)| TagDescription {
            key: Some(key.clone()),
            value: Some(value.clone()),
            resource_id: Some(id.to_owned()),
            resource_type: Some(resource_type(id).to_owned()),
        })
    });
    let found = matching(all, &req.filters)?;
    let key = |tag: &TagDescription| {
        format!(
            "{} {}",
            tag.resource_id.as_deref().unwrap_or_default(),
            tag.key.as_deref().unwrap_or_default()
        )
    };
    let (tags, next_token) = page::cut(found, key, req.max_results, req.next_token.as_deref())?;
    Ok(DescribeTagsResponse { tags, next_token })
}

/// Source: "Error codes for the Amazon EC2 API": each resource has its own code; InvalidID for what is no id at all.
fn known(cloud: &Cloud, ctx: &Ctx, id: &str) -> Result<(), ApiError> {
    match resource_type(id) {
        "instance" => cloud.instances.known(&[id.to_owned()], ctx.now),
        "volume" => cloud.volumes.known(id, ctx.now).map(drop),
        "security-group" => cloud.network.security_group(id).map(drop),
        "security-group-rule" => cloud.network.rule(id).map(drop),
        "subnet" => cloud.network.subnet(id).map(drop),
        "vpc" => cloud.network.vpc(id).map(drop),
        "image" => cloud.images.known(id, &ctx.account, ctx.now).map(drop),
        "snapshot" => cloud.snapshots.known(id, &ctx.account, ctx.now).map(drop),
        "import-snapshot-task" => cloud.imports.known(id, ctx.now).map(drop),
        "key-pair" => cloud.keys.get_by_id(id).map(drop),
        "launch-template" => cloud.templates.get(id).map(drop),
        "fleet" => cloud.fleets.get(id).map(drop),
        "spot-instances-request" => cloud.spot.known(&[id.to_owned()]),
        "network-interface" => cloud.network.interface(id).map(drop).ok_or_else(|| {
            let message = format!("The networkInterface ID '{id}' does not exist");
            ApiError::new("InvalidNetworkInterfaceID.NotFound", message)
        }),
        _ => Err(ApiError::new("InvalidID", format!("The ID '{id}' is not valid"))),
    }
}

/// Source: API reference, TagDescription, ResourceType; prefixes from the EC2 user guide, "Resource IDs".
pub(crate) fn resource_type(id: &str) -> &'static str {
    match id.split('-').next().unwrap_or_default() {
        "i" => "instance",
        "vol" => "volume",
        "sg" => "security-group",
        "sgr" => "security-group-rule",
        "subnet" => "subnet",
        "vpc" => "vpc",
        "ami" => "image",
        "key" => "key-pair",
        "lt" => "launch-template",
        "fleet" => "fleet",
        "sir" => "spot-instances-request",
        "eni" => "network-interface",
        "snap" => "snapshot",
        "import" => "import-snapshot-task",
        _ => "unknown",
    }
}

/// Source: DescribeTags, parameter Filter.N: `key`, `resource-id`, `resource-type`, `tag:KEY`, `value`.
impl Filterable for TagDescription {
    const FIELDS: &'static [Field<Self>] = &[
        ("key", |tag| value(&tag.key)),
        ("resource-id", |tag| value(&tag.resource_id)),
        ("resource-type", |tag| value(&tag.resource_type)),
        ("value", |tag| value(&tag.value)),
    ];
    const TAGGED: bool = false;

    fn tags(&self) -> Option<&[Tag]> {
        None
    }
}
