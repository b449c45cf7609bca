//! Checksums as S3 takes, computes and shows them.
//!
//! Source: S3 user guide, "Checking object integrity for data uploads in Amazon S3".

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use crc_fast::{CrcAlgorithm, checksum_combine};
use sha1::Sha1;
use sha2::{Digest, Sha256};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Algorithm {
    Crc32,
    Crc32c,
    Crc64Nvme,
    Sha1,
    Sha256,
}

pub(crate) const ALGORITHMS: [Algorithm; 5] =
    [Algorithm::Crc32, Algorithm::Crc32c, Algorithm::Crc64Nvme, Algorithm::Sha1, Algorithm::Sha256];

impl Algorithm {
    pub(crate) fn named(name: &str) -> Option<Self> {
        ALGORITHMS.into_iter().find(|algorithm| algorithm.name().eq_ignore_ascii_case(name))
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Crc32 => "CRC32",
            Self::Crc32c => "CRC32C",
            Self::Crc64Nvme => "CRC64NVME",
            Self::Sha1 => "SHA1",
            Self::Sha256 => "SHA256",
        }
    }

    /// As in a header and in messages.
    pub(crate) fn lower(self) -> String {
        self.name().to_ascii_lowercase()
    }

    fn crc(self) -> Option<CrcAlgorithm> {
        match self {
            Self::Crc32 => Some(CrcAlgorithm::Crc32IsoHdlc),
            Self::Crc32c => Some(CrcAlgorithm::Crc32Iscsi),
            Self::Crc64Nvme => Some(CrcAlgorithm::Crc64Nvme),
            Self::Sha1 | Self::Sha256 => None,
        }
    }

    /// Bytes of a value.
    fn width(self) -> usize {
        match self {
            Self::Crc32 | Self::Crc32c => 4,
            Self::Crc64Nvme => 8,
            Self::Sha1 => 20,
            Self::Sha256 => 32,
        }
    }

    fn of(self, bytes: &[u8]) -> Vec<u8> {
        let mut hasher = Hasher::new(self);
        hasher.update(bytes);
        hasher.finish()
    }

    /// Whether a multi-part upload may have a checksum of this kind and type; `full` is FULL_OBJECT.
    pub(crate) fn allows(self, full: bool) -> bool {
        match self {
            Self::Crc64Nvme => full,
            Self::Crc32 | Self::Crc32c => true,
            Self::Sha1 | Self::Sha256 => !full,
        }
    }
}

pub(crate) enum Hasher {
    Crc(Algorithm, crc_fast::Digest),
    Sha1(Sha1),
    Sha256(Sha256),
}

impl Hasher {
    pub(crate) fn new(algorithm: Algorithm) -> Self {
        match algorithm.crc() {
            Some(crc) => Self::Crc(algorithm, crc_fast::Digest::new(crc)),
            None if algorithm == Algorithm::Sha1 => Self::Sha1(Sha1::new()),
            None => Self::Sha256(Sha256::new()),
        }
    }

    pub(crate) fn update(&mut self, bytes: &[u8]) {
        match self {
            Self::Crc(_, digest) => digest.update(bytes),
            Self::Sha1(digest) => digest.update(bytes),
            Self::Sha256(digest) => digest.update(bytes),
        }
    }

    pub(crate) fn finish(self) -> Vec<u8> {
        match self {
            Self::Crc(algorithm, digest) => digest.finalize().to_be_bytes()[8 - algorithm.width()..].to_vec(),
            Self::Sha1(digest) => digest.finalize().to_vec(),
            Self::Sha256(digest) => digest.finalize().to_vec(),
        }
    }
}

/// A checksum of an object or a part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Sum {
    pub(crate) algorithm: Algorithm,
    pub(crate) value: Vec<u8>,
    /// The number of parts that a COMPOSITE checksum is over; none for a FULL_OBJECT one.
    pub(crate) parts: Option<usize>,
}

impl Sum {
    pub(crate) fn new(algorithm: Algorithm, value: Vec<u8>) -> Self {
        Self { algorithm, value, parts: None }
    }

