//! A tuple's file: a header of lines, an empty line, the value.

use sha2::{Digest, Sha256};

use crate::provider::{Tuple, Version};

const MAGIC: &str = "ec2-stories-tuple";
const FORMAT: &str = "1";

pub(super) fn encode(name: &str, tuple: &Tuple) -> Vec<u8> {
    let Tuple { value, version: Version(version) } = tuple;
    let checksum = checksum(name, version, value);
    let mut bytes = format!("{MAGIC} {FORMAT}\n{name}\n{version}\n{checksum}\n\n").into_bytes();
    bytes.extend_from_slice(value);
    bytes
}

/// The tuple and the name it was stored under, or what is wrong with the file.
pub(super) fn decode(bytes: &[u8]) -> Result<(String, Tuple), String> {
    let mut parts = bytes.splitn(6, |byte| *byte == b'\n');
    let mut line = || {
        let text = parts.next().and_then(|line| std::str::from_utf8(line).ok());
        text.ok_or("its header is damaged or cut off")
    };
    let (magic, name, version, expected, empty) = (line()?, line()?, line()?, line()?, line()?);
    match magic.split_once(' ') {
        Some((MAGIC, FORMAT)) => {}
        Some((MAGIC, format)) => return Err(format!("its format {format:?} is not known")),
        _ => return Err("it is not a tuple's file".to_owned()),
    }
    let value = parts.next().filter(|_| empty.is_empty()).ok_or("its header is damaged or cut off")?;
    if checksum(name, version, value) != expected {
        return Err("its checksum does not match".to_owned());
    }
    Ok((name.to_owned(), Tuple { value: value.to_vec(), version: Version(version.to_owned()) }))
}

fn checksum(name: &str, version: &str, value: &[u8]) -> String {
    let mut digest = Sha256::new();
    // Neither a name nor a version holds a line feed: no two tuples are digested alike.
    digest.update(format!("{name}\n{version}\n"));
    digest.update(value);
    hex::encode(digest.finalize())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn no_damage_goes_unseen(
            value in prop::collection::vec(any::<u8>(), 0..200),
            at in any::<prop::sample::Index>(),
            bits in 1_u8..,
            cut in any::<bool>(),
        ) {
            let tuple = Tuple { value, version: Version("v".to_owned()) };
            let whole = encode("a/b", &tuple);
            prop_assert_eq!(decode(&whole), Ok(("a/b".to_owned(), tuple)));

            let mut damaged = whole.clone();
            let at = at.index(whole.len());
            if cut { damaged.truncate(at) } else { damaged[at] ^= bits }
            prop_assert!(decode(&damaged).is_err());
            damaged = whole;
            damaged.push(bits);
            prop_assert!(decode(&damaged).is_err());
        }
    }

    #[test]
    fn a_later_format_is_named() {
        assert_eq!(decode(b"ec2-stories-tuple 2\n\n\n\n\n"), Err("its format \"2\" is not known".to_owned()));
    }
}
