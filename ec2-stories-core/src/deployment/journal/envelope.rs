//! What is around a record: the format, a checksum, who wrote it.
//!
//! A tuple is a line, `ec2-stories-journal 2 CHECKSUM`, and one of JSON. The checksum is of the tuple's name and of
//! everything after the first line, so that neither a torn or garbled record nor one under another's name is taken for
//! a good one, whatever the store makes sure of.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

const MAGIC: &str = "ec2-stories-journal";
/// Another is refused, not guessed at. Format 1 had no checksum.
const FORMAT: &str = "2";

/// A record, and whose it is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Envelope<T> {
    /// Which life of the deployment it belongs to, where it belongs to one.
    pub(crate) incarnation: Option<String>,
    /// The controller that wrote it, where one did.
    pub(crate) controller: Option<String>,
    pub(crate) record: T,
}

impl<T: Serialize> Envelope<T> {
    /// The bytes of the tuple of this name.
    pub(crate) fn seal(&self, name: &str) -> serde_json::Result<Vec<u8>> {
        let body = serde_json::to_string(self)?;
        Ok(format!("{MAGIC} {FORMAT} {}\n{body}", checksum(name, body.as_bytes())).into_bytes())
    }
}

impl<T: DeserializeOwned> Envelope<T> {
    /// What the tuple of this name holds, or what is wrong with it.
    pub(crate) fn open(name: &str, bytes: &[u8]) -> Result<Self, String> {
        let mut lines = bytes.splitn(2, |byte| *byte == b'\n');
        let head = lines.next().and_then(|line| std::str::from_utf8(line).ok()).unwrap_or_default();
        let words: Vec<&str> = head.split(' ').collect();
        let sum = match words[..] {
            [MAGIC, FORMAT, sum] => sum,
            [MAGIC, format, ..] => {
                return Err(format!("it has format {format:?}, and this version reads format {FORMAT}"));
            }
            _ => return Err("it is not a record of a journal, or its beginning is damaged".to_owned()),
        };
        let body = lines.next().ok_or("it is cut off")?;
        if checksum(name, body) != sum {
            return Err("its checksum does not match: it is damaged or cut off, or another's".to_owned());
        }
        serde_json::from_slice(body).map_err(|error| error.to_string())
    }
}

fn checksum(name: &str, body: &[u8]) -> String {
    let mut digest = Sha256::new();
    // A name has no line feed.
    digest.update(format!("{name}\n"));
    digest.update(body);
    hex::encode(digest.finalize())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sealed() -> Vec<u8> {
        let controller = Some("c".to_owned());
        Envelope { incarnation: None, controller, record: vec![1, 2] }.seal("a/b").unwrap()
    }

    #[test]
    fn no_damage_goes_unseen_wherever_it_is() {
        let whole = sealed();
        let opened: Envelope<Vec<u32>> = Envelope::open("a/b", &whole).unwrap();
        assert_eq!(opened.record, [1, 2]);
        for at in 0..whole.len() {
            assert!(Envelope::<Vec<u32>>::open("a/b", &whole[..at]).is_err(), "cut off at {at}");
            for bit in 0..8 {
                let mut garbled = whole.clone();
                garbled[at] ^= 1 << bit;
                assert!(Envelope::<Vec<u32>>::open("a/b", &garbled).is_err(), "bit {bit} of byte {at}");
            }
        }
        assert!(Envelope::<Vec<u32>>::open("a/b", &[&whole[..], b" "].concat()).is_err());
    }

    #[test]
    fn a_record_under_anothers_name_is_refused() {
        assert!(Envelope::<Vec<u32>>::open("a/c", &sealed()).unwrap_err().contains("checksum"));
    }

    #[test]
    fn a_later_format_is_named() {
        let error = Envelope::<Vec<u32>>::open("a", b"ec2-stories-journal 3 x\n{}").unwrap_err();
        assert_eq!(error, "it has format \"3\", and this version reads format 2");
    }
}
