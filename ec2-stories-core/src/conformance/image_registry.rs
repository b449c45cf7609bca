//! The suite for image registries.

use super::{demand, eventually, fails, succeeds, unique};
use crate::model::{Image, ImageId, ImageQuery, Owner, Region};
use crate::provider::{ImageRegistry, ImageSpec, UploadedImage};
use crate::{ErrorKind, Result};

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
    const DEREGISTER: &str = "deregister removes the image; an image that is gone is a success";
    let spec = ImageSpec::named(format!("suite-{}", unique()));
    let image = succeeds(registry.register(&changes.uploaded, &spec).await, REGISTER);
    let again = succeeds(registry.register(&changes.uploaded, &spec).await, REGISTER);
    demand(again.id == image.id, REGISTER, (&image, &again));
    fails(registry.register(&changes.other, &spec).await, ErrorKind::Conflict, CONFLICT);
    let Image::Newest(query) = Image::own(&spec.name, spec.architecture) else { return };
    let found = eventually(REGISTER, async || succeeds(registry.find_image(&query).await, REGISTER)).await;
    demand(found.id == image.id, REGISTER, &found);

    succeeds(
        registry.share(&image.id, std::slice::from_ref(&changes.account)).await,
        "share lets other accounts launch",
    );
    let refused = registry.share(&unknown(), std::slice::from_ref(&changes.account)).await;
    fails(refused, ErrorKind::NotFound, "share of an unknown image is NotFound");
    let copy =
        succeeds(registry.copy(&image.id, &changes.region).await, "copy makes an image in the other region");
    demand(copy.id != image.id, "copy makes an image in the other region", &copy);

    for _ in 0..2 {
        succeeds(registry.deregister(&image.id).await, DEREGISTER);
    }
    eventually(DEREGISTER, async || {
        succeeds(registry.get_image(&image.id).await, DEREGISTER).is_none().then_some(())
    })
    .await;
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
    let refusals: [Result<()>; 4] = [
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
