//! Uploads in parts.

pub(crate) mod crc;

pub use crc::Crc64;
