//! Uploads into memory.

use std::collections::BTreeMap;
use std::io::Read;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use sha2::{Digest, Sha256};
use tokio::sync::watch;

use super::script::{Script, operations};
use crate::image::ImageSource;
use crate::provider::{ImageUploader, UploadProgress, UploadedImage};
use crate::{Error, ErrorKind, Result};

operations! {
    /// A method of [`ImageUploader`].
    Upload {
        Upload = "upload",
        Abort = "abort",
        Remove = "remove",
    }
}

/// As much as is sent at once.
const PART: usize = 64 * 1024;

/// Uploads into memory, part by part, and goes on where it was cut off. Clones share what was uploaded.
#[derive(Clone, Debug, Default)]
pub struct MemoryUploader(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    state: Mutex<State>,
    script: Script<Upload>,
}

#[derive(Debug, Default)]
struct State {
    /// What an unfinished upload has sent: the file's content hash and the bytes.
    unfinished: BTreeMap<PathBuf, (String, Vec<u8>)>,
    finished: BTreeMap<String, Vec<u8>>,
    sent: u64,
}

impl MemoryUploader {
    /// Holds nothing.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// How many bytes were sent in all.
    #[must_use]
    pub fn sent(&self) -> u64 {
        self.lock().sent
    }

    /// The files that an upload was cut off of.
    #[must_use]
    pub fn unfinished(&self) -> Vec<PathBuf> {
        self.lock().unfinished.keys().cloned().collect()
    }

    /// The bytes of an image that was uploaded.
    #[must_use]
    pub fn content(&self, image: &UploadedImage) -> Option<Vec<u8>> {
        self.lock().finished.get(&image.content_hash).cloned()
    }

    /// The log of its calls, and the faults that wait for one.
    #[must_use]
    pub fn script(&self) -> &Script<Upload> {
        &self.0.script
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn send(
        &self,
        source: &ImageSource,
        progress: &watch::Sender<UploadProgress>,
    ) -> Result<UploadedImage> {
        let content = read(source)?;
        let hash = hex::encode(Sha256::digest(&content));
        let total = content.len() as u64;
        while let Some(acknowledged) = self.send_part(source, &hash, &content) {
            progress.send_replace(UploadProgress { acknowledged, total });
            tokio::task::yield_now().await;
            let now = read(source);
            if now.as_ref().map_or(true, |now| hex::encode(Sha256::digest(now)) != hash) {
                self.lock().unfinished.remove(source.path());
                now?;
                return Err(changed(source));
            }
        }
        progress.send_replace(UploadProgress { acknowledged: total, total });
        let location = format!("memory://{hash}");
        Ok(UploadedImage {
            location,
            content_hash: hash,
            format: source.format(),
            bytes: total,
            virtual_bytes: source.virtual_bytes(),
        })
    }

    /// Sends the next part and says how much is there, or `None` when all of it is.
    fn send_part(&self, source: &ImageSource, hash: &str, content: &[u8]) -> Option<u64> {
        let state = &mut *self.lock();
        if state.finished.contains_key(hash) {
            state.unfinished.remove(source.path());
            return None;
        }
        let (of, there) = state.unfinished.entry(source.path().to_owned()).or_default();
        if of != hash {
            (*of, *there) = (hash.to_owned(), Vec::new());
        }
        let part = &content[there.len()..content.len().min(there.len() + PART)];
        there.extend_from_slice(part);
        state.sent += part.len() as u64;
        let acknowledged = there.len() as u64;
        if there.len() == content.len() {
            let (of, all) = std::mem::take(state.unfinished.get_mut(source.path())?);
            state.finished.insert(of, all);
        }
        Some(acknowledged)
    }
}

#[async_trait]
impl ImageUploader for MemoryUploader {
    async fn upload(
        &self,
        source: &ImageSource,
        progress: watch::Sender<UploadProgress>,
    ) -> Result<UploadedImage> {
        self.0.script.perform(Upload::Upload, self.send(source, &progress)).await
    }

    async fn abort(&self, source: &ImageSource) -> Result<()> {
        let abort = async {
            self.lock().unfinished.remove(source.path());
            Ok(())
        };
        self.0.script.perform(Upload::Abort, abort).await
    }

    async fn remove(&self, content_hash: &str) -> Result<()> {
        let remove = async {
            let state = &mut *self.lock();
            state.finished.remove(content_hash);
            state.unfinished.retain(|_, (of, _)| of != content_hash);
            Ok(())
        };
        self.0.script.perform(Upload::Remove, remove).await
    }
}

fn read(source: &ImageSource) -> Result<Vec<u8>> {
    let mut content = Vec::new();
    let read = std::fs::File::open(source.path()).and_then(|mut file| file.read_to_end(&mut content));
    match read {
        Ok(_) if content.len() as u64 == source.bytes() => Ok(content),
        Ok(_) => Err(changed(source)),
        Err(error) => {
            let (why, path) = ("cannot be read", source.path().display().to_string());
            Err(Error::new(ErrorKind::Io, why).during("upload").on(path).because(error))
        }
    }
}

fn changed(source: &ImageSource) -> Error {
    let path = source.path().display().to_string();
    Error::new(ErrorKind::Conflict, "the file changed since it was opened").during("upload").on(path)
}
