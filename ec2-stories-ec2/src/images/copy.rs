//! Copies in other regions.

use aws_sdk_ec2::types as sdk;
use aws_sdk_ec2::types::ImageState;
use ec2_stories_core::image::{COPY_TAG, Encryption};
use ec2_stories_core::model::{ImageId, Region, RegisteredImage, Tags};
use ec2_stories_core::{Error, ErrorKind, Result};

use super::{deregister, find, snapshots, token, wait};
use crate::Ec2;
use crate::api::{Api, Call};
use crate::convert;
use crate::tags::specification;

/// Copies of an image that failed, each of which uses up a token.
const MOST_FAILURES: usize = 5;

/// `key` encrypts the copy; without one it is encrypted, with that region's default key, where the image is.
pub(super) async fn copy(ec2: &Ec2, id: &ImageId, to: &Region, key: Option<&str>) -> Result<RegisteredImage> {
    let encryption = key.map(|key| Encryption::Key(key.to_owned()));
    if let Some(encryption) = &encryption {
        encryption.check("key")?;
    }
    let from = ec2.region();
    let failed = |kind, why: &str| Error::new(kind, why).during("copy").on(id.as_str());
    let Some(image) = find::by_id(ec2.api(), id).await?.as_ref().and_then(convert::image) else {
        return Err(failed(ErrorKind::NotFound, "does not exist"));
    };
    if *to == from {
        return Err(failed(ErrorKind::Invalid, "to: is the region that the image is in"));
    }
    let there = ec2.in_region(to);
    let origin = format!("{from}/{id}");
    let mut ended = Vec::new();
    while ended.len() < MOST_FAILURES {
        let found = find::tagged(there.api(), COPY_TAG, &origin).await?;
        let live = found.iter().find(|copy| {
            matches!(copy.state(), Some(ImageState::Available | ImageState::Pending | ImageState::Transient))
        });
        let copy = match live.and_then(sdk::Image::image_id) {
            Some(copy) => copy.into(),
            None => start(there.api(), &image, &from, to, &origin, (key, &ended)).await?,
        };
        match wait::available(there.api(), &copy).await {
            // The token led to a copy that was made before, and is gone.
            Err(error) if error.kind() == ErrorKind::NotFound => ended.push(copy),
            Err(error) if error.kind() == ErrorKind::Failed => {
                deregister::deregister(there.api(), &copy).await?;
                return Err(error.during(format!("copy to {to}")));
            }
            Ok(copy) => {
                if let Some(encryption) = &encryption {
                    check_key(there.api(), &copy, encryption).await?;
                }
                return Ok(copy);
            }
            Err(error) => return Err(error),
        }
    }
    Err(failed(ErrorKind::Failed, "each copy was deregistered"))
}

/// A copy that was made before may have another key.
async fn check_key(api: &Api, copy: &RegisteredImage, wanted: &Encryption) -> Result<()> {
    for id in &copy.snapshots {
        let Some(snapshot) = snapshots::by_id(api, id).await? else { continue };
        if !wanted.is_met_by(snapshot.encrypted().unwrap_or(false), snapshot.kms_key_id()) {
            let why = "is a copy that is encrypted otherwise; deregister it, or ask for no other key";
            return Err(Error::new(ErrorKind::Conflict, why).during("copy").on(copy.id.as_str()));
        }
    }
    Ok(())
}

/// The copies that the image of another region has here.
pub(crate) async fn copies_of(ec2: &Ec2, from: &Region, id: &ImageId) -> Result<Vec<ImageId>> {
    let found = find::tagged(ec2.api(), COPY_TAG, &format!("{from}/{id}")).await?;
    Ok(found.into_iter().filter_map(|copy| copy.image_id).map(ImageId::new).collect())
}

async fn start(
    api: &Api,
    image: &RegisteredImage,
    from: &Region,
    to: &Region,
    origin: &str,
    (key, ended): (Option<&str>, &[ImageId]),
) -> Result<ImageId> {
    let mut words = vec!["copy", origin, to.as_str()];
    words.extend(key);
    words.extend(ended.iter().map(ImageId::as_str));
    let own = |(key, _): &(&str, &str)| !key.starts_with("aws:");
    let tags: Tags = image.tags.iter().filter(own).chain([(COPY_TAG, origin)]).collect();
    let request = api
        .client
        .copy_image()
        .client_token(token(&words))
        .name(&image.name)
        .description(format!("ec2-stories: copy of {origin}"))
        .source_image_id(image.id.as_str())
        .source_region(from.as_str())
        .set_encrypted(key.map(|_| true))
        .set_kms_key_id(key.map(ToOwned::to_owned))
        .tag_specifications(specification(sdk::ResourceType::Image, &tags))
        .tag_specifications(specification(sdk::ResourceType::Snapshot, &tags));
    let reply = api.call(Call::changing("CopyImage"), request.send()).await;
    let reply = reply.map_err(|error| error.on(image.id.as_str()))?;
    let id = reply.image_id().ok_or_else(|| Error::new(ErrorKind::Unexpected, "the reply has no image id"));
    id.map(Into::into)
}
