//! A tuple's bytes.
//!
//! A header of lines, an empty line, the value. The write's token makes the ETags of two writes differ.

use ec2_stories_core::{Error, ErrorKind, Result};
use sha2::{Digest, Sha256};

const FORMAT: &str = "ec2-stories tuple 1";

pub(super) fn write(name: &str, value: &[u8]) -> Vec<u8> {
    let write: u128 = rand::random();
    let checksum = checksum(name, value);
    let mut record = format!("{FORMAT}\nname {name}\nwrite {write:032x}\nsha256 {checksum}\n\n").into_bytes();
    record.extend_from_slice(value);
    record
}

pub(super) fn read(name: &str, record: &[u8]) -> Result<Vec<u8>> {
    parse(name, record).map_err(|why| Error::new(ErrorKind::Corrupt, why).during("get").on(name))
}

fn parse(name: &str, record: &[u8]) -> Result<Vec<u8>, &'static str> {
    let end = record.windows(2).position(|pair| pair == b"\n\n").ok_or("has no header")?;
    let header = std::str::from_utf8(&record[..end]).map_err(|_| "has a damaged header")?;
    let value = &record[end + 2..];
    let mut lines = header.lines();
    if lines.next() != Some(FORMAT) {
        return Err("is of an unknown format");
    }
    let mut field = |key: &str| lines.next().and_then(|line| line.strip_prefix(key)?.strip_prefix(' '));
    if field("name").ok_or("has a damaged header")? != name {
        return Err("is another tuple's");
    }
    field("write").ok_or("has a damaged header")?;
    if field("sha256").ok_or("has a damaged header")? != checksum(name, value) {
        return Err("is damaged");
    }
    Ok(value.to_vec())
}

fn checksum(name: &str, value: &[u8]) -> String {
    hex::encode(Sha256::new().chain_update(name).chain_update([0]).chain_update(value).finalize())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_was_written_is_read(value: Vec<u8>) {
            prop_assert_eq!(read("a/b", &write("a/b", &value)).unwrap(), value);
        }

        #[test]
        fn a_damaged_record_is_corrupt(value: Vec<u8>, at: prop::sample::Index, bit in 0..8_u8) {
            let mut record = write("a", &value);
            let token = record.windows(6).position(|window| window == b"write ").unwrap() + 6;
            let at = at.index(record.len());
            // The token's own bits mean nothing.
            prop_assume!(!(token..token + 32).contains(&at));
            record[at] ^= 1 << bit;
            prop_assert_eq!(read("a", &record).unwrap_err().kind(), ErrorKind::Corrupt);
        }

        #[test]
        fn a_record_that_was_cut_off_is_corrupt(value: Vec<u8>, at: prop::sample::Index) {
            let record = write("a", &value);
            let cut = &record[..at.index(record.len())];
            prop_assert_eq!(read("a", cut).unwrap_err().kind(), ErrorKind::Corrupt);
        }
    }

    #[test]
    fn another_tuples_record_is_corrupt_and_two_writes_differ() {
        assert_eq!(read("b", &write("a", b"v")).unwrap_err().kind(), ErrorKind::Corrupt);
        assert_ne!(write("a", b"v"), write("a", b"v"));
    }
}
