//! What a command wrote, bounded.

use std::collections::VecDeque;
use std::fmt;

use bytes::Bytes;
use ec2_stories_core::{Error, ErrorKind, Result};

use super::Exit;

/// A piece of output as it came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Chunk {
    /// Of standard output.
    Stdout(Bytes),
    /// Of standard error.
    Stderr(Bytes),
}

/// What a command wrote to one stream: all of it, or its beginning and its end.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Captured {
    head: Vec<u8>,
    tail: VecDeque<u8>,
    cut: u64,
    keep: usize,
}

impl Captured {
    pub(crate) fn keeping(keep: usize) -> Self {
        Self { keep, ..Self::default() }
    }

    pub(crate) fn push(&mut self, bytes: &[u8]) {
        let room = (self.keep / 2).saturating_sub(self.head.len());
        let (head, rest) = bytes.split_at(room.min(bytes.len()));
        self.head.extend_from_slice(head);
        let keep = self.keep - self.keep / 2;
        // What would be cut at once is not even taken.
        let skipped = rest.len().saturating_sub(keep);
        self.cut += skipped as u64;
        self.tail.extend(&rest[skipped..]);
        let over = self.tail.len().saturating_sub(keep);
        self.tail.drain(..over);
        self.cut += over as u64;
    }

    /// How many bytes in the middle were not kept.
    #[must_use]
    pub fn cut(&self) -> u64 {
        self.cut
    }

    /// What was kept: exactly what was written where nothing was cut.
    #[must_use]
    pub fn bytes(&self) -> Vec<u8> {
        let mut bytes = self.head.clone();
        bytes.extend(&self.tail);
        bytes
    }

    /// As text, which says what was cut. What is not UTF-8 is replaced.
    #[must_use]
    pub fn text(&self) -> String {
        if self.cut == 0 {
            return String::from_utf8_lossy(&self.bytes()).into_owned();
        }
        let tail: Vec<u8> = self.tail.iter().copied().collect();
        let (head, tail) = (String::from_utf8_lossy(&self.head), String::from_utf8_lossy(&tail));
        format!("{head}\n… {} bytes were cut …\n{tail}", self.cut)
    }

    /// Its last line that is not empty, at most 200 characters of it.
    #[must_use]
    pub fn last_line(&self) -> String {
        let text = self.text();
        let line = text.lines().rev().map(str::trim).find(|line| !line.is_empty()).unwrap_or_default();
        line.chars().filter(|c| !c.is_control()).take(200).collect()
    }
}

impl fmt::Debug for Captured {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Captured")
            .field("kept", &(self.head.len() + self.tail.len()))
            .field("cut", &self.cut)
            .finish()
    }
}

/// How a command ended, and what it wrote.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Output {
    /// How it ended.
    pub exit: Exit,
    /// Its standard output.
    pub stdout: Captured,
    /// Its standard error.
    pub stderr: Captured,
}

impl Output {
    /// The output of a command that must succeed.
    ///
    /// # Errors
    /// [`ErrorKind::Failed`] for any exit but status 0, with the last line of standard error.
    pub fn checked(self, what: &str) -> Result<Self> {
        if self.exit.is_success() {
            return Ok(self);
        }
        let said = self.stderr.last_line();
        let said = if said.is_empty() { said } else { format!(": {said}") };
        Err(Error::new(ErrorKind::Failed, format!("ended with {}{said}", self.exit)).during(what))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_fits_is_kept_whole() {
        let mut captured = Captured::keeping(10);
        captured.push(b"0123");
        captured.push(b"456789");
        assert_eq!((captured.bytes().as_slice(), captured.cut()), (&b"0123456789"[..], 0));
    }

    #[test]
    fn the_middle_is_cut_and_counted() {
        let mut captured = Captured::keeping(4);
        for byte in b'0'..=b'9' {
            captured.push(&[byte]);
        }
        assert_eq!((captured.bytes().as_slice(), captured.cut()), (&b"0189"[..], 6));
        assert_eq!(captured.text(), "01\n… 6 bytes were cut …\n89");
    }

    #[test]
    fn one_large_piece_is_as_many_small_ones() {
        let bytes: Vec<u8> = (0..=255).cycle().take(5000).collect();
        let (mut one, mut many) = (Captured::keeping(99), Captured::keeping(99));
        one.push(&bytes);
        bytes.chunks(7).for_each(|piece| many.push(piece));
        assert_eq!(one, many);
    }
}
