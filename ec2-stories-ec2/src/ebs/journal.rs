//! How far an upload is, through a [`TupleStore`]: one tuple a file, `ebs-uploads/HASH-OF-ITS-PATH`.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use ec2_stories_core::image::Encryption;
use ec2_stories_core::model::SnapshotId;
use ec2_stories_core::provider::{Expect, TupleStore, Version};
use ec2_stories_core::{Error, ErrorKind, Result};
use serde::{Deserialize, Serialize};

use crate::images::token;

const FORMAT: u64 = 1;

#[derive(Debug)]
pub(super) struct Journal(pub(super) Arc<dyn TupleStore>);

/// What must be known to go on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Record {
    format: u64,
    path: PathBuf,
    content_hash: String,
    encryption: Encryption,
    parent: Option<SnapshotId>,
    /// The start's token, written before the start.
    pub(super) token: String,
    /// The snapshot, written after the start.
    pub(super) snapshot: Option<SnapshotId>,
    /// The blocks that EBS has acknowledged.
    pub(super) acknowledged: Ranges,
}

impl Record {
    pub(super) fn new(
        path: &Path,
        content_hash: &str,
        encryption: &Encryption,
        parent: Option<&SnapshotId>,
    ) -> Self {
        let salt = format!("{:032x}", rand::random::<u128>());
        Self {
            format: FORMAT,
            path: path.to_owned(),
            content_hash: content_hash.to_owned(),
            encryption: encryption.clone(),
            parent: parent.cloned(),
            token: token(&["ebs", content_hash, &salt]),
            snapshot: None,
            acknowledged: Ranges::default(),
        }
    }

    /// Whether it is of an upload that would become the same snapshot.
    pub(super) fn is_for(&self, other: &Self) -> bool {
        self.content_hash == other.content_hash
            && self.encryption == other.encryption
            && self.parent == other.parent
    }

    pub(super) fn content_hash(&self) -> &str {
        &self.content_hash
    }
}

impl Journal {
    pub(super) async fn read(&self, path: &Path) -> Result<Option<(Record, Version)>> {
        let name = name(path);
        let Some(tuple) = self.0.get(&name).await? else { return Ok(None) };
        let corrupt = |why: String| Error::new(ErrorKind::Corrupt, why).during("read the journal").on(&name);
        let record: Record =
            serde_json::from_slice(&tuple.value).map_err(|error| corrupt(error.to_string()))?;
        if record.format != FORMAT {
            return Err(corrupt(format!(
                "it has format {}, and this version reads format {FORMAT}",
                record.format
            )));
        }
        Ok(Some((record, tuple.version)))
    }

    /// Writes how far an upload is that has begun.
    pub(super) async fn write(&self, path: &Path, record: &Record) -> Result<()> {
        self.put(path, record, Expect::Anything).await
    }

    /// Writes a new upload's record, unless another process was quicker; says whether it did.
    pub(super) async fn claim(&self, path: &Path, record: &Record, expect: Expect) -> Result<bool> {
        match self.put(path, record, expect).await {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == ErrorKind::Conflict => Ok(false),
            Err(error) => Err(error),
        }
    }

    async fn put(&self, path: &Path, record: &Record, expect: Expect) -> Result<()> {
        let encode = |error: serde_json::Error| Error::new(ErrorKind::Unexpected, error.to_string());
        let value = serde_json::to_vec(record).map_err(encode)?;
        self.0.put(&name(path), &value, expect).await.map(drop)
    }

    pub(super) async fn remove(&self, path: &Path) -> Result<()> {
        self.0.delete(&name(path), Expect::Anything).await
    }
}

fn name(path: &Path) -> String {
    // One file has one tuple, however it is named; one that is gone has the name that it was given.
    let path = path.canonicalize().unwrap_or_else(|_| std::path::absolute(path).unwrap_or(path.to_owned()));
    format!("ebs-uploads/{}", &token(&["path", &path.to_string_lossy()])[..32])
}

/// A set of block indexes, as the ranges that it is made of: a million blocks in order are one.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct Ranges(Vec<(u32, u32)>);

impl Ranges {
    pub(super) fn contains(&self, index: u32) -> bool {
        let after = self.0.partition_point(|(first, _)| *first <= index);
        after > 0 && index <= self.0[after - 1].1
    }

    pub(super) fn insert(&mut self, index: u32) {
        if self.contains(index) {
            return;
        }
        let at = self.0.partition_point(|(first, _)| *first <= index);
        let joins_before = at > 0 && self.0[at - 1].1 + 1 == index;
        let joins_after = at < self.0.len() && self.0[at].0 == index + 1;
        match (joins_before, joins_after) {
            (true, true) => {
                self.0[at - 1].1 = self.0[at].1;
                self.0.remove(at);
            }
            (true, false) => self.0[at - 1].1 = index,
            (false, true) => self.0[at].0 = index,
            (false, false) => self.0.insert(at, (index, index)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_a_set() {
        let mut ranges = Ranges::default();
        let mut set = std::collections::BTreeSet::new();
        let mut index = 1_u32;
        for _ in 0..200 {
            index = (index * 37 + 11) % 256;
            ranges.insert(index);
            set.insert(index);
            assert!((0..256).all(|index| ranges.contains(index) == set.contains(&index)));
        }
        (0..256).for_each(|index| ranges.insert(index));
        assert_eq!(ranges.0, [(0, 255)]);
    }
}
