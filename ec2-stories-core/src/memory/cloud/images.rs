//! Images in memory.

use async_trait::async_trait;
use jiff::Timestamp;

use super::{MemoryCloud, Operation};
use crate::image::{ImageSpec, image_tags};
use crate::model::{Architecture, Image, ImageId, ImageQuery, Region, RegisteredImage, SnapshotId, Tags};
use crate::provider::{ImageRegistry, UploadedImage};
use crate::{Clock, Error, ErrorKind, Result};

/// One image of every publisher and architecture.
pub(super) fn public_images(created_at: Timestamp) -> impl Iterator<Item = RegisteredImage> {
    let architectures = [Architecture::X86_64, Architecture::Arm64];
    let queries = Image::public_names().flat_map(move |name| {
        architectures.into_iter().filter_map(move |architecture| Image::public_query(name, architecture))
    });
    queries.enumerate().map(move |(index, query)| RegisteredImage {
        id: ImageId::new(format!("ami-{:017x}", 0xa000 + index)),
        name: query.name.replace('*', "20260101"),
        owner: query.owner.0,
        state: "available".to_owned(),
        architecture: query.architecture.as_str().to_owned(),
        root_device: Some("/dev/xvda".to_owned()),
        snapshots: vec![SnapshotId::new(format!("snap-{:017x}", 0xa000 + index))],
        created_at: Some(created_at),
        deprecated_at: None,
        tags: Tags::new(),
    })
}

#[async_trait]
impl ImageRegistry for MemoryCloud {
    async fn find_image(&self, query: &ImageQuery) -> Result<Option<RegisteredImage>> {
        let owner = if query.owner.0 == "self" { Self::ACCOUNT } else { &query.owner.0 };
        let wanted = |image: &&RegisteredImage| {
            image.owner == owner
                && image.state == "available"
                && image.architecture == query.architecture.as_str()
                && matches(query.name.as_bytes(), image.name.as_bytes())
        };
        let newest = async {
            Ok(self.lock().images.values().filter(wanted).max_by_key(|image| image.created_at).cloned())
        };
        self.0.script.perform(Operation::FindImage, newest).await
    }

    async fn get_image(&self, id: &ImageId) -> Result<Option<RegisteredImage>> {
        self.0.script.perform(Operation::GetImage, async { Ok(self.lock().images.get(id).cloned()) }).await
    }

    async fn published(&self) -> Result<Vec<RegisteredImage>> {
        self.0.script.perform(Operation::Published, async { Ok(self.lock().published()) }).await
    }

    async fn find_content(&self, content_hash: &str) -> Result<Option<RegisteredImage>> {
        let find = async {
            let published = self.lock().published();
            Ok(published.into_iter().find(|image| image.content_hash() == Some(content_hash)))
        };
        self.0.script.perform(Operation::FindContent, find).await
    }

    async fn register(&self, uploaded: &UploadedImage, spec: &ImageSpec) -> Result<RegisteredImage> {
        let register = async {
            spec.check("image")?;
            self.change(|state| state.register(uploaded, spec))
        };
        self.0.script.perform(Operation::RegisterImage, register).await
    }

    async fn share(&self, id: &ImageId, accounts: &[String]) -> Result<()> {
        let share = async {
            self.change(|state| {
                state.own_image(id, "share")?;
                state.shares.entry(id.clone()).or_default().extend(accounts.iter().cloned());
                Ok(())
            })
        };
        self.0.script.perform(Operation::ShareImage, share).await
    }

    async fn copy(&self, id: &ImageId, to: &Region) -> Result<RegisteredImage> {
        let copy = async {
            self.change(|state| {
                let key = (id.clone(), to.clone());
                if let Some(copy) = state.copies.get(&key) {
                    return Ok(copy.clone());
                }
                let image = state.own_image(id, "copy")?.clone();
                let copy = RegisteredImage {
                    id: ImageId::new(state.new_id("ami")),
                    snapshots: vec![SnapshotId::new(state.new_id("snap"))],
                    created_at: Some(state.clock.now()),
                    ..image
                };
                state.copies.insert(key, copy.clone());
                Ok(copy)
            })
        };
        self.0.script.perform(Operation::CopyImage, copy).await
    }

