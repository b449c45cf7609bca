//! `ec2-stories image remove`

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use ec2_stories::ec2::{Publication, Publish};
use ec2_stories::image::{COPY_TAG, Encryption, ImageSource, ImageSpec};
use ec2_stories::model::{Region, RegisteredImage};
use ec2_stories::provider::{ImageRegistry, ImageUploader, TupleStore};
use ec2_stories::terminal::{note, say};
use ec2_stories::{Error, ErrorKind};

use super::args::{At, RemoveArgs, in_flags};
use super::place::{Place, services};
use super::uploader::{Uploader, Way};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::render;

/// S3 says so of what no bucket can be called.
const NO_NAME: &str = "InvalidBucketName";

/// What was removed.
#[derive(Debug, Default)]
struct Removed {
    images: Vec<String>,
    /// The contents of which the uploaded object is not needed any more.
    contents: BTreeSet<String>,
}

pub(super) async fn run(at: At, args: RemoveArgs) -> Result<Exit, Failure> {
    let place = Place::open_lasting(&at, services(args.bucket.is_some())).await?;
    let journal = match (&args.file, &args.journal) {
        (None, None) => None,
        (Some(file), folder) => Some(place.journal(file, folder.as_deref())?),
        (None, Some(folder)) => Some(place.journal(folder, Some(folder))?),
    };
    let mut removed = Removed::default();
    if let (Some(file), Some(journal)) = (&args.file, &journal) {
        let uploader = Uploader::new(way(&args), &place.ec2, &place.s3, journal.clone());
        let aborted = async { uploader.abort(&ImageSource::open(file)?).await };
        aborted.await.map_err(|error| without_file(&error, file, args.journal.as_deref()))?;
    }
    let published = place.ec2.published().await?;
    for wanted in &args.images {
        let found = published.iter().find(|image| image.name == *wanted || image.id.as_str() == wanted);
        if let Some(image) = found {
            remove(&place, image, &args.copies_in, &mut removed).await?;
        }
        let name = found.map_or(wanted, |image| &image.name);
        let forgotten = match &journal {
            Some(journal) => forget(&place, &args, journal, name, &mut removed).await?,
            None => false,
        };
        if found.is_some() && !forgotten && args.copies_in.is_empty() {
            note(format_args!(
                "{name}: copies that other regions have of it stay: --copies-in REGION removes them"
            ));
        }
        if found.is_none() && !forgotten {
            note(format_args!("{wanted}: no such image was made of a file"));
        }
    }
    if let Some(bucket) = &args.bucket {
        for content in &removed.contents {
            place.s3.bucket(bucket).delete(&format!("images/{content}")).await?;
        }
    }
    if at.json {
        say(render::json(&serde_json::json!({ "removed": removed.images }))?);
    } else {
        removed.images.iter().for_each(say);
    }
    Ok(Exit::Done)
}

/// Removes an image, its snapshots and its copies. The copies go first: they are found by the image's id.
async fn remove(
    place: &Place,
    image: &RegisteredImage,
    regions: &[Region],
    removed: &mut Removed,
) -> Result<(), Failure> {
    let origin = format!("{}/{}", place.ec2.region(), image.id);
    for region in regions {
        let there = place.ec2.in_region(region);
        let copies = there.published().await?;
        for copy in copies.iter().filter(|copy| copy.tags.get(COPY_TAG) == Some(&origin)) {
            there.deregister(&copy.id).await?;
            removed.images.push(format!("{} in {region}", copy.id));
        }
    }
    place.ec2.deregister(&image.id).await?;
    removed.images.push(image.id.to_string());
    removed.contents.extend(image.content_hash().map(str::to_owned));
    Ok(())
}

/// Removes what the journal knows of a publication, finished or not. Says whether it knew any.
async fn forget(
    place: &Place,
    args: &RemoveArgs,
    journal: &Arc<dyn TupleStore>,
    name: &str,
    removed: &mut Removed,
) -> Result<bool, Failure> {
    let publish = |way| {
        Publish::builder()
            .ec2(place.ec2.clone())
            .uploader(Arc::new(Uploader::new(way, &place.ec2, &place.s3, journal.clone())))
            .journal(journal.clone())
            .spec(ImageSpec::named(name))
            .copy_to(args.copies_in.clone())
            .build()
            .map_err(in_flags)
    };
    let Some(publication) = publish(way(args))?.state().await? else { return Ok(false) };
    let (candidates, way) = match (&args.bucket, bucket_of(&publication), &publication.uploaded) {
        (None, Some(bucket), _) => (Vec::new(), Way::Bucket(bucket)),
        // Cut off while it uploaded, or it needed no upload: it may be any of those.
        (None, None, None) => (Uploader::buckets(&**journal).await?, way(args)),
        _ => (Vec::new(), way(args)),
    };
    if matches!(way, Way::Bucket(_)) && args.bucket.is_none() || !candidates.is_empty() {
        place.also(&["S3"])?;
    }
    for bucket in candidates {
        let uploader = Uploader::new(Way::Bucket(bucket.clone()), &place.ec2, &place.s3, journal.clone());
        match uploader.remove(&publication.content_hash).await {
            // A name that was mistyped may be somebody else's bucket: what it refuses stands in no removal's way.
            Err(error) if error.kind() == ErrorKind::Forbidden || error.api_code() == Some(NO_NAME) => {
                note(format_args!(
                    "s3://{bucket}: not looked at for what the upload left: {}",
                    error.chain()
                ));
            }
            looked => looked?,
        }
    }
    publish(way)?.remove().await?;
    let made = publication.image().map(|image| image.id.to_string());
    let copies = publication
        .copies
        .iter()
        .filter_map(|(region, copy)| copy.image.as_ref().map(|image| format!("{} in {region}", image.id)));
    for id in copies.chain(made) {
        if !removed.images.contains(&id) {
            removed.images.push(id);
        }
    }
    removed.contents.insert(publication.content_hash);
    Ok(true)
}

/// A file that is another one now, or gone, says nothing of its upload any more; the journal does.
fn without_file(error: &Error, file: &Path, journal: Option<&Path>) -> Failure {
    let journal = journal.map_or_else(|| Place::journal_of(file), Path::to_owned);
    let why =
        format!("{}; without the file: --journal '{}' instead of --file", error.chain(), journal.display());
    Failure::new(Exit::Failed, why)
}

/// The bucket that its file was uploaded to.
fn bucket_of(publication: &Publication) -> Option<String> {
    let object = publication.uploaded.as_ref()?.location.strip_prefix("s3://")?;
    Some(object.split('/').next()?.to_owned())
}

fn way(args: &RemoveArgs) -> Way {
    args.bucket.clone().map_or(Way::Direct(Encryption::DefaultKey), Way::Bucket)
}
