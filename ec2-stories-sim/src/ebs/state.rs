//! The blocks of snapshots.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;

use crate::s3::blob::Blob;

/// 512 KiB: StartSnapshot, BlockSize.
pub(crate) const BLOCK: usize = 512 << 10;
/// PutSnapshotBlock requests a second for one snapshot: EBS direct APIs, service quotas.
const WRITES: f64 = 1000.0;

#[derive(Clone, Debug)]
pub(crate) struct Block {
    pub(crate) data: Blob,
    pub(crate) digest: Vec<u8>,
}

/// What was written of one snapshot.
#[derive(Debug)]
pub(crate) struct Written {
    pub(crate) region: String,
    /// By index: what the parent has, and what was written on top.
    pub(crate) inherited: BTreeMap<u32, Block>,
    pub(crate) blocks: BTreeMap<u32, Block>,
    pub(crate) parent: Option<String>,
    /// The client token, and what was asked under it.
    pub(crate) token: Option<(String, String)>,
    /// For how long nobody may write before the snapshot fails.
    pub(crate) timeout: Duration,
    pub(crate) completed: bool,
    level: f64,
    filled: Timestamp,
}

impl Written {
    pub(crate) fn new(region: &str, timeout: Duration, now: Timestamp) -> Self {
        Self {
            region: region.to_owned(),
            inherited: BTreeMap::new(),
            blocks: BTreeMap::new(),
            parent: None,
            token: None,
            timeout,
            completed: false,
            level: WRITES,
            filled: now,
        }
    }

    /// Every block that is there, by index.
    pub(crate) fn all(&self) -> BTreeMap<u32, &Block> {
        self.inherited.iter().chain(&self.blocks).map(|(index, block)| (*index, block)).collect()
    }

    pub(crate) fn block(&self, index: u32) -> Option<&Block> {
        self.blocks.get(&index).or_else(|| self.inherited.get(&index))
    }

    /// Takes the right to write once, if there is one left.
    pub(crate) fn may_write(&mut self, now: Timestamp) -> bool {
        let seconds = now.duration_since(self.filled).as_secs_f64().max(0.0);
        self.level = (self.level + seconds * WRITES).min(WRITES);
        self.filled = now;
        let may = self.level >= 1.0;
        if may {
            self.level -= 1.0;
        }
        may
    }
}

/// By snapshot id.
pub(crate) type Blocks = BTreeMap<String, Written>;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thousand_writes_a_second() {
        let start = Timestamp::UNIX_EPOCH;
        let mut written = Written::new("r", Duration::ZERO, start);
        let burst = (0..1500).filter(|_| written.may_write(start)).count();
        assert_eq!(burst, 1000);
        let later = start + Duration::from_millis(100);
        assert_eq!((0..1500).filter(|_| written.may_write(later)).count(), 100);
    }
}
