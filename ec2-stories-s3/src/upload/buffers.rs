//! Buffers that are used again.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;

/// What is read at once. Two to four of them wait in a connection.
pub(crate) const CHUNK: usize = 128 * 1024;

/// Gives out buffers of [`CHUNK`] bytes and takes them back when the bytes in them were sent: sending allocates nothing.
#[derive(Clone, Default)]
pub(crate) struct Buffers(Arc<Mutex<Vec<Box<[u8]>>>>);

impl Buffers {
    pub(crate) fn take(&self) -> Buffer {
        let free = self.0.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let bytes = free.unwrap_or_else(|| vec![0; CHUNK].into_boxed_slice());
        Buffer { bytes, filled: 0, home: self.clone() }
    }
}

impl fmt::Debug for Buffers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Buffers").finish_non_exhaustive()
    }
}

/// A buffer on loan.
pub(crate) struct Buffer {
    bytes: Box<[u8]>,
    filled: usize,
    home: Buffers,
}

impl Buffer {
    /// All of it, to read into.
    pub(crate) fn space(&mut self) -> &mut [u8] {
        &mut self.bytes
    }

    /// The first `filled` bytes of it; it goes home when the last clone of them is dropped.
    pub(crate) fn freeze(mut self, filled: usize) -> Bytes {
        self.filled = filled;
        Bytes::from_owner(self)
    }
}

impl AsRef<[u8]> for Buffer {
    fn as_ref(&self) -> &[u8] {
        &self.bytes[..self.filled]
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        let bytes = std::mem::take(&mut self.bytes);
        self.home.0.lock().unwrap_or_else(PoisonError::into_inner).push(bytes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_buffer_comes_home_when_its_bytes_are_dropped() {
        let buffers = Buffers::default();
        let free = || buffers.0.lock().unwrap().len();
        let mut buffer = buffers.take();
        buffer.space()[..3].copy_from_slice(b"abc");
        let bytes = buffer.freeze(3);
        let clone = bytes.slice(1..);
        drop(bytes);
        assert_eq!((&clone[..], free()), (&b"bc"[..], 0));
        drop(clone);
        assert_eq!(free(), 1);
        drop((buffers.take(), buffers.take()));
        assert_eq!(free(), 2);
    }
}
