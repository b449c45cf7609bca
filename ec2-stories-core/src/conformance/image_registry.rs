//! The suite for image registries.

use super::{demand, eventually, fails, succeeds, unique};
use crate::image::{Encryption, ImageSpec, image_tags};
use crate::model::{Image, ImageId, ImageQuery, Owner, Region, RegisteredImage};
use crate::provider::{ImageRegistry, UploadedImage};
use crate::{ErrorKind, Result};
use jiff::SignedDuration;

/// What the suite for [`ImageRegistry`] needs.
#[derive(Clone, Debug)]
pub struct ImageRegistryFixture {
    /// A query that finds an image of someone else.
    pub public: ImageQuery,
    /// What a registry needs that can change images; `None` for one that cannot, which then must say so.
    pub changes: Option<ImageChanges>,
}

/// What a registry needs that can change images.
#[derive(Clone, Debug)]
pub struct ImageChanges {
    /// An upload that can be registered.
    pub uploaded: UploadedImage,
    /// Another one.
    pub other: UploadedImage,
    /// An account to share with.
    pub account: String,
    /// A region to copy to.
    pub region: Region,
    /// How an image is encrypted that can be shared.
    pub encryption: Encryption,
}

/// Checks an [`ImageRegistry`].
///
/// # Panics
/// With the contract's bullet that was broken; images may be left then.
pub async fn image_registry(registry: &dyn ImageRegistry, fixture: &ImageRegistryFixture) {
    finds(registry, fixture).await;
    match &fixture.changes {
        Some(changes) => registers(registry, changes).await,
        None => says_that_it_cannot(registry, fixture).await,
    }
}

fn unknown() -> ImageId {
    ImageId::new("ami-0deadbeefdeadbeef")
}

async fn finds(registry: &dyn ImageRegistry, fixture: &ImageRegistryFixture) {
    const FIND: &str = "find returns the newest available image that matches, or None";
    const GET: &str = "get returns the image of this id, or None";
    let Some(found) = succeeds(registry.find_image(&fixture.public).await, FIND) else {
        panic!("contract broken: {FIND}: None for {:?}", fixture.public)
    };
    demand(found.state == "available", FIND, &found);
    demand(found.architecture == fixture.public.architecture.as_str(), FIND, &found);
    let nothing = ImageQuery { name: unique(), ..fixture.public.clone() };
    demand(
        succeeds(registry.find_image(&nothing).await, FIND).is_none(),
        FIND,
        "an image of a name that none has",
    );
    let not_ours = ImageQuery { owner: Owner::own(), ..fixture.public.clone() };
    demand(succeeds(registry.find_image(&not_ours).await, FIND).is_none(), FIND, "an image of another owner");

    let got = succeeds(registry.get_image(&found.id).await, GET);
    demand(got.as_ref() == Some(&found), GET, (&found, &got));
    demand(succeeds(registry.get_image(&unknown()).await, GET).is_none(), GET, "an image of an unknown id");
}

