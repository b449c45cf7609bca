//! CRC-64/NVME: of bytes, of parts put together, and as S3 writes it.

use std::fmt;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use crc_fast::CrcAlgorithm::Crc64Nvme;
use crc_fast::{Digest, checksum_combine};
use ec2_stories_core::{Error, ErrorKind, Result};
use serde::{Deserialize, Serialize};

/// A CRC-64/NVME, which S3 keeps of a whole object however it was sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Crc64(pub u64);

impl Crc64 {
    /// Of these bytes.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        let mut running = RunningCrc::new();
        running.update(bytes);
        running.value()
    }

    /// Of the bytes behind `self`, followed by `length` bytes behind `next`.
    #[must_use]
    pub fn then(self, next: Self, length: u64) -> Self {
        Self(checksum_combine(Crc64Nvme, self.0, next.0, length))
    }

    /// As the header `x-amz-checksum-crc64nvme` has it: base64 of the value, highest byte first.
    #[must_use]
    pub fn to_base64(self) -> String {
        BASE64_STANDARD.encode(self.0.to_be_bytes())
    }

    /// Reads what [`to_base64`](Self::to_base64) writes.
    ///
    /// # Errors
    /// `Invalid` for anything else.
    pub fn from_base64(text: &str) -> Result<Self> {
        let bytes = BASE64_STANDARD.decode(text).ok().and_then(|bytes| <[u8; 8]>::try_from(bytes).ok());
        let why = "is not a CRC-64/NVME in base64";
        let bytes = bytes.ok_or_else(|| Error::new(ErrorKind::Invalid, why).on(text))?;
        Ok(Self(u64::from_be_bytes(bytes)))
    }
}

impl fmt::Display for Crc64 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_base64())
    }
}

impl From<Crc64> for String {
    fn from(crc: Crc64) -> Self {
        crc.to_base64()
    }
}

impl TryFrom<String> for Crc64 {
    type Error = Error;

    fn try_from(text: String) -> Result<Self> {
        Self::from_base64(&text)
    }
}

/// A checksum of bytes that come one after another.
pub(crate) struct RunningCrc(Digest);

impl RunningCrc {
    pub(crate) fn new() -> Self {
        Self(Digest::new(Crc64Nvme))
    }

    pub(crate) fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    pub(crate) fn value(&self) -> Crc64 {
        Crc64(self.0.finalize())
    }
}

impl fmt::Debug for RunningCrc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("RunningCrc").field(&self.value()).finish()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn it_is_the_known_value_and_is_written_as_s3_does() {
        // The check value of <https://reveng.sourceforge.io/crc-catalogue/17plus.htm>.
        let crc = Crc64::of(b"123456789");
        assert_eq!(crc, Crc64(0xae8b_1486_0a79_9888));
        assert_eq!(crc.to_base64(), "rosUhgp5mIg=");
        assert_eq!(Crc64::from_base64("rosUhgp5mIg=").unwrap(), crc);
        assert!(Crc64::from_base64("rosUhg==").is_err());
        assert_eq!(Crc64::of(b""), Crc64::default());
    }

    proptest! {
        #[test]
        fn parts_put_together_are_the_whole(bytes: Vec<u8>, cut: prop::sample::Index) {
            let (first, second) = bytes.split_at(cut.index(bytes.len() + 1));
            prop_assert_eq!(Crc64::of(first).then(Crc64::of(second), second.len() as u64), Crc64::of(&bytes));
        }
    }
}
