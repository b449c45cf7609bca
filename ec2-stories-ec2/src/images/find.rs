//! Finding images.

use aws_sdk_ec2::types as sdk;
use ec2_stories_core::image::CONTENT_TAG;
use ec2_stories_core::model::{ImageId, ImageQuery, RegisteredImage};
use ec2_stories_core::{ErrorKind, Result};

use crate::api::{Api, Call};
use crate::convert;
use crate::tags::filter;

/// Most images in one page (<https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeImages.html>).
const PAGE: i32 = 1_000;

/// The account that asks.
const SELF: &str = "self";

/// The newest available image that matches.
pub(super) async fn newest(api: &Api, query: &ImageQuery) -> Result<Option<RegisteredImage>> {
    let filters = vec![
        filter("name", &query.name),
        filter("architecture", query.architecture.as_str()),
        filter("state", "available"),
    ];
    let found = list(api, &query.owner.0, filters).await?;
    Ok(newest_first(&found).into_iter().next())
}

/// The image of this id as EC2 tells of it.
pub(super) async fn by_id(api: &Api, id: &ImageId) -> Result<Option<sdk::Image>> {
    let request = api.client.describe_images().image_ids(id.as_str());
    match api.call(Call::reading("DescribeImages"), request.send()).await {
        Ok(reply) => Ok(reply.images.unwrap_or_default().into_iter().find(exists)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error.on(id.as_str())),
    }
}

/// The own image of this name, in whatever state. A filter takes `*` and `?` for wildcards, and a name has neither.
pub(super) async fn by_name(api: &Api, name: &str) -> Result<Option<sdk::Image>> {
    Ok(list(api, SELF, vec![filter("name", name)]).await?.into_iter().next())
}

/// The own images with this tag, newest first.
pub(super) async fn tagged(api: &Api, key: &str, value: &str) -> Result<Vec<sdk::Image>> {
    let mut images = list(api, SELF, vec![filter(format!("tag:{key}"), value)]).await?;
    images.sort_by(|a, b| b.creation_date().cmp(&a.creation_date()));
    Ok(images)
}

/// The own images that this family registered, newest first.
pub(super) async fn published(api: &Api) -> Result<Vec<RegisteredImage>> {
    Ok(newest_first(&list(api, SELF, vec![filter("tag-key", CONTENT_TAG)]).await?))
}

/// The newest available own image with this content.
pub(super) async fn with_content(api: &Api, content_hash: &str) -> Result<Option<RegisteredImage>> {
    let filters = vec![filter(format!("tag:{CONTENT_TAG}"), content_hash), filter("state", "available")];
    Ok(newest_first(&list(api, SELF, filters).await?).into_iter().next())
}

/// The id breaks ties, so that everyone finds the same one.
fn newest_first(found: &[sdk::Image]) -> Vec<RegisteredImage> {
    let mut images: Vec<_> = found.iter().filter_map(convert::image).collect();
    images.sort_by(|a, b| (b.created_at, &b.id).cmp(&(a.created_at, &a.id)));
    images
}

/// One that was deregistered is still shown for a while.
fn exists(image: &sdk::Image) -> bool {
    image.state() != Some(&sdk::ImageState::Deregistered)
}

async fn list(api: &Api, owner: &str, filters: Vec<sdk::Filter>) -> Result<Vec<sdk::Image>> {
    let (mut found, mut next) = (Vec::new(), None);
    loop {
        let request = api
            .client
            .describe_images()
            .owners(owner)
            .set_filters(Some(filters.clone()))
            .max_results(PAGE)
            .set_next_token(next);
        let page = api.call(Call::reading("DescribeImages"), request.send()).await?;
        next = page.next_token().filter(|token| !token.is_empty()).map(ToOwned::to_owned);
        found.extend(page.images.unwrap_or_default().into_iter().filter(exists));
        if next.is_none() {
            return Ok(found);
        }
    }
}
