//! Content that is made, not kept.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::os::unix::fs::FileExt;
use std::path::Path;

/// Bytes in which no two places look the same.
pub(crate) fn bytes(length: usize, seed: u64) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut bytes = Vec::with_capacity(length + 8);
    while bytes.len() < length {
        // xorshift64
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        bytes.extend_from_slice(&state.to_le_bytes());
    }
    bytes.truncate(length);
    bytes
}

pub(crate) fn file(path: &Path, length: usize, seed: u64) {
    BufWriter::new(File::create(path).unwrap()).write_all(&bytes(length, seed)).unwrap();
}

/// A large file that takes little room: holes, with a few bytes of its own in every mebibyte.
pub(crate) fn sparse_file(path: &Path, length: u64) {
    let file = File::create(path).unwrap();
    file.set_len(length).unwrap();
    for at in (0..length.saturating_sub(8)).step_by(1 << 20) {
        file.write_all_at(&(at ^ 0x5eed).to_le_bytes(), at).unwrap();
    }
}
