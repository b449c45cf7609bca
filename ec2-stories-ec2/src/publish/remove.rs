//! Taking a publication down.

use std::collections::BTreeSet;
use std::time::Duration;

use ec2_stories_core::Result;
use ec2_stories_core::model::{ImageId, Region};
use ec2_stories_core::provider::ImageRegistry;

use super::{Inner, Publication, Stage};
use crate::images::{abandon_content, copies_of, named_with_content};

/// For how long EC2 may not show what was made by a process that died a moment ago: it would be taken for never made.
const UNSEEN: Duration = Duration::from_secs(10);

/// What was intended counts as made: a process may have died before it could write what came of it.
pub(super) async fn remove(inner: &Inner) -> Result<()> {
    let Some(publication) = inner.journal.read().await? else { return Ok(()) };
    let ec2 = &inner.ec2;
    if matches!(publication.stage, Stage::Registering | Stage::Copying(_)) {
        tokio::time::sleep(UNSEEN).await;
    }
    // Where the image was made anew, the journal may still have the old one.
    let named = named_with_content(ec2, &publication.name, &publication.content_hash).await?;
    let noted = publication.image().map(|image| image.id.clone());
    let images: BTreeSet<ImageId> = noted.into_iter().chain(named).collect();
    let regions: BTreeSet<String> =
        publication.copies.keys().cloned().chain(inner.copy_to.iter().map(Region::to_string)).collect();
    for region in regions {
        remove_copies(inner, &publication, &images, &Region::new(&region)).await?;
    }
    for image in images {
        ec2.deregister(&image).await?;
    }
    abandon_content(ec2, &publication.content_hash).await?;
    inner.uploader.remove(&publication.content_hash).await?;
    inner.journal.remove().await
}

/// Removes the copies that a region has of these images, and the one that is noted.
pub(super) async fn remove_copies(
    inner: &Inner,
    publication: &Publication,
    images: &BTreeSet<ImageId>,
    region: &Region,
) -> Result<()> {
    let there = inner.ec2.in_region(region);
    let noted = publication.copies.get(&region.to_string()).and_then(|copy| copy.image.as_ref());
    let mut copies: BTreeSet<ImageId> = noted.map(|image| image.id.clone()).into_iter().collect();
    for image in images {
        copies.extend(copies_of(&there, &publication.region, image).await?);
    }
    for copy in copies {
        there.deregister(&copy).await?;
    }
    Ok(())
}
