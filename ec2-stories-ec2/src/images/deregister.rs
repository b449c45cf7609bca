//! Removing an image with its snapshots.

use ec2_stories_core::model::ImageId;
use ec2_stories_core::{Error, ErrorKind, Result};

use super::{find, snapshots};
use crate::api::{Api, Call};
use crate::convert;

/// Removes the image and its snapshots. EC2 does both in one call, so that a reply that was lost loses no snapshot; what
/// that call could not delete is deleted after it.
pub(super) async fn deregister(api: &Api, id: &ImageId) -> Result<()> {
    let Some(image) = find::by_id(api, id).await?.as_ref().and_then(convert::image) else { return Ok(()) };
    let request = api.client.deregister_image().image_id(id.as_str()).delete_associated_snapshots(true);
    match api.call(Call::changing("DeregisterImage"), request.send()).await {
        Err(error) if is_protected(&error) => {
            let why = "is protected; turn that off first: aws ec2 disable-image-deregistration-protection --image-id";
            let message = format!("{why} {id}");
            return Err(Error::new(ErrorKind::Forbidden, message)
                .during("deregister")
                .on(id.as_str())
                .because(error));
        }
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(error.on(id.as_str())),
        _ => {}
    }
    for snapshot in &image.snapshots {
        if snapshots::by_id(api, snapshot).await?.is_some() {
            snapshots::delete(api, snapshot).await?;
        }
    }
    Ok(())
}

/// Removes the image alone: its snapshots are to serve another.
pub(super) async fn only(api: &Api, id: &ImageId) -> Result<()> {
    let request = api.client.deregister_image().image_id(id.as_str());
    match api.call(Call::changing("DeregisterImage"), request.send()).await {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(error.on(id.as_str())),
        _ => Ok(()),
    }
}

fn is_protected(error: &Error) -> bool {
    error.message().contains("deregistration protection")
        || error.message().contains("DeregistrationProtection")
}
