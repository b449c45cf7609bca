//! What is remembered of an upload, so that one that was cut off goes on.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use ec2_stories_core::provider::{Expect, TupleStore};
use ec2_stories_core::{Error, ErrorKind, Result};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use tokio::sync::RwLock;
use tokio::task::JoinHandle;

use super::crc::Crc64;
use super::file::Fingerprint;

const FORMAT: u32 = 1;

/// As many parts' acknowledgements are in one tuple: it is written again for each of them.
const PARTS_OF_A_TUPLE: u32 = 250;

/// What is known of an upload before its first part.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Head {
    format: u32,
    pub(crate) bucket: String,
    pub(crate) key: String,
    /// Random, and also in the object's metadata: whether an object is this upload's.
    pub(crate) token: String,
    pub(crate) part_size: u64,
    pub(crate) source: Fingerprint,
    /// When it began, by our clock.
    pub(crate) began: Timestamp,
    /// `None` until S3 has named it.
    pub(crate) upload_id: Option<String>,
}

impl Head {
    pub(crate) fn new(
        (bucket, key): (&str, &str),
        token: String,
        part_size: u64,
        source: Fingerprint,
        began: Timestamp,
    ) -> Self {
        let (bucket, key) = (bucket.to_owned(), key.to_owned());
        Self { format: FORMAT, bucket, key, token, part_size, source, began, upload_id: None }
    }
}

/// A part that S3 has.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Acknowledged {
    pub(crate) crc: Crc64,
    pub(crate) etag: String,
}

/// The acknowledged parts, by number.
pub(crate) type Parts = BTreeMap<u32, Acknowledged>;

/// Where an upload is remembered: one tuple for its head, and some for its parts.
#[derive(Clone, Debug)]
pub(crate) struct Journal {
    store: Arc<dyn TupleStore>,
    folder: String,
    /// Shared by those who note parts, had alone by who forgets them.
    notes: Arc<RwLock<()>>,
}

impl Journal {
    /// The journal of uploads to one key. Its name says neither bucket nor key: those may have any character.
    pub(crate) fn new(store: Arc<dyn TupleStore>, bucket: &str, key: &str) -> Self {
        let name = Sha256::digest(format!("{bucket}/{key}"));
        Self { store, folder: format!("uploads/{}", hex::encode(name)), notes: Arc::default() }
    }

    /// What an earlier run left.
    ///
    /// # Errors
    /// `Corrupt` for what cannot be read; the store's own.
    pub(crate) async fn load(&self) -> Result<Option<(Head, Parts)>> {
        let Some(head) = self.read::<Head>(&self.head()).await? else { return Ok(None) };
        if head.format != FORMAT {
            let why = format!("format {} is not {FORMAT}: another version wrote it", head.format);
            return Err(Error::new(ErrorKind::Corrupt, why).on(self.head()));
        }
        let mut parts = Parts::new();
        for name in self.store.list(&format!("{}/parts.", self.folder)).await? {
            parts.extend(self.read::<Parts>(&name).await?.unwrap_or_default());
        }
        Ok(Some((head, parts)))
    }

    pub(crate) async fn write_head(&self, head: &Head) -> Result<()> {
        self.write(&self.head(), head).await
    }

    /// Notes parts; those that share a tuple are all among them (see [`together`]).
    pub(crate) async fn write_parts(&self, parts: &Parts) -> Result<()> {
        for tuple in tuples(parts.keys()) {
            let first = tuple * PARTS_OF_A_TUPLE;
            let together: BTreeMap<_, _> = parts.range(first..first + PARTS_OF_A_TUPLE).collect();
            self.write(&format!("{}/parts.{tuple:04}", self.folder), &together).await?;
        }
        Ok(())
    }

    /// Notes parts beside other work. Whoever stops waiting does not stop it: a store may write on, whether it is waited for or
    /// not, and what is forgotten meanwhile would be there again. Nothing is noted while the upload is forgotten.
    pub(crate) fn note(&self, parts: Parts) -> Option<JoinHandle<Result<()>>> {
        let turn = self.notes.clone().try_read_owned().ok()?;
        let journal = self.clone();
        Some(tokio::spawn(async move {
            let noted = journal.write_parts(&parts).await;
            drop(turn);
            noted
        }))
    }

    /// Forgets the upload, the head last: while there is a head, there is something to clean up.
    pub(crate) async fn forget(&self) -> Result<()> {
        let _alone = self.notes.write().await;
        for name in self.store.list(&format!("{}/parts.", self.folder)).await? {
            self.store.delete(&name, Expect::Anything).await?;
        }
        self.store.delete(&self.head(), Expect::Anything).await
    }

    fn head(&self) -> String {
        format!("{}/head", self.folder)
    }

