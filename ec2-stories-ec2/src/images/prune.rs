//! Removing what is old.

use std::collections::BTreeSet;

use aws_sdk_ec2::types::{Instance, Reservation};
use ec2_stories_core::image::Retention;
use ec2_stories_core::model::{ImageId, RegisteredImage};
use ec2_stories_core::provider::ImageRegistry;
use ec2_stories_core::{Error, Result};
use jiff::Timestamp;

use crate::Ec2;
use crate::api::{Api, Call};

/// Most values of one filter (<https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_Filter.html>).
const MOST_VALUES: usize = 200;

/// What a pruning may remove.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Prune {
    /// Which images are kept.
    pub retention: Retention,
    /// Whether to say what would be removed, and remove nothing.
    pub dry_run: bool,
}

/// What a pruning did.
#[derive(Debug, Default)]
pub struct Pruned {
    /// Removed with their snapshots; in a dry run, what would be.
    pub removed: Vec<RegisteredImage>,
    /// Old enough to go, but instances run that were launched from them, and their replacements will be.
    pub in_use: Vec<RegisteredImage>,
    /// Could not be removed.
    pub failed: Vec<(RegisteredImage, Error)>,
}

impl Ec2 {
    /// Removes the own images that were registered by this family and need not be kept. One that an instance was launched
    /// from is left, whatever its age.
    ///
    /// # Errors
    /// When the images or the instances cannot be listed; what fails later is in the answer.
    pub async fn prune(&self, prune: &Prune, now: Timestamp) -> Result<Pruned> {
        let images = self.published().await?;
        let excess: Vec<RegisteredImage> =
            prune.retention.excess(&images, now).into_iter().cloned().collect();
        let used = in_use(self.api(), &excess).await?;
        let mut pruned = Pruned::default();
        for image in excess {
            if used.contains(&image.id) {
                pruned.in_use.push(image);
            } else if prune.dry_run {
                pruned.removed.push(image);
            } else {
                match self.deregister(&image.id).await {
                    Ok(()) => pruned.removed.push(image),
                    Err(error) => pruned.failed.push((image, error)),
                }
            }
        }
        Ok(pruned)
    }
}

/// Which of the images instances were launched from that are not terminated.
async fn in_use(api: &Api, images: &[RegisteredImage]) -> Result<BTreeSet<ImageId>> {
    let mut used = BTreeSet::new();
    for images in images.chunks(MOST_VALUES) {
        let ids = images.iter().map(|image| image.id.to_string()).collect();
        let of_images = aws_sdk_ec2::types::Filter::builder().name("image-id").set_values(Some(ids)).build();
        let states = ["pending", "running", "stopping", "stopped"].map(ToOwned::to_owned).to_vec();
        let alive = aws_sdk_ec2::types::Filter::builder();
        let alive = alive.name("instance-state-name").set_values(Some(states)).build();
        let mut next = None;
        loop {
            let request = api
                .client
                .describe_instances()
                .filters(of_images.clone())
                .filters(alive.clone())
                .max_results(1_000)
                .set_next_token(next);
            let page = api.call(Call::reading("DescribeInstances"), request.send()).await?;
            let instances = page.reservations().iter().flat_map(Reservation::instances);
            used.extend(instances.filter_map(Instance::image_id).map(ImageId::new));
            next = page.next_token().filter(|token| !token.is_empty()).map(ToOwned::to_owned);
            if next.is_none() {
                break;
            }
        }
    }
    Ok(used)
}