    async fn deprecate(&self, id: &ImageId, at: Timestamp) -> Result<()> {
        let deprecate = async {
            self.change(|state| {
                state.own_image(id, "deprecate")?;
                if let Some(image) = state.images.get_mut(id) {
                    image.deprecated_at = Some(at);
                }
                Ok(())
            })
        };
        self.0.script.perform(Operation::DeprecateImage, deprecate).await
    }

    async fn deregister(&self, id: &ImageId) -> Result<()> {
        let deregister = async {
            self.change(|state| {
                if !state.images.contains_key(id) {
                    return Ok(());
                }
                state.own_image(id, "deregister")?;
                state.images.remove(id);
                state.shares.remove(id);
                state.registered.retain(|_, (_, image)| image != id);
                Ok(())
            })
        };
        self.0.script.perform(Operation::DeregisterImage, deregister).await
    }
}

impl MemoryCloud {
    /// The accounts that an image is shared with.
    #[must_use]
    pub fn shared_with(&self, id: &ImageId) -> Vec<String> {
        self.lock().shares.get(id).into_iter().flatten().cloned().collect()
    }
}

impl super::State {
    fn own_image(&self, id: &ImageId, operation: &str) -> Result<&RegisteredImage> {
        let failed = |kind, why| Error::new(kind, why).during(operation).on(id.as_str());
        match self.images.get(id) {
            None => Err(failed(ErrorKind::NotFound, "does not exist")),
            Some(image) if image.owner != MemoryCloud::ACCOUNT => {
                Err(failed(ErrorKind::Forbidden, "belongs to another account"))
            }
            Some(image) => Ok(image),
        }
    }

    /// Newest first; of one moment, the last one made.
    fn published(&self) -> Vec<RegisteredImage> {
        let own =
            |image: &&RegisteredImage| image.owner == MemoryCloud::ACCOUNT && image.content_hash().is_some();
        let mut images: Vec<_> = self.images.values().filter(own).cloned().collect();
        images.sort_by(|a, b| (b.created_at, &b.id).cmp(&(a.created_at, &a.id)));
        images
    }

    fn register(&mut self, uploaded: &UploadedImage, spec: &ImageSpec) -> Result<RegisteredImage> {
        if let Some((content, id)) = self.registered.get(&spec.name) {
            let image = &self.images[id];
            return if *content == uploaded.content_hash && image.architecture == spec.architecture.as_str() {
                Ok(image.clone())
            } else {
                let why = "another image has this name";
                Err(Error::new(ErrorKind::Conflict, why).during("register").on(&spec.name))
            };
        }
        let image = RegisteredImage {
            id: ImageId::new(self.new_id("ami")),
            name: spec.name.clone(),
            owner: MemoryCloud::ACCOUNT.to_owned(),
            state: "available".to_owned(),
            architecture: spec.architecture.as_str().to_owned(),
            root_device: Some(spec.root_device.clone()),
            snapshots: vec![SnapshotId::new(self.new_id("snap"))],
            created_at: Some(self.clock.now()),
            deprecated_at: None,
            tags: spec.tags.clone().merged(&image_tags(&spec.name, &uploaded.content_hash)),
        };
        self.registered.insert(spec.name.clone(), (uploaded.content_hash.clone(), image.id.clone()));
        self.images.insert(image.id.clone(), image.clone());
        Ok(image)
    }
}

/// EC2's wildcards: `*` is any text, `?` any character.
fn matches(pattern: &[u8], text: &[u8]) -> bool {
    match (pattern, text) {
        ([], []) => true,
        ([b'*', rest @ ..], _) => (0..=text.len()).any(|skipped| matches(rest, &text[skipped..])),
        ([b'?', pattern @ ..], [_, text @ ..]) => matches(pattern, text),
        ([one, pattern @ ..], [other, text @ ..]) => one == other && matches(pattern, text),
        _ => false,
    }
}
