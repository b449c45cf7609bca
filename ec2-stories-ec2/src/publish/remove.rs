//! Taking a publication down.

use std::collections::BTreeSet;

use ec2_stories_core::Result;
use ec2_stories_core::model::Region;
use ec2_stories_core::provider::ImageRegistry;

use super::Inner;
use crate::images::{abandon_content, copies_of, named_with_content};

/// What was intended counts as made: a process may have died before it could write what came of it.
pub(super) async fn remove(inner: &Inner) -> Result<()> {
    let Some(publication) = inner.journal.read().await? else { return Ok(()) };
    let ec2 = &inner.ec2;
    let image = match publication.image() {
        Some(image) => Some(image.id.clone()),
        None => named_with_content(ec2, &publication.name, &publication.content_hash).await?,
    };
    if let Some(image) = image {
        let regions: BTreeSet<String> =
            publication.copies.keys().cloned().chain(inner.copy_to.iter().map(Region::to_string)).collect();
        for region in regions {
            let there = ec2.in_region(&Region::new(&region));
            for copy in copies_of(&there, &publication.region, &image).await? {
                there.deregister(&copy).await?;
            }
        }
        ec2.deregister(&image).await?;
    }
    abandon_content(ec2, &publication.content_hash).await?;
    inner.journal.remove().await
}
