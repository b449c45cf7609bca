//! The hash of a file's content.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use sha2::{Digest, Sha256};

use crate::{Error, ErrorKind, Result};

/// As much as is read at once.
const PIECE: usize = 1 << 20;

/// SHA-256 of a file of this size, in hex.
pub(super) async fn of_file(path: &Path, bytes: u64) -> Result<String> {
    let given_up = Arc::new(AtomicBool::new(false));
    let _guard = GiveUp(Arc::clone(&given_up));
    let owned = path.to_owned();
    let read = tokio::task::spawn_blocking(move || read(&owned, &given_up)).await;
    let failed = |kind, why: &str| Error::new(kind, why).during("read").on(path.display().to_string());
    match read.unwrap_or_else(|gone| Err(io::Error::other(gone))) {
        Ok((hash, read)) if read == bytes => Ok(hash),
        Ok(_) => Err(failed(ErrorKind::Conflict, "the file changed since it was opened")),
        Err(error) => Err(failed(ErrorKind::Io, "cannot be read").because(error)),
    }
}

/// Ends the reading when it is dropped.
struct GiveUp(Arc<AtomicBool>);

impl Drop for GiveUp {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

fn read(path: &Path, given_up: &AtomicBool) -> io::Result<(String, u64)> {
    let mut file = File::open(path)?;
    let (mut hash, mut read, mut piece) = (Sha256::new(), 0, vec![0; PIECE]);
    while !given_up.load(Ordering::Relaxed) {
        match file.read(&mut piece)? {
            0 => return Ok((hex::encode(hash.finalize()), read)),
            more => {
                hash.update(&piece[..more]);
                read += more as u64;
            }
        }
    }
    Err(io::ErrorKind::Interrupted.into())
}
