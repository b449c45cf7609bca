//! Reading a file that may be damaged: every read is bounded, and one past the end says what is missing.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};

/// Why a file is not seen as an image.
#[derive(Debug)]
pub(super) enum Problem {
    Io(io::Error),
    Bad(String),
}

impl Problem {
    pub(super) fn bad(why: impl Into<String>) -> Self {
        Self::Bad(why.into())
    }

    /// Something that the file should hold lies past its end.
    pub(super) fn truncated(what: &str, end: u64, bytes: u64) -> Self {
        Self::Bad(format!("is truncated: its {what} would end at byte {end}, and the file ends at {bytes}"))
    }
}

/// As much of the beginning as the formats are recognized by: up to the volume descriptor of an ISO 9660 file system.
const HEAD: usize = 34 * 1024;

trait Source: Read + Seek {}

impl<T: Read + Seek> Source for T {}

/// A file, or bytes in a test.
pub(super) struct Input {
    source: Box<dyn Source>,
    bytes: u64,
    /// The largest read so far.
    #[cfg(test)]
    most_read: usize,
}

impl Input {
    pub(super) fn of_file(file: File) -> Result<Self, Problem> {
        let metadata = file.metadata().map_err(Problem::Io)?;
        if !metadata.is_file() {
            return Err(Problem::bad("is not a regular file; copy the disk into one first"));
        }
        Ok(Self::new(Box::new(file), metadata.len()))
    }

    #[cfg(test)]
    pub(super) fn of_bytes(bytes: Vec<u8>) -> Self {
        let size = bytes.len() as u64;
        Self::new(Box::new(io::Cursor::new(bytes)), size)
    }

    fn new(source: Box<dyn Source>, bytes: u64) -> Self {
        Self {
            source,
            bytes,
            #[cfg(test)]
            most_read: 0,
        }
    }

    #[cfg(test)]
    pub(super) fn most_read(&self) -> usize {
        self.most_read
    }

    /// The file's size.
    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// The file's beginning; zeros where it is shorter.
    pub(super) fn head(&mut self) -> Result<Vec<u8>, Problem> {
        let there = self.bytes.min(HEAD as u64);
        let mut head = self.at("beginning", 0, usize::try_from(there).unwrap_or(HEAD))?;
        head.resize(HEAD, 0);
        Ok(head)
    }

    /// `len` bytes at `offset`, which hold `what`.
    pub(super) fn at(&mut self, what: &str, offset: u64, len: usize) -> Result<Vec<u8>, Problem> {
        self.must_hold(what, offset, len as u64)?;
        #[cfg(test)]
        {
            self.most_read = self.most_read.max(len);
        }
        let mut buffer = vec![0; len];
        self.source.seek(SeekFrom::Start(offset)).map_err(Problem::Io)?;
        self.source.read_exact(&mut buffer).map_err(Problem::Io)?;
        Ok(buffer)
    }

    /// Refuses a file that ends before `what`, of `len` bytes at `offset`, does.
    pub(super) fn must_hold(&self, what: &str, offset: u64, len: u64) -> Result<(), Problem> {
        match offset.checked_add(len) {
            Some(end) if end <= self.bytes => Ok(()),
            end => Err(Problem::truncated(what, end.unwrap_or(u64::MAX), self.bytes)),
        }
    }
}

/// Integers in a buffer. The caller made the buffer long enough.
pub(super) fn le16(bytes: &[u8], at: usize) -> u16 {
    u16::from_le_bytes(array(bytes, at))
}

pub(super) fn le32(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(array(bytes, at))
}

pub(super) fn le64(bytes: &[u8], at: usize) -> u64 {
    u64::from_le_bytes(array(bytes, at))
}

pub(super) fn be32(bytes: &[u8], at: usize) -> u32 {
    u32::from_be_bytes(array(bytes, at))
}

pub(super) fn be64(bytes: &[u8], at: usize) -> u64 {
    u64::from_be_bytes(array(bytes, at))
}

fn array<const N: usize>(bytes: &[u8], at: usize) -> [u8; N] {
    let mut array = [0; N];
    array.copy_from_slice(&bytes[at..at + N]);
    array
}