    async fn read<T: for<'a> Deserialize<'a>>(&self, name: &str) -> Result<Option<T>> {
        let Some(tuple) = self.store.get(name).await? else { return Ok(None) };
        let read = serde_json::from_slice(&tuple.value);
        read.map(Some).map_err(|error| {
            Error::new(ErrorKind::Corrupt, "is not an upload's journal").on(name).because(error)
        })
    }

    async fn write(&self, name: &str, value: &impl Serialize) -> Result<()> {
        let bytes = serde_json::to_vec(value).expect("plain data is JSON");
        self.store.put(name, &bytes, Expect::Anything).await.map(drop)
    }
}

/// The parts that share a tuple with one of `changed`.
pub(crate) fn together(parts: &Parts, changed: &BTreeSet<u32>) -> Parts {
    let ranges = tuples(changed).map(|tuple| tuple * PARTS_OF_A_TUPLE..(tuple + 1) * PARTS_OF_A_TUPLE);
    ranges.flat_map(|range| parts.range(range)).map(|(number, part)| (*number, part.clone())).collect()
}

/// The tuples of sorted parts, each once.
fn tuples<'a>(numbers: impl IntoIterator<Item = &'a u32>) -> impl Iterator<Item = u32> {
    let tuples: BTreeSet<u32> = numbers.into_iter().map(|number| number / PARTS_OF_A_TUPLE).collect();
    tuples.into_iter()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use async_trait::async_trait;
    use ec2_stories_core::provider::{Tuple, Version};
    use ec2_stories_core::store::MemoryStore;
    use tokio::time::sleep;

    use super::*;

    fn head() -> Head {
        let metadata = std::fs::metadata("Cargo.toml").unwrap();
        Head::new(("b", "k/ä"), "token".into(), 5, Fingerprint::from(&metadata), Timestamp::UNIX_EPOCH)
    }

    #[tokio::test]
    async fn what_was_written_is_read_and_forgotten() {
        let store = Arc::new(MemoryStore::new());
        let journal = Journal::new(store.clone(), "b", "k/ä");
        assert_eq!(journal.load().await.unwrap(), None);
        let head = head();
        journal.write_head(&head).await.unwrap();
        let part = |number: u32| Acknowledged { crc: Crc64(number.into()), etag: format!("\"{number}\"") };
        let parts: Parts = [1, 249, 250, 9_999].map(|number| (number, part(number))).into();
        let changed = BTreeSet::from([1, 250]);
        assert_eq!(together(&parts, &changed).keys().collect::<Vec<_>>(), [&1, &249, &250]);
        journal.write_parts(&together(&parts, &changed)).await.unwrap();
        journal.write_parts(&together(&parts, &[9_999].into())).await.unwrap();
        assert_eq!(journal.load().await.unwrap(), Some((head, parts)));
        assert_eq!(store.list("").await.unwrap().len(), 4);
        assert_eq!(Journal::new(store.clone(), "b", "k").load().await.unwrap(), None);
        journal.forget().await.unwrap();
        assert_eq!(store.list("").await.unwrap(), Vec::<String>::new());
        journal.forget().await.unwrap();
    }

    #[tokio::test]
    async fn what_another_version_wrote_is_not_guessed_at() {
        let store = Arc::new(MemoryStore::new());
        let journal = Journal::new(store.clone(), "b", "k");
        journal.write_head(&Head { format: 2, ..head() }).await.unwrap();
        assert_eq!(journal.load().await.unwrap_err().kind(), ErrorKind::Corrupt);
    }
    /// Takes its time to write, and writes whether it is waited for or not, as one on disk.
    #[derive(Debug)]
    struct Slow(Arc<MemoryStore>);

    #[async_trait]
    impl TupleStore for Slow {
        async fn get(&self, name: &str) -> Result<Option<Tuple>> {
            self.0.get(name).await
        }

        async fn put(&self, name: &str, value: &[u8], expect: Expect) -> Result<Version> {
            let (store, name, value) = (self.0.clone(), name.to_owned(), value.to_owned());
            let written = tokio::spawn(async move {
                sleep(Duration::from_secs(1)).await;
                store.put(&name, &value, expect).await
            });
            written.await.unwrap()
        }

        async fn delete(&self, name: &str, expect: Expect) -> Result<()> {
            self.0.delete(name, expect).await
        }

        async fn list(&self, prefix: &str) -> Result<Vec<String>> {
            self.0.list(prefix).await
        }
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_noted_while_nobody_waits_is_forgotten_too() {
        let store = Arc::new(MemoryStore::new());
        let journal = Journal::new(Arc::new(Slow(store.clone())), "b", "k");
        let part = Acknowledged { crc: Crc64(1), etag: "\"1\"".to_owned() };
        drop(journal.note(Parts::from([(1, part)])));
        journal.forget().await.unwrap();
        sleep(Duration::from_secs(60)).await;
        assert_eq!(store.list("").await.unwrap(), Vec::<String>::new());
    }
}
