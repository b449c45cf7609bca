//! The steps of a publication.

use std::collections::BTreeSet;

use ec2_stories_core::image::ImageSource;
use ec2_stories_core::model::{ImageId, Region, RegisteredImage};
use ec2_stories_core::provider::{ImageRegistry, UploadProgress, UploadedImage};
use ec2_stories_core::{Error, ErrorKind, Result};
use tokio::sync::watch;

use super::remove::remove_copies;
use super::{Copy, Inner, Publication, Stage};
use crate::Ec2;
use crate::images::published_as;

pub(super) async fn run(
    inner: &Inner,
    source: &ImageSource,
    progress: &watch::Sender<UploadProgress>,
) -> Result<Publication> {
    let content_hash = source.content_hash().await?;
    let mut publication = begin(inner, content_hash).await?;
    let image = register(inner, source, progress, &mut publication).await?;
    if let Some(before) = publication.image().map(|before| before.id.clone()).filter(|id| *id != image.id) {
        begin_anew(inner, before, &mut publication).await?;
    }
    publication.own.image = Some(image.clone());
    publication.stage = Stage::Sharing;
    inner.journal.write(&publication).await?;
    finish(inner, &inner.ec2, &mut publication.own).await?;
    for region in &inner.copy_to {
        copy(inner, &image, region, &mut publication).await?;
    }
    publication.stage = Stage::Published;
    inner.journal.write(&publication).await?;
    Ok(publication)
}

/// What is known of an earlier run for the same content.
async fn begin(inner: &Inner, content_hash: String) -> Result<Publication> {
    let earlier = inner.journal.read().await?;
    if let Some(earlier) = earlier {
        if earlier.content_hash == content_hash {
            return Ok(earlier);
        }
        if is_there(inner, &earlier).await? {
            let why = "another file was published under this name; take a new name, or remove that first";
            return Err(Error::new(ErrorKind::Conflict, why).during("publish").on(&inner.spec.name));
        }
        // Its image was never registered, or removed since: nothing of it is worth keeping.
        super::remove::remove(inner).await?;
    }
    Ok(Publication {
        name: inner.spec.name.clone(),
        region: inner.ec2.region(),
        content_hash,
        stage: Stage::Uploading,
        uploaded: None,
        own: Copy::default(),
        copies: std::collections::BTreeMap::new(),
    })
}

/// Whether the image of an earlier run is still there.
async fn is_there(inner: &Inner, earlier: &Publication) -> Result<bool> {
    match earlier.image() {
        Some(image) => Ok(inner.ec2.get_image(&image.id).await?.is_some()),
        None => Ok(false),
    }
}

/// The image: the one that has the name and the content, else one that is made of the upload.
async fn register(
    inner: &Inner,
    source: &ImageSource,
    progress: &watch::Sender<UploadProgress>,
    publication: &mut Publication,
) -> Result<RegisteredImage> {
    let (ec2, spec) = (&inner.ec2, &inner.spec);
    if let Some(image) = published_as(ec2, spec, &publication.content_hash).await? {
        let total = source.bytes();
        progress.send_replace(UploadProgress { acknowledged: total, total });
        return Ok(image);
    }
    if let Some(uploaded) = publication.uploaded.clone() {
        publication.stage = Stage::Registering;
        inner.journal.write(publication).await?;
        match ec2.register(&uploaded, spec).await {
            // The upload was deleted since.
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            result => return result,
        }
    }
    publication.stage = Stage::Uploading;
    publication.uploaded = None;
    inner.journal.write(publication).await?;
    let uploaded = upload(inner, source, progress, publication).await?;
    publication.stage = Stage::Registering;
    publication.uploaded = Some(uploaded.clone());
    inner.journal.write(publication).await?;
    ec2.register(&uploaded, spec).await
}

/// The image was taken away and made anew: what was done to the old one was not done to this one, and the old one's copies have
/// the names that its own are to have.
async fn begin_anew(inner: &Inner, before: ImageId, publication: &mut Publication) -> Result<()> {
    let before = BTreeSet::from([before]);
    for region in &inner.copy_to {
        remove_copies(inner, publication, &before, region).await?;
        publication.copies.remove(&region.to_string());
    }
    publication.own = Copy::default();
    Ok(())
}

async fn upload(
    inner: &Inner,
    source: &ImageSource,
    progress: &watch::Sender<UploadProgress>,
    publication: &Publication,
) -> Result<UploadedImage> {
    let uploaded = inner.uploader.upload(source, progress.clone()).await?;
    if uploaded.content_hash != publication.content_hash {
        let why = "the file changed while it was published; run it again when nothing writes to it";
        let path = source.path().display().to_string();
        return Err(Error::new(ErrorKind::Conflict, why).during("publish").on(path));
    }
    Ok(uploaded)
}

async fn copy(
    inner: &Inner,
    image: &RegisteredImage,
    region: &Region,
    publication: &mut Publication,
) -> Result<()> {
    let key = region.to_string();
    publication.stage = Stage::Copying(region.clone());
    publication.copies.entry(key.clone()).or_default();
    inner.journal.write(publication).await?;
    let made = match inner.copy_keys.get(region) {
        Some(key) => inner.ec2.copy_encrypted(&image.id, region, key).await?,
        None => inner.ec2.copy(&image.id, region).await?,
    };
    let copy = publication.copies.entry(key).or_default();
    if copy.image.as_ref().is_none_or(|image| image.id != made.id) {
        *copy = Copy { image: Some(made), ..Copy::default() };
        inner.journal.write(publication).await?;
    }
    let copy = publication.copies.entry(region.to_string()).or_default();
    finish(inner, &inner.ec2.in_region(region), copy).await?;
    inner.journal.write(publication).await
}

/// Shares an image and says when it ends, as far as that was not done.
async fn finish(inner: &Inner, ec2: &Ec2, copy: &mut Copy) -> Result<()> {
    let Some(image) = &copy.image else { return Ok(()) };
    let missing: Vec<String> =
        inner.share.iter().filter(|account| !copy.shared.contains(account)).cloned().collect();
    if !missing.is_empty() {
        ec2.share(&image.id, &missing).await?;
        copy.shared.extend(missing);
    }
    if let Some(at) = inner.deprecate_at
        && copy.deprecated_at != Some(at)
    {
        ec2.deprecate(&image.id, at).await?;
        copy.deprecated_at = Some(at);
    }
    Ok(())
}