    /// As in headers: base64, and the number of parts of a composite one.
    pub(crate) fn text(&self) -> String {
        let value = BASE64_STANDARD.encode(&self.value);
        match self.parts {
            Some(parts) => format!("{value}-{parts}"),
            None => value,
        }
    }

    pub(crate) fn kind(&self) -> &'static str {
        if self.parts.is_some() { "COMPOSITE" } else { "FULL_OBJECT" }
    }

    /// A composite checksum is the checksum of the parts' checksums.
    pub(crate) fn composite(algorithm: Algorithm, parts: &[(&Sum, u64)]) -> Self {
        let values: Vec<u8> = parts.iter().flat_map(|(sum, _)| sum.value.clone()).collect();
        Self { algorithm, value: algorithm.of(&values), parts: Some(parts.len()) }
    }

    /// The checksum of the whole from those of its parts, which only CRCs allow.
    pub(crate) fn full(algorithm: Algorithm, parts: &[(&Sum, u64)]) -> Option<Self> {
        let crc = algorithm.crc()?;
        let number = |sum: &Sum| sum.value.iter().fold(0_u64, |number, byte| number << 8 | u64::from(*byte));
        let combined = parts
            .iter()
            .map(|(sum, len)| (number(sum), *len))
            .reduce(|(a, before), (b, len)| (checksum_combine(crc, a, b, len), before + len));
        let (number, _) = combined?;
        Some(Self::new(algorithm, number.to_be_bytes()[8 - algorithm.width()..].to_vec()))
    }
}

/// Whether a text is a value of this algorithm at all.
pub(crate) fn well_formed(algorithm: Algorithm, text: &str) -> bool {
    let value = text.split_once('-').map_or(text, |(value, _)| value);
    BASE64_STANDARD.decode(value).is_ok_and(|bytes| bytes.len() == algorithm.width())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sum(algorithm: Algorithm, bytes: &[u8]) -> Sum {
        Sum::new(algorithm, algorithm.of(bytes))
    }

    /// Check values of the catalog of parametrised CRC algorithms (reveng), and of FIPS 180.
    #[test]
    fn known_values() {
        let hex = |algorithm: Algorithm| hex::encode(algorithm.of(b"123456789"));
        assert_eq!(hex(Algorithm::Crc32), "cbf43926");
        assert_eq!(hex(Algorithm::Crc32c), "e3069283");
        assert_eq!(hex(Algorithm::Crc64Nvme), "ae8b14860a799888");
        assert_eq!(hex(Algorithm::Sha1), "f7c3bc1d808e04732adf679965ccc34ca7ae3441");
        assert!(hex(Algorithm::Sha256).starts_with("15e2b0d3c33891eb"));
    }

    #[test]
    fn checksums_of_parts_make_that_of_the_whole() {
        let whole: Vec<u8> = (0..10_000).map(|i| (i % 253) as u8).collect();
        for algorithm in [Algorithm::Crc32, Algorithm::Crc32c, Algorithm::Crc64Nvme] {
            let sums: Vec<(Sum, u64)> =
                whole.chunks(3_001).map(|part| (sum(algorithm, part), part.len() as u64)).collect();
            let parts: Vec<(&Sum, u64)> = sums.iter().map(|(sum, len)| (sum, *len)).collect();
            assert_eq!(Sum::full(algorithm, &parts), Some(sum(algorithm, &whole)));
            assert!(Sum::composite(algorithm, &parts).text().ends_with("-4"));
        }
        assert_eq!(Sum::full(Algorithm::Sha256, &[(&sum(Algorithm::Sha256, b"x"), 1)]), None);
    }

    #[test]
    fn a_value_has_the_width_of_its_algorithm() {
        assert!(well_formed(Algorithm::Crc32, "AAAAAA=="));
        assert!(well_formed(Algorithm::Crc32, "AAAAAA==-3"));
        assert!(!well_formed(Algorithm::Crc64Nvme, "AAAAAA=="));
        assert!(!well_formed(Algorithm::Sha1, "?"));
    }
}