async fn registers(registry: &dyn ImageRegistry, changes: &ImageChanges) {
    const REGISTER: &str = "register of the same upload under the same name returns the image that is there";
    const CONFLICT: &str = "a name that another image has is Conflict";
    const DEPRECATE: &str = "deprecate again with another time replaces the time";
    const COPY: &str = "copy of the same image to the same region returns the copy that is there, available";
    const DEREGISTER: &str = "deregister removes the image; an image that is gone is a success";
    let encryption = changes.encryption.clone();
    let spec = ImageSpec { encryption, ..ImageSpec::named(format!("suite-{}", unique())) };
    let image = succeeds(registry.register(&changes.uploaded, &spec).await, REGISTER);
    let again = succeeds(registry.register(&changes.uploaded, &spec).await, REGISTER);
    demand(again.id == image.id, REGISTER, (&image, &again));
    demand(image.state == "available", "what register returns is available", &image);
    fails(registry.register(&changes.other, &spec).await, ErrorKind::Conflict, CONFLICT);
    let Image::Newest(query) = Image::own(&spec.name, spec.architecture) else { return };
    let found = eventually(REGISTER, async || succeeds(registry.find_image(&query).await, REGISTER)).await;
    demand(found.id == image.id, REGISTER, &found);

    is_tagged(&image, &changes.uploaded, &spec);
    let unsound = ImageSpec { tpm: true, ..ImageSpec::named(format!("suite-{}", unique())) };
    let refused = registry.register(&changes.uploaded, &unsound).await;
    fails(refused, ErrorKind::Invalid, "a specification that cannot be is Invalid");
    is_published(registry, &image, &changes.uploaded).await;

    for _ in 0..2 {
        let shared = registry.share(&image.id, std::slice::from_ref(&changes.account)).await;
        succeeds(shared, "share lets other accounts launch, and again is a success");
    }
    for hours in [1_000, 2_000] {
        let at = image.created_at.unwrap_or_default() + SignedDuration::from_hours(hours);
        succeeds(registry.deprecate(&image.id, at).await, DEPRECATE);
        let seen = async || succeeds(registry.get_image(&image.id).await, DEPRECATE)?.deprecated_at;
        eventually(DEPRECATE, async || (seen().await? == at).then_some(())).await;
    }
    let missing: [Result<()>; 3] = [
        registry.share(&unknown(), std::slice::from_ref(&changes.account)).await,
        registry
            .deprecate(&unknown(), image.created_at.unwrap_or_default() + SignedDuration::from_hours(1_000))
            .await,
        registry.copy(&unknown(), &changes.region).await.map(drop),
    ];
    for refused in missing {
        fails(refused, ErrorKind::NotFound, "an image that is not there is NotFound");
    }
    let copy = succeeds(registry.copy(&image.id, &changes.region).await, COPY);
    demand(copy.id != image.id && copy.state == "available", COPY, &copy);
    let again = succeeds(registry.copy(&image.id, &changes.region).await, COPY);
    demand(again.id == copy.id, COPY, (&copy, &again));

    for _ in 0..2 {
        succeeds(registry.deregister(&image.id).await, DEREGISTER);
    }
    eventually(DEREGISTER, async || {
        succeeds(registry.get_image(&image.id).await, DEREGISTER).is_none().then_some(())
    })
    .await;
}

fn is_tagged(image: &RegisteredImage, uploaded: &UploadedImage, spec: &ImageSpec) {
    for (key, value) in image_tags(&spec.name, &uploaded.content_hash).iter() {
        demand(image.tags.get(key) == Some(value), "what register returns carries the family's tags", image);
    }
}

async fn is_published(registry: &dyn ImageRegistry, image: &RegisteredImage, uploaded: &UploadedImage) {
    const PUBLISHED: &str = "published returns the own images that were registered, newest first";
    const CONTENT: &str = "find_content returns the newest available one with this content, or None";
    let all = eventually(PUBLISHED, async || {
        let all = succeeds(registry.published().await, PUBLISHED);
        all.iter().any(|other| other.id == image.id).then_some(all)
    })
    .await;
    demand(all.is_sorted_by(|a, b| a.created_at >= b.created_at), PUBLISHED, &all);
    demand(all.iter().all(|image| image.content_hash().is_some()), PUBLISHED, &all);
    let hash = &uploaded.content_hash;
    let found = eventually(CONTENT, async || succeeds(registry.find_content(hash).await, CONTENT)).await;
    demand(found.id == image.id, CONTENT, &found);
    demand(succeeds(registry.find_content(&unique()).await, CONTENT).is_none(), CONTENT, "unknown content");
}

async fn says_that_it_cannot(registry: &dyn ImageRegistry, fixture: &ImageRegistryFixture) {
    const BULLET: &str = "a registry that cannot change images says Unsupported, permanently";
    let uploaded = UploadedImage {
        location: "nowhere".to_owned(),
        content_hash: unique(),
        format: crate::provider::ImageFormat::Raw,
        bytes: 0,
        virtual_bytes: 0,
    };
    let nobody = ["000000000000".to_owned()];
    let refusals: [Result<()>; 7] = [
        registry.published().await.map(drop),
        registry.find_content(&uploaded.content_hash).await.map(drop),
        registry.deprecate(&unknown(), jiff::Timestamp::UNIX_EPOCH).await,
        registry.register(&uploaded, &ImageSpec::named(&fixture.public.name)).await.map(drop),
        registry.share(&unknown(), &nobody).await,
        registry.copy(&unknown(), &Region::new("us-east-1")).await.map(drop),
        registry.deregister(&unknown()).await,
    ];
    for refusal in refusals {
        let error = fails(refusal, ErrorKind::Unsupported, BULLET);
        demand(error.is_permanent(), BULLET, &error);
    }
}
