//! Which blocks of a file hold anything, and their hashes.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use ec2_stories_core::Result;
use nix::errno::Errno;
use nix::unistd::{Whence, lseek};
use sha2::{Digest, Sha256};

use super::BLOCK;
use super::file::unreadable;

/// A block that is to be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Block {
    pub(super) index: u32,
    /// SHA-256 of its bytes, with zeros after the file's end.
    pub(super) digest: [u8; 32],
}

/// What a file holds.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Scan {
    /// SHA-256 of the file, in hex.
    pub(super) content_hash: String,
    /// The file's size.
    pub(super) bytes: u64,
    /// The blocks that are not all zeros, in order.
    pub(super) blocks: Vec<Block>,
}

impl Scan {
    /// The volume's size.
    pub(super) fn gib(&self) -> i64 {
        i64::try_from(self.bytes.div_ceil(1 << 30)).unwrap_or(i64::MAX).max(1)
    }
}

/// Reads the file once. A scan that nobody waits for any more ends at the next block.
pub(super) async fn scan(path: &Path) -> Result<Scan> {
    let given_up = Arc::new(AtomicBool::new(false));
    let _guard = GiveUp(Arc::clone(&given_up));
    let owned = path.to_owned();
    let scanned =
        tokio::task::spawn_blocking(move || File::open(&owned).and_then(|file| scan_file(&file, &given_up)));
    match scanned.await {
        Ok(scan) => scan.map_err(|error| unreadable(path, error)),
        Err(gone) => Err(unreadable(path, io::Error::other(gone))),
    }
}

struct GiveUp(Arc<AtomicBool>);

impl Drop for GiveUp {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

fn scan_file(file: &File, given_up: &AtomicBool) -> io::Result<Scan> {
    let bytes = file.metadata()?.len();
    let (mut content, mut blocks) = (Sha256::new(), Vec::new());
    let (mut buffer, zeros) = (vec![0; BLOCK], vec![0; BLOCK]);
    // Before this there is nothing but a hole.
    let mut data_at = next_data(file, 0, bytes);
    let count = bytes.div_ceil(BLOCK as u64);
    for index in 0..count {
        if given_up.load(Ordering::Relaxed) {
            return Err(io::ErrorKind::Interrupted.into());
        }
        let start = index * BLOCK as u64;
        let len = usize::try_from(bytes - start).unwrap_or(BLOCK).min(BLOCK);
        if data_at < start {
            data_at = next_data(file, start, bytes);
        }
        if data_at >= start + BLOCK as u64 {
            content.update(&zeros[..len]);
            continue;
        }
        file.read_exact_at(&mut buffer[..len], start)?;
        buffer[len..].fill(0);
        content.update(&buffer[..len]);
        if buffer != zeros {
            let index = u32::try_from(index).map_err(|_| io::ErrorKind::FileTooLarge)?;
            blocks.push(Block { index, digest: Sha256::digest(&buffer).into() });
        }
    }
    Ok(Scan { content_hash: hex::encode(content.finalize()), bytes, blocks })
}

/// Where there may be data again, from `start` on. A file system that knows no holes has data everywhere.
fn next_data(file: &File, start: u64, end: u64) -> u64 {
    let Ok(offset) = i64::try_from(start) else { return start };
    match lseek(file, offset, Whence::SeekData) {
        Ok(at) => u64::try_from(at).unwrap_or(start),
        Err(Errno::ENXIO) => end,
        Err(_) => start,
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Seek, SeekFrom, Write};

    use super::*;

    fn scanned(file: &File) -> Scan {
        scan_file(file, &AtomicBool::new(false)).unwrap()
    }

    #[test]
    fn holes_and_zeros_are_no_blocks_and_are_in_the_hash() {
        let (mut sparse, mut full) = (tempfile::tempfile().unwrap(), tempfile::tempfile().unwrap());
        let len = 40 * BLOCK + 1024;
        let mut bytes = vec![0; len];
        for at in [0, 3 * BLOCK + 17, 39 * BLOCK, len - 1] {
            bytes[at] = 7;
            sparse.seek(SeekFrom::Start(at as u64)).unwrap();
            sparse.write_all(&[7]).unwrap();
        }
        full.write_all(&bytes).unwrap();
        let scan = scanned(&sparse);
        assert_eq!(scan.blocks.iter().map(|block| block.index).collect::<Vec<_>>(), [0, 3, 39, 40]);
        assert_eq!(scan.content_hash, hex::encode(Sha256::digest(&bytes)));
        assert_eq!(scan, scanned(&full));
        let mut last = bytes[40 * BLOCK..].to_vec();
        last.resize(BLOCK, 0);
        assert_eq!(scan.blocks[3].digest, <[u8; 32]>::from(Sha256::digest(&last)));
        assert_eq!(scan.gib(), 1);
    }

    #[test]
    fn a_file_of_zeros_has_no_blocks() {
        let file = tempfile::tempfile().unwrap();
        file.set_len(5 << 30).unwrap();
        let scan = scan_file(&file, &AtomicBool::new(false)).unwrap();
        assert_eq!((scan.blocks.len(), scan.gib()), (0, 5));
    }

    #[test]
    fn a_scan_that_was_given_up_ends() {
        let file = tempfile::tempfile().unwrap();
        file.set_len(1 << 30).unwrap();
        let error = scan_file(&file, &AtomicBool::new(true)).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::Interrupted);
    }
}
